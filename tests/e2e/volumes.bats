#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Binds, named and anonymous volumes, tmpfs, and the read-only root.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# bats test_tags=fast,same
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

@test "bind: -v with rshared: a mount made inside is seen outside, and the other way round; rslave keeps it inside" {
	need_root
	mkdir -p shared
	mount -t tmpfs none shared
	mount --make-shared shared
	mkdir shared/in shared/out shared/kept
	# hull-default forbids to mount.
	local seen=() may_mount=(--cap-add SYS_ADMIN --security-opt apparmor=unconfined)
	hull run -d --name both "${may_mount[@]}" -v "$WORK/shared:/mnt:rshared" test sleep 600
	hull run -d --name one "${may_mount[@]}" -v "$WORK/shared:/mnt:rslave" test sleep 600
	hull exec both mount -t tmpfs none /mnt/in && hull exec both touch /mnt/in/made
	hull exec one mount -t tmpfs none /mnt/kept && hull exec one touch /mnt/kept/made
	mount -t tmpfs none shared/out
	touch shared/out/late
	seen=("$(ls shared/in)" "$(hull exec one ls /mnt/in)" "$(ls shared/kept)" "$(hull exec both ls /mnt/out)")
	hull rm -f both one
	umount shared/out shared/in
	umount shared
	assert_equal "made made  late" "${seen[*]}"
}

# bats test_tags=fast,same
@test "named volume: the mode of its top stays what a container made it" {
	hull run --rm -v vol:/x test chmod 1770 /x
	assert_equal 1770 "$(hull run --rm -v vol:/x test stat -c %a /x)"
	hull volume create vol
	assert_equal 1770 "$(hull run --rm -v vol:/x test stat -c %a /x)"
}

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

# ---------------------------------------------------------------- volumes with options

@test "volume options: a folder of the host, filled from the image, in containers only" {
	mkdir target
	hull volume create -o type=none -o "device=$WORK/target" --opt o=bind,noexec vol >/dev/null
	assert_equal '{"device":"'"$WORK/target"'","o":"bind,noexec","type":"none"}' \
		"$(hull volume inspect vol | jq -c '.[0].Options')"
	hull run --rm -v vol:/data test sh -c 'echo mine >/data/new; grep -q " /data .*noexec" /proc/self/mounts'
	assert_equal "from the image" "$(cat target/file)"
	assert_equal mine "$(cat target/new)"
	assert_equal "" "$(ls "$HULL_ROOT/volumes/vol/_data")"
	hull create --name cc -v vol:/x test true
	assert_equal mine "$(hull cp cc:/x/new - | tar -xO)"
	hull rm cc
	hull volume rm vol
	[ -e target/new ]
}

@test "volume options: another file system, whole and a part of it" {
	need_root
	truncate -s 16M disk
	mkfs.ext4 -q disk
	loop=$(losetup -f --show disk)
	hull volume create -o type=ext4 -o "device=$loop" -o o=noatime vol >/dev/null
	run hull run --rm -v vol:/mnt test sh -c 'mkdir -p /mnt/sub/deep; echo here >/mnt/sub/deep/file; grep " /mnt " /proc/self/mounts'
	part=$(hull run --rm --mount type=volume,src=vol,dst=/part,volume-subpath=sub/deep,ro test \
		sh -c 'cat /part/file; touch /part/x 2>/dev/null || echo no; wc -l </proc/self/mounts')
	all=$(hull run --rm --mount type=volume,src=vol,dst=/part test sh -c 'wc -l </proc/self/mounts')
	hull volume rm vol
	losetup -d "$loop"
	assert_line "^$loop /mnt ext4 .*noatime"
	assert_equal $'here\nno\n'"$all" "$part"
}

@test "volume options: what is wrong is refused, by name" {
	for bad in "nonsense=1|invalid option: \"nonsense\"" "type=ext4|missing required option: \"device\"" \
		"o=ro|missing required option: \"device\""; do
		run hull volume create -o "${bad%|*}" vol
		assert_status 1
		assert_has "${bad#*|}"
	done
	run hull volume create -o nonsense=1 vol
	assert_has "hint: there are type, device, o and size"
	run hull volume create -o type=none -o device=relative -o o=bind vol
	assert_status 1
	assert_has "must be an absolute path"
	assert_equal "" "$(hull volume ls -q)"
	hull volume create -o type=none -o device="$WORK" -o o=bind vol
	run hull volume create -o type=tmpfs -o device=tmpfs vol
	assert_status 1
	assert_has "with other options"
	assert_equal vol "$(hull volume create -o o=bind -o type=none -o device="$WORK" vol)"
	assert_equal vol "$(hull volume create vol)"
	hull volume create -o type=none -o device="$WORK/none" -o o=bind gone
	hull volume create -o type=nosuchfs -o device=/dev/none other
	hull volume create -o type=tmpfs -o device=tmpfs -o o=nonsense=1 third
	run hull run --rm -v gone:/x test true
	assert_status 125
	assert_has "volume gone: cannot open $WORK/none: No such file"
	run hull run --rm -v other:/x test true
	assert_status 125
	assert_has "volume other: device /dev/none: cannot mount nosuchfs"
	run hull run --rm -v third:/x test true
	assert_status 125
	assert_has "volume third: device tmpfs: cannot mount tmpfs: nonsense=1"
	assert_equal "" "$(hull ps -aq)"
}

@test "volume options: NFS reaches the kernel with device and options" {
	grep -q nfs4 /proc/filesystems || modprobe nfsv4 2>/dev/null || skip "this kernel has no NFS"
	hull volume create -o type=nfs4 -o device=127.0.0.1:/export -o o=addr=127.0.0.1,port=9,soft,retrans=1,timeo=1 vol
	run hull run --rm -v vol:/x test true
	assert_status 125
	assert_has "volume vol: device 127.0.0.1:/export: cannot mount nfs4: the kernel refuses"
	hull volume create -o type=nfs4 -o device=127.0.0.1:/export -o o=addr=127.0.0.1,nonsense=1 bad
	run hull run --rm -v bad:/x test true
	assert_has "nonsense=1"
}

@test "volume options: a password stands in no message" {
	hull volume create -o type=tmpfs -o device=tmpfs -o o=password=geheim,size=1m vol
	run hull run --name cc -v vol:/x test true
	assert_status 125
	assert_has "cannot mount tmpfs: password=***"
	assert_lacks geheim
	run ! grep -q geheim <<<"$(hull inspect cc; hull why cc; hull events --since 1h --until 0s)"
	hull rm cc
	hull volume rm vol
}

# Without a server, and on a kernel without NFS: what the kernel is asked for.
@test "volume options: NFS gets its server's address, whatever it is called" {
	command -v strace >/dev/null || skip "needs strace"
	asked() {
		run strace -qq -e trace=fsopen,fsconfig,fsmount -e inject=fsopen:retval=99 -e inject=fsconfig:retval=0 \
			-e inject=fsmount:error=EACCES "$HULL" volume export vol 3>&-
	}
	hull volume create -o type=nfs -o device=:/export -o o=addr=localhost,rw,nolock,vers=4,noatime vol
	asked
	assert_line 'fsopen\("nfs", '
	assert_line 'FSCONFIG_SET_STRING, "source", ":/export", 0\)'
	assert_line 'FSCONFIG_SET_STRING, "addr", "127.0.0.1", 0\)'
	assert_line 'FSCONFIG_SET_FLAG, "nolock", NULL, 0\)'
	assert_line 'FSCONFIG_SET_STRING, "vers", "4", 0\)'
	assert_line 'fsmount\(99, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOATIME\)'
	[ "$(grep -c FSCONFIG_SET <<<"$output")" = 4 ]
	hull volume rm vol
	hull volume create -o type=nfs -o device=:/export -o o=addr=::1 vol
	asked
	assert_line '"addr", "::1"'
	hull volume rm vol
	hull volume create -o type=nfs -o device=:/export -o o=addr=-none- vol
	run hull run --rm -v vol:/x test true
	assert_status 125
	assert_has "volume vol: device :/export: cannot find the address of the server (addr=-none-)"
	hull volume rm vol
	grep -q nfs /proc/filesystems || modprobe nfs 2>/dev/null || {
		hull volume create -o type=nfs -o device=:/export -o o=addr=127.0.0.1 vol
		run hull run --rm -v vol:/x test true
		assert_status 125
		assert_has "cannot mount nfs: this kernel has no such file system"
		assert_has "hint: /proc/filesystems lists"
	}
}

# bats test_tags=fast
@test "volume options: one tmpfs for those that run at the same time, gone with the last" {
	hull volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,mode=700,uid=1000 vol
	hull run -d --name one -v vol:/a test sleep 600
	hull exec one sh -c 'echo shared >/a/file'
	assert_equal "1000 700" "$(hull exec one stat -c '%u %a' /a)"
	hull run -d --name two -v vol:/deep/b:ro test sleep 600
	assert_equal shared "$(hull exec two cat /deep/b/file)"
	run hull exec two touch /deep/b/x
	assert_has "Read-only"
	hull rm -f one
	# Taken from one that may only read it, it can be written.
	assert_equal shared "$(hull run --rm -v vol:/c test sh -c 'cat /c/file; touch /c/y')"
	run hull exec two ls /deep/b
	assert_equal $'file\ny' "$output"
	hull restart -t 0 two
	assert_equal "" "$(hull exec two ls /deep/b)"
	run hull run --rm --mount type=volume,src=vol,dst=/c,volume-subpath=x test true
	assert_status 125
	assert_has "no subpath"
	for name in '' two; do
		run hull run --rm ${name:+--volumes-from $name} -v vol:/c -v vol:/d test true
		assert_status 125
		assert_has "at one place of a container only"
	done
	hull rm -f two
	assert_equal "" "$(leftover_mounts)"
}

@test "volume options: containers that start at the same time have one tmpfs" {
	hull volume create -o type=tmpfs -o device=tmpfs vol
	for i in 1 2 3 4 5 6; do
		hull run -d --name "c$i" -v vol:/x test sleep 600 >/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6; do
		hull exec "c$i" touch "/x/$i"
	done
	assert_equal 6 "$(hull exec c3 ls /x | wc -l)"
}

@test "--mount type=volume: driver, options and labels make the volume" {
	mkdir target
	hull run --rm --mount "type=volume,src=vol,dst=/x,volume-driver=local,volume-opt=type=none,volume-opt=device=$WORK/target,volume-opt=o=bind,volume-label=a=b" \
		test touch /x/made
	[ -e target/made ]
	assert_equal b "$(hull volume inspect -f '{{.Labels.a}}' vol)"
	assert_equal none "$(hull volume inspect -f '{{.Options.type}}' vol)"
	run hull run --rm --mount type=volume,src=vol,dst=/x,volume-opt=type=tmpfs,volume-opt=device=tmpfs test true
	assert_status 125
	assert_has "with other options"
	run hull run --rm --mount type=volume,src=other,dst=/x,volume-opt=nonsense=1 test true
	assert_status 125
	assert_has 'invalid option: "nonsense"'
	run hull run --rm --mount type=volume,src=other,dst=/x,volume-driver=flocker test true
	assert_status 125
	assert_has "local volumes only"
	assert_equal vol "$(hull volume ls -q)"
}

@test "volume-subpath: a folder, a file, and no way out" {
	hull run --rm -v vol:/v test sh -c 'mkdir -p /v/a/b; echo in >/v/a/b/file; ln -s /etc /v/out; ln -s ../../../../etc /v/up; ln -s a/b /v/good'
	assert_equal in "$(hull run --rm --mount type=volume,src=vol,dst=/x,volume-subpath=a/b test cat /x/file)"
	assert_equal in "$(hull run --rm --mount type=volume,src=vol,dst=/x,volume-subpath=a/b/file test cat /x)"
	assert_equal in "$(hull run --rm --mount type=volume,src=vol,dst=/x,volume-subpath=good test cat /x/file)"
	for bad in out up none out/passwd; do
		run hull run --rm --mount "type=volume,src=vol,dst=/x,volume-subpath=$bad" test true
		assert_status 125
		assert_has "cannot mount $bad of $HULL_ROOT/volumes/vol/_data"
	done
	for bad in ../.. a/../.. /a; do
		run hull run --rm --mount "type=volume,src=vol,dst=/x,volume-subpath=$bad" test true
		assert_status 125
		assert_has "must be a relative path within the volume"
	done
}

@test "volume rm says which containers use it" {
	one=$(hull create -v vol:/x test true)
	two=$(hull create -v vol:/x test true)
	run hull volume rm vol
	assert_has "$one"
	assert_has "$two"
}

@test "volume export and import: owners and modes kept, into what is there, of any kind of volume" {
	mkdir target
	hull run --rm -v vol:/data test sh -c 'mkdir /data/deep; echo x >/data/deep/x; chown 7:8 /data/deep/x; chmod 4755 /data/deep/x; ln -s file /data/link'
	hull volume export vol >tar
	assert_equal "$(printf '%s\n' deep/ deep/x file link sub/ sub/file)" "$(tar tf tar | sort)"
	hull volume export -o again vol
	cmp tar again
	hull volume create -o type=none -o o=bind -o device="$WORK/target" other
	echo kept >target/kept
	echo old >target/file
	hull volume import other tar
	assert_equal "7:8 4755" "$(stat -c '%u:%g %a' target/deep/x)"
	assert_equal "kept from the image" "$(echo $(cat target/kept target/link))"
	hull volume create third
	gzip -c tar | hull volume import third
	hull volume import third - <tar
	# From a socket too, which cannot be opened by its name.
	hull volume create fourth
	python3 - "$HULL" tar <<-'END'
		import shutil, socket, subprocess, sys
		ours, theirs = socket.socketpair()
		p = subprocess.Popen([sys.argv[1], "volume", "import", "fourth"], stdin=theirs)
		theirs.close()
		ours.sendall(open(sys.argv[2], "rb").read())
		ours.close()
		sys.exit(p.wait())
	END
	assert_equal "$(tar t <tar | sort)" "$(hull volume export fourth | tar t | sort)"
	assert_equal "$(hull volume export vol | tar t | sort)" "$(hull volume export third | tar t | sort)"
	# A link in the volume leads nowhere else.
	hull run --rm -v third:/x test sh -c 'rm -r /x/deep; ln -s /etc /x/deep'
	run hull volume import third tar
	assert_status 1
	[ ! -e /etc/x ]
	run hull volume import third <<<garbage
	assert_status 1
	for command in export import; do
		run hull volume $command nobody </dev/null
		assert_status 1
		assert_has "no such volume"
	done
	run hull volume export -o none/tar vol
	assert_status 1
	assert_has "cannot create none/tar"
}

# ---------------------------------------------------------------- binds

@test "bind-create-src makes the source" {
	hull run --rm --mount "type=bind,src=$WORK/new/deep,dst=/x,bind-create-src" test touch /x/file
	[ -e new/deep/file ]
}

@test "idmap: what belongs to the owner of the source looks like the user's" {
	need_root
	mkdir host
	touch host/mine host/other
	chown -R 1234:4321 host
	chown 7:8 host/other
	touch host/roots
	run hull run --rm -v "$WORK/host:/x:idmap" test sh -c 'stat -c "%n %u:%g" /x /x/*; touch /x/new'
	assert_equal "/x 0:0
/x/mine 0:0
/x/other 7:8
/x/roots 65534:65534" "$output"
	assert_equal 1234:4321 "$(stat -c %u:%g host/new)"
	run hull run --rm -u user --mount "type=bind,src=$WORK/host,dst=/x,idmap" test sh -c 'stat -c "%u:%g" /x/mine; touch /x/newer; rm /x/new'
	assert_equal 1000:1001 "$output"
	assert_equal 1234:4321 "$(stat -c %u:%g host/newer)"
	[ ! -e host/new ]
	# With maps: as stored, as shown, how many.
	maps='uids=1234-50-1#7-60-1;gids=4321-51-1'
	assert_equal "50:51" "$(hull run --rm -v "$WORK/host:/x:ro,idmap=$maps" test stat -c %u:%g /x/mine)"
	assert_equal "60:65534" "$(hull run --rm --mount "type=bind,src=$WORK/host,dst=/x,idmap=$maps" test stat -c %u:%g /x/other)"
	assert_equal 1234 "$(hull run --rm --mount "type=bind,src=$WORK/host,dst=/x,idmap=false" test stat -c %u /x/mine)"
}

# bats test_tags=fast
@test "idmap: a volume is the user's without chown" {
	need_root
	run hull run --rm -u user -v vol:/x test touch /x/file
	assert_has denied
	hull run --rm -u user -v vol:/x:idmap test touch /x/file
	assert_equal 0:0 "$(stat -c %u:%g "$HULL_ROOT/volumes/vol/_data/file")"
	hull run --rm -u user --mount type=volume,src=other,dst=/x,idmap test touch /x/file
	assert_equal 0:0 "$(stat -c %u:%g "$HULL_ROOT/volumes/other/_data/file")"
}

@test "idmap: what cannot be is refused" {
	need_root
	mkdir host
	for bad in uids=1 uids=1-2 uids=a-b-c uids=1-2-0 uids=1-2-3-4 'uids=0-0-1;uids=1-1-1' uids=-1-0-1 nonsense=1 \
		uids=4294967295-0-1 uids=0-0-4294967296; do
		run hull run --rm -v "$WORK/host:/x:idmap=$bad" test true
		assert_status 125
		assert_has "idmap=$bad: not understood"
	done
	run hull run --rm -v "$WORK/host:/x:idmap=uids=0-0-5#1-1-1" test true
	assert_status 125
	run hull run --rm -v /proc:/x:idmap test true
	assert_status 125
	assert_has "the file system of /proc cannot be idmapped"
	run hull run --rm --mount type=tmpfs,dst=/x,idmap test true
	assert_status 125
}

# ---------------------------------------------------------------- images as mounts

# bats test_tags=fast
@test "--mount type=image: the files of another image, a part of them, and nobody can write" {
	make_image tools
	run hull run --rm --mount type=image,source=tools,target=/tools test \
		sh -c 'cat /tools/data/file; touch /tools/x || touch /tools/data/file || rm /tools/data/file || echo no'
	assert_status 0
	assert_has "from the image"
	assert_line '^no$'
	assert_equal deeper "$(hull run --rm --mount type=image,src=tools,dst=/d,image-subpath=data/sub test cat /d/file)"
	assert_equal "from the image" "$(hull run --rm --mount type=image,src=tools,dst=/f,image-subpath=data/file --read-only test cat /f)"
	# Also for root with all rights, and after a new start with a name that means another image.
	hull create --name cc --privileged --mount type=image,source=tools,target=/tools test \
		sh -c 'mount -o remount,rw /tools 2>/dev/null; touch /tools/x 2>/dev/null || cat /tools/data/file'
	assert_equal "from the image" "$(hull start -a cc)"
	make_image tools 'LABEL new=one'
	assert_equal "from the image" "$(hull start -a cc)"
	assert_equal '["image","tools","/tools",false]' "$(hull inspect cc | jq -c '.[0].Mounts[0] | [.Type, .Source, .Destination, .RW]')"
	assert_equal "from the image" "$(hull cp cc:/tools/data/file - | tar -xO)"
	# Not a change of the container.
	run hull diff cc
	assert_lacks /tools/data
	hull create --name dd --volumes-from cc test true
	assert_equal 0 "$(hull inspect dd | jq '.[0].Mounts | length')"
}

# bats test_tags=fast,same
@test "--mount type=image: an image that is mounted is in use; what is wrong is refused" {
	make_image tools 'LABEL tool=yes'
	id=$(hull image inspect -f '{{.Id}}' tools)
	hull create --name cc --mount type=image,source=tools,target=/tools test cat /tools/data/file
	run hull rmi tools
	assert_status 1
	assert_has "is using its referenced image"
	hull rmi -f tools
	hull image prune -af
	assert_equal "from the image" "$(hull start -a cc)"
	hull rm cc
	hull rmi "$id"
	for bad in 'type=image,target=/x|source is required' 'type=image,src=none,dst=/x|No such image: none' \
		'type=image,src=test,dst=/x,idmap|takes no idmap' 'type=bind,src=/,dst=/x,image-subpath=a|cannot mix' \
		'type=image,src=test,dst=/x,image-subpath=../a|must be a relative path' \
		'type=image,src=test,dst=/x,image-subpath=none|cannot mount none of it'; do
		run hull run --rm --mount "${bad%|*}" test true
		assert_status 125
		assert_has "${bad#*|}"
	done
	assert_equal "" "$(hull ps -aq)"
}

@test "a bind of --mount keeps the owners of its files at every start, idmap what it shows" {
	mkdir host
	chown 1234 host
	hull create --name plain -u user --mount "type=bind,src=$WORK/host,dst=/x" test stat -c %u /x
	assert_equal "1234 1234" "$(hull start -a plain) $(hull start -a plain)"
	run hull create --name mapped -u user --mount "type=bind,src=$WORK/host,dst=/x,idmap" test stat -c %u /x
	run hull start -a mapped
	if [[ $output == *"cannot be idmapped"* ]]; then skip "$output"; fi
	assert_equal "1000 1000" "$output $(hull start -a mapped)"
}
