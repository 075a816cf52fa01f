/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* v2: controllers are switched on for the cgroups below, from the top down. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cg/driver.h"

static void put_names(unsigned bits, char *out, size_t room)
{
	size_t len = 0;

	out[0] = 0;
	for (unsigned i = 0; i < CG_CONTROLLERS; i++) {
		if (!(bits & CG_BIT(i)))
			continue;
		len += (size_t)snprintf(out + len, room - len, "%s+%s", len ? " " : "",
					cg_controller_name(i, true));
		if (len >= room)
			return;
	}
}

/* Those of `wanted` that `file` of the cgroup names. */
static unsigned controllers_in(struct cg_dir *d, const char *file, unsigned wanted)
{
	char text[256], name[32];
	unsigned bits = 0;

	if (cg_read(d, file, text + 1, sizeof(text) - 2) < 0)
		return 0;
	text[0] = ' ';
	strcat(text, " ");
	for (unsigned i = 0; i < CG_CONTROLLERS; i++) {
		snprintf(name, sizeof(name), " %s ", cg_controller_name(i, true));
		if ((wanted & CG_BIT(i)) && strstr(text, name))
			bits |= CG_BIT(i);
	}
	return bits;
}

static unsigned controllers_of(struct cg_dir *d, unsigned wanted)
{
	return controllers_in(d, "cgroup.controllers", wanted);
}

/*
 * Those that count threads may be switched on in a cgroup with processes too. But then it becomes
 * the root of a threaded subtree, and no process can enter the cgroups below it as a whole.
 */
#define THREADED (CG_BIT(CG_CPU) | CG_BIT(CG_CPUSET) | CG_BIT(CG_PIDS) | CG_BIT(CG_PERF_EVENT))

/* The root of all alone has no type, and may have both processes and children. */
static bool holds_processes(struct cg_dir *d)
{
	char text[32];

	return cg_read(d, "cgroup.type", text, sizeof(text)) > 0 &&
	       cg_read(d, "cgroup.procs", text, sizeof(text)) > 0;
}

/*
 * All at once; where that fails, one by one, because one refusal refuses them all. Above a subtree
 * that was delegated nothing may be written, and need not be if it is switched on there.
 */
static int enable_in(const char *path, unsigned bits, unsigned needed)
{
	struct cg_dir d = { .path = path, .fd = -1 };
	unsigned offered, on;
	char text[256];
	int r, failed = 0;

	put_names(bits, text, sizeof(text));
	r = (bits & ~THREADED) || !holds_processes(&d)
		    ? cg_write(&d, "cgroup.subtree_control", text)
		    : -EBUSY;
	if (r == 0)
		return 0;
	on = controllers_in(&d, "cgroup.subtree_control", bits);
	offered = controllers_of(&d, bits) & ~on;
	if (cg_is_refusal(r) || r == -EBUSY)
		return offered & needed ? r : 0;
	for (unsigned i = 0; i < CG_CONTROLLERS; i++) {
		int one;

		if (!(offered & CG_BIT(i)))
			continue;
		put_names(CG_BIT(i), text, sizeof(text));
		one = cg_write(&d, "cgroup.subtree_control", text);
		if (one < 0 && (needed & CG_BIT(i)))
			failed = one;
	}
	return failed;
}

static int say_enable(const char *path, unsigned missing, int r, struct err *e)
{
	char names[256];

	put_names(missing, names, sizeof(names));
	if (r == 0)
		return err_set(e, ENOENT,
			       "cgroup %s: the limits need %s, which cgroup.controllers does not "
			       "offer here",
			       path, names);
	err_errno(e, -r, "cgroup %s: cannot switch on %s for cgroups below it", path, names);
	if (r == -EBUSY)
		err_append(e, "; it holds processes itself, and on cgroup v2 only leaves may: "
			      "move them into a cgroup of their own, or choose a path elsewhere");
	else if (cg_is_refusal(r))
		err_append(e, CG_NEEDS_DELEGATION);
	return r;
}

int cg_enable(struct cg_dir *d, const struct cg_enable *w, struct err *e)
{
	unsigned switched = w->of_unit ? w->needed : w->wanted;
	char *path = (char *)d->path, *failed_at = NULL;
	int failed = 0;

	d->controllers = w->seen ? controllers_of(d, w->seen) : 0;
	if (w->of_unit)
		switched &= ~d->controllers;
	if (!(switched & ~d->controllers))
		return 0;
	for (char *end = path + d->mount_len; end; end = strchr(end + 1, '/')) {
		int r;

		*end = 0;
		r = enable_in(path, switched, w->needed);
		*end = '/';
		if (r < 0 && !failed_at) {
			failed_at = end;
			failed = r;
		}
	}
	d->controllers = controllers_of(d, w->seen);
	if (w->best_effort || !(w->needed & ~d->controllers))
		return 0;
	if (failed_at)
		*failed_at = 0;
	failed = say_enable(path, w->needed & ~d->controllers, failed, e);
	if (failed_at)
		*failed_at = '/';
	return failed;
}
