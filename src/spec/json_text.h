/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON text into json-c's objects, strictly, and back again to the place in the text where a value
 * stands: json-c keeps no positions, so that they are looked for only once something is wrong.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

struct json_object;

struct json_place {
	unsigned line, column; /* from 1, columns in bytes */
};

/* A step from the outermost value inwards. */
struct json_step {
	const char *key; /* NULL: element `index` of an array */
	size_t index;
};

/* `name` is what errors call the text. A text "null" is an error. `*out` is to be put. */
int json_text_parse(const char *text, size_t len, const char *name, int depth,
		    struct json_object **out, struct err *e);

/* Where the key or the element stands; if the way does not lead so far, where it ends. */
struct json_place json_text_place(const char *text, size_t len, const struct json_step *way,
				  size_t n);

void json_put(struct json_object **o);

#define _cleanup_json_ __attribute__((cleanup(json_put)))
