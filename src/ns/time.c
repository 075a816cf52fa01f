/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ns/ns.h"
#include "sys/fd.h"

int time_write_offsets(const char *offsets, const char **failed)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/timens_offsets", O_WRONLY, 0);
	int r;

	*failed = "open timens_offsets";
	if (fd < 0)
		return fd;
	*failed = "write timens_offsets";
	r = (int)sys_write(fd, offsets, strlen(offsets));
	sys_close(fd);
	return r < 0 ? r : 0;
}
