#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# dockerd with a "runtimes" entry for hull-runtime, which is its default as well (swarm knows no other).

load callers

setup_file() {
	callers_begin dockerd docker containerd
	[ -s "$WORK/holder" ] || return 0
	cat >"$WORK/daemon.json" <<-END
		{"runtimes": {"hull": {"path": "$RUNTIME"}}, "default-runtime": "hull",
		 "data-root": "$WORK/docker", "exec-root": "/run/docker", "pidfile": "/run/docker.pid",
		 "hosts": ["unix:///run/docker.sock"], "bridge": "none", "iptables": false, "ip-forward": false,
		 "cgroup-parent": "$GROUP", "exec-opts": ["native.cgroupdriver=cgroupfs"]}
	END
	daemon dockerd dockerd --config-file "$WORK/daemon.json"
	wait_for 60 inside docker version
	tar -C "$WORK/rootfs" -c . | d import - test
}

teardown_file() {
	callers_end
}

setup() {
	need_callers
	wait_for 30 inside docker version || { tail -n 20 "$WORK/dockerd.log"; return 1; }
}

teardown() {
	local ids
	[ -s "$WORK/holder" ] || return 0
	ids=$(d ps -aq)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || d rm -f $ids >/dev/null
	[ -z "$(inside find /run/docker/runtime-hull /run/docker/containerd -path '*moby*' -name record 2>/dev/null)" ]
}

d() {
	inside docker "$@"
}

d_run() {
	d run --network none "$@"
}

@test "archives: hull's in docker, and docker's in hull, are the same image" {
	local hull="${RUNTIME%/*}/hull --root $WORK/hull --runroot $WORK/hull-run" id
	tar -C "$WORK/rootfs" -c . | $hull import -c 'ENV A=b' - base
	printf '%s\n' 'FROM base' 'COPY docker.bats /x' 'LABEL a=b' >"$WORK/Dockerfile"
	$hull build -q -f "$WORK/Dockerfile" -t two "$BATS_TEST_DIRNAME"
	$hull save -o "$WORK/hull.tar" two
	id=$($hull images -q --no-trunc two)
	d load <"$WORK/hull.tar"
	[ "$(d images -q --no-trunc two)" = "$id" ]
	d save two >"$WORK/docker.tar"
	$hull --root "$WORK/hull2" load -q -i "$WORK/docker.tar"
	[ "$($hull --root "$WORK/hull2" images -q --no-trunc two)" = "$id" ]
	d rmi two
	rm -rf "$WORK/hull" "$WORK/hull2" "$WORK/hull-run"
}

@test "docker info: the runtime is known" {
	[ "$(d info -f '{{.DefaultRuntime}}')" = hull ]
	[ "$(d info -f '{{index .Runtimes "hull" | printf "%v"}}' | grep -c hull-runtime)" = 1 ]
}

@test "docker run: output, exit status, user, terminal, what cannot be executed" {
	capture d_run --rm test sh -c 'echo out; id -u; echo $HOME; exit 5'
	[ "$status" = 5 ]
	[ "$output" = $'out\n0\n/root' ]
	[ "$(d_run --rm -u bob test sh -c 'id -u; echo $HOME' | xargs)" = "1000 /home/bob" ]
	[ "$(echo through | d_run --rm -i test cat)" = through ]
	capture inside script -qec "docker run --network none --rm -t test tty" /dev/null
	assert_has /dev/pts/0
	capture d_run --rm test nosuch
	[ "$status" = 127 ]
	assert_has "executable file not found"
	capture d_run --rm test /etc
	[ "$status" = 126 ]
}

@test "docker exec: output, user, exit status, what cannot be executed" {
	d_run -d --name c1 test sleep 100
	[ "$(d exec c1 echo in)" = in ]
	[ "$(d exec -u bob -w /tmp -e A=b c1 sh -c 'echo $(id -u) $(pwd) $A')" = "1000 /tmp b" ]
	capture d exec c1 sh -c 'exit 9'
	[ "$status" = 9 ]
	capture d exec c1 nosuch
	[ "$status" = 127 ] || [ "$status" = 126 ]
	capture inside script -qec "docker exec -t c1 tty" /dev/null
	assert_has /dev/pts/
}

@test "docker limits, update, stats, top" {
	d_run -d --name c1 -m 64m --pids-limit 50 --cpus 0.5 test sleep 100
	local id
	id=$(d inspect -f '{{.Id}}' c1)
	[ "$(group_value "$GROUP/*$id" memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(group_value "$GROUP/*$id" pids.max pids.max)" = 50 ]
	d update --memory 128m --memory-swap 256m --pids-limit 60 c1
	[ "$(group_value "$GROUP/*$id" memory.limit_in_bytes memory.max)" = 134217728 ]
	[ "$(group_value "$GROUP/*$id" pids.max pids.max)" = 60 ]
	capture d stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c1
	assert_has "c1 1 "
	assert_has "128MiB"
	capture d top c1
	assert_has "sleep 100"
	capture d_run --rm -m 16m --memory-swap 16m test sh -c 'head -c 200m /dev/zero | tail'
	[ "$status" != 0 ]
}

@test "docker pause, unpause, stop, start, restart, kill" {
	d_run -d --name c1 test sh -c 'trap "exit 3" TERM; : >/ready; while :; do sleep 0.1; done'
	wait_for 20 d exec c1 test -e /ready
	d pause c1
	[ "$(d inspect -f '{{.State.Status}}' c1)" = paused ]
	d unpause c1
	d stop -t 20 c1
	[ "$(d inspect -f '{{.State.Status}} {{.State.ExitCode}}' c1)" = "exited 3" ]
	d start c1
	d restart -t 1 c1
	[ "$(d inspect -f '{{.State.Status}}' c1)" = running ]
	d kill c1
	[ "$(d inspect -f '{{.State.ExitCode}}' c1)" = 137 ]
	# A restart policy.
	d_run -d --name r1 --restart on-failure:2 test sh -c 'exit 1'
	wait_for 20 sh -c '[ "$(nsenter -t "$1" -p -m -n -- docker inspect -f "{{.RestartCount}} {{.State.Running}}" r1)" = "2 false" ]' \
		sh "$(cat "$WORK/holder")"
}

@test "docker run --privileged, --read-only, --cap-drop, --security-opt, --device, --tmpfs, -v" {
	capture d_run --rm --privileged test grep CapEff /proc/self/status
	((0x${output##*0000} >> 21 & 1)) || fail "no CAP_SYS_ADMIN" "$output"
	[ "$(d_run --rm --cap-drop ALL test grep CapEff /proc/self/status | cut -f2)" = 0000000000000000 ]
	[ "$(d_run --rm test grep Seccomp: /proc/self/status | cut -f2)" = 2 ]
	[ "$(d_run --rm --security-opt no-new-privileges test grep NoNewPrivs /proc/self/status | cut -f2)" = 1 ]
	capture d_run --rm --read-only --tmpfs /t test sh -c 'touch /t/x && touch /y'
	assert_has "Read-only file system"
	d_run --rm --device /dev/loop-control test ls /dev/loop-control
	mkdir -p "$WORK/volume"
	d_run --rm -v "$WORK/volume:/v" test touch /v/made
	[ -e "$WORK/volume/made" ]
	[ "$(d_run --rm --pid host test sh -c 'cat /proc/1/comm')" = hull-init ]
}

@test "10 in parallel" {
	LIMIT=100
	local i failed=0 pids=()
	for i in $(seq 10); do
		d_run --rm test sh -c "exit $i" >/dev/null 2>"$WORK/err$i" &
		pids+=($!)
	done
	for i in $(seq 10); do
		local status=0
		wait "${pids[i - 1]}" || status=$?
		[ "$status" = "$i" ] || { failed=$((failed + 1)); echo "$i: $status: $(cat "$WORK/err$i")"; }
	done
	[ "$failed" = 0 ]
}

replicas_run() {
	[ "$(d service ls --format '{{.Replicas}}')" = "$1/$1" ]
}

@test "docker swarm: a service of three replicas, scaled and removed" {
	capture d swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1
	[ "$status" = 0 ] || skip "no swarm here: $output"
	capture d service create --detach --name s1 --replicas 3 --no-resolve-image test sleep 1000
	[ "$status" = 0 ] || skip "no service: $output"
	wait_for 60 replicas_run 3
	[ "$(d ps -q | wc -l)" = 3 ]
	d service scale --detach s1=1
	wait_for 60 replicas_run 1
	d service rm s1
	d swarm leave --force
}
