#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker with holm-oci: a dockerd of the test's own (with its containerd), whose state, sockets, bridge
# and cgroups are its own, and which ends by its pid. iptables is left alone: docker-proxy serves ports.
# serial: a daemon, a bridge, cgroups

load engine

setup_file() {
	engine_setup_file
	is_root && have dockerd docker docker-proxy containerd ip jq || return 0
	export DOCKER_HOST=unix://$D/docker.sock DOCKER_CONFIG=$D/client DOCKER_BUILDKIT=0
	PARENT=holm-docker-$$
	BRIDGE=hdock$$
	export PARENT BRIDGE
	# A daemon that cannot have its bridge still serves everything else.
	if ip link add "$BRIDGE" type bridge && ip addr add 10.213.78.1/24 dev "$BRIDGE" && ip link set "$BRIDGE" up; then
		echo "$BRIDGE" >"$D/bridge"
	else
		echo none >"$D/bridge"
	fi
	start_daemon docker "$(cat "$D/bridge")" . || return 0
	docker run -d --name shared --network none --ipc shareable bb sh -c 'echo begun; trap exit TERM; while :; do sleep 0.2; done' >/dev/null
}

# start_daemon NAME BRIDGE JQ [WORDS...]: a dockerd with the image bb at $D/NAME.sock, and with the changes
# of JQ to its configuration; WORDS stand before its name
start_daemon() {
	jq -n --arg d "$D/$1" --arg oci "$OCI" --arg parent "/$PARENT" --arg bridge "$2" '{
		"data-root": $d, "exec-root": "\($d)-run", pidfile: "\($d).lock", hosts: ["unix://\($d).sock"],
		"storage-driver": "vfs", runtimes: {holm: {path: $oci}}, "default-runtime": "holm",
		"exec-opts": ["native.cgroupdriver=cgroupfs"], "cgroup-parent": $parent, "oom-score-adjust": 0,
		bridge: $bridge, iptables: false, ip6tables: false, "ip-forward": false, "ip-masq": false
	} | '"$3" >"$D/$1.json"
	"${@:4}" dockerd --config-file "$D/$1.json" >"$D/$1.log" 2>&1 3>&- &
	echo $! >"$D/$1.pid"
	eventually docker --host "unix://$D/$1.sock" version >/dev/null 2>&1 || return 1
	tar -C "$D/rootfs" -c . | docker --host "unix://$D/$1.sock" import - bb >/dev/null
}

teardown_file() {
	[ ! -e "$D/remap.pid" ] || end_daemon "$D/remap.pid"
	if [ -e "$D/docker.pid" ]; then
		docker ps -aq 2>/dev/null | xargs -r docker rm -f -v >/dev/null 2>&1
		end_daemon "$D/docker.pid"
		[ "$(cat "$D/bridge")" = none ] || ip link del "$BRIDGE"
		# What is not empty stays, and the last test has said so.
		remove_cgroup "$PARENT"
	fi
	engine_teardown_file
}

setup() {
	need_root
	need dockerd docker docker-proxy containerd ip jq
	docker version >/dev/null 2>&1 || skip "dockerd does not start here: $(tail -n 1 "$D/docker.log")"
}

d() {
	timeout 30 docker "$@"
}

# once OPTION... [--] COMMAND: a container that is gone afterwards, and has no network
once() {
	d run --rm --network none "$@"
}

# field NAME FORMAT
field() {
	docker inspect -f "$2" "$1"
}

# cg CONTAINER CONTROLLER FILE: a file of its cgroup, wherever that is mounted
cg() {
	cg_file "$2" "$(field "$1" "{{.Id}}")" "${@:3}"
}

@test "docker run: output, input, exit codes" {
	[ "$(once bb sh -c 'echo $A $(hostname) $(pwd) $(id -u)' 2>&1)" != "" ]
	[ "$(once -e A=b -h name -w /tmp -u 7:8 bb sh -c 'echo $A $(hostname) $(pwd) $(id -u) $(id -g)')" = "b name /tmp 7 8" ]
	[ "$(echo given | once -i bb cat)" = given ]
	run -0 once bb true
	run -1 once bb false
	run -42 once bb sh -c 'exit 42'
	run -127 once bb nosuch
	run -126 once bb /etc
	# What the runtime refuses is Docker's 125, and Docker shows its words.
	run -125 once --sysctl net.nosuch=1 bb true
	[[ $output == *net*nosuch* ]]
}

# Its files are not where Docker's are, so that the name is not to be read.
@test "docker: holm ns calls a container by its id" {
	[ "$(called "$(field shared '{{.State.Pid}}')")" = "$(field shared '{{.Id}}' | cut -c 1-12) docker" ]
}

@test "docker: a terminal, for run and exec" {
	need script
	run -5 timeout 30 script -qec "stty rows 33 cols 101; docker run --rm -it --network none bb sh -c 'test -t 0 && test -t 1 && sleep 0.3; stty size; exit 5'" /dev/null
	[[ $output == *"33 101"* ]]
	run -6 timeout 30 script -qec "docker exec -it shared sh -c 'tty; exit 6'" /dev/null
	[[ $output == *"/dev/pts/"* ]]
}

@test "docker exec: output, user, directory, exit codes, detached" {
	[ "$(d exec -e A=b -w /tmp -u 7 shared sh -c 'echo $A $(pwd) $(id -u)')" = "b /tmp 7" ]
	[ "$(echo given | d exec -i shared cat)" = given ]
	run -9 d exec shared sh -c 'exit 9'
	# 20.10 has one code for all that cannot be executed.
	run -126 d exec shared nosuch
	run -126 d exec shared /etc
	d exec -d shared sh -c 'echo yes >/tmp/detached'
	eventually d exec shared grep -q yes /tmp/detached
	# The container's filter and rights are those of what it executes as well.
	[ "$(d exec shared grep -E '^(CapBnd|Seccomp):' /proc/self/status)" = "$(d exec shared grep -E '^(CapBnd|Seccomp):' /proc/1/status)" ]
	[ "$(d exec --privileged shared sed -n 's/^CapEff:.*\(........\)$/\1/p' /proc/self/status)" != 00000000 ]
}

@test "docker: logs, top, stats, cp, rename" {
	[ "$(d logs shared)" = begun ]
	d top shared | grep -q 'while :'
	d stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' shared | grep -Eq '^shared [1-9][0-9]* [1-9]'
	echo there >"$D/there"
	d cp "$D/there" shared:/tmp/there
	[ "$(d exec shared cat /tmp/there)" = there ]
	d exec shared sh -c 'echo back >/tmp/back'
	d cp shared:/tmp/back "$D/back"
	[ "$(cat "$D/back")" = back ]
	d rename shared other
	[ "$(d exec other echo yes)" = yes ]
	d rename other shared
}

@test "docker: pause stops it, unpause lets it go on" {
	local one two
	d run -d --name paused --network none bb sh -c 'while :; do echo x >>/n; sleep 0.05; done' >/dev/null
	eventually d exec paused test -s /n
	d pause paused
	[ "$(field paused '{{.State.Status}}')" = paused ]
	one=$(wc -c <"/proc/$(field paused '{{.State.Pid}}')/root/n")
	sleep 0.3
	two=$(wc -c <"/proc/$(field paused '{{.State.Pid}}')/root/n")
	[ "$one" = "$two" ]
	d unpause paused
	eventually sh -c "[ \"\$(docker exec paused cat /n | wc -c)\" -gt $two ]"
	# A container that is paused can be removed.
	d pause paused
	id=$(field paused '{{.Id}}')
	d rm -f paused
	nothing_of "$id"
}

@test "docker: stop, kill, restart, restart policy" {
	d run -d --name stopped --network none bb sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done' >/dev/null
	eventually sh -c 'docker logs stopped | grep -q up'
	d restart -t 10 stopped
	eventually sh -c '[ "$(docker logs stopped | tr "\n" " ")" = "up bye up " ]'
	d stop -t 10 stopped
	[ "$(field stopped '{{.State.ExitCode}}')" = 3 ]
	d start stopped
	d kill -s KILL stopped
	[ "$(d wait stopped)" = 137 ]
	d rm stopped
	# Process 1 without a handler: SIGTERM does nothing, and Docker kills after its time.
	d run -d --name stopped --network none bb sleep 100 >/dev/null
	d stop -t 1 stopped
	[ "$(field stopped '{{.State.ExitCode}}')" = 137 ]
	d rm stopped
	d run -d --name stopped --network none --restart on-failure:2 bb sh -c 'echo again; exit 4' >/dev/null
	eventually sh -c '[ "$(docker inspect -f "{{.RestartCount}} {{.State.Status}}" stopped)" = "2 exited" ]'
	[ "$(d logs stopped | wc -l)" = 3 ]
	d rm stopped
}

@test "docker run: what options do, seen from inside" {
	run -0 once --read-only --tmpfs /t:size=1m bb sh -c 'touch /t/x && ! touch /x 2>/dev/null && df -k /t | tail -n 1'
	[[ $output == *" 1024 "* ]]
	[ "$(once --device /dev/fuse:/dev/mine:r bb sh -c 'ls /dev | grep -x mine')" = mine ]
	run -0 once --device /dev/fuse:/dev/mine:r bb sh -c 'true </dev/mine && ! true >/dev/mine'
	[ "$(once --cap-drop ALL --cap-add NET_RAW bb sed -n 's/^CapEff:\t//p' /proc/self/status)" = 0000000000002000 ]
	[ "$(once --sysctl net.ipv4.ip_unprivileged_port_start=77 bb cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 77 ]
	[ "$(once --ulimit nofile=77:88 --shm-size 2m --group-add 55 bb sh -c 'ulimit -n; ulimit -Hn; df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2; id -G' | tr '\n' ' ')" = "77 88 2048 0 55 " ]
	[ "$(once --pid host bb readlink /proc/self/ns/pid)" = "$(readlink /proc/self/ns/pid)" ]
	[ "$(once --uts host bb hostname)" = "$(hostname)" ]
	[ "$(once --ipc host bb readlink /proc/self/ns/ipc)" = "$(readlink /proc/self/ns/ipc)" ]
	[ "$(d run --rm --network host bb readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
	[ "$(once --pid container:shared --ipc container:shared bb sh -c 'tr "\0" " " </proc/1/cmdline')" = "$(d exec shared sh -c 'tr "\0" " " </proc/1/cmdline')" ]
	run -0 once --privileged bb sh -c 'test -e /dev/kmsg && mount -t tmpfs none /tmp && : >/proc/sys/kernel/hostname'
	run -1 once bb mount -t tmpfs none /tmp
	! have docker-init || [ "$(once --init bb cat /proc/1/comm)" = docker-init ]
}

@test "docker run: security options" {
	jq -n '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38}]}' >"$D/filter.json"
	run -1 once --security-opt seccomp="$D/filter.json" bb mkdir /x
	[[ $output == *"not implemented"* ]]
	[ "$(once bb sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 2 ]
	[ "$(once --security-opt seccomp=unconfined bb sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 0 ]
	[ "$(once --security-opt no-new-privileges bb sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)" = 1 ]
	run -0 once bb sh -c '! cat /proc/kcore >/dev/null 2>&1 && ! echo 1 >/proc/sys/kernel/pid_max'
}

@test "docker: limits are in the cgroup, update changes them" {
	d run -d --name limited --network none --memory 64m --cpus 0.5 --pids-limit 12 --cpu-shares 512 bb sleep 100 >/dev/null
	[ "$(cg limited memory memory.limit_in_bytes memory.max)" = $((64 << 20)) ]
	[ "$(cg limited cpu cpu.cfs_quota_us cpu.max)" = 50000 ] || [ "$(cg limited cpu cpu.cfs_quota_us cpu.max)" = "50000 100000" ]
	[ "$(cg limited pids pids.max)" = 12 ]
	run -2 d exec limited sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do sleep 1 & done 2>&1; wait'
	[[ $output == *fork* ]]
	d update --memory 96m --memory-swap 96m --pids-limit 20 --cpus 0.25 limited
	[ "$(cg limited memory memory.limit_in_bytes memory.max)" = $((96 << 20)) ]
	[ "$(cg limited cpu cpu.cfs_quota_us cpu.max)" = 25000 ] || [ "$(cg limited cpu cpu.cfs_quota_us cpu.max)" = "25000 100000" ]
	[ "$(cg limited pids pids.max)" = 20 ]
	d rm -f limited
	# A program that takes more than it may ends, and Docker knows why.
	d run --name limited --network none --memory 8m --memory-swap 8m bb dd if=/dev/zero of=/dev/null bs=64M count=1 || [ $? = 137 ]
	[ "$(field limited '{{.State.OOMKilled}} {{.State.ExitCode}}')" = "true 137" ]
	d rm limited
}

@test "docker: volumes" {
	mkdir -p "$D/vol/sub"
	echo yes >"$D/vol/file"
	run -0 once -v "$D/vol:/v:ro" bb sh -c 'cat /v/file; ! touch /v/x 2>/dev/null'
	[ "$output" = yes ]
	once -v "$D/vol:/v" bb sh -c 'echo new >/v/new'
	[ "$(cat "$D/vol/new")" = new ]
	once -v named:/v bb sh -c 'echo kept >/v/kept'
	[ "$(once --mount type=volume,src=named,dst=/v,readonly bb cat /v/kept)" = kept ]
	d volume rm named
	# What is mounted below it on the host comes into the container, and the other way round.
	mount --bind "$D/vol" "$D/vol"
	mount --make-shared "$D/vol"
	d run -d --name volumes --network none --privileged -v "$D/vol:/v:rshared" bb sleep 100 >/dev/null
	mount -t tmpfs none "$D/vol/sub"
	touch "$D/vol/sub/inside"
	d exec volumes test -e /v/sub/inside
	d exec volumes sh -c 'umount /v/sub && mount -t tmpfs none /v/sub && touch /v/sub/outside'
	[ -e "$D/vol/sub/outside" ]
	d rm -f volumes
	umount "$D/vol/sub" "$D/vol"
}

@test "docker: healthcheck" {
	d run -d --name health --network none --health-cmd 'test -e /ok' --health-interval 0.2s --health-retries 1 --health-timeout 5s bb sleep 100 >/dev/null
	eventually sh -c '[ "$(docker inspect -f "{{.State.Health.Status}}" health)" = unhealthy ]'
	d exec health touch /ok
	eventually sh -c '[ "$(docker inspect -f "{{.State.Health.Status}}" health)" = healthy ]'
	d rm -f health
}

@test "docker: a bridge, a published port, a network that is shared" {
	need curl
	[ "$(cat "$D/bridge")" != none ] || skip "needs a bridge"
	d run -d --name net -p 127.0.0.1:18978:80 bb sh -c 'mkdir /w; echo yes >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null
	eventually sh -c '[ "$(curl -s -m 2 http://127.0.0.1:18978/)" = yes ]'
	d exec net ip -4 addr show eth0 | grep -q 'inet 10.213.78.'
	[ "$(d run --rm --network container:net bb wget -q -O - http://127.0.0.1/)" = yes ]
	# /etc/hosts and /etc/resolv.conf are Docker's.
	d exec net grep -q 10.213.78. /etc/hosts
	d rm -f net
}

@test "docker build: RUN, USER, WORKDIR, exit code" {
	mkdir -p "$D/context"
	printf 'FROM bb\nRUN echo made >/made && id -u >/who\nUSER 7\nWORKDIR /w\nRUN id -u >/tmp/who\nCMD cat /made /who /tmp/who; pwd\n' >"$D/context/Dockerfile"
	# The daemon looks for the network of a RUN as of any container.
	d build --network none -q -t built "$D/context" >/dev/null
	[ "$(once built | tr '\n' ' ')" = "made 0 7 /w " ]
	printf 'FROM bb\nRUN exit 3\n' >"$D/context/Dockerfile"
	run -3 d build --network none "$D/context"
	[[ $output == *"returned a non-zero code: 3"* ]]
	d image rm built >/dev/null
}

@test "docker with userns-remap: ids, a terminal, volumes, limits" {
	[ -e /etc/subuid ] || skip "needs /etc/subuid"
	[ -e /etc/subgid ] || skip "needs /etc/subgid"
	{ cat /etc/passwd; echo "dockremap:x:300000:300000::/:/bin/false"; } >"$D/passwd"
	{ cat /etc/group; echo "dockremap:x:300000:"; } >"$D/group"
	echo dockremap:300000:65536 >"$D/subid"
	# The user of the range exists in the daemon's mount namespace alone.
	start_daemon remap none '."userns-remap" = "dockremap"' unshare -m --propagation private sh -c 'cd "$0" &&
		mount --bind passwd /etc/passwd && mount --bind group /etc/group && mount --bind subid /etc/subuid &&
		mount --bind subid /etc/subgid && exec "$@"' "$D"
	local DOCKER_HOST=unix://$D/remap.sock
	[ "$(once bb sh -c 'tr -s " " </proc/self/uid_map; id -u; touch /x; stat -c %u:%g /x' | tr '\n' ' ')" = " 0 300000 65536 0 0:0 " ]
	[ "$(once --oom-score-adj 432 --user 7 bb sh -c 'cat /proc/self/oom_score_adj; id -u' | tr '\n' ' ')" = "432 7 " ]
	once -v named:/v --read-only --tmpfs /t --init bb sh -c 'touch /v/x /t/x'
	[ "$(stat -c %u "$(docker volume inspect -f '{{.Mountpoint}}' named)/x")" = 300000 ]
	run -5 timeout 30 script -qec "docker run --rm -it --network none bb sh -c 'tty; exit 5'" /dev/null
	[[ $output == *"/dev/pts/"* ]]
	d run -d --name mapped --network none --memory 64m bb sleep 100 >/dev/null
	[ "$(d exec mapped id -u)" = 0 ]
	[ "$(cg mapped memory memory.limit_in_bytes memory.max)" = $((64 << 20)) ]
	[ "$(once --userns host bb readlink /proc/self/ns/user)" = "$(readlink /proc/self/ns/user)" ]
	d rm -f mapped >/dev/null
	end_daemon "$D/remap.pid"
}

@test "docker: nothing is left" {
	local id
	for id in $(docker ps -aq --no-trunc); do
		d rm -f "$id" >/dev/null
		nothing_of "$id"
	done
	# Of no container that ever was, below the cgroup of them all either.
	[ "$(find /sys/fs/cgroup -mindepth 2 -type d -path "*/$PARENT/*")" = "" ]
	eventually no_process_of "$D/docker-run/containerd/daemon"
}
