#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=oci
# A container without a mount namespace: it is in the runtime's, and its root is mounted nowhere.
load oci

bats_require_minimum_version 1.5.0

# What makes it one.
LOOSE='del(.linux.namespaces[] | select(.type == "mount"))'

eval "oci_$(declare -f setup)"

setup()
{
	oci_setup
	at_least 6 15 || [[ $BATS_TEST_DESCRIPTION == refused:* ]] || skip "needs Linux 6.15"
	need_root
}

at_least()
{
	[ "$(printf '%s\n' "$1.$2" "$(uname -r)" | sort -V | head -n 1)" = "$1.$2" ]
}

# mounted DESTINATION TYPE SOURCE OPTIONS: with one more mount
mounted()
{
	echo "$LOOSE | .mounts += [{destination: \"$1\", type: \"$2\", source: \"$3\", options: [$4]}]"
}

host()
{
	cat /proc/self/mountinfo
}

@test "it is in the runtime's mount namespace, and the host's mounts stay as they are" {
	local here before
	here=$(readlink /proc/self/ns/mnt)
	before=$(host)
	is "$LOOSE" 'readlink /proc/self/ns/mnt' "$here"
	[ "$(host)" = "$before" ]
	started one "$LOOSE"
	[ "$(readlink "/proc/$PID/ns/mnt")" = "$here" ]
	[ "$(host)" = "$before" ]
	[ "$(stat -L -c %i "/proc/$PID/root")" = "$(stat -c %i "$B/rootfs")" ]
	[ ! -s "/proc/$PID/mountinfo" ]
	oci delete --force one
	[ "$(host)" = "$before" ]
}

@test "what a bundle has by default is there, with its effect" {
	is "$LOOSE | .root.readonly = true" \
		'ls /proc/1/status /dev/null /dev/pts/ptmx /dev/mqueue/ /dev/shm/ /sys/class >/dev/null && echo there
		cat /proc/1/comm; echo x >/dev/null; touch /dev/shm/file && echo written; touch /new || echo refused
		touch /sys/new || echo refused; echo 1 >/proc/sys/kernel/sysrq || echo refused; wc -c </proc/timer_list; ls /sys/firmware' \
		"$(printf 'there\nsh\nwritten\nrefused\nrefused\nrefused\n0')"
	mkdir "$B/rootfs/dir"
	echo word >"$B/rootfs/word"
	is "$LOOSE | .linux.maskedPaths += [\"/word\", \"/tmp\"] | .linux.readonlyPaths += [\"/dir\", \"/word\"]" \
		'wc -c </word; touch /tmp/x || echo refused; touch /dir/new || echo refused' "$(printf '0\nrefused\nrefused')"
}

@test "binds: with their attributes, all the way down; a file; over one another" {
	mkdir -p "$B/src/below"
	echo yes >"$B/src/file"
	cp "$B/rootfs/bin/busybox" "$B/src/program" 2>/dev/null || cp "$(command -v busybox)" "$B/src/program"
	is "$(mounted /m none src '"bind"')" 'cat /m/file; touch /m/new && echo written' "$(printf 'yes\nwritten')"
	is "$(mounted /m none src '"rbind", "ro"')" 'cat /m/file; touch /m/other || echo refused' "$(printf 'yes\nrefused')"
	is "$(mounted /m none src '"rbind", "noexec"')" '/m/program true 2>/dev/null || echo refused' refused
	is "$(mounted /deep/er/file none src/file '"bind", "private"')" 'cat /deep/er/file' yes
	is "$(mounted /m none src '"bind"') | .mounts += [{destination: \"/m/below\", type: \"tmpfs\", source: \"t\"}]" \
		'touch /m/below/new && ls /m/below' new
	[ -z "$(ls "$B/src/below")" ]
	cat >nested <<-'END'
		mount -t tmpfs tmpfs "$B/src/below"
		"$OCI" --root "$T/root" run --bundle "$B" inside
	END
	export B OCI T
	config "$(mounted /m none src '"rbind", "rro"')" 'touch /m/below/x || touch /m/x || echo refused'
	[ "$(unshare --mount --propagation private bash nested)" = refused ]
	config "$(mounted /m none src '"rbind", "ro"')" 'touch /m/below/x && echo written'
	[ "$(unshare --mount --propagation private bash nested)" = written ]
}

@test "nothing goes to the host's mounts where they are shared" {
	mkdir -p "$T/src/below" "$T/src/other"
	echo yes >"$T/src/file"
	cat >shared <<-'END'
		mount --bind "$T" "$T"
		mount --make-rshared /
		cat /proc/self/mountinfo >before
		"$OCI" --root "$T/root" run --bundle "$B" inside >out 2>&1 &
		for i in $(seq 200); do grep -q ready out && break; sleep 0.05; done
		cat /proc/self/mountinfo >during
		mount -t tmpfs late "$T/src/other"
		touch "$T/src/go"
		wait $!
		umount "$T/src/other"
		cat /proc/self/mountinfo >after
	END
	export B OCI T
	# Over and over itself: each place is a copy of a mount of the host's.
	config "$LOOSE | .mounts += [{destination: \"/src\", source: \"$T/src\", options: [\"rbind\"]},
			{destination: \"/src/below\", type: \"tmpfs\", source: \"t\"},
			{destination: \"/null\", source: \"/dev/null\", options: [\"bind\"]}]
		| .linux.maskedPaths += [\"/src/below\", \"/src/file\", \"/src/file\", \"/null\", \"/null\"]
		| .linux.readonlyPaths += [\"/null\", \"/bin\"]" \
		'echo ready; while [ ! -e /src/go ]; do sleep 0.05; done; wc -c </src/file; grep -c late /proc/mounts'
	run -0 unshare --mount --propagation private bash shared
	cat out
	diff before during
	diff before after
	[ "$(cat out)" = "$(printf 'ready\n0\n0')" ]
}

@test "tmpcopyup, an id map, an overlay, cgroups, devices" {
	mkdir -p "$B/rootfs/full" "$B/lower" "$B/upper" "$B/work" "$B/src"
	echo yes >"$B/rootfs/full/file"
	echo low >"$B/lower/file"
	is "$(mounted /full tmpfs tmpfs '"tmpcopyup"')" 'cat /full/file; rm /full/file' yes
	[ "$(cat "$B/rootfs/full/file")" = yes ]
	is "$(mounted /o overlay overlay "\"lowerdir=$B/lower\", \"upperdir=$B/upper\", \"workdir=$B/work\"")" \
		'cat /o/file; echo new >/o/file' low
	[ "$(cat "$B/upper/file") $(cat "$B/lower/file")" = "new low" ]
	is "$(mounted /cg cgroup cgroup '"ro"')" 'touch /cg/x || echo refused; [ "$(ls /cg | wc -l)" -gt 1 ] && echo some' \
		"$(printf 'refused\nsome')"
	is "$(mounted /cg cgroup cgroup '"rw"')" 'grep -qx $$ "$(find /cg -name cgroup.procs | head -n 1)" && echo its own' "its own"
	is "$LOOSE | .linux.devices = [{type: \"c\", path: \"/dev/one\", major: 1, minor: 5}]
		| .linux.resources.devices += [{allow: true, type: \"c\", major: 1, minor: 5, access: \"rw\"}]" \
		'head -c 3 /dev/one | wc -c' 3
	touch "$B/src/file"
	chown 7:8 "$B/src/file"
	config "$(mounted /i none src '"bind", "idmap=uids=7-1007-1;gids=8-1008-1"')" 'stat -c %u:%g /i/file'
	[ "$(oci run --bundle "$B" inside)" = 1007:1008 ]
}

@test "the command works on: pivot or none, joined namespaces, no namespace at all" {
	local holder
	config "$LOOSE" 'cat /proc/1/comm'
	[ "$(oci run --no-pivot --bundle "$B" inside)" = cat ]
	unshare --net sleep 60 &
	holder=$!
	STARTED+=("$holder")
	eventually own_network "$holder"
	is "$LOOSE | (.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$holder/ns/net\"" \
		'readlink /proc/self/ns/net; ls -d /proc/self' "$(readlink "/proc/$holder/ns/net")
/proc/self"
	is '.linux.namespaces = [] | del(.hostname) | .mounts |= map(select(.type != "cgroup"))' \
		'cat /proc/$$/comm; ls -d /dev/pts/ptmx; [ -e /home ] || echo its own root' "$(printf 'sh\n/dev/pts/ptmx\nits own root')"
}

@test "a terminal is of the container's own devpts, and its /dev/console" {
	need_python
	config "$LOOSE | .process.terminal = true" 'tty; ls -l /dev/console | cut -c 1-4; echo x >/dev/console'
	run -0 /usr/bin/python3 "$HERE/terminal.py" 'expect /dev/pts/0
		expect crw-
		expect x' "$OCI" --root "$T/root" run --bundle "$B" inside
	echo "$output"
	[[ $output == *"exit 0"* ]]
}

@test "exec enters the root of the first process; ps, kill, pause and resume work" {
	started one "$(mounted /m tmpfs tmpfs '"size=64k"')" 'echo mine >/m/file; sleep 60'
	eventually grep -qs mine "/proc/$PID/root/m/file"
	[ "$(oci exec one cat /m/file)" = mine ]
	[ "$(oci exec one readlink /proc/self/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ]
	[ "$(oci exec one stat -c %i /)" = "$(stat -c %i "$B/rootfs")" ]
	run ! oci exec one ls "$T"
	[ "$(oci exec --cwd /m one pwd)" = /m ]
	oci exec --detach one sleep 50
	eventually has_processes one 2
	run -1 oci mounts add one <(echo '[{"destination": "/a", "type": "tmpfs", "source": "x"}]')
	[[ $output == *'"one" has no mount namespace, so that its mounts stay as they are' ]]
	run -1 oci mounts remove one <(echo '[{"destination": "/m"}]')
	[[ $output == *'"one" has no mount namespace'* ]]
	run -1 oci checkpoint --image-path images one
	[[ $output == *"criu does not know a root that is mounted nowhere"* ]]
	has_status one running
	oci pause one
	has_status one paused
	oci resume one
	oci kill one KILL
	eventually has_status one stopped
	run ! oci exec one true
	[[ $output == *"container not running"* ]]
}

@test "hooks outside see the host's mounts, those of the start the container's" {
	cat >"$T/hook" <<-'END'
		#!/bin/sh
		cat >/dev/null
		{ echo "$1 $(readlink /proc/self/ns/mnt) $(stat -c %i /)"; } >>"$2"
	END
	chmod 755 "$T/hook"
	cp "$T/hook" "$B/rootfs/bin/hook"
	mkdir "$T/told"
	touch "$T/told/outside" "$T/told/inside"
	hooks=$(jq -n --arg t "$T" '{createRuntime: [{path: ($t + "/hook"), args: ["hook", "runtime", ($t + "/told/outside")]}],
		createContainer: [{path: ($t + "/hook"), args: ["hook", "container", ($t + "/told/outside")]}],
		startContainer: [{path: "/bin/hook", args: ["hook", "start", "/told/inside"], env: ["PATH=/bin"]}],
		poststop: [{path: ($t + "/hook"), args: ["hook", "stop", ($t + "/told/outside")]}]}')
	started one "$(mounted /told none "$T/told" '"bind"') | .hooks = $hooks"
	oci delete --force one
	cat told/*
	here="$(readlink /proc/self/ns/mnt) $(stat -c %i /)"
	[ "$(cat told/outside)" = "$(printf '%s\n' "runtime $here" "container $here" "stop $here")" ]
	[ "$(cat told/inside)" = "start $(readlink /proc/self/ns/mnt) $(stat -c %i "$B/rootfs")" ]
}

@test "no way leads out: dots, chroot, mounts, namespaces" {
	need_python
	cat >"$B/rootfs/escape.py" <<-'END'
		import ctypes, errno, os
		C = ctypes.CDLL(None, use_errno=True)
		def error(n):
		    return "done" if n >= 0 else errno.errorcode[ctypes.get_errno()]
		marker = os.environ["MARKER"]
		fd = os.open("/", os.O_DIRECTORY)
		print("proc", os.path.exists("/proc/1/root/.." + marker), os.path.exists("/proc/self/cwd/.." + marker))
		print("unmount", error(C.umount2(b"/proc", 2)), error(C.umount2(b"/", 2)), error(C.umount2(b"/dev/shm", 0)))
		print("mount", C.mount(b"none", b"/tmp", b"tmpfs", 0, None) < 0)
		print("remount", error(C.mount(None, b"/sys", None, 0x1020, None)))
		print("propagate", error(C.mount(None, b"/sys", None, 0x100000, None)))
		print("bind", C.mount(b"/", b"/tmp", None, 0x1000, None) < 0)
		print("pivot", C.syscall(155, b"/tmp", b"/tmp") < 0)
		print("user namespace", error(C.unshare(0x10000000)))
		os.mkdir("/tmp/jail")
		os.chroot("/tmp/jail")
		os.fchdir(fd)
		for _ in range(64):
		    os.chdir("..")
		print("chroot", os.path.exists(marker[1:]), os.path.exists("escape.py"))
		os.chroot(".")
		print("again", os.path.exists(marker), os.path.exists("/escape.py"))
		print("new namespace", error(C.unshare(0x20000)), os.path.exists(marker), os.path.exists("/escape.py"))
	END
	[ "$(uname -m)" = x86_64 ] || skip "knows one number of pivot_root"
	touch "$T/marker"
	# All that root can have, but for what leads anywhere by its very meaning.
	config "$LOOSE | .process.args = [\"/usr/bin/python3\", \"/escape.py\"] | .process.env += [\"MARKER=$T/marker\"]
		| .process.capabilities |= map_values([\"CAP_SYS_ADMIN\", \"CAP_SYS_CHROOT\", \"CAP_DAC_OVERRIDE\"])
		| .mounts += ([\"/usr\", \"/lib\", \"/lib64\"] | map({destination: ., source: ., options: [\"rbind\", \"ro\"]}))"
	run -0 --separate-stderr oci run --bundle "$B" inside
	echo "$output"
	[ "$output" = "$(cat <<-'END'
		proc False False
		unmount EINVAL EINVAL EINVAL
		mount True
		remount EINVAL
		propagate EINVAL
		bind True
		pivot True
		user namespace EPERM
		chroot False True
		again False True
		new namespace done False True
	END
	)" ]
}

@test "a program's set-user-id bit has no effect, as for any mount that is not of one's namespace" {
	need_python
	cp "$(realpath /usr/bin/id)" "$B/rootfs/bin/real-id"
	chmod 4755 "$B/rootfs/bin/real-id"
	with='.process.user = {uid: 1000, gid: 1000} | .process.noNewPrivileges = false
		| .mounts += (["/usr", "/lib", "/lib64"] | map({destination: ., source: ., options: ["rbind", "ro"]}))'
	is "$with" '/bin/real-id -u' 0
	is "$LOOSE | $with" '/bin/real-id -u' 1000
}

@test "who could leave the root is warned of" {
	local way='.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"])'

	config "$LOOSE | $way" true
	run -0 oci run --bundle "$B" inside
	[ "$output" = "holm-oci: linux.namespaces: without a mount namespace CAP_SYS_ADMIN and CAP_SYS_CHROOT together lead to the host's root" ]
	config "$LOOSE | ${way/, \"CAP_SYS_CHROOT\"/}" true
	run -0 oci run --bundle "$B" inside
	[ "$output" = "" ]
	config "$way" true
	run -0 oci run --bundle "$B" inside
	[ "$output" = "" ]
}

@test "refused: what cannot be had without a mount namespace" {
	fails "$LOOSE | .linux.namespaces += [{type: \"user\"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]" true \
		"there is a user namespace and no mount namespace"
	if ! at_least 6 15; then
		fails "$LOOSE" true "only Linux 6.15 and later can mount for a container alone"
		return
	fi
	for word in shared slave rshared rslave; do
		fails "$LOOSE | .linux.rootfsPropagation = \"$word\"" true "linux.rootfsPropagation: without a mount namespace"
		fails "$(mounted /m tmpfs tmpfs "\"$word\"")" true "mount /m: shared, slave: without a mount namespace nothing propagates"
	done
	for word in private unbindable rprivate runbindable; do
		is "$LOOSE | .linux.rootfsPropagation = \"$word\"" 'echo yes' yes
		is "$(mounted /m tmpfs tmpfs "\"$word\"")" 'echo yes' yes
	done
	fails "$(mounted /m overlay overlay "\"lowerdir=$(printf '/a%.0s' {1..150})\"")" true \
		"an option of more than 255 characters takes a mount namespace"
	fails "$LOOSE | del(.root)" true "root: is missing"
	# An ordinary user has nobody's mount namespace.
	config "$LOOSE | .linux.namespaces = [] | del(.hostname, .linux.resources, .linux.cgroupsPath)" true
	chmod -R go+rX "$B"
	run -1 as_user "$OCI" --root "$(user_dir user)" run --bundle "$B" inside
	[[ $output == *"it needs CAP_SYS_ADMIN: start as root"* ]]
}
