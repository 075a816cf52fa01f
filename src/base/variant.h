/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of D-Bus in GVariant's text form: "uint64 100", "['a', 'b']", "[('/dev/null', 'rw')]",
 * "@as []". Annotations of a bundle are written so, and so are the properties that we hand to
 * systemd's helper: one form, which a person can read in a plan.
 *
 * What is taken: booleans, numbers, strings, object paths, signatures, byte strings (b'x'), arrays
 * and tuples. A number without a type is an int32, with a point a double, and in an array whatever
 * the first element is. Dictionaries, variants and maybes are refused: no property is one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"

#define VARIANT_TYPE_MAX  64
#define VARIANT_DEPTH_MAX 8
#define VARIANT_ITEMS_MAX 8192

/* In the order of the text. An array or tuple is an item, its content, and VARIANT_END. */
#define VARIANT_ARRAY 'a'
#define VARIANT_TUPLE 'r'
#define VARIANT_END   ')'

struct variant_item {
	char type;        /* of D-Bus: one of "bynqiuxtdsog", or one of the three above */
	const char *text; /* of strings; of what opens: the type of its content */
	union {
		bool yes;
		int64_t number;     /* n i x */
		uint64_t magnitude; /* y q u t */
		double real;
	};
};

struct variant {
	char type[VARIANT_TYPE_MAX]; /* as D-Bus writes it: "a(ss)" */
	LIST(struct variant_item) items;
};

/* The whole text must be one value. Everything lies in the arena. */
int variant_parse(struct arena *a, const char *text, struct variant *out, struct err *e);
