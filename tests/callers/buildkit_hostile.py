#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of BuildKit's that mean no good, or are broken: each opens a session and a build at hulld.

usage: buildkit_hostile.py SOCKET [long]

Of each it prints "NAME: " and how the build ended, and hulld must serve the next one. The client has the server's side
of HTTP/2, with the frames made here by hand: what a stream is asked for is known by its place (the first is the check of
health, then come the Dockerfile, .dockerignore and the context).
"""
import json, socket, struct, sys, threading, time

SOCKET = sys.argv[1]
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
DIR, LINK = 1 << 31, 1 << 27


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def stat(path, mode=0o644, size=0, link=""):
    return field(2, field(1, path) + field(2, mode) + field(5, size) + (field(7, link) if link else b""))


def data(number, text):
    return field(1, 2) + field(3, number) + (field(4, text) if text else b"")


LAST, FIN = field(1, 0), field(1, 3)


def frame(kind, flags, stream, body):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def literal(name, value):
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Client:
    """Its files are packets, in the order in which the streams ask for them."""

    def __init__(self, name, dockerfile="FROM test\nCOPY . /\n", context=(), raw=None, last=True, ending="0", quits=False):
        self.name, self.raw, self.last, self.ending, self.quits = name, raw, last, ending, quits
        whole = dockerfile.encode()
        self.answers = [[stat("Dockerfile", size=len(whole)), data(0, whole), data(0, b""), LAST, FIN], [LAST, FIN], list(context)]
        self.files = 0

    def connect(self, head):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(100)
        s.connect(SOCKET)
        s.sendall(head.encode())
        return s

    def message(self, stream, packet):
        body = struct.pack(">BI", 0, len(packet)) + packet
        for at in range(0, len(body), 16384):
            self.s.sendall(frame(DATA, 0, stream, body[at:at + 16384]))

    def begin(self, stream):
        self.s.sendall(frame(HEADERS, 4, stream, b"\x88" + literal("content-type", "application/grpc")))

    def end(self, stream, status="0"):
        self.s.sendall(frame(HEADERS, 5, stream, literal("grpc-status", status) + literal("grpc-message", "so%20it%0ais")))

    def serve(self):
        try:
            self.speak()
        except OSError:
            pass  # hulld has had enough
        finally:
            self.s.close()

    def exactly(self, n):
        out = b""
        while len(out) < n:
            more = self.s.recv(n - len(out))
            if not more:
                raise OSError("closed")
            out += more
        return out

    def speak(self):
        while b"\r\n\r\n" not in self.head:
            self.head += self.exactly(1)
        if self.raw is not None:
            self.s.sendall(self.raw)
            while self.s.recv(65536):
                pass
            return
        self.exactly(24)
        self.s.sendall(frame(SETTINGS, 0, 0, b""))
        # A window as large as it gets, for what is said of many files.
        self.s.sendall(frame(8, 0, 0, struct.pack(">I", 1 << 30)))
        while True:
            head = self.exactly(9)
            body = self.exactly(int.from_bytes(head[:3], "big"))
            stream = int.from_bytes(head[5:], "big") & 0x7fffffff
            if head[3] == SETTINGS and not head[4]:
                self.s.sendall(frame(SETTINGS, 1, 0, b""))
            elif head[3] == HEADERS:
                self.asked(stream, body)

    def asked(self, stream, block):
        # nghttp2 compresses the path: health is the only one that is asked for without "dir-name" or a body to come first.
        self.begin(stream)
        self.count = getattr(self, "count", 0) + 1
        if self.is_health(block):
            self.message(stream, field(1, 1))
            self.end(stream)
            return
        packets = self.answers[self.files] if self.files < 3 else []
        self.files += 1
        for packet in packets:
            if callable(packet):
                packet(self, stream)
            else:
                self.message(stream, packet)
        if self.files < 3 or self.last:
            self.end(stream, self.ending if self.files == 3 else "0")

    def is_health(self, block):
        """By its size: the path of the others, with what they name, makes a longer block; the same again is an index."""
        if not hasattr(self, "first"):
            self.first, self.again = len(block), None
            return True
        return len(block) < 12

    def run(self):
        ident = f"{self.name.replace(' ', '-')}-{time.time()}"
        self.head = b""
        self.s = self.connect(f"POST /session HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Docker-Expose-Session-Uuid: {ident}\r\n\r\n")
        serving = threading.Thread(target=self.serve)
        serving.start()
        build = self.connect(f"POST /build?version=2&remote=client-session&session={ident}&networkmode=none HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        text = b""
        if self.quits:
            self.s.shutdown(socket.SHUT_RDWR)
        while more := build.recv(65536):
            text += more
        build.close()
        try:
            self.s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        serving.join()
        ends = [json.loads(line) for line in text.decode(errors="replace").splitlines() if line.startswith('{"error') or '"moby.image.id"' in line]
        print(f"{self.name}: {ends[-1].get('error', 'built') if ends else text[-300:]}", flush=True)


def bare(prefix):
    """A message whose length is a lie."""
    return lambda client, stream: client.s.sendall(frame(DATA, 0, stream, prefix))


def many(client, stream):
    """More files than may be, in large frames."""
    one = b"".join(struct.pack(">BI", 0, len(p)) + p for p in [stat("d", DIR | 0o755)] * 400)
    for _ in range(1000001 // 400 + 1):
        for at in range(0, len(one), 16384):
            client.s.sendall(frame(DATA, 0, stream, one[at:at + 16384]))


def wait(client, stream):
    while client.s.recv(65536):
        pass


GOOD = [stat("a", size=2), data(0, b"aa"), data(0, b""), LAST, FIN]
CLIENTS = [
    Client("good", context=GOOD),
    Client("garbage", raw=b"\x00" * 5000),
    Client("http", raw=b"HTTP/1.1 200 OK\r\n\r\n"),
    Client("endless headers", raw=frame(SETTINGS, 0, 0, b"") + frame(HEADERS, 0, 1, b"\x00" * 16000) * 50),
    Client("parent", context=[stat("..", DIR | 0o755), stat("../up", size=2), data(1, b"aa"), data(1, b""), LAST, FIN]),
    Client("absolute", context=[stat("/tmp/hull-hostile", size=2), data(0, b"aa"), data(0, b""), LAST, FIN]),
    Client("through a link", context=[stat("l", LINK | 0o777, link="/tmp"), stat("l/hull-hostile", size=2), data(1, b"aa"), data(1, b""), LAST, FIN]),
    Client("link of elsewhere", context=[stat("h", link="../../../../../../../etc/passwd"), LAST, FIN]),
    Client("huge", context=[stat("a", size=1 << 60), LAST]),
    Client("negative", context=[stat("a", size=(1 << 64) - 1), LAST]),
    Client("too much", context=[stat("a", size=2), data(0, b"aaa"), LAST]),
    Client("too little", context=[stat("a", size=2), data(0, b"a"), data(0, b""), LAST, FIN]),
    Client("not asked for", context=[data(7, b"a")]),
    Client("early end", context=[stat("a", size=2), LAST, FIN]),
    Client("no end", context=[LAST]),
    Client("a refusal", context=[], ending="7"),
    Client("an error", context=[field(1, 4) + field(4, "disk\x1b[2J on fire")]),
    Client("no message", context=[b"\xff\xff\xff"]),
    Client("long message", context=[bare(struct.pack(">BI", 0, 0xffffffff))]),
    Client("compressed", context=[bare(struct.pack(">BI", 1, 1) + b"x")]),
    Client("long name", context=[stat("n" * 5000), LAST, FIN]),
    Client("long part", context=[stat("n" * 300), LAST, FIN]),
    Client("one secret", dockerfile="FROM test\nRUN --mount=type=secret,id=s cat /run/secrets/s\n", context=[field(1, "a" * 100000)]),
    Client("many secrets", dockerfile="FROM test\nRUN --mount=type=secret,id=s true\n", context=[field(1, "a" * 100000)] * 20),
    Client("large secret", dockerfile="FROM test\nRUN --mount=type=secret,id=s true\n", context=[field(1, "a" * 512001)]),
    Client("quits", quits=True),
    Client("good again", context=GOOD),
]
if len(sys.argv) > 2:  # what takes a minute, or some GiB of disk
    CLIENTS = [Client("stalls", context=[wait], last=False), Client("many", context=[many, LAST, FIN])]
for one in CLIENTS:
    one.run()
