#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman and buildah with holm-oci as an ordinary user. He exists in a mount namespace alone, whose
# /etc/passwd, /etc/subuid and /etc/subgid know him; a process that sleeps holds it.
# serial: cgroups and namespaces of the machine

load podman

USER_ID=57893 # nobody's
RANGE=400000

setup_file() {
	engine_setup_file
	podman_config "$D/user" 10.213.79.0/24
	podman_user_can || return 0
	# What he runs has to be where he can reach it.
	cp "$OCI" "$D/holm-oci"
	chmod 755 "$D/holm-oci"
	sed -i "s|\"$OCI\"|\"$D/holm-oci\"|" "$CONTAINERS_CONF"
	install -d -o $USER_ID -g $USER_ID "$D/user/home/.config/containers" "$D/user/run-user"
	mv "$CONTAINERS_CONF" "$CONTAINERS_STORAGE_CONF" "$D/user/home/.config/containers"
	# For slirp4netns and fuse-overlayfs, which he may use on most machines.
	mknod -m 666 "$D/tun" c 10 200
	mknod -m 666 "$D/fuse" c 10 229
	chown -R $USER_ID:$USER_ID "$D/user"
	{ cat /etc/passwd; echo "holmtest:x:$USER_ID:$USER_ID::$D/user/home:/bin/sh"; } >"$D/passwd"
	{ cat /etc/group; echo "holmtest:x:$USER_ID:"; } >"$D/group"
	echo "holmtest:$RANGE:65536" >"$D/subid"
	unshare -m --propagation private sh -c 'cd "$0" && mount --bind passwd /etc/passwd && mount --bind group /etc/group &&
		mount --bind subid /etc/subuid && mount --bind subid /etc/subgid && mount --make-rshared / &&
		{ mount --bind tun /dev/net/tun; mount --bind fuse /dev/fuse; touch ready; } && exec sleep 1000' "$D" 3>&- &
	echo $! >"$D/holder.pid"
	eventually test -e "$D/ready"
	tar -C "$D/rootfs" -c . | user podman import - localhost/bb >"$D/import.log" 2>&1 || :
}

podman_user_can() {
	podman_can && have newuidmap && have_subid
}

teardown_file() {
	if [ -e "$D/holder.pid" ]; then
		user podman pod rm --all --force --time 0 >/dev/null 2>&1
		user podman rm --all --force --time 0 >/dev/null 2>&1
		# podman's pause process, which holds the user namespace
		end_daemon "$D/user/tmp/pause.pid"
		end_daemon "$D/holder.pid"
	fi
	engine_teardown_file
}

setup() {
	need_root
	need podman conmon jq newuidmap
	need_subid
	user podman image exists localhost/bb || skip "podman does not work as a user here: $(tail -n 1 "$D/import.log")"
}

teardown() {
	local id ids code=0

	ids=$(user podman ps --all --quiet --no-trunc 2>/dev/null)
	user podman pod rm --all --force --time 0 >/dev/null 2>&1 || :
	user podman rm --all --force --time 0 >/dev/null 2>&1 || :
	for id in $ids; do
		nothing_of "$id" || code=1
	done
	return $code
}

# user COMMAND...: as the user, in his mount namespace
user() {
	timeout 60 nsenter --target "$(cat "$D/holder.pid")" --mount --wdns="$D/user/home" \
		setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups --inh-caps=-all -- \
		env -i PATH="$PATH" HOME="$D/user/home" XDG_RUNTIME_DIR="$D/user/run-user" "$@"
}

# The words in podman.bash run podman by this.
pod() {
	user podman "$@"
}

@test "podman as a user: output, exit codes, id maps" {
	run -5 once localhost/bb sh -c 'id -u; tr -s " " </proc/self/uid_map; exit 5'
	[ "$output" = "0
 0 $USER_ID 1
 1 $RANGE 65536" ]
	run -127 once localhost/bb nosuch
	run -126 once localhost/bb /etc
	[ "$(once --user 7:8 localhost/bb sh -c 'id -u; id -g' | tr '\n' ' ')" = "7 8 " ]
	[ "$(once --userns keep-id localhost/bb id -u)" = $USER_ID ]
	[ "$(once --userns auto:size=999 localhost/bb sh -c 'tr -s " " </proc/self/uid_map | cut -d " " -f 4')" = 999 ]
}

@test "podman as a user: exec, logs, cp, top, a terminal, stop, kill" {
	pod run -d --name one --network none localhost/bb sh -c 'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.1; done' >/dev/null
	[ "$(pod exec -u 7 one id -u)" = 7 ]
	run -9 pod exec one sh -c 'exit 9'
	run -127 pod exec one nosuch
	pod exec one sh -c 'echo back >/tmp/back'
	pod cp one:/tmp/back "$D/user/home/back"
	[ "$(cat "$D/user/home/back")" = back ]
	pod top one | grep -q 'sleep 0.1\|while'
	pod stop -t 10 one
	[ "$(pod logs one | tr '\n' ' ')" = "hello bye " ]
	[ "$(pod inspect -f '{{.State.ExitCode}}' one)" = 3 ]
	pod start one
	pod kill one
	[ "$(pod wait one)" = 137 ]
	run -3 once -t localhost/bb sh -c 'test -t 0 && echo tty; exit 3'
	[ "${output%$'\r'}" = tty ]
}

@test "podman as a user: options, seen from inside" {
	run -0 once --read-only --tmpfs /t:size=1m --shm-size 2m --group-add 55 --hostname name --init localhost/bb sh -c '
		! touch /x 2>/dev/null && touch /t/x && df -k /t /dev/shm | awk "NR > 1 {print \$2}"; id -G; hostname'
	[ "$(echo "$output" | tr '\n' ' ')" = "1024 2048 0 55 name " ]
	[ "$(once localhost/bb sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 2 ]
	[ "$(once --cap-drop all localhost/bb sed -n 's/^CapEff:\t//p' /proc/self/status)" = 0000000000000000 ]
	[ "$(once --pid host localhost/bb readlink /proc/self/ns/pid)" = "$(ns_of self pid)" ]
	[ "$(once --cgroups disabled localhost/bb echo yes)" = yes ]
	run -0 once --privileged localhost/bb mount -t tmpfs none /tmp
	mkdir "$D/user/home/vol" && chown $USER_ID:$USER_ID "$D/user/home/vol"
	once -v "$D/user/home/vol:/v" localhost/bb touch /v/mine
	[ "$(stat -c %u "$D/user/home/vol/mine")" = $USER_ID ]
	once --user 7 -v "$D/user/home/vol:/v:U" localhost/bb touch /v/other
	[ "$(stat -c %u "$D/user/home/vol/other")" = $((RANGE + 6)) ]
}

@test "podman as a user: slirp4netns, a published port" {
	need slirp4netns curl
	[ -e /dev/net/tun ] || skip "needs /dev/net/tun"
	pod run -d --name one --network slirp4netns -p 127.0.0.1:18980:80 localhost/bb sh -c 'mkdir /w; echo yes >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null
	eventually sh -c '[ "$(curl -s -m 2 http://127.0.0.1:18980/)" = yes ]'
	pod exec one ip -4 addr show tap0 | grep -q 'inet 10.0.2.'
}

@test "podman as a user: a pod" {
	have catatonit || [ -x /usr/libexec/podman/catatonit ] || skip "needs catatonit"
	pod pod create --name group --network none >/dev/null
	long one --pod group
	long two --pod group
	[ "$(pod exec one readlink /proc/self/ns/net)" = "$(pod exec two readlink /proc/self/ns/net)" ]
	pod pod stop -t 5 group
}

@test "podman as a user: the storage driver overlay, with fuse-overlayfs" {
	need fuse-overlayfs
	[ -e /dev/fuse ] || skip "needs /dev/fuse"
	fuse() {
		user podman --root "$D/user/fuse" --runroot "$D/user/fuse-run" --storage-driver overlay \
			--storage-opt overlay.mount_program=/usr/bin/fuse-overlayfs "$@"
	}
	tar -C "$D/rootfs" -c . | fuse import - localhost/bb >/dev/null 2>&1
	run -4 fuse run --rm --network none localhost/bb sh -c 'grep -c "^fuse-overlayfs / fuse.fuse-overlayfs" /proc/mounts; touch /x; exit 4'
	[ "$output" = 1 ]
}

@test "buildah as a user: run and bud with --isolation oci" {
	need buildah
	local c

	c=$(user buildah from localhost/bb)
	run -0 --separate-stderr user buildah run --runtime "$D/holm-oci" --isolation oci --network none "$c" sh -c 'echo made >/made; id -u'
	[ "$output" = 0 ]
	[ "$(user buildah run --runtime "$D/holm-oci" --isolation oci --network none "$c" cat /made)" = made ]
	user buildah rm "$c" >/dev/null
	printf 'FROM localhost/bb\nRUN echo built >/built\nUSER 7\nRUN id -u >/tmp/who\nCMD cat /built /tmp/who\n' >"$D/user/home/Dockerfile"
	user buildah bud --runtime "$D/holm-oci" --isolation oci --network none -q -t built -f "$D/user/home/Dockerfile" "$D/user/home" >/dev/null
	[ "$(once built | tr '\n' ' ')" = "built 7 " ]
}
