#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull-runtime of an ordinary user, who is made for the case in a mount namespace: with an account, and
# where a case asks for it with ids to give away (/etc/subuid). He has no rights over control groups, unless
# HULL_TEST_DELEGATED=1 gives all cases a group of their own on version 2.

load oci

readonly ME=54321 FIRST=5400000

setup() {
	jobs_of_bats=$(jobs -p | tr '\n' ' ')
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	HULL_BIN_DIR=$(realpath "${HULL_BIN_DIR:-$TOP/build/bin}")
	[ -x "$HULL_BIN_DIR/hull-runtime" ] || skip "hull-runtime is not built"
	command -v setpriv >/dev/null || skip "needs setpriv"
	[ "$(cat /proc/sys/user/max_user_namespaces)" != 0 ] || skip "no user namespaces"

	spec_setup
	# The folders of bats are root's alone.
	home=$(mktemp -d "${TMPDIR:-/tmp}/hull-rootless.XXXXXX")
	rm "$dir/config.json"
	cp -a "$root" "$home/rootfs"
	cp "$HULL_BIN_DIR/hull-runtime" "$home/hull-runtime"
	mkdir -m 700 "$home/run"
	chown -R $ME:$ME "$home"
	{ cat /etc/passwd; echo "me:x:$ME:$ME::$home:/bin/sh"; } >"$dir/passwd"
	{ cat /etc/group; echo "me:x:$ME:"; } >"$dir/group"
	: >"$dir/subids"
	cd "$home"
	me sh -c './hull-runtime spec --rootless && touch mine'
	mine '.process.terminal = false | .root.readonly = false'
	[ -z "${HULL_TEST_DELEGATED-}" ] || delegate
}

# A group as systemd gives one to a session: the user may make others in it, and is in it himself.
delegate() {
	[ -e /sys/fs/cgroup/cgroup.controllers ] || skip "needs control groups version 2 alone"
	delegated=/sys/fs/cgroup/rootless-${home##*.}
	mkdir -p "$delegated/in"
	chown $ME:$ME "$delegated" "$delegated"/{cgroup.procs,cgroup.subtree_control,in,in/cgroup.procs}
}

# me COMMAND...: as the user, with his own account, below his folder.
me() {
	unshare --mount -- sh -c '
		mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group || exit
		for f in subuid subgid; do
			[ -e /etc/$f ] && mount --bind "$1/subids" /etc/$f
		done
		[ -z "$3" ] || echo $$ >"$3/in/cgroup.procs"
		cd "$2" && shift 3 && exec setpriv --reuid '$ME' --regid '$ME' --clear-groups \
			env -i PATH="$PATH" HOME="$PWD" XDG_RUNTIME_DIR="$PWD/run" "$@"' sh "$dir" "$home" "${delegated-}" "$@" 3>&-
}

rt() {
	me ./hull-runtime "$@"
}

# mine FILTER: change config.json.
mine() {
	jq "$@" <config.json >"$dir/new.json"
	cat "$dir/new.json" >config.json
}

bundle() {
	mine --argjson a "$(words "$@")" '.process.args = $a'
}

# Ids of his own for the container, beside himself.
ranges() {
	[ -u "$(command -v newuidmap)" ] || skip "needs newuidmap"
	[ -e /etc/subuid ] || skip "needs /etc/subuid"
	echo "me:$FIRST:65536" >"$dir/subids"
	mine --argjson me $ME --argjson first $FIRST '.linux.uidMappings = [
		{containerID: 0, hostID: $me, size: 1}, {containerID: 1, hostID: $first, size: 65535}] |
		.linux.gidMappings = .linux.uidMappings | .process.capabilities[] += ["CAP_CHOWN"]'
}

leftovers() {
	ls -A "$home/run/hull-runtime" 2>/dev/null | sed 's/^/state /'
	grep -lsF "$home" /proc/[0-9]*/mountinfo
	true
}

teardown() {
	local id left
	[ -n "${home-}" ] || return 0
	for id in $(ls -A "$home/run/hull-runtime" 2>/dev/null); do
		rt delete --force "$id" || echo "cannot delete $id" >&2
	done
	cd /
	for _ in $(seq 300); do
		left=$(leftovers)
		[ -n "$left" ] || break
		sleep 0.1
	done
	[ -z "${delegated-}" ] || find "$delegated" -depth -type d -exec rmdir {} +
	rm -rf --one-file-system "$home"
	[ -z "$left" ] || fail "left behind:" "$left"
}

@test "rootless: the configuration of spec --rootless runs as it is" {
	bundle sh -c 'id -u; id -g; cat /proc/self/uid_map | tr -s " "; hostname; stat -c %u /mine; cat /proc/self/setgroups'
	mv mine rootfs/mine
	capture rt run c1
	[ "$status" = 0 ] || fail "$output"
	[ "$output" = $'0\n0\n 0 '$ME$' 1\nhull\n0\ndeny' ]
	# The name of the state folder of its own.
	[ "$(stat -c %u:%a run/hull-runtime)" = $ME:700 ]
}

@test "rootless: create, state, list, start, exec, kill, delete" {
	bundle sleep 100
	rt create c1 </dev/null >/dev/null 2>&1
	[ "$(status_of c1)" = created ]
	rt start c1
	[ "$(status_of c1)" = running ]
	[ "$(rt list -q)" = c1 ]
	[ "$(stat -c %u "/proc/$(pid_of c1)")" = $ME ]
	[ "$(rt exec c1 id -u)" = 0 ]
	capture rt exec c1 sh -c 'exit 7'
	[ "$status" = 7 ]
	[ "$(rt exec --user 0:0 --cwd /tmp c1 pwd)" = /tmp ]
	rt kill c1 KILL
	wait_for 10 has_status c1 stopped
	rt delete c1
	[ -z "$(rt list -q)" ]
	rt run -d c2 </dev/null >/dev/null 2>&1
	rt delete --force c2
}

@test "rootless: devices, proc, sys, mqueue, shm" {
	bundle sh -c 'echo x >/dev/null && head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c
		[ -d /sys/class ] && [ -c /dev/tty ] && [ -c /dev/ptmx ] && touch /dev/shm/x /dev/mqueue/q && echo all
		grep -c . /proc/self/mountinfo >/dev/null; readlink /dev/stdout >/dev/null; ls /proc/1/exe'
	capture rt run c1
	[ "$status" = 0 ] || fail "$output"
	[ "$output" = $'4\n4\nall\n/proc/1/exe' ] || fail "$output"
	# A network of its own has a sysfs of its own.
	mine '.linux.namespaces += [{type: "network"}] | (.mounts[] | select(.destination == "/sys")) =
		{destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro", "nosuid"]}'
	bundle ls /sys/class/net
	[ "$(rt run c1)" = lo ]
	# And without one it is the host's.
	mine 'del(.linux.namespaces[] | select(.type == "network"))'
	bundle sh -c '[ -d /sys/class/net ] && [ -d /sys/kernel ] && echo there'
	[ "$(rt run c1)" = there ]
}

@test "rootless: a terminal" {
	mine '.process.terminal = true'
	bundle sh -c 'tty; ls -l /dev/console >/dev/null && echo console'
	capture script -qec "unshare --mount -- setpriv --reuid $ME --regid $ME --clear-groups env -i \
		PATH=$PATH XDG_RUNTIME_DIR=$home/run $home/hull-runtime run c1" /dev/null
	[[ "$output" == */dev/pts/0*console* ]] || fail "$output"
}

@test "rootless: ranges of ids through newuidmap" {
	ranges
	bundle sh -c 'cat /proc/self/uid_map | tr -s " "; touch /tmp/x; chown 7:8 /tmp/x; stat -c %u:%g /tmp/x'
	capture rt run c1
	[ "$status" = 0 ] || fail "$output"
	[ "$output" = $' 0 '$ME$' 1\n 1 '$FIRST$' 65535\n7:8' ] || fail "$output"
	[ "$(stat -c %u rootfs/tmp/x)" = $((FIRST + 6)) ]
	rm rootfs/tmp/x
	# Another user, with groups that he gives up.
	mine '.process.user = {uid: 1000, gid: 1000, additionalGids: [29]}'
	bundle sh -c 'id -u; id -G'
	[ "$(rt run c1)" = $'1000\n1000 29' ]
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	[ "$(rt exec --user bob c1 id -u)" = 1000 ]
	[ "$(rt exec --user 0 c1 stat -c %u /proc/1)" = 1000 ]
}

@test "rootless: ids that were not granted are refused" {
	ranges
	: >"$dir/subids"
	bundle true
	capture rt run c1
	[ "$status" = 1 ]
	[[ "$output" == *"newuidmap refuses the id mappings"*"/etc/subuid"* ]] || fail "$output"
	[ -z "$(rt list -q)" ]
}

@test "rootless: a group that was given to the user: limits, ps, pause, update, events" {
	[ -n "${delegated-}" ] || delegate
	local group=$delegated/hull-runtime/c1
	bundle sleep 100
	mine '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}'
	rt run -d c1 </dev/null >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	[ "$(cat "$group/memory.max")" = 67108864 ]
	[ "$(cat "$group/pids.max")" = 20 ]
	[ "$(cat "$group/cgroup.procs")" = "$(pid_of c1)" ]
	rt exec c1 true
	[ "$(rt ps -f json c1)" = "[$(pid_of c1)]" ]
	rt update --memory 128m c1
	[ "$(cat "$group/memory.max")" = 134217728 ]
	rt pause c1
	[ "$(status_of c1)" = paused ]
	rt resume c1
	rt events --stats c1 | jq -e '.data.memory.usage.limit == 134217728'
	rt delete --force c1
	[ ! -e "$group" ]
}

@test "rootless: without rights over control groups they are left out, unless limits are asked for" {
	[ -z "${delegated-}" ] || skip "is about a user without a group"
	local value
	bundle true
	mine '.linux.cgroupsPath = "/oci-rootless-test/c1"'
	rt run c1
	mine '.linux.resources = {devices: [{allow: false, access: "rwm"}]}'
	rt run c1
	for value in '{memory: {limit: 67108864}}' '{pids: {limit: 10}}' '{cpu: {shares: 512}}' \
		'{unified: {"memory.high": "100000000"}}' '{cpu: {cpus: "0"}}'; do
		mine ".linux.resources = $value"
		capture rt run c1
		[ "$status" = 1 ] || fail "$value: taken"
		[[ "$output" == *"limits"*"control group"* ]] || fail "$value: $output"
		mine 'del(.linux.cgroupsPath)'
		capture rt run c1
		[ "$status" = 1 ] || fail "$value: taken without a path"
		[[ "$output" == *"limits"*"control group"* ]] || fail "$value: $output"
	done
	[ -z "$(rt list -q)" ]
	[ -z "$(groups_of oci-rootless-test)" ]
	mine 'del(.linux.resources)'
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	capture rt pause c1
	[ "$status" = 1 ]
	[[ "$output" == *"no control group"* ]] || fail "$output"
}

@test "rootless: what the user may do with control groups the container may not (T036)" {
	[ -n "${delegated-}" ] || delegate
	local mount below=${delegated#/sys/fs/cgroup/}
	mine 'del(.linux.namespaces[] | select(.type == "cgroup")) | del(.mounts[] | select(.destination == "/sys/fs/cgroup")) |
		.linux.maskedPaths = [] | .linux.readonlyPaths = []'
	bundle sh -c "mkdir /sys/fs/cgroup/$below/evil /sys/fs/cgroup/evil; echo 0 >/sys/fs/cgroup/$below/cgroup.procs; echo tried"
	for mount in '' cgroup cgroup2; do
		[ -z "$mount" ] || mine --arg t "$mount" '.mounts += [{destination: "/sys/fs/cgroup", type: $t, source: $t, options: ["nosuid", "noexec", "nodev"]}]'
		capture rt run c1
		[[ "$output" == *tried* || "$status" = 1 ]] || fail "$mount: $output"
		[ -z "$(find /sys/fs/cgroup -name evil)" ] || fail "$mount: $(find /sys/fs/cgroup -name evil)" "$output"
		[ -z "$mount" ] || mine '.mounts |= .[:-1]'
	done
}

@test "rootless: bind mounts, tmpfs, masked and read-only paths, a read-only root" {
	mkdir -p data/sub && echo hello >data/file && chown -R $ME:$ME data
	mine --arg s "$home/data" '.root.readonly = true | .mounts += [
		{destination: "/data", type: "bind", source: $s, options: ["rbind", "ro"]},
		{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m"]}]'
	bundle sh -c 'cat /data/file; touch /data/x 2>/dev/null || echo ro; touch /x 2>/dev/null || echo root
		touch /tmp/x && wc -c </proc/keys; touch /proc/sys/kernel/x 2>/dev/null || echo proc'
	capture rt run c1
	[ "$output" = $'hello\nro\nroot\n0\nproc' ] || fail "$output"
}

@test "rootless: a folder of root is not his" {
	mkdir secret && echo secret >secret/file && chmod -R go= secret
	mine --arg s "$home/secret" '.mounts += [
		{destination: "/data", type: "bind", source: $s, options: ["rbind"]}]'
	bundle cat /data/file
	capture rt run c1
	[ "$status" != 0 ]
	[[ "$output" != *$'\nsecret'* ]] || fail "$output"
}

@test "rootless: hooks, and a filter" {
	mine '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "cat >/dev/null; id -u >&2"]}],
		createContainer: [{path: "/bin/true"}], poststop: [{path: "/bin/true"}]} |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
	bundle sh -c 'mkdir /tmp/x 2>/dev/null || echo no'
	capture rt run c1
	[ "$status" = 0 ] || fail "$output"
	[[ "$output" == *no ]] || fail "$output"
}

@test "rootless: without XDG_RUNTIME_DIR the state needs a place" {
	capture me env -u XDG_RUNTIME_DIR ./hull-runtime list
	[ "$status" = 1 ]
	[[ "$output" == *"XDG_RUNTIME_DIR"*"--root"* ]] || fail "$output"
	bundle true
	me env -u XDG_RUNTIME_DIR ./hull-runtime --root "$home/elsewhere" run c1
}

@test "rootless: root of a user namespace is as a user" {
	# As podman and rootless containerd call: uid 0, mapped, in a mount namespace of its own.
	mine 'del(.linux.namespaces[] | select(.type == "user")) | del(.linux.uidMappings, .linux.gidMappings) |
		.linux.cgroupsPath = "/oci-rootless-test/c1"'
	bundle id -u
	capture me unshare --user --map-root-user --mount ./hull-runtime run c1
	[ "$status" = 0 ] || fail "$output"
	[ "$output" = 0 ] || fail "$output"
	bundle sleep 100
	me unshare --user --map-root-user --mount ./hull-runtime run -d c1 </dev/null >/dev/null 2>&1
	[ -d run/hull-runtime/c1 ]
}
