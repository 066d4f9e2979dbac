#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull-init as PID 1 of a PID namespace (unshare) and outside of one.
#
# Each case starts at most one namespace and ends it in teardown: the kernel kills all that is in
# it with its PID 1. What runs outside a namespace is ended by its process id.

bats_require_minimum_version 1.5.0
load patience

setup_file() {
	local root="$BATS_TEST_DIRNAME/../.."
	export INIT="${HULL_BIN_DIR:-$root/build/bin}/hull-init"
	export PROBE="$BATS_FILE_TMPDIR/init_probe"
	[ -x "$INIT" ] || { echo "no $INIT: run scripts/build or set HULL_BIN_DIR" >&2; return 1; }
	INIT=$(realpath "$INIT")
	cp "${INIT%/*}/../tests/init-probe" "$PROBE" || return 1
	ln -s "$INIT" "$BATS_FILE_TMPDIR/tini"
	ln -s "$INIT" "$BATS_FILE_TMPDIR/dumb-init"
	export TINI="$BATS_FILE_TMPDIR/tini" DUMB="$BATS_FILE_TMPDIR/dumb-init"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	PID= OUTER= OPEN=
}

teardown() {
	[ -z "$OPEN" ] || rm -r "$OPEN"
	[ -z "$PID" ] || kill -KILL "$PID" 2>/dev/null || true
	[ -z "$OUTER" ] || kill -KILL "$OUTER" 2>/dev/null || true
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root for unshare --pid"
}

# Run in the foreground as PID 1.
as_pid1() {
	need_root
	unshare --pid --fork --mount-proc "$@"
}

# Or it was so short that it has ended already.
first_child() {
	PID=$(pgrep -P "$OUTER") || ! kill -0 "$OUTER" 2>/dev/null
}

# Start in the background as PID 1: OUTER is unshare, PID is PID 1 seen from here.
start_pid1() {
	need_root
	unshare --pid --fork --mount-proc "$@" 3>&- &
	OUTER=$!
	wait_for 10 first_child
}

# Start in the background outside a namespace.
start_plain() {
	"$@" 3>&- &
	OUTER=$!
	PID=$OUTER
}

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# Wait for what was started: sets status, and ms since the last call of begin.
begin() {
	BEGIN=$(now_ms)
}

finish() {
	status=0
	wait "$OUTER" || status=$?
	ms=$(($(now_ms) - BEGIN))
	PID= OUTER=
}

# ---- exit codes ------------------------------------------------------------------------------

@test "init: exit codes of the command are ours, as PID 1" {
	local code
	for code in 0 1 2 42 77 125 126 127 128 137 143 200 255; do
		run -$code as_pid1 "$INIT" sh -c "exit $code"
		[ "$status" -eq "$code" ]
	done
}

@test "init: exit codes 0 to 255 are ours, outside" {
	local code
	for ((code = 0; code < 256; code++)); do
		run -$code "$INIT" sh -c "exit $code"
		[ "$status" -eq "$code" ]
	done
}

@test "init: death by signal 1 to 64 is 128 plus its number" {
	local sig expected
	for ((sig = 1; sig <= 64; sig++)); do
		expected=$((128 + sig))
		# CHLD, CONT, URG, WINCH do nothing; STOP, TSTP, TTIN, TTOU stop: below.
		case $sig in
		17 | 18 | 23 | 28) expected=77 ;;
		19 | 20 | 21 | 22) continue ;;
		esac
		run "$INIT" "$PROBE" die $sig
		[ "$status" -eq $expected ]
	done
}

@test "init: death by signal as PID 1" {
	local sig
	for sig in 1 2 3 6 9 11 15 34 64; do
		run as_pid1 "$INIT" "$PROBE" die $sig
		[ "$status" -eq $((128 + sig)) ]
	done
}

@test "init: command not found is 127 and says where it looked" {
	PATH=/nowhere:$PATH run -127 "$INIT" no-such-command
	[ "$status" -eq 127 ]
	[[ "$output" == *"no-such-command: not found in PATH (/nowhere:"* ]]
}

@test "init: path not there is 127, missing interpreter is told apart" {
	run -127 "$INIT" /no/such/file
	[ "$status" -eq 127 ]
	[[ "$output" == *"/no/such/file: no such file"* ]]
	printf '#!/no/such/shell\n' >script
	chmod +x script
	run -127 "$INIT" ./script
	[ "$status" -eq 127 ]
	[[ "$output" == *"its interpreter"* ]]
}

@test "init: not executable is 126" {
	touch plain
	run "$INIT" ./plain
	[ "$status" -eq 126 ]
	[[ "$output" == *"./plain: permission denied"* ]]
	PATH=$PWD run "$INIT" plain
	[ "$status" -eq 126 ]
	run "$INIT" /tmp
	[ "$status" -eq 126 ]
}

@test "init: PATH is searched in order, passing over what is not there" {
	mkdir one two
	printf '#!/bin/sh\necho found two\n' >two/tool
	chmod +x two/tool
	touch one/tool
	PATH=/nowhere:$PWD/one::$PWD/two run "$INIT" tool
	[ "$output" = "found two" ]
}

@test "init: without PATH the usual folders are searched" {
	run env -u PATH "$INIT" true
	[ "$status" -eq 0 ]
}

@test "init: a script without #! runs under sh, as with tini" {
	echo 'echo "$0 $1"; exit 4' >bare
	chmod +x bare
	run "$INIT" ./bare word
	[ "$status" -eq 4 ]
	[ "$output" = "./bare word" ]
}

@test "init: arguments and environment arrive untouched" {
	A='x y' run "$INIT" -- sh -c 'printf "[%s]" "$@" "$A"' sh '' -v 'a  b'
	[ "$output" = "[][-v][a  b][x y]" ]
}

@test "init: wrong options are 125, with what to do" {
	run "$INIT"
	[ "$status" -eq 125 ]
	run "$INIT" --no-such-option true
	[ "$status" -eq 125 ]
	[[ "$output" == *"--no-such-option: is not known; see hull-init --help"* ]]
	run "$INIT" --grace=10years true
	[ "$status" -eq 125 ]
	[[ "$output" == *'"10years"'*"is not a time"* ]]
	run "$INIT" --report-fd 77 true
	[ "$status" -eq 125 ]
	[[ "$output" == *"--report-fd"*"descriptor"* ]]
}

# ---- how the command is started ----------------------------------------------------------------

@test "init: the command starts with no signal blocked, ignored or pending" {
	run "$PROBE" deaf "$INIT" "$PROBE" status
	[ "$status" -eq 0 ]
	[ "$(grep -c 0000000000000000 <<<"$output")" -eq 4 ]
	[[ "$output" == *"leader 1 session 0"* ]]
}

@test "init: --setsid gives the command its own session" {
	run "$INIT" --setsid "$PROBE" status
	[[ "$output" == *"leader 1 session 1"* ]]
	run "$DUMB" "$PROBE" status
	[[ "$output" == *"leader 1 session 1"* ]]
	run "$DUMB" -c "$PROBE" status
	[[ "$output" == *"session 0"* ]]
	DUMB_INIT_SETSID=0 run "$DUMB" "$PROBE" status
	[[ "$output" == *"session 0"* ]]
}

@test "init: runs by descriptor, without its path" {
	run as_pid1 "$PROBE" by-fd "$INIT" hull-init sh -c 'cat /proc/1/comm; exit 6'
	[ "$status" -eq 6 ]
	[ "$output" = hull-init ]
}

@test "init: runs in an empty root with nothing but a static command" {
	need_root
	mkdir root
	cp "$INIT" root/hull-init
	run unshare --pid --fork --root=root /hull-init /hull-init --version
	[ "$status" -eq 0 ]
	[[ "$output" == "hull-init "* ]]
}

@test "init: keeps only the standard descriptors and the report" {
	exec 7</dev/null 8</dev/null
	start_pid1 "$INIT" --report-fd 8 sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	[ "$(ls "/proc/$PID/fd" | tr '\n' ' ')" = "0 1 2 8 " ]
	[ -e "/proc/$(pgrep -P "$PID")/fd/7" ]
	[ ! -e "/proc/$(pgrep -P "$PID")/fd/8" ]
	exec 7<&- 8<&-
}

# ---- reaping -----------------------------------------------------------------------------------

@test "init: 1000 orphans leave no zombie and are children of PID 1" {
	run as_pid1 "$INIT" "$PROBE" orphans 1000
	[ "$output" = "zombies 0 parent 1" ]
}

@test "init: TERM is handled at once while 1000 children exit" {
	local i
	for i in 1 2 3 4 5; do
		as_pid1 "$INIT" --forward main "$PROBE" latency 1000
	done | sort -n >microseconds
	cat microseconds
	# The quickest: all others may have waited for a busy machine's scheduler. Typically 0.2 ms.
	quick "$(head -n 1 microseconds)" 200000
}

@test "init: TERM is handled at once while none exits" {
	start_pid1 "$INIT" sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 143 ]
	quick "$ms" 8000 # less than the grace time
}

@test "init: outside a namespace -s adopts orphans, and so does --wait" {
	run "$INIT" --forward main "$PROBE" adopted
	[ "$output" = "adopted 0" ]
	run "$INIT" --forward main -s "$PROBE" adopted
	[ "$output" = "adopted 1" ]
	run "$INIT" "$PROBE" adopted
	[ "$output" = "adopted 1" ]
	TINI_SUBREAPER=1 run "$TINI" "$PROBE" adopted
	[ "$output" = "adopted 1" ]
}

@test "init: -w names what it reaps" {
	run as_pid1 "$INIT" -w "$PROBE" orphans 3
	[ "$(grep -c 'reaped orphan' <<<"$output")" -ge 3 ]
}

@test "init: a fork bomb that ignores TERM is ended at the grace time" {
	need_root
	local uid=64123
	OPEN=$(mktemp -d) # bats's own folders are closed to other users
	chmod 755 "$OPEN"
	cp "$INIT" "$PROBE" "$OPEN"
	start_pid1 prlimit --nproc=64:64 setpriv --reuid $uid --regid $uid --clear-groups \
		"$OPEN/hull-init" --grace 1 "$OPEN/init_probe" bomb
	wait_for 10 eval '[ "$(pgrep -c -u '$uid')" -ge 60 ]'
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 137 ]
	[ "$ms" -ge 900 ]
	[ "$(pgrep -c -u $uid)" -eq 0 ]
}

# ---- to whom signals go ------------------------------------------------------------------------

@test "init: main, group member and setsid daemon all finish after TERM (auto, all)" {
	local mode
	for mode in auto all; do
		mkdir $mode
		start_pid1 "$INIT" --forward $mode "$PROBE" trio $mode 600
		wait_for 10 test -e $mode/main.ready -a -e $mode/group.ready -a -e $mode/daemon.ready
		begin
		kill -TERM "$PID"
		finish
		[ "$status" -eq 0 ]
		[ -e $mode/main.done ]
		[ -e $mode/group.done ]
		[ -e $mode/daemon.done ]
		[ "$ms" -ge 990 ]
		quick "$ms" 8000 1100
	done
}

@test "init: the same outside a PID namespace" {
	start_plain "$INIT" "$PROBE" trio . 600
	wait_for 10 test -e main.ready -a -e group.ready -a -e daemon.ready
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 0 ]
	[ -e main.done ]
	[ -e group.done ]
	[ -e daemon.done ]
	[ "$ms" -ge 990 ]
}

@test "init: --forward main reaches the main process only, and exits with it" {
	start_pid1 "$INIT" --forward main "$PROBE" trio . 100
	wait_for 10 test -e main.ready -a -e group.ready -a -e daemon.ready
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 0 ]
	[ -e main.done ]
	[ ! -e group.done ]
	[ ! -e daemon.done ]
}

@test "init: --group --wait reaches the group, then the rest when the main process ended" {
	start_pid1 "$INIT" --group --wait "$PROBE" trio . 100
	wait_for 10 test -e main.ready -a -e group.ready -a -e daemon.ready
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 0 ]
	[ -e group.done ]
	[ -e daemon.done ]
	[ "$ms" -ge 590 ] # 100 ms of the main process, then 500 ms of the daemon
}

@test "init: who outlives the main process gets TERM and its time" {
	start_pid1 "$INIT" sh -c "setsid '$PROBE' slow left 300 & until [ -e left.ready ]; do sleep 0.01; done; exit 9"
	begin
	finish
	[ "$status" -eq 9 ]
	[ -e left.done ]
}

@test "init: --rest-signal 0 only waits, --no-wait does not even that" {
	begin
	start_pid1 "$INIT" --rest-signal 0 --grace 0.5 sh -c "setsid sleep 600 & exit 9"
	finish
	[ "$status" -eq 9 ]
	[ "$ms" -ge 490 ]
	begin
	start_pid1 "$INIT" --no-wait --grace $((60 * PATIENCE)) sh -c "setsid '$PROBE' ignore up & until [ -e up ]; do sleep 0.01; done; sleep 0.5; exit 9"
	finish
	[ "$status" -eq 9 ]
	quick "$ms" 30000 # half the grace time
}

@test "init: a stopped process gets TERM too" {
	start_pid1 "$INIT" --grace $((60 * PATIENCE)) sh -c "'$PROBE' slow a 1 & until [ -e a.ready ]; do sleep 0.01; done; kill -STOP \$!; touch up; wait"
	wait_for 10 test -e up
	begin
	kill -TERM "$PID"
	finish
	[ -e a.done ]
	quick "$ms" 30000 # half the grace time
}

@test "init: every signal but KILL, STOP and CHLD is forwarded, real-time ones too" {
	local sig got
	start_pid1 "$INIT" --forward main "$PROBE" catch got
	wait_for 10 grep -q ready got
	for ((sig = 1; sig <= 64; sig++)); do
		case $sig in 9 | 17 | 19 | 32 | 33) continue ;; esac
		kill -$sig "$PID"
		wait_for 10 grep -qx $sig got
	done
	[ "$(wc -l <got)" -eq 60 ] # ready and 59 signals, each once
}

@test "init: auto sends HUP to the main process only, INT to its group" {
	start_pid1 "$INIT" sh -c "'$PROBE' catch group & setsid '$PROBE' catch daemon & exec '$PROBE' catch main"
	wait_for 10 grep -q ready group
	wait_for 10 grep -q ready daemon
	wait_for 10 grep -q ready main
	kill -HUP "$PID"
	wait_for 10 grep -qx 1 main
	kill -INT "$PID"
	wait_for 10 grep -qx 2 main
	wait_for 10 grep -qx 2 group
	kill -TERM "$PID"
	wait_for 10 grep -qx 15 daemon
	wait_for 10 grep -qx 15 group
	run ! grep -qx 1 group
	run ! grep -qxE '1|2' daemon
}

@test "init: --forward HUP:all and --forward TERM:main override single signals" {
	start_pid1 "$INIT" --forward HUP,USR1:all --forward TERM:main sh -c \
		"setsid '$PROBE' catch daemon & exec '$PROBE' catch main"
	wait_for 10 grep -q ready daemon
	wait_for 10 grep -q ready main
	kill -USR1 "$PID"
	wait_for 10 grep -qx 10 daemon
	kill -TERM "$PID"
	wait_for 10 grep -qx 15 main
	nap 50
	run ! grep -qx 15 daemon
}

@test "init: outside a namespace nobody but descendants is signalled" {
	sleep 600 3>&- &
	local bystander=$!
	start_plain "$INIT" --forward all sh -c 'setsid sleep 600 & sleep 600'
	wait_for 10 eval '[ "$(pgrep -c -x -P "$PID,$(pgrep -P "$PID" -d,)" sleep)" = 2 ]'
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 143 ]
	quick "$ms" 8000 # less than the grace time
	kill -0 $bystander
	kill -KILL $bystander
}

@test "init: signals are rewritten by name and number, and dropped with 0" {
	start_pid1 "$INIT" -r TERM:USR2 --rewrite 1:SIGUSR1 -r INT:0 "$PROBE" catch got
	wait_for 10 grep -q ready got
	kill -INT "$PID"
	kill -HUP "$PID"
	wait_for 10 grep -qx 10 got
	kill -TERM "$PID"
	wait_for 10 grep -qx 12 got
	run ! grep -qxE '1|2|15' got
	run "$INIT" -r TERM true
	[ "$status" -eq 125 ]
}

@test "init: dumb-init's -r and group, tini's main and -g" {
	start_pid1 "$DUMB" -r 15:3 sh -c "'$PROBE' catch group & exec '$PROBE' catch main"
	wait_for 10 grep -q ready group
	wait_for 10 grep -q ready main
	kill -TERM "$PID"
	wait_for 10 grep -qx 3 group
	wait_for 10 grep -qx 3 main
	kill -KILL "$PID"
	begin
	finish
	start_pid1 "$TINI" sh -c "'$PROBE' catch group2 & exec '$PROBE' catch main2"
	wait_for 10 grep -q ready group2
	wait_for 10 grep -q ready main2
	kill -HUP "$PID"
	wait_for 10 grep -qx 1 main2
	run ! grep -qx 1 group2
	kill -KILL "$PID"
	finish
	TINI_KILL_PROCESS_GROUP=1 start_pid1 "$TINI" sh -c "'$PROBE' catch group3 & exec '$PROBE' catch main3"
	wait_for 10 grep -q ready group3
	wait_for 10 grep -q ready main3
	kill -HUP "$PID"
	wait_for 10 grep -qx 1 group3
}

# Enter the namespace as an exec session does.
enter() {
	nsenter --target "$PID" --pid --mount --wd="$PWD" "$@" 3>&- &
}

@test "init: who entered from outside gets TERM and its time" {
	start_pid1 "$INIT" sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	enter "$PROBE" slow outsider 400
	wait_for 10 test -e outsider.ready
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 143 ]
	[ -e outsider.done ]
	[ "$ms" -ge 390 ]
	quick "$ms" 8000 400 # less than the grace time
}

@test "init: who entered from outside and ignores TERM does not hold the stop up" {
	start_pid1 "$INIT" sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	enter "$PROBE" ignore up
	wait_for 10 test -e up
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 143 ]
	quick "$ms" 8000 # less than the grace time
}

# ---- the end of the grace time -----------------------------------------------------------------

@test "init: who ignores TERM is killed at the grace time, and named" {
	start_pid1 "$INIT" --grace 1 "$PROBE" ignore up 2>err
	wait_for 10 test -e up
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 137 ]
	[ "$ms" -ge 990 ]
	grep -q 'process 2 (init_probe) did not end in the grace time' err
}

@test "init: the main process's code stands when another had to be killed" {
	start_pid1 "$INIT" --grace 500ms sh -c "setsid '$PROBE' ignore up & until [ -e up ]; do sleep 0.01; done; exit 3"
	begin
	finish
	[ "$status" -eq 3 ]
}

@test "init: the same outside a namespace" {
	start_plain "$INIT" --grace 0.5 sh -c "setsid '$PROBE' ignore up & exec '$PROBE' ignore up2" 2>err
	wait_for 10 test -e up -a -e up2
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 137 ]
	[ "$ms" -ge 490 ]
	[ "$(grep -c 'did not end' err)" -eq 2 ]
}

@test "init: a second TERM does not lengthen the grace time" {
	start_pid1 "$INIT" --grace $((4 * PATIENCE)) "$PROBE" ignore up
	wait_for 10 test -e up
	kill -TERM "$PID"
	nap 3000
	begin
	kill -TERM "$PID" || true # a busy machine may have slept longer
	finish
	quick "$ms" 4000 # the grace time, of which most is over
}

@test "init: --grace none waits for ever, a queued stop brings its own time" {
	start_pid1 "$INIT" --grace none "$PROBE" ignore up
	wait_for 10 test -e up
	kill -TERM "$PID"
	sleep 0.3
	kill -0 "$PID"
	begin
	"$PROBE" queue "$PID" 15 200
	finish
	[ "$status" -eq 137 ]
	[ "$ms" -ge 190 ]
}

@test "init: a stop signal of the image begins the stop, and goes to all" {
	start_pid1 "$INIT" --stop-signal RTMIN+3 --grace 0.3 "$PROBE" catch got
	wait_for 10 grep -q ready got
	begin
	kill -37 "$PID"
	finish
	[ "$status" -eq 137 ]
	grep -qx 37 got
}

@test "init: without --wait there is no grace time: main ignores TERM and lives" {
	start_pid1 "$INIT" --forward main --grace 0.1 "$PROBE" ignore up
	wait_for 10 test -e up
	kill -TERM "$PID"
	sleep 0.6
	kill -0 "$PID"
}

@test "init: KILL from outside ends the namespace at once" {
	start_pid1 "$INIT" sh -c 'setsid sleep 600 & sleep 600'
	wait_for 10 pgrep -P "$PID" sh
	begin
	kill -KILL "$PID"
	finish
	quick "$ms" 8000 # less than the grace time
}

@test "init: KILL and STOP from inside do nothing to PID 1" {
	start_pid1 "$INIT" sh -c 'kill -STOP 1; kill -KILL 1; touch tried; sleep 600'
	wait_for 10 test -e tried
	nap 100
	kill -0 "$PID"
	wait_for 10 is_state "$PID" S
}

# ---- stop and continue -------------------------------------------------------------------------

state_of() {
	awk '{sub(/.*\) /, ""); print $1}' "/proc/$1/stat"
}

is_state() {
	[ "$(state_of "$1")" = "$2" ]
}

# Whoever inherited it may reap it late.
has_ended() {
	[ ! -e "/proc/$1" ] || is_state "$1" Z
}

@test "init: TSTP stops and CONT continues everybody" {
	start_pid1 "$INIT" sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	local child
	child=$(pgrep -P "$PID" sleep)
	kill -TSTP "$PID"
	wait_for 10 is_state "$child" T
	wait_for 10 is_state "$PID" S
	kill -CONT "$PID"
	wait_for 10 is_state "$child" S
}

@test "init: with a session of its own TSTP is sent as STOP" {
	start_pid1 "$DUMB" sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	local child
	child=$(pgrep -P "$PID" sleep)
	kill -TSTP "$PID"
	wait_for 10 is_state "$child" T
	kill -CONT "$PID"
	wait_for 10 is_state "$child" S
}

@test "init: outside a namespace it stops itself after TSTP, and continues both" {
	start_plain "$INIT" sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	local child
	child=$(pgrep -P "$PID" sleep)
	kill -TSTP "$PID"
	wait_for 10 is_state "$PID" T
	kill -CONT "$PID"
	wait_for 10 is_state "$PID" S
	wait_for 10 is_state "$child" S
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 143 ]
}

# ---- the terminal ------------------------------------------------------------------------------

@test "init: the command has the terminal's foreground" {
	run within 20 script -qec "$INIT $PROBE status" /dev/null </dev/null
	[[ "$output" == *"leader 1 session 0 foreground 1"* ]]
	run within 20 script -qec "$INIT --no-terminal $PROBE status" /dev/null </dev/null
	[[ "$output" == *"foreground 0"* ]]
	need_root
	run within 20 script -qec "unshare -pf --mount-proc $INIT $PROBE status" /dev/null </dev/null
	[[ "$output" == *"foreground 1"* ]]
}

@test "init: as session leader of a terminal, --setsid hands the terminal over" {
	run within 20 script -qec "exec $INIT --setsid $PROBE status" /dev/null </dev/null
	[[ "$output" == *"session 1 foreground 1"* ]]
	run within 20 script -qec "exec $DUMB $PROBE status" /dev/null </dev/null
	[[ "$output" == *"session 1 foreground 1"* ]]
}

@test "init: reading from the terminal and ^C work" {
	run within 20 script -qec "$INIT sh -c 'read line; echo got \$line'" /dev/null <<<"hello"
	[[ "$output" == *"got hello"* ]]
	run within 20 script -qec "$INIT sh -c 'trap \"echo interrupted; touch done; exit 5\" INT; touch up; while :; do sleep 0.05; done'" \
		/dev/null < <(wait_for 10 test -e up; printf '\003'; wait_for 10 test -e done)
	[ "$status" -eq 5 ]
	[[ "$output" == *interrupted* ]]
}

@test "init: the foreground is given back, a script can read on" {
	run within 20 script -qec "sh -c '$INIT true; read line; echo then \$line'" /dev/null <<<"hello"
	[[ "$output" == *"then hello"* ]]
}

@test "init: ^Z gives the shell its prompt back, fg continues" {
	# twice WORD: what the terminal echoes, and what cat does
	twice() { [ "$(grep -c "$1" screen)" -ge 2 ]; }
	run within 20 script -qefc "bash --norc -i" screen < <(
		echo "$INIT cat"
		wait_for 10 pgrep -f -x "$INIT cat"
		echo before
		wait_for 10 twice before
		printf '\032'
		wait_for 10 grep -q Stopped screen
		echo 'echo at-$((40+2))-prompt; fg'
		wait_for 10 grep -q at-42-prompt screen
		echo word
		wait_for 10 twice word
		printf '\004'
		echo 'echo rc-$?; exit'
		wait_for 10 grep -q rc-0 screen
	)
	[[ "$output" == *Stopped* ]]
	[[ "$output" == *at-42-prompt* ]]
	[ "$(grep -c '^word' <<<"$output")" -ge 2 ] # the echo of the terminal and that of cat
	[[ "$output" == *rc-0* ]]
}

# ---- other options -----------------------------------------------------------------------------

@test "init: -p: a signal when the parent dies" {
	start_plain "$PROBE" orphaned pid "$INIT" -p TERM sleep 600
	begin
	finish
	wait_for 10 has_ended "$(cat pid)"
}

@test "init: -e turns exit codes into success" {
	run "$INIT" -e 143 -e 7 sh -c 'exit 7'
	[ "$status" -eq 0 ]
	run "$INIT" --success-code 143 "$PROBE" die 15
	[ "$status" -eq 0 ]
	run "$INIT" -e 143 sh -c 'exit 8'
	[ "$status" -eq 8 ]
	run "$TINI" -e 300 true
	[ "$status" -eq 1 ]
}

@test "init: -v tells what is done" {
	start_pid1 "$INIT" -v sleep 600 2>err
	wait_for 10 pgrep -P "$PID" sleep
	kill -TERM "$PID"
	begin
	finish
	grep -q 'started sleep as process 2' err
	grep -q 'received SIGTERM, sent SIGTERM to all processes' err
	grep -q 'main process ended by SIGTERM' err
}

@test "init: help, version, licence; letters of each dialect" {
	run "$INIT" --help
	[ "$status" -eq 0 ]
	[[ "$output" == *--forward*--license* ]]
	for flag in -V --version; do
		run "$INIT" $flag
		[[ "$output" == "hull-init "[0-9]* ]]
	done
	run "$INIT" -l
	[[ "$output" == *Apache* ]]
	run "$TINI" -V
	[ "$status" -eq 1 ]
	run "$TINI" --version
	[ "$status" -eq 0 ]
	run "$DUMB" -V
	[ "$status" -eq 0 ]
	run "$DUMB" -s true
	[ "$status" -eq 1 ]
	run "$DUMB" no-such-command
	[ "$status" -eq 2 ]
}

@test "init: every option is in the manual page" {
	local option page="$BATS_TEST_DIRNAME/../../docs/man/hull-init.1"
	for option in $("$INIT" --help | grep -o -- '--[a-z][a-z-]*'); do
		grep -E '^\.It Fl' "$page" | grep -qE -- " -${option#--}( |\$)" ||
			{ echo "$option is not in the manual page"; return 1; }
	done
}

@test "init: a full standard error does not stop it" {
	start_pid1 "$PROBE" full "$INIT" -v -w --grace 0.3 "$PROBE" ignore up
	wait_for 10 test -e up
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 137 ]
}

@test "init: a closed standard error signals nobody" {
	start_pid1 bash -c "exec 2> >(:); sleep 0.1; exec '$INIT' -v --forward all '$PROBE' catch got"
	wait_for 10 grep -q ready got
	kill -USR1 "$PID"
	wait_for 10 grep -qx 10 got
	kill -USR2 "$PID"
	wait_for 10 grep -qx 12 got
	run ! grep -qx 13 got
}

# ---- the report --------------------------------------------------------------------------------

@test "init: the report tells a stop in full" {
	mkfifo fifo
	"$PROBE" report <fifo >report 3>&- &
	start_pid1 "$INIT" --grace 0.3 --report-fd 9 "$PROBE" ignore up 9>fifo
	wait_for 10 test -e up
	begin
	kill -TERM "$PID"
	finish
	wait_for 10 grep -q exiting report
	cat report
	[ "$(cut -d' ' -f1 report | tr '\n' ' ')" = "started forwarded stopping killed main-ended exiting " ]
	grep -q '^started pid=2 ' report
	grep -q '^forwarded pid=0 value=15 signal=15 scope=2 count=-1 error=0' report
	grep -q '^stopping pid=0 value=300 signal=15' report
	grep -q '^killed pid=2 .*comm=init_probe' report
	grep -q '^main-ended pid=2 value=9 ' report
	grep -q '^exiting pid=0 value=137 ' report
}

@test "init: the report tells why a command could not run" {
	"$INIT" --report-fd 9 /no/such 9>report.bin 2>/dev/null || true
	"$PROBE" report <report.bin >report
	cat report
	grep -q '^exec-failed .*value=2 .*comm=such' report
}

@test "init: the report names at most 16 survivors and counts the others" {
	start_pid1 "$INIT" --grace 0.5 --report-fd 9 sh -c \
		"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do '$PROBE' ignore up\$i & done; exec '$PROBE' ignore up" \
		9>report.bin 2>/dev/null
	wait_for 10 eval '[ "$(ls up* | wc -l)" -eq 20 ]'
	kill -TERM "$PID"
	begin
	finish
	"$PROBE" report <report.bin >report
	[ "$(grep -c '^killed pid=[1-9]' report)" -eq 16 ]
	grep -q '^killed pid=0 .*count=4 ' report
}

@test "init: a report that nobody reads stops nothing" {
	mkfifo fifo
	exec 9<>fifo
	# Fill the pipe to the brim.
	dd if=/dev/zero of=fifo bs=1 count=100000 oflag=nonblock 2>/dev/null || true
	start_pid1 "$INIT" --report-fd 9 sleep 600
	wait_for 10 pgrep -P "$PID" sleep
	begin
	kill -TERM "$PID"
	finish
	[ "$status" -eq 143 ]
	quick "$ms" 8000 # less than the grace time
	exec 9>&-
}
