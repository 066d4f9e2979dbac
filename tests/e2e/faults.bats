#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A sample of the sweeps of tests/faults, which `scripts/test-long faults` runs whole: SIGKILL and failing
# system calls at points of the commands and of all that they start; too few descriptors, processes, bytes.

load lib

setup() { need_root; }

# faults ARGUMENT...: tests/faults/run, with what it says.
faults() {
	"$TOP/tests/faults/run" "$@" 3>&- | tee /dev/stderr | grep -q ' 0 failed$'
}

@test "killed at a sample of its calls: run, create, rm, load" {
	faults -n 150 -o "run -d" -o "run -d --secret" kill
	faults -n 80 -o "create -v" -o rm -o load kill
	faults -n 20 -o "secret create" -o "secret create --replace" -o "secret rm" kill
}

@test "hulld: killed at a sample of the calls of its connection: create, start, rm, commit, load" {
	faults -n 120 -o "API create" -o "API start" -o "API rm" -o "API commit" -o "API load" kill
}

@test "failing calls, a sample: run, create, load" {
	faults -n 180 -e ENOMEM,EIO -o "run -d" error
	faults -n 180 -e ENOMEM,EIO -o "run --rm" error
	faults -e ENOMEM -c setns -o "run -d -p" error
	faults -n 8 -e EIO -c write -o "run -d -p" error
	faults -n 80 -e ENOSPC,EMFILE -o "create -v" -o load error
}

@test "few descriptors, few processes, little space" {
	faults -n 30 -o "run --rm" files
	faults -n 10 -o "run --rm" processes
	faults -n 30 -o "create -v" disk
}
