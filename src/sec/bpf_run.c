/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a filter says of one call, as the kernel would run it. */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "sec/bpf.h"
#include "sys/security.h"

static bool holds(const struct sock_filter *in, uint32_t acc, uint32_t x)
{
	uint32_t other = BPF_SRC(in->code) == BPF_X ? x : in->k;

	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		return acc == other;
	case BPF_JGT:
		return acc > other;
	case BPF_JGE:
		return acc >= other;
	default:
		return acc & other;
	}
}

static uint32_t load(const struct seccomp_data *d, uint32_t at)
{
	uint32_t word = 0;

	if (at <= sizeof(*d) - sizeof(word))
		memcpy(&word, (const char *)d + at, sizeof(word));
	return word;
}

int64_t seccomp_decide(const struct sock_filter *insns, size_t len, int nr)
{
	const struct seccomp_data d = { .nr = nr, .arch = SYS_AUDIT_ARCH };
	uint32_t acc = 0, x = 0;

	for (size_t pc = 0; pc < len; pc++) {
		const struct sock_filter *in = &insns[pc];

		switch (in->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			acc = load(&d, in->k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= in->k;
			break;
		case BPF_MISC | BPF_TAX:
			x = acc;
			break;
		case BPF_RET | BPF_K:
			return in->k;
		case BPF_JMP | BPF_JA:
			pc += in->k;
			break;
		default:
			if (BPF_CLASS(in->code) != BPF_JMP)
				return -EOPNOTSUPP;
			pc += holds(in, acc, x) ? in->jt : in->jf;
		}
	}
	return -EINVAL;
}
