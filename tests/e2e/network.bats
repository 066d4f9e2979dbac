#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Networks: bridge, addresses, published ports, isolation (FEATURES.md N1 to N4). Everything runs in a network
# namespace made for the case, "the host", with another one behind it, "outside" (203.0.113.2): no packet
# leaves the machine.

load lib
load network

@test "the default network: eth0 with an address, a way out, nothing else" {
	run -0 hull run --rm --name cc test sh -c 'ls /sys/class/net; ip -4 addr show eth0; ip route; cat /etc/hosts'
	assert_equal "eth0 lo" "${lines[0]} ${lines[1]}"
	[[ $output == *"inet 172.17.0.2/16 brd 172.17.255.255"* ]]
	[[ $output == *"default via 172.17.0.1 dev eth0"* ]]
	[[ $output == *$'\n172.17.0.2\t'* ]]
	run -0 hull run --rm test ping -c 1 -W 5 203.0.113.2
	# It is seen with the host's address.
	outside busybox nc -ll -p 7 -e "$WORK/peer" &
	started_by_test $!
	wait_for 10 listening $OUTSIDE 0007
	run -0 hull run --rm test nc -w 30 203.0.113.2 7
	assert_equal "peer 017100CB" "$output"
	# Its own statistics, and no packet filter in it.
	run -0 hull run --rm test sh -c 'wc -l </proc/net/dev'
	assert_equal 4 "$output"
	run -0 --separate-stderr hull run --rm --cap-add NET_ADMIN -p 8080:80 --rootfs /:O nft list ruleset
	assert_equal "" "$output"
}

@test "publish: from outside with the client's address, from loopback, from containers; not past it" {
	serve web -p 8080:80
	run -0 ask outside 203.0.113.1
	assert_equal "peer 027100CB" "$output"
	run -0 ask on_host 127.0.0.1
	[[ $output == peer* ]]
	run -0 ask on_host 203.0.113.1
	[[ $output == peer* ]]
	run -0 ask on_host 172.17.0.2 80
	[[ $output == peer* ]]
	run -0 hull run --rm test nc -w 30 203.0.113.1 8080
	[[ $output == "peer "* ]]
	run -0 hull exec web nc -w 30 203.0.113.1 8080
	[[ $output == *"peer "* ]]
	# By its own address it is reached from its network alone.
	outside ip route add 172.17.0.0/16 via 203.0.113.1
	run ! ask_in_vain outside 172.17.0.2 80
	run -0 hull run --rm test nc -w 30 172.17.0.2 80
	assert_equal "peer 030011AC" "$output"
	run -0 hull port web
	assert_equal "80/tcp -> 0.0.0.0:8080" "$output"
	run -0 hull port web 80
	assert_equal "0.0.0.0:8080" "$output"
	run -1 hull port web 81
	run -0 hull ps --format '{{.Ports}} {{.Networks}}'
	assert_equal "0.0.0.0:8080->80/tcp bridge" "$output"
	assert_equal '{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}' "$(field web '{{json .NetworkSettings.Ports}}')"
	assert_equal "172.17.0.2 172.17.0.1" "$(field web '{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Networks.bridge.Gateway}}')"
	assert_equal web "$(hull ps -f publish=8080 --format '{{.Names}}')"
	assert_equal web "$(hull ps -f expose=79-81/tcp --format '{{.Names}}')"
	assert_equal "" "$(hull ps -q -f publish=80 -f publish=8080/udp)"
	# Freed with its end, and taken again.
	hull stop -t 0 web
	run ! ask_in_vain outside 203.0.113.1
	run ! grep 8080 <<<"$(on_host nft list table inet "$(table)")"
	hull start web
	wait_for 10 ask outside 203.0.113.1
}

@test "publish: an address of the host, UDP, ranges, any free port, all exposed ones" {
	serve local -p 127.0.0.1:8080:80 -p 7000-7002:7000-7002/udp -p 81 --expose 90-91 -p 8100-8110:82
	run -0 ask on_host 127.0.0.1
	run ! ask_in_vain outside 203.0.113.1
	run -0 hull port local
	[[ $output == *"80/tcp -> 127.0.0.1:8080"* ]]
	[[ $output == *"7001/udp -> 0.0.0.0:7001"* ]]
	[[ $output == *"82/tcp -> 0.0.0.0:8100"* ]]
	local any=${output#*81/tcp -> 0.0.0.0:}
	any=${any%%$'\n'*}
	[ "$any" -ge 32768 ] && [ "$any" -le 60999 ]
	run -0 hull ps --format '{{.Ports}}'
	[[ $output == *"0.0.0.0:7000-7002->7000-7002/udp"* && $output == *"90/tcp, 91/tcp"* ]]
	# The next one of the range is free.
	hull run -d --name second -p 8100-8110:82 -P --expose 99 test sleep 1000
	run -0 hull port second
	[[ $output == *"82/tcp -> 0.0.0.0:8101"* && $output == *"99/tcp -> 0.0.0.0:"* ]]
	hull run -d --name echo -p 9:9/udp --rootfs /:O python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 9))
while True: s.sendto(*s.recvfrom(100))'
	wait_for 10 outside python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.sendto(b"there", ("203.0.113.1", 9))
assert s.recv(100) == b"there"'
}

@test "a port that run --rm had is free when it returns, whoever has to tidy the store just then" {
	on_host bash -c 'for i in {1..60}; do "$0" run --rm -p 8080:80 test true || exit; done' "$HULL"
	run -0 hull ps -aq
	[ -z "$output" ]
}

@test "publish: a port that is taken is refused with who has it, and nothing is left" {
	serve web -p 8080:80
	run -125 hull run -d --name other -p 8080:80 test sleep 1000
	[[ $output == *"Bind for 0.0.0.0:8080 failed: port is already allocated"* && $output == *"container web has it"* ]]
	run -125 hull run -d --name third -p 127.0.0.1:8080:80 test sleep 1000
	[[ $output == *"Bind for 127.0.0.1:8080 failed: port is already allocated"* ]]
	assert_equal created "$(field other '{{.State.Status}}')"
	on_host busybox nc -ll -p 9999 -e /bin/true &
	started_by_test $!
	wait_for 10 listening $HOST 270F
	run -125 hull run --rm -p 9999:80 test true
	[[ $output == *"port is already allocated"* && $output == *"a program of this host has it"* ]]
	run -125 hull run --rm -p 192.0.2.77:9998:80 test true
	[[ $output == *"Cannot assign requested address"* ]]
	# With the holder's end it is free, however that came.
	kill -KILL "$(field web '{{.State.Pid}}')"
	wait_for 10 hull start other
	run -0 hull port other
	assert_equal "80/tcp -> 0.0.0.0:8080" "$output"
	assert_equal 1 "$(on_host nft list map inet "$(table)" anywhere4 | grep -c 8080)"
}

@test "publish: one container's wishes among each other" {
	hull run -d --name two -p 80 -p 81 test sleep 1000
	run -0 hull port two
	[ "${#lines[@]}" = 2 ]
	[ "${lines[0]#*:}" != "${lines[1]#*:}" ]
	run -125 hull run --rm -p 8080:80 -p 8080:81 test true
	[[ $output == *"Bind for 0.0.0.0:8080 failed: port is already allocated"* ]]
	run -0 hull run --rm -p 8080:80 -p 8080:80 test true
}

@test "disconnected: its ports lead nowhere, whoever gets its address, and no other name of its device helps" {
	hull network create one
	serve web --network one -p 8080:80 --cap-add NET_ADMIN
	local a
	a=$(field web '{{.NetworkSettings.Networks.one.IPAddress}}')
	run -0 ask outside 203.0.113.1
	hull exec web sh -c 'ip link set eth0 down; ip link set eth0 name mine up'
	hull network disconnect one web
	assert_equal "lo " "$(hull exec web ls /sys/class/net | tr '\n' ' ')"
	run -0 hull port web
	assert_equal "" "$output"
	serve next --network one --ip "$a"
	run ! ask_in_vain outside 203.0.113.1
	run -0 hull run -d --name free -p 8080:80 test sleep 1000
}

@test "a device that a killed connect left is found, and taken away" {
	hull network create one
	hull run -d --name cc --network one test sleep 1000
	local id
	id=$(field cc '{{.Id}}')
	on_host ip link add "ve${id:0:10}.1" type veth peer name left0
	run -1 hull system check
	[[ $output == *"device ve${id:0:10}.1 of a place on no network" ]]
	run hull system check --repair
	[[ $output == *"ve${id:0:10}.1 of a place on no network: removed" ]]
	run ! on_host ip link show left0
	run -0 on_host ip link show "ve${id:0:10}.0"
	run -0 hull system check
	# From elsewhere it cannot be seen, and is not missed.
	run "$HULL" system check
	[[ $output != *"lost its device"* ]]
	# And one that a killed disconnect took, while its row is there still.
	on_host ip link delete "ve${id:0:10}.0"
	run -1 hull system check
	[[ $output == *"container cc lost its device on network one"* ]]
	run hull system check --repair
	run -0 hull exec cc ping -c 1 -W 5 203.0.113.2
	run -0 hull system check
}

@test "a network goes before its containers that do not run; they wait for one of its name" {
	hull network create one
	hull network create --subnet 10.7.0.0/24 two
	hull run -d --name cc --network one test sleep 1000
	hull create --name dd --network name=two,ip=10.7.0.9 test sleep 1000
	run -1 hull network rm one
	[[ $output == *"has active endpoints"*"container cc"* ]]
	hull stop -t 0 cc
	hull network rm one two
	run -1 hull start cc
	[[ $output == *"network one not found"*"hull network create one"* ]]
	hull network create one
	run -0 hull start cc
	run -0 hull exec cc ping -c 1 -W 5 203.0.113.2
	# What was asked of the old one has to fit the new one.
	hull network create --subnet 10.8.0.0/24 two
	run -1 hull start dd
	[[ $output == *"contains the IP address 10.7.0.9"* ]]
	hull network rm two
	run -0 hull network disconnect two dd
	run -1 hull network disconnect two dd
	[[ $output == *"network two not found"* ]]
	# No bridge of somebody else becomes ours.
	on_host ip link add mine type bridge
	run -1 hull network create -o com.docker.network.bridge.name=mine three
	[[ $output == *"there is a network device mine already"* ]]
	run -0 on_host ip link show mine
}

@test "disconnected: its default route and ports go to the container's next network" {
	hull network create one
	hull network create two
	serve web --network one --network two -p 8080:80
	hull network disconnect one web
	run -0 hull exec web ip route
	[[ $output == *"default via $(field web '{{.NetworkSettings.Networks.two.Gateway}}') dev eth1"* ]]
	run -0 hull exec web ping -c 1 -W 5 203.0.113.2
	run -0 ask outside 203.0.113.1
	assert_equal "peer 027100CB" "$output"
	[[ $(field web '{{.NetworkSettings.Networks.two.EndpointID}}') =~ ^[0-9a-f]{64}$ ]]
	# The last one takes them with it, and the next that comes brings them.
	run -0 hull network disconnect two web
	run ! ask_in_vain outside 203.0.113.1
	run -0 hull network connect one web
	run -0 ask outside 203.0.113.1
	run -0 hull port web
	assert_equal "80/tcp -> 0.0.0.0:8080" "$output"
}

@test "publish: a client of UDP that goes on sending finds the container that is there now" {
	local client=$WORK/client
	mkfifo "$client"
	# One socket, so one flow: what each word gets as its answer within some seconds.
	outside python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(4)
for line in sys.stdin:
    s.sendto(b"x", ("203.0.113.1", 9))
    try: print(s.recv(100).decode(), flush=True)
    except OSError: print("nobody", flush=True)' <"$client" >answers &
	started_by_test $!
	exec 7>"$client"
	said() { # N: the Nth answer
		echo >&7
		wait_for 10 sh -c "[ \$(wc -l <answers) = $1 ]"
		sed -n "$1p" answers
	}
	echoes() {
		hull run -d --name "$1" -p 9:9/udp --rootfs /:O python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 9))
print("ready", flush=True)
while True: s.sendto(sys.argv[1].encode(), s.recvfrom(100)[1])' "$1"
		wait_ready "$1"
	}
	assert_equal nobody "$(said 1)"
	echoes first
	assert_equal first "$(said 2)"
	hull run -d --name between test sleep 1000
	hull rm -f first
	hull run -d test sleep 1000
	echoes second
	assert_equal second "$(said 3)"
	exec 7>&-
}

@test "the host itself reaches its gateway addresses" {
	hull network create one
	local gateway
	gateway=$(hull network inspect -f '{{(index .IPAM.Config 0).Gateway}}' one)
	hull run -d --network one test sleep 1000
	on_host busybox nc -ll -p 5555 -e /bin/echo here &
	started_by_test $!
	wait_for 10 listening $HOST 15B3
	run -0 ask on_host "$gateway" 5555
	assert_equal here "$output"
	# Nobody outside does, though he knows a way.
	outside ip route add "$gateway" via 203.0.113.1
	run ! outside timeout 5 busybox nc -w 2 "$gateway" 5555
}

@test "networks: made, listed, shown, removed; each for itself" {
	run -0 hull network create --label a=b -o com.docker.network.driver.mtu=1400 one
	local id=$output
	run -0 hull network create --subnet 10.1.2.0/24 --ip-range 10.1.2.128/25 --gateway 10.1.2.9 \
		--aux-address x=10.1.2.129 two
	run -0 hull network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
	assert_equal $'bridge bridge local\nhost host local\nnone null local\none bridge local\ntwo bridge local' "$output"
	run -0 hull network ls -q --no-trunc -f label=a=b
	assert_equal "$id" "$output"
	run -0 hull network ls -q -f type=builtin
	assert_equal 3 "${#lines[@]}"
	run -0 hull network inspect -f '{{.Name}} {{(index .IPAM.Config 0).Subnet}} {{(index .IPAM.Config 0).Gateway}}' two
	assert_equal "two 10.1.2.0/24 10.1.2.9" "$output"
	serve aa --network one
	serve bb --network two
	assert_equal 1400 "$(hull exec aa cat /sys/class/net/eth0/mtu)"
	assert_equal 10.1.2.128 "$(field bb '{{.NetworkSettings.Networks.two.IPAddress}}')"
	hull run -d --name b2 --network two test sleep 1000
	assert_equal 10.1.2.130 "$(field b2 '{{.NetworkSettings.Networks.two.IPAddress}}')"
	run -0 hull exec b2 nc -w 30 10.1.2.128 80
	run ! hull exec aa timeout 5 nc -w 2 10.1.2.128 80
	run -0 hull network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{end}}' two
	[[ $output == *"bb 10.1.2.128/24"* && $output == *"b2 10.1.2.130/24"* ]]
	run -1 hull network rm two
	[[ $output == *"has active endpoints"* ]]
	hull rm -f bb b2
	local two
	two=$(hull network inspect -f '{{.Id}}' two)
	run -0 on_host ip link show "br-${two:0:12}"
	run -0 hull network rm two
	assert_equal two "$output"
	run ! on_host ip link show "br-${two:0:12}"
	run -1 hull network rm bridge
	run -1 hull network rm nosuch
	[[ $output == *"network nosuch not found"* ]]
	run -0 hull network rm -f nosuch
	hull rm -f aa
	run -0 hull network prune -f
	assert_equal $'Deleted Networks:\none' "$output"
	assert_equal "" "$(on_host ip -br link show type bridge)"
}

@test "networks: one that is only written down, and others that take what it says" {
	hull network create --config-only --subnet 10.5.0.0/24 --ipv6 --label k=v -o rate-in=8m --scope local cfg
	assert_equal "true null local 10.5.0.0/24" "$(hull network inspect -f '{{.ConfigOnly}} {{.Driver}} {{.Scope}} {{(index .IPAM.Config 0).Subnet}}' cfg)"
	# It is nothing to the kernel, and takes nothing from others.
	hull network create --subnet 10.5.0.0/24 other
	assert_equal false "$(hull network inspect -f '{{.ConfigOnly}}{{.ConfigFrom.Network}}' other)"
	hull network rm other
	run -125 hull run --rm --network cfg test true
	[[ $output == *"cannot create endpoint on configuration-only network"* ]]
	hull network create --config-from cfg net
	assert_equal "bridge 10.5.0.0/24 v cfg false true 8m" \
		"$(hull network inspect -f '{{.Driver}} {{(index .IPAM.Config 0).Subnet}} {{.Labels.k}} {{.ConfigFrom.Network}} {{.ConfigOnly}} {{.EnableIPv6}} {{index .Options "rate-in"}}' net)"
	run -0 hull run --rm --network net test ip -4 addr show eth0
	[[ $output == *"inet 10.5.0.2/24 "* ]]
	run -1 hull network rm cfg
	[[ $output == *'configuration network "cfg" is in use'* ]]
	local entry
	for entry in '--config-from nobody x|configuration network "nobody" does not exist' \
		'--config-from net x|configuration network "net" does not exist' \
		'--config-only --internal x|can only contain network specific fields' \
		'--config-only --config-from cfg x|cannot have another configuration network' \
		'--config-from cfg --subnet 10.6.0.0/24 x|user specified configurations are not supported' \
		'--config-from cfg -o rps=auto x|driver options are not supported' '--scope swarm x|of this host only' \
		'--config-only --subnet 10.6.0.1/24 x|it should be 10.6.0.0/24'; do
		# shellcheck disable=SC2086 # options are words
		run -1 hull network create ${entry%|*}
		[[ $output == *"${entry#*|}"* ]] || { echo "$entry: $output"; return 1; }
	done
	hull network rm net
	hull network prune -f
	hull network rm cfg
}

@test "network prune --filter: labels that match or must not, the time; what is used stays" {
	left() { hull network ls --format '{{.Name}}' | grep -vxE 'bridge|host|none' | sort | xargs; }
	hull network create plain
	hull network create --label colour=red red
	hull network create --label colour=blue blue
	hull network create --label colour=red used
	hull run -d --name aa --network used test sleep 600
	run -0 hull network prune -f --filter until=1h
	run -0 hull network prune -f --filter label=none
	assert_equal "blue plain red used" "$(left)"
	run -0 hull network prune -f --filter label=colour=red
	assert_equal $'Deleted Networks:\nred' "$output"
	run -0 hull network prune -f --filter label!=colour
	assert_equal "blue used" "$(left)"
	wait_for 10 eval 'hull network prune -f --filter label=colour --filter until="$(date +%s)" && [ "$(left)" = used ]'
	run -1 hull network prune -f --filter nonsense=1
	[[ $output == *"invalid filter 'nonsense=1'"* ]]
	hull rm -f aa
}

@test "stats: NetIO is what the kernel counts for its interfaces, without lo" {
	hull run -d --name aa test nc -ll -p 80 -e /bin/cat
	hull run -d --name bb test sleep 600
	wait_for 10 hull exec aa sh -c 'grep -q ":0050 .* 0A " /proc/net/tcp /proc/net/tcp6'
	local to
	to=$(field aa '{{.NetworkSettings.IPAddress}}')
	hull exec bb sh -c "head -c 2000000 /dev/zero | nc -w 60 $to 80 | head -c 2000000 | wc -c" | grep -x 2000000
	hull exec bb sh -c 'head -c 500000 /dev/zero | nc -w 1 127.0.0.1 9 || true'
	same() {
		local row counted
		row=$(hull stats --no-stream --format '{{.NetIO}}' "$1")
		counted=$(awk '$1 ~ /:/ && $1 != "lo:" { i += $2; o += $10 } END { print i, o }' "/proc/$(pid_of "$1")/net/dev")
		echo "$row $counted" >counts
		python3 - "$row" $counted <<-'END'
			import sys
			unit = {"B": 1, "kB": 1e3, "MB": 1e6}
			def number(text):
			    digits = text.rstrip("kMB")
			    return float(digits) * unit[text[len(digits):]]
			for said, counted in zip(sys.argv[1].split(" / "), map(int, sys.argv[2:])):
			    assert counted > 2000000 and abs(number(said) - counted) < counted / 50, (said, counted)
		END
	}
	wait_for 10 same aa || fail "$(cat counts)"
	wait_for 10 same bb || fail "$(cat counts)"
}

@test "networks: what makes no sense is refused in words" {
	hull network create --subnet 10.1.2.0/24 one
	local -a cases=(
		"one|already exists" "bad/name|is invalid" "--subnet 10.1.2.128/25 x|in use by network one"
		"--subnet 10.1.3.4/24 x|it should be 10.1.3.0/24" "--subnet nonsense x|invalid subnet"
		"--subnet 10.9.0.0/32 x|no room" "--subnet 10.9.0.0/24 --gateway 10.8.0.1 x|no matching subnet"
		"--subnet 127.0.0.0/8 x|belong to no network" "-o com.docker.network.driver.mtu=abc x|mtu (68"
		"-o com.docker.network.bridge.enable_icc=maybe x|invalid com.docker.network.bridge.enable_icc: maybe" "-o com.docker.network.bridge.host_binding_ipv4=::1 x|host_binding_ipv4: ::1" "-d macvlan -o parent=up0 -o com.docker.network.bridge.enable_icc=false x|enable_icc: a network of the driver macvlan has no bridge"
		"-d ipvlan -o parent=up0 -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 x|ipvlan has no bridge"
		"-d overlay x|bridge, macvlan and ipvlan" "-d macvlan --subnet 10.7.0.0/24 x|parent=eth0" "-d macvlan -o parent=nosuch x|parent nosuch" "-o rps=many x|invalid rps" "-d ipvlan -o parent=up0 -o ipvlan_mode=l9 x|unknown mode l9" "bridge|predefined" "-o com.docker.network.bridge.name=a/b x|invalid name"
	)
	local entry
	for entry in "${cases[@]}"; do
		# shellcheck disable=SC2086 # options are words
		run -1 hull network create ${entry%|*}
		[[ $output == *"${entry#*|}"* ]] || { echo "$entry: $output"; return 1; }
	done
	cases=(
		"--network nosuch|network nosuch not found" "-p 99999:80|invalid hostPort" "-p 80:0|invalid containerPort"
		"-p 80/xyz|invalid proto" "-p [:8:80|invalid IP address" "-p []:8:80|invalid IP address" "-p [::1]8:80|invalid IP address" "-p 1.2.3:80:80|invalid IP address" "-p 80-82:80-81|invalid ranges"
		"--ip 172.17.0.9|user defined networks only" "--network one --ip 10.9.9.9|contains the IP address"
		"--network one --ip 10.1.2.1|is the gateway" "--network one --mac-address zz|zz is not a valid mac address"
		"--network none --mac-address zz|zz is not a valid mac address" "--network none --mac-address 02:00:00:00:00:01|mac-address and the network mode"
		"--network-alias a|user defined networks" "--network one --network host|cannot attach both" "--network none --network one|cannot attach both"
		"--network one --network one|multiple times" "--network name=one,color=red|invalid field"
		"--network container:nosuch --hostname a|hostname and the network mode"
		"--network container:nosuch --dns 1.1.1.1|dns and the network mode"
		"--network container:nosuch --dns-search a|dns and the network mode"
		"--network name=none,driver-opt=rate-in=1m|driver-opt and the network mode"
		"--network name=host,ip=1.2.3.4|user defined networks only"
		"--network container:nosuch --add-host a:1.1.1.1|host-to-IP mapping and the network mode"
		"--network host --mac-address 02:00:00:00:00:01|mac-address and the network mode"
		"--network none --ip 1.2.3.4|user defined networks only" "--network host --network-alias a|user defined networks"
		"--dns nonsense|not correctly formatted" "--add-host nonsense|bad format"
		"--network one -p [::]:80:80|port 80/tcp cannot be published on ::: the container has no IPv6 address"
		"-p [::1]:80:80|a network with IPv6 (hull network create --ipv6 NAME), or publish on an IPv4 address"
	)
	for entry in "${cases[@]}"; do
		# shellcheck disable=SC2086
		run -125 hull run --rm ${entry%|*} test true
		[[ $output == *"${entry#*|}"* ]] || { echo "$entry: $output"; return 1; }
	done
	assert_equal "" "$(hull ps -aq)"
}

@test "addresses: asked for, kept over a restart, freed however a container ended" {
	hull network create --subnet 10.1.2.0/29 small
	hull run -d --name fixed --network small --ip 10.1.2.5 --mac-address 02:00:00:00:00:05 test sleep 1000
	assert_equal 02:00:00:00:00:05 "$(hull exec fixed cat /sys/class/net/eth0/address)"
	assert_equal 10.1.2.5 "$(field fixed '{{.NetworkSettings.Networks.small.IPAddress}}')"
	run -125 hull run --rm --network small --ip 10.1.2.5 test true
	[[ $output == *"Address already in use"* ]]
	local n
	for n in 2 3 4 6; do hull run -d --name "c$n" --network small test sleep 1000; done
	assert_equal 10.1.2.6 "$(field c6 '{{.NetworkSettings.Networks.small.IPAddress}}')"
	run -125 hull run --rm --network small test true
	[[ $output == *"no available IPv4 addresses on network small"* ]]
	hull restart -t 0 c3
	assert_equal 10.1.2.3 "$(field c3 '{{.NetworkSettings.Networks.small.IPAddress}}')"
	# Its monitors die with it: the address is free as soon as that is noticed.
	kill -KILL "$(field c4 '{{.State.Pid}}')"
	wait_for 10 sh -c "[ \"\$(nsenter -n -t $HOST $HULL inspect -f '{{.State.Status}}' c4)\" = exited ]"
	run -0 hull run --rm --network small test ip -4 addr show eth0
	[[ $output == *"inet 10.1.2.4/29"* ]]
	assert_equal "" "$(field c4 '{{.NetworkSettings.Networks.small.IPAddress}}')"
}

@test "addresses: what a route of the host leads to becomes no network" {
	on_host ip route add 172.17.0.0/16 via 203.0.113.2
	on_host ip route add 10.192.0.0/23 via 203.0.113.2
	run -0 hull run --rm test ip -4 addr show eth0
	[[ $output == *"inet 172.18.0.2/16 "* ]]
	hull network create one
	assert_equal 10.192.2.0/24 "$(hull network inspect -f '{{(index .IPAM.Config 0).Subnet}}' one)"
	on_host ip route add 10.192.0.0/10 via 203.0.113.2
	run -1 hull network create two
	[[ $output == *"each overlaps with a network or with a route of this host"*"--subnet"* ]]
	# Who names one there gets it, and is told.
	run -0 hull network create --subnet 10.200.1.0/24 three
	assert_has "WARNING: network three: its subnet 10.200.1.0/24 overlaps with a route of this host, to 10.192.0.0/10"
	run -0 hull network create --subnet 192.168.77.0/24 four
	assert_lacks WARNING
	run -0 hull network create -d macvlan -o parent=up0 --subnet 203.0.113.0/24 five
	assert_lacks WARNING
}

@test "several networks: at the start, connected and disconnected while it runs" {
	hull network create one
	hull network create --internal closed
	serve aa --network one
	hull run -d --name both --network one --network name=closed,alias=x test sleep 1000
	assert_equal "eth0 eth1 lo " "$(hull exec both ls /sys/class/net | tr '\n' ' ')"
	run -0 hull exec both ping -c 1 -W 5 203.0.113.2
	hull run -d --name shut --network closed test sleep 1000
	run ! hull exec shut ping -c 1 -W 2 203.0.113.2
	run -0 hull exec shut ping -c 1 -W 5 "$(field both '{{.NetworkSettings.Networks.closed.IPAddress}}')"
	local hosts verb
	hosts=$(hull exec shut cat /etc/hosts)
	run -0 hull network connect one shut
	assert_equal "$hosts"$'\n'"$(field shut '{{.NetworkSettings.Networks.one.IPAddress}}')"$'\t'"$(field shut '{{.Config.Hostname}}')" \
		"$(hull exec shut cat /etc/hosts)"
	hull exec shut sh -c 'printf "192.0.2.1\town" >>/etc/hosts'
	assert_equal "eth0 eth1 lo " "$(hull exec shut ls /sys/class/net | tr '\n' ' ')"
	run -0 hull exec shut nc -w 30 "$(field aa '{{.NetworkSettings.Networks.one.IPAddress}}')" 80
	run -1 hull network connect one shut
	[[ $output == *"already exists"* ]]
	run -0 hull network disconnect one shut
	assert_equal "eth0 lo " "$(hull exec shut ls /sys/class/net | tr '\n' ' ')"
	assert_equal "$hosts"$'\n192.0.2.1\town' "$(hull exec shut cat /etc/hosts)"
	# What is no text is not touched.
	hull exec shut sh -c 'printf "x\000y\n" >>/etc/hosts; md5sum /etc/hosts >/sum'
	for verb in connect disconnect; do
		run -0 hull network $verb one shut
		assert_has "container shut, network one: its hosts is left as it is"
		run -0 hull exec shut md5sum -c /sum
	done
	run -1 hull network disconnect one shut
	[[ $output == *"is not connected"* ]]
	hull run -d --name lone --network none test sleep 1000
	run -0 hull network connect one lone
	# What it costs is told.
	hull run -d --name pub --network one -p 8080:80 test sleep 1000
	run -0 hull network connect closed pub
	assert_equal "" "$output"
	run -0 hull network disconnect one pub
	assert_has "WARNING: Published ports are discarded: pub is on no network that goes through this host's firewall"
	# What was connected comes back with the next start.
	hull restart -t 0 both
	assert_equal "eth0 eth1 lo " "$(hull exec both ls /sys/class/net | tr '\n' ' ')"
}

@test "gw-priority: which network has the way out; link-local addresses" {
	hull network create --subnet 10.1.0.0/24 one
	hull network create --subnet 10.2.0.0/24 two
	hull network create --subnet 10.3.0.0/24 --internal inner
	way() { hull exec cc ip route | sed -n 's/default via \([^ ]*\) .*/\1/p'; }
	hull run -d --name cc --network one --network name=two,gw-priority=1 --network name=inner,gw-priority=9 test sleep 1000
	assert_equal 10.2.0.1 "$(way)"
	assert_equal 1 "$(field cc '{{.NetworkSettings.Networks.two.GwPriority}}')"
	hull network create --subnet 10.4.0.0/24 four
	hull network connect --gw-priority 2 four cc
	assert_equal 10.4.0.1 "$(way)"
	hull network disconnect four cc
	assert_equal 10.2.0.1 "$(way)"
	hull network connect --gw-priority -1 four cc
	assert_equal 10.2.0.1 "$(way)"
	hull network disconnect two cc
	assert_equal 10.1.0.1 "$(way)"
	hull rm -f cc
	hull run -d --name cc --network one --link-local-ip 169.254.7.7 --link-local-ip 169.254.7.8 test sleep 1000
	run -0 hull exec cc ip -4 addr show eth0
	[[ $output == *"inet 10.1.0.2/24 "*"inet 169.254.7.7/16 "*"inet 169.254.7.8/16 "* ]]
	assert_equal '["169.254.7.7","169.254.7.8"]' "$(field cc '{{json .NetworkSettings.Networks.one.IPAMConfig.LinkLocalIPs}}')"
	hull run -d --name dd --network name=one,link-local-ip=169.254.7.9 test sleep 1000
	run -0 hull exec dd ping -c 1 -W 5 169.254.7.7
	hull network connect --link-local-ip 169.254.8.8 two cc
	run -0 hull exec cc ip -4 addr show eth1
	[[ $output == *"inet 169.254.8.8/16 "* ]]
	local entry
	for entry in '--network one --link-local-ip 1.1.1.1|invalid link-local IP address: 1.1.1.1' \
		'--link-local-ip 169.254.1.1|user defined networks only' '--network name=one,gw-priority=x|invalid gw-priority: x' \
		'--network none --link-local-ip 169.254.1.1|user defined networks only'; do
		# shellcheck disable=SC2086 # options are words
		run -125 hull run --rm ${entry%|*} test true
		[[ $output == *"${entry#*|}"* ]] || { echo "$entry: $output"; return 1; }
	done
}

@test "IPv6: addresses of both families, a published port by both, masqueraded" {
	hull network create --ipv6 --subnet fd00:1::/64 dual
	serve web --network dual -p 8080:80
	run -0 hull exec web ip -6 addr show eth0
	[[ $output == *"inet6 fd00:1::2/64 scope global"* && $output != *tentative*global* ]]
	run -0 hull exec web ping -6 -c 1 -W 5 2001:db8::2
	run -0 ask outside 2001:db8::1
	run -0 ask outside 203.0.113.1
	run -0 hull ps --format '{{.Ports}}'
	assert_equal "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp" "$output"
	run -0 hull run --rm --network dual test ip -6 route
	[[ $output == *"default via fd00:1::1 dev eth0"* ]]
	# An address that was asked for, kept over a restart, and the name of both families, there and back.
	hull run -d --name six --network dual --ip6 fd00:1::77 test sleep 1000
	hull restart -t 0 six
	run -0 hull exec six ip -6 addr show eth0
	[[ $output == *"inet6 fd00:1::77/64 scope global"* ]]
	assert_equal fd00:1::77 "$(field six '{{.NetworkSettings.Networks.dual.GlobalIPv6Address}}')"
	run -0 hull exec web nslookup -type=aaaa six
	[[ $output == *"has AAAA address fd00:1::77"* || $output == *"Address: fd00:1::77"* ]]
	assert_equal "$(field six '{{.NetworkSettings.Networks.dual.IPAddress}}')"$'\n'fd00:1::77 "$(resolve web six)"
	run -0 hull exec web nslookup fd00:1::77
	[[ $output == *"name = six.dual"* ]]
	run -0 hull exec web ping -6 -c 1 -W 5 six
	run -125 hull run --rm --network dual --ip6 fd00:1::77 test true
	[[ $output == *"Address already in use"* ]]
}

@test "IPv6 alone: names there and back, the way out, a published port; no IPv4 anywhere" {
	hull network create --ipv4=false --ipv6 --subnet fd00:6::/64 six
	serve web --network six -p 8080:80
	hull run -d --name cc --network six --network-alias also test sleep 1000
	assert_equal "" "$(hull exec cc ip -4 addr show eth0)"
	assert_equal "nameserver fd00:6::1" "$(hull exec cc cat /etc/resolv.conf)"
	assert_equal fd00:6::2 "$(resolve cc web)"
	assert_equal fd00:6::3 "$(resolve web also)"
	run -0 hull exec cc nslookup fd00:6::2
	assert_has "name = web.six"
	run -0 hull exec cc ping -c 1 -W 5 web
	run -0 hull exec cc ping -c 1 -W 5 2001:db8::2
	run -0 ask outside 2001:db8::1
	assert_equal "[::]:8080->80/tcp" "$(hull ps -f name=web --format '{{.Ports}}')"
	run ! ask_in_vain outside 203.0.113.1
}

@test "publish: packets of SCTP, with the client's address" {
	hull run -d --name assoc -p 8080:80/sctp --rootfs /:O python3 -c "$SCTP_PEER" 0.0.0.0
	wait_ready assoc
	run -0 outside python3 -c "$SCTP_PEER" 203.0.113.1
	assert_equal "to 8080 from 7777" "$output"
	# As the container saw it.
	wait_for 10 eval '[[ $(hull logs assoc) == *"203.0.113.2 to 80 from 7777"* ]]'
	assert_equal "80/sctp -> 0.0.0.0:8080" "$(hull port assoc)"
}

bridged_frames_are_filtered() { # 0|1: for IPv6, by br_netfilter, in the host's namespace
	on_host sh -c "test ! -e /proc/sys/net/bridge || echo $1 >/proc/sys/net/bridge/bridge-nf-call-ip6tables"
}

@test "publish: on ::1 and by it, for the host alone; where its kernel drops the answers, refused at once" {
	bridged_frames_are_filtered 0
	hull network create --ipv6 --subnet fd00:1::/64 dual
	serve web --network dual -p '[::1]:8095:80' -p 8080:80
	for port in 8095 8080; do
		run -0 ask on_host ::1 $port
		[[ $output == peer* ]]
	done
	run ! ask_in_vain outside 2001:db8::1 8095
	run -0 ask outside 2001:db8::1
	# What the host says to its ::1 stays there, and nobody else comes to it.
	on_host busybox nc -ll -p 9 -e "$WORK/peer" &
	started_by_test $!
	wait_for 10 listening $HOST 0009
	run -0 ask on_host ::1 9
	[[ $output == peer* ]]
	hull run -d --name other --network dual --cap-add NET_ADMIN test sleep 1000
	hull exec other sh -c 'ip -6 route add table local local ::1 via fd00:1::1 dev eth0 metric 1 || true; ip -6 addr del ::1 dev lo
		ip -6 route add ::1 via fd00:1::1'
	run ! hull exec other nc -w 2 ::1 9
	# What a bridge lacks that an older hull made, or another program took away.
	local bridge
	bridge=$(hull network inspect -f '{{.Bridge}}' dual)
	on_host ip -6 route delete local ::1 dev "$bridge" table local
	on_host sysctl -qw "net.ipv4.conf.$bridge.route_localnet=0"
	hull network reload
	run -0 ask on_host ::1
	run -0 ask on_host 127.0.0.1
	# A new bridge, another sysctl.
	[ -e /proc/sys/net/bridge ] || return 0
	hull rm -f web other
	bridged_frames_are_filtered 1
	run -0 --separate-stderr hull run -d --name web --network dual -p '[::1]:8095:80' test nc -ll -p 80 -e /bin/true
	[[ $stderr == *"[::1]:8095 is not reached: "*"bridge-nf-call-ip6tables=0"* ]]
	hull network reload
	run -1 on_host timeout 20 busybox nc -w 15 ::1 8095 </dev/null
	[[ $output == *"Connection refused"* ]]
}

@test "publish: on the address that the network or hull.conf names, where -p names none" {
	export XDG_CONFIG_HOME=$WORK/config
	mkdir -p config/hull
	echo 'ip = 127.0.0.1' >config/hull/hull.conf
	assert_equal 127.0.0.1 "$(hull info -f '{{.HullPublishAddress}}')"
	serve web -p 8080:80 -p 0.0.0.0:8081:80 -p 82
	run -0 hull port web
	[[ $output == *"80/tcp -> 0.0.0.0:8081"* && $output == *"80/tcp -> 127.0.0.1:8080"* && $output == *"82/tcp -> 127.0.0.1:"* ]]
	assert_equal '{"HostIp":"","HostPort":"8080"}' "$(field web '{{json (index (index .HostConfig.PortBindings "80/tcp") 0)}}')"
	run -0 ask on_host 127.0.0.1
	run ! ask_in_vain outside 203.0.113.1
	run -0 ask outside 203.0.113.1 8081
	# Later starts, of whomever (a restart policy has nobody's settings), keep to it.
	XDG_CONFIG_HOME=$WORK/none hull restart -t 0 web
	run -0 hull port web
	[[ $output == *"80/tcp -> 127.0.0.1:8080"* && $output == *"82/tcp -> 127.0.0.1:"* ]]
	# The network's own address goes before hull.conf's; it is IPv4, and nothing but that is published then.
	local option=com.docker.network.bridge.host_binding_ipv4
	hull network create --ipv6 -o $option=203.0.113.1 one
	assert_equal 203.0.113.1 "$(hull network inspect -f "{{index .Options \"$option\"}}" one)"
	serve two --network one -p 8082:80 -P --expose 90
	run -0 hull port two
	[[ $output == *"80/tcp -> 203.0.113.1:8082"* && $output == *"90/tcp -> 203.0.113.1:"* && ${#lines[@]} == 2 ]]
	run -0 ask outside 203.0.113.1 8082
	run ! ask_in_vain on_host 127.0.0.1 8082
	hull network create --ipv6 -o $option=0.0.0.0 all
	hull run -d --name three --network all -p 8083:80 test sleep 1000
	run -0 hull port three
	assert_equal $'80/tcp -> 0.0.0.0:8083\n80/tcp -> [::]:8083' "$output"
	# Ports go to the container's next network, by what that says.
	hull network connect one three
	hull network disconnect all three
	run -0 hull port three
	assert_equal "80/tcp -> 203.0.113.1:8083" "$output"
	# Who asks by the API gets the same.
	on_host "$HULL_BIN_DIR/hulld" --host "unix://$WORK/api.sock" >"$WORK/hulld.log" 2>&1 &
	started_by_test $!
	wait_for 10 test -S "$WORK/api.sock"
	run -0 curl -sS --unix-socket "$WORK/api.sock" -H 'Content-Type: application/json' 'http://hull/containers/create?name=four' \
		-d '{"Image":"test","Cmd":["sleep","1000"],"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8084"}]}}}'
	run -0 curl -sS --unix-socket "$WORK/api.sock" -X POST http://hull/containers/four/start
	run -0 hull port four
	assert_equal "80/tcp -> 127.0.0.1:8084" "$output"
	[[ $(curl -sS --unix-socket "$WORK/api.sock" http://hull/info) == *'"HullPublishAddress":"127.0.0.1"'* ]]
	echo 'ip = nonsense' >config/hull/hull.conf
	run -1 hull ps
	[[ $output == *"hull.conf line 1: ip 'nonsense': must be an address of this host"* ]]
	echo 'ip = 192.0.2.77' >config/hull/hull.conf
	run -125 hull run --rm -p 8085:80 test true
	[[ $output == *"Bind for 192.0.2.77:8085 failed: Cannot assign requested address"* ]]
}

@test "enable_icc=false: containers of the network do not reach each other; published ports, gateway and the world stay" {
	hull network create --ipv6 --subnet fd00:1::/64 -o com.docker.network.bridge.enable_icc=false apart
	bridged_frames_are_filtered 0
	# The kernel leads frames for a published port past the gateway, from one container to the other, if it filters them.
	on_host sh -c "test ! -e /proc/sys/net/bridge || echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables"
	serve web --network apart -p 8080:80
	hull run -d --name aa --network apart --cap-add NET_ADMIN test sleep 1000
	local four six
	four=$(field web '{{.NetworkSettings.Networks.apart.IPAddress}}')
	six=$(field web '{{.NetworkSettings.Networks.apart.GlobalIPv6Address}}')
	for address in "$four" "$six"; do
		run ! ask_in_vain "hull exec aa" "$address" 80
		run -0 ask on_host "$address" 80
	done
	# Nor by the gateway.
	hull exec aa sh -c "ip route add $four via $(field aa '{{.NetworkSettings.Networks.apart.Gateway}}')"
	run ! ask_in_vain "hull exec aa" "$four" 80
	run -0 hull exec aa ping -c 1 -W 5 203.0.113.2
	run -0 ask outside 203.0.113.1
	assert_equal "peer 027100CB" "$output"
	run -0 hull exec aa nc -w 30 203.0.113.1 8080
	[[ $output == *"peer "* ]]
	# One that is connected while it runs, and one whose device was made again.
	hull network create one
	hull run -d --name bb --network one test sleep 1000
	hull network connect apart bb
	run ! ask_in_vain "hull exec bb" "$four" 80
	on_host ip link delete "ve$(field aa '{{slice .Id 0 10}}').0"
	hull network reload
	run -0 hull exec aa ping -c 1 -W 5 203.0.113.2
	run ! ask_in_vain "hull exec aa" "$four" 80
}

@test "enable_ip_masquerade=false: the container's own address is seen outside; published ports stay" {
	hull network create --subnet 10.7.0.0/24 -o com.docker.network.bridge.enable_ip_masquerade=false own
	outside ip route add 10.7.0.0/24 via 203.0.113.1
	outside busybox nc -ll -p 7 -e "$WORK/peer" &
	started_by_test $!
	wait_for 10 listening $OUTSIDE 0007
	# The answer comes by the known flow, which is let through: a connection from there is not.
	run -0 hull run --rm --network own --ip 10.7.0.9 test nc -w 30 203.0.113.2 7
	assert_equal "peer 0900070A" "$output"
	serve web --network own --ip 10.7.0.8 -p 8080:80
	run -0 ask outside 203.0.113.1
	assert_equal "peer 027100CB" "$output"
	run ! ask_in_vain outside 10.7.0.8 80
}

@test "the loopback of the host is the host's: a container does not get there" {
	on_host python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 5555))
while True: s.accept()[0].close()' &
	started_by_test $!
	wait_for 10 listening $HOST 15B3
	run -0 on_host python3 -c 'import socket; socket.create_connection(("127.0.0.1", 5555), 30)'
	run ! hull run --rm --cap-add NET_ADMIN test sh -c \
		'ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via 172.17.0.1; timeout 5 nc -w 2 127.0.0.1 5555'
	# Nor does anybody outside, whatever way he knows.
	serve web -p 127.0.0.1:8080:80
	outside sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo
		ip route add 127.0.0.0/8 via 203.0.113.1'
	run -0 ask on_host 127.0.0.1
	run ! ask_in_vain outside 127.0.0.1
}

@test "firewall: flushed by another program, it is made again by the next start, reload and check" {
	serve web -p 8080:80
	on_host nft flush ruleset
	run ! ask_in_vain outside 203.0.113.1
	run -1 hull system check
	[[ $output == *"is not as hull made it"* ]]
	run -0 hull network reload
	run -0 ask outside 203.0.113.1
	on_host nft flush ruleset
	hull run --rm test true
	run -0 ask outside 203.0.113.1
	on_host nft delete table inet "$(table)"
	run hull system check --repair
	run -0 ask outside 203.0.113.1
	run -0 hull system check
	# One of another version of hull, with as many rules, is made anew by what comes next, with all that is published.
	local rules
	rules=$(on_host nft -s list table inet "$(table)")
	on_host nft "flush chain inet $(table) guard; rename chain inet $(table) $(grep -o 'version-[0-9a-f]*' <<<"$rules") version-old"
	for _ in 1 2 3 4; do on_host nft add rule inet "$(table)" guard counter; done
	run -1 hull system check
	assert_has "is not as hull made it"
	hull run --rm test true
	assert_equal "$rules" "$(on_host nft -s list table inet "$(table)")"
	run -0 ask outside 203.0.113.1
	run -0 hull system check
	# Rules alone are enough to miss.
	on_host nft flush chain inet "$(table)" forward
	run -1 hull system check
	hull network reload
	on_host ip link set "$(on_host ip -br link show type bridge | cut -d' ' -f1)" down
	hull network reload
	run -0 ask outside 203.0.113.1
}

@test "firewall: while hulld runs a flush by another program is mended at once, however often it comes" {
	on_host "$HULL_BIN_DIR/hulld" --host "unix://$WORK/api.sock" >"$WORK/hulld.log" 2>&1 &
	started_by_test $!
	wait_for 10 test -S "$WORK/api.sock"
	# Where nobody is on a network nothing is missing: another hull's table is not an occasion to make one.
	on_host nft 'add table inet hull-other; delete table inet hull-other'
	sleep 1
	assert_equal "" "$(table)$(<"$WORK/hulld.log")"
	serve web -p 8080:80
	whole() { hull system check && [[ $(ask outside 203.0.113.1) == peer* ]]; }
	local i
	for i in 1 2 3; do
		on_host nft flush ruleset
		wait_for 10 whole
	done
	on_host nft flush chain inet "$(table)" forward
	wait_for 10 whole
	on_host nft delete table inet "$(table)"
	wait_for 10 whole
	[[ $(<"$WORK/hulld.log") == *"another program took the firewall's table away; it is made again"* ]]
	# What hull itself changes is nobody's doing, nor are tables of others.
	: >"$WORK/hulld.log"
	on_host nft 'add table inet other; delete table inet other'
	hull network create one
	hull network rm one
	hull run --rm -p 8081:80 test true
	on_host nft flush chain inet "$(table)" guard
	wait_for 10 whole
	assert_equal 1 "$(wc -l <"$WORK/hulld.log")"
}

@test "names and name servers: hosts, --add-host, --dns and its kin" {
	run -0 hull run --rm --hostname box --add-host a:1.2.3.4 --add-host gw:host-gateway test cat /etc/hosts
	[[ $output == *$'\n1.2.3.4\ta'* && $output == *$'\n172.17.0.1\tgw'* && $output == *$'\n172.17.0.2\tbox'* ]]
	run -0 hull run --rm --dns 192.0.2.53 --dns-search example.org --dns-option ndots:3 test cat /etc/resolv.conf
	assert_equal $'nameserver 192.0.2.53\nsearch example.org\noptions ndots:3' "$output"
	# The host is where the default bridge has it, and nowhere to who has its own network.
	run -0 hull run --rm --network none --add-host gw:host-gateway test cat /etc/hosts
	[[ $output == *$'\n172.17.0.1\tgw'* ]]
	run -0 hull run --rm --network host --add-host gw:host-gateway test cat /etc/hosts
	[[ $output == *$'\n127.0.0.1\tgw'* ]]
	run -0 hull run --rm --network none test cat /etc/resolv.conf
	assert_equal "" "$output"
	run -0 hull run --rm --network none --dns 192.0.2.53 --dns-search example.org --dns-option ndots:3 test cat /etc/resolv.conf
	assert_equal $'nameserver 192.0.2.53\nsearch example.org\noptions ndots:3' "$output"
	# They go into files of lines.
	local option
	for option in --dns-search=a --dns-option=a --add-host=a; do
		run -125 hull run --rm "$option"$'\nnameserver 192.0.2.1:192.0.2.1' test true
		[[ $output == *"byte 2 is a blank, a slash or a control character"* ]]
	done
	# A server on the host's loopback is out of reach, and not promised.
	run -0 hull run --rm test cat /etc/resolv.conf
	[[ $output != *"nameserver 127."* ]]
}

@test "many ports are one table: two thousand of them, published and taken back" {
	hull run -d --name many -p 20000-21999:20000-21999 test sleep 1000
	assert_equal 2000 "$(on_host nft list map inet "$(table)" anywhere4 | grep -o 'tcp \. [0-9]' | wc -l)"
	run -0 hull ps --format '{{.Ports}}'
	assert_equal "0.0.0.0:20000-21999->20000-21999/tcp" "$output"
	hull rm -f many
	assert_equal 0 "$(on_host nft list map inet "$(table)" anywhere4 | grep -c 'tcp \. [0-9]')"
}

@test "events of networks; docker's other words" {
	hull network create one
	hull run -d --name cc --network one test sleep 1000
	hull network create two
	hull network connect two cc
	hull network disconnect two cc
	hull rm -f cc
	hull network rm one two
	run -0 hull events --since 1h --until 0s --filter type=network --format '{{.Action}} {{.Actor.Attributes.name}}'
	assert_equal $'create one\ncreate two\nconnect two\ndisconnect two\ndestroy one\ndestroy two' "$output"
	run -0 hull run --rm --net host test sh -c 'ls /sys/class/net'
	[[ $output == *up0* ]]
	run -0 hull run --rm -p 80:80 --network none test true
	[[ $output == *"Published ports are discarded when using none network mode"* ]]
}

# An INIT of SCTP (RFC 9260), and who answers it with an INIT-ACK, by raw sockets: the kernel need not have SCTP.
SCTP_PEER='import socket, struct, sys
def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
def packet(source, target, tag, kind):
    chunk = struct.pack(">BBHIIHHI", kind, 0, 20, 1, 65536, 1, 1, 1)
    head = struct.pack(">HHI", source, target, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)
s.settimeout(30)
if sys.argv[1] == "0.0.0.0":
    print("ready", flush=True)
    s.settimeout(None)
    while True:
        data, (client, _) = s.recvfrom(2000)
        source, target, _, checksum = struct.unpack(">HHII", data[20:32])
        if data[32] != 1: continue
        print(client, "to", target, "from", source, flush=True)
        s.sendto(packet(target, source, 1, 2), (client, 0))
else:
    s.sendto(packet(7777, 8080, 0, 1), (sys.argv[1], 0))
    while True:
        data = s.recv(2000)
        if data[32] == 2: break
    source, target = struct.unpack(">HH", data[20:24])
    print("to", source, "from", target)'
# resolve CONTAINER NAME: the addresses that it has there, one a line.
resolve() {
	hull exec "$1" nslookup "$2" 2>/dev/null | sed -n '/^Name:/,$ s/^Address: *//p' | sort -u
}
upstream() { # MODE: a name server of the world outside
	outside python3 "$TOP/tests/helpers/dns_server.py" 203.0.113.2 "$@" &
	started_by_test $!
	wait_for 10 listening $OUTSIDE 0035
}
dns_process() {
	pgrep -f '^hull-dns' | while read -r pid; do
		[ "$(readlink "/proc/$pid/ns/net")" != "$(on_host readlink /proc/self/ns/net)" ] || echo "$pid"
	done
}

@test "names: containers of a network find each other, by name, id, alias and host name, both ways" {
	hull network create one
	hull run -d --name aa --network one --network-alias web --hostname boxa test sleep 1000
	hull run -d --name bb --network one --network-alias web test sleep 1000
	local a b
	a=$(field aa '{{.NetworkSettings.Networks.one.IPAddress}}')
	b=$(field bb '{{.NetworkSettings.Networks.one.IPAddress}}')
	assert_equal "$b" "$(resolve aa bb)"
	assert_equal "$b" "$(resolve aa BB.one)"
	assert_equal "$a" "$(resolve bb boxa)"
	assert_equal "$a" "$(resolve bb "$(field aa '{{slice .Id 0 12}}')")"
	assert_equal "$a"$'\n'"$b" "$(resolve aa web)"
	run -0 hull exec aa ping -c 1 -W 5 bb
	run -0 hull exec aa nslookup "$b"
	[[ $output == *"name = bb.one"* ]]
	# Who has ended is not found, and who is renamed by his new name only.
	hull stop -t 0 bb
	assert_equal "$a" "$(resolve aa web)"
	hull start bb
	assert_equal "$b" "$(resolve aa bb)"
	hull rename bb cc
	assert_equal "$b" "$(resolve aa cc)"
	run ! hull exec aa nslookup bb
	# Nobody of another network asks here, and nobody from outside.
	hull network create two
	hull run -d --name dd --network two test sleep 1000
	assert_equal "" "$(resolve dd aa)"
	run ! hull exec dd nslookup aa "$(hull network inspect -f '{{(index .IPAM.Config 0).Gateway}}' one)"
	[[ $output == *REFUSED* ]]
	# Who is on both knows all.
	hull network connect two aa
	assert_equal "$(field dd '{{.NetworkSettings.Networks.two.IPAddress}}')" "$(resolve aa dd)"
	[[ $(resolve dd aa) == "$(field aa '{{.NetworkSettings.Networks.two.IPAddress}}')" ]]
	hull network disconnect two aa
	assert_equal "" "$(resolve aa dd)"
	assert_equal "" "$(resolve dd aa)"
}

@test "names: the rest is passed on, by UDP and TCP; from an internal network nothing is" {
	upstream
	hull network create one
	hull network create --internal closed
	hull run -d --name aa --network one --dns 203.0.113.2 test sleep 1000
	hull run -d --name shut --network closed --dns 203.0.113.2 test sleep 1000
	assert_equal 192.0.2.77 "$(resolve aa www.example.org)"
	run ! hull exec shut nslookup www.example.org
	[[ $output == *REFUSED* ]]
	# By TCP.
	run -0 hull run --rm --network one --dns 203.0.113.2 --rootfs /:O python3 -c 'import socket, struct, sys
s = socket.create_connection((sys.argv[1], 53), 30)
for name in (b"\2aa", b"\3www\7example\3org"):
    q = b"\0\7\1\0\0\1\0\0\0\0\0\0" + name + b"\0\0\1\0\1"
    s.sendall(struct.pack(">H", len(q)) + q)
    size = struct.unpack(">H", s.recv(2))[0]
    print(".".join(map(str, s.recv(size)[-4:])))' "$(hull network inspect -f '{{(index .IPAM.Config 0).Gateway}}' one)"
	[[ ${lines[1]} == 192.0.2.77 && ${lines[0]} == "$(field aa '{{.NetworkSettings.Networks.one.IPAddress}}')" ]]
}

@test "links: another name for a container, for who has the link alone; not where there are no names" {
	hull network create one
	hull run -d --name db --network one test sleep 1000
	hull run -d --name aa --network one --link db:database --link db test sleep 1000
	hull run -d --name bb --network one test sleep 1000
	local address
	address=$(field db '{{.NetworkSettings.Networks.one.IPAddress}}')
	assert_equal "$address" "$(resolve aa database)"
	assert_equal "$address" "$(resolve aa db)"
	run ! hull exec bb nslookup database
	assert_equal '["db:database","db"]' "$(field aa '{{json .NetworkSettings.Networks.one.Links}}')"
	# By any id that says which, and in docker's older forms.
	local id
	id=$(field db '{{.Id}}')
	hull run -d --name cc --network one --link "${id:0:6}:six" --link "${id:0:7}" --link "$id:full" \
		--link /db:slash --link /db:/cc/old --link /db test sleep 1000
	for name in six "${id:0:7}" full slash old; do
		assert_equal "$address" "$(resolve cc "$name")"
	done
	assert_equal "[\"${id:0:12}:six\",\"${id:0:12}:${id:0:7}\",\"$id:full\",\"db:slash\",\"db:old\",\"db\"]" \
		"$(field cc '{{json .NetworkSettings.Networks.one.Links}}')"
	# Taken away, and given with another network, while it runs.
	run -0 hull rm --link cc/six /cc/old
	assert_equal $'cc/six\n/cc/old' "$output"
	run ! hull exec cc nslookup six
	assert_equal "$address" "$(resolve cc slash)"
	assert_equal "[\"${id:0:12}:${id:0:7}\",\"$id:full\",\"db:slash\",\"db\"]" \
		"$(field cc '{{json .NetworkSettings.Networks.one.Links}}')"
	assert_equal "[\"${id:0:7}\",\"$id:full\",\"/db:slash\",\"/db\"]" "$(field cc '{{json .HostConfig.Links}}')"
	run -1 hull rm --link cc/six cc nobody/db
	assert_has "container cc has no link six"
	assert_has "bad format for a link that is to be removed: cc; it should be CONTAINER/ALIAS"
	assert_has "No such container: nobody"
	hull network disconnect one bb
	run -0 hull network connect --link db:again one bb
	assert_equal "$address" "$(resolve bb again)"
	run -1 hull network connect --link db bridge bb
	assert_has "link db: network bridge has no names"
	# It is the container that is linked, wherever it is.
	hull stop -t 0 db
	run ! hull exec aa nslookup database
	hull run -d --name other --network one --ip "$address" test sleep 1000
	hull start db
	address=$(field db '{{.NetworkSettings.Networks.one.IPAddress}}')
	assert_equal "$address" "$(resolve aa database)"
	run -1 hull create --link db test true
	assert_has "link db: network bridge has no names"
	run -1 hull create --network one --link nobody:x test true
	assert_has "link nobody:x: No such container: nobody"
	run -1 hull create --network one --link db:: test true
	assert_has "bad format for links"
	run -1 hull create --network none --link db test true
	assert_has "can't be used with links"
}

@test "names: hull-dns has no rights, ends with the last container, and is replaced when it is killed" {
	hull network create one
	hull run -d --name aa --network one test sleep 1000
	local pid
	pid=$(dns_process)
	[ -n "$pid" ]
	run -0 grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status"
	[[ $output == *$'Uid:\t65534\t65534'* && $output == *$'CapEff:\t0000000000000000'* ]]
	[[ $output == *$'CapBnd:\t0000000000000000'* && $output == *$'NoNewPrivs:\t1'* && $output == *$'Seccomp:\t2'* ]]
	kill -KILL "$pid"
	hull run -d --name bb --network one test sleep 1000
	[ "$(dns_process)" != "$pid" ]
	assert_equal "$(field bb '{{.NetworkSettings.Networks.one.IPAddress}}')" "$(resolve aa bb)"
	# Nonsense does it no harm.
	on_host python3 -c 'import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(2000): s.sendto(os.urandom(i % 600), (sys.argv[1], 53))' \
		"$(hull network inspect -f '{{(index .IPAM.Config 0).Gateway}}' one)"
	assert_equal "$(field bb '{{.NetworkSettings.Networks.one.IPAddress}}')" "$(resolve aa bb)"
	# Nor do many connections that say nothing: others find a place.
	hull run -d --name hog --network one --rootfs /:O python3 -c 'import os, socket, time
s = [socket.create_connection(("'"$(hull network inspect -f '{{(index .IPAM.Config 0).Gateway}}' one)"'", 53), 30) for i in range(40)]
print("ready", flush=True)
while True:
    time.sleep(1)
    for c in s:
        try: c.send(b"\0")
        except OSError: pass'
	wait_ready hog
	run -0 hull run --rm --network one --rootfs /:O python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], 53), 30)
s.sendall(b"\0\24\0\7\1\0\0\1\0\0\0\0\0\0\2bb\0\0\1\0\1")
print(len(s.recv(100)))' "$(hull network inspect -f '{{(index .IPAM.Config 0).Gateway}}' one)"
	[ "$output" -gt 30 ]
	hull rm -f hog
	hull rm -f aa bb
	wait_for 10 eval '[ -z "$(dns_process)" ]'
	hull network rm one
	assert_equal "forwarding4" "$(ls "$HULL_RUNROOT/networks")"
	# One that cannot end is found.
	hull network create one
	hull run -d --name aa --network one test sleep 1000
	pid=$(dns_process)
	kill -STOP "$pid"
	hull rm -f aa
	hull network rm one
	run -1 hull system check
	assert_has "process $pid (hull-dns) of network "
	run -0 hull system check --repair
	run -0 hull system check
	assert_equal "" "$output$(dns_process)"
}

@test "macvlan and ipvlan: on the network of a device of the host, past its firewall" {
	local driver
	on_host ip link add eth0 type bridge # kernels before 6.14 look for the child's name here
	for driver in macvlan ipvlan; do
		hull network create -d $driver -o parent=up0 --subnet 203.0.113.0/24 --gateway 203.0.113.2 \
			--aux-address host=203.0.113.1 $driver
		# As older versions of hull took it.
		sql "UPDATE network SET config = json_set(config, '$.Options.\"com.docker.network.bridge.enable_icc\"', 'false') WHERE name = ?" $driver
		if ! hull run -d --name "in-$driver" --network $driver test sleep 1000 2>err; then
			[[ $(<err) == *"modprobe $driver"* ]] || { cat err; return 1; }
			hull rm in-$driver
			hull network rm $driver
			continue
		fi
		assert_equal 203.0.113.3 "$(field in-$driver "{{.NetworkSettings.Networks.$driver.IPAddress}}")"
		run -0 hull exec in-$driver ping -c 1 -W 5 203.0.113.2
		run -0 outside busybox ping -c 1 -W 5 203.0.113.3
		# The parent and its children do not meet.
		run ! on_host busybox ping -c 1 -W 1 203.0.113.3
		hull run -d --name second --network $driver test sleep 1000
		run -0 hull exec second ping -c 1 -W 5 203.0.113.3
		run -0 hull run --rm -p 8080:80 --network $driver test true
		[[ $output == *"Published ports are discarded"*"macvlan and ipvlan"* ]]
		# Whatever root inside calls it.
		hull exec --privileged second sh -c 'ip link set eth0 down; ip link set eth0 name mine
			ip link add eth0 type dummy' || true
		hull exec --privileged second ip link delete eth0 || true
		run -0 hull network disconnect $driver second
		assert_equal lo "$(hull exec second ls /sys/class/net)"
		run -0 hull network connect --ip 203.0.113.9 $driver second
		wait_for 10 outside busybox ping -c 1 -W 1 203.0.113.9
		hull rm -f in-$driver second
		hull network rm $driver
	done
}

@test "ipvlan l3 and l3s: a subnet of its own behind the device, to which others have a route" {
	local mode
	outside ip route add 10.8.0.0/24 via 203.0.113.1
	for mode in l3 l3s; do
		hull network create -d ipvlan -o parent=up0 -o ipvlan_mode=$mode --subnet 10.8.0.0/24 --gateway 10.8.0.1 $mode
		if ! hull run -d --name one --network $mode test sleep 1000 2>err; then
			[[ $(<err) == *"modprobe ipvlan"* ]] || { cat err; return 1; }
			skip "this kernel has no ipvlan"
		fi
		hull run -d --name two --network $mode test sleep 1000
		run -0 hull exec one ping -c 1 -W 5 203.0.113.2
		run -0 outside busybox ping -c 1 -W 5 10.8.0.2
		run -0 hull exec two ping -c 1 -W 5 10.8.0.2
		hull rm -f one two
		hull network rm $mode
	done
}

@test "netem: over a link that delays and loses, what comes through a published port is whole; the delay is told" {
	on_host tc qdisc add dev up0 root netem delay 100ms 2>err || skip "this kernel has no netem: $(<err)"
	hull run -d --name sink -p 8080:80 --rootfs /:O python3 -c 'import hashlib, socket
listener = socket.create_server(("", 80))
print("ready", flush=True)
while True:
    s, (client, _) = listener.accept()
    h = hashlib.md5()
    while block := s.recv(65536): h.update(block)
    s.sendall((h.hexdigest() + " from " + client).encode())
    s.close()'
	wait_ready sink
	run -0 hull network path --json sink 203.0.113.2
	python3 -c 'import json, sys
p = json.load(sys.stdin)
assert p["Reached"] and p["Milliseconds"] >= 100, p' <<<"$output"
	on_host tc qdisc replace dev up0 root netem delay 20ms 5ms loss 5%
	outside tc qdisc add dev eth0 root netem delay 20ms 5ms loss 5%
	head -c 300000 /dev/urandom >blob
	run -0 outside timeout 300 python3 -c 'import socket, sys
s = socket.create_connection(("203.0.113.1", 8080), 120)
s.sendall(sys.stdin.buffer.read())
s.shutdown(socket.SHUT_WR)
print(s.recv(100).decode())' <blob
	assert_equal "$(md5sum <blob | cut -d' ' -f1) from 203.0.113.2" "$output"
	# All is lost.
	on_host tc qdisc replace dev up0 root netem loss 100%
	run -1 hull network path sink 203.0.113.2
	[[ $output == *"203.0.113.2 is not reached: died at up0: "* ]] || { echo "$output"; return 1; }
}

@test "a host that forwards because of hull alone is no router for others" {
	local THIRD
	unshare -n sleep 1000 3>&- &
	THIRD=$!
	started_by_test $THIRD
	wait_for 10 in_own_namespace $THIRD
	on_host sh -e -c "ip link add up1 type veth peer name eth0 netns $THIRD
		ip addr add 198.51.100.1/24 dev up1; ip link set up1 up"
	nsenter -n -t $THIRD sh -e -c "ip addr add 198.51.100.2/24 dev eth0; ip link set eth0 up
		ip route add default via 198.51.100.1"
	run ! outside busybox ping -c 1 -W 1 198.51.100.2
	serve web -p 8080:80
	run ! outside busybox ping -c 1 -W 1 198.51.100.2
	run -0 ask outside 203.0.113.1
	run -0 hull exec web ping -c 1 -W 5 198.51.100.2
	hull network reload
	run ! outside busybox ping -c 1 -W 1 198.51.100.2
	hull rm -f web
	# Who made it one before hull came keeps it.
	rm "$HULL_RUNROOT/networks/forwarding4"
	hull network reload
	run -0 outside busybox ping -c 1 -W 5 198.51.100.2
	run -0 hull run --rm test ping -c 1 -W 5 198.51.100.2
	run -0 outside busybox ping -c 1 -W 5 198.51.100.2
}

@test "rates: what a container receives and sends at most, of its network or its own" {
	hull network create -o rate-in=80m -o rate-out=80mbit slow
	local peer='import socket, sys
s = socket.create_server(("", 80))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    n = 4000000
    if c.recv(1) == b"s": c.sendall(bytes(n))
    else:
        while n > 0: n -= len(c.recv(1 << 16))
    c.sendall(b"k")
    c.close()'
	hull run -d --name slow --network slow --rootfs /:O python3 -c "$peer"
	hull run -d --name fast --network name=slow,driver-opt=rate-in=10g,driver-opt=rate-out=10g --rootfs /:O python3 -c "$peer"
	wait_ready slow
	wait_ready fast
	assert_equal '{"rate-in":"10g","rate-out":"10g"}' "$(field fast '{{json .NetworkSettings.Networks.slow.DriverOpts}}')"
	# 4 MB at 10 MB/s: at least 0.3 s, with what may go at once; three times as long as the other at the least, when
	# the machine lets that one go on.
	on_host python3 -c 'import socket, sys, time
def take(address, what):
    s = socket.create_connection((address, 80), 60)
    began = time.monotonic()
    s.sendall(what if what == b"s" else what + bytes(4000000))
    while s.recv(1 << 16): pass
    return time.monotonic() - began
for what in (b"s", b"r"):
    slow = take(sys.argv[1], what)
    fast = min(take(sys.argv[2], what) for i in range(10))
    print(what, slow, fast)
    assert slow > 0.3 and slow > 3 * fast' \
		"$(field slow '{{.NetworkSettings.Networks.slow.IPAddress}}')" \
		"$(field fast '{{.NetworkSettings.Networks.slow.IPAddress}}')"
	local entry
	for entry in 'rate-in=fast|invalid rate' 'rate-out=1k|invalid rate' 'other=1|hull has rate-in and rate-out'; do
		run -125 hull run --rm --network "name=slow,driver-opt=${entry%|*}" test true
		[[ $output == *"${entry#*|}"* ]]
	done
	run -1 hull network create -d macvlan -o parent=up0 --subnet 203.0.113.0/24 -o rate-in=1m mv
	[[ $output == *"no device on the host"* ]]
}

# rate DEVICE [PID]: of its tbf in bytes a second, or nothing.
rate() {
	nsenter -n -t "${2:-$HOST}" tc -j qdisc show dev "$1" root 3>&- | jq -r '.[] | select(.kind == "tbf") | .options.rate'
}

@test "rates: changed while a container runs, for its next start, and taken away" {
	local pid veth
	hull network create -o rate-in=80m net
	hull run -d --name cc --network net test sleep 1000
	pid=$(field cc '{{.State.Pid}}')
	veth=$(field cc '{{.Id}}')
	veth="ve${veth:0:10}.0"
	assert_equal "10000000 " "$(rate "$veth") $(rate eth0 "$pid")"
	hull network update --driver-opt rate-in=16m --driver-opt rate-out=8m net cc
	assert_equal "2000000 1000000" "$(rate "$veth") $(rate eth0 "$pid")"
	assert_equal '{"rate-in":"16m","rate-out":"8m"}' "$(field cc '{{json .NetworkSettings.Networks.net.DriverOpts}}')"
	# What is not given stays; empty is the network's, or none. Whatever root inside calls the device.
	nsenter -n -t "$pid" sh -c 'ip link set eth0 down; ip link set eth0 name mine; ip link set mine up'
	hull network update --driver-opt rate-out=4m net cc
	assert_equal "2000000 500000" "$(rate "$veth") $(rate mine "$pid")"
	hull network update --driver-opt rate-in= --driver-opt rate-out= net cc
	assert_equal "10000000 " "$(rate "$veth") $(rate mine "$pid")"
	# Refused as a whole.
	run -1 hull network update --driver-opt rate-in=24m --driver-opt rate-out=x net cc
	[[ $output == *"invalid rate"* ]]
	assert_equal "10000000 " "$(rate "$veth") $(rate mine "$pid")"
	run -1 hull network update net cc
	run -1 hull network update --driver-opt rate-in=1m bridge cc
	[[ $output == *"not connected to network bridge"* ]]
	run -1 hull network update --driver-opt color=red net cc
	# Of one that does not run it is that of its next start.
	hull stop -t 0 cc
	hull network update --driver-opt rate-in=32m net cc
	hull start cc
	assert_equal 4000000 "$(rate "$veth")"
}

@test "rps: each flow has its processor, on both ends of the pair" {
	local mask
	hull network create -o rps=auto steered
	hull network create -o rps=2 one
	hull run -d --name aa --network steered test sleep 1000
	hull run -d --name bb --network one test sleep 1000
	mask=$(printf %x $(((1 << $(nproc)) - 1)))
	assert_equal "$mask" "$(hull exec aa cat /sys/class/net/eth0/queues/rx-0/rps_cpus)"
	assert_equal 2 "$(hull exec bb cat /sys/class/net/eth0/queues/rx-0/rps_cpus)"
	run -0 on_host unshare -m sh -c 'mount -t sysfs sysfs /sys; cat /sys/class/net/ve*/queues/rx-0/rps_cpus'
	assert_equal "2 $mask" "$(sort <<<"$output" | xargs)"
	hull network create plain
	hull run -d --name cc --network plain test sleep 1000
	assert_equal 0 "$(hull exec cc cat /sys/class/net/eth0/queues/rx-0/rps_cpus)"
	# And who handles what is told.
	run hull explain bb net
	[[ $output =~ RPS\ +eth0:\ flows\ are\ steered\ to\ the\ processors\ 2 ]]
	[ "$(nproc)" -eq 1 ] || [[ $output =~ processors\ +processor\ [0-9]+\ handled\ [0-9]+\ % ]]
	run hull explain cc net
	[[ $output =~ RPS\ +eth0:\ off ]]
}

@test "explain net: a flow whose packets come out of order" {
	[ -c /dev/net/tun ] || skip "there is no /dev/net/tun"
	unshare -n sleep 1000 3>&- &
	local far=$! seen
	disown
	STARTED+=("$far")
	wait_for 10 in_own_namespace "$far"
	mkfifo wire
	sleep 1000 >wire 3>&- &
	STARTED+=("$!")
	nsenter -n -t "$OUTSIDE" python3 "$TOP/tests/helpers/reorder.py" "$far" <wire >relay 2>&1 3>&- &
	STARTED+=("$!")
	wait_for 20 grep -q ready relay
	outside sh -e -c 'ip addr add 198.51.100.1/24 dev tun0; ip link set tun0 up; echo 1 >/proc/sys/net/ipv4/ip_forward'
	nsenter -n -t "$far" sh -e -c 'ip link set lo up; ip addr add 198.51.100.2/24 dev tun1; ip link set tun1 up; ip route add default via 198.51.100.1'
	on_host ip route add 198.51.100.0/24 via 203.0.113.2
	nsenter -n -t "$far" busybox nc -ll -p 9000 -e sh -c 'wc -c >>got' 3>&- &
	STARTED+=("$!")
	wait_for 10 listening "$far" 2328
	hull run -d --name cc test sleep 600
	run hull explain cc net
	assert_has "reordering seen 0 times"
	# Packets that come one by one, as on a busy machine, are in order.
	for _ in {1..20}; do
		: >got
		hull exec cc sh -c 'head -c 3000000 /dev/zero | nc 198.51.100.2 9000'
		wait_for 20 grep -qx 3000000 got
		seen=$(nsenter -n -t "$(pid_of cc)" awk '/^TcpExt/ && !n { n = split($0, name); next } /^TcpExt/ { split($0, value)
			for (i = 2; i <= n; i++) if (name[i] == "TCPSACKReorder") print value[i] }' /proc/net/netstat)
		[ "$seen" = 0 ] || break
	done
	[ "$seen" -gt 0 ]
	run hull explain cc net
	assert_has "reordering seen $seen times"
}

@test "explain net: a published port that nobody, or only its lo, listens on; a queue that is full" {
	hull run -d --name cc -p 8080:80 -p 8081:81 -p 9000:90/udp --rootfs /:O python3 -c 'import socket, os, time
def listen(kind, ip, port):
    s = socket.socket(socket.AF_INET, kind)
    s.bind((ip, port))
    return s
full = listen(socket.SOCK_STREAM, "", 81)
full.listen(1)
udp = listen(socket.SOCK_DGRAM, "", 90)
while not os.path.exists("/tmp/local"): time.sleep(0.05)
local = listen(socket.SOCK_STREAM, "127.0.0.1", 80)
local.listen()
while not os.path.exists("/tmp/all"): time.sleep(0.05)
local.close()
web = listen(socket.SOCK_STREAM, "", 80)
web.listen()
time.sleep(600)'
	wait_for 10 eval "hull explain cc net | grep -q 'listens, UDP       90'"
	run hull explain cc net
	assert_has "net: port 80/tcp is published, but nobody in it listens there"
	run hull why cc
	assert_line "^cc: it runs for .*: port 80/tcp is published, but nobody in it listens there"
	assert_has "-p HOST:80 names another"
	assert_lacks "port 81"
	hull exec cc touch /tmp/local
	wait_for 10 eval "hull explain cc net | grep -q 'net: port 80/tcp is published, but what listens there does so on its lo alone'"
	run hull explain cc net
	assert_has "80 (only on its lo), 81"
	hull exec cc touch /tmp/all
	wait_for 10 eval "hull explain cc net | grep -q 'net: nothing was lost that its kernel counts'"
	outside python3 -c 'import socket, time
held = [socket.socket() for i in range(6)]
for s in held:
    s.setblocking(False)
    s.connect_ex(("203.0.113.1", 8081))
time.sleep(1.5)'
	run hull explain cc net
	[[ $output =~ net:\ [0-9]+\ connections\ were\ not\ taken ]]
	overflows=$(awk '/^TcpExt:/ { if (!n++) for (i = 1; i <= NF; i++) at[$i] = i; else print $at["ListenOverflows"] }' "/proc/$(pid_of cc)/net/netstat")
	assert_has "$overflows connections were not taken"
	hull run -d --name dd --network none test sleep 600
	run hull explain dd net
	assert_has "net: it has no network but its own lo"
	hull run -d --name ee --network host test sleep 600
	run hull explain ee net
	assert_has "net: it has the machine's network: ports and figures are the machine's"
}
