#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman of an ordinary user, who has an account and ids to give away in these namespaces only, and
# hull-runtime as its --runtime. Without rights over control groups, and without a network.

load callers

readonly ME=54321

setup_file() {
	callers_begin podman conmon setpriv newuidmap
	[ -s "$WORK/holder" ] || return 0
	HOME_OF_ME=$(mktemp -d "${TMPDIR:-/tmp}/hull-podman.XXXXXX")
	export HOME_OF_ME
	{ cat /etc/passwd; echo "me:x:$ME:$ME::$HOME_OF_ME:/bin/sh"; } >"$WORK/passwd"
	{ cat /etc/group; echo "me:x:$ME:"; } >"$WORK/group"
	echo "me:5400000:65536" >"$WORK/subuid"
	cp "$WORK/subuid" "$WORK/subgid"
	local name
	for name in passwd group subuid subgid; do
		inside mount --bind "$WORK/$name" /etc/$name || return 1
	done
	mkdir -m 700 "$HOME_OF_ME/run"
	cp "$RUNTIME" "$HOME_OF_ME/hull-runtime"
	chown -R $ME:$ME "$HOME_OF_ME"
	tar -C "$WORK/rootfs" -c . | pod import - test
}

teardown_file() {
	callers_end
	[ -z "${HOME_OF_ME-}" ] || rm -rf --one-file-system "$HOME_OF_ME"
}

setup() {
	need_callers
}

teardown() {
	[ ! -s "$WORK/holder" ] || pod rm -a -f -t 0 >/dev/null 2>&1
	[ ! -s "$WORK/holder" ] || [ -z "$(ls "$HOME_OF_ME/run/hull-runtime" 2>/dev/null)" ] ||
		fail "left in the state folder:" "$(ls "$HOME_OF_ME/run/hull-runtime")"
}

pod() {
	inside sh -c 'cd "$1" && shift && exec "$@"' sh "$HOME_OF_ME" setpriv --reuid $ME --regid $ME --clear-groups \
		env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME="$HOME_OF_ME" XDG_RUNTIME_DIR="$HOME_OF_ME/run" \
		podman --storage-driver vfs --cgroup-manager cgroupfs --events-backend file --log-level error \
		--runtime "$HOME_OF_ME/hull-runtime" "$@"
}

@test "podman of a user: run, exit status, users, input, a terminal" {
	capture pod run --rm --network none test sh -c 'id -u; exit 5'
	[ "$status" = 5 ] || fail "$output"
	[ "$output" = 0 ]
	[ "$(pod run --rm --network none --user bob test id -u)" = 1000 ]
	[ "$(pod run --rm --network none --userns keep-id test id -u)" = $ME ]
	[ "$(echo through | pod run --rm -i --network none test cat)" = through ]
	capture pod run --rm -t --network none test tty
	assert_has /dev/pts/0
	capture pod run --rm --network none test nosuch
	[ "$status" = 127 ] || fail "$output"
}

@test "podman of a user: detached, exec, kill, stop" {
	pod run -d --name c --network none test sleep 100
	[ "$(pod exec c id -u)" = 0 ]
	[ "$(pod exec --user bob c id -u)" = 1000 ]
	[ "$(pod exec -e A=b c sh -c 'echo $A')" = b ]
	capture pod exec c sh -c 'exit 7'
	[ "$status" = 7 ] || fail "$output"
	capture pod exec -t c tty
	assert_has /dev/pts/
	[ "$(pod inspect -f '{{.State.Status}}' c)" = running ]
	pod kill -s KILL c
	pod wait c
	pod start c
	pod stop -t 0 c
	[ "$(pod inspect -f '{{.State.Status}}' c)" = exited ]
}

@test "podman of a user: a pod that shares its processes" {
	pod pod create --name p --network none --share ipc,uts,pid --infra-image test --infra-command '/bin/sleep 100'
	pod run -d --pod p --network none --name one test sleep 101
	pod run -d --pod p --network none --name two test sleep 102
	[ "$(pod exec one readlink /proc/self/ns/pid)" = "$(pod exec two readlink /proc/self/ns/pid)" ]
	capture pod exec two ps -o args
	assert_has "sleep 101"
	pod pod rm -f -t 0 p
}

@test "podman of a user: folders, a read-only root, what he must not read" {
	mkdir "$HOME_OF_ME/data" && echo hello >"$HOME_OF_ME/data/file" && chown -R $ME:$ME "$HOME_OF_ME/data"
	[ "$(pod run --rm --network none -v "$HOME_OF_ME/data:/data:ro" --read-only --tmpfs /tmp test \
		sh -c 'cat /data/file; touch /data/x /x 2>/dev/null; touch /tmp/x && ls /tmp')" = $'hello\nx' ]
	[ ! -e "$HOME_OF_ME/data/x" ]
	mkdir -m 700 "$HOME_OF_ME/secret" && echo secret >"$HOME_OF_ME/secret/file"
	capture pod run --rm --network none -v "$HOME_OF_ME:/data" test cat /data/secret/file
	[ "$status" != 0 ]
	[[ "$output" != secret ]]
}
