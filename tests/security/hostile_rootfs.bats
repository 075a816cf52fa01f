#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A root directory made by an enemy: its symbolic links want holm's mounts, files and directories to
# land on the host. Every mount lands inside or is refused; the host's files stay as they are. All of
# it as root, who has the most to lose, and in ways that need a rootfs that can be written to.

load ../e2e/helpers

# $R: the root; $VICTIM: what stands for the host, outside of it.
make_root()
{
	need busybox
	R=$T/root
	VICTIM=$T/victim
	mkdir -p "$R"/{bin,etc,proc,dev,tmp,run} "$VICTIM"/{dir,empty}
	cp "$(command -v busybox)" "$R/bin/busybox"
	for name in sh cat ls touch id echo grep mount readlink; do ln -s busybox "$R/bin/$name"; done
	HONEST=$T/honest
	rm -rf "$HONEST"
	cp -a "$R" "$HONEST"
	echo untouched >"$VICTIM/file"
	echo untouched >"$VICTIM/dir/file"
	picture >"$T/before"
}

# All that could have changed outside of the root.
picture()
{
	find "$VICTIM" -printf '%p %y %m %U %s %T@ %l\n' | sort
	cat "$VICTIM/file" "$VICTIM/dir/file"
	sha256sum /etc/passwd /etc/hostname /etc/shadow 2>/dev/null || :
	cat /proc/self/mountinfo
	stat -c '%n %y' /etc /usr /usr/bin
	ls /
}

# all_inside HOW OPTION...: what an honest root has mounted is mounted here too; nothing got lost outside.
all_inside()
{
	local how=$1 honest
	shift

	honest=$("$HOLM" box --rootfs "$HONEST" ${how:+"$how"} "$@" -- /bin/cat /proc/self/mountinfo 2>/dev/null) || return 0
	[ "$(grep -c ' - ' <<<"$output")" = "$(wc -l <<<"$honest")" ]
}

# Ends in words or runs; either way the host is as it was, and the box did not see the victim.
# inside_or_refused OPTION... : with the root read-only, writable, and under an overlay
inside_or_refused()
{
	local how

	for how in "" --writable --overlay=tmp; do
		run --separate-stderr timeout 20 "$HOLM" box --rootfs "$R" ${how:+"$how"} "$@" -- \
			/bin/busybox sh -c 'echo started; cat /proc/self/mountinfo; cat "$0/file" /file /dir/file' "$VICTIM"
		echo "$* $how: $status $stderr"
		[ "$status" != 124 ]
		[ "$status" -lt 128 ]
		if [ "$status" = 125 ]; then
			[ "$output" = "" ]
			[ "${#stderr_lines[@]}" = 1 ]
		else
			[[ $output == started* ]]
			[[ $output != *untouched* ]]
			all_inside "$how" "$@"
		fi
		picture >"$T/after"
		diff "$T/before" "$T/after"
	done
}

# replace PLACE TARGET: what stands at PLACE in the root becomes a link
replace()
{
	rm -rf "${R:?}$1"
	mkdir -p "$(dirname "$R$1")"
	ln -s "$2" "$R$1"
}

@test "links at the places of the standard mounts: absolute" {
	for place in /proc /dev /tmp /run; do
		make_root
		replace "$place" "$VICTIM/empty"
		inside_or_refused
		rm -rf "$R" "$VICTIM"
	done
}

@test "links at the places of the standard mounts: up and out" {
	for place in /proc /dev /tmp /run; do
		make_root
		replace "$place" "../../../../../../../..$VICTIM/empty"
		inside_or_refused
		rm -rf "$R" "$VICTIM"
	done
}

@test "links at the places of the standard mounts: to the host's own" {
	for place in /proc /dev /tmp /run; do
		for target in / /etc /usr /../.. . ..; do
			make_root
			replace "$place" "$target"
			inside_or_refused
			rm -rf "$R" "$VICTIM"
		done
	done
}

@test "links at the places of the standard mounts: to each other, to themselves, to nothing" {
	for pair in "/proc dev" "/dev proc" "/dev tmp" "/tmp proc" "/run /proc/1/root" "/tmp tmp" \
		"/proc proc" "/dev none" "/proc /none/at/all" "/tmp /proc/self/root" "/tmp /proc/self/cwd" \
		"/run /proc/self/fd/3" "/tmp /proc/1/cwd"; do
		make_root
		replace ${pair}
		inside_or_refused
		rm -rf "$R" "$VICTIM"
	done
}

@test "files, sockets and fifos where directories should be" {
	need_python
	for place in /proc /dev /tmp /run; do
		make_root
		rm -r "${R:?}$place"
		echo file >"$R$place"
		inside_or_refused
		rm "$R$place"
		mkfifo "$R$place"
		inside_or_refused
		rm "$R$place"
		(cd "$R" && python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind("." + sys.argv[1])' "$place")
		inside_or_refused
		rm -rf "$R" "$VICTIM"
	done
}

@test "what the root holds in its own /dev is never used" {
	make_root
	ln -s "$VICTIM/file" "$R/dev/null"
	ln -s "$VICTIM/empty" "$R/dev/pts"
	ln -s "$VICTIM/empty" "$R/dev/shm"
	ln -s "$VICTIM/file" "$R/dev/ptmx"
	inside_or_refused
	inside_or_refused --pty yes
	run -0 "$HOLM" box --rootfs "$R" -- /bin/busybox sh -c 'echo x >/dev/null; ls /dev'
	[[ $output != *file* ]]
	[ "$(cat "$VICTIM/file")" = untouched ]
}

@test "a bind onto a link: the place is inside, or it is refused" {
	make_root
	replace /etc/passwd "$VICTIM/file"
	replace /data "$VICTIM/dir"
	replace /deep "$VICTIM"
	replace /up "../../../../../..$VICTIM/dir"
	echo mine >"$T/mine"
	mkdir "$T/mydir"
	for place in /etc/passwd /data/file /deep/dir/file /deep/new /data/new/er /up/file /up/new; do
		inside_or_refused --ro-bind "$T/mine:$place"
		inside_or_refused --file "$place=content"
		inside_or_refused --symlink "/x:$place"
		inside_or_refused --mask "$place"
	done
	for place in /data /deep /deep/dir /deep/new /up /up/new/er; do
		inside_or_refused --bind "$T/mydir:$place"
		inside_or_refused --tmpfs "$place"
		inside_or_refused --dir "$place"
		inside_or_refused --proc "$place"
		inside_or_refused --dev "$place"
		inside_or_refused --mqueue "$place"
		inside_or_refused --remount-ro "$place"
		inside_or_refused --propagation "shared:$place"
		inside_or_refused --overlay "$T/mydir:$place"
	done
}

@test "the same place twice, the second time through the first" {
	make_root
	mkdir "$T/evil"
	ln -s "$VICTIM/dir" "$T/evil/link"
	ln -s "../../../../../..$VICTIM/dir" "$T/evil/up"
	mkdir -p "$R/mnt"
	inside_or_refused --bind "$T/evil:/mnt" --tmpfs /mnt/link
	inside_or_refused --bind "$T/evil:/mnt" --file /mnt/link/file=overwritten
	inside_or_refused --bind "$T/evil:/mnt" --dir /mnt/up/made
	inside_or_refused --bind "$T/evil:/mnt" --bind "$T/evil:/mnt/up/made"
	inside_or_refused --symlink "$VICTIM/dir:/mnt/s" --file /mnt/s/file=overwritten
}

@test "the working directory and the command are links out of the root" {
	make_root
	replace /home "$VICTIM/dir"
	cp "$R/bin/busybox" "$VICTIM/dir/busybox"
	picture >"$T/before"
	run "$HOLM" box --rootfs "$R" --cwd /home -- /bin/busybox cat file
	echo "$output"
	[ "$status" = 125 ]
	run -127 "$HOLM" box --rootfs "$R" -- /home/busybox echo out
	picture | diff "$T/before" -
}

@test "links made while the box is being set up do not win" {
	need_python
	make_root
	mkdir "$R/data"
	# Turns /data and /tmp into links and back, as fast as it can.
	python3 - "$R" "$VICTIM/empty" 3>&- <<-'END' &
		import os, sys
		root, victim = sys.argv[1:]
		while True:
		    for name in "data", "tmp":
		        path = root + "/" + name
		        try:
		            os.rename(path, path + ".real")
		            os.symlink(victim, path)
		            os.unlink(path)
		            os.rename(path + ".real", path)
		        except OSError:
		            if not os.path.lexists(path):
		                os.mkdir(path)
	END
	STARTED+=($!)
	runs=0
	for ((i = 0; i < 150; i++)); do
		run "$HOLM" box --rootfs "$R" --writable --tmpfs /data/sub --file /data/text=content -- \
			/bin/busybox echo ran
		[ "$status" != 0 ] || runs=$((runs + 1))
	done
	kill "${STARTED[0]}"
	echo "$runs of 150 ran"
	picture >"$T/after"
	diff "$T/before" "$T/after"
}

@test "names that are hard to print are printed on one line" {
	make_root
	name=$'evil\n\e[31mred'
	mkdir "$R/$name"
	run --separate-stderr "$HOLM" box --rootfs "$R" --ro-bind "/none:/$name/x" -- /bin/sh
	[ "$status" = 125 ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr != *$'\e'* ]]
}

@test "a rootfs that is a link, or leads through one, is the directory that it means" {
	make_root
	ln -s "$R" "$T/link"
	run -0 "$HOLM" box --rootfs "$T/link" -- /bin/sh -c 'ls /bin/busybox'
	[ "$output" = /bin/busybox ]
	picture | diff "$T/before" -
}
