# SPDX-License-Identifier: Apache-2.0
"""A client of WebSocket (RFC 6455) over a Unix socket, for the cases of hulld."""

import base64
import hashlib
import os
import socket
import struct

CONTINUE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WebSocket:
    def __init__(self, path, target, **headers):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.got = b""
        key = base64.b64encode(os.urandom(16))
        fields = {"Host": "hull", "Connection": "keep-alive, Upgrade", "Upgrade": "websocket",
                  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key.decode()}
        fields.update((k.replace("_", "-"), v) for k, v in headers.items())
        head = "GET %s HTTP/1.1\r\n" % target + "".join("%s: %s\r\n" % f for f in fields.items() if f[1])
        self.socket.sendall(head.encode() + b"\r\n")
        self.head = self.until(b"\r\n\r\n").decode()
        self.status = int(self.head.split()[1])
        if self.status == 101:
            want = base64.b64encode(hashlib.sha1(key + ACCEPT).digest()).decode()
            assert "Sec-WebSocket-Accept: %s\r\n" % want in self.head, self.head

    def until(self, end):
        while end not in self.got:
            more = self.socket.recv(65536)
            assert more, "closed within a head"
            self.got += more
        head, self.got = self.got.split(end, 1)
        return head + end

    def take(self, size):
        while len(self.got) < size:
            more = self.socket.recv(1 << 20)
            assert more, "closed within a frame"
            self.got += more
        taken, self.got = self.got[:size], self.got[size:]
        return taken

    def send(self, opcode, data=b"", fin=True):
        mask = os.urandom(4)
        size = len(data)
        length = (bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0xfe, size) if size < 65536
                  else struct.pack(">BQ", 0xff, size))
        masked = (int.from_bytes(data, "big") ^
                  int.from_bytes((mask * (size // 4 + 1))[:size], "big")).to_bytes(size, "big") if size else b""
        self.socket.sendall(bytes([(0x80 if fin else 0) | opcode]) + length + mask + masked)

    def receive(self):
        """A frame: its opcode and payload."""
        first, size = self.take(2)
        assert first & 0x80 and not size & 0x80, "in parts, or masked"
        if size == 126:
            size, = struct.unpack(">H", self.take(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.take(8))
        return first & 15, self.take(size)

    def bytes_until(self, end, opcode=BINARY):
        """Payload up to @end."""
        data = b""
        while not data.endswith(end):
            kind, more = self.receive()
            assert kind == opcode, (kind, more, data)
            data += more
        return data

    def rest(self):
        """Payload up to the close, which is answered, and its code."""
        data = b""
        while True:
            kind, more = self.receive()
            if kind == CLOSE:
                self.send(CLOSE, more)
                assert self.socket.recv(1) == b""
                return data, struct.unpack(">H", more)[0]
            data += more
