/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON from an enemy: every value lies in the text, and what is read is read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool yes)
{
	if (!yes)
		abort();
}

/* The elements and members of one value, each of which is JSON for itself. */
static void check(struct arena *a, const struct json *v, const char *text, size_t len)
{
	uint32_t n = 0;

	if (!json_is(v, JSON_LIST) && !json_is(v, JSON_OBJECT))
		return;
	json_each(in, v) {
		struct json_fault fault;
		const struct json *again;

		must(in->nth == n++);
		must(in->raw >= text && in->raw + in->raw_len <= text + len);
		must(json_is(v, JSON_OBJECT) == (in->key && json_member(v, in->key) == in));
		again = json_parse(a, in->raw, in->raw_len, JSON_DEPTH_MAX, &fault);
		must(again && again->kind == in->kind && again->len == in->len);
		if (json_is(in, JSON_STRING))
			must(memcmp(again->string, in->string, in->len + 1) == 0);
	}
	must(n == v->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct arena *a = arena_new();
	struct json_fault fault;
	const struct json *v = json_parse(a, text, len, JSON_DEPTH_MAX, &fault);

	if (v)
		check(a, v, text, len);
	else
		must(fault.words && fault.at <= len);
	arena_free(a);
	return 0;
}
