# SPDX-License-Identifier: Apache-2.0
# The image store: archives that other tools write, hostile ones, kills at any moment, several loads at
# once. Runs tests/helpers/image_tool, which is the store without an engine:
#
#     IMAGE_TOOL=... HULL_BIN_DIR=... bats tests/e2e/image.bats
#
# Built here when IMAGE_TOOL is not given. HULL_BIN_DIR (build/bin) holds hull-unpack.

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
HULL_BIN_DIR=$(realpath "${HULL_BIN_DIR:-$TOP/build/bin}")
export LC_ALL=C.UTF-8

# The archives are made once, by the tools that this machine has.
setup_file() {
	export CACHE=$BATS_FILE_TMPDIR TOOL=${IMAGE_TOOL:-$HULL_BIN_DIR/../tests/image-tool}
	mkdir -p "$CACHE/tree"/{bin,etc,tmp}
	chmod 1777 "$CACHE/tree/tmp"
	cp "$(command -v busybox)" "$CACHE/tree/bin/busybox"
	chmod 4755 "$CACHE/tree/bin/busybox"
	ln "$CACHE/tree/bin/busybox" "$CACHE/tree/bin/sh"
	ln -s busybox "$CACHE/tree/bin/ls"
	echo "root:x:0:0::/:/bin/sh" >"$CACHE/tree/etc/passwd"
	chown 7:8 "$CACHE/tree/etc/passwd"
	printf 'e\xcc\x81' >"$CACHE/tree/"$'e\xcc\x81' # decomposed: must not be normalised
	head -c 3000000 /dev/urandom >"$CACHE/tree/random"
	if command -v buildah >/dev/null; then
		make_buildah >/dev/null 2>&1 3>&-
	fi
}

# An image of two layers, in all the forms that buildah and skopeo write.
make_buildah() {
	local b="buildah --root $CACHE/b --runroot $CACHE/br --storage-driver vfs" c
	c=$($b from scratch) || return 1
	$b copy "$c" "$CACHE/tree" / && $b config --cmd '["/bin/sh"]' --env A=1 "$c" &&
		$b commit "$c" localhost/first && $b rm "$c" || return 1
	c=$($b from localhost/first) || return 1
	rm -rf "$CACHE/m"
	$b run --isolation chroot "$c" -- /bin/busybox rm /etc/passwd
	$b copy "$c" "$CACHE/tree/etc/passwd" /new && $b commit "$c" localhost/second || return 1
	$b push localhost/second "docker-archive:$CACHE/docker.tar:second:1"
	$b push localhost/second "oci-archive:$CACHE/oci.tar:second:1"
	$b push localhost/second "oci:$CACHE/layout:second:1"
	! command -v skopeo >/dev/null ||
		skopeo copy --dest-compress-format zstd --dest-oci-accept-uncompressed-layers=false \
			"oci:$CACHE/layout:second:1" "oci-archive:$CACHE/zstd.tar:second:1"
	$b rm --all
}

setup() {
	ROOT=$BATS_TEST_TMPDIR/root
	cd "$BATS_TEST_TMPDIR" || return 1
}

store() { "$TOOL" "$ROOT" "$HULL_BIN_DIR" "$@" 3>&-; }

# Everything of the store that a user can rely on.
state() {
	find "$ROOT/layers" -mindepth 1 -printf '%P %y %m %s\n' 2>/dev/null | sort
	store list
}

# Whatever names it has.
remove_all() {
	for id in $(store list | cut -d' ' -f1); do store rmi-force "$id" >/dev/null; done
}

need() {
	[ -e "$CACHE/$1" ] || skip "$1 could not be made with the tools here"
}

@test "import: contents, owners, modes, links, times are those of the tar" {
	tar -C "$CACHE/tree" --format=pax -c . | store import t:1
	layer=$(store layers t:1)
	diff -r --no-dereference "$CACHE/tree" "$layer"
	stats='%P %y %m %U %G %s %n %T@ %l\n'
	diff <(cd "$CACHE/tree" && find . -printf "$stats" | sort) \
		<(cd "$layer" && find . -printf "$stats" | sort)
}

@test "import: gzip and zstd from a pipe give the same layer" {
	tar -C "$CACHE/tree" -c . >plain.tar
	store import t:1 <plain.tar
	gzip -c plain.tar | store import t:2
	zstd -qc plain.tar | store import t:3 || skip "no zstd"
	[ "$(store layers t:1)" = "$(store layers t:2)" ]
	[ "$(store layers t:1)" = "$(store layers t:3)" ]
}

@test "load: docker-archive and OCI, from file, pipe, gzip and folder: one and the same image" {
	need docker.tar
	need oci.tar
	store load "$CACHE/docker.tar" | grep -qx 'Loaded image: second:1'
	trees=$(store layers second:1)
	for how in "store load $CACHE/oci.tar" "store load $CACHE/layout" \
		"cat $CACHE/docker.tar | store load -" "cat $CACHE/oci.tar | store load -" \
		"gzip -c $CACHE/oci.tar | store load -" "store load $CACHE/zstd.tar"; do
		[[ $how != *zstd* || -e $CACHE/zstd.tar ]] || continue
		remove_all
		[ -z "$(ls "$ROOT/layers")" ]
		eval "$how"
		[ "$(store layers second:1)" = "$trees" ]
	done
	top=$(head -1 <<<"$trees")
	[ -e "$top/new" ]
	store check | diff /dev/null -
	store config second:1 | grep -q '"A=1"'
}

@test "load: what is there already is not unpacked again" {
	need oci.tar
	store load "$CACHE/oci.tar"
	before=$(state)
	PROGRESS=1 run store load "$CACHE/oci.tar"
	[ "$status" = 0 ]
	[[ $output != *"finished"$'\n'* && $output == *existed* ]]
	[ "$(state)" = "$before" ]
}

# The same archive with one byte of its largest blob changed.
tamper() {
	mkdir tampered && tar -C tampered -xf "$1"
	blob=$(find tampered/blobs -type f -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2)
	printf '\xff' | dd of="$blob" bs=1 seek=5000 conv=notrunc status=none
	tar -C tampered -cf "$2" .
}

@test "load: a blob that was tampered with is refused, even when the store has the layer" {
	need oci.tar
	store load "$CACHE/oci.tar"
	before=$(state)
	tamper "$CACHE/oci.tar" bad.tar
	for how in "load bad.tar" "load tampered" "load - <bad.tar"; do
		run eval "store $how"
		echo "$output"
		[ "$status" = 1 ]
		[[ $output == *sha256* ]]
		[ "$(state)" = "$before" ]
	done
}

@test "load: an archive that is cut short is refused, also where nothing but its checksum is missing" {
	need oci.tar
	gzip -c "$CACHE/oci.tar" >whole.gz
	zstd -q -o whole.zst "$CACHE/oci.tar"
	before=$(state)
	for whole in "$CACHE/oci.tar" whole.gz whole.zst; do
		for left in $(stat -c %s "$whole"); do
			for less in 4 $((left / 3)) $((left - 700)); do
				# The mark of a tar's end is all that its last kilobytes are.
				[ "$whole" != "$CACHE/oci.tar" ] || less=$((less + 12000))
				((less < left)) || continue
				head -c $((left - less)) "$whole" >short
				for how in "load short" "load - <short" "load - < <(cat short)"; do
					run eval "store $how"
					echo "$whole less $less, $how: $output"
					[ "$status" = 1 ]
					[ "$(state)" = "$before" ]
				done
			done
		done
	done
}

@test "import: a bomb of zeros is refused at the ratio, from a file and a pipe" {
	python3 -c 'import sys, tarfile
t = tarfile.TarInfo("zeros")
t.size = 1100 << 20
sys.stdout.buffer.write(t.tobuf())
for _ in range(1100): sys.stdout.buffer.write(bytes(1 << 20))' | gzip >bomb.tar.gz
	for how in "<bomb.tar.gz" "< <(cat bomb.tar.gz)"; do
		run eval "store import bomb:1 $how"
		echo "$output"
		[ "$status" = 1 ]
		[[ $output == *"times its packed size"* ]]
		[ -z "$(ls -A "$ROOT/layers")" ]
	done
}

@test "load: two and more at once give one whole image" {
	need docker.tar
	for i in 1 2 3 4; do
		store load "$CACHE/docker.tar" >"out$i" 2>&1 &
		pids[i]=$!
	done
	for i in 1 2 3 4; do wait "${pids[i]}"; done
	[ "$(store list | wc -l)" = 1 ]
	store check | diff /dev/null -
	[ -z "$(ls -A "$ROOT/layers" | grep stage)" ]
}

@test "load: killed at any moment, the store is as it was, and the next load works" {
	need docker.tar
	store load "$CACHE/docker.tar" >/dev/null
	remove_all
	local kept
	for ms in 1 2 4 6 8 10 12 15 18 22 26 30 35 40 50 60 80 100; do
		"$TOOL" "$ROOT" "$HULL_BIN_DIR" load "$CACHE/docker.tar" >/dev/null 2>&1 3>&- &
		sleep "0.$(printf %03d "$ms")"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		# Either nothing of it or all of it.
		listed=$(store list)
		[ -z "$listed" ] || [ "$(store layers second:1 | wc -l)" -ge 2 ] || { echo "after $ms ms: $listed"; false; }
		store check | diff /dev/null -
		store load "$CACHE/docker.tar" >/dev/null
		remove_all
		# The helper dies with its loader, but not in the same instant: its folder is
		# locked until then.
		for _ in $(seq 1000); do
			store sweep
			kept=$(ls -A "$ROOT/layers")
			[ -n "$kept" ] || break
			sleep 0.05
		done
		[ -z "$kept" ] || { echo "after $ms ms: $kept"; false; }
	done
}

@test "load: a full disk leaves the store as it was" {
	need docker.tar
	mkdir small
	mount -t tmpfs -o size=3m none small || skip "no mount"
	ROOT=$PWD/small/root run store load "$CACHE/docker.tar"
	ROOT=$PWD/small/root left=$(ls -A small/root/layers)
	umount small
	[ "$status" = 1 ]
	[[ $output == *"No space left"* ]]
	[ -z "$left" ]
}

@test "hull-unpack holds six capabilities, a filter, no new privileges, no network" {
	mkfifo pipe
	"$TOOL" "$ROOT" "$HULL_BIN_DIR" import slow:1 <pipe 3>&- &
	loader=$!
	exec 9>pipe
	tar -C "$CACHE/tree" -c . | head -c 512 >&9
	for _ in $(seq 1000); do
		pid=$(pgrep -P "$loader" hull-unpack) || true
		[ -n "$pid" ] && grep -q '^Seccomp:.2' "/proc/$pid/status" && break
		sleep 0.05
	done
	grep -qx $'CapEff:\t000000008800001b' "/proc/$pid/status"
	grep -qx $'CapBnd:\t000000008800001b' "/proc/$pid/status"
	grep -qx $'NoNewPrivs:\t1' "/proc/$pid/status"
	grep -qx $'Seccomp:\t2' "/proc/$pid/status"
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	[[ $(readlink "/proc/$pid/root") == "$ROOT/layers/.stage-"* ]]
	exec 9>&-
	wait "$loader" || true
}

@test "hostile archives: no escape, nothing left, little memory" {
	run python3 "$TOP/tests/helpers/run_layers.py" "$BATS_TEST_TMPDIR/corpus" "$TOOL" "$HULL_BIN_DIR"
	echo "$output"
	[ "$status" = 0 ]
}
