/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* What was freed goes back to the kernel. musl gives it back by itself. */
static inline void sys_give_heap_back(void)
{
#if defined(__GLIBC__)
	malloc_trim(0);
#endif
}
