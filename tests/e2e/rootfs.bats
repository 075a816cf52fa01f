#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A root of the user's own: a directory with a static busybox; and the host's root.

load helpers

make_root()
{
	need busybox
	ROOT=$T/root
	mkdir -p "$ROOT"/{bin,etc,proc,dev,tmp,run,data}
	cp "$(command -v busybox)" "$ROOT/bin/busybox"
	for name in sh cat ls touch rm mkdir id stat echo grep; do ln -s busybox "$ROOT/bin/$name"; done
	echo original >"$ROOT/data/file"
	! is_root || chown -R "$USER_ID:$USER_ID" "$ROOT"
	as_user true # sets AS_USER
	PREFIX=("${AS_USER[@]}")
}

# holm as the ordinary user
box()
{
	run "${PREFIX[@]}" "$HOLM" box --rootfs "$ROOT" "$@"
	echo "$output"
}

# bats test_tags=quick
@test "the directory is the root, and read-only" {
	make_root
	box -- /bin/sh -c 'ls /; cat /data/file; touch /data/new /new; echo x >/data/file'
	[ "$(head -8 <<<"$output" | tr '\n' ' ')" = "bin data dev etc proc run tmp original " ]
	[ "$(grep -c 'Read-only file system' <<<"$output")" = 3 ]
	[ "$(cat "$ROOT/data/file")" = original ]
	[ ! -e "$ROOT/data/new" ]
}

# bats test_tags=quick
@test "its /proc, /dev, /tmp and /run are the box's own" {
	make_root
	box -- /bin/sh -c 'echo x >/dev/null && ls /dev; cat /proc/1/comm; echo x >/tmp/x; echo x >/run/x; touch /dev/x; ls /tmp'
	[[ $output == *null*holm-init* && $output == *"/dev/x: Read-only"* && $output == *$'\nx' ]]
	[ -z "$(ls -A "$ROOT/tmp" "$ROOT/run" "$ROOT/dev" "$ROOT/proc" | grep -v :$ | grep .)" ]
}

# bats test_tags=quick
@test "option --writable: what is written stays, and belongs to the caller" {
	make_root
	box --writable --user root -- /bin/sh -c 'echo changed >/data/file; touch /new; rm /data/../data/none 2>/dev/null; id -u'
	[ "$output" = 0 ]
	[ "$(cat "$ROOT/data/file")" = changed ]
	[ "$(stat -c %u "$ROOT/new")" = "$(user_id)" ]
}

# bats test_tags=quick
@test "option --overlay tmp: writable, and thrown away" {
	make_root
	box --overlay tmp -- /bin/sh -c 'echo changed >/data/file; rm /bin/ls; mkdir /d; cat /data/file; [ -e /bin/ls ] || echo gone'
	[ "$output" = $'changed\ngone' ]
	[ "$(cat "$ROOT/data/file")" = original ]
	[ -e "$ROOT/bin/ls" ] && [ ! -e "$ROOT/d" ]
}

# bats test_tags=quick
@test "option --overlay DIR: kept, and there again the next time; the root itself is untouched" {
	make_root
	keep=$(user_dir keep)
	box --overlay "$keep" -- /bin/sh -c 'echo changed >/data/file; rm /bin/stat; mkdir /d'
	[ "$status" = 0 ]
	box --overlay "$keep" -- /bin/sh -c 'cat /data/file; ls -d /d; [ -e /bin/stat ] || echo gone'
	[ "$output" = $'changed\n/d\ngone' ]
	[ "$(cat "$ROOT/data/file")" = original ]
	[ -e "$ROOT/bin/stat" ] && [ ! -e "$ROOT/d" ]
}

@test "option --overlay DIR that is missing: refused" {
	make_root
	refused 125 "$T/none" --rootfs "$ROOT" --overlay "$T/none" -- /bin/sh
	[ ! -e "$T/none" ]
}

@test "a root without the directories for mounts: nothing is made in it; an overlay has them" {
	make_root
	rm -r "$ROOT/proc" "$ROOT/tmp"
	box -- /bin/sh -c 'exit 3'
	[ "$status" = 125 ] || [ "$status" = 3 ]
	[ ! -e "$ROOT/proc" ] && [ ! -e "$ROOT/tmp" ]
	box --overlay tmp -- /bin/sh -c 'cat /proc/1/comm; touch /tmp/x && echo fine'
	[ "$output" = $'holm-init\nfine' ]
	[ ! -e "$ROOT/proc" ] && [ ! -e "$ROOT/tmp" ]
}

@test "mounts into it" {
	make_root
	echo mine >"$T/f"
	box --ro-bind "$T/f:/data/file" --tmpfs /etc -- /bin/sh -c 'cat /data/file; touch /etc/x; ls /etc'
	[ "$output" = $'mine\nx' ]
	[ "$(cat "$ROOT/data/file")" = original ]
	[ -z "$(ls "$ROOT/etc")" ]
	box --overlay tmp --ro-bind "$T/f:/new/place/f" -- /bin/sh -c 'cat /new/place/f'
	[ "$output" = mine ]
	[ ! -e "$ROOT/new" ]
}

@test "the command is looked for inside, not on the host" {
	make_root
	refused 127 "command ps: not found in the box" --rootfs "$ROOT" -- ps
	refused 127 "not found in the box" --rootfs "$ROOT" -- /usr/bin/env
	box -- ls /data
	[ "$output" = file ]
}

@test "the rootfs lies on a mount with mounts below it: these are shown, and read-only" {
	make_root
	need_root
	PREFIX=(unshare -m sh -c 'mount -t tmpfs below "$0/data" && touch "$0/data/seen" && exec "$@"' "$ROOT")
	box -- /bin/sh -c 'ls /data; touch /data/x'
	[[ $output == seen$'\n'*"Read-only file system" ]]
}

@test "the rootfs is / itself" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	ROOT=/
	box -- /bin/sh -c 'ls /usr/bin/env; touch /usr/x /etc/x; ls /tmp'
	[[ $output == /usr/bin/env* && $(grep -c -E 'Read-only|denied' <<<"$output") = 2 ]]
	[[ $output != *holm-test* ]]
}

# bats test_tags=quick
@test "option --host-root: the whole host, read-only" {
	run "$HOLM" box --host-root -- sh -c "ls -d /usr /home /var; touch /var/holm-x /usr/holm-x '$T/x'; cat /proc/1/comm; ls /tmp"
	echo "$output"
	[[ $output == *$'/home\n'* || $output == *"/home"* ]]
	[ "$(grep -c -E 'Read-only' <<<"$output")" -ge 2 ]
	[[ $output == *holm-init* && $output != *holm-test.* || $output == *"No such file"* ]]
	[ ! -e "$T/x" ] && [ ! -e /var/holm-x ]
}

@test "option --host-root: every mount of the host is read-only, also below" {
	run -0 "$HOLM" box --host-root -- awk '$5 !~ "^/(proc|dev|tmp|run)(/|$)" && $6 !~ /^ro/ {print}' /proc/self/mountinfo
	[ "$output" = "" ]
}

@test "option --host-root --writable as an ordinary user: no more than the caller may" {
	need_root
	dir=$(user_dir mine)
	run as_user "$HOLM" box --host-root --writable --tmpfs /mnt --bind "$dir:/mnt/d" --user root -- \
		sh -c 'touch /etc/holm-x /usr/holm-x; touch /mnt/d/x && echo own'
	[[ $output == *own* && $output == *"denied"* ]]
	[ ! -e /etc/holm-x ] && [ ! -e /usr/holm-x ]
}
