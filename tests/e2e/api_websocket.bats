#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld: attach by WebSocket.

load lib
load api

setup() { api_setup; }
teardown() { api_teardown; }

# client <<PYTHON: with the class WebSocket and connect(TARGET, HEADER=...).
client() {
	{
		printf '%s\n' 'import sys, time' 'from websocket import *' "def connect(target, **headers):" \
			"    return WebSocket('$SOCKET', target, **headers)"
		cat
	} >"$WORK/client.py"
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$TOP/tests/helpers python3 "$WORK/client.py" 3>&-
}

# bats test_tags=fast,same
@test "api websocket: input and output, in frames of every kind" {
	hull run -d -i --name aa test sh -c 'echo before; read x; echo "out $x"; echo err >&2; cat; echo never'
	wait_for 5 logs_have aa before
	client <<-'EOF'
		s = connect("/containers/aa/attach/ws?logs=1&stream=1&stdin=1&stdout=1&stderr=1", Sec_WebSocket_Protocol="chat")
		assert "Sec-WebSocket-Protocol: chat\r\n" in s.head, s.head
		assert s.bytes_until(b"before\n") == b"before\n"
		s.send(TEXT, b"one", fin=False)
		s.send(PING, b"are you there")
		s.send(CONTINUE, b" two\n")
		assert s.receive() == (PONG, b"are you there")
		got = b""
		while len(got) < len(b"out one two\nerr\n"):
		    kind, data = s.receive()
		    assert kind == BINARY
		    got += data
		assert sorted(got.split()) == [b"err", b"one", b"out", b"two"], got
		s.send(PONG)
		big = bytes(range(256)) * 1200 + b"end\n"
		s.send(BINARY, big)
		assert s.bytes_until(b"end\n") == big
		s.send(CLOSE, b"\x03\xe8bye")
		assert s.receive() == (CLOSE, b"\x03\xe8")
		assert s.socket.recv(1) == b""
	EOF
	# Who closes leaves; the container goes on.
	assert_equal running "$(status_of aa)"
	client <<-'EOF'
		s = connect("/v1.27/containers/aa/attach/ws?stream=1")
		s.send(BINARY, b"text\n")
		assert s.bytes_until(b"text\n", TEXT) == b"text\n"
		s = connect("/containers/aa/attach/ws?logs=1&stderr=1")
		assert s.rest() == (b"err\n", 1000)
		s = connect("/containers/aa/attach/ws?stream=1&stdout=1")
		s.socket.close()
	EOF
	hull create -i --name bb test sh -c 'read x; echo "got $x"; exit 3'
	client <<-EOF
		import subprocess
		s = connect("/containers/bb/attach/ws?stream=1&stdin=1&stdout=1")
		subprocess.check_call(["$HULL", "start", "bb"], stdout=subprocess.DEVNULL)
		s.send(TEXT, b"word\n")
		assert s.rest() == (b"got word\n", 1000)
	EOF
}

@test "api websocket: a terminal, and its detach keys" {
	hull run -dit --name aa test sh
	client <<-'EOF'
		s = connect("/containers/aa/attach/ws?stream=1&stdin=1&stdout=1&detachKeys=ctrl-x")
		s.send(TEXT, b"echo A$((1+1))\n")
		got = b""
		while b"A2\r\n" not in got:
		    got += s.receive()[1]
		s.send(TEXT, b"\x18")
		assert s.rest()[1] == 1000
	EOF
	assert_equal running "$(status_of aa)"
}

# bats test_tags=fast,same
@test "api websocket: what is no handshake, no frame, or too long" {
	hull run -d -i --name aa test cat
	client <<-'EOF'
		at = "/containers/aa/attach/ws?stream=1&stdin=1&stdout=1"
		for headers in ({"Upgrade": ""}, {"Connection": "close"}, {"Sec_WebSocket_Version": "8"}, {"Sec_WebSocket_Key": "short"}):
		    assert connect(at, **headers).status == 400, headers
		assert connect(at, Origin="http://elsewhere.example").status == 403
		assert connect(at, Origin="http://hull").status == 101
		assert connect(at, Sec_WebSocket_Protocol="p" * 1024).status == 101
		assert connect(at, Sec_WebSocket_Protocol="p" * 60000).status == 400
		assert connect("/containers/nobody/attach/ws").status == 404
		assert connect("/v1.23/containers/aa/attach/ws").status == 400
		def fault(code, *parts):
		    s = connect(at)
		    for p in parts:
		        s.socket.sendall(p)
		    assert s.receive() == (CLOSE, struct.pack(">H", code)), parts
		    s.socket.settimeout(60)
		    assert s.socket.recv(1) == b""
		fault(1002, b"\x82\x01a")
		fault(1002, b"\x83\x81aaaaa")
		fault(1002, b"\x82", b"\xfe\0\x01", b"abcd", b"e")
		fault(1009, b"\x82\xff" + struct.pack(">Q", (16 << 20) + 1) + b"mask")
		# More than all buffers, to who does not read; then it goes, and nobody waits for it.
		s = connect(at)
		s.socket.settimeout(1)
		try:
		    while True:
		        s.send(BINARY, b"x" * 65536)
		except TimeoutError:
		    pass
		s.socket.close()
		s = connect(at)
		s.socket.close()
	EOF
	kill "$HULLD" && wait "$HULLD" || true
	serve --read-only-host "unix://$WORK/ro.sock"
	SOCKET=$WORK/ro.sock client <<-'EOF'
		assert connect("/containers/aa/attach/ws?stream=1").status == 403
	EOF
	# Processes between clients and containers end with either.
	hull rm -f aa
	wait_for 5 eval '[ "$(pgrep -P "$HULLD" -c)" = 0 ]'
}
