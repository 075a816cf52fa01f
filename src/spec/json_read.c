/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables lead from object to object through pointers to functions, never deeper than they are
 * nested themselves, so that the depth of a hostile text does not matter.
 */
#include "spec/json_read.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/resources.h"
#include "base/str.h"
#include "spec/json_text.h"
#include "spec/spec.h"

#define WAY_MAX 16 /* steps of a path that errors tell */

/* ---- errors ---- */

static bool plain(const char *key)
{
	for (const char *p = key; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
			return false;
	return *key != 0;
}

static void say_step(struct err *e, const struct json_step *s)
{
	if (!s->key)
		err_append(e, "[%zu]", s->index);
	else if (plain(s->key))
		err_append(e, ".%s", s->key);
	else
		err_append(e, "[\"%.128s\"]", s->key);
}

int json_fail(const struct json_reader *r, const struct json_path *at, int code, const char *fmt,
	      ...)
{
	struct json_step way[WAY_MAX] = { 0 };
	struct json_place place;
	char words[384];
	size_t n = 0;
	va_list ap;

	for (const struct json_path *p = at; p && n < WAY_MAX; p = p->up)
		n++;
	for (size_t i = n; i-- > 0; at = at->up)
		way[i] = (struct json_step){ at->key, at->index };
	place = json_text_place(r->text, r->len, way, n);
	err_set(r->e, code, "%s:%u:%u: ", r->name, place.line, place.column);
	for (size_t i = 0; i < n && r->e; i++)
		say_step(r->e, &way[i]);
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	err_append(r->e, "%s%s", n ? ": " : "", words);
	return -code;
}

int json_no_memory(const struct json_reader *r)
{
	return err_set(r->e, ENOMEM, "%s: out of memory", r->name);
}

/* ---- single values ---- */

static const char *type_words(enum json_type type)
{
	static const char *const words[] = {
		[json_type_null] = "null",         [json_type_boolean] = "true or false",
		[json_type_double] = "a fraction", [json_type_int] = "a number",
		[json_type_object] = "an object",  [json_type_array] = "a list",
		[json_type_string] = "a string",
	};

	return (size_t)type < ARRAY_SIZE(words) ? words[type] : "something else";
}

int json_must_be(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		 int type)
{
	enum json_type is = json_object_get_type(v);

	if ((int)is == type)
		return 0;
	return json_fail(r, at, EINVAL, "must be %s, not %s", type_words((enum json_type)type),
			 type_words(is));
}

int json_text(const struct json_reader *r, const struct json_path *at, struct json_object *v,
	      const char **out)
{
	int ret = json_must_be(r, at, v, json_type_string);
	const char *s;

	if (ret < 0)
		return ret;
	s = json_object_get_string(v);
	if (strlen(s) != (size_t)json_object_get_string_len(v))
		return json_fail(r, at, EINVAL, "has a zero byte in it");
	*out = s;
	return 0;
}

int json_word(const struct json_reader *r, const struct json_path *at, struct json_object *v,
	      const struct json_words *words, uint64_t *out)
{
	const char *s;
	int ret = json_text(r, at, v, &s);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < words->n; i++) {
		if (!str_eq(words->words[i].name, s))
			continue;
		*out = words->words[i].value;
		return 0;
	}
	return json_fail(r, at, EINVAL, "\"%.64s\" is not %s", s, words->what);
}

/*
 * A whole number from `row` or the type's own limits, as its two's complement: a signed type's
 * minimum is below zero, an unsigned type's maximum above INT64_MAX.
 */
static int number(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  int64_t min, uint64_t max, uint64_t *out)
{
	int64_t low;
	uint64_t high;

	if (!json_object_is_type(v, json_type_int))
		return json_fail(r, at, EINVAL, "must be a whole number, not %s",
				 type_words(json_object_get_type(v)));
	low = json_object_get_int64(v);
	high = json_object_get_uint64(v); /* 0 for what is below zero */
	if (low < min)
		return json_fail(r, at, ERANGE, "must be at least %lld", (long long)min);
	if (high > max)
		return json_fail(r, at, ERANGE, "must be at most %llu", (unsigned long long)max);
	*out = low < 0 ? (uint64_t)low : high;
	return 0;
}

static int number_in(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		     const struct json_row *row, int64_t type_min, uint64_t type_max, uint64_t *out)
{
	bool own = row->min || row->max;

	return number(r, at, v, own ? row->min : type_min, row->max ? row->max : type_max, out);
}

int json_set_u64(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		 const struct json_row *row, void *out)
{
	return number_in(r, at, v, row, 0, UINT64_MAX, out);
}

int json_set_i64(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		 const struct json_row *row, void *out)
{
	uint64_t value;
	/* The lowest value is what stands for "not given". */
	int ret = number_in(r, at, v, row, INT64_MIN + 1, INT64_MAX, &value);

	if (ret == 0)
		*(int64_t *)out = (int64_t)value;
	return ret;
}

int json_set_some(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  const struct json_row *row, void *out)
{
	int64_t value;
	int ret;

	if (json_object_is_type(v, json_type_int) && json_object_get_int64(v) == 0)
		return 0;
	ret = json_set_i64(r, at, v, row, &value);
	if (ret == 0)
		*(int64_t *)out = value;
	return ret;
}

int json_set_u32(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		 const struct json_row *row, void *out)
{
	uint64_t value;
	int ret = number_in(r, at, v, row, 0, UINT32_MAX, &value);

	if (ret == 0)
		*(uint32_t *)out = (uint32_t)value;
	return ret;
}

int json_set_int(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		 const struct json_row *row, void *out)
{
	uint64_t value;
	int ret = number_in(r, at, v, row, INT32_MIN, INT32_MAX, &value);

	if (ret == 0)
		*(int *)out = (int)(int64_t)value;
	return ret;
}

int json_set_bool(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  const struct json_row *row, void *out)
{
	int ret = json_must_be(r, at, v, json_type_boolean);

	(void)row;
	if (ret == 0)
		*(bool *)out = json_object_get_boolean(v);
	return ret;
}

int json_set_word(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  const struct json_row *row, void *out)
{
	uint64_t value;
	int ret = json_word(r, at, v, row->words, &value);

	if (ret == 0)
		*(int *)out = (int)value;
	return ret;
}

int json_set_string(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		    const struct json_row *row, void *out)
{
	const char *s;
	int ret = json_text(r, at, v, &s);

	if (ret < 0)
		return ret;
	if (!*s)
		return row->required ? json_fail(r, at, EINVAL, "must not be empty") : 0;
	s = arena_strdup(r->a, s);
	if (!s)
		return json_no_memory(r);
	*(const char **)out = s;
	return 0;
}

int json_set_path(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  const struct json_row *row, void *out)
{
	const char *path = NULL;
	int ret = json_set_string(r, at, v, row, &path);

	if (ret < 0 || !path)
		return ret;
	if (*path != '/')
		return json_fail(r, at, EINVAL, "\"%.128s\" is not an absolute path", path);
	*(const char **)out = path;
	return 0;
}

/* ---- lists ---- */

/* What LIST(type) looks like for any type. */
struct any_list {
	void *items;
	size_t n;
};

/* Reads each element of the list `v` by `set` into a new element of `size` bytes at `out`. */
static int each(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		const struct json_row *row, json_set_fn *set, size_t size, struct any_list *out)
{
	struct any_list list = { 0 };
	int ret = json_must_be(r, at, v, json_type_array);
	size_t n = ret == 0 ? json_object_array_length(v) : 0;

	for (size_t i = 0; i < n && ret == 0; i++) {
		struct json_object *item = json_object_array_get_idx(v, i);
		void *slot = arena_push(r->a, &list.items, &list.n, size);

		if (!slot)
			return json_no_memory(r);
		if (!item)
			return json_fail(r, JSON_ELEMENT(at, i), EINVAL, "must not be null");
		ret = set(r, JSON_ELEMENT(at, i), item, row, slot);
	}
	if (ret == 0)
		*out = list;
	return ret;
}

/* An element of a list of strings may be empty. */
static int set_any_string(const struct json_reader *r, const struct json_path *at,
			  struct json_object *v, const struct json_row *row, void *out)
{
	const char *s;
	int ret = json_text(r, at, v, &s);

	(void)row;
	if (ret < 0)
		return ret;
	s = arena_strdup(r->a, s);
	if (!s)
		return json_no_memory(r);
	*(const char **)out = s;
	return 0;
}

int json_set_strings(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		     const struct json_row *row, void *out)
{
	return each(r, at, v, row, set_any_string, sizeof(char *), out);
}

int json_set_paths(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		   const struct json_row *row, void *out)
{
	const struct json_row element = { .name = row->name, .required = true };

	return each(r, at, v, &element, json_set_path, sizeof(char *), out);
}

int json_set_u32s(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  const struct json_row *row, void *out)
{
	return each(r, at, v, row, json_set_u32, sizeof(uint32_t), out);
}

int json_set_flags(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		   const struct json_row *row, void *out)
{
	uint64_t all = 0, one;
	int ret = json_must_be(r, at, v, json_type_array);
	size_t n = ret == 0 ? json_object_array_length(v) : 0;

	for (size_t i = 0; i < n && ret == 0; i++) {
		ret = json_word(r, JSON_ELEMENT(at, i), json_object_array_get_idx(v, i), row->words,
				&one);
		if (ret == 0)
			all |= one;
	}
	if (ret == 0)
		*(uint64_t *)out = all;
	return ret;
}

/* ---- objects ---- */

static const struct json_row *find_row(const struct json_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->rows[i].name, name) == 0)
			return &table->rows[i];
	return NULL;
}

static int missing(const struct json_reader *r, const struct json_path *at,
		   const struct json_table *table, uint64_t seen)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->rows[i].required && !(seen & (UINT64_C(1) << i)))
			return json_fail(r, JSON_KEY(at, table->rows[i].name), EINVAL,
					 "is missing");
	return 0;
}

int json_read(const struct json_reader *r, const struct json_path *at, struct json_object *v,
	      const struct json_table *table, void *out)
{
	char *base = out;
	uint64_t seen = 0;
	int ret = json_must_be(r, at, v, json_type_object);

	if (ret < 0)
		return ret;
	json_object_object_foreach(v, key, value)
	{
		const struct json_row *row = value ? find_row(table, key) : NULL;

		if (!row)
			continue;
		ret = row->set(r, JSON_KEY(at, row->name), value, row, base + row->offset);
		if (ret < 0)
			return ret;
		if (row->given)
			*(bool *)(base + row->given) = true;
		seen |= UINT64_C(1) << (row - table->rows);
	}
	ret = missing(r, at, table, seen);
	return ret == 0 && table->check ? table->check(r, at, out) : ret;
}

int json_set_object(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		    const struct json_row *row, void *out)
{
	return json_read(r, at, v, row->table, out);
}

static int set_element(const struct json_reader *r, const struct json_path *at,
		       struct json_object *v, const struct json_row *row, void *out)
{
	if (row->table->init)
		memcpy(out, row->table->init, row->table->size);
	return json_read(r, at, v, row->table, out);
}

int json_set_list(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  const struct json_row *row, void *out)
{
	return each(r, at, v, row, set_element, row->table->size, out);
}

int json_set_map(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		 const struct json_row *row, void *out)
{
	struct any_list list = { 0 };
	int ret = json_must_be(r, at, v, json_type_object);

	if (ret < 0)
		return ret;
	json_object_object_foreach(v, key, value)
	{
		void *slot = arena_push(r->a, &list.items, &list.n, row->table->size);
		char *name = arena_strdup(r->a, key);

		if (!slot || !name)
			return json_no_memory(r);
		if (!*key)
			return json_fail(r, at, EINVAL, "has an empty name in it");
		if (row->table->init)
			memcpy(slot, row->table->init, row->table->size);
		*(const char **)slot = name;
		ret = json_read(r, JSON_KEY(at, name), value, row->table, slot);
		if (ret < 0)
			return ret;
	}
	*(struct any_list *)out = list;
	return 0;
}

int json_set_keys(const struct json_reader *r, const struct json_path *at, struct json_object *v,
		  const struct json_row *row, void *out)
{
	keys list = { 0 };
	int ret = json_must_be(r, at, v, json_type_object);

	if (ret < 0)
		return ret;
	json_object_object_foreach(v, key, value)
	{
		struct key *slot = arena_push(r->a, &list.items, &list.n, sizeof(*slot));
		char *name = arena_strdup(r->a, key);

		if (!slot || !name)
			return json_no_memory(r);
		if (!*key)
			return json_fail(r, at, EINVAL, "has an empty name in it");
		slot->key = name;
		ret = set_any_string(r, JSON_KEY(at, name), value, row, &slot->value);
		if (ret < 0)
			return ret;
	}
	*(keys *)out = list;
	return 0;
}
