# SPDX-License-Identifier: Apache-2.0
# hull build: stages beside each other, what a killed build leaves to the next one, progress.

bats_require_minimum_version 1.5.0
load lib

setup() {
	hull_setup
	mkdir ctx
}
teardown() { hull_teardown; }

# In the background, of the Dockerfile on standard input; its output in the file log.
build_behind() {
	cat >ctx/Dockerfile
	"$HULL" build "$@" ctx 2>log 3>&- &
	pid=$!
	started_by_test $pid
}

# bats test_tags=fast,same
@test "stages that do not need each other run beside each other" {
	# Each waits for the other one. In a row, neither would end.
	run -0 hull build -t out -f - ctx <<-'E'
		FROM test AS one
		RUN --mount=type=cache,target=/c touch /c/1; until [ -e /c/2 ]; do sleep 0.05; done; echo 1 >/1
		FROM test AS two
		RUN --mount=type=cache,target=/c touch /c/2; until [ -e /c/1 ]; do sleep 0.05; done; echo 2 >/2
		FROM test
		COPY --from=one /1 /
		COPY --from=two /2 /
	E
	[ "$(hull run --rm out cat /1 /2)" = $'1\n2' ]
	[[ "$output" == *'[one 2/2] RUN'*'[two 2/2] RUN'*'[stage-2 3/3] COPY'* ]]
}

@test "stages: equal steps are one; locked caches, more stages than run at a time, ONBUILD" {
	hull build -q -t base -f - ctx <<<$'FROM test\nONBUILD RUN cat /proc/sys/kernel/random/uuid >/uuid'
	{
		for i in {1..10}; do
			printf 'FROM base AS s%s\nRUN --mount=type=cache,target=/c,sharing=locked ' $i
			printf 'mkdir /c/lock && rmdir /c/lock && echo %s >/n\n' $i
		done
		echo 'FROM test'
		for i in {1..10}; do printf 'COPY --from=s%s /n /n%s\nCOPY --from=s%s /uuid /u%s\n' $i $i $i $i; done
	} >ctx/Dockerfile
	run -0 hull build --no-cache -t out ctx
	[ "$(hull run --rm out sh -c 'cat /n? /n10' | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 9 10 " ]
	[ "$(hull run --rm out sh -c 'cat /u*' | sort -u | wc -l)" = 1 ]
	run -0 hull build -t out ctx
	[[ "$output" != *DONE*RUN*echo*DONE*FROM* && "$(grep -c CACHED <<<"$output")" = 40 ]]
	[ "$(hull system check)" = "" ]
}

@test "stages: one that only ONBUILD of an image takes from" {
	hull build -q -t base -f - ctx <<<$'FROM test\nONBUILD COPY --from=helper /h /got'
	run -0 within 20 "$HULL" build -t out -f - ctx 3>&- <<<$'FROM test AS helper\nRUN echo helped >/h\nFROM test AS idle\nRUN false\nFROM base'
	[ "$(hull run --rm out cat /got)" = helped ]
}

@test "stages: what is taken from is a plain name; a quoted one, and the last one, is built" {
	for flag in '--mount=type=bind,target=/a,from=$S' '--mount=from=${S},target=/a' '--mount=target=/a,from=\one'; do
		run -1 hull build -f - ctx <<<$'ARG S=one\nFROM test AS one\nFROM test\nARG S\nRUN '"$flag true"
		[[ "$output" == *"Dockerfile:5: from="*"no variables here"* ]]
	done
	run -1 hull build -f - ctx <<<$'ARG S=one\nFROM test AS one\nFROM test\nARG S\nCOPY --from="$S" /x /'
	[[ "$output" == *"Dockerfile:5: from="*"no variables here"*'FROM $VARIABLE AS NAME'* ]]
	run -0 hull build -t out -f - ctx <<-'E'
		ARG S=test
		FROM $S AS one
		RUN echo 1 >/x
		FROM test AS two
		RUN echo 2 >/y
		FROM test
		ARG S=target
		COPY --from="one" /x /
		RUN --mount=from=one,target=/${S}/from=$S,from='two' cp /target/from=target/y /
	E
	[ "$(hull run --rm out cat /x /y)" = $'1\n2' ]
}

@test "stages: what fails first ends the others, and what was done is kept" {
	cat >ctx/Dockerfile <<-'E'
		FROM test AS slow
		RUN echo before
		RUN --mount=type=cache,target=/c touch /c/here; sleep 1000
		FROM test AS bad
		RUN --mount=type=cache,target=/c until [ -e /c/here ]; do sleep 0.05; done; exit 3
		FROM test
		COPY --from=slow /x /
		COPY --from=bad /x /
	E
	run -1 hull build ctx
	[[ "$output" == *CANCELED*ERROR* ]]
	[[ "$output" == *"did not complete successfully: exit code: 3"* ]]
	[[ "$output" == *'>>>'*'exit 3'* ]]
	[ -z "$(hull ps -aq)" ]
	run -0 hull build --target slow -f - ctx <<<$'FROM test AS slow\nRUN echo before'
	[[ "$output" == *CACHED* ]]
	[ "$(hull system check)" = "" ]
}

@test "a killed build leaves the steps that were done to the next one" {
	touch ctx/file
	build_behind <<-'E'
		FROM test AS one
		RUN cat /proc/sys/kernel/random/uuid >/a
		WORKDIR /w
		RUN echo nothing
		COPY file /
		FROM test AS two
		RUN --mount=type=cache,target=/c until [ -e /c/go ]; do sleep 0.05; done
		COPY --from=one /a /
		RUN echo star"ted"; sleep 1000
	E
	hull build -q -f - ctx <<<$'FROM test\nRUN --mount=type=cache,target=/c touch /c/go'
	wait_for 10 grep -q ' started$' log
	kill -KILL $pid
	wait $pid || true
	no_container() { [ -z "$(hull ps -aq)" ]; }
	wait_for 10 no_container
	sed -i '$d' ctx/Dockerfile
	run -0 hull build -t out ctx
	[ "$(grep -c CACHED <<<"$output")" = 5 ]
	uuid=$(hull run --rm out cat /a)
	# It is in the store now, like any other.
	run -0 hull build -t out ctx
	[ "$(grep -c CACHED <<<"$output")" = 5 ]
	[ "$(hull run --rm out cat /a)" = "$uuid" ]
	[ -z "$(find "$HULL_ROOT/layers" -maxdepth 1 -name '.stage-*')" ]
	[ "$(hull system check)" = "" ]
	# With --no-cache there is nothing to take over.
	build_behind --no-cache <<<$'FROM test\nRUN echo 1 >/1\nRUN echo star"ted"; sleep 1000'
	wait_for 10 grep -q ' started$' log
	kill -KILL $pid
	wait $pid || true
	wait_for 10 no_container
	run -0 hull build --no-cache -f - ctx <<<$'FROM test\nRUN echo 1 >/1'
	[[ "$output" != *CACHED* ]]
}

@test "--progress: in place on a terminal, lines elsewhere" {
	cat >ctx/Dockerfile <<-'E'
		FROM test
		RUN for i in 1 2 3; do echo line $i; done; printf '\033[31mred\033[0m\n'; sleep 0.3
		RUN echo it went wrong; exit 4
	E
	run -125 hull build --progress fancy ctx
	[[ "$output" == *'use auto, plain, tty or json'* ]]
	run script -qec "stty cols 60 rows 20; '$HULL' --root '$HULL_ROOT' --runroot '$HULL_RUNROOT' build ctx" /dev/null </dev/null
	[[ "$output" == *$' => => # line 1'*$'\e['*'A'$'\e[J'* ]]
	[[ "$output" == *' => => # red'* ]]
	[[ "$output" == *' => [2/3] RUN for i in 1 2 3; do echo line $i;'*s$'\r\n'* ]]
	[[ "$output" == *' => ERROR [3/3] RUN echo it went wrong; exit 4'* ]]
	# No line is longer than the terminal is wide, but for those that tell of the failure.
	printf '%s\n' "$output" | tr -d '\r' | sed 's/\x1b\[[0-9]*[A-Z]//g' | grep '^ => ' |
		awk 'length > 60 { exit 1 }'
	run -1 hull build --progress tty ctx
	[[ "$output" == *' => CACHED [2/3] RUN'*' => ERROR'* ]]
	run -1 hull build ctx
	[[ "$output" == *'#2 CACHED'*'#3 ERROR'* ]]
}

@test "--progress json: a line of JSON each on stdout, as docker's API has them" {
	printf '%s\n' 'FROM test' 'RUN printf "a\"\\134\n"' >ctx/Dockerfile
	run -0 --separate-stderr hull build --progress json -t out ctx
	jq -j '.stream // empty' <<<"$output" >said
	grep -q '^#2 \[2/2\] RUN printf' said
	grep -qE '^#2 [0-9.]+ a"\\$' said
	grep -q '^#2 DONE' said
	[ "$(jq -r '.aux.ID // empty' <<<"$output")" = "$(hull image inspect -f '{{.Id}}' out)" ]
	echo 'RUN exit 3' >>ctx/Dockerfile
	run -1 --separate-stderr hull build --progress json ctx
	jq -es 'any(.stream | test("ERROR"))' <<<"$output"
	[[ "$stderr" == *"exit code: 3"* ]]
	tail -n 1 <<<"$output" | jq -e '.error == .errorDetail.message and (.error | test("exit code: 3"))'
	run -125 hull build --progress json -o - ctx
	[[ "$output" == *"both write to standard output"* ]]
}

@test "--platform: what FROM takes, TARGET and BUILD arguments, RUN of another machine" {
	cat >ctx/Dockerfile <<-'E'
		FROM --platform=$BUILDPLATFORM test AS build
		ARG TARGETPLATFORM TARGETARCH TARGETVARIANT BUILDPLATFORM
		RUN echo "$TARGETPLATFORM $TARGETARCH $TARGETVARIANT $BUILDPLATFORM" >/args
		FROM scratch
		COPY --from=build /args /
	E
	native=$(hull version -f '{{.Client.Arch}}')
	run -0 hull build --platform linux/arm/v7 -t foreign ctx
	run -0 hull image inspect -f '{{.Os}} {{.Architecture}} {{.Variant}}' foreign
	[ "$output" = "linux arm v7" ]
	[ "$(hull build -q --platform linux/arm/v7 -o - ctx | tar -xO args)" = "linux/arm/v7 arm v7 linux/$native" ]
	hull build -q --platform linux/s390x -t foreign -f - ctx <<<$'FROM scratch\nCOPY Dockerfile /'
	run -1 hull build -f - ctx <<<$'FROM foreign\nRUN true'
	[[ "$output" == *"RUN of linux/s390x cannot be done on linux/$native"*binfmt_misc* ]]
	[[ "$output" == *'>>> RUN true'* ]]
	# What is here is for another platform, and no registry has it for this one.
	run -1 hull build --platform linux/mips64le -f - ctx <<<'FROM localhost:1/test'
	[[ "$output" == *"localhost:1/test"*"cannot be pulled"* ]]
	hull tag test localhost:1/here
	run -1 hull build -f - ctx <<<'FROM --platform=linux/mips64le localhost:1/here'
	[[ "$output" == *"localhost:1/here is here for linux/$native only, not for linux/mips64le, and that cannot be pulled: "* ]]
	run -125 hull build --platform linux/amd64,linux/arm64 ctx
	[[ "$output" == *"one by one"* ]]
	run -125 hull build --platform windows/amd64 ctx
	[[ "$output" == *"linux/ARCHITECTURE"* ]]
}

@test "--build-context: a name is a folder or an image, for FROM, COPY --from and RUN --mount" {
	mkdir more
	echo given >more/file
	echo hidden >more/hidden
	echo hidden >more/.dockerignore
	hull build -q -t other -f - ctx <<<$'FROM test\nRUN echo other >/which'
	cat >ctx/Dockerfile <<-'E'
		FROM localhost:1/base AS first
		RUN --mount=from=more,target=/m cat /m/file >/mounted && test ! -e /m/hidden
		FROM test AS more
		RUN false
		FROM first
		COPY --from=more . /copied/
		COPY --from=pic /which /from-image
	E
	run -0 hull build -t out --build-context more=more --build-context pic=docker-image://other \
		--build-context localhost:1/base:latest=docker-image://other ctx
	[ "$(hull run --rm out cat /which /mounted /copied/file /from-image | xargs)" = "other given given other" ]
	[ "$(hull run --rm out stat -c '%u:%g' /copied/file)" = 0:0 ]
	run -1 hull run --rm out test -e /copied/hidden
	# What is in it counts for the cache.
	run -0 hull build --build-context more=more --build-context pic=docker-image://other \
		--build-context localhost:1/base=docker-image://other ctx
	[ "$(grep -c CACHED <<<"$output")" -eq 3 ]
	echo changed >more/file
	run -0 hull build -t out --build-context more=more --build-context pic=docker-image://other \
		--build-context localhost:1/base=docker-image://other ctx
	[ "$(hull run --rm out cat /mounted /copied/file | xargs)" = "changed changed" ]
	run -1 hull build --build-context base=more -f - ctx <<<'FROM base'
	[[ "$output" == *"--build-context base is a folder"* ]]
	run -1 hull build --build-context more=nosuch ctx
	[[ "$output" == *"--build-context more: nosuch: No such file"* ]]
	run -125 hull build --build-context more=https://example.invalid/x.git ctx
	[[ "$output" == *"clone or unpack"* ]]
	run -125 hull build --build-context more ctx
	[[ "$output" == *"NAME=FOLDER"* ]]
}

@test "--no-cache-filter: these stages are built anew, others are not" {
	cat >ctx/Dockerfile <<-'E'
		FROM test AS one
		RUN cat /proc/sys/kernel/random/uuid >/one
		FROM test AS two
		RUN cat /proc/sys/kernel/random/uuid >/two
		FROM test
		COPY --from=one /one /
		COPY --from=two /two /
	E
	hull build -q -t first ctx
	hull build -q -t second --no-cache-filter TWO ctx
	[ "$(hull run --rm first cat /one)" = "$(hull run --rm second cat /one)" ]
	[ "$(hull run --rm first cat /two)" != "$(hull run --rm second cat /two)" ]
	run -0 hull build --no-cache-filter nosuch ctx
	[[ "$output" == *"--no-cache-filter nosuch: there is no stage of that name"* ]]
}

@test "--cache-from: the steps of an image that says what they were, on another machine" {
	echo 1 >ctx/a
	echo 1 >ctx/b
	dockerfile=$'FROM test\nRUN cat /proc/sys/kernel/random/uuid >/uuid\nWORKDIR /w\nRUN true\nCOPY a /\nLABEL x=y\nARG A=1\nRUN echo $A >/arg\nCOPY b /'
	printf '%s' "$dockerfile" >ctx/Dockerfile
	hull build -q --cache-to type=inline -t out ctx
	uuid=$(hull run --rm out cat /uuid)
	hull save -o all.tar out test
	export HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2
	hull load -q -i all.tar
	run -0 hull build --cache-from out -t again ctx
	[ "$(grep -c CACHED <<<"$output")" = 5 ]
	[ "$(hull run --rm again cat /uuid)" = "$uuid" ]
	# They are steps of this machine from then on.
	run -0 hull build ctx
	[ "$(grep -c CACHED <<<"$output")" = 5 ]
	hull builder prune -af >/dev/null
	# What differs, and what stands upon it, is done again; what goes before is not.
	echo 2 >ctx/a
		run -0 hull build --cache-from type=registry,ref=out ctx
	[ "$(grep -c CACHED <<<"$output")" = 2 ]
	hull builder prune -af >/dev/null
	echo 1 >ctx/a
	run -0 hull build --cache-from out --build-arg A=2 ctx
	[ "$(grep -c CACHED <<<"$output")" = 3 ]
	hull builder prune -af >/dev/null
	# An image that does not say it serves nothing; one that is not there is no failure.
	hull build -q -t silent ctx
	hull builder prune -af >/dev/null
	run -0 hull build --cache-from silent --cache-from localhost:1/none ctx
	[[ "$output" != *CACHED* ]]
	[[ "$output" == *'--cache-from localhost:1/none: '*'cannot be pulled'* ]]
	run -125 hull build --cache-from type=gha ctx
	run -125 hull build --cache-to type=registry,ref=x ctx
	[[ "$output" == *'in the image only'* ]]
}

@test "squash: one layer of those that are built, with the same files, and what they hide" {
	hull build -q -t base -f - ctx <<-'E'
		FROM test
		RUN mkdir -p /d/sub /e /f; echo base | tee /gone /d/x /d/sub/x /e/x /f/x >/kept
	E
	cat >ctx/Dockerfile <<-'E'
		FROM base AS one
		RUN echo 1 >/new; ln /new /link; rm /gone; rm -r /d; echo file >/d; rm -r /e; touch /f/y; /probe attribute /f set; /probe attribute /kept set
		FROM one
		RUN rm /d; mkdir -m 750 /d /e; echo 2 >/d/x; chown 7:8 /d; rm /f/x; echo two >/new; /probe attribute /f remove
		COPY Dockerfile /gone/Dockerfile
	E
	hull build -q -t plain ctx
	run -0 hull build --squash -t squashed ctx
	[[ "$output" == *CACHED* ]]
	tree='cd /; find d e f gone new link kept -exec ls -lnd {} +; cat d/x new link gone/* f/y; ls /d /e /f; /probe attribute /f ask; /probe attribute /kept ask'
	[ "$(hull run --rm squashed sh -c "$tree")" = "$(hull run --rm plain sh -c "$tree")" ]
	[[ "$(hull run --rm squashed sh -c "$tree")" == *$'\nabsent\npresent' ]]
	layers() { hull image inspect -f '{{len .RootFS.Layers}}' "$1"; }
	(($(layers squashed) == $(layers base) + 1 && $(layers plain) == $(layers base) + 3))
	[ "$(hull history --format '{{.CreatedBy}}' squashed | head -1)" = "squash of 3 layers" ]
	id=$(hull image inspect -f '{{.Id}}' squashed)
	[ "$(hull build --squash -q ctx)" = "$id" ]
	# By itself, without the layers that it is of.
	hull save squashed -o archive && hull rmi plain squashed && hull builder prune -af && hull load -i archive
	[[ "$(hull run --rm squashed sh -c 'cat /new /link; ls /e /f')" == $'two\n1\n/e:\n\n/f:\ny' ]]
	run -0 hull build --squash -q -f - -t scratch ctx <<<$'FROM scratch\nCOPY Dockerfile /a\nCOPY Dockerfile /b'
	[ "$(layers scratch)" = 1 ]
	run -125 hull build --squash --cache-to type=inline ctx
	[[ "$output" == *exclude* && "$(hull system check)" = "" ]]
}
