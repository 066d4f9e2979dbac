# SPDX-License-Identifier: Apache-2.0
"""What runs out: descriptors, processes, the disk."""
import os, pathlib, time

from sweep import Result, each, judge, report

COMMANDS = ["run -d", "run --rm", "create -v", "start", "stop", "kill", "restart", "pause", "unpause", "update", "rename",
            "rm -f", "exec", "cp in", "cp out", "commit, running", "container prune", "system prune", "load", "import", "rmi", "tag",
            "volume create", "volume rm", "logs", "ps"]


def plain(sweep, before=()):
    b = sweep.box
    return b.hull(*sweep.s.command, input=b.inputs[sweep.s.input], timeout=60, before=before)


def few_files(sweep, n):
    p = plain(sweep, ["prlimit", f"--nofile={n}:{n}"])
    return judge(sweep, p, f"hull {sweep.name}: {n} descriptors",
                 [os.strerror(24), "readonly", "I/O error", "unable to open", "open files"])


def few_processes(sweep, n):
    base = pathlib.Path("/sys/fs/cgroup/pids")
    if not base.is_dir():
        base = pathlib.Path("/sys/fs/cgroup")
    group = base / f"{sweep.box.tag}-few"
    group.mkdir(exist_ok=True)
    (group / "pids.max").write_text("max")
    try:
        p = plain(sweep, ["sh", "-c", f"echo $$ >{group}/cgroup.procs && echo {n} >{group}/pids.max && "
                          "exec \"$@\"", "sh"])
        # What is left running is counted with it still.
        (group / "pids.max").write_text("max")
        return judge(sweep, p, f"hull {sweep.name}: {n} processes", [os.strerror(11)])
    finally:
        for pid in (group / "cgroup.procs").read_text().split():
            try:
                (base / "cgroup.procs").write_text(pid)
            except OSError:
                pass
        for _ in range(500):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.02)


def little_space(sweep, rest):
    b = sweep.box
    b.fill(rest)
    p = plain(sweep)
    ballast = sweep.name in ("stop", "kill", "rm -f", "container prune", "system prune", "rmi", "volume rm")
    if ballast and not sweep.succeeded(p):
        sweep.result.fail("full disk", f"hull {sweep.name}: {rest} bytes", p.err)
    (b.disk / "fill").unlink()
    if sweep.s.story and sweep.succeeded(p):
        # The log had no room: only that the command is whole is asked for.
        sweep.result.points += 1
        return not sweep.back()
    return judge(sweep, p, f"hull {sweep.name}: {rest} bytes free", [os.strerror(28), "disk is full", "full"])


def run(kind, every, only):
    total = Result()
    tries = {"files": (few_files, [(n,) for n in range(8, 65)]),
             "processes": (few_processes, [(n,) for n in range(0, 21)]),
             "disk": (little_space, [(n * 4096,) for n in [*range(0, 40), *range(40, 800, 40)]])}
    act, points = tries[kind]
    for name in COMMANDS:
        for disk in ("tmpfs", "ext4") if kind == "disk" else (None,):
            if only and name not in only:
                continue
            r, started = Result(), time.monotonic()
            each(name, r, lambda _: points[::every], act, disk)
            report(f"{kind} for {name}{' on ' + disk if disk else ''}", r, started)
            total.add(r)
    return total
