/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptors that the caller gave us. A new one gets the lowest number that is free: so what
 * is to be passed on by its number is looked at before we open anything, and a hole below it, where
 * one of our own would come to lie, is refused.
 */
#include <errno.h>

#include "container.h"
#include "sys/stdio.h"

static bool is_open(int fd)
{
	return sys_fcntl(fd, F_GETFD, 0) >= 0;
}

int descriptors_begin(struct oci *o, struct err *e)
{
	for (int fd = 0; fd < PASSED_FIRST; fd++) {
		int r = is_open(fd) ? 0 : sys_open_null_as(fd);

		if (r < 0)
			return err_errno(e, -r, "descriptor %d is not open: /dev/null", fd);
	}
	while (o->n_passed < SEAL_FDS_MAX && is_open(PASSED_FIRST + (int)o->n_passed))
		o->n_passed++;
	return 0;
}

int descriptors_check(const struct oci *o, const struct container_life *life, struct err *e)
{
	uint64_t n = (uint64_t)life->listen_fds + life->preserve_fds;

	if (n > SEAL_FDS_MAX)
		return err_set(e, E2BIG, "--preserve-fds and LISTEN_FDS: at most %d in all",
			       SEAL_FDS_MAX);
	if (n <= o->n_passed)
		return 0;
	return err_set(e, EBADF, "%s: descriptor %u of 3 to %u is not open",
		       o->n_passed < life->listen_fds ? "LISTEN_FDS" : "--preserve-fds",
		       PASSED_FIRST + o->n_passed, PASSED_FIRST + (unsigned)n - 1);
}
