#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# events: what happened is told once, in docker's order and form, whoever is killed meanwhile.

load lib

setup() { hull_setup; }
teardown() {
	hull ps -aq | xargs -r "$HULL" rm -f >/dev/null 2>&1 || true
	wait_for 10 eval '! pgrep -f -- "--root $HULL_ROOT .*system restart" >/dev/null'
	hull_teardown
}

now() { date +%s.%N; }
# history [OPTION...]: what is known by now.
history() { hull events --since 1 --until "$(now)" "$@"; }
# The actions of a container, by name, in one line.
actions_of() { history -f "type=container" --format '{{.Actor.Attributes.name}} {{.Action}}' | sed -n "s/^$1 //p" | paste -sd' '; }

# bats test_tags=fast,same
@test "events: the life of containers in docker's order" {
	hull run --rm --name aa test true
	assert_equal "create attach start die destroy" "$(actions_of aa)"
	hull run -d --name bb test sleep 600
	hull stop -t 0 bb
	hull start bb
	hull restart -t 0 bb
	hull kill bb
	hull rm bb
	assert_equal "create start kill kill die stop start kill kill die stop start restart kill die destroy" "$(actions_of bb)"
	hull run -d --name cc --rm test sleep 600
	hull rm -f cc
	assert_equal "create start kill die destroy" "$(actions_of cc)"
	hull run -d --name dd --rm --init test sh -c 'echo ready; sleep 600'
	wait_ready dd
	hull stop dd
	assert_equal "create start kill die stop destroy" "$(actions_of dd)"
	run ! hull run --name ee test /nonexistent
	assert_equal create "$(actions_of ee)"
}

@test "events: what is done to a container that runs" {
	hull run -d --name cc test sleep 600
	hull pause cc
	hull unpause cc
	hull rename cc dd
	hull update -m 64m dd
	hull top dd
	hull cp dd:/etc/passwd here
	hull cp here dd:/tmp
	hull export -o tar dd
	run -3 hull exec dd sh -c 'exit 3'
	hull commit --pause=false -m words dd made:1
	assert_equal "pause unpause rename update top archive-path extract-to-dir export exec_create: sh -c exit 3 exec_start: sh -c exit 3 exec_die commit" \
		"$(history -f "container=$(hull inspect -f '{{.Id}}' dd)" --format '{{.Action}}' | sed 1,2d | paste -sd' ')"
	assert_equal "/cc dd" "$(history -f event=rename --format '{{.Actor.Attributes.oldName}} {{.Actor.Attributes.name}}')"
	assert_equal 3 "$(history -f event=exec_die --format '{{.Actor.Attributes.exitCode}}')"
	[ "$(history -f event=exec_start --format '{{.Actor.Attributes.execID}}')" = "$(history -f event=exec_die --format '{{.Actor.Attributes.execID}}')" ]
	assert_equal "words made:1" "$(history -f event=commit --format '{{.Actor.Attributes.comment}} {{.Actor.Attributes.imageRef}}')"
}

# execs: what is told of them, since the first.
execs() { history -f "container=$1" --format '{{.Action}} {{.Actor.Attributes.exitCode}}' | sed -n 's/ <no value>//; s/^\(exec_[a-z]*\).*: .* \?/\1 /; /^exec/p' | paste -sd,; }

@test "events: a start that was cut off before it was told is told by who looks" {
	hull run -d --name cc test sleep 600
	python3 - "$HULL_ROOT/hull.db" <<-'END'
		import sqlite3, sys
		store = sqlite3.connect(sys.argv[1])
		store.execute("DELETE FROM event WHERE action = 'start'")
		store.execute("UPDATE container SET told = 0")
		store.commit()
	END
	history >/dev/null
	assert_equal "create start" "$(history -f container=cc --format '{{.Action}}' | paste -sd' ')"
	hull rm -f cc
	assert_equal "create start kill die destroy" "$(history -f container=cc --format '{{.Action}}' | paste -sd' ')"
}

# bats test_tags=fast,same
@test "events: a detached exec is told like another, also how it ends" {
	hull run -d --name cc test sleep 600
	# Who waits for it holds nothing of ours.
	assert_equal "" "$(hull exec -d cc sh -c 'grep -q "^SigIgn:.*0$" /proc/self/status && until [ -e /go ]; do sleep 0.1; done; exit 4')"
	assert_equal "exec_create,exec_start" "$(execs cc | tr -d ' ')"
	hull exec cc touch /go
	wait_for 10 eval '[ "$(history -f event=exec_die --format "{{.Actor.Attributes.exitCode}}" | sort | paste -sd,)" = 0,4 ]'
	run -127 hull exec -d cc /nowhere
	assert_has /nowhere
	run -126 hull exec -d cc /data
	assert_has /data
	run -1 hull exec -d none true
	assert_has "No such container: none"
	hull exec -dt cc sh -c 'test -t 0 && exit 5'
	wait_for 10 eval '[ "$(history -f event=exec_die --format "{{.Actor.Attributes.exitCode}}" | sort | paste -sd,)" = 0,4,5 ]'
	# Its end with the container's is no news that brings anything back.
	hull exec -d cc sleep 600
	hull rm -f cc
}

@test "events: images and volumes" {
	make_image labelled:1 'LABEL one=two'
	hull tag labelled:1 other:2
	hull save -o tar labelled:1
	hull rmi other:2
	hull rmi labelled:1
	assert_equal "import tag tag save untag untag delete" "$(history -f type=image -f label=one=two --format '{{.Action}}' | paste -sd' ')"
	assert_equal "labelled:1 other:2" "$(history -f event=tag -f label=one --format '{{.Actor.Attributes.name}}' | paste -sd' ')"
	hull run --rm -v vv:/v -v /anonymous test true
	hull volume rm vv
	assert_equal "create mount unmount destroy" "$(history -f volume=vv --format '{{.Action}}' | paste -sd' ')"
	assert_equal 2 "$(history -f type=volume -f event=destroy | wc -l)"
	hull volume create ww
	hull volume prune -af
	assert_equal 0 "$(history -f event=prune -f type=volume --format '{{.Actor.Attributes.reclaimed}}')"
}

@test "events: why it died, and a restart policy's die and start" {
	hull run -d --name cc --restart on-failure:1 test sh -c 'exit 4'
	wait_for 10 eval '[ "$(actions_of cc)" = "create start die start die" ]'
	assert_equal "4 on-failure,4 <no value>" "$(history -f event=die --format '{{.Actor.Attributes.exitCode}} {{with index .Actor.Attributes "restart"}}{{.}}{{else}}<no value>{{end}}' | paste -sd,)"
	assert_equal 1 "$(history -f event=start --format '{{.Actor.Attributes.restartCount}}' | tail -n 1)"
	hull run -d --name dd -l team=blue test sleep 600
	hull kill -s USR2 dd
	hull kill dd
	assert_equal "12 9" "$(history -f event=kill -f label=team --format '{{.Actor.Attributes.signal}}' | paste -sd' ')"
	assert_equal "137 9" "$(history -f event=die -f label=team=blue --format '{{.Actor.Attributes.exitCode}} {{.Actor.Attributes.signal}}')"
}

@test "events: killed for memory" {
	has_controller memory
	run hull run --name cc -m 16m --memory-swap 16m test sh -c 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done'
	assert_status 137
	[[ "$(actions_of cc)" == "create attach start oom die" ]]
	assert_equal "true 9" "$(history -f event=die --format '{{.Actor.Attributes.oomKilled}} {{.Actor.Attributes.signal}}')"
}

@test "events: killed for memory while it runs on: told at once, each kill once, also after the monitor was killed" {
	has_controller memory
	hull run -d --name cc -m 16m --memory-swap 16m test sleep 600
	# From before it was there: it may begin later than what it is to tell of.
	"$HULL" events --since 1 -f container=cc -f event=oom --format '{{.Actor.Attributes.kills}} {{.Actor.Attributes.killedNano}} {{.TimeNano}}' >told 3>&- &
	local follower=$! killed at
	started_by_test "$follower"
	run hull exec cc /probe eat 64
	wait_for 10 grep -q '^1 ' told
	read -r _ killed at <told
	[ "$killed" -le "$at" ] && [ "$killed" -gt "$(date -d "$(hull inspect -f '{{.State.StartedAt}}' cc)" +%s%N)" ]
	assert_equal running "$(status_of cc)"
	run hull why cc
	assert_line "the kernel killed a process of it for memory\$"
	assert_equal 1 "$(grep -c '^ *killed for memory' <<<"$output")"
	# The next monitor does not tell of it again, and tells of what comes.
	kill -KILL "$(awk '/^PPid/ { print $2 }' "/proc/$(pid_of cc)/status")"
	run hull exec cc /probe eat 64
	wait_for 10 grep -q '^2 ' told
	hull kill cc
	wait_for 10 eval '[ "$(status_of cc)" = exited ]'
	kill "$follower"
	assert_equal "1 2" "$(history -f event=oom --format '{{.Actor.Attributes.kills}}' | paste -sd' ')"
	assert_equal "oom oom kill die" "$(actions_of cc | tr ' ' '\n' | grep '^oom\|^kill\|^die' | paste -sd' ')"
	run hull why cc
	assert_line "^cc: ended by hull kill: .*; before that 2 processes of it were killed by the kernel, the last one probe: the container reached"
}

@test "events: lines, JSON and templates as docker's" {
	hull run --rm --name cc -l b=c test true
	id=$(history -f event=die --format '{{.ID}}')
	run history -f event=die
	assert_line "^20[0-9-]{8}T[0-9:]{8}\.[0-9]{9}Z container die $id \(b=c, execDuration=[0-9]+, exitCode=0, image=test, name=cc\)$"
	run bash -c "TZ=XXX-05:30 '$HULL' events --since 1 --until $(now) -f event=die"
	assert_line "^[^ ]*\.[0-9]{9}\+05:30 container die"
	history -f event=die --format json >event
	assert_equal "[\"status\",\"id\",\"from\",\"Type\",\"Action\",\"Actor\",\"scope\",\"time\",\"timeNano\"] die $id test container die $id cc c local" \
		"$(jq -rc 'keys_unsorted, .status, .id, .from, .Type, .Action, .Actor.ID, .Actor.Attributes.name, .Actor.Attributes.b, .scope' event | paste -sd' ')"
	[ "$(jq '.timeNano / 1e9 | floor' event)" = "$(jq .time event)" ]
	cmp event <(history -f event=die --format '{{json .}}')
	run ! history --format '{{.Nothing}}'
	assert_has "can't evaluate field Nothing in type *events.Message"
}

@test "events: since, until, and filters" {
	hull create --name early test true
	nap 20
	between=$(now)
	hull create --name late test true
	assert_equal late "$(hull events --since "$between" --until "$(now)" --format '{{.Actor.Attributes.name}}')"
	run hull events --since 1 --until "$between" -f type=container --format '{{.Actor.Attributes.name}}'
	assert_equal early "$output"
	assert_equal "early late" "$(history -f container=early -f container=late --format '{{.Actor.Attributes.name}}' | paste -sd' ')"
	assert_equal 2 "$(history -f image=test -f type=container | wc -l)"
	assert_equal "" "$(history -f event=start)"
	assert_equal "" "$(history -f container=early -f type=image)"
	run ! hull events --since "$(now)" --until 1
	assert_has "cannot be after"
	run ! hull events -f nonsense=1
	assert_has "invalid filter 'nonsense=1'"
	run ! hull events --since yesterday-ish
	assert_has 'failed to parse value as time or duration: "'
}

@test "events: live, without a lost one, until its time or nobody reads" {
	"$HULL" events --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}' >live 3>&- &
	client=$!
	started_by_test $client
	wait_for 5 eval 'ls -l /proc/$client/fd | grep -q inotify'
	assert_equal "" "$(cat live)"
	seq 8 | xargs -P 8 -I{} "$HULL" run --rm --name 'c{}' test true
	wait_for 10 eval '[ "$(grep -c destroy live)" = 8 ]'
	assert_equal 40 "$(grep -c '^container' live)"
	kill -INT $client
	run wait $client
	# Nothing is done while nothing happens.
	"$HULL" events >live2 3>&- &
	client=$!
	started_by_test $client
	wait_for 5 eval 'ls -l /proc/$client/fd | grep -q inotify'
	work() { echo "$(cut -d' ' -f14,15 /proc/$client/stat) $(grep ^voluntary /proc/$client/status)"; }
	still() { before=$(work); nap 500; [ "$before" = "$(work)" ]; }
	wait_for 10 still # once it has begun
	nap 500
	assert_equal "$before" "$(work)"
	# Its reader leaves: it ends by itself, before anything happens.
	"$HULL" events 3>&- > >(read -r -t 0.2) &
	wait_for 10 eval '! kill -0 $!'
	# It ends at its time.
	start=$(now_ms)
	run timeout $((20 * PATIENCE)) "$HULL" events --until "$(date -d "now + 1 second" +%s.%N)" --format '{{.Action}}'
	assert_status 0
	[ $(($(now_ms) - start)) -ge 900 ]
}

@test "events: a start and an end that nobody told are told by who comes next, once" {
	hull run -d --name cc test sleep 600
	keeper=$(awk '/^PPid/ { print $2 }' "/proc/$(awk '/^PPid/ { print $2 }' "/proc/$(pid_of cc)/status")/status")
	monitor=$(awk '/^PPid/ { print $2 }' "/proc/$(pid_of cc)/status")
	pid=$(pid_of cc)
	kill -STOP "$keeper"
	kill -KILL "$keeper" "$monitor"
	kill -KILL "$pid"
	wait_for 10 eval '! kill -0 $pid'
	history >/dev/null
	assert_equal "create start die" "$(actions_of cc)"
	hull ps -a
	assert_equal "create start die" "$(actions_of cc)"
}

@test "events: the oldest ones are forgotten, in time" {
	hull create --name cc test true
	# As many as there can be, and some.
	python3 - "$HULL_ROOT/hull.db" <<-'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.executemany("INSERT INTO event (time, type, action, actor, attributes) VALUES (?, 'container', 'top', 'x', '{}')",
			[(i,) for i in range(12000)])
		db.commit()
	END
	hull system reap
	assert_equal 10000 "$(hull events --until "$(now)" --format x | wc -l)"
}

@test "events: who reads slowly does not keep the store's log from being emptied" {
	for i in $(seq 12); do hull volume create "v$i"; done
	mkfifo slow
	# A line fills the pipe.
	"$HULL" events --since 1 --format '{{printf "%100000s" .Action}}' >slow 2>said 3>&- &
	local client=$!
	exec 4<slow
	head -c 1 <&4
	for i in $(seq 100); do hull volume create "w$i"; done
	# It is emptied from 128 pages on.
	wait_for 10 eval 'hull system tidy; [ "$(stat -c %s "$HULL_ROOT/hull.db-wal")" -lt 140000 ]'
	kill -0 $client
	exec 4<&-
	run wait $client
}

@test "events: long commands and labels, and bytes that are no text" {
	printf 'big=%s\n' "$(head -c 20000 /dev/zero | tr '\0' x)" >labels
	hull run -d --name cc --label-file labels test sleep 600
	hull exec cc true $'a\xffb' "$(head -c 20000 /dev/zero | tr '\0' y)"
	[ "$(history --format json | wc -c)" -lt 20000 ]
	history --format json | python3 -c 'import json, sys; [json.loads(l.decode()) for l in sys.stdin.buffer]'
	assert_equal "exec_start: true a?b yyy" "$(history -f event=exec_start --format '{{.Action}}' | cut -c 1-24)"
	assert_equal cc "$(history -f event=start --format '{{.Actor.Attributes.name}}')"
	# shellcheck disable=SC2046 # many words are meant
	(ulimit -v 500000 && hull exec cc true $(seq 30000))
	assert_equal "exec_start: true 1 2 3" "$(history -f event=exec_start --format '{{.Action}}' | tail -n 1 | cut -c 1-22)"
}
