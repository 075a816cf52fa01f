# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A node of Kubernetes for the tests: containerd and the kubelet, in pid, mount and network namespaces of
# the node's own, with a /run and a /var that are its own too. When process 1 of it is killed, everything is gone
# but the cgroups, which lie below $PARENT.

load ../engine

KUBERNETES=${KUBERNETES:-${XDG_CACHE_HOME:-$HOME/.cache}/holm/kubernetes/bin}

# node_setup_file DEFAULT: a node whose containerd knows the runtimes holm and runc, with DEFAULT as its default
node_setup_file() {
	engine_setup_file
	PARENT=holm-kubelet-$$
	CGROUP=/$PARENT
	export PARENT CGROUP KUBERNETES
	node_can || return 0
	make_images >"$D/images.log" 2>&1
	mkdir -p "$D/pods" "$D/var/lib" "$D/var/log" "$D/var/tmp" "$D/sysctl" "$D/cni"
	ln -s /run "$D/var/run"
	make_cgroups
	write_cni
	write_containerd "$1"
	write_kubelet
	start_node
	start_containerd
}

# node_can: root, and all the programs
node_can() {
	is_root && have containerd ctr umoci skopeo runc jq curl tini nsenter && [ -x /usr/lib/cni/bridge ] &&
		[ -x "$KUBERNETES/kubelet" ]
}

node_setup() {
	need_root
	need containerd ctr umoci skopeo runc jq curl tini nsenter
	[ -x /usr/lib/cni/bridge ] || skip "needs containernetworking-plugins"
	[ -x "$KUBERNETES/kubelet" ] || skip "needs $KUBERNETES/kubelet (tests/interop/kubelet/build)"
	node_runs || {
		tail -n 20 "$D"/*.log
		false
	}
}

node_runs() {
	node true && kubelet healthz >/dev/null
}

node_teardown_file() {
	if [ -e "$D/node.pid" ]; then
		kill -KILL "$(cat "$D/node.pid")"
		eventually gone "$(cat "$D/node.pid")"
		eventually no_cgroup
	fi
	engine_teardown_file
}

no_cgroup() {
	remove_cgroup "$PARENT"
	[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "$PARENT")" ]
}

# ---- what it is made of ----

# The kubelet makes its cgroups itself, below one that is there.
make_cgroups() {
	local tree

	for tree in cpu cpuacct cpuset memory pids systemd hugetlb; do
		[ ! -d "/sys/fs/cgroup/$tree" ] || mkdir "/sys/fs/cgroup/$tree/$PARENT"
	done
	[ ! -d /sys/fs/cgroup/cpuset ] || for file in cpuset.cpus cpuset.mems; do
		cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$PARENT/$file"
	done
}

write_cni() {
	cat >"$D/cni/10-pods.conflist" <<-END
		{
			"cniVersion": "0.4.0", "name": "pods",
			"plugins": [{
				"type": "bridge", "bridge": "cni0", "isGateway": true,
				"ipam": {"type": "host-local", "dataDir": "/run/ipam", "ranges": [[{"subnet": "10.88.7.0/24"}]]}
			}]
		}
	END
}

# section NAME: the first block of code in that section of docs/engines.md
section() {
	awk -v name="$1" '/^## / { in_it = $2 == name } in_it && /^```/ { if (n++) exit; next } in_it && n' \
		"${BASH_SOURCE[0]%/*}/../../../docs/engines.md"
}

# The node's runtimes are runc and, as docs/engines.md has it, holm.
write_containerd() {
	cat >"$D/containerd.toml" <<-END
		version = 2
		root = "$D/containerd"
		disabled_plugins = ["io.containerd.internal.v1.opt"]
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:latest"
		  restrict_oom_score_adj = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$D/cni"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "native"
		    default_runtime_name = "$1"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		      runtime_type = "io.containerd.runc.v2"
	END
	section containerd | sed "s|/usr/local/bin/holm-oci|$OCI|" >>"$D/containerd.toml"
}

# The usual settings, but for: processors for who asks for whole ones; pods in a directory that is looked at each second; cgroups below ours; nothing evicted,
# whatever the machine's state; no rules of iptables.
write_kubelet() {
	cat >"$D/kubelet.yaml" <<-END
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		staticPodPath: $D/pods
		fileCheckFrequency: 1s
		syncFrequency: 2s
		cgroupDriver: cgroupfs
		cgroupRoot: $CGROUP
		cgroupsPerQOS: true
		cpuManagerPolicy: static
		cpuManagerReconcilePeriod: 1s
		kubeReserved: {cpu: 500m}
		enforceNodeAllocatable: [pods]
		protectKernelDefaults: true
		failSwapOn: false
		makeIPTablesUtilChains: false
		oomScoreAdj: 0
		readOnlyPort: 0
		volumePluginDir: /var/lib/kubelet/plugins
		evictionHard: {memory.available: 0%, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}
		imageGCHighThresholdPercent: 100
		authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
		authorization: {mode: AlwaysAllow}
	END
}

# ---- its processes ----

# node COMMAND...: in the node's namespaces
node() {
	nsenter --target "$(cat "$D/init.pid")" --mount --net --pid -- "$@"
}

# The kubelet wants its own values of some sysctls and would set them. So it sees them set.
NODE_INIT='
	mount -t tmpfs tmpfs /run && mount --bind "$D/var" /var && mount --make-rshared / || exit
	while read -r name value; do
		echo "$value" >"$D/sysctl/${name##*/}"
		mount --bind "$D/sysctl/${name##*/}" "/proc/sys/$name" || exit
	done <<-END
		vm/overcommit_memory 1
		vm/panic_on_oom 0
		kernel/panic 10
		kernel/panic_on_oops 1
		kernel/keys/root_maxkeys 1000000
		kernel/keys/root_maxbytes 25000000
	END
	ip link set lo up && ip link add cni0 type bridge && ip address add 10.88.7.1/24 dev cni0 && ip link set cni0 up || exit
	touch "$D/node.ready"
	exec tini -s -- sleep infinity'

start_node() {
	unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc \
		sh -c "$NODE_INIT" >"$D/node.log" 2>&1 3>&- &
	echo $! >"$D/node.pid"
	eventually test -e "$D/node.ready"
	pgrep -P "$(cat "$D/node.pid")" >"$D/init.pid"
}

# daemon NAME COMMAND...: in the node, with its pid there in a file and its output in another
daemon() {
	rm -f "$D/$1.pid"
	node sh -c 'echo $$ >"$0" && exec "$@"' "$D/$1.pid" "${@:2}" >>"$D/$1.log" 2>&1 3>&- &
	eventually test -s "$D/$1.pid"
}

kill_daemon() {
	node kill -KILL "$(cat "$D/$1.pid")"
	eventually ended "$(cat "$D/$1.pid")"
}

ended() {
	! node kill -0 "$1" 2>/dev/null
}

start_containerd() {
	run_containerd
	for archive in "$D"/*.tar; do
		c images import "$archive" >/dev/null
	done
}

run_containerd() {
	daemon containerd containerd --config "$D/containerd.toml"
	eventually c version >/dev/null 2>&1
}

# start_kubelet [OPTION...]
# shellcheck disable=SC2120 # not from here
start_kubelet() {
	daemon kubelet "$KUBERNETES/kubelet" --config "$D/kubelet.yaml" --container-runtime remote \
		--container-runtime-endpoint unix:///run/containerd/containerd.sock --hostname-override node \
		--node-ip 10.88.7.1 -v 2 "$@"
	eventually kubelet healthz >/dev/null
}

c() {
	timeout 30 nsenter --target "$(cat "$D/init.pid")" --mount --net --pid -- ctr --namespace k8s.io "$@"
}

# ---- asking ----

# kubelet PATH [CURL-OPTION...]: its HTTP API
kubelet() {
	node curl -sfk --max-time 20 "https://127.0.0.1:10250/$1" "${@:2}"
}

# restart_daemons: containerd and the kubelet, both killed
restart_daemons() {
	kill_daemon kubelet
	kill_daemon containerd
	run_containerd
	# shellcheck disable=SC2119
	start_kubelet
}
