#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks over several hosts whose packets are encrypted on the way.

load net-overlay

setup()
{
	overlay_setup
	head -c 32 /dev/urandom >"$T/key"
	chmod 600 "$T/key"
}

teardown()
{
	overlay_teardown
}

# can_encrypt: else that is what is said, and the test ends here
can_encrypt()
{
	if ! at A "$HOLM" net create try --overlay --local 192.0.2.1 --etcd http://192.0.2.100:1 --encrypt --key-file "$T/key" 2>&1 |
		grep -q 'cannot encrypt'; then
		return 0
	fi
	hosts_are_bare
	skip "this kernel has no ESP, and holm says so"
}

# create_at HOST ARG...
create_at()
{
	local host=$1 n

	case $host in A) n=1 ;; B) n=2 ;; C) n=3 ;; esac
	shift
	net_at "$host" create over --overlay --etcd http://192.0.2.100:2379 --local "${NET:-192.0.2.}$n" --ttl 5 --no-dns \
		--encrypt --key-file "$T/key" "$@"
}

sniff()
{
	rm -f "$T/counts" "$T/counts.ready"
	start_at SWITCH python3 "$HERE/sniff.py" "$1" "$T/counts"
	SNIFFER=${STARTED[-1]}
	eventually [ -e "$T/counts.ready" ]
}

# counted MEMBER
counted()
{
	[ -e "$T/counts" ] || kill -TERM "$SNIFFER"
	eventually [ -e "$T/counts" ]
	jq ".$1" "$T/counts"
}

reaches()
{
	talk "$1" over "$(boxes_at "$2" over | head -1)" >/dev/null 2>&1
}

says_word()
{
	box_at "$1" --net bridge:over -- python3 -c "import socket
s = socket.create_connection(('$2', 7), 3); s.sendall(b'a-marked-word' * 50); s.recv(9)"
}

knows()
{
	[ "$(net_at "$1" peers over | wc -l)" = "$2" ]
}

@test "what goes between hosts cannot be read; keys that are gone bring silence, and then fresh ones" {
	can_encrypt
	need etcd etcdctl
	[ -x "$(dirname "$HOLM")/holm-etcd" ] || skip "needs holm-etcd"
	start_etcd
	for host in A B C; do create_at "$host"; done
	eventually knows A 2
	[ "$(net_at A inspect over | jq .overlay.mtu)" = 1410 ]
	serve_in A over
	eventually has_boxes A over 1
	sniff p1
	for host in B C; do eventually reaches "$host" A; done
	says_word B "$(boxes_at A over)"
	[ "$(counted esp)" -gt 100 ]
	[ "$(counted vxlan)" = 0 ]
	[ "$(counted marked)" = 0 ]
	[ "$(at A ip xfrm state | grep -c '^src')" = 4 ]
	# Without keys nothing goes out in clear, and nothing comes in.
	keys=$(at A ip xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort)
	at A ip xfrm state flush
	sniff p1
	run reaches B A
	[ "$status" != 0 ]
	[ "$(counted vxlan)" = 0 ]
	run -1 net_at A check
	[[ $output == "over: what encrypts it is missing"* ]]
	# They do not come back: the same keys with counters that begin anew would tell too much.
	net_at A check --repair || :
	eventually reaches B A
	eventually reaches C A
	[ -z "$(comm -12 <(echo "$keys") <(at A ip xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort))" ]
	net_at A check
	# Who has another secret gets nowhere.
	net_at C rm over
	(umask 077 && head -c 32 /dev/urandom >"$T/other")
	create_at C --key-file "$T/other"
	eventually knows A 2
	run reaches C A
	[ "$status" != 0 ]
	eventually reaches B A
	end_hosts
	hosts_are_bare
	for host in A B C; do
		[ -z "$(at "$host" ip xfrm state)$(at "$host" ip xfrm policy | grep 4789)" ]
	done
}

@test "over IPv6" {
	can_encrypt
	need etcd etcdctl
	[ -x "$(dirname "$HOLM")/holm-etcd" ] || skip "needs holm-etcd"
	start_etcd
	for host in A B; do NET=fd00:aa:: create_at "$host"; done
	eventually knows A 1
	serve_in A over
	eventually has_boxes A over 1
	sniff p1
	eventually reaches B A
	[ "$(counted esp)" -gt 50 ]
	[ "$(counted vxlan)" = 0 ]
	end_hosts
	hosts_are_bare
}

@test "what cannot be is refused" {
	says_no "--encrypt needs --etcd" --peers 192.0.2.2 --encrypt --key-file "$T/key"
	says_no "--encrypt and --key-file go together" --peers 192.0.2.2 --encrypt
	chmod 644 "$T/key"
	says_no "can be read by others" --etcd http://192.0.2.100:1 --local 192.0.2.1 --encrypt --key-file "$T/key"
	chmod 600 "$T/key"
	echo short >"$T/key"
	says_no "has less than 32 bytes" --etcd http://192.0.2.100:1 --local 192.0.2.1 --encrypt --key-file "$T/key"
	says_no "No such file" --etcd http://192.0.2.100:1 --local 192.0.2.1 --encrypt --key-file /nosuch
	hosts_are_bare
}

# says_no WORDS ARG...
says_no()
{
	local words=$1

	shift
	run -125 --separate-stderr net_at A create over --overlay "$@"
	[[ $stderr == *"$words"* ]] || {
		echo "$stderr"
		return 1
	}
}
