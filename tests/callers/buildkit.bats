#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The docker client that has BuildKit's side of a build in it (Debian's, 20.10), with DOCKER_BUILDKIT=1 at hulld: POST /session
# and what comes with it.

bats_require_minimum_version 1.5.0
load ../e2e/lib
load ../e2e/api

CLIENT=/usr/bin/docker

setup() {
	"$CLIENT" version --format '{{.Client.Version}}' 2>/dev/null | grep -q '^2[0-2]\.' || skip "needs a docker client with BuildKit in it"
	api_setup
	mkdir -p ctx/dir
	echo hello >ctx/hello
	echo deep >ctx/dir/deep
}
teardown() {
	[ -n "${WORK-}" ] || return 0
	no_session_left
	api_teardown
}

kit() {
	DOCKER_BUILDKIT=1 timeout 60 "$CLIENT" build --network none "$@" 3>&-
}

# kit_file [OPTION...]: the Dockerfile is standard input, the context ctx.
kit_file() {
	cat >ctx/Dockerfile
	run kit --progress plain -t out "$@" ctx
	printf '%s\n' "$output"
}

inside() {
	hull run --rm out "$@"
}

# A session ends with its client, and leaves no socket.
no_session_left() {
	wait_for 10 eval '! pgrep -P $HULLD >/dev/null' || fail "$(pgrep -aP "$HULLD")"
	[ -z "$(ls "$HULL_RUNROOT/attach" 2>/dev/null)" ] || fail "$(ls "$HULL_RUNROOT/attach")"
}

@test "a build: its steps, its output, its image; -q, --iidfile, --build-arg, --target, --no-cache, --label" {
	kit_file --build-arg A=of-the-arg --label l=m <<-'E'
		FROM test AS one
		ARG A
		COPY . /ctx
		RUN echo "got $A" | tee /out && cat /ctx/dir/deep
		FROM one AS two
		RUN touch /two
	E
	assert_status 0
	assert_line '^#[0-9]+ \[internal\] load build definition from Dockerfile'
	assert_line '^#[0-9]+ \[internal\] load build context'
	assert_line '^#[0-9]+ transferring: [0-9.]+k?B done'
	assert_line '^#[0-9]+ \[one 4/4\] RUN echo "got \$A"'
	assert_line '^#[0-9]+ [0-9.]+ got of-the-arg'
	assert_line '^#[0-9]+ [0-9.]+ deep'
	assert_line '^#[0-9]+ naming to .*out'
	assert_equal "got of-the-arg" "$(inside cat /out)"
	assert_equal 'm' "$(hull image inspect -f '{{.Config.Labels.l}}' out)"
	run kit --progress plain --build-arg A=of-the-arg ctx
	assert_line '^#[0-9]+ CACHED'
	run kit --progress plain --no-cache --build-arg A=of-the-arg ctx
	assert_lacks CACHED
	run -0 --separate-stderr kit -q --iidfile id --build-arg A=of-the-arg --target one -t one ctx
	assert_equal "$output" "$(hull image inspect -f '{{.Id}}' one)"
	assert_equal "$output" "$(cat id)"
	[ -z "$stderr" ]
	hull run --rm one test ! -e /two
	# On a terminal.
	run -0 script -qec "env DOCKER_BUILDKIT=1 $CLIENT build --no-cache ctx" /dev/null
	assert_has "FINISHED"
	assert_has "[two 2/2] RUN touch /two"
}

@test "where it fails: the step, its output, the message, the exit code" {
	kit_file <<-'E'
		FROM test
		RUN echo before; exit 7
	E
	assert_status 1
	assert_line '^#[0-9]+ [0-9.]+ before'
	assert_line '^#[0-9]+ ERROR: process "/bin/sh -c echo before; exit 7" did not complete successfully: exit code: 7'
	assert_line '^ > \[2/2\] RUN echo before; exit 7:'
	run kit -q ctx
	assert_status 1
	assert_line 'did not complete successfully: exit code: 7'
	kit_file <<<'FROM test
		NOTHING x'
	assert_status 1
	assert_has "Dockerfile"
	kit_file <<<'FROM test
		COPY nothing /'
	assert_status 1
	assert_has "nothing"
	rm ctx/Dockerfile
	run kit ctx
	assert_status 1
	assert_has "failed to read dockerfile: there is no Dockerfile in the context"
	run kit --output type=local,dest=there ctx
	assert_status 1
	[ -z "$(hull ps -aq)" ]
}

@test "the context: .dockerignore, links, modes, names, a Dockerfile of elsewhere; of standard input" {
	local long odd
	long=$(printf 'n%.0s' {1..200}) odd=$'a "b"\n\xc3\xa4'
	printf 'secret*\n!secret-not\nsk\xc3\xa4t\nbuild/\n' >ctx/.dockerignore
	mkdir ctx/build ctx/empty
	touch ctx/secret ctx/secret-not ctx/build/x "ctx/$odd" ctx/skät
	mkdir -p "ctx/$long/$long" && echo far >"ctx/$long/$long/file"
	ln -s ../../../../../../../../etc/passwd ctx/out && ln -s hello ctx/link && ln ctx/hello ctx/hard
	mkfifo ctx/fifo
	: >ctx/nothing
	printf '#!/bin/sh\n' >ctx/run && chmod 4755 ctx/run
	truncate -s 5000000 ctx/large && echo end >>ctx/large
	kit_file <<-'E'
		FROM test
		COPY . /c
	E
	assert_status 0
	assert_equal "$(cd ctx && find . ! -name secret ! -path './build*' ! -name skät | LC_ALL=C sort)" "$(inside sh -c 'cd /c && find . | sort')"
	assert_equal "$(sha256sum <ctx/large)" "$(inside cat /c/large | sha256sum)"
	assert_equal "far" "$(inside cat "/c/$long/$long/file")"
	assert_equal "hello ../../../../../../../../etc/passwd" "$(inside sh -c 'echo $(readlink /c/link) $(readlink /c/out)')"
	assert_equal 755 "$(inside stat -c %a /c)"
	assert_equal "4755 0 0" "$(inside stat -c '%a %u %g' /c/run)"
	assert_equal "$(stat -c %Y ctx/large)" "$(inside stat -c %Y /c/large)"
	# Through a link that leads out of the context nothing comes of the machine.
	kit_file <<<'FROM test
		COPY out /there'
	assert_status 1
	# That of -f, and what it alone is not to have.
	mkdir elsewhere
	printf 'FROM test\nCOPY . /c\nRUN find /c\n' >elsewhere/my.df
	printf 'hello\n' >elsewhere/my.df.dockerignore
	run -0 kit --progress plain --no-cache -f elsewhere/my.df ctx
	assert_line ' /c/secret$'
	assert_lacks "/c/hello"
	# One that is a link, as the client follows it.
	mv ctx/Dockerfile ctx/real && ln -s real ctx/Dockerfile
	printf 'FROM test\nRUN echo by-a-link\n' >ctx/real
	run -0 kit --progress plain --no-cache ctx
	assert_line '^#[0-9]+ [0-9.]+ by-a-link'
	rm ctx/Dockerfile ctx/real
	printf 'FROM test\nCOPY hello /x\nRUN cat /x\n' >df
	run -0 kit --progress plain --no-cache -f - ctx <df
	assert_line '^#[0-9]+ [0-9.]+ hello'
	# A tar is another request.
	cp df ctx/Dockerfile
	tar -C ctx --exclude fifo -c . >ctx.tar
	run -0 kit --progress plain --no-cache - <ctx.tar
	printf 'FROM test\nRUN echo from-stdin\n' >df
	run -0 kit --progress plain --no-cache - <df
	assert_line '^#[0-9]+ [0-9.]+ from-stdin'
	# Of a context that nobody wants nothing is sent.
	run -0 kit --progress plain -f df ctx
	assert_lacks "load build context"
}

@test "secrets: of a file, of a variable, missing; and in no layer" {
	printf of-the-file >file
	kit_file --secret id=f,src=file --secret id=E,env=E <<-'E'
		FROM test
		RUN --mount=type=secret,id=f cat /run/secrets/f; echo; stat -c '%a %u' /run/secrets/f
		RUN --mount=type=secret,id=f,target=/s,uid=5,mode=0440 stat -c '%a %u' /s
		RUN --mount=type=secret,id=f,env=V test "$V" = of-the-"file"
		RUN --mount=type=secret,id=none test ! -e /run/secrets/none
	E
	assert_status 0
	assert_line '^#[0-9]+ [0-9.]+ of-the-file'
	assert_line '^#[0-9]+ [0-9.]+ 400 0'
	assert_line '^#[0-9]+ [0-9.]+ 440 5'
	run ! grep -rqs of-the-file "$HULL_ROOT"
	E=of-the-env kit_file --secret id=E <<<'FROM test
		RUN --mount=type=secret,id=E grep of-the-env /run/secrets/E'
	assert_status 0
	kit_file --secret id=f,src=file <<<'FROM test
		RUN --mount=type=secret,id=other,required true'
	assert_status 1
	assert_has "secret other: not found"
	# Without any the client has no such service.
	kit_file <<<'FROM test
		RUN --mount=type=secret,id=other,required true'
	assert_status 1
	assert_has "secret other: not found"
	# Just too large: the client's own limit is the same.
	head -c 512001 /dev/zero >file
	kit_file --secret id=f,src=file <<<'FROM test
		RUN --mount=type=secret,id=f true'
	assert_status 1
}

@test "ssh: an agent of the client's, through the session" {
	local lib
	ssh-agent -D -a "$PWD/agent" 3>&- >/dev/null &
	started_by_test $!
	wait_for 10 test -S agent
	ssh-keygen -q -t ed25519 -N '' -f key -C of-the-test
	SSH_AUTH_SOCK=$PWD/agent ssh-add -q key
	mkdir -p ctx/root/usr/bin
	cp "$(command -v ssh-add)" ctx/root/usr/bin/
	for lib in $(ldd "$(command -v ssh-add)" | grep -o '/[^ ]*'); do cp -L --parents "$lib" ctx/root/; done
	export SSH_AUTH_SOCK=$PWD/agent
	kit_file --ssh default --ssh other=agent <<-'E'
		FROM test
		COPY root /
		RUN --mount=type=ssh echo $SSH_AUTH_SOCK; ssh-add -l; for i in 1 2 3 4; do ssh-add -L >/$i & done; wait; cat /4
		RUN --mount=type=ssh,id=other,uid=5,mode=0640,target=/agent stat -c '%a %u' /agent && ssh-add -l
		RUN --mount=type=ssh,id=none test -z "$SSH_AUTH_SOCK"
	E
	assert_status 0
	assert_line '^#[0-9]+ [0-9.]+ /run/buildkit/ssh_agent.0'
	assert_line '^#[0-9]+ [0-9.]+ 256 SHA256:.* of-the-test'
	assert_line '^#[0-9]+ [0-9.]+ ssh-ed25519 .* of-the-test'
	assert_line '^#[0-9]+ [0-9.]+ 640 5'
	[ -z "$(inside find /run/buildkit /agent 2>/dev/null)" ]
	kit_file <<<'FROM test
		RUN --mount=type=ssh,required true'
	assert_status 1
	assert_has "RUN --mount=type=ssh: no agent default"
}

@test "Ctrl-C, and a client that is killed: the build ends, and its container" {
	printf 'FROM test\nRUN echo begun; sleep 1000\n' >ctx/Dockerfile
	local how pid
	for how in INT KILL; do
		DOCKER_BUILDKIT=1 "$CLIENT" build --network none --progress plain ctx >said 2>&1 3>&- &
		pid=$!
		wait_for 20 grep -q ' begun' said
		[ -n "$(hull ps -q)" ]
		kill -$how $pid
		wait $pid && fail "it says that all is well"
		wait_for 20 eval '[ -z "$(hull ps -aq)" ]'
		wait_for 20 eval '! pgrep -P $HULLD >/dev/null'
		output=$(<said)
		[ $how = KILL ] || assert_line '^#[0-9]+ CANCELED'
	done
	# What the killed one left at its place the next one sweeps.
	run -0 kit -q - <<<'FROM test'
	answers 200 POST "/build/cancel?id=nothing"
	answers 400 POST "/build/cancel"
}

@test "hulld is killed in the middle of it: the build goes on" {
	printf 'FROM test\nRUN --mount=type=secret,id=s while [ ! -e /tmp/go ]; do sleep 0.1; done\nCOPY hello /\n' >ctx/Dockerfile
	echo s >s
	DOCKER_BUILDKIT=1 "$CLIENT" build --network none --progress plain --secret id=s,src=s -t out ctx >said 2>&1 3>&- &
	local pid=$!
	wait_for 20 eval '[ -n "$(hull ps -q)" ]'
	kill -KILL $HULLD
	hull exec "$(hull ps -q)" touch /tmp/go
	wait $pid
	assert_equal hello "$(inside cat /hello)"
	serve
}

@test "hostile and broken clients: each has its error, nothing of theirs is out of place, and the next is served" {
	command -v python3 >/dev/null || skip "needs python3"
	run -0 python3 "$BATS_TEST_DIRNAME/buildkit_hostile.py" "$SOCKET"
	printf '%s\n' "$output"
	assert_line '^good: built'
	assert_line '^(garbage|http|endless headers|quits): .*the client has no session \(any more\)'
	assert_line '^parent: .*a path with "\.\." is not allowed'
	assert_line '^through a link: .*cannot create the file: Not a directory'
	assert_line '^link of elsewhere: .*a path with "\.\." is not allowed'
	assert_line '^(huge|negative): .*more than 64 GiB of files'
	assert_line '^too much: .*changed its size while it was sent'
	assert_line '^too little: .*changed its size while it was sent'
	assert_line '^not asked for: .*bytes that nobody asked for'
	assert_line '^early end: .*an end before all is there'
	assert_line '^no end: .*ended before it had sent all files'
	assert_line '^a refusal: .*the client says: so it is'
	assert_line '^an error: .*the client says: disk \[2J on fire'
	assert_line '^no message: .*no packet of files'
	assert_line '^(long message|compressed): .*compressed or too long'
	assert_line '^long name: .*a name that no file can have'
	assert_line '^one secret: built'
	assert_line '^many secrets: .*more than one answer'
	assert_line '^large secret: .*more than 512000 bytes'
	assert_line '^good again: built'
	[ ! -e /tmp/hull-hostile ]
	[ -z "$(find "$HULL_ROOT/layers" -maxdepth 1 -name '.stage-*')" ]
}
