# SPDX-License-Identifier: Apache-2.0
# A world for tests of networks: $HOST, a network namespace that is "the host" to hull, and $OUTSIDE behind its
# device up0 (203.0.113.1 there, 203.0.113.2 outside). No packet leaves the machine.

setup() {
	unset HULL_NETWORK
	unshare -n sleep 1000 3>&- &
	HOST=$!
	disown
	wait_for 10 in_own_namespace $HOST
	hull_setup
	unshare -n sleep 1000 3>&- &
	OUTSIDE=$!
	disown
	wait_for 10 in_own_namespace $OUTSIDE
	# A new namespace has what the machine has set for itself.
	nsenter -n -t $HOST sh -e -c "echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
		ip link set lo up; ip link add up0 type veth peer name eth0 netns $OUTSIDE
		ip addr add 203.0.113.1/24 dev up0; ip -6 addr add 2001:db8::1/64 dev up0 nodad; ip link set up0 up"
	nsenter -n -t $OUTSIDE sh -e -c "ip link set lo up; ip addr add 203.0.113.2/24 dev eth0
		ip -6 addr add 2001:db8::2/64 dev eth0 nodad; ip link set eth0 up
		ip route add default via 203.0.113.1; ip -6 route add default via 2001:db8::1"
	# What a server of ours says: the address that its client came by, as the kernel writes it.
	cat >"$WORK/peer" <<-'EOF'
		#!/bin/sh
		cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "01" || $4 == "08" { n = length($3); print "peer " substr($3, n - 12, 8) }'
	EOF
	chmod 755 "$WORK/peer"
}

teardown() {
	local failed=0
	hull_teardown || failed=1
	# With them whatever a function started in the background there: $! is the shell around it.
	local pid ns
	for ns in "$HOST" "$OUTSIDE"; do
		in_own_namespace "$ns" || continue
		ns=$(readlink "/proc/$ns/ns/net") || continue
		for pid in /proc/[0-9]*; do
			[ "$(readlink "$pid/ns/net" 2>/dev/null)" != "$ns" ] || kill -KILL "${pid#/proc/}" 2>/dev/null
		done
	done
	return $failed
}

in_own_namespace() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# listening PID PORT: somebody, in that namespace; the port in hexadecimal digits.
listening() {
	nsenter -n -t "$1" cat /proc/net/tcp /proc/net/tcp6 | grep -q ":$2 .* 0A "
}

hull() {
	nsenter -n -t $HOST "$HULL" "$@" 3>&-
}
on_host() {
	nsenter -n -t $HOST "$@" 3>&-
}
outside() {
	nsenter -n -t $OUTSIDE "$@" 3>&-
}
table() {
	on_host nft list tables | sed -n 's/table inet //p'
}
# serve NAME OPTIONS...: a container whose port 80 tells each client by which address it came.
serve() {
	local name=$1
	shift
	hull run -d --name "$name" -v "$WORK/peer:/peer" "$@" test nc -ll -p 80 -e /peer >/dev/null &&
		wait_for 10 hull exec "$name" sh -c 'grep -q ":0050 .* 0A " /proc/net/tcp /proc/net/tcp6'
}
# ask WHERE ADDRESS [PORT]: what such a container answers, a busy one late.
ask() {
	"$1" timeout 60 busybox nc -w 30 "$2" "${3:-8080}" </dev/null
}
# The same where nobody is to answer.
ask_in_vain() {
	"$1" timeout 5 busybox nc -w 2 "$2" "${3:-8080}" </dev/null
}
field() {
	hull inspect -f "$2" "$1"
}
