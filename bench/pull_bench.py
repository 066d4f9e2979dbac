#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a pull takes, beside the peers, interleaved in one run; and how much memory it takes.

  bench/pull_bench.py [--rounds N] [--size MB] [--layers N]

Needs root, build/bin (scripts/build) and docker-registry, which is started in a network namespace of
this program's own; podman and skopeo are measured if they are there (skopeo only copies, it does not
unpack). The image is files of /usr in gzip layers. All roots lie in $TMPDIR (default /var/tmp).
Memory is the proportional set size of the command and its children, sampled.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
BIN = os.environ.get("HULL_BIN_DIR", os.path.join(TOP, "build", "bin"))
PORT = 5000
NAME = f"127.0.0.1:{PORT}/bench/image:1"
URL = f"http://127.0.0.1:{PORT}/v2/bench/image"
OCI = "application/vnd.oci.image."


def call(method, url, data=None, kind="application/octet-stream"):
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)


def put(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    where = call("POST", URL + "/blobs/uploads/", b"").headers["Location"]
    call("PUT", where + ("&" if "?" in where else "?") + "digest=" + digest, data)
    return {"digest": digest, "size": len(data)}


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


def make_image(size, count):
    chosen = list(files(size))
    layers, ids = [], []
    for i in range(count):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for path in chosen[i::count]:
                tar.add(path, arcname=path[1:])
        ids.append("sha256:" + hashlib.sha256(out.getvalue()).hexdigest())
        layers.append({"mediaType": OCI + "layer.v1.tar+gzip", **put(gzip.compress(out.getvalue(), 6))})
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                           "config": {"mediaType": OCI + "config.v1+json", **put(config)},
                           "layers": layers}).encode()
    call("PUT", URL + "/manifests/1", manifest, OCI + "manifest.v1+json")
    packed = sum(layer["size"] for layer in layers)
    print(f"{len(chosen)} files, {size >> 20} MB, {count} gzip layers of {packed >> 20} MB in all")


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


def run(argv, sample):
    begin = time.perf_counter()
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    most = 0
    while sample and child.poll() is None:
        most = max(most, tree_pss(child.pid))
        time.sleep(0.01)
    error = child.stderr.read()
    _, status, usage = (0, child.returncode, None) if sample else os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{argv}: {error.decode()}")
    cpu = usage.ru_utime + usage.ru_stime if usage else 0
    return time.perf_counter() - begin, cpu, most


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--layers", type=int, default=7)
    args = parser.parse_args()
    if "HULL_BENCH_NET" not in os.environ:
        os.environ["HULL_BENCH_NET"] = "own"
        os.execvp("unshare", ["unshare", "--net", sys.executable] + sys.argv)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp"))
    registry = None
    try:
        config = os.path.join(work, "registry.yml")
        with open(config, "w") as f:
            f.write(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {work}/registry}}}}\n"
                    f"http: {{addr: '127.0.0.1:{PORT}'}}\n")
        registry = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                call("GET", f"http://127.0.0.1:{PORT}/v2/")
                break
            except OSError:
                time.sleep(0.1)
        make_image(args.size << 20, args.layers)
        root = os.path.join(work, "root")
        commands = {"hull pull": [f"{BIN}/hull", "--root", root, "--runroot", root + ".run", "pull", "-q", NAME]}
        if shutil.which("podman"):
            commands["podman pull"] = ["podman", "--root", root, "--runroot", root + ".run", "pull", "-q",
                                       "--tls-verify=false", NAME]
        if shutil.which("skopeo"):
            commands["skopeo copy"] = ["skopeo", "copy", "-q", "--src-tls-verify=false",
                                       "docker://" + NAME, f"oci:{root}:x"]
        times = {name: [] for name in commands}
        for i in range(args.rounds):
            names = list(commands)
            for name in names[i % len(names):] + names[:i % len(names)]:
                shutil.rmtree(root, ignore_errors=True)
                os.sync()
                times[name].append(run(commands[name], False))
        hull = statistics.median(t[0] for t in times["hull pull"])
        for name, list_ in times.items():
            median = statistics.median(t[0] for t in list_)
            print(f"  {name:12} median {median * 1000:7.0f} ms  min {min(t[0] for t in list_) * 1000:7.0f}  "
                  f"cpu {statistics.median(t[1] for t in list_) * 1000:7.0f}  {median / hull:5.2f} x hull")
        shutil.rmtree(root, ignore_errors=True)
        most = run(commands["hull pull"], True)[2]
        print(f"  hull pull: {most / 1024:.1f} MiB of memory at most")
    finally:
        if registry:
            registry.terminate()
            registry.wait()
        subprocess.run(["umount", os.path.join(work, "root", "overlay")], stderr=subprocess.DEVNULL)
        shutil.rmtree(work, ignore_errors=True)


main()
