# SPDX-License-Identifier: Apache-2.0
# RUN --mount: binds, caches, tmpfs, secrets; nothing of them is in the image.

bats_require_minimum_version 1.5.0
load lib

setup() {
	hull_setup
	mkdir -p ctx/dir
	echo hello >ctx/hello
	echo deep >ctx/dir/deep
}
teardown() { hull_teardown; }

build() {
	cat >ctx/Dockerfile
	run hull build -t out "$@" ctx
	printf '%s\n' "$output"
}

inside() {
	hull run --rm out "$@"
}

# The paths of the topmost layer.
top_layer() {
	local layer
	layer=$(hull image inspect --format '{{json .RootFS.Layers}}' out | tr -d '[]"' | tr , '\n' | tail -1)
	(cd "$HULL_ROOT/layers/${layer#sha256:}/fs" && find . -mindepth 1 | sort)
}

# bats test_tags=fast
@test "bind: of the context, a stage, an image; read-only, or thrown away" {
	build <<-'E'
		FROM test AS tools
		RUN mkdir /t && echo tool >/t/x
		FROM test
		RUN --mount=target=/c --mount=type=bind,from=tools,source=/t,target=/opt/t \
		    --mount=from=test,target=/img --mount=source=hello,target=/file,ro \
		    cat /c/hello /c/dir/deep /opt/t/x /img/data/file /file >/seen; \
		    echo x >/c/hello 2>/dev/null || echo readonly >>/seen
		RUN --mount=target=/c,rw --mount=from=tools,target=/t,source=/t,readwrite \
		    echo new >/c/hello && echo new >/t/x && cat /c/hello /t/x >/seen2
	E
	[ "$status" -eq 0 ]
	[ "$(inside cat /seen)" = $'hello\ndeep\ntool\nfrom the image\nhello\nreadonly' ]
	[ "$(inside cat /seen2)" = $'new\nnew' ]
	[ "$(cat ctx/hello)" = hello ]
	[ "$(top_layer)" = ./seen2 ]
}

@test "bind: contents count for the cache, and what is ignored is not there" {
	printf 'secret\n' >ctx/.dockerignore
	echo s >ctx/secret
	dockerfile=$'FROM test\nRUN --mount=target=/c ls /c >/seen; cat /c/hello >>/seen'
	build <<<"$dockerfile"
	[ "$(inside cat /seen)" = $'Dockerfile\ndir\nhello\nhello' ]
	echo other >ctx/secret
	build <<<"$dockerfile"
	[[ "$output" == *CACHED* ]]
	echo changed >ctx/hello
	build <<<"$dockerfile"
	[[ "$output" != *CACHED* ]]
	[ "$(inside cat /seen)" = $'Dockerfile\ndir\nhello\nchanged' ]
}

@test "cache: kept between builds, by id, with owner and mode; not in the image" {
	build <<<$'FROM test\nRUN --mount=type=cache,target=/cache/x,id=mine,uid=1000,gid=1001,mode=0750 echo 1 >>/cache/x/f; stat -c "%a %u:%g" /cache/x >/stat'
	[ "$status" -eq 0 ]
	[ "$(inside cat /stat)" = '750 1000:1001' ]
	[ "$(top_layer)" = ./stat ]
	build <<<$'FROM test\nRUN --mount=type=cache,target=/elsewhere,id=mine,sharing=locked echo 2 >>/elsewhere/f; cp /elsewhere/f /out'
	[ "$(inside cat /out)" = $'1\n2' ]
	build <<<$'FROM test\nRUN --mount=type=cache,target=/mine ls /mine | wc -l >/out'
	[ "$(inside cat /out)" = 0 ]
}

@test "cache: who waits for a locked one holds no other, and hears signals" {
	mount() { printf -- '--mount=type=cache,id=%s,target=/%s,sharing=locked ' "$1" "$1"; }
	folder() { echo "$HULL_ROOT/build/cache/$(printf %s "$1" | sha256sum | head -c 64)"; }
	build <<<"FROM test"$'\n'"RUN $(mount x)$(mount y)true"
	[ "$status" -eq 0 ]
	flock "$(folder y)" sh -c 'touch locked; until [ -e free ]; do sleep 0.05; done' 3>&- &
	started_by_test $!
	wait_for 10 test -e locked
	local pids=()
	for log in one two; do
		"$HULL" build --no-cache ctx >$log 2>&1 3>&- &
		started_by_test $!
		pids+=($!)
		wait_for 10 grep -q 'RUN --mount' $log
	done
	flock -w 5 "$(folder x)" true
	kill -TERM "${pids[0]}"
	! wait "${pids[0]}" || false
	grep -q 'the build was canceled' one
	kill -0 "${pids[1]}"
	touch free
	wait "${pids[1]}"
	build <<<"FROM test"$'\n'"RUN $(mount x)$(mount x)true"
	[[ "$output" == *'the cache x is mounted twice, and locked'* ]]
}

@test "tmpfs" {
	build <<<$'FROM test\nRUN --mount=type=tmpfs,target=/scratch/t,size=1m df -k /scratch/t | tail -1 >/df; touch /scratch/t/x'
	[ "$status" -eq 0 ]
	[ "$(inside awk '{ print $1, $2 }' /df)" = 'tmpfs 1024' ]
	[ "$(top_layer)" = ./df ]
}

@test "secret: a file or a variable, and nowhere else" {
	echo -n canary-8431 >mysecret
	cat >ctx/Dockerfile <<-'E'
		FROM test
		RUN --mount=type=secret,id=s cat /run/secrets/s | md5sum >/sum && stat -c '%a %u' /run/secrets/s >>/sum
		RUN --mount=type=secret,id=s,target=/etc/pw,mode=0444,uid=7,required stat -c '%a %u' /etc/pw >/mode
		RUN --mount=type=secret,id=e,env=TOKEN echo -n "$TOKEN" | md5sum >/env
		RUN --mount=type=secret,id=none test ! -e /run/secrets/none
	E
	run -0 env FROM_ENV=canary-9217 "$HULL" build -t out --secret id=s,src=mysecret \
		--secret id=e,env=FROM_ENV ctx 3>&-
	[ "$(inside head -c 32 /sum)" = "$(md5sum <mysecret | head -c 32)" ]
	[ "$(inside tail -1 /sum)" = '400 0' ]
	[ "$(inside cat /mode)" = '444 7' ]
	[ "$(inside head -c 32 /env)" = "$(echo -n canary-9217 | md5sum | head -c 32)" ]
	run ! grep -rEl 'canary-8431|canary-9217' "$HULL_ROOT" "$HULL_RUNROOT"
	[ -z "$(inside find /run/secrets /etc/pw 2>/dev/null)" ]
	# The value does not count for the cache.
	echo -n other >mysecret
	run -0 env FROM_ENV=x "$HULL" build --secret id=s,src=mysecret --secret id=e,env=FROM_ENV ctx 3>&-
	[ "$(grep -c CACHED <<<"$output")" -eq 4 ]
}

@test "what is wrong with a mount is said" {
	build <<<$'FROM test\nRUN --mount=type=secret,id=s,required true'
	[[ "$output" == *"secret s: not found"*"--secret id=s,src=FILE"* ]]
	build <<<$'FROM test\nRUN --mount=type=nfs,target=/x true'
	[[ "$output" == *'invalid value for type: "nfs"'* ]]
	build <<<$'FROM test\nRUN --mount=type=cache true'
	[[ "$output" == *'it has no target'* ]]
	build <<<$'FROM test\nRUN --mount=target=/x,sourc=y true'
	[[ "$output" == *"unexpected key 'sourc'"* ]]
	build <<<$'FROM test\nRUN --mount=target=/x,source=nothere true'
	[[ "$output" == *'"/nothere": not found'* ]]
	build <<<$'FROM test\nRUN --mount=type=ssh,required true'
	[[ "$output" == *'no agent default'*'--ssh default'* ]]
	build --ssh default=ctx <<<$'FROM test\nRUN --mount=type=ssh true'
	[[ "$output" == *'it is no socket of an agent'* ]]
	build --ssh default=ctx <<<$'FROM test\nRUN --mount=type=ssh,mode=0666 true'
	[[ "$output" == *"the agent's own"* ]]
	run -125 env -u SSH_AUTH_SOCK "$HULL" build --ssh default ctx 3>&-
	[[ "$output" == *'SSH_AUTH_SOCK must name one'* ]]
}

@test "no mount leads out of what it is of, and cleaning up follows no link" {
	echo secret >canary
	mkdir victim
	touch victim/stub
	for source in absolute up; do
		build <<-E
			FROM test AS evil
			RUN ln -s $WORK /absolute && ln -s ../../../../../$WORK /up
			FROM test
			RUN --mount=from=evil,source=/$source,target=/m cat /m/canary
		E
		[ "$status" -eq 1 ]
		[[ "$output" == *"/$source in evil: No such file"* ]]
	done
	ln -s "$WORK" ctx/out
	build <<<$'FROM test\nRUN --mount=target=/m,source=out cat /m/canary'
	[ "$status" -eq 1 ]
	build <<<$'FROM test\nRUN --mount=target=/m,source=../../.. ls /m >/seen'
	[ "$(inside cat /seen)" = $'Dockerfile\ndir\nhello\nout' ]
	build <<<$'FROM test\nRUN --mount=type=cache,id=../../../x,target=/../../../m touch /m/kept'
	[ "$status" -eq 0 ]
	[ -z "$(find . -name kept -not -path './root/build/cache/*')" ]
	build <<<$'FROM test\nRUN --mount=target=/m,bind-propagation=rshared true'
	[[ "$output" == *"unexpected key 'bind-propagation'"* ]]
	# The place of a mount was made in a folder that is a link afterwards.
	build <<-E
		FROM test
		RUN --mount=type=tmpfs,target=/place/stub mv /place /moved && ln -s $WORK/victim /place
	E
	[ "$status" -eq 0 ]
	[ -e victim/stub ]
}

@test "ssh: the agent's socket, and nothing of it afterwards" {
	ssh-agent -D -a "$PWD/agent" 3>&- >/dev/null &
	started_by_test $!
	wait_for 10 test -S agent
	cat >ctx/Dockerfile <<-'E'
		FROM test
		RUN --mount=type=ssh stat -c '%i %F' "$SSH_AUTH_SOCK" >/out && echo "$SSH_AUTH_SOCK" >>/out
		RUN --mount=type=ssh,id=other,target=/agent test "$SSH_AUTH_SOCK" = /agent && test -S /agent
		RUN --mount=type=ssh,id=none test -z "$SSH_AUTH_SOCK"
	E
	run -0 env SSH_AUTH_SOCK="$PWD/agent" "$HULL" build -t out --ssh default --ssh other="$PWD/agent" ctx 3>&-
	[ "$(inside cat /out)" = "$(stat -c %i agent) socket"$'\n/run/buildkit/ssh_agent.0' ]
	[ -z "$(inside find /run/buildkit /agent 2>/dev/null)" ]
	# Who is asked does not count for the cache.
	run -0 hull build ctx
	[ "$(grep -c CACHED <<<"$output")" -eq 3 ]
}

# swapped A B: they change places without end, by another process, until stop_swapping.
swapped() {
	"$HULL_BIN_DIR/../tests/probe" swap "$1" "$2" 3>&- &
	started_by_test $!
	disown
}

# Nothing of the folder canary was read into a layer, or said, and nothing of it is other than before.
untouched() {
	assert_lacks of-the-canary
	assert_equal "" "$(grep -rl of-the-canary "$HULL_ROOT/layers")"
	assert_equal $'./f\n./stub' "$(cd canary && find . -mindepth 1 | sort)"
	assert_equal of-the-canary "$(cat canary/f)"
}

make_canary() {
	mkdir canary
	echo of-the-canary >canary/f
	touch canary/stub
}

@test "a context and a cache in which a folder and a link change places while they are used (T103, T104)" {
	local well=0 round folder
	make_canary
	mkdir ctx/x
	echo fine >ctx/x/f
	ln -s "$WORK/canary" ctx/y
	swapped "$WORK/ctx/x" "$WORK/ctx/y"
	# Until both have been seen: it was the folder all the time, and it was not.
	for round in {1..400}; do
		build --no-cache <<-'E'
			FROM test AS one
			COPY x /c
			RUN cat /c/f
			FROM test AS two
			RUN --mount=target=/m,source=x,rw cat /m/f >/seen && echo >/m/w && rm /m/f && cat /seen
			FROM test
			COPY --from=one /c /c
			COPY --from=two /seen /seen
		E
		untouched
		[ "$status" != 0 ] || well=$((well + 1))
		[ "$round" -lt 40 ] || [ "$well" = 0 ] || [ "$well" = "$round" ] || break
	done
	kill "${STARTED[-1]}"
	[ "$well" -gt 0 ] && [ "$well" -lt "$round" ]

	build <<-E
		FROM test
		RUN --mount=type=cache,id=c,target=/c mkdir /c/x && ln -s $WORK/canary /c/y
	E
	[ "$status" = 0 ]
	folder=$(dirname "$(find "$HULL_ROOT/build/cache" -name y)")
	swapped "$folder/x" "$folder/y"
	for _ in {1..40}; do
		build --no-cache <<-'E'
			FROM test AS one
			RUN --mount=type=cache,id=c,target=/c --mount=type=tmpfs,target=/c/x/stub echo >/c/x/stub/w; cat /c/x/f; true
			FROM test AS two
			RUN --mount=type=cache,id=c,target=/c --mount=type=cache,id=d,target=/c/x/d echo >/c/x/d/w; true
			FROM test
			COPY --from=one /data/file /one
			COPY --from=two /data/file /two
		E
		untouched
	done
	kill "${STARTED[-1]}"
}
