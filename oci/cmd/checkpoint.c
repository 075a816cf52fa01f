/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci checkpoint: a container's processes as files, by criu(8). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "criu.h"
#include "sys/fd.h"

/* What 0, 1 and 2 are, so that a restore can put its own in their place. runc's file and format. */
static int save_descriptors(const struct criu *c, int pid, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	_cleanup_buf_ struct buf text = { 0 };
	struct jsonout j = { .compact = true };
	int r;

	jsonout_open(&j, NULL, '[');
	for (int i = 0; i < 3; i++) {
		char path[48], name[512] = "";
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, i);
		n = sys_readlinkat(AT_FDCWD, path, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = 0;
		jsonout_string(&j, NULL, name);
	}
	jsonout_close(&j, ']');
	text = j.buf;
	fd = sys_openat(c->images_fd, CRIU_DESCRIPTORS, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	r = fd < 0 ? fd : text.failed ? -ENOMEM : sys_write_all(fd, text.data, text.len);
	return r < 0 ? err_errno(e, -r, "write " CRIU_DESCRIPTORS) : 0;
}

static const char *frozen_by(const struct cg *cg)
{
	const char *unified = cg_unified_path(cg);

	return unified && cg->layout == CG_V2 ? unified : cg_path(cg, CG_FREEZER);
}

static int dump(struct oci *o, struct container_ref *ref, struct err *e)
{
	const struct checkpoint_options *opt = &o->opt.checkpoint;
	_cleanup_criu_ struct criu c = CRIU_INIT;
	struct container config;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/config.json", ref->dir.fd);
	r = config_load(o->arena, NULL, path, &config, e);
	if (r == 0)
		r = criu_prepare(&c, o, opt->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP, opt, &config, e);
	if (r < 0)
		return r;
	pb_int(&c.options, CRIU_PID, (uint64_t)ref->state.pid);
	if (ref->state.rootfs)
		pb_text(&c.options, CRIU_ROOT, ref->state.rootfs);
	if (frozen_by(&ref->cg))
		pb_text(&c.options, CRIU_FREEZE_CGROUP, frozen_by(&ref->cg));
	r = opt->pre_dump ? 0 : save_descriptors(&c, ref->state.pid, e);
	return r == 0 ? criu_run(&c, e) : r;
}

int cmd_checkpoint(struct oci *o, int argc, char **argv, struct err *e)
{
	const struct checkpoint_options *opt = &o->opt.checkpoint;
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	int r = ref_open(o, argv[0], &ref, e);

	(void)argc;
	if (r == 0 && ref.status != STATUS_RUNNING && ref.status != STATUS_PAUSED)
		r = ref_wrong_status(&ref, "checkpoint", e);
	if (r == 0)
		r = ref_cgroup(&ref, e);
	if (r == 0)
		r = dump(o, &ref, e);
	if (r < 0 || opt->leave_running || opt->pre_dump)
		return r;
	return ref_destroy(o, &ref, e);
}
