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
	if ! trace_caps; then
		grep -q 'this kernel has no tracepoint capability:cap_capable' caps.err
		return
	fi
	trace --caps cc
	do_inside '/bin/busybox chown 5 /bin; /bin/busybox chown -R 5 /bin /etc'
	wait_for 10 traced 'caps +[a-z]+\[[0-9]+\] is denied CAP_CHOWN in f?chown(at)?$'
	# A process is told of once.
	assert_equal 2 "$(grep -c 'denied CAP_CHOWN' traced)"
}
trace_caps() {
	timeout 1 "$HULL" trace --caps cc >/dev/null 2>caps.err
	[ "$?" = 124 ]
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
