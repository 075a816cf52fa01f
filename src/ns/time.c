/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ns/ns.h"
#include "sys/fd.h"
#include "sys/process.h"

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

int time_enter_own(const char **failed)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/ns/time_for_children", O_RDONLY, 0), r;

	*failed = "open time_for_children";
	if (fd < 0)
		return fd;
	*failed = "enter it";
	r = ns_enter(fd, CLONE_NEWTIME);
	sys_close(fd);
	return r;
}
