#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hooks of a spec: when and where each kind runs, what it is told, and what its failure does.

load spec

# The hooks write into $log, where a container cannot.
hook_setup() {
	log=$dir/log
	mkdir "$log"
	options="--bundle $dir"
}

# hook KIND SCRIPT [JSON]: add a hook that the host's shell runs; JSON may change it.
hook() {
	config --arg k "$1" --arg s "$2" ".hooks[\$k] += [{path: \"/bin/sh\",
		args: [\"sh\", \"-c\", \$s], env: [\"LOG=$log\", \"PATH=/usr/bin:/bin\"]} + (${3:-null} // {})]"
}

@test "all six kinds run in order, each with the state on its input" {
	hook_setup
	config '.annotations = {"a.b": "c"}'
	local kind
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook $kind "echo $kind >>\$LOG/order; cat >\$LOG/$kind"
	done
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "echo startContainer; cat"],
		env: ["PATH=/bin"]}]'
	mkdir "$root/seen"
	config --arg v "$root/seen" '.mounts += [{destination: "/seen", source: $v, options: ["bind"]}] |
		.hooks.startContainer[0].args[2] = "echo startContainer >/seen/order; cat >/seen/state"'
	start sh -c 'echo command >>/seen/order'
	[ "$status" = 0 ]
	[ "$(xargs <"$log/order")" = "prestart createRuntime createContainer poststart poststop" ]
	[ "$(xargs <"$root/seen/order")" = "startContainer command" ]
	mv "$root/seen/state" "$log/startContainer"
	for kind in prestart:creating createRuntime:creating createContainer:creating \
		startContainer:created poststart:running poststop:stopped; do
		jq -e --arg s "${kind#*:}" --arg b "$dir" '.ociVersion == "1.0.2" and .id == "probe" and
			.status == $s and .bundle == $b and .annotations == {"a.b": "c"}' "$log/${kind%:*}"
	done
	# The pid is what those see that are told: 1 inside, the host's outside, none once it ended.
	[ "$(jq .pid "$log/createContainer")" = 1 ]
	[ "$(jq .pid "$log/startContainer")" = 1 ]
	[ "$(jq .pid "$log/prestart")" -gt 1 ]
	[ "$(jq .pid "$log/prestart")" = "$(jq .pid "$log/poststart")" ]
	[ "$(jq .pid "$log/poststop")" = null ]
}

@test "hooks run in the namespaces that the specification names" {
	hook_setup
	hook createRuntime 'readlink /proc/self/ns/mnt /proc/self/ns/net >$LOG/runtime
		pid=$(sed "s/.*\"pid\":\([0-9]*\).*/\1/"); readlink /proc/$pid/ns/net >$LOG/theirs'
	hook createContainer 'cat /proc/self/mountinfo >$LOG/mounts; pwd >$LOG/pwd; ls >$LOG/ls
		cat /proc/sys/kernel/hostname >$LOG/name'
	start sh -c 'readlink /proc/self/ns/net'
	[ "$status" = 0 ]
	[ "$(head -n 1 "$log/runtime")" = "$(readlink /proc/self/ns/mnt)" ]
	[ "$(tail -n 1 "$log/runtime")" = "$(readlink /proc/self/ns/net)" ]
	[ "$(cat "$log/theirs")" = "$output" ]
	[ "$(cat "$log/name")" = probe ]
	# The root is where the spec has it, with everything mounted, and the host is still around it.
	grep -q " $root/proc " "$log/mounts"
	grep -q " $root/dev/pts " "$log/mounts"
	[ "$(cat "$log/pwd")" = "$root" ]
	grep -qx bin "$log/ls"
}

@test "a hook before pivot_root can mount into the container" {
	hook_setup
	mkdir "$dir/extra" "$root/extra"
	echo mounted >"$dir/extra/file"
	hook createContainer "mount --bind $dir/extra $root/extra"
	start cat /extra/file
	[ "$output" = mounted ]
	run ! grep "$root/extra" /proc/self/mountinfo
}

@test "startContainer runs as the container's user, in its root" {
	hook_setup
	config '.process.user = {uid: 1000, gid: 1000} | .process.capabilities = {} |
		.process.noNewPrivileges = true | .process.cwd = "/tmp"'
	chmod 777 "$root/tmp"
	config '.hooks.startContainer = [{path: "/bin/sh", env: ["PATH=/bin"],
		args: ["sh", "-c", "id -u >/tmp/h; pwd >>/tmp/h; grep -e CapEff -e NoNewPrivs /proc/self/status >>/tmp/h"]}]'
	start true
	[ "$status" = 0 ]
	[ "$(tr '\t\n' '  ' <"$root/tmp/h")" = "1000 /tmp CapEff: 0000000000000000 NoNewPrivs: 1 " ]
}

@test "a failed hook ends the container, and says what the hook said" {
	hook_setup
	local kind
	for kind in prestart createRuntime createContainer poststart; do
		config '.hooks = null'
		hook $kind 'echo out; echo "no such luck" >&2; exit 3'
		hook $kind 'touch $LOG/second'
		hook poststop 'touch $LOG/stopped'
		start sh -c 'sleep 0.2; touch /seen'
		[ "$status" = 125 ]
		[[ $output == "$kind hook 0 (/bin/sh): exit status 3: out no such luck" ]]
		[ ! -e "$log/second" ]
		[ ! -e "$root/seen" ]
		[ -e "$log/stopped" ]
		rm "$log/stopped"
	done
	config '.hooks = {startContainer: [{path: "/bin/sh", args: ["sh", "-c", "echo inside; kill -9 $$"]}]}'
	start touch /seen
	[ "$status" = 125 ]
	[[ $output == "startContainer hook 0 (/bin/sh): killed by signal 9: inside" ]]
	[ ! -e "$root/seen" ]
}

@test "after a failed poststop the others run, and the exit code stays" {
	hook_setup
	hook poststop 'exit 1'
	hook poststop 'touch $LOG/second'
	start sh -c 'exit 4'
	[ "$status" = 4 ]
	[[ $output == "warning: poststop hook 0 (/bin/sh): exit status 1" ]]
	[ -e "$log/second" ]
}

@test "a hook that does not end in time is ended, with what it started" {
	hook_setup
	hook createRuntime 'sleep 61 & echo $! >$LOG/child; wait' '{timeout: 1}'
	start touch /seen
	[ "$status" = 125 ]
	[[ $output == "createRuntime hook 0 (/bin/sh): it did not end within 1 s" ]]
	[ ! -e "$root/seen" ]
	local i
	for i in $(seq 600); do
		[ -e "/proc/$(cat "$log/child")" ] || break
		sleep 0.1
	done
	[ ! -e "/proc/$(cat "$log/child")" ]
	# One that is quick enough is not waited for.
	config '.hooks = null'
	hook createRuntime true '{timeout: 60}'
	start true
	[ "$status" = 0 ]
}

@test "hooks inherit no environment, no descriptors and no ignored signals" {
	hook_setup
	config --arg l "$log" '.hooks.createRuntime = [{path: "/bin/bash", args: ["bash", "-c",
		"env >\($l)/env; ls /proc/self/fd >\($l)/fds; grep SigIgn /proc/self/status >\($l)/signals"]}]'
	config '.process.args = ["true"]'
	capture env SECRET=1 bash -c 'trap "" TERM CHLD; exec 9</; exec "$0" run --bundle "$1" "$2"' \
		"$probe" "$dir" "$dir/config.json"
	[ "$status" = 0 ]
	run ! grep SECRET "$log/env"
	[ "$(xargs <"$log/fds")" = "0 1 2 3" ]
	grep -q 0000000000000000 "$log/signals"
}

@test "a spec whose hooks make no sense is refused by name" {
	hook_setup
	try() {
		config ".hooks = $1"
		start true
		[ "$status" = 125 ]
		[[ $output == *"$2"* ]] || { echo "$output"; return 1; }
	}
	try '{prestart: [{path: "relative"}]}' 'prestart hook 0 (relative): the path must be absolute'
	try '{prestart: [{path: "/nonexistent"}]}' 'exit status 127: No such file or directory'
	try '{createRuntime: [{path: "/bin/true", timeout: 0}]}' 'timeout 0: it goes from 1'
	try '{createRuntime: [{args: ["x"]}]}' 'hooks: createRuntime[0]: path: missing'
	try '{poststop: "x"}' 'hooks: poststop: expected an array'
}

@test "a state larger than a pipe reaches the hook" {
	hook_setup
	config '.annotations = {"big": ("x" * 200000)}'
	hook createRuntime 'wc -c >$LOG/size'
	start true
	[ "$status" = 0 ]
	[ "$(cat "$log/size")" -gt 200000 ]
}
