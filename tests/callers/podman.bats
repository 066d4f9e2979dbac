#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman with conmon, and hull-runtime as its --runtime.

load callers

setup_file() {
	callers_begin podman conmon
	[ -s "$WORK/holder" ] || return 0
	podman_image
}

teardown_file() {
	callers_end
}

setup() {
	need_callers
}

teardown() {
	[ ! -s "$WORK/holder" ] || pod rm -a -f -t 0 >/dev/null 2>&1
	[ ! -s "$WORK/holder" ] || [ -z "$(inside ls /run/hull-runtime 2>/dev/null)" ] ||
		fail "left in the state folder:" "$(inside ls /run/hull-runtime)"
}

pod() {
	inside podman --root "$WORK/root" --runroot "$WORK/run" --tmpdir "$WORK/tmp" --cgroup-manager cgroupfs \
		--events-backend file --runtime "$RUNTIME" "$@"
}

# create and run, in our control group and without a network.
pod_do() {
	local verb=$1
	shift
	pod "$verb" --network none --cgroup-parent "$GROUP" "$@"
}

podman_image() {
	tar -C "$WORK/rootfs" -c . | pod import - test
}

@test "podman run: output, exit status, user, what cannot be executed" {
	capture pod_do run --rm test sh -c 'echo out; id -u; exit 5'
	[ "$status" = 5 ]
	[ "$output" = $'out\n0' ]
	[ "$(pod_do run --rm --user bob test id -u)" = 1000 ]
	[ "$(echo through | pod_do run --rm -i test cat)" = through ]
	capture pod_do run --rm test nosuch
	[ "$status" = 127 ]
	assert_has "executable file not found"
	capture pod_do run --rm test /etc
	[ "$status" = 126 ]
}

@test "podman run -t, --privileged, --read-only, --tmpfs, -v" {
	capture pod_do run --rm -t test sh -c 'tty; ls -l /dev/console'
	[ "$status" = 0 ]
	assert_has /dev/pts/0
	[ "$(pod_do run --rm --privileged test grep CapEff /proc/self/status | cut -f2)" = \
		"$(grep CapBnd /proc/self/status | cut -f2)" ]
	capture pod_do run --rm --read-only --tmpfs /t test sh -c 'touch /t/x && touch /y'
	[ "$status" = 1 ]
	assert_has "Read-only file system"
	mkdir -p "$WORK/volume"
	pod_do run --rm -v "$WORK/volume:/v" test touch /v/made
	[ -e "$WORK/volume/made" ]
}

@test "podman exec: output, user, terminal, exit status" {
	pod_do run -d --name c test sleep 100
	[ "$(pod exec c echo in)" = in ]
	[ "$(pod exec -u bob -w /tmp -e A=b c sh -c 'echo $(id -u) $(pwd) $A')" = "1000 /tmp b" ]
	capture pod exec -t c tty
	assert_has /dev/pts/
	capture pod exec c sh -c 'exit 9'
	[ "$status" = 9 ]
	capture pod exec c nosuch
	[ "$status" = 127 ]
}

@test "podman limits, and update where podman has it" {
	pod_do run -d --name c -m 64m --pids-limit 50 --cpus 0.5 test sleep 100
	local id
	id=$(pod inspect -f '{{.Id}}' c)
	[ "$(group_value "$GROUP/*$id" memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(group_value "$GROUP/*$id" pids.max pids.max)" = 50 ]
	[[ "$(group_value "$GROUP/*$id" cpu.cfs_quota_us cpu.max)" == 50000* ]]
	capture pod_do run --rm -m 16m --memory-swap 16m test sh -c 'head -c 200m /dev/zero | tail'
	[ "$status" = 137 ] || [ "$status" = 1 ]
	! pod update --help >/dev/null 2>&1 || {
		pod update --memory 128m c
		[ "$(group_value "$GROUP/*$id" memory.limit_in_bytes memory.max)" = 134217728 ]
	}
}

@test "podman pause, unpause, stop, start, restart, kill, wait" {
	pod_do run -d --name c test sh -c 'trap "exit 3" TERM; : >/ready; while :; do sleep 0.1; done'
	wait_for 20 pod exec c test -e /ready
	pod pause c
	[ "$(pod inspect -f '{{.State.Status}}' c)" = paused ]
	pod unpause c
	[ "$(pod inspect -f '{{.State.Status}}' c)" = running ]
	pod stop -t 20 c
	[ "$(pod inspect -f '{{.State.Status}} {{.State.ExitCode}}' c)" = "exited 3" ]
	pod start c
	pod kill c
	[ "$(pod wait c)" = 137 ]
	pod start c
	pod restart -t 1 c
	[ "$(pod inspect -f '{{.State.Status}}' c)" = running ]
}

@test "podman pod: shared namespaces; top, logs" {
	# The pod's own container is made from an image that podman would build: ours does as well.
	pod pod create --name p --network none --cgroup-parent "$GROUP" --infra-image test --infra-command '/bin/sleep 100'
	pod run -d --pod p --name one test sh -c 'echo logged; exec sleep 100'
	pod run -d --pod p --name two test sleep 100
	[ "$(pod exec one readlink /proc/self/ns/ipc)" = "$(pod exec two readlink /proc/self/ns/ipc)" ]
	[ "$(pod exec one readlink /proc/self/ns/pid)" != "$(pod exec two readlink /proc/self/ns/pid)" ]
	logged() { [ "$(pod logs one)" = logged ]; }
	wait_for 10 logged
	capture pod top one
	assert_has "sleep 100"
	pod pod rm -f -t 0 p
}

@test "podman healthcheck" {
	pod_do run -d --name c --health-cmd 'test -e /healthy' test sleep 100 2>/dev/null
	capture pod healthcheck run c
	[ "$status" = 1 ]
	pod exec c touch /healthy
	pod healthcheck run c
}

@test "50 in parallel" {
	LIMIT=100
	local i failed=0 pids=()
	for i in $(seq 50); do
		pod_do run --rm test sh -c "exit $i" >/dev/null 2>"$WORK/err$i" &
		pids+=($!)
	done
	for i in $(seq 50); do
		local status=0
		wait "${pids[i - 1]}" || status=$?
		[ "$status" = "$i" ] || { failed=$((failed + 1)); echo "$i: $status: $(cat "$WORK/err$i")"; }
	done
	[ "$failed" = 0 ]
}

@test "buildah run and build by --runtime" {
	command -v buildah >/dev/null || skip "needs buildah"
	printf '#!/bin/sh\necho "$*" >>"%s"\nexec "%s" "$@"\n' "$WORK/asked" "$RUNTIME" >"$WORK/asking"
	chmod 755 "$WORK/asking"
	buildah_do() { # VERB ARGUMENT...
		local verb=$1
		shift
		inside buildah --root "$WORK/root" --runroot "$WORK/run" "$verb" --runtime "$WORK/asking" --isolation oci --network none "$@"
	}
	local box
	box=$(inside buildah --root "$WORK/root" --runroot "$WORK/run" from --pull-never test)
	capture buildah_do run "$box" sh -c 'echo out; touch /made; exit 4'
	[ "$status" = 4 ]
	[[ $output == out* ]] || fail "$output"
	[ "$(buildah_do run --user bob "$box" sh -c 'id -u; ls /made')" = $'1000\n/made' ]
	capture buildah_do run "$box" nosuch
	[ "$status" != 0 ]
	assert_has "executable file not found"
	mkdir "$WORK/context"
	printf 'FROM test\nRUN id -u >/who\nUSER bob\nRUN cat /who && id -u\n' >"$WORK/context/Dockerfile"
	capture buildah_do build --pull-never -t built "$WORK/context"
	[ "$status" = 0 ] || fail "$output"
	assert_has $'\n0\n1000\n'
	[ "$(grep -cE '(^| )create ' "$WORK/asked")" = 5 ] || fail "$(cat "$WORK/asked")"
	[ -z "$(inside ls /run/hull-runtime)" ]
}
