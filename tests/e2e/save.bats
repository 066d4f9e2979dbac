#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull save: what comes out can be loaded, by hull and by others, and is the same image.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# elsewhere COMMAND...: with a --root of its own.
elsewhere() {
	HULL_ROOT=$WORK/root2 HULL_RUNROOT=$WORK/run2 "$@"
}

# An image of two layers with all that a layer can hold.
make_two() {
	hull run --name maker test sh -c '
		echo new >/new; ln /new /twin; ln -s new /link; mkfifo /fifo; mknod /null c 1 3
		rm /data/file; rm -rf /data/sub; mkdir /data/sub; echo y >/data/sub/y
		chmod 4711 /probe; chown 5:6 /new; touch -d "2001-02-03 04:05:06" /new
		dd if=/dev/zero of=/hole bs=1k count=1 seek=1000 2>/dev/null'
	hull commit maker two:v1 >/dev/null
	hull rm maker >/dev/null
}

# tree IMAGE: every name with type, mode, owner, time and target, and what is in the files. Which of two
# names of a file is the link depends on the order they are read in.
tree() {
	hull create --name tree "$1" true >/dev/null
	hull export -o "tree.$BASHPID" tree
	hull rm tree >/dev/null
	python3 - "tree.$BASHPID" <<-'EOP'
		import hashlib, sys, tarfile
		t = tarfile.open(sys.argv[1])
		for m in sorted(t.getmembers(), key=lambda m: m.name):
		    if m.name.lstrip("./") in ("", "etc", "dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf"):
		        continue
		    data = t.extractfile(m) if m.isfile() or m.islnk() else None
		    print(m.name, "file" if data else m.type, oct(m.mode), m.uid, m.gid, int(m.mtime),
		          m.linkname if m.issym() else "", data and hashlib.sha256(data.read()).hexdigest())
	EOP
}

field() {
	tar -xOf "$1" "$2" | python3 -c "import json, sys; d = json.load(sys.stdin); print($3)"
}

@test "save: loaded elsewhere it is the same tree, and saved again the same bytes" {
	make_two
	hull tag two:v1 two:v2
	hull save -o one.tar two:v1 two:v2
	elsewhere hull load -i one.tar
	[ "$(elsewhere hull images --format '{{.Repository}}:{{.Tag}}' | sort | xargs)" = 'two:v1 two:v2' ]
	tree two:v1 >here
	grep -q '^hole file 0o644 0 0 ' here
	elsewhere tree two:v1 | diff here -
	elsewhere hull save two >two.tar
	cmp one.tar two.tar
	# The config tells the digests of what is really in the archive, and is the image's id.
	[ "$(elsewhere hull image inspect -f '{{.Id}}' two:v1)" = \
		"sha256:$(field one.tar manifest.json 'd[0]["Config"].split("/")[2]')" ]
	local layer
	for layer in $(field one.tar manifest.json '" ".join(d[0]["Layers"])'); do
		[ "$(tar -xOf one.tar "$layer" | sha256sum | cut -d ' ' -f 1)" = "${layer##*/}" ]
	done
	[ "$(hull image inspect -f '{{json .Config}}' two:v1)" = "$(elsewhere hull image inspect -f '{{json .Config}}' two:v1)" ]
	# From a pipe, into the same store: nothing is new.
	hull save two | elsewhere hull load
	[ "$(elsewhere hull images -q | sort -u | wc -l)" = 1 ]
}

# ids [IMAGE]: its id and those of its layers.
ids() {
	hull image inspect -f '{{.Id}} {{json .RootFS.Layers}}' "$1"
}

@test "save: what was imported, built, committed is loaded with the same id, and shares its base" {
	local image base before
	hull run --name maker test sh -c 'echo new >/new; ln /new /twin; rm /data/file; touch -d @86400 /new'
	hull commit maker committed >/dev/null
	hull rm maker >/dev/null
	mkdir context
	echo hello >context/file
	ln context/file context/twin
	truncate -s 1M context/hole
	setfattr -n user.b -v 2 context/file 2>/dev/null && setfattr -n user.a -v 1 context/file
	printf '%s\n' 'FROM test' 'COPY . /copied/' 'RUN rm -r /data; mkdir /data; echo y >/data/y' >context/Dockerfile
	hull build -q -t built context >/dev/null
	base=$(ids test)
	hull save test | elsewhere hull load -q
	[ "$(elsewhere ids test)" = "$base" ]
	for image in built committed; do
		before=$(ids $image)
		[[ $before == *"$(hull image inspect -f '{{index .RootFS.Layers 0}}' test)"* ]]
		hull save -o a.tar $image
		# What was read meanwhile counts for nothing.
		find "$HULL_ROOT/layers" -exec touch -a -h {} +
		hull save $image | cmp a.tar -
		elsewhere hull load -q -i a.tar
		[ "$(elsewhere ids $image)" = "$before" ]
		elsewhere hull save $image | cmp a.tar -
		hull rmi $image >/dev/null
		hull load -q -i a.tar
		[ "$(ids $image)" = "$before" ]
	done
	# The base, and two layers of the build, and one of the commit.
	[ "$(elsewhere find "$WORK/root2/layers" -mindepth 1 -maxdepth 1 | wc -l)" = 4 ]
}

@test "save: a layer that came from elsewhere is the same tar again, whoever made it" {
	[ "$(uname -m)" = x86_64 ] || skip "the archive is for amd64"
	python3 - <<-'EOP'
		import hashlib, io, json, os, tarfile
		def info(name, **more):
		    i = tarfile.TarInfo(name)
		    for key, value in more.items():
		        setattr(i, key, value)
		    return i
		def tar(members, format):
		    b = io.BytesIO()
		    with tarfile.open(fileobj=b, mode="w", format=format) as t:
		        for i, data in members:
		            i.size = len(data)
		            t.addfile(i, io.BytesIO(data))
		    return b.getvalue()
		many = [(info("d/f%d" % n, uname="me", mtime=n + .25), b"x" * n * 37) for n in range(200)]
		long = [(info("l" * 90 + "/" + "n" * 200, pax_headers={"SCHILY.xattr.user.k": "v", "comment": "c"}), b"1" * 700000)]
		link = [(info("first"), b"2"), (info("second", type=tarfile.LNKTYPE, linkname="first"), b""),
		        (info(".wh.gone"), b""), (info("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), b"")]
		# Headers cross the blocks that a layer is read in, of which there are more than are kept at a time.
		crowd = [(info("c/%05d" % n), os.urandom(n * 7919 % 9001)) for n in range(3000)]
		twice = [(info("same"), b"old"), (info("same"), b"new"), (info("folder"), b"old"),
		         (info("folder", type=tarfile.DIRTYPE), b""), (info("node"), b"old"),
		         (info("node", type=tarfile.CHRTYPE, devmajor=1, devminor=3), b"")]
		layers = [tar(many, tarfile.GNU_FORMAT), tar(long, tarfile.PAX_FORMAT) + b"\0" * 5000 + b"after the end",
		          tar(link, tarfile.USTAR_FORMAT)]
		def image(name, layers, file):
		    ids = ["sha256:" + hashlib.sha256(x).hexdigest() for x in layers]
		    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"]}, "odd": 1,
		                         "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
		    names = ["%d.tar" % n for n in range(len(layers))]
		    manifest = json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": names}]).encode()
		    parts = [("c.json", config), *zip(names, layers), ("manifest.json", manifest)]
		    open(file, "wb").write(tar([(info(n), d) for n, d in parts], tarfile.PAX_FORMAT))
		image("foreign:1", layers, "in.tar")
		open("crowd.tar", "wb").write(tar(crowd, tarfile.USTAR_FORMAT))
		image("twice:1", [tar(twice, tarfile.PAX_FORMAT)], "twice.tar")
	EOP
	hull load -q -i in.tar
	hull save -o out.tar foreign:1
	elsewhere hull load -q -i out.tar
	ids foreign:1 >here
	elsewhere ids foreign:1 | diff here -
	hull import crowd.tar crowd >/dev/null
	hull save crowd | elsewhere hull load -q
	ids crowd >here
	elsewhere ids crowd | diff here -
	# A tar that has a name twice is no tree: it comes out as what the tree is.
	hull load -q -i twice.tar
	hull save twice:1 | elsewhere hull load -q
	[ "$(ids twice:1)" != "$(elsewhere ids twice:1)" ]
	hull create --name tree twice:1 >/dev/null
	[ "$(hull cp tree:/same - | tar -xO)" = new ]
	hull export tree | tar -tv | grep -q '^crw.* 1,3 .* node$'
	hull export tree | tar -tv | grep -q '^d.* folder/$'
	hull rm tree >/dev/null
}

@test "save: by name, by a name without a tag, by id, several, and each layer once" {
	make_two
	hull tag two:v1 two:v2
	hull save -o a.tar two:v2
	[ "$(field a.tar manifest.json 'd[0]["RepoTags"]')" = "['two:v2']" ]
	hull save -o a.tar two
	[ "$(field a.tar manifest.json 'd[0]["RepoTags"]')" = "['two:v1', 'two:v2']" ]
	hull save -o a.tar "$(hull images -q two:v1 | head -n 1)"
	[ "$(field a.tar manifest.json 'len(d), d[0]["RepoTags"]')" = '1 None' ]
	hull save -o a.tar test two:v1 test:latest
	[ "$(field a.tar manifest.json 'len(d)')" = 2 ]
	[ "$(tar -tf a.tar | sort | uniq -d)" = '' ]
	[ "$(field a.tar index.json '[m["annotations"]["io.containerd.image.name"] for m in d["manifests"]]')" = \
		"['docker.io/library/test:latest', 'docker.io/library/two:v1']" ]
	[ "$(field a.tar oci-layout 'd["imageLayoutVersion"]')" = 1.0.0 ]
}

@test "save: a layer that hides all that is below it does so afterwards" {
	python3 - <<-'EOP'
		import hashlib, io, json, tarfile
		def tar(members):
		    b = io.BytesIO()
		    with tarfile.open(fileobj=b, mode="w") as t:
		        for name, data in members:
		            i = tarfile.TarInfo(name)
		            i.size = len(data)
		            t.addfile(i, io.BytesIO(data))
		    return b.getvalue()
		layers = [tar([("old", b"1"), ("d/gone", b"2")]), tar([(".wh..wh..opq", b""), ("new", b"3")])]
		ids = ["sha256:" + hashlib.sha256(x).hexdigest() for x in layers]
		config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"]},
		                     "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
		manifest = json.dumps([{"Config": "c.json", "RepoTags": ["hides:1"], "Layers": ["0.tar", "1.tar"]}])
		open("in.tar", "wb").write(tar([("c.json", config), ("0.tar", layers[0]), ("1.tar", layers[1]),
		                                ("manifest.json", manifest.encode())]))
	EOP
	[ "$(uname -m)" = x86_64 ] || skip "the archive is for amd64"
	hull load -i in.tar
	hull save hides:1 | elsewhere hull load
	elsewhere hull create --name hides hides:1 >/dev/null
	[ "$(elsewhere hull export hides | tar -t | grep -x 'new\|old\|d/.*')" = new ]
	elsewhere hull rm hides
}

@test "save: skopeo and podman read it" {
	command -v skopeo >/dev/null || skip "there is no skopeo"
	make_two
	hull save -o a.tar two:v1
	skopeo --insecure-policy copy docker-archive:a.tar:two:v1 dir:one
	skopeo --insecure-policy copy oci-archive:a.tar:v1 dir:two
	cmp one/version two/version
	command -v podman >/dev/null || skip "there is no podman"
	podman --root "$WORK/pod" --runroot "$WORK/podrun" --storage-driver vfs load -i a.tar
	[ "$(podman --root "$WORK/pod" --runroot "$WORK/podrun" --storage-driver vfs images -q --no-trunc)" = \
		"sha256:$(field a.tar manifest.json 'd[0]["Config"].split("/")[2]')" ]
}

@test "save: through podman and buildah and back it is the same image" {
	command -v podman >/dev/null && command -v buildah >/dev/null || skip "there is no podman, or no buildah"
	local store="--root $WORK/pod --runroot $WORK/podrun --storage-driver vfs" id from
	make_two
	hull save -o a.tar two:v1
	id=$(elsewhere hull load -q -i a.tar >/dev/null && elsewhere hull images -q --no-trunc two:v1)
	elsewhere hull rmi two:v1
	podman $store load -q -i a.tar
	podman $store save -q --format docker-archive -o podman.tar two:v1
	env -u DOCKER_CONFIG buildah $store push -q two:v1 oci-archive:buildah.tar:two:v1
	for from in podman buildah; do
		elsewhere hull load -q -i $from.tar
		[ "$(elsewhere hull images -q --no-trunc)" = "$id" ]
		elsewhere hull rmi two:v1
	done
}

@test "save: what is refused leaves what was there" {
	echo kept >out.tar
	run hull save -o out.tar test nosuch
	[ "$status" = 1 ]
	[[ $output == *"No such image: nosuch"* ]]
	run hull save -o out.tar --platform linux/s390x test
	[ "$status" = 1 ]
	[[ $output == *"does not provide the specified platform (linux/s390x)"* ]]
	run hull save -o "$WORK" test
	[ "$status" = 1 ]
	[ "$(cat out.tar)" = kept ]
	[ -z "$(find . -maxdepth 1 -name '*.hull-*')" ]
	run hull save -o /dev/full test
	[ "$status" = 1 ]
	run bash -c "'$HULL' save test >/dev/full"
	[ "$status" = 1 ]
	[[ $output == *"cannot write the archive: No space left on device"* ]]
	[ -z "$(find "$HULL_ROOT/layers" -maxdepth 1 -type f)" ]
}
