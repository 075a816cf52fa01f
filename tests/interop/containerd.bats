#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# containerd with holm-oci: a daemon of the test's own, whose state, socket and pid file lie below a
# directory of its own, and which is ended by its pid.
# serial: cgroups and daemons

load engine

setup_file() {
	engine_setup_file
	is_root && command -v containerd >/dev/null || return 0
	cat >"$D/containerd.toml" <<-END
		version = 2
		root = "$D/containerd"
		state = "$D/containerd-state"
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
		[grpc]
		  address = "$D/containerd.sock"
		[plugins."io.containerd.runtime.v1.linux"]
		  no_shim = false
	END
	containerd --config "$D/containerd.toml" >"$D/containerd.log" 2>&1 3>&- &
	echo $! >"$D/containerd.pid"
	eventually test -S "$D/containerd.sock"
	command -v umoci >/dev/null && command -v skopeo >/dev/null || return 0
	(cd "$D" && umoci init --layout oci && umoci new --image oci:latest &&
		umoci insert --image oci:latest rootfs / && skopeo --insecure-policy copy oci:oci:latest oci-archive:bb.tar:localhost/bb:latest) >/dev/null 2>&1
	c images import "$D/bb.tar" >/dev/null 2>&1 || :
}

teardown_file() {
	if [ -e "$D/containerd.pid" ]; then
		for id in $(c tasks ls -q 2>/dev/null); do c tasks rm -f "$id" >/dev/null 2>&1; done
		kill "$(cat "$D/containerd.pid")" && eventually sh -c "! kill -0 $(cat "$D/containerd.pid") 2>/dev/null"
	fi
	engine_teardown_file
}

setup() {
	is_root || skip "needs root"
	need containerd ctr umoci skopeo
	IMAGE=$(c images ls -q | head -n 1)
	[ -n "$IMAGE" ] || skip "the image cannot be imported here: $(tail -n 1 "$D/containerd.log")"
}

c() {
	timeout 30 ctr --address "$D/containerd.sock" "$@"
}

start() {
	c run -d --runc-binary "$OCI" --snapshotter native "$IMAGE" "$1" sleep 100
}

@test "containerd: run, with output and exit code" {
	run -0 c run --rm --runc-binary "$OCI" --snapshotter native "$IMAGE" one sh -c 'echo yes'
	[[ $output == *yes* ]]
	run -6 c run --rm --runc-binary "$OCI" --snapshotter native "$IMAGE" one sh -c 'exit 6'
}

@test "containerd: exec, pause, resume, metrics, kill" {
	start two
	[ "$(c tasks exec --exec-id x two echo yes)" = yes ]
	c tasks pause two
	c tasks ls | grep -q 'two.*PAUSED'
	c tasks resume two
	c tasks metrics two | grep -qi memory
	c tasks kill --signal KILL two
	eventually sh -c "ctr --address '$D/containerd.sock' tasks ls | grep -q 'two.*STOPPED'"
	c tasks rm two
	c containers rm two
}
