#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure hull-runtime against crun and the floor, interleaved: each step of a container's life.

  bench/oci.py [ROUNDS]

Needs root, and hull-runtime and bench-floor in HULL_BIN_DIR (default build/bin). $CRUN names another
crun than the one in PATH. Figures are whole processes as a shell would time them; quote the ratios.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from runtime import BIN, config, measure, without_hybrid


def bundles(top):
    """A bundle that ends at once and one that stays, with limits and a filter."""
    root = os.path.join(top, "rootfs")
    for d in ("bin", "proc", "sys", "dev", "etc", "tmp"):
        os.makedirs(os.path.join(root, d))
    shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
    for name in ("true", "sleep"):
        os.symlink("busybox", os.path.join(root, "bin", name))
    for name, args in (("true", ["/bin/true"]), ("sleep", ["/bin/sleep", "600"])):
        spec = config(root, args)
        spec["linux"]["cgroupsPath"] = "/bench-oci/" + name
        spec["linux"]["resources"] = {"pids": {"limit": 4096}, "memory": {"limit": 268435456},
                                      "cpu": {"shares": 512}}
        spec["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["keyctl", "add_key", "request_key", "bpf", "userfaultfd"],
                          "action": "SCMP_ACT_ERRNO"}]}
        os.makedirs(os.path.join(top, name))
        json.dump(spec, open(os.path.join(top, name, "config.json"), "w"))
    json.dump(config(root, ["/bin/true"])["process"], open(os.path.join(top, "process.json"), "w"))


class Runtime:
    """One runtime, and what a step of each kind takes."""

    def __init__(self, name, argv, top):
        self.name, self.argv, self.top, self.times = name, argv, top, {}

    def do(self, *args):
        return measure(self.argv + list(args))

    def note(self, step, ms):
        self.times.setdefault(step, []).append(ms)

    def round(self):
        quick, stays = os.path.join(self.top, "true"), os.path.join(self.top, "sleep")
        self.note("run", self.do("run", "-b", quick, "b"))
        self.note("create", self.do("create", "-b", stays, "b"))
        self.note("state", self.do("state", "b"))
        self.note("start", self.do("start", "b"))
        self.note("exec", self.do("exec", "--process", os.path.join(self.top, "process.json"), "b"))
        self.note("kill", self.do("kill", "b", "KILL"))
        self.note("delete", self.do("delete", "--force", "b"))


def main():
    without_hybrid()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory(prefix="bench-oci.") as top:
        bundles(top)
        crun = os.environ.get("CRUN") or shutil.which("crun")
        runtimes = [Runtime("hull-runtime", [os.path.join(BIN, "hull-runtime"), "--root",
                                             os.path.join(top, "hull")], top)]
        if crun:
            runtimes.append(Runtime("crun", [crun, "--root", os.path.join(top, "crun")], top))
        floor = os.path.join(BIN, "bench-floor")
        floors = []
        for _ in range(rounds):
            if os.path.exists(floor):
                floors.append(measure([floor, "--no-overlay", os.path.join(top, "rootfs"),
                                       "/bin/true"]))
            for runtime in runtimes:
                runtime.round()
        if floors:
            print("floor of run: %.2f ms (min %.2f)" % (statistics.median(floors), min(floors)))
        for step in runtimes[0].times:
            cells = ["%s %7.2f ms (min %.2f)" % (r.name, statistics.median(r.times[step]),
                                                 min(r.times[step])) for r in runtimes]
            ratio = ""
            if len(runtimes) > 1:
                middle = [statistics.median(r.times[step]) for r in runtimes]
                ratio = "  ratio %.2f" % (middle[0] / middle[1])
            print("%-7s %s%s" % (step, "  ".join(cells), ratio))
    subprocess.run("find /sys/fs/cgroup -depth -type d -path '*/bench-oci*' -exec rmdir {} + "
                   "2>/dev/null", shell=True, check=False)


main()
