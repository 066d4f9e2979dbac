# SPDX-License-Identifier: Apache-2.0
"""The commands whose calls are swept: what must be there before, and how to come back there."""
import dataclasses, json

LINES = 40
CHATTER = f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); done; exit 7"
OUTPUT = "".join(f"line {i}\n" for i in range(LINES))


@dataclasses.dataclass
class Scenario:
    name: str
    command: list = dataclasses.field(default_factory=list)
    before: list = dataclasses.field(default_factory=list)
    undo: list = dataclasses.field(default_factory=list)
    first: list = dataclasses.field(default_factory=list)  # once for all
    status: int = 0
    output: str = None
    input: str = None       # "image": the tar of an image on standard input
    main_only: bool = False  # what it leaves running is let go when it ends
    story: bool = False     # the container c prints OUTPUT and ends with 7
    keeps: bool = False     # what a failed one has done stays, as cache: nothing for the sweep of errors
    stays: bool = False     # if it cannot be started, the container stays, as docker's does
    request: tuple = None   # instead of a command, one of hulld: method, path, body; `status` is what it answers


def scenarios(box):
    c = box.tag + "-c"
    make = ["--cgroup-parent", box.group, "--name", c]
    sleeper = ["run", "-d", *make, "--stop-signal", "KILL", "test", "/busybox", "sleep", "300"]
    remove = ["rm", "-f", "-v", c]
    no_volume = ["volume", "rm", "-f", box.tag + "-v"]
    quota = ["--storage-opt", "size=4m"]
    volumes = ["-v", box.tag + "-v:/data", "-v", "/anonymous"]
    tmpfs = ["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", box.tag + "-v"]
    shared = ["-v", box.tag + "-v:/data"]
    holder = ["run", "-d", *shared, "--cgroup-parent", box.group, "--name", c + "h", "--stop-signal", "KILL", "test",
              "/busybox", "sleep", "300"]
    created = ["create", *make, "test", "/busybox", "true"]
    body = json.dumps({"Image": "test", "Cmd": ["/busybox", "true"], "Volumes": {"/anonymous": {}},
                       "HostConfig": {"CgroupParent": box.group, "Binds": [box.tag + "-v:/data"]}}).encode()
    once = ["run", "--rm", "--cgroup-parent", box.group, "--network"]
    bridge = [[*once, "bridge", "test", "/busybox", "true"]]
    net = box.tag + "-n"
    make_net, no_net = ["network", "create", "--subnet", "10.9.9.0/24", net], ["network", "rm", "-f", net]
    named = [*bridge, make_net, [*once, net, "test", "/busybox", "true"]]
    # With it whoever answers for names lives: of a command that starts it the sweep would wait for its end.
    neighbour = ["run", "-d", "--network", net, "--name", c + "m", *make[:2], "test", "/busybox", "sleep", "1000000"]
    secret = box.tag + "-s"
    make_secret = ["secret", "create", secret, str(box.dir / "context/file")]
    # Once, for the folder that stays.
    no_secret = ["secret", "rm", "-i", secret]
    with_secrets = ["--secret", secret, "--secret", secret + ",type=env"]
    on_net = [*sleeper[:2], "--network", net, *sleeper[2:]]
    published = ["--network", "bridge", "-p", "8080:80", "-p", "8081:81/udp"]
    return [
        Scenario("run -d", ["run", "-d", *make, "test", "/sh", "-c", CHATTER], undo=[remove], story=True,
                 stays=True),
        Scenario("run -d -p", ["run", "-d", *published, *make, "test", "/sh", "-c", CHATTER], first=bridge,
                 undo=[remove], story=True, stays=True),
        Scenario("network connect", ["network", "connect", "bridge", c], first=bridge, before=[sleeper],
                 undo=[remove], main_only=True),
        Scenario("network disconnect", ["network", "disconnect", "bridge", c], first=bridge,
                 before=[[*sleeper[:2], *published, *sleeper[2:]]], undo=[remove], main_only=True),
        Scenario("network create", make_net, first=bridge, undo=[no_net]),
        Scenario("network rm", ["network", "rm", net], first=bridge, before=[make_net], undo=[no_net]),
        Scenario("run -d, names", ["run", "-d", "--network", net, *make, "test", "/sh", "-c", CHATTER],
                 first=[*named, neighbour], undo=[remove], story=True, stays=True),
        Scenario("network connect, names", ["network", "connect", net, c], first=named, before=[sleeper],
                 undo=[remove], main_only=True),
        Scenario("network disconnect, names", ["network", "disconnect", net, c], first=named,
                 before=[on_net], undo=[remove], main_only=True),
        Scenario("network update", ["network", "update", "--driver-opt", "rate-in=8m", net, c],
                 first=named, before=[on_net], undo=[remove], main_only=True),
        Scenario("run -d --init -v", ["run", "-d", "--init", *volumes, *make, "test", "/sh", "-c", CHATTER],
                 undo=[remove, no_volume], story=True, stays=True),
        Scenario("run -d tmpfs", ["run", "-d", *shared, *make, "test", "/sh", "-c", CHATTER],
                 before=[tmpfs], undo=[remove, no_volume], story=True, stays=True),
        Scenario("run -d shared tmpfs", ["run", "-d", *shared, *make, "test", "/sh", "-c", CHATTER],
                 before=[tmpfs, holder], undo=[remove, ["rm", "-f", c + "h"], no_volume], story=True, stays=True),
        Scenario("secret create", make_secret, first=[make_secret, no_secret], undo=[no_secret]),
        Scenario("secret create --replace", [*make_secret, "--replace", "-l", "a=b"], first=[make_secret, no_secret],
                 before=[make_secret], undo=[no_secret]),
        Scenario("secret rm", ["secret", "rm", secret], first=[make_secret, no_secret], before=[make_secret],
                 undo=[no_secret]),
        Scenario("run -d --secret", ["run", "-d", *with_secrets, *make, "test", "/sh", "-c", CHATTER],
                 first=[make_secret, no_secret], before=[make_secret], undo=[remove, no_secret], story=True, stays=True),
        Scenario("run -dt", ["run", "-dt", *make, "test", "/sh", "-c", "exit 7"], undo=[remove], stays=True),
        Scenario("run --rm", ["run", "--rm", *make, "test", "/sh", "-c", CHATTER], status=7, output=OUTPUT),
        Scenario("create -v", ["create", *volumes, *make, "test", "/busybox", "true"],
                 undo=[remove, no_volume]),
        Scenario("start", ["start", c], before=[["create", *make, "test", "/sh", "-c", CHATTER]],
                 undo=[remove], story=True, stays=True),
        Scenario("create quota", ["create", *quota, *make, "test", "/busybox", "true"], undo=[remove]),
        Scenario("run -d quota", ["run", "-d", *quota, *make, "test", "/sh", "-c", CHATTER], undo=[remove],
                 story=True, stays=True),
        Scenario("stop", ["stop", c], before=[sleeper], undo=[remove], main_only=True),
        Scenario("kill", ["kill", c], before=[sleeper], undo=[remove], main_only=True),
        Scenario("restart", ["restart", c], before=[sleeper], undo=[remove], main_only=True, stays=True),
        Scenario("pause", ["pause", c], before=[sleeper], undo=[remove], main_only=True),
        Scenario("unpause", ["unpause", c], before=[sleeper, ["pause", c]], undo=[remove], main_only=True),
        Scenario("update", ["update", "-m", "64m", "--pids-limit", "50", "--cpus", "0.5", c], before=[sleeper],
                 undo=[remove], main_only=True),
        Scenario("exec", ["exec", c, "/sh", "-c", "echo hi; exit 5"], before=[sleeper], undo=[remove],
                 status=5, output="hi\n"),
        Scenario("rm", ["rm", "-v", c],
                 before=[["create", "-v", "/anonymous", *make, "test", "/busybox", "true"]], undo=[remove]),
        Scenario("rm -f", ["rm", "-f", "-v", c], before=[sleeper], undo=[remove], main_only=True),
        Scenario("rename", ["rename", c, c + "2"], before=[["create", *make, "test", "/busybox", "true"]],
                 undo=[remove, ["rm", "-f", c + "2"]]),
        Scenario("cp in", ["cp", box.archive, c + ":/tmp/a"],
                 before=[["create", *make, "test", "/busybox", "true"]], undo=[remove]),
        Scenario("cp out", ["cp", c + ":/busybox", "-"],
                 before=[["create", *make, "test", "/busybox", "true"]], undo=[remove]),
        Scenario("commit", ["commit", c, "committed"],
                 before=[["create", *make, "test", "/busybox", "true"], ["cp", box.archive, c + ":/tmp/a"]],
                 undo=[["rmi", "-f", "committed"], remove]),
        Scenario("commit, running", ["commit", c, "committed"], before=[sleeper],
                 undo=[["rmi", "-f", "committed"], remove], main_only=True),
        Scenario("container prune", ["container", "prune", "-f"],
                 before=[["create", *make, "test", "/busybox", "true"]], undo=[remove]),
        Scenario("system prune", ["system", "prune", "-f", "--volumes"],
                 before=[["create", "-v", "/anonymous", *make, "test", "/busybox", "true"]],
                 undo=[remove, ["volume", "prune", "-f"]]),
        Scenario("build", ["build", "-q", "-t", "built", "--build-arg", "SOURCE_DATE_EPOCH=1",
                           str(box.dir / "context")],
                 undo=[["rmi", "-f", "built"], ["builder", "prune", "-af"]], keeps=True),
        Scenario("load", ["load", "-q", "-i", box.archive], undo=[["rmi", "-f", "loaded"]]),
        Scenario("import", ["import", "-", "imported"], input="other", undo=[["rmi", "-f", "imported"]]),
        Scenario("rmi", ["rmi", "loaded"], before=[["load", "-q", "-i", box.archive]],
                 undo=[["rmi", "-f", "loaded"]]),
        Scenario("tag", ["tag", "test", "tagged"], undo=[["rmi", "-f", "tagged"]]),
        Scenario("volume create", ["volume", "create", box.tag + "-v"], undo=[no_volume]),
        Scenario("volume rm", ["volume", "rm", box.tag + "-v"],
                 before=[["volume", "create", box.tag + "-v"]], undo=[no_volume]),
        Scenario("API create", request=("POST", f"/containers/create?name={c}", body), status=201,
                 undo=[remove, no_volume]),
        Scenario("API start", request=("POST", f"/containers/{c}/start", b""), status=204,
                 before=[["create", *make, "test", "/sh", "-c", CHATTER]], undo=[remove], story=True, stays=True),
        Scenario("API stop", request=("POST", f"/containers/{c}/stop", b""), status=204, before=[sleeper],
                 undo=[remove], main_only=True),
        Scenario("API rm", request=("DELETE", f"/containers/{c}?force=1&v=1", b""), status=204,
                 before=[[*sleeper[:2], "-v", "/anonymous", *sleeper[2:]]], undo=[remove], main_only=True),
        Scenario("API cp in", request=("PUT", f"/containers/{c}/archive?path=/tmp", box.inputs["other"]), status=200,
                 before=[created], undo=[remove]),
        Scenario("API cp out", request=("GET", f"/containers/{c}/archive?path=/busybox", b""), status=200,
                 before=[created], undo=[remove]),
        Scenario("API commit", request=("POST", f"/commit?container={c}&repo=committed", b"{}"), status=201,
                 before=[sleeper], undo=[["rmi", "-f", "committed"], remove], main_only=True),
        Scenario("API load", request=("POST", "/images/load", box.archive), status=200,
                 undo=[["rmi", "-f", "loaded"]]),
        Scenario("API prune", request=("POST", "/containers/prune", b""), status=200, before=[created],
                 undo=[remove]),
        Scenario("API prune of volumes", request=("POST", "/volumes/prune", b""), status=200,
                 before=[["create", "-v", "/anonymous", *make, "test", "/busybox", "true"], ["rm", c]],
                 undo=[["volume", "prune", "-f"]]),
        Scenario("ps", ["ps", "-a"]),
        Scenario("logs", ["logs", c], before=[["run", "-d", *make, "test", "/sh", "-c", CHATTER],
                                              ["wait", c]], undo=[remove], output=OUTPUT),
    ]
