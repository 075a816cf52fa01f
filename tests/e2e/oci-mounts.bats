#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=oci
# holm-oci mounts: what a running container sees of it, and what it leaves.
load oci

bats_require_minimum_version 1.5.0

# mounts WORD JSON: add or remove in the container "one"
mounts()
{
	echo "$2" >"$T/mounts.json"
	oci mounts "$1" one "$T/mounts.json"
}

seen()
{
	oci exec one "$@"
}

@test "mounts: add and remove a directory, a file, a tmpfs" {
	need_root
	mkdir "$T/src" && echo yes >"$T/src/file"
	started one
	before=$(wc -l </proc/self/mountinfo)
	mounts add "[
		{\"destination\": \"/dir\", \"type\": \"bind\", \"source\": \"$T/src\", \"options\": [\"bind\", \"ro\"]},
		{\"destination\": \"/deep/er/file\", \"source\": \"$T/src/file\", \"options\": [\"bind\"]},
		{\"destination\": \"/more\", \"type\": \"tmpfs\", \"source\": \"x\", \"options\": [\"size=64k\", \"nosuid\"]}]"
	[ "$(seen cat /dir/file /deep/er/file)" = "$(printf 'yes\nyes')" ]
	run seen touch /dir/new
	[[ $output == *"Read-only"* ]]
	[ "$(seen df -k /more | awk 'END { print $2 }')" = 64 ]
	seen grep -q ' /more .*nosuid' /proc/self/mountinfo
	[ "$(wc -l </proc/self/mountinfo)" = "$before" ]
	mounts remove '{"mounts": [{"destination": "/dir"}, {"destination": "/deep/er/file"}, {"destination": "/more"}]}'
	run ! seen grep -E ' /(dir|deep/er/file|more) ' /proc/self/mountinfo
	[ "$(seen ls /dir)" = "" ]
	[ "$(cat "$T/src/file")" = yes ]
}

@test "mounts: file systems show the container's namespaces, in a user namespace too" {
	need_root
	chown -Rh 100000:100000 "$B/rootfs"
	chmod 755 "$T" "$B"
	started one '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | del(.linux.resources.devices)' 'sleep 50'
	mounts add '[{"destination": "/tmp/proc", "type": "proc", "source": "proc"},
		{"destination": "/tmp/own", "type": "tmpfs", "source": "t"}]'
	[ "$(seen cat /tmp/proc/1/comm)" = sh ] || [ "$(seen cat /tmp/proc/1/comm)" = sleep ]
	[ "$(seen stat -c %u:%g /tmp/own)" = 0:0 ]
	seen touch /tmp/own/file
	[ "$(stat -c %u "/proc/$PID/root/tmp/own/file")" = 100000 ]
}

@test "mounts: one that fails takes the others back; a link leads nowhere but inside" {
	need_root
	mkdir "$T/src"
	ln -s ../../../../../../../.."$T/src" "$B/rootfs/link"
	started one
	run -1 mounts add "[{\"destination\": \"/a\", \"type\": \"tmpfs\", \"source\": \"x\"},
		{\"destination\": \"/b\", \"type\": \"nosuchfs\", \"source\": \"x\"}]"
	[[ $output == "holm-oci: mount /b: open a file system of this type: No such device" ]]
	run ! seen grep ' /a ' /proc/self/mountinfo
	mounts add '[{"destination": "/link/in", "type": "tmpfs", "source": "x"}]'
	[ ! -e "$T/src/in" ]
	seen grep -q "$T/src/in " /proc/self/mountinfo
	run -1 mounts remove '[{"destination": "/bin"}]'
	[[ $output == *"/bin: nothing is mounted there"* ]]
	run -1 mounts remove '[{"destination": "/nowhere"}]'
	[[ $output == *"/nowhere: find it"* ]]
	run -1 mounts add '[{"destination": "/c", "source": "/no/such", "options": ["bind"]}]'
	[[ $output == *"/no/such"* ]]
	run -1 mounts add '[{"destination": "/c", "type": "cgroup", "source": "cgroup"}]'
	[[ $output == *"cgroups can only be had when the container is made"* ]]
	run -1 mounts add "[{\"destination\": \"/c\", \"source\": \"$T/src\", \"options\": [\"bind\", \"idmap=uids=0-9-1;gids=0-9-1\"]}]"
	[[ $output == *"an id map can only be had when the container is made"* ]]
	run -1 mounts add '[{"destination": "/c", "nonsense'
	[[ $output == *"mounts.json"* ]]
	run -1 mounts change '[]'
	[[ $output == *"neither add nor remove"* ]]
}

@test "mounts: who enters the container cannot be looked into from there" {
	need_root
	need strace
	started one
	echo '[{"destination": "/more", "type": "tmpfs", "source": "x"}]' >"$T/mounts.json"
	# The sanitizer cannot look for leaks while another traces.
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -qq -e trace=prctl,setns -o "$T/trace" "$OCI" --root "$T/root" mounts add one "$T/mounts.json"
	cat "$T/trace"
	[ "$(grep -o 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE\|setns' "$T/trace" | head -n 2 | tr '\n' ' ')" = \
		"PR_SET_DUMPABLE, SUID_DUMP_DISABLE setns " ]
}

@test "mounts: a container without pivot_root, one that is created, one that ended" {
	need_root
	mkdir "$T/src" && echo yes >"$T/src/file"
	config . 'sleep 60'
	oci create --no-pivot --bundle "$B" one </dev/null >/dev/null 2>&1
	mounts add "[{\"destination\": \"/dir\", \"source\": \"$T/src\", \"options\": [\"bind\"]}]"
	mounts add '[]'
	oci start one
	[ "$(seen cat /dir/file)" = yes ]
	mounts remove '[{"destination": "/dir"}]'
	oci kill one KILL
	eventually has_status one stopped
	run -1 mounts add '[]'
	[[ $output == *"container not running"* ]]
}
