#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The main job on real input: Debian with nginx from Debian's archive, made into images by buildah and skopeo,
# and its whole life with hull. Needs the archive that apt uses; all else happens in a network of its own.
#
# HULL_TEST_DEBIAN names a folder that debootstrap has filled already (with what make_tree includes): then none is made.

bats_require_minimum_version 1.5.0
load ../e2e/lib
# That of the suite is no folder, which buildah and skopeo do not forgive.
unset DOCKER_CONFIG

make_tree() {
	local mirror
	mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
	debootstrap --variant=minbase --include=nginx-light,curl,iperf3,bind9-dnsutils bookworm "$1" "$mirror" >"$1.log" 2>&1 ||
		{ tail -n 20 "$1.log"; return 1; }
}

# As the image of nginx has it: its logs are the container's, and it lets connections end at QUIT.
make_archives() {
	local b="buildah --root $CACHE/b --runroot $CACHE/br --storage-driver vfs" c
	ln -sf /dev/stdout "$1/var/log/nginx/access.log"
	ln -sf /dev/stderr "$1/var/log/nginx/error.log"
	mkdir -p "$1/var/www/html/empty"
	c=$($b from scratch) && $b copy -q "$c" "$1" / &&
		$b config --cmd '["nginx","-g","daemon off;"]' --stop-signal QUIT --port 80 --label tier=web \
			--env LANG=C.UTF-8 --workingdir /var/www "$c" &&
		$b commit -q "$c" localhost/web &&
		$b push -q localhost/web "docker-archive:$CACHE/web.tar:web:1" &&
		skopeo copy -q "docker-archive:$CACHE/web.tar" "oci-archive:$CACHE/web-oci.tar:web:oci"
}

setup_file() {
	export CACHE=$BATS_FILE_TMPDIR
	local tree=$CACHE/tree
	if [ -n "${HULL_TEST_DEBIAN-}" ]; then
		cp -a "$HULL_TEST_DEBIAN" "$tree"
	else
		make_tree "$tree"
	fi && make_archives "$tree" 3>&- && rm -rf "$tree" "$CACHE/b"
}

setup() {
	WORK=$BATS_TEST_TMPDIR STARTED=()
	export HULL_ROOT=$WORK/root HULL_RUNROOT=$WORK/run HULL_NETWORK=none
	cd "$WORK" || return 1
	# "host" is this network then: a loopback and nothing else.
	unshare --net sleep 600 3>&- &
	NETWORK=$!
	started_by_test "$NETWORK"
	# Before it has one of its own, that would be the machine's.
	wait_for 10 eval '[ "$(readlink "/proc/$NETWORK/ns/net")" != "$(readlink /proc/self/ns/net)" ]'
	in_network ip link set lo up
}

teardown() { hull_teardown; }

in_network() {
	nsenter --target "$NETWORK" --net "$@" 3>&-
}

get() {
	in_network busybox wget -q -O - "http://127.0.0.1/$1"
}

@test "Debian with nginx: loaded, run with limits, asked, logged, entered, explained, stopped" {
	run -0 hull load -i "$CACHE/web.tar"
	assert_has "Loaded image: web:1"
	run -0 hull images --format '{{.Repository}}:{{.Tag}}'
	assert_has web:1
	run -0 in_network "$HULL" run -d --name web --network host -m 128m --cpus 0.5 --pids-limit 40 \
		--read-only --tmpfs /run --tmpfs /var/lib/nginx web:1
	assert_equal "$(hull ps -q --no-trunc)" "$output"
	local id=$output
	wait_for 30 get ""

	# Asked.
	get "" | grep -q 'Welcome to nginx'
	run ! get missing
	run ! get empty/
	run -0 hull ps --filter label=tier=web --format '{{.Names}} {{.Image}} {{.Command}} {{.State}}'
	assert_equal 'web web:1 "nginx -g '"'daemon of…"'" running' "$output"
	run -0 hull top web -o pid,args
	assert_has "nginx: master process"
	assert_has "nginx: worker process"

	# Logged: what it answered on one stream, why it refused on the other.
	run -0 --separate-stderr hull logs web
	[[ "$output" == *'"GET / HTTP/1.1" 200 '* && "$output" == *'"GET /missing HTTP/1.1" 404 '* ]]
	# shellcheck disable=SC2154 # stderr is bats'
	[[ "$stderr" == *'directory index of "/var/www/html/empty/" is forbidden'* ]]

	# Entered.
	run -0 hull exec web cat /etc/debian_version
	[[ "$output" == 12.* ]]
	run -0 hull exec -u www-data web sh -c 'id -un; pwd'
	assert_equal $'www-data\n/var/www' "$output"
	run -1 hull exec web touch /etc/changed
	assert_has "Read-only file system"
	run -0 hull exec web dpkg-query -W -f '${Package}\n' nginx-light
	assert_equal nginx-light "$output"

	# Explained.
	run -0 hull inspect -f '{{.State.Status}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.ReadonlyRootfs}} {{.Config.StopSignal}} {{json .Config.Cmd}} {{index .Config.Labels "tier"}}' web
	assert_equal 'running 134217728 500000000 40 true QUIT ["nginx","-g","daemon off;"] web' "$output"
	local group
	group=$(hull inspect -f '{{.Hull.MemoryCgroup}}' web)
	assert_equal 134217728 "$(cat "$group"/memory.limit_in_bytes "$group"/memory.max 2>/dev/null)"

	# Stopped: QUIT lets a worker end what it serves.
	run -0 hull stop web
	assert_has web
	[[ "$output" != *kill* ]]
	assert_equal "exited 0 false" "$(hull inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}' web)"
	run ! get ""
	run -0 hull rm web
	assert_equal web "$output"
	run ! hull inspect "$id"
}

@test "Debian from an OCI archive: the same layers, shared; 50 at once; apt's world is whole" {
	hull load -q -i "$CACHE/web.tar"
	local before
	before=$(du -s "$HULL_ROOT/layers" | cut -f1)
	run -0 hull load -i "$CACHE/web-oci.tar"
	assert_equal "$before" "$(du -s "$HULL_ROOT/layers" | cut -f1)"
	local i names=()
	for i in $(seq 50); do names+=("w$i"); done
	for i in "${names[@]}"; do hull run -d --network none --name "$i" web:1 >/dev/null; done
	assert_equal 50 "$(hull ps -q --filter status=running | wc -l)"
	run -0 hull exec w7 sh -c 'dpkg --verify; perl -e "print 6*7"; getent hosts localhost >/dev/null && find / -xdev -name "*.dpkg-*" | wc -l'
	assert_equal 420 "$output"
	run -0 hull stop -t 20 "${names[@]}"
	assert_equal 50 "$(hull ps -aq --filter exited=0 | wc -l)"
}

@test "Debian's own clients on a network: curl, dig and iperf3, by name, by a published port, at a rate" {
	run -0 hull load -q -i "$CACHE/web.tar"
	n() { in_network env HULL_NETWORK= "$HULL" "$@"; }
	run -0 n network create one
	run -0 n run -d --name web --network one --network-alias www -p 8080:80 web:1
	run -0 n run --rm --network one web:1 curl -sf --retry 20 --retry-connrefused --retry-delay 1 http://www/
	assert_has "Welcome to nginx"
	in_network busybox wget -q -O - http://127.0.0.1:8080/ | grep -q "Welcome to nginx"
	local address
	address=$(n inspect -f '{{.NetworkSettings.Networks.one.IPAddress}}' web)
	run -0 n run --rm --network one web:1 sh -c "dig +short web; dig +short +tcp www; dig +short -x $address; dig AAAA web | grep status"
	assert_equal "$address $address web.one. NOERROR," "${lines[0]} ${lines[1]} ${lines[2]} $(grep -o 'NOERROR,' <<<"${lines[3]}")"
	run -0 n run --rm --network one web:1 dig +short nobody.one
	assert_equal "" "$output"
	run -0 n run -d --name perf --network one web:1 iperf3 -s
	# 1451: its port; 0A: it listens
	wait_for 10 n exec perf grep -qh ':1451 [0:]* 0A ' /proc/net/tcp /proc/net/tcp6
	# It serves one at a time, and needs a moment behind each.
	perf() { n run --rm --network "$1" web:1 iperf3 -c perf -t 1 -J "${@:2}" >measured; }
	rate() { jq '.end.sum_received.bits_per_second | floor' measured; }
	# What arrives, in bits a second: at a rate, as fast as it goes (a busy machine may do that in a quiet second alone), by UDP.
	local slow
	wait_for 10 perf name=one,driver-opt=rate-out=50m
	slow=$(rate)
	echo "iperf3: at 50m: $slow"
	[ "$slow" -lt 75000000 ] && [ "$slow" -gt 500000 ]
	faster() { perf one && [ "$(rate)" -gt $((2 * slow)) ]; }
	wait_for 10 faster
	wait_for 10 perf one -u -b 5M
	[ "$(jq '.end.sum.packets' measured)" -gt 50 ]
	run -0 n rm -f web perf
	# hull-dns goes with them.
	wait_for 20 sh -c "! ls -l /proc/[0-9]*/ns/net 2>/dev/null | grep -v '/proc/$NETWORK/' | grep -q '$(in_network readlink /proc/self/ns/net | tr -dc 0-9)'"
	run -0 n network rm one
}
