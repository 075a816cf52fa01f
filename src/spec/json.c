/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A profile: a JSON object whose keys are the fields, whose values are strings, numbers, booleans
 * or arrays of strings; and "command", an array. What is wrong is said with line and column.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "spec/json_text.h"
#include "spec/spec.h"

#define PROFILE_DEPTH 8

static int parse(const char *json, size_t len, const char *name, json_object **out, struct err *e)
{
	_cleanup_json_ json_object *o = NULL;
	int r = json_text_parse(json, len, name, PROFILE_DEPTH, &o, e);

	if (r < 0)
		return r;
	if (!json_object_is_type(o, json_type_object))
		return err_set(e, EINVAL, "%s:1:1: a profile is a JSON object", name);
	*out = TAKE_PTR(o);
	return 0;
}

static bool has_nul(json_object *v)
{
	return json_object_is_type(v, json_type_string) &&
	       strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v);
}

static int load_text(struct spec *s, const struct field *f, json_object *v, struct err *e)
{
	if (has_nul(v))
		return err_set(e, EINVAL, "%s: there is a NUL in the text", f->name);
	return field_set(s, f, json_object_get_string(v), e);
}

static int load_value(struct spec *s, const struct field *f, json_object *v, struct err *e)
{
	switch (json_object_get_type(v)) {
	case json_type_string:
	case json_type_int:
	case json_type_boolean:
		return load_text(s, f, v, e);
	case json_type_array:
		break;
	default:
		return err_set(e, EINVAL, "%s: the value is no string, number, boolean or array",
			       f->name);
	}
	if (!(f->flags & FIELD_LIST))
		return err_set(e, EINVAL, "%s: takes one value, not an array", f->name);
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		json_object *item = json_object_array_get_idx(v, i);
		int r;

		if (!json_object_is_type(item, json_type_string) &&
		    !json_object_is_type(item, json_type_int))
			return err_set(e, EINVAL, "%s: element %zu is no string", f->name, i);
		r = load_text(s, f, item, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_command(struct spec *s, json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return err_set(e, EINVAL, "command: not an array of strings");
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		json_object *item = json_object_array_get_idx(v, i);

		if (!json_object_is_type(item, json_type_string) || has_nul(item))
			return err_set(e, EINVAL, "command: element %zu is no string", i);
		if (spec_command(s, json_object_get_string(item)) < 0)
			return err_errno(e, ENOMEM, "command");
	}
	return 0;
}

static int load_key(struct spec *s, const char *key, json_object *v, struct err *e)
{
	const struct field *f = field_find(key);

	if (str_eq(key, "command"))
		return load_command(s, v, e);
	if (!f)
		return err_set(e, EINVAL, "there is no field \"%s\"", key);
	return load_value(s, f, v, e);
}

int spec_load(struct spec *s, const char *json, size_t len, const char *name, struct err *e)
{
	_cleanup_json_ json_object *o = NULL;
	int r = parse(json, len, name, &o, e);

	if (r < 0)
		return r;
	json_object_object_foreach(o, key, value)
	{
		r = load_key(s, key, value, e);
		if (r < 0) {
			struct json_step way = { .key = key };
			struct json_place p = json_text_place(json, len, &way, 1);

			err_prefix(e, "%s:%u:%u", name, p.line, p.column);
			return r;
		}
	}
	return 0;
}
