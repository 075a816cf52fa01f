/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

void spans_done(struct spans *s)
{
	free(s->items);
	s->items = NULL;
	s->n = 0;
}

bool span_next(uint8_t *number, size_t len)
{
	while (len-- > 0)
		if (++number[len])
			return true;
	return false;
}

bool span_before(uint8_t *number, size_t len)
{
	while (len-- > 0)
		if (number[len]--)
			return true;
	return false;
}

void spans_add(struct spans *s, const uint8_t *first, const uint8_t *last)
{
	struct span *more = reallocarray(s->items, s->n + 1, sizeof(*more));

	if (!more) {
		s->failed = true;
		return;
	}
	s->items = more;
	more += s->n++;
	memcpy(more->first, first, s->len);
	memcpy(more->last, last, s->len);
	s->unsorted = true;
}

void spans_add_net(struct spans *s, const struct ip_net *net)
{
	struct ip_net base = ip_net_base(net);
	uint8_t last[16];

	memcpy(last, base.ip.bytes, sizeof(last));
	for (unsigned bit = net->prefix; bit < 8U * s->len; bit++)
		last[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	spans_add(s, base.ip.bytes, last);
}

static int by_first_4(const void *a, const void *b)
{
	return memcmp(a, b, 4);
}

static int by_first_16(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* Does `b`, which begins no earlier, begin within `a` or right behind it? */
static bool touches(const struct span *a, const struct span *b, size_t len)
{
	uint8_t behind[16];

	memcpy(behind, a->last, len);
	return !span_next(behind, len) || memcmp(b->first, behind, len) <= 0;
}

void spans_tidy(struct spans *s)
{
	size_t kept = 0;

	if (!s->unsorted || s->failed)
		return;
	qsort(s->items, s->n, sizeof(*s->items), s->len == 16 ? by_first_16 : by_first_4);
	for (size_t i = 1; i < s->n; i++) {
		struct span *last = &s->items[kept];

		if (!touches(last, &s->items[i], s->len))
			s->items[++kept] = s->items[i];
		else if (memcmp(s->items[i].last, last->last, s->len) > 0)
			memcpy(last->last, s->items[i].last, s->len);
	}
	s->n = s->n ? kept + 1 : 0;
	s->unsorted = false;
}

/* What is left of `a` in front of `hole`; and `a` becomes what is left behind it. */
static bool cut(struct span *a, const struct span *hole, size_t len, struct spans *out)
{
	uint8_t before[16];

	if (memcmp(hole->last, a->first, len) < 0 || memcmp(hole->first, a->last, len) > 0)
		return true;
	memcpy(before, hole->first, len);
	if (memcmp(a->first, hole->first, len) < 0 && span_before(before, len))
		spans_add(out, a->first, before);
	if (memcmp(hole->last, a->last, len) >= 0)
		return false;
	memcpy(a->first, hole->last, len);
	return span_next(a->first, len);
}

void spans_without(struct spans *s, const struct spans *other)
{
	struct spans out = { .len = s->len, .failed = s->failed };

	for (size_t i = 0; i < s->n; i++) {
		struct span a = s->items[i];
		bool left = true;

		for (size_t k = 0; left && k < other->n; k++)
			left = cut(&a, &other->items[k], s->len, &out);
		if (left)
			spans_add(&out, a.first, a.last);
	}
	spans_done(s);
	*s = out;
	s->unsorted = false; /* in order as they were cut */
}
