#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# linux.intelRdt. No machine of ours has the hardware: fake_resctrl stands in for it, and only a test build
# (-Dfault=true) takes that for resctrl.

load oci

eval "oci_$(declare -f setup)"
eval "oci_$(declare -f teardown)"

setup()
{
	PLAIN=$OCI
	oci_setup
	PLAIN=$OCI
	R=$T/resctrl
	FAKE=
}

teardown()
{
	all_of delete_all end_fake oci_teardown
}

end_fake()
{
	local left

	[ -n "$FAKE" ] || return 0
	left=$(groups)
	umount "$R" || return 1
	wait "$FAKE" 2>/dev/null || :
	echo "groups left behind: $left"
	[ -z "$left" ]
}

# fake [CLOSIDS [control|monitor]]: from now on the machine has resctrl
fake()
{
	need_root
	grep -q HOLM_RESCTRL "$OCI" || OCI=$HERE/../../build-fault/holm-oci
	{ [ -x "$OCI" ] && grep -q HOLM_RESCTRL "$OCI"; } || skip "needs a build with -Dfault=true in build-fault"
	[ -x "$(dirname "$OCI")/tests/fake_resctrl" ] || skip "needs libfuse3-dev"
	[ -c /dev/fuse ] || skip "needs /dev/fuse"
	mkdir "$R"
	"$(dirname "$OCI")/tests/fake_resctrl" "$R" "$@" &
	FAKE=$!
	STARTED+=("$FAKE")
	eventually mountpoint -q "$R"
	export HOLM_RESCTRL=$R
}

# Before the configuration of a second container: a cgroup cannot be both's.
BESIDE='.linux.cgroupsPath += "-2" |'

# The groups that are not the machine's own.
groups()
{
	find "$R" -mindepth 1 -maxdepth 1 -type d ! -name info ! -name mon_groups ! -name mon_data -printf '%f\n'
	find "$R" -mindepth 2 -path '*/mon_groups/*' -prune -printf '%P\n'
}

is_task()
{
	grep -qx "$1" "$2/tasks"
}

@test "without resctrl it is refused, and says what is missing" {
	OCI=$PLAIN
	if grep -q resctrl /proc/filesystems; then skip "this machine has it"; fi
	fails '.linux.intelRdt = {closID: "a"}' : "linux.intelRdt: there is no resctrl here: it needs a processor with"
}

@test "what people use does not know the stand-in" {
	if grep -q HOLM_FAULT "$PLAIN"; then skip "a test build"; fi
	run -1 grep -q HOLM_RESCTRL "$PLAIN"
}

@test "one that is not resctrl is not taken for it" {
	fake
	mkdir "$T/plain"
	HOLM_RESCTRL=$T/plain fails '.linux.intelRdt = {}' : "is no resctrl here"
}

@test "a group of its own: made, entered, removed" {
	fake
	started one '.linux.intelRdt = {l3CacheSchema: "L3:0=f;1=ff0", memBwSchema: "MB:0=20"}'
	[ "$(groups)" = one ]
	is_task "$PID" "$R/one"
	grep -q 'L3:0=0000f;1=00ff0' "$R/one/schemata"
	grep -q 'MB:0=  20;1= 100' "$R/one/schemata"
	[ "$(jq -r '.rdtPath + " " + .notes["rdt-made"]' "$T/root/one/state.json")" = "one yes" ]
	oci delete --force one
	[ -z "$(groups)" ]
}

@test "create puts it there, before start" {
	fake
	config '.linux.intelRdt = {}' 'sleep 60'
	oci create --bundle "$B" --pid-file "$T/pid" one >/dev/null 2>&1
	is_task "$(cat "$T/pid")" "$R/one"
	oci delete one
	[ -z "$(groups)" ]
}

@test "run removes it when the command has ended" {
	fake
	inside '.linux.intelRdt = {schemata: ["L3:0=f"], enableMonitoring: true}' true
	[ -z "$(groups)" ]
}

@test "lines of bandwidth in l3CacheSchema give way to memBwSchema, and schemata comes last" {
	fake
	started one '.linux.intelRdt = {l3CacheSchema: "L3:0=f\nMB:0=90", memBwSchema: "MB:0=20", schemata: ["L3:0=f0"]}'
	grep -q 'L3:0=000f0' "$R/one/schemata"
	grep -q 'MB:0=  20' "$R/one/schemata"
}

@test "the kernel's reason stands in the error" {
	fake
	fails '.linux.intelRdt = {schemata: ["L3:0=5"]}' : "write inside/schemata: Invalid argument: The mask 5 has non-consecutive 1-bits"
	[ -z "$(groups)" ]
	fails '.linux.intelRdt = {closID: "a", schemata: ["L4:0=1"]}' : "Unknown or unsupported resource name 'L4'"
	fails '.linux.intelRdt = {memBwSchema: "MB:0=5"}' : "MB value 5 out of range [10,100]"
	[ -z "$(groups)" ]
}

@test "no more groups than the processor has" {
	fake 2
	started one '.linux.intelRdt = {}'
	fails "$BESIDE .linux.intelRdt = {}" : "make the group inside: No space left on device: Out of CLOSIDs (the processor has no more"
	[ "$(groups)" = one ]
}

@test "a group that is named like the container, and is not its own, is left alone" {
	fake
	mkdir "$R/inside"
	fails '.linux.intelRdt = {}' : "there is a group \"inside\" already, which is not this container's"
	[ "$(groups)" = inside ]
	rmdir "$R/inside"
}

@test "closID alone must be there, and stays" {
	fake
	fails '.linux.intelRdt = {closID: "gold"}' : "there is no group \"gold\": without schemata"
	fails '.linux.intelRdt = {closID: "info"}' : "\"info\" is no group of resctrl"
	mkdir "$R/gold"
	started one '.linux.intelRdt = {closID: "gold"}'
	is_task "$PID" "$R/gold"
	run -1 oci update --l3-cache-schema L3:0=1 one
	[[ $output == *"was there before"* ]]
	oci delete --force one
	[ "$(groups)" = gold ]
	rmdir "$R/gold"
}

@test "closID with schemata: the same are shared, others refused, and the last one removes it" {
	fake
	started one '.linux.intelRdt = {closID: "gold", schemata: ["L3:0=f", "MB:0=25"]}'
	grep -q 'MB:0=  30' "$R/gold/schemata"
	fails "$BESIDE"'.linux.intelRdt = {closID: "gold", schemata: ["L3:0=f0"]}' : \
		"the group \"gold\" is there already, and its schemata do not say \"L3:0=f0\""
	fails "$BESIDE"'.linux.intelRdt = {closID: "gold", schemata: ["L3:0=f"], memBwSchema: "MB:0=50"}' : "do not say \"MB:0=50\""
	started two "$BESIDE"'.linux.intelRdt = {closID: "gold", schemata: ["L3:0=0f", "MB:0=25"]}'
	is_task "$PID" "$R/gold"
	oci delete --force one
	[ "$(groups)" = gold ]
	is_task "$PID" "$R/gold"
	oci delete --force two
	[ -z "$(groups)" ]
}

@test "one that others are in stays when a start fails" {
	fake
	mkdir "$R/gold"
	sleep 60 &
	STARTED+=($!)
	echo $! >"$R/gold/tasks"
	fails '.linux.intelRdt = {closID: "gold", enableMonitoring: true} | .hooks.createRuntime = [{path: "/bin/false"}]' : hook
	[ "$(groups)" = gold ]
	is_task $! "$R/gold"
	kill $!
	rmdir "$R/gold"
}

@test "the default group counts, and is never changed" {
	fake
	started one '.linux.intelRdt = {closID: "/", enableMonitoring: true}'
	[ "$(groups)" = mon_groups/one ]
	is_task "$PID" "$R/mon_groups/one"
	oci delete --force one
	[ -z "$(groups)" ]
	fails '.linux.intelRdt = {closID: "/", schemata: ["L3:0=1"]}' : "its schemata do not say \"L3:0=1\""
	grep -q 'L3:0=fffff' "$R/schemata"
}

@test "a processor that only counts, one that only controls" {
	fake 4 monitor
	fails '.linux.intelRdt = {}' : "this processor can only count"
	started one '.linux.intelRdt = {closID: "/", enableMonitoring: true}'
	is_task "$PID" "$R/mon_groups/one"
	oci delete --force one
	umount "$R"
	wait "$FAKE" || :
	rmdir "$R"
	fake 4 control
	fails '.linux.intelRdt = {enableMonitoring: true}' : "enableMonitoring: this processor cannot count"
	started two "$BESIDE"'.linux.intelRdt = {}'
	is_task "$PID" "$R/two"
}

@test "exec is in the same groups" {
	local pid

	fake
	started one '.linux.intelRdt = {enableMonitoring: true}'
	oci exec --detach --pid-file "$T/exec.pid" one sleep 50
	pid=$(cat "$T/exec.pid")
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = "sleep 50 " ]
	is_task "$pid" "$R/one"
	is_task "$pid" "$R/one/mon_groups/one"
	rmdir "$R/one/mon_groups/one"
	run -255 oci exec one true
	[[ $output == *"rdt-join"* || $output == *"put the process into one/mon_groups/one/tasks"* ]]
}

@test "with a user namespace, and by joining namespaces" {
	local user='.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings | .linux.intelRdt = {}'

	fake
	chown -R 100000:100000 "$B/rootfs"
	started one "$user"
	is_task "$PID" "$R/one"
	oci exec --detach --pid-file "$T/exec.pid" one sleep 50
	is_task "$(cat "$T/exec.pid")" "$R/one"
	oci delete --force one
	started two .
	started three ".linux.cgroupsPath += \"-2\" | .linux.namespaces |= map(if .type == \"pid\" then .path = \"/proc/$PID/ns/pid\" else . end) | .linux.intelRdt = {}"
	is_task "$PID" "$R/three"
}

@test "update changes a group of ours alone" {
	fake
	started one '.linux.intelRdt = {schemata: ["L3:0=f"]}'
	oci update --l3-cache-schema 'L3:0=ff' --mem-bw-schema 'MB:1=40' one
	grep -q 'L3:0=000ff' "$R/one/schemata"
	grep -q 'MB:0= 100;1=  40' "$R/one/schemata"
	run -1 oci update --l3-cache-schema 'L3:0=fffff0' one
	[[ $output == *"Mask out of range"* ]]
	run -1 oci update --mem-bw-schema 'L3:0=1' one
	[[ $output == *"begins with MB:"* ]]
	started two "$BESIDE ."
	run -1 oci update --l3-cache-schema 'L3:0=f' two
	[[ $output == *"created without linux.intelRdt"* ]]
}

@test "events tell what it may use and what it does" {
	local stats

	fake
	started one '.linux.intelRdt = {schemata: ["L3:0=f"], enableMonitoring: true}'
	stats=$(oci events --stats one | jq -c .data.intel_rdt)
	echo "$stats"
	[ "$(jq -c .l3_cache_info <<<"$stats")" = '{"cbm_mask":"fffff","min_cbm_bits":1,"num_closids":16}' ]
	[ "$(jq -r .l3_cache_schema <<<"$stats")" = 'L3:0=0000f;1=fffff' ]
	[ "$(jq -r .l3_cache_schema_root <<<"$stats")" = 'L3:0=fffff;1=fffff' ]
	[ "$(jq -c .mem_bw_info <<<"$stats")" = '{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10,"num_closids":8}' ]
	[ "$(jq -c .mbm_stats <<<"$stats")" = '[{"mbm_total_bytes":2000,"mbm_local_bytes":1000},{"mbm_total_bytes":4000}]' ]
	[ "$(jq -c .cmt_stats <<<"$stats")" = '[{"llc_occupancy":65536},{"llc_occupancy":131072}]' ]
	started two "$BESIDE ."
	[ "$(oci events --stats two | jq .data.intel_rdt)" = null ]
}

@test "what a group uses that is shared is not told as the container's" {
	fake
	mkdir "$R/gold"
	started one '.linux.intelRdt = {closID: "gold"}'
	[ "$(oci events --stats one | jq -c '.data.intel_rdt | [.mbm_stats, .l3_cache_schema]')" = '[null,"L3:0=fffff;1=fffff"]' ]
	oci delete --force one
	rmdir "$R/gold"
}

# killed STEP WISH: the runtime ends there, without a word
killed()
{
	config ".linux.intelRdt = $2" 'sleep 60'
	HOLM_FAULT=$1 oci create --bundle "$B" one >/dev/null 2>&1 && return 1
	[ -n "$(oci state one)" ]
}

@test "what a runtime was about when it was killed, delete --force removes" {
	local at wish='{closID: "gold", schemata: ["L3:0=f"], enableMonitoring: true}'

	fake
	for at in rdt:parent rdt-told:kill rdt-made:kill clone:parent keep:parent rdt-join:parent brief:parent; do
		killed "$at" "$wish"
		case $at in rdt:* | rdt-told:*) [ -z "$(groups)" ] ;; *) [ -n "$(groups)" ] ;; esac
		oci delete --force one
		echo "$at left: $(groups)"
		[ -z "$(groups)" ]
	done
}

@test "... but not what was there before, nor what others are in" {
	local at

	fake
	mkdir "$R/gold"
	for at in rdt:parent rdt-told:kill clone:parent rdt-join:parent brief:parent; do
		killed "$at" '{closID: "gold", schemata: ["MB:0=100"], enableMonitoring: true}'
		oci delete --force one
		echo "$at left: $(groups)"
		[ "$(groups)" = gold ]
	done
	rmdir "$R/gold"
	killed rdt-join:parent '{closID: "gold", schemata: ["L3:0=f"]}'
	sleep 60 &
	STARTED+=($!)
	echo $! >"$R/gold/tasks"
	oci delete --force one
	[ "$(groups)" = gold ]
	kill $!
	rmdir "$R/gold"
}

@test "a step that fails leaves no group" {
	local at

	fake
	for at in rdt rdt-told rdt-made clone rdt-join brief; do
		config '.linux.intelRdt = {schemata: ["L3:0=f"], enableMonitoring: true}' 'sleep 60'
		HOLM_FAULT=$at:fail run -1 oci run --detach --bundle "$B" one
		[ -z "$(groups)" ]
		[ -z "$(oci list -q)" ]
	done
}

@test "where it was unmounted there is nothing to remove" {
	fake
	started one '.linux.intelRdt = {}'
	umount "$R"
	wait "$FAKE" || :
	FAKE=
	mkdir -p "$R"
	oci delete --force one
}

@test "another tool has the lock: it is waited for" {
	fake
	config '.linux.intelRdt = {}' true
	flock "$R" sleep 1 &
	STARTED+=($!)
	sleep 0.2
	oci run --bundle "$B" one
	[ -z "$(groups)" ]
}

@test "without linux.intelRdt nobody looks for it" {
	need strace
	[ "$(id -u)" = 0 ] || skip "needs root"
	config . true
	ASAN_OPTIONS=detect_leaks=0 strace -f -o "$T/trace" "$OCI" --root "$T/root" run --bundle "$B" one
	run -1 grep -e resctrl -e proc/filesystems "$T/trace"
}

@test "features" {
	[ "$(oci features | jq -c .linux.intelRdt)" = '{"enabled":true,"schemata":true,"monitoring":true}' ]
}
