#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What hull explains: why a container is as it is, what its processes do with signals, who leaves zombies.

load lib

setup() { hull_setup; }
teardown() {
	if [ -n "${MOUNTED-}" ]; then
		hull ps -aq | xargs -r "$HULL" rm -f
		wait_for 20 umount "$MOUNTED" # a monitor's last command may still hold it
	fi
	hull_teardown
}

# verdict NAME: its first line, without the name.
verdict() {
	hull why "$1" | sed -n "1s/^$1: //p"
}
# blind ARG...: hull without the kernel's log, as where it may not be read.
blind() {
	unshare -m sh -c 'mount --bind /dev/null /dev/kmsg && exec "$@"' sh "$HULL" "$@"
}
ended() {
	[ "$(status_of "$1")" = exited ]
}

@test "why: the kernel killed it for memory, its own limit; a child of it; and after it was removed" {
	local own="its main process was killed by the kernel: the container reached its memory limit of 16MiB"
	run hull run --name cc -m 16m --memory-swap 16m test /probe eat 64
	assert_equal "$own" "$(verdict cc)"
	run hull why cc
	assert_has "killed for memory  1 process"
	assert_has "137 (SIGKILL)"
	assert_has "the kernel's log names it"
	[[ $output =~ victim\ +probe\ \(pid\ [0-9]+\ of\ the\ host\),\ which\ held\ 1[0-9.]+MiB: ]]
	assert_has "the kernel killed a process of it for memory"
	run hull why --json cc
	assert_equal "16MiB 137 (SIGKILL)" "$(python3 -c 'import json, sys
o = json.loads(sys.argv[1])
print(o["Evidence"]["memory limit"], o["Evidence"]["exit code"])
assert [m["Text"] for m in o["TimeLine"]][:2] == ["created", "started"]' "$output")"
	id=$(hull inspect -f '{{.Id}}' cc)
	hull update -m 32m --memory-swap 32m cc
	hull rm cc
	for name in cc "$id"; do
		run hull why "$name"
		assert_status 0
		assert_has "$own (it was removed since)"
	done
	hull run -d --name dd -m 16m --memory-swap 16m test sh -c '/probe eat 64; sleep 600'
	wait_for 10 eval "hull why dd | grep -q 'a process of it was killed by the kernel: the container reached its memory limit of 16MiB'"
}

@test "why: right after the end, when nobody has taken note of it yet, and of one that only the row tells" {
	for i in {1..30}; do
		hull run --name "c$i" test sh -c 'exit 3' || [ $? = 3 ]
		[[ $(verdict "c$i") == "its command ended by itself with 3 after "* ]] || fail "$(verdict "c$i")"
	done
	python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute("DELETE FROM event")' "$HULL_ROOT/hull.db"
	[[ $(verdict c1) == "its command ended by itself with 3 after "* ]]
}

@test "why: killed for memory by the limit of a group above it, and what is concluded without the kernel's log" {
	local parent="/hull-why-$$" dir
	PARENT_GROUPS=("hull-why-$$")
	hull run -d --name first --cgroup-parent "$parent" test sleep 600
	dir=$(cgroup_dir first memory)
	dir=${dir%/*}
	if is_v1 memory; then
		echo 16M >"$dir/memory.limit_in_bytes"
		[ ! -e "$dir/memory.memsw.limit_in_bytes" ] || echo 16M >"$dir/memory.memsw.limit_in_bytes"
	else
		echo 16M >"$dir/memory.max"
		[ ! -e "$dir/memory.swap.max" ] || echo 0 >"$dir/memory.swap.max"
	fi
	local above="killed by the kernel: the group $parent above it %sreached its memory limit of 16MiB, which all that is in it share"
	run hull run --name cc --cgroup-parent "$parent" -m 64m --memory-swap 64m test /probe eat 32
	assert_equal "its main process was $(printf "$above" "")" "$(verdict cc)"
	run hull why cc
	assert_has "hull update cannot lift the limit of $parent"
	# Without the log: by whose counters rose.
	run blind run --name dd --cgroup-parent "$parent" -m 64m --memory-swap 64m test /probe eat 32
	assert_equal "its main process was probably $(printf "$above" "probably ")" "$(verdict dd)"
	run blind run --name ee -m 16m --memory-swap 16m test /probe eat 64
	assert_equal "its main process was probably killed by the kernel: the container probably reached its memory limit of 16MiB" "$(verdict ee)"
	run hull why ee
	assert_has "the counters of the groups"
}

@test "why: killed because the machine itself had no memory left" {
	[ -n "${RUN_IN_VM-}" ] || skip "only in a machine that is thrown away"
	local all
	all=$(awk '/^(MemTotal|SwapTotal)/ { n += $2 } END { print int(n / 1024) }' /proc/meminfo)
	run hull run --name cc --oom-score-adj 1000 test /probe eat "$all"
	assert_status 137
	assert_equal "its main process was killed by the kernel: the machine had no memory left" "$(verdict cc)"
	run hull why cc
	assert_line 'victim +probe \(pid [0-9]+ of the host\), which held [0-9.]+[MG]iB: '
	assert_has "limits (-m) on those that need much protect the others"
	# Concluded, where the log cannot be read: no group was full.
	run blind run --name dd --oom-score-adj 1000 test /probe eat "$all"
	# It takes long to be gone, on a slow machine too long to tell who it was.
	[[ $(verdict dd) == @(its main process was probably killed by the kernel|it was ended by SIGKILL, which hull did not send: the kernel did, for want of memory, or a process; before that a process of it was killed by the kernel)": the machine probably had no memory left" ]] ||
		fail "$(hull why dd)"
}

@test "why: what was killed for memory before it ended by itself; doctor of one that runs" {
	local limit="the container reached its memory limit of 16MiB"
	hull run --name aa -m 16m --memory-swap 16m test sh -c '/probe eat 64; /probe eat 64; exit 5' || [ $? = 5 ]
	run hull why aa
	assert_line "^aa: its command ended by itself with 5 after .*; before that 2 processes of it were killed by the kernel, the last one probe: $limit\$"
	assert_has "hull update -m SIZE aa"
	# Whatever told the shell of a SIGKILL.
	hull run --name dd -m 16m --memory-swap 16m test sh -c '/probe eat 64; sh -c "kill -9 \$\$"; exit 137' || [ $? = 137 ]
	[[ $(verdict dd) == "its command returned 137, by which a shell tells that SIGKILL ended what it ran; "*"; before that a process of it was killed by the kernel, probe: $limit" ]] || fail "$(verdict dd)"
	hull run --name bb -m 16m --memory-swap 16m test sh -c '/probe eat 64; exit 0'
	run hull why bb
	assert_line "^bb: its command ended by itself, with success, after .*; before that a process of it was killed by the kernel, probe: $limit\$"
	assert_lacks "a server must stay"
	hull rm bb
	run hull why bb
	assert_has "before that a process of it was killed by the kernel, probe"
	hull run -d --name cc -m 16m --memory-swap 16m test sh -c 'while :; do /probe eat 64; sleep 0.1; done'
	finds() { hull doctor cc >found || [ $? = 1 ]; grep -q 'process.* of it for memory.*probe; its limit is 16MiB' found; }
	wait_for 10 finds
}

@test "why: how much it waited before an end with a fault, and that the disk of its layer and log was full" {
	hull run -d --name pp test sleep 600
	[ -e "$(cgroup_dir pp none)/cpu.pressure" ] || skip "no pressure stall information"
	hull rm -f pp
	run hull run --name cc --cpus 0.1 test sh -c 'i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done; exit 3'
	assert_status 3
	run hull why cc
	assert_line "^ +waited at the end +of the last 10 s for (.*; )?cpu [0-9.]+ % .*, [0-9.]+ m?s since its start"
	# What it did not wait for is no evidence.
	sql "UPDATE event SET attributes = json_set(attributes, '$.pressure', ?) WHERE action = 'die'" \
		"memory=0.00,0.00,0 cpu=0.00,0.00,35 io=0.00,0.00,120000"
	run hull why cc
	assert_line "^ +waited at the end +of the last 10 s for io 0.00 % \(all at once 0.00 %\), 120 ms since its start$"
	sql "UPDATE event SET attributes = json_set(attributes, '$.pressure', ?) WHERE action = 'die'" \
		"memory=0.00,0.00,0 cpu=0.00,0.00,0 io=0.00,0.00,0"
	run hull why cc
	assert_lacks "waited at the end"
	# An end without a fault is not looked at.
	hull run --name dd test true
	run hull why dd
	assert_lacks "waited at the end"
	mkdir disk
	mount -t tmpfs -o size=24m none disk
	MOUNTED=$PWD/disk
	export HULL_ROOT=$PWD/disk/root
	tar -C "$ROOTFS" --exclude=./probe -c . | hull import - small >/dev/null
	hull run --name ee small sh -c 'dd if=/dev/zero of=/fill bs=64k; yes | head -c 300000; exit 3' >wrote 2>&1 ||
		assert_equal 3 $?
	local kept
	kept=$(hull logs ee 2>&1 | wc -c)
	run hull why ee
	assert_line "^ +not in its log +$(($(wc -c <wrote) - kept)) bytes that it wrote: the log could not be written then$"
	assert_line "^ee: its command ended by itself with 3 after [^;]*; the disk that its layer is on had [0-9.]+[KM]?i?B left$"
	assert_line "^ +room at the end +the disk that its layer is on: "
	hull rm ee
}

@test "why: a disk of which only the part that is kept for root is left is not full for root" {
	truncate -s 64M image
	mkfs.ext4 -q -m 40 image
	mkdir disk
	mount -o loop image disk 2>/dev/null || skip "this kernel has no loop device or no ext4"
	MOUNTED=$PWD/disk
	export HULL_ROOT=$PWD/disk/root
	tar -C "$ROOTFS" --exclude=./probe -c . | hull import - small >/dev/null
	mkdir go
	chmod 777 go
	hull volume create vol
	hull run --rm -v vol:/vol small chmod 777 /vol
	writes() { echo "until [ -e /go/$1 ]; do sleep 0.1; done; dd if=/dev/zero of=$2 bs=64k $3; exit 3"; }
	hull run -d --name aa -v "$PWD/go:/go" small sh -c "$(writes one /fill count=64)"
	hull run -d --name bb -v "$PWD/go:/go" -v vol:/vol --user 1000 small sh -c "$(writes user /vol/fill)"
	hull run -d --name cc -v "$PWD/go:/go" small sh -c "$(writes all /fill)"
	touch go/user
	assert_equal 3 "$(hull wait bb)"
	run hull why bb
	assert_has "bb: its command ended by itself with 3 after"
	assert_has "No space left"
	assert_line "^ +room at the end +the disk that its layer is on: [0-9.]+MiB left, which are kept for root$"
	touch go/one
	assert_equal 3 "$(hull wait aa)"
	run hull why aa
	assert_line "^aa: its command ended by itself with 3 after [^;]*$"
	assert_lacks "No space left"
	touch go/all
	assert_equal 3 "$(hull wait cc)"
	run hull why cc
	assert_line "; the disk that its layer is on had [0-9.]+[KM]?i?B left$"
	hull rm aa bb cc
}

@test "why: a tmpfs that was full: of --tmpfs, /dev/shm, a volume; not one that was not, or that is no trouble" {
	local n=0 name mount fill='dd if=/dev/zero of=%s/fill bs=64k count=400 2>/dev/null; usleep 200000; exit %s'
	# One that is over within milliseconds may be gone before its tmpfs can be held.
	full() { # NAME PATH CODE ARGUMENT...
		local code=0
		# shellcheck disable=SC2059
		hull run --name "$1" "${@:4}" test sh -c "$(printf "$fill" "$2" "$3")" || code=$?
		assert_equal "$3" "$code"
	}
	full aa /cache 3 --tmpfs /other --tmpfs /cache:mode=777,size=8m
	[[ $(verdict aa) == "its command ended by itself with 3 after "*"; its tmpfs /cache of 8m had less than 64KiB left" ]] || fail "$(verdict aa)"
	run hull why aa
	assert_line "^ +room at the end +the tmpfs /cache of 8m: less than 64KiB left$"
	assert_has "--tmpfs PATH:size="
	full bb /dev/shm 3 --shm-size 8m --init
	[[ $(verdict bb) == *"; its tmpfs /dev/shm of 8MiB had less than 64KiB left" ]] || fail "$(verdict bb)"
	hull volume create -o type=tmpfs -o device=tmpfs -o o=size=4m mem
	hull volume create -o type=tmpfs -o device=tmpfs -o size=4m sized
	for name in mem sized; do
		full "v$name" /v 4 -v "$name:/v" -v other:/w --mount type=tmpfs,dst=/m
		[[ $(verdict "v$name") == *"; its tmpfs /v of 4"@(m|MiB)" had less than 64KiB left" ]] || fail "$(verdict "v$name")"
	done
	full ok /cache 0 --tmpfs /cache:size=8m
	full room /cache 3 --tmpfs /cache:size=64m
	hull run --name empty --tmpfs /cache:size=8m test sh -c 'dd if=/dev/zero of=/cache/fill bs=64k count=400; rm /cache/fill; exit 3' || [ $? = 3 ]
	for name in ok room empty; do
		run hull why $name
		assert_lacks "tmpfs"
	done
	# What is the host's is not the container's, wherever it is mounted.
	mkdir host
	mount -t tmpfs -o size=1m none host
	hull volume create -o type=none -o o=bind -o device="$WORK/host" bound
	for mount in "$WORK/host:/dev/shm" bound:/d; do
		name=h$((++n))
		full $name "${mount#*:}" 3 -v "$mount"
		rm host/fill
		[[ $(verdict $name) != *"its tmpfs"* ]] || fail "$(verdict $name)"
	done
	hull rm h1 h2 >/dev/null
	wait_for 20 umount host
	# Who may unmount it can: nobody holds it.
	hull run --name priv --privileged --tmpfs /cache:size=8m test sh -c 'sleep 0.2; umount /cache'
}

# killed_for_memory CONTAINER: how many, as the kernel counts them.
killed_for_memory() {
	cgroup_value "$1" memory memory.oom_control memory.events | awk '$1 == "oom_kill" { print $2 }'
}
parent_of() {
	awk '/^PPid/ { print $2 }' "/proc/$1/status"
}

@test "why: who ends one whose children are killed for memory is not the kernel; when it killed them" {
	local name before monitor keeper
	for name in aa bb; do
		hull run -d --name $name -m 16m --memory-swap 16m test sh -c 'while :; do /probe eat 64; done'
		wait_for 20 eval '[ "$(killed_for_memory '$name')" -ge 2 ]'
	done
	hull kill aa
	[[ $(verdict aa) == "ended by hull kill: SIGKILL ended it after "*"; before that "*" processes of it were killed by the kernel"* ]]
	kill -KILL "$(pid_of bb)"
	wait_for 10 ended bb
	[[ $(verdict bb) == "it was ended by SIGKILL, which hull did not send: "*"; before that "* ]]
	run hull ps -a --format '{{.Names}} {{.Status}}'
	assert_line 'bb Exited \(137\) .* ago \(a process of it was killed for memory\)'
	hull run -d --name cc -m 16m --memory-swap 16m test sh -c '/probe eat 64; echo ready; until [ -e /end ]; do sleep 0.05; done; exit 3'
	wait_ready cc
	before=$(date +%s%N)
	let_end cc /end
	wait_for 10 ended cc
	run hull why --json cc
	python3 -c 'import json, sys
from datetime import datetime
line = json.loads(sys.argv[1])["TimeLine"]
assert [m["Text"] for m in line] == ["created", "started", "the kernel killed a process of it for memory", "ended with 3"], line
at = datetime.fromisoformat(line[2]["Time"].rstrip("Z")[:26].ljust(26, "0") + "+00:00").timestamp()
assert at <= int(sys.argv[2]) / 1e9, (at, sys.argv[2])' "$output" "$before"
	# Also where whoever watches it has come later than the kill.
	hull run -d --name dd -m 16m --memory-swap 16m test sh -c '/probe eat 64; echo ready; exec sleep 600'
	wait_ready dd
	monitor=$(parent_of "$(pid_of dd)")
	keeper=$(parent_of "$monitor")
	kill -KILL "$monitor"
	wait_for 10 eval 'pgrep -P $keeper -x hull-monitor | grep -vx $monitor'
	kill -KILL "$(pid_of dd)"
	wait_for 10 ended dd
	[[ $(verdict dd) == "it was ended by SIGKILL, which hull did not send: "*"; before that a process of it was killed by the kernel"* ]]
}

@test "why: whom the kernel killed for memory some seconds before a SIGKILL is not known without its log" {
	blind run --name cc -m 16m --memory-swap 16m test sh -c '/probe eat 64; sleep 2.5; echo ready; exec sleep 600' 3>&- &
	started_by_test $!
	wait_ready cc
	kill -KILL "$(pid_of cc)"
	wait_for 10 ended cc
	assert_equal "it was ended by SIGKILL, which hull did not send: the kernel did, for want of memory, or a process; before that a process of it was killed by the kernel: the container probably reached its memory limit of 16MiB" \
		"$(verdict cc)"
}

@test "why: with --init a process of the container may have ended the command; its own limit on memory, or just after it" {
	hull run --name aa --init test sh -c 'kill -9 $$' || [ $? = 137 ]
	assert_equal "it was ended by SIGKILL, which hull did not send: a process did, in the container or outside of it" "$(verdict aa)"
	hull run -d --name bb test sleep 600
	kill -KILL "$(pid_of bb)"
	wait_for 10 ended bb
	assert_equal "it was ended by SIGKILL, which hull did not send: a process outside of the container did" "$(verdict bb)"
	# Whose kill it was nobody knows of what hull-init runs.
	local own="its main process was probably killed by the kernel: the container reached its memory limit of 16MiB"
	hull run --name own --init -m 16m --memory-swap 16m test /probe eat 64 || [ $? = 137 ]
	assert_own() { assert_equal "$own$2" "$(verdict "$1" | sed 's/container probably/container/')"; } # the log is not written for each
	assert_own own
	hull run --name dd --init -m 16m --memory-swap 16m test sh -c '/probe eat 64; kill -9 $$' || [ $? = 137 ]
	assert_own dd
	run hull why dd
	assert_has "that this was the one no record tells"
	hull rm own
	assert_own own " (it was removed since)"
	hull run --name ee --init -m 16m --memory-swap 16m test sh -c '/probe eat 64; sleep 2.5; kill -9 $$' || [ $? = 137 ]
	[[ $(verdict ee) == "it was ended by SIGKILL, which hull did not send: "@(a process did, in the container or outside of it|the kernel did, for want of memory, or a process)"; before that a process of it was killed by the kernel"* ]]
}

@test "why: a limit on processor time; a key at the terminal" {
	for init in "" --init; do
		hull run --name "cpu$init" $init --ulimit cpu=1 test sh -c 'while :; do :; done' || [ $? = 137 ]
		assert_equal "it was ended by SIGKILL, which hull did not send: the kernel did, at its limit on processor time (--ulimit cpu), or a process" "$(verdict "cpu$init")"
	done
	hull run --name soft --init --ulimit cpu=1:60 test sh -c 'while :; do :; done' || [ $? = 152 ]
	assert_equal "it was ended by SIGXCPU: usually its limit on processor time (--ulimit cpu)" "$(verdict soft)"
	# Who did not use so much did not come to it, however long he lived.
	hull run -d --name long --ulimit cpu=2:2 test sh -c 'sleep 3; echo ready; sleep 600'
	hull run -d --name xcpu --init --ulimit cpu=2:60 test sh -c 'sleep 3; echo ready; exec sleep 600'
	wait_ready long
	kill -KILL "$(pid_of long)"
	wait_for 10 ended long
	[[ $(verdict long) == *": a process outside of the container did" ]] || fail "$(verdict long)"
	wait_ready xcpu
	kill -XCPU "$(pgrep -P "$(pid_of xcpu)")"
	wait_for 10 ended xcpu
	[[ $(verdict xcpu) == "it was ended by SIGXCPU, which hull did not send: a process did, "* ]] || fail "$(verdict xcpu)"
	python3 -c 'import pty, os, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", "-it", "--init", "--name", "key", "test", "sh", "-c", "echo ready; exec sleep 600"])
seen = b""
while b"ready" not in seen:
    seen += os.read(fd, 100)
os.write(fd, b"\3")
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130' "$HULL"
	assert_equal "it was ended by SIGINT, which hull did not send: its terminal did (a key like Ctrl-C, or its end), or a process" "$(verdict key)"
}

@test "why: a signal that did nothing, one of long ago, and a kill from elsewhere while it is stopped" {
	hull run -d --name aa -v "$PWD:/go" test sh -c 'until [ -e /go/end ]; do usleep 20000; done; exit 5'
	hull stop -t 60 aa &
	wait_for 10 eval "hull why aa | grep -q 'hull sent SIGTERM'"
	touch end
	wait $!
	[[ $(verdict aa) == "stopped: SIGTERM did nothing, for its first process has no handler for it; it ended by itself with 5, "*" after it" ]]
	hull run -d --name bb test sleep 600
	hull stop -t 60 bb &
	wait_for 10 eval "hull why bb | grep -q 'hull sent SIGTERM'"
	kill -KILL "$(pid_of bb)"
	wait $!
	assert_equal "stopped: it was sent SIGTERM, and SIGKILL ended it, which hull did not send" "$(verdict bb)"
	# What it took, and ended much later.
	hull run -d --name cc test sh -c 'trap : TERM; echo ready; until [ -e /end ]; do usleep 20000; done; exit 3'
	wait_ready cc
	hull kill -s TERM cc
	let_end cc /end
	wait_for 10 ended cc
	[[ $(verdict cc) == "its command ended by itself with 3 after "*"; "*"s before that hull sent it SIGTERM, for which it had a handler" ]] || fail "$(verdict cc)"
	run hull why cc
	assert_has "asked for by       uid $(id -u), from "
	sql "UPDATE event SET time = time - 60000000000 WHERE action = 'kill'"
	[[ $(verdict cc) == "its command ended by itself with 3 after "*"; "*" before that hull sent it SIGTERM, for which it had a handler" ]] || fail "$(verdict cc)"
	# A signal that is no wish that it ends; one behind it that ends nobody.
	for name in HUP INT; do
		hull run -d --name "on$name" test sh -c "trap 'exit 4' $name; echo ready; while :; do usleep 20000; done"
		wait_ready "on$name"
	done
	hull kill -s HUP onHUP
	hull pause onINT
	hull kill -s INT onINT
	hull kill -s CONT onINT
	hull unpause onINT || true # a signal to one that is paused may have it go on, to its end
	wait_for 10 ended onHUP
	wait_for 10 ended onINT
	for name in HUP INT; do
		[[ $(verdict on$name) == "its command ended by itself with 4 after "*"s before that hull sent it SIG$name, for which it had a handler" ]] || fail "$(verdict on$name)"
	done
	# What ends long after one that is no wish to end is not told of it. Nor does a handler end it.
	sql "UPDATE event SET time = time - 60000000000 WHERE action = 'kill'"
	[[ $(verdict onHUP) == "its command ended by itself with 4 after "* && $(verdict onHUP) != *SIGHUP* ]] || fail "$(verdict onHUP)"
	hull run -d --name again --pid host test sh -c 'trap "trap - TERM; kill -TERM \$\$" TERM; echo ready; while :; do usleep 20000; done'
	wait_ready again
	hull kill -s TERM again
	wait_for 10 ended again
	[[ $(verdict again) == "it was ended by SIGTERM, "*"s after hull sent one, for which it had a handler" ]] || fail "$(verdict again)"
	# One that does nothing behind it; one of hull kill in the grace time of stop.
	hull run -d --name two test sh -c 'trap "touch /got" TERM; trap "" HUP; echo ready; until [ -e /end ]; do usleep 20000; done'
	wait_ready two
	hull kill -s TERM two
	hull kill -s HUP two
	let_end two /end
	wait_for 10 ended two
	[[ $(verdict two) == "its command ended by itself, with success, after "*"s before that hull sent it SIGTERM, for which it had a handler" ]] || fail "$(verdict two)"
	hull run -d --name grace test sh -c 'trap : USR1; trap "" TERM; echo ready; while :; do usleep 20000; done'
	wait_ready grace
	hull stop -t 2 grace 2>/dev/null &
	wait_for 10 eval "hull why grace | grep -q 'hull sent SIGTERM'"
	hull kill -s USR1 grace
	wait $!
	[[ $(verdict grace) == "stopped: it did not end on SIGTERM, which its first process ignores, and was killed after "* ]] || fail "$(verdict grace)"
	# What the one who waits gets is passed on.
	for init in "" --init; do
		"$HULL" run --name "fg$init" $init test sh -c 'echo ready; [ -n "$1" ] && exec sleep 600; trap "exit 3" INT; while :; do usleep 20000; done' sh "$init" >fg.out 3>&- &
		started_by_test $!
		wait_for 10 eval '[ "$(status_of "fg'$init'")" = running ] && hull logs "fg'$init'" | grep -q ready && { [ -n "'$init'" ] || hull explain fg signals | grep -q "catches.*INT"; }'
		kill -INT $!
		wait_for 10 ended "fg$init"
	done
	[[ $(verdict fg) == "its command ended by itself with 3 after "*"s before that hull sent it SIGINT, for which it had a handler" ]] || fail "$(verdict fg)"
	[[ $(verdict fg--init) == "ended by a signal that hull sent: SIGINT ended it after "* ]] || fail "$(verdict fg--init)"
	# In whose process namespace it was.
	hull run -d --name first test sleep 600
	hull run -d --name inside --pid container:first test sleep 600
	hull kill first
	wait_for 10 ended inside
	[[ $(verdict inside) == "it was ended by SIGKILL, which hull did not send: the kernel did, "@(for|if)" the first process of container first, in whose pid namespace it was, had ended; or a process" ]] || fail "$(verdict inside)"
	hull start first
	hull start inside
	kill -KILL "$(pid_of inside)"
	wait_for 10 ended inside
	[[ $(verdict inside) == *": a process did, in the container or outside of it" ]] || fail "$(verdict inside)"
	# That stays so when the other one ends later; of one that is not there any more it is not known.
	nap 1200
	hull stop -t 0 first 2>/dev/null
	[[ $(verdict inside) == *": a process did, in the container or outside of it" ]] || fail "$(verdict inside)"
	hull rm first
	[[ $(verdict inside) == *"the kernel did, if the first process of container "* ]] || fail "$(verdict inside)"
	# Another one did not wait for the time of stop.
	hull run -d --name overtaken test sh -c 'trap "" TERM; echo ready; while :; do usleep 20000; done'
	wait_ready overtaken
	hull stop -t 60 overtaken 2>/dev/null &
	wait_for 10 eval "hull why overtaken | grep -q 'hull sent SIGTERM'"
	hull kill overtaken
	wait $!
	[[ $(verdict overtaken) == "stopped: hull kill or rm -f sent SIGKILL, "*" after stop had sent SIGTERM" ]] || fail "$(verdict overtaken)"
	[[ "$(hull why overtaken)" != *stop-timeout* ]]
	hull run -d --name gone test sleep 600
	hull rm -f gone
	[[ $(verdict gone) == "ended by hull kill or rm -f: SIGKILL ended it after "* ]]
}

# The kernel writes no more than ten such lines in five seconds: crash_told NAME WHAT VERDICT.
crash_told() {
	hull rm -f "$1" >/dev/null 2>&1 || true
	hull run --name "$1" test /probe crash "$2" || [ $? = 139 ]
	[[ $(verdict "$1") == $3 && $(verdict "$1") != $4 ]]
}

@test "why: abort() of PID 1, a crash of it, and abort() with --init" {
	[ "$(uname -m)" = x86_64 ] || skip "another processor tells it otherwise"
	wait_for 30 crash_told aa abort "it was ended by SIGSEGV: probably its program called abort();*" ""
	run hull why aa
	assert_has "the kernel's log   general protection fault"
	assert_has "--init"
	wait_for 30 crash_told bb write "it was ended by SIGSEGV: usually a crash, by the use of memory *" "*abort*"
	run hull why bb
	assert_has "segfault at 0"
	# Where the log cannot be read both may be.
	blind run --name cc test /probe crash abort || [ $? = 139 ]
	[[ $(verdict cc) == "it was ended by SIGSEGV: usually a crash, "*"; or, of PID 1, abort(): "* ]]
	hull run --name dd --init test /probe crash abort || [ $? = 134 ]
	run hull why dd
	assert_has "SIGABRT"
	assert_lacks "PID 1, abort()"
}

@test "why, doctor and explain limits: a limit on processes that was reached" {
	has_controller pids
	hull run --name aa --pids-limit 3 test sh -c 'for i in 1 2 3 4 5; do sleep 60 & done; exit 4' || :
	run hull why aa
	assert_line "^aa: .*; before that it reached its limit on processes of 3"
	assert_has "hull update --pids-limit"
	# That of a group above it is not its own.
	PARENT_GROUPS=("hull-why-$$")
	hull run -d --name first --cgroup-parent "/hull-why-$$" test sleep 600
	echo 6 >"$(dirname "$(cgroup_dir first pids)")/pids.max"
	hull run -d --name cc --pids-limit 100 --cgroup-parent "/hull-why-$$" test sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; exit 4'
	wait_for 10 ended cc
	if [ -e "$(cgroup_dir first pids)/pids.peak" ]; then
		[[ $(verdict cc) == *"; before that it reached the limit on processes of another group, above it or inside of it" || $(verdict cc) != *limit* ]] || fail "$(verdict cc)"
	else
		[[ $(verdict cc) == *"; before that it reached a limit on processes, its own of 100 or that of another group" ]] || fail "$(verdict cc)"
	fi
	hull rm -f first cc
	hull run -d --name bb --pids-limit 4 test /probe breed
	finds() { hull doctor bb >found || [ $? = 1 ]; grep -q 'it reached its limit on processes of 4 ' found; }
	wait_for 10 finds
	run hull explain bb limits
	assert_has "limits: it reached its limit on processes of 4 "
}

@test "why: of one that could not be started also what run said to do" {
	mkdir scripts
	printf '#!/no/such/shell\n' >scripts/none
	printf '#!/bin/sh\r\n' >scripts/windows
	chmod +x scripts/*
	run hull run --name none -v "$PWD/scripts:/s" test /s/none
	run hull run --name windows -v "$PWD/scripts:/s" test /s/windows
	run hull why none
	assert_has "its interpreter /no/such/shell does not exist in the image"
	assert_has "install /no/such/shell in the image"
	run hull why windows
	assert_has "its first line ends in a carriage return"
	assert_has "the file has Windows line ends: convert it"
	run hull run -d --name dd --entrypoint /etc/passwd test
	hint=$(sed -n 's/^hint: //p' <<<"$output")
	[ -n "$hint" ]
	# The interpreter is looked at as well.
	local name text want
	cp scripts/none scripts/plain
	chmod -x scripts/plain
	cp "$ROOTFS/bin/busybox" scripts/foreign
	printf '\x08' | dd of=scripts/foreign bs=1 seek=18 conv=notrunc status=none # EM_MIPS
	while IFS='|' read -r name text want; do
		printf '%s\n' "#!$text" >"scripts/$name"
		chmod +x "scripts/$name"
		run hull run --name "$name" -v "$PWD/scripts:/s" test "/s/$name"
		assert_equal "it could not be started: exec: \"/s/$name\": $want" "$(verdict "$name")"
	done <<-'END'
		by-folder|/bin|permission denied: its interpreter /bin is not a regular file
		by-plain|/s/plain|permission denied: its interpreter /s/plain is not executable
		by-foreign|/s/foreign|its interpreter /s/foreign cannot be executed: exec: "/s/foreign": exec format error: the program is for mips, this machine is amd64
		by-script|/s/none|its interpreter /s/none cannot be executed: exec: "/s/none": no such file or directory: its interpreter /no/such/shell does not exist in the image
		by-itself|/s/by-itself|its interpreter /s/by-itself cannot be executed: exec: "/s/by-itself": its interpreter is a script, whose interpreter is one, and so on: the kernel follows five of them
	END
	run hull why dd
	assert_has "it could not be started: "
	assert_has "what to do"
	assert_has "$hint"
}

@test "why: of one that runs what doctor finds: its quota, its health check, a wait in vfork" {
	found() { hull why "$1" | grep -q "^$1: it runs for .*: $2"; }
	hull run -d --name quota --cpus 0.1 test sh -c 'while :; do :; done'
	wait_for 20 found quota "its quota of 0.1 CPUs slows it down"
	run hull why quota
	assert_has "hull update --cpus"
	hull run -d --name ill --health-cmd false --health-interval 100ms --health-retries 1 test sleep 600
	wait_for 20 found ill "its health check fails"
	run hull doctor ill
	assert_status 1
	assert_line "^health: its health check fails"
	hull run -d --name forks test /probe vforked
	wait_for 20 found forks "it adds 1"
	run hull why forks
	assert_has "waits for its child to execute a program"
	assert_lacks "a disk, a network file system"
	hull run -d --name idle test sleep 600
	[[ $(verdict idle) == "it runs for "*", and nothing is recorded that happened to it since" ]]
}

@test "why: of one that runs: stopped from outside; why it had to be started again" {
	local stopped="all its processes (1) are stopped, by SIGSTOP or a debugger: "
	hull run -d --name aa test sleep 600
	kill -STOP "$(pid_of aa)"
	wait_for 10 eval '[[ $(verdict aa) == "it runs for "*": $stopped"* ]]' || fail "$(verdict aa)"
	run -1 hull doctor aa
	assert_has "load: $stopped"
	assert_has "hull kill -s CONT aa lets its first process go on"
	hull kill -s CONT aa
	wait_for 10 eval '[[ $(verdict aa) == "it runs for "*", and nothing is recorded that happened to it since" ]]'
	hull run -d --name bb --init test sleep 600
	wait_for 10 hull exec bb kill -STOP 2
	wait_for 10 eval '[[ $(verdict bb) == "it runs for "*": $stopped"* ]]' || fail "$(verdict bb)"
	# Each end had another cause: the last one is told.
	hull run -d --name cc --restart always -v "$PWD:/n" test sh -c \
		'echo >>/n/times; case $(wc -l </n/times) in 1) exit 3;; 2) exit 4;; esac; sleep 600'
	wait_for 20 eval '[[ $(verdict cc) == "it runs for "*", after its policy started it 2 times again; the last time its command ended by itself with 4 after "* ]]' || fail "$(verdict cc)"
}

@test "why: memory that was full of what is in a tmpfs" {
	hull run --name aa -m 24m --memory-swap 24m --tmpfs /cache test sh -c \
		'dd if=/dev/zero of=/cache/big bs=1M count=16 2>/dev/null; exec /probe eat 64' || [ $? = 137 ]
	run hull why aa
	assert_line "^aa: its main process was killed by the kernel: the container reached its memory limit of 24MiB; 16MiB of it were in tmpfs and shared memory"
	assert_line 'its tmpfs +/dev/shm, /cache'
	assert_has "--tmpfs PATH:size="
	hull run -d --name bb -m 24m --memory-swap 24m --tmpfs /cache test sh -c \
		'dd if=/dev/zero of=/cache/big bs=1M count=16 2>/dev/null; /probe eat 64; exec sleep 600'
	told() { hull why bb | grep -qE '/cache +tmpfs: 16MiB of'; }
	wait_for 20 told
}

@test "ps: STATUS says what ended it" {
	hull run --name aa -m 16m --memory-swap 16m test /probe eat 64 || :
	hull run --name bb -m 32m --memory-swap 32m test sh -c '/probe eat 64; exit 3' || :
	hull run --name dd test sh -c 'exit 4' || :
	hull run -d --name ee test sleep 600
	hull kill ee
	run hull ps -a --format '{{.Names}} {{.Status}}'
	assert_line 'aa Exited \(137\) .* ago \(killed for memory\)'
	assert_line 'bb Exited \(3\) .* ago \(a process of it was killed for memory\)'
	assert_line 'dd Exited \(4\) .* ago$'
	assert_line 'ee Exited \(137\) .* ago \(SIGKILL\)'
}

@test "why: stopped, killed, and who asked for it" {
	hull run -d --name deaf test sleep 600
	hull stop -t 1 deaf
	[[ $(verdict deaf) == "stopped: it did not end on SIGTERM, for which its first process has no handler, and was killed after "*s ]]
	run hull why deaf
	assert_has "asked for by       uid $(id -u), from "
	assert_has "hull sent SIGTERM, which the kernel dropped: PID 1 has no handler"
	assert_has "--init"
	# Whether it ignores it, or takes it and goes on.
	for name in ignores takes; do
		hull run -d --name $name test sh -c 'if [ $0 = ignores ]; then trap "" TERM; else trap : TERM; fi; echo ready; while :; do sleep 1; done' $name
		wait_ready $name
		hull explain $name signals >signals-$name
		hull stop -t 1 $name 2>stop-$name
	done
	grep -q '^ignores: PID 1 ignores SIGTERM; it will be killed after 1 s$' stop-ignores
	grep -q '^signals: stop is not graceful: process 1 sh ignores SIGTERM, and 10 s later all is killed' signals-ignores
	run ! grep -q -- --init signals-ignores
	grep -q '^signals: stop is graceful: process 1 sh has a handler for SIGTERM' signals-takes
	[[ $(verdict ignores) == "stopped: it did not end on SIGTERM, which its first process ignores, and was killed after "*s ]]
	[[ $(hull why ignores) == *"hull sent SIGTERM, which PID 1 ignores"* ]]
	[[ $(verdict takes) == "stopped: it did not end on SIGTERM, for which its first process has a handler, and was killed after "*s ]]
	[[ $(hull why takes) != *"--init"* ]]
	hull run -d --name good --init test sleep 600
	hull stop good
	[[ $(verdict good) == "stopped: "*SIGTERM* && $(verdict good) != *"did not end"* ]]
	hull run -d --name dd test sleep 600
	hull kill dd
	[[ $(verdict dd) == "ended by hull kill: SIGKILL ended it after "* ]]
	hull run -d --name ee test sleep 600
	kill -KILL "$(pid_of ee)"
	wait_for 10 ended ee
	[[ $(verdict ee) == "it was ended by SIGKILL, which hull did not send: "* ]]
	# A signal that it handles, or that the kernel dropped, is not why it ended.
	hull run -d --name ff test sh -c 'trap : HUP; echo up; while :; do [ -e /end ] && exit 3; sleep 0.05; done'
	wait_for 10 eval "hull logs ff | grep -q up"
	hull kill -s HUP ff
	let_end ff /end
	wait_for 10 ended ff
	[[ $(verdict ff) == "its command ended by itself with 3 after "* ]]
	hull run -d --name gg test sh -c 'while :; do [ -e /end ] && exit 0; sleep 0.05; done'
	hull kill -s TERM gg
	let_end gg /end
	wait_for 10 ended gg
	[[ $(verdict gg) == "its command ended by itself, with success"* ]]
	hull run -d --name hh test sleep 600
	hull restart -t 0 hh
	hull kill hh
	[[ $(verdict hh) == "ended by hull kill: SIGKILL ended it after "* ]]
	# Who kept it from ending, also after hull's own words are gone from the log.
	hull run -d --name init --init --log-driver none test sh -c '(trap "" TERM; echo up >/up; while :; do sleep 1; done) & sleep 600'
	wait_for 10 hull exec init test -e /up
	run hull stop -t 1 init
	assert_has "ignored by"
	[[ $(verdict init) =~ ^"stopped: SIGTERM ended it after "[0-9.]+" s; hull-init killed what had not ended in the grace time: "[0-9]+" (sh)"(", "[0-9]+" ("(sh|exe|sleep)")")?$ ]] || # between two rounds it has no child
		fail "$(verdict init)"
}

@test "why: by itself: success, a code, a crash, a shell without input, a code that a shell makes of a signal" {
	hull run --name cc test true
	[[ $(verdict cc) == "its command ended by itself, with success, after "*s ]]
	run hull run --name dd test sh -c 'echo the reason >&2; exit 3'
	[[ $(verdict dd) == "its command ended by itself with 3 after "* ]]
	run hull why dd
	assert_has "| the reason"
	run hull run --init --name ee test sh -c 'kill -SEGV $$'
	[[ $(verdict ee) == *SIGSEGV* ]]
	hull run --name ff test sh </dev/null
	assert_equal "its command is a shell without input: it read the end of its standard input, and was done" "$(verdict ff)"
	run hull run --name gg test sh -c 'sh -c "kill -TERM \$\$"; exit $?'
	[[ $(verdict gg) == "its command returned 143, by which a shell tells that SIGTERM ended what it ran; a program may return it by itself, too"* ]]
	run hull run --name hh test sh -c 'no-such-program'
	[[ $(verdict hh) == "its command returned 127: usually a shell that did not find"* ]]
}

@test "why: never started, could not be started, gave up, waits, runs, paused; there is none" {
	hull create --name cc test true
	assert_equal "it was created, and nobody started it" "$(verdict cc)"
	run hull run --name dd test /no/such/program
	assert_equal 'it could not be started: exec: "/no/such/program": stat /no/such/program: no such file or directory' "$(verdict dd)"
	hull run -d --name ee --restart on-failure:1 test sh -c 'exit 4'
	wait_for 10 eval "hull why ee | grep -q '; its restart policy tried 1 times, and gave up'"
	hull run -d --name fx test sleep 600
	[[ $(verdict fx) == "it runs for "*", and nothing is recorded that happened to it since" ]]
	hull pause fx
	[[ $(verdict fx) == "it is paused: hull unpause fx lets it go on" ]]
	hull unpause fx
	run -1 hull why nosuch
	assert_has "No such container: nosuch"
	hull rm -f fx
	hull run --name fx-other test true
	run hull why fx
	assert_has "(it was removed since)"
	run -1 hull why fx-oth
	mkdir gone
	hull run --name hh --mount "type=bind,src=$PWD/gone,dst=/y" test true
	rmdir gone
	run ! hull start hh
	[[ $(verdict hh) == "it could not be started again: "*"gone"* ]]
	hull run -d --name gg --restart always test false
	wait_for 10 eval "hull why gg | grep -q 'it waits for its next start in .* last time its command ended by itself with 1'"
}

@test "explain signals: exactly the handlers, and a forecast of stop" {
	hull run -d --name cc test /probe handlers
	wait_for 10 eval "hull logs cc | grep -q ready"
	run hull explain cc signals
	assert_status 0
	handlers=$(hull exec cc awk '/^SigCgt/ { print $2 }' /proc/1/status)
	python3 - "$output" "$handlers" <<-'END'
		import re, signal, sys
		names = re.search(r"1 probe\s+catches ([^;]*);", sys.argv[1])[1].split()
		number = lambda n: 64 + int(n[5:] or 0) if n.startswith("RTMAX") else \
		    34 + int(n[6:] or 0) if n.startswith("RTMIN") else getattr(signal, "SIG" + n).value
		assert sum(1 << number(n) - 1 for n in names) == int(sys.argv[2], 16), (names, sys.argv[2])
	END
	hull run -d --name deaf --stop-timeout 7 test sleep 600
	run hull explain deaf signals
	assert_has "signals: stop is not graceful: process 1 sleep has no handler for SIGTERM, so the kernel drops it, and 7 s later all is killed"
	hull run -d --name init --init --stop-signal INT test sleep 600
	run hull explain init signals
	assert_has "stop is graceful: hull-init passes SIGINT on"
	# P6: the default of each, against signal(7); P1: what does not reach number 1.
	assert_line 'default term +the process ends: HUP INT KILL USR1 USR2 PIPE ALRM TERM STKFLT VTALRM PROF IO PWR RTMIN to RTMAX$'
	assert_line 'default core +it ends, with a core: QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS$'
	assert_line 'default stop +it stops: STOP TSTP TTIN TTOU$'
	assert_line 'default cont +it goes on, if it was stopped: CONT$'
	assert_line 'default ignore +nothing: CHLD URG WINCH$'
	assert_line 'to process 1 +KILL and STOP from inside are dropped by the kernel'
	hull run -d --name shared --pid container:deaf test sleep 600
	run hull explain shared signals
	assert_has "default term"
	assert_lacks "to process 1"
	# Names are a process's own; escapes of a terminal are not printed.
	hull run -d --name liar test /probe named $'\033[31mhull-init'
	wait_for 10 eval "hull logs liar | grep -q ready"
	run hull explain liar signals
	[[ $output != *$'\033'* && $output == *"stop is not graceful"* ]]
}

@test "explain zombies: how many, whose, and the limit that they fill; one that does not run; no such topic" {
	hull run -d --name cc --pids-limit 12 test /probe neglect
	wait_for 10 eval "hull explain cc zombies | grep -q '11 zombies'"
	run hull explain cc zombies
	assert_has "zombies: 11 zombies: ended processes that nobody waited for; its limit on processes (12) is reached"
	assert_has "1 probe            does not wait for 11 of its children"
	assert_has "12 of 12"
	assert_line "^ +ended +of 11 it is not known"
	hull run -d --name dd test sleep 600
	run hull explain dd
	assert_has "zombies: no zombies"
	assert_has "signals: "
	run -1 hull explain dd weather
	assert_has "the topics are: health signals zombies load cpu mem limits caps security sysctl net io disk"
	hull rm -f dd
	hull create --name dd test true
	run -1 hull explain dd
	assert_has "hull why dd says how it ended"
}

@test "explain cpu: a quota that is used up, one that is not, none" {
	hull run -d --name cc --cpus 0.2 test sh -c 'while :; do :; done'
	wait_for 20 eval "hull explain cc cpu | grep -q 'its quota of 0.2 CPUs slows it down: it is used up in [1-9][0-9]* % of the periods'"
	run hull explain cc cpu
	[[ $output =~ held\ back\ +in\ ([0-9]+)\ of\ ([0-9]+)\ periods ]]
	[ "${BASH_REMATCH[1]}" -le "${BASH_REMATCH[2]}" ]
	[[ $output == *" user, "*" system ("* ]]
	hull rm -f cc
	hull run -d --name dd --cpus 1 test sleep 600
	run hull explain dd cpu
	assert_has "its quota of 1 CPUs is enough"
	hull run -d --name ee test sleep 600
	run hull explain ee cpu
	assert_has "it has no quota"
}

# told_ms WORD: the first number of seconds behind it in the output, in milliseconds.
told_ms() {
	[[ $output =~ $1\ *([0-9]+)\.([0-9]{3})\ s ]] && echo $((10#${BASH_REMATCH[1]}${BASH_REMATCH[2]}))
}
# waited_ms CONTAINER: how long its tasks were ready and did not run, as the kernel has it.
waited_ms() {
	local pid
	for pid in $(cat "$(cgroup_dir "$1" pids)/cgroup.procs"); do cat /proc/"$pid"/task/*/schedstat; done | awk '{ n += $2 } END { print int(n / 1000000) }'
}

@test "explain cpu: how long its tasks waited for a processor, and which; what it used is what the kernel counted (C1)" {
	local before after used dir
	hull run -d --name cc --cpuset-cpus 0 test sh -c 'while :; do :; done & while :; do :; done'
	xargs renice -n 10 <"$(cgroup_dir cc pids)/cgroup.procs"
	wait_for 20 eval "hull explain cc cpu | grep -qE '^ +waited +[0-9.]+ s ready to run, .*; now [0-9]+ [a-z]+ [0-9]+ %, [0-9]+ [a-z]+ [0-9]+ %'" || fail "$(hull explain cc cpu)"
	before=$(waited_ms cc)
	run hull explain cc cpu
	after=$(waited_ms cc)
	used=$(told_ms waited)
	[ "$before" -le $((used + 1)) ] && [ "$used" -le $((after + 1)) ] || fail "$before $used $after"
	# What stands still can be compared to the last millisecond.
	hull pause cc
	dir=$(cgroup_dir cc cpuacct)
	cputime() { if is_v1 cpuacct; then echo $(($(cat "$dir/cpuacct.usage") / 1000000)); else awk '/^usage_usec/ { print int($2 / 1000) }' "$dir/cpu.stat"; fi; }
	before=$(cputime)
	run hull explain cc cpu
	used=$(told_ms used)
	after=$(cputime)
	[ "$before" -le $((used + 1)) ] && [ "$used" -le $((after + 1)) ] || fail "$before $used $after"
	# Both parts are the whole, as far as the kernel counts them so: version 1 in hundredths.
	[[ $output =~ ([0-9.]+)\ s:\ ([0-9.]+)\ s\ user,\ ([0-9.]+)\ s\ system ]]
	awk -v all="${BASH_REMATCH[1]}" -v u="${BASH_REMATCH[2]}" -v s="${BASH_REMATCH[3]}" \
		'BEGIN { d = all - u - s; exit !(d < 0.05 + all / 50 && d > -0.05 - all / 50) }'
	hull unpause cc
}

# bats test_tags=fast
@test "explain mem: what is needed, what can be taken back, how far the limit is" {
	mkdir vol
	hull run -d --name cc -m 64m -v "$WORK/vol:/vol" test sh -c '/probe eat 20 & dd if=/dev/zero of=/vol/file bs=1M count=20; sleep 600'
	wait_for 10 eval "hull explain cc mem | grep -qE 'mem: it needs (2[0-9])[.0-9]*MiB of its limit of 64MiB'"
	wait_for 10 eval "hull explain cc mem | grep -qE 'can be taken back +(19|2[0-9])[.0-9]*MiB'"
	run hull explain cc mem
	assert_has "docker stats says"
	[[ $output =~ left\ to\ the\ limit\ +[34][0-9] ]]
	hull rm -f cc
	hull run -d --name dd -m 24m --memory-swap 24m test /probe eat 22
	wait_for 10 eval "hull explain dd mem | grep -q 'it is near its limit'"
	[[ $(hull explain dd mem) =~ anonymous,\ of\ +1\ probe\ [12][0-9] ]]
	hull rm -f dd
	# Files that are worked with and do not fit are read again and again.
	hull run -d --name ff -m 32m -v "$WORK/vol:/vol" test sh -c 'dd if=/dev/zero of=/vol/big bs=1M count=60; for i in $(seq 100); do cat /vol/big; done >/dev/null'
	[ "$(stat -f -c %T vol)" = tmpfs ] || wait_for 10 eval "hull explain ff mem | grep -q 'mem: its limit of 32MiB leaves too little room for the files'"
	hull rm -f ff
	# Shared memory is no cache of a file.
	hull run -d --name ee -m 64m --shm-size 60m test sh -c 'dd if=/dev/zero of=/dev/shm/f bs=1M count=30; sleep 600'
	wait_for 10 eval "hull explain ee mem | grep -qE 'mem: it needs 3[0-9][.0-9]*MiB of its limit'"
}

@test "explain mem: what is in swap" {
	[ "$(wc -l </proc/swaps)" -gt 1 ] || skip "no swap"
	hull run -d --name cc -m 24m --memory-swap 100m test /probe eat 40
	wait_for 10 eval "hull explain cc mem | grep -qE 'in swap +[12][0-9]([.][0-9]+)?MiB of anonymous and shared memory'"
	# Where the machine compresses it first (M7).
	[ -z "$(of_memory - zswapped)" ] || [ "$(of_memory - zswapped)" = 0 ] ||
		wait_for 10 eval 'hull explain cc mem >told; is_told "of that in zswap" "$(of_memory - zswapped)"' || fail "$(cat told)"
}

# of_memory V1-KEY V2-KEY: of memory.stat of cc.
of_memory() {
	awk -v k="$(is_v1 memory && echo "$1" || echo "$2")" '$1 == k { print $2 }' "$(cgroup_dir cc memory)/memory.stat"
}

# is_told ROW BYTES: in the file "told", as MiB.
is_told() {
	grep -qE "^ *$1 +$(awk -v n="$2" 'BEGIN { printf "%.4g", n / 1048576 }')MiB" told
}

@test "explain mem: page cache and transparent huge pages, as the kernel counts them (M7)" {
	has_controller memory
	hull run -d --name cc -m 128m -v "$WORK:/vol" test sh -c 'dd if=/dev/zero of=/vol/file bs=1M count=10; exec /probe huge transparent 20'
	wait_ready cc 20
	# It does not run meanwhile; the kernel sums up its counters now and then.
	hull pause cc
	same() {
		local huge cache
		hull explain cc mem >told
		huge=$(of_memory total_rss_huge anon_thp)
		cache=$(($(of_memory total_cache file) - $(of_memory total_shmem shmem) - $(of_memory total_unevictable unevictable)))
		echo "$cache $huge" >>told
		[ "$cache" -gt 5000000 ] && is_told "can be taken back" "$cache" &&
			if [ "$huge" = 0 ]; then grep -q never /sys/kernel/mm/transparent_hugepage/enabled; else is_told "transparent huge pages" "$huge"; fi
	}
	[ "$(stat -f -c %T "$WORK")" != tmpfs ] || skip "files in memory are no page cache"
	wait_for 20 same || fail "$(cat told)"
}

@test "explain load: tasks that run, and one that waits uninterruptibly, with the place" {
	hull run -d --name cc test sh -c 'while :; do :; done & while :; do :; done'
	wait_for 20 eval "hull explain cc load | grep -qE 'load: it adds (1.[5-9]|2.0) to the load: tasks that run'"
	hull rm -f cc
	# A parent in vfork(2) is in D until its child has executed.
	hull run -d --name dd test /probe vforked
	wait_for 20 eval "hull explain dd load | grep -q '1.0 wait uninterruptibly'"
	run hull explain dd load
	[[ $output =~ 1\ probe\ +waits\ in\ .*(vfork|clone) ]]
	assert_line "^ +1 probe +waits in .* \([0-9]+ of 10 looks, all of one wait, for at least 0\.[0-9]+ s\)$"
	# Several: its count is of all sleeps.
	hull run -d --name ee test /probe vforks
	wait_for 20 eval "hull explain ee load | grep -qE '^ +1 probe +waits in .* [(][0-9]+ of 10 looks; it slept [0-9]+ times, of whatever kind, in these 0[.][0-9]+ s[)]$'" ||
		fail "$(hull explain ee load)"
}

@test "explain load: a CPU quota does not limit it: tasks in D stay, and use none of the quota (C7)" {
	has_controller cpu
	hull run -d --name cc --cpus 0.2 test sh -c 'for i in 1 2 3; do /probe vforked & done; wait'
	in_d() {
		local pid n=0
		for pid in $(cat "$(cgroup_dir cc cpu)/cgroup.procs"); do
			[[ $(sed 's/.*) //' "/proc/$pid/stat") != D* ]] || n=$((n + 1))
		done
		echo "$n"
	}
	wait_for 20 eval '[ "$(in_d)" = 3 ]'
	local dir throttled
	dir=$(cgroup_dir cc cpu)
	throttled=$(awk '/^nr_throttled/ { print $2 }' "$dir/cpu.stat")
	wait_for 10 eval "hull explain cc load >told; grep -qE 'it adds 3[.][0-9] to the load: .* 3[.]0 wait uninterruptibly' told" || fail "$(cat told)"
	grep -qE "its quota +of 0.2 CPUs is for processor time, not for the load" told
	assert_equal "3 $throttled" "$(in_d) $(awk '/^nr_throttled/ { print $2 }' "$dir/cpu.stat")"
}

# bats test_tags=fast
@test "explain limits: asked for, in the file, and in force by a group above" {
	hull run -d --name cc -m 48m --pids-limit 50 --cpus 0.25 --cpu-shares 512 --cpuset-cpus 0 --ulimit nofile=100:200 test sleep 600
	run hull explain cc limits
	assert_has "limits: no group above it allows less"
	[[ $output =~ memory\ +asked\ for:\ 48MiB\;\ memory\.(max|limit_in_bytes):\ 48MiB\;\ in\ force:\ 48MiB ]]
	[[ $output =~ processes\ +asked\ for:\ 50\;\ pids.max:\ 50\;\ in\ force:\ 50 ]]
	[[ $output =~ processors\ +asked\ for:\ 0.25\;\ cpu\.(max|cfs_quota_us):\ 0.25\;\ in\ force:\ 0.25 ]]
	assert_line 'which processors +asked for: 0; in force: 0$'
	assert_line 'share of processors +asked for: 512; cpu.(shares|weight): [0-9]+$'
	assert_line 'ulimit nofile +asked for: 100, at most 200; in force in its first process: 100, at most 200$'
	# Whatever was asked for: what the kernel has is told.
	if is_v1 cpu; then echo 50000 >"$(cgroup_dir cc cpu)/cpu.cfs_quota_us"; else echo '50000 100000' >"$(cgroup_dir cc cpu)/cpu.max"; fi
	prlimit --pid "$(pid_of cc)" --nofile=50:60
	run hull explain cc limits
	assert_line 'processors +asked for: 0.25; cpu.*: 0.5; in force: 0.5$'
	assert_line 'ulimit nofile +asked for: 100, at most 200; in force in its first process: 50, at most 60$'
	PARENT_GROUPS=("hull-above-$$")
	hull run -d --name dd --cgroup-parent "/hull-above-$$" -m 48m test sleep 600
	local dir
	dir=$(dirname "$(cgroup_dir dd pids)")
	echo 7 >"$dir/pids.max"
	run hull explain dd limits
	assert_has "limits: a group above it allows less: 7 of processes in /hull-above-$$"
	assert_has "in force: 7, by the group /hull-above-$$"
	hull rm -f dd
}

# set_above CONTAINER CONTROLLER V1-FILE V1-VALUE V2-FILE V2-VALUE: of the group above its own.
set_above() {
	local dir
	dir=$(dirname "$(cgroup_dir "$1" "$2")")
	if is_v1 "$2"; then echo "$4" >"$dir/$3"; else echo "$6" >"$dir/$5"; fi
}

@test "explain cpu, mem: what a group above allows" {
	has_controller cpu
	has_controller memory
	PARENT_GROUPS=("hull-above-$$")
	hull run -d --name cc --cgroup-parent "/hull-above-$$" test sh -c 'while :; do :; done'
	set_above cc cpu cpu.cfs_quota_us 20000 cpu.max '20000 100000'
	held() { hull explain cc cpu | grep -qE "^cpu: the quota of 0.2 CPUs of the group /hull-above-$$ above it, which all that is in it share, slows it down: it is used up in [1-9][0-9]* % of the periods"; }
	wait_for 20 held || fail "$(hull explain cc cpu)"
	[[ $(hull explain cc limits) == *"a group above it allows less: 0.2 of processors in /hull-above-$$"* ]]
	wait_for 20 eval '[[ $(hull why cc) == "cc: it runs for "*": the quota of 0.2 CPUs of the group "* ]]'
	set_above cc memory memory.limit_in_bytes 200M memory.max 200M
	run hull explain cc mem
	assert_line "^mem: it needs .* and has no limit; the group /hull-above-$$ above it has a limit of 200MiB, of which all that is in it need [0-9.]+[KM]iB"
	hull rm -f cc
	hull run -d --name dd --cgroup-parent "/hull-above-$$" test /probe eat 60
	wait_ready dd
	set_above dd memory memory.limit_in_bytes 64M memory.max 64M
	wait_for 20 eval "hull explain dd mem | grep -qE '^mem: it needs 6[.0-9]*MiB, and is near a limit: the group /hull-above-$$ above it has a limit of 64MiB'" || fail "$(hull explain dd mem)"
}

# with_knob FILE TEXT: what doctor says where that stands in a file of /proc/sys.
with_knob() {
	echo "$2" >knob
	run unshare -m sh -c 'mount --bind knob "/proc/sys/$1" && exec "$2" doctor' sh "$1" "$HULL" 3>&-
}

@test "doctor: each bad state of the machine's settings, made in a mount namespace" {
	local file text want
	while IFS='|' read -r file text want; do
		[ -e "/proc/sys/$file" ] || continue
		with_knob "$file" "$text"
		assert_has "$want"
	done <<-'END'
		kernel/pid_max|100|kernel/pid_max is 100: so many processes of all containers together; raise it
		kernel/keys/root_maxkeys|10|kernel/keys/root_maxkeys is 10: each container takes a key of its user
		fs/inotify/max_user_instances|1|fs/inotify/max_user_instances is 1: programs that watch files fail
		user/max_user_namespaces|0|user/max_user_namespaces is 0: unprivileged and --userns containers need one
		user/max_net_namespaces|0|max_pid_namespaces is 0: no container can have namespaces of its own
		user/max_pid_namespaces|0|max_pid_namespaces is 0: no container can have namespaces of its own
		net/ipv4/ip_forward|0|off (hull turns it on with the first bridge)
		net/ipv4/ip_forward|1|forwarding         on
		net/ipv4/conf/all/rp_filter|1|strict: answers must leave where requests came in
		net/bridge/bridge-nf-call-iptables|1|bridge-nf-call-iptables is 1: packets between containers
	END
}

# in_mounts COMMAND ARGUMENT...: what doctor says after the shell has changed mounts so, in a namespace.
in_mounts() {
	run unshare -m sh -c "$1"' && shift $(($# > 0)) && exec "$0" "$@" doctor' "$HULL" "${@:2}" 3>&-
}

@test "doctor: a kernel that lacks something, control groups that are missing, inodes, a reserve for root" {
	mkdir empty
	echo 'nodev	proc' >filesystems
	in_mounts 'mount --bind "$1" /proc/filesystems' "$PWD/filesystems"
	assert_status 1
	assert_has "overlay is not there: modprobe overlay"
	in_mounts 'mount --bind "$1" /proc/sys/kernel/seccomp' "$PWD/empty"
	assert_has "the kernel has no seccomp filters"
	in_mounts 'umount -R -l /sys/fs/cgroup'
	assert_has "no control groups are mounted: mount -t cgroup2"
	assert_lacks "does not count swap"
	if is_v1 memory; then
		in_mounts 'umount -l /sys/fs/cgroup/memory /sys/fs/cgroup/pids /sys/fs/cgroup/cpu'
	else
		echo "cpuset io" >few
		in_mounts 'mount --bind "$1" /sys/fs/cgroup/cgroup.controllers' "$PWD/few"
	fi
	assert_has "there is no memory controller: -m has no effect"
	assert_has "there is no pids controller: --pids-limit has no effect"
	assert_has "there is no cpu controller: --cpus has no effect"
	if ! is_v1 memory; then
		echo "quiet swapaccount=0" >boot
		in_mounts 'mount --bind "$1" /proc/cmdline' "$PWD/boot"
		assert_has "the kernel does not count swap: --memory-swap has no effect"
	fi
	mkdir small
	mount -t tmpfs -o nr_inodes=64 none small
	MOUNTED=$PWD/small
	run hull --root "$PWD/small/root" --runroot "$PWD/smallrun" doctor
	assert_lacks "few inodes left"
	touch small/{1..56} 2>/dev/null || true
	run hull --root "$PWD/small/root" --runroot "$PWD/smallrun" doctor
	assert_line "few inodes left \([0-9] of 64\): many small files of layers"
	echo "cannot be executed" >plain
	in_mounts 'mount --bind "$1" /usr/sbin/mkfs.ext4' "$PWD/plain" --root "$PWD/small/root" --runroot "$PWD/smallrun"
	assert_line "size quota +none \(no mkfs.ext4 \(package e2fsprogs\)\)"
	wait_for 10 umount small
	unset MOUNTED
	# What hull can write is what it tells, as it does elsewhere.
	truncate -s 64M image
	mkfs.ext4 -q -m 40 image
	mount -o loop image small 2>/dev/null || skip "this kernel has no loop device or no ext4"
	MOUNTED=$PWD/small
	dd if=/dev/zero of=small/fill bs=1M count=20 status=none
	run hull --root "$PWD/small/root" --runroot "$PWD/smallrun" doctor
	assert_line "^ +room +3[0-9.]+MiB of 5[0-9.]+MiB below $PWD/small/root, of which root alone has 2[0-9.]+MiB$"
	assert_lacks "nearly full"
	dd if=/dev/zero of=small/more bs=1M count=15 status=none
	run hull --root "$PWD/small/root" --runroot "$PWD/smallrun" doctor
	assert_has "$PWD/small/root has room for root alone ("
	assert_lacks "nearly full"
	dd if=/dev/zero of=small/most bs=1M count=40 status=none 2>/dev/null || true
	run hull --root "$PWD/small/root" --runroot "$PWD/smallrun" doctor
	assert_has "$PWD/small/root is nearly full"
	wait_for 10 umount small
	unset MOUNTED
}

# where_call WORDS: what doctor says where system calls are answered so, as strace -e inject= has it.
where_call() {
	run strace -f -o /dev/null -e "trace=${1%%:*}" -e "inject=$1" "$HULL" doctor 3>&-
}

@test "doctor: a kernel without nftables, a clock that is wrong or that nobody keeps right" {
	command -v strace >/dev/null || skip "needs strace"
	where_call socket:error=EPROTONOSUPPORT
	assert_status 1
	assert_line "nftables +not there"
	assert_has "the kernel knows no nftables: bridges and published ports need them; modprobe nf_tables"
	where_call adjtimex,clock_adjtime:retval=5
	assert_status 1
	assert_line "clock +unsynchronised"
	assert_has "systemctl enable --now systemd-timesyncd, or chronyd"
	where_call adjtimex,clock_adjtime:retval=0
	assert_line "clock +synchronised"
	assert_lacks "systemd-timesyncd"
	run hull doctor
	assert_lacks "the clock says"
	cp "$HULL" "$WORK/later"
	touch -d '400 days' "$WORK/later"
	run -1 "$WORK/later" doctor
	assert_has "the clock says $(date -u +%Y-%m-%d), which is before this program was installed: certificates of registries"
}

@test "doctor: the machine, what runs short of it; a container with and without findings" {
	run hull doctor
	[ "$status" = 0 ] || assert_has "to look at"
	assert_has "control groups"
	assert_has "room"
	assert_line "nftables +there"
	assert_line "size quota +[a-z]"
	assert_line "forwarding +o(n|ff)"
	# What the kernel is asked with no right to answer is not taken for there.
	[[ $(setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$HULL" doctor) == *"nftables           not known"* ]]
	run hull doctor --json
	python3 -c 'import json, sys; assert "kernel" in json.loads(sys.argv[1])["Evidence"]' "$output"
	mkdir small
	mount -t tmpfs -o size=12m none small
	run hull --root "$PWD/small" --runroot "$PWD/smallrun" doctor
	assert_lacks "is nearly full"
	dd if=/dev/zero of=small/fill bs=1M count=11 2>/dev/null || true
	run -1 hull --root "$PWD/small" --runroot "$PWD/smallrun" doctor
	assert_has "is nearly full"
	wait_for 10 umount small
	hull run -d --name deaf test sleep 600
	run -1 hull doctor deaf
	assert_has "signals: stop is not graceful"
	[[ $output != *"zombies:"* ]]
	hull run -d --name good --init test sleep 600
	run -0 hull doctor good
	assert_equal "good: nothing to do" "$output"
}

@test "why: of one that had ended long before anybody took note of it" {
	local id monitor keeper before
	id=$(hull run -d --name cc test sleep 600)
	monitor=$(parent_of "$(pid_of cc)")
	keeper=$(parent_of "$monitor")
	kill -KILL "$keeper" # another one takes its place, and leaves the cleaning up to the next command
	wait_for 10 eval '! kill -0 '"$keeper"' 2>/dev/null'
	kill -KILL "$(pid_of cc)"
	wait_for 10 test -e "$HULL_RUNROOT/exits/$id"
	before=$(date +%s%N)
	sleep 2 # nobody looks
	run hull why --json cc
	python3 -c 'import json, sys
from datetime import datetime
last = json.loads(sys.argv[1])["TimeLine"][-1]
at = datetime.fromisoformat(last["Time"].rstrip("Z")[:26].ljust(26, "0") + "+00:00").timestamp()
assert last["Text"] == "ended by SIGKILL" and at <= int(sys.argv[2]) / 1e9, (last, sys.argv[2])' "$output" "$before"
}

@test "why: of one that ran when the machine went down, and one that ended just before" {
	local boot id monitor keeper
	boot=$(awk -v now="$(date +%s)" '{ printf "%d", now - $1 }' /proc/uptime)
	[ "$boot" -gt 0 ] && [ "$(cut -d. -f1 /proc/uptime)" -gt 120 ] || skip "needs a machine that runs for some minutes"
	id=$(hull run -d --name down test sleep 600)
	monitor=$(parent_of "$(pid_of down)")
	keeper=$(parent_of "$monitor")
	# Neither may see the other's end: it would be given a new one.
	kill -STOP "$keeper" "$monitor"
	wait_for 5 eval "grep -q '^State:.T' /proc/$keeper/status && grep -q '^State:.T' /proc/$monitor/status"
	kill -KILL "$keeper" "$monitor" "$(pid_of down)"
	rm -r "$HULL_RUNROOT/containers/$id"
	sql "UPDATE container SET started = ?" "$((boot - 60))000000000"
	sql "UPDATE event SET time = ? + time % 1000" "$((boot - 60))000000000"
	assert_equal "how it ended is not known: the machine went down while it ran, as far as is recorded" "$(verdict down)"
	run hull why down
	assert_line "lasted +at most (59.[0-9]|60.[0-9]|1 minute|About a minute)"
	assert_has "it had ended by then"
	hull run -d --name cc test sleep 600
	kill -KILL "$(pid_of cc)"
	wait_for 10 ended cc
	[[ $(verdict cc) != *machine* ]] || fail "$(verdict cc)"
	sql "UPDATE event SET time = ? + time % 1000 WHERE action = 'die'" "$((boot - 50))000000000"
	[[ $(verdict cc) == "it was ended by SIGKILL, which hull did not send: a process outside of the container did; the machine was started again "[45][0-9].[0-9]" s after that" ]] || fail "$(verdict cc)"
}

# What stands in the sources is tried with a container that there is not: that, and nothing else, must be wrong with it.
@test "advice names commands as they are written" {
	run python3 - "$TOP" "$HULL" <<'PYTHON'
import glob, re, subprocess, sys
top, hull = sys.argv[1:]
prose = {"itself", "turns", "sets", "of", "sent", "did"}
values = {"SIZE": "64m", "N": "1", "ADDRESS": "10.0.0.1", "%s": "nosuch"}
topics = "health signals zombies load cpu mem limits caps security sysctl net io disk".split()
def call(words):
    p = subprocess.run([hull, *words], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    return p.returncode, p.stdout + p.stderr
def command(words):
    one, two = call([words[0], "--help"]), call([*words[:2], "--help"])
    return words[:2] if words[1:2] and two[0] == 0 and two != one else words[:1] if one[0] == 0 else None
tried = 0
for path in glob.glob(top + "/src/diagnose/*.c"):
    text = re.sub(r'"\s*\n\s*"', "", open(path).read())
    for found in re.findall(r'(?<![\w-])hull (?=([a-z][^"]*))', "\n".join(re.findall(r'"(?:[^"\\]|\\.)*"', text))):
        words = re.split(r"[ ]+", re.split(r"[),;:]", found.replace("'{{json .State.Health}}'", "{{.}}"))[0])
        if words[0] in prose:
            continue
        name = command(words)
        assert name, f"{path}: there is no command: hull {found}"
        rest = []
        for w in words[len(name):]:
            if not (w.startswith("-") or w in values or w in topics or w == "{{.}}"):
                break
            rest.append(w)
        help = call(name + ["--help"])[1]
        for w in rest:
            assert not w.startswith("-") or re.search(rf"(^|[\s,]){re.escape(w)}\b", help) or w == "-it", f"{path}: hull {found}"
        if "%s" in rest:
            code, said = call(name + [values.get(w, w) for w in rest])
            assert "nosuch" in said and "o such" in said and "Usage" not in said, f"{path}: hull {found}: {said}"
            tried += 1
assert tried >= 5, tried
PYTHON
	assert_equal "" "$output"
	assert_status 0
}

@test "why: labels of a container are no events of hull" {
	run -3 hull run --name aa -l error=lost -l oomKilled=true -l signal=9 -l restart=always -l sender=x -l scope=own -l kept=yes test sh -c 'exit 3'
	[[ $(verdict aa) == "its command ended by itself with 3 after "* ]]
	run -0 hull events --since 1 --until "$(date +%s.%N)" --filter event=die --format '{{json .Actor.Attributes}}'
	assert_equal "3 yes null null" "$(jq -r '"\(.exitCode) \(.kept) \(.error) \(.signal)"' <<<"$output")"
}

# Here, for the kernel logs ten kills for memory in five seconds, and no more.
@test "why: killed for memory by the limit of a group that it made itself" {
	# shellcheck disable=SC2016
	local inner='m=/sys/fs/cgroup/memory f=memory.limit_in_bytes
		if [ ! -d $m ]; then
			m=/sys/fs/cgroup f=memory.max
			mkdir $m/all
			echo 0 >$m/all/cgroup.procs
			echo +memory >$m/cgroup.subtree_control
		fi
		mkdir $m/in
		echo 16777216 >$m/in/$f
		[ ! -e $m/in/memory.swap.max ] || echo 0 >$m/in/memory.swap.max
		in_it() { echo 0 >$m/in/cgroup.procs; exec /probe eat 64; }'
	run hull run --name aa --privileged test sh -c "$inner
		in_it"
	assert_status 137
	[[ $(verdict aa) == "its main process was killed by the kernel: a group inside of the container, "*"/in, reached its memory limit of 16MiB" ]] ||
		fail "$(verdict aa)"
	[ "$(hull inspect -f '{{.State.OOMKilled}}' aa)" = true ]
	run hull run --name bb --privileged test sh -c "$inner
		(in_it) || exit 5"
	assert_status 5
	run hull why bb
	assert_line "^bb: its command ended by itself with 5 after .*; before that a process of it was killed by the kernel, probe: a group inside"
	assert_lacks "outside of the container"
	# Where the kernel's log is not there, it is not said that it was somebody else.
	run blind run --name cc --privileged test sh -c "$inner
		in_it"
	run hull why cc
	assert_lacks "a process outside of the container did"
	run blind run --name dd --privileged -m 64m test sh -c "$inner
		(in_it) || exit 5"
	run blind why dd
	assert_line "^dd: .*; before that a process of it was killed by the kernel: a group inside of the container, whose name is not known, probably"
}

@test "why: reboot(2) in a container ends its first process" {
	run hull run --name aa --cap-add SYS_BOOT test sh -c 'reboot -f; sleep 10'
	assert_status 129
	assert_equal "it was ended by SIGHUP, which hull did not send: it called reboot(2) to restart, or a process outside of the container did" "$(verdict aa)"
	run hull run --name bb --cap-add SYS_BOOT test sh -c 'poweroff -f; sleep 10'
	assert_status 130
	assert_equal "it was ended by SIGINT, which hull did not send: it called reboot(2) to halt, or a process outside of the container did" "$(verdict bb)"
}
