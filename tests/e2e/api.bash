# SPDX-License-Identifier: Apache-2.0
# What the cases of hulld share: one at a socket in $WORK, and clients of it.

SOCKET=/nowhere

api_setup() {
	hull_setup
	SOCKET=$WORK/api.sock
	export DOCKER_HOST=unix://$SOCKET DOCKER_CONFIG=$WORK/docker
	serve
}

# serve [OPTION...]: a new hulld; HULLD is its pid.
serve() {
	"$HULL_BIN_DIR/hulld" --host "unix://$SOCKET" "$@" 3>&- >"$WORK/hulld.log" 2>&1 &
	HULLD=$!
	started_by_test $HULLD
	wait_for 5 api GET /_ping
}

# serve_page [OPTION...]: in a network namespace of its own, with the page at PAGE, which on_page COMMAND... can reach.
PAGE=127.0.0.1:8088
serve_page() {
	unshare -n sh -c 'ip link set lo up && exec "$@"' sh \
		"$HULL_BIN_DIR/hulld" --host "unix://$SOCKET" --page "$PAGE" "$@" 3>&- >"$WORK/hulld.log" 2>&1 &
	HULLD=$!
	started_by_test $HULLD
	wait_for 5 api GET /_ping
}
on_page() {
	nsenter -n -t "$HULLD" "$@" 3>&-
}

api_teardown() {
	kill "$HULLD" 2>/dev/null && wait "$HULLD" 2>/dev/null
	hull_teardown
}

need_docker() {
	command -v docker >/dev/null || skip "no docker client here"
}

# api METHOD PATH [JSON]: the body; the status is in $WORK/status.
api() {
	local args=(-s --unix-socket "$SOCKET" -X "$1" -o "$WORK/body" -w '%{http_code}')
	[ "$1" != HEAD ] || args+=(-I)
	[ $# -lt 3 ] || args+=(-H 'Content-Type: application/json' -d "$3")
	curl "${args[@]}" "http://hull$2" >"$WORK/status" 3>&- || return 1
	cat "$WORK/body"
}

# answers STATUS METHOD PATH [JSON]: the body, and it was that status.
answers() {
	local want=$1
	shift
	api "$@" && assert_equal "$want" "$(cat "$WORK/status")"
}

docker() {
	timeout 60 "$(type -P docker)" "$@" 3>&-
}

# The same in a network namespace made for the case, where hull makes bridges.
api_namespace_setup() {
	unset HULL_NETWORK
	unshare -n sleep 1000 3>&- &
	HOST=$!
	disown
	wait_for 10 eval '[ "$(readlink /proc/$HOST/ns/net)" != "$(readlink /proc/self/ns/net)" ]'
	hull() { nsenter -n -t "$HOST" "$HULL" "$@" 3>&-; }
	hull_setup
	SOCKET=$WORK/api.sock
	export DOCKER_HOST=unix://$SOCKET DOCKER_CONFIG=$WORK/docker DOCKER_BUILDKIT=0
	nsenter -n -t "$HOST" "$HULL_BIN_DIR/hulld" --host "unix://$SOCKET" 3>&- >"$WORK/hulld.log" 2>&1 &
	HULLD=$!
	started_by_test $HULLD
	wait_for 5 api GET /_ping
}

api_namespace_teardown() {
	local failed=0 pid ns
	[ -n "${HOST-}" ] || return 0
	kill "$HULLD" 2>/dev/null
	hull_teardown || failed=1
	ns=$(readlink "/proc/$HOST/ns/net")
	for pid in /proc/[0-9]*; do
		[ "$(readlink "$pid/ns/net" 2>/dev/null)" != "$ns" ] || kill -KILL "${pid#/proc/}" 2>/dev/null
	done
	return $failed
}

compose() {
	timeout 100 docker-compose --no-ansi "$@" 3>&-
}
