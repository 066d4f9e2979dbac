#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The limits that few containers have: block I/O, huge pages, bursts, files of version 2 by name, real time.

load lib

setup() { hull_setup; }

teardown() {
	# What is removed behind the answer may hold the disk for a moment.
	! mountpoint -q "$WORK/disk" || { hull rm -fv $(hull ps -aq) >/dev/null; wait_for 20 umount "$WORK/disk"; }
	hull_teardown || return 1
	[ -z "${loop-}" ] || { delpart "$loop" 1 2>/dev/null; losetup -d "$loop"; }
}

# bats test_tags=fast
@test "rates of a device, huge pages and the burst are in their files, of either version" {
	some_disk
	run --separate-stderr hull run -d --name cc --device-read-bps "$disk:1mb" --device-write-bps "$disk:2mb" \
		--device-read-iops "$disk:100" --device-write-iops "$disk:200" --cpus 0.5 --cpu-burst 1000 test sleep 600
	assert_status 0
	if is_v1 blkio; then
		[[ $stderr == *"buffered writes are not limited"* ]]
		for want in read_bps:1048576 write_bps:2097152 read_iops:100 write_iops:200; do
			assert_equal "$numbers ${want#*:}" "$(cat "$(cgroup_dir cc blkio)/blkio.throttle.${want%:*}_device")"
		done
	else
		assert_equal "" "$stderr"
		assert_equal "$numbers rbps=1048576 wbps=2097152 riops=100 wiops=200" "$(cat "$(cgroup_dir cc io)/io.max")"
	fi
	assert_equal 1000 "$(cgroup_value cc cpu cpu.cfs_burst_us cpu.max.burst)"
	assert_equal "[map[Path:$disk Rate:2097152]] 1000" \
		"$(hull inspect -f '{{.HostConfig.BlkioDeviceWriteBps}} {{.Hull.CpuBurst}}' cc)"
	run hull explain cc limits
	assert_line "^ +reads, bytes a second +asked for: $disk 1048576; (blkio.throttle.read_bps_device: $numbers 1048576|io.max: $numbers rbps=1048576 .*)$"
	assert_line "^ +writes a second +asked for: $disk 200; (blkio.throttle.write_iops_device: $numbers 200|io.max: .* wiops=200)$"
	[ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "no huge pages"
	hull run -d --name dd --hugepages 2Mi=64m test sleep 600
	run hull explain dd limits
	assert_line "^ +huge pages of 2MB +asked for: 67108864; hugetlb.2MB.(limit_in_bytes|max): 67108864$"
	in_files dd <<<"hugetlb hugetlb.2MB.limit_in_bytes 67108864 hugetlb.2MB.max 67108864"
}

# Each option, its file, and what systemd keeps of it: OPTIONS|CONTROLLER|FILE OF VERSION 1|VALUE|FILE OF VERSION 2|VALUE|
# PROPERTY OF VERSION 1|PROPERTY OF VERSION 2, "-" where there is none. A value "~TEXT" is one line of the file. $loop is a
# disk with the scheduler bfq.
each_option() {
	cat <<-END
		-m 64m|memory|memory.limit_in_bytes|67108864|memory.max|67108864|MemoryLimit=67108864|MemoryMax=67108864
		-m 64m --memory-swap 96m|memory|memory.memsw.limit_in_bytes|100663296|memory.swap.max|33554432|-|MemorySwapMax=33554432
		--memory-reservation 32m|memory|memory.soft_limit_in_bytes|33554432|memory.low|33554432|-|MemoryLow=33554432
		--memory-swappiness 0|memory|memory.swappiness|0|memory.swap.max|0|-|MemorySwapMax=0
		--memory-swappiness 10|memory|memory.swappiness|10|-||-|-
		--oom-kill-disable|memory|memory.oom_control|~oom_kill_disable 1|-||-|-
		--oom-group|memory|-||memory.oom.group|1|-|-
		--hugepages 2MB=64m|hugetlb|hugetlb.2MB.limit_in_bytes|67108864|hugetlb.2MB.max|67108864|-|-
		--hugepages 2MB=64m|hugetlb|hugetlb.2MB.rsvd.limit_in_bytes|67108864|hugetlb.2MB.rsvd.max|67108864|-|-
		--cpu-shares 512|cpu|cpu.shares|512|cpu.weight|59|CPUShares=512|CPUWeight=59
		--cpu-shares 250m|cpu|cpu.shares|256|cpu.weight|35|CPUShares=256|CPUWeight=35
		--cpus 0.25|cpu|cpu.cfs_quota_us|25000|cpu.max|25000 100000|CPUQuotaPerSecUSec=250ms|CPUQuotaPerSecUSec=250ms
		--cpu-quota 20000|cpu|cpu.cfs_quota_us|20000|cpu.max|20000 100000|CPUQuotaPerSecUSec=200ms|CPUQuotaPerSecUSec=200ms
		--cpu-period 50000 --cpu-quota 20000|cpu|cpu.cfs_period_us|50000|cpu.max|20000 50000|CPUQuotaPeriodUSec=50ms|CPUQuotaPeriodUSec=50ms
		--cpus 0.5 --cpu-burst 1000|cpu|cpu.cfs_burst_us|1000|cpu.max.burst|1000|-|-
		--cpuset-cpus 0|cpuset|cpuset.cpus|0|cpuset.cpus|0|-|AllowedCPUs=0
		--cpuset-mems 0|cpuset|cpuset.mems|0|cpuset.mems|0|-|AllowedMemoryNodes=0
		--pids-limit 50|pids|pids.max|50|pids.max|50|TasksMax=50|TasksMax=50
		--blkio-weight 500|blkio|blkio.bfq.weight|500|io.bfq.weight|~default 500|BlockIOWeight=500|IOWeight=4500
		--blkio-weight-device $loop:300|blkio|blkio.bfq.weight_device|~$numbers 300|io.bfq.weight|~$numbers 300|-|IODeviceWeight=/dev/block/$numbers 2300
		--device-read-bps $loop:1mb|blkio|blkio.throttle.read_bps_device|$numbers 1048576|io.max|$numbers rbps=1048576 wbps=max riops=max wiops=max|-|-
		--device-write-bps $loop:2mb|blkio|blkio.throttle.write_bps_device|$numbers 2097152|io.max|$numbers rbps=max wbps=2097152 riops=max wiops=max|-|-
		--device-read-iops $loop:100|blkio|blkio.throttle.read_iops_device|$numbers 100|io.max|$numbers rbps=max wbps=max riops=100 wiops=max|-|-
		--device-write-iops $loop:200|blkio|blkio.throttle.write_iops_device|$numbers 200|io.max|$numbers rbps=max wbps=max riops=max wiops=200|-|-
		--cgroup-conf memory.high=33554432|memory|-||memory.high|33554432|-|MemoryHigh=33554432
	END
}

# is_in_file CONTAINER CONTROLLER FILE VALUE. A kernel without swap does not count it, and hull warns.
is_in_file() {
	local text path
	path=$(cgroup_dir "$1" "$2")/$3
	[[ -e $path || $3 != *@(memsw|swap.max)* ]] || return 0
	text=$(<"$path")
	if [[ $4 == '~'* ]]; then grep -qx -- "${4#'~'}" <<<"$text"; else [ "$text" = "$4" ]; fi || fail "$3: $text, not $4"
}

# is_of_unit CONTAINER PROPERTY=VALUE
is_of_unit() {
	[ "$2" = - ] || assert_equal "$2" "$(systemctl show -p "${2%=*}" "hull-$(hull inspect -f '{{.Id}}' "$1").scope")"
}

# With systemd as the manager also in the unit's properties, and still in the file when systemd was reloaded.
@test "every option of run and of update, in its file, of either version" {
	local options controller v1 want1 v2 want2 property1 property2 file want property name
	truncate -s 4M image
	loop=$(losetup -f --show image) || skip "no loop device"
	numbers=$(cat "/sys/block/${loop#/dev/}/dev")
	echo bfq >"/sys/block/${loop#/dev/}/queue/scheduler" || true
	while IFS='|' read -r options controller v1 want1 v2 want2 property1 property2; do
		[ "$controller" != blkio ] || is_v1 blkio || controller=io
		file=$v2 want=$want2 property=$property2
		! is_v1 "$controller" || { file=$v1 want=$want1 property=$property1; }
		hull run -d --name updated test sleep 600 >/dev/null
		# shellcheck disable=SC2086 # options are words
		run hull run -d --name started $options test sleep 600
		if [ "$file" = - ] || [ "$status" != 0 ]; then
			assert_status 125
			[ "$file" = - ] || [ -z "$(find /sys/fs/cgroup -name "$file" -print -quit)" ] || fail "$options: $output"
			# shellcheck disable=SC2086
			run hull update $options updated
			assert_status 1
		else
			# shellcheck disable=SC2086
			hull update $options updated >/dev/null
			for name in started updated; do is_in_file $name "$controller" "$file" "$want"; done
			if [ "${HULL_TEST_MANAGER-}" = systemd ]; then
				systemctl daemon-reload
				# Of these systemd keeps no property that says the same: any update writes them.
				[[ $file != @(memory.oom.group|blkio.bfq.*) ]] || hull update --pids-limit 99 started updated >/dev/null
				for name in started updated; do
					is_in_file $name "$controller" "$file" "$want"
					is_of_unit $name "$property"
				done
			fi
		fi
		hull rm -f started updated >/dev/null
	done < <(each_option)
}

# What is no file of a group has its own cases: ulimits and /dev/shm in update.bats; real time below.
@test "every option that help lists for update is tried in a file" {
	local option known
	known=$(each_option; echo '--cpu-rt-period --cpu-rt-runtime --restart --shm-size --ulimit --help')
	for option in $(hull update --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
		[[ $known == *"$option"* || ($option == --memory && $known == *"-m "*) ]] || fail "$option is not tried"
	done
	# All of them are options of run, too.
	for option in $(hull update --help | grep -oE -- '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
		hull run --help | grep -q -- "$option " || fail "run has no $option"
	done
}

# bats test_tags=fast
@test "swappiness, the killer, its group, files by name: as this version has them" {
	has_controller memory
	if is_v1 memory; then
		hull run -d --name cc -m 64m --memory-swappiness 10 --oom-kill-disable test sleep 600
		assert_equal 10 "$(cat "$(cgroup_dir cc memory)/memory.swappiness")"
		grep -qx 'oom_kill_disable 1' "$(cgroup_dir cc memory)/memory.oom_control"
		for option in --oom-group --cgroup-conf=memory.high=32m; do
			run hull create "$option" test
			assert_status 1
			assert_has "no memory controller in control groups version 2"
			assert_has "hint: version 1 has it"
		done
	else
		run --separate-stderr hull run -d --name cc -m 64m --memory-swappiness 0 --oom-group \
			--cgroup-conf memory.high=33554432 test sleep 600
		[[ $stderr == *"version 2 have no swappiness; the container gets no swap at all"* ]]
		in_files cc <<-'TABLE'
			memory - - memory.oom.group 1
			memory - - memory.high 33554432
		TABLE
		[ ! -e "$(cgroup_dir cc memory)/memory.swap.max" ] || assert_equal 0 "$(cat "$(cgroup_dir cc memory)/memory.swap.max")"
		for option in --memory-swappiness=10 --oom-kill-disable --cpu-rt-runtime=1000; do
			run hull create -m 64m "$option" test
			assert_status 1
			assert_has "cannot be set"
			assert_has "hint: "
		done
	fi
	run hull run --rm --cgroup-conf cgroup.freeze=1 test true
	assert_status 125
	assert_has "is no file of a controller"
	assert_equal cc "$(hull ps -a --format '{{.Names}}')"
}

@test "huge pages: a limit holds, in the kernel's counter; what is used is told (M7)" {
	local pages=/sys/kernel/mm/hugepages/hugepages-2048kB
	[ -d $pages ] || skip "no huge pages"
	# It is the machine's memory that is set aside: nobody else's in a second kernel.
	[ -z "${RUN_IN_VM-}" ] || echo 16 >$pages/nr_hugepages
	[ "$(cat $pages/free_hugepages)" -ge 8 ] || skip "fewer than 8 huge pages are set aside and free"
	run -1 hull run --rm --hugepages 2MB=4m test /probe huge hugetlb 8
	assert_equal ENOMEM "$output"
	hull run -d --name cc --hugepages 2MB=8m test /probe huge hugetlb 8
	wait_ready cc
	in_files cc <<<"hugetlb hugetlb.2MB.usage_in_bytes 8388608 hugetlb.2MB.current 8388608"
	hull explain cc mem | grep -qE '^ *huge pages +8MiB of those set aside, beside the memory limit'
	run -1 hull exec cc /probe huge hugetlb 2
	assert_equal ENOMEM "$output"
	[ "$(cgroup_value cc hugetlb hugetlb.2MB.rsvd.failcnt hugetlb.2MB.events | grep -oE '[0-9]+$')" -ge 1 ]
	# More, at once.
	hull update --hugepages 2MB=12m cc
	hull exec -d cc /probe huge hugetlb 2
	wait_for 10 eval 'in_files cc <<<"hugetlb hugetlb.2MB.usage_in_bytes 10485760 hugetlb.2MB.current 10485760"'
}

# bats test_tags=fast
@test "block I/O: a rate holds; buffered writes are under it on version 2 (F5 F6 F7)" {
	local from flag=conv=fsync
	from=$(findmnt -no SOURCE -T "$WORK")
	[ -b "$from" ] || skip "$WORK is on no block device"
	! is_v1 blkio || flag=oflag=direct
	hull run -d --name cc -m 256m -v "$WORK:/out" --device-write-bps "$from:1mb" test sleep 600
	local started
	started=$(now_ms)
	hull exec cc dd if=/dev/zero of=/out/file bs=64k count=48 "$flag"
	# 3 MiB; the kernel lets the first part of a second pass.
	[ $(($(now_ms) - started)) -ge 1500 ] || fail "after $(($(now_ms) - started)) ms"
}

@test "block I/O: version 1 does not limit buffered writes (F6)" {
	is_v1 blkio || skip "version 2 limits them"
	local from started
	from=$(findmnt -no SOURCE -T "$WORK")
	[ -b "$from" ] || skip "$WORK is on no block device"
	run --separate-stderr hull run -d --name cc -m 256m -v "$WORK:/out" --device-write-bps "$from:128kb" test sleep 600
	[[ $stderr == *"buffered writes are not limited"* ]]
	started=$(now_ms)
	hull exec cc dd if=/dev/zero of=/out/file bs=64k count=512
	# 32 MiB at that rate would take 256 s.
	[ $(($(now_ms) - started)) -lt 128000 ] || fail "after $(($(now_ms) - started)) ms"
	assert_equal 33554432 "$(stat -c %s file)"
	# Whoever unmounts writes what is left, and the container's processes are limited in that.
	sync -f "$WORK"
}

# A disk of its own at $WORK/disk, with ext4.
make_disk() {
	truncate -s 200M image
	mkfs.ext4 -q image
	loop=$(losetup -f --show image) || skip "no loop device"
	mkdir disk
	mount "$loop" disk
}

waits_for_disk() { pgrep -f "of=/out/$1 " | sed 's|.*|/proc/&/status|' | xargs cat | grep -q '^State:.D'; }

@test "block I/O: what is killed while it waits for its rate ends at once" {
	make_disk
	local how n=0 command
	# At that rate it would take a day.
	for how in 'stop -t 0' kill 'rm -f'; do
		command="dd if=/dev/zero of=/out/$$-$((++n)) bs=4M count=40 oflag=direct"
		hull run -d --name cc$n -v "$WORK/disk:/out" --device-write-bps "$loop:2kb" test sh -c "$command; true"
		wait_for 20 waits_for_disk "$$-$n"
		# shellcheck disable=SC2086 # words
		timeout $((60 * PATIENCE)) "$HULL" $how cc$n
		[ "$how" = 'rm -f' ] || assert_equal "exited 137" "$(hull inspect -f '{{.State.Status}} {{.State.ExitCode}}' cc$n)"
	done
	# One that is started again has its rates again.
	hull start cc1
	[[ $(cgroup_value cc1 blkio blkio.throttle.write_bps_device io.max) == *2048* ]]
	hull kill cc1
}

# Who ends last in it unmounts the container's root, and so writes back the disk that it is on.
@test "block I/O: what ends by itself does not wait at its rate, for its root or for its other processes" {
	make_disk
	cp -a "$HULL_ROOT" disk/root
	export HULL_ROOT=$WORK/disk/root
	# What is begun anew and closed is given to the disk at once, by ext4 and in the container.
	hull run -d --name cc1 --device-write-bps "$loop:2kb" test sh -c \
		'dd if=/dev/zero of=/f bs=64k count=2; dd if=/dev/zero of=/f bs=64k count=20; exit 7'
	assert_equal 7 "$(timeout $((60 * PATIENCE)) "$HULL" wait cc1)"
	hull run -d --name cc2 -v "$WORK/disk:/out" --device-write-bps "$loop:2kb" test sh -c \
		"dd if=/dev/zero of=/out/$$-2 bs=4M count=40 oflag=direct & while [ ! -e /end ]; do usleep 100000; done; exit 8"
	wait_for 20 waits_for_disk "$$-2"
	# Nor for whoever has its lock, a start that waits for the same disk, say.
	local pid holder
	pid=$(pid_of cc2)
	flock "$HULL_ROOT/containers/$(hull inspect -f '{{.Id}}' cc2)" sleep $((300 * PATIENCE)) 3>&- &
	holder=$!
	touch "/proc/$pid/root/end"
	wait_for 20 eval "[ ! -e /proc/$pid ]"
	pkill -P $holder sleep || true
	kill $holder 2>/dev/null || true
	assert_equal 8 "$(timeout $((60 * PATIENCE)) "$HULL" wait cc2)"
	# Rates of an update count as much.
	hull run -d --name cc3 -v "$WORK/disk:/out" test sh -c "until [ -e /go ]; do usleep 100000; done
		dd if=/dev/zero of=/out/$$-3 bs=4M count=40 oflag=direct & until [ -e /end ]; do usleep 100000; done; exit 9"
	hull update --device-write-bps "$loop:2kb" cc3
	touch "/proc/$(pid_of cc3)/root/go"
	wait_for 20 waits_for_disk "$$-3"
	touch "/proc/$(pid_of cc3)/root/end"
	assert_equal 9 "$(timeout $((60 * PATIENCE)) "$HULL" wait cc3)"
	hull rm cc1 cc2 cc3
	wait_for 20 umount disk
}

@test "block I/O: a rate holds for a process whose first thread has ended" {
	make_disk
	cat >threads.c <<-'END'
		#include <pthread.h>
		#include <unistd.h>
		static void *work(void *p) { for (;;) pause(); return p; }
		int main(void) { pthread_t t; pthread_create(&t, 0, work, 0); pthread_exit(0); }
	END
	"${CC:-cc}" -static -pthread -o threads threads.c
	hull run -d --name cc -v "$WORK/threads:/threads:ro" --device-write-bps "$loop:2mb" test /threads
	leader_ended() { [ "$(awk '{ print $3, $20 }' "/proc/$(pid_of cc)/stat")" = "Z 2" ]; }
	wait_for 10 leader_ended
	nap 3000 # the keeper looks each second
	# The thread that is left: one that has ended is in no group of version 1 any more.
	local other
	other=$(pid_of cc)/task/$(ls "/proc/$(pid_of cc)/task" | grep -vx "$(pid_of cc)")
	CGROUP_PID=$other
	[[ $(cgroup_value cc blkio blkio.throttle.write_bps_device io.max) == *2097152* ]]
	hull kill cc
}

# written CONTAINER: bytes to disks, as hull counts them.
written() {
	hull stats --no-stream --format '{{.BlockIO}}' "$1" | sed 's|.*/ *||; s/B$//; s/k$/K/' | numfmt --from=si
}

# The recipe of docs/explain.md.
@test "block I/O: fio in hull debug measures what the limit says, and as much as hull counts (F4)" {
	command -v fio >/dev/null || skip "there is no fio"
	local from before
	from=$(findmnt -no SOURCE -T "$WORK")
	[ -b "$from" ] || skip "$WORK is on no block device"
	hull run -d --name cc -v "$WORK:/out" --device-write-bps "$from:4mb" test sleep 600
	before=$(written cc)
	hull debug cc fio --name=probe --filename=/container/out/probe --size=16m --rw=write --bs=256k --direct=1 \
		--output-format=json --output=/container/out/fio.json
	jq -e '.jobs[0].error == 0 and .jobs[0].write.io_bytes == 16777216' fio.json
	jq -e '.jobs[0].write.bw_bytes < 4194304 * 1.1' fio.json
	[ $(($(written cc) - before)) -ge $((16777216 * 9 / 10)) ]
	[ $(($(written cc) - before)) -le $((16777216 * 11 / 10)) ]
}

@test "explain io: a limit that holds a writer back, what waits to be written, no use of disks" {
	local from
	from=$(findmnt -no SOURCE -T "$WORK")
	[ -b "$from" ] || skip "$WORK is on no block device"
	hull run -d --name cc -m 256m -v "$WORK:/out" --device-write-bps "$from:1mb" test sleep 600
	run hull explain cc io
	assert_has "io: it does not use disks now"
	hull exec -d cc dd if=/dev/zero of=/out/file bs=64k count=800 oflag=direct
	wait_for 10 eval "hull explain cc io | grep -qE 'io: its limit of 1MiB/s for writing $from holds it back: used to [0-9]+ %'"
	hull rm -f cc
	hull run -d --name dd -m 256m -v "$WORK:/out" test sh -c 'while dd if=/dev/zero of=/out/other bs=1M count=20 conv=notrunc; do sleep 2; done'
	# again and again, for whoever syncs on this machine cleans its pages
	wait_for 20 eval "hull explain dd io | grep -qE 'to be written +(19|2[0-9])[.0-9]*MiB dirty'"
	hull rm -f dd
	# Under a small limit a page must be written before it can be given to the next; version 2 slows writers before (F8 F9).
	hull run -d --name ee -m 24m -v "$WORK:/out" test sh -c 'while :; do dd if=/dev/zero of=/out/other bs=1M count=200; done'
	if ! is_v1 memory; then
		"$HULL" trace --dirty ee >stalls 2>stalls.err 3>&- &
		started_by_test $!
		wait_for 30 eval "hull explain ee io | grep -qE 'io: its writers wait now and then: pages that are not written yet fill [0-9]+ % of its memory limit of 24MiB'"
		hull explain ee io | grep -qE 'of its limit +writers are slowed from [1-4][.0-9]*MiB on, for its memory limit of 24MiB'
		wait_for 30 grep -qE ' dirty +(dd|exe|sh)\[[0-9]+\] its writes to [0-9]+:[0-9]+ wait [0-9]+ ms(, it is held to [^:]*/s)?: its memory limit allows no more unwritten pages' stalls
		return
	fi
	wait_for 10 eval "hull explain ee io | grep -qE 'io: its writers wait now and then: pages that are not written yet fill [3-9][0-9] % of its memory limit of 24MiB'"
}

# How much uneven the writes are is the machine's business, and reported; whether they had to wait for memory is not.
@test "block I/O: a buffered writer is held up at a small memory limit, and not at a large one (F9)" {
	has_controller memory
	[ "$(stat -f -c %T "$WORK")" != tmpfs ] || skip "$WORK is in memory"
	local limit times
	for limit in 64m 768m; do
		hull run -d --name "w$limit" -m $limit -v "$WORK:/out" test /probe write /out/$limit 200
		wait_ready "w$limit" 120
		times=$(hull logs "w$limit" | head -n 1)
		echo "# -m $limit: a block of 1 MiB in ${times% *} us (p50), ${times#* } us (p99)" >&3
		cgroup_value "w$limit" memory memory.failcnt memory.events.local | awk '$1 == "max" || NF == 1 { print $NF }' >at-$limit
		hull explain "w$limit" mem >told-$limit
	done
	[ "$(cat at-64m)" -gt 0 ]
	assert_equal 0 "$(cat at-768m)"
	grep -qE "at the limit +$(cat at-64m) times, each time memory was taken back first" told-64m
	run ! grep "at the limit" told-768m
}

# bats test_tags=fast
@test "block I/O: a partition is resolved to its disk, and that is told" {
	truncate -s 4M image
	loop=$(losetup -f --show image) || skip "no loop device"
	addpart "$loop" 1 2048 2048
	timeout 5 sh -c 'until [ -b "$0" ]; do sleep 0.1; done' "${loop}p1" || skip "no nodes for partitions"
	run --separate-stderr hull run -d --name cc --device-read-bps "${loop}p1:1mb" test sleep 600
	assert_status 0
	[[ $stderr == *"--device-read-bps ${loop}p1: that is a partition"* ]]
	if is_v1 blkio; then
		assert_equal "7:${loop#/dev/loop} 1048576" "$(cat "$(cgroup_dir cc blkio)/blkio.throttle.read_bps_device")"
	else
		assert_equal "7:${loop#/dev/loop} rbps=1048576 wbps=max riops=max wiops=max" "$(cat "$(cgroup_dir cc io)/io.max")"
	fi
	hull rm -f cc
}

@test "block I/O: a weight where the kernel has them, else refused by name" {
	run hull run -d --name cc --blkio-weight 500 test sleep 600
	if [ "$status" = 0 ]; then
		dir=$(cgroup_dir cc "$(is_v1 blkio && echo blkio || echo io)")
		run cat "$dir"/*.bfq.weight "$dir/io.weight"
		assert_line '(^|[ :])(500|4950)$'
	else
		assert_status 125
		assert_has "I/O weight cannot be set"
	fi
}

# used_slowly MS PERCENT: the container cc uses MS of processors, in so much time that it is below PERCENT of one.
used_slowly() {
	local from=$(<"$usage") at=$(now_ms) ns=$(($1 * 1000000)) used share
	has_used() { used=$(($(<"$usage") - from)) && [ $used -ge $ns ]; }
	wait_for 60 has_used
	share=$((used / 10000 / ($(now_ms) - at)))
	[ $share -lt "$2" ] || fail "$share % of a processor"
}

@test "realtime: a budget holds below a group that has one, else the way to it" {
	local parent
	parent=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpu(,|$)/ { print $2; exit }' /proc/mounts)/hull-rt-$$
	if ! is_v1 cpu || [ ! -e "${parent%/*}/cpu.rt_runtime_us" ]; then
		run hull run --rm --cpu-rt-runtime 10000 test true
		assert_status 125
		assert_has "hint: it needs control groups version 1 and CONFIG_RT_GROUP_SCHED"
		return
	fi
	PARENT_GROUPS=("hull-rt-$$")
	mkdir "$parent"
	run chrt -f 10 "$HULL" run --rm test true
	assert_status 125
	assert_has "chrt --other 0"
	run hull run --rm --cgroup-parent "/hull-rt-$$" --cpu-rt-runtime 10000 test true
	assert_status 125
	assert_has "hint: each group above needs as much real-time budget first"
	if echo 200000 >"$parent/cpu.rt_runtime_us"; then
		hull run -d --name cc --cgroup-parent "/hull-rt-$$" --cpu-rt-runtime 10000 --cpu-rt-period 500000 test sleep 600
		assert_equal "10000 500000" "$(cd "$(cgroup_dir cc cpu)" && cat cpu.rt_runtime_us cpu.rt_period_us | xargs)"
		hull rm -f cc
		# A loop that nobody of normal priority could take a processor from.
		hull run -d --name cc --cgroup-parent "/hull-rt-$$" --cpu-rt-runtime 10000 --cpu-rt-period 100000 \
			test sh -c 'while :; do :; done'
		chrt -f -p 10 "$(pid_of cc)"
		local usage
		usage=$(cgroup_dir cc cpuacct)/cpuacct.usage
		used_slowly 300 30
		hull update --cpu-rt-runtime 2000 cc
		used_slowly 60 8
	fi
}

@test "what makes no sense is refused, with docker's words" {
	refused() { # TEXT OPTION...
		local text=$1
		shift
		run hull run --rm "$@" test true
		assert_status 125
		assert_has "$text"
	}
	refused "Range of blkio weight is from 10 to 1000" --blkio-weight 9
	refused "bad format for device path: sda:10" --blkio-weight-device sda:10
	refused "The correct format is <device-path>:<number>[<unit>]" --device-read-bps /dev/sda:x
	refused "The correct format is <device-path>:<number>. Number" --device-write-iops /dev/sda:1k
	refused "--device-read-bps /dev/null: not a block device" --device-read-bps /dev/null:1
	refused "--device-read-iops /dev/nosuch: no such device" --device-read-iops /dev/nosuch:1
	refused "cpu real-time runtime cannot be higher than cpu real-time period" --cpu-rt-runtime 2 --cpu-rt-period 1
	refused "You should always set the Memory limit when using Memoryswap limit" --memory-swap 64m
	refused "Minimum memoryswap limit should be larger than memory limit" -m 64m --memory-swap 32m
	refused "can not be less than memory reservation limit" -m 64m --memory-reservation 65m
	refused "expected a number like 250m" --cpu-shares 1.5m
	refused "like 2MB=64m" --hugepages 64m
	assert_equal "" "$(hull ps -aq)"
}
