# SPDX-License-Identifier: Apache-2.0
# Real callers of an OCI runtime, each with hull-runtime in the place of runc. A file calls
# callers_begin in its setup_file and callers_end in its teardown_file.
#
# Everything runs in namespaces of its own: processes (the end of the first ends all), mounts (an
# empty /run), network (nothing but loopback, so no packet leaves). Control groups are the machine's,
# below $GROUP.

bats_require_minimum_version 1.5.0

# callers_root PROGRAM...: names and a root file system; false where something is missing.
callers_root() {
	local name
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export HULL_BIN_DIR=${HULL_BIN_DIR:-$TOP/build/bin}
	HULL_BIN_DIR=$(realpath "$HULL_BIN_DIR")
	export RUNTIME=$HULL_BIN_DIR/hull-runtime WORK=$BATS_FILE_TMPDIR/w LC_ALL=C.UTF-8
	export GROUP=/hull-callers-$$ LIMIT=60 NEEDS=$*
	[ "$(id -u)" = 0 ] || return 1
	for name; do command -v "$name" >/dev/null || return 1; done
	mkdir -p "$WORK/rootfs"/{bin,etc,proc,sys,dev,tmp,root,run} || return 1
	cp "$(command -v busybox)" "$WORK/rootfs/bin/busybox" || return 1
	for name in $("$WORK/rootfs/bin/busybox" --list); do
		[ "$name" = busybox ] || ln -s busybox "$WORK/rootfs/bin/$name"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n' >"$WORK/rootfs/etc/passwd"
}

callers_begin() {
	callers_root "$@" || return 0
	unshare --pid --fork --kill-child --mount --net --mount-proc -- "$HULL_BIN_DIR/hull-init" -- sh -c '
		mount -t tmpfs -o mode=755 none /run && mkdir /run/lock && ip link set lo up &&
			touch "$1/inside" && exec sleep infinity' sh "$WORK" </dev/null >/dev/null 2>&1 3>&- &
	echo $! >"$WORK/unshare"
	wait_for 20 test -e "$WORK/inside"
	# The first process inside is the child of unshare.
	pgrep -P "$(cat "$WORK/unshare")" >"$WORK/holder"
}

callers_end() {
	[ -s "$WORK/holder" ] || return 0
	kill -KILL "$(cat "$WORK/holder")"
	wait_for 20 test ! -e "/proc/$(cat "$WORK/holder")/root/"
	local i
	for i in $(seq 300); do
		find /sys/fs/cgroup -maxdepth 7 -depth -type d -path "*$GROUP*" -exec rmdir {} + 2>/dev/null
		[ -n "$(find /sys/fs/cgroup -maxdepth 7 -type d -path "*$GROUP*" 2>/dev/null)" ] || break
		sleep 0.1
	done
	[ -z "$(find /sys/fs/cgroup -maxdepth 7 -type d -path "*$GROUP*" 2>/dev/null)" ]
}

# dockerd and hulld in the namespaces, side by side, both with an image called test and no network of their own.
beside_dockerd() {
	local name
	cat >"$WORK/daemon.json" <<-END
		{"data-root": "$WORK/docker", "exec-root": "/run/docker", "pidfile": "/run/docker.pid",
		 "hosts": ["unix:///run/docker.sock"], "bridge": "none", "iptables": false, "ip-forward": false,
		 "cgroup-parent": "$GROUP", "exec-opts": ["native.cgroupdriver=cgroupfs"]}
	END
	daemon dockerd dockerd --config-file "$WORK/daemon.json"
	daemon hulld env HULL_NETWORK=none "$HULL_BIN_DIR/hulld" --root "$WORK/hull" --runroot "$WORK/hull-run" --host unix:///run/hulld.sock
	for name in docker hulld; do
		wait_for 60 inside docker -H "unix:///run/$name.sock" version
		tar -C "$WORK/rootfs" -c . | inside docker -H "unix:///run/$name.sock" import - test
	done
}

# In a case: skip it where the caller is not installed.
need_callers() {
	local name
	[ "$(id -u)" = 0 ] || skip "needs root"
	for name in $NEEDS; do command -v "$name" >/dev/null || skip "needs $name"; done
	[ -s "$WORK/holder" ] || fail "the namespaces are not there"
}

# inside COMMAND...: in the namespaces, within $LIMIT seconds.
inside() {
	timeout -k 5 "$LIMIT" nsenter -t "$(cat "$WORK/holder")" -p -m -n -- "$@" 3>&-
}

# daemon NAME COMMAND...: in the background there, its output in $WORK/NAME.log.
daemon() {
	local name=$1
	shift
	nsenter -t "$(cat "$WORK/holder")" -p -m -n -- "$@" </dev/null >"$WORK/$name.log" 2>&1 3>&- &
}

# A limit is for a case that fails: none is below a minute.
wait_for() {
	local end=$((SECONDS + ($1 < 60 ? 60 : $1)))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "never true: $*" >&2; return 1; }
		sleep 0.1
	done
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# capture COMMAND...: $status and $output, both streams.
capture() {
	status=0
	output=$("$@" 2>&1) || status=$?
}

assert_has() {
	[[ "$output" == *"$1"* ]] || fail "expected: $1" "$output"
}

# A file of a control group whose path ends in $1, on either version: group_value NAME V1 V2.
group_value() {
	local d
	for d in $(find /sys/fs/cgroup -maxdepth 7 -type d -path "*$1*" 2>/dev/null); do
		if [ -f "$d/$2" ]; then cat "$d/$2"; return; fi
		if [ -f "$d/$3" ]; then cat "$d/$3"; return; fi
	done
	return 1
}
