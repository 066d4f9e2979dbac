#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Control groups by systemd: a scope for each container. Runs where systemd is the first process,
# such as in a second kernel: run-in-vm --systemd -- tests/e2e/run tests/e2e/spec_systemd.bats
# scripts/test-long tells systemd there to mount version 1, too.

load oci

setup() {
	[ -S /run/systemd/private ] || skip "needs systemd as the first process"
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	HULL_BIN_DIR=$(realpath "${HULL_BIN_DIR:-$TOP/build/bin}")
	runtime=$HULL_BIN_DIR/hull-runtime
	spec_setup
	name=t$$-$BATS_TEST_NUMBER
	config --arg g "hulltest.slice:hull:$name" '.linux.cgroupsPath = $g | .root.path = "root" |
		.process.args = ["sleep", "1000"]'
	unit=hull-$name.scope
	# Where systemd keeps its units, and the processes in them.
	tree=/sys/fs/cgroup version=2
	[ -e $tree/cgroup.controllers ] || tree=/sys/fs/cgroup/systemd version=1
	cd "$dir"
}

teardown() {
	rt delete --force c1 2>/dev/null || true
	systemctl stop hulltest.slice 2>/dev/null || true
	# In hierarchies that systemd does not know.
	find /sys/fs/cgroup -depth -type d -path '*/hulltest*' -exec rmdir {} + 2>/dev/null || true
}

sd() {
	rt --systemd-cgroup "$@"
}

# A create that fails; its text in $output.
refused() {
	capture timeout 60 "$runtime" --root "$dir/state" --systemd-cgroup create c1 </dev/null 3>&-
	[ "$status" = 1 ]
}

property() {
	systemctl show -p "$1" --value "$unit"
}

# systemd has unloaded the unit, or not heard of it.
is_gone() {
	[ "$(property ActiveState)" = inactive ] && [ -z "$(groups_of "/$unit")" ]
}

group_file() {
	cat "/sys/fs/cgroup/${2-}/hulltest.slice/$unit/$1"
}

needs_version() {
	[ $version = "$1" ] || skip "needs control groups version $1"
}

@test "a container is a scope in the slice that was asked for" {
	sd create c1 </dev/null >/dev/null 2>&1
	[ "$(property ActiveState)" = active ]
	[ "$(property Slice)" = hulltest.slice ]
	[ "$(property Delegate)" = yes ]
	[ "$(property ControlGroup)" = "/hulltest.slice/$unit" ]
	local pid
	pid=$(pid_of c1)
	grep -q "/hulltest.slice/$unit$" "/proc/$pid/cgroup"
	# What held the scope is gone: the container is alone.
	[ "$(cat "$tree/hulltest.slice/$unit/cgroup.procs")" = "$pid" ]
	sd start c1
	sd exec c1 true
	sd kill c1 KILL
	wait_for 20 has_status c1 stopped
	capture sd delete c1
	[ "$status" = 0 ]
	[ -z "$output" ] || fail "$output"
	is_gone
	# At once, so that the name is free.
	sd run -d c1 </dev/null >/dev/null 2>&1
	sd delete --force c1
	is_gone
}

@test "a damaged record is no obstacle to delete --force" {
	local manager pid
	for manager in --systemd-cgroup --debug; do
		sd run -d c1 </dev/null >/dev/null 2>&1
		pid=$(pid_of c1)
		: >"$dir/state/c1/record"
		rt $manager delete --force c1
		wait_for 10 sh -c "! kill -0 $pid"
		is_gone
	done
}

@test "limits are systemd's, and stay through its reload" {
	needs_version 2
	config '.linux.resources = {memory: {limit: 67108864, reservation: 33554432}, cpu: {shares: 2048, quota: 50000,
		period: 100000, cpus: "0"}, pids: {limit: 42}, unified: {"memory.high": "50331648"}}'
	sd create c1 </dev/null >/dev/null 2>&1
	[ "$(property MemoryMax)" = 67108864 ]
	[ "$(property MemoryLow)" = 33554432 ]
	[ "$(property MemoryHigh)" = 50331648 ]
	[ "$(property CPUWeight)" = 174 ]
	[ "$(property CPUQuotaPerSecUSec)" = 500ms ]
	[ "$(property TasksMax)" = 42 ]
	[ "$(property AllowedCPUs)" = 0 ]
	systemctl daemon-reload
	[ "$(group_file memory.max)" = 67108864 ]
	[ "$(group_file memory.high)" = 50331648 ]
	[ "$(group_file cpu.weight)" = 174 ]
	[ "$(group_file cpu.max)" = "50000 100000" ]
	[ "$(group_file pids.max)" = 42 ]
	sd start c1
	sd update --memory 128m --pids-limit 50 c1
	[ "$(property MemoryMax)" = 134217728 ]
	[ "$(property TasksMax)" = 50 ]
	[ "$(group_file memory.max)" = 134217728 ]
	[ "$(group_file cpu.max)" = "50000 100000" ]
	systemctl daemon-reload
	[ "$(group_file memory.max)" = 134217728 ]
	sd pause c1
	[ "$(status_of c1)" = paused ]
	sd resume c1
	sd delete --force c1
}

@test "version 1: limits and devices are systemd's, and stay through its reload" {
	needs_version 1
	config '.linux.resources = {memory: {limit: 67108864}, cpu: {shares: 2048, quota: 50000, period: 100000, cpus: "0"},
		pids: {limit: 42}, devices: [{allow: false, access: "rwm"},
		{allow: true, type: "c", major: 10, minor: 229, access: "rw"}, {allow: true, type: "b", access: "m"},
		{allow: true, type: "c", major: 4, access: "r"}]} | .process.terminal = false'
	sd create c1 </dev/null >/dev/null 2>&1
	[ "$(property MemoryLimit)" = 67108864 ]
	[ "$(property CPUShares)" = 2048 ]
	[ "$(property CPUQuotaPerSecUSec)" = 500ms ]
	[ "$(property CPUQuotaPeriodUSec)" = 100ms ]
	[ "$(property TasksMax)" = 42 ]
	[ "$(property DevicePolicy)" = strict ]
	local before pid controller
	before=$(group_file devices.list devices | sort)
	grep -qx 'c 10:229 rw' <<<"$before" && grep -qx 'b \*:\* m' <<<"$before" && grep -qx 'c 4:\* r' <<<"$before"
	# In all hierarchies, those that systemd does not know too.
	pid=$(pid_of c1)
	for controller in name=systemd memory cpu pids devices cpuset; do
		grep -qE ":([^:]*,)?$controller(,[^:]*)?:/hulltest.slice/$unit$" "/proc/$pid/cgroup" || fail "$(cat "/proc/$pid/cgroup")"
	done
	[ "$(group_file cpuset.cpus cpuset)" = 0 ]
	still() {
		[ "$(group_file memory.limit_in_bytes memory)" = "$1" ]
		[ "$(group_file cpu.shares cpu)" = 2048 ]
		[ "$(group_file cpu.cfs_quota_us cpu)" = 50000 ]
		[ "$(group_file pids.max pids)" = "$2" ]
		[ "$(group_file devices.list devices | sort)" = "$before" ]
	}
	systemctl daemon-reload
	still 67108864 42
	sd start c1
	sd update --memory 128m --pids-limit 50 c1
	[ "$(status_of c1)" = running ]
	[ "$(property MemoryLimit)" = 134217728 ]
	systemctl daemon-reload
	still 134217728 50
	sd update --memory -1 c1
	[ "$(property MemoryLimit)" = infinity ]
	sd pause c1
	[ "$(status_of c1)" = paused ]
	sd update --pids-limit 51 c1
	[ "$(status_of c1)" = paused ]
	sd resume c1
	sd exec c1 sh -c 'echo x >/dev/null; ls /sys/fs/cgroup/systemd/cgroup.procs'
	sd delete --force c1
	is_gone
}

@test "version 1: rules that take some devices from all are refused, and all may be allowed" {
	needs_version 1
	config '.linux.resources.devices = [{allow: true, access: "rwm"}]'
	sd create c1 </dev/null >/dev/null 2>&1
	systemctl daemon-reload
	[ "$(group_file devices.list devices | sort)" = $'b *:* rwm\nc *:* rwm' ]
	sd delete --force c1
	config '.linux.resources.devices += [{allow: false, type: "c", major: 10, minor: 229, access: "rw"}]'
	refused
	[[ $output == *"deny all first"* ]] || fail "$output"
	is_gone
}

@test "names: a nested slice, no prefix, none at all, and what is no name" {
	config --arg n "$name" '.linux.cgroupsPath = "hulltest-a-b.slice::\($n)"'
	sd create c1 </dev/null >/dev/null 2>&1
	[ -d "$tree/hulltest.slice/hulltest-a.slice/hulltest-a-b.slice/$name.scope" ]
	sd delete --force c1
	config 'del(.linux.cgroupsPath)'
	rt --cgroup-manager systemd create c1 </dev/null >/dev/null 2>&1
	[ -d $tree/system.slice/hull-c1.scope ]
	sd delete --force c1
	local bad
	for bad in /a/b a:b x:y:z:w ..slice:p:n 'a/b.slice:p:n' 'a.slice:p/../q:n' 'a--b.slice:p:n'; do
		config --arg b "$bad" '.linux.cgroupsPath = $b'
		refused
		[[ $output == *"cgroupsPath"* || $output == *"is not the name of a"* ]] || fail "$bad: $output"
	done
}

@test "annotations are properties of the unit" {
	config '.annotations = {"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.Description": "\u0027it is\u0027",
		"org.systemd.property.TasksMax": "uint64 77", "org.systemd.property.After": "[\u0027sysinit.target\u0027]",
		"org.systemd.property.SendSIGHUP": "true", "other": "x"}'
	sd create c1 </dev/null >/dev/null 2>&1
	[ "$(property TimeoutStopUSec)" = 7s ]
	[ "$(property Description)" = "it is" ]
	[ "$(property TasksMax)" = 77 ]
	[ "$(property SendSIGHUP)" = yes ]
	[[ "$(property After)" == *sysinit.target* ]]
	sd delete --force c1
	config '.annotations = {"org.systemd.property.TasksMax": "many"}'
	refused
	[[ $output == *"$unit: annotation org.systemd.property.TasksMax: \"many\" is no value"* ]] || fail "$output"
	config '.annotations = {"org.systemd.property.NoSuchThing": "true"}'
	refused
	[[ $output == *"$unit: systemd refuses StartTransientUnit: "*NoSuchThing* ]] || fail "$output"
	is_gone
}

@test "a create that fails, or is killed, leaves no scope and touches no other" {
	config '.hooks.createRuntime = [{path: "/bin/false"}]'
	refused
	is_gone
	config 'del(.hooks) | .linux.resources.memory.limit = 4096'
	refused
	is_gone
	# The name is taken.
	config 'del(.linux.resources.memory)'
	systemd-run --quiet --scope --slice=hulltest.slice --unit="$unit" sleep 100 3>&- &
	wait_for 20 test -e "$tree/hulltest.slice/$unit/cgroup.procs"
	refused
	[[ $output == *"$unit: systemd refuses StartTransientUnit: "*"already"* ]] || fail "$output"
	[ "$(property ActiveState)" = active ]
	systemctl stop "$unit"
	wait $! || true
	config '.hooks.createRuntime = [{path: "/bin/sleep", args: ["sleep", "100"]}]'
	"$runtime" --root "$dir/state" --systemd-cgroup create c1 </dev/null >/dev/null 2>&1 3>&- &
	wait_for 20 sh -c 'grep -q . '$tree'/hulltest.slice/'"$unit"'/cgroup.procs'
	sleep 1
	kill -KILL $!
	wait $! || true
	sd delete --force c1
	wait_for 20 is_gone
}

@test "over the system bus, without systemd's own socket" {
	[ -S /run/dbus/system_bus_socket ] || skip "needs a system bus"
	unshare --mount sh -c 'mount --bind /dev/null /run/systemd/private && exec "$@"' sh "$runtime" \
		--root "$dir/state" --systemd-cgroup run -d c1 </dev/null >"$dir/out" 2>&1 3>&- || fail "$(cat "$dir/out")"
	[ "$(property ActiveState)" = active ]
	sd delete --force c1
	is_gone
	capture unshare --mount sh -c 'mount --bind /dev/null /run/systemd/private && mount --bind /dev/null \
		/run/dbus/system_bus_socket && exec "$@"' sh "$runtime" --root "$dir/state" --systemd-cgroup create c1
	[ "$status" = 1 ]
	[[ $output == *"unit $unit: cannot reach systemd"*"manager cgroupfs"* ]] || fail "$output"
}

# user COMMAND...: as nobody, from outside of his own systemd.
user() {
	setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH="$PATH" XDG_RUNTIME_DIR=/run/user/65534 "$@" 3>&-
}

@test "an ordinary user has scopes of his own systemd" {
	needs_version 2
	[ -n "${RUN_IN_VM-}" ] || skip "starts a session: in a second kernel only"
	systemctl start user@65534.service
	local b=/run/user/65534/b group pid
	user mkdir -p "$b/rootfs"
	cp -a "$root/." "$b/rootfs/"
	chown -R 65534:65534 "$b/rootfs"
	user sh -c 'cd "$1" && "$2" spec --rootless' sh "$b" "$runtime"
	user sh -c 'jq ".process.terminal = false | .process.args = [\"sleep\", \"100\"] |
		.linux.resources.memory.limit = 67108864" "$1/config.json" >"$1/c" && mv "$1/c" "$1/config.json"' sh "$b"
	u() { user "$runtime" --systemd-cgroup "$@"; }
	u run -d -b "$b" c1 </dev/null >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	pid=$(u state c1 | jq -r .pid)
	group=/sys/fs/cgroup/user.slice/user-65534.slice/user@65534.service/user.slice/hull-c1.scope
	grep -qxF "$pid" $group/cgroup.procs
	[ "$(cat $group/memory.max)" = 67108864 ]
	u exec -d c1 sleep 99 </dev/null >/dev/null 2>&1
	[ "$(wc -l <$group/cgroup.procs)" = 2 ]
	u update --memory 128m c1
	[ "$(cat $group/memory.max)" = 134217728 ]
	u delete --force c1
	[ ! -e $group ]
	# The bus of the session alone.
	mount --bind /dev/null /run/user/65534/systemd/private
	u run -d -b "$b" c1 </dev/null >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	umount /run/user/65534/systemd/private
	[ -e $group ]
	u delete --force c1
	systemctl stop user@65534.service
}
