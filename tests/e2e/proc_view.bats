#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --proc-view: what says how large the machine is says what the container may use.

load lib

setup() {
	[ -e /dev/fuse ] || skip "this kernel has no fuse"
	hull_setup
}
teardown() { hull_teardown; }

kib() { # CONTAINER LINE: its value in the container's /proc/meminfo
	hull exec "$1" awk -v line="$2:" '$1 == line { print $2 }' /proc/meminfo
}

processors() { # CONTAINER: as its cpuinfo, stat and list of CPUs say; they must agree
	hull exec "$1" sh -c 'echo $(grep -c ^processor /proc/cpuinfo) $(grep -c "^cpu[0-9]" /proc/stat) \
		$(awk -F- "{ print \$NF + 1 }" /sys/devices/system/cpu/online)'
}

# The process that answers for a container, by its argument.
servant_of() {
	local id proc
	id=$(hull inspect -f '{{.Id}}' "$1")
	for proc in /proc/[0-9]*; do
		if [ "$(cat "$proc/comm" 2>/dev/null)" = hull-view ] && grep -q "$id" "$proc/cmdline"; then
			basename "$proc"
		fi
	done
}

@test "--proc-view: memory and processors are the container's, and follow update" {
	has_controller memory
	hull run -d --name cc -m 64m --memory-swap 64m --cpus 1 --proc-view test sleep 600
	assert_equal true "$(hull inspect -f '{{.Hull.ProcView}}' cc)"
	assert_equal 65536 "$(kib cc MemTotal)"
	assert_equal 0 "$(kib cc SwapTotal)"
	assert_equal "1 1 1" "$(processors cc)"
	hull update -m 128m --memory-swap 128m --cpus 1.5 cc
	assert_equal 131072 "$(kib cc MemTotal)"
	local two="2 2 2"
	[ "$(nproc)" -gt 1 ] || two="1 1 1"
	assert_equal "$two" "$(processors cc)"
	# A quota of one and a half is worth two; a set of one is one.
	hull run -d --name set -m 64m --cpuset-cpus 0 --proc-view test sleep 600
	assert_equal "1 1 1" "$(processors set)"
}

@test "--proc-view: what is in use is the group's: page cache can be had back, memory cannot" {
	has_controller memory
	hull run -d --name cc -m 64m --memory-swap 64m --proc-view test sleep 600
	local free available
	hull exec cc dd if=/dev/zero of=/file bs=1M count=24 2>/dev/null
	free=$(kib cc MemFree) available=$(kib cc MemAvailable)
	[ "$free" -le "$((65536 - 24 * 1024))" ] || fail "free: $free"
	[ "$available" -ge "$((free + 20 * 1024))" ] || fail "available $available, free $free"
	[ "$(kib cc Cached)" -ge "$((23 * 1024))" ] || fail "cached: $(kib cc Cached)"
	# And the figure is the kernel's.
	local used
	used=$(cgroup_value cc memory memory.usage_in_bytes memory.current)
	assert_within "$((65536 - used / 1024))" "$(kib cc MemFree)" 4096
}

@test "--proc-view: without a limit it is the machine's; a limit above counts" {
	has_controller memory
	hull run -d --name none --proc-view test sleep 600
	assert_equal "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" "$(kib none MemTotal)"
	assert_equal "$(nproc)" "$(hull exec none grep -c ^processor /proc/cpuinfo)"
	PARENT_GROUPS=("hull-view-$$")
	hull run -d --name above -m 64m --cgroup-parent "/hull-view-$$" --proc-view test sleep 600
	local dir
	dir=$(dirname "$(cgroup_dir above memory)")
	if is_v1 memory; then echo 48M >"$dir/memory.limit_in_bytes"; else echo 48M >"$dir/memory.max"; fi
	assert_equal 49152 "$(kib above MemTotal)"
}

@test "--proc-view: times of /proc/stat are the container's, and load counts its tasks" {
	hull run -d --name busy --cpus 1 --proc-view test sh -c 'while :; do :; done'
	local before after
	before=$(hull exec busy awk '$1 == "cpu" { print $2 + $4 }' /proc/stat)
	wait_load() { hull exec busy awk '$1 > 0 { found = 1 } END { exit !found }' /proc/loadavg; }
	wait_for 60 wait_load
	after=$(hull exec busy awk '$1 == "cpu" { print $2 + $4 }' /proc/stat)
	[ "$after" -gt "$before" ] || fail "it used nothing: $before, $after"
	[ "$(hull exec busy awk '{ split($4, t, "/"); print t[2] }' /proc/loadavg)" -ge 1 ]
	hull kill busy >/dev/null
}

@test "--proc-view: nobody can write, a mount of the user's own is in front, users are let in" {
	echo mine >"$BATS_TEST_TMPDIR/own"
	run ! hull run --rm --proc-view test sh -c 'echo x >/proc/meminfo'
	assert_has "Read-only file system"
	assert_equal mine "$(hull run --rm --proc-view -v "$BATS_TEST_TMPDIR/own:/proc/meminfo:ro" test cat /proc/meminfo)"
	assert_equal 65536 "$(hull run --rm --proc-view -m 64m --user 1000 --read-only test awk '/MemTotal/ { print $2 }' /proc/meminfo)"
	# sendfile(2), and reading in small pieces
	assert_equal "$(hull run --rm --proc-view -m 64m test sh -c 'cat /proc/cpuinfo | wc -c')" \
		"$(hull run --rm --proc-view -m 64m test sh -c 'dd if=/proc/cpuinfo bs=17 2>/dev/null | wc -c')"
}

@test "--proc-view: a restart has it too, and nothing of it is left" {
	hull run -d --name cc -m 64m --proc-view test sleep 600
	[ -n "$(servant_of cc)" ]
	hull restart -t 0 cc >/dev/null
	assert_equal 65536 "$(kib cc MemTotal)"
	hull kill cc >/dev/null
	gone() { [ -z "$(servant_of cc)" ]; }
	wait_for 20 gone
	hull rm cc
	# Without the program it says so.
	mkdir bin
	cp "$HULL_BIN_DIR"/hull "$HULL_BIN_DIR"/hull-monitor bin/
	run "$WORK/bin/hull" run --rm --proc-view test true
	assert_status 125
	assert_has "hull-view: No such file"
	# One that does not start leaves nothing either.
	run ! hull run --name bad --proc-view test /no/such/program
	hull rm bad
}

@test "--proc-view: killed, a reading fails and does not hang; the container goes on" {
	hull run -d --name cc --proc-view test sleep 600
	local servant
	servant=$(servant_of cc)
	kill -9 "$servant"
	gone() { [ ! -e "/proc/$servant" ] || grep -q '^State:.Z' "/proc/$servant/status"; }
	wait_for 20 gone
	run hull exec cc timeout 60 cat /proc/meminfo
	assert_status 1
	assert_has "not connected"
	hull exec cc true
	assert_equal running "$(status_of cc)"
}
