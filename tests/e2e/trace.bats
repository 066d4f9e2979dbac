#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull trace: what the kernel's tracepoints tell of one container.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# trace ARG...: in the background, into the file `traced`; returns when it records.
trace() {
	"$HULL" trace "$@" >traced 2>traced.err 3>&- &
	TRACER=$!
	STARTED+=("$TRACER")
	wait_for 10 grep -q '^tracing: ' traced.err
}
# tracefs COMMAND...: where the kernel's tracepoints are.
tracefs() {
	unshare -m sh -c 'mount -t tracefs none /mnt && cd /mnt && exec "$@"' sh "$@"
}
traced() {
	grep -qE -- "$1" traced
}
# A container that does what it finds in the file /do, line by line.
LOOP='while :; do if [ -s /do ]; then sh /do; : >/do; fi; sleep 0.05; done'
do_inside() {
	printf '%s\n' "$1" | hull exec -i cc sh -c 'cat >/new; mv /new /do'
}

@test "trace: signals with who sent them, programs, ends; it ends with the container" {
	hull run -d --name cc test sh -c "trap : USR1; $LOOP"
	hull run -d --name other test sh -c 'while :; do ls / >/dev/null; sleep 0.05; done'
	trace cc
	grep -qx 'tracing: signals exec exit oom (until the container ends, or Ctrl-C)' traced.err
	kill -USR1 "$(pid_of cc)"
	do_inside 'sh -c "exit 7"; sh -c "kill -SEGV \$\$"; /probe x'
	wait_for 10 traced 'signals  sh\['"$(pid_of cc)"'\] gets SIGUSR1 from [a-z]+\[[0-9]+\] outside of the container$'
	wait_for 10 traced 'exec +[a-z]+\[[0-9]+\] executes /probe(: /probe x)?$'
	traced 'exit +[a-z]+\[[0-9]+\] ended with 7$'
	traced 'signals +[a-z]+\[[0-9]+\] gets SIGSEGV from [a-z]+\[[0-9]+\]$'
	traced 'exit +[a-z]+\[[0-9]+\] ended by SIGSEGV$'
	hull kill cc
	wait_for 10 eval '! kill -0 $TRACER 2>/dev/null'
	wait "$TRACER"
	traced "signals  sh\[[0-9]+\] gets SIGKILL from hull\[[0-9]+\] outside of the container"
	traced "exit     sh\[[0-9]+\] ended by SIGKILL"
	run ! traced ' executes .*ls'
}

@test "trace: killed for memory, threads and processes, JSON" {
	hull run -d --name cc -m 32m --memory-swap 32m test sh -c "$LOOP"
	trace --json --oom --fork cc
	do_inside '/probe eat 64'
	wait_for 10 traced '"Kind":"oom"'
	wait_for 10 traced '"Kind":"fork"'
	python3 -c 'import json, sys
lines = [json.loads(l) for l in open("traced")]
assert {l["Kind"] for l in lines} == {"oom", "fork"}, lines
oom = next(l for l in lines if l["Kind"] == "oom")
assert oom["Comm"] == "probe" and oom["Text"].startswith("is killed for memory"), oom
assert oom["Pid"] in [int(l["Child"]) for l in lines if l["Kind"] == "fork"], lines'
}

@test "trace: a capability that was lacking, and in which call" {
	hull run -d --name cc --cap-drop chown test sh -c "$LOOP"
	if ! tracefs test -e events/capability; then
		run hull trace --caps cc
		assert_has 'this kernel has no tracepoint capability:cap_capable'
		return
	fi
	trace --caps cc
	do_inside '/bin/busybox chown 5 /bin; /bin/busybox chown -R 5 /bin /etc'
	wait_for 10 traced 'caps +[a-z]+\[[0-9]+\] is denied CAP_CHOWN in f?chown(at)?$'
	# A process is told of once.
	wait_for 10 eval "[ \"\$(grep -c 'denied CAP_CHOWN' traced)\" -ge 2 ]"
	run ! grep -q 'hull\[' traced
	assert_equal 2 "$(grep -c 'denied CAP_CHOWN' traced)"
}

@test "explain caps --denied: what its processes lack while one looks" {
	run hull explain --denied nosuch
	assert_has "--denied is for the topics caps and security"
	run hull explain --time 1s nosuch
	assert_has "--time is for --denied"
	hull run -d --name cc --cap-drop chown test sh -c "$LOOP"
	if ! tracefs test -e events/capability; then
		run hull explain --denied cc caps
		assert_has 'this kernel has no tracepoint capability:cap_capable'
		return
	fi
	"$HULL" explain --denied --time "$(patience 60)s" cc caps >told 2>told.err 3>&- &
	wait_for 10 grep -q '^looking' told.err
	do_inside '/bin/busybox chown 5 /bin; /bin/busybox chown 5 /etc; kill -0 1; : >/done'
	wait_for 20 hull exec cc test -e /done
	kill -TERM $!
	wait $!
	grep -qE '^caps: in [0-9.]+ s its processes lacked: CHOWN$' told
	grep -qE 'CHOWN +asked for in f?chown(at)? by [a-z]+\[[0-9]+\] and 1 more process$' told
	grep -q -- '--cap-add CHOWN gives that to the next container, if it is needed' told
	# What the kernel asks for before one that it has.
	hull run -d --name dd test sleep 600
	hull run -d --name ee --cap-drop dac_override test sleep 600
	local cc
	for cc in dd ee; do
		"$HULL" explain --denied --time "$(patience 60)s" "$cc" caps >"told-$cc" 2>"told-$cc.err" 3>&- &
		wait_for 10 grep -q '^looking' "told-$cc.err"
		hull exec "$cc" sh -c 'touch /x; chown 5 /x; chmod 600 /x; cat /x' || :
		kill -TERM $!
		wait $!
	done
	grep -qE '^caps: in [0-9.]+ s none of its processes lacked any$' told-dd
	grep -qE '^caps: in [0-9.]+ s its processes lacked: DAC_OVERRIDE$' told-ee
	run --separate-stderr hull explain --denied --time 100ms --json cc caps
	grep -qE '"Verdict":"in [0-9.]+ s none of its processes lacked any"' <<<"$output"
}

# stopped_for PID FILE: nobody reads what the container does from now on, until it has made that file.
stopped_for() {
	kill -STOP "$1"
	touch go
	wait_for 30 test -e "$2"
	kill -CONT "$1"
}

@test "trace, explain caps --denied: what could not be read in time is counted and told, also where nothing came after it" {
	local looker
	if tracefs test -e events/capability; then
		hull run -d --name cc --ulimit nofile=100:200 -v "$PWD:/w" test sh -c 'until [ -e /w/go ]; do usleep 20000; done; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); ulimit -n 300; done 2>/dev/null; touch /w/done; until [ -e /w/end ]; do usleep 20000; done'
		"$HULL" explain --denied --time 600s cc caps >said 2>begun 3>&- &
		looker=$!
		started_by_test "$looker"
		wait_for 10 test -s begun
		stopped_for "$looker" done
		kill -INT "$looker"
		wait "$looker" || true
		grep -qE '^caps: in .* (lacked: SYS_RESOURCE|lacked any); [0-9]+ checks were not seen: more happened than could be read in time$' said || fail "$(cat said begun)"
		rm go done
		touch end
		wait_for 10 eval '[ "$(status_of cc)" = exited ]'
	fi
	hull run -d --name dd -v "$PWD:/w" test sh -c 'until [ -e /w/go ]; do usleep 20000; done; for i in $(seq 4000); do (:); done; touch /w/done; sleep 600'
	"$HULL" trace --fork --exit dd >traced 2>said 3>&- &
	looker=$!
	started_by_test "$looker"
	wait_for 10 grep -q tracing traced said
	stopped_for "$looker" done
	kill -INT "$looker"
	wait "$looker" || true
	grep -qE '^hull: [0-9]+ records were lost: more happened than could be read in time$' said || fail "$(cat said)"
}

@test "explain security --denied: system calls that the seccomp profile refuses" {
	hull run -d --name cc test sh -c 'until [ -e /stop ]; do unshare -U true; mount -t tmpfs none /tmp; ls /nowhere; echo >>/rounds; sleep 0.1; done; : >/stopped; sleep 600'
	"$HULL" explain --denied --time "$(patience 60)s" cc security >told 2>told.err 3>&- &
	wait_for 10 grep -q '^looking' told.err
	local rounds output
	rounds=$(hull exec cc cat /rounds | wc -l)
	wait_for 10 eval '[ "$(hull exec cc cat /rounds | wc -l)" -ge $((rounds + 3)) ]'
	kill -TERM $!
	wait $!
	output=$(<told)
	[[ $output =~ ^"security: in "[0-9.]+" s its seccomp profile refused: "(mount, )?unshare$'\n' ]]
	hull exec cc touch /stop
	wait_for 20 hull exec cc test -e /stopped
	run --separate-stderr hull explain --denied --time 300ms cc security
	[[ $output =~ ^"security: in "[0-9.]+" s its seccomp profile refused nothing"$ ]]
	run -125 hull explain --denied --time 0s cc security
	assert_has "--time 0s: in less than 1ms nothing would be seen"
	# A profile may give any error.
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22}]}' >odd.json
	hull run -d --name oo --security-opt seccomp=odd.json test sh -c 'while :; do mkdir /x; cat /nowhere; echo >>/rounds; sleep 0.1; done'
	"$HULL" explain --denied --time "$(patience 60)s" oo security >told-oo 2>told-oo.err 3>&- &
	wait_for 10 grep -q '^looking' told-oo.err
	rounds=$(hull exec oo cat /rounds | wc -l)
	wait_for 10 eval '[ "$(hull exec oo cat /rounds | wc -l)" -ge $((rounds + 3)) ]'
	kill -TERM $!
	wait $!
	grep -qE '^security: in [0-9.]+ s its seccomp profile refused: mkdir(at)?$' told-oo
	# What an ordinary program is refused by others is not the profile's doing.
	hull run -d --name dd --cap-drop all --security-opt seccomp=unconfined test sh -c 'while :; do mount -t tmpfs none /tmp; chown 5 /bin; sleep 0.1; done'
	run --separate-stderr hull explain --denied --time 2s dd security
	assert_has "its seccomp profile (it has none) refused nothing"
	assert_lacks mount
	# Nor is what a program's own filter refuses, with a profile beside it or without.
	for profile in builtin unconfined; do
		hull run -d --name "own-$profile" --security-opt "seccomp=$profile" test /probe filtered
		wait_for 20 eval "hull logs own-$profile | grep -q ready"
		run --separate-stderr hull explain --denied --time 1s "own-$profile" security
		assert_has "refused nothing; another filter did"
		assert_has "mkdirat: refused, though the container's profile allows it"
	done
}

@test "explain security --denied: calls of 32-bit programs are told by their own names" {
	hull run -d --name cc test /probe calls32
	wait_ready cc
	nap 300
	has_status cc running || skip "this kernel runs no 32-bit calls"
	told() { hull explain --denied --time 1s cc security >told && grep -qE '^security: in [0-9.]+ s its seccomp profile refused: swapoff, getpid [(]32-bit[)], mount [(]32-bit[)], rt_sigaction [(]32-bit[)]$' told; }
	wait_for 10 told || fail "$(cat told)"
	assert_lacks "another filter"
	# As many of them as the profile allows: what refuses then is another one.
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["create_module", "mount"], "action": "SCMP_ACT_ERRNO"}]}' >native.json
	hull run -d --name dd --security-opt seccomp=native.json test /probe calls32
	run hull explain --denied --time 1s dd security
	assert_lacks create_module
}

own_probes() {
	tracefs grep -c ":hull_" kprobe_events || :
}

@test "trace: files that are opened, and which file a program looks for" {
	hull run -d --name cc test sh -c "cd /data; $LOOP"
	if ! tracefs test -e kprobe_events; then
		run hull trace --open cc
		assert_status 1
		assert_has 'this kernel has no events in functions of its own'
		assert_has 'hint: hull debug cc -- strace'
		return
	fi
	trace --open cc
	do_inside 'cat /nosuch/file; cat file sub/../file >>/tmp/new; /data/file; cd /; exec 3<data; /probe cloexec'
	wait_for 10 traced 'open +[a-z]+\[[0-9]+\] cannot open /nosuch/file, O_RDONLY: No such file or directory$'
	wait_for 10 traced 'open +[a-z]+\[[0-9]+\] opens file( \(it is in /data\))?, O_RDONLY$'
	wait_for 10 traced 'open +[a-z]+\[[0-9]+\] opens sub/../file'
	wait_for 10 traced 'open +[a-z]+\[[0-9]+\] opens /tmp/new, O_WRONLY\|O_CREAT\|O_APPEND$'
	wait_for 10 traced 'open +[a-z]+\[[0-9]+\] cannot open /data/file, to execute it: Permission denied$'
	kill -INT "$TRACER"
	wait "$TRACER"
	assert_equal 0 "$(own_probes)"
	# A killed one leaves its events to the next.
	"$HULL" trace --open --json -q cc >json 2>json.err 3>&- &
	TRACER=$!
	STARTED+=("$TRACER")
	wait_for 10 eval '[ "$(own_probes)" = 2 ]'
	kill -KILL "$TRACER"
	trace --open --json cc
	assert_equal 2 "$(own_probes)"
	do_inside 'cat nosuch'
	wait_for 10 traced '"Path":"nosuch"'
	hull kill cc
	wait "$TRACER"
	python3 -c 'import json
line = next(l for l in map(json.loads, open("traced")) if l["Path"] == "nosuch")
assert line["Kind"] == "open" and line["Error"] == "ENOENT" and line["Flags"] == "O_RDONLY", line
assert line.get("Folder", "/data") == "/data", line'
	assert_equal 0 "$(own_probes)"
}

# tcp EVENT REMOTE [TEXT]
told_tcp() {
	grep "\"Event\":\"$1\"" traced | grep -F "\"Remote\":\"$2\"" | grep -qE -- "${3-.}"
}

@test "trace: TCP connections: made, refused, not answered, reset, ended" {
	hull run -d --name cc --sysctl net.ipv4.tcp_retries2=3 test sleep 600
	nsenter -t "$(pid_of cc)" -n nft -f - <<<'table inet t { chain c { type filter hook input priority 0; tcp dport 7002 drop; }; }'
	trace --tcp --json cc
	# 1B58: 7000; 0A: it listens
	# A program that starts slowly is to be asked for a second time, too.
	hull exec cc sh -c 'long=$1; listens() { until grep -q ":$1 [0:]* 0A " /proc/net/tcp6; do sleep 0.05; done; }
		nc -l -p 7000 </dev/null >/dev/null & listens 1B58; echo hi | nc 127.0.0.1 7000
		nc 127.0.0.1 7001; timeout "$long" nc 127.0.0.1 7002
		yes | nc -l -p 7003 >/dev/null & listens 1B5B; timeout -s KILL "$long" nc ::1 7003 </dev/zero | sleep "$((long + 1))"; kill %2' sh $((2 + PATIENCE / 4)) || :
	wait_for 10 told_tcp connected 127.0.0.1:7000 '"Text":"is connected to 127.0.0.1:7000 from 127.0.0.1:[0-9]+ after [0-9.]+ m?s"'
	wait_for 10 told_tcp closed 127.0.0.1:7000 'has ended after [0-9.]+ m?s, closed by (this|the other) end first'
	wait_for 10 grep -qE '"Local":"127.0.0.1:7000".*has ended after [0-9.]+ m?s, closed by (this|the other) end first' traced
	grep -q '"Event":"listen","Local":"\[::\]:7000","Text":"listens on \[::\]:7000"' traced
	grep '"Event":"accepted"' traced | grep -q '"Local":"127.0.0.1:7000"'
	wait_for 10 told_tcp refused 127.0.0.1:7001 'refuses after'
	wait_for 10 told_tcp retransmit 127.0.0.1:7002 'does not answer: asked again'
	wait_for 10 told_tcp failed 127.0.0.1:7002 'no connection to 127.0.0.1:7002 after [0-9.]+ s; it was asked [2-9] times'
	# Who has not read all when it ends breaks off.
	wait_for 10 grep -q '"Event":"aborted".*:7003 .*broken off at this end' traced
	wait_for 10 grep -q '"Event":"reset".*:7003 .*reset by the other end' traced
	# Who gets no acknowledgement in the end did not break off himself.
	hull exec -d cc nc -l -p 7004 -e cat
	hull exec -d cc sh -c 'sleep 0.5; (while [ ! -e /cut ]; do sleep 0.1; done; while :; do echo x; sleep 0.1; done) | nc 127.0.0.1 7004'
	wait_for 20 told_tcp connected 127.0.0.1:7004
	nsenter -t "$(pid_of cc)" -n nft add rule inet t c tcp dport 7004 drop
	hull exec cc touch /cut
	wait_for 60 told_tcp timeout 127.0.0.1:7004 'has ended after .*, not acknowledged any more: sent again [0-9]+ times?'
	# Another container's are not told of.
	hull run --rm test nc 127.0.0.1 7999 || :
	hull exec cc nc 127.0.0.1 7998 || :
	wait_for 10 told_tcp refused 127.0.0.1:7998
	run ! grep -q 7999 traced
	# Before Linux 6.10 the kernel does not say who it was.
	if grep -q '"Pid"' traced; then grep '"Event":"connected"' traced | grep -qE '"Comm":"(nc|exe)"'; fi
}

@test "trace: what does not run, and who may not look" {
	hull create --name cc test true
	run hull trace cc
	assert_status 1
	assert_has "container cc is not running"
	hull start cc
	run hull trace nosuch
	assert_has "No such container: nosuch"
	hull run -d --name dd test sleep 600
	run setpriv --bounding-set=-sys_admin,-perfmon --inh-caps=-sys_admin,-perfmon "$HULL" trace dd
	assert_status 1
	assert_has "tracing looks into the kernel: it needs root"
}
