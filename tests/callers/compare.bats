#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld beside dockerd: the same calls, answer by answer.

load callers

setup_file() {
	callers_begin dockerd containerd python3
	[ -s "$WORK/holder" ] || return 0
	cat >"$WORK/daemon.json" <<-END
		{"data-root": "$WORK/docker", "exec-root": "/run/docker", "pidfile": "/run/docker.pid",
		 "hosts": ["unix:///run/docker.sock"], "bridge": "none", "iptables": false, "ip-forward": false,
		 "cgroup-parent": "$GROUP", "exec-opts": ["native.cgroupdriver=cgroupfs"]}
	END
	daemon dockerd dockerd --config-file "$WORK/daemon.json"
	daemon hulld env HULL_NETWORK=none "$HULL_BIN_DIR/hulld" --root "$WORK/hull" --runroot "$WORK/hull-run" --host unix:///run/hulld.sock
	wait_for 60 inside docker -H unix:///run/docker.sock version
	wait_for 20 inside docker -H unix:///run/hulld.sock version
	for name in docker hulld; do
		tar -C "$WORK/rootfs" -c . | inside docker -H "unix:///run/$name.sock" import - test
	done
}

teardown_file() { callers_end; }
setup() { need_callers; }

@test "hulld answers as dockerd does, but for what the list names" {
	LIMIT=200 inside python3 "$BATS_TEST_DIRNAME/compare.py" /run/docker.sock /run/hulld.sock
}
