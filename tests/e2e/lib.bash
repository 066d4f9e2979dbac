# SPDX-License-Identifier: Apache-2.0
# What the end-to-end cases share. Loaded by `load lib`; a file calls in its own setup and teardown
#
#     setup() { hull_setup; }
#     teardown() { hull_teardown; }
#
# Each case has its own --root and --runroot (by the environment) with the image "test" in it:
# busybox, tests/helpers/probe.c as /probe, and a few users. hull_teardown removes all containers and
# fails the case if anything of it is left: processes, control groups, mounts, files of the run folder.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
load "$TOP/tests/e2e/patience"
HULL_BIN_DIR=$(realpath "${HULL_BIN_DIR:-$TOP/build/bin}")
HULL=$HULL_BIN_DIR/hull
export LC_ALL=C.UTF-8
# No packet leaves the machine for a name that a case has no image of; what its user has set up counts for nothing.
export CONTAINERS_REGISTRIES_CONF=$TOP/tests/helpers/registries.conf DOCKER_CONFIG=/proc/nowhere
# Where nothing else is said: no bridge in the machine's own network. See network.bats.
export HULL_NETWORK=none

# bats keeps descriptor 3 for itself: nothing that outlives a case may hold it.
# HULL_TEST_MANAGER=systemd has systemd make the control groups, where it is the first process.
hull() {
	"$HULL" ${HULL_TEST_MANAGER:+--cgroup-manager "$HULL_TEST_MANAGER"} "$@" 3>&-
}

# let_end CONTAINER FILE: make the file on which its command ends. The end may come before that of touch.
let_end() {
	hull exec "$1" touch "$2" || [ $? = 137 ]
}

# ---------------------------------------------------------------- images

APPLETS='ash awk cat chgrp chmod chown chroot cmp cp cut date dd df du echo env expr false find fold grep
	head hostname id ifconfig ip kill ln ls md5sum mkdir mkfifo mknod more mount mv nc nproc nslookup od ping printenv
	printf ps pwd readlink realpath rm rmdir sed seq setsid sh sleep sort stat stty sync tail tar tee test
	timeout touch tr true truncate tty umount uname uniq unshare usleep wc wget which whoami xargs yes'

# The archive of a root file system: $1 is where it goes.
make_rootfs() {
	local to=$1 name
	mkdir -p "$to"/{bin,etc,tmp,proc,sys,dev,root,home/user,data/sub,var} || return 1
	chmod 1777 "$to/tmp"
	cp "$(command -v busybox)" "$to/bin/busybox" || return 1
	# Each case has a copy: no more than what is used.
	for name in $APPLETS; do ln -s busybox "$to/bin/$name"; done
	cp "$HULL_BIN_DIR/../tests/probe" "$to/probe" || return 1
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'user:x:1000:1001:user:/home/user:/bin/sh' \
		'4242:x:77:77:looks like a number:/tmp:/bin/sh' >"$to/etc/passwd"
	printf '%s\n' 'root:x:0:' 'users:x:1001:' 'audio:x:29:user' 'video:x:44:' >"$to/etc/group"
	chown -R 1000:1001 "$to/home/user"
	echo "from the image" >"$to/data/file"
	echo "deeper" >"$to/data/sub/file"
	chown 1000:1001 "$to/data/sub/file"
	chmod 0750 "$to/data/sub"
}

# A root with the image in it, made once per run of the suite (or of the file).
image_cache() {
	local cache=${HULL_TEST_CACHE:-$BATS_RUN_TMPDIR}
	(
		flock 9 || exit 1
		[ ! -e "$cache/ready" ] || exit 0
		make_rootfs "$cache/rootfs" &&
			tar -C "$cache/rootfs" -c . |
			HULL_ROOT=$cache/root HULL_RUNROOT=$cache/run hull import \
				-c 'CMD ["/bin/sh"]' -c 'ENV FROM_IMAGE=yes' - test >/dev/null &&
			touch "$cache/ready"
	) 9>"$cache/lock" || return 1
	CACHE=$cache
	ROOTFS=$cache/rootfs
}

# make_image NAME [CHANGE...]: the image "test" with Dockerfile instructions applied.
make_image() {
	local name=$1 changes=()
	shift
	for change; do changes+=(-c "$change"); done
	tar -C "$ROOTFS" -c . | hull import "${changes[@]}" - "$name" >/dev/null
}

# ---------------------------------------------------------------- set-up and teardown

hull_setup() {
	image_cache || { echo "cannot make the image of the tests" >&2; return 1; }
	WORK=$BATS_TEST_TMPDIR
	export HULL_ROOT=$WORK/root HULL_RUNROOT=$WORK/run
	cp -a "$CACHE/root" "$HULL_ROOT" || return 1
	cd "$WORK" || return 1
	STARTED=()
}

# Programs that a case started in the background outside of containers: started_by_test PID.
started_by_test() {
	STARTED+=("$1")
}

leftover_processes() {
	# Monitors and what they serve hold files of the run folder; their commands name it.
	find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root -maxdepth 1 \
		\( -lname "$HULL_RUNROOT/*" -o -lname "$HULL_ROOT/*" \) 2>/dev/null |
		cut -d/ -f3 | sort -u | while read -r pid; do
		[ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || [ ! -e "/proc/$pid/cmdline" ] ||
			echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
	done
}

leftover_cgroups() {
	local id
	for id; do
		find /sys/fs/cgroup -maxdepth 6 -type d -name "*$id*" 2>/dev/null
	done
}

leftover_mounts() {
	grep -F "$WORK" /proc/self/mountinfo
}

leftover_files() {
	find "$HULL_RUNROOT/containers" "$HULL_RUNROOT/exits" "$HULL_ROOT/containers" -mindepth 1 \
		-maxdepth 1 2>/dev/null
}

# Everything that is left, a line each.
leftovers() {
	leftover_processes
	leftover_cgroups "$@"
	leftover_mounts
	leftover_files
}

# Names of the groups that a case has containers put below (--cgroup-parent): the engine leaves those.
PARENT_GROUPS=()
remove_groups() {
	local name
	for name in "${PARENT_GROUPS[@]}"; do
		find /sys/fs/cgroup -maxdepth 3 -type d -name "$name" -exec rmdir {} + 2>/dev/null || true
	done
}

hull_teardown() {
	local ids pid left until
	for pid in "${STARTED[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	[ -d "${HULL_ROOT-}" ] || return 0
	ids=$(hull ps -aq --no-trunc)
	# shellcheck disable=SC2086 # ids are words
	if [ -n "$ids" ]; then hull rm -f -v $ids >/dev/null || echo "rm -f failed" >&2; fi
	# The monitor's last command may still be at work behind our back.
	# shellcheck disable=SC2086
	until=$((SECONDS + 20 * PATIENCE))
	while [ $SECONDS -le $until ]; do
		remove_groups
		left=$(leftovers $ids)
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	echo "left behind:"
	echo "$left"
	return 1
}

# sql STATEMENT VALUE...: in the store, behind hull's back.
sql() {
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA foreign_keys = ON")
db.execute(sys.argv[2], sys.argv[3:])
db.commit()' "$HULL_ROOT/hull.db" "$@"
}

# Monitor and keeper of the container whose first process has this number.
watchers_of() {
	MONITOR=$(awk '/^PPid/ { print $2 }' "/proc/$1/status")
	KEEPER=$(awk '/^PPid/ { print $2 }' "/proc/$MONITOR/status")
}

# Those of a container, which are stopped and see nothing of what comes.
stop_watchers() {
	watchers_of "$(pid_of "$1")"
	kill -STOP "$MONITOR" "$KEEPER"
}

# ---------------------------------------------------------------- waiting and asserting

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

logs_have() {
	hull logs "$1" 2>&1 | grep -q -- "$2"
}

# The container's program said that it is ready.
wait_ready() {
	wait_for "${2:-10}" logs_have "$1" ready
}

status_of() {
	hull inspect -f '{{.State.Status}}' "$1"
}

has_status() {
	[ "$(status_of "$1")" = "$2" ]
}

pid_of() {
	hull inspect -f '{{.State.Pid}}' "$1"
}

# What a boot takes: no process of a container is left, and nothing below --runroot.
lose_by_boot() {
	local killed=() c pid
	for c in $(hull ps -q); do
		pid=$(pid_of "$c")
		stop_watchers "$c"
		kill -KILL "$KEEPER" "$MONITOR" "$pid"
		killed+=("$KEEPER" "$MONITOR" "$pid")
	done
	for pid in "${killed[@]}"; do wait_for 10 eval "! readlink /proc/$pid/exe"; done
	rm -rf "${HULL_RUNROOT:?}"/*
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# assert_equal WANT GOT
assert_equal() {
	[ "$1" = "$2" ] || fail "expected: $1" "got:      $2"
}

# After `run`: the exit status.
assert_status() {
	# shellcheck disable=SC2154 # status and output are bats'
	[ "$status" = "$1" ] || fail "expected status $1, got $status" "$output"
}

# After `run`: the output contains this text.
assert_has() {
	[[ "$output" == *"$1"* ]] || fail "expected in the output: $1" "$output"
}

assert_lacks() {
	[[ "$output" != *"$1"* ]] || fail "not expected in the output: $1" "$output"
}

# After `run`: a line of the output matches.
assert_line() {
	grep -qE -- "$1" <<<"$output" || fail "expected a line like: $1" "$output"
}

# assert_within WANT GOT TOLERANCE
assert_within() {
	[ $(($1 - $2)) -le "$3" ] && [ $(($2 - $1)) -le "$3" ] || fail "$2 is not within $3 of $1"
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# ---------------------------------------------------------------- control groups

# In bash alone, and read once: programs are slow in the second kernel.
CGROUP_MOUNTS=$'\n'$(</proc/mounts)

# True if the controller is on a version 1 hierarchy of this machine, which is then BASH_REMATCH[1].
is_v1() {
	[[ $CGROUP_MOUNTS =~ $'\n'[^\ ]+\ ([^\ ]+)\ cgroup\ [^\ ]*,$1[,\ ] ]]
}

# The folder of a container's control group for the controller: cgroup_dir CONTAINER memory
cgroup_dir() {
	local pid=${CGROUP_PID-} point groups line=$'\n'0::
	[ -n "$pid" ] || pid=$(pid_of "$1")
	groups=$'\n'$(<"/proc/$pid/cgroup")
	if is_v1 "$2"; then
		point=${BASH_REMATCH[1]} line=$'\n'"[0-9]+:([^:]*,)?$2(,[^:]*)?:"
	else
		[[ $CGROUP_MOUNTS =~ $'\n'[^\ ]+\ ([^\ ]+)\ cgroup2\  ]]
		point=${BASH_REMATCH[1]}
	fi
	[[ $groups =~ $line(/[^$'\n']*) ]]
	echo "$point${BASH_REMATCH[${#BASH_REMATCH[@]} - 1]}"
}

# cgroup_value CONTAINER CONTROLLER V1-FILE V2-FILE
cgroup_value() {
	local dir
	dir=$(cgroup_dir "$1" "$2")
	if is_v1 "$2"; then cat "$dir/$3"; else cat "$dir/$4"; fi
}

has_controller() {
	is_v1 "$1" || grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2>/dev/null || skip "no $1 controller here"
}

# in_files CONTAINER: each line of the input is "controller file-of-v1 value file-of-v2 value", "-" for none;
# the value of a v2 file of two words has a comma in it.
in_files() {
	local controller v1 want1 v2 want2 file want dir CGROUP_PID
	CGROUP_PID=$(pid_of "$1")
	while read -r controller v1 want1 v2 want2; do
		file=$v2 want=${want2/,/ }
		! is_v1 "$controller" || { file=$v1 want=$want1; }
		dir=$(cgroup_dir "$1" "$controller")
		[ "$file" = - ] || [ "$want" = "$(<"$dir/$file")" ] || fail "$file: $(<"$dir/$file"), not $want"
	done
}

# The path of some block device, and its numbers.
some_disk() {
	local dev
	for dev in /sys/block/*/dev; do
		disk=/dev/$(basename "$(dirname "$dev")") numbers=$(cat "$dev")
		[ ! -b "$disk" ] || return 0
	done
	skip "no block device"
}
