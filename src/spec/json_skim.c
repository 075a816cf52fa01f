/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plain members of an object without a tree of everything in it. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/macro.h"
#include "spec/json_read.h"
#include "spec/json_text.h"

struct skim {
	const char *at, *end;
};

/* Moves behind blanks and looks. */
static bool sees(struct skim *s, char wanted)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t'))
		s->at++;
	return s->at < s->end && *s->at == wanted;
}

static bool takes(struct skim *s, char wanted)
{
	bool yes = sees(s, wanted);

	s->at += yes;
	return yes;
}

/* A string without escapes: where it starts, and its length. */
static bool take_string(struct skim *s, const char **out, size_t *len)
{
	const char *close;

	if (!takes(s, '"'))
		return false;
	close = memchr(s->at, '"', (size_t)(s->end - s->at));
	if (!close || memchr(s->at, '\\', (size_t)(close - s->at)))
		return false;
	*out = s->at;
	*len = (size_t)(close - s->at);
	s->at = close + 1;
	return true;
}

/* A list or an object, whatever is in it. */
static bool skip_nested(struct skim *s)
{
	size_t depth = 0;
	bool quoted = false;

	for (; s->at < s->end; s->at++) {
		char c = *s->at;

		if (quoted && c == '\\')
			s->at++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && --depth == 0) {
			s->at++;
			return true;
		}
	}
	return false;
}

static struct json_object *take_scalar(struct skim *s)
{
	static const char *const words[] = { "false", "true" };
	const char *text;
	uint64_t number = 0;
	size_t len;

	if (sees(s, '"'))
		return take_string(s, &text, &len) ? json_object_new_string_len(text, (int)len)
						   : NULL;
	for (int i = 0; i < 2; i++) {
		len = strlen(words[i]);
		if ((size_t)(s->end - s->at) < len || memcmp(s->at, words[i], len) != 0)
			continue;
		s->at += len;
		return json_object_new_boolean(i);
	}
	for (len = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9' && len < 19; len++)
		number = number * 10 + (uint64_t)(*s->at++ - '0');
	return len ? json_object_new_uint64(number) : NULL;
}

static const struct json_row *row_of(const struct json_table *table, const char *name, size_t len)
{
	for (size_t i = 0; i < table->n; i++)
		if (strncmp(table->rows[i].name, name, len) == 0 && !table->rows[i].name[len])
			return &table->rows[i];
	return NULL;
}

static bool take_member(const struct json_reader *r, const struct json_table *table, struct skim *s,
			void *out)
{
	_cleanup_json_ struct json_object *v = NULL;
	const struct json_row *row;
	const char *name;
	size_t len;

	if (!take_string(s, &name, &len) || !takes(s, ':'))
		return false;
	if (sees(s, '{') || sees(s, '['))
		return skip_nested(s);
	row = row_of(table, name, len);
	v = take_scalar(s);
	if (!v)
		return false;
	return !row || row->set(r, NULL, v, row, (char *)out + row->offset) == 0;
}

int json_skim(const struct json_reader *r, const struct json_table *table, void *out)
{
	struct skim s = { r->text, r->text + r->len };

	if (!takes(&s, '{'))
		return -EAGAIN;
	do
		if (!take_member(r, table, &s, out))
			return -EAGAIN;
	while (takes(&s, ','));
	return takes(&s, '}') && !sees(&s, 0) && s.at == s.end ? 0 : -EAGAIN;
}
