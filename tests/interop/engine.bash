# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests with engines share: $OCI, a directory $D for all state of the engine, a root with
# busybox in $D/rootfs.

bats_require_minimum_version 1.5.0

engine_setup_file() {
	D=$(mktemp -d /tmp/holm-test-engine.XXXXXX)
	chmod 755 "$D"
	OCI=$(realpath "${HOLM_OCI:-${BASH_SOURCE[0]%/*}/../../build/holm-oci}")
	BUSYBOX=$(realpath "$(command -v busybox)")
	export D OCI BUSYBOX
	mkdir -p "$D/rootfs/bin" "$D/rootfs/tmp" "$D/rootfs/etc" "$D/rootfs${BUSYBOX%/*}"
	chmod 1777 "$D/rootfs/tmp"
	cp "$BUSYBOX" "$D/rootfs$BUSYBOX"
	busybox --install -s "$D/rootfs/bin"
	printf 'root:x:0:0::/:/bin/sh\n' >"$D/rootfs/etc/passwd"
}

engine_teardown_file() {
	awk -v d="$D/" 'index($2, d) == 1 { print $2 }' /proc/self/mounts | sort -r |
		while read -r place; do umount -l "$place"; done
	rm -rf "${D:?}"
}

# make_images: the root as bb, which runs a shell, and as pause, which sleeps; archives below $D, for containerd
make_images() (
	cd "$D" && umoci init --layout oci && umoci new --image oci:bb && umoci insert --image oci:bb rootfs / &&
		umoci config --image oci:bb --tag pause --config.entrypoint /bin/sleep --config.cmd 1000000 &&
		umoci config --image oci:bb --config.cmd sh || exit
	for name in bb pause; do
		skopeo --insecure-policy copy "oci:oci:$name" "oci-archive:$name.tar:localhost/$name:latest" || exit
	done
)

is_root() {
	[ "$(id -u)" = 0 ]
}

need_root() {
	is_root || skip "needs root"
}

# have PROGRAM...: all of them
have() {
	local program

	for program in "$@"; do
		command -v "$program" >/dev/null || [ -x "/usr/lib/podman/$program" ] || return 1
	done
}

need() {
	local program

	for program in "$@"; do
		have "$program" || skip "needs $program"
	done
}

# called PID: how holm ns calls the mount namespace of that process, and by whom
called() {
	"$(dirname "$OCI")/holm" ns ls --json 2>/dev/null |
		jq -r --argjson pid "$1" '.namespaces[] | select(.pid == $pid and .type == "mnt") | .name + " " + .given_by'
}

eventually() {
	local i

	for ((i = 0; i < 200; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	echo "in vain: $*"
	return 1
}

# end_daemon PIDFILE: asks it to end, and waits for that; what takes 10 s is killed
end_daemon() {
	local pid

	pid=$(cat "$1")
	kill "$pid" 2>/dev/null || :
	eventually gone "$pid" || kill -KILL "$pid"
	rm -f "$1"
}

gone() {
	[ ! -e "/proc/$1/status" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# cg_file CONTROLLER ID FILE [FILE2]: what the cgroup of container ID holds, in a tree of v1 or (FILE2)
# of v2
cg_file() {
	local path

	path=$(find "/sys/fs/cgroup/$1" -depth -path "*$2*" -name "$3" 2>/dev/null | tail -n 1)
	[ -n "$path" ] || path=$(find /sys/fs/cgroup -depth -path "*$2*" -name "${4:-$3}" | tail -n 1)
	cat "$path"
}

# remove_cgroup NAME: the empty cgroups below it, and then it, in every tree
remove_cgroup() {
	find /sys/fs/cgroup -depth -type d -path "*/${1:?}*" -exec rmdir {} + 2>/dev/null
}

# nothing_of ID: no process, cgroup, mount or state of that container
nothing_of() {
	eventually no_trace_of "$1" || {
		trace_of "$1"
		return 1
	}
}

no_trace_of() {
	[ -z "$(trace_of "$1")" ]
}

trace_of() {
	processes_of "$1"
	find /sys/fs/cgroup -type d -path "*$1*" 2>/dev/null
	grep -F "$1" /proc/self/mountinfo
	find /run/holm-oci "$D" -maxdepth 6 -path "*holm*/$1" -name "$1" ! -path "*/storage/*" 2>/dev/null
}

# processes_of WORD: those with WORD in their command line
processes_of() {
	local dir

	for dir in /proc/[0-9]*; do
		{ tr '\\0' ' ' <"$dir/cmdline"; } 2>/dev/null | grep -qF -- "$1" && ! gone "${dir#/proc/}" && echo "$dir"
	done
}

no_process_of() {
	[ -z "$(processes_of "$1")" ]
}
