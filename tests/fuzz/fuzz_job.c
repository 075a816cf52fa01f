/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job from an enemy; and two texts, of which one is expected: what stands before the first NUL,
 * and behind it. */
#include "judge/judge.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const uint8_t *data, size_t len)
{
	const uint8_t *nul = len ? memchr(data, 0, len) : NULL;
	size_t first = nul ? (size_t)(nul - data) : len / 2, second = first + (nul != NULL);
	struct text a = { (const char *)data, first };
	struct text b = { (const char *)data + second, len - second };
	char detail[200];

	for (int c = 0; c < CHECKERS; c++) {
		check_texts((enum checker)c, 1e-6, a, b, detail);
		assert(strlen(detail) < sizeof(detail));
		assert(check_texts((enum checker)c, 0, a, a, detail) && !*detail);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct holm_spec *base = NULL;
	struct err e = { 0 };
	struct job job;

	check(data, len);
	if (holm_spec_new(&base) < 0)
		return 0;
	if (job_parse(&job, base, (const char *)data, len, &e) < 0)
		assert(e.code && *e.text);
	job_done(&job);
	holm_spec_free(base);
	return 0;
}
