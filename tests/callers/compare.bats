#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld beside dockerd: the same calls, answer by answer.

load callers

setup_file() {
	callers_begin dockerd containerd python3
	[ -s "$WORK/holder" ] || return 0
	beside_dockerd
}

teardown_file() { callers_end; }
setup() { need_callers; }

@test "hulld answers as dockerd does, but for what the list names" {
	LIMIT=200 inside python3 "$BATS_TEST_DIRNAME/compare.py" /run/docker.sock /run/hulld.sock 1.41
}

@test "hulld answers as dockerd does to the oldest clients that both know" {
	LIMIT=200 inside python3 "$BATS_TEST_DIRNAME/compare.py" /run/docker.sock /run/hulld.sock 1.24
}
