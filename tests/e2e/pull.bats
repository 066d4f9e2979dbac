#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull pull, from a registry on loopback.

load lib
load registry

setup() { hull_setup; }
teardown() {
	umount "$WORK/disk" "$WORK/cut" 2>/dev/null || true
	hull_teardown
}

@test "PU1 an image comes by its tag, runs, and is known by its digest" {
	registry_up
	digest=$(put_image --rootfs "$ROOTFS" --layers 3 some/thing v1)
	run -0 hull pull "$REGISTRY/some/thing:v1"
	assert_line '^v1: Pulling from some/thing$'
	[ "$(grep -c ': Pulling fs layer$' <<<"$output")" = 3 ]
	[ "$(grep -c ': Pull complete$' <<<"$output")" = 3 ]
	assert_line "^Digest: $digest$"
	assert_line "^Status: Downloaded newer image for $REGISTRY/some/thing:v1$"
	assert_equal "$REGISTRY/some/thing:v1" "${lines[-1]}"
	run -0 hull run --rm "$REGISTRY/some/thing:v1" sh -c 'echo $PULLED; cat /layer-2 /data/file'
	assert_equal "yes|2|from the image" "$(tr '\n' '|' <<<"$output" | sed 's/|$//')"
	run -0 hull images --digests --format '{{.Repository}} {{.Tag}} {{.Digest}}' "$REGISTRY/some/thing"
	assert_equal "$REGISTRY/some/thing v1 $digest" "$output"
	assert_equal "[$REGISTRY/some/thing@$digest]" \
		"$(hull image inspect -f '{{.RepoDigests}}' "$REGISTRY/some/thing:v1")"
	store_is_clean
}

@test "PU2 a second pull says that it is up to date; a new image under the tag is taken" {
	registry_up
	put_image some/thing latest
	run -0 hull pull "$REGISTRY/some/thing"
	assert_equal "Using default tag: latest" "${lines[0]}"
	run -0 hull pull "$REGISTRY/some/thing"
	assert_line "^Status: Image is up to date for $REGISTRY/some/thing:latest$"
	assert_lacks "Pulling fs layer"
	digest=$(put_image --layers 2 some/thing latest)
	run -0 hull pull "$REGISTRY/some/thing"
	assert_line "^Status: Downloaded newer image"
	assert_line "^Digest: $digest$"
	# The lowest layer is the one that was here.
	[ "$(grep -c ': Already exists$' <<<"$output")" = 1 ]
	[ "$(grep -c ': Pull complete$' <<<"$output")" = 1 ]
}

@test "PU3 by digest, quietly" {
	registry_up
	digest=$(put_image some/thing v1)
	put_image --layers 2 some/thing v1
	run -0 hull pull -q "$REGISTRY/some/thing@$digest"
	assert_equal "$REGISTRY/some/thing@$digest" "$output"
	assert_equal "[]" "$(hull image inspect -f '{{.RepoTags}}' "$REGISTRY/some/thing@$digest")"
}

@test "PU4 both families of types, all packings" {
	registry_up
	for types in oci docker; do
		for pack in gzip zstd none; do
			put_image --types $types --pack $pack --rootfs "$ROOTFS" --layers 2 "some/$types-$pack" v1
			run -0 hull pull "$REGISTRY/some/$types-$pack:v1"
			run -0 hull run --rm "$REGISTRY/some/$types-$pack:v1" cat /layer-1
			assert_equal 1 "$output"
		done
	done
}

@test "PU5 of an index the image for this machine, or the one that --platform says" {
	registry_up
	digest=$(put_image --index arm64,amd64 --rootfs "$ROOTFS" some/thing v1)
	run -0 hull pull "$REGISTRY/some/thing:v1"
	assert_line "^Digest: $digest$"
	assert_equal amd64 "$(hull run --rm "$REGISTRY/some/thing:v1" cat /arch)"
	run -0 hull pull --platform linux/arm64 "$REGISTRY/some/thing:v1"
	assert_equal arm64 "$(hull image inspect -f '{{.Architecture}}' "$REGISTRY/some/thing:v1")"
	digest=$(put_image --types docker --index arm64,amd64 --rootfs "$ROOTFS" some/list v1)
	run -0 hull pull "$REGISTRY/some/list:v1"
	assert_line "^Digest: $digest$"
	assert_equal amd64 "$(hull run --rm "$REGISTRY/some/list:v1" cat /arch)"
	run -1 hull pull --platform linux/s390x "$REGISTRY/some/thing:v1"
	assert_has "no image for linux/s390x"
	assert_has "it holds images for linux/arm64, linux/amd64"
}

@test "PU6 --all-tags brings them all" {
	registry_up
	put_image some/thing v1
	put_image --layers 2 some/thing v2
	run -0 hull pull -a "$REGISTRY/some/thing"
	assert_line '^v1: Pulling from some/thing$'
	assert_line '^v2: Pulling from some/thing$'
	assert_equal "v1 v2" "$(hull images --format '{{.Tag}}' "$REGISTRY/some/thing" | sort | xargs)"
	run -1 hull pull -a "$REGISTRY/some/thing:v1"
	assert_has "tag can't be used with --all-tags/-a"
}

@test "PU7 what is not there is said as docker says it" {
	registry_up
	put_image some/thing v1
	run -1 hull pull "$REGISTRY/some/thing:v2"
	assert_has "manifest for $REGISTRY/some/thing:v2 not found: manifest unknown"
	run -1 hull pull "$REGISTRY/some/other"
	assert_has "$REGISTRY/some/other"
	assert_has "not found"
	run -1 hull pull "127.0.0.1:1/some/thing"
	assert_has "cannot reach registry 127.0.0.1:1"
	run -1 hull pull "Some/Thing"
	assert_has "must be lowercase"
	store_is_clean
}

@test "PU8 hull-transport is nobody, and may do next to nothing" {
	registry_up
	# A registry that says nothing: what waits for it can be looked at.
	in_background python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 5001)); c = [s.accept() for _ in range(9)]'
	wait_for 10 answers 127.0.0.1 5001
	hull pull 127.0.0.1:5001/some/thing:v1 >"$WORK/out" 2>&1 &
	pull=$!
	disown
	locked_in() {
		transport=$(pgrep -x hull-transport -P "$(pgrep -f "pull 127.0.0.1:5001/some" | paste -sd,)") &&
			grep -qE '^Seccomp:[[:space:]]+2' "/proc/$transport/status"
	}
	wait_for 10 locked_in
	status=$(cat "/proc/$transport/status")
	files=$(readlink /proc/"$transport"/fd/*)
	kill "$transport"
	grep -qE '^Uid:[[:space:]]+65534[[:space:]]+65534[[:space:]]+65534' <<<"$status"
	grep -qE '^Groups:[[:space:]]*$' <<<"$status"
	grep -qE '^CapBnd:[[:space:]]+0+$' <<<"$status"
	grep -qE '^CapPrm:[[:space:]]+0+$' <<<"$status"
	grep -qE '^NoNewPrivs:[[:space:]]+1' <<<"$status"
	# Sockets, pipes, memory: nothing of the store.
	run ! grep -F "$HULL_ROOT" <<<"$files"
	wait_for 10 grep -q "hull-transport was ended by signal 15" "$WORK/out"
}

@test "PU9 a layer that is no layer leaves nothing behind" {
	registry_up
	put_image --layers 2 some/thing v1
	for blob in "$WORK"/registry/docker/registry/v2/blobs/sha256/*/*/data; do
		[ "$(head -c 2 "$blob" | od -An -tx1)" != " 1f 8b" ] || break
	done
	printf x | dd of="$blob" bs=1 seek=40 conv=notrunc 2>/dev/null
	run -1 hull pull "$REGISTRY/some/thing:v1"
	assert_has "layer "
	run -0 hull images -q "$REGISTRY/some/thing"
	assert_equal "" "$output"
	hull system check
	store_is_clean
}

@test "PU10 run and create pull what is missing, always, or never" {
	registry_up
	put_image --rootfs "$ROOTFS" some/thing v1
	name=$REGISTRY/some/thing:v1
	run -125 hull run --rm --pull never "$name" true
	assert_has "No such image: $name"
	run -0 --separate-stderr hull run --rm "$name" cat /arch
	assert_equal amd64 "$output"
	[[ $stderr == "Unable to find image '$name' locally"*"Status: Downloaded newer image for $name"* ]]
	run -0 --separate-stderr hull run --rm "$name" true
	assert_equal "" "$stderr"
	run -0 --separate-stderr hull run --rm --pull always "$name" true
	[[ $stderr == *"Status: Image is up to date for $name"* ]]
	hull rmi "$name"
	run -0 --separate-stderr hull create -q --name cc "$name"
	assert_equal "" "$stderr"
	run -125 hull run --rm "$REGISTRY/some/thing:v2"
	assert_has "manifest for $REGISTRY/some/thing:v2 not found"
	run -125 hull run --pull sometimes "$name"
	assert_has "invalid pull option: 'sometimes'"
}

@test "PU11 manifest inspect shows what the registry has, and brings nothing" {
	registry_up
	put_image --index arm64,amd64 some/thing v1
	run -0 hull manifest inspect "$REGISTRY/some/thing:v1"
	assert_equal "arm64 amd64" "$(jq -r '[.manifests[].platform.architecture] | join(" ")' <<<"$output")"
	inner=$(jq -r '.manifests[1].digest' <<<"$output")
	run -0 hull manifest inspect "$REGISTRY/some/thing@$inner"
	assert_equal 1 "$(jq '.layers | length' <<<"$output")"
	assert_equal "" "$(hull images -q "$REGISTRY/some/thing")"
	run -1 hull manifest inspect "$REGISTRY/some/thing:v2"
	assert_has "manifest for $REGISTRY/some/thing:v2 not found"
}

@test "PU12 search lists the repositories that have the term in their name" {
	registry_up
	for repository in a/thing b/other c/something; do put_image $repository v1; done
	run -0 hull search --format '{{.Name}}' "$REGISTRY/thing"
	assert_equal "$REGISTRY/a/thing $REGISTRY/c/something" "$(xargs <<<"$output")"
	run -0 hull search --limit 1 --format '{{.Name}}' "$REGISTRY/thing"
	assert_equal "$REGISTRY/a/thing" "$output"
	run -1 hull search --limit 101 "$REGISTRY/thing"
	assert_has "limit 101 is outside the range of [1, 100]"
	run -1 hull search "$REGISTRY/a&b"
	assert_has "a term to search for"
}

@test "PU13 search of a registry with an index; what goes by a proxy, and what not" {
	registry_up
	mkdir -p "$WORK/www/v1"
	echo '{"num_results": 2, "results": [{"name": "team/app", "description": "what it does", "star_count": 7},
		{"name": "library/thing", "is_official": true}]}' >"$WORK/www/v1/search"
	in_background python3 -m http.server -b 127.0.0.1 -d "$WORK/www" 5004
	wait_for 20 answers 127.0.0.1 5004
	run -0 hull search --format '{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}' 127.0.0.1:5004/app
	assert_equal $'127.0.0.1:5004/team/app|what it does|7|\n127.0.0.1:5004/library/thing||0|[OK]' "$output"

	put_image --rootfs "$ROOTFS" some/thing v1
	in_background python3 "$TOP/tests/helpers/forward_proxy.py" 3128 5000 "$WORK/proxy.log"
	wait_for 20 answers 127.0.0.1 3128
	printf '%s\n' '[[registry]]' 'location = "registry.test:80"' 'insecure = true' >"$CONTAINERS_REGISTRIES_CONF"
	export HTTP_PROXY=http://127.0.0.1:3128 HTTPS_PROXY=http://127.0.0.1:3128
	run -0 hull pull registry.test:80/some/thing:v1
	grep -q '^CONNECT registry.test:80$' "$WORK/proxy.log"
	grep -q '^GET http://registry.test:80/v2/some/thing/blobs/sha256:' "$WORK/proxy.log" ||
		grep -q '^GET http://registry.test/v2/some/thing/blobs/sha256:' "$WORK/proxy.log"
	run -0 hull run --rm registry.test:80/some/thing:v1 cat /data/file
	# Loopback is no place for a proxy, nor is what NO_PROXY says.
	: >"$WORK/proxy.log"
	run -0 hull pull "$REGISTRY/some/thing:v1"
	NO_PROXY=.test run -1 hull pull --quiet registry.test:80/some/thing:v1
	assert_equal "" "$(cat "$WORK/proxy.log")"
}

@test "PU17 TLS to its end through a proxy, which wants a password; the registry's is not the proxy's" {
	make_cert server "subjectAltName=DNS:registry.test,IP:127.0.0.1"
	registry_up "http: {addr: '$REGISTRY', tls: {certificate: $WORK/server.pem, key: $WORK/server.key}}" "$(basic_auth)"
	REGISTRY_URL=https://$REGISTRY put_image --cacert "$WORK/ca.pem" --user user:secret --rootfs "$ROOTFS" some/thing v1
	in_background python3 "$TOP/tests/helpers/forward_proxy.py" 3128 5000 "$WORK/proxy.log" me:pass
	wait_for 20 answers 127.0.0.1 3128
	mkdir "$WORK/certs" "$DOCKER_CONFIG"
	cp "$WORK/ca.pem" "$WORK/certs/ca.crt"
	echo '{"auths": {"registry.test": {"auth": "dXNlcjpzZWNyZXQ="}}}' >"$DOCKER_CONFIG/config.json"
	HTTPS_PROXY=http://127.0.0.1:3128 run -1 hull pull --cert-dir "$WORK/certs" registry.test/some/thing:v1
	assert_has 407
	[ "$(grep -vc refused "$WORK/proxy.log")" = 0 ]
	HTTPS_PROXY=http://me:pass@127.0.0.1:3128 run -0 hull pull --cert-dir "$WORK/certs" registry.test/some/thing:v1
	grep -qx 'CONNECT registry.test:443' "$WORK/proxy.log"
	run -0 hull run --rm registry.test/some/thing:v1 cat /data/file
	# Nobody else's certificate does, with a proxy between.
	hull rmi registry.test/some/thing:v1
	HTTPS_PROXY=http://me:pass@127.0.0.1:3128 run -1 hull pull registry.test/some/thing:v1
	assert_has certificate
}

@test "PU14 on a terminal each layer has a line in place, with a bar" {
	registry_up
	put_image --layers 3 --size 4000000 some/thing v1
	# One stands still in its middle for a while, and is drawn when it goes on.
	faulty stall 1
	HULL_REGISTRY_TIMEOUT=2 nsenter --net="/proc/$NET_PID/ns/net" script -qec \
		"stty cols 80 rows 20; '$HULL' pull $FAULTY/some/thing:v1" /dev/null </dev/null >"$WORK/seen" 3>&-
	grep -qE $'\r\e\\[K[0-9a-f]{12}: Downloading  \\[=*>? *\\]  [0-9.]+[kM]?B/[0-9.]+[kM]B' "$WORK/seen"
	# What has ended stays, and the lines below it go on.
	[ "$(sed 's/.*\x1b\[3A//' <<<"$(tr '\r\n' '  ' <"$WORK/seen")" | grep -o ': Pull complete' | wc -l)" = 3 ]
	# Elsewhere there are lines only.
	hull rmi "$FAULTY/some/thing:v1" >/dev/null
	run -0 hull pull "$REGISTRY/some/thing:v1"
	assert_lacks $'\e'
}

@test "PU16 --progress json: lines of JSON, as docker's API has them" {
	registry_up
	put_image --rootfs "$ROOTFS" --layers 2 --size 3000000 some/thing v1
	run -0 --separate-stderr hull pull --progress json "$REGISTRY/some/thing:v1"
	[ "$(jq -r 'select(.status == "Pull complete").id' <<<"$output" | sort -u | wc -l)" = 2 ]
	[ "$(jq -r 'select(.status == "Pulling fs layer" and .progressDetail == {}).id' <<<"$output" | wc -l)" = 2 ]
	jq -es '.[0].status == "v1: Pulling from some/thing" and (.[-1].status | startswith("Status: Downloaded newer"))' <<<"$output"
	hull tag "$REGISTRY/some/thing:v1" "$REGISTRY/mine/thing:v1"
	run -0 --separate-stderr hull push --progress json "$REGISTRY/mine/thing:v1"
	digest=$(hull images --digests --format '{{.Digest}}' "$REGISTRY/mine/thing")
	[ "$(jq -r '.aux // empty | .Tag + " " + .Digest' <<<"$output")" = "v1 $digest" ]
	run -0 hull pull -q --progress json "$REGISTRY/some/thing:v1"
	assert_equal "$REGISTRY/some/thing:v1" "$output"
	run -125 hull pull --progress fancy "$REGISTRY/some/thing:v1"
	assert_has "use auto, plain, tty or json"
	# A terminal's form where there is none, too.
	hull rmi "$REGISTRY/some/thing:v1"
	run -0 hull push --progress tty "$REGISTRY/mine/thing:v1"
	assert_has $'\e['
	# What fails is told there as well.
	for verb in pull push; do
		hull tag test "$REGISTRY/mine/none:v1"
		[ $verb = pull ] || end_last 5000
		run -1 --separate-stderr hull $verb --progress json "$REGISTRY/mine/none:v1"
		tail -n 1 <<<"$output" | jq -e --arg e "$stderr" '.error as $why | .error == .errorDetail.message and (.error | length) > 0 and ($e | contains($why))'
	done
}

# memory_of PID: KiB of it and of what it has started, what they share by halves.
memory_of() {
	grep -h ^Pss: "/proc/$1/smaps_rollup" $(pgrep -P "$1" | sed 's,.*,/proc/&/smaps_rollup,') 2>/dev/null |
		awk '{ sum += $2 } END { print sum + 0 }'
}

@test "PU15 large layers, and windows of zstd as large as may be: a pull takes less than 64 MiB" {
	registry_up
	for pack in zstd gzip; do
		put_image --pack $pack --rootfs "$ROOTFS" --layers 3 --size 36000000 some/$pack v1
		nsenter --net="/proc/$NET_PID/ns/net" "$HULL" pull -q "$REGISTRY/some/$pack:v1" >/dev/null 2>&1 3>&- &
		most=0
		while [ -e "/proc/$!/smaps_rollup" ] && [ "$(ps -o stat= $!)" != Z ]; do
			now=$(memory_of $!)
			[ "$now" -le "$most" ] || most=$now
		done
		wait $!
		echo "$pack: $most KiB"
		[ "$most" -gt 10000 ]
		[ "$most" -lt 65536 ]
	done
}

# survives IMAGE COMMAND...: what the disk has when the command that makes the image ends is the whole image.
survives() {
	hull "${@:2}"
	cp --sparse=always disk.img cut.img
	mount -o loop cut.img cut
	(
		export HULL_ROOT=$WORK/cut/root HULL_RUNROOT=$WORK/run-cut
		assert_equal "$sum" "$(hull run --rm "$1" cat /layer-1 | sha256sum)"
		assert_equal "" "$(hull system check)"
	)
	wait_for 10 umount cut # run --rm removes the folder behind its answer
}

@test "PU18 what pull, load and build said is there is there after a power cut" {
	registry_up
	put_image --rootfs "$ROOTFS" --layers 3 --size 3000000 some/thing v1
	hull pull -q "$REGISTRY/some/thing:v1"
	hull save -o saved.tar "$REGISTRY/some/thing:v1"
	mkdir disk cut ctx
	hull run --rm "$REGISTRY/some/thing:v1" cat /layer-1 >ctx/layer-1
	sum=$(sha256sum <ctx/layer-1)
	hull rmi "$REGISTRY/some/thing:v1"
	truncate -s 300M disk.img
	mkfs.ext4 -q disk.img
	mount -o loop,commit=300 disk.img disk || skip "no loop devices here"
	cp -a "$HULL_ROOT" disk/root
	sync -f disk
	export HULL_ROOT=$WORK/disk/root
	survives "$REGISTRY/some/thing:v1" pull -q "$REGISTRY/some/thing:v1"
	hull rmi "$REGISTRY/some/thing:v1"
	survives "$REGISTRY/some/thing:v1" load -q -i saved.tar
	survives built build -q -t built -f - ctx <<<$'FROM test\nCOPY layer-1 /'
}
