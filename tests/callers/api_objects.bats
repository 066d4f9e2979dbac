#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld: images, volumes, networks, files, events, figures, builds, as docker's client sees them. All of it runs in a
# network namespace of its own.

load ../e2e/lib
load ../e2e/api

setup() {
	need_docker
	api_namespace_setup
}
teardown() { api_namespace_teardown; }

@test "api objects: images" {
	assert_equal "test:latest" "$(docker images --format '{{.Repository}}:{{.Tag}}')"
	docker tag test two:x
	assert_equal "$(docker inspect -f '{{.Id}}' test)" "$(docker image inspect -f '{{.Id}}' two:x)"
	assert_equal two:x "$(docker images -f reference='two*' --format '{{.Repository}}:{{.Tag}}')"
	printf 'FROM test\nRUN echo own >/own\n' | DOCKER_BUILDKIT=0 docker build -q -t shares - >/dev/null
	answers 200 GET '/images/json?shared-size=1&manifests=1' >shared
	# Of the one all of its layers, of the other all but its own.
	assert_equal true "$(jq 'length == 2 and all(has("Manifests") == false) and (map({key: .RepoTags[0], value: .}) | from_entries |
		."shares:latest" as $s | (."test:latest" // ."two:x") as $t |
		$t.Size > 0 and $t.SharedSize == $t.Size and $s.SharedSize == $t.Size and $s.Size > $s.SharedSize)' shared)" || fail "$(cat shared)"
	assert_equal "[-1,-1]" "$(answers 200 GET /images/json | jq -c 'map(.SharedSize)')"
	docker rmi shares
	docker save two:x >two.tar
	run -0 docker rmi two:x
	assert_has "Untagged: two:x"
	# There is one platform of each image: it may be named, another one is not found.
	local own other="linux/s390x"
	own=$(docker image inspect -f '{{.Os}}/{{.Architecture}}' test)
	run -0 docker load --platform "$own" -i two.tar
	assert_has "Loaded image: two:x"
	run -1 docker load --platform $other -i two.tar
	assert_has "not for $other"
	docker save --platform "$own" -o own.tar two:x
	for command in "image inspect" history "save -o x.tar" "rmi"; do
		# shellcheck disable=SC2086 # words
		run -1 docker $command --platform $other two:x
		assert_has "does not provide the specified platform ($other)"
	done
	run -0 docker history --platform "$own" two:x
	run -0 docker image inspect --platform "$own" two:x
	run -0 docker history two:x
	assert_has "Imported from -"
	tar -C "$ROOTFS" -c ./etc | docker import -c 'CMD ["x"]' - made:1
	assert_equal '[x]' "$(docker inspect -f '{{.Config.Cmd}}' made:1)"
	docker run --name aa --network none test touch /new
	assert_equal "A /new" "$(docker diff aa)"
	docker commit -m words -c 'ENV X=y' aa made:2
	assert_equal "words" "$(docker inspect -f '{{.Comment}}' made:2)"
	docker rm aa
	run -1 docker rmi nothing
	assert_has "No such image: nothing"
	run -0 docker image prune -af
	assert_has "deleted: sha256:"
	assert_equal "" "$(docker images -q)"
}

@test "api objects: a build, and one that fails" {
	mkdir ctx
	printf '%s\n' 'FROM test' 'ARG X=1' 'RUN echo building $X, $(ulimit -n)' 'COPY file /file' 'CMD ["cat", "/file"]' >ctx/Dockerfile
	echo content >ctx/file
	run -0 docker build --network none --build-arg X=7 --label a=b --cache-from test --ulimit nofile=77 -t made:1 ctx
	assert_has "building 7, 77"
	assert_has "Successfully tagged made:1"
	assert_equal "content" "$(docker run --rm --network none made:1)"
	assert_equal b "$(docker inspect -f '{{.Config.Labels.a}}' made:1)"
	[[ $(docker build -q --network none ctx) == sha256:* ]]
	# The client puts a Dockerfile from elsewhere into the tar, and leaves its last padding out.
	printf '%s\n' 'FROM test' 'COPY file /elsewhere' >Dockerfile.elsewhere
	run -0 docker build --network none -f Dockerfile.elsewhere -t made:2 ctx
	run -0 docker build --network none -f - ctx <Dockerfile.elsewhere
	printf '%s\n' 'FROM test' 'RUN exit 3' >ctx/Dockerfile
	run -1 docker build --network none ctx
	assert_has "exit code: 3"
	run answers 400 POST '/build?outputs=x'
	assert_has "outputs=x is not to be had"
	docker builder prune -af
}

@test "api objects: volumes and networks" {
	docker volume create --label k=v vv
	assert_equal vv "$(docker volume ls -q -f label=k=v)"
	docker network create --subnet 10.77.0.0/24 nn
	docker run -d --name aa --network nn --network-alias other --ip 10.77.0.9 -v vv:/data -p 8080:80 test sleep 1000
	answers 200 GET "/networks/nn?scope=local" >/dev/null
	assert_equal "network nn not found" "$(answers 404 GET "/networks/nn?scope=swarm" | jq -r .message)"
	assert_equal "10.77.0.9/24" "$(docker network inspect -f '{{range .Containers}}{{.IPv4Address}}{{end}}' nn)"
	assert_equal "0.0.0.0:8080" "$(docker port aa 80)"
	[[ $(docker ps --format '{{.Ports}} {{.Networks}} {{.Mounts}}') == "0.0.0.0:8080->80/tcp nn vv" ]]
	docker run --rm --network nn test ping -c 1 -W 20 other
	docker network create mm
	docker network connect mm aa
	assert_equal "mm nn " "$(docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' aa)"
	docker run -d --name bb --network nn test sleep 1000
	docker network connect --link aa:linked mm bb
	docker exec bb ping -c 1 -W 20 linked
	assert_equal bb/linked "$(docker rm --link bb/linked)"
	run -1 docker rm --link bb/linked
	assert_has "container bb has no link linked"
	docker rm -f bb
	docker network disconnect mm aa
	run -1 docker network rm nn
	assert_has "has active endpoints"
	run -1 docker volume rm vv
	docker rm -f aa
	run -0 docker network prune -f
	assert_has nn
	run -0 docker volume prune -f --filter all=1
	assert_has vv
	run -1 docker network create --config-from nobody other
	assert_has 'configuration network "nobody" does not exist'
}

@test "api objects: files, figures, events" {
	docker run -d --name aa --network none test sleep 1000
	echo hello >file
	docker cp file aa:/tmp/copy
	assert_equal hello "$(docker exec aa cat /tmp/copy)"
	docker cp aa:/tmp/copy back
	assert_equal hello "$(cat back)"
	docker exec aa sh -c 'mkdir -p /tmp/d && ln -s d /tmp/to-d && ln -s ../copy /tmp/d/two && ln -s to-d/two /tmp/one'
	docker cp -L aa:/tmp/one followed
	assert_equal hello "$(cat followed)"
	docker cp aa:/tmp/one linked
	assert_equal to-d/two "$(readlink linked)"
	docker cp aa:/ whole
	assert_equal "from the image" "$(cat whole/data/file)"
	docker cp aa:/data - >data.tar
	run -0 tar -tf data.tar
	assert_has data/sub/file
	run -1 docker cp aa:/nothing .
	docker export aa >root.tar
	run -0 tar -tf root.tar
	assert_has bin/busybox
	assert_equal aa "$(docker stats --no-stream --format '{{.Name}}')"
	# The live table of the client; at its end it may show nothing any more.
	# With names it ends at the third TERM alone, with dockerd as well.
	timeout -k 5 6 "$(type -P docker)" stats aa >shown 3>&- </dev/null || true
	[ "$(tr '\033' '\n' <shown | grep -ac 'aa .*[0-9]% .*B / .*B .*% ')" -ge 2 ]
	assert_equal 1 "$(api GET '/containers/aa/stats?stream=0&one-shot=1' | jq .pids_stats.current)"
	docker run -d --name busy --cpus 0.1 test sh -c 'timeout 200 yes >/dev/null'
	wait_for 10 eval "api GET '/containers/busy/stats?stream=0&one-shot=1' |
		jq -e '.cpu_stats.throttling_data.throttled_periods > 2 and .networks.eth0.rx_dropped == 0'"
	docker rm -f busy
	run -0 docker top aa
	assert_has "sleep 1000"
	run -0 docker system df
	assert_has "Images"
	assert_equal "create start" "$(docker events --since 10m --until "$(date +%s)" -f container=aa --format '{{.Action}}' | grep -v exec | head -n 2 | paste -sd' ')"
	docker kill aa
	run -0 docker container prune -f
	assert_has "Total reclaimed space"
	assert_equal "" "$(docker ps -aq)"
}
