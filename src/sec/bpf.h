/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a seccomp profile to the program that the kernel runs.
 *
 * What a profile decides about one system call:
 *
 *  - A call that no rule names gets the default action. Rules whose action is the default one and
 *    that have no conditions say nothing and are passed over (libseccomp refuses them, engines drop
 *    them); so are names that this build does not know.
 *  - If rules without conditions name it, the first of them decides, wherever it stands among rules
 *    with conditions.
 *  - Otherwise the rules with conditions are alternatives; all conditions of one rule must hold. If
 *    several rules fit, the most restrictive action wins, in the kernel's own order: KILL_PROCESS,
 *    KILL_THREAD, TRAP, ERRNO, USER_NOTIF, TRACE, LOG, ALLOW; among equals the first in the
 * profile. (Of rules that overlap, libseccomp picks one by how it sorts their conditions.)
 *  - A number above every number this build knows gets ENOSYS if the default action is an errno: it
 *    is a call from the future, and C libraries fall back to an older one on ENOSYS alone.
 *  - A call from a convention that the profile does not list kills the process; x32 calls on x86_64
 *    are one such.
 *  - A 32-bit convention compares the low half of arguments and values.
 *  - On 32-bit x86 a rule for a socket or System V IPC call without conditions also covers its form
 *    inside socketcall(2) and ipc(2). There, arguments lie in memory where no filter sees them: so
 *    of rules with conditions, those that are stricter than the default action cover that form
 *    whatever its arguments, and others do not. The version in the upper half of ipc's first
 *    argument is ignored, as the kernel dispatches without it.
 *
 * The program decides in three steps: the convention, a binary search over ranges of numbers that
 * share a decision, the conditions. It is not sorted by how often a call occurs: since Linux 5.11
 * the kernel runs the filter once for every number when it is loaded, and never again for those
 * that it always allows.
 */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

#include "base/err.h"
#include "base/scmp.h"

/*
 * Compiles `p` into `out`, which has room for `room` instructions; BPF_MAXINSNS (4096) are always
 * enough, because the kernel takes no more. On failure `*len` is untouched, `out` is not.
 */
int scmp_compile(const struct scmp_profile *p, struct sock_filter *out, size_t room, size_t *len,
		 struct err *e);

/* Is there a system call of that name in any convention? */
int scmp_knows(const char *name);

/* The name of call `nr` of the convention AUDIT_ARCH_*; NULL if there is none that we know. */
const char *scmp_name(uint32_t arch, int nr);

/*
 * The action for call `nr` of our own convention with arguments of 0, or -EOPNOTSUPP: it uses
 * instructions that no filter of ours has.
 */
int64_t seccomp_decide(const struct sock_filter *insns, size_t len, int nr);

/* Can this file content be a filter? 1 - 4096 whole instructions; the kernel checks the rest. */
int seccomp_check_raw(const void *data, size_t len, struct err *e);
