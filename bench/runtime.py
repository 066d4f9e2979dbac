#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure src/runtime alone (through runtime-probe) against the floor and crun, interleaved.

  bench/runtime.py [ROUNDS]

Needs root, and bench-floor and runtime-probe in HULL_BIN_DIR (default build/bin). Each figure is a
whole process as a shell would time it, control groups included; quote the ratios only.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("HULL_BIN_DIR", os.path.join(TOP, "build", "bin"))
CAPS = ["CAP_" + c for c in "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP "
        "SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE".split()]
SAFE = ["nosuid", "noexec", "nodev"]


def config(root, args):
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
            "cgroupsPath": "/bench-runtime", "resources": {"pids": {"limit": 4096}},
            "namespaces": [{"type": t} for t in "pid network ipc uts mount cgroup".split()],
            "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
                            "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
                            "/proc/timer_list", "/proc/timer_stats", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                              "/proc/sysrq-trigger"]}}


def measure(argv):
    start = time.monotonic()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.monotonic() - start) * 1000


def compare(title, commands, rounds):
    times = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            times[name].append(measure(argv))
    floor = statistics.median(next(iter(times.values())))
    print(title)
    for name, list_ in times.items():
        middle = statistics.median(list_)
        print("  %-28s %7.2f ms  (min %.2f)  %.2f x" % (name, middle, min(list_), middle / floor))


def without_hybrid():
    """crun takes no hybrid host: let all of us see the v1 hierarchies only, in our own mounts."""
    if not os.path.exists("/sys/fs/cgroup/unified/cgroup.procs") or not shutil.which("crun"):
        return
    os.execvp("unshare", ["unshare", "-m", "sh", "-c",
                          'umount /sys/fs/cgroup/unified && exec "$0" "$@"', sys.executable,
                          *sys.argv])


def main():
    without_hybrid()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    regime = "favordynmods" in open("/proc/mounts").read()
    print("control groups: %s" % ("favordynmods" if regime else "default (an attach may wait)"))
    with tempfile.TemporaryDirectory(prefix="bench-runtime.") as top:
        root = os.path.join(top, "rootfs")
        for d in ("bin", "proc", "sys", "dev", "etc", "tmp"):
            os.makedirs(os.path.join(root, d))
        shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
        for name in ("true", "sleep"):
            os.symlink("busybox", os.path.join(root, "bin", name))
        for name, args in (("config.json", ["/bin/true"]), ("sleep.json", ["/bin/sleep", "600"])):
            json.dump(config(root, args), open(os.path.join(top, name), "w"))
        process = os.path.join(top, "process.json")
        json.dump(config(root, ["/bin/true"])["process"], open(process, "w"))
        probe = os.path.join(BIN, "runtime-probe")
        floor = os.path.join(BIN, "bench-floor")
        spec = os.path.join(top, "config.json")
        commands = {
            "floor": [floor, "--no-overlay", root, "/bin/true"],
            "src/runtime": [probe, "run", "--seccomp", "--cgroup", "/bench-runtime-p", spec]}
        crun = shutil.which("crun")
        if crun:
            commands["crun run (without a filter)"] = [crun, "--root", os.path.join(top, "crun"),
                                                       "run", "-b", top, "bench-runtime"]
        compare("run /bin/true, from a folder", commands, rounds)
        pid_file = os.path.join(top, "pid")
        sleeper = subprocess.Popen([probe, "run", "--cgroup", "/bench-runtime-e", "--pid-file",
                                    pid_file, os.path.join(top, "sleep.json")],
                                   stdin=subprocess.DEVNULL)
        while not (os.path.exists(pid_file) and open(pid_file).read()):
            time.sleep(0.02)
        time.sleep(0.2)
        pid = open(pid_file).read().strip()
        compare("exec /bin/true", {
            "nsenter -a": ["nsenter", "-a", "-t", pid, "/bin/true"],
            "src/runtime": [probe, "exec", "--seccomp", "--cgroup", "/bench-runtime-e", pid,
                            process]}, rounds)
        os.kill(int(pid), 9)
        sleeper.wait()


if __name__ == "__main__":
    main()
