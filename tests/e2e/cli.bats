#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line where no container is needed: help, manual, completion, what is refused and how.
# The words and exit codes are those of docker's client where it has them.

load lib

setup() {
	export HULL_ROOT=$BATS_TEST_TMPDIR/root HULL_RUNROOT=$BATS_TEST_TMPDIR/run
	export HOME=$BATS_TEST_TMPDIR/home XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	mkdir -p "$HOME" "$XDG_CONFIG_HOME"
}

# Names of all commands, as completion lists them; families give their own words.
all_commands() {
	local name verb
	for name in $(hull __complete -- "" | cut -f1); do
		case $name in
		container | image | volume | system)
			for verb in $(hull __complete -- "$name" "" | cut -f1); do echo "$name $verb"; done
			;;
		*) echo "$name" ;;
		esac
	done
}

refused() { # STATUS TEXT ARG...: fails with that code and says that
	local status_wanted=$1 text=$2
	shift 2
	run --separate-stderr hull "$@"
	[ "$status" -eq "$status_wanted" ] || { echo "exit $status: $stderr"; return 1; }
	[ -z "$output" ] || { echo "stdout: $output"; return 1; }
	[[ $stderr == *"$text"* ]] || { echo "$stderr"; return 1; }
}

@test "help: program, families, commands, three spellings" {
	run hull
	[ "$status" -eq 0 ]
	[[ $output == "Usage:  hull [OPTIONS] COMMAND"* ]]
	[[ $output == *$'\n  run         Create and run a new container from an image\n'* ]]
	[ "$(hull --help)" = "$output" ]
	[ "$(hull help)" = "$output" ]
	[[ $(hull container) == *$'\n  ls          List containers\n'* ]]
	[ "$(hull container --help)" = "$(hull help container)" ]
	[ "$(hull run --help)" = "$(hull help run)" ]
	[ "$(hull container ls --help)" = "$(hull ps --help)" ]
	[[ $(hull ps -h) == "Usage:  hull ps [OPTIONS]"* ]]
}

@test "help: every command has one, and no line is too long" {
	while read -r name; do
		run hull $name --help
		[ "$status" -eq 0 ]
		[[ $output == "Usage:  hull "* ]]
		[ "$(wc -L <<<"$output")" -le 100 ] || { echo "$output"; false; }
	done < <(all_commands)
}

@test "version" {
	[[ $(hull --version) =~ ^hull\ version\ [0-9]+\.[0-9]+ ]]
	[ "$(hull -v)" = "$(hull --version)" ]
	[[ $(hull version -f '{{.Client.Version}}') =~ ^[0-9]+\.[0-9]+ ]]
}

@test "unknown commands and options: exit code, text, suggestion" {
	refused 1 "unknown command: hull pss" pss
	refused 1 "did you mean \`hull ps\`?" pss
	refused 1 "did you mean \`hull image ls\`?" image lss
	refused 1 "unknown command: hull container bogus" container bogus
	refused 125 "unknown flag: --bogus" --bogus
	refused 125 "unknown flag: --bogus" ps --bogus
	refused 125 "See 'hull ps --help'." ps --bogus
	refused 125 "did you mean --format?" ps --fromat x
	refused 125 "unknown shorthand flag: 'Z' in -Z" run -Z x
	refused 125 "flag needs an argument: --name" run --name
	refused 125 "flag needs an argument: 'm' in -m" run -m
}

@test "commands of docker that hull does not have are not listed" {
	for name in context plugin; do
		run ! grep "^  $name " <<<"$(hull --help)"
		refused 1 "unknown command: hull $name" $name
	done
}

@test "number of arguments" {
	refused 1 "'hull run' requires at least 1 argument" run
	refused 1 "'hull stop' requires at least 1 argument" stop
	refused 1 "'hull rename' requires 2 arguments" rename a
	refused 1 "'hull images' requires at most 1 argument" images a b
	refused 1 "'hull ps' accepts no arguments" ps x
}

@test "values of options: docker's words" {
	refused 125 'invalid argument "x" for "-m, --memory" flag: invalid size: '"'x'" run -m x i
	refused 125 'invalid argument "x" for "--cpus" flag: failed to parse x as a rational number' \
		run --cpus x i
	refused 125 'for "--init" flag' run --init=x i
	refused 125 'invalid argument "x" for "-a, --attach" flag: valid streams are STDIN' run -a x i
	refused 125 'flag: invalid ulimit argument: x' run --ulimit x i
	refused 125 "flag: invalid device cgroup format 'x'" run --device-cgroup-rule x i
	refused 125 'for "--mount" flag: target is required' run --mount type=bind i
	refused 125 "sysctl 'x=1' is not allowed" run --sysctl x=1 i
	refused 125 "invalid label '=x': empty name" run --label =x i
	refused 125 "invalid environment variable: =x" run -e =x i
	refused 1 'invalid signal: NOPE' kill -s NOPE c
	refused 1 'invalid signal: NOPE' stop -s NOPE c
	refused 1 'invalid signal: NOPE' restart -s NOPE c
	refused 1 "invalid filter 'foo" volume ls -f foo=bar
	refused 125 "--tree cannot be used with" images --tree -q
	refused 125 'for "-t, --timeout" flag: strconv.ParseInt: parsing "x": invalid syntax' stop -t x c
}

@test "options that exclude each other, and modes" {
	refused 1 "conflicting options: cannot specify both --attach and --detach" run -d -a stdout i
	refused 125 "conflicting options: cannot specify both --restart and --rm" \
		run --rm --restart=always i
	refused 125 "WARNING: Disabling the OOM killer" run --oom-kill-disable i
	refused 125 "can only be used with 'on-failure'" run --restart=always:3 i
	refused 125 "unknown policy 'foo'" run --restart=foo i
	refused 125 "--pid: invalid PID mode" run --pid x i
	refused 125 "--uts: invalid UTS mode" run --uts x i
	refused 125 "conflicting options: hostname and the UTS mode" run --uts host -h foo i
	refused 125 "--userns: invalid USER mode" run --userns x i
	refused 125 "--cgroupns: invalid CGROUP mode" run --cgroupns x i
	refused 125 "--network: invalid container format" run --network container: i
	refused 125 "--pid: invalid PID mode" create --pid x i
	refused 1 "No such image: i" create --pull never i
	refused 125 "invalid spec: :/a: empty section between colons" run -v :/a i
	refused 125 "Valid memory swappiness range is 0-100" run --memory-swappiness 101 i
	refused 125 "invalid logging opts for driver none" run --log-driver none --log-opt a=b i
	refused 125 'Invalid --security-opt: "foo"' run --security-opt foo i
	refused 125 "opening seccomp profile (/nosuch) failed" run --security-opt seccomp=/nosuch i
	refused 125 "invalid detach keys (foo) provided" run --detach-keys foo i
	refused 125 "invalid pull option" run --pull sometimes i
	refused 125 "registry docker.io is blocked" run -q --pull always i
	refused 125 "/nosuch" run --env-file /nosuch i
	refused 1 "unknown type" inspect --type foo x
}

@test "what docker has and hull has not is refused with the reason" {
	for option in --volume-driver=x --gpus=all --isolation=process; do
		refused 125 "is not supported: " run $option i
	done
	refused 125 "--use-api-socket is not supported" run --use-api-socket i
}

@test "no terminal: -it is refused" {
	run --separate-stderr hull run -it i </dev/null
	[ "$status" -eq 1 ]
	[[ $stderr == *"the input device is not a TTY"* ]]
}

@test "an existing --cidfile is refused" {
	echo old >"$BATS_TEST_TMPDIR/cid"
	refused 125 "container ID file found" run --cidfile "$BATS_TEST_TMPDIR/cid" i
	[ "$(cat "$BATS_TEST_TMPDIR/cid")" = old ]
}

@test "names that do not exist" {
	for command in stop kill rm start pause unpause attach top wait restart; do
		refused 1 "No such container: nosuch" $command nosuch
	done
	refused 1 "No such container: nosuch" exec nosuch true
	refused 1 "No such container: nosuch" logs nosuch
	refused 125 "nosuch" run nosuch
	refused 1 "No such image: nosuch" rmi nosuch
	refused 1 "nosuch" volume rm nosuch
	run --separate-stderr hull rm -f nosuch
	[ "$status" -eq 0 ]
	[[ $stderr == *"No such container: nosuch"* ]]
}

@test "inspect of what is not there: [] and one line each" {
	run --separate-stderr hull inspect x y
	[ "$status" -eq 1 ]
	[ "$output" = "[]" ]
	[ "$stderr" = $'Error: No such object: x\nError: No such object: y' ]
}

@test "empty lists have headers, and -q has nothing" {
	[ "$(hull ps)" = "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES" ]
	[ "$(hull images)" = "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE" ]
	[ "$(hull volume ls)" = "DRIVER    VOLUME NAME" ]
	[ -z "$(hull ps -aq)$(hull images -q)$(hull volume ls -q)" ]
	[ "$(hull ps --format 'table {{.Names}}\t{{.Label "a.b-c"}}')" = "NAMES     b c" ]
	refused 1 "template parsing error" ps --format '{{.Names'
	refused 1 "invalid filter" ps -f nosuch=1
}

@test "configuration: system file, user file, environment, option; bad keys are told" {
	mkdir -p "$XDG_CONFIG_HOME/hull"
	printf '# comment\nlog-driver local\nlog-opt = max-size=1m\n' >"$XDG_CONFIG_HOME/hull/hull.conf"
	[ "$(hull info -f '{{.LoggingDriver}}')" = local ]
	[ "$(hull info -f '{{.HullRootDir}}')" = "$HULL_ROOT" ]
	[ "$(hull --root "$BATS_TEST_TMPDIR/other" info -f '{{.HullRootDir}}')" = \
		"$BATS_TEST_TMPDIR/other" ]
	cd "$BATS_TEST_TMPDIR"
	[ "$(hull --root rel/../other info -f '{{.HullRootDir}}')" = "$BATS_TEST_TMPDIR/other" ]
	printf '\nnonsense yes\n' >"$XDG_CONFIG_HOME/hull/hull.conf"
	run hull ps
	[ "$status" -eq 1 ]
	[[ $output == *"hull.conf line 2: unknown key 'nonsense'"* ]]
}

@test "output that cannot be written is a failure" {
	[ -e /dev/full ] || skip "no /dev/full"
	run bash -c '"$1" --help >/dev/full' -- "$HULL"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write the output: No space left on device"* ]]
}

@test "completion: the scripts are valid, and list commands, options, volumes" {
	hull completion bash | bash -n
	! command -v zsh >/dev/null || hull completion zsh | zsh -n
	! command -v fish >/dev/null || hull completion fish | fish --no-execute
	refused 1 "no completion for the shell tcsh" completion tcsh
	[ "$(hull __complete -- ru)" = $'run\tCreate and run a new container from an image' ]
	hull __complete -- container "" | grep -q $'^ls\t'
	hull __complete -- run --mem | grep -q $'^--memory\t'
	run ! grep volume-driver <<<"$(hull __complete -- run --volume-d)"
	[ -z "$(hull __complete -- run --name "")" ]
	[ -z "$(hull __complete -- run image "")" ]
	hull volume create vol1 >/dev/null
	[[ $(hull __complete -- volume rm v) == vol1* ]]
	hull volume rm vol1 >/dev/null
}

@test "completion: bash itself completes with it" {
	run bash -c '
		PATH=$(dirname "$1"):$PATH
		source <(hull completion bash)
		COMP_LINE="hull stop --verb" COMP_POINT=16 COMP_WORDS=(hull stop --verb) COMP_CWORD=2
		_hull; echo "${COMPREPLY[@]}"' -- "$HULL"
	[ "$output" = "--verbose" ]
}

@test "completion: zsh itself completes with it" {
	command -v zsh >/dev/null || skip "no zsh"
	cd "$BATS_TEST_TMPDIR"
	cat >complete.zsh <<-'ZSH'
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z 'PROMPT= RPROMPT=; autoload -U compinit && compinit -u -D; source <(hull completion zsh); echo rea""dy'
		zpty -r z out '*ready*'
		zpty -w -n z $'hull run --cpu-bu\t'
		zpty -r z out '*--cpu-burst*'
		print completed
		zpty -d z
	ZSH
	[ "$(PATH=$(dirname "$HULL"):$PATH within 60 zsh -f complete.zsh)" = completed ]
}

@test "completion: fish itself completes with it, with files where hull knows no words" {
	command -v fish >/dev/null || skip "no fish"
	cd "$BATS_TEST_TMPDIR"
	touch a-file
	fishes() {
		PATH=$(dirname "$HULL"):$PATH within 60 fish -c "hull completion fish | source; complete -C '$1'"
	}
	[ "$(fishes "hull run --cpu-bu" | cut -f1)" = --cpu-burst ]
	fishes "hull volume " | grep -q $'^prune\t'
	run ! grep a-file <<<"$(fishes "hull volume ")"
	fishes "hull load -i " | grep -q '^a-file'
}

@test "manual: every page is sound roff" {
	command -v groff >/dev/null || skip "no groff"
	hull man | groff -man -Tutf8 -ww -z 2>"$BATS_TEST_TMPDIR/warnings"
	while read -r name; do
		hull man $name | groff -man -Tutf8 -ww -z 2>>"$BATS_TEST_TMPDIR/warnings"
	done < <(all_commands)
	[ ! -s "$BATS_TEST_TMPDIR/warnings" ] || { cat "$BATS_TEST_TMPDIR/warnings"; false; }
	hull man run | groff -man -Tascii -P-cbou | grep -q -- "--memory-swap bytes"
	refused 1 "unknown help topic: nosuch" man nosuch
}

@test "start: hull and hull-runtime do not ask the processor what it is before they work" {
	local program
	[ "$(uname -m)" = x86_64 ] || skip "glibc asks elsewhere without leaving the machine"
	! readelf -lW "$HULL" | grep -q INTERP || skip "the programs of this build are not static"
	grep -q '^#define.*__GLIBC_MINOR__.*36' /usr/include/features.h || skip "src/linux/libc_start.c knows glibc 2.36 alone"
	"${CC:-cc}" -O1 -D_GNU_SOURCE -o "$BATS_TEST_TMPDIR/count" "$BATS_TEST_DIRNAME/../helpers/count_cpuid.c"
	for program in hull hull-runtime; do
		run --separate-stderr "$BATS_TEST_TMPDIR/count" "$HULL_BIN_DIR/$program" --version
		[ "$status" -eq 0 ]
		[[ $output == "instructions "*" cpuid 0" ]]
	done
}

@test "messages: each line is written at once, so that two programs' lines do not mix" {
	python3 - "$HULL" <<-'E'
		import socket, subprocess, sys
		ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
		for words in (["rm", "missing"], ["run", "--nothing"], ["inspect", "a\x1bb"]):
		    subprocess.run([sys.argv[1], *words], stderr=theirs, stdout=subprocess.DEVNULL)
		    theirs.send(b"end\n")
		    while (line := ours.recv(65536)) != b"end\n":
		        assert line.endswith(b"\n"), line
	E
}
