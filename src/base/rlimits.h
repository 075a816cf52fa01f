/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of resource limits (getrlimit(2)). */
#pragma once

/* "nofile" -> RLIMIT_NOFILE; -EINVAL if there is no such limit. */
int rlimit_by_name(const char *name);
const char *rlimit_name(int resource);
