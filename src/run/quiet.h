/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * To a pipe whose reader may have gone away: that must not end the caller (signal(7), SIGPIPE). For
 * P alone; a socket has MSG_NOSIGNAL for it (sys_sendmsg). The count of bytes, or -errno.
 */
ssize_t quiet_write(int fd, const void *data, size_t len);
/* All of it. 0 or -errno. */
int quiet_write_all(int fd, const void *data, size_t len);
