#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A kubelet with an API server, on containerd whose default runtime is runc: what docs/engines.md says of containerd and
# Kubernetes is taken from there word by word, and pods ask for holm-oci by runtimeClassName.
# serial: cgroups and daemons

load node
load pods
load cluster

setup_file() {
	node_setup_file runc
	[ ! -e "$D/node.ready" ] || ! cluster_can || start_cluster
}

cluster_can() {
	have etcd openssl script && [ -x "$KUBERNETES/kube-apiserver" ] && [ -x "$KUBERNETES/kubectl" ]
}

teardown_file() {
	node_teardown_file
}

setup() {
	need etcd openssl script
	cluster_can || skip "needs $KUBERNETES/kube-apiserver and kubectl"
	node_setup
	# The block of docs/engines.md.
	section Kubernetes | ctl apply -f -
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || {
		ctl get pods -o yaml || :
		tail -n 15 "$D/kubelet.log" "$D/containerd.log" "$D/apiserver.log"
	}
	ctl delete pods --all --now >/dev/null || :
}

@test "RuntimeClass: a pod that asks for holm gets it, the others what is the default" {
	ready_pod asks '{runtimeClassName: "holm", containers: [c("a"; "sleep 1000"), c("b"; "sleep 1000")]}'
	ready_pod not '{containers: [c("a"; "sleep 1000")]}'
	[ "$(runtime_of asks)" = $'holm running\nholm running\nholm running' ]
	[ "$(runtime_of not)" = $'runc running\nrunc running' ]
	ids=$(all_ids asks)
	# Both on one network.
	address=$(ctl get pod not -o jsonpath='{.status.podIP}')
	ctl exec asks -c a -- ping -c 1 -W 5 "$address"
	run -1 apply_pod none '{runtimeClassName: "nosuch", containers: [c("a"; "true")]}'
	[[ $output == *nosuch*"not found"* ]]
	delete asks
	delete not
}

@test "kubectl: exec, with a terminal too; attach, cp, logs, port-forward" {
	ready_pod main '{runtimeClassName: "holm", containers: [c("a"; "mkdir /www; echo page >/www/index.html; httpd -p 80 -h /www; echo started; while read -r x; do echo got $x; done; sleep 1000")
		+ {stdin: true}]}'
	[ "$(ctl exec main -- sh -c 'echo $HOSTNAME; id -u')" = $'main\n0' ]
	run -7 ctl exec main -- sh -c 'exit 7'
	[ "$(echo through | ctl exec -i main -- cat)" = through ]
	[[ $(script -qec "$(declare -f node ctl); D=$D KUBERNETES=$KUBERNETES; stty rows 33 cols 77; ctl exec -it main -- sh -c 'tty; sleep 1; stty size'" /dev/null </dev/null) == */dev/pts/0*"33 77"* ]]
	run -1 ctl exec main -- nosuch
	[[ $output == *"executable file not found"* ]]
	echo word | timeout 3 nsenter --target "$(cat "$D/init.pid")" --mount --net --pid -- "$KUBERNETES/kubectl" --kubeconfig "$D/kubeconfig" attach -i main || :
	slowly has_log main 'got word'
	[[ $(ctl logs main) == started* ]]
	echo file >"$D/file"
	ctl exec -i main -- sh -c 'cat >/tmp/file' <"$D/file"
	[ "$(ctl exec main -- cat /tmp/file)" = file ]
	daemon forward "$KUBERNETES/kubectl" --kubeconfig "$D/kubeconfig" port-forward main 8081:80
	slowly forwarded
	kill_daemon forward
	delete main
}

has_log() {
	ctl logs "$1" | grep -q "$2"
}

forwarded() {
	[ "$(node curl -sf --max-time 5 http://127.0.0.1:8081/)" = page ]
}

@test "ConfigMap and Secret: in files and in the environment" {
	ctl create configmap conf --from-literal key=value
	ctl create secret generic hidden --from-literal word=abc
	ready_pod data '{runtimeClassName: "holm", volumes: [{name: "c", configMap: {name: "conf"}}, {name: "s", secret: {secretName: "hidden", defaultMode: 256}},
			{name: "p", projected: {sources: [{configMap: {name: "conf"}}, {downwardAPI: {items: [{path: "name", fieldRef: {fieldPath: "metadata.name"}}]}}]}}],
		containers: [c("a"; "sleep 1000") + {env: [{name: "K", valueFrom: {configMapKeyRef: {name: "conf", key: "key"}}}], envFrom: [{secretRef: {name: "hidden"}}],
			volumeMounts: [{name: "c", mountPath: "/c"}, {name: "s", mountPath: "/s"}, {name: "p", mountPath: "/p"}, {name: "c", mountPath: "/one", subPath: "key"}]}]}'
	[ "$(ctl exec data -- sh -c 'echo $K $word $(cat /c/key /s/word /p/key /p/name /one)')" = "value abc valueabcvaluedatavalue" ]
	ctl exec data -- sh -c '! touch /c/x 2>/dev/null && grep -q " /s tmpfs ro" /proc/mounts'
	# What is written anew comes through.
	ctl create configmap conf --from-literal key=other --dry-run=client -o yaml | ctl apply -f -
	slowly sees data other
	delete data
	ctl delete configmap/conf secret/hidden
}

sees() {
	[ "$(ctl exec "$1" -- cat /c/key)" = "$2" ]
}

@test "an ephemeral container in the process namespace of another" {
	ready_pod looked '{runtimeClassName: "holm", containers: [c("a"; "sleep 1234")]}'
	ctl debug looked --image localhost/bb:latest --image-pull-policy Never --target a --container look -- sh -c 'ps -o pid,args; sleep 1000'
	slowly has_log_of looked look '1 sleep 1234'
	[ "$(ctl exec looked -c look -- readlink /proc/self/ns/pid)" = "$(ctl exec looked -c a -- readlink /proc/self/ns/pid)" ]
	[ "$(ctl exec looked -c look -- readlink /proc/self/ns/mnt)" != "$(ctl exec looked -c a -- readlink /proc/self/ns/mnt)" ]
	delete looked
}

has_log_of() {
	ctl logs "$1" -c "$2" | grep -q "$3"
}

@test "processors of its own: the kubelet updates the cpusets of those that run" {
	(($(nproc) > 1)) || skip "needs two processors"
	ready_pod others '{runtimeClassName: "holm", containers: [c("a"; "sleep 1000")]}'
	[ "$(cpus others)" = "$(node cat /sys/fs/cgroup/cpuset/cpuset.cpus)" ]
	ready_pod alone '{runtimeClassName: "holm", containers: [c("a"; "sleep 1000") + {resources: {limits: {cpu: 1, memory: "32Mi"}}}]}'
	slowly apart
	delete alone
	delete others
}

# cpus NAME: which processors process 1 may use
cpus() {
	ctl exec "$1" -- sed -n 's/^Cpus_allowed_list:\t//p' /proc/1/status
}

apart() {
	[[ $(cpus alone) =~ ^[0-9]+$ ]] && [[ ,$(cpus others), != *,$(cpus alone),* && $(cpus others) != *-* || $(nproc) -gt 2 ]]
}

@test "the end: the time of grace that is asked for, by force, and with a pod that fails" {
	ready_pod long '{runtimeClassName: "holm", terminationGracePeriodSeconds: 100, containers: [c("a"; "trap \"\" TERM; while :; do sleep 0.1; done")]}'
	ids=$(all_ids long)
	before=$SECONDS
	ctl delete pod long --grace-period 2
	((SECONDS - before >= 2 && SECONDS - before < 20))
	for id in $ids; do slowly no_container "$id"; done
	apply_pod fails '{runtimeClassName: "holm", restartPolicy: "OnFailure", containers: [c("a"; "[ -e /v/x ] && exit 0; touch /v/x; exit 6")
		+ {volumeMounts: [{name: "v", mountPath: "/v"}]}], volumes: [{name: "v", emptyDir: {}}]}'
	slowly phase fails Succeeded
	[ "$(ctl get pod fails -o jsonpath='{.status.containerStatuses[0].restartCount}')" = 1 ]
	delete fails
}

phase() {
	[ "$(ctl get pod "$1" -o jsonpath='{.status.phase}')" = "$2" ]
}
