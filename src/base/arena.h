/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is given back all at once: what belongs to one spec lives in one arena, and nobody
 * frees a piece. Every function returns NULL when memory is out.
 */
#pragma once

#include <stddef.h>

#include "base/macro.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);
void arena_done(struct arena **a);
#define _cleanup_arena_ __attribute__((cleanup(arena_done)))
void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Makes room for one more element behind `*n` elements of `size` bytes and returns the new, zeroed
 * element; doubles as it grows. `*items` may move.
 */
void *arena_push(struct arena *a, void *items, size_t *n, size_t size);
