#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Networks over several hosts, kept by a real etcd at the switch. A host that dies is free of its
# slot after its time, here three seconds.

load net-overlay

setup()
{
	HELPER=$(dirname "$HOLM")/holm-etcd
	[ -x "$HELPER" ] || HELPER=$HERE/../../build/holm-etcd
	overlay_setup
	need etcd etcdctl
	[ -x "$HELPER" ] || skip "needs holm-etcd"
	[ -e "$(dirname "$HOLM")/holm-etcd" ] || cp "$HELPER" "$(dirname "$HOLM")/holm-etcd"
	start_etcd
}

teardown()
{
	overlay_teardown
}

stop_etcd()
{
	kill -KILL "$ETCD"
	wait "$ETCD" || :
}

keys()
{
	at SWITCH env ETCDCTL_API=3 etcdctl --endpoints http://192.0.2.100:2379 get --prefix --keys-only / | grep . || :
}

# create_at HOST ARG...
create_at()
{
	local host=$1 n

	case $host in A) n=1 ;; B) n=2 ;; C) n=3 ;; esac
	shift
	net_at "$host" create over --overlay --etcd http://192.0.2.100:2379 --local "192.0.2.$n" --ttl 3 "$@"
}

peers_are()
{
	[ "$(net_at "$1" peers over | tr '\n' ' ')" = "$2 " ]
}

reaches()
{
	talk "$1" over "$(boxes_at "$2" over | head -1)" >/dev/null 2>&1
}

reaches_name()
{
	talk "$1" over "$2" >/dev/null 2>&1
}

etcd_pid()
{
	at "$1" sh -c 'cat /run/holm/net/*/over/network' | sed -n 's/^etcd \([0-9]*\) .*/\1/p'
}

@test "hosts come and go by themselves; addresses are of one's own slot; nothing stays" {
	for host in A B C; do create_at "$host"; done
	eventually peers_are A "192.0.2.2 192.0.2.3"
	eventually peers_are C "192.0.2.1 192.0.2.2"
	for host in A B C; do
		serve_in "$host" over --hostname "box-${host,,}"
		eventually has_boxes "$host" over 1
	done
	[ "$({ boxes_at A over; boxes_at B over; boxes_at C over; } | sort -u | wc -l)" = 3 ]
	for host in A B C; do
		for to in A B C; do eventually reaches "$host" "$to"; done
	done
	if command -v dnsmasq >/dev/null; then
		eventually reaches_name A box-c
		eventually reaches_name C box-b
	fi
	net_at C rm over 2>/dev/null || :
	end_hosts
	hosts_are_bare
	[ -z "$(keys)" ]
}

@test "a host that dies loses its slot, and its addresses come free; the rest go on" {
	for host in A B C; do create_at "$host" --no-dns; done
	serve_in A over
	eventually has_boxes A over 1
	eventually reaches B A
	# It dies: nothing of it is sent any more.
	at SWITCH ip link set p3 down
	eventually peers_are A "192.0.2.2"
	eventually reaches B A
	[[ $(keys) != *slots/2* ]]
	# Boxes that want to start on it do not get an address that may be another's by then.
	run -125 --separate-stderr box_at C --net bridge:over -- true
	[[ $stderr == *"etcd has not answered in time, so another host may have our addresses"* ]]
	run -1 net_at C check
	[[ $output == "over: etcd does not answer, or has given its slot to another host"* ]]
	# It comes back, with the same slot.
	at SWITCH ip link set p3 up
	eventually peers_are A "192.0.2.2 192.0.2.3"
	eventually reaches C A
	[ "$(net_at C inspect over | jq .overlay.slot)" = 2 ]
	net_at C check
	end_hosts
	hosts_are_bare
}

@test "a helper that dies at once is an error, and not the end of its caller" {
	mkdir dies
	cp "$HOLM" dies/holm
	printf '#!/bin/sh\nexec <&-\necho slot 0\n' >dies/holm-etcd
	chmod 755 dies/holm-etcd
	[ ! -e /usr/local/libexec/holm/holm-etcd ] || skip "the one that is installed comes first"
	HOLM=$T/dies/holm
	run -125 --separate-stderr create_at A
	[[ $stderr == "holm: net: over: write down that holm-etcd runs: "* ]]
	[ "$(net_at A ls --json)" = "[]" ]
	hosts_are_bare
}

# sign NAME CA SUBJECT [EXTENSION]: a certificate and its key
sign()
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "$3" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -out "$1.pem" \
		-extfile <(echo "${4:-basicConstraints=CA:FALSE}") 2>/dev/null
}

make_ca()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.pem" -subj "/CN=$1" -days 2 2>/dev/null
}

@test "etcd with TLS: who it is, who we are, and a key that is nobody else's" {
	need openssl
	stop_etcd
	make_ca ca
	make_ca other
	sign server ca /CN=etcd subjectAltName=IP:192.0.2.100
	sign client ca /CN=holm
	sign stranger other /CN=holm
	start_at SWITCH etcd --data-dir "$T/tls" --listen-client-urls https://192.0.2.100:2379 \
		--advertise-client-urls https://192.0.2.100:2379 --listen-peer-urls http://127.0.0.1:2380 \
		--cert-file "$T/server.pem" --key-file "$T/server.key" --trusted-ca-file "$T/ca.pem" --client-cert-auth
	local tls=(--cacert "$T/ca.pem" --cert "$T/client.pem" --key "$T/client.key") url=https://192.0.2.100:2379
	etcd_by_tls() { at SWITCH env ETCDCTL_API=3 etcdctl --endpoints "$url" "${tls[@]}" "$@" 2>/dev/null; }
	eventually etcd_by_tls endpoint health
	# with URL CA NAME: a network by these
	with() {
		run --separate-stderr net_at A create over --overlay --etcd "$1" --local 192.0.2.1 --ttl 3 --no-dns \
			${2:+--etcd-ca "$T/$2.pem"} ${3:+--etcd-cert "$T/$3.pem" --etcd-key "$T/$3.key"}
	}
	with "$url" other client
	[ "$status" = 125 ]
	[[ $stderr == "holm: net: over: etcd: $url: SSL certificate problem: "*"(--etcd-ca: who has signed its certificate)" ]]
	with "$url" "" client
	[ "$status" = 125 ]
	[[ $stderr == *"(--etcd-ca: who has signed its certificate)" ]]
	with "$url" ca ""
	[ "$status" = 125 ]
	[[ $stderr == *"(--etcd-cert, --etcd-key: who we are, signed by whom it trusts)" ]]
	with "$url" ca stranger
	[ "$status" = 125 ]
	[[ $stderr == *"(--etcd-cert, --etcd-key: who we are, signed by whom it trusts)" ]]
	with http://192.0.2.100:2379 ca client
	[ "$status" = 125 ]
	[[ $stderr == "holm: net: over: etcd: http://192.0.2.100:2379: Empty reply from server (does it speak TLS? then write https://)" ]]
	chmod 644 client.key
	with "$url" ca client
	[ "$status" = 125 ]
	[[ $stderr == "holm: net: --etcd-key $T/client.key can be read by everybody: chmod o= it, and make a new one" ]]
	chmod 600 client.key
	run -125 --separate-stderr net_at A create over --overlay --etcd "$url" --local 192.0.2.1 --etcd-ca ca.pem
	[ "$stderr" = "holm: net: --etcd-ca ca.pem: write its whole path" ]
	run -125 --separate-stderr net_at A create over --overlay --etcd "$url" --local 192.0.2.1 --etcd-cert "$T/client.pem"
	[ "$stderr" = "holm: net: --etcd-cert and --etcd-key go together" ]
	[ "$(net_at A ls --json)" = "[]" ]
	with "$url" ca client
	[ "$status" = 0 ]
	[ -n "$(etcd_by_tls get --prefix --keys-only / | grep slots/0)" ]
	net_at A check
	net_at A rm over
	[ -z "$(etcd_by_tls get --prefix --keys-only / | grep .)" ]
	hosts_are_bare
}

@test "without etcd those that are connected stay so; new boxes start while the lease lasts" {
	for host in A B; do create_at "$host" --no-dns; done
	serve_in A over
	eventually has_boxes A over 1
	eventually reaches B A
	start_at B "$HOLM" box --net bridge:over --ro-bind "$HERE/echo.py:/echo.py" -- sh -c "while :; do python3 /echo.py talk $(boxes_at A over) 1000 >>out; sleep 0.2; done"
	stop_etcd
	box_at A --net bridge:over -- true
	sleep 4
	run -125 --separate-stderr box_at A --net bridge:over -- true
	[[ $stderr == *"etcd has not answered in time"* ]]
	# Both hosts know each other still.
	peers_are A "192.0.2.2"
	at B python3 "$HERE/echo.py" talk "$(boxes_at A over)" 100000
	run -125 --separate-stderr create_at C
	[[ $stderr == *"etcd: http://192.0.2.100:2379: "* ]]
	start_etcd
	eventually box_at A --net bridge:over -- true
	eventually reaches B A
	create_at C --no-dns
	eventually peers_are A "192.0.2.2 192.0.2.3"
	end_hosts
	hosts_are_bare
	[ -z "$(keys)" ]
}

@test "another idea of the network, a full one, a killed holm-etcd" {
	create_at A --no-dns --subnet 10.9.0.0/27
	run -125 --separate-stderr create_at B --no-dns
	[[ $stderr == *'the network over is "subnet 10.9.0.0/27 '*'" on the host 192.0.2.1, and would be "'* ]]
	create_at B --no-dns --subnet 10.9.0.0/27
	run -125 --separate-stderr create_at C --no-dns --subnet 10.9.0.0/27
	[[ $stderr == *"none of the 2 slots of the network over is free"* ]]
	hosts_bare_at C
	kill -KILL "$(etcd_pid A)"
	eventually dead_at A
	net_at A check --repair
	net_at A check
	[ "$(net_at A inspect over | jq .overlay.slot)" = 0 ]
	serve_in A over
	eventually has_boxes A over 1
	eventually reaches B A
	run -125 --separate-stderr net_at C create x --overlay --etcd http://192.0.2.100:2379
	[[ $stderr == *"--etcd needs --local" ]]
	run -125 --separate-stderr net_at C create x --overlay --etcd http://192.0.2.100:1 --local 192.0.2.3
	[[ $stderr == *"etcd: http://192.0.2.100:1: "* ]]
	end_hosts
	hosts_are_bare
	[ -z "$(keys)" ]
}

hosts_bare_at()
{
	[ "$(interfaces "$1")" = "eth0 lo " ]
}

dead_at()
{
	run net_at "$1" check
	[[ $output == *"holm-etcd does not run"* ]]
}
