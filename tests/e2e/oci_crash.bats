#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull-runtime when it is killed at its system calls, when they fail, and when several callers work on
# one id. SWEEP_EVERY=1 takes every system call instead of some.

load oci

need_strace() {
	command -v strace >/dev/null || skip "no strace"
	every=${SWEEP_EVERY:-$1}
	BATS_TEST_TIMEOUT=900
}

# points COMMAND...: the (call, how often) of the runtime's own process.
points() {
	strace -o "$dir/trace" "$runtime" --root "$dir/state" "$@" </dev/null >/dev/null 2>&1 3>&-
	awk 'match($1, /^[a-z_0-9]+\(/) { name = substr($1, 1, RLENGTH - 1); print name, ++seen[name] }' \
		"$dir/trace" | grep -vE '^(execve|exit|exit_group) ' |
		awk -v n="$every" 'NR % n == 1 || n == 1' >"$dir/points"
	[ -s "$dir/points" ]
}

# killed CALL NTH COMMAND...
killed() {
	local call=$1 nth=$2
	shift 2
	timeout -k 1 20 strace -o /dev/null -e trace=none -e "inject=$call:signal=KILL:when=$nth" \
		"$runtime" --root "$dir/state" "$@" </dev/null >/dev/null 2>&1 3>&- || true
}

assert_nothing_left() {
	local left
	for _ in $(seq 1000); do
		left=$(leftovers)
		[ -n "$left" ] || return 0
		sleep 0.05
	done
	fail "$1: left behind:" "$left"
}

# sweep COMMAND...: after each kill the state can be read, and delete --force removes all.
sweep() {
	local call nth count=0
	points "$@"
	rt delete --force c1
	while read -r call nth; do
		killed "$call" "$nth" "$@"
		rt list >/dev/null || fail "$call $nth: list fails"
		timeout 20 "$runtime" --root "$dir/state" delete --force c1 3>&- ||
			fail "$call $nth: delete --force fails"
		assert_nothing_left "$call $nth"
		count=$((count + 1))
	done <"$dir/points"
	echo "# $count points of $1" >&3
}

@test "kill sweep: create" {
	need_strace 9
	config '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}'
	sweep create --pid-file "$dir/pid" c1
	rt create c1
}

@test "kill sweep: run, detached" {
	need_strace 12
	sweep run --detach c1
}

@test "kill sweep: create with hooks, a terminal and a filter" {
	need_strace 16
	config '.hooks.prestart = [{path: "/bin/true"}] | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}'
	sweep create c1
}

@test "kill sweep: start, delete" {
	need_strace 6
	rt create c1
	points start c1
	rt delete --force c1
	local call nth
	while read -r call nth; do
		rt create c1
		killed "$call" "$nth" start c1
		case $(status_of c1) in
		created) rt start c1 || [ "$(status_of c1)" != created ] || fail "$call $nth: no start" ;;
		running) ;;
		*) fail "$call $nth: $(status_of c1)" ;;
		esac
		rt delete --force c1
		assert_nothing_left "$call $nth"
	done <"$dir/points"
	rt create c1
	points delete --force c1
	while read -r call nth; do
		rt create c1
		rt start c1
		killed "$call" "$nth" delete --force c1
		rt delete --force c1
		assert_nothing_left "delete: $call $nth"
	done <"$dir/points"
}

# The folder that stands in for resctrl has no files in a new group, so that create ends with an error: it is
# killed at each call from the one that makes the group to that end.
@test "kill sweep: create with a group of resctrl of its own" {
	need_strace 1
	local call nth made=0
	make_resctrl
	config '.linux.intelRdt = {}'
	in_resctrl strace -D -o "$dir/trace" "$runtime" --root "$dir/state" create c1 </dev/null >/dev/null 2>&1 || true
	wait_for 20 grep -q '^+++ exited' "$dir/trace"
	awk 'match($1, /^[a-z_0-9]+\(/) { name = substr($1, 1, RLENGTH - 1); n = ++seen[name]
		if (/^mkdirat\(.*"c1", 0755/) from = 1
		if (from && name !~ /^exit/) print name, n }' "$dir/trace" >"$dir/points"
	[ "$(wc -l <"$dir/points")" -gt 10 ] || fail "$(cat "$dir/trace")"
	assert_nothing_left "a create that failed"
	while read -r call nth; do
		in_resctrl strace -D -o /dev/null -e "inject=$call:signal=KILL:when=$nth" \
			"$runtime" --root "$dir/state" create c1 </dev/null >/dev/null 2>&1 || true
		[ ! -d "$dir/rdt/c1" ] || made=$((made + 1))
		with_rdt delete --force c1
		[ ! -e "$dir/rdt/c1" ] || fail "$call $nth: the group is left"
		assert_nothing_left "$call $nth"
	done <"$dir/points"
	[ "$made" -gt 0 ] || fail "$(cat "$dir/trace" "$dir/points")"
}

@test "system calls that fail: create fails whole, with a reason" {
	need_strace 1
	local call error status
	for call in mkdirat clone3 socketpair pipe2 openat2 bind renameat flock; do
		for error in ENOSPC EMFILE; do
			# To a file: the container holds what it is given.
			status=0
			timeout -k 1 20 strace -o /dev/null -e trace=none -e "inject=$call:error=$error:when=1" \
				"$runtime" --root "$dir/state" create c1 >"$dir/output" 2>&1 </dev/null 3>&- || status=$?
			if [ "$status" = 0 ]; then
				rt delete --force c1
			else
				grep -q "hull-runtime: " "$dir/output" || fail "$call $error: no reason"
			fi
			[ -z "$(rt list -q)" ] || fail "$call $error: still listed"
			assert_nothing_left "$call $error"
		done
	done
}

@test "several callers on one id: one wins, and nothing is torn" {
	local i round created
	for round in 1 2 3; do
		for i in $(seq 8); do
			{ rt create c1 >/dev/null 2>&1 && echo won; } >>"$dir/won" &
		done
		wait_jobs
	done
	# Later rounds find it created.
	[ "$(wc -l <"$dir/won")" = 1 ]
	[ "$(status_of c1)" = created ]
	for i in $(seq 8); do
		{ rt start c1 >/dev/null 2>&1 && echo started; } >>"$dir/started" &
	done
	wait_jobs
	[ "$(wc -l <"$dir/started")" = 1 ]
	for i in $(seq 8); do rt delete --force c1 & done
	wait_jobs
	[ -z "$(rt list -q)" ]
}

@test "create, exec, kill, state and delete of one id against each other" {
	local i
	for i in $(seq 60); do
		case $((i % 6)) in
		0) rt create c1 ;;
		1) rt start c1 ;;
		2) rt exec c1 true ;;
		3) rt state c1 ;;
		4) rt kill c1 KILL ;;
		5) rt delete --force c1 ;;
		esac >/dev/null 2>&1 &
		[ $((i % 12)) != 0 ] || wait_jobs
	done
	wait_jobs
	rt delete --force c1
	assert_nothing_left "the fight"
}
