#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull login and logout, and what pull does with what they keep: basic authentication, tokens,
# credential helpers, certificates.

load lib
load registry

setup() { hull_setup && net_up; }
teardown() { hull_teardown; }

http="http: {addr: '$REGISTRY'}"

# The registry's images are put there by one without authentication.
put_as_user() {
	put_image --user user:secret "$@"
}

@test "LI1 basic: what login keeps, pull uses, and logout forgets" {
	registry_up "$http" "$(basic_auth)"
	put_as_user some/thing v1
	run -1 hull pull "$REGISTRY/some/thing:v1"
	assert_has "pull access denied for $REGISTRY/some/thing, repository does not exist or may require 'docker login'"
	assert_has "hint: hull login $REGISTRY"
	run -0 login "$REGISTRY"
	assert_line "^Login Succeeded$"
	assert_has "stored unencrypted in $WORK/docker/config.json"
	assert_equal "dXNlcjpzZWNyZXQ=" "$(jq -r ".auths.\"$REGISTRY\".auth" "$DOCKER_CONFIG/config.json")"
	assert_equal 600 "$(stat -c %a "$DOCKER_CONFIG/config.json")"
	run -0 hull pull "$REGISTRY/some/thing:v1"
	run -0 hull login "$REGISTRY"
	assert_has "Authenticating with existing credentials..."
	run -0 hull logout "$REGISTRY"
	assert_equal "Removing login credentials for $REGISTRY" "$output"
	assert_equal "Not logged in to $REGISTRY" "$(hull logout "$REGISTRY")"
	run -1 hull pull "$REGISTRY/some/thing:v1"
}

@test "LI2 a wrong password is not kept; nothing else of config.json is touched" {
	registry_up "$http" "$(basic_auth)"
	mkdir "$DOCKER_CONFIG"
	echo '{"detachKeys": "ctrl-e,e", "auths": {"other:1": {"auth": "YTpi"}}}' >"$DOCKER_CONFIG/config.json"
	run -1 login "$REGISTRY" wrong
	assert_has "login to $REGISTRY: unauthorized"
	assert_lacks wrong
	run ! grep -q "$REGISTRY" "$DOCKER_CONFIG/config.json"
	run -0 login "$REGISTRY"
	assert_equal "ctrl-e,e YTpi" "$(jq -r '.detachKeys + " " + .auths."other:1".auth' "$DOCKER_CONFIG/config.json")"
	run -1 hull login -u user "$REGISTRY"
	assert_has "Cannot perform an interactive login from a non TTY device"
	run -1 hull login --password-stdin "$REGISTRY"
	assert_has "Must provide --username with --password-stdin"
}

@test "LI3 on a terminal it asks, and does not show the password" {
	registry_up "$http" "$(basic_auth)"
	run -0 in_net python3 - "$HULL" "$REGISTRY" <<-'EOT'
		import os, pty, sys, time
		pid, fd = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], [sys.argv[1], "login", sys.argv[2]])
		seen = b""
		for prompt, answer in ((b"Username: ", b"user\n"), (b"Password: ", b"secret\n"), (None, None)):
		    while prompt is None or prompt not in seen:
		        try:
		            data = os.read(fd, 4096)
		        except OSError:
		            break
		        if not data:
		            break
		        seen += data
		    if answer:
		        time.sleep(0.1)
		        os.write(fd, answer)
		print(seen.decode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	EOT
	assert_has "Login Succeeded"
	assert_lacks secret
}

@test "LI4 tokens: anonymous, by password, by identity token; the scope is what is done" {
	token_auth
	registry_up "$http" "$TOKEN_LINE"
	# Put by a second registry without authentication on the same files.
	sed "/^auth:/d; s/$REGISTRY/127.0.0.1:5003/" "$WORK/registry.yml" >"$WORK/open.yml"
	in_background docker-registry serve "$WORK/open.yml"
	wait_for 20 answers 127.0.0.1 5003
	REGISTRY_URL=http://127.0.0.1:5003 put_image public/thing v1
	REGISTRY_URL=http://127.0.0.1:5003 put_image private/thing v1
	run -0 hull pull "$REGISTRY/public/thing:v1"
	assert_equal "GET anonymous repository:public/thing:pull" "$(sort -u "$WORK/tokens.log")"
	run -1 hull pull "$REGISTRY/private/thing:v1"
	assert_has "pull access denied for $REGISTRY/private/thing"
	run -1 login "$REGISTRY" wrong
	assert_has "incorrect username or password"
	run -0 login "$REGISTRY"
	: >"$WORK/tokens.log"
	run -0 hull pull "$REGISTRY/private/thing:v1"
	# One token for the manifest, the config and the layer.
	assert_equal "GET user repository:private/thing:pull" "$(cat "$WORK/tokens.log")"
	echo "{\"auths\": {\"$REGISTRY\": {\"auth\": \"dXNlcjo=\", \"identitytoken\": \"identity\"}}}" >"$DOCKER_CONFIG/config.json"
	hull rmi "$REGISTRY/private/thing:v1"
	: >"$WORK/tokens.log"
	run -0 hull pull "$REGISTRY/private/thing:v1"
	assert_equal "POST identity repository:private/thing:pull" "$(cat "$WORK/tokens.log")"
}

@test "LI5 a credential helper keeps them" {
	registry_up "$http" "$(basic_auth)"
	put_as_user some/thing v1
	mkdir "$DOCKER_CONFIG" "$WORK/bin"
	cat >"$WORK/bin/docker-credential-tests" <<-EOT
		#!/bin/sh
		echo "\$*" >>$WORK/helper.log
		case \$1 in
		store) cat >$WORK/kept ;;
		get) read -r host; grep -q "\$host" $WORK/kept 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; }
			cat $WORK/kept ;;
		erase) rm $WORK/kept ;;
		esac
	EOT
	chmod +x "$WORK/bin/docker-credential-tests"
	export PATH=$WORK/bin:$PATH
	echo "{\"credHelpers\": {\"$REGISTRY\": \"tests\"}}" >"$DOCKER_CONFIG/config.json"
	run -1 hull pull "$REGISTRY/some/thing:v1"
	run -0 login "$REGISTRY"
	assert_lacks unencrypted
	assert_equal secret "$(jq -r .Secret "$WORK/kept")"
	run ! grep -q auths "$DOCKER_CONFIG/config.json"
	run -0 hull pull "$REGISTRY/some/thing:v1"
	run -0 hull logout "$REGISTRY"
	[ ! -e "$WORK/kept" ]
	# The secret was nobody's argument.
	run ! grep -q secret "$WORK/helper.log"
	# One that keeps all.
	echo '{"credsStore": "tests"}' >"$DOCKER_CONFIG/config.json"
	run -0 login "$REGISTRY"
	assert_equal secret "$(jq -r .Secret "$WORK/kept")"
	run -0 hull pull "$REGISTRY/some/thing:v1"
	echo '{"credsStore": "none/../such"}' >"$DOCKER_CONFIG/config.json"
	run -1 hull pull "$REGISTRY/some/thing:v1"
	assert_has "is no credential helper"
}

@test "LI6 TLS: an authority from --cert-dir, else refused, unless the registry is insecure" {
	make_cert server
	registry_up "http: {addr: '$REGISTRY', tls: {certificate: $WORK/server.pem, key: $WORK/server.key}}"
	REGISTRY_URL=https://$REGISTRY put_image --cacert "$WORK/ca.pem" some/thing v1
	mkdir "$WORK/certs"
	cp "$WORK/ca.pem" "$WORK/certs/ca.crt"
	run -0 hull pull --cert-dir "$WORK/certs" "$REGISTRY/some/thing:v1"
	hull rmi "$REGISTRY/some/thing:v1"
	run -1 hull pull "$REGISTRY/some/thing:v1"
	assert_has "certificate"
	run -0 hull pull --tls-verify=false "$REGISTRY/some/thing:v1"
	hull rmi "$REGISTRY/some/thing:v1"
	printf '%s\n' '[[registry]]' "location = '$REGISTRY'" 'insecure = true' >"$CONTAINERS_REGISTRIES_CONF"
	run -0 hull pull "$REGISTRY/some/thing:v1"
}

@test "LI7 TLS: another host's certificate, and one that has expired, are refused" {
	make_cert other subjectAltName=DNS:other.example
	registry_up "http: {addr: '$REGISTRY', tls: {certificate: $WORK/other.pem, key: $WORK/other.key}}"
	mkdir "$WORK/certs"
	cp "$WORK/ca.pem" "$WORK/certs/ca.crt"
	run -1 hull pull --tls-verify --cert-dir "$WORK/certs" "$REGISTRY/some/thing:v1"
	assert_has "cannot reach registry $REGISTRY"
	assert_lacks "not found"
}

@test "LI8 TLS: a client certificate from certs.d" {
	make_cert server
	make_cert client
	registry_up "http: {addr: '$REGISTRY', tls: {certificate: $WORK/server.pem, key: $WORK/server.key, clientcas: [$WORK/ca.pem]}}"
	mkdir "$WORK/certs"
	cp "$WORK/ca.pem" "$WORK/certs/ca.crt"
	run -1 hull pull --tls-verify --cert-dir "$WORK/certs" "$REGISTRY/some/thing:v1"
	assert_lacks "manifest unknown"
	cp "$WORK/client.pem" "$WORK/certs/client.cert"
	run -1 hull pull --cert-dir "$WORK/certs" "$REGISTRY/some/thing:v1"
	assert_has "needs both NAME.cert and NAME.key"
	cp "$WORK/client.key" "$WORK/certs/client.key"
	run -1 hull pull --tls-verify --cert-dir "$WORK/certs" "$REGISTRY/some/thing:v1"
	assert_has "manifest unknown"
	# By themselves, from below /etc.
	local etc
	for etc in docker containers; do
		mkdir -p "$WORK/$etc/upper/$etc/certs.d" "$WORK/$etc/work"
		cp -r "$WORK/certs" "$WORK/$etc/upper/$etc/certs.d/$REGISTRY"
		run -1 unshare --mount sh -c 'mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" etc /etc &&
			exec nsenter --net="$2" "$3" pull "$4"' \
			sh "$WORK/$etc" "/proc/$NET_PID/ns/net" "$HULL" "$REGISTRY/some/thing:v1" 3>&-
		assert_has "manifest unknown"
	done
	run -1 hull pull "$REGISTRY/some/thing:v1"
	assert_lacks "manifest unknown"
}

@test "LI9 registries.conf: another place, mirrors in their order, blocked ones, and what is wrong in it" {
	registry_up
	digest=$(put_image --layers 2 mirror/of/thing v1)
	printf '%s\n' '# comments' 'unqualified-search-registries = ["a", "b"]' '[[registry]]' \
		'prefix = "registry.example/team"' 'location = "127.0.0.1:1/nothing"' \
		'[[registry.mirror]]' 'location = "127.0.0.1:2/gone"' 'insecure = true' \
		'[[registry.mirror]]' "location = \"$REGISTRY/mirror/of\" # here" \
		'[[registry]]' 'location = "blocked.example"' 'blocked = true' '[aliases]' '"x/y" = "z"' \
		>"$CONTAINERS_REGISTRIES_CONF"
	run -0 hull pull registry.example/team/thing:v1
	assert_line "^Digest: $digest$"
	assert_equal registry.example/team/thing "$(hull images --format '{{.Repository}}' registry.example/team/thing)"
	run -1 hull pull blocked.example/thing
	assert_has "registry blocked.example is blocked"
	run -1 hull pull registry.example/team/other:v1
	assert_has "registry.example/team/other:v1"
	printf '%s\n' '' '[[registry]]' 'insecure = maybe' >"$CONTAINERS_REGISTRIES_CONF"
	run -1 hull pull registry.example/team/thing:v1
	assert_has "registries.conf: line 3: true or false was expected"
}

@test "LI10 registries.conf: names without a registry: aliases, registries to be searched, no guesses" {
	registry_up
	put_image --rootfs "$ROOTFS" team/app v1
	printf '%s\n' "unqualified-search-registries = ['127.0.0.1:1', '$REGISTRY']" >"$CONTAINERS_REGISTRIES_CONF"
	mkdir "$CONTAINERS_REGISTRIES_CONF.d"
	printf '%s\n' '[aliases]' "'web' = '$REGISTRY/team/app'" >"$CONTAINERS_REGISTRIES_CONF.d/names.conf"
	# It has the name of where it came from, and is found by the short one.
	run -0 hull pull web:v1
	assert_equal "$REGISTRY/team/app:v1" "${lines[-1]}"
	assert_equal 0 "$(hull images -q app:v1 | wc -l)"
	run -0 hull run --rm --pull never web:v1 cat /data/file
	run -0 hull rmi "$REGISTRY/team/app:v1"
	# The second of them has it.
	run -0 hull run --rm team/app:v1 cat /data/file
	assert_has "from the image"
	run -0 hull build -q - <<<'FROM team/app:v1'
	run -1 hull pull team/none
	assert_has "$REGISTRY/team/none"
	printf '%s\n' 'short-name-mode = "enforcing"' >"$CONTAINERS_REGISTRIES_CONF.d/a.conf"
	run -1 hull pull team/other
	assert_has "team/other may be of any of 2 registries"
	assert_has "hint: say 127.0.0.1:1/team/other, for example, or note an alias"
	run -0 hull pull web:v1
	printf '%s\n' 'short-name-mode = "loose"' >"$CONTAINERS_REGISTRIES_CONF.d/a.conf"
	run -1 hull pull web:v1
	assert_has "a.conf: short-name-mode is enforcing, permissive or disabled"
}
