#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hulld beside dockerd, both alone in namespaces of their own, the same requests in turn: bench/api_bench.py.
#
#     bench/api_bench.sh [ROUNDS]
#
# As root; needs build/bin, dockerd, containerd, docker and busybox-static. Quote ratios.
set -eu
cd "$(dirname "$0")/.."
bats_require_minimum_version() { :; }
export BATS_TEST_DIRNAME=$PWD/tests/callers BATS_FILE_TMPDIR
BATS_FILE_TMPDIR=$(mktemp -d "${TMPDIR:-/var/tmp}/api-bench.XXXXXX")
. tests/callers/callers.bash
trap 'callers_end; rm -rf "$BATS_FILE_TMPDIR"' EXIT
callers_begin dockerd containerd docker
beside_dockerd
LIMIT=1000 inside python3 "$PWD/bench/api_bench.py" /run/docker.sock /run/hulld.sock "${1:-30}"
