#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman, containerd and dockerd with control groups by systemd. They are not shut in here, since systemd must
# see their processes: in a second kernel only, run-in-vm --systemd -- bats tests/callers/systemd.bats

load callers

setup_file() {
	[ -n "${RUN_IN_VM-}" ] && [ -S /run/systemd/private ] || return 0
	callers_root podman conmon || return 0
	touch "$WORK/ready"
}

setup() {
	[ -e "$WORK/ready" ] || skip "needs a second kernel with systemd as its first process"
}

# The unit has these properties, and then is gone: unit_is NAME PROPERTY=VALUE...
unit_is() {
	local name=$1 pair
	shift
	for pair; do
		[ "$(systemctl show -p "${pair%%=*}" "$name")" = "$pair" ] ||
			fail "not $pair:" "$(systemctl show -p "${pair%%=*}" "$name")"
	done
}

@test "podman --cgroup-manager systemd" {
	pod() {
		timeout 200 podman --root "$WORK/root" --runroot "$WORK/run" --tmpdir "$WORK/tmp" \
			--cgroup-manager systemd --events-backend file --runtime "$RUNTIME" "$@" 3>&-
	}
	local id
	tar -C "$WORK/rootfs" -c . | pod import - test
	id=$(pod run -d --network none --memory 64m --pids-limit 55 test sleep 100)
	unit_is "libpod-$id.scope" ActiveState=active Slice=machine.slice MemoryMax=67108864 TasksMax=55
	[ "$(pod exec "$id" echo in)" = in ]
	pod rm -f -t 0 "$id"
	unit_is "libpod-$id.scope" ActiveState=inactive
}

@test "podman of an ordinary user, with his own systemd" {
	local me=54321 id home group
	useradd --create-home --uid $me me
	home=$(getent passwd me | cut -d: -f6)
	cp "$RUNTIME" "$home/hull-runtime"
	systemctl start user@$me.service
	pod() {
		cd "$home" && timeout 300 setpriv --reuid $me --regid $me --clear-groups env -i PATH="$PATH" LC_ALL=C.UTF-8 \
			HOME="$home" XDG_RUNTIME_DIR=/run/user/$me podman --storage-driver vfs --cgroup-manager systemd \
			--events-backend file --runtime "$home/hull-runtime" "$@" 3>&-
	}
	tar -C "$WORK/rootfs" -c . | pod import - test
	id=$(pod run -d --network none --memory 64m test sleep 100)
	group=/sys/fs/cgroup/user.slice/user-$me.slice/user@$me.service/user.slice/libpod-$id.scope
	[ "$(cat "$group/memory.max")" = 67108864 ]
	[ "$(pod exec "$id" echo in)" = in ]
	pod rm -f -t 0 "$id"
	[ ! -e "$group" ]
	systemctl stop user@$me.service
}

@test "containerd: ctr run --runc-systemd-cgroup" {
	command -v ctr >/dev/null || skip "needs containerd"
	mkdir -p "$WORK/containerd"
	printf 'version = 2\nroot = "%s"\nstate = "/run/containerd"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' \
		"$WORK/containerd" >"$WORK/config.toml"
	containerd --config "$WORK/config.toml" >"$WORK/containerd.log" 2>&1 3>&- &
	local daemon=$!
	wait_for 120 timeout 20 ctr version
	ctr run -d --runc-binary "$RUNTIME" --runc-systemd-cgroup --cgroup hulltest.slice:ctr:c1 \
		--memory-limit 67108864 --rootfs "$WORK/rootfs" c1 sleep 100 3>&-
	unit_is ctr-c1.scope ActiveState=active Slice=hulltest.slice MemoryMax=67108864
	[ "$(ctr tasks exec --exec-id e1 c1 echo in)" = in ]
	ctr tasks rm -f c1
	unit_is ctr-c1.scope ActiveState=inactive
	ctr containers rm c1
	kill $daemon
	wait $daemon || true
}

@test "dockerd --exec-opt native.cgroupdriver=systemd" {
	command -v dockerd >/dev/null || skip "needs dockerd"
	cat >"$WORK/daemon.json" <<-END
		{"runtimes": {"hull": {"path": "$RUNTIME"}}, "default-runtime": "hull", "data-root": "$WORK/docker",
		 "storage-driver": "vfs", "bridge": "none", "iptables": false, "ip-forward": false,
		 "exec-opts": ["native.cgroupdriver=systemd"]}
	END
	dockerd --config-file "$WORK/daemon.json" >"$WORK/dockerd.log" 2>&1 3>&- &
	local daemon=$! id
	wait_for 400 timeout 100 docker version || fail "$(tail -n 20 "$WORK/dockerd.log")"
	tar -C "$WORK/rootfs" -c . | docker import - test
	id=$(docker run -d --security-opt apparmor=unconfined --network none -m 64m test sleep 100)
	unit_is "docker-$id.scope" ActiveState=active Slice=system.slice MemoryMax=67108864
	docker update -m 128m --memory-swap -1 "$id"
	unit_is "docker-$id.scope" MemoryMax=134217728
	docker rm -f "$id"
	unit_is "docker-$id.scope" ActiveState=inactive
	kill $daemon
	wait $daemon || true
}
