#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull explain caps, security, sysctl, disk: against what the kernel says.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

@test "explain caps: the five sets of each process, and what can be had" {
	hull run -d --name cc --cap-drop ALL --cap-add KILL --cap-add CHOWN test sleep 600
	hull exec -d --user user cc sleep 601
	run hull explain cc caps
	assert_has "caps: in force in its first process: CHOWN, KILL"
	assert_has "uid 0: effective CHOWN, KILL; permitted CHOWN, KILL; inheritable none; ambient none; bounding CHOWN, KILL"
	assert_has "uid 1000: effective none; permitted none; inheritable none; ambient none; bounding CHOWN, KILL"
	assert_equal 0000000000000021 "$(awk '/^CapEff/ { print $2 }' "/proc/$(pid_of cc)/status")"
	hull run -d --name more --cap-add NET_ADMIN test sleep 600
	run hull explain more caps
	assert_has "caps: it can have more than the default: NET_ADMIN"
	assert_has "CAP_NET_ADMIN: changes addresses"
	run -1 hull doctor more
	assert_has "caps: it can have more"
	hull run -d --name dd --user user test sleep 600
	run hull explain dd caps
	assert_has "none is in force in its first process; set-id programs can get the default 14"
	hull run -d --name none --user user --security-opt no-new-privileges test sleep 600
	run hull explain none caps
	assert_has "caps: none of its processes can have any capability"
	hull run -d --name all --privileged test sleep 600
	run hull explain all caps
	assert_has "caps: it can have all capabilities: its root is the machine's"
}

# foresees CONTAINER PROGRAM: what is foretold of an execve by the first process is what comes of it.
foresees() {
	local foretold seen
	foretold=$(hull explain --json "$1" caps "$2" | jq -r '.Evidence["after execve"]') || return 1
	hull exec -d "$1" "$2" deaf
	seen() {
		seen=$(hull explain --json "$1" caps | jq -r '.Evidence | to_entries[] | select(.key | endswith(" held")) | .value' |
			tail -n 1 | sed 's/; bounding.*//')
		[ -n "$seen" ]
	}
	wait_for 10 seen "$1"
	[ "$foretold" = "$seen" ] || fail "$2 in $1: foretold $foretold, seen $seen"
	hull exec --user 0 "$1" busybox killall -9 held
	wait_for 10 eval "! hull exec $1 busybox pidof held"
}

@test "explain caps PROGRAM: foretells what the kernel will give it" {
	need_root
	mkdir -p progs/{plain,net,later,root,both}
	for f in plain net later root both; do
		cp "$HULL_BIN_DIR/../tests/probe" progs/$f/held
	done
	setcap cap_net_raw+ep progs/net/held && setcap cap_net_raw+p progs/later/held || skip "no capabilities in files here"
	chmod 4755 progs/root/held progs/both/held
	setcap cap_kill,cap_chown+ep progs/both/held
	local wait=(sh -c 'trap exit TERM; while :; do usleep 100000; done')
	hull run -d --name first -v "$PWD/progs:/progs" test "${wait[@]}"
	hull run -d --name user --user user -v "$PWD/progs:/progs" test "${wait[@]}"
	hull run -d --name nnp --user user --security-opt no-new-privileges -v "$PWD/progs:/progs" test "${wait[@]}"
	hull run -d --name few --user user --cap-drop CHOWN -v "$PWD/progs:/progs" test "${wait[@]}"
	for f in plain net later root both; do
		for c in first user; do
			foresees $c /progs/$f/held
		done
		foresees nnp /progs/$f/held
	done
	foresees few /progs/net/held
	foresees few /progs/root/held
	run hull explain user caps /progs/net/held
	assert_has "executing /progs/net/held comes to uid 1000 with NET_RAW in force"
	assert_has "its capabilities   permitted NET_RAW; inheritable none; at once in force"
}

@test "explain caps PROGRAM: the file that cannot be executed for what it wants, scripts, and what is none" {
	need_root
	mkdir progs
	cp "$(command -v busybox)" progs/sleep
	setcap cap_net_admin,cap_net_raw+ep progs/sleep || skip "no capabilities in files here"
	hull run -d --name cc --user user -v "$PWD/progs:/progs" test sleep 600
	run hull exec cc /progs/sleep 1
	assert_status 126
	assert_has "peration not permitted"
	run hull explain cc caps /progs/sleep
	assert_status 0
	assert_has 'executing /progs/sleep fails with "Operation not permitted": the file wants NET_ADMIN, which its bounding set lacks'
	assert_has "--cap-add NET_ADMIN"
	printf '#! /progs/sleep 600\n' >progs/script
	chmod +x progs/script
	run hull explain cc caps /progs/script
	assert_has "a script: what its interpreter may counts"
	assert_has "executing /progs/sleep fails"
	run hull explain cc caps sh
	assert_has "executing /bin/sh comes to uid 1000 with none in force"
	run -1 hull explain cc caps nonsense
	assert_has "cannot find nonsense"
	run -1 hull explain cc caps /etc
	assert_has "no regular file"
	run -125 hull explain cc mem /bin/sh
	assert_has "for the topic caps alone"
}

@test "explain security: as by default, stricter, weaker" {
	hull run -d --name cc --init test sleep 600
	run hull explain cc security
	assert_has "security: as by default"
	assert_has "root file system   writable"
	run -0 hull doctor cc
	hull run -d --name dd --read-only --user user --security-opt no-new-privileges test sleep 600
	run hull explain dd security
	assert_has "security: stricter than the default: not root; no capabilities; no new privileges; a read-only root"
	hull run -d --name ee --privileged --pid host test sleep 600
	run hull explain ee security
	assert_line "security: weaker than the default: all capabilities; no filter of system calls; (no AppArmor profile; )?nothing of /proc and /sys is hidden; the machine's pid"
	hull run -d --name ff --network container:cc --security-opt seccomp=unconfined test sleep 600
	run hull explain ff security
	assert_has "weaker than the default: no filter of system calls"
	assert_has "none is the machine's; network container:cc"
	run hull explain --json ff security
	python3 -c 'import json, sys; assert json.loads(sys.argv[1])["Evidence"]["seccomp"].startswith("off")' "$output"
}

@test "explain sysctl: what differs from the machine, and what is no longer as it was asked for" {
	local mine seen
	mine=$(cat /proc/sys/kernel/msgmax)
	hull run -d --name cc --sysctl kernel.msgmax=4097 --sysctl net.ipv4.ip_default_ttl=63 test sleep 600
	run hull explain cc sysctl
	assert_has "kernel.msgmax      4097; the machine has $mine; by --sysctl"
	assert_has "net.ipv4.ip_default_ttl 63; the machine has 64; by --sysctl"
	assert_lacks "is in force"
	run hull exec cc sh -c 'echo 70 >/proc/sys/net/ipv4/ip_default_ttl'
	assert_has "Read-only file system"
	run hull explain cc sysctl
	assert_has "read-only in it: a parameter is set when it is made, --sysctl NAME=VALUE"
	# Somebody with more rights than its root.
	nsenter -t "$(pid_of cc)" -n sh -c 'echo 77 >/proc/sys/net/ipv4/ip_default_ttl'
	run hull explain cc sysctl
	assert_has "sysctl: 1 of 2 parameters that were asked for are not in force any more"
	assert_has "net.ipv4.ip_default_ttl: 63 was asked for, and it is 77 now"
	# How it is mounted is seen, not concluded from an option.
	hull run -d --name ee --security-opt systempaths=unconfined --security-opt apparmor=unconfined test sleep 600
	hull run -d --name ff --privileged test sleep 600
	hull exec ff sh -c 'mount -o bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys'
	for name in ee ff; do
		local mounted="read-only in it"
		hull exec "$name" sh -c 'echo 71 >/proc/sys/net/ipv4/ip_default_ttl' 2>/dev/null && mounted="mounted writable in it"
		run hull explain "$name" sysctl
		assert_line "^ +/proc/sys +$mounted"
		[[ $mounted = read* ]] || assert_lacks "read-only"
		seen+=" $mounted"
	done
	assert_equal " mounted writable in it read-only in it" "$seen"
	hull run -d --name dd --network host test sleep 600
	run hull explain dd sysctl
	assert_has "net.*: the machine's"
	assert_lacks "net.ipv4."
}

@test "explain disk: a place that is full, its layer and log, files that were removed but are open" {
	hull run -d --name cc --shm-size 8m --tmpfs /many:size=4m,nr_inodes=20 test sh -c 'echo a line; dd if=/dev/zero of=/three bs=1M count=3
		exec 9>/gone; dd if=/dev/zero bs=1M count=2 >&9; rm /gone; echo ready; while :; do sleep 1; done'
	wait_for 10 eval "hull logs cc 2>&1 | grep -q ready"
	run hull explain cc disk
	assert_has "disk: there is room; it has 3"
	[[ $output =~ its\ own\ layer\ +3[.0-9]*MiB\; ]]
	[[ $output =~ its\ log\ +4KiB ]]
	assert_has "removed, but open  2MiB in 1 file:"
	hull exec cc dd if=/dev/zero of=/dev/shm/x bs=1M count=8
	run hull explain cc disk
	assert_has "disk: /dev/shm is nearly full: 100 % of its bytes are used"
	assert_has "tmpfs: 8MiB of 8MiB used (100 %)"
	assert_has "--shm-size"
	hull exec cc rm /dev/shm/x
	hull exec cc sh -c 'for i in $(seq 19); do : >/many/$i; done'
	run hull explain cc disk
	assert_has "disk: /many is nearly full: 100 % of its inodes are used"
}
