#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman and buildah with holm-oci. All their state lies below a directory of the test's own.
# serial: bridges and iptables rules of the machine

load podman

@test "podman run: output, exit code, user, environment" {
	run -5 pod run --rm --network none -e A=b --user 7 localhost/bb sh -c 'echo $A $(id -u); exit 5'
	[ "$output" = "b 7" ]
	run -127 pod run --rm --network none localhost/bb nosuch
	run -126 pod run --rm --network none localhost/bb /etc
}

@test "podman: exec, logs, stop, inspect" {
	pod run -d --name one --network none localhost/bb sh -c 'trap "echo bye; exit 3" TERM; echo hello; while :; do sleep 0.1; done'
	[ "$(called "$(podman inspect one | jq '.[0].State.Pid')")" = "one podman" ]
	[ "$(pod exec one echo yes)" = yes ]
	run -9 pod exec one sh -c 'exit 9'
	run -127 pod exec one nosuch
	pod stop -t 10 one
	[ "$(pod logs one | tr '\n' ' ')" = "hello bye " ]
	[ "$(podman inspect one | jq '.[0].State.ExitCode')" = 3 ]
	[ "$(podman inspect one | jq -r '.[0].OCIRuntime')" = holm-oci ]
	# Without containers.conf the path is enough.
	[ "$(pod --runtime "$OCI" run --rm --network none localhost/bb echo yes)" = yes ]
}

@test "podman: pause, unpause, stats, top, kill" {
	pod run -d --name one --network none localhost/bb sleep 100
	pod pause one
	[ "$(podman inspect one | jq -r '.[0].State.Status')" = paused ]
	pod unpause one
	pod stats --no-stream --format json one | jq -e '.[0].name == "one"'
	pod top one | grep -q 'sleep 100'
	pod kill --signal KILL one
	[ "$(pod wait one)" = 137 ]
}

@test "podman: limits are in force" {
	run -0 pod run --rm --network none --memory 64m --pids-limit 33 --cpus 0.5 localhost/bb true
	[ -d /sys/fs/cgroup/pids ] || skip "needs the v1 controller pids"
	pod run -d --name one --network none --pids-limit 33 localhost/bb sleep 100
	find /sys/fs/cgroup/pids -path "*$(podman inspect one | jq -r '.[0].Id')*" -name pids.max -exec cat {} + | grep -qx 33
}

@test "podman: a bridge, a published port" {
	need netavark curl
	pod run -d --name one -p 127.0.0.1:18977:80 localhost/bb sh -c 'mkdir /w; echo yes >/w/index.html; exec httpd -f -p 80 -h /w'
	eventually sh -c '[ "$(curl -s -m 2 http://127.0.0.1:18977/)" = yes ]'
	pod exec one ip -4 addr show eth0 | grep -q 'inet 10.213.77.'
}

@test "podman: a terminal" {
	pod run -d --name one --network none -t localhost/bb sh -c 'test -t 0 && echo tty; sleep 100'
	eventually sh -c 'podman logs one | grep -q tty'
}

@test "podman: id maps, read-only, tmpfs, volumes, privileged" {
	run -0 pod run --rm --network none --read-only --tmpfs /t localhost/bb sh -c 'touch /t/x; ! touch /x 2>/dev/null'
	mkdir -p "$D/vol" && echo yes >"$D/vol/file"
	[ "$(pod run --rm --network none -v "$D/vol:/v:ro" localhost/bb cat /v/file)" = yes ]
	[ "$(pod run --rm --network none --uidmap 0:100000:1000 --gidmap 0:100000:1000 localhost/bb sh -c \
		'tr -s " " </proc/self/uid_map')" = " 0 100000 1000" ]
	run -0 pod run --rm --network none --privileged localhost/bb true
}

@test "podman: healthcheck" {
	pod run -d --name one --network none --health-cmd 'test -e /ok' --health-interval disable localhost/bb sleep 100
	run -1 pod healthcheck run one
	pod exec one touch /ok
	run -0 pod healthcheck run one
}

@test "buildah: run and commit" {
	need buildah
	local c
	c=$(buildah from scratch)
	tar -C "$D/rootfs" -c . | buildah add "$c" - / >/dev/null 2>&1 || buildah add "$c" "$D/rootfs" / >/dev/null
	run -0 --separate-stderr timeout 30 buildah run --runtime "$OCI" --isolation oci "$c" sh -c 'echo made >/made; echo yes'
	[ "$output" = yes ]
	run -4 timeout 30 buildah run --runtime "$OCI" --isolation oci "$c" sh -c 'exit 4'
	[ "$(cat "$(buildah mount "$c")/made")" = made ]
	buildah umount "$c" >/dev/null
	buildah rm "$c" >/dev/null
}
