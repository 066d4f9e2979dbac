#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# src/runtime alone, driven by runtime-probe: from a config.json to a process. The names T0xx are
# those of docs/security.md.

load spec

@test "runs a command and gives its exit code" {
	start sh -c 'echo out; echo err >&2; exit 7'
	[ "$status" = 7 ]
	[[ $output == *out* && $output == *err* ]]
	start sh -c 'kill -9 $$; echo "pid 1 lives"'
	[ "$output" = "pid 1 lives" ]
}

@test "all namespaces differ from the host's" {
	start sh -c 'for n in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done'
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 6 ]
	local line
	for line in "${lines[@]}"; do
		run ! grep -F "$line" <<<"$(readlink /proc/self/ns/*)"
	done
	start hostname
	[ "$output" = probe ]
	start ifconfig lo
	[[ $output == *127.0.0.1* ]]
}

@test "a namespace of a path is joined" {
	background
	config --arg p "$pid" '(.linux.namespaces[] | select(.type == "network" or .type == "ipc" or
		.type == "pid")) |= (.path = "/proc/\($p)/ns/\({network: "net", ipc: "ipc", pid: "pid"}[.type])")'
	start sh -c 'readlink /proc/self/ns/net; ps'
	end_background
	[ "$status" = 0 ]
	[[ $output == *"sleep 600"* ]]
	config '(.linux.namespaces[] | select(.type == "network")).path = "/etc/passwd"
		| del(.linux.namespaces[] | select(.type == "pid" or .type == "ipc") | .path)'
	start true
	[ "$status" = 125 ]
	[[ $output == *"not a namespace"* ]]
}

@test "masked and read-only paths" {
	start sh -c 'cat /proc/keys /proc/timer_list /proc/interrupts; ls /sys/firmware; ls /proc/acpi;
		echo x >/proc/sys/kernel/hostname; touch /sys/firmware/x; echo end'
	[[ $output == *end ]]
	[[ $output == *"/proc/sys/kernel/hostname: Read-only file system"* ]]
	[ "$(printf '%s\n' "${lines[@]}" | grep -vc -e Read-only -e end)" = 0 ]
	start sh -c 'grep -c " /proc/nosuch " /proc/self/mountinfo'
	[ "$output" = 0 ]
}

@test "devices, links and kernel file systems" {
	start sh -c 'cd /dev; ls; stat -c "%n %t:%T %a" null zero full random urandom tty'
	[ "$status" = 0 ]
	[[ $output == *"null 1:3 666"* && $output == *"tty 5:0 666"* && $output == *"full 1:7 666"* ]]
	[[ $output != *console* ]]
	start sh -c 'readlink /dev/fd; readlink /dev/stdout; readlink /dev/ptmx; head -c 3 /dev/zero | wc -c; echo gone >/dev/null'
	[ "${lines[0]}" = /proc/self/fd ]
	[ "${lines[2]}" = pts/ptmx ]
	[ "${lines[3]}" = 3 ]
	config '.linux.devices = [{path: "/dev/sub/fuse", type: "c", major: 10, minor: 229,
		fileMode: 438, uid: 1000, gid: 29}]'
	start stat -c '%t:%T %a %u:%g' /dev/sub/fuse
	[ "$output" = "a:e5 666 1000:29" ]
	config '.linux.devices[0].type = "x"'
	start true
	[ "$status" = 125 ]
	[[ $output == *"/dev/sub/fuse"*"unknown type"* ]]
}

@test "mount options reach the mounts" {
	mkdir "$dir/vol"
	echo file >"$dir/vol/f"
	config --arg v "$dir/vol" '.mounts += [
		{destination: "/ro", type: "bind", source: $v, options: ["rbind", "ro", "nosuid", "noexec"]},
		{destination: "/rw", source: $v, options: ["bind"]},
		{destination: "/etc/f", source: "\($v)/f", options: ["bind", "ro"]},
		{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=1m", "mode=1711", "noatime"]}]'
	start sh -c 'grep -E " /(ro|rw|t|etc/f) " /proc/mounts; echo x >/ro/x; echo y >/rw/y; cat /etc/f
		stat -c %a /t'
	[[ $output == *" /ro ext4 ro,nosuid,noexec,"* || $output == *" /ro "*"ro,nosuid,noexec,relatime"* ]]
	[[ $output == *"tmpfs /t tmpfs rw,noatime,size=1024k,mode=1711"* ]]
	[[ $output == *"/ro/x: Read-only file system"* && $output == *file* && $output == *1711* ]]
	[ "$(cat "$dir/vol/y")" = y ]
	config '.mounts[-1].options = ["size=lots"]'
	start true
	[ "$status" = 125 ]
	[[ $output == *"mount /t: "*"size=lots"* && $output == *"Bad value for 'size'"* ]]
	config '.mounts[-1] = {destination: "/ro", source: "/nonexistent", options: ["bind"]}'
	start true
	[ "$status" = 125 ]
	[[ $output == *"/nonexistent upon /ro: No such file"* ]]
	config --arg v "$dir/vol" '.mounts[-1] = {destination: "/etc/passwd", source: $v, options: ["bind"]}'
	start true
	[ "$status" = 125 ]
	[[ $output == *"not a directory"* ]]
}

@test "recursive read-only, and propagation" {
	mkdir -p "$dir/vol/sub"
	unshare -m sh -c "mount -t tmpfs x '$dir/vol/sub' && jq --arg v '$dir/vol' '.mounts += [
		{destination: \"/a\", source: \$v, options: [\"rbind\", \"ro\"]},
		{destination: \"/b\", source: \$v, options: [\"rbind\", \"rro\"]}] |
		.process.args = [\"sh\", \"-c\", \"touch /a/x; touch /a/sub/x && echo writable; touch /b/sub/y; grep -c shared: /proc/self/mountinfo\"]' \
		'$dir/config.json' >'$dir/c2.json' && '$probe' run '$dir/c2.json'" >"$dir/out" 2>&1 || true
	grep -q '/a/x: Read-only' "$dir/out"
	grep -q writable "$dir/out"
	grep -q '/b/sub/y: Read-only' "$dir/out"
	[ "$(tail -n 1 "$dir/out")" = 0 ]
}

@test "tmpcopyup starts with what the image has" {
	mkdir -p "$root/data/d"
	echo text >"$root/data/d/f"
	chown 1000:29 "$root/data/d/f"
	chmod 640 "$root/data/d/f"
	ln -s d/f "$root/data/l"
	mkfifo "$root/data/pipe"
	config '.mounts += [{destination: "/data", type: "tmpfs", source: "tmpfs",
		options: ["tmpcopyup", "ro"]}]'
	start sh -c 'stat -c "%a %u:%g" /data/d/f; cat /data/l; touch /data/x; ls /data'
	[ "${lines[0]}" = "640 1000:29" ]
	[ "${lines[1]}" = text ]
	[[ ${lines[2]} == *Read-only* ]]
	[[ $output != *pipe* ]]
}

@test "read-only root" {
	config '.root.readonly = true'
	start sh -c 'touch /x; touch /dev/shm/x && touch /dev/y && echo fine'
	[[ $output == *"/x: Read-only file system"* && $output == *fine* ]]
}

@test "user, capabilities and filter as the kernel shows them (T030, T033)" {
	options=--seccomp
	start grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid)' /proc/self/status
	[[ $output == *"CapInh:	0000000000000000"* && $output == *"CapPrm:	00000000a80425fb"* ]]
	[[ $output == *"CapEff:	00000000a80425fb"* && $output == *"CapBnd:	00000000a80425fb"* ]]
	[[ $output == *"CapAmb:	0000000000000000"* && $output == *"Seccomp:	2"* ]]
	[[ $output == *"NoNewPrivs:	0"* ]]
	config '.process.user = {uid: 1000, gid: 1000, additionalGids: [10, 29], umask: 63}'
	start sh -c 'grep -E "^(CapEff|CapPrm|CapBnd|Seccomp:|Groups|Uid)" /proc/self/status; umask'
	[[ $output == *"CapPrm:	0000000000000000"* && $output == *"CapEff:	0000000000000000"* ]]
	[[ $output == *"CapBnd:	00000000a80425fb"* && $output == *"Seccomp:	2"* ]]
	[[ $output == *"Uid:	1000	1000	1000	1000"* && $output == *"0077"* ]]
	[[ $output == *"Groups:	10 29"* && $output != *"29 1000"* ]]
	config '.process.noNewPrivileges = true | .process.user.uid = 0 |
		.process.capabilities.permitted = ["CAP_CHOWN"] | .process.capabilities.effective = ["CAP_CHOWN"]'
	start grep -E '^(CapEff|NoNewPrivs|Seccomp:)' /proc/self/status
	[[ $output == *"CapEff:	0000000000000001"* && $output == *"NoNewPrivs:	1"* ]]
	[[ $output == *"Seccomp:	2"* ]]
}

@test "a negative group permission stays closed (T033)" {
	echo secret >"$root/tmp/f"
	chown 0:29 "$root/tmp/f"
	chmod 604 "$root/tmp/f"
	config '.process.user = {uid: 1000, gid: 29} | .process.capabilities = {}'
	start cat /tmp/f
	[ "$status" != 0 ]
	[[ $output == *"Permission denied"* ]]
}

@test "ids that mean something else to the kernel are refused (T031)" {
	local id
	for id in -1 4294967295 4294967296 18446744073709551615; do
		config ".process.user.uid = $id"
		start id -u
		[ "$status" = 125 ]
		[[ $output == *"user id"* || $output == *"uid: expected a number"* ]]
	done
	config '.process.user = {uid: 0, gid: 4294967295}'
	start id
	[ "$status" = 125 ]
	[[ $output == *"group id 4294967295"* ]]
	for id in -1 4294967295 4294967296 2147483648 +1 0x1 "1 " 1:4294967296 " 1"; do
		capture "$probe" user "$root" "$id"
		[ "$status" = 125 ]
	done
	for id in 1 1:1; do
		capture "$probe" user "$root" "$id"
		[ "$status" = 0 ]
	done
}

@test "users come from the image's files and never by digits (T032, T034)" {
	capture "$probe" user "$root" bob
	[ "$output" = "1000 1000 /home/bob 10 29" ]
	capture "$probe" user "$root" bob:audio 10
	[ "$output" = "1000 29 /home/bob 10" ]
	capture "$probe" user "$root" ""
	[ "$output" = "0 0 /root 10" ]
	capture "$probe" user "$root" nosuch
	[ "$status" = 125 ]
	[[ $output == *"unable to find user nosuch"* ]]
	echo '1000:x:0:0::/:' >>"$root/etc/passwd"
	capture "$probe" user "$root" 1000
	[[ $output == "1000 1000 "* ]]
	rm "$root/etc/passwd"
	mkfifo "$root/etc/passwd"
	capture within 2 "$probe" user "$root" bob
	[ "$status" = 125 ]
	[[ $output == *"/etc/passwd is not a regular file"* ]]
	capture within 2 "$probe" user "$root" 1000
	[ "$output" = "1000 0 -" ]
	rm "$root/etc/passwd"
	truncate -s 4G "$root/etc/passwd"
	capture within 2 "$probe" user "$root" bob
	[ "$status" = 125 ]
	[[ $output == *"larger than"* ]]
	rm "$root/etc/passwd"
	ln -s /dev/zero "$root/etc/passwd"
	capture within 2 "$probe" user "$root" bob
	[ "$status" = 125 ]
}

@test "a terminal of the container's own (T015)" {
	config '.process.terminal = true | .process.consoleSize = {height: 33, width: 99} |
		.process.user = {uid: 1000, gid: 1000}'
	start sh -c 'tty; stat -c "%t:%T %U" /dev/console /dev/pts/0; stty size 2>/dev/null; echo >/dev/tty'
	[ "$status" = 0 ]
	[[ ${lines[0]} == /dev/pts/0* && ${lines[1]} == "88:0 bob"* ]]
	ln -s "$canary/console" "$root/dev/console"
	config 'del(.mounts[] | select(.destination == "/dev")) | .mounts |= map(select(.destination != "/dev/shm" and .destination != "/dev/mqueue"))'
	start sh -c 'ls -l /dev/console'
	[ ! -e "$canary/console" ]
}

@test "another process in a running container" {
	background
	join . sh -c 'ps; hostname; readlink /proc/self/ns/pid; ls /proc/self/fd | wc -l; exit 9'
	[ "$status" = 9 ]
	[[ $output == *"sleep 600"* && $output == *probe* && ${lines[-1]} = 4 ]]
	[ "$(readlink "/proc/$pid/ns/pid")" = "${lines[-2]}" ]
	join '.user = {uid: 1000, gid: 1000} | .cwd = "/tmp"' sh -c 'id -u; pwd'
	[ "${lines[0]}" = 1000 ]
	[ "${lines[1]}" = /tmp ]
	join '.terminal = true' tty
	[[ $output == /dev/pts/0* ]]
	join . nosuch
	[ "$status" = 127 ]
	[[ $output == *'exec: "nosuch": executable file not found in $PATH'* ]]
	join '.cwd = "/proc/self/fd/1"' true
	[ "$status" = 126 ]
	join . grep -E '^Cap(Inh|Eff|Bnd)' /proc/self/status
	[[ $output == *"CapInh:	0000000000000000"* && $output == *"CapBnd:	00000000a80425fb"* ]]
	end_background
	join . true
	[ "$status" = 125 ]
}

@test "a container cannot reach the engine through a process that enters it (T003)" {
	mkdir -m 777 "$root/seen"
	background sh -c 'while :; do
		for p in /proc/[0-9]*; do
			e=$(readlink $p/exe) && [ "$e" != /bin/busybox ] && echo "$e" >>/seen/exe
			for f in $p/fd/*; do
				[ "$p" = /proc/1 ] || [ -e "$f" ] || continue
				t=$(readlink $f)
				case $t in /proc/*|/dev/*|pipe:*|socket:*|/seen/*|"") ;; *$0*) echo "$t" >>/seen/fd ;; esac
			done
		done
	done' "$dir"
	local before i
	before=$(sha256sum <"$probe")
	for i in $(seq 40); do
		join . true
		[ "$status" = 0 ]
	done
	end_background
	[ ! -e "$root/seen/exe" ]
	[ ! -e "$root/seen/fd" ]
	[ "$before" = "$(sha256sum <"$probe")" ]
}

@test "the engine's own program is not a command (T003)" {
	start /proc/self/exe
	[ "$status" = 126 ]
	[[ $output == *"the engine's own program"* ]]
	ln -s /proc/self/exe "$root/bin/entry"
	start entry
	[ "$status" = 126 ]
}

@test "a time namespace" {
	config '.linux.namespaces += [{type: "time"}]'
	start readlink /proc/self/ns/time
	[ "$status" = 0 ]
	[ "$output" != "$(readlink /proc/self/ns/time)" ]
}

@test "commands that cannot be executed say why" {
	try() { # PATH CODE TEXT
		start "$1"
		[ "$status" = "$2" ] || { echo "$1: $status: $output"; return 1; }
		[[ $output == *"$3"* ]] || { echo "$1: $output"; return 1; }
	}
	try nosuch 127 'exec: "nosuch": executable file not found in $PATH'
	try /no/such 127 'exec: "/no/such": stat /no/such: no such file or directory'
	try /tmp 126 'permission denied: it is a directory'
	echo hello >"$root/bin/plain"
	try /bin/plain 126 'permission denied: it is not executable'
	try plain 126 'it is not executable'
	chmod 755 "$root/bin/plain"
	try /bin/plain 126 'exec format error: a text file whose first line does not begin with #!'
	: >"$root/bin/empty"
	printf '#!/bin/sh\r\necho\r\n' >"$root/bin/dos"
	printf '#!/usr/bin/bash\n' >"$root/bin/bash-script"
	printf '#!\n' >"$root/bin/nothing"
	chmod 755 "$root"/bin/{empty,dos,bash-script,nothing}
	ln -s /nowhere "$root/bin/dangling"
	ln -s loop "$root/bin/loop"
	try /bin/empty 126 'the file is empty'
	try /bin/dos 127 'carriage return'
	try /bin/bash-script 127 'its interpreter /usr/bin/bash does not exist in the image'
	try /bin/nothing 126 'names no interpreter'
	try /bin/dangling 127 'symbolic link to /nowhere'
	try /bin/loop 126 'circle'
	try /bin/plain/x 126 'not a folder'
	cp "$(command -v jq)" "$root/bin/dynamic"
	try /bin/dynamic 127 'built for glibc and the image has none'
	cp "$busybox" "$root/bin/foreign"
	printf '\267\000' | dd of="$root/bin/foreign" bs=1 seek=18 conv=notrunc status=none
	try /bin/foreign 126 'the program is for arm64, this machine is'
	config '.mounts += [{destination: "/ne", type: "tmpfs", source: "t", options: ["noexec", "tmpcopyup"]}]'
	mkdir "$root/ne"
	cp "$busybox" "$root/ne/busybox"
	try /ne/busybox 126 'a mount with the option noexec'
}

@test "a working directory cannot be a descriptor (T001)" {
	local n
	for n in 3 4 5 6 7 8 9 10 11 12 16 20 31; do
		config --arg n "$n" '.process.cwd = "/proc/self/fd/\($n)"'
		start pwd
		[ "$status" = 125 ]
		[[ $output == *"working directory /proc/self/fd/$n"* ]]
	done
	ln -s /proc/self/cwd "$root/w"
	config '.process.cwd = "/w"'
	start pwd
	[ "$status" = 125 ]
	config '.process.cwd = "/made/here" | .process.user = {uid: 1000, gid: 1000}'
	start sh -c 'pwd; stat -c %u .'
	[ "${lines[0]}" = /made/here ]
	[ "${lines[1]}" = 1000 ]
}

@test "descriptors of the caller do not reach the container (T002)" {
	config '.process.args = ["ls", "/proc/self/fd"]'
	capture bash -c 'for i in $(seq 10 60); do eval "exec $i</"; done; exec "$0" run "$1"' \
		"$probe" "$dir/config.json"
	[ "$output" = $'0\n1\n2\n3' ] # 3 is the folder that ls reads
}

@test "targets of mounts do not leave the root (T011, T017)" {
	mkdir "$dir/vol"
	ln -s "$canary" "$root/link"
	ln -s "$canary/new" "$root/dangling"
	config --arg v "$dir/vol" '.mounts += [{destination: "/link/newdir", source: $v, options: ["bind"]}]'
	start true
	[ -z "$(ls -A "$canary")" ]
	echo x >"$dir/vol/f"
	config --arg v "$dir/vol/f" '.mounts[-1] = {destination: "/link/newfile", source: $v, options: ["bind"]}'
	start true
	[ -z "$(ls -A "$canary")" ]
	config --arg v "$dir/vol/f" '.mounts[-1] = {destination: "/dangling", source: $v, options: ["bind"]}'
	start true
	[ -z "$(ls -A "$canary")" ]
	config 'del(.mounts[-1]) | .process.cwd = "/link/x"'
	start true
	[ -z "$(ls -A "$canary")" ]
	config '.process.cwd = "/../../../../../../../tmp"'
	start pwd
	[ "$output" = /tmp ]
}

@test "a /dev that is a link makes nothing on the host (T012)" {
	echo keep >"$canary/ptmx"
	rmdir "$root/dev"
	ln -s "$canary" "$root/dev"
	config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	start true
	[ "$(ls -A "$canary")" = ptmx ]
	[ "$(cat "$canary/ptmx")" = keep ]
	rm "$canary/ptmx"
}

@test "/proc and /sys must be real folders (T013)" {
	rmdir "$root/proc" "$root/sys"
	mkdir "$root/bad"
	ln -s /bad "$root/proc"
	mkdir "$root/sys"
	start true
	[ "$status" = 125 ]
	[[ $output == *"mount /proc: the image has a symbolic link there"* ]]
	rm "$root/proc"
	mkdir "$root/proc"
	rmdir "$root/sys"
	ln -s /bad "$root/sys"
	start true
	[ "$status" = 125 ]
	[[ $output == *"mount /sys: "* ]]
}

@test "masking does not use the image's /dev/null (T014)" {
	ln -s /proc/version "$root/dev/null"
	config '.mounts |= map(select(.destination | startswith("/dev") | not)) |
		.linux.maskedPaths = ["/proc/uptime"]'
	start sh -c 'cat /proc/uptime'
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "nothing is mounted inside /proc but files that inform (T016)" {
	mkdir "$dir/vol"
	echo 42 >"$dir/f"
	local target
	for target in /proc/self/attr /proc/sys/net /proc/self /proc/1/attr /proc; do
		config --arg v "$dir/vol" --arg t "$target" \
			'.mounts |= map(select(.source != $v)) + [{destination: $t, source: $v, options: ["bind"]}]'
		start true
		[ "$status" = 125 ]
	done
	ln -s /proc/sys "$root/innocent"
	config --arg v "$dir/vol" '.mounts[-1].destination = "/innocent/net"'
	start true
	[ "$status" = 125 ]
	config --arg v "$dir/f" '.mounts[-1] = {destination: "/proc/uptime", source: $v, options: ["bind"]}'
	start cat /proc/uptime
	[ "$output" = 42 ]
}

@test "only parameters of the container's own namespaces (N2, N3, T038)" {
	config '.linux.sysctl = {"net.ipv4.ip_default_ttl": "65", "net/core/somaxconn": "4096",
		"kernel.shmmax": "1000000", "fs.mqueue.msg_max": "20"}'
	start sh -c 'cd /proc/sys; cat net/ipv4/ip_default_ttl net/core/somaxconn kernel/shmmax fs/mqueue/msg_max'
	[ "$output" = $'65\n4096\n1000000\n20' ]
	local key
	for key in kernel.core_pattern net/../kernel/core_pattern net.ipv4/ip_forward vm.overcommit_memory \
		kernel.shm_rmid_forced=1+kernel.core_pattern net. net..x kernel.hostname; do
		config --arg k "$key" '.linux.sysctl = {"\($k)": "1"}'
		start true
		[ "$status" = 125 ]
		[[ $output == *"sysctl $key"* ]]
	done
	config '.linux.sysctl = {"kernel.shmmax": "1\n2"}'
	start true
	[ "$status" = 125 ]
	config '.linux.sysctl = {"net.ipv4.ip_forward": "1"} |
		.linux.namespaces |= map(select(.type != "network"))'
	start true
	[ "$status" = 125 ]
	[[ $output == *"would change the host"* ]]
}

@test "limits are clamped, never fatal" {
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200},
		{type: "RLIMIT_CORE", soft: 0, hard: 18446744073709551615},
		{type: "RLIMIT_NPROC", soft: 18446744073709551615, hard: 18446744073709551615}]'
	start sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
	[ "$status" = 0 ]
	[ "${lines[0]}" = 100 ]
	[ "${lines[1]}" = 200 ]
	[ "${lines[2]}" = 0 ]
	config '.process.rlimits = [{type: "RLIMIT_NONE", soft: 1, hard: 1}]'
	start true
	[ "$status" = 125 ]
	[[ $output == *RLIMIT_NONE* ]]
}

@test "signals ignored by the caller are not ignored inside" {
	config '.process.args = ["grep", "SigIgn", "/proc/self/status"]'
	capture bash -c 'trap "" TERM INT USR1; exec "$0" run "$1"' "$probe" "$dir/config.json"
	[[ $output == *0000000000000000 ]]
}

@test "hull-init as the first process, from a mount that cannot be written" {
	[ -x "$HULL_BIN_DIR/hull-init" ] || skip "hull-init is not built"
	options="--init $HULL_BIN_DIR/hull-init"
	start sh -c 'cat /proc/1/comm; echo $$; ls /proc/self/fd | wc -l'
	[ "$status" = 0 ]
	[ "${lines[0]}" = hull-init ]
	[ "${lines[1]}" != 1 ]
	local before
	before=$(sha256sum <"$HULL_BIN_DIR/hull-init")
	start sh -c 'echo x >/proc/1/exe'
	[ "$status" != 0 ]
	[ "$before" = "$(sha256sum <"$HULL_BIN_DIR/hull-init")" ]
	start nosuch
	[ "$status" = 127 ]
	[[ $output == *"not found in"* ]]
	printf '#!/usr/bin/bash\n' >"$root/bin/s"
	chmod 755 "$root/bin/s"
	start /bin/s
	[ "$status" = 127 ]
	[[ $output == *"its interpreter /usr/bin/bash does not exist"* ]]
}

@test "a user namespace maps ids" {
	chown -R 100000:100000 "$root"
	config '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	start sh -c 'id -u; cat /proc/self/uid_map; echo x >/dev/null; stat -c %t:%T /dev/zero; touch /y'
	[ "$status" = 0 ]
	[ "${lines[0]}" = 0 ]
	[[ ${lines[1]} == *100000*65536* ]]
	[ "${lines[2]}" = 1:5 ]
	[ "$(stat -c %u "$root/y")" = 100000 ]
	background
	join . sh -c 'id -u; cat /proc/self/uid_map'
	end_background
	[ "$status" = 0 ]
	[ "${lines[0]}" = 0 ]
	[[ ${lines[1]} == *100000* ]]
	config '.linux.uidMappings = []'
	start true
	[ "$status" = 125 ]
}

@test "an error of the spec names its place" {
	config '.process.cwd = "relative"'
	start true
	[ "$status" = 125 ]
	[[ $output == *"must be absolute"* ]]
	write_config
	config '.linux.namespaces += [{type: "nose"}]'
	start true
	[ "$status" = 125 ]
	[[ $output == *nose* ]]
	write_config
	config '.process.apparmorProfile = "nosuch-profile"'
	start true
	[ "$status" = 125 ]
	[[ $output == *AppArmor* ]]
	write_config
	config '.root.path = "/nonexistent"'
	start true
	[ "$status" = 125 ]
	[[ $output == *"/nonexistent"* ]]
}
