#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The process of a spec: what the kernel says of it once it runs.

load spec

# stat_field N: of /proc/PID/stat of the running container, from field 3 on.
stat_field() {
	sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f$(($1 - 2))
}

@test "scheduler: policies, nice and priority" {
	config '.process.scheduler = {policy: "SCHED_BATCH", nice: 5}'
	background
	[ "$(stat_field 41)" = 3 ]
	[ "$(stat_field 19)" = 5 ]
	end_background
	config '.process.scheduler = {policy: "SCHED_IDLE"}'
	background
	[ "$(stat_field 41)" = 5 ]
	end_background
	config '.process.scheduler = {policy: "SCHED_FIFO", priority: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	background
	[ "$(stat_field 41)" = 1 ]
	[ "$(stat_field 40)" = 7 ]
	end_background
	config '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 10000000, period: 10000000}'
	background
	[ "$(stat_field 41)" = 6 ]
	end_background
}

@test "ioPriority" {
	command -v ionice >/dev/null || skip "needs ionice"
	config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	background
	[ "$(ionice -p "$pid")" = "best-effort: prio 6" ]
	end_background
	config '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
	background
	[ "$(ionice -p "$pid")" = idle ]
	join '.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 1}' sh -c 'sleep 0'
	[ "$status" = 0 ]
	end_background
}

@test "execCPUAffinity is for those that join" {
	config '.process.execCPUAffinity = {initial: "0", final: "0"}'
	background
	[ "$(nproc)" = 1 ] || ! grep -qx 'Cpus_allowed_list:	0' "/proc/$pid/status"
	join . grep Cpus_allowed_list /proc/self/status
	[[ $output == *"	0" ]]
	join '.execCPUAffinity = {initial: "0"}' grep Cpus_allowed_list /proc/self/status
	[[ $output == *"	0" ]]
	join '.execCPUAffinity = {final: "x"}' true
	[ "$status" = 125 ]
	[[ $output == *"execCPUAffinity.final x"* ]]
	end_background
}

@test "oomScoreAdj" {
	config '.process.oomScoreAdj = 321'
	start cat /proc/self/oom_score_adj
	[ "$output" = 321 ]
	config '.process.oomScoreAdj = 1001'
	start true
	[ "$status" = 125 ]
	[[ $output == *"oom_score_adj 1001"* ]]
}

@test "rlimits, each that the kernel has" {
	# Without CAP_SYS_RESOURCE a limit can only fall: below what anybody has.
	local name
	for name in AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NOFILE NPROC RSS RTTIME SIGPENDING STACK; do
		case $name in
		AS | DATA | FSIZE | RSS | STACK) set -- 6000000 7000000 ;;
		RTTIME | CPU) set -- 600000 700000 ;;
		*) set -- 60 70 ;;
		esac
		config --arg n "RLIMIT_$name" --argjson s "$1" --argjson h "$2" \
			'.process.rlimits = [{type: $n, soft: $s, hard: $h}]'
		start cat /proc/self/limits
		[ "$status" = 0 ]
		grep -q "$1 *$2" <<<"$output" || { echo "$name: $output"; return 1; }
	done
	config '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1, hard: 1}, {type: "RLIMIT_CORE", soft: 1, hard: 1}]'
	start true
	[ "$status" = 125 ]
	[[ $output == *"RLIMIT_CORE: it is there twice"* ]]
	config '.process.rlimits = [{type: "RLIMIT_CORE", soft: 2, hard: 1}]'
	start true
	[[ $output == *"the soft limit is above the hard limit"* ]]
}

@test "the five sets of capabilities, for another user too" {
	config '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_KILL"],
		inheritable: ["CAP_KILL"], effective: ["CAP_CHOWN"], ambient: ["CAP_KILL"]}'
	start grep ^Cap /proc/self/status
	[ "$(tr -s '\t\n' ' ' <<<"$output")" = "CapInh: 0000000000000020 CapPrm: 0000000000000020 CapEff: 0000000000000020 CapBnd: 0000000000002021 CapAmb: 0000000000000020 " ]
	config '.process.user = {uid: 0, gid: 0} | del(.process.capabilities.ambient)'
	start grep ^Cap /proc/self/status
	[[ $output == *"CapBnd:	0000000000002021"* && $output == *"CapInh:	0000000000000020"* ]]
}

@test "a capability that does not exist is told of and left out" {
	config '.process.capabilities.bounding = ["CAP_NONE", "CAP_KILL"]'
	start grep CapBnd /proc/self/status
	[ "$status" = 0 ]
	[[ $output == *"warning: capability CAP_NONE: there is none of that name"* ]]
	[[ $output == *0000000000000020 ]]
}

@test "umask and groups" {
	config '.process.user = {uid: 1000, gid: 1000, umask: 7, additionalGids: [10, 4294967294]}'
	start sh -c 'umask; grep Groups /proc/self/status'
	[[ ${lines[0]} == 0007 && ${lines[1]} == *"10 4294967294"* ]]
	config '.process.user.umask = 512'
	start true
	[ "$status" = 125 ]
	[[ $output == *"umask 512"* ]]
}

@test "personality" {
	config '.linux.personality = {domain: "LINUX32"}'
	start cat /proc/self/personality
	[ "$output" = 00000008 ]
	[ "$(uname -m)" != x86_64 ] || {
		start busybox uname -m
		[ "$output" = i686 ]
	}
	config '.linux.personality = {domain: "LINUX"}'
	start cat /proc/self/personality
	[ "$output" = 00000000 ]
}

@test "memoryPolicy" {
	[ -e /proc/self/numa_maps ] || skip "a kernel without NUMA"
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	start cat /proc/self/numa_maps
	[[ ${lines[0]} == *" bind=static:0"* ]]
	config '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0"}'
	start cat /proc/self/numa_maps
	[[ ${lines[0]} == *" interleave:0"* ]]
	config '.linux.memoryPolicy = {mode: "MPOL_DEFAULT"}'
	start cat /proc/self/numa_maps
	[[ ${lines[0]} == *" default"* ]]
	config '.linux.memoryPolicy = {mode: "MPOL_BIND"}'
	start true
	[ "$status" = 125 ]
	[[ $output == *"cannot set the memoryPolicy"* ]]
}

@test "noNewPrivileges, and labels of modules that are not there" {
	config '.process.noNewPrivileges = true'
	start grep NoNewPrivs /proc/self/status
	[[ $output == *1 ]]
	[ -e /sys/fs/selinux/enforce ] || {
		config '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
		start true
		[ "$status" = 125 ]
		[[ $output == *"SELinux label"* ]]
	}
}

@test "unknown fields are ignored, and what cannot be meant is refused by name" {
	config '.process.future = {x: [1]} | .linux.future = 1 | .future = null | .annotations = {"a": "b"}'
	start true
	[ "$status" = 0 ]
	try() {
		write_config
		config "$1"
		start true
		[ "$status" = 125 ]
		[[ $output == *"$2"* ]] || { echo "$output"; return 1; }
	}
	try '.process.scheduler = {policy: "SCHED_X"}' 'scheduler.policy SCHED_X'
	try '.process.scheduler = {policy: "SCHED_OTHER", flags: ["X"]}' 'scheduler.flags X'
	try '.process.scheduler = {policy: "SCHED_OTHER", nice: 20}' 'scheduler.nice 20'
	try '.process.scheduler = {policy: "SCHED_OTHER", priority: 1}' 'scheduler.priority is for'
	try '.process.scheduler = {policy: "SCHED_FIFO", runtime: 1}' 'are for SCHED_DEADLINE'
	try '.process.scheduler = {nice: 1}' 'scheduler: policy: missing'
	try '.process.ioPriority = {class: "X", priority: 1}' 'ioPriority.class X'
	try '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 8}' 'ioPriority.priority 8'
	try '.linux.personality = {domain: "HPUX"}' 'personality.domain HPUX'
	try '.linux.memoryPolicy = {mode: "MPOL_X"}' 'memoryPolicy.mode MPOL_X'
	try '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "a"}' 'memoryPolicy.nodes a'
	try '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["X"]}' 'memoryPolicy.flags X'
	try '.linux.netDevices = {"a/b": {name: "eth0"}}' 'netDevices: "a/b", inside "eth0": no name of a device'
	try '.linux.netDevices = {eth7: {name: "sixteen-letters!"}}' 'no name of a device'
	try '.linux.netDevices = {eth7: {}, eth8: {name: "eth7"}}' 'would both be eth7'
	try '.linux.netDevices = {nosuch7: {}}' 'netDevices: there is no network device nosuch7 here'
	try '.linux.netDevices = {lo: {name: "eth0"}}' 'netDevices: cannot move lo in as eth0'
	try '.linux.netDevices = {eth7: {}} | .linux.namespaces |= map(select(.type != "network"))' 'need a network namespace'
	try '.process.user.uid = "root"' 'uid: expected a number'
}
