#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Networks at size, too slow for every change: many containers at once on one network, many published ports.

load ../e2e/lib
load ../e2e/network

@test "200 containers started at once on one network: each has its address, its port, its name and a way out" {
	hull network create --subnet 10.9.0.0/23 one
	local i pids=()
	for i in $(seq 200); do
		hull run -d --name "c$i" --network one -p "$((9000 + i)):80" test sleep 1000 >/dev/null 2>"err$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	cat err*
	# shellcheck disable=SC2046
	run -0 hull inspect -f '{{.NetworkSettings.Networks.one.IPAddress}}' $(hull ps -q)
	assert_equal 200 "$(sort -u <<<"$output" | wc -l)"
	assert_equal 200 "$(on_host nft list map inet "$(table)" anywhere4 | grep -o 'tcp \. [0-9]' | wc -l)"
	for i in 1 77 200; do
		run -0 hull exec "c$i" ping -c 1 -W 5 "c$((201 - i))"
		run -0 hull exec "c$i" ping -c 1 -W 5 203.0.113.2
	done
	# shellcheck disable=SC2046
	hull rm -f $(hull ps -q) >/dev/null
	assert_equal 0 "$(on_host nft list map inet "$(table)" anywhere4 | grep -c 'tcp \. [0-9]')"
	run ! grep -q '^ve' <<<"$(on_host ls /sys/class/net)"
	run -0 hull system check
}

@test "10 000 published ports: one table, lists in no time" {
	local began
	began=$(date +%s%N)
	hull run -d --name many -p 20000-29999:20000-29999 test sleep 1000
	echo "run with 10 000 ports: $((($(date +%s%N) - began) / 1000000)) ms"
	assert_equal 10000 "$(on_host nft list map inet "$(table)" anywhere4 | grep -o 'tcp \. [0-9]' | wc -l)"
	run -0 timeout 10 nsenter -n -t "$HOST" "$HULL" ps --format '{{.Ports}}'
	assert_equal "0.0.0.0:20000-29999->20000-29999/tcp" "$output"
	hull rm -f many
}

@test "room for 16 384 networks: the last one is found, made and used; the next one is told" {
	hull network create --internal one
	# The rows of all the others but one, as `network create` writes them.
	python3 - "$HULL_ROOT/hull.db" <<-'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		created, config = db.execute("SELECT created, config FROM network WHERE name = 'one'").fetchone()
		used = db.execute("SELECT config ->> '$.IPAM.Config[0].Subnet' FROM network WHERE name = 'one'").fetchone()[0]
		assert used == "10.192.0.0/24", used
		for i in range(1, 16384):
		    if i == 9999: continue
		    place = "10.%d.%d" % (192 + i // 256, i % 256)
		    db.execute("INSERT INTO network (id, name, created, config) VALUES (?,?,?,?)",
		               ("%064x" % (i << 200), "n%d" % i, created, config.replace("10.192.0.", place + ".")))
		db.commit()
	END
	local began
	began=$(date +%s%N)
	hull network create last
	echo "network create beside 16 383: $((($(date +%s%N) - began) / 1000000)) ms"
	assert_equal 10.231.15.0/24 "$(hull network inspect -f '{{(index .IPAM.Config 0).Subnet}}' last)"
	run -1 hull network create more
	[[ $output == *"each overlaps with a network or with a route of this host"*"--subnet"* ]]
	run -0 hull run --rm --network last test ping -c 1 -W 5 203.0.113.2
	run -0 hull network rm last
	run -0 hull network create more
	assert_equal 16384 "$(hull network ls -q -f type=custom | wc -l)"
}

@test "1 023 containers on one bridge; the next one is told so before anything is made" {
	local i
	hull network create --subnet 10.9.0.0/16 one
	seq 1023 | xargs -P 4 -I {} nsenter -n -t "$HOST" "$HULL" run -d --name c{} --network one test sleep 10000 >ids 3>&-
	assert_equal 1023 "$(wc -l <ids)"
	run -125 hull run -d --name more --network one test sleep 10000
	[[ $output == *"1023 containers run on it, and its bridge has no more ports"*"a second network"* ]]
	assert_equal 1023 "$(on_host sh -c 'ls -d /proc/sys/net/ipv4/conf/ve* | wc -l')"
	hull network create two
	run -0 hull run --rm --network two test true
	# shellcheck disable=SC2046
	hull rm -f $(cat ids) more >/dev/null
	run -0 hull system check
}
