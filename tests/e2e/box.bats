#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a box is by default, and what it does with a command: root, environment, limits, exit code.

load helpers

# ---- namespaces ----

# bats test_tags=quick
@test "all eight namespaces are new" {
	start_box -- sleep 1000
	for type in user mnt pid net ipc uts cgroup time; do
		inside=$(ns_of "$MAIN" "$type")
		echo "$type $inside"
		[ -n "$inside" ]
		[ "$inside" != "$(ns_of self "$type")" ]
		[ "$inside" = "$type:[$(jq ".namespaces.$type" "$T/info")]" ]
		[ "$(ns_of "$INIT" "$type")" = "$inside" ]
	done
	end_box
}

@test "the same for an ordinary user" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	start_box -- sleep 1000
	# Who may look into /proc/PID/ns: its owner, who is not root; --info-fd tells.
	for type in user mnt pid net ipc uts cgroup time; do
		[ "$type:[$(jq ".namespaces.$type" "$T/info")]" != "$(ns_of self "$type")" ]
	done
	end_box
}

# Before Linux 6.3 exec enters no time namespace, and who has one for its children can make no threads.
@test "the command is in its time namespace, and so are its children" {
	for option in --umask=022 --as-pid1; do
		run -0 "$HOLM" box $option -- python3 -c 'import os, subprocess, threading
t = threading.Thread(target=print, args=("thread",)); t.start(); t.join()
own = os.readlink("/proc/self/ns/time")
child = subprocess.run(["readlink", "/proc/self/ns/time"], capture_output=True, text=True).stdout
print(own == os.readlink("/proc/self/ns/time_for_children") == child.strip(), own)'
		[ "${lines[0]}" = thread ]
		[ "${lines[1]}" != "True $(ns_of self time)" ]
		[[ ${lines[1]} == "True time:"* ]]
	done
}

# ---- root ----

# bats test_tags=quick
@test "the root holds program directories and nothing of the host's data" {
	run -0 "$HOLM" box -- ls -A /
	for name in "${lines[@]}"; do
		[[ " bin dev etc lib lib32 lib64 libx32 nix gnu proc run sbin tmp usr " == *" $name "* ]]
	done
	run -0 "$HOLM" box -- sh -c 'ls -A /run /tmp /dev/shm; ls -A /etc; ls -A /etc/ssl'
	echo "$output"
	[[ $output != *shadow* && $output != *ssh* && $output != *private* && $output != *holm-test* ]]
}

# bats test_tags=quick
@test "nothing but /tmp, /run and /dev/shm can be written to" {
	run -0 "$HOLM" box --user root -- sh -c '
		for d in / /usr /usr/bin /etc /dev /proc /proc/sys/kernel /bin /lib; do
			touch "$d/x" 2>/dev/null && echo "$d can be written"
		done
		for d in /tmp /run /dev/shm; do echo x >"$d/x" && cat "$d/x"; done'
	[ "$output" = $'x\nx\nx' ]
}

@test "what a box writes is gone with it" {
	run -0 "$HOLM" box -- sh -c 'echo x >/tmp/holm-left; ls /tmp'
	[ "$output" = holm-left ]
	run -0 "$HOLM" box -- ls -A /tmp
	[ "$output" = "" ]
	[ ! -e /tmp/holm-left ]
}

# bats test_tags=quick
@test "every mount is nosuid and nodev, but for the device nodes" {
	run -0 "$HOLM" box -- cat /proc/self/mountinfo
	while read -r _ _ _ _ place options _; do
		case $place in
		/dev/null | /dev/zero | /dev/full | /dev/random | /dev/urandom | /dev/tty) ;;
		/dev/pts) [[ $options == *nosuid*noexec* ]] ;;
		/proc/*) ;; # a mask: /dev/null, or an empty directory
		*) [[ $options == *nosuid*nodev* ]] ;;
		esac
	done <<<"$output"
}

# bats test_tags=quick
@test "/etc knows the box's own user and host, not the real ones" {
	run -0 as_user "$HOLM" box --hostname island -- sh -c 'id -un; cat /etc/passwd /etc/group; cat /etc/hosts'
	[ "${lines[0]}" = user ]
	[[ $output == *"user:x:$(user_id):"* ]]
	[[ $output == *"localhost island"* ]]
	# root, user and nobody; root, user and nogroup; two lines of hosts.
	[ "${#lines[@]}" = 9 ]
}

# bats test_tags=quick
@test "/dev is minimal, and its nodes work" {
	run -0 "$HOLM" box -- sh -c 'ls /dev | tr "\n" " "; echo x >/dev/null
		head -c 4 /dev/zero | od -An -tx1; head -c 16 /dev/urandom | wc -c
		echo x >/dev/full || echo full; readlink /dev/fd /dev/stdin /dev/ptmx'
	[ "${lines[0]}" = "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero  00 00 00 00" ]
	[ "${lines[1]}" = 16 ]
	[[ $output == *$'\nfull\n'* ]]
	[[ $output == *$'/proc/self/fd\n/proc/self/fd/0\npts/ptmx' ]]
}

# bats test_tags=quick
@test "the dangerous entries of /proc are masked" {
	run -0 --separate-stderr "$HOLM" box --user root --cap sys_admin,syslog,sys_ptrace --seccomp none -- sh -c '
		for f in kcore keys timer_list vmallocinfo slabinfo kpageflags sysrq-trigger; do
			head -c 1 /proc/$f 2>/dev/null
		done | wc -c
		ls -A /proc/acpi /proc/scsi 2>/dev/null | grep -v : | grep -c .
		grep -cv "^0000000000000000 " /proc/kallsyms # names, but no address
		echo 1 >/proc/sys/kernel/printk; echo c >/proc/sysrq-trigger; true'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" = 0 ]
}

# ---- the command ----

# bats test_tags=quick
@test "a command that the box would not see is shown to it, alone and read-only" {
	cp /bin/true "$T/prog"
	echo neighbour >"$T/other"
	printf '#!/bin/sh\necho "$0 $*"; ls "$(dirname "$0")"; echo x >>"$0" || echo read-only\n' >"$T/script"
	chmod 755 "$T/script" "$T/prog"
	run -0 "$HOLM" box -- ./prog
	run -0 "$HOLM" box -- "$T/prog"
	run -0 --separate-stderr "$HOLM" box ./script a b
	[ "$output" = "$T/script a b"$'\nscript\nread-only' ]
	ln -s script "$T/link"
	run -0 "$HOLM" box -- "$T/../$(basename "$T")/link"
	[ "${lines[0]}" = "$T/link " ]
	cp "$T/script" "$T/a:b c"
	run -0 "$HOLM" box -- "./a:b c"
	[ "${lines[0]}" = "$T/a:b c " ]
}

# bats test_tags=quick
@test "option -- ends the options, and so does the command" {
	run -0 "$HOLM" box -- echo --hostname -x
	[ "$output" = "--hostname -x" ]
	run -0 "$HOLM" box echo --hostname -x
	[ "$output" = "--hostname -x" ]
	run -0 "$HOLM" box --hostname=island uname -n
	[ "$output" = island ]
	run -0 "$HOLM" box -u root -eA=1 -e B=2 -- sh -c 'echo $(id -u)$A$B'
	[ "$output" = 012 ]
}

# bats test_tags=quick
@test "the exit code is the command's; 128 + n for a signal" {
	run -0 "$HOLM" box -- true
	run -1 "$HOLM" box -- false
	run -255 "$HOLM" box -- sh -c 'exit 255'
	run -137 "$HOLM" box -- sh -c 'kill -9 $$'
	run -143 "$HOLM" box -- sh -c 'kill -TERM $$'
	run -134 "$HOLM" box -- sh -c 'kill -ABRT $$'
	run -9 "$HOLM" box --as-pid1 -- sh -c 'exit 9'
	[ "$output" = "" ]
}

# bats test_tags=quick
@test "standard input, output and error are the caller's" {
	run -0 --separate-stderr sh -c 'echo in | "$0" box -- sh -c "cat; echo err >&2"' "$HOLM"
	[ "$output" = in ]
	[ "$stderr" = err ]
	head -c 3000000 /dev/urandom >"$T/data"
	"$HOLM" box -- cat <"$T/data" >"$T/copy"
	cmp "$T/data" "$T/copy"
}

@test "a closed standard input is no accident" {
	run -0 sh -c 'exec "$0" box -- sh -c "echo fine" <&-' "$HOLM"
	[ "$output" = fine ]
}

# bats test_tags=quick
@test "a clean environment" {
	SECRET=1 run -0 "$HOLM" box -- env
	[ "$(cut -d = -f 1 <<<"$output" | sort | tr '\n' ' ')" = "HOME LANG PATH " ]
	SECRET=1 run -0 "$HOLM" box --env A=b --env SECRET --env LANG=xx --env MISSING -- env
	[[ $output == *A=b* && $output == *SECRET=1* && $output == *LANG=xx* && $output != *MISSING* ]]
	SECRET=1 run -0 "$HOLM" box --keep-env --env SECRET=2 -- sh -c 'echo $SECRET $PATH'
	[ "$output" = "2 $PATH" ]
	run -0 "$HOLM" box --env PATH=/usr/share -- /bin/sh -c 'ls || echo $PATH' 2>/dev/null
	[[ $output == */usr/share ]]
}

# bats test_tags=quick
@test "a session of its own, no blocked signals" {
	run -0 env --block-signal=TERM --block-signal=USR1 "$HOLM" box -- \
		sh -c 'grep ^SigBlk /proc/self/status; ps -o sid=,pgid= -p $$'
	[ "$(awk '/^SigBlk/ {print $2}' <<<"$output")" = 0000000000000000 ]
	[ "$(tail -1 <<<"$output" | tr -s ' ')" = " 2 2" ]
}

# bats test_tags=quick
@test "working directory, umask, niceness" {
	run -0 "$HOLM" box -- pwd
	[ "$output" = / ]
	run -0 "$HOLM" box --cwd /usr/share --umask 077 --nice 7 -- sh -c 'pwd; umask; nice'
	[ "$output" = $'/usr/share\n0077\n7' ]
	run -0 "$HOLM" box -- sh -c 'umask'
	[ "$output" = 0022 ]
}

# bats test_tags=quick
@test "option --work: writable, at its own path, the working directory" {
	dir=$(user_dir "a work:dir")
	run -0 as_user "$HOLM" box --work "$dir" -- sh -c 'pwd; echo x >made; ls "$(dirname "$PWD")"'
	[ "$output" = "$dir"$'\n'"a work:dir" ]
	[ "$(cat "$dir/made")" = x ]
	cd "$dir"
	run -0 as_user "$HOLM" box --work . -- ls
	[ "$output" = made ]
	run -0 as_user "$HOLM" box --work . --cwd /usr -- pwd
	[ "$output" = /usr ]
}

@test "limits: set, and no core dump unless asked" {
	run -0 "$HOLM" box --rlimit nofile=64:128 --rlimit as=2g --rlimit cpu=unlimited -- \
		sh -c 'ulimit -n; ulimit -Hn; ulimit -c; ulimit -v'
	[ "$output" = $'64\n128\n0\n2097152' ]
	run -0 "$HOLM" box --rlimit core=1m -- sh -c 'ulimit -c'
	[ "$output" = 2048 ]
	run -152 "$HOLM" box --rlimit cpu=1:5 -- sh -c 'while :; do :; done'
	run -153 "$HOLM" box --rlimit fsize=1k -- sh -c 'exec head -c 100000 /dev/zero >/tmp/x'
}

# ---- end ----

@test "the box ends when the command ends, and takes what it left with it" {
	start_box -- sh -c 'sleep 1000 & setsid sleep 1001 & echo end; read -r _ </tmp/none; exit 3'
	wait_box
	[ "$STATUS" = 3 ]
	gone "$INIT"
	run -3 timeout 10 "$HOLM" box -- sh -c 'trap "" TERM; (trap "" TERM; sleep 1000) & exit 3'
}

@test "1,000 boxes one after the other leave nothing" {
	for ((i = 0; i < 1000; i++)); do "$HOLM" box -- true || return 1; done
}

@test "100 boxes at once" {
	for ((i = 0; i < 100; i++)); do
		"$HOLM" box -- sh -c "echo $i" >"$T/$i" 3>&- &
		STARTED+=($!)
	done
	for pid in "${STARTED[@]}"; do wait "$pid"; done
	STARTED=()
	[ "$(cat "$T"/[0-9]* | sort -n | md5sum)" = "$(seq 0 99 | md5sum)" ]
}

@test "holm's own executable is nowhere within reach of the box" {
	run "$HOLM" box --user root --cap sys_ptrace,sys_admin,dac_override --seccomp none -- sh -c '
		for p in /proc/[0-9]*; do readlink $p/exe; cat $p/exe 2>/dev/null | head -c 4 | od -c | head -1; done
		readlink /proc/[0-9]*/fd/*; cat /proc/[0-9]*/maps; true'
	echo "$output"
	[[ $output == */usr/bin/*sh* ]]
	[[ $output != *"$HOLM"* ]]
}

# bats test_tags=quick
@test "help and version" {
	run -0 "$HOLM" --version
	[[ $output =~ ^holm\ [0-9]+\.[0-9]+ ]]
	run -0 "$HOLM" box --help
	[[ $output == "Usage: holm box"* ]]
	run -0 "$HOLM" help
	run -125 "$HOLM"
	run -125 --separate-stderr "$HOLM" no-such-act
	[[ $stderr == *'no command "no-such-act"'* ]]
}
