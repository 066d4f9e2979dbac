#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman and containerd have containers checkpointed and restored by hull-runtime, where criu works: in a second
# kernel, since Debian's criu is too old for new ones (run-in-vm -- bats tests/callers/checkpoint.bats).

load callers

setup_file() {
	if criu check >/dev/null 2>&1; then callers_begin podman conmon containerd ctr criu; fi
}

teardown_file() {
	[ -z "${WORK-}" ] || callers_end
}

setup() {
	command -v criu >/dev/null || skip "needs criu"
	[ -n "${WORK-}" ] || skip "criu does not work with this kernel: $(criu check 2>&1 | head -n 1)"
	need_callers
	LIMIT=300
	command='i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.1; done'
}

pod() {
	inside podman --root "$WORK/root" --runroot "$WORK/run" --tmpdir "$WORK/tmp" --cgroup-manager cgroupfs \
		--events-backend file --runtime "$RUNTIME" "$@"
}

c() {
	inside ctr -a /run/containerd.sock "$@"
}

# above NUMBER COMMAND...: the number that it prints is above that.
above() {
	local n=$1
	shift
	[ "$("$@")" -gt "$n" ]
}

@test "podman container checkpoint, restore, --export and --import" {
	local id seen
	tar -C "$WORK/rootfs" -c . | pod import - test
	id=$(pod run -d --network none --cgroup-parent "$GROUP" test sh -c "$command")
	wait_for 100 pod exec "$id" test -s /count
	seen=$(pod exec "$id" cat /count)
	pod container checkpoint "$id"
	[ "$(pod inspect -f '{{.State.Status}}' "$id")" = exited ]
	pod container restore "$id"
	wait_for 100 above "$seen" pod exec "$id" cat /count
	pod container checkpoint --leave-running --export "$WORK/c.tar" "$id"
	seen=$(pod exec "$id" cat /count)
	wait_for 100 above "$seen" pod exec "$id" cat /count
	pod rm -f -t 0 "$id"
	pod container restore --import "$WORK/c.tar" --name other
	[ "$(pod exec other cat /count)" -lt 100000 ]
	pod rm -f -t 0 other
	[ -z "$(inside ls /run/hull-runtime)" ]
}

@test "ctr: tasks checkpoint, containers checkpoint and restore --live" {
	local seen
	tar -C "$WORK/rootfs" -c . | pod import - test
	pod save -o "$WORK/image.tar" test
	mkdir -p "$WORK/containerd"
	printf 'version = 2\nroot = "%s"\nstate = "/run/containerd"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' \
		"$WORK/containerd" >"$WORK/config.toml"
	daemon containerd containerd --config "$WORK/config.toml" --address /run/containerd.sock
	wait_for 100 c version
	c images import "$WORK/image.tar"
	c run -d --runc-binary "$RUNTIME" --cgroup "$GROUP/ctr" localhost/test:latest c1 sh -c "$command"
	wait_for 100 c tasks exec --exec-id e1 c1 test -s /count
	c tasks checkpoint --image-path "$WORK/images" c1
	[ -s "$WORK/images/inventory.img" ]
	c containers checkpoint --rw --image --task c1 example.com/c1:1
	c tasks rm -f c1
	c containers rm c1
	c containers restore --rw --live c2 example.com/c1:1
	seen=$(c tasks exec --exec-id e2 c2 cat /count)
	wait_for 100 above "$seen" c tasks exec --exec-id e$RANDOM c2 cat /count
	c tasks checkpoint --exit --image-path "$WORK/again" c2
	c tasks rm -f c2
	c containers rm c2
}
