# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Three hosts, network namespaces of the test's own, on a switch that is a fourth one.

load net

# make_hosts: A, B and C, 192.0.2.1 to .3 and fd00:aa::1 to ::3, on SWITCH
make_hosts()
{
	local i=0 host

	make_host SWITCH
	at SWITCH ip link add br0 type bridge || skip "needs bridges"
	at SWITCH ip link set br0 up
	at SWITCH ip addr add 192.0.2.100/24 dev br0
	for host in A B C; do
		i=$((i + 1))
		make_host "$host"
		at SWITCH ip link add "p$i" type veth peer name eth0 netns "${!host}"
		at SWITCH ip link set "p$i" master br0 up
		at "$host" ip addr add "192.0.2.$i/24" dev eth0
		at "$host" ip addr add "fd00:aa::$i/64" dev eth0 nodad
		at "$host" ip link set eth0 up
		at "$host" sh -c 'mkdir -p /run/holm && mount -t tmpfs none /run/holm'
	done
}

# start_etcd: at the switch, until the test ends; ETCD is its pid
start_etcd()
{
	start_at SWITCH etcd --data-dir "$T/etcd" --listen-client-urls http://192.0.2.100:2379 \
		--advertise-client-urls http://192.0.2.100:2379 --listen-peer-urls http://127.0.0.1:2380
	ETCD=${STARTED[-1]}
	eventually at SWITCH env ETCDCTL_API=3 etcdctl --endpoints http://192.0.2.100:2379 endpoint health >/dev/null 2>&1
}

# net_at HOST ARG...: holm net
net_at()
{
	local host=$1

	shift
	at "$host" "$HOLM" net "$@"
}

# serve_in HOST NETWORK OPTION...: a box of HOST that echoes at its port 7, by TCP and UDP
serve_in()
{
	local host=$1 network=$2

	shift 2
	start_at "$host" "$HOLM" box --net "bridge:$network" "$@" --ro-bind "$HERE/echo.py:/echo.py" -- python3 -u /echo.py serve
}

# boxes_at HOST NETWORK: the addresses of its boxes
boxes_at()
{
	net_at "$1" inspect "$2" | jq -r '.boxes[].address4' 2>/dev/null
}

has_boxes()
{
	[ "$(boxes_at "$1" "$2" | grep -c .)" = "$3" ]
}

# talk HOST NETWORK ADDRESS [BYTES]: from a box of HOST, by TCP and UDP
talk()
{
	box_at "$1" --net "bridge:$2" --ro-bind "$HERE/echo.py:/echo.py" -- python3 /echo.py talk "$3" "${4:-100000}"
}

end_hosts()
{
	local pid host name code=0

	for pid in "${STARTED[@]}"; do
		case " $SWITCH $A $B $C ${ETCD:-} " in *" $pid "*) continue ;; esac
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	for host in A B C; do
		for name in $(net_at "$host" ls --json 2>/dev/null | jq -r '.[].name'); do
			eventually net_at "$host" rm "$name" || code=1
		done
	done
	return $code
}

# Nothing of the networks is on any host.
hosts_are_bare()
{
	local host

	for host in A B C; do
		[ "$(interfaces "$host")" = "eth0 lo " ] || return 1
		[ -z "$(at "$host" nft list ruleset)" ] || return 1
		[ -z "$(at "$host" find /run/holm -type f)" ] || return 1
	done
}

overlay_setup()
{
	begin_test
	need_root
	need ip nft nsenter unshare jq python3
	make_hosts
	at A ip link add try0 type vxlan id 1 local 192.0.2.1 dstport 9999 || skip "needs VXLAN"
	at A ip link del try0
}

overlay_teardown()
{
	all_of end_hosts end_test
}
