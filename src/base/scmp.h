/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A seccomp profile as plain data: spec/scmp_json.c reads one, sec/bpf.c compiles it. The meaning
 * is that of `linux.seccomp` in the OCI runtime specification; how several rules for one system
 * call combine is said in sec/bpf.h.
 */
#pragma once

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, which the oldest headers we build with lack. */
#define SCMP_FLAG_WAIT_KILLABLE_RECV (1U << 5)

/*
 * 1 if the compiler says that it makes code for that machine (it then defines the name as 1), else
 * 0; an expression, because #if is for src/sys alone, which this room cannot ask.
 */
#define SCMP_MACHINE(name)           SCMP_MACHINE_SEEN(name)
#define SCMP_MACHINE_SEEN(value)     SCMP_MACHINE_SECOND(SCMP_MACHINE_AS_##value 1, 0, 0)
#define SCMP_MACHINE_AS_1            0,
#define SCMP_MACHINE_SECOND(...)     SCMP_MACHINE_PICK(__VA_ARGS__)
#define SCMP_MACHINE_PICK(a, b, ...) b

/* The ways to call a kernel that we have numbers for. */
enum scmp_abi {
	SCMP_ABI_X86_64,
	SCMP_ABI_X86,
	SCMP_ABI_X32,
	SCMP_ABI_AARCH64,
	SCMP_ABI_ARM,
	SCMP_ABI_RISCV64,
	SCMP_ABI_COUNT,
	SCMP_ABI_NATIVE = SCMP_MACHINE(__x86_64__)    ? SCMP_ABI_X86_64
			  : SCMP_MACHINE(__aarch64__) ? SCMP_ABI_AARCH64
						      : SCMP_ABI_RISCV64,
};

enum scmp_op {
	SCMP_NE,
	SCMP_LT,
	SCMP_LE,
	SCMP_EQ,
	SCMP_GE,
	SCMP_GT,
	SCMP_MASKED_EQ, /* (argument & value) == (value_two & value) */
	SCMP_OP_COUNT,
};

#define SCMP_ARGS_MAX 6 /* a system call has no more */

struct scmp_arg {
	unsigned index; /* 0 - 5 */
	enum scmp_op op;
	uint64_t value, value_two;
};

struct scmp_rule {
	const char **names;
	size_t n_names;
	uint32_t action;             /* SECCOMP_RET_*, with its data in the low 16 bits */
	const struct scmp_arg *args; /* all of them must hold; none: the rule is unconditional */
	size_t n_args;
};

struct scmp_profile {
	uint32_t default_action; /* as scmp_rule.action */
	enum scmp_abi native;    /* of the machine; always part of the filter */
	unsigned abis;           /* bit N: scmp_abi N is wanted too */
	unsigned flags;          /* SECCOMP_FILTER_FLAG_* */
	const struct scmp_rule *rules;
	size_t n_rules;
	/* Where the descriptor of SECCOMP_RET_USER_NOTIF goes; NULL: not given. */
	const char *listener_path, *listener_metadata;
};

/* Does anything in `p` ask a listener? Then it must be loaded with FLAG_NEW_LISTENER. */
static inline int scmp_notifies(const struct scmp_profile *p)
{
	for (size_t i = 0; i < p->n_rules; i++)
		if ((p->rules[i].action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return 1;
	return 0;
}
