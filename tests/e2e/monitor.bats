#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull-monitor and its keeper, with an ordinary child in place of a container
# (tests/helpers/monitor_harness.c plays the engine).
#
# Each case ends its child in teardown; monitor and keeper end with it. Only processes whose numbers
# the harness printed, or children of those, are signalled.

bats_require_minimum_version 1.5.0
load patience

setup_file() {
	local top="$BATS_TEST_DIRNAME/../.."
	export MONITOR="${HULL_BIN_DIR:-$top/build/bin}/hull-monitor"
	[ -x "$MONITOR" ] || { echo "no $MONITOR: run scripts/build or set HULL_BIN_DIR" >&2; return 1; }
	MONITOR=$(realpath "$MONITOR")
	export H="${MONITOR%/*}/../tests/monitor-harness" LC_ALL=C.UTF-8
	cat >"$BATS_FILE_TMPDIR/log.py" <<'PY'
# Print the text of json-file logs, oldest file first; every line must be strict JSON.
import glob, json, re, sys
def bad(c): raise ValueError(c)
files = glob.glob(sys.argv[1] + "/logs/*-json.log*")
number = lambda f: int((re.search(r"\.log\.(\d+)$", f) or [0, 0])[1])
want = sys.argv[2] if len(sys.argv) > 2 else None
for f in sorted(files, key=number, reverse=True):
    for line in open(f, "rb"):
        assert line.endswith(b"\n"), line
        o = json.loads(line.decode("utf-8"), parse_constant=bad)
        assert set(o) == {"log", "stream", "time"}, o
        if want is None or o["stream"] == want:
            sys.stdout.write(o["log"])
PY
	export LOG="python3 $BATS_FILE_TMPDIR/log.py"
}

setup() {
	D=$BATS_TEST_TMPDIR/d
	mkdir "$D"
	KEEPER= WATCHER= CHILD= MOUNT=
}

teardown() {
	[ -z "$CHILD" ] || kill -KILL "$CHILD" 2>/dev/null || true
	[ -z "$CHILD" ] || wait_for 10 gone
	[ -z "$MOUNT" ] || wait_for 20 umount "$MOUNT"
}

# Neither the monitor nor the keeper of this case is left.
gone() {
	! ps -eo pid,stat,comm --no-headers | awk '$2 !~ /^Z/ && $3 ~ /^hull-(monitor|keeper)$/ {print $1}' |
		while read -r pid; do readlink "/proc/$pid/fd/3"; done | grep -q "^$D/"
}

# start [option...] -- command...
start() {
	local words
	words=$("$H" start "$D" "$MONITOR" "$@" 3>&-)
	read -r _ KEEPER _ WATCHER _ CHILD <<<"$words"
}

# The monitor that is there now: a child of the keeper.
watcher() {
	pgrep -x hull-monitor -P "$KEEPER"
}

recorded() {
	"$H" record "$D"
}

wait_record() {
	wait_for 10 recorded
	recorded
}

@test "stdout and stderr apart, exit code, begun last line" {
	start -- sh -c 'echo out; echo err >&2; printf begun; exit 7'
	[[ "$(wait_record)" == "code 7 signal 0 flags 0 dropped 0 "* ]]
	[ "$($LOG "$D" stdout)" = $'out\nbegun' ]
	[ "$($LOG "$D" stderr)" = err ]
}

@test "a start that is cut off: the run record tells whether the command was let go" {
	start unreleased -- sh -c 'exit 125'
	[[ "$(wait_record)" == "code 125 signal 0 flags 8 "* ]]
	rm -r "${D:?}"/*
	start cut -- sh -c 'exit 125'
	[[ "$(wait_record)" == "code 125 signal 0 flags 0 "* ]]
}

@test "the last output of a child that lives for an instant" {
	for i in $(seq 20); do
		D=$BATS_TEST_TMPDIR/$i
		mkdir "$D"
		start -- echo "words of $i"
		wait_record >/dev/null
		[ "$($LOG "$D")" = "words of $i" ]
	done
}

@test "death by a signal is 128 + n" {
	start -- sh -c 'kill -SEGV $$'
	[[ "$(wait_record)" == "code 139 signal 11 "* ]]
}

@test "WAIT answers with the record, and the log is whole by then" {
	start -- sh -c "sleep $(ms 300); seq 1 20000; exit 3"
	[[ "$("$H" wait "$D")" == "code 3 "* ]]
	[ "$($LOG "$D" | md5sum)" = "$(seq 1 20000 | md5sum)" ]
}

@test "attached from the start: input, both streams, end of file" {
	"$H" start "$D" "$MONITOR" stdin once attach -- sh -c 'cat; echo err >&2; exit 3' \
		</etc/passwd >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&-
	cmp /etc/passwd "$BATS_TEST_TMPDIR/out"
	grep -qx err "$BATS_TEST_TMPDIR/err"
	[[ "$(wait_record)" == "code 3 "* ]]
}

@test "large input arrives whole" {
	local sum
	sum=$(seq 1 300000 | "$H" start "$D" "$MONITOR" stdin once attach none -- md5sum 2>/dev/null 3>&-)
	[ "$sum" = "$(seq 1 300000 | md5sum)" ]
}

@test "without stdin_once a client's end leaves stdin open for the next one" {
	start stdin -- sh -c "read a; touch $D/first; read b; echo \"\$a-\$b\""
	echo one | "$H" attach "$D" in out >/dev/null 2>&1 3>&- &
	local first=$!
	wait_for 10 test -e "$D/first"
	echo two | "$H" attach "$D" in out 2>/dev/null 3>&-
	wait "$first"
	wait_record >/dev/null
	[ "$($LOG "$D")" = one-two ]
}

@test "two clients get the same; a slow reader loses nothing" {
	start -- sh -c "until [ -e $D/go ]; do sleep 0.02; done; seq 1 60000"
	"$H" attach "$D" out 2>"$D/one" 3>&- | (nap 1500; md5sum) >"$BATS_TEST_TMPDIR/slow" 3>&- &
	local slow=$!
	"$H" attach "$D" out 2>"$D/two" 3>&- | md5sum >"$BATS_TEST_TMPDIR/fast" 3>&- &
	local fast=$!
	wait_for 10 grep -q attached "$D/one"
	wait_for 10 grep -q attached "$D/two"
	touch "$D/go"
	wait "$fast" "$slow"
	seq 1 60000 | md5sum | cmp - "$BATS_TEST_TMPDIR/fast"
	cmp "$BATS_TEST_TMPDIR/fast" "$BATS_TEST_TMPDIR/slow"
}

@test "a client that hangs up holds nobody up" {
	start -- sh -c "sleep $(ms 300); seq 1 100000; exit 4"
	timeout "$(ms 600)" "$H" attach "$D" out 2>/dev/null 3>&- | nap 100
	[[ "$(wait_record)" == "code 4 "* ]]
}

@test "a client that never reads does not delay the exit record" {
	start -- sh -c "sleep $(ms 300); seq 1 30000; exit 6"
	sleep $((30 * PATIENCE)) 3>&- < <("$H" attach "$D" out 2>/dev/null 3>&-) &
	local reader=$!
	[[ "$(wait_record)" == "code 6 "* ]]
	kill "$reader"
	[ "$($LOG "$D" | md5sum)" = "$(seq 1 30000 | md5sum)" ]
}

@test "a terminal: size, input, echo, raw output" {
	start tty stdin -- sh -c 'read x; stty size; echo "got $x"; exit 9'
	"$H" resize "$D" 33 44
	(echo hello; nap 300) | "$H" attach "$D" raw in out >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&-
	[[ "$(wait_record)" == "code 9 "* ]]
	[ "$(tr -d '\r' <"$BATS_TEST_TMPDIR/out")" = $'hello\n33 44\ngot hello' ]
}

@test "no terminal: resize is refused" {
	start -- sleep 600
	run "$H" resize "$D" 10 10
	[ "$status" -eq 124 ]
	[[ "$output" == *"Inappropriate ioctl"* ]]
}

@test "kill -9 of the monitor, again and again: no line lost or doubled, exact exit code" {
	local go="$BATS_TEST_TMPDIR/go" kills=0 pid
	start -- sh -c "seq 1 300000; until [ -e '$go' ]; do sleep 0.02; done; seq 300001 300100; exit 42"
	until recorded >/dev/null; do
		if pid=$(watcher) && kill -KILL "$pid" 2>/dev/null; then kills=$((kills + 1)); fi
		[ "$kills" -lt 3 ] || : >"$go"
		nap 50
	done
	[[ "$(recorded)" == "code 42 signal 0 flags 0 dropped 0 "* ]]
	[ "$($LOG "$D" | md5sum)" = "$(seq 1 300100 | md5sum)" ]
}

@test "kill -9 of the monitor: the terminal survives" {
	start tty stdin -- sh -c 'echo before; read x; echo "got $x"; exit 9'
	wait_for 10 grep -rq before "$D/logs" # the folder: no file of it may be there yet
	kill -KILL "$WATCHER"
	wait_for 10 "$H" ping "$D"
	(echo hello; nap 300) | "$H" attach "$D" raw in out >/dev/null 2>&1 3>&-
	[[ "$(wait_record)" == "code 9 "* ]]
	[ "$($LOG "$D" | tr -d '\r')" = $'before\nhello\ngot hello' ]
}

@test "kill -9 of the keeper: a standby takes its place, and survives the monitor" {
	start -- sh -c "for i in 1 2 3 4 5 6 7 8 9; do echo \$i; sleep $(ms 100); done
		until [ -e $D/go ]; do sleep 0.02; done; echo 10; exit 11"
	kill -KILL "$KEEPER"
	wait_for 10 pgrep -x hull-keeper -P "$WATCHER"
	kill -KILL "$WATCHER"
	wait_for 10 eval '[ "$($LOG "$D" | head -1)" = 1 ]'
	touch "$D/go"
	local record
	record=$(wait_record)
	[ "$($LOG "$D" | md5sum)" = "$(seq 1 10 | md5sum)" ]
	# Nobody's child any more: exact since Linux 6.15, unknown before.
	[[ "$record" == "code 11 signal 0 flags 0 "* || "$record" == "code 255 signal 0 flags 1 "* ]]
}

@test "kill -9 of both, then adopt" {
	start -- sh -c "for i in 1 2 3 4 5 6 7 8 9 10; do echo \$i; sleep $(ms 100); done; exit 12"
	nap 200
	kill -KILL "$KEEPER" "$WATCHER"
	nap 200
	"$H" adopt "$D" "$MONITOR" 3>&-
	local record
	record=$(wait_record)
	[ "$($LOG "$D" | md5sum)" = "$(seq 1 10 | md5sum)" ]
	[[ "$record" == "code 12 signal 0 flags 0 "* || "$record" == "code 255 signal 0 flags 1 "* ]]
}

@test "adopt a child that ended unseen: its status if it was not reaped yet, else unknown" {
	start -- sh -c "sleep $(ms 300); exit 13"
	kill -KILL "$KEEPER" "$WATCHER"
	nap 600
	"$H" adopt "$D" "$MONITOR" 3>&-
	local record
	record=$(wait_record)
	[[ "$record" == "code 13 signal 0 flags 0 "* ||
		"$record" == "code 255 signal 0 flags 1 "*" error the exit status was lost"* ]]
}

# What an intruder in the monitor could do: no right is left, whatever is not known ends it, and a new one
# goes on. The standby and its monitors are as confined as the monitor that the standby came from.
confined() {
	[ "$(grep -E '^(CapInh|CapPrm|CapEff|NoNewPrivs|Seccomp):' "/proc/$1/status" | tr -d ' \t')" = \
		$'CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\nNoNewPrivs:1\nSeccomp:2' ]
}

# inject WANT CALL [ARGUMENT...]: the result or the signal that the monitor's call gives.
inject() {
	local want=$1 got
	shift
	wait_for 10 confined "$WATCHER"
	got=$("$BATS_FILE_TMPDIR/inject" "$WATCHER" "$@" 3>&-)
	[ "$got" = "$want" ] || { echo "call $*: $got, expected $want" >&2; return 1; }
}

@test "a monitor is confined; a call that it has no use for ends it, and the next one goes on" {
	[ "$(uname -m)" = x86_64 ] || skip "the injector knows x86-64 only"
	"${CC:-cc}" -O1 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/inject" "$BATS_TEST_DIRNAME/../helpers/inject_call.c"
	start -- sh -c "until [ -e $D/go ]; do sleep 0.05; done; echo end; exit 5"
	[ "$(awk '/^Seccomp:/ {print $2}' "/proc/$KEEPER/status")" = 0 ]
	# Files: openat, by name and below the run folder; unlinkat of the run record.
	inject "result -13" 257 -100 /etc/passwd 0
	inject "result -13" 257 3 running 1
	inject "result -13" 263 3 running 0
	inject "result -13" 257 -100 /dev/null 2
	# execve, socket(AF_INET, ...), a stream socket, fchmod, kill, ptrace, mprotect(PROT_EXEC), setns, bpf
	local call n=0
	for call in "59 /bin/sh 0 0" "41 2 1 0" "41 1 1 0" "91 4 0600" "62 1 0" "101 16 1" "10 0 4096 5" \
		"308 6 0" "321 0 0 0" "16 0 0x5412 /"; do
		# shellcheck disable=SC2086 # words
		inject "killed by signal 31" $call
		n=$((n + 1))
		wait_for 10 watcher
		WATCHER=$(watcher)
	done
	wait_for 10 "$H" ping "$D"
	touch "$D/go"
	[[ "$(wait_record)" == "code 5 signal 0 flags 0 "* ]]
	[ "$($LOG "$D")" = end ]
}

@test "a standby and its monitors are confined, and the log still rotates" {
	start size=20000 files=3 -- sh -c "until [ -e $D/go ]; do sleep 0.05; done; seq 1 20000; exit 5"
	wait_for 10 confined "$WATCHER"
	kill -KILL "$KEEPER"
	wait_for 10 pgrep -x hull-keeper -P "$WATCHER"
	KEEPER=$(pgrep -x hull-keeper -P "$WATCHER")
	kill -KILL "$WATCHER"
	wait_for 10 watcher
	WATCHER=$(watcher)
	wait_for 10 "$H" ping "$D"
	confined "$KEEPER"
	confined "$WATCHER"
	touch "$D/go"
	wait_record >/dev/null
	[ "$($LOG "$D" | tail -1)" = 20000 ]
	[ "$(ls "$D"/logs | wc -l)" -eq 3 ]
}

@test "signals other than KILL are ignored" {
	start -- sh -c "sleep $(ms 500); exit 8"
	wait_for 10 "$H" ping "$D"
	wait_for 10 grep -qx hull-keeper "/proc/$KEEPER/comm"
	local s
	for s in HUP INT QUIT TERM PIPE TTOU IO USR1 USR2 ALRM; do kill -s "$s" "$WATCHER" "$KEEPER" || true; done
	[[ "$(wait_record)" == "code 8 "* ]]
}

@test "the clean-up command runs once the exit is recorded" {
	printf '#!/bin/sh\necho "$@" >>"%s/reaped"\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/hull"
	chmod +x "$BATS_TEST_TMPDIR/hull"
	start hull="$BATS_TEST_TMPDIR/hull" -- true
	wait_for 10 test -s "$BATS_TEST_TMPDIR/reaped"
	[[ "$(cat "$BATS_TEST_TMPDIR/reaped")" == "--root $D --runroot $D system reap 0123456789abcdef"* ]]
	recorded
}

@test "kills for memory: however many the monitor tells of, the keeper calls hull once a second" {
	[ "$(id -u)" = 0 ] || skip "needs root to speak for the monitor"
	printf '#!/bin/sh\necho "$(date +%%s%%N) $@" >>"%s/told"\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/hull"
	chmod +x "$BATS_TEST_TMPDIR/hull"
	start hull="$BATS_TEST_TMPDIR/hull" -- sleep 600
	wait_for 10 "$H" ping "$D"
	times() { [ "$(grep -c ' system oom ' "$BATS_TEST_TMPDIR/told")" -ge "$1" ]; }
	local begin
	begin=$(date +%s%N)
	# Longer ago than the machine runs: not known when.
	"$H" kills "$D" "$WATCHER" 1 4294967294
	wait_for 10 times 1
	[[ "$(cat "$BATS_TEST_TMPDIR/told")" == *" system oom 0123456789abcdef"*" 0000" ]]
	floods() { "$H" kills "$D" "$WATCHER" 50 7; times "$1"; }
	wait_for 10 floods 3
	# The last one of those that came too early is told as well; all of them may be by now.
	"$H" kills "$D" "$WATCHER" 50 7
	wait_for 10 times 4
	[ "$(wc -l <"$BATS_TEST_TMPDIR/told")" -le $((($(date +%s%N) - begin) / 1000000000 + 1)) ]
	[[ "$(tail -n 1 "$BATS_TEST_TMPDIR/told")" =~ \ [1-9][0-9]{3,}$ ]]
}

@test "a client that asked before the exit was recorded cleans up, and the keeper does not" {
	printf '#!/bin/sh\ntouch "%s/reaped"\n' "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/hull"
	chmod +x "$BATS_TEST_TMPDIR/hull"
	start hull="$BATS_TEST_TMPDIR/hull" -- sleep 600
	wait_for 10 "$H" ping "$D"
	# The end and the question reach the monitor at once.
	kill -STOP "$WATCHER"
	kill -KILL "$CHILD"
	"$H" reap "$D" >"$BATS_TEST_TMPDIR/end" 2>"$BATS_TEST_TMPDIR/asked" 3>&- &
	local client=$!
	wait_for 10 grep -q asked "$BATS_TEST_TMPDIR/asked"
	kill -CONT "$WATCHER"
	wait "$client"
	grep -q '^code 137 ' "$BATS_TEST_TMPDIR/end"
	wait_for 10 gone
	[ ! -e "$BATS_TEST_TMPDIR/reaped" ]
}

@test "rotation bounds the log, and its lines stay whole" {
	start size=100000 files=3 -- seq 1 100000
	wait_record >/dev/null
	[ "$(ls "$D"/logs | wc -l)" -eq 3 ]
	[ "$(cat "$D"/logs/* | wc -c)" -le 310000 ]
	$LOG "$D" >"$BATS_TEST_TMPDIR/log"
	seq 1 100000 | tail -n "$(wc -l <"$BATS_TEST_TMPDIR/log")" | cmp - "$BATS_TEST_TMPDIR/log"
}

@test "a full log disk: the child goes on, drops are counted, records stay whole, then it resumes" {
	[ "$(id -u)" = 0 ] || skip "needs root to mount a tmpfs"
	mkdir "$D/logs"
	mount -t tmpfs -o size=128k tmpfs "$D/logs"
	MOUNT=$D/logs
	head -c 60000 /dev/zero >"$D/logs/ballast"
	start -- sh -c "seq 1 20000; touch $D/wrote; while [ -e $D/logs/ballast ]; do sleep 0.05; done;
		echo resumed; exit 2"
	wait_for 10 test -e "$D/wrote"
	"$H" sync "$D"
	rm "$D/logs/ballast"
	local record
	record=$(wait_record)
	[[ "$record" == "code 2 signal 0 flags 0 dropped "* ]]
	[[ "$record" != *"dropped 0 "* ]]
	$LOG "$D" >"$BATS_TEST_TMPDIR/log"
	[ "$(tail -1 "$BATS_TEST_TMPDIR/log")" = resumed ]
	local kept dropped
	kept=$(wc -c <"$BATS_TEST_TMPDIR/log")
	dropped=$(sed 's/.*dropped \([0-9]*\).*/\1/' <<<"$record")
	[ $((kept + dropped)) -eq $(($(seq 1 20000 | wc -c) + 8)) ]
}

@test "a line of 1 GiB in bounded memory" {
	start size=1000000 files=2 -- sh -c 'head -c 1073741824 /dev/zero | tr "\0" x; echo'
	local peak=0 now
	until recorded >/dev/null; do
		now=$(awk '/^VmHWM/ {print $2}' "/proc/$WATCHER/status" 2>/dev/null) || true
		[ -z "$now" ] || peak=$now
		sleep 0.2
	done
	echo "peak $peak KiB"
	[ "$peak" -gt 0 ] && [ "$peak" -le 2048 ]
	$LOG "$D" >/dev/null
}

# A line is begun, and one write(2) of more than a pipe holds follows: its writer sleeps with the begun
# line at the front of the pipe, where epoll has no edge for the reader.
@test "a begun line, then a write larger than the pipe: stdout, stderr, a terminal" {
	local stream options
	while read -r stream options; do
		D=$BATS_TEST_TMPDIR/$stream$options
		mkdir "$D"
		start $options -- sh -c "[ $stream = stdout ] || exec >&2; printf abc; sleep 0.3
			dd if=/dev/zero bs=200000 count=1 2>/dev/null; exit 3"
		[[ "$(wait_record)" == "code 3 signal 0 flags 0 dropped 0 "* ]]
		[ "$($LOG "$D" "$stream" | wc -c)" -eq 200003 ]
	done <<<$'stdout\nstderr\nstdout tty'
}

@test "a begun line, then a write larger than the pipe: clients get all of it" {
	local options
	for options in '' tty; do
		D=$BATS_TEST_TMPDIR/client$options
		mkdir "$D"
		start $options -- sh -c "until [ -e $D/go ]; do sleep 0.02; done; printf abc; sleep 0.3
			dd if=/dev/zero bs=200000 count=1 2>/dev/null; printf end; exit 3"
		"$H" attach "$D" ${options:+raw} out 2>"$D/said" 3>&- | wc -c >"$D/count" &
		local client=$!
		wait_for 10 grep -q attached "$D/said"
		touch "$D/go"
		[[ "$(wait_record)" == "code 3 "* ]]
		wait "$client"
		[ "$(cat "$D/count")" -eq 200006 ]
		[ "$($LOG "$D" | wc -c)" -eq 200006 ]
	done
}

@test "a begun line, then a write larger than the pipe: kill -9 of the monitor before and amid it" {
	start -- sh -c "printf abc; until [ -e $D/go ]; do sleep 0.02; done
		for i in 1 2 3 4 5 6 7 8; do dd if=/dev/zero bs=2000000 count=1 2>/dev/null; done; exit 3"
	nap 200
	kill -KILL "$WATCHER"
	wait_for 10 "$H" ping "$D"
	touch "$D/go"
	local pid
	for _ in 1 2 3; do
		nap 30
		if pid=$(watcher); then kill -KILL "$pid" || true; fi
	done
	[[ "$(wait_record)" == "code 3 signal 0 flags 0 dropped 0 "* ]]
	[ "$($LOG "$D" | wc -c)" -eq 16000003 ]
}

@test "any bytes give strict JSON" {
	start -- sh -c 'head -c 3000000 /dev/urandom; printf "\n{\"log\":\"fake\"}\n\033[2J\000\n"'
	wait_record >/dev/null
	$LOG "$D" | tail -n 2 >"$BATS_TEST_TMPDIR/tail"
	printf '{"log":"fake"}\n\033[2J\000\n' | cmp - "$BATS_TEST_TMPDIR/tail"
}

@test "ten thousand attaches: memory and descriptors stay flat" {
	start stdin -- sleep $((60 * PATIENCE))
	"$H" churn "$D" 500
	local fds rss
	fds=$(ls "/proc/$WATCHER/fd" | wc -l)
	rss=$(awk '/^VmRSS/ {print $2}' "/proc/$WATCHER/status")
	"$H" churn "$D" 10000
	"$H" ping "$D"
	[ "$(ls "/proc/$WATCHER/fd" | wc -l)" -le $((fds + 1)) ]
	[ "$(awk '/^VmRSS/ {print $2}' "/proc/$WATCHER/status")" -le $((rss + 64)) ]
}

@test "malformed, short and oversized messages are refused; the monitor goes on" {
	start -- sh -c "sleep $(ms 1000); exit 5"
	"$H" malformed "$D"
	[[ "$("$H" wait "$D")" == "code 5 "* ]]
}

@test "LOG_SYNC: what is written is in the log, a begun line too" {
	start -- sh -c 'printf "line\nbegun"; sleep 300'
	wait_for 10 sh -c "'$H' sync '$D' && grep -q begun '$D'/logs/*"
	[ "$($LOG "$D")" = $'line\nbegun' ]
}

# A memory group of 16 MiB in GROUP, the name of its counters in EVENTS.
memory_group() {
	[ "$(id -u)" = 0 ] || skip "needs root for control groups"
	local top=/sys/fs/cgroup/memory limit=memory.limit_in_bytes
	EVENTS=memory.oom_control
	if [ ! -d $top ]; then
		top=/sys/fs/cgroup limit=memory.max EVENTS=memory.events
		echo +memory >$top/cgroup.subtree_control
	fi
	GROUP=$top/hull-test-monitor-$$-$BATS_TEST_NUMBER
	mkdir "$GROUP" || skip "no memory control groups"
	echo 16777216 >"$GROUP/$limit"
	[ ! -e "$GROUP/memory.memsw.limit_in_bytes" ] || echo 16777216 >"$GROUP/memory.memsw.limit_in_bytes"
	[ ! -e "$GROUP/memory.swap.max" ] || echo 0 >"$GROUP/memory.swap.max"
}

@test "killed for memory: the main process" {
	memory_group
	start oom="$GROUP/$EVENTS" -- sh -c "echo \$\$ >$GROUP/cgroup.procs; exec tail /dev/zero"
	local record
	record=$(wait_record)
	wait_for 10 rmdir "$GROUP"
	[[ "$record" == "code 137 signal 9 flags 2 dropped 0 oom 1 "* ]]
}

@test "killed for memory: a child of it" {
	memory_group
	start oom="$GROUP/$EVENTS" -- sh -c "echo \$\$ >$GROUP/cgroup.procs; tail /dev/zero; exit 4"
	local record
	record=$(wait_record)
	wait_for 10 rmdir "$GROUP"
	[[ "$record" == "code 4 signal 0 flags 4 dropped 0 oom 1 "* ]]
}
