#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# holm ns enter, hold, drop and unshare: going to namespaces, keeping them, making them bare.

load helpers

ns()
{
	"$HOLM" ns "$@"
}

links()
{
	readlink /proc/"$1"/ns/{user,mnt,pid,net,ipc,uts,cgroup,time}
}

HELD=()

# hold NAME ARG...: it is dropped after the test
hold()
{
	HELD+=("$1")
	ns hold "$@"
}

teardown()
{
	local name

	for name in "${HELD[@]}"; do ns drop "$name" 2>/dev/null || :; done
	end_test
}

@test "enter: all namespaces of a box, its root, and nothing else is changed" {
	start_box --hostname inside --user root -- sleep 1000
	ns enter "$MAIN" -- sh -c 'readlink /proc/self/ns/user /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/net \
		/proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/cgroup /proc/self/ns/time' >out
	links "$MAIN" | cmp - out
	[ "$(ns enter "$MAIN" -- hostname)" = inside ]
	[ "$(ns enter "$MAIN" -- pwd)" = / ]
	[ "$(ns enter "$MAIN" -- sh -c 'ps -e -o comm=' | grep -c '^sleep$')" = 1 ]
	run -7 ns enter "$MAIN" -- sh -c 'exit 7'
	run -127 ns enter "$MAIN" -- nosuch
	run -126 ns enter "$MAIN" -- /etc
	run -143 ns enter "$MAIN" -- sh -c 'kill -TERM $$'
	end_box KILL
}

@test "enter: some types; the rest is the caller's" {
	need_root
	start_box -- sleep 1000
	run -0 ns enter "$MAIN" --net --uts -- readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/mnt /proc/self/ns/user
	[ "$output" = "$(ns_of "$MAIN" net)
$(ns_of "$MAIN" uts)
$(ns_of self mnt)
$(ns_of self user)" ]
	# By inode, by file, by descriptor.
	local inode
	inode=$(ns_of "$MAIN" net)
	[ "$(ns enter "$inode" -- readlink /proc/self/ns/net)" = "$inode" ]
	[ "$(ns enter "/proc/$MAIN/ns/net" -- readlink /proc/self/ns/net /proc/self/ns/uts)" = "$inode
$(ns_of self uts)" ]
	python3 - "$HOLM" "$MAIN" <<-'PY'
		import os, subprocess, sys
		fd = os.pidfd_open(int(sys.argv[2]))
		said = subprocess.check_output([sys.argv[1], "ns", "enter", "--pidfd", str(fd), "--net", "--", "readlink", "/proc/self/ns/net"], pass_fds=[fd], text=True)
		assert said.strip() == os.readlink(f"/proc/{sys.argv[2]}/ns/net"), said
	PY
	# In the pid namespace: its children are, and a fork was made for that.
	[ "$(ns enter "$MAIN" --pid -- sh -c 'echo $$')" -lt 100 ]
	end_box KILL
}

@test "enter: as whom, where, with what environment" {
	start_box --user root --env COLOUR=green --work "$T" -- sleep 1000
	[ "$(COLOUR=red ns enter "$MAIN" -- sh -c 'echo $COLOUR')" = red ]
	[ "$(COLOUR=red ns enter "$MAIN" --its-env -- sh -c 'echo $COLOUR')" = green ]
	[ "$(ns enter "$MAIN" --env COLOUR=blue -- sh -c 'echo $COLOUR')" = blue ]
	[ "$(ns enter "$MAIN" --cwd "$T" -- pwd)" = "$T" ]
	[ "$(ns enter "$MAIN" --root /usr -- /bin/sh -c 'test -d /share && echo yes')" = yes ]
	[ "$(ns enter "$MAIN" --user root -- id -u)" = 0 ]
	[ "$(ns enter "$MAIN" --user root --cap chown -- grep -h CapEff /proc/self/status | cut -f 2)" = 0000000000000001 ]
	run -125 --separate-stderr ns enter "$MAIN" --root /nosuch -- true
	[[ $stderr == "holm: enter: root /nosuch of process $MAIN: No such file or directory" ]]
	end_box KILL
}

@test "enter: a terminal of its own" {
	need_python
	start_box -- sleep 1000
	python3 "$HERE/terminal.py" 'expect /dev/pts' "$HOLM" ns enter "$MAIN" -- tty | grep -q 'exit 0'
	end_box KILL
}

@test "enter: what is not there, not a namespace, or not for us, is said in one line" {
	run -125 --separate-stderr ns enter 4194303 -- true
	[[ $stderr == "holm: enter: there is no process 4194303" ]]
	run -125 --separate-stderr ns enter nosuch -- true
	[[ $stderr == "holm: ns enter: nothing is called \"nosuch\""* ]]
	run -125 --separate-stderr ns enter /etc/passwd -- true
	[[ $stderr == "holm: ns enter: /etc/passwd: is no namespace"* ]]
	run -125 --separate-stderr ns enter
	[[ $stderr == "holm: ns enter: needs a TARGET"* ]]
	run -125 --separate-stderr ns enter --pidfd 77 -- true
	[[ $stderr == *"descriptor 77 is no pidfd of a process that is here" ]]
	# setns(2) with the type given: a file of another type is no net.
	run -125 --separate-stderr "$HOLM" box --join net=/proc/self/ns/uts -- true
	[[ $stderr == *"is a namespace of another type" ]]
	if is_root; then
		as_user_words
		run -125 --separate-stderr "${AS_USER[@]}" "$HOLM" ns enter 1 -- true
		[[ $stderr == "holm: enter: the namespaces of process 1 are not for you to see"* ]]
	fi
}

@test "enter: an ordinary user enters his own box" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	start_box --hostname mine -- sleep 1000
	PREFIX=()
	[ "$("${AS_USER[@]}" "$HOLM" ns enter "$MAIN" -- hostname)" = mine ]
	[ "$("${AS_USER[@]}" "$HOLM" ns enter "$MAIN" -- readlink /proc/self/ns/user)" = "$(ns_of "$MAIN" user)" ]
	end_box KILL
}

@test "enter: the cgroup of the target" {
	need_root
	start_box --cgroup -- sleep 1000
	ns enter "$MAIN" --net --join-cgroup -- cat /proc/self/cgroup >own
	cat "/proc/$MAIN/cgroup" >its
	cut -d : -f 2- own | sort | cmp - <(cut -d : -f 2- its | sort)
	end_box TERM
}

@test "hold: namespaces of every type live without a process, until they are dropped" {
	need_root
	local name=t$BASHPID type
	hold "$name" --all
	[ "$(ns ls --held --json | jq -r ".[] | select(.name == \"$name\").type" | sort | tr '\n' ' ')" = "cgroup ipc mnt net pid time user uts " ]
	for type in user mnt net ipc uts cgroup time pid; do
		[ "$(stat -Lc %i "/run/holm/ns/$name/$type")" = "$(ns ls --held --json | jq ".[] | select(.name == \"$name\" and .type == \"$type\").inode")" ]
		[ "net:[$(stat -Lc %i "/run/holm/ns/$name/net")]" != "$(ns_of self net)" ]
	done
	ns enter "$name" -- sh -c 'readlink /proc/self/ns/net; ip -br link | grep -c UNKNOWN; ps -e | wc -l' >out
	[ "$(head -n 1 out)" = "net:[$(stat -Lc %i "/run/holm/ns/$name/net")]" ]
	[ "$(sed -n 2p out)" = 1 ]
	[ "$(sed -n 3p out)" -lt 10 ] # its own processes
	# A box joins them; what it makes there is there for the next one.
	"$HOLM" box --join "$name" -- readlink /proc/self/ns/uts >out
	[ "$(cat out)" = "uts:[$(stat -Lc %i "/run/holm/ns/$name/uts")]" ]
	ns enter "$name" -- hostname kept
	[ "$(ns enter "$name" -- hostname)" = kept ]
	local init
	init=$(ns ls --held --json | jq ".[] | select(.name == \"$name\" and .type == \"pid\").init")
	[ "$(cat "/proc/$init/comm")" = holm-init ]
	ns drop "$name"
	[ ! -e "/run/holm/ns/$name" ]
	eventually ended "$init"
}

# Whoever adopted it may be slow to collect it.
ended()
{
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"
}

@test "hold: of a process, which then ends" {
	need_root
	local name=of$BASHPID uts
	start_box --hostname held -- sleep 1000
	uts=$(ns_of "$MAIN" uts)
	hold "$name" --uts --net --of "$MAIN"
	end_box KILL
	[ "$(ns enter "$name" -- hostname)" = held ]
	[ "$(ns enter "$name" -- readlink /proc/self/ns/uts)" = "$uts" ]
	ns ls uts --columns inode,name | grep -q "holm:$name"
}

@test "hold: a name that is taken or none, no types, no rights; nothing half made" {
	need_root
	local name=x$BASHPID
	hold "$name" --uts
	run -125 --separate-stderr ns hold "$name" --uts
	[[ $stderr == "holm: hold: there is a \"$name\" already: holm ns drop $name" ]]
	run -125 --separate-stderr ns hold ../x --uts
	[[ $stderr == *"cannot be a name"* ]]
	run -125 --separate-stderr ns hold y
	[[ $stderr == *"which namespaces?"* ]]
	run -125 --separate-stderr ns hold y --uts --of 4194303
	[[ $stderr == *"mount its uts namespace: No such file or directory" ]]
	[ ! -e /run/holm/ns/y ]
	run -125 --separate-stderr ns hold y --mnt --of $$
	[[ $stderr == *"can be held only by one that is older"* ]]
	[ ! -e /run/holm/ns/y ]
	run -125 --separate-stderr ns drop nosuch
	[[ $stderr == "holm: hold: nothing is held by the name \"nosuch\""* ]]
	run -125 --separate-stderr "$HOLM" box --join nosuch -- true
	[[ $stderr == "holm: join: nothing is held by the name \"nosuch\""* ]]
	as_user_words
	run -125 --separate-stderr "${AS_USER[@]}" "$HOLM" ns hold z --uts
	[[ $stderr == *"Permission denied" || $stderr == *"do it as root" ]]
	ns drop "$name"
	# What a reboot leaves is a file that is no namespace.
	mkdir -p "/run/holm/ns/stale$BASHPID"
	touch "/run/holm/ns/stale$BASHPID/net"
	run -0 --separate-stderr ns ls --held
	[[ $stderr == *"stale$BASHPID/net: is left from before the machine was started, and is removed" ]]
	[ ! -e "/run/holm/ns/stale$BASHPID" ]
}

@test "unshare: the bare call, as unshare(1) does it" {
	# The leak checker cannot clone where process 1 of its children has ended.
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	as_user_words
	run -0 "${AS_USER[@]}" "$HOLM" ns unshare --map-root --uts --net --pid --mount-proc -- sh -c 'hostname bare; hostname; id -u; echo $$; ps -e | wc -l'
	[ "$output" = "bare
0
1
4" ]
	[ "$("${AS_USER[@]}" "$HOLM" ns unshare --map-self -- id -u)" = "$USER_ID" ]
	run -3 "${AS_USER[@]}" "$HOLM" ns unshare --map-root -- sh -c 'exit 3'
	run -3 "${AS_USER[@]}" "$HOLM" ns unshare --map-root --fork -- sh -c 'exit 3'
	run -127 "$HOLM" ns unshare --files -- nosuch
	run -126 "$HOLM" ns unshare --fs -- /etc
	run -0 "$HOLM" ns unshare --files --fs --sysvsem -- true
	run -125 --separate-stderr "$HOLM" ns unshare -- true
	[[ $stderr == "holm: ns unshare: of what?"* ]]
	run -125 --separate-stderr "$HOLM" ns unshare --nosuch -- true
	[[ $stderr == *"there is no option --nosuch"* ]]
	run -125 --separate-stderr "${AS_USER[@]}" "$HOLM" ns unshare --uts -- true
	[[ $stderr == *"need CAP_SYS_ADMIN: do it as root, or together with --map-root" ]]
	[ "$("${AS_USER[@]}" "$HOLM" ns unshare --map-self --keep-caps --uts -- grep CapEff /proc/self/status | cut -f 2)" != 0000000000000000 ]
	[ "$("${AS_USER[@]}" "$HOLM" ns unshare --map-root --boottime 3d --fork -- awk '{print ($1 >= 3 * 86400)}' /proc/uptime)" = 1 ]
}

@test "unshare: who is killed takes the child along, whoever that has become" {
	need_root
	"$HOLM" ns unshare --uts --fork --kill-child --uid "$USER_ID" -- sleep 1234 3>&- &
	local parent=$! child
	STARTED+=("$parent")
	child_is_there() { child=$(pgrep -P "$parent" -x sleep); }
	eventually child_is_there
	kill -KILL "$parent"
	eventually ended "$child"
}

@test "unshare: whole maps, by who stays outside" {
	need_root
	[ "$(ns unshare --map-users 0:100000:65536 --map-groups 0:100000:65536 --uid 7 --gid 8 -- sh -c 'id -u; id -g; cat /proc/self/uid_map | tr -s " "')" = "7
8
 0 100000 65536" ]
	run -125 --separate-stderr ns unshare --map-users 0:x:1 -- true
	[[ $stderr == *"is no map; write IN:OUT:COUNT" ]]
}

@test "lessons: equal links are one namespace; it dies with its last process; pid is for children" {
	start_box -- sleep 1000
	[ "$(ns_of "$INIT" net)" = "$(ns_of "$MAIN" net)" ]
	[ "$(ns_of self net)" != "$(ns_of "$MAIN" net)" ]
	local inode
	inode=$(ns_of "$MAIN" uts | tr -dc 0-9)
	ns ls uts --columns inode | grep -q "$inode"
	end_box KILL
	gone_from_list() { ! ns ls uts --columns inode 2>/dev/null | grep -q "$inode"; }
	eventually gone_from_list
	# Whoever unshares a pid namespace stays where he is; his children are in it.
	as_user_words
	[ "$("${AS_USER[@]}" "$HOLM" ns unshare --map-root --pid -- sh -c 'echo $$')" = 1 ]
}
