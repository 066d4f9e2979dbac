# SPDX-License-Identifier: Apache-2.0
"""A name server for tests: every name has the address 192.0.2.77, by UDP and by TCP.

usage: dns_server.py ADDRESS [--truncate | --silent]

--truncate answers by UDP only that there is more by TCP; --silent answers nothing.
"""
import socket
import struct
import sys
import threading

ADDRESS, MODE = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""


def answer(question, truncated=False):
    end = question.index(b"\0", 12) + 5
    flags = 0x8380 if truncated else 0x8180
    head = question[:2] + struct.pack(">HHHHH", flags, 1, 0 if truncated else 1, 0, 0)
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([192, 0, 2, 77])
    return head + question[12:end] + (b"" if truncated else record)


def by_tcp():
    server = socket.create_server((ADDRESS, 53))
    while True:
        client, _ = server.accept()
        with client:
            size = struct.unpack(">H", client.recv(2))[0]
            reply = answer(client.recv(size))
            client.sendall(struct.pack(">H", len(reply)) + reply)


threading.Thread(target=by_tcp, daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((ADDRESS, 53))
while True:
    question, client = udp.recvfrom(4096)
    if MODE != "--silent":
        udp.sendto(answer(question, MODE == "--truncate"), client)
