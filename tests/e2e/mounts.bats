#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounts: what each option shows, where, and what can be done with it. Propagation: lessons.bats.

load helpers

# A directory of the ordinary user with a file, and a mount below it where we may make one.
fill()
{
	dir=$(user_dir src)
	mkdir -p "$dir/sub"
	echo content >"$dir/file"
	! is_root || chown -R "$USER_ID:$USER_ID" "$dir"
}

inside()
{
	run as_user "$HOLM" box "$@"
	echo "$output"
}

# ---- binds ----

# bats test_tags=quick
@test "option --bind: writable, at the same path or another" {
	fill
	inside --bind "$dir" -- sh -c "cat $dir/file; echo new >$dir/made"
	[ "$output" = content ]
	[ "$(cat "$dir/made")" = new ]
	inside --bind "$dir:/a/b/c" -- sh -c 'cat /a/b/c/file; rm /a/b/c/made'
	[ "$output" = content ]
	[ ! -e "$dir/made" ]
	inside --bind "$dir/file:/etc/one" -- sh -c 'echo more >>/etc/one; ls -A /etc | grep -x one'
	[ "$output" = one ]
	[ "$(tail -1 "$dir/file")" = more ]
}

# bats test_tags=quick
@test "option --bind of a relative path: from the caller's directory" {
	fill
	cd "$T"
	inside --ro-bind src:/s -- cat /s/file
	[ "$output" = content ]
	inside --ro-bind ./src/../src:/s -- cat /s/file
	[ "$output" = content ]
}

# bats test_tags=quick
@test "a colon in a path is written with a backslash" {
	mkdir "$T/a:b"
	echo x >"$T/a:b/f"
	run -0 "$HOLM" box --ro-bind "$T/a\\:b:/c\\:d" -- cat /c:d/f
	[ "$output" = x ]
}

# bats test_tags=quick
@test "option --ro-bind cannot be written to, whoever one is inside" {
	fill
	inside --user root --ro-bind "$dir:/s" -- sh -c 'touch /s/x; echo y >/s/file; rm /s/file; mkdir /s/sub/x'
	[ "$(grep -c 'Read-only file system' <<<"$output")" = 4 ]
	[ "$(cat "$dir/file")" = content ]
}

@test "option --ro-bind is read-only all the way down" {
	need_root
	mkdir -p "$T/top/below"
	# shellcheck disable=SC2016
	run -0 unshare -m sh -c 'mount -t tmpfs below "$1/below" && touch "$1/below/file" &&
		exec "$2" box --user root --ro-bind "$1:/s" -- \
			sh -c "ls /s/below; touch /s/below/x 2>&1; echo x 2>&1 >/s/below/file; true"' sh "$T/top" "$HOLM"
	[ "${lines[0]}" = file ]
	[ "$(grep -c 'Read-only file system' <<<"$output")" = 2 ]
}

@test "what is read-only, nosuid or nodev on the host cannot be loosened" {
	need_root
	mkdir "$T/m"
	# shellcheck disable=SC2016
	run -0 unshare -m sh -c 'mount -t tmpfs -o ro,nosuid,nodev,noexec m "$1" &&
		exec "$2" box --user root --cap sys_admin --seccomp none --bind "$1:/m" -- sh -c "
			touch /m/x 2>&1
			mount -o remount,bind,rw /m 2>/dev/null && touch /m/x && echo loosened
			mount -o remount,bind,ro,suid,dev,exec /m 2>/dev/null && echo loosened; true"' sh "$T/m" "$HOLM"
	[[ $output == *"Read-only"* && $output != *loosened* ]]
}

@test "with sys_admin alone a box cannot uncover what is masked or write to what is read-only" {
	mkdir -p "$T/view/below" "$T/secret"
	echo secret >"$T/secret/file"
	run -0 "$HOLM" box --user root --cap sys_admin --ro-bind "$T/view:/view" \
		--ro-bind "$T/secret:/secret" --mask /secret -- sh -c '
		umount /proc/keys 2>/dev/null && echo uncovered
		umount /secret 2>/dev/null; umount -l /secret 2>/dev/null; cat /secret/file 2>/dev/null
		mount -o remount,bind,rw /view 2>/dev/null; touch /view/x 2>/dev/null && echo written
		mount --bind /view /tmp && mount -o remount,bind,rw /tmp 2>/dev/null
		touch /tmp/below/x 2>/dev/null && echo written; true'
	echo "$output"
	[[ $output != *written* && $output != *uncovered* && $output != *secret* ]]
	[ -z "$(find "$T/view" -name x)" ]
}

@test "sys_admin and no filter: that its own masks can be undone is said, once" {
	run -0 --separate-stderr "$HOLM" box --user root --cap sys_admin --seccomp none -- true
	echo "$stderr"
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == *"note:"*"undo its masks"* ]]
	run -0 --separate-stderr "$HOLM" box --user root --cap sys_admin -- true
	[ "$stderr" = "" ]
}

# bats test_tags=quick
@test "options of a bind: noexec, optional, suid" {
	fill
	cp /bin/true "$dir/prog"
	chmod 755 "$dir/prog"
	inside --ro-bind "$dir:/s" -- /bin/sh -c '/s/prog && echo runs'
	[ "$output" = runs ]
	inside --ro-bind "$dir:/s:noexec" -- /bin/sh -c '/s/prog && echo runs'
	[[ $output == *"Permission denied"* && $output != *runs* ]]
	inside --ro-bind "$T/none:/s:optional" --ro-bind "$dir:/t:optional" -- ls -d /s /t
	[[ $output == *"'/s': No such file"* && $output == *$'\n/t' ]]
	inside --ro-bind "$dir:/s:suid" --ro-bind "$dir:/t" -- sh -c 'grep -E " /(s|t) " /proc/self/mountinfo | cut -d " " -f 5,6'
	[[ $output != */s*nosuid*/t* && $output == */t*nosuid* ]]
}

@test "option --dev-bind: device nodes work; --bind: they do not" {
	run -0 "$HOLM" box --dev-bind /dev/null:/n --bind /dev/zero:/z -- \
		sh -c 'echo x >/n && echo ok; head -c 1 /z || echo refused'
	[[ $output == ok*refused ]]
}

@test "idmapped: files of the host's ids show as the box's, and the other way round" {
	need_root
	mkdir "$T/d"
	echo x >"$T/d/f"
	chmod 700 "$T/d"
	# A tmpfs can be idmapped since Linux 6.3, other file systems earlier or never.
	run "$HOLM" box --map-users 0:100000:65536 --map-groups 0:100000:65536 --bind "$T/d:/d:idmap" -- true
	[[ $output != *"can this file system be idmapped"* ]] || skip "needs a file system that can be idmapped"
	run "$HOLM" box --user 1000 --map-users 0:100000:65536 --map-groups 0:100000:65536 \
		--bind "$T/d:/d:idmap" --user root -- sh -c 'stat -c %u:%g /d/f; touch /d/new'
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = 0:0 ]
	[ "$(stat -c %u:%g "$T/d/new")" = 0:0 ]
	run "$HOLM" box --map-users 0:100000:65536 --map-groups 0:100000:65536 \
		--bind "$T/d:/d" --user root -- ls /d
	[[ $output == *"Permission denied"* ]]
}

@test "idmapped binds are refused to an ordinary user, with words" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	refused 125 "idmap needs CAP_SYS_ADMIN" --bind /usr:/x:idmap -- true
}

# ---- fresh file systems ----

# bats test_tags=quick
@test "option --tmpfs: size and mode" {
	inside --tmpfs /t:size=1m:mode=1700 -- sh -c 'stat -c "%a %F" /t; head -c 2000000 /dev/zero >/t/x; stat -c %s /t/x'
	[ "${lines[0]}" = "1700 directory" ]
	[[ $output == *"No space left"*$'\n'1048576 ]]
	inside --tmpfs /usr/share -- ls -A /usr/share
	[ "$output" = "" ]
}

# bats test_tags=quick
@test "option --dir, --symlink, --file" {
	echo "from a file" >"$T/f"
	run -0 "$HOLM" box --dir /a/b:700 --symlink /tmp:/a/link --file /a/text='one=two
three' --file "/a/copy=@$T/f" --file /a/fd=fd:5 -- sh -c '
		stat -c %a /a/b; readlink /a/link; cat /a/text; echo; cat /a/copy /a/fd; stat -c %a /a/text
		echo x >>/a/copy || echo refused' 5< <(echo "from a descriptor")
	echo "$output"
	[ "$(head -6 <<<"$output")" = $'700\n/tmp\none=two\nthree\nfrom a file\nfrom a descriptor' ]
	[ "$(tail -1 <<<"$output")" = refused ]
	[ "$(cat "$T/f")" = "from a file" ]
}

# bats test_tags=quick
@test "option --file over a default file, --mask, --remount-ro" {
	run -0 "$HOLM" box --file "/etc/passwd=me:x:0:0::/:/bin/sh" --mask /usr/share --mask /etc/hosts \
		--remount-ro /tmp -- sh -c 'cat /etc/passwd; echo; ls -A /usr/share; cat /etc/hosts; touch /tmp/x || echo ro'
	echo "$output"
	[[ $output == me:x:0:0::/:/bin/sh$'\n'*ro ]]
	[[ $output != *localhost* && $output != *zoneinfo* ]]
}

# bats test_tags=quick
@test "option --proc: read-only and masked; full: neither" {
	run -0 "$HOLM" box --user root --cap sys_admin --proc /p/ --proc /q:full -- sh -c '
		cat /p/self/comm; echo x >/p/sys/kernel/domainname; echo full >/q/sys/kernel/domainname
		cat /p/sys/kernel/domainname; ls /q | grep -c "^[0-9]"'
	echo "$output"
	[ "${lines[0]}" = cat ]
	[[ $output == *"Read-only"* && $output == *$'\nfull\n'* ]]
}

# bats test_tags=quick
@test "option --dev and --mqueue at another place" {
	run -0 "$HOLM" box --dev /d --mqueue /q -- sh -c 'echo x >/d/null && ls /d | wc -l; touch /q/holm-queue; ls /dev/mqueue'
	[ "$output" = $'14\nholm-queue' ]
}

# ---- overlays ----

layers()
{
	mkdir -p "$T/low1" "$T/low2"
	echo one >"$T/low1/a"
	echo two >"$T/low2/a"
	echo two >"$T/low2/b"
}

# bats test_tags=quick
@test "option --overlay: the first layer is on top, changes are thrown away" {
	layers
	run -0 "$HOLM" box --overlay "$T/low1:$T/low2:/o" -- sh -c 'cat /o/a /o/b; echo x >/o/a; rm /o/b; cat /o/a; ls /o'
	[ "$output" = $'one\ntwo\nx\na' ]
	[ "$(cat "$T/low1/a" "$T/low2/a" "$T/low2/b" | tr '\n' ' ')" = "one two two " ]
}

@test "option --overlay: twenty layers" {
	local i layers=

	for ((i = 0; i < 20; i++)); do
		mkdir "$T/layer$i"
		echo "$i" | tee "$T/layer$i/own$i" >"$T/layer$i/same"
		layers+=:$T/layer$i
	done
	run "$HOLM" box --overlay "${layers#:}:/o" -- sh -c 'ls /o | wc -l; cat /o/same /o/own19'
	[[ $output != *"need Linux 6.5"* ]] || skip "needs Linux 6.5"
	[ "$status:$output" = $'0:21\n0\n19' ]
}

@test "option --overlay keep=DIR: changes are kept, and found again" {
	layers
	mkdir "$T/keep"
	run -0 "$HOLM" box --overlay "$T/low1:/o:keep=$T/keep" -- sh -c 'echo kept >/o/new; rm /o/a'
	run -0 "$HOLM" box --overlay "$T/low1:/o:keep=$T/keep" -- sh -c 'ls /o; cat /o/new'
	[ "$output" = $'new\nkept' ]
	[ "$(ls "$T/low1")" = a ]
}

@test "option --overlay ro: with one layer and with two" {
	layers
	run -0 "$HOLM" box --user root --overlay "$T/low1:$T/low2:/o:ro" -- sh -c 'cat /o/b; touch /o/x || echo ro'
	[[ $output == two*ro ]]
	run -0 "$HOLM" box --user root --overlay "$T/low1:/o:ro" -- sh -c 'cat /o/a; touch /o/x || echo ro'
	[[ $output == one*ro ]]
}

@test "option --overlay with colons and commas in the names" {
	mkdir "$T/a:b,c=d"
	echo x >"$T/a:b,c=d/f"
	run -0 "$HOLM" box --overlay "$T/a\\:b,c=d:/o" -- cat /o/f
	[ "$output" = x ]
}

@test "option --overlay as an ordinary user" {
	layers
	run -0 as_user "$HOLM" box --overlay "$T/low1:$T/low2:/o" -- sh -c 'echo x >/o/new; ls /o'
	[ "$output" = $'a\nb\nnew' ]
}

# ---- order and parents ----

# bats test_tags=quick
@test "mounts are made in the order given, the later on top" {
	fill
	inside --ro-bind "$dir:/s" --tmpfs /s/sub --dir /s/sub/x -- ls /s/sub /s
	[ "$output" = $'/s:\nfile\nsub\n\n/s/sub:\nx' ]
	inside --tmpfs /s --ro-bind "$dir/file:/s/deep/er/f" -- sh -c 'cat /s/deep/er/f; ls /s'
	[ "$output" = $'content\ndeep' ]
	[ "$(ls "$dir/sub")" = "" ]
}

@test "a place that is missing in a read-only bind is not made on the host" {
	fill
	run "$HOLM" box --ro-bind "$dir:/s" --tmpfs /s/new -- true
	[ "$status" = 125 ]
	[ ! -e "$dir/new" ]
}

@test "a host with a thousand mounts" {
	need_root
	mkdir "$T/m"
	# shellcheck disable=SC2016
	run -0 unshare -m sh -c 'i=0; mount -t tmpfs m "$1"; while [ $i -lt 1000 ]; do
			mkdir "$1/$i"; i=$((i + 1)); done
		python3 -c "
import ctypes, sys
c = ctypes.CDLL(None)
sys.exit(any(c.mount(b\"n\", b\"%s/%d\" % (sys.argv[1].encode(), i), b\"tmpfs\", 0, None) for i in range(1000)))" "$1" &&
		grep -c "$1/" /proc/self/mountinfo && exec "$2" box -- grep -c . /proc/self/mountinfo' sh "$T/m" "$HOLM"
	[ "${lines[0]}" = 1000 ]
	[ "${lines[1]}" -lt 60 ]
}

# ---- shared mount namespace ----

@test "option --share mnt: the caller's own tree, but without a right to it" {
	echo x >"$T/f"
	run -0 "$HOLM" box --user root --share mnt -- \
		sh -c 'cat "$0"; umount /proc; mount -t tmpfs n /mnt; exit 0' "$T/f"
	[ "${lines[0]}" = x ]
	[[ $output == *"must be superuser"* && $output == *"permission denied"* ]]
}
