# SPDX-License-Identifier: Apache-2.0
# What the cases about hull-runtime share: on top of spec.bash (a root file system, config.json in
# $dir, which is the bundle) a state folder, a parent of all control groups, and a teardown that
# fails the case if anything is left of a container. HULL_TEST_MANAGER=systemd has systemd make the
# control groups of all of them.

load spec

setup() {
	jobs_of_bats=$(jobs -p | tr '\n' ' ')
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	HULL_BIN_DIR=$(realpath "${HULL_BIN_DIR:-$TOP/build/bin}")
	runtime=$HULL_BIN_DIR/hull-runtime
	[ -x "$runtime" ] || skip "hull-runtime is not built"

	spec_setup
	group=/oci-test-${dir##*.}
	[ "${HULL_TEST_MANAGER-}" != systemd ] || by_systemd
	config --arg g "$(group_name c1)" '.linux.cgroupsPath = $g | .root.path = "root" |
		.process.args = ["sleep", "100"]'
	cd "$dir"
}

by_systemd() {
	[ -S /run/systemd/private ] || skip "needs systemd as the first process"
	group=/ocitest${dir##*.}.slice
	printf '#!/bin/sh\nexec "%s" --systemd-cgroup "$@"\n' "$runtime" >"$dir/hull-runtime"
	chmod 755 "$dir/hull-runtime"
	runtime=$dir/hull-runtime
}

cgroupfs_only() {
	[ "${HULL_TEST_MANAGER-}" != systemd ] || skip "is about the manager cgroupfs"
}

# group_name ID: what cgroupsPath says for it; group_of ID: where that is below the root.
group_name() {
	case $group in
	*.slice) echo "${group#/}:t${dir##*.}:$1" ;;
	*) echo "$group/$1" ;;
	esac
}

group_of() {
	case $group in
	*.slice) echo "$group/t${dir##*.}-$1.scope" ;;
	*) echo "$group/$1" ;;
	esac
}

# bats keeps descriptor 3 for itself.
rt() {
	"$runtime" --root "$dir/state" "$@" 3>&-
}

# Few machines have resctrl: a folder stands in for the mount, and an entry of mountinfo for the kernel's.
make_resctrl() {
	mkdir -p "$dir/rdt/mon_groups"
	{ grep -v ' - resctrl ' /proc/self/mountinfo && echo "9999 1 0:9999 / $dir/rdt rw,relatime - resctrl resctrl rw"; } >"$dir/mountinfo"
}

# in_resctrl COMMAND...: the process that executes it sees that.
in_resctrl() {
	unshare -m --propagation slave sh -c 'mount --bind "$1" "/proc/$$/mountinfo" && shift && exec "$@"' - "$dir/mountinfo" "$@" 3>&-
}

with_rdt() {
	in_resctrl "$runtime" --root "$dir/state" "$@"
}

# bundle ARGUMENT...: the container's command.
bundle() {
	config --argjson a "$(words "$@")" '.process.args = $a'
}

# another ID: a second bundle like the first, in its own group; its path.
another() {
	mkdir -p "$dir/bundles/$1"
	jq --arg g "$(group_name "$1")" --arg r "$root" '.linux.cgroupsPath = $g | .root.path = $r' \
		"$dir/config.json" >"$dir/bundles/$1/config.json"
	echo "$dir/bundles/$1"
}

status_of() {
	rt state "$1" | jq -r .status
}

pid_of() {
	rt state "$1" | jq -r .pid
}

has_status() {
	[ "$(status_of "$1" 2>/dev/null)" = "$2" ]
}

# groups NAME: its folders in all hierarchies.
groups_of() {
	find /sys/fs/cgroup -maxdepth 5 -type d -path "*$1" 2>/dev/null
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# What is left of containers, a line each.
leftovers() {
	ls -A "$dir/state" 2>/dev/null | sed 's/^/state /'
	find /sys/fs/cgroup -maxdepth 6 -type d -path "*$group/*" 2>/dev/null
	grep -F "$dir" /proc/self/mountinfo
	# A process of a container has its root mounted from ours.
	grep -lsF "$root" /proc/[0-9]*/mountinfo
	true
}

teardown() {
	local id left
	[ -n "${dir-}" ] || return 0
	cd /
	for id in $(ls -A "$dir/state" 2>/dev/null); do
		rt delete --force "$id" || echo "cannot delete $id" >&2
	done
	for _ in $(seq 300); do
		left=$(leftovers)
		[ -n "$left" ] || break
		sleep 0.1
	done
	[[ $group != *.slice ]] || systemctl stop "${group#/}"
	find /sys/fs/cgroup -maxdepth 4 -depth -type d -path "*$group*" -exec rmdir {} + 2>/dev/null
	[ -z "$left" ] || fail "left behind:" "$left"
	[ -z "$(ls -A "$canary" 2>/dev/null | grep -v keep)" ] || fail "the canary was touched"
}

# Wait for the jobs of this case. A bare `wait` would wait for bats' own time limit, too, which is a
# job of the same shell.
wait_jobs() {
	local pid
	for pid in $(jobs -p); do
		case " $jobs_of_bats " in
		*" $pid "*) ;;
		*) wait "$pid" || true ;;
		esac
	done
}
