#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Namespaces that are kept or entered instead of made.

load helpers

ALL="user mnt pid net ipc uts cgroup time"

# start_target: a box to join, as root or as the ordinary user. Its pids: TARGET (the command), TINIT.
start_target()
{
	NAME=target start_box --hostname target --time-offset monotonic=+100d "$@" -- sleep 1000
	TARGET=$MAIN
}

# ---- share ----

# bats test_tags=quick
@test "option --share: each type is the caller's own, and only that" {
	need_root
	for type in $ALL; do
		NAME=$type start_box --share "$type" -- sleep 1000
		for other in $ALL; do
			echo "shared $type: $other"
			if [ "$other" = "$type" ]; then
				[ "$(ns_of "$MAIN" "$other")" = "$(ns_of self "$other")" ]
			else
				[ "$(ns_of "$MAIN" "$other")" != "$(ns_of self "$other")" ]
			fi
		done
		end_box
	done
}

@test "option --share: several at once, by comma and by repetition; all of them" {
	start_box --share net,ipc --share uts -- sleep 1000
	for type in net ipc uts; do [ "$(ns_of "$MAIN" "$type")" = "$(ns_of self "$type")" ]; done
	for type in user mnt pid; do [ "$(ns_of "$MAIN" "$type")" != "$(ns_of self "$type")" ]; done
	end_box
	need_root
	NAME=all start_box --share "${ALL// /,}" -- sh -c 'echo up; exec sleep 1000'
	for type in $ALL; do [ "$(ns_of "$MAIN" "$type")" = "$(ns_of self "$type")" ]; done
	eventually has_line "$T/all.out" up
	# Rights are gone all the same.
	[ "$(awk '/^CapEff/ {print $2}' "/proc/$MAIN/status")" = 0000000000000000 ]
	end_box
	eventually gone "$MAIN"
}

@test "option --share as an ordinary user: each type that is possible" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	for type in mnt pid net ipc uts cgroup time; do
		run -0 "${PREFIX[@]}" "$HOLM" box --share "$type" -- readlink "/proc/self/ns/$type"
		[ "$output" = "$(ns_of self "$type")" ]
	done
}

@test "option --share net: names can be resolved, the caller's /etc/resolv.conf is there" {
	[ -s /etc/resolv.conf ] || skip "needs /etc/resolv.conf"
	run -0 "$HOLM" box --share net -- cat /etc/resolv.conf
	[ "$output" = "$(cat /etc/resolv.conf)" ]
	run -1 "$HOLM" box -- cat /etc/resolv.conf
}

@test "option --share pid: the host's processes are in sight, but only the box's end with it" {
	sleep 1000 3>&- &
	other=$!
	STARTED+=("$other")
	start_box --share pid -- sh -c "cat /proc/$other/comm; sleep 1001 & exec sleep 1002"
	eventually has_line "$T/out" sleep
	inner=$(descendants "$INIT")
	end_box
	for pid in $inner; do eventually gone "$pid"; done
	not gone "$other"
}

# ---- join ----

# bats test_tags=quick
@test "option --join by pid: each type" {
	need_root
	start_target
	for type in mnt pid net ipc uts cgroup time; do
		NAME=$type start_box --join "user=$TARGET" --join "$type=$TARGET" -- sleep 1000
		for other in $ALL; do
			echo "joined $type: $other"
			if [ "$other" = "$type" ] || [ "$other" = user ]; then
				[ "$(ns_of "$MAIN" "$other")" = "$(ns_of "$TARGET" "$other")" ]
			else
				[ "$(ns_of "$MAIN" "$other")" != "$(ns_of "$TARGET" "$other")" ]
				[ "$(ns_of "$MAIN" "$other")" != "$(ns_of self "$other")" ]
			fi
		done
		end_box
	done
}

@test "option --join all of a box's namespaces, as its owner: root or an ordinary user" {
	as_user_words
	for who in root user; do
		[ "$who" = root ] || PREFIX=("${AS_USER[@]}")
		NAME=target-$who start_box --hostname "target-$who" -- sleep 1000
		target=$MAIN
		joins=()
		for type in $ALL; do joins+=(--join "$type=$target"); done
		run -0 "${PREFIX[@]}" "$HOLM" box "${joins[@]}" -- \
			sh -c 'uname -n; for p in /proc/[0-9]*; do cat $p/comm; done 2>/dev/null | grep -c sleep
				for t in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$t; done
				grep CapEff /proc/self/status | cut -f 2'
		echo "$output"
		[ "${lines[0]}" = "target-$who" ]
		[ "${lines[1]}" = 1 ]
		n=2
		for type in user mnt pid net ipc uts cgroup; do
			[ "${lines[$n]}" = "$(ns_of "$target" "$type")" ] || ! is_root
			n=$((n + 1))
		done
		[ "${lines[-1]}" = 0000000000000000 ]
		NAME='' end_box
	done
}

@test "option --join by path, by descriptor" {
	need_root
	start_target
	inner=(--join "user=$TARGET")
	run -0 "$HOLM" box "${inner[@]}" --join "uts=/proc/$TARGET/ns/uts" -- uname -n
	[ "$output" = target ]
	exec 5<"/proc/$TARGET/ns/uts" 6<"/proc/$TARGET/ns/user"
	run -0 "$HOLM" box --join user=fd:6 --join uts=fd:5 -- uname -n
	[ "$output" = target ]
	touch "$T/name"
	# shellcheck disable=SC2016
	run -0 unshare -m sh -c 'mount --bind "/proc/$1/ns/uts" "$2/name" && exec "$3" box --join "user=$1" --join "uts=$2/name" -- uname -n' \
		sh "$TARGET" "$T" "$HOLM"
	[ "$output" = target ]
}

@test "option --join net by the name that ip netns gives" {
	need_root
	need ip
	# The name lives in a mount namespace that ends with the test.
	# shellcheck disable=SC2016
	run -0 unshare -m sh -c 'mount -t tmpfs none /run && ip netns add blue &&
		ip netns exec blue readlink /proc/self/ns/net && exec "$0" box --join net=blue -- readlink /proc/self/ns/net' "$HOLM"
	echo "$output"
	[ "${lines[0]}" = "${lines[1]}" ]
	[ "${lines[0]}" != "$(ns_of self net)" ]
}

@test "option --join net: ports of both are the same" {
	need_root
	need_python
	NAME=server start_box --ro-bind "$HERE/tcp.py:/tcp.py" -- python3 /tcp.py serve joined 8080
	eventually has_line "$T/server.out" 8080
	run -0 "$HOLM" box --join "user=$MAIN" --join "net=$MAIN" --ro-bind "$HERE/tcp.py:/tcp.py" -- \
		python3 /tcp.py get 127.0.0.1 8080
	[ "$output" = joined ]
}

@test "option --join time: the clock is that of the other box" {
	need_root
	start_target
	run -0 "$HOLM" box --join "user=$TARGET" --join "time=$TARGET" -- python3 -c 'import time; print(int(time.monotonic()))'
	((output > 100 * 86400))
}

@test "option --join pid: the command is a process of the other box, and ends with it" {
	need_root
	start_target --proc /proc:full
	target=$BOX
	tinit=$INIT
	NAME=guest start_box --join "user=$TARGET" --join "pid=$TARGET" --join "mnt=$TARGET" -- \
		sh -c 'ls -d /proc/[0-9]* | wc -l; exec sleep 1000'
	eventually test -s "$T/guest.out"
	[ "$(ns_of "$MAIN" pid)" = "$(ns_of "$TARGET" pid)" ]
	[ "$(cat "$T/guest.out")" -ge 4 ]
	kill -KILL "$tinit"
	wait_box
	[ "$STATUS" != 0 ]
	eventually gone "$MAIN" # the guest's init may go before it
	wait "$target" || :
}

@test "option --join: with --user root in the other box's user namespace" {
	need_root
	start_target --map-users 0:100000:1000 --map-groups 0:100000:1000 --user 5:5 # with a time offset
	run -0 "$HOLM" box --join "user=$TARGET" --user 7:7 -- sh -c 'id -u; tr -s " " </proc/self/uid_map'
	[ "$output" = $'7\n 0 100000 1000' ]
}

# ---- refused ----

# bats test_tags=quick
@test "a target that is missing, none, or of another type" {
	refused 125 "open /proc/999999999/ns/net" --join net=999999999 -- true
	refused 125 "open /run/netns/no-such-name" --join net=no-such-name -- true
	refused 125 "is a namespace of another type" --join net=/proc/self/ns/uts -- true
	refused 125 "is a namespace of another type" --join user=/proc/self/ns/net -- true
	refused 125 "/etc/passwd is no namespace" --join net=/etc/passwd -- true
	exec 5</proc/self/ns/uts 6</etc/passwd
	refused 125 "another type" --join net=fd:5 -- true
	refused 125 "no namespace" --join net=fd:6 -- true
	refused 125 "fd:x" --join net=fd:x -- true
	refused 125 "../" --join net=../../etc/passwd -- true
}

@test "an ordinary user cannot enter what belongs to root" {
	need_root
	start_target
	as_user_words
	PREFIX=("${AS_USER[@]}")
	for type in $ALL; do
		refused 125 "ermi" --join "$type=$TARGET" -- true
	done
	exec 5<"/proc/$TARGET/ns/net"
	refused 125 "CAP_SYS_ADMIN over it" --join net=fd:5 -- true
	exec 5<"/proc/self/ns/net"
	refused 125 "CAP_SYS_ADMIN over it" --join net=fd:5 -- true
}

@test "what an own namespace is needed for is refused with a joined one" {
	exec 5</proc/self/ns/uts 6</proc/self/ns/mnt
	refused 125 "hostname: cannot be set" --join uts=fd:5 --hostname x -- true
	refused 125 "mount namespace is joined" --join mnt=fd:6 --bind /usr -- true
	refused 125 "as-pid1" --join pid=1 --as-pid1 -- true
}
