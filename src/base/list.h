/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* A list in an arena; grown by arena_push. */
#define LIST(type)           \
	struct {             \
		type *items; \
		size_t n;    \
	}

typedef LIST(const char *) strings;
