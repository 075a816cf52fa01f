/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"

#define NUMBER_MAX 512 /* bytes of a fraction that we read */
#define FEW        32  /* members that are compared each with each */

/* A list or an object that is not closed yet. */
struct open {
	struct json *value;
	struct json **end; /* where the next one in it goes */
};

struct parser {
	struct arena *a;
	const char *text, *at, *end;
	struct json_fault *fault;
	struct open open[JSON_DEPTH_MAX];
	unsigned depth, depth_max;
};

static bool fail(struct parser *p, const char *words)
{
	*p->fault = (struct json_fault){ words, (size_t)(p->at - p->text) };
	return false;
}

/* ---- characters ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->end &&
	       (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r'))
		p->at++;
}

static bool sees(const struct parser *p, char wanted)
{
	return p->at < p->end && *p->at == wanted;
}

static bool takes(struct parser *p, char wanted)
{
	bool yes = sees(p, wanted);

	p->at += yes;
	return yes;
}

/* ---- strings ---- */

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u; -1: there are not four. */
static int take_unit(struct parser *p)
{
	int unit = 0;

	for (int i = 0; i < 4; i++) {
		int digit = p->at < p->end ? hex(*p->at) : -1;

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
		p->at++;
	}
	return unit;
}

static char *put_utf8(char *to, unsigned c)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		*to = (char)c;
		return to + 1;
	}
	for (int i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	*to = (char)(lead[n] | c);
	return to + n;
}

/* Behind "\u". Half of a pair alone becomes U+FFFD, which is what stands for "no character". */
static char *take_unicode(struct parser *p, char *to)
{
	int unit = take_unit(p), second;
	const char *behind = p->at;

	if (unit < 0) {
		fail(p, "there are not four hexadecimal digits behind \\u");
		return NULL;
	}
	if (unit < 0xd800 || unit > 0xdfff)
		return put_utf8(to, (unsigned)unit);
	if (unit <= 0xdbff && takes(p, '\\') && takes(p, 'u')) {
		second = take_unit(p);
		if (second >= 0xdc00 && second <= 0xdfff)
			return put_utf8(to, 0x10000U + ((unsigned)(unit - 0xd800) << 10) +
						    (unsigned)(second - 0xdc00));
	}
	p->at = behind;
	return put_utf8(to, 0xfffd);
}

/* Behind a backslash. */
static char *take_escape(struct parser *p, char *to)
{
	static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *which = p->at < p->end && *p->at ? strchr(from, *p->at) : NULL;

	if (which) {
		p->at++;
		*to = meant[which - from];
		return to + 1;
	}
	if (takes(p, 'u'))
		return take_unicode(p, to);
	fail(p, "there is no such escape");
	return NULL;
}

/* Where the string that begins here ends: at its second quotation mark. What it means is never
 * longer. */
static const char *find_quote(struct parser *p, bool *escapes)
{
	const char *s = p->at;

	*escapes = false;
	while (s < p->end && *s != '"') {
		if ((unsigned char)*s < 0x20) {
			p->at = s;
			fail(p, "a string has a control character in it");
			return NULL;
		}
		if (*s == '\\') {
			*escapes = true;
			s += p->end - s > 1;
		}
		s++;
	}
	if (s < p->end)
		return s;
	p->at = p->end;
	fail(p, "the JSON text ends too early");
	return NULL;
}

static bool take_string(struct parser *p, const char **out, uint32_t *len)
{
	const char *close;
	char *to, *start;
	bool escapes;

	if (!takes(p, '"'))
		return fail(p, p->at < p->end ? "a string should be here"
					      : "the JSON text ends too early");
	close = find_quote(p, &escapes);
	if (!close)
		return false;
	start = to = arena_alloc(p->a, (size_t)(close - p->at) + 1);
	if (!to)
		return fail(p, NULL);
	while (p->at < close) {
		const char *slash = escapes ? memchr(p->at, '\\', (size_t)(close - p->at)) : NULL;
		size_t plain = (size_t)((slash ? slash : close) - p->at);

		memcpy(to, p->at, plain);
		to += plain;
		p->at += plain;
		if (takes(p, '\\') && !(to = take_escape(p, to)))
			return false;
	}
	p->at++;
	*out = start;
	*len = (uint32_t)(to - start);
	return true;
}

/* ---- numbers and words ---- */

static void skip_digits(struct parser *p)
{
	while (p->at < p->end && is_digit(*p->at))
		p->at++;
}

/* Digits must be here, and are passed over. */
static bool need_digits(struct parser *p)
{
	const char *start = p->at;

	skip_digits(p);
	return p->at > start || fail(p, "a number lacks a digit");
}

/* The digits from `s`, or the largest number. */
static uint64_t whole(const char *s, const char *end)
{
	uint64_t n = 0;

	for (; s < end; s++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return UINT64_MAX;
	return n;
}

static void set_whole(struct json *v, const char *digits, const char *end)
{
	uint64_t n = whole(digits, end);

	v->kind = JSON_INT;
	v->negative = *v->raw == '-' && n > 0;
	if (v->negative)
		n = n > (uint64_t)INT64_MAX ? (uint64_t)INT64_MIN : -n;
	v->number = n;
}

static bool set_fraction(struct parser *p, struct json *v)
{
	char copy[NUMBER_MAX];
	size_t len = (size_t)(p->at - v->raw);

	if (len >= sizeof(copy))
		return fail(p, "a number is too long");
	memcpy(copy, v->raw, len);
	copy[len] = '\0';
	v->kind = JSON_FRACTION;
	v->fraction = strtod(copy, NULL);
	return true;
}

static bool take_number(struct parser *p, struct json *v)
{
	const char *digits, *end;

	takes(p, '-');
	digits = p->at;
	if (!need_digits(p))
		return false;
	end = p->at;
	if (*digits == '0' && end - digits > 1) {
		p->at = digits;
		return fail(p, "a number has zeros before it");
	}
	if (takes(p, '.') && !need_digits(p))
		return false;
	if (sees(p, 'e') || sees(p, 'E')) {
		p->at++;
		if (!takes(p, '+'))
			takes(p, '-');
		if (!need_digits(p))
			return false;
	}
	if (p->at > end)
		return set_fraction(p, v);
	set_whole(v, digits, end);
	return true;
}

static bool takes_word(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(p->end - p->at) < len || memcmp(p->at, word, len) != 0)
		return false;
	p->at += len;
	return true;
}

static bool take_word(struct parser *p, struct json *v)
{
	if (takes_word(p, "null"))
		return true;
	v->kind = JSON_BOOL;
	v->yes = takes_word(p, "true");
	return v->yes || takes_word(p, "false") ||
	       fail(p, p->at < p->end ? "a value should be here" : "the JSON text ends too early");
}

/* ---- members with one name ---- */

static int by_name(const void *a, const void *b)
{
	const struct json *x = *(struct json *const *)a, *y = *(struct json *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->nth > y->nth) - (x->nth < y->nth);
}

static bool repeats(const struct json *o)
{
	for (const struct json *m = o->first; m; m = m->next)
		for (const struct json *n = m->next; n; n = n->next)
			if (*m->key == *n->key && strcmp(m->key, n->key) == 0)
				return true;
	return false;
}

/* Leaves those members in `o` that still have a name. */
static void drop_nameless(struct json *o)
{
	struct json **m = &o->first;

	o->len = 0;
	while (*m) {
		if (!(*m)->key) {
			*m = (*m)->next;
			continue;
		}
		(*m)->nth = o->len++;
		m = &(*m)->next;
	}
}

/* Takes those out of `o` whose name comes again, so that who asks for a name gets one answer. */
static bool drop_repeated(struct parser *p, struct json *o)
{
	struct json **all;
	size_t n = 0;

	if (o->len <= FEW && !repeats(o))
		return true;
	all = arena_alloc(p->a, o->len * sizeof(struct json *));
	if (!all)
		return fail(p, NULL);
	for (struct json *m = o->first; m; m = m->next)
		all[n++] = m;
	qsort(all, n, sizeof(struct json *), by_name);
	for (size_t i = 0; i + 1 < n; i++)
		if (strcmp(all[i]->key, all[i + 1]->key) == 0)
			all[i]->key = NULL;
	drop_nameless(o);
	return true;
}

/* ---- values ---- */

static struct open *innermost(struct parser *p)
{
	return p->depth ? &p->open[p->depth - 1] : NULL;
}

/* "name": before a member's value. */
static bool take_name(struct parser *p, struct json *v)
{
	uint32_t len;

	skip_blanks(p);
	v->name = p->at;
	if (!take_string(p, &v->key, &len))
		return false;
	if (strlen(v->key) != len)
		return fail(p, "a name has a zero byte in it");
	skip_blanks(p);
	return takes(p, ':') || fail(p, p->at < p->end ? "there is no colon behind the name"
						       : "the JSON text ends too early");
}

static struct json *begin_value(struct parser *p, struct open *in)
{
	struct json *v = arena_alloc(p->a, sizeof(*v));

	if (!v) {
		fail(p, NULL);
		return NULL;
	}
	if (in && in->value->kind == JSON_OBJECT && !take_name(p, v))
		return NULL;
	skip_blanks(p);
	v->raw = p->at;
	if (in) {
		v->nth = in->value->len++;
		*in->end = v;
		in->end = &v->next;
	}
	return v;
}

static bool end_value(struct parser *p, struct json *v)
{
	v->raw_len = (uint32_t)(p->at - v->raw);
	return v->kind != JSON_OBJECT || drop_repeated(p, v);
}

static bool open_value(struct parser *p, struct json *v)
{
	if (p->depth == p->depth_max)
		return fail(p, "values are nested too deeply");
	v->kind = *p->at++ == '{' ? JSON_OBJECT : JSON_LIST;
	p->open[p->depth++] = (struct open){ v, &v->first };
	return true;
}

/* A value, or its beginning if others are in it. */
static bool take_value(struct parser *p, struct json *v)
{
	bool done;

	if (sees(p, '{') || sees(p, '['))
		return open_value(p, v);
	if (sees(p, '"')) {
		v->kind = JSON_STRING;
		done = take_string(p, &v->string, &v->len);
	} else if (p->at < p->end && (*p->at == '-' || is_digit(*p->at))) {
		done = take_number(p, v);
	} else {
		done = take_word(p, v);
	}
	return done && end_value(p, v);
}

static bool closes(struct parser *p, const struct json *v)
{
	skip_blanks(p);
	return takes(p, v->kind == JSON_OBJECT ? '}' : ']');
}

/* Behind a value, or behind an opening bracket: closes what ends here. `*more`: another value
 * follows. */
static bool take_ends(struct parser *p, bool *more)
{
	*more = false;
	for (struct open *in = innermost(p); in; in = innermost(p)) {
		bool is_empty = in->value->len == 0;

		if (!closes(p, in->value)) {
			*more = is_empty || takes(p, ',');
			return *more ||
			       fail(p, p->at < p->end ? "a comma or a bracket should be here"
						      : "the JSON text ends too early");
		}
		p->depth--;
		if (!end_value(p, in->value))
			return false;
	}
	return true;
}

struct json *json_parse(struct arena *a, const char *text, size_t len, unsigned depth,
			struct json_fault *fault)
{
	struct parser p = {
		.a = a,
		.text = text,
		.at = text,
		.end = text + len,
		.fault = fault,
		.depth_max = MIN(depth, (unsigned)JSON_DEPTH_MAX),
	};
	struct json *top = NULL;
	bool more = true;

	if (len > INT32_MAX) {
		fail(&p, "the text is too long");
		return NULL;
	}
	while (more) {
		struct json *v = begin_value(&p, innermost(&p));

		if (!top)
			top = v;
		if (!v || !take_value(&p, v) || !take_ends(&p, &more))
			return NULL;
	}
	skip_blanks(&p);
	if (p.at < p.end) {
		fail(&p, "there is text behind the end");
		return NULL;
	}
	return top;
}

/* ---- what is asked of a tree ---- */

const char *json_kind_words(enum json_kind kind)
{
	static const char *const words[] = {
		[JSON_NULL] = "null",        [JSON_BOOL] = "true or false",
		[JSON_INT] = "a number",     [JSON_FRACTION] = "a fraction",
		[JSON_STRING] = "a string",  [JSON_LIST] = "a list",
		[JSON_OBJECT] = "an object",
	};

	return words[kind];
}

const struct json *json_member(const struct json *o, const char *key)
{
	if (!json_is(o, JSON_OBJECT))
		return NULL;
	json_each(m, o)
		if (str_eq(m->key, key))
			return m;
	return NULL;
}

const struct json *json_get(const struct json *o, const char *key)
{
	const struct json *v = json_member(o, key);

	return json_is(v, JSON_NULL) ? NULL : v;
}

/* How many bytes the character that begins with `c` has; 0: none begins so. */
static size_t utf8_len(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* Longer than it need be, half of a pair, or beyond the last: by the first two bytes. */
static bool is_misused(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
}

size_t json_not_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_len(s[i]);
		if (n == 0 || n > len - i || (n > 1 && is_misused(s[i], s[i + 1])))
			return i + 1;
		for (size_t k = 1; k < n; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return i + 1;
	}
	return 0;
}
