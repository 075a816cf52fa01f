#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A box cannot raise its own limits, nor leave its cgroup: it sees no cgroups, or sees them read-only.

load ../e2e/helpers

need_limits() {
	"$HOLM" box --pids 10 -- true 2>/dev/null || skip "no limits can be had here"
}

# Tries to write to every file of every cgroup that it sees; what works is on its output.
ATTACK='
for f in $(find /sys/fs/cgroup -name "*.max" -o -name "*limit_in_bytes" -o -name cgroup.procs -o -name tasks \
	-o -name cgroup.subtree_control -o -name "cpu.cfs_quota_us" 2>/dev/null); do
	(echo 1 >$f) 2>/dev/null && echo "wrote $f"
done
mkdir /sys/fs/cgroup/own 2>/dev/null && echo "made a cgroup"
for kind in cgroup2 cgroup; do
	mount -t $kind -o "$1" none /tmp 2>/dev/null && echo "mounted $kind"
done
echo done'

@test "the default root has no cgroups" {
	need_limits
	run -0 "$HOLM" box --pids 10 -- sh -c "$ATTACK" sh rw
	[ "$output" = "done" ]
}

@test "the whole host's root, as root of the box with all but everything" {
	need_limits
	run -0 "$HOLM" box --pids 10 --host-root --user root -- sh -c "$ATTACK" sh pids
	[ "$output" = "done" ]
	# It may mount then, but the filter does not let it.
	run -0 "$HOLM" box --pids 10 --user root --cap dac_override,chown,fowner -- sh -c "$ATTACK" sh pids
	[ "$output" = "done" ]
}

@test "limits hold for what the box starts later, and for helpers with a new session" {
	need_limits
	run "$HOLM" box --pids 6 -- sh -c 'for i in 1 2 3 4 5 6 7 8; do setsid sleep 1 & done; wait; echo all'
	[[ $output != *all* ]]
}
