#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same requests to several Docker Engine APIs in turn: medians in ms, and the ratio to the last one.

usage: api_bench.py SOCKET... ROUNDS      (see api_bench.sh)
"""
import http.client, json, os, socket, statistics, struct, subprocess, sys, time


class Engine:
    def __init__(self, path):
        self.path, self.times = path, {}
        self.connection = http.client.HTTPConnection("engine")
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.connect(path)

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        r = self.connection.getresponse()
        data = r.read()
        if r.status >= 400:
            sys.exit(f"{self.path}: {method} {path}: {r.status} {data!r}")
        return data

    def memory(self):
        """MiB (PSS) of who listens, and of all its processes (containerd is dockerd's)."""
        listener = struct.unpack("3i", self.connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        all_of_it, sizes = [listener], []
        for pid in all_of_it:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children") as f:
                        all_of_it += map(int, f.read().split())
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    sizes.append(sum(int(line.split()[1]) for line in f if line.startswith("Pss:")) / 1024)
            except OSError:
                continue  # it has ended
        return f"{sizes[0]:6.1f} of {sum(sizes):6.1f}"

    def timed(self, what, run):
        begin = time.perf_counter()
        run()
        self.times.setdefault(what, []).append((time.perf_counter() - begin) * 1000)

    def create(self, name, command):
        self.call("POST", f"/v1.41/containers/create?name={name}",
                  {"Image": "test", "Cmd": command, "HostConfig": {"NetworkMode": "none"}})

    def life(self):
        self.create("life", ["true"])
        self.call("POST", "/v1.41/containers/life/start")
        self.call("POST", "/v1.41/containers/life/wait")
        self.call("DELETE", "/v1.41/containers/life")

    def run(self):
        subprocess.run(["docker", "-H", f"unix://{self.path}", "run", "--rm", "--network", "none", "test", "true"],
                       check=True)


def main():
    engines, rounds = [Engine(path) for path in sys.argv[1:-1]], int(sys.argv[-1])
    idle = [e.memory() for e in engines]
    for e in engines:
        for i in range(100):
            e.create(f"listed{i}", ["sleep", "1"])
    for i in range(rounds + 2):
        for e in engines[::1 if i % 2 else -1]:
            e.timed("create, start, wait, delete on one connection", e.life)
            e.timed("docker run --rm --network none", e.run)
            # The first finds the caches full of what ran before it.
            e.timed("GET /containers/json, of 100, the first", lambda: e.call("GET", "/v1.41/containers/json?all=1"))
            for _ in range(10):
                e.timed("GET /containers/json, of 100, then", lambda: e.call("GET", "/v1.41/containers/json?all=1"))
            e.timed("GET /containers/json, none runs", lambda: e.call("GET", "/v1.41/containers/json"))
            e.timed("inspect", lambda: e.call("GET", "/v1.41/containers/listed7/json"))
            e.timed("GET /_ping", lambda: e.call("GET", "/_ping"))
    for what, memories in (("idle", idle), ("after the rounds", [e.memory() for e in engines])):
        print(f"{'MiB of the listener, of all its processes, ' + what:60}",
              "  ".join(f"{e.path} {m}" for e, m in zip(engines, memories)))
    for what in engines[0].times:
        warm = len(engines[0].times[what]) * 2 // (rounds + 2)
        medians = [statistics.median(e.times[what][warm:]) for e in engines]
        print(f"{what:50}", "  ".join(f"{e.path} {m:8.2f}" for e, m in zip(engines, medians)),
              f"  {medians[0] / medians[-1]:.1f} x")


main()
