#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# podman that has systemd make the cgroups, where that is process 1: `tests/vm/run podman`.
# serial: units have names that are the whole machine's

load oci

property()
{
	systemctl show --property "$1" --value "$2"
}

gone_unit()
{
	[ "$(property LoadState "$1")" = not-found ]
}

# bats test_tags=vm
@test "podman with cgroup_manager = systemd" {
	need_root
	need podman conmon
	local unit

	[ -n "${HOLM_TEST_VM-}" ] && [ -d /run/systemd/system ] || skip "needs systemd as process 1: tests/vm/run podman"
	printf '[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = "systemd"\nevents_logger = "file"\n' >containers.conf
	printf '[storage]\ndriver = "vfs"\nrunroot = "%s/podman"\ngraphroot = "%s/podman/storage"\n' "$T" "$T" >storage.conf
	export CONTAINERS_CONF=$T/containers.conf CONTAINERS_STORAGE_CONF=$T/storage.conf
	pod()
	{
		podman --runtime "$OCI" --tmpdir "$T/podman/tmp" "$@"
	}
	pod run --detach --name pod --network none --memory 64m --pids-limit 77 --rootfs "$B/rootfs" sleep 60 >/dev/null
	unit=libpod-$(pod inspect --format '{{.Id}}' pod).scope
	[ "$(property Slice "$unit") $(property TasksMax "$unit")" = "machine.slice 77" ]
	[ "$(property MemoryMax "$unit")" = 67108864 ] || [ ! -e /sys/fs/cgroup/cgroup.controllers ]
	pod exec pod cat /proc/1/comm >comm.out
	[ "$(cat comm.out)" = sleep ]
	pod rm --force --time 0 pod >/dev/null
	eventually gone_unit "$unit"
	rmdir /run/holm-oci # podman passes no --root
}
