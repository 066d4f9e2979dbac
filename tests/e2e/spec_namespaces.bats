#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Namespaces of a spec: made, joined by path, and all combinations with a user namespace.

load spec

# A container with a user namespace whose namespaces others join: $pod is its process.
pod() {
	chown -R 100000:100000 "$root"
	config '.linux.namespaces += [{type: "user"}]'
	maps
	background
	pod=$pid holder=$background
	write_config
}

end_pod() {
	kill -9 "$pod"
	wait "$holder" || true
}

# join_path KIND PATH: the spec's namespace of that kind is the one at PATH.
join_path() {
	config --arg k "$1" --arg p "$2" '.linux.namespaces |= map(select(.type != $k)) + [{type: $k, path: $p}]'
}

maps() {
	config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings'
}

@test "a user namespace of a path, and everything else made inside it" {
	pod
	join_path user "/proc/$pod/ns/user"
	maps # engines say them again; they are the pod's already
	start sh -c 'readlink /proc/self/ns/user; readlink /proc/self/ns/net; id -u; touch /made; hostname
		cat /proc/self/uid_map; ps; ifconfig lo'
	local user net
	user=$(readlink "/proc/$pod/ns/user") net=$(readlink "/proc/$pod/ns/net")
	end_pod
	[ "$status" = 0 ]
	[ "${lines[0]}" = "$user" ]
	[ "${lines[1]}" != "$net" ]
	[ "${lines[2]}" = 0 ]
	[ "${lines[3]}" = probe ]
	[[ ${lines[4]} == *100000*65536* ]]
	[[ $output == *127.0.0.1* && $output != *"sleep 600"* ]]
	[ "$(stat -c %u "$root/made")" = 100000 ]
}

@test "a pod's user, network, ipc, uts and pid namespaces together" {
	pod
	join_path user "/proc/$pod/ns/user"
	join_path network "/proc/$pod/ns/net"
	join_path ipc "/proc/$pod/ns/ipc"
	join_path pid "/proc/$pod/ns/pid"
	config 'del(.hostname)'
	join_path uts "/proc/$pod/ns/uts"
	start sh -c 'for n in user net ipc uts pid; do readlink /proc/self/ns/$n; done; ps'
	local n i=0 theirs=()
	for n in user net ipc uts pid; do theirs+=("$(readlink "/proc/$pod/ns/$n")"); done
	end_pod
	[ "$status" = 0 ]
	for n in "${theirs[@]}"; do
		[ "${lines[i]}" = "$n" ]
		i=$((i + 1))
	done
	[[ $output == *"sleep 600"* ]]
}

@test "a new user namespace and a network of the host's" {
	chown -R 100000:100000 "$root"
	unshare --net sleep 600 </dev/null 3>&- &
	local holder=$!
	for _ in $(seq $((100 * PATIENCE))); do
		[ "$(readlink "/proc/$holder/ns/net")" = "$(readlink /proc/self/ns/net)" ] || break
		sleep 0.02
	done
	config '.linux.namespaces += [{type: "user"}]'
	maps
	join_path network "/proc/$holder/ns/net"
	# sysfs shows a network: whoever does not own that may not mount it, and gets the host's.
	start sh -c 'readlink /proc/self/ns/net; cat /proc/self/uid_map; ls /sys/class; touch /sys/x'
	local net
	net=$(readlink "/proc/$holder/ns/net")
	kill -9 "$holder"
	wait "$holder" || true
	[ "${lines[0]}" = "$net" ]
	[[ ${lines[1]} == *100000* ]]
	[[ $output == *net* && $output == *"/sys/x: Read-only"* ]]
}

@test "another process in a container that joined a user namespace" {
	pod
	join_path user "/proc/$pod/ns/user"
	background
	join . sh -c 'id -u; readlink /proc/self/ns/user; hostname'
	local user
	user=$(readlink "/proc/$pod/ns/user")
	end_background
	end_pod
	[ "$status" = 0 ]
	[ "$output" = "0"$'\n'"$user"$'\n'probe ]
}

@test "clocks of a time namespace, in exec too" {
	config '.linux.namespaces += [{type: "time"}] |
		.linux.timeOffsets = {monotonic: {secs: 1000, nanosecs: 5}, boottime: {secs: 1000000000}}'
	start sh -c 'cat /proc/uptime /proc/self/timens_offsets; readlink /proc/self/ns/time'
	[ "$status" = 0 ]
	[ "${lines[0]%%.*}" -gt 1000000000 ]
	[[ ${lines[1]} == monotonic*1000*5 && ${lines[2]} == boottime*1000000000*0 ]]
	[ "${lines[3]}" != "$(readlink /proc/self/ns/time)" ]
	background
	options=--own-time join . cat /proc/uptime
	end_background
	[ "$status" = 0 ]
	[ "${output%%.*}" -gt 1000000000 ]
	config 'del(.linux.timeOffsets.monotonic)'
	start cat /proc/uptime
	[ "${output%%.*}" -gt 1000000000 ]
	config '.linux.timeOffsets = {realtime: {secs: 1}}'
	start true
	[ "$status" = 125 ]
	[[ $output == *'timeOffsets: there is no clock "realtime"'* ]]
	config '.linux.timeOffsets = {monotonic: {secs: 1}} | .linux.namespaces |= map(select(.type != "time"))'
	start true
	[ "$status" = 125 ]
	[[ $output == *"timeOffsets need a time namespace"* ]]
}

@test "clocks in a user namespace" {
	chown -R 100000:100000 "$root"
	config '.linux.namespaces += [{type: "time"}, {type: "user"}] |
		.linux.timeOffsets = {boottime: {secs: 1000000000}}'
	maps
	start cat /proc/uptime
	[ "$status" = 0 ]
	[ "${output%%.*}" -gt 1000000000 ]
}

@test "namespaces that make no sense are refused by name" {
	try() {
		write_config
		config "$1"
		start true
		[ "$status" = 125 ]
		[[ $output == *"$2"* ]] || { echo "$output"; return 1; }
	}
	try '.linux.namespaces += [{type: "nose"}]' 'namespace "nose"'
	try '.linux.namespaces += [{type: "pid"}]' 'the pid namespace is listed twice'
	try '.linux.namespaces[0].path = "/proc/self/ns/net"' 'it is of another kind'
	try '.linux.namespaces[0].path = "/nonexistent"' '/nonexistent: No such file'
	try '.linux.namespaces += [{type: "user"}]' 'needs uidMappings and gidMappings'
	try '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}]' 'need a user namespace'
	try '.linux.namespaces += [{type: "user"}] | .linux.gidMappings = [{containerID: 0, hostID: 0, size: 1}] |
		.linux.uidMappings = [{containerID: 4294967295, hostID: 0, size: 2}]' 'uidMappings[0]: 4294967295 0 2'
	try '.linux.namespaces += [{type: "user"}] | .linux.gidMappings = [{containerID: 0, hostID: 0, size: 1}] |
		.linux.uidMappings = [range(341) | {containerID: ., hostID: ., size: 1}]' 'more than 340 id mappings'
}

# A mount namespace where $dir/only/root is the root file system, and nobody else sees it.
hold_mounts() {
	mkdir -p "$dir/only"
	unshare --mount "$@" sh -c 'mount -t tmpfs none "$1/only" && cp -a "$2" "$1/only/root" && echo theirs >"$1/only/file" &&
		exec sleep 600' sh "$dir" "$root" </dev/null >/dev/null 2>&1 3>&- &
	holder=$!
	local i
	for i in $(seq $((100 * PATIENCE))); do
		[ "$(readlink "/proc/$holder/exe")" = "$(realpath "$(command -v sleep)")" ] && break
		sleep 0.02
	done
	config --arg r "$dir/only/root" --arg f "$dir/only/file" '.root.path = $r |
		.mounts += [{destination: "/etc/file", type: "bind", source: $f, options: ["bind"]}]'
	join_path mount "/proc/$holder/ns/mnt"
}

@test "a mount namespace of a path: the root and the sources are found there, and it is pivoted there" {
	hold_mounts
	start sh -c 'readlink /proc/self/ns/mnt; cat /etc/file; ls -d /sys/fs/cgroup/*; echo masked $(cat /proc/kcore); touch /made'
	[ "$status" = 0 ] || { echo "$output"; false; }
	[ "${lines[0]}" = "$(readlink "/proc/$holder/ns/mnt")" ]
	[ "${lines[1]}" = theirs ]
	[ "${lines[-1]}" = masked ]
	# Nothing is left of what was there before, and the host has not changed.
	[ -e "/proc/$holder/root/made" ]
	[ ! -e "/proc/$holder/root$dir" ]
	[ ! -e "$root/made" ] && [ ! -e "$dir/only/root" ]
	kill -9 "$holder"
	wait "$holder" || true
	local path
	config --arg r "$root" '.root.path = $r | del(.mounts[-1])'
	for path in /proc/self/ns/mnt /proc/1/ns/mnt; do
		join_path mount $path
		start true
		[ "$status" != 0 ]
		# Some machines do not let even root look at their first process.
		[[ "$output" == *"$path: "@("the host would lose its root"|"Permission denied")* ]] || { echo "$output"; false; }
	done
}

@test "the mount namespace of a joined user namespace" {
	hold_mounts --user --map-root-user
	config '(.mounts[] | select(.type == "devpts")).options |= map(select(. != "gid=5"))' # not mapped
	join_path user "/proc/$holder/ns/user"
	start sh -c 'readlink /proc/self/ns/mnt; cat /etc/file'
	[ "$status" = 0 ] || { echo "$output"; false; }
	[ "${lines[0]}" = "$(readlink "/proc/$holder/ns/mnt")" ]
	[ "${lines[1]}" = theirs ]
	kill -9 "$holder"
	wait "$holder" || true
}
