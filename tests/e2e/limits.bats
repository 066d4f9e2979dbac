#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits end up in the right file of the control group, and they hold. Both versions of control groups.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# bats test_tags=fast
@test "every limit is in its file, of either version" {
	has_controller cpuset
	hull run -d --name all -m 64m --memory-reservation 32m --cpu-shares 512 --cpu-quota 20000 --cpu-period 50000 \
		--cpuset-cpus 0 --cpuset-mems 0 --pids-limit 50 --oom-score-adj 500 test sleep 600
	in_files all <<-'TABLE'
		memory memory.limit_in_bytes 67108864 memory.max 67108864
		memory memory.soft_limit_in_bytes 33554432 memory.low 33554432
		cpu cpu.shares 512 cpu.weight 59
		cpu cpu.cfs_quota_us 20000 cpu.max 20000,50000
		cpu cpu.cfs_period_us 50000 cpu.max 20000,50000
		cpuset cpuset.cpus 0 cpuset.cpus 0
		cpuset cpuset.mems 0 cpuset.mems 0
		pids pids.max 50 pids.max 50
	TABLE
	assert_equal 500 "$(cat "/proc/$(pid_of all)/oom_score_adj")"
	# Those who are exec'd are under the same.
	assert_equal "0 0" "$(hull exec all awk '/^(Cpus|Mems)_allowed_list/ { print $2 }' /proc/self/status | xargs)"
	hull run -d --name some --cpus 0.25 --cpu-shares 2 --pids-limit 0 test sleep 600
	in_files some <<-'TABLE'
		memory memory.limit_in_bytes 9223372036854771712 memory.max max
		cpu cpu.shares 2 cpu.weight 1
		cpu cpu.cfs_quota_us 25000 cpu.max 25000,100000
		pids pids.max max pids.max max
	TABLE
	hull run -d --name much --cpu-shares 262144 --cpu-period 200000 test sleep 600
	in_files much <<-'TABLE'
		cpu cpu.shares 262144 cpu.weight 10000
		cpu cpu.cfs_quota_us -1 cpu.max max,200000
		cpu cpu.cfs_period_us 200000 - -
	TABLE
}

# Swap counts with memory on version 1, by itself on version 2.
@test "every limit of swap is in its file, of either version" {
	has_controller memory
	swap_file() {
		if is_v1 memory; then echo memory.memsw.limit_in_bytes; else echo memory.swap.max; fi
	}
	hull run -d --name cc -m 64m test sleep 600
	[ -e "$(cgroup_dir cc memory)/$(swap_file)" ] || skip "this kernel has no $(swap_file)"
	in_files cc <<<"memory $(swap_file) 134217728 $(swap_file) 67108864"
	hull run -d --name dd -m 64m --memory-swap 96m test sleep 600
	in_files dd <<<"memory $(swap_file) 100663296 $(swap_file) 33554432"
	hull run -d --name ee -m 64m --memory-swap 64m test sleep 600
	in_files ee <<<"memory $(swap_file) 67108864 $(swap_file) 0"
	hull run -d --name ff -m 64m --memory-swap -1 test sleep 600
	in_files ff <<<"memory $(swap_file) 9223372036854771712 $(swap_file) max"
}

@test "memory: what is over the limit goes to swap where that is allowed, and kills where it is not" {
	has_controller memory
	[ "$(awk 'NR > 1 { free += $3 - $4 } END { print free + 0 }' /proc/swaps)" -gt 100000 ] ||
		skip "this machine has no swap of 100 MB"
	hull run -d --name cc -m 32m --memory-swap 128m test /probe eat 64
	wait_ready cc 20
	assert_equal running "$(status_of cc)"
	run hull run --name dd -m 32m --memory-swap 32m test /probe eat 64
	assert_status 137
}

# bats test_tags=fast
@test "memory: -m is in the file, and use beyond it kills (M1 M2 B10)" {
	has_controller memory
	hull run -d --name cc -m 64m test sleep 600
	assert_equal 67108864 "$(cgroup_value cc memory memory.limit_in_bytes memory.max)"
	run hull run --name dd -m 64m test /probe eat 200
	assert_status 137
	assert_equal "true 137" "$(hull inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' dd)"
}

@test "memory: a child is killed, PID 1 lives on, and it is recorded (M2)" {
	has_controller memory
	hull run -d --name cc -m 64m test /probe eat-child 200
	wait_ready cc 20
	hull stop -t 0 cc
	assert_equal true "$(hull inspect -f '{{.State.OOMKilled}}' cc)"
}

@test "memory: a normal exit is not called an OOM" {
	hull run --name cc -m 64m test sh -c 'exit 137' || true
	assert_equal "false 137" "$(hull inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' cc)"
	hull run -d --name dd -m 64m test sleep 600
	hull kill dd
	hull wait dd
	assert_equal false "$(hull inspect -f '{{.State.OOMKilled}}' dd)"
}

@test "memory: swap and swappiness (M5)" {
	has_controller memory
	hull run -d --name cc -m 64m --memory-swap 64m test sleep 600
	if is_v1 memory; then
		dir=$(cgroup_dir cc memory)
		[ ! -e "$dir/memory.memsw.limit_in_bytes" ] ||
			assert_equal 67108864 "$(cat "$dir/memory.memsw.limit_in_bytes")"
		hull run -d --name dd -m 64m --memory-swappiness 0 test sleep 600
		assert_equal 0 "$(cat "$(cgroup_dir dd memory)/memory.swappiness")"
	else
		assert_equal 0 "$(cat "$(cgroup_dir cc memory)/memory.swap.max")"
	fi
	run hull run --rm -m 64m --memory-swap 32m test true
	assert_status 125
}

@test "memory: too small and senseless limits are refused before the start" {
	for bad in 1k 0x10 -5 12q ''; do
		run hull run --rm -m "$bad" test true
		[ "$status" = 125 ] || fail "-m $bad: $status $output"
	done
	assert_equal "" "$(hull ps -aq)"
}

@test "memory: reservation" {
	has_controller memory
	hull run -d --name cc -m 64m --memory-reservation 32m test sleep 600
	assert_equal 33554432 "$(cgroup_value cc memory memory.soft_limit_in_bytes memory.low)"
}

# bats test_tags=fast
@test "cpu: --cpus is quota and period (C2)" {
	has_controller cpu
	hull run -d --name cc --cpus 0.5 test sleep 600
	if is_v1 cpu; then
		dir=$(cgroup_dir cc cpu)
		assert_equal "50000 100000" "$(cat "$dir/cpu.cfs_quota_us" "$dir/cpu.cfs_period_us" | tr '\n' ' ' | sed 's/ $//')"
	else
		assert_equal "50000 100000" "$(cat "$(cgroup_dir cc cpu)/cpu.max")"
	fi
	hull run -d --name dd --cpu-quota 20000 --cpu-period 50000 test sleep 600
	if is_v1 cpu; then
		assert_equal 20000 "$(cat "$(cgroup_dir dd cpu)/cpu.cfs_quota_us")"
	else
		assert_equal "20000 50000" "$(cat "$(cgroup_dir dd cpu)/cpu.max")"
	fi
	run hull run --rm --cpus 1000 test true
	assert_status 125
	run hull run --rm --cpus 0.5 --cpu-quota 1000 test true
	assert_status 125
}

@test "cpu: a quota throttles (C2)" {
	has_controller cpu
	hull run -d --name cc --cpus 0.2 test sh -c 'while :; do :; done'
	dir=$(cgroup_dir cc cpu)
	# On a busy machine it gets less than its quota for a while.
	wait_for 60 grep -q '^nr_throttled [1-9]' "$dir/cpu.stat"
}

@test "cpu: shares, also as a weight (C3)" {
	has_controller cpu
	hull run -d --name cc --cpu-shares 1024 test sleep 600
	if is_v1 cpu; then
		assert_equal 1024 "$(cat "$(cgroup_dir cc cpu)/cpu.shares")"
	else
		weight=$(cat "$(cgroup_dir cc cpu)/cpu.weight")
		[ "$weight" = 100 ] || [ "$weight" = 39 ] || fail "weight $weight"
	fi
}

@test "cpuset: a processor of its own; those that are not there are refused (C4)" {
	has_controller cpuset
	assert_equal 0 "$(hull run --rm --cpuset-cpus 0 test awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)"
	hull run -d --name cc --cpuset-cpus 0 --cpuset-mems 0 test sleep 600
	assert_equal 0 "$(cgroup_value cc cpuset cpuset.cpus cpuset.cpus)"
	for bad in 4000 0-4294967295 1-0 a 0,,1; do
		run within 5 "$HULL" run --rm --cpuset-cpus "$bad" test true 3>&-
		assert_status 125
	done
}

# bats test_tags=fast
@test "pids: the limit, its default, and none" {
	hull run -d --name cc --pids-limit 50 test sleep 600
	assert_equal 50 "$(cgroup_value cc pids pids.max pids.max)"
	hull run -d --name dd test sleep 600
	assert_equal 4096 "$(cgroup_value dd pids pids.max pids.max)"
	hull run -d --name ee --pids-limit -1 test sleep 600
	assert_equal max "$(cgroup_value ee pids pids.max pids.max)"
}

@test "oom_score_adj: given, default, out of range" {
	assert_equal 500 "$(hull run --rm --oom-score-adj 500 test cat /proc/self/oom_score_adj)"
	assert_equal 0 "$(hull run --rm test cat /proc/self/oom_score_adj)"
	run hull run --rm --oom-score-adj 1001 test true
	assert_status 125
}

# Whoever writes another's pid there makes the kernel wait 5 to 25 ms, in which nothing on the machine can fork.
@test "groups: neither a run nor an exec moves a process by its pid" {
	command -v strace >/dev/null || skip "needs strace"
	hull run -d --name cc test sleep 600
	strace -f -qq -o moves -e trace=openat "$HULL" run --rm test true 3>&-
	strace -f -qq -A -o moves -e trace=openat "$HULL" exec cc true 3>&-
	run ! grep 'cgroup.procs.*O_WRONLY' moves
	grep -q O_WRONLY moves
}

@test "groups: all processes are in them, exec'd ones too; gone after the end (G3 G4)" {
	id=$(hull run -d --name cc test sh -c 'sleep 61 & sleep 62')
	hull exec -d cc sleep 63
	wait_for 5 eval '[ "$(hull top cc | grep -c "sleep 6")" -ge 3 ]'
	hull top cc -o pid | tail -n +2 | tr -d ' ' | sort >listed
	sort "$(cgroup_dir cc pids)/cgroup.procs" >grouped
	assert_equal "$(cat listed)" "$(cat grouped)"
	hull rm -f cc
	[ -z "$(find /sys/fs/cgroup -maxdepth 6 -type d -name "*$id*")" ]
}

# On version 2 a group that passes controllers on takes no process itself: systemd or an engine inside.
@test "groups: exec goes where PID 1 is when the container has made groups of its own" {
	! is_v1 memory || skip "version 1 has no such rule"
	hull run -d --privileged --name cc test sh -c 'cd /sys/fs/cgroup && mkdir init && echo 1 >init/cgroup.procs &&
		echo "+memory +pids" >cgroup.subtree_control && echo ready; sleep 600'
	wait_ready cc
	assert_equal "0::/init" "$(hull exec cc cat /proc/self/cgroup)"
	hull exec -d cc sleep 77
	wait_for 5 eval '[ "$(hull top cc | grep -c "sleep 77")" = 1 ]'
	hull pause cc
	hull unpause cc
	hull stop -t 0 cc
	hull start cc
	hull exec cc true
}

# What version 1 has no like of is taken from the bare tree of version 2 beside it.
@test "groups: a hybrid machine has each container in its groups of version 1 and in the tree of version 2" {
	is_v1 memory && [[ $CGROUP_MOUNTS == *" cgroup2 "* ]] || skip "needs both versions mounted"
	hull run -d --name cc -m 64m test sh -c 'sleep 601 & exec sleep 602'
	local tree dir controller
	tree=$(cgroup_dir cc none)
	wait_for 5 eval '[ "$(wc -l <"$tree/cgroup.procs")" = 2 ]'
	for controller in memory cpu cpuacct pids devices blkio; do
		is_v1 $controller || continue
		dir=$(cgroup_dir cc $controller)
		[ "$dir" != "$tree" ]
		assert_equal "$(sort "$tree/cgroup.procs")" "$(sort "$dir/cgroup.procs")"
		assert_equal "${tree##*/}" "${dir##*/}"
	done
	assert_equal 67108864 "$(cat "$(cgroup_dir cc memory)/memory.limit_in_bytes")"
	[ ! -e "$tree/memory.max" ]
	# Frozen by version 2: it is in no group of the freezer of version 1.
	hull pause cc
	assert_equal 1 "$(cat "$tree/cgroup.freeze")"
	grep -qx 'frozen 1' "$tree/cgroup.events"
	! is_v1 freezer || [ "$(cgroup_dir cc freezer)" = "${BASH_REMATCH[1]}/" ]
	hull unpause cc
	grep -qx 'frozen 0' "$tree/cgroup.events"
	# Pressure is measured there alone.
	[ ! -e "$tree/cpu.pressure" ] || [ -n "$(hull stats --no-stream --format '{{.PressureCPU}}' cc)" ]
	# What outlives the first process is killed there, at once.
	command -v strace >/dev/null || skip "needs strace for the rest"
	strace -f -qq -o end -e trace=openat "$HULL" run --rm --pid host test sh -c 'sleep 603 & exec true' 3>&-
	grep -q '"cgroup.kill".* = [0-9]' end
}

@test "groups: --cgroup-parent, and what leads out of it is refused (T023)" {
	[ "${HULL_TEST_MANAGER-}" != systemd ] || skip "systemd takes slices: systemd.bats"
	PARENT_GROUPS=("hull-test-$$" "hull-test-$$.slice")
	hull run -d --name cc --cgroup-parent "/hull-test-$$" test sleep 600
	[[ "$(cgroup_dir cc pids)" == */hull-test-$$/* ]]
	hull rm -f cc
	hull run -d --name cc --cgroup-parent "hull-test-$$.slice" test sleep 600
	[[ "$(cgroup_dir cc pids)" == */hull-test-$$.slice/* ]]
	hull rm -f cc
	assert_equal 1 "$(hull run --rm --ulimit nofile=1 test sh -c 'ulimit -n')"
	hull run -d --name cc test sleep 600
	hull update --ulimit nofile=4 cc
	assert_equal 4 "$(hull exec cc sh -c 'ulimit -n')"
	hull rm -f cc
	run hull run --rm --cgroup-parent /a/../../.. test true
	assert_status 125
}

@test "the container sees its own group as the root, read-only" {
	run hull run --rm test cat /proc/self/cgroup
	assert_lacks hull
	run hull run --rm test sh -c 'find /sys/fs/cgroup -name cgroup.procs | head -n 1 | while read f; do echo 1 >$f; done'
	assert_has "Read-only"
}

# Microseconds of processor time that the group of a container has used.
cpu_us() {
	local dir
	if is_v1 cpuacct; then
		echo $(($(<"$(cgroup_dir "$1" cpuacct)/cpuacct.usage") / 1000))
	else
		awk '$1 == "usage_usec" { print $2 }' "$(cgroup_dir "$1" cpu)/cpu.stat"
	fi
}

# of_cpu_stat CONTAINER KEY
of_cpu_stat() {
	awk -v k="$2" '$1 == k { print $2 }' "$(cgroup_dir "$1" cpu)/cpu.stat"
}

has_used() {
	[ "$(cpu_us "$1")" -ge "$2" ]
}

@test "cpu: user and system time of its processes are what its group has used (C1)" {
	has_controller cpu
	hull run -d --name cc test sh -c 'while :; do dd if=/dev/zero of=/dev/null bs=64k count=500 2>/dev/null; i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); done; done'
	wait_for 60 has_used cc 2000000
	# Nothing runs while we read. A process that has ended is in its parent's sums, one that runs is not.
	hull pause cc
	local pid ticks=0 fields hz group user kernel
	hz=$(getconf CLK_TCK)
	for pid in $(hull top cc -o pid | tail -n +2); do
		fields=$(sed 's/.*) //' "/proc/$pid/stat")
		# shellcheck disable=SC2086 # fields are words
		set -- $fields
		ticks=$((ticks + ${12} + ${13} + ${14} + ${15}))
	done
	group=$(cpu_us cc)
	if is_v1 cpuacct; then
		user=$(($(awk '/^user/ { print $2 }' "$(cgroup_dir cc cpuacct)/cpuacct.stat") * 1000000 / hz))
		kernel=$(($(awk '/^system/ { print $2 }' "$(cgroup_dir cc cpuacct)/cpuacct.stat") * 1000000 / hz))
	else
		user=$(of_cpu_stat cc user_usec) kernel=$(of_cpu_stat cc system_usec)
	fi
	hull unpause cc
	# Each process that has ended may have lost a part of a tick; what set it up counts in the group alone.
	[ "$user" -gt 0 ] && [ "$kernel" -gt 0 ]
	assert_within "$group" $((user + kernel)) $((group / 50 + 2 * 1000000 / hz))
	assert_within "$group" $((ticks * 1000000 / hz)) $((group / 10 + 100000))
}

@test "cpu: a quota of a tenth of a processor is used up, and no more than that (C2)" {
	has_controller cpu
	hull run -d --name cc --cpus 0.1 test sh -c 'while :; do :; done'
	local from to before after throttled
	wait_for 60 eval '[ "$(of_cpu_stat cc nr_throttled)" -gt 0 ]'
	from=$(now_ms)
	throttled=$(of_cpu_stat cc nr_throttled)
	before=$(cpu_us cc)
	# Forty periods that were used up, however long a busy machine takes for them.
	wait_for 120 eval '[ "$(of_cpu_stat cc nr_throttled)" -ge $((throttled + 40)) ]'
	throttled=$(($(of_cpu_stat cc nr_throttled) - throttled))
	after=$(cpu_us cc)
	to=$(now_ms)
	# Of each 10 ms were used, but for what was left to another processor; in the whole time no more than a tenth.
	[ $((after - before)) -ge $((throttled * 5000)) ] || fail "$((after - before)) us in $throttled periods"
	[ $((after - before)) -le $(((to - from) * 110 + 100000)) ] || fail "$((after - before)) us in $((to - from)) ms"
}

@test "cpu: shares of 1024 and 512 on one processor come to two to one, on version 2 to 100 to 59 (C3)" {
	has_controller cpu
	has_controller cpuset
	hull run -d --name aa --cpuset-cpus 0 --cpu-shares 1024 test sh -c 'while :; do :; done'
	hull run -d --name bb --cpuset-cpus 0 --cpu-shares 512 test sh -c 'while :; do :; done'
	# Of version 2 the weights are 100 and 59, by the formula of docs/limits.md.
	local a b low=17 high=23
	is_v1 cpu || low=14 high=20
	a=$(cpu_us aa) b=$(cpu_us bb)
	# Whatever else this processor does: of what both get.
	two_to_one() {
		local x=$(($(cpu_us aa) - a)) y=$(($(cpu_us bb) - b))
		echo "$x $y" >shares
		[ $((x + y)) -ge 3000000 ] && [ $((x * 10)) -ge $((y * low)) ] && [ $((x * 10)) -le $((y * high)) ]
	}
	wait_for 120 two_to_one || fail "used: $(cat shares)"
}
