#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# linux.netDevices: devices of a network namespace of the test's own, in which holm-oci is called.

load oci

# net COMMAND...: in a network namespace with the device hd0, which has addresses of all kinds
net()
{
	nsenter "--net=/proc/$NET/ns/net" "$@"
}

noci()
{
	net "$OCI" --root "$T/root" "$@"
}

# Every device of a name, as `ip` prints it, but for what only the kernel chooses.
addresses()
{
	sed -E 's/.*inet(6?) ([^ ]*( peer [^ ]*)?( brd [^ ]*)?).*/inet\1 \2/; /^inet/!d; /^inet6 fe80/d' | sort
}

# elsewhere PID: it has gone to a network namespace of its own
elsewhere()
{
	[ "$(readlink /proc/$$/ns/net)" != "$(readlink "/proc/$1/ns/net")" ]
}

setup_net()
{
	need_root
	need ip nsenter unshare
	unshare --net sleep 1000 &
	NET=$!
	STARTED+=("$NET")
	eventually elsewhere "$NET"
	net ip link add hd0 type veth peer name hd1 || skip "needs veth devices"
	net ip link add hd2 type veth peer name hd3
	net ip addr add 192.0.2.7/24 brd 192.0.2.200 dev hd0
	net ip addr add 192.0.2.8/24 dev hd0 noprefixroute
	net ip addr add 198.51.100.1 peer 198.51.100.2/32 dev hd0
	net ip addr add 169.254.3.4/16 scope link dev hd0
	net ip addr add 192.0.2.9/24 valid_lft 1000 preferred_lft 1000 dev hd0
	net ip addr add 2001:db8::7/64 dev hd0 nodad
	net ip link set hd0 up
	net ip link set hd1 up
	net ip addr show hd0 | addresses >before
}

MOVED='inet 192.0.2.7/24 brd 192.0.2.200
inet 192.0.2.8/24
inet 198.51.100.1 peer 198.51.100.2/32
inet6 2001:db8::7/64'

# All is as before in the namespace of the test.
is_back()
{
	net ip addr show hd0 | addresses >after
	grep -v 192.0.2.9 before | diff - after
	net ip -o link show hd0 | grep -q '[<,]UP[,>]'
	net ip -o link show hd2 | grep -qv '[<,]UP[,>]'
}

@test "a device is moved, renamed and up, and has its permanent addresses of global scope" {
	setup_net
	config '.linux.netDevices = {hd0: {name: "eth0"}, hd2: {}}' 'sleep 60'
	noci create --bundle "$B" one
	net ip link show hd0 && return 1
	net ip link show hd2 && return 1
	noci start one
	oci exec one ip addr show eth0
	[ "$(oci exec one ip addr show eth0 | addresses)" = "$MOVED" ]
	oci exec one ip addr show eth0 | grep 192.0.2.8 | grep -q noprefixroute
	oci exec one ip link show eth0 | grep -q '[<,]UP[,>]'
	oci exec one ip link show hd2 | grep -q '[<,]UP[,>]'
	[ "$(oci exec one ls /sys/class/net | tr '\n' ' ')" = "eth0 hd2 lo " ]
	net ip addr add 192.0.2.1/24 dev hd1
	eventually net busybox ping -c 1 -W 1 192.0.2.7
	# Virtual ones end with the namespace.
	noci delete --force one
	eventually not net ip link show hd1
	net ip -o link | cut -d : -f 2
	[ "$(net ip -o link | wc -l)" = 1 ]
}

@test "with a user namespace; two that exchange their names" {
	setup_net
	chown -R 100000:100000 "$B/rootfs"
	chmod 755 "$T" "$B"
	config '.linux.netDevices = {hd0: {name: "hd2"}, hd2: {name: "hd0"}} | .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]' 'ip addr show hd2; ls /sys/class/net | tr "\n" " "'
	noci run --bundle "$B" one >out
	cat out
	[ "$(addresses <out)" = "$MOVED" ]
	[ "$(tail -n 1 out)" = "hd0 hd2 lo " ]
}

@test "they are there when the hooks run, and later processes find them too" {
	setup_net
	cat >look <<-'END'
		#!/bin/sh
		pid=$(sed 's/.*"pid": *\([0-9]*\).*/\1/')
		nsenter "--net=/proc/$pid/ns/net" ip addr show eth0 >"$1"
	END
	chmod 755 look
	config ".linux.netDevices = {hd0: {name: \"eth0\"}}
		| .hooks = {createRuntime: [{path: \"$T/look\", args: [\"look\", \"$T/seen\"], env: [\"PATH=/bin:/sbin:/usr/bin:/usr/sbin\"]}]}" 'sleep 60'
	noci run --detach --bundle "$B" one
	[ "$(addresses <seen)" = "$MOVED" ]
	noci exec one ip link show eth0
}

@test "into a network namespace that is joined: there they stay" {
	setup_net
	unshare --net sleep 1000 &
	STARTED+=("$!")
	eventually elsewhere "$!"
	local path="(.linux.namespaces[] | select(.type == \"network\")).path"

	config ".linux.netDevices = {hd0: {name: \"eth0\"}} | $path = \"/proc/$!/ns/net\"" true
	noci run --bundle "$B" one
	[ "$(nsenter "--net=/proc/$!/ns/net" ip addr show eth0 | addresses)" = "$MOVED" ]
	nsenter "--net=/proc/$!/ns/net" ip link show hd0 && return 1
	# A name that is taken there; what has moved by then comes back.
	config ".linux.netDevices = {hd1: {name: \"x\"}, hd2: {name: \"eth0\"}} | $path = \"/proc/$!/ns/net\"" true
	run -1 --separate-stderr noci run --bundle "$B" one
	[[ $stderr == "holm-oci: net-device hd2 -> eth0: "*"File exists"* ]]
	net ip link show hd1
	net ip link show hd2
	# That of the devices themselves.
	config ".linux.netDevices = {hd2: {}} | $path = \"/proc/$NET/ns/net\"" true
	run -1 --separate-stderr noci run --bundle "$B" one
	[[ $stderr == *"no network namespace into which they could be moved"* ]]
	net ip link show hd2
}

@test "what fails later brings them back, with their names, addresses and state" {
	setup_net
	# There is no third one.
	config '.linux.netDevices = {hd0: {name: "eth0"}, hd2: {name: "eth1"}, nosuch: {}}' true
	run -1 --separate-stderr noci run --bundle "$B" one
	[[ $stderr == "holm-oci: net-device nosuch: find it: No such device" ]]
	is_back
	cp after before
	# A hook, a mount and the command, each behind it.
	config '.linux.netDevices = {hd0: {name: "eth0"}, hd2: {name: "eth1"}}
		| .hooks = {createRuntime: [{path: "/bin/false"}]}' true
	run -1 noci run --bundle "$B" one
	is_back
	config '.linux.netDevices = {hd0: {}, hd2: {}} | .mounts += [{destination: "/x", type: "bind", source: "/nosuch"}]' true
	run -1 noci create --bundle "$B" one
	is_back
	config '.linux.netDevices = {hd0: {name: "hd2"}, hd2: {name: "hd0"}} | .process.args = ["nosuch"]' true
	run -1 noci run --bundle "$B" one
	is_back
}

@test "what cannot be: no namespace, no right, lo, a name that is none or twice" {
	setup_net
	local dir

	config '.linux.netDevices = {hd0: {}} | del(.linux.namespaces[] | select(.type == "network"))' true
	run -1 --separate-stderr noci run --bundle "$B" one
	[[ $stderr == *"linux.netDevices: there is no network namespace"* ]]
	config '.linux.netDevices = {lo: {name: "lo2"}}' true
	run -1 --separate-stderr noci run --bundle "$B" one
	[[ $stderr == *"net-device lo -> lo2: move it: Invalid argument (there are devices that cannot leave"* ]]
	config '.linux.netDevices = {hd0: {name: "eth%d"}}' true
	run -1 --separate-stderr noci run --bundle "$B" one
	[[ $stderr == *"cannot be an interface's name"* ]]
	config '.linux.netDevices = {hd0: {name: "x"}, hd2: {name: "x"}}' true
	run -1 --separate-stderr noci run --bundle "$B" one
	[[ $stderr == *"two of them would be \"x\""* ]]
	dir=$(user_dir mine)
	cp -r "$B/rootfs" "$dir/rootfs"
	"$OCI" spec --rootless --bundle "$T"
	jq --argjson id "$USER_ID" '.process.terminal = false | .process.args = ["true"] | .linux.netDevices = {hd0: {}}
		| .linux.namespaces += [{type: "network"}]
		| .linux.uidMappings[0].hostID = $id | .linux.gidMappings[0].hostID = $id' config.json >"$dir/config.json"
	chown -R "$USER_ID:$USER_ID" "$dir"
	as_user_words
	run -1 --separate-stderr net "${AS_USER[@]}" env XDG_RUNTIME_DIR="$dir" "$OCI" --cgroup-manager disabled run --bundle "$dir" one
	[[ $stderr == *"net-device hd0: "*"(it needs CAP_NET_ADMIN"* ]]
	net ip link show hd0
}
