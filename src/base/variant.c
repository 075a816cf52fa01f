/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/variant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* An array or tuple whose end has not come yet. */
struct open {
	size_t item; /* which one it is */
	char kind;
	char has[VARIANT_TYPE_MAX];  /* array: the type of its elements; tuple: those so far */
	char want[VARIANT_TYPE_MAX]; /* what the text has stated, of all its content; "": nothing */
};

struct parser {
	struct arena *a;
	const char *text, *at;
	struct variant *out;
	struct open stack[VARIANT_DEPTH_MAX];
	unsigned depth;
	struct err *e;
};

static int wrong(struct parser *p, const char *what)
{
	return err_set(p->e, EINVAL, "%s at character %zu of \"%.100s\"", what,
		       (size_t)(p->at - p->text) + 1, p->text);
}

static int no_memory(struct parser *p)
{
	return err_errno(p->e, ENOMEM, "\"%.100s\"", p->text);
}

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t\n");
}

/* ---- types ---- */

static bool is_basic(char c)
{
	return c && strchr("bynqiuxtdsog", c);
}

static bool is_number(char c)
{
	return c && strchr("ynqiuxtd", c);
}

/* How long the first type of a list is; 0: it is none. */
static size_t type_len(const char *s)
{
	unsigned depth = 0;

	for (size_t i = 0; s[i]; i++) {
		if (s[i] == 'a')
			continue;
		if (s[i] == '(' && s[i + 1] != ')')
			depth++;
		else if (s[i] == ')' && depth > 0 && s[i - 1] != 'a')
			depth--;
		else if (!is_basic(s[i]))
			return 0;
		if (depth == 0)
			return i + 1;
	}
	return 0;
}

static void take_type(char out[VARIANT_TYPE_MAX], const char *from, size_t len)
{
	memcpy(out, from, len);
	out[len] = 0;
}

/* What the next value has to be, if that is known: "" if not. */
static void wanted_next(const struct parser *p, char out[VARIANT_TYPE_MAX])
{
	const struct open *o = p->depth ? &p->stack[p->depth - 1] : NULL;
	const char *from = "";

	if (o && o->kind == VARIANT_ARRAY)
		from = *o->has ? o->has : o->want;
	else if (o && strlen(o->has) < strlen(o->want))
		from = o->want + strlen(o->has);
	take_type(out, from, type_len(from));
}

static const struct {
	const char *word;
	char type;
} keywords[] = {
	{ "boolean", 'b' }, { "byte", 'y' },   { "int16", 'n' },      { "uint16", 'q' },
	{ "int32", 'i' },   { "uint32", 'u' }, { "int64", 'x' },      { "uint64", 't' },
	{ "double", 'd' },  { "string", 's' }, { "objectpath", 'o' }, { "signature", 'g' },
};

/* "@as ", "uint64 ": what stands before a value. */
static int take_prefix(struct parser *p, char want[VARIANT_TYPE_MAX])
{
	char stated[VARIANT_TYPE_MAX] = "";
	size_t len = strcspn(p->at, " \t\n");

	if (*p->at == '@') {
		if (len < 2 || len > VARIANT_TYPE_MAX || type_len(p->at + 1) < len - 1)
			return wrong(p, "no type of D-Bus that a property has");
		take_type(stated, p->at + 1, len - 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (strlen(keywords[i].word) == len && strncmp(p->at, keywords[i].word, len) == 0)
			take_type(stated, &keywords[i].type, 1);
	if (!*stated)
		return 0;
	if (*want && !str_eq(want, stated))
		return wrong(p, "a type that differs from those before it");
	strcpy(want, stated);
	p->at += len;
	skip_blanks(p);
	return 0;
}

/* ---- what is found ---- */

static struct variant_item *add(struct parser *p, char type)
{
	struct variant_item *item = NULL;

	if (p->out->items.n < VARIANT_ITEMS_MAX)
		item = arena_push(p->a, &p->out->items.items, &p->out->items.n, sizeof(*item));
	if (item)
		item->type = type;
	return item;
}

/* A value of `type` is complete: what does that mean for the array or tuple around it? */
static int count_in(struct parser *p, const char *type)
{
	struct open *o = p->depth ? &p->stack[p->depth - 1] : NULL;

	if (!o) {
		strcpy(p->out->type, type);
		return 0;
	}
	if (o->kind == VARIANT_ARRAY && *o->has)
		return str_eq(o->has, type) ? 0 : wrong(p, "an element of another type");
	if (strlen(o->has) + strlen(type) >= VARIANT_TYPE_MAX - 4)
		return wrong(p, "too long a type");
	strcat(o->has, type);
	return 0;
}

static int open_container(struct parser *p, char kind, const char *want)
{
	const char mark = kind == VARIANT_ARRAY ? 'a' : '(';
	struct open *o = &p->stack[p->depth];

	if (*want && *want != mark)
		return wrong(p, "a value of another type was to be");
	if (p->depth == VARIANT_DEPTH_MAX)
		return wrong(p, "nested too deep");
	*o = (struct open){ .kind = kind, .item = p->out->items.n };
	if (*want) /* without the 'a', or without the parentheses */
		take_type(o->want, want + 1, strlen(want) - (kind == VARIANT_ARRAY ? 1 : 2));
	if (!add(p, kind))
		return no_memory(p);
	p->depth++;
	p->at++;
	return 0;
}

static int close_container(struct parser *p)
{
	struct open *o = &p->stack[p->depth - 1];
	char type[VARIANT_TYPE_MAX];
	bool array = o->kind == VARIANT_ARRAY;

	if (array && !*o->has)
		strcpy(o->has, o->want);
	if (!*o->has)
		return wrong(p, array ? "an empty array says its type, as in @as []"
				      : "an empty tuple");
	if (!array && *o->want && !str_eq(o->has, o->want))
		return wrong(p, "a tuple of other types was to be");
	p->out->items.items[o->item].text = arena_strdup(p->a, o->has);
	if (!p->out->items.items[o->item].text || !add(p, VARIANT_END))
		return no_memory(p);
	memcpy(type, array ? "a" : "(", 2);
	strcat(type, o->has);
	strcat(type, array ? "" : ")");
	p->depth--;
	p->at++;
	return count_in(p, type);
}

/* ---- values ---- */

/* Behind the `len` bytes that are in `s` already. False: no such character. */
static bool put_utf8(char *s, uint32_t c, size_t *len)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	char *out = s + *len;

	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	*len += n;
	return true;
}

/* "\u00e9", "\U0001f600": the digits at *at. */
static bool take_code(const char **at, int digits, char *s, size_t *len)
{
	uint32_t c = 0;

	for (int i = 0; i < digits; i++, (*at)++) {
		const char *hex = "0123456789abcdef";
		const char *digit = **at ? strchr(hex, **at | 0x20) : NULL;

		if (!digit)
			return false;
		c = c << 4 | (uint32_t)(digit - hex);
	}
	return put_utf8(s, c, len);
}

/* What stands behind a backslash at *at, which moves behind it. */
static bool take_escape(const char **at, char *s, size_t *len)
{
	static const char letters[] = "abfnrtv\\'\"", means[] = "\a\b\f\n\r\t\v\\'\"";
	char c = **at;
	const char *known = c ? strchr(letters, c) : NULL;

	*at += c != 0;
	if (c == 'u' || c == 'U')
		return take_code(at, c == 'u' ? 4 : 8, s, len);
	if (known)
		s[(*len)++] = means[known - letters];
	return known || c == '\n'; /* the line goes on */
}

/* From quote to quote; never longer than it is written. */
static int take_quoted(struct parser *p, const char **out)
{
	char quote = *p->at, *s = arena_alloc(p->a, strlen(p->at));
	size_t len = 0;

	if (!s)
		return no_memory(p);
	for (p->at++; *p->at != quote;) {
		if (!*p->at)
			return wrong(p, "a string without its end");
		if (*p->at != '\\') {
			s[len++] = *p->at++;
			continue;
		}
		p->at++;
		if (!take_escape(&p->at, s, &len))
			return wrong(p, "an unknown escape");
	}
	p->at++;
	*out = s;
	return 0;
}

static int put_string(struct parser *p, const char *want)
{
	char type[2] = { *want ? *want : 's', 0 };
	struct variant_item *item;
	const char *s;
	int r;

	if (!strchr("sog", *type) || (*want && want[1]))
		return wrong(p, "a string, where another type was to be");
	r = take_quoted(p, &s);
	if (r < 0)
		return r;
	item = add(p, *type);
	if (!item)
		return no_memory(p);
	item->text = s;
	return count_in(p, type);
}

/* b'text' is an array of bytes with a NUL at its end. */
static int put_bytes(struct parser *p, const char *want)
{
	struct variant_item *item;
	const char *s;
	int r;

	if (*want && !str_eq(want, "ay"))
		return wrong(p, "bytes, where another type was to be");
	p->at++;
	r = take_quoted(p, &s);
	if (r < 0)
		return r;
	item = add(p, VARIANT_ARRAY);
	if (item)
		item->text = "y";
	for (bool more = true; item && more; s++) {
		more = *s;
		item = add(p, 'y');
		if (item)
			item->magnitude = (uint8_t)*s;
	}
	if (!item || !add(p, VARIANT_END))
		return no_memory(p);
	return count_in(p, "ay");
}

static bool fits(struct variant_item *item, const char *word)
{
	static const struct {
		char type;
		int64_t min;
		uint64_t max;
	} ranges[] = {
		{ 'y', 0, UINT8_MAX },  { 'n', INT16_MIN, INT16_MAX },
		{ 'q', 0, UINT16_MAX }, { 'i', INT32_MIN, INT32_MAX },
		{ 'u', 0, UINT32_MAX }, { 'x', INT64_MIN, INT64_MAX },
		{ 't', 0, UINT64_MAX },
	};
	bool negative = *word == '-';
	uint64_t v;
	char *end;

	word += negative || *word == '+';
	errno = 0;
	v = strtoull(word, &end, 0);
	if (*word < '0' || *word > '9' || *end || errno)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (ranges[i].type != item->type)
			continue;
		if (negative ? v > -(uint64_t)ranges[i].min : v > ranges[i].max)
			return false;
		item->magnitude = negative ? -v : v; /* `number` is the same 64 bits */
		return true;
	}
	return false;
}

static int put_number(struct parser *p, const char *want)
{
	size_t len = strspn(p->at, "0123456789abcdefxABCDEFX+-.");
	char word[64], type[2] = { *want, 0 }, *end;
	struct variant_item *item;
	bool good;

	if (len == 0 || len >= sizeof(word))
		return wrong(p, "no value");
	memcpy(word, p->at, len);
	word[len] = 0;
	if (!*want) /* in a hexadecimal number 'e' is a digit */
		*type = strpbrk(word, ".") || (!strpbrk(word, "xX") && strpbrk(word, "eE")) ? 'd'
											    : 'i';
	if (!is_number(*type) || (*want && want[1]))
		return wrong(p, "a number, where another type was to be");
	item = add(p, *type);
	if (!item)
		return no_memory(p);
	if (*type == 'd') {
		item->real = strtod(word, &end);
		good = !*end;
	} else {
		good = fits(item, word);
	}
	if (!good)
		return wrong(p, "a number that is none of its type");
	p->at += len;
	return count_in(p, type);
}

static int put_boolean(struct parser *p, const char *want, bool yes)
{
	struct variant_item *item;

	if (*want && !str_eq(want, "b"))
		return wrong(p, "a boolean, where another type was to be");
	p->at += yes ? strlen("true") : strlen("false");
	item = add(p, 'b');
	if (!item)
		return no_memory(p);
	item->yes = yes;
	return count_in(p, "b");
}

static int put_value(struct parser *p)
{
	char want[VARIANT_TYPE_MAX];
	int r;

	wanted_next(p, want);
	r = take_prefix(p, want);
	if (r < 0)
		return r;
	if (*p->at == '[')
		return open_container(p, VARIANT_ARRAY, want);
	if (*p->at == '(')
		return open_container(p, VARIANT_TUPLE, want);
	if (*p->at == '\'' || *p->at == '"')
		return put_string(p, want);
	if (*p->at == 'b' && (p->at[1] == '\'' || p->at[1] == '"'))
		return put_bytes(p, want);
	if (str_starts(p->at, "true"))
		return put_boolean(p, want, true);
	if (str_starts(p->at, "false"))
		return put_boolean(p, want, false);
	return put_number(p, want);
}

/* Behind a value: all that ends there, and whether another one follows. */
static int put_ends(struct parser *p, bool *more)
{
	*more = false;
	for (skip_blanks(p); p->depth > 0; skip_blanks(p)) {
		const struct open *o = &p->stack[p->depth - 1];
		bool tuple = o->kind == VARIANT_TUPLE;
		int r;

		if (*p->at == ',') {
			p->at++;
			skip_blanks(p);
			if (!(tuple && *p->at == ')')) { /* "(1,)" is a tuple of one */
				*more = true;
				return 0;
			}
		}
		if (*p->at != (tuple ? ')' : ']'))
			return wrong(p, "neither a comma nor the end");
		r = close_container(p);
		if (r < 0)
			return r;
	}
	return *p->at ? wrong(p, "something behind the value") : 0;
}

int variant_parse(struct arena *a, const char *text, struct variant *out, struct err *e)
{
	struct variant v = { 0 };
	struct parser p = { .a = a, .text = text, .at = text, .out = &v, .e = e };
	bool more = true;

	while (more) {
		unsigned depth = p.depth;
		int r;

		skip_blanks(&p);
		r = put_value(&p);
		if (r < 0)
			return r;
		skip_blanks(&p);
		/* Opened, and not empty: its first element is next. */
		if (p.depth > depth && *p.at != ']' && *p.at != ')')
			continue;
		r = put_ends(&p, &more);
		if (r < 0)
			return r;
	}
	*out = v;
	return 0;
}
