#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Boxes that may reach some names and nothing else. HOST is a network namespace of the test's own,
# with a server in WORLD behind it, whose names stand in an /etc/hosts of the test's.

load net

setup()
{
	begin_test
	as_user_words
}

# What stands behind good.example and its neighbours is an address of the world, here WORLD's.
need_world()
{
	need_root
	need ip nsenter unshare curl
	make_host HOST
	make_host WORLD
	at HOST ip link add up0 type veth peer name eth0 netns "$WORLD" || skip "needs veth devices"
	at HOST ip link set up0 up
	at HOST ip addr add 9.9.9.1/24 dev up0
	at HOST ip addr add 10.5.5.1/24 dev up0
	at WORLD ip link set eth0 up
	at WORLD ip addr add 9.9.9.9/24 dev eth0
	at WORLD ip addr add 10.5.5.9/24 dev eth0
	cat >hosts <<-'HOSTS'
		127.0.0.1 localhost
		9.9.9.9 good.example a.wild.example b.wild.example wild.example other.example
		9.9.9.1 self.example
		10.5.5.9 inner.example
		127.0.0.1 loop.example
		169.254.169.254 meta.example
		9.9.9.77 dead.example
		9.9.9.77 half.example
		9.9.9.9 half.example
	HOSTS
	chmod 644 hosts
	at HOST mount --bind "$T/hosts" /etc/hosts
	printf 'hosts: files\n' >nsswitch
	chmod 644 nsswitch
	at HOST mount --bind "$T/nsswitch" /etc/nsswitch.conf
	mkdir www
	head -c 5000000 /dev/urandom >www/big
	echo hello >www/index.html
	chmod -R a+rX www
	start_at WORLD python3 -m http.server --directory "$T/www" --bind 0.0.0.0 80
	start_at WORLD python3 -m http.server --directory "$T/www" --bind 0.0.0.0 81
	start_at HOST python3 -m http.server --directory "$T/www" --bind 0.0.0.0 80
	eventually at HOST curl -s -o /dev/null http://9.9.9.9:80/
	eventually at HOST curl -s -o /dev/null http://9.9.9.9:81/
	eventually at HOST curl -s -o /dev/null http://127.0.0.1:80/
}

# user_box OPTION...: of an ordinary user on HOST, who may read the box's root from a copy
user_box()
{
	as_user_at HOST "$HOLM" box "$@"
}

# get URL OPTION...: what a box gets: 200, or 000
get()
{
	local url=$1

	shift
	user_box "$@" -- curl -s -m 8 -o /dev/null -w '%{http_code}' "$url" || :
}

@test "an ordinary user's box reaches the names that are allowed, and nothing else" {
	need_world
	local allow='--allow-host=good.example,*.wild.example,inner.example,loop.example,self.example,meta.example'
	[ "$(get http://good.example/ "$allow")" = 200 ]
	[ "$(get http://GOOD.example./ "$allow")" = 200 ]
	[ "$(get http://good.example:81/ "$allow")" = 200 ]
	[ "$(get http://a.wild.example/ "$allow")" = 200 ]
	[ "$(get http://wild.example/ "$allow")" = 000 ]
	[ "$(get http://other.example/ "$allow")" = 000 ]
	[ "$(get http://9.9.9.9/ "$allow")" = 000 ]
	[ "$(get http://9.9.9.1/ "$allow")" = 000 ]
	# An allowed name opens nothing that is within: the host, its loopback, its networks.
	: >log
	chmod 666 log
	for name in inner loop self meta; do
		[ "$(get "http://$name.example/" "$allow" --egress-log "$T/log")" = 000 ]
	done
	cat log
	[ "$(grep -c "private address, or the host's own" log)" = 4 ]
	# Unless that is said.
	[ "$(get http://loop.example/ --allow-host loop.example=127.0.0.1)" = 200 ]
	[ "$(get http://db/ --allow-host db=10.5.5.9:80)" = 200 ]
	[ "$(get http://db:81/ --allow-host db=10.5.5.9:80)" = 000 ]
	[ "$(get http://good.example:81/ --allow-host good.example:80)" = 000 ]
	[ "$(get http://good.example:81/ --allow-host good.example:80,good.example:81)" = 200 ]
	# Of several addresses one that answers; and none.
	[ "$(get http://half.example/ --allow-host half.example)" = 200 ]
	[ "$(get http://dead.example/ --allow-host dead.example)" = 000 ]
	# No name at all.
	[ "$(get http://good.example/ --allow-host '')" = 000 ]
	# Root's is the same.
	[ "$(box_at HOST --allow-host good.example -- curl -s http://good.example/)" = hello ]
	[ "$(box_at HOST --allow-host good.example --user root --cap all --seccomp none -- sh -c 'nft flush ruleset; ip route del local default table local; curl -s -m 2 http://9.9.9.9/' 2>/dev/null)" = "" ]
}

@test "what goes through is whole: large, many at once, half closed" {
	need_world
	local sum
	sum=$(sha256sum <www/big)
	[ "$(user_box --allow-host good.example -- curl -s -m 20 http://good.example/big | sha256sum)" = "$sum" ]
	user_box --allow-host good.example -- sh -c '
		for i in 1 2 3 4 5 6 7 8 9 10; do curl -s -m 30 http://good.example/big | sha256sum & done
		wait' >sums
	[ "$(sort -u sums)" = "$sum" ]
	[ "$(wc -l <sums)" = 10 ]
	# An answer that comes after the question has ended.
	start_at WORLD python3 -c 'import socket
with socket.create_server(("0.0.0.0", 7)) as server:
	while True:
		c, _ = server.accept()
		data = b""
		while part := c.recv(65536):
			data += part
		c.sendall(b"%d" % len(data))
		c.close()'
	eventually at WORLD python3 -c 'import socket; socket.create_connection(("127.0.0.1", 7))'
	[ "$(user_box --allow-host good.example -- python3 -c 'import socket
s = socket.create_connection(("good.example", 7))
s.sendall(b"x" * 3000000)
s.shutdown(socket.SHUT_WR)
print(s.recv(100).decode())')" = 3000000 ]
	# 300 connections that are open at once, each with its own answer.
	start_at WORLD python3 -c 'import socket
server = socket.create_server(("0.0.0.0", 9), backlog=1000)
all = [server.accept()[0] for _ in range(300)]
for i, c in enumerate(all):
	c.sendall(c.recv(100) * 2)
	c.close()'
	eventually at WORLD sh -c 'grep -q ":0009 00000000:0000 0A" /proc/net/tcp'
	[ "$(user_box --allow-host good.example -- python3 -c 'import socket
all = [socket.create_connection(("good.example", 9)) for _ in range(300)]
for i, s in enumerate(all):
	s.sendall(b"%d " % i)
print(sum(s.makefile("rb").read() == b"%d %d " % (i, i) for i, s in enumerate(all)))')" = 300 ]
}

@test "what is refused is refused at once, and the log says what was done" {
	need_world
	user_box --allow-host good.example:80,dead.example --egress-log - -- python3 -c 'import socket, time
def attempt(kind, address):
	start = time.time()
	s = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, kind)
	s.settimeout(5)
	try:
		s.connect(address)
		if kind == socket.SOCK_DGRAM:
			s.send(b"x")
			s.recv(1)
		print("reached", address)
	except OSError as e:
		print(type(e).__name__, "at once" if time.time() - start < 1 else "late")
attempt(socket.SOCK_STREAM, ("9.9.9.9", 80))
attempt(socket.SOCK_STREAM, ("2620:fe::9", 443))
attempt(socket.SOCK_DGRAM, ("9.9.9.9", 5000))
attempt(socket.SOCK_DGRAM, (socket.gethostbyname("good.example"), 443))
try:
	socket.gethostbyname("other.example")
except socket.gaierror as e:
	print(e.strerror)
socket.create_connection(("good.example", 80)).close()' >out 2>log
	cat out log
	[ "$(grep -c 'ConnectionRefusedError at once' out)" = 2 ]
	[ "$(grep -c 'late\|reached' out)" = 0 ]
	grep -qx 'Name or service not known' out
	for what in '.event == "refused" and .protocol == "tcp" and .address == "9.9.9.9" and .port == 80' \
		'.event == "refused" and .protocol == "tcp" and .address == "2620:fe::9" and .port == 443' \
		'.event == "refused" and .protocol == "udp" and .address == "9.9.9.9" and .port == 5000' \
		'.event == "refused" and .name == "other.example"' \
		'.event == "connected" and .name == "good.example" and .port == 80 and .address == "9.9.9.9"'; do
		[ "$(grep '^{' log | jq -s "[.[] | select($what)] | length")" = 1 ] || {
			echo "not once: $what"
			return 1
		}
	done
}

@test "a root with an /etc/resolv.conf of its own is answered, too" {
	need_world
	mkdir -p root/etc root/tmp root/proc root/dev root/run root/bin
	cp "$(command -v busybox)" root/bin/
	echo 'nameserver 8.8.8.8' >root/etc/resolv.conf
	chmod -R a+rX root
	user_box --rootfs "$T/root" --allow-host good.example -- /bin/busybox nslookup good.example | grep -q 198.18.0.2
	not user_box --rootfs "$T/root" --allow-host good.example -- /bin/busybox nslookup other.example
	[ "$(user_box --rootfs "$T/root" --allow-host good.example -- /bin/busybox sh -c '
		busybox nslookup good.example >/tmp/said
		printf "GET / HTTP/1.0\r\n\r\n" | busybox nc 198.18.0.2 80 | busybox tail -n 1')" = hello ]
}

@test "it ends with the box, whoever is killed, and lives on with one that outlives its parent" {
	need_world
	helper() { pgrep -x holm-egress -U "$USER_ID"; }
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" "--mount=/proc/$HOST/ns/mnt" -- "${AS_USER[@]}")
	start_box --allow-host good.example -- sleep 60
	[ -n "$(helper)" ]
	kill -KILL "$BOX"
	eventually test -z "$(helper)" || eventually not helper
	rm -f out err info status
	start_box --allow-host good.example --outlive-parent -- sh -c 'sleep 1; while :; do curl -s -m 2 http://good.example/ >/dev/null && echo yes; sleep 0.2; done'
	kill -KILL "$BOX"
	sleep 0.5
	[ -n "$(helper)" ]
	: >"$T/out"
	eventually grep -q yes "$T/out"
	kill -KILL "$INIT"
	eventually not helper
	PREFIX=()
}

@test "what makes no sense is refused" {
	refused 125 'allow-host: "10.0.0.1": an address is no name' --allow-host 10.0.0.1 -- true
	refused 125 'others are written as DNS has them (xn--...)' --allow-host 'bücher.example' -- true
	refused 125 'others are written as DNS has them' --allow-host 'a..b' -- true
	refused 125 'a port is 1 to 65535' --allow-host 'a:0' -- true
	refused 125 'makes the whole network: no other interface' --allow-host a.b --net pasta -- true
	refused 125 'makes the whole network: no other interface' --allow-host a.b --share net -- true
	refused 125 'makes the whole network: no other interface' --allow-host a.b --allow out:any -- true
	refused 125 'egress-log: goes with allow-host' --egress-log - -- true
	refused 125 'egress-log: /nosuch/log: No such file or directory' --allow-host a.b --egress-log /nosuch/log -- true
}
