#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The resources of a spec, as the files of the control group show them: version 1 and version 2.

load spec

group_setup() {
	group=/hull-spec-$$-$BATS_TEST_NUMBER
	options="--cgroup $group"
}

hierarchy() { # CONTROLLER: "1 /mount/point" or "2 /mount/point"
	awk -v c="$1" '$3 == "cgroup" && index("," $4 ",", "," c ",") { print 1, $2; found = 1; exit }
		$3 == "cgroup2" && !two { two = $2 } END { if (!found && two) print 2, two }' /proc/mounts
}

version() {
	hierarchy "$1" | cut -d' ' -f1
}

# file CONTROLLER V1-FILE V2-FILE: of the running container; - stands for none.
file() {
	local h v
	read -r v h <<<"$(hierarchy "$1")"
	if [ "$v" = 1 ]; then cat "$h$group/$2"; else cat "$h$group/$3"; fi
}

# holds CONTROLLER V1-FILE V1-VALUE V2-FILE V2-VALUE: V2-CONTROLLER's name is the same.
holds() {
	local got want=$3
	got=$(file "$1" "$2" "$4") || { echo "no file of $1"; return 1; }
	[ "$(version "$1")" = 1 ] || want=$5
	grep -qxF -- "$want" <<<"$got" || { echo "$2 $4: want $want, got $got"; return 1; }
}

@test "memory: limit, reservation and swap" {
	group_setup
	config '.linux.resources.memory = {limit: 67108864, reservation: 33554432, kernel: 1, kernelTCP: 2,
		swap: 134217728, checkBeforeUpdate: true, useHierarchy: true}'
	background
	holds memory memory.limit_in_bytes 67108864 memory.max 67108864
	holds memory memory.soft_limit_in_bytes 33554432 memory.low 33554432
	if file memory memory.memsw.limit_in_bytes memory.swap.max >/dev/null 2>&1; then
		holds memory memory.memsw.limit_in_bytes 134217728 memory.swap.max 67108864
	fi
	end_background
	config '.linux.resources.memory = {limit: -1}'
	background
	[ "$(version memory)" = 1 ] || holds memory - - memory.max max
	end_background
}

@test "memory: swappiness and the killer" {
	group_setup
	config '.linux.resources.memory = {limit: 67108864, swappiness: 10, disableOOMKiller: true}'
	if [ "$(version memory)" = 1 ]; then
		background
		[ "$(file memory memory.swappiness -)" = 10 ]
		grep -q '^oom_kill_disable 1' <<<"$(file memory memory.oom_control -)"
		end_background
	else
		start true
		[ "$status" = 125 ]
		[[ $output == *"version 2 have no swappiness"* ]]
	fi
}

@test "cpu: shares, quota, period, burst, idle, cpus and nodes" {
	group_setup
	config '.linux.resources.cpu = {shares: 2048, quota: 50000, period: 200000, burst: 1000, cpus: "0", mems: "0"}'
	background
	holds cpu cpu.shares 2048 cpu.weight 174
	holds cpu cpu.cfs_quota_us 50000 cpu.max "50000 200000"
	holds cpu cpu.cfs_period_us 200000 cpu.max "50000 200000"
	holds cpu cpu.cfs_burst_us 1000 cpu.max.burst 1000
	holds cpuset cpuset.cpus 0 cpuset.cpus 0
	holds cpuset cpuset.mems 0 cpuset.mems 0
	grep -q '^Cpus_allowed_list:	0$' "/proc/$pid/status"
	end_background
	config '.linux.resources.cpu = {idle: 1}'
	background
	holds cpu cpu.idle 1 cpu.idle 1
	end_background
	config '.linux.resources.cpu = {quota: -1, shares: 2}'
	background
	holds cpu cpu.cfs_quota_us -1 cpu.max "max 100000"
	holds cpu cpu.shares 2 cpu.weight 1
	end_background
}

@test "cpu: realtime where the kernel has it, else refused" {
	group_setup
	config '.linux.resources.cpu = {realtimeRuntime: 1000, realtimePeriod: 1000000}'
	start true
	if [ "$status" = 125 ]; then
		[[ $output == *"realtime period"*"cpu.rt_period_us is missing"* ||
			$output == *"realtime runtime"* || $output == *"realtime period"*"RT_GROUP_SCHED"* ]]
	else
		[ "$status" = 0 ]
	fi
}

@test "pids: a limit, none, and 0" {
	group_setup
	config '.linux.resources.pids = {limit: 32}'
	background
	holds pids pids.max 32 pids.max 32
	end_background
	config '.linux.resources.pids = {limit: -1}'
	background
	holds pids pids.max max pids.max max
	end_background
	config '.linux.resources.pids = {limit: 0}'
	start sh -c 'true | true; echo forked'
	[[ $output != *forked* ]]
	config '.linux.resources.pids = {}'
	start sh -c 'true | true; echo forked'
	[ "$output" = forked ]
}

@test "blockIO: rates of a device" {
	group_setup
	local dev
	dev=$(cat /sys/block/*/dev | head -n 1) || skip "no block device"
	config --argjson a "${dev%:*}" --argjson b "${dev#*:}" '{major: $a, minor: $b} as $d |
		.linux.resources.blockIO = {
		throttleReadBpsDevice: [$d + {rate: 1048576}], throttleWriteBpsDevice: [$d + {rate: 2097152}],
		throttleReadIOPSDevice: [$d + {rate: 100}], throttleWriteIOPSDevice: [$d + {rate: 200}]}'
	background
	if [ "$(version blkio)" = 1 ]; then
		[ "$(file blkio blkio.throttle.read_bps_device)" = "$dev 1048576" ]
		[ "$(file blkio blkio.throttle.write_bps_device)" = "$dev 2097152" ]
		[ "$(file blkio blkio.throttle.read_iops_device)" = "$dev 100" ]
		[ "$(file blkio blkio.throttle.write_iops_device)" = "$dev 200" ]
	else
		[ "$(file io - io.max)" = "$dev rbps=1048576 wbps=2097152 riops=100 wiops=200" ]
	fi
	end_background
	config '.linux.resources.blockIO.throttleReadBpsDevice[0].major = 4000'
	start true
	[ "$status" = 125 ]
	[[ $output == *"read rate of device 4000:"*"there is no such device"* ]]
}

@test "blockIO: weights where the kernel has them, else refused by name" {
	group_setup
	config '.linux.resources.blockIO = {weight: 500}'
	background 2>/dev/null || true
	local got
	got=$(file blkio blkio.bfq.weight io.bfq.weight 2>/dev/null || file blkio blkio.weight io.weight 2>/dev/null) || true
	if [ -n "$got" ]; then
		[[ $got == *500 || $got == *4950 ]]
		end_background
	else
		wait "$background" || true
		start true
		[ "$status" = 125 ]
		[[ $output == *"I/O weight cannot be set"*"is missing here"* ]]
	fi
	config '.linux.resources.blockIO = {leafWeight: 500}'
	start true
	[ "$status" = 125 ]
	[[ $output == *"I/O leaf weight cannot be set"* ]]
}

@test "hugepageLimits" {
	group_setup
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages"
	config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
	start true
	[ "$status" = 0 ] || skip "$output"
	background
	holds hugetlb hugetlb.2MB.limit_in_bytes 4194304 hugetlb.2MB.max 4194304
	holds hugetlb hugetlb.2MB.rsvd.limit_in_bytes 4194304 hugetlb.2MB.rsvd.max 4194304
	end_background
	config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 18446744073709551615}]'
	start true
	[ "$status" = 0 ]
	config '.linux.resources.hugepageLimits = [{pageSize: "3MB", limit: 1}]'
	start true
	[ "$status" = 125 ]
	[[ $output == *"huge pages 3MB"* ]]
}

@test "network and rdma: set where the controller is, refused by name where not" {
	group_setup
	config '.linux.resources.network = {classID: 1048577}'
	start true
	if [ "$(version net_cls)" = 1 ]; then
		background
		[ "$(file net_cls net_cls.classid)" = 1048577 ]
		end_background
	else
		[ "$status" = 125 ]
		[[ $output == *"network class cannot be set"*"version 2 have none"* ]]
	fi
	config '.linux.resources.network = {priorities: [{name: "lo", priority: 5}]}'
	start true
	if [ "$(version net_prio)" = 1 ]; then
		background
		grep -qx 'lo 5' <<<"$(file net_prio net_prio.ifpriomap)"
		end_background
	else
		[ "$status" = 125 ]
		[[ $output == *"priority of network interface lo cannot be set"* ]]
	fi
	config '.linux.resources = {rdma: {nosuch0: {hcaHandles: 3, hcaObjects: 4}}}'
	start true
	[ "$status" = 125 ]
	[[ $output == *"RDMA handles of device nosuch0"* ]]
}

@test "unified: files of version 2 by name, line by line" {
	group_setup
	local two
	two=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$two" ] || skip "no version 2"
	if [ "$(version memory)" = 2 ]; then
		local dev
		dev=$(cat /sys/block/*/dev | head -n 1)
		config --arg d "$dev" '.linux.resources.unified = {"memory.high": "67108864", "pids.max": "99",
			"io.max": "\($d) rbps=1048576\n\($d) wiops=7\n"}'
		background
		[ "$(cat "$two$group/memory.high")" = 67108864 ]
		[ "$(cat "$two$group/pids.max")" = 99 ]
		[ "$(cat "$two$group/io.max")" = "$dev rbps=1048576 wbps=max riops=max wiops=7" ]
		end_background
	else
		config '.linux.resources.unified = {"memory.high": "67108864"}'
		start true
		[ "$status" = 125 ]
		[[ $output == *"cannot set memory.high"* ]]
	fi
	local bad
	for bad in cgroup.procs ../memory.max memory/max cgroup.kill; do
		config --arg b "$bad" '.linux.resources.unified = {"\($b)": "1"}'
		start true
		[ "$status" = 125 ]
		[[ $output == *"$bad"* ]]
	done
}

@test "devices: what is not allowed cannot be opened, and the usual ones can" {
	group_setup
	config '.process.capabilities[] += ["CAP_SYSLOG", "CAP_SYS_RAWIO"] | .linux.devices = [{path: "/dev/mem2", type: "c", major: 1, minor: 1, fileMode: 438},
		{path: "/dev/kmsg2", type: "c", major: 1, minor: 11, fileMode: 438}] |
		.linux.resources.devices = [{allow: false, access: "rwm"},
		{allow: true, type: "c", major: 1, minor: 11, access: "r"}]'
	start sh -c 'echo x >/dev/null && head -c 1 /dev/urandom >/dev/null && echo usual
		head -c 1 /dev/mem2; head -c 1 /dev/kmsg2 >/dev/null && echo read; echo x >/dev/kmsg2'
	[[ $output == *usual* && $output == *read* ]]
	[[ $output == *"/dev/mem2: Operation not permitted"* ]]
	[[ $output == *"/dev/kmsg2: Operation not permitted"* ]]
	# Without a first rule for all, everything else is denied, too.
	config '.linux.resources.devices |= .[1:]'
	start sh -c 'echo x >/dev/null && echo usual; head -c 1 /dev/mem2'
	[[ $output == *usual*"/dev/mem2: Operation not permitted"* ]]
	config '.linux.resources.devices = [{allow: true, access: "rwm"}, {allow: false, type: "c", major: 1,
		minor: 11, access: "w"}]'
	start sh -c 'head -c 1 /dev/kmsg2 >/dev/null && echo read; echo x >/dev/kmsg2'
	[[ $output == *read*"/dev/kmsg2: Operation not permitted"* ]]
}

@test "resources that make no sense are refused by name" {
	group_setup
	try() {
		config ".linux.resources = $1"
		start true
		[ "$status" = 125 ]
		[[ $output == *"$2"* ]] || { echo "$output"; return 1; }
	}
	try '{memory: {limit: 1000}}' 'memory limit'
	try '{memory: {limit: -2}}' 'memory limit -2'
	try '{memory: {swap: -5}}' 'memory+swap limit -5'
	try '{memory: {limit: 67108864, swap: 1048576}}' 'memory+swap limit'
	try '{memory: {swappiness: 101}}' 'swappiness 101'
	try '{cpu: {cpus: "9999"}}' 'cpuset 9999'
	try '{cpu: {mems: "x"}}' 'cpuset x'
	try '{cpu: {period: 5}}' 'CPU period 5'
	try '{cpu: {quota: 1000, burst: 2000}}' 'CPU burst 2000'
	try '{cpu: {idle: 2}}' 'CPU idle flag 2'
	try '{blockIO: {weight: 5}}' 'blockIO.weight 5: it goes from 10 to 1000'
	try '{blockIO: {weightDevice: [{major: 8, minor: 0}]}}' 'neither weight nor leafWeight'
	try '{rdma: {x: {}}}' 'rdma.x: neither hcaHandles'
	try '{devices: [{allow: true, type: "z"}]}' 'devices[0]: type "z"'
	try '{devices: [{allow: true, access: "rx"}]}' 'devices[0]: access "rx"'
	try '{hugepageLimits: [{pageSize: "2mb", limit: 1}]}' '"2mb"'
	try '{hugepageLimits: [{pageSize: "../2MB", limit: 1}]}' 'there is no such thing'
	try '{memory: {limit: "1g"}}' 'resources: memory: limit: expected a number'
}
