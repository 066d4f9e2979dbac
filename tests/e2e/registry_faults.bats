#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Registries that break off, stall, refuse, lie, and lead elsewhere.

load lib
load registry

setup() { hull_setup && registry_up; }
teardown() { hull_teardown; }

name=$FAULTY/some/thing:v1

pulled() {
	run -0 hull pull "$name"
	assert_line "^Status: Downloaded newer image for $name$"
	assert_equal "$(sha256sum <"$WORK/registry-file")" "$(hull run --rm "$name" cat /layer-1 | sha256sum)"
}

# It failed with these words, and nothing of it is left.
refused() {
	run -1 hull pull "$name"
	assert_has "$1"
	assert_equal "" "$(hull images -q "$FAULTY/some/thing")"
	store_is_clean
	assert_equal 1 "$(find "$HULL_ROOT/layers" -mindepth 1 -maxdepth 1 -name '[0-9a-f]*' | wc -l)"
}

# Some megabytes: more than pipes and sockets hold.
put_big() {
	put_image --rootfs "$ROOTFS" --layers 2 --size 6000000 some/thing v1 >/dev/null
	hull pull -q "$REGISTRY/some/thing:v1"
	hull run --rm "$REGISTRY/some/thing:v1" cat /layer-1 >"$WORK/registry-file"
	hull rmi "$REGISTRY/some/thing:v1" >/dev/null
}

blob_ranges() {
	grep '/blobs/' "$WORK/proxy.log" | grep -c 'bytes=[1-9]'
}

@test "RF1 a body that breaks off goes on where it broke" {
	put_big
	faulty cut 3
	pulled
	[ "$(blob_ranges)" -ge 1 ]
}

@test "RF2 also where the registry does not know Range" {
	put_big
	faulty norange 2
	pulled
}

@test "RF3 a body that stalls is given up, and goes on" {
	put_big
	faulty stall 1
	export HULL_REGISTRY_TIMEOUT=2
	pulled
	[ "$(blob_ranges)" -ge 1 ]
}

@test "RF4 Retry-After is honoured" {
	put_big
	faulty 429:2 1
	start=$(now_ms)
	pulled
	[ $(($(now_ms) - start)) -ge 2000 ]
}

@test "RF5 a registry that says hours is not waited for" {
	put_big
	faulty 429:7200 0
	refused "answers 429"
	assert_has "hint: the registry says to try again later"
}

@test "RF6 one failure of the registry is passed over, many are not" {
	put_big
	faulty 500 2
	pulled
	hull rmi "$name"
	end_last 5001
	faulty 500 0
	refused "answers 500: unknown: of the tests"
}

@test "RF7 other bytes than the manifest says" {
	put_big
	faulty flip 0 /blobs/
	refused "sha256"
}

@test "RF8 less and more bytes than the manifest says" {
	put_big
	faulty short 0
	refused "less than the manifest says"
	end_last 5001
	faulty long 0
	refused "more than it may"
}

@test "RF9 another manifest than its digest, one that is too large, one of another kind" {
	put_big
	faulty flip 0 /manifests/
	refused "what the registry sent has sha256"
	end_last 5001
	faulty huge 0 /manifests/
	refused "more than it may"
	end_last 5001
	faulty type:application/vnd.oci.image.index.v1+json 0 /manifests/
	refused "calls itself"
}

@test "RF10 a megabyte of header fields, and redirects without an end" {
	put_big
	faulty headers 0 /manifests/
	refused "registry $FAULTY"
	end_last 5001
	faulty loop 0
	refused "redirects without an end"
}

# redirected_behind LINE: the registry asks who one is, and sends on to another host, which does not.
redirected_behind() {
	registry_up "http: {addr: '$REGISTRY'}" "$1"
	sed "/^auth:/d; s/$REGISTRY/127.0.0.1:5003/" "$WORK/registry.yml" >"$WORK/open.yml"
	in_background docker-registry serve "$WORK/open.yml"
	wait_for 20 answers 127.0.0.1 5003
	faulty redirect:5004:5003 0
	mkdir "$DOCKER_CONFIG"
	echo "{\"auths\": {\"$FAULTY\": {\"auth\": \"dXNlcjpzZWNyZXQ=\"}}}" >"$DOCKER_CONFIG/config.json"
	pulled
	grep -q "^5001 GET .*/blobs/.* yes$" "$WORK/proxy.log"
	grep -q "^5004 GET .*/blobs/.* no$" "$WORK/proxy.log"
	run ! grep -q "^5004 .* yes$" "$WORK/proxy.log"
}

@test "RF11 a redirect to another host is followed without what is the registry's" {
	put_big
	end_last 5000
	redirected_behind "$(basic_auth)"
}

@test "RF15 a redirect to another host is followed without the token" {
	put_big
	end_last 5000
	token_auth
	redirected_behind "$TOKEN_LINE"
	grep -q '^GET user .*repository:some/thing:pull' "$WORK/tokens.log"
}

@test "RF12 credentials go to no token service without TLS that a registry with TLS names" {
	make_cert server
	end_last 5000
	make_cert token
	registry_up "http: {addr: '$REGISTRY', tls: {certificate: $WORK/server.pem, key: $WORK/server.key}}" \
		"auth: {token: {realm: 'http://127.0.0.1:5002/token', service: registry, issuer: tests, rootcertbundle: $WORK/ca.pem}}"
	in_background python3 "$TOP/tests/helpers/token_server.py" 5002 "$WORK/token.key" "$WORK/token.pem" "$WORK/tokens.log"
	wait_for 10 answers 127.0.0.1 5002
	run -1 login "$REGISTRY"
	run -1 hull login --tls-verify=false -u user --password-stdin "$REGISTRY" <<<secret
	assert_has "which is not https"
	[ ! -e "$WORK/tokens.log" ]
}

@test "RF13 killed at any moment: nothing stays but what the next one removes, and that one works" {
	put_big
	faulty stall 9
	for signal in KILL TERM; do
		setsid nsenter --net="/proc/$NET_PID/ns/net" "$HULL" pull "$name" >/dev/null 2>&1 3>&- &
		pull=$!
		disown
		wait_for 10 eval '[ -n "$(find "$HULL_ROOT/layers" -path "*/.stage-*/fs/*" 2>/dev/null | head -n 1)" ]'
		# It is unpacked while it comes: there is the tree, and no copy of what was sent.
		assert_equal "" "$(find "$HULL_ROOT/layers" -path '*/.stage-*' -type f -not -path '*/fs/*' -size +64k)"
		kill -$signal "$pull"
		wait_for 10 eval '[ ! -e "/proc/$pull" ]'
		wait_for 10 eval '[ -z "$(leftover_processes)" ]'
		hull system check --repair
		store_is_clean
	done
	end_last 5001
	faulty cut 1
	pulled
	store_is_clean
}

@test "RF14 what a killed pull had whole, the next one does not fetch again" {
	put_image --rootfs "$ROOTFS" --layers 3 some/thing v1
	faulty stall 9
	nsenter --net="/proc/$NET_PID/ns/net" "$HULL" pull "$name" >/dev/null 2>&1 3>&- &
	pull=$!
	disown
	# The lowest layer stalls, as only that is large; the others become whole.
	wait_for 20 eval '[ "$(find "$HULL_ROOT/layers" -path "*/.stage-*" -name "????????????????????????????????????????????????????????????????-*" | wc -l)" = 2 ]'
	kill -KILL "$pull"
	wait_for 10 eval '[ -z "$(leftover_processes)" ]'
	run -0 hull pull "$REGISTRY/some/thing:v1"
	[ "$(grep -c ': Already exists$' <<<"$output")" = 2 ]
	[ "$(grep -c ': Pull complete$' <<<"$output")" = 1 ]
	assert_equal "1 2" "$(hull run --rm "$REGISTRY/some/thing:v1" cat /layer-1 /layer-2 | xargs)"
	store_is_clean
	hull system check
}

# A layer that is asked for in parts.
put_large() {
	put_image --rootfs "$ROOTFS" --layers 2 --size 24000000 some/thing v1 >/dev/null
	hull pull -q "$REGISTRY/some/thing:v1"
	hull run --rm "$REGISTRY/some/thing:v1" cat /layer-1 >"$WORK/registry-file"
	hull rmi "$REGISTRY/some/thing:v1" >/dev/null
}

@test "RF20 a large body comes in parts, side by side, which break off and go on by themselves" {
	put_large
	faulty cut 1 /nosuch/
	pulled
	[ "$(blob_ranges)" -ge 10 ]
	# Each byte once.
	assert_equal "" "$(grep -o '/blobs/.* bytes=[0-9]*-' "$WORK/proxy.log" | sort | uniq -d)"
	grep -q 'bytes=0-2097151 ' "$WORK/proxy.log"
	hull rmi "$name"
	end_last 5001
	for fault in "cut 4" "500 3" "429:1 2"; do
		# shellcheck disable=SC2086
		faulty $fault
		pulled
		hull rmi "$name"
		end_last 5001
	done
}

@test "RF21 a registry that does not know Range, or only at first, or has other bytes behind it, serves without parts" {
	put_large
	for fault in "norange 1" "noparts 0" "etag 0" "shift 3" "noparts 2"; do
		# shellcheck disable=SC2086
		faulty $fault
		pulled
		hull rmi "$name"
		end_last 5001
	done
	faulty flip 0 /blobs/
	refused "sha256"
}
