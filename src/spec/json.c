/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile: a JSON object whose keys are the fields, whose values are strings, numbers, booleans
 * or arrays of strings; and "command", an array. What is wrong is said with line and column.
 */
#include <errno.h>

#include "base/str.h"
#include "spec/json_text.h"
#include "spec/spec.h"

#define PROFILE_DEPTH 8

static int load_text(struct spec *s, const struct field *f, const struct json *v, struct err *e)
{
	const char *text;

	if (json_is(v, JSON_STRING) && !json_is_text(v))
		return err_set(e, EINVAL, "%s: there is a NUL in the text", f->name);
	text = json_is(v, JSON_STRING) ? v->string : arena_strndup(s->arena, v->raw, v->raw_len);
	return text ? field_set(s, f, text, e) : err_errno(e, ENOMEM, "%s", f->name);
}

static int load_value(struct spec *s, const struct field *f, const struct json *v, struct err *e)
{
	if (json_is(v, JSON_STRING) || json_is(v, JSON_INT) || json_is(v, JSON_BOOL))
		return load_text(s, f, v, e);
	if (!json_is(v, JSON_LIST))
		return err_set(e, EINVAL, "%s: the value is no string, number, boolean or array",
			       f->name);
	if (!(f->flags & FIELD_LIST))
		return err_set(e, EINVAL, "%s: takes one value, not an array", f->name);
	json_each(item, v) {
		int r;

		if (!json_is(item, JSON_STRING) && !json_is(item, JSON_INT))
			return err_set(e, EINVAL, "%s: element %u is no string", f->name,
				       item->nth);
		r = load_text(s, f, item, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_command(struct spec *s, const struct json *v, struct err *e)
{
	if (!json_is(v, JSON_LIST))
		return err_set(e, EINVAL, "command: not an array of strings");
	json_each(item, v) {
		if (!json_is_text(item))
			return err_set(e, EINVAL, "command: element %u is no string", item->nth);
		if (spec_command(s, item->string) < 0)
			return err_errno(e, ENOMEM, "command");
	}
	return 0;
}

static int load_member(struct spec *s, const struct json *v, struct err *e)
{
	const struct field *f = field_find(v->key);

	if (str_eq(v->key, "command"))
		return load_command(s, v, e);
	if (!f)
		return err_set(e, EINVAL, "there is no field \"%s\"", v->key);
	return load_value(s, f, v, e);
}

int spec_load(struct spec *s, const char *json, size_t len, const char *name, struct err *e)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct json *o;
	int r = a ? json_text_parse(a, json, len, name, PROFILE_DEPTH, &o, e)
		  : err_errno(e, ENOMEM, "%s", name);

	if (r < 0)
		return r;
	if (!json_is(o, JSON_OBJECT))
		return err_set(e, EINVAL, "%s:1:1: a profile is a JSON object", name);
	json_each(v, o) {
		r = load_member(s, v, e);
		if (r < 0) {
			struct json_place p = json_place(json, (size_t)(v->name - json));

			err_prefix(e, "%s:%u:%u", name, p.line, p.column);
			return r;
		}
	}
	return 0;
}
