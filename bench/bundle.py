# SPDX-License-Identifier: Apache-2.0
"""A bundle as docker writes it, for the OCI runtimes: 14 capabilities, docker's list of system calls
(read from hull's own table of it), masked paths, limits on memory, processor and processes."""
import json
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CAPS = ["CAP_" + c for c in "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP "
        "SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE".split()]
SAFE = ["nosuid", "noexec", "nodev"]
# The same limits for the engines' command lines and for the bundle; bench-floor --limits has them too.
LIMITS = ["-m", "64m", "--cpus", "1", "--pids-limit", "100"]
RESOURCES = {"cpu": {"quota": 100000, "period": 100000}, "pids": {"limit": 100},
             "devices": [{"allow": False, "access": "rwm"}] + [
                 {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
                 for major, minor in ((1, 5), (1, 3), (1, 9), (1, 8), (5, 0), (5, 1))]}


def seccomp():
    table = open(os.path.join(TOP, "src/linux/seccomp_calls.c")).read()
    names = re.findall(r"ROW\((\w+), .*, (?:ALWAYS|SYS_CHROOT)\)", table)
    allow = lambda names, *args: {"names": names, "action": "SCMP_ACT_ALLOW", "args": [
        dict(zip(("index", "value", "valueTwo", "op"), arg)) for arg in args]}
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [allow(names), allow(["clone"], (0, 0x7e020000, 0, "SCMP_CMP_MASKED_EQ"))] + [
            allow(["personality"], (0, value, 0, "SCMP_CMP_EQ"))
            for value in (0, 8, 0x20000, 0x20008, 0xffffffff)] + [
            allow(["socket"], (0, 40, 0, "SCMP_CMP_NE")),
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}


def config(root, args, memory):
    mount = lambda at, kind, *more: {"destination": at, "type": kind, "source": kind,
                                     "options": list(more)}
    return {
        "ociVersion": "1.0.2", "root": {"path": root}, "hostname": "bench",
        "process": {"user": {"uid": 0, "gid": 0}, "args": args, "cwd": "/", "env": ["PATH=/bin"],
                    "capabilities": {k: CAPS for k in ("bounding", "effective", "permitted")}},
        "mounts": [
            mount("/proc", "proc", *SAFE),
            mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666",
                  "mode=0620", "gid=5"),
            mount("/dev/shm", "tmpfs", "mode=1777", "size=65536k", *SAFE),
            mount("/dev/mqueue", "mqueue", *SAFE),
            mount("/sys", "sysfs", "ro", *SAFE),
            mount("/sys/fs/cgroup", "cgroup", "ro", *SAFE)],
        "linux": {
            "resources": {**RESOURCES, "memory": {"limit": memory, "swap": 2 * memory}},
            "seccomp": seccomp(),
            "namespaces": [{"type": t} for t in "pid network ipc uts mount cgroup".split()],
            "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
                            "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
                            "/proc/timer_list", "/proc/timer_stats", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                              "/proc/sysrq-trigger"]}}


def write(folder, root, args, memory=64 << 20):
    """Make the bundle FOLDER, return it."""
    os.makedirs(folder)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config(root, args, memory), f)
    return folder
