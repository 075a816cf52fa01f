#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What podman's options do, seen from inside and from the host.
# serial: cgroups and namespaces of the machine

load podman

@test "podman run: read-only, tmpfs, shm, ulimit, groups, umask, host name, directory" {
	run -0 once --read-only --tmpfs /t:size=1m --shm-size 2m --ulimit nofile=77:88 --ulimit nproc=999 --group-add 55 --umask 0027 --hostname name \
		-w /tmp -e A=b localhost/bb sh -c '
		! touch /x 2>/dev/null && touch /t/x && df -k /t /dev/shm | awk "NR > 1 {print \$2}"
		ulimit -n; ulimit -Hn; id -G; umask; hostname; pwd; echo $A $container'
	[ "$(echo "$output" | tr '\n' ' ')" = "1024 2048 77 88 0 55 0027 name /tmp b podman " ]
}

@test "podman run: input, terminal, exit codes" {
	[ "$(echo given | once -i localhost/bb cat)" = given ]
	run -3 once -t localhost/bb sh -c 'test -t 0 && echo tty; exit 3'
	[ "${output%$'\r'}" = tty ]
	need script
	run -5 timeout 30 script -qec "stty rows 33 cols 101; podman run --rm -it --network none localhost/bb sh -c 'sleep 0.3; stty size; exit 5'" /dev/null
	[[ $output == *"33 101"* ]]
	run -126 once localhost/bb /etc
	run -127 once localhost/bb nosuch
	run -125 once --nosuch localhost/bb true
	# The time is over: podman's own end of it.
	run once --timeout 1 localhost/bb sleep 20
	[ "$status" -ne 0 ]
}

@test "podman run --init" {
	have catatonit || [ -x /usr/libexec/podman/catatonit ] || skip "needs catatonit"
	long one --init
	[ "$(pod exec one readlink /proc/1/exe)" != "$(pod exec one readlink /proc/self/exe)" ]
	pod exec one grep -q init /proc/1/comm
	# It reaps what its child has left.
	pod exec one sh -c '(sleep 0.1 &)'
	sleep 0.3
	run -1 pod exec one sh -c 'grep -l "State:.Z" /proc/[0-9]*/status'
}

@test "podman run: namespaces of the host and of another container" {
	local one

	long one --ipc shareable
	one=$(field one '{{.State.Pid}}')
	[ "$(once --pid host localhost/bb readlink /proc/self/ns/pid)" = "$(ns_of self pid)" ]
	[ "$(once --ipc host localhost/bb readlink /proc/self/ns/ipc)" = "$(ns_of self ipc)" ]
	[ "$(once --uts host localhost/bb readlink /proc/self/ns/uts)" = "$(ns_of self uts)" ]
	[ "$(once --cgroupns host localhost/bb readlink /proc/self/ns/cgroup)" = "$(ns_of self cgroup)" ]
	[ "$(pod run --rm --network host localhost/bb readlink /proc/self/ns/net)" = "$(ns_of self net)" ]
	[ "$(pod run --rm --network container:one --ipc container:one --pid container:one localhost/bb \
		sh -c 'for n in net ipc pid; do readlink /proc/self/ns/$n; done')" = "$(ns_of "$one" net; ns_of "$one" ipc; ns_of "$one" pid)" ]
}

@test "podman run --userns auto, by a range of /etc/subuid" {
	need_subid
	echo containers:300000:200000 >"$D/subid"
	in_private() {
		unshare -m --propagation private sh -c 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"' \
			"$D/subid" timeout 30 podman run --rm --network none --userns "$1" localhost/bb sh -c 'tr -s " " </proc/self/uid_map; touch /x && stat -c %u /x'
	}
	[ "$(in_private auto:size=3000 | tr '\n' ' ')" = " 0 300000 3000 0 " ]
	[[ $(in_private auto) == " 0 300000 "* ]]
}

@test "podman run --cgroups disabled, no-conmon, split; --cgroup-parent" {
	[ "$(once --cgroups disabled --cgroupns host localhost/bb cat /proc/self/cgroup)" = "$(cat /proc/self/cgroup)" ]
	long one --cgroups no-conmon --pids-limit 33
	[ "$(cg_file pids "libpod-$(field one '{{.Id}}')" pids.max)" = 33 ]
	long two --cgroup-parent "/holm-podman-$$" --memory 64m
	[ "$(cg_file memory "holm-podman-$$/libpod-$(field two '{{.Id}}')" memory.limit_in_bytes memory.max)" = $((64 << 20)) ]
	pod rm -f -t 0 two
	eventually remove_cgroup "holm-podman-$$" # conmon is in it too, and ends after its container
	run pod run --rm --network none --cgroups split localhost/bb echo yes
	# podman itself knows "split" on cgroup v2 only.
	[ "$output" = yes ] || [[ $output == *cgroup* ]]
}

@test "podman: update, limits in the cgroup, the end for want of memory" {
	local id

	long one --memory 64m --pids-limit 33 --cpus 0.5
	id=libpod-$(field one '{{.Id}}')
	[ "$(cg_file memory "$id" memory.limit_in_bytes memory.max)" = $((64 << 20)) ]
	[[ $(cg_file cpu "$id" cpu.cfs_quota_us cpu.max) == "50000"* ]]
	if podman update --help >/dev/null 2>&1; then
		pod update --memory 96m --memory-swap 96m --cpus 0.25 one
		[ "$(cg_file memory "$id" memory.limit_in_bytes memory.max)" = $((96 << 20)) ]
		[[ $(cg_file cpu "$id" cpu.cfs_quota_us cpu.max) == "25000"* ]]
		[ "$(cg_file pids "$id" pids.max)" = 33 ]
	fi
	pod run --name two --network none --memory 8m --memory-swap 8m localhost/bb dd if=/dev/zero of=/dev/null bs=64M count=1 || [ $? = 137 ]
	# (Whether podman calls that OOMKilled depends on its conmon and the layout of cgroups.)
	[ "$(field two '{{.State.ExitCode}}')" = 137 ]
}

@test "podman run --mount of each type, -v with its options" {
	mkdir -p "$D/vol/sub" && echo yes >"$D/vol/file"
	run -0 once --mount "type=bind,src=$D/vol,dst=/b,ro" --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0700 \
		--mount type=volume,src=v1,dst=/vol --mount type=devpts,dst=/pts --mount type=image,src=localhost/bb,dst=/img localhost/bb sh -c '
		cat /b/file; touch /b/x 2>/dev/null || echo ro; stat -c %a /t; touch /vol/kept; ls /pts/ptmx; test -x /img/bin/sh && echo img'
	[ "$(echo "$output" | tr '\n' ' ')" = "yes ro 700 /pts/ptmx img " ]
	[ "$(once -v v1:/vol:ro localhost/bb sh -c 'ls /vol; touch /vol/x 2>/dev/null || echo ro' | tr '\n' ' ')" = "kept ro " ]
	# noexec, and with :O an overlay of its own over the directory
	run -126 once -v "$(dirname "$BUSYBOX"):/b:noexec" localhost/bb "/b/$(basename "$BUSYBOX")" true
	once -v "$D/vol:/v:O" localhost/bb sh -c 'echo other >/v/file; test "$(cat /v/file)" = other'
	[ "$(cat "$D/vol/file")" = yes ]
	# :U gives it to the container's user, idmap maps it
	[ "$(once --user 7:8 -v v2:/v:U localhost/bb sh -c 'touch /v/x && stat -c %u:%g /v/x')" = 7:8 ]
	chown 5:6 "$D/vol/file"
	[ "$(once --uidmap 0:100000:1000 --gidmap 0:100000:1000 -v "$D/vol:/v:idmap" localhost/bb stat -c %u:%g /v/file)" = 5:6 ]
	# What is mounted on the host later comes in, and the other way round
	mount --bind "$D/vol" "$D/vol" && mount --make-shared "$D/vol"
	long one --privileged -v "$D/vol:/v:rshared"
	mount -t tmpfs none "$D/vol/sub" && touch "$D/vol/sub/inside"
	pod exec one test -e /v/sub/inside
	pod exec one sh -c 'umount /v/sub && mount -t tmpfs none /v/sub && touch /v/sub/outside'
	[ -e "$D/vol/sub/outside" ]
	pod rm -f -t 0 one
	umount "$D/vol/sub" "$D/vol"
}

@test "podman run: rights, filter, masks" {
	jq -n '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38}]}' >"$D/filter.json"
	run -1 once --security-opt seccomp="$D/filter.json" localhost/bb mkdir /x
	[[ $output == *"not implemented"* ]]
	[ "$(once localhost/bb sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 2 ]
	[ "$(once --security-opt seccomp=unconfined localhost/bb sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 0 ]
	[ "$(once --security-opt no-new-privileges localhost/bb sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)" = 1 ]
	[ "$(once --cap-drop all --cap-add net_raw localhost/bb sed -n 's/^CapEff:\t//p' /proc/self/status)" = 0000000000002000 ]
	[ "$(once localhost/bb sh -c 'ls /proc/acpi /sys/firmware; head -c 1 /proc/kcore' 2>/dev/null)" = "$(printf '/proc/acpi:\n\n/sys/firmware:')" ]
	once --security-opt unmask=ALL localhost/bb sh -c 'ls /proc/sys/kernel >/dev/null && ! grep -q " /proc/kcore " /proc/mounts'
	[ "$(once --security-opt mask=/etc:/bin/nosuch localhost/bb ls /etc)" = "" ]
	run -0 once --device /dev/fuse:/dev/mine:r localhost/bb sh -c 'true </dev/mine && ! true >/dev/mine'
	[ "$(once --sysctl net.ipv4.ip_unprivileged_port_start=77 localhost/bb cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 77 ]
	[ "$(once --oom-score-adj 500 localhost/bb cat /proc/self/oom_score_adj)" = 500 ]
}

@test "podman run --systemd=always: the mounts that systemd wants" {
	long one --systemd always
	pod exec one sh -c '
		for place in /run /run/lock /tmp /var/log/journal; do grep -q "^tmpfs $place tmpfs rw" /proc/mounts || { echo "$place"; exit 1; }; done
		for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd; do mkdir "$tree/$0" 2>/dev/null && rmdir "$tree/$0" && exit; done; exit 1' "holm-test-$$"
	[ "$(pod exec one sh -c 'tr "\0" "\n" </proc/1/environ | grep ^container_uuid= | wc -c')" -gt 15 ]
}

@test "podman: cp, top, restart, events" {
	local pid

	long one
	echo there >"$D/there"
	pod cp "$D/there" one:/tmp/there
	[ "$(pod exec one cat /tmp/there)" = there ]
	pod exec one sh -c 'echo back >/tmp/back'
	pod cp one:/tmp/back "$D/back"
	[ "$(cat "$D/back")" = back ]
	pod top one user pid comm capeff | grep -Eq '^root +1 +sh'
	pid=$(field one '{{.State.Pid}}')
	pod restart -t 5 one
	[ "$(field one '{{.State.Pid}}')" != "$pid" ]
	[ "$(pod exec one cat /tmp/there)" = there ]
	pod kill one
	pod wait one
	podman events --stream=false --filter container=one --format '{{.Status}}'
	[ "$(podman events --stream=false --filter container=one --format '{{.Status}}' | grep -cE '^(create|start|restart|exec|kill|died)$')" -ge 8 ]
}

@test "podman run --restart, --stop-signal, --rootfs, --preserve-fds, --sdnotify" {
	pod run -d --name one --network none --restart on-failure:2 localhost/bb sh -c 'echo again; exit 4' >/dev/null
	eventually sh -c '[ "$(podman inspect -f "{{.RestartCount}} {{.State.Status}}" one)" = "2 exited" ]'
	pod run -d --name two --network none --stop-signal USR1 localhost/bb sh -c 'trap "exit 6" USR1; while :; do sleep 0.05; done' >/dev/null
	sleep 0.3
	pod stop -t 10 two
	[ "$(field two '{{.State.ExitCode}}')" = 6 ]
	[ "$(once --rootfs "$D/rootfs" echo yes)" = yes ]
	echo handed >"$D/handed"
	[ "$(once --preserve-fds 1 localhost/bb sh -c 'cat <&3' 3<"$D/handed")" = handed ]
}
