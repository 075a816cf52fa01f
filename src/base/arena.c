/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 65536
#define CHUNK_MAX  (1024 * 1024) /* they grow */
#define ALIGNMENT  16

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(ALIGNMENT) unsigned char data[];
};

struct arena {
	struct chunk *head;
};

struct arena *arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->head) {
		struct chunk *c = a->head;

		a->head = c->next;
		free(c);
	}
	free(a);
}

void arena_done(struct arena **a)
{
	arena_free(*a);
}

static struct chunk *chunk_add(struct arena *a, size_t need)
{
	size_t next = a->head ? MIN(2 * a->head->size, (size_t)CHUNK_MAX) : CHUNK_SIZE;
	size_t size = MAX(need, next);
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c)
		return NULL;
	c->size = size;
	c->next = a->head;
	a->head = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct chunk *c = a->head;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!c || c->size - c->used < size)
		c = chunk_add(a, size);
	if (!c)
		return NULL;
	p = c->data + c->used;
	c->used += size;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (p)
		memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len >= 0)
		p = arena_alloc(a, (size_t)len + 1);
	if (p)
		vsnprintf(p, (size_t)len + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

void *arena_push(struct arena *a, void *items, size_t *n, size_t size)
{
	/* The capacity is the next power of two, from 4: it follows from *n, so nobody stores it.
	 */
	bool full = *n == 0 || (*n >= 4 && (*n & (*n - 1)) == 0);
	char **slot = items;

	if (full) {
		size_t room = *n ? *n * 2 : 4;
		char *bigger = arena_alloc(a, room * size);

		if (!bigger)
			return NULL;
		if (*n)
			memcpy(bigger, *slot, *n * size);
		*slot = bigger;
	}
	return *slot + (*n)++ * size;
}
