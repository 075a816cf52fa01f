#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Network namespaces with names, and wires between them. HOST has a /run of its own, so that the
# names of the machine are not touched.

load net

setup()
{
	begin_test
	need_root
	need ip nsenter unshare
	make_host HOST
	at HOST mount -t tmpfs none /run
}

in_ns()
{
	hnet ns exec "$@"
}

names()
{
	at HOST find /run/netns -mindepth 1 -printf '%f\n' 2>/dev/null | sort | tr '\n' ' '
}

@test "ip netns finds what holm has made, and holm what ip netns has" {
	hnet ns add ours
	at HOST ip netns add theirs
	[ "$(at HOST ip netns list | awk '{ print $1 }' | sort | tr '\n' ' ')" = "ours theirs " ]
	[ "$(hnet ns ls --json | jq -r '.[].name' | sort | tr '\n' ' ')" = "ours theirs " ]
	[ "$(in_ns theirs readlink /proc/self/ns/net)" = "$(at HOST ip netns exec theirs readlink /proc/self/ns/net)" ]
	[ "$(box_at HOST --net join:ours -- readlink /proc/self/ns/net)" = "$(in_ns ours readlink /proc/self/ns/net)" ]
	# lo is up in one of ours, as programs expect; ip netns leaves it down.
	in_ns ours ip -o link show lo | grep -q 'LOOPBACK,UP'
	run -1 grep -q 'LOOPBACK,UP' <(in_ns theirs ip -o link show lo)
	at HOST ip netns del ours
	hnet ns rm theirs
	[ -z "$(names)" ]
}

@test "a name that is taken, cannot be one, is no namespace, or is of one with processes" {
	hnet ns add a
	run -125 --separate-stderr hnet ns add a
	[ "$stderr" = 'holm: net ns: there is a network namespace "a" already' ]
	for name in '' . .. a/b 12 -x host 'a b' a:b; do
		run -125 --separate-stderr hnet ns add "$name"
		[[ $stderr == *"cannot be a name"* ]]
	done
	run -125 --separate-stderr hnet ns rm nosuch
	[ "$stderr" = 'holm: net ns: there is no network namespace "nosuch"' ]
	run -125 --separate-stderr hnet ns rm ../passwd
	run -125 --separate-stderr hnet ns exec nosuch true
	[ "$stderr" = 'holm: net ns: there is no network namespace "nosuch"' ]
	at HOST sh -c 'echo x >/run/netns/file'
	run -125 --separate-stderr hnet ns add file
	[ "$stderr" = 'holm: net ns: /run/netns/file is there, and no namespace' ]
	run -125 --separate-stderr hnet ns exec file true
	[ "$stderr" = 'holm: net ns: /run/netns/file is no namespace' ]
	hnet ns ls | grep -q '^file  *- *no namespace'
	start_at HOST "$HOLM" net ns exec a sleep 1000
	local pid=${STARTED[-1]}
	eventually busy "$pid"
	run -125 --separate-stderr hnet ns rm a
	[ "$stderr" = "holm: net ns: a: 1 processes are in it, one of them with pid $pid; --force removes the name alone" ]
	hnet ns rm --force a
	[ "$(names)" = "file " ]
}

busy()
{
	[ "$(hnet ns ls --json | jq '.[] | select(.name == "a").processes')" = 1 ] &&
		[ "$(cat "/proc/$1/comm")" = sleep ]
}

@test "exec: the exit code of the command, its own /sys, and files of /etc/netns" {
	hnet ns add a
	run -7 in_ns a sh -c 'exit 7'
	run -127 --separate-stderr in_ns a /nosuch
	[ "$stderr" = "holm: /nosuch: No such file or directory" ]
	run -126 in_ns a /etc
	[ "$(in_ns a ls /sys/class/net)" = lo ]
	[ "$(in_ns a ls /sys/fs/cgroup)" = "$(ls /sys/fs/cgroup)" ]
	at HOST mount -t tmpfs none /etc/netns 2>/dev/null || {
		at HOST mkdir "$T/etc" "$T/work"
		at HOST mount -t overlay -o "lowerdir=/etc,upperdir=$T/etc,workdir=$T/work" none /etc || skip "needs overlayfs"
	}
	at HOST mkdir -p /etc/netns/a
	at HOST sh -c 'echo "nameserver 192.0.2.53" >/etc/netns/a/resolv.conf'
	[ "$(in_ns a cat /etc/resolv.conf)" = "nameserver 192.0.2.53" ]
	[ "$(at HOST cat /etc/resolv.conf)" != "nameserver 192.0.2.53" ]
	at HOST sh -c 'echo >/etc/netns/a/no-such-file'
	run -125 --separate-stderr in_ns a true
	[[ $stderr == "holm: net ns: a: put /etc/netns/a/no-such-file over /etc/no-such-file: No such file or directory" ]]
}

@test "a wire: addresses chosen and given, and none that collides" {
	hnet ns add a
	hnet ns add b
	local made
	made=$(hnet wire a b --json)
	[ "$(jq -r '.[0].addresses[0]' <<<"$made")" = 10.76.0.1/30 ]
	[ "$(jq -r '.[1].where, .[1].interface' <<<"$made" | tr '\n' ' ')" = "b eth0 " ]
	start_at HOST "$HOLM" net ns exec b python3 -m http.server --bind :: 80
	eventually in_ns a curl -s -g -o /dev/null "http://10.76.0.2/"
	in_ns a curl -s -g -o /dev/null "http://[$(jq -r '.[1].addresses[1] | sub("/64"; "")' <<<"$made")]/"
	# Given ones.
	[ "$(hnet wire a b --name x0,y0 --ip 10.1.0.1/30,10.1.0.2/30 --ip fd00:5::1/64,fd00:5::2/64)" = "a: x0 10.1.0.1/30 fd00:5::1/64
b: y0 10.1.0.2/30 fd00:5::2/64" ]
	in_ns a curl -s -o /dev/null http://10.1.0.2/
	run -125 --separate-stderr hnet wire a b --ip 10.1.0.1/24,10.1.0.2/24
	[ "$stderr" = "holm: net wire: 10.1.0.1/24 overlaps the route to 10.1.0.0/30 of a" ]
	run -125 --separate-stderr hnet wire a b --ip 10.2.0.1/30,10.3.0.2/30
	[[ $stderr == *"are not two addresses of one network"* ]]
	run -125 --separate-stderr hnet wire a b --name x0,z0
	[ "$stderr" = "holm: net wire: a has an interface x0 already" ]
	run -125 --separate-stderr hnet wire a a
	[ "$stderr" = "holm: net wire: a and a are the same network namespace" ]
	run -125 --separate-stderr hnet wire a nosuch
	[[ $stderr == 'holm: net wire: "nosuch" is no network namespace'* ]]
	# What is in use at either end is passed over.
	in_ns a ip addr add 10.76.0.4/30 dev lo
	hnet wire host a | grep -q '^host: eth0 10.76.0.9/30'
	# By pid, by path; and every wire between two, removed.
	hnet wire "$HOST" /run/netns/b >/dev/null
	hnet wire --rm a b
	[ "$(in_ns a ls /sys/class/net | tr '\n' ' ')" = "eth1 lo " ]
	run -125 --separate-stderr hnet wire --rm a b
	[ "$stderr" = "holm: net wire: a and b are not wired" ]
	# A wire ends with either end.
	hnet ns rm a
	pkill_server
	hnet ns rm b
	eventually only_lo HOST
}

pkill_server()
{
	local pid

	for pid in "${STARTED[@]:1}"; do
		kill -KILL "$pid" || :
		wait "$pid" || :
	done
}

@test "who is inside cannot keep others from wiring for ever" {
	hnet ns add a
	hnet ns add b
	start_at HOST "$HOLM" net ns exec a flock /proc/self/ns/net sleep 1000
	local pid=${STARTED[-1]}
	eventually in_ns b sh -c "! flock -n /proc/$pid/ns/net true"
	run -125 --separate-stderr hnet wire a b
	[ "$stderr" = "holm: net wire: lock a and b: Resource temporarily unavailable" ]
}

@test "fifty wires at once have addresses of their own" {
	hnet ns add hub
	local i
	for i in $(seq 50); do
		hnet ns add "n$i"
	done
	for i in $(seq 50); do
		hnet wire hub "n$i" >"out$i" &
	done
	# shellcheck disable=SC2046
	wait $(jobs -p | grep -v "$HOST")
	[ "$(cat out* | grep -o '10\.76\.[0-9]*\.[0-9]*' | sort -u | wc -l)" = 100 ]
	[ "$(in_ns hub ls /sys/class/net | wc -l)" = 51 ]
}
