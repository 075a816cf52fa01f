/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a box is watched from outside: its time, its output, what its filter forbids. */
#include <errno.h>

#include "base/str.h"
#include "spec/spec.h"

/*
 * Processor time is counted by a cgroup where there may be one. By the clocks of the processes it
 * can be counted too, but for children that nobody waits for.
 */
static bool counts_time(const struct watch_wish *w)
{
	return w->judge || w->time_ns.hard || w->idle_ns.hard;
}

static int check_denied(struct spec *s, struct err *e)
{
	if (s->watch.denied == DENIED_ERRNO)
		return 0;
	if (!s->filter)
		return err_set(e, EINVAL,
			       "seccomp-action: without a filter nothing is forbidden; "
			       "leave out --seccomp none");
	s->d.listens = true;
	return 0;
}

/* Before check_limits(), which makes the cgroup that is wanted here. */
int check_watch(struct spec *s, const struct facts *f, struct err *e)
{
	const struct watch_wish *w = &s->watch;
	struct decided *d = &s->d;

	(void)f;
	d->collect = w->output_bytes.hard > 0;
	d->watched = w->judge || w->time_ns.hard || w->wall_ns.hard || w->idle_ns.hard ||
		     d->collect || w->denied != DENIED_ERRNO;
	if (!d->watched)
		return 0;
	if (s->as_pid1)
		return err_set(e, EINVAL,
			       "as-pid1: what ends a box (--time, --wall, --idle, --output, "
			       "--seccomp-action, --judge) needs holm's init, which as-pid1 "
			       "replaces");
	if (d->collect && s->pty == TRI_YES)
		return err_set(e, EINVAL,
			       "output: what is written to a terminal is not counted; "
			       "leave out --pty yes");
	s->limits.account |= counts_time(w);
	return check_denied(s, e);
}
