#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every flag of `docker create` that is not of Windows alone, given to docker's client with hulld, and to hull; and what
it does to a container that runs.

usage: flags.py HULL (DOCKER_HOST names hulld; there is an image "test", and a network "net" with the subnet 10.77.0.0/24)

What `hull inspect` shows of the two containers must be the same, and different from that of a container without the
flag, unless it is in NO_EFFECT. What one refuses the other refuses, in the same words. What a command prints, and how it
ends, is the same by `docker run` and `hull run`.
"""
import json, os, re, shlex, shutil, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../helpers"))
from docker_help import flags_of, is_given

SAME = r"""
--add-host a:1.2.3.4 | --add-host a:host-gateway | --annotation k=v | -a stdout | --blkio-weight 500 | --cap-add ALL --cap-drop CAP_CHOWN
--cgroup-parent /hull-zz | --cgroupns host | --cpu-period 50000 | --cpu-quota 25000 | --cpu-rt-period 1000000 | --cpu-rt-runtime 95000 | -c 512
--cpus 1.5 | --cpuset-cpus 0 | --cpuset-mems 0 | --device /dev/null:/dev/xx:r | --device-cgroup-rule "c 1:3 rwm" | --dns 9.9.9.9 --dns-option ndots:2
--dns-search a.b | --domainname x.y | --entrypoint /bin/ls | -e A=b -e C= | --env-file env | --expose 80 --expose 100-102/udp | --group-add 7
--health-cmd "test -e /x" --health-interval 2s --health-retries 3 --health-start-interval 1s --health-start-period 5s --health-timeout 4s
--no-healthcheck | --init | -i | --ip 10.77.0.5 --network net | --ipc host | --ipc shareable | -l a=b -l c | --label-file env
--link other:o --network net | --log-driver none | --log-driver json-file --log-opt max-size=1m --log-opt max-file=2 | --log-driver local
--log-driver syslog --log-opt syslog-facility=mail --log-opt tag=x | --log-opt compress=true --log-opt max-size=1m --log-opt max-file=3
--mac-address 02:42:ac:11:00:09 --network net | -m 64m --memory-reservation 32m --memory-swap 128m | -m 64m --memory-swap -1
-m 64m --memory-swappiness 10 --oom-kill-disable | --mount type=bind,src=/tmp,dst=/t,readonly,bind-propagation=rslave
--mount type=bind,src=/tmp,dst=/t,bind-recursive=disabled | --mount type=bind,src=/tmp,dst=/t,readonly,bind-recursive=writable
--mount type=volume,src=vv,dst=/v,volume-nocopy,volume-label=a=b | --mount type=volume,src=vv,dst=/v,volume-subpath=sub
--mount type=volume,src=vw,dst=/v,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs
--mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770 | --mount type=image,src=test,dst=/i,image-subpath=bin | --network none | --network host
--network net --network-alias al | --network name=net,alias=x,ip=10.77.0.6,mac-address=02:42:ac:11:00:0a | --oom-score-adj 500 | --pid host
--pids-limit 50 | --pids-limit -1 | --privileged | -p 127.0.0.1:8080:80/udp -p 8000-8002:80-82 -p 90 | -p [::1]:8081:80 | -P | --read-only
--restart always | --restart on-failure:3 | --restart unless-stopped | --rm | --security-opt seccomp=unconfined --security-opt no-new-privileges
--security-opt apparmor=unconfined --security-opt label=disable | --security-opt systempaths=unconfined | --shm-size 10m | --stop-signal INT
--stop-timeout 3 | --sysctl net.ipv4.ip_forward=1 | --tmpfs /t:size=1m,noexec | -t | --ulimit nofile=100:200 | --ulimit core=0 | -u 1000:1000
--userns host | --uts host | -v /tmp:/t:ro,z | -v vv:/v:nocopy | -v /v | -v /tmp:/t:rshared | --volumes-from other:ro | -w /w
--link-local-ip 169.254.7.9 --network net | --device-read-bps DISK:1m --device-read-iops DISK:100 --device-write-bps DISK:2m --device-write-iops DISK:200
--kernel-memory 10m | -q | --cgroupns private | --disable-content-trust | --platform linux/ARCH | --pull never | --runtime hull | --network bridge | --restart no
"""
NO_EFFECT = "--kernel-memory", "-q", "--cgroupns private", "--disable-content-trust", "--platform", "--pull", "--runtime", "--network bridge", "--restart no"
REFUSED = r"""
--blkio-weight-device /dev/null:300 | --blkio-weight 5 | --cpus 100000 | --cpuset-cpus 9999 | --cpu-shares -1 | --device /dev/nothing
--ip 1.2.3.4 | --ip 1.2.3.4 --network net | --ipc none | --ipc container:nobody | --pid container:nobody | --network container:nobody | --network nobody
--volumes-from nobody | --link nobody --network net | --link other | --log-driver fluentd | --log-opt bogus=1 | --log-opt max-size=bogus
-m 64m --memory-swap 32m | --memory-swap 10m | --memory-reservation 64m -m 32m | --mount type=bind,src=/nothing,dst=/t | --mount type=bind,src=x,dst=/t
--mount type=npipe,src=a,dst=/t | --mount type=image,src=nothing,dst=/i | --network name=net,driver-opt=a=b | --name a/b | --cpus 1 --cpu-quota 1000
--security-opt bogus=1 | --storage-opt bogus=1 | --sysctl net.core.somaxconn=5 --network host | --tmpfs relative | -v a/b:/t | -v /tmp:/t:bogus
-w relative | --hostname "a b" | --health-interval 1us --health-cmd x | --runtime runc | --restart bogus | --restart always:3
--cidfile env | --ip6 fd77::5 --network net
--stop-signal BOGUS | --oom-score-adj 5000 | --uts host --hostname x
"""
# Refused by both, each in its own words; the socket of the API is mounted by the client itself.
OTHER_WORDS = """
--gpus all | --volume-driver nfs -v x:/y | --isolation hyperv | --cpu-count 2 | --cpu-percent 50 | --io-maxbandwidth 1m | --io-maxiops 9
--use-api-socket
"""
RUN = r"""
--mac-address 02:42:ac:11:00:09 test cat /sys/class/net/eth0/address
--network net --ip 10.77.0.50 test sh -c 'ip -4 addr show eth0 | grep inet'
-u 5:6 --group-add 77 test id
-h hh --domainname dd.x -e A=b -e HOME=/x -w /w/x test sh -c 'hostname; cat /proc/sys/kernel/domainname; env; pwd'
--add-host a:1.2.3.4 --dns 9.9.9.9 --dns-search a.b --dns-option ndots:3 test cat /etc/hosts /etc/resolv.conf
--read-only --tmpfs /t:size=1m --shm-size 5m test sh -c 'cat /proc/mounts; touch /x'
-v FOLDER:/c:ro -v vol:/v --mount type=bind,src=FOLDER,dst=/d,readonly test sh -c 'grep -E " /[cdv] " /proc/mounts; stat -c "%n %u" /c /d /v'
-u user -v FOLDER:/c --mount type=bind,src=FOLDER,dst=/d test stat -c '%n %u:%g' /c /d
--mount type=tmpfs,dst=/c,tmpfs-size=2m,tmpfs-mode=1711 test grep ' /c ' /proc/mounts
--mount type=image,src=test,dst=/i test sh -c 'ls /i; touch /i/x'
--mount type=image,src=test,dst=/i,image-subpath=bin test ls /i/sh
--mount type=volume,src=vol,dst=/v,readonly test touch /v/g
--cap-drop all test grep -E 'Sig|Shd|Cap|Groups|Umask|Seccomp' /proc/self/status
--cap-add sys_admin test grep Cap /proc/self/status
--privileged test grep -E 'Cap|Seccomp:|NoNewPrivs' /proc/self/status
--security-opt no-new-privileges --security-opt seccomp=unconfined test grep -E 'Seccomp:|NoNewPrivs' /proc/self/status
--security-opt systempaths=unconfined test grep /proc /proc/mounts
--ulimit nofile=100:200 --ulimit core=0 --oom-score-adj 321 test sh -c 'cat /proc/self/limits /proc/self/oom_score_adj'
--sysctl net.ipv4.ip_forward=1 test cat /proc/sys/net/ipv4/ip_forward
--init test sh -c 'tr "\0" " " </proc/1/cmdline'
--device /dev/kmsg:/dev/kk:r test ls -l /dev/kk
-m 32m --memory-swap 48m --memory-reservation 9m --pids-limit 33 --cpus 0.3 --cpu-shares 333 --cpuset-cpus 0 test sh -c 'cd /sys/fs/cgroup; grep -s . */memory.*limit_in_bytes */pids.max */cpu.cfs* */cpu.shares memory.max memory.low memory.swap.max pids.max cpu.max cpu.weight cpuset.cpus; grep Cpus_allowed_list /proc/self/status'
--blkio-weight 333 --cpu-period 50000 --cpu-quota 12000 test sh -c 'cd /sys/fs/cgroup; grep -s . */cpu.cfs* */blkio*weight cpu.max io.weight'
--ipc host --pid host --uts host --cgroupns host --userns host --network host test sh -c 'for i in ipc pid uts cgroup user net; do readlink /proc/self/ns/$i; done'
test sh -c 'exit 9'
-d --cidfile CIDFILE test true
-i --sig-proxy=false --detach-keys ctrl-x,x test cat
test nosuch
test /etc
--entrypoint /bin/sh test -c 'exit 8'
-a stderr test sh -c 'echo out; echo err >&2'
-a stdout test sh -c 'echo out; echo err >&2'
-t test sh -c 'tty; ls -l /dev/console | cut -c1-10'
--log-driver none test sh -c 'echo hi'
-p 1.2.3.4:8099:80 test true
"""
# Ids, times, and what a container is called by them; docker's client says 0 and false where nothing was said.
IGNORED = re.compile(r"^\.(Name|Id|Created|State|LogPath|\w+Path$|Config\.Hostname$)|OomKillDisable|PidsLimit|Hull\.|\.IPAMConfig$|\.DriverConfig$|\.DNSNames$")
SILENT = {".HostConfig.OomKillDisable", ".HostConfig.PidsLimit"}
hull = sys.argv[1]


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def cases(text):
    arch = run(hull, "image", "inspect", "-f", "{{.Architecture}}", "test").stdout.strip()
    disk = next((f"/dev/{d}" for d in os.listdir("/sys/block") if os.path.exists(f"/dev/{d}")), "/dev/nothing")
    return [c.strip().replace("ARCH", arch).replace("DISK", disk) for line in text.strip().splitlines() for c in line.split(" | ")]


def flat(o, path=""):
    if isinstance(o, dict) and o:
        for key, value in o.items():
            yield from flat(value, f"{path}.{key}")
    elif isinstance(o, list) and any(isinstance(x, dict) for x in o):
        for i, value in enumerate(o):
            yield from flat(value, f"{path}[{i}]")
    else:
        # The client completes names of capabilities, and has an order of its own; anonymous volumes have new names.
        o = sorted(o) if isinstance(o, list) else o
        yield path, re.sub(r"[0-9a-f]{64}", "ID", json.dumps(o).replace("CAP_", ""))


def inspect(*names):
    for o in json.loads(run(hull, "inspect", *names).stdout):
        yield {k: v for k, v in flat(o) if not IGNORED.search(k) or k in SILENT}


def message(p):
    text = re.sub(r"^(docker: )?(Error response from daemon: |Error: |hull: (invalid argument .* flag: )?)?", "", p.stderr.strip())
    return re.sub(r"\n\n.*", "", text, flags=re.S)


wrong = []
open("env", "w").write("A=b\n#c\n")
run(hull, "create", "--name", "other", "--network", "net", "-v", "ovol:/o", "test", "true")
wanted = []
for case in ["", *cases(SAME)]:
    d, h = (run(command, "create", "--name", f"{engine}{len(wanted):03}", *shlex.split(case), "test", "true")
            for engine, command in (("d", "docker"), ("h", hull)))
    if d.returncode == 0 == h.returncode:
        wanted.append(case)
    elif message(d) == message(h):
        print(f"left out, this machine has it not: {case}: {message(h)}")
    else:
        wrong.append(f"{case}:\n  docker: {message(d)}\n  hull:   {message(h)}")
given = [w for text in (SAME, REFUSED, OTHER_WORDS, RUN) for w in text.split()]
wrong += [f"no case of {command} {flag}" for command in ("create", "run") for _, flags in flags_of(shutil.which("docker"), (), command)
          for flag, letter in flags.items() if flag != "--help" and not is_given(flag, letter, given)]
assert not wrong, "\n".join(wrong)
count = len(wanted)
by_docker = list(inspect(*[f"d{i:03}" for i in range(count)]))
by_hull = list(inspect(*[f"h{i:03}" for i in range(count)]))
for case, d, h in zip(wanted[1:], by_docker[1:], by_hull[1:]):
    differ = [k for k in sorted({*d, *h}) if d.get(k) != h.get(k) and (k not in SILENT or h.get(k) != by_hull[0].get(k))]
    wrong += [f"{case}: {k}: by docker {d.get(k)}, by hull {h.get(k)}" for k in differ]
    if d == by_docker[0] and not case.startswith(NO_EFFECT):
        wrong.append(f"{case}: has no effect")
refused = cases(REFUSED)
for case in refused:
    d, h = (run(command, "create", *shlex.split(case), "test", "true") for command in ("docker", hull))
    if not d.returncode or not h.returncode or message(d) != message(h):
        wrong.append(f"{case}:\n  docker: {d.returncode} {message(d)}\n  hull:   {h.returncode} {message(h)}")
for case in cases(OTHER_WORDS):
    d, h = (run(command, "create", *shlex.split(case), "test", "true") for command in ("docker", hull))
    if bool(d.returncode) == (case == "--use-api-socket") or "is not supported: " not in h.stderr:
        wrong.append(f"{case}:\n  docker: {d.returncode} {message(d)}\n  hull:   {h.returncode} {message(h)}")
folder = os.path.abspath("folder")
os.mkdir(folder)
os.chown(folder, 1234, 1234)
ran = RUN.strip().replace("FOLDER", folder).splitlines()
for at, case in enumerate(ran):
    # The client sends "no limit" of processes.
    words = ["run", "--rm", *([] if "--network" in case or "eth0" in case or "-p" in case else ["--network", "none"]),
             *([] if "--pids-limit" in case else ["--pids-limit", "50"]), *shlex.split(case)]
    d, h = (run(command, *[f"cid{at}{i}" if w == "CIDFILE" else w for w in words]) for i, command in enumerate(("docker", hull)))
    texts = [(p.returncode, re.sub(r"\b[0-9a-f]{12,64}\b|endpoint \w+:|@if\d+|SigQ:.*|fd/\d+", "ID", p.stdout + message(p))) for p in (d, h)]
    if texts[0] != texts[1]:
        wrong.append(f"{case}:\n  docker: {texts[0]}\n  hull:   {texts[1]}")
print(f"{len(ran)} run, {count - 1} accepted, {len(refused)} refused", *wrong, sep="\n")
sys.exit(bool(wrong))
