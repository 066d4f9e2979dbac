# SPDX-License-Identifier: Apache-2.0
# What hull build says of a Dockerfile that is legal; and images that FROM pulls.

bats_require_minimum_version 1.5.0
load lib
load registry

setup() {
	hull_setup
	mkdir ctx
}
teardown() { hull_teardown; }

# The rules that --check names, with the line of each.
check() {
	cat >ctx/Dockerfile
	run hull build --check ctx
	printf '%s\n' "$output"
	rules=$(awk '/^WARNING: / { rule = $2 } /^Dockerfile:/ { split($1, at, ":"); print rule, at[2] }' <<<"$output")
}

@test "--check names the rules and lines, and builds nothing" {
	check <<-'E'
		FROM test AS Base
		ENV a b
		MAINTAINER me
		ARG API_TOKEN
		WORKDIR rel
		env X=$a$UNDEFINED$FROM_IMAGE
		RUN true \

		  && true
		CMD echo
		CMD ["echo"]
		FROM --platform=$TARGETPLATFORM test as base
		USER root
	E
	[ "$status" -eq 1 ]
	[ "$rules" = "LegacyKeyValueFormat 2
MaintainerDeprecated 3
SecretsUsedInArgOrEnv 4
ConsistentInstructionCasing 6
NoEmptyContinuation 7
JSONArgsRecommended 10
FromAsCasing 12
RedundantTargetPlatform 12
MultipleInstructionsDisallowed 10
StageNameCasing 1
WorkdirRelativePath 5
UndefinedVar 6
DuplicateStageName 12
RootUser 13" ]
	[ "$(hull images -q | wc -l)" -eq 1 ]
}

@test "nothing to say; rules that are skipped; rules that are errors" {
	check <<<$'FROM test\nUSER user\nCMD ["true"]'
	[ "$status" -eq 0 ]
	[[ "$output" == *"no warnings found"* ]]
	check <<<$'# check=skip=RootUser\nFROM test\nCMD true'
	[ "$rules" = "JSONArgsRecommended 3" ]
	check <<<$'# check=skip=all\nFROM test\nCMD true'
	[ -z "$rules" ]
	printf '# check=error=true\nFROM test\nCMD true\n' >ctx/Dockerfile
	run -1 hull build -t out ctx
	[[ "$output" == *"lint violation found"* ]]
	[ -z "$(hull images -q out)" ]
}

@test "a command that as PID 1 hears no signal: what is certain of exec forms" {
	local user=$'FROM test\nUSER user\n'
	handles() { check <<<"$user$1"; [ "$rules" = "${2-}" ]; }
	printf '#!/bin/sh\n# exec\n"$@"\n' >ctx/waits.sh
	printf '#!/usr/bin/env bash\nexec "$@"\n' >ctx/execs.sh
	printf '#!/usr/bin/python3\nprint(1)\n' >ctx/other
	printf 'sleep 9\n' >ctx/plain
	handles 'CMD ["sleep", "9"]' "NoSignalHandler 3"
	[[ "$output" == *"PID 1 would be sleep, which has no handler"* ]]
	handles $'COPY waits.sh /\nENTRYPOINT ["/waits.sh"]\nCMD ["sleep", "9"]' "NoSignalHandler 4"
	[[ "$output" == *"PID 1 would be a shell that waits for its child: /waits.sh has neither exec nor trap"*--init* ]]
	handles $'WORKDIR /app\nCOPY . .\nCMD ["./waits.sh", "true"]' "NoSignalHandler 5"
	handles $'COPY waits.sh /usr/local/bin/\nENTRYPOINT ["waits.sh"]' "NoSignalHandler 4"
	handles $'COPY plain /x\nCMD ["sh", "/x"]' "NoSignalHandler 4"
	# It is another program, or may be, or it is not known what it is.
	handles $'COPY execs.sh /\nENTRYPOINT ["/execs.sh"]'
	handles $'COPY other /\nCMD ["/other"]'
	handles $'COPY plain /x\nCMD ["/x"]'
	handles 'CMD ["sh", "-c", "true; sleep 9"]'
	handles 'CMD ["sh", "/elsewhere"]'
	handles 'CMD ["sh"]'
	handles $'COPY $X /\nCMD ["/waits.sh"]' 'UndefinedVar 3'
	# The stop kills at once, or it is not known with what.
	handles $'STOPSIGNAL SIGKILL\nCMD ["sleep", "9"]'
	handles $'STOPSIGNAL 9\nCMD ["sleep", "9"]'
	handles $'ARG S\nSTOPSIGNAL $S\nCMD ["sleep", "9"]'
	handles $'STOPSIGNAL SIGINT\nCMD ["sleep", "9"]' "NoSignalHandler 4"
	# A program of that name that is not, or may not be, the known one.
	handles 'CMD ["/bin/sleep", "9"]' "NoSignalHandler 3"
	handles 'CMD ["/app/sleep", "9"]'
	cp ctx/other ctx/sleep
	handles $'COPY sleep /usr/local/bin/\nCMD ["sleep", "9"]'
	handles $'COPY other /bin/sleep\nCMD ["/bin/sleep", "9"]'
	handles $'COPY . /usr/local/bin\nCMD ["sleep", "9"]'
	rm ctx/sleep
	handles $'COPY . /usr/local/bin\nCMD ["sleep", "9"]' "NoSignalHandler 4"
	handles $'COPY --from=test / /usr/local/\nCMD ["sleep", "9"]'
	handles $'RUN cp /mine /bin/sleep\nCMD ["sleep", "9"]'
	handles $'ENV PATH=/app\nCMD ["sleep", "9"]'
	check <<<$'FROM test AS a\nCOPY other /bin/sleep\nFROM a\nUSER user\nCMD ["sleep", "9"]'
	[ -z "$rules" ]
	# What was copied is changed, or may be, afterwards; before, and chmod alone, is no matter.
	local copied=$'COPY waits.sh /\n' runs=$'\nCMD ["/waits.sh"]'
	handles "${copied}RUN sed -i 's/^/exec /' /waits.sh$runs"
	handles "${copied}RUN <<E
cp /x /waits.sh
E$runs"
	handles "${copied}RUN true && chmod +x /waits.sh$runs" "NoSignalHandler 5"
	handles "${copied}COPY --from=test /bin/sh /waits.sh$runs"
	handles "${copied}COPY --from=test /etc /$runs"
	handles "COPY --from=test /bin/sh /waits.sh"$'\n'"$copied$runs" "NoSignalHandler 6"
	handles "${copied}COPY execs.sh /waits.sh$runs"
	handles "${copied}COPY <<E /waits.sh
exec true
E$runs"
	handles "${copied}ADD other.tar /$runs"
	# Only its beginning was read, or another file is.
	{ cat ctx/waits.sh; seq 20000; echo exec true; } >ctx/long.sh
	handles $'COPY long.sh /\nCMD ["/long.sh"]'
	printf '#!/bin/sh\n.\t/lib.sh\nmain\n' >ctx/reads.sh
	handles $'COPY reads.sh /\nCMD ["/reads.sh"]'
	check <<<$'FROM unknown\nUSER user\nCMD ["sleep", "9"]'
	[ -z "$rules" ]
}

# bats test_tags=fast,same
@test "after a build the warnings are one line each, with -q none" {
	printf 'FROM test\nUSER user\nCMD sleep 1\n' >ctx/Dockerfile
	run -0 hull build ctx
	[[ "$output" == *"1 warning found"*"JSONArgsRecommended: "*"passes no signal on"*"(line 3)"* ]]
	run -0 --separate-stderr hull build -q ctx
	[ -z "$stderr" ]
}

@test "a USER of the stage below or of the image is one; .git without .dockerignore" {
	check <<<$'FROM test AS a\nUSER user\nFROM a\nRUN true'
	[ -z "$rules" ]
	hull build -q -t withuser -f - ctx <<<$'FROM test\nUSER user'
	check <<<$'FROM withuser\nRUN true'
	[ -z "$rules" ]
	mkdir ctx/.git
	check <<<$'FROM withuser\nCOPY . /x'
	[ "$rules" = "MissingDockerignore 2" ]
	echo .git >ctx/.dockerignore
	check <<<$'FROM withuser\nCOPY . /x'
	[ -z "$rules" ]
}

@test "FROM and --from pull what is not here; --pull asks again" {
	registry_up
	put_image --rootfs "$ROOTFS" --layers 2 some/base v1
	printf 'FROM %s/some/base:v1\nRUN cat /layer-1 >/seen\n' "$REGISTRY" >ctx/Dockerfile
	run -0 hull build -t out ctx
	[ "$(hull run --rm out cat /seen)" = 1 ]
	put_image --rootfs "$ROOTFS" --layers 3 some/base v1
	run -0 hull build -t out ctx
	run ! hull run --rm out ls /layer-2
	run -0 hull build --pull -t out ctx
	[ "$(hull run --rm out cat /layer-2)" = 2 ]
}
