/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boxes that are prepared ahead: namespaces, cgroup, root and mounts are there, and the init waits
 * for its command. Each is used once. Nothing that ever ran a job, nor a file system that one could
 * write to, is used again.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "judge/judge.h"

struct pool {
	const struct holm_spec *base;
	struct holm_spec *spec; /* of the boxes: as the base, without a command */
	unsigned size, n;
	struct holm_box *boxes[];
};

struct pool *pool_new(const struct holm_spec *base, unsigned size)
{
	struct pool *p = calloc(1, sizeof(*p) + size * sizeof(struct holm_box *));

	if (!p)
		return NULL;
	p->base = base;
	p->size = size;
	p->spec = spec_like(base);
	if (p->spec)
		return p;
	free(p);
	return NULL;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	while (p->n)
		holm_free(p->boxes[--p->n]);
	holm_spec_free(p->spec);
	free(p);
}

bool pool_is_full(const struct pool *p)
{
	return !p || p->n == p->size;
}

/* What cannot be prepared cannot be started either: the job will say why. */
void pool_fill(struct pool *p)
{
	struct holm_box *box;

	if (!pool_is_full(p) && holm_prepare(p->spec, &box) == 0)
		p->boxes[p->n++] = box;
}

static unsigned flags_of(const char *name)
{
	struct holm_field f;

	for (size_t i = 0; holm_field(i, &f) == 0; i++)
		if (str_eq(f.name, name))
			return f.flags;
	return HOLM_FIELD_LATE; /* the command */
}

static bool next_of_shape(const struct holm_spec *spec, size_t *at, const char **field,
			  const char **value)
{
	while (holm_spec_entry(spec, (*at)++, field, value) == 0)
		if (!(flags_of(*field) & HOLM_FIELD_LATE))
			return true;
	return false;
}

/* holm_launch() would say so too, but only when the job's files are in the box. */
static bool fits(const struct pool *p, const struct holm_spec *spec)
{
	size_t at_a = 0, at_b = 0;
	const char *field_a, *value_a, *field_b, *value_b;

	for (;;) {
		bool more_a = next_of_shape(p->spec, &at_a, &field_a, &value_a);
		bool more_b = next_of_shape(spec, &at_b, &field_b, &value_b);

		if (!more_a || !more_b)
			return more_a == more_b;
		if (!str_eq(field_a, field_b) || !str_eq(value_a, value_b))
			return false;
	}
}

struct holm_box *pool_take(struct pool *p, const struct holm_spec *spec)
{
	if (!p || !p->n || !fits(p, spec))
		return NULL;
	return p->boxes[--p->n];
}
