#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A kubelet whose pods are files, on containerd whose default runtime is holm-oci. `make test-kubelet` builds the
# kubelet and runs this; each test looks at what its pods see, and then at what is left of them.
# serial: cgroups and daemons

load node
load pods

setup_file() {
	node_setup_file holm
	[ ! -e "$D/node.ready" ] || start_kubelet
}

teardown_file() {
	node_teardown_file
}

setup() {
	node_setup
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || {
		kubelet pods | jq -c '.items[].status' || :
		tail -n 15 "$D/kubelet.log" "$D/containerd.log"
	}
	rm -f "${D:?}"/pods/*
}

# ---- namespaces ----

@test "pod: two containers share network, IPC, /dev/shm and host name, and nothing else" {
	running share '{containers: [c("a"; "sleep 1000"), c("b"; "nc -l -p 8080 -e echo served; sleep 1000")]}'
	for ns in net ipc uts; do
		[ "$(inside share a "readlink /proc/self/ns/$ns")" = "$(inside share b "readlink /proc/self/ns/$ns")" ]
	done
	for ns in pid mnt; do
		[ "$(inside share a "readlink /proc/self/ns/$ns")" != "$(inside share b "readlink /proc/self/ns/$ns")" ]
	done
	[ "$(inside share a 'nc 127.0.0.1 8080 </dev/null')" = served ]
	inside share a 'echo there >/dev/shm/x; echo mine >/tmp/x'
	[ "$(inside share b 'cat /dev/shm/x; ls /tmp')" = there ]
	[ "$(inside share a hostname)" = share-node ]
	# The pod's own address, which the node reaches.
	address=$(status share | jq -r .podIP)
	[[ $(inside share a 'ip -4 address show eth0') == *"inet $address/24"* ]]
	node busybox ping -c 1 -W 5 "$address"
	remove share
}

@test "pod: shareProcessNamespace, where process 1 is the sandbox's" {
	running pids '{shareProcessNamespace: true, containers: [c("a"; "sleep 1111"), c("b"; "sleep 2222")]}'
	[ "$(inside pids a 'readlink /proc/self/ns/pid')" = "$(inside pids b 'readlink /proc/self/ns/pid')" ]
	[[ $(inside pids a 'tr \\0 . </proc/1/cmdline') == *sleep.1000000. ]]
	inside pids a 'ps -o args | grep ^sleep.2222'
	# A process of the other container can be signalled, and the kubelet starts that again.
	inside pids a 'kill -KILL $(ps -o pid,args | sed -n "s/^[^0-9]*\([0-9]*\).sleep.2222/\1/p")'
	holds pids '.containerStatuses[] | select(.name == "b") | .restartCount == 1 and .state.running'
	[ "$(of pids b .lastState.terminated.exitCode)" = 137 ]
	[ "$(of pids a .restartCount)" = 0 ]
	remove pids
}

@test "pod: namespaces of the host" {
	running host '{hostNetwork: true, hostPID: true, hostIPC: true, containers: [c("a"; "sleep 1000")]}'
	for ns in net ipc pid; do
		[ "$(inside host a "readlink /proc/self/ns/$ns")" = "$(node readlink "/proc/self/ns/$ns")" ]
	done
	[ "$(inside host a 'readlink /proc/self/ns/mnt')" != "$(node readlink /proc/self/ns/mnt)" ]
	inside host a 'ps -o args | grep "^/.*kubelet"'
	remove host
}

@test "pod: sysctls, hosts, DNS" {
	running names '{containers: [c("a"; "sleep 1000")], hostAliases: [{ip: "10.1.2.3", hostnames: ["far"]}], dnsPolicy: "None",
		dnsConfig: {nameservers: ["10.9.9.9"], searches: ["isle"]}, hostname: "holm",
		securityContext: {sysctls: [{name: "net.ipv4.ip_local_port_range", value: "40000 40100"}, {name: "kernel.shm_rmid_forced", value: "1"}]}}'
	[ "$(inside names a 'cat /proc/sys/net/ipv4/ip_local_port_range' | tr '\t' ' ')" = "40000 40100" ]
	[ "$(inside names a 'cat /proc/sys/kernel/shm_rmid_forced')" = 1 ]
	[[ $(inside names a 'cat /etc/hosts') == *10.1.2.3*far* ]]
	[[ $(inside names a 'cat /etc/resolv.conf') == *"search isle"*"nameserver 10.9.9.9"* ]]
	[ "$(inside names a hostname)" = holm ]
	remove names
}

# ---- cgroups ----

@test "limits: as the cgroup has them, and the pod's above" {
	running limits '{containers: [c("a"; "sleep 1000") + {resources: {limits: {cpu: "250m", memory: "64Mi"}, requests: {cpu: "100m"}}},
		c("b"; "sleep 1000") + {resources: {limits: {cpu: "500m", memory: "32Mi"}}}]}'
	a=$(ident limits a) b=$(ident limits b)
	[ "$(cg_file memory "$a" memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(cg_file memory "$b" memory.limit_in_bytes memory.max)" = 33554432 ]
	[[ $(cg_file cpu "$a" cpu.cfs_quota_us cpu.max) == 25000* ]]
	[[ $(cg_file cpu "$b" cpu.cfs_quota_us cpu.max) == 50000* ]]
	[ ! -d /sys/fs/cgroup/cpu ] || [ "$(cg_file cpu "$a" cpu.shares)" = 102 ]
	# Inside the pod's cgroup, which the kubelet has made with the sum.
	path=$(find /sys/fs/cgroup/memory -type d -name "$a")
	[[ $path == */$PARENT/kubepods/burstable/pod*/$a ]]
	[ "$(cat "${path%/*}/memory.limit_in_bytes")" = 100663296 ]
	remove limits
	slowly no_pod_cgroup
}

# The kubelet of this version does not know of a v2 tree beside those of v1. There the pod's goes with the container that
# made it, if that is the last one.
no_pod_cgroup() {
	[ -z "$(find /sys/fs/cgroup -type d -path "*$PARENT*/pod*" ! -path '*/unified/*' 2>/dev/null)" ]
}

@test "limits: too much memory is OOMKilled" {
	pod hungry '{restartPolicy: "Never", containers: [c("a"; "dd if=/dev/zero of=/dev/null bs=64M count=1")
		+ {resources: {limits: {memory: "16Mi"}}}]}'
	holds hungry '.phase == "Failed"'
	[ "$(of hungry a '.state.terminated | "\(.reason) \(.exitCode)"')" = "OOMKilled 137" ]
	remove hungry
}

@test "stats: what a container uses" {
	running busy '{containers: [c("a"; "while :; do :; done") + {resources: {limits: {cpu: "100m"}}}]}'
	slowly has_stats busy
	remove busy
}

has_stats() {
	kubelet stats/summary | jq -e --arg name "$1-node" '.pods[] | select(.podRef.name == $name) | .containers[0]
		| .cpu.usageCoreNanoSeconds > 0 and .memory.workingSetBytes > 0'
}

# ---- life ----

@test "probes: one that fails restarts the container, and makes it not ready" {
	running probes '{containers: [
		c("live"; "touch /tmp/alive; sleep 4; rm /tmp/alive; sleep 1000")
			+ {livenessProbe: {exec: {command: ["cat", "/tmp/alive"]}, periodSeconds: 1, failureThreshold: 2}},
		c("ready"; "sleep 1000") + {readinessProbe: {exec: {command: ["test", "-e", "/tmp/ready"]}, periodSeconds: 1}},
		c("http"; "mkdir /www && echo yes >/www/index.html && exec httpd -f -p 80 -h /www")
			+ {readinessProbe: {httpGet: {path: "/", port: 80}, periodSeconds: 1}},
		c("slow"; "sleep 2; touch /tmp/up; sleep 1000")
			+ {startupProbe: {exec: {command: ["ls", "/tmp/up"]}, periodSeconds: 1, failureThreshold: 20}}]}'
	holds probes '.containerStatuses[] | select(.name == "http") | .ready'
	holds probes '.containerStatuses[] | select(.name == "slow") | .started'
	[ "$(of probes ready .ready)" = false ]
	inside probes ready 'touch /tmp/ready'
	holds probes '.containerStatuses[] | select(.name == "ready") | .ready'
	inside probes ready 'rm /tmp/ready'
	holds probes '.containerStatuses[] | select(.name == "ready") | .ready == false'
	holds probes '.containerStatuses[] | select(.name == "live") | .restartCount >= 1'
	[ "$(of probes http .restartCount)$(of probes slow .restartCount)" = 00 ]
	remove probes
}

@test "hooks and the end: postStart, preStop, SIGTERM, and SIGKILL when the time of grace is over" {
	mkdir "$D/hooks"
	running hooks '{restartPolicy: "Never", terminationGracePeriodSeconds: 4, volumes: [{name: "h", hostPath: {path: "\($d)/hooks"}}], containers: [
		c("a"; "trap \"echo term >>/h/a; exit 5\" TERM; while :; do sleep 0.1; done") + {volumeMounts: [{name: "h", mountPath: "/h"}],
			lifecycle: {postStart: {exec: {command: ["sh", "-c", "echo start >>/h/a"]}}, preStop: {exec: {command: ["sh", "-c", "echo stop >>/h/a"]}}}},
		c("b"; "trap \"\" TERM; while :; do date +%s >/h/b; sleep 0.1; done") + {volumeMounts: [{name: "h", mountPath: "/h"}]}]}'
	[ "$(cat "$D/hooks/a")" = start ]
	asked=$(date +%s)
	remove hooks
	[ "$(tr '\n' ' ' <"$D/hooks/a")" = "start stop term " ]
	# b took no notice of SIGTERM, and lived as long as it was let.
	(($(cat "$D/hooks/b") - asked >= 3))
}

@test "init containers: one after the other, before the others; one that fails is tried again" {
	mkdir "$D/init"
	running init '{volumes: [{name: "v", emptyDir: {}}, {name: "h", hostPath: {path: "\($d)/init"}}],
		initContainers: [c("one"; "echo one >>/v/order; [ -e /h/tried ] || { touch /h/tried; exit 4; }"), c("two"; "echo two >>/v/order")],
		containers: [c("a"; "echo main >>/v/order; sleep 1000")]}
		| (.initContainers[], .containers[]).volumeMounts = [{name: "v", mountPath: "/v"}, {name: "h", mountPath: "/h"}]'
	[ "$(inside init a 'cat /v/order' | tr '\n' ' ')" = "one one two main " ]
	[ "$(of init one '"\(.restartCount) \(.state.terminated.exitCode)"')" = "1 0" ]
	remove init
}

@test "exit: started again, later and later; with restartPolicy Never once, with a message" {
	pod again '{containers: [c("a"; "echo run; exit 3")]}'
	pod once '{restartPolicy: "Never", containers: [c("a"; "echo last words >/dev/termination-log; exit 9"), c("b"; "exit 0")]}'
	holds again '.containerStatuses[0] | .restartCount >= 1 and .state.waiting.reason == "CrashLoopBackOff" and .lastState.terminated.exitCode == 3'
	holds once '.phase == "Failed"'
	[ "$(of once a '.state.terminated | "\(.exitCode) \(.message)"')" = "9 last words" ]
	[ "$(of once b '"\(.state.terminated.exitCode) \(.state.terminated.reason) \(.restartCount)"')" = "0 Completed 0" ]
	remove again once
}

@test "a command that is not there, and a user who may not be root" {
	pod bad '{containers: [c("a"; "") + {command: ["/nosuch"]}, c("b"; "sleep 1000") + {securityContext: {runAsNonRoot: true}}]}'
	holds bad '.containerStatuses[] | select(.name == "a") | (.state.waiting // .lastState).reason // "" | . == "RunContainerError" or . == "CrashLoopBackOff"'
	holds bad '.containerStatuses[] | select(.name == "a") | .lastState.terminated | .exitCode == 128 and (.message | test("no such file or directory"))'
	[ "$(of bad b .state.waiting.reason)" = CreateContainerConfigError ]
	remove bad
}

@test "logs: both outputs, the last lines, of the one before" {
	running logs '{containers: [c("a"; "echo one; echo two >&2; [ -e /v/x ] || { touch /v/x; exit 1; }; sleep 1000")
		+ {volumeMounts: [{name: "v", mountPath: "/v"}]}], volumes: [{name: "v", emptyDir: {}}]}' || :
	holds logs '.containerStatuses[0] | .restartCount == 1 and .state.running'
	[ "$(logs logs a | sort | tr '\n' ' ')" = "one two " ]
	[[ $(logs logs a tailLines=1) =~ ^(one|two)$ ]]
	[[ $(logs logs a 'previous=true&timestamps=true') == 20*T*one* ]]
	remove logs
}

@test "the kubelet and containerd are started again, and the containers go on" {
	running stay '{containers: [c("a"; "i=0; while :; do i=$((i + 1)); echo $i >/tmp/i; sleep 0.1; done")]}'
	before=$(ident stay a)
	restart_daemons
	holds stay ".phase == \"Running\" and .containerStatuses[0].containerID == \"containerd://$before\" and .containerStatuses[0].restartCount == 0"
	(($(inside stay a 'cat /tmp/i') > 5))
	remove stay
}

# ---- rights ----

@test "securityContext: ids, groups, capabilities, read-only root, no_new_privs" {
	running rights '{securityContext: {runAsUser: 7, runAsGroup: 8, fsGroup: 10, supplementalGroups: [9]}, volumes: [{name: "v", emptyDir: {}}],
		containers: [c("a"; "sleep 1000") + {volumeMounts: [{name: "v", mountPath: "/v"}], securityContext: {readOnlyRootFilesystem: true,
				allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}},
			c("b"; "sleep 1000") + {securityContext: {runAsUser: 0, capabilities: {drop: ["ALL"], add: ["NET_BIND_SERVICE", "CHOWN"]}}},
			c("c"; "sleep 1000") + {securityContext: {runAsUser: 0}}]}'
	[ "$(inside rights a 'echo $(id -u) $(id -g) $(id -G)')" = "7 8 8 9 10" ]
	[ "$(inside rights a 'touch /x 2>/dev/null || echo ro; touch /v/x && stat -c %u:%g /v/x' | tr '\n' ' ')" = "ro 7:10 " ]
	[ "$(rights_of rights a)" = "0000000000000000 1 0" ]
	[ "$(rights_of rights b)" = "0000000000000401 0 0" ]
	inside rights b 'touch /x && chown 5 /x'
	[ "$(rights_of rights c)" = "00000000a80425fb 0 0" ]
	[ "$(inside rights c 'cat /proc/kcore /proc/timer_list 2>&1 | wc -c; echo x 2>/dev/null >/proc/sys/kernel/hostname || echo no' | tail -n 1)" = no ]
	remove rights
}

# rights_of NAME CONTAINER: effective capabilities, no_new_privs, seccomp mode
rights_of() {
	inside "$1" "$2" 'echo $(sed -n "s/^\(CapEff\|NoNewPrivs\|Seccomp\):.//p" /proc/self/status)'
}

@test "securityContext: seccompProfile RuntimeDefault, Localhost, and none" {
	node mkdir -p /var/lib/kubelet/seccomp
	node sh -c 'echo "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13}]}" >/var/lib/kubelet/seccomp/mine.json'
	running seccomp '{containers: [
		c("default"; "sleep 1000") + {securityContext: {seccompProfile: {type: "RuntimeDefault"}}},
		c("mine"; "sleep 1000") + {securityContext: {seccompProfile: {type: "Localhost", localhostProfile: "mine.json"}}},
		c("none"; "sleep 1000") + {securityContext: {seccompProfile: {type: "Unconfined"}}}]}'
	[ "$(rights_of seccomp default)" = "00000000a80425fb 0 2" ]
	[ "$(rights_of seccomp none)" = "00000000a80425fb 0 0" ]
	[[ $(inside seccomp default 'unshare -U true 2>&1 || :') == *"not permitted"* ]]
	inside seccomp default 'mkdir /new'
	inside seccomp none 'unshare -U true'
	[[ $(inside seccomp mine 'mkdir /new 2>&1 || :') == *"Permission denied"* ]]
	remove seccomp
}

@test "securityContext: privileged" {
	running mighty '{containers: [c("a"; "sleep 1000") + {securityContext: {privileged: true}}, c("b"; "sleep 1000")]}'
	[ "$(inside mighty a 'sed -n "s/^CapEff:.//p" /proc/self/status')" = "$(node sed -n 's/^CapEff:.//p' /proc/self/status)" ]
	inside mighty a 'mount -t tmpfs none /mnt 2>/dev/null || { mkdir -p /mnt && mount -t tmpfs none /mnt; } && umount /mnt'
	inside mighty a 'test -c /dev/fuse && grep -q "^sysfs./sys.sysfs.rw" /proc/mounts'
	[[ $(inside mighty b 'test -e /dev/fuse || echo none; mkdir -p /mnt; mount -t tmpfs none /mnt 2>&1') == none*"not permitted"* ]] ||
		[[ $(inside mighty b 'grep "^sysfs./sys.sysfs" /proc/mounts') == *" ro,"* ]]
	remove mighty
}

# ---- volumes ----

@test "volumes: emptyDir, also in memory; hostPath of a file, of a directory, read-only; subPath" {
	mkdir -p "$D/host/sub" && echo yes >"$D/host/file" && echo deep >"$D/host/sub/file"
	running volumes '{volumes: [{name: "e", emptyDir: {}}, {name: "m", emptyDir: {medium: "Memory"}}, {name: "h", hostPath: {path: "\($d)/host", type: "Directory"}},
			{name: "f", hostPath: {path: "\($d)/host/file", type: "File"}}],
		containers: [c("a"; "sleep 1000"), c("b"; "sleep 1000")]} | .containers[].volumeMounts = [{name: "e", mountPath: "/e"}, {name: "m", mountPath: "/m"},
			{name: "h", mountPath: "/ro", readOnly: true}, {name: "f", mountPath: "/etc/file"}, {name: "h", mountPath: "/sub", subPath: "sub"},
			{name: "h", mountPath: "/etc/deep", subPath: "sub/file"}, {name: "e", mountPath: "/made", subPath: "made/here"}]'
	inside volumes a 'echo shared >/e/x; echo fast >/m/x; echo new >/sub/new; echo made >/made/x'
	[ "$(inside volumes b 'cat /e/x /m/x /ro/file /etc/file /etc/deep /sub/new /e/made/here/x' | tr '\n' ' ')" = "shared fast yes yes deep new made " ]
	[ "$(inside volumes b 'touch /ro/x 2>/dev/null || echo ro')" = ro ]
	inside volumes a 'grep -q "^tmpfs./m.tmpfs" /proc/mounts && ! grep -q "^tmpfs./e." /proc/mounts'
	[ "$(cat "$D/host/sub/new")" = new ]
	remove volumes
	# What the kubelet has mounted for the pod is gone, too.
	slowly sh -c "! nsenter -t $(cat "$D/init.pid") -m -p grep -q /var/lib/kubelet/pods/ /proc/self/mountinfo"
}

@test "volumes: mountPropagation in both directions" {
	mkdir -p "$D/prop"
	node mount --bind "$D/prop" "$D/prop"
	node mount --make-shared "$D/prop"
	running prop '{volumes: [{name: "p", hostPath: {path: "\($d)/prop"}}], containers: [
		c("both"; "sleep 1000") + {securityContext: {privileged: true}, volumeMounts: [{name: "p", mountPath: "/p", mountPropagation: "Bidirectional"}]},
		c("in"; "sleep 1000") + {volumeMounts: [{name: "p", mountPath: "/p", mountPropagation: "HostToContainer"}]},
		c("none"; "sleep 1000") + {volumeMounts: [{name: "p", mountPath: "/p"}]}]}'
	inside prop both 'mkdir /p/x && mount -t tmpfs none /p/x && echo yes >/p/x/file'
	[ "$(node cat "$D/prop/x/file")" = yes ]
	[ "$(inside prop in 'cat /p/x/file')" = yes ]
	[ "$(inside prop none 'ls /p/x')" = "" ]
	node umount "$D/prop/x"
	[ "$(inside prop in 'ls /p/x')" = "" ]
	remove prop
	node umount "$D/prop"
}

@test "environment: what the pod says of itself" {
	running self '{volumes: [{name: "d", downwardAPI: {items: [{path: "labels", fieldRef: {fieldPath: "metadata.labels"}}]}}], containers: [c("a"; "sleep 1000")
		+ {workingDir: "/tmp", resources: {limits: {memory: "32Mi"}}, volumeMounts: [{name: "d", mountPath: "/d"}], env: [{name: "A", value: "b"}, {name: "C", value: "$(A)c"},
			{name: "IP", valueFrom: {fieldRef: {fieldPath: "status.podIP"}}}, {name: "MEM", valueFrom: {resourceFieldRef: {resource: "limits.memory"}}}]}]}'
	[ "$(inside self a 'echo $A $C $IP $MEM $(pwd)')" = "b bc $(status self | jq -r .podIP) 33554432 /tmp" ]
	[[ $(inside self a 'cat /d/labels') == 'app="self"' ]]
	remove self
}
