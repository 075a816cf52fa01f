/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ids, capabilities, seccomp, Landlock: the calls that only ever take rights away. */
#pragma once

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>

#include "sys/process.h"

/* What a seccomp filter finds in `arch` for a call of this build's own kind. */
#if defined(__x86_64__)
#define SYS_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SYS_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#define SYS_AUDIT_ARCH AUDIT_ARCH_RISCV64
#endif

/* glibc's wrappers change the ids of every thread; the raw calls change the caller alone. */
static inline int sys_setresuid(uid_t r, uid_t e, uid_t s)
{
	return (int)RAW3(SYS_setresuid, r, e, s);
}

static inline int sys_setresgid(gid_t r, gid_t e, gid_t s)
{
	return (int)RAW3(SYS_setresgid, r, e, s);
}

static inline int sys_setgroups(size_t n, const gid_t *groups)
{
	return (int)RAW2(SYS_setgroups, n, groups);
}

static inline int sys_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		  (uint32_t)(inheritable >> 32) },
	};

	return (int)RAW2(SYS_capset, &head, data);
}

static inline int sys_capget(uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	int r = (int)RAW2(SYS_capget, &head, data);

	if (r == 0) {
		*effective = data[0].effective | (uint64_t)data[1].effective << 32;
		*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	}
	return r;
}

static inline int sys_seccomp(unsigned op, unsigned flags, const void *arg)
{
	return (int)RAW3(SYS_seccomp, op, flags, arg);
}

static inline int sys_landlock_create_ruleset(const void *attr, size_t size, unsigned flags)
{
	return (int)RAW3(SYS_landlock_create_ruleset, attr, size, flags);
}

static inline int sys_landlock_add_rule(int fd, int type, const void *attr)
{
	return (int)RAW4(SYS_landlock_add_rule, fd, type, attr, 0);
}

static inline int sys_landlock_restrict_self(int fd)
{
	return (int)RAW2(SYS_landlock_restrict_self, fd, 0);
}
