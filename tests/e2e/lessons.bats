#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The nine lessons, as docs/guide/ tells them: what isolation means, shown from both sides.

load helpers

# ---- 1: processes ----

# bats test_tags=quick
@test "lesson 1: with --as-pid1 the command is process 1 and has no parent" {
	run -0 "$HOLM" box --as-pid1 -- sh -c 'echo "$$ $PPID"'
	[ "$output" = "1 0" ]
}

# bats test_tags=quick
@test "lesson 1: without it the command is process 2, and init is its parent" {
	run -0 "$HOLM" box -- sh -c 'echo "$$ $PPID"'
	[ "$output" = "2 1" ]
}

@test "lesson 1: outside, process 1 has another pid" {
	start_box --as-pid1 -- sleep 1000
	[ "$INIT" -gt 1 ]
	[ "$(cat "/proc/$INIT/comm")" = sleep ]
	[ "$(awk '/^NSpid/ {print $2, $3}' "/proc/$INIT/status")" = "$INIT 1" ]
	[ "$(ns_of "$INIT" pid)" != "$(ns_of self pid)" ]
	end_box KILL
}

@test "lesson 1: in the caller's pid namespace the command has its real pid and parent" {
	start_box --share pid -- sh -c 'echo "$$ $PPID"; exec sleep 1000'
	eventually test -s "$T/out"
	read -r own parent <"$T/out"
	[ "$own" = "$MAIN" ]
	[ "$parent" = "$INIT" ]
	[ "$(awk '/^PPid/ {print $2}' "/proc/$MAIN/status")" = "$INIT" ]
	end_box
	eventually gone "$own"
}

# Each level is a holm within a box; only its own descendants are in sight.
@test "lesson 1: three boxes deep every level sees its own tree, and a process has a pid for each" {
	local deep=(--seccomp none --proc /proc:full)
	as_user_words
	PREFIX=("${AS_USER[@]}")
	start_box "${deep[@]}" -- "$HOLM" box "${deep[@]}" -- "$HOLM" box --proc /proc -- \
		sh -c 'ps -e -o comm=; echo end; exec sleep 1000'
	eventually has_line "$T/out" end
	[ "$(tr '\n' ' ' <"$T/out")" = "holm-init sh ps end " ]

	# From outside: one tree, one pid more for every level.
	local all inner
	all=$(descendants "$BOX")
	eventually eval 'inner=$(for p in $all; do grep -lx sleep /proc/$p/comm; done 2>/dev/null)'
	inner=$(echo "$inner" | cut -d / -f 3)
	run -0 awk '/^NSpid/ {print NF - 1, $2, $NF}' "/proc/$inner/status"
	echo "the innermost: $output"
	[ "$output" = "4 $inner 2" ]
	[ "$(for p in $all; do cat "/proc/$p/comm"; done | grep -c '^holm-init$')" = 3 ]

	# From within each level: as many inits as there are levels from there on down.
	local user=()
	is_root || user=(-U --preserve-credentials)
	level=3
	for p in $all; do
		[ "$(cat "/proc/$p/comm")" = holm-init ] || continue
		run -0 nsenter -t "$p" "${user[@]}" -p -m ps -e -o comm=
		[ "$(grep -c '^holm-init$' <<<"$output")" = "$level" ]
		[ "$(grep -c '^sleep$' <<<"$output")" = 1 ]
		level=$((level - 1))
	done
	[ "$level" = 0 ]
	end_box
	eventually gone "$inner"
}

# ---- 2: network ----

# bats test_tags=quick
@test "lesson 2: only lo, and it is up" {
	run -0 "$HOLM" box -- cat /proc/net/dev
	[ "$(tail -n +3 <<<"$output" | cut -d : -f 1 | tr -d ' ')" = lo ]
	need_python
	run -0 "$HOLM" box -- python3 -c '
import socket
a = socket.create_server(("127.0.0.1", 0))
b = socket.create_connection(a.getsockname())
a.accept()[0].sendall(b"up")
print(b.recv(9).decode())'
	[ "$output" = up ]
}

@test "lesson 2: the same port inside and outside" {
	need_python
	python3 "$HERE/tcp.py" serve outside >"$T/port" 3>&- &
	STARTED+=($!)
	eventually test -s "$T/port"
	port=$(cat "$T/port")
	start_box --ro-bind "$HERE/tcp.py:/tcp.py" -- python3 /tcp.py serve inside "$port"
	eventually has_line "$T/out" "$port"
	[ "$(python3 "$HERE/tcp.py" get 127.0.0.1 "$port")" = outside ]
	if is_root; then
		[ "$(nsenter -t "$MAIN" -n python3 "$HERE/tcp.py" get 127.0.0.1 "$port")" = inside ]
	fi
	end_box
	[ "$(python3 "$HERE/tcp.py" get 127.0.0.1 "$port")" = outside ]
}

@test "lesson 2: the host's listener cannot be reached from inside" {
	need_python
	python3 "$HERE/tcp.py" serve outside >"$T/port" 3>&- &
	STARTED+=($!)
	eventually test -s "$T/port"
	run -1 "$HOLM" box --ro-bind "$HERE/tcp.py:/tcp.py" -- \
		python3 /tcp.py get 127.0.0.1 "$(cat "$T/port")"
	[[ $output == *"Connection refused"* ]]
	# With --share net it can: the test can tell the difference.
	run -0 "$HOLM" box --share net --ro-bind "$HERE/tcp.py:/tcp.py" -- \
		python3 /tcp.py get 127.0.0.1 "$(cat "$T/port")"
	[ "$output" = outside ]
}

@test "lesson 2: a veth pair is put into a running box by pid, and traffic passes" {
	need_root
	need_python
	need ip busybox
	link=hv$BASHPID
	start_box --ro-bind "$HERE/tcp.py:/tcp.py" -- python3 /tcp.py serve inside 8080
	ip link add "$link" type veth peer name eth0 netns "$MAIN" || skip "needs veth"
	ip addr add 198.18.77.1/30 dev "$link"
	ip link set "$link" up
	nsenter -t "$MAIN" -n ip addr add 198.18.77.2/30 dev eth0
	nsenter -t "$MAIN" -n ip link set eth0 up
	eventually has_line "$T/out" 8080
	run busybox ping -c 1 -w 5 198.18.77.2
	answer=$(python3 "$HERE/tcp.py" get 198.18.77.2 8080) || :
	ip link del "$link"
	end_box
	[[ $output == *" 0% packet loss"* ]]
	[ "$answer" = inside ]
}

# ---- 3: mounts ----

@test "lesson 3: a mount made inside is not seen outside" {
	start_box --user root --cap sys_admin --seccomp none -- \
		sh -c 'mount -t tmpfs holm-mark /tmp && echo in >/tmp/holm-mark && echo end; exec sleep 1000'
	eventually has_line "$T/out" end
	grep -q holm-mark "/proc/$MAIN/mountinfo"
	not grep -q holm-mark /proc/self/mountinfo
	[ ! -e /tmp/holm-mark ]
	[ "$(ns_of "$MAIN" mnt)" != "$(ns_of self mnt)" ]
	end_box
}

# A mount namespace beside the host's, with a shared tmpfs at $T/p. Its holder's pid is HOLDER.
shared_mount()
{
	need_root
	mkdir -p "$T/p"
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount -t tmpfs p "$1/p" && mkdir "$1/p/sub" && mount --make-shared "$1/p" &&
		touch "$1/made" && exec sleep 1000' sh "$T" 3>&- &
	HOLDER=$!
	STARTED+=("$HOLDER")
	eventually test -e "$T/made" || skip "needs the right to mount"
	PREFIX=(nsenter -t "$HOLDER" -m --)
}

# The optional fields of the mount at $1 inside: "shared:3 master:2", or nothing.
fields_of()
{
	awk -v at="$1" '$5 == at { s = ""; for (i = 7; $i != "-"; i++) s = s $i " "; print s }' \
		"/proc/$MAIN/mountinfo"
}

# Mounts at $T/p/sub beside the host; can it be seen at /p/sub inside?
comes_in()
{
	"${PREFIX[@]}" mount -t tmpfs late "$T/p/sub"
	grep -q ' /p/sub .* late ' "/proc/$MAIN/mountinfo"
}

@test "lesson 3: private: nothing comes in" {
	shared_mount
	start_box --bind "$T/p:/p:private" -- sleep 1000
	[ "$(fields_of /p)" = "" ]
	not comes_in
}

@test "lesson 3: slave: what is mounted outside comes in" {
	shared_mount
	start_box --bind "$T/p:/p:slave" -- sleep 1000
	[[ $(fields_of /p) =~ ^master:[0-9]+\ $ ]]
	comes_in
}

@test "lesson 3: shared: a peer group of the box's own; mounts come in, and none goes out" {
	shared_mount
	start_box --user root --cap sys_admin --seccomp none --bind "$T/p:/p:shared" --dir /q -- sh -c '
		mount --bind /p /tmp && mkdir /p/own && mount -t tmpfs inner /p/own && echo end
		exec sleep 1000'
	eventually has_line "$T/out" end
	[[ $(fields_of /p) =~ shared:[0-9]+\ master:[0-9]+ ]]
	# Its peer inside, /tmp, got the mount made at /p/own; the host's did not.
	grep -q ' /tmp/own .* inner ' "/proc/$MAIN/mountinfo"
	not grep -q inner "/proc/$HOLDER/mountinfo"
	comes_in
}

@test "lesson 3: unbindable: it cannot be bound again" {
	shared_mount
	start_box --user root --cap sys_admin --seccomp none --bind "$T/p:/p:unbindable" -- sh -c '
		mount --bind /p /tmp && echo bound; mount --bind /run /tmp && echo other; echo end
		exec sleep 1000'
	eventually has_line "$T/out" end
	[[ $(fields_of /p) == *unbindable* ]]
	not has_line "$T/out" bound
	has_line "$T/out" other
}

@test "lesson 3: --propagation sets the root, and a single mount" {
	shared_mount
	start_box --propagation shared --bind "$T/p:/p" --propagation private:/p -- sleep 1000
	[[ $(fields_of /) =~ shared: ]]
	[[ $(fields_of /usr) =~ shared: ]]
	end_box
	NAME=second start_box -- sleep 1000
	[ "$(fields_of /)" = "" ]
	[ "$(fields_of /usr)" = "" ]
	end_box
}

# bats test_tags=quick
@test "lesson 3: after pivot_root the old root is gone and no path leads to the host" {
	echo secret >"$T/secret"
	run -0 "$HOLM" box -- sh -c '
		for way in "" /.. /../../.. /proc/1/root /proc/1/cwd /proc/self/root /proc/self/root/.. \
			/proc/self/cwd/../.. /proc/2/root/.. /dev/fd/../../../.. /tmp/../..; do
			cat "$way$1" 2>/dev/null && echo "found by $way"
		done
		cd / && cd .. && pwd && ls' sh "$T/secret"
	[ "${lines[0]}" = / ]
	[[ $output != *secret* ]]
	for name in "${lines[@]:1}"; do
		[[ " bin dev etc lib lib32 lib64 libx32 nix gnu proc run sbin tmp usr " == *" $name "* ]]
	done
}

@test "lesson 3: no mount inside shows the host's root" {
	host_root=$(awk '$5 == "/" {print $3; exit}' /proc/self/mountinfo)
	start_box -- sleep 1000
	not awk -v dev="$host_root" '$3 == dev && $4 == "/" {found = 1} END {exit !found}' \
		"/proc/$MAIN/mountinfo"
	[ "$(awk '$5 == "/" {print $3; exit}' "/proc/$MAIN/mountinfo")" != "$host_root" ]
	end_box
}

# ---- 4: names, IPC, clocks, cgroups ----

# bats test_tags=quick
@test "lesson 4: host name and domain name are the box's own" {
	before=$(uname -n; cat /proc/sys/kernel/domainname)
	run -0 "$HOLM" box --hostname island --domainname sea -- \
		sh -c 'uname -n; cat /proc/sys/kernel/domainname'
	[ "$output" = $'island\nsea' ]
	run -0 --separate-stderr "$HOLM" box --user root --cap sys_admin --seccomp none -- \
		sh -c 'hostname changed; uname -n'
	[ "$output" = changed ]
	[ "$(uname -n; cat /proc/sys/kernel/domainname)" = "$before" ]
}

@test "lesson 4: queues, semaphores and shared memory of one side are unknown to the other" {
	need_python
	key=$((1000000 + BASHPID))
	[ "$(python3 "$HERE/ipc.py" make "$key")" = "queue semaphore memory posix" ]
	inside=$("$HOLM" box --ro-bind "$HERE/ipc.py:/ipc.py" -- python3 /ipc.py look "$key")
	shared=$("$HOLM" box --share ipc --ro-bind "$HERE/ipc.py:/ipc.py" -- python3 /ipc.py look "$key")
	python3 "$HERE/ipc.py" drop "$key"
	[ "$inside" = nothing ]
	[ "$shared" = "queue semaphore memory posix" ]

	start_box --ro-bind "$HERE/ipc.py:/ipc.py" -- \
		sh -c "python3 /ipc.py make $key; ls /dev/mqueue; exec sleep 1000"
	eventually has_line "$T/out" "holm-$key"
	has_line "$T/out" "queue semaphore memory posix"
	[ "$(python3 "$HERE/ipc.py" look "$key")" = nothing ]
	end_box
}

@test "lesson 4: the clocks are shifted inside, and only there" {
	need_python
	clocks='import time
print(int(time.clock_gettime(time.CLOCK_BOOTTIME)), int(time.clock_gettime(time.CLOCK_MONOTONIC)))
print(open("/proc/uptime").read().split(".")[0])'
	read -r boot mono <<<"$(python3 -c "$clocks" | head -1)"
	run -0 "$HOLM" box --time-offset boottime=+3d --time-offset monotonic=+1h -- python3 -c "$clocks"
	read -r boot_in mono_in <<<"${lines[0]}"
	((boot_in >= boot + 3 * 86400 && boot_in < boot + 3 * 86400 + 60))
	((mono_in >= mono + 3600 && mono_in < mono + 3660))
	((lines[1] >= boot + 3 * 86400))
	((boot_in - $(cut -d . -f 1 /proc/uptime) > 86400))
	run -0 "$HOLM" box --time-offset boottime=-10s -- cut -d . -f 1 /proc/uptime
	((output < $(cut -d . -f 1 /proc/uptime)))
}

@test "lesson 4: /proc/self/cgroup shows /, wherever the box stands outside" {
	need_root
	group=
	for top in /sys/fs/cgroup/unified /sys/fs/cgroup; do
		[ -e "$top/cgroup.procs" ] && group=$top/holm-test-$BASHPID && break
	done
	if [ -z "$group" ] || ! mkdir "$group" 2>/dev/null; then
		skip "needs a cgroup2 tree that can be written to"
	fi
	# shellcheck disable=SC2016
	PREFIX=(sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group")
	start_box -- sh -c 'cat /proc/self/cgroup; echo end; exec sleep 1000'
	outside=$(grep '^0:' "/proc/$MAIN/cgroup")
	eventually has_line "$T/out" end
	end_box
	eventually rmdir "$group"
	[ "$outside" = "0::/${group##*/}" ]
	grep -v '^end$' "$T/out" >"$T/groups"
	[ -s "$T/groups" ]
	not grep -v ':/$' "$T/groups"
}

# ---- 5: users ----

# bats test_tags=quick
@test "lesson 5: root inside is the caller outside" {
	dir=$(user_dir work)
	run -0 as_user "$HOLM" box --user root --work "$dir" -- \
		sh -c 'id -u; id -g; touch made; stat -c %u:%g made; pwd'
	[ "$output" = $'0\n0\n0:0\n'"$dir" ]
	[ "$(stat -c %u "$dir/made")" = "$(user_id)" ]
}

@test "lesson 5: outside, the process of a root inside has the caller's id and no right" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	start_box --user root -- sleep 1000
	[ "$(awk '/^Uid/ {print $2, $3, $4, $5}' "/proc/$MAIN/status")" = \
		"$(user_id) $(user_id) $(user_id) $(user_id)" ]
	[ "$(awk '/^CapEff/ {print $2}' "/proc/$MAIN/status")" = 0000000000000000 ]
	end_box
}

@test "lesson 5: root inside cannot delete or change a root-owned file that is bound in" {
	need_root
	mkdir -m 755 "$T/host"
	echo content >"$T/host/file"
	# shellcheck disable=SC2016
	run as_user "$HOLM" box --user root --bind "$T/host:/host" --cap dac_override,chown,fowner -- \
		sh -c 'rm -f /host/file; echo x >/host/file; chown 0 /host/file; chmod 777 /host/file
			touch /host/other; id -u'
	[[ $output == *$'\n0' ]]
	[ "$(cat "$T/host/file")" = content ]
	[ "$(stat -c %u:%a "$T/host/file")" = 0:644 ]
	[ "$(ls "$T/host")" = file ]
}

# In a mount namespace whose /etc/passwd and /etc/subuid know an ordinary user with a range.
as_granted_user()
{
	need_root
	need newuidmap
	[ -e /etc/subuid ] || skip "needs /etc/subuid"
	as_user_words
	(cat /etc/passwd; echo "holmtest:x:$USER_ID:$USER_ID::/:/bin/sh") >"$T/passwd"
	echo "holmtest:2000000:65536" >"$T/subid"
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/subid" /etc/subuid &&
		mount --bind "$0/subid" /etc/subgid && exec "$@"' "$T" "${AS_USER[@]}" "$@"
}

@test "lesson 5: with ranges of /etc/subuid many ids map" {
	dir=$(user_dir work)
	run -0 as_granted_user "$HOLM" box --map-auto --user root --work "$dir" -- \
		sh -c 'awk "{n += \$3} END {print n}" /proc/self/uid_map; id -u; touch mine'
	[ "$output" = $'65537\n0' ]
	[ "$(stat -c %u "$dir/mine")" = "$USER_ID" ]
	chmod 777 "$dir"
	run -0 as_granted_user "$HOLM" box --map-auto --user 33:33 --work "$dir" -- \
		sh -c 'id -u; touch theirs'
	[ "$output" = 33 ]
	owner=$(stat -c %u "$dir/theirs")
	echo "outside: $owner"
	[ "$owner" = "$USER_ID" ]
}

@test "lesson 5: root inside may give a file to another id of its range" {
	dir=$(user_dir work)
	run -0 as_granted_user "$HOLM" box --map-auto --user root --cap chown --work "$dir" -- \
		sh -c 'touch file && chown 7:7 file && stat -c %u:%g file'
	[ "$output" = 7:7 ]
	# 0 is the caller, so that 1 is the first of the range.
	[ "$(stat -c %u:%g "$dir/file")" = 2000006:2000006 ]
}

# ---- 6: unshare after clone ----

@test "lesson 6: a process talks to its parent, isolates itself, and the channel still works" {
	need_python
	cat >"$T/talk.py" <<-'END'
		import ctypes, os, socket, sys
		s = socket.socket(fileno=int(sys.argv[1]))
		ns = lambda: os.readlink("/proc/self/ns/net") + os.readlink("/proc/self/ns/uts")
		s.sendall(("before " + ns() + "\n").encode())
		s.recv(1)
		if ctypes.CDLL(None, use_errno=True).unshare(0x10000000 | 0x40000000 | 0x04000000) < 0:
		    sys.exit(os.strerror(ctypes.get_errno()))
		s.sendall(("after " + ns() + "\n").encode())
	END
	cat >"$T/parent.py" <<-'END'
		import socket, subprocess, sys
		a, b = socket.socketpair()
		fd = b.fileno()
		p = subprocess.Popen([sys.argv[1], "box", "--user", "1000", "--seccomp", "none",
		                      "--keep-fd", str(fd), "--ro-bind", sys.argv[2] + "/talk.py:/talk.py",
		                      "--", "python3", "/talk.py", str(fd)], pass_fds=[fd])
		b.close()
		before = a.recv(999).decode().split()
		a.sendall(b"x")
		after = a.recv(999).decode().split()
		print(before[0], after[0], "same" if before[1] == after[1] else "other", p.wait())
	END
	run -0 python3 "$T/parent.py" "$HOLM" "$T"
	[ "$output" = "before after other 0" ]
}

# ---- 7: zombies and companions ----

@test "lesson 7: a thousand orphans are reaped" {
	"$HOLM" box --status-fd 7 -- sh -c '
		i=0
		while [ $i -lt 1000 ]; do (true & exec true); i=$((i + 1)); done
		# They end when they like: wait until no zombie is left.
		for i in 1 2 3 4 5 6 7 8 9 10; do
			grep -l "^State:.Z" /proc/[0-9]*/status || break
			sleep 0.2
		done 2>/dev/null >/tmp/zombies
		ls -d /proc/[0-9]* | wc -l' 7>"$T/status" >"$T/out"
	cat "$T/status"
	[ "$(jq 'select(.event == "ended") | .reaped' "$T/status")" = 1000 ]
	# init, sh, ls, wc
	[ "$(cat "$T/out")" -le 4 ]
}

@test "lesson 7: four services: one crashes and restarts, one leaves, main ends and all end" {
	mkfifo "$T/main"
	exec 5<>"$T/main"
	STDIN=$T/main start_box \
		--service 'api=exec sleep 1000' \
		--service 'log=exit 0' \
		--service 'compute:on-failure=[ -e /run/again ] || { touch /run/again; exit 3; }
			touch /run/up; exec sleep 1001' \
		-- sh -c 'until [ -e /run/up ]; do sleep 0.05; done; echo up; read -r _; exit 7'
	[ "$(events | head -1)" = started ]
	eventually has_line "$T/out" up
	# It said "up" right before it became sleep.
	sleepers() {
		left=$(descendants "$INIT")
		for p in $left; do tr '\0' ' ' <"/proc/$p/cmdline"; echo; done >"$T/running" 2>/dev/null
		[ "$(grep -c '^sleep 100[01] $' "$T/running")" = 2 ]
	}
	eventually sleepers
	echo >&5
	wait_box
	[ "$STATUS" = 7 ]
	cat "$T/status"
	for p in $left; do gone "$p"; done
	[ "$(jq -c 'select(.name == "compute") | [.event, ."exit-code", .signal]' "$T/status" | head -4 | tr -d '\n')" = \
		'["service-start",null,null]["service-exit",3,null]["service-start",null,null]["service-exit",null,15]' ]
	[ "$(jq -c 'select(.name == "log") | [.event, ."exit-code"]' "$T/status" | tr -d '\n')" = \
		'["service-start",null]["service-exit",0]' ]
	[ "$(jq -c 'select(.event == "main-exit" or .event == "ended") | [.event, ."exit-code"]' "$T/status" | tr -d '\n')" = \
		'["main-exit",7]["ended",7]' ]
	[ "$(events | tail -1)" = ended ]
}

# ---- 8: twice the same ----

@test "lesson 8: the same program on the same port in two boxes" {
	need_python
	for name in one two; do
		NAME=$name start_box --ro-bind "$HERE/tcp.py:/tcp.py" -- \
			sh -c "python3 /tcp.py serve $name 8080 & until python3 /tcp.py get 127.0.0.1 8080
				do sleep 0.1; done 2>/dev/null; exec sleep 1000"
		pid[${#pid[@]}]=$MAIN
	done
	eventually has_line "$T/one.out" one
	eventually has_line "$T/two.out" two
	[ "$(ns_of "${pid[0]}" net)" != "$(ns_of "${pid[1]}" net)" ]
	not grep -q two "$T/one.out"
}

# ---- 9: an unknown program ----

# What must not change on the host.
host()
{
	uname -n
	sha256sum /etc/passwd /etc/shadow 2>/dev/null || :
	cut -d ' ' -f 1 /proc/modules 2>/dev/null || :
	cat /proc/sys/kernel/core_pattern /proc/sys/kernel/domainname
	find / -maxdepth 1 -printf '%p %m %U %T@\n' | grep -v -E '^/(tmp|proc|run|dev) '
	ls -d /usr/bin/holm-was-here 2>&1 || :
	cat /proc/self/mountinfo
}

# As whom: root, then an ordinary user. On a terminal, so that keys can be tried too.
hostile()
{
	need_python
	need script
	sleep 1000 3>&- &
	bystander=$!
	STARTED+=("$bystander")
	echo secret >"$T/secret"
	chmod 644 "$T/secret"
	host >"$T/host.before"
	run script -qec "$* $HOLM box --ro-bind $HERE/hostile.py:/hostile.py -- \
		python3 /hostile.py $bystander $T/secret" /dev/null
	echo "$output"
	host >"$T/host.after"
	[ "$status" = 0 ]
	diff "$T/host.before" "$T/host.after"
	not gone "$bystander"
	[ "$(grep -c " refused " <<<"$output")" = "$(grep -cE '^    "[a-z0-9-]+": ' "$HERE/hostile.py")" ]
	[[ $output != *DONE* ]]
}

@test "lesson 9: a hostile program is refused everything: started by root" {
	need_root
	hostile
}

@test "lesson 9: a hostile program is refused everything: started by an ordinary user" {
	as_user_words
	hostile "${AS_USER[@]}"
}

@test "lesson 9: it kills every process that it can see: nobody else's" {
	sleep 1000 3>&- &
	bystander=$!
	STARTED+=("$bystander")
	run "$HOLM" box -- sh -c 'kill -9 -1; echo alone'
	[[ $output == *alone* || $status = 137 ]]
	not gone "$bystander"
	as_user_words
	"${AS_USER[@]}" sleep 1000 3>&- &
	own=$!
	STARTED+=("$own")
	run as_user "$HOLM" box --user root -- sh -c 'kill -9 -1; echo alone'
	[[ $output == *alone* || $status = 137 ]]
	not gone "$own"
}

@test "lesson 9: it fills /tmp: its own room, and no more" {
	before=$(df -k --output=used /tmp | tail -1)
	run "$HOLM" box --scratch-size 8m -- sh -c '
		for f in /tmp/a /dev/shm/b /run/c; do dd if=/dev/zero of=$f bs=1M count=64 2>&1; done
		du -skc /tmp /dev/shm /run | tail -1 | cut -f 1 | sed s/^/sum:/'
	[ "$(grep -c 'No space left on device' <<<"$output")" = 3 ]
	sum=$(sed -n 's/^sum://p' <<<"$output")
	((sum <= 8192 && sum > 6000))
	after=$(df -k --output=used /tmp | tail -1)
	((after - before < 65536))
}

@test "lesson 9: it fills /tmp with empty files: there is an end to that too" {
	need_python
	run "$HOLM" box -- python3 -c '
import os
try:
    for i in range(10**6):
        os.close(os.open("/tmp/%d" % i, os.O_CREAT | os.O_WRONLY))
except OSError as e:
    print(i, e.strerror)'
	[[ $output =~ ^[0-9]+\ No\ space\ left\ on\ device$ ]]
}

@test "lesson 9: it forks without end: the limit holds, and all are gone afterwards" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	start_box --rlimit nproc=50 -- sh -c '
		bomb() { bomb 2>/dev/null & bomb 2>/dev/null & }
		i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i + 1)); done; exec sleep 1000'
	eventually grep -q 'fork' "$T/err"
	(($(descendants "$INIT" | wc -l) <= 50))
	end_box KILL
	eventually gone "$INIT"
}
