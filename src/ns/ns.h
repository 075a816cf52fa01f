/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has to be done to a namespace once it exists, one file each. Runs between clone and exec.
 * Values in; 0 or -errno out, and then *failed says which call it was.
 */
#pragma once

#include <stdbool.h>

/*
 * Writes the id maps of a process; `proc` is "/proc/self" or "/proc/PID". Without CAP_SETGID in the
 * parent namespace setgroups(2) must be denied first (user_namespaces(7)).
 */
int user_write_maps(const char *proc, const char *uid_map, const char *gid_map, bool deny_setgroups,
		    const char **failed);
/* Becomes root of the new user namespace's ids, whatever the caller was outside. */
int user_become(unsigned uid, unsigned gid, bool drop_groups, const char **failed);

int uts_set_names(const char *hostname, const char *domainname, const char **failed);

/* Shifts the clocks of the time namespace that the next process will be in (time_namespaces(7)). */
int time_write_offsets(const char *offsets, const char **failed);
/* Goes there itself. Refused to a process that shares its memory; its offsets are final then. */
int time_enter_own(const char **failed);

/* setns(2) with the type given, so that a descriptor of another kind is refused. */
int ns_enter(int fd, int clone_flag);
