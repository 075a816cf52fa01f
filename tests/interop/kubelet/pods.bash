# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Pods by files, which the kubelet runs without an API server, and questions to the kubelet about them.

# pod_json NAME JQ [ARG VALUE...]: a pod whose specification is JQ, where c(NAME; SCRIPT) is a container that runs SCRIPT
pod_json() {
	jq -n --arg name "$1" --arg d "$D" "${@:3}" '
		def c($n; $script): {name: $n, image: "localhost/bb:latest", imagePullPolicy: "Never", command: ["sh", "-c", $script]};
		{apiVersion: "v1", kind: "Pod", metadata: {name: $name, namespace: "default", labels: {app: $name}},
			spec: ({terminationGracePeriodSeconds: 1} + '"$2"')}'
}

# pod NAME JQ [ARG VALUE...]: gives it to the kubelet, in one act, so that it sees all of it or nothing
pod() {
	pod_json "$@" >"$D/$1.json" && mv "$D/$1.json" "$D/pods/$1.json"
}

# running NAME JQ [ARG VALUE...]: the same, and waits until all its containers run
running() {
	pod "$@" && holds "$1" '.phase == "Running" and all(.containerStatuses[]; .state.running)'
}

status() {
	kubelet pods | jq --arg name "$1-node" '.items[] | select(.metadata.name == $name) | .status'
}

# of NAME CONTAINER JQ: out of the container's status
of() {
	status "$1" | jq -r --arg name "$2" '(.containerStatuses + .initContainerStatuses)[] | select(.name == $name) | '"$3"
}

# ident NAME CONTAINER: what holm-oci calls it
ident() {
	of "$1" "$2" '.containerID | sub("containerd://"; "")'
}

# holds NAME JQ: waits half a minute for it to be true of the pod's status
holds() {
	local i

	for ((i = 0; i < 60; i++)); do
		status "$1" | jq -e "$2" >/dev/null && return 0
		sleep 0.5
	done
	echo "pod $1: in vain: $2"
	status "$1"
	return 1
}

# inside NAME CONTAINER SCRIPT: by the kubelet's API, which takes the command apart at its spaces
inside() {
	kubelet "run/default/$1-node/$2" --data-urlencode "cmd=sh -c ${3// /$'\t'}"
}

# logs NAME CONTAINER [QUERY]
logs() {
	kubelet "containerLogs/default/$1-node/$2?${3:-}"
}

# remove NAME...: and nothing may be there of it, except what the kubelet keeps of its log for a while
remove() {
	local name ids=() id

	for name in "$@"; do
		mapfile -t -O "${#ids[@]}" ids < <(status "$name" |
			jq -r '(.containerStatuses + .initContainerStatuses)[]?.containerID // empty | sub("containerd://"; "")')
		rm "$D/pods/$name.json"
	done
	for name in "$@"; do
		slowly no_pod "$name"
	done
	for id in "${ids[@]}"; do
		slowly no_container "$id"
	done
}

no_pod() {
	[ -z "$(status "$1")" ]
}

# no_container ID: no process, cgroup or mount of it, and nothing in the root that containerd names
no_container() {
	[ -z "$(find /sys/fs/cgroup -type d -path "*$1*")" ] && ! node grep -qF "$1" /proc/self/mountinfo &&
		! node test -e "/run/containerd/runc/k8s.io/$1" && no_process_of "$1"
}

# slowly COMMAND...: like eventually, for what takes half a minute
slowly() {
	eventually "$@" >/dev/null || eventually "$@" >/dev/null || eventually "$@"
}
