# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests with engines share: $OCI, a directory $D for all state of the engine, a root with
# busybox in $D/rootfs.

bats_require_minimum_version 1.5.0

engine_setup_file() {
	local busybox

	D=$(mktemp -d /tmp/holm-test-engine.XXXXXX)
	chmod 755 "$D"
	OCI=$(realpath "${HOLM_OCI:-$BATS_TEST_DIRNAME/../../build/holm-oci}")
	export D OCI
	busybox=$(realpath "$(command -v busybox)")
	mkdir -p "$D/rootfs/bin" "$D/rootfs/tmp" "$D/rootfs/etc" "$D/rootfs${busybox%/*}"
	cp "$busybox" "$D/rootfs$busybox"
	busybox --install -s "$D/rootfs/bin"
	printf 'root:x:0:0::/:/bin/sh\n' >"$D/rootfs/etc/passwd"
}

engine_teardown_file() {
	awk -v d="$D/" 'index($2, d) == 1 { print $2 }' /proc/self/mounts | sort -r |
		while read -r place; do umount -l "$place"; done
	rm -rf "${D:?}"
}

is_root() {
	[ "$(id -u)" = 0 ]
}

need_root() {
	is_root || skip "needs root"
}

need() {
	local program

	for program in "$@"; do
		command -v "$program" >/dev/null || [ -x "/usr/lib/podman/$program" ] || skip "needs $program"
	done
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
