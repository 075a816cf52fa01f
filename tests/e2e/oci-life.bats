#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands of holm-oci: a container's life, what engines read, what is left when something dies.

load oci

@test "create, start, kill, delete: the states between" {
	need_root
	config . 'echo ran >/ran; sleep 60'
	oci create --bundle "$B" --pid-file pid one
	has_status one created
	[ "$(oci state one | jq .pid)" = "$(cat pid)" ]
	[ ! -e "$B/rootfs/ran" ]
	run -255 oci exec nosuch true
	oci start one
	eventually test -e "$B/rootfs/ran"
	has_status one running
	run -1 oci start one
	run -1 oci delete one
	oci kill one KILL
	eventually has_status one stopped
	run -1 oci kill one KILL
	run -1 oci start one
	oci delete one
	run -1 --separate-stderr oci state one
	[[ $stderr == *"does not exist"* ]]
	oci delete --force one
	run -1 oci delete one
}

@test "run: the exit code, by itself and by a signal; nothing left in the list" {
	need_root
	config . 'exit 7'
	run -7 oci run --bundle "$B" one
	config . 'kill -KILL $$; exit 8' # process 1 is immune to itself
	run -8 oci run --bundle "$B" one
	started one
	oci kill one TERM
	oci kill one KILL
	eventually has_status one stopped
	oci delete one
	[ "$(oci list --quiet)" = "" ]
	config . 'exit 7'
	oci run --detach --bundle "$B" one
	eventually has_status one stopped
	run -7 oci run --keep --bundle "$B" two
	has_status two stopped
}

@test "one id, two at once: one wins" {
	need_root
	local i won=0 pids=()

	config . 'sleep 60'
	for i in 1 2 3 4 5 6; do
		oci create --bundle "$B" one >"out$i" 2>&1 </dev/null &
		pids+=("$!")
	done
	for i in "${pids[@]}"; do
		wait "$i" && won=$((won + 1))
	done
	[ "$won" = 1 ]
	has_status one created
	oci delete --force one
}

@test "ids are checked" {
	need_root
	local id

	config . true
	for id in . .. a/b '' 'a b' .a "$(printf 'x%.0s' {1..256})"; do
		run -1 oci create --bundle "$B" "$id"
		[[ $output == *"cannot be a container's id"* ]]
		[ "${#output}" -lt 200 ]
	done
	run -0 oci run --bundle "$B" a_b.c+d-e9
	run -0 oci run --bundle "$B" "$(printf 'x%.0s' {1..255})"
	config 'del(.linux.cgroupsPath)' true
	run -1 oci run --bundle "$B" "$(printf 'x%.0s' {1..247})"
	[[ $output == *"no cgroup's name has more than 255 characters" ]]
	run -0 oci run --bundle "$B" "$(printf 'x%.0s' {1..246})"
}

@test "start: killed meanwhile, or with a full disk; the state is what the container is" {
	need_root
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "touch /tmp/hook; until [ -e /tmp/go ]; do sleep 0.02; done"]}]
		| .hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c", "touch '"$T/poststart"'"]}]' 'sleep 60'
	oci create --bundle "$B" one </dev/null >/dev/null 2>&1
	# Somebody who looks is not taken for somebody who starts.
	for i in {1..20}; do
		[ "$(status one)" = created ]
	done
	"$OCI" --root "$T/root" start one & # itself, not a shell around it
	eventually test -e "$B/rootfs/tmp/hook"
	kill -9 "$!"
	wait "$!" || :
	# Its command has not been executed, however often one looks.
	for i in {1..8}; do
		[ "$(status one)" = created ]
	done
	[ "$(oci list --format json | jq -r '.[0].status')" = created ]
	# Whoever starts it again hears how that went, and sees to what was left.
	oci start one &
	sleep 0.1
	[ ! -e "$T/poststart" ]
	touch "$B/rootfs/tmp/go"
	wait "$!"
	[ -e "$T/poststart" ]
	[ "$(status one)" = running ]
	[ "$(oci list --format json | jq -r '.[0].status')" = running ]
	run -1 oci delete one
	run -1 oci start one
	[[ $output == *"cannot start a container in the running state"* ]]
	eventually eval 'oci ps one | grep -q "sleep 60"'
	oci exec one true
	oci delete --force one
	mkdir "$T/root" || :
	mount -t tmpfs -o size=256k tmpfs "$T/root"
	config . 'sleep 60'
	oci create --bundle "$B" two </dev/null >/dev/null 2>&1
	# A full disk cannot hold a state that is new.
	cat /dev/zero >"$T/root/full" 2>/dev/null || :
	run oci start two
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"No space left"* ]]
	[ "$(status two)" = running ]
	run -1 oci delete two
	rm "$T/root/full"
	oci delete --force two
	umount "$T/root"
}

@test "what the caller ignores the container does not; it is waited for, and so are hooks" {
	need_root
	ignoring() { (trap '' CHLD PIPE USR1 XFSZ; exec "$OCI" --root "$T/root" "$@"); }

	config . 'grep SigIgn /proc/self/status; exit 3'
	run -3 ignoring run --bundle "$B" one
	[[ $output == "SigIgn:"*0000000000000000 ]]
	started one
	run -0 ignoring exec one grep SigIgn /proc/self/status
	[[ $output == "SigIgn:"*0000000000000000 ]]
	run -4 ignoring exec one sh -c 'exit 4'
	oci delete --force one
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "grep SigIgn /proc/self/status >'"$T/hook"'; exit 5"]}]' true
	run -1 ignoring create --bundle "$B" one
	[[ $output == *"it ended with exit code 5"* ]]
	[[ $(cat "$T/hook") == "SigIgn:"*0000000000000000 ]]
	[ "$(oci list --quiet)" = "" ]
}

@test "a file of the runtime's that is too large (RLIMIT_FSIZE): an error, and nothing stays" {
	need_root
	config . true
	run -1 bash -c 'ulimit -f 0; exec "$@"' - "$OCI" --root "$T/root" run --bundle "$B" one
	[[ $output == *"File too large"* ]]
	[ "$(oci list --quiet)" = "" ]
}

@test "--config from a pipe: what was read is kept, for exec and for the hooks" {
	need_root
	config '.hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", "touch '"$T"'/stopped"]}]' 'sleep 60'
	mv "$B/config.json" "$T/c.json"
	for how in pipe stdin; do
		if [ "$how" = pipe ]; then
			oci create --bundle "$B" --config <(cat "$T/c.json") one </dev/null >/dev/null 2>&1
		else
			oci create --bundle "$B" --config - one <"$T/c.json" >/dev/null 2>&1
		fi
		cmp "$T/c.json" "$T/root/one/config.json"
		oci start one
		[ "$(oci exec one echo yes)" = yes ]
		oci delete --force one
		rm "$T/stopped"
	done
}

@test "annotations that the state cannot hold are refused before anything is made" {
	need_root
	config . true
	python3 -c 'import json, sys
c = json.load(open(sys.argv[1])); c["annotations"] = {"a": sys.argv[2][:1] * int(sys.argv[3])}; json.dump(c, open(sys.argv[1], "w"))' \
		"$B/config.json" x 1100000
	run -1 oci create --bundle "$B" one
	[[ $output == *"annotations: 11000"*" bytes of text; at most "*" can be kept" ]]
	[ -z "$(ls "$T/root" 2>/dev/null)" ]
	jq '.annotations.a |= .[:900000]' "$B/config.json" >"$T/c" && mv "$T/c" "$B/config.json"
	oci create --bundle "$B" one </dev/null >/dev/null 2>&1
	[ "$(status one)" = created ]
	oci delete --force one
}

@test "errors: to the log as well, as text and as JSON" {
	need_root
	config '.process.args = ["nosuch"]'
	run -1 --separate-stderr oci --log log.json --log-format json run --bundle "$B" one
	[[ $stderr == "holm-oci: "*"executable file not found"* ]]
	jq -es '.[-1] | .level == "error" and (.msg | test("executable file not found")) and has("time")' log.json
	run -1 oci --log log.text run --bundle "$B" one
	grep -q 'level=error msg=".*executable file not found' log.text
	run -1 oci --log-format nosuch list
	run -1 oci nosuch
}

@test "exec: code, env, cwd, user, caps, not found" {
	need_root
	started one
	run -9 oci exec one sh -c 'exit 9'
	[ "$(oci exec --env A=1 -e B=2 --cwd /tmp one sh -c 'echo $A $B; pwd')" = "$(printf '1 2\n/tmp')" ]
	[ "$(oci exec --user 5:6 -g 7 one sh -c 'id -u; id -G')" = "$(printf '5\n6 7')" ]
	[ "$(oci exec one sh -c 'readlink /proc/self/ns/pid')" = "$(readlink "/proc/$PID/ns/pid")" ]
	[ "$(oci exec one cat /proc/self/cgroup)" = "$(oci exec one cat /proc/1/cgroup)" ]
	[ "$(oci exec --no-new-privs one grep NoNewPrivs /proc/self/status)" = "$(printf 'NoNewPrivs:\t1')" ]
	run -255 --separate-stderr oci exec one nosuch
	[[ $stderr == *"executable file not found"* ]]
	run -255 oci exec nosuch true
	run -137 oci exec one sh -c 'kill -KILL $$'
}

@test "what is asked in a wrong way is refused; signal 0 asks; nothing is left of a pid file" {
	need_root
	started one
	run -255 oci exec --env FOO one env
	[[ $output == *'--env: "FOO" is not NAME=VALUE' ]]
	run -255 oci exec --env =x one env
	run -255 oci exec --cwd /nodir one true
	[[ $output == *"cwd /nodir "*": enter the directory: No such file or directory (there is no such directory inside)" ]]
	run -1 oci ps --format yaml one
	[[ $output == *'ps: --format: "yaml" is not table or json' ]]
	oci kill one 0
	oci kill --all one 0
	[ "$(status one)" = running ]
	oci delete --force one
	run -1 oci kill one 0
	mkdir small
	mount -t tmpfs -o size=4k,nr_inodes=3 tmpfs small
	head -c 4096 /dev/zero >small/full
	run oci create --bundle "$B" --pid-file small/pid two </dev/null
	ls small >left
	umount small
	[ "$status" = 1 ]
	[[ $output == *"pid file small/pid: No space left"* ]]
	[ "$(cat left)" = full ]
	run -1 oci state two
}

@test "exec: --process, --detach, --pid-file" {
	need_root
	started one
	echo '{"args": ["sh", "-c", "echo $X >/out; exec sleep 50"], "env": ["X=yes", "PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0}}' >process.json
	oci exec --process process.json --detach --pid-file pid one
	eventually test -s "$B/rootfs/out"
	[ "$(cat "$B/rootfs/out")" = yes ]
	[ "$(cat "/proc/$(cat pid)/comm")" = sleep ]
	[ "$(oci ps --format json one | jq length)" = 2 ]
	oci ps one | grep -q 'sleep 50'
}

@test "console: the master comes over the socket, with its name" {
	need_root
	need_python
	cat >console.py <<-'END'
		import array, os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind("console")
		s.listen()
		open("console.ready", "w").close()
		c, _ = s.accept()
		name, anc, _, _ = c.recvmsg(4096, 1024)
		fd = array.array("i", anc[0][2])[0]
		out = b""
		while b"done" not in out:
		    out += os.read(fd, 4096)
		sys.stdout.write(name.decode() + "|" + out.decode().replace("\r", "CR"))
	END
	/usr/bin/python3 console.py >told &
	STARTED+=("$!")
	eventually test -e console.ready
	config '.process.terminal = true | .process.consoleSize = {height: 33, width: 77}' 'stty size; tty; ls -l /dev/console | cut -c 1; echo done'
	oci create --bundle "$B" --console-socket console one
	oci start one
	eventually grep -q 'done' told
	[ "$(head -n 1 told)" = "/dev/ptmx|33 77" ]
	grep -qx c told
	run -1 oci create --bundle "$B" two
}

@test "run: signals that a C library keeps for itself get through as well" {
	need_root
	# 34: SIGRTMIN to one C library, and to another a signal of its own.
	config . 'trap "exit 9" 34; touch /tmp/ready; while :; do sleep 0.1; done'
	"$OCI" --root "$T/root" run --bundle "$B" one &
	STARTED+=("$!")
	eventually test -e "$B/rootfs/tmp/ready"
	kill -34 "${STARTED[0]}"
	code=0
	wait "${STARTED[0]}" || code=$?
	[ "$code" = 9 ]
}

@test "run with a terminal: signals get through, though neither input nor output is read" {
	need_root
	config '.process.terminal = true' 'trap "exit 7" TERM; touch /tmp/ready; while :; do sleep 0.1; done'
	mkfifo in
	"$OCI" --root "$T/root" run --bundle "$B" one <in >out &
	STARTED+=("$!")
	yes 2>/dev/null | head -c 1000000 >in &
	STARTED+=("$!")
	eventually test -e "$B/rootfs/tmp/ready"
	sleep 0.5
	kill -TERM "${STARTED[0]}"
	code=0
	wait "${STARTED[0]}" || code=$?
	[ "$code" = 7 ]
	# The output waits for its reader, and then all of it is there.
	config '.process.terminal = true' 'trap "end=1" USR1; touch /tmp/go; i=0
		until [ "$end" ]; do echo $i; i=$((i + 1)); done; echo; echo end $i'
	mkfifo pipe
	"$OCI" --root "$T/root" run --bundle "$B" two </dev/null >pipe &
	runtime=$!
	STARTED+=("$runtime")
	exec 6<pipe
	eventually test -e "$B/rootfs/tmp/go"
	sleep 1
	kill -USR1 "$runtime"
	sleep 0.5
	tr -d '\r' <&6 >out
	exec 6<&-
	wait "$runtime"
	last=$(sed -n 's/^end //p' out)
	[ "$last" -gt 1000 ]
	cmp <(seq 0 $((last - 1))) <(sed '/^$/,$d' out)
}

@test "pidfd: a descriptor of the process comes over the socket" {
	need_root
	need_python
	cat >pidfd.py <<-'END'
		import array, re, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind("pidfd")
		s.listen()
		open("pidfd.ready", "w").close()
		for _ in range(2):
		    c, _ = s.accept()
		    word, anc, _, _ = c.recvmsg(4096, 1024)
		    fd = array.array("i", anc[0][2])[0]
		    pid = re.search(r"Pid:\s*(\d+)", open(f"/proc/self/fdinfo/{fd}").read()).group(1)
		    print(word.decode(), pid, flush=True)
	END
	/usr/bin/python3 pidfd.py >told &
	STARTED+=("$!")
	eventually test -e pidfd.ready
	config . 'sleep 60'
	oci run --detach --bundle "$B" --pidfd-socket pidfd --pid-file "$T/pid" one </dev/null >/dev/null 2>&1
	oci exec --detach --pidfd-socket pidfd --pid-file "$T/pid2" one sleep 50 </dev/null >/dev/null 2>&1
	eventually grep -q setns told
	[ "$(cat told)" = "$(printf 'standard %s\nsetns %s' "$(cat "$T/pid")" "$(cat "$T/pid2")")" ]
	oci delete --force one
	run -1 oci create --bundle "$B" --pidfd-socket nowhere two
	[[ $output == *"pidfd socket nowhere"* ]]
	run -1 oci state two
}

@test "descriptors: --preserve-fds, LISTEN_FDS, and no other" {
	need_root
	config . 'ls /proc/self/fd | tr "\n" " "'
	[ "$(oci run --bundle "$B" one 7</dev/null)" = "0 1 2 3 " ]
	config . 'cat <&3; cat <&4'
	[ "$(oci run --bundle "$B" --preserve-fds 2 one 3< <(echo a) 4< <(echo b))" = "$(printf 'a\nb')" ]
	config . 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'
	[ "$(LISTEN_FDS=1 oci run --bundle "$B" one 3< <(echo a))" = "$(printf '1 1\na')" ]
	config . 'ls /proc/self/fd | tr "\n" " "'
	[ "$(LISTEN_FDS=1 LISTEN_PID=1 oci run --bundle "$B" one 3</dev/null)" = "0 1 2 3 " ]
	# The shell becomes the runtime, under the same number.
	[ "$(LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec "$@"' sh "$OCI" --root "$T/root" run --bundle "$B" one 3</dev/null)" = "0 1 2 3 4 " ]
}

# lacks FD ARG...: refused, because descriptor FD was not passed to us
lacks()
{
	local fd=$1

	shift
	run -"${CODE:-1}" --separate-stderr "$@" 3</dev/null
	echo "it said: $stderr"
	[[ $stderr == *"descriptor $fd of 3 to "*" is not open" ]]
}

@test "descriptors: what was not passed is refused, and nothing of the host's stands in for it" {
	need_root
	exec 4<&- 5<&-
	config . 'ls -l /proc/self/fd'
	lacks 4 oci run --bundle "$B" --preserve-fds 2 one
	lacks 4 oci create --bundle "$B" --preserve-fds 3 one
	LISTEN_FDS=2 lacks 4 oci run --bundle "$B" one
	LISTEN_FDS=1 lacks 4 oci run --bundle "$B" --preserve-fds 1 one
	LISTEN_FDS=2 lacks 4 oci create --bundle "$B" one
	run -1 oci state one
	run -1 oci run --bundle "$B" --preserve-fds 4294967295 one
	LISTEN_FDS=1 run -1 oci run --bundle "$B" --preserve-fds 4294967295 one 3</dev/null
	[[ $output == *"at most 64 in all" ]]
	# A log file is ours, too, and opened early.
	lacks 4 oci --log "$T/log" run --bundle "$B" --preserve-fds 2 one
	[[ $(cat "$T/log") == *"descriptor 4 of 3 to 4 is not open"* ]]
	started one
	CODE=255 lacks 4 oci exec --preserve-fds 2 one ls -l /proc/self/fd
	[ "$(oci exec --preserve-fds 1 one sh -c 'ls /proc/self/fd | tr "\n" " "' 3</dev/null)" = "0 1 2 3 4 " ]
}

@test "descriptors: standard ones that are closed are /dev/null" {
	need_root
	config . 'a=$(readlink /proc/1/fd/0) b=$(readlink /proc/1/fd/1) c=$(readlink /proc/1/fd/2)
		echo $a $b $c $(ls /proc/self/fd) >/tmp/out'
	oci run --bundle "$B" one <&- >&- 2>&-
	[ "$(cat "$B/rootfs/tmp/out")" = "/dev/null /dev/null /dev/null 0 1 2 3" ]
}

@test "exec --cgroup: into one below the container's" {
	need_root
	[ -d /sys/fs/cgroup/pids ] || skip "needs the pids controller of cgroup v1"
	started one
	mkdir "/sys/fs/cgroup/pids/$G/sub"
	[ "$(oci exec --cgroup pids:/sub one grep -c ':pids:/sub$' /proc/self/cgroup)" = 1 ]
	[ "$(oci exec one grep -c ':pids:/$' /proc/self/cgroup)" = 1 ]
	run -255 oci exec --cgroup pids:/none one true
	[[ $output == *"$G/none"* ]]
	run -255 oci exec --cgroup ../other one true
	[[ $output == *'must not hold ".."'* ]]
	run -255 oci exec --cgroup nosuch:/sub one true
	[[ $output == *"no such controller"* ]]
	oci delete --force one
	[ ! -e "/sys/fs/cgroup/pids/$G" ]
}

@test "pause, resume, update, events" {
	need_root
	started one '.' 'while :; do echo x >>/ticks; sleep 0.05; done'
	eventually test -s "$B/rootfs/ticks"
	oci pause one
	has_status one paused
	local before
	before=$(wc -l <"$B/rootfs/ticks")
	sleep 0.3
	[ "$(wc -l <"$B/rootfs/ticks")" = "$before" ]
	run -255 oci exec one true
	oci resume one
	has_status one running
	oci events --stats one | jq -e '.type == "stats" and .id == "one" and .data.pids.current >= 1'
	if [ -d /sys/fs/cgroup/pids ]; then
		oci update --pids-limit 77 one
		[ "$(cat "/sys/fs/cgroup/pids/$G/pids.max")" = 77 ]
		echo '{"memory": {"limit": 67108864}}' | oci update --resources - one
		[ "$(cat "/sys/fs/cgroup/memory/$G/memory.limit_in_bytes")" = 67108864 ]
	fi
	oci pause one
	oci kill one KILL
	eventually has_status one stopped
	oci delete one
}

@test "create: killed before it has a name; what it left goes with time" {
	need_root
	config . true
	strace -qq -o /dev/null -e inject=renameat2:signal=KILL:when=1 "$OCI" --root "$T/root" create --bundle "$B" one || :
	[ -n "$(find "$T/root" -name '.new-*')" ]
	[ "$(oci list --quiet)" = "" ]
	# Somebody may be at it still.
	[ -n "$(find "$T/root" -name '.new-*')" ]
	touch -d '2 minutes ago' "$T"/root/.new-*
	[ "$(oci list --quiet)" = "" ]
	[ -z "$(find "$T/root" -name '.new-*')" ]
	oci run --bundle "$B" one
}

@test "start: a poststart hook that fails stops the container" {
	need_root
	config '.hooks.poststart = [{path: "/bin/false"}]' 'sleep 60'
	oci create --bundle "$B" one </dev/null >/dev/null 2>&1
	run -1 oci start one
	[[ $output == *"/bin/false: it ended with exit code 1"* ]]
	has_status one stopped
	oci delete one
}

@test "--pid-file: a file is replaced, nothing else" {
	need_root
	config . 'sleep 60'
	echo old >"$T/pid"
	oci create --bundle "$B" --pid-file "$T/pid" one </dev/null >/dev/null 2>&1
	[ "$(cat "$T/pid")" = "$(oci state one | jq .pid)" ]
	oci delete --force one
	mkfifo "$T/fifo"
	run -1 oci create --bundle "$B" --pid-file "$T/fifo" one
	[[ $output == *"pid file $T/fifo: File exists"* ]]
	[ -p "$T/fifo" ]
	[ "$(oci list --quiet)" = "" ]
}

@test "update with all that an engine knows: devices stay as they are" {
	need_root
	started one '.linux.resources.devices = [{allow: false, access: "rwm"}]'
	jq '.linux.resources + {pids: {limit: 44}}' "$B/config.json" | oci update --resources - one
	[ ! -d /sys/fs/cgroup/pids ] || [ "$(cat "/sys/fs/cgroup/pids/$G/pids.max")" = 44 ]
	oci exec one sh -c 'echo >/dev/null && head -c 1 /dev/zero >/dev/null && : <>/dev/pts/ptmx'
	run -1 oci exec one sh -c 'mknod /tmp/sda b 8 0 && : </tmp/sda'
	oci delete --force one
}

@test "update: rules for devices come with what every container may use" {
	need_root
	local rules='{"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "r"}]}'

	mknod "$B/rootfs/fuse" c 10 229
	started one '.linux.resources.devices = [{allow: false, access: "rwm"}]' \
		'while [ ! -e /stop ]; do true </dev/null || echo lost >>/lost; done; sleep 100'
	opens()
	{
		oci exec one sh -c "true </$1 && true </dev/zero" 2>/dev/null
	}
	run ! opens fuse
	# As an engine that changes something else: nothing is taken away, not for a moment.
	for limit in 50 51 52 53 54; do
		echo "{\"pids\": {\"limit\": $limit}, \"devices\": [{\"allow\": false, \"access\": \"rwm\"}]}" | oci update -r - one
	done
	touch "$B/rootfs/stop"
	opens dev/null
	run ! opens fuse
	[ ! -e "$B/rootfs/lost" ]
	echo "$rules" | oci update -r - one
	opens dev/null
	[ ! -c /dev/fuse ] || opens fuse
	echo '{"devices": [{"allow": false, "access": "rwm"}]}' | oci update -r - one
	opens dev/null
	run ! opens fuse
	oci delete --force one
}

@test "kill --all; without a pid namespace too" {
	need_root
	started one 'del(.linux.namespaces[] | select(.type == "pid"))' 'sleep 1234 & sleep 1235 & wait'
	eventually has_processes one 3
	oci kill --all one KILL
	eventually has_status one stopped
	oci delete --force one
	run -1 pgrep -f 'sleep 123[45]'
}

@test "a cgroup that a later container has taken over is not ours any more" {
	need_root
	local first second procs dir

	started first . 'exec sleep 0.1'
	eventually has_status first stopped
	started second
	second=$PID
	oci kill --all first KILL
	[ "$(oci ps --format json first)" = "[]" ]
	oci delete first
	has_status second running
	[ "$(oci ps --format json second)" = "[$second]" ]
	grep -q "$G" "/proc/$second/cgroup"
	# Nor is it that of one that still runs, but elsewhere.
	oci delete --force second
	started first
	first=$PID
	oci run --detach --bundle "$B" second && return 1
	jq --arg g "/$G-away" '.linux.cgroupsPath = $g' "$B/config.json" >"$B/away.json"
	oci run --detach --bundle "$B" --config "$B/away.json" away
	for procs in /sys/fs/cgroup/*/"$G-away"/cgroup.procs /sys/fs/cgroup/"$G-away"/cgroup.procs; do
		[ ! -e "$procs" ] || echo "$first" >"$procs"
	done
	oci run --detach --pid-file pid --bundle "$B" second
	second=$(cat pid)
	run -255 --separate-stderr oci exec first true
	[[ $stderr == *"another container's by now"* ]]
	run -1 oci pause first
	run -1 oci update --pids-limit 7 first
	[ "$(oci ps --format json first)" = "[]" ]
	oci delete --force first
	has_status second running
	oci exec second true
	oci delete --force away
	# What is written on it counts less than who is in it.
	need_python
	for dir in /sys/fs/cgroup/*/"$G" /sys/fs/cgroup/"$G"; do
		[ ! -d "$dir" ] || /usr/bin/python3 -c 'import os, sys
for name in os.listxattr(sys.argv[1]): os.setxattr(sys.argv[1], name, b"forged")' "$dir"
	done
	[ "$(oci ps --format json second)" = "[$second]" ]
	oci delete --force second
	# Forged, it is nobody's of ours to remove.
	find /sys/fs/cgroup -depth -type d -path "*/$G*" -exec rmdir {} +
}

@test "the runtime killed at any time leaves what delete --force removes" {
	need_root
	local i delay

	config . 'sleep 60'
	for i in $(seq 24); do
		delay=0.0$(printf '%02d' "$((i - 1))")
		"$OCI" --root "$T/root" create --bundle "$B" one >/dev/null 2>&1 </dev/null &
		sleep "$delay"
		kill -KILL $! 2>/dev/null || :
		wait $! || :
		oci delete --force one
		run -1 oci state one
		eventually assert_no_cgroup
	done
}

@test "without a cgroup: --cgroup-manager disabled" {
	need_root
	config . 'sleep 60'
	oci --cgroup-manager disabled create --bundle "$B" one
	oci start one
	assert_no_cgroup
	oci exec one true
	oci --cgroup-manager disabled delete --force one
}

@test "an ordinary user, with a user namespace of his own" {
	local dir

	[ -x "$OCI" ]
	dir=$(user_dir mine)
	cp -r "$B/rootfs" "$dir/rootfs"
	! is_root || chown -R "$USER_ID:$USER_ID" "$dir"
	"$OCI" spec --rootless --bundle "$T" && mv "$T/config.json" "$dir/base.json"
	jq --argjson id "$(user_id)" '.process.terminal = false | .root.readonly = false
		| .process.args = ["sh", "-c", "id -u; touch /made; exit 3"]
		| .linux.uidMappings[0].hostID = $id | .linux.gidMappings[0].hostID = $id' "$dir/base.json" >"$dir/config.json"
	chmod 644 "$dir/config.json"
	cd "$dir"
	as_user_words
	run -3 "${AS_USER[@]}" env XDG_RUNTIME_DIR="$dir" "$OCI" --cgroup-manager disabled run --bundle "$dir" one
	[ "$output" = 0 ]
	[ "$(stat -c %u made 2>/dev/null || stat -c %u rootfs/made)" = "$(user_id)" ]
	# Rules for devices, as buildah always asks for, are nothing that he could have.
	jq '.linux.resources.devices = [{allow: false, access: "rwm"}]' "$dir/config.json" >"$dir/new.json"
	mv "$dir/new.json" "$dir/config.json"
	run -3 "${AS_USER[@]}" env XDG_RUNTIME_DIR="$dir" "$OCI" run --bundle "$dir" one
	# Its OOM score he may raise.
	jq '.process.oomScoreAdj = 432 | .process.args[2] = "cat /proc/self/oom_score_adj"' "$dir/config.json" >"$dir/new.json"
	mv "$dir/config.json" "$dir/old.json" && mv "$dir/new.json" "$dir/config.json"
	[ "$("${AS_USER[@]}" env XDG_RUNTIME_DIR="$dir" "$OCI" run --bundle "$dir" one)" = 432 ]
	mv "$dir/old.json" "$dir/config.json"
	# A limit is: no cgroup, no container, unless one was delegated.
	jq '.linux.resources.memory.limit = 67108864' "$dir/config.json" >"$dir/new.json"
	mv "$dir/new.json" "$dir/config.json"
	run "${AS_USER[@]}" env XDG_RUNTIME_DIR="$dir" "$OCI" run --bundle "$dir" one
	[ "$status" = 3 ] || [[ $output == *"delegated"* ]]
	[ "$(as_user env XDG_RUNTIME_DIR="$dir" "$OCI" list --quiet)" = "" ]
}

# His own bundle in DIR, whose config.json is that of `spec --rootless` changed by JQ.
user_bundle()
{
	DIR=$(user_dir mine)
	cp -r "$B/rootfs" "$DIR/rootfs"
	"$OCI" spec --rootless --bundle "$T"
	jq --argjson id "$(user_id)" '.process.terminal = false | .process.args = ["sleep", "60"] | .root.readonly = false
		| .linux.uidMappings[0].hostID = $id | .linux.gidMappings[0].hostID = $id
		| '"$1" config.json >"$DIR/config.json"
	! is_root || chown -R "$USER_ID:$USER_ID" "$DIR"
	cd "$DIR" || return
}

# user_oci ARG...: holm-oci as he calls it; PREFIX comes before
user_oci()
{
	as_user_words
	"${PREFIX[@]}" "${AS_USER[@]}" env XDG_RUNTIME_DIR="$DIR" "$OCI" --cgroup-manager disabled "$@"
}

@test "exec where setgroups(2) is denied: the groups stay, and none can be added" {
	user_bundle .
	user_oci create --bundle . --pid-file pid one
	user_oci start one
	[ "$(cat "/proc/$(cat pid)/setgroups")" = deny ]
	[ "$(user_oci exec one id -u)" = 0 ]
	[ "$(user_oci exec one readlink /proc/self/ns/user)" = "$(readlink "/proc/$(cat pid)/ns/user")" ]
	run -255 --separate-stderr user_oci exec -g 5 one true
	[[ $stderr == *"additionalGids: the container's user namespace allows no setgroups(2)"* ]]
	user_oci delete --force one
}

@test "a user namespace around the runtime that denies setgroups(2)" {
	# As podman's of a user to whom no ids are granted; shared, and with another one below.
	user_bundle 'del(.linux.uidMappings, .linux.gidMappings) | del(.linux.namespaces[] | select(.type == "user"))
		| .process.args = ["id", "-u"]'
	as_user_words
	local around=("${AS_USER[@]}" unshare --user --map-root-user env XDG_RUNTIME_DIR="$DIR"
		"$OCI" --cgroup-manager disabled)

	[ "$("${around[@]}" run --bundle . one)" = 0 ]
	jq '.process.user.additionalGids = [0]' config.json >groups.json
	run -1 --separate-stderr "${around[@]}" run --bundle . --config groups.json one
	[[ $stderr == *"allows no setgroups(2)"* ]]
	jq '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 5, hostID: 0, size: 1}]
		| .linux.gidMappings = [{containerID: 5, hostID: 0, size: 1}] | .process.user = {uid: 5, gid: 5}' config.json >below.json
	[ "$("${around[@]}" run --bundle . --config below.json one)" = 5 ]
}

@test "exec where setgroups(2) is denied, as root" {
	need_root
	# Whose own id is all that is mapped, and who has no other group, needs nobody to map it.
	"$OCI" spec --rootless --bundle "$T"
	jq --arg g "/$G" '.process.terminal = false | .process.args = ["sleep", "60"] | .linux.cgroupsPath = $g
		| .linux.uidMappings[0].hostID = 0 | .linux.gidMappings[0].hostID = 0' config.json >"$B/config.json"
	setpriv --clear-groups -- "$OCI" --root "$T/root" create --bundle "$B" --pid-file pid one
	oci start one
	[ "$(cat "/proc/$(cat pid)/setgroups")" = deny ]
	[ "$(oci exec one id -u)" = 0 ]
	run -255 --separate-stderr oci exec -g 5 one true
	[[ $stderr == *"allows no setgroups(2)"* ]]
	# Another container that joins it.
	jq --arg g "/$G-two" --arg path "/proc/$(cat pid)/ns/user" '.process.args = ["id", "-u"] | .linux.cgroupsPath = $g
		| del(.linux.uidMappings, .linux.gidMappings)
		| (.linux.namespaces[] | select(.type == "user")).path = $path' "$B/config.json" >two.json
	[ "$(oci run --bundle "$B" --config two.json two)" = 0 ]
}

@test "an ordinary user, with ids that /etc/subuid and /etc/subgid grant him" {
	need_root
	need newuidmap
	[ -e /etc/subuid ] || skip "needs /etc/subuid"
	local u=$USER_ID

	user_bundle '.linux.uidMappings += [{containerID: 1, hostID: 2000000, size: 100}]
		| .linux.gidMappings += [{containerID: 1, hostID: 2000000, size: 100}]'
	(cat /etc/passwd; echo "holmtest:x:$u:$u::/:/bin/sh") >"$T/passwd"
	echo "$u:2000000:100" >"$T/subid"
	# shellcheck disable=SC2016
	PREFIX=(unshare -m sh -c 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/subid" /etc/subuid &&
		mount --bind "$0/subid" /etc/subgid && exec "$@"' "$T")
	user_oci create --bundle . --pid-file pid one
	user_oci start one
	[ "$(tr -s ' ' <"/proc/$(cat pid)/uid_map")" = " 0 $u 1
 1 2000000 100" ]
	[ "$(tr -s ' ' <"/proc/$(cat pid)/gid_map")" = " 0 $u 1
 1 2000000 100" ]
	[ "$(user_oci exec --user 7:8 -g 9 one sh -c 'id -u; id -G')" = $'7\n8 9' ]
	user_oci exec one chmod 777 /tmp
	user_oci exec --user 5:6 one touch /tmp/made
	[ "$(stat -c %u:%g rootfs/tmp/made)" = 2000004:2000005 ]
	user_oci delete --force one
	# One more than that is not his.
	jq '.linux.uidMappings[1].size = 101' config.json >new.json
	mv new.json config.json
	run -1 --separate-stderr user_oci create --bundle . one
	[[ $stderr == *"are not yours to map"*"/etc/subuid"* ]]
}
