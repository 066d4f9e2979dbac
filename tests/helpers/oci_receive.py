#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The callers' side of hull-runtime's sockets, for tests/e2e/oci_handover.bats.

oci_receive.py console SOCKET [INPUT]  take a terminal's master; send INPUT; print what comes until the
                                       end, then exit
oci_receive.py pidfd SOCKET            take a pidfd and print the pid it stands for
oci_receive.py notify SOCKET           print the first datagram
oci_receive.py terminal COMMAND...     run a command on a terminal of 33 by 77, with "typed" as its
                                       input; print what it writes, exit with its status
oci_receive.py activate COMMAND...     execute it with a listening socket as $LISTEN_FDS=1
"""
import array
import fcntl
import os
import pty
import select
import socket
import struct
import sys
import termios


def listen(path, kind):
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(path)
    if kind == socket.SOCK_STREAM:
        server.listen(1)
    print("ready", file=sys.stderr, flush=True)
    return server


def take(path):
    connection, _ = listen(path, socket.SOCK_STREAM).accept()
    name, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
    fds = array.array("i")
    fds.frombytes(ancillary[0][2])
    assert name and len(fds) == 1
    return fds[0]


def drain(fd):
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:
            return
        if not data:
            return
        os.write(1, data)


def console(path, text=""):
    master = take(path)
    if text:
        os.write(master, text.encode().decode("unicode_escape").encode())
    drain(master)


def pidfd(path):
    fd = take(path)
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
        print(next(line.split()[1] for line in info if line.startswith("Pid:")))


def notify(path):
    print(listen(path, socket.SOCK_DGRAM).recv(4096).decode(), end="", flush=True)


def terminal(*command):
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    sent = False
    while True:
        select.select([master], [], [], 30)
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        os.write(1, data)
        if not sent and b"ready" in data:
            os.write(master, b"typed\r")
            sent = True
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


def activate(*command):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    os.dup2(server.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ["LISTEN_FDS"] = "1"
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.execvp(command[0], command)


globals()[sys.argv[1]](*sys.argv[2:])
