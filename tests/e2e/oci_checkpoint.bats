#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull-runtime checkpoint and restore, where criu works: in a second kernel, since Debian's criu is too
# old for new ones (run-in-vm -- bats tests/e2e/oci_checkpoint.bats).

load oci

eval "$(declare -f setup | sed '1s/setup/setup_oci/')"

setup() {
	command -v criu >/dev/null || skip "needs criu"
	criu check >/dev/null 2>&1 || skip "criu does not work with this kernel: $(criu check 2>&1 | head -n 1)"
	setup_oci
	image=$dir/image
	work='i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.1; done'
	bundle sh -c "$work"
}

count() {
	cat "$root/tmp/count"
}

# It counts on from $1.
counts_on() {
	[ "$(count)" -ge "$1" ] || fail "$(count) after $1"
	local now
	now=$(count)
	wait_for 200 test_count "$now"
}

test_count() {
	[ "$(count)" -gt "$1" ]
}

# rt_ok ARGUMENT...: with what criu's log says of a failure.
rt_ok() {
	capture rt "$@"
	[ "$status" = 0 ] || fail "$output" "$(grep -h -B20 Error "$image"/*.log)"
}

begin() {
	rt run -d "$@" c1 </dev/null >/dev/null 2>&1
	wait_for 200 test -s "$root/tmp/count"
}

@test "a container goes on from its checkpoint" {
	local seen pid
	begin
	rt_ok checkpoint --image-path "$image" c1
	seen=$(count)
	capture rt state c1
	[[ "$output" == *"does not exist"* ]] || fail "$output"
	[ -z "$(groups_of "$(group_of c1)")" ]
	rt_ok restore --image-path "$image" -d --pid-file "$dir/pid" c1
	pid=$(cat "$dir/pid")
	[ "$(status_of c1)" = running ]
	[ "$(pid_of c1)" = "$pid" ]
	counts_on "$seen"
	[ -n "$(groups_of "$(group_of c1)")" ]
	for d in $(groups_of "$(group_of c1)"); do grep -qx "$pid" "$d/cgroup.procs"; done
	[ "$(rt exec c1 hostname)" = probe ]
	[ -z "$(rt exec c1 cat /proc/kcore)" ]
	rt kill c1 KILL
	wait_for 200 has_status c1 stopped
	rt delete c1
}

@test "restore in the foreground, from a pipe to another one, and under another id" {
	local seen first
	bundle sh -c 'i=0; while :; do i=$((i + 1)); echo line $i; echo $i >/tmp/count; sleep 0.1; done'
	rt run c1 2>&1 </dev/null | cat >"$dir/out1" &
	wait_for 200 test -s "$root/tmp/count"
	rt_ok checkpoint --image-path "$image" --work-path "$dir/work" --empty-ns network c1
	wait_jobs
	[ -s "$dir/work/dump.log" ]
	seen=$(count)
	rt restore --image-path "$image" --bundle "$(another c2)" --empty-ns network c2 2>&1 </dev/null | cat >"$dir/out2" &
	wait_for 200 test -s "$dir/out2"
	first=$(head -n 1 "$dir/out2")
	[ "${first#line }" -ge "$seen" ] || fail "$first after $seen"
	# Its first line may be here before the one who restores it has written its state.
	is_running() { [ "$(status_of c2 2>/dev/null)" = running ]; }
	wait_for 200 is_running
	[ -n "$(groups_of "$(group_of c2)")" ]
	rt kill c2 KILL
	wait_jobs
	[ -z "$(rt list -q)" ]
}

@test "--leave-running, twice; --pre-dump with --parent-path" {
	begin
	rt_ok checkpoint --image-path "$image/1" --pre-dump c1
	[ "$(status_of c1)" = running ]
	rt_ok checkpoint --image-path "$image/2" --parent-path ../1 --leave-running c1
	[ -e "$image/2/parent" ]
	counts_on "$(count)"
	capture rt checkpoint --image-path "$image/3" --parent-path ../nosuch c1
	[ "$status" = 1 ]
	[[ "$output" == *"--parent-path ../nosuch"* ]] || fail "$output"
	rt_ok checkpoint --image-path "$image/3" --parent-path ../2 c1
	rt_ok restore --image-path "$image/3" --manage-cgroups-mode ignore -d c1
	counts_on "$(count)"
	grep -qx "$(pid_of c1)" "$(groups_of "$(group_of c1)" | head -n 1)/cgroup.procs"
}

@test "a paused container; its mounts, its filter, its groups below" {
	mkdir "$dir/from" "$dir/from/below"
	echo one >"$dir/file"
	config --arg d "$dir" '.mounts += [
		{destination: "/mnt/dir", type: "bind", source: ($d + "/from"), options: ["rbind", "ro"]},
		{destination: "/etc/hosts", type: "bind", source: ($d + "/file"), options: ["bind"]},
		{destination: "/dev/shm/x", type: "bind", source: "from", options: ["bind"]},
		{destination: "/cache", type: "tmpfs", source: "tmpfs"}] |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
			syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]} |
		.linux.resources = {memory: {limit: 67108864}, pids: {limit: 50}}'
	bundle sh -c "echo kept >/cache/x; $work"
	begin
	rt pause c1
	rt_ok checkpoint --image-path "$image" c1
	echo two >"$dir/file"
	rm -rf "$root/mnt"
	rt_ok restore --image-path "$image" -d c1
	counts_on "$(count)"
	[ "$(rt exec c1 cat /etc/hosts /cache/x)" = $'two\nkept' ]
	rt exec c1 ls -d /mnt/dir/below /dev/shm/x/below
	capture rt exec c1 touch /mnt/dir/x
	[[ "$output" == *"Read-only"* ]] || fail "$output"
	grep -q $'^Seccomp:\t2' "/proc/$(pid_of c1)/status"
	capture rt exec c1 mkdir /tmp/x
	[[ "$output" == *"not permitted"* ]] || fail "$output"
	rt pause c1
	[ "$(status_of c1)" = paused ]
	rt resume c1
	rt exec c1 cat /proc/self/mountinfo >"$dir/mounts"
	grep -q ' /sys/fs/cgroup ' "$dir/mounts"
}

@test "a terminal" {
	bundle sh -c 'while read -r line; do echo "got $line"; done'
	config '.process.terminal = true'
	python3 - "$runtime" "$dir/state" "$dir" "$image" <<'END'
import array, os, socket, subprocess, sys
runtime, state, bundle, image = sys.argv[1:]
rt = [runtime, "--root", state]

def master(*command):
    path = os.path.join(bundle, "console")
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    subprocess.run([*rt, *command, "--console-socket", path, "c1"], check=True, stdin=subprocess.DEVNULL)
    c, _ = s.accept()
    _, data, _, _ = c.recvmsg(100, socket.CMSG_SPACE(4))
    os.unlink(path)
    return array.array("i", data[0][2])[0]

def talk(fd, text):
    os.write(fd, text.encode() + b"\n")
    said = b""
    while b"got " + text.encode() not in said:
        said += os.read(fd, 1000)

fd = master("run", "-d")
talk(fd, "one")
subprocess.run([*rt, "checkpoint", "--image-path", image, "c1"], check=True)
os.close(fd)
fd = master("restore", "-d", "--image-path", image)
talk(fd, "two")
END
}

@test "a network namespace of a path stays the caller's" {
	unshare --net sleep 100 3>&- &
	local holder=$!
	wait_for 10 eval '[ "$(readlink "/proc/$holder/ns/net")" != "$(readlink /proc/self/ns/net)" ]'
	config --arg p "/proc/$holder/ns/net" '(.linux.namespaces[] | select(.type == "network")).path = $p'
	begin
	rt_ok checkpoint --image-path "$image" c1
	rt_ok restore --image-path "$image" -d c1
	[ "$(readlink "/proc/$(pid_of c1)/ns/net")" = "$(readlink /proc/$holder/ns/net)" ]
	rt delete -f c1
	kill $holder
}

@test "failures: criu's own words, and nothing is left" {
	bundle sh -c 'ifconfig lo >/dev/null; sleep 1000 | busybox nc -l -p 99 >/tmp/lines & sleep 1; ('"${work/sleep 0.1/echo line; sleep 0.1}"') |
		busybox nc 127.0.0.1 99'
	begin
	wait_for 200 test -s "$root/tmp/lines"
	capture rt checkpoint --image-path "$image" --work-path "$dir/work" c1
	[ "$status" = 1 ]
	[[ "$output" == *"container c1: criu failed: Error (criu/"*"TCP"*"$dir/work/dump.log"* ]] || fail "$output"
	counts_on "$(count)"
	rt_ok checkpoint --image-path "$image" --tcp-established c1
	mv "$image/pages-1.img" "$image/away"
	capture rt restore --image-path "$image" --tcp-established -d c1
	[ "$status" = 1 ]
	[[ "$output" == *"criu failed: Error (criu/"*"$image/restore.log"* ]] || fail "$output"
	[ -z "$(rt list -q)" ]
	[ -z "$(groups_of "$(group_of c1)")" ]
	mv "$image/away" "$image/pages-1.img"
	config --arg d "$dir" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo $0 >&2; cat >hook; exit 3", "no network"]}]'
	capture rt restore --image-path "$image" --tcp-established -d c1
	[ "$status" = 1 ]
	[[ "$output" == *"createRuntime hook 0"*"exit status 3: no network"* ]] || fail "$output"
	[ -z "$(rt list -q)" ]
	[ -z "$(groups_of "$(group_of c1)")" ]
}

@test "a user namespace" {
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$root"
	begin
	rt_ok checkpoint --image-path "$image" c1
	# There criu is nobody when it reads them.
	chmod -R a+rX "$image"
	rt_ok restore --image-path "$image" -d c1
	counts_on "$(count)"
	[ "$(stat -c %u "/proc/$(pid_of c1)")" = 100000 ]
}

@test "--page-server and --lazy-pages: memory by a socket" {
	begin
	mkdir "$image"
	criu page-server --images-dir "$image" --address 127.0.0.1 --port 12345 --daemon --pidfile "$dir/pages.pid" 3>&-
	rt_ok checkpoint --image-path "$image" --page-server 127.0.0.1:12345 c1
	compgen -G "$image/pages-*.img" >/dev/null
	criu lazy-pages --images-dir "$image" --work-dir "$image" --daemon 3>&-
	rt_ok restore --image-path "$image" --lazy-pages -d c1
	counts_on "$(count)"
}
