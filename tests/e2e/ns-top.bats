#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# holm ns top, on a terminal.

load helpers

setup_file()
{
	make_file_dir
	# What ncurses keeps to its end is no leak of ours.
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	export TOP=${HOLM_BUILD:-$HERE/../../build}/holm-top
}

# play SCRIPT ARG...: holm-top on a terminal of 24 rows and 80 columns
play()
{
	local script=$1

	shift
	[ -x "$TOP" ] || skip "needs holm-top (ncurses)"
	need_python
	run -0 timeout 60 env TERM="${TERMINAL:-xterm-256color}" /usr/bin/python3 "$HERE/terminal.py" "resize 24 80
$script" "$TOP" "$@"
}

# A process that can be told from all others.
lone_sleeper()
{
	unshare -Ur --uts sleep 57 &
	STARTED+=($!)
	moved() { uts=$(stat -Lc %i "/proc/${STARTED[0]}/ns/uts") && [ "$uts" != "$(stat -Lc %i /proc/self/ns/uts)" ]; }
	eventually moved
}

@test "namespaces, one of them opened, sorted, another type, the end" {
	play 'expect holm top
expect pid:[
expect q quit
send s\x0c
expect by memory
send t\x0c
expect holm top
expect net
send q' --delay 30
	[[ $output == *"exit 0" ]]
}

@test "filter, open, back" {
	lone_sleeper
	play "expect holm top
send /
expect filter:
send $uts\\r\\x0c
expect holm top
expect uts:[$uts]
send \\r\\x0c
expect 1 processes in it
expect sleep 57
send \\x1b
expect uts:[
send q" --type uts --delay 30
	[[ $output == *"exit 0" ]]
}

@test "a signal is sent after a question, and by Escape none" {
	lone_sleeper
	play "expect holm top
send /
expect filter:
send $uts\\r\\x0c
expect holm top
expect uts:[$uts]
send k
expect signal to process ${STARTED[0]}
send \\x1b\\x0c
expect q quit
send q" --type uts --delay 30
	kill -0 "${STARTED[0]}"
	play "expect holm top
send /
expect filter:
send $uts\\r\\x0c
expect holm top
expect uts:[$uts]
send k
expect signal to process ${STARTED[0]}
send \\r
expect sent to
send q" --type uts --delay 30
	wait "${STARTED[0]}" || [ $? = 143 ]
}

# In a pid namespace of its own, where the next pid can be chosen.
@test "a pid that is another's by now is neither signalled nor entered" {
	need_root
	[ -x "$TOP" ] || skip "needs holm-top (ncurses)"
	need_python
	local key
	cat >other <<-'END'
		kill -KILL 500
		while [ -e /proc/500 ]; do sleep 0.05; done
		echo 499 >/proc/sys/kernel/ns_last_pid
		unshare --uts sleep 58 &
		[ "$!" = 500 ]
	END
	cat >inside <<-'END'
		echo 499 >/proc/sys/kernel/ns_last_pid
		unshare --uts sleep 57 &
		[ "$!" = 500 ] || exit 3
		until [ "$(readlink /proc/500/ns/uts)" != "$(readlink /proc/1/ns/uts)" ]; do :; done
		/usr/bin/python3 "$1" "resize 24 80
		expect holm top
		send /
		expect filter:
		send $(stat -Lc %i /proc/500/ns/uts)\\r\\x0c
		expect holm top
		expect sleep 57
		run . ./other
		send $2
		expect process 500 has ended
		send q" "$3" --type uts --delay 30 --holm "$HOLM" && kill -0 500
	END
	for key in k e; do
		run -0 timeout 60 env TERM=xterm-256color unshare --pid --fork --kill-child --mount-proc \
			sh "$T/inside" "$HERE/terminal.py" "$key" "$TOP"
	done
}

@test "other sizes: nothing is lost but what does not fit" {
	play 'expect q quit
resize 10 40
send \x0c
expect holm top
resize 3 20
send \x0c
expect holm top
resize 50 200
send \x0c
expect COMMAND
expect q quit
send q' --delay 30
	[[ $output == *"exit 0" ]]
}

@test "without colours: by the terminal, or by NO_COLOR" {
	TERMINAL=vt100 play 'expect q quit
send q' --delay 30
	[[ ! $output =~ $'\e'\[[0-9\;]*3[0-7]m ]]
	NO_COLOR=1 play 'expect q quit
send q' --delay 30
	[[ ! $output =~ $'\e'\[[0-9\;]*3[0-7]m ]]
	play 'expect q quit
send q' --delay 30
	[[ $output =~ $'\e'\[[0-9\;]*36m ]]
}

@test "enter leads to holm ns enter, and back" {
	lone_sleeper
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho "went: $1 $2 $3 $(sed -n s/Pid:.//p /proc/self/fdinfo/$4)" >"%s/went"\n' "$T" >"$T/fake"
	chmod +x "$T/fake"
	play "expect holm top
send /
expect filter:
send $uts\\r\\x0c
expect holm top
expect uts:[$uts]
send e
expect holm top
send q" --type uts --delay 30 --holm "$T/fake"
	[ "$(cat "$T/went")" = "went: ns enter --pidfd ${STARTED[0]}" ]
}

@test "no terminal, no such terminal, wrong words" {
	[ -x "$TOP" ] || skip "needs holm-top (ncurses)"
	run -125 "$HOLM" ns top
	[[ $output == *"ns top: needs "* ]]
	TERMINAL=no-such-terminal play ''
	[[ $output == *"there is no such terminal: TERM=no-such-terminal"*"exit 125" ]]
	run -125 "$TOP" --type colour
	run -125 "$TOP" --delay 0
	run -125 "$TOP" --nope 1
}
