/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci state ID */
#include <errno.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "oci.h"

int cmd_state(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_fd_ int root_fd = state_open_root(o->root);
	struct jsonout j = { 0 };
	struct state s;
	int r;

	(void)argc;
	if (root_fd == -ENOENT && state_id_valid(argv[0]))
		return err_set(e, ENOENT, "container \"%.64s\" does not exist", argv[0]);
	if (root_fd < 0 && state_id_valid(argv[0]))
		return err_errno(e, -root_fd, "state directory %s", o->root);
	r = state_load(o->arena, root_fd, argv[0], &s, e);
	if (r < 0)
		return r;
	jsonout_open(&j, NULL, '{');
	state_print(&j, &s, state_status(&s, root_fd), true);
	jsonout_close(&j, '}');
	return out_json(&j, e);
}
