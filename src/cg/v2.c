/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Freezing and killing by the v2 tree, which a hybrid layout has too. The kernel does it in one
 * step for all that is below, also against processes that fork meanwhile, and says in cgroup.events
 * when it is done; that file wakes poll(2).
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/process.h"

/* The value of `key` in cgroup.events: 0, 1 or -errno. */
static int read_event(struct cg_dir *d, const char *key)
{
	char text[256];
	uint64_t value;
	ssize_t n = cg_read(d, "cgroup.events", text, sizeof(text));

	if (n < 0)
		return (int)n;
	return cg_find_key(text, key, &value) ? value != 0 : -ENODATA;
}

/* Waits until `key` has the value. 0, -ETIMEDOUT, -errno; -ENODEV: the cgroup is gone. */
static int wait_event(struct cg_dir *d, const char *key, bool wanted, int64_t deadline_ms)
{
	_cleanup_fd_ int fd = cg_open_file(d, "cgroup.events", O_RDONLY);

	if (fd < 0)
		return fd;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		int64_t left = deadline_ms - cg_now_ms();
		char text[256];
		uint64_t value;
		/* poll(2) wakes for what happened since the last read, so reading comes first. */
		ssize_t n = RAW4(SYS_pread64, fd, text, sizeof(text) - 1, 0);

		if (n < 0)
			return (int)n;
		text[n] = 0;
		if (!cg_find_key(text, key, &value))
			return -ENODATA;
		if ((value != 0) == wanted)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		sys_poll(&p, 1, left);
	}
}

static int freeze_v2(struct cg *cg, bool freeze, struct err *e)
{
	struct cg_dir *d = cg_unified(cg);
	int r = cg_write(d, "cgroup.freeze", freeze ? "1" : "0");

	if (r < 0)
		return err_errno(e, -r, "cgroup %s: cannot %s it", d->path,
				 freeze ? "freeze" : "thaw");
	r = wait_event(d, "frozen", freeze, cg_now_ms() + CG_WAIT_MS);
	if (r == 0)
		return 0;
	if (freeze)
		cg_write(d, "cgroup.freeze", "0");
	return err_errno(e, -r, "cgroup %s: cannot %s it within %d s%s", d->path,
			 freeze ? "freeze" : "thaw", CG_WAIT_MS / 1000,
			 r != -ETIMEDOUT ? ""
			 : freeze        ? " (a process is in an uninterruptible call; it runs on)"
					 : " (is a cgroup above it frozen?)");
}

static int is_frozen_v2(struct cg *cg)
{
	return read_event(cg_unified(cg), "frozen");
}

static int is_populated_v2(struct cg *cg)
{
	int r = read_event(cg_unified(cg), "populated");

	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int kill_v2(struct cg *cg, struct err *e)
{
	struct cg_dir *d = cg_unified(cg);
	int r = cg_write(d, "cgroup.kill", "1");

	/* Gone: then nobody is in it. */
	if (r == 0 || r == -ENOENT || r == -ENODEV)
		return 0;
	return err_errno(e, -r, "cgroup %s: cannot kill its processes", d->path);
}

static int wait_empty_v2(struct cg *cg, int64_t deadline_ms, struct err *e)
{
	struct cg_dir *d = cg_unified(cg);
	int pid, r = wait_event(d, "populated", false, deadline_ms);

	if (r == 0 || r == -ENOENT || r == -ENODEV)
		return 0;
	if (r == -ETIMEDOUT && cg_first_pid(d, &pid) > 0)
		return err_set(e, EBUSY, "cgroup %s: process %d does not end", d->path, pid);
	return err_errno(e, -r, "cgroup %s: cannot wait for its processes", d->path);
}

const struct cg_ops cg_ops_v2 = {
	.freeze = freeze_v2,
	.is_frozen = is_frozen_v2,
	.kill = kill_v2,
	.is_populated = is_populated_v2,
	.wait_empty = wait_empty_v2,
	.set_devices = cg_devices_v2,
};

/* ---- hybrid: the same, and what others may have done by the v1 freezer ---- */

static int thaw_v1(struct cg *cg)
{
	struct cg_dir *d = cg_find(cg, CG_FREEZER);

	return d ? cg_write(d, "freezer.state", "THAWED") : 0;
}

static int freeze_hybrid(struct cg *cg, bool freeze, struct err *e)
{
	if (!freeze)
		thaw_v1(cg);
	return freeze_v2(cg, freeze, e);
}

static int is_frozen_hybrid(struct cg *cg)
{
	int r = is_frozen_v2(cg);

	return r != 0 ? r : cg_ops_v1.is_frozen(cg);
}

static int kill_hybrid(struct cg *cg, struct err *e)
{
	int r = kill_v2(cg, e);

	/* A signal reaches what the v1 freezer holds only when it lets go; by then it is fatal. */
	thaw_v1(cg);
	return r;
}

const struct cg_ops cg_ops_hybrid = {
	.freeze = freeze_hybrid,
	.is_frozen = is_frozen_hybrid,
	.kill = kill_hybrid,
	.is_populated = is_populated_v2,
	.wait_empty = wait_empty_v2,
	.set_devices = cg_devices_v1,
};

/* ---- none ---- */

static int say_none(const char *what, struct err *e)
{
	return err_set(e, EOPNOTSUPP,
		       "cannot %s: there is no cgroup, because none is mounted here or none is "
		       "delegated to this user",
		       what);
}

static int freeze_none(struct cg *cg, bool freeze, struct err *e)
{
	(void)cg;
	return say_none(freeze ? "freeze" : "thaw", e);
}

static int kill_none(struct cg *cg, struct err *e)
{
	(void)cg;
	return say_none("kill all processes", e);
}

static int zero(struct cg *cg)
{
	(void)cg;
	return 0;
}

static int wait_none(struct cg *cg, int64_t deadline_ms, struct err *e)
{
	(void)cg;
	(void)deadline_ms;
	(void)e;
	return 0;
}

static int devices_none(struct cg *cg, const struct resources *r, bool first_time, struct err *e)
{
	(void)r;
	(void)first_time;
	(void)e;
	cg->devices_open = true;
	return 0;
}

const struct cg_ops cg_ops_none = {
	.freeze = freeze_none,
	.is_frozen = zero,
	.kill = kill_none,
	.is_populated = zero,
	.wait_empty = wait_none,
	.set_devices = devices_none,
};

const struct cg_ops *cg_ops_of(enum cg_layout layout)
{
	static const struct cg_ops *const ops[] = {
		[CG_NONE] = &cg_ops_none,
		[CG_V1] = &cg_ops_v1,
		[CG_HYBRID] = &cg_ops_hybrid,
		[CG_V2] = &cg_ops_v2,
	};

	return ops[layout];
}
