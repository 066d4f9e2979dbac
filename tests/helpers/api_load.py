# SPDX-License-Identifier: Apache-2.0
"""Load for hulld: api_load.py SOCKET PID CLIENTS REQUESTS SECONDS

CLIENTS at once, each with a connection that it keeps (every second one makes a new one for each
request), do what clients do: list, inspect, create, start, wait, logs, remove; each answer is
checked. They go on until REQUESTS were answered, SECONDS at most. Printed is how many, how fast, and
what the process PID (the listener), or with one client the one that serves its connection, had in
memory and descriptors half-way, when the store's cache is full, and at the end. Fails where an answer is wrong, and where
that grew.
"""
import http.client
import json
import os
import socket
import sys
import threading
import time

# What may differ: where the pieces of a heap lie is chance, and a request has its files open.
GROWTH = {"KiB": 256, "descriptors": 16}


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(sys.argv[1])


class Client(threading.Thread):
    def __init__(self, load, number):
        super().__init__(daemon=True)
        self.load, self.number, self.connection = load, number, Connection("hull")

    def ask(self, status, method, path, body=None):
        began = time.monotonic()
        headers = {"Content-Type": "application/json"} if body else {}
        self.connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != status:
            raise RuntimeError(f"{method} {path}: {answer.status} instead of {status}: {text[:300]}")
        if self.number % 2:
            self.connection.close()
        self.load.count(time.monotonic() - began)
        return text

    def life(self, i):
        """Of one container: eight requests."""
        name = f"load-{self.number}-{i}"
        command = ["sh", "-c", f"echo {name}; exit {i % 7}"]
        host = {"NetworkMode": "none"}
        made = json.loads(self.ask(201, "POST", f"/containers/create?name={name}",
                                   {"Image": "test", "Cmd": command, "HostConfig": host}))["Id"]
        self.ask(204, "POST", f"/containers/{made}/start")
        ended = json.loads(self.ask(200, "POST", f"/containers/{made}/wait"))
        assert ended["StatusCode"] == i % 7, ended
        logs = self.ask(200, "GET", f"/containers/{name}/logs?stdout=1")
        assert logs[8:].decode() == name + "\n", logs
        shown = json.loads(self.ask(200, "GET", f"/containers/{made}/json"))
        assert shown["Name"] == "/" + name and shown["State"]["ExitCode"] == i % 7, shown["State"]
        listed = json.loads(self.ask(200, "GET", "/containers/json?all=1"))
        assert made in [c["Id"] for c in listed], name
        self.ask(204, "DELETE", f"/containers/{made}")
        self.ask(404, "GET", f"/containers/{made}/json")

    def run(self):
        try:
            i = 0
            while not self.load.done():
                self.life(i)
                i += 1
        except Exception as e:
            self.load.fail(f"client {self.number}: {type(e).__name__}: {e}")


class Load:
    def __init__(self, pid, wanted, seconds):
        self.pid, self.wanted, self.seconds = pid, wanted, seconds
        self.lock, self.times, self.failures = threading.Lock(), [], []
        self.began = time.monotonic()

    def count(self, took):
        with self.lock:
            self.times.append(took)

    def fail(self, text):
        with self.lock:
            self.failures.append(text)

    def done(self):
        return len(self.times) >= self.wanted or self.failures or time.monotonic() - self.began > self.seconds

    def run(self, clients):
        all_of_them = [Client(self, i) for i in range(clients)]
        for c in all_of_them:
            c.start()
        while len(self.times) < self.wanted / 2 and not self.failures:
            time.sleep(0.05)
        # One client that keeps its connection (number 0) is served by one process.
        pid = self.pid if clients > 1 else children(self.pid)[0]
        before = census(pid)
        while not self.done():
            time.sleep(0.05)
        after = census(pid)
        for c in all_of_them:
            c.join()
            c.connection.close()
        self.tell(clients, before, after)

    def tell(self, clients, before, after):
        took = time.monotonic() - self.began
        times = sorted(self.times)
        print(f"{clients} clients, {len(times)} requests in {took:.1f} s: {len(times) / took:.0f} a second, "
              f"median {times[len(times) // 2] * 1e3:.1f} ms, 99th {times[len(times) * 99 // 100] * 1e3:.0f} ms, "
              f"longest {times[-1] * 1e3:.0f} ms")
        print(f"half-way:   {before}\nat the end: {after}")
        for text in self.failures[:10]:
            print(text)
        assert not self.failures, f"{len(self.failures)} clients failed"
        assert len(times) >= self.wanted, f"only {len(times)} requests in {took:.0f} s"
        assert_flat(before, after)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(n) for n in f.read().split()]


def census(pid):
    """The most memory and the fewest descriptors of some looks: a child that it has just then shares the memory, and a
    request has its files open."""
    looks = []
    for _ in range(20):
        looks.append(look(pid))
        time.sleep(0.02)
    return {"KiB": max(l["KiB"] for l in looks), "descriptors": min(l["descriptors"] for l in looks)}


def look(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        private = sum(int(line.split()[1]) for line in f if line.startswith("Private_"))
    return {"KiB": private, "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}


def assert_flat(before, after):
    for what, most in GROWTH.items():
        assert after[what] - before[what] <= most, f"{what}: they grew"


def wait_for(what, is_true):
    end = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


if __name__ == "__main__":
    listener, clients, requests, seconds = map(int, sys.argv[2:])
    before = census(listener)
    Load(listener, requests, seconds).run(clients)
    wait_for("a process of a connection is left", lambda: not children(listener))
    after = census(listener)
    print(f"listener, alone: {before}, then {after}")
    assert_flat(before, after)
