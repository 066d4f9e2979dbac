# SPDX-License-Identifier: Apache-2.0
# What the cases about src/runtime share: a root file system, a config.json, and runtime-probe, which
# drives the library with it. `load spec` brings its own setup and teardown.

bats_require_minimum_version 1.5.0
load patience
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup() {
	probe=$HULL_BIN_DIR/../tests/runtime-probe
	[ -x "$probe" ] || skip "runtime-probe is not built"
	spec_setup
}

# The root file system and the configuration.
spec_setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	busybox=$(command -v busybox) || skip "needs busybox"
	command -v jq >/dev/null || skip "needs jq"
	dir=$(mktemp -d "${BATS_TEST_TMPDIR}/rt.XXXXXX")
	root=$dir/root
	canary=$dir/canary
	mkdir -p "$root"/{bin,etc,tmp,proc,sys,dev,root} "$canary"
	cp "$busybox" "$root/bin/busybox"
	local c
	for c in sh ls cat true id mount ps echo readlink stat sleep tty hostname pwd touch mkdir \
		grep env head kill wc find ifconfig; do
		ln -s busybox "$root/bin/$c"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nbob:x:1000:\nwheel:x:10:root,bob\naudio:x:29:bob\n' >"$root/etc/group"
	chmod 755 "$dir" "$root" "$canary"
	write_config
}

teardown() {
	# Nothing of a test may be left, whatever happened in it.
	[ -z "${dir:-}" ] || ! grep -q "$dir" /proc/self/mountinfo
	[ -z "${dir:-}" ] || [ -z "$(ls -A "$canary" 2>/dev/null | grep -v keep)" ]
}

write_config() {
	local caps='["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FSETID","CAP_FOWNER","CAP_MKNOD","CAP_NET_RAW",
		"CAP_SETGID","CAP_SETUID","CAP_SETFCAP","CAP_SETPCAP","CAP_NET_BIND_SERVICE",
		"CAP_SYS_CHROOT","CAP_KILL","CAP_AUDIT_WRITE"]'
	jq -n --arg root "$root" --argjson caps "$caps" '{
	  ociVersion: "1.0.2",
	  process: {user: {uid: 0, gid: 0}, args: ["/bin/true"], cwd: "/",
	    env: ["PATH=/bin:/usr/bin", "HOME=/root"],
	    capabilities: {bounding: $caps, effective: $caps, permitted: $caps}},
	  root: {path: $root}, hostname: "probe",
	  mounts: [
	    {destination: "/proc", type: "proc", source: "proc", options: ["nosuid","noexec","nodev"]},
	    {destination: "/dev", type: "tmpfs", source: "tmpfs",
	     options: ["nosuid","strictatime","mode=755","size=65536k"]},
	    {destination: "/dev/pts", type: "devpts", source: "devpts",
	     options: ["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"]},
	    {destination: "/dev/shm", type: "tmpfs", source: "shm",
	     options: ["nosuid","noexec","nodev","mode=1777","size=65536k"]},
	    {destination: "/dev/mqueue", type: "mqueue", source: "mqueue",
	     options: ["nosuid","noexec","nodev"]},
	    {destination: "/sys", type: "sysfs", source: "sysfs",
	     options: ["nosuid","noexec","nodev","ro"]},
	    {destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
	     options: ["nosuid","noexec","nodev","relatime","ro"]}],
	  linux: {
	    namespaces: [{type:"pid"},{type:"network"},{type:"ipc"},{type:"uts"},{type:"mount"},
	      {type:"cgroup"}],
	    maskedPaths: ["/proc/interrupts","/proc/kcore","/proc/keys","/proc/timer_list",
	      "/proc/nosuch","/proc/acpi","/sys/firmware"],
	    readonlyPaths: ["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}
	}' >"$dir/config.json"
}

# config FILTER: change the configuration with jq.
config() {
	jq "$@" <"$dir/config.json" >"$dir/new.json"
	mv "$dir/new.json" "$dir/config.json"
}

# capture COMMAND...: as bats' run, which warns of a status of 127.
capture() {
	status=0
	output=$("$@" 2>&1) || status=$?
	mapfile -t lines <<<"$output"
}

# words ARGUMENT...: as a JSON array.
words() {
	jq -n '$ARGS.positional' --args -- "$@"
}

# start COMMAND...: run it in the container.
start() {
	config --argjson a "$(words "$@")" '.process.args = $a'
	capture "$probe" run ${options:-} "$dir/config.json"
}

# background [COMMAND...]: it (or sleep) runs until the test's end; $pid is its first process.
background() {
	[ $# -gt 0 ] || set -- sleep 600
	config --argjson a "$(words "$@")" '.process.args = $a'
	rm -f "$dir/pid" # of one before
	"$probe" run ${options:-} --pid-file "$dir/pid" "$dir/config.json" </dev/null 3>&- &
	background=$!
	local i
	for i in $(seq $((100 * PATIENCE))); do
		[ -s "$dir/pid" ] && [ "$(readlink "/proc/$(cat "$dir/pid")/exe")" = /bin/busybox ] && break
		sleep 0.02
	done
	pid=$(cat "$dir/pid")
}

end_background() {
	kill -9 "$pid"
	wait "$background" || true
}

# join FILTER COMMAND...: another process in it.
join() {
	local filter=$1
	shift
	jq --argjson a "$(words "$@")" ".process | $filter | .args = \$a" "$dir/config.json" \
		>"$dir/process.json"
	capture "$probe" exec ${options:-} "$pid" "$dir/process.json"
}
