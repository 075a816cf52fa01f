#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# containerd with holm-oci, by `ctr` and by the CRI, which is how the kubelet asks: a daemon of the test's
# own, whose state, socket and pid file lie below a directory of its own, and which ends by its pid.
# serial: cgroups and daemons

load engine

setup_file() {
	engine_setup_file
	PARENT=holm-containerd-$$
	export PARENT
	is_root && have containerd ctr umoci skopeo || return 0
	# The default [...].cni directories are the machine's; a pod of the host's network needs none.
	cat >"$D/containerd.toml" <<-END
		version = 2
		root = "$D/containerd"
		state = "$D/containerd-state"
		disabled_plugins = ["io.containerd.internal.v1.opt"]
		[grpc]
		  address = "$D/containerd.sock"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:latest"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "$D/cni/bin"
		    conf_dir = "$D/cni/conf"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "native"
		    default_runtime_name = "holm"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.holm]
		      runtime_type = "io.containerd.runc.v2"
		      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.holm.options]
		        BinaryName = "$OCI"
		        SystemdCgroup = false
	END
	make_images >"$D/images.log" 2>&1
	containerd --config "$D/containerd.toml" >"$D/containerd.log" 2>&1 3>&- &
	echo $! >"$D/containerd.pid"
	eventually c version >/dev/null 2>&1
	for archive in "$D"/*.tar; do
		c images import "$archive" >/dev/null 2>&1 || :
		c --namespace k8s.io images import "$archive" >/dev/null 2>&1 || :
	done
}

teardown_file() {
	if [ -e "$D/containerd.pid" ]; then
		for id in $(c tasks ls -q 2>/dev/null); do c tasks rm -f "$id" >/dev/null 2>&1; done
		for id in $(cri ListPodSandbox 2>/dev/null | jq -r '.items[].id'); do remove_pod "$id" >/dev/null 2>&1; done
		end_daemon "$D/containerd.pid"
		remove_cgroup "$PARENT" || :
	fi
	engine_teardown_file
}

setup() {
	need_root
	need containerd ctr umoci skopeo jq
	c images ls -q | grep -q bb || skip "the image cannot be imported here: $(tail -n 1 "$D/images.log" "$D/containerd.log")"
}

c() {
	timeout 30 ctr --address "$D/containerd.sock" "$@"
}

start() {
	c run -d --runc-binary "$OCI" --snapshotter native localhost/bb:latest "$@"
}

# ---- ctr ----

@test "ctr: run, with output and exit code" {
	run -0 c run --rm --runc-binary "$OCI" --snapshotter native localhost/bb:latest one sh -c 'echo yes'
	[[ $output == *yes* ]]
	run -6 c run --rm --runc-binary "$OCI" --snapshotter native localhost/bb:latest one sh -c 'exit 6'
}

@test "ctr: exec, pause, resume, metrics, kill" {
	start two sleep 100
	[ "$(called "$(c tasks ls | awk '$1 == "two" { print $2 }')")" = "two containerd" ]
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

# ---- CRI ----

need_cri() {
	/usr/bin/python3 -c 'import grpc' 2>/dev/null || skip "needs python3-grpcio"
	cri Version >/dev/null || skip "containerd has no CRI v1 here"
}

# cri METHOD [JQ [ARG VALUE]...]: the answer to the message that JQ makes
cri() {
	local message={}

	[ $# -lt 2 ] || message=$(jq -n "$2" "${@:3}")
	timeout 60 "$BATS_TEST_DIRNAME/cri.py" "$D/containerd.sock" "$1" "$message"
}

# run_pod NAME [JQ]: POD is its id
run_pod() {
	pod_config=$(jq -n --arg name "$1" --arg parent "/$PARENT" --arg d "$D" '{metadata: {name: $name, uid: $name, namespace: "default"},
		log_directory: "\($d)/logs", linux: {cgroup_parent: $parent, security_context: {namespace_options: {network: 2}}}}'" | ${2:-.}")
	POD=$(cri RunPodSandbox '{config: $c, runtime_handler: "holm"}' --argjson c "$pod_config" | jq -r .pod_sandbox_id)
	[ -n "$POD" ]
}

# create NAME JQ SCRIPT: a container of the pod that runs SCRIPT, not started; ID is its id
create() {
	ID=$(cri CreateContainer '{pod_sandbox_id: $pod, sandbox_config: $p, config: ({metadata: {name: $name}, image: {image: "localhost/bb:latest"},
		command: ["sh", "-c", $script], log_path: "\($name).log",
		linux: {security_context: {namespace_options: {network: 2, pid: 1}}}}'" | $2)}" --arg pod "$POD" --argjson p "$pod_config" \
		--arg name "$1" --arg script "$3" --arg d "$D" | jq -r .container_id)
	[ -n "$ID" ]
}

# state ID: 0 created, 1 running, 2 exited; and the exit code
state() {
	cri ContainerStatus '{container_id: $id}' --arg id "$1" | jq -r '.status | "\(.state) \(.exit_code)"'
}

has_state() {
	[ "$(state "$1")" = "$2" ]
}

# exec_sync ID COMMAND...: what it prints, and its exit code
exec_sync() {
	local answer command

	command=$(printf '%s\036' "${@:2}" | jq -Rsc 'split("\u001e")[:-1]')
	answer=$(cri ExecSync '{container_id: $id, cmd: $c, timeout: 20}' --arg id "$1" --argjson c "$command") || return 125
	jq -j '.stdout + .stderr' <<<"$answer"
	return "$(jq .exit_code <<<"$answer")"
}

by_id() {
	cri "$1" "{$2: \$id}" --arg id "$3" >/dev/null
}

remove_pod() {
	by_id StopPodSandbox pod_sandbox_id "$1"
	by_id RemovePodSandbox pod_sandbox_id "$1"
	nothing_of "$1"
}

@test "CRI: a pod with a container, from RunPodSandbox to RemovePodSandbox" {
	need_cri
	run_pod one
	[ "$(cri PodSandboxStatus '{pod_sandbox_id: $id}' --arg id "$POD" | jq .status.state)" = 0 ]
	create main . 'echo to the log; trap "exit 7" TERM; while :; do sleep 0.1; done'
	[ "$(state "$ID")" = "0 0" ]
	by_id StartContainer container_id "$ID"
	[ "$(state "$ID")" = "1 0" ]
	[ "$(exec_sync "$ID" echo yes)" = yes ]
	run -9 exec_sync "$ID" sh -c 'echo said >&2; exit 9'
	[ "$output" = said ]
	run -125 exec_sync "$ID" nosuch
	[[ $output == *"executable file not found"* ]]
	grep -q 'stdout F to the log' "$D/logs/main.log"
	[ "$(exec_sync "$ID" readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]
	cri StopContainer '{container_id: $id, timeout: 10}' --arg id "$ID"
	[ "$(state "$ID")" = "2 7" ]
	by_id RemoveContainer container_id "$ID"
	nothing_of "$ID"
	remove_pod "$POD"
}

@test "CRI: limits in the cgroup, UpdateContainerResources, ContainerStats" {
	need_cri
	run_pod two
	create main '.linux.resources = {memory_limit_in_bytes: 67108864, cpu_period: 100000, cpu_quota: 50000, cpu_shares: 512}' \
		'while :; do :; done'
	by_id StartContainer container_id "$ID"
	[ "$(cg_file memory "$ID" memory.limit_in_bytes memory.max)" = 67108864 ]
	[[ $(cg_file cpu "$ID" cpu.cfs_quota_us cpu.max) == 50000* ]]
	cri UpdateContainerResources '{container_id: $id, linux: {memory_limit_in_bytes: 100663296, cpu_period: 100000, cpu_quota: 25000}}' --arg id "$ID"
	[ "$(cg_file memory "$ID" memory.limit_in_bytes memory.max)" = 100663296 ]
	[[ $(cg_file cpu "$ID" cpu.cfs_quota_us cpu.max) == 25000* ]]
	[ "$(exec_sync "$ID" sh -c 'echo yes | tee /dev/null')" = yes ]
	cri ContainerStats '{container_id: $id}' --arg id "$ID" |
		jq -e '.stats.cpu.usage_core_nano_seconds.value > 0 and .stats.memory.working_set_bytes.value > 0'
	# Process 1 without a handler: its time is over, and it is killed.
	cri StopContainer '{container_id: $id, timeout: 1}' --arg id "$ID"
	[ "$(state "$ID")" = "2 137" ]
	by_id RemoveContainer container_id "$ID"
	create hungry '.linux.resources.memory_limit_in_bytes = 8388608' 'dd if=/dev/zero of=/dev/null bs=64M count=1'
	by_id StartContainer container_id "$ID"
	eventually has_state "$ID" "2 137"
	[ "$(cri ContainerStatus '{container_id: $id}' --arg id "$ID" | jq -r .status.reason)" = OOMKilled ]
	remove_pod "$POD"
}

@test "CRI: security context, mounts, devices, environment, namespaces of the pod" {
	need_cri
	mkdir -p "$D/host" && echo yes >"$D/host/file"
	run_pod three '.linux.sysctls = {"kernel.shm_rmid_forced": "1"}'
	create main '.envs = [{key: "A", value: "b"}] | .working_dir = "/tmp"
		| .mounts = [{container_path: "/host", host_path: "\($d)/host", readonly: true}]
		| .devices = [{container_path: "/dev/mine", host_path: "/dev/fuse", permissions: "r"}]
		| .linux.security_context = {run_as_user: {value: 7}, run_as_group: {value: 8}, supplemental_groups: [9], readonly_rootfs: true,
			no_new_privs: true, capabilities: {drop_capabilities: ["ALL"]}, namespace_options: {network: 2, pid: 0}, masked_paths: ["/proc/kcore"]}' \
		'echo $A $(pwd) $(id -u) $(id -g) $(id -G); cat /host/file; touch /host/x /x; sleep 100'
	by_id StartContainer container_id "$ID"
	[ "$(exec_sync "$ID" sh -c 'echo $A $(pwd) $(id -u) $(id -g) $(id -G)')" = "b /tmp 7 8 8 9" ]
	[ "$(exec_sync "$ID" sh -c 'cat /host/file; touch /host/x 2>/dev/null || echo ro; touch /x 2>/dev/null || echo ro' | tr '\n' ' ')" = "yes ro ro " ]
	[ "$(exec_sync "$ID" sed -n 's/^\(CapEff\|NoNewPrivs\):\t//p' /proc/self/status | tr '\n' ' ')" = "0000000000000000 1 " ]
	[ "$(exec_sync "$ID" cat /proc/sys/kernel/shm_rmid_forced)" = 1 ]
	exec_sync "$ID" test -c /dev/mine
	# The pod's process namespace: process 1 is the sandbox's.
	exec_sync "$ID" grep -q sleep /proc/1/comm
	local first=$ID
	create second '.linux.security_context = {namespace_options: {network: 2, pid: 1}, seccomp: {profile_type: 1}}' 'sleep 100'
	by_id StartContainer container_id "$ID"
	[ "$(exec_sync "$ID" readlink /proc/self/ns/ipc)" = "$(exec_sync "$first" readlink /proc/self/ns/ipc)" ]
	[ "$(exec_sync "$ID" readlink /proc/self/ns/pid)" != "$(exec_sync "$first" readlink /proc/self/ns/pid)" ]
	[ "$(exec_sync "$ID" sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 0 ]
	remove_pod "$POD"
	nothing_of "$ID"
	nothing_of "$first"
}

@test "CRI: what cannot start is told, and leaves nothing" {
	need_cri
	run_pod four
	create main '.command = ["nosuch"]' ''
	run -1 cri StartContainer '{container_id: $id}' --arg id "$ID"
	[[ $output == *"executable file not found"* ]]
	[[ $(state "$ID") == "2 "* ]]
	remove_pod "$POD"
	nothing_of "$ID"
}
