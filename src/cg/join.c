/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one function of this room that runs in the child: no allocation, no libc state. */
#include "cg/cg.h"
#include "sys/fd.h"

/*
 * "0" is the writer. For a single thread that moves itself the kernel takes no lock against exec
 * and exit of others (cgroup_procs_write_start() in kernel/cgroup/cgroup.c), and taking that lock
 * is what costs an RCU grace period.
 */
int cg_join(const int *fds, int n)
{
	for (int i = 0; i < n; i++) {
		ssize_t r = sys_write(fds[i], "0", 1);

		if (r < 0)
			return (int)r;
	}
	return 0;
}
