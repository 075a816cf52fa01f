/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A system call profile from an enemy: read, and compiled if it can be. */
#include <linux/filter.h>

#include "sec/bpf.h"
#include "spec/scmp_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct sock_filter insns[BPF_MAXINSNS];
	struct arena *a = arena_new();
	struct scmp_profile profile;
	struct err e = { 0 };
	size_t n;

	if (scmp_parse(a, (const char *)data, len, "fuzz", &profile, &e) == 0)
		scmp_compile(&profile, insns, BPF_MAXINSNS, &n, &e);
	arena_free(a);
	return 0;
}
