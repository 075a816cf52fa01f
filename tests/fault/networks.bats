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
	find /run -type d -path '*net*' | sort
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
