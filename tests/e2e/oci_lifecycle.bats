#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull-runtime: the life of a container by create, start, run, kill, delete, state and list.

load oci

@test "create, start, kill, delete: each state, and nothing is left" {
	bundle sh -c 'echo started >/tmp/mark; exec sleep 100'
	rt create c1
	[ "$(status_of c1)" = created ]
	[ ! -e "$root/tmp/mark" ]
	rt start c1
	wait_for 5 test -e "$root/tmp/mark"
	[ "$(status_of c1)" = running ]
	rt kill c1 KILL
	wait_for 5 has_status c1 stopped
	[ "$(pid_of c1)" = 0 ]
	rt delete c1
	capture rt state c1
	[ "$status" = 1 ]
	[[ "$output" == *"does not exist"* ]]
}

@test "state: the object of the specification" {
	config '.annotations = {"org.example": "a \"b\""}'
	rt create c1
	rt state c1 | jq -e --arg b "$dir" '.ociVersion == "1.0.2" and .id == "c1" and
		.status == "created" and .pid > 1 and .bundle == $b and .rootfs == $b + "/root" and
		.annotations == {"org.example": "a \"b\""} and .owner == "root" and
		(.created | test("^20[0-9-]+T[0-9:.]+Z$"))'
}

@test "list: table, JSON and ids" {
	[ "$(rt list -q)" = "" ] || [ ! -d "$dir/state" ]
	rt create c1
	rt create -b "$(another c2)" c2
	rt start c2
	rt list | grep -E '^ID +PID +STATUS +BUNDLE +CREATED +OWNER$'
	rt list | grep -E "^c1 +[0-9]+ +created +$dir +20[^ ]+ +root$"
	[ "$(rt list --format json | jq -r '.[] | .id + " " + .status' | xargs)" = "c1 created c2 running" ]
	[ "$(rt list -q | xargs)" = "c1 c2" ]
	capture rt list --format xml
	[ "$status" = 1 ]
}

@test "run: output, exit status, and it is deleted" {
	bundle sh -c 'echo out; echo err >&2; exit 7'
	capture rt run c1
	[ "$status" = 7 ]
	[ "$output" = $'out\nerr' ]
	[ -z "$(rt list -q)" ]
	[ -z "$(groups_of "$(group_of c1)")" ]
}

@test "run: a signal's exit status, --keep, and standard input" {
	bundle sh -c 'kill -9 $$'
	config '.linux.namespaces |= map(select(.type != "pid"))'
	capture rt run --keep c1
	[ "$status" = 137 ]
	[ "$(status_of c1)" = stopped ]
	rt delete c1
	bundle cat
	[ "$(echo through | rt run c1)" = through ]
}

@test "run --detach: the container outlives it, as a child of the nearest subreaper" {
	bundle sleep 100
	rt run --detach --pid-file "$dir/pid" c1
	[ "$(cat "$dir/pid")" = "$(pid_of c1)" ]
	[ "$(status_of c1)" = running ]
	local parent
	parent=$(awk '{ print $4 }' "/proc/$(pid_of c1)/stat")
	[ "$(cat "/proc/$parent/comm")" != hull-runtime ]
	capture rt delete c1
	[ "$status" = 1 ]
	[[ "$output" == *"cannot delete container c1 that is not stopped: running"* ]]
	rt delete --force c1
}

@test "run: signals are passed on" {
	bundle sh -c 'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
	rt run c1 >"$dir/out" &
	local pid=$!
	wait_for 10 grep -q ready "$dir/out"
	# $pid is the shell's, the runtime its child.
	kill -TERM "$(pgrep -P $pid || echo $pid)"
	local status=0
	wait $pid || status=$?
	[ "$status" = 5 ]
	grep -q got "$dir/out"
}

@test "errors have the words that callers look for" {
	local command
	for command in state start delete kill; do
		capture rt $command nosuch
		[ "$status" = 1 ]
		[[ "$output" == *"does not exist"* ]]
	done
	rt create c1
	capture rt create c1
	[ "$status" = 1 ]
	[[ "$output" == *"already exists"* ]]
	rt start c1
	capture rt start c1
	[ "$status" = 1 ]
	[[ "$output" == *"cannot start an already running container"* ]]
	rt kill c1 9
	wait_for 5 has_status c1 stopped
	capture rt start c1
	[[ "$output" == *"cannot start a container that has stopped"* ]]
	capture rt kill c1
	[ "$status" = 1 ]
	[[ "$output" == *"container not running"* ]]
	rt kill --all c1 KILL
	rt delete c1
	rt delete --force c1
}

@test "delete removes a created container, and with --force a running one" {
	rt create c1
	local pid
	pid=$(pid_of c1)
	rt delete c1
	[ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"
	rt run -d c1
	rt delete -f c1
	[ -z "$(groups_of "$(group_of c1)")" ]
}

@test "ids: only plain names, in every command" {
	local id command
	mkdir "$dir/state" "$dir/victim"
	for id in .. . ../victim a/b "" $'a\nb' -x "$(printf 'x%.0s' $(seq 300))" '*'; do
		for command in create run state start kill delete "delete --force" ps pause resume update events "events --stats" \
			checkpoint "restore --image-path $dir" exec; do
			# shellcheck disable=SC2086
			case $command in
			exec) capture rt exec -- "$id" true ;;
			*) capture rt $command -- "$id" ;;
			esac
			[ "$status" = 1 ] || [ "$command $status" = "exec 255" ] || fail "$command '$id': $status" "$output"
		done
	done
	[ -d "$dir/victim" ]
	[ -z "$(ls -A "$dir/state")" ]
}

@test "a command that cannot be executed is told by create, and nothing is left" {
	bundle nosuch
	capture rt create c1
	[ "$status" = 1 ]
	[[ "$output" == *'exec: "nosuch": executable file not found in $PATH'* ]]
	bundle /etc/passwd
	capture rt create c1
	[[ "$output" == *"permission denied"* ]]
	bundle /nosuch/at/all
	capture rt create c1
	[[ "$output" == *"no such file or directory"* ]]
	# For the user, not for us.
	cp "$root/bin/busybox" "$root/bin/mine" && chmod 700 "$root/bin/mine"
	config '.process.user = {"uid": 1000, "gid": 1000} | .process.args = ["mine", "true"]'
	capture rt create c1
	[[ "$output" == *"permission denied"* ]]
	[ -z "$(rt list -q)" ]
}

@test "a command that fails at its very end is told by start" {
	bundle /bin/late
	cp "$root/bin/busybox" "$root/bin/late"
	rt create c1
	rm "$root/bin/late"
	capture rt start c1
	[ "$status" = 1 ]
	[[ "$output" == *"no such file or directory"* ]]
	wait_for 5 has_status c1 stopped
}

@test "a failed create leaves nothing, whatever failed" {
	local filter
	for filter in '.linux.namespaces += [{type: "nosuch"}]' '.mounts += [{destination: "/x",
		type: "nosuch", source: "x"}]' '.process.user.uid = 4294967295' '.root.path = "nosuch"' \
		'.ociVersion = "2.0.0"' '.process.args = []' 'del(.root)' \
		'.process.cwd = "relative"' '.linux.sysctl = {"kernel.core_pattern": "x"}' \
		'.hooks.prestart = [{path: "/bin/false"}]' '.linux.cgroupsPath = "/../../x"' \
		'.hooks.poststop = [{path: "relative"}]' '.hooks.poststop = [{path: "/bin/true", timeout: 0}]' \
		'.annotations = {"": "x"}' '.linux.maskedPaths += ["proc/x"]' '.linux.readonlyPaths += [""]' \
		'.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x"}' \
		'.process.execCPUAffinity = {initial: "x"}' '.process.execCPUAffinity = {final: "0-"}' \
		'.process.terminal = true'; do
		cp config.json good.json
		config "$filter"
		capture rt create c1
		[ "$status" = 1 ] || fail "accepted: $filter"
		[[ "$output" == "hull-runtime: "* ]]
		[ -z "$(ls -A "$dir/state")" ] || fail "left after $filter"
		mv good.json config.json
	done
	[ -z "$(leftovers)" ]
}

@test "each version of the specification from 1.0 to 1.3 is taken, and no other" {
	local version
	bundle true
	for version in 1.0.0 1.0.2 1.0.2-dev 1.1.0 1.1.0+dev 1.2.0 1.2.1 1.3.0; do
		config --arg v "$version" '.ociVersion = $v'
		capture rt run c1
		[ "$status" = 0 ] || fail "$version: $output"
	done
	for version in 0.9.0 2.0.0 1 x ''; do
		config --arg v "$version" '.ociVersion = $v'
		capture rt run c1
		[ "$status" = 1 ] || fail "taken: '$version'"
		[[ "$output" == *ociVersion* ]] || fail "'$version': $output"
	done
	config 'del(.ociVersion)'
	capture rt run c1
	[ "$status" = 1 ]
	[[ "$output" == *ociVersion* ]] || fail "$output"
}

@test "another configuration than the bundle's, and a bundle by its path" {
	jq '.process.args = ["echo", "other"]' config.json >"$dir/other.json"
	cd /
	[ "$(rt run --bundle "$dir" --config "$dir/other.json" c1)" = other ]
	capture rt run --bundle /nosuch c1
	[ "$status" = 1 ]
	[[ "$output" == *"/nosuch"* ]]
}

@test "host name and domain name are the container's, and need its own uts namespace" {
	config '.domainname = "example.org"'
	bundle sh -c 'hostname; cat /proc/sys/kernel/domainname'
	[ "$(rt run c1 | xargs)" = "probe example.org" ]
	config '.linux.namespaces |= map(select(.type != "uts")) | del(.hostname)'
	capture rt run c1
	[ "$status" = 1 ]
	[[ "$output" == *"uts namespace"* ]] || fail "$output"
}

@test "--debug names the error; --rootless has three words" {
	local word
	capture rt --debug state nosuch
	[[ "$output" == *"does not exist"*"[ENOENT]"* ]] || fail "$output"
	capture rt state nosuch
	[[ "$output" != *ENOENT* ]] || fail "$output"
	bundle true
	for word in true false auto; do rt --rootless "$word" run c1; done
	capture rt --rootless perhaps run c1
	[ "$status" = 1 ]
	[[ "$output" == *rootless* ]] || fail "$output"
}

@test "HOME is the user's where the specification gives none" {
	config 'del(.process.env[] | select(startswith("HOME="))) | .process.user = {uid: 1000, gid: 1000}'
	bundle sh -c 'echo $HOME'
	[ "$(rt run c1)" = /home/bob ]
	config '.process.user = {uid: 4711, gid: 4711}'
	[ "$(rt run c1)" = / ]
}

@test "limits: in the group, on either version" {
	config '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 77},
		cpu: {shares: 512, quota: 50000, period: 100000}}'
	rt create c1
	local all
	all=$(groups_of "$(group_of c1)" | while read -r d; do
		cat "$d"/{memory.limit_in_bytes,memory.max,pids.max,cpu.cfs_quota_us} 2>/dev/null
	done | xargs)
	[[ " $all " == *" 67108864 "* ]]
	[[ " $all " == *" 77 "* ]]
}

@test "devices: the list is kept, and every container has the usual ones" {
	config '.linux.resources.devices = [{allow: false, access: "rwm"}]'
	bundle sh -c 'head -c 4 /dev/zero | wc -c; mknod /tmp/d c 1 1 2>/dev/null && head -c1 /tmp/d; echo $?'
	[ "$(rt run c1 2>/dev/null | xargs)" = "4 1" ]
	rm -f "$root/tmp/d"
}

@test "a seccomp filter, also when the container is started later" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38}]}'
	bundle sh -c 'mkdir /tmp/x; echo $? >/tmp/result'
	rt create c1
	rt start c1
	wait_for 5 test -s "$root/tmp/result"
	[ "$(cat "$root/tmp/result")" = 1 ]
	[ ! -d "$root/tmp/x" ]
}

@test "hooks: poststart by start, poststop by delete, with the bundle gone" {
	config --arg d "$dir" '.hooks = {
		poststart: [{path: "/bin/sh", args: ["sh", "-c", "cat >" + $d + "/poststart"]}],
		poststop: [{path: "/bin/sh", args: ["sh", "-c", "cat >" + $d + "/poststop"]}]}'
	rt create -b "$(another c1)" c1
	rm -r "$dir/bundles"
	[ ! -e poststart ]
	rt start c1
	jq -e '.status == "running"' poststart
	[ ! -e poststop ]
	rt delete -f c1
	jq -e '.status == "stopped" and .id == "c1"' poststop
}

@test "kill: by name and number, to all processes" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	bundle sh -c 'sleep 100 & trap "" TERM; echo $! >/tmp/child; wait; sleep 100'
	rt run -d c1 </dev/null >/dev/null 2>&1
	wait_for 5 test -s "$root/tmp/child"
	rt kill c1 SIGTERM
	rt kill c1 15
	[ "$(status_of c1)" = running ]
	capture rt kill c1 NOSUCH
	[ "$status" = 1 ]
	rt kill --all c1 KILL
	wait_for 5 has_status c1 stopped
	wait_for 5 test ! -e "/proc/$(cat "$root/tmp/child")"
}

@test "version and help" {
	capture "$runtime" --version
	[[ "${lines[0]}" == "runc version "*hull-runtime* ]]
	[[ "${lines[1]}" == "spec: 1."* ]]
	capture "$runtime" --help
	[[ "$output" == *"create "* ]]
	capture "$runtime" create --help
	[[ "$output" == *"--bundle"* ]]
	capture "$runtime" crate
	[ "$status" = 1 ]
	[[ "$output" == *'did you mean `hull-runtime create`'* ]]
}

@test "many at once, and all of one" {
	local i pids=()
	bundle sh -c 'exit 3'
	for i in $(seq 20); do
		another "m$i" >/dev/null
		rt run -b "$dir/bundles/m$i" "m$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		local status=0
		wait "$i" || status=$?
		[ "$status" = 3 ]
	done
	[ -z "$(rt list -q)" ]
}

# Where there is one: spec_systemd.bats.
@test "control groups by systemd, where it is not the first process" {
	[ ! -e /run/systemd/private ] && [ ! -e /run/dbus/system_bus_socket ] || skip "systemd runs here"
	config 'del(.linux.cgroupsPath)'
	local manager
	for manager in --systemd-cgroup --cgroup-manager=systemd; do
		capture rt "$manager" create c1
		[ "$status" = 1 ]
		[[ "$output" == *"unit hull-c1.scope: cannot reach systemd: "*"use the manager cgroupfs"* ]]
	done
	config '.linux.cgroupsPath = "/a/b"'
	capture rt --systemd-cgroup create c1
	[ "$status" = 1 ]
	[[ "$output" == *'"/a/b": not slice:prefix:name'* ]]
	capture rt --cgroup-manager nosuch create c1
	[ "$status" = 1 ]
	[ -z "$(ls -A "$dir/state" 2>/dev/null)" ]
}

@test "--cgroup-manager disabled: a container without a group of its own" {
	bundle true
	rt --cgroup-manager disabled run c1
	[ -z "$(groups_of "$(group_of c1)")" ]
	bundle sleep 100
	rt --cgroup-manager disabled run -d c1 </dev/null >/dev/null 2>&1
	rt exec c1 true
	capture rt pause c1
	[ "$status" = 1 ]
	[[ "$output" == *"no control group"* ]]
	rt delete --force c1
}

@test "netDevices: links of the host move in, with their addresses" {
	unshare --net ip link add ht0 type veth peer name hp0 2>/dev/null || skip "this kernel has no veth links"
	bundle sh -c 'ifconfig eth5; ifconfig ht1; cat /proc/sys/net/ipv4/conf/eth5/forwarding'
	config '.linux.netDevices = {ht0: {name: "eth5"}, ht1: {}} | .linux.sysctl["net.ipv4.conf.eth5.forwarding"] = "1"'
	capture unshare --net sh -c '
		ip link add ht0 address 02:00:00:00:00:07 mtu 1400 type veth peer name ht1 &&
		ip addr add 10.9.8.7/24 brd 10.9.8.255 dev ht0 && ip addr add fd00::7/64 dev ht0 && ip link set ht0 up &&
		"$@" && ip -o link' sh "$runtime" --root "$dir/state" run c1 3>&-
	[ "$status" = 0 ] || fail "$output"
	[[ $output == *02:00:00:00:00:07* && $output == *"inet addr:10.9.8.7  Bcast:10.9.8.255  Mask:255.255.255.0"* &&
		$output == *"fd00::7/64"* && $output == *UP*MTU:1400* && $output == *ht1*UP* && $output == *$'\n1\n'* ]] ||
		fail "$output"
	# Outside there is nothing left but lo: with the container its links are gone.
	[[ ${lines[-1]} == "1: lo:"* ]] || fail "$output"
}
