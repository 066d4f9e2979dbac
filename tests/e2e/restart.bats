#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Restart policies, without a daemon.

load lib

setup() { hull_setup; }
# What waits for a restart lets go when its container is gone.
teardown() {
	hull ps -aq | xargs -r "$HULL" rm -f >/dev/null 2>&1 || true
	wait_for 10 eval '! pgrep -f -- "--root $HULL_ROOT .*system restart" >/dev/null'
	hull_teardown
}

restarts_of() { hull inspect -f '{{.RestartCount}}' "$1"; }
restarted() { [ "$(restarts_of "$1")" -ge "$2" ]; }

@test "always: it is started again whatever it ended with, and its log goes on" {
	hull run -d --name cc --restart always test sh -c 'echo run; exit 0'
	wait_for 10 restarted cc 2
	[ "$(hull logs cc | grep -c run)" -ge 2 ]
	assert_equal "always 0" "$(hull inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' cc)"
	hull stop cc
	count=$(restarts_of cc)
	nap 1500
	assert_equal "exited $count" "$(status_of cc) $(restarts_of cc)"
	hull start cc
	wait_for 10 restarted cc 1
}

# bats test_tags=fast
@test "on-failure: only after a failure, and only so often" {
	hull run -d --name good --restart on-failure test true
	hull run -d --name bad --restart on-failure:2 test sh -c 'echo run; exit 3'
	wait_for 10 eval 'restarted bad 2 && has_status bad exited'
	nap 1500
	assert_equal "exited 2 3" "$(status_of bad) $(restarts_of bad) $(hull inspect -f '{{.State.ExitCode}}' bad)"
	assert_equal 3 "$(hull logs bad | grep -c run)"
	assert_equal "exited 0" "$(status_of good) $(restarts_of good)"
}

@test "on-failure: killed for memory is a failure, and stays known; a child's end is none" {
	has_controller memory
	hull run -d --name cc --restart on-failure:2 -m 64m test /probe eat 200
	wait_for 20 has_status cc exited
	assert_equal "2 137 true" "$(hull inspect -f '{{.RestartCount}} {{.State.ExitCode}} {{.State.OOMKilled}}' cc)"
	hull run -d --name dd --restart on-failure -m 64m test /probe eat-child 200
	wait_ready dd 20
	assert_equal "running 0" "$(status_of dd) $(restarts_of dd)"
	hull stop -t 0 dd
	assert_equal "exited true" "$(status_of dd) $(hull inspect -f '{{.State.OOMKilled}}' dd)"
}

@test "the back-off: doubled each time, and shown while it lasts" {
	hull run -d --name cc --restart always test sh -c 'echo run; exit 7'
	wait_for 30 restarted cc 6 # it waits for six seconds and more then
	wait_for 10 has_status cc restarting
	assert_equal "restarting true true" "$(hull inspect -f '{{.State.Status}} {{.State.Restarting}} {{.State.Running}}' cc)"
	[[ "$(hull ps --format '{{.Status}}')" == "Restarting (7) "* ]]
	assert_equal cc "$(hull ps --filter status=restarting --format '{{.Names}}')"
	run hull exec cc true
	assert_status 1
	assert_has "is restarting"
	run hull rm cc
	assert_status 1
	assert_has "restarting"
	hull stop cc
	assert_equal exited "$(status_of cc)"
	# At least 100 ms, 200, 400, 800 between the starts.
	hull logs -t cc | cut -d' ' -f1 | date -f - +%s%N |
		awk 'NR > 1 && ($1 - last) / 1e6 < wait { exit 1 } { last = $1; wait = wait ? 2 * wait : 100 }'
	hull rm cc
}

@test "logs -f goes on over restarts, and over a monitor that is killed" {
	hull run -d --name cc --restart always test sh -c 'echo run; sleep 0.1; exit 1'
	"$HULL" logs -f cc >out 3>&- &
	client=$!
	started_by_test $client
	wait_for 20 eval '[ "$(grep -c run out)" -ge 3 ]'
	hull stop -t 1 cc
	wait $client
	assert_equal "$(hull logs cc)" "$(cat out)"
	hull run -d --name dd test sh -c 'echo up; until [ -e /tmp/go ]; do sleep 0.02; done; echo last'
	"$HULL" logs -f dd >out 3>&- &
	client=$!
	started_by_test $client
	wait_for 5 grep -q up out
	kill -KILL "$(awk '/^PPid/ { print $2 }' "/proc/$(pid_of dd)/status")"
	nap 300
	let_end dd /tmp/go
	wait $client
	assert_equal "up last" "$(xargs <out)"
}

@test "stop and kill end it for good; a signal by the way does not; restart and start begin anew" {
	for how in 'stop -t 5' 'kill' 'kill -s TERM' 'rm -f'; do
		hull run -d --name cc --restart unless-stopped test sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.02; done'
		wait_for 5 logs_have cc up
		hull $how cc
		nap 700
		[ "$how" = 'rm -f' ] || {
			assert_equal exited "$(status_of cc)"
			hull rm cc
		}
	done
	hull run -d --name cc --restart always test sh -c 'trap "exit 9" TERM USR1; echo up; while :; do sleep 0.02; done'
	wait_for 5 logs_have cc up
	hull kill -s USR1 cc
	wait_for 10 restarted cc 1
	wait_for 5 has_status cc running
	hull restart cc
	assert_equal "running 0" "$(status_of cc) $(restarts_of cc)"
	# The back-off too begins anew, and nobody waits on for what was taken back.
	hull run -d --name dd --restart always test false
	wait_for 30 restarted dd 4
	hull start dd 2>/dev/null || hull restart dd
	wait_for 10 restarted dd 2
	hull rm -f dd
	wait_for 5 eval '! pgrep -f "$HULL_ROOT .*system restart" >/dev/null'
}

@test "a restart that fails is tried again, as often as the policy says" {
	mkdir host
	for policy in always on-failure:3; do
		hull run -d --name "${policy%:*}" --restart $policy --mount "type=bind,src=$WORK/host,dst=/x" test sh -c 'sleep 0.5; exit 4'
	done
	rmdir host
	wait_for 30 restarted always 4
	wait_for 5 has_status always restarting
	run hull inspect -f '{{.State.Error}}' always
	assert_has "bind source path does not exist"
	wait_for 10 has_status on-failure exited
	nap 1500
	assert_equal "exited 3" "$(status_of on-failure) $(restarts_of on-failure)"
	# What it lacked is there again.
	mkdir host
	wait_for 30 eval '[ -z "$(hull inspect -f "{{.State.Error}}" always)" ]'
	rmdir host
	wait_for 10 has_status always restarting
	hull stop always
	count=$(restarts_of always)
	nap 1500
	assert_equal "exited $count" "$(status_of always) $(restarts_of always)"
	# By hand it fails at once.
	run hull start always
	assert_status 1
	assert_equal exited "$(status_of always)"
}

@test "whoever watched it may be killed: the next command sees to the restart" {
	hull run -d --name cc --restart always test sh -c 'echo up; sleep 600'
	wait_for 5 logs_have cc up
	# Its monitor, its keeper, and what would wait for the restart.
	pid=$(pid_of cc)
	monitor=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
	keeper=$(awk '/^PPid/ { print $2 }' "/proc/$monitor/status")
	kill -KILL "$keeper" "$monitor"
	kill -KILL "$pid"
	wait_for 10 eval 'hull ps >/dev/null; restarted cc 1'
	wait_for 10 has_status cc running
	hull run -d --name dd --restart always test sh -c 'exit 1'
	wait_for 30 restarted dd 4
	wait_for 10 has_status dd restarting
	pkill -KILL -f "system restart $(hull inspect -f '{{.Id}}' dd)" || true
	count=$(restarts_of dd)
	wait_for 30 eval 'hull ps >/dev/null; [ "$(restarts_of dd)" -gt $count ]'
}

@test "after a boot: what ran comes up again, what was stopped does so with always alone" {
	for policy in no always unless-stopped on-failure; do
		for what in ran stopped; do
			hull run -d --name $policy-$what --restart $policy test sh -c 'trap "exit 0" TERM; while :; do sleep 0.02; done'
		done
		hull stop -t 5 $policy-stopped
	done
	lose_by_boot
	hull system restore
	for up in always-ran always-stopped unless-stopped-ran on-failure-ran; do wait_for 10 has_status $up running; done
	nap 500
	assert_equal "always-ran always-stopped on-failure-ran unless-stopped-ran" "$(hull ps --format '{{.Names}}' | sort | xargs)"
}

@test "after a boot: a first start that fails is tried again" {
	mkdir host
	hull run -d --name cc --restart always --mount "type=bind,src=$WORK/host,dst=/x" test sleep 600
	hull stop -t 0 cc
	rmdir host
	run hull system restore
	assert_has "bind source path does not exist"
	assert_equal restarting "$(status_of cc)"
	mkdir host
	wait_for 10 has_status cc running
	hull stop -t 0 cc
	hull system restore
	assert_equal "running 1" "$(status_of cc) $(restarts_of cc)"
	# It is no end of what holds it: stopped it stays.
	hull stop -t 0 cc
	nap 500
	assert_equal exited "$(status_of cc)"
}

@test "what is no policy is refused, with docker's words" {
	while IFS='|' read -r policy words; do
		run hull create --restart "$policy" test true
		assert_status 125
		assert_has "$words"
	done <<-END
		sometimes|invalid restart policy: unknown policy 'sometimes'
		always:3|maximum retry count can only be used with 'on-failure'
		on-failure:x|maximum retry count must be an integer
		on-failure:-1|maximum retry count must be an integer
	END
	run hull run --rm --restart always test true
	assert_status 125
	assert_has "cannot specify both --restart and --rm"
	run -127 hull run -d --name cc --restart always test /nowhere
	assert_status 127
	nap 500
	assert_equal "created 0" "$(status_of cc) $(restarts_of cc)"
}

@test "a restart by hand that fails is not the policy's to try again" {
	mkdir host
	hull run -d --name cc --restart always --mount "type=bind,src=$WORK/host,dst=/x" test sleep 600
	rmdir host
	run hull restart -t 0 cc
	assert_status 1
	assert_has "bind source path does not exist"
	nap 500
	assert_equal "exited 0" "$(status_of cc) $(restarts_of cc)"
}

# older VERSION: what the store was in that version.
older() {
	python3 - "$HULL_ROOT/hull.db" "$1" <<-'END'
		import sqlite3, sys
		store = sqlite3.connect(sys.argv[1])
		version = int(sys.argv[2])
		for column in ("told", "health", "shown", "hint") + (("restarts", "restart_wait", "restart_due", "held") if version < 2 else ()):
		    store.execute(f"ALTER TABLE container DROP COLUMN {column}")
		for table in ("secret", "port", "endpoint", "network", "build_cache", "manifest", "event"):
		    store.execute(f"DROP TABLE {table}")
		store.execute(f"PRAGMA user_version = {version}")
		store.commit()
	END
}

@test "stores of earlier versions are brought up to date" {
	hull run --network none --name cc test true
	hull run -d --network none --name up test sleep 600
	older 2
	hull stop -t 0 up
	assert_equal "kill kill die stop" "$(hull events --since 1 --until "$(date +%s.%N)" --format '{{.Action}}' | paste -sd' ')"
	hull rm up
	older 1
	assert_equal "exited 0" "$(status_of cc) $(restarts_of cc)"
	hull run -d --name dd --restart always test true
	wait_for 10 restarted dd 1
}
