# SPDX-License-Identifier: Apache-2.0
# COPY and ADD: what goes where, with which owner and mode, and what cannot get out or in.

bats_require_minimum_version 1.5.0
load lib

setup() {
	hull_setup
	mkdir -p ctx/dir/sub
	echo hello >ctx/hello
	echo one >ctx/dir/one
	echo two >ctx/dir/sub/two
	chmod 750 ctx/dir/sub
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

# bats test_tags=fast,same
@test "destinations: a slash, a folder that is there, a new name, contents of folders" {
	build <<-'E'
		FROM test
		COPY hello /a
		COPY hello /new/deep/
		COPY hello /tmp
		COPY dir /d
		COPY dir /d2/
		COPY hello dir/one /many/
		WORKDIR /work
		COPY hello .
		COPY hello rel/name
		COPY --link hello /linked/
	E
	[ "$status" -eq 0 ]
	[ "$(inside cat /a /new/deep/hello /tmp/hello /work/hello /work/rel/name /linked/hello | sort -u)" = hello ]
	[ "$(inside find /d /d2 /many -type f | sort)" = $'/d/one\n/d/sub/two\n/d2/one\n/d2/sub/two\n/many/hello\n/many/one' ]
	[ "$(inside stat -c '%a %u:%g' /new /new/deep /d/sub /d/one /tmp)" = \
		$'755 0:0\n755 0:0\n750 0:0\n644 0:0\n1777 0:0' ]
	build <<<$'FROM test\nCOPY hello dir/one /many'
	[ "$status" -eq 1 ]
	[[ "$output" == *"the destination must be a directory and end with a /"* ]]
}

# That of a tar is made for it, and only root's to see.
@test "the context's own folder is 0755 where it is copied or mounted, whatever it is" {
	chmod 700 ctx
	cat >ctx/Dockerfile <<-'E'
		FROM test
		COPY . /c
		COPY --chmod=u=rwx,go= . /own
		COPY dir/sub /sub
		USER 1000
		RUN --mount=type=bind,target=/m ls /c/hello /m/hello /m/dir
	E
	tar -C ctx -cf tar hello dir Dockerfile
	tar -C ctx -cf tar.dot .
	for how in "ctx" "- tar" "- tar.dot"; do
		# shellcheck disable=SC2086 # words
		hull build --no-cache -q -t out ${how%% *} <"${how##* }"
		[ "$(inside stat -c '%a %u:%g' /c /own /sub | xargs)" = '755 0:0 700 0:0 750 0:0' ]
	done 2>&1
}

@test "times, modes and links of files are kept; owners are root's" {
	touch -d '2001-02-03 04:05:06' ctx/hello
	chown 1:2 ctx/dir/one
	chmod 4751 ctx/dir/one
	ln -s ../hello ctx/dir/link
	ln -s hello ctx/direct
	build <<<$'FROM test\nCOPY . /c/\nCOPY direct /followed'
	[ "$(inside stat -c '%Y' /c/hello)" = "$(stat -c %Y ctx/hello)" ]
	[ "$(inside stat -c '%a %u:%g' /c/dir/one)" = '4751 0:0' ]
	[ "$(inside readlink /c/dir/link)" = ../hello ]
	[ "$(inside readlink /c/direct)" = hello ]
	[ "$(inside stat -c '%F' /followed)" = 'regular file' ]
}

@test "--chown by number and name, --chmod in both forms" {
	build <<-'E'
		FROM test
		COPY --chown=12 hello /a
		COPY --chown=user hello /b/c
		COPY --chown=user:audio --chmod=0600 hello /d
		COPY --chmod=u=rwX,go=rX dir /e
		COPY --chown=5:6 dir /f
		ARG who=7:8
		COPY --chown=$who hello /g
	E
	[ "$status" -eq 0 ]
	[ "$(inside stat -c '%a %u:%g' /a /b /b/c /d /e/sub /e/one /f/sub/two /g)" = \
		$'644 12:12\n755 1000:1001\n644 1000:1001\n600 1000:29\n755 0:0\n644 0:0\n644 5:6\n644 7:8' ]
	build <<<$'FROM test\nCOPY --chown=nobodyhere hello /a'
	[[ "$output" == *"unable to find user nobodyhere"* ]]
	build <<<$'FROM test\nCOPY --chmod=999 hello /a'
	[[ "$output" == *"invalid chmod parameter: '999'"* ]]
}

@test "wildcards, --exclude, --parents" {
	touch ctx/a.c ctx/b.c ctx/c.h ctx/dir/d.c
	build <<-'E'
		FROM test
		COPY *.c /c/
		COPY [a-b]?[c] /d/
		COPY --exclude=*.c --exclude=dir . /e/
		COPY --parents dir/sub/two dir/*.c /p/
		COPY --parents dir/./sub /q/
		# Of what is below each source, whose own name is none of it; of a file its name.
		COPY --exclude=sub dir /below/
		COPY --exclude=*.c d* ?.? hel* /matched/
		COPY --exclude=dir/sub . /deep/
		COPY --exclude=* --exclude=!*.c dir /back/
		COPY --parents --exclude=dir/sub dir /r/
		COPY --parents --exclude=sub/two dir/./sub dir/./one /s/
	E
	[ "$status" -eq 0 ]
	[ "$(inside find /c /d /p /q -type f | sort)" = $'/c/a.c\n/c/b.c\n/d/a.c\n/d/b.c\n/p/dir/d.c\n/p/dir/sub/two\n/q/sub/two' ]
	[ "$(inside find /e -type f | sort)" = $'/e/Dockerfile\n/e/c.h\n/e/hello' ]
	[ "$(inside find /below /matched /back /r /s -type f | sort)" = \
		"$(printf '%s\n' /below/one /below/d.c /matched/c.h /matched/one /matched/sub/two /matched/hello /back/d.c /r/dir/d.c /r/dir/one /s/one | sort)" ]
	run ! inside test -e /deep/dir/sub
	inside test -e /deep/dir/one
	build <<<$'FROM test\nCOPY *.none /'
	[ "$status" -eq 1 ]
	[[ "$output" == *'"/*.none": not found'* ]]
}

# bats test_tags=fast,same
@test ".dockerignore; one for a Dockerfile alone; what is ignored cannot be copied" {
	mkdir -p ctx/node_modules/x ctx/keep
	touch ctx/node_modules/x/y ctx/a.log ctx/b.log ctx/keep/in ctx/keep/out
	printf '# c\nnode_modules\n*.log\n!b.log\nkeep\n!keep/in\nDockerfile\n.dockerignore\n' >ctx/.dockerignore
	build <<<$'FROM test\nCOPY . /c'
	[ "$(inside find /c -type f | sort)" = $'/c/b.log\n/c/dir/one\n/c/dir/sub/two\n/c/hello\n/c/keep/in' ]
	build <<<$'FROM test\nCOPY a.log /'
	[ "$status" -eq 1 ]
	[[ "$output" == *'"/a.log": not found'*".dockerignore excludes it"* ]]
	# A link does not get around it.
	ln -s node_modules/x/y ctx/way
	build <<<$'FROM test\nCOPY way /'
	[ "$status" -eq 1 ]
	# A change of what is ignored is none.
	rm ctx/way
	build <<<$'FROM test\nCOPY . /c'
	echo more >>ctx/a.log
	build <<<$'FROM test\nCOPY . /c'
	[[ "$output" == *CACHED* ]]
	printf 'FROM test\nCOPY . /c\n' >other
	echo '*' >other.dockerignore
	echo '!hello' >>other.dockerignore
	run -0 hull build -q -t out -f other ctx
	[ "$(inside find /c -type f)" = /c/hello ]
	# With a context on standard input none but its own files count.
	cp other ctx/
	tar -C ctx -c . | hull build -q -t out -f other -
	[ "$(inside find /c -type f | wc -l)" -gt 1 ]
	[ -z "$(inside find /c -name a.log)" ]
	printf '*\n!b.log\n' >ctx/other.dockerignore
	tar -C ctx -c . | hull build -q -t out -f other -
	[ "$(inside find /c -type f)" = /c/b.log ]
}

@test "links cannot leave the context, nor the tree that is written to" {
	echo secret >canary
	ln -s "$WORK/canary" ctx/absolute
	ln -s ../canary ctx/up
	ln -s .. ctx/parent
	for source in absolute up parent/canary ../canary ./../../canary; do
		build <<<$'FROM test\nCOPY '"$source"' /stolen'
		[ "$status" -eq 1 ]
		[[ "$output" == *"not found"* ]]
	done
	ln -s canary ctx/Dockerfile.link
	run -1 hull build -f ctx/Dockerfile.link ctx
	# Nor those of a stage or an image.
	for source in absolute up parent/canary ../canary; do
		build <<-E
			FROM test AS evil
			WORKDIR /evil
			RUN ln -s $WORK/canary absolute && ln -s ../../../../../../$WORK/canary up && ln -s $WORK parent
			FROM test
			COPY --from=evil /evil/$source /stolen
		E
		[ "$status" -eq 1 ]
		[[ "$output" == *"not found"* ]]
	done
	mkdir victim
	build <<-E
		FROM test
		RUN ln -s $WORK/victim /out && ln -s ../../../../../../$WORK/victim /up && ln -s /data /inside
		COPY hello /out/
		COPY dir /up/
		COPY hello /inside/
	E
	[ -z "$(ls victim)" ]
	[ "$status" -ne 0 ] || [ "$(inside cat /data/hello)" = hello ]
}

@test "a link to a folder of the tree is followed, a link to a file replaced" {
	build <<-'E'
		FROM test
		RUN ln -s /data /inside && ln -s /data/file /link && mkdir /there && echo x >/there/one
		COPY hello /inside/
		COPY hello /link
		COPY dir /there
	E
	[ "$status" -eq 0 ]
	[ "$(inside cat /data/hello /data/file /link /there/one)" = $'hello\nfrom the image\nhello\none' ]
	build <<<$'FROM test\nRUN mkdir /x\nCOPY dir/one /x/../x\nCOPY hello /x/one/'
	[ "$status" -eq 1 ]
}

@test "here-documents: expanded, quoted, with an owner" {
	build <<-'E'
		FROM test
		ENV V=value
		COPY --chown=1:2 --chmod=700 <<A <<"B" /h/
		a $V "${NONE:-x}" \$V
		A
		b $V
		B
		COPY <<EOF /single
		text
		EOF
	E
	[ "$status" -eq 0 ]
	[ "$(inside cat /h/A /h/B /single)" = $'a value "x" $V\nb $V\ntext' ]
	[ "$(inside stat -c '%a %u:%g' /h/A)" = '700 1:2' ]
}

@test "ADD, import, load and - take what xz and bzip2 packed; what is packed and no archive is copied" {
	tar -C ctx -cf ctx/t.tar dir
	xz -k ctx/t.tar
	bzip2 -k ctx/t.tar
	(xz -c ctx/dir/one; xz -c ctx/dir/one) >ctx/one.xz
	gzip -c ctx/dir/one >ctx/one.gz
	build <<<$'FROM test\nADD t.tar.xz /x/\nADD t.tar.bz2 /b/\nADD one.gz /plain\nADD one.xz one.gz /two/'
	[ "$status" -eq 0 ]
	[ "$(inside cat /x/dir/sub/two /b/dir/one)" = $'two\none' ]
	inside cat /plain | cmp - ctx/one.gz
	inside cat /two/one.xz | cmp - ctx/one.xz
	inside cat /two/one.gz | cmp - ctx/one.gz
	hull save test | xz >test.tar.xz
	hull save test | bzip2 >test.tar.bz2
	for file in test.tar.*; do
		run -0 hull load -i "$file"
		assert_has "Loaded image: test:latest"
	done
	# Several streams are one; one that ends early, or another byte in it, is told.
	(head -c 5000 ctx/t.tar | xz; tail -c +5001 ctx/t.tar | xz) >two.xz
	(head -c 5000 ctx/t.tar | bzip2; tail -c +5001 ctx/t.tar | bzip2) >two.bz2
	for file in two.xz two.bz2; do
		hull import "$file" "im:$file"
		hull create --name from "im:$file" x
		[ "$(hull cp from:/dir/one - | tar -xO)" = one ]
		hull rm from
		head -c -9 "$file" >cut
		run -1 hull import cut im:cut
		assert_has "it is cut short"
		cp "$file" bad
		printf 'XXXX' | dd of=bad bs=1 seek=100 conv=notrunc status=none
		run -1 hull import bad im:bad
		assert_has "damaged $(sed s/two.// <<<"${file/bz2/bzip2}")"
	done
	xz -9 -c ctx/t.tar >nine.xz
	run -1 hull import nine.xz im:nine
	assert_has "pack it with xz -7 or less"
	tar -C ctx -cJf context dir Dockerfile t.tar.xz t.tar.bz2 one.gz one.xz
	hull build --no-cache -q -t out - <context
	[ "$(inside cat /x/dir/one)" = one ]
}

@test "ADD unpacks archives, by what is in them; COPY does not" {
	tar -C ctx -czf ctx/a.tgz dir
	cp ctx/a.tgz ctx/named.txt
	echo plain >ctx/b.tar
	zstd -qc <(gzip -dc ctx/a.tgz) >ctx/z
	build <<<$'FROM test\nADD a.tgz b.tar /a/\nADD z /z/\nADD --chown=3:4 named.txt /n/\nCOPY a.tgz /c/\nADD --unpack=false a.tgz /u/'
	[ "$status" -eq 0 ]
	[ "$(inside find /a /n /c /u /z -type f | sort)" = \
		$'/a/b.tar\n/a/dir/one\n/a/dir/sub/two\n/c/a.tgz\n/n/dir/one\n/n/dir/sub/two\n/u/a.tgz\n/z/dir/one\n/z/dir/sub/two' ]
	[ "$(inside stat -c %u:%g /n/dir/one)" = 3:4 ]
	build <<<$'FROM test\nADD --chmod=600 --chown=1:2 --exclude=sub --link dir hello /x/'
	[ "$(inside find /x -type f | sort)" = $'/x/hello\n/x/one' ]
	[ "$(inside stat -c '%a %u:%g' /x/hello)" = '600 1:2' ]
	for source in http://a.test/x https://a.test/b.git#v1:d git@a.test:b.git git://a.test/b ssh://git@a.test/b; do
		build <<<$'FROM test\nADD '"$source"$' /x'
		[ "$status" -eq 1 ]
		[[ "$output" == *"ADD $source: hull fetches nothing from the network"* ]]
	done
	build <<<$'FROM test\nADD --checksum=sha256:00 hello /x'
	[[ "$output" == *"ADD --checksum: it is for URLs and git"* ]]
	for source in https://a.test/b.git git@a.test:b.git http://a.test/c.tar; do
		run -1 hull build "$source"
		[[ "$output" == *"clone or unpack it first"* ]]
	done
}

@test "special files, sparse files, names that are odd" {
	mkfifo ctx/fifo
	truncate -s 10M ctx/sparse
	touch $'ctx/two\nlines' 'ctx/blank name'
	build <<<$'FROM test\nCOPY . /c/\nCOPY ["blank name", "/quoted name"]'
	[ "$status" -eq 0 ]
	inside test -p /c/fifo
	[ "$(inside stat -c %s /c/sparse)" = 10485760 ]
	inside test -e $'/c/two\nlines'
	inside test -e '/quoted name'
}

# File by file, with what buildah makes of the same: name, type, mode, owner, size, link, content.
listing() {
	(cd "$1" && find . -mindepth 1 -not -path './proc*' -not -path './sys*' -not -path './dev*' -not -path './etc/host*' \
		-not -path './etc/resolv.conf' -not -path './run*' -printf '%P %y %m %U:%G %l ' \
		\( -type f -printf '%s ' -exec md5sum {} \; -o -printf '\n' \) | sed "s| \./.*||" | sort)
}

@test "buildah makes the same files of it" {
	command -v buildah >/dev/null || skip "no buildah"
	# The environment of the tests of registries names a file that is not there.
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG
	store=(--root "$WORK/buildah" --runroot "$WORK/buildahrun" --storage-driver vfs)
	mkdir -p ctx/src/a/b
	touch ctx/src/x.c ctx/src/a/y.c ctx/src/a/b/z.c
	ln -s a/b ctx/src/link
	tar -C ctx -cf ctx/archive.tar src
	printf '*.o\nsecret\n!secret/but\n' >ctx/.dockerignore
	mkdir ctx/secret
	touch ctx/secret/but ctx/secret/not ctx/x.o
	cat >ctx/Dockerfile <<-'E'
		FROM scratch AS base
		ADD rootfs.tar /
		ENV V=1
		WORKDIR /work/deep
		COPY hello .
		COPY src /src
		COPY --chown=1000:1001 dir/one dir/sub/two /two/
		ADD archive.tar /unpacked/
		COPY . /all/
		RUN echo "$V" >file && chmod 640 file && rm -r /data/sub && ln -s file link && chown 3:4 file
		FROM base AS builder
		RUN mkdir /built && echo built >/built/it && chown 5:6 /built/it
		FROM base
		COPY --from=builder /built /from/
		COPY --from=builder /built/it /from-file
		USER user
		RUN id >/tmp/id
	E
	tar -C "$ROOTFS" -cf ctx/rootfs.tar .
	run -0 hull build -q -t out ctx
	run -0 buildah "${store[@]}" bud -q --isolation chroot --pull-never -t out ctx
	id=$(hull create out /bin/true)
	mkdir ours
	hull export "$id" | tar -x -C ours
	theirs=$(buildah "${store[@]}" from --pull-never out)
	mounted=$(buildah "${store[@]}" mount "$theirs")
	listing ours >ours.list
	listing "$mounted" >theirs.list
	buildah "${store[@]}" umount "$theirs" >/dev/null
	buildah "${store[@]}" rm "$theirs" >/dev/null
	diff ours.list theirs.list
}
