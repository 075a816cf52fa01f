#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=oci
# holm-oci where cgroup v2 has all controllers: the machine of tests/vm.
load oci

bats_require_minimum_version 1.5.0

need_v2()
{
	need_root
	[ -e /sys/fs/cgroup/cgroup.controllers ] || skip "needs cgroup v2 alone"
}

# bats test_tags=vm
@test "exec where the first process has handed on controllers, as systemd does" {
	need_v2
	started one '(.mounts[] | select(.type == "cgroup")).options -= ["ro"]'
	group=/sys/fs/cgroup/$G
	[ "$(oci exec one cat /proc/self/cgroup)" = 0::/ ]
	mkdir "$group/init.scope"
	echo "$PID" >"$group/init.scope/cgroup.procs"
	echo +pids >"$group/cgroup.subtree_control"
	[ "$(oci exec one cat /proc/self/cgroup)" = 0::/init.scope ]
	mkdir "$group/other"
	[ "$(oci exec --cgroup /other one cat /proc/self/cgroup)" = 0::/other ]
	run -255 oci exec --cgroup /none one true
	[[ $output == *"$G/none"* ]]
	[ "$(oci ps --format json one | jq length)" = 1 ]
	oci pause one
	has_status one paused
	oci resume one
	oci delete --force one
	[ ! -e "$group" ]
}
