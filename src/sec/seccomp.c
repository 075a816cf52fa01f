/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sec/seccomp.h"

#include "sys/security.h"

int seccomp_install(const struct sock_filter *insns, unsigned short len, unsigned flags)
{
	/* The kernel only reads it; its struct has no const. */
	struct sock_fprog program = { .len = len, .filter = (struct sock_filter *)insns };
	int r = sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);

	/* With TSYNC, seccomp(2) fails by the id of the thread that could not follow. */
	if (r > 0 && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return -ESRCH;
	return r;
}
