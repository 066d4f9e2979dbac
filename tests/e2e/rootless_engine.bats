#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull of an ordinary user, who is made for the case in a mount namespace: with an account, and with ids to
# give away. He has no rights over control groups, unless HULL_TEST_DELEGATED=1 gives him one of version 2.

load lib

readonly ME=54321 FIRST=5400000

setup_file() {
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup() {
	need_root
	command -v setpriv >/dev/null || skip "needs setpriv"
	[ -u "$(command -v newuidmap)" ] || skip "needs newuidmap"
	[ "$(cat /proc/sys/user/max_user_namespaces)" != 0 ] || skip "no user namespaces"
	ROOTFS=$BATS_FILE_TMPDIR/rootfs
	# The folders of bats are root's alone.
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/hull-rootless.XXXXXX")
	mkdir -m 700 "$WORK/home" "$WORK/home/run"
	chmod 755 "$WORK"
	cp -a "$HULL_BIN_DIR" "$WORK/bin"
	{ cat /etc/passwd; echo "me:x:$ME:$ME::$WORK/home:/bin/sh"; } >"$WORK/passwd"
	{ cat /etc/group; echo "me:x:$ME:"; } >"$WORK/group"
	echo "me:$FIRST:65536" >"$WORK/subids"
	tar -C "$ROOTFS" -cf "$WORK/home/test.tar" .
	chown -R $ME:$ME "$WORK/home"
	[ -z "${HULL_TEST_DELEGATED-}" ] || delegate
	hull import -c 'CMD ["/bin/sh"]' test.tar test >/dev/null
}

# A group as systemd gives one to a session: the user may make others in it, and is in it himself.
delegate() {
	[ -e /sys/fs/cgroup/cgroup.controllers ] || skip "needs control groups version 2 alone"
	delegated=/sys/fs/cgroup/hull-rootless-${WORK##*.}
	mkdir -p "$delegated/in"
	echo "+cpu +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
	chown $ME:$ME "$delegated" "$delegated"/{cgroup.procs,cgroup.subtree_control,in,in/cgroup.procs}
}

# me COMMAND...: as the user, in his home.
me() {
	${NETNS:+ip netns exec "$NETNS"} unshare --mount -- sh -c '
		[ ! -e "$1/tun" ] || mount --bind "$1/tun" /dev/net/tun || exit
		[ ! -e "$1/no-pasta" ] || mount --bind "$1/no-pasta" "$(command -v pasta)" || exit
		[ ! -e "$1/resolv.conf" ] || mount --bind "$1/resolv.conf" /etc/resolv.conf || exit
		for f in passwd group; do mount --bind "$1/$f" /etc/$f || exit; done
		for f in subuid subgid; do [ ! -e /etc/$f ] || mount --bind "$1/subids" /etc/$f; done
		[ -z "$2" ] || echo $$ >"$2/in/cgroup.procs"
		cd "$1/home" && bin=$1/bin && shift 2 && exec setpriv --reuid '$ME' --regid '$ME' --clear-groups env -i \
			PATH="$bin:$PATH" HOME="$PWD" XDG_RUNTIME_DIR="$PWD/run" HULL_NETWORK='"${NET-none}"' "$@"' \
		sh "$WORK" "${delegated-}" "$@" 3>&-
}

hull() {
	me hull "$@"
}

left() {
	find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root -maxdepth 1 -lname "$WORK/*" 2>/dev/null |
		cut -d/ -f3 | sort -u | while read -r pid; do tr '\0' ' ' <"/proc/$pid/cmdline"; echo; done
	grep -lsF "$WORK" /proc/[0-9]*/mountinfo
	find "$WORK"/home/run/hull/{containers,exits} "$WORK"/home/.local/share/hull/containers -mindepth 1 \
		-maxdepth 1 2>/dev/null
}

teardown() {
	local ids found
	[ -d "${WORK-}" ] || return 0
	cd /
	[ ! -s "$WORK/home/pid" ] || kill "$(cat "$WORK/home/pid")" 2>/dev/null
	ids=$(hull ps -aq)
	# shellcheck disable=SC2086 # ids are words
	[ -z "$ids" ] || hull rm -f -v $ids >/dev/null
	for _ in $(seq $((50 * PATIENCE))); do
		found=$(left)
		[ -n "$found" ] || break
		sleep 0.1
	done
	[ -z "${NETNS-}" ] || remove_net
	[ -z "${delegated-}" ] || find "$delegated" -depth -type d -exec rmdir {} +
	rm -rf --one-file-system "$WORK"
	[ -z "$found" ] || fail "left behind:" "$found"
}

@test "RL1: root inside is the user outside, and the others are ids that he was granted" {
	run hull run --rm test sh -c 'id -u; cat /proc/self/uid_map | tr -s " "; stat -c %u:%g /home/user
		touch /x && chown 7:8 /x && stat -c %u:%g /x; cat /proc/sys/net/ipv4/ping_group_range | tr "\t" " "'
	assert_equal $'0\n 0 '$ME$' 1\n 1 '$FIRST$' 65536\n1000:1001\n7:8\n0 65536' "$output"
	assert_equal $'1000\n1001 29' "$(hull run --rm --user user test sh -c 'id -u; id -G')"
	# What the image's layer has on the disk.
	assert_equal $((FIRST + 999)) "$(stat -c %u "$WORK"/home/.local/share/hull/layers/*/fs/home/user)"
	assert_equal $ME:700 "$(stat -c %u:%a "$WORK/home/run/hull")"
}

@test "RL2: detached: ps, exec, logs, cp, diff, commit, top, stop, start, rm; all in one namespace" {
	local id
	hull run -d --name web test sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_ready web
	assert_equal $ME "$(stat -c %u "/proc/$(pid_of web)")"
	assert_equal $'0\n0' "$(hull exec web id -u; hull exec web id -g)"
	run hull exec --user user web sh -c 'id -u; exit 7'
	assert_status 7
	echo text >"$WORK/home/file"
	chown $ME "$WORK/home/file"
	hull cp file web:/tmp/file
	assert_equal 0:0 "$(hull exec web stat -c %u:%g /tmp/file)"
	assert_equal text "$(hull cp web:/tmp/file - | tar xO)"
	[[ "$(hull diff web)" == *"A /tmp/file"* ]]
	run hull commit web copy
	assert_status 0
	[ -n "${delegated-}" ] || assert_has "has no control group and is not paused"
	assert_equal text "$(hull run --rm copy cat /tmp/file)"
	[[ "$(hull top web -o pid,args)" == *"sh -c trap"* ]]
	# A user can give it no profile of AppArmor, where that is.
	run hull explain web security
	assert_line '^security: (stricter than the default: ids of its own|weaker than the default: no AppArmor profile)'
	assert_has "its 0 is $ME outside"
	assert_equal text "$(hull debug web cat /container/tmp/file)"
	hull stop -t 5 web
	assert_equal 3 "$(hull inspect -f '{{.State.ExitCode}}' web)"
	hull start web
	hull exec web true
	hull rm -f web
}

# bats test_tags=fast
@test "RL27: secrets: files with owners of the container's, variables; a uid that he has not" {
	echo -n canary-88 >"$WORK/home/word"
	chown $ME "$WORK/home/word"
	hull secret create word word
	assert_equal "canary-88 400:1000:1001 canary-88" "$(hull run --rm --user user --secret word,uid=1000,gid=1001,mode=400 --secret word,type=env \
		test sh -c 'echo "$(cat /run/secrets/word) $(stat -c %a:%u:%g /run/secrets/word) $word"')"
	run hull run --rm --secret word test sh -c 'echo x >/run/secrets/word'
	assert_status 1
	assert_has "Read-only"
	run hull run --rm --secret word,uid=70000 test true
	assert_status 125
	assert_has "/etc/subuid"
	assert_equal "$ME:600" "$(stat -c %u:%a "$WORK"/home/.local/share/hull/secrets/*)"
	hull secret rm word
	assert_equal "" "$(ls "$WORK/home/.local/share/hull/secrets")"
}

@test "RL3: kernel file systems and devices, of its own and the host's" {
	run hull run --rm test sh -c 'echo x >/dev/null && head -c 4 /dev/zero | wc -c; [ -c /dev/tty ] && [ -c /dev/ptmx ] &&
		touch /dev/shm/x /dev/mqueue/q && ls /sys/class/net && touch /sys/x 2>/dev/null || echo ro'
	assert_equal $'4\nlo\nro' "$output"
	assert_equal "$(ls /sys/class/net)" "$(hull run --rm --network host test ls /sys/class/net)"
	hull run --rm --pid host test sh -c '[ -d /proc/'$$' ] && ! touch /proc/sys/vm/x 2>/dev/null'
	run me script -qec "hull run -it --rm test tty" /dev/null
	assert_has /dev/pts/0
	# Masked, and what is root's on the host is not his.
	assert_equal 0 "$(hull run --rm test sh -c 'cat /proc/keys | wc -c')"
	mkdir -m 700 "$WORK/secret"
	run hull run --rm -v "$WORK/secret:/s" test ls /s
	assert_status 1
	assert_has "Permission denied"
	run hull run --rm --privileged -v "$WORK/secret:/s" test ls /s
	assert_status 1
}

@test "RL4: volumes, copy-up, whiteouts and opaque folders in the user's attributes" {
	assert_equal from\ the\ image "$(hull run --rm -v vol:/data test cat /data/file)"
	hull run --rm -v vol:/data test sh -c 'echo new >/data/new'
	assert_equal new "$(hull run --rm -v vol:/mnt test cat /mnt/new)"
	printf '%s\n' 'FROM test' 'RUN rm /etc/group && rm -r /data && mkdir /data && echo new >/data/new' \
		'RUN chown user /data/new && ln -s /nowhere /link' 'CMD ["ls", "/data"]' >"$WORK/home/Dockerfile"
	hull build --network none -q -t built . >/dev/null
	assert_equal new "$(hull run --rm built)"
	assert_equal 1000 "$(hull run --rm built stat -c %u /data/new)"
	run hull run --rm built cat /etc/group
	assert_status 1
	# The same, packed and unpacked again.
	hull save -o saved.tar built
	hull rmi -f built test >/dev/null
	hull load -i saved.tar
	assert_equal $'new\n/data' "$(hull run --rm built sh -c 'ls /data; [ -e /etc/group ] || echo /data')"
	# What a layer brings along is not believed.
	mkdir -p "$WORK/forged/data" && setfattr -n user.overlay.opaque -v y "$WORK/forged/data"
	tar --xattrs --xattrs-include='user.*' -C "$WORK/forged" -cf "$WORK/home/forged.tar" data
	printf '%s\n' 'FROM built' 'ADD forged.tar /' >"$WORK/home/Dockerfile"
	hull build --network none -q -t forged . >/dev/null
	assert_equal new "$(hull run --rm forged)"
}

@test "RL5: limits and pause without a group are refused with the reason; stats has no zeros" {
	[ -z "${delegated-}" ] || skip "is about a user without a group"
	local option
	for option in "-m 64m" "--cpus 0.5" "--pids-limit 10" "--cpu-shares 512" "--cpuset-cpus 0"; do
		# shellcheck disable=SC2086 # words
		run hull run --rm $option test true
		assert_status 125
		assert_has "need a control group: no control group may be made here"
		assert_has "Delegate=yes"
	done
	hull run -d --name web test sleep 100
	run hull stats --no-stream web
	assert_status 0
	assert_line 'web +-- +-- +-- '
	assert_has "WARNING: container web: nothing is counted without a control group"
	run hull pause web
	assert_status 1
	assert_has "no control group may be made here"
	run hull update -m 64m web
	assert_status 1
	assert_has "need a control group"
	hull update --restart on-failure web
	run hull why mem web
	assert_status 1
}

@test "RL6: bridges are refused with the reason" {
	run hull network create x
	assert_status 1
	assert_has "over which a user has no rights"
}

@test "RL7: commands that begin at the same time find one namespace; it ends with its last user" {
	local i holders starts=()
	for i in 1 2 3 4; do
		hull run -d --name "many$i" test sleep 100 >/dev/null &
		starts+=($!)
	done
	wait "${starts[@]}"
	for i in 1 2 3 4; do
		hull exec "many$i" true
		readlink "/proc/$(pid_of "many$i")/ns/user"
	done | sort -u >"$WORK/spaces"
	assert_equal 1 "$(wc -l <"$WORK/spaces")"
	# Whoever holds it is killed, and the keeper of a container: it is found again.
	holders=$(find /proc/[0-9]*/fd -maxdepth 1 -lname "$WORK/home/run/hull/userns" | cut -d/ -f3)
	for i in $holders; do
		[ "$(cat "/proc/$i/comm")" != hull-userns ] || kill -KILL "$i"
	done
	hull exec many2 true
	hull run --rm test true
	hull rm -f many1 many2 many3 many4 >/dev/null
}

@test "RL8: restart policy and health check go on in the same namespace" {
	hull run -d --name web --restart on-failure:2 --health-cmd true --health-interval 1s test \
		sh -c 'sleep 0.2; exit 1' >/dev/null
	restarted() { [ "$(hull inspect -f '{{.RestartCount}}' web)" = 2 ] && has_status web exited; }
	wait_for 10 restarted
}

@test "RL9: without ids of his own he is told so once, and has one user" {
	[ -e /etc/subuid ] || skip "needs /etc/subuid"
	: >"$WORK/subids"
	rm -rf "$WORK"/home/run/hull "$WORK"/home/.local
	run hull doctor
	assert_line "^ +ids +1$"
	assert_has "1 ids: images with files of others cannot be unpacked; "
	assert_has "usermod --add-subuids"
	rm -rf "$WORK"/home/run/hull "$WORK"/home/.local
	run hull import test.tar test
	assert_status 1
	assert_has "WARNING: /etc/subuid and /etc/subgid grant me no ids"
	assert_has "usermod --add-subuids"
	assert_has "/etc/subuid and /etc/subgid grant this user not so many ids"
	chown -R 0:0 "$WORK/home/test.tar"
	mkdir "$WORK/small" && cp -a "$ROOTFS"/{bin,etc,tmp} "$WORK/small" && tar -C "$WORK/small" -cf "$WORK/home/test.tar" .
	run hull import test.tar test
	assert_status 0
	assert_lacks WARNING
	assert_equal $'0\ndeny' "$(hull run --rm test sh -c 'id -u; cat /proc/self/setgroups')"
	run hull run --rm --user 7 test id -u
	assert_status 125
	assert_has "no such id"
}

@test "RL10: folders that are not his alone are not trusted" {
	mkdir -m 777 "$WORK/other"
	run hull --runroot "$WORK/other" ps
	assert_status 1
	assert_has "not this user's alone"
	run me env XDG_RUNTIME_DIR="$WORK/other" hull ps
	assert_status 125
	assert_has "for himself"
	# And $PATH does not say what newuidmap is.
	printf '#!/bin/sh\ntouch %s/home/called\n' "$WORK" >"$WORK/bin/newuidmap"
	chmod +x "$WORK/bin/newuidmap"
	hull ps
	[ ! -e "$WORK/home/called" ]
}

@test "RL11: device nodes of a layer are left out" {
	mkdir -p "$WORK/dev/dev" "$WORK/dev/bin"
	cp "$ROOTFS/bin/busybox" "$WORK/dev/bin/"
	mknod "$WORK/dev/dev/null" c 1 3 && mknod "$WORK/dev/disk" b 8 0
	tar -C "$WORK/dev" -cf "$WORK/home/dev.tar" .
	hull import dev.tar dev
	assert_equal "" "$(hull run --rm dev /bin/busybox find / -xdev -type b)"
}

@test "RL22: hulld of a user: its socket is his alone" {
	local sock=$WORK/home/run/hull/hulld.sock
	me sh -c 'echo $$ >pid; exec hulld' >"$WORK/hulld" 2>&1 &
	wait_for 5 [ -S "$sock" ]
	assert_equal $ME:660 "$(stat -c %u:%a "$sock")"
	me curl -sf -m $((5 * PATIENCE)) --unix-socket "$sock" -H 'Content-Type: application/json' -d '{"Image": "test", "Cmd": ["sleep", "100"],
		"HostConfig": {"NetworkMode": "none"}}' 'http://d/v1.43/containers/create?name=api' >/dev/null
	me curl -sf -m $((5 * PATIENCE)) --unix-socket "$sock" -X POST http://d/v1.43/containers/api/start
	hull exec api true
	# A build of BuildKit's client has its session with a process of the user's.
	if /usr/bin/docker version -f '{{.Client.Version}}' 2>/dev/null | grep -q '^2[0-2]\.'; then
		me sh -c 'mkdir ctx && echo s >ctx/f && printf "FROM test\nCOPY f /\nRUN --mount=type=secret,id=s cat /f /run/secrets/s >/got\n" >ctx/Dockerfile'
		me env DOCKER_HOST=unix://"$sock" DOCKER_BUILDKIT=1 timeout 60 /usr/bin/docker build --network none --secret id=s,src=ctx/f -t kit ctx
		assert_equal $'s\ns' "$(hull run --rm --network none kit cat /got)"
	fi
	kill "$(cat "$WORK/home/pid")"
	wait_for 5 [ ! -e "$sock" ]
	hull exec api true
}

@test "RL26: the page of a user's hulld: what he has, and nobody else's" {
	NETNS=hullrl$BASHPID WORLD=hullrlw$BASHPID
	ip netns add "$NETNS" && ip netns add "$WORLD" && ip -n "$NETNS" link set lo up
	me sh -c 'echo $$ >pid; exec hulld --page 127.0.0.1:8088' >"$WORK/hulld" 2>&1 &
	wait_for 10 ip netns exec "$NETNS" curl -sf -o "$WORK/page" http://127.0.0.1:8088/
	grep -q "<title>" "$WORK/page"
	hull run -d --name mine test sleep 100
	run hull run --name ended test sh -c 'exit 7'
	ip netns exec "$NETNS" curl -sf -o "$WORK/figures" http://127.0.0.1:8088/figures
	assert_equal "mine running|7" "$(jq -r '"\(.containers[] | select(.name == "mine") | "\(.name) \(.state)")|\(.ends[0].code)"' "$WORK/figures")"
	assert_equal 404 "$(ip netns exec "$NETNS" curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8088/containers/json)"
}

@test "RL23: what takes rights over the machine is said, or done in another way" {
	# A node cannot be made: it is the host's, under another name.
	assert_equal $'1:3\n1:5' "$(hull run --rm --device /dev/null:/dev/mine --device /dev/zero:/some/zero test \
		stat -c %t:%T /dev/mine /some/zero)"
	run hull run --rm --oom-score-adj -500 test true
	assert_status 0
	assert_has "WARNING: --oom-score-adj -500"
	run hull run --rm --ulimit nofile=900000000 test true
	assert_status 0
	assert_has "is the most that can be given here"
	run hull --cgroup-manager systemd run --rm test true
	assert_status 125
	assert_has "for root's containers only"
}

@test "RL20: another session of the user: exec says why not, the rest goes; it starts again where its user is" {
	local own
	[ -n "${delegated-}" ] || delegate
	own=$delegated
	hull run -d --name web -m 32m --memory-swap 32m test sleep 100
	hull run -d --name free test sleep 100
	delegated=
	run hull exec web true
	assert_status 1
	assert_has "lies in another session of this user"
	run hull stats --no-stream web
	assert_has "/ 32MiB"
	hull pause web
	hull unpause web
	hull stop -t 0 web free
	[ -z "$(find "$own/hull" -mindepth 1 -type d)" ]
	# Without a group: refused where that takes a limit away.
	run hull start web
	assert_status 1
	assert_has "limits (memory limit) need a control group"
	hull start free
	assert_equal "|" "$(hull inspect -f '{{.HostConfig.CgroupParent}}|{{.Hull.CgroupPath}}' free)"
	hull exec free true
	hull stop -t 0 free
	delegated=$own
	hull start free web
	assert_equal "${own#/sys/fs/cgroup}/hull" "$(hull inspect -f '{{.HostConfig.CgroupParent}}' free)"
	hull exec free true
}

@test "RL21: a controller that was not delegated: the limit is refused, doctor says what to write" {
	local top
	delegate
	top=$delegated delegated=$delegated/some
	echo "+memory +pids" >"$top/cgroup.subtree_control"
	mkdir -p "$delegated/in"
	chown 0:0 "$top" "$top"/{cgroup.procs,cgroup.subtree_control,in}
	chown $ME:$ME "$delegated" "$delegated"/{cgroup.procs,cgroup.subtree_control,in,in/cgroup.procs}
	hull run --rm -m 32m --pids-limit 20 test true
	for option in "--cpus 0.5" "--cpuset-cpus 0"; do
		# shellcheck disable=SC2086 # words
		run hull run --rm $option test true
		assert_status 125
		assert_has "controller down"
		assert_has "Delegate="
	done
	run hull doctor
	assert_has "memory pids, delegated in ${delegated#/sys/fs/cgroup}"
	assert_has "Delegate="
	delegated=$top
}

@test "RL12: with a group of his own: limits, stats, update, pause, out of memory" {
	[ -n "${delegated-}" ] || delegate
	hull run -d --name web -m 32m --memory-swap 32m --pids-limit 50 --cpus 0.5 test sleep 100
	local group
	group=/sys/fs/cgroup$(cut -d: -f3 "/proc/$(pid_of web)/cgroup")
	[[ $group == "$delegated"/* ]]
	assert_equal "33554432 50 50000 100000" "$(cat "$group"/{memory.max,pids.max,cpu.max} | xargs)"
	run hull stats --no-stream web
	assert_status 0
	assert_has "/ 32MiB"
	hull update -m 64m --memory-swap 64m web
	assert_equal 67108864 "$(cat "$group/memory.max")"
	hull exec web sh -c 'test -e /sys/fs/cgroup/cgroup.procs && ! echo 0 2>/dev/null >/sys/fs/cgroup/cgroup.procs'
	hull pause web
	assert_equal paused "$(hull inspect -f '{{.State.Status}}' web)"
	hull unpause web
	hull exec web true
	run hull run --name eater -m 16m --memory-swap 16m test /probe eat 64
	assert_status 137
	run hull why eater
	[[ $output == *"its main process was probably killed by the kernel: the container probably reached its memory limit of 16MiB"* ]]
}

# A machine of the case's own, NETNS, with an uplink to another one that answers: WORLD.
make_net() {
	[ -c /dev/net/tun ] || skip "the kernel has no tun devices"
	command -v pasta >/dev/null || skip "needs pasta"
	local name=hullrl$BASHPID
	NETNS=$name WORLD=${name}w NET=bridge # a user's "bridge" is pasta
	ip netns add "$NETNS"
	ip netns add "$WORLD"
	ip link add up0 netns "$NETNS" type veth peer name down0 netns "$WORLD"
	ip -n "$NETNS" link set lo up
	ip -n "$WORLD" link set lo up
	ip -n "$NETNS" addr add 10.99.0.2/24 dev up0
	ip -n "$WORLD" addr add 10.99.0.1/24 dev down0
	ip -n "$NETNS" link set up0 up
	ip -n "$WORLD" link set down0 up
	ip -n "$NETNS" route add default via 10.99.0.1
	mknod -m 666 "$WORK/tun" c 10 200
	echo "nameserver 10.99.0.1" >"$WORK/resolv.conf"
}
remove_net() {
	ip netns del "$NETNS"
	ip netns del "$WORLD"
}
in_world() {
	ip netns exec "$WORLD" "$@"
}
# says_hello NETNS ADDRESS PORT: what is answered.
says_hello() {
	ip netns exec "$1" python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
s.sendall(b"hello\n")
print(s.makefile().readline().strip())' "$2" "$3"
}
# A server in the world, at port 99, that tells one client his address.
tells_who_comes() {
	in_world timeout 60 python3 -c 'import socket
s = socket.create_server(("10.99.0.1", 99))
c, a = s.accept()
c.sendall(("you are %s\n" % a[0]).encode())
c.recv(1)' 3>&- &
	STARTED+=($!)
	wait_for 10 eval '[ -n "$(in_world ss -Htln "sport = 99")" ]'
}
no_pasta() {
	[ -z "$(pgrep -u $ME -f 'pasta --config-net')" ]
}

@test "RL13: pasta: out and in, the client's own address, names, ports; it ends with the container" {
	make_net
	hull run -d --name web -p 8080:80 -p 127.0.0.1:8081:81 test sh -c 'while :; do nc -l -p 80 -e sh -c "read x; echo got \$x"; done'
	assert_equal pasta "$(hull inspect -f '{{.HostConfig.NetworkMode}}' web)"
	assert_equal "nameserver 169.254.1.1" "$(hull exec web grep nameserver /etc/resolv.conf)"
	run hull port web
	assert_equal $'80/tcp -> 0.0.0.0:8080\n81/tcp -> 127.0.0.1:8081' "$output" # the machine has no route of IPv6
	# In, from the machine itself and from outside.
	for from in "$NETNS 127.0.0.1" "$WORLD 10.99.0.2"; do
		assert_equal "got hello" "$(says_hello "${from% *}" "${from#* }" 8080)"
	done
	# Where no address is named: the one of hull.conf.
	mkdir -p "$WORK/home/.config/hull"
	echo 'ip = 10.99.0.2' >"$WORK/home/.config/hull/hull.conf"
	hull run -d --name bound -p 8082:80 test sh -c 'while :; do nc -l -p 80 -e sh -c "read x; echo got \$x"; done'
	assert_equal "80/tcp -> 10.99.0.2:8082" "$(hull port bound)"
	assert_equal "got hello" "$(says_hello "$WORLD" 10.99.0.2 8082)"
	[ -z "$(ip netns exec "$NETNS" ss -Htln src 127.0.0.1:8082)" ]
	rm "$WORK/home/.config/hull/hull.conf"
	hull rm -f bound
	# Out; a published port shows the client's own address.
	tells_who_comes
	assert_equal "you are 10.99.0.2" "$(hull exec web sh -c 'sleep 5 | timeout 20 nc 10.99.0.1 99 | head -n 1')"
	hull run -d --name who -p 8090:90 test sh -c 'nc -l -p 90 -e sh -c "read x; cat /proc/net/tcp /proc/net/tcp6; sleep 1"; sleep 600'
	wait_for 10 hull exec who grep -q ':005A ' /proc/net/tcp /proc/net/tcp6
	run in_world python3 -c 'import socket
s = socket.create_connection(("10.99.0.2", 8090), 30)
s.sendall(b"hello\n")
print(s.makefile().read(620))'
	assert_has "0100630A:" # 10.99.0.1
	# A port that is taken, and one that is root's.
	run hull run --rm -p 8080:80 test true
	assert_status 125
	assert_has "port is already allocated"
	run hull run --rm -p 80:80 test true
	assert_status 125
	assert_has "Permission denied"
	assert_has "ip_unprivileged_port_start"
	[ "$(pgrep -c -u $ME -f 'pasta --config-net')" = 2 ]
	hull rm -f web who
	no_pasta
	# One that has ended is noticed, and started again with its ports.
	hull run -d --name again -p 8080:80 test sh -c 'while :; do nc -l -p 80 -e sh -c "read x; echo got \$x"; done'
	pkill -KILL -u $ME -f 'pasta --config-net'
	wait_for 10 no_pasta
	run hull explain again net
	assert_has "net: nothing reaches it or leaves it: its pasta, which carries its connections, has ended"
	run hull system check
	assert_status 1
	assert_has "container again has no network: its pasta has ended"
	hull network reload
	run hull system check
	assert_status 0
	assert_equal "got hello" "$(says_hello "$WORLD" 10.99.0.2 8080)"
	hull rm -f again
	no_pasta
	run hull run --rm -p '[::1]:8081:80' test true
	assert_status 125
	assert_has "pasta could not make the network: Failed to bind any port"
	assert_has "ip -6 route"
	# IPv6 too, where the machine has it.
	ip -n "$NETNS" addr add fd99::2/64 dev up0 nodad
	ip -n "$NETNS" route add default via fd99::1
	hull run -d --name six -p 8080:80 -p '[::1]:8081:80' test sh -c 'while :; do nc -l -p 80 -e sh -c "read x; echo got \$x"; done'
	run hull port six
	assert_equal $'80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n80/tcp -> [::1]:8081' "$output"
	assert_equal "got hello" "$(says_hello "$NETNS" ::1 8080)"
	assert_equal "got hello" "$(says_hello "$NETNS" ::1 8081)"
	hull rm -f six
	wait_for 10 no_pasta
	# It gets them again, and another run has nothing of the last one.
	hull run --rm -p 8080:80 test ip route >"$WORK/routes"
	grep -q "default via 10.99.0.1" "$WORK/routes"
	wait_for 10 no_pasta
}

@test "RL24: slirp4netns where it is asked for: out and in, names; it ends with the container" {
	command -v slirp4netns >/dev/null || skip "needs slirp4netns"
	make_net
	no_slirp() { [ -z "$(pgrep -u $ME -x slirp4netns)" ]; }
	hull run -d --name web --network slirp4netns -p 8080:80 test sh -c 'while :; do nc -l -p 80 -e sh -c "read x; echo got \$x"; done'
	assert_equal slirp4netns "$(hull inspect -f '{{.HostConfig.NetworkMode}}' web)"
	assert_equal "80/tcp -> 0.0.0.0:8080" "$(hull port web)" # it has no IPv6
	assert_equal "0.0.0.0:8080->80/tcp" "$(hull ps --format '{{.Ports}}')"
	assert_equal "nameserver 10.0.2.3" "$(hull exec web grep nameserver /etc/resolv.conf)"
	for from in "$NETNS 127.0.0.1" "$WORLD 10.99.0.2"; do
		assert_equal "got hello" "$(says_hello "${from% *}" "${from#* }" 8080)"
	done
	tells_who_comes
	assert_equal "you are 10.99.0.2" "$(hull exec web sh -c 'sleep 5 | timeout 20 nc 10.99.0.1 99 | head -n 1')"
	run hull run --rm --network slirp4netns -p 8080:80 test true
	assert_status 125
	assert_has "port is already allocated"
	pkill -KILL -u $ME -x slirp4netns
	wait_for 10 no_slirp
	hull network reload
	assert_equal "got hello" "$(says_hello "$WORLD" 10.99.0.2 8080)"
	hull rm -f web
	wait_for 10 no_slirp
	# Without a route pasta has nothing to copy; slirp4netns needs none.
	ip -n "$NETNS" route del default
	run hull run --rm --network pasta test true
	assert_status 125
	assert_has "pasta could not make the network: "
	assert_has "there is none (ip route); use --network slirp4netns, host or none"
	hull run --rm --network slirp4netns test true
	ip -n "$NETNS" route add default via 10.99.0.1
	# Where there is no pasta it is what a container gets that names none.
	touch "$WORK/no-pasta"
	run hull run --rm --network pasta test true
	assert_status 125
	assert_has "from pasta, which is not installed"
	hull run -d --name plain -p 8080:80 test sh -c 'nc -l -p 80 -e sh -c "read x; echo got \$x"'
	assert_equal slirp4netns "$(hull inspect -f '{{.HostConfig.NetworkMode}}' plain)"
	assert_equal "got hello" "$(says_hello "$WORLD" 10.99.0.2 8080)"
	hull rm -f plain
	rm "$WORK/no-pasta"
	# Neither leaves anything where it cannot work.
	rm "$WORK/tun" && touch "$WORK/tun"
	for network in slirp4netns pasta; do
		run hull run --rm --network $network test true
		assert_status 125
		assert_has "$network could not make the network: "
		assert_has "it needs /dev/net/tun"
	done
}

@test "RL25: host-gateway is the machine, not the container itself; where pasta has no address for it that is said" {
	local network answers='import socket
s = socket.create_server(("", 7000))
while True:
	c = s.accept()[0]
	c.sendall(b"the machine\n")
	c.close()'
	make_net
	ip netns exec "$NETNS" timeout $((60 * PATIENCE)) python3 -c "$answers" 3>&- &
	STARTED+=($!)
	wait_for 10 eval '[ -n "$(ip netns exec "$NETNS" ss -Htln "sport = 7000")" ]'
	ask() {
		hull run --rm --network "$1" --add-host gw:host-gateway test sh -c 'grep gw /etc/hosts | tr "\t" " "; sleep 2 | timeout 20 nc gw 7000 | head -n 1'
	}
	if command -v slirp4netns >/dev/null; then
		assert_equal $'10.99.0.2 gw\nthe machine' "$(ask slirp4netns)"
	fi
	run ask pasta
	assert_status 125
	assert_has "extra host gw:host-gateway: the machine has no address by which it is reached: pasta gives the container the one that leads out"
	assert_has "use --network slirp4netns or host; or give the machine an address more"
	ip -n "$NETNS" addr add 192.168.255.254/32 dev lo
	assert_equal $'192.168.255.254 gw\nthe machine' "$(ask pasta)"
}

@test "RL14: pasta: what cannot be had with it is refused; without it the way is told" {
	NET=bridge
	for options in "--network-alias x" "--mac-address 02:42:00:00:00:01"; do
		# shellcheck disable=SC2086 # options are words
		run hull run --rm $options test true
		assert_status 125
		assert_has "a user's container has the addresses that pasta gives it, no own ones, no aliases, no driver-opt, and no other network"
	done
	run hull run --rm --network pasta --network pasta test true
	assert_status 125
	assert_has "and no other network"
	run hull run --rm -p 9999:99/sctp test true
	assert_status 125
	assert_has "port 99/sctp cannot be published"
	for address in ::1 ::; do
		run hull create --network slirp4netns -p "[$address]:8080:80/udp" test true
		assert_status 1
		assert_has "port 80/udp cannot be published on $address: slirp4netns has no IPv6"
		assert_has "publish it on an address of IPv4, or use --network pasta"
	done
	run "$HULL" --root "$WORK/r" --runroot "$WORK/rr" create --network pasta --rootfs / true
	assert_has "network pasta is for users without root's rights"
}

# of_topic TOPIC TEXT: a line of what was explained.
of_topic() {
	awk -v t="$1:" '/^[a-z]+: / { on = $1 == t } on' explained | grep -qE -- "$2" || fail "$1 has no $2" "$(<explained)"
}

@test "rootless: hull explains what it can without a group, and says what it cannot" {
	[ -z "${delegated-}" ] || skip "is about a user without a group"
	hull run -d --name cc test sh -c 'trap : USR1; /probe vforked & while :; do sleep 1; done'
	wait_for 20 eval 'hull explain cc load | grep -q "1.0 wait uninterruptibly"'
	cd "$WORK"
	hull explain cc >explained
	of_topic signals '^ +1 sh +catches .*USR1'
	of_topic zombies 'no zombies'
	of_topic load 'probe +waits in '
	of_topic cpu 'not known: nothing is counted without a control group.*Delegate=yes'
	of_topic mem 'not known'
	of_topic io 'not known'
	of_topic limits 'not known: it has no control group of its own; what limits the group that it was started in'
	of_topic caps 'uid 0: effective the default 14'
	of_topic disk 'its own layer'
	run hull explain cc net
	assert_line "^ +TCP .*reordering seen 0 times"
	run hull run --rm --storage-opt size=10m test true
	assert_status 125
	assert_has "an image cannot take its place: loop devices are for root alone"
	run hull explain cc caps sh
	assert_has "executing /bin/sh comes to uid 0 with the default 14 in force"
	run hull doctor
	assert_line '^ +limits +none$'
	assert_has "Delegate="
	run hull doctor cc
	assert_status 1
	assert_line '^signals: stop is not graceful'
	assert_lacks Error
	[[ $(hull why cc) == *": it adds "*"wait uninterruptibly"* ]]
	for what in "trace cc" "system record" "explain --denied --time 1s cc caps" "run --rm --learn-caps test true"; do
		# shellcheck disable=SC2086 # words
		run hull $what
		[ "$status" != 0 ] || fail "$what"
		[[ $output =~ "needs root"|"no control group" ]] || fail "$what: $output"
	done
	hull run --name dead test sh -c 'exit 3' || [ $? = 3 ]
	[[ $(hull why dead) == *": its command ended by itself with 3 after "* ]]
}

@test "rootless: who asked for it is the user, not the root that he is in his namespace" {
	hull run -d --name cc test sleep 600
	hull kill cc
	run hull why cc
	assert_has "uid $ME, from "
	assert_lacks "uid 0"
	hull rm cc
}

@test "rootless: without XDG_RUNTIME_DIR a folder in /tmp that nobody else can have made" {
	[ ! -e "/run/user/$ME" ] || skip "there is a /run/user/$ME"
	local boot folder
	read -r boot </proc/sys/kernel/random/boot_id
	folder=/tmp/hull-run-$ME-${boot:0:8}
	[ ! -e "$folder" ] || skip "$folder is there"
	me env -u XDG_RUNTIME_DIR hull ps
	assert_equal "700 $ME" "$(stat -c '%a %u' "$folder")"
	rm -rf "$folder"
	mkdir -m 755 "$folder"
	run me env -u XDG_RUNTIME_DIR hull ps
	rmdir "$folder"
	assert_status 125
	assert_has "--runroot is not known"
	assert_has "hint: "
}
