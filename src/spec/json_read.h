/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads JSON objects into structs by tables: a row says a member's name, what it must be, and where
 * its value goes. What is wrong is said with file, line, column, and the path to the value:
 *
 *	config.json:12:9: .process.rlimits[0].type: "RLIMIT_FOO" is not a limit
 *
 * Members without a row are passed over, as the OCI specifications want it. A member that is null
 * is one that is not there, and so is an empty string or list: engines write them for "not given".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

/* What everything is read from, and where it is kept. */
struct json_reader {
	struct arena *a;
	const char *name; /* of the text, for errors */
	const char *text;
	size_t len;
	const struct json *top; /* what the text is */
	struct err *e;
};

/* A value's place, told from inside out; only put into words when it is wrong. */
struct json_path {
	const struct json_path *up;
	const char *key; /* NULL: element `index` of a list */
	size_t index;
};

#define JSON_KEY(up, key)     (&(const struct json_path){ (up), (key), 0 })
#define JSON_ELEMENT(up, nth) (&(const struct json_path){ (up), NULL, (nth) })

struct json_row;

/* Stores `v`, which is not null, at `out`. */
typedef int json_set_fn(const struct json_reader *r, const struct json_path *at,
			const struct json *v, const struct json_row *row, void *out);

struct json_word {
	const char *name;
	uint64_t value;
};

struct json_words {
	const char *what; /* "a policy": for the error */
	const struct json_word *words;
	size_t n;
};

struct json_table {
	const struct json_row *rows; /* at most 64 */
	size_t n;
	size_t size;      /* of the struct that is filled; for elements of lists and maps */
	const void *init; /* what such an element starts as; NULL: zeroes */
	/* What can only be said when all members are there. */
	int (*check)(const struct json_reader *r, const struct json_path *at, void *filled);
};

struct json_row {
	const char *name;
	json_set_fn *set;
	size_t offset; /* in the struct that is filled; where `set` stores */
	size_t given;  /* where to say true when it is there; 0: nowhere */
	bool required;
	int64_t min;  /* of whole numbers, and */
	uint64_t max; /* 0: as much as the type holds */
	const struct json_table *table;
	const struct json_words *words;
};

/* `table`'s rows from the object `v` into the struct at `out`. */
int json_read(const struct json_reader *r, const struct json_path *at, const struct json *v,
	      const struct json_table *table, void *out);

/* The same from the text, whose `top` it sets. */
int json_read_text(struct json_reader *r, const struct json_table *table, void *out);

int json_fail(const struct json_reader *r, const struct json_path *at, int code, const char *fmt,
	      ...) PRINTF_LIKE(4, 5);
int json_no_memory(const struct json_reader *r);

/* Is `v` of this kind? 0, or the error that says what it is instead. */
int json_must_be(const struct json_reader *r, const struct json_path *at, const struct json *v,
		 enum json_kind kind);

/* The text of a JSON string, in the arena; one with a NUL in it is refused. */
int json_text(const struct json_reader *r, const struct json_path *at, const struct json *v,
	      const char **out);
int json_word(const struct json_reader *r, const struct json_path *at, const struct json *v,
	      const struct json_words *words, uint64_t *out);

/* ---- setters, by what lies at `out` ---- */

json_set_fn json_set_string;  /* const char *: "" is left out */
json_set_fn json_set_path;    /* const char *: absolute */
json_set_fn json_set_bool;    /* bool */
json_set_fn json_set_u32;     /* uint32_t */
json_set_fn json_set_u64;     /* uint64_t */
json_set_fn json_set_int;     /* int */
json_set_fn json_set_i64;     /* int64_t */
json_set_fn json_set_some;    /* int64_t: 0 is "not given" */
json_set_fn json_set_word;    /* int: one of `words` */
json_set_fn json_set_flags;   /* uint64_t: a list of `words`, united */
json_set_fn json_set_strings; /* strings */
json_set_fn json_set_paths;   /* strings, absolute */
json_set_fn json_set_u32s;    /* LIST(uint32_t) */
json_set_fn json_set_keys;    /* keys: an object of strings */
json_set_fn json_set_object;  /* a struct, by `table` */
json_set_fn json_set_list;    /* LIST(a struct), by `table` */
json_set_fn json_set_map;     /* LIST(a struct): an object of objects by `table`; the struct begins
				 with a const char *, which takes the name */
