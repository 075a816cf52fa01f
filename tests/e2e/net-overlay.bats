#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks over several hosts, with the list of hosts given.

load net-overlay

setup()
{
	overlay_setup
}

teardown()
{
	overlay_teardown
}

create_on_all()
{
	local host

	for host in A B C; do
		net_at "$host" create "$@"
	done
}

overlay_of()
{
	net_at "$1" inspect over | jq -r ".overlay.$2"
}

@test "three hosts: every box has an address of its own, and reaches the others by TCP, UDP and IPv6" {
	create_on_all over --overlay --peers 192.0.2.1,192.0.2.2,192.0.2.3 --no-dns
	# Each has decided the same, and has a share of its own.
	[ "$(overlay_of A vni)" = "$(overlay_of C vni)" ]
	[ "$(net_at A inspect over | jq -r '.subnet4, .subnet6')" = "$(net_at B inspect over | jq -r '.subnet4, .subnet6')" ]
	[ "$(overlay_of A slot) $(overlay_of B slot) $(overlay_of C slot)" = "0 1 2" ]
	[ "$(overlay_of A mtu)" = 1450 ]
	[ "$(overlay_of B 'peers | join(" ")')" = "192.0.2.1 192.0.2.3" ]
	for host in A B C; do
		serve_in "$host" over
		serve_in "$host" over
	done
	for host in A B C; do eventually has_boxes "$host" over 2; done
	[ "$({ boxes_at A over; boxes_at B over; boxes_at C over; } | sort -u | wc -l)" = 6 ]
	for host in A B C; do
		for to in A B C; do
			for address in $(boxes_at "$to" over); do
				eventually talk "$host" over "$address"
			done
		done
	done
	eventually talk A over "$(net_at C inspect over | jq -r '.boxes[0].address6')"
	# The host itself, too; and the packets of the box fit without being cut outside.
	box_at A --net bridge:over -- ip link show eth0 | grep -q 'mtu 1450 '
	at A python3 "$HERE/echo.py" talk "$(boxes_at B over | head -1)" 100000
	# Off the share of the host no address is given.
	run -125 --separate-stderr box_at A --net "bridge:over,ip=$(boxes_at B over | head -1)" -- true
	[[ $stderr == *"is not for a box of this host"* ]]
	end_hosts
	hosts_are_bare
}

@test "over IPv6; by another port and number" {
	create_on_all over --overlay --peers fd00:aa::1,fd00:aa::2,fd00:aa::3 --vni 77 --port 14789 --subnet 10.9.0.0/24 --no-ipv6
	[ "$(overlay_of A mtu) $(overlay_of A vni) $(overlay_of A port) $(overlay_of A slots)" = "1430 77 14789 16" ]
	serve_in C over
	eventually has_boxes C over 1
	[ "$(boxes_at C over)" = 10.9.0.33 ]
	eventually talk A over 10.9.0.33
	end_hosts
	hosts_are_bare
}

@test "peers come and go; who is none reaches nobody" {
	net_at A create over --overlay --peers 192.0.2.1,192.0.2.2 --no-dns
	net_at B create over --overlay --peers 192.0.2.1,192.0.2.2 --no-dns
	net_at C create over --overlay --peers 192.0.2.1,192.0.2.2 --slot 2 --no-dns
	serve_in A over
	eventually has_boxes A over 1
	eventually talk B over "$(boxes_at A over)"
	# C has been told of A, A not of C: its packets are dropped at the door.
	run talk C over "$(boxes_at A over)"
	[ "$status" != 0 ]
	net_at A peers over add 192.0.2.3
	net_at B peers over add 192.0.2.3
	[ "$(net_at A peers over | tr '\n' ' ')" = "192.0.2.2 192.0.2.3 " ]
	eventually talk C over "$(boxes_at A over)"
	net_at A peers over rm 192.0.2.3
	run talk C over "$(boxes_at A over)"
	[ "$status" != 0 ]
	eventually talk B over "$(boxes_at A over)"
	run -125 --separate-stderr net_at A peers over rm 192.0.2.3
	[ "$stderr" = "holm: net: over: 192.0.2.3 is no peer of it" ]
	# The death of a host is nothing to the others.
	at SWITCH ip link set p3 down
	eventually talk B over "$(boxes_at A over)"
	end_hosts
	hosts_are_bare
}

@test "what others have removed is found and made again" {
	create_on_all over --overlay --peers 192.0.2.1,192.0.2.2,192.0.2.3 --no-dns
	serve_in A over
	eventually has_boxes A over 1
	device=$(overlay_of A device)
	at A bridge fdb del 00:00:00:00:00:00 dev "$device" dst 192.0.2.2
	run -1 net_at A check
	[ "$output" = "over: the VXLAN interface does not know its peers (holm net check --repair)" ]
	net_at A check --repair
	at A ip link del "$device"
	run -1 net_at A check
	[ "$output" = "over: the VXLAN interface is missing (holm net check --repair)" ]
	net_at A check --repair
	at A nft flush set inet holm vxpeers4
	run -1 net_at A check
	[ "$output" = "over: the rules for its peers are missing (holm net check --repair)" ]
	net_at A check --repair
	at A nft flush ruleset
	net_at A check --repair
	eventually talk B over "$(boxes_at A over)"
	# A start makes the device again by itself.
	at B ip link del "$(overlay_of B device)"
	eventually talk B over "$(boxes_at A over)"
	end_hosts
	hosts_are_bare
}

@test "what cannot be is refused, and nothing of it is there" {
	says_no "needs --peers or --local" create over --overlay
	says_no '"nohost" is no address' create over --overlay --peers nohost
	says_no "192.0.2.9 is no address of this host" create over --overlay --local 192.0.2.9
	says_no "fd00:aa::2 cannot be reached from 192.0.2.1" create over --overlay --peers 192.0.2.1,fd00:aa::2
	says_no "overlaps the route to 192.0.2.0/24" create over --overlay --peers 192.0.2.1 --subnet 192.0.0.0/16
	says_no "has room for 4 hosts" create over --overlay --peers 192.0.2.1 --subnet 10.9.0.0/26 --slot 4
	says_no "are of --overlay" create over --peers 192.0.2.1
	at A ip link set eth0 mtu 1300
	says_no "packets of 1300 bytes between the hosts leave 1250 for those inside, and IPv6 needs 1280 (--no-ipv6 does without)" \
		create over --overlay --peers 192.0.2.1,192.0.2.2
	at A ip link set eth0 mtu 1500
	at A ip link add theirs type vxlan id 77 local 192.0.2.1 dstport 4789
	at A ip link set theirs up
	says_no "another interface has the VXLAN number 77 at port 4789 (--vni)" create over --overlay --peers 192.0.2.1 --vni 77
	at A ip link del theirs
	hosts_are_bare
}

# says_no WORDS ARG...
says_no()
{
	local words=$1

	shift
	run -125 --separate-stderr net_at A "$@"
	[[ $stderr == *"$words"* ]] || {
		echo "$stderr"
		return 1
	}
}
