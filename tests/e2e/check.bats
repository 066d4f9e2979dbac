#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull system check: each kind of damage is made for real, named, mended by --repair, and a second check finds
# nothing; what belongs to another --root is left alone.

load lib

setup() {
	hull_setup
	need_root
	PARENT_GROUPS=("hulltest-$$")
}
teardown() {
	umount -R "$WORK"/root*/*/*/* 2>/dev/null
	if [ -d "$WORK/root2" ]; then (in_other hull_teardown); fi
	hull_teardown
}

# Another pair of roots on this machine.
in_other() {
	HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2 "$@"
}

id_of() { hull inspect -f '{{.Id}}' "$1"; }

# The id of a container that was there and is not any more.
gone_id() {
	local id
	id=$(hull create test true)
	hull rm "$id" >/dev/null
	echo "$id"
}

# What a check finds is a line for each of the patterns; --repair mends it, and another check finds nothing.
assert_mends() {
	local pattern
	run hull system check
	assert_status 1
	for pattern; do assert_line "^$pattern"; done
	run hull system check --repair
	assert_status 0
	for pattern; do assert_line "^$pattern.*: (removed|made anew, empty)\$"; done
	run hull system check
	assert_equal "0 " "$status $output"
}

ended() { [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status"; }
lives() { ! ended "$1"; }

# leave_running NAME: a container's row is lost, and its first process ends with nobody there to see it.
leave_running() {
	local id pid
	hull run -d --name "$1" test sh -c 'setsid sleep 600 & exec sleep 600'
	id=$(id_of "$1") pid=$(pid_of "$1")
	stop_watchers "$1"
	sql "DELETE FROM container WHERE id = ?" "$id"
	kill -KILL "$pid"
	wait_for 5 ended "$pid"
}

@test "check: processes of a container that the store does not know" {
	leave_running cc
	assert_mends "process $MONITOR \(hull-monitor\) of container [0-9a-f]{12} that" \
		"process $KEEPER \(hull-keeper\) of container" "control group /hull/" "folder of a container" "exit record of a container"
	ended "$MONITOR" && ended "$KEEPER"
}

@test "check: a container that runs and whose row was lost is told, and not ended" {
	local id pid
	hull run -d --name cc test sleep 600
	id=$(id_of cc) pid=$(pid_of cc)
	sql "DELETE FROM container WHERE id = ?" "$id"
	run hull system check --repair
	assert_status 1
	assert_has "folder of a container $id: the state store (hull.db) has lost it, but it runs as process $pid; it is not removed: end that process"
	lives "$pid"
	kill -KILL "$pid"
	hull_is_clean() { hull system check --repair && hull system check; }
	wait_for 10 hull_is_clean
}

@test "check: control groups of a removed container, in each hierarchy, with processes, in a scope" {
	local id other groups dir sleeper
	hull run -d --name cc test sleep 600
	id=$(id_of cc)
	groups=$(find /sys/fs/cgroup -maxdepth 3 -type d -name "$id")
	hull rm -f cc
	# Of an id that this --root never had: perhaps another's.
	other=$(tr 0-9a-f 1-9a-f0 <<<"$id")
	sleep 600 3>&- &
	sleeper=$!
	started_by_test "$sleeper"
	for dir in $groups; do
		mkdir -p "$dir/below" "${dir%/hull/*}/hulltest-$$/hull-$id.scope" "${dir%/*}/$other"
	done
	echo "$sleeper" >"${groups%%$'\n'*}/below/cgroup.procs"
	assert_mends "control group /hull/$id of a container that does not exist" \
		"control group /hulltest-$$/hull-$id.scope of a container that does not exist"
	assert_equal "" "$(find /sys/fs/cgroup -maxdepth 3 -type d -name "*$id*")"
	wait_for 5 ended "$sleeper"
	for dir in $groups; do rmdir "${dir%/*}/$other"; done
}

@test "check: mounts in the folders of what does not exist; what they show is kept" {
	local id path
	id=$(gone_id)
	mkdir precious
	echo kept >precious/file
	for path in "$HULL_ROOT/containers/$id" "$HULL_RUNROOT/containers/$id" "$HULL_ROOT/volumes/none"; do
		mkdir -p "$path/a b"
		mount --bind precious "$path/a b"
		mount -t tmpfs none "$path/a b"
	done
	assert_mends "mount $HULL_ROOT/containers/$id/a b in the folder of what does not exist" \
		"mount $HULL_RUNROOT/containers/$id/a b in" "mount $HULL_ROOT/volumes/none/a b in" "folder of a volume none"
	assert_equal kept "$(cat precious/file)"
	assert_equal "" "$(grep "$WORK" /proc/self/mountinfo)"
}

@test "rm does not go into what somebody mounted in a container's folder" {
	local upper
	mkdir precious
	echo kept >precious/file
	hull create --name cc test true
	upper=$HULL_ROOT/containers/$(id_of cc)/upper
	mkdir "$upper/at"
	mount --bind precious "$upper/at"
	run hull rm cc
	assert_status 1
	assert_has "something is mounted below it"
	assert_equal kept "$(cat precious/file)"
	umount "$upper/at"
	hull rm -f cc
}

@test "check: loop devices on disk images of what does not exist" {
	local id image loop
	image=$WORK/probe.img
	truncate -s 1M "$image"
	loop=$(losetup -f --show "$image") || skip "no loop devices here"
	losetup -d "$loop"
	for how in whole deleted; do
		id=$(gone_id)
		mkdir -p "$HULL_ROOT/containers/$id"
		truncate -s 2M "$HULL_ROOT/containers/$id/disk.img"
		loop=$(losetup -f --show "$HULL_ROOT/containers/$id/disk.img")
		[ $how = whole ] || rm -r "$HULL_ROOT/containers/$id"
		assert_mends "loop device $loop on the disk image of container ${id:0:12} that does not exist"
		assert_equal "" "$(losetup -n -O BACK-FILE "$loop" 2>/dev/null)"
	done
}

@test "check: rows whose folder is gone: containers, volumes" {
	local id
	hull create --name cc test true
	hull create --name dd -v vol:/data test sh -c 'echo anew >/data/f'
	hull run -d --name ee test sleep 600
	rm -rf "$HULL_ROOT/containers/$(id_of cc)" "$HULL_ROOT/volumes/vol"
	assert_mends "container cc: its folder is gone" "volume vol: its folder is gone"
	assert_equal "dd ee" "$(hull ps -a --format '{{.Names}}' | sort | xargs)"
	hull start dd
	hull wait dd
	assert_equal anew "$(cat "$HULL_ROOT/volumes/vol/_data/f")"
	hull rm -v dd
	hull volume rm vol
	id=$(id_of ee)
	mv "$HULL_ROOT/containers/$id" aside
	run hull system check --repair
	assert_status 1
	assert_has "container ee: its folder is gone, but it runs: hull rm -f ee"
	assert_equal running "$(status_of ee)"
	hull rm -f ee
	run hull system check
	assert_equal "0 " "$status $output"
}

@test "check: the file system of all containers, of all layers, is not mounted: nothing is removed" {
	hull create --name cc test true
	hull create --name dd test true
	printf 'FROM test\nRUN echo built >/file\n' >Dockerfile
	hull build -q -t built .
	mv "$HULL_ROOT/containers" "$HULL_ROOT/layers" .
	mkdir "$HULL_ROOT/containers" "$HULL_ROOT/layers"
	run hull system check --repair
	assert_status 1
	assert_has "the folders of all 2 are gone, so nothing is removed: is a file system not mounted at $HULL_ROOT/containers?"
	assert_has "layers are gone, so nothing is removed"
	rmdir "$HULL_ROOT/containers" "$HULL_ROOT/layers"
	mv containers layers "$HULL_ROOT/"
	hull system check
	hull start cc
	assert_equal 0 "$(hull wait cc)"
	assert_equal built "$(hull run --rm built cat /file)"
}

# The folder of an image's only layer.
layer_of() {
	echo "$HULL_ROOT/layers/$(hull image inspect -f '{{index .RootFS.Layers 0}}' "$1" | cut -d: -f2)"
}

@test "check: images and build cache whose layers are gone, partly or all" {
	local name
	mkdir tree
	hull save -o image.tar test
	for name in fs ''; do
		hull create --name cc test true
		rm -rf "$(layer_of test)/$name"
		run hull system check
		assert_status 1
		assert_line "^image [0-9a-f]{12} \(test:latest\): layer [0-9a-f]{12} is missing: load or pull"
		# A container has it, with what was written into it.
		run hull system check --repair
		assert_status 1
		assert_has "is missing, and a container uses it: load or pull the image again"
		hull load -i image.tar
		hull system check
		hull start cc
		assert_equal 0 "$(hull wait cc)"
		hull rm cc
		rm -rf "$(layer_of test)/$name"
		assert_mends "image [0-9a-f]{12} \(test:latest\): layer [0-9a-f]{12} is missing"
		run hull image inspect test
		assert_status 1
		hull load -i image.tar
		hull run --rm test true
	done
	printf 'FROM test\nRUN echo built >/file\n' >tree/Dockerfile
	hull build -q -t built tree
	name=$(hull image inspect -f '{{index .RootFS.Layers 1}}' built | cut -d: -f2)
	hull rmi built
	rm -rf "$HULL_ROOT/layers/$name"
	assert_mends "build cache: layer ${name:0:12} is missing"
	hull build -q -t built tree
	assert_equal built "$(hull run --rm built cat /file)"
}

@test "check: what belongs to another --root is left alone, whole or damaged" {
	local id gone group pid before
	cp -a "$CACHE/root" "$WORK/root2"
	in_other hull run -d --name cc -v vol:/data test sleep 600
	id=$(in_other id_of cc) pid=$(in_other pid_of cc)
	in_other leave_running dd
	gone=$(in_other gone_id)
	group=$(find /sys/fs/cgroup -maxdepth 3 -type d -name "$id" | head -n 1)
	mkdir "${group%/*}/$gone" "$WORK/root2/containers/$gone"
	mount -t tmpfs none "$WORK/root2/containers/$gone"
	before=$(find "$WORK/root2" "$WORK/run2" | sort)
	run hull system check --repair
	assert_equal "0 " "$status $output"
	assert_equal "$before" "$(find "$WORK/root2" "$WORK/run2" | sort)"
	lives "$pid" && lives "$MONITOR" && lives "$KEEPER"
	[ -d "${group%/*}/$gone" ]
	grep -q "$WORK/root2/containers/$gone" /proc/self/mountinfo
	in_other assert_mends "process $MONITOR \(hull-monitor\) of" "control group /hull/$gone of" \
		"mount $WORK/root2/containers/$gone in"
	in_other has_status cc running
}

# change_in_store OLD NEW: in its file, in the first place only where it stands.
change_in_store() {
	rm -f "$HULL_ROOT"/hull.db-*
	python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    at = f.read().index(sys.argv[2].encode())
    f.seek(at)
    f.write(sys.argv[3].encode())' "$HULL_ROOT/hull.db" "$@"
}

@test "check: with a damaged store nothing is removed, and the rest is as before once the file is back" {
	local id other
	id=$(hull create --name cc -v vol:/data test sh -c 'echo kept >/data/f')
	other=$(tr 0-9a-f 1-9a-f0 <<<"$id")
	sql "PRAGMA wal_checkpoint(TRUNCATE)"
	cp "$HULL_ROOT/hull.db" whole.db
	# In the row or in the index: of one of both the container does not exist.
	change_in_store "$id" "$other"
	run hull system check --repair
	assert_status 1
	assert_has "hull.db is damaged: "
	assert_has "nothing was removed; restore the file from a backup"
	cp whole.db "$HULL_ROOT/hull.db"
	run hull system check
	assert_equal "0 " "$status $output"
	hull start cc
	assert_equal 0 "$(hull wait cc)"
	assert_equal kept "$(cat "$HULL_ROOT/volumes/vol/_data/f")"
}

@test "a store that is no database: each command says so, and what to do; what runs goes on" {
	local command before
	hull run -d --name cc -v vol:/data test sh -c 'while :; do date >/data/f; sleep 0.1; done'
	wait_for 10 test -s "$HULL_ROOT/volumes/vol/_data/f"
	hull create --name dd test true
	hull save -o image.tar test
	printf 'FROM test\n' >Dockerfile
	mkdir whole
	sql "PRAGMA wal_checkpoint(TRUNCATE)"
	cp "$HULL_ROOT"/hull.db* whole/
	rm "$HULL_ROOT"/hull.db*
	head -c 8192 /dev/urandom >"$HULL_ROOT/hull.db"
	before=$(find "$HULL_ROOT/containers" "$HULL_ROOT/layers" "$HULL_ROOT/volumes" "$HULL_RUNROOT" | sort)
	for command in ps images "create test true" "run --rm test true" "start dd" "stop -t 0 cc" "kill cc" "rm -f cc" "exec cc true" \
		"cp cc:/probe -" "commit cc x" "load -i image.tar" "import image.tar x" "build -q ." "rmi test" "save test" \
		"volume create ww" "volume rm vol" "volume prune -f" "container prune -f" "system prune -f" "system df" \
		"system check --repair" "rename dd ee" "update -m 64m cc" "logs cc" "inspect cc" "why cc" "wait cc" "top cc"; do
		# shellcheck disable=SC2086 # words
		run within 20 "$HULL" $command
		[[ $status == 1 || $status == 125 ]] || fail "$command: $status" "$output"
		assert_has "state store: "
		assert_has "restore it from a backup"
	done
	assert_equal "$before" "$(find "$HULL_ROOT/containers" "$HULL_ROOT/layers" "$HULL_ROOT/volumes" "$HULL_RUNROOT" | sort)"
	rm -f "$HULL_ROOT"/hull.db*
	cp whole/hull.db* "$HULL_ROOT/"
	run hull system check
	assert_equal "0 " "$status $output"
	assert_equal running "$(status_of cc)"
	rm "$HULL_ROOT/volumes/vol/_data/f"
	wait_for 10 test -s "$HULL_ROOT/volumes/vol/_data/f"
}

@test "check: a hull with the same paths in another mount namespace, as in a container, is left alone" {
	local id loop
	cp -a "$CACHE/root" "$WORK/root2"
	mkdir -p "$HULL_ROOT" "$HULL_RUNROOT" "$WORK/run2"
	hull system check
	inside() {
		unshare -m sh -c 'mount --bind "$1/root2" "$HULL_ROOT" && mount --bind "$1/run2" "$HULL_RUNROOT" && shift && exec "$@"' \
			sh "$WORK" "$@" 3>&-
	}
	id=$(inside "$HULL" run -d --name cc test sleep 600)
	truncate -s 2M "$WORK/root2/containers/$id/disk.img"
	loop=$(inside losetup -f --show "$HULL_ROOT/containers/$id/disk.img" || true)
	watchers_of "$(inside "$HULL" inspect -f '{{.State.Pid}}' cc)"
	run hull system check --repair
	assert_equal "0 " "$status $output"
	lives "$MONITOR" && lives "$KEEPER"
	[ -z "$loop" ] || [ -n "$(losetup -n -O BACK-FILE "$loop")" ]
	[ -z "$loop" ] || losetup -d "$loop"
	inside "$HULL" rm -f cc
}

@test "check: containers that come and go meanwhile are not told of" {
	(for _ in $(seq 30); do "$HULL" run --rm test true || exit; done) 3>&- &
	started_by_test $!
	while kill -0 "${STARTED[-1]}" 2>/dev/null; do
		run hull system check
		assert_equal "0 " "$status $output"
	done
	wait "${STARTED[-1]}"
}
