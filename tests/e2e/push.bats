#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull push, to registries on loopback.

load lib
load registry

setup() { hull_setup && net_up; }
teardown() { hull_teardown; }

OTHER=127.0.0.1:5003

# A second registry, with its own files.
other_up() {
	sed "s,$REGISTRY,$OTHER,; s,$WORK/registry\$,$WORK/other," "$WORK/registry.yml" |
		sed "s,rootdirectory: $WORK/registry},rootdirectory: $WORK/other}," >"$WORK/other.yml"
	in_background docker-registry serve "$WORK/other.yml"
	wait_for 20 answers 127.0.0.1 "${OTHER##*:}"
}

# digest_of HOST/REPOSITORY TAG: what the registry says.
digest_of() {
	in_net python3 -c 'import sys, urllib.request as u
url = "http://" + sys.argv[1].replace("/", "/v2/", 1) + "/manifests/" + sys.argv[2]
r = u.Request(url, method="HEAD")
r.add_header("Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json")
print(u.build_opener(u.ProxyHandler({})).open(r).headers["Docker-Content-Digest"])' "$1" "$2"
}

@test "PS1 what was made here is pushed, and is the same when it comes back" {
	registry_up
	hull tag test "$REGISTRY/my/test:v1"
	run -0 hull push "$REGISTRY/my/test:v1"
	assert_equal "The push refers to repository [$REGISTRY/my/test]" "${lines[0]}"
	assert_line '^[0-9a-f]{12}: Pushed$'
	digest=$(digest_of "$REGISTRY/my/test" v1)
	assert_line "^v1: digest: $digest size: [0-9]+$"
	assert_equal "$digest" "$(hull images --digests --format '{{.Digest}}' "$REGISTRY/my/test")"
	HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2 run -0 hull run --rm "$REGISTRY/my/test:v1" cat /data/sub/file
	assert_has deeper
	# Again: nothing of it is sent.
	run -0 hull push "$REGISTRY/my/test:v1"
	assert_line '^[0-9a-f]{12}: Layer already exists$'
	assert_lacks ": Pushed"
	assert_line "^v1: digest: $digest "
	run -0 hull push -q "$REGISTRY/my/test:v1"
	assert_equal "$REGISTRY/my/test:v1" "$output"
}

@test "PS1 build --push: by all its names" {
	registry_up
	mkdir ctx
	run -0 hull build --push -t "$REGISTRY/one:v1" -t "$REGISTRY/two:v2" --metadata-file meta -f - ctx <<<$'FROM test\nRUN echo 1 >/x'
	assert_line "^v2: digest: $(digest_of "$REGISTRY/two" v2) size: "
	assert_equal "$(digest_of "$REGISTRY/one" v1)" "$(digest_of "$REGISTRY/two" v2)"
	grep -q "\"containerimage.digest\": \"$(digest_of "$REGISTRY/one" v1)\"" meta
	run -1 hull build --push -t 127.0.0.1:1/none -f - ctx <<<'FROM test'
	assert_has "127.0.0.1:1"
}

@test "PS2 a pulled image keeps its digest in another repository, where its layers are mounted" {
	registry_up
	for types in oci docker; do
		put_image --types $types --config-text $types --layers 3 some/$types v1
		digest=$(digest_of "$REGISTRY/some/$types" v1)
		hull pull -q "$REGISTRY/some/$types:v1"
		hull tag "$REGISTRY/some/$types:v1" "$FAULTY/mine/$types:v2"
		hull tag "$REGISTRY/some/$types:v1" "$REGISTRY/mine/$types:v2"
		run -0 hull push "$REGISTRY/mine/$types:v2"
		assert_line "^v2: digest: $digest "
		assert_equal "$digest" "$(digest_of "$REGISTRY/mine/$types" v2)"
	done
}

@test "PS3 mounting sends no byte of a layer" {
	registry_up
	faulty 500 1 /nothing/
	put_image --layers 2 --size 200000 some/thing v1
	hull pull -q "$FAULTY/some/thing:v1"
	hull tag "$FAULTY/some/thing:v1" "$FAULTY/mine/thing:v1"
	: >"$WORK/proxy.log"
	run -0 hull push "$FAULTY/mine/thing:v1"
	# The config is sent; layers are mounted, and not fetched.
	assert_equal 2 "$(grep -c 'POST .*mount=sha256:.*&from=some/thing' "$WORK/proxy.log")"
	assert_equal 1 "$(grep -c ' PUT /v2/mine/thing/blobs/' "$WORK/proxy.log")"
	assert_equal 0 "$(grep -c ' GET ' "$WORK/proxy.log")"
}

@test "PS4 a pulled image keeps its digest in another registry, though its blobs are not kept here" {
	registry_up
	other_up
	put_image --layers 3 --size 3000000 some/thing v1
	digest=$(digest_of "$REGISTRY/some/thing" v1)
	hull pull -q "$REGISTRY/some/thing:v1"
	hull tag "$REGISTRY/some/thing:v1" "$OTHER/else/thing:v1"
	run -0 hull push "$OTHER/else/thing:v1"
	assert_lacks WARNING
	assert_equal "$digest" "$(digest_of "$OTHER/else/thing" v1)"
	HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2 run -0 hull pull "$OTHER/else/thing:v1"
	assert_line "^Digest: $digest$"
	assert_equal "" "$(find "$HULL_ROOT/layers" -maxdepth 1 -type f)"
}

@test "PS5 where the source is gone, it is packed anew, and that is said" {
	registry_up
	put_image --rootfs "$ROOTFS" --layers 2 some/thing v1
	hull pull -q "$REGISTRY/some/thing:v1"
	end_last 5000
	printf '%s\n' "version: 0.1" "log: {level: error}" "storage: {filesystem: {rootdirectory: $WORK/other}}" \
		"http: {addr: '$OTHER'}" >"$WORK/other.yml"
	in_background docker-registry serve "$WORK/other.yml"
	wait_for 20 answers 127.0.0.1 5003
	hull tag "$REGISTRY/some/thing:v1" "$OTHER/else/thing:v1"
	run -0 hull push "$OTHER/else/thing:v1"
	assert_has "WARNING: $OTHER/else/thing:v1 was packed anew"
	HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2 run -0 hull run --rm "$OTHER/else/thing:v1" cat /layer-1 /data/file
	assert_has "from the image"
}

@test "PS6 with authentication" {
	registry_up "http: {addr: '$REGISTRY'}" "$(basic_auth)"
	hull tag test "$REGISTRY/my/test:v1"
	run -1 hull push "$REGISTRY/my/test:v1"
	assert_has "cannot push $REGISTRY/my/test:v1"
	assert_has "hint: hull login $REGISTRY"
	login "$REGISTRY"
	run -0 hull push "$REGISTRY/my/test:v1"
}

@test "PS7 tokens: the scope names what is done, also to the repository that is mounted from" {
	token_auth
	registry_up "http: {addr: '$REGISTRY'}" "$TOKEN_LINE"
	login "$REGISTRY"
	hull tag test "$REGISTRY/my/test:v1"
	run -0 hull push "$REGISTRY/my/test:v1"
	grep -q '^GET user .*repository:my/test:pull,push' "$WORK/tokens.log"
	hull rmi "$REGISTRY/my/test:v1"
	hull pull -q "$REGISTRY/my/test:v1"
	hull tag "$REGISTRY/my/test:v1" "$REGISTRY/my/other:v1"
	run -0 hull push "$REGISTRY/my/other:v1"
	tail -n 1 "$WORK/tokens.log" | grep -q "repository:my/test:pull"
}

@test "PS8 what fails for a moment is tried again" {
	registry_up
	faulty 500 3 /uploads/
	hull tag test "$FAULTY/my/test:v1"
	run -0 hull push "$FAULTY/my/test:v1"
	end_last 5001
	faulty 500 0 /manifests/
	hull tag test "$FAULTY/my/test:v2"
	run -1 hull push "$FAULTY/my/test:v2"
	assert_has "cannot push $FAULTY/my/test:v2: registry $FAULTY answers 500"
}

@test "PS9 all tags, and what cannot be pushed" {
	registry_up
	hull tag test "$REGISTRY/my/test:v1"
	make_image "$REGISTRY/my/test:v2" 'ENV A=2'
	run -0 hull push -a "$REGISTRY/my/test"
	assert_line "^v1: digest: $(digest_of "$REGISTRY/my/test" v1) "
	assert_line "^v2: digest: $(digest_of "$REGISTRY/my/test" v2) "
	run -1 hull push -a "$REGISTRY/my/test:v1"
	assert_has "tag can't be used with --all-tags/-a"
	run -1 hull push "$REGISTRY/my/none:v1"
	assert_has "An image does not exist locally with the tag: $REGISTRY/my/none"
	run -1 hull push "$REGISTRY/my/test@sha256:$(printf '%064d' 0)"
	assert_has "cannot push a digest reference"
}

@test "PS10 layers are packed; of an image made here only what is new is sent" {
	registry_up
	faulty 500 1 /nothing/
	put_image --rootfs "$ROOTFS" --layers 3 some/base v1
	hull pull -q "$FAULTY/some/base:v1"
	mkdir ctx
	head -c 300000 /dev/zero | tr '\0' x >ctx/big
	printf '%s\n' "FROM $FAULTY/some/base:v1" 'COPY big /' >ctx/Dockerfile
	hull build -q -t "$FAULTY/mine/app:v1" ctx
	: >"$WORK/proxy.log"
	run -0 hull push "$FAULTY/mine/app:v1"
	# The base is mounted; the layer on it and the config are sent.
	assert_equal 3 "$(grep -c 'POST .*mount=sha256:.*&from=some/base' "$WORK/proxy.log")"
	assert_equal 2 "$(grep -c ' PUT /v2/mine/app/blobs/' "$WORK/proxy.log")"
	hull manifest inspect "$FAULTY/mine/app:v1" >manifest
	assert_equal 4 "$(grep -o 'layer.v1.tar+gzip' manifest | wc -l)"
	python3 -c 'import json; assert json.load(open("manifest"))["layers"][-1]["size"] < 10000'
	# Another image of the same layers sends its config alone, and needs nothing of the old one.
	printf 'LABEL a=b\n' >>ctx/Dockerfile
	hull build -q -t "$FAULTY/mine/app:v2" ctx
	: >"$WORK/proxy.log"
	run -0 hull push "$FAULTY/mine/app:v2"
	assert_equal 4 "$(grep -c 'Layer already exists' <<<"$output")"
	assert_equal 1 "$(grep -c ' PUT /v2/mine/app/blobs/' "$WORK/proxy.log")"
	assert_equal "" "$(find "$HULL_ROOT/layers" -maxdepth 1 -type f)"
	# Others read it.
	command -v skopeo >/dev/null || skip "all but one step: there is no skopeo"
	run -0 in_net skopeo copy -q --src-tls-verify=false "docker://$REGISTRY/mine/app:v2" "oci-archive:$WORK/a.tar:app:v2"
	HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2 run -0 hull load -i "$WORK/a.tar"
	HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2 run -0 hull run --rm app:v2 stat -c %s /big /layer-1
	assert_has 300000
}

# sends_chunks FAULT FIRST-BYTE...: a push behind that fault, in chunks that begin so.
sends_chunks() {
	local name=$FAULTY/mine/thing-$((++serial)):v1
	hull tag "$REGISTRY/some/thing:v1" "$name"
	: >"$WORK/proxy.log"
	# shellcheck disable=SC2086
	faulty $1
	run -0 hull push "$name"
	assert_line "^v1: digest: $digest "
	assert_equal "${*:2}" "$(awk '$2 == "PATCH" { sub("-.*", "", $4); print $4 }' "$WORK/proxy.log" | xargs)"
	end_last 5001
}

asked_where() {
	grep -c '^5001 GET .*/uploads/' "$WORK/proxy.log"
}

@test "PS11 a large blob is sent in chunks, and one that breaks off goes on from where the registry is" {
	registry_up
	put_image --layers 1 --size 36000000 some/thing v1
	hull pull -q "$REGISTRY/some/thing:v1"
	digest=$(digest_of "$REGISTRY/some/thing" v1)
	one=0 two=16777216 three=33554432 half=25165824 serial=0
	sends_chunks "500 1 /nothing/" $one $two $three
	# Broken in its middle, refused for a while, in another order than the registry's: it is asked where it is.
	for fault in "drop 1" "500 1" "429:1 1" "refuse:416 1"; do
		sends_chunks "$fault $two-" $one $two $two $three
		[ "$(asked_where)" -ge 1 ]
	done
	sends_chunks "500 2 $two-" $one $two $two $two $three
	# It took half of it.
	sends_chunks "half 1 $two-" $one $two $half
	# The digest at the end is asked for again, the bytes are there.
	sends_chunks "500 1 digest=" $one $two $three
	assert_equal 1 "$(asked_where)"
	# An upload that the registry knows no more begins anew.
	for fault in "refuse:404 1" "deaf 1"; do
		sends_chunks "$fault $two-" $one $two $one $two $three
	done
	# What knows no chunks gets all at once.
	sends_chunks "refuse:405 1 $one-" $one
	# One that wants larger ones gets them, or all at once.
	sends_chunks "minimum:20000000 0 /uploads/" $one 20000000
	sends_chunks "minimum:99000000 0 /uploads/"
	# What never gets on is given up.
	faulty "refuse:404" 0 "$two-"
	hull tag "$REGISTRY/some/thing:v1" "$FAULTY/mine/none:v1"
	run -1 hull push "$FAULTY/mine/none:v1"
	assert_has "answers 404"
}

@test "PS12 a registry that takes next to nothing of each chunk, or says that it has what was not sent, is refused" {
	registry_up
	put_image --layers 1 --size 20000000 some/thing v1
	hull pull -q "$REGISTRY/some/thing:v1"
	hull tag "$REGISTRY/some/thing:v1" "$FAULTY/mine/thing:v1"
	faulty crumb 0 /uploads/
	run -1 hull push "$FAULTY/mine/thing:v1"
	assert_has "cannot push $FAULTY/mine/thing:v1: layer sha256:"
	assert_has "the registry takes next to nothing of what is sent"
	end_last 5001
	faulty claim 0 0-16777215
	run -1 hull push "$FAULTY/mine/thing:v1"
	assert_has "cannot push $FAULTY/mine/thing:v1: layer sha256:"
	assert_has "the registry says that it has more of a blob than was sent"
}

@test "PS13 an upload that another host sends back, each time: it gets no credentials, the registry does" {
	registry_up
	put_image --layers 1 --size 36000000 some/thing v1
	hull pull -q "$REGISTRY/some/thing:v1"
	end_last 5000
	registry_up "http: {addr: '$REGISTRY'}" "$(basic_auth)"
	hull tag "$REGISTRY/some/thing:v1" "$FAULTY/mine/thing:v1"
	faulty around:5004 1 16777216-
	login "$REGISTRY"
	login "$FAULTY"
	: >"$WORK/proxy.log"
	run -0 hull push "$FAULTY/mine/thing:v1"
	# More hops in all than one request may have; one chunk was refused, and asked for.
	[ "$(grep -c '^5004 ' "$WORK/proxy.log")" -gt 12 ]
	assert_equal 2 "$(grep -c '^5001 PATCH .* 16777216-' "$WORK/proxy.log")"
	grep -q '^5004 GET .*/uploads/' "$WORK/proxy.log"
	run ! grep '^5004 .* yes$' "$WORK/proxy.log"
	run ! grep '^5001 .*/uploads/.* no$' "$WORK/proxy.log"
}
