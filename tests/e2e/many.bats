#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Many containers at once, and many commands on the same one.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

@test "100 runs started at once: none fails, nothing is left" {
	for i in $(seq 100); do
		"$HULL" run --rm --network none test sh -c "exit $((i % 5 + 10))" 3>&- &
		pids[i]=$!
	done
	bad=0
	for i in $(seq 100); do
		code=0
		wait "${pids[i]}" || code=$?
		[ "$code" = $((i % 5 + 10)) ] || { echo "run $i: $code" && bad=$((bad + 1)); }
	done
	assert_equal 0 $bad
	assert_equal "" "$(hull ps -aq)"
}

@test "100 containers up at once: all run, all listed, all stopped" {
	for i in $(seq 100); do
		"$HULL" run -d --name "c$i" test sleep 300 >/dev/null 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}"
	assert_equal 100 "$(hull ps -q | wc -l)"
	assert_equal 100 "$(hull ps --format '{{.State}}' | grep -c running)"
	# shellcheck disable=SC2046
	within 60 "$HULL" rm -f $(hull ps -q) 3>&- >/dev/null
	assert_equal "" "$(hull ps -aq)"
}

@test "one name, many claimants: exactly one wins" {
	for i in $(seq 20); do
		"$HULL" create --name contested test true >"out$i" 2>/dev/null 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}" || true
	assert_equal 1 "$(cat out* | grep -cE '^[0-9a-f]{64}$')"
	assert_equal 1 "$(hull ps -aq | wc -l)"
}

@test "commands racing on the same container end in a defined state" {
	hull create --name cc test sleep 30 >/dev/null
	for _ in $(seq 8); do
		for command in start 'stop -t 0' kill restart pause unpause 'inspect' 'exec' ; do
			# shellcheck disable=SC2086
			case $command in
			exec) within 30 "$HULL" exec cc true >/dev/null 2>&1 3>&- & ;;
			restart) within 30 "$HULL" restart -t 0 cc >/dev/null 2>&1 3>&- & ;;
			*) within 30 "$HULL" $command cc >/dev/null 2>&1 3>&- & ;;
			esac
			pids+=($!)
		done
	done
	wait "${pids[@]}" || true
	hull unpause cc 2>/dev/null || true
	hull stop -t 0 cc
	assert_equal exited "$(status_of cc)"
	hull start cc
	assert_equal running "$(status_of cc)"
	hull rm -f cc
	run hull system check
	assert_status 0
}

@test "many exec sessions in one container" {
	hull run -d --name cc test sleep 600
	for i in $(seq 40); do
		"$HULL" exec cc sh -c "echo $i" >"out$i" 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}"
	assert_equal "$(seq 40 | sort)" "$(cat out* | sort)"
}

@test "many attached clients see the same" {
	hull run -d --name cc test sh -c 'until [ -e /tmp/go ]; do echo up; sleep 0.05; done; seq 1 2000'
	for i in $(seq 10); do
		"$HULL" attach --no-stdin cc >"out$i" 3>&- &
		pids[i]=$!
	done
	for i in $(seq 10); do wait_for 10 grep -q up "out$i"; done
	let_end cc /tmp/go
	wait "${pids[@]}"
	for i in $(seq 10); do assert_equal "$(seq 1 2000 | md5sum)" "$(grep -v up "out$i" | md5sum)"; done
}

# The first to open the store reads its log; with a container up, its keeper has seen to that.
@test "while a container runs, no command reads the log of the store again" {
	command -v strace >/dev/null || skip "needs strace"
	hull run -d --name cc test sleep 600
	for i in $(seq 6); do hull create --name "c$i" test true; done
	strace -qq -y -o reads -e trace=pread64 "$HULL" ps 3>&-
	[ "$(grep -c 'hull.db-wal' reads)" -lt 15 ] || fail "$(grep -c . reads) reads"
	hull rm -f cc c1 c2 c3 c4 c5 c6
}

# A file with what is to be known of it, opened, read, asked for its lock, closed; and a signal 0.
@test "ps asks the kernel five times for each container that runs, and one that nobody watches is adopted" {
	command -v strace >/dev/null || skip "needs strace"
	local few many keeper who
	for i in $(seq 4); do hull run -d --name "c$i" test sleep 600; done
	wait_for 20 eval 'strace -f -qq -o few "$HULL" ps -q 3>&- && ! grep -q control few'
	few=$(grep -c . few)
	for i in $(seq 5 12); do hull run -d --name "c$i" test sleep 600; done
	wait_for 20 eval 'strace -f -qq -o many "$HULL" ps -q 3>&- && ! grep -q control many'
	many=$(grep -c . many)
	[ $((many - few)) -le $((8 * 6)) ] || fail "$((many - few)) more calls for 8 more"
	who="^hull-keeper c7 $(hull inspect -f '{{.Id}}' c7 | cut -c1-12)"
	keeper=$(pgrep -f "$who")
	# shellcheck disable=SC2046
	kill -KILL "$keeper" $(pgrep -P "$keeper" -x hull-monitor)
	wait_for 20 eval '[ "$(hull ps -q | wc -l)" = 12 ] && pgrep -f "$who"'
	hull pause c7
	assert_equal "c7" "$(hull ps -f status=paused --format '{{.Names}}')"
	hull unpause c7
	assert_equal 12 "$(hull ps -q -f status=running | wc -l)"
	# shellcheck disable=SC2046
	hull rm -f $(hull ps -aq)
}

@test "a list waits for no container that another command is at: it is shown as it was, or as it ended, or not at all" {
	local name
	hull run -d --name ended test sleep 1000
	hull run -d --rm --name vanishing test sleep 1000
	for name in starting again removed; do hull create --name "$name" test true; done
	hull start -a again
	hull run -d --name up test sleep 1000
	local pids
	pids=$(hull inspect -f '{{.State.Pid}}' ended vanishing)
	# shellcheck disable=SC2046
	/usr/bin/python3 - "$HULL_ROOT" $(hull inspect -f '{{.Id}}' ended vanishing starting again removed) 3>&- <<-'EOF' &
		import fcntl, os, signal, sqlite3, sys
		for id in sys.argv[2:]:
		    fcntl.flock(os.open(f"{sys.argv[1]}/containers/{id}", os.O_RDONLY), fcntl.LOCK_EX)
		with sqlite3.connect(sys.argv[1] + "/hull.db", timeout=20) as db:
		    db.execute("UPDATE container SET status = 'running' WHERE name IN ('starting', 'again')")
		    db.execute("UPDATE container SET status = 'removing' WHERE name = 'removed'")
		open("locked", "w")
		signal.pause()
	EOF
	started_by_test $!
	wait_for 10 test -e locked
	# shellcheck disable=SC2086
	kill -KILL $pids
	wait_for 10 eval '[ "$(ls "$HULL_RUNROOT/exits" | wc -l)" = 2 ]'
	run -0 within 20 "$HULL" ps -a --format '{{.Names}} {{.State}}' 3>&-
	assert_equal "again exited ended exited starting created up running" "$(sort <<<"$output" | paste -sd ' ')"
	assert_equal up "$(within 20 "$HULL" ps --format '{{.Names}}' 3>&-)"
	kill "${STARTED[@]}"
}
