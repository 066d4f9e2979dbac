#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull-runtime: exec, ps, pause, resume, update, events, spec, features.

load oci

running() {
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
}

# What a file of the container's group says, on either version.
limit() {
	local d
	for d in $(groups_of "$(group_of c1)"); do
		if [ -f "$d/$1" ]; then cat "$d/$1"; return; fi
		if [ -f "$d/$2" ]; then cat "$d/$2"; return; fi
	done
}

@test "exec: output, input, exit status, in all namespaces and the group" {
	running
	capture rt exec c1 sh -c 'echo out; echo err >&2; hostname; exit 9'
	[ "$status" = 9 ]
	[ "$output" = $'out\nerr\nprobe' ]
	[ "$(echo through | rt exec c1 cat)" = through ]
	capture rt exec c1 sh -c 'kill -9 $$'
	[ "$status" = 137 ]
	rt exec c1 cat /proc/self/cgroup | grep -q ':/$'
	[ "$(rt exec c1 readlink /proc/self/ns/net)" = "$(readlink "/proc/$(pid_of c1)/ns/net")" ]
}

@test "exec: user, groups, folder, environment, capabilities, new privileges" {
	running
	[ "$(rt exec --user 1000:7 c1 id -u)$(rt exec -u 1000:7 c1 id -g)" = 10007 ]
	# As runc: the container's own and those that are named, and the primary group not among them.
	groups_with() { rt exec "$@" c1 grep Groups /proc/self/status | cut -f2 | xargs; }
	[ "$(groups_with)|$(groups_with -u 5:6)|$(groups_with -u 5:6 -g 7)|$(groups_with -g 7 -g 9)" = "||7|7 9" ]
	[ "$(rt exec -u 5 c1 id -g)" = 0 ]
	[ "$(rt exec --user bob -g 4711 c1 id -G | tr ' ' '\n' | sort -n | xargs)" = "10 29 1000 4711" ]
	[ "$(rt exec --cwd /tmp c1 pwd)" = /tmp ]
	[ "$(rt exec -e A=1 --env B=2 c1 sh -c 'echo $A$B$HOME')" = 12/root ]
	[ "$(rt exec c1 grep CapEff /proc/self/status | cut -f2)" = 00000000a80425fb ]
	[ "$(rt exec --cap CAP_SYS_ADMIN c1 grep CapEff /proc/self/status | cut -f2)" = 00000000a82425fb ]
	[ "$(rt exec --no-new-privs c1 grep NoNewPrivs /proc/self/status | cut -f2)" = 1 ]
	local id
	for id in -1 4294967295 4294967296 0x1 "1 " +1 2147483648; do
		capture rt exec --user="$id" c1 id -u
		[ "$status" = 255 ] || fail "user '$id': $status" "$output"
	done
	capture rt exec --cwd /proc/self/fd/5 c1 pwd
	[ "$status" = 255 ]
}

@test "exec: the whole process of a file, detached, with a pid file" {
	running
	jq '.process | .args = ["sh", "-c", "echo $X; exec sleep 50"] | .env += ["X=from-file"]' \
		config.json >process.json
	rt exec --process process.json --detach --pid-file "$dir/pid" c1 >"$dir/out" 2>&1 </dev/null
	wait_for 5 grep -q from-file "$dir/out"
	[ "$(readlink "/proc/$(cat "$dir/pid")/ns/pid")" = "$(readlink "/proc/$(pid_of c1)/ns/pid")" ]
	rt ps --format json c1 | jq -e --argjson p "$(cat "$dir/pid")" 'index($p) != null'
}

@test "exec: what a file does not say is the container's, as with runc" {
	config '.process |= . + {rlimits: [{type: "RLIMIT_NOFILE", soft: 77, hard: 99}], scheduler: {policy: "SCHED_BATCH", nice: 3},
		execCPUAffinity: {final: "0"}} | .process.user.umask = 7 | .linux.personality = {domain: "LINUX32"}'
	running
	told() {
		rt exec --process process.json c1
	}
	jq '.process | {args: ["sh", "-c", "ulimit -n; umask; cat /proc/self/personality; grep -E \"^(CapEff|Cpus_allowed_list)\" /proc/self/status; cut -d\" \" -f19,41 /proc/self/stat"], env, cwd, user: {uid: 0, gid: 0}}' \
		config.json >process.json
	[ "$(told | xargs)" = "77 0007 00000008 CapEff: 00000000a80425fb Cpus_allowed_list: 0 3 3" ] || fail "$(told)"
	# What it does say counts, also where nothing but the personality is left to the container.
	jq '. + {rlimits: [{type: "RLIMIT_NOFILE", soft: 66, hard: 88}], scheduler: {policy: "SCHED_OTHER", nice: 1},
		capabilities: {bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"]}} | .user.umask = 63' process.json >more.json
	mv more.json process.json
	[ "$(told | xargs)" = "66 0077 00000008 CapEff: 0000000000000020 Cpus_allowed_list: 0 1 0" ] || fail "$(told)"
}

@test "exec: in a paused container, by a label, and its pidfd" {
	running
	rt pause c1
	rt exec --ignore-paused c1 touch /tmp/thawed 2>/dev/null &
	joined() { [ "$(cat $(groups_of "$(group_of c1)" | sed 's|$|/cgroup.procs|') | sort -u | wc -l)" -gt 1 ]; }
	wait_for 10 joined
	[ ! -e "$root/tmp/thawed" ]
	rt resume c1
	wait_jobs
	[ -e "$root/tmp/thawed" ]
	# Without such a module the label is refused, never left out.
	[ -e /sys/kernel/security/apparmor/profiles ] || {
		capture rt exec --apparmor nosuch c1 true
		[ "$status" = 255 ]
		[[ "$output" == *AppArmor* ]] || fail "$output"
	}
	[ -e /sys/fs/selinux/enforce ] || {
		capture rt exec --process-label system_u:system_r:container_t:s0 c1 true
		[ "$status" = 255 ]
		[[ "$output" == *SELinux* ]] || fail "$output"
	}
	python3 "$TOP/tests/helpers/oci_receive.py" pidfd "$dir/pidfd" >"$dir/received" 2>"$dir/receiver" 3>&- &
	wait_for 10 grep -q ready "$dir/receiver"
	rt exec -d --pidfd-socket "$dir/pidfd" --pid-file "$dir/pid" c1 sleep 50 </dev/null >/dev/null 2>&1
	wait_jobs
	[ "$(cat "$dir/received")" = "$(cat "$dir/pid")" ]
}

@test "exec: what fails is told, with 255" {
	running
	capture rt exec c1 nosuch
	[ "$status" = 255 ]
	[[ "$output" == *"executable file not found in \$PATH"* ]]
	capture rt exec nosuch true
	[ "$status" = 255 ]
	[[ "$output" == *"does not exist"* ]]
	capture rt exec c1
	[ "$status" = 255 ]
	rt kill c1 9
	wait_for 5 has_status c1 stopped
	capture rt exec c1 true
	[ "$status" = 255 ]
	[[ "$output" == *"cannot exec in a stopped container"* ]]
}

@test "exec: in a created container, with its filter, its signals passed on" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
	rt create c1
	capture rt exec c1 mkdir /tmp/x
	[ "$status" = 1 ]
	rt exec c1 sh -c 'trap "exit 4" TERM; echo ready; while :; do sleep 0.1; done' >"$dir/out" &
	local pid=$! status=0
	wait_for 10 grep -q ready "$dir/out"
	kill -TERM "$(pgrep -P $pid || echo $pid)"
	wait $pid || status=$?
	[ "$status" = 4 ]
}

@test "exec: a group below the container's" {
	running
	local below
	for below in $(groups_of "$(group_of c1)"); do mkdir "$below/sub"; done
	rt exec -d --pid-file "$dir/pid" --cgroup sub c1 sleep 50 </dev/null >/dev/null 2>&1
	grep -q "$(group_of c1)/sub$" "/proc/$(cat "$dir/pid")/cgroup"
	if [ -d /sys/fs/cgroup/memory ]; then
		for below in $(groups_of "$(group_of c1)"); do mkdir -p "$below/other"; done
		rt exec -d --pid-file "$dir/pid" --cgroup memory:sub --cgroup pids:other --cgroup cpu,cpuacct:/other c1 \
			sleep 50 </dev/null >/dev/null 2>&1
		grep -q ":memory:$(group_of c1)/sub$" "/proc/$(cat "$dir/pid")/cgroup"
		grep -q ":pids:$(group_of c1)/other$" "/proc/$(cat "$dir/pid")/cgroup"
		grep -q ":devices:$(group_of c1)$" "/proc/$(cat "$dir/pid")/cgroup"
		capture rt exec --cgroup nosuch:sub c1 true
		[ "$status" = 255 ]
	fi
	capture rt exec --cgroup ../../.. c1 true
	[ "$status" = 255 ]
	capture rt exec --cgroup nosuch c1 true
	[ "$status" = 255 ]
}

@test "warnings: on standard error, and where there is a log in the log alone" {
	local text='capability CAP_NONE: there is none of that name'
	config '.process.capabilities[] += ["CAP_NONE"]'
	bundle true
	capture rt run c1
	[ "$status" = 0 ]
	[ "$output" = "hull-runtime: warning: $text" ] || fail "$output"
	capture rt --log "$dir/log" --log-format json run c1
	[ "$status" = 0 ]
	[ -z "$output" ] || fail "$output"
	[ "$(jq -r '.level + " " + .msg' "$dir/log")" = "warning $text" ] || fail "$(cat "$dir/log")"
	capture rt --log-level error run c1
	[ -z "$output" ] || fail "$output"
	# A process that joins has its own.
	config '.process.capabilities[] -= ["CAP_NONE"]'
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	capture rt exec --cap CAP_NONE c1 true
	[ "$output" = "hull-runtime: warning: $text" ] || fail "$output"
}

@test "warnings: a limit of swap where the kernel does not count swap" {
	command -v strace >/dev/null || skip "needs strace"
	uncounted() {
		strace -qq -o /dev/null -P memory.memsw.limit_in_bytes -P /proc/swaps \
			-e inject=faccessat,faccessat2:error=ENOENT "$runtime" --root "$dir/state" "$@" 3>&-
	}
	local text='hull-runtime: warning: memory is limited without swap: the kernel does not count swap (boot with swapaccount=1)'
	config '.linux.resources = {memory: {limit: 67108864, swap: 100663296}}'
	bundle sleep 100
	uncounted run -d c1 </dev/null >/dev/null 2>"$dir/err"
	[ "$(cat "$dir/err")" = "$text" ] || fail "$(cat "$dir/err")"
	capture uncounted update --memory-swap 134217728 c1
	[ "$output" = "$text" ] || fail "$output"
	capture uncounted update --memory-swap -1 c1
	[ -z "$output" ] || fail "$output"
}

@test "ps: ids as JSON, lines of ps with its options" {
	running
	rt ps -f json c1 | jq -e --argjson p "$(pid_of c1)" '. == [$p]'
	capture rt ps c1
	[[ "${lines[0]}" == *PID* ]]
	[[ "$output" == *"sleep 100"* ]]
	[ "${#lines[@]}" = 2 ]
	capture rt ps c1 -e -o pid,comm
	[ "$(echo "${lines[1]}" | xargs)" = "$(pid_of c1) sleep" ]
	capture rt ps c1 -e -o comm
	[ "$status" = 1 ]
}

@test "pause and resume: frozen, state, exec, kill" {
	bundle sh -c 'while :; do echo x >>/tmp/count; sleep 0.01; done'
	rt run -d c1 </dev/null >/dev/null 2>&1
	wait_for 5 test -s "$root/tmp/count"
	rt pause c1
	[ "$(status_of c1)" = paused ]
	local before
	before=$(stat -c %s "$root/tmp/count")
	sleep 0.3
	[ "$(stat -c %s "$root/tmp/count")" = "$before" ]
	capture rt exec c1 true
	[ "$status" = 255 ]
	[[ "$output" == *paused* ]]
	capture rt pause c1
	[ "$status" = 1 ]
	rt resume c1
	[ "$(status_of c1)" = running ]
	capture rt resume c1
	[[ "$output" == *"not paused"* ]]
	rt pause c1
	rt kill c1 KILL
	wait_for 5 has_status c1 stopped
	rt delete c1
	rt run -d c1 </dev/null >/dev/null 2>&1
	rt pause c1
	rt delete --force c1
}

@test "update: options, a file, standard input" {
	config '.linux.resources = {memory: {limit: 67108864}}'
	running
	rt update --memory 134217728 --pids-limit 55 --cpu-quota 20000 --cpu-period 100000 c1
	[ "$(limit memory.limit_in_bytes memory.max)" = 134217728 ]
	[ "$(limit pids.max pids.max)" = 55 ]
	[[ "$(limit cpu.cfs_quota_us cpu.max)" == 20000* ]]
	echo '{"memory": {"limit": 100663296}, "pids": {"limit": 66}}' | rt update --resources=- c1
	[ "$(limit memory.limit_in_bytes memory.max)" = 100663296 ]
	echo '{"pids": {"limit": 77}}' >"$dir/resources.json"
	rt update -r "$dir/resources.json" --memory 64m c1
	[ "$(limit memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(limit pids.max pids.max)" = 77 ]
	rt update --kernel-memory 1 c1
	capture rt update --memory 1k c1
	[ "$status" = 1 ]
	[[ "$output" == *memory* ]]
	[ "$(limit memory.limit_in_bytes memory.max)" = 67108864 ]
	capture rt update --memory 1m nosuch
	[[ "$output" == *"does not exist"* ]]
}

# is_limit VERSION-1-FILE VALUE VERSION-2-FILE VALUE: - where that version has none.
is_limit() {
	local got
	got=$(limit "$1" "$3")
	[ "$got" = "$2" ] || [ "$got" = "$4" ] || fail "$1 $3: $got"
}

@test "update: each option reaches its file, and objects of single devices" {
	running
	rt update --memory-reservation 48m --memory 96m --memory-swap 192m c1 2>/dev/null
	is_limit memory.soft_limit_in_bytes 50331648 memory.low 50331648
	[ -z "$(limit memory.memsw.limit_in_bytes memory.swap.max)" ] ||
		is_limit memory.memsw.limit_in_bytes 201326592 memory.swap.max 100663296
	rt update --cpu-share 2048 --cpu-quota 50000 --cpu-period 200000 --cpu-burst 1000 c1
	is_limit cpu.shares 2048 cpu.weight 174
	is_limit cpu.cfs_period_us 200000 cpu.max "50000 200000"
	is_limit cpu.cfs_burst_us 1000 cpu.max.burst 1000
	rt update --cpu-idle 1 c1
	is_limit cpu.idle 1 cpu.idle 1
	rt update --cpu-idle 0 c1
	rt update --cpu-quota -1 --pids-limit -1 --memory -1 --memory-swap -1 c1 2>/dev/null
	is_limit pids.max max pids.max max
	is_limit cpu.cfs_quota_us -1 cpu.max "max 200000"
	# What the kernel has not is told by name.
	capture rt update --cpu-rt-runtime 1000 --cpu-rt-period 1000000 c1
	[ "$status" = 0 ] || [[ "$output" == *realtime* ]] || fail "$output"
	capture rt update --blkio-weight 500 c1
	[ "$status" = 0 ] || [[ "$output" == *"I/O weight"* ]] || fail "$output"
	# A container that was made without a set of CPUs can be given one where the group is there.
	capture rt update --cpuset-cpus 0 --cpuset-mems 0 c1
	[ "$status" = 0 ] || [[ "$output" == *cpuset* ]] || fail "$output"
	[ "$status" != 0 ] || is_limit cpuset.cpus 0 cpuset.cpus 0
	local dev
	dev=$(cat /sys/block/*/dev | head -n 1) || skip "no block device"
	jq -n --argjson a "${dev%:*}" --argjson b "${dev#*:}" '{blockIO: {throttleReadBpsDevice: [{major: $a, minor: $b, rate: 1048576}]}}' |
		rt update -r - c1
	is_limit blkio.throttle.read_bps_device "$dev 1048576" io.max "$dev rbps=1048576 wbps=max riops=max wiops=max"
}

@test "update: a memory limit below what is in use is refused, checkBeforeUpdate or not" {
	local check
	config '.process.args = ["sh", "-c", "x=$(head -c 30000000 /dev/zero | tr \\\\0 x); sleep 100; :"]'
	ln -s busybox "$root/bin/tr"
	config '.linux.resources.memory.limit = 200000000'
	rt run -d c1 </dev/null >/dev/null 2>&1
	wait_for 20 sh -c "[ \$(awk '/VmRSS/ { print \$2 }' /proc/$(pid_of c1)/status) -gt 29000 ]"
	for check in true false; do
		capture rt update -r - c1 <<<"{\"memory\": {\"limit\": 8388608, \"checkBeforeUpdate\": $check}}"
		[ "$status" = 1 ] || fail "$check: taken"
		[[ "$output" == *"memory limit"* ]] || fail "$check: $output"
	done
	[ "$(status_of c1)" = running ]
}

@test "intelRdt: the container and what joins it are in the group that is named; refused where there is none" {
	local id
	config '.linux.intelRdt = {closID: "gold"}'
	if ! grep -q ' - resctrl ' /proc/self/mountinfo; then
		capture rt create c1
		[ "$status" = 1 ]
		[[ "$output" == *"intelRdt: the file system resctrl is not mounted here"*"mount -t resctrl"* ]] || fail "$output"
		[ -z "$(ls -A "$dir/state")" ]
	fi
	make_resctrl
	mkdir -p "$dir/rdt/gold/mon_groups"
	touch "$dir/rdt/gold/tasks" "$dir/rdt/gold/schemata"
	with_rdt create c1
	[ "$(cat "$dir/rdt/gold/tasks")" = 0 ]
	: >"$dir/rdt/gold/tasks"
	rt start c1
	with_rdt exec c1 true
	[ "$(cat "$dir/rdt/gold/tasks")" = 0 ]
	: >"$dir/rdt/gold/tasks"
	echo '{"args": ["true"], "cwd": "/", "env": ["PATH=/bin"]}' >process.json
	with_rdt exec --process process.json c1
	[ "$(cat "$dir/rdt/gold/tasks")" = 0 ]
	with_rdt update --l3-cache-schema L3:0=f --mem-bw-schema MB:0=50 c1
	[ "$(cat "$dir/rdt/gold/schemata")" = $'L3:0=f\nMB:0=50' ]
	capture with_rdt update --mem-bw-schema L3:0=f c1
	[ "$status" = 1 ]
	[[ "$output" == *'memBwSchema "L3:0=f"'* ]] || fail "$output"
	# What it is given and uses, as far as the processor says.
	with_rdt events --stats c1 | jq -e '.data.intel_rdt == {l3_cache_schema: "L3:0=f", mem_bw_schema: "MB:0=50",
		schemata: ["L3:0=f", "MB:0=50"]}'
	mkdir -p "$dir/rdt/info"/{L3,MB} "$dir/rdt/gold/mon_data"/mon_L3_0{1,0}
	printf '    L3:0=7ff\n    MB:0=100\n' >"$dir/rdt/schemata"
	echo 7ff >"$dir/rdt/info/L3/cbm_mask" && echo 2 >"$dir/rdt/info/L3/min_cbm_bits" && echo 16 >"$dir/rdt/info/L3/num_closids"
	echo 10 | tee "$dir/rdt/info/MB"/{bandwidth_gran,min_bandwidth} >"$dir/rdt/gold/mon_data/mon_L3_00/llc_occupancy"
	echo 7 >"$dir/rdt/gold/mon_data/mon_L3_01/llc_occupancy"
	echo 9000000000 >"$dir/rdt/gold/mon_data/mon_L3_01/mbm_total_bytes"
	with_rdt events --stats c1 | jq -e '.data.intel_rdt | .l3_cache_info == {cbm_mask: "7ff", min_cbm_bits: 2, num_closids: 16} and
		.mem_bw_info == {bandwidth_gran: 10, min_bandwidth: 10} and
		.l3_cache_schema_root == "L3:0=7ff" and .mem_bw_schema_root == "MB:0=100" and
		.cmt_stats == [{llc_occupancy: 10}, {llc_occupancy: 7}] and
		.mbm_stats == [{mbm_total_bytes: 9000000000, mbm_local_bytes: 0}]'
	rm -r "$dir/rdt/info" "$dir/rdt/schemata" "$dir/rdt/gold/mon_data"
	with_rdt delete -f c1
	[ -d "$dir/rdt/gold" ]
	# What cannot be is told before anything is made.
	for id in '{closID: "none"}' '{closID: "../rdt"}' '{closID: "gold", l3CacheSchema: "L3:0=ff"}' '{memBwSchema: "x"}' \
		'{closID: "gold", enableMonitoring: true}'; do
		config ".linux.intelRdt = $id"
		capture with_rdt create c1
		[ "$status" = 1 ] || fail "accepted: $id"
		[[ "$output" == *intelRdt* ]] || fail "$id: $output"
		[ -z "$(ls -A "$dir/state")$(ls "$dir/rdt/gold/mon_groups")" ] || fail "left after $id"
	done
	config 'del(.linux.intelRdt)'
	rt create c1
	capture rt update --l3-cache-schema L3:0=f c1
	[ "$status" = 1 ]
	[[ "$output" == *"created without intelRdt"* ]] || fail "$output"
}

@test "events: counters once, again and again, and the end" {
	config '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 99}}'
	running
	rt events --stats c1 | jq -e '.type == "stats" and .id == "c1" and .data.cpu.usage.total > 0 and
		.data.memory.usage.limit == 67108864 and .data.memory.usage.usage > 0 and
		.data.pids == {current: 1, limit: 99} and (.data.memory.raw | length) > 3 and
		(.data | has("blkio"))'
	rt events --interval 100ms c1 >"$dir/events" &
	local pid=$!
	wait_for 10 grep -c . "$dir/events"
	rt kill c1 9
	wait $pid
	jq -es 'length > 0 and all(.type == "stats")' "$dir/events"
	capture rt events c1
	[ "$status" = 1 ]
}

@test "events: a kill for memory is told" {
	config '.linux.resources = {memory: {limit: 16777216, swap: 16777216}}'
	bundle sh -c 'while [ ! -e /tmp/go ]; do sleep 0.1; done; head -c 64m /dev/zero | tail; sleep 100'
	rt run -d c1 </dev/null >/dev/null 2>&1
	rt events --interval 200ms c1 >"$dir/events" &
	wait_for 10 grep -q stats "$dir/events"
	touch "$root/tmp/go"
	wait_for 20 grep -q '"oom"' "$dir/events"
	rt kill c1 9
	wait_jobs
}

@test "events: kills for memory in groups that are removed again are told, each (version 1)" {
	local memory=/sys/fs/cgroup/memory inner i seen
	[ -e $memory/memory.limit_in_bytes ] || skip "version 2 counts them above"
	bundle sleep 1000
	rt run -d c1 </dev/null >/dev/null 2>&1
	rt events --interval 100ms c1 >"$dir/events" &
	wait_for 10 grep -q stats "$dir/events"
	for i in 1 2 3; do
		inner=$memory$(group_of c1)/inner$i
		mkdir "$inner"
		echo 16M >"$inner/memory.limit_in_bytes"
		sh -c "echo 0 >$inner/cgroup.procs; exec tail </dev/zero" || true
		wait_for 10 eval '[ "$(grep -c "\"oom\"" "$dir/events")" = '$i' ]'
		rmdir "$inner"
		# It has looked since.
		seen=$(grep -c stats "$dir/events")
		wait_for 10 eval '[ "$(grep -c stats "$dir/events")" -gt $((seen + 1)) ]'
	done
	rt kill c1 9
	wait_jobs
}

@test "spec: a bundle to begin with" {
	mkdir "$dir/b"
	cp -a "$root" "$dir/b/rootfs"
	rt spec --bundle "$dir/b"
	jq -e '.ociVersion | startswith("1.")' "$dir/b/config.json"
	jq '.process.terminal = false | .process.args = ["id", "-u"]' "$dir/b/config.json" >"$dir/b/c" &&
		mv "$dir/b/c" "$dir/b/config.json"
	[ "$(rt run -b "$dir/b" c1)" = 0 ]
	capture rt spec --bundle "$dir/b"
	[ "$status" = 1 ]
	[[ "$output" == *"exists already"* ]]
	rm "$dir/b/config.json"
	rt spec --rootless -b "$dir/b"
	jq -e '.linux.uidMappings[0].hostID == 0 and ([.linux.namespaces[].type] | index("user") != null)' \
		"$dir/b/config.json"
}

@test "features: the object of the specification" {
	rt features | jq -e '.ociVersionMin == "1.0.0" and (.ociVersionMax | startswith("1.")) and
		(.hooks | length) == 6 and (.mountOptions | index("rro") != null) and
		(.linux.namespaces | length) == 8 and (.linux.capabilities | index("CAP_BPF") != null) and
		.linux.cgroup.v2 and .linux.cgroup.systemd and .linux.cgroup.systemdUser and .linux.seccomp.enabled and .linux.mountExtensions.idmap.enabled and
		.linux.intelRdt == {enabled: true, schemata: true, monitoring: true} and .linux.netDevices.enabled and
		.linux.cgroup.rdma and (.linux.memoryPolicy.modes | index("MPOL_BIND") != null) and
		(.linux.memoryPolicy.flags | length) == 3 and .potentiallyUnsafeConfigAnnotations == ["org.systemd.property."]'
}

@test "man: one page of all commands and options" {
	rt man >"$dir/page"
	! command -v groff >/dev/null || [ -z "$(groff -man -Tutf8 -ww -z "$dir/page" 2>&1)" ]
	grep -qF '.SS create ID' "$dir/page"
	grep -qF '\fB\-\-pid\-file\fR \fIstring\fR' "$dir/page"
	run ! grep -F '__complete' "$dir/page"
	run ! grep -F '__complete' <<<"$(rt --help)"
}

@test "completion: commands, options, ids; the scripts are valid" {
	rt completion bash | bash -n
	! command -v zsh >/dev/null || rt completion zsh | zsh -n
	capture rt completion tcsh
	[ "$status" = 1 ]
	[ "$(rt __complete -- resu)" = $'resume\tLet a paused container go on' ]
	rt __complete -- --roo | grep -q $'^--root\t'
	rt __complete -- exec --no-n | grep -q $'^--no-new-privs\t'
	rt create c1
	[ "$(rt __complete -- --debug kill c | cut -f1)" = c1 ]
	[ "$("$runtime" __complete -- --root "$dir/state" kill "" | cut -f1)" = c1 ]
	[ -z "$(rt __complete -- kill c1 "")" ]
	[ -z "$(rt __complete -- exec --cwd "")" ]
	[ -z "$(rt __complete -- run c)" ]
	capture env PATH="$(dirname "$runtime"):$PATH" bash -c '
		source <(hull-runtime completion bash)
		COMP_LINE="hull-runtime exec --ignore" COMP_POINT=26
		_hull_runtime; echo "${COMPREPLY[@]}"'
	[ "$output" = "--ignore-paused" ] || fail "$output"
}

# fake_criu LINE...: a program in its place.
fake_criu() {
	printf '%s\n' "$@" >"$dir/criu"
	chmod 755 "$dir/criu"
}

@test "what criu is asked for, and that lazy pages are told of" {
	running
	cat >"$dir/criu" <<-'END'
		#!/usr/bin/env python3
		import socket, sys
		def varint(data, at):
		    n = shift = 0
		    while True:
		        n |= (data[at] & 127) << shift
		        shift, at = shift + 7, at + 1
		        if data[at - 1] < 128:
		            return n, at
		def fields(data):
		    at, found = 0, {}
		    while at < len(data):
		        key, at = varint(data, at)
		        n, at = varint(data, at)
		        if key & 7 == 2:
		            n, at = data[at:at + n], at + n
		        found.setdefault(key >> 3, []).append(n)
		    return found
		s = socket.socket(fileno=int(sys.argv[2]))
		request = fields(s.recv(65536))
		options = {k: v[-1] for k, v in fields(request[2][0]).items()}
		print(request[1], [options.get(k) for k in (3, 4, 5, 7, 8, 15, 16, 18, 34, 38, 46, 48)], options[14],
		      list(fields(options[11]).values()), file=open(__file__ + ".asked", "w"))
		s.send(b"\x08\x06\x10\x01\x2a\x0e\x0a\x0cstatus-ready")
		assert fields(s.recv(100)) == {1: [6], 3: [1]}
		s.send(b"\x08\x01\x10\x01")
	END
	chmod 755 "$dir/criu"
	mkdir "$dir/before"
	rt --criu "$dir/criu" checkpoint --image-path "$dir/x" --leave-running c1 --ext-unix-sk --tcp-established \
		--shell-job --file-locks --auto-dedup --link-remap --manage-cgroups-mode strict --empty-ns network \
		--tcp-skip-in-flight --lazy-pages --parent-path ../before --page-server '[::1]:99' --status-fd 8 8>"$dir/ready"
	[ "$(cat "$dir/criu.asked")" = \
		"[1] [1, 1, 1, 1, 1, 1, 1, 1, 5, 1073741824, 1, 1] b'../before' [[b'::1'], [99]]" ] || fail "$(cat "$dir/criu.asked")"
	[ "$(stat -c %s "$dir/ready")" = 1 ]
	[ "$(status_of c1)" = running ]
}

@test "checkpoint and restore fail with the nearest reason, and nothing is left of it" {
	local words
	capture rt checkpoint --image-path "$dir/x" c1
	[ "$status" = 1 ]
	[[ "$output" == *"does not exist"* ]] || fail "$output"
	rt create c1
	capture rt checkpoint --image-path "$dir/x" c1
	[[ "$output" == *"container not running: it is created"* ]] || fail "$output"
	rt start c1
	for words in --no-such-option "--empty-ns ipc" "--manage-cgroups-mode most" "--page-server 127.0.0.1" "--page-server :0"; do
		capture rt checkpoint $words c1
		[ "$status" = 1 ]
		[[ "$output" == *"${words%% *}"* ]] || fail "$output"
	done
	capture rt --criu "$dir/criu" checkpoint --image-path "$dir/x" c1
	[ "$status" = 1 ]
	[[ "$output" == *"checkpoint needs criu"*"no such file"* ]] || fail "$output"
	fake_criu '#!/bin/sh' 'echo "Warn  (criu/a.c:1): well" >&2; echo "Error (criu/a.c:2): no luck" >&2; echo "Error (criu/a.c:3): FAILED" >&2; exit 1'
	capture rt --criu "$dir/criu" checkpoint --image-path "$dir/x" c1
	[ "$status" = 1 ]
	[[ "$output" == *"container c1: criu failed: Error (criu/a.c:2): no luck" ]] || fail "$output"
	# What makes no sense as an answer.
	for words in '' '\xff' '\x08\x01\x10' '\x08\x01\x10\x00' '\x08\x06\x10\x01\x2a\x7f' '\x08\x07\x10\x01'; do
		fake_criu '#!/usr/bin/env python3' 'import socket, sys' 's = socket.socket(fileno=int(sys.argv[2]))' \
			's.recv(65536)' "s.send(b'$words') if b'$words' else None"
		capture rt --criu "$dir/criu" checkpoint --image-path "$dir/x" c1
		[ "$status" = 1 ]
		[[ "$output" == *"criu failed: it said nothing"* ]] || fail "$words: $output"
	done
	[ "$(status_of c1)" = running ]
	capture rt restore --image-path "$dir/nosuch" -d c2
	[ "$status" = 1 ]
	[[ "$output" == *"$dir/nosuch: No such file"* ]] || fail "$output"
	capture rt --criu "$dir/criu" restore --image-path "$dir/x" --bundle "$(another c2)" --no-pivot -d c2
	[ "$status" = 1 ]
	[[ "$output" == *"criu failed"* ]] || fail "$output"
	[ "$(rt list -q)" = c1 ]
	[ -z "$(groups_of "$group/c2")" ]
}
