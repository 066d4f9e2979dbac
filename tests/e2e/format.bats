#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --format: templates and json, wherever docker has them.

load lib

setup() { hull_setup; }
teardown() { hull_teardown; }

# bats test_tags=fast,same
@test "ps --format: json, table, fields, functions" {
	id=$(hull run -d --name web -l tier=front test sleep 600)
	run hull ps --format json
	assert_equal "web sleep 600" "$(jq -r '.Names + " " + (.Command | gsub("\""; ""))' <<<"$output")"
	assert_equal "running" "$(jq -r .State <<<"$output")"
	run hull ps --format 'table {{.Names}}\t{{.Image}}'
	assert_line '^NAMES +IMAGE$'
	assert_line '^web +test$'
	assert_equal "WEB/${id:0:12}" "$(hull ps --format '{{upper .Names}}/{{.ID}}')"
	assert_equal front "$(hull ps --format '{{.Label "tier"}}')"
	assert_equal '"web"' "$(hull ps --format '{{json .Names}}')"
	run hull ps --format '{{.NoSuchField}}'
	assert_status 1
	assert_has NoSuchField
	run hull ps --format '{{'
	assert_status 1
}

@test "inspect -f: what scripts use" {
	hull run -d --name web -e A=b -l x=y -v data:/data test sleep 600
	assert_equal "$(pid_of web)" "$(cat "$(cgroup_dir web pids)/cgroup.procs")"
	assert_equal y "$(hull inspect -f '{{index .Config.Labels "x"}}' web)"
	assert_equal 'A=b' "$(hull inspect -f '{{range .Config.Env}}{{println .}}{{end}}' web | grep '^A=')"
	assert_equal '/data' "$(hull inspect -f '{{range .Mounts}}{{.Destination}}{{end}}' web)"
	assert_equal '"running"' "$(hull inspect -f '{{json .State.Status}}' web)"
	assert_equal 'yes' "$(hull inspect -f '{{if .State.Running}}yes{{else}}no{{end}}' web)"
	assert_equal '["sleep","600"]' "$(hull inspect -f '{{json .Config.Cmd}}' web)"
	run hull inspect -f '{{.No.Such}}' web
	assert_status 1
	hull inspect -f json web | jq -e . >/dev/null
	hull inspect -f '{{json .}}' web | jq -e .State.Running >/dev/null
}

@test "inspect: the fields of docker are there" {
	hull run -d --name web test sleep 600
	hull inspect web >object
	for path in .Id .Created .Path .Args .State.Status .State.Running .State.Paused .State.OOMKilled .State.Pid \
		.State.ExitCode .State.StartedAt .State.FinishedAt .Image .LogPath .Name .HostConfig.Memory \
		.HostConfig.NanoCpus .HostConfig.AutoRemove .HostConfig.Privileged .Config.Hostname .Config.User \
		.Config.Tty .Config.Env .Config.Cmd .Config.Image .Config.WorkingDir .Config.Labels .Mounts \
		.NetworkSettings .GraphDriver .RestartCount .Driver .Platform; do
		jq -e ".[0]$path | . != null or true" <object >/dev/null
		jq -e ".[0] | [paths | map(tostring) | join(\".\")] | index(\"${path#.}\")" <object >/dev/null || fail "no $path"
	done
}

@test "inspect -f: fields that docker has always, even when there is nothing" {
	hull create --name cc test true
	hull create --name open --security-opt systempaths=unconfined test true
	assert_equal none "$(hull inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' cc)"
	assert_equal '<nil>' "$(hull inspect -f '{{.State.Health}}' cc)"
	assert_equal '<nil> map[]' "$(hull inspect -f '{{.Config.Healthcheck}} {{.Config.ExposedPorts}}' cc)"
	assert_equal '{} 0 [0 0] ' "$(hull inspect -f \
		'{{json .HostConfig.PortBindings}} {{.HostConfig.BlkioWeight}} {{.HostConfig.ConsoleSize}} {{.HostConfig.VolumeDriver}}' cc)"
	assert_equal '""' "$(hull inspect -f '{{json .NetworkSettings.Gateway}}' cc)"
	assert_equal '<nil>' "$(hull inspect -f '{{.SizeRootFs}}' cc)"
	assert_equal '<nil> <nil> [] map[] [] 0 null' "$(hull inspect -f '{{with .HostConfig}}{{.PidsLimit}} {{.OomKillDisable}} {{
		.CapAdd}} {{$.Config.Volumes}} {{.Devices}} {{len .SecurityOpt}} {{json .PidsLimit}}{{end}}' cc)"
	assert_equal '7 [SYS_TIME]' "$(hull create --pids-limit 7 --cap-add SYS_TIME --name dd test true >/dev/null &&
		hull inspect -f '{{.HostConfig.PidsLimit}} {{.HostConfig.CapAdd}}' dd)"
	(($(hull inspect -s -f '{{.SizeRootFs}}' cc) > 0))
	assert_equal false "$(hull inspect cc | jq '.[0].State | has("Health")')"
	# docker takes an empty list for systempaths=unconfined.
	hull inspect cc | jq -e '.[0].HostConfig | (.MaskedPaths | index("/proc/kcore")) and (.ReadonlyPaths | index("/proc/sys"))'
	assert_equal '[] []' "$(hull inspect -f '{{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}' open)"
	assert_equal 'overlay2 map[]' "$(hull image inspect -f '{{.GraphDriver.Name}} {{.Config.ExposedPorts}}' test)"
	[ -d "$(hull image inspect -f '{{.GraphDriver.Data.UpperDir}}' test)" ]
	hull images --format '{{.Containers}} {{.SharedSize}} {{.UniqueSize}} {{.VirtualSize}}'
	hull volume create vv
	[[ "$(hull volume inspect -f '{{.CreatedAt}}' vv)" =~ ^[0-9]+-[0-9]+-[0-9]+T[0-9:]+Z$ ]]
	[[ "$(hull history --format json test | jq -r .CreatedAt)" =~ ^[0-9]+-[0-9]+-[0-9]+T[0-9:]+Z$ ]]
	[[ "$(hull info --format '{{.CgroupDriver}} {{.CgroupVersion}} {{.HullCgroupLayout}}')" =~ ^(cgroupfs|none)\ [12]\ [a-z0-9]+$ ]]
	hull volume rm vv
}

@test "images and history --format" {
	assert_equal "test:latest" "$(hull images --format '{{.Repository}}:{{.Tag}}')"
	run hull images
	assert_line '^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$'
	hull images --format json | jq -e .ID >/dev/null
	assert_equal "$(hull images -q --no-trunc)" "$(hull inspect -f '{{.Id}}' test)"
	hull history --format json test | jq -e .Size >/dev/null
	[[ "$(hull history --format '{{.CreatedAt}}' test)" =~ ^[0-9]+-[0-9]+-[0-9]+T[0-9:]+Z$ ]]
	assert_equal '["Containers","CreatedAt","CreatedSince","Digest","ID","Repository","SharedSize","Size","Tag","UniqueSize","VirtualSize"]' \
		"$(hull images --format json | jq -c keys)"
	assert_equal '["/bin/sh"]' "$(hull image inspect -f '{{json .Config.Cmd}}' test)"
}

@test "version and info" {
	run hull --version
	assert_status 0
	run hull version
	assert_status 0
	hull version --format json | jq -e . >/dev/null
	run hull info
	assert_status 0
}

@test "volume ls and inspect --format" {
	hull volume create vv
	assert_equal vv "$(hull volume ls --format '{{.Name}}')"
	hull volume ls --format json | jq -e .Name >/dev/null
	[ -d "$(hull volume inspect -f '{{.Mountpoint}}' vv)" ]
	hull volume rm vv
}

@test "help and unknown words" {
	run hull
	assert_has Usage
	run hull --help
	assert_status 0
	assert_has run
	run hull run --help
	assert_status 0
	assert_has "--memory"
	run hull rnu test true
	assert_has "run"
	[ "$status" != 0 ]
	run hull rn test true
	assert_has 'hull run`'
	for group in container image volume system; do
		run hull man $group
		assert_status 0
		assert_has ".TH HULL-${group^^} 1"
	done
	run hull run --memroy 1g test true
	assert_status 125
	assert_has "--memory"
}

# What an archive says of itself must not command the terminal.
@test "control characters of images: history, error messages" {
	csi=$'\xc2\x9b' # the same as ESC [
	esc=$csi$'2J\e]0;evil\a'
	mkdir layer image && echo x >layer/x && tar -C layer -cf image/layer.tar .
	diff=$(sha256sum <image/layer.tar | cut -d' ' -f1)
	make() { # TAG ENV
		jq -n --arg by "$esc"$'RUN a\nb' --arg d "sha256:$diff" --argjson env "$2" '{os: "linux", architecture: "amd64",
			config: {Env: $env}, rootfs: {type: "layers", diff_ids: [$d]}, history: [{created_by: $by}]}' >image/config.json
		jq -n --arg t "$1" '[{Config: "config.json", RepoTags: [$t], Layers: ["layer.tar"]}]' >image/manifest.json
		tar -C image -cf image.tar .
	}
	make evil:1 '["A=b"]'
	hull load -i image.tar
	for how in history "history --no-trunc"; do
		run hull $how evil:1
		assert_status 0
		assert_lacks $'\e'
		assert_lacks "$csi"
		assert_equal 2 "${#lines[@]}"
		assert_has "evil?RUN a b"
	done
	assert_equal "${esc}RUN a"$'\nb' "$(hull history --format json evil:1 | jq -r .CreatedBy)"
	make "Evil${esc}:1" '["A=b"]'
	run hull load -i image.tar
	assert_status 1
	assert_lacks $'\e'
	assert_lacks "$csi"
	assert_has "invalid reference format"
	make evil:2 '"A=b"'
	run hull load -i image.tar
	assert_status 1
	assert_has "Env: expected an array of strings"
	assert_equal evil:1 "$(hull images --format '{{.Repository}}:{{.Tag}}' evil)"
}

@test "--quiet beside --format, and inspect --format json: as docker has them" {
	hull create --name web -v data:/data test true
	assert_equal "test" "$(hull images -q --format '{{.Repository}}')"
	assert_equal "local" "$(hull volume ls -q --format '{{.Driver}}')"
	assert_equal "none" "$(hull network ls -q -f name=none --format '{{.Name}}')"
	assert_equal "data" "$(hull volume ls -q --format table)"
	[[ "$(hull history -q --format '{{.Size}}' test)" == *B ]]
	run -0 hull ps -aq --format '{{.Names}}'
	assert_has "Ignoring custom format"
	assert_lacks web
	# One list of all, on one line; of each a line where a template says so.
	hull inspect --format json web none test | jq -e 'length == 3 and .[0].Name == "/web"'
	assert_equal 1 "$(hull inspect --format json web none | wc -l)"
	assert_equal 2 "$(hull inspect --format '{{json .}}' web none | wc -l)"
	assert_equal '[]' "$(hull volume inspect --format json nothing 2>/dev/null)"
}

@test "filters: names and ids are regular expressions, as docker's are" {
	local c
	for c in web web2 a.b; do hull create --name $c test true; done
	hull volume create data
	hull volume create data2
	names() { hull ps -a --format '{{.Names}}' "$@" | sort | paste -sd' '; }
	assert_equal "web web2" "$(names -f name=web)"
	assert_equal web "$(names -f 'name=^web$')"
	assert_equal web "$(names -f 'name=^/web$')"
	assert_equal "a.b web2" "$(names -f 'name=^w..2' -f 'name=(a|x)[.]b')"
	assert_equal "" "$(names -f 'name=^w$')"
	assert_equal web "$(names -f "id=^$(hull inspect -f '{{.Id}}' web)\$")"
	assert_equal data "$(hull volume ls -q -f 'name=^data$')"
	assert_equal none "$(hull network ls --format '{{.Name}}' -f 'name=^n.ne$')"
	assert_equal none "$(hull network ls --format '{{.Name}}' -f "id=^$(hull network inspect -f '{{.Id}}' none)")"
	for c in "volume ls -f dangling=maybe" "network ls -f dangling=maybe" "images -f dangling=maybe" "network ls -f type=other"; do
		# shellcheck disable=SC2086 # words
		run -1 hull $c
		assert_has "invalid filter"
	done
	# What is none is said, also where nothing is there to be searched; and what a stranger could make endless.
	hull volume rm data data2
	for c in '[' 'a{1000}' '(a)\1' "$(printf '%300s' '' | tr ' ' '?')" '\d' "$(printf '(%.0s' {1..20})a$(printf ')+%.0s' {1..20})"; do
		run ! hull ps -a -f "name=$c"
		assert_has "is no regular expression"
		run ! hull volume ls -f "name=$c"
		assert_has "is no regular expression"
	done
}
