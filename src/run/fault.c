/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fault injection, in test builds only (meson -Dfault=true):
 *
 *	HOLM_FAULT=STEP[#ITEM]:fail      the step fails with EIO
 *	HOLM_FAULT=STEP[#ITEM]:kill      whoever runs the step is killed there
 *	HOLM_FAULT=STEP[#ITEM]:parent    the parent is killed while the step is run
 *
 * What is no step of the table, but done to networks, has points (run/fault.h): net_fault.c.
 */
#include <string.h>

#include "run/run.h"
#include "sys/process.h"

enum { FAULT_NONE, FAULT_FAIL, FAULT_KILL, FAULT_PARENT };

static char wanted[64], text[80];

/* Runs in the init as well, which has no libc. */
void fault_setup(struct run *r, char *const *environ)
{
	static const char *const actions[] = { "", "fail", "kill", "parent" };
	char *colon, *item;

	while (*environ && strncmp(*environ, "HOLM_FAULT=", 11) != 0)
		environ++;
	if (!*environ || strlen(*environ) >= sizeof(text) - 1)
		return;
	memcpy(text, *environ, strlen(*environ) + 1);
	fs_put_str(wanted, wanted + sizeof(wanted), text + 11);
	colon = strchr(wanted, ':');
	if (!colon)
		return;
	*colon = 0;
	for (int i = FAULT_FAIL; i <= FAULT_PARENT; i++)
		if (strncmp(colon + 1, actions[i], 8) == 0)
			r->fault.action = i;
	item = strchr(wanted, '#');
	r->fault.item = 0;
	if (item) {
		*item++ = 0;
		while (*item)
			r->fault.item = r->fault.item * 10 + (unsigned)(*item++ - '0');
	}
	r->fault.step = wanted;
}

const char *fault_text(const struct run *r)
{
	return r->fault.step ? text : NULL;
}

static bool same(const char *a, const char *b)
{
	return strncmp(a, b, 64) == 0;
}

void fault_asked(void)
{
	sys_kill(sys_getpid(), SIGKILL);
}

int fault_hit(const struct run *r, const struct step *s, size_t item)
{
	struct timespec nap = { 0, 50000000 };

	if (!r->fault.step || r->fault.item != item || !same(r->fault.step, s->name))
		return 0;
	switch (r->fault.action) {
	case FAULT_FAIL:
		return -EIO;
	case FAULT_KILL:
		/* pid 1 is immune to a signal that it sends itself; its parent sees a death. */
		sys_kill(sys_getpid(), SIGKILL);
		sys_exit(137);
	case FAULT_PARENT:
		if (s->stage == STAGE_HOST || s->stage == STAGE_CLONE || s->stage == STAGE_LINK ||
		    s->stage == STAGE_LAUNCH || s->stage == STAGE_LIVE)
			sys_kill(sys_getpid(), SIGKILL);
		/* No signal leads out of a pid namespace: the parent is asked to do it itself. */
		sys_write(r->report_fd[1], "K", 1);
		RAW2(SYS_nanosleep, &nap, NULL); /* let it die before we go on */
		return 0;
	default:
		return 0;
	}
}
