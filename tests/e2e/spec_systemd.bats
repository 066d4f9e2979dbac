#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Control groups by systemd: a scope for each container. Runs where systemd is the first process,
# such as in a second kernel: run-in-vm --systemd -- tests/e2e/run tests/e2e/spec_systemd.bats

load oci

setup() {
	[ -S /run/systemd/private ] || skip "needs systemd as the first process"
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	HULL_BIN_DIR=$(realpath "${HULL_BIN_DIR:-$TOP/build/bin}")
	runtime=$HULL_BIN_DIR/hull-runtime
	spec_setup
	name=t$$-$BATS_TEST_NUMBER
	config --arg g "hulltest.slice:hull:$name" '.linux.cgroupsPath = $g | .root.path = "root" |
		.process.args = ["sleep", "100"]'
	unit=hull-$name.scope
	cd "$dir"
}

teardown() {
	rt delete --force c1 2>/dev/null || true
	systemctl stop hulltest.slice 2>/dev/null || true
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
	[ "$(property ActiveState)" = inactive ] && [ ! -e "/sys/fs/cgroup/hulltest.slice/$unit" ]
}

group_file() {
	cat "/sys/fs/cgroup/hulltest.slice/$unit/$1"
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
	[ "$(group_file cgroup.procs)" = "$pid" ]
	sd start c1
	sd exec c1 true
	sd kill c1 KILL
	until_true 20 has_status c1 stopped
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
		until_true 10 sh -c "! kill -0 $pid"
		is_gone
	done
}

@test "limits are systemd's, and stay through its reload" {
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

@test "names: a nested slice, no prefix, none at all, and what is no name" {
	config --arg n "$name" '.linux.cgroupsPath = "hulltest-a-b.slice::\($n)"'
	sd create c1 </dev/null >/dev/null 2>&1
	[ -d "/sys/fs/cgroup/hulltest.slice/hulltest-a.slice/hulltest-a-b.slice/$name.scope" ]
	sd delete --force c1
	config 'del(.linux.cgroupsPath)'
	rt --cgroup-manager systemd create c1 </dev/null >/dev/null 2>&1
	[ -d /sys/fs/cgroup/system.slice/hull-c1.scope ]
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
	until_true 20 test -e "/sys/fs/cgroup/hulltest.slice/$unit/cgroup.procs"
	refused
	[[ $output == *"$unit: systemd refuses StartTransientUnit: "*"already"* ]] || fail "$output"
	[ "$(property ActiveState)" = active ]
	systemctl stop "$unit"
	wait $! || true
	config '.hooks.createRuntime = [{path: "/bin/sleep", args: ["sleep", "100"]}]'
	"$runtime" --root "$dir/state" --systemd-cgroup create c1 </dev/null >/dev/null 2>&1 3>&- &
	until_true 20 sh -c 'grep -q . /sys/fs/cgroup/hulltest.slice/'"$unit"'/cgroup.procs'
	sleep 1
	kill -KILL $!
	wait $! || true
	sd delete --force c1
	until_true 20 is_gone
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
