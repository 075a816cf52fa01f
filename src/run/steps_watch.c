/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The acts around a box that is prepared, launched, and watched. A box is built by all stages up to
 * LINK, and by its first process up to where the init waits for its brief; what it runs, and under
 * which limits, is only said in LAUNCH. So one that is prepared waits there.
 */
#include "run/watch.h"
#include "sys/process.h"
#include "sys/sock.h"

/* ---- the workspace ---- */

size_t want_workspace(const struct run *r)
{
	return r->d->workspace != NULL;
}

/* Before the terminal, which P takes later. */
int act_workspace(struct run *r, size_t i)
{
	struct wire_head head = { .type = WIRE_WORKSPACE };
	int fd = fs_open(&r->fs, r->d->workspace, O_PATH | O_DIRECTORY);
	ssize_t n;

	(void)i;
	if (fd < 0)
		return fd;
	n = sys_send_fds(r->control_fd[1], &head, sizeof(head), &fd, 1);
	return n < 0 ? (int)n : 0;
}

int act_take_workspace(struct run *r, size_t i)
{
	struct wire_head head;
	unsigned n_fds = 1;
	ssize_t n =
		sys_recv_fds(r->control_fd[0], &head, sizeof(head), &r->workspace_fd, &n_fds, 0);

	(void)i;
	if (n <= 0) { /* what it failed at stands in the report; or it was killed there */
		if (!r->report->code)
			*r->report = (struct report){ ECANCELED, r->shared->at_step,
						      r->shared->at_item, "killed meanwhile" };
		return -ECANCELED;
	}
	return n == sizeof(head) && head.type == WIRE_WORKSPACE && n_fds == 1 ? 0 : -EPROTO;
}

void undo_workspace(struct run *r)
{
	if (r->workspace_fd >= 0)
		sys_close(r->workspace_fd);
	r->workspace_fd = -1;
}

/* ---- limits of the command, in the cgroup of a box that was prepared ---- */

size_t want_late_limits(const struct run *r)
{
	return r->late && r->cg.n && r->spec->limits.given;
}

int act_late_limits(struct run *r, size_t i)
{
	(void)i;
	return cg_set(&r->cg, r->d->resources, false, r->err);
}

/* ---- watching ---- */

size_t want_watch(const struct run *r)
{
	return r->d->watched;
}

int act_watch(struct run *r, size_t i)
{
	(void)i;
	return watch_new(r, &r->watch);
}

int act_measure(struct run *r, size_t i)
{
	(void)i;
	return watch_begin(r, r->watch);
}

/* Of one that has started the box takes it over. */
void undo_watch(struct run *r)
{
	if (!r->watch)
		return;
	if (r->done) {
		watch_started(r->watch);
		return;
	}
	watch_free(r->watch);
	r->watch = NULL;
}
