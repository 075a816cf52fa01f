/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/caps.h"

#include <stddef.h>
#include <strings.h>

#include "base/macro.h"

static const char *const names[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};

uint64_t caps_by_name(const char *name)
{
	if (strcasecmp(name, "all") == 0)
		return CAPS_ALL;
	if (strncasecmp(name, "cap_", 4) == 0)
		name += 4;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return UINT64_C(1) << i;
	return 0;
}

const char *caps_name(unsigned cap)
{
	return cap < ARRAY_SIZE(names) ? names[cap] : NULL;
}
