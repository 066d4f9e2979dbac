#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Attacks on an OCI runtime by its bundle, through the command line: each is tried, and fails.

load oci

# What a container must not reach lies in $canary; the teardown looks there.

@test "a leaked descriptor of the host is no working directory" {
	local n
	bundle stat -c %i .
	for n in $(seq 3 20); do
		jq --arg c "/proc/self/fd/$n" '.process.cwd = $c' config.json >cwd.json
		capture "$runtime" --root "$dir/state" run --config cwd.json c1 9<"$canary" 10</ 3>&-
		[ "$status" != 0 ] || [ "$output" != "$(stat -c %i "$canary")" ] || fail "reached by $n"
		[ "$status" != 0 ] || [ "$output" != "$(stat -c %i /)" ] || fail "the host's root by $n"
	done
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	for n in $(seq 3 20); do
		capture "$runtime" --root "$dir/state" exec --cwd "/proc/self/fd/$n" c1 pwd 9<"$canary" 10</ 3>&-
		[ "$status" != 0 ] || fail "exec in $n"
	done
}

@test "links in the place of /dev, /proc, /sys and /dev/console lead nowhere" {
	local path
	touch "$canary/keep"
	for path in dev proc sys; do
		rm -rf "${root:?}/$path"
		ln -s "$canary" "$root/$path"
		rt run c1 >/dev/null 2>&1 || true
		[ "$(ls -A "$canary")" = keep ] || fail "$path: $(ls -A "$canary")"
		rm "$root/$path" && mkdir "$root/$path"
	done
	config 'del(.mounts[] | select(.destination | startswith("/dev")))'
	rmdir "$root/dev" && ln -s "$canary" "$root/dev"
	bundle true
	rt run c1 >/dev/null 2>&1 || true
	[ "$(ls -A "$canary")" = keep ]
}

@test "exec stays inside of a root that was entered by chroot, hooks or not" {
	local hooks
	touch "$root/inside"
	bundle sleep 100
	for hooks in '{}' '{createContainer: [{path: "/bin/true"}]}'; do
		config ".hooks = $hooks"
		rt run --no-pivot -d c1 </dev/null >/dev/null 2>&1
		rt exec c1 ls /inside || fail "$hooks: $(rt exec c1 ls /)"
		rt delete --force c1
	done
}

@test "a masked file is empty, whatever the root has as /dev/null" {
	config 'del(.mounts[] | select(.destination | startswith("/dev"))) | .linux.maskedPaths = ["/proc/uptime"]'
	ln -s /proc/version "$root/dev/null"
	bundle cat /proc/uptime
	capture rt run c1
	[ "$status" != 0 ] || [ -z "$output" ]
}

@test "links of the root do not carry mounts outside" {
	ln -s "$canary" "$root/link"
	config --arg s "$dir" '.mounts += [{destination: "/link/made", type: "tmpfs", source: "tmpfs"}]'
	rt run c1 >/dev/null 2>&1 || true
	[ -z "$(ls -A "$canary")" ]
	run ! grep "$canary" /proc/self/mountinfo
}

@test "a control group outside of the given place is refused" {
	local path
	for path in /../../x "$group/../../x" /. "$group/./x"; do
		config --arg p "$path" '.linux.cgroupsPath = $p'
		capture rt create c1
		[ "$status" = 1 ] || fail "accepted: $path"
	done
}

@test "the runtime's own program cannot be executed in the container" {
	rm "$root/bin/true"
	ln -s /proc/self/exe "$root/bin/true"
	bundle true
	capture rt run c1
	[ "$status" != 0 ]
	[[ "$output" == *"permission denied"* ]]
	rt list -q | { ! grep .; }
}

@test "the runtime's own program is no interpreter in the container either" {
	local script
	for script in '#!/proc/self/exe' '#! /proc/self/exe list' '#!/bin/entry'; do
		ln -sf /proc/self/exe "$root/bin/entry"
		printf '%s\n' "$script" >"$root/bin/script"
		chmod 755 "$root/bin/script"
		bundle script
		capture rt run c1
		[ "$status" = 1 ] || fail "$script: $status"
		[[ "$output" == *"permission denied"* ]] || fail "$script: $output"
		bundle sleep 100
		rt run -d c1 </dev/null >/dev/null 2>&1
		capture rt exec c1 script
		[ "$status" = 255 ] || fail "$script: exec: $status"
		[[ "$output" == *"permission denied"* ]] || fail "$script: exec: $output"
		rt delete --force c1
	done
}

# A process of the container swaps the command for a link to /proc/self/exe, after the runtime has looked at it and
# before the kernel does (strace makes that time longer). Then it holds on to the program, and writes to it as soon as
# nobody runs it any more.
@test "the runtime's own program, by a link that is swapped in time, cannot be written to" {
	command -v strace >/dev/null || skip "needs strace"
	local before i
	mkdir "$dir/bin" "$root/out"
	cp "$HULL_BIN_DIR/hull-runtime" "$dir/bin/"
	before=$(sha256sum <"$dir/bin/hull-runtime")
	cat >"$root/bin/steal" <<-'END'
		#!/bin/sh
		echo 'echo the command' >/bin/good && chmod 755 /bin/good
		ln -sf /proc/self/exe /bin/evil
		until [ -e /out/program ]; do
			cp -P /bin/good /bin/next && mv /bin/next /bin/victim
			cp -P /bin/evil /bin/next && mv /bin/next /bin/victim
			for p in /proc/[0-9]*; do
				case $(readlink $p/exe) in
				'' | */busybox | */bin/steal) ;;
				*) exec 9<$p/exe && echo $p >/out/program && break ;;
				esac
			done
		done 2>/dev/null
		for i in $(seq 300); do
			said=$( (echo overwritten >>/proc/self/fd/9) 2>&1) || case $said in
			*"Text file busy"*) sleep 0.1 && continue ;;
			esac
			echo "$i: $said" >/out/said
			break
		done
		sleep 100
	END
	chmod 755 "$root/bin/steal"
	for i in cp mv ln seq chmod; do ln -sf busybox "$root/bin/$i"; done
	bundle steal
	rt run -d c1 </dev/null >/dev/null 2>&1
	wait_for 10 test -e "$root/bin/victim"
	for i in $(seq 100); do
		[ ! -e "$root/out/program" ] || break
		# The stolen program waits for its standard input, so that there is something to steal.
		(sleep 0.5) | strace -f -qq -o /dev/null -e trace=execve -e inject=execve:delay_enter=100ms \
			"$dir/bin/hull-runtime" --root "$dir/state" exec c1 victim update --resources - x >/dev/null 2>&1 3>&- || true
	done
	[ -e "$root/out/program" ] || fail "the program was never got hold of"
	wait_for 40 test -s "$root/out/said"
	grep -q "Read-only file system" "$root/out/said" || fail "$(cat "$root/out/said")"
	[ "$before" = "$(sha256sum <"$dir/bin/hull-runtime")" ]
}

@test "a container cannot get hold of the runtime that enters it, or that joins its processes" {
	local before pid i
	cp "$HULL_BIN_DIR/../tests/probe" "$root/thief"
	before=$(sha256sum <"$runtime")
	# What a dynamic program, or one that looks up users by the libc, would load.
	mkdir -p "$root/lib/x86_64-linux-gnu" "$root/lib64"
	for i in lib/x86_64-linux-gnu/libc.so.6 lib64/ld-linux-x86-64.so.2 lib/x86_64-linux-gnu/libnss_files.so.2 evil.so; do
		printf '\177ELF' >"$root/$i"
		chmod 755 "$root/$i"
	done
	echo /evil.so >"$root/etc/ld.so.preload"
	mkdir "$root/out"
	bundle sh -c '/thief thief /out/seen 4000 >/out/said; sleep 100'
	rt run -d c1 </dev/null >/dev/null 2>&1
	pid=$(pid_of c1)
	wait_for 10 test -e "$root/out/seen"
	for i in $(seq 15); do
		rt exec --user bob c1 true
		rt exec c1 true
	done
	config --arg p "/proc/$pid/ns/pid" '(.linux.namespaces[] | select(.type == "pid")).path = $p'
	bundle true
	for i in c2 c3 c4; do
		rt run --bundle "$(another $i)" $i
	done
	wait_for 20 test -s "$root/out/said"
	cat "$root/out/said"
	# It did see processes on their way.
	[[ "$(cat "$root/out/said")" != *"refused 0 times"* ]] || fail "the thief saw nobody"
	[ ! -s "$root/out/seen" ] || fail "$(cat "$root/out/seen")"
	[ "$before" = "$(sha256sum <"$runtime")" ]
}

# swapper ID A B: a container in which /vol/A and /vol/B, a link, change places without end; $dir/vol is shared.
swapper() {
	local id=$1 folder
	folder=$(another "$id")
	jq --arg v "$dir/vol" --arg a "/vol/$2" --arg b "/vol/$3" '.process.args = ["/probe", "swap", $a, $b] |
		.mounts += [{destination: "/vol", type: "bind", source: $v, options: ["rbind"]}]' "$folder/config.json" >"$folder/new"
	mv "$folder/new" "$folder/config.json"
	# The machine is others', too.
	nice -n 10 "$runtime" --root "$dir/state" run -b "$folder" -d "$id" >"$dir/$id.out" 2>&1 </dev/null 3>&-
	wait_for 10 grep -q ready "$dir/$id.out"
}

# What is looked at after each start: only "keep" is in the canary, as it was, and nothing is mounted there.
canary_is_well() {
	[ "$(find "$canary" -printf '%P:%y ' | tr -s ' ')" = "$(cat "$dir/well")" ] || fail "$1: $(find "$canary")"
	run ! grep "$canary" /proc/self/mountinfo
}

# SWAP_ROUNDS: how many starts.
@test "folders of a volume that another container swaps for links while they are mounted upon lead nowhere (T010, T011)" {
	local i link done=0 rounds=${SWAP_ROUNDS:-15}
	cp "$HULL_BIN_DIR/../tests/probe" "$root/probe"
	mkdir -p "$canary/keep" "$dir/vol/a/keep" "$dir/vol/c/keep"
	ln -s "$canary" "$dir/vol/b"
	link=../../../../../../../../../../..$canary
	ln -s "$link" "$dir/vol/d"
	find "$canary" -printf '%P:%y ' >"$dir/well"
	swapper s1 a b
	swapper s2 c d
	echo x >"$dir/file"
	config --arg v "$dir/vol" --arg d "$dir" '.process.args = ["true"] | .process.cwd = "/vol/c/new/folder" | .mounts += [
		{destination: "/vol", type: "bind", source: $v, options: ["rbind"]},
		{destination: "/vol/a/keep", type: "tmpfs", source: "tmpfs"},
		{destination: "/vol/c/keep", type: "bind", source: $d, options: ["bind"]},
		{destination: "/vol/a/made/deep", type: "tmpfs", source: "tmpfs"},
		{destination: "/vol/c/file", type: "bind", source: ($d + "/file"), options: ["bind"]}]'
	for i in $(seq "$rounds"); do
		rt run c1 >"$dir/out" 2>&1 </dev/null && done=$((done + 1))
		canary_is_well "$i"
	done
	echo "# $done of $rounds came up" >&3
	[ "$(status_of s1) $(status_of s2)" = "running running" ] || fail "$(cat "$dir"/s?.out)"
}

@test "what a shared /dev swaps for links is neither written to nor mounted upon (T012, T014, T015)" {
	local i
	cp "$HULL_BIN_DIR/../tests/probe" "$root/probe"
	mkdir -p "$dir/vol/pts" "$dir/vol/shm" "$dir/vol/mqueue"
	echo well >"$canary/keep"
	touch "$dir/vol/console"
	mknod -m 666 "$dir/vol/null" c 1 3
	ln -s "$canary/keep" "$dir/vol/elsewhere"
	ln -s /proc/version "$dir/vol/uptime"
	find "$canary" -printf '%P:%y ' >"$dir/well"
	swapper s1 console elsewhere
	swapper s2 null uptime
	config --arg v "$dir/vol" '.linux.maskedPaths = ["/proc/uptime"] | .process.terminal = true |
		(.mounts[] | select(.destination == "/dev")) = {destination: "/dev", type: "bind", source: $v, options: ["rbind"]}'
	bundle sh -c 'echo "uptime $(wc -c </proc/uptime) console $(grep -cE " /dev/(console|elsewhere) .* devpts " /proc/self/mountinfo)"'
	for i in $(seq 8); do
		# A link in the place of /dev/console is removed.
		find "$dir/vol" -type l -name "[ce][ol]*" | grep -q . || ln -sfn "$canary/keep" "$dir/vol/elsewhere"
		script -qec "$runtime --root $dir/state run c1" /dev/null >"$dir/out" </dev/null 2>&1 3>&- || true
		# It comes up with both in their places, or not at all.
		grep -aq 'uptime 0 console 1' "$dir/out" || ! grep -a uptime "$dir/out" || fail "$i: $(cat "$dir/out")"
		[ "$(cat "$canary/keep")" = well ] || fail "$i: $(cat "$canary/keep")"
		canary_is_well "$i"
	done
	[ "$(status_of s1) $(status_of s2)" = "running running" ] || fail "$(cat "$dir"/s?.out)"
}

@test "the socket of readiness is not made behind a link of the root (T021)" {
	mkdir "$root/run"
	ln -s "$canary" "$root/run/notify"
	bundle true
	NOTIFY_SOCKET=$dir/manager rt run c1 </dev/null >/dev/null 2>&1 || true
	[ -z "$(ls -A "$canary")" ]
}

# The host's memory for it is small: whoever reads all of an endless file runs out of it.
@test "the passwd of the root is data: a FIFO, a device, a link out, an endless or damaged file (T034)" {
	local kind
	small() {
		(ulimit -v 300000 && within 30 "$runtime" --root "$dir/state" "$@" 3>&-)
	}
	config 'del(.process.env[] | select(startswith("HOME="))) | .process.user = {uid: 1000, gid: 1000}'
	echo 'bob:x:0:0::/canary:/bin/sh' >"$canary/keep"
	for kind in 'mkfifo passwd' 'ln -s /dev/zero passwd' 'mknod passwd c 1 5' 'ln -s ../../canary/keep passwd' "ln -s $canary/keep passwd" \
		'truncate -s 4G passwd' 'printf "b\\0ob:x:0:0::/\\0evil:/bin/sh\\n\\0\\0" >passwd' 'mkdir passwd' 'seq -f "u%g:x:7:7" 300000 >passwd' true; do
		rm -rf "$root/etc/passwd"
		(cd "$root/etc" && eval "$kind")
		bundle env
		capture small run c1 </dev/null
		[ "$status" != 124 ] || fail "$kind: it hangs"
		[[ "$status" != 0 || "$output" == *$'\nHOME=/' ]] || fail "$kind: $status: $output"
		bundle sleep 100
		rt run -d c1 </dev/null >/dev/null 2>&1 || continue
		capture small exec --user bob c1 true
		[ "$status" = 255 ] || fail "$kind: exec: $status: $output"
		[[ "$output" != *"out of memory"* ]] || fail "$kind: $output"
		rt delete -f c1
	done
}

@test "what is mounted upon the container's own /proc has no part in what is set for those that join (T016)" {
	config '.process.capabilities[] += ["CAP_SYS_ADMIN"]'
	bundle sh -c 'mount -t tmpfs x /proc && mkdir -p /proc/self/fd /proc/self/attr /proc/thread-self && touch /proc/self/oom_score_adj /mounted && sleep 100'
	rt run -d c1 </dev/null >/dev/null 2>&1
	wait_for 10 test -e "$root/mounted"
	jq '.process | .args = ["sleep", "50"] | .oomScoreAdj = 321 | .noNewPrivileges = true' config.json >process.json
	rt exec -d --process process.json --pid-file "$dir/pid" c1 </dev/null >/dev/null 2>&1
	[ "$(cat "/proc/$(cat "$dir/pid")/oom_score_adj")" = 321 ]
	grep -qx $'NoNewPrivs:\t1' "/proc/$(cat "$dir/pid")/status"
	[ ! -s "/proc/$(pid_of c1)/root/proc/self/oom_score_adj" ]
}

@test "release_agent of version 1 cannot be written, with CAP_SYS_ADMIN or in a user namespace (T037)" {
	agents() { cat /sys/fs/cgroup/*/{release_agent,notify_on_release} 2>/dev/null | xargs; }
	local before attack own
	own=$(command -v unshare)
	before=$(agents)
	for c in dd umount chmod; do ln -sf busybox "$root/bin/$c"; done
	# busybox' own makes no namespace of control groups.
	for c in "$own" $(ldd "$own" | grep -o '/[^ ]*'); do
		mkdir -p "$root/$(dirname "$c")"
		cp -L "$c" "$root/$c"
	done
	attack='try() { for f in $(find "$1" -name release_agent -o -name notify_on_release 2>/dev/null); do echo /evil >$f; echo 1 >$f; done; }
		try /sys/fs/cgroup; mount -o remount,rw /sys/fs/cgroup; for d in /sys/fs/cgroup/*; do mount -o remount,rw $d; mount -o remount,release_agent=/evil $d; done; try /sys/fs/cgroup
		mkdir -p /tmp/g; for c in memory pids devices cpu rdma; do mount -t cgroup -o $c g /tmp/g && try /tmp/g && umount /tmp/g; done; mount -t cgroup2 g /tmp/g'
	bundle sh -c "($attack; $own -U -r -m sh -c '$attack'; $own -U -r -m -C sh -c '$attack; touch /tmp/inside'
		$own -m -C sh -c '$attack') 2>/dev/null; echo tried"
	capture rt run c1
	[ "${lines[-1]}" = tried ] || fail "$output"
	[ -e "$root/tmp/inside" ]
	[ "$(agents)" = "$before" ] || fail "$(agents)"
	config '.process.capabilities[] += ["CAP_SYS_ADMIN"]'
	capture rt run c1
	[ "${lines[-1]}" = tried ] || fail "$output"
	[ "$(agents)" = "$before" ] || fail "$(agents)"
}

@test "nothing is pushed into the terminal that the caller holds (T041)" {
	cp "$HULL_BIN_DIR/../tests/probe" "$root/probe"
	bundle /probe tiocsti
	capture script -qec "$runtime --root $dir/state run c1" /dev/null 3>&-
	[[ "$output" == *"tiocsti E"* ]] || fail "$output"
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	capture script -qec "$runtime --root $dir/state exec c1 /probe tiocsti" /dev/null 3>&-
	[[ "$output" == *"tiocsti E"* ]] || fail "$output"
}

@test "what is longer than sixteen bits can count arrives whole, or is refused (T039)" {
	python3 - config.json long.json <<-'END'
		import json, sys
		c = json.load(open(sys.argv[1]))
		c["process"]["env"] += ["LONG=" + "x" * 70000]
		c["process"]["args"] = ["sh", "-c", "echo ${#LONG} $#"] + ["y"] * 70000
		c["linux"]["maskedPaths"] += ["/z"] * 66000
		json.dump(c, open(sys.argv[2], "w"))
	END
	capture rt run --config long.json c1
	[ "$output" = "70000 69999" ] || fail "${output:0:300}"
	python3 - config.json long.json <<-'END'
		import json, sys
		c = json.load(open(sys.argv[1]))
		c["linux"]["namespaces"] += [{"type": "user"}]
		c["linux"]["uidMappings"] = [{"containerID": i, "hostID": 100000 + i, "size": 1} for i in range(70000)]
		c["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1}]
		json.dump(c, open(sys.argv[2], "w"))
	END
	capture rt run --config long.json c1
	[ "$status" = 1 ]
	[[ "$output" == *"hull-runtime: "*map* ]] || fail "${output:0:300}"
}

@test "a process id that is another's by now is not signalled" {
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	sleep 0.05 # a start time is in hundredths of a second
	sleep 100 3>&- &
	local victim=$! pid
	pid=$(pid_of c1)
	# The record says another process, with a start time that is not its own.
	python3 - "$dir/state/c1/record" "$victim" <<'END'
import struct, sys
path, pid = sys.argv[1], int(sys.argv[2])
data = bytearray(open(path, "rb").read())
struct.pack_into("<i", data, 12, pid)
open(path, "wb").write(data)
END
	capture rt kill c1 KILL
	[ "$status" = 1 ]
	[[ "$output" == *"container not running"* ]]
	kill -0 $victim
	kill $victim
	kill -9 "$pid"
}

@test "a damaged record is told, and the container is still there" {
	rt create c1
	local pid
	pid=$(pid_of c1)
	cp "$dir/state/c1/record" "$dir/record"
	head -c 20 "$dir/record" >"$dir/state/c1/record"
	capture rt state c1
	[ "$status" = 1 ]
	[[ "$output" == *damaged* ]]
	head -c 65536 /dev/urandom >"$dir/state/c1/record"
	capture rt state c1
	[ "$status" = 1 ]
	cp "$dir/record" "$dir/state/c1/record"
	[ "$(pid_of c1)" = "$pid" ]
}

@test "a damaged record is no obstacle to delete --force, and others are not concerned" {
	local damage pid
	rt create --bundle "$(another c2)" c2
	for damage in ': >record' 'truncate -s 30 record' 'head -c 4096 /dev/urandom >record' \
		'rm record && mkdir record' 'truncate -s 30 record; echo x >config.json'; do
		rt run -d c1 </dev/null >/dev/null 2>&1
		pid=$(pid_of c1)
		(cd "$dir/state/c1" && eval "$damage")
		capture rt list -q
		[[ "$output" == *c2* ]] || fail "$damage: list: $output"
		capture rt delete c1
		[ "$status" = 1 ] || fail "$damage: delete without --force"
		[[ "$output" == *"delete --force"* ]] || fail "$damage: $output"
		case $damage in
		*config.json*) kill -9 "$pid" ;; # nothing says any more which one it is
		esac
		rt delete --force c1
		wait_for 10 sh -c "! kill -0 $pid"
		[ "$(rt list -q)" = c2 ] || fail "$damage: still there"
		case $damage in
		*config.json*) find /sys/fs/cgroup -depth -type d -path "*$(group_of c1)" -exec rmdir {} + || true ;;
		esac
		[ -z "$(groups_of "$(group_of c1)")" ] || fail "$damage: $(groups_of "$(group_of c1)")"
	done
	[ "$(status_of c2)" = created ]
	# In the group that has no name in its config.json.
	config 'del(.linux.cgroupsPath)'
	rt run -d c1 </dev/null >/dev/null 2>&1
	pid=$(pid_of c1)
	: >"$dir/state/c1/record"
	rt delete --force c1
	wait_for 10 sh -c "! kill -0 $pid"
	[ -z "$(groups_of hull-runtime/c1)" ]
}

@test "the state folder is the owner's alone" {
	rt create c1
	[ "$(stat -c %a "$dir/state")" = 700 ]
	[ "$(stat -c %a "$dir/state/c1")" = 700 ]
}
