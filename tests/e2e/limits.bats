#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits for a box as a whole, each seen by its effect, on whatever cgroups this machine has; what was
# used is told; nothing is left, whatever ends the box. Where a controller is not there the refusal is
# looked at instead.

load helpers

setup() {
	exec </dev/null
	STARTED=() DELEGATED=()
	T=$(mktemp -d "$FILE_DIR/test.XXXXXX")
	chmod 755 "$T"
	cd "$T" || return 1
	traces | sort >"$FILE_DIR/before"
	[ -e "$FILE_DIR/others" ] || cgroups >"$FILE_DIR/others"
	LAYOUT=$(as_root_layout)
}

teardown() {
	end_started
	all_of remove_delegated assert_no_cgroup end_test
}

remove_delegated() {
	[ "${#DELEGATED[@]}" = 0 ] || rmdir "${DELEGATED[@]}"
}

assert_no_cgroup() {
	eventually no_cgroup_left
}

# What boxes get here: v2, v1, hybrid or none.
as_root_layout() {
	"$HOLM" box --limits best-effort --cgroup --info-fd 9 -- true 9>"$T/layout" 2>/dev/null
	jq -r .cgroup "$T/layout"
}

# Cgroups of boxes that are there: their names.
cgroups() {
	find /sys/fs/cgroup -type d -name 'holm-box-*' -printf '%f\n' 2>/dev/null | sort -u
}

# None whose maker is gone. (Other tests may run boxes, and others may have left some elsewhere before.)
no_cgroup_left() {
	local name

	for name in $(cgroups | grep -vxFf "$FILE_DIR/others"); do
		[ -d "/proc/$(cut -d - -f 4 <<<"$name")" ] || return 1
	done
}

swept_by() {
	limited "$@" -- true && no_cgroup_left
}

cleaned() {
	"$HOLM" doctor --clean && no_cgroup_left
}

any_cgroup() {
	[ -n "$(cgroups)" ]
}

need_cgroups() {
	[ "$LAYOUT" != none ] || skip "no cgroups for this user"
}

# limited OPTION... -- COMMAND...: a box whose last word on the status channel is in $T/end
limited() {
	local code=0

	timeout 60 "${PREFIX[@]}" "$HOLM" box --status-fd 9 "$@" 9>"$T/status" >"$T/out" 2>"$T/err" 3>&- || code=$?
	cat "$T/err"
	tail -n 1 "$T/status" | tee "$T/end"
	return $code
}

used() {
	jq -r ".usage.\"$1\" // empty" "$T/end"
}

# has FIELD VALUE: can this limit be had here? If not, it is refused by its name, with a reason.
has() {
	run -0 "$HOLM" box --limits best-effort "--$1" "$2" --info-fd 9 -- true 9>"$T/has"
	[ "$(jq '."limits-left-out" | length' "$T/has")" != 0 ] || return 0
	[ "$(jq -r '."limits-left-out"[0]' "$T/has")" = "$1" ]
	refused 125 "$1" "--$1" "$2" -- true
	return 1
}

# file NAME...: the first of these files in the cgroups of the box that start_box has made
file() {
	local name dir

	for name in "$@"; do
		dir=$(find /sys/fs/cgroup -type d -name "holm-box-*-$BOX-*" -exec test -e "{}/$name" \; -print -quit \
			2>/dev/null) || : # other tests make and remove cgroups meanwhile
		[ -z "$dir" ] || break
	done
	cat "$dir/$name"
}

# ---- what they do ----

@test "without a limit there is no cgroup" {
	start_box -- sleep 60
	not grep -q holm-box "/proc/$MAIN/cgroup"
	[ "$(jq 'has("cgroup")' "$T/info")" = false ]
	end_box
	limited -- true
	[ "$(used cgroup)" = none ]
	[ -n "$(used cpu-user-us)" ]
	[ "$(jq '.usage | has("memory-peak-bytes") or has("pids-peak") or has("oom-kills")' "$T/end")" = false ]
}

@test "memory: who takes more is killed, and it is counted" {
	has memory 64m || return 0
	run -137 limited --memory 32m -- sh -c 'head -c 100000000 /dev/zero | tail -c 100000000 >/dev/null'
	[ "$(used oom-kills)" -ge 1 ]
	[ -z "$(used memory-peak-bytes)" ] || [ "$(used memory-peak-bytes)" -le $((32 << 20)) ]
	# and enough is enough
	limited --memory 64m -- sh -c 'head -c 1000000 /dev/zero | tail -c 1000000 >/dev/null'
	[ "$(used oom-kills)" = 0 ]
}

@test "memory: too little to start with is said, and does not kill who starts it" {
	has memory 64m || return 0
	refused 125 "--memory is too little to start with" --memory 8k -- true
}

@test "memory: no swap on top of it, unless some is given" {
	has memory 64m || return 0
	has swap 1m 2>/dev/null || :
	start_box --memory 64m --memory-low 32m -- sleep 60
	[ ! -s "$T/err" ] || skip "this kernel does not count swap"
	case $(file memory.swap.max memory.memsw.limit_in_bytes) in
	0 | $((64 << 20))) ;;
	*) false ;;
	esac
	[ "$(file memory.low memory.soft_limit_in_bytes)" = $((32 << 20)) ]
	end_box
	start_box --memory 64m --swap 16m -- sleep 60
	case $(file memory.swap.max memory.memsw.limit_in_bytes) in
	$((16 << 20)) | $((80 << 20))) ;;
	*) false ;;
	esac
	end_box
}

@test "pids: a fork bomb stops" {
	has pids 20 || return 0
	run limited --pids 10 -- sh -c 'i=0; while [ $i -lt 40 ]; do sleep 2 & i=$((i+1)); done; echo all'
	not grep -q all "$T/out"
	grep -qi fork "$T/err"
	[ -z "$(used pids-peak)" ] || [ "$(used pids-peak)" -le 10 ]
	limited --pids 2 -- true
}

@test "cpus: a second of one processor takes five at 0.2" {
	local us

	has cpus 0.2 || return 0
	limited --cpus 0.2 -- timeout 2 sh -c 'while :; do :; done' || :
	us=$(($(used cpu-user-us) + $(used cpu-system-us)))
	[ "$us" -gt 100000 ]
	[ "$us" -lt 1000000 ]
}

@test "cpu-weight: 100 is what everybody has" {
	has cpu-weight 100 || return 0
	start_box --cpu-weight 50 -- sleep 60
	[[ $(file cpu.weight cpu.shares) == @(50|512) ]]
	end_box
}

@test "cpuset: these processors and no others" {
	has cpuset 0 || return 0
	limited --cpuset 0 -- grep Cpus_allowed_list /proc/self/status
	[ "$(cut -f 2 "$T/out")" = 0 ]
	refused 125 cpuset --cpuset 8191 -- true
}

@test "io-max: a rate for a disk, or the disk is not one" {
	local disk

	refused 125 "io-max" --io-max 4095:1:rbps=1m -- true
	refused 125 "/nowhere: cannot tell which disk" --io-max /nowhere:rbps=1m -- true
	disk=$(lsblk -ndo MAJ:MIN 2>/dev/null | tr -d ' ' | head -n 1) || :
	[ -n "$disk" ] || skip "no disk here"
	has io-max "$disk:rbps=1m" || return 0
	start_box --io-max "$disk:rbps=1048576,wiops=100" -- sleep 60
	[[ $(file io.max blkio.throttle.read_bps_device) == *"$disk "*1048576* ]]
	end_box
}

@test "io-weight, hugetlb: in force, or refused by name" {
	if has io-weight 100; then
		start_box --io-weight 200 -- sleep 60
		file io.weight io.bfq.weight blkio.bfq.weight blkio.weight
		end_box
	fi
	has hugetlb 2m=0 || return 0
	start_box --hugetlb 2m=4m -- sleep 60
	[ "$(file hugetlb.2MB.max hugetlb.2MB.limit_in_bytes)" = $((4 << 20)) ]
	end_box
}

@test "devices: an allow list" {
	need_root
	has devices "c 60:0 rw" || return 0
	mknod "$T/device" c 60 0
	chmod 666 "$T/device"
	# No driver: ENXIO is who came as far as that.
	run -1 limited --dev-bind "$T/device" --devices "c 60:0 r" -- cat "$T/device"
	[[ $output == *"No such device or address"* ]]
	run -1 limited --dev-bind "$T/device" --devices "c 60:1 rw" -- cat "$T/device"
	[[ $output == *"Operation not permitted"* ]]
	limited --devices "c 60:1 rw" --pty yes -- sh -c 'head -c 4 /dev/zero >/dev/null && : </dev/tty'
}

@test "cgroup: all that was used is told" {
	need_cgroups
	limited --cgroup -- sh -c 'head -c 1000000 /dev/zero | tail -c 1000000 >/dev/null'
	[ "$(used cgroup)" = "$LAYOUT" ]
	is_root || return 0
	[ "$(used oom-kills)" = 0 ]
	[ "$(used memory-peak-bytes)" -gt 0 ] || [ ! -e /sys/fs/cgroup/memory.peak ]
	[ "$(used io-read-bytes)" -ge 0 ]
}

@test "as process 1, with joined and shared namespaces, and without any" {
	need_cgroups
	limited --cgroup --as-pid1 -- true
	limited --cgroup --share pid -- true
	limited --cgroup --share cgroup -- grep -q holm-box /proc/self/cgroup
	start_box -- sleep 60
	limited --cgroup --join "user=$INIT" --join "net=$INIT" -- true
	end_box
	limited --cgroup -- cat /proc/self/cgroup
	not grep -q holm-box "$T/out"
}

@test "with a shared pid namespace what stays behind is killed" {
	need_cgroups
	limited --cgroup --share pid -- sh -c 'setsid sleep 4321.5 >/dev/null 2>&1 & exit 3' || [ $? = 3 ]
	not pgrep -f "sleep 4321.5"
}

# ---- strict, best effort ----

@test "an ordinary user without a delegated cgroup: refused with the way out, or left out with a note" {
	need_root
	as_user_words
	PREFIX=("${AS_USER[@]}")
	refused 125 "memory=64m" --memory 64m -- true
	[[ $stderr == *"needs a cgroup that is delegated"* ]] || [[ $stderr == *"no cgroups are mounted"* ]]
	refused 125 "cgroup=true" --cgroup -- true
	limited --limits best-effort --memory 64m --pids 20 -- true
	[[ $(cat "$T/err") == "holm: note: limits left out: memory ("*"; pids ("* ]]
	[ "$(jq -c 'select(.event == "started") | ."limits-left-out"' "$T/status")" = '["memory","pids"]' ]
	[ "$(used cgroup)" = none ]
}

@test "values and contradictions are refused, one line each" {
	local words

	for words in "memory 0" "memory -1" "memory 1e30" "memory 5x" "swap 1m" "cpus 0" "cpus 1e3" \
		"cpu-weight 0" "cpu-weight 10001" "cpuset 3-1" "pids 0" "pids 1" "io-weight 0" \
		"io-max 8:0" "io-max 8:0:rbps=0" "hugetlb 3m=1" "devices a" "limits lax"; do
		# shellcheck disable=SC2086
		refused 125 "${words% *}:" --$words -- true
	done
	refused 125 "memory-low: is more than memory" --memory 1m --memory-low 2m -- true
}

# ---- an ordinary user's own ----

own_cgroup() { # CONTROLLER or "": the directory that this shell is in
	local tree path

	path=$(awk -F: -v c="$1" '$2 == c {print $3}' /proc/self/cgroup)
	if [ "$1" ]; then
		tree=$(awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") {print $2; exit}' /proc/mounts)
	else
		tree=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
	fi
	echo "$tree${path%/}"
}

# Makes cgroups that belong to the ordinary user, and IN: those that a process of his is to enter.
delegate() {
	local c d

	IN=()
	for c in memory pids; do
		d=$(own_cgroup $c)/holm-test-$$
		[ "$LAYOUT" != v2 ] || continue
		mkdir "$d"
		chown "$USER_ID" "$d" "$d/cgroup.procs"
		IN+=("$d")
		DELEGATED+=("$d")
	done
	[ "$LAYOUT" = v2 ] || return 0
	d=$(own_cgroup "")/holm-test-$$
	mkdir "$d" "$d/leaf"
	echo "+memory +pids" >"$(own_cgroup "")/cgroup.subtree_control"
	chown -R "$USER_ID" "$d"
	DELEGATED+=("$d/leaf" "$d")
	IN=("$d/leaf")
}

@test "an ordinary user in a cgroup that is delegated to him has limits" {
	need_root
	need_cgroups
	delegate
	as_user_words
	PREFIX=(sh -c 'while [ "$1" != : ]; do echo $$ >"$1/cgroup.procs" || exit 9; shift; done; shift; exec "$@"'
		sh "${IN[@]}" : "${AS_USER[@]}")
	run -137 limited --memory 32m --pids 10 -- sh -c 'head -c 100000000 /dev/zero | tail -c 100000000 >/dev/null'
	[ "$(used oom-kills)" -ge 1 ]
	[ "$(used cgroup)" != none ]
	# and if holm is killed, the next one clears up
	start_box --pids 10 -- sleep 60
	kill -KILL "$BOX"
	wait_box
	eventually gone "$INIT"
	eventually swept_by --pids 10
}

# ---- nothing stays ----

@test "nothing is left after success, failure and signals" {
	need_cgroups
	limited --cgroup -- true
	no_cgroup_left
	run -127 limited --cgroup -- /no/such/command
	no_cgroup_left
	refused 125 "cpuset" --cgroup --cpuset 8191 -- true
	no_cgroup_left
	start_box --cgroup -- sleep 60
	[ -n "$(cgroups)" ]
	end_box TERM
	no_cgroup_left
	start_box --cgroup -- sleep 60
	kill -KILL "$INIT"
	wait_box
	[ "$(jq -r 'select(.event == "lost") | .usage.cgroup' "$T/status")" = "$LAYOUT" ]
	no_cgroup_left
}

@test "holm is killed: the next box with limits removes what it left" {
	need_cgroups
	start_box --cgroup -- sleep 60
	kill -KILL "$BOX"
	wait_box
	eventually gone "$INIT"
	not no_cgroup_left
	limited -- true # has no cgroup, and looks for none
	not no_cgroup_left
	eventually swept_by --cgroup
}

@test "holm is killed: doctor says what it left, and --clean removes it" {
	need_cgroups
	start_box --cgroup -- sleep 60
	kill -KILL "$BOX"
	wait_box
	eventually gone "$INIT"
	run "$HOLM" doctor
	[[ $output == *"left by killed programs"*"holm doctor --clean"* ]]
	eventually cleaned
	run -0 "$HOLM" doctor --clean
	[ "$output" = "cgroups removed: 0" ]
}

@test "many at once, each with its own" {
	local i pids=()

	need_cgroups
	for i in 1 2 3 4 5 6 7 8; do
		"$HOLM" box --cgroup -- sleep 0.3 3>&- &
		pids+=($!)
	done
	eventually any_cgroup
	for i in "${pids[@]}"; do wait "$i"; done
	no_cgroup_left
}

# ---- what is said ----

@test "plan, explain and doctor say the limits" {
	run -0 "$HOLM" plan box --memory 64m --pids 20 -- true
	[[ $output == *"cgroup"*"memory=64m pids=20 swap=0"* ]]
	run -0 "$HOLM" doctor
	[[ $output == *"limits"* ]]
	need_cgroups
	run -0 --separate-stderr "$HOLM" box --cgroup --explain -- sleep 0.2
	[[ $stderr == *"cgroups:"*"holm-box-"* ]]
}
