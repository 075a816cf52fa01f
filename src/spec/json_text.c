/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/json_text.h"

#include <errno.h>

struct json_place json_place(const char *text, size_t offset)
{
	struct json_place p = { 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			p.line++;
			p.column = 0;
		}
		p.column++;
	}
	return p;
}

static int syntax(const char *text, size_t end, const char *name, const char *words, struct err *e)
{
	struct json_place p = json_place(text, end);

	return err_set(e, EINVAL, "%s:%u:%u: %s", name, p.line, p.column, words);
}

int json_text_parse(struct arena *a, const char *text, size_t len, const char *name, unsigned depth,
		    const struct json **out, struct err *e)
{
	struct json_fault fault;
	const struct json *v = json_parse(a, text, len, depth, &fault);

	if (!v && !fault.words)
		return err_errno(e, ENOMEM, "%s", name);
	if (!v)
		return syntax(text, fault.at, name, fault.words, e);
	if (json_is(v, JSON_NULL))
		return syntax(text, 0, name, "null is nothing to work with", e);
	*out = v;
	return 0;
}
