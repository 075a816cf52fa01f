/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Of a caller whose standard descriptors are closed, or end at an exec. While a box is made the
 * numbers of those that are closed are taken, so that none of our channels comes to lie there; and
 * C puts /dev/null where the command, and the init before it, would have nothing.
 */
#pragma once

struct stdio_guard {
	unsigned lacking; /* a bit for each: what the box would not have */
	unsigned taken;   /* what we have opened: the caller's again afterwards */
	int null_fd;      /* -1: nothing is lacking */
};

#define STDIO_GUARD_INIT                    \
	{                                   \
		.lacking = 0, .null_fd = -1 \
	}

int stdio_guard(struct stdio_guard *g);
void stdio_guard_end(struct stdio_guard *g);
