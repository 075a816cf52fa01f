/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seccomp: reading profiles, compiling them, and the filter of a box.
 *
 * Three judges look at a compiled program: an interpreter runs it; `judge` below decides the same
 * call straight from the profile, by the rules of sec/bpf.h; and libseccomp compiles the same
 * profile into a program of its own. Over millions of random calls all must agree. What libseccomp
 * does differently by design is left out: ENOSYS for numbers from the future, rules of different
 * actions that overlap, and rules with conditions for calls inside socketcall and ipc.
 *
 * Runs in the root of the sources. HOLM_TEST_SEED chooses other random profiles and calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four first. */
#include <cmocka.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/macro.h"
#include "base/scmp.h"
#include "base/str.h"
#include "sec/bpf.h"
#include "sec/seccomp.h"
#include "spec/scmp_json.h"
#include "syscalls.inc"

#define X32_BIT       0x40000000U
#define DOCKER_LIKE   "tests/unit/data/docker-like.json"
#define DEFAULT       "data/seccomp-default.json"
#define ORACLE_CALLS  400000 /* for each machine */
#define RANDOM_ROUNDS 150
#define RANDOM_CALLS  10000 /* for each random profile */

struct program {
	struct sock_filter insns[BPF_MAXINSNS];
	size_t len;
};

/* ---- random numbers, the same on every run ---- */

static uint64_t random_state = 0x9e3779b97f4a7c15U;

static uint64_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1dU;
}

static unsigned below(unsigned n)
{
	return (unsigned)((rnd() >> 33) % n);
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

static uint32_t run(const struct program *p, const struct seccomp_data *d)
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

static const struct {
	uint32_t token, libseccomp;
	bool wide;
} abis[SCMP_ABI_COUNT] = {
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
		if (d->arch != abis[abi].token || !wants(p, abi))
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

static bool rule_names(const struct scmp_rule *r, const char *name)
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

		if (r->n_args || r->action == p->default_action || !rule_names(r, name))
			continue;
		*out = r->action;
		return 2;
	}
	for (size_t i = 0; i < p->n_rules; i++) {
		const struct scmp_rule *r = &p->rules[i];

		if (!r->n_args || !rule_names(r, name))
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
	said = judge_name(p, syscall_names + call->name_at, d, abis[abi].wide, false, &action);
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
	switch (below(8)) {
	case 0:
		return v + 1;
	case 1:
		return v - 1;
	case 2:
		return v ^ (1ULL << below(64));
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

		if (a->index != index || below(8) == 0)
			continue;
		if (a->op == SCMP_MASKED_EQ)
			return near_value(a->value_two) | (rnd() & ~a->value & (0ULL - below(2)));
		return near_value(a->value);
	}
	switch (below(4)) {
	case 0:
		return below(32);
	case 1:
		return (uint32_t)rnd();
	case 2:
		return 1ULL << below(64);
	default:
		return rnd();
	}
}

static uint32_t random_number(const struct scmp_rule *r, unsigned abi)
{
	uint32_t nr = below(620);

	if (r && below(2)) {
		int at = -1;
		const char *name = r->names[below((unsigned)r->n_names)];

		for (size_t i = 0; i < SYSCALL_COUNT; i++)
			if (str_eq(syscall_names + syscall_table[i].name_at, name))
				at = syscall_table[i].numbers[abi];
		if (at >= 0)
			nr = (uint32_t)at;
	}
	if (nr >= SYSCALL_PRIVATE_BASE)
		nr = nr - SYSCALL_PRIVATE_BASE + 0xf0000;
	if (below(64) == 0)
		nr = below(2) ? (uint32_t)rnd() : 0xeffff + below(20);
	if (below(256) == 0)
		nr = UINT32_MAX;
	return abi == SCMP_ABI_X32 ? nr | X32_BIT : nr;
}

static struct seccomp_data random_call(const struct scmp_profile *p)
{
	const struct scmp_rule *r = p->n_rules ? &p->rules[below((unsigned)p->n_rules)] : NULL;
	unsigned abi = below(8);
	struct seccomp_data d = { .instruction_pointer = rnd() };

	if (abi >= SCMP_ABI_COUNT || below(2))
		abi = p->native;
	if (r && r->n_names == 0)
		r = NULL;
	d.arch = below(512) ? abis[abi].token : (uint32_t)rnd();
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

static void oracle_compile(const struct scmp_profile *p, struct program *out)
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
			assert_int_equal(seccomp_arch_add(ctx, abis[abi].libseccomp), 0);
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
	theirs = seccomp_syscall_resolve_name_arch(abis[abi].libseccomp,
						   syscall_names + call->name_at);
	return theirs == (int)nr || (abi == SCMP_ABI_X86 && theirs <= -100 && theirs > -300);
}

/* ---- helpers ---- */

static void compile(const struct scmp_profile *p, struct program *out)
{
	struct err e = { 0 };

	if (scmp_compile(p, out->insns, BPF_MAXINSNS, &out->len, &e) < 0)
		fail_msg("%s", e.text);
}

static char *slurp(const char *path, size_t *len)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	char *data = malloc(1 << 20);

	if (!f)
		fail_msg("%s: %s (run this in the root of the sources)", path, strerror(errno));
	*len = fread(data, 1, 1 << 20, f);
	return data;
}

static void parse_file(struct arena *a, const char *path, const struct scmp_host *host,
		       struct scmp_profile *out)
{
	struct err e = { 0 };
	size_t len;
	_cleanup_free_ char *json = slurp(path, &len);

	if (scmp_parse_for(a, json, len, path, host, out, &e) < 0)
		fail_msg("%s", e.text);
}

static void parse_text(struct arena *a, const char *json, struct scmp_profile *out)
{
	struct err e = { 0 };

	if (scmp_parse(a, json, strlen(json), "t.json", out, &e) < 0)
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

		if (!rule_names(r, name))
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

/*
 * `n` random calls before ours, the judge if `judged`, and libseccomp unless `theirs` is NULL. With
 * `wrong`, calls where libseccomp contradicts the judge, who has to be with us, are counted there.
 */
static size_t compare(const struct scmp_profile *p, const struct program *ours,
		      const struct program *theirs, bool judged, size_t n, size_t *wrong)
{
	size_t compared = 0;

	for (size_t i = 0; i < n; i++) {
		struct seccomp_data d = random_call(p);
		uint32_t mine = run(ours, &d);

		if (judged && judge(p, &d) != mine)
			disagree(p, "judge", &d, mine, judge(p, &d));
		if (!theirs || !comparable(p, &d))
			continue;
		compared++;
		if (run(theirs, &d) == mine)
			continue;
		if (!wrong || judge(p, &d) != mine)
			disagree(p, "libseccomp", &d, mine, run(theirs, &d));
		(*wrong)++;
	}
	return compared;
}

/* ---- parsing ---- */

static void test_parse_good(void **state)
{
	struct arena *a = arena_new();
	struct scmp_profile p;

	(void)state;
	parse_text(
		a,
		"{ \"defaultAction\": \"SCMP_ACT_ERRNO\", \"unknown\": [ 1 ],"
		"  \"architectures\": [ \"SCMP_ARCH_X86\", \"SCMP_ARCH_S390X\" ],"
		"  \"flags\": [ \"SECCOMP_FILTER_FLAG_LOG\", \"SECCOMP_FILTER_FLAG_TSYNC\" ],"
		"  \"listenerPath\": \"/run/l\", \"listenerMetadata\": \"m\","
		"  \"syscalls\": ["
		"    { \"names\": [ \"read\", \"write\" ], \"action\": \"SCMP_ACT_ALLOW\" },"
		"    { \"name\": \"kill\", \"action\": \"SCMP_ACT_TRACE\", \"errnoRet\": 7,"
		"      \"args\": [ { \"index\": 5, \"value\": 18446744073709551615,"
		"                    \"valueTwo\": 3, \"op\": \"SCMP_CMP_MASKED_EQ\" } ] },"
		"    { \"names\": [ \"bpf\" ], \"action\": \"SCMP_ACT_NOTIFY\" },"
		"    { \"names\": [ \"dup\" ], \"action\": \"SCMP_ACT_KILL\","
		"      \"args\": [ { \"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\" },"
		"                  { \"index\": 0, \"value\": 2, \"op\": \"SCMP_CMP_EQ\" } ] } ] }",
		&p);
	assert_int_equal(p.default_action, SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(p.abis, 1U << SCMP_ABI_X86);
	assert_int_equal(p.native, SCMP_ABI_NATIVE);
	assert_int_equal(p.flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC);
	assert_string_equal(p.listener_path, "/run/l");
	assert_string_equal(p.listener_metadata, "m");
	assert_int_equal(p.n_rules, 5);
	assert_int_equal(p.rules[0].n_names, 2);
	assert_string_equal(p.rules[0].names[1], "write");
	assert_int_equal(p.rules[1].action, SECCOMP_RET_TRACE | 7);
	assert_int_equal(p.rules[1].args[0].index, 5);
	assert_true(p.rules[1].args[0].value == UINT64_MAX);
	assert_int_equal(p.rules[1].args[0].op, SCMP_MASKED_EQ);
	assert_true(scmp_notifies(&p));
	assert_int_equal(p.rules[3].n_args, 1); /* the same argument twice: two rules */
	assert_int_equal(p.rules[4].args[0].value, 2);
	arena_free(a);
}

static const struct {
	const char *json, *error;
} bad[] = {
	{ "", "t.json:1:1: not JSON: the text ends too early" },
	{ "{\n  \"defaultAction\" 1 }", "t.json:2:19: not JSON" },
	{ "{} {}", "t.json:1:" },
	{ "null ", "t.json: must be a JSON object" },
	{ "[]", "t.json: must be a JSON object, not array" },
	{ "{}", "t.json: .defaultAction: is missing" },
	{ "{\"defaultAction\": 1}", "t.json: .defaultAction: must be a JSON string, not int" },
	{ "{\"defaultAction\": \"ALLOW\"}", ".defaultAction: there is no action \"ALLOW\"" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\\u0000\"}", ".defaultAction: has a zero byte" },
	{ "{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", ".defaultAction: SCMP_ACT_NOTIFY would" },
	{ "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultErrnoRet\": 1}",
	  ".defaultErrnoRet: SCMP_ACT_ALLOW takes no errno" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 4096}",
	  ".defaultErrnoRet: must not be more than 4095" },
	{ "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": -1}",
	  ".defaultErrnoRet: must be a whole number" },
#define HEAD "{\"defaultAction\": \"SCMP_ACT_ALLOW\", "
	{ HEAD "\"architectures\": [\"SCMP_ARCH_X86\", \"x86\"]}",
	  ".architectures[1]: there is no architecture \"x86\"" },
	{ HEAD "\"architectures\": [\"SCMP_ARCH_X86\"], \"archMap\": [{}]}",
	  ".archMap: there is .architectures too" },
	{ HEAD "\"archMap\": [{}]}", ".archMap[0].architecture: is missing" },
	{ HEAD "\"flags\": [\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]}", ".flags[0]: there is no" },
	{ HEAD "\"listenerPath\": 1}", ".listenerPath: must be a JSON string" },
	{ HEAD "\"syscalls\": {}}", ".syscalls: must be a JSON array, not object" },
	{ HEAD "\"syscalls\": [null]}", ".syscalls[0]: must be a JSON object, not null" },
	{ HEAD "\"syscalls\": [{\"names\": [\"a\"]}]}", ".syscalls[0].action: is missing" },
#define RULE HEAD "\"syscalls\": [{\"action\": \"SCMP_ACT_KILL\", "
	{ RULE "\"args\": []}]}", ".syscalls[0].names: is missing" },
	{ RULE "\"names\": []}]}", ".syscalls[0].names: is empty" },
	{ RULE "\"names\": [\"a\", 2]}]}", ".syscalls[0].names[1]: must be a JSON string" },
	{ RULE "\"names\": [\"\"]}]}", ".syscalls[0].names[0]: is empty" },
	{ RULE "\"names\": [\"a\"], \"errnoRet\": 1}]}", ".syscalls[0].errnoRet: SCMP_ACT_KILL" },
	{ RULE "\"names\": [\"a\"], \"includes\": []}]}", ".syscalls[0].includes: must be" },
	{ RULE "\"names\": [\"a\"], \"excludes\": {\"caps\": [1]}}]}",
	  ".syscalls[0].excludes.caps[0]: must be" },
	{ RULE "\"names\": [\"a\"], \"includes\": {\"minKernel\": \"5\"}}]}",
	  ".syscalls[0].includes.minKernel: \"5\" is not like" },
#define ARG RULE "\"names\": [\"a\"], \"args\": [{"
	{ ARG "}]}]}", ".syscalls[0].args[0].index: is missing" },
	{ ARG "\"index\": 6}]}]}", ".syscalls[0].args[0].index: must not be more than 5" },
	{ ARG "\"index\": 1.0}]}]}", ".syscalls[0].args[0].index: must be a whole number" },
	{ ARG "\"index\": 1}]}]}", ".syscalls[0].args[0].value: is missing" },
	{ ARG "\"index\": 1, \"value\": -1}]}]}", ".args[0].value: must be a whole number" },
	{ ARG "\"index\": 1, \"value\": 1}]}]}", ".args[0].op: is missing" },
	{ ARG "\"index\": 1, \"value\": 1, \"op\": \"EQ\"}]}]}", "there is no comparison \"EQ\"" },
};

static void test_parse_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct arena *a = arena_new();
		struct scmp_profile p = { .n_rules = 77 };
		struct err e = { 0 };
		int r = scmp_parse(a, bad[i].json, strlen(bad[i].json), "t.json", &p, &e);

		if (r >= 0 || e.code != -r || !strstr(e.text, bad[i].error))
			fail_msg("%s: %d, %s", bad[i].json, r, e.text);
		assert_true(str_starts(e.text, "t.json"));
		assert_int_equal(p.n_rules, 77);
		arena_free(a);
	}
}

/* How many rules of the Docker-like profile name `name`, for `host`. */
static size_t rules_for(const struct scmp_host *host, const char *name)
{
	struct arena *a = arena_new();
	struct scmp_profile p;
	size_t n = 0;

	parse_file(a, DOCKER_LIKE, host, &p);
	for (size_t i = 0; i < p.n_rules; i++)
		n += rule_names(&p.rules[i], name);
	arena_free(a);
	return n;
}

static void test_parse_includes(void **state)
{
	struct scmp_host plain = { .native = SCMP_ABI_X86_64, .kernel = { 5, 14 } };
	struct scmp_host admin = { .native = SCMP_ABI_AARCH64,
				   .caps = 1U << 21, /* CAP_SYS_ADMIN */
				   .kernel = { 4, 7 } };
	struct arena *a = arena_new();
	struct scmp_profile p;

	(void)state;
	assert_int_equal(rules_for(&plain, "mount"), 0);
	assert_int_equal(rules_for(&admin, "mount"), 1);
	assert_int_equal(rules_for(&plain, "clone3"), 1); /* ENOSYS */
	assert_int_equal(rules_for(&admin, "clone3"), 1); /* allowed */
	assert_int_equal(rules_for(&plain, "ptrace"), 1);
	assert_int_equal(rules_for(&admin, "ptrace"), 0); /* kernel before 4.8 */
	assert_int_equal(rules_for(&plain, "modify_ldt"), 1);
	assert_int_equal(rules_for(&admin, "modify_ldt"), 0);
	parse_file(a, DOCKER_LIKE, &plain, &p);
	assert_int_equal(p.abis, 1U << SCMP_ABI_X86_64 | 1U << SCMP_ABI_X86 | 1U << SCMP_ABI_X32);
	parse_file(a, DOCKER_LIKE, &admin, &p);
	assert_int_equal(p.abis, 1U << SCMP_ABI_AARCH64 | 1U << SCMP_ABI_ARM);
	arena_free(a);
}

/* ---- compiling ---- */

static void test_table(void **state)
{
	(void)state;
	assert_true(scmp_knows("read"));
	assert_true(scmp_knows("file_setattr"));
	assert_false(scmp_knows("reader"));
	assert_false(scmp_knows(""));
	for (size_t i = 1; i < SYSCALL_COUNT; i++)
		assert_true(strcmp(syscall_names + syscall_table[i - 1].name_at,
				   syscall_names + syscall_table[i].name_at) < 0);
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		for (size_t abi = 0; abi < SCMP_ABI_COUNT; abi++)
			for (size_t j = 0; j < i; j++)
				assert_true(syscall_table[i].numbers[abi] < 0 ||
					    syscall_table[i].numbers[abi] !=
						    syscall_table[j].numbers[abi]);
	printf("table: %d names, %zu bytes\n", SYSCALL_COUNT,
	       sizeof(syscall_names) + sizeof(syscall_table));
	assert_true(sizeof(syscall_names) + sizeof(syscall_table) < 20000);
}

static void test_oracle_docker(void **state)
{
	static const enum scmp_abi machines[] = { SCMP_ABI_X86_64, SCMP_ABI_AARCH64,
						  SCMP_ABI_RISCV64 };
	static struct program ours, theirs;
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct scmp_host host = { .native = machines[i], .kernel = { 5, 14 } };
		struct arena *a = arena_new();
		struct scmp_profile p;

		parse_file(a, DOCKER_LIKE, &host, &p);
		compile(&p, &ours);
		oracle_compile(&p, &theirs);
		printf("machine %d: ours %zu instructions, libseccomp %zu\n", (int)machines[i],
		       ours.len, theirs.len);
		total += compare(&p, &ours, &theirs, false, ORACLE_CALLS, NULL);
		compare(&p, &ours, NULL, true, ORACLE_CALLS / 20, NULL);
		arena_free(a);
	}
	printf("compared with libseccomp: %zu calls\n", total);
	assert_true(total > 1000000);
}

static uint32_t random_action(void)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_ALLOW,       SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1,
		SECCOMP_RET_ERRNO | 38,  SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_KILL_THREAD, SECCOMP_RET_LOG,   SECCOMP_RET_TRAP,
		SECCOMP_RET_TRACE | 5,
	};

	return actions[below(ARRAY_SIZE(actions))];
}

static uint64_t random_value(void)
{
	switch (below(5)) {
	case 0:
		return below(4);
	case 1:
		return UINT64_MAX - below(3);
	case 2:
		return (1ULL << 32) + below(3) - 1;
	case 3:
		return rnd() >> below(64);
	default:
		return (uint32_t)rnd() & 0xffff;
	}
}

/* What a random profile may have. */
enum kind {
	KIND_LONE,  /* one rule with conditions a call at most, of any kind */
	KIND_EQUAL, /* several, but each one a single comparison for equality */
	KIND_ALIKE, /* several of any kind, but all with the same action */
	KIND_MIXED, /* anything */
};

/* Conditions on different arguments, in ascending order. */
static size_t random_args(struct scmp_arg *out, enum kind kind)
{
	size_t n = 0, wanted = kind == KIND_EQUAL ? 1 : 1 + below(4);

	for (unsigned i = below(3); i < SCMP_ARGS_MAX && n < wanted; i += 1 + below(2)) {
		enum scmp_op op = below(SCMP_OP_COUNT);

		if (kind == KIND_EQUAL)
			op = below(2) ? SCMP_EQ : SCMP_MASKED_EQ;
		out[n] = (struct scmp_arg){ i, op, random_value(), random_value() };
		/* To libseccomp, a condition with an empty mask is none. */
		if (kind != KIND_MIXED && op == SCMP_MASKED_EQ)
			out[n].value |= 1;
		n++;
	}
	return n;
}

#define CALLS_MAX 60

struct random_call {
	const char *name;
	uint32_t action, fixed; /* with conditions, without */
	bool has_rule;
};

static struct scmp_rule random_rule(struct arena *a, struct random_call *call, enum kind kind)
{
	struct scmp_arg *args = arena_alloc(a, SCMP_ARGS_MAX * sizeof(*args));
	struct scmp_rule r = { .names = arena_alloc(a, sizeof(char *)), .n_names = 1 };

	r.names[0] = call->name;
	r.args = args;
	if (below(16) && !(kind == KIND_LONE && call->has_rule)) {
		r.n_args = random_args(args, kind);
		call->has_rule = true;
	}
	r.action = kind == KIND_MIXED ? random_action() : r.n_args ? call->action : call->fixed;
	return r;
}

static struct scmp_rule plain_rule(struct arena *a, const char *name, uint32_t action)
{
	struct scmp_rule r = { .names = arena_alloc(a, sizeof(char *)),
			       .n_names = 1,
			       .action = action };

	r.names[0] = name;
	return r;
}

/* Random rules for few calls, so that rules meet. */
static void random_profile(struct arena *a, enum kind kind, struct scmp_profile *out)
{
	size_t n_rules = 1 + below(60), n_calls = 1 + below(CALLS_MAX - 1), n = 0;
	unsigned first = below(SYSCALL_COUNT);
	struct random_call calls[CALLS_MAX];
	struct scmp_rule *rules = arena_alloc(a, n_rules * sizeof(*rules));

	*out = (struct scmp_profile){ .default_action = random_action(), .rules = rules };
	out->native = below(2) ? SCMP_ABI_X86_64 : SCMP_ABI_AARCH64;
	out->abis = below(1U << SCMP_ABI_COUNT);
	for (size_t i = 0; i < n_calls; i++) {
		size_t at = (first + i * 7) % SYSCALL_COUNT;

		/* Inside socketcall and ipc, libseccomp takes some of these for contradictions. */
		if (kind != KIND_MIXED && syscall_table[at].inside)
			at = (at + 3) % SYSCALL_COUNT;
		calls[i] = (struct random_call){ syscall_names + syscall_table[at].name_at,
						 random_action(), random_action(), false };
	}
	/* Without one unconditional rule, libseccomp 2.5.4 may forget to load the number. */
	rules[n++] = plain_rule(a, "getppid",
				out->default_action == SECCOMP_RET_ALLOW ? SECCOMP_RET_LOG
									 : SECCOMP_RET_ALLOW);
	for (size_t i = 1; i < n_rules; i++) {
		struct scmp_rule r = random_rule(a, &calls[below((unsigned)n_calls)], kind);

		if (kind == KIND_MIXED || r.action != out->default_action)
			rules[n++] = r;
	}
	out->n_rules = n;
}

/*
 * libseccomp 2.5.4 loses its way where rules with several comparisons, or with LT, LE, GT and GE
 * beside each other, share a call: it then contradicts the plain reading of the profile, which is
 * the judge's. There we only ask that the judge agrees with us, and count.
 */
static void test_oracle_random(void **state)
{
	static struct program ours, theirs;
	size_t total = 0, wrong = 0;

	(void)state;
	for (size_t i = 0; i < RANDOM_ROUNDS; i++) {
		enum kind kind = (enum kind[]){ KIND_LONE, KIND_EQUAL, KIND_ALIKE }[i % 3];
		struct arena *a = arena_new();
		struct scmp_profile p;

		random_profile(a, kind, &p);
		compile(&p, &ours);
		oracle_compile(&p, &theirs);
		total += compare(&p, &ours, &theirs, false, RANDOM_CALLS,
				 kind == KIND_ALIKE ? &wrong : NULL);
		compare(&p, &ours, NULL, true, RANDOM_CALLS / 10, NULL);
		arena_free(a);
	}
	printf("compared with libseccomp: %zu calls on %d random profiles; wrong there: %zu\n",
	       total, RANDOM_ROUNDS, wrong);
}

static void test_judge_random(void **state)
{
	static struct program ours;

	(void)state;
	for (size_t i = 0; i < RANDOM_ROUNDS * 2; i++) {
		struct arena *a = arena_new();
		struct scmp_profile p;

		random_profile(a, KIND_MIXED, &p);
		compile(&p, &ours);
		compare(&p, &ours, NULL, true, RANDOM_CALLS / 5, NULL);
		arena_free(a);
	}
}

/* One rule with one condition for each of `n` values, on the calls that `next` walks over. */
static void many_rules(struct arena *a, size_t n, bool one_call, struct scmp_profile *out)
{
	struct scmp_rule *rules = arena_alloc(a, n * sizeof(*rules));
	struct scmp_arg *args = arena_alloc(a, n * sizeof(*args));

	for (size_t i = 0; i < n; i++) {
		rules[i].names = arena_alloc(a, sizeof(char *));
		rules[i].names[0] =
			one_call ? "ioctl"
				 : syscall_names + syscall_table[i % SYSCALL_COUNT].name_at;
		rules[i].n_names = 1;
		rules[i].action = SECCOMP_RET_ERRNO | (uint32_t)(1 + i % 40);
		args[i] = (struct scmp_arg){ 1, SCMP_EQ, i << 30, 0 };
		rules[i].args = &args[i];
		rules[i].n_args = 1;
	}
	*out = (struct scmp_profile){ .default_action = SECCOMP_RET_ALLOW,
				      .native = SCMP_ABI_X86_64,
				      .rules = rules,
				      .n_rules = n };
}

static void test_long_jumps(void **state)
{
	static struct program ours;

	(void)state;
	for (size_t n = 50; n <= 750; n += 100) {
		for (int one_call = 0; one_call < 2; one_call++) {
			struct arena *a = arena_new();
			struct scmp_profile p;

			many_rules(a, n, one_call, &p);
			compile(&p, &ours);
			assert_true(ours.len > n);
			compare(&p, &ours, NULL, true, 2000, NULL);
			arena_free(a);
		}
	}
}

static void test_too_long(void **state)
{
	static struct program ours;
	struct arena *a = arena_new();
	struct scmp_profile p;
	struct err e = { 0 };
	size_t len = 77;

	(void)state;
	many_rules(a, 1500, true, &p);
	assert_int_equal(scmp_compile(&p, ours.insns, BPF_MAXINSNS, &len, &e), -E2BIG);
	assert_non_null(strstr(e.text, "there is room for 4096"));
	many_rules(a, 4000, true, &p);
	assert_int_equal(scmp_compile(&p, ours.insns, BPF_MAXINSNS, &len, &e), -E2BIG);
	many_rules(a, 10, true, &p);
	assert_int_equal(scmp_compile(&p, ours.insns, 10, &len, &e), -E2BIG);
	assert_int_equal(scmp_compile(&p, ours.insns, 0, &len, &e), -E2BIG);
	assert_int_equal(len, 77);
	arena_free(a);
}

static void test_trivial(void **state)
{
	static struct program ours;
	struct scmp_profile p = { .default_action = SECCOMP_RET_ALLOW };

	(void)state;
	for (unsigned native = 0; native < SCMP_ABI_COUNT; native++) {
		p.native = native;
		compile(&p, &ours);
		compare(&p, &ours, NULL, true, 5000, NULL);
	}
}

static void test_check_raw(void **state)
{
	static const char data[4097 * 8];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(seccomp_check_raw(data, 8, &e), 0);
	assert_int_equal(seccomp_check_raw(data, 4096 * 8, &e), 0);
	assert_int_equal(seccomp_check_raw(data, 0, &e), -EINVAL);
	assert_int_equal(seccomp_check_raw(NULL, 8, &e), -EINVAL);
	assert_int_equal(seccomp_check_raw(data, 12, &e), -EINVAL);
	assert_int_equal(seccomp_check_raw(data, sizeof(data), &e), -E2BIG);
}

/* ---- speed ---- */

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void test_speed(void **state)
{
	struct scmp_host host = { .native = SCMP_ABI_X86_64, .kernel = { 5, 14 } };
	static struct program ours;
	struct arena *a = arena_new();
	double best = 1e9, best_parse = 1e9, start;
	struct scmp_profile p;
	size_t len;
	_cleanup_free_ char *json = slurp(DOCKER_LIKE, &len);

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct arena *b = arena_new();
		struct err e;

		start = now_us();
		assert_int_equal(scmp_parse_for(b, json, len, "t", &host, &p, &e), 0);
		best_parse = MIN(best_parse, now_us() - start);
		arena_free(b);
	}
	parse_file(a, DOCKER_LIKE, &host, &p);
	for (int i = 0; i < 1000; i++) {
		start = now_us();
		compile(&p, &ours);
		best = MIN(best, now_us() - start);
	}
	start = now_us();
	oracle_compile(&p, &ours);
	printf("Docker-like profile, three conventions: parsed in %.0f us, compiled in %.0f us "
	       "(libseccomp: %.0f us)\n",
	       best_parse, best, now_us() - start);
	arena_free(a);
}

/* ---- the filter of a box ---- */

#define ALLOW SECCOMP_RET_ALLOW
#define NO(e) (SECCOMP_RET_ERRNO | (e))
#define HIGH  0xabcd00000000ULL /* garbage above an int, which the kernel cuts off */

static const struct {
	const char *name;
	uint64_t args[3];
	uint32_t expected;
} decisions[] = {
	{ "read", { 0 }, ALLOW },
	{ "write", { 0 }, ALLOW },
	{ "futex", { 0 }, ALLOW },
	{ "execve", { 0 }, ALLOW },
	{ "execveat", { 0 }, ALLOW },
	{ "rseq", { 0 }, ALLOW },
	{ "membarrier", { 0 }, ALLOW },
	{ "landlock_restrict_self", { 0 }, ALLOW },
	{ "seccomp", { 0 }, ALLOW },
	{ "memfd_create", { 0 }, ALLOW },
	{ "close_range", { 0 }, ALLOW },
	{ "openat2", { 0 }, ALLOW },
	{ "epoll_pwait2", { 0 }, ALLOW },
	{ "mseal", { 0 }, ALLOW },
	{ "cachestat", { 0 }, ALLOW },
	{ "pidfd_send_signal", { 0 }, ALLOW },
	{ "init_module", { 0 }, NO(EPERM) },
	{ "finit_module", { 0 }, NO(EPERM) },
	{ "delete_module", { 0 }, NO(EPERM) },
	{ "create_module", { 0 }, NO(ENOSYS) },
	{ "kexec_load", { 0 }, NO(EPERM) },
	{ "kexec_file_load", { 0 }, NO(EPERM) },
	{ "keyctl", { 0 }, NO(EPERM) },
	{ "add_key", { 0 }, NO(EPERM) },
	{ "request_key", { 0 }, NO(EPERM) },
	{ "bpf", { 0 }, NO(EPERM) },
	{ "perf_event_open", { 0 }, NO(EPERM) },
	{ "ptrace", { 0 }, NO(EPERM) },
	{ "process_vm_readv", { 0 }, NO(EPERM) },
	{ "process_vm_writev", { 0 }, NO(EPERM) },
	{ "kcmp", { 0 }, NO(EPERM) },
	{ "pidfd_getfd", { 0 }, NO(EPERM) },
	{ "process_madvise", { 0 }, NO(EPERM) },
	{ "userfaultfd", { 0 }, NO(EPERM) },
	{ "mount", { 0 }, NO(EPERM) },
	{ "umount2", { 0 }, NO(EPERM) },
	{ "pivot_root", { 0 }, NO(EPERM) },
	{ "chroot", { 0 }, NO(EPERM) },
	{ "open_tree", { 0 }, NO(EPERM) },
	{ "open_tree_attr", { 0 }, NO(EPERM) },
	{ "move_mount", { 0 }, NO(EPERM) },
	{ "fsopen", { 0 }, NO(EPERM) },
	{ "fsconfig", { 0 }, NO(EPERM) },
	{ "fsmount", { 0 }, NO(EPERM) },
	{ "fspick", { 0 }, NO(EPERM) },
	{ "mount_setattr", { 0 }, NO(EPERM) },
	{ "io_uring_setup", { 0 }, NO(EPERM) },
	{ "io_uring_enter", { 0 }, NO(EPERM) },
	{ "io_uring_register", { 0 }, NO(EPERM) },
	{ "setns", { 0 }, NO(EPERM) },
	{ "swapon", { 0 }, NO(EPERM) },
	{ "swapoff", { 0 }, NO(EPERM) },
	{ "reboot", { 0 }, NO(EPERM) },
	{ "acct", { 0 }, NO(EPERM) },
	{ "quotactl", { 0 }, NO(EPERM) },
	{ "nfsservctl", { 0 }, NO(ENOSYS) },
	{ "iopl", { 0 }, NO(EPERM) },
	{ "ioperm", { 0 }, NO(EPERM) },
	{ "open_by_handle_at", { 0 }, NO(EPERM) },
	{ "lookup_dcookie", { 0 }, NO(EPERM) },
	{ "settimeofday", { 0 }, NO(EPERM) },
	{ "clock_settime", { 0 }, NO(EPERM) },
	{ "adjtimex", { 0 }, NO(EPERM) },
	{ "syslog", { 0 }, NO(EPERM) },
	{ "vhangup", { 0 }, NO(EPERM) },
	{ "sethostname", { 0 }, NO(EPERM) },
	{ "setdomainname", { 0 }, NO(EPERM) },
	{ "fanotify_init", { 0 }, NO(EPERM) },
	{ "clone3", { 0 }, NO(ENOSYS) },
	/* any namespace */
	{ "clone", { 0x11 }, ALLOW },
	{ "clone", { 0x3d0f00 }, ALLOW }, /* a thread */
	{ "clone", { 0x80 }, ALLOW },     /* CLONE_NEWTIME is a signal number here */
	{ "clone", { 0x00020000 }, NO(EPERM) },
	{ "clone", { 0x02000000 }, NO(EPERM) },
	{ "clone", { 0x04000000 }, NO(EPERM) },
	{ "clone", { 0x08000000 }, NO(EPERM) },
	{ "clone", { 0x10000000 }, NO(EPERM) },
	{ "clone", { 0x20000000 }, NO(EPERM) },
	{ "clone", { 0x40000011 }, NO(EPERM) },
	{ "clone", { HIGH | 0x10000011 }, NO(EPERM) },
	{ "unshare", { 0x400 }, ALLOW },
	{ "unshare", { 0x80 }, NO(EPERM) },
	{ "unshare", { 0x10000000 }, NO(EPERM) },
	{ "unshare", { 0x00020400 }, NO(EPERM) },
	/* families */
	{ "socket", { 1 }, ALLOW },
	{ "socket", { 2 }, ALLOW },
	{ "socket", { 10 }, ALLOW },
	{ "socket", { 16 }, ALLOW },
	{ "socket", { 0 }, NO(EAFNOSUPPORT) },
	{ "socket", { 3 }, NO(EAFNOSUPPORT) },
	{ "socket", { 9 }, NO(EAFNOSUPPORT) },
	{ "socket", { 11 }, NO(EAFNOSUPPORT) },
	{ "socket", { 15 }, NO(EAFNOSUPPORT) },
	{ "socket", { 17 }, NO(EAFNOSUPPORT) }, /* AF_PACKET */
	{ "socket", { 38 }, NO(EAFNOSUPPORT) }, /* AF_ALG */
	{ "socket", { 40 }, NO(EAFNOSUPPORT) }, /* AF_VSOCK */
	{ "socket", { HIGH | 40 }, NO(EAFNOSUPPORT) },
	{ "socket", { HIGH | 1 }, NO(EAFNOSUPPORT) },
	{ "socketpair", { 1 }, ALLOW },
	{ "socketpair", { 30 }, NO(EAFNOSUPPORT) },
	{ "socketpair", { HIGH | 40 }, NO(EAFNOSUPPORT) },
	/* terminals */
	{ "ioctl", { 0, 0x5401 }, ALLOW },
	{ "ioctl", { 0, 0 }, ALLOW },
	{ "ioctl", { 0, 0x5412 }, NO(EPERM) },
	{ "ioctl", { 0, HIGH | 0x5412 }, NO(EPERM) },
	{ "ioctl", { 0, 0x541c }, NO(EPERM) },
	{ "ioctl", { 0, HIGH | 0x541c }, NO(EPERM) },
	{ "ioctl", { 0, 0x80005412 }, ALLOW },
	/* personalities */
	{ "personality", { 0 }, ALLOW },
	{ "personality", { 8 }, ALLOW },
	{ "personality", { 0x20000 }, ALLOW },
	{ "personality", { 0x20008 }, ALLOW },
	{ "personality", { 0xffffffff }, ALLOW },
	{ "personality", { 0x40000 }, NO(EPERM) }, /* ADDR_NO_RANDOMIZE */
	{ "personality", { HIGH | 0x40000 }, NO(EPERM) },
	{ "personality", { 0x0400000 }, NO(EPERM) }, /* READ_IMPLIES_EXEC */
	/* device nodes */
	{ "mknod", { 0, 0644 }, ALLOW },
	{ "mknod", { 0, 0100644 }, ALLOW },
	{ "mknod", { 0, 0010644 }, ALLOW },
	{ "mknod", { 0, 0140644 }, ALLOW },
	{ "mknod", { 0, 0020644 }, NO(EPERM) },
	{ "mknod", { 0, 0060644 }, NO(EPERM) },
	{ "mknod", { 0, HIGH | 0060644 }, NO(EPERM) },
	{ "mknodat", { 0, 0, 0010644 }, ALLOW },
	{ "mknodat", { 0, 0, 0020644 }, NO(EPERM) },
	{ "mknodat", { 0, 0, 0060644 }, NO(EPERM) },
};

static int native_number(const char *name)
{
	for (size_t i = 0; i < SYSCALL_COUNT; i++)
		if (str_eq(syscall_names + syscall_table[i].name_at, name))
			return syscall_table[i].numbers[SCMP_ABI_NATIVE];
	fail_msg("no call named %s", name);
	return -1;
}

static void load_default(struct program *out)
{
	out->len = seccomp_default_len;
	memcpy(out->insns, seccomp_default_insns, out->len * sizeof(out->insns[0]));
}

static void test_default_decides(void **state)
{
	static struct program p;

	(void)state;
	load_default(&p);
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		struct seccomp_data d = { .arch = abis[SCMP_ABI_NATIVE].token };
		uint32_t got;

		d.nr = native_number(decisions[i].name);
		if (d.nr < 0)
			continue; /* not on this machine */
		memcpy(d.args, decisions[i].args, sizeof(decisions[i].args));
		got = run(&p, &d);
		if (got != decisions[i].expected)
			fail_msg("%s %#llx %#llx %#llx: %#x, not %#x", decisions[i].name, d.args[0],
				 d.args[1], d.args[2], got, decisions[i].expected);
	}
}

static void test_default_edges(void **state)
{
	static struct program p, again;
	struct scmp_profile profile;
	struct scmp_host host = { .native = SCMP_ABI_NATIVE, .kernel = { 5, 14 } };
	struct arena *a = arena_new();
	struct seccomp_data d = { .arch = abis[SCMP_ABI_NATIVE].token, .nr = 4000 };

	(void)state;
	load_default(&p);
	assert_int_equal(run(&p, &d), NO(ENOSYS));
	d.nr = -1;
	assert_int_equal(run(&p, &d), NO(ENOSYS));
	d.arch = AUDIT_ARCH_I386;
	d.nr = 1;
	assert_int_equal(run(&p, &d), SECCOMP_RET_KILL_PROCESS);
	if (SCMP_ABI_NATIVE == SCMP_ABI_X86_64) {
		d.arch = AUDIT_ARCH_X86_64;
		d.nr = (int)(X32_BIT | 1);
		assert_int_equal(run(&p, &d), SECCOMP_RET_KILL_PROCESS);
	}
	parse_file(a, DEFAULT, &host, &profile);
	compile(&profile, &again);
	assert_int_equal(again.len, p.len);
	assert_memory_equal(again.insns, p.insns, p.len * sizeof(p.insns[0]));
	compare(&profile, &p, NULL, true, 200000, NULL);
	arena_free(a);
}

/* A call that the table learns must get its decision, instead of falling to the default one. */
static void test_default_is_complete(void **state)
{
	struct scmp_host host = { .native = SCMP_ABI_NATIVE, .kernel = { 5, 14 } };
	struct arena *a = arena_new();
	struct scmp_profile p;

	(void)state;
	parse_file(a, DEFAULT, &host, &p);
	for (size_t i = 0; i < SYSCALL_COUNT; i++) {
		const struct syscall_entry *call = &syscall_table[i];
		bool named = call->numbers[SCMP_ABI_X86_64] < 0 &&
			     call->numbers[SCMP_ABI_AARCH64] < 0 &&
			     call->numbers[SCMP_ABI_RISCV64] < 0;

		for (size_t j = 0; j < p.n_rules && !named; j++)
			named = rule_names(&p.rules[j], syscall_names + call->name_at);
		if (!named)
			fail_msg("%s does not say what it does about %s", DEFAULT,
				 syscall_names + call->name_at);
	}
	for (size_t i = 0; i < p.n_rules; i++)
		for (size_t j = 0; j < p.rules[i].n_names; j++)
			if (!scmp_knows(p.rules[i].names[j]))
				fail_msg("%s: no call named %s", DEFAULT, p.rules[i].names[j]);
	arena_free(a);
}

/* In the child: 0, or the number of the check that failed. */
static int live_checks(void)
{
	int status;
	pid_t pid;

	if (syscall(SYS_ptrace, 0, 0, 0, 0) != -1 || errno != EPERM)
		return 2;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 3;
	if (syscall(SYS_socket, HIGH | 40, 1, 0) != -1 || errno != EAFNOSUPPORT)
		return 4;
	if (syscall(SYS_unshare, 0x10000000) != -1 || errno != EPERM)
		return 5;
	if (syscall(4000) != -1 || errno != ENOSYS)
		return 6;
	if (syscall(SYS_ioctl, 0, HIGH | 0x5412, "x") != -1 || errno != EPERM)
		return 7;
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "/bin/ls / >/dev/null | cat", (char *)NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return 8;
	return 0;
}

static void test_live(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    seccomp_install(seccomp_default_insns, seccomp_default_len, 0) != 0)
			_exit(1);
		_exit(live_checks());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(seccomp_install(seccomp_default_insns, 0, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_good),     cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_parse_includes), cmocka_unit_test(test_table),
		cmocka_unit_test(test_check_raw),      cmocka_unit_test(test_trivial),
		cmocka_unit_test(test_long_jumps),     cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_judge_random),   cmocka_unit_test(test_oracle_docker),
		cmocka_unit_test(test_oracle_random),  cmocka_unit_test(test_default_decides),
		cmocka_unit_test(test_default_edges),  cmocka_unit_test(test_default_is_complete),
		cmocka_unit_test(test_live),           cmocka_unit_test(test_speed),
	};
	const char *seed = getenv("HOLM_TEST_SEED");

	if (seed)
		random_state ^= strtoull(seed, NULL, 0) * 0x100000001b3ULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
