/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fault injection beside the table of steps: HOLM_FAULT=POINT:fail|kill. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/fault.h"
#include "sys/process.h"

int fault_point(const char *name)
{
	const char *wish = getenv("HOLM_FAULT"), *colon = wish ? strchr(wish, ':') : NULL;

	if (!colon || (size_t)(colon - wish) != strlen(name) || !str_starts(wish, name))
		return 0;
	if (str_eq(colon + 1, "kill"))
		sys_kill(sys_getpid(), SIGKILL);
	return str_eq(colon + 1, "fail") ? -EIO : 0;
}
