#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Each row of config.json, by its effect inside the container.

load oci

# ---- process ----

@test "process: args, env, cwd" {
	need_root
	is '.process.args = ["printf", "<%s>", "a b", "", "c"]' '' '<a b><><c>'
	is '.process.env = ["A=1", "B=x y", "PATH=/bin"]' 'echo "$A,$B,$TERM"' '1,x y,'
	is '.process.cwd = "/tmp"' pwd /tmp
	fails '.process.args = ["/nosuch"]' '' 'no such file or directory'
	fails '.process.args = ["nosuch"]' '' 'executable file not found'
	fails '.process.args = ["/tmp"]' '' 'ermission denied'
	fails '.process.cwd = "relative"' '' '.process.cwd'
}

@test "process.env: HOME, where it is not given, by the root's own /etc/passwd" {
	need_root
	mkdir -p "$B/rootfs/etc"
	home()
	{
		is "$1" 'echo $HOME' "$2"
	}
	home . /
	printf '%s\n' 'x:x:10' 'root:x:0:0:root:/root:/bin/sh' 'again:x:0:0::/later:' 'a:x:10:10::/home/a' \
		'rel:x:11:11::rel:/bin/sh' 'long:x:12:12::/'"$(printf 'x%.0s' {1..600})"':' 'none:x:13:13:::' \
		'big:x:4294967306:1::/wrong:' 'sign:x:-10:1::/wrong:' >"$B/rootfs/etc/passwd"
	printf 'last:x:20:20::/last' >>"$B/rootfs/etc/passwd"
	home . /root
	home '.process.user = {uid: 10, gid: 10}' /home/a
	home '.process.user = {uid: 20, gid: 20}' /last
	for uid in 1 11 12 13; do
		home ".process.user = {uid: $uid, gid: 0}" /
	done
	home '.process.env += ["HOME=/given"]' /given
	home '.process.env += ["HOME="]' /root
	chmod 0600 "$B/rootfs/etc/passwd"
	home '.process.user = {uid: 10, gid: 10}' /home/a
	# What is bound over it counts; what an enemy puts there leads nowhere.
	echo 'root:x:0:0::/bound:' >"$T/passwd"
	home ".mounts += [{destination: \"/etc/passwd\", type: \"bind\", source: \"$T/passwd\", options: [\"bind\"]}]" /bound
	started one
	[ "$(oci exec one sh -c 'echo $HOME')" = /root ]
	[ "$(oci exec --user 10 one sh -c 'echo $HOME')" = /home/a ]
	[ "$(oci exec --env HOME=/x one sh -c 'echo $HOME')" = /x ]
	oci delete --force one
	for target in "$T/passwd" "../../../..$T/passwd" /proc/self/fd/0 /proc/1/root/etc/passwd none .; do
		ln -sfn "$target" "$B/rootfs/etc/passwd"
		home . /
	done
	rm "$B/rootfs/etc/passwd"
	mkfifo "$B/rootfs/etc/passwd"
	home . /
}

@test "process.user: uid, gid, additionalGids, umask" {
	need_root
	is '.process.user = {uid: 7, gid: 8, additionalGids: [9, 10]}' 'echo $(id -u) $(id -g) $(id -G)' '7 8 8 9 10'
	is '.process.user = {uid: 0, gid: 0}' 'id -G' 0
	is '.process.user.umask = 63' umask 0077
	is . umask 0022
}

# caps: prints the five sets of the process, as numbers
caps()
{
	printf %s 'sed -n "s/^Cap\(...\):\t0*/\1 /p" /proc/self/status | tr "\n" ";"'
}

@test "annotations of crun: the groups of the caller are kept; another kind of container is refused" {
	need_root
	config '.annotations = {"run.oci.keep_original_groups": "1"} | .process.user = {uid: 5, gid: 6}' 'id -G'
	[ "$(setpriv --groups 77,88 -- "$OCI" --root "$T/root" run --bundle "$B" inside)" = "6 77 88" ]
	config '.process.user = {uid: 5, gid: 6}' 'id -G'
	[ "$(setpriv --groups 77,88 -- "$OCI" --root "$T/root" run --bundle "$B" inside)" = 6 ]
	fails '.annotations = {"run.oci.handler": "krun"}' true run.oci.handler
}

@test "process.capabilities: five sets, each its own" {
	need_root
	is '.process.capabilities = {}' "$(caps)" 'Inh ;Prm ;Eff ;Bnd ;Amb ;'
	is '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_KILL"],
		effective: ["CAP_CHOWN"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}
		| .process.user = {uid: 5, gid: 5}' "$(caps)" 'Inh 20;Prm 20;Eff 20;Bnd 2021;Amb 20;'
	# root gets what the bounding set has, as execve(2) gives it
	is '.process.capabilities = {bounding: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"]}' \
		"$(caps)" 'Inh ;Prm 1;Eff 1;Bnd 1;Amb ;'
}

@test "process.capabilities: what cannot be granted is left out, with a warning" {
	need_root
	config '.process.capabilities.bounding += ["CAP_NOSUCH"]' true
	run -0 --separate-stderr oci run --bundle "$B" inside
	[[ $stderr == *CAP_NOSUCH*"left out"* ]]
	config '.process.capabilities.bounding = ["CAP_CHOWN", "CAP_KILL"]' 'grep CapBnd /proc/self/status'
	run -0 --separate-stderr setpriv --bounding-set=-kill "$OCI" --root "$T/root" run --bundle "$B" inside
	[[ $output == *0000000001 ]]
	[[ $stderr == *kill*"left out"* ]]
	# What is not inheritable cannot be ambient whoever asks: no word of that.
	config '.process.capabilities |= (.ambient = .bounding | del(.inheritable))' 'grep CapAmb /proc/self/status'
	run -0 --separate-stderr oci run --bundle "$B" inside
	[[ $output == *0000000000 ]]
	[ "$stderr" = "" ]
}

@test "process.rlimits: RLIMIT_NOFILE so low that we could not work with it" {
	need_root
	for n in 0 1 3 5; do
		config ".process.rlimits = [{type: \"RLIMIT_NOFILE\", soft: $n, hard: $n}] |
			.hooks.startContainer = [{path: \"/bin/true\"}]" 'ulimit -Sn; ulimit -Hn'
		oci create --bundle "$B" "one$n" >out 2>&1 </dev/null
		oci start "one$n"
		eventually test "$(status "one$n")" = stopped || sleep 1
		[ "$(tr '\n' ' ' <out)" = "$n $n " ]
		oci delete --force "one$n"
	done
	is '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 7, hard: 400}]' 'ulimit -Sn; ulimit -Hn' "$(printf '7\n400')"
	# Raised again, by one that may: it was lowered for good.
	is '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 7, hard: 9}] | .process.capabilities = {}' \
		'(ulimit -n 10) 2>/dev/null || ulimit -n' 7
}

@test "process.rlimits" {
	need_root
	is '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 99}]' 'echo $(ulimit -S -n) $(ulimit -H -n)' '77 99'
	is '.process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 0}, {type: "RLIMIT_CPU", soft: 50, hard: 60}]' \
		'sed -n "s/  */ /g;/core file/p;/cpu time/p" /proc/self/limits' "$(printf 'Max cpu time 50 60 seconds \nMax core file size 0 0 bytes ')"
	fails '.process.rlimits = [{type: "RLIMIT_NOSUCH", soft: 1, hard: 1}]' true 'RLIMIT_NOSUCH'
	fails '.process.rlimits = [{type: "RLIMIT_CPU", soft: 1, hard: 1}, {type: "RLIMIT_CPU", soft: 1, hard: 1}]' true rlimits
}

@test "process: noNewPrivileges, oomScoreAdj" {
	need_root
	is '.process.noNewPrivileges = true' 'grep NoNew /proc/self/status' "$(printf 'NoNewPrivs:\t1')"
	is '.process.noNewPrivileges = false' 'grep NoNew /proc/self/status' "$(printf 'NoNewPrivs:\t0')"
	is '.process.oomScoreAdj = 321' 'cat /proc/self/oom_score_adj' 321
	is . 'cat /proc/self/oom_score_adj' "$(cat /proc/self/oom_score_adj)"
	is '.process.oomScoreAdj = 321 | .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings' \
		'cat /proc/self/oom_score_adj' 321
	# What waits for the container does not keep it.
	config '.process.oomScoreAdj = 321' 'sleep 1'
	oci run --bundle "$B" inside &
	eventually has_status inside running
	[ "$(cat "/proc/$!/oom_score_adj")" = "$(cat /proc/self/oom_score_adj)" ]
	wait $!
	fails '.process.oomScoreAdj = 1001' true oomScoreAdj
}

@test "process: scheduler, ioPriority, execCPUAffinity" {
	need_root
	# fields 18 (priority), 19 (nice), 40 (rt_priority), 41 (policy) of proc_pid_stat(5)
	local stat='cut -d " " -f 19,40,41 /proc/self/stat'

	is '.process.scheduler = {policy: "SCHED_OTHER", nice: 5}' "$stat" '5 0 0'
	is '.process.scheduler = {policy: "SCHED_BATCH", nice: 3}' "$stat" '3 0 3'
	is '.process.scheduler = {policy: "SCHED_IDLE"}' "$stat" '0 0 5'
	is '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}' 'ionice -p $$' 'best-effort: prio 6'
	is '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}' 'ionice -p $$' 'idle: prio 0' ||
		is '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}' 'ionice -p $$' 'idle'
	is '.process.execCPUAffinity = {initial: "0", final: "0"}' 'grep Cpus_allowed_list /proc/self/status' \
		"$(printf 'Cpus_allowed_list:\t0')"
	fails '.process.scheduler = {policy: "SCHED_NOSUCH"}' true SCHED_NOSUCH
}

@test "process: absent; created, but not started" {
	need_root
	config 'del(.process)'
	oci create --bundle "$B" one 2>/dev/null || skip "create wants a process"
	[ "$(status one)" = created ]
	run -1 oci start one
}

# ---- root, names ----

@test "root.readonly; hostname, domainname" {
	need_root
	run -1 inside '.root.readonly = true' 'touch /x'
	[[ $output == *Read-only* ]]
	is '.root.readonly = true' 'touch /dev/shm/x && echo yes' yes
	is '.root.readonly = false' 'touch /x && echo yes' yes
	is '.hostname = "here"' hostname here
	is '.domainname = "there.example"' 'cat /proc/sys/kernel/domainname' there.example
	fails 'del(.linux.namespaces[] | select(.type == "uts"))' true hostname
	fails '.root.path = "nosuch"' true 'nosuch'
	is ".root.path = \"$B/rootfs\"" 'echo yes' yes
}

# ---- mounts ----

# mnt DESTINATION: the options of the mount as seen inside
mnt()
{
	echo "grep ' $1 ' /proc/self/mountinfo | tail -n 1 | cut -d ' ' -f 6"
}

with_mount()
{
	echo ".mounts += [{destination: \"$1\", type: \"$2\", source: \"$3\", options: [$4]}]"
}

@test "mounts: flags of a fresh one" {
	need_root
	local word

	for word in ro nosuid nodev noexec noatime nodiratime nosymfollow; do
		[[ ,$(inside "$(with_mount /m tmpfs tmpfs "\"$word\"")" "$(mnt /m)"), == *,"$word",* ]]
	done
	[[ ,$(inside "$(with_mount /m tmpfs tmpfs '"strictatime"')" "$(mnt /m)"), != *,relatime,* ]]
	[[ ,$(inside "$(with_mount /m tmpfs tmpfs '"nosuid", "suid"')" "$(mnt /m)"), != *,nosuid,* ]]
	[[ ,$(inside "$(with_mount /m tmpfs tmpfs '"ro", "rw"')" "$(mnt /m)"), == *,rw,* ]]
	is "$(with_mount /m tmpfs tmpfs '"size=64k", "mode=1750", "uid=3", "gid=4", "nr_inodes=9"')" \
		'stat -c "%a %u %g" /m; df -k /m | tail -n 1 | tr -s " " | cut -d " " -f 2' "$(printf '1750 3 4\n64')"
	fails "$(with_mount /m tmpfs tmpfs '"nosuchoption"')" true '/m'
	fails "$(with_mount /m nosuchfs x '')" true 'mount fresh nosuchfs x -> /m'
	fails '.mounts += [{destination: "/m"}]' true /m
}

@test "mounts: a bind of a directory, of a file, by a relative source" {
	need_root
	mkdir "$B/src" && echo yes >"$B/src/file" && chmod 700 "$B/src"
	is "$(with_mount /m none src '"bind"')" 'cat /m/file; stat -c %a /m' "$(printf 'yes\n700')"
	is "$(with_mount /m/deep/file bind "$B/src/file" '"rbind", "ro"')" \
		'cat /m/deep/file; echo x 2>&1 >/m/deep/file | grep -o Read-only' "$(printf 'yes\nRead-only')" || :
	is "$(with_mount /m/deep/file bind "$B/src/file" '"rbind", "ro"')" 'cat /m/deep/file' yes
	fails "$(with_mount /m none nosuch '"bind"')" true nosuch
	# a link in the root leads nowhere but inside
	mkdir "$B/rootfs/etc"
	ln -s /../../../etc "$B/rootfs/link"
	is "$(with_mount /link/m none src '"bind"')" 'cat /etc/m/file' yes
	[ ! -e /etc/m ]
}

@test "mounts: where a link leads to nothing yet, that is made, inside" {
	need_root
	mkdir "$B/rootfs/etc" "$B/src" && echo yes >"$B/src/file"
	ln -s ../run/resolve/stub.conf "$B/rootfs/etc/resolv.conf"
	is "$(with_mount /etc/resolv.conf bind "$B/src/file" '"bind"')" \
		'cat /etc/resolv.conf /run/resolve/stub.conf' "$(printf 'yes\nyes')"
	ln -s /no/../such//dir/ "$B/rootfs/one"
	ln -s one/below "$B/rootfs/two"
	is "$(with_mount /two/deeper none "$B/src" '"bind"')" 'cat /two/deeper/file /such/dir/below/deeper/file' \
		"$(printf 'yes\nyes')"
	ln -s ../../../.."$B/outside" "$B/rootfs/out"
	is "$(with_mount /out/m none "$B/src" '"bind"')" 'cat /out/m/file' yes
	[ ! -e "$B/outside" ] && [ -d "$B/rootfs$B/outside/m" ]
	ln -s loop-b "$B/rootfs/loop-a"
	ln -s loop-a "$B/rootfs/loop-b"
	fails "$(with_mount /loop-a none "$B/src" '"bind"')" true "symbolic link"
	fails "$(with_mount /loop-b/m none "$B/src" '"bind"')" true "symbolic link"
	ln -s "$(printf 'x%.0s' {1..255})/$(printf 'y%.0s' {1..250})" "$B/rootfs/long"
	is "$(with_mount /long none "$B/src" '"bind"')" 'cat /long/file' yes
}

@test "mounts: bind alone and rbind; the recursive forms" {
	need_root
	mkdir -p "$B/src/below"
	echo top >"$B/src/below/top"
	# a mount below the source, in a mount namespace of the test's own
	cat >nested <<-'END'
		mount -t tmpfs tmpfs "$B/src/below"
		"$OCI" --root "$T/root" run --bundle "$B" inside
	END
	export B OCI T
	nested()
	{
		config "$(with_mount /m none src "$1")" "$2"
		unshare --mount --propagation private bash nested
	}
	[ "$(nested '"bind"' 'ls /m/below')" = top ]
	[ "$(nested '"rbind"' 'ls /m/below')" = "" ]
	[[ ,$(nested '"rbind", "ro"' "$(mnt /m/below)"), == *,rw,* ]]
	[[ ,$(nested '"rbind", "rro"' "$(mnt /m/below)"), == *,ro,* ]]
	[[ ,$(nested '"rbind", "rro"' "$(mnt /m)"), == *,ro,* ]]
	for word in rnosuid rnodev rnoexec rnosymfollow; do
		[[ ,$(nested "\"rbind\", \"$word\"" "$(mnt /m/below)"), == *,"${word#r}",* ]]
	done
	[[ ,$(nested '"rbind", "rro", "rrw"' "$(mnt /m/below)"), == *,rw,* ]]
}

@test "mounts: propagation" {
	need_root
	# the optional fields of mountinfo
	local fields='grep " /m " /proc/self/mountinfo | cut -d " " -f 7 | sed "s/:.*//"'

	mkdir "$B/src"
	is "$(with_mount /m none src '"bind", "rprivate"')" "$fields" -
	is "$(with_mount /m none src '"bind", "rshared"')" "$fields" shared
	is "$(with_mount /m none src '"bind", "unbindable"')" "$fields" unbindable
	is "$(with_mount /m tmpfs tmpfs '"shared"')" "$fields" shared
	cat >slave <<-'END'
		mount --bind "$B/src" "$B/src"
		mount --make-shared "$B/src"
		"$OCI" --root "$T/root" run --bundle "$B" inside
	END
	export B OCI T
	config "$(with_mount /m none src '"rbind", "rslave"')" "$fields"
	[ "$(unshare --mount --propagation private bash slave)" = master ]
}

@test "mounts: the host's stay where the root's propagation reaches them" {
	need_root
	mkdir -p "$B/src/below"
	# As on most machines "/" is shared, and as with an engine the root and the source are mounts.
	cat >shared <<-'END'
		mount --bind "$B/rootfs" "$B/rootfs"
		mount --bind "$B/src" "$B/src"
		mount --make-rshared /
		cat /proc/self/mountinfo >before
		"$OCI" --root "$T/root" run --bundle "$B" inside >out 2>&1
		cat /proc/self/mountinfo >after
	END
	export B OCI T
	for word in shared slave private unbindable rshared; do
		config "$(with_mount /m none src '"rbind", "rshared"') | .linux.rootfsPropagation = \"$word\"
			| .process.capabilities |= map_values([\"CAP_SYS_ADMIN\"])" \
			'mount -t tmpfs inner /m/below && mount -t tmpfs inner /tmp && echo yes'
		unshare --mount --propagation private bash shared
		[ "$(cat out)" = yes ]
		# At most one mount is more, the one that was made below the volume.
		grep -v "$B/src/below .* - tmpfs inner " after | diff before -
		[[ $word != *shared ]] || grep -q ' - tmpfs inner ' after
	done
}

@test "mounts: proc, sysfs, mqueue, devpts, cgroup" {
	need_root
	is . 'stat -f -c %T /proc; echo $$' "$(printf 'proc\n1')" || is . 'echo $$' 1
	is . 'ls -d /sys/class /dev/mqueue /dev/shm /dev/pts/ptmx | wc -l' 4
	is '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"]}]' \
		'touch /sys/fs/cgroup/x 2>/dev/null || echo refused; ls /sys/fs/cgroup | grep -c . | sed "s/^[1-9][0-9]*$/some/"' "$(printf 'refused\nsome')"
}

@test "mounts: tmpcopyup" {
	need_root
	mkdir "$B/rootfs/full"
	echo yes >"$B/rootfs/full/file"
	is "$(with_mount /full tmpfs tmpfs '"tmpcopyup"')" 'cat /full/file; rm /full/file' yes
	[ -e "$B/rootfs/full/file" ]
	is "$(with_mount /full tmpfs tmpfs '')" 'ls /full' ''
}

@test "mounts: an overlay with more text than fsconfig(2) takes" {
	local long

	long=$T/$(printf 'x%.0s' {1..200})
	mkdir -p "$long/one" "$long/two" "$T/upper" "$T/work"
	echo 1 | tee "$long/one/same" >"$long/one/a"
	echo 2 | tee "$long/two/same" >"$long/two/b"
	is "$(jq -n --arg l "$long" --arg t "$T" '".mounts += [{destination: \"/o\", type: \"overlay\", source: \"overlay\",
		options: [\"lowerdir=\($l)/one:\($l)/two\", \"upperdir=\($t)/upper\", \"workdir=\($t)/work\", \"nosuid\", \"nodev\"]}]"' -r)" \
		'cat /o/a /o/b /o/same; echo new >/o/new; grep -c " /o overlay rw,nosuid,nodev," /proc/mounts' $'1\n2\n1\n1'
	[ "$(cat "$T/upper/new")" = new ]
	# Its place is a link to the root: not over everything.
	ln -s / "$B/rootfs/o2"
	fails "$(jq -n --arg l "$long" '".mounts += [{destination: \"/o2\", type: \"overlay\", source: \"overlay\",
		options: [\"lowerdir=\($l)/one:\($l)/two\"]}]"' -r)" true 'symbolic links'
}

@test "mounts: idmap with maps of its own" {
	need_root
	mkdir "$B/src" && touch "$B/src/file" && chown 1000:1000 "$B/src/file"
	is '.mounts += [{destination: "/m", source: "src", options: ["bind", "idmap"],
		uidMappings: [{containerID: 1000, hostID: 2000, size: 1}], gidMappings: [{containerID: 1000, hostID: 3000, size: 1}]}]' \
		'stat -c "%u %g" /m/file' '2000 3000'
}

@test "mounts: a map for users alone is refused, as is what would follow a link all the same" {
	need_root
	mkdir "$B/src"
	fails '.mounts += [{destination: "/m", source: "src", options: ["bind"],
		gidMappings: [{containerID: 0, hostID: 3000, size: 1}]}]' true 'mount /m: it has gidMappings without uidMappings'
	fails '.mounts += [{destination: "/m", source: "src", options: ["bind", "src-nofollow"]}]' true 'src-nofollow: links are always followed'
}

@test "mounts: remount changes what is there; several options in one word" {
	need_root
	mkdir "$B/src" && echo yes >"$B/src/file"
	is '.mounts += [{destination: "/m", source: "src", options: ["bind", "nodev"]},
		{destination: "/m", source: "src", options: ["bind", "remount", "ro"]}]' 		'grep -c " /m " /proc/mounts; grep -c " /m .* ro,nodev" /proc/mounts; cat /m/file' $'1\n1\nyes'
	is '.mounts += [{destination: "/m", type: "tmpfs", source: "x", options: ["size=1m,mode=700"]},
		{destination: "/m", type: "tmpfs", options: ["remount", "noexec"]}]' 		'grep -c " /m " /proc/mounts; grep -c "/m tmpfs rw,noexec.*,size=1024k,mode=700" /proc/mounts' $'1\n1'
	fails '.mounts += [{destination: "/bin", options: ["remount", "ro"]}]' true 'is it one?'
	fails '.mounts += [{destination: "/tmp", type: "tmpfs", source: "x"}, {destination: "/tmp", options: ["remount", "size=2m"]}]' 		true 'size=2m is an option of its file system'
}

@test "mounts: a fresh sysfs shows the container's own network devices" {
	need_root
	[ "$(find /sys/class/net -mindepth 1 ! -name lo | wc -l)" -gt 0 ] || skip "the host has no device beside lo"
	is '.mounts += [{destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"]}]' 'ls /sys/class/net' lo
}

# ---- hooks ----

# hook NAME [EXIT]: a program that writes its name and the state it is given
hook()
{
	cat >"$T/hook-$1" <<-END
		#!/bin/sh
		cat >"$T/state-$1"
		echo $1 "\$@" >>"$T/called"
		exit ${2:-0}
	END
	chmod 755 "$T/hook-$1"
	echo "{path: \"$T/hook-$1\", args: [\"hook\", \"arg\"], env: [\"PATH=/bin:/usr/bin\"]}"
}

@test "hooks: all six kinds, in order, with the state on stdin" {
	need_root
	local kind

	# What runs inside finds its program there.
	cat >"$B/rootfs/bin/inner" <<-'END'
		#!/bin/sh
		cat >/state-$1
		echo startContainer >>/called
	END
	chmod 755 "$B/rootfs/bin/inner"
	config ".hooks = {prestart: [$(hook prestart)], createRuntime: [$(hook createRuntime)],
		createContainer: [$(hook createContainer)], poststart: [$(hook poststart)], poststop: [$(hook poststop)],
		startContainer: [{path: \"/bin/inner\", args: [\"inner\", \"start\"], env: [\"PATH=/bin\"]}]}
		| .annotations = {a: \"b\"}" 'echo main >>/called; sleep 60'
	oci create --bundle "$B" one
	[ "$(cut -d ' ' -f 1 called | tr '\n' ' ')" = "prestart createRuntime createContainer " ]
	oci start one
	eventually test -s "$B/rootfs/called"
	[ "$(head -n 1 "$B/rootfs/called")" = startContainer ]
	[ "$(tail -n 1 called)" = "poststart arg" ]
	oci delete --force one
	[ "$(tail -n 1 called)" = "poststop arg" ]
	for kind in prestart createRuntime createContainer poststart poststop; do
		jq -e --arg b "$B" '.id == "one" and .bundle == $b and .annotations.a == "b"' "state-$kind"
	done
	[ "$(jq -r .status state-prestart state-createRuntime state-createContainer state-poststart state-poststop |
		tr '\n' ' ')" = "created created created running stopped " ]
	[ "$(jq -r .status "$B/rootfs/state-start")" = created ]
	[ "$(jq .pid state-createRuntime)" -gt 1 ]
}

@test "hooks: during set-up the process is in its cgroups, and the limits are set" {
	need_root
	local tree

	[ -d /sys/fs/cgroup/pids ] || [ -e /sys/fs/cgroup/cgroup.controllers ] || skip "no cgroup counts processes"
	cat >"$T/look" <<-END
		#!/bin/sh
		pid=\$(jq .pid)
		cat /proc/\$pid/cgroup >$T/cgroup-\$1
		find /sys/fs/cgroup -path '*$G/pids.max' -exec cat {} + >$T/max-\$1
	END
	chmod 755 "$T/look"
	config ".linux.cgroupsPath = \"/$G\" | .linux.resources.pids.limit = 77
		| .hooks = {createRuntime: [{path: \"$T/look\", args: [\"look\", \"runtime\"], env: [\"PATH=$PATH\"]}],
			createContainer: [{path: \"$T/look\", args: [\"look\", \"container\"], env: [\"PATH=$PATH\"]}]}" true
	oci run --bundle "$B" one
	[ "$(cat max-runtime)" = 77 ]
	[ "$(cat max-container)" = 77 ]
	# createContainer sees it from within, as the root; createRuntime as it is, in all trees that there are
	while IFS=: read -r _ _ tree; do
		[[ $tree == *"$G" ]]
	done <cgroup-runtime
}

@test "hooks: during set-up the process is in all of its namespaces, the network too" {
	need_root
	local kind ns

	for kind in prestart createRuntime; do
		cat >look <<-'END'
			#!/bin/sh
			pid=$(sed 's/.*"pid": *\([0-9]*\).*/\1/')
			for ns in mnt net ipc uts pid; do
				echo "$ns $(readlink "/proc/$pid/ns/$ns")"
			done >"$1"
		END
		chmod 755 look
		config ".hooks = {$kind: [{path: \"$T/look\", args: [\"look\", \"$T/seen\"], env: [\"PATH=/bin:/usr/bin\"]}]}" true
		oci run --bundle "$B" inside
		[ "$(wc -l <seen)" = 5 ]
		while read -r ns is; do
			echo "$kind $ns $is"
			[ -n "$is" ]
			[ "$is" != "$(readlink "/proc/self/ns/$ns")" ]
		done <seen
		rm seen
	done
}

@test "hooks: a failing one before start ends the container, and poststop is called" {
	need_root
	local kind

	for kind in prestart createRuntime createContainer; do
		rm -f called
		config ".hooks = {$kind: [$(hook "$kind" 3)], poststop: [$(hook poststop)]}" 'echo ran >/ran'
		run -1 --separate-stderr oci run --bundle "$B" inside
		[[ $stderr == *hook* ]]
		[ ! -e "$B/rootfs/ran" ]
		run -1 oci state inside
	done
}

@test "hooks: one that takes too long is killed" {
	need_root
	printf '#!/bin/sh\nexec sleep 60\n' >slow
	chmod 755 slow
	SECONDS=0
	config ".hooks.createRuntime = [{path: \"$T/slow\", timeout: 1}]" true
	run -1 oci run --bundle "$B" inside
	[ "$SECONDS" -lt 20 ]
	run -1 oci state inside
}

@test "hooks: a failing poststop does not keep the container" {
	need_root
	config ".hooks.poststop = [$(hook first 1), $(hook second)]" true
	oci run --bundle "$B" inside 2>/dev/null
	[ "$(tail -n 1 called)" = "second arg" ]
	run -1 oci state inside
}

# ---- linux: namespaces ----

@test "linux.namespaces: each is new, or the host's" {
	need_root
	local type file

	for type in pid:pid network:net ipc:ipc uts:uts cgroup:cgroup; do
		file=${type#*:} type=${type%:*}
		# A pid namespace of the host's needs /proc of the same.
		[ "$(inside . "readlink /proc/self/ns/$file")" != "$(readlink "/proc/self/ns/$file")" ]
		[ "$type" = cgroup ] || is "del(.hostname) | del(.linux.namespaces[] | select(.type == \"$type\"))" \
			"readlink /proc/self/ns/$file" "$(readlink "/proc/self/ns/$file")"
	done
	is '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 1000000, nanosecs: 0}}' \
		'[ $(cut -d . -f 1 /proc/uptime) -gt 1000000 ] && echo yes' yes
	fails '.linux.namespaces += [{type: "pid"}]' true namespaces
	fails '.linux.namespaces += [{type: "nosuch"}]' true nosuch
}

@test "linux.namespaces: joined by path" {
	need_root
	local type file

	unshare --net --uts --ipc sh -c 'hostname other; exec sleep 1000' &
	STARTED+=("$!")
	eventually own_network "$!"
	eventually grep -qx sleep "/proc/$!/comm"
	for type in network:net ipc:ipc uts:uts; do
		file=${type#*:} type=${type%:*}
		is "del(.hostname) | (.linux.namespaces[] | select(.type == \"$type\")).path = \"/proc/$!/ns/$file\"" \
			"readlink /proc/self/ns/$file" "$(readlink "/proc/$!/ns/$file")"
	done
	fails "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$!/ns/uts\"" true net
	fails '(.linux.namespaces[] | select(.type == "network")).path = "/nosuch"' true /nosuch
}

@test "linux: uidMappings and gidMappings" {
	need_root
	chown -R 100000:100000 "$B/rootfs"
	chmod 755 "$T" "$B"
	is '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}, {containerID: 5000, hostID: 200000, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]' \
		'sed "s/  */ /g" /proc/self/uid_map; id -u; touch /made' "$(printf ' 0 100000 1000\n 5000 200000 1\n0')"
	[ "$(stat -c '%u %g' "$B/rootfs/made")" = "100000 100000" ]
	is '.linux.namespaces += [{type: "user"}] | .process.user = {uid: 5, gid: 6, additionalGids: [7]}
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]' 'id -u; id -G' "$(printf '5\n6 7')"
}

# ---- linux: devices, sysctl, paths ----

@test "linux.devices: nodes, modes, owners; the default ones" {
	need_root
	is . 'for d in null zero full random urandom tty; do [ -c /dev/$d ] || echo no $d; done; readlink /dev/fd; readlink /dev/stdin; readlink /dev/ptmx' \
		"$(printf '/proc/self/fd\n/proc/self/fd/0\npts/ptmx')"
	is '.linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 5, fileMode: 416, uid: 3, gid: 4}]
		| .linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 5, access: "rwm"}]' \
		'stat -c "%a %u %g %t:%T" /dev/mine' '640 3 4 1:5'
	is '.linux.devices = [{path: "/dev/deep/fifo", type: "p"}]' 'stat -c %F /dev/deep/fifo' fifo
	is '.linux.devices = [{path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 384}]' 'stat -c %a /dev/null' 600
}

@test "linux.resources.devices: who is not on the list may not" {
	need_root
	is '.linux.devices = [{path: "/dev/kmsg2", type: "c", major: 1, minor: 11}]
		| .linux.resources.devices = [{allow: false, access: "rwm"}]' \
		'head -c 1 /dev/kmsg2 2>&1 | grep -o "Operation not permitted"; head -c 1 /dev/zero | wc -c' \
		"$(printf 'Operation not permitted\n1')"
	is '.linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 11, access: "r"}]
		| .linux.devices = [{path: "/dev/kmsg2", type: "c", major: 1, minor: 11}]
		| (.process.capabilities | .bounding, .permitted, .effective) += ["CAP_SYSLOG"]' \
		'dd if=/dev/kmsg2 of=/dev/null bs=8192 count=1 2>/dev/null && echo yes; echo x 2>/dev/null >/dev/kmsg2 || echo no' "$(printf 'yes\nno')"
}

@test "linux.sysctl" {
	need_root
	is '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmni": "4000"}' \
		'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni' "$(printf '1\n4000')"
	fails '.linux.sysctl = {"net.nosuch": "1"}' true 'sysctl net.nosuch=1: set a parameter of the kernel: No such file'
	fails '.linux.sysctl = {"../../etc/passwd": "1"}' true sysctl
}

@test "linux.namespaces: the caller's own, joined by path, is the host's: nothing is set in it" {
	need_root
	own()
	{
		echo "(.linux.namespaces[] | select(.type == \"$1\")).path = \"/proc/self/ns/$2\""
	}
	before=$(cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax /proc/sys/kernel/hostname)
	# Even if that went wrong it would be set to what it is.
	ttl=$(cat /proc/sys/net/ipv4/ip_default_ttl) msgmax=$(cat /proc/sys/kernel/msgmax) name=$(hostname)
	fails "$(own network net) | .linux.sysctl = {\"net.ipv4.ip_default_ttl\": \"$ttl\"}" true "whole machine"
	fails "$(own ipc ipc) | .linux.sysctl = {\"kernel.msgmax\": \"$msgmax\"}" true "whole machine"
	fails "$(own uts uts) | .hostname = \"$name\"" true "it would be the host's"
	fails "$(own uts uts) | del(.hostname) | .domainname = \"$(cat /proc/sys/kernel/domainname)\"" true "it would be the host's"
	fails "$(own network net) | .linux.netDevices = {\"none\": {}}" true "linux.netDevices"
	[ "$(cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax /proc/sys/kernel/hostname)" = "$before" ]
	is "$(own network net)" 'readlink /proc/self/ns/net' "$(readlink /proc/self/ns/net)"
	unshare --net sleep 1000 &
	STARTED+=($!)
	eventually own_network $!
	is "(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$!/ns/net\" | .linux.sysctl = {\"net.ipv4.ip_default_ttl\": \"33\"}" \
		'cat /proc/sys/net/ipv4/ip_default_ttl' 33
}

@test "linux: maskedPaths, readonlyPaths" {
	need_root
	mkdir "$B/rootfs/secret" && echo x >"$B/rootfs/secret/file" && echo x >"$B/rootfs/word"
	is '.linux.maskedPaths = ["/secret", "/word", "/nosuch"]' 'ls /secret | wc -l; wc -c </word; touch /secret/x 2>/dev/null || echo ro' \
		"$(printf '0\n0\nro')"
	is '.linux.readonlyPaths = ["/secret", "/nosuch"]' \
		'cat /secret/file; touch /secret/x 2>/dev/null || echo ro; touch /x && echo rw' "$(printf 'x\nro\nrw')"
	is '.linux.readonlyPaths = ["/proc/sys"]' 'echo x 2>/dev/null >/proc/sys/kernel/hostname || echo no' no
}

@test "linux.rootfsPropagation" {
	need_root
	local fields='while read -r _ _ _ _ at _ opt _; do [ "$at" = / ] && echo "${opt%%:*}"; done </proc/self/mountinfo; true'
	is '.linux.rootfsPropagation = "private"' "$fields" -
	is '.linux.rootfsPropagation = "shared"' "$fields" shared
	is '.linux.rootfsPropagation = "unbindable"' "$fields" unbindable
	is . "$fields" -
	fails '.linux.rootfsPropagation = "nosuch"' true nosuch
}

@test "linux: personality, memoryPolicy" {
	need_root
	is '.linux.personality = {domain: "LINUX32"}' 'uname -m' i686
	is . 'uname -m' "$(uname -m)"
	is '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}' 'head -n 1 /proc/self/numa_maps | cut -d " " -f 2' bind:0
	fails '.linux.memoryPolicy = {mode: "MPOL_NOSUCH", nodes: "0"}' true MPOL_NOSUCH
}

# ---- linux.seccomp ----

profile()
{
	echo ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", architectures: [\"SCMP_ARCH_X86_64\"], syscalls: [$1]}"
}

@test "linux.seccomp: actions" {
	need_root
	[ "$(uname -m)" = x86_64 ] || skip "the numbers are those of x86_64"
	is "$(profile '{names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 11}')" \
		'mkdir /tmp/x 2>&1 | sed "s/.*: //"; grep ^Seccomp: /proc/self/status' "$(printf 'Resource temporarily unavailable\nSeccomp:\t2')"
	is "$(profile '{names: ["mkdir"], action: "SCMP_ACT_ERRNO"}')" 'mkdir /tmp/x 2>&1 | sed "s/.*: //"' 'Operation not permitted'
	run -159 inside "$(profile '{names: ["mkdir"], action: "SCMP_ACT_KILL_PROCESS"}')" 'exec mkdir /tmp/x'
	run -159 inside "$(profile '{names: ["mkdir"], action: "SCMP_ACT_TRAP"}')" 'exec mkdir /tmp/x'
	is "$(profile '{names: ["mkdir"], action: "SCMP_ACT_LOG"}')" 'mkdir /tmp/made && echo yes' yes
	# an argument: only sethostname of four bytes
	is "$(profile '{names: ["sethostname"], action: "SCMP_ACT_ERRNO", args: [{index: 1, value: 4, op: "SCMP_CMP_EQ"}]}')"' |
		(.process.capabilities | .bounding, .permitted, .effective) += ["CAP_SYS_ADMIN"]' \
		'hostname four 2>/dev/null || echo no; hostname other && echo yes' "$(printf 'no\nyes')"
	fails "$(profile '{names: ["mkdir"], action: "SCMP_ACT_NOSUCH"}')" true SCMP_ACT_NOSUCH
}

@test "linux.seccomp: a profile that forbids all, the end too, ends the container all the same" {
	need_root
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"],
		syscalls: [{names: ["read", "write"], action: "SCMP_ACT_ALLOW"}]}' true
	run timeout 20 "$OCI" --root "$T/root" run --bundle "$B" inside
	[ "$status" != 0 ]
	[ "$status" != 124 ]
}

# listener SOCKET FILE: accepts one connection on SOCKET, and writes to FILE what came over it
listener()
{
	need_python
	cat >listen.py <<-'END'
		import array, json, os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen()
		open(sys.argv[1] + ".ready", "w").close()
		c, _ = s.accept()
		data, anc, _, _ = c.recvmsg(65536, 1024)
		data += b"".join(iter(lambda: c.recv(65536), b""))
		state = json.loads(data)
		fds = array.array("i", anc[0][2])
		json.dump({"state": state, "n": len(fds), "kind": os.readlink("/proc/self/fd/%d" % fds[0])}, open(sys.argv[2], "w"))
	END
	rm -f "$1" "$1.ready"
	/usr/bin/python3 listen.py "$1" "$2" &
	STARTED+=("$!")
	eventually test -e "$1.ready"
}

@test "linux.seccomp: a listener is told" {
	need_root
	listener "$T/sock" "$T/told.json"
	config '.annotations = {long: ("x" * 40000)} | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'"$T/sock"'", listenerMetadata: "meta",
		syscalls: [{names: ["mkdirat", "mkdir"], action: "SCMP_ACT_NOTIFY"}]}' 'echo yes'
	run -0 oci run --bundle "$B" inside
	[ "$output" = yes ]
	eventually test -s told.json
	cat told.json
	jq -e '.state.metadata == "meta" and .state.fds == ["seccompFd"] and .state.state.id == "inside" and .n == 1
		and (.state.state.annotations.long | length) == 40000 and (.kind | test("seccomp"))' told.json
}

@test "linux.seccomp: a listener is told of who is executed in the container, too" {
	need_root
	notify='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'"$T/sock"'", listenerMetadata: "meta",
		syscalls: [{names: ["mkdirat", "mkdir"], action: "SCMP_ACT_NOTIFY"}]}'
	user='.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chmod 0755 "$T" "$B" # whoever it is has to reach the root
	for more in . "$user"; do
		listener "$T/sock" "$T/first.json"
		started one "$notify | $more"
		run -255 oci exec one true
		[[ $output == *"linux.seccomp.listenerPath"* ]]
		listener "$T/sock" "$T/second.json"
		[ "$(oci exec --pid-file "$T/pid" one echo yes)" = yes ]
		eventually test -s second.json
		cat second.json
		jq -e --argjson first "$PID" --argjson pid "$(cat pid)" '.state.metadata == "meta"
			and .state.fds == ["seccompFd"] and .n == 1 and (.kind | test("seccomp")) and .state.pid == $pid
			and .state.state.pid == $first and .state.state.id == "one" and .state.state.status == "running"' second.json
		oci delete --force one
	done
}

# ---- linux.cgroupsPath, linux.resources ----

@test "linux.resources: what engines write where nothing was asked for" {
	need_root
	is '.linux.resources = {memory: {swappiness: 18446744073709551615}, cpu: {quota: -5}, pids: {limit: -5},
		network: {classID: 0}}' 'echo yes' yes
	fails '.linux.resources.memory.swappiness = 101' true 'must be at most 100'
}

# cg CONTROLLER FILE: of the container "one"
cg()
{
	cat "/sys/fs/cgroup/$1/$G/$2"
}

need_v1()
{
	[ -e "/sys/fs/cgroup/$1/tasks" ] || skip "needs the v1 controller $1"
}

@test "linux.cgroupsPath: absolute, relative, none" {
	need_root
	need_v1 memory
	started one
	grep -q ":/$G$" "/proc/$PID/cgroup"
	oci delete --force one
	started one ".linux.cgroupsPath = \"$G/deep\""
	grep -q "memory:/.*$G/deep$" "/proc/$PID/cgroup"
	oci delete --force one
	find /sys/fs/cgroup -depth -type d -path "*$G" -exec rmdir {} \;
	started one 'del(.linux.cgroupsPath)'
	grep -q 'memory:/.*one$' "/proc/$PID/cgroup"
	oci delete --force one
	fails '.linux.cgroupsPath = "/../../x"' true cgroup
}

@test "linux.resources: memory" {
	need_root
	need_v1 memory
	started one '.linux.resources.memory = {limit: 50331648, reservation: 33554432, swappiness: 10}'
	[ "$(cg memory memory.limit_in_bytes)" = 50331648 ]
	[ "$(cg memory memory.soft_limit_in_bytes)" = 33554432 ]
	[ "$(cg memory memory.swappiness)" = 10 ]
	oci delete --force one
	# and it is kept
	run -137 inside '.linux.resources.memory = {limit: 16777216, swap: 16777216}' 'exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	fails '.linux.resources.memory = {limit: "x"}' true limit
	# a limit that nothing can be made with does not take us along
	config '.linux.resources.memory = {limit: 4096, swap: 4096}' true
	run -1 oci run --bundle "$B" inside
	[[ $output == "holm-oci: "* ]]
	run -1 oci state inside
}

@test "linux.resources: cpu, pids" {
	need_root
	need_v1 cpu
	started one '.linux.resources.cpu = {shares: 512, quota: 20000, period: 100000, cpus: "0", mems: "0"}
		| .linux.resources.pids = {limit: 20}'
	[ "$(cg cpu cpu.shares),$(cg cpu cpu.cfs_quota_us),$(cg cpu cpu.cfs_period_us)" = 512,20000,100000 ]
	[ "$(cg cpuset cpuset.cpus),$(cg cpuset cpuset.mems)" = 0,0 ]
	[ "$(cg pids pids.max)" = 20 ]
	oci delete --force one
	run -2 inside '.linux.resources.pids = {limit: 3}' 'sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait'
	fails '.linux.resources.cpu = {cpus: "0-9999"}' true cpu
}

@test "linux.resources: blockIO, unified; what this machine cannot do is refused" {
	need_root
	need_v1 blkio
	local device

	device=$(findmnt -n -o MAJ:MIN / | tr -d ' ')
	started one ".linux.resources.blockIO = {throttleReadBpsDevice: [{major: ${device%:*}, minor: ${device#*:}, rate: 1048576}]}"
	[ "$(cg blkio blkio.throttle.read_bps_device)" = "$device 1048576" ]
	oci delete --force one
	[ -d /sys/fs/cgroup/net_cls ] || fails '.linux.resources.network = {classID: 1}' true net
	[ -d /sys/fs/cgroup/hugetlb ] || fails '.linux.resources.hugepageLimits = [{pageSize: "7KB", limit: 1}]' true 7KB
}

# ---- annotations, versions, unknown ----

@test "ociVersion, annotations, unknown members" {
	need_root
	is '.ociVersion = "1.0.0" | .nosuch = 1 | .linux.nosuch = {} | .process.nosuch = []' 'echo yes' yes
	is '.ociVersion = "1.99.7-dev"' 'echo yes' yes
	fails '.ociVersion = "2.0.0"' true ociVersion
	started one '.annotations = {"a.b": "c"}'
	[ "$(oci state one | jq -r '.annotations["a.b"]')" = c ]
	echo '{' >"$B/config.json"
	run -1 --separate-stderr oci run --bundle "$B" two
	[[ $stderr == *config.json:* ]]
}
