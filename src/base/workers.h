/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that is shared by a few threads: to look at very many things, most of whose price is the
 * kernel's. */
#pragma once

#include <stddef.h>

#define WORKERS_MAX 8

/* How many threads do `n` things best, of which `each` pay for one thread more: 1 to WORKERS_MAX.
 */
unsigned workers_for(size_t n, size_t each);

/*
 * Calls act() for each of the `n` elements of `workers`, of `size` bytes, all at once: the first on
 * the caller's thread. One for which there is no thread has its turn when the first has ended.
 * Returns when all have.
 */
void workers_run(void *workers, size_t size, unsigned n, void *(*act)(void *worker));
