#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks of network namespaces that are nobody's any more. VIEW is a host of the test's own with a
# /run/holm of its own; PLACE is a network namespace beside it, which ends or is held.
# serial: who holds a mount namespace makes gc leave everything alone

load net

setup()
{
	begin_test
	need_root
	need ip nft dnsmasq unshare nsenter jq
	[ "$("$HOLM" ns ls --json | jq '.unseen + .descriptors_unseen')" = 0 ] ||
		skip "needs a machine of which everything can be seen"
	[ "$(stat -Lc %i /proc/self/ns/pid)" = 4026531836 ] || skip "needs the first pid namespace"
	make_host VIEW
	at VIEW sh -c 'mkdir -p /run/holm && mount -t tmpfs none /run/holm'
}

teardown()
{
	local pid

	for pid in $(helpers); do kill -KILL "$pid" || :; done
	end_test
}

# Of all hosts that VIEW knows of: name servers and holm-etcd.
helpers()
{
	at VIEW sh -c 'cat /run/holm/net/*/*/network 2>/dev/null' | sed -nE 's/^(dns|etcd) ([0-9]+) .*/\2/p'
}

# make_place NETWORK OPTION...: PLACE is a process in a network namespace with that network
make_place()
{
	start_at VIEW unshare --net sleep 1000
	PLACE=${STARTED[-1]}
	eventually elsewhere "$PLACE"
	not_views() { [ "$(readlink "/proc/$PLACE/ns/net")" != "$(readlink "/proc/$VIEW/ns/net")" ]; }
	eventually not_views
	in_place ip link set lo up
	in_place "$HOLM" net create "$@"
}

in_place()
{
	at VIEW nsenter "--net=/proc/$PLACE/ns/net" "$@"
}

end_place()
{
	kill -KILL "$PLACE"
	wait "$PLACE" 2>/dev/null || :
	eventually gone "$PLACE"
}

gc()
{
	at VIEW "$HOLM" net gc
}

# What another test's processes do at this moment may make one look in vain.
buries()
{
	[[ $(gc) == *"nobody's any more: 1"* ]]
}

is_kept()
{
	run -0 gc
	echo "$output"
	[ "$output" = "addresses made free: 0" ]
	run -0 gc
	echo "$output"
	[ "$output" = "addresses made free: 0" ]
	[ -n "$(at VIEW ls /run/holm/net)" ]
}

nothing_known()
{
	[ -z "$(at VIEW ls /run/holm/net)" ]
}

@test "a namespace with nobody but a name server in it is ended, and forgotten" {
	make_place web
	at VIEW "$HOLM" net create own
	local its
	its=$(in_place sh -c 'cat /run/holm/net/*/web/dnsmasq.pid')
	is_kept
	end_place
	[[ $(at VIEW "$HOLM" doctor) == *"of 1 network namespaces that nobody is in any more"* ]]
	[ "$(helpers | wc -l)" = 2 ]
	eventually buries
	[ "$(helpers | wc -l)" = 1 ]
	[ "$(at VIEW "$HOLM" net ls --json | jq -r '.[].name')" = own ]
	gone "$its"
	at VIEW "$HOLM" net rm own
	nothing_known
}

@test "one that is held by a name, a descriptor or a socket is left alone" {
	make_place web
	at VIEW mkdir -p /run/holm/names
	at VIEW touch /run/holm/names/x
	at VIEW mount --bind "/proc/$PLACE/ns/net" /run/holm/names/x
	# From another place, with a descriptor; and with a socket alone.
	start_at VIEW sh -c "exec 9</proc/$PLACE/ns/net sleep 1000"
	local by_fd=${STARTED[-1]}
	start_at VIEW nsenter "--net=/proc/$PLACE/ns/net" python3 -c "
import os, socket
s = socket.socket()
s.set_inheritable(True)
os.execvp('nsenter', ['nsenter', '--net=/proc/$VIEW/ns/net', 'sleep', '1000'])"
	local by_socket=${STARTED[-1]}
	back() { [ "$(readlink "/proc/$by_socket/ns/net")" = "$(readlink "/proc/$VIEW/ns/net")" ]; }
	eventually back
	end_place
	is_kept
	at VIEW umount /run/holm/names/x
	is_kept
	kill -KILL "$by_fd"
	wait "$by_fd" 2>/dev/null || :
	eventually gone "$by_fd"
	is_kept
	kill -KILL "$by_socket"
	wait "$by_socket" 2>/dev/null || :
	eventually buries
	nothing_known
}

@test "a box that lives on its network keeps it" {
	make_place web
	rm -f out err info status
	PREFIX=(nsenter "--net=/proc/$PLACE/ns/net" "--mount=/proc/$VIEW/ns/mnt" --)
	start_box --outlive-parent --net bridge:web -- sleep 1000
	PREFIX=()
	kill -KILL "$BOX"
	end_place
	is_kept
	kill -KILL "$INIT"
	eventually gone "$INIT"
	eventually buries
	nothing_known
}

@test "without helpers: what is gone is forgotten, what is there is not" {
	make_place web --no-dns
	local living=$PLACE
	make_place web --no-dns
	[ "$(at VIEW ls /run/holm/net | wc -l)" = 2 ]
	is_kept
	end_place
	eventually buries
	[ "$(at VIEW ls /run/holm/net | wc -l)" = 1 ]
	PLACE=$living
	in_place "$HOLM" net check
	in_place "$HOLM" net rm web
}

@test "where not everything can be seen all of it is left alone" {
	make_place web
	end_place
	# Processes may be hidden, or be in a pid namespace above.
	at VIEW mount -t proc -o hidepid=2 proc /proc
	is_kept
	at VIEW umount /proc
	[ "$(at VIEW unshare --pid --fork --mount-proc "$HOLM" net gc)" = "addresses made free: 0" ]
	# What is mounted where nobody is cannot be told.
	at VIEW "$HOLM" ns hold place --mnt
	is_kept
	at VIEW "$HOLM" ns drop place
	eventually buries
	nothing_known
}

@test "holm-etcd alone keeps no namespace either" {
	need etcd etcdctl
	[ -x "$(dirname "$HOLM")/holm-etcd" ] || skip "needs holm-etcd"
	make_place web --no-dns
	in_place ip link add up0 type veth peer name up1
	in_place ip addr add 192.0.2.1/24 dev up0
	in_place ip link set up0 up
	in_place ip link set up1 up
	start_at VIEW nsenter "--net=/proc/$PLACE/ns/net" etcd --data-dir "$T/etcd" --listen-peer-urls http://127.0.0.1:2380
	local etcd=${STARTED[-1]}
	eventually in_place env ETCDCTL_API=3 etcdctl endpoint health
	in_place "$HOLM" net create over --overlay --local 192.0.2.1 --etcd http://127.0.0.1:2379 --no-dns
	[ "$(helpers | wc -l)" = 1 ]
	end_place
	is_kept
	kill -KILL "$etcd"
	wait "$etcd" 2>/dev/null || :
	eventually buries
	nothing_known
}
