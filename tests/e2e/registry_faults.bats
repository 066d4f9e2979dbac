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

@test "RF29 what storage was allowed to give runs out: the registry is asked anew, the rest comes from there" {
	put_large
	faulty once:5004 0
	pulled
	grep -q '^5001 GET .*/blobs/.* bytes=[1-9]' "$WORK/proxy.log"
	grep -q '^5004 GET .*/blobs/.* bytes=[1-9]' "$WORK/proxy.log"
}

@test "RF30 a list of tags goes on where its Link says, absolute or relative, with the registry itself" {
	put_image some/thing v1
	put_image --layers 2 some/thing v2
	put_image --layers 3 some/thing v3
	for link in '{here}' /v2/some/thing/tags/list list '' http://elsewhere.invalid/v2/some/thing/tags/list; do
		faulty "pages:$link" 0 /tags/list
		run -0 hull pull -q -a "$FAULTY/some/thing"
		assert_equal "v1 v2 v3" "$(hull images --format '{{.Tag}}' "$FAULTY/some/thing" | sort | xargs)"
		hull rmi "$FAULTY/some/thing:v1" "$FAULTY/some/thing:v2" "$FAULTY/some/thing:v3"
		end_last 5001
	done
}

@test "RF31 Retry-After as a date: one that is over is no wait, one that is far is not waited for" {
	put_big
	faulty "429:$(LC_ALL=C date -u -d '-1 hour' '+%a, %d %b %Y %H:%M:%S GMT')" 2
	pulled
	hull rmi "$name"
	end_last 5001
	faulty "429:$(LC_ALL=C date -u -d '+1 day' '+%a, %d %b %Y %H:%M:%S GMT')" 0
	refused "try again later"
}

# A layer with a file, gzipped, as $layer and $diff_id.
small_layer() {
	mkdir -p "$WORK/layer"
	echo x >"$WORK/layer/file"
	tar -C "$WORK/layer" -cf "$WORK/layer.tar" .
	diff_id=$(sha256sum <"$WORK/layer.tar")
	diff_id=${diff_id%% *}
	gzip -kf "$WORK/layer.tar"
	layer=$(craft_blob "$WORK/layer.tar.gz" "$OCI.layer.v1.tar+gzip")
}

# not_taken TAG [WORDS]: the pull fails with these words, and nothing of it is left.
not_taken() {
	run -1 hull pull "$CRAFTED/some/thing:$1"
	assert_has "${2-}"
	assert_equal "" "$(hull images -q "$CRAFTED/some/thing")"
	store_is_clean
}

@test "RF22 a digest that is none is not used, for a layer, a config or a manifest (T081)" {
	crafted_up
	small_layer
	craft_image good "[$layer]" "$diff_id"
	run -0 hull pull "$CRAFTED/some/thing:good"
	hull rmi "$CRAFTED/some/thing:good"
	hex=$(jq -r '.digest[7:]' <<<"$layer")
	for digest in "" "sha256:" "sha256:../../x" "sha256:${hex:1}" "sha256:${hex}0" "sha256:${hex^^}" \
		"md5:${hex:0:32}" "$hex" "sha256:$hex/../x" "sha256:$hex%00" "sha512:$hex" " sha256:$hex"; do
		echo "digest '$digest'"
		craft_image bad "$(jq -c --arg d "$digest" '[.digest = $d]' <<<"$layer")" "$diff_id"
		not_taken bad
		jq -c --arg d "$digest" '.config.digest = $d' "$WORK/crafted/manifests/good" | craft bad "$OCI.manifest.v1+json"
		not_taken bad
		jq -nc --arg d "$digest" --arg t "$OCI.manifest.v1+json" '{schemaVersion: 2, manifests: [{mediaType: $t,
			digest: $d, size: 9, platform: {os: "linux", architecture: "amd64"}}]}' | craft bad "$OCI.index.v1+json"
		not_taken bad
	done
	assert_equal "" "$(find "$HULL_ROOT" -name x)"
}

@test "RF23 a manifest that is an index as well, or is called one, is neither (T082)" {
	crafted_up
	small_layer
	craft_image m "[$layer]" "$diff_id"
	inner=$(craft_blob "$WORK/crafted/manifests/m" "$OCI.manifest.v1+json")
	taken=""
	for fields in layers manifests both none; do
		for type in manifest index; do
			for content in manifest index; do
				jq -c --arg t "$OCI.$type.v1+json" --arg f $fields --argjson inner "$inner" '.mediaType = $t |
					if $f == "manifests" or $f == "none" then del(.layers, .config) else . end |
					if $f == "manifests" or $f == "both" then .manifests = [$inner + {platform:
					{os: "linux", architecture: "amd64"}}] else . end' "$WORK/crafted/manifests/m" |
					craft t "$OCI.$content.v1+json"
				run hull pull "$CRAFTED/some/thing:t"
				[ "$status" != 0 ] || taken+="$fields-$type-$content "
				hull rmi "$CRAFTED/some/thing:t" >/dev/null 2>&1 || true
			done
		done
	done
	assert_equal "layers-manifest-manifest manifests-index-index " "$taken"
	store_is_clean
}

@test "RF24 more layers than may be, a config and a token answer that are too large" {
	crafted_up
	small_layer
	craft_image many "$(jq -c '[range(128) as $i | .]' <<<"$layer")" $(yes "$diff_id" | head -n 128)
	not_taken many "128"
	craft_image good "[$layer]" "$diff_id"
	for size in 5000000 9000000000; do
		jq -c --argjson s $size '.config.size = $s' "$WORK/crafted/manifests/good" | craft large "$OCI.manifest.v1+json"
		not_taken large
	done
	assert_has "larger than"
	printf '{"token": "%s"}' "$(head -c 9000000 /dev/zero | tr '\0' x)" >"$WORK/crafted/token"
	REGISTRY=$CRAFTED
	faulty "challenge:http://$CRAFTED/token" 0 /v2/
	run -1 hull pull "$FAULTY/some/thing:good"
	assert_has "token"
	store_is_clean
}

@test "RF25 where a manifest says that a layer is elsewhere, nobody asks there" {
	crafted_up
	small_layer
	: >"$WORK/elsewhere.log"
	in_background sh -c "exec python3 -um http.server -b 127.0.0.1 -d '$WORK/crafted/blobs' 5006 2>>'$WORK/elsewhere.log'"
	wait_for 20 answers 127.0.0.1 5006
	url=http://127.0.0.1:5006/$(jq -r .digest <<<"$layer")
	rm "$WORK/crafted/blobs/$(jq -r .digest <<<"$layer")"
	for type in layer.v1.tar+gzip layer.nondistributable.v1.tar+gzip; do
		craft_image foreign "$(jq -c --arg u "$url" --arg t "$OCI.$type" '[.urls = [$u] | .mediaType = $t]' <<<"$layer")" "$diff_id"
		not_taken foreign
	done
	assert_equal "" "$(grep GET "$WORK/elsewhere.log")"
}

@test "RF26 each time that a request is tried again the wait before it is longer" {
	net_up
	in_background python3 -uc 'import socket, sys, time
s = socket.create_server(("127.0.0.1", 5006))
while True:
    c = s.accept()[0]
    if c.recv(65536).startswith(b"GET"):
        open(sys.argv[1], "a").write("%d\n" % (time.monotonic() * 1000))
        c.sendall(b"HTTP/1.1 503 busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    c.close()' "$WORK/times"
	wait_for 20 answers 127.0.0.1 5006
	run -1 hull pull 127.0.0.1:5006/some/thing:v1
	assert_has "answers 503"
	# At least as long as was meant; a slow machine only makes it longer.
	awk 'NR > 1 { wait = $1 - last; if (wait < 240 * 2 ^ (n++)) { print NR, wait; bad = 1 } } { last = $1 }
		END { exit bad || n < 3 }' "$WORK/times"
}

@test "RF27 a layer that is zstd and called gzip has a small window, or is refused" {
	command -v zstd >/dev/null || skip "needs zstd"
	crafted_up
	mkdir "$WORK/layer"
	head -c 5000000 /dev/urandom >"$WORK/layer/file"
	tar -C "$WORK/layer" -cf "$WORK/l.tar" .
	diff_id=$(sha256sum <"$WORK/l.tar")
	for window in 20 23; do
		zstd -qf -1 --zstd=wlog=$window "$WORK/l.tar" -o "$WORK/l.zst"
		craft_image w$window "[$(craft_blob "$WORK/l.zst" "$OCI.layer.v1.tar+gzip")]" "${diff_id%% *}"
	done
	run -0 hull pull "$CRAFTED/some/thing:w20"
	hull rmi "$CRAFTED/some/thing:w20"
	not_taken w23 "its type does not say zstd"
	craft_image z23 "[$(craft_blob "$WORK/l.zst" "$OCI.layer.v1.tar+zstd")]" "${diff_id%% *}"
	run -0 hull pull "$CRAFTED/some/thing:z23"
}

@test "RF28 hostile layers by pull, ADD, cp and commit: no escape, nothing left" {
	crafted_up
	run in_net timeout 900 python3 "$TOP/tests/helpers/run_ways.py" "$WORK/ways" "$CRAFTED" "$WORK/crafted" "$HULL"
	echo "$output"
	[ "$status" = 0 ]
	store_is_clean
	hull system check
}
