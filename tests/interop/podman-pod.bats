#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman's pods: containers that share namespaces with an infra container, and pods of a Kubernetes
# YAML. Its infra image needs catatonit and is made by podman on the spot.
# serial: cgroups and bridges of the machine

load podman

pause_here() {
	have catatonit || [ -x /usr/libexec/podman/catatonit ] || skip "needs catatonit"
}

ns_in() {
	pod exec "$1" readlink "/proc/self/ns/$2"
}

@test "podman pod: an infra container and two more share net, ipc and uts, and nothing else" {
	pause_here
	pod pod create --name group --network none >/dev/null
	long one --pod group
	long two --pod group
	[ "$(podman ps -q --filter pod=group | wc -l)" = 3 ]
	for ns in net ipc uts; do
		[ "$(ns_in one $ns)" = "$(ns_in two $ns)" ]
		[ "$(ns_in one $ns)" = "$(ns_of "$(field "$(podman pod inspect -f '{{.InfraContainerID}}' group)" '{{.State.Pid}}')" $ns)" ]
	done
	[ "$(ns_in one mnt)" != "$(ns_in two mnt)" ]
	[ "$(ns_in one pid)" != "$(ns_in two pid)" ]
	pod exec -d one sh -c 'mkdir /w; echo yes >/w/index.html; exec httpd -f -p 127.0.0.1:80 -h /w'
	eventually pod exec two wget -q -O /got http://127.0.0.1/
	[ "$(pod exec two cat /got)" = yes ]
	[ "$(pod exec one hostname)" = group ]
}

@test "podman pod: stop, start, pause, kill, rm" {
	pause_here
	pod pod create --name group --network none >/dev/null
	long one --pod group
	pod pod pause group
	[ "$(field one '{{.State.Status}}')" = paused ]
	pod pod unpause group
	pod pod stop -t 5 group
	[ "$(field one '{{.State.Status}}')" = exited ]
	pod pod start group
	[ "$(field one '{{.State.Status}}')" = running ]
	pod pod kill group
	eventually sh -c '[ "$(podman inspect -f "{{.State.Status}}" one)" = exited ]'
	pod pod rm -f -t 0 group
	run -1 podman container exists one
}

@test "podman pod --share pid" {
	pause_here
	pod pod create --name group --network none --share net,pid >/dev/null
	long one --pod group
	long two --pod group
	[ "$(ns_in one pid)" = "$(ns_in two pid)" ]
	pod exec one ps | grep -q catatonit
}

@test "podman play kube: a pod of YAML; generate kube gives it back" {
	pause_here
	mkdir -p "$D/host" && echo yes >"$D/host/file"
	cat >"$D/pod.yaml" <<-END
		apiVersion: v1
		kind: Pod
		metadata:
		  name: kube
		spec:
		  hostNetwork: true
		  restartPolicy: Never
		  initContainers:
		  - name: first
		    image: localhost/bb
		    command: [sh, -c, "echo made >/shared/made"]
		    volumeMounts: [{name: shared, mountPath: /shared}]
		  containers:
		  - name: main
		    image: localhost/bb
		    imagePullPolicy: Never
		    command: [sh, -c, "cat /shared/made /host/file; echo \$A; id -u; trap exit TERM; while :; do sleep 0.1; done"]
		    env: [{name: A, value: b}]
		    securityContext: {runAsUser: 7, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
		    resources: {limits: {memory: 64Mi, cpu: 500m}}
		    volumeMounts: [{name: shared, mountPath: /shared}, {name: host, mountPath: /host, readOnly: true}]
		  volumes:
		  - {name: shared, emptyDir: {}}
		  - {name: host, hostPath: {path: "$D/host", type: Directory}}
	END
	pod play kube "$D/pod.yaml"
	eventually sh -c '[ "$(podman logs kube-main | tr "\n" " ")" = "made yes b 7 " ]'
	[ "$(cg_file memory "libpod-$(field kube-main '{{.Id}}')" memory.limit_in_bytes memory.max)" = $((64 << 20)) ]
	run -1 pod exec kube-main touch /x
	[ "$(pod exec kube-main sed -n 's/^CapEff:\t//p' /proc/self/status)" = 0000000000000000 ]
	podman generate kube kube >"$D/again.yaml"
	grep -q 'image: localhost/bb' "$D/again.yaml"
	pod play kube --down "$D/pod.yaml"
	run -1 podman pod exists kube
	pod volume prune -f >/dev/null
}

@test "podman pod on a bridge: a port of the pod" {
	pause_here
	need netavark curl
	pod pod create --name group -p 127.0.0.1:18979:80 >/dev/null
	pod run -d --pod group --name one localhost/bb sh -c 'mkdir /w; echo yes >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null
	eventually sh -c '[ "$(curl -s -m 2 http://127.0.0.1:18979/)" = yes ]'
	[ "$(pod run --rm --pod group localhost/bb wget -q -O - http://127.0.0.1/)" = yes ]
}
