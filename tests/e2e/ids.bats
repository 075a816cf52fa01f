#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Users and groups: who the command is inside, and what that is outside.

load helpers

# id_maps: the maps of MAIN, blanks squeezed
id_maps()
{
	tr -s ' ' <"/proc/$MAIN/uid_map"
	tr -s ' ' <"/proc/$MAIN/gid_map"
}

# bats test_tags=quick
@test "default: the caller's own ids, one of each" {
	run -0 "$HOLM" box -- sh -c 'id -u; id -g; id -G'
	[ "$output" = "$(id -u; id -g; id -g)" ]
	as_user_words
	PREFIX=("${AS_USER[@]}")
	start_box -- sleep 1000
	u=$(user_id)
	[ "$(id_maps | head -1)" = " $u $u 1" ]
	end_box
}

# bats test_tags=quick
@test "option --user root, UID, UID:GID" {
	run -0 as_user "$HOLM" box --user root -- sh -c 'id -u; id -g; cat /proc/self/setgroups'
	[ "$output" = $'0\n0\ndeny' ]
	run -0 as_user "$HOLM" box --user 7 -- sh -c 'id -u; id -g'
	[ "$output" = $'7\n7' ]
	run -0 as_user "$HOLM" box --user 7:8 -- sh -c 'id -u; id -g; id -un'
	[ "$output" = $'7\n8\nuser' ]
}

# bats test_tags=quick
@test "the caller's other groups give no right inside where they can be dropped" {
	need_root
	mkdir -m 750 "$T/grouped"
	chgrp 4242 "$T/grouped"
	echo x >"$T/grouped/f"
	run -0 setpriv --groups=4242,4243 "$HOLM" box -- id -G
	[ "$output" = 0 ]
	# For an ordinary user the kernel forbids it; the group stays and shows as nobody's.
	run -0 setpriv --reuid="$USER_ID" --regid="$USER_ID" --groups=4242 \
		"$HOLM" box -- sh -c 'id -G; cat /proc/self/setgroups'
	[ "$output" = "$USER_ID 65534"$'\ndeny' ]
}

@test "option --map-users and --map-groups as root" {
	need_root
	start_box --map-users 0:100000:65536 --map-groups 0:200000:1000 --map-groups 5000:300000:1 --user 33:33 -- \
		sh -c 'id -u; id -g; touch /tmp/x; stat -c %u:%g /tmp/x; exec sleep 1000'
	[ "$(id_maps)" = $' 0 100000 65536\n 0 200000 1000\n 5000 300000 1' ]
	eventually has_line "$T/out" 33:33
	[ "$(awk '/^[UG]id/ {print $2}' "/proc/$MAIN/status" | tr '\n' ' ')" = "100033 200033 " ]
	end_box
}

@test "without --user the command is the first id of the map, never an unmapped one" {
	need_root
	run -0 "$HOLM" box --map-users 5:100000:10 --map-groups 6:100000:10 -- sh -c 'id -u; id -g'
	[ "$output" = $'5\n6' ]
	run -0 "$HOLM" box --map-users 5:0:1 --map-groups 6:0:1 -- sh -c 'id -u; id -g'
	[ "$output" = $'5\n6' ]
}

@test "a root that is not mapped to the host's owns nothing of the host" {
	need_root
	mkdir -m 755 "$T/d"
	echo x >"$T/d/f"
	run "$HOLM" box --map-users 0:100000:65536 --map-groups 0:100000:65536 --user root \
		--cap dac_override,fowner,chown --bind "$T/d:/d" -- sh -c 'stat -c %u /d/f; rm -f /d/f; echo y >/d/f; id -u'
	[ "${lines[0]}" = 65534 ]
	[ "${lines[-1]}" = 0 ]
	[ "$(cat "$T/d/f")" = x ]
}

@test "option --map-auto as root needs a range too, and uses it" {
	need_root
	[ -e /etc/subuid ] || skip "needs /etc/subuid"
	echo "root:3000000:65536" >"$T/subid"
	# shellcheck disable=SC2016
	PREFIX=(unshare -m sh -c 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"' "$T/subid")
	start_box --map-auto -- sleep 1000
	id_maps
	[ "$(id_maps | head -2)" = $' 0 0 1\n 1 3000000 65536' ]
	end_box
	: >"$T/subid"
	refused 125 "has no range for root" --map-auto -- true
}

@test "option --map-auto: several ranges, around the caller's own place" {
	need_root
	need newuidmap
	[ -e /etc/subuid ] || skip "needs /etc/subuid"
	(cat /etc/passwd; echo "holmtest:x:$USER_ID:$USER_ID::/:/bin/sh") >"$T/passwd"
	printf 'other:1:5\nholmtest:2000000:100\n%s:2500000:100000\n' "$USER_ID" >"$T/subid"
	as_user_words
	# shellcheck disable=SC2016
	PREFIX=(unshare -m sh -c 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/subid" /etc/subuid &&
		mount --bind "$0/subid" /etc/subgid && exec "$@"' "$T" "${AS_USER[@]}")
	start_box --map-auto -- sleep 1000
	u=$USER_ID
	sort -n "/proc/$MAIN/uid_map" | tr -s ' '
	[ "$(sort -n "/proc/$MAIN/uid_map" | tr -s ' ')" = " 0 2000000 100
 100 2500000 $((u - 100))
 $u $u 1
 $((u + 1)) $((2500000 + u - 100)) $((100000 - u + 100))" ]
	end_box
	rm "$T/info" "$T/status"
	start_box --map-users 0:2000000:50 --map-groups 0:2000000:50 --user 3:3 -- sleep 1000
	[ "$(awk '/^[UG]id/ {print $2}' "/proc/$MAIN/status" | tr '\n' ' ')" = "2000003 2000003 " ]
	end_box
	refused 125 "are not yours to map" --map-users 0:2000000:101 --map-groups 0:2000000:10 -- true
}

@test "option --share user: the caller's own ids, no right, and --user is refused where it cannot be" {
	need_root
	run -0 "$HOLM" box --share user -- sh -c 'awk "/^Cap[PEA]/ {print \$2}" /proc/self/status | sort -u; id -u; tr -s " " </proc/self/uid_map'
	[ "$output" = $'0000000000000000\n0\n 0 0 4294967295' ]
	run -0 "$HOLM" box --share user --user 1234:1235 -- sh -c 'id -u; id -G'
	[ "$output" = $'1234\n1235' ]
	PREFIX=(setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups)
	refused 125 "Operation not permitted" --share user -- true
}

@test "a set-user-id program gains nothing" {
	need_root
	cp /usr/bin/id "$T/suid-id"
	chown 0 "$T/suid-id"
	chmod 4755 "$T/suid-id"
	run -0 as_user "$HOLM" box --ro-bind "$T/suid-id:/suid-id:suid" -- /suid-id -u
	[ "$output" = "$USER_ID" ]
	run -0 as_user "$HOLM" box --allow-new-privs --ro-bind "$T/suid-id:/suid-id:suid" -- /suid-id -u
	[ "$output" = "$USER_ID" ]
	run -0 as_user "$HOLM" box -- sh -c 'grep NoNewPrivs /proc/self/status | cut -f 2'
	[ "$output" = 1 ]
}

@test "option --allow-new-privs: a set-user-id program becomes another id of the box" {
	need_root
	cp /usr/bin/id "$T/suid-id"
	chown 100005:100005 "$T/suid-id"
	chmod 4755 "$T/suid-id"
	many=(--map-users 0:100000:100 --map-groups 0:100000:100 --user 7:7)
	run -0 "$HOLM" box "${many[@]}" --allow-new-privs --ro-bind "$T/suid-id:/suid-id:suid" -- /suid-id -u
	[ "$output" = 5 ]
	run -0 "$HOLM" box "${many[@]}" --ro-bind "$T/suid-id:/suid-id:suid" -- /suid-id -u
	[ "$output" = 7 ]
	run -0 "$HOLM" box "${many[@]}" --allow-new-privs --ro-bind "$T/suid-id:/suid-id" -- /suid-id -u
	[ "$output" = 7 ]
}
