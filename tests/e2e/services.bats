#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Companions of the command: started, restarted, stopped, reported.

load helpers

# of NAME: the events of a service, short
of()
{
	jq -r --arg name "$1" 'select(.name == $name) |
		.event[8:] + if has("exit-code") then "(\(."exit-code"))" elif has("signal") then "(s\(.signal))" else "" end' \
		"$T/status" | tr '\n' ' '
}

# bats test_tags=quick
@test "services run beside the command, in the same box, with its rights" {
	run -0 "$HOLM" box --user root --service 'a=id -u >/run/a; grep CapEff /proc/self/status >>/run/a
		echo $PPID >>/run/a; touch /run/ok' -- \
		sh -c 'until [ -e /run/ok ]; do sleep 0.02; done; cat /run/a; grep -c ^Seccomp:.2 /proc/self/status'
	[ "$output" = $'0\nCapEff:\t0000000000000000\n1\n1' ]
}

# bats test_tags=quick
@test "no: it is not started again; its failure is reported, and does not end the box" {
	run -6 "$HOLM" box --status-fd 7 --service 'bad=exit 3' --service 'good=exit 0' -- \
		sh -c 'sleep 0.5; exit 6' 7>"$T/status"
	cat "$T/status"
	[ "$(of bad)" = "start exit(3) failed(3) " ]
	[ "$(of good)" = "start exit(0) " ]
}

@test "on-failure: again after a failure, not after a good end" {
	start_box --service 'x:on-failure=n=$(cat /run/n 2>/dev/null || echo 0); echo $((n + 1)) >/run/n
		[ $n -ge 2 ]' -- sleep 1000
	three() { [ "$(of x)" = "start exit(1) start exit(1) start exit(0) " ]; }
	eventually three
	end_box
	three
}

@test "what a service prints, a restarted one too, is not lost" {
	start_box --service 'x:on-failure=echo try; echo oops >&2; [ -e /run/once ] || { touch /run/once; exit 1; }' -- sleep 1000
	twice() { [ "$(grep -c try "$T/out")" = 2 ] && [ "$(grep -c oops "$T/err")" = 2 ]; }
	eventually twice
	end_box
}

@test "on-failure: who fails again and again is given up, and that is reported" {
	start_box --service 'x:on-failure=exit 9' -- sleep 1000
	failed() { [[ "$(of x)" == *"failed(9) " ]]; }
	eventually failed
	starts=$(of x | grep -o start | wc -l)
	echo "$starts starts"
	((starts >= 3 && starts <= 10))
	not gone "$MAIN"
	end_box
}

@test "always: again after a good end too, with longer and longer pauses" {
	start_box --service 'x:always=exit 0' -- sleep 1000
	some() { [ "$(of x | grep -o start | wc -l)" -ge 4 ]; }
	eventually some
	end_box
	[[ $(of x) == "start exit(0) start exit(0) start exit(0) start "* ]]
	# 100, 200, 400 ms: within the 10 s of waiting there cannot be many.
	(($(of x | grep -o start | wc -l) < 10))
}

@test "a service that is killed counts as failed" {
	start_box --service 'x:on-failure=exec sleep 1001' -- sleep 1000
	started() { [ "$(of x)" = "start " ]; }
	eventually started
	sleeper() { pid=$(for p in $(descendants "$INIT"); do [ "$(tr '\0' ' ' <"/proc/$p/cmdline")" = "sleep 1001 " ] && echo "$p"; done; true); [ -n "$pid" ]; }
	eventually sleeper
	kill -KILL "$pid"
	again() { [ "$(of x)" = "start exit(s9) start " ]; }
	eventually again
	end_box
}

@test "at the end companions get SIGTERM and time to leave; who does not is killed" {
	dir=$(user_dir out)
	chmod 777 "$dir"
	start=$(date +%s%N)
	run -4 timeout 20 "$HOLM" box --status-fd 7 --bind "$dir:/out" \
		--service 'polite=trap "sleep 0.3; echo bye >/out/polite; exit 0" TERM; touch /run/1; while :; do sleep 0.02; done' \
		--service 'deaf=trap "" TERM; touch /run/2; while :; do sleep 0.02; done' -- \
		sh -c 'until [ -e /run/1 ] && [ -e /run/2 ]; do sleep 0.02; done; exit 4' 7>"$T/status"
	took=$((($(date +%s%N) - start) / 1000000))
	echo "$took ms"
	[ "$(cat "$dir/polite")" = bye ]
	[ "$(of polite)" = "start exit(0) " ]
	[ "$(of deaf)" = "start exit(s9) " ]
	((took < 10000))
	[ "$(events | tail -1)" = ended ]
}

# bats test_tags=quick
@test "a service that cannot be started is reported, not lost" {
	mkdir -p "$T"/root/{bin,proc,dev,tmp,run}
	need busybox
	cp "$(command -v busybox)" "$T/root/bin/busybox"
	run -0 "$HOLM" box --rootfs "$T/root" --status-fd 7 --service 'x=true' -- /bin/busybox sleep 0.3 7>"$T/status"
	cat "$T/status"
	[[ $(of x) == *failed* ]]
}

@test "63 services" {
	many=()
	for ((i = 0; i < 63; i++)); do many+=(--service "s$i=echo $i >>/run/all"); done
	run -0 "$HOLM" box "${many[@]}" -- sh -c 'until [ "$(wc -l </run/all)" = 63 ]; do sleep 0.05; done 2>/dev/null; sort -n /run/all | md5sum'
	[ "$output" = "$(seq 0 62 | md5sum)" ]
}

@test "too many services are refused in words" {
	many=()
	for ((i = 0; i < 100; i++)); do many+=(--service "s$i=true"); done
	refused 125 "service" "${many[@]}" -- true
}
