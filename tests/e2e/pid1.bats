#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# PID 1 done right: signals, zombies, graceful stops. Each case bears the number of its promise.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

stat_state() {
	sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f1
}

# stop_ms CONTAINER [OPTION...]: how long `stop` took; what it said is in the file said.
stop_ms() {
	local before
	before=$(now_ms)
	hull stop "$@" >/dev/null 2>said
	echo $(($(now_ms) - before))
}

# PID 1 may end so soon that the kernel ends the exec with it.
kill_from_inside() {
	hull exec "$1" kill 1 || assert_equal 137 $?
}

# bats test_tags=fast
@test "P1: KILL and STOP from inside never reach PID 1" {
	hull run -d --name cc test sleep 600
	pid=$(pid_of cc)
	started=$(hull inspect -f '{{.State.StartedAt}}' cc)
	hull exec cc kill -9 1
	hull exec cc kill -STOP 1
	sleep 0.5
	assert_equal "$pid" "$(pid_of cc)"
	assert_equal "$started" "$(hull inspect -f '{{.State.StartedAt}}' cc)"
	[ "$(stat_state "$pid")" != T ]
}

# bats test_tags=fast,same
@test "P2: KILL from outside ends it: 137" {
	hull run -d --name cc test sleep 600
	hull kill -s KILL cc
	assert_equal 137 "$(hull wait cc)"
	assert_equal 137 "$(hull inspect -f '{{.State.ExitCode}}' cc)"
}

@test "P3: other signals work only with a handler; stop says so at once" {
	hull run -d --name with test /probe graceful /tmp/mark 0
	hull run -d --name without test sleep 600
	wait_ready with
	kill_from_inside with
	wait_for 1 has_status with exited
	hull exec without kill 1
	sleep 1
	assert_equal running "$(status_of without)"
	"$HULL" stop -t $((60 * PATIENCE)) without 2>said 3>&- &
	stop=$!
	started_by_test $stop
	wait_for 1 grep -q "no handler" said
	assert_equal running "$(status_of without)"
	hull kill without
	wait $stop
	assert_equal 137 "$(hull wait without)"
}

@test "P4: a handler ends it on kill 1, the attached client and exec end with it" {
	"$HULL" run --name cc test /probe graceful /tmp/mark 0 >out 2>&1 3>&- &
	client=$!
	started_by_test $client
	wait_ready cc
	"$HULL" exec cc sleep 600 3>&- &
	session=$!
	started_by_test $session
	wait_for 5 eval '[ "$(hull top cc | grep -c "sleep 600")" = 1 ]'
	kill_from_inside cc
	wait $client
	code=0
	wait $session || code=$?
	assert_equal 137 $code
	assert_equal "" "$(hull ps -q)"
}

@test "P5: the caught signals are those that the program asked for" {
	hull run -d --name cc test /probe handlers
	wait_ready cc
	mask=$(awk '/^SigCgt/ { print $2 }' "/proc/$(pid_of cc)/status")
	# USR1 (10), TERM (15), RTMIN+3 (37)
	want=$(printf '%016x' $((1 << 9 | 1 << 14 | 1 << 36)))
	assert_equal "$want" "$mask"
	assert_equal "$mask" "$(hull exec cc awk '/^SigCgt/ { print $2 }' /proc/1/status)"
}

@test "P6: a program starts with default dispositions and nothing blocked, whoever calls hull" {
	cat >ignore.py <<'PY'
import os, signal, sys
for s in (signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1):
    signal.signal(s, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR2, signal.SIGWINCH})
os.execv(sys.argv[1], sys.argv[1:])
PY
	run python3 ignore.py "$HULL" run --rm test grep -E '^Sig(Blk|Ign)' /proc/self/status
	assert_line '^SigBlk:\s0000000000000000$'
	assert_line '^SigIgn:\s0000000000000000$'
	hull run -d --name cc test sleep 600
	run python3 ignore.py "$HULL" exec cc grep -E '^Sig(Blk|Ign)' /proc/self/status
	assert_line '^SigBlk:\s0000000000000000$'
	assert_line '^SigIgn:\s0000000000000000$'
}

@test "P7: kill without a signal sends TERM inside, KILL from hull" {
	hull run -d --name cc test /probe handlers
	wait_ready cc
	kill_from_inside cc
	hull wait cc
	assert_equal "signal 15" "$(hull logs cc | tail -n 1)"
	hull run -d --name dd test sleep 600
	hull kill dd
	assert_equal 137 "$(hull wait dd)"
}

# How long it may take is measured by what the same machine takes for the other half of the same stop: from the command to
# the mark (with the 100 ms that the program wants), from the mark to the end. A busy machine can spoil one round.
# bats test_tags=fast
@test "P8: TERM caught: a quick stop, exit code 0, the mark is written" {
	local began marked ended
	mkdir mark
	for _ in 1 2 3 4 5; do
		hull run -d --name cc -v "$WORK/mark:/mark" test /probe graceful /mark/done 100
		wait_ready cc
		began=$(date +%s%N)
		stop_ms -t 600 cc
		ended=$(date +%s%N)
		marked=$(stat -c %.9Y mark/done | tr -d .)
		assert_equal 0 "$(hull wait cc)"
		[ $((ended - marked)) -ge $((marked - began)) ] || break
		hull rm cc
		rm mark/done
	done
	[ $((ended - marked)) -lt $((marked - began)) ] || fail "the mark after $((marked - began)) ns, the end $((ended - marked)) ns later"
}

@test "P9: HUP reloads, and ends what does not catch it" {
	hull run -d --name cc test /probe reload /tmp/count
	wait_ready cc
	pid=$(pid_of cc)
	hull kill -s HUP cc
	wait_for 5 eval '[ "$(hull exec cc cat /tmp/count)" = "1 1" ]'
	hull kill -s HUP cc
	wait_for 5 eval '[ "$(hull exec cc cat /tmp/count)" = "2 1" ]'
	assert_equal "$pid" "$(pid_of cc)"
	assert_equal 129 "$(hull run --rm test sh -c 'sleep 600 & kill -HUP $!; wait $!; echo $?')"
}

# hang_up OPTION...: run -it until it says "ready", then close the client's terminal. The command is the last.
hang_up() {
	cat >hangup.py <<'PY'
import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
out = b""
while b"ready" not in out:
    out += os.read(master, 4096)
os.close(master)
os.waitpid(pid, 0)
PY
	within 30 python3 hangup.py "$HULL" run -it "${@:1:$#-1}" test sh -c "${!#}"
}

@test "P9: the end of the client's terminal hangs up PID 1" {
	local work='trap "exit 44" HUP; echo ready; while :; do sleep 0.1; done'
	hang_up --name cc "$work"
	wait_for 5 has_status cc exited
	assert_equal 44 "$(hull wait cc)"
	hang_up --name dd --sig-proxy=false "$work"
	hull exec dd sleep 0.5
	assert_equal running "$(status_of dd)"
	for _ in 1 2 3 4 5; do # the client learns of it by its write, or by the signal
		hang_up --rm --name ff 'trap "exit 44" HUP; echo ready; yes & while :; do sleep 0.1; done'
		wait_for 5 eval '[ -z "$(hull ps -aqf name=ff)" ]'
	done
	# As with docker: nothing ends a PID 1 that has no handler.
	hang_up --name ee 'echo ready; sleep 600'
	assert_equal running "$(status_of ee)"
}

@test "P9: the end of the client's terminal hangs up the foreground group, and no other" {
	local init note='trap "echo >>/tmp/%s; exit" HUP; %s; while :; do sleep 0.1; done' front back
	# shellcheck disable=SC2059
	front=$(printf "$note" front 'echo ready') back=$(printf "$note" back 'echo >/tmp/up')
	for init in false true; do
		hang_up --name "cc$init" --init=$init "trap 'echo >>/tmp/main' HUP; set -m; sh -c '$back' </dev/null &
			until [ -e /tmp/up ]; do sleep 0.1; done; sh -c '$front'; while :; do sleep 0.1; done"
		wait_for 5 hull exec "cc$init" test -e /tmp/main
		assert_equal "1 /tmp/front 1 /tmp/main" "$(hull exec "cc$init" sh -c 'wc -l /tmp/[bfm]*' | grep -v total | xargs)"
		assert_equal running "$(status_of "cc$init")"
	done
}

@test "P10: KILL cannot be caught, blocked or ignored" {
	hull run -d --name cc test /probe deaf
	wait_ready cc
	hull kill -s KILL cc
	assert_equal 137 "$(hull wait cc)"
}

@test "P11: without an init, stop reaches PID 1 alone; the others are killed with it" {
	mkdir marks
	hull run -d --name cc -v "$WORK/marks:/m" test /probe family /m 300
	wait_ready cc
	hull stop cc
	assert_equal main "$(ls marks)"
}

@test "P12: the end of PID 1 ends the whole namespace" {
	hull run -d --name cc test sh -c '/probe deaf & until [ -e /tmp/go ]; do sleep 0.05; done; exit 3'
	child=
	find_child() { child=$(pgrep -P "$(pid_of cc)" -x probe); }
	wait_for 5 find_child
	let_end cc /tmp/go
	assert_equal 3 "$(hull wait cc)"
	wait_for 1 test ! -d "/proc/$child"
}

# bats test_tags=fast
@test "P13: with hull's init a stop is graceful for all: main, child and daemon" {
	mkdir marks
	hull run -d --init --name cc -v "$WORK/marks:/m" test /probe family /m 600
	wait_ready cc
	took=$(stop_ms -t $((20 * PATIENCE)) cc)
	assert_equal "child
daemon
main" "$(ls marks)"
	[ "$took" -ge 600 ]
	quick "$took" 15000 # less than the grace time
	assert_equal 0 "$(hull wait cc)"
}

@test "P13: --init=main and --init=group forward to fewer" {
	mkdir main group
	hull run -d --init=main --name mm -v "$WORK/main:/m" test /probe family /m 200
	hull run -d --init=group --name gg -v "$WORK/group:/m" test /probe family /m 200
	wait_ready mm
	wait_ready gg
	hull stop -t 20 mm gg
	[ -e main/main ] && [ ! -e main/daemon ]
	[ -e group/main ] && [ -e group/child ] && [ ! -e group/daemon ]
}

# The grace time is counted by a sleep beside it.
@test "P14: a child that hijacks TERM is killed at the end of the grace time, and named" {
	local began took slept
	for _ in 1 2 3; do
		hull run -d --init --name cc test /probe stubborn
		wait_ready cc
		began=$(now_ms)
		(sleep 2 && now_ms >slept) 3>&- &
		took=$(stop_ms -t 2 -v cc)
		wait $!
		slept=$(($(cat slept) - began))
		[ "$took" -ge 1900 ]
		grep -q stubborn said || fail "$(cat said)"
		assert_equal 0 "$(hull wait cc)"
		[ "$took" -ge $((2 * slept)) ] || break
		hull rm cc
	done
	[ "$took" -lt $((2 * slept)) ] || fail "it took $took ms, a sleep of the grace time $slept"
}

@test "P15: zombies of a PID 1 that never waits fill the pids limit" {
	hull run -d --name cc --pids-limit 12 test /probe neglect
	wait_ready cc
	run hull logs cc
	assert_line '^11 children, then EAGAIN$'
	assert_equal 11 "$(ps --ppid "$(pid_of cc)" -o stat= | grep -c '^Z')"
	assert_equal 12 "$(cgroup_value cc pids pids.current pids.current)"
}

# ticks PID: the processor time that it has used itself, in the kernel's hundredths of a second.
ticks() {
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# Not how long it takes, but how often one must look, and what it costs beside what making them did.
# bats test_tags=fast
@test "P16: a thousand orphans are reaped by the init" {
	local looks=0 init
	hull run -d --init --name cc test /probe orphans 1000
	wait_ready cc 30
	while hull top cc -o pid,stat | grep -q ' Z'; do
		looks=$((looks + 1))
		[ $looks -lt 10 ] || fail "$looks looks, and still: $(hull top cc -o pid,stat)"
	done
	init=$(pid_of cc)
	[ "$(ticks "$init")" -le "$(ticks "$(pgrep -P "$init" -x probe)")" ] ||
		fail "hull-init has used $(ticks "$init") ticks, who made the orphans $(ticks "$(pgrep -P "$init" -x probe)")"
	hull exec -d cc sh -c 'sleep 50 & exit'
	adopted() { hull top cc -o pid,ppid,args | grep -q " $(pid_of cc) .*sleep 50"; }
	wait_for 5 adopted
}

@test "P17: the init is quick to pass a signal on while children end" {
	hull run -d --init --name cc test sh -c '/probe orphans 3000 & exec /probe graceful /tmp/x 0'
	wait_ready cc
	took=$(stop_ms cc)
	quick "$took" 8000 # less than the grace time
	assert_equal 0 "$(hull wait cc)"
}

@test "P18: process states are the kernel's; X is never listed" {
	hull run -d --name cc test sh -c 'while :; do :; done'
	wait_for 10 eval 'hull top cc -o pid,stat,comm | grep -q " [RS]"'
	hull pause cc
	hull unpause cc
	hull run -d --name dd test sh -c 'sleep 600 & kill -STOP $!; wait'
	wait_for 5 eval 'hull top dd -o pid,stat,comm | grep -q " T"'
	run ! grep ' X' <<<"$(hull top dd -o pid,stat,comm)"
}

@test "P19: a zombie cannot be killed" {
	hull run -d --name cc test /probe neglect
	wait_ready cc
	zombie=$(hull exec cc sh -c 'for p in /proc/[0-9]*; do grep -q "^State:.Z" $p/status && echo ${p#/proc/} && break; done')
	hull exec cc kill -9 "$zombie"
	assert_equal Z "$(hull exec cc awk '/^State/ { print $2 }' "/proc/$zombie/status")"
	run -0 hull explain cc zombies
	assert_has "1 probe"
	assert_has "a zombie cannot be killed, it has ended: its parent must wait for it"
}

@test "P20: the parent of PID 1 is hull's monitor; after the end no zombie on the host" {
	hull run -d --name cc test sleep 600
	pid=$(pid_of cc)
	parent=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
	[[ "$(readlink "/proc/$parent/exe")" == */hull-monitor ]]
	hull kill cc
	wait_for 2 test ! -d "/proc/$pid"
}

@test "P21: --init puts hull's init first, the command is its child" {
	run hull run --rm --init test sh -c 'cat /proc/1/comm; echo $$'
	assert_line 'hull-init'
	assert_line '^2$'
	make_image bare
	assert_equal 7 "$(hull run --rm --init bare sh -c 'exit 7'; echo $?)"
}

@test "P22: every process descends from PID 1 or from an exec" {
	hull run -d --name cc test sh -c 'sh -c "sleep 61 & sleep 62 & wait" & wait'
	wait_for 5 eval '[ "$(hull top cc -o pid,comm | grep -c " sleep$")" = 2 ]'
	hull exec -d cc sleep 63
	wait_for 5 eval '[ "$(hull top cc -o pid,comm | grep -c " sleep$")" = 3 ]'
	run hull exec cc ps -o pid,ppid,args
	awk 'NR > 1 { is[$1]; parent[$2] } END { for (p in parent) if (p != 0 && !(p in is)) exit 1 }' <<<"$output"
	assert_line '^ *1 +0 sh -c'
	assert_line '^ *[0-9]+ +0 sleep 63$'
}

# bats test_tags=fast
@test "P23: a fork bomb stays inside its limit" {
	hull run -d --init --name cc --pids-limit 64 test /probe breed
	sleep 1
	n=$(cgroup_value cc pids pids.current pids.current)
	[ "$n" -le 64 ] || fail "$n processes"
	assert_equal ok "$(hull run --rm test echo ok)"
	run within 20 "$HULL" kill cc 3>&-
	assert_status 0
	assert_equal 137 "$(hull wait cc)"
}

@test "P24: an image without a command is an error that says so" {
	tar -C "$ROOTFS" -c . | hull import - empty >/dev/null
	run hull run --rm empty
	assert_status 125
	assert_has "command"
	assert_equal x "$(hull run --rm --entrypoint echo empty x)"
}

@test "P24: --init-path: another init of the host, which gets the signals" {
	# In the image is nothing of it: a static program.
	cat >init.c <<-'C'
		#include <signal.h>
		#include <string.h>
		#include <unistd.h>
		static void tell(int s) { (void)s; write(1, "init: TERM\n", 11); _exit(7); }
		int main(int argc, char **argv)
		{
			sigset_t set;
			sigprocmask(SIG_BLOCK, 0, &set);
			if (argc < 3 || strcmp(argv[1], "--") || sigismember(&set, SIGTERM))
				return 1;
			signal(SIGTERM, tell);
			if (fork() == 0)
				return execvp(argv[2], argv + 2);
			for (;;)
				pause();
		}
	C
	cc -static -O1 -w -o own-init init.c
	hull run -d --name cc --init-path "$PWD/own-init" test sh -c 'echo ready; exec sleep 600'
	wait_ready cc
	assert_equal own-init "$(hull exec cc cat /proc/1/comm)"
	hull stop cc >/dev/null
	assert_equal 7 "$(hull wait cc)"
	logs_have cc "init: TERM"
	run hull run --rm --init-path /no/such/init test true
	assert_status 125
	assert_has "/no/such/init"
	run hull run --rm --init-path init test true
	assert_has "absolute"
	run hull run --rm --init-path "$PWD/own-init" --init=all test true
	assert_has "conflicting"
}

# Of the host's own tree, with no unit but an empty one, lest it set up the host's kernel.
@test "P24: systemd as PID 1, ended by the signal that it wants" {
	[ -x /lib/systemd/systemd ] || skip "there is no systemd here"
	local scope=/sys/fs/cgroup/systemd/init.scope made=
	[ -d /sys/fs/cgroup/systemd ] && [ ! -d $scope ] && made=$scope
	mkdir units
	printf '[Unit]\nDefaultDependencies=no\n' >units/probe.target
	hull run -dt --name cc --rootfs /:O --privileged --network none --cgroupns private --tmpfs /run --tmpfs /tmp \
		-v "$WORK/units:/units:ro" -e SYSTEMD_UNIT_PATH=/units:/lib/systemd/system -e container=docker \
		--stop-signal RTMIN+3 /lib/systemd/systemd --unit=probe.target --log-target=console
	wait_for 20 logs_have cc "Startup finished"
	assert_equal systemd "$(hull exec cc cat /proc/1/comm)"
	hull exec cc sh -c 'setsid sleep 0.1 &'
	wait_for 5 eval '! hull top cc | grep -q "sleep 0.1"'
	stop_ms -t 20 -v cc
	grep -q 'RTMIN+3 ended it' said || fail "$(cat said)"
	hull rm cc
	[ -z "$made" ] || rmdir "$made"
}

@test "P24: --systemd: it needs no privileges, starts its units in groups of its own, and stops as it wants" {
	if ! grep -q '^cgroup2 /sys/fs/cgroup ' /proc/mounts; then
		run hull run --rm --systemd test true
		assert_status 125
		assert_has "control groups of version 1"
		return
	fi
	[ -x /lib/systemd/systemd ] || skip "there is no systemd here"
	mkdir units
	printf '[Unit]\nDefaultDependencies=no\nRequires=job.service\n' >units/probe.target
	printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 600\n' >units/job.service
	hull run -dt --name cc --rootfs /:O --systemd --network none -m 256m -v "$WORK/units:/units:ro" \
		-e SYSTEMD_UNIT_PATH=/units:/lib/systemd/system \
		/lib/systemd/systemd --unit=probe.target --log-target=console
	wait_for 60 logs_have cc "Startup finished"
	assert_equal systemd "$(hull exec cc cat /proc/1/comm)"
	job_group() { hull exec cc sh -c 'cat /proc/[0-9]*/cgroup' | grep -q 'job\.service'; }
	wait_for 20 job_group
	assert_equal tmpfs "$(hull exec cc stat -f -c %T /run)"
	assert_equal RTMIN+3 "$(hull inspect -f '{{.Config.StopSignal}}' cc)"
	hull stop -t 60 cc >/dev/null
	[ "$(hull inspect -f '{{.State.ExitCode}}' cc)" != 137 ]
	run hull run --rm --systemd --cgroupns host test true
	assert_status 125
}

@test "P26: stop tells what was killed, and is silent after a graceful end" {
	hull run -d --name good test /probe graceful /tmp/x 0
	hull run -d --name bad test sleep 600
	wait_ready good
	stop_ms good
	assert_equal "" "$(cat said)"
	stop_ms -t 1 bad
	grep -q killed said
	hull run -d --name told test /probe graceful /tmp/x 0
	wait_ready told
	stop_ms -v told
	grep -q 'exit code 0' said
}

# strace holds each program for a while between its execve and its first instruction.
@test "a signal that comes before hull-init has begun is not lost" {
	command -v strace >/dev/null || skip "needs strace"
	strace -f -qq -o /dev/null -e trace=execveat -e inject=execveat:delay_exit=$((PATIENCE * 500000)) \
		"$HULL" run -d --init --name cc test sleep 600 >out 3>&- &
	local tracer=$!
	wait_for 20 test -s out
	hull kill -s TERM cc
	assert_equal 143 "$(within 20 "$HULL" wait cc 3>&-)"
	# It may wait for more than there is.
	kill -KILL "$tracer" 2>/dev/null || true
}
