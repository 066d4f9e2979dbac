#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld under load for minutes: no error, and neither memory nor descriptors grow.

load ../e2e/lib
load ../e2e/api

setup() { api_setup; }
teardown() { api_teardown; }

# load_it CLIENTS REQUESTS SECONDS: figures are printed.
load_it() {
	/usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/api_load.py" "$SOCKET" "$HULLD" "$@" >&3
	assert_equal "" "$(hull ps -aq)"
	run -0 hull system check
}

@test "load: 200 clients at once: list, inspect, create, start, wait, logs, remove" {
	load_it 200 "${LOAD_REQUESTS:-10000}" "${LOAD_SECONDS:-600}"
}

@test "load: one connection that is kept, and the process that serves it" {
	load_it 1 "${LOAD_REQUESTS:-10000}" "${LOAD_SECONDS:-600}"
}
