#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# As fault.bats, for holm-oci: every step of a container fails in turn, and whoever runs it is killed
# in turn, the runtime too. After each, and after `delete --force`, no mount, cgroup, state directory,
# namespace or process is left, and the next container works.
# serial: counts the namespaces and processes of the machine

setup_file() {
	BIN=$(mktemp -d /tmp/holm-fault.XXXXXX)
	export BIN MARK=98765.4322 STEPS_MIN=30
	chmod 755 "$BIN"
	cp "$HOLM_OCI" "$BIN/holm-oci"
	mkdir -p "$BIN"/b/rootfs/bin "$BIN"/b/rootfs/word "$BIN"/b/rootfs/dev "$BIN"/b/rootfs/proc "$BIN"/b/rootfs/sys
	cp "$(command -v busybox)" "$BIN/b/rootfs/bin/busybox"
	ln -s busybox "$BIN/b/rootfs/bin/sleep"
	ln -s busybox "$BIN/b/rootfs/bin/true"
	"$BIN/holm-oci" spec --bundle "$BIN/b"
	export GROUP=holm-fault-$$
	export DEVICES={}
	unshare --net ip link add hd0 type veth 2>/dev/null && DEVICES='{"hd0": {"name": "eth0"}}'
	# A stand-in for resctrl, which begins with each test.
	export RDT=null FAKE
	FAKE=$(dirname "$HOLM_OCI")/tests/fake_resctrl
	mkdir "$BIN/resctrl"
	if [ -x "$FAKE" ] && [ -c /dev/fuse ]; then RDT='{"closID": "fault", "schemata": ["L3:0=f"], "enableMonitoring": true}'; fi
	# Of everything something, so that nearly every row is wanted.
	jq --argjson devices "$DEVICES" --argjson rdt "$RDT" --arg mark "$MARK" --arg group "/$GROUP" --arg bin "$BIN" '.process.terminal = false
		| .process.args = ["sleep", $mark] | .linux.cgroupsPath = $group
		| .linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1, nanosecs: 0}}
		| .process.oomScoreAdj = 10 | .process.scheduler = {policy: "SCHED_OTHER", nice: 1}
		| .linux.sysctl = {"kernel.shmmni": "4000"} | .linux.maskedPaths = ["/word"] | .linux.readonlyPaths = ["/bin"]
		| .linux.rootfsPropagation = "shared" | .linux.netDevices = $devices
		| .linux.resources.pids = {limit: 100} | .linux.intelRdt = $rdt
		| .hooks = {createRuntime: [{path: "/bin/true"}], createContainer: [{path: "/bin/true"}],
			startContainer: [{path: "/bin/true"}], poststart: [{path: "/bin/true"}], poststop: [{path: "/bin/true"}]}
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
			syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]}' \
		"$BIN/b/config.json" >"$BIN/b/new.json"
	mv "$BIN/b/new.json" "$BIN/b/config.json"
	# The same with a root that is mounted nowhere.
	cp -a "$BIN/b" "$BIN/n"
	jq 'del(.linux.rootfsPropagation) | del(.linux.namespaces[] | select(.type == "mount"))' \
		"$BIN/b/config.json" >"$BIN/n/config.json"
	export BUNDLE=$BIN/b
}

teardown_file() {
	rm -rf "$BIN"
}

setup() {
	grep -q HOLM_FAULT "$BIN/holm-oci" || skip "needs a build with -Dfault=true"
	[ "$(id -u)" = 0 ] || skip "needs root"
}

oci() {
	timeout 20 "$BIN/holm-oci" --root "$BIN/state" "$@" </dev/null
}

snapshot() {
	find /proc/[0-9]*/ns -maxdepth 1 -name '[a-z]*' -printf '%l\n' 2>/dev/null | sort -u | wc -l
	wc -l </proc/self/mountinfo
	find /sys/fs/cgroup -type d -path "*$GROUP*" 2>/dev/null
	find "$BIN" ! -path "$BIN/state" | sort
	pgrep -fc "sleep $MARK" || true
	pgrep -xc holm-init || true
}

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

# Every row, the first items of those that are repeated. What this container does not want does no harm.
all_steps() {
	sed -n 's/.*{ STAGE_[A-Z]*, "\([a-z-]*\)".*/\1/p' "$HOLM_SRC/src/run/steps.c" "$HOLM_SRC/src/run/seal.rows" |
		while read -r step; do
			case $step in
			mount | attribute | cover) printf '%s#%s\n' "$step" 0 "$step" 1 "$step" 5 "$step" 11 ;;
			*) echo "$step#0" ;;
			esac
		done
}

# Groups that are left are found below $BIN; the pids that are written there are those of its own namespace.
resctrl() {
	[ "$RDT" = null ] || {
		"$FAKE" "$BIN/resctrl" &
		export HOLM_RESCTRL=$BIN/resctrl
		until mountpoint -q "$BIN/resctrl"; do sleep 0.05; done
	}
}

isolated() {
	unshare --pid --fork --mount --net --mount-proc --kill-child \
		bash -eo pipefail -c "$(declare -f); resctrl; $*"
}

# The device that a container takes along ends with it.
device() {
	[ "$DEVICES" = "{}" ] || ip link show hd0 >/dev/null 2>&1 ||
		{ ip link add hd0 type veth && ip addr add 192.0.2.7/24 dev hd0 && ip link set hd0 up; }
}

device_is_back() {
	[ "$DEVICES" = "{}" ] || { ip addr show hd0 | grep -q 192.0.2.7 && ip link show hd0 | grep -q '[<,]UP[,>]'; }
}

# What one does with a container, up to the command that is to break.
create_one() { device && HOLM_FAULT=$1 oci create --bundle "$BUNDLE" one; }
run_one() { device && HOLM_FAULT=$1 oci run --detach --bundle "$BUNDLE" one; }
start_one() { create_one "$1" && HOLM_FAULT=$1 oci start one; }
exec_one() { run_one "" && HOLM_FAULT=$1 oci exec --detach one sleep "$MARK"; }

break_each_step() {
	local command=$1 action=$2 step before out rc hit=0
	before=$(snapshot)
	for step in $(all_steps); do
		rc=0
		# To a file: a container that waits would hold a pipe open.
		"${command}_one" "$step:$action" >"$BATS_TEST_TMPDIR/out" 2>&1 || rc=$?
		out=$(cat "$BATS_TEST_TMPDIR/out")
		[ "$rc" = 0 ] || hit=$((hit + 1))
		echo "$command $step $action: rc=$rc $out"
		[ "$rc" != 124 ]
		if [ "$action" = fail ] && [ "$rc" != 0 ]; then
			[ "$(grep -c '^holm-oci: ' <<<"$out")" = 1 ]
			case $command in create | run) device_is_back ;; esac
		fi
		# nor does the exit code: what was started is there
		if [ "$command" = exec ] && [ "$rc" = 0 ]; then
			[ "$(pgrep -fxc "sleep $MARK")" = 2 ]
		fi
		# state never lies: what it calls running runs
		if [ "$(oci state one 2>/dev/null | jq -r .status)" = running ]; then
			pgrep -f "sleep $MARK" >/dev/null
		fi
		oci delete --force one
		nothing_left "$before"
	done
	echo "$hit steps were hit"
	[ "$hit" -ge "$STEPS_MIN" ]
	run_one ""
	oci delete --force one
	nothing_left "$before"
}

@test "create: every step fails in turn" {
	isolated break_each_step create fail
}

@test "create: whoever runs a step is killed, at every step" {
	isolated break_each_step create kill
}

@test "create: the runtime is killed at every step" {
	isolated break_each_step create parent
}

@test "run: every step fails in turn" {
	isolated break_each_step run fail
}

@test "run: the runtime is killed at every step" {
	isolated break_each_step run parent
}

@test "start: every step that is left fails in turn, or whoever runs it is killed" {
	isolated break_each_step start fail
	isolated break_each_step start kill
}

@test "exec: every step fails in turn" {
	STEPS_MIN=10
	isolated break_each_step exec fail
}

@test "exec: whoever runs a step is killed, the runtime too" {
	STEPS_MIN=10
	isolated break_each_step exec kill
	isolated break_each_step exec parent
}

# Where every mount of the host is shared: a mount that went astray would show.
without_mount_namespace() {
	[ "$(printf '6.15\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.15 ] || skip "needs Linux 6.15"
	export BUNDLE=$BIN/n
	isolated "mount --make-rshared / && break_each_step $1 $2"
}

@test "no mount namespace, create: every step fails in turn" {
	without_mount_namespace create fail
}

@test "no mount namespace, create: whoever runs a step is killed, at every step" {
	without_mount_namespace create kill
}

@test "no mount namespace, create: the runtime is killed at every step" {
	without_mount_namespace create parent
}

@test "no mount namespace, exec: every step fails in turn" {
	STEPS_MIN=10
	without_mount_namespace exec fail
}

kill_delete() {
	local i before
	before=$(snapshot)
	for i in $(seq 0 14); do
		run_one ""
		"$BIN/holm-oci" --root "$BIN/state" delete --force one &
		sleep "0.0$(printf %02d "$i")"
		kill -KILL $! 2>/dev/null || :
		wait $! 2>/dev/null || :
		oci delete --force one
		nothing_left "$before"
	done
}

@test "delete: killed at any time, the next one goes on" {
	isolated kill_delete
}
