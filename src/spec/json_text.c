/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/json_text.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

void json_put(struct json_object **o)
{
	json_object_put(*o);
}

static void free_tokener(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

/* A text, and how far we are in it. */
struct cursor {
	const char *text;
	size_t len, at;
};

static bool sees(const struct cursor *c, char wanted)
{
	return c->at < c->len && c->text[c->at] == wanted;
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->len && c->text[c->at] && strchr(" \t\r\n", c->text[c->at]))
		c->at++;
}

static void skip_string(struct cursor *c)
{
	for (c->at++; c->at < c->len && c->text[c->at] != '"'; c->at++)
		if (c->text[c->at] == '\\')
			c->at++;
	c->at++;
}

/* A value of any kind. The parser has accepted the text, so brackets need only be counted. */
static void skip_value(struct cursor *c)
{
	size_t depth = 0;

	while (c->at < c->len) {
		char ch = c->text[c->at];

		if (depth == 0 && (ch == ',' || ch == ']' || ch == '}'))
			return;
		if (ch == '"') {
			skip_string(c);
			continue;
		}
		depth += ch == '{' || ch == '[';
		depth -= ch == '}' || ch == ']';
		c->at++;
	}
}

static bool key_is(const struct cursor *c, size_t start, const char *key)
{
	size_t len = strlen(key);

	return c->at - start == len + 2 && memcmp(c->text + start + 1, key, len) == 0;
}

/* Moves from an object to its member `key`. Of several the last one counts, as it does in json-c.
 */
static bool enter_key(struct cursor *c, const char *key, size_t *where)
{
	size_t value = 0;

	if (!sees(c, '{'))
		return false;
	do {
		bool wanted;
		size_t start;

		c->at++;
		skip_blanks(c);
		start = c->at;
		if (!sees(c, '"'))
			break;
		skip_string(c);
		wanted = key_is(c, start, key);
		skip_blanks(c);
		c->at++; /* the colon */
		skip_blanks(c);
		if (wanted) {
			*where = start;
			value = c->at;
		}
		skip_value(c);
	} while (sees(c, ','));
	c->at = value;
	return value != 0;
}

static bool enter_element(struct cursor *c, size_t index, size_t *where)
{
	if (!sees(c, '['))
		return false;
	c->at++;
	skip_blanks(c);
	for (; index > 0; index--) {
		skip_value(c);
		if (!sees(c, ','))
			return false;
		c->at++;
		skip_blanks(c);
	}
	*where = c->at;
	return true;
}

static struct json_place place_at(const char *text, size_t offset)
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

struct json_place json_text_place(const char *text, size_t len, const struct json_step *way,
				  size_t n)
{
	struct cursor c = { text, len, 0 };
	size_t where = 0;

	skip_blanks(&c);
	where = c.at;
	for (size_t i = 0; i < n; i++) {
		bool there = way[i].key ? enter_key(&c, way[i].key, &where)
					: enter_element(&c, way[i].index, &where);

		if (!there)
			break;
	}
	return place_at(text, where < len ? where : 0);
}

static int syntax(const char *text, size_t end, const char *name, const char *words, struct err *e)
{
	struct json_place p = place_at(text, end);

	return err_set(e, EINVAL, "%s:%u:%u: %s", name, p.line, p.column, words);
}

int json_text_parse(const char *text, size_t len, const char *name, int depth,
		    struct json_object **out, struct err *e)
{
	_cleanup_(free_tokener) struct json_tokener *t = json_tokener_new_ex(depth);
	_cleanup_json_ struct json_object *o = NULL;
	enum json_tokener_error why;
	size_t end;

	if (!t || len > INT32_MAX)
		return err_errno(e, t ? EFBIG : ENOMEM, "%s", name);
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(t, text, (int)len);
	why = json_tokener_get_error(t);
	end = json_tokener_get_parse_end(t);
	if (end > len)
		end = len;
	if (why == json_tokener_continue)
		return syntax(text, end, name, "the JSON text ends too early", e);
	if (why != json_tokener_success)
		return syntax(text, end, name, json_tokener_error_desc(why), e);
	for (size_t i = end; i < len; i++)
		if (!text[i] || !strchr(" \t\r\n", text[i]))
			return syntax(text, i, name, "there is text behind the end", e);
	if (!o)
		return syntax(text, 0, name, "null is nothing to work with", e);
	*out = TAKE_PTR(o);
	return 0;
}
