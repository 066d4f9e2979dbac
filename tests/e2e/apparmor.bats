#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor: the profile of hull's own, profiles by name, none. The second kernel has it.

load lib

setup() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || skip "this kernel runs without AppArmor"
	command -v apparmor_parser >/dev/null || skip "there is no apparmor_parser"
	mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security
	hull_setup
}
teardown() { hull_teardown; }

profile_of() { # of the process: "hull-default (enforce)"
	tr -d '\0' <"/proc/$1/attr/apparmor/current"
}

# bats test_tags=fast
@test "AppArmor: a container has hull's profile, what is exec'd too; a privileged one has none" {
	hull run -d --name cc test sleep 600
	assert_equal "hull-default (enforce)" "$(profile_of "$(pid_of cc)")"
	assert_equal "hull-default (enforce)" "$(hull exec cc cat /proc/self/attr/apparmor/current)"
	assert_equal "unconfined" "$(hull exec --privileged cc cat /proc/self/attr/apparmor/current)"
	assert_equal hull-default "$(hull inspect -f '{{.AppArmorProfile}}' cc)"
	hull run -d --name pp --privileged test sleep 600
	assert_equal unconfined "$(profile_of "$(pid_of pp)")"
	assert_equal unconfined "$(hull inspect -f '{{.AppArmorProfile}}' pp)"
	hull run -d --name uu --security-opt apparmor=unconfined test sleep 600
	assert_equal unconfined "$(profile_of "$(pid_of uu)")"
	# And hull says so.
	hull explain cc security | grep -q 'hull-default (enforce)'
	run ! grep -q 'no AppArmor profile' <<<"$(hull explain cc security)"
	hull explain uu security | grep -q 'no AppArmor profile'
	hull doctor | grep -q 'AppArmor.*hull-default'
	local parser
	parser=$(command -v apparmor_parser)
	unshare -m sh -c 'mount --bind /dev/null "$0" && "$@"' "$(readlink -f "$parser")" "$HULL_BIN_DIR/hull" doctor |
		grep -q 'install the package apparmor'
	# It starts again, is stopped by a signal from outside, and its processes signal each other.
	hull restart -t 1 cc >/dev/null
	hull exec cc sh -c 'sleep 600 & kill $!'
	hull stop -t 1 cc >/dev/null
	assert_equal 137 "$(hull inspect -f '{{.State.ExitCode}}' cc)"
}

@test "AppArmor: what the profile denies is denied with the capabilities for it" {
	# Without the masks of paths, with everything that mounting takes.
	local open=(--cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined)
	run hull run --rm "${open[@]}" --security-opt apparmor=unconfined test mount -t tmpfs x /tmp
	assert_status 0
	run ! hull run --rm "${open[@]}" test mount -t tmpfs x /tmp
	assert_has "ermission denied"
	run hull run --rm "${open[@]}" test sh -c 'cat /proc/sysrq-trigger >/proc/sysrq-trigger'
	assert_has "ermission denied"
	run hull run --rm "${open[@]}" test sh -c 'head -c 1 /proc/kcore'
	assert_has "ermission denied"
	# What a program does every day is not.
	hull run --rm test sh -c 'echo x >/tmp/f && chmod 700 /tmp/f && cat /proc/self/status /sys/class/net/lo/mtu &&
		mkdir /tmp/d && mv /tmp/f /tmp/d/g && ln -s g /tmp/d/h && rm -r /tmp/d' >/dev/null
	hull run --rm test sh -c 'echo 5 >/proc/self/oom_score_adj'
}

@test "AppArmor: a profile by name must be loaded, and holds" {
	run hull run --rm --security-opt apparmor=hull-test-none test true
	assert_status 125
	assert_has "no such profile is loaded"
	printf 'profile hull-test-named flags=(attach_disconnected) {\n file,\n deny /etc/hostname r,\n}\n' |
		apparmor_parser -K -r
	run hull run --rm --security-opt apparmor=hull-test-named test cat /etc/hostname
	printf 'profile hull-test-named {}\n' | apparmor_parser -K -R
	assert_status 1
	assert_has "ermission denied"
}

@test "AppArmor: steps of a build are confined" {
	mkdir ctx
	printf 'FROM test\nRUN cat /proc/self/attr/apparmor/current >/profile\n' >ctx/Dockerfile
	hull build -q -t built ctx >/dev/null
	assert_equal "hull-default (enforce)" "$(hull run --rm built cat /profile)"
}

@test "AppArmor: hull-runtime: the profile of config.json, and exec --apparmor" {
	rt() { "$HULL_BIN_DIR/hull-runtime" --root "$WORK/state" "$@" 3>&-; }
	printf 'profile hull-test-named flags=(attach_disconnected) {\n file,\n signal,\n deny /etc/passwd r,\n}\n' |
		apparmor_parser -K -r
	mkdir bundle
	(cd bundle && rt spec)
	jq --arg r "$ROOTFS" '.root.path = $r | .process.terminal = false | .process.args = ["sleep", "600"] |
		.process.apparmorProfile = "hull-test-named"' bundle/config.json >config.json
	mv config.json bundle/config.json
	rt run -d -b bundle apparmor-cc </dev/null >/dev/null 2>&1
	local first inside other
	first=$(profile_of "$(rt state apparmor-cc | jq .pid)")
	inside=$(rt exec apparmor-cc cat /etc/passwd 2>&1) || true
	other=$(rt exec --apparmor unconfined apparmor-cc cat /proc/self/attr/apparmor/current)
	rt delete --force apparmor-cc
	printf 'profile hull-test-named {}\n' | apparmor_parser -K -R
	assert_equal "hull-test-named (enforce)" "$first"
	[[ $inside == *"ermission denied"* ]] || fail "$inside"
	assert_equal unconfined "$other"
}
