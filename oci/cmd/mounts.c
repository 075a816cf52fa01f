/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci mounts: more mounts, or fewer, in a container that is there. crun's command. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"
#include "sys/fd.h"
#include "sys/process.h"

static int decide(struct oci *o, const char *file, bool remove, struct container *c, struct spec *s,
		  struct err *e)
{
	int r = config_mounts_load(o->arena, file, c, e);

	*s = (struct spec){ .arena = o->arena, .container = c };
	return r == 0 ? check_later_mounts(s, remove, e) : r;
}

int cmd_mounts(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	_cleanup_fd_ int pidfd = -1, root_fd = -1;
	struct container_door door = { .remove = str_eq(argv[0], "remove") };
	struct container c = { 0 };
	struct spec s;
	int r;

	(void)argc;
	if (!door.remove && !str_eq(argv[0], "add"))
		return err_set(e, EINVAL, "mounts: \"%.32s\" is neither add nor remove", argv[0]);
	r = ref_open(o, argv[1], &ref, e);
	if (r == 0 && (ref.status == STATUS_STOPPED || ref.status == STATUS_CREATING))
		r = ref_wrong_status(&ref, "change mounts in", e);
	if (r == 0 && ref_unattached(&ref))
		r = err_set(e, EINVAL,
			    "mounts: \"%s\" has no mount namespace, so that its mounts stay as "
			    "they are",
			    ref.state.id);
	c.bundle = ref.state.bundle;
	if (r == 0)
		r = decide(o, argv[2], door.remove, &c, &s, e);
	if (r < 0)
		return r;
	pidfd = state_pidfd(&ref.state);
	if (pidfd < 0)
		return err_errno(e, -pidfd, "container not running: \"%s\"", ref.state.id);
	r = ref_root(&ref, &root_fd, e);
	if (r < 0)
		return r;
	door.pid = ref.state.pid;
	door.pidfd = pidfd;
	door.root_fd = root_fd;
	return mounts_change(&s, &door, e);
}
