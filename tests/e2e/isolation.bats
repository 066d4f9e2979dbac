#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container cannot see, reach or do by default: docs/security.md, line by line.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

status_field() {
	awk -v f="$1:" '$1 == f { print $2 }'
}

# bats test_tags=fast
@test "namespaces: all of them are the container's own (G1)" {
	hull run -d --name cc test sleep 600
	pid=$(pid_of cc)
	for ns in pid net ipc uts mnt cgroup; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || fail "shares $ns"
	done
	assert_equal "$(readlink /proc/self/ns/user)" "$(readlink "/proc/$pid/ns/user")"
}

@test "two containers do not see each other (G1)" {
	hull run -d --name aa -h one test sleep 61
	hull run -d --name bb test sleep 62
	[ "$(hull exec bb ps | grep -c 'sleep 61')" = 0 ]
	[ "$(hull exec bb hostname)" != one ]
	hull exec aa sh -c 'touch /dev/shm/mine /tmp/mine'
	run hull exec bb sh -c 'ls /dev/shm /tmp'
	assert_lacks mine
	run hull exec bb cat /proc/self/cgroup
	assert_lacks "$(hull inspect -f '{{.Id}}' aa)"
	assert_equal lo "$(hull exec bb ls /sys/class/net)"
}

# bats test_tags=fast
@test "capabilities: docker's fourteen, none inherited, none for users" {
	hull run --rm test cat /proc/self/status >status
	assert_equal 00000000a80425fb "$(status_field CapBnd <status)"
	assert_equal 00000000a80425fb "$(status_field CapEff <status)"
	assert_equal 0000000000000000 "$(status_field CapInh <status)"
	assert_equal 0000000000000000 "$(status_field CapAmb <status)"
	hull run --rm -u 1000 test cat /proc/self/status >status
	assert_equal 0000000000000000 "$(status_field CapEff <status)"
	assert_equal 0000000000000000 "$(status_field CapInh <status)"
	assert_equal 00000000a80425fb "$(status_field CapBnd <status)"
	hull run -d --name cc test sleep 600
	hull exec cc cat /proc/self/status >status
	assert_equal 00000000a80425fb "$(status_field CapEff <status)"
	assert_equal 0000000000000000 "$(status_field CapInh <status)"
}

@test "capabilities: added, dropped, all, unknown ones refused" {
	eff() { hull run --rm "$@" test cat /proc/self/status | status_field CapEff; }
	assert_equal 0000000000000000 "$(eff --cap-drop ALL)"
	assert_equal 0000000000000400 "$(eff --cap-drop ALL --cap-add NET_BIND_SERVICE)"
	assert_equal 0000000000000400 "$(eff --cap-drop all --cap-add cap_net_bind_service)"
	assert_equal 00000000a80425fa "$(eff --cap-drop CHOWN)"
	assert_equal 00000000a82425fb "$(eff --cap-add SYS_ADMIN)"
	run hull run --rm --cap-add NONSENSE test true
	assert_status 125
	assert_has NONSENSE
}

@test "no_new_privs and seccomp: on request, and by default" {
	hull run --rm test cat /proc/self/status >status
	assert_equal 2 "$(status_field Seccomp <status)"
	assert_equal 0 "$(status_field NoNewPrivs <status)"
	assert_equal 1 "$(hull run --rm --security-opt no-new-privileges test cat /proc/self/status | status_field NoNewPrivs)"
	assert_equal 0 "$(hull run --rm --security-opt seccomp=unconfined test cat /proc/self/status | status_field Seccomp)"
	hull run -d --name cc test sleep 600
	assert_equal 2 "$(hull exec cc cat /proc/self/status | status_field Seccomp)"
	run hull run --rm --security-opt nonsense=1 test true
	assert_status 125
}

# bats test_tags=fast
@test "system calls: what the default profile refuses, and how" {
	run hull run --rm test /probe calls
	assert_status 0
	for call in socket-alg socket-vsock io_uring_setup userfaultfd bpf perf_event_open keyctl add_key \
		kexec_load init_module open_by_handle_at unshare-user setns mount fsopen clone-newns reboot \
		settimeofday; do
		assert_line "^$call EPERM$"
	done
	assert_line '^clone3 ENOSYS$'
	assert_line '^unknown-call ENOSYS$'
	assert_line '^socket-inet ok$'
	assert_line '^personality ok$'
}

@test "system calls: a profile of one's own" {
	cat >profile.json <<'JSON'
{"defaultAction": "SCMP_ACT_ALLOW",
 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
JSON
	run hull run --rm --security-opt "seccomp=$WORK/profile.json" test mkdir /tmp/x
	assert_status 1
	assert_has "No space left"
	echo '{"defaultAction": "NONSENSE"}' >bad.json
	run hull run --rm --security-opt "seccomp=$WORK/bad.json" test true
	assert_status 125
}

# bats test_tags=fast
@test "masked and read-only paths" {
	# AppArmor, where it is, denies what the others find empty.
	run hull run --rm test sh -c 'exec 2>/dev/null
		for p in acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats; do
			[ -e /proc/$p ] || continue
			if [ -d /proc/$p ]; then [ -z "$(ls -A /proc/$p)" ] || echo "open: $p"
			else [ "$(head -c 1 /proc/$p | wc -c)" = 0 ] || echo "open: $p"; fi
		done
		[ ! -d /sys/firmware ] || [ -z "$(ls -A /sys/firmware)" ] || echo "open: /sys/firmware"
		[ ! -d /sys/devices/virtual/powercap ] || [ -z "$(ls -A /sys/devices/virtual/powercap)" ] || echo "open: powercap"
		for p in bus fs irq sys; do
			[ ! -d /proc/$p ] || ! touch /proc/$p/x 2>/dev/null || echo "writable: $p"
		done
		(echo b >/proc/sysrq-trigger) 2>/dev/null && echo "writable: sysrq-trigger"
		(echo 70 >/proc/sys/net/ipv4/ip_default_ttl) 2>/dev/null && echo "writable: sysctl"
		echo end'
	assert_equal end "$output"
	run hull run --rm --security-opt systempaths=unconfined test sh -c 'head -c 5 /proc/timer_list | wc -c'
	assert_equal 5 "$output"
}

@test "mounts and their options" {
	hull run --rm test cat /proc/self/mounts >mounts
	option() { awk -v p="$1" '$2 == p { print "," $4 "," }' mounts | tail -n 1; }
	for o in nosuid noexec nodev; do
		[[ "$(option /proc)" == *,$o,* ]] || fail "/proc: $o" "$(cat mounts)"
		[[ "$(option /sys)" == *,$o,* ]] || fail "/sys: $o"
		[[ "$(option /dev/shm)" == *,$o,* ]] || fail "/dev/shm: $o"
	done
	[[ "$(option /sys)" == *,ro,* ]]
	[[ "$(option /dev)" == *,nosuid,* ]]
	[[ "$(option /dev/pts)" == *,nosuid,*noexec,* ]]
	grep -q ' /dev/mqueue mqueue ' mounts
	[[ "$(awk '$2 ~ "^/sys/fs/cgroup" && $3 ~ "^cgroup" { print "," $4 "," }' mounts | grep -vc ',ro,')" = 0 ]]
	[ -z "$(awk '$2 == "/" && $3 != "overlay"' mounts)" ]
	run hull run --rm test sh -c 'df -k /dev/shm | tail -n 1'
	assert_line '65536'
}

@test "devices: the six, and nothing else can be made or opened" {
	run hull run --rm test sh -c 'cd /dev; for d in null zero full tty random urandom; do test -c $d || echo missing $d; done; for l in fd stdin ptmx; do readlink $l; done'
	assert_lacks missing
	assert_line '^/proc/self/fd$'
	assert_line '^pts/ptmx$'
	run hull run --rm test /probe devices
	assert_line '^open-null ok$|^mknod-null EPERM$'
	for d in mem kmsg loop0 vda tun fuse rtc; do
		! grep -q "^open-$d \(ok\|ENXIO\|ENODEV\|EBUSY\)" <<<"$output" || fail "opened $d" "$output"
	done
}

@test "devices: --device gives one, with the asked-for rights" {
	[ -c /dev/fuse ] || skip "no /dev/fuse here"
	run hull run --rm --device /dev/fuse:/dev/mine:r test sh -c '(: </dev/mine) && echo readable; (: >/dev/mine) || echo not writable'
	assert_has readable
	assert_has "not writable"
	run hull run --rm --device /dev/nonsense test true
	assert_status 125
	mkdir empty
	run hull run --rm --device "$WORK/empty" test true
	assert_status 125
	assert_has 'empty": not a device node'
}

@test "descriptors: only 0, 1 and 2, whatever the caller had open (T002)" {
	exec 7</etc/passwd 8</ 9<.
	assert_equal "0 1 2" "$("$HULL" run --rm test /probe fds | tr '\n' ' ' | sed 's/ $//')"
	hull run -d --name cc test sleep 600
	assert_equal "0 1 2" "$("$HULL" exec cc /probe fds | tr '\n' ' ' | sed 's/ $//')"
	exec 7<&- 8<&- 9<&-
}

@test "working directory cannot lead out (T001)" {
	for n in 0 1 2 3 4 5 6 7 8 9 10 11 12; do
		run hull run --rm -w /proc/self/fd/$n test ls
		[ "$status" != 0 ] || fail "fd $n: $output"
	done
	hull run -d --name cc test sleep 600
	for n in 3 4 5 6 7 8 9; do
		run hull exec -w /proc/self/fd/$n cc ls
		[ "$status" != 0 ] || fail "exec fd $n: $output"
	done
}

@test "symbolic links of the image do not lead out: mounts, workdir, /etc files (T011 T017)" {
	mkdir canary rootfs
	cp -a "$ROOTFS/." rootfs/
	ln -s "$WORK/canary" rootfs/link
	rm -rf rootfs/etc/hosts rootfs/etc/hostname rootfs/etc/resolv.conf
	ln -s "$WORK/canary/hosts" rootfs/etc/hosts
	ln -s "../../../../../../..$WORK/canary/resolv" rootfs/etc/resolv.conf
	tar -C rootfs -c . | hull import - evil >/dev/null
	touch bound
	run hull run --rm -v "$WORK/bound:/link/file" -v "$WORK/bound:/link/d/e" --tmpfs /link/t -w /link/w evil true
	[ -z "$(ls -A canary)" ] || fail "made: $(ls -A canary)"
}

@test "/dev, /proc and /sys of the image that are links are refused or replaced, never followed (T012 T013)" {
	mkdir -p canary rootfs
	echo keep >canary/ptmx
	cp -a "$ROOTFS/." rootfs/
	for dir in dev proc sys; do
		rm -rf "rootfs/$dir"
		ln -s "$WORK/canary" "rootfs/$dir"
		tar -C rootfs -c . | hull import - evil >/dev/null
		run hull run --rm evil true
		assert_equal ptmx "$(ls -A canary)"
		assert_equal keep "$(cat canary/ptmx)"
		rm "rootfs/$dir"
		mkdir "rootfs/$dir"
	done
}

@test "the passwd of the image is data: FIFO, device, out-pointing link, endless file (T034)" {
	mkdir rootfs
	cp -a "$ROOTFS/." rootfs/
	rm rootfs/etc/passwd
	mkfifo rootfs/etc/passwd
	tar -C rootfs -c . | hull import - evil >/dev/null
	run within 5 "$HULL" run --rm -u user evil true 3>&-
	[ "$status" != 0 ] && [ "$status" != 124 ]
	rm rootfs/etc/passwd
	ln -s /dev/zero rootfs/etc/passwd
	tar -C rootfs -c . | hull import - evil >/dev/null
	run within 5 "$HULL" run --rm -u user evil true 3>&-
	[ "$status" != 0 ] && [ "$status" != 124 ]
	rm rootfs/etc/passwd
	truncate -s 3G rootfs/etc/passwd
	tar -C rootfs -cS . | hull import - evil >/dev/null
	run within 5 "$HULL" run --rm -u user evil true 3>&-
	[ "$status" != 0 ] && [ "$status" != 124 ]
}

@test "supplementary groups: the primary group is among them (T033)" {
	run hull run --rm -u user test grep Groups /proc/self/status
	assert_line '1001'
	run hull run --rm -u 1000:77 test sh -c 'echo x >/tmp/f 2>/dev/null; id -G'
	assert_line '77'
}

@test "the host's environment does not leak (T111)" {
	make_image envy 'ENV PLAIN=1'
	SECRET=s3cret run hull run --rm envy env
	assert_lacks s3cret
}

@test "control characters cannot be smuggled into files of lines (T035)" {
	run hull run --rm -h "$(printf 'a\nroot')" test true
	assert_status 125
	run hull run --rm -e "HOME=$(printf '/x\nroot::0:0::/:/bin/sh')" test cat /etc/passwd
	assert_lacks 'root::0:0'
}

@test "sysctls: namespaced ones are set, others refused before anything is made (N3 T038)" {
	assert_equal 4096 "$(hull run --rm --sysctl net.core.somaxconn=4096 test cat /proc/sys/net/core/somaxconn)"
	for bad in kernel.core_pattern=x net/../kernel/core_pattern=x vm.swappiness=1 \
		"kernel.shm_rmid_forced=1+kernel.core_pattern=x" nonsense; do
		run hull run --rm --sysctl "$bad" test true
		assert_status 125
	done
	run hull run --rm --network host --sysctl net.core.somaxconn=1 test true
	assert_status 125
	assert_equal "" "$(hull ps -aq)"
}

@test "sysctls: ping and low ports without privileges, as in docker" {
	assert_equal 0 "$(hull run --rm test cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
}

@test "privileged: everything, for those who ask (B13)" {
	hull run --rm --privileged test cat /proc/self/status >status
	assert_equal "$(status_field CapBnd </proc/self/status)" "$(status_field CapEff <status)"
	assert_equal 0 "$(status_field Seccomp <status)"
	run hull run --rm --privileged test sh -c 'mount -t tmpfs none /tmp && echo mounted; ls /dev | wc -l'
	assert_has mounted
}

# What hull may not give is given as far as possible, and said: once, for run too.
@test "ulimit and oom score beyond what the caller may give: clamped, with a warning" {
	local caller=(setpriv --bounding-set -sys_resource --inh-caps -all prlimit --nofile=2000:3000)
	run --separate-stderr "${caller[@]}" "$HULL" run --rm --ulimit nofile=4000 --ulimit core=0 test \
		sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c' 3>&-
	assert_equal $'3000\n3000\n0' "$output"
	# shellcheck disable=SC2154 # stderr is bats'
	assert_equal "WARNING: --ulimit nofile: 3000 is the most that can be given here, so the limits are 3000:3000" "$stderr"
	run --separate-stderr "${caller[@]}" "$HULL" run --rm --ulimit nofile=100:4000 test sh -c 'ulimit -Sn; ulimit -Hn' 3>&-
	assert_equal $'100\n3000' "$output"
	local score
	score=$(cat /proc/self/oom_score_adj)
	run --separate-stderr "${caller[@]}" "$HULL" run --rm --oom-score-adj $((score - 1)) test \
		cat /proc/self/oom_score_adj 3>&-
	assert_equal "$score" "$output"
	assert_equal "WARNING: --oom-score-adj $((score - 1)): hull may not lower it here, it stays at $score" "$stderr"
	run --separate-stderr setpriv --bounding-set -sys_time "$HULL" run --rm --cap-add SYS_TIME test true 3>&-
	assert_equal "WARNING: CAP_SYS_TIME cannot be given: hull itself lacks it" "$stderr"
	run --separate-stderr hull run --rm --quiet --kernel-memory 4m test true
	assert_equal "" "$stderr"
}

@test "ulimits: defaults are clamped, given ones kept" {
	run hull run --rm test /probe limits
	assert_line '^nofile 1024 '
	assert_line '^core 0 '
	run hull run --rm --ulimit nofile=100:200 --ulimit core=0 test /probe limits
	assert_line '^nofile 100 200$'
	run hull run --rm --ulimit nonsense=1 test true
	assert_status 125
}

@test "umask is 0022, and the session keyring one's own" {
	assert_equal 0022 "$(umask 077; hull run --rm test sh -c umask)"
}

@test "nothing that is mounted inside appears outside (T024)" {
	before=$(sort /proc/self/mountinfo | md5sum)
	hull run --rm --privileged test sh -c 'mkdir /m; mount -t tmpfs none /m; mount --make-shared /m; mount -t tmpfs none /m'
	assert_equal "$before" "$(sort /proc/self/mountinfo | md5sum)"
}

# in_chroot DIR COMMAND...: below DIR are the host's own folders, which is all that there is.
in_chroot() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c '
		[ -z "$MOUNTED" ] || mount --bind "$1" "$1" && cd "$1" || exit 99
		for name in /*; do
			if [ -h "$name" ]; then ln -sfn "$(readlink "$name")" "$1$name"
			elif [ -d "$name" ]; then mkdir -p "$1$name" && mount --rbind "$name" "$1$name"; fi || exit 99
		done
		shift && exec chroot . "$@"' sh "$@" 3>&-
}

@test "hull in a chroot: its containers have no way to what is above it" {
	need_root
	for MOUNTED in '' yes; do
		export MOUNTED
		mkdir -p jail
		touch jail/in-the-jail
		in_chroot "$WORK/jail" "$HULL" run -d --name cc test sleep 600
		assert_equal "from the image" "$(in_chroot "$WORK/jail" "$HULL" exec cc cat /data/file)"
		# What setns(2) leads to is the root of the mount namespace: nothing may lie above.
		run nsenter --mount="/proc/$(pid_of cc)/ns/mnt" /bin/busybox cat /data/file
		assert_equal "from the image" "$output"
		hull rm -f cc
	done
}

@test "state folders are closed to other users (T042)" {
	hull run -d --name cc test sleep 600
	for dir in "$HULL_ROOT" "$HULL_RUNROOT"; do
		assert_equal 700 "$(stat -c %a "$dir")"
	done
}

@test "no abstract sockets, no set-id programs (T120 T043)" {
	hull run -d --name cc test sleep 600
	run hull run --rm --network host test cat /proc/net/unix
	assert_status 0
	run ! grep '@.*hull' <<<"$output"
	[ -z "$(find "$HULL_BIN_DIR" -perm /6000)" ]
}

@test "hull's own program cannot be executed, opened or looked into from a container (T003)" {
	local before i
	before=$(cat "$HULL_BIN_DIR"/hull* | sha256sum)
	hull run -d --name cc test sh -c '/probe thief /seen 3000 >/said; sleep 100'
	until hull exec cc test -e /seen; do sleep 0.05; done
	for i in $(seq 15); do
		hull exec -u user cc true
		hull exec cc true
	done
	hull exec cc sh -c 'until [ -s /said ]; do sleep 0.1; done'
	[[ "$(hull exec cc cat /said)" != *"refused 0 times"* ]] || fail "the thief saw nobody"
	assert_equal "" "$(hull exec cc cat /seen)"
	hull exec cc sh -c 'echo "#!/proc/self/exe" >/tmp/script; chmod 755 /tmp/script; ln -s /proc/self/exe /tmp/exe'
	for i in /tmp/script /tmp/exe /proc/self/exe; do
		run -126 hull exec cc $i
		assert_has "permission denied"
	done
	assert_equal "$before" "$(cat "$HULL_BIN_DIR"/hull* | sha256sum)"
}
