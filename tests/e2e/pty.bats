#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The box's own terminal. terminal.py plays the person at the keyboard.

load helpers

play()
{
	need_python
	run -0 /usr/bin/python3 "$HERE/terminal.py" "$@"
	echo "$output"
}

# bats test_tags=quick
@test "on a terminal the box gets one of its own, which is its controlling terminal" {
	play "" "$HOLM" box -- sh -c 'tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; ps -o tty= -p $$; echo x >/dev/tty; ls -C /dev/pts'
	[ "$output" = $'/dev/pts/0\nall\npts/0\nx\n0  ptmx\nexit 0' ]
}

# bats test_tags=quick
@test "without one it gets none, and /dev/tty leads nowhere" {
	run -0 "$HOLM" box -- sh -c 'tty; echo x >/dev/tty || echo none' </dev/null
	[[ $output == "not a tty"*none ]]
	play "" "$HOLM" box --pty no -- sh -c 'echo x >/dev/tty || echo none'
	[[ $output == *none* ]]
}

# bats test_tags=quick
@test "option --pty yes makes one even then" {
	run -0 "$HOLM" box --pty yes -- sh -c 'tty; stty size' </dev/null
	[ "$(tr -d '\r' <<<"$output")" = $'/dev/pts/0\n24 80' ]
}

# bats test_tags=quick
@test "input, output and the exit code" {
	play 'send hello\n
expect got hello' "$HOLM" box -- sh -c 'read -r x; echo "got $x"; exit 7'
	[[ $output == *"got hello"*"exit 7" ]]
	play "" "$HOLM" box -- sh -c 'seq 20000; exit 3'
	[ "$(grep -c '^[0-9]*$' <<<"$output")" = 20000 ]
	[[ $output == *$'\n20000\nexit 3' ]]
}

# bats test_tags=quick
@test "the window's size, and its changes" {
	play 'expect 30 90
expect up
resize 40 100
expect 40 100
expect changed' "$HOLM" box -- sh -c 'stty size; trap "stty size; echo changed; exit 0" WINCH; echo up
		while :; do sleep 0.05; done'
	[[ $output == *"exit 0" ]]
}

# bats test_tags=quick
@test "^C reaches the command, not holm; ^Z does not stop holm" {
	play 'expect up
send \x03
expect interrupted' "$HOLM" box -- sh -c 'trap "echo interrupted; exit 5" INT; echo up; while :; do sleep 0.05; done'
	[[ $output == *"exit 5" ]]
	play 'expect up
send \x03' "$HOLM" box -- sh -c 'echo up; exec sleep 1000'
	[[ $output == *"exit 130" ]]
	play 'expect up
send \x1c' "$HOLM" box -- sh -c 'echo up; exec sleep 1000'
	[[ $output == *"exit 131" ]]
}

# bats test_tags=quick
@test "^D is the end of the input" {
	play 'expect up
send line\n
expect line
send \x04
expect end' "$HOLM" box -- sh -c 'echo up; cat; echo end'
	[[ $output == *"exit 0" ]]
}

# bats test_tags=quick
@test "the caller's terminal is as it was, however the box ends" {
	# shellcheck disable=SC2016
	for end in 'exit 0' 'kill -9 $$' 'stty raw -echo; exit 0' 'kill -TERM $$'; do
		play 'expect same' sh -c 'a=$(stty -g); "$0" box -- sh -c "$1"; [ "$a" = "$(stty -g)" ] && echo same' "$HOLM" "$end"
	done
	# When holm fails, too.
	play 'expect same' sh -c 'a=$(stty -g); "$0" box --bind /none:/x -- true; [ "$a" = "$(stty -g)" ] && echo same' "$HOLM"
	play 'expect same' sh -c 'a=$(stty -g); "$0" box -- no-such; [ "$a" = "$(stty -g)" ] && echo same' "$HOLM"
}

@test "holm ended by SIGTERM restores the terminal" {
	# shellcheck disable=SC2016
	play 'expect same' sh -c 'a=$(stty -g); "$0" box -- sleep 1000 & p=$!
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			[ "$a" != "$(stty -g)" ] && break; sleep 0.1; done
		kill $p; wait $p; echo "code $?"; [ "$a" = "$(stty -g)" ] && echo same' "$HOLM"
	[[ $output == *"code 143"* ]]
}

@test "the standard input is a file, the output a terminal" {
	echo "from a file" >"$T/f"
	# shellcheck disable=SC2016
	play 'expect from a file' sh -c '"$0" box -- sh -c "cat; [ -t 1 ] && echo terminal; [ -t 0 ] || echo file" <"$1"' "$HOLM" "$T/f"
	[[ $output == *"from a file"*terminal*file* ]]
}

@test "the standard output is a file, the input a terminal" {
	# shellcheck disable=SC2016
	play 'send typed\n
expect exit' sh -c '"$0" box -- sh -c "read -r x; echo read \$x" >"$1"; echo exit' "$HOLM" "$T/f"
	[ "$(cat "$T/f")" = "read typed" ]
}

# bats test_tags=quick
@test "bash on a terminal: prompt, job control, history" {
	[ -x /bin/bash ] || skip "needs bash"
	play 'expect bash-
send sleep 1000 &\n
expect [1]
send jobs\n
expect Running
send kill %1; wait; tty\n
expect /dev/pts/0
send exit 9\n' "$HOLM" box -- bash --norc
	[[ $output != *"no job control"* && $output != *"cannot set terminal"* ]]
	[[ $output == *"exit 9" ]]
}

@test "bytes of every kind pass in both directions" {
	head -c 200000 /dev/urandom | base64 -w 60 >"$T/data"
	# shellcheck disable=SC2016
	play "" sh -c '"$0" box --ro-bind "$1:/data" -- cat /data' "$HOLM" "$T/data"
	[ "$(head -n -1 <<<"$output" | md5sum)" = "$(md5sum <"$T/data")" ]
}

@test "with --as-pid1 too" {
	play 'send hello\n
expect got hello' "$HOLM" box --as-pid1 -- sh -c 'tty; read -r x; echo "got $x"; exit 7'
	[[ $output == *"exit 7" ]]
	[[ $output == *"/dev/pts/0"* ]]
}

@test "keys cannot be put into the caller's terminal" {
	# shellcheck disable=SC2016
	play 'expect end' sh -c '"$0" box --seccomp none -- /usr/bin/python3 -c "
import fcntl, termios
for c in b\"injected\n\":
    fcntl.ioctl(0, termios.TIOCSTI, bytes([c]))
" ; IFS= read -r -t 1 x 2>/dev/null; echo "read: $x"; echo end' "$HOLM"
	[[ $output != *"read: injected"* ]]
}
