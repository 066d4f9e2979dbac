# SPDX-License-Identifier: Apache-2.0
"""Damaged state: only the object is affected whose file it is, and the error names it."""
import itertools, os, subprocess, time

import box as boxes
from sweep import Result, report

COMMANDS = [["ps", "-a"], ["inspect", "C"], ["logs", "C"], ["exec", "C", "/busybox", "true"], ["stop", "-t", "0", "C"],
            ["start", "C"], ["kill", "C"], ["wait", "C"], ["system", "check"]]


def mutations(data):
    size = len(data)
    step = max(size // 24, 1)
    for n in range(0, size, step):
        yield f"cut to {n} of {size} bytes", data[:n]
    yield "zeroed", bytes(size)
    yield "all ones", b"\xff" * size
    for n in range(0, size, max(size // 96, 1)):
        yield f"bit {n % 8} of byte {n} flipped", data[:n] + bytes([data[n] ^ 1 << n % 8]) + data[n + 1:]


class Damage:
    def __init__(self, result):
        self.r = result
        self.renew()

    def renew(self):
        self.b = b = boxes.Box()
        self.c, self.o = b.tag + "-c", b.tag + "-o"
        for name in (self.o, self.c):
            self.start(name)
        self.other = b.hull("inspect", "-f", "{{.State.Pid}}", self.o).out

    def start(self, name):
        p = self.b.hull("run", "-d", "--name", name, "--cgroup-parent", self.b.group, "--stop-signal", "KILL",
                        "test", "/busybox", "sleep", "3600", check=True)
        self.id = p.out.strip()

    def path(self, what):
        return {"running": self.b.run / "containers" / self.id / "running",
                "monitor": self.b.run / "containers" / self.id / "monitor",
                "exit": self.b.run / "exits" / self.id}[what]

    def replace(self, path, data):
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def commands(self, where, names):
        """None may crash or hang; those about others must work."""
        fine = True
        for command in COMMANDS:
            words = [self.c if w == "C" else w for w in command]
            try:
                p = self.b.hull(*words, timeout=25)
            except subprocess.TimeoutExpired:
                self.r.fail("hang", where, " ".join(words))
                return False
            if p.returncode > 127 or p.returncode < 0:
                if not (command[0] == "wait" and p.returncode == 137):
                    self.r.fail("crash", where, f"{' '.join(words)}: {p.returncode}", p.err)
                    fine = False
            elif p.returncode and names and not any(n in p.err for n in names) and command[0] != "exec":
                self.r.fail("unnamed", where, f"{' '.join(words)}: {p.returncode}", p.err)
        return fine

    def others(self, where):
        q = self.b.hull("exec", self.o, "/busybox", "true")
        pid = self.b.hull("inspect", "-f", "{{.State.Pid}}", self.o).out
        if q.returncode or pid != self.other:
            self.r.fail("others", where, q.err, pid)

    def left(self):
        """Of the container that was removed; its keeper may end behind that."""
        end = time.monotonic() + 30
        while True:
            left = [x for x in self.b.snapshot() if "<1>" in x or "TAG-c" in x]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.1)

    def record(self, what, n):
        """The Nth way; False if there are not so many for what is in it now."""
        if what == "exit":
            path = self.path("exit")
            # Nobody may take note of the end before it is damaged.
            lock = subprocess.Popen(["flock", "--no-fork", self.b.root / "containers" / self.id, "sleep", "60"])
            while subprocess.run(["flock", "-n", self.b.root / "containers" / self.id, "true"]).returncode == 0:
                time.sleep(0.02)
            pid = self.b.hull("inspect", "-f", "{{.State.Pid}}", self.c).out.strip()
            os.kill(int(pid), 9)
            for _ in range(2000):
                if path.exists():
                    break
                time.sleep(0.02)
        path = self.path(what)
        how, damaged = next(itertools.islice(mutations(path.read_bytes()), n, None), (None, None))
        if how:
            self.replace(path, damaged)
        if what == "exit":
            lock.kill()
            lock.wait()
        if not how:
            return False
        where = f"{what} record: {how}"
        self.r.points += 1
        fine = self.commands(where, [self.c, self.id[:12]])
        try:
            p = self.b.hull("rm", "-f", self.c, timeout=60) # a monitor that does not answer is waited for, 20 s
            if p.returncode:
                self.r.fail("cannot be removed", where, p.err)
                fine = False
        except subprocess.TimeoutExpired:
            self.r.fail("hang", where, "rm -f")
            fine = False
        self.others(where)
        left = self.left()
        if left:
            self.r.fail("left", where, left)
            fine = False
        if not fine:
            self.b.destroy()
            self.renew()
        else:
            self.start(self.c)
        return True

    def store(self, file, how, damaged, whole):
        where = f"{file}: {how}"
        self.r.points += 1
        for name, data in whole.items():
            self.replace(self.b.root / name, data)
        (self.b.root / "hull.db-shm").unlink(missing_ok=True)
        self.replace(self.b.root / file, damaged)
        for command in (["ps", "-a"], ["images"], ["volume", "ls"], ["inspect", self.o], ["system", "check"]):
            try:
                p = self.b.hull(*command)
            except subprocess.TimeoutExpired:
                self.r.fail("hang", where, " ".join(command))
                continue
            if p.returncode > 127 or p.returncode < 0:
                self.r.fail("crash", where, f"{' '.join(command)}: {p.returncode}", p.err)
        for name, data in whole.items():
            self.replace(self.b.root / name, data)
        (self.b.root / "hull.db-shm").unlink(missing_ok=True)
        self.others(where)


def run(every):
    r, started = Result(), time.monotonic()
    d = Damage(r)
    for what in ("running", "monitor", "exit"):
        for n in itertools.count(0, every):
            if not d.record(what, n):
                break
    d.b.hull("rm", "-f", d.c)
    whole = {n: (d.b.root / n).read_bytes() for n in ("hull.db", "hull.db-wal") if (d.b.root / n).exists()}
    for file, data in whole.items():
        for how, damaged in list(mutations(data))[::every]:
            d.store(file, how, damaged, whole)
    d.b.destroy()
    report("damage", r, started)
    return r
