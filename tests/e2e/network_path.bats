#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `network path`: the devices that a packet meets, and where and why it dies; a cause is put at each place in turn
# (FEATURES.md N5). The world is that of network.bats.

load lib
load network

# path CODE ARGUMENTS...: with that exit code.
path() {
	local code=$1
	shift
	run -"$code" hull network path "$@"
}
died() { # AT TEXT: the last path died there, and says so
	[[ $output == *"died at $1: "*"$2"* ]] || {
		echo "$output"
		return 1
	}
}

@test "network path: a way is shown device by device, with NAT, and back" {
	hull run -d --name cc test sleep 1000
	outside busybox nc -ll -p 7 -e /bin/true &
	started_by_test $!
	wait_for 10 listening "$OUTSIDE" 0007
	local bridge veth id
	id=$(field cc '{{.Id}}')
	veth="ve${id:0:10}.0"
	bridge=$(hull network inspect -f '{{.Bridge}}' bridge)
	path 0 cc 203.0.113.2:7
	[[ $output == *"203.0.113.2 answers: SYN-ACK after "* ]]
	assert_equal "out eth0 container,out $veth host,out $bridge host,out up0 host,back up0 host,back $bridge host,back $veth host,back eth0 container" \
		"$(awk '$1 == "out" || $1 == "back" { printf "%s%s %s %s", sep, $1, $2, $3; sep = "," }' <<<"$output")"
	[[ $output == *"172.17.0.2:"*" > 203.0.113.2:7"*"203.0.113.1:"*" > 203.0.113.2:7"*"203.0.113.2:7 > 203.0.113.1:"* ]]
	[[ $output == *"passed inet $(table)"* ]]
	path 0 --json cc 203.0.113.2
	assert_equal "True echo reply 8 [True, True, True, True, True, True, True, True]" "$(python3 -c 'import json, sys
p = json.load(sys.stdin)
print(p["Reached"], p["Answer"], len(p["Hops"]), [h["Packets"] > 0 for h in p["Hops"]])' <<<"$output")"
	# The host itself, a neighbour, a published port of one on another network, by name.
	path 0 cc 172.17.0.1
	hull network create one
	serve web --network one -p 8080:80
	hull run -d --name near --network one test sleep 1000
	path 0 cc 203.0.113.1:8080
	[[ $output == *" > 203.0.113.1:8080"*" > $(field web '{{.NetworkSettings.Networks.one.IPAddress}}'):80"* ]]
	path 0 near web:80
	run ! grep -q "$(hull network inspect -f '{{.Bridge}}' one)" <<<"$output"
	# Nothing of it is left.
	run -0 on_host nft list tables
	[[ $output != *path* ]]
}

@test "network path: where it dies, and why" {
	hull run -d --name cc --cap-add NET_ADMIN test sleep 1000
	local bridge veth id
	id=$(field cc '{{.Id}}')
	veth="ve${id:0:10}.0"
	bridge=$(hull network inspect -f '{{.Bridge}}' bridge)
	path 1 cc 203.0.113.2:81
	died 203.0.113.2 "nobody listens on port 81"
	# A rule of somebody else, on the way and on the way back; a policy.
	on_host nft 'add table inet other; add chain inet other fw { type filter hook forward priority 10; }
		add rule inet other fw ip daddr 203.0.113.2 tcp dport 82 drop
		add rule inet other fw ip saddr 203.0.113.2 icmp type echo-reply drop'
	path 1 cc 203.0.113.2:82
	died up0 "dropped by chain fw of table inet other, rule handle "
	[[ $output == *"nft -a list chain inet other fw"* ]]
	path 1 cc 203.0.113.2
	died "$bridge" "dropped by chain fw of table inet other, rule handle "
	on_host nft 'delete table inet other; add table ip strict; add chain ip strict fw { type filter hook forward priority 10; policy drop; }'
	path 1 cc 203.0.113.2
	died up0 "dropped by the policy of chain fw of table ip strict"
	on_host nft delete table ip strict
	# hull's own rules: another network.
	hull network create one
	hull run -d --name far --network one test sleep 1000
	path 1 cc "$(field far '{{.NetworkSettings.Networks.one.IPAddress}}'):80"
	[[ $output == *"dropped by chain "*" of table inet $(table)"* ]]
	# Outside: nobody there, a filter that says nothing, one that says no, a link that is too small.
	path 1 cc 203.0.113.77
	died up0 "nobody answers to 203.0.113.77 on up0 (ARP)"
	outside nft 'add table ip t; add chain ip t in { type filter hook input priority 0; }
		add rule ip t in tcp dport 83 drop; add rule ip t in tcp dport 84 reject with icmp type admin-prohibited'
	path 1 cc 203.0.113.2:83
	died up0 "no answer from 203.0.113.2"
	path 1 cc 203.0.113.2:84
	died 203.0.113.2 "it is forbidden (filtered)"
	on_host ip link set up0 mtu 1400
	path 1 --size 1450 cc 203.0.113.2
	died 172.17.0.1 "larger than the MTU of its next link, 1400"
	path 0 --size 1400 cc 203.0.113.2
	# The host: no route, no forwarding, a port that is none of the bridge.
	path 1 cc 198.51.100.1
	[[ $output == *"died at "*"it knows no way there"* ]]
	on_host sysctl -qw net.ipv4.ip_forward=0
	path 1 cc 203.0.113.2
	[[ $output == *"net.ipv4.ip_forward is 0"* ]]
	on_host sysctl -qw net.ipv4.ip_forward=1
	on_host ip link set "$veth" nomaster
	path 1 cc 203.0.113.2
	died "$bridge" "$veth is no port of the bridge $bridge"
	on_host ip link set "$veth" master "$bridge"
	# The container: its own filter, no route, no name server, no network.
	nsenter -n -t "$(field cc '{{.State.Pid}}')" nft 'add table ip t; add chain ip t out { type filter hook output priority 0; }
		add rule ip t out tcp dport 85 drop'
	path 1 cc 203.0.113.2:85
	[[ $output == *"container's own packet filter"* ]]
	path 1 far no.such.name
	died DNS "name server"
	hull exec cc ip route del default
	path 1 cc 203.0.113.2
	[[ $output == *"the container has no route to 203.0.113.2"* ]]
	hull run -d --name none --network none test sleep 1000
	path 1 none 203.0.113.2
	[[ $output == *"it is on no network"* ]]
	path 1 cc 2001:db8::2
	[[ $output == *"the container has no route to 2001:db8::2"* ]]
	path 125 cc 203.0.113.2:x
	hull stop -t 0 cc
	path 1 cc 203.0.113.2
	[[ $output == *"is not running"* ]]
}

@test "beside iptables: what its FORWARD drops is told, and what docs/network.md says mends it" {
	command -v iptables-nft >/dev/null || skip "needs iptables"
	hull network create -o com.docker.network.bridge.name=mine one
	serve web --network one -p 8080:80
	outside busybox nc -ll -p 7 -e /bin/true &
	started_by_test $!
	wait_for 10 listening "$OUTSIDE" 0007
	# As docker leaves it: a policy that drops, and a chain for the user.
	on_host sh -ec 'iptables-nft -P FORWARD DROP; iptables-nft -N DOCKER-USER; iptables-nft -A FORWARD -j DOCKER-USER'
	path 1 web 203.0.113.2:7
	died up0 "dropped by the policy of chain FORWARD of table ip filter"
	run ! ask_in_vain outside 203.0.113.1
	# hull's own table is whole, and no other is touched.
	run -0 hull system check
	hull network reload
	run ! ask_in_vain outside 203.0.113.1
	on_host sh -ec 'iptables-nft -I DOCKER-USER -i mine -j ACCEPT; iptables-nft -I DOCKER-USER -o mine -j ACCEPT'
	path 0 web 203.0.113.2:7
	run -0 ask outside 203.0.113.1
	assert_equal "peer 027100CB" "$output"
	# A rule that drops; and one of input, which a published port passes by.
	on_host iptables-nft -I FORWARD -d 203.0.113.2 -p tcp --dport 7 -j DROP
	path 1 web 203.0.113.2:7
	died up0 "dropped by chain FORWARD of table ip filter, rule handle "
	on_host iptables-nft -P INPUT DROP
	run -0 ask outside 203.0.113.1
	# A flush of iptables leaves hull's table, one of everything does not.
	on_host iptables-nft -F
	run -0 hull system check
}

@test "network path: over IPv6, with NAT, and where it dies" {
	hull network create --ipv6 --subnet fd00:1::/64 dual
	hull run -d --name cc --network dual test sleep 1000
	local bridge veth id
	id=$(field cc '{{.Id}}')
	veth="ve${id:0:10}.0"
	bridge=$(hull network inspect -f '{{.Bridge}}' dual)
	outside busybox nc -ll -p 7 -e /bin/true &
	started_by_test $!
	wait_for 10 listening "$OUTSIDE" 0007
	path 0 cc '[2001:db8::2]:7'
	[[ $output == *"2001:db8::2 answers: SYN-ACK after "* ]]
	assert_equal "out eth0 container,out $veth host,out $bridge host,out up0 host,back up0 host,back $bridge host,back $veth host,back eth0 container" \
		"$(awk '$1 == "out" || $1 == "back" { printf "%s%s %s %s", sep, $1, $2, $3; sep = "," }' <<<"$output")"
	[[ $output == *"[fd00:1::2]:"*" > [2001:db8::2]:7"*"[2001:db8::1]:"*" > [2001:db8::2]:7"*"[2001:db8::2]:7 > [2001:db8::1]:"* ]]
	[[ $output == *"passed inet $(table)"* ]]
	path 0 cc 2001:db8::2
	[[ $output == *"2001:db8::2 answers: echo reply after "* ]]
	path 0 cc '[2001:db8::2]'
	path 1 cc '[2001:db8::2]:81'
	died 2001:db8::2 "nobody listens on port 81"
	on_host nft 'add table inet other; add chain inet other fw { type filter hook forward priority 10; }
		add rule inet other fw ip6 daddr 2001:db8::2 tcp dport 82 drop
		add rule inet other fw ip6 saddr 2001:db8::2 icmpv6 type echo-reply drop'
	path 1 cc '[2001:db8::2]:82'
	died up0 "dropped by chain fw of table inet other, rule handle "
	path 1 cc 2001:db8::2
	died "$bridge" "dropped by chain fw of table inet other, rule handle "
	on_host nft delete table inet other
	path 1 cc 2001:db8::77
	died up0 "nobody answers to 2001:db8::77 on up0 (neighbour discovery)"
	outside nft 'add table ip6 t; add chain ip6 t in { type filter hook input priority 0; }
		add rule ip6 t in tcp dport 83 drop; add rule ip6 t in tcp dport 84 reject with icmpv6 type admin-prohibited'
	path 1 cc '[2001:db8::2]:83'
	died up0 "no answer from 2001:db8::2"
	path 1 cc '[2001:db8::2]:84'
	died 2001:db8::2 "it is forbidden (filtered)"
	on_host ip link set up0 mtu 1400
	path 1 --size 1450 cc 2001:db8::2
	died fd00:1::1 "larger than the MTU of its next link, 1400"
	path 0 --size 1400 cc 2001:db8::2
	on_host sysctl -qw net.ipv6.conf.all.forwarding=0
	path 1 cc 2001:db8::2
	[[ $output == *"net.ipv6.conf.all.forwarding is 0"* ]]
	path 125 cc '[2001:db8::2]x:7'
}

@test "network bench: the kinds of networks side by side, in namespaces of its own" {
	run -0 hull network bench --json
	python3 -c 'import json, sys
ways = json.load(sys.stdin)
assert [w["Way"].split()[0] for w in ways] == ["loopback", "veth", "bridge,", "published", "macvlan", "ipvlan"], ways
assert all(w["RoundTripMicroseconds"] > 0 and w["Gbits"] > 0 for w in ways[:5]), ways' <<<"$output"
	run -0 on_host sh -c 'ls /sys/class/net; nft list tables'
	[[ $output != *bench* ]]
}

# A container with a published port, one that asks, and a server outside that the second may ask.
two_and_a_server_outside() {
	hull network create one
	serve web --network one -p 8080:80
	hull run -d --name cc --network one test sleep 1000
	outside busybox nc -ll -p 7 -e /bin/true &
	started_by_test $!
	wait_for 10 listening "$OUTSIDE" 0007
}

# What ufw and firewalld put there, as far as it judges packets of containers: in their order, with their names.
@test "beside ufw: what docs/network.md says lets containers out, published ports in, and names be answered" {
	command -v iptables-nft-restore >/dev/null || skip "needs iptables"
	two_and_a_server_outside
	run -0 hull exec cc nslookup web
	on_host iptables-nft-restore <<-'E'
		*filter
		:INPUT DROP
		:FORWARD DROP
		:ufw-before-input -
		:ufw-before-forward -
		:ufw-user-input -
		:ufw-user-forward -
		-A INPUT -j ufw-before-input
		-A FORWARD -j ufw-before-forward
		-A ufw-before-input -i lo -j ACCEPT
		-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
		-A ufw-before-input -m addrtype ! --dst-type LOCAL -j DROP
		-A ufw-before-input -j ufw-user-input
		-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A ufw-before-forward -j ufw-user-forward
		COMMIT
	E
	path 1 cc 203.0.113.2:7
	died up0 "dropped by the policy of chain FORWARD of table ip filter"
	run ! ask_in_vain outside 203.0.113.1
	run ! hull exec cc timeout 3 nslookup web
	# ufw route allow in on br-+; ufw route allow out on br-+; ufw allow in on br-+
	on_host iptables-nft -A ufw-user-forward -i br-+ -j ACCEPT
	path 0 cc 203.0.113.2:7
	run ! ask_in_vain outside 203.0.113.1
	on_host iptables-nft -A ufw-user-forward -o br-+ -j ACCEPT
	run -0 ask outside 203.0.113.1
	assert_equal "peer 027100CB" "$output"
	on_host iptables-nft -A ufw-user-input -i br-+ -j ACCEPT
	run -0 hull exec cc nslookup web
	# Not more than that: who is not published is not reached.
	run ! ask_in_vain outside "$(field web '{{.NetworkSettings.Networks.one.IPAddress}}')" 80
	run -0 hull system check
}

@test "beside firewalld: published ports and names need nothing, the way out what docs/network.md says" {
	two_and_a_server_outside
	on_host nft -f - <<-'E'
		table inet firewalld {
			chain zone_public { reject with icmpx type admin-prohibited; }
			chain zone_trusted { accept; }
			chain zones { iifname "up0" goto zone_public; goto zone_public; }
			chain common {
				ct state { established, related } accept
				ct status dnat accept
				iifname "lo" accept
				ct state invalid drop
				jump zones
				reject with icmpx type admin-prohibited
			}
			chain filter_INPUT { type filter hook input priority filter + 10; jump common; }
			chain filter_FORWARD { type filter hook forward priority filter + 10; jump common; }
		}
	E
	run -0 ask outside 203.0.113.1
	assert_equal "peer 027100CB" "$output"
	run -0 hull exec cc nslookup web
	path 1 cc 203.0.113.2:7
	died up0 "rejected by chain zone_public of table inet firewalld, rule handle "
	# firewall-cmd --zone=trusted --add-interface=br-+
	on_host nft insert rule inet firewalld zones iifname '"br-*"' goto zone_trusted
	path 0 cc 203.0.113.2:7
	run ! ask_in_vain outside "$(field web '{{.NetworkSettings.Networks.one.IPAddress}}')" 80
	run -0 hull system check
}
