#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Crash-only: kill -9 of any of hull's processes at any moment loses no container, no line and no exit
# code, and the next command brings state and kernel back in line.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# The monitor of a container: the parent of its first process.
monitor_of() {
	awk '/^PPid/ { print $2 }' "/proc/$(pid_of "$1")/status"
}

# The file of what `probe count` printed: no line is missing, none is there twice, and there are many.
assert_lines_whole() {
	local n
	n=$(wc -l <"$1")
	[ "$n" -ge 5000 ] || fail "$n lines"
	assert_equal "$(seq -f 'line %06g' 0 $((n - 1)) | md5sum)" "$(md5sum <"$1")"
}

# Nothing that belongs to nothing.
assert_consistent() {
	run hull system check
	[ "$status" = 0 ] || fail "$output"
}

# bats test_tags=fast
@test "monitor killed: the container runs on, output and exit code are kept" {
	hull run -d --name cc test /probe count 10000 /tmp/go
	wait_for 5 logs_have cc "line 000010"
	kill -KILL "$(monitor_of cc)"
	nap 100
	assert_equal running "$(status_of cc)"
	let_end cc /tmp/go
	assert_equal 0 "$(hull wait cc)"
	hull logs cc >all
	assert_lines_whole all
	assert_equal 0 "$(hull inspect -f '{{.State.ExitCode}}' cc)"
}

@test "monitor killed again and again" {
	hull run -d --name cc test sh -c '/probe count 9000 /tmp/go; exit 9'
	# The keeper stays: each new monitor is its child.
	keeper=$(awk '/^PPid/ { print $2 }' "/proc/$(monitor_of cc)/status")
	for _ in 1 2 3 4 5; do
		wait_for 5 pgrep -P "$keeper" -x hull-monitor
		kill -KILL "$(pgrep -P "$keeper" -x hull-monitor)"
		nap 50
	done
	let_end cc /tmp/go
	assert_equal 9 "$(hull wait cc)"
	hull logs cc >all
	assert_lines_whole all
}

# Monitors and keepers: whatever holds something below --runroot.
kill_all_monitors() {
	local pid killed=()
	for pid in $(find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 -lname "$HULL_RUNROOT/*" 2>/dev/null | cut -d/ -f3 | sort -u); do
		[[ "$(readlink "/proc/$pid/exe")" != */hull-monitor ]] || killed+=("$pid")
	done
	kill -STOP "${killed[@]}" # else one starts the other again
	kill -KILL "${killed[@]}"
	# On a busy machine one lives on for some milliseconds, and looks it.
	for pid in "${killed[@]}"; do wait_for 5 eval "! readlink /proc/$pid/exe"; done
}

# code_or_lost WANTED GOT: Linux 6.15 keeps the status for holders of a pidfd, older ones do not.
code_or_lost() {
	[ "$2" = "$1" ] ||
		[ "$2" = 255 -a "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -n 1)" != 6.15 ]
}

@test "monitor and keeper killed: every command that finds the container gives it new ones" {
	for command in 'stop -t 5' 'kill -s TERM' 'exec -d' logs inspect ps top restart; do
		hull run -d --name cc test sh -c 'trap "echo end; exit 7" TERM; echo up; while :; do sleep 0.02; done'
		wait_for 5 logs_have cc up
		kill_all_monitors
		case $command in
		ps) hull ps ;;
		exec*) hull exec -d cc true ;;
		*) hull $command cc ;;
		esac >/dev/null
		case $command in
		restart)
			wait_for 5 logs_have cc end
			hull rm -f cc
			continue
			;;
		stop* | kill*) ;;
		*) kill -TERM "$(pid_of cc)" ;;
		esac
		wait_for 5 has_status cc exited
		code=$(hull inspect -f '{{.State.ExitCode}}' cc)
		code_or_lost 7 "$code" || fail "$command: exit code $code"
		assert_equal "up end" "$(hull logs cc | xargs)"
		hull rm cc
	done
	assert_consistent
}

@test "a monitor that never answers: who looks goes on, stop says so, and rm -f removes the container" {
	mkdir bin
	cp "$HULL_BIN_DIR"/hull{,-init,-monitor,-unpack} bin
	bin/hull run -d --name cc test sleep 1000
	pid=$(pid_of cc)
	kill_all_monitors
	"${CC:-cc}" -static -include unistd.h -x c -o hangs - <<<'int main(void) { for (;;) pause(); }'
	mv hangs bin/hull-monitor
	run --separate-stderr bin/hull stop -t 1 cc
	[ "$status" = 1 ] && [[ $stderr == *"has ended, but its monitor does not record it"*"hint: "*"hull rm -f "* ]] ||
		fail "$status: $stderr"
	[ ! -e "/proc/$pid" ]
	began=$SECONDS
	hull ps -a | grep -q cc
	((SECONDS - began < 10))
	hull rm -f cc
	run ! hull inspect cc
	hull events --since 1h --until "$(($(date +%s) + 1))" --filter event=die --format '{{json .}}' | grep -q 'did not record how it ended'
	kill_all_monitors
	assert_consistent
}

@test "monitor killed, then the keeper too: an attached client goes on with the new one, both ways" {
	mkfifo in
	trap "" PIPE # else nobody tells why the client has ended
	"$HULL" run -i --name cc test sh -c 'n=0; while [ "$l" != bye ]; do
		read -r l || { sleep 0.05; continue; }; n=$((n+1)); echo "$n $l"; done; exit 5' \
		<in >out 2>err 3>&- &
	client=$!
	started_by_test $client
	exec 7>in
	for word in one two three; do
		# What a monitor has taken and not given yet dies with it.
		until grep -q $word out; do
			echo $word >&7 || fail "the client has ended: $(cat err)"
			nap 300
		done
		case $word in
		one) kill -KILL "$(monitor_of cc)" ;;
		two) kill_all_monitors ;;
		*) continue ;;
		esac
		killed=$((${killed-0} + 1))
		wait_for 10 eval '[ "$(grep -c "a new one took over" err)" -ge $killed ]'
	done
	# Between the death of both and the new ones its input has no writer: an end that is none.
	echo bye >&7
	exec 7>&-
	code=0
	wait $client || code=$?
	code_or_lost 5 "$code" || fail "exit code $code"
	assert_equal "one two three bye" "$(cut -d' ' -f2 out | uniq | xargs)"
	hull logs cc >all
	assert_equal "$(seq "$(wc -l <all)")" "$(cut -d' ' -f1 all)"
	assert_equal "" "$(grep -vxFf all out)"
}

@test "monitor and keeper killed, and no other one can be started: the client says why, not that the container has ended" {
	mkdir away
	cp -a "$HULL_BIN_DIR" bin
	HULL=$PWD/bin/hull
	"$HULL" run --name cc test sh -c 'echo ready; sleep 600' >out 2>err 3>&- &
	client=$!
	started_by_test $client
	wait_for 10 grep -q ready out
	mv bin/hull-monitor away
	kill_all_monitors
	wait_for 30 grep -q "its monitor was killed" err
	assert_equal "" "$(grep "has ended since" err)"
	grep -qE "its monitor was killed, and none could be reached since: container cc: cannot start a new monitor: No such file" err || fail "$(cat err)"
	assert_equal running "$(status_of cc)"
	mv away/hull-monitor bin
	hull kill cc
	wait $client || :
}

@test "monitor and keeper killed: a client still reaches the container's stdin" {
	hull run -di --name cc test sh -c 'until [ -e /tmp/go ]; do sleep 0.05; done; read line; echo "got $line"'
	kill_all_monitors
	hull exec cc touch /tmp/go
	run within 20 "$HULL" attach cc 3>&- <<<input
	wait_for 10 logs_have cc 'got input'
	assert_consistent
}

@test "every process of hull killed at once: the container runs on; its end is noticed" {
	hull run -d --name cc test sh -c 'until [ -e /tmp/go ]; do sleep 0.05; done; exit 6'
	id=$(hull inspect -f '{{.Id}}' cc)
	kill_all_monitors
	assert_equal running "$(status_of cc)"
	let_end cc /tmp/go
	wait_for 10 has_status cc exited
	run hull wait cc
	# Linux 6.15 keeps the status for holders of a pidfd; before, hull says that it does not know.
	[ "$output" = 6 ] || [ "$output" = 255 ]
	assert_consistent
}

@test "attached client killed: the container does not notice" {
	"$HULL" run --name cc test /probe count 5000 /tmp/go >/dev/null 3>&- &
	client=$!
	wait_for 5 logs_have cc "line 000020"
	kill -KILL $client
	let_end cc /tmp/go
	assert_equal 0 "$(hull wait cc)"
	hull logs cc >all
	assert_lines_whole all
}

@test "the container's first process killed from outside" {
	hull run -d --name cc test sleep 600
	kill -KILL "$(pid_of cc)"
	assert_equal 137 "$(hull wait cc)"
	assert_consistent
}

@test "stop killed half-way: the container is as it was or stopped, and can be stopped" {
	hull run -d --name cc test sleep 600
	timeout -s KILL 0.3 "$HULL" stop cc 3>&- || true
	hull stop -t 1 cc
	assert_equal exited "$(status_of cc)"
}

@test "keeper killed while the run folder is cleaned up: the new one does not do what its filter forbids" {
	hull run -d --name cc test sleep 600
	monitor=$(monitor_of cc)
	rm "$HULL_RUNROOT/containers/$(hull inspect -f '{{.Id}}' cc)/inflight"
	kill -KILL "$(awk '/^PPid/ { print $2 }' "/proc/$monitor/status")"
	wait_for 5 pgrep -P "$monitor" -x hull-keeper
	keeper=$(pgrep -P "$monitor" -x hull-keeper)
	nap 100
	assert_equal "$keeper" "$(pgrep -P "$monitor" -x hull-keeper)"
}

@test "a --rm container whose monitor was killed is removed all the same" {
	hull run -d --rm --name cc test sh -c 'until [ -e /tmp/go ]; do sleep 0.05; done'
	kill -KILL "$(monitor_of cc)"
	let_end cc /tmp/go
	wait_for 10 eval '[ -z "$(hull ps -aq)" ]'
}

@test "run folder lost (as after a reboot): the container has ended, and starts again" {
	hull run -d --name cc test sleep 600
	hull kill cc
	hull wait cc
	rm -rf "$HULL_RUNROOT"
	assert_equal exited "$(status_of cc)"
	hull start cc
	assert_equal running "$(status_of cc)"
}

@test "a run folder in which something is made while it is being removed goes all the same" {
	need_root
	hull create --name cc test true
	folder=$HULL_RUNROOT/containers/$(hull inspect -f '{{.Id}}' cc)
	mkdir -p "$folder"
	touch "$folder"/{a,b,c,d}
	(
		until [ "$(find "$folder" -name '?' | wc -l)" -lt 4 ]; do sleep 0.01; done
		mkfifo "$folder/stdout"
	) 3>&- &
	started_by_test $!
	# Slow enough that it is made between the look into the folder and its removal.
	strace -f -o /dev/null -e trace=unlinkat -e inject=unlinkat:delay_enter=200000:when=1..6 "$HULL" start -a cc 3>&-
}

@test "wait: one that ends between two looks at it ended with its own exit code" {
	need_root
	hull run -d --name cc test sh -c 'until [ -e /tmp/go ]; do sleep 0.05; done; exit 7'
	pid=$(pid_of cc)
	# It is held up where it asks whether the process that it has just seen is still there.
	strace -f -o /dev/null -e trace=kill -e inject=kill:delay_enter=3000000:when=1 "$HULL" wait cc >code 3>&- &
	client=$!
	started_by_test $client
	nap 500
	let_end cc /tmp/go
	wait_for 10 test ! -e "/proc/$pid"
	hull ps
	wait $client
	assert_equal 7 "$(cat code)"
}

@test "exit record unread: whoever looks next finds it" {
	hull run -d --name cc test sh -c 'until [ -e /tmp/go ]; do sleep 0.05; done; exit 12'
	pid=$(pid_of cc)
	let_end cc /tmp/go
	wait_for 10 test ! -e "/proc/$pid"
	wait_for 10 eval '[ "$(hull inspect -f "{{.State.ExitCode}}" cc)" = 12 ]'
}

@test "full log disk: the container never blocks, drops are counted" {
	need_root
	mkdir small
	mount -t tmpfs -o size=4m none small
	cp -a "$HULL_ROOT/." small/
	run within 60 env HULL_ROOT="$WORK/small" "$HULL" run --name cc --log-opt max-size=100m test \
		sh -c 'dd if=/dev/zero bs=1k count=20000 2>/dev/null | tr "\0" "x" | fold -w 1000; echo end >&2' 3>&-
	result=$status
	HULL_ROOT=$WORK/small hull rm -f cc || true
	umount -l small
	[ "$result" = 0 ] || fail "status $result" "${output: -300}"
}

@test "run -d that is killed half-way: what is left was created or runs, but never ended" {
	for i in {1..30}; do
		"$HULL" run -d --name "c$i" test sleep 600 >/dev/null 2>&1 3>&- &
		client=$!
		sleep "0.00$((i % 10))"
		kill -KILL $client 2>/dev/null || true
		wait $client || true
	done
	settled() { [ -z "$(hull ps -aq --filter status=exited)$(hull ps -a --format '{{.Status}}' | grep -v '^Created\|^Up ')" ]; }
	wait_for 10 settled
	for name in $(hull ps -a --filter status=created --format '{{.Names}}'); do
		run hull why "$name"
		assert_has "its start was interrupted"
		assert_has "hull start $name"
		hull start "$name"
		break
	done
	# Folders of those that were killed before their row was there.
	swept() {
		hull container prune -f
		[ "$(find "$HULL_ROOT/containers" -mindepth 1 -maxdepth 1 | wc -l)" = "$(hull ps -aq | wc -l)" ]
	}
	wait_for 10 swept
}

@test "a folder that a killed create left goes with the next rm or prune" {
	local folder
	folder=$HULL_ROOT/containers/$(printf '%064d' 7)
	mkdir "$folder"
	pruned() { hull container prune -f && [ ! -e "$folder" ]; }
	wait_for 10 pruned
	mkdir "$folder"
	removed() { hull create --name cc test && hull rm cc && [ ! -e "$folder" ]; }
	wait_for 10 removed
}

@test "monitor and keeper of another version of hull killed: their successors have a configuration that they can read" {
	local monitor
	hull run -d --name cc test sh -c 'while :; do echo line; sleep 0.1; done'
	monitor=$(monitor_of cc)
	kill -KILL "$(awk '/^PPid/ { print $2 }' "/proc/$monitor/status")" "$monitor"
	truncate -s 200 "$HULL_RUNROOT/containers/$(hull inspect -f '{{.Id}}' cc)/monitor"
	more_lines() { [ "$(hull logs cc | wc -l)" -gt "$1" ]; }
	wait_for 20 more_lines 0
	wait_for 20 more_lines "$(hull logs cc | wc -l)"
	timeout $((60 * PATIENCE)) "$HULL" stop -t 0 cc
	hull rm cc
}
