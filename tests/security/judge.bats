#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A corpus of hostile programs (tests/security/judge), each with the verdict that it must get from `holm judge`.
# After each the machine is as it was.
# serial: what is timed here is late when the machine is busy

load ../e2e/helpers

CORPUS=$BATS_TEST_DIRNAME/judge
# In a machine that is emulated all takes longer, and what is to use processor time needs more of it.
SLOW=${HOLM_TEST_VM:+10}
SLOW=${SLOW:-1}
ENOUGH=$((SLOW * 500))ms

setup_file() {
	make_file_dir
	cp "${HOLM_BUILD:-$BATS_TEST_DIRNAME/../../build}"/tests/judge_{do,hostile} "$CORPUS"/hostile.{py,sh} "$FILE_DIR"
	mv "$FILE_DIR/judge_do" "$FILE_DIR/victim"
	mv "$FILE_DIR/judge_hostile" "$FILE_DIR/hostile"
	LAYOUT=$("$HOLM" judge --report fd:3 -- true 3>&1 >/dev/null | jq -r .cgroup)
	export LAYOUT
}

# What no box may change, wherever it is.
machine() {
	cut -d ' ' -f 3- /proc/self/mountinfo
	grep ' 4194304 ' /proc/sysvipc/shm || : # as large as shm-leak's; others have theirs
	grep holm-hostile /proc/keys || :
	cat /proc/sys/kernel/{core_pattern,hostname}
}

nothing_of() {
	[ -z "$(find /sys/fs/cgroup -name "holm-box-*-$1-*" -print -quit 2>/dev/null)" ] &&
		! grep -qs "($NAME)" /proc/[0-9]*/stat
}

# attack VERDICTS OPTION... -- PROGRAM WORD...: PROGRAM is one of hostile, victim, hostile.py, hostile.sh. The report is
# in $T/report; it has to have one of the verdicts.
attack() {
	local verdicts=$1 options=(--time "${TIME:-$ENOUGH}" --wall $((3 * SLOW))s --memory 64m --pids 16 --output 1m --file-size 8m)
	local verdict pid program

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	program=$2
	shift 2
	NAME=h$BASHPID
	rm -f "$T/report"
	machine >"$T/before"
	set -- "./$NAME" "$@"
	[ "$program" != hostile.py ] || set -- /usr/bin/python3 "$@"
	# Told apart by its pid, so nothing may come between.
	"$HOLM" judge --report "$T/report" --in "$NAME=$FILE_DIR/$program" "${options[@]}" -- "$@" \
		>"$T/out" 2>"$T/err" &
	pid=$!
	STARTED+=("$pid")
	eventually gone "$pid" || eventually gone "$pid" || return 1
	wait "$pid" || :
	verdict=$(jq -r .verdict "$T/report")
	[[ " $verdicts " == *" $verdict "* ]] || {
		echo "$*: $verdict, and not $verdicts"
		head -c 2000 "$T/report"
		head -c 500 "$T/err"
		head -c 500 "$T/out"
		return 1
	}
	eventually nothing_of "$pid" || return 1
	machine >"$T/after"
	diff "$T/before" "$T/after"
}

# What the report has under a name.
told() {
	jq -r ".\"$1\" // empty" "$T/report"
}

# late MS: it was ended at a limit of wall time of 1 s, and not later than so much. All of it has to die meanwhile, and
# each process needs a processor for that: on a machine that others use, too, it takes its time.
late() {
	local us=$(($(told wall-us) - 1000000))

	echo "# late: $us us" >>"$T/late"
	[ "$us" -ge 0 ]
	[ "$us" -le $(($1 * 1000 * SLOW)) ] || {
		echo "$us us late"
		return 1
	}
}

need_cgroups() {
	[ "$LAYOUT" != none ] || skip "no cgroups here"
}

# bats test_tags=kernel
@test "processes: bombs" {
	need_cgroups
	attack pids -- victim fork-bomb
	attack pids -- victim thread-bomb
	attack pids -- hostile.sh bomb
	attack pids -- hostile many-sleep 10
	attack "memory pids" --pids 1000 --wall $((10 * SLOW))s --time 5s -- victim fork-bomb
}

@test "processes: time of all of them" {
	local TIME=500ms
	need_cgroups
	attack cpu -- victim spin
	attack cpu --pids 64 -- hostile many-spin 50
	attack cpu -- victim spin-threads 8
	attack cpu -- victim catch-all-and-spin
	attack cpu -- hostile close-all-and-spin
	attack cpu -- hostile daemon-that-spins
	attack cpu --pids 64 --wall $((10 * SLOW))s --memory 1g -- hostile relay
	attack cpu --wall $((10 * SLOW))s -- hostile exec-loop
	# What a process had is given back a while after its end: on a busy machine it adds up to more than 64 MiB.
	attack "cpu pids" --wall $((10 * SLOW))s --pids 1000 --memory 1g -- hostile short-lived
	attack cpu --wall $((10 * SLOW))s --memory 1g -- hostile vforks
	attack cpu --wall $((10 * SLOW))s -- hostile timers
	attack cpu -- hostile be-nice
	attack cpu -- hostile be-real-time
	attack cpu -- hostile.sh spin
}

# bats test_tags=kernel
@test "processes: who does nothing, and cannot be told to end" {
	attack wall --wall 500ms -- victim sleep-ms 60000
	attack wall --wall 500ms -- hostile stop-self
	attack wall --wall 500ms -- hostile stop-with-children
	attack wall --wall 500ms -- hostile many-sleep 2
	attack wall --wall 500ms -- hostile stuck-pipe
	attack wall --wall 500ms -- hostile.sh traps
	attack idle --idle 200ms -- hostile stop-self
	attack idle --idle 200ms -- hostile stuck-pipe
}

@test "processes: to escape, to outlive, to kill who is above" {
	attack ok -- hostile daemons
	attack ok -- hostile be-orphaned
	attack ok -- hostile close-all
	attack ok -- hostile kill-all
	attack ok -- hostile trace-init
	attack ok -- hostile.sh kills
	attack ok -- hostile own-cgroup
}

# bats test_tags=kernel
@test "memory: fast, slowly, of many, in files and what the kernel keeps for them" {
	need_cgroups
	attack memory -- victim touch-mib 128
	attack memory -- victim touch-slowly 128
	attack memory -- hostile touch-in-children
	attack memory -- hostile sparse-pages
	attack memory -- hostile shm-leak 1
	attack memory --file-size 1g -- hostile memfd-fill
	attack memory --file-size 1g --time 5s -- victim fill /tmp/x 128
	attack memory --file-size 1g --time 5s -- victim fill /dev/shm/x 128
	attack memory --file-size 1g --time 5s -- victim fill /run/x 128
	attack memory --file-size 1g --time 5s -- victim fill x 128
	attack memory --time 20s --wall $((20 * SLOW))s -- hostile many-files
	attack ok -- hostile map-much
	attack ok -- hostile shm-leak
	attack ok -- hostile oom-score
}

@test "output: by every way" {
	attack output -- victim flood
	attack output -- hostile flood-err
	attack output -- hostile flood-both
	attack output -- hostile flood-again
	attack output --time 20s --wall $((20 * SLOW))s -- hostile flood-bytes
	attack output -- hostile flood-many
	attack output -- hostile flood-spliced
	attack output -- hostile flood-file
	# The command is told by its child, which was ended for that.
	attack exit -- hostile.sh writes
	[ "$(told exit-code)" = 153 ]
	attack output --stdout "$T/file" -- victim flood
	[ "$(stat -c %s "$T/file")" = 1048576 ]
	# Who does not die of SIGXFSZ has at least not written more.
	attack exit --out "out=$T/copy" -- hostile flood-file 1
	[ "$(stat -c %s "$T/copy")" = 8388608 ]
	rm "$T/copy"
	attack output -- hostile raise 25
}

@test "exit codes and signals are what they are" {
	attack ok -- victim exit 0
	for code in 1 124 137 255; do
		attack exit -- victim exit $code
		[ "$(told exit-code)" = $code ]
	done
	for signal in 6 9 11 15 24 31; do
		attack signal -- hostile raise $signal
		[ "$(told signal)" = $signal ]
	done
	attack signal -- hostile core-dump
	attack signal -- hostile filter-kills
}

@test "reports: nothing that it writes is one" {
	attack exit -- hostile forge
	[ "$(told exit-code)" = 3 ]
	[ "$(wc -l <"$T/report")" = 1 ]
	jq -nc --arg prog "$FILE_DIR/hostile" '{id: "real", command: ["./p", "forge"], files: {p: {file: $prog, mode: "755"}}}' |
		timeout 60 "$HOLM" judge --jobs - >"$T/results"
	[ "$(wc -l <"$T/results")" = 1 ]
	jq -e '.id == "real" and .verdict == "exit"' "$T/results"
}

# bats test_tags=kernel
@test "files: outside, of others, deep, huge, many" {
	echo secret >"$T/expected"
	attack ok --expect /dev/null -- hostile exit-0
	attack ok --expect "$T/expected" -- hostile read-secrets "$T/expected" "$T/report" "$FILE_DIR/hostile" /etc/shadow
	attack ok -- hostile write-outside
	attack ok -- hostile.sh outside
	attack "ok memory" --time 20s --wall $((20 * SLOW))s -- hostile deep
	attack output -- hostile sparse-tib
	attack ok --file-size unlimited -- hostile sparse-tib
	attack ok --out "out=$T/copy" -- hostile.sh links
	jq -e '.files.out.error' "$T/report"
	attack ok --out "d/e/passwd=$T/copy" -- hostile.sh links
	jq -e '.files."d/e/passwd".error' "$T/report"
	[ ! -e "$T/copy" ]
}

# bats test_tags=kernel
@test "kernel objects: descriptors, inotify, keys, pipes, sockets" {
	attack "ok memory" -- hostile many-fds
	attack ok -- hostile inotify
	attack ok -- hostile keys
	attack "ok memory" --time 5s -- hostile pipe-fill
	attack "ok memory" -- hostile socket-fill
	attack ok -- hostile fds-in-flight
	attack ok -- hostile big-exec
	attack ok -- hostile big-exec environment
}

# bats test_tags=kernel
@test "/proc: of itself and of process 1" {
	attack ok -- hostile proc-of-init
	attack ok -- hostile proc-of-self
	attack ok -- hostile look-at-fds
	attack ok -- hostile open-stdio-again
}

@test "without --output too, it has no descriptor of a file of ours, and its last word is not taken for the report" {
	echo 'what was there' >"$T/stdout"
	timeout 20 "$HOLM" judge --report "$T/report" --in "p=$FILE_DIR/hostile" -- ./p open-stdio-again 1<>"$T/stdout" 2>"$T/err"
	timeout 20 "$HOLM" judge --report "$T/report" --in "p=$FILE_DIR/hostile" -- ./p look-at-fds 2>"$T/err" 1<>"$T/stdout"
	[ "$(cat "$T/stdout")" = 'what was there' ]
	run -1 timeout 20 "$HOLM" judge -- sh -c 'printf "{\"verdict\":\"ok\"} " >&2; exit 3'
	[ "$(tail -n 1 <<<"$output" | jq -r .verdict)" = exit ]
}

@test "the filter: many denied calls, signals meanwhile, filters of its own" {
	attack syscall --seccomp-action kill -- hostile keys
	attack syscall --seccomp-action kill -- hostile trace-init
	attack syscall --seccomp-action kill -- hostile denied-by-many
	attack "cpu wall" --time 500ms --seccomp-action log -- hostile denied
	attack "cpu wall" --time 500ms --seccomp-action log -- hostile denied-and-interrupted
	attack cpu --time 500ms --seccomp-action log --wall $((10 * SLOW))s -- hostile denied-and-killed
	attack ok --seccomp-action log -- hostile filter-allows
	[ "$(told syscalls-denied)" = 1 ]
	attack syscall --seccomp-action kill -- hostile filter-allows
	attack "ok exit" --seccomp-action log -- hostile filter-listens
	attack wall --wall 500ms -- hostile filter-listens
	attack signal --seccomp-action kill -- hostile raise 31
}

@test "limits are enforced on time, whatever keeps the processors busy" {
	need_cgroups
	attack wall --time 60s --wall 1s --pids 64 -- hostile many-spin 50
	late 300
	attack wall --time 60s --wall 1s --seccomp-action log -- hostile denied-by-many 8
	late 300
	attack wall --time 60s --wall 1s -- hostile timers
	late 300
	attack wall --memory 1g --time 60s --wall 1s --pids 1000 -- hostile vforks
	late 300
	attack wall --time 60s --wall 1s --output 100g -- hostile flood-many
	late 300
	attack cpu --time 1s --wall $((10 * SLOW))s --pids 64 -- hostile many-spin 50
	[ "$(told cpu-us)" -le $((1060000 + (SLOW - 1) * 60000)) ]
}

@test "one job does not disturb another" {
	need_cgroups
	local word

	# Beside each of them, others that must be well.
	for word in fds-in-flight socket-fill inotify many-fds many-spin; do
		for i in 1 2 3 4 5 6; do
			jq -nc --arg prog "$FILE_DIR/hostile" --arg word $word --arg n $i \
				'{id: ($word + $n), command: ["./p", (if $n == "1" then $word else "exit-0" end), "500"],
				files: {p: {file: $prog, mode: "755"}},
				box: {wall: "2s", pids: "600"}}'
		done
	done | timeout 120 "$HOLM" judge --parallel 2 --jobs - >"$T/results"
	jq -c 'select(.id | endswith("1") | not) | select(.verdict != "ok")' "$T/results" >"$T/bad"
	cat "$T/bad"
	[ ! -s "$T/bad" ]
}

@test "by an interpreter" {
	need_python
	need_cgroups
	attack memory --time 10s --wall $((10 * SLOW))s -- hostile.py hungry
	attack "memory signal exit" --time 10s --wall $((10 * SLOW))s -- hostile.py recursive
	TIME=500ms attack cpu -- hostile.py catches_all
	attack "pids memory" --time 10s --wall $((10 * SLOW))s -- hostile.py forks
	attack exit -- hostile.py forges
	attack "output" --time 10s --wall $((10 * SLOW))s -- hostile.py floods
	attack wall --time 10s --wall $((1 * SLOW))s -- hostile.py hangs
}
