#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks of boxes: addresses, ways out, isolation, published ports. HOST is a network namespace of
# the test's own, and WORLD another one behind its only way out.

load net

setup()
{
	begin_test
	need_root
	need ip nft nsenter unshare curl
	make_host HOST
	make_host WORLD
	at HOST ip link add up0 type veth peer name eth0 netns "$WORLD" || skip "needs veth devices"
	at HOST ip link set up0 up
	at HOST ip addr add 192.0.2.10/24 dev up0
	at HOST ip addr add 2001:db8::10/64 dev up0 nodad
	at WORLD ip link set eth0 up
	at WORLD ip addr add 192.0.2.1/24 dev eth0
	at WORLD ip addr add 2001:db8::1/64 dev eth0 nodad
	at HOST ip route add default via 192.0.2.1
	at HOST ip -6 route add default via 2001:db8::1
	at HOST sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
	at HOST "$HOLM" net create web || skip "needs nf_tables"
}

teardown()
{
	all_of remove_networks end_test
}

# No bridge, pair, rule, address or file of the host is left once its networks are removed.
all_removed()
{
	local names left

	names=$(hnet ls --json | jq -r '.[].name')
	# shellcheck disable=SC2086
	{ [ -z "$names" ] || hnet rm $names; } || return 1
	left="$(interfaces HOST)$(at HOST nft list ruleset | wc -l) $(at HOST cat /proc/sys/net/ipv4/conf/up0/forwarding)"
	[ ! -e "/run/holm/net/$(cookie)" ] || left+=" $(ls "/run/holm/net/$(cookie)")"
	# Seen by whoever looks for why this was in vain.
	[ "$left" = "lo up0 0 0" ] || { echo "left: $left" && return 1; }
}

cookie()
{
	at HOST python3 -c 'import socket; print(int.from_bytes(socket.socket().getsockopt(socket.SOL_SOCKET, 71, 8), "little"))'
}

# serve_at HOST PORT: a server there
serve_at()
{
	start_at "$1" python3 -m http.server --bind :: "$2"
	eventually at "$1" curl -s -o /dev/null "http://127.0.0.1:$2/"
}

# box_serves NETWORK OPTION...: a box named srv that serves at its port 8000; LOG is what it says
box_serves()
{
	local network=$1

	shift
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	NAME=srv start_box --net "bridge:$network" "$@" -- python3 -u -m http.server --bind :: 8000
	PREFIX=()
	eventually at HOST curl -s -o /dev/null "http://$(address_of "$network"):8000/"
}

# address_of NETWORK [4|6]: of its first box
address_of()
{
	hnet inspect "$1" | jq -r ".boxes[0].address${2:-4}"
}

get()
{
	curl -s -g -m 3 -o /dev/null -w '%{http_code}' "$1"
}

# from_box NETWORK URL
from_box()
{
	box_at HOST --net "bridge:$1" -- curl -s -g -m 3 -o /dev/null -w '%{http_code}' "$2" 2>/dev/null || :
}

at_host_get()
{
	at "$1" curl -s -g -m 3 -o /dev/null -w '%{http_code}' "$2" || :
}

@test "two boxes on a network talk; addresses of both kinds; nothing left" {
	box_serves web --hostname one
	[ "$(address_of web)" = 10.77.0.2 ]
	[ "$(from_box web http://10.77.0.2:8000/)" = 200 ]
	[ "$(from_box web "http://[$(address_of web 6)]:8000/")" = 200 ]
	[ "$(at_host_get HOST http://10.77.0.2:8000/)" = 200 ]
	[ "$(hnet inspect web | jq -r '.boxes[0] | .hostname, .pid')" = "one
$INIT" ]
	run -125 --separate-stderr hnet rm web
	[[ $stderr == "holm: net: web: 1 boxes are on it, the first with pid $INIT" ]]
	# An address by wish, and one that is taken.
	[ "$(box_at HOST --net bridge:web,ip=10.77.1.7 -- ip -o -4 addr show eth0 | grep -o '10.77.1.7/22')" = 10.77.1.7/22 ]
	run -125 --separate-stderr box_at HOST --net bridge:web,ip=10.77.0.2 -- true
	[[ $stderr == *"10.77.0.2 is another box's"* ]]
	run -125 --separate-stderr box_at HOST --net bridge:web,ip=10.78.0.2 -- true
	[[ $stderr == *"cannot be an address of a box on the network web (10.77.0.0/22)"* ]]
	run -125 --separate-stderr box_at HOST --net bridge:nosuch -- true
	[[ $stderr == *'`holm net create nosuch` makes it'* ]]
	end_box
	eventually all_removed
}

@test "the way out: by the host's address, for IPv6 too; none from an internal network" {
	hnet create in --internal
	serve_at WORLD 80
	[ "$(from_box web http://192.0.2.1/)" = 200 ]
	if at HOST test -e /proc/sys/net/ipv6/conf/all/force_forwarding; then
		[ "$(from_box web 'http://[2001:db8::1]/')" = 200 ]
	fi
	[ "$(from_box in http://192.0.2.1/)" = 000 ]
	# Nobody comes in, not even who knows the way; and the host has not become a router.
	box_serves web
	at WORLD ip route add 10.77.0.0/16 via 192.0.2.10
	[ "$(at_host_get WORLD http://10.77.0.2:8000/)" = 000 ]
	make_host FAR
	at HOST ip link add far0 type veth peer name eth0 netns "$FAR"
	at HOST ip addr add 198.51.100.1/24 dev far0
	at HOST ip link set far0 up
	at FAR ip addr add 198.51.100.2/24 dev eth0
	at FAR ip link set eth0 up
	at FAR ip route add default via 198.51.100.1
	serve_at FAR 80
	at WORLD ip route add 198.51.100.0/24 via 192.0.2.10
	[ "$(at_host_get HOST http://198.51.100.2/)" = 200 ]
	[ "$(at_host_get WORLD http://198.51.100.2/)" = 000 ]
	end_box
	at HOST ip link del far0
	eventually all_removed
}

@test "networks do not reach each other, but what is published" {
	hnet create two
	hnet create in --internal
	box_serves web -p 0.0.0.0:8080:8000
	[ "$(from_box two http://10.77.0.2:8000/)" = 000 ]
	[ "$(from_box two "http://[$(address_of web 6)]:8000/")" = 000 ]
	[ "$(from_box two http://192.0.2.10:8080/)" = 200 ]
	[ "$(from_box in http://192.0.2.10:8080/)" = 000 ]
	# Of the host an internal network has the gateway's ping and names, no more.
	serve_at HOST 81
	[ "$(from_box two http://10.77.4.1:81/)" = 200 ]
	[ "$(from_box in http://10.77.8.1:81/)" = 000 ]
	# The host's address on another network is not for this one.
	[ "$(from_box two http://10.77.0.1:81/)" = 000 ]
	[ "$(from_box two http://10.77.8.1:81/)" = 000 ]
	[ "$(from_box two http://192.0.2.10:81/)" = 200 ]
	end_box
	eventually all_removed
}

@test "a published port: from the world, the host, the network; the sender's address is kept" {
	box_serves web -p 0.0.0.0:8080:8000 -p '[::]:8080:8000' -p 8081:8000
	grep -q 'published: 0.0.0.0:8080:8000/tcp \[::\]:8080:8000/tcp 127.0.0.1:8081:8000/tcp' "$T/srv.err"
	[ "$(at_host_get WORLD http://192.0.2.10:8080/)" = 200 ]
	[ "$(at_host_get WORLD 'http://[2001:db8::10]:8080/')" = 200 ]
	grep -q '^::ffff:192.0.2.1 ' "$T/srv.err"
	grep -q '^2001:db8::1 ' "$T/srv.err"
	[ "$(at_host_get HOST http://127.0.0.1:8080/)" = 200 ]
	[ "$(at_host_get HOST http://192.0.2.10:8080/)" = 200 ]
	[ "$(at_host_get HOST 'http://[2001:db8::10]:8080/')" = 200 ]
	# From the network of the box, and from the box to itself.
	[ "$(from_box web http://192.0.2.10:8080/)" = 200 ]
	[ "$(at_host_get HOST http://127.0.0.1:8081/)" = 200 ]
	[ "$(at_host_get WORLD http://192.0.2.10:8081/)" = 000 ]
	end_box
	[ "$(at_host_get HOST http://127.0.0.1:8080/)" = 000 ]
	[ -z "$(at HOST nft list map inet holm any4 | grep elements)" ]
	eventually all_removed
}

@test "what is for 127.0.0.0/8 comes from no network, although it is routed" {
	box_serves web -p 8080:8000
	serve_at HOST 81
	[ "$(at HOST sh -c 'cat /proc/sys/net/ipv4/conf/hb*/route_localnet')" = 1 ]
	box_at HOST --net bridge:web --user root --cap net_admin --seccomp none -- sh -c '
		ip route del local 127.0.0.0/8 dev lo table local; ip route del local 127.0.0.1 dev lo table local
		ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via 10.77.0.1
		curl -s -m 2 http://127.0.0.1:81/' && return 1
	end_box
	eventually all_removed
}

@test "ports that are taken, nowhere, or of no kind that can be had" {
	box_serves web -p 0.0.0.0:8080:8000 -p 9000-9099:9000-9099
	serve_at HOST 81
	for port in 8080:80 192.0.2.10:8080:80 9050:80; do
		run -125 --separate-stderr box_at HOST --net bridge:web -p "$port" -- touch started
		[[ $stderr == "holm: publish: "*" is taken by a box on the network web" ]]
	done
	run -125 --separate-stderr box_at HOST --net bridge:web -p 81:80 -- true
	[[ $stderr == *"a program of the host has port 81" ]]
	run -125 --separate-stderr box_at HOST --net bridge:web -p 198.51.100.7:80:80 -- true
	[[ $stderr == *"the host has no address 198.51.100.7" ]]
	run -125 --separate-stderr box_at HOST --net bridge:web -p '[::1]:80:80' -- true
	[[ $stderr == *"the kernel lets nothing from ::1 to another interface"* ]]
	run -125 --separate-stderr box_at HOST --net bridge:web -p 80:80 -p 80:81 -- true
	[[ $stderr == *"want the same port" ]]
	# UDP is another thing; and a port that is chosen is said.
	box_at HOST --net bridge:web -p 0.0.0.0:8080:80/udp -- true
	box_at HOST --net bridge:web -p 80 -- true 2>err
	grep -Eq 'published: 127.0.0.1:[0-9]{4,5}:80/tcp' err
	# One element for a range, and all of them work.
	[ "$(at HOST nft -j list map inet holm range4 | jq '[.nftables[].map.elem? // empty] | length')" = 1 ]
	[ "$(at_host_get HOST http://127.0.0.1:9000/)" = 000 ]
	end_box
	eventually all_removed
}

@test "a box cannot send in another's name to other networks or the world" {
	cat >hear <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", 5000))
		while True:
		    print(s.recv(100).decode(), file=open(sys.argv[1], "a"), end="", flush=True)
	END
	start_at WORLD python3 hear "$T/seen"
	sleep 0.5
	at WORLD ip route add 203.0.113.0/24 via 192.0.2.10
	box_at HOST --net bridge:web --user root --cap net_admin -- sh -c '
		ip addr add 203.0.113.7/32 dev eth0
		python3 -c "
import socket
for name, source in (\"forged\", \"203.0.113.7\"), (\"mine\", \"0.0.0.0\"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    s.sendto((name + chr(10)).encode(), (\"192.0.2.1\", 5000))
"'
	eventually grep -sqx mine "$T/seen"
	not grep -q forged "$T/seen"
	eventually all_removed
}

@test "UDP: there and back, from the world and from the host" {
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	start_box --net bridge:web -p 0.0.0.0:5353:53/udp -- python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 53))
while True:
    data, who = s.recvfrom(100)
    s.sendto(data + b" from " + who[0].encode(), who)'
	PREFIX=()
	cat >ask <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(1)
		s.sendto(b"hello", (sys.argv[1], 5353))
		print(s.recv(100).decode())
	END
	sleep 0.5; at WORLD python3 ask 192.0.2.10
	[ "$(at WORLD python3 ask 192.0.2.10)" = "hello from 192.0.2.1" ]
	[ "$(at HOST python3 ask 127.0.0.1)" = "hello from 10.77.0.1" ]
	end_box
	eventually all_removed
}

@test "who is killed leaves nothing, and what was his is free" {
	box_serves web -p 8080:8000 --hostname gone
	kill -KILL "$BOX"
	eventually gone "$INIT"
	# The next one sees it in passing, and gc does.
	rm -f "$T"/srv.*
	box_serves web -p 8080:8000
	[ "$(address_of web)" = 10.77.0.2 ]
	[ "$(hnet inspect web | jq '.boxes | length')" = 1 ]
	kill -KILL "$BOX"
	eventually gone "$INIT"
	[ "$(hnet gc)" = "addresses made free: 1" ]
	# A network that was being made when its maker was killed.
	mkdir "/run/holm/net/$(cookie)/half"
	[ "$(hnet gc)" = "addresses made free: 0" ]
	[ ! -e "/run/holm/net/$(cookie)/half" ]
	[ -z "$(at HOST nft list map inet holm port4 | grep elements)" ]
	eventually all_removed
}

@test "bad subnets, names that are taken, and nothing half made" {
	run -125 --separate-stderr hnet create web
	[[ $stderr == *'there is a network "web" already' ]]
	run -125 --separate-stderr hnet create 'We b'
	[[ $stderr == *"cannot be a network's name"* ]]
	run -125 --separate-stderr hnet create x --subnet 10.77.1.0/24
	[[ $stderr == *"overlaps the network web" ]]
	run -125 --separate-stderr hnet create x --subnet 192.0.0.0/16
	[[ $stderr == *"overlaps the route to 192.0.2.0/24" ]]
	run -125 --separate-stderr hnet create x --subnet 10.9.0.1/24
	[[ $stderr == *"the network's own address is 10.9.0.0" ]]
	run -125 --separate-stderr hnet create x --subnet 10.9.0.0/33
	[[ $stderr == *"is no network"* ]]
	run -125 --separate-stderr hnet create x --subnet 10.9.0.0/31
	[[ $stderr == *"a prefix of 8 to 29" ]]
	run -125 --separate-stderr hnet rm nosuch
	[[ $stderr == *'there is no network "nosuch"' ]]
	[ "$(hnet ls --json | jq length)" = 1 ]
	hnet create small --subnet 10.9.0.0/29 --no-ipv6
	for i in 2 3 4 5 6; do
		start_at HOST "$HOLM" box --net bridge:small -- sleep 60
	done
	eventually full small 5
	run -125 --separate-stderr box_at HOST --net bridge:small -- true
	[[ $stderr == *"no address of 10.9.0.0/29 is free" ]]
	for pid in $(hnet inspect small | jq '.boxes[].pid'); do kill -KILL "$pid"; done
	eventually full small 0
	eventually all_removed
	as_user_words
	run -125 --separate-stderr at HOST "${AS_USER[@]}" "$HOLM" net create mine
	[[ $stderr == *"Permission denied" ]]
}

full()
{
	[ "$(hnet inspect "$1" | jq '.boxes | length')" = "$2" ]
}

@test "200 boxes at once: each its own address, and nothing is left" {
	local pids=() i

	mkdir seen
	mkfifo seen/gate
	for ((i = 0; i < 200; i++)); do
		at HOST "$HOLM" box --net bridge:web --work seen -- \
			sh -c 'ip -o -4 addr show eth0 >$$.'"$i"'; read -r x <gate || :' 3>&- &
		pids+=("$!")
	done
	eventually all_there
	full web 200
	: >seen/gate
	wait "${pids[@]}"
	[ "$(cat seen/*.* | grep -o 'inet [0-9./]*' | sort -u | wc -l)" = 200 ]
	eventually full web 0
	eventually all_removed
}

all_there()
{
	[ "$(cat seen/*.* 2>/dev/null | wc -l)" = 200 ]
}

@test "ports of a box that runs come and go, while others stay" {
	box_serves web --hostname srv -p 8080:8000
	[ "$(hnet publish web srv 8081:8000 0.0.0.0:8082:8000)" = "127.0.0.1:8081:8000/tcp
0.0.0.0:8082:8000/tcp" ]
	[ "$(at_host_get HOST http://127.0.0.1:8081/)" = 200 ]
	[ "$(at_host_get WORLD http://192.0.2.10:8082/)" = 200 ]
	hnet unpublish web "$MAIN" 8081:8000
	[ "$(at_host_get HOST http://127.0.0.1:8081/)" = 000 ]
	[ "$(at_host_get HOST http://127.0.0.1:8080/)" = 200 ]
	hnet rules >told
	cat told
	grep -qx "web: 0.0.0.0:8082:8000/tcp leads to 10.77.0.2 (process $INIT)" told
	[ "$(grep -c leads told)" = 2 ]
	run -125 --separate-stderr hnet publish web srv 8082:8000
	[[ $stderr == *"is taken by a box on the network web" ]]
	run -125 --separate-stderr hnet unpublish web srv 9999:8000
	[[ $stderr == *"127.0.0.1:9999:8000/tcp is not published for this box" ]]
	run -125 --separate-stderr hnet publish web nosuch 80:80
	[[ $stderr == *'there is no box "nosuch" on it'* ]]
	[[ $(hnet publish web srv 8000) =~ ^127.0.0.1:[0-9]{4,5}:8000/tcp$ ]]
	end_box
	eventually full web 0
	[ -z "$(at HOST nft list map inet holm any4 | grep elements)" ]
	eventually all_removed
}

@test "a box that runs is connected to another network, and disconnected" {
	hnet create two
	box_serves web
	[ "$(from_box two http://10.77.4.2:8000/)" = 000 ]
	[ "$(hnet connect two "$MAIN" | cut -d ' ' -f 1)" = 10.77.4.2 ]
	[ "$(at_host_get HOST http://10.77.4.2:8000/)" = 200 ]
	[ "$(from_box two http://10.77.4.2:8000/)" = 200 ]
	run -125 --separate-stderr hnet rm two
	[[ $stderr == *"1 boxes are on it"* ]]
	hnet disconnect two "$MAIN"
	[ "$(hnet inspect two | jq '.boxes | length')" = 0 ]
	[ "$(at_host_get HOST http://10.77.4.2:8000/)" = 000 ]
	run -125 --separate-stderr hnet connect two "$HOST"
	[[ $stderr == *"net: process $HOST has the host's network" ]]
	end_box
	eventually all_removed
}

# A bridge that is new takes a moment to know its ports.
world_gets_it()
{
	[ "$(at_host_get WORLD http://192.0.2.10:8080/)" = 200 ]
}

@test "what others flush or remove is found and repaired, by itself where it is needed" {
	box_serves web -p 0.0.0.0:8080:8000 -p 9000-9009:9000-9009
	hnet check
	at HOST nft flush ruleset
	run -1 hnet check
	[[ $output == *"inet holm: the table of rules is missing (holm net check --repair)"* ]]
	[ "$(at_host_get WORLD http://192.0.2.10:8080/)" = 000 ]
	hnet check --repair
	hnet check
	eventually world_gets_it
	# A port alone.
	at HOST nft flush map inet holm any4
	run -1 hnet check
	[[ $output == *"0.0.0.0:8080:8000/tcp: a published port is missing"* ]]
	hnet check --repair
	eventually world_gets_it
	# The bridge, with a box on it.
	at HOST ip link del "$(hnet inspect web | jq -r .bridge)"
	run -1 hnet check
	[[ $output == *"web: the bridge is missing"* ]]
	hnet check --repair
	hnet check
	eventually world_gets_it
	# Who starts a box needs no repair beforehand.
	at HOST nft flush ruleset
	box_at HOST --net bridge:web -- true
	eventually world_gets_it
	end_box
	eventually all_removed
}

@test "names: of boxes as they come and go, of others by the host's servers; not out of an internal network" {
	need dnsmasq
	hnet create in --internal
	box_serves web --hostname srv
	# Its own, seen from another box, both kinds of address.
	box_at HOST --net bridge:web -- sh -c 'cat /etc/resolv.conf; getent ahosts srv; curl -s -o /dev/null -w "%{http_code}\n" http://srv:8000/' >out
	cat out
	grep -qx 'nameserver 10.77.0.1' out
	grep -q '^10.77.0.2 ' out
	grep -qx 200 out
	# Not from another network.
	not box_at HOST --net bridge:in -- getent ahosts srv
	end_box
	eventually nameless
	# The server ends with its network.
	[ "$(at HOST pgrep -fc "^dnsmasq .*$(hnet inspect web | jq -r .bridge)")" -ge 1 ]
	bridge=$(hnet inspect web | jq -r .bridge)
	eventually all_removed
	eventually no_server "$bridge"
}

nameless()
{
	not box_at HOST --net bridge:web -- getent ahosts srv
}

no_server()
{
	[ -z "$(pgrep -f "^dnsmasq .*$1")" ]
}

@test "a rate holds in both directions, each its own" {
	head -c 3000000 /dev/zero >big
	serve_at HOST 81
	took=$(box_at HOST --net bridge:web,rate=8mbit/80mbit -- curl -s -o /dev/null -w '%{time_total}' http://10.77.0.1:81/big)
	awk -v t="$took" 'BEGIN { exit !(t > 2.2 && t < 6) }'
	took=$(box_at HOST --net bridge:web -- curl -s -o /dev/null -w '%{time_total}' http://10.77.0.1:81/big)
	awk -v t="$took" 'BEGIN { exit !(t < 1.5) }'
	head -c 3000000 /dev/zero >"$T/srvbig"
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	NAME=srv start_box --net bridge:web,rate=80mbit/8mbit --ro-bind "$T/srvbig" -- \
		python3 -m http.server --directory "$T" 8000
	PREFIX=()
	eventually at HOST curl -s -o /dev/null -I http://10.77.0.2:8000/
	took=$(at HOST curl -s -o /dev/null -w '%{time_total}' http://10.77.0.2:8000/srvbig)
	awk -v t="$took" 'BEGIN { exit !(t > 2.2 && t < 6) }'
	end_box
	eventually all_removed
	run -125 --separate-stderr "$HOLM" box --net veth,rate=fast -- true
	[[ $stderr == *"is no rate; write 10mbit"* ]]
}
