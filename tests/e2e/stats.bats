#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# stats: what containers use, against what they were made to use.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

one() { hull stats --no-stream --format "{{.$1}}" "$2"; }

# within NUMBER FROM TO
between() { awk -v n="${1%\%}" -v a="$2" -v b="$3" 'BEGIN { exit !(n >= a && n <= b) }' || fail "$1 is not from $2 to $3"; }

# bats test_tags=fast
@test "stats: processor time, throttling, memory, processes" {
	hull run -d --name busy --cpus 0.3 -m 64m test sh -c 'while :; do :; done'
	hull run -d --name idle -m 64m --tmpfs /t test sh -c 'dd if=/dev/zero of=/t/x bs=1M count=10 2>/dev/null; sleep 600 & sleep 600 & wait'
	nap 1500
	hull stats --no-stream --format json busy >row
	between "$(jq -r .CPUPerc row)" 3 40
	# A busy machine may not even give it its quota.
	between "$(jq -r .Throttled row)" "$(jq -r 'if (.CPUPerc | rtrimstr("%") | tonumber) > 20 then 1 else 0 end' row)" 400
	assert_equal "busy 1" "$(jq -r '.Name + " " + .PIDs' row)"
	# 10 MiB are there and cannot be reclaimed; beyond docker's figure it is told what they are.
	hull stats --no-stream --format json idle >row
	between "$(jq -r .CPUPerc row)" 0 2
	assert_equal "64MiB 3" "$(jq -r '(.MemUsage | split(" / ")[1]) + " " + .PIDs' row)"
	between "$(jq -r '.MemUsage | split("MiB")[0]' row)" 10 13
	between "$(jq -r .MemPerc row)" 15 21
	between "$(jq -r '.MemFile | rtrimstr("MiB")' row)" 10 12
}

@test "stats: which containers, what for those that do not run, and what is refused" {
	hull run -d --name up test sleep 600
	hull create --name down test true
	assert_equal up "$(hull stats --no-stream --format '{{.Name}}')"
	assert_equal "down up" "$(hull stats -a --no-stream --format '{{.Name}}' | sort | xargs)"
	assert_equal "0.00% 0B / 0B 0" "$(hull stats --no-stream --format '{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}' down)"
	[[ "$(hull stats --no-stream)" == "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O   BLOCK I/O   PIDS"* ]]
	assert_equal "$(hull inspect -f '{{.Id}}' up)" "$(hull stats --no-trunc --no-stream --format '{{.ID}}' up)"
	run hull stats --no-stream nobody
	assert_status 1
	assert_has "No such container"
	run hull stats --no-stream --format '{{.Nothing}}'
	assert_status 1
}

@test "stats: goes on every second, with containers that come and go" {
	hull run -d --name one test sleep 600
	timeout -k 1 $((30 * PATIENCE)) "$HULL" stats --format '{{.Name}}' >out 3>&- &
	client=$!
	started_by_test $client
	wait_for 10 grep -q one out
	hull run -d --name two test sleep 600
	wait_for 10 grep -q two out
	hull rm -f one
	nap 2500
	[ "$(tail -n 1 out)" = two ]
	kill $client
	wait $client || true
}
