#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two ends of a network path that bench.py measures.

  path_peer.py serve PORT            answer, for ever
  path_peer.py ask ADDRESS PORT      "US US GBIT": a round trip of one byte and a new connection (medians), one stream
"""
import socket
import statistics
import sys
import time

BLOCK, BYTES, ROUNDS, CONNECTIONS = 1 << 18, 512 << 20, 3000, 300


def serve(port):
    """One client after the other; his first byte says what he wants: each byte back, or all to be taken."""
    block = bytearray(BLOCK)
    listener = socket.create_server(("", port), backlog=512)
    print("ready", flush=True)
    while True:
        with listener.accept()[0] as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            kind = s.recv(1)
            while n := s.recv_into(block):
                if kind == b"e":
                    s.sendall(block[:n])
            if kind == b"s":
                s.sendall(b"s")


def reach(where, kind):
    s = socket.create_connection(where, 30)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(kind)
    return s


def timed(what, count):
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        what()
        times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


def ask(address, port):
    where = address, port
    with reach(where, b"e") as s:
        trip = timed(lambda: (s.sendall(b"x"), s.recv(1)), ROUNDS)
    connect = timed(lambda: socket.create_connection(where, 30).close(), CONNECTIONS)
    block = bytes(BLOCK)
    with reach(where, b"s") as s:
        begin = time.perf_counter()
        for _ in range(BYTES // BLOCK):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)
        gbit = BYTES * 8e-9 / (time.perf_counter() - begin)
    print(f"{trip:.2f} {connect:.2f} {gbit:.3f}")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    ask(sys.argv[2], int(sys.argv[3]))
