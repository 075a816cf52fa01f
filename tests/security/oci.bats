#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Containers that are hostile to who manages them: nobody hangs, and nobody gives away what is the host's.

load ../e2e/oci.bash

INSIDE=${HOLM_BUILD:-$BATS_TEST_DIRNAME/../../build}/tests/oci_inside

# hostile JQ WORD...: a container that runs oci_inside with the words
hostile()
{
	local how=$1

	shift
	cp "$INSIDE" "$B/rootfs/inside"
	started one "$how | .process.args = $(jq -nc '$ARGS.positional' --args /inside "$@")" " "
}

no_caps='.process.capabilities = {}'

is_stopped()
{
	grep -qs '^State:.T' /proc/"$1"/task/*/status
}

# The newest process of a container.
newcomer()
{
	oci ps --format json one | jq 'max'
}

# In the background: $! is the runtime.
exec_that_is_stopped()
{
	hostile "$no_caps" stop
	"$OCI" --root "$T/root" exec one sleep 30 </dev/null >/dev/null 2>&1 &
	STARTED+=("$!")
	eventually has_processes one 2
	eventually is_stopped "$(newcomer)"
}

@test "exec: stopped from inside, and kill and delete go on" {
	is_root || skip "needs root"
	exec_that_is_stopped
	# Neither by a lock, nor by its processes.
	[ "$(timeout 20 "$OCI" --root "$T/root" list --quiet)" = one ]
	timeout 20 "$OCI" --root "$T/root" ps one >/dev/null
	timeout 20 "$OCI" --root "$T/root" kill one KILL
	timeout 20 "$OCI" --root "$T/root" delete --force one
	eventually gone "$!"
	[ "$(oci list --quiet)" = "" ]
}

@test "exec: killed while its process is stopped inside" {
	is_root || skip "needs root"
	exec_that_is_stopped
	kill -KILL "$!"
	eventually gone "$!"
	timeout 20 "$OCI" --root "$T/root" delete --force one
	[ "$(oci list --quiet)" = "" ]
}

@test "exec --ignore-paused: waits frozen until the container is resumed" {
	is_root || skip "needs root"
	started one
	oci pause one
	"$OCI" --root "$T/root" exec --ignore-paused one sh -c 'echo yes >/out' </dev/null >/dev/null 2>&1 &
	STARTED+=("$!")
	eventually has_processes one 2
	[ "$(status one)" = paused ]
	[ ! -e "$B/rootfs/out" ]
	timeout 20 "$OCI" --root "$T/root" resume one
	eventually gone "$!"
	[ "$(cat "$B/rootfs/out")" = yes ]
	oci pause one
	"$OCI" --root "$T/root" exec --ignore-paused one true </dev/null >/dev/null 2>&1 &
	STARTED+=("$!")
	eventually has_processes one 2
	timeout 20 "$OCI" --root "$T/root" delete --force one
	eventually gone "$!"
}

@test "exec: who may look into all processes inside sees the init, and nothing of the host" {
	is_root || skip "needs root"
	local caps='.process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_KILL"])'

	hostile "$caps" look /seen
	for _ in $(seq 60); do
		timeout 20 "$OCI" --root "$T/root" exec one true </dev/null >/dev/null 2>&1
	done
	oci kill one KILL
	sort -u "$B/rootfs/seen" | cut -c -200 >seen
	head -50 seen
	grep -q '/exe /memfd:holm-init' seen
	[ "$(grep -c '/exe .*holm-oci' seen)" = 0 ]
	# Its descriptors: those it was given, its channels, and the pid namespace that it came from.
	[ -z "$(grep '/fd/' seen | cut -d ' ' -f 2- | grep '^/' | grep -vE '^(/dev/null$|/proc/|/memfd:)')" ]
}

@test "exec: what is forged on its channels is not believed" {
	is_root || skip "needs root"
	local caps='.process.capabilities |= map_values(["CAP_SYS_PTRACE"])' victim code

	sleep 1000 &
	victim=$!
	STARTED+=("$victim")
	hostile "$caps" forge "$victim"
	for _ in $(seq 40); do
		code=0
		timeout 20 "$OCI" --root "$T/root" exec --detach --pid-file "$T/pid" one true </dev/null >/dev/null 2>&1 || code=$?
		[ "$code" -lt 124 ] || [ "$code" = 255 ]
		[ ! -e "$T/pid" ] || [ "$(cat "$T/pid")" != "$victim" ]
		rm -f "$T/pid"
	done
	kill -0 "$victim"
}

@test "create in a pid namespace of others: they see neither our program nor our directories" {
	is_root || skip "needs root"
	local caps='.process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_KILL"])'

	hostile "$caps" look /seen
	cp -r "$B" "$T/other"
	jq '.linux.namespaces |= map(if .type == "pid" then .path = "/proc/'"$PID"'/ns/pid" else . end)
		| .linux.cgroupsPath += "-other" | .process.args = ["true"]' "$B/base.json" >"$T/other/config.json"
	for _ in $(seq 30); do
		timeout 20 "$OCI" --root "$T/root" run --bundle "$T/other" other </dev/null >/dev/null 2>&1
	done
	oci kill one KILL
	sort -u "$B/rootfs/seen" | cut -c -200 >seen
	head -50 seen
	grep -q '/exe /memfd:holm-oci' seen
	[ "$(grep '/exe ' seen | grep -vcE '/memfd:holm-|/busybox|/inside')" = 0 ]
	[ "$(grep -c "$T/root" seen)" = 0 ]
	# Also where memory files are not to be executed by default (Linux 6.3).
	if [ -e /proc/sys/vm/memfd_noexec ]; then
		unshare --pid --fork --mount-proc sh -c 'echo 1 >/proc/sys/vm/memfd_noexec && sleep 10 &
			jq ".linux.namespaces |= map(if .type == \"pid\" then .path = \"/proc/$!/ns/pid\" else . end)" "$1" >"$1.new" &&
			mv "$1.new" "$1" && exec "$2" --root "$3" run --bundle "${1%/*}" noexec' \
			sh "$T/other/config.json" "$OCI" "$T/root" </dev/null
	fi
	# What is read twice cannot come through a pipe.
	run -1 --separate-stderr oci create --bundle "$T/other" --config <(cat "$T/other/config.json") other
	[[ $stderr == *"has to be a file"* ]]
}

@test "delete --force: a hook that hangs keeps nobody waiting for ever" {
	is_root || skip "needs root"
	config '.hooks.createRuntime = [{path: "/bin/sleep", args: ["sleep", "98.7654"]}]'
	"$OCI" --root "$T/root" create --bundle "$B" one </dev/null >/dev/null 2>&1 &
	STARTED+=("$!")
	eventually test -e "$T/root/one/creating.json"
	run -1 --separate-stderr timeout 20 "$OCI" --root "$T/root" delete --force one
	[[ $stderr == *"process $! has been working on it for 10 s"* ]]
	kill -KILL "$!"
	eventually gone "$!"
	timeout 20 "$OCI" --root "$T/root" delete --force one
	kill "$(pgrep -f '^sleep 98.7654$' | tail -1)"
}

@test "hooks may ask about their own container, and enter it" {
	is_root || skip "needs root"
	config '.hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c",
		"set -e; for what in state ps \"events --stats\" \"exec\"; do w=; [ \"$what\" != exec ] || w=true; timeout 5 '"$OCI"' --root '"$T/root"' $what one $w; done >'"$T/told"' 2>&1; echo done >>'"$T/told"'"]}]' 'sleep 60'
	oci create --bundle "$B" one </dev/null >/dev/null 2>&1
	oci start one
	cat "$T/told"
	[ "$(tail -1 "$T/told")" = "done" ]
}

@test "update --resources -: what comes late holds up nobody" {
	is_root || skip "needs root"
	started one
	mkfifo fifo
	"$OCI" --root "$T/root" update --resources - one <fifo &
	STARTED+=("$!")
	exec 7>fifo
	timeout 5 "$OCI" --root "$T/root" update --pids-limit 50 one
	echo '{}' >&7
	exec 7>&-
	wait "$!"
}
