/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of numbers of a fixed length in network order (addresses, ports), as stretches from-to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

struct span {
	uint8_t first[16], last[16]; /* both are in it */
};

struct spans {
	struct span *items;
	size_t n;
	uint8_t len;   /* bytes of a number */
	bool unsorted; /* something was added since spans_tidy() */
	bool failed;   /* memory was out */
};

void spans_done(struct spans *s);
void spans_add(struct spans *s, const uint8_t *first, const uint8_t *last);
void spans_add_net(struct spans *s, const struct ip_net *net);
/* Sorts them, and makes one of those that touch. */
void spans_tidy(struct spans *s);
/* Takes all of `other` away; both are tidy, and so is what is left. */
void spans_without(struct spans *s, const struct spans *other);
/* One on, or back. false: there is none. */
bool span_next(uint8_t *number, size_t len);
bool span_before(uint8_t *number, size_t len);
