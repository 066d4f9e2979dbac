#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes on an NFS server: the options of the local driver go to mount(2). The kernel's own server on loopback
# is the server; it needs the module nfsd (the second kernel has it) and Debian's nfs-kernel-server, which
# scripts/deps does not install, because on a machine of one's own that starts a server.

load lib

setup() {
	hull_setup
	need_root
	command -v rpc.nfsd >/dev/null && command -v rpc.mountd >/dev/null || skip "there is no rpc.nfsd"
	modprobe nfsd 2>/dev/null && grep -qw nfs4 /proc/filesystems || modprobe nfsv4 2>/dev/null || skip "this kernel has no nfsd"
	EXPORTED=$(mktemp -d)
	mount -t tmpfs none "$EXPORTED"
	mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
	mkdir -p /var/lib/nfs/v4recovery "$EXPORTED/shared"
	ip link set lo up
	exportfs -o rw,fsid=0,no_root_squash,insecure,no_subtree_check "127.0.0.1:$EXPORTED"
	rpc.mountd -F -N 3 -N 2 3>&- &
	MOUNTD=$!
	rpc.nfsd -N 3 -V 4 -N 4.0 -U 2
}

teardown() {
	local r=0
	hull_teardown || r=1
	[ -n "${EXPORTED-}" ] || return $r
	rpc.nfsd 0
	kill "$MOUNTD"
	exportfs -u "127.0.0.1:$EXPORTED"
	wait_for 20 umount "$EXPORTED" || r=1
	rmdir "$EXPORTED"
	return $r
}

volume() {
	hull volume create --opt type=nfs4 --opt "o=addr=localhost,rw,${2-vers=4.2}" --opt "device=:/shared" "$1"
}

# bats test_tags=fast
@test "a volume on a server: written there, read back, gone from here with its last container" {
	volume vol
	hull run --rm -v vol:/data test sh -c 'echo over the wire >/data/f; grep " /data " /proc/mounts' >mounts
	grep -q '^:/shared /data nfs4 rw.*addr=127.0.0.1' mounts || fail "$(cat mounts)"
	assert_equal "over the wire" "$(cat "$EXPORTED/shared/f")"
	echo from there >"$EXPORTED/shared/g"
	assert_equal "from there" "$(hull run --rm -v vol:/data test cat /data/g)"
	run hull run --rm -v vol:/data:ro test touch /data/x
	assert_status 1
	assert_has "Read-only"
	! grep -q nfs4 /proc/self/mounts || fail "$(cat /proc/self/mounts)"
	hull volume rm vol
	[ -e "$EXPORTED/shared/f" ]
}

# bats test_tags=fast
@test "two containers see each other's files, and options of mount reach the kernel" {
	volume vol "vers=4.2,soft,timeo=50"
	hull run -d --name reader -v vol:/data test sh -c 'until [ -e /data/b ]; do usleep 50000; done; echo seen >/data/a; sleep 1000'
	hull run --rm -v vol:/data test touch /data/b
	wait_for 20 test -e "$EXPORTED/shared/a"
	assert_equal 1 "$(hull exec reader grep -c ' /data nfs4 .*vers=4.2.*soft.*timeo=50' /proc/mounts)"
	hull rm -f reader
}

# bats test_tags=fast
@test "a folder that the server does not have, and a server that is none: the container does not start" {
	hull volume create --opt type=nfs4 --opt o=addr=127.0.0.1,vers=4.2 --opt device=:/none vol
	run hull run --rm -v vol:/data test true
	assert_status 125
	assert_has "No such file or directory"
	hull volume create --opt type=nfs4 --opt o=addr=127.0.0.1,vers=4.2,port=1,soft,timeo=1,retrans=0 --opt device=:/shared wol
	run hull run --rm -v wol:/data test true
	assert_status 125
	assert_has "onnection refused"
}

# bats test_tags=fast
@test "a version that the server does not speak is said so" {
	volume vol vers=4.0
	run hull run --rm -v vol:/data test true
	assert_status 125
	assert_has "Protocol not supported"
	assert_has "vers=4.2"
}
