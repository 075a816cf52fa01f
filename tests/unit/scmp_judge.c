/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first. */
#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/str.h"
#include "scmp_judge.h"
#include "sec/bpf.h"
#include "syscalls.inc"

#define X32_BIT 0x40000000U

/* ---- random numbers, the same on every run ---- */

uint64_t judge_seed = 0x9e3779b97f4a7c15U;

uint64_t judge_random(void)
{
	judge_seed ^= judge_seed << 13;
	judge_seed ^= judge_seed >> 7;
	judge_seed ^= judge_seed << 17;
	return judge_seed * 0x2545f4914f6cdd1dU;
}

unsigned judge_below(unsigned n)
{
	return (unsigned)((judge_random() >> 33) % n);
}

/* ---- the interpreter ---- */

static uint32_t load(const struct seccomp_data *d, uint32_t offset)
{
	uint32_t word;

	assert_true(offset % 4 == 0 && offset + 4 <= sizeof(*d));
	memcpy(&word, (const char *)d + offset, sizeof(word));
	return word;
}

static bool holds(const struct sock_filter *in, uint32_t acc)
{
	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		return acc == in->k;
	case BPF_JGT:
		return acc > in->k;
	case BPF_JGE:
		return acc >= in->k;
	case BPF_JSET:
		return acc & in->k;
	default:
		fail_msg("jump %#x", in->code);
		return false;
	}
}

uint32_t judge_run(const struct program *p, const struct seccomp_data *d)
{
	uint32_t acc = 0;

	for (size_t pc = 0; pc < p->len; pc++) {
		const struct sock_filter *in = &p->insns[pc];

		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			acc = load(d, in->k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= in->k;
			break;
		case BPF_RET | BPF_K:
			return in->k;
		case BPF_JMP | BPF_JA:
			pc += in->k;
			break;
		default:
			assert_int_equal(BPF_CLASS(in->code), BPF_JMP);
			assert_int_equal(BPF_SRC(in->code), BPF_K);
			pc += holds(in, acc) ? in->jt : in->jf;
		}
	}
	fail_msg("the program runs off its end");
	return 0;
}

/* ---- the judge ---- */

const struct judge_abi judge_abis[SCMP_ABI_COUNT] = {
	[SCMP_ABI_X86_64] = { AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, true },
	[SCMP_ABI_X86] = { AUDIT_ARCH_I386, SCMP_ARCH_X86, false },
	[SCMP_ABI_X32] = { AUDIT_ARCH_X86_64, SCMP_ARCH_X32, false },
	[SCMP_ABI_AARCH64] = { AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, true },
	[SCMP_ABI_ARM] = { AUDIT_ARCH_ARM, SCMP_ARCH_ARM, false },
	[SCMP_ABI_RISCV64] = { AUDIT_ARCH_RISCV64, SCMP_ARCH_RISCV64, true },
};

static bool wants(const struct scmp_profile *p, unsigned abi)
{
	static const unsigned families[] = {
		1U << SCMP_ABI_X86_64 | 1U << SCMP_ABI_X86 | 1U << SCMP_ABI_X32,
		1U << SCMP_ABI_AARCH64 | 1U << SCMP_ABI_ARM,
		1U << SCMP_ABI_RISCV64,
	};
	unsigned wanted = p->abis | 1U << p->native;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i] & 1U << p->native)
			wanted &= families[i];
	return wanted & 1U << abi;
}

/* The convention of a call, or -1 if the profile does not list it. */
static int abi_of(const struct scmp_profile *p, const struct seccomp_data *d)
{
	uint32_t nr = (uint32_t)d->nr;

	for (unsigned abi = 0; abi < SCMP_ABI_COUNT; abi++) {
		if (d->arch != judge_abis[abi].token || !wants(p, abi))
			continue;
		if (abi == SCMP_ABI_X32 && nr < X32_BIT)
			continue;
		if (abi == SCMP_ABI_X86_64 && nr >= X32_BIT &&
		    (nr != UINT32_MAX || wants(p, SCMP_ABI_X32)))
			continue;
		return (int)abi;
	}
	return -1;
}

/* The number as syscall_table has it; -1 for one that no table can have. */
static int table_number(int abi, uint32_t nr)
{
	if (abi == SCMP_ABI_X32)
		nr &= ~X32_BIT;
	if (abi == SCMP_ABI_ARM && nr >= 0xf0000 && nr < 0xf0010)
		return SYSCALL_PRIVATE_BASE + (int)(nr - 0xf0000);
	return nr < 0x1000 ? (int)nr : -1;
}

static bool is_future(int abi, uint32_t nr)
{
	int n = table_number(abi, nr);

	return n < 0 || (n < SYSCALL_PRIVATE_BASE && n > syscall_highest[abi]);
}

static const struct syscall_entry *call_of(int abi, uint32_t nr)
{
	int n = table_number(abi, nr);

	for (size_t i = 0; i < SYSCALL_COUNT && n >= 0; i++)
		if (syscall_table[i].numbers[abi] == n)
			return &syscall_table[i];
	return NULL;
}

static bool arg_holds(const struct scmp_arg *a, const struct seccomp_data *d, bool wide)
{
	uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
	uint64_t x = d->args[a->index] & mask, v = a->value & mask;

	switch (a->op) {
	case SCMP_NE:
		return x != v;
	case SCMP_LT:
		return x < v;
	case SCMP_LE:
		return x <= v;
	case SCMP_EQ:
		return x == v;
	case SCMP_GE:
		return x >= v;
	case SCMP_GT:
		return x > v;
	default:
		return (x & v) == (a->value_two & v);
	}
}

static bool rule_holds(const struct scmp_rule *r, const struct seccomp_data *d, bool wide)
{
	for (size_t i = 0; i < r->n_args; i++)
		if (!arg_holds(&r->args[i], d, wide))
			return false;
	return true;
}

bool judge_rule_names(const struct scmp_rule *r, const char *name)
{
	for (size_t i = 0; i < r->n_names; i++)
		if (str_eq(r->names[i], name))
			return true;
	return false;
}

static int32_t order(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

/* What the rules that name `name` say; `inside`: seen through socketcall or ipc. 1: they decide. */
static int judge_name(const struct scmp_profile *p, const char *name, const struct seccomp_data *d,
		      bool wide, bool inside, uint32_t *out)
{
	int found = 0;

	for (size_t i = 0; i < p->n_rules; i++) {
		const struct scmp_rule *r = &p->rules[i];

		if (r->n_args || r->action == p->default_action || !judge_rule_names(r, name))
			continue;
		*out = r->action;
		return 2;
	}
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct scmp_rule *r = &p->rules[i];

		if (!r->n_args || !judge_rule_names(r, name))
			continue;
		if (inside ? order(r->action) >= order(p->default_action) : !rule_holds(r, d, wide))
			continue;
		if (!found || order(r->action) < order(*out))
			*out = r->action;
		found = 1;
	}
	return found;
}

static int judge_inside(const struct scmp_profile *p, const struct seccomp_data *d, int base,
			uint32_t *out)
{
	uint32_t call = (uint32_t)d->args[0] & (base ? UINT16_MAX : UINT32_MAX);

	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		if (syscall_table[i].inside == base + (int)call && call > 0 && call < 100)
			return judge_name(p, syscall_names + syscall_table[i].name_at, d, false,
					  true, out);
	return 0;
}

static uint32_t judge(const struct scmp_profile *p, const struct seccomp_data *d)
{
	uint32_t nr = (uint32_t)d->nr, action = p->default_action, inner = 0;
	int abi = abi_of(p, d), said = 0;
	const struct syscall_entry *call;

	if (abi < 0)
		return SECCOMP_RET_KILL_PROCESS;
	if (is_future(abi, nr))
		return order(action) == SECCOMP_RET_ERRNO ? SECCOMP_RET_ERRNO | ENOSYS : action;
	call = call_of(abi, nr);
	if (!call)
		return action;
	said = judge_name(p, syscall_names + call->name_at, d, judge_abis[abi].wide, false,
			  &action);
	if (abi != SCMP_ABI_X86 || (nr != 102 && nr != 117) || said == 2)
		return action;
	if (judge_inside(p, d, nr == 102 ? 0 : 100, &inner) &&
	    (!said || order(inner) < order(action)))
		return inner;
	return action;
}

/* ---- random calls ---- */

static uint64_t near_value(uint64_t v)
{
	switch (judge_below(8)) {
	case 0:
		return v + 1;
	case 1:
		return v - 1;
	case 2:
		return v ^ (1ULL << judge_below(64));
	case 3:
		return v | (1ULL << 32);
	case 4:
		return (uint32_t)v;
	case 5:
		return v + (1ULL << 32);
	default:
		return v;
	}
}

static uint64_t random_arg(const struct scmp_rule *r, unsigned index)
{
	for (size_t i = 0; r && i < r->n_args; i++) {
		const struct scmp_arg *a = &r->args[i];

		if (a->index != index || judge_below(8) == 0)
			continue;
		if (a->op == SCMP_MASKED_EQ)
			return near_value(a->value_two) |
			       (judge_random() & ~a->value & (0ULL - judge_below(2)));
		return near_value(a->value);
	}
	switch (judge_below(4)) {
	case 0:
		return judge_below(32);
	case 1:
		return (uint32_t)judge_random();
	case 2:
		return 1ULL << judge_below(64);
	default:
		return judge_random();
	}
}

static uint32_t random_number(const struct scmp_rule *r, unsigned abi)
{
	uint32_t nr = judge_below(620);

	if (r && judge_below(2)) {
		int at = -1;
		const char *name = r->names[judge_below((unsigned)r->n_names)];

		for (size_t i = 0; i < SYSCALL_COUNT; i++)
			if (str_eq(syscall_names + syscall_table[i].name_at, name))
				at = syscall_table[i].numbers[abi];
		if (at >= 0)
			nr = (uint32_t)at;
	}
	if (nr >= SYSCALL_PRIVATE_BASE)
		nr = nr - SYSCALL_PRIVATE_BASE + 0xf0000;
	if (judge_below(64) == 0)
		nr = judge_below(2) ? (uint32_t)judge_random() : 0xeffff + judge_below(20);
	if (judge_below(256) == 0)
		nr = UINT32_MAX;
	return abi == SCMP_ABI_X32 ? nr | X32_BIT : nr;
}

static struct seccomp_data random_call(const struct scmp_profile *p)
{
	const struct scmp_rule *r =
		p->n_rules ? &p->rules[judge_below((unsigned)p->n_rules)] : NULL;
	unsigned abi = judge_below(8);
	struct seccomp_data d = { .instruction_pointer = judge_random() };

	if (abi >= SCMP_ABI_COUNT || judge_below(2))
		abi = p->native;
	if (r && r->n_names == 0)
		r = NULL;
	d.arch = judge_below(512) ? judge_abis[abi].token : (uint32_t)judge_random();
	d.nr = (int)random_number(r, abi);
	for (unsigned i = 0; i < 6; i++)
		d.args[i] = random_arg(r, i);
	return d;
}

/* ---- libseccomp ---- */

static uint32_t oracle_action(uint32_t action)
{
	uint32_t data = action & SECCOMP_RET_DATA;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
		return SCMP_ACT_ERRNO(data);
	case SECCOMP_RET_TRACE:
		return SCMP_ACT_TRACE(data);
	default:
		return action & SECCOMP_RET_ACTION_FULL;
	}
}

static void oracle_rule(scmp_filter_ctx ctx, const struct scmp_profile *p,
			const struct scmp_rule *r)
{
	static const enum scmp_compare compare[SCMP_OP_COUNT] = {
		[SCMP_NE] = SCMP_CMP_NE,
		[SCMP_LT] = SCMP_CMP_LT,
		[SCMP_LE] = SCMP_CMP_LE,
		[SCMP_EQ] = SCMP_CMP_EQ,
		[SCMP_GE] = SCMP_CMP_GE,
		[SCMP_GT] = SCMP_CMP_GT,
		[SCMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};
	struct scmp_arg_cmp args[SCMP_ARGS_MAX];

	for (size_t i = 0; i < r->n_args; i++)
		args[i] = (struct scmp_arg_cmp){ r->args[i].index, compare[r->args[i].op],
						 r->args[i].value, r->args[i].value_two };
	if (r->action == p->default_action)
		return;
	for (size_t i = 0; i < r->n_names; i++) {
		int nr = seccomp_syscall_resolve_name(r->names[i]);
		int err;

		if (nr == __NR_SCMP_ERROR)
			continue;
		err = seccomp_rule_add_array(ctx, oracle_action(r->action), nr, (unsigned)r->n_args,
					     args);
		if (err)
			fail_msg("libseccomp: %s: %s", r->names[i], strerror(-err));
	}
}

void judge_libseccomp(const struct scmp_profile *p, struct program *out)
{
	scmp_filter_ctx ctx = seccomp_init(oracle_action(p->default_action));
	int fd = memfd_create("oracle", MFD_CLOEXEC);
	ssize_t n;

	assert_non_null(ctx);
	assert_true(fd >= 0);
	assert_int_equal(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
	assert_int_equal(seccomp_api_get() >= 3 ? 0 : seccomp_api_set(3), 0);
	seccomp_arch_remove(ctx, seccomp_arch_native());
	for (unsigned abi = 0; abi < SCMP_ABI_COUNT; abi++)
		if (wants(p, abi))
			assert_int_equal(seccomp_arch_add(ctx, judge_abis[abi].libseccomp), 0);
	for (size_t i = 0; i < p->n_rules; i++)
		oracle_rule(ctx, p, &p->rules[i]);
	assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
	lseek(fd, 0, SEEK_SET);
	n = read(fd, out->insns, sizeof(out->insns));
	assert_true(n > 0 && n % (ssize_t)sizeof(out->insns[0]) == 0);
	out->len = (size_t)n / sizeof(out->insns[0]);
	close(fd);
	seccomp_release(ctx);
}

/* libseccomp speaks of this call, and means the same by it as we do. */
static bool comparable(const struct scmp_profile *p, const struct seccomp_data *d)
{
	int abi = abi_of(p, d);
	uint32_t nr = (uint32_t)d->nr;
	const struct syscall_entry *call;
	int theirs;

	if (abi < 0)
		return true;
	if (is_future(abi, nr) && order(p->default_action) == SECCOMP_RET_ERRNO)
		return false;
	if (abi == SCMP_ABI_X86 && (nr == 102 || nr == 117)) {
		if (nr == 117 && (uint32_t)d->args[0] > UINT16_MAX)
			return false;
		for (size_t i = 0; i < p->n_rules; i++)
			for (size_t j = 0; p->rules[i].n_args && j < p->rules[i].n_names; j++)
				if (seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86,
								      p->rules[i].names[j]) <= -100)
					return false;
	}
	call = call_of(abi, nr);
	if (!call)
		return true;
	theirs = seccomp_syscall_resolve_name_arch(judge_abis[abi].libseccomp,
						   syscall_names + call->name_at);
	return theirs == (int)nr || (abi == SCMP_ABI_X86 && theirs <= -100 && theirs > -300);
}

/* ---- helpers ---- */

void judge_compile(const struct scmp_profile *p, struct program *out)
{
	struct err e = { 0 };

	if (scmp_compile(p, out->insns, BPF_MAXINSNS, &out->len, &e) < 0)
		fail_msg("%s", e.text);
}

char *judge_slurp(const char *path, size_t *len)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	char *data = malloc(1 << 20);

	if (!f)
		fail_msg("%s: %s (run this in the root of the sources)", path, strerror(errno));
	*len = fread(data, 1, 1 << 20, f);
	return data;
}

void judge_parse_file(struct arena *a, const char *path, const struct scmp_host *host,
		      struct scmp_profile *out)
{
	struct err e = { 0 };
	size_t len;
	_cleanup_free_ char *json = judge_slurp(path, &len);

	if (scmp_parse_for(a, json, len, path, host, out, &e) < 0)
		fail_msg("%s", e.text);
}

static void disagree(const struct scmp_profile *p, const char *who, const struct seccomp_data *d,
		     uint32_t ours, uint32_t theirs)
{
	int abi = abi_of(p, d);
	const struct syscall_entry *call = abi < 0 ? NULL : call_of(abi, (uint32_t)d->nr);
	const char *name = call ? syscall_names + call->name_at : "?";

	printf("%s, default %#x\n", name, p->default_action);
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct scmp_rule *r = &p->rules[i];

		if (!judge_rule_names(r, name))
			continue;
		printf("rule %zu: %#x", i, r->action);
		for (size_t j = 0; j < r->n_args; j++)
			printf(", arg %u op %d %#llx %#llx", r->args[j].index, (int)r->args[j].op,
			       (unsigned long long)r->args[j].value,
			       (unsigned long long)r->args[j].value_two);
		printf("\n");
	}
	fail_msg("arch %#x nr %#x args %#llx %#llx %#llx %#llx %#llx %#llx: ours %#x, %s %#x",
		 d->arch, (uint32_t)d->nr, d->args[0], d->args[1], d->args[2], d->args[3],
		 d->args[4], d->args[5], ours, who, theirs);
}

size_t judge_compare(const struct scmp_profile *p, const struct program *ours,
		     const struct program *theirs, bool judged, size_t n)
{
	size_t compared = 0;

	for (size_t i = 0; i < n; i++) {
		struct seccomp_data d = random_call(p);
		uint32_t mine = judge_run(ours, &d);

		if (judged && judge(p, &d) != mine)
			disagree(p, "judge", &d, mine, judge(p, &d));
		if (!theirs || !comparable(p, &d))
			continue;
		compared++;
		if (judge_run(theirs, &d) != mine)
			disagree(p, "libseccomp", &d, mine, judge_run(theirs, &d));
	}
	return compared;
}
