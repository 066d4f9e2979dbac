#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docker-compose and docker's Python library against hulld, all in a network namespace of their own.

load ../e2e/lib
load ../e2e/api

setup() {
	command -v docker-compose >/dev/null || skip "needs docker-compose"
	api_namespace_setup
}
teardown() { api_namespace_teardown; }

@test "docker-compose: two services, a build, a network, a volume, a health check, who waits for whom" {
	mkdir -p app/web
	cd app
	# RUN in the network of who names none.
	echo word >token
	printf '%s\n' 'FROM test' 'RUN ip addr show eth0' 'ENV BUILT=yes' >web/Dockerfile
	cat >docker-compose.yml <<-'EOF'
		version: "2.4"
		services:
		  db:
		    image: test
		    command: ["sh", "-c", "echo data >/data/file; touch /ready; exec sleep 1000"]
		    volumes: ["data:/data"]
		    secrets: [token, {source: token, target: other}]
		    healthcheck: {test: ["CMD", "test", "-e", "/ready"], interval: 1s, retries: 30}
		  web:
		    build: web
		    links: ["db:database"]
		    command: ["sh", "-c", "ping -c 1 -W 5 database && cat /data/file && exec sleep 1000"]
		    volumes: ["data:/data:ro"]
		    networks: [default, back]
		    ports: ["8080:80"]
		    depends_on: {db: {condition: service_healthy}}
		  extra: {image: test, profiles: [debug], command: [sleep, "1000"]}
		networks: {back: {}}
		secrets: {token: {file: ./token}}
		volumes: {data: {}}
	EOF
	compose up -d
	run -0 compose ps
	assert_line 'app_db_1 .*Up \(healthy\)'
	assert_line 'app_web_1 .*Up .*0.0.0.0:8080->80/tcp'
	assert_lacks app_extra_1
	compose --profile debug up -d
	assert_equal 1 "$(hull ps -q --filter name=app_extra_1 | wc -l)"
	compose --profile debug rm -sf extra
	wait_for 10 eval 'compose logs --no-color web | grep -q "| data"'
	assert_equal "data yes" "$(compose exec -T web sh -c 'echo $(cat /data/file) $BUILT')"
	# Its secrets are files that it binds; those of a swarm it cannot give to a container, and says so.
	assert_equal "word word" "$(compose exec -T db sh -c 'echo $(cat /run/secrets/token /run/secrets/other)')"
	sed 's/token: {file: .*}}/token: {external: true}}/' docker-compose.yml >external.yml
	run compose -f external.yml -p external up --no-start db
	assert_has "External secrets are not available"
	compose -f external.yml -p external down -v
	assert_equal "from a run" "$(compose run --rm -T web echo from a run)"
	compose up -d --scale db=2
	assert_equal 3 "$(hull ps -q | wc -l)"
	compose stop -t 0
	assert_equal 0 "$(hull ps -q | wc -l)"
	compose start
	compose down -v -t 0
	assert_equal "" "$(hull ps -aq)$(hull volume ls -q)"
	run -0 hull network ls
	assert_lacks app_
}

@test "docker's Python library: its everyday examples" {
	/usr/bin/python3 -c "import docker" || skip "needs python3-docker"
	cat >everyday.py <<-'EOF'
		import docker, io, tarfile
		d = docker.from_env()
		none = {"network_mode": "none"}
		assert d.containers.run("test", "echo hello", remove=True, **none) == b"hello\n"
		try:
		    d.containers.run("test", ["sh", "-c", "echo why >&2; exit 3"], remove=True, **none)
		    assert False
		except docker.errors.ContainerError as e:
		    assert e.exit_status == 3 and e.stderr == b"why\n"
		c = d.containers.run("test", ["sh", "-c", "echo a; sleep 1000"], name="aa", detach=True, environment={"A": "b"}, **none)
		assert [x.name for x in d.containers.list(filters={"name": "aa"})] == ["aa"]
		assert c.exec_run("id -u", user="user").output == b"1000\n"
		assert c.exec_run(["sh", "-c", "echo o; echo e >&2; exit 4"], demux=True) == (4, (b"o\n", b"e\n"))
		assert b"".join(c.exec_run("cat /data/file", stream=True).output) == b"from the image\n"
		while not c.logs(): pass
		assert c.logs() == b"a\n" and c.top()["Processes"]
		s = c.stats(stream=False)
		assert s["pids_stats"]["current"] >= 1 and s["cpu_stats"]["system_cpu_usage"] > s["precpu_stats"]["system_cpu_usage"]
		stream, st = c.get_archive("/data/file")
		assert st["name"] == "file" and st["size"] == 15
		t = tarfile.open(fileobj=io.BytesIO(b"".join(stream)))
		assert t.extractfile("file").read() == b"from the image\n"
		c.update(mem_limit="64m", memswap_limit="64m")
		c.reload()
		assert c.attrs["HostConfig"]["Memory"] == 64 << 20 and c.status == "running"
		c.pause(); c.unpause(); c.rename("bb"); c.stop(timeout=0)
		assert c.wait()["StatusCode"] == 137 and c.diff() is None
		c.commit("made", "1")
		c.remove()
		i = d.api.create_container("test", ["cat"], stdin_open=True, host_config=d.api.create_host_config(**none))
		k = d.api.attach_socket(i, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
		d.api.start(i)
		k._sock.sendall(b"ping\n")
		got = b""
		while not got.endswith(b"ping\n"):
		    got += k._sock.recv(100)
		    assert got
		k.close()
		d.api.remove_container(i, force=True)
		assert "made:1" in [t for x in d.images.list() for t in x.tags]
		image, log = d.images.build(fileobj=io.BytesIO(b"FROM test\nENV A=b\n"), tag="built")
		assert image.tags == ["built:latest"]
		v = d.volumes.create("vv", labels={"a": "b"})
		n = d.networks.create("nn")
		c = d.containers.create("test", network="nn", volumes={"vv": {"bind": "/v", "mode": "ro"}})
		assert list(c.attrs["NetworkSettings"]["Networks"]) == ["nn"]
		try:
		    v.remove()
		    assert False
		except docker.errors.APIError as e:
		    assert e.status_code == 409
		c.remove(); n.remove(); v.remove()
		try:
		    d.containers.get("nobody")
		    assert False
		except docker.errors.NotFound:
		    pass
	EOF
	/usr/bin/python3 everyday.py
}

@test "bodies and filters of any kind are answered" {
	docker run -d --name mm --network none test sleep 1000
	run -0 python3 "$TOP/tests/helpers/api_bodies.py" "$SOCKET"
	assert_equal "" "$output"
	hull ps -aq | xargs "$HULL" rm -f >/dev/null
}
