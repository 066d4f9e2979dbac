#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull's containers as scopes of systemd. The last case runs anywhere, the others where systemd is the first process:
# run-in-vm --systemd -- tests/e2e/run tests/e2e/systemd.bats

load lib

setup() {
	hull_setup
	SD=(hull --cgroup-manager systemd)
	MEMORY=MemoryMax
	! is_v1 memory || MEMORY=MemoryLimit
}

teardown() {
	[ -z "${UNIT-}" ] || { systemctl stop "$UNIT"; rm -f "/run/systemd/system/$UNIT"; systemctl daemon-reload; }
	hull_teardown
}

need_systemd() { [ -S /run/systemd/private ] || skip "needs systemd as the first process"; }
id_of() { hull inspect -f '{{.Id}}' "$1"; }
shown() { systemctl show -P "$2" "hull-$(id_of "$1").scope"; }

@test "systemd: a container is a scope, with its limits, through reload, update, stop and start" {
	need_systemd
	assert_equal systemd "$("${SD[@]}" info --format '{{.CgroupDriver}}')"
	"${SD[@]}" run -d --name cc -m 64m --pids-limit 50 test sleep 600
	assert_equal active "$(shown cc ActiveState)"
	assert_equal system.slice "$(shown cc Slice)"
	assert_equal 67108864 "$(shown cc $MEMORY)"
	grep -q "/system.slice/hull-$(id_of cc).scope" "/proc/$(pid_of cc)/cgroup"
	systemctl daemon-reload
	hull update -m 80m --memory-swap -1 cc
	assert_equal 83886080 "$(shown cc $MEMORY)"
	# Of a period without a quota systemd leaves no file; of a quota alone it leaves the group's flag as it was.
	if ! is_v1 cpu; then
		hull update --cpu-period 50000 --oom-group cc
		hull update --cpu-quota 20000 cc
		in_files cc <<-'TABLE'
			cpu - - cpu.max 20000,50000
			memory - - memory.oom.group 1
		TABLE
	fi
	hull exec cc grep -q . /proc/self/cgroup
	hull exec -d cc sleep 77
	wait_for 5 eval '[ "$(hull top cc | grep -c "sleep 77")" = 1 ]'
	hull pause cc
	hull unpause cc
	hull stop -t 0 cc
	assert_equal inactive "$(shown cc ActiveState)"
	hull start cc
	assert_equal active "$(shown cc ActiveState)"
	assert_equal 83886080 "$(shown cc $MEMORY)"
	hull restart -t 0 cc
	unit=hull-$(id_of cc).scope
	hull rm -f cc
	assert_equal inactive "$(systemctl show -P ActiveState "$unit")"
	run find /sys/fs/cgroup -type d -name "$unit"
	assert_equal "" "$output"
}

@test "systemd: --cgroup-parent is a slice; a command that cannot start leaves no scope" {
	need_systemd
	"${SD[@]}" run -d --name cc --cgroup-parent hulltest-a.slice test sleep 600
	grep -q "/hulltest.slice/hulltest-a.slice/hull-$(id_of cc).scope" "/proc/$(pid_of cc)/cgroup"
	hull rm -f cc
	run "${SD[@]}" run --name bad test /no/such
	assert_status 127
	assert_equal inactive "$(shown bad ActiveState)"
	hull rm bad
	systemctl stop hulltest.slice
	find /sys/fs/cgroup -depth -type d -path '*/hulltest*' -exec rmdir {} + 2>/dev/null || true
}

@test "systemd: a scope of a container that the store does not know is found" {
	need_systemd
	local id pid
	"${SD[@]}" run -d --name cc --pid host test sh -c 'setsid sleep 600 & exec sleep 600'
	id=$(id_of cc) pid=$(pid_of cc)
	stop_watchers cc
	sql "DELETE FROM container WHERE id = ?" "$id"
	kill -KILL "$pid"
	wait_for 5 grep -q "^State:[[:space:]]*Z" "/proc/$pid/status"
	run hull system check
	assert_status 1
	assert_has "control group /system.slice/hull-$id.scope of a container that does not exist"
	hull system check --repair
	assert_equal inactive "$(systemctl show -P ActiveState "hull-$id.scope")"
	run hull system check
	assert_equal "0 " "$status $output"
}

# The service as scripts/install writes it, with this case's roots.
@test "systemd: hull-restore.service starts again after a boot what a restart policy asks for, and its end ends none" {
	need_systemd
	UNIT=hull-restore-test-$$.service
	sed "s|@bindir@|$HULL_BIN_DIR|; /^\[Service\]/a Environment=HULL_ROOT=$HULL_ROOT HULL_RUNROOT=$HULL_RUNROOT HULL_NETWORK=none" \
		"$TOP/contrib/hull-restore.service.in" >"/run/systemd/system/$UNIT"
	systemctl daemon-reload
	"${SD[@]}" run -d --name scope --restart always -m 64m test sleep 600
	hull run -d --name group --restart unless-stopped test sleep 600
	hull run -d --name stopped --restart unless-stopped test sleep 600
	hull run -d --name none test sleep 600
	hull stop -t 0 stopped
	lose_by_boot
	timeout $((60 * PATIENCE)) systemctl start "$UNIT" || fail "$(systemctl status "$UNIT"; journalctl -n 20 -u "$UNIT")"
	assert_equal active "$(systemctl is-active "$UNIT")"
	wait_for 10 has_status scope running
	wait_for 10 has_status group running
	assert_equal "group scope" "$(hull ps --format '{{.Names}}' | sort | xargs)"
	assert_equal active "$(shown scope ActiveState)"
	assert_equal 67108864 "$(shown scope $MEMORY)"
	systemctl stop "$UNIT"
	assert_equal inactive "$(systemctl is-active "$UNIT")"
	assert_equal "running running" "$(status_of scope) $(status_of group)"
	# Its monitor lives, too.
	assert_equal x "$(hull exec group echo x)"
	hull stop -t 0 scope
	assert_equal "exited 137" "$(hull inspect -f '{{.State.Status}} {{.State.ExitCode}}' scope)"
}

@test "systemd: what is refused, and what a slice is without it" {
	run hull --cgroup-manager other ps
	assert_status 125
	assert_has "must be cgroupfs or systemd"
	run "${SD[@]}" create --cgroup-parent /a test true
	assert_status 1
	assert_has "not the name of a slice"
	hull create --name cc --cgroup-parent hull-a.slice test true
	assert_equal /hull-a.slice "$(hull inspect -f '{{.HostConfig.CgroupParent}}' cc)"
	[ ! -S /run/systemd/private ] || return 0
	run "${SD[@]}" run --rm test true
	assert_status 125
	assert_has systemd
}

# Such as a machine that was started with systemd and is not any more.
@test "systemd: what it has made can be removed where it does not answer" {
	[ ! -S /run/systemd/private ] || skip "systemd answers"
	"${SD[@]}" create --name cc test true
	sql "UPDATE container SET status = ?, told = 1" running
	assert_equal exited "$(hull inspect -f '{{.State.Status}}' cc)"
	hull rm cc
}
