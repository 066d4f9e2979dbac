#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same calls to dockerd and to hulld, and how their answers differ.

usage: compare.py DOCKERD.SOCK HULLD.SOCK 1.VERSION

Both need an image called "test". Status codes, texts of errors, and events must be equal; of JSON the shape
(which keys, of which type), and where the request decides them the values as well. What may differ
stands in docs/api-differences.md, with the reason; a row that nothing needs is a failure, so the list stays true.
"""
import http.client, json, os, pathlib, re, socket, sys, time

VERSION = "v" + sys.argv[3]  # 1.41 is the newest of dockerd of Debian 12

# Which may be, and why.
DIFFERENCES = {m[1].replace("\\|", "|"): m[2] for m in re.finditer(r"(?m)^\| `(.+?)` \| (.*) \|$", (
    pathlib.Path(__file__).parents[2] / "docs/api-differences.md").read_text(encoding="utf-8"))}

# Ids, times and sizes that differ between any two runs.
VOLATILE = re.compile(r"\b[0-9a-f]{12,64}\b|\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)")


class Engine:
    def __init__(self, path):
        self.path, self.answers = path, {}

    def call(self, name, method, path, body=None, raw=False, headers=None):
        """The status and the body of an answer, kept as NAME."""
        c = http.client.HTTPConnection("engine", timeout=60)
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.settimeout(60)
        c.sock.connect(self.path)
        data = body if isinstance(body, (bytes, str)) or body is None else json.dumps(body)
        c.request(method, f"/{VERSION}{path}", data, {"Content-Type": "application/json", **(headers or {})})
        r = c.getresponse()
        text = r.read()
        c.close()
        value = text.decode(errors="replace")
        if not raw:
            try:
                value = json.loads(value)
            except ValueError:
                lines = [json.loads(line) for line in value.splitlines() if line.startswith("{")]
                value = lines or value
        if name:
            self.answers[name] = (r.status, value, r.headers.get_content_type() if text else None)
        return value

    def create(self, name, **more):
        body = {"Image": "test", "Cmd": ["sleep", "300"], **more}
        body["HostConfig"] = {"NetworkMode": "none", **more.get("HostConfig", {})}
        return self.call(None, "POST", f"/containers/create?name={name}", body)

    def wait_until(self, path, is_so):
        for _ in range(600):
            if is_so(self.call(None, "GET", path)):
                return
            time.sleep(0.1)

    def wait_state(self, name, state):
        self.wait_until(f"/containers/{name}/json", lambda c: c["State"]["Status"] == state)


RICH = {
    "Image": "test", "Cmd": ["sleep", "300"], "Hostname": "box", "User": "bob", "Env": ["A=b", "EMPTY="],
    "WorkingDir": "/tmp", "Labels": {"a": "b"}, "StopSignal": "SIGINT", "StopTimeout": 3,
    "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/anonymous": {}},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000, "Retries": 2},
    "HostConfig": {
        "NetworkMode": "none", "Memory": 64 << 20, "NanoCpus": 500000000, "PidsLimit": 50, "CapAdd": ["NET_ADMIN"],
        "CapDrop": ["CHOWN"], "ReadonlyRootfs": True, "Tmpfs": {"/tmp": "size=1m"}, "Binds": ["/etc/hostname:/h:ro", "named:/n"],
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}, "ShmSize": 1 << 20, "Init": True,
        "Ulimits": [{"Name": "nofile", "Soft": 100, "Hard": 200}], "ExtraHosts": ["x:192.0.2.1"], "DnsSearch": ["example"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}, "GroupAdd": ["29"], "OomScoreAdj": 100,
        "SecurityOpt": ["no-new-privileges"], "Sysctls": {"net.ipv4.ip_default_ttl": "65"}},
}


def containers(e):
    e.call("create", "POST", "/containers/create?name=one", {"Image": "test", "Cmd": ["sleep", "300"],
                                                             "HostConfig": {"NetworkMode": "none"}})
    e.call("inspect created", "GET", "/containers/one/json")
    e.call("create, name taken", "POST", "/containers/create?name=one", {"Image": "test"})
    e.call("create, bad name", "POST", "/containers/create?name=-x", {"Image": "test"})
    e.call("create, no image", "POST", "/containers/create", {"Image": "nothing"})
    e.call("create, no command", "POST", "/containers/create", {"Image": "test", "HostConfig": {"NetworkMode": "none"}})
    e.call("create, no JSON", "POST", "/containers/create", "{")
    e.call("create, wrong type", "POST", "/containers/create", {"Image": 3})
    e.call("create, bad memory", "POST", "/containers/create", {"Image": "test", "Cmd": ["x"],
                                                                "HostConfig": {"Memory": 1000, "NetworkMode": "none"}})
    e.call("start", "POST", "/containers/one/start")
    e.call("start again", "POST", "/containers/one/start")
    e.call("inspect running", "GET", "/containers/one/json")
    e.call("inspect with sizes", "GET", "/containers/one/json?size=1")
    e.call("list", "GET", "/containers/json")
    e.call("list with sizes", "GET", "/containers/json?all=1&size=1")
    e.call("list, bad filter", "GET", '/containers/json?filters={"nonsense":["x"]}')
    e.call("list, filter no JSON", "GET", "/containers/json?filters=x")
    e.call("top", "GET", "/containers/one/top")
    e.call("top aux", "GET", "/containers/one/top?ps_args=aux")
    e.call("stats", "GET", "/containers/one/stats?stream=0")
    e.call("stats at once", "GET", "/containers/one/stats?stream=0&one-shot=1")
    e.call("exec create", "POST", "/containers/one/exec", {"Cmd": ["sh", "-c", "touch /new; exit 3"]})
    run = e.answers["exec create"][1]["Id"]
    e.call("exec start", "POST", f"/exec/{run}/start", {"Detach": True})
    e.wait_until(f"/exec/{run}/json", lambda x: not x["Running"] and x["ExitCode"] == 3)
    e.call("exec inspect", "GET", f"/exec/{run}/json")
    e.call("exec start again", "POST", f"/exec/{run}/start", {"Detach": True})
    e.call("exec without command", "POST", "/containers/one/exec", {})
    e.call("exec unknown", "GET", "/exec/0000000000000000000000000000000000000000000000000000000000000000/json")
    e.call("changes", "GET", "/containers/one/changes")
    e.call("logs without stream", "GET", "/containers/one/logs")
    e.call("resize", "POST", "/containers/one/resize?h=10&w=20")
    e.call("update", "POST", "/containers/one/update", {"Memory": 64 << 20, "MemorySwap": 64 << 20})
    e.call("update, bad", "POST", "/containers/one/update", {"Memory": 10})
    e.call("pause", "POST", "/containers/one/pause")
    e.call("pause again", "POST", "/containers/one/pause")
    e.call("inspect paused", "GET", "/containers/one/json")
    e.call("exec paused", "POST", "/containers/one/exec", {"Cmd": ["true"]})
    e.call("unpause", "POST", "/containers/one/unpause")
    e.call("unpause again", "POST", "/containers/one/unpause")
    e.call("rename", "POST", "/containers/one/rename?name=uno")
    e.call("rename to itself", "POST", "/containers/uno/rename?name=uno")
    e.call("rename, no name", "POST", "/containers/uno/rename?name=")
    e.call("remove running", "DELETE", "/containers/uno")
    e.call("kill, bad signal", "POST", "/containers/uno/kill?signal=SIGNOTHING")
    e.call("archive stat", "HEAD", "/containers/uno/archive?path=/etc/passwd")
    e.call("archive missing", "GET", "/containers/uno/archive?path=/nowhere")
    e.call("archive no path", "GET", "/containers/uno/archive")
    e.call("archive into a file", "PUT", "/containers/uno/archive?path=/etc/passwd", b"")
    e.call("kill", "POST", "/containers/uno/kill?signal=KILL")
    e.wait_state("uno", "exited")
    e.call("kill stopped", "POST", "/containers/uno/kill")
    e.call("wait", "POST", "/containers/uno/wait")
    e.call("stop stopped", "POST", "/containers/uno/stop")
    e.call("pause stopped", "POST", "/containers/uno/pause")
    e.call("exec stopped", "POST", "/containers/uno/exec", {"Cmd": ["true"]})
    e.call("top stopped", "GET", "/containers/uno/top")
    e.call("stats stopped", "GET", "/containers/uno/stats?stream=0")
    e.call("resize stopped", "POST", "/containers/uno/resize?h=10&w=20")
    e.call("inspect exited", "GET", "/containers/uno/json")
    e.call("list exited", "GET", "/containers/json?all=1")
    e.call("remove", "DELETE", "/containers/uno?v=1")
    for method, path in (("GET", "json"), ("POST", "start"), ("POST", "stop"), ("POST", "kill"), ("POST", "wait"),
                         ("GET", "logs?stdout=1"), ("GET", "top"), ("GET", "changes"), ("POST", "pause"),
                         ("POST", "rename?name=x"), ("POST", "update"), ("GET", "archive?path=/"), ("GET", "export"),
                         ("POST", "resize?h=1&w=1"), ("GET", "stats?stream=0"), ("POST", "attach")):
        e.call(f"missing: {method} {path}", method, f"/containers/missing/{path}", {} if path == "update" else None)
    e.call("missing: exec", "POST", "/containers/missing/exec", {"Cmd": ["true"]})
    e.call("missing: remove", "DELETE", "/containers/missing")
    e.call("rich: create", "POST", "/containers/create?name=rich", RICH)
    e.call("rich: start", "POST", "/containers/rich/start")
    e.wait_until("/containers/rich/json", lambda c: c["State"]["Health"]["Status"] == "healthy")
    e.call("rich: inspect", "GET", "/containers/rich/json")
    e.call("rich: list", "GET", "/containers/json")
    e.call("rich: remove", "DELETE", "/containers/rich?force=1&v=1")
    e.create("bad", Cmd=["nosuch"])
    e.call("start, no such command", "POST", "/containers/bad/start")
    e.call("inspect failed", "GET", "/containers/bad/json")
    e.call("containers prune", "POST", "/containers/prune")


def images(e):
    e.call("images", "GET", "/images/json")
    e.call("image inspect", "GET", "/images/test/json")
    e.call("image history", "GET", "/images/test/history")
    e.call("image tag", "POST", "/images/test/tag?repo=other&tag=x")
    e.call("image tag, bad", "POST", "/images/test/tag?repo=UPPER&tag=x")
    e.call("image remove", "DELETE", "/images/other:x")
    for method, path in (("GET", "json"), ("GET", "history"), ("POST", "tag?repo=a"), ("GET", "get")):
        e.call(f"image missing: {method} {path}", method, f"/images/missing/{path}")
    e.call("image missing: remove", "DELETE", "/images/missing")
    e.create("holder")
    e.call("image in use", "DELETE", "/images/test")
    e.call("commit", "POST", "/commit?container=holder&repo=made&tag=1&comment=words&author=me")
    e.call("commit inspect", "GET", "/images/made:1/json")
    e.call("commit, missing", "POST", "/commit?container=missing")
    e.call(None, "DELETE", "/containers/holder?force=1")
    e.call("made remove", "DELETE", "/images/made:1")
    e.call("image prune", "POST", "/images/prune")


def volumes(e):
    e.call("volumes, none", "GET", "/volumes")
    e.call("volume create", "POST", "/volumes/create", {"Name": "vol", "Labels": {"a": "b"}})
    e.call("volume create again", "POST", "/volumes/create", {"Name": "vol"})
    e.call("volume create, bad name", "POST", "/volumes/create", {"Name": "/x"})
    e.call("volume create, driver", "POST", "/volumes/create", {"Name": "x", "Driver": "nosuch"})
    e.call("volumes", "GET", "/volumes")
    e.call("volume inspect", "GET", "/volumes/vol")
    e.call("volume missing", "GET", "/volumes/missing")
    e.create("user", HostConfig={"Binds": ["vol:/v"]})
    e.call("volume in use", "DELETE", "/volumes/vol")
    e.call("system df", "GET", "/system/df")
    e.call(None, "DELETE", "/containers/user?force=1")
    e.call("volume remove", "DELETE", "/volumes/vol")
    e.call("volume remove, missing", "DELETE", "/volumes/missing")
    e.call("volumes prune", "POST", "/volumes/prune")


def networks(e):
    e.call("network create", "POST", "/networks/create",
           {"Name": "net", "CheckDuplicate": True, "Labels": {"a": "b"},
            "IPAM": {"Config": [{"Subnet": "10.213.7.0/24", "Gateway": "10.213.7.1"}]}})
    e.call("network create again", "POST", "/networks/create", {"Name": "net", "CheckDuplicate": True})
    e.call("network create, driver", "POST", "/networks/create", {"Name": "n2", "Driver": "nosuch"})
    e.call("network create, overlap", "POST", "/networks/create",
           {"Name": "n3", "IPAM": {"Config": [{"Subnet": "10.213.7.0/25"}]}})
    e.call("network create, bad subnet", "POST", "/networks/create", {"Name": "n4", "IPAM": {"Config": [{"Subnet": "x"}]}})
    e.call("networks", "GET", '/networks?filters={"name":["net"]}')
    e.call("network inspect", "GET", "/networks/net")
    e.call("network missing", "GET", "/networks/missing")
    e.create("member", HostConfig={"NetworkMode": "net"})
    e.call(None, "POST", "/containers/member/start")
    e.call("network inspect, used", "GET", "/networks/net")
    e.call("network member", "GET", "/containers/member/json")
    e.call("network member, list", "GET", "/containers/json")
    e.call("network in use", "DELETE", "/networks/net")
    e.call("network connect twice", "POST", "/networks/net/connect", {"Container": "member"})
    e.call("network connect, missing", "POST", "/networks/net/connect", {"Container": "missing"})
    e.call("network disconnect", "POST", "/networks/net/disconnect", {"Container": "member"})
    e.call("network disconnect again", "POST", "/networks/net/disconnect", {"Container": "member"})
    e.call(None, "DELETE", "/containers/member?force=1")
    e.call("network remove", "DELETE", "/networks/net")
    e.call("network remove, missing", "DELETE", "/networks/missing")
    e.call("networks prune", "POST", "/networks/prune")


def machine(e):
    e.call("version", "GET", "/version")
    e.call("info", "GET", "/info")
    e.call("ping", "GET", "/_ping", raw=True)
    e.call("no such path", "GET", "/nosuch")
    e.call("wrong method", "PUT", "/info")
    e.call("swarm", "GET", "/swarm")
    e.call("plugins", "GET", "/plugins")
    e.call("auth", "POST", "/auth", {"username": "x", "password": "y", "serveraddress": "127.0.0.1:9"})
    e.call("build, no tar", "POST", "/build", b"nothing")


def story(e, since):
    """Events of all that was done: of objects that had a name of ours."""
    events = e.call(None, "GET", f"/events?since={since}&until={time.time():.9f}")
    e.answers["events"] = (200, events, None)
    keep = {"one", "uno", "rich", "bad", "holder", "member", "user"}
    e.told = [f"{ev['Type']} {ev['Action']}" for ev in events
              if ev["Type"] == "container" and ev["Actor"]["Attributes"].get("name") in keep and "exec" not in ev["Action"]]


def shapes(value, at, out):
    """Which paths there are, and of which types: lists are of one shape, maps of names too."""
    if value in ([], {}, None):  # in Go's JSON the same
        kind = "empty"
    else:
        kind = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}[type(value)]
    out.setdefault(at, set()).add(kind)
    if isinstance(value, dict):
        for k, v in value.items():
            shapes(v, f"{at}.{VOLATILE.sub('ID', k)}", out)
    if isinstance(value, list):
        for v in value:
            shapes(v, f"{at}[]", out)
    return out


def values(value, at, out):
    if isinstance(value, dict):
        for k, v in value.items():
            values(v, f"{at}.{k}", out)
    else:
        out[at] = value
    return out


def differences(dockerd, hulld):
    for name in dockerd.answers:
        (s1, v1, t1), (s2, v2, t2) = dockerd.answers[name], hulld.answers[name]
        if s1 != s2:
            yield f"{name}: status", f"dockerd {s1} {v1!r:.200}, hulld {s2} {v2!r:.200}"
            continue
        if t1 != t2:
            yield f"{name}: content type", f"dockerd {t1}, hulld {t2}"
        if s1 >= 400:
            m1, m2 = (VOLATILE.sub("ID", str(v.get("message") if isinstance(v, dict) else v)).strip() for v in (v1, v2))
            # Newer versions of docker begin with a small letter; what hull says besides comes after docker's text.
            if not m2.lower().startswith(m1.lower()):
                yield f"{name}: message", f"dockerd {m1!r}, hulld {m2!r}"
            continue
        one, two = shapes(v1, "", {}), shapes(v2, "", {})
        # Whether a container came to use a disk is chance.
        if any(shape.get(at) == {"empty"} for shape in (one, two) for at in shape if at.startswith(".blkio_stats.")):
            one, two = ({k: v for k, v in shape.items() if not k.startswith(".blkio_stats.io_serv")} for shape in (one, two))
        for at in sorted(set(one) | set(two)):
            if at not in two:
                if at.rpartition(".")[0] in two or not at.rpartition(".")[0]:
                    yield f"{name}: {at} lacks", f"dockerd has {one[at]}"
            elif at not in one:
                if at.rpartition(".")[0] in one or not at.rpartition(".")[0]:
                    yield f"{name}: {at} more", f"hulld has {two[at]}"
            elif one[at] - {"empty"} != two[at] - {"empty"} and not (two[at] - {"empty"} and "empty" in one[at]):
                yield f"{name}: {at} type", f"dockerd {one[at]}, hulld {two[at]}"
        for part in ("Config", "HostConfig", "State"):
            if isinstance(v1, dict) and isinstance(v1.get(part), dict):
                one, two = values(v1[part], part, {}), values(v2.get(part, {}), part, {})
                for at in sorted(set(one) & set(two)):
                    a, b = (VOLATILE.sub("ID", json.dumps(v[at])) for v in (one, two))
                    if at != "State.Pid" and a != b and {a, b} - {"null", "[]", "{}"}:
                        yield f"{name}: {at} value", f"dockerd {a}, hulld {b}"
    # dockerd 20.10 at times tells of a pause twice: for the request, and for what containerd says.
    twice = ["container pause", "container unpause"]
    for i in range(len(dockerd.told) - 3):
        if dockerd.told[i:i + 4] == twice * 2:
            del dockerd.told[i:i + 2]
    if dockerd.told != hulld.told:
        yield "events: order", f"dockerd {dockerd.told}\nhulld   {hulld.told}"


def main():
    engines = [Engine(path) for path in sys.argv[1:3]]
    for e in engines:
        since = f"{time.time():.9f}"
        for part in (containers, images, volumes, networks, machine):
            part(e)
        story(e, since)
    used, unknown = set(), 0
    for where, what in differences(*engines):
        hit = [p for p in DIFFERENCES if re.fullmatch(p, where)]
        used.update(hit)
        if not hit:
            unknown += 1
            print(f"{where}: {what}")
    # With control groups of version 2 alone some differences are none; what is warned of depends on the kernel.
    gone = {p for p in DIFFERENCES if "Warnings" not in p} - used
    for p in gone if os.path.exists("/sys/fs/cgroup/memory") else ():
        unknown += 1
        print(f"no such difference any more: {p}")
    print(f"{sum(len(e.answers) for e in engines[:1])} calls, {len(used)} known differences, {unknown} others")
    return unknown != 0


sys.exit(main())
