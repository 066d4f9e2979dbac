# SPDX-License-Identifier: Apache-2.0
# hull build: instructions, the cache, stages, errors. What COPY does is in build_copy.bats.

bats_require_minimum_version 1.5.0
load lib

setup() {
	hull_setup
	mkdir ctx
	echo hello >ctx/hello
}
teardown() { hull_teardown; }

default_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# build [OPTION...]: of the Dockerfile on standard input, with the folder ctx.
build() {
	cat >ctx/Dockerfile
	run hull build -t out "$@" ctx
	printf '%s\n' "$output"
}

# What a container of the image prints.
inside() {
	hull run --rm out "$@"
}

config() {
	hull image inspect --format "{{json .Config.$1}}" out
}

# bats test_tags=fast,same
@test "a Dockerfile becomes an image" {
	build <<-'E'
		FROM test
		ENV A=1 B="two words" C=$FROM_IMAGE
		WORKDIR /app
		COPY hello .
		RUN echo "$A $B $C" >out && pwd >>out
		USER user
		CMD ["cat", "out", "hello"]
	E
	[ "$status" -eq 0 ]
	[ "$(inside)" = $'1 two words yes\n/app\nhello' ]
	[ "$(inside id -u)" = 1000 ]
	[ "$(config Cmd)" = '["cat","out","hello"]' ]
	[ "$(config WorkingDir)" = '"/app"' ]
}

@test "instructions that are config" {
	build <<-'E'
		FROM test
		MAINTAINER me
		LABEL a=b c="d e" f=$FROM_IMAGE
		EXPOSE 80 81/udp
		VOLUME /v "/w"
		STOPSIGNAL SIGUSR1
		HEALTHCHECK --interval=5s CMD true
		SHELL ["/bin/sh", "-ec"]
		ENTRYPOINT ["/bin/echo"]
		ONBUILD RUN echo triggered >/trigger
		USER 5:6
		WORKDIR /x
		WORKDIR y
		CMD echo "$HOME"
	E
	[ "$status" -eq 0 ]
	[ "$(config Labels)" = '{"a":"b","c":"d e","f":"yes"}' ]
	[ "$(config ExposedPorts)" = '{"80/tcp":{},"81/udp":{}}' ]
	[ "$(config Volumes)" = '{"/v":{},"/w":{}}' ]
	[ "$(config StopSignal)" = '"SIGUSR1"' ]
	[ "$(config Healthcheck)" = '{"Interval":5000000000,"Test":["CMD-SHELL","true"]}' ]
	[ "$(config Entrypoint)" = '["/bin/echo"]' ]
	[ "$(config Cmd)" = '["/bin/sh","-ec","echo \"$HOME\""]' ]
	[ "$(config OnBuild)" = '["RUN echo triggered \u003e/trigger"]' ] ||
		[ "$(config OnBuild)" = '["RUN echo triggered >/trigger"]' ]
	[ "$(config User)" = '"5:6"' ]
	[ "$(config WorkingDir)" = '"/x/y"' ]
	[ "$(hull image inspect --format '{{.Author}}' out)" = me ]
}

@test "ENTRYPOINT drops the CMD of the image below, and no other" {
	build <<<$'FROM test\nENTRYPOINT ["a"]'
	[ "$(config Cmd)" = null ]
	build <<<$'FROM test\nCMD ["b"]\nENTRYPOINT ["a"]'
	[ "$(config Cmd)" = '["b"]' ]
}

@test "ONBUILD runs in the next build, and once" {
	build <<<$'FROM test\nONBUILD RUN echo one >>/trigger'
	hull tag out parent
	build <<<$'FROM parent'
	[ "$status" -eq 0 ]
	[ "$(inside cat /trigger)" = one ]
	[ "$(config OnBuild)" = null ]
}

@test "ARG: defaults, --build-arg, scopes; ENV wins" {
	cat >dockerfile <<-'E'
		ARG BASE=nothing
		ARG GLOBAL=g
		FROM $BASE
		ARG GLOBAL
		ARG D=default
		ARG NONE
		ARG E=arg
		ENV E=env
		RUN echo "$GLOBAL $D [$NONE] $E [$BASE]" >/out
	E
	run hull build -t out -f dockerfile --build-arg BASE=test --build-arg UNUSED=1 ctx
	[ "$status" -eq 0 ]
	[[ "$output" == *"build-args [UNUSED] were not consumed"* ]]
	[ "$(inside cat /out)" = 'g default [] env []' ]
	D=fromenv hull build -q -t out -f dockerfile --build-arg BASE=test --build-arg D --build-arg NONE=n ctx
	[ "$(inside cat /out)" = 'g fromenv [n] env []' ]
	# A build argument is no part of the image.
	[ "$(config Env)" = "[\"FROM_IMAGE=yes\",\"PATH=$default_path\",\"E=env\"]" ]
}

# Such images are made of a tar: debootstrap's, or docker import's.
@test "ENV: to the PATH of an image that names none is added, not set instead" {
	build <<<$'FROM test\nENV PATH=$PATH:/opt/bin\nRUN echo "$PATH" >/out'
	[ "$status" -eq 0 ]
	[ "$(inside cat /out)" = "$default_path:/opt/bin" ]
	build <<<$'FROM scratch AS a\nENV PATH=/opt/bin:$PATH\nFROM a\nENV X=${PATH}'
	[ "$(config Env)" = "[\"PATH=/opt/bin:$default_path\",\"X=/opt/bin:$default_path\"]" ]
	# One that is empty on purpose stays so.
	build <<<$'FROM test\nENV PATH='
	build <<<$'FROM out\nLABEL a=b'
	[ "$(config Env)" = '["FROM_IMAGE=yes","PATH="]' ]
}

@test "ARG: those that are there by themselves: proxies in each RUN, platforms where ARG names them" {
	cat >ctx/Dockerfile <<-'E'
		FROM test AS first
		RUN env >/before
		ARG TARGETPLATFORM TARGETOS TARGETARCH TARGETVARIANT TARGETSTAGE
		ARG BUILDPLATFORM BUILDOS BUILDARCH BUILDVARIANT
		RUN env >/after
	E
	local args=() name
	for name in HTTP HTTPS FTP NO ALL; do
		args+=(--build-arg "${name}_PROXY=large" --build-arg "${name,,}_proxy=small")
	done
	run -0 hull build -t out --target first "${args[@]}" ctx
	[[ "$output" != *"not consumed"* ]]
	[ "$(inside sh -c 'grep -c _PROXY=large /before; grep -c _proxy=small /before')" = $'5\n5' ]
	run ! inside grep -E '^(TARGET|BUILD)' /before
	native=$(hull version -f '{{.Client.Arch}}')
	for name in TARGET BUILD; do
		[ "$(inside sed -n "s/^${name}\(PLATFORM\|OS\|ARCH\)=//p" /after | sort | xargs)" = "$native linux linux/$native" ]
		inside grep -q "^${name}VARIANT=" /after
	done
	[ "$(inside sed -n 's/^TARGETSTAGE=//p' /after)" = first ]
	[ "$(config Env)" = "[\"FROM_IMAGE=yes\",\"PATH=$default_path\"]" ]
}

@test "a variable of an image that has no value gets none of the build's own environment" {
	hull save -o archive test
	python3 - <<-'E'
		import io, json, tarfile
		t, o = tarfile.open("archive"), tarfile.open("changed", "w")
		def add(name, data):
		    i = tarfile.TarInfo(name)
		    i.size = len(data)
		    o.addfile(i, io.BytesIO(data))
		m = json.load(t.extractfile("manifest.json"))
		config = json.load(t.extractfile(m[0]["Config"]))
		config["config"]["Env"] += ["SECRET", "SEC*"]
		for layer in m[0]["Layers"]:
		    add(layer, t.extractfile(layer).read())
		m[0].update(Config="c", RepoTags=["odd:1"])
		add("c", json.dumps(config).encode())
		add("manifest.json", json.dumps(m).encode())
		o.close()
	E
	hull load -q -i changed
	export SECRET=canary-5512 SECOND=canary-5512
	build <<<$'FROM odd:1\nARG SECOND\nRUN env >/env'
	[ "$status" -eq 0 ]
	[ "$(inside cat /env | grep -c canary)" = 0 ]
	[ "$(hull run --rm odd:1 env | grep -c canary)" = 0 ]
}

@test "RUN: exec form, here-documents, an interpreter of one's own" {
	build <<-'E'
		FROM test
		RUN ["/bin/sh", "-c", "echo $0 >/exec", "zero"]
		RUN <<S
		echo one >/script
		echo "two $HOME" >>/script
		S
		RUN cat <<A >/cat && echo after >>/cat
		text $HOME
		A
		RUN <<'P'
		#!/bin/awk BEGIN { print "awk" > "/awk" }
		P
	E
	[ "$status" -eq 0 ]
	[ "$(inside cat /exec)" = zero ]
	[ "$(inside cat /script)" = $'one\ntwo /root' ]
	[ "$(inside cat /cat)" = $'text /root\nafter' ]
}

@test "RUN: a container with the default sandbox, which leaves nothing" {
	build <<-'E'
		FROM test
		RUN grep -E '^(CapEff|CapInh|Seccomp):' /proc/self/status >/status
		RUN test ! -e /sys/class/net/eth0 && test "$(ls /sys/class/net)" = lo
	E
	[ "$status" -eq 0 ]
	run -0 inside cat /status
	[[ "$output" == *$'CapInh:\t0000000000000000'* ]]
	[[ "$output" == *$'CapEff:\t00000000a80425fb'* ]]
	[[ "$output" == *$'Seccomp:\t2'* ]]
	[ -z "$(hull ps -aq)" ]
	[ "$(hull system check)" = "" ]
}

@test "RUN --network=host has to be allowed; limits hold" {
	build <<<$'FROM test\nRUN --network=host true'
	[ "$status" -eq 1 ]
	[[ "$output" == *"the build must allow it by --network host"* ]]
	run -0 hull build --network host -f ctx/Dockerfile ctx
	run -0 hull build --no-cache --allow network.host -f ctx/Dockerfile ctx
	run -125 hull build --allow security.insecure ctx
	[[ "$output" == *"only network.host can be allowed"* ]]
	build <<<$'FROM test\nRUN --network=none ls /sys/class/net >/nets\nRUN --network=default true'
	[ "$(inside cat /nets)" = lo ]
	build --ulimit nofile=77 --shm-size 3m --pids-limit 50 -m 64m --cpus 0.5 --cpuset-cpus 0 <<-'E'
		FROM test
		RUN { ulimit -n; df -k /dev/shm | awk 'NR == 2 { print $2 }'; cd /sys/fs/cgroup; cat pids/pids.max pids.max; \
		    cat memory/memory.limit_in_bytes memory.max; cat cpu/cpu.cfs_quota_us cpu.max; \
		    sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status; } >/limits 2>/dev/null
	E
	[ "$(inside sed 's/ 100000$//' /limits | xargs)" = "77 3072 50 67108864 50000 0" ]
	build --add-host db:10.0.0.9 <<<$'FROM test\nRUN cp /etc/hosts /seen'
	inside cat /seen | grep -q $'10.0.0.9\tdb'
}

@test "limits of RUN: rates of a device, huge pages" {
	some_disk
	build --device-read-bps "$disk:1mb" --device-write-iops "$disk:200" <<-'E'
		FROM test
		RUN cd /sys/fs/cgroup; cat blkio/blkio.throttle.read_bps_device blkio/blkio.throttle.write_iops_device io.max \
		    >/rates 2>/dev/null; true
	E
	[ "$status" -eq 0 ]
	if is_v1 blkio; then
		[ "$(inside cat /rates | xargs)" = "$numbers 1048576 $numbers 200" ]
	else
		[ "$(inside cat /rates)" = "$numbers rbps=1048576 wbps=max riops=max wiops=200" ]
	fi
	build --hugepages nonsense <<<'FROM test'
	[ "$status" -eq 125 ]
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages"
	build --hugepages 2MB=64m <<-'E'
		FROM test
		RUN cd /sys/fs/cgroup; cat hugetlb/hugetlb.2MB.limit_in_bytes hugetlb.2MB.max unified/hugetlb.2MB.max >/huge 2>/dev/null; true
	E
	[ "$(inside cat /huge)" = 67108864 ]
}

@test "--security-opt and --cgroup-parent are those of RUN" {
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' >profile
	build --security-opt seccomp=profile --security-opt no-new-privileges <<-'E'
		FROM test
		RUN mkdir /x 2>/said; grep NoNewPrivs /proc/self/status >>/said
	E
	[ "$status" -eq 0 ]
	inside cat /said | grep -q 'not supported'
	inside cat /said | grep -q 'NoNewPrivs:.*1'
	build --security-opt seccomp=nosuch <<<'FROM test'
	[[ "$output" == *"opening seccomp profile (nosuch) failed"* ]]
	PARENT_GROUPS=("hull-build-$$")
	build --cgroup-parent "hull-build-$$" <<<$'FROM test\nRUN --mount=from=test,target=/m cat /proc/self/cgroup >/group; ls /sys/fs/cgroup >/dev/null'
	[ "$status" -eq 0 ]
	find /sys/fs/cgroup -maxdepth 3 -type d -name "hull-build-$$" | grep -q .
	remove_groups
}

@test "what docker's users type: --load, --metadata-file, and what is refused with the reason" {
	build --load --compress --provenance=false --sbom false --builder default --isolation default \
		--metadata-file meta --iidfile id <<<$'FROM test\nRUN true'
	[ "$status" -eq 0 ]
	[[ "$output" == *"--compress has no effect"* ]]
	[ "$(python3 -c 'import json; d = json.load(open("meta")); print(d["containerimage.config.digest"], d["image.name"])')" = \
		"$(cat id) docker.io/library/out:latest" ]
	build --provenance=mode=max <<<'FROM test'
	[[ "$output" == *"hull makes no attestations"* ]]
	build --sbom true <<<'FROM test'
	[[ "$output" == *"hull makes no attestations"* ]]
	build --builder mine <<<'FROM test'
	[[ "$output" == *'no builder but "default"'* ]]
	build --isolation hyperv <<<'FROM test'
	[[ "$output" == *'"default" only'* ]]
	build --annotation a=b <<<'FROM test'
	[[ "$output" == *"--annotation is not supported: "*"--label"* ]]
	build --load -o dir <<<'FROM test'
	[[ "$output" == *"--load is for an image"* ]]
	run -125 hull build --push ctx
	[[ "$output" == *"tag is needed when pushing"* ]]
}

# bats test_tags=fast,same
@test "a failure shows where, and the exit code" {
	build <<-'E'
		FROM test
		RUN echo fine
		RUN echo before; exit 7
		CMD x
	E
	[ "$status" -eq 1 ]
	[[ "$output" == *'   3 | >>> RUN echo before; exit 7'* ]]
	[[ "$output" == *'   2 |     RUN echo fine'* ]]
	[[ "$output" == *'process "/bin/sh -c echo before; exit 7" did not complete successfully: exit code: 7'* ]]
	[ -z "$(hull images -q out)" ]
	# What was done before is kept.
	build <<<$'FROM test\nRUN echo fine\nRUN true'
	[[ "$output" == *"RUN echo fine"$'\n'"#2 CACHED"* ]]
}

@test "mistakes are told with their line, and what may have been meant" {
	build <<<$'FROM test\nRUNN x'
	[[ "$output" == *"Dockerfile:2: unknown instruction: RUNN"*"did you mean RUN?"* ]]
	build <<<$'FROM localhost:1/nothere'
	[[ "$output" == *"localhost:1/nothere is not here and cannot be pulled"* ]]
	build <<<$'FROM $NOTHING'
	[[ "$output" == *"should not be blank"* ]]
	build <<<$'RUN x'
	[[ "$output" == *"begins with FROM"* ]]
	build <<<$'FROM test\nADD https://example.com/x /'
	[[ "$output" == *"hull fetches nothing from the network"* ]]
	build <<<$'FROM test\nENV x'
	[[ "$output" == *"ENV must have two arguments"* ]]
	build --target none <<<$'FROM test'
	[[ "$output" == *'target stage "none" could not be found'* ]]
	run -1 hull build nowhere
	[[ "$output" == *"unable to prepare context: nowhere"* ]]
	run -1 hull build -t UPPER ctx
	[[ "$output" == *"invalid reference format"* ]]
	[ "$(hull images -q | wc -l)" -eq 1 ]
}

@test "- : a tar on standard input is the context, or a Dockerfile that has none" {
	printf 'FROM test\nCOPY hello dir /x/\n' >ctx/Dockerfile
	mkdir ctx/dir
	echo in >ctx/dir/f
	for z in '' z; do
		run -0 hull build --no-cache -t out - < <(tar -C ctx -c${z}f - .)
		[ "$(inside cat /x/hello /x/f)" = $'hello\nin' ]
	done
	mv ctx/Dockerfile ctx/Other
	run -0 hull build -q -t out -f Other - < <(tar -C ctx -cf - .)
	# Docker's client sends no entry for the folder itself.
	printf 'FROM test\nCOPY . /all\n' >ctx/Third
	run -0 hull build -q -t out -f Third - < <(tar -C ctx -cf - Third hello)
	assert_equal 755 "$(inside stat -c %a /all)"
	run -0 hull build -q -t out - <<<$'FROM test\nRUN echo text >/text'
	[ "$(inside cat /text)" = text ]
	run -1 hull build - <<<$'FROM test\nCOPY hello /'
	[[ "$output" == *"there is no build context to copy from"* ]]
	# A tar that would write elsewhere.
	mkdir evil
	ln -s "$WORK" evil/link
	tar -C evil -cf evil.tar link
	echo x >evil.file
	tar -rf evil.tar --transform 's,evil.file,link/pwned,' evil.file
	run -1 hull build - <evil.tar
	[ ! -e pwned ]
	# A Dockerfile that is a link, also in a tar that is broken behind it (T108).
	echo "FROM of-the-host" >canary
	for to in "$WORK/canary" ../../../../../../../../../../$WORK/canary; do
		ln -sf "$to" evil/Dockerfile
		tar -C evil -cf evil.tar Dockerfile
		run -1 hull build - <evil.tar
		assert_lacks of-the-host
		assert_has "there is no Dockerfile in the context"
		tar -C evil -rf evil.tar --transform 's,link,last,' link
		head -c 600 evil.tar >broken.tar
		run -1 hull build - <broken.tar
		assert_lacks of-the-host
	done
	run -1 hull build -f - - <<<'FROM test'
	[ "$(hull system check)" = "" ]
	assert_equal "" "$(find "$HULL_ROOT" -name Dockerfile)"
}

@test "-f: a pipe, too" {
	run -0 hull build -q -t out -f <(echo 'FROM test'; echo 'RUN echo piped >/x') ctx
	[ "$(inside cat /x)" = piped ]
	run -0 hull build -q -t out -f /dev/stdin ctx <<<$'FROM test\nRUN echo stdin >/x'
	[ "$(inside cat /x)" = stdin ]
}

# As docker's client makes one that adds a Dockerfile from elsewhere.
@test "- : a tar that ends with the data of its last file is whole, one that ends before is not" {
	printf 'FROM test\nCOPY last /x/\n' >ctx/Dockerfile
	head -c 47 /dev/zero | tr '\0' x >ctx/last
	tar -C ctx -cf whole.tar Dockerfile last
	# Two heads and two blocks; of the last one 47 bytes are data.
	for size in $((3 * 512 + 47)) $((3 * 512 + 50)) $((4 * 512)); do
		head -c "$size" whole.tar >cut.tar
		run -0 hull build --no-cache -q -t out - <cut.tar
		[ "$(inside cat /x/last)" = "$(cat ctx/last)" ]
	done
	for size in $((3 * 512 + 46)) $((2 * 512 + 500)) $((2 * 512 + 3)); do
		head -c "$size" whole.tar >cut.tar
		run -1 hull build --no-cache -q -t out - <cut.tar
		[[ "$output" == *runcated* || "$output" == *amaged* || "$output" == *"tar"* ]]
	done
}

@test "^C ends the step, and what was done before it is kept" {
	printf 'FROM test\nRUN echo first\nRUN echo started; sleep 1000\n' >ctx/Dockerfile
	"$HULL" build ctx 2>log 3>&- &
	pid=$!
	started_by_test $pid
	wait_for 10 grep -q ' started$' log
	kill -TERM $pid
	run wait $pid
	wait_for 10 grep -q 'the build was canceled' log
	[ -z "$(hull ps -aq)" ]
	run -0 hull build -f - ctx <<<$'FROM test\nRUN echo first'
	[[ "$output" == *CACHED* ]]
	[ "$(hull system check)" = "" ]
}

# ---------------------------------------------------------------- the cache

cached() {
	grep -c CACHED <<<"$output"
}

# bats test_tags=fast,same
@test "cache: the same again is the same image; contents count, times do not" {
	dockerfile=$'FROM test\nCOPY hello /\nRUN cp hello copy\nRUN date >/date'
	build <<<"$dockerfile"
	first=$(hull images -q --no-trunc out)
	touch -d '2001-01-01' ctx/hello
	build <<<"$dockerfile"
	[ "$(cached)" -eq 3 ]
	[ "$(hull images -q --no-trunc out)" = "$first" ]
	echo other >ctx/hello
	build <<<"$dockerfile"
	[ "$(cached)" -eq 0 ]
	[ "$(inside cat /copy)" = other ]
	chmod 600 ctx/hello
	build <<<"$dockerfile"
	[ "$(cached)" -eq 0 ]
	echo hello >ctx/hello
	chmod 644 ctx/hello
	build <<<"$dockerfile"
	[ "$(cached)" -eq 3 ]
	[ "$(hull images -q --no-trunc out)" = "$first" ]
}

@test "cache: files are read again when they were touched, and only then" {
	dockerfile=$'FROM test\nCOPY hello /'
	touch -d '1 hour ago' ctx/hello
	sleep 2.1
	build <<<"$dockerfile"
	build <<<"$dockerfile"
	[ "$(cached)" -eq 1 ]
	# The same size and time, other content: the inode's own time tells.
	stamp=$(stat -c %y ctx/hello)
	echo HELLO >ctx/hello
	touch -d "$stamp" ctx/hello
	build <<<"$dockerfile"
	[ "$(cached)" -eq 0 ]
	[ "$(inside cat /hello)" = HELLO ]
}

@test "cache: what cannot change a tree does not count; what a step sees does" {
	build <<<$'FROM test\nLABEL a=1\nRUN date >/date'
	build <<<$'FROM test\nLABEL a=2\nEXPOSE 1\nRUN date >/date'
	[ "$(cached)" -eq 1 ]
	build <<<$'FROM test\nENV a=2\nRUN date >/date'
	[ "$(cached)" -eq 0 ]
	build <<<$'FROM test\nUSER user\nWORKDIR /tmp\nRUN date >date'
	[ "$(cached)" -eq 0 ]
	build --build-arg V=1 <<<$'FROM test\nARG V\nRUN echo $V'
	build --build-arg V=2 <<<$'FROM test\nARG V\nRUN echo $V'
	[ "$(cached)" -eq 0 ]
	build --build-arg V=1 <<<$'FROM test\nARG V\nRUN echo $V'
	[ "$(cached)" -eq 1 ]
	# Proxies are given, but do not count.
	build --build-arg HTTP_PROXY=x <<<$'FROM test\nRUN echo "$HTTP_PROXY" >/proxy'
	[ "$(inside cat /proxy)" = x ]
	build --build-arg HTTP_PROXY=y <<<$'FROM test\nRUN echo "$HTTP_PROXY" >/proxy'
	[ "$(cached)" -eq 1 ]
	[ "$(config Env)" = "[\"FROM_IMAGE=yes\",\"PATH=$default_path\"]" ]
}

@test "cache: --no-cache does all again, and what stood upon the old result is not used" {
	build <<<$'FROM test\nRUN cat /proc/sys/kernel/random/uuid >/a\nRUN cp /a /b'
	before=$(inside cat /a)
	build --no-cache <<<$'FROM test\nRUN cat /proc/sys/kernel/random/uuid >/a'
	[ "$(cached)" -eq 0 ]
	build <<<$'FROM test\nRUN cat /proc/sys/kernel/random/uuid >/a\nRUN cp /a /b'
	[ "$(cached)" -eq 1 ]
	[ "$(inside cat /a)" != "$before" ]
	[ "$(inside cat /a)" = "$(inside cat /b)" ]
}

@test "cache: an image that is crafted to look like these steps is not taken for them; what its tree does not show counts (T110)" {
	dockerfile=$'FROM scratch\nCOPY hello /'
	build --cache-to type=inline <<<"$dockerfile"
	mkdir crafted evil
	hull save out | tar -xC crafted
	echo poison >evil/hello
	tar -C evil -cf crafted/evil.tar ./hello
	jq -c --arg id "sha256:$(sha256sum <crafted/evil.tar | cut -d' ' -f1)" '.rootfs.diff_ids = [$id]' \
		"crafted/$(jq -r '.[0].Config' crafted/manifest.json)" >crafted/config.json
	echo '[{"Config": "config.json", "RepoTags": ["evil:1"], "Layers": ["evil.tar"]}]' >crafted/manifest.json
	export HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2
	tar -C crafted -c manifest.json config.json evil.tar | hull load
	build -o got <<<"$dockerfile"
	[ "$(cached)" -eq 0 ]
	assert_equal hello "$(cat got/hello)"
	hull builder prune -af
	# Who names it trusts it.
	build --cache-from evil:1 -o got <<<"$dockerfile"
	assert_equal poison "$(cat got/hello)"

	export HULL_ROOT=$WORK/root HULL_RUNROOT=$WORK/run
	for n in 1 2; do
		build -t base$n <<-E
			FROM test
			HEALTHCHECK CMD echo $n
			ONBUILD RUN echo $n >/onbuild
		E
		build <<<"FROM base$n"$'\nRUN date >/date'
		assert_equal "[\"CMD-SHELL\",\"echo $n\"]" "$(config Healthcheck.Test)"
		assert_equal "$n" "$(inside cat /onbuild)"
	done
}

@test "cache: it outlives its images, and keeps their layers" {
	build <<<$'FROM test\nRUN cat /proc/sys/kernel/random/uuid >/a'
	was=$(inside cat /a)
	hull rmi out
	build <<<$'FROM test\nRUN cat /proc/sys/kernel/random/uuid >/a'
	[ "$(cached)" -eq 1 ]
	[ "$(inside cat /a)" = "$was" ]
}

@test "builder prune: what no image has, or --all; system df has a row" {
	dockerfile=$'FROM test\nRUN --mount=type=cache,target=/c head -c 1048576 /dev/urandom >/big; cp /big /c'
	build <<<"$dockerfile"
	hull builder prune -f | grep -qx 'Total reclaimed space: 0B'
	build <<<"$dockerfile"
	[ "$(cached)" -eq 1 ]
	hull rmi out
	hull system df | grep -Ex 'Build Cache +2 +0 +2\.[0-9]*MB +2\.[0-9]*MB \(100%\)'
	hull builder prune -f --filter until=24h | grep -qx 'Total reclaimed space: 0B'
	hull builder prune -f --keep-storage 10m | grep -qx 'Total reclaimed space: 0B'
	hull builder prune -f | grep -x 'Total reclaimed space: 1.05MB'
	build <<<"$dockerfile"
	[ "$(cached)" -eq 0 ]
	hull builder prune -af | grep -x 'Total reclaimed space: 1.0[0-9]*MB'
	build --label x=y <<<"$dockerfile"
	[ "$(cached)" -eq 0 ]
	[ "$(inside stat -c %s /big)" = 1048576 ]
	hull rmi out
	hull system prune -f
	build <<<"$dockerfile"
	[ "$(cached)" -eq 0 ]
	[ "$(hull system check)" = "" ]
}

@test "builder prune does not meet a build" {
	printf 'FROM test\nRUN echo one >/a\nRUN --mount=type=bind,target=/c while [ ! -e /c/go ]; do usleep 20000; done\n' >ctx/Dockerfile
	"$HULL" build -t out ctx 2>log 3>&- &
	pid=$!
	started_by_test $pid
	wait_for 10 grep -q '3/3' log
	run -1 hull builder prune -f
	[[ "$output" == *"a build is running"* ]]
	touch ctx/go
	wait $pid
	hull builder prune -f
}

# ---------------------------------------------------------------- stages

@test "stages: only those that are needed run; --target; COPY --from by name, number, image" {
	build <<-'E'
		FROM test AS one
		RUN echo one >/f && chown 7:8 /f
		FROM test AS never
		RUN exit 1
		FROM one AS two
		RUN echo two >>/f
		FROM test
		COPY --from=two /f /two
		COPY --from=0 /f /one
		COPY --from=test /data/file /image
	E
	[ "$status" -eq 0 ]
	[ "$(inside cat /two /one /image)" = $'one\ntwo\none\nfrom the image' ]
	[ "$(inside stat -c %u:%g /one)" = 7:8 ]
	run -0 hull build --target one -t out ctx
	[ "$(inside cat /f)" = one ]
}

@test "-f, - for the Dockerfile, several -t, --label, --iidfile, -q" {
	echo 'FROM test' >elsewhere
	run -0 --separate-stderr hull build -q -f elsewhere -t a -t b:2 --label x=y --iidfile id ctx
	[ -z "$stderr" ]
	[ "$output" = "$(cat id)" ]
	[ "$output" = "$(hull images -q --no-trunc a)" ]
	[ "$output" = "$(hull images -q --no-trunc b:2)" ]
	[ "$(hull image inspect --format '{{.Config.Labels.x}}' a)" = y ]
	run -0 hull build -t out -f - ctx <<<$'FROM test\nCOPY hello /'
	[ "$(inside cat /hello)" = hello ]
	mv elsewhere ctx/Containerfile
	run -0 hull build ctx
}

@test "SOURCE_DATE_EPOCH: the same layers and the same image, wherever and whenever" {
	printf 'FROM test\nCOPY hello dir /d/\nRUN echo x >/x && mkdir /y && ln -s x /z\nWORKDIR /w\n' >ctx/Dockerfile
	mkdir ctx/dir
	echo f >ctx/dir/f
	hull build -q -t one --build-arg SOURCE_DATE_EPOCH=1000000000 ctx
	export HULL_ROOT=$WORK/root2
	cp -a "$CACHE/root" "$HULL_ROOT"
	sleep 1.1
	touch ctx/hello
	export SOURCE_DATE_EPOCH=1000000000
	hull build -q -t two ctx
	two=$(hull images -q --no-trunc two)
	[ "$(hull run --rm two stat -c %Y /x /d/hello /z)" = $'1000000000\n1000000000\n1000000000' ]
	[ "$(hull image inspect --format '{{.Created}}' two)" = 2001-09-09T01:46:40Z ]
	export HULL_ROOT=$WORK/root
	[ "$(hull images -q --no-trunc one)" = "$two" ]
}

@test "--output: files in a folder, a tar, an archive of the image" {
	printf 'FROM scratch\nCOPY --chown=5:6 hello dir /d/\n' >ctx/Dockerfile
	mkdir ctx/dir
	echo f >ctx/dir/f
	run -0 hull build -o to/here ctx
	[ "$(cat to/here/d/hello to/here/d/f)" = $'hello\nf' ]
	[ "$(stat -c %u:%g to/here/d/f)" = 5:6 ]
	run -0 hull build -o type=tar,dest=out.tar ctx
	[[ "$output" == *CACHED* ]]
	[ "$(tar -tf out.tar | sort)" = $'d/\nd/f\nd/hello' ]
	[ "$(hull build -q -o - ctx | tar -xO d/hello)" = hello ]
	[ "$(hull images -q | wc -l)" -eq 1 ]
	run -0 hull build -q -t out -o type=docker,dest=archive ctx
	hull rmi out
	hull load -q -i archive
	[ "$(hull image inspect --format '{{len .RootFS.Layers}}' out)" = 1 ]
	run -125 hull build -o type=nothing ctx
	# What fails leaves no file.
	run -1 hull build -o type=tar,dest=none.tar -f - ctx <<<$'FROM test\nRUN false'
	[ ! -e none.tar ]
}

@test "scratch, and an image that only gets a new name" {
	build <<<$'FROM scratch\nCOPY hello /'
	[ "$status" -eq 0 ]
	[ "$(hull image inspect --format '{{len .RootFS.Layers}}' out)" = 1 ]
	hull save out | tar -xO --wildcards '*/layer.tar' 2>/dev/null | tar -t | grep -qx hello ||
		hull save out | tar -t >/dev/null
	build <<<$'FROM test'
	[ "$(hull image inspect --format '{{len .RootFS.Layers}}' out)" = 1 ]
}

@test "what is built can be saved and loaded elsewhere" {
	build <<<$'FROM test\nRUN rm -r /data/sub && mkdir /data/sub && echo new >/data/sub/n && rm /data/file'
	layer=$(hull image inspect --format '{{index .RootFS.Layers 1}}' out)
	hull save -o archive out
	export HULL_ROOT=$WORK/root2
	hull load -q -i archive
	[ "$(hull image inspect --format '{{index .RootFS.Layers 1}}' out)" = "$layer" ]
	[ "$(inside find /data)" = $'/data\n/data/sub\n/data/sub/n' ]
	[ "$(hull system check)" = "" ]
}

@test "a folder of many files, in a layer and by commit" {
	build <<<$'FROM test\nRUN mkdir /many && cd /many && seq 1000 | xargs touch'
	[ "$status" -eq 0 ]
	[ "$(inside ls /many | wc -l)" = 1000 ]
	hull run --name many test sh -c 'mkdir /many && cd /many && seq 1000 | xargs touch'
	hull commit many committed
	[ "$(hull run --rm committed ls /many | wc -l)" = 1000 ]
}

@test "two builds at the same time do not meet" {
	printf 'FROM test\nRUN cat /proc/sys/kernel/random/uuid >/a\nRUN cp /a /b\nRUN cmp /a /b\n' >ctx/Dockerfile
	pids=()
	for i in 1 2 3 4; do
		"$HULL" build -q -t out$i ctx >/dev/null 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for i in 1 2 3 4; do hull run --rm out$i cmp /a /b; done
	[ "$(hull system check)" = "" ]
}

@test "a killed build leaves nothing" {
	printf 'FROM test\nRUN echo started; sleep 1000\n' >ctx/Dockerfile
	"$HULL" build ctx 2>log 3>&- &
	pid=$!
	started_by_test $pid
	wait_for 10 grep -q started log
	kill -KILL $pid
	no_container() { [ -z "$(hull ps -aq)" ]; }
	wait_for 10 no_container
	hull system check --repair
	[ -z "$(find "$HULL_ROOT/layers" -maxdepth 1 -name '.stage-*')" ]
	[ "$(hull system check)" = "" ]
}

@test "a build that is killed with its guard: the next one removes its container, or system check" {
	printf 'FROM test\nRUN echo started; sleep 1000\n' >ctx/Dockerfile
	for how in check build; do
		"$HULL" build ctx 2>log 3>&- &
		pid=$!
		started_by_test $pid
		wait_for 10 grep -q ' started$' log
		guard=$(ps -o pid= --ppid $pid | head -1)
		kill -KILL "$guard" $pid
		# A process that is being killed holds its locks for a moment longer.
		wait $pid || true
		wait_for 10 eval '! kill -0 "$guard"'
		[ -n "$(hull ps -q)" ]
		if [ $how = check ]; then
			run -1 hull system check
			[[ "$output" == *"of a build that was killed"* ]]
			hull system check --repair
		else
			hull build -q -f - ctx <<<'FROM test'
		fi
		[ -z "$(hull ps -aq)" ]
		[ "$(hull system check)" = "" ]
	done
}

@test "image tree and diff, untag" {
	printf '%s\n' 'FROM test' 'RUN echo new >/data/new && rm /data/file && chmod 700 /data/sub' 'RUN echo more >/more' >ctx/Dockerfile
	hull build -q -t out ctx
	hull tag out again:v2
	run -0 hull image tree out
	assert_equal "Tags:     [again:v2, out:latest]" "${lines[1]}"
	assert_line '^├── ID: [0-9a-f]{12} Size: .*Top Layer of: \[test:latest\]$'
	assert_line '^├── ID: [0-9a-f]{12} Size: [0-9.]+k?B$'
	assert_line '^└── ID: [0-9a-f]{12} Size: 5B  Top Layer of: \[again:v2, out:latest\]$'
	run -0 hull image diff out
	assert_equal $'A /more' "$output"
	run -0 hull image diff out test
	assert_equal $'C /data\nD /data/file\nA /data/new\nC /data/sub\nA /more' "$output"
	run -0 hull image diff test out
	assert_line '^A /data/file$'
	assert_line '^D /more$'
	# Of one layer all is new.
	run -0 hull image diff test
	assert_line '^A /data/file$'
	assert_lacks "C /"
	run -1 hull image diff out none
	assert_has "No such image: none"

	run -1 hull untag out test
	assert_has "has no name test"
	run -0 hull untag out again:v2
	assert_equal "Untagged: again:v2" "$output"
	id=$(hull images -q out)
	run -0 hull untag out
	assert_equal "" "$(hull images -q out)"
	hull image inspect "$id" >/dev/null
	assert_equal "" "$(hull system check)"
}
