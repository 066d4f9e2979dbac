#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How long loading an image takes, beside its floor and the peers, all measured in this run.
#
#     bench/load_bench.sh OCI-ARCHIVE LOADER [RUNS]
#
# OCI-ARCHIVE: an OCI layout in a tar, layers gzipped (`skopeo copy ... oci-archive:x.tar:name:tag`).
# LOADER: the command that loads $ARCHIVE into the fresh root $ROOT, as in
#     bench/load_bench.sh x.tar 'hull --root $ROOT --runroot $ROOT.run load -i $ARCHIVE'
#
# The floor is what nobody can do without: both sha256 of every layer, inflating with ISA-L, writing the
# files with tar, all layers at once on all cores, nothing durable. Needs igzip, openssl; umoci, skopeo
# and podman are measured if they are there. Prints the median of RUNS (5) in milliseconds.
set -euo pipefail
export ARCHIVE=$(realpath "$1") ROOT
LOADER=$2 RUNS=${3:-5}
WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/load-bench.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
mkdir "$WORK/layout"
tar -C "$WORK/layout" -xf "$ARCHIVE"
mapfile -t LAYERS < <(python3 - "$WORK/layout" <<'PY'
import json, sys
layout = sys.argv[1]
blob = lambda d: '%s/blobs/%s' % (layout, d['digest'].replace(':', '/'))
doc = json.load(open(layout + '/index.json'))
while 'manifests' in doc:
    doc = json.load(open(blob(doc['manifests'][0])))
for path in dict.fromkeys(blob(layer) for layer in doc['layers']):
    print(path)
PY
)

floor() {
	local i=0 blob
	for blob in "${LAYERS[@]}"; do
		mkdir "$ROOT/$((++i))"
		{
			openssl sha256 "$blob" >/dev/null &
			igzip -dc "$blob" | tee >(openssl sha256 >/dev/null) | tar -C "$ROOT/$i" -x
			wait
		} &
	done
	wait
}
floor_durable() { floor; sync -f "$ROOT"; }
hull_load() { eval "$LOADER" >/dev/null; }
peer_podman() { podman --root "$ROOT" --runroot "$ROOT.run" load -q -i "$ARCHIVE" >/dev/null; }
peer_umoci() {
	skopeo copy -q "oci-archive:$ARCHIVE" "oci:$ROOT/layout:x"
	umoci unpack --image "$ROOT/layout:x" "$ROOT/bundle" >/dev/null 2>&1
}

# median NAME FUNCTION
median() {
	local times=() begin end i
	for ((i = 0; i < RUNS; i++)); do
		ROOT=$WORK/root
		rm -rf "$ROOT" "$ROOT.run"
		mkdir -p "$ROOT"
		sync -f "$WORK"
		begin=$(date +%s%N)
		"$2"
		end=$(date +%s%N)
		times+=($(((end - begin) / 1000000)))
	done
	rm -rf "$ROOT" "$ROOT.run" 2>/dev/null || true
	printf '%-28s %6d ms   (%s)\n' "$1" \
		"$(printf '%s\n' "${times[@]}" | sort -n | sed -n "$((RUNS / 2 + 1))p")" "${times[*]}"
}

cat "$ARCHIVE" >/dev/null
echo "${#LAYERS[@]} layers, $(du -cm "${LAYERS[@]}" | tail -1 | cut -f1) MB packed"
median 'floor' floor
median 'floor, synced' floor_durable
median 'hull' hull_load
! command -v podman >/dev/null || median 'podman load' peer_podman
! command -v umoci >/dev/null || median 'skopeo and umoci unpack' peer_umoci
