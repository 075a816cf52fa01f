#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A root, or a volume, that somebody else can write to while a container is made of it. What protects
# the host from the container is there all the same, or there is no container.

load oci

# What is to be seen of the protection: masks and what is read-only
PROTECTED='[ "$(head -c 1 /proc/kcore | wc -c)" = 0 ] && ! echo x 2>/dev/null >/proc/sys/kernel/core_pattern && echo protected'

@test "proc and sysfs: only on ordinary directories" {
	need_root
	mkdir -p "$T/vol/a" "$B/rootfs/vol" "$B/rootfs/deep"
	for place in proc sys; do
		type=${place/sys/sysfs}
		for target in /vol/a vol/a ../../vol/a / none "$place"; do
			rm -rf "$B/rootfs/$place"
			ln -s "$target" "$B/rootfs/$place"
			fails ".mounts = [{destination: \"/vol\", type: \"bind\", source: \"$T/vol\", options: [\"bind\"]}] + .mounts" \
				true "a link stands in its way"
		done
		rm "$B/rootfs/$place"
		echo >"$B/rootfs/$place"
		fails . true "/$place"
		rm "$B/rootfs/$place"
		# Links on the way, and where no link is.
		ln -sfn /vol/a "$B/rootfs/link"
		fails ".mounts += [{destination: \"/link/$place\", type: \"$type\", source: \"$type\"}]" true "a link stands in its way"
		is ".mounts += [{destination: \"/deep/er/$place\", type: \"$type\", source: \"$type\"}]" \
			"awk '\$2 == \"/deep/er/$place\" {print \$3}' /proc/mounts" "$type"
		rm -r "$B/rootfs/deep/er"
	done
	[ -z "$(ls "$T/vol/a")" ]
}

@test "masks of /proc and /sys are not lost when a directory is renamed meanwhile" {
	need_root
	need_python
	config '.mounts |= map(select(.destination == "/proc"))' \
		"m=\$(cat /*/self/mountinfo 2>/dev/null) || m='/sys ro,'; echo \"\$m\" | grep -c '/sys ro,' || :"
	python3 - "$B/rootfs" 3>&- <<-'END' &
		import os, sys
		os.chdir(sys.argv[1])
		while True:
		    for old, new in ("proc", "other"), ("other", "proc"):
		        try:
		            os.rename(old, new)
		        except OSError:
		            pass
	END
	STARTED+=($!)
	ran=0
	for ((i = 0; i < 100; i++)); do
		run oci run --bundle "$B" one
		[ "$status" != 0 ] || ran=$((ran + 1))
		[ "$status" != 0 ] || [ "$output" = 1 ]
	done
	kill "${STARTED[0]}"
	echo "$ran of 100 ran"
}

@test "masks of /proc: a hook that moves it ends the container, one that mounts another is followed" {
	need_root
	cat >"$T/move" <<-END
		#!/bin/sh
		mv "$B/rootfs/proc" "$B/rootfs/other"
	END
	cat >"$T/again" <<-END
		#!/bin/sh
		pid=\$(sed 's/.*"pid":\([0-9]*\).*/\1/')
		nsenter --target \$pid --mount -- mount -t proc proc "$B/rootfs/proc"
	END
	chmod +x "$T/move" "$T/again"
	fails ".hooks.createRuntime = [{path: \"$T/move\"}]" true "a hook has moved /proc"
	mv "$B/rootfs/other" "$B/rootfs/proc"
	is ".hooks.createRuntime = [{path: \"$T/again\"}]" "grep -c ' /proc proc' /proc/mounts; $PROTECTED" "$(printf '2\nprotected')"
}

@test "masks of /proc: by a read-only view of all of it, by a later mount at its place" {
	need_root
	is '.linux.readonlyPaths = ["/proc", "/proc/sys"]' "$PROTECTED" protected
	is '.mounts += [{destination: "/proc", type: "proc", source: "proc", options: ["nosuid"]}]' "$PROTECTED" protected
	is '.mounts += [{destination: "/sys", type: "tmpfs", source: "tmpfs"}]' "ls /sys; $PROTECTED" protected
}

@test "inside /proc nothing is mounted but what engines show otherwise" {
	need_root
	mkdir "$T/vol"
	echo 1.00 2.00 >"$T/vol/uptime"
	ln -s /proc "$B/rootfs/to-proc"
	ln -s /sys/kernel "$B/rootfs/to-sys"
	vol()
	{
		echo ".mounts += [{destination: \"$1\", type: \"bind\", source: \"$2\", options: [\"bind\"]}]"
	}
	for place in /proc/sys /proc/self/attr /proc/1 /proc/../proc/sys/kernel; do
		fails "$(vol "$place" "$T/vol")" true "inside /proc nothing is mounted"
	done
	fails "$(vol /proc "$T/vol")" true "only a procfs goes there"
	fails '.mounts += [{destination: "/proc", type: "tmpfs", source: "tmpfs"}]' true "only a procfs goes there"
	for place in /to-proc/sys /to-proc/1/attr /to-sys/debug; do
		fails "$(vol "$place" "$T/vol")" true "a link leads into /proc or /sys"
	done
	is "$(vol /proc/uptime "$T/vol/uptime")" 'cat /proc/uptime' "1.00 2.00"
	is "$(vol /proc /proc) | .mounts[-1].options = [\"rbind\"]" "$PROTECTED" protected
	started one
	echo '[{"destination": "/proc/sys", "type": "bind", "source": "'"$T/vol"'", "options": ["bind"]}]' >"$T/mounts"
	run -1 oci mounts add one "$T/mounts"
	[[ $output == *"inside /proc nothing is mounted"* ]]
	sed -i 's,/proc/sys,/proc/uptime,; s,"source": "[^"]*",&/uptime,; s,vol"/uptime,vol/uptime",' "$T/mounts"
	oci mounts add one "$T/mounts"
	[ "$(oci exec one cat /proc/uptime)" = "1.00 2.00" ]
}
