#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The mounts of a spec: options, idmaps, labels, relative paths, and the propagation of the root.

load spec

# add_mount JSON: another mount; $v in it is the folder $dir/vol.
add_mount() {
	mkdir -p "$dir/vol/sub"
	config --arg v "$dir/vol" ".mounts += [$1]"
}

@test "every option of the specification is taken" {
	local options_of_spec
	options_of_spec=$(words async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime \
		nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow \
		private ratime rbind rdev rdiratime relatime rexec rnoatime rnodiratime rnoexec rnorelatime \
		rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime \
		rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync unbindable)
	mkdir -p "$dir/vol"
	config --arg v "$dir/vol" --argjson o "$options_of_spec" '.mounts += [$o[] | {destination: "/m-\(.)",
		type: "bind", source: $v, options: ["bind", .]}]'
	start sh -c 'grep -c " /m-" /proc/self/mountinfo'
	[ "$status" = 0 ]
	[ "$output" = "$(jq length <<<"$options_of_spec")" ]
	add_mount '{destination: "/t", type: "tmpfs", source: "t", options: ["sync", "dirsync", "lazytime", "noexec"]}'
	start grep ' /t ' /proc/self/mountinfo
	[[ $output == *noexec* && $output == *sync* && $output == *dirsync* && $output == *lazytime* ]]
	add_mount '{destination: "/u", type: "bind", source: $v, options: ["bind", "no-such-option"]}'
	start true
	[ "$status" = 125 ]
	[[ $output == *'mount /u: unknown option "no-such-option"'* ]]
}

@test "relative destinations and sources" {
	mkdir "$dir/rel"
	echo here >"$dir/rel/f"
	config '.root.path = "root" | .mounts += [{destination: "data/in", source: "rel", options: ["bind"]}]'
	options="--bundle $dir"
	start cat /data/in/f
	[ "$status" = 0 ]
	[ "$output" = here ]
}

@test "remount changes what is mounted" {
	add_mount '{destination: "/proc", options: ["remount", "ro", "nosuid", "nodev", "noexec"]}'
	start sh -c 'grep " /proc " /proc/self/mountinfo; echo x >/proc/self/comm'
	[[ $output == *" /proc ro,"* && $output == *"Read-only file system"* ]]
	add_mount '{destination: "/etc", options: ["remount", "ro"]}'
	start true
	[ "$status" = 125 ]
	[[ $output == *"mount /etc: nothing is mounted there to remount"* ]]
}

@test "recursive options reach what is below" {
	mkdir -p "$dir/vol/sub"
	add_mount '{destination: "/a", source: $v, options: ["rbind", "rro", "rnosuid", "rnodev", "rnoexec", "rnoatime"]},
		{destination: "/b", source: $v, options: ["rbind", "ro", "nosuid"]}'
	config '.process.args = ["grep", "-E", " /(a|b)/sub ", "/proc/self/mountinfo"]'
	capture unshare -m sh -c 'mount -t tmpfs x "$1" && exec "$2" run "$3"' - "$dir/vol/sub" "$probe" "$dir/config.json"
	[ "$status" = 0 ]
	[[ ${lines[0]} == *" /a/sub ro,nosuid,nodev,noexec,noatime "* ]]
	[[ ${lines[1]} == *" /b/sub rw,relatime "* ]]
}

@test "an idmapped bind shows other owners, and keeps its own" {
	mkdir -p "$dir/vol/sub"
	touch "$dir/vol/f" "$dir/vol/sub/g"
	chown 1000:1001 "$dir/vol/f"
	add_mount '{destination: "/m", source: $v, options: ["bind"], uidMappings: [{containerID: 1000, hostID: 2000, size: 1}, {containerID: 0, hostID: 0, size: 1}],
		gidMappings: [{containerID: 1001, hostID: 3001, size: 1}, {containerID: 0, hostID: 0, size: 1}]},
		{destination: "/plain", source: $v, options: ["bind"]}'
	start sh -c 'stat -c %u:%g /m/f /plain/f; touch /m/new; stat -c %u /m/new'
	if [[ $output == *"cannot be idmapped"* ]]; then skip "$output"; fi
	[ "$status" = 0 ]
	[ "${lines[0]}" = 2000:3001 ]
	[ "${lines[1]}" = 1000:1001 ]
	[ "$(stat -c %u "$dir/vol/f")" = 1000 ]
}

@test "idmap without maps takes those of the user namespace, ridmap all below" {
	chown -R 100000:100000 "$root"
	config '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	mkdir -p "$dir/vol/sub"
	touch "$dir/vol/f"
	chown 7:8 "$dir/vol/f"
	add_mount '{destination: "/m", source: $v, options: ["rbind", "ridmap"]},
		{destination: "/n", source: $v, options: ["bind", "idmap"]}, {destination: "/plain", source: $v, options: ["bind"]}'
	start sh -c 'stat -c %u:%g /m/f /n/f /plain/f; touch /m/mine'
	if [[ $output == *"cannot be idmapped"* ]]; then skip "$output"; fi
	[ "$status" = 0 ]
	[ "${lines[0]}" = 7:8 ]
	[ "${lines[1]}" = 7:8 ]
	[ "${lines[2]}" = 65534:65534 ]
	[ "$(stat -c %u "$dir/vol/mine")" = 0 ]
}

@test "a new file system at each kind of place, and tmpfs sizes" {
	add_mount '{destination: "/new/deep/tmp", type: "tmpfs", source: "x", options: ["size=65536", "mode=0700", "uid=5", "gid=6"]}'
	start sh -c 'stat -c "%a %u %g" /new/deep/tmp; head -c 100000 /dev/zero >/new/deep/tmp/f
		stat -c %s /new/deep/tmp/f'
	[ "${lines[0]}" = "700 5 6" ]
	[ "${lines[-1]}" = 65536 ]
}

@test "the propagation of the root" {
	local kind
	for kind in private slave shared unbindable rprivate rslave rshared runbindable; do
		config --arg k "$kind" '.linux.rootfsPropagation = $k'
		start sh -c 'grep " / / \| / [^ ]* .* - " /proc/self/mountinfo | head -n 1'
		[ "$status" = 0 ]
		case $kind in
		*shared) [[ $output == *shared:* ]] ;;
		*unbindable) [[ $output == *unbindable* ]] ;;
		*private) [[ $output != *shared:* && $output != *unbindable* ]] ;;
		esac
	done
	config '.linux.rootfsPropagation = "everywhere"'
	start true
	[ "$status" = 125 ]
	[[ $output == *'rootfsPropagation "everywhere"'* ]]
}

@test "mounts of the container never show on the host" {
	local before
	before=$(wc -l </proc/self/mountinfo)
	add_mount '{destination: "/s", source: $v, options: ["rbind", "rshared"]}'
	config '.linux.rootfsPropagation = "rshared" | .process.capabilities[] += ["CAP_SYS_ADMIN"]'
	start sh -c 'mount -t tmpfs x /tmp; mount -t tmpfs x /s/sub; mount -t tmpfs x /root && echo done'
	[[ $output == *done* ]]
	run ! grep "$dir" /proc/self/mountinfo
}

@test "mounts that make no sense are refused by name" {
	try() {
		write_config
		add_mount "$1"
		start true
		[ "$status" = 125 ]
		[[ $output == *"$2"* ]] || { echo "$output"; return 1; }
	}
	try '{destination: "/", type: "tmpfs"}' 'the root itself cannot be mounted upon'
	try '{destination: "/x"}' 'mount /x: a mount needs a type'
	try '{destination: "/x", options: ["bind"]}' 'mount /x: a bind mount needs a source'
	try '{destination: "/x", type: "nosuchfs"}' 'this kernel has no such file system'
	try '{destination: "/x", type: "tmpfs", options: ["idmap"]}' 'only a bind mount can be idmapped'
	try '{destination: "/x", source: $v, options: ["bind", "idmap"]}' 'an idmapped mount needs uidMappings'
	try '{destination: "/x", source: $v, options: ["bind"], uidMappings: [{containerID: 0, hostID: 0, size: 1}]}' 'needs uidMappings and gidMappings'
	try '{destination: "/x", source: $v, options: ["bind"], gidMappings: [{containerID: 0, hostID: -1, size: 1}],
		uidMappings: [{containerID: 0, hostID: 0, size: 1}]}' 'gidMappings[0]: 0 -1 1'
	write_config
	[ -e /sys/fs/selinux/enforce ] || {
		config '.linux.mountLabel = "system_u:object_r:container_file_t:s0"'
		start true
		[ "$status" = 125 ]
		[[ $output == *"mountLabel"*"without SELinux"* ]]
	}
}
