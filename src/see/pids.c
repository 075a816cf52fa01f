/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One process has a pid in its own pid namespace and in each that is above it. */
#include <errno.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "see/see.h"
#include "sys/fd.h"

/* "NSpid:\t4711\t23\t1": from ours inwards. */
static int read_levels(const struct see_world *w, int pid, struct see_pid out[SEE_PIDS_MAX])
{
	char path[32], text[4096];
	const char *at;
	uint64_t value;
	int n = 0, r;

	snprintf(path, sizeof(path), "%d/status", pid);
	r = see_read(w->proc_fd, path, text, sizeof(text));
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	at = strstr(text, "\nNSpid:");
	if (!at)
		return -EOPNOTSUPP;
	at += strlen("\nNSpid:");
	for (at += strspn(at, "\t"); n < SEE_PIDS_MAX && str_take_u64(&at, &value) == 0;
	     at += strspn(at, "\t"))
		out[n++] = (struct see_pid){ .pid = (int)value };
	return n;
}

int see_pid_levels(const struct see_world *w, int pid, struct see_pid out[SEE_PIDS_MAX])
{
	const struct see_process *p = see_process(w, pid);
	const struct see_ns *ns = p ? see_find(w, p->ns[NS_PID]) : NULL;
	int n = read_levels(w, pid, out);

	/* The innermost is the process's own, and each further out its parent. */
	for (int i = n - 1; ns && i >= 0; i--, ns = see_find(w, ns->parent))
		out[i].ns = ns->inode;
	return n;
}

/* _IOR(NSIO, 0x6, int): since Linux 6.11; what we build with may not know it. */
#define GET_PID_FROM _IOR(NSIO, 0x6, int)

static int look_for(const struct see_world *w, const struct see_ns *n, int pid)
{
	for (size_t i = 0; i < w->processes.n; i++) {
		const struct see_process *p = &w->processes.items[i];
		struct see_pid levels[SEE_PIDS_MAX];
		int depth = p->tid ? 0 : see_pid_levels(w, p->pid, levels);

		for (int k = 0; k < depth; k++)
			if (levels[k].ns == n->inode && levels[k].pid == pid)
				return p->pid;
	}
	return -ESRCH;
}

int see_pid_from(const struct see_world *w, const struct see_ns *n, int pid)
{
	_cleanup_fd_ int fd = see_open(w, n);
	int r = fd < 0 ? fd : sys_ioctl(fd, GET_PID_FROM, (void *)(uintptr_t)pid);

	if (r >= 0 || r == -ESRCH)
		return r;
	return look_for(w, n, pid);
}
