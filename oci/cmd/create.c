/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci create, start and run. */
#include <errno.h>

#include "base/cleanup.h"
#include "container.h"

int cmd_create(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	struct box *box = NULL;
	int r = container_create(o, argv[0], &o->opt.create, false, &box, &ref, e);

	(void)argc;
	box_forget(box);
	return r;
}

int cmd_start(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	int r = ref_open(o, argv[0], &ref, e);

	(void)argc;
	return r == 0 ? ref_start(o, &ref, e) : r;
}

/* The lock is not held while the container runs, so that others can look, signal and enter. */
int wait_and_delete(struct oci *o, const char *id, struct box *box, bool keep, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	int code = foreground(box, e), r;

	if (code < 0 || keep)
		return code;
	r = ref_open(o, id, &ref, e);
	if (r == -ENOENT) /* somebody else has deleted it */
		return code;
	if (r == 0)
		r = ref_destroy(o, &ref, e);
	return r < 0 ? r : code;
}

int cmd_run(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	const struct create_options *opt = &o->opt.run;
	struct box *box = NULL;
	struct err ignored;
	bool at_once = !notify_wanted(); /* else its socket must be there before it starts */
	int r = container_create(o, argv[0], opt, at_once, &box, &ref, e);

	(void)argc;
	if (r < 0)
		return r;
	r = at_once ? hooks_run(o, &ref, HOOK_POSTSTART, false, e) : ref_start(o, &ref, e);
	if (r < 0) {
		ref_destroy(o, &ref, &ignored);
		box_free(box);
		return r;
	}
	if (opt->detach) {
		box_forget(box);
		return 0;
	}
	ref_close(&ref);
	r = wait_and_delete(o, argv[0], box, opt->keep, e);
	box_forget(box);
	return r;
}
