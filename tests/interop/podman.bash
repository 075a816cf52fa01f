# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests with podman and buildah share, on top of engine.bash: all their state lies below $D, and
# pod ARG... runs podman with holm-oci. The image is localhost/bb.

load engine

setup_file() {
	engine_setup_file
	podman_config "$D" 10.213.77.0/24
	! podman_can || podman_import
}

podman_can() {
	is_root && have podman conmon jq
}

# podman_config DIR SUBNET: podman's files, with all that it keeps below DIR
podman_config() {
	mkdir -p "$1"
	export CONTAINERS_CONF=$1/containers.conf CONTAINERS_STORAGE_CONF=$1/storage.conf
	# static_dir lies where podman puts it when it is called with --root: the clean-up after the end of
	# a container is called so, and without it podman run waits in vain for 20 s.
	cat >"$CONTAINERS_CONF" <<-END
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
		[engine]
		runtime = "holm-oci"
		runtime_supports_json = ["holm-oci"]
		runtime_supports_nocgroup = ["holm-oci"]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		tmp_dir = "$1/tmp"
		static_dir = "$1/storage/libpod"
		volume_path = "$1/volumes"
		[engine.runtimes]
		holm-oci = ["$OCI"]
		[network]
		network_backend = "netavark"
		network_config_dir = "$1/networks"
		default_subnet = "$2"
	END
	cat >"$CONTAINERS_STORAGE_CONF" <<-END
		[storage]
		driver = "vfs"
		runroot = "$1/run"
		graphroot = "$1/storage"
		[storage.options]
		root-auto-userns-user = "containers"
	END
}

podman_import() {
	tar -C "$D/rootfs" -c . | podman import - localhost/bb >/dev/null 2>&1
}

teardown_file() {
	if podman_can; then
		podman pod rm --all --force --time 0 >/dev/null 2>&1
		podman rm --all --force --time 0 >/dev/null 2>&1
		podman network prune --force >/dev/null 2>&1
	fi
	engine_teardown_file
}

setup() {
	need_root
	need podman conmon jq
}

# What a test has left is removed, and then nothing of it may be there.
teardown() {
	local id ids code=0

	ids=$(podman ps --all --quiet --no-trunc 2>/dev/null)
	podman pod rm --all --force --time 0 >/dev/null 2>&1 || :
	podman rm --all --force --time 0 >/dev/null 2>&1 || :
	for id in $ids; do
		nothing_of "$id" || code=1
	done
	return $code
}

pod() {
	timeout 30 podman "$@"
}

# once OPTION... IMAGE COMMAND: a container that is gone afterwards, and has no network
once() {
	pod run --rm --network none "$@"
}

# long NAME OPTION...: a container that runs until the end of the test; its network is none or its pod's
long() {
	local network=(--network none)

	[[ " $* " != *" --pod "* ]] || network=()
	pod run -d --name "$1" "${network[@]}" "${@:2}" localhost/bb sh -c 'trap exit TERM; while :; do sleep 0.1; done' >/dev/null
}

# field NAME FORMAT
field() {
	podman inspect -f "$2" "$1"
}

# ns_of PID NAME
ns_of() {
	readlink "/proc/$1/ns/$2"
}

# A test mounts its own over them.
have_subid() {
	[ -e /etc/subuid ] && [ -e /etc/subgid ]
}

need_subid() {
	have_subid || skip "needs /etc/subuid and /etc/subgid"
}
