#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=oci
# no-asan: criu is what takes the time, and the machine where it works emulates
# holm-oci checkpoint and restore. criu knows kernels by their version, so what needs it (tag: vm) runs
# where one suits it: tests/vm/run oci.
load oci

bats_require_minimum_version 1.5.0

need_criu()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	command -v criu >/dev/null || skip "needs criu"
	[ -n "${HOLM_TEST_VM-}" ] && return
	counting probe
	oci checkpoint --leave-running --image-path "$T/probe" probe >/dev/null 2>&1 ||
		skip "$(criu --version | head -n 1) cannot save a process on Linux $(uname -r)"
	oci delete --force probe
}

# counting ID [JQ]: a container that counts in a file and on its standard output, a pipe
counting()
{
	config "${2:-.}" 'i=0; while :; do i=$((i + 1)); echo $i >/count; echo $i; sleep 0.1; done'
	sleep 600 | oci run --detach --bundle "$B" --pid-file "$T/$1.pid" "$1" 2>&1 | cat >"$T/$1.out" &
	eventually test -s "$B/rootfs/count"
}

# revived ID [ARG...]: restored from $T/images, with pipes of its own
revived()
{
	local id=$1
	shift
	rm -f "$T/$id.pid" "$T/$id.out"
	sleep 600 | oci restore --detach --bundle "$B" --image-path "$T/images" --pid-file "$T/$id.pid" "$@" "$id" \
		2>&1 | cat >"$T/$id.out" &
	eventually test -s "$T/$id.pid" -o -s "$T/$id.out"
	run ! grep holm-oci: "$T/$id.out"
}

counts_on()
{
	[ "$(cat "$B/rootfs/count")" -gt "$1" ]
}

end_sleeps()
{
	pkill -f 'sleep 600' || :
}

teardown()
{
	all_of delete_all end_sleeps assert_no_cgroup helpers_teardown
}

# bats test_tags=vm
@test "checkpoint, and restore under another name: it goes on where it was" {
	need_criu
	mkdir "$T/volume" && echo yes >"$T/volume/file"
	counting one ".hostname = \"kept\" | .linux.resources.pids.limit = 77
		| .mounts += [{destination: \"/v\", type: \"bind\", source: \"$T/volume\", options: [\"bind\"]}]"
	oci checkpoint --image-path images one
	at=$(cat "$B/rootfs/count")
	[ "$at" -ge 1 ]
	run ! oci state one
	[ -s images/descriptors.json ] && [ -s images/dump.log ]
	# elsewhere the volume may lie elsewhere
	mv "$T/volume" "$T/moved"
	jq --arg v "$T/moved" '(.mounts[] | select(.destination == "/v")).source = $v' "$B/config.json" >new
	mv new "$B/config.json"
	mounts=$(wc -l </proc/self/mountinfo)
	revived two
	has_status two running
	eventually counts_on $((at + 2))
	[ "$(head -n 1 "$T/two.out")" -ge "$at" ]
	[ "$(oci exec two cat /v/file)" = yes ]
	[ "$(oci exec two hostname)" = kept ]
	pid=$(cat "$T/two.pid")
	for ns in mnt net ipc uts pid cgroup; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	grep -q "$G\$" "/proc/$pid/cgroup"
	run ! grep -Ev "$G\$|:(misc|hugetlb|rdma|perf_event):" "/proc/$pid/cgroup"
	[ "$(cat "$(find /sys/fs/cgroup -path "*$G/pids.max" | head -n 1)")" = 77 ]
	grep -q '^Seccomp:' "/proc/$pid/status"
	[ "$(wc -l </proc/self/mountinfo)" = "$mounts" ]
	oci pause two
	oci resume two
	oci kill two KILL
	eventually has_status two stopped
	oci delete two
}

# bats test_tags=vm
@test "checkpoint: --leave-running, from --pre-dump on; a paused one" {
	need_criu
	counting one
	run -0 oci checkpoint --pre-dump --image-path before one
	[ -z "$output" ]
	oci checkpoint --leave-running --parent-path ../before --image-path images one
	has_status one running
	eventually counts_on "$(cat "$B/rootfs/count")"
	run -1 oci restore --detach --bundle "$B" --image-path images one
	[[ $output == *"one"*"exists"* || $output == *"exists"*"one"* ]]
	oci delete --force one
	revived one
	has_status one running
}

# bats test_tags=vm
@test "checkpoint: engines give /dev/null, which is the container's own inside" {
	need_criu
	config . 'sleep 300'
	oci run --detach --bundle "$B" one </dev/null >/dev/null 2>&1
	oci checkpoint --image-path images one
	oci restore --detach --bundle "$B" --image-path images two </dev/null >/dev/null 2>&1
	has_status two running
}

# bats test_tags=vm
@test "checkpoint: a network namespace that it had joined is joined again" {
	need_criu
	unshare --net sleep 600 &
	holder=$!
	eventually own_network "$holder"
	counting one "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$holder/ns/net\""
	oci checkpoint --image-path images one
	revived two
	[ "$(readlink "/proc/$(cat two.pid)/ns/net")" = "$(readlink /proc/$holder/ns/net)" ]
}

@test "restore: what cannot be restored leaves nothing behind" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	config . true
	mkdir images
	mounts=$(grep -c "$T" /proc/self/mountinfo) || : # other tests mount elsewhere
	run -1 oci restore --bundle "$B" --image-path images one
	[[ $output == "holm-oci: criu: "* ]]
	run ! oci state one
	[ "$(grep -c "$T" /proc/self/mountinfo)" = "$mounts" ]
	assert_no_cgroup
	run -1 env PATH=/nowhere "$OCI" --root "$T/root" restore --bundle "$B" --image-path images one
	echo "$output"
	[[ $output == *"is it installed"* ]]
	run -1 oci restore --bundle "$B" --image-path images --manage-cgroups-mode strange one
	[[ $output == *"none of soft, full, strict, ignore"* ]]
}

@test "checkpoint: what does not run cannot be saved" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	config . 'sleep 60'
	oci create --bundle "$B" one </dev/null >/dev/null 2>&1
	run -1 oci checkpoint --image-path images one
	[[ $output == *"cannot checkpoint a container in the created state"* ]]
	run -1 oci checkpoint --image-path images nobody
	[[ $output == *"does not exist"* ]]
	oci start one
	run -1 oci checkpoint --image-path images --empty-ns user one
	[[ $output == *"--empty-ns"* ]]
	run -1 oci checkpoint --image-path images --page-server nowhere one
	[[ $output == *"--page-server"* ]]
	run -1 env PATH=/nowhere "$OCI" --root "$T/root" checkpoint --image-path images one
	[[ $output == *"is it installed"* ]]
	has_status one running
}
