#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull system record: who sent a signal that hull did not send, told by hull why.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

record() {
	"$HULL" system record 2>record.err 3>&- &
	RECORDER=$!
	STARTED+=("$RECORDER")
	wait_for 10 grep -qx recording record.err
}
verdict() {
	hull why "$1" | sed -n "1s/^$1: //p"
}
ended() {
	[ "$(status_of "$1")" = exited ]
}

# The recorder takes what happens in its order: once it has this, it has seen all that was there before. A short-lived
# process is known by who forked it.
caught_up() {
	wait_for 20 is_marked
}
# On a busy machine it comes later than the end of one that lives so shortly, and does not know whose it was.
is_marked() {
	hull run -d --name mark test sleep 600 && kill -KILL "$(pid_of mark)" && wait_for 10 ended mark
	[[ $(verdict mark) == 'it was ended by SIGKILL, sent from outside'* ]]
	local seen=$?
	hull rm -f mark
	return $seen
}
# runs_seen STATUS RUN_ARGUMENT... COMMAND: the shell runs COMMAND once the recorder has seen that shell. --name is first.
runs_seen() {
	local status=$1 name=$3
	hull run -d "${@:2:$#-2}" test sh -c "until [ -e /go ]; do usleep 20000; done; ${*: -1}"
	caught_up
	let_end "$name" /go
	assert_equal "$status" "$(hull wait "$name")"
}

@test "record: a kill from the machine: by whom, whose child, which user; also of one that ran before" {
	hull run -d --name old test sleep 600
	record
	hull run -d --name new test sleep 600
	for name in old new; do
		bash -c '/bin/kill -KILL "$1"; :' sender "$(pid_of "$name")"
		wait_for 10 ended "$name"
		wait_for 10 eval "[[ \$(verdict $name) == 'it was ended by SIGKILL, sent from outside of the container, not by hull: kill['* ]]"
		[[ $(verdict "$name") =~ :\ kill\[[0-9]+\],\ which\ bash\[[0-9]+\]\ started,\ user\ 0 ]]
	done
	# The next run of the same container is none of that.
	hull start old
	hull kill old
	[[ $(verdict old) == "ended by hull kill: "* ]]
	kill "$RECORDER"
}

@test "record: from inside; a fault that is sent; without the recorder it says so" {
	record
	run hull run --name cc --init test sh -c 'sleep 0.2; sh -c "kill -TERM \$PPID"; sleep 600'
	wait_for 10 eval "[[ \$(verdict cc) == 'it was ended by SIGTERM, sent from inside, not by hull: '* ]]"
	hull run -d --name dd --init test sleep 600
	kill -SEGV "$(pgrep -P "$(pid_of dd)")"
	wait_for 10 ended dd
	wait_for 10 eval "[[ \$(verdict dd) == 'it was ended by SIGSEGV, sent from outside'* ]]"
	run hull system record
	assert_status 1
	assert_has "the recorder runs already"
	kill "$RECORDER"
	wait "$RECORDER" || true
	hull run -d --name ee test sleep 600
	kill -KILL "$(pid_of ee)"
	wait_for 10 ended ee
	run hull why ee
	assert_has "which hull did not send: a process outside of the container did"
	assert_has "hull-recorder.service"
	# What was recorded stays.
	[[ $(verdict dd) == 'it was ended by SIGSEGV, sent from outside'* ]]
}

@test "record: signals that came before an end with a code; a fault that it sent itself; a sender in another container" {
	record
	local ready='echo ready; until [ -e /end ]; do usleep 20000; done'
	for code in 143 0; do
		# No program to wait for: the trap is gone through at once, on slow machines too.
		hull run -d --name "c$code" test sh -c "trap 'exit $code' TERM; mkfifo /f; echo ready; read x <>/f"
		wait_ready "c$code"
		/bin/kill "$(pid_of "c$code")"
		wait_for 10 ended "c$code"
		wait_for 10 eval "[[ \$(verdict c$code) == 'its command '*'; '*'s before that sh['*'] got SIGTERM, sent from outside of the container, not by hull: kill['* ]]" || fail "$(verdict "c$code")"
	done
	hull run -d --name inside test sh -c "trap 'exit 143' TERM; $ready"
	wait_ready inside
	hull exec inside kill 1
	wait_for 10 ended inside
	# Where it was may not be seen of one that ends so soon; outside of it was none.
	wait_for 10 eval "[[ \$(verdict inside) == 'its command returned 143, '*' got SIGTERM, sent from '@(inside,|'a place that was not seen,')* ]]" || fail "$(verdict inside)"
	hull run -d --name self --init test sh -c "$ready; kill -SYS \$\$"
	wait_ready self
	let_end self /end
	wait_for 10 ended self
	wait_for 10 eval "[[ \$(verdict self) == 'it was ended by SIGSYS, sent from inside, not by hull: sh['* ]]" || fail "$(verdict self)"
	hull run -d --name victim test sleep 600
	hull run -d --name killer --pid host test sh -c "$ready; kill -9 $(pid_of victim)"
	wait_ready killer
	caught_up
	let_end killer /end
	wait_for 10 ended victim
	wait_for 10 eval "[[ \$(verdict victim) == *', sent from outside of the container, not by hull: sh['*', in the container '$(hull inspect -f '{{.Id}}' killer | cut -c 1-12) ]]" || fail "$(verdict victim)"
	# What hull was asked to send is told once.
	for name in "" -init; do
		hull run -d --name "asked$name" ${name:+-$name} test sh -c "trap 'exit 3' HUP; mkfifo /f; echo ready; read x <>/f"
		wait_ready "asked$name"
		hull kill -s HUP "asked$name"
		wait_for 10 ended "asked$name"
		caught_up
		[[ $(verdict "asked$name") == "its command ended by itself with 3 after "*"s before that hull sent it SIGHUP"* &&
			$(verdict "asked$name") != *SIGHUP*SIGHUP* ]] || fail "$(verdict "asked$name")"
	done
	kill "$RECORDER"
}

@test "record: capabilities that lacked before the end; the victim where the kernel's log cannot be read" {
	record
	runs_seen 3 --name cc --cap-drop chown "chown 5 /bin; exit 3"
	if unshare -m sh -c 'mount -t tracefs none /mnt && test -e /mnt/events/capability'; then
		wait_for 10 eval "[[ \$(verdict cc) == 'its command ended by itself with 3 after '*'s before that '*' was denied CAP_CHOWN in '*chown* ]]"
		run hull why cc
		assert_line "lacked +[a-z]+\[[0-9]+\] was denied CAP_CHOWN in f?chown(at)?, [0-9.]+ m?s before the end"
		assert_has "hull run --learn-caps tells which ones it needs"
	fi
	# Nothing of that in a run that did without.
	run hull run --name dd --cap-drop chown test sh -c 'exit 3'
	run hull why dd
	assert_lacks CAP_
	# hull without the right to read the log of the kernel: the victim is the recorder's word.
	run setpriv --bounding-set=-syslog --inh-caps=-syslog "$HULL" run --name ee -m 32m --memory-swap 32m test /probe eat 64 3>&-
	assert_status 137
	run hull why ee
	assert_has "killed by the kernel"
	setpriv --bounding-set=-syslog --inh-caps=-syslog sh -c ': </dev/kmsg' 2>/dev/null ||
		assert_has "concluded from the counters"
	assert_has "victim             probe (pid "
}

@test "record: calls that were refused before the end, by the seccomp profile or for want of CAP_SYS_ADMIN" {
	record
	runs_seen 4 --name cc 'mount -t tmpfs none /tmp; exit 4'
	wait_for 10 eval "[[ \$(verdict cc) == 'its command ended by itself with 4 after '*'s before that '*' was refused mount by its seccomp profile' ]]" ||
		fail "$(hull why cc)"
	run hull why cc
	assert_has "--learn-seccomp FILE tells which ones it needs"
	runs_seen 4 --name dd --security-opt seccomp=unconfined 'mount -t tmpfs none /tmp; exit 4'
	# AppArmor, where there is one, is asked first.
	wait_for 10 eval "[[ \$(verdict dd) == *' was refused mount ('@('EPERM) by the kernel: a capability may lack'|'EACCES) by the kernel: AppArmor, or the permissions of a file') ]]" ||
		fail "$(hull why dd)"
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}' >access.json
	runs_seen 4 --name ff --security-opt seccomp=access.json 'mount -t tmpfs none /tmp; exit 4'
	wait_for 10 eval "[[ \$(verdict ff) == *' was refused mount by its seccomp profile' ]]" || fail "$(hull why ff)"
	# Who may is not told of.
	runs_seen 4 --name ee --privileged 'mount -t tmpfs none /tmp; exit 4'
	hull run --name last test true
	run hull why ee
	assert_lacks refused
	# When it was removed, its profile is not known.
	hull rm cc
	run hull why cc
	assert_has "was refused mount (EPERM)"
	kill "$RECORDER"
}

@test "record: how many processes the end of PID 1 took along, and who had ended with a fault before" {
	record
	runs_seen 4 --name cc 'sleep 601 & sleep 602 & sleep 603 & touch /three; until [ -e /end ]; do usleep 20000; done; sh -c "exit 9"; exit 4' &
	wait_for 10 hull exec cc test -e /three
	caught_up
	let_end cc /end
	wait $!
	wait_for 10 eval 'hull why cc | grep -qE "^ *killed with it +3 processes: (sleep|exe)\[[0-9]+\], (sleep|exe)\[[0-9]+\], (sleep|exe)\[[0-9]+\]$"' ||
		fail "$(hull why cc)"
	run hull why cc
	[[ $output =~ "ended before it    "(sh|exe)"["[0-9]+"] with 9, "[0-9.]+" "m?"s before" ]]
	assert_has "--init=all tells all of them, and waits"
	# busybox names its own applets only later. Who ends before PID 1 is none of these.
	run hull run --name dd test sh -c 'sleep 601 & kill -9 $!; wait; sleep 0.1; exit 0'
	hull run --name last test true
	wait_for 10 eval '[[ $(verdict last) != *"not recorded"* ]]'
	run hull why dd
	assert_lacks "killed with it"
	assert_lacks "ended before it"
	# hull-init kills what does not end in time.
	hull run -d --name ee --init=all test sh -c 'sh -c "trap : TERM; while :; do usleep 100000; done" & wait; exit 0'
	wait_for 10 eval '[ "$(hull top ee | wc -l)" -ge 4 ]'
	hull stop -t 1 ee
	wait_for 10 eval 'hull why ee | grep -qE "killed with it +[12] process"' || fail "$(hull why ee)"
	kill "$RECORDER"
}

@test "record: when a zombie ended: not what is known of an earlier process of its number" {
	need_root
	record
	hull run -d --name cc --pid host --privileged test /probe again
	wait_ready cc || skip "no process can be given a number: $(hull logs cc 2>&1)"
	ends() { hull explain --json cc zombies | jq -r '.Evidence.ended'; }
	wait_for 20 eval '[[ $(ends) =~ ^[0-9]+\ probe\ with\ 4,\ [0-9]+\ s\ ago\;\ of\ 2\ it\ is\ not\ known$ ]]' || fail "$(ends)"
	kill "$RECORDER"
}

@test "record: a sender that has ended, and whose number another program has by now" {
	need_root
	record
	hull run -d --name cc --init test sleep 600
	caught_up
	# It reads only when the number is another's.
	kill -STOP "$RECORDER"
	python3 - "$(pgrep -P "$(pid_of cc)")" <<-'END' 3>&- &
		import ctypes, os, signal, sys, time
		name = lambda text: ctypes.CDLL(None).prctl(15, text)
		sender = os.fork()
		if sender == 0:
		    name(b"right")
		    os.kill(int(sys.argv[1]), signal.SIGUSR1)
		    os._exit(0)
		os.waitpid(sender, 0)
		time.sleep(0.1)
		while True:
		    open("/proc/sys/kernel/ns_last_pid", "w").write(str(sender - 1))
		    pid = os.fork()
		    if pid == 0:
		        name(b"wrong")
		        if os.getpid() == sender:
		            open("again", "w").close()
		            time.sleep(600)
		        os._exit(0)
		    os.waitpid(pid, 0)
	END
	STARTED+=("$!")
	wait_for 20 test -e again || skip "no process can be given a number"
	STARTED+=("$(pgrep -x wrong)")
	kill -CONT "$RECORDER"
	wait_for 10 ended cc
	caught_up
	# Its name it has from the record of its fork alone.
	[[ $(verdict cc) =~ ^"it was ended by SIGUSR1, sent from outside of the container, not by hull: python3["[0-9]+"], which python3["[0-9]+"] started" ]] || fail "$(verdict cc)"
	kill "$RECORDER"
}

# averages CONTAINER: of 1, 5 and 15 minutes, in hundredths.
averages() {
	hull explain --json "$1" load | jq -r '.Evidence["its load"]' | grep -oE '[0-9]+\.[0-9]+ [0-9]+\.[0-9]+ [0-9]+\.[0-9]+' | tr -d .
}
rises_above() {
	local one five fifteen
	read -r one five fifteen < <(averages "$1") || return 1
	[ "$one" -gt "$2" ] && [ "$one" -ge "$five" ] && [ "$five" -ge "$fifteen" ]
}

@test "record: a load average of each container's own, tasks in D among them" {
	hull run -d --name wait test /probe vforked
	hull run -d --name idle test sleep 600
	run hull explain wait load
	assert_has "its load           over minutes the recorder knows it, where one runs"
	record
	wait_for 60 rises_above wait 20
	read -r one five fifteen < <(averages wait)
	# One task in D, nobody runs: it cannot come to more than that.
	[ "$one" -le 101 ]
	assert_equal "000 000 000" "$(averages idle)"
	kill "$RECORDER"
}

recorders() {
	pgrep -f -- "--runroot $HULL_RUNROOT system record --detach" || :
}
is_recording() {
	RECORDER=$(recorders)
	[[ $RECORDER =~ ^[0-9]+$ ]]
}

@test "record: switched on by hull.conf, it is there from the first start on, and again after its end" {
	export XDG_CONFIG_HOME=$PWD/config
	mkdir -p config/hull
	echo 'recorder = perhaps' >config/hull/hull.conf
	run hull ps
	assert_has "recorder"
	assert_has "must be on or off"
	echo 'recorder = off' >config/hull/hull.conf
	hull run --rm test true
	assert_equal "" "$(recorders)"
	echo 'recorder = on' >config/hull/hull.conf
	hull run -d --name cc test sleep 600
	wait_for 10 is_recording
	STARTED+=("$RECORDER")
	local first=$RECORDER
	hull run --rm test true
	assert_equal "$first" "$(recorders)"
	# It has looked at what there is, and waits for what comes.
	wait_for 10 grep -qE "poll|nanosleep" "/proc/$first/wchan"
	run hull system record
	assert_has "the recorder runs already"
	bash -c '/bin/kill -KILL "$1"; :' sender "$(pid_of cc)"
	wait_for 10 ended cc
	wait_for 10 eval "[[ \$(verdict cc) == 'it was ended by SIGKILL, sent from outside of the container, not by hull: kill['* ]]"
	kill -KILL "$first"
	wait_for 10 eval '! kill -0 '"$first"' 2>/dev/null'
	hull run --rm test true
	wait_for 10 is_recording
	STARTED+=("$RECORDER")
	[ "$RECORDER" != "$first" ]
	kill "$RECORDER"
}
