#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld: what only some of the versions 1.24 to 1.51 have.

load lib
load api

setup() { api_namespace_setup; }
teardown() { api_namespace_teardown; }

@test "api versions: each member and each parameter is there from the version on that docker has it in" {
	hull run --name made --network none test touch /new
	hull commit made
	hull rm made
	python3 "$BATS_TEST_DIRNAME/api_versions.py" "$SOCKET" 3>&-
	hull network rm net other
	hull volume rm vol
}
