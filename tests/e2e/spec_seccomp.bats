#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The seccomp object of a spec: actions, conditions, flags, and the notify listener.

load spec

# filter RULES [DEFAULT]: what is not named is allowed.
filter() {
	config --argjson r "$1" --arg d "${2:-SCMP_ACT_ALLOW}" \
		'.linux.seccomp = {defaultAction: $d, architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86",
		"SCMP_ARCH_X32", "SCMP_ARCH_AARCH64"], syscalls: $r}'
}

@test "each action does what its name says" {
	filter '[{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO"}]'
	start mkdir /x
	[[ $output == *"Operation not permitted"* ]]
	config '.linux.seccomp.syscalls[0].errnoRet = 28'
	start mkdir /x
	[[ $output == *"No space left on device"* ]]
	config '.linux.seccomp.syscalls[0] |= (.action = "SCMP_ACT_LOG" | del(.errnoRet))'
	start mkdir /x
	[ "$status" = 0 ]
	[ -d "$root/x" ]
	local action
	# 31 is SIGSYS; without a tracer a traced call does not exist.
	for action in KILL KILL_THREAD KILL_PROCESS TRAP; do
		config --arg a "SCMP_ACT_$action" '.linux.seccomp.syscalls[0].action = $a'
		start sh -c 'mkdir /y; echo "status $?"'
		[[ $output == *"status 159"* ]]
	done
	config '.linux.seccomp.syscalls[0].action = "SCMP_ACT_TRACE"'
	start mkdir /y
	[[ $output == *"Function not implemented"* ]]
	[ ! -e "$root/y" ]
}

@test "a default that forbids, and what a profile has not heard of" {
	filter '[{"names": ["execve", "exit_group", "exit"], "action": "SCMP_ACT_ALLOW"}]' SCMP_ACT_ERRNO
	config '.linux.seccomp.defaultErrnoRet = 13'
	start true
	# busybox cannot even start: which of its calls fails first is its own business.
	[ "$status" != 0 ]
	filter '[{"names": ["getpid"], "action": "SCMP_ACT_KILL_PROCESS"}]'
	start true
	[ "$status" = 0 ]
	start grep Seccomp: /proc/self/status
	[[ $output == *2 ]]
}

# abi NUMBER ARGUMENT: a system call of i386, by its number; the error is the status.
i386_program() {
	[ "$(uname -m)" = x86_64 ] || skip "needs x86_64"
	cat >"$dir/abi.c" <<-'C'
		#include <stdlib.h>
		static const char path[] = "/x";
		int main(int argc, char **argv)
		{
			long r = atol(argv[1]), b = argc > 2 ? atol(argv[2]) : (long)path;
			__asm__ volatile("int $0x80" : "+a"(r) : "b"(b), "c"(0755) : "memory");
			return (int)r < 0 ? -(int)r : 0;
		}
	C
	"${CC:-cc}" -static -no-pie -o "$root/bin/abi" "$dir/abi.c"
	"$root/bin/abi" 20 || skip "this kernel does not execute i386 programs"
}

@test "another ABI is no way around a filter, and its own rules hold where it is listed" {
	i386_program
	filter '[{"names": ["mkdir", "mkdirat", "socket"], "action": "SCMP_ACT_ERRNO"}]'
	start abi 39 # mkdir
	[ "$status" = 1 ]
	start abi 102 1 # socketcall(2): socket
	[ "$status" = 1 ]
	start abi 102 5 # accept
	[ "$status" = 14 ]
	start abi 20 # getpid
	[ "$status" = 0 ]
	[ ! -e "$root/x" ]
	# What is not listed has no system calls, even where the default allows.
	config '.linux.seccomp.architectures = ["SCMP_ARCH_X86_64"]'
	start abi 39
	[ "$status" = 38 ]
	start abi 20
	[ "$status" = 38 ]
	# In a list of what is allowed.
	local names
	names=$(sed -n 's/^#define __NR_\([a-z0-9_]*\) .*/"\1"/p' /usr/include/*/asm/unistd_64.h | grep -v rmdir | paste -sd,)
	filter "[{\"names\": [$names], \"action\": \"SCMP_ACT_ALLOW\"}]" SCMP_ACT_ERRNO
	start abi 39
	[ "$status" = 0 ]
	[ -d "$root/x" ]
	start abi 40 # rmdir
	[ "$status" = 1 ]
	[ -d "$root/x" ]
}

@test "conditions on arguments: all must match, those on one argument are alternatives" {
	# kill(2) with signal 0, or with 10 and 12: the shell's own kill shows each.
	try() { # SIGNAL yes|no
		start sh -c "sleep 9 & kill -$1 \$!; echo \$?; kill -9 \$!"
		[[ ${lines[*]} == *"$([ "$2" = no ] && echo 1 || echo 0)"* ]] || { echo "$1: $output"; return 1; }
	}
	local rule='[{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "args": [%s]}]'
	arg() { printf '{"index": %s, "value": %s, "valueTwo": %s, "op": "SCMP_CMP_%s"}' "$@"; }
	filter "$(printf "$rule" "$(arg 1 10 0 EQ),$(arg 1 12 0 EQ)")"
	try 10 no
	try 12 no
	try 15 yes
	filter "$(printf "$rule" "$(arg 1 10 0 GE),$(arg 0 0 0 NE)")"
	try 15 no
	try 9 yes
	filter "$(printf "$rule" "$(arg 1 3 2 MASKED_EQ)")"
	try 10 no # 10 & 3 is 2
	try 12 yes
	filter "$(printf "$rule" "$(arg 1 12 0 LT)")"
	try 10 no
	try 12 yes
	filter "$(printf "$rule" "$(arg 1 12 0 LE)")"
	try 12 no
	filter "$(printf "$rule" "$(arg 1 12 0 GT)")"
	try 12 yes
	try 15 no
}

@test "flags, and a filter under noNewPrivileges and another user" {
	filter '[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]'
	config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
		"SECCOMP_FILTER_FLAG_TSYNC"] | .process.noNewPrivileges = true |
		.process.user = {uid: 1000, gid: 1000}'
	chmod 777 "$root/tmp"
	start mkdir /tmp/x
	[[ $output == *"Operation not permitted"* ]]
	background
	options="--config $dir/config.json" join . mkdir /tmp/x
	end_background
	[[ $output == *"Operation not permitted"* ]]
}

@test "the listener gets the descriptor and the state of each process, and answers" {
	filter '[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]'
	config --arg s "$dir/agent" '.linux.seccomp += {listenerPath: $s, listenerMetadata: "meta"} |
		.annotations = {"k": "v"}'
	"$TOP/tests/helpers/seccomp_agent.py" "$dir/agent" "$dir/states" 2 3>&- &
	local agent=$! i
	for i in $(seq 1000); do
		[ -S "$dir/agent" ] && break
		sleep 0.05
	done
	options="--bundle $dir"
	start sh -c 'mkdir /x'
	[[ $output == *"Invalid cross-device link"* ]]
	[ ! -e "$root/x" ]
	jq -e --arg b "$dir" '.ociVersion == "1.0.2" and .fds == ["seccompFd"] and .metadata == "meta" and
		.pid > 1 and .state.pid == .pid and .state.id == "probe" and .state.bundle == $b and
		.state.status == "creating" and .state.annotations == {"k": "v"}' "$dir/states"
	config 'del(.linux.seccomp)'
	cp "$dir/config.json" "$dir/plain.json"
	background
	filter '[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]'
	config --arg s "$dir/agent" '.linux.seccomp += {listenerPath: $s}'
	options="--bundle $dir --config $dir/config.json" join . mkdir /x
	end_background
	wait "$agent"
	[[ $output == *"Invalid cross-device link"* ]]
	[ "$(wc -l <"$dir/states")" = 2 ]
}

# agent NUMBER...: one that fails these calls only.
agent() {
	rm -f "$dir/agent" "$dir/states"
	"$TOP/tests/helpers/seccomp_agent.py" "$dir/agent" "$dir/states" 2 "$@" 3>&- &
	agent=$!
	local i
	for i in $(seq 1000); do
		[ -S "$dir/agent" ] && break
		sleep 0.05
	done
}

@test "the listener is asked for every call when that is the default, and for what passes it on" {
	[ "$(uname -m)" = x86_64 ] || skip "numbers of x86_64"
	local nnp
	filter '[]' SCMP_ACT_NOTIFY
	config --arg s "$dir/agent" '.linux.seccomp.listenerPath = $s | .process.user = {uid: 1000, gid: 1000}'
	chmod 777 "$root/tmp"
	options="--bundle $dir"
	for nnp in true false; do
		config --argjson n $nnp '.process.noNewPrivileges = $n'
		agent 83 258
		start sh -c 'id -u; mkdir /tmp/x; echo after'
		[[ $output == 1000*"Invalid cross-device link"*after ]] || { echo "$nnp: $output"; return 1; }
		start sh -c 'exit 7'
		[ "$status" = 7 ]
		wait "$agent"
		[ "$(wc -l <"$dir/states")" = 2 ]
	done
	filter '[{"names": ["sendmsg", "mkdir"], "action": "SCMP_ACT_NOTIFY"}]'
	config --arg s "$dir/agent" '.linux.seccomp.listenerPath = $s'
	agent 83
	start mkdir /tmp/x
	[[ $output == *"Invalid cross-device link"* ]]
	cp "$dir/config.json" "$dir/filter.json"
	config 'del(.linux.seccomp)'
	background
	options="--bundle $dir --config $dir/filter.json" join . mkdir /tmp/x
	end_background
	[[ $output == *"Invalid cross-device link"* ]]
	wait "$agent"
}

@test "what cannot be meant is refused by name" {
	try() {
		write_config
		filter '[{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]'
		config "$1"
		start true
		[ "$status" = 125 ]
		[[ $output == *"$2"* ]] || { echo "$output"; return 1; }
	}
	try '.linux.seccomp.defaultAction = "SCMP_ACT_X"' 'seccomp: action SCMP_ACT_X is not known'
	try '.linux.seccomp.syscalls[0].action = "ERRNO"' 'syscalls[0]: action ERRNO is not known'
	try '.linux.seccomp.syscalls[0].errnoRet = 4096' 'errnoRet 4096'
	try '.linux.seccomp.syscalls[0] |= (.action = "SCMP_ACT_ALLOW" | .errnoRet = 1)' 'SCMP_ACT_ALLOW takes no errnoRet'
	try '.linux.seccomp.syscalls[0].args[0].op = "EQ"' 'operator EQ is not known'
	try '.linux.seccomp.syscalls[0].args[0].index = 6' 'argument index 6'
	try '.linux.seccomp.syscalls[0].names = []' 'syscalls[0]: no names'
	try '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_X"]' 'flag SECCOMP_FILTER_FLAG_X is not known'
	try '.linux.seccomp.architectures = ["SCMP_ARCH_PDP11"]' 'architecture SCMP_ARCH_PDP11 is not known'
	try '.linux.seccomp.syscalls[0] |= (.action = "SCMP_ACT_NOTIFY")' 'needs a listenerPath'
	try '.linux.seccomp.syscalls[0] |= (.action = "SCMP_ACT_NOTIFY") | .linux.seccomp.listenerPath = "/nonexistent"' \
		'listenerPath /nonexistent: No such file'
	try '.linux.seccomp.defaultAction = "SCMP_ACT_NOTIFY"' 'needs a listenerPath'
}
