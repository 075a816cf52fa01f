/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.intelRdt. P makes the group, under the lock of resctrl, and writes the pid of the first
 * process into it as soon as it knows that; only then it lets go of the lock, so that nobody takes
 * the group for one that is not used. The kernel counts the pid in the pid namespace of who writes,
 * which is P's, and whatever the process clones from then on is in the group as well. Nothing of
 * the container has run by then: its hooks and its command wait for a word of P's that comes later.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cg/rdt.h"
#include "run/fault.h"
#include "run/run.h"
#include "state/state.h"

int resctrl_open(struct err *e)
{
	return rdt_open(fault_resctrl(), e);
}

size_t want_rdt(const struct run *r)
{
	return r->d->rdt && r->d->rdt->make != RDT_ONLY_JOIN;
}

size_t want_rdt_join(const struct run *r)
{
	return r->d->rdt != NULL;
}

static int tell(struct run *r, const struct rdt_wish *w, bool made)
{
	const struct keeper *k = r->keeper;
	int code = k->rdt ? k->rdt(k->arg, w, made, r->err) : 0;

	r->rdt_told = code == 0 && w;
	return code;
}

/* Of one that is there. */
static int check_present(struct run *r, const struct rdt_wish *w)
{
	int code = 0;

	if (w->make == RDT_NEW)
		return err_set(r->err, EEXIST,
			       "linux.intelRdt: there is a group \"%.64s\" already, which is not "
			       "this container's (to share it, name it as closID)",
			       w->group);
	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(w->schemata) && w->schemata[i]; i++)
		code = rdt_compare(r->rdt_fd, w->group, w->schemata[i], i ? NULL : w->schemata[1],
				   r->err);
	if (code == 0 && w->monitor)
		code = rdt_exists(r->rdt_fd, w->group, w->monitor, r->err);
	if (code > 0)
		return err_set(
			r->err, EEXIST,
			"linux.intelRdt: in \"%.64s\" there is a group \"%.64s\" that counts "
			"already, which is not this container's",
			w->group, w->monitor);
	return code;
}

static int make(struct run *r, const struct rdt_wish *w, bool present)
{
	int code = fault_point("rdt-told");

	if (code == 0 && !present)
		code = rdt_make(r->rdt_fd, w->group, NULL, r->err);
	r->rdt_group_made = code == 0 && !present;
	if (code == 0)
		code = fault_point("rdt-made");
	for (size_t i = 0; code == 0 && !present && i < ARRAY_SIZE(w->schemata) && w->schemata[i];
	     i++)
		code = rdt_set(r->rdt_fd, w->group, w->schemata[i], r->err);
	if (code == 0 && w->monitor) {
		code = rdt_make(r->rdt_fd, w->group, w->monitor, r->err);
		r->rdt_monitor_made = code == 0;
	}
	return code;
}

int act_rdt(struct run *r, size_t i)
{
	const struct rdt_wish *w = r->d->rdt;
	int code = r->rdt_fd = resctrl_open(r->err), present;

	(void)i;
	if (code >= 0)
		code = rdt_lock(r->rdt_fd, r->err);
	present = code < 0 ? code : rdt_exists(r->rdt_fd, w->group, NULL, r->err);
	if (present < 0)
		return present;
	if (!present && w->make == RDT_PRESENT)
		return err_set(
			r->err, ENOENT,
			"linux.intelRdt: there is no group \"%.64s\": without schemata closID "
			"must name one that is there",
			w->group);
	code = present ? check_present(r, w) : 0;
	if (code == 0)
		code = tell(r, w, !present);
	return code == 0 ? make(r, w, present) : code;
}

/* Whom nobody has waited for yet is still among the tasks. */
static bool has_ended(int pid)
{
	uint64_t start;
	bool ended = false;

	return state_process(pid, &start, &ended) < 0 || ended;
}

int resctrl_remove(int root_fd, const char *group, const char *in, const char *monitor,
		   struct err *e)
{
	int code = monitor ? rdt_remove(root_fd, in, monitor, e) : 0;

	if (code == 0 && group)
		code = rdt_is_used(root_fd, group, has_ended, e);
	return code == 0 && group ? rdt_remove(root_fd, group, NULL, e) : code;
}

/* Of a start that failed: the processes are gone by now. What is not removed stays written down. */
void undo_rdt(struct run *r)
{
	const struct rdt_wish *w = r->d->rdt;

	if (!r->done && r->rdt_fd >= 0 && r->rdt_told && rdt_lock(r->rdt_fd, NULL) == 0 &&
	    resctrl_remove(r->rdt_fd, r->rdt_group_made ? w->group : NULL, w->group,
			   r->rdt_monitor_made ? w->monitor : NULL, NULL) >= 0)
		tell(r, NULL, false);
	cleanup_fd(&r->rdt_fd);
	r->rdt_fd = -1;
}

static int join(const struct run *r, int root_fd)
{
	const struct rdt_wish *w = r->d->rdt;
	int code = rdt_join(root_fd, w->group, NULL, r->pid, r->err);

	if (code == 0 && w->monitor)
		code = rdt_join(root_fd, w->group, w->monitor, r->pid, r->err);
	return code;
}

int act_rdt_join(struct run *r, size_t i)
{
	_cleanup_fd_ int fd = -1;
	int code;

	(void)i;
	if (r->rdt_fd < 0) { /* exec: it is made, and is not empty */
		fd = resctrl_open(r->err);
		return fd < 0 ? fd : join(r, fd);
	}
	code = join(r, r->rdt_fd);
	rdt_unlock(r->rdt_fd);
	return code;
}
