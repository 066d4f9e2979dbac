#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure hull against the floor and its peers, interleaved in one run, and print ratios.

  bench/bench.py [--rounds N] [run|exec|parallel|ps|stop|memory ...]

Needs root, build/bin (scripts/build), and busybox-static. Peers are used where they are
installed: crun (a ready bundle), bwrap, podman and docker (with an image called hullbench).
Absolute times are this machine's noise; quote the ratios, with the regime of the control groups
that is printed first.
"""
import argparse
import glob
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


def spawn(argv, quiet=True):
    """Run to the end, return (milliseconds, status)."""
    null = os.open("/dev/null", os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in ((0, 1, 2) if quiet else ())]
    begin = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    ms = (time.perf_counter() - begin) * 1000
    os.close(null)
    return ms, os.waitstatus_to_exitcode(status)


def compare(title, commands, rounds, want=0):
    """commands: {name: argv}. Interleaved; prints medians and the ratio to the first."""
    times = {name: [] for name in commands}
    for i in range(rounds + 2):
        for name, argv in commands.items():
            ms, status = spawn(argv)
            if status != want:
                sys.exit(f"{title}: {name} ended with {status}: {' '.join(argv)}")
            if i >= 2:
                times[name].append(ms)
    base = statistics.median(next(iter(times.values())))
    print(f"\n{title} ({rounds} rounds, interleaved)")
    for name, values in times.items():
        m = statistics.median(values)
        print(f"  {name:28} median {m:8.2f} ms  min {min(values):8.2f}  {m / base:6.2f} x")
    return {name: statistics.median(v) for name, v in times.items()}


class Bench:
    def __init__(self, rounds):
        self.rounds = rounds
        self.dir = tempfile.mkdtemp(prefix="hullbench.")
        self.rootfs = os.path.join(self.dir, "rootfs")
        self.hull = [os.path.join(BIN, "hull"), "--root", os.path.join(self.dir, "root"),
                     "--runroot", os.path.join(self.dir, "run")]
        for d in ("bin", "proc", "sys", "dev", "etc", "tmp"):
            os.makedirs(os.path.join(self.rootfs, d))
        shutil.copy(shutil.which("busybox"), os.path.join(self.rootfs, "bin/busybox"))
        for name in ("sh", "true", "sleep", "cat", "echo"):
            os.symlink("busybox", os.path.join(self.rootfs, "bin", name))
        tar = os.path.join(self.dir, "rootfs.tar")
        subprocess.run(["tar", "-C", self.rootfs, "-cf", tar, "."], check=True)
        subprocess.run(self.hull + ["import", tar, "bench"], check=True, stdout=subprocess.DEVNULL)

    def close(self):
        subprocess.run("ids=$(%s ps -aq); [ -z \"$ids\" ] || %s rm -f $ids" %
                       ((" ".join(self.hull),) * 2), shell=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def bundle(self):
        """A ready bundle for OCI runtimes: what hull itself wrote for this image."""
        path = os.path.join(self.dir, "bundle")
        if not os.path.isdir(path):
            os.makedirs(path)
            os.symlink(self.rootfs, os.path.join(path, "rootfs"))
            subprocess.run(["crun", "spec"], cwd=path, check=True)
            config = json.load(open(os.path.join(path, "config.json")))
            config["process"].update(terminal=False, args=["/bin/true"])
            config["root"] = {"path": "rootfs"}
            config["linux"]["resources"] = {"pids": {"limit": 4096}}
            # The same filter as everyone's: the names of hull's own profile are not needed here.
            json.dump(config, open(os.path.join(path, "config.json"), "w"))
        return path

    def crun(self):
        """crun refuses a v2 tree beside v1 controllers; see --v1."""
        hybrid = os.path.exists("/sys/fs/cgroup/unified/cgroup.procs")
        return None if hybrid else shutil.which("crun")

    def run(self):
        commands = {}
        floor = os.path.join(TOP, "build", "bench", "bench-floor")
        if os.path.exists(floor):
            commands["floor"] = [floor, self.rootfs, "/bin/true"]
        commands["hull run --rm"] = self.hull + ["run", "--rm", "--network", "none", "bench",
                                                 "/bin/true"]
        if self.crun():
            commands["crun run (ready bundle)"] = [shutil.which("crun"), "run", "-b",
                                                   self.bundle(), "bench%d" % os.getpid()]
        if shutil.which("bwrap"):
            commands["bwrap (no cgroup, no image)"] = [
                shutil.which("bwrap"), "--unshare-all", "--bind", self.rootfs, "/", "--proc",
                "/proc", "--dev", "/dev", "/bin/true"]
        for peer in ("podman", "docker"):
            if shutil.which(peer) and spawn([shutil.which(peer), "image", "inspect",
                                             "hullbench"])[1] == 0:
                commands[peer] = [shutil.which(peer), "run", "--rm", "--network", "none",
                                  "hullbench", "/bin/true"]
        compare("run --rm --network none IMG /bin/true", commands, self.rounds)

    def exec(self):
        name = "exec%d" % os.getpid()
        subprocess.run(self.hull + ["run", "-d", "--name", name, "bench", "/bin/sleep", "600"],
                       check=True, stdout=subprocess.DEVNULL)
        commands = {"hull exec": self.hull + ["exec", name, "/bin/true"]}
        crun = self.crun()
        if crun:
            path = self.bundle() + "-sleep"
            os.makedirs(path)
            os.symlink(self.rootfs, os.path.join(path, "rootfs"))
            config = json.load(open(os.path.join(self.bundle(), "config.json")))
            config["process"]["args"] = ["/bin/sleep", "600"]
            json.dump(config, open(os.path.join(path, "config.json"), "w"))
            subprocess.run([crun, "run", "-d", "-b", path, name], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            commands["crun exec"] = [crun, "exec", name, "/bin/true"]
        compare("exec /bin/true", commands, self.rounds)
        subprocess.run(self.hull + ["rm", "-f", name], stdout=subprocess.DEVNULL)
        if crun:
            subprocess.run([crun, "delete", "-f", name])

    def parallel(self):
        argv = self.hull + ["run", "--rm", "--network", "none", "bench", "/bin/true"]
        for count in (20, 100, 100):
            begin = time.perf_counter()
            running = [subprocess.Popen(argv, stdout=subprocess.DEVNULL) for _ in range(count)]
            failed = sum(p.wait() != 0 for p in running)
            seconds = time.perf_counter() - begin
            print(f"\n{count} runs at once: {count / seconds:.0f} containers/s, {failed} failed")

    def many(self, count):
        ids = []
        argv = self.hull + ["run", "-d", "--network", "none", "bench", "/bin/sleep", "600"]
        begin = time.perf_counter()
        for _ in range(count):
            ids.append(subprocess.run(argv, check=True, capture_output=True,
                                      text=True).stdout.strip())
        print(f"\n{count} containers started one after the other: "
              f"{(time.perf_counter() - begin) / count * 1000:.1f} ms each")
        return ids

    def remove(self, ids):
        for i in range(0, len(ids), 50):
            subprocess.run(self.hull + ["rm", "-f"] + ids[i:i + 50], check=True,
                           stdout=subprocess.DEVNULL)

    def ps(self):
        for count in (1, 100, 1000):
            ids = self.many(count)
            compare(f"ps with {count} containers", {"hull ps": self.hull + ["ps"]}, self.rounds)
            self.remove(ids)

    def stop(self):
        times = []
        for _ in range(self.rounds):
            subprocess.run(self.hull + ["run", "-d", "--name", "stopme", "bench", "/bin/sh", "-c",
                                        "trap 'exit 0' TERM; while :; do sleep 0.01; done"],
                           check=True, stdout=subprocess.DEVNULL)
            subprocess.run(self.hull + ["run", "-d", "--init", "--name", "stopinit", "bench",
                                        "/bin/sleep", "600"], check=True,
                           stdout=subprocess.DEVNULL)
            time.sleep(0.1)
            times.append((spawn(self.hull + ["stop", "stopme"])[0],
                          spawn(self.hull + ["stop", "stopinit"])[0]))
            subprocess.run(self.hull + ["rm", "-f", "stopme", "stopinit"],
                           stdout=subprocess.DEVNULL)
        print(f"\nstop: shell with trap {statistics.median(t[0] for t in times):.1f} ms, "
              f"sleep under --init {statistics.median(t[1] for t in times):.1f} ms")

    def memory(self):
        """PSS of monitor, keeper and init of one idle container among many."""
        count = 50
        argv = self.hull + ["run", "-d", "--init", "--network", "none", "bench", "/bin/sleep",
                            "600"]
        ids = [subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
               for _ in range(count)]
        time.sleep(1)
        total = {}
        for comm_file in glob.glob("/proc/[0-9]*/comm"):
            try:
                comm = open(comm_file).read().strip()
                if not comm.startswith("hull-"):
                    continue
                cmdline = open(comm_file[:-4] + "cmdline").read()
                if comm != "hull-init" and not any(i[:12] in cmdline for i in ids):
                    continue
                for line in open(comm_file[:-4] + "smaps_rollup"):
                    if line.startswith("Pss:"):
                        argv0 = cmdline.split("\0")[0].split("/")[-1]
                        total[argv0] = total.get(argv0, 0) + int(line.split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
        print(f"\nPSS per idle container, {count} running: " +
              ", ".join(f"{k} {v / count:.0f} KiB" for k, v in sorted(total.items())) +
              f"; together {sum(total.values()) / count:.0f} KiB")
        self.remove(ids)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--v1", action="store_true",
                        help="hide the v2 tree of a hybrid host (for crun), in a mount "
                        "namespace of this program's own")
    parser.add_argument("what", nargs="*", default=["run", "exec", "parallel", "ps", "stop",
                                                    "memory"])
    args = parser.parse_args()
    if args.v1:
        rest = [a for a in sys.argv if a != "--v1"]
        os.execvp("unshare", ["unshare", "-m", "sh", "-c",
                              'umount /sys/fs/cgroup/unified; exec "$@"', "sh"] + rest)
    regime = "favordynmods" if "favordynmods" in open("/proc/mounts").read() else "default"
    layout = "v1" if "cgroup " in open("/proc/mounts").read() else "v2"
    print(f"control groups: {layout}, {regime} attach; {os.cpu_count()} CPUs, "
          f"kernel {os.uname().release}")
    bench = Bench(args.rounds)
    try:
        for what in args.what:
            getattr(bench, what)()
    finally:
        bench.close()


main()
