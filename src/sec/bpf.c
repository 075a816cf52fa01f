/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A classic BPF program only jumps forward, at most 255 instructions where it decides. So it is
 * written backwards, the last instruction first: whatever an instruction refers to is already
 * there, at a known distance, and where that is too far a long jump (or, for a return, a copy of
 * it) is put in between.
 */
#include "sec/bpf.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"
#include "syscalls.inc"

#define X32_BIT        0x40000000U
#define ARM_PRIVATE    0xf0000U
#define PRIVATE_COUNT  16
#define SLOT_COUNT     (SYSCALL_TOP + 1 + PRIVATE_COUNT)
#define ABIS_MAX       3    /* in one family */
#define ENTRIES_MAX    2048 /* each costs two instructions or more: a full filter */
#define RANGES_MAX     (SLOT_COUNT + 4)
#define RETS_MAX       16
#define INSIDE_MAX     25 /* calls inside socketcall or ipc: 1 - 24 */
#define X86_SOCKETCALL 102
#define X86_IPC        117

_Static_assert(sizeof(((struct syscall_entry *)0)->numbers) / sizeof(int16_t) == SCMP_ABI_COUNT,
	       "gen-syscalls.c follows enum scmp_abi");

/* ---- writing backwards ---- */

/*
 * Where a decision goes on: at an instruction, or, if `at` is 0, to a return of `action` that need
 * not exist yet. Instructions are numbered from the end of the program: the last is 1.
 */
struct target {
	size_t at;
	uint32_t action;
};

struct writer {
	struct sock_filter *out;
	size_t room, n; /* n runs on past room, so that the caller learns how much it takes */
	struct {
		uint32_t action;
		size_t at;
	} rets[RETS_MAX]; /* the nearest return of each action; a ring, `n_rets` ever seen */
	size_t n_rets;
};

static struct target to_action(uint32_t action)
{
	return (struct target){ .action = action };
}

static struct target put(struct writer *w, unsigned code, uint32_t k, size_t jt, size_t jf)
{
	w->n++;
	if (w->n <= w->room)
		w->out[w->room - w->n] = (struct sock_filter){
			.code = (uint16_t)code,
			.jt = (uint8_t)jt,
			.jf = (uint8_t)jf,
			.k = k,
		};
	return (struct target){ .at = w->n };
}

/* Can an instruction after the next two still jump to `at`? */
static bool is_near(const struct writer *w, size_t at)
{
	return w->n - at + 2 <= UINT8_MAX;
}

static size_t put_ret(struct writer *w, uint32_t action)
{
	size_t i, seen = MIN(w->n_rets, RETS_MAX);

	for (i = 0; i < seen; i++)
		if (w->rets[i].action == action)
			break;
	if (i < seen && is_near(w, w->rets[i].at))
		return w->rets[i].at;
	if (i == seen)
		i = w->n_rets++ % RETS_MAX;
	w->rets[i].action = action;
	w->rets[i].at = put(w, BPF_RET | BPF_K, action, 0, 0).at;
	return w->rets[i].at;
}

/* An instruction that leads to `t` and that the next one but one can still reach. */
static size_t approach(struct writer *w, struct target t)
{
	if (!t.at)
		return put_ret(w, t.action);
	if (is_near(w, t.at))
		return t.at;
	return put(w, BPF_JMP | BPF_JA, (uint32_t)(w->n - t.at), 0, 0).at;
}

static struct target put_jump(struct writer *w, unsigned op, uint32_t k, struct target yes,
			      struct target no)
{
	size_t jt = approach(w, yes), jf = approach(w, no);

	return put(w, BPF_JMP | op | BPF_K, k, w->n - jt, w->n - jf);
}

static struct target put_load(struct writer *w, size_t offset)
{
	return put(w, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* ---- conditions ---- */

/* Half an argument, the low one or the high one; all our conventions are little-endian. */
static size_t half_offset(unsigned index, bool high)
{
	return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) +
	       (high ? sizeof(uint32_t) : 0);
}

static struct target put_masked(struct writer *w, size_t offset, uint32_t mask, uint32_t value,
				struct target yes, struct target no)
{
	if (mask == 0)
		return yes;
	if (mask == UINT32_MAX) {
		put_jump(w, BPF_JEQ, value, yes, no);
	} else if (value == 0) {
		put_jump(w, BPF_JSET, mask, no, yes);
	} else if (value == mask && (mask & (mask - 1)) == 0) {
		put_jump(w, BPF_JSET, mask, yes, no);
	} else {
		put_jump(w, BPF_JEQ, value, yes, no);
		put(w, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	}
	return put_load(w, offset);
}

static struct target put_equal(struct writer *w, unsigned index, bool wide, uint64_t mask,
			       uint64_t value, struct target yes, struct target no)
{
	struct target t;

	value &= mask;
	t = put_masked(w, half_offset(index, false), (uint32_t)mask, (uint32_t)value, yes, no);
	if (wide)
		t = put_masked(w, half_offset(index, true), (uint32_t)(mask >> 32),
			       (uint32_t)(value >> 32), t, no);
	return t;
}

/* Greater (BPF_JGT), or greater or equal (BPF_JGE); the high halves decide unless they are equal.
 */
static struct target put_greater(struct writer *w, unsigned op, unsigned index, bool wide,
				 uint64_t value, struct target yes, struct target no)
{
	uint32_t low = (uint32_t)value, high = (uint32_t)(value >> 32);
	struct target t;

	if (op == BPF_JGE && (wide ? value == 0 : low == 0))
		return yes;
	put_jump(w, op, low, yes, no);
	t = put_load(w, half_offset(index, false));
	if (!wide)
		return t;
	t = put_jump(w, BPF_JEQ, high, t, no);
	put_jump(w, BPF_JGT, high, yes, t);
	return put_load(w, half_offset(index, true));
}

static struct target put_condition(struct writer *w, const struct scmp_arg *a, bool wide,
				   struct target yes, struct target no)
{
	switch (a->op) {
	case SCMP_EQ:
		return put_equal(w, a->index, wide, UINT64_MAX, a->value, yes, no);
	case SCMP_NE:
		return put_equal(w, a->index, wide, UINT64_MAX, a->value, no, yes);
	case SCMP_MASKED_EQ:
		return put_equal(w, a->index, wide, a->value, a->value_two, yes, no);
	case SCMP_GT:
		return put_greater(w, BPF_JGT, a->index, wide, a->value, yes, no);
	case SCMP_LE:
		return put_greater(w, BPF_JGT, a->index, wide, a->value, no, yes);
	case SCMP_GE:
		return put_greater(w, BPF_JGE, a->index, wide, a->value, yes, no);
	case SCMP_LT:
	default: /* scmp_compile checked it */
		return put_greater(w, BPF_JGE, a->index, wide, a->value, no, yes);
	}
}

/* ---- the decisions of a profile, call by call ---- */

/* A rule with conditions that names a call; the next one is tested before it. */
struct entry {
	uint16_t next;   /* 1 + index; 0: none */
	uint16_t rule;   /* its conditions apply, unless this is a call inside another: */
	uint16_t inside; /* 0, or as in syscall_table */
	uint32_t action;
};

struct slot {
	uint32_t action;  /* if `fixed` */
	uint16_t entries; /* 1 + index; 0: none */
	bool fixed;
};

struct inside {
	uint32_t action;
	enum { INSIDE_UNSAID, INSIDE_GUESSED, INSIDE_FIXED } how;
};

struct compiler {
	const struct scmp_profile *p;
	unsigned abis; /* the wanted ones that this machine can have */
	struct slot slots[ABIS_MAX][SLOT_COUNT];
	struct inside inside[2][INSIDE_MAX]; /* socketcall, ipc */
	struct entry entries[ENTRIES_MAX];
	size_t n_entries;
	struct writer w;
};

/* Which conventions share a machine; a member's place is its row in `slots`. */
static const struct abi_info {
	uint32_t token; /* seccomp_data.arch */
	uint8_t family, row;
	bool wide;
} abi_infos[SCMP_ABI_COUNT] = {
	[SCMP_ABI_X86_64] = { AUDIT_ARCH_X86_64, 0, 0, true },
	[SCMP_ABI_X86] = { AUDIT_ARCH_I386, 0, 1, false },
	[SCMP_ABI_X32] = { AUDIT_ARCH_X86_64, 0, 2, false },
	[SCMP_ABI_AARCH64] = { AUDIT_ARCH_AARCH64, 1, 0, true },
	[SCMP_ABI_ARM] = { AUDIT_ARCH_ARM, 1, 1, false },
	[SCMP_ABI_RISCV64] = { AUDIT_ARCH_RISCV64, 2, 0, true },
};

static bool has_abi(const struct compiler *c, enum scmp_abi abi)
{
	return c->abis & (1U << abi);
}

static struct slot *slot_of(struct compiler *c, enum scmp_abi abi, int number)
{
	int at = number < SYSCALL_PRIVATE_BASE ? number
					       : SYSCALL_TOP + 1 + (number - SYSCALL_PRIVATE_BASE);

	return &c->slots[abi_infos[abi].row][at];
}

static const struct syscall_entry *find_syscall(const char *name)
{
	size_t low = 0, high = SYSCALL_COUNT;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, syscall_names + syscall_table[middle].name_at);

		if (order == 0)
			return &syscall_table[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int scmp_knows(const char *name)
{
	return find_syscall(name) != NULL;
}

static int abi_of(uint32_t arch, int *nr)
{
	switch (arch) {
	case AUDIT_ARCH_X86_64:
		if (!((uint32_t)*nr & X32_BIT))
			return SCMP_ABI_X86_64;
		*nr &= ~(int)X32_BIT;
		return SCMP_ABI_X32;
	case AUDIT_ARCH_I386:
		return SCMP_ABI_X86;
	case AUDIT_ARCH_AARCH64:
		return SCMP_ABI_AARCH64;
	case AUDIT_ARCH_ARM:
		return SCMP_ABI_ARM;
	case AUDIT_ARCH_RISCV64:
		return SCMP_ABI_RISCV64;
	default:
		return -1;
	}
}

const char *scmp_name(uint32_t arch, int nr)
{
	int abi = abi_of(arch, &nr);

	for (size_t i = 0; abi >= 0 && nr >= 0 && i < SYSCALL_COUNT; i++)
		if (syscall_table[i].numbers[abi] == nr)
			return syscall_names + syscall_table[i].name_at;
	return NULL;
}

/* Lower is stricter; the kernel compares the actions of several filters in this way. */
static int32_t strictness(uint32_t action)
{
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

/* Keeps the list of a slot as it is written: the last to be tested first. */
static int add_entry(struct compiler *c, struct slot *s, struct entry new)
{
	uint16_t *link = &s->entries;

	if (c->n_entries == ENTRIES_MAX)
		return -E2BIG;
	while (*link && strictness(c->entries[*link - 1].action) > strictness(new.action))
		link = &c->entries[*link - 1].next;
	new.next = *link;
	c->entries[c->n_entries++] = new;
	*link = (uint16_t)c->n_entries;
	return 0;
}

/* What a rule for a call that exists inside socketcall or ipc means there: see bpf.h. */
static void note_inside(struct compiler *c, const struct scmp_rule *r, unsigned inside)
{
	struct inside *in = &c->inside[inside / 100][inside % 100];

	if (in->how == INSIDE_FIXED)
		return;
	if (r->n_args == 0) {
		*in = (struct inside){ r->action, INSIDE_FIXED };
		return;
	}
	if (strictness(r->action) >= strictness(c->p->default_action))
		return;
	if (in->how == INSIDE_UNSAID || strictness(r->action) < strictness(in->action))
		*in = (struct inside){ r->action, INSIDE_GUESSED };
}

static int note_call(struct compiler *c, const struct syscall_entry *call, size_t rule)
{
	const struct scmp_rule *r = &c->p->rules[rule];
	int err = 0;

	for (enum scmp_abi abi = 0; abi < SCMP_ABI_COUNT && !err; abi++) {
		struct slot *s;

		if (!has_abi(c, abi) || call->numbers[abi] < 0)
			continue;
		s = slot_of(c, abi, call->numbers[abi]);
		if (s->fixed)
			continue;
		if (r->n_args == 0) {
			s->fixed = true;
			s->action = r->action;
			continue;
		}
		err = add_entry(c, s,
				(struct entry){ .rule = (uint16_t)rule, .action = r->action });
	}
	if (call->inside && has_abi(c, SCMP_ABI_X86))
		note_inside(c, r, call->inside);
	return err;
}

static int note_insides(struct compiler *c)
{
	static const int outer[2] = { X86_SOCKETCALL, X86_IPC };

	for (unsigned i = 0; i < 2; i++) {
		struct slot *s = slot_of(c, SCMP_ABI_X86, outer[i]);

		for (unsigned call = 1; call < INSIDE_MAX && !s->fixed; call++) {
			const struct inside *in = &c->inside[i][call];
			struct entry new = { .inside = (uint16_t)(i * 100 + call),
					     .action = in->action };

			if (in->how != INSIDE_UNSAID && add_entry(c, s, new) < 0)
				return -E2BIG;
		}
	}
	return 0;
}

static bool rule_is_valid(const struct scmp_rule *r)
{
	for (size_t i = 0; i < r->n_args; i++)
		if (r->args[i].index >= SCMP_ARGS_MAX || r->args[i].op >= SCMP_OP_COUNT)
			return false;
	return true;
}

static int note_rules(struct compiler *c, struct err *e)
{
	for (size_t i = 0; i < c->p->n_rules; i++) {
		const struct scmp_rule *r = &c->p->rules[i];

		if (!rule_is_valid(r))
			return err_set(e, EINVAL, "seccomp: rule %zu has an impossible condition",
				       i);
		if (r->n_args == 0 && r->action == c->p->default_action)
			continue;
		for (size_t j = 0; j < r->n_names; j++) {
			const struct syscall_entry *call = find_syscall(r->names[j]);

			if (call && note_call(c, call, i) < 0)
				goto full;
		}
	}
	if (!has_abi(c, SCMP_ABI_X86) || note_insides(c) == 0)
		return 0;
full:
	return err_set(e, E2BIG,
		       "seccomp: more than %d rules with conditions: no filter holds them",
		       ENTRIES_MAX);
}

/* ---- the program ---- */

struct range {
	uint32_t start;
	struct target target;
};

static struct target unknown_call(const struct compiler *c)
{
	uint32_t action = c->p->default_action;

	if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		action = SECCOMP_RET_ERRNO | ENOSYS;
	return to_action(action);
}

static struct target write_entry(struct compiler *c, const struct entry *entry, bool wide,
				 struct target no)
{
	struct target t = to_action(entry->action);
	const struct scmp_rule *r = &c->p->rules[entry->rule];

	if (!no.at && no.action == entry->action)
		return no; /* either way */
	if (entry->inside)
		return put_equal(&c->w, 0, false, entry->inside < 100 ? UINT32_MAX : UINT16_MAX,
				 entry->inside % 100, t, no);
	for (size_t i = r->n_args; i-- > 0;)
		t = put_condition(&c->w, &r->args[i], wide, t, no);
	return t;
}

static struct target write_call(struct compiler *c, const struct slot *s, bool wide)
{
	struct target t = to_action(c->p->default_action);

	if (s->fixed)
		return to_action(s->action);
	for (uint16_t i = s->entries; i; i = c->entries[i - 1].next)
		t = write_entry(c, &c->entries[i - 1], wide, t);
	return t;
}

static void add_range(struct range *ranges, size_t *n, uint32_t start, struct target t)
{
	const struct range *last = *n ? &ranges[*n - 1] : NULL;

	if (last && last->target.at == t.at && last->target.action == t.action)
		return;
	ranges[(*n)++] = (struct range){ start, t };
}

/* Writes what the calls of `abi` need beyond a return, and lists who goes where, ascending. */
static size_t list_ranges(struct compiler *c, enum scmp_abi abi, struct range *ranges)
{
	const struct abi_info *info = &abi_infos[abi];
	const struct slot *slots = c->slots[info->row];
	uint32_t mark = abi == SCMP_ABI_X32 ? X32_BIT : 0;
	size_t n = 0;

	for (uint32_t i = 0; i <= syscall_highest[abi]; i++)
		add_range(ranges, &n, mark | i, write_call(c, &slots[i], info->wide));
	add_range(ranges, &n, mark | (syscall_highest[abi] + 1U), unknown_call(c));
	if (abi != SCMP_ABI_ARM)
		return n;
	for (uint32_t i = 0; i < PRIVATE_COUNT; i++)
		add_range(ranges, &n, ARM_PRIVATE + i,
			  write_call(c, &slots[SYSCALL_TOP + 1 + i], info->wide));
	add_range(ranges, &n, ARM_PRIVATE + PRIVATE_COUNT, unknown_call(c));
	return n;
}

/* Pairs of neighbours become one, level by level, until one is left: the root of the search. */
static struct target write_search(struct compiler *c, enum scmp_abi abi)
{
	struct range ranges[RANGES_MAX];
	size_t n = list_ranges(c, abi, ranges);

	while (n > 1) {
		size_t half = n / 2;

		for (size_t i = 0; i < half; i++) {
			const struct range *left = &ranges[2 * i], *right = left + 1;
			struct target t =
				put_jump(&c->w, BPF_JGE, right->start, right->target, left->target);

			ranges[i] = (struct range){ left->start, t };
		}
		if (n % 2)
			ranges[half] = ranges[n - 1];
		n = half + n % 2;
	}
	return ranges[0].target;
}

/* All conventions that have the token of `abi`, which is not x32. */
static struct target write_token(struct compiler *c, enum scmp_abi abi)
{
	struct target bad = to_action(SECCOMP_RET_KILL_PROCESS), t = bad, x32 = bad;

	if (abi == SCMP_ABI_X86_64) {
		/* A tracer turns a call into -1 to have it skipped: that is no x32 call. */
		if (has_abi(c, SCMP_ABI_X32))
			x32 = write_search(c, SCMP_ABI_X32);
		else
			x32 = put_jump(&c->w, BPF_JEQ, UINT32_MAX, unknown_call(c), bad);
	}
	if (has_abi(c, abi))
		t = write_search(c, abi);
	if (abi == SCMP_ABI_X86_64)
		t = put_jump(&c->w, BPF_JGE, X32_BIT, x32, t);
	if (!t.at)
		return t; /* whatever the number */
	assert(t.at == c->w.n);
	return put_load(&c->w, offsetof(struct seccomp_data, nr));
}

static void write_program(struct compiler *c)
{
	struct target t = to_action(SECCOMP_RET_KILL_PROCESS);

	/* The native convention has the lowest number of its family: written last, tested first. */
	for (unsigned abi = SCMP_ABI_COUNT; abi-- > 0;) {
		struct target calls;

		if (abi_infos[abi].family != abi_infos[c->p->native].family || abi == SCMP_ABI_X32)
			continue;
		if (!has_abi(c, abi) && !(abi == SCMP_ABI_X86_64 && has_abi(c, SCMP_ABI_X32)))
			continue;
		calls = write_token(c, abi);
		t = put_jump(&c->w, BPF_JEQ, abi_infos[abi].token, calls, t);
	}
	put_load(&c->w, offsetof(struct seccomp_data, arch));
}

int scmp_compile(const struct scmp_profile *p, struct sock_filter *out, size_t room, size_t *len,
		 struct err *e)
{
	struct compiler c = { .p = p, .w = { .out = out, .room = MIN(room, BPF_MAXINSNS) } };
	int r;

	if (p->native >= SCMP_ABI_COUNT || p->n_rules > UINT16_MAX)
		return err_set(e, EINVAL, "seccomp: not a profile");
	for (unsigned abi = 0; abi < SCMP_ABI_COUNT; abi++)
		if (((p->abis | 1U << p->native) & 1U << abi) &&
		    abi_infos[abi].family == abi_infos[p->native].family)
			c.abis |= 1U << abi;
	r = note_rules(&c, e);
	if (r < 0)
		return r;
	write_program(&c);
	if (c.w.n > c.w.room)
		return err_set(e, E2BIG,
			       "seccomp: the profile needs %zu instructions, there is room for %zu",
			       c.w.n, c.w.room);
	memmove(out, out + (c.w.room - c.w.n), c.w.n * sizeof(*out));
	*len = c.w.n;
	return 0;
}

int seccomp_check_raw(const void *data, size_t len, struct err *e)
{
	size_t n = len / sizeof(struct sock_filter);

	if (!data || len == 0)
		return err_set(e, EINVAL, "seccomp: the compiled filter is empty");
	if (len % sizeof(struct sock_filter))
		return err_set(e, EINVAL,
			       "seccomp: a compiled filter is a multiple of %zu bytes, not %zu",
			       sizeof(struct sock_filter), len);
	if (n > BPF_MAXINSNS)
		return err_set(
			e, E2BIG,
			"seccomp: the compiled filter has %zu instructions, the kernel takes %d", n,
			BPF_MAXINSNS);
	return 0;
}
