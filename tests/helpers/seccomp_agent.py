#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A listener of SCMP_ACT_NOTIFY: seccomp_agent.py SOCKET STATE-FILE COUNT [NUMBER...].

Takes COUNT connections one after the other. Of each the process state is appended to STATE-FILE as a
line, and every call that its filter notifies of fails with EXDEV until the process has ended. With
numbers of calls only these fail, and the others go on.
"""
import array
import errno
import fcntl
import os
import select
import socket
import struct
import sys

RECV, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
FAILING = [int(n) for n in sys.argv[4:]]


def answer(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        if poll.poll()[0][1] & select.POLLHUP:
            return
        notice = bytearray(80)
        try:
            fcntl.ioctl(fd, RECV, notice)
            ident, _, _, number = struct.unpack_from("QIIi", notice)
            fails = not FAILING or number in FAILING
            reply = (ident, 0, -errno.EXDEV, 0) if fails else (ident, 0, 0, CONTINUE)
            fcntl.ioctl(fd, SEND, bytearray(struct.pack("QqiI", *reply)))
        except OSError as e:
            if e.errno != errno.ENOENT:
                raise


def serve(client, states):
    fds = array.array("i")
    text, control, _, _ = client.recvmsg(1 << 20, socket.CMSG_SPACE(4))
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:4])
    while chunk := client.recv(1 << 20):
        text += chunk
    with open(states, "ab") as f:
        f.write(text + b"\n")
    answer(fds[0])
    os.close(fds[0])


def main():
    path, states, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    for _ in range(count):
        client, _ = server.accept()
        serve(client, states)
        client.close()


main()
