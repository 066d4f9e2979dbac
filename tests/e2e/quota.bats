#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --storage-opt size=: the limit of a container's own layer, with each back-end that this kernel has. The
# file systems they need are made in files; a case skips where the kernel cannot mount one.

load lib

setup() { hull_setup; }

teardown() {
	local r=0
	hull_teardown || r=1
	if [ -n "${FS-}" ]; then
		wait_for 20 umount "$FS" || r=1
		rmdir "$FS"
	fi
	no_loops || r=1
	return $r
}

loops() { cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -F "$WORK/"; }

# Loop devices of this case go with their last user, which may take a moment.
no_loops() {
	wait_for 5 eval '! loops' || { loops; return 1; }
}

# root_on TYPE OPTIONS MKFS...: --root on a file system of its own.
root_on() {
	local type=$1 options=$2
	shift 2
	command -v "$1" >/dev/null || skip "there is no $1"
	truncate -s 400M "$WORK/fs.img"
	"$@" "$WORK/fs.img" >"$WORK/mkfs.log" 2>&1 || { cat "$WORK/mkfs.log"; return 1; }
	FS=$(mktemp -d) # not in $WORK: hull_teardown wants no mount there
	if ! mount -t "$type" -o "loop,$options" "$WORK/fs.img" "$FS" 2>"$WORK/mount.log"; then
		rmdir "$FS"
		FS=
		skip "this kernel has no $type with $options"
	fi
	mv "$HULL_ROOT" "$FS/root"
	export HULL_ROOT=$FS/root
}

ext4_root() {
	root_on ext4 prjquota mkfs.ext4 -q -O quota,project
}

xfs_root() {
	root_on xfs prjquota mkfs.xfs -q -f
}

btrfs_root() {
	root_on btrfs commit=1 mkfs.btrfs -q
	btrfs quota enable "$FS" || return 1
}

backend_is() {
	[ "$(hull info -f '{{.HullStorageQuota}}')" = "$1" ] || { hull info; return 1; }
}

# 20 MB do not go into 10 MB: how much did, in bytes, lies within 1 % above and 10 % below.
fill_is_limited() {
	local n
	hull run --name full "$@" --storage-opt size=10m test sh -c \
		'mkdir x; cd x; /probe leave-project .; dd if=/dev/zero of=big bs=64k count=320; sync; wc -c <big; exit 3' >out 2>&1 || [ $? = 3 ]
	grep -qi 'no space left on device\|quota exceeded' out
	hull why full | grep -qE '^full: its command ended by itself with 3 after .*; its own layer is full: (9|10)[.0-9]*MiB of 10MiB$' || { hull why full; return 1; }
	n=$(tail -n 1 out)
	[ "$n" -le $((10 * 1048576 * 101 / 100)) ]
	[ "$n" -ge $((9 * 1048576)) ]
	hull rm full
	hull run -d --name full "$@" --storage-opt size=10m test sh -c 'dd if=/dev/zero of=big bs=64k count=320; sync; echo done; sleep 600'
	wait_for 20 prints done hull logs full
	hull explain full disk >out
	grep -qE '^disk: (/ is nearly full: |its own layer is full: )' out
	grep -q -- '--storage-opt size=$' out
	hull rm -f full
}

df_shows_limit() {
	local blocks
	blocks=$(hull run --rm --storage-opt size=10m test df -k / | awk 'END { print $2 }')
	[ "$blocks" = 10240 ]
}

# `system df` looks into what is limited, too.
df_counts_limited() {
	hull create --name four --storage-opt size=10m test true
	head -c 4M /dev/urandom >four
	hull cp four four:/four
	hull volume create -o size=10m vol
	hull run --rm -v vol:/x test sh -c 'dd if=/dev/zero of=/x/three bs=64k count=48 2>/dev/null'
	sync -f "$FS"
	[ "$(hull system df -v | awk '/ four$/ { print int($5) }')" = 4 ] || hull system df -v
	hull system df --format '{{.Type}} {{.Size}}' | grep -x 'Containers 4\.[0-9]*MB'
	hull system df --format '{{.Type}} {{.Size}}' | grep -x 'Local Volumes 3\.[0-9]*MB'
	hull rm four
	hull volume rm vol
}

# All that mounts a layer, on one container.
whole_life() {
	hull run -d --name web --storage-opt size=10m -v /vol test sh -c \
		'[ -e /mark ] || echo 1 >/mark; rm -f /data/file; exec sleep 1000'
	echo in >in
	hull cp in web:/in
	[ "$(hull exec web cat /in)" = in ]
	wait_for 20 prints '^A /in' hull diff web
	hull diff web | grep -q '^D /data/file'
	hull stop -t 0 web
	hull diff web | grep -q '^A /mark'
	hull cp in web:/root/again
	hull export web | tar -t | grep -x root/again
	hull commit web copy >/dev/null
	[ "$(hull run --rm copy cat /in)" = in ]
	hull start web
	[ "$(hull exec web cat /root/again /mark)" = $'in\n1' ]
	hull restart -t 0 web
	[ "$(hull exec web cat /in)" = in ]
	hull ps -s --format '{{.Size}}' | grep -q '^[1-9].*virtual'
	[ "$(hull inspect -f '{{.HostConfig.StorageOpt.size}}' web)" = 10m ]
	hull rm -f web
	[ -z "$(ls -A "$HULL_ROOT/containers")" ]
	hull run --rm --read-only --storage-opt size=10m test sh -c '! touch /x'
	[ "$(hull run --rm --rootfs "$ROOTFS:O" --storage-opt size=10m sh -c \
		'dd if=/dev/zero of=/big bs=64k count=320 2>/dev/null; wc -c </big')" -lt 10600000 ]
	hull system check
}

# A volume of 10 MB, filled by two containers, one of them not root; $1: its df shows the limit.
volume_is_limited() {
	local n before
	before=$(ls -A "$HULL_ROOT/volumes")
	hull volume create -o size=10m vol
	[ "$(hull volume inspect -f '{{.Options.size}}' vol)" = 10m ]
	hull run --rm -v vol:/data test sh -c 'cat /data/file; chmod 777 /data; dd if=/dev/zero of=/data/first bs=64k count=64; sync'
	hull run --rm -v vol:/data --user 1000 test sh -c \
		'cd /data; mkdir x; /probe leave-project x; cd x; dd if=/dev/zero of=big bs=64k count=320; sync; cat ../first big | wc -c; stat -f -c "%b %S" . | awk "{ print \$1 * \$2 }"' >out 2>&1 && cat out
	grep -qi 'no space left on device\|quota exceeded' out
	n=$(tail -n 2 out | head -n 1)
	[ "$n" -le $((10 * 1048576 * 101 / 100)) ]
	[ "$n" -ge $((9 * 1048576)) ]
	if [ "$1" = df ]; then
		[ "$(tail -n 1 out)" = 10485760 ]
		run hull run --name full -v vol:/data test sh -c 'dd if=/dev/zero of=/data/more bs=64k count=320; exit 3'
		run hull why full
		assert_line "^full: its command ended by itself with 3 after [^;]*; volume vol, which has a limit of 10MiB, had [0-9.]+[KM]?i?B left$"
		assert_has "remove files of volume vol"
		hull rm full
	fi
	hull volume rm vol
	[ ! -e "$HULL_ROOT/volumes/vol" ]
	# Made by its first use, and gone with its container.
	hull run --rm --mount type=volume,dst=/x,volume-opt=size=10m test sh -c '! dd if=/dev/zero of=/x/big bs=64k count=320; sync'
	[ "$(ls -A "$HULL_ROOT/volumes")" = "$before" ]
	hull system check
}

# prints PATTERN COMMAND...: once, now.
prints() {
	"${@:2}" | grep -q "$1"
}

@test "quota: an image on a loop device limits the layer, and df shows its size" {
	[ "$(hull info -f '{{.HullStorageQuota}}')" = 'loop ext4' ] || skip "this machine has better"
	fill_is_limited
	df_shows_limit
	# What is deleted inside is given back outside.
	hull run -d --name web --storage-opt size=10m test sh -c \
		'dd if=/dev/zero of=/big bs=64k count=100 2>/dev/null; sync; rm /big; sync; echo done; sleep 1000'
	wait_for 20 prints done hull logs web
	[ -f "$(hull inspect -f '{{.GraphDriver.Data.DiskImage}}' web)" ]
	wait_for 10 eval '[ "$(du -k "$HULL_ROOT"/containers/*/disk.img | cut -f 1)" -lt 2000 ]'
}

@test "quota: cp, diff, export, commit, restart and the rest with an image" {
	[ "$(hull info -f '{{.HullStorageQuota}}')" = 'loop ext4' ] || skip "this machine has better"
	whole_life
}

@test "quota: many look at once at one image, and it has one device" {
	[ "$(hull info -f '{{.HullStorageQuota}}')" = 'loop ext4' ] || skip "this machine has better"
	hull create --name web --storage-opt size=10m test sleep 1000
	echo x >in
	hull cp in web:/in
	local pids=() pid
	for _ in 1 2 3 4 5 6; do
		hull diff web >"diff.$BASHPID.$RANDOM" & pids+=($!)
	done
	hull start web
	for pid in "${pids[@]}"; do wait "$pid"; done
	[ "$(cat diff.* | grep -c '^A /in')" = 6 ]
	[ "$(grep -lF "$WORK/" /sys/block/loop*/loop/backing_file | wc -l)" = 1 ]
	[ "$(hull exec web cat /in)" = x ]
}

@test "quota: an image that was mounted when the machine went down is repaired" {
	[ "$(hull info -f '{{.HullStorageQuota}}')" = 'loop ext4' ] || skip "this machine has better"
	hull create --name web --storage-opt size=10m test cat /in
	echo x >in
	hull cp in web:/in
	no_loops
	debugfs -w -R 'set_super_value state 0' "$HULL_ROOT"/containers/*/disk.img
	debugfs -w -R 'set_super_value free_blocks_count 7' "$HULL_ROOT"/containers/*/disk.img
	[ "$(hull start -a web)" = x ]
	no_loops
	dumpe2fs -h "$HULL_ROOT"/containers/*/disk.img 2>/dev/null | grep -q 'Filesystem state: *clean'
}

@test "quota: project quota of ext4" {
	ext4_root
	backend_is 'ext4 project'
	fill_is_limited
	df_shows_limit
	whole_life
	volume_is_limited df
	fill_is_limited --user 1000 -w /tmp
}

@test "quota: project quota of XFS" {
	xfs_root
	backend_is 'xfs project'
	fill_is_limited
	df_shows_limit
	whole_life
	volume_is_limited df
}

@test "quota: group of a btrfs subvolume" {
	btrfs_root
	backend_is 'btrfs qgroup'
	fill_is_limited
	whole_life
	volume_is_limited
	df_counts_limited
	# No subvolume is left, and when the kernel is done with them no group.
	[ -z "$(btrfs subvolume list "$FS")" ]
	for _ in $(seq 200); do
		sync -f "$FS"
		hull system check --repair
		[ "$(btrfs qgroup show "$FS" | grep -c '^0/')" != 1 ] || return 0
		sleep 0.2
	done
	return 1
}

@test "quota: projects are numbered apart, and given back" {
	ext4_root
	local ids=() id
	for id in aa bb cc; do
		hull create --name $id --storage-opt size=10m test true
	done
	[ "$(lsattr -pd "$HULL_ROOT"/containers/*/upper | awk '{ print $1 }' | sort -u | wc -l)" = 3 ]
	hull rm aa
	# Behind our back: a limit without a file.
	rm -rf "$HULL_ROOT/containers/$(hull inspect -f '{{.Id}}' bb)"
	hull rm bb
	run hull system check
	[ "$status" = 1 ]
	[[ $output == *"quota of project "*" that no container has"* ]]
	[ "$(hull system check --repair | grep -c 'quota of project .*: removed')" = 1 ]
	hull system check
	# A folder that a killed create left.
	hull create --name dd --storage-opt size=10m test true
	mv "$HULL_ROOT/containers/$(hull inspect -f '{{.Id}}' dd)" "$HULL_ROOT/containers/$(printf '%064d' 7)"
	hull rm dd
	sleep 2.1
	hull system check --repair | grep -q 'folder of a container 0.*7 that does not exist: removed'
	hull system check
	hull rm cc
}

# bats test_tags=fast,same
@test "quota: what is refused, and how" {
	refused() {
		local text=$1
		shift
		run hull run --rm "$@" true
		[ "$status" != 0 ] && [[ $output == *"$text"* ]] || { echo "$output"; return 1; }
	}
	refused "unknown option foo" --storage-opt foo=1 test
	refused "invalid size: '10q'" --storage-opt size=10q test
	refused "invalid size: ''" --storage-opt size= test
	refused "invalid size: '-1'" --storage-opt size=-1 test
	refused "less than 1m" --storage-opt size=1k test
	refused "invalid size: ''" --storage-opt size test
	refused "hull does not limit" --storage-opt size=10m --rootfs "$ROOTFS"
	[ -z "$(ls -A "$HULL_ROOT/containers")" ]
	hull run --rm --storage-opt size=0 test true
}

@test "quota: a volume of a file system without quotas cannot be limited, a tmpfs can" {
	[ "$(hull info -f '{{.HullStorageQuota}}')" = 'loop ext4' ] || skip "this machine has better"
	run hull volume create -o size=10m vol
	[ "$status" = 1 ] && [[ $output == *"quota size requested but no quota support"*"hint: "*prjquota* ]]
	run hull run --rm --mount type=volume,src=vol,dst=/x,volume-opt=size=10m test true
	[ "$status" = 125 ] && [[ $output == *"no quota support"* ]]
	[ -z "$(ls -A "$HULL_ROOT/volumes")" ]
	[ -z "$(hull volume ls -q)" ]
	run hull volume create -o size=10q vol
	[ "$status" = 1 ] && [[ $output == *"invalid size: '10q'"* ]]
	run hull volume create -o size=1m -o type=none -o device=/tmp -o o=bind vol
	[ "$status" = 1 ] && [[ $output == *"can be limited"* ]]
	hull volume create -o size=0 free
	hull volume create -o type=tmpfs -o device=tmpfs -o size=2m vol
	[ "$(hull run --rm -v vol:/x test df -k /x | awk 'END { print $2 }')" = 2048 ]
}

@test "quota: a default of the configuration file, and none of it" {
	mkdir -p conf/hull
	echo 'storage-opt size=10m' >conf/hull/hull.conf
	export XDG_CONFIG_HOME=$WORK/conf
	hull create --name web test true
	[ "$(hull inspect -f '{{.HostConfig.StorageOpt.size}}' web)" = 10m ]
	hull create --name free --storage-opt size=0 test true
	[[ $(hull inspect free) != *'"StorageQuota"'* ]]
	hull run --rm --rootfs "$ROOTFS" true
}
