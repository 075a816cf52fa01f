/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three judges look at a compiled filter: an interpreter runs it; judge.c decides the same call
 * straight from the profile, by the rules of sec/bpf.h; and libseccomp compiles the same profile
 * into a program of its own. Over millions of random calls all must agree. What libseccomp does
 * differently by design is left out: ENOSYS for numbers from the future, rules of different actions
 * that overlap, and rules with conditions for calls inside socketcall and ipc.
 *
 * All of these fail the running test when something is wrong.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/scmp.h"
#include "spec/scmp_json.h"

struct program {
	struct sock_filter insns[BPF_MAXINSNS];
	size_t len;
};

struct judge_abi {
	uint32_t token, libseccomp;
	bool wide;
};

extern const struct judge_abi judge_abis[SCMP_ABI_COUNT];

/* Random numbers, the same on every run unless the seed is changed. */
extern uint64_t judge_seed;
uint64_t judge_random(void);
unsigned judge_below(unsigned n);

uint32_t judge_run(const struct program *p, const struct seccomp_data *d);
void judge_compile(const struct scmp_profile *p, struct program *out);
void judge_libseccomp(const struct scmp_profile *p, struct program *out);

/*
 * `n` random calls before ours, our own judge if `judged`, and libseccomp unless `theirs` is NULL.
 * How many calls libseccomp had a word on.
 */
size_t judge_compare(const struct scmp_profile *p, const struct program *ours,
		     const struct program *theirs, bool judged, size_t n);

bool judge_rule_names(const struct scmp_rule *r, const char *name);
char *judge_slurp(const char *path, size_t *len);
void judge_parse_file(struct arena *a, const char *path, const struct scmp_host *host,
		      struct scmp_profile *out);
