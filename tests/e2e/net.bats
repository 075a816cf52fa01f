#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Interfaces of a box: pairs, faces of another interface, one that is lent, and pasta.

load net

@test "none and host say what share says; what contradicts is refused" {
	[ "$("$HOLM" box --net none -- sh -c 'cat /proc/net/dev | tail -n +3 | wc -l')" = 1 ]
	[ "$("$HOLM" box --net host -- readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
	refused 125 "need a network namespace of the box's own, but it is shared" --net host --net veth -- true
	refused 125 "need a network namespace of the box's own, but it is shared" --net host -p 80 -- true
	refused 125 "none goes with no interface" --net none -p 80 -- true
	refused 125 "publish: needs an interface that ports can lead to" -p 80 -- true
	refused 125 "there is no mode \"bride\"" --net bride -- true
	refused 125 "macvlan needs an interface" --net macvlan -- true
	refused 125 "there is no key \"addr\"" --net veth,addr=1 -- true
	refused 125 "is no address" --net veth,ip=10.0.0.300/24 -- true
	refused 125 "is no hardware address" --net veth,mac=03:00:00:00:00:01 -- true
	refused 125 "is not [IP:]HOST:BOX" -p 80-90:80-85 -- true
	refused 125 "open /run/netns/nosuch" --net join:nosuch -- true
}

@test "an ordinary user is told of pasta" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	refused 125 "start as root, or use --net pasta" --net veth -- true
	refused 125 "start as root, or use --net pasta" --net macvlan:eth0 -- true
}

@test "join: the network of a process or of another box" {
	need_root
	need ip
	start_box --net none -- sleep 60
	[ "$("$HOLM" box --net "join:$MAIN" -- readlink /proc/self/ns/net)" = "$(ns_of "$MAIN" net)" ]
}

@test "veth: a pair with addresses of both kinds, a route, an MTU; gone with the box" {
	need_hosts
	box_at HOST --net veth,name=net0,ip=10.9.0.2/24,ip=fd09::2/64,gateway=10.9.0.1,gateway=fd09::1,mtu=1400,dns=10.9.0.1,mac=02:00:00:00:00:07 --cap net_raw \
		-- sh -c 'ip -o addr show net0; ip -o link show net0; ip route; ip -6 route; cat /etc/resolv.conf
			busybox ping -c 1 -W 5 10.9.0.1; busybox ping -6 -c 1 -W 5 fd09::1' >out
	cat out
	grep -q 'inet 10.9.0.2/24 brd 10.9.0.255' out
	grep -q 'inet6 fd09::2/64' out
	grep -q 'mtu 1400' out
	grep -q 'link/ether 02:00:00:00:00:07' out
	grep -q 'default via 10.9.0.1 dev net0' out
	grep -q 'default via fd09::1 dev net0' out
	grep -qx 'nameserver 10.9.0.1' out
	[ "$(grep -c '1 packets received' out)" = 2 ]
	eventually is_bare
	# Several; and what fails later leaves none.
	[ "$(box_at HOST --net veth --net veth,name=b -- ls /proc/sys/net/ipv4/conf | tr '\n' ' ')" = "all b default eth0 lo " ]
	at HOST "$HOLM" box --net veth -- nosuch && return 1
	eventually is_bare
	# The other end is a gateway that may be on no other link.
	run -125 --separate-stderr box_at HOST --net veth,ip=10.9.0.2/24,gateway=10.8.0.1 -- true
	[[ $stderr == *"is in the network of none of the interface's addresses"* ]]
	run -125 --separate-stderr box_at HOST --net veth,name=x --net veth,name=x -- true
	[[ $stderr == *"two interfaces would be \"x\""* ]]
	run -125 --separate-stderr box_at HOST --net veth,hostname=x -- true
	[[ $stderr == *"veth has no key hostname"* ]]
}

is_bare()
{
	[ "$(interfaces HOST)" = "lo up0 up1 " ]
}

@test "veth: gone also when everybody is killed" {
	need_hosts
	as_user_words
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	start_box --net veth,ip=10.9.0.2/24,gateway=10.9.0.1 -- sleep 60
	PREFIX=()
	not is_bare
	kill -KILL "$BOX"
	eventually is_bare
}

@test "macvlan: a second face of an interface; ipvlan or a clear error" {
	need_hosts
	at HOST ip link add link up0 name try0 type macvlan || skip "needs macvlan"
	at HOST ip link del try0
	at HOST ip addr add 10.8.0.1/24 dev up1
	box_at HOST --net macvlan:up0,ip=10.8.0.2/24 --cap net_raw -- busybox ping -c 1 -W 5 10.8.0.1 >out
	grep -q '1 packets received' out
	run -125 --separate-stderr box_at HOST --net macvlan:nosuch -- true
	[[ $stderr == "holm: net macvlan:nosuch -> eth0: find the interface that it is to be on: No such device" ]]
	if ! box_at HOST --net ipvlan:up1,ip=10.8.0.3/24 -- true 2>err; then
		grep -q 'this kernel has no interfaces of that kind' err
	fi
	eventually is_bare
}

@test "phys: lent with its addresses, and back at the end, as it was" {
	need_hosts
	at HOST ip addr add 10.7.0.5/24 dev up1
	at HOST ip -o addr show up1 | grep -c 10.7.0.5
	box_at HOST --net phys:up1,name=wan0 -- sh -c 'ip -o addr show wan0; ls /sys/class/net' >out || :
	cat out
	grep -q 10.7.0.5/24 out
	at HOST ip -o addr show up1 | grep -q 10.7.0.5/24
	at HOST ip -o link show up1 | grep -q '[<,]UP[,>]'
	# Another address instead of its own.
	box_at HOST --net phys:up1,ip=10.6.0.1/24 -- ip -o addr show up1 >out
	grep -q 10.6.0.1/24 out
	not grep -q 10.7.0.5 out
	at HOST ip -o addr show up1 | grep -q 10.7.0.5/24
	# After a failure, too.
	not box_at HOST --net phys:up1 -- nosuch
	at HOST ip -o addr show up1 | grep -q 10.7.0.5/24
	run -125 --separate-stderr box_at HOST --net phys:up1 --outlive-parent -- true
	[[ $stderr == *"phys ends with holm"* ]]
}

@test "pasta: an ordinary user's way out, as far as was asked" {
	need_pasta
	as_user_at HOST "$HOLM" box --net pasta,dns=192.0.2.53,mtu=1400 -- sh -c 'ip -o addr show eth0; ip -o link show eth0; cat /etc/resolv.conf' >out
	cat out
	grep -q 192.0.2.10/24 out
	grep -qx 'nameserver 192.0.2.53' out
	# The host's own ports only where it is said.
	[ "$(as_user_at HOST "$HOLM" box --net pasta,host=yes -- curl -s -m 5 -o /dev/null -w '%{http_code}' http://192.0.2.1:8099/)" = 200 ]
	not as_user_at HOST "$HOLM" box --net pasta -- curl -s -m 1 http://192.0.2.1:8099/
	not as_user_at HOST "$HOLM" box --net pasta -- curl -s -m 1 http://127.0.0.1:8099/
	no_pasta
	run -125 --separate-stderr as_user_at HOST "$HOLM" box --net pasta --net none -- true
	[[ $stderr == *"none goes with no interface"* ]]
	run -125 --separate-stderr as_user_at HOST "$HOLM" box --net pasta --outlive-parent -- true
	[[ $stderr == *"pasta ends with holm"* ]]
}

@test "pasta: a port is published, a taken one is an error, and it ends with the box" {
	need_pasta
	as_user_words
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" "--mount=/proc/$HOST/ns/mnt" -- "${AS_USER[@]}")
	start_box --net pasta -p 8077:8080 -- busybox nc -l -p 8080 -e echo hello
	eventually listens
	PREFIX=()
	wait_box
	no_pasta
	run -125 --separate-stderr as_user_at HOST "$HOLM" box --net pasta -p 8099:80 -- true
	echo "$stderr"
	[[ $stderr == "holm: publish: 127.0.0.1:8099:80/tcp: a program of the host has port 8099" ]]
	no_pasta
	as_user_at HOST "$HOLM" box --net pasta -p 80 -- true 2>err
	grep -Eq '^holm: note: published: 127.0.0.1:[0-9]+:80/tcp$' err
	# Nor does it outlive who is killed.
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" "--mount=/proc/$HOST/ns/mnt" -- "${AS_USER[@]}")
	rm -f "$T"/out "$T"/err "$T"/info "$T"/status
	start_box --net pasta -- sleep 60
	PREFIX=()
	not no_pasta
	kill -KILL "$BOX"
	eventually no_pasta
}

listens()
{
	[ "$(at HOST busybox nc -w 2 127.0.0.1 8077 </dev/null)" = hello ]
}
