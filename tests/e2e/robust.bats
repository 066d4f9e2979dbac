#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What goes wrong half-way leaves nothing: a full disk, a killed create, a missing program, a race.

load lib

setup() { hull_setup; }
teardown() {
	if mountpoint -q "$WORK/disk"; then
		rm -f "$WORK/disk/fill" "$WORK/disk/more"
		hull ps -aq | xargs -r "$HULL" rm -f
		wait_for 20 umount "$WORK/disk"
	fi
	hull_teardown
}

@test "masked files: root of a container cannot touch the host's /dev/null" {
	before=$(stat -c '%a %Y' /dev/null)
	for file in /proc/keys /proc/timer_list; do
		[ -e "$file" ] || continue
		run hull run --rm test touch -d '2001-01-01 00:00:00' "$file"
		assert_has "Read-only file system"
		run hull run --rm test chmod 600 "$file"
		assert_has "Read-only file system"
		assert_equal "" "$(hull run --rm test cat "$file")"
	done
	assert_equal "$before" "$(stat -c '%a %Y' /dev/null)"
}

@test "the standard input of nobody is the container's own /dev/null" {
	before=$(stat -c '%a %i' /dev/null)
	hull run --rm test sh -c 'chmod 600 /proc/self/fd/0; stat -c %i /proc/self/fd/0; stat -L -c %t:%T /proc/self/fd/0' >out
	assert_equal "1:3" "$(tail -n 1 out)"
	assert_equal "$before" "$(stat -c '%a %i' /dev/null)"
}

@test "a read-only root includes the three files of /etc" {
	for file in hosts hostname resolv.conf; do
		run hull run --rm --read-only test sh -c "echo x >>/etc/$file"
		assert_has "Read-only file system"
		hull run --rm test sh -c "echo x >>/etc/$file"
	done
}

@test "a full disk: stop, rm and rmi work" {
	mkdir "$WORK/disk"
	mount -t tmpfs -o size=24m none "$WORK/disk"
	export HULL_ROOT=$WORK/disk/root
	tar -C "$ROOTFS" --exclude=./probe -c . | hull import - small >/dev/null
	hull run -d --name cc small sleep 600
	dd if=/dev/zero of="$WORK/disk/fill" bs=64k 2>/dev/null || true
	dd if=/dev/zero of="$WORK/disk/more" bs=1 2>/dev/null || true
	hull stop -t 0 cc
	assert_equal exited "$(hull inspect -f '{{.State.Status}}' cc)"
	hull rm cc
	hull rmi small
	wait_for 10 umount "$WORK/disk"
	export HULL_ROOT=$WORK/root
}

@test "a disk of which only the reserve for root is left is not full for him" {
	command -v mkfs.ext4 >/dev/null || skip "there is no mkfs.ext4"
	mkdir "$WORK/disk"
	truncate -s 64M "$WORK/disk.img"
	mkfs.ext4 -q -m 40 "$WORK/disk.img"
	mount -o loop "$WORK/disk.img" "$WORK/disk" || skip "no loop devices here"
	export HULL_ROOT=$WORK/disk/root
	tar -C "$ROOTFS" --exclude=./probe -c . | hull import - small >/dev/null
	fallocate -l "$(($(stat -f -c '%a * %S' "$WORK/disk") + 65536))" "$WORK/disk/fill"
	assert_equal 0 "$(stat -f -c %a "$WORK/disk")"
	hull run --rm small true
	hull create --name cc small true
	hull commit cc other
	hull save -o "$WORK/other.tar" other
	hull rm cc
	hull rmi other
	hull load -i "$WORK/other.tar"
	wait_for 20 umount "$WORK/disk"
	export HULL_ROOT=$WORK/root
}

@test "a full disk: each of stop, rm -f and rmi works as the first command" {
	for command in 'stop -t 0 cc' 'rm -f cc' 'rmi -f small' 'rmi other'; do
		mkdir -p "$WORK/disk"
		mount -t tmpfs -o size=24m none "$WORK/disk"
		export HULL_ROOT=$WORK/disk/root
		tar -C "$ROOTFS" --exclude=./probe -c . | hull import - small >/dev/null
		tar -C "$ROOTFS" -c ./etc | hull import - other >/dev/null
		[[ $command == rmi* ]] || hull run -d --name cc small sleep 600
		dd if=/dev/zero of="$WORK/disk/fill" bs=64k 2>/dev/null || true
		dd if=/dev/zero of="$WORK/disk/more" bs=1 2>/dev/null || true
		run hull $command
		assert_status 0
		hull rm -f cc
		wait_for 10 umount "$WORK/disk"
	done
	export HULL_ROOT=$WORK/root
}

@test "a full disk: ps tells the end that cannot be stored" {
	mkdir "$WORK/disk"
	mount -t tmpfs -o size=24m none "$WORK/disk"
	export HULL_ROOT=$WORK/disk/root
	tar -C "$ROOTFS" --exclude=./probe -c . | hull import - small >/dev/null
	for i in 1 2 3 4; do
		hull run -d --log-driver none --name "c$i" small sh -c 'trap "exit 7" TERM; while :; do sleep 0.02; done'
	done
	pids=$(for i in 1 2 3 4; do pid_of "c$i"; done)
	nap 300
	rm "$HULL_ROOT/ballast"
	dd if=/dev/zero of="$WORK/disk/fill" bs=64k 2>/dev/null || true
	dd if=/dev/zero of="$WORK/disk/more" bs=1 2>/dev/null || true
	kill -TERM $pids
	for pid in $pids; do wait_for 5 eval "! kill -0 $pid 2>/dev/null"; done
	ended() { [ "$(hull ps -a --format '{{.Status}}' | grep -c '^Exited (7)')" = 4 ]; }
	wait_for 5 ended
	rm "$WORK/disk/fill" "$WORK/disk/more"
	ended
	hull rm c1 c2 c3 c4
	wait_for 10 umount "$WORK/disk"
	export HULL_ROOT=$WORK/root
}

@test "a full --runroot: the exit code is kept, and a start says what is full" {
	mkdir "$WORK/disk"
	mount -t tmpfs -o size=1m none "$WORK/disk"
	export HULL_RUNROOT=$WORK/disk/run
	hull run -d --name cc test sh -c 'trap "exit 7" TERM; echo up; while :; do sleep 0.02; done'
	"$HULL" run --name watched test sh -c 'trap "exit 8" TERM; echo up; while :; do sleep 0.02; done' 3>&- &
	client=$!
	for name in cc watched; do wait_for 5 logs_have $name up; done
	dd if=/dev/zero of="$WORK/disk/fill" bs=4k 2>/dev/null || true
	kill -TERM "$(pid_of cc)" "$(pid_of watched)" || true
	code=0
	wait $client || code=$?
	wait_for 5 has_status cc exited
	states=$(hull inspect -f '{{.State.ExitCode}}{{.State.Error}}' cc watched | xargs)
	# What the end gave back is full again.
	dd if=/dev/zero of="$WORK/disk/more" bs=1k 2>/dev/null || true
	run hull start cc
	rm "$WORK/disk/fill" "$WORK/disk/more"
	hull rm -f cc watched
	files=$(leftover_files)
	wait_for 10 umount "$WORK/disk"
	export HULL_RUNROOT=$WORK/run
	assert_equal "8 7 8 " "$code $states $files"
	assert_status 1
	assert_has "choose another folder with --runroot"
}

@test "a --runroot that cannot be written for a while: the exit code is kept" {
	mkdir "$WORK/disk"
	mount -t tmpfs none "$WORK/disk"
	export HULL_RUNROOT=$WORK/disk/run
	hull run -d --name cc test sh -c 'trap "exit 7" TERM; echo up; while :; do sleep 0.02; done'
	wait_for 5 logs_have cc up
	main=$(pid_of cc)
	mount -o remount,bind,ro "$WORK/disk"
	kill -TERM "$main"
	wait_for 5 eval '! kill -0 $main 2>/dev/null'
	sleep 0.5 # not longer on a slow machine: its patience has an end
	mount -o remount,bind,rw "$WORK/disk"
	wait_for 5 has_status cc exited
	state=$(hull inspect -f '{{.State.ExitCode}}{{.State.Error}}' cc)
	hull rm cc
	wait_for 10 umount "$WORK/disk"
	export HULL_RUNROOT=$WORK/run
	assert_equal 7 "$state"
}

@test "a killed create leaves nothing for long" {
	for i in $(seq 40); do
		hull run --rm test true &
		nap $((i % 9))
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	swept() {
		hull run --rm test true
		hull ps -aq >/dev/null
		[ -z "$(ls -A "$HULL_ROOT/containers")" ]
	}
	wait_for 15 swept
}

# The process that removes the container's folder behind the end of `run --rm`.
remover() {
	find /proc/[0-9]*/fd -maxdepth 1 -lname "$HULL_ROOT/containers/*" 2>/dev/null | cut -d/ -f3 | head -1
}

@test "run --rm: the folder goes behind the end, and with the next command if that was killed" {
	gone() { [ -z "$(ls -A "$HULL_ROOT/containers")" ]; }
	local many='i=0; while [ $i -lt 5000 ]; do : >$i; i=$((i + 1)); done' killed=0 pid i
	assert_equal done "$(hull run --rm test sh -c "$many; echo done")"
	assert_equal "" "$(hull ps -aq)"
	wait_for 15 gone
	run hull run --rm --name cc test sh -c "$many; exit 7"
	assert_status 7
	for i in 1 2 3 4 5 6; do
		hull run --rm --name cc test sh -c "$many"
		pid=$(remover)
		[ -n "$pid" ] && kill -KILL "$pid" || continue
		gone || killed=1
		[ $killed = 0 ] || break
	done
	swept() { hull container prune -f >/dev/null && gone; }
	wait_for 15 swept
	hull system check
}

@test "run --rm: a volume of its own that cannot be removed keeps its row, and the container's" {
	hull run --rm --name cc -v /v test sh -c ': >/v/file; exec sleep 600' >out 2>err 3>&- &
	local client=$! volume left
	has_volume() { volume=$(hull volume ls -q) && [ -e "$HULL_ROOT/volumes/$volume/_data/file" ]; }
	wait_for 10 has_volume
	chattr +i "$HULL_ROOT/volumes/$volume/_data/file" || skip "this file system has no attribute i"
	kill -KILL "$(pid_of cc)"
	wait $client || true
	left="$(hull volume ls -q) $(hull ps -a --format '{{.Names}}')"
	chattr -i "$HULL_ROOT/volumes/$volume/_data/file"
	assert_equal "$volume cc" "$left"
	hull rm -f -v cc
	assert_equal "" "$(hull volume ls -q)$(hull ps -aq)$(ls "$HULL_ROOT/volumes")"
	hull system check
}

@test "without hull-monitor nothing is started" {
	mkdir "$WORK/alone"
	cp "$HULL" "$WORK/alone/"
	run "$WORK/alone/hull" run --rm test echo hi
	assert_status 125
	assert_has "hull-monitor"
}

@test "what is not UTF-8 is refused before anything is made" {
	bad=$(printf 'a=\xff')
	for option in --label --env --annotation; do
		run hull run -d --name cc "$option" "$bad" test true
		assert_status 125
		assert_has '\xff": it is not UTF-8'
	done
	run hull run -d --name cc test echo "$bad"
	assert_status 125
	assert_has 'a=\xff": it is not UTF-8'
	run hull volume create --label "$bad" vol
	[ "$status" != 0 ]
	assert_has 'it is not UTF-8'
	run hull import -c "CMD $bad" - odd < <(tar -C "$ROOTFS" -c ./etc)
	[ "$status" != 0 ]
	assert_has 'it is not UTF-8'
	assert_equal "" "$(hull ps -aq)$(hull volume ls -q)$(ls "$HULL_ROOT/containers")"
	hull run --rm -e 'A=ü€😀' test sh -c '[ "$A" = "ü€😀" ]'
}

# As an earlier hull wrote them: $1 is put in place of what a column holds.
damage() {
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE container SET %s = CAST(? AS TEXT) WHERE name = ?" % sys.argv[2],
	(eval(sys.argv[3]), sys.argv[4]))
db.commit()' "$HULL_ROOT/hull.db" "$@"
}

@test "a record that cannot be read hides no other container, and rm -f removes it" {
	hull run -d --name well test sleep 600
	for how in 'labels:b"{\"a\":\"\xff\"}"' 'config:b"{\"ExposedPorts\":\"\xff\"}"' 'config:b"{\"ExposedPorts\""'; do
		hull run -d --name cc test sleep 600
		pid=$(pid_of cc)
		damage "${how%%:*}" "${how#*:}" cc
		run --separate-stderr hull ps --format '{{.Names}}'
		if [[ $how == config* ]]; then # a list has no need of it, a check reads all
			assert_equal "0 cc well" "$status $(xargs <<<"$output")"
		else
			assert_equal "0 well" "$status $output"
			[[ "$stderr" == *"container cc: its record is damaged"*"hull rm -f cc"* ]] || fail "$how: $stderr"
		fi
		run hull system check
		assert_status 0
		assert_has "hull rm -f cc"
		run hull rm cc
		[ "$status" != 0 ]
		hull rm -f cc
		[ ! -e "/proc/$pid" ] || fail "$how: it still runs"
		assert_equal well "$(hull ps -a --format '{{.Names}}')"
		hull create --name cc test true
		damage "${how%%:*}" "${how#*:}" cc
		hull rm -f cc
	done
}

@test "a run record with the wrong start time or number: the container is said to be damaged at once, and rm -f ends it" {
	local pid record change
	# a bit of the time; one of the number, and its sign: nobody has such a one
	for change in '14 \100' '7 \100' '7 \200'; do
		hull run -d --name cc test sleep 600
		pid=$(pid_of cc)
		record=$HULL_RUNROOT/containers/$(hull inspect -f '{{.Id}}' cc)/running
		printf "${change#* }" | dd of="$record" bs=1 seek="${change% *}" conv=notrunc status=none
		SECONDS=0
		run hull stop cc
		assert_status 1
		assert_has "running is damaged"
		((SECONDS < 15))
		hull rm -f cc
		[ ! -e "/proc/$pid" ]
	done
}

@test "an anonymous volume goes with the create that failed" {
	hull create --name cc test true
	run hull run --rm -v /anon --name cc test true
	assert_status 125
	assert_equal "" "$(hull volume ls -q)"
}

@test "rm -f wins against those who start it again" {
	hull run -d --name cc test sleep 600
	for _ in $(seq 30); do "$HULL" start cc; done >/dev/null 2>&1 3>&- &
	starter=$!
	hull rm -f cc
	wait "$starter" || true
	assert_equal "" "$(hull ps -aq)"
}

@test "what makes no sense is refused: mount points, CPUs; an empty name is none" {
	run hull run --rm -v /tmp:/x -v /tmp:/x test true
	assert_status 125
	assert_has "Duplicate mount point: /x"
	run hull run --rm --cpus 100000 test true
	assert_status 125
	assert_has "range of CPUs"
	assert_equal ok "$(hull run --rm --name '' test echo ok)"
}

@test "names and volumes of a --rm container are free at once" {
	for _ in 1 2 3 4 5; do
		hull run --rm --name cc -v data:/data test true
		hull volume rm data
	done
}

# What writes to the disk until there is no room, and goes on.
fill_disk() {
	(
		while [ -e "$WORK/disk/root" ]; do
			dd if=/dev/zero bs=4k >>"$WORK/disk/fill" 2>/dev/null || true
		done
	) 3>&- &
	filler=$!
	disk_is_full() { [ "$(stat -f -c %a "$WORK/disk")" = 0 ]; }
	wait_for 20 disk_is_full
}

@test "a full disk that others keep filling: what looks and what removes works, the rest says what to do" {
	mkdir "$WORK/disk"
	for round in 1 2 3 4 5; do
		mount -t tmpfs -o size=24m none "$WORK/disk"
		export HULL_ROOT=$WORK/disk/root
		tar -C "$ROOTFS" --exclude=./probe -c . | hull import - small >/dev/null
		hull run -d --name writer small sh -c 'while :; do echo aaaaaaaa; done'
		hull run -d --name quiet small sleep 600
		fill_disk
		run hull run -d --name more small sleep 600
		assert_status 125
		assert_has "hint: "
		assert_has "free"
		run hull volume create vol
		assert_status 1
		assert_has "hint: "
		hull stop -t 0 writer
		hull kill quiet
		wait_for 5 has_status quiet exited
		hull ps -a | grep writer
		hull logs --tail 1 writer | grep aaa
		run hull why quiet
		assert_has "ended by hull kill"
		run hull why writer
		assert_has "stopped: "
		# No keeper holds the store open any more.
		disk_is_full || wait_for 5 disk_is_full
		case $round in
		1 | 2) hull rm -f writer quiet ;;
		3 | 4) hull rm writer && hull container prune -f ;;
		5) hull system prune -f ;;
		esac
		[ -z "$(hull ps -aq)" ]
		hull rmi small
		kill "$filler" && wait "$filler" 2>/dev/null || true
		wait_for 5 umount "$WORK/disk"
	done
	export HULL_ROOT=$WORK/root
}

# The store's own hint on a damaged file is to move it aside.
@test "a store that was lost and begun anew: nothing of what runs is removed, and with the old one all is there again" {
	stat -c %w "$HULL_ROOT/hull.db" | grep -q '^[0-9]' || skip "this file system keeps no birth times"
	hull run -d --name cc -v vol:/data test sh -c 'echo kept >/data/f; sleep 600'
	hull create --name dd test true
	local id
	id=$(hull inspect -f '{{.Id}}' cc)
	pid=$(pid_of cc)
	wait_for 10 hull exec cc test -e /data/f
	mkdir aside
	mv "$HULL_ROOT"/hull.db* aside/
	assert_equal "" "$(hull ps -aq)"
	run hull system check --repair
	assert_status 1
	assert_has "folder of a container $id: the state store (hull.db) does not know it, and is younger, but it runs as process $pid;"
	assert_has "folder of a volume vol: the state store (hull.db) does not know it"
	# Nor does what tidies up by the way.
	tar -c -C aside . | hull import - other
	hull run --rm other nothing || :
	hull system prune -af
	rm -rf "$HULL_ROOT"/hull.db*
	mv aside/hull.db* "$HULL_ROOT/"
	assert_equal "cc dd" "$(hull ps -a --format '{{.Names}}' | sort | xargs)"
	assert_equal running "$(status_of cc)"
	assert_equal kept "$(hull exec cc cat /data/f)"
	hull run --rm test true
	hull rm -f cc dd
	hull volume rm vol
	run hull system check --repair
	hull system check
}

@test "a read-only --root: what looks works, the rest says why not" {
	hull create --name cc test true
	hull run --name ran test echo said
	mkdir "$WORK/other"
	mount --bind "$HULL_ROOT" "$WORK/other"
	mount -o remount,bind,ro "$WORK/other"
	export HULL_ROOT=$WORK/other
	hull ps -a | grep cc
	assert_equal said "$(hull logs ran)"
	assert_equal created "$(status_of cc)"
	run hull why ran
	assert_has "with success"
	run hull rm cc
	assert_status 1
	assert_has "read-only"
	wait_for 10 umount "$WORK/other"
	export HULL_ROOT=$WORK/root
}
