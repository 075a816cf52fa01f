/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files that tell facts share. */
#pragma once

#include "see/see.h"

struct facts_out {
	struct see_world *world;
	see_fact_fn *fn;
	void *arg;
	int result; /* after the first that is not 0 nothing more is said */
};

int facts_say(struct facts_out *o, const char *section, const char *name, const char *value,
	      const char *words);
int facts_sayf(struct facts_out *o, const char *section, const char *name, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void facts_maps(struct facts_out *o, const char *proc); /* "4711": below /proc */
void facts_mounts(struct facts_out *o, const struct see_process *p);
void facts_net(struct facts_out *o, const struct see_ns *n);
void facts_uts(struct facts_out *o, const struct see_ns *n);
