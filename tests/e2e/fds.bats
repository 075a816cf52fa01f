#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Descriptors: which reach the command, and the channels by which holm tells what happens.

load helpers

# What the command has open besides 0, 1 and 2 (3 is the directory that ls reads).
open_inside()
{
	run -0 "$HOLM" box "$@" -- sh -c 'exec ls /proc/self/fd'
	echo "$output" | tr '\n' ' '
}

# bats test_tags=quick
@test "only standard input, output and error are open" {
	exec 5<"$HERE/helpers.bash" 6>"$T/file" 200</dev/null
	[ "$(open_inside)" = "0 1 2 3 " ]
	[ "$(open_inside --as-pid1)" = "0 1 2 3 " ]
	[ "$(open_inside --status-fd 6 --sync-fd 5)" = "0 1 2 3 " ]
	[ "$(open_inside --service a=true)" = "0 1 2 3 " ]
	[ "$(open_inside --seccomp none --share user,mnt,pid,net)" = "0 1 2 3 " ]
}

# bats test_tags=quick
@test "option --keep-fd: those and no others, and they can be used" {
	echo content >"$T/file"
	exec 5<"$T/file" 6>"$T/out" 7</dev/null
	[ "$(open_inside --keep-fd 5 --keep-fd 6)" = "0 1 2 3 5 6 " ]
	run -0 "$HOLM" box --keep-fd 5 --keep-fd 6 -- sh -c 'cat <&5 >&6; [ ! -e /proc/self/fd/7 ]'
	[ "$(cat "$T/out")" = content ]
}

# bats test_tags=quick
@test "option --keep-fd: what is not open is refused, and nothing of holm's own stands in for it" {
	for fd in 3 4 5 6 7 8 9 10 20; do
		run -125 bash -c 'eval "exec $1<&-"; exec "$2" box --keep-fd "$1" -- ls -l /proc/self/fd' bash "$fd" "$HOLM"
		[ "$output" = "holm: keep-fd: descriptor $fd is not open" ]
	done
}

@test "services and init get no kept descriptor that is not theirs" {
	exec 6>"$T/file"
	start_box --status-fd 6 --service 'a=ls /proc/self/fd | tr "\n" " " >/run/a; echo >/run/done; exec sleep 1000' -- \
		sh -c 'until [ -e /run/done ]; do sleep 0.05; done; cat /run/a; echo; exec sleep 1000'
	exec 6>&-
	eventually test -s "$T/out"
	[ "$(head -1 "$T/out")" = "0 1 2 3 " ]
	ls -l "/proc/$INIT/fd"
	[[ $(readlink "/proc/$INIT/fd"/*) != *"$T/file"* ]]
	end_box
}

# bats test_tags=quick
@test "option --info-fd: one line of JSON that is true" {
	start_box --hostname x -- sleep 1000
	[ "$(wc -l <"$T/info")" = 1 ]
	[ "$(jq '."main-pid-inside"' "$T/info")" = 2 ]
	[ "$(awk '/^NSpid/ {print $3}' "/proc/$MAIN/status")" = 2 ]
	[ "$(awk '/^NSpid/ {print $3}' "/proc/$INIT/status")" = 1 ]
	[ "$(awk '/^PPid/ {print $2}' "/proc/$INIT/status")" = "$BOX" ]
	[ "$(cat "/proc/$MAIN/comm")" = sleep ]
	[ "$(jq '.namespaces | length' "$T/info")" = 8 ]
	end_box
}

# bats test_tags=quick
@test "option --status-fd: started and ended, with the exit code or the signal" {
	run -5 "$HOLM" box --status-fd 7 -- sh -c 'exit 5' 7>"$T/status"
	[ "$(events | tr '\n' ' ')" = "started ended " ]
	[ "$(jq -c 'select(.event == "ended") | [."exit-code", .signal, .reaped]' "$T/status")" = "[5,null,0]" ]
	run -137 "$HOLM" box --status-fd 7 -- sh -c 'kill -9 $$' 7>"$T/status"
	[ "$(jq -c 'select(.event == "ended") | [."exit-code", .signal]' "$T/status")" = "[null,9]" ]
	run -3 "$HOLM" box --as-pid1 --status-fd 7 -- sh -c 'exit 3' 7>"$T/status"
	[ "$(events | tr '\n' ' ')" = "started ended " ]
	[ "$(jq -c 'select(.event == "ended") | ."exit-code"' "$T/status")" = 3 ]
	run -127 "$HOLM" box --status-fd 7 -- no-such-program 7>"$T/status"
	[ "$(events)" = failed ]
}

# bats test_tags=quick
@test "option --ready-fd: a line when the command runs, then closed; nothing if it never did" {
	mkfifo "$T/ready"
	"$HOLM" box --ready-fd 9 -- sleep 1000 9>"$T/ready" >/dev/null 3>&- &
	STARTED+=($!)
	exec 5<"$T/ready"
	read -r -t 10 word <&5
	[ "$word" = ready ]
	# Closed although the box goes on: an end of file (1), not a time-out (above 128).
	code=0
	read -r -t 10 word <&5 || code=$?
	[ "$code" = 1 ]
	not gone "${STARTED[0]}"
	run -127 --separate-stderr sh -c '"$0" box --ready-fd 9 -- no-such-program 9>&1' "$HOLM"
	[ "$output" = "" ]
}

@test "option --block-fd: the command starts when it can be read, and not before" {
	mkfifo "$T/block" "$T/ready"
	exec 5<>"$T/block"
	"$HOLM" box --block-fd 5 --ready-fd 9 -- echo ran >"$T/out" 9>"$T/ready" 3>&- &
	STARTED+=($!)
	exec 6<"$T/ready"
	# The first process waits in namespaces of its own.
	waits()
	{
		child=$(descendants "${STARTED[0]}" | tail -1) && [ -n "$child" ] &&
			[ "$(ns_of "$child" uts)" != "$(ns_of self uts)" ]
	}
	eventually waits
	not read -r -t 0.3 _ <&6
	[ ! -s "$T/out" ]
	echo go >&5
	wait "${STARTED[0]}"
	STARTED=()
	[ "$(cat "$T/out")" = ran ]
}

@test "option --block-fd at its end: the command starts; nobody hangs" {
	run -0 timeout 10 "$HOLM" box --block-fd 5 -- echo ran 5</dev/null
	[ "$output" = ran ]
}

# Waits for the end of file on descriptor 5: 1, or above 128 while somebody holds the other end.
end_of_sync()
{
	code=0
	read -r -t "$1" _ <&5 || code=$?
}

@test "option --sync-fd: open as long as the box lives" {
	mkfifo "$T/sync"
	exec 5<>"$T/sync"
	exec 6>"$T/sync"
	start_box --sync-fd 6 -- sleep 1000
	exec 5<&- 6>&-
	exec 5<"$T/sync"
	end_of_sync 0.3
	[ "$code" -gt 128 ]
	end_box KILL
	end_of_sync 10
	[ "$code" = 1 ]
	eventually gone "$INIT"
}

@test "option --sync-fd with --outlive-parent: not holm's end counts, but the box's" {
	mkfifo "$T/sync"
	exec 5<>"$T/sync"
	exec 6>"$T/sync"
	start_box --outlive-parent --sync-fd 6 -- sleep 1000
	exec 6>&-
	exec 7<"$T/sync"
	exec 5<&-
	exec 5<&7 7<&-
	end_box KILL
	not gone "$MAIN"
	end_of_sync 0.3
	was=$code
	kill -KILL "$INIT"
	end_of_sync 10
	[ "$was" -gt 128 ]
	[ "$code" = 1 ]
}

# bats test_tags=quick
@test "standard descriptors that are closed are /dev/null, and nothing of holm's own" {
	local how more script='readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | tee /mnt/o'

	for how in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
		for more in '' --as-pid1; do
			echo "$how $more"
			rm -f "$T/o"
			eval 'timeout 20 "$HOLM" box $more --bind "$T:/mnt" -- sh -c "$script" >/dev/null 2>&1 '"$how"
			[ "$(cat "$T/o")" = $'/dev/null\n/dev/null\n/dev/null' ]
		done
	done
}

@test "a reader that has gone away does no harm" {
	mkfifo "$T/gate"
	for option in status-fd info-fd ready-fd; do
		exec 6> >(:)
		eventually gone $!
		run -7 "$HOLM" box "--$option" 6 -- sh -c 'echo done; exit 7'
		exec 6>&-
		[ "$output" = "done" ]
	done
}
