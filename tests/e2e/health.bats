#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Health checks: docker's rules, without a daemon, and nothing of a check stays in the container.

load lib

setup() { hull_setup; }
teardown() {
	hull ps -aq | xargs -r "$HULL" rm -f >/dev/null 2>&1 || true
	wait_for 10 eval '! pgrep -f -- "--root $HULL_ROOT .*system (restart|health|probe)" >/dev/null'
	hull_teardown
}

# In the words of an option, and longer on a slow machine.
every() { echo "$(ms "$1")s"; }
health_of() { hull inspect -f '{{.State.Health.Status}}' "$1"; }
is() { [ "$(health_of "$1")" = "$2" ]; }
checks_of() { hull inspect -f '{{json .State.Health.Log}}' "$1" | jq length; }
health_events() { hull events --since 1 --until "$(date +%s.%N)" -f event=health_status --format '{{.Action}}' | paste -sd,; }
parent_of() { awk '/^PPid/ { print $2 }' "/proc/$1/status"; }
# All processes of a container, zombies too: command and state.
processes_of() {
	local space pid
	space=$(readlink "/proc/$(pid_of "$1")/ns/pid")
	for pid in /proc/[0-9]*; do
		[ "$(readlink "$pid/ns/pid_for_children" 2>/dev/null || readlink "$pid/ns/pid" 2>/dev/null)" != "$space" ] ||
			sed 's/^[0-9]* (\(.*\)) \(.\) .*/\1 \2/' "$pid/stat" 2>/dev/null
	done
	# A zombie has no namespaces any more: the children of the first process.
	cat "/proc/$(pid_of "$1")/task/$(pid_of "$1")/children" | tr ' ' '\n' | while read -r pid; do
		[ -z "$pid" ] || sed -n 's/^[0-9]* (\(.*\)) \(Z\) .*/\1 \2/p' "/proc/$pid/stat"
	done
}

# bats test_tags=fast
@test "health: starting, healthy, unhealthy, and what shows it" {
	hull run -d --name cc --health-cmd 'cat /tmp/state; test "$(cat /tmp/state)" = good' --health-interval "$(every 300)" --health-retries 2 \
		test sh -c 'echo good >/tmp/state; exec sleep 600'
	hull run -d --name plain test sleep 600
	[[ "$(hull ps --filter name=cc --format '{{.Status}}')" == "Up "*" (health: starting)" ]] || is cc healthy
	wait_for 10 is cc healthy
	[[ "$(hull ps --filter health=healthy --format '{{.Names}} {{.Status}}')" == "cc Up "*" (healthy)" ]]
	assert_equal plain "$(hull ps --filter health=none --format '{{.Names}}')"
	assert_equal "0 good" "$(hull inspect -f '{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}' cc | head -n 1)"
	hull exec cc sh -c 'echo bad >/tmp/state'
	wait_for 10 is cc unhealthy
	[[ "$(hull ps --filter health=unhealthy --format '{{.Status}}')" == "Up "*" (unhealthy)" ]]
	[ "$(hull inspect -f '{{.State.Health.FailingStreak}}' cc)" -ge 2 ]
	hull exec cc sh -c 'echo good >/tmp/state'
	wait_for 10 is cc healthy
	assert_equal "health_status: healthy,health_status: unhealthy,health_status: healthy" "$(health_events)"
	wait_for 10 eval '[ "$(checks_of cc)" = 5 ]'
	hull stop -t 0 cc
	assert_equal "unhealthy 0" "$(hull inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' cc)"
	[[ "$(hull ps -a --filter name=cc --format '{{.Status}}')" == "Exited (137) "* ]]
	hull start cc
	[[ "$(health_of cc)" =~ starting|healthy ]]
	assert_equal "<no value>" "$(hull inspect -f '{{with .State.Health}}{{.}}{{else}}<no value>{{end}}' plain)"
	[ ! -e "$HULL_RUNROOT/containers/$(hull inspect -f '{{.Id}}' plain)/health" ]
}

@test "health: retries, start period and start interval" {
	hull run -d --name ee --health-cmd false --health-retries 1 --health-start-period 1h --health-start-interval "$(every 100)" test sleep 600
	hull run -d --name cc --health-cmd false --health-interval "$(every 200)" --health-retries 3 --health-start-period "$(every 2000)" --health-start-interval "$(every 100)" test sleep 600
	wait_for 10 eval '[ "$(checks_of ee)" -ge 3 ]'
	assert_equal "starting 0" "$(hull inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' ee)"
	wait_for 20 is cc unhealthy
	assert_equal "health_status: unhealthy" "$(health_events)"
	# A success ends the start period.
	hull run -d --name dd --health-cmd 'test -e /tmp/bad && exit 1; exit 0' --health-interval "$(every 200)" --health-start-period 1h --health-start-interval "$(every 100)" test sleep 600
	wait_for 10 is dd healthy
	hull exec dd touch /tmp/bad
	wait_for 10 is dd unhealthy
}

@test "health: nothing of a check outlives it, whatever it started" {
	# PID 1 reaps nothing.
	hull run -d --name cc --health-cmd 'sleep 500 & (setsid sleep 501 &) ; true' --health-interval 1h test sleep 600
	hull healthcheck run cc
	assert_equal "healthy sleep S" "$(health_of cc) $(processes_of cc)"
	hull run -d --name dd --health-cmd 'echo so far; (trap "" TERM; sleep 502) & sleep 503' --health-interval 1h --health-timeout "$(every 3000)" test sleep 600
	run -1 hull healthcheck run dd
	assert_equal "sleep S" "$(processes_of dd)"
	run hull inspect -f '{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}' dd
	assert_line '^-1 Health check exceeded timeout \([0-9.ms]+\): so far'
}

@test "health: one that is paused in its midst says nothing, and ends when it can" {
	hull run -d --name cc --health-cmd 'touch /tmp/began; sleep 500 & sleep 501' --health-interval 1h --health-timeout "$(every 4000)" test sleep 600
	upper=$HULL_ROOT/containers/$(hull inspect -f '{{.Id}}' cc)/upper
	"$HULL" healthcheck run cc >said 2>&1 3>&- &
	client=$!
	wait_for 10 test -e "$upper/tmp/began"
	hull pause cc
	nap 4500
	kill -0 $client
	hull unpause cc
	# (In the subshell of `run` it is nobody's child, unless it has ended before.)
	code=0
	wait $client || code=$?
	assert_equal 1 $code
	grep -q "was paused" said
	assert_equal "sleep S 0" "$(processes_of cc) $(hull inspect -f '{{len .State.Health.Log}}' cc)"
}

@test "health: who checks is killed: what it started ends, and the next one comes" {
	hull run -d --name cc --health-cmd 'echo x >>/tmp/began; sleep 500 & sleep 501' --health-interval "$(every 500)" --health-timeout 1h test sleep 600
	probe() { pgrep -f -- "--root $HULL_ROOT .*system probe"; }
	wait_for 10 eval 'hull exec cc test -e /tmp/began'
	kill -KILL "$(probe | head -n 1)"
	wait_for 10 eval '[ "$(hull exec cc cat /tmp/began | wc -l)" -ge 2 ]'
	# One at a time.
	assert_equal 1 "$(processes_of cc | grep -c hull-init)"
	assert_equal starting "$(health_of cc)"
}

@test "health: the keeper or the monitor is killed: checks go on" {
	hull run -d --name cc --health-cmd 'echo x >>/tmp/began' --health-interval "$(every 300)" test sleep 600
	wait_for 10 is cc healthy
	monitor=$(parent_of "$(pid_of cc)")
	keeper=$(parent_of "$monitor")
	kill -KILL "$monitor"
	count=$(hull exec cc cat /tmp/began | wc -l)
	wait_for 10 eval '[ "$(hull exec cc cat /tmp/began | wc -l)" -gt $((count + 1)) ]'
	kill -KILL "$keeper"
	nap 500
	count=$(hull exec cc cat /tmp/began | wc -l)
	# It is noticed once the check is overdue by five seconds.
	wait_for 30 eval '[ "$(hull exec cc cat /tmp/began | wc -l)" -gt $((count + 3)) ]'
	wait_for 10 eval '[ "$(pgrep -cf -- "--root $HULL_ROOT .*system health")" = 1 ]'
	# Late itself, as after the machine slept: one is enough.
	local late
	late=$(pgrep -f -- "--root $HULL_ROOT .*system health")
	kill -STOP "$late"
	nap 7000
	hull ps
	hull ps
	assert_equal "$late" "$(pgrep -f -- "--root $HULL_ROOT .*system health")"
	kill -CONT "$late"
}

@test "health: one that is paused is not checked" {
	hull run -d --name cc --health-cmd 'echo x >>/tmp/began' --health-interval "$(every 200)" test sleep 600
	wait_for 10 is cc healthy
	hull pause cc
	checks() { hull inspect -f '{{json .State.Health.Log}}' cc; }
	unchanged() { before=$(checks); nap 1000; [ "$before" = "$(checks)" ]; }
	wait_for 10 unchanged # one that had ended is noted; one in its midst waits
	nap 1000
	assert_equal "$before" "$(checks)"
	[[ "$(hull ps --format '{{.Status}}')" == "Up "*"(Paused)" ]]
	hull unpause cc
	wait_for 10 eval '[ "$(checks)" != "$before" ]'
	is cc healthy
}

@test "health: an image's check, and what of it is replaced" {
	make_image checked 'HEALTHCHECK --interval=300ms --retries=7 CMD ["test","-e","/etc/passwd"]'
	hull run -d --name cc checked sleep 600
	wait_for 10 is cc healthy
	hull create --name dd --health-retries 2 --health-timeout 3s checked true
	assert_equal '{"Test":["CMD","test","-e","/etc/passwd"],"Interval":300000000,"Timeout":3000000000,"Retries":2}' "$(hull inspect -f '{{json .Config.Healthcheck}}' dd)"
	hull create --name ee --health-cmd 'exit 0' checked true
	assert_equal '{"Test":["CMD-SHELL","exit 0"],"Interval":300000000,"Retries":7}' "$(hull inspect -f '{{json .Config.Healthcheck}}' ee)"
	hull run -d --name ff --no-healthcheck checked sleep 600
	assert_equal '{"Test":["NONE"],"Interval":300000000,"Retries":7} <no value>' "$(hull inspect -f '{{json .Config.Healthcheck}} {{with .State.Health}}{{.}}{{else}}<no value>{{end}}' ff)"
	make_image none 'HEALTHCHECK NONE'
	hull run -d --name gg none sleep 600
	[[ "$(hull ps --filter name=gg --format '{{.Status}}')" != *health* ]]
}

@test "health: by hand" {
	hull run -d --name cc --health-cmd 'test -e /tmp/good' --health-interval 1h --health-retries 2 test sleep 600
	run -1 hull healthcheck run cc
	assert_equal unhealthy "$output"
	assert_equal "starting 1" "$(hull inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' cc)"
	run -1 hull healthcheck run cc
	assert_equal unhealthy "$(health_of cc)"
	hull exec cc touch /tmp/good
	hull healthcheck run cc
	assert_equal healthy "$(health_of cc)"
	hull run -d --name dd test sleep 600
	run -1 hull healthcheck run dd
	assert_has "container dd has no defined healthcheck"
	hull stop -t 0 cc
	run -1 hull healthcheck run cc
	assert_has "is not running"
}

@test "health: output, and commands that cannot be executed" {
	hull run -d --name cc --health-cmd 'yes | head -c 5000' --health-interval 1h test sleep 600
	hull healthcheck run cc
	assert_equal 2048 "$(hull inspect -f '{{(index .State.Health.Log 0).Output}}' cc | grep -cx y)"
	[[ "$(hull inspect -f '{{(index .State.Health.Log 0).Output}}' cc)" == *... ]]
	make_image odd 'HEALTHCHECK --interval=1h CMD ["/nowhere"]'
	hull run -d --name dd odd sleep 600
	run -1 hull healthcheck run dd
	assert_equal 127 "$(hull inspect -f '{{(index .State.Health.Log 0).ExitCode}}' dd)"
	assert_equal "hull-init: cannot run /nowhere: no such file or directory; check the path" "$(hull inspect -f '{{(index .State.Health.Log 0).Output}}' dd)"
}

@test "health: one that cannot be executed is known at once" {
	hull run -d --name cc --user user --health-cmd true --health-interval 1h --health-retries 9 test sleep 600
	hull healthcheck run cc
	hull exec -u 0 cc sh -c 'echo >/etc/passwd'
	local start took=1000000
	for _ in 1 2 3 4 5; do
		start=$(now_ms)
		run -1 hull healthcheck run cc
		[ $(($(now_ms) - start)) -gt $took ] || took=$(($(now_ms) - start))
	done
	# The quickest. It was a second and more each time, when it was waited for the container's end.
	quick $took 1000
	assert_equal "healthy 5" "$(hull inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' cc)"
	[[ "$(hull inspect -f '{{(index .State.Health.Log 1).Output}}' cc)" == *"unable to find user user"* ]]
}

# bats test_tags=fast,same
@test "health: times as long as Go has them" {
	hull run -d --name cc --health-cmd 'test -e /tmp/go' --health-interval 2562047h --health-timeout 2562047h \
		--health-start-period 2562047h --health-start-interval 2562047h --health-retries 1 test sleep 600
	run -1 hull healthcheck run cc
	hull exec cc touch /tmp/go
	hull healthcheck run cc
	assert_equal "healthy 2" "$(health_of cc) $(checks_of cc)"
}

# bats test_tags=fast,same
@test "health: what to do with one that is unhealthy" {
	for action in stop kill restart; do
		hull run -d --name $action --health-on-failure $action --stop-signal KILL --health-cmd 'test -e /tmp/good' --health-interval "$(every 300)" --health-retries 1 test sleep 600
	done
	wait_for 10 has_status stop exited
	wait_for 10 has_status kill exited
	started() { hull inspect -f '{{.State.StartedAt}}' restart; }
	first=$(started)
	wait_for 10 eval '[ "$(started)" != "$first" ]'
	# hull why tells that it was the check, and not somebody's hull stop.
	[[ $(hull why stop) == "stop: ended because its health check failed: SIGKILL ended it after "*"asked for by       its health check"* ]]
	[[ $(hull why kill) == "kill: ended because its health check failed: SIGKILL ended it after "* ]]
	wait_for 10 eval '[[ $(hull why restart) =~ "it was ended "[0-9]+" time"s?" because its health check failed" ]]'
	wait_for 10 has_status restart running
	wait_for 20 hull exec restart touch /tmp/good
	wait_for 10 is restart healthy
	# A restart policy is asked after a kill, as after any other end.
	hull run -d --name policy --restart always --health-on-failure kill --health-cmd false --health-interval "$(every 300)" --health-retries 1 test sleep 600
	wait_for 20 eval '[ "$(hull inspect -f "{{.RestartCount}}" policy)" -ge 1 ]'
	hull rm -f policy restart
}

@test "health: a check that is killed with its container is no failure, and brings back nothing" {
	check() { hull run -d --name "$1" --health-on-failure restart --health-cmd "$2" --health-interval "$(every 300)" --health-retries 1 test sh -c "$3"; }
	check ended 'touch /tmp/began; sleep 600' 'until test -e /tmp/began; do sleep 0.1; done; exit 3'
	wait_for 20 has_status ended exited
	check stopped 'touch /tmp/began; sleep 600' 'trap "exit 0" TERM; while :; do sleep 0.1; done'
	wait_for 20 hull exec stopped test -e /tmp/began
	hull stop -t 20 stopped
	# Its service is down already, and it has not ended yet.
	check fails 'touch /tmp/began; ! test -e /tmp/down' 'trap "touch /tmp/down; sleep 2; exit 0" TERM; while :; do sleep 0.1; done'
	wait_for 20 is fails healthy
	hull stop -t 3 fails
	wait_for 10 eval '! pgrep -f -- "--root $HULL_ROOT .*system (restart|health|probe)" >/dev/null'
	assert_equal "fails exited,stopped exited,ended exited" "$(hull ps -a --format '{{.Names}} {{.State}}' | paste -sd,)"
	assert_equal 0 "$(hull events --since 1 --until "$(date +%s.%N)" -f event=restart | wc -l)"
	assert_equal "" "$(hull events --since 1 --until "$(date +%s.%N)" -f event=health_status -f container=ended -f container=stopped)"
}

@test "health: what is refused" {
	while IFS='|' read -r options text; do
		# shellcheck disable=SC2086
		run hull create $options test true
		assert_status 125
		assert_has "$text"
	done <<-'END'
		--no-healthcheck --health-cmd x|--no-healthcheck conflicts with --health-* options
		--health-cmd x --health-interval -1s|--health-interval cannot be negative
		--health-cmd x --health-timeout -1s|--health-timeout cannot be negative
		--health-cmd x --health-retries -1|--health-retries cannot be negative
		--health-cmd x --health-start-period -1s|--health-start-period cannot be negative
		--health-cmd x --health-start-interval -1s|--health-start-interval cannot be negative
		--health-cmd x --health-interval x|invalid duration "x"
		--health-on-failure explode|use one of none, restart, stop, kill
	END
	run hull create --health-cmd x --health-interval 10us test true
	assert_has "Interval in Healthcheck cannot be less than 1ms"
}
