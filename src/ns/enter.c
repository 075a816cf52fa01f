/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ns/ns.h"
#include "sys/process.h"

int ns_enter(int fd, int clone_flag)
{
	return sys_setns(fd, clone_flag);
}
