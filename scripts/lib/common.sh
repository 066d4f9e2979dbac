# SPDX-License-Identifier: Apache-2.0
# Shared by the programs in scripts/: where the project lies, how they speak, how they give up.
# Sourced by bash after `set -u`; changes the folder to the project's top.

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
cd "$PROJECT" || exit 1
PROGRAM=${0##*/}
export LC_ALL=C.UTF-8

say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }

die() {
	say "$*"
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The comment block below the first line of the calling program, as its help.
usage() {
	sed -n '3,/^$/s/^# \{0,1\}//p' "$PROJECT/scripts/$PROGRAM"
	exit "${1:-0}"
}

# Give $2 the content of program $1 by a hard link where that works: the folder of the running
# program is where hull looks for the others, and a symbolic link would lead it astray.
place() {
	[ "$1" -ef "$2" ] && return 0
	ln -f "$1" "$2.new" 2>/dev/null || cp "$1" "$2.new" || return 1
	mv -f "$2.new" "$2"
}

# Every command that build/bin/hull has a manual page of, a line each: "run", "volume",
# "volume create".
documented_commands() {
	local name verb
	build/bin/hull __complete -- man '' | cut -f 1 | while read -r name; do
		echo "$name"
		build/bin/hull help "$name" | grep -q "^Usage:  hull $name COMMAND" || continue
		build/bin/hull __complete -- "$name" '' | cut -f 1 | while read -r verb; do
			echo "$name $verb"
		done
	done
}
