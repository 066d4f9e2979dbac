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
	hull run -d --name busy --cpus 0.05 -m 64m test sh -c 'while :; do :; done'
	hull run -d --name idle -m 64m --tmpfs /t test sh -c 'dd if=/dev/zero of=/t/x bs=1M count=10 2>/dev/null; sleep 600 & sleep 600 & wait'
	wait_for 10 eval '[ "$(one PIDs idle)" = 3 ]' # dd has ended
	# A busy machine may not even give it its quota, for a while.
	throttled() {
		hull stats --no-stream --format json busy >row
		between "$(jq -r .Throttled row)" 1 400
	}
	wait_for 20 throttled
	between "$(jq -r .CPUPerc row)" 0.1 20
	assert_equal "busy 1" "$(jq -r '.Name + " " + .PIDs' row)"
	# 10 MiB are there and cannot be reclaimed; beyond docker's figure it is told what they are.
	hull stats --no-stream --format json idle >row
	between "$(jq -r .CPUPerc row)" 0 2
	assert_equal "64MiB 3" "$(jq -r '(.MemUsage | split(" / ")[1]) + " " + .PIDs' row)"
	between "$(jq -r '.MemUsage | split("MiB")[0]' row)" 10 13
	between "$(jq -r .MemPerc row)" 15 21
	between "$(jq -r '.MemFile | rtrimstr("MiB")' row)" 10 12
}

# of_group CONTAINER CONTROLLER V1-FILE V1-KEY V2-FILE V2-KEY: one figure of a file of its group.
of_group() {
	local file=$5 key=$6
	! is_v1 "$2" || file=$3 key=$4
	awk -v k="$key" '$1 == k { print $2; exit } k == "-" { print; exit }' "$(cgroup_dir "$1" "$2")/$file"
}

# bytes TEXT: "20.05MiB", "1.2MB", "0B".
bytes() {
	local n=${1%B}
	if [[ $n == *i ]]; then numfmt --from=iec-i "$n"; else numfmt --from=si "${n/k/K}"; fi
}

# is_bytes FIELD CONTAINER BYTES: as far as four digits tell.
is_bytes() {
	local n
	n=$(bytes "$(one "$1" "$2")")
	between "$n" $(($3 * 995 / 1000)) $(($3 * 1005 / 1000 + 1))
}

@test "stats: user and system time, of one that burns either, are together what it uses" {
	has_controller cpu
	hull run -d --name user test sh -c 'while :; do :; done'
	hull run -d --name kernel test dd if=/dev/zero of=/dev/null bs=1M
	# Times are read one after the other, and in ticks: one pass of a busy machine may be off.
	burns() {
		hull stats --no-stream --format '{{.CPUUser}} {{.CPUKernel}} {{.CPUPerc}}' "$1" | tr -d % >row
		awk -v most="$2" '{ d = $1 + $2 - $3; exit !($3 > 1 && d < 0.1 * $3 + 1 && -d < 0.1 * $3 + 1 &&
			(most == "user" ? $1 > $2 : $2 > $1)) }' row
	}
	wait_for 60 burns user user || fail "$(cat row)"
	wait_for 60 burns kernel kernel || fail "$(cat row)"
	# And in the kernel's own files.
	[ "$(of_group user cpuacct cpuacct.stat user cpu.stat user_usec)" -gt "$(of_group user cpuacct cpuacct.stat system cpu.stat system_usec)" ]
	[ "$(of_group kernel cpuacct cpuacct.stat user cpu.stat user_usec)" -lt "$(of_group kernel cpuacct cpuacct.stat system cpu.stat system_usec)" ]
}

@test "stats: memory by kinds, against the kernel's files" {
	has_controller memory
	hull run -d --name cc -m 128m --tmpfs /t test sh -c 'dd if=/dev/zero of=/t/x bs=1M count=10 2>/dev/null; exec /probe eat 20'
	wait_ready cc
	hull pause cc
	local anon kernel
	same() {
		anon=$(of_group cc memory memory.stat total_rss memory.stat anon)
		kernel=$(of_group cc memory memory.kmem.usage_in_bytes - memory.stat kernel)
		is_bytes MemAnon cc "$anon" && is_bytes MemKernel cc "$kernel" &&
			is_bytes MemFile cc "$(of_group cc memory memory.stat total_cache memory.stat file)"
	}
	# The kernel sums up its counters now and then.
	wait_for 20 same
	[ "$anon" -ge 20000000 ] && [ "$anon" -lt 30000000 ]
	[ "$kernel" -gt 0 ] && [ "$kernel" -lt 20000000 ]
	hull unpause cc
}

@test "stats: what was read from disks and written to them, against the kernel's files" {
	local from
	from=$(findmnt -no SOURCE -T "$WORK")
	[ -b "$from" ] || skip "$WORK is on no block device"
	# On version 1, Linux before 6.5 counts only where there is a rate to keep.
	hull run -d --name cc -v "$WORK:/out" --device-read-bps "$from:99gb" --device-write-bps "$from:99gb" test sleep 600
	hull exec cc dd if=/dev/zero of=/out/file bs=1M count=8 oflag=direct
	hull exec cc dd if=/out/file of=/dev/null bs=1M count=4 iflag=direct
	of_disks() {
		if is_v1 blkio; then
			awk -v k="$1" '$2 == k { n += $3 } END { printf "%d\n", n }' "$(cgroup_dir cc blkio)/blkio.throttle.io_service_bytes_recursive"
		else
			awk -v k="$([ "$1" = Read ] && echo rbytes || echo wbytes)" -F '[ =]' \
				'{ for (i = 2; i < NF; i++) if ($i == k) n += $(i + 1) } END { printf "%d\n", n }' "$(cgroup_dir cc io)/io.stat"
		fi
	}
	same() {
		local row read written
		row=$(one BlockIO cc) read=$(of_disks Read) written=$(of_disks Write)
		echo "$row: $read $written" >row
		[ "$read" -ge 4194304 ] && [ "$written" -ge 8388608 ] &&
			between "$(bytes "${row% / *}")" $((read * 99 / 100)) $((read * 101 / 100)) &&
			between "$(bytes "${row#* / }")" $((written * 99 / 100)) $((written * 101 / 100))
	}
	wait_for 10 same || fail "$(cat row)"
}

@test "stats: pressure, against the kernel's files" {
	hull run -d --name cc --cpuset-cpus 0 test sh -c 'while :; do :; done & while :; do :; done'
	local dir kind file before now
	dir=$(cgroup_dir cc none)
	[ -e "$dir/cpu.pressure" ] || skip "no pressure of groups here"
	average() { sed -n 's/^some avg10=\([0-9.]*\) .*/\1/p' "$dir/$1.pressure"; }
	# Two on one processor wait for each other.
	wait_for 60 eval 'awk -v n="$(one PressureCPU cc)" "BEGIN { exit !(n > 5) }"'
	# One that is paused waits for nothing: it gets less and less.
	hull pause cc
	for kind in CPU:cpu Mem:memory IO:io; do
		file=${kind#*:}
		calm() {
			before=$(average "$file")
			now=$(one "Pressure${kind%:*}" cc)
			between "$now" "$(average "$file")" "$before"
		}
		wait_for 20 calm || fail "$kind $before $now"
	done
	hull unpause cc
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
	wait_for 10 eval '[ "$(tail -n 3 out | sort -u)" = two ]'
	kill $client
	wait $client || true
}

@test "top: all containers, sorted, as JSON and lines, against the kernel's files; what is refused" {
	hull run -d --name busy --cpus 0.3 -m 64m test sh -c 'while :; do :; done'
	hull run -d --name idle -m 64m --pids-limit 9 --tmpfs /t test sh -c 'dd if=/dev/zero of=/t/x bs=1M count=10 2>/dev/null; sleep 600'
	wait_for 10 eval 'hull top idle -o pid,comm | grep -q " sleep$"'
	nap 500
	hull top --json --interval 1s -n 2 --sort memory >rows
	assert_equal 2 "$(wc -l <rows)"
	tail -n 1 rows >row
	assert_equal "idle busy" "$(jq -r '[.Containers[].Name] | join(" ")' row)"
	of() { jq -r --arg n "$1" ".Containers[] | select(.Name == \$n) | .$2" row; }
	between "$(of busy CPU)" 0.1 40
	between "$(of busy Throttled)" "$(awk -v c="$(of busy CPU)" 'BEGIN { print c > 20 ? 1 : 0 }')" 100
	between "$(of idle CPU)" 0 2
	# 10 MiB of a tmpfs are not page cache that could be taken back.
	between "$(of idle MemNeeded)" 10485760 13631488
	assert_equal "67108864 $(cat "$(cgroup_dir idle pids)/pids.current") 9" "$(of idle MemLimit) $(of idle PIDs) $(of idle PIDsLimit)"
	run hull top --interval 300ms -n 1
	[[ ${lines[0]} == "NAME "*"CPU %"*"LIMIT" && ${lines[1]} == "busy "* && ${lines[2]} == "idle "* && $output != *$'\033'* ]]
	run -1 hull top --sort colour
	assert_has "the columns are: cpu throttled"
	run ! hull top --inside
	assert_has "name it"
	run ! hull top --json idle
	assert_has "for all containers"
	run -1 hull top --interval 1ms
	hull top idle -o pid,comm | grep -q sleep
}

@test "top: tasks that wait uninterruptibly, and zombies; also of groups within, sorted by them" {
	hull run -d --name zz --pids-limit 12 test /probe neglect
	hull run -d --name dd test /probe vforked
	hull run -d --name nn --cgroupns private --privileged test sh -c 'sleep 0.1 & exec sleep 600'
	of() { hull top --json --interval 100ms -n 1 "${@:3}" | jq -r --arg n "$1" ".Containers[] | select(.Name == \$n) | .$2"; }
	wait_for 10 eval '[ "$(of zz Zombies)" = 11 ]'
	wait_for 10 eval '[ "$(of dd Uninterruptible)" = 1 ]'
	wait_for 10 eval '[ "$(of nn Zombies) $(of nn Uninterruptible)" = "1 0" ]'
	assert_equal "$(ps --ppid "$(pid_of zz)" -o stat= | grep -c '^Z')" "$(of zz Zombies)"
	# A process in a group of its own below counts as well.
	local group groups
	groups=$({ cgroup_dir nn pids; cgroup_dir nn none; } | sort -u)
	for group in $groups; do
		mkdir "$group/sub"
		echo "$(pid_of nn)" >"$group/sub/cgroup.procs"
	done
	assert_equal "1 0" "$(of nn Zombies) $(of nn Uninterruptible)"
	for group in $groups; do
		echo "$(pid_of nn)" >"$group/cgroup.procs"
		rmdir "$group/sub"
	done
	assert_equal "zz nn dd" "$(hull top --json --interval 100ms -n 1 --sort zombies | jq -r '[.Containers[].Name] | join(" ")')"
	[[ "$(hull top --interval 100ms -n 1 --sort waiting)" == "NAME "*" D "*"ZOMBIES"*$'\n'"dd "* ]]
}

@test "top: a view of the terminal: narrow, resized, sorted by a key, with who comes; gives it back on q and signals" {
	hull run -d --name one test sleep 600
	cat >view.py <<-'END'
		import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time
		hull = sys.argv[1:]
		def size(fd, cols): fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 12, cols, 0, 0))
		def until(text):
		    global seen
		    end = time.time() + 60
		    while not re.search(text, seen):
		        assert time.time() < end, (text, seen[-2000:])
		        if select.select([m], [], [], 1)[0]: seen += os.read(m, 65536).decode()
		for how in ("q", signal.SIGTERM):
		    m, s = pty.openpty()
		    size(m, 40)
		    before, seen = termios.tcgetattr(s), ""
		    p = subprocess.Popen(hull + ["top", "--interval", "300ms"], stdin=s, stdout=s, stderr=s)
		    until(r"\x1b\[\?1049h"); until(r"\none +\d")
		    assert "LIMIT" not in seen.split("NAME")[-1]
		    seen = ""; os.write(m, b"m"); until("\x1b\\[7m +NEEDED\x1b")
		    seen = ""; size(m, 200); until(r" LIMIT\x1b")
		    if how == "q":
		        subprocess.check_output(hull + ["run", "-d", "--name", "two", "test", "sleep", "600"], stderr=2)
		        seen = ""; until(r"\ntwo +\d"); seen = ""; os.write(m, b"q")
		    else:
		        seen = ""; p.send_signal(how)
		    until(r"\x1b\[\?25h\x1b\[\?1049l")
		    assert p.wait(60) == (0 if how == "q" else -how), p.returncode
		    assert termios.tcgetattr(s) == before
	END
	python3 view.py "$HULL" --root "$HULL_ROOT" --runroot "$HULL_RUNROOT" 3>&-
}
