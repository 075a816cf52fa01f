#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input: one clear line, the right exit code, nothing left behind (every test checks that).

load helpers

# ---- options ----

# bats test_tags=quick
@test "an unknown option is named, and the nearest one offered" {
	refused 125 "no option --hostnam; did you mean --hostname?" --hostnam x -- true
	refused 125 "no option --qqqqqqqqqq" --qqqqqqqqqq -- true
	refused 125 "no option -Z" -Z -- true
}

# bats test_tags=quick
@test "a missing argument or command is said" {
	refused 125 "--hostname needs an argument: NAME" --hostname
	refused 125 "-u needs an argument" -u
	refused 125 "no command" --hostname x
	refused 125 "no command" --
	refused 125 "no command" ""
}

# bats test_tags=quick
@test "values that a field does not take" {
	refused 125 'hostname: "a b"' --hostname "a b" -- true
	refused 125 'hostname: "' --hostname "$(printf '%065d' 0)" -- true
	refused 125 'domainname: "a/b"' --domainname a/b -- true
	refused 125 'user: "a:b"' --user a:b -- true
	refused 125 'user: "5000000000"' --user 5000000000 -- true
	refused 125 'map-users: "0:0"' --map-users 0:0 -- true
	refused 125 'map-users: "0:0:0"' --map-users 0:0:0 -- true
	refused 125 'map-users: "1:1:4294967295"' --map-users 1:1:4294967295 -- true
	refused 125 'umask: "999"' --umask 999 -- true
	refused 125 'nice: "99"' --nice 99 -- true
	refused 125 'no limit "nofoo"' --rlimit nofoo=3 -- true
	refused 125 'rlimit: nofile=10:5' --rlimit nofile=10:5 -- true
	refused 125 'no capability "sys_god"' --cap sys_god -- true
	refused 125 'clock "realtime"' --time-offset realtime=3d -- true
	refused 125 '"soon" is no duration' --time-offset monotonic=soon -- true
	refused 125 '"0" is no size' --scratch-size 0 -- true
	refused 125 '"10x" is no size' --scratch-size 10x -- true
	refused 125 'pty: "maybe"' --pty maybe -- true
	refused 125 'neither true nor false' --outlive-parent=maybe -- true
	refused 125 'propagation: "loud"' --propagation loud -- true
	refused 125 'no namespace "gpu"' --share net,gpu -- true
	refused 125 'no namespace "gpu"' --join gpu=1 -- true
	refused 125 'names no target' --join net= -- true
	refused 125 'has no name' --env =x -- true
	refused 125 'fallback: "hope"' --fallback hope -- true
	refused 125 '"main" is no name' --service main=true -- true
	refused 125 'two named "a"' --service a=true --service a=true -- true
	refused 125 '"often" is no restart policy' --service a:often=true -- true
	refused 125 'is not ACCESS:PATH' --landlock rw:relative -- true
	refused 125 'keep-fd: "x"' --keep-fd x -- true
}

# bats test_tags=quick
@test "a working directory that was removed is not taken for another" {
	mkdir "$T/gone"
	cd "$T/gone"
	rmdir "$T/gone"
	refused 125 '"." begins at the working directory' --bind .:/mnt -- true
	refused 125 '"x" begins at the working directory' --ro-bind x -- true
	refused 125 '"." begins at the working directory' --rootfs . -- true
	refused 125 '"." begins at the working directory' --work . -- true
	refused 125 '"./x" begins at the working directory' -- ./x
	run -0 "$HOLM" box -- true
	cd "$T"
}

@test "a filter around holm that leaves no way to end the box is told at once" {
	need_root
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["pidfd_send_signal"],
		"action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}' >"$T/filter"
	run -125 "$HOLM" box --share user,mnt,pid,net,ipc,uts,cgroup,time --cap all --seccomp "$T/filter" -- \
		"$HOLM" box --wall 1s -- sleep 20
	[[ $output == *"pidfd_send_signal(2), to end the box by, is refused"* ]]
}

# bats test_tags=quick
@test "impossible combinations" {
	refused 125 "exclude each other" --rootfs "$T" --host-root -- true
	refused 125 "writable: goes with rootfs" --writable -- true
	refused 125 "overlay: goes with rootfs" --overlay tmp -- true
	refused 125 "writable and overlay exclude" --rootfs "$T" --writable --overlay tmp -- true
	refused 125 "as-pid1: needs a pid namespace" --as-pid1 --share pid -- true
	refused 125 "as-pid1: services need" --as-pid1 --service a=true -- true
	refused 125 "mount namespace is shared" --share mnt --bind "$T" -- true
	refused 125 "mount namespace is shared" --share mnt --rootfs "$T" -- true
	refused 125 "hostname: cannot be set" --share uts --hostname x -- true
	refused 125 "time-offset: cannot be set" --share time --time-offset boottime=1d -- true
	refused 125 "has its maps already" --share user --map-users 0:0:1 -- true
	refused 125 "goes without map-users" --map-auto --map-users 0:0:1 -- true
	refused 125 "overlap" --map-users 0:0:5 --map-users 3:10:1 -- true
}

# ---- files and directories ----

# bats test_tags=quick
@test "directories and files that are not there" {
	refused 125 "rootfs: $T/none: there is no such directory" --rootfs "$T/none" -- true
	refused 125 "rootfs: /etc/passwd: there is no such directory" --rootfs /etc/passwd -- true
	refused 125 "work: $T/none" --work "$T/none" -- true
	refused 125 "work: /etc/passwd" --work /etc/passwd -- true
	refused 125 "open the source: No such file" --bind "$T/none:/x" -- true
	refused 125 "open the source: No such file" --ro-bind "$T/none" -- true
	refused 125 "open its source: No such file" --file "/x=@$T/none" -- true
	refused 125 "open a lower layer: No such file" --overlay "$T/none:/x" -- true
	refused 125 "there is no such directory inside" --cwd /home/nobody -- true
	refused 125 "mask /none" --mask /none -- true
	refused 125 "seccomp $T/none" --seccomp "$T/none" -- true
	refused 125 "landlock rw:/none" --landlock rw:/none -- true
	refused 125 "profile $T/none" --profile "$T/none" -- true
	refused 125 "remount-ro /usr/bin" --remount-ro /usr/bin -- true
}

# bats test_tags=quick
@test "places that are no absolute path, or lead through .." {
	refused 125 '"relative" is no absolute path' --bind "$T:relative" -- true
	refused 125 'leads through ".."' --bind "$T:/a/../b" -- true
	refused 125 'leads through ".."' --bind "$T:/.." -- true
	refused 125 'leads through ".."' --tmpfs /tmp/.. -- true
	refused 125 'leads through ".."' --dir /tmp/../x -- true
	refused 125 'leads through ".."' --file /tmp/../x=y -- true
	refused 125 'leads through ".."' --symlink a:/tmp/../x -- true
	refused 125 'leads through ".."' --mask /usr/../proc -- true
	refused 125 'leads through ".."' --proc /tmp/../x -- true
	refused 125 'leads through ".."' --overlay "$T:/tmp/../x" -- true
}

# bats test_tags=quick
@test "nothing may be mounted over the root" {
	for place in / // /./; do
		refused 125 "would hide the root" --bind "$T:$place" -- true
		refused 125 "would hide the root" --tmpfs "$place" -- true
		refused 125 "would hide the root" --mask "$place" -- true
		refused 125 "would hide the root" --proc "$place" -- true
		refused 125 "would hide the root" --dev "$place" -- true
	done
}

# bats test_tags=quick
@test "symbolic links that go in circles" {
	refused 125 "Too many levels of symbolic links" \
		--symlink /two:/one --symlink /one:/two --bind "$T:/one/x" -- true
	ln -s b "$T/a"
	ln -s a "$T/b"
	refused 125 "Too many levels of symbolic links" --bind "$T/a:/x" -- true
	refused 125 "$T/a" --rootfs "$T/a" -- true
	refused 126 "command $T/a" -- "$T/a"
}

@test "a path longer than the kernel takes" {
	long=$(printf '/%0200d' $(seq 30))
	refused 125 "File name too long" --bind "$T:$long" -- true
	refused 125 "File name too long" --dir "/$(printf '%0300d' 0)/x" -- true
}

# ---- the command ----

# bats test_tags=quick
@test "127: the command was not found" {
	refused 127 "command no-such-program: not found in the box" no-such-program
	refused 127 "command ./none: no such file" ./none
	refused 127 "command $T/none" "$T/none"
	refused 127 "command /usr/bin/none" /usr/bin/none
}

# bats test_tags=quick
@test "126: the command cannot be executed" {
	echo text >"$T/text"
	refused 126 "Permission denied" "$T/text"
	refused 126 "it is a directory" "$T"
	refused 126 "Permission denied" /usr/share
	chmod 755 "$T/text"
	refused 126 "Exec format error" "$T/text"
}

@test "126 or 127: a script whose interpreter is missing names what is wrong" {
	printf '#!/no/such/interpreter\n' >"$T/script"
	chmod 755 "$T/script"
	refused 127 "command $T/script" "$T/script"
}

# ---- profiles ----

# bats test_tags=quick
@test "a profile with an unknown key is refused with line and column" {
	printf '{\n  "hostname": "x",\n    "hostnmae": "y"\n}\n' >"$T/p.json"
	refused 125 "$T/p.json:3:5: there is no field \"hostnmae\"" --profile "$T/p.json" -- true
}

# bats test_tags=quick
@test "a profile that is no JSON, or of the wrong shape" {
	printf '{\n  "hostname": "x",,\n}\n' >"$T/p.json"
	refused 125 "$T/p.json:2:19:" --profile "$T/p.json" -- true
	printf '{ "hostname": "x"' >"$T/p.json"
	refused 125 "$T/p.json:1:" --profile "$T/p.json" -- true
	printf '[]' >"$T/p.json"
	refused 125 "a profile is a JSON object" --profile "$T/p.json" -- true
	printf '{"hostname": ["a", "b"]}' >"$T/p.json"
	refused 125 "hostname: takes one value" --profile "$T/p.json" -- true
	printf '{"hostname": {"a": 1}}' >"$T/p.json"
	refused 125 "hostname:" --profile "$T/p.json" -- true
	printf '{"env": [["a"]]}' >"$T/p.json"
	refused 125 "env: element 0" --profile "$T/p.json" -- true
	printf '{"command": "true"}' >"$T/p.json"
	refused 125 "command: not an array" --profile "$T/p.json"
	printf '{"rlimit": ["nofoo=3"]}' >"$T/p.json"
	refused 125 "$T/p.json:1:2: rlimit: there is no limit" --profile "$T/p.json" -- true
	printf '{} {}' >"$T/p.json"
	refused 125 "$T/p.json:1:4:" --profile "$T/p.json" -- true
	head -c 1100000 /dev/zero | tr '\0' ' ' >"$T/p.json"
	refused 125 "larger than 1 MiB" --profile "$T/p.json" -- true
	printf '{"hostname": "a\\u0000b"}' >"$T/p.json"
	refused 125 "hostname" --profile "$T/p.json" -- true
}

# ---- ids ----

@test "a map that is not granted is refused, and the line for /etc/subuid is said" {
	as_user_words
	PREFIX=("${AS_USER[@]}")
	refused 125 "/etc/subuid" --map-users 0:0:1 -- true
	refused 125 ':100000:5" to /etc/subgid' --map-users "0:$(user_id):1" --map-groups 0:100000:5 -- true
	refused 125 "/etc/subuid" --map-auto -- true
}

@test "a user that no map has a place for" {
	refused 125 "uid 7 has no place in the map" --user 7 --map-users "0:$(id -u):1" -- true
}

# ---- descriptors ----

# bats test_tags=quick
@test "descriptors that are not open" {
	for option in keep-fd info-fd status-fd sync-fd block-fd ready-fd; do
		refused 125 "$option" "--$option" 55 -- true
	done
	refused 125 "fd:55" --file /x=fd:55 -- true
	refused 125 "fd:55" --join net=fd:55 -- true
}

# ---- many ----

@test "10,000 mounts are made, or refused with one line" {
	seq -f '"/m/%.0f"' 10000 | jq -cs '{tmpfs: ., command: ["sh", "-c", "grep -c \" /m/\" /proc/self/mountinfo"]}' >"$T/many.json"
	run --separate-stderr "$HOLM" box --profile "$T/many.json"
	echo "$stderr"
	if [ "$status" = 0 ]; then
		[ "$output" = 10000 ]
	else
		[ "$status" = 125 ]
		[ "${#stderr_lines[@]}" = 1 ]
	fi
}

@test "more mounts than the kernel allows are refused with one line" {
	yes '"/m"' | head -n 100001 | jq -cs '{tmpfs: ., command: ["true"]}' >"$T/many.json"
	refused 125 "fs.mount-max" --profile "$T/many.json"
}

@test "a thousand environment variables, arguments of 1 MB" {
	env=()
	for ((i = 0; i < 1000; i++)); do env+=(--env "V$i=$i"); done
	run -0 "$HOLM" box "${env[@]}" -- sh -c 'env | grep -c ^V'
	[ "$output" = 1000 ]
	mapfile -t args < <(seq -f '%0100.0f' 10000)
	run -0 "$HOLM" box -- sh -c 'echo $#' sh "${args[@]}"
	[ "$output" = 10000 ]
}

@test "a failure is told on the status channel too" {
	run -125 "$HOLM" box --status-fd 7 --bind "$T/none:/x" -- true 7>"$T/status"
	[ "$(jq -r '.event, .errno' "$T/status" | tr '\n' ' ')" = "failed 2 " ]
	[[ $(jq -r .error "$T/status") == *"No such file"* ]]
}

@test "the limit of processes is reached: said, and nothing left" {
	need_root
	grep -q __asan_init "$HOLM" && skip "needs a build without sanitizers: theirs start threads"
	as_user_words
	PREFIX=(prlimit --nproc=0 "${AS_USER[@]}")
	refused 125 "limit of processes" -- true
}

@test "an error is one line in one write" {
	need strace
	ASAN_OPTIONS=detect_leaks=0 strace -qq -e trace=write,writev -o "$T/trace" "$HOLM" box --hostname "$(printf '%0500d' 0)" -- true || :
	[ "$(grep -c '(2, ' "$T/trace")" = 1 ]
	ASAN_OPTIONS=detect_leaks=0 strace -qq -e trace=write,writev -o "$T/trace" "${HOLM_OCI:-$HERE/../../build/holm-oci}" --root "$T" state nosuch || :
	[ "$(grep -c '(2, ' "$T/trace")" = 1 ]
}
