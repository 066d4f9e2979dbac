#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull system df: it adds up to what du says, kind by kind.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# sum: of the kinds' bytes, from docker's object.
sum() {
	hull system df -v --format json | python3 -c '
import json, sys
d = json.load(sys.stdin)
print(sum(d["Hull"].values()) + d["LayersSize"] + sum(c["SizeRw"] for c in d["Containers"])
      + sum(v["UsageData"]["Size"] for v in d["Volumes"]))'
}

# df_of TYPE FIELD
df_of() {
	hull system df --format "{{.Type}}: {{.$2}}" | sed -n "s/^$1: //p"
}

# What rm and rmi remove behind their answer may still be there for a moment.
adds_up() {
	sync -f "$HULL_ROOT"
	[ "$(sum)" = "$(du -s -B 1 "$HULL_ROOT" | cut -f 1)" ]
}

@test "system df: adds up to du, with links, holes, images in files, and what belongs to nothing" {
	hull run -d --name web -v named:/data -v /anonymous test sh -c \
		'dd if=/dev/zero of=/big bs=1k count=300 2>/dev/null; ln /big /twin
		dd if=/dev/zero of=/hole bs=1k count=1 seek=100000 2>/dev/null; echo done; exec sleep 1000'
	hull run --name ended test echo bye
	hull commit ended copy >/dev/null
	if [[ $(hull info -f '{{.HullStorageQuota}}') != none* ]]; then
		hull run --name limited --storage-opt size=4m test sh -c 'echo x >/y'
	fi
	mkdir -p "$HULL_ROOT/containers/$(printf '%064d' 1)/upper" "$HULL_ROOT/layers/.stage-x"
	head -c 100000 /dev/urandom >"$HULL_ROOT/layers/.stage-x/file"
	mkdir "$HULL_ROOT/volumes/lost"
	until hull logs web | grep -q done; do sleep 0.1; done
	wait_for 10 adds_up
	[ "$(df_of Orphans TotalCount)" = 3 ]
	[ "$(df_of Containers Active)" = 1 ]
	[ "$(df_of 'Local Volumes' TotalCount)" = 2 ]
	[ "$(df_of Images TotalCount) $(df_of Images Active)" = '2 1' ]
	[[ $(df_of Logs Reclaimable) != '0B'* ]]
	# What it calls reclaimable can be had.
	hull system check --repair
	hull rm -f -v web
	hull system prune -a -f --volumes
	hull volume prune -a -f
	local type
	for type in Images Containers 'Local Volumes' Logs Orphans; do
		[ "$(df_of "$type" Size)" = 0B ]
	done
	wait_for 10 adds_up
}

@test "system df: adds up to du with a build cache, also one that no image has" {
	mkdir ctx
	printf 'FROM test\nRUN --mount=type=cache,target=/c head -c 1048576 /dev/urandom >/big; cp /big /c\nRUN echo x >/y\n' >ctx/Dockerfile
	hull build -q -t out ctx
	hull create --name web out true
	wait_for 10 adds_up
	[[ $(df_of 'Build Cache' Size) == 1.*MB ]]
	hull rm web
	hull rmi out
	wait_for 10 adds_up
	[[ $(df_of 'Build Cache' Size) == 2.*MB ]]
	hull builder prune -af
	wait_for 10 adds_up
	[ "$(df_of 'Build Cache' Size)" = 0B ]
}

@test "ten containers of one image cost less than 1 MB each (F1)" {
	# The state store grows page by page: it has its own before.
	hull run --rm test true
	local before after n
	sync -f "$HULL_ROOT"
	before=$(du -s -B 1 "$HULL_ROOT" | cut -f 1)
	for n in 1 2 3 4 5 6 7 8 9 10; do hull run -d --name "c$n" test sleep 600; done
	[ "$(hull ps -q | wc -l)" = 10 ]
	sync -f "$HULL_ROOT"
	after=$(du -s -B 1 "$HULL_ROOT" | cut -f 1)
	[ $((after - before)) -lt 10000000 ] || { echo "$((after - before)) bytes"; return 1; }
}

@test "system df: docker's table, its sections, and a template" {
	hull create --name web -v vol:/v test true
	hull system df | head -n 1 | grep -Ex 'TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE'
	hull system df | grep -Ex 'Images +1 +1 +[0-9.]+MB +0B \(0%\)'
	hull system df | grep -Ex 'Build Cache +0 +0 +0B +0B'
	hull system df --format json | grep -F '"TotalCount":"1","Type":"Containers"'
	hull system df -v >out
	grep -Ex 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS' out
	grep -Ex 'test +latest +[0-9a-f]{12} .*ago +[0-9.]+MB +0B +[0-9.]+MB +1' out
	grep -Ex 'CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES' out
	grep -E '^[0-9a-f]{12} +test +"true" +1 +[0-9.]+kB .* web$' out
	grep -Ex 'VOLUME NAME +LINKS +SIZE' out
	grep -Ex 'vol +1 +[0-9.]+kB' out
	[ "$(hull system df -v --format '{{range .Volumes}}{{.Name}} {{.UsageData.RefCount}}{{end}}')" = 'vol 1' ]
}

@test "system df: containers come, write and go meanwhile" {
	hull run -d --name busy test sh -c \
		'while :; do mkdir -p /a/b/c; echo x >/a/b/c/f; mv /a/b /z; rm -rf /z /a; done'
	(for _ in 1 2 3 4 5 6 7 8; do hull run --rm test true || exit 1; done) & local pid=$!
	for _ in $(seq 20); do hull system df >out; done
	wait $pid
	grep -q '^State' out
}

@test "system df: a container that makes folders deeper than we go does not end it" {
	hull run --rm -v deep:/v test sh -c 'cd /v; i=0; while [ $i -lt 1100 ]; do mkdir d && cd d || exit 1; i=$((i + 1)); done'
	run -0 hull system df
	assert_has "deep: folders that lie too deep are not counted"
	assert_line '^Local Volumes +1 '
	(ulimit -n 256 && hull system df)
	hull run --name cc test sh -c 'i=0; while [ $i -lt 1100 ]; do mkdir d && cd d || exit 1; i=$((i + 1)); done'
	run -0 hull system df
	assert_has "container cc: folders that lie too deep are not counted"
	hull volume rm deep
}
