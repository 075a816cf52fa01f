#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every step of the plan fails in turn, and whoever runs it is killed in turn, the parent too. After
# each: the exit code and the words are right, and nothing is left: no process, no mount, no
# namespace, no file. Needs a build with -Dfault=true (tests/run uses build-fault).
# serial: counts the namespaces and processes of the machine

setup_file() {
	BIN=$(mktemp -d /tmp/holm-fault.XXXXXX)
	export BIN
	chmod 755 "$BIN"
	cp "$HOLM" "$(dirname "$HOLM")/holm-egress" "$BIN/"
	mkdir -p "$BIN/root/bin" "$BIN/root/proc" "$BIN/root/dev" "$BIN/root/tmp" "$BIN/root/run"
	cp "$(command -v busybox)" "$BIN/root/bin/busybox"
	ln -s busybox "$BIN/root/bin/sleep"
	export MARK=98765.4321
}

teardown_file() {
	rm -rf "$BIN"
}

setup() {
	HOLM_FAULT=nosuch:fail "$BIN/holm" box --help >/dev/null
	if ! grep -q HOLM_FAULT "$BIN/holm"; then
		skip "needs a build with -Dfault=true"
	fi
}

namespaces() {
	find /proc/[0-9]*/ns -maxdepth 1 -name '[a-z]*' -printf '%l\n' 2>/dev/null | sort -u
}

snapshot() {
	namespaces | wc -l
	wc -l </proc/self/mountinfo
	find /tmp -maxdepth 1 -name 'holm*' ! -name 'holm-test*' ! -name 'holm-vm-*' | sort
	find "$BIN" | sort
	cgroups
	networks
	pgrep -fc "sleep $MARK" || true
	pgrep -xc holm-init || true
	pgrep -xc holm-egress || true
}

# A parent that was killed leaves its cgroup to the next one that looks.
cgroups() {
	[ "$SPEC" = limits ] || [ "$SPEC" = judge ] || return 0
	"$BIN/holm" doctor --clean >/dev/null
	"$BIN/holm" doctor | grep -c 'left by killed programs' || true
	find /sys/fs/cgroup -type d -name "holm-box-$(stat -Lc %i /proc/self/ns/pid | xargs printf '%x')-*"
}

# Interfaces, addresses and rules. A parent that was killed leaves its address to the next that looks.
networks() {
	[ "$SPEC" = net ] || return 0
	"$BIN/holm" net gc >/dev/null
	ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | sort
	"$BIN/holm" net inspect fault
	nft list table inet holm
}

# The box may still be dying when its parent was killed: a bounded wait, not a sleep.
nothing_left() {
	local now i
	for i in $(seq 100); do
		now=$(snapshot)
		[ "$now" = "$1" ] && return 0
		sleep 0.05
	done
	diff <(echo "$1") <(echo "$now")
	return 1
}

as_user() {
	if [ "$SPEC" = user ]; then
		setpriv --reuid=61234 --regid=61234 --clear-groups "$@"
	else
		"$@"
	fi
}

options() {
	case $SPEC in
	default) echo "" ;;
	overlay) echo "--rootfs $BIN/root --overlay tmp --map-users 0:100000:65536 --map-groups 0:100000:65536 --pty yes --time-offset boottime=+1h --rlimit nofile=64 --nice 1" ;;
	judge) echo "--limits best-effort --judge --workspace /work --time 1h --wall 1h --idle 1h --output 1m --memory 64m --seccomp-action kill --stack 8m" ;;
	net) echo "--net bridge:fault,name=a --net veth,ip=10.99.0.2/24,rate=10mbit -p 8080:80 -p 9000-9999:9000-9999/udp --hostname x --deny out:any --allow in:tcp:box:x:80 --allow out:internet" ;;
	egress) echo "--allow-host example.org,*.debian.org --egress-log /dev/null" ;;
	limits) echo "--limits best-effort --cgroup --memory 64m --pids 20" ;;
	user) echo "--user root --hostname x --cap net_admin --ro-bind $BIN/root:/r --tmpfs /t" ;;
	esac
}

# All steps of the spec, the items of the repeated ones too: "mount#3".
all_steps() {
	# shellcheck disable=SC2046
	as_user "$BIN/holm" plan --json box $(options) -- sleep "$MARK" |
		jq -r '.[].step' | awk '{ print $1 "#" n[$1]++ }'
}

# In a pid and mount namespace of its own, so that nothing else on the machine is counted.
isolated() {
	if [ "$(id -u)" = 0 ]; then
		export SPEC
		if [ "$SPEC" = net ]; then
			unshare --pid --fork --mount --mount-proc --kill-child --net \
				bash -eo pipefail -c "$(declare -f); in_a_network $1"
			return
		fi
		unshare --pid --fork --mount --mount-proc --kill-child \
			bash -eo pipefail -c "$(declare -f); break_each_step $1"
	else
		break_each_step "$1"
	fi
}

# On a host of its own, which afterwards is as bare as before.
in_a_network() {
	ip link set lo up
	"$BIN/holm" net create fault --no-dns
	break_each_step "$1"
	"$BIN/holm" net rm fault
	[ "$(ip -o link | wc -l)" = 1 ]
	[ -z "$(nft list ruleset)" ]
}

break_each_step() {
	local action=$1 step before out rc
	before=$(snapshot)
	[ "$(all_steps | wc -l)" -gt 30 ]
	for step in $(all_steps); do
		rc=0
		# shellcheck disable=SC2046
		out=$(as_user env HOLM_FAULT="$step:$action" timeout 20 \
			"$BIN/holm" box $(options) -- sleep "$MARK" 2>&1 </dev/null) || rc=$?
		echo "$SPEC $step $action: rc=$rc $out"
		check_"$action" "${step%#*}"
		nothing_left "$before"
	done
	# and the next command works
	# shellcheck disable=SC2046
	as_user timeout 20 "$BIN/holm" box $(options) -- sleep 0
}

# One line that names the step; 125 for holm, 126 for the command.
check_fail() {
	if [ "$1" = exec ]; then
		[ "$rc" = 126 ]
	else
		[ "$rc" = 125 ]
		[[ $out == *"holm: $1"* ]]
	fi
	[ "$(grep -c . <<<"$out")" = 1 ]
}

# In the parent's own stages the parent is the one that is killed.
check_kill() {
	[ "$rc" = 137 ] || { [ "$1" = exec ] && [ "$rc" = 126 ] && [[ $out == *killed* ]]; } ||
		{ [ "$rc" = 125 ] && [[ $out == *"holm: $1"*"killed meanwhile"* ]]; }
}

check_parent() {
	[ "$rc" = 137 ]
}

@test "default: every step fails in turn" {
	SPEC=default
	isolated fail
}

@test "default: whoever runs a step is killed, at every step" {
	SPEC=default
	isolated kill
}

@test "default: the parent is killed at every step" {
	SPEC=default
	isolated parent
}

@test "rootfs with overlay: every step fails in turn" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	SPEC=overlay
	isolated fail
}

@test "rootfs with overlay: whoever runs a step is killed, at every step" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	SPEC=overlay
	isolated kill
}

@test "rootfs with overlay: the parent is killed at every step" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	SPEC=overlay
	isolated parent
}

@test "ordinary user: every step fails in turn" {
	[ "$(id -u)" = 0 ] || skip "needs root to become another user"
	SPEC=user
	isolated fail
}

@test "ordinary user: whoever runs a step is killed, at every step" {
	[ "$(id -u)" = 0 ] || skip "needs root to become another user"
	SPEC=user
	isolated kill
}

@test "ordinary user: the parent is killed at every step" {
	[ "$(id -u)" = 0 ] || skip "needs root to become another user"
	SPEC=user
	isolated parent
}

@test "limits: every step fails in turn" {
	SPEC=limits
	isolated fail
}

@test "limits: whoever runs a step is killed, at every step" {
	SPEC=limits
	isolated kill
}

@test "limits: the parent is killed at every step" {
	SPEC=limits
	isolated parent
}

@test "judge: every step fails in turn" {
	SPEC=judge
	isolated fail
}

@test "judge: whoever runs a step is killed, at every step" {
	SPEC=judge
	isolated kill
}

@test "judge: the parent is killed at every step" {
	SPEC=judge
	isolated parent
}

@test "egress: every step fails in turn" {
	SPEC=egress
	isolated fail
}

@test "egress: whoever runs a step is killed, at every step" {
	SPEC=egress
	isolated kill
}

@test "egress: the parent is killed at every step" {
	SPEC=egress
	isolated parent
}

need_networks() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	command -v nft >/dev/null || skip "needs nft"
}

@test "networks: every step fails in turn" {
	need_networks
	SPEC=net
	isolated fail
}

@test "networks: whoever runs a step is killed, at every step" {
	need_networks
	SPEC=net
	isolated kill
}

@test "networks: the parent is killed at every step" {
	need_networks
	SPEC=net
	isolated parent
}
