#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd as the maker of cgroups. What has to be refused is tested anywhere; the rest (tag: vm) where
# systemd is process 1, which `tests/vm/run systemd` sees to.
# serial: units have names that are the whole machine's

load oci

need_systemd()
{
	need_root
	[ -d /run/systemd/system ] || skip "needs systemd as process 1: tests/vm/run systemd"
	NAME=$G
	UNIT=test-$NAME.scope
	SLICE=holm-tests.slice
	IN=holm.slice/$SLICE/$UNIT
	jq --arg path "$SLICE:test:$NAME" '.linux.cgroupsPath = $path' "$B/base.json" >"$B/new.json"
	mv "$B/new.json" "$B/base.json"
}

# Options of all commands below are before them; only create and run need this one.
oci()
{
	"$OCI" --root "$T/root" --systemd-cgroup "$@"
}

# property NAME: of the unit
property()
{
	systemctl show --property "$1" --value "${2:-$UNIT}"
}

no_unit()
{
	[ "$(property LoadState "${1:-$UNIT}")" = not-found ]
}

# The directory of the unit where the controller is, on v2, hybrid and v1.
group_of()
{
	local dir

	for dir in "/sys/fs/cgroup/$1" /sys/fs/cgroup/unified /sys/fs/cgroup; do
		[ ! -d "$dir/$IN" ] || break
	done
	echo "$dir/$IN"
}

is_v2()
{
	[ -e /sys/fs/cgroup/cgroup.controllers ]
}

# ---- anywhere ----

@test "without systemd or without its helper: one line, exit code 1, and the log has it" {
	need_root
	config '.linux.cgroupsPath = "a.slice:p:n"'
	if [ ! -d /run/systemd/system ]; then
		run -1 --separate-stderr oci --log "$T/log" create --bundle "$B" one
		echo "$stderr"
		[[ $stderr == "holm-oci: systemd: cannot reach systemd over D-Bus: "*"cgroupfs"* ]]
		[ "${#stderr_lines[@]}" = 1 ]
		grep -q 'level=error.*cannot reach systemd' "$T/log"
		run -1 --separate-stderr oci --rootless=true create --bundle "$B" one
		[[ $stderr == *"cannot reach the user's systemd"* ]]
	fi
	mkdir alone
	cp "$OCI" alone/holm-oci
	OCI=$T/alone/holm-oci
	if [ "$(oci features | jq .linux.cgroup.systemd)" = false ]; then # not installed
		run -1 --separate-stderr oci create --bundle "$B" one
		[[ $stderr == *"needs the program holm-systemd"*"libsystemd-dev"* ]]
	fi
	run -1 oci state one
}

@test "cgroupsPath and annotations are checked before anything is made" {
	need_root
	local path

	for path in /a/b a.slice a.slice:b a:b:c a.slice:b:c:d a--b.slice:c:d -a.slice:c:d a.slice:b: \
		a.slice:b:c/d a.slice:b:c@d .slice:b:c b.slice::a-b.slice; do
		config ".linux.cgroupsPath = \"$path\""
		run -1 --separate-stderr oci create --bundle "$B" one
		echo "$path: $stderr"
		[[ $stderr == "holm-oci: linux.cgroupsPath: "* ]]
	done
	for annotation in 'TasksMax: uint64' 'TasksMax: uint8 1' 'tasksMax: 1' 'X-Y: 1' "Slice: 'x.slice'" \
		'PIDs: [uint32 1]' "A: 1" "RuntimeMaxSec: 'x'" "Wants: ['a.service'" "Wants: {'a': 1}"; do
		config ".linux.cgroupsPath = \"a.slice:p:n\" | .annotations[\"org.systemd.property.${annotation%%: *}\"] = \"${annotation#*: }\""
		run -1 --separate-stderr oci create --bundle "$B" one
		echo "$annotation: $stderr"
		[[ $stderr == "holm-oci: annotation org.systemd.property."* ]]
	done
}

@test "the helper is of no use to anybody else" {
	[ -x "${OCI%/*}/holm-systemd" ] || skip "was built without libsystemd"
	run -2 "${OCI%/*}/holm-systemd" stop x.scope
	[[ $output == *"holm-oci starts this program"* ]]
}

# ---- where systemd is ----

# bats test_tags=vm
@test "create, start, state, exec, pause, kill, delete: a scope in its slice, and gone" {
	need_systemd
	local group

	started one
	[ "$(property ActiveState)" = active ]
	[ "$(property Slice)" = "$SLICE" ]
	[ "$(property ControlGroup)" = "/$IN" ]
	[ "$(property Delegate)" = yes ]
	[ "$(property Description)" = "container one" ]
	[ "$(property CollectMode)" = inactive-or-failed ]
	group=$(group_of pids)
	grep -qx "$PID" "$group/cgroup.procs"
	[ "$(wc -l <"$group/cgroup.procs")" = 1 ]
	has_status one running
	[ "$(jq -r .systemdUnit "$T/root/one/state.json")" = "$UNIT" ]
	# Everywhere the same path: nothing of it is outside.
	[ "$(grep -vc ":/$IN\$" "/proc/$PID/cgroup")" = 0 ]
	oci exec --detach one sleep 50
	[ "$(wc -l <"$group/cgroup.procs")" = 2 ]
	[ "$(oci ps --format json one | jq length)" = 2 ]
	oci events --stats one | jq -e '.data.pids.current == 2'
	oci pause one
	has_status one paused
	oci resume one
	has_status one running
	systemctl daemon-reload
	has_status one running
	oci kill --all one KILL
	eventually has_status one stopped
	eventually no_unit
	oci delete one
	[ ! -e "$group" ]
}

# bats test_tags=vm
@test "limits: systemd knows them, and the cgroup has them; update too" {
	need_systemd
	local group

	started one '.linux.resources.memory = {limit: 67108864, reservation: 33554432}
		| .linux.resources.pids = {limit: 50} | .linux.resources.cpu = {shares: 2048, quota: 25000, period: 50000}
		| .linux.resources.devices = [{allow: false, access: "rwm"}]
		| .process.capabilities[] += ["CAP_MKNOD"]'
	group=$(group_of pids)
	[ "$(cat "$group/pids.max")" = 50 ]
	[ "$(property TasksMax)" = 50 ]
	[ "$(property CPUQuotaPerSecUSec)" = 500ms ]
	if is_v2; then
		[ "$(property MemoryMax)" = 67108864 ]
		[ "$(property MemoryLow)" = 33554432 ]
		[ "$(property CPUWeight)" = 174 ]
		[ "$(cat "$group/memory.max") $(cat "$group/memory.low")" = "67108864 33554432" ]
		[ "$(cat "$group/cpu.max") $(cat "$group/cpu.weight")" = "25000 50000 174" ]
	else
		[ "$(property MemoryLimit)" = 67108864 ]
		[ "$(property CPUShares)" = 2048 ]
		[ "$(cat "$(group_of memory)/memory.limit_in_bytes")" = 67108864 ]
		[ "$(property DevicePolicy)" = strict ]
	fi
	oci update --memory 134217728 --pids-limit 60 --cpu-quota 5000 one
	[ "$(cat "$group/pids.max") $(property TasksMax)" = "60 60" ]
	! is_v2 || [ "$(cat "$group/memory.max") $(property MemoryMax)" = "134217728 134217728" ]
	# What systemd writes again is what it was told.
	systemctl daemon-reload
	systemctl set-property --runtime "$UNIT" CPUWeight=200
	[ "$(cat "$group/pids.max")" = 60 ]
	# Nor does it open what our rules for devices close.
	oci exec one mknod /dev/mydisk b 7 0
	run ! oci exec one dd if=/dev/mydisk of=/dev/null count=1
	[[ $output == *"not permitted"* ]]
	oci delete --force one
	no_unit
}

# bats test_tags=vm
@test "what systemd has no word for is written by us" {
	need_systemd
	is_v2 || skip "files of cgroup v2"
	started one '.linux.resources.unified = {"memory.oom.group": "1", "cpu.max.burst": "0", "memory.high": "50000000"}'
	[ "$(cat "$(group_of x)/memory.oom.group")" = 1 ]
	[ "$(property MemoryHigh)" = 50000000 ]
	oci update --cpuset-cpus 0 one
	[ "$(property AllowedCPUs)" = 0 ]
	[ "$(cat "$(group_of x)/cpuset.cpus")" = 0 ]
	oci delete --force one
}

# bats test_tags=vm
@test "a limit that is nearly nothing holds for the container, not for who makes it" {
	need_systemd
	config '.linux.resources.pids = {limit: 1} | .linux.resources.memory = {limit: 1048576}' 'echo ran'
	[ "$(oci run --bundle "$B" one)" = ran ]
	eventually no_unit
}

# bats test_tags=vm
@test "annotations become properties of the unit" {
	need_systemd
	started one '.annotations += {"org.systemd.property.TimeoutStopUSec": "uint64 123000000",
		"org.systemd.property.RuntimeMaxSec": "3600", "org.systemd.property.Description": "'"'my own'"'",
		"org.systemd.property.After": "['"'basic.target'"']", "org.systemd.property.SendSIGHUP": "true"}'
	[ "$(property TimeoutStopUSec)" = "2min 3s" ]
	[ "$(property RuntimeMaxUSec)" = 1h ]
	[ "$(property Description)" = "my own" ]
	[ "$(property SendSIGHUP)" = yes ]
	[[ " $(property After) " == *" basic.target "* ]]
	oci delete --force one
	config '.annotations["org.systemd.property.NoSuchThing"] = "true"'
	run -1 --separate-stderr oci create --bundle "$B" two
	echo "$stderr"
	[[ $stderr == *"cannot start the unit $UNIT"*"NoSuchThing"* ]]
	no_unit
	run -1 oci state two
}

# bats test_tags=vm
@test "where it goes when nothing is said, and where a slice's name leads" {
	need_systemd
	config 'del(.linux.cgroupsPath)' 'sleep 60'
	oci run --detach --bundle "$B" "x-$G"
	[ "$(property ControlGroup "holm-x-$G.scope")" = "/system.slice/holm-x-$G.scope" ]
	oci delete --force "x-$G"
	config ".linux.cgroupsPath = \"-.slice::$G\"" 'sleep 60'
	oci run --detach --bundle "$B" one
	[ "$(property ControlGroup "$G.scope")" = "/$G.scope" ]
	oci delete --force one
	no_unit "$G.scope"
	config ".linux.cgroupsPath = \"holm.slice::holm-inner.slice\" | .linux.resources.pids = {limit: 40}" 'sleep 60'
	oci run --detach --bundle "$B" one
	[ "$(property ActiveState holm-inner.slice) $(property TasksMax holm-inner.slice)" = "active 40" ]
	oci exec one true
	oci delete --force one
	[ "$(property ActiveState holm-inner.slice)" = inactive ] # any slice can be loaded
}

# bats test_tags=vm
@test "a unit that is there already, and one that came later, are somebody else's" {
	need_systemd
	local pid

	systemd-run --quiet --scope --unit "$UNIT" --slice "$SLICE" sleep 61 &
	pid=$!
	eventually grep -q "$UNIT" /proc/$pid/cgroup
	config . 'sleep 60'
	run -1 --separate-stderr oci create --bundle "$B" one
	echo "$stderr"
	[[ $stderr == *"the unit $UNIT is there already"*"systemctl stop"* ]]
	run -1 oci state one
	kill -0 $pid
	kill $pid
	wait $pid || :
	eventually no_unit
	config . true
	oci run --detach --keep --bundle "$B" one
	eventually has_status one stopped
	eventually no_unit
	systemd-run --quiet --scope --unit "$UNIT" --slice "$SLICE" sleep 61 &
	pid=$!
	eventually grep -q "$UNIT" /proc/$pid/cgroup
	oci delete --force one
	kill -0 $pid
	[ "$(property ActiveState)" = active ]
	kill $pid
	wait $pid || :
	eventually no_unit
}

# bats test_tags=vm
@test "a runtime that is killed at any step leaves what delete --force removes" {
	need_systemd
	local fault=${HOLM_BUILD:-$HERE/../../build}-fault/holm-oci at

	[ -x "$fault" ] || skip "needs a build with -Dfault=true"
	OCI=$fault
	config . 'sleep 60'
	for at in {unit,clone,unit-start,unit-limits,cgroup-ns,start}:parent {unit-start,unit-limits,pivot}:fail; do
		HOLM_FAULT=$at oci run --detach --bundle "$B" one >out 2>&1 || :
		echo "$at: $(cat out)"
		oci delete --force one
		no_unit
		[ -z "$(find /sys/fs/cgroup -type d -name "$UNIT")" ]
	done
	oci run --detach --bundle "$B" one
	oci delete --force one
	no_unit
}

# As podman does it: root of a user namespace of the user's, in one session of it.
as_podman()
{
	"$OCI" --root user/root --systemd-cgroup "$@" </dev/null
}

user_session()
{
	local group=/sys/fs/cgroup/user.slice/user-58000.slice/holm-user.service/user.slice/$UNIT

	as_podman run --detach --bundle "$B" one
	[ "$(systemctl --user show --property ActiveState --value "$UNIT")" = active ]
	[ "$(systemctl --user show --property TasksMax --value "$UNIT") $(cat "$group/pids.max")" = "30 30" ]
	as_podman exec --detach one sleep 50
	[ "$(wc -l <"$group/cgroup.procs")" = 2 ]
	as_podman update --pids-limit 31 one
	[ "$(systemctl --user show --property TasksMax --value "$UNIT") $(cat "$group/pids.max")" = "31 31" ]
	as_podman pause one
	as_podman delete --force one
	[ "$(systemctl --user show --property LoadState --value "$UNIT")" = not-found ]
	[ ! -e "$group" ]
	as_podman --rootless=false create --bundle "$B" two 2>refused || grep "ordinary user" refused
}

# bats test_tags=vm
@test "an ordinary user has his own manager make it" {
	need_systemd
	local as=(setpriv --reuid 58000 --regid 58000 --clear-groups -- env XDG_RUNTIME_DIR=/run/user/58000 USER=holm)

	is_v2 || skip "a user's manager has no controllers on v1"
	[ -e /etc/systemd/system/holm-user.service ] || skip "the machine has no holm-user.service"
	systemctl start holm-user.service
	config ".linux.cgroupsPath = \"user.slice:test:$NAME\" | .linux.resources.pids = {limit: 30}" 'sleep 60'
	mkdir -m 700 user
	chown -R 58000 "$T"
	export OCI UNIT B
	"${as[@]}" unshare --user --map-auto --map-root-user \
		bash -exc "$(declare -f as_podman user_session); user_session" >user.out 2>&1 || {
		cat user.out
		false
	}
	systemctl stop holm-user.service
}
