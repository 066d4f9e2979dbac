#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld: what docker's client, and whoever speaks its API, sees of containers.

load lib
load api

setup() { api_setup; }
teardown() { api_teardown; }

none='"HostConfig":{"NetworkMode":"none"}'

# bats test_tags=fast,same
@test "api: versions, errors and headers" {
	local request
	assert_equal OK "$(answers 200 GET /_ping)"
	run answers 200 HEAD /_ping
	assert_line '^Api-Version: 1\.51'
	assert_line '^Ostype: linux'
	assert_line '^Builder-Version: 1'
	assert_equal 1.51 "$(answers 200 GET /version | jq -r .ApiVersion)"
	assert_equal 1.24 "$(answers 200 GET /v1.24/version | jq -r .MinAPIVersion)"
	for request in "GET /swarm" "POST /swarm/init" "GET /nodes/aa" "POST /services/create" "GET /tasks/aa/logs" \
		"POST /secrets/aa/update" "POST /configs/aa/update" "PUT /volumes/aa"; do
		# shellcheck disable=SC2086 # method and path
		run answers 503 $request
		assert_has "This node is not a swarm manager"
	done
	# A session is BuildKit's client's alone; of what buildx has of BuildKit there is nothing. The connection is as good as before.
	run answers 400 POST /session
	assert_has "must be upgraded to h2c"
	run -0 curl -si --unix-socket "$SOCKET" -X POST -H 'Connection: Upgrade' -H 'Upgrade: h2c' http://hull/session \
		--next -si --unix-socket "$SOCKET" -X POST -H 'Connection: Upgrade' -H 'Upgrade: h2c' http://hull/v1.41/grpc \
		--next -s --unix-socket "$SOCKET" http://hull/_ping
	assert_line '"message":.*X-Docker-Expose-Session-Uuid is missing'
	assert_line 'HTTP/1.1 501 Not Implemented'
	assert_line '^Content-Type: application/json'
	assert_line '"message":.*hulld has no BuildKit.*hull build.*OK'
	assert_lacks "Upgrade: "
	answers 501 POST "/plugins/pull?remote=x"
	for request in "GET /plugins/a/b:c/json" "POST /plugins/a/b:c/enable" "DELETE /plugins/a/b:c"; do
		# shellcheck disable=SC2086
		assert_equal 'plugin "a/b:c" not found: hull has no plugins' "$(answers 404 $request | jq -r .message)"
	done
	assert_equal "[]" "$(answers 200 GET /plugins)"
	assert_equal "page not found" "$(answers 404 GET /v1.40/nothing | jq -r .message)"
	run answers 400 GET /v1.99/info
	assert_has "client version 1.99 is too new. Maximum supported API version is 1.51"
	run answers 400 GET /v1.23/info
	assert_has "client version 1.23 is too old. Minimum supported API version is 1.24"
	assert_equal "No such container: nobody" "$(answers 404 GET /containers/nobody/json | jq -r .message | head -n 1)"
	assert_equal "$HULL_ROOT" "$(answers 200 GET /info | jq -r .DockerRootDir)"
	# A body that nobody asked for, a head that is none, and one that is too long.
	run -0 curl -s --unix-socket "$SOCKET" -d '{}' http://hull/nothing http://hull/containers/nobody/start http://hull/containers/nobody/kill
	assert_line 'page not found.*No such container: nobody.*No such container: nobody'
	run -0 curl -s --unix-socket "$SOCKET" -H "X: $(printf %70000s | tr ' ' x)" http://hull/_ping
	assert_has "its head exceeds 65536 bytes"
	run -0 curl -s --unix-socket "$SOCKET" -H 'Content-Length: 3' -H 'Content-Length: 4' -d abc http://hull/_ping
	assert_has "bad request: Content-Length"
	# RFC 9112: who speaks another version, or does not say to whom.
	run -0 curl -s --unix-socket "$SOCKET" --http1.0 -H Host: -i "http://hull/events?since=1&until=2"
	assert_line '^HTTP/1.1 200' && assert_line '^Connection: close'
	assert_lacks Transfer-Encoding
	assert_equal 400 "$(curl -s --unix-socket "$SOCKET" -H Host: -o /dev/null -w '%{http_code}' http://hull/_ping)"
	python3 - "$SOCKET" 3>&- <<-'EOF'
		import socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.sendall(b"PRI * HTTP/2.0\r\n\r\n")
		assert s.recv(1000).startswith(b"HTTP/1.1 505 ")
	EOF
	assert_equal 660 "$(stat -c %a "$SOCKET")"
	run -1 "$HULL_BIN_DIR/hulld" --host "unix://$SOCKET"
	assert_has "somebody listens"
	kill "$HULLD" && wait "$HULLD" || true
	serve --debug
	answers 404 GET /containers/nobody/json >/dev/null
	grep -q '^debug: GET: .*No such container: nobody' "$WORK/hulld.log"
}

# bats test_tags=fast,same
@test "api: the life of a container" {
	local id
	id=$(answers 201 POST "/containers/create?name=aa" "{\"Image\":\"test\",\"Cmd\":[\"sh\",\"-c\",\"echo out; echo err >&2; exit 3\"],\"Labels\":{\"k\":\"v\"},$none}" | jq -r .Id)
	assert_equal created "$(status_of aa)"
	answers 409 POST "/containers/create?name=aa" "{\"Image\":\"test\",$none}"
	answers 404 POST "/containers/create" "{\"Image\":\"nothing\",$none}"
	# Told to wait before it starts, as docker's client does.
	curl -sN --unix-socket "$SOCKET" -X POST -D "$WORK/headers" -o "$WORK/waited" \
		"http://hull/containers/aa/wait?condition=next-exit" 3>&- &
	local waiter=$!
	wait_for 5 grep -q 'HTTP/1.1 200' "$WORK/headers"
	answers 204 POST "/containers/$id/start"
	wait $waiter
	assert_equal 3 "$(jq -r .StatusCode "$WORK/waited")"
	assert_equal 3 "$(answers 200 POST /containers/aa/wait | jq -r .StatusCode)"
	assert_equal "aa test exited v none" "$(answers 200 GET '/containers/json?all=1&filters=%7B%22label%22:%5B%22k%22%5D%7D' |
		jq -r '.[] | "\(.Names[0][1:]) \(.Image) \(.State) \(.Labels.k) \(.HostConfig.NetworkMode)"')"
	assert_equal "[]" "$(answers 200 GET /containers/json)"
	assert_equal "out err" "$(api GET '/containers/aa/logs?stdout=1&stderr=1' | tr -d '\0-\t\v-\037' | paste -sd' ')"
	assert_equal out "$(api GET '/containers/aa/logs?stdout=1' | tail -c +9)"
	answers 204 POST "/containers/aa/rename?name=bb"
	answers 204 DELETE /containers/bb
	answers 404 DELETE /containers/bb
}

@test "api: what hull cannot do is refused, not passed over" {
	local field
	for field in '"VolumeDriver":"nfs"' '"DeviceRequests":[{"Count":-1}]' '"CpuCount":2' '"Runtime":"runc"' \
		'"PidMode":"nonsense"' '"MaskedPaths":["/proc/kcore"]' '"Memory":"much"' \
		'"RestartPolicy":{"Name":"nonsense"}' '"RestartPolicy":{"Name":"always","MaximumRetryCount":3}' \
		'"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":-1}' '"Mounts":[{"Target":"/x"}]' \
		'"Mounts":[{"Type":"tmpfs","Source":"/x","Target":"/x"}]' \
		'"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"Options":[["a","b","c"]]}}]' \
		'"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"Options":"exec"}}]' \
		'"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"Options":[[1]]}}]' \
		'"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"Options":[["bind"]]}}]' \
		'"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"Options":[["nr_inodes","50,uid=7"]]}}]' \
		'"ConsoleSize":[-5,80]' '"ConsoleSize":[1,2,3]' '"ConsoleSize":[30]'; do
		answers 400 POST /containers/create "{\"Image\":\"test\",\"HostConfig\":{\"NetworkMode\":\"none\",$field}}"
	done
	# What a place on a network would have, and there is none.
	for field in '"none":{"IPAMConfig":{"IPv4Address":"1.2.3.4"}}' '"none":{"IPAMConfig":{"LinkLocalIPs":["169.254.1.1"]}}' \
		'"none":{"Aliases":["a"]}' '"none":{"MacAddress":"02:00:00:00:00:01"}' '"none":{"GwPriority":1}' \
		'"none":{"DriverOpts":{"rate-in":"1m"}}' '"other":{}'; do
		answers 400 POST /containers/create "{\"Image\":\"test\",$none,\"NetworkingConfig\":{\"EndpointsConfig\":{$field}}}"
	done
	answers 400 POST /containers/create "{\"Image\":\"test\",$none,\"MacAddress\":\"zz\"}"
	# docker passes it over with its warning.
	run -0 answers 201 POST /v1.44/containers/create "{\"Image\":\"test\",$none,\"MacAddress\":\"02:00:00:00:00:01\"}"
	assert_has "MacAddress field is now deprecated"
	hull rm "$(hull ps -aq)"
	answers 400 POST /containers/create '{"Image":"test","HostConfig":{"NetworkMode":"container:nobody"},"MacAddress":"02:00:00:00:00:01"}'
	answers 400 POST /containers/create '{"Image":"test","HostConfig":{"NetworkMode":"container:nobody","DnsSearch":["a"]}}'
	# "Not found" is the image alone: for that clients pull it, and ask again.
	for field in '"NetworkMode":"nobody"' '"NetworkMode":"container:nobody"' '"PidMode":"container:nobody"' \
		'"VolumesFrom":["nobody"]' '"Mounts":[{"Type":"image","Source":"nobody","Target":"/x"}]'; do
		run answers 400 POST /containers/create "{\"Image\":\"test\",\"HostConfig\":{$field}}"
		assert_has nobody
	done
	answers 404 POST /containers/create '{"Image":"nobody"}'
	answers 201 POST "/containers/create?name=aa" '{"Image":"test","HostConfig":{"NetworkMode":"none","RestartPolicy":{"Name":""},"AutoRemove":true}}'
	answers 400 POST /containers/aa/update '{"RestartPolicy":{"Name":"nonsense"}}'
	answers 204 DELETE /containers/aa
	answers 400 POST /containers/create '{"Cmd":"x"}'
	answers 400 POST /containers/create '[]'
	answers 400 POST /containers/create '{'
	answers 200 POST '/build?buildargs=null&labels=null&cachefrom=null' # no context, and that is told
	answers 400 GET '/containers/json?filters=nonsense'
	answers 400 GET '/containers/json?filters=%7B%22what%22:%5B%22k%22%5D%7D'
	assert_equal "" "$(hull ps -aq)"
}

@test "api: an image of a container, with a configuration of its own" {
	hull run --name aa -e A=old -e B=b -l k=v -w /tmp test touch /new
	answers 201 POST "/commit?container=aa&repo=made&tag=1&changes=LABEL%20x=y" '{"Hostname":"","Cmd":["cat","/data/file"],"Env":["A=new"],"User":"user"}'
	assert_equal 'user /tmp ["cat","/data/file"] FROM_IMAGE=yes,A=new,B=b {"k":"v","x":"y"}' "$(hull inspect -f \
		'{{with .Config}}{{.User}} {{.WorkingDir}} {{json .Cmd}} {{join .Env ","}} {{json .Labels}}{{end}}' made:1 | sed 's/PATH=[^,]*,//')"
	answers 201 POST "/commit?container=aa&repo=same"
	answers 201 POST "/commit?container=aa&repo=same" null
	assert_equal '["touch","/new"]' "$(hull inspect -f '{{json .Config.Cmd}}' same)"
	answers 400 POST "/commit?container=aa&repo=made&tag=2" '{"Cmd":3}'
	assert_equal "true false" "$(answers 200 GET '/system/df?type=image&type=volume' |
		jq -r '"\((.Images | length) > 0 and .Volumes == [] and .LayersSize > 0) \(.Containers != null or .BuildCache != null)"')"
	answers 400 GET '/system/df?type=bogus'
	# What stays of the daemon: 8 MiB are promised.
	[ "$(awk '/VmRSS/ {print $2}' "/proc/$HULLD/status")" -lt 8192 ]
	hull rmi made:1 same
}

@test "api: a tmpfs with options as a list" {
	local words='[["exec"],["nr_inodes","77"]]'
	answers 201 POST "/containers/create?name=aa" "{\"Image\":\"test\",\"Cmd\":[\"sleep\",\"1000\"],\"HostConfig\":{\"NetworkMode\":\"none\",
		\"Mounts\":[{\"Type\":\"tmpfs\",\"Target\":\"/x\",\"TmpfsOptions\":{\"SizeBytes\":1048576,\"Options\":$words}}]}}"
	answers 204 POST /containers/aa/start
	run hull exec aa grep " /x " /proc/mounts
	assert_has size=1024k,nr_inodes=77
	assert_lacks noexec
	assert_equal "$words" "$(answers 200 GET /containers/aa/json | jq -c '.HostConfig.Mounts[0].TmpfsOptions.Options')"
	answers 204 DELETE "/containers/aa?force=1"
}

@test "api: running, paused, limited, stopped, restarted" {
	answers 201 POST "/containers/create?name=aa" "{\"Image\":\"test\",\"Cmd\":[\"sleep\",\"1000\"],$none}"
	answers 204 POST /containers/aa/start
	answers 304 POST /containers/aa/start
	run answers 200 GET /metrics
	assert_line '^hull_containers\{state="running"\} 1$'
	assert_line '^hull_container_pids\{id="[0-9a-f]{64}",name="aa"\} 1$'
	assert_line '^hull_container_cpu_seconds_total\{.*name="aa"\} 0\.[0-9]+$'
	assert_equal "# EOF" "${lines[-1]}"
	hull run -d --name 'b_b' -m 64m test sleep 1000
	api GET /metrics | python3 "$BATS_TEST_DIRNAME/../helpers/openmetrics.py"
	assert_equal "application/openmetrics-text; version=1.0.0; charset=utf-8" "$(curl -s --unix-socket "$SOCKET" -o /dev/null -w '%{content_type}' http://hull/metrics)"
	# The same figures as hull's own: of one that does nothing meanwhile.
	metric() { api GET /metrics | sed -n "s/^hull_container_$1{.*name=\"b_b\"} //p"; }
	hull pause b_b
	assert_equal "$(hull stats --no-stream --format '{{json .}}' b_b | jq -r .PIDs) 67108864" "$(metric pids) $(metric memory_limit_bytes)"
	hull rm -f b_b
	assert_equal "sleep 1000" "$(answers 200 GET /containers/aa/top | jq -r '.Processes[0][-1]')"
	answers 204 POST /containers/aa/pause
	assert_equal paused "$(status_of aa)"
	answers 204 POST /containers/aa/unpause
	answers 200 POST /containers/aa/update '{"Memory":67108864,"CpuShares":0,"RestartPolicy":{"Name":""}}'
	assert_equal 67108864 "$(cgroup_value aa memory memory.limit_in_bytes memory.max)"
	answers 204 POST "/containers/aa/restart?t=0"
	answers 204 POST "/containers/aa/kill?signal=KILL"
	run hull why aa
	assert_line "^aa: ended by hull kill: SIGKILL ended it after "
	assert_line "asked for by       uid $(id -u), from curl, by hulld\$"
	answers 304 POST "/containers/aa/stop?t=0"
	answers 409 POST /containers/aa/kill
	answers 204 POST /containers/aa/start
	answers 409 DELETE /containers/aa
	answers 204 DELETE "/containers/aa?force=1"
}

# What ended it, as clients of the API see it; and who asked for it, of a client on the socket.
@test "api: the cause of an end: State of inspect, the attributes of events" {
	local since
	since=$(date +%s)
	run hull run --name oom -m 16m --memory-swap 16m test /probe eat 64
	assert_status 137
	run hull run --name code test sh -c 'exit 3'
	hull run -d --name kill test sleep 600
	kill -KILL "$(pid_of kill)"
	wait_for 10 eval '[ "$(status_of kill)" = exited ]'
	hull run -d --name asked test sleep 600
	answers 204 POST "/containers/asked/stop?t=0"
	run -127 hull run --name never test /no/such/program
	state() { answers 200 GET "/containers/$1/json" | jq -r '"\(.State.Status) \(.State.ExitCode) \(.State.OOMKilled) \(.Hull.OOMKills) \(.Hull.ExitSignal)"'; }
	assert_equal "exited 137 true 1 9" "$(state oom)"
	assert_equal "exited 3 false 0 0" "$(state code)"
	assert_equal "exited 137 false 0 9" "$(state kill)"
	assert_equal "exited 137 false 0 9" "$(state asked)"
	[[ $(answers 200 GET /containers/never/json | jq -r .State.Error) == *"/no/such/program"* ]]
	of() { # NAME ACTION ATTRIBUTE...
		answers 200 GET "/events?since=$since&until=$(($(date +%s) + 1))&filters=%7B%22container%22%3A%5B%22$1%22%5D%7D" |
			jq -rs --arg action "$2" '[.[] | select(.Action == $action)][-1].Actor.Attributes as $a | [$ARGS.positional[] | $a[.]] | join(" ")' --args "${@:3}"
	}
	assert_equal "137 9 true" "$(of oom die exitCode signal oomKilled)"
	assert_equal "own probe 16777216" "$(of oom oom scope victim limit)"
	assert_equal "3 " "$(of code die exitCode signal)"
	assert_equal "137 9 " "$(of kill die exitCode signal oomKilled)"
	assert_equal " " "$(of kill kill signal sender)"
	assert_equal "9 uid $(id -u), from curl, by hulld" "$(of asked kill signal sender)"
	[[ $(answers 200 GET '/containers/json?all=1' | jq -r '.[] | select(.Names[0] == "/oom").Status') == "Exited (137) "* ]]
}

@test "api: a request that waits holds up nobody, and hulld may be killed" {
	hull run -d --name aa test sh -c 'echo ready; while :; do sleep 0.1; done'
	curl -sN --unix-socket "$SOCKET" "http://hull/containers/aa/logs?stdout=1&follow=1" >"$WORK/log" 3>&- &
	local follower=$!
	wait_for 5 grep -q ready "$WORK/log"
	answers 200 GET /containers/json
	kill -KILL $HULLD
	wait $HULLD || true
	kill -0 $follower
	serve
	assert_equal running "$(answers 200 GET /containers/aa/json | jq -r .State.Status)"
	hull rm -f aa
	wait $follower
}

@test "api: the body of a request is not the next one" {
	hull create --name aa test true
	local request
	for request in "/containers/aa/export" "/images/test/get" "/images/get?names=test"; do
		python3 - "$SOCKET" "$request" 3>&- <<-'EOF'
			import socket, sys
			inner = b"POST /containers/aa/rename?name=smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
			s = socket.socket(socket.AF_UNIX)
			s.connect(sys.argv[1])
			s.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (sys.argv[2].encode(), len(inner), inner) +
			          b"GET /_ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			got = b"".join(iter(lambda: s.recv(1 << 20), b""))
			assert got.startswith(b"HTTP/1.1 200") and got.endswith(b"OK"), got[:300]
		EOF
	done
	assert_equal aa "$(hull ps -a --format '{{.Names}}')"
}

@test "api: a member of the group may use the socket, and nobody else" {
	need_root
	chmod 755 "$WORK" "$BATS_RUN_TMPDIR" "$(dirname "$WORK")"
	kill $HULLD && wait $HULLD || true
	serve --group 4242
	assert_equal "660 0 4242" "$(stat -c '%a %u %g' "$SOCKET")"
	as_user() { setpriv --reuid 65534 --regid 65534 --groups "$1" curl -s --unix-socket "$SOCKET" http://hull/_ping 3>&-; }
	setpriv --reuid 65534 --regid 65534 --clear-groups test -e "$SOCKET" || skip "the folder of the tests is not for everybody"
	assert_equal OK "$(as_user 4242)"
	run ! as_user 4243
}

@test "api: limits on bodies, their time, and connections" {
	python3 - "$SOCKET" 3>&- <<-'EOF'
		import socket, sys
		def ask(text, more=b""):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(300)
		    s.connect(sys.argv[1])
		    s.sendall(text)
		    try: s.sendall(more)
		    except OSError: pass
		    return b"".join(iter(lambda: s.recv(1 << 20), b""))
		head = b"POST /containers/create HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n"
		got = ask(head + b"Content-Length: %d\r\n\r\n" % (16 << 20 | 1), b" " * (16 << 20 | 1))
		assert b"its body exceeds 16777216 bytes" in got, got[:300]
		got = ask(head + b"Transfer-Encoding: chunked\r\n\r\n", b"1000000\r\n" + b" " * (16 << 20) + b"\r\n1\r\n \r\n0\r\n\r\n")
		assert b"its body exceeds 16777216 bytes" in got, got[:300]
		# A body that does not come, and a head: each is given its time, and others are served meanwhile.
		late = socket.socket(socket.AF_UNIX)
		late.settimeout(300)
		late.connect(sys.argv[1])
		late.sendall(head + b"Content-Length: 10\r\n\r\n{")
		slow = socket.socket(socket.AF_UNIX)
		slow.settimeout(300)
		slow.connect(sys.argv[1])
		slow.sendall(b"GET /_ping HTT")
		assert ask(b"GET /_ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").endswith(b"OK")
		for s in slow, late:
		    got = s.recv(1 << 20)
		    assert not got or got.startswith(b"HTTP/1.1 4"), got[:300]
	EOF
	python3 - "$SOCKET" 3>&- <<-'EOF'
		import resource, socket, sys
		resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
		many = []
		for i in range(1000):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(300)
		    s.connect(sys.argv[1])
		    s.sendall(b"GET /_ping HTTP/1.1\r\nHost: h\r\n\r\n")
		    got = s.recv(4096)
		    assert got.startswith(b"HTTP/1.1 200"), (i, got)
		    many.append(s)
		one = socket.socket(socket.AF_UNIX)
		one.settimeout(300)
		one.connect(sys.argv[1])
		try: one.sendall(b"GET /_ping HTTP/1.1\r\nHost: h\r\n\r\n")
		except OSError: pass
		try: got = one.recv(4096)
		except OSError: got = b""
		print("the next one:", got[:200])
		assert not got.startswith(b"HTTP/1.1 200"), got
	EOF
	wait_for 30 answers 200 GET /_ping
}

@test "api: the tar of a copy may come and go slowly for longer than a minute; one that stalls has that minute, and others do not wait" {
	local name
	for name in up down slow other; do
		hull create --name $name test true
	done
	for name in big huge; do # a copy has its container's lock
		hull run --name $name test sh -c 'head -c 1200000 /dev/zero >/zeros'
	done
	head -c 100000 /dev/zero >zeros
	tar -cf tar zeros
	python3 - "$SOCKET" tar 3>&- <<-'EOF'
		import socket, sys, threading, time
		tar = open(sys.argv[2], "rb").read()
		took, errors = {}, []
		def ask(head, body=b""):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(300)
		    s.connect(sys.argv[1])
		    s.sendall((head + "\r\nHost: h\r\nConnection: close\r\n").encode())
		    return s
		def upload(name):
		    s = ask(f"PUT /containers/{name}/archive?path=/tmp HTTP/1.1")
		    s.sendall(b"Content-Length: %d\r\n\r\n" % len(tar))
		    return s
		def rest(s):
		    try: return b"".join(iter(lambda: s.recv(1 << 16), b""))
		    except OSError: return b"reset"
		def stalls():
		    s = upload("up")
		    s.sendall(tar[:1000])
		    return rest(s)
		def drips(): # a byte a second
		    s = upload("down")
		    try:
		        for i in range(300):
		            s.sendall(tar[i:i + 1])
		            time.sleep(1)
		    except OSError: pass
		    return rest(s)
		def comes(): # 1400 bytes a second
		    s = upload("slow")
		    for i in range(0, len(tar), 1400):
		        s.sendall(tar[i:i + 1400])
		        time.sleep(1)
		    return rest(s)
		def takes_none():
		    s = ask("GET /containers/huge/archive?path=/zeros HTTP/1.1")
		    s.sendall(b"\r\n")
		    time.sleep(80)
		    return rest(s)
		def takes(): # 1500 bytes a second, at first
		    s = ask("GET /containers/big/archive?path=/zeros HTTP/1.1")
		    s.sendall(b"\r\n")
		    got = b""
		    for i in range(70):
		        got += s.recv(1500, socket.MSG_WAITALL)
		        time.sleep(1)
		    return got + rest(s)
		def timed(what):
		    began = time.monotonic()
		    try: took[what.__name__] = what(), time.monotonic() - began
		    except Exception as e: errors.append((what.__name__, e))
		threads = [threading.Thread(target=timed, args=(what,)) for what in (stalls, drips, comes, takes_none, takes)]
		for t in threads: t.start()
		# Others meanwhile, every second.
		slowest = 0
		while any(t.is_alive() for t in threads):
		    began = time.monotonic()
		    for method, path in (("HEAD", "/containers/other/archive?path=/etc"), ("GET", "/containers/other/archive?path=/etc/passwd"),
		                         ("GET", "/containers/json?all=1"), ("POST", "/containers/other/start")):
		        s = ask(f"{method} {path} HTTP/1.1")
		        s.sendall(b"Content-Length: 0\r\n\r\n")
		        assert rest(s)[9:10] in b"23", path
		    slowest = max(slowest, time.monotonic() - began)
		    time.sleep(1)
		assert not errors, errors
		print({k: (len(v[0]), v[0][:15], round(v[1])) for k, v in took.items()}, "slowest of the others:", round(slowest, 2))
		assert slowest < 20
		for name in "stalls", "drips":
		    assert not took[name][0].startswith(b"HTTP/1.1 200") and 50 < took[name][1] < 200, took[name]
		assert took["comes"][0].startswith(b"HTTP/1.1 200") and took["comes"][1] > 65, took["comes"]
		assert not took["takes_none"][0].endswith(b"\r\n0\r\n\r\n"), took["takes_none"][0][-50:]
		assert took["takes"][0].endswith(b"\r\n0\r\n\r\n") and took["takes"][1] > 65 and len(took["takes"][0]) > 1200000
	EOF
	# Their containers are free again, and have nothing of it.
	for name in up down; do
		answers 204 POST /containers/$name/start
	done
	assert_equal 100000 "$(hull cp slow:/tmp/zeros - | tar -xO | wc -c)"
}

@test "api: groups that do not exist" {
	run -1 "$HULL_BIN_DIR/hulld" --host "unix://$WORK/x.sock" --group nosuchgroup
	assert_has "--group nosuchgroup"
	run -1 "$HULL_BIN_DIR/hulld" --host "unix://$WORK/x.sock" --read-only-host "unix://$WORK/y.sock" --read-only-group nosuchgroup
	assert_has "--read-only-group nosuchgroup"
	run -1 "$HULL_BIN_DIR/hulld" --host "unix://$WORK/x.sock" --read-only-group root
	assert_has "--read-only-group is for a --read-only-host unix://PATH, and there is none"
	run -1 "$HULL_BIN_DIR/hulld" --host tcp://127.0.0.1:1 --tlsverify --group root
	assert_has "--group is for a --host unix://PATH, and there is none"
	assert_equal "" "$(ls "$WORK"/?.sock 2>/dev/null)"
}

@test "api: a socket for who may only look" {
	kill $HULLD && wait $HULLD || true
	serve --read-only-host "unix://$WORK/ro.sock"
	hull volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,uid=7 vv
	hull run -d --name aa -e SECRET=word -v vv:/vv test sh -c 'echo word >/dev/null; sleep 1000'
	hull commit -c "ENV SECRET=word" aa ii
	answers 200 GET "/containers/aa/top?ps_args=-o%20pid,args"
	answers 400 GET "/containers/aa/top?ps_args=-eo%20ppid%3DPID"
	SOCKET=$WORK/ro.sock
	run answers 200 GET /containers/aa/top
	assert_has '"sleep"'
	assert_lacks word
	hull exec aa sh -c 'true word'
	answers 403 GET "/containers/aa/top?ps_args=eww"
	answers 403 GET "/containers/aa/logs?stdout=1&details=1"
	answers 200 GET /volumes/vv
	for request in /containers/aa/json /containers/json /images/ii/json /images/ii/history /volumes /volumes/vv /system/df "/events?since=1&until=$(date +%s)"; do
		run answers 200 GET $request
		assert_lacks word
		assert_lacks uid=7
	done
	assert_equal "SECRET=***" "$(answers 200 GET /containers/aa/json | jq -r '.Config.Env[]' | grep SECRET)"
	answers 200 GET /containers/json
	answers 200 GET "/containers/aa/logs?stdout=1"
	local request
	for request in "POST /containers/create" "POST /containers/aa/stop" "POST /containers/aa/exec" \
		"POST /containers/aa/attach" "GET /containers/aa/export" "GET /containers/aa/archive?path=/" \
		"DELETE /containers/aa" "GET /images/search?term=x" "POST /build" "POST /session" "POST /build/cancel?id=x" "POST /images/create?fromImage=x"; do
		# shellcheck disable=SC2086 # method and path
		run answers 403 $request
		assert_has "this socket is read-only"
	done
	# As many as there may be, and one more.
	python3 - "$SOCKET" "$WORK/api.sock" 3>&- <<-'EOF'
		import socket, sys
		def connect(path):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(path)
		    return s
		kept = [connect(sys.argv[1]) for _ in range(100)]
		busy = connect(sys.argv[1]).recv(1000)
		assert b" 503 " in busy and b"too many connections: 100 are open" in busy and b"try again" in busy, busy
		s = connect(sys.argv[2])
		s.sendall(b"GET /_ping HTTP/1.1\r\nHost: h\r\n\r\n")
		assert b" 200 " in s.recv(1000)
	EOF
	SOCKET=$WORK/api.sock
	assert_equal "SECRET=word" "$(answers 200 GET /containers/aa/json | jq -r '.Config.Env[]' | grep SECRET)"
}

@test "api: a socket that systemd hands over" {
	kill $HULLD && wait $HULLD || true
	SOCKET=$WORK/handed.sock
	python3 - "$SOCKET" "$HULL_BIN_DIR/hulld" 3>&- <<-'EOF' &
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen(10)
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.execve(sys.argv[2], ["hulld"], dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="1"))
	EOF
	HULLD=$!
	started_by_test $HULLD
	wait_for 5 api GET /_ping
	assert_equal "[]" "$(answers 200 GET /containers/json)"
	kill $HULLD
	wait $HULLD
	[ -S "$SOCKET" ] || fail "it is systemd's socket"
}

@test "api: docker run -d, ps, logs, stop, rm" {
	need_docker
	docker run -d --network none --name aa -e A=b -m 64m --init test sh -c 'echo $A; echo ready; sleep 1000'
	wait_ready aa
	assert_equal "aa test" "$(docker ps --format '{{.Names}} {{.Image}}')"
	assert_equal b "$(docker logs aa | head -n 1)"
	assert_equal 67108864 "$(docker inspect -f '{{.HostConfig.Memory}}' aa)"
	docker stop -t 5 aa
	assert_equal exited "$(docker inspect -f '{{.State.Status}}' aa)"
	run -0 docker ps -a
	assert_has "Exited (143)"
	docker start aa
	docker kill aa
	assert_equal 137 "$(docker wait aa)"
	docker rm aa
	run -1 docker container inspect aa # "aa" alone may be the beginning of a network's id
	run -1 docker rm nobody
	assert_has "Error response from daemon: No such container: nobody"
}

# bats test_tags=fast,same
@test "page: on this machine alone, to look at alone, nothing secret, nothing from elsewhere" {
	local address request
	for address in 0.0.0.0:80 10.0.0.1:80 "[::]:80" :80 localhost localhost: localhost:0 127.0.0.1:65536 "127.0.0.1]:80" ::1:80; do
		run -1 "$HULL_BIN_DIR/hulld" --host "unix://$WORK/x.sock" --page "$address"
		assert_has "invalid --page $address"
	done
	run -1 "$HULL_BIN_DIR/hulld" --host "unix://$WORK/x.sock" --page 0.0.0.0:80
	assert_has "served to this machine alone"
	answers 404 GET / && answers 404 GET /figures
	kill "$HULLD" && wait "$HULLD" || true
	serve_page --read-only-host "unix://$WORK/ro.sock"
	hull run -d --name aa --cpus 1.5 -e SECRET=s3cret -l l=s3cret test sh -c 'echo s3cret; sleep 1000'
	run -7 hull run --name bb test sh -c 'exit 7; s3cret'
	on_page curl -s "http://$PAGE/figures" >figures
	run ! grep -q s3cret figures
	assert_equal "aa running 1.5 7 its command ended by itself with 7" "$(jq -r '(.containers[] | select(.name == "aa") |
		"\(.name) \(.state) \(.cpu_limit)"), (.ends[] | "\(.code) \(.why | split(" after")[0])")' figures | paste -sd ' ')"
	# What was collected within a second is for all.
	on_page curl -sZ --parallel-immediate "http://$PAGE/figures?[1-8]" -o 'f#1'
	assert_equal 8 "$(cat f? | jq .time_ms | wc -l)"
	assert_equal true "$(cat f? | jq -s 'map(.time_ms) | unique | [.[1:], .[:-1]] | transpose | all(.[0] - .[1] >= 900)')"
	for request in "POST /containers/create" "GET /containers/json" "GET /_ping" "DELETE /containers/aa" "GET /metrics" "POST /figures"; do
		# shellcheck disable=SC2086 # method and path
		set -- $request
		assert_equal 404 "$(on_page curl -s -o /dev/null -w '%{http_code}' -X "$1" "http://$PAGE$2")"
	done
	# A name of a stranger that leads here is not ours.
	for address in evil.example evil.example:8088 localhost.evil.example 10.0.0.1 "[::2]" "[127.0.0.1]"; do
		assert_equal 403 "$(on_page curl -s -o body -w '%{http_code}' -H "Host: $address" "http://$PAGE/figures")"
		grep -qF "not as $address" body || fail "$(cat body)"
	done
	for address in localhost localhost:1 127.0.0.1:8088 "[::1]" "[::1]:8088"; do
		assert_equal 200 "$(on_page curl -s -o body -w '%{http_code}' -H "Host: $address" "http://$PAGE/")"
	done
	run -0 on_page curl -si "http://$PAGE/"
	assert_line "^Content-Security-Policy: default-src 'none'; script-src 'nonce-[0-9a-f]{64}'"
	assert_line '^X-Content-Type-Options: nosniff'
	# Whoever fills it keeps out nobody else: the last one is refused, so the others have been let in.
	on_page python3 - "${PAGE##*:}" "$WORK/ro.sock" <<-'EOF'
		import socket, sys
		kept = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for i in range(101)]
		assert kept[-1].recv(100).startswith(b"HTTP/1.1 503")
		look = socket.socket(socket.AF_UNIX)
		look.connect(sys.argv[2])
		look.sendall(b"GET /_ping HTTP/1.1\r\nHost: h\r\n\r\n")
		got = look.recv(100)
		assert got.startswith(b"HTTP/1.1 200"), got
	EOF
	run ! grep NONCE body
	assert_equal http://www.w3.org/2000/svg "$(grep -oE 'https?://[^"]*' body | sort -u)" # a name, not an address
}
