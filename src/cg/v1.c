/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Freezing and killing where there are v1 trees alone. The v1 freezer tells nobody when it is done,
 * and only tries again when it is asked; so it is asked, a few times at once and then at growing
 * intervals. The end of a process is waited for by its pidfd.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/process.h"

#define KILL_ROUNDS 1000

static int no_freezer(const char *what, struct err *e)
{
	return err_set(e, EOPNOTSUPP,
		       "cannot %s: the cgroup v1 controller freezer is not mounted; mount it at "
		       "/sys/fs/cgroup/freezer",
		       what);
}

/* Waits until freezer.state says so; reading it makes the kernel look again. */
static int wait_state(struct cg_dir *d, const char *wanted, int64_t deadline_ms)
{
	for (int64_t pause_ms = 0;; pause_ms = MIN(pause_ms + 1, 20)) {
		char text[32];
		ssize_t n = cg_read(d, "freezer.state", text, sizeof(text));

		if (n < 0)
			return (int)n;
		if (str_eq(text, wanted))
			return 0;
		if (cg_now_ms() >= deadline_ms)
			return -ETIMEDOUT;
		sys_poll(NULL, 0, pause_ms);
	}
}

static int freeze_v1(struct cg *cg, bool freeze, struct err *e)
{
	const char *what = freeze ? "freeze" : "thaw", *state = freeze ? "FROZEN" : "THAWED";
	struct cg_dir *d = cg_find(cg, CG_FREEZER);
	int r;

	if (!d)
		return no_freezer(what, e);
	r = cg_write(d, "freezer.state", state);
	if (r == 0)
		r = wait_state(d, state, cg_now_ms() + CG_WAIT_MS);
	if (r < 0 && freeze)
		cg_write(d, "freezer.state", "THAWED");
	return r == 0 ? 0 : err_errno(e, -r, "cgroup %s: cannot %s it", d->path, what);
}

static int is_frozen_v1(struct cg *cg)
{
	struct cg_dir *d = cg_find(cg, CG_FREEZER);
	char text[32];
	ssize_t n = d ? cg_read(d, "freezer.state", text, sizeof(text)) : 0;

	return d && n >= 0 ? !str_eq(text, "THAWED") : (int)n;
}

static int is_populated_v1(struct cg *cg)
{
	struct cg_dir *d = cg_tracker(cg);
	int pid;

	return d ? cg_first_pid(d, &pid) : 0;
}

static int kill_one(void *arg, int pid)
{
	bool *any = arg;

	if (pid > 0 && sys_kill(pid, SIGKILL) == 0)
		*any = true;
	return 0;
}

/*
 * Frozen processes do not fork, so that one pass reaches all of them; they die when they are
 * thawed. Without a freezer pass follows pass until one finds nobody.
 */
static int kill_v1(struct cg *cg, struct err *e)
{
	struct cg_dir *freezer = cg_find(cg, CG_FREEZER), *d = cg_tracker(cg);
	bool any = true;
	int r = 0;

	if (freezer && cg_write(freezer, "freezer.state", "FROZEN") == 0) {
		/* One that cannot be frozen in time is killed all the same. */
		wait_state(freezer, "FROZEN", cg_now_ms() + 200);
		r = cg_each_pid(d, kill_one, &any);
		cg_write(freezer, "freezer.state", "THAWED");
	}
	for (int i = 0; r == 0 && any && i < KILL_ROUNDS; i++) {
		any = false;
		r = cg_each_pid(d, kill_one, &any);
		if (freezer)
			break; /* for what was moved in meanwhile; the rest is dying */
	}
	return r == 0 || r == -ENOENT
		       ? 0
		       : err_errno(e, -r, "cgroup %s: cannot kill its processes", d->path);
}

static int wait_empty_v1(struct cg *cg, int64_t deadline_ms, struct err *e)
{
	struct cg_dir *d = cg_tracker(cg);
	int pid = 0, r;

	while ((r = cg_first_pid(d, &pid)) > 0) {
		_cleanup_fd_ int fd = pid > 0 ? sys_pidfd_open(pid, 0) : -1;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline_ms - cg_now_ms();

		if (left <= 0)
			return err_set(e, EBUSY, "cgroup %s: process %d does not end", d->path,
				       pid);
		/* Who cannot be watched is in another pid namespace, or was reaped just now. */
		sys_poll(&p, fd >= 0, fd >= 0 ? left : MIN(left, 5));
	}
	return r == 0 ? 0 : err_errno(e, -r, "cgroup %s: cannot list its processes", d->path);
}

const struct cg_ops cg_ops_v1 = {
	.freeze = freeze_v1,
	.is_frozen = is_frozen_v1,
	.kill = kill_v1,
	.is_populated = is_populated_v1,
	.wait_empty = wait_empty_v1,
	.set_devices = cg_devices_v1,
};
