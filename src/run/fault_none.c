/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fault injection in builds that people use: none. Its other half is fault.c. */
#include "run/fault.h"
#include "run/run.h"

void fault_setup(struct run *r, char *const *environ)
{
	(void)r, (void)environ;
}

const char *fault_text(const struct run *r)
{
	(void)r;
	return NULL;
}

void fault_asked(void)
{
}

int fault_hit(const struct run *r, const struct step *s, size_t item)
{
	(void)r, (void)s, (void)item;
	return 0;
}

const char *fault_resctrl(void)
{
	return NULL;
}

int fault_point(const char *name)
{
	(void)name;
	return 0;
}
