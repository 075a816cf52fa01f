/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/stdio.h"

#include <errno.h>

#include "base/cleanup.h"
#include "sys/fd.h"

int stdio_guard(struct stdio_guard *g)
{
	unsigned taken = 0;
	int fd;

	for (fd = 0; fd < 3; fd++) {
		int flags = sys_fcntl(fd, F_GETFD, 0);

		if (flags < 0 || flags & FD_CLOEXEC)
			g->lacking |= 1U << fd;
	}
	/* The first that is none of the three is for C; another thread may have been quicker. */
	for (fd = 0; g->lacking && fd >= 0 && g->null_fd < 0;) {
		fd = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
		if (fd > 2)
			g->null_fd = fd;
		else if (fd >= 0)
			taken |= 1U << fd;
	}
	g->taken = taken;
	return fd < 0 ? fd : 0;
}

void stdio_guard_end(struct stdio_guard *g)
{
	for (int fd = 0; fd < 3; fd++)
		if (g->taken & 1U << fd)
			sys_close(fd);
	cleanup_fd(&g->null_fd);
	*g = (struct stdio_guard)STDIO_GUARD_INIT;
}
