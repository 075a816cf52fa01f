/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor that is opened gets the lowest number that is free. Where standard input, output or
 * error is closed that is one of theirs: then what we open for ourselves would be read, written or
 * handed on in their place.
 */
#pragma once

#include <errno.h>

#include "sys/fd.h"

/* For a program, before it opens anything: `fd`, the lowest that is closed, becomes /dev/null. */
static inline int sys_open_null_as(int fd)
{
	int r = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);

	if (r >= 0 && r != fd)
		return -EBADF;
	return r < 0 ? r : sys_fcntl(fd, F_SETFD, 0);
}

static inline int sys_fill_stdio(void)
{
	int r = 0;

	for (int fd = 0; r >= 0 && fd < 3; fd++)
		if (sys_fcntl(fd, F_GETFD, 0) == -EBADF)
			r = sys_open_null_as(fd);
	return r < 0 ? r : 0;
}
