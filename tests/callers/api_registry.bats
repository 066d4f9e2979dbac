#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld and registries: docker's client logs in, pushes and pulls; the credentials are its own, and hulld keeps none.

load ../e2e/lib
load ../e2e/api
load ../e2e/registry

setup() {
	need_docker
	hull_setup && net_up
	SOCKET=$WORK/api.sock
	export DOCKER_HOST=unix://$SOCKET DOCKER_CONFIG=$WORK/client
	registry_up "http: {addr: '$REGISTRY'}" "$(basic_auth)"
	in_background env DOCKER_CONFIG="$WORK/none" "$HULL_BIN_DIR/hulld" --host "unix://$SOCKET"
	wait_for 5 api GET /_ping
}
teardown() { hull_teardown; }

@test "api registry: login, push, pull, search, each with the client's credentials" {
	docker tag test "$REGISTRY/some/thing:v1"
	run -1 docker push "$REGISTRY/some/thing:v1"
	run -1 docker login -u user -p wrong "$REGISTRY"
	run -0 docker login -u user -p secret "$REGISTRY"
	assert_has "Login Succeeded"
	[ ! -e "$WORK/none" ] || fail "hulld keeps credentials"
	run -0 docker push "$REGISTRY/some/thing:v1"
	assert_has "The push refers to repository [$REGISTRY/some/thing]"
	assert_line '^v1: digest: sha256:[0-9a-f]{64} size: [0-9]+'
	docker rmi "$REGISTRY/some/thing:v1" test
	run -0 docker pull "$REGISTRY/some/thing:v1"
	assert_has "v1: Pulling from some/thing"
	assert_has "Pull complete"
	assert_has "Status: Downloaded newer image for $REGISTRY/some/thing:v1"
	run -0 docker pull "$REGISTRY/some/thing:v1"
	assert_has "Status: Image is up to date"
	# What docker's client asks for services and trust alone.
	local login
	login=$(jq -nc --arg at "$REGISTRY" '{username: "user", password: "secret", serveraddress: $at}' | base64 -w 0)
	curl -s --unix-socket "$SOCKET" -H "X-Registry-Auth: $login" "http://hull/distribution/$REGISTRY/some/thing:v1/json" >there 3>&-
	assert_equal '[{"architecture":"amd64","os":"linux"}]' "$(jq -c .Platforms there | sed "s/\"$(uname -m | sed 's/x86_64/amd64/;s/aarch64/arm64/')\"/\"amd64\"/")"
	jq -e '.Descriptor | .digest[:7] == "sha256:" and .size > 0 and (.mediaType | endswith("manifest.v1+json") or endswith("manifest.v2+json"))' there
	assert_equal 404 "$(curl -s --unix-socket "$SOCKET" -H "X-Registry-Auth: $login" -o /dev/null -w '%{http_code}' "http://hull/distribution/$REGISTRY/some/nothing:v1/json" 3>&-)"
	# Without, and with those of nobody. Debian's dockerd says 500 and 401.
	local wrong
	wrong=$(jq -nc --arg at "$REGISTRY" '{username: "user", password: "wrong", serveraddress: $at}' | base64 -w 0)
	for header in X-Nothing:1 "X-Registry-Auth: $wrong"; do
		assert_equal 401 "$(curl -s --unix-socket "$SOCKET" -H "$header" -o refused -w '%{http_code}' "http://hull/distribution/$REGISTRY/some/thing:v1/json" 3>&-)"
		jq -e '.message | contains("authentication required")' refused
	done
	run -1 docker pull "$REGISTRY/some/nothing:v1"
	run -0 docker search "$REGISTRY/thing"
	assert_has some/thing
	# A build has the credentials of the client that asks for it, and of no other.
	docker rmi "$REGISTRY/some/thing:v1"
	mkdir "$WORK/context" && echo "FROM $REGISTRY/some/thing:v1" >"$WORK/context/Dockerfile"
	DOCKER_BUILDKIT=0 DOCKER_CONFIG=$WORK/none run -1 docker build "$WORK/context"
	assert_has "cannot be pulled"
	DOCKER_BUILDKIT=0 run -0 docker build "$WORK/context"
	# BuildKit's client is asked for them in its session.
	if /usr/bin/docker version --format '{{.Client.Version}}' 2>/dev/null | grep -q '^2[0-2]\.'; then
		docker rmi "$REGISTRY/some/thing:v1"
		DOCKER_BUILDKIT=1 DOCKER_CONFIG=$WORK/none run -1 in_net timeout 60 /usr/bin/docker build "$WORK/context"
		assert_has "cannot be pulled"
		DOCKER_BUILDKIT=1 run -0 in_net timeout 60 /usr/bin/docker build "$WORK/context"
	fi
	# run pulls what is missing.
	docker rmi "$REGISTRY/some/thing:v1"
	assert_equal hello "$(docker run --rm --network none "$REGISTRY/some/thing:v1" echo hello 2>/dev/null)"
}
