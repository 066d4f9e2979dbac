#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld: streams that docker's client takes over: attach, exec, logs, wait, with and without a terminal.

load lib
load api

setup() { api_setup; }
teardown() { api_teardown; }

# in_terminal ROWSxCOLS COMMAND...: with one of that size; the input comes from a pipe of ours. What is on it is in `shown`.
in_terminal() {
	local size=$1
	shift
	within 20 script -qefc "stty rows ${size%x*} cols ${size#*x}; $*" "$WORK/shown" 3>&-
}

@test "api streams: docker run, attached from the first byte to the exit code" {
	need_docker
	run -7 docker run --rm --network none test sh -c 'echo out; echo err >&2; exit 7'
	assert_has out
	assert_has err
	assert_equal out "$(docker run --rm --network none test sh -c 'echo out; echo err >&2' 2>/dev/null)"
	assert_equal "from stdin" "$(echo from stdin | docker run --rm -i --network none test cat)"
	assert_equal out "$(docker run --rm -a stdout --network none test sh -c 'echo out; echo err >&2' 2>&1)"
	run -127 docker run --rm --network none test /nonexistent
	assert_has "/nonexistent"
	run -127 docker run --rm --network none test nonexistent
	# Both directions at once, and more than any pipe holds.
	assert_equal 3000000 "$(head -c 3000000 /dev/zero | docker run --rm -i --network none test cat | wc -c)"
	assert_equal "" "$(hull ps -aq)"
}

@test "api streams: docker start -a and attach, by whoever the container was started" {
	need_docker
	docker create -i --name aa --network none test sh -c 'read x; echo "got $x"; exit 4'
	run -4 docker start -ai aa <<<word
	assert_has "got word"
	# A client of docker's waits, hull starts.
	docker create -i --name bb --network none test sh -c 'read -t 1 x; echo "by hull$x"'
	curl -sN --unix-socket "$SOCKET" -X POST -D "$WORK/headers" -o "$WORK/stream" \
		-d '{"a body":"is no input"}' "http://hull/containers/bb/attach?stream=1&stdin=1&stdout=1&stderr=1" 3>&- &
	local client=$!
	wait_for 5 grep -q 'HTTP/1.1 200' "$WORK/headers"
	hull start bb
	wait $client
	assert_equal "by hull" "$(tail -c +9 "$WORK/stream")"
	assert_equal "" "$(ls "$HULL_RUNROOT/attach")"
	# What was printed before, too; and no stream of one that is paused.
	assert_equal "by hull" "$(curl -s --unix-socket "$SOCKET" -X POST "http://hull/containers/bb/attach?logs=1&stdout=1" | tail -c +9)"
	hull run -d --name cc test sleep 1000
	hull pause cc
	answers 409 POST "/containers/cc/attach?stream=1&stdout=1"
}

# waits_for_start NAME STREAMS: a client in the background, its bytes in $WORK/stream.STREAMS.
waits_for_start() {
	within 20 curl -sN --unix-socket "$SOCKET" -X POST -D "$WORK/headers.$2" -o "$WORK/stream.$2" \
		"http://hull/containers/$1/attach?stream=1&$2" 3>&- &
	CLIENTS+=($!)
	wait_for 5 grep -q 'HTTP/1.1 200' "$WORK/headers.$2"
}

@test "api streams: several clients attached before the start, and a start that never comes" {
	local f CLIENTS=()
	hull create --name aa test sh -c 'echo out; echo err >&2'
	waits_for_start aa 'stdout=1&stderr=1'
	waits_for_start aa 'stderr=1&stdout=1'
	waits_for_start aa 'stderr=1'
	hull start aa
	wait "${CLIENTS[@]}"
	for f in 'stdout=1&stderr=1' 'stderr=1&stdout=1'; do
		assert_equal 24 "$(stat -c %s "$WORK/stream.$f")"
		assert_equal 1 "$(grep -ac out "$WORK/stream.$f")"
	done
	assert_equal err "$(tail -c +9 "$WORK/stream.stderr=1")"
	hull create --name bb test true
	waits_for_start bb 'stdout=1'
	hull rm bb
	wait "${CLIENTS[3]}"
	assert_equal "" "$(ls "$HULL_RUNROOT/attach")"
}

@test "api streams: who waits for a start and does not answer does not hold it up" {
	local id client waiting
	id=$(hull create --name aa test sleep 1000)
	curl -sN --unix-socket "$SOCKET" -X POST -D "$WORK/headers" "http://hull/containers/aa/attach?stream=1&stdout=1&stderr=1" 3>&- &
	client=$!
	wait_for 5 grep -q 'HTTP/1.1 200' "$WORK/headers"
	waiting=$(echo "$HULL_RUNROOT/attach/$id".*)
	kill -STOP "${waiting##*.}"
	within 20 "$HULL" start aa 3>&-
	kill -CONT "${waiting##*.}"
	kill $client
	assert_equal running "$(status_of aa)"
}

@test "api streams: terminals, their size, and the detach keys" {
	need_docker
	run -0 in_terminal 33x77 "$(type -P docker) run --rm -it --network none test sh -c 'until stty size | grep -x \"33 77\"; do sleep 0.05; done; tty'" </dev/null
	assert_has "33 77"
	assert_has /dev/pts/0
	docker run -dit --name aa --network none test sh
	run in_terminal 24x80 "$(type -P docker) attach aa" < <(
		printf 'echo A$((1+1))\n'
		wait_for 10 grep -q A2 "$WORK/shown"
		printf '\020\021'
		wait_for 10 grep -q "read escape sequence" "$WORK/shown"
	)
	assert_has A2
	assert_has "read escape sequence"
	assert_equal running "$(status_of aa)"
	run in_terminal 24x80 "$(type -P docker) exec -it --detach-keys ctrl-x,x aa sh -c 'echo B\$((1+1)); exec sleep 1000'" < <(
		wait_for 10 grep -q B2 "$WORK/shown"
		printf '\030x'
		wait_for 10 grep -q "read escape sequence" "$WORK/shown"
	)
	assert_has "read escape sequence"
	[[ "$(docker top aa)" == *"sleep 1000"* ]]
	run -5 in_terminal 44x55 "$(type -P docker) exec -it aa sh -c 'until stty size | grep -x \"44 55\"; do sleep 0.05; done; exit 5'" </dev/null
	assert_has "44 55"
}

@test "api streams: docker exec" {
	need_docker
	local id
	hull run -d --name aa test sleep 1000
	run -4 docker exec aa sh -c 'echo out; echo err >&2; exit 4'
	assert_has out
	assert_has err
	assert_equal "in user b /tmp" "$(echo in | docker exec -i -u user -e A=b -w /tmp aa sh -c 'read x; echo $x $(id -un) $A $PWD')"
	# More than a pipe holds, for who does not read it.
	assert_equal $'out\n7' "$(head -c 300000 /dev/zero | docker exec -i aa sh -c 'exec 0<&-; echo out; exit 7'; echo "${PIPESTATUS[1]}")"
	run -127 docker exec aa nonexistent
	assert_has nonexistent
	docker exec -d aa touch /tmp/made
	wait_for 5 hull exec aa test -e /tmp/made
	id=$(answers 201 POST /containers/aa/exec '{"Cmd":["sh","-c","exit 9"],"AttachStdout":true}' | jq -r .Id)
	assert_equal "false null" "$(answers 200 GET "/exec/$id/json" | jq -r '"\(.Running) \(.ExitCode)"')"
	answers 200 POST "/exec/$id/start" '{"Detach":false}'
	assert_equal "false 9" "$(answers 200 GET "/exec/$id/json" | jq -r '"\(.Running) \(.ExitCode)"')"
	answers 409 POST "/exec/$id/start" '{}'
	answers 404 GET /exec/nonsense/json
	answers 400 POST /containers/aa/exec '{"Cmd":[]}'
	id=$(answers 201 POST /containers/aa/exec '{"Cmd":["true"],"Pid":1,"Tty":true,"Holder":1,"Started":true}' | jq -r .Id)
	assert_equal "0 false" "$(answers 200 GET "/exec/$id/json" | jq -r '"\(.Pid) \(.Running)"')"
	assert_equal null "$(jq .Holder "$HULL_RUNROOT/execs/$id")"
	hull stop -t 0 aa
	answers 409 POST /containers/aa/exec '{"Cmd":["true"]}'
}

@test "api streams: who reads the head of an exec has nothing of its output with it" {
	hull run -d --name aa test sleep 1000
	# docker's Python library reads it through a buffer, and the stream past that.
	cat >exec.py <<-'EOF'
		import json, select, socket, sys
		def ask(path, body):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1])
		    s.sendall(b"POST %s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: %d\r\n\r\n%s" % (path, len(body), body))
		    return s
		for i in range(30):
		    made = ask(b"/containers/aa/exec", b'{"Cmd":["echo","hi"],"AttachStdout":true}').recv(4096)
		    s = ask(b"/exec/%s/start" % json.loads(made.split(b"\r\n\r\n")[1])["Id"].encode(), b"{}")
		    select.select([s], [], [], 60)
		    select.select([], [], [], 0.05)
		    head = s.recv(65536)
		    assert head.endswith(b"\r\n\r\n"), head
		    got = b""
		    while more := s.recv(100):
		        got += more
		    assert got == b"\1\0\0\0\0\0\0\3hi\n", got
	EOF
	timeout 60 python3 exec.py "$SOCKET" 3>&-
}

@test "api streams: attach and exec, by an upgrade and by a plain 200, framed and raw, and the end of input is none of output" {
	cat >ways.py <<-'EOF'
		import json, socket, sys
		def ask(method, path, body=b"", upgrade=False):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(60)
		    s.connect(sys.argv[1])
		    more = "Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else ""
		    s.sendall(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body)
		    return s
		def made(path, **body):
		    text = ask("POST", path, json.dumps(body).encode()).recv(65536)
		    assert b" 201 " in text, text
		    return json.loads(text.split(b"\r\n\r\n")[1])["Id"]
		command = ["sh", "-c", "read x; echo got $x; [ -t 0 ] || cat; echo end"]
		host = {"NetworkMode": "none"}
		box = made("/containers/create", Image="test", Cmd=["sleep", "1000"], HostConfig=host)
		ask("POST", f"/containers/{box}/start").recv(1000)
		for tty in False, True:
		    for upgrade in False, True:
		        for minor in 41, 42:
		            for what in "attach", "exec":
		                if what == "attach":
		                    name = made("/containers/create", Image="test", Cmd=command, Tty=tty, OpenStdin=True, StdinOnce=True, HostConfig=host)
		                    s = ask("POST", f"/v1.{minor}/containers/{name}/attach?stream=1&stdin=1&stdout=1&stderr=1", upgrade=upgrade)
		                else:
		                    name = made(f"/containers/{box}/exec", Cmd=command, Tty=tty, AttachStdin=True, AttachStdout=True, AttachStderr=True)
		                    s = ask("POST", f"/v1.{minor}/exec/{name}/start", json.dumps({"Tty": tty}).encode(), upgrade)
		                head = b""
		                while not head.endswith(b"\r\n\r\n"):
		                    head += s.recv(1)
		                way = what, tty, upgrade, minor
		                assert head.startswith(b"HTTP/1.1 101 UPGRADED\r\n" if upgrade else b"HTTP/1.1 200 OK\r\n"), (way, head)
		                kind = b"raw" if tty or minor < 42 else b"multiplexed"
		                assert b"Content-Type: application/vnd.docker.%s-stream\r\n" % kind in head, (way, head)
		                if what == "attach":
		                    assert b" 204 " in ask("POST", f"/containers/{name}/start").recv(1000)
		                s.sendall(b"word\n")
		                if not tty:
		                    s.sendall(b"rest\n")
		                    s.shutdown(socket.SHUT_WR)
		                got = b"".join(iter(lambda: s.recv(100), b""))
		                if tty:
		                    assert got.endswith(b"got word\r\nend\r\n"), (way, got)
		                    continue
		                text = b""
		                while got:
		                    size = int.from_bytes(got[4:8], "big")
		                    assert got[:4] == b"\1\0\0\0", (way, got)
		                    text, got = text + got[8:8 + size], got[8 + size:]
		                assert text == b"got word\nrest\nend\n", (way, text)
	EOF
	timeout 120 python3 ways.py "$SOCKET" 3>&-
	hull ps -aq | xargs "$HULL" rm -f >/dev/null
}

@test "api streams: kill -9 of hulld breaks no attached session" {
	need_docker
	mkfifo in
	docker run -i --name aa --network none test cat <in >out &
	local client=$!
	exec 4>in
	echo one >&4
	wait_for 5 grep -q one out
	kill -KILL $HULLD
	wait $HULLD || true
	echo two >&4
	wait_for 5 grep -q two out
	serve 4>&-
	exec 4>&-
	wait $client || true
	assert_equal "one two" "$(paste -sd' ' out)"
}

@test "api streams: kill -9 of hulld breaks neither an exec, a build, nor a terminal" {
	need_docker
	export DOCKER_BUILDKIT=0
	hull run -d --name aa test sh -c 'until [ -e /go ]; do sleep 0.05; done; echo went; sleep 1000'
	docker logs -f aa >log &
	local logs=$!
	mkfifo in typed
	docker exec -i aa cat <in >out &
	local execs=$!
	exec 4>in
	echo one >&4
	wait_for 5 grep -q one out
	mkdir ctx
	printf 'FROM test\nRUN touch /began; sleep 1; echo built >/x\n' >ctx/Dockerfile
	docker build --network none -t made ctx >build.log 2>&1 4>&- &
	local build=$!
	in_terminal 20x80 docker run -it --name tt --network none test cat <typed >screen 4>&- &
	local terminal=$!
	exec 5>typed
	echo typed >&5
	wait_for 10 eval '[ "$(grep -c typed screen)" -ge 2 ] && grep -q "Step 2\|RUN touch" build.log'
	kill -KILL $HULLD
	wait $HULLD || true
	serve 4>&- 5>&- # clients ask the new one how it ended
	echo two >&4
	wait_for 5 grep -q two out
	exec 4>&-
	echo more >&5
	wait_for 5 grep -q more screen
	hull kill tt
	exec 5>&-
	wait $execs
	docker exec aa touch /go
	wait_for 10 grep -q went log # who follows a log has a process of hulld's own, too
	hull kill aa
	wait $logs
	wait $build
	wait $terminal || true
	assert_equal "one two" "$(paste -sd' ' out)"
	assert_equal built "$(hull run --rm made cat /x)"
}

@test "api streams: who waits for a container that ran and is gone before he looks again hears its exit code" {
	cat >wait.py <<-'EOF'
		import os, signal, socket, subprocess, sys
		hull, path, hulld = sys.argv[1:]
		def tell(signal):
		    for pid in children():
		        try:
		            os.kill(pid, signal)
		        except ProcessLookupError:
		            pass # of a connection that has ended since
		def children():
		    return [int(n) for n in open(f"/proc/{hulld}/task/{hulld}/children").read().split()]
		for i in range(12):
		    run = lambda *words: subprocess.run([hull, *words], stdout=subprocess.DEVNULL)
		    run("create", "--name", "aa", "test", "sh", "-c", f"exit {i + 3}")
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(path)
		    s.sendall(b"POST /containers/aa/wait?condition=removed HTTP/1.1\r\nHost: h\r\n\r\n")
		    answer = s.recv(1000)
		    tell(signal.SIGSTOP)
		    run("start", "-a", "aa")
		    run("rm", "aa")
		    tell(signal.SIGCONT)
		    while b"\r\n0\r\n" not in answer:
		        more = s.recv(1000)
		        assert more, answer
		        answer += more
		    assert b'"StatusCode":%d}' % (i + 3) in answer.replace(b" ", b""), answer
	EOF
	timeout 60 python3 wait.py "$HULL" "$SOCKET" "$HULLD" 3>&-
}
