/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nstype.h"

#include <errno.h>
#include <linux/sched.h>

#include "base/str.h"

const struct ns_info ns_table[NS_COUNT] = {
	[NS_USER] = { "user", "ns/user", CLONE_NEWUSER, "user and group ids, capabilities" },
	[NS_MNT] = { "mnt", "ns/mnt", CLONE_NEWNS, "mounts" },
	[NS_PID] = { "pid", "ns/pid", CLONE_NEWPID, "process ids" },
	[NS_NET] = { "net", "ns/net", CLONE_NEWNET, "interfaces, addresses, ports" },
	[NS_IPC] = { "ipc", "ns/ipc", CLONE_NEWIPC, "System V IPC, POSIX message queues" },
	[NS_UTS] = { "uts", "ns/uts", CLONE_NEWUTS, "hostname and domainname" },
	[NS_CGROUP] = { "cgroup", "ns/cgroup", CLONE_NEWCGROUP, "the root of /proc/self/cgroup" },
	[NS_TIME] = { "time", "ns/time", CLONE_NEWTIME, "monotonic and boot-time clocks" },
};

int ns_by_name(const char *name)
{
	for (int i = 0; i < NS_COUNT; i++)
		if (str_eq(name, ns_table[i].name))
			return i;
	return -EINVAL;
}
