#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `holm net` does fails in turn, and is killed in turn, at every point that it has. After a
# failure nothing of it is there; after a kill the next command makes good what is left.
# serial: as the others here

setup_file() {
	BIN=$(mktemp -d /tmp/holm-fault.XXXXXX)
	export BIN
	cp "$HOLM" "$BIN/holm"
	cp "$(dirname "$HOLM")"/holm-* "$BIN" 2>/dev/null || :
}

teardown_file() {
	rm -rf "$BIN"
}

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	command -v nft ip >/dev/null || skip "needs nft and ip"
	grep -q HOLM_FAULT "$BIN/holm" || skip "needs a build with -Dfault=true"
}

# isolated FUNCTION...: on a host of its own, with a /run of its own
isolated() {
	unshare --pid --fork --mount --mount-proc --kill-child --net \
		bash -eo pipefail -c "mount -t tmpfs none /run; ip link set lo up; $(declare -f); $*"
}

# What is there that was not; but the dead leave files to whoever comes next.
snapshot() {
	ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | sort
	ip -o addr show scope global | awk '{ print $2, $4 }' | sort
	ip xfrm state 2>/dev/null | grep -c '^src' || :
	ip xfrm policy 2>/dev/null | grep -c '^src' || :
	nft list tables 2>/dev/null
	find /run/holm/net -mindepth 1 2>/dev/null | sort
	for ns in /run/netns/*; do
		[ -e "$ns" ] || continue
		stat -f -c '%n %T' "$ns"
		nsenter --net="$ns" ip -o link 2>/dev/null | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | sort
	done
}

# broken POINT ACTION COMMAND...: and what it says, and its exit code
broken() {
	local point=$1 action=$2 rc=0 out
	shift 2
	out=$(HOLM_FAULT=$point:$action timeout 20 "$BIN/holm" net "$@" 2>&1) || rc=$?
	echo "$point $action: rc=$rc $out"
	[ "$rc" = "$([ "$action" = fail ] && echo 125 || echo 137)" ]
	[ "$action" = kill ] || [[ $out == "holm: net"*"Input/output error" ]]
}

nothing_left() {
	[ "$(snapshot)" = "$1" ] || {
		diff <(echo "$1") <(snapshot)
		return 1
	}
}

break_names() {
	local before point
	"$BIN/holm" net ns add x
	"$BIN/holm" net ns add y
	before=$(snapshot)
	for point in ns-make ns-mount; do
		broken "$point" fail ns add z
		nothing_left "$before"
		broken "$point" kill ns add z
		# What is left is a file that is no namespace; it is taken over, and can be removed.
		"$BIN/holm" net ns add z
		"$BIN/holm" net ns rm z
		nothing_left "$before"
	done
	for action in fail kill; do
		broken ns-remove "$action" ns rm x
		nothing_left "$before"
	done
	for point in wire-make wire-up-a wire-up-b; do
		broken "$point" fail wire x y
		nothing_left "$before"
		broken "$point" kill wire x y
		[ "$point" = wire-make ] || "$BIN/holm" net wire --rm x y
		nothing_left "$before"
	done
	"$BIN/holm" net ns rm x y
}

@test "named namespaces and wires: every step fails, and is killed" {
	isolated break_names
}

OVERLAY="create over --overlay --local 192.0.2.1 --peers 192.0.2.2,192.0.2.3"

# Who was started with a fault in its environment may still come to it.
mended() {
	local i
	for i in $(seq 20); do
		"$BIN/holm" net check --repair && "$BIN/holm" net check && return 0
		sleep 0.2
	done
	return 1
}

break_overlay() {
	local before made point
	ip link add eth0 type veth peer name far0
	ip addr add 192.0.2.1/24 dev eth0
	ip link set far0 up
	ip link set eth0 up
	before=$(snapshot)
	# shellcheck disable=SC2086
	for point in $POINTS; do
		broken "$point" fail $OVERLAY
		nothing_left "$before"
		broken "$point" kill $OVERLAY
		# What is written down is made good; what is not is removed.
		"$BIN/holm" net gc
		if "$BIN/holm" net inspect over >/dev/null 2>&1; then
			mended
			"$BIN/holm" net rm over
		fi
		nothing_left "$before"
	done
	# On one that lives: what fails is made good, too.
	# shellcheck disable=SC2086
	"$BIN/holm" net $OVERLAY
	if [[ $OVERLAY != *etcd* ]]; then
		broken overlay-peers fail peers over add 192.0.2.4
		broken overlay-peers kill peers over add 192.0.2.5
		"$BIN/holm" net check --repair || :
		"$BIN/holm" net check
		[ "$("$BIN/holm" net peers over | wc -l)" = 4 ]
		"$BIN/holm" net peers over rm 192.0.2.4 192.0.2.5
	fi
	"$BIN/holm" net rm over
	nothing_left "$before"
}

@test "an overlay: every step fails, and is killed" {
	export OVERLAY POINTS="record bridge overlay-device overlay-peers"
	isolated break_overlay
}

break_with_etcd() {
	etcd --data-dir "$BIN/etcd" --listen-peer-urls http://127.0.0.1:2380 >/dev/null 2>&1 &
	until ETCDCTL_API=3 etcdctl endpoint health >/dev/null 2>&1; do sleep 0.1; done
	break_overlay
	# Nobody of ours lives on, and etcd knows of nobody.
	sleep 3
	! pgrep -x holm-etcd || return 1
	[ -z "$(ETCDCTL_API=3 etcdctl get --prefix --keys-only / | grep .)" ]
}

@test "an overlay with etcd: every step fails, and is killed" {
	command -v etcd etcdctl >/dev/null || skip "needs etcd"
	[ -x "$BIN/holm-etcd" ] || skip "needs holm-etcd"
	export OVERLAY="create over --overlay --local 192.0.2.1 --etcd http://127.0.0.1:2379 --ttl 2"
	export POINTS="record etcd-start etcd-record bridge overlay-device overlay-peers"
	isolated break_with_etcd
}

@test "an overlay that is encrypted: every step fails, and is killed" {
	command -v etcd etcdctl >/dev/null || skip "needs etcd"
	[ -x "$BIN/holm-etcd" ] || skip "needs holm-etcd"
	head -c 32 /dev/urandom >"$BIN/key"
	chmod 600 "$BIN/key"
	unshare --net ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1234 mode transport \
		aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128 2>/dev/null || skip "needs ESP in the kernel"
	export OVERLAY="create over --overlay --local 192.0.2.1 --etcd http://127.0.0.1:2379 --ttl 2 --encrypt --key-file $BIN/key"
	export POINTS="record etcd-start bridge esp-policy overlay-device overlay-peers"
	isolated break_with_etcd
}

# set_of PID: whom the rules of its box take for "friend"
set_of() {
	nsenter --net="/proc/$1/ns/net" nft list set inet holm box4-friend | tr -d '\n' | grep -o 'elements.*}' || :
}

# start_in NETWORK OPTION...: a box; PID is its command's
start_in() {
	local network=$1 i
	shift
	rm -f "$BIN/ready"
	mkfifo "$BIN/ready"
	"$BIN/holm" box --net "bridge:$network" --ready-fd 9 "$@" -- sleep 100 9>"$BIN/ready" >/dev/null 2>&1 3>&- &
	timeout 10 cat "$BIN/ready" >/dev/null
	PID=$("$BIN/holm" net inspect "$network" | jq '.boxes[-1].pid')
}

connect_broken() {
	"$BIN/holm" net create one --no-dns
	"$BIN/holm" net create two --no-dns
	start_in two --hostname friend
	start_in one --allow out:box:friend
	broken connect-wire fail connect two "$PID"
	[ -z "$(set_of "$PID")" ]
	# The rules are whole before there is an interface that they are about.
	broken connect-wire kill connect two "$PID"
	[[ $(set_of "$PID") == *"$("$BIN/holm" net inspect two | jq -r '.boxes[] | select(.hostname == "friend").address4')"* ]]
	[ -z "$(nsenter --net="/proc/$PID/ns/net" ip -o link show eth1 2>/dev/null)" ]
	"$BIN/holm" net disconnect two "$PID"
	[ -z "$(set_of "$PID")" ]
	"$BIN/holm" net connect two "$PID"
	[ -n "$(nsenter --net="/proc/$PID/ns/net" ip -o link show eth1)" ]
	kill %1 %2
	wait
	"$BIN/holm" net gc
	"$BIN/holm" net rm one
	"$BIN/holm" net rm two
}

@test "a further network: the rules are whole before its interface is there" {
	isolated connect_broken
}
