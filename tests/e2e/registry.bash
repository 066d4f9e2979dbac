# SPDX-License-Identifier: Apache-2.0
# A registry on loopback for a case: in a network namespace of its own, so that its port is nobody
# else's and no packet leaves the machine. Loaded behind lib.

REGISTRY=127.0.0.1:5000

# Everything of the case that speaks to the registry runs there.
in_net() {
	nsenter --net="/proc/$NET_PID/ns/net" "$@"
}

hull() {
	if [ -n "${NET_PID-}" ] && [ -e "/proc/$NET_PID/ns/net" ]; then
		in_net "$HULL" "$@" 3>&-
	else
		"$HULL" "$@" 3>&-
	fi
}

in_background() {
	# Not in_net: the process that is started is to be the one that is ended.
	nsenter --net="/proc/$NET_PID/ns/net" "$@" </dev/null >>"$WORK/background.log" 2>&1 3>&- &
	started_by_test $!
	disown
}

net_up() {
	unshare --net sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	NET_PID=$!
	started_by_test "$NET_PID"
	disown
	wait_for 5 eval '[ "$(readlink /proc/$NET_PID/ns/net)" != "$(readlink /proc/self/ns/net)" ]' || return 1
	in_net ip link set lo up
	export DOCKER_CONFIG=$WORK/docker CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
	: >"$CONTAINERS_REGISTRIES_CONF"
}

# The last one that was started in the background, which listens at PORT.
end_last() {
	kill "${STARTED[-1]}"
	wait_for 10 eval "! answers 127.0.0.1 $1"
}

answers() {
	in_net python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)' "$1" "$2"
}

# registry_up [LINE...]: with these lines more in its configuration.
registry_up() {
	command -v docker-registry >/dev/null || skip "docker-registry is not installed"
	[ -n "${NET_PID-}" ] || net_up || return 1
	printf '%s\n' 'version: 0.1' 'log: {level: error, accesslog: {disabled: true}}' \
		"storage: {filesystem: {rootdirectory: $WORK/registry}, delete: {enabled: true}}" >"$WORK/registry.yml"
	[ $# -gt 0 ] || set -- "http: {addr: '$REGISTRY'}"
	printf '%s\n' "$@" >>"$WORK/registry.yml"
	in_background docker-registry serve "$WORK/registry.yml"
	wait_for 20 answers 127.0.0.1 "${REGISTRY##*:}" || { cat "$WORK/background.log"; return 1; }
}

# put_image [OPTION...] REPOSITORY TAG: see tests/helpers/registry_put.py
put_image() {
	in_net python3 "$TOP/tests/helpers/registry_put.py" "${@:1:$#-2}" "${REGISTRY_URL:-http://$REGISTRY}" "${@: -2}"
}

store_is_clean() {
	[ -z "$(find "$HULL_ROOT/layers" -maxdepth 1 -name '.stage-*')" ]
}

# A user "user" with the password "secret".
basic_auth() {
	python3 -W ignore -c 'import crypt
print("user:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))' >"$WORK/htpasswd"
	echo "auth: {htpasswd: {realm: tests, path: $WORK/htpasswd}}"
}

# make_cert NAME [EXTENSION]: NAME.pem and NAME.key, signed by ca.pem, which is made first.
make_cert() {
	(
		cd "$WORK" || exit 1
		[ -e ca.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 \
			-subj "/CN=tests" || exit 1
		openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" || exit 1
		openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -out "$1.pem" -days 2 \
			-extfile <(echo "${2:-subjectAltName=IP:127.0.0.1}") || exit 1
	) >"$WORK/openssl.log" 2>&1 || { cat "$WORK/openssl.log"; return 1; }
}

# The lines of a registry that wants tokens of the server at port 5002, which is started.
token_auth() {
	make_cert token || return 1
	in_background python3 "$TOP/tests/helpers/token_server.py" 5002 "$WORK/token.key" "$WORK/token.pem" \
		"$WORK/tokens.log"
	wait_for 10 answers 127.0.0.1 5002 || return 1
	# shellcheck disable=SC2034 # for the case
	TOKEN_LINE="auth: {token: {realm: 'http://127.0.0.1:5002/token', service: registry, issuer: tests, rootcertbundle: $WORK/ca.pem}}"
}

login() {
	echo -n "${2-secret}" | hull login -u user --password-stdin "$1"
}

# faulty FAULT [COUNT [PATTERN]]: tests/helpers/faulty_proxy.py at $FAULTY, before the registry.
FAULTY=127.0.0.1:5001
faulty() {
	in_background python3 "$TOP/tests/helpers/faulty_proxy.py" "${FAULTY##*:}" "${REGISTRY##*:}" "$WORK/proxy.log" "$@"
	wait_for 10 answers 127.0.0.1 "${FAULTY##*:}"
}

# A registry that gives out what is crafted for it (tests/helpers/crafted_registry.py), at $CRAFTED.
CRAFTED=127.0.0.1:5005
crafted_up() {
	[ -n "${NET_PID-}" ] || net_up || return 1
	mkdir -p "$WORK/crafted/manifests" "$WORK/crafted/blobs"
	in_background python3 "$TOP/tests/helpers/crafted_registry.py" "${CRAFTED##*:}" "$WORK/crafted"
	wait_for 20 answers 127.0.0.1 "${CRAFTED##*:}"
}

# craft_blob FILE TYPE: its descriptor.
craft_blob() {
	local sum
	sum=$(sha256sum <"$1")
	cp "$1" "$WORK/crafted/blobs/sha256:${sum%% *}"
	echo "{\"mediaType\": \"$2\", \"digest\": \"sha256:${sum%% *}\", \"size\": $(stat -c %s "$1")}"
}

# craft TAG TYPE <DOCUMENT
craft() {
	cat >"$WORK/crafted/manifests/$1"
	echo "$2" >"$WORK/crafted/manifests/$1.type"
}

# craft_image TAG LAYERS DIFF-ID...: a manifest with that list of descriptors.
craft_image() {
	printf '"sha256:%s"\n' "${@:3}" | jq -sc '{architecture: "amd64", os: "linux", config: {},
		rootfs: {type: "layers", diff_ids: .}}' >"$WORK/crafted.config"
	jq -nc --argjson layers "$2" --argjson config "$(craft_blob "$WORK/crafted.config" "$OCI.config.v1+json")" \
		--arg type "$OCI.manifest.v1+json" '{schemaVersion: 2, mediaType: $type, config: $config, layers: $layers}' |
		craft "$1" "$OCI.manifest.v1+json"
}
OCI=application/vnd.oci.image
