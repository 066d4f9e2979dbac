#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull debug: tools in a container that has none.

load lib

setup() {
	hull_setup
	# Nothing in it but one program.
	mkdir -p bare/etc
	cp "$ROOTFS/bin/busybox" bare/busybox
	echo "root:x:0:0::/:/busybox" >bare/etc/passwd
	tar -C bare -c . | hull import -c 'ENTRYPOINT ["/busybox"]' - bare >/dev/null
}
teardown() { hull_teardown; }

start() {
	hull run -d --name cc "$@" bare sleep 1000 >/dev/null
}
debug() { hull debug "$@" </dev/null; }

@test "debug: this machine's tools in the container's namespaces, its files at /container" {
	start --hostname inside --memory 64m
	assert_equal "inside" "$(debug cc uname -n)"
	assert_equal "busybox" "$(debug cc -- ps -o comm= -p 1)"
	assert_equal "root:x:0:0::/:/busybox" "$(debug cc cat /container/etc/passwd)"
	for ns in pid net ipc uts cgroup; do
		assert_equal "$(readlink "/proc/$(pid_of cc)/ns/$ns")" "$(debug cc readlink "/proc/self/ns/$ns")"
	done
	[ "$(readlink "/proc/$(pid_of cc)/ns/mnt")" != "$(debug cc readlink /proc/self/ns/mnt)" ]
	# In its control group.
	id=$(hull inspect -f '{{.Id}}' cc)
	debug -w /container/etc cc sh -c 'pwd; exec cat /proc/1/root/etc/passwd; ' | grep -qx /container/etc
	"$HULL" debug cc sh -c 'echo ready; exec sleep 30' </dev/null >out 3>&- & client=$!
	started_by_test $client
	wait_for 10 grep -q ready out
	find /sys/fs/cgroup -path "*$id*" -name cgroup.procs -exec cat {} + >procs
	inner=$(pgrep -P "$(pgrep -P "$client")")
	grep -qx "$inner" procs
	# Its files are no business of the container, nor does it find ours.
	hull exec cc /busybox sh -c 'for p in /proc/[0-9]*; do /busybox readlink $p/root; done' >roots
	assert_equal "/" "$(sort -u roots)"
}

@test "debug: what is shown cannot be changed, and no secrets are; what is written is gone" {
	start
	for path in /usr /usr/bin; do refuse_write "$path"; done
	run hull debug --privileged cc mount -o remount,bind,rw /usr
	run hull debug --privileged cc sh -c 'mount -o remount,rw /usr; touch /usr/hull-was-here'
	[ "$status" -ne 0 ]
	[ ! -e /usr/hull-was-here ]
	run debug cc ls /etc/shadow /home "/proc/1/root$WORK"
	[ "$status" -ne 0 ]
	debug cc sh -c 'echo x >/tmp/x; echo x >/root/x; echo new >/container/made'
	run debug cc ls /tmp/x
	[ "$status" -ne 0 ]
	assert_equal "new" "$(debug cc cat /container/made)"
	grep -qx "A /made" <(hull diff cc)
	# Set-user-id programs and nodes of the container have no effect.
	debug cc sh -c 'grep " /container " /proc/self/mountinfo' | grep nosuid | grep -q nodev
}
refuse_write() {
	run debug cc touch "$1/hull-was-here"
	[ "$status" -ne 0 ]
}

@test "debug: an image's tools; a link of it or of the container leads nowhere" {
	start
	hull exec cc /busybox ln -s / /host
	assert_equal "from the image" "$(debug --image test cc cat /data/file)"
	assert_equal "busybox" "$(debug --image test cc sh -c 'cat /container/host/proc/1/comm')"
	debug --image test cc sh -c 'echo changed >/data/file'
	assert_equal "from the image" "$(debug --image test cc cat /data/file)"
	assert_equal "yes" "$(debug --image test cc sh -c 'echo $FROM_IMAGE')"
	mkdir evil
	cp -a "$ROOTFS/." evil/
	rm -rf evil/dev
	ln -s /../../var evil/container
	ln -s /../../home evil/dev
	tar -C evil -c . | hull import - evil >/dev/null
	# The places of mounts are looked up in the image's own root.
	assert_equal "busybox" "$(debug --image evil cc cat /home/null /proc/1/comm)"
	# One that has no /tmp is given one, for every user.
	debug --image bare --user 4711 cc /busybox touch /tmp/x
	run -1 debug --image nothing cc true
	assert_has "No such image: nothing"
}

@test "debug: what cannot be had of the container is told, not left out" {
	start
	# In the child; its parent makes fewer of these calls.
	run strace -f -o /dev/null -e trace=open_tree -e inject=open_tree:error=EPERM:when=3 \
		"$HULL" debug --image test cc true </dev/null
	[ "$status" -ne 0 ]
	assert_has "cannot take /sys of the container"
}

@test "debug: root may trace what runs there; a user has no rights; codes are those of exec" {
	start
	debug cc readlink /proc/1/exe | grep -qx /busybox
	debug cc grep CapEff /proc/self/status | grep -q 00000000a80c25fb
	debug --privileged cc grep Seccomp: /proc/self/status | grep -q '0$'
	debug --user 4711 cc grep CapEff /proc/self/status | grep -q '0000000000000000$'
	debug cc true
	run -7 debug cc sh -c 'exit 7'
	run -126 debug cc /etc
	run -127 debug cc no-such-program
	run -137 debug cc sh -c 'kill -9 $$'
	assert_equal "there" "$(echo 'echo there' | hull debug cc)"
}

@test "debug: stopped and paused containers are refused, with what to do" {
	start
	hull pause cc
	run -1 debug cc true
	assert_has "hull unpause cc"
	hull unpause cc
	hull stop -t 0 cc
	run -1 debug cc true
	assert_has "hull start cc"
}

@test "debug: it ends with the container, and with its client, whatever it has started" {
	start
	"$HULL" debug cc sh -c 'setsid sleep 4711 & echo ready; wait' </dev/null >out 3>&- & client=$!
	started_by_test $client
	wait_for 10 grep -q ready out
	kill -KILL $client
	wait_for 10 eval '! pgrep -f "^sleep 4711" >/dev/null'
	"$HULL" debug cc sleep 4712 </dev/null 3>&- & client=$!
	started_by_test $client
	wait_for 10 eval 'pgrep -f "^sleep 4712" >/dev/null'
	hull kill cc >/dev/null
	wait "$client" || status=$?
	assert_equal 137 "$status"
}
