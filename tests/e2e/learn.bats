#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hull run --learn-caps, --learn-seccomp: what a run needs, and that it is enough.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

@test "learn: the capabilities that were used, and they are enough; those that lacked" {
	local needs='touch /x && chown 5 /x && chroot / /bin/true'
	run hull run --rm --learn-caps test sh -c "$needs"
	assert_status 0
	grep -qx "learned: --cap-drop ALL --cap-add CHOWN --cap-add SYS_CHROOT" <<<"$output"
	assert_lacks "was denied"
	run hull run --rm --cap-drop ALL --cap-add CHOWN --cap-add SYS_CHROOT test sh -c "$needs"
	assert_status 0
	run hull run --rm --cap-drop ALL --cap-add SYS_CHROOT --learn-caps test sh -c "$needs"
	assert_status 1
	grep -qx "learned: --cap-drop ALL" <<<"$output"
	assert_has "it asked for these, too, and was denied: CHOWN"
	run hull run --rm --learn-caps test true
	assert_equal "learned: --cap-drop ALL" "$output"
	# The network and the clock (which the seccomp profile refuses before): asked for, denied, and nothing is set.
	run hull run --rm --learn-caps --security-opt seccomp=unconfined test sh -c 'ip link set lo mtu 1280; date -s "2001-01-01 00:00:00"; exit 0'
	assert_has "it asked for these, too, and was denied: "
	for name in NET_ADMIN SYS_TIME; do
		[[ $output =~ denied:\ ([A-Z_, ]*) ]] && [[ ${BASH_REMATCH[1]} == *"$name"* ]] || fail "$output"
	done
	# What the kernel asks by the way is no need, whatever is written and started.
	run hull run --rm --cap-add SYS_ADMIN --tmpfs /t --learn-caps test sh -c 'head -c 3000000 /dev/zero >/t/x; cat /t/x | wc -c'
	grep -qx "learned: --cap-drop ALL" <<<"$output"
	run hull run --rm --cap-add SYS_ADMIN --learn-caps test sh -c 'mount -t tmpfs none /tmp'
	grep -qx "learned: --cap-drop ALL --cap-add SYS_ADMIN" <<<"$output"
}

@test "learn: a seccomp profile that is enough for the same, and for no more; it grows with each run" {
	run hull run --rm --init --learn-seccomp p.json test sh -c 'ls / >/dev/null; exit 3'
	assert_status 3
	[[ $output =~ learned:\ --security-opt\ seccomp=p.json\ \(([0-9]+)\ system\ calls\) ]]
	local first=${BASH_REMATCH[1]}
	run hull run --rm --init --security-opt seccomp=p.json test sh -c 'ls / >/dev/null; exit 3'
	assert_status 3
	assert_equal "" "$output"
	run hull run --rm --init --security-opt seccomp=p.json test sh -c 'mkdir /new'
	assert_has "Operation not permitted"
	run hull run --rm --init --learn-seccomp p.json test mkdir /new
	assert_status 0
	[[ $output =~ \(([0-9]+)\ system\ calls\) ]]
	[ "${BASH_REMATCH[1]}" -gt "$first" ]
	hull run --rm --init --security-opt seccomp=p.json test sh -c 'ls / >/dev/null; mkdir /new'
	python3 -c 'import json
p = json.load(open("p.json"))
names = p["syscalls"][0]["names"]
assert names == sorted(set(names)) and "mkdir" in " ".join(names) and "mount" not in names, names
assert p["defaultAction"] == "SCMP_ACT_ERRNO"'
	# What the profile in force refuses, and nothing that the program was refused for another reason, or itself got wrong.
	run hull run --rm --init --learn-seccomp q.json test sh -c 'unshare -U true; mount -t tmpfs none /tmp; ls /nowhere; kill -9 999'
	assert_has "learned: a seccomp filter refused these, which the new one has not either: "
	[[ $output =~ either:\ (mount,\ )?unshare$'\n' ]]
	run hull run --rm --init --learn-seccomp q.json --security-opt seccomp=unconfined test sh -c 'unshare -U true; mount -t tmpfs none /tmp'
	assert_lacks "refused"
	# What was learned without a profile in force is enough, too: hull's own last steps are behind the filter.
	hull run --rm --security-opt seccomp=unconfined --learn-seccomp u.json test true
	hull run --rm --security-opt seccomp=u.json test true
	# What hull itself does before the program begins is none of its needs.
	run ! grep -qE '"(mount|pivot_root|move_mount|sethostname)"' p.json
}

@test "learn: calls of a 32-bit program by their own names, and the profile is for its architecture, too" {
	hull run --rm --security-opt seccomp=unconfined test /probe calls32 once || skip "this kernel runs no 32-bit calls"
	run hull run --rm --learn-seccomp p.json --security-opt seccomp=unconfined test /probe calls32 once
	assert_status 0
	python3 -c 'import json
p = json.load(open("p.json"))
names = p["syscalls"][0]["names"]
assert p["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], p
assert {"mount", "getpid", "rt_sigaction", "swapoff"} <= set(names), names
assert not {"create_module", "keyctl"} & set(names), names
json.dump(dict(p, architectures=["SCMP_ARCH_X86_64"]), open("native.json", "w"))'
	hull run --rm --security-opt seccomp=p.json test /probe calls32 once
	run ! hull run --rm --security-opt seccomp=native.json test /probe calls32 once
	# docker's other way to say so.
	jq 'del(.architectures) + {archMap: [{architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]}]}' p.json >map.json
	hull run --rm --security-opt seccomp=map.json test /probe calls32 once
	jq '. + {architectures: ["SCMP_ARCH_X86"]}' map.json >both.json
	run ! hull run --rm --security-opt seccomp=both.json test true
	assert_has "use either 'architectures' or 'archMap'"
	# It stays so in runs that make none; and one that makes none has a profile without.
	hull run --rm --learn-seccomp p.json test true
	grep -q SCMP_ARCH_X86'"' p.json
	hull run --rm --learn-seccomp q.json test true
	run ! grep -q SCMP_ARCH_X86'"' q.json
	# What is refused goes by them as well.
	run hull run --rm --learn-seccomp r.json test /probe calls32 once
	assert_has "getpid (32-bit), mount (32-bit)"
}

@test "learn: what came too fast to be read is told, and not passed over" {
	local client
	"$HULL" run --rm --name cc --learn-seccomp p.json test sh -c 'until [ -e /go ]; do :; done' >/dev/null 2>err 3>&- &
	client=$!
	wait_for 10 eval '[ "$(status_of cc)" = running ]'
	# Nobody reads the ring meanwhile, and nothing comes after it.
	kill -STOP "$client"
	hull exec cc dd if=/dev/zero of=/dev/null bs=1 count=200000
	let_end cc /go
	kill -CONT "$client"
	wait "$client"
	grep -qE '^learned: the ends of [0-9]{4,} calls came too fast to be read: calls of 32-bit programs may be missing' err || fail "$(cat err)"
	# Which calls there were is marked in a table, of which nothing is lost.
	hull run --rm --security-opt seccomp=p.json test dd if=/dev/zero of=/dev/null bs=1 count=2
	run hull run --rm --learn-seccomp q.json test true
	assert_lacks "too fast"
}

@test "learn: a file of somebody else, a container that hull does not wait for, and what is left" {
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}' >mine.json
	run hull run --rm --learn-seccomp mine.json test true
	assert_has "mine.json is there, and is no profile that was learned"
	assert_equal '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}' "$(cat mine.json)"
	# One that forbids would become one that allows.
	for text in '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mount"],"action":"SCMP_ACT_ERRNO"}]}' \
		'{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"names":[null],"action":"SCMP_ACT_ALLOW"}]}'; do
		echo "$text" >mine.json
		run hull run --rm --learn-seccomp mine.json test true
		assert_has "mine.json is there, and is no profile that was learned"
		assert_equal "$text" "$(cat mine.json)"
	done
	run hull run -d --learn-caps test true
	assert_status 1
	assert_has "not with --detach"
}

# The numbers of BPF maps that the processes $@ have open.
maps_of() {
	local pid
	for pid; do sed -n 's/^map_id:[[:space:]]*//p' /proc/"$pid"/fdinfo/* 2>/dev/null; done | sort -u
}
has_maps() {
	maps_of "$1" >maps
	[ "$(wc -l <maps)" -ge 4 ]
}
nobody_has_them() {
	(cd /proc && maps_of [0-9]*) | comm -12 maps - >left
	[ ! -s left ]
}

@test "learn: nothing is left in the kernel" {
	mkfifo go
	"$HULL" run -i --rm --learn-caps test cat <go >out 2>&1 3>&- &
	STARTED+=("$!")
	exec 4>go
	wait_for 10 has_maps "$!"
	run ! nobody_has_them
	exec 4>&-
	wait_for 10 grep -q '^learned: ' out
	wait_for 10 nobody_has_them
}
