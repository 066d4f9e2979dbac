#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docker's client with hulld beside hull itself: every command, and every flag of it, in a network namespace of its own.

load ../e2e/lib
load ../e2e/api
load ../e2e/registry

setup() {
	need_docker
	api_namespace_setup
	NET_PID=$HOST
	in_net ip link set lo up
	registry_up "http: {addr: '$REGISTRY'}" "$(basic_auth)"
}
teardown() { api_namespace_teardown; }

# Some 210 lines, each by both, 40 s.
@test "docker: every command and flag does what it does with hull, in the same words" {
	PARENT_GROUPS=(d-build h-build)
	in_net /usr/bin/python3 "$BATS_TEST_DIRNAME/commands.py" "$HULL" "$REGISTRY" 3>&-
	# shellcheck disable=SC2046
	hull rm -f -v $(hull ps -aq) >/dev/null
}
