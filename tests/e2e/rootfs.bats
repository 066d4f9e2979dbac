#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run --rootfs: a folder instead of an image, and DIR:O with a throw-away layer over it.

load lib

setup() {
	hull_setup
	cp -a "$ROOTFS" "$WORK/tree"
}
teardown() { hull_teardown; }

# bats test_tags=fast,same
@test "--rootfs DIR: the command runs in it, and writes to it" {
	run hull run --rm --rootfs "$WORK/tree" sh -c 'echo here >/written; cat /data/file'
	assert_status 0
	assert_equal "from the image" "$output"
	assert_equal here "$(cat tree/written)"
}

# bats test_tags=fast,same
@test "--rootfs DIR:O: changes are thrown away, the folder stays as it was" {
	before=$(find tree -printf '%p %m %T@\n' | sort | md5sum)
	run hull run --rm --rootfs "$WORK/tree:O" sh -c 'echo x >/data/file; rm /etc/group; cat /data/file'
	assert_equal x "$output"
	assert_equal "$before" "$(find tree -printf '%p %m %T@\n' | sort | md5sum)"
}

@test "--rootfs DIR:O: two at once do not see each other; start again sees its own" {
	hull run -d --name aa --rootfs "$WORK/tree:O" sh -c 'echo aa >>/mark; sleep 600'
	hull run -d --name bb --rootfs "$WORK/tree:O" sh -c 'sleep 600'
	wait_for 5 hull exec aa test -e /mark
	run hull exec bb test -e /mark
	assert_status 1
}

@test "--rootfs /:O: a copy of this machine to play in" {
	need_root
	run hull run --rm --rootfs /:O sh -c 'rm -f /etc/passwd; test ! -e /etc/passwd; echo $?; cat /proc/1/comm; ls /usr/bin | wc -l'
	assert_status 0
	assert_equal 0 "${lines[0]}"
	[ "${lines[2]}" -gt 50 ]
	[ -e /etc/passwd ]
}

@test "--rootfs: what is no folder is refused by its name" {
	run hull run --rm --rootfs "$WORK/none" true
	assert_status 125
	assert_has "$WORK/none"
	run hull run --rm --rootfs "$WORK/tree/etc/passwd" true
	assert_status 125
	run hull run --rm --rootfs relative/none true
	assert_status 125
}

@test "--rootfs /: refused, with the way that is meant" {
	for dir in / "$WORK/tree/../../../../../../.." /.; do
		run hull run --rm --rootfs "$dir" true
		assert_status 125
		assert_has "is this machine's own root"
		assert_has "--rootfs /:O"
	done
}

@test "-w: a link in the root is followed below it; one that leads nowhere is named" {
	mkdir "$WORK/tree/real"
	ln -s /real "$WORK/tree/good"
	ln -s ../../../../real "$WORK/tree/up"
	ln -s /nowhere "$WORK/tree/dangling"
	ln -s circle "$WORK/tree/circle"
	assert_equal /real "$(hull run --rm --rootfs "$WORK/tree" -w /good pwd)"
	assert_equal /real "$(hull run --rm --rootfs "$WORK/tree" -w /up pwd)"
	hull run -d --name cc --rootfs "$WORK/tree" sleep 60
	local dir code
	while read -r dir code; do
		run hull run --rm --rootfs "$WORK/tree" -w "$dir" pwd
		assert_status 125
		run hull exec -w "$dir" cc pwd
		assert_status "$code"
		case $dir in
		/dangling*) assert_has "/dangling is a symbolic link to /nowhere, which does not exist" ;;
		/circle) assert_has "lead in a circle" ;;
		*) assert_has "is a file" ;;
		esac
	done <<-'END'
		/dangling 127
		/dangling/x 127
		/circle 126
		/data/file 127
		/data/file/x 127
	END
	[ ! -e "$WORK/tree/nowhere" ]
}

@test "--rootfs: read-only, users and limits as with an image" {
	run hull run --rm --read-only --rootfs "$WORK/tree" touch /x
	assert_status 1
	assert_equal 1000 "$(hull run --rm -u user --rootfs "$WORK/tree" id -u)"
	[ ! -e tree/x ]
}
