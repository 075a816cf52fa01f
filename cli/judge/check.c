/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the output the expected one?
 *
 *	exact    byte for byte
 *	tokens   the same words, whatever blanks are between them
 *	floats   as tokens, but words that are numbers may differ by the tolerance, absolute or
 *		 relative to the expected one
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"

const char *const checker_names[CHECKERS] = {
	[CHECK_EXACT] = "exact",
	[CHECK_TOKENS] = "tokens",
	[CHECK_FLOATS] = "floats",
};

struct reader {
	struct text text;
	size_t at;
	unsigned line;
	struct text word;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word; false at the end. */
static bool next_word(struct reader *r)
{
	size_t start;

	while (r->at < r->text.len && is_blank(r->text.data[r->at]))
		r->line += r->text.data[r->at++] == '\n';
	start = r->at;
	while (r->at < r->text.len && !is_blank(r->text.data[r->at]))
		r->at++;
	r->word = (struct text){ r->text.data + start, r->at - start };
	return r->word.len > 0;
}

static bool same_text(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Decimal numbers alone: neither hexadecimal, nor words that mean one. */
static bool read_number(struct text word, double *out)
{
	char copy[64], *end;

	if (word.len == 0 || word.len >= sizeof(copy))
		return false;
	memcpy(copy, word.data, word.len);
	copy[word.len] = 0;
	if (strspn(copy, "+-.0123456789eE") != word.len)
		return false;
	*out = strtod(copy, &end);
	return *end == 0 && isfinite(*out);
}

static bool close_enough(struct text expected, struct text got, double tolerance)
{
	double a, b, far;

	if (!read_number(expected, &a) || !read_number(got, &b))
		return false;
	far = fabs(a - b);
	return far <= tolerance || far <= tolerance * fabs(a);
}

static int shown(struct text t)
{
	return (int)(t.len < 40 ? t.len : 40);
}

static bool check_words(enum checker c, double tolerance, struct text expected, struct text got,
			char detail[200])
{
	struct reader a = { .text = expected, .line = 1 }, b = { .text = got, .line = 1 };

	for (;;) {
		bool more_a = next_word(&a), more_b = next_word(&b);

		if (!more_a && !more_b)
			return true;
		if (!more_a)
			snprintf(detail, 200, "line %u: \"%.*s\" is too much", b.line,
				 shown(b.word), b.word.data);
		else if (!more_b)
			snprintf(detail, 200, "the end came where \"%.*s\" was expected",
				 shown(a.word), a.word.data);
		else if (same_text(a.word, b.word) ||
			 (c == CHECK_FLOATS && close_enough(a.word, b.word, tolerance)))
			continue;
		else
			snprintf(detail, 200, "line %u: expected \"%.*s\", got \"%.*s\"", b.line,
				 shown(a.word), a.word.data, shown(b.word), b.word.data);
		return false;
	}
}

static bool check_bytes(struct text expected, struct text got, char detail[200])
{
	size_t at = 0, line = 1, column = 1;

	if (same_text(expected, got))
		return true;
	while (at < expected.len && at < got.len && expected.data[at] == got.data[at]) {
		column = got.data[at] == '\n' ? 1 : column + 1;
		line += got.data[at++] == '\n';
	}
	snprintf(detail, 200, "byte %zu, line %zu, column %zu: %s", at, line, column,
		 at == got.len        ? "the end came too early"
		 : at == expected.len ? "there is more than was expected"
				      : "this is where they differ");
	return false;
}

bool check_texts(enum checker c, double tolerance, struct text expected, struct text got,
		 char detail[200])
{
	*detail = 0;
	return c == CHECK_EXACT ? check_bytes(expected, got, detail)
				: check_words(c, tolerance, expected, got, detail);
}

/* False: the program has not made it, and that is its answer. */
static bool find_answer(const struct job *job, const struct result *r, struct text *out)
{
	*out = r->out;
	if (!job->expect.of)
		return true;
	for (size_t i = 0; i < r->files.n; i++) {
		if (strcmp(r->files.items[i].file->name, job->expect.of) != 0)
			continue;
		*out = r->files.items[i].text;
		return !*r->files.items[i].error;
	}
	return false;
}

void check_answer(const struct job *job, struct result *r)
{
	const struct expectation *x = &job->expect;
	struct text expected, got;
	struct err e = { 0 };

	if (!x->what.given || r->verdict.kind != HOLM_VERDICT_OK)
		return;
	if (source_read(&x->what, job->arena, "expect", &expected, &e) < 0) {
		r->answer = ANSWER_UNKNOWN;
		snprintf(r->answer_detail, sizeof(r->answer_detail), "%.190s", e.text);
		return;
	}
	r->answer = ANSWER_WRONG;
	if (!find_answer(job, r, &got))
		snprintf(r->answer_detail, sizeof(r->answer_detail), "%.100s: is not there", x->of);
	else if (check_texts(x->checker, x->tolerance, expected, got, r->answer_detail))
		r->answer = ANSWER_RIGHT;
}
