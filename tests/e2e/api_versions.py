#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What only some versions of the API have: each row of the table of src/api/versions.c, and what stands in the code as a
comparison with the version, asked for in the last version without it and in the first with it, or the other way round.

usage: api_versions.py SOCKET   (of a hulld with networks; there is an image "test", and one without a name)
"""
import http.client, io, json, pathlib, re, socket, sys, tarfile, urllib.parse

TABLE = pathlib.Path(__file__).parents[2] / "src/api/versions.c"
ROW = re.compile(r'\{"([A-Z]+ [^"]+)",\s*([A-Z]+),\s*"([^"]+)",\s*(\d+),\s*(\d+),')
wrong, seen = [], set()
S390X = urllib.parse.quote('{"os":"linux","architecture":"s390x"}')


def ask(minor, method, path, body=None, kind="application/json"):
    c = http.client.HTTPConnection("engine")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.settimeout(60)
    c.sock.connect(sys.argv[1])
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    c.request(method, f"/v1.{minor}{path}", data, {"Content-Type": kind})
    r = c.getresponse()
    text = r.read().decode(errors="replace")
    c.close()
    try:
        return r.status, json.loads(text)
    except ValueError:
        return r.status, text


def ok(answer):
    assert answer[0] < 400, answer
    return answer[1]


def made(minor, body=None, host=None, **more):
    """What inspect says of a container that this version made, or the error."""
    body = {"Image": "test", "Cmd": ["true"], "HostConfig": {"NetworkMode": "none", **(host or {})}, **(body or {}), **more}
    status, o = ask(minor, "POST", "/containers/create", body)
    if status != 201:
        return o["message"].splitlines()[0]
    found = ok(ask(51, "GET", f"/containers/{o['Id']}/json"))
    ok(ask(51, "DELETE", f"/containers/{o['Id']}?v=1"))
    return {**found, "Warnings": o["Warnings"]}


def case(edge, what, of, old, new, member=None):
    """@of(minor) is @old just before 1.@edge, and @new from then on. @what: the route, @member: of the table."""
    seen.add((what, member, edge))
    for minor, wanted in ((edge - 1, old), (edge, new)):
        try:
            got = of(minor)
        except Exception as e:  # of any kind: the others are still to be tried
            got = f"{type(e).__name__}: {e}"
        if not (wanted(got) if callable(wanted) else got == wanted):
            wrong.append(f"{what}, {member or 'itself'}, 1.{minor}: {str(got)[:300]!r}, not {'that' if callable(wanted) else wanted!r}")


def host_case(edge, member, value, old, new):
    """A member of HostConfig, as inspect has it afterwards."""
    case(edge, "POST /containers/create", lambda v: made(v, host={member: value})["HostConfig"].get(member), old, new,
         "HostConfig." + member)


def mount_case(edge, options, member, value, old, new, kind="bind", source="/etc"):
    def of(v):
        o = made(v, host={"Mounts": [{"Type": kind, "Source": source, "Target": "/m", options: {member: value}}]})
        return o if isinstance(o, str) else o["HostConfig"]["Mounts"][0].get(options, {}).get(member)
    case(edge, "POST /containers/create", of, old, new, f"HostConfig.Mounts[].{options}.{member}")


def place_case(edge, member, value, old, new):
    case(edge, "POST /containers/create", lambda v: made(
        v, {"NetworkingConfig": {"EndpointsConfig": {"net": {member: value}}}}, {"NetworkMode": "net"}
    )["NetworkSettings"]["Networks"]["net"].get(member), old, new, "NetworkingConfig.EndpointsConfig.*." + member)


def answer_case(edge, route, member, pick, old, new, path=None):
    method, where = route.split()
    case(edge, route, lambda v: pick(ok(ask(v, method, path or where))), old, new, member)


def status_case(edge, route, member, path, old, new, body=None):
    method = route.split()[0]
    case(edge, route, lambda v: ask(v, method, path, body)[0], old, new, member)


def get(name, otherwise="none"):
    return lambda o: o.get(name, otherwise)


def creating():
    host_case(25, "AutoRemove", True, False, True)
    host_case(40, "IpcMode", "", "shareable", "private")
    case(40, "POST /containers/create", lambda v: "400" if isinstance(made(v, host={"KernelMemoryTCP": 1}), str) else "made",
         "made", "400", "HostConfig.KernelMemoryTCP")
    host_case(42, "ConsoleSize", [30, 100], [0, 0], [30, 100])
    host_case(43, "Annotations", {"a": "b"}, None, {"a": "b"})
    mount_case(40, "BindOptions", "NonRecursive", True, None, True)
    mount_case(42, "BindOptions", "CreateMountpoint", True, None, True)
    mount_case(44, "BindOptions", "ReadOnlyForceRecursive", True, "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer", True)
    mount_case(45, "VolumeOptions", "Subpath", "x", "VolumeOptions.Subpath needs API v1.45 or newer", "x", "volume", "vol")
    mount_case(42, "VolumeOptions", "NoCopy", True, None, 'VolumeOptions must not be specified on mount type "bind"')
    mount_case(42, "TmpfsOptions", "SizeBytes", 4096, None, 'TmpfsOptions must not be specified on mount type "volume"', "volume", "vol")
    mount_case(42, "BindOptions", "Propagation", "shared", None, 'BindOptions must not be specified on mount type "tmpfs"', "tmpfs", "")
    mount_case(46, "TmpfsOptions", "Options", [["exec"]], None, [["exec"]], "tmpfs", "")
    mount_case(48, "ImageOptions", "Subpath", "data", 'Mount type "Image" needs API v1.48 or newer', "data", "image", "test")
    health = {"Test": ["CMD", "true"], "StartInterval": 5000000000}
    case(44, "POST /containers/create", lambda v: made(v, Healthcheck=health)["Config"]["Healthcheck"].get("StartInterval"),
         None, 5000000000, "Healthcheck.StartInterval")
    place_case(44, "MacAddress", "02:00:00:00:00:01", lambda mac: mac != "02:00:00:00:00:01", "")  # while it does not run
    place_case(48, "GwPriority", 7, 0, 7)
    several = {"NetworkingConfig": {"EndpointsConfig": {"net": {}, "other": {}}}}
    case(44, "POST /containers/create", lambda v: "multiple network endpoints" in str(made(v, several, {"NetworkMode": "net"})),
         True, False, "NetworkingConfig.EndpointsConfig")
    wide = {"MacAddress": "02:00:00:00:00:02"}
    case(44, "POST /containers/create", lambda v: "MacAddress field is now deprecated" in str(made(v, wide, {"NetworkMode": "net"})["Warnings"]),
         False, True, "MacAddress")
    both = {**wide, "NetworkingConfig": {"EndpointsConfig": {"net": {"MacAddress": "02:00:00:00:00:03"}}}}
    case(44, "POST /containers/create", lambda v: "must match" in str(made(v, both, {"NetworkMode": "net"})), False, True, "MacAddress of both")

    def platform(v):
        status, o = ask(v, "POST", "/containers/create?platform=linux/s390x", {"Image": "test", "HostConfig": {"NetworkMode": "none"}})
        if status == 201:
            ok(ask(51, "DELETE", "/containers/" + o["Id"]))
        return status
    case(41, "POST /containers/create", platform, 201, 404, "platform")


def running():
    def start(name, *cmd, minor=51, **more):
        ok(ask(minor, "POST", f"/containers/create?name={name}", {"Image": "test", "Cmd": cmd, **more, "HostConfig": {
            "NetworkMode": "net", "Annotations": {"a": "b"}, **more.get("HostConfig", {})}}))
        ok(ask(51, "POST", f"/containers/{name}/start"))

    start("box", "sleep", "1000", Hostname="host")
    box = ok(ask(51, "GET", "/containers/box/json"))
    answer_case(45, "GET /containers/{}/json", "Aliases", lambda o: o["NetworkSettings"]["Networks"]["net"]["Aliases"],
                [box["Id"][:12], "host"], None, "/containers/box/json")
    answer_case(46, "GET /containers/json", "[].HostConfig.Annotations", lambda o: o[0]["HostConfig"].get("Annotations"), None, {"a": "b"})
    answer_case(28, "GET /networks", "Containers", lambda o: [len(n["Containers"]) for n in o if n["Name"] == "net"], [1], [0])
    answer_case(41, "GET /containers/{}/stats", "one-shot", lambda o: "system_cpu_usage" in o["precpu_stats"], True, False,
                "/containers/box/stats?stream=0&one-shot=1")

    def limit(v):
        ok(ask(51, "POST", "/containers/box/update", {"PidsLimit": 50}))
        ok(ask(v, "POST", "/containers/box/update", {"PidsLimit": 77}))
        return ok(ask(51, "GET", "/containers/box/json"))["HostConfig"]["PidsLimit"]
    case(40, "POST /containers/{}/update", limit, 50, 77, "PidsLimit")

    unknown = lambda text: text != "30 100"

    def size(at_start):
        def of(v):
            said = {"ConsoleSize": [30, 100]}
            o = ok(ask(v, "POST", "/containers/box/exec", {"Cmd": ["stty", "size"], "Tty": True, "AttachStdout": True, **({} if at_start else said)}))
            return ask(v, "POST", f"/exec/{o['Id']}/start", {"Tty": True, **(said if at_start else {})})[1].strip()
        return of
    case(42, "POST /containers/{}/exec", size(False), unknown, "30 100", "ConsoleSize")
    case(42, "POST /exec/{}/start", size(True), unknown, "30 100", "ConsoleSize")
    ok(ask(51, "DELETE", "/containers/box?force=1"))

    def console(v):
        start("tty", "stty", "size", minor=v, Tty=True, HostConfig={"ConsoleSize": [30, 100]})
        ok(ask(51, "POST", "/containers/tty/wait"))
        text = ask(51, "GET", "/containers/tty/logs?stdout=1")[1].strip()
        ok(ask(51, "DELETE", "/containers/tty?force=1"))
        return text
    case(42, "POST /containers/create", console, unknown, "30 100", "HostConfig.ConsoleSize in effect")

    def stubborn():
        start("sig", "sh", "-c", "trap 'exit 5' USR1; trap 'exit 6' TERM; echo up; while :; do sleep 0.05; done")
        while "up" not in ask(51, "GET", "/containers/sig/logs?stdout=1")[1]:
            pass

    def stop(v):
        stubborn()
        ok(ask(v, "POST", "/containers/sig/stop?signal=USR1&t=20"))
        code = ok(ask(51, "GET", "/containers/sig/json"))["State"]["ExitCode"]
        ok(ask(51, "DELETE", "/containers/sig?force=1"))
        return code
    case(42, "POST /containers/{}/stop", stop, 6, 5, "signal")

    def restart(v):
        stubborn()
        ok(ask(v, "POST", "/containers/sig/restart?signal=USR1&t=20"))
        now = ok(ask(51, "GET", "/info"))["SystemTime"]
        text = ask(51, "GET", f"/events?since=1&until={urllib.parse.quote(now)}&filters=" + urllib.parse.quote(
            '{"container":["sig"],"event":["die"]}'))[1]
        ok(ask(51, "DELETE", "/containers/sig?force=1"))
        last = text if isinstance(text, dict) else json.loads(text.strip().splitlines()[-1])
        return last["Actor"]["Attributes"]["exitCode"]
    case(42, "POST /containers/{}/restart", restart, "6", "5", "signal")
    ok(ask(51, "POST", "/containers/create?name=done", {"Image": "test", "HostConfig": {"NetworkMode": "none"}}))
    status_case(30, "POST /containers/{}/wait", "condition", "/containers/done/wait?condition=bogus", 200, 400)
    answer_case(51, "GET /images/json", "Containers", lambda o: sum(max(i["Containers"], -1) for i in o if i["RepoTags"] == ["test:latest"]), -1, 1)
    ok(ask(51, "DELETE", "/containers/done"))


def images():
    named = lambda o: next(i for i in o if "test:latest" in i["RepoTags"])
    answer_case(41, "GET /images/json", "filter", len, 0, lambda n: n > 0, "/images/json?filter=nothing")
    answer_case(42, "GET /images/json", "shared-size", lambda o: named(o)["SharedSize"] >= 0, False, True, "/images/json?shared-size=1")
    answer_case(43, "GET /images/json", "[].RepoTags", lambda o: [i["RepoTags"] + i["RepoDigests"] for i in o if "test:latest" not in i["RepoTags"]],
                [["<none>:<none>", "<none>@<none>"]], [[]])
    answer_case(44, "GET /images/json", "[].VirtualSize", lambda o: named(o).get("VirtualSize") == named(o)["Size"], True, False)
    one = "GET /images/{}/json"
    answer_case(44, one, "VirtualSize", lambda o: o.get("VirtualSize") == o["Size"], True, False, "/images/test/json")
    answer_case(45, one, "Container", get("Container"), "", "none", "/images/test/json")
    answer_case(45, one, "ContainerConfig", lambda o: "Cmd" in o.get("ContainerConfig", {}), True, False, "/images/test/json")
    for member in ("Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce", "Image"):
        answer_case(50, one, "Config." + member, lambda o: o["Config"].get(member, "none") in ("", False), True, False, "/images/test/json")
    for edge, route, path, member in ((49, one, "/images/test/json?platform=", "platform"),
                                      (48, "GET /images/{}/history", "/images/test/history?platform=", "platform"),
                                      (48, "GET /images/{}/get", "/images/test/get?platform=", "platform"),
                                      (48, "GET /images/get", "/images/get?names=test&platform=", "platform")):
        status_case(edge, route, member, path + S390X, 200, 404)

    def remove(v):
        ok(ask(51, "POST", "/images/test/tag?repo=gone"))
        return ask(v, "DELETE", "/images/gone?platforms=" + S390X)[0]
    case(50, "DELETE /images/{}", remove, 200, 404, "platforms")
    ok(ask(51, "DELETE", "/images/gone"))
    archive = ask_bytes("/v1.51/images/get?names=test")
    case(48, "POST /images/load", lambda v: "s390x" in str(ask(v, "POST", "/images/load?platform=" + S390X, archive, "application/x-tar")[1]),
         False, True, "platform")
    ok(ask(51, "POST", "/images/test/tag?repo=127.0.0.1:9/x"))
    case(46, "POST /images/{}/push", lambda v: "s390x" in str(ask(v, "POST", "/images/127.0.0.1:9/x/push?tag=latest&platform=" + S390X)[1]),
         False, True, "platform")
    ok(ask(51, "DELETE", "/images/127.0.0.1:9/x"))
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()

    def arch(v):
        ok(ask(v, "POST", "/images/create?fromSrc=-&repo=imported&platform=linux/s390x", empty.getvalue(), "application/x-tar"))
        o = ok(ask(51, "GET", "/images/imported/json"))
        ok(ask(51, "DELETE", "/images/imported"))
        return o["Architecture"] == "s390x"
    case(32, "POST /images/create", arch, False, True, "platform")


def ask_bytes(path):
    c = http.client.HTTPConnection("engine")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(sys.argv[1])
    c.request("GET", path)
    return c.getresponse().read()


def builds():
    text = b"FROM test\nLABEL a=b\n"
    build = lambda v, query: ask(v, "POST", f"/build?networkmode=none&{query}", text, "text/plain")
    case(32, "POST /build", lambda v: build(v, "platform=windows/amd64")[0], 200, 400, "platform")
    case(40, "POST /build", lambda v: build(v, "outputs=%5B%7B%22Type%22:%22local%22%7D%5D")[0], 200, 400, "outputs")
    case(30, "POST /build", lambda v: '"aux"' in str(build(v, "nocache=1")[1]), False, True, "aux")
    for name in ("reserved-space", "max-used-space"):
        status_case(48, "POST /build/prune", name, f"/build/prune?{name}=x", 200, 400)
    status_case(48, "POST /build/prune", "min-free-space", "/build/prune?min-free-space=1", 200, 400)
    now = ok(ask(51, "GET", "/info"))["SystemTime"]
    query = "/events?since=1&until=" + urllib.parse.quote(now) + "&filters=" + urllib.parse.quote('{"type":["image"],"event":["create"]}')
    case(46, "GET /events", lambda v: "create" in str(ask(v, "GET", query)[1]), False, True, "image create")


def machine():
    def info(edge, member, pick, old, new):
        answer_case(edge, "GET /info", member, pick, old, new)
    info(25, "ExecutionDriver", get("ExecutionDriver"), "<not supported>", "none")
    info(25, "SecurityOptions", lambda o: o["SecurityOptions"][-2:], ["seccomp", "cgroupns"], ["name=seccomp,profile=builtin", "name=cgroupns"])
    for member in ("AllowNondistributableArtifactsCIDRs", "AllowNondistributableArtifactsHostnames"):
        info(47, "RegistryConfig." + member, lambda o: o["RegistryConfig"].get(member, "none"), None, "none")
    for member in ("ContainerdCommit", "RuncCommit", "InitCommit"):
        info(49, member + ".Expected", lambda o: o[member].get("Expected", "none"), "", "none")
    info(49, "FirewallBackend", lambda o: o.get("FirewallBackend", {}).get("Driver"), None, "nftables")
    for member in ("BridgeNfIptables", "BridgeNfIp6tables"):
        info(50, member, get(member), False, "none")
    answer_case(42, "GET /system/df", "type", lambda o: o["Volumes"] is None, False, True, "/system/df?type=image")
    answer_case(42, "GET /system/df", "BuilderSize", lambda o: "BuilderSize" in o, True, False)
    answer_case(44, "GET /system/df", "Images[].VirtualSize", lambda o: o["Images"][0].get("VirtualSize") == o["Images"][0]["Size"], True, False)

    def network(v):
        ok(ask(v, "POST", "/networks/create", {"Name": "six", "EnableIPv4": False, "EnableIPv6": True, "IPAM": {"Config": [{"Subnet": "fd99::/64"}]}}))
        o = ok(ask(51, "GET", "/networks/six"))
        ok(ask(51, "DELETE", "/networks/six"))
        return o["EnableIPv4"]
    case(48, "POST /networks/create", network, True, False, "EnableIPv4")


for name in ("net", "other"):
    ok(ask(51, "POST", "/networks/create", {"Name": name}))
for part in (creating, running, images, builds, machine):
    part()
rows = {(m[1], m[3], int(m[4]) or int(m[5])) for m in ROW.finditer(TABLE.read_text(encoding="utf-8"))}
wrong += [f"no case of {' '.join(map(str, row))}" for row in sorted(rows - seen)]
print(*wrong, f"{len(seen)} differences, {len(rows)} of them in the table, {len(wrong)} wrong", sep="\n")
sys.exit(bool(wrong) or len(rows) < 50)
