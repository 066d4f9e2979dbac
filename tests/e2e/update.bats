#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull update: limits of a running container change at once, and stay for the next start.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

swap_file() {
	if is_v1 memory; then echo memory.memsw.limit_in_bytes; else echo memory.swap.max; fi
}

changed() {
	local swap="-"
	[ ! -e "$(cgroup_dir "$1" memory)/$(swap_file)" ] || swap=$(swap_file)
	in_files "$1" <<-TABLE
		memory $swap 268435456 $swap 134217728
		memory memory.limit_in_bytes 134217728 memory.max 134217728
		memory memory.soft_limit_in_bytes 67108864 memory.low 67108864
		cpu cpu.shares 512 cpu.weight 59
		cpu cpu.cfs_quota_us 50000 cpu.max 50000,100000
		cpu cpu.cfs_burst_us 2000 cpu.max.burst 2000
		cpuset cpuset.cpus 0 cpuset.cpus 0
		cpuset cpuset.mems 0 cpuset.mems 0
		pids pids.max 50 pids.max 50
	TABLE
}

# bats test_tags=fast
@test "each limit changes at once, shows in inspect, holds at the next start, and is taken away by 0 (G5 M8)" {
	has_controller cpuset
	hull run -d --name cc -m 64m test sleep 600
	run hull update -m 128m --memory-swap 256m --memory-reservation 64m --cpu-shares 512 --cpus 0.5 --cpu-burst 2000 \
		--cpuset-cpus 0 --cpuset-mems 0 --pids-limit 50 cc
	assert_status 0
	assert_equal cc "$output"
	changed cc
	assert_equal "0" "$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$(pid_of cc)/status")"
	assert_equal "134217728 268435456 67108864 512 500000000 0 0 50 2000" "$(hull inspect -f '{{with .HostConfig}}{{.Memory}} {{
		.MemorySwap}} {{.MemoryReservation}} {{.CpuShares}} {{.NanoCpus}} {{.CpusetCpus}} {{.CpusetMems}} {{.PidsLimit}}{{
		end}} {{.Hull.CpuBurst}}' cc)"
	hull restart -t 0 cc
	changed cc
	hull container update -m 0 --memory-swap 0 --memory-reservation 0 --cpu-shares 0 --cpus 0 --cpu-burst 0 \
		--cpuset-cpus '' --cpuset-mems '' --pids-limit -1 cc
	in_files cc <<-'TABLE'
		memory memory.limit_in_bytes 9223372036854771712 memory.max max
		cpu cpu.shares 1024 cpu.weight 100
		cpu cpu.cfs_quota_us -1 cpu.max max,100000
		pids pids.max max pids.max max
	TABLE
	assert_equal "$(cat /sys/devices/system/cpu/online)" "$(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$(pid_of cc)/status")"
}

@test "rates of devices, huge pages, swappiness and the killer change too" {
	local dev disk numbers
	for dev in /sys/block/*/dev; do
		disk=/dev/$(basename "$(dirname "$dev")") numbers=$(cat "$dev")
		[ ! -b "$disk" ] || break
	done
	[ -b "$disk" ] || skip "no block device"
	rate() {
		if is_v1 blkio; then cat "$(cgroup_dir cc blkio)/blkio.throttle.read_bps_device"; else cat "$(cgroup_dir cc io)/io.max"; fi
	}
	hull run -d --name cc -m 64m test sleep 600
	hull update --device-read-bps "$disk:1mb" cc
	[[ $(rate) == "$numbers "*1048576* ]]
	hull update --device-read-bps "$disk:2mb" --device-read-iops "$disk:7" cc
	[[ $(rate) == "$numbers "*2097152* ]]
	assert_equal "[map[Path:$disk Rate:2097152]]" "$(hull inspect -f '{{.HostConfig.BlkioDeviceReadBps}}' cc)"
	hull update --device-read-bps "$disk:0" --device-read-iops "$disk:0" cc
	assert_equal "" "$(rate)"
	if [ -d /sys/kernel/mm/hugepages/hugepages-2048kB ]; then
		hull update --hugepages 2MB=64m cc
		in_files cc <<<"hugetlb hugetlb.2MB.limit_in_bytes 67108864 hugetlb.2MB.max 67108864"
		hull update --hugepages 2MB=-1 cc
		in_files cc <<<"hugetlb hugetlb.2MB.limit_in_bytes 9223372036852678656 hugetlb.2MB.max max"
	fi
	if is_v1 memory; then
		hull update --memory-swappiness 7 --oom-kill-disable cc
		assert_equal 7 "$(cat "$(cgroup_dir cc memory)/memory.swappiness")"
		grep -qx 'oom_kill_disable 1' "$(cgroup_dir cc memory)/memory.oom_control"
		hull update --oom-kill-disable=false cc
		grep -qx 'oom_kill_disable 0' "$(cgroup_dir cc memory)/memory.oom_control"
	else
		hull update --memory-swappiness 0 --oom-group --cgroup-conf memory.high=33554432 cc
		in_files cc <<-'TABLE'
			memory - - memory.oom.group 1
			memory - - memory.high 33554432
		TABLE
		# What is not given stays, though version 2 counts swap without memory.
		hull update -m 32m cc
		[ ! -e "$(cgroup_dir cc memory)/memory.swap.max" ] || in_files cc <<<"memory - - memory.swap.max 0"
	fi
}

# bats test_tags=fast
@test "memory below what is used: page cache is given back, the rest is refused with the figures" {
	has_controller memory
	hull run -d --name cc -m 200m --memory-swap 200m test /probe eat 40
	wait_ready cc 20
	hull exec cc sh -c 'dd if=/dev/zero of=/tmp/file bs=1M count=60 && sync && cat /tmp/file >/dev/null' 2>/dev/null
	hull update -m 64m --memory-swap 64m cc
	in_files cc <<<"memory memory.limit_in_bytes 67108864 memory.max 67108864"
	run hull update -m 16m --memory-swap 16m --pids-limit 9 cc
	assert_status 1
	assert_line 'Cannot update container cc: cannot set memory([+]swap)? limit 16MiB: [0-9.]+MiB are in use, of which [0-9.]+([KM]i)?B can be reclaimed'
	assert_line 'hint: give more than [0-9.]+MiB, or stop the container first'
	# All or nothing.
	in_files cc <<-'TABLE'
		memory memory.limit_in_bytes 67108864 memory.max 67108864
		pids pids.max 4096 pids.max 4096
	TABLE
	assert_equal "67108864 null running" "$(hull inspect -f '{{.HostConfig.Memory}} {{json .HostConfig.PidsLimit}} {{.State.Status}}' cc)"
}

@test "when the kernel refuses one limit, the others are set back" {
	hull run -d --name cc --cpu-shares 100 test sleep 600
	run hull update --cpu-shares 200 --pids-limit 5 --hugepages 3MB=1m cc
	assert_status 1
	assert_has "huge pages 3MB"
	in_files cc <<-'TABLE'
		cpu cpu.shares 100 cpu.weight 17
		pids pids.max 4096 pids.max 4096
	TABLE
	assert_equal 100 "$(hull inspect -f '{{.HostConfig.CpuShares}}' cc)"
}

@test "ulimits of all processes, and the size of /dev/shm" {
	hull run -d --name cc --ulimit nofile=100:200 test sh -c 'sleep 601 & sleep 602'
	shm() { hull exec cc df -k /dev/shm | awk 'END { print $2 }'; }
	nofile() {
		for pid in $(cat "$(cgroup_dir cc pids)/cgroup.procs"); do
			awk '/^Max open files/ { print $4, $5 }' "/proc/$pid/limits"
		done | sort -u
	}
	wait_for 5 eval '[ "$(wc -l <"$(cgroup_dir cc pids)/cgroup.procs")" = 2 ]'
	assert_equal "100 200" "$(nofile)"
	hull update --ulimit nofile=64:150 --shm-size 8m cc
	assert_equal "64 150" "$(nofile)"
	assert_equal 150 "$(hull exec cc sh -c 'ulimit -Hn')"
	assert_equal 8192 "$(shm)"
	assert_equal "[map[Hard:150 Name:nofile Soft:64]] 8388608" "$(hull inspect -f '{{.HostConfig.Ulimits}} {{.HostConfig.ShmSize}}' cc)"
	hull exec cc dd if=/dev/zero of=/dev/shm/file bs=1M count=6
	run hull update --shm-size 2m --pids-limit 9 --ulimit nofile=70 cc
	assert_status 1
	assert_has "--shm-size"
	assert_equal "4096 8192 64 150" "$(cgroup_value cc pids pids.max pids.max) $(shm) $(nofile)"
	run hull update --ulimit nofile=64:300 --shm-size 9m cc
	if [ "$status" = 0 ]; then
		assert_equal "64 300" "$(nofile)"
	else
		assert_has "hint: to raise a hard limit takes CAP_SYS_RESOURCE"
		assert_equal 8192 "$(shm)"
	fi
	hull update --shm-size 0 cc
	assert_equal 65536 "$(shm)"
	hull run -d --name dd --tmpfs /dev/shm:size=1m test sleep 600
	run hull update --shm-size 2m dd
	assert_status 1
	assert_has "/dev/shm of the container is not its own"
}

@test "the restart policy: for the next end, and for a restart that is due" {
	restarted() { [ "$(hull inspect -f '{{.RestartCount}} {{.State.Status}}' cc)" = "$1 running" ]; }
	hull run -d --name cc test sleep 600
	hull update --restart on-failure:5 cc
	assert_equal "map[MaximumRetryCount:5 Name:on-failure] running" "$(hull inspect -f '{{.HostConfig.RestartPolicy}} {{.State.Status}}' cc)"
	kill -KILL "$(pid_of cc)"
	wait_for 10 restarted 1
	hull update --restart no cc
	kill -KILL "$(pid_of cc)"
	wait_for 10 has_status cc exited
	hull run -d --name dd --restart always test false
	wait_for 20 has_status dd restarting
	# It may be about to end, by its scope have ended, or wait.
	for _ in 1 2 3 4 5; do
		hull update --pids-limit 20 dd
	done
	hull update --restart no dd
	wait_for 10 has_status dd exited
}

@test "one that does not run has it from its start on; a paused one at once; many at a time" {
	hull create --name cc test sleep 600
	hull run -d --name dd test sleep 600
	hull pause dd
	run --separate-stderr hull update --pids-limit 30 cc nosuch dd
	assert_status 1
	assert_equal $'cc\ndd' "$output"
	[[ $stderr == *"No such container: nosuch"* ]]
	in_files dd <<<"pids pids.max 30 pids.max 30"
	hull unpause dd
	hull start cc
	in_files cc <<<"pids pids.max 30 pids.max 30"
	assert_equal 0 "$(hull update --pids-limit 31 cc >/dev/null && cat "/proc/$(pid_of cc)/oom_score_adj")"
}

@test "what is refused: docker's words, exit code 1, nothing changed" {
	hull create --name cc -m 64m --cpus 0.5 test
	hull create --name dd --cpu-quota 50000 --cpu-period 100000 test
	refused() { # STATUS TEXT ARGUMENT...
		local want=$1 text=$2
		shift 2
		run hull update "$@"
		assert_status "$want"
		assert_has "$text"
	}
	refused 1 "you must provide one or more flags when using this command" cc
	refused 1 "requires at least 1 argument" -m 64m
	refused 125 "unknown policy 'foo'" --restart foo cc
	hull create --name ee --rm test
	refused 1 "Restart policy cannot be updated because AutoRemove is enabled for the container" --restart always ee
	refused 1 "Cannot update container cc: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time" -m 256m cc
	refused 1 "Minimum memoryswap limit should be larger than memory limit" --memory-swap 32m cc
	refused 1 "You should always set the Memory limit when using Memoryswap limit" --memory-swap 32m dd
	refused 1 "can not be less than memory reservation limit" --memory-reservation 65m cc
	refused 1 "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set" --cpu-quota 5000 cc
	refused 1 "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set" --cpu-period 5000 cc
	refused 1 "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set" --cpus 1 dd
	refused 1 "range of CPUs is from 0.01 to" --cpus 1000 cc
	refused 1 "cpuset 4000: this machine has CPUs" --cpuset-cpus 4000 cc
	refused 1 "Range of blkio weight is from 10 to 1000" --blkio-weight 9 cc
	refused 125 "invalid size: '5x'" -m 5x cc
	assert_equal "67108864 500000000 134217728 0" \
		"$(hull inspect -f '{{with .HostConfig}}{{.Memory}} {{.NanoCpus}} {{.MemorySwap}} {{.CpuQuota}}{{end}}' cc)"
	hull update --cpus 0 --cpu-quota 5000 -m 256m --memory-swap -1 cc
	hull update --cpu-quota 0 --cpu-period 0 --cpus 1 dd
	run --separate-stderr hull update --kernel-memory 4m cc
	assert_equal "WARNING: --kernel-memory is without effect: the kernel has dropped it" "$stderr"
}
