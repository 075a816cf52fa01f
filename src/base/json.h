/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON (RFC 8259, and nothing beside it) as a tree in an arena. Each value knows where it stands in
 * the text, so that an error can say so; the text must live as long as that is asked.
 *
 * Of members with one name the last counts. A number without fraction and exponent is a whole one;
 * what 64 bits do not hold becomes the nearest that they do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define JSON_DEPTH_MAX 64 /* of nested values */

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_FRACTION,
	JSON_STRING,
	JSON_LIST,
	JSON_OBJECT,
};

struct json {
	struct json *next; /* what follows in the same list or object */
	const char *key;   /* of a member; without zero bytes */
	union {
		bool yes;
		uint64_t number; /* its two's complement if it is negative */
		double fraction;
		const char *string; /* `len` bytes and a zero byte */
		struct json *first; /* of a list or an object */
	};
	const char *raw;  /* the value in the text, `raw_len` bytes */
	const char *name; /* the member's name in the text, with its quotation mark */
	uint32_t raw_len;
	uint32_t len; /* of a string; of a list or an object: how many are in it */
	uint32_t nth; /* in the list or object that holds it, from 0 */
	uint8_t kind; /* enum json_kind */
	bool negative;
};

/* Why a text is no JSON, and at which byte. */
struct json_fault {
	const char *words; /* NULL: memory is out */
	size_t at;
};

/*
 * The value that `text` is. `depth` is how deep values may be nested, at most JSON_DEPTH_MAX. NULL
 * if it is not JSON or too large for us; `*fault` says why.
 */
struct json *json_parse(struct arena *a, const char *text, size_t len, unsigned depth,
			struct json_fault *fault);

const char *json_kind_words(enum json_kind kind); /* "a string" */

/* 0, or the first byte that UTF-8 does not have there, and one more. */
size_t json_not_utf8(const char *text, size_t len);

/* A member, NULL if `o` has none of that name. */
const struct json *json_member(const struct json *o, const char *key);

/* The same, where null stands for "not given". */
const struct json *json_get(const struct json *o, const char *key);

static inline bool json_is(const struct json *v, enum json_kind kind)
{
	return v && v->kind == kind;
}

/* A string without zero bytes, as C has them. */
static inline bool json_is_text(const struct json *v)
{
	return json_is(v, JSON_STRING) && __builtin_strlen(v->string) == v->len;
}

/* The elements of a list, the members of an object; none of NULL. */
#define json_each(v, of) for (const struct json *v = (of) ? (of)->first : NULL; v; v = v->next)
