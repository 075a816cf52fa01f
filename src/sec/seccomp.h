/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading a seccomp filter, and the one that a box has unless it is told otherwise. */
#pragma once

#include <linux/filter.h>

/*
 * Restricts the calling thread for good. Runs in the child: no libc. `flags` are
 * SECCOMP_FILTER_FLAG_*. 0, or with FLAG_NEW_LISTENER the listener's descriptor, or -errno:
 * -EACCES means that neither no_new_privs nor CAP_SYS_ADMIN was there, -ESRCH that TSYNC found a
 * thread with another filter. (Not named seccomp_load, because libseccomp has one of those, and a
 * program may link both.)
 */
int seccomp_install(const struct sock_filter *insns, unsigned short len, unsigned flags);

/* data/seccomp-default.json, compiled while holm was built; docs/design/0003-seccomp-default.md. */
extern const struct sock_filter seccomp_default_insns[];
extern const unsigned short seccomp_default_len;
