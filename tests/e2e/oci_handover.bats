#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What hull-runtime and its callers hand to each other: terminals, descriptors, pid files, the log,
# readiness.

load oci

receive() {
	python3 "$TOP/tests/helpers/oci_receive.py" "$@" 3>&-
}

# receiver KIND SOCKET [ARGUMENT...]: in the background, its output in $dir/received.
receiver() {
	receive "$@" >"$dir/received" 2>"$dir/receiver" &
	receiver=$!
	wait_for 10 grep -q ready "$dir/receiver"
}

@test "console socket: create with a terminal" {
	config '.process.terminal = true | .process.consoleSize = {height: 30, width: 90}'
	bundle sh -c 'stty size; tty; read x; echo "got $x"; ls -l /dev/console >/dev/null && echo console'
	ln -s busybox "$root/bin/stty"
	capture rt create c1
	[ "$status" = 1 ]
	[[ "$output" == *--console-socket* ]]
	receiver console "$dir/console" 'hello\n'
	rt create --console-socket "$dir/console" c1
	rt start c1
	wait $receiver
	grep -q '^30 90' "$dir/received"
	grep -q '^/dev/pts/0' "$dir/received"
	grep -q 'got hello' "$dir/received"
	grep -q '^console' "$dir/received"
}

@test "console socket: a long path, exec, and where it makes no sense" {
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	local deep=$dir/$(printf 'd%.0s' $(seq 120))
	mkdir "$deep"
	(cd "$deep" && exec python3 "$TOP/tests/helpers/oci_receive.py" console c) >"$dir/received" \
		2>"$dir/receiver" 3>&- &
	receiver=$!
	wait_for 10 grep -q ready "$dir/receiver"
	rt exec -t -d --console-socket "$deep/c" c1 sh -c 'tty; echo from exec'
	wait $receiver
	grep -q 'from exec' "$dir/received"
	capture rt exec --console-socket "$deep/c" c1 true
	[ "$status" = 255 ]
	capture rt exec -t -d c1 true
	[ "$status" = 255 ]
}

@test "a terminal in the foreground: size, input, exit status; run and exec" {
	config '.process.terminal = true'
	bundle sh -c 'until [ "$(stty size)" = "33 77" ]; do sleep 0.05; done; stty size; echo ready; read x; echo "got $x"; exit 6'
	ln -s busybox "$root/bin/stty"
	capture receive terminal "$runtime" --root "$dir/state" run c1
	[ "$status" = 6 ]
	[[ "$output" == *"33 77"* ]]
	[[ "$output" == *"got typed"* ]]
	config '.process.terminal = false'
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	capture receive terminal "$runtime" --root "$dir/state" exec -t c1 \
		sh -c 'tty; echo ready; read x; echo "got $x"; exit 8'
	[ "$status" = 8 ]
	[[ "$output" == *"/dev/pts/"* ]]
	[[ "$output" == *"got typed"* ]]
}

@test "the container gets 0, 1 and 2, whatever the caller holds" {
	bundle sh -c 'ls /proc/self/fd | xargs'
	ln -s busybox "$root/bin/xargs"
	# ls has one for the folder itself.
	[ "$(rt run c1 5</etc/passwd 7<"$dir" 9>/dev/null)" = "0 1 2 3" ]
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1 8<"$dir"
	[ "$(rt exec c1 sh -c 'ls /proc/self/fd | xargs' 6<"$dir" 9</etc/passwd)" = "0 1 2 3" ]
	[ "$(ls "/proc/$(pid_of c1)/fd" | xargs)" = "0 1 2" ]
}

@test "preserved descriptors: exactly those, and a gap is refused" {
	echo preserved >"$dir/text"
	bundle sh -c 'cat <&4; ls /proc/self/fd | xargs'
	ln -s busybox "$root/bin/xargs"
	run_it() {
		"$runtime" --root "$dir/state" "$@" 3</dev/null 4<"$dir/text" 5>&- 6</etc/passwd
	}
	[ "$(run_it run --preserve-fds 2 c1 | xargs)" = "preserved 0 1 2 3 4 5" ]
	capture run_it run --preserve-fds 3 c1
	[ "$status" = 1 ]
	[[ "$output" == *"descriptor 5"* ]]
	bundle sleep 100
	rt run -d c1 </dev/null >/dev/null 2>&1
	[ "$(run_it exec --preserve-fds 2 c1 sh -c 'cat <&4')" = preserved ]
	# What hull-runtime has opened itself by then is none of those.
	capture run_it exec --preserve-fds 3 c1 true
	[ "$status" = 255 ]
	[[ "$output" == *"descriptor 5"* ]]
}

@test "LISTEN_FDS: sockets of a service manager reach the container" {
	bundle sh -c 'echo $LISTEN_FDS $LISTEN_PID; readlink /proc/self/fd/3'
	capture receive activate "$runtime" --root "$dir/state" run c1
	[ "${lines[0]}" = "1 1" ]
	[[ "${lines[1]}" == socket:* ]]
	# Not ours: another process was meant.
	export LISTEN_FDS=1 LISTEN_PID=1
	[ "$(rt run c1 2>/dev/null | head -n 1)" = "" ]
}

@test "pid file and pidfd socket" {
	receiver pidfd "$dir/pidfd"
	rt create --pid-file "$dir/pid" --pidfd-socket "$dir/pidfd" c1
	wait $receiver
	[ "$(cat "$dir/pid")" = "$(pid_of c1)" ]
	[ "$(cat "$dir/received")" = "$(pid_of c1)" ]
	capture rt create -b "$(another c2)" --pid-file /nosuch/pid c2
	[ "$status" = 1 ]
	[ "$(rt list -q)" = c1 ]
}

@test "the log: JSON and text, with what standard error has" {
	capture rt --log "$dir/log" --log-format json start nosuch
	[ "$status" = 1 ]
	jq -e '.level == "error" and (.msg | test("does not exist")) and (.time | test("^20.*Z$"))' "$dir/log"
	[[ "$output" == *"does not exist"* ]]
	capture rt --log "$dir/text" start 'no"such'
	grep -qE '^time="20[^"]+" level=error msg="invalid container id .*\\".*"$' "$dir/text"
	capture rt --log-format yaml state x
	[ "$status" = 1 ]
	capture rt --log journald:x state x
	[ "$status" = 1 ]
	# Command lines that make no sense are told there, too.
	capture rt --log "$dir/usage" --log-format json create --nosuch
	jq -e '.msg | test("unknown flag")' "$dir/usage"
}

@test "NOTIFY_SOCKET: the container's readiness, with its pid; create and start" {
	bundle sh -c 'echo "$NOTIFY_SOCKET"; ls -l /run/notify; exec sleep 100'
	receiver notify "$dir/manager"
	export NOTIFY_SOCKET=$dir/manager
	rt create c1 >"$dir/out" 2>&1
	rt start c1 &
	local start=$!
	wait_for 10 test -S "$dir/state/c1/notify/notify.sock"
	wait_for 10 grep -q notify.sock "$dir/out"
	grep -qx /run/notify/notify.sock "$dir/out"
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
s.send(b"STATUS=not yet")
s.send(b"STATUS=now\nREADY=1")' "/proc/$(pid_of c1)/root/run/notify/notify.sock"
	wait $start
	wait $receiver
	[ "$(xargs <"$dir/received")" = "READY=1 MAINPID=$(pid_of c1)" ]
}

@test "NOTIFY_SOCKET: start returns when the container ends without a word" {
	bundle sh -c 'exit 0'
	export NOTIFY_SOCKET=$dir/manager
	rt create c1
	rt start c1
	wait_for 5 has_status c1 stopped
}

@test "one dash is as good as two, as in Go" {
	rt create -bundle "$dir" -pid-file "$dir/pid" c1
	[ -s "$dir/pid" ]
}

@test "--no-pivot, --no-new-keyring, --no-subreaper" {
	bundle sh -c 'ls / | grep -c canary; ls /bin/busybox'
	[ "$(rt run --no-pivot --no-new-keyring --no-subreaper c1 2>/dev/null | xargs)" = "0 /bin/busybox" ]
}

@test "standard descriptors that are closed do not become the runtime's own" {
	bundle sh -c 'readlink /proc/self/fd/0'
	"$runtime" --root "$dir/state" run c1 >"$dir/out" 0<&- 2>&- 3>&-
	[ "$(cat "$dir/out")" = /dev/null ]
}

@test "a stream that is the host's /dev/null becomes the container's own" {
	bundle sh -c 'stat -L -c %d /proc/self/fd/0 /dev/null; stat -L -c %d /proc/self/fd/2'
	rt run c1 </dev/null >"$dir/out" 2>/dev/null
	[ "$(sort -u "$dir/out" | wc -l)" = 1 ] || fail "$(cat "$dir/out")"
	[ "$(head -n 1 "$dir/out")" != "$(stat -c %d /dev/null)" ]
}
