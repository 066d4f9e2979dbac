#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of docker's client but those of a swarm, of plugins and of Docker's own services, with every flag that it
says it has: given to docker's client with hulld, and to hull.

usage: commands.py HULL REGISTRY (DOCKER_HOST names hulld; there is an image "test"; REGISTRY lets in user:secret)

Each line is a program for sh, in which `docker` is the one or the other and names of objects begin with @ for each its
own. Exit code and output are the same but for ids and times. What hull has not, or prints otherwise, is in OWN: there the
output of docker's client is what the pattern says. Flags of create and run are in flags.py.
"""
import os, re, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../helpers"))
from docker_help import flags_of, is_given

SAME = r"""
docker create --name @a -p 127.0.0.1::80 -l k=@ --network net test sleep 1000
docker container create --name @b --network none test sh -c 'echo out; echo err >&2; exit 3'
docker create -i --name @i --network none test sh -c 'read x; echo got $x; exit 4'
docker start @a nobody
docker start -a @b
docker container start --attach @b
echo word | docker start -a -i --detach-keys ctrl-x,x @i
docker start -ai @a @b
docker ps
docker ps -a --no-trunc
docker container ls -aq
docker ps -n 2
docker container ls -l --format '{{.Names}} {{.Image}} {{.Command}} {{.State}} {{.Label "k"}}'
docker ps -as --filter status=exited --filter name=@
docker ps -a --format '{{.Names}}' --filter 'name=^/@[ab]$'; docker ps -a --format '{{.Names}}' --filter 'name=^@a$' --filter 'name=(@b|x)$'
docker ps -a --filter label=k=d --filter network=net --filter ancestor=test --format '{{json .}}'
docker ps --filter bogus=1
docker ps --filter status=bogus
docker exec @a echo hello
docker container exec -e A=b --env-file env -w /tmp -u user @a sh -c 'echo $A $X; pwd; id'
echo in | docker exec -i --privileged @a sh -c 'cat; grep CapEff /proc/self/status'
docker exec -t --detach-keys ctrl-x,x @a tty
docker exec -d @a touch /tmp/made; until docker exec @a test -e /tmp/made; do :; done
docker exec @b true
docker exec nobody true
docker exec -w /nowhere @a true
docker exec -u nobody-there @a true
docker logs @b
docker container list --filter id=nothing; docker container ps --filter name=nothing
docker logs --details -t --since 1h --until 2099-01-01T00:00:00Z @b | wc -l
docker container logs -f -n 1 @b
docker logs --tail bogus @b
docker logs --since bogus @b
docker logs nobody
docker inspect -f '{{.Name}} {{.State.Status}} {{.State.ExitCode}}' @b
docker inspect -s --type container -f '{{.SizeRw}} {{.SizeRootFs}}' @b
docker container inspect --size -f '{{json .Config}}' @b
docker inspect --type image -f '{{.Id}}' test nobody
docker inspect nobody
docker top @a | sed 's/[0-9:]//g'
docker container top @a -o pid,comm | tail -n 1 | tr -s ' 0-9' ' '
docker top @b
docker port @a 80 | sed 's/:.*//'
docker container port @a | sed 's/:[0-9]*$//'
docker port @a 81
docker port nobody
docker stats --no-stream --no-trunc --format '{{.Name}} {{.PIDs}}' @a
docker container stats -a --no-stream --format '{{.Name}}' | sort
docker stats --no-stream nobody
docker pause @a
docker container pause @a
docker unpause @a
docker container unpause @a
docker container pause @a; docker container unpause @a
docker rename @a @aa; docker container rename @aa @a
docker rename @a @b
docker rename @a a/b
docker update --cpus 0.5 -m 64m --memory-swap 128m --memory-reservation 32m --pids-limit 70 --restart on-failure:2 @a
docker container update -c 300 --cpuset-cpus 0 --cpuset-mems 0 @a
docker update --cpu-period 50000 --cpu-quota 20000 @b
docker update --blkio-weight 300 @b
docker update --cpu-rt-period 1000000 --cpu-rt-runtime 1000 @b
docker update -m 1k @a
docker update @a
docker container inspect -f '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}} {{.HostConfig.RestartPolicy.Name}}' @a
docker attach --no-stdin --sig-proxy=false @b
docker container attach --detach-keys ctrl-x,x nobody
docker run -d --name @w --network none test sh -c 'trap "exit 6" USR1; until [ -e /go ]; do sleep 0.1; done; echo end; exit 5'
docker exec @w touch /go; docker wait @w
docker start @w; docker container wait @w
docker container run -d --name @t --network none test sh -c 'trap "exit 6" USR1; echo ready; while :; do sleep 0.1; done'; until docker logs @t | grep ready; do :; done
docker kill -s USR1 @t; docker wait @t
docker kill @t
docker start @t; docker container kill @t; docker wait @t
docker kill -s bogus @a
docker stop -t 0 @a
docker container stop -s TERM -t 5 @a
docker restart -t 0 @a
docker container restart -s KILL -t 3 @a
docker stop nobody
docker stop -t bogus @a
docker diff @a | sort
docker container diff nobody
echo hello >file; docker cp file @a:/tmp/file; docker cp @a:/tmp/file - | tar -xO
docker container cp -a -q file @a:/tmp/two; docker exec @a ls -n /tmp/two | cut -c 1-20
docker exec @a ln -s file /tmp/link; docker cp -L @a:/tmp/link @back && cat @back
docker cp @a:/nowhere .
docker cp nowhere @a:/tmp
docker commit -a me -m words -c 'ENV A=b' -p @a @made:1
docker container commit --pause=false @a @made:2 >/dev/null; docker image inspect -f '{{.Author}} {{.Comment}} {{json .Config.Env}}' @made:1
docker commit nobody x
docker export -o @tar @a; tar -tf @tar | grep data
docker container export @a | tar -t | grep data
docker import -c 'CMD ["x"]' -m 'some words' --platform linux/amd64 @tar @imp:1 | cut -c 1-7
docker image import - @imp:2 <@tar | cut -c 1-7
docker import nowhere x
docker history --no-trunc --format '{{.CreatedBy}} {{.Size}} {{.Comment}}' @imp:1
docker image history -q -H=false @imp:1
docker history --platform linux/s390x test
docker images -a --no-trunc --format '{{.Repository}}:{{.Tag}}' | sort
docker image ls --digests --filter reference='test*'
docker images -q @made; docker image list @made
docker images --filter dangling=true
docker images --filter bogus=1
docker image inspect --platform linux/s390x test
docker image inspect -f '{{json .Config.Cmd}} {{.Os}}' @imp:1
docker tag test @one:1; docker image tag test @one:2
docker tag nobody x
docker save -o @save @one:1; tar -tf @save | grep -c json
docker image save --platform ARCH @one:1 @one:2 >@save
docker save nobody
docker rmi @one:1
docker image rm -f --no-prune @one:2
docker rmi --platform linux/s390x test; docker image remove nobody
docker rmi nobody
docker load -i @save
docker image load -q --platform ARCH <@save
docker build -q --network none ctx | cut -c 1-7
docker build --network none --build-arg X=7 --label a=@ --iidfile @iid -t @built:1 -t @built:2 -f ctx/other --target one --no-cache ctx 2>&1 | grep -cE '^#2 [0-9.]+ 7$'
docker image inspect -f '{{.Id}} {{json .Config.Labels}}' @built:2; grep -c . @iid
docker image build --no-cache --network none --add-host a:1.2.3.4 --ulimit nofile=77 --shm-size 5m --rm --force-rm --compress --pull=false -t @built:3 -f - ctx <ctx/limits 2>&1 | grep -cE '^#2 [0-9.]+ (1\.2\.3\.4.*a|77|size=5120k)$'
docker build --no-cache --network none --cgroup-parent /@build --cpu-period 50000 --cpu-quota 20000 -c 300 --cpuset-cpus 0 --cpuset-mems 0 -m 64m --memory-swap 128m --security-opt label=disable -f ctx/group ctx 2>&1 | grep -oE '(/[dh]-build/|(limit_in_bytes|memory.max):67108864|(quota_us|cpu.max):20000|shares:300)' | sort -u
docker build --network none --cache-from @built:3 -f ctx/limits ctx 2>&1 | grep -c CACHED
docker builder build -q --network none -t @built:4 ctx | cut -c 1-7; docker run --rm --network none @built:4
docker build -q --platform ARCH ctx | cut -c 1-7
docker build -q --platform linux/s390x ctx 2>&1 | grep -oE 'test is here for .* only'
docker build -q --platform windows/amd64 ctx 2>&1 | grep -o 'use linux/ARCH'
docker build -q --target nobody ctx 2>&1 | grep -o 'target stage.*'
docker build -q --network none -f ctx/fails ctx 2>&1 | tail -n 1
docker build -q --isolation hyperv ctx >/dev/null 2>&1 || echo refused
docker build -q --pull --network none ctx 2>/dev/null
docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | head -n 4
docker system df -v | grep -E '^[A-Z]' | head -n 5
docker login -u user -p wrong REGISTRY
echo secret | docker login -u user --password-stdin REGISTRY 2>/dev/null
docker tag test REGISTRY/@one:1; docker tag test REGISTRY/@one:2
docker push -q REGISTRY/@one:1
docker image push -a REGISTRY/@one | sort
docker push -a REGISTRY/nobody >/dev/null
docker push -a REGISTRY/@one:1
docker push --platform linux/s390x REGISTRY/@one:1 >/dev/null
docker push REGISTRY/nobody >/dev/null
docker rmi REGISTRY/@one:1 REGISTRY/@one:2
docker pull -q REGISTRY/@one:1
docker image pull --platform ARCH -q REGISTRY/@one:1
docker pull -a -q REGISTRY/@one
docker pull -q REGISTRY/nobody
docker images REGISTRY/@one --format '{{.Tag}}'
docker search --limit 5 --no-trunc --format '{{.Name}} {{.StarCount}}' REGISTRY/@
docker search --filter is-official=false --filter stars=0 REGISTRY/@one
docker search --filter bogus=1 REGISTRY/x
docker manifest create --insecure REGISTRY/@list:1 REGISTRY/@one:1
docker manifest create --insecure -a REGISTRY/@list:1 REGISTRY/@one:2
docker manifest annotate --os linux --arch arm64 --variant v8 --os-version 1 --os-features x REGISTRY/@list:1 REGISTRY/@one:2
docker manifest push --insecure -p REGISTRY/@list:1 | tail -n 1
docker manifest inspect --insecure REGISTRY/@list:1 | jq -S .
docker manifest inspect --insecure -v REGISTRY/@one:1 | jq -cS '[.[]?] | length'
docker manifest create --insecure REGISTRY/@list:2 REGISTRY/@one:1; docker manifest rm REGISTRY/@list:2
docker login -u user -p secret REGISTRY 2>/dev/null; docker logout REGISTRY; docker pull -q REGISTRY/@one:1
echo word | docker secret create -l a=@ @word -
echo other | docker secret create @other - && docker secret create @other env
docker secret ls -q -f name=@w; docker secret ls --filter label=a=@; docker secret list --quiet --format '{{.Name}} {{.Driver}} {{.Labels}} {{.Label "a"}}' -f name=@
docker secret inspect -f '{{.Spec.Name}} {{.Version.Index}} {{.Spec.Labels}}' @word @other nobody
docker secret inspect @other
docker secret inspect --pretty @word | head -n 5
docker secret inspect --pretty --format x @word
docker secret ls --format json -f id=none; docker secret ls -f bogus=1
docker secret create @none; docker secret create 'bad name' env
: | docker secret create @none -
docker secret rm nobody @word; docker secret remove @other
docker volume create @v
docker volume create -d local -o type=tmpfs -o device=tmpfs --label k=@ @w
docker volume create -d bogus @x
docker volume ls
docker volume list; docker volume ls -q --filter label=k --filter dangling=true
docker volume ls --format '{{.Name}} {{.Driver}} {{.Labels}} {{.Scope}}' --filter name=@
docker volume ls --filter bogus=1
docker volume inspect -f '{{.Name}} {{json .Options}}' @w nobody
docker volume rm @v
docker volume rm -f nobody; docker volume remove nobody
docker volume rm nobody
docker network create @n
docker network create -d bridge --subnet 10.NUM.1.0/24 --gateway 10.NUM.1.1 --ip-range 10.NUM.1.128/25 --aux-address x=10.NUM.1.7 -o com.docker.network.driver.mtu=1400 --label k=@ --internal --attachable --ipv4 @m
docker network create --ipv6 --subnet fdNUM::/64 --subnet 10.NUM.9.0/24 --ipam-driver default --ipam-opt bogus=1 @six
docker network create --config-only --subnet 10.NUM.8.0/24 @conf; docker network create --config-from @conf --scope local @of
docker network create -d bogus @x
docker network create @n
docker network create --subnet bogus @x
docker network ls --filter name=@
docker network ls -q --filter 'name=^ne.$' | wc -l; docker network ls -q --filter 'name=^ne$' | wc -l; docker volume ls -q --filter 'name=^@' | wc -l; docker volume ls -q --filter 'name=@$x' | wc -l
docker network ls -q --no-trunc --filter label=k; docker network list --filter label=nothing
docker network ls --filter driver=bridge --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.IPv6}}'
docker network ls --filter bogus=1
docker network connect --alias x --ip 10.NUM.1.9 --gw-priority 3 --link @b:bb @m @a
docker network connect --ip6 fdNUM::9 --link-local-ip 169.254.7.7 @six @a
docker network connect --driver-opt bogus=1 @n @a
docker network connect nobody @a
docker network inspect -f '{{.Name}} {{json .Options}} {{.Internal}} {{.Attachable}} {{len .Containers}}' @m
docker network inspect nobody
docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{json .Aliases}} {{.IPAddress}} {{.GlobalIPv6Address}} {{.GwPriority}}{{"\n"}}{{end}}' @a | grep -E '@(m|six)'
docker network rm @m
docker network disconnect @m @a
docker network disconnect -f @six @a
docker network disconnect @m @a
docker network rm -f nobody @m
docker network remove @six
docker network rm nobody
docker builder prune -a -f --filter until=24h --keep-storage 10g 2>/dev/null
docker image prune -a -f --filter label=bogus
docker container prune -f --filter label=bogus --filter until=10m
docker volume prune -f -a --filter label=bogus
docker network prune -f --filter label=bogus --filter until=10m
docker system prune -f -a --volumes --filter label=bogus 2>&1 | tail -n 1
docker image prune -f --filter bogus=1
docker events --since 1h --until 0s -f container=@b -f event=die --format '{{.Type}} {{.Action}} {{.Actor.Attributes.exitCode}}'
docker system events --since 1h --until 0s -f type=volume --format '{{.Action}} {{.Actor.ID}}' | grep @
docker events --since 1h --until 0s -f type=secret --format '{{.Action}} {{.Actor.Attributes.name}}' | grep @
docker events --since 1h --until 0s -f bogus=x
docker events --since bogus
docker run -d --name @l --network none -v /anon test sleep 1000
docker rm -l @l/al; docker container inspect -f '{{json .NetworkSettings.Networks.net.Links}}' @l; docker rm @l
docker container rm -f -v @l
docker run -d --name @l --network net --link @a:al test sleep 1000
docker container remove -f @l
docker rm nobody
docker rm -f nobody
"""

# docker's client alone: what it says is like the pattern.
OWN = [line.split(" => ") for line in r"""
docker version => Server: hull\n
docker version -f '{{.Server.APIVersion}}' => ^1\.\d+$
docker info => Server:\n Containers: \d+
docker system info -f '{{.Driver}} {{.OSType}}' => ^overlay2 linux$
docker context create @c --description words --docker host=$DOCKER_HOST => ^d-c$
docker context create @k --from @c => ^d-k$
docker context update @c --description other --docker host=$DOCKER_HOST => ^d-c$
docker context ls -q => ^d-c\nd-k\ndefault$
docker context ls --format '{{.Name}} {{.Description}}' => d-c other
docker context inspect -f '{{.Name}}' @c => ^d-c$
docker context export @c @context; docker context rm -f @c; docker context import @c @context => ^d-c$
env -u DOCKER_HOST docker --context d-c ps -q => ^[0-9a-f]{12}
docker context use @c; docker context use default; docker context show => ^default$
docker context remove @c => d-c
docker network inspect -v net => Subnet
docker images --tree @made 2>&1 => d-made:1
docker push --disable-content-trust REGISTRY/@one:1 2>&1 || docker pull --disable-content-trust REGISTRY/@one:1 2>&1 || : => denied
docker build --disable-content-trust -q ctx => sha256
printf 'GET /_ping HTTP/1.0\r\nHost: h\r\n\r\n' | docker system dial-stdio => 200 OK
for c in 'swarm init' 'swarm join x' 'swarm leave' 'swarm ca' 'swarm update --autolock' 'swarm unlock-key' 'node ls' 'service ls' 'service create x' 'stack ls' 'config ls'; do docker $c 2>&1 && echo "$c: no error"; done | sort -u => \A(.*rror response from daemon: This node is not a swarm manager: hull has no swarm\n|\[\]\n|\n)+\Z
echo word | docker config create word - 2>&1 || : => ^Error response from daemon: This node is not a swarm manager: hull has no swarm$
docker secret create -d external word 2>&1 || echo word | docker secret create --template-driver golang word - 2>&1 || : => no external drivers of secrets\n(.|\n)*no template drivers of secrets
docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' => ^inactive false$
docker plugin ls -q && docker plugin ls => ^ID +NAME +DESCRIPTION +ENABLED$
docker plugin install x 2>&1 || docker plugin inspect y 2>&1 || : => plugins are not supported by hull\nhint: (.|\n)*plugin "y" not found: hull has no plugins
docker checkpoint ls @a 2>&1 || : => only supported on a Docker daemon with experimental features
docker volume update x 2>&1 || : => get x: no such volume
DOCKER_BUILDKIT=1 docker build ctx 2>&1 || : => BuildKit is enabled but the buildx component is missing(.|\n)*Install the buildx component
env -u DOCKER_BUILDKIT docker build --network none -t @plain ctx 2>&1 => The legacy builder is deprecated(.|\n)*Successfully tagged
for v in 1.24 1.30 1.35 1.40 1.41 1.43 1.44 1.47 1.50; do export DOCKER_API_VERSION=$v; docker run -d --name @v --network net test sh -c 'echo out; sleep 1000' >/dev/null && docker exec @v echo in && until docker logs @v | grep out; do :; done && docker inspect -f '{{.State.Status}}' @v && docker ps --format '{{.Names}}' -f name=@v && docker images -q test | wc -l && docker cp @v:/etc/passwd - | tar -xO | grep -c root && docker stats --no-stream --format '{{.Name}}' @v && docker stop -t 0 @v && docker rm @v && docker version -f $v-{{.Client.APIVersion}} || exit 1; done => (in\nout\nrunning\nd-v\n1\n\d\nd-v\nd-v\nd-v\n(1\.\d+)-\2\n){9}
""".strip().splitlines()]

# Not asked for: swarm's, plugins', Docker's services, experiments, Windows' own.
LEFT_OUT = {"checkpoint", "plugin", "swarm", "node", "service", "stack", "config", "trust", "volume update",
            "create", "run", "start --checkpoint", "start --checkpoint-dir", "container create", "container run",
            "build --isolation", "network create --ingress", "volume ls --cluster",
            *(f"volume create --{x}" for x in ("availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing",
                                              "topology-preferred", "topology-required", "type"))}
ALIASES = {"container ls": "ps", "image ls": "images", "image rm": "rmi", "system info": "info", "system events": "events",
           "builder build": "build"}
hull, registry = sys.argv[1:3]


def text_of(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout


client = text_of("sh", "-c", "command -v docker").strip()
arch = "linux/" + text_of(hull, "image", "inspect", "-f", "{{.Architecture}}", "test").strip()
NUM = {"d": "61", "h": "62"}
for name, program in (("d", client), ("h", hull)):
    os.makedirs(name)
    with open(f"{name}/docker", "w", encoding="utf-8") as f:
        f.write(f"""#!/bin/sh\n{{ printf '%s\\037' "$@"; echo; }} >>{name}/used\nexec timeout 60 {program} "$@"\n""")
    os.chmod(f"{name}/docker", 0o755)


def run(engine, line):
    for word, value in (("@", engine + "-"), ("NUM", NUM[engine]), ("REGISTRY", registry), ("ARCH", arch)):
        line = line.replace(word, value)
    p = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                       env={**os.environ, "PATH": f"{os.getcwd()}/{engine}:{os.environ['PATH']}"})
    return p.returncode, p.stdout, p.stderr


# Ids, times, and whose object it is.
VOLATILE = [(r"[0-9a-f]{64}|\b([0-9a-f]{12}|[0-9a-f]{25})\b", "ID"), (r"\b[dh]-", "@"), (r"\b(10\.|fd)6[12]\b", r"\1NUM"),
            (r"(About )?\b(an?|\d+|Less than a) (second|minute)s?\b", "TIME"), (r" +", " "), (r" $", ""),
            (r"\d{4}-\d\d-\d\d[T ][0-9:.]+(Z| [+-]\d+ \w+)?", "DATE"),
            (r"^(Error response from daemon: |Error: |docker: |hull: )+", ""), (r"^(hint: |failed to (start|rename) contai|exit status).*\n?", ""),
            (r"^\n?Usage:[^$]*", ""), (r"^DEPRECATED.*\n +.*\n +.*\n\n", "")]


def alike(answer):
    code, *texts = answer
    for pattern, to in VOLATILE:
        texts = [re.sub(pattern, to, text, flags=re.M) for text in texts]
    return code, texts[0], texts[1].lower()


def missing():
    used = {}
    for line in open("d/used", encoding="utf-8"):
        words = line.rstrip("\n").split("\37")[:-1]
        used.setdefault(" ".join(words[:2]), []).append(words[2:])
        used.setdefault(words[0], []).append(words[1:])
    flags = dict(flags_of(client, LEFT_OUT))
    for command, of_it in flags.items():
        if command not in used:
            yield command
        short = command.replace("container ", "").replace("image ", "")
        one = ALIASES.get(command, short if short in flags else command)
        if one != command:
            continue
        given = [w for c in flags if c == one or ALIASES.get(c) == one or c.endswith(" " + one) for call in used.get(c, []) for w in call]
        for flag, letter in of_it.items():
            if f"{one} {flag}" not in LEFT_OUT and not is_given(flag, letter, given):
                yield f"{one} {flag}"


wrong = []
text_of(hull, "network", "create", "net")
os.mkdir("ctx")
for name, text in (("Dockerfile", 'FROM test\nCOPY file /f\nCMD ["cat", "/f"]\n'), ("file", "content\n"), ("fails", "FROM test\nRUN exit 3\n"),
                   ("other", "FROM test AS one\nARG X=1\nRUN echo $X\nFROM nobody\n"), ("limits", "FROM test\nRUN grep 1.2 /etc/hosts; ulimit -n; grep /dev/shm /proc/mounts | grep -o size=5120k\n"),
                   ("group", """FROM test
RUN cat /proc/self/cgroup; cd /sys/fs/cgroup; grep -s . */memory.limit_in_bytes memory.max cpu.max */cpu.cfs_quota_us */cpu.shares /proc/self/status
""")):
    with open(f"ctx/{name}", "w", encoding="utf-8") as f:
        f.write(text)
with open("env", "w", encoding="utf-8") as f:
    f.write("X=y\n")
for case in SAME.strip().splitlines():
    d, h = (alike(run(engine, case)) for engine in "dh")
    if d != h:
        wrong.append(f"{case}\n  docker: {d}\n  hull:   {h}")
for case, pattern in OWN:
    code, out, err = run("d", case)
    if code or not re.search(pattern, out, re.M):
        wrong.append(f"{case}\n  docker: {code} {out} {err}\n  wanted: {pattern}")
wrong += [f"no case of {what}" for what in missing()]
print(*wrong, sep="\n")
sys.exit(bool(wrong))
