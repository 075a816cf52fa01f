# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# An API server on etcd, and kubectl, for a node of one: pods that name their node need no scheduler.

start_cluster() {
	local file=$D/kubeconfig

	printf '%s\n' secret,admin,admin,system:masters >"$D/tokens"
	cat >"$file" <<-END
		apiVersion: v1
		kind: Config
		clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
		users: [{name: u, user: {token: secret}}]
		contexts: [{name: x, context: {cluster: c, user: u}}]
		current-context: x
	END
	openssl genrsa -out "$D/accounts.key" 2048 2>/dev/null
	daemon etcd etcd --data-dir "$D/etcd" --unsafe-no-fsync
	daemon apiserver "$KUBERNETES/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --advertise-address 10.88.7.1 \
		--service-cluster-ip-range 10.88.8.0/24 --cert-dir /run/apiserver --token-auth-file "$D/tokens" \
		--authorization-mode AlwaysAllow --disable-admission-plugins ServiceAccount --allow-privileged \
		--service-account-issuer https://holm --service-account-key-file "$D/accounts.key" \
		--service-account-signing-key-file "$D/accounts.key" --kubelet-preferred-address-types InternalIP \
		--feature-gates EphemeralContainers=true
	slowly ctl get namespace default >/dev/null 2>&1
	start_kubelet --kubeconfig "$file" --feature-gates EphemeralContainers=true
	slowly ctl get node node >/dev/null 2>&1
}

# ctl ARG...: kubectl
ctl() {
	node env HOME="$D" "$KUBERNETES/kubectl" --kubeconfig "$D/kubeconfig" "$@"
}

# apply_pod NAME JQ [ARG VALUE...]: makes it by the API server; as pod() of pods.bash
apply_pod() {
	pod_json "$@" | jq '.spec.nodeName = "node"' | ctl apply -f -
}

# ready_pod NAME JQ [ARG VALUE...]
ready_pod() {
	apply_pod "$@"
	ctl wait --for condition=Ready --timeout 60s "pod/$1" || {
		ctl describe pod "$1"
		return 1
	}
}

# runtime_of NAME: whose state each of its containers has, the sandbox too
runtime_of() {
	local id

	for id in $(all_ids "$1"); do
		if node test -e "/run/containerd/runc/k8s.io/$id/config.json"; then
			node "$OCI" --root /run/containerd/runc/k8s.io state "$id" | jq -r '"holm " + .status'
		else
			node runc --root /run/containerd/runc/k8s.io state "$id" | jq -r '"runc " + .status'
		fi
	done
}

# all_ids NAME: its containers and its sandbox, as containerd has them
all_ids() {
	c containers ls -q "labels.\"io.kubernetes.pod.name\"==$1"
}

# delete NAME: and nothing may be there of it
delete() {
	local ids id

	ids=$(all_ids "$1")
	ctl delete pod "$1" --timeout 60s
	for id in $ids; do
		slowly no_container "$id"
	done
}
