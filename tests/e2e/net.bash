# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Hosts that are network namespaces of the test's own: what these tests make, route and filter is in
# them, and nothing of the machine's is touched.

load helpers

# elsewhere PID: it has gone to a network namespace of its own
elsewhere()
{
	[ "$(readlink /proc/$$/ns/net)" != "$(readlink "/proc/$1/ns/net")" ]
}

# make_host NAME: NAME is then its pid, and `at NAME COMMAND...` works there
make_host()
{
	unshare --net --mount --propagation private sleep 1000 3>&- &
	printf -v "$1" %s "$!"
	STARTED+=("$!")
	eventually elsewhere "$!"
	at "$1" ip link set lo up
}

# at HOST COMMAND...
at()
{
	local host=${!1}

	shift
	nsenter "--net=/proc/$host/ns/net" "--mount=/proc/$host/ns/mnt" "--wd=$PWD" "$@"
}

# start_at HOST COMMAND...: in the background, until the test ends; STARTED knows it
start_at()
{
	local host=${!1}

	shift
	nsenter "--net=/proc/$host/ns/net" "--mount=/proc/$host/ns/mnt" "--wd=$PWD" "$@" >/dev/null 2>&1 3>&- &
	STARTED+=("$!")
}

# box_at HOST OPTION...: a box of that host
box_at()
{
	local host=$1

	shift
	at "$host" "$HOLM" box "$@"
}

# holm net on HOST
hnet()
{
	at HOST "$HOLM" net "$@"
}

# A name server would outlive the host that it is in.
remove_networks()
{
	local name pid code=0

	for name in $(hnet ls --json 2>/dev/null | jq -r '.[].name'); do
		for pid in $(hnet inspect "$name" | jq '.boxes[].pid'); do kill -KILL "$pid" || :; done
		eventually hnet rm "$name" || code=1
	done
	return $code
}

# interfaces HOST: their names, sorted, in a line
interfaces()
{
	at "$1" ls /sys/class/net >/dev/null 2>&1 || :
	at "$1" ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | sort | tr '\n' ' '
}

only_lo()
{
	[ "$(interfaces "$1")" = "lo " ]
}

# as_user_at HOST COMMAND...
as_user_at()
{
	local host=$1

	shift
	as_user_words
	at "$host" "${AS_USER[@]}" "$@"
}

need_hosts()
{
	need_root
	need ip nsenter unshare
	make_host HOST
	at HOST ip link add up0 type veth peer name up1 || skip "needs veth devices"
	at HOST ip link set up0 up
	at HOST ip link set up1 up
}

# pasta needs /dev/net/tun, which not every machine gives to everybody.
need_pasta()
{
	need pasta curl
	need_hosts
	mknod "$T/tun" c 10 200 || skip "needs to make a device"
	chmod 666 "$T/tun"
	at HOST mount --bind "$T/tun" /dev/net/tun || skip "needs /dev/net/tun"
	at HOST ip addr add 192.0.2.10/24 dev up0
	at HOST ip route add default via 192.0.2.1
	start_at HOST python3 -m http.server --bind 127.0.0.1 8099
	eventually at HOST curl -s -o /dev/null http://127.0.0.1:8099/
}

no_pasta()
{
	[ -z "$(pgrep -f '^pasta ' -U "$USER_ID")" ]
}
