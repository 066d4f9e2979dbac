#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hulld beside dockerd: the same calls, answer by answer.

load callers

setup_file() {
	callers_begin dockerd containerd python3
	[ -s "$WORK/holder" ] || return 0
	beside_dockerd
}

teardown_file() { callers_end; }
setup() { need_callers; }

# kit SOCKET [OPTION...]: a build by BuildKit's client, its status at the end.
kit() {
	local at=$1 status=0
	shift
	inside env -C "$WORK/kit" DOCKER_BUILDKIT=1 SECRET=of-the-env /usr/bin/docker -H "unix:///run/$at.sock" build --network none --progress plain "$@" 2>&1 || status=$?
	echo "status $status"
}

@test "hulld answers as dockerd does, but for what the list names" {
	LIMIT=200 inside python3 "$BATS_TEST_DIRNAME/compare.py" /run/docker.sock /run/hulld.sock 1.41
}

@test "hulld answers as dockerd does to the oldest clients that both know" {
	LIMIT=200 inside python3 "$BATS_TEST_DIRNAME/compare.py" /run/docker.sock /run/hulld.sock 1.24
}

@test "BuildKit's client builds the same with both" {
	/usr/bin/docker version -f '{{.Client.Version}}' 2>/dev/null | grep -q '^2[0-2]\.' || skip "needs a docker client with BuildKit in it"
	local at name
	mkdir -p "$WORK/kit/ctx/dir/sub" "$WORK/kit/empty" && cd "$WORK/kit"
	printf 'dir/sub\n!dir/sub/kept\n*.tmp\n' >ctx/.dockerignore
	touch -d @1000000000 ctx/dir/sub/kept ctx/dir/sub/not ctx/x.tmp ctx/plain && ln -s plain ctx/link && ln ctx/plain ctx/hard && chmod 4711 ctx/plain
	echo of-the-file >s
	cat >ctx/Dockerfile <<-'E'
		FROM test AS one
		ARG A=b
		COPY . /c
		RUN --mount=type=secret,id=s --mount=type=secret,id=e,mode=0444,target=/e cat /run/secrets/s /e >/got; stat -c '%a %u' /run/secrets/s /e >>/got
		RUN --mount=type=bind,target=/b ls -A /b /b/dir >>/got; echo $A >>/got
		RUN --mount=type=ssh true
		FROM one AS two
		RUN touch /two
	E
	printf 'FROM test\nRUN echo said; exit 9\n' >ctx/failing
	printf 'FROM test\nCOPY nothing /\n' >ctx/missing
	printf 'FROM test\nRUN --mount=type=secret,id=s,required true\n' >ctx/required
	printf 'NOTHING\n' >ctx/broken
	for at in docker hulld; do
		{
			kit $at -t kit --secret id=s,src=s --secret id=e,env=SECRET --build-arg A=c --target one ctx | grep ^status
			kit $at -q --iidfile "id.$at" -t kit2 --secret id=s,src=s --secret id=e,env=SECRET ctx | grep -o '^status.*\|^sha256:' | sort
			[ "$(cat "id.$at")" = "$(inside docker -H "unix:///run/$at.sock" inspect -f '{{.Id}}' kit2)" ] && echo "the id"
			inside docker -H "unix:///run/$at.sock" run --rm --network none kit sh -c 'cat /got; cd /c && find . | sort | while read -r f; do stat -c "%n %a %u %g %F" "$f"; done; stat -c %Y plain; ls -i plain hard | sort | uniq -c | wc -l; test -e /two || echo one'
			for name in failing missing required broken; do kit $at -f ctx/$name ctx | grep -E '^status|^#[0-9]+ [0-9.]+ said|exit code: 9|not found' | sed 's/^#[0-9]* [0-9.]* //' | grep -o 'said\|exit code: 9\|not found\|status.*' | sort -u; done
			kit $at empty | grep ^status
			kit $at - <ctx/failing | grep ^status
			tar -C ctx -c . | kit $at --target one --secret id=s,src=s --secret id=e,env=SECRET - | grep ^status
		} >said.$at
	done
	cat said.docker
	diff said.docker said.hulld
	grep -q of-the-file said.hulld
	grep -q of-the-env said.hulld
}
