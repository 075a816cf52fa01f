/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON text that somebody wrote: what is wrong with it is said with its name, line and column. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"

struct json_place {
	unsigned line, column; /* from 1, columns in bytes */
};

struct json_place json_place(const char *text, size_t offset);

/* `name` is what errors call the text. A text "null" is an error. */
int json_text_parse(struct arena *a, const char *text, size_t len, const char *name, unsigned depth,
		    const struct json **out, struct err *e);
