#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The firewall of a box: who may talk to whom, decided where the box cannot change it. HOST is a
# network namespace of the test's own.

load net

setup()
{
	begin_test
	need_root
	need ip nft nsenter unshare curl jq
	make_host HOST
	at HOST nft add table inet try || skip "needs nf_tables"
	at HOST nft delete table inet try
}

teardown()
{
	all_of remove_networks end_test
}

# serve OPTION...: a box that serves at its port 8000; SERVER is a process of it
serve()
{
	rm -f out err info status
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	NAME=srv start_box "$@" -- python3 -u -m http.server --bind :: 8000
	PREFIX=()
	SERVER=$MAIN
	eventually nsenter "--net=/proc/$SERVER/ns/net" curl -s -o /dev/null http://127.0.0.1:8000/
}

# fetch URL OPTION...: what a box of that network gets: 200, or 000
fetch()
{
	local url=$1

	shift
	box_at HOST "$@" -- curl -s -g -m 2 -o /dev/null -w '%{http_code}' "$url" 2>/dev/null || :
}

# seen NUMBER: how many packets that rule has decided about
seen()
{
	hnet rules "$SERVER" --json | jq ".[] | select(.number == $1) | .packets"
}

@test "two web servers: one accepts the other alone, that may go out to it alone" {
	hnet create web
	serve --net bridge:web,hostname=one --allow in:tcp:box:two:8000
	local one=$SERVER address
	address=$(hnet inspect web | jq -r '.boxes[0].address4')
	[ "$(fetch http://one:8000/ --net bridge:web,hostname=two)" = 200 ]
	[ "$(fetch http://one:8000/ --net bridge:web,hostname=three)" = 000 ]
	[ "$(fetch http://one:8000/ --net bridge:web)" = 000 ]
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	rm -f out err info status
	NAME=two start_box --net bridge:web,hostname=two --allow out:tcp:box:one:8000 --allow out:dns --deny in:any \
		-- python3 -u -m http.server --bind :: 8000
	PREFIX=()
	local two=$MAIN
	eventually nsenter "--net=/proc/$two/ns/net" curl -s -o /dev/null http://127.0.0.1:8000/
	# One way it is fetched, the other way it is refused, and the host is refused, too.
	[ "$(nsenter "--net=/proc/$two/ns/net" curl -s -m 2 -o /dev/null -w '%{http_code}' "http://$address:8000/")" = 200 ]
	not nsenter "--net=/proc/$one/ns/net" curl -s -m 2 -o /dev/null "http://$(hnet inspect web | jq -r '.boxes[] | select(.hostname == "two").address4'):8000/"
	not nsenter "--net=/proc/$two/ns/net" curl -s -m 2 "http://10.77.0.1:8000/"
	[ "$(hnet rules "$two" --json | jq -r '.[].rule' | tr '\n' ' ')" = 'allow out:tcp:box:one:8000 allow out:10.77.0.1:53 deny in:any allow in deny out ' ]
	hnet rules one | grep -q 'allow in:tcp:box:two:8000'
	kill -KILL "$one" "$two"
}

@test "a name is an address as long as somebody has it, and no longer" {
	local holder

	hnet create web --no-dns
	serve --net bridge:web,ip=10.77.0.9 --allow in:tcp:box:friend
	[ "$(fetch http://10.77.0.9:8000/ --net bridge:web,hostname=friend,ip=10.77.0.20)" = 200 ]
	# The same address, another name.
	[ "$(fetch http://10.77.0.9:8000/ --net bridge:web,hostname=stranger,ip=10.77.0.20)" = 000 ]
	# Whoever was there before the rules is known to them, too.
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	rm -f out err info status
	start_box --net bridge:web,hostname=early,ip=10.77.0.30 -- sleep 60
	PREFIX=()
	holder=$MAIN
	not nsenter "--net=/proc/$holder/ns/net" curl -s -m 1 http://10.77.0.9:8000/
	hnet allow "$SERVER" in:tcp:box:early:8000
	nsenter "--net=/proc/$holder/ns/net" curl -s -m 2 -o /dev/null http://10.77.0.9:8000/
	# All who have it are killed, and nobody could say good-bye: the next one with that address is nobody.
	kill -KILL "$BOX" "$INIT"
	eventually gone "$holder"
	[ "$(fetch http://10.77.0.9:8000/ --net bridge:web,ip=10.77.0.30)" = 000 ]
	[ -z "$(nsenter "--net=/proc/$SERVER/ns/net" nft list set inet holm box4-early | grep elements)" ]
	kill -KILL "$SERVER"
}

@test "a name on a network that is left is nobody's there any more" {
	set_of() { nsenter "--net=/proc/$SERVER/ns/net" nft list set inet holm box4-friend | tr -d '\n' | grep -o 'elements.*}'; }
	hnet create web --no-dns
	hnet create other --no-dns
	serve --net bridge:web --allow in:tcp:box:friend
	local server=$SERVER
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	NAME=friend start_box --net bridge:other,hostname=friend -- sleep 60
	PREFIX=()
	[ -z "$(set_of)" ]
	hnet connect other "$server"
	[[ $(set_of) == *"$(hnet inspect other | jq -r '.boxes[] | select(.hostname == "friend").address4')"* ]]
	hnet disconnect other "$server"
	[ -z "$(set_of)" ]
	kill -KILL "$server" "$MAIN"
}

@test "rules: the last one decides; the first one says what becomes of the rest" {
	at HOST ip link add up0 type veth peer name up1
	at HOST ip addr add 10.9.9.1/24 dev up0
	at HOST ip link set up0 up
	at HOST ip link set up1 up
	start_at HOST python3 -m http.server --bind 0.0.0.0 8001
	start_at HOST python3 -m http.server --bind 0.0.0.0 8002
	eventually at HOST curl -s -o /dev/null http://127.0.0.1:8001/
	eventually at HOST curl -s -o /dev/null http://127.0.0.1:8002/
	veth() {
		local port=$1

		shift
		fetch "http://10.9.0.1:$port/" --net veth,ip=10.9.0.2/24,gateway=10.9.0.1 "$@"
	}
	[ "$(veth 8001)" = 200 ]
	[ "$(veth 8001 --deny out:any)" = 000 ]
	[ "$(veth 8001 --deny out:any --allow out:tcp:10.9.0.1:8001)" = 200 ]
	[ "$(veth 8002 --deny out:any --allow out:tcp:10.9.0.1:8001)" = 000 ]
	[ "$(veth 8001 --allow out:tcp:10.9.0.1:8001)" = 200 ]
	[ "$(veth 8002 --allow out:tcp:10.9.0.1:8001)" = 000 ]
	[ "$(veth 8002 --allow out:any:8001-8002)" = 200 ]
	[ "$(veth 8002 --deny out:udp:any)" = 200 ]
	[ "$(veth 8002 --deny out:tcp:any:8000,8002-8003)" = 000 ]
	[ "$(veth 8001 --deny out:tcp:any:8000,8002-8003)" = 200 ]
	[ "$(veth 8001 --allow out:any --deny out:10.9.0.0/24)" = 000 ]
	[ "$(veth 8001 --deny out:any --allow out:any)" = 200 ]
	[ "$(veth 8001 --deny out:host)" = 000 ]
	[ "$(veth 8001 --allow out:host)" = 200 ]
	[ "$(veth 8001 --allow out:internet)" = 000 ]
	[ "$(veth 8001 --deny out:internet)" = 200 ]
	[ "$(veth 8001 --deny in:any)" = 200 ] # answers are no visitors
	# Who is refused hears it at once.
	run at HOST "$HOLM" box --net veth,ip=10.9.0.2/24,gateway=10.9.0.1 --deny out:any -- \
		python3 -c 'import socket, time
t = time.time()
try:
	socket.create_connection(("10.9.0.1", 8001), 5)
except OSError as e:
	print(e.strerror, time.time() - t < 1)'
	[ "$output" = "Connection refused True" ]
}

@test "rules: IPv6, UDP and ICMP" {
	local v6=--net=veth,ip=10.9.0.2/24,ip=fd09::2/64,gateway=10.9.0.1,gateway=fd09::1

	start_at HOST python3 -m http.server --bind :: 8001
	eventually at HOST curl -s -g -o /dev/null 'http://[::1]:8001/'
	start_at HOST python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 8003))
while True:
	data, who = s.recvfrom(100)
	s.sendto(data.upper(), who)'
	[ "$(fetch 'http://[fd09::1]:8001/' "$v6")" = 200 ]
	[ "$(fetch 'http://[fd09::1]:8001/' "$v6" --deny out:any)" = 000 ]
	[ "$(fetch 'http://[fd09::1]:8001/' "$v6" --allow 'out:tcp:[fd09::1]:8001')" = 200 ]
	[ "$(fetch 'http://[fd09::1]:8001/' "$v6" --allow 'out:tcp:[fd09::/64]:8001')" = 200 ]
	[ "$(fetch 'http://[fd09::1]:8001/' "$v6" --allow 'out:tcp:[fd08::/64]:8001')" = 000 ]
	[ "$(fetch 'http://10.9.0.1:8001/' "$v6" --allow 'out:tcp:[fd09::1]:8001')" = 000 ]
	udp() {
		box_at HOST "$v6" "$@" -- python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.connect(("10.9.0.1", 8003))
# What is sent while the link comes up is lost.
for _ in range(4):
	try:
		s.send(b"hello")
		print(s.recv(100).decode())
		break
	except TimeoutError:
		pass
	except OSError:
		print("refused")
		break
else:
	print("refused")'
	}
	answers() { [ "$(udp)" = HELLO ]; }
	eventually answers
	[ "$(udp --allow out:udp:any:8003)" = HELLO ]
	[ "$(udp --allow out:tcp:any:8003)" = refused ]
	[ "$(udp --allow out:any:8003)" = HELLO ]
	[ "$(udp --deny out:udp:10.9.0.1:8003)" = refused ]
	# Ping without raw sockets.
	at HOST sh -c 'echo 0 1000000 >/proc/sys/net/ipv4/ping_group_range'
	ping_it() { box_at HOST "$v6" --user root "$@" -- python3 -c 'import socket, sys
six = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM, 58 if six else 1)
s.settimeout(2)
try:
	s.sendto(bytes([128 if six else 8, 0, 0, 0, 0, 0, 0, 1]), (sys.argv[1], 0))
	s.recv(100)
	print("pong")
except PermissionError:
	print("ping is not allowed")
except OSError:
	print("nothing")' "$PEER"; }
	for PEER in 10.9.0.1 fd09::1; do
		if [ "$(ping_it)" = pong ]; then
			[ "$(ping_it --allow out:icmp:any)" = pong ]
			[ "$(ping_it --allow out:tcp:any)" != pong ]
			[ "$(ping_it --deny out:icmp:any)" != pong ]
		fi
	done
}

@test "rules of a box that runs: a connection that is denied ends, one that is not goes on" {
	hnet create web --no-dns
	rm -f out err info status
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	start_box --net bridge:web,ip=10.77.0.9 --deny out:udp:any -- python3 -u -c 'import socket
with socket.create_server(("", 8000)) as server:
	while True:
		c, _ = server.accept()
		while data := c.recv(100):
			c.sendall(data.upper())'
	PREFIX=()
	SERVER=$MAIN
	coproc TALK { at HOST python3 -u -c 'import socket, sys
s = socket.create_connection(("10.77.0.9", 8000))
s.settimeout(2)
for line in sys.stdin:
	try:
		s.sendall(line.encode())
		print(s.recv(100).decode(), end="")
	except OSError:
		print("silence")' 3>&-; }
	STARTED+=("$TALK_PID")
	say() { echo "$1" >&"${TALK[1]}" && read -r -t 10 -u "${TALK[0]}" REPLY; }
	eventually at HOST python3 -c 'import socket; socket.create_connection(("10.77.0.9", 8000))'
	say hello
	[ "$REPLY" = HELLO ]
	# What was going on is not disturbed by rules that allow it, whoever began.
	hnet allow "$SERVER" in:tcp:any:8000
	hnet deny "$SERVER" out:any
	say more
	[ "$REPLY" = MORE ]
	[ "$(seen 2)" -gt 0 ]
	[ "$(seen 3)" = 0 ]
	local before
	before=$(seen 2)
	hnet deny "$SERVER" in:10.77.0.1
	[ "$(seen 2)" -ge "$before" ] # what was counted stays counted
	say and
	[ "$REPLY" = silence ]
	[ "$(seen 4)" -gt 0 ]
	hnet withdraw "$SERVER" 1 4
	hnet rules "$SERVER"
	[ "$(hnet rules "$SERVER" --json | jq -r '.[].rule' | tr '\n' ' ')" = "allow in:tcp:any:8000 deny out:any deny in allow out " ]
	# At once, and none is lost.
	local pids=() i
	for i in 1 2 3 4 5 6 7 8; do hnet deny "$SERVER" "out:10.1.1.$i" & pids+=("$!"); done
	wait "${pids[@]}"
	[ "$(hnet rules "$SERVER" --json | jq length)" = 12 ]
	hnet withdraw "$SERVER" 1 2 3 4 5 6 7 8 9 10
	[ -z "$(nsenter "--net=/proc/$SERVER/ns/net" nft list ruleset)" ]
	kill -KILL "$SERVER"
}

@test "what was open before the first rule ends: nobody knows who began it" {
	hnet create web --no-dns
	start_at HOST python3 -c 'import socket, time
with socket.create_server(("10.77.0.1", 7000)) as server:
	c, _ = server.accept()
	while True:
		time.sleep(0.1)
		c.sendall(b"x")'
	eventually at HOST sh -c 'grep -q ":1B58 00000000:0000 0A" /proc/net/tcp'
	rm -f out err info status
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" --)
	start_box --net bridge:web -- python3 -u -c 'import socket
s = socket.create_connection(("10.77.0.1", 7000))
try:
	while True:
		s.recv(1)
		print("more")
except OSError as e:
	print(e.strerror)'
	PREFIX=()
	eventually grep -q more out
	[ "$(hnet rules "$MAIN")" = "no rules: everything is let through" ]
	hnet deny "$MAIN" out:any
	: >"$T/out"
	sleep 1
	not grep -q more out
}

@test "a deny is one for groups, too; who is nobody now is a rule all the same; no way through" {
	hnet create na --no-dns
	hnet create nb --no-dns
	cat >hear <<-'END'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("0.0.0.0", 9999))
		while True:
		    print(s.recv(100).decode(), flush=True)
	END
	nsenter "--net=/proc/$HOST/ns/net" "--mount=/proc/$HOST/ns/mnt" python3 "$T/hear" >heard 2>/dev/null 3>&- &
	STARTED+=("$!")
	eventually at HOST grep -q ':270F' /proc/net/udp
	cat >shout <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		for to in sys.argv[2:]:
		    try:
		        s.sendto(sys.argv[1].encode(), (to, 9999))
		    except OSError:
		        pass
	END
	box_at HOST --net bridge:na --ro-bind "$T/shout:/shout" -- python3 /shout free 255.255.255.255 224.0.0.1 10.77.3.255 10.77.0.1
	box_at HOST --net bridge:na --ro-bind "$T/shout:/shout" --deny out:host -- python3 /shout denied 255.255.255.255 224.0.0.1 10.77.3.255 10.77.0.1
	heard() { grep -q free heard; }
	eventually heard
	sleep 0.3
	not grep -q denied heard
	# Nobody has that name; the rule stays the first one, and what it makes of the rest.
	serve --net bridge:na --net bridge:nb --allow out:box:nobody:80
	hnet allow "$SERVER" in:any
	[ "$(hnet rules "$SERVER" --json | jq -r '.[].rule' | tr '\n' ' ')" = "allow out:box:nobody:80 allow in:any deny in deny out " ]
	[ "$(nsenter "--net=/proc/$SERVER/ns/net" cat /proc/sys/net/ipv4/ip_forward)" = 0 ]
	nsenter "--net=/proc/$SERVER/ns/net" nft list chain inet holm forward | grep -q 'policy drop'
	kill -KILL "$SERVER"
}

@test "a box cannot change its rules, and none is silently weaker" {
	hnet create web --no-dns
	for cap in net_admin net_raw all; do
		run -125 --separate-stderr box_at HOST --net bridge:web --deny out:any --cap "$cap" -- true
		[[ $stderr == "holm: rules: with the capability net_"*" the box could "*" them" ]]
	done
	# As root of it, and with namespaces of its own on top.
	box_at HOST --net bridge:web --deny out:any --user root --seccomp none --proc /proc:full -- sh -c '
		nft flush ruleset; nft list ruleset; unshare -U nft flush ruleset
		python3 -c "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"
		unshare -U python3 -c "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"
		true' >out 2>&1
	cat out
	not grep -q 'table inet' out
	[ "$(grep -c 'PermissionError: .* Operation not permitted' out)" = 2 ]
	run -125 --separate-stderr at HOST "$HOLM" box --allow out:any -- true
	[[ $stderr == "holm: rules: allow and deny need an interface that they are about: --net" ]]
	run -125 --separate-stderr hnet allow "$HOST" out:any
	[[ $stderr == *"has the host's network, and the rules of that are not holm's" ]]
	run -125 --separate-stderr hnet allow nosuch out:any
	[[ $stderr == *"no box on a network has the name \"nosuch\""* ]]
	run -125 --separate-stderr hnet allow 1 out:nobody
	[[ $stderr == "holm: firewall: out:nobody: the peer is any, host, internet, dns, ADDRESS"* ]]
	serve --net bridge:web,hostname=a
	run -125 --separate-stderr hnet withdraw a 1
	[[ $stderr == "holm: firewall: there is no rule 1; there are 0" ]]
	run -125 --separate-stderr hnet allow a out:net:nosuch
	[[ $stderr == *"there is no network \"nosuch\"" ]]
	kill -KILL "$SERVER"
}

@test "an ordinary user's rules: with pasta, and while it runs" {
	kill -KILL "$HOST"
	need_pasta
	as_user_words
	start_at HOST python3 -m http.server --bind 127.0.0.1 8001
	start_at HOST python3 -m http.server --bind 127.0.0.1 8002
	eventually at HOST curl -s -o /dev/null http://127.0.0.1:8001/
	eventually at HOST curl -s -o /dev/null http://127.0.0.1:8002/
	user_gets() {
		local port=$1

		shift
		as_user_at HOST "$HOLM" box --net pasta,host=yes "$@" -- curl -s -m 3 -o /dev/null -w '%{http_code}' "http://192.0.2.1:$port/" || :
	}
	[ "$(user_gets 8001)" = 200 ]
	[ "$(user_gets 8001 --allow out:tcp:any:8002)" = 000 ]
	[ "$(user_gets 8002 --allow out:tcp:any:8002)" = 200 ]
	rm -f out err info status
	PREFIX=(nsenter "--net=/proc/$HOST/ns/net" "--mount=/proc/$HOST/ns/mnt" -- "${AS_USER[@]}")
	start_box --net pasta,host=yes -- sh -c 'while sleep 0.1; do curl -s -m 1 -o /dev/null -w "%{http_code}\n" http://192.0.2.1:8001/; done'
	PREFIX=()
	eventually grep -q 200 "$T/out"
	as_user_at HOST "$HOLM" net deny "$MAIN" out:tcp:any:8001
	eventually grep -q 000 "$T/out"
	as_user_at HOST "$HOLM" net rules "$MAIN" | grep -q 'deny out:tcp:any:8001'
	end_box KILL || :
}
