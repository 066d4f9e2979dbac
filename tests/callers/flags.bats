#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docker's client with hulld beside hull itself: what flags of it come to. In a network namespace of its own.

load ../e2e/lib
load ../e2e/api

setup() {
	need_docker
	api_namespace_setup
}
teardown() { api_namespace_teardown; }

# Some 350 containers, 10 s.
@test "docker create, docker run: every flag comes to what it does with hull, or is refused in the same words" {
	hull network create --subnet 10.77.0.0/24 net
	nsenter -n -t "$HOST" /usr/bin/python3 "$BATS_TEST_DIRNAME/flags.py" "$HULL" 3>&-
	# shellcheck disable=SC2046
	hull rm -f -v $(hull ps -aq) >/dev/null
}
