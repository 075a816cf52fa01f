#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Signals, and who dies with whom.

load helpers

# bats test_tags=quick
@test "what holm gets, the command gets" {
	for signal in TERM INT HUP QUIT USR1 USR2; do
		NAME=$signal start_box -- sh -c "trap 'echo got; exit 42' $signal; echo up
			while :; do sleep 0.05; done"
		eventually has_line "$T/$signal.out" up
		end_box "$signal"
		echo "$signal: $STATUS"
		[ "$STATUS" = 42 ]
		has_line "$T/$signal.out" got
	done
}

# bats test_tags=quick
@test "what the caller ignores the command does not; and it is waited for" {
	ignoring() { (trap '' CHLD PIPE USR1 XFSZ; exec "$@"); }

	for how in "" --as-pid1 "--fallback landlock" "--share pid"; do
		# shellcheck disable=SC2086
		run -3 ignoring "$HOLM" box $how -- sh -c 'grep SigIgn /proc/self/status; exit 3'
		[[ $output == "SigIgn:"*0000000000000000 ]]
	done
	run -0 ignoring "$HOLM" box -- sh -c 'yes | head -n 1'
	[ "$output" = y ]
	# Who is executed in our place ignores what our caller did, and nothing more.
	run -0 env --ignore-signal=USR1 --default-signal=CHLD,PIPE,XFSZ,INT,QUIT,HUP,TERM \
		"$HOLM" ns unshare --user -- grep SigIgn /proc/self/status
	ignored=$((16#${output#SigIgn:?}))
	[ $((ignored & 1 << 9)) != 0 ]
	for signal in CHLD PIPE XFSZ INT QUIT HUP TERM; do
		[ $((ignored & 1 << ($(kill -l "$signal") - 1))) = 0 ]
	done
	run -0 ignoring "$HOLM" judge -- true
	[[ $output == *'"ok"'* ]]
}

# bats test_tags=quick
@test "a signal that the command does not catch ends it; the exit code says so" {
	start_box -- sleep 1000
	end_box TERM
	[ "$STATUS" = 143 ]
	gone "$INIT"
	rm "$T"/info "$T"/status
	start_box --as-pid1 -- sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.05; done'
	eventually has_line "$T/out" up
	end_box TERM
	[ "$STATUS" = 3 ]
}

@test "SIGSTOP and SIGCONT from inside do not upset the waiter" {
	start_box -- sh -c 'kill -STOP $$; echo again; exit 4'
	stopped() { grep -q '^State:.T' "/proc/$MAIN/status"; }
	eventually stopped
	kill -CONT "$MAIN"
	wait_box
	[ "$STATUS" = 4 ]
	has_line "$T/out" again
}

@test "holm killed: the box dies with it" {
	as_user_words
	for who in "" user; do
		PREFIX=()
		[ -z "$who" ] || PREFIX=("${AS_USER[@]}")
		for kind in "" --as-pid1 "--share=pid" "--share=user,pid,mnt" "--service=a=sleep 1001"; do
			[ "$who$kind" != "user--share=user,pid,mnt" ] || continue
			NAME=k start_box ${kind:+"$kind"} -- sh -c 'trap "" TERM HUP INT; sleep 1000 & sleep 1001; sleep 1002'
			all=$(descendants "$BOX")
			[ "$(wc -w <<<"$all")" -ge 2 ]
			end_box KILL
			echo "who: $who, kind: $kind, pids: $all"
			for pid in $all; do eventually gone "$pid"; done
			rm "$T"/k.*
		done
	done
}

@test "holm killed while it is still setting up: nothing stays" {
	mkfifo "$T/block"
	exec 5<>"$T/block"
	for signal in TERM KILL; do
		"$HOLM" box --block-fd 5 -- sleep 1000 3>&- &
		STARTED+=($!)
		holm=$!
		waits() { all=$(descendants "$holm") && [ -n "$all" ]; }
		eventually waits
		kill "-$signal" "$holm"
		wait "$holm" || :
		for pid in $all; do eventually gone "$pid"; done
	done
}

@test "option --outlive-parent: the box goes on until its command ends" {
	mkfifo "$T/in"
	exec 5<>"$T/in"
	STDIN=$T/in start_box --outlive-parent -- sh -c 'read -r _; echo lived >&2; touch /tmp/x; exec sleep 1000'
	end_box KILL
	not gone "$MAIN"
	not gone "$INIT"
	echo >&5
	eventually has_line "$T/err" lived
	kill -KILL "$MAIN"
	eventually gone "$MAIN"
	eventually gone "$INIT"
}

@test "init killed from outside: the box is lost, and holm says so" {
	start_box -- sh -c 'sleep 1000 & exec sleep 1001'
	all=$(descendants "$BOX")
	kill -KILL "$INIT"
	wait_box
	[ "$STATUS" = 137 ]
	for pid in $all; do gone "$pid"; done
	[ "$(events | tail -1)" = lost ]
	[[ $(cat "$T/err") == "holm: "*"killed from outside"* ]]
}

@test "init cannot be killed, stopped or confused from inside" {
	run -5 timeout 20 "$HOLM" box --user root --cap kill -- sh -c '
		for s in HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STOP TSTP TTIN TTOU CHLD; do
			kill -$s 1
		done
		sleep 0.1; kill -0 1 && exit 5'
}

@test "the command killed from outside" {
	start_box -- sleep 1000
	kill -KILL "$MAIN"
	wait_box
	[ "$STATUS" = 137 ]
	[ "$(jq 'select(.event == "ended") | .signal' "$T/status")" = 9 ]
}

@test "fatal faults of the command are its own: SIGSEGV, SIGXFSZ, SIGBUS reach it" {
	for signal in SEGV BUS XFSZ XCPU ABRT FPE ILL SYS; do
		run "-$((128 + $(kill -l "$signal")))" "$HOLM" box -- sh -c "kill -$signal \$\$"
	done
	run -141 "$HOLM" box -- sh -c 'kill -PIPE $$'
}

@test "holm's caller ends first: the box dies with holm, not with the caller" {
	mkfifo "$T/in"
	exec 5<>"$T/in"
	sh -c '"$0" box -- cat <"$1" >"$1.out" 3>&- & echo $!' "$HOLM" "$T/in" >"$T/pid"
	holm=$(cat "$T/pid")
	STARTED+=("$holm")
	echo through >&5
	eventually has_line "$T/in.out" through
	kill -TERM "$holm"
	eventually gone "$holm"
}

@test "a terminal's ^C without a pty of the box's own ends it" {
	start_box --pty no -- sleep 1000
	end_box INT
	[ "$STATUS" = 130 ]
}
