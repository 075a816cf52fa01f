/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The acts of HOST and LINK where systemd makes the cgroup. It moves processes by itself, so that
 * the first one is cloned outside and waits, as it does for its id maps, until it is inside:
 *
 *	unit         is the name free, and where will it be? Written down before anything is made
 *	unit-start   systemd makes it, with the process in it
 *	unit-limits  what systemd has left out: trees, limits that it has no word for, devices
 *
 * Who enters one as an ordinary user cannot clone into it: the kernel wants the right to write
 * above both cgroups. systemd has that, and is asked (unit-enter).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/run.h"

static struct cg_unit_wish wish_of(const struct run *r, const strings *properties)
{
	const struct unit *u = r->d->unit;

	return (struct cg_unit_wish){ u->helper, u->name, u->user, properties };
}

/* What was asked of systemd by name, and the limits. */
static int all_properties(struct run *r, strings *out)
{
	const strings *from = &r->d->unit->properties;

	for (size_t i = 0; i < from->n; i++) {
		const char **slot = arena_push(r->spec->arena, &out->items, &out->n, sizeof(*slot));

		if (!slot)
			return -ENOMEM;
		*slot = from->items[i];
	}
	return r->d->resources
		       ? cg_properties(r->spec->arena, &r->cg_system, r->d->resources, out, r->err)
		       : 0;
}

/* C sees r->cg as it is planned here: it is not in our memory when it is made. */
static int plan_cgroup(struct run *r, const char *own)
{
	const struct keeper *k = r->keeper;
	struct buf path = { 0 };
	int code;

	buf_printf(&path, "%s%s", own, r->d->unit->path);
	r->unit_path = buf_take(&path);
	if (!r->unit_path)
		return -ENOMEM;
	code = cg_plan(&r->cg, &r->cg_system, r->unit_path, CG_OF_UNIT, r->err);
	if (code == 0)
		code = k->unit(k->arg, r->d->unit, NULL, r->err);
	return code == 0 ? k->cgroup_planned(k->arg, &r->cg, r->err) : code;
}

int act_unit(struct run *r, size_t i)
{
	_cleanup_free_ char *own = NULL;
	strings properties = { 0 };
	struct cg_unit_wish wish = wish_of(r, &properties);
	int code = cg_probe(&r->cg_system, r->err);

	(void)i;
	if (code == 0)
		code = all_properties(r, &properties);
	if (code == 0)
		code = cg_unit_plan(&r->unit, &wish, &own, r->err);
	return code == 0 ? plan_cgroup(r, own) : code;
}

/* Of a start that failed: the processes are gone by now, or systemd ends them. */
void undo_unit(struct run *r)
{
	const struct cg_unit_wish wish = r->d->unit ? wish_of(r, NULL) : (struct cg_unit_wish){ 0 };

	if (!r->d->unit || !want_unit(r))
		return;
	cg_unit_close(&r->unit);
	if (!r->done && r->unit.maybe_made) {
		cg_unit_stop(&wish, *r->invocation ? r->invocation : NULL, NULL);
		cg_remove(&r->cg, NULL);
	}
	if (!r->done && !r->unit.maybe_made)
		r->keeper->unit(r->keeper->arg, NULL, NULL, NULL);
	cg_done(&r->cg);
	cg_system_done(&r->cg_system);
	free(r->unit_path);
	r->unit_path = NULL;
}

/* Nobody but its own first process may ever be in it: a slice takes none, so that we move it. */
int act_unit_start(struct run *r, size_t i)
{
	const struct unit *u = r->d->unit;
	const struct keeper *k = r->keeper;
	_cleanup_free_ char *path = NULL;
	int code = cg_unit_start(&r->unit, u->is_slice ? 0 : r->pid, &path, r->invocation, r->err);

	(void)i;
	if (code == 0)
		code = k->unit(k->arg, u, r->invocation, r->err);
	if (code == 0 && !str_eq(path, r->unit_path))
		return err_set(r->err, EPROTO,
			       "systemd has put the unit %s into the cgroup %s, and not into %s",
			       u->name, path, r->unit_path);
	return code;
}

int act_unit_limits(struct run *r, size_t i)
{
	const struct keeper *k = r->keeper;
	struct cg made = CG_INIT;
	int code = cg_create(&made, &r->cg_system, r->unit_path, r->d->resources,
			     CG_IF_ALLOWED | CG_OF_UNIT, r->err);

	(void)i;
	if (code < 0)
		return code;
	cg_done(&r->cg);
	r->cg = made;
	code = cg_attach(&r->cg, r->pid, !r->d->unit->is_slice, r->err);
	return code == 0 ? k->cgroup_made(k->arg, &r->cg, r->err) : code;
}

int act_unit_enter(struct run *r, size_t i)
{
	const struct cg_unit_wish wish = wish_of(r, NULL);

	(void)i;
	return cg_unit_attach(&wish, r->pid, r->err);
}
