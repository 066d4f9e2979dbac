# SPDX-License-Identifier: Apache-2.0
"""A box: hull with its own roots, names and control groups, all of whose traces can be listed.

What belongs to a box is told by its tag, which is part of its folder's name, of its containers' names and
of its parent control group. snapshot() is all that one can find of it, with the ids replaced by numbers:
two equal ones mean that nothing was done, or all of it.
"""
import glob, os, pathlib, re, shutil, signal, socket, sqlite3, subprocess, tarfile, tempfile, time, io, json, hashlib

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("HULL_BIN_DIR", TOP / "build/bin")).resolve()
HULL = str(BIN / "hull")
ID = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{25}\b|\b[0-9a-f]{12}\b")
LIMIT = 20  # seconds for a command that is not disturbed

QUERIES = {
    "container": "SELECT id || ' ' || name || ' ' || status || ' ' || iif(status = 'exited',"
    " exit_code, '') || ' ' || iif(error LIKE '%lost%' OR error LIKE '%running any more%', error, '')"
    " FROM container",
    "image": "SELECT 'image ' || size FROM image",
    "reference": "SELECT name FROM reference",
    "layer": "SELECT diff_id FROM layer",
    "image_layer": "SELECT layer || ' ' || position FROM image_layer",
    "volume": "SELECT CASE WHEN anonymous THEN 'anonymous' ELSE name END FROM volume",
    "endpoint": "SELECT name || ' ' || (host4 > 0) || ' of ' || container FROM endpoint",
    "network": "SELECT name FROM network",
    "port": "SELECT host_port || ' of ' || container FROM port",
    "secret": "SELECT name || ' ' || labels FROM secret",
    "volume_use": "SELECT destination || ' of ' || container FROM volume_use",
}


def text_of(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def add_member(tar, name, data=b"", kind=tarfile.REGTYPE, mode=0o755, link=""):
    m = tarfile.TarInfo(name)
    m.type, m.mode, m.size, m.linkname = kind, mode, len(data), link
    tar.addfile(m, io.BytesIO(data))


def docker_archive(path, name, layers):
    """layers: a list of {path: bytes, a folder ends in /}."""
    blobs = []
    for files in layers:
        blob = io.BytesIO()
        with tarfile.open(fileobj=blob, mode="w") as tar:
            for member, data in files.items():
                if member.endswith("/"):
                    add_member(tar, member, kind=tarfile.DIRTYPE)
                else:
                    add_member(tar, member, data)
        blobs.append(blob.getvalue())
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/busybox"]},
        "rootfs": {"type": "layers",
                   "diff_ids": ["sha256:" + hashlib.sha256(b).hexdigest() for b in blobs]}}).encode()
    with tarfile.open(path, "w") as tar:
        add_member(tar, "config.json", config)
        for i, blob in enumerate(blobs):
            add_member(tar, f"{i}.tar", blob)
        manifest = [{"Config": "config.json", "RepoTags": [name + ":latest"],
                     "Layers": [f"{i}.tar" for i in range(len(blobs))]}]
        add_member(tar, "manifest.json", json.dumps(manifest).encode())


class Box:
    def __init__(self, disk=None):
        """disk: "tmpfs" or "ext4" to have the root on a small one of its own."""
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="hull-faults-"))
        self.tag = self.dir.name.replace("_", "x")
        self.group = "/" + self.tag
        self.disk = self.mount(disk) if disk else None
        self.root, self.run = (self.disk or self.dir) / "root", self.dir / "run"
        self.env = dict(os.environ, HULL_ROOT=str(self.root), HULL_RUNROOT=str(self.run),
                        HULL_NETWORK="none")
        self.since = self.ticks()
        self.networked = False
        busybox = pathlib.Path(shutil.which("busybox")).read_bytes()
        self.inputs = {"other": self.tar_of(("a", b"a" * 3000), ("b", b"b")), None: b""}
        tree = io.BytesIO()
        with tarfile.open(fileobj=tree, mode="w") as tar:
            add_member(tar, "busybox", busybox)
            for folder in ("data", "tmp", "etc", "proc", "sys", "dev"):
                add_member(tar, folder, kind=tarfile.DIRTYPE)
            add_member(tar, "data/file", b"from the image\n")
            add_member(tar, "sh", kind=tarfile.SYMTYPE, link="busybox")
        self.hull("import", "-", "test", input=tree.getvalue(), check=True)
        self.archive = self.dir / "archive.tar"
        docker_archive(self.archive, "loaded", [
            {"a/": b"", "a/x": b"x" * 5000, "b/": b"", "b/y": b"y"},
            {"a/": b"", "a/.wh.x": b"", "c": b"c" * 70000, "b/": b"", "b/.wh..wh..opq": b""}])
        (self.dir / "context").mkdir()
        (self.dir / "context/file").write_bytes(b"from the context\n")
        (self.dir / "context/Dockerfile").write_text(
            'FROM test\nCOPY file /\nRUN ["/busybox", "touch", "/made"]\nRUN ["/busybox", "rm", "/file"]\n')
        self.fault = self.dir / "fault"
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-D_GNU_SOURCE", "-o", self.fault,
                        TOP / "tests/helpers/fault.c"], check=True)

    def mount(self, kind):
        disk = self.dir / "disk"
        disk.mkdir()
        if kind == "tmpfs":
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", disk], check=True)
            return disk
        image = self.dir / "image"
        with open(image, "wb") as f:
            f.truncate(24 << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, disk], check=True)
        return disk

    def fill(self, rest):
        """Leave this many bytes on the box's disk."""
        fill = self.disk / "fill"
        fill.unlink(missing_ok=True)
        v = os.statvfs(self.disk)
        try:
            with open(fill, "wb") as f:
                f.write(bytes(max(v.f_bavail * v.f_frsize - rest, 0)))
        except OSError:
            pass

    @staticmethod
    def tar_of(*members):
        blob = io.BytesIO()
        with tarfile.open(fileobj=blob, mode="w") as tar:
            for name, data in members:
                add_member(tar, name, data)
        return blob.getvalue()

    @staticmethod
    def ticks():
        return int(text_of("/proc/self/stat").rsplit(")", 1)[1].split()[19])

    def hull(self, *args, input=b"", check=False, timeout=LIMIT, before=(), **more):
        p = subprocess.run([*map(str, before), HULL, *map(str, args)], input=input, env=self.env,
                           capture_output=True, timeout=timeout, cwd="/", **more)
        p.out, p.err = p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")
        if check and p.returncode:
            raise RuntimeError(f"hull {' '.join(map(str, args))}: {p.returncode}: {p.err.strip()}")
        return p

    def request(self, method, path, body, before, timeout=LIMIT):
        """What hull() returns, of a request to a hulld that lives for this one; its status is the returncode,
        or 1 if the connection was lost."""
        address = self.dir / "api.sock"
        address.unlink(missing_ok=True)
        data = body.read_bytes() if isinstance(body, pathlib.Path) else body
        # On a descriptor a full pipe would stop it.
        with open(self.dir / "hulld.log", "wb") as log:
            p = subprocess.Popen([*map(str, before), str(BIN / "hulld"), "--host", f"unix://{address}"], env=self.env,
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        answer, until = b"", time.monotonic() + timeout
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            while p.poll() is None and time.monotonic() < until and s.connect_ex(str(address)):
                time.sleep(0.005)
            try:
                s.sendall(f"{method} {path} HTTP/1.1\r\nHost: hull\r\nConnection: close\r\nContent-Type: "
                          f"application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            except OSError:
                pass  # it may have answered all the same
            try:
                while piece := s.recv(1 << 16):
                    answer += piece
            except OSError:
                pass
        # The tracer's child: who asks the tracer to end would have it kill all that it traces.
        for child in text_of(f"/proc/{p.pid}/task/{p.pid}/children").split():
            if text_of(f"/proc/{child}/cmdline").split("\0")[0].endswith("hulld"):
                os.kill(int(child), signal.SIGTERM)
        ended = p.wait(timeout + LIMIT)
        head, _, p.out = answer.decode(errors="replace").partition("\r\n\r\n")
        p.err = "" if answer else "the connection was lost"
        # A body that ends with the connection is whole when its last chunk is there.
        whole = "chunked" not in head or p.out.endswith("0\r\n\r\n")
        p.returncode = 124 if ended == 124 else int(head.split()[1]) if head and whole else 1
        if p.returncode >= 400:
            p.err = p.out
        return p

    # ---- what there is of it

    def processes(self):
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            stat = text_of(f"/proc/{entry}/stat")
            if not stat or int(stat.rsplit(")", 1)[1].split()[19]) < self.since:
                continue
            if stat.rsplit(")", 1)[1].split()[0] in "ZX":
                continue
            line = text_of(f"/proc/{entry}/cmdline")
            # Not ourselves, and not what the bystander does between its lines.
            if line.split("\0")[0] == str(self.fault) or "python" in line.split("\0")[0] or "usleep" in line:
                continue
            if self.tag in line or self.tag in text_of(f"/proc/{entry}/cgroup") or \
                    self.tag in text_of(f"/proc/{entry}/environ"):
                found[int(entry)] = line.replace("\0", " ").strip()
        return found

    def groups(self):
        found = []
        for hierarchy in os.listdir("/sys/fs/cgroup"):
            base = f"/sys/fs/cgroup/{hierarchy}{self.group}"
            try:
                found += [f"{hierarchy} {d.name}" for d in os.scandir(base) if d.is_dir()]
            except OSError:
                pass
        base = f"/sys/fs/cgroup{self.group}"
        if os.path.isdir(base):
            found += [f"unified {d.name}" for d in os.scandir(base) if d.is_dir()]
        return found

    @staticmethod
    def network():
        """Devices, and what stands in the sets and maps of nftables."""
        links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
        rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout
        devices = [re.sub(r"@if\d+", "", line.split(": ")[1]) for line in links.splitlines()]
        rules = re.sub(r"(\. 53 : \S+ \. )\d+", r"\1PORT", rules)  # the kernel's choice
        return [re.sub(r"^ve[0-9a-f]{10}", "ve", d) for d in devices] + \
            ["element " + " ".join(e.split()) for some in re.findall(r"elements = \{([^}]*)\}", rules)
             for e in some.split(",")]  # in an order of the kernel's

    def files(self):
        found = []
        for base, skip in ((self.root, {"hull.db", "hull.db-wal", "hull.db-shm", "hull.lock", "ballast", "build"}),
                           (self.run, {".names.hull"})):  # the next one that is written takes its place
            for where, folders, names in os.walk(base):
                depth = len(pathlib.Path(where).relative_to(base).parts)
                # What containers wrote is their own; their logs are looked at elsewhere.
                if depth >= 2 and "containers" in where and base == self.root:
                    folders.clear()
                found += [os.path.relpath(os.path.join(where, n), self.dir) for n in folders + names
                          if n not in skip]
        return found

    def rows(self):
        if not (self.root / "hull.db").exists():
            return []
        db = sqlite3.connect(f"file:{self.root}/hull.db?mode=ro", uri=True, timeout=10)
        try:
            return [f"{table}: {row[0]}" for table, query in QUERIES.items() for row in db.execute(query)]
        finally:
            db.close()

    def ids(self, table="container"):
        try:
            db = sqlite3.connect(f"file:{self.root}/hull.db?mode=ro", uri=True, timeout=10)
            known = [r[0] for r in db.execute(f"SELECT id FROM {table} ORDER BY created")]
            db.close()
        except sqlite3.Error:
            known = []
        return known

    def layers(self):
        """Digests of those that have a row: what a container wrote has its time in it, and another one each time."""
        try:
            db = sqlite3.connect(f"file:{self.root}/hull.db?mode=ro", uri=True, timeout=10)
            known = [r[0] for r in db.execute("SELECT diff_id FROM layer ORDER BY created, diff_id")]
            db.close()
        except sqlite3.Error:
            known = []
        return known

    def lives(self):
        """The events of each container's states, and the status that its row has, or None."""
        db = sqlite3.connect(f"file:{self.root}/hull.db?mode=ro", uri=True, timeout=10)
        try:
            told = {}
            for actor, action in db.execute("SELECT actor, action FROM event WHERE type = 'container' ORDER BY seq"):
                if action in ("create", "start", "restart", "die", "stop", "destroy"):
                    told[actor] = told.get(actor, "") + action + " "
            status = dict(db.execute("SELECT id, status FROM container"))
            # Of the bystander, which was there first, the events may have been forgotten.
            trimmed = (db.execute("SELECT min(seq) FROM event").fetchone()[0] or 1) > 1
            return [(told.get(i, ""), status.get(i)) for i in {*told, *(() if trimmed else status)}]
        finally:
            db.close()

    def snapshot(self):
        known = {known_id: f"<{i}>" for i, known_id in enumerate(self.ids())}
        known.update({known_id: f"<network {i}>" for i, known_id in enumerate(self.ids("network"))})
        known.update({known_id: f"<secret {i}>" for i, known_id in enumerate(self.ids("secret"))})
        layers = self.layers()
        anonymous = {}

        def name_of(m):
            word = m.group(0)
            if word in layers:
                return f"<layer {layers.index(word)}>"
            for known_id, name in known.items():
                if known_id.startswith(word):
                    return name
            return anonymous.setdefault(word, "<?>") if "volumes" in lines_kind else word

        lines = []
        for lines_kind, part in (("rows", self.rows()), ("files volumes", self.files()),
                                 ("groups", self.groups()), ("network", self.network() if self.networked else []),
                                 ("processes", [p for p in self.processes().values()]),
                                 ("mounts", [m for m in text_of("/proc/self/mountinfo").splitlines()
                                             if self.tag in m or str(self.dir) in m]),
                                 ("loops", [f for f in map(text_of, glob.glob("/sys/block/loop*/loop/backing_file"))
                                            if str(self.dir) in f])):
            for line in part:
                if lines_kind == "files volumes" and "layers/" in line:  # one without a row is told by its digest
                    lines.append("files: " + ID.sub(lambda m: name_of(m) if m.group(0) in layers else m.group(0), line))
                    continue
                lines.append(lines_kind.split()[0] + ": " + ID.sub(name_of, line))
        return sorted(line.replace(self.tag, "TAG") for line in lines)

    def settled(self, wanted, seconds=6):
        """The snapshot, once it is one of those wanted, or when the time is over."""
        until = time.monotonic() + seconds
        nap = 0.005
        while True:
            try:
                now = self.snapshot()
            except sqlite3.Error as problem:
                now = [f"the store cannot be read: {problem}"]
            if now in wanted or time.monotonic() > until:
                return now
            time.sleep(nap)
            nap = min(nap * 1.5, 0.2)

    def destroy(self):
        """Remove everything, whatever state it is in. What had to be killed is returned."""
        ids = self.ids()
        if ids:
            try:
                self.hull("rm", "-f", "-v", *ids)
            except subprocess.TimeoutExpired:
                pass
        for _ in range(1000):  # what tidies the store ends by itself
            if not (left := self.processes()):
                break
            time.sleep(0.03)
        for pid in left:
            try:
                os.kill(pid, 9)
            except OSError:
                pass
        for _ in range(1000):
            if not self.processes():
                break
            time.sleep(0.02)
        for hierarchy in [""] + ["/" + h for h in os.listdir("/sys/fs/cgroup")]:
            for where, _, _ in os.walk(f"/sys/fs/cgroup{hierarchy}{self.group}", topdown=False):
                try:
                    os.rmdir(where)
                except OSError:
                    pass
        if self.networked:  # the next box is in the same network namespace
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            for device in self.network():
                subprocess.run(["ip", "link", "delete", device], stderr=subprocess.DEVNULL)
        if self.disk:
            subprocess.run(["umount", self.disk], check=True)
        shutil.rmtree(self.dir, ignore_errors=True)
        return left


def difference(old, new):
    return ["- " + x for x in old if x not in new] + ["+ " + x for x in new if x not in old]
