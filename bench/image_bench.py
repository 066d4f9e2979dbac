#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long pull and load of an image take, beside the floor and the peers, interleaved in one run.

  bench/image_bench.py [--rounds N] [--size MB] [--layers N] [--delay MS] [--only NAME,...] [pull] [load]

Needs root, build/bin and build/bench (scripts/build), and docker-registry. All of it is in namespaces
of this program's own: network, mounts, processes, an empty /run. podman, dockerd, containerd (ctr) and
skopeo (which copies only) are measured if they are there. The image is files of /usr in gzip layers;
`load` has it as docker save writes it, and as an OCI archive. All roots lie in $TMPDIR (/var/tmp).

floor: what nobody can do without: the layers, which are here, inflated with ISA-L and written with
tar, all at once, then synced.
--delay: all pull over a line that takes MS milliseconds there and back, where a connection has at most
--window KB under way; hull also without the Range of its requests, by which a large layer comes in parts.
Of peers with a daemon "cpu" has the daemon's time as well. Memory is the proportional set size of the
command and its children, sampled.
"""
import argparse
import collections
import gzip
import hashlib
import io
import json
import os
import queue
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BIN = os.environ.get("HULL_BIN_DIR", os.path.join(TOP, "build", "bin"))
INFLATE = os.path.join(TOP, "build", "bench", "bench-inflate")
PORT, FAR, NO_RANGE = 5000, 5001, 5002
IMAGE = "bench/image:1"
URL = f"http://127.0.0.1:{PORT}/v2/bench/image"
OCI = "application/vnd.oci.image."
TICK = os.sysconf("SC_CLK_TCK")


def call(method, url, data=None, kind="application/octet-stream"):
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def wait_for(what, why):
    for _ in range(600):
        try:
            if what():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(why)


# --- the image ---

def files(size):
    """Regular files of /usr, @size bytes in all."""
    left = size
    for folder, _, names in os.walk("/usr"):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not os.path.isfile(path) or os.path.islink(path) or os.path.getsize(path) > 2 << 20:
                continue
            left -= os.path.getsize(path)
            if left < 0:
                return
            yield path


class Image:
    def __init__(self, size, count):
        chosen = list(files(size))
        self.plain, self.blobs, layers = [], {}, []
        for i in range(count):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w") as tar:
                for path in chosen[i::count]:
                    tar.add(path, arcname=path[1:])
            self.plain.append(out.getvalue())
            layers.append(self.blob("layer.v1.tar+gzip", gzip.compress(out.getvalue(), 6)))
        self.config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                                  "rootfs": {"type": "layers", "diff_ids": [sha256(p) for p in self.plain]}}).encode()
        config = self.blob("config.v1+json", self.config)
        self.packed = [self.blobs[layer["digest"]] for layer in layers]
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                                    "config": config, "layers": layers}).encode()
        print(f"{len(chosen)} files, {size >> 20} MB, {count} gzip layers of "
              f"{sum(map(len, self.packed)) >> 20} MB in all")

    def blob(self, kind, data):
        self.blobs[sha256(data)] = data
        return {"mediaType": OCI + kind, "digest": sha256(data), "size": len(data)}

    def put(self):
        for digest, data in self.blobs.items():
            where = call("POST", URL + "/blobs/uploads/", b"").headers["Location"]
            call("PUT", where + ("&" if "?" in where else "?") + "digest=" + digest, data)
        call("PUT", URL + "/manifests/1", self.manifest, OCI + "manifest.v1+json")

    def write_docker(self, path):
        """As docker save."""
        name = hashlib.sha256(self.config).hexdigest() + ".json"
        entry = {"Config": name, "RepoTags": [IMAGE], "Layers": [f"{i}/layer.tar" for i in range(len(self.plain))]}
        write_tar(path, {**{f"{i}/layer.tar": p for i, p in enumerate(self.plain)}, name: self.config,
                         "manifest.json": json.dumps([entry]).encode()})

    def write_oci(self, path):
        index = {"schemaVersion": 2, "manifests": [
            {"mediaType": OCI + "manifest.v1+json", "digest": sha256(self.manifest), "size": len(self.manifest),
             "annotations": {"org.opencontainers.image.ref.name": IMAGE}}]}
        blobs = {**self.blobs, sha256(self.manifest): self.manifest}
        write_tar(path, {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode(),
                         **{"blobs/" + digest.replace(":", "/"): data for digest, data in blobs.items()}})


def write_tar(path, members):
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


# --- a line with a delay ---

def carry(source, to, delay, window, change):
    """What comes from @source reaches @to @delay seconds later; a byte is under way until its
    acknowledgement would be back, and at most @window are."""
    line, under_way, size = queue.SimpleQueue(), collections.deque(), 0

    def deliver():
        try:
            for due, data in iter(line.get, None):
                time.sleep(max(0, due - time.monotonic()))
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threading.Thread(target=deliver, daemon=True).start()
    try:
        while data := source.recv(65536):
            now = time.monotonic()
            line.put((now + delay, change(data)))
            under_way.append((now + 2 * delay, len(data)))
            size += len(data)
            while size >= window or (under_way and under_way[0][0] < time.monotonic()):
                due, length = under_way.popleft()
                time.sleep(max(0, due - time.monotonic()))
                size -= length
    except OSError:
        pass
    line.put(None)


def far_registry(port, delay, window, change):
    """The registry at @port as well, far away."""
    def serve():
        with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", PORT))
                for args in ((near, far, delay / 2, window, change), (far, near, delay / 2, window, bytes)):
                    threading.Thread(target=carry, args=args, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


# --- who is measured ---

def tree_pss(pid):
    """KiB of the process and what it started."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            total += sum(tree_pss(int(child)) for child in f.read().split())
    except (OSError, StopIteration):
        pass
    return total


def spent(pid):
    """Seconds of processor time of it and of what it started, those that ended, too."""
    with open(f"/proc/{pid}/stat") as f:
        own = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:15])) / TICK
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return own + sum(spent(int(child)) for child in f.read().split())


class Bench:
    def __init__(self, args):
        self.args, self.only = args, [o for o in args.only.split(",") if o]
        self.work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp"), prefix="hullbench.")
        self.root, self.daemons = os.path.join(self.work, "root"), {}
        self.own = ["--root", self.root, "--runroot", self.root + ".run"]

    def wanted(self, name, *programs):
        return all(map(shutil.which, programs)) and (not self.only or any(name.startswith(o) for o in self.only))

    def daemon(self, name, argv, probe):
        with open(os.path.join(self.work, name + ".log"), "wb") as log:
            self.daemons[name] = subprocess.Popen(argv, stdout=log, stderr=log)
        wait_for(lambda: subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0,
                 f"{name} does not answer: see {self.work}/{name}.log")

    def start(self):
        config = os.path.join(self.work, "registry.yml")
        with open(config, "w") as f:
            f.write(f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
                    f"storage: {{filesystem: {{rootdirectory: {self.work}/registry}}}}\n"
                    f"http: {{addr: '127.0.0.1:{PORT}'}}\n")
        if "pull" in self.args.what:
            self.daemon("registry", ["docker-registry", "serve", config], ["true"])
            wait_for(lambda: call("GET", f"http://127.0.0.1:{PORT}/v2/"), "the registry does not answer")
        self.docker = self.ctr = None
        if self.wanted("docker", "dockerd", "docker"):
            self.docker = ["docker", "-H", "unix:///run/docker.sock"]
            self.daemon("docker", ["dockerd", "--data-root", self.work + "/docker", "--exec-root", "/run/docker",
                                   "--pidfile", "/run/docker.pid", "--host", "unix:///run/docker.sock",
                                   "--bridge=none", "--iptables=false", "--ip-forward=false"],
                        self.docker + ["version"])
        if self.wanted("containerd", "containerd", "ctr"):
            self.ctr = ["ctr", "-a", "/run/bench-containerd.sock", "-n", "bench"]
            config = os.path.join(self.work, "containerd.toml")
            with open(config, "w") as f:
                f.write(f'version = 2\nroot = "{self.work}/containerd"\nstate = "/run/bench-containerd"\n'
                        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                        '[grpc]\naddress = "/run/bench-containerd.sock"\n')
            self.daemon("containerd", ["containerd", "--config", config], self.ctr + ["version"])

    def clear(self):
        """No image, and all written."""
        subprocess.run(["umount", os.path.join(self.root, "overlay")], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.rmtree(self.root + ".run", ignore_errors=True)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if self.docker:
            subprocess.run(self.docker + ["image", "prune", "-af"], **quiet)
        if self.ctr:
            there = subprocess.run(self.ctr + ["images", "ls", "-q"], capture_output=True, text=True).stdout.split()
            if there:
                subprocess.run(self.ctr + ["images", "rm", "--sync", *there], **quiet)
        os.sync()

    def run(self, name, argv, sample=False):
        """(seconds, of the processor, KiB at most)"""
        daemon = self.daemons.get(name.split()[0])
        before = spent(daemon.pid) if daemon else 0
        begin = time.perf_counter()
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        most = 0
        while sample and child.poll() is None:
            most = max(most, tree_pss(child.pid))
            time.sleep(0.01)
        error = child.stderr.read()
        _, status, usage = (0, child.returncode, None) if sample else os.wait4(child.pid, 0)
        took = time.perf_counter() - begin
        if status:
            sys.exit(f"{argv}: {error.decode()}")
        cpu = usage.ru_utime + usage.ru_stime if usage else 0
        return took, cpu + (spent(daemon.pid) - before if daemon else 0), most

    def compare(self, title, commands):
        """@commands: {name: argv}; the floor is no engine's."""
        times = {name: [] for name in commands}
        for i in range(self.args.rounds):
            names = list(commands)
            for name in names[i % len(names):] + names[:i % len(names)]:
                self.clear()
                if name.startswith("floor"):
                    os.mkdir(self.root)
                times[name].append(self.run(name, commands[name]))
        self.clear()
        print(f"\n{title} ({self.args.rounds} rounds, interleaved; load {os.getloadavg()[0]:.1f})")
        median = {name: statistics.median(t[0] for t in list_) for name, list_ in times.items()}
        floor, hull = median.get("floor"), median.get("hull")
        for name, list_ in times.items():
            print(f"  {name:16} median {median[name] * 1000:7.0f} ms  min {min(t[0] for t in list_) * 1000:7.0f}  "
                  f"cpu {statistics.median(t[1] for t in list_) * 1000:7.0f}"
                  + (f"  {median[name] / floor:6.2f} x floor" if floor else "")
                  + (f"  {median[name] / hull:6.2f} x hull" if hull else ""), flush=True)

    def floor(self, layers, unpack):
        """Those files, each unpacked into a folder of its own."""
        folder = os.path.join(self.work, unpack)
        os.mkdir(folder)
        for i, data in enumerate(layers):
            with open(os.path.join(folder, str(i)), "wb") as f:
                f.write(data)
        tar = f"'{INFLATE}' <$l | tar -C $to -x" if unpack == "inflate" else "tar -C $to -x <$l"
        return ["sh", "-c", f"for l in {folder}/*; do to={self.root}/${{l##*/}}; mkdir $to; {{ {tar}; }} & done; "
                f"wait; sync -f {self.root}"]

    def pulls(self, port):
        name = f"127.0.0.1:{port}/{IMAGE}"
        commands = {"hull": [f"{BIN}/hull", *self.own, "pull", "-q", name]}
        if self.wanted("podman", "podman"):
            commands["podman"] = ["podman", *self.own, "pull", "-q", "--tls-verify=false", name]
        if self.docker:
            commands["docker"] = self.docker + ["pull", "-q", name]
        if self.ctr:
            commands["containerd"] = self.ctr + ["images", "pull", "--plain-http", name]
        if self.wanted("skopeo", "skopeo"):
            commands["skopeo (copies)"] = ["skopeo", "copy", "-q", "--src-tls-verify=false",
                                           "docker://" + name, f"oci:{self.root}:x"]
        return commands

    def pull(self, image):
        image.put()
        if self.args.delay:
            drop = lambda data: data.replace(b"\r\nRange:", b"\r\nX-Was:")
            for port, change in ((FAR, bytes), (NO_RANGE, drop)):
                far_registry(port, self.args.delay / 1000, self.args.window << 10, change)
            commands = self.pulls(FAR)
            commands["hull, no ranges"] = self.pulls(NO_RANGE)["hull"]
            self.compare(f"pull with {self.args.delay} ms there and back, {self.args.window} KB under way", commands)
            return
        commands = self.pulls(PORT)
        self.compare("pull", {"floor": self.floor(image.packed, "inflate"), **commands})
        most = self.run("hull", commands["hull"], True)[2]
        print(f"  hull: {most / 1024:.1f} MiB of memory at most")

    def load(self, image):
        for kind, layers, unpack in (("docker", image.plain, "untar"), ("oci", image.packed, "inflate")):
            archive = os.path.join(self.work, kind + ".tar")
            (image.write_docker if kind == "docker" else image.write_oci)(archive)
            if os.path.exists(os.path.join(self.work, unpack)):
                shutil.rmtree(os.path.join(self.work, unpack))
            commands = {"floor": self.floor(layers, unpack),
                        "hull": [f"{BIN}/hull", *self.own, "load", "-q", "-i", archive]}
            if self.wanted("podman", "podman"):
                commands["podman"] = ["podman", *self.own, "load", "-q", "-i", archive]
            if self.docker and kind == "docker":  # this one knows no other
                commands["docker"] = self.docker + ["load", "-q", "-i", archive]
            if self.ctr:
                commands["containerd"] = self.ctr + ["images", "import", archive]
            self.compare(f"load of {'what docker save writes' if kind == 'docker' else 'an OCI archive'}", commands)

    def close(self):
        self.clear()
        for daemon in self.daemons.values():
            daemon.terminate()
            daemon.wait()
        subprocess.run(["umount", os.path.join(self.root, "overlay")], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--delay", type=int, default=0)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--only", default="", help="of hull, podman, docker, containerd, skopeo")
    parser.add_argument("what", nargs="*", default=["pull", "load"])
    args = parser.parse_args()
    if wrong := set(args.what) - {"pull", "load"}:
        parser.error(f"{' '.join(wrong)}: not pull or load")
    if "HULL_BENCH_NET" not in os.environ:
        os.environ["HULL_BENCH_NET"] = "own"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                              sys.executable] + sys.argv)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run"], check=True)
    os.mkdir("/run/lock")
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, kernel {os.uname().release}")
    bench = Bench(args)
    try:
        bench.start()
        image = Image(args.size << 20, args.layers)
        for what in args.what:
            getattr(bench, what)(image)
    finally:
        bench.close()


main()
