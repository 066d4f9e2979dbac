#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Secrets: kept by hull, given to containers as files or variables, and shown by nothing. Of an ordinary user:
# rootless_engine.bats.

load lib
load api

CANARY=canary-4711

setup() {
	hull_setup
	SOCKET=$WORK/api.sock
	export DOCKER_HOST=unix://$SOCKET DOCKER_CONFIG=$WORK/docker
	echo -n $CANARY >word
}
teardown() { api_teardown; }

# The files of the store and of what runs, and what is in them, have it at so many places.
places_of() {
	grep -rlsF "$1" "$HULL_ROOT" "$HULL_RUNROOT" | wc -l
}

# bats test_tags=fast,same
@test "secret: create, ls, inspect, exists, rm" {
	local one two
	one=$(hull secret create -l a=b -l c one word)
	[[ "$one" =~ ^[0-9a-f]{25}$ ]] || fail "$one"
	two=$(VALUE=$CANARY hull secret create --env two VALUE)
	hull secret create three - <word
	assert_equal $'one\nthree\ntwo' "$(hull secret ls --format '{{.Name}}')"
	run hull secret ls
	assert_line '^ID +NAME +DRIVER +CREATED +UPDATED$'
	assert_line "^$one +one +Less than a second ago|^$one +one .* seconds? ago"
	assert_equal "$one" "$(hull secret ls -q -f name=on)"
	assert_equal one "$(hull secret list -f label=a=b --format '{{.Name}}')"
	assert_equal '{"a":"b","c":""}' "$(hull secret inspect -f '{{json .Spec.Labels}}' one)"
	assert_equal two "$(hull secret ls -f "id=${two:0:9}" --format '{{.Name}}')"
	assert_equal '["CreatedAt","Driver","ID","Labels","Name","UpdatedAt"]' "$(hull secret ls -f name=one --format json | jq -c keys)"
	run hull secret ls -f nonsense=1
	assert_status 1
	assert_has "id label name"
	assert_equal '["ID","Version","CreatedAt","UpdatedAt","Spec"]' "$(hull secret inspect one | jq -c '.[0] | keys_unsorted')"
	# By name, id, and the beginning of one; as any object, too.
	assert_equal $'one\none\none' "$(hull secret inspect -f '{{.Spec.Name}}' one "$one" "${one:0:10}")"
	assert_equal "$one" "$(hull inspect -f '{{.ID}}' one)"
	assert_equal "$one" "$(hull inspect --type secret -f '{{.ID}}' one)"
	run hull secret inspect --pretty one
	assert_line '^Name: +one$'
	assert_line '^ - a=b$'
	assert_equal $'one\nthree\ntwo' "$(hull __complete -- secret rm '' | cut -f 1 | sort)"
	run hull secret inspect one two three
	assert_lacks $CANARY
	assert_equal $CANARY "$(hull secret inspect --showsecret -f '{{.SecretData}}' two)"
	hull secret exists one
	run hull secret exists four
	assert_equal "1 " "$status $output"
	run hull secret inspect four
	assert_status 1
	assert_has "secret four not found"
	run hull secret rm one four "$two"
	assert_status 1
	assert_has $'one\n'
	assert_has "$two"
	assert_has "secret four not found"
	assert_equal three "$(hull secret ls --format '{{.Name}}')"
	hull secret rm -i three four
	assert_equal "0" "$(places_of $CANARY)"
	run hull secret rm ""
	assert_status 1
}

# bats test_tags=fast
@test "secret: names and sizes at the edges; a name that is taken; what hull has not" {
	local name id
	for name in a A9 a.b-c_d "$(printf 'x%.0s' {1..64})"; do
		hull secret create "$name" word
	done
	for name in "" . -a a- a. _a a/b 'a b' a=b ä "$(printf 'x%.0s' {1..65})"; do
		run hull secret create -- "$name" word
		assert_status 1
		assert_has "only 64 [a-zA-Z0-9-_.] characters allowed"
	done
	hull secret rm -a
	assert_equal "" "$(hull secret ls -q)"
	run hull secret rm
	assert_has "requires at least 1 argument, or --all"
	head -c 511999 /dev/zero >largest
	head -c 512000 /dev/zero >larger
	: >empty
	hull secret create largest largest
	hull secret create least - <<<""
	for name in larger -; do
		run hull secret create more $name <larger
		assert_status 1
		assert_has "must be larger than 0 and less than 512000 bytes"
	done
	for name in empty -; do
		run hull secret create more $name <empty
		assert_status 1
		assert_has "data is empty"
	done
	assert_equal 511999 "$(hull run --rm --secret largest test sh -c 'wc -c </run/secrets/largest')"
	run hull secret create least word
	assert_status 1
	assert_has "secret least already exists"
	assert_has "--replace"
	id=$(hull secret inspect -f '{{.ID}} {{.CreatedAt}}' least)
	hull secret create --replace -l new least word
	assert_equal "${id#* }" "$(hull secret inspect -f '{{.CreatedAt}}' least)"
	run ! hull secret exists "${id% *}"
	assert_equal "$CANARY map[new:]" "$(hull secret inspect --showsecret -f '{{.SecretData}} {{.Spec.Labels}}' least)"
	run hull secret create none
	assert_has "secret file is required"
	run hull secret create none nofile
	assert_status 1
	assert_has nofile
	EMPTY='' run hull secret create --env none EMPTY
	assert_has "environment variable EMPTY is not set"
	for name in --template-driver=golang --driver-opts=a=b "-d shell"; do
		# shellcheck disable=SC2086 # words
		run hull secret create $name none word
		[ "$status" -ne 0 ] || fail "accepted $name"
	done
	hull secret create -d file none word
	# Two whose ids have a beginning in common.
	sql "UPDATE secret SET id = 'aaaa' || substr(id, 5) WHERE name IN ('none', 'least')"
	run hull secret rm aaaa
	assert_status 1
	assert_has ambiguous
	hull system check --repair
}

# bats test_tags=fast
@test "secret: a file in the container, with NUL bytes, its owner and its mode; read-only" {
	printf 'a\0b\xff\n' >bytes
	hull secret create bytes bytes
	hull secret create word word
	run hull run --rm --secret bytes --secret source=word,target=sub/w,uid=1000,gid=1001,mode=0400 \
		--secret word,target=/etc/pw,mode=777 test sh -c 'md5sum </run/secrets/bytes; cat /run/secrets/sub/w /etc/pw; echo
		stat -c %n:%a:%u:%g:%F /run/secrets/bytes /run/secrets/sub/w /etc/pw
		for f in /run/secrets/bytes /etc/pw; do echo x 2>/dev/null >$f || rm $f 2>/dev/null || echo no; done
		grep -c "^tmpfs .* ro,nosuid,nodev,noexec" /proc/self/mounts'
	assert_status 0
	assert_equal "$(md5sum <bytes)
$CANARY$CANARY
/run/secrets/bytes:444:0:0:regular file
/run/secrets/sub/w:400:1000:1001:regular file
/etc/pw:777:0:0:regular file
no
no
3" "$output"
	# Of a user without rights, with a root that is read-only, and with a tmpfs above.
	assert_equal "$CANARY" "$(hull run --rm --user 1000 --read-only --cap-drop ALL --secret word,uid=1000,mode=0400 test cat /run/secrets/word)"
	run hull run --rm --user 1000 --secret word,mode=0400 test cat /run/secrets/word
	assert_status 1
	assert_has "Permission denied"
	assert_equal "$CANARY" "$(hull run --rm --tmpfs /run --secret word test cat /run/secrets/word)"
	mkdir -p host
	assert_equal "$CANARY" "$(hull run --rm -v "$WORK/host:/data" --secret word,target=/data/w test cat /data/w)"
	assert_equal 0 "$(wc -c <host/w)"
	# Where a link of the image leads is inside.
	tar -C "$ROOTFS" -cf evil.tar .
	mkdir -p evil/run && ln -s /etc evil/run/secrets && tar -C evil -rf evil.tar ./run
	hull import evil.tar evil >/dev/null
	hull secret create passwd word
	assert_equal $CANARY "$(hull run --rm --secret passwd evil cat /etc/passwd)"
	run ! grep -q $CANARY /etc/passwd
}

# bats test_tags=fast
@test "secret: a variable, of exec and health checks as well, and not of what is shown" {
	printf 'a\0b' >bytes
	head -c 131072 /dev/zero | tr '\0' x >long
	hull secret create word word
	hull secret create bytes bytes
	hull secret create long long
	hull secret inspect --showsecret -f '{{.SecretData}}' long >/dev/null
	run hull secret inspect --showsecret bytes
	assert_status 0
	assert_equal "$CANARY-$CANARY" "$(hull run --rm -e TOKEN=other --secret word,type=env --secret word,type=env,target=TOKEN test \
		sh -c 'echo "$word-$TOKEN"')"
	hull run -d --name aa --secret word,type=env,target=TOKEN --health-cmd "[ \$TOKEN = $CANARY ]" test sleep 1000
	assert_equal $CANARY "$(hull exec aa sh -c 'echo $TOKEN')"
	assert_equal other "$(hull exec -e TOKEN=other aa sh -c 'echo $TOKEN')"
	hull healthcheck run aa
	run hull inspect -f '{{.Config.Env}}' aa
	assert_lacks TOKEN
	assert_equal 'TOKEN=***' "$(jq -r '.process.env[] | select(startswith("TOKEN"))' "$HULL_RUNROOT"/containers/*/config.json)"
	run hull run --rm --secret bytes,type=env,target=B test true
	assert_status 125
	assert_has "a NUL byte is in it"
	run hull run --rm --secret long,type=env test true
	assert_status 125
	assert_has "too large"
	assert_equal aa "$(hull ps -a --format '{{.Names}}')"
}

@test "secret: what makes no sense is refused, and leaves nothing" {
	local bad
	hull secret create word word
	for bad in "" type=env word,type=nonsense word,mode=8 word,mode=10000 word,uid=-1 word,uid=4294967295 word,gid=x \
		word,nonsense word,x=y word,type=env,uid=1 word,type=env,target=A=B word,target=/ nobody word,target=/proc; do
		run hull run --rm --secret "$bad" test true
		[ "$status" = 125 ] || fail "accepted --secret $bad: $status $output"
	done
	run hull create --secret nobody test true
	assert_has "secret nobody not found"
	for bad in "--secret word --secret word" "--secret word,target=/data -v $WORK:/data" "--secret word,target=/etc/hosts"; do
		# shellcheck disable=SC2086 # words
		run hull run --rm $bad test true
		assert_status 125
		assert_has "Duplicate mount point"
	done
	assert_equal "" "$(ls "$HULL_ROOT/containers")"
	assert_equal 1 "$(places_of $CANARY)"
}

@test "secret: nothing that hull shows or makes of a container has it; with the container it is gone" {
	hull secret create word word
	hull run -d --name aa --secret word --secret word,type=env,target=TOKEN test sh -c 'cat /run/secrets/word | md5sum; sleep 1000'
	wait_for 10 logs_have aa -
	assert_equal '[{"Name":"word","Target":"/run/secrets/word","Mode":292},{"Name":"word","Target":null,"Mode":292}]' \
		"$(hull inspect aa | jq -c '[.[0].Hull.Secrets[] | {Name, Target, Mode}]')"
	{
		hull inspect aa; hull logs aa; hull diff aa; hull ps -a --no-trunc; hull events --since 1 --until 0s
		hull explain aa security; hull why aa; hull top aa; hull secret inspect word; hull secret ls
	} >shown 2>&1
	run ! grep $CANARY shown
	hull commit aa made >/dev/null
	hull save made >made.tar
	hull export aa >aa.tar
	run ! grep -q $CANARY made.tar aa.tar
	assert_equal "" "$(hull run --rm made sh -c 'cat /run/secrets/word; echo $TOKEN')"
	run hull image inspect made
	assert_lacks TOKEN
	# The secret and the container's two; none below --runroot, and the mount is in no other namespace.
	assert_equal 3 "$(places_of $CANARY)"
	assert_equal 0 "$(grep -rlsF $CANARY "$HULL_RUNROOT" | wc -l)"
	run ! grep -q /run/secrets/word /proc/self/mountinfo
	assert_equal 700:600 "$(stat -c %a "$HULL_ROOT/secrets"):$(stat -c %a "$HULL_ROOT"/secrets/*)"
	assert_equal "600 600" "$(stat -c %a "$HULL_ROOT"/containers/*/secret.* | paste -sd' ')"
	hull rm -f aa
	hull rmi -f made
	hull system prune -af --volumes
	assert_equal 1 "$(places_of $CANARY)"
	hull secret exists word
	hull secret rm word
	assert_equal 0 "$(places_of $CANARY)"
	assert_equal "" "$(ls "$HULL_ROOT/secrets")"
	assert_equal 'create:word remove:word' "$(hull events --since 1 --until 0s -f type=secret --format '{{.Action}}:{{.Actor.Attributes.name}}' | paste -sd' ')"
}

@test "secret: a container keeps what it was made with, whatever becomes of the secret" {
	hull secret create word word
	hull create --name aa --secret word --secret word,type=env test sh -c 'echo $word; cat /run/secrets/word'
	echo -n other >other
	hull update -m 64m aa
	hull rename aa bb && hull rename bb aa
	hull secret create --replace word other
	assert_equal $CANARY$'\n'$CANARY "$(hull start -a aa)"
	assert_equal other "$(hull run --rm --secret word test cat /run/secrets/word)"
	hull secret rm word
	assert_equal $CANARY$'\n'$CANARY "$(hull start -a aa)"
	hull restart -t 0 aa
	hull wait aa
	assert_equal 6 "$(hull logs aa | grep -o $CANARY | wc -l)"
	assert_equal "" "$(hull run --rm --volumes-from aa test sh -c 'echo $word; cat /run/secrets/word 2>/dev/null')"
	# Somebody took its copy.
	rm "$HULL_ROOT"/containers/*/secret.0
	run hull start aa
	assert_status 1
	assert_has "its copy of secret word"
}

@test "secret: --size shows it no more than anything else; it is not PATH, which messages tell" {
	hull secret create word word
	run hull inspect -s word
	assert_lacks $CANARY
	run -125 hull run --secret word,type=env,target=PATH test true
	assert_has "cannot be the variable PATH"
	assert_lacks $CANARY
	printf 'FROM test\nRUN --mount=type=secret,id=x,env=PATH ["true"]\n' >Dockerfile
	run -1 hull build --secret id=x,src=word .
	assert_has "cannot be the variable PATH"
	assert_lacks $CANARY
}

@test "secret: --replace leaves the old one or the new one, whenever it is killed; who creates meanwhile gets one of them" {
	local call n
	hull secret create k word
	echo -n other >other
	for call in fsync fdatasync linkat unlinkat renameat pwrite64; do
		for n in 1 2 3; do
			strace -f -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$n "$HULL" secret create --replace k other >/dev/null 2>&1 3>&- || true
			[[ $(hull secret inspect --showsecret -f '{{.SecretData}}' k) == @($CANARY|other) ]]
			hull secret create --replace k word >/dev/null
		done
	done
	hull system check --repair >/dev/null || true
	assert_equal 1 "$(ls "$HULL_ROOT/secrets" | wc -l)"
	(for n in {1..40}; do "$HULL" secret create --replace k other; done >/dev/null) 3>&- &
	for n in {1..40}; do hull create --secret k test true >/dev/null; done
	wait $!
}

@test "secret: what a kill between file and row leaves is found" {
	local id
	hull secret create keep word
	id=$(hull secret create gone word)
	# What a killed create leaves.
	sql "DELETE FROM secret WHERE name = 'gone'"
	run hull system check
	assert_status 1
	assert_line "^file of a secret $id that does not exist"
	hull system check --repair
	[ ! -e "$HULL_ROOT/secrets/$id" ]
	assert_equal 1 "$(places_of $CANARY)"
	# And a killed rm.
	id=$(hull secret inspect -f '{{.ID}}' keep)
	rm "$HULL_ROOT/secrets/$id"
	run hull run --rm --secret keep test true
	assert_status 125
	assert_has "$HULL_ROOT/secrets"
	assert_has "create it again"
	run hull system check --repair
	assert_line "^secret $id: its file is gone: removed"
	run -0 hull system check
	run ! hull secret exists keep
}

@test "secret: the API, as docker's client uses it" {
	local id
	need_docker
	serve --read-only-host "unix://$WORK/ro.sock"
	assert_equal '[]' "$(answers 200 GET /secrets)"
	id=$(docker secret create -l a=b one word)
	assert_equal "$id" "$(docker secret ls -q -f name=one)"
	assert_equal '["CreatedAt","ID","Spec","UpdatedAt","Version"]' "$(answers 200 GET /secrets/one | jq -c keys)"
	assert_equal '[1,{"Name":"one","Labels":{"a":"b"}}]' "$(answers 200 GET "/secrets/$id" | jq -c '[.Version.Index, .Spec]')"
	assert_equal 1 "$(answers 200 GET '/secrets?filters=%7B%22label%22%3A%5B%22a%22%5D%7D' | jq length)"
	assert_equal "$(hull secret inspect one)" "$(docker secret inspect one)"
	assert_equal $CANARY "$(hull run --rm --secret one test cat /run/secrets/one)"
	run answers 409 POST /secrets/create '{"Name":"one","Data":"eA=="}'
	assert_has "secret one already exists"
	assert_equal '["ID"]' "$(answers 201 POST /secrets/create '{"Name":"two","Labels":{},"Data":"eAB5"}' | jq -c keys)"
	assert_equal '0000000 x \0 y' "$(hull run --rm --secret two test od -c /run/secrets/two | head -n 1 | tr -s ' ')"
	answers 400 POST /secrets/create '{"Name":"x","Data":""}'
	answers 400 POST /secrets/create '{"Name":"x","Data":"%"}'
	answers 400 POST /secrets/create '{"Data":"eA=="}'
	answers 400 POST /secrets/create '{"Name":"x","Data":"eA==","Driver":{"Name":"x"}}'
	answers 400 POST /secrets/create '{"Name":"x","Data":"eA==","Templating":{"Name":"golang"}}'
	answers 400 GET '/secrets?filters=%7B%22x%22%3A%5B%22a%22%5D%7D'
	run answers 503 POST "/secrets/one/update?version=1" '{"Name":"one"}'
	assert_has "not a swarm manager"
	answers 404 GET /secrets/nobody
	answers 404 DELETE /secrets/nobody
	SOCKET=$WORK/ro.sock
	assert_equal one "$(answers 200 GET /secrets/one | jq -r .Spec.Name)"
	answers 403 POST /secrets/create '{"Name":"x","Data":"eA=="}'
	answers 403 DELETE /secrets/one
	SOCKET=$WORK/api.sock
	assert_equal $'one\ntwo' "$(docker secret rm one two)"
	answers 204 DELETE /secrets/nobody && fail "removed nobody" || true
	assert_equal "" "$(hull secret ls -q)"
}
