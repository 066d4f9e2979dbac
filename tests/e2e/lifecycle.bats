#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The life of a container: run, create, start, stop, kill, wait, rm, and what they print and return.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# bats test_tags=fast
@test "run: output, error and exit code are the command's" {
	run --separate-stderr hull run --rm test sh -c 'echo out; echo err >&2; exit 7'
	assert_status 7
	assert_equal out "$output"
	assert_equal err "$stderr"
}

# bats test_tags=fast,same
@test "run -d prints a full id and returns while it runs (B5)" {
	run hull run -d test sleep 600
	assert_status 0
	[[ "$output" =~ ^[0-9a-f]{64}$ ]]
	assert_equal running "$(status_of "$output")"
}

@test "run: exit codes 125, 126, 127 and 128+n" {
	run hull run --rm --no-such-flag test true
	assert_status 125
	run hull run --rm no-such-image true
	assert_status 125
	assert_has "no-such-image"
	run hull run --rm test /etc/passwd
	assert_status 126
	assert_has "/etc/passwd"
	run hull run --rm test /no/such/command
	assert_status 127
	assert_has "/no/such/command"
	run hull run --rm test sh -c 'kill -KILL $$; sleep 1; exit 3'
	assert_status 3 # PID 1 is immune from inside
	run hull run --rm --init test sh -c 'kill -TERM $$; sleep 5'
	assert_status 143
	run hull run --rm test false
	assert_status 1
}

@test "run: a failed start leaves nothing with --rm, and a created container without" {
	run hull run --rm --name gone test /no/such/command
	assert_status 127
	run hull run --name stays test /no/such/command
	assert_status 127
	run hull ps -a --format '{{.Names}} {{.State}}'
	assert_lacks gone
	assert_line '^stays (created|exited)$'
}

@test "run: output that nobody takes is a failure of the client, whatever the reason; 1, as docker's" {
	for to in '| true' '>/dev/full' '>&-'; do
		code=$(bash -c "{ '$HULL' run --rm test sh -c 'sleep 0.3; seq 100000' 3>&- 4>&-; echo \$? >&4; } 4>code $to" 2>said; cat code)
		assert_equal 1 "$code"
		grep -q "cannot write the container's output" said
		run grep "^hint:" said
		[ "$to" != '>/dev/full' ] || assert_has "what it goes to is full"
		assert_lacks "hull rmi"
	done
}

@test "run: too few descriptors are an error that is told, and leave nothing" {
	local limit
	for limit in 10 11 12 13 14 16 20 26 32 100; do
		run bash -c "ulimit -n $limit; exec timeout $((20 * PATIENCE)) '$HULL' run --rm test true 3>&-"
		[ "$status" = 0 ] || assert_status 125
		[ "$status" = 0 ] || assert_has "Too many open files"
		assert_lacks "no control groups"
		assert_equal "" "$(hull ps -aq)"
	done
	assert_status 0
	hull system check --repair # a folder without a row, which would be swept later
	# What could not be started by hand is removed as well.
	hull create --rm --name cc test /no/such/command
	run hull start cc
	assert_status 1
	assert_equal "" "$(hull ps -aq)"
}

@test "a message says what is wrong with the command: shebang with CR, no interpreter, a folder" {
	mkdir scripts
	printf '#!/bin/sh\r\necho hi\n' >scripts/cr
	printf '#!/no/such/interpreter\n' >scripts/none
	chmod +x scripts/*
	run hull run --rm -v "$WORK/scripts:/s" test /s/cr
	[ "$status" = 126 ] || [ "$status" = 127 ]
	assert_line 'CR|carriage|\\r'
	run hull run --rm -v "$WORK/scripts:/s" test /s/none
	[ "$status" = 126 ] || [ "$status" = 127 ]
	assert_has /no/such/interpreter
	run hull run --rm test /etc
	assert_status 126
	assert_line 'folder|directory'
}

# bats test_tags=fast,same
@test "create, start, stop, start again, rm" {
	id=$(hull create --name web test sh -c 'echo run; trap "exit 3" TERM; while :; do sleep 0.1; done')
	assert_equal created "$(status_of web)"
	run hull start web
	assert_equal web "$output"
	assert_equal running "$(status_of web)"
	wait_for 5 logs_have web run
	run hull stop web
	assert_status 0
	assert_equal web "${lines[-1]}"
	assert_equal exited "$(status_of web)"
	assert_equal 3 "$(hull inspect -f '{{.State.ExitCode}}' web)"
	hull start "${id:0:12}"
	wait_for 5 eval '[ "$(hull logs web | grep -c run)" = 2 ]'
	run hull rm web
	assert_status 1
	assert_has running
	run hull rm -f web
	assert_equal web "$output"
	run hull inspect web
	assert_status 1
	assert_has web
}

# A client that passes signals on takes them from the moment on when it blocks SIGTERM.
takes_signals() {
	grep -q '^SigBlk:.*[4-7c-f]...$' "/proc/$1/status"
}

# attached_gets_term COMMAND...: hull COMMAND in the background with its output in `attached`; TERM for that client once it
# takes signals; its exit code in $code.
attached_gets_term() {
	"$HULL" "$@" >attached 2>&1 3>&- &
	client=$!
	started_by_test $client
	[[ " $* " == *" --sig-proxy=false "* ]] || wait_for 10 takes_signals $client
	kill -TERM $client
	code=0
	wait $client || code=$?
}

@test "start -a gives output and exit code; start of a running one is no error" {
	hull create --name cc test sh -c 'echo hello; exit 4'
	run hull start -a cc
	assert_status 4
	assert_has hello
	hull run -d --name dd test sleep 600
	run hull start dd
	assert_status 0
}

@test "start -a and -ai of a running container attach to it" {
	hull run -d --name cc test sh -c 'trap "echo got; exit 3" TERM; echo up; while :; do sleep 0.05; done'
	wait_for 5 logs_have cc up
	attached_gets_term start -a cc
	assert_equal 3 $code
	assert_equal got "$(cat attached)"
	hull run -di --name dd test sh -c 'read line; echo "got $line"; exit 4'
	run within 20 "$HULL" start -ai dd 3>&- <<<input
	assert_status 4
	assert_equal "got input" "$output"
	hull run -d --name ee test sleep 600
	hull pause ee
	run within 20 "$HULL" start -a ee 3>&-
	assert_status 1
	assert_has paused
}

@test "start -ai gives input" {
	hull create -i --name cc test cat
	run bash -c "echo typed | '$HULL' start -ai cc 3>&-"
	assert_status 0
	assert_equal typed "$output"
}

# bats test_tags=fast
@test "run -i passes input on, and its end" {
	run bash -c "printf 'a\nb\n' | '$HULL' run --rm -i test wc -l 3>&-"
	assert_equal 2 "$output"
	run bash -c "head -c 3000000 /dev/zero | '$HULL' run --rm -i test wc -c 3>&-"
	assert_equal 3000000 "$output"
}

@test "run: much output arrives whole and in order" {
	run bash -c "'$HULL' run --rm test sh -c 'seq 1 200000' 3>&- | md5sum"
	assert_equal "$(seq 1 200000 | md5sum)" "$output"
}

@test "restart: same id, new process" {
	hull run -d --name cc test sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	pid=$(pid_of cc)
	started=$(hull inspect -f '{{.State.StartedAt}}' cc)
	run hull restart cc
	assert_status 0
	assert_equal running "$(status_of cc)"
	[ "$(pid_of cc)" != "$pid" ]
	[ "$(hull inspect -f '{{.State.StartedAt}}' cc)" != "$started" ]
	[ ! -d "/proc/$pid" ]
}

@test "restart: --rm holds again after it, and does not remove before" {
	hull run -d --rm --name cc test sleep 600
	id=$(hull inspect -f '{{.Id}}' cc)
	for _ in 1 2; do
		run hull restart -t 0 cc
		assert_status 0
		assert_equal "$id running true" "$(hull inspect -f '{{.Id}} {{.State.Status}} {{.HostConfig.AutoRemove}}' cc)"
	done
	hull stop -t 0 cc
	assert_equal "" "$(hull ps -aq)"
	# A restart that fails in the end removes it, as a start does.
	touch source
	hull create --rm --name ee --mount "type=bind,src=$WORK/source,dst=/source" test true
	rm source
	run hull restart ee
	assert_status 1
	run hull inspect ee
	assert_status 1
}

@test "kill: returns when the container has ended, paused or not" {
	for _ in 1 2 3 4 5; do
		hull run -d --name cc test sleep 600
		hull run -d --name dd test sleep 600
		hull pause dd
		hull kill cc dd
		assert_equal exited "$(status_of cc)"
		hull rm cc dd
	done
}

@test "kill: signals by name and number, and errors" {
	hull run -d --name cc test /probe handlers
	wait_ready cc
	run hull kill -s USR1 cc
	assert_status 0
	assert_equal cc "$output"
	run hull wait cc
	assert_has 0
	wait_for 5 logs_have cc "signal 10"
	run hull kill cc
	assert_status 1
	assert_has "not running"
	run hull kill -s NOSUCH cc
	[ "$status" != 0 ]
	assert_has NOSUCH
	hull run -d --name dd test sleep 600
	hull kill -s 9 dd
	assert_equal 137 "$(hull wait dd)"
}

@test "wait: prints the exit code, of several too" {
	hull run -d --name aa test sh -c 'sleep 0.3; exit 5'
	hull run -d --name bb test sh -c 'sleep 0.1; exit 6'
	run hull wait aa bb
	assert_status 0
	assert_equal "5
6" "$output"
	assert_equal 5 "$(hull wait aa)"
	run hull wait nobody
	assert_status 1
}

@test "rm: several, and those that are not there" {
	hull create --name aa test true
	hull create --name bb test true
	run hull rm aa nobody bb
	assert_status 1
	assert_line '^aa$'
	assert_line '^bb$'
	assert_has nobody
	assert_equal "" "$(hull ps -aq)"
}

@test "--rm removes the container when it ended, also behind -d" {
	hull run -d --rm --name cc test sleep 0.2
	wait_for 10 eval '[ -z "$(hull ps -aq)" ]'
}

# bats test_tags=fast,same
@test "ps: columns, -a, -q, --no-trunc, --filter (B6)" {
	id=$(hull run -d --name up --network none --label tier=web test sleep 600)
	hull run --name down test sh -c 'exit 3' || true
	run hull ps
	assert_line '^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$'
	assert_line "^${id:0:12} +test +\"sleep 600\" +.* ago +Up .* up$"
	assert_lacks down
	run hull ps -a
	assert_line 'Exited \(3\) .* ago .* down$'
	assert_equal "$id" "$(hull ps -q --no-trunc)"
	assert_equal up "$(hull ps --filter label=tier=web --format '{{.Names}}')"
	assert_equal down "$(hull ps -a --filter exited=3 --format '{{.Names}}')"
	assert_equal down "$(hull ps -a --filter status=exited --format '{{.Names}}')"
	run hull ps --filter nonsense=1
	assert_status 1
	run hull ps --filter exited=abc
	assert_status 1
	for value in foo 'created running'; do
		run hull ps -f "status=$value"
		assert_status 1
		assert_has "invalid filter 'status=$value'"
	done
	for key in before since; do
		run hull ps -f $key=nope
		assert_status 1
		assert_has "No such container: nope"
	done
	assert_equal up "$(hull ps -f network=none -f health=none -f is-task=false --format '{{.Names}}')"
	for filter in network=host health=healthy is-task=true publish=80 expose=80; do
		assert_equal "" "$(hull ps -q -f $filter)"
	done
}

# bats test_tags=fast,same
@test "ps: exposed ports are shown while the container runs, by each container its own" {
	hull run -d --name one --network none --expose 80 --expose 53/udp test sleep 600
	hull run -d --name two --network none test sleep 600
	assert_equal "two:
one:80/tcp, 53/udp" "$(hull ps --format '{{.Names}}:{{.Ports}}')"
	run hull ps
	assert_line '80/tcp, 53/udp +one$'
	hull stop -t 0 one
	assert_equal one: "$(hull ps -a --filter name=one --format '{{.Names}}:{{.Ports}}')"
}

@test "names: generated ones are adjective_surname and unique, given ones checked" {
	for _ in 1 2 3 4 5; do hull create test true >/dev/null; done
	run hull ps -a --format '{{.Names}}'
	assert_equal 5 "$(sort -u <<<"$output" | grep -cE '^[a-z]+_[a-z]+[0-9]?$')"
	hull create --name taken test true >/dev/null
	run hull create --name taken test true
	assert_status 1
	assert_has taken
	for bad in .. . ../x a/b -x 'a b' "$(printf 'a\nb')" "$(printf 'x%.0s' $(seq 300))"; do
		run hull create --name="$bad" test true
		[ "$status" != 0 ] || fail "accepted the name $bad"
	done
}

@test "references: prefix of an id; ambiguous and hostile ones are refused" {
	id=$(hull create --name cc test true)
	assert_equal "/cc" "$(hull inspect -f '{{.Name}}' "${id:0:4}")"
	for bad in .. . ../victim a/b '' / "$(printf 'a\nb')"; do
		for command in start stop kill rm inspect logs wait pause; do
			run hull $command "$bad"
			[ "$status" != 0 ] || fail "$command accepted $bad"
		done
	done
	mkdir -p "$HULL_RUNROOT/victim" "$HULL_ROOT/victim"
	run hull rm -f ../victim
	[ -d "$HULL_RUNROOT/victim" ] && [ -d "$HULL_ROOT/victim" ]
}

@test "rename: by the new name, and no two of one name" {
	hull run -d --name old test sleep 600
	hull create --name other test true
	hull rename old new
	assert_equal running "$(status_of new)"
	run hull inspect old
	assert_status 1
	run hull rename new other
	assert_status 1
	run hull rename new ..
	assert_status 1
}

# bats test_tags=fast
@test "pause and unpause: nothing runs in between" {
	hull run -d --name cc test sh -c 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; sleep 0.02; done'
	wait_for 5 hull exec cc cat /tmp/n
	hull pause cc
	assert_equal paused "$(status_of cc)"
	run hull ps --format '{{.Status}}'
	assert_has "(Paused)"
	run hull exec cc true
	assert_status 1
	assert_has paused
	run hull pause cc
	assert_status 1
	hull unpause cc
	assert_equal running "$(status_of cc)"
	n=$(hull exec cc cat /tmp/n)
	wait_for 5 eval '[ "$(hull exec cc cat /tmp/n)" != "'"$n"'" ]'
	run hull unpause cc
	assert_status 1
}

@test "a paused container can be stopped, killed and removed" {
	hull run -d --name aa test sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	hull run -d --name bb test sleep 600
	hull pause aa bb
	run within 20 "$HULL" stop aa 3>&-
	assert_status 0
	assert_equal exited "$(status_of aa)"
	run within 20 "$HULL" rm -f bb 3>&-
	assert_status 0
}

# bats test_tags=fast
@test "exec: output, exit code, environment, user, workdir (B7 B8)" {
	hull run -d --name cc -e A=1 test sleep 600
	run --separate-stderr hull exec cc sh -c 'echo out; echo err >&2; exit 9'
	assert_status 9
	assert_equal out "$output"
	assert_equal err "$stderr"
	assert_equal "1 yes 2" "$(hull exec -e B=2 cc sh -c 'echo $A $FROM_IMAGE $B')"
	assert_equal "1000:1001" "$(hull exec -u user cc sh -c 'echo $(id -u):$(id -g)')"
	assert_equal /data "$(hull exec -w /data cc pwd)"
	run hull exec -u user cc ps
	assert_line '^ *1 root +sleep 600$'
	assert_line '^ *[0-9]+ user +ps$'
	assert_equal 3 "${#lines[@]}"
	run hull exec cc /no/such
	assert_status 127
	run hull exec cc /etc/passwd
	assert_status 126
	run bash -c "echo in | '$HULL' exec -i cc cat 3>&-"
	assert_equal in "$output"
	# Its parent is outside of the namespace.
	assert_equal 0 "$(hull exec cc awk '/^PPid/ { print $2 }' /proc/self/status)"
	assert_equal "sleep 600" "$(hull exec cc sh -c 'tr "\0" " " </proc/1/cmdline' | sed 's/ $//')"
}

@test "exec: of a stopped container, of none; -d" {
	hull create --name cc test true
	run hull exec cc true
	assert_status 1
	assert_has "not running"
	run hull exec nobody true
	assert_status 1
	hull run -d --name dd test sleep 600
	hull exec -d dd sh -c 'echo yes >/tmp/done'
	wait_for 5 hull exec dd test -s /tmp/done
}

@test "exec: a file of the caller stays the caller's: no truncation from inside, appending kept" {
	hull run -d --name cc test sleep 600
	echo before >out
	hull exec cc sh -c ': >/proc/self/fd/1; echo after; echo wrong >&2' >>out 2>err
	assert_equal "before
after" "$(cat out)"
	assert_equal wrong "$(cat err)"
	seq 200000 >in
	hull exec -i cc cat <in >back
	cmp in back
	hull exec cc sh -c 'seq 200000; exit 3' >back || assert_equal 3 $?
	cmp in back
	run bash -c "'$HULL' exec cc echo x 3>&- >/dev/full"
	assert_status 1
	assert_has "No space left"
}

# pthread_exit(3) in main(): such a process has neither namespaces nor a root by its number.
@test "the first thread of PID 1 has ended, others go on: exec, cp, top, export, pause and stop" {
	hull run -d --name cc test /probe leaderless
	wait_for 10 logs_have cc alone
	grep -q '^State:.Z' "/proc/$(pid_of cc)/status"
	hull top cc | grep probe
	hull cp cc:/etc/hostname - | tar -xO | grep -q .
	if [[ $(printf '%s\n' 6.9 "$(uname -r)" | sort -V | head -n 1) == 6.9 ]]; then
		assert_equal "hi 0" "$(hull exec cc sh -c 'echo hi $(id -u)')"
		hull export cc | tar -t | grep -q probe
	fi
	hull pause cc
	hull unpause cc
	hull stop -t 1 cc
	assert_equal exited "$(status_of cc)"
}

@test "exec: a folder as input is refused; without -i the input is empty" {
	hull run -d --name cc test sleep 600
	run bash -c "'$HULL' exec -i cc ls /proc/self/fd/0/ 3>&- <."
	assert_status 1
	assert_has "folder"
	assert_equal /dev/null "$(hull exec cc readlink /proc/self/fd/0 </etc/passwd)"
	# The container's own node: root in it may change that one.
	assert_equal "$(hull exec cc stat -L -c '%d %i' /dev/null)" \
		"$(hull exec cc stat -L -c '%d %i' /proc/self/fd/0)"
}

@test "exec: what is given through pipes can be opened again by the user" {
	hull run -d --name cc test sleep 600
	hull exec -u 1000 cc sh -c 'echo file >/dev/stdout; echo err >/dev/stderr' >out 2>err
	assert_equal "file err" "$(cat out err | xargs)"
	assert_equal pipe "$(hull exec -u 1000 cc sh -c 'echo pipe >/dev/stdout' | cat)"
	hull exec cc sh -c 'echo nothing >/dev/stdout' >/dev/null
	hull exec -i -u 1000 cc cat /dev/stdin <out >back
	cmp out back
}

@test "exec: ends with its process, whatever that left behind" {
	hull run -d --name cc test sleep 600
	before=$(now_ms)
	hull exec cc sh -c "sleep 600 & echo first; exit 4" >out || assert_equal 4 $?
	assert_equal first "$(cat out)"
	within 20 "$HULL" exec cc sh -c 'yes & sleep 0.2; exit 4' >out 3>&- || assert_equal 4 $?
	hull exec -i cc sh -c 'exec <&-; exit 6' </dev/zero || assert_equal 6 $?
	quick $(($(now_ms) - before)) 200000
}

@test "exec: a terminal of the caller is not the container's" {
	cat >caller.py <<'PY'
import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
out, sent = b"", 0
while True:
    try:
        data = os.read(master, 4096)
    except OSError:
        break
    if not data:
        break
    out += data
    if b"ask>" in out and not sent:
        sent = os.write(master, b"typed\n\x04")
sys.stdout.write(out.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
	hull run -d --name cc test sleep 600
	run within 30 python3 caller.py "$HULL" exec -i cc sh -c '
		for n in 0 1 2; do test -t $n && echo bad; readlink /proc/self/fd/$n; done
		echo "ask>"; read line; echo "got $line"; cat; echo over >&2; exit 5'
	assert_status 5
	assert_lacks bad
	assert_lacks /dev/
	assert_has "got typed"
	assert_has over
}

# docker's codes: an empty word is a command that is not found, an entrypoint of one is none at all.
@test "empty and blank command words: 127, and the cause" {
	hull run -d --name cc test sleep 60
	local word
	for word in '' ' '; do
		run hull run --rm test "$word"
		assert_status 127
		assert_has "exec: \"$word\": executable file not found in \$PATH"
		assert_has "perhaps a variable in quotes"
		run hull exec cc "$word"
		assert_status 127
		assert_has "perhaps a variable in quotes"
		run hull create --name dd test "$word"
		assert_status 0
		run hull start dd
		assert_status 1
		assert_has "executable file not found"
		assert_equal 127 "$(hull inspect -f '{{.State.ExitCode}}' dd)"
		hull rm dd
	done
	run hull run --rm --entrypoint '' test
	assert_status 125
	assert_has "no command specified"
}

@test "exec: exit codes of what could not begin" {
	hull run -d --name cc test sleep 600
	run hull exec -u nosuch cc true
	assert_status 126
	assert_has "unable to find user nosuch"
	run hull exec -u 0:nosuch cc true
	assert_status 126
	run hull exec -w /nosuch cc true
	assert_status 127
	assert_has /nosuch
	run hull exec -w /etc/passwd cc true
	assert_status 127
	hull pause cc
	run hull exec cc true
	assert_status 1
	assert_has paused
	hull unpause cc
	hull stop -t 0 cc
	run hull exec cc true
	assert_status 1
	assert_has "not running"
}

@test "exec: racing with the container's end says that it is not running" {
	for _ in $(seq 15); do
		hull run -d --rm --name cc test sleep 600 >/dev/null
		"$HULL" kill cc >/dev/null 3>&- &
		for _ in 1 2 3 4 5 6; do
			hull exec cc true 2>>errors || true
		done
		wait $!
		wait_for 5 eval '[ -z "$(hull ps -aq)" ]'
	done
	run grep -vE '^hint: |is not running|[Nn]o such container' errors
	assert_equal "" "$output"
}

@test "attached: the third INT or TERM ends the client, the container goes on" {
	hull run -d --name cc test sleep 600
	"$HULL" attach cc >out 2>err 3>&- &
	client=$!
	started_by_test $client
	wait_for 5 takes_signals $client
	kill -TERM $client
	wait_for 5 grep -q "no handler for SIGTERM" err
	for signal in INT TERM; do
		nap 300
		kill -0 $client
		kill -$signal $client
	done
	code=0
	wait $client || code=$?
	assert_equal 1 $code
	grep -q "got 3 SIGTERM/SIGINTs, forcefully exiting" err
	assert_equal 1 "$(grep -c "no handler" err)"
	assert_equal running "$(status_of cc)"
}

@test "exec is in the container's groups and goes with it" {
	hull run -d --name cc test sleep 600
	hull exec -d cc sleep 77
	wait_for 5 eval '[ "$(hull top cc | grep -c sleep)" = 2 ]'
	hull kill cc
	assert_equal 137 "$(hull wait cc)"
}

# bats test_tags=fast,same
@test "logs: stdout and stderr apart, --tail, -t, -f, --since" {
	hull run --name cc test sh -c 'echo one; echo two >&2; echo three' 2>/dev/null
	run --separate-stderr hull logs cc
	assert_equal "one
three" "$output"
	assert_equal two "$stderr"
	hull run --name bb test seq 1 9 >/dev/null
	assert_equal "8
9" "$(hull logs --tail 2 bb)"
	run hull logs -t cc
	assert_line '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z one$'
	assert_equal "" "$(hull logs --since 2100-01-01T00:00:00Z cc 2>&1)"
	hull run -d --name dd test sh -c 'for i in 1 2 3; do echo $i; sleep 0.2; done'
	assert_equal "1
2
3" "$(within 20 "$HULL" logs -f dd 3>&-)"
	run hull logs nobody
	assert_status 1
}

@test "logs: rotated, bounded, and read back over the files" {
	hull run --name cc --log-opt max-size=10k --log-opt max-file=3 test seq 1 5000 >/dev/null
	assert_equal 5000 "$(hull logs cc | tail -n 1)"
	hull logs cc >all
	n=$(wc -l <all)
	[ "$n" -lt 5000 ] && [ "$n" -gt 100 ]
	assert_equal "$(seq $((5000 - n + 1)) 5000 | md5sum)" "$(md5sum <all)"
	run hull run --rm --log-opt nonsense=1 test true
	assert_status 125
}

@test "logs: since, until, -n, -f, -t, --details over rotated files: nothing is lost, nothing comes twice" {
	local attributes=(--log-opt labels=who --label who=me) details='who=me '
	mkdir box
	for driver in json-file local; do
		rm -f box/go
		[ $driver = json-file ] || attributes=() details=' '
		hull run -d --name $driver --log-driver $driver --log-opt max-size=20k --log-opt max-file=100 \
			"${attributes[@]}" -v "$WORK/box:/box" test sh -c \
			'seq 1 4000; until [ -e /box/go ]; do sleep 0.05; done; seq 4001 8000'
		wait_for 20 logs_have $driver 4000
		[ "$(find "$HULL_ROOT/containers/$(hull inspect -f '{{.Id}}' $driver)" -name '*log*' -type f | wc -l)" -gt 3 ]
		hull logs -t $driver >times
		assert_equal "$(seq 4000 | md5sum)" "$(cut -d' ' -f2 times | md5sum)"
		from=$(sed -n 1200p times | cut -d' ' -f1) to=$(sed -n 3300p times | cut -d' ' -f1)
		awk -v from="$from" -v to="$to" '$1 >= from && $1 <= to' times >between
		[ "$(wc -l <between)" -ge 2100 ]
		hull logs -t --since "$from" --until "$to" $driver | cmp - between
		hull logs -t --since "$from" -n 1000 $driver | cmp - <(tail -n 1000 times)
		assert_equal "${details}4000" "$(hull logs --details -n 1 $driver)"
		assert_equal "$(seq 4000 | md5sum)" "$(hull logs -n 100000 $driver | md5sum)"
		"$HULL" logs -f --since "$from" $driver >followed 3>&- &
		client=$!
		"$HULL" logs -f -n 10 $driver >last 3>&- &
		other=$!
		started_by_test $client
		started_by_test $other
		wait_for 10 grep -q '^4000$' followed
		wait_for 10 grep -q '^4000$' last
		touch box/go
		wait $client $other
		cmp followed <(awk -v from="$from" '$1 >= from { print $2 }' times; seq 4001 8000)
		cmp last <(seq 3991 8000)
	done
}

# packed CONTAINER: all files of its log but the current one are compressed.
packed() {
	local name
	for name in "$HULL_ROOT/containers/$(hull inspect -f '{{.Id}}' "$1")"/*.log.*; do
		[[ "$name" == *.gz ]] || return 1
	done
}

@test "logs: compress=true packs what was rotated, and it is read back as before" {
	mkdir box
	for driver in json-file local; do
		rm -f box/go
		hull run -d --name $driver --log-driver $driver --log-opt max-size=20k --log-opt max-file=100 \
			--log-opt compress=true -v "$WORK/box:/box" test sh -c \
			'seq 1 4000; until [ -e /box/go ]; do sleep 0.05; done; seq 4001 8000; echo err >&2'
		wait_for 20 logs_have $driver 4000
		"$HULL" logs -f -n 2000 $driver >last 3>&- &
		client=$!
		started_by_test $client
		wait_for 10 grep -q '^4000$' last
		wait_for 20 packed $driver
		folder=$HULL_ROOT/containers/$(hull inspect -f '{{.Id}}' $driver)
		gzip -t "$folder"/*.log.1.gz "$folder"/*.log.2.gz "$folder"/*.log.3.gz
		assert_equal "$(stat -c %a "$folder"/*.log)" "$(stat -c %a "$folder"/*.log.1.gz)"
		hull logs -t $driver >times
		assert_equal "$(seq 4000 | md5sum)" "$(cut -d' ' -f2 times | md5sum)"
		for n in 0 1 700 2500 3999 4000 5000; do
			hull logs -n $n $driver | cmp - <(seq 4000 | tail -n $n)
		done
		from=$(sed -n 1200p times | cut -d' ' -f1) to=$(sed -n 3300p times | cut -d' ' -f1)
		hull logs -t --since "$from" --until "$to" $driver |
			cmp - <(awk -v from="$from" -v to="$to" '$1 >= from && $1 <= to' times)
		"$HULL" logs -f --since "$from" $driver >followed 3>&- &
		other=$!
		started_by_test $other
		wait_for 10 grep -q '^4000$' followed
		touch box/go
		wait $client $other
		cmp followed <(awk -v from="$from" '$1 >= from { print $2 }' times; seq 4001 8000)
		cmp last <(seq 2001 8000)
		hull start $driver
		hull wait $driver
		assert_equal "$( (seq 8000; seq 8000) | md5sum)" "$(hull logs $driver 2>/dev/null | md5sum)"
		# What is damaged hides nothing else, and is told.
		wait_for 20 packed $driver
		truncate -s 1000 "$folder"/*.log.2.gz
		run --separate-stderr hull logs $driver
		assert_status 0
		assert_has "$(seq 7900 8000)"
		[[ "$stderr" == *"1 older log files are compressed and could not be unpacked"* ]]
		hull rm $driver
	done
}

# At every fourth, or at each with FAULTS_EVERY=1, as `scripts/test-long faults` does it.
# bats test_tags=faults
@test "logs: compress=true, and what packs is killed at its calls: no line is lost or comes twice" {
	need_root
	hull run --name cc --log-opt max-size=20k --log-opt max-file=9 --log-opt compress=true test seq 2000 >/dev/null
	id=$(hull inspect -f '{{.Id}}' cc)
	wait_for 20 packed cc
	folder=$HULL_ROOT/containers/$id
	gunzip "$folder"/*.gz
	cp -a "$folder" before
	strace -f -o calls "$HULL" system pack-logs "$id" 3>&-
	packed cc
	local last n
	for call in openat flock fcntl linkat unlinkat fdatasync fchmod clone3 sendmsg recvmsg; do
		last=$(grep -cE "^[0-9]+ +$call\(" calls)
		for n in $(seq 1 "${FAULTS_EVERY:-4}" "$last"); do
			rm "$folder"/*.log*
			cp -a before/*.log* "$folder"
			strace -f -o /dev/null -e trace=none -e inject=$call:signal=KILL:when=$n "$HULL" system pack-logs "$id" 3>&- || true
			hull logs cc | cmp - <(seq 2000)
		done
	done
	hull system pack-logs "$id"
	packed cc
	hull logs cc | cmp - <(seq 2000)
}

@test "logs: compress=true, monitors and what packs are killed all the time: no line is lost or comes twice" {
	need_root
	hull run -d --name cc --log-opt max-size=10k --log-opt max-file=1000 --log-opt compress=true test sh -c \
		'i=0; while [ $i -lt 150 ]; do seq $((i * 100)) $((i * 100 + 99)); sleep 0.02; i=$((i + 1)); done'
	id=$(hull inspect -f '{{.Id}}' cc)
	while [ "$(status_of cc)" = running ]; do
		for pid in $(pgrep -f -- "^hull-monitor cc ${id:0:12}|--root $HULL_ROOT .*system pack-logs"); do
			kill -KILL "$pid" 2>/dev/null || true
		done
		nap 70
	done
	hull logs cc | cmp - <(seq 0 14999)
	hull start cc
	hull wait cc
	packed cc || hull system pack-logs "$id"
	hull logs cc | cmp - <(seq 0 14999; seq 0 14999)
}

@test "logs and attach: 100 MB, byte for byte" {
	head -c 100M /dev/urandom >bytes
	hull create --name cc --log-driver local --log-opt max-size=300m -v "$WORK/bytes:/bytes:ro" test cat /bytes
	hull start -a cc | cmp - bytes
	hull logs cc | cmp - bytes
	hull rm cc
	# As text, since JSON has no other bytes.
	base64 -w 150 bytes | head -c 100M >text
	rm bytes
	hull run --name cc --log-opt max-size=300m -v "$WORK/text:/text:ro" test cat /text | cmp - text
	hull logs cc | cmp - text
}

@test "logs: drivers json-file, local, none" {
	hull run --name jj --log-driver json-file test echo '"quoted"' >/dev/null
	file=$(hull inspect -f '{{.LogPath}}' jj)
	assert_equal '"quoted"' "$(jq -r .log <"$file" | head -n 1)"
	assert_equal stdout "$(jq -r .stream <"$file" | head -n 1)"
	hull run --name ll --log-driver local test echo local >/dev/null
	assert_equal local "$(hull logs ll)"
	hull run --name nn --log-driver none test echo none >/dev/null
	run hull logs nn
	assert_status 1
	run hull run --rm --log-driver nonsense test true
	assert_status 125
}

@test "logs -f: what was rotated away before it was read is said, and nothing is said otherwise" {
	mkdir box
	hull run -d --name cc -v "$WORK/box:/box" --log-opt max-size=20k --log-opt max-file=2 test sh -c \
		'echo first; until [ -e /box/go ]; do sleep 0.02; done; seq 1 20000; echo last
		touch /box/done; while [ -e /box/go ]; do sleep 0.02; done'
	"$HULL" logs -f cc >out 2>err 3>&- &
	client=$!
	started_by_test $client
	wait_for 10 grep -q first out
	kill -STOP $client
	touch box/go
	wait_for 20 test -e box/done
	wait_for 10 logs_have cc last
	kill -CONT $client
	rm box/go
	wait $client
	grep -qE '^hull logs: [0-9]+ log files? (was|were) rotated away before' err
	assert_equal last "$(tail -n 1 out)"
	[ "$(wc -l <out)" -lt 20000 ]
	# One that keeps pace over rotations, with one file only.
	hull run -d --name dd --log-opt max-size=20k --log-opt max-file=1 test sh -c \
		'i=0; while [ $i -lt 1000 ]; do echo "line $i"; [ $((i % 100)) != 0 ] || sleep 0.2; i=$((i + 1)); done'
	run --separate-stderr timeout 60 "$HULL" logs -f dd 3>&-
	# It may have begun late, but has no gap that it does not tell of.
	first=$(sed -n '1s/line //p' <<<"$output")
	[ -n "$stderr" ] || assert_equal "$(seq "$first" 999)" "$(sed 's/line //' <<<"$output")"
}

@test "log options: labels, env and tag become attributes; what would have no effect is refused" {
	hull run --name cc --label a=1 --label 'b.c=x"y' --label not=this -e FOO=bar --log-opt labels=a,b.c,none \
		--log-opt env-regex=^FO --log-opt 'tag={{.Name}}/{{ .ID }}' test echo hi >/dev/null
	id=$(hull inspect -f '{{.Id}}' cc)
	file=$(hull inspect -f '{{.LogPath}}' cc)
	assert_equal '{"FOO":"bar","a":"1","b.c":"x\"y","tag":"cc/'"${id:0:12}"'"}' "$(jq -c .attrs <"$file")"
	assert_equal "FOO=bar,a=1,b.c=x\"y,tag=cc/${id:0:12} hi" "$(hull logs --details cc)"
	local options text
	while IFS='|' read -r options text; do
		# shellcheck disable=SC2086 # words
		run hull run --rm $options test true
		assert_status 125
		assert_has "$text"
	done <<-'END'
		--log-opt compress=maybe|log opt compress: strconv.ParseBool: parsing "maybe": invalid syntax
		--log-opt compress=true --log-opt max-file=1|cannot be true when max-file is less than 2 or max-size is -1
		--log-opt compress=true --log-opt max-size=-1|cannot be true when max-file is less than 2 or max-size is -1
		--log-opt mode=non-blocking|hull does not drop what a container writes
		--log-opt mode=x|logging mode not supported: x
		--log-opt tag={{.Foo}}|cannot expand '{{.Foo}}'
		--log-opt labels-regex=(|invalid pattern
		--log-opt max-size=x|invalid size: 'x'
		--log-opt max-file=0|from 1 to 1000
		--log-driver local --log-opt tag=x|unknown log opt 'tag' for local log driver
		--log-driver journald --log-opt max-size=1k|unknown log opt 'max-size' for journald
	END
	run hull run --rm --log-opt labels=a --label "a=$(printf '%2000s' x)" test true
	assert_status 125
	assert_has "more than 1023 bytes in every record"
	hull run --rm --log-opt compress=false --log-opt mode=blocking test true
}

@test "journald: without a journal nothing is created or started" {
	need_root
	cat >journal.sh <<-'END'
		mount -t tmpfs none /run || exit 77
		exec "$1" "$2" --name jj --log-driver journald test true
	END
	# As docker's: what the engine refuses is 1 of create, 125 of run.
	for command in create:1 run:125; do
		run unshare -m --propagation private bash journal.sh "$HULL" ${command%:*}
		[ "$status" != 77 ] || skip "no mount namespace"
		assert_status ${command#*:}
		assert_has "/run/systemd/journal/socket: No such file"
		assert_equal "" "$(hull ps -aq)"
	done
}

@test "exec: a container that removed its /dev/null can still be entered" {
	hull run -d --name cc test sh -c 'rm /dev/null; exec sleep 600'
	wait_for 5 eval '! [ -e "/proc/$(pid_of cc)/root/dev/null" ]'
	assert_equal in "$(hull exec cc echo in)"
	hull exec -d cc touch /tmp/done
	wait_for 5 eval '[ -e "/proc/$(pid_of cc)/root/tmp/done" ]'
	# What it has instead is not the host's: its root could close that to all others.
	mode=$(stat -c %a /dev/null)
	hull exec cc sh -c 'echo x >/proc/self/fd/0 && chmod 667 /proc/self/fd/0' || true
	now=$(stat -c %a /dev/null)
	chmod "$mode" /dev/null
	assert_equal "$mode" "$now"
	assert_equal "1,3" "$(hull exec cc stat -L -c '%t,%T' /proc/self/fd/0)"
	hull exec -u user cc sh -c 'echo x >/proc/self/fd/0'
}

# syslog_receiver ADDRESS FILE: what comes to unix:, unixgram:, udp: or tcp: goes to the file.
syslog_receiver() {
	cat >receive.py <<-'END'
		import os, socket, sys
		scheme, where = sys.argv[1].split("://")
		s = socket.socket(socket.AF_UNIX if where[0] == "/" else socket.AF_INET,
		    socket.SOCK_STREAM if scheme in ("unix", "tcp") else socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(where if where[0] == "/" else (where.split(":")[0], int(where.split(":")[1])))
		out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
		if scheme in ("unix", "tcp"): s.listen()
		os.write(out, b"listening on %d\n" % (0 if where[0] == "/" else s.getsockname()[1]))
		while True:
		    peer = s.accept()[0] if scheme in ("unix", "tcp") else s
		    while data := peer.recv(65536): os.write(out, data)
	END
	python3 receive.py "$1" "$2" 3>&- &
	RECEIVER=$!
	started_by_test $RECEIVER
	wait_for 20 grep -q '^listening' "$2"
	PORT=$(sed -n '1s/listening on //p' "$2")
}

@test "syslog: Unix sockets, UDP and TCP; four formats, facility, tag; the receiver comes back" {
	need_root
	local host stamp='[A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8}' time='[0-9-]{10}T[0-9:]{8}'
	host=$(hostname)
	# driver FILE OPTION...: a container's lines, and what comes of them.
	driver() {
		local file=$1
		shift
		hull run --name ss --log-driver syslog "$@" test sh -c 'echo one; echo two >&2; printf three' >/dev/null 2>&1
		wait_for 20 grep -q three "$file"
		ID=$(hull inspect -f '{{.Id}}' ss)
		hull rm ss
		output=$(cat "$file")
	}
	syslog_receiver "unixgram://$WORK/gram" gram.out
	driver gram.out --log-opt "syslog-address=unixgram://$WORK/gram"
	assert_line "^<30>$stamp ${ID:0:12}\[[0-9]+\]: one\$"
	assert_line "^<27>$stamp ${ID:0:12}\[[0-9]+\]: two\$"
	driver gram.out --log-opt "syslog-address=unix://$WORK/gram" --log-opt syslog-format=rfc3164 --log-opt tag=t/{{.Name}} \
		--log-opt syslog-facility=local7
	assert_line "^<190>$stamp $host t/ss\[[0-9]+\]: three\$"
	syslog_receiver "unix://$WORK/stream" stream.out
	driver stream.out --log-opt "syslog-address=unix://$WORK/stream" --log-opt syslog-format=rfc5424 --log-opt syslog-facility=1
	assert_line "^<14>1 ${time}Z $host ${ID:0:12} [0-9]+ ${ID:0:12} - one\$"
	syslog_receiver udp://127.0.0.1:0 udp.out
	driver udp.out --log-opt "syslog-address=udp://localhost:$PORT" --log-opt syslog-format=rfc5424micro
	assert_line "^<27>1 $time\.[0-9]{1,6}Z $host ${ID:0:12} [0-9]+ ${ID:0:12} - two\$"
	# A receiver that goes and comes back, monitors that are killed: the line after that is there.
	syslog_receiver tcp://127.0.0.1:0 tcp.out
	local file address
	while read -r file address; do
		hull run -d --name ss --log-driver syslog --log-opt "syslog-address=$address" test sh -c \
			'i=0; while :; do echo "line $i end"; i=$((i + 1)); sleep 0.1; done'
		wait_for 20 grep -q 'line 3 end' $file
		if [ $file = tcp.out ]; then
			kill -KILL $RECEIVER
			wait $RECEIVER || true
			mv tcp.out before.out
			syslog_receiver "$address" tcp.out
			wait_for 20 grep -q 'line [0-9]* end' tcp.out
		fi
		watchers_of "$(pid_of ss)"
		kill -KILL "$MONITOR"
		more_lines() { [ "$(grep -c 'line [0-9]* end' $file)" -gt "$1" ]; }
		wait_for 20 more_lines $(($(grep -c 'line [0-9]* end' $file) + 5))
		run hull logs ss
		assert_has "does not support reading"
		hull rm -f ss
	done <<-END
		tcp.out tcp://127.0.0.1:$PORT
		stream.out unix://$WORK/stream
	END
	# What is wrong is said when it is created, and who is not there when it starts.
	local options text
	while IFS='|' read -r options text; do
		# shellcheck disable=SC2086 # words
		run hull create --log-driver syslog $options test true
		assert_status 1
		assert_has "$text"
	done <<-'END'
		--log-opt syslog-address=tcp+tls://127.0.0.1:1|invalid address: 'tcp+tls://127.0.0.1:1'
		--log-opt syslog-address=udp://example.org:514|invalid address: 'udp://example.org:514'
		--log-opt syslog-address=tcp://127.0.0.1:0|invalid address: 'tcp://127.0.0.1:0'
		--log-opt syslog-address=udp://[::1|invalid address: 'udp://[::1'
		--log-opt syslog-address=unix://dev/log|invalid address: 'unix://dev/log'
		--log-opt syslog-facility=none|invalid syslog facility: 'none'
		--log-opt syslog-format=rfc1|invalid syslog format: 'rfc1'
		--log-opt max-size=1k|unknown log opt 'max-size' for syslog log driver
	END
	run hull run --rm --log-driver syslog --log-opt "syslog-address=unix://$WORK/nothing" test true
	assert_status 125
	assert_has "log driver syslog: cannot connect to its address: No such file or directory"
	run hull create --log-driver syslog --log-opt "tag=a
b" test true
	assert_status 1
	assert_has "control characters"
}

@test "syslog: a receiver that stops reading for a while has all that it took, whole, and what comes after" {
	need_root
	local scheme address
	for scheme in tcp unix; do
		address=tcp://127.0.0.1:0
		[ $scheme = tcp ] || address=unix://$WORK/slow
		syslog_receiver $address $scheme.out
		[ $scheme = unix ] || address=tcp://127.0.0.1:$PORT
		kill -STOP $RECEIVER
		# More than the kernel's buffers take, then a line now and then.
		hull run -d --name ss --log-driver syslog --log-opt "syslog-address=$address" test sh -c \
			'yes "$(printf %03000d 7)" | head -n 6000; >/done; while :; do echo tick; sleep 0.1; done'
		wait_for 60 hull exec ss test -e /done
		kill -CONT $RECEIVER
		wait_for 60 grep -q ': tick$' $scheme.out
		hull rm -f ss
		sed -i 1d $scheme.out
		run grep -vE '^<30>[^:]*:[0-9:]* [0-9a-f]{12}\[[0-9]+\]: (0{2999}7|tick)$' $scheme.out
		assert_equal "" "$output"
		[ "$(grep -c "7\$" $scheme.out)" -ge 20 ] || fail "$scheme: $(grep -c "7\$" $scheme.out) lines"
	done
}

# A journal of one's own: systemd-journald by hand, in a mount namespace.
@test "journald: a real journal takes it, with docker's fields" {
	need_root
	local journald=/lib/systemd/systemd-journald
	[ -x $journald ] && command -v journalctl >/dev/null || skip "no systemd-journald here"
	cat >journal.sh <<-'END'
		mount -t tmpfs none /run || exit 77
		mkdir -p /run/systemd/journald.conf.d /run/log/journal
		printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitBurst=0\n' >/run/systemd/journald.conf.d/x.conf
		if [ ! -s /etc/machine-id ]; then
			echo 0123456789abcdef0123456789abcdef >/run/machine-id
			mount --bind /run/machine-id /etc/machine-id || exit 77
		fi
		"$1" 2>/dev/null 3>&- & journal=$!
		for _ in $(seq 600); do [ ! -S /run/systemd/journal/socket ] || break; sleep 0.1; done
		"$2" run --name jj --log-driver journald --label a.b=1 --log-opt labels=a.b --log-opt 'tag={{.Name}}!' test \
			sh -c 'echo one; echo two >&2; printf "a\001b\n"; head -c 20000 /dev/zero | tr "\0" x; echo' >/dev/null 2>&1
		"$2" logs jj >refused 2>&1
		"$2" rm jj >/dev/null
		for _ in $(seq 600); do
			journalctl --no-pager --all -o json CONTAINER_NAME=jj >records
			[ "$(wc -l <records)" -lt 5 ] || break
			sleep 0.1
		done
		kill $journal
		wait $journal
		exit 0
	END
	run unshare -m --propagation private bash journal.sh "$journald" "$HULL"
	[ "$status" != 77 ] || skip "no mount namespace"
	assert_equal "one a b" "$(jq -r 'select(.PRIORITY == "6") | .MESSAGE | if type == "array" then "a b" else . end' records | grep -v x | tr '\n' ' ' | sed 's/ $//')"
	assert_equal two "$(jq -r 'select(.PRIORITY == "3") | .MESSAGE' records)"
	assert_equal "jj jj! jj! test 1" "$(jq -r 'select(.MESSAGE == "one") | [.CONTAINER_NAME, .CONTAINER_TAG, .SYSLOG_IDENTIFIER, .IMAGE_NAME, .A_B] | join(" ")' records)"
	assert_equal 16384 "$(jq -r 'select(.CONTAINER_PARTIAL_MESSAGE) | .MESSAGE | length' records)"
	grep -q "does not support reading" refused
	grep -q "journalctl CONTAINER_NAME=jj" refused
}

@test "logs: what a container prints can never break a record" {
	hull run --name cc test printf 'a\nb\033[31m\0c\377\376{"log":"x"}\r\nlast without newline' >/dev/null
	file=$(hull inspect -f '{{.LogPath}}' cc)
	jq -e . <"$file" >/dev/null
	assert_equal 4 "$(wc -l <"$file" | tr -d ' ')" || assert_equal 3 "$(wc -l <"$file" | tr -d ' ')"
}

@test "attach: output, exit code, and signals by --sig-proxy" {
	hull run -d --name cc test sh -c 'trap "echo got; exit 3" TERM; echo up; while :; do sleep 0.05; done'
	wait_for 5 logs_have cc up
	attached_gets_term attach cc
	assert_equal 3 $code
	assert_equal 3 "$(hull wait cc)"
	grep -q got attached
}

@test "attach: without --sig-proxy the client alone hears it" {
	hull run -d --name cc test sleep 600
	attached_gets_term attach --sig-proxy=false --no-stdin cc
	assert_equal running "$(status_of cc)"
}

@test "inspect: several kinds, several objects, missing ones" {
	hull create --name cc test true
	run hull inspect cc test
	assert_status 0
	assert_equal 2 "$(jq length <<<"$output")"
	run hull inspect cc nobody
	assert_status 1
	assert_has nobody
	assert_equal '["true"]' "$(hull inspect cc | jq -c '.[0].Config.Cmd')"
	assert_equal 0001-01-01T00:00:00Z "$(hull inspect -f '{{.State.StartedAt}}' cc)"
}

@test "/dev/stdin can be opened again, before and after the client's input ended" {
	echo input >in
	local user
	for user in 0 1000; do
		# KILL: a client would only pass on a signal that nobody hears.
		run -0 timeout -s KILL $((20 * PATIENCE)) "$HULL" run --rm -i -u $user test cat /dev/stdin <in 3>&-
		assert_equal input "$output"
		run -0 timeout -s KILL $((20 * PATIENCE)) "$HULL" run --rm -i -u $user test \
			sh -c 'cat; cat /dev/stdin; echo end' <in 3>&-
		assert_equal $'input\nend' "$output"
	done
}

@test "top: the container's processes with the host's numbers (B9)" {
	hull run -d --name cc test sh -c 'sleep 61 & sleep 62 & wait'
	wait_for 5 eval '[ "$(hull top cc -o pid,comm | grep -c " sleep$")" = 2 ]'
	run hull top cc
	assert_line '^UID +PID +PPID'
	assert_line 'sleep 61$'
	# Also where ps itself would list those of its own terminal only.
	run script -qec "'$HULL' top cc -o pid,comm" /dev/null
	assert_line "^ *$(pid_of cc) +sh"
	assert_equal 4 "${#lines[@]}"
	run hull top cc -o pid=NUMBER
	assert_status 1
	# The last number of each in /proc is the one that it has inside.
	inside=$(hull top cc -eo pid | sed 1d | while read -r pid; do awk '/^NSpid/ { print $NF }' "/proc/$pid/status"; done)
	assert_equal "$(hull exec cc sh -c 'ls -d /proc/[0-9]*' | cut -d/ -f3 | sort | head -n 3)" "$(sort <<<"$inside")"
	hull create --name dd test true
	run hull top dd
	assert_status 1
}

@test "top --inside: what a process is called in the container and on the machine" {
	hull run -d --name cc test sh -c 'sleep 61 & echo $!; exec sleep 62'
	wait_for 5 eval '[ "$(hull top cc -o pid,comm | grep -c " sleep$")" = 2 ]'
	run hull top --inside cc -o pid,args
	assert_line '^INSIDE +PID +COMMAND'
	assert_line "^1 +$(pid_of cc) +sleep 62"
	assert_line "^$(hull logs cc) +[0-9]+ +sleep 61"
	hull run -d --name dd --pid host test sleep 600
	run hull top --inside dd
	assert_line "^$(pid_of dd) +root +$(pid_of dd) "
}

@test "--cidfile is written once" {
	hull run -d --cidfile cid --name cc test sleep 600 >out
	assert_equal "$(cat out)" "$(cat cid)"
	run hull run --rm --cidfile cid test true
	assert_status 125
	assert_has cid
	assert_equal 'not given' "$(hull run --rm --cidfile '' test echo not given)"
	hull rm -f cc
	for how in run create 'run -d' 'run --rm'; do
		# shellcheck disable=SC2086 # words
		run hull $how --cidfile missing/cid -v /anonymous test true
		[ "$status" != 0 ]
		assert_has missing/cid
		assert_equal "" "$(hull ps -aq)$(hull volume ls -q)"
	done
}

@test "environment: -e, --env-file, the image's, and what is always there" {
	printf 'FILE=from file\n# comment\n\nINHERITED\nEMPTY=\n' >env
	INHERITED=yes SECRET=no hull run --rm -e A=b -e FROM_IMAGE=over --env-file env -e HOSTVAR= test env >out
	for line in A=b FROM_IMAGE=over 'FILE=from file' INHERITED=yes EMPTY= HOSTVAR= HOME=/root; do
		grep -qxF -- "$line" out || fail "missing: $line" "$(cat out)"
	done
	grep -q '^PATH=' out
	grep -q '^HOSTNAME=' out
	run ! grep SECRET out
	run hull run --rm --env-file /no/such test true
	assert_status 125
	printf 'no good=1\n' >bad
	run hull run --rm --env-file bad test true
	assert_status 125
}

# bats test_tags=fast
@test "--env-file, --label-file and --security-opt seccomp= read pipes, too" {
	assert_equal "1 2" "$(echo TWO=2 | hull run --rm --env-file <(echo ONE=1) --env-file /dev/stdin test \
		sh -c 'echo $ONE $TWO')"
	hull run --name piped --label-file <(printf 'a=b\nc\n') --security-opt seccomp=<(echo '{"defaultAction":"SCMP_ACT_ALLOW"}') \
		test true
	assert_equal '{"a":"b","c":""}' "$(hull inspect -f '{{json .Config.Labels}}' piped)"
	# Not without end, and no folders.
	run hull run --rm --env-file /dev/zero test true
	assert_status 125
	assert_has "is larger than"
	run hull run --rm --env-file . test true
	assert_status 125
	assert_has "Is a directory"
}

# bats test_tags=fast,same
@test "user: names, numbers, groups; what is refused" {
	who() { hull run --rm "$@" test sh -c 'echo $(id -u):$(id -g):$(id -G)'; }
	assert_equal "1000:1001:1001 29" "$(who -u user)"
	assert_equal "1000:44:44" "$(who -u user:video)" || assert_equal "1000:44:44 29" "$(who -u user:video)"
	assert_equal "1234:0:0" "$(who -u 1234)"
	assert_equal "1234:77:77" "$(who -u 1234:77)"
	assert_equal "4242:0:0" "$(who -u 4242)" # digits are never aa name
	assert_equal "1000:1001:1001 29 44" "$(who -u user --group-add video)"
	assert_equal /home/user "$(hull run --rm -u user test sh -c 'echo $HOME')"
	for bad in nobody 4294967295 4294967296 -1 +1 0x1 '1 ' 1:nogroup 1:4294967295; do
		run hull run --rm -u "$bad" test id
		[ "$status" != 0 ] || fail "accepted user $bad: $output"
	done
}

@test "user: from the image, kept in exec" {
	make_image other 'USER user' 'WORKDIR /data'
	hull run -d --name cc other sleep 600
	assert_equal "1000 /data" "$(hull exec cc sh -c 'echo $(id -u) $(pwd)')"
	assert_equal "CapEff: 0000000000000000" "$(hull exec cc grep CapEff /proc/1/status | tr '\t' ' ')"
}

@test "workdir: given, made when missing, relative refused" {
	assert_equal /new/deep "$(hull run --rm -w /new/deep test pwd)"
	run hull run --rm -w relative test pwd
	assert_status 125
	run hull run --rm -w /etc/passwd test pwd
	[ "$status" -ge 125 ]
}

@test "entrypoint and command: of the image, replaced, cleared" {
	make_image ep 'ENTRYPOINT ["echo","entry"]' 'CMD ["cmd"]'
	assert_equal "entry cmd" "$(hull run --rm ep)"
	assert_equal "entry mine" "$(hull run --rm ep mine)"
	assert_equal "-n" "$(hull run --rm --entrypoint echo ep -- -n)" ||
		assert_equal "-- -n" "$(hull run --rm --entrypoint echo ep -- -n)"
	assert_equal "x" "$(hull run --rm --entrypoint '' ep echo x)"
	make_image shellform 'CMD echo $FROM_SHELL' 'ENV FROM_SHELL=yes'
	assert_equal yes "$(hull run --rm shellform)"
}

@test "hostname, domain name, labels, annotations" {
	echo from=file >labels
	assert_equal box "$(hull run --rm -h box test hostname)"
	id=$(hull run -d --name cc -l a=1 --label b --label-file labels test sleep 600)
	assert_equal "${id:0:12}" "$(hull exec cc hostname)"
	assert_equal '{"a":"1","b":"","from":"file"}' "$(hull inspect cc | jq -cS '.[0].Config.Labels')"
}

@test "stop-signal and stop-timeout: of the container, of the image, of the command" {
	hull run -d --name aa --stop-signal USR1 test /probe handlers
	make_image sig 'STOPSIGNAL SIGUSR1'
	hull run -d --name bb sig /probe handlers
	hull run -d --name cc test /probe handlers
	for c in aa bb cc; do wait_ready $c; done
	hull stop aa
	hull stop bb
	hull stop -s USR1 cc
	for c in aa bb cc; do assert_equal "signal 10" "$(hull logs $c | tail -n 1)"; done
	hull run -d --name dd --stop-timeout 1 test sleep 600
	before=$(now_ms)
	run hull stop dd
	[ $(($(now_ms) - before)) -ge 900 ]
	assert_line 'killed after [0-9.]+ s'
	assert_equal 137 "$(hull wait dd)"
}

@test "stop: several at once, at the same time" {
	for i in 1 2 3 4; do hull run -d --name s$i test sleep 600; done
	before=$(now_ms)
	hull stop -t $((3 * PATIENCE)) s1 s2 s3 s4
	quick $(($(now_ms) - before)) 11000 # less than four times that
}

@test "terminal: a pty of the right size, exit code, one stream" {
	cat >session.py <<'PY'
import fcntl, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
out = b""
while True:
    try:
        data = os.read(master, 4096)
    except OSError:
        break
    if not data:
        break
    out += data
    if b"prompt>" in out and b"sent" not in out:
        os.write(master, b"echo sent; stty size; tty; exit 6\n")
        out += b"sent"
sys.stdout.write(out.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
	run within 30 python3 session.py "$HULL" run --rm -it -e PS1='prompt>' test sh
	assert_status 6
	assert_has "33 77"
	assert_has /dev/pts/0
}

@test "terminal: resized in mid-session, and the program inside gets SIGWINCH, of run, exec and attach" {
	cat >resize.py <<'PY'
import fcntl, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
def size(rows, cols):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
def until(text):
    global out
    while text not in out:
        data = os.read(master, 4096)
        assert data, out
        out += data
    out = out.split(text, 1)[1]
out = b""
size(33, 77)
until(b"size 33 77")
for rows, cols in (44, 55), (20, 132):
    size(rows, cols)
    until(b"resized to %d %d" % (rows, cols))
os.write(master, b"q\n")
try:
    while os.read(master, 4096): pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
	cat >watch <<'SH'
#!/bin/sh
trap 'echo "resized to $(stty size)"' WINCH
until [ "$(stty size)" = "33 77" ]; do usleep 50000; done
echo "size $(stty size)"
until read -r line && [ "$line" = q ]; do :; done
exit 6
SH
	chmod 755 watch
	run -6 within 60 python3 resize.py "$HULL" run --rm -it -v "$WORK/watch:/watch" test /watch
	hull run -d -it --name cc -v "$WORK/watch:/watch" test /watch
	run -6 within 60 python3 resize.py "$HULL" exec -it cc /watch
	run -6 within 60 python3 resize.py "$HULL" attach cc
}

# detach.py KEYS COMMAND...: in a terminal, types KEYS once it said "up", and ends as it does; 99 when
# the terminal is not what it was.
detach_program() {
	cat >detach.py <<'PY'
import os, pty, select, sys, termios
keys = sys.argv[1].encode().decode("unicode_escape").encode("latin-1")
master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.login_tty(slave)
    os.execv(sys.argv[2], sys.argv[2:])
out = b""
while b"up" not in out:
    out += os.read(master, 4096)
os.write(master, keys)
ended = status = 0
while not ended:
    if select.select([master], [], [], 0.05)[0]:
        os.read(master, 4096)
    ended, status = os.waitpid(pid, os.WNOHANG)
same = termios.tcgetattr(slave) == before
sys.exit(os.waitstatus_to_exitcode(status) if same else 99)
PY
}

@test "terminal: detach keys leave the container running, attach comes back" {
	detach_program
	run within 30 python3 detach.py '\x10\x11' "$HULL" run -it --name cc test sh -c 'while :; do echo up; sleep 0.1; done'
	assert_equal running "$(status_of cc)"
	run within 30 python3 detach.py '\x10\x11' "$HULL" attach cc
	assert_status 1
	assert_equal running "$(status_of cc)"
	run within 30 python3 detach.py '\x01x' "$HULL" run -it --detach-keys ctrl-a,x --name dd test sh -c 'echo up; sleep 600'
	assert_equal running "$(status_of dd)"
	run hull run -d --detach-keys nonsense-key test true
	assert_status 125
}

@test "terminal: detach keys, and -d, leave the process of an exec running, with its terminal" {
	local work='echo up; until [ -e /tmp/go ]; do sleep 0.1; done; yes | head -n 99999; echo >/tmp/done; sleep 600'
	detach_program
	hull run -d --name cc test sleep 600
	run within 30 python3 detach.py '\x10\x11' "$HULL" exec -it cc sh -c "$work"
	assert_status 1
	hull exec cc touch /tmp/go
	wait_for 10 hull exec cc rm /tmp/done
	run within 30 "$HULL" exec -dt cc sh -c "$work"
	assert_status 0
	wait_for 10 hull exec cc rm /tmp/done
	assert_equal 3 "$(hull top cc | grep -c 'sleep 600$')"
	# Before Linux 6.15 nobody but its new parent knows how it ended.
	printf '6.15\n%s\n' "$(uname -r)" | sort -VC || return 0
	run within 30 python3 detach.py '\x10\x11' "$HULL" exec -it cc sh -c 'echo up; until [ -e /tmp/end ]; do sleep 0.1; done; exit 6'
	hull exec cc touch /tmp/end
	wait_for 20 eval 'hull events --since 1 --until "$(date +%s.%N)" -f event=exec_die --format "{{.Actor.Attributes.exitCode}}" | grep -qx 6'
}

@test "terminal: exec -it has one of its own; -t without a terminal is refused as docker does" {
	hull run -d --name cc test sleep 600
	run within 30 script -qec "'$HULL' exec -it cc sh -c 'tty; exit 8'" /dev/null
	assert_status 8
	assert_has /dev/pts/
	run hull run --rm -it test true </dev/null
	assert_status 1 || assert_status 125
	assert_has TTY
}

@test "a client that is killed does not take the container along" {
	"$HULL" run --name cc test sh -c 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done; exit 4' >/dev/null 3>&- &
	client=$!
	wait_for 5 logs_have cc 1
	kill -KILL $client
	assert_equal 4 "$(hull wait cc)"
	assert_equal 6 "$(hull logs cc | wc -l)"
}

@test "options that hull does not have yet are refused with the reason" {
	for option in '--volume-driver x' '--gpus all'; do
		# shellcheck disable=SC2086
		run hull run --rm $option test true
		assert_status 125
		[ -n "$output" ]
	done
}

@test "network host and none" {
	assert_equal lo "$(hull run --rm --network none test ls /sys/class/net)"
	assert_equal "$(readlink /proc/self/ns/net)" "$(hull run --rm --network host test readlink /proc/self/ns/net)"
	hull run -d --name cc test sleep 600
	assert_equal "$(hull exec cc readlink /proc/self/ns/net)" \
		"$(hull run --rm --network container:cc test readlink /proc/self/ns/net)"
}

# Its writer sleeps in write(2) with the begun line at the front of the pipe.
@test "run: a begun line, then a write larger than the pipe: attached, -t, -d" {
	local flood='printf abc; sleep 0.3; dd if=/dev/zero bs=200000 count=1 2>/dev/null' options
	for options in '' -t; do
		# shellcheck disable=SC2086 # options are words
		assert_equal 200003 "$(within 20 "$HULL" run --rm $options test sh -c "$flood" 3>&- | wc -c)"
		# shellcheck disable=SC2086
		id=$(hull run -d $options test sh -c "$flood")
		assert_equal 0 "$(within 20 "$HULL" wait "$id" 3>&-)"
		assert_equal 200003 "$(hull logs "$id" | wc -c)"
	done
	assert_equal 200003 "$(within 20 "$HULL" run --rm test sh -c "exec >&2; $flood" 2>&1 >/dev/null 3>&- | wc -c)"
}

# many_layers COUNT FILE: docker's archive of an image of so many layers, with a file in each.
many_layers() {
	python3 - "$@" <<-'END'
		import hashlib, io, json, sys, tarfile
		count, out, ids = int(sys.argv[1]), tarfile.open(sys.argv[2], "w"), []
		def add(to, name, data):
		    info = tarfile.TarInfo(name)
		    info.size = len(data)
		    to.addfile(info, io.BytesIO(data))
		for i in range(count):
		    layer = io.BytesIO()
		    with tarfile.open(fileobj=layer, mode="w") as tar:
		        add(tar, f"file{i}", b"in layer %d\n" % i)
		    ids.append("sha256:" + hashlib.sha256(layer.getvalue()).hexdigest())
		    add(out, f"{i}.tar", layer.getvalue())
		config = {"os": "linux", "config": {"Cmd": ["/x"]}, "rootfs": {"type": "layers", "diff_ids": ids}}
		add(out, "config.json", json.dumps(config).encode())
		image = {"Config": "config.json", "RepoTags": [f"many:{count}"], "Layers": [f"{i}.tar" for i in range(count)]}
		add(out, "manifest.json", json.dumps([image]).encode())
		out.close()
	END
}

@test "an image of as many layers as there can be runs; one more is refused, also by commit" {
	many_layers 127 127.tar
	many_layers 128 128.tar
	run hull load -q -i 128.tar
	assert_status 1
	assert_has "it has 128 layers, the limit is 127"
	hull load -q -i 127.tar
	hull create --name cc many:127
	assert_equal "in layer 0 in layer 126" "$({ hull cp cc:/file0 - | tar -xO; hull cp cc:/file126 - | tar -xO; } | xargs)"
	echo more >more
	hull cp more cc:/more
	run hull commit cc too:many
	assert_status 1
	assert_has "the image would have 128 layers, the limit is 127"
	assert_equal "many test" "$(hull images --format '{{.Repository}}' | sort | xargs)"
}
