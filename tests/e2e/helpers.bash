# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the end-to-end tests share. A bats file loads this and gets, without a word more:
#
#	$HOLM	the program under test, which an ordinary user can execute
#	$T	a directory of the test's own that an ordinary user can enter
#
# and after every test the proof that nothing is left: no process of ours, mount or file.

bats_require_minimum_version 1.5.0

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HOLM=${HOLM:-$HERE/../../build/holm}
export PYTHONDONTWRITEBYTECODE=1 # nobody's __pycache__ in the source tree

make_file_dir()
{
	FILE_DIR=$(mktemp -d /tmp/holm-test.XXXXXX)
	# An id that nobody has: what an ordinary user may do, and root may not either.
	USER_ID=$((50000 + BASHPID % 10000))
	chmod 755 "$FILE_DIR"
	if ! as_user test -x "$HOLM"; then
		cp "$HOLM" "$(dirname "$HOLM")/holm-egress" "$FILE_DIR/"
		chmod 755 "$FILE_DIR/holm" "$FILE_DIR/holm-egress"
		HOLM=$FILE_DIR/holm
	fi
	export FILE_DIR USER_ID HOLM
}

setup_file()
{
	make_file_dir
}

teardown_file()
{
	rm -rf "$FILE_DIR"
}

setup()
{
	begin_test
}

teardown()
{
	end_test
}

begin_test()
{
	exec </dev/null
	STARTED=()
	T=$(mktemp -d "$FILE_DIR/test.XXXXXX")
	chmod 755 "$T"
	cd "$T" || return 1
	traces | sort >"$FILE_DIR/before"
}

end_test()
{
	end_started
	cd /
	all_of assert_nothing_left remove_directory
}

end_started()
{
	local pid

	for pid in "${STARTED[@]}"; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	STARTED=()
}

remove_directory()
{
	rm -rf "$T"
}

# all_of FUNCTION...: calls every one, whatever the others say, and fails if one did. Of a teardown bats
# looks at nothing but what its last command says.
all_of()
{
	local function code=0

	for function in "$@"; do
		"$function" || {
			echo "$function: failed"
			code=1
		}
	done
	return $code
}

# ---- who ----

is_root()
{
	[ "$(id -u)" = 0 ]
}

need_root()
{
	is_root || skip "needs root"
}

# need PROGRAM...: on the machine, not inside the box
need()
{
	local program

	for program in "$@"; do
		command -v "$program" >/dev/null || skip "needs $program"
	done
}

# The box shows /usr, so a Python of some other place is of no use.
need_python()
{
	[ -x /usr/bin/python3 ] || skip "needs /usr/bin/python3"
}

# as_user COMMAND...: as somebody without any right. An array for where a function cannot stand.
as_user_words()
{
	AS_USER=()
	! is_root || AS_USER=(setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups --)
}

as_user()
{
	as_user_words
	"${AS_USER[@]}" "$@"
}

# The id that as_user gives.
user_id()
{
	if is_root; then echo "$USER_ID"; else id -u; fi
}

# user_dir NAME: a directory below $T that belongs to the ordinary user
user_dir()
{
	mkdir -p "$T/$1"
	! is_root || chown "$USER_ID:$USER_ID" "$T/$1"
	echo "$T/$1"
}

# ---- what is left ----

# Everything that a box could leave: processes of this test's session, mounts, files. Other tests
# run beside this one, so what cannot be told apart by session is told by name.
traces()
{
	# pid (comm) state ppid pgrp session
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v session="$(cut -d ' ' -f 6 /proc/$$/stat)" \
		'($2 == "(holm)" || $2 == "(holm-init)" || $2 == "(holm-egress)") && $6 == session {print $1, $2}' || :
	cut -d ' ' -f 3- /proc/self/mountinfo | grep -F "$FILE_DIR" || :
	cut -d ' ' -f 3- /proc/self/mountinfo | grep -Ev ' /tmp/holm-(test|fault)\.| /run/holm/ns rw' || :
	find /tmp /run /dev/shm /var/tmp -maxdepth 1 -name '*holm*' ! -name 'holm-test.*' ! -name 'holm-fault.*' \
		! -path '/run/holm*' -user "$(id -u)" -mmin -1 2>/dev/null || :
	ls /dev/mqueue 2>/dev/null || :
}

# What is there that was not before the test. What other tests have comes and goes: only what is there
# every time that this looks is ours.
nothing_left()
{
	traces | sort | comm -13 "$FILE_DIR/before" - >"$FILE_DIR/now"
	[ -e "$FILE_DIR/left" ] || cp "$FILE_DIR/now" "$FILE_DIR/left"
	comm -12 "$FILE_DIR/left" "$FILE_DIR/now" >"$FILE_DIR/still"
	mv "$FILE_DIR/still" "$FILE_DIR/left"
	[ ! -s "$FILE_DIR/left" ]
}

assert_nothing_left()
{
	rm -f "$FILE_DIR/left"
	eventually nothing_left || {
		echo "left behind:"
		cat "$FILE_DIR/left"
		return 1
	}
}

# ---- waiting ----

# eventually COMMAND...: again and again until it succeeds, for ten seconds
eventually()
{
	local i

	for ((i = 0; i < 400; i++)); do
		"$@" && return 0
		sleep 0.025
	done
	echo "in vain: $*"
	return 1
}

# gone PID: it has ended, even if nobody has waited for it yet
gone()
{
	[ ! -e "/proc/$1/status" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# not COMMAND...: a bare `!` does not fail a test
not()
{
	! "$@"
}

has_line()
{
	grep -qx -- "$2" "$1" 2>/dev/null
}

# ---- boxes ----

# start_box OPTION... -- COMMAND...: returns when the command runs. BOX is holm's pid, INIT and MAIN
# are those of the box's processes as seen from here; $T/out, $T/err and $T/status get what is said.
# PREFIX are words before holm (as_user_words). Several boxes: NAME=x makes the files $T/x.out ...
start_box()
{
	local name=${NAME:+$NAME.} word=

	mkfifo "$T/${name}ready"
	# A shell's background jobs ignore SIGINT and SIGQUIT, and that would be handed on.
	"${PREFIX[@]}" env --default-signal "$HOLM" box --ready-fd 9 --info-fd 8 --status-fd 7 "$@" \
		<"${STDIN:-/dev/null}" >"$T/${name}out" 2>"$T/${name}err" 3>&- \
		9>"$T/${name}ready" 8>"$T/${name}info" 7>"$T/${name}status" &
	BOX=$!
	STARTED+=("$BOX")
	read -r -t 20 word <"$T/${name}ready" || :
	rm "$T/${name}ready"
	if [ "$word" != ready ]; then
		echo "the box did not start:"
		cat "$T/${name}err"
		return 1
	fi
	INIT=$(jq '."init-pid"' "$T/${name}info")
	# shellcheck disable=SC2034 # the tests read it
	MAIN=$(jq '."main-pid" // empty' "$T/${name}info")
}

# end_box [SIGNAL]: sends it to holm and waits. STATUS is its exit code.
end_box()
{
	kill "-${1:-TERM}" "$BOX" 2>/dev/null || :
	wait_box
}

wait_box()
{
	STATUS=0
	eventually gone "$BOX" || return 1
	wait "$BOX" || STATUS=$?
}

# events [NAME]: the names of the events on the status channel, in order
events()
{
	jq -r '.event' "$T/${1:+$1.}status"
}

ns_of()
{
	readlink "/proc/$1/ns/$2"
}

# The processes below PID, deepest last.
descendants()
{
	local child

	# shellcheck disable=SC2013 # words, not lines
	for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		echo "$child"
		descendants "$child"
	done
}

# refused CODE TEXT ARG...: `holm box ARG...` ends with CODE, says one line that holds TEXT, and
# starts nothing.
refused()
{
	local code=$1 text=$2

	shift 2
	run "-$code" --separate-stderr "${PREFIX[@]}" "$HOLM" box "$@"
	echo "it said: $stderr"
	[ "$output" = "" ]
	# shellcheck disable=SC2154 # bats sets it
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == "holm: "* ]]
	[[ $stderr == *"$text"* ]]
}
