#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A wire that puts packets out of order: reorder.py PID_OF_THE_OTHER_NAMESPACE

Makes tun0 here and tun1 in the other network namespace and passes packets between them; of those that come in at
tun0 every tenth long one goes three later than its turn. Says "ready" once both are there, and ends when its
standard input does."""
import ctypes
import fcntl
import os
import select
import struct
import sys

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 1, 0x1000, 0x40000000


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def send(fd, packet):
    try:
        os.write(fd, packet)
    except OSError:
        pass  # its other end is down: lost, as on any wire


def main():
    here = tun("tun0")
    other = os.open("/proc/%d/ns/net" % int(sys.argv[1]), os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(other, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    there = tun("tun1")
    print("ready", flush=True)
    held, passed, count = None, 0, 0
    while True:
        ready, _, _ = select.select([0, here, there], [], [], 0.02 if held else None)
        if 0 in ready and not os.read(0, 1):
            return
        if there in ready:
            send(here, os.read(there, 65536))
        if here in ready:
            packet = os.read(here, 65536)
            count += len(packet) > 1000
            if held is None and len(packet) > 1000 and count % 10 == 0:
                held, passed = packet, 0
                continue
            send(there, packet)
            passed += 1
        if held and (passed >= 3 or not ready):
            send(there, held)
            held = None


main()
