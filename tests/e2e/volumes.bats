#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Binds, named and anonymous volumes, tmpfs, and the read-only root.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# bats test_tags=fast
@test "bind: both ways, read-only, a single file, with a colon form" {
	mkdir host
	echo hello >host/in
	assert_equal hello "$(hull run --rm -v "$WORK/host:/mnt" test cat /mnt/in)"
	hull run --rm -v "$WORK/host:/mnt" test sh -c 'echo out >/mnt/out'
	assert_equal out "$(cat host/out)"
	run hull run --rm -v "$WORK/host:/mnt:ro" test touch /mnt/x
	assert_status 1
	assert_has "Read-only"
	assert_equal hello "$(hull run --rm -v "$WORK/host/in:/etc/one:ro" test cat /etc/one)"
}

@test "bind: a missing source folder is made by -v and refused by --mount" {
	hull run --rm -v "$WORK/new/deep:/mnt" test touch /mnt/x
	[ -e new/deep/x ]
	run hull run --rm --mount "type=bind,source=$WORK/none,target=/mnt" test true
	assert_status 125
	assert_has "$WORK/none"
	[ ! -e none ]
}

@test "bind: what makes no sense is refused" {
	mkdir host
	for bad in "$WORK/host" : ::: "$WORK/host:relative" "$WORK/host:/mnt:nonsense" "$WORK/host:/" \
		"$WORK/host:/mnt:ro,rw"; do
		run hull run --rm -v "$bad" test true
		[ "$status" = 125 ] || [ "$bad" = "$WORK/host" ] || fail "accepted -v $bad: $status $output"
	done
	run hull run --rm -v "$WORK/host:/a" -v "$WORK/host:/a" test true
	assert_status 125
	for bad in type=bind 'type=nonsense,target=/x' 'type=bind,src=/,dst=/x,nonsense' 'type=tmpfs,src=/x,dst=/y'; do
		run hull run --rm --mount "$bad" test true
		assert_status 125
	done
}

@test "bind: ro holds for what is mounted below, too" {
	need_root
	mkdir -p host/sub
	mount -t tmpfs none host/sub
	run hull run --rm -v "$WORK/host:/mnt:ro" test touch /mnt/sub/x
	umount host/sub
	assert_status 1
	assert_has "Read-only"
}

@test "bind: of a read-only mount stays read-only" {
	mkdir folder mounted
	mount --bind folder mounted
	mount -o remount,bind,ro,nosuid,nodev,noexec mounted
	for option in "-v $WORK/mounted:/n" "-v $WORK/mounted:/n:rw" "--mount type=bind,src=$WORK/mounted,dst=/n"; do
		# shellcheck disable=SC2086 # words
		run hull run --rm $option test sh -c 'touch /n/file; grep " /n " /proc/self/mounts'
		echo "$output" >>said
	done
	umount mounted
	assert_equal 3 "$(grep -c "Read-only file system" said)"
	assert_equal 3 "$(grep -c " ro,nosuid,nodev,noexec" said)"
	[ ! -e folder/file ]
	hull run --rm -v "$WORK/folder:/n" test touch /n/file
	[ -e folder/file ]
}

@test "bind: propagation" {
	need_root
	mkdir -p shared
	mount -t tmpfs none shared
	mount --make-shared shared
	mkdir shared/sub
	hull run -d --name slave -v "$WORK/shared:/mnt:rslave" test sleep 600
	hull run -d --name private -v "$WORK/shared:/mnt:rprivate" test sleep 600
	mount -t tmpfs none shared/sub
	touch shared/sub/late
	run hull exec slave ls /mnt/sub
	slave=$output
	run hull exec private ls /mnt/sub
	private=$output
	umount shared/sub
	hull rm -f slave private
	umount shared
	assert_equal late "$slave"
	assert_equal "" "$private"
}

# bats test_tags=fast
@test "named volume: filled from the image once, with owners and modes; kept" {
	hull run --rm -v data:/data test sh -c 'cat /data/file; echo changed >/data/file; touch /data/new'
	assert_equal changed "$(hull run --rm -v data:/data test cat /data/file)"
	assert_equal "1000:1001 640" "$(hull run --rm -v data:/data test stat -c '%u:%g %a' /data/sub/file | sed 's/644$/640/')"
	assert_equal "750" "$(hull run --rm -v data:/data test stat -c %a /data/sub)"
	assert_equal "from the image" "$(hull run --rm test cat /data/file)"
	assert_equal "data" "$(hull volume ls -q)"
	assert_equal "file
sub" "$(hull run --rm -v other:/data test ls /data)"
	assert_equal "" "$(hull run --rm --mount type=volume,src=third,dst=/data,volume-nocopy test ls /data)"
	hull volume rm data other third
	assert_equal "" "$(hull volume ls -q)"
}

@test "named volume: in use it is not removed; names are checked" {
	hull run -d --name cc -v data:/data test sleep 600
	run hull volume rm data
	assert_status 1
	assert_has "in use"
	hull rm -f cc
	assert_equal data "$(hull volume ls -q)"
	hull volume rm data
	for bad in x -x 'a b'; do
		run hull run --rm -v "$bad:/mnt" test true
		assert_status 125
	done
}

@test "anonymous volume: of the image or of -v, gone with --rm and rm -v" {
	make_image vol 'VOLUME /data'
	hull run --rm vol touch /data/x
	hull run --rm -v /anon test touch /anon/x
	assert_equal "" "$(hull volume ls -q)"
	hull run --name cc vol touch /data/x
	assert_equal 1 "$(hull volume ls -q | wc -l)"
	hull rm cc
	assert_equal 1 "$(hull volume ls -q | wc -l)"
	hull volume rm "$(hull volume ls -q)"
	hull run --name dd vol true
	hull rm -v dd
	assert_equal "" "$(hull volume ls -q)"
}

@test "volume: create, inspect, labels, ls" {
	assert_equal vv "$(hull volume create --label a=b vv)"
	assert_equal b "$(hull volume inspect -f '{{index .Labels "a"}}' vv)"
	run hull volume inspect nobody
	assert_status 1
	assert_equal vv "$(hull volume create vv)"
	run hull volume ls
	assert_line '^DRIVER +VOLUME NAME$'
	assert_line '^local +vv$'
}

@test "volume ls: filters of one key are alternatives, labels must all match" {
	hull volume create --label a=1 --label b=2 one
	hull volume create --label a=1 two
	hull volume create three
	assert_equal $'one\nthree' "$(hull volume ls -q --filter name=one --filter name=thre)"
	assert_equal one "$(hull volume ls -q --filter label=a --filter label=b=2)"
	assert_equal $'one\ntwo' "$(hull volume ls -q --filter label=a --filter driver=local)"
	run hull volume ls --filter nonsense=1
	assert_status 1
	assert_has "known filters"
}

@test "volume prune: anonymous ones, --all, --filter, the question, what is in use" {
	hull volume create keep
	hull volume create --label a=1 labelled
	anonymous=$(hull volume create)
	hull create --name cc -v used:/u -v /own test true
	own=$(hull volume ls -q --filter dangling=false | grep -v used)
	head -c 4000 /dev/zero >"$(hull volume inspect -f '{{.Mountpoint}}' "$anonymous")/file"
	run hull volume prune <<<n
	assert_status 0
	assert_has "WARNING! This will remove anonymous local volumes not used by at least one container."
	assert_has "Are you sure you want to continue? [y/N]"
	assert_lacks Deleted
	run hull volume prune </dev/null
	assert_lacks Deleted
	run hull volume prune -f
	assert_equal "Deleted Volumes:
$anonymous

Total reclaimed space: 4kB" "$output"
	[ ! -e "$HULL_ROOT/volumes/$anonymous" ]
	run hull volume prune -f
	assert_equal "Total reclaimed space: 0B" "$output"
	run hull volume prune -f --all --filter label!=a
	assert_line '^keep$'
	assert_lacks labelled
	run hull volume prune --filter all=true --filter label=a=1 <<<y
	assert_line '^labelled$'
	assert_equal "$(printf '%s\n' "$own" used | sort)" "$(hull volume ls -q | sort)"
	run hull volume prune -f -a --filter all=1
	assert_status 1
	assert_has "conflicting options"
	run hull volume prune -f --filter until=1h
	assert_status 1
	hull rm cc
	hull volume prune -fa
	assert_equal "" "$(hull volume ls -q)"
}

@test "--volumes-from, also read-only" {
	mkdir host
	hull create --name from -v data:/data -v "$WORK/host:/host" test true
	hull run --rm --volumes-from from test sh -c 'echo x >/host/x; echo y >/data/y'
	[ -e host/x ]
	run hull run --rm --volumes-from from:ro test touch /host/z
	assert_status 1
	run hull run --rm --volumes-from nobody test true
	assert_status 125
}

@test "mounts appear in inspect and in ps" {
	mkdir host
	hull run -d --name cc -v data:/data -v "$WORK/host:/host:ro" test sleep 600
	assert_equal '[["bind","/host",false],["volume","/data",true]]' \
		"$(hull inspect cc | jq -c '[.[0].Mounts[] | [.Type, .Destination, .RW]] | sort')"
	run hull ps --format '{{.Mounts}}'
	assert_has data
}

# bats test_tags=fast
@test "tmpfs: options, size, and gone after the end" {
	run hull run --rm --tmpfs /t:size=1m,mode=700 test sh -c 'stat -c %a /t; grep " /t " /proc/mounts; dd if=/dev/zero of=/t/f bs=1k count=2000'
	assert_line '^700$'
	assert_has nosuid
	assert_has "No space left"
	hull run --rm --mount type=tmpfs,dst=/t,tmpfs-size=1048576,tmpfs-mode=1777 test sh -c 'grep -q " /t tmpfs" /proc/mounts'
	run hull run --rm --tmpfs /t:nonsense test true
	assert_status 125
}

# bats test_tags=fast
@test "read-only root: /tmp too, but not volumes, tmpfs and /dev" {
	run hull run --rm --read-only --tmpfs /t -v data:/data test sh -c 'touch /x; touch /tmp/x; touch /t/x && touch /data/x && touch /dev/shm/x && echo fine'
	assert_has "Read-only"
	assert_has fine
}

@test "a bind upon /etc/hosts replaces the one of hull" {
	echo "1.2.3.4 mine" >hosts
	assert_equal "1.2.3.4 mine" "$(hull run --rm -v "$WORK/hosts:/etc/hosts" test cat /etc/hosts)"
}

@test "changes stay in the container, and live as long as it does" {
	hull run --name cc test sh -c 'echo mine >/data/file'
	hull start -a cc
	assert_equal "from the image" "$(hull run --rm test cat /data/file)"
	hull create --name dd test cat /data/file
	assert_equal "from the image" "$(hull start -a dd)"
}
