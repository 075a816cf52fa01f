/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci restore: processes from files, by criu(8), as a container again. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "criu.h"
#include "spec/json_text.h"
#include "sys/process.h"
#include "sys/sock.h"

/* The pipes that were its 0, 1 and 2 become ours. */
static int inherit_stdio(struct criu *c, struct err *e)
{
	_cleanup_arena_ struct arena *a = arena_new();
	const struct json *list;
	_cleanup_fd_ int fd = sys_openat(c->images_fd, CRIU_DESCRIPTORS, O_RDONLY, 0);
	char text[4096];
	ssize_t n = fd < 0 ? fd : sys_read(fd, text, sizeof(text));
	int r = 0;

	if (n == -ENOENT) /* made by somebody else's checkpoint: its 0, 1, 2 are in the images */
		return 0;
	if (n < 0)
		return err_errno(e, (int)-n, "read " CRIU_DESCRIPTORS);
	if (!a)
		return err_errno(e, ENOMEM, "read " CRIU_DESCRIPTORS);
	r = json_text_parse(a, text, (size_t)n, CRIU_DESCRIPTORS, 4, &list, e);
	if (r == 0 && !json_is(list, JSON_LIST))
		r = err_set(e, EINVAL, CRIU_DESCRIPTORS ": not a list");
	if (r < 0)
		return r;
	json_each(v, list) {
		if (v->nth < 3 && json_is_text(v) && str_starts(v->string, "pipe:"))
			r = criu_inherit(c, v->string, (int)v->nth, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask_criu(struct oci *o, struct criu *c, const struct container *config,
		    struct container_ref *ref, struct err *e)
{
	const struct checkpoint_options *opt = &o->opt.restore;
	int r = criu_prepare(c, o, CRIU_RESTORE, opt, config, e);

	if (r == 0)
		r = inherit_stdio(c, e);
	if (r < 0)
		return r;
	pb_int(&c->options, CRIU_RST_SIBLING, 1);
	pb_text(&c->options, CRIU_ROOT, ref->state.rootfs);
	if (opt->lsm_profile)
		pb_text(&c->options, CRIU_LSM_PROFILE, opt->lsm_profile);
	if (opt->lsm_mount_context)
		pb_text(&c->options, CRIU_LSM_MOUNT_CONTEXT, opt->lsm_mount_context);
	c->cgroup = &ref->cg;
	return criu_run(c, e);
}

static int bring_back(struct oci *o, struct criu *c, const struct container *config,
		      struct container_ref *ref, struct err *e)
{
	int r = criu_enter(c, ref->state.rootfs, e), left;

	if (r < 0)
		return r;
	r = ask_criu(o, c, config, ref, e);
	left = criu_leave(c, r == 0 ? e : NULL);
	return r < 0 ? r : left;
}

static int send_console(const struct criu *c, const char *path, struct err *e)
{
	static const char name[] = "/dev/ptmx";
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	if (!path || c->master_fd < 0)
		return 0;
	fd = connect_console(path, e);
	if (fd < 0)
		return fd;
	n = sys_send_fds(fd, name, strlen(name), &c->master_fd, 1);
	return n < 0 ? err_errno(e, (int)-n, "console socket %s", path) : 0;
}

static int restore(struct oci *o, const char *id, struct criu *c, struct container_ref *ref,
		   struct err *e)
{
	const struct create_options *opt = &o->opt.restore.create;
	struct container *config = NULL;
	int r = container_revive(o, id, opt, &config, ref, e);

	if (r < 0)
		return r;
	r = bring_back(o, c, config, ref, e);
	if (r == 0)
		r = send_console(c, opt->console_socket, e);
	if (r == 0)
		r = container_revived(o, ref, c->pid, opt, e);
	if (r == 0)
		r = hooks_run(o, ref, HOOK_POSTSTART, false, e);
	if (r < 0) {
		struct err ignored;

		if (c->pid > 0 && sys_kill(c->pid, SIGKILL) == 0)
			waitpid(c->pid, NULL, __WALL);
		ref_destroy(o, ref, &ignored);
	}
	return r;
}

int cmd_restore(struct oci *o, int argc, char **argv, struct err *e)
{
	const struct create_options *opt = &o->opt.restore.create;
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	_cleanup_criu_ struct criu c = CRIU_INIT;
	struct box box = { .pidfd = -1, .control_fd = -1, .master_fd = -1 };
	int r = restore(o, argv[0], &c, &ref, e);

	(void)argc;
	ref_close(&ref);
	if (r < 0 || opt->detach)
		return r;
	box.pid = c.pid;
	box.master_fd = c.master_fd;
	box.pidfd = sys_pidfd_open(c.pid, 0);
	if (box.pidfd < 0)
		return err_errno(e, -box.pidfd, "wait for the container");
	r = wait_and_delete(o, argv[0], &box, opt->keep, e);
	cleanup_fd(&box.pidfd);
	return r;
}
