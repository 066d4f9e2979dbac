# SPDX-License-Identifier: Apache-2.0
"""The sweeps: at every system call of a command and of every process it starts, kill or fail."""
import errno, os, pathlib, re, subprocess, sys, time

import box as boxes
from scenarios import OUTPUT, scenarios

ERRORS = ["ENOMEM", "ENOSPC", "EIO", "EINTR", "EMFILE", "EAGAIN", "EPERM"]
HANG = 20  # seconds that a disturbed command may take; SQLite alone waits up to ten for a lock

# They cannot fail (prctl: but with EINVAL, which is an answer), or nothing comes after them; the C library ends a
# program when a futex call or random bytes fail, and brk(2) has no error: it returns the old end.
NEVER = {"exit", "exit_group", "rt_sigreturn", "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid",
         "getegid", "umask", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "sched_yield",
         "futex", "brk", "getrandom", "prctl"}

# The kernel has none of them for it; and a lock that could not be given back SQLite waits for itself.
NOT_OF_FCNTL = {"ENOMEM", "ENOSPC", "EIO", "EPERM"}


def call_names():
    p = subprocess.run([os.environ.get("CC", "cc"), "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"],
                       capture_output=True, text=True, check=True)
    return {int(n): name for name, n in re.findall(r"#define __NR_(\w+) (\d+)$", p.stdout, re.M)}


CALLS = call_names()


# What the C library does before main, in hull-unpack its loader too: there is nothing of hull's in it.
STARTING = {"brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlinkat", "readlink",
            "getrandom", "mprotect"}
LOADING = STARTING | {"access", "close", "mmap", "munmap", "newfstatat", "openat", "pread64", "read"}


def without_start(points):
    """The points that are not the start of a program."""
    begun = set()
    for p in points:
        if p.call.startswith("execve"):
            begun.discard(p.role)
        elif p.call not in (LOADING if p.program == "hull-unpack" else STARTING):
            begun.add(p.role)
        if p.role in begun or (p.number < 30 and p.program == "hull" and "." in p.role):
            yield p


class Point:
    def __init__(self, role, number, call, first, program):
        self.role, self.number, self.program = role, int(number), program
        self.call, self.first = CALLS.get(int(call), call), int(first)

    def __str__(self):
        return f"{self.role}:{self.number} {self.call} of {self.program}"


class Result:
    def __init__(self):
        self.points = self.failed = 0
        self.kinds = {}

    def add(self, other):
        self.points += other.points
        self.failed += other.failed

    def fail(self, kind, where, *details):
        self.failed += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        print(f"FAILED ({kind}): {where}")
        for d in details:
            for line in (d if isinstance(d, list) else str(d).strip().splitlines())[:6]:
                print(f"    {line}")
        sys.stdout.flush()


class Sweep:
    """One scenario in one box, which is made anew after a failure."""

    def __init__(self, name, result, disk=None):
        self.name, self.result, self.box, self.disk = name, result, None, disk
        self.renew()

    def renew(self):
        if self.box:
            self.box.destroy()
        self.box = boxes.Box(self.disk)
        self.hit = ""
        b = self.box
        b.hull("run", "-d", "--name", b.tag + "-o", "--cgroup-parent", b.group, "test", "/sh", "-c",
               "i=0; while :; do echo $i; i=$((i+1)); /busybox usleep 50000; done", check=True)
        while not b.hull("logs", b.tag + "-o").out:
            time.sleep(0.02)
        self.other_pid = b.hull("inspect", "-f", "{{.State.Pid}}", b.tag + "-o").out.strip()
        self.s = next(s for s in scenarios(b) if s.name == self.name)
        b.networked = bool(self.s.first)
        for command in self.s.first:
            b.hull(*command, check=True)
        self.base = self.still()
        self.prepare()
        self.before = self.still()
        if not hasattr(self, "known"):
            self.known, self.created = [self.before], []

    def close(self):
        b = self.box
        pid = b.hull("inspect", "-f", "{{.State.Pid}}", b.tag + "-o").out.strip()
        b.hull("kill", b.tag + "-o")
        b.hull("wait", b.tag + "-o")
        lines = b.hull("logs", b.tag + "-o").out.split()
        if pid != self.other_pid or lines != [str(i) for i in range(len(lines))] or not lines:
            self.result.fail("bystander", self.name, f"pid {self.other_pid}, now {pid}; {len(lines)} lines")
        left = b.destroy()
        if left:
            self.result.fail("left at the end", self.name, list(left.values()))

    def still(self):
        """A snapshot that does not change any more."""
        last = self.box.snapshot()
        for _ in range(100):
            time.sleep(0.05)
            now = self.box.snapshot()
            if now == last:
                return now
            last = now
        raise RuntimeError(f"{self.name}: does not come to rest")

    def prepare(self):
        for command in self.s.before:
            self.box.hull(*command, check=True)

    def disturbed(self, *how):
        arguments = ["-o", self.box.dir / "hit", "-t", HANG, *how] + (["-m"] if self.s.main_only else [])
        before = [self.box.fault, *arguments]
        if self.s.request:
            p = self.box.request(*self.s.request, before, timeout=HANG)
        else:
            p = self.box.hull(*self.s.command, input=self.box.inputs[self.s.input], before=before, timeout=HANG + 30)
        self.hit = boxes.text_of(self.box.dir / "hit")
        return p

    def where(self):
        """What was really hit: runs differ a little."""
        lines = [x for x in self.hit.splitlines() if not x.startswith("crash")]
        return str(Point(*lines[0].split())) if lines else "nothing"

    def succeeded(self, p):
        return p.returncode == self.s.status and (self.s.output is None or p.out == self.s.output)

    def learn(self):
        """What the command does when it is left alone: the points, and the state afterwards."""
        p = self.disturbed()
        points = [Point(*line.split()) for line in self.hit.splitlines() if not line.startswith("crash")]
        self.after = self.still()
        if not self.succeeded(p):
            raise RuntimeError(f"{self.name}: {p.returncode}: {p.err}")
        self.check_story("undisturbed")
        self.known.append(self.after)
        self.back()
        # Of hulld, what serves the connection: the listener does nothing else.
        return [p for p in points if p.role != "0"] if self.s.request else points

    def back(self):
        """From wherever it is to where the command can be given again. False if it does not get there."""
        for command in self.s.undo:
            try:
                self.box.hull(*command)
            except subprocess.TimeoutExpired:
                return [f"hangs: hull {' '.join(map(str, command))}"]
        now = self.box.settled([self.base], 60)
        if now != self.base:
            return boxes.difference(self.base, now)
        try:
            self.prepare()
        except RuntimeError as problem:
            return [str(problem)]
        now = self.box.settled([self.before], 60)
        return boxes.difference(self.before, now)

    def story(self):
        c = self.box.tag + "-c"
        log = self.box.hull("logs", c)
        code = self.box.hull("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", c)
        return log.out, code.out.strip()

    def check_story(self, where):
        if self.s.story:
            log, code = self.story()
            if log != OUTPUT or code != "exited 7":
                self.result.fail("story", where, f"{code}, {len(log)} bytes of {len(OUTPUT)} in the log: {log!r}")
                return False
        return True

    def hung_or_crashed(self, p, where):
        """Counts the point, whatever comes of it."""
        self.result.points += 1
        crash = [line for line in self.hit.splitlines() if line.startswith("crash")]
        if p.returncode == 124:
            self.result.fail("hang", where, p.err)
        elif crash:
            self.result.fail("crash", where, crash)
        return p.returncode == 124 or bool(crash)


LIFE = re.compile("create (start (restart )?die (stop )?)*(start (restart )?)?(destroy )?")


def consistent(lines, ids):
    """Containers that do not run have nothing in the kernel; those that run have all of it."""
    wrong = []
    for i in range(ids):
        mark = f"<{i}>"
        mine = [x for x in lines if mark in x]
        row = next((x for x in mine if x.startswith("rows: container:")), "")
        kernel = [x for x in mine if x.startswith(("groups", "processes", "files: run", "mounts"))]
        if re.match(r"rows: container: <\d+> \S+ running", row):
            if sum(x.startswith("processes: hull-") for x in mine) < 2:
                wrong += ["running without its watchers: " + row]
        elif kernel:
            wrong += [f"{row}, but:"] + kernel
    return wrong


def kill_point(sweep, point):
    b, r = sweep.box, sweep.result
    p = sweep.disturbed("-a", f"{point.role}:{point.number}", "-k")
    where = f"hull {sweep.name}: killed at {sweep.where()}"
    if sweep.hung_or_crashed(p, where):
        return False
    for command in (["ps", "-a"], ["system", "check", "--repair"]):
        try:
            q = b.hull(*command)
        except subprocess.TimeoutExpired:
            r.fail("next command hangs", where, " ".join(command))
            return False
        if q.returncode:
            r.fail("next command", where, " ".join(command), q.err)
            return False
    now = b.settled(sweep.known)
    if now not in sweep.known:
        wrong = consistent(now, len(b.ids()))
        if wrong:  # a busy machine may not be done with it
            now = b.settled(sweep.known, 60)
            wrong = now not in sweep.known and consistent(now, len(b.ids()))
        if wrong:
            r.fail("half", where, wrong)
            return False
        sweep.known.append(now)
    q = b.hull("system", "check")
    if q.returncode or q.out:
        r.fail("check", where, q.out + q.err)
    for told, status in b.lives():
        # A start whose teller was killed is told with the end.
        if not LIFE.fullmatch(told) or (status is None) != told.endswith("destroy ") or \
                (status == "exited" and not told.endswith(("create ", "die ", "stop "))):
            r.fail("events", where, f"{status}: {told}")
            return False
    if sweep.s.story and now != sweep.before:
        log, code = sweep.story()
        if (log and (log, code) != (OUTPUT, "exited 7")) or (not log and code == "exited 7"):
            r.fail("story", where, f"{code}, {len(log)} bytes of {len(OUTPUT)} in the log",
                   boxes.difference(sweep.after, now))
            return False
    left = sweep.back()
    if left:
        r.fail("left", where, left)
    return not left


# What SQLite makes of errors of the system, and what says as much as the error's text.
CAUSES = ("readonly", "disk is full", "I/O error", "malformed", "locking protocol", "monitor was killed",
          "loading shared libraries")


def judge(sweep, p, where, causes):
    """Fully done, or fully undone with one of the causes named. False: the box is not as it was."""
    b, r = sweep.box, sweep.result
    if sweep.hung_or_crashed(p, where):
        return False
    good = sweep.succeeded(p) or "cannot write the output" in p.err
    # As with docker, a container that could not be started stays, but --rm.
    wanted = [sweep.after] if good else [sweep.before, *sweep.created]
    now = b.settled(wanted, 2)
    if good and now not in wanted:
        # What works behind the command's back may leave its rest to the next one.
        b.hull("ps", "-a")
        b.hull("system", "check", "--repair")
        now = b.settled(wanted)
    if not good and sweep.s.stays and now not in wanted and not consistent(now, len(b.ids())) and \
            any(re.match(r"rows: container: <\d> TAG-c (created|exited)", x) for x in now):
        sweep.created.append(now)
        wanted.append(now)
    if now not in wanted:  # a busy machine may not be done with it
        now = b.settled(wanted, 60)
    if now not in wanted:
        r.fail("not done" if good else "half", where, f"status {p.returncode}: {p.err}",
               boxes.difference(wanted[0], now))
        return False
    lost = "in between went to its log alone" in p.err or "in between is lost" in p.err  # then the status is the container's
    if not good and p.returncode not in (1, 125, 126, 127) and not lost:
        r.fail("status", where, f"{p.returncode} {p.err}")
    if not good and not any(cause in p.err for cause in causes):
        r.fail("unnamed" if p.err.strip() else "silent", where, f"status {p.returncode}: {p.err}")
    if good and not sweep.check_story(where):
        return False
    if now == sweep.before and sweep.before != sweep.after:
        return True
    left = sweep.back()
    if left:
        r.fail("left", where, left)
    return not left


def error_point(sweep, point, name, calls):
    number = getattr(errno, name)
    # Runs differ: what comes at that number in this one must be such a call too.
    spared = {n for n, call in CALLS.items() if call in NEVER or (calls and call not in calls)
              or (call == "fcntl" and name in NOT_OF_FCNTL)}
    p = sweep.disturbed("-a", f"{point.role}:{point.number}", "-e", str(number), "-x", ",".join(map(str, spared)))
    hit = sweep.where()
    # What close(2) says is nobody's business, and SQLite keeps it to itself.
    causes = ("",) if " close " in hit else (os.strerror(number), *CAUSES)
    # pthread_create(3) knows one reason alone.
    causes += (os.strerror(errno.EAGAIN),) if name == "ENOMEM" and " clone" in hit else ()
    return judge(sweep, p, f"hull {sweep.name}: {name} at {hit}", causes)


def names(kind):
    box = type("B", (), {"tag": "", "group": "", "archive": "", "dir": pathlib.Path(), "inputs": {"other": b""}})()
    return [s.name for s in scenarios(box) if kind == "kill" or not (s.keeps or s.request)]


def each(name, r, tries, act, disk=None):
    """Try all in one box, which is made anew where a failure left it spoilt."""
    sweep = Sweep(name, r, disk)
    points = sweep.learn()
    for t in tries(points):
        try:
            fine = act(sweep, *t)
        except (RuntimeError, subprocess.TimeoutExpired) as problem:
            r.fail("harness", f"{name} {t[0]}", problem)
            fine = False
        if not fine:
            sweep.renew()
    sweep.close()


def report(what, r, started):
    print(f"{what}: {r.points} points, {r.failed} failed {r.kinds or ''} ({time.monotonic() - started:.0f} s)")
    sys.stdout.flush()


def run(kind, every, only, errors, shift=0, calls=None):
    total = Result()
    for name in names(kind):
        if only and name not in only:
            continue
        r, started = Result(), time.monotonic()

        def tries(points):
            if kind == "kill":
                all_tries = [(p,) for p in points]
            else:
                all_tries = [(p, e) for p in without_start(points) for e in errors
                             if p.call not in NEVER and not (p.call == "write" and p.first == 2)
                             and not (p.call == "fcntl" and e in NOT_OF_FCNTL)]
            return [t for t in all_tries if not calls or t[0].call in calls][shift % every::every]

        each(name, r, tries, kill_point if kind == "kill" else lambda *t: error_point(*t, calls))
        report(f"{kind} sweep of {name}", r, started)
        total.add(r)
    return total
