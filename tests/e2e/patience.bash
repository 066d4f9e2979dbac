# SPDX-License-Identifier: Apache-2.0
# Time on slow machines. HULL_TEST_PATIENCE (default 1) is how many times slower than an ordinary one this
# machine may be: a kernel under emulation, a busy host. It lengthens how long is waited, and bounds on how
# long something may take; never what is expected. A limit is there so that a case that fails comes to an
# end: none is shorter than a minute, for a machine may stand still for seconds.

PATIENCE=${HULL_TEST_PATIENCE:-1}

# patience SECONDS: how many to wait
patience() {
	local seconds=$(($1 * PATIENCE))
	echo $((seconds < 60 ? 60 : seconds))
}

# within SECONDS COMMAND...: status 124 if it does not end by itself in that time.
within() {
	timeout "$(patience "$1")" "${@:2}"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $(patience "$1")))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -le "$end" ] || {
			echo "never true: $*" >&2
			return 1
		}
		sleep 0.02
	done
}

# quick MS LIMIT [SLEPT]: it took less than LIMIT, of which the program sleeps SLEPT on purpose.
quick() {
	local slept=${3:-0}
	[ "$1" -lt $((slept + ($2 - slept) * PATIENCE)) ] || {
		echo "took $1 ms" >&2
		return 1
	}
}

# ms MS: that time, as sleep(1) takes it.
ms() {
	printf '%d.%03d' $(($1 * PATIENCE / 1000)) $(($1 * PATIENCE % 1000))
}

# nap MS: let time pass for another process, where there is nothing to wait for.
nap() {
	sleep "$(ms "$1")"
}
