/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables lead from object to object through pointers to functions, never deeper than they are
 * nested themselves, so that the depth of a hostile text does not matter.
 */
#include "spec/json_read.h"

#include <ctype.h>
#include <errno.h>
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

static void say_step(struct err *e, const struct json_path *s)
{
	if (!s->key)
		err_append(e, "[%zu]", s->index);
	else if (plain(s->key))
		err_append(e, ".%s", s->key);
	else
		err_append(e, "[\"%.128s\"]", s->key);
}

static const struct json *element(const struct json *list, size_t index)
{
	json_each(v, json_is(list, JSON_LIST) ? list : NULL)
		if (v->nth == index)
			return v;
	return NULL;
}

/* Where the value or the name of the member stands; if the way does not lead so far, where it ends.
 */
static struct json_place place_of(const struct json_reader *r, const struct json_path *const *way,
				  size_t n)
{
	const struct json *v = r->top;
	const char *where = v->raw;

	for (size_t i = 0; i < n; i++) {
		v = way[i]->key ? json_member(v, way[i]->key) : element(v, way[i]->index);
		if (!v)
			break;
		where = v->name ? v->name : v->raw;
	}
	return json_place(r->text, (size_t)(where - r->text));
}

int json_fail(const struct json_reader *r, const struct json_path *at, int code, const char *fmt,
	      ...)
{
	const struct json_path *way[WAY_MAX];
	struct json_place place;
	char words[384];
	size_t n = 0;
	va_list ap;

	for (const struct json_path *p = at; p && n < WAY_MAX; p = p->up)
		n++;
	for (size_t i = n; i-- > 0; at = at->up)
		way[i] = at;
	place = place_of(r, way, n);
	err_set(r->e, code, "%s:%u:%u: ", r->name, place.line, place.column);
	for (size_t i = 0; i < n && r->e; i++)
		say_step(r->e, way[i]);
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

int json_must_be(const struct json_reader *r, const struct json_path *at, const struct json *v,
		 enum json_kind kind)
{
	if (json_is(v, kind))
		return 0;
	return json_fail(r, at, EINVAL, "must be %s, not %s", json_kind_words(kind),
			 json_kind_words((enum json_kind)v->kind));
}

int json_text(const struct json_reader *r, const struct json_path *at, const struct json *v,
	      const char **out)
{
	int ret = json_must_be(r, at, v, JSON_STRING);

	if (ret < 0)
		return ret;
	if (!json_is_text(v))
		return json_fail(r, at, EINVAL, "has a zero byte in it");
	*out = v->string;
	return 0;
}

int json_word(const struct json_reader *r, const struct json_path *at, const struct json *v,
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
static int number(const struct json_reader *r, const struct json_path *at, const struct json *v,
		  int64_t min, uint64_t max, uint64_t *out)
{
	if (!json_is(v, JSON_INT))
		return json_fail(r, at, EINVAL, "must be a whole number, not %s",
				 json_kind_words((enum json_kind)v->kind));
	if (v->negative ? (int64_t)v->number < min : min > 0 && v->number < (uint64_t)min)
		return json_fail(r, at, ERANGE, "must be at least %lld", (long long)min);
	if (!v->negative && v->number > max)
		return json_fail(r, at, ERANGE, "must be at most %llu", (unsigned long long)max);
	*out = v->number;
	return 0;
}

static int number_in(const struct json_reader *r, const struct json_path *at, const struct json *v,
		     const struct json_row *row, int64_t type_min, uint64_t type_max, uint64_t *out)
{
	bool own = row->min || row->max;

	return number(r, at, v, own ? row->min : type_min, row->max ? row->max : type_max, out);
}

int json_set_u64(const struct json_reader *r, const struct json_path *at, const struct json *v,
		 const struct json_row *row, void *out)
{
	return number_in(r, at, v, row, 0, UINT64_MAX, out);
}

int json_set_i64(const struct json_reader *r, const struct json_path *at, const struct json *v,
		 const struct json_row *row, void *out)
{
	uint64_t value;
	/* The lowest value is what stands for "not given". */
	int ret = number_in(r, at, v, row, INT64_MIN + 1, INT64_MAX, &value);

	if (ret == 0)
		*(int64_t *)out = (int64_t)value;
	return ret;
}

int json_set_some(const struct json_reader *r, const struct json_path *at, const struct json *v,
		  const struct json_row *row, void *out)
{
	int64_t value;
	int ret;

	if (json_is(v, JSON_INT) && v->number == 0)
		return 0;
	ret = json_set_i64(r, at, v, row, &value);
	if (ret == 0)
		*(int64_t *)out = value;
	return ret;
}

int json_set_u32(const struct json_reader *r, const struct json_path *at, const struct json *v,
		 const struct json_row *row, void *out)
{
	uint64_t value;
	int ret = number_in(r, at, v, row, 0, UINT32_MAX, &value);

	if (ret == 0)
		*(uint32_t *)out = (uint32_t)value;
	return ret;
}

int json_set_int(const struct json_reader *r, const struct json_path *at, const struct json *v,
		 const struct json_row *row, void *out)
{
	uint64_t value;
	int ret = number_in(r, at, v, row, INT32_MIN, INT32_MAX, &value);

	if (ret == 0)
		*(int *)out = (int)(int64_t)value;
	return ret;
}

int json_set_bool(const struct json_reader *r, const struct json_path *at, const struct json *v,
		  const struct json_row *row, void *out)
{
	int ret = json_must_be(r, at, v, JSON_BOOL);

	(void)row;
	if (ret == 0)
		*(bool *)out = v->yes;
	return ret;
}

int json_set_word(const struct json_reader *r, const struct json_path *at, const struct json *v,
		  const struct json_row *row, void *out)
{
	uint64_t value;
	int ret = json_word(r, at, v, row->words, &value);

	if (ret == 0)
		*(int *)out = (int)value;
	return ret;
}

int json_set_string(const struct json_reader *r, const struct json_path *at, const struct json *v,
		    const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_text(r, at, v, &s);

	if (ret < 0)
		return ret;
	if (!*s)
		return row->required ? json_fail(r, at, EINVAL, "must not be empty") : 0;
	*(const char **)out = s;
	return 0;
}

int json_set_path(const struct json_reader *r, const struct json_path *at, const struct json *v,
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
static int each(const struct json_reader *r, const struct json_path *at, const struct json *v,
		const struct json_row *row, json_set_fn *set, size_t size, struct any_list *out)
{
	struct any_list list = { 0 };
	int ret = json_must_be(r, at, v, JSON_LIST);

	if (ret < 0)
		return ret;
	json_each(item, v) {
		void *slot = arena_push(r->a, &list.items, &list.n, size);

		if (!slot)
			return json_no_memory(r);
		if (json_is(item, JSON_NULL))
			return json_fail(r, JSON_ELEMENT(at, item->nth), EINVAL,
					 "must not be null");
		ret = set(r, JSON_ELEMENT(at, item->nth), item, row, slot);
		if (ret < 0)
			return ret;
	}
	*out = list;
	return 0;
}

/* An element of a list of strings may be empty. */
static int set_any_string(const struct json_reader *r, const struct json_path *at,
			  const struct json *v, const struct json_row *row, void *out)
{
	(void)row;
	return json_text(r, at, v, out);
}

int json_set_strings(const struct json_reader *r, const struct json_path *at, const struct json *v,
		     const struct json_row *row, void *out)
{
	return each(r, at, v, row, set_any_string, sizeof(char *), out);
}

int json_set_paths(const struct json_reader *r, const struct json_path *at, const struct json *v,
		   const struct json_row *row, void *out)
{
	const struct json_row element = { .name = row->name, .required = true };

	return each(r, at, v, &element, json_set_path, sizeof(char *), out);
}

int json_set_u32s(const struct json_reader *r, const struct json_path *at, const struct json *v,
		  const struct json_row *row, void *out)
{
	return each(r, at, v, row, json_set_u32, sizeof(uint32_t), out);
}

int json_set_flags(const struct json_reader *r, const struct json_path *at, const struct json *v,
		   const struct json_row *row, void *out)
{
	uint64_t all = 0, one;
	int ret = json_must_be(r, at, v, JSON_LIST);

	if (ret < 0)
		return ret;
	json_each(item, v) {
		ret = json_word(r, JSON_ELEMENT(at, item->nth), item, row->words, &one);
		if (ret < 0)
			return ret;
		all |= one;
	}
	*(uint64_t *)out = all;
	return 0;
}

/* ---- objects ---- */

static const struct json_row *find_row(const struct json_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (*table->rows[i].name == *name && strcmp(table->rows[i].name, name) == 0)
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

int json_read(const struct json_reader *r, const struct json_path *at, const struct json *v,
	      const struct json_table *table, void *out)
{
	char *base = out;
	uint64_t seen = 0;
	int ret = json_must_be(r, at, v, JSON_OBJECT);

	if (ret < 0)
		return ret;
	json_each(value, v) {
		const struct json_row *row =
			json_is(value, JSON_NULL) ? NULL : find_row(table, value->key);

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

int json_read_text(struct json_reader *r, const struct json_table *table, void *out)
{
	int ret = json_text_parse(r->a, r->text, r->len, r->name, JSON_DEPTH_MAX, &r->top, r->e);

	return ret < 0 ? ret : json_read(r, NULL, r->top, table, out);
}

int json_set_object(const struct json_reader *r, const struct json_path *at, const struct json *v,
		    const struct json_row *row, void *out)
{
	return json_read(r, at, v, row->table, out);
}

static int set_element(const struct json_reader *r, const struct json_path *at,
		       const struct json *v, const struct json_row *row, void *out)
{
	if (row->table->init)
		memcpy(out, row->table->init, row->table->size);
	return json_read(r, at, v, row->table, out);
}

int json_set_list(const struct json_reader *r, const struct json_path *at, const struct json *v,
		  const struct json_row *row, void *out)
{
	return each(r, at, v, row, set_element, row->table->size, out);
}

int json_set_map(const struct json_reader *r, const struct json_path *at, const struct json *v,
		 const struct json_row *row, void *out)
{
	struct any_list list = { 0 };
	int ret = json_must_be(r, at, v, JSON_OBJECT);

	if (ret < 0)
		return ret;
	json_each(value, v) {
		const char *name = value->key;
		void *slot = arena_push(r->a, &list.items, &list.n, row->table->size);

		if (!slot)
			return json_no_memory(r);
		if (!*name)
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

int json_set_keys(const struct json_reader *r, const struct json_path *at, const struct json *v,
		  const struct json_row *row, void *out)
{
	keys list = { 0 };
	int ret = json_must_be(r, at, v, JSON_OBJECT);

	if (ret < 0)
		return ret;
	json_each(value, v) {
		const char *name = value->key;
		struct key *slot = arena_push(r->a, &list.items, &list.n, sizeof(*slot));

		if (!slot)
			return json_no_memory(r);
		if (!*name)
			return json_fail(r, at, EINVAL, "has an empty name in it");
		slot->key = name;
		ret = set_any_string(r, JSON_KEY(at, name), value, row, &slot->value);
		if (ret < 0)
			return ret;
	}
	*(keys *)out = list;
	return 0;
}
