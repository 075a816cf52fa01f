/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd as the maker of cgroups: the program that talks to it, and what a later command does with
 * a unit that an earlier one had made.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"
#include "sys/fd.h"

#define HELPER "holm-systemd"

static bool is_program(const char *path)
{
	return sys_faccessat(AT_FDCWD, path, X_OK) == 0;
}

/* Where it is installed; else beside ourselves, as in a tree where it was built. */
const char *systemd_helper(struct oci *o)
{
	static const char installed[] = HOLM_LIBEXECDIR "/" HELPER;
	char self[PATH_MAX];
	ssize_t n;
	char *slash;

	if (is_program(installed))
		return installed;
	n = sys_readlinkat(AT_FDCWD, "/proc/self/exe", self, sizeof(self) - sizeof(HELPER));
	if (n <= 0)
		return NULL;
	self[n] = 0;
	slash = strrchr(self, '/');
	if (!slash || n >= (ssize_t)(sizeof(self) - sizeof(HELPER)))
		return NULL;
	strcpy(slash + 1, HELPER);
	return is_program(self) ? arena_strdup(o->arena, self) : NULL;
}

static int need_helper(struct oci *o, const char **out, struct err *e)
{
	*out = systemd_helper(o);
	if (*out)
		return 0;
	return err_set(e, EOPNOTSUPP,
		       "systemd's cgroup manager needs the program " HELPER
		       ", which is neither in " HOLM_LIBEXECDIR
		       " nor beside holm-oci: build holm with libsystemd (Debian: "
		       "libsystemd-dev), or tell the engine to use cgroupfs (podman: "
		       "--cgroup-manager=cgroupfs; Docker: native.cgroupdriver=cgroupfs; kubelet: "
		       "cgroupDriver: cgroupfs)");
}

/* An ordinary user's own manager makes the units that he may limit. */
int systemd_choose(struct oci *o, struct container *c, struct err *e)
{
	int r = need_helper(o, &c->life.systemd_helper, e);

	c->life.systemd_user =
		o->rootless == TRI_AUTO ? is_ordinary_user() : o->rootless == TRI_YES;
	return r;
}

static int wish_of(struct oci *o, const struct container_ref *ref, struct cg_unit_wish *out,
		   struct err *e)
{
	*out = (struct cg_unit_wish){
		.name = ref->state.systemd_unit,
		.user = note(&ref->state, "systemd-user") != NULL,
	};
	return need_helper(o, &out->helper, e);
}

int systemd_enter(struct oci *o, const struct container_ref *ref, struct container *c,
		  struct err *e)
{
	struct cg_unit_wish wish;
	int r;

	/* Root enters a cgroup by itself. */
	if (!ref->state.systemd_unit || !note(&ref->state, "systemd-user"))
		return 0;
	r = wish_of(o, ref, &wish, e);
	c->life.systemd_helper = wish.helper;
	c->life.systemd_unit = wish.name;
	c->life.systemd_user = wish.user;
	return r;
}

int systemd_update(struct oci *o, struct container_ref *ref, const struct resources *limits,
		   struct err *e)
{
	struct cg_unit_wish wish;
	strings properties = { 0 };
	int r;

	if (!ref->state.systemd_unit)
		return 0;
	r = cg_update_properties(o->arena, &ref->cg, limits, &properties, e);
	if (r == 0 && properties.n)
		r = wish_of(o, ref, &wish, e);
	wish.properties = &properties;
	return r == 0 && properties.n ? cg_unit_set(&wish, e) : r;
}

int systemd_stop(struct oci *o, const struct container_ref *ref, struct err *e)
{
	struct cg_unit_wish wish;
	int r = wish_of(o, ref, &wish, e);

	return r == 0 ? cg_unit_stop(&wish, note(&ref->state, "invocation"), e) : r;
}
