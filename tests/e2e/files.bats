#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cp and export: files between containers, this machine, and tars; running containers and stopped ones.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# A tree with one of each kind in the folder `tree`.
make_tree() {
	mkdir -p tree/sub/deep
	echo content >tree/file
	echo '#!/bin/sh' >tree/sub/deep/script
	chmod 4711 tree/sub/deep/script
	chmod 1777 tree/sub
	ln -s file tree/link
	ln -s /etc/passwd tree/absolute
	ln -s nowhere tree/dangling
	ln tree/file tree/hard
	mkfifo tree/fifo
	mknod tree/device c 1 3
	truncate -s 20M tree/sparse
	echo end >>tree/sparse
	chown -h 1000:2000 tree/file tree/link tree/sub
	setfattr -n user.mark -v value tree/file
	setcap cap_net_raw+ep tree/sub/deep/script
	touch -h -d '2001-02-03 04:05:06.789' tree/file tree/link tree/sub/deep tree
}

# shape FOLDER: everything about a tree that a copy must keep, [OWNERS] or not.
shape() {
	(cd "$1" && find . -printf '%P|%y|%m|%l|%T@|'"${2:+%U:%G}"'|' -exec stat -c '%h %t %T' {} \; | sort
		getfattr -d -m 'user|security' -R . 2>/dev/null
		find . -type f -exec sha256sum {} \; | sort)
}

runner() { hull run -d --name cc "$@" test sh -c 'while :; do sleep 0.1; done' >/dev/null; }

@test "cp: a tree with one of each kind, there and back, with and without its owners" {
	make_tree
	runner
	hull cp -a tree cc:/there
	hull cp -a cc:/there back
	assert_equal "$(shape tree owners)" "$(shape back owners)"
	[ "$(stat -c %b back/sparse)" -lt 1000 ]
	hull cp -q tree cc:/mine
	assert_equal 0:0 "$(hull exec cc stat -c %u:%g /mine/file)"
	hull cp cc:/there mine
	assert_equal "$(shape tree)" "$(shape mine)"
	assert_equal 0:0 "$(stat -c %u:%g mine/file)"
}

@test "cp: what the copy is called, for every kind of source and destination" {
	mkdir -p src/sub there
	echo one >src/one
	echo two >two
	runner
	hull exec cc mkdir /dir
	hull exec cc sh -c 'echo old >/old; ln -s /dir /to-dir; ln -s /old /to-old; ln -s new /to-new'
	hull cp two cc:/new-file
	assert_equal two "$(hull exec cc cat /new-file)"
	hull cp two cc:/dir
	assert_equal two "$(hull exec cc cat /dir/two)"
	hull cp two cc:/old
	hull cp two cc:/to-old
	assert_equal "two /old" "$(hull exec cc sh -c 'echo $(cat /old) $(readlink /to-old)')"
	hull cp src/one cc:/to-dir/
	assert_equal one "$(hull exec cc cat /dir/one)"
	hull cp two cc:to-new
	assert_equal two "$(hull exec cc cat /new)"
	hull cp src cc:/new-dir
	hull cp src cc:/dir
	hull cp src/. cc:/dir
	assert_equal "one sub one sub" "$(hull exec cc sh -c 'echo $(ls /new-dir /dir/src | grep -v :)')"
	hull exec cc test -d /dir/sub
	hull cp cc:/dir/src there
	hull cp cc:/dir/src/. there
	assert_equal "there/one there/src there/src/one there/src/sub there/sub" "$(find there -mindepth 1 | sort | xargs)"
	hull cp cc:/to-old link
	assert_equal /old "$(readlink link)"
	hull cp -L cc:/to-old followed
	assert_equal two "$(cat followed)"
	hull cp cc:/to-dir/ folder
	assert_equal two "$(cat folder/two)"
}

@test "cp: what cannot be is refused with docker's words, and changes nothing" {
	mkdir src
	echo one >src/one
	runner
	while IFS='|' read -r from to words; do
		run hull cp "$from" "$to"
		assert_status 1
		assert_has "$words"
	done <<-END
		cc:/nope|.|Could not find the file /nope in container cc
		nope|cc:/|no such file or directory
		src/one|cc:/nope/|the destination directory must exist
		src/one|cc:/nope/file|Could not find the file
		src|cc:/etc/passwd|cannot copy directory
		src/one/|cc:/|not a directory
		src|nobody:/|No such container
		cc:|x|arguments cannot be empty
	END
	run hull cp src other
	assert_has "must specify at least one container source"
	hull exec cc mkdir -p /there/one
	run hull cp src/. cc:/there
	assert_status 1
	assert_has "cannot overwrite directory with non-directory"
	run hull cp src/one cc:/etc/passwd/x
	assert_status 1
	hull exec cc sh -c 'mkdir -p /real; ln -s real /as'
	mkdir -p also/as
	run hull cp also/. cc:/
	assert_status 1
	assert_has "cannot overwrite non-directory with directory"
	run hull cp - cc:/etc/passwd </dev/null
	assert_status 1
	assert_has "must be a directory"
}

@test "cp: tars on both sides, and from one container to another" {
	make_tree
	runner
	tar -C tree --xattrs --xattrs-include='*' -cf - . | hull cp - cc:/tmp
	assert_equal 1000:2000 "$(hull exec cc stat -c %u:%g /tmp/file)"
	tar -C tree -czf - . | hull cp - cc:/var
	assert_equal content "$(hull exec cc cat /var/hard)"
	hull cp cc:/tmp/sub - >out.tar
	assert_equal "sub/ sub/deep/ sub/deep/script" "$(tar tf out.tar | sort | xargs)"
	hull cp cc:/tmp/. - | tar tf - | grep -qx './file'
	hull create --name dd test true
	hull cp -a cc:/tmp/sub dd:/copied
	hull cp -a dd:/copied back
	assert_equal "$(shape tree/sub owners | sed "s/\.[0-9]*//")" "$(shape back owners | sed "s/\.[0-9]*//")"
	printf garbage | { run hull cp - cc:/tmp; assert_status 1; }
	hull exec cc test -e /tmp/file
}

@test "cp: links and paths of a container lead nowhere else" {
	mkdir -p host/secrets
	echo secret >host/secrets/key
	echo outside >marker
	runner
	hull exec cc sh -c "ln -s $PWD/host /evil; ln -s ../../../../../..$PWD/host /up; mkdir /d; ln -s /proc/1/root /d/root; ln -s $PWD /d/sub; echo fine >/fine"
	run hull cp cc:/evil/secrets/key got
	assert_status 1
	run hull cp cc:/up/secrets/key got
	assert_status 1
	run hull cp cc:/../../../../../..$PWD/marker got
	assert_status 1
	run hull cp marker cc:/evil/secrets/
	assert_status 1
	run hull cp marker cc:/d/sub/marker2
	assert_status 1
	[ ! -e marker2 ] && [ ! -e got ]
	# Links to "..", whose end has no name: at the root they lead to the root.
	hull exec cc sh -c 'ln -s .. /above; ln -s ../.. /d/above; ln -s . /d/here'
	hull cp marker cc:/above
	hull cp marker cc:/d/above
	hull cp marker cc:/d/here
	assert_equal "/d/marker /marker" "$(hull exec cc find / -xdev -name marker | sort | xargs)"
	hull cp -L cc:/above - | tar tf - | grep -qE '(^|/)marker$'
	# A tar whose entries go through what was a link a moment ago.
	mkdir -p bad && ln -s "$PWD/host" bad/x && tar -C bad -cf bad.tar x && rm bad/x
	mkdir bad/x && echo owned >bad/x/owned && tar -C bad -rf bad.tar x/owned
	mkdir target && cp bad.tar target.tar
	hull cp - cc:/d <bad.tar || true
	[ ! -e host/owned ]
	# The same into this machine: a container that swaps a folder for a link while it is copied.
	hull exec -d cc sh -c 'mkdir /swap; while :; do mkdir /swap/x 2>/dev/null && echo 1 >/swap/x/owned; rm -rf /swap/x; ln -s '"$PWD"'/host /swap/x; rm /swap/x; done'
	for _ in $(seq 30); do
		hull cp cc:/swap out 2>/dev/null || true
		rm -rf out
	done
	[ ! -e host/owned ]
	run hull cp cc:/proc/1/root/fine got
	assert_status 1
}

@test "cp: a container that does not run, with its volumes and binds" {
	make_tree
	echo mine >tree/only-here
	hull create --name cc -v vol:/vol -v "$PWD/tree:/bind:ro" test true
	hull cp cc:/bind/only-here got
	assert_equal mine "$(cat got)"
	hull cp got cc:/vol/got
	hull cp got cc:/root-file
	run hull cp got cc:/bind/got
	assert_status 1
	assert_has "mounted volume is marked read-only"
	assert_equal "mine mine" "$(hull run --rm --volumes-from cc test cat /vol/got) $(hull cp cc:/root-file - | tar xOf -)"
	hull start -a cc
	hull cp cc:/root-file - | tar xOf - | grep -q mine
	hull create --name ro --read-only -v vol:/vol test true
	run hull cp got ro:/x
	assert_status 1
	assert_has "container rootfs is marked read-only"
	hull cp got ro:/vol/by-ro
	assert_equal mine "$(hull cp cc:/vol/by-ro - | tar xOf -)"
	assert_equal "" "$(findmnt -rno TARGET | grep "$WORK" || true)"
}

@test "cp: killed half-way leaves no mount, no process, and a container that starts" {
	hull create --name cc -v vol:/vol test true
	truncate -s 100M big
	for i in $(seq 15); do
		hull cp big cc:/big 2>/dev/null &
		nap $((i * 3))
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	wait_for 5 eval "! pgrep -f '$HULL_ROOT' >/dev/null"
	assert_equal 0 "$(hull start -a cc >/dev/null; echo $?)"
}

@test "export: the whole root, without what is mounted into it, running or not" {
	make_tree
	runner -v vol:/vol --tmpfs /scratch
	hull cp -a tree cc:/tree
	hull exec cc sh -c 'echo in >/vol/in; echo in >/scratch/in'
	hull export cc >running.tar
	hull export -o file.tar cc
	hull stop -t 0 cc
	hull export cc >stopped.tar
	for tar in running.tar file.tar stopped.tar; do
		mkdir x
		tar -C x --xattrs --xattrs-include='*' -xf $tar
		assert_equal "$(shape tree owners)" "$(shape x/tree owners)"
		assert_equal "" "$(ls -A x/vol x/proc x/scratch | grep -v : | xargs)"
		[ -x x/bin/busybox ]
		rm -rf x
	done
	hull import - again <stopped.tar
	assert_equal content "$(hull run --rm again cat /tree/file)"
	run hull export -o /nowhere/x cc
	assert_status 1
	run hull export nobody
	assert_status 1
	assert_has "No such container"
}

@test "cp: of a sparse file that grows meanwhile, all that it had is there" {
	command -v strace >/dev/null || skip "no strace"
	hull run -d --name cc test sh -c 'truncate -s 64k /g; while :; do echo xxxxxxxxxxxxxxx >>/g; done' >/dev/null
	wait_for 5 hull exec cc sh -c '[ $(stat -c %s /g) -gt 70000 ]'
	# Between the look at its size and those at its holes.
	strace -f -o /dev/null -e trace=lseek -e inject=lseek:delay_enter=3000 "$HULL" cp cc:/g g 3>&-
	assert_equal "$(yes xxxxxxxxxxxxxxx | head -n 200)" "$(tail -c +65537 g | head -n 200)"
}

# bats test_tags=fast,same
@test "cp: paths of a tar go through links of the container, and nowhere else" {
	mkdir -p tree/{abs,up,new,loop,dangling}
	for folder in tree/*; do echo "${folder#tree/}" >"$folder/file"; done
	runner
	hull create --name dd test true
	hull exec cc sh -c 'mkdir -p /real/deep /dest; cd /dest; ln -s /real abs; ln -s ../../../../../real/deep up; ln -s loop loop; ln -s nowhere dangling'
	hull cp cc:/dest - | hull cp - dd:/
	hull cp cc:/real - | hull cp - dd:/
	for to in cc dd; do
		tar -C tree -c abs/file up/file new/file | hull cp - $to:/dest
		for bad in loop dangling; do
			run hull cp - $to:/dest < <(tar -C tree -c $bad/file)
			assert_status 1
			assert_has "$bad/file"
		done
		run hull cp - $to:/dest < <(tar -C tree -c abs)
		assert_status 1
		assert_has "cannot overwrite non-directory with directory"
		assert_equal new "$(hull cp $to:/dest/new/file - | tar -xO)"
		assert_equal abs "$(hull cp $to:/real/file - | tar -xO)"
		assert_equal up "$(hull cp $to:/real/deep/file - | tar -xO)"
	done
	[ ! -e /real ]
	# On this machine a link is no way.
	mkdir -p here there
	ln -s "$WORK/there" here/abs
	hull exec cc sh -c 'mkdir -p /src/abs; echo x >/src/abs/file'
	run hull cp cc:/src/. here
	assert_status 1
	[ ! -e there/file ]
}

@test "cp and export: of a huge file with holes only what is there is read" {
	runner --tmpfs /t:size=64m
	hull exec cc sh -c 'truncate -s 1024G /huge; echo middle | dd of=/huge bs=1M seek=500000 conv=notrunc 2>/dev/null'
	timeout $((60 * PATIENCE)) "$HULL" cp cc:/huge copy 3>&-
	assert_equal "1099511627776" "$(stat -c %s copy)"
	[ "$(stat -c %b copy)" -lt 1000 ]
	assert_equal middle "$(dd if=copy bs=1M skip=500000 count=1 2>/dev/null | head -c 6)"
	# Others read it.
	mkdir others
	hull cp cc:/huge - | timeout $((60 * PATIENCE)) tar -C others -x
	assert_equal "1099511627776 middle" \
		"$(stat -c %s others/huge) $(dd if=others/huge bs=1M skip=500000 count=1 2>/dev/null | head -c 6)"
	# More pieces than are worth noting; on a tmpfs, as a disk takes its time to remove them.
	pieces=/proc/$(hull inspect -f '{{.State.Pid}}' cc)/root/t/pieces
	python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
for i in range(12000): os.pwrite(fd, b"x", i * 8192)' "$pieces"
	assert_equal "$(sha256sum <"$pieces")" "$(hull cp cc:/t/pieces - | tar -xO | sha256sum)"
}

# bats test_tags=fast,same
@test "export -o: replaces a file, and nothing that is none" {
	hull create --name cc test true
	mknod null c 1 3
	mkfifo fifo
	mkdir folder
	ln -s null link
	for to in null fifo folder link; do
		run hull export -o $to cc
		assert_status 1
		assert_has "cannot create $to"
	done
	[ -c null ] && [ -p fifo ] && [ -L link ]
	echo old >file
	hull export -o file cc
	tar tf file | grep -q bin/busybox
}

@test "export -o: killed when all is written, it leaves nothing" {
	command -v strace >/dev/null || skip "no strace"
	hull create --name cc test true
	mkdir out
	run strace -o /dev/null -e trace=linkat,renameat -e inject=linkat,renameat:signal=KILL "$HULL" export -o out/tar cc 3>&-
	assert_equal "" "$(ls -A out)"
	hull export -o out/tar cc
	assert_equal tar "$(ls -A out)"
}

# bats test_tags=fast,same
@test "diff: what was added, changed and deleted, and nothing else" {
	hull run --name none test true
	assert_equal "" "$(hull diff none)"
	hull create --name cc -v vol:/vol test sh -c 'echo x >>/etc/passwd; mkdir -p /new/deep; echo y >/new/deep/file
		rm /bin/cat; rm -r /var; mkdir /var; echo z >/var/z; echo in >/vol/in; printf x >"/new/a$(printf "\033")b"; sleep 600'
	assert_equal "" "$(hull diff cc | grep -v '^A /vol$')"
	hull start cc
	wait_for 5 hull exec cc test -e /vol/in
	wait_for 5 eval "hull diff cc | grep -q 'A /new/a'"
	hull diff cc >running
	hull stop -t 0 cc
	assert_equal "$(cat running)" "$(hull diff cc)"
	for line in 'C /etc' 'C /etc/passwd' 'A /new' 'A /new/deep' 'A /new/deep/file' 'C /bin' 'D /bin/cat' 'C /var' 'A /var/z'; do
		grep -qxF "$line" running || fail "no line $line in $(cat running)"
	done
	run ! grep -q "/vol/\|/proc\|/dev\|hosts" running
	assert_equal "$(sort -k 2 <running)" "$(cat running)"
	run hull diff nobody
	assert_status 1
	mkdir root && cp -a "$(command -v busybox)" root/sh
	hull create --name plain --rootfs "$PWD/root" /sh true
	run hull diff plain
	assert_status 1
	assert_has "no layer of its own"
}

@test "commit: an image with the container's layer and config, for docker and for a second commit" {
	hull run --name cc -e A=b -w /tmp --label l=1 test sh -c 'echo new >/new; rm /bin/cat; rm -r /var; mkdir /var; echo z >/var/z; ln /new /hard; echo "exit 4" >/entry'
	id=$(hull commit -a "Some One" -m "what it is for" -c 'ENV C=d' -c 'CMD ["sh", "/entry"]' cc made:1)
	[[ "$id" =~ ^sha256:[0-9a-f]{64}$ ]]
	assert_equal "$id" "$(hull image inspect -f '{{.Id}}' made:1)"
	run hull run --rm made:1
	assert_status 4
	assert_equal "b d /tmp new z" "$(hull run --rm made:1 sh -c 'echo $A $C $PWD $(busybox cat /new) $(ls /var)')"
	run -127 hull run --rm made:1 cat /new
	assert_status 127
	assert_equal 2 "$(hull run --rm made:1 stat -c %h /hard)"
	assert_equal "Some One what it is for" "$(hull image inspect -f '{{.Author}}' made:1) $(hull history --no-trunc --format '{{.Comment}}' made:1 | head -n 1)"
	layers=$(hull image inspect -f '{{len .RootFS.Layers}}' test)
	assert_equal $((layers + 1)) "$(hull image inspect -f '{{len .RootFS.Layers}}' made:1)"
	# Upon that one, from a container that runs, and from one that changed nothing.
	hull run -d --name dd made:1 sh -c 'echo more >/more; sleep 600'
	wait_for 5 hull exec dd test -s /more
	hull commit dd made:2
	assert_equal running "$(status_of dd)"
	assert_equal "new more" "$(hull run --rm made:2 sh -c 'echo $(busybox cat /new /more)')"
	hull create --name ee test true
	hull commit -p=false ee
	hull rm -f cc dd ee
	hull rmi made:1 made:2
	run hull commit nobody
	assert_status 1
	hull create --name ff test true
	run hull commit ff "Not:A/name"
	assert_status 1
	assert_has "invalid reference format"
	run hull commit -c 'RUN x' ff
	assert_status 1
	hull run --name gg test touch /tmp/.wh..wh..opq
	run hull commit gg
	assert_status 1
	assert_has 'entry "tmp/.wh..wh..opq": in a layer its name would hide others'
	hull run --rm test true
}

@test "commit: killed half-way leaves a container that runs" {
	runner
	hull exec cc dd if=/dev/zero of=/big bs=1M count=100 2>/dev/null
	for signal in TERM KILL INT; do
		(trap - INT; exec "$HULL" commit cc half 3>&-) >/dev/null 2>&1 &
		wait_for 5 eval "has_status cc paused || ! kill -0 $!"
		kill -$signal $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		wait_for 5 has_status cc running
	done
	wait_for 5 eval "! pgrep -f -- '$HULL_ROOT.*unpause' >/dev/null"
}
