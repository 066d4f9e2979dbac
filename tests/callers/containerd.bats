#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# containerd with ctr, and hull-runtime as its --runc-binary.

load callers

setup_file() {
	callers_begin containerd ctr containerd-shim-runc-v2
	[ -s "$WORK/holder" ] || return 0
	mkdir -p "$WORK/containerd"
	cat >"$WORK/config.toml" <<-END
		version = 2
		root = "$WORK/containerd"
		state = "/run/containerd"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "/run/containerd.sock"
	END
	daemon containerd containerd --config "$WORK/config.toml"
	wait_for 30 inside ctr -a /run/containerd.sock version
}

teardown_file() {
	callers_end
}

setup() {
	need_callers
}

teardown() {
	local id
	[ -s "$WORK/holder" ] || return 0
	for id in $(c tasks ls -q); do c tasks rm -f "$id"; done >/dev/null 2>&1
	for id in $(c containers ls -q); do c containers rm "$id"; done >/dev/null 2>&1
	[ -z "$(inside find /run/containerd/runc -mindepth 2 2>/dev/null)" ]
}

c() {
	inside ctr -a /run/containerd.sock "$@"
}

# c_run [OPTION...] ID COMMAND...
c_run() {
	c run --runc-binary "$RUNTIME" --runc-root /run/containerd/runc --cgroup "$GROUP/ctr-$BATS_TEST_NUMBER" \
		--rootfs "$@"
}

@test "ctr run: output, exit status, terminal, what cannot be executed" {
	capture c_run --rm "$WORK/rootfs" r1 sh -c 'echo out; exit 5'
	[ "$status" = 5 ]
	[ "$output" = out ]
	capture inside script -qec "ctr -a /run/containerd.sock run --runc-binary $RUNTIME --cgroup $GROUP/tty \
		--rootfs --rm -t $WORK/rootfs r2 tty" /dev/null
	assert_has /dev/pts/0
	capture c_run --rm "$WORK/rootfs" r3 nosuch
	[ "$status" != 0 ]
	assert_has "executable file not found"
}

@test "ctr tasks: exec, ps, pause, resume, metrics, kill" {
	c_run -d "$WORK/rootfs" c1 sleep 100
	[ "$(c tasks exec --exec-id e1 c1 echo in)" = in ]
	capture c tasks exec --exec-id e2 c1 sh -c 'exit 9'
	[ "$status" = 9 ]
	capture c tasks exec --exec-id e3 c1 nosuch
	assert_has "executable file not found"
	capture c tasks ps c1
	[ "$(wc -l <<<"$output")" = 2 ]
	c tasks pause c1
	capture c tasks ls
	assert_has PAUSED
	c tasks resume c1
	capture c tasks ls
	assert_has RUNNING
	capture c tasks metrics c1
	[ "$status" = 0 ]
	assert_has c1
	c tasks kill -s KILL c1
	wait_for 10 sh -c 'nsenter -t "$1" -p -m -n -- ctr -a /run/containerd.sock tasks ls | grep STOPPED' sh \
		"$(cat "$WORK/holder")"
	capture c tasks kill -s KILL c1
	[ "$status" != 0 ]
	c tasks rm c1
}

@test "ctr run: limits, seccomp and privileges" {
	c_run -d --memory-limit 67108864 --seccomp "$WORK/rootfs" c1 sleep 100
	[ "$(group_value "$GROUP/ctr-$BATS_TEST_NUMBER" memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(c tasks exec --exec-id e1 c1 grep Seccomp: /proc/self/status | cut -f2)" = 2 ]
	c tasks rm -f c1
	[ "$(c_run --rm --privileged "$WORK/rootfs" c2 grep CapEff /proc/self/status | cut -f2)" = \
		"$(grep CapBnd /proc/self/status | cut -f2)" ]
}

@test "ctr: a killed shim's container can be removed" {
	c_run -d "$WORK/rootfs" c1 sleep 100
	local shim
	shim=$(inside pgrep -f 'containerd-shim-runc-v2.*-id c1')
	inside kill -KILL "$shim"
	wait_for 15 sh -c '! nsenter -t "$1" -p -m -n -- ctr -a /run/containerd.sock tasks ls -q | grep c1' sh \
		"$(cat "$WORK/holder")" || c tasks rm -f c1
}

@test "20 in parallel" {
	LIMIT=100
	local i failed=0 pids=()
	for i in $(seq 20); do
		c run --runc-binary "$RUNTIME" --cgroup "$GROUP/many$i" --rm --rootfs "$WORK/rootfs" "m$i" \
			sh -c "exit $i" >/dev/null 2>"$WORK/err$i" &
		pids+=($!)
	done
	for i in $(seq 20); do
		local status=0
		wait "${pids[i - 1]}" || status=$?
		[ "$status" = "$i" ] || { failed=$((failed + 1)); echo "$i: $status: $(cat "$WORK/err$i")"; }
	done
	[ "$failed" = 0 ]
}

# cri METHOD [REQUEST]: as a kubelet asks it.
cri() {
	inside /usr/bin/python3 "$BATS_TEST_DIRNAME/cri.py" /run/containerd-cri.sock "$@"
}

# The configuration is the documentation's, but for where things lie, and how a machine without systemd makes groups.
@test "CRI: a pod: created, started, exec, stats, limits changed, stopped, removed" {
	/usr/bin/python3 -c "import grpc" 2>/dev/null || skip "needs python3-grpcio"
	command -v jq >/dev/null || skip "needs jq"
	local text pod config id asks runtime
	text=$(sed -n '/^```toml/,/^```/p' "$BATS_TEST_DIRNAME/../../docs/oci-runtime.md" | sed '/^```/d')
	[[ "$text" == *'BinaryName = "/usr/local/bin/hull-runtime"'*'SystemdCgroup = true'* ]] || fail "no configuration in docs/oci-runtime.md"
	{
		sed -n 1p <<<"$text"
		printf 'root = "%s"\nstate = "/run/containerd-cri"\n[grpc]\naddress = "/run/containerd-cri.sock"\n' "$WORK/cri"
		sed "1d; s|/usr/local/bin/hull-runtime|$RUNTIME|; s/SystemdCgroup = true/SystemdCgroup = false/" <<<"$text"
		printf '[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "localhost/pause:1"\n'
		printf '[plugins."io.containerd.grpc.v1.cri".containerd]\nsnapshotter = "native"\n'
	} >"$WORK/cri.toml"
	mkdir -p "$WORK/cri"
	daemon cri containerd --config "$WORK/cri.toml"
	wait_for 30 inside ctr -a /run/containerd-cri.sock version
	capture inside ctr -a /run/containerd-cri.sock plugins ls
	grep -qE '^io.containerd.grpc.v1 +cri +.* ok' <<<"$output" || fail "$output" "$(grep -i cri "$WORK/cri.log")"
	tar -C "$WORK/rootfs" -c . | "$HULL_BIN_DIR/hull" --root "$WORK/images" --runroot "$WORK/images-run" \
		import -c 'CMD ["sleep", "1000"]' - localhost/pause:1
	"$HULL_BIN_DIR/hull" --root "$WORK/images" --runroot "$WORK/images-run" save -o "$WORK/pause.tar" localhost/pause:1
	inside ctr -a /run/containerd-cri.sock -n k8s.io images import "$WORK/pause.tar"

	config=$(jq -n --arg g "$GROUP/pod" '{metadata: {name: "web", uid: "u1", namespace: "default"}, log_directory: "/run",
		linux: {cgroup_parent: $g, security_context: {namespace_options: {network: 2}}}}')
	pod=$(cri RunPodSandbox "$(jq -n --argjson c "$config" '{config: $c, runtime_handler: "hull"}')" | jq -r .pod_sandbox_id)
	id=$(cri CreateContainer "$(jq -n --arg p "$pod" --argjson c "$config" '{pod_sandbox_id: $p, sandbox_config: $c, config: {
		metadata: {name: "main"}, image: {image: "localhost/pause:1"}, log_path: "main.log",
		command: ["sh", "-c", "trap \"exit 7\" TERM; echo from the pod; while :; do sleep 1; done"],
		linux: {resources: {memory_limit_in_bytes: 67108864}, security_context: {namespace_options: {network: 2}}}}}')" | jq -r .container_id)
	asks=$(jq -n --arg c "$id" '{container_id: $c}')
	cri StartContainer "$asks"
	[ "$(cri ContainerStatus "$asks" | jq .status.state)" = 1 ]
	# It is hull-runtime that has both, and they share a namespace.
	runtime=$(inside "$RUNTIME" --root /run/containerd/runc/k8s.io list --format json)
	[ "$(jq -r '.[].id' <<<"$runtime" | sort)" = "$(printf '%s\n' "$pod" "$id" | sort)" ] || fail "$runtime"
	[ "$(jq '.[].pid' <<<"$runtime" | while read -r pid; do inside readlink "/proc/$pid/ns/ipc"; done | uniq | wc -l)" = 1 ]
	[ "$(group_value "pod/$id" memory.limit_in_bytes memory.max)" = 67108864 ]
	wait_for 30 grep -q 'stdout F from the pod' "/proc/$(cat "$WORK/holder")/root/run/main.log"

	capture cri ExecSync "$(jq '. + {cmd: ["sh", "-c", "echo out; echo err >&2; exit 9"], timeout: 30}' <<<"$asks")"
	[ "$(jq -c . <<<"$output")" = '{"stdout":"out\n","stderr":"err\n","exit_code":9}' ] || fail "$output"
	capture cri ExecSync "$(jq '. + {cmd: ["nosuch"]}' <<<"$asks")"
	[ "$status" = 1 ]
	assert_has "executable file not found"
	cri UpdateContainerResources "$(jq '. + {linux: {memory_limit_in_bytes: 134217728}}' <<<"$asks")"
	[ "$(group_value "pod/$id" memory.limit_in_bytes memory.max)" = 134217728 ]
	capture cri ContainerStats "$asks"
	jq -e --arg c "$id" '.stats.attributes.id == $c and .stats.memory.working_set_bytes.value > 0 and
		.stats.cpu.usage_core_nano_seconds.value > 0' <<<"$output" || fail "$output"

	cri StopContainer "$(jq '. + {timeout: 50}' <<<"$asks")"
	[ "$(cri ContainerStatus "$asks" | jq -c '.status | [.state, .exit_code]')" = '[2,7]' ]
	cri RemoveContainer "$asks"
	asks=$(jq -n --arg p "$pod" '{pod_sandbox_id: $p}')
	cri StopPodSandbox "$asks"
	cri RemovePodSandbox "$asks"
	[ -z "$(inside "$RUNTIME" --root /run/containerd/runc/k8s.io list -q)" ]
}
