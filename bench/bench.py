#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure hull against the floor and its peers, interleaved in one run, and print ratios.

  bench/bench.py [--rounds N] [--only NAME,...] [--v1] [--favordynmods] [WHAT...]

Needs root, build/bin (scripts/build), and busybox-static. Peers are named by the environment:
  RUNTIMES="/path/crun /usr/bin/crun /usr/bin/runc"       OCI runtimes (default: crun, runc)
  DOCKER="docker -H unix:///path"  PODMAN="podman --root /path"  BWRAP=bwrap  (default: none, none,
  bwrap); docker and podman get an image called hullbench imported for the run.
All have the same limits, capabilities and filter; bwrap has neither filter, groups nor image.
Absolute times are this machine's noise; quote ratios, with the regime that is printed first. On a
busy machine "cpu" (user and system time of the command and what it waited for) says more; what a
daemon, a monitor or a shim spends is not in it.
"""
import argparse
import contextlib
import copy
import glob
import itertools
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import bundle
from bundle import LIMITS, TOP

BIN = os.environ.get("HULL_BIN_DIR", os.path.join(TOP, "build", "bin"))
NULL = subprocess.DEVNULL
# Nothing is measured in the machine's own network.
os.environ["HULL_NETWORK"] = "none"
# Who moves a process into a control group leaves the kernel ready for the next one for a few milliseconds,
# who would be spared the wait that this one had: seconds between two measured commands (--apart). On a virtual
# machine they cost the most who does most outside the kernel: it sleeps, and finds its caches cold.
APART = 0.05
# What bench-floor --bridge floor0 finds.
FLOOR_NETWORK = """ip link add floor0 type bridge; ip addr add 10.254.0.1/16 dev floor0; ip link set floor0 up
nft 'add table inet floor; add map inet floor ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
add chain inet floor in { type nat hook prerouting priority dstnat; }
add rule inet floor in fib daddr type local dnat ip to meta l4proto . th dport map @ports
add chain inet floor out { type nat hook postrouting priority srcnat; }
add rule inet floor out oifname != "floor0" ip saddr 10.254.0.0/16 masquerade'"""
UNTIL_TERM = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]


def spawn(argv):
    """Run to the end with nothing to read and nowhere to write: (ms, cpu ms, status)."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    begin = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    ms = (time.perf_counter() - begin) * 1000
    os.close(null)
    return ms, (usage.ru_utime + usage.ru_stime) * 1000, os.waitstatus_to_exitcode(status)


def in_turn(commands, i):
    """The pairs, another one first each time."""
    pairs = list(commands.items())
    return pairs[i % len(pairs):] + pairs[:i % len(pairs)] if pairs else []


def check(argv):
    subprocess.run(argv, check=True, stdin=NULL, stdout=NULL)


def report(title, times):
    """times: {name: [(ms, cpu)]}; ratios are to the first name and to the first hull."""
    if not times:
        return
    median = {name: statistics.median(t[0] for t in list_) for name, list_ in times.items()}
    hull = next((m for name, m in median.items() if name.startswith("hull")), None)
    print(f"\n{title} ({len(next(iter(times.values())))} rounds, interleaved)")
    for name, list_ in times.items():
        m = median[name]
        cpu = statistics.median(t[1] for t in list_)
        print(f"  {name:22} median {m:8.2f} ms  min {min(t[0] for t in list_):8.2f}  "
              f"cpu {cpu:7.2f}  {m / next(iter(median.values())):6.2f} x first"
              + (f"  {m / hull:6.2f} x hull" if hull else ""), flush=True)


class Engine:
    """Something with docker's command line."""

    def __init__(self, name, argv, tar):
        self.name, self.argv, self.imported, self.network = name, argv, False, "none"
        if spawn(argv + ["image", "inspect", "hullbench"])[2] != 0:
            check(argv + ["import", tar, "hullbench"])
            self.imported = True

    def run(self, *options, args=("/bin/true",)):
        return self.argv + ["run", "--network", self.network, *LIMITS, *options, "hullbench", *args]

    def start(self, count=1, *options, args=("/bin/sleep", "600")):
        return [subprocess.run(self.run("-d", *options, args=args), check=True, text=True,
                               stdin=NULL, stdout=subprocess.PIPE).stdout.strip()
                for _ in range(count)]

    def remove(self, ids):
        for i in range(0, len(ids), 50):
            check(self.argv + ["rm", "-f", *(["-t", "0"] if self.name == "podman" else [])] +
                  ids[i:i + 50])

    def close(self):
        if self.imported:
            spawn(self.argv + ["rmi", "hullbench"])


class Bench:
    def __init__(self, rounds, only):
        self.rounds, self.only, self.serial = rounds, only, 0
        self.dir = tempfile.mkdtemp(prefix="hullbench.")
        # Everybody's state of what runs is where a machine with systemd has /run: on a tmpfs.
        self.state = os.path.join(self.dir, "run")
        os.mkdir(self.state)
        check(["mount", "-t", "tmpfs", "-o", "mode=700", "hullbench", self.state])
        self.rootfs = os.path.join(self.dir, "rootfs")
        for d in ("bin", "proc", "sys", "dev", "etc", "tmp"):
            os.makedirs(os.path.join(self.rootfs, d))
        shutil.copy(shutil.which("busybox"), os.path.join(self.rootfs, "bin/busybox"))
        for name in ("sh", "true", "sleep", "cat", "echo"):
            os.symlink("busybox", os.path.join(self.rootfs, "bin", name))
        tar = os.path.join(self.dir, "rootfs.tar")
        check(["tar", "-C", self.rootfs, "-cf", tar, "."])
        self.floor = [os.path.join(TOP, "build", "bench", "bench-floor"), "--limits"]
        hull = [os.path.join(BIN, "hull"), "--root", os.path.join(self.dir, "root"),
                "--runroot", os.path.join(self.state, "hull")]
        self.engines = [Engine(name, argv, tar) for name, argv in (
            ("hull", hull), ("podman", shlex.split(os.environ.get("PODMAN", ""))),
            ("docker", shlex.split(os.environ.get("DOCKER", "")))) if argv and self.wanted(name)]
        self.runtimes = dict(self.find_runtimes())
        self.bundles = {args[0]: bundle.write(os.path.join(self.dir, args[0]), self.rootfs,
                                              ["/bin/" + args[0], *args[1:]])
                        for args in (["true"], ["sleep", "600"])}

    def recorder(self):
        """With hull system record and without: starts, a load that forks, one of bare system calls."""
        hull = next(e for e in self.engines if e.name == "hull")
        running = []

        def before(name):
            if running and name == "hull":
                running.pop().kill()
            elif not running and name != "hull":
                running.append(subprocess.Popen(hull.argv + ["system", "record"], stdin=NULL,
                                                stderr=subprocess.PIPE))
                running[0].stderr.readline()  # that it records

        # The loads on the machine itself, for which alone "cpu" counts all that they use.
        busybox, true = (os.path.join(self.rootfs, "bin", name) for name in ("busybox", "true"))
        loop = f"i=0; while [ $i -lt 500 ]; do {true}; i=$((i+1)); done"
        for title, argv in (
                ("run --rm /bin/true", hull.run("--rm")),
                ("500 programs, one after the other", [busybox, "sh", "-c", loop]),
                ("400 000 system calls", [busybox, "dd", "if=/dev/zero", "of=/dev/null", "bs=1",
                                          "count=200000"])):
            self.compare(f"recorder: {title}", {"hull": argv, "hull, recorded": argv}, before)
        before("hull")

    def build(self):
        """Six steps that change files, 4 MB of context: from nothing, and all cached."""
        context = os.path.join(self.dir, "context")
        os.makedirs(os.path.join(context, "src"))
        for i in range(200):
            with open(os.path.join(context, "src", str(i)), "wb") as f:
                f.write(os.urandom(20000))
        with open(os.path.join(context, "Dockerfile"), "w", encoding="utf-8") as f:
            f.write("FROM hullbench\nENV A=1\nWORKDIR /app\nCOPY src src/\nRUN echo 1 >one\n"
                    "RUN cat src/* >all\nRUN echo 2 >two\nCOPY src/1 /one\nRUN cat one two >who\n")
        hull = self.engines[0].argv + ["build", "-q", "--network", "none", "-t", "built", context]
        commands = {"hull": hull + ["--no-cache"], "hull, all cached": hull}
        if buildah := self.wanted("buildah") and buildah_base(
                self.dir, os.path.join(self.dir, "rootfs.tar")):
            commands["buildah"] = buildah + ["bud", "-q", "--no-cache", "--isolation", "chroot",
                                             "--pull-never", "-t", "built", context]
        docker, daemon = shlex.split(os.environ.get("DOCKER", "")), None
        if self.wanted("docker") and not docker and all(map(shutil.which, ("docker", "dockerd"))):
            docker, daemon = self.own_dockerd()
        if docker and self.wanted("docker"):
            engine = Engine("docker", docker, os.path.join(self.dir, "rootfs.tar"))
            os.environ["DOCKER_BUILDKIT"] = "0"
            commands["docker, classic"] = docker + ["build", "-q", "--no-cache", "--network", "none", "-t", "built",
                                                    context]
        times = {name: [] for name in commands}
        check(hull)
        time.sleep(2.5)  # files are looked at again as long as they are new
        check(hull)
        for _ in range(max(3, self.rounds // 4)):
            for name, argv in commands.items():
                ms, cpu, status = spawn(argv)
                if status:
                    sys.exit(f"{name}: failed")
                times[name].append((ms, cpu))
        report("a build of six steps", times)
        if daemon:
            self.end_dockerd(daemon)
        elif docker and self.wanted("docker"):
            engine.close()

    def own_dockerd(self, bridge=False):
        """A dockerd in namespaces of its own, with nothing but loopback: (the client's argv, the process)."""
        folder = tempfile.mkdtemp(prefix="docker", dir=self.dir)
        network = "--userland-proxy=false" if bridge else "--bridge=none --iptables=false --ip-forward=false"
        client = ["docker", "-H", f"unix://{folder}/sock"]
        daemon = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
             'mount -t tmpfs none /run && exec dockerd --data-root "$1/data" --exec-root "$1/exec" '
             f'--pidfile "$1/pid" --host "unix://$1/sock" {network} --cgroup-parent "$2"', "sh", folder, f"/hullbench-{os.getpid()}"], stdin=NULL, stdout=NULL, stderr=NULL)
        for _ in range(300):
            if spawn(client + ["version"])[2] == 0:
                return client, daemon
            time.sleep(0.1)
        sys.exit("dockerd does not answer")

    @staticmethod
    def end_dockerd(daemon):
        daemon.kill()  # unshare, which passes no TERM on
        daemon.wait()
        subprocess.run(["find", "/sys/fs/cgroup", "-maxdepth", "3", "-depth", "-path", f"*/hullbench-{os.getpid()}*",
                        "-type", "d", "-exec", "rmdir", "{}", ";"], check=False, stderr=NULL)

    def wanted(self, name):
        return not self.only or any(name.startswith(o) for o in self.only)

    def find_runtimes(self):
        yield "hull-runtime", [os.path.join(BIN, "hull-runtime"), "--root", self.state + "/oci-hull"]
        named = os.environ.get("RUNTIMES") or "crun runc"
        for i, path in enumerate(filter(shutil.which, named.split())):
            version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            name = re.sub(r"^(\w+) version (\d+\.\d+\.?\d*).*", r"\1 \2", version, flags=re.S)
            # crun refuses a v2 tree beside v1 controllers; see --v1.
            if "crun" in name and os.path.exists("/sys/fs/cgroup/unified/cgroup.procs"):
                print(f"{name} is left out: it takes no hybrid host; see --v1")
            elif self.wanted(name):
                yield name, [path, "--root", f"{self.state}/oci-{i}"]

    def close(self):
        for e in self.engines:
            e.close()
        subprocess.run(["umount", "-l", self.state], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def name(self):
        self.serial += 1
        return "bench%d-%d" % (os.getpid(), self.serial)

    def compare(self, title, commands, before=None, after=None, rounds=None):
        """commands: {name: argv}, where "{id}" becomes a new name; two rounds warm up."""
        commands = {name: argv for name, argv in commands.items() if self.wanted(name)}
        times = {name: [] for name in commands}
        for i in range((rounds or self.rounds) + 2):
            for name, argv in in_turn(commands, i):
                if before:
                    before(name)
                argv = [self.name() if a == "{id}" else a for a in argv]
                time.sleep(APART)
                ms, cpu, status = spawn(argv)
                if status != 0:
                    sys.exit(f"{title}: {name} ended with {status}: {' '.join(argv)}")
                if after:
                    after(name)
                if i >= 2:
                    times[name].append((ms, cpu))
        report(title, times)

    def run(self):
        commands = {"floor": self.floor + [self.rootfs, "/bin/true"]}
        commands.update({e.name: e.run("--rm") for e in self.engines})
        commands["bwrap"] = [
            *shlex.split(os.environ.get("BWRAP", "bwrap")), "--unshare-all", "--bind", self.rootfs,
            "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
        if not shutil.which(commands["bwrap"][0]):
            del commands["bwrap"]
        self.compare("run --rm --network none IMAGE /bin/true", commands)
        self.compare("run -d until it returns", {e.name: e.run("-d", "--rm")
                                                 for e in self.engines})

    def oci(self):
        commands = {"floor": self.floor + ["--no-overlay", self.rootfs, "/bin/true"]}
        commands.update({name: argv + ["run", "-b", self.bundles["true"], "{id}"]
                         for name, argv in self.runtimes.items()})
        self.compare("OCI run /bin/true, from a bundle", commands)

    def steps(self):
        """Each command of an OCI runtime, and create + start + delete of /bin/true together."""
        life = {"sleep": ("create", "start", "state", "kill", "delete"), "true": ("create", "start", "delete")}
        times = {word: {name: [] for name in self.runtimes} for word in life["sleep"]}
        # An OCI runtime is started three times for it, which on a machine at rest is no small part.
        empty, three = [os.path.join(BIN, "hull-init"), "--version"], "floor, 2 empty programs"
        whole = {"floor": [], three: [], **{name: [] for name in self.runtimes}}
        for i in range(self.rounds + 2):
            spent = []
            for argv in (self.floor + ["--no-overlay", self.rootfs, "/bin/true"], empty, empty):
                time.sleep(APART)
                spent.append(spawn(argv)[:2])
            whole["floor"].append(spent[0])
            whole[three].append(tuple(map(sum, zip(*spent))))
            for (name, argv), (program, words) in itertools.product(in_turn(self.runtimes, i), life.items()):
                box, spent = self.name(), []
                for word in words:
                    if program == "true" and word == "delete":
                        self.wait_until_stopped(argv, box)
                    more = {"create": ["-b", self.bundles[program], box], "kill": [box, "KILL"],
                            "delete": ["-f", box]}
                    time.sleep(APART)
                    ms, cpu, status = spawn(argv + [word] + more.get(word, [box]))
                    if status != 0:
                        sys.exit(f"{name} {word} ended with {status}")
                    spent.append((ms, cpu))
                    if i >= 2 and program == "sleep":
                        times[word][name].append((ms, cpu))
                if program == "true":
                    whole[name].append(tuple(map(sum, zip(*spent))))
        for word in times:
            report("OCI " + word, times[word])
        report("OCI create + start + delete of /bin/true", {name: list_[2:] for name, list_ in whole.items()})

    @staticmethod
    def wait_until_stopped(argv, box):
        while json.loads(subprocess.run(argv + ["state", box], check=True, stdin=NULL,
                                        stdout=subprocess.PIPE).stdout)["status"] != "stopped":
            time.sleep(APART)

    def least(self):
        """Peak memory of an OCI runtime's `run`, and the least limit under which /bin/true runs."""
        for name, argv in self.runtimes.items():
            # Not from wait4: what we are ourselves counts there until the execve. busybox takes the
            # kernel's KiB for pages.
            peaks = [1024 * int(subprocess.run(
                ["busybox", "time", "-f", "%M"] + argv + ["run", "-b", self.bundles["true"],
                                                          self.name()],
                stdin=NULL, capture_output=True, text=True).stderr.split()[-1])
                     // os.sysconf("SC_PAGE_SIZE") for _ in range(5)]

            def runs(limit):
                """Five times out of five: a limit that depends on luck is none."""
                folder = bundle.write(os.path.join(self.dir, self.name()), self.rootfs, ["/bin/true"],
                                      memory=limit)
                return all(spawn(argv + ["run", "-b", folder, self.name()])[2] == 0 for _ in range(5))

            limit = 64 << 20
            while limit > 64 << 10 and runs(limit // 2):
                limit //= 2
            step = limit // 4  # between what is enough and its half, to an eighth
            for _ in range(3):
                if runs(limit - step):
                    limit -= step
                step //= 2
            print(f"  {name:22} run: peak {max(peaks)} KiB; least limit {limit >> 10} KiB", flush=True)

    def exec(self):
        boxes = {e.name: e.start()[0] for e in self.engines}
        commands = {e.name: e.argv + ["exec", boxes[e.name], "/bin/true"] for e in self.engines}
        for name, argv in self.runtimes.items():
            boxes[name] = self.name()
            check(argv + ["run", "-d", "-b", self.bundles["sleep"], boxes[name]])
            commands[name] = argv + ["exec", boxes[name], "/bin/true"]
        if "hull" in boxes:
            pid = subprocess.run(self.engines[0].argv + ["inspect", "-f", "{{.State.Pid}}",
                                                         boxes["hull"]], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.strip()
            commands = {"floor": self.floor + ["--enter", pid, "/bin/true"], **commands}
        self.compare("exec /bin/true", commands)
        for e in self.engines:
            e.remove([boxes[e.name]])
        for name, argv in self.runtimes.items():
            check(argv + ["delete", "-f", boxes[name]])

    def stop(self):
        box = {}
        for title, options, args in (("TERM ends it", (), UNTIL_TERM),
                                     ("sleep under --init", ("--init",), ("/bin/sleep", "600"))):
            # Not everyone has an init; the shell needs a moment to set its trap.
            engines = {e.name: e for e in self.engines if not options or e.name == "hull"}

            def before(name):
                engines[name].start(1, "--name", box[name], *options, args=args)
                time.sleep(0.1)

            box = {name: self.name() for name in engines}
            self.compare("stop, " + title, {name: e.argv + ["stop", box[name]]
                                            for name, e in engines.items()}, before,
                         lambda name: engines[name].remove([box[name]]))

    def ps(self):
        ids = {e.name: [] for e in self.engines}
        for count in (1, 100, 1000):
            engines = [e for e in self.engines if count <= 100 or e.name == "hull"]
            for e in engines:
                ids[e.name] += e.start(count - len(ids[e.name]))
            self.compare(f"ps with {count} containers", {e.name: e.argv + ["ps"] for e in engines})
        for e in self.engines:
            e.remove(ids[e.name])

    def stats(self):
        """What hull stats, which looks each second, and the live hull top, each two, take of a processor with a hundred
        containers. And hull top of one of them."""
        for e in (e for e in self.engines if e.name == "hull"):
            ids = e.start(100)
            self.watch(e, ["stats"], b"CONTAINER ID")
            self.watch(e, ["top", "--json"], b"{")
            self.compare("top of one of 100", {e.name: e.argv + ["top", ids[50]]})
            e.remove(ids)

    def watch(self, e, words, mark):
        """A look is a line with that mark. Of the first seconds, in which it finds them, nothing is counted."""
        looks = subprocess.Popen(e.argv + words, stdin=NULL, stdout=subprocess.PIPE)
        lines = []
        threading.Thread(target=lambda: lines.extend(looks.stdout), daemon=True).start()

        def so_far():
            return time.perf_counter(), cpu_seconds(looks.pid), sum(mark in l for l in lines)

        time.sleep(3)
        before = so_far()
        time.sleep(self.rounds)
        took, cpu, count = (now - then for now, then in zip(so_far(), before))
        looks.terminate()
        looks.wait()
        print(f"\n{words[0]} of 100 containers: {cpu / took * 100:.2f} % of a processor, {count} looks in {took:.0f} s",
              flush=True)

    def thousand(self):
        """A thousand containers of hull alive at once, and what each command takes with them: without a network, and
        on one bridge, with names."""
        for e in (e for e in self.engines if e.name == "hull"):
            self.thousand_of(e, "without a network")
            with network_namespace() as holder:
                inside = copy.copy(e)
                inside.argv = ["nsenter", "-n", "-t", str(holder.pid), *e.argv]
                check(inside.argv + ["network", "create", "--subnet", "10.9.0.0/16", "thousand"])
                inside.network = "thousand"
                self.thousand_of(inside, "on one bridge")
                check(inside.argv + ["network", "rm", "thousand"])

    def thousand_of(self, e, where):
        names = [self.name() for _ in range(1000)]
        todo, before = list(names), available_kib()

        def starter():
            while todo:
                check(e.run("-d", "--name", todo.pop(), args=UNTIL_TERM))

        def timed(what, argv):
            ms, cpu, status = spawn(argv)
            print(f"  {what:30} {ms:9.1f} ms  cpu {cpu:8.1f}" + (f"  status {status}" if status else ""),
                  flush=True)

        print(f"\n1000 containers of hull, {where}")
        begin = time.perf_counter()
        starters = [threading.Thread(target=starter) for _ in range(4)]
        for t in starters:
            t.start()
        for t in starters:
            t.join()
        took = time.perf_counter() - begin
        print(f"  started by four at a time      {took * 1000:9.1f} ms, {1000 / took:.0f} a second; "
              f"{(before - available_kib()) / 1000:.0f} KiB of the machine's memory each")
        timed("ps", e.argv + ["ps"])
        timed("ps -q", e.argv + ["ps", "-q"])
        timed("stats --no-stream (1 s apart)", e.argv + ["stats", "--no-stream"])
        timed("exec in one of them", e.argv + ["exec", names[500], "/bin/true"])
        timed("stop, all in one command", e.argv + ["stop", *names])
        timed("ps -a", e.argv + ["ps", "-a"])
        timed("rm, all in one command", e.argv + ["rm", *names])

    def parallel(self):
        commands = {"floor": self.floor + [self.rootfs, "/bin/true"]}
        commands.update({e.name: e.run("--rm") for e in self.engines})
        commands.update({name: argv + ["run", "-b", self.bundles["true"], "{id}"]
                         for name, argv in self.runtimes.items()})
        commands = {name: argv for name, argv in commands.items() if self.wanted(name)}
        for count in (20, 50, 100):
            rates = {name: [] for name in commands}
            for _ in range(min(self.rounds, 3)):
                for name, argv in commands.items():
                    begin = time.perf_counter()
                    running = [subprocess.Popen([self.name() if a == "{id}" else a for a in argv],
                                                stdin=NULL, stdout=NULL) for _ in range(count)]
                    failed = sum(p.wait() != 0 for p in running)
                    rates[name].append(count / (time.perf_counter() - begin))
                    if failed:
                        print(f"{count} runs at once: {failed} of {name} failed")
            print(f"\n{count} runs at once (interleaved)")
            for name, list_ in rates.items():
                print(f"  {name:22} median {statistics.median(list_):7.1f} containers/s  "
                      f"max {max(list_):7.1f}", flush=True)

    @contextlib.contextmanager
    def networked(self):
        """The engines, with a dockerd of our own where DOCKER names none, whose userland proxy is off."""
        docker, daemon = None, None
        if self.wanted("docker") and not os.environ.get("DOCKER") and all(map(shutil.which, ("docker", "dockerd"))):
            client, daemon = self.own_dockerd(bridge=True)
            docker = Engine("docker", client, os.path.join(self.dir, "rootfs.tar"))
        try:
            yield self.engines + ([docker] if docker else []), daemon
        finally:
            if daemon:
                self.end_dockerd(daemon)

    def network(self):
        """What a place on a network costs; all in a namespace, so that nsenter is in each but docker's."""
        with network_namespace() as holder, self.networked() as (engines, _):
            enter = ["nsenter", "-n", "-t", str(holder.pid)]
            check(enter + ["sh", "-ec", FLOOR_NETWORK])
            floor = enter + self.floor
            # The first is what the others are compared to.
            run = {"floor -p 80": floor + ["--bridge", "floor0", self.rootfs, "/bin/true"],
                   "floor none": floor + [self.rootfs, "/bin/true"]}
            for e in engines:
                bridge = ["bridge" if a == "none" else a for a in e.run("--rm")[:-2]]
                end = e.run()[-2:]
                # Of docker the daemon has the network that it was started in.
                where = [] if e.name == "docker" else enter
                for what, more in (("none", []), ("bridge", []), ("-p 80", ["-p", "8080:80"]),
                                   ("-p 1000", ["-p", "20000-20999:20000-20999"])):
                    if e.name == "hull" or what == "-p 80":
                        run[f"{e.name} {what}"] = where + (e.run("--rm") if what == "none" else
                                                           bridge + more + end)
                spawn(where + bridge + end)  # makes the bridge and the firewall
            only, self.only = self.only, ""
            self.compare("run --rm true, by network", run)
            self.only = only

    def published(self):
        """From outside through a published port to a process in a container: hull's, docker's and podman's path."""
        peer = os.path.join(TOP, "bench", "path_peer.py")
        with contextlib.ExitStack() as stack:
            engines, daemon = stack.enter_context(self.networked())
            ways, boxes = {}, []
            for e in engines:
                client = stack.enter_context(network_namespace())
                if e.name == "docker" and not daemon:
                    print("docker is left out: of one that DOCKER names the namespaces are not ours")
                    continue
                host = daemon if e.name == "docker" else stack.enter_context(network_namespace())
                pid = child_of(host.pid) if e.name == "docker" else host.pid
                # A daemon's container has a pid in the daemon's namespace.
                enter = ["nsenter", "-n", *(["-m", "-p"] if e.name == "docker" else []), "-t", str(pid)]
                check(enter[:2] + enter[-2:] + ["sh", "-ec", "ip link add up0 type veth peer name eth0 netns %d; "
                                                "ip addr add 203.0.113.1/24 dev up0; ip link set up0 up" % client.pid])
                outside = ["nsenter", "-n", "-t", str(client.pid)]
                check(outside + ["sh", "-ec", "ip addr add 203.0.113.2/24 dev eth0; ip link set eth0 up; "
                                 "ip route add default via 203.0.113.1"])
                bridged = copy.copy(e)
                bridged.network = "bridge"
                bridge = bridged.run("-d", "-p", "8080:80", args=("/bin/sleep", "600"))
                command = bridge if e.name == "docker" else enter + bridge
                box = subprocess.run(command, check=True, text=True, stdin=NULL, stdout=subprocess.PIPE).stdout.strip()
                boxes.append((e, box))
                inner = subprocess.run(e.argv + ["inspect", "-f", "{{.State.Pid}}", box], check=True, text=True,
                                       stdout=subprocess.PIPE).stdout.strip()
                server = subprocess.Popen([*enter, "nsenter", "-n", "-t", inner, "python3", peer, "serve", "80"],
                                          stdin=NULL, stdout=subprocess.PIPE)
                stack.callback(server.wait)
                stack.callback(server.kill)
                server.stdout.readline()
                ways[e.name] = outside + ["python3", peer, "ask", "203.0.113.1", "8080"]
            found = {name: [] for name in ways}
            for i in range(self.rounds + 1):
                for name, argv in in_turn(ways, i):
                    said = subprocess.run(argv, check=True, text=True, stdin=NULL, stdout=subprocess.PIPE).stdout
                    if i:
                        found[name].append([float(x) for x in said.split()])
            print(f"\na published port from outside ({self.rounds} rounds, interleaved)")
            for name, list_ in found.items():
                trip, connect, gbit = map(statistics.median, zip(*list_))
                print(f"  {name:22} round trip {trip:7.2f} us  connection {connect:7.2f} us  stream {gbit:6.2f} Gbit/s",
                      flush=True)
            for e, box in boxes:
                e.remove([box])

    def memory(self):
        """PSS of the programs that stay with one idle container among many."""
        count = 50
        for e in self.engines:
            ids = e.start(count, *(("--init",) if e.name == "hull" else ()))
            time.sleep(1)
            total = {}
            for folder in glob.glob("/proc/[0-9]*"):
                name, pss = helper_pss(folder, ids)
                if name:
                    total[name] = total.get(name, 0) + pss
            print(f"\nPSS per idle container of {e.name}, {count} running: " +
                  ", ".join(f"{k} {v / count:.0f} KiB" for k, v in sorted(total.items())) +
                  f"; together {sum(total.values()) / count:.0f} KiB")
            e.remove(ids)
        for comm in ("dockerd", "containerd"):
            for pid in subprocess.run(["pgrep", "-x", comm], stdout=subprocess.PIPE,
                                      text=True).stdout.split():
                rss = [l for l in open(f"/proc/{pid}/status") if l.startswith("VmRSS")]
                print(f"{comm}: RSS {rss[0].split()[1]} KiB")


@contextlib.contextmanager
def network_namespace():
    """A process in a network namespace of its own, with lo up, as long as it is needed."""
    p = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up; echo; exec sleep 600"],
                         stdout=subprocess.PIPE)
    p.stdout.readline()
    try:
        yield p
    finally:
        p.kill()
        p.wait()


def child_of(pid):
    return int(open(f"/proc/{pid}/task/{pid}/children").read().split()[0])


def buildah_base(folder, tar):
    """buildah with the image hullbench in a store of its own; None where it is not installed."""
    if not shutil.which("buildah"):
        return None
    argv = ["buildah", "--root", os.path.join(folder, "buildah"), "--runroot",
            os.path.join(folder, "buildahrun"), "--storage-driver",
            os.environ.get("BUILDAH_DRIVER", "overlay")]
    base = os.path.join(folder, "base")
    os.makedirs(base)
    shutil.copy(tar, os.path.join(base, "rootfs.tar"))
    with open(os.path.join(base, "Dockerfile"), "w", encoding="utf-8") as f:
        f.write("FROM scratch\nADD rootfs.tar /\n")
    check(argv + ["bud", "-q", "-t", "hullbench", base])
    return argv


def helper_pss(folder, ids):
    """(program, KiB) if that process stays with one of the containers, else (None, 0)."""
    try:
        args = open(folder + "/cmdline").read().split("\0")
        name = args[0].split("/")[-1]
        if open(folder + "/comm").read() == "hull-init\n":
            group = open(folder + "/cgroup").read()
            if not any(i in group for i in ids):
                return None, 0
            name = "hull-init"
        elif not any(i[:12] in a for i in ids for a in args):
            return None, 0
        return name, sum(int(line.split()[1]) for line in open(folder + "/smaps_rollup")
                         if line.startswith("Pss:"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None, 0


def cpu_seconds(pid):
    """In nanoseconds by the scheduler: far finer than the ticks of /proc/PID/stat."""
    return int(open(f"/proc/{pid}/schedstat").read().split()[0]) / 1e9


def available_kib():
    return int(re.search(r"MemAvailable: *(\d+)", open("/proc/meminfo").read())[1])


def regime():
    mounts = open("/proc/mounts").read()
    layout = "v2" if " /sys/fs/cgroup cgroup2 " in mounts else "v1" if not os.path.exists(
        "/sys/fs/cgroup/unified/cgroup.procs") else "v1 beside v2"
    return layout, "favordynmods" if "favordynmods" in mounts else "default"


def main():
    global APART
    whats = ["run", "exec", "oci", "steps", "least", "stop", "ps", "parallel", "memory", "stats", "thousand",
             "build", "network", "published", "recorder"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="of floor, hull, crun, runc, podman, docker, buildah")
    parser.add_argument("--v1", action="store_true",
                        help="hide the v2 tree of a hybrid host (for crun), in a mount "
                        "namespace of this program's own")
    parser.add_argument("--favordynmods", action="store_true",
                        help="without the wait at an attach; that is one way for a kernel, so only "
                        "in a virtual machine that is thrown away (RUN_IN_VM is set)")
    parser.add_argument("--apart", type=float, default=APART * 1000, metavar="MS",
                        help="rest between two measured commands; 0: as a script runs them, one after the other")
    parser.add_argument("what", nargs="*", default=whats)
    args = parser.parse_args()
    APART = args.apart / 1000
    if wrong := set(args.what) - set(whats):
        parser.error(f"{' '.join(wrong)}: not one of {' '.join(whats)}")
    if args.v1 and os.path.ismount("/sys/fs/cgroup/unified"):
        os.execvp("unshare", ["unshare", "-m", "sh", "-c",
                              'umount /sys/fs/cgroup/unified; exec "$@"', "sh"] + sys.argv)
    if args.favordynmods:
        if "RUN_IN_VM" not in os.environ:
            sys.exit("--favordynmods changes the whole kernel for good: only in a VM")
        check(["mount", "-o", "remount,favordynmods", "/sys/fs/cgroup"])
    print("control groups: %s, %s attach; %d CPUs, load %.1f, kernel %s; %g ms apart" % (
        *regime(), os.cpu_count(), os.getloadavg()[0], os.uname().release, args.apart))
    bench = Bench(args.rounds, [o for o in args.only.split(",") if o])
    try:
        for what in args.what:
            getattr(bench, what)()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
