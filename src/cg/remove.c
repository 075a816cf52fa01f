/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/process.h"

static bool is_gone(int r)
{
	return r == 0 || r == -ENOENT || r == -ENODEV;
}

/* The start of the last string in `text` that ends before `end`. */
static size_t last_string(const char *text, size_t end)
{
	size_t at = end - 1; /* its NUL */

	while (at > 0 && text[at - 1])
		at--;
	return at;
}

/* What is below, from the bottom up: the list has parents first, so it is read backwards. */
static int remove_below(struct cg_dir *d)
{
	_cleanup_buf_ struct buf below = { 0 };
	int r = cg_below(d, &below);

	for (size_t end = below.len; r == 0 && end > 0;) {
		end = last_string(below.data, end);
		r = sys_unlinkat(d->fd, below.data + end, AT_REMOVEDIR);
		r = is_gone(r) ? 0 : r;
	}
	return r;
}

/* The kernel refuses while there are cgroups below, or processes: 0, -EBUSY, -errno. */
static int remove_dir(struct cg_dir *d)
{
	int r = sys_unlinkat(AT_FDCWD, d->path, AT_REMOVEDIR);

	if (r != -EBUSY)
		return is_gone(r) ? 0 : r;
	r = remove_below(d);
	if (is_gone(r))
		r = sys_unlinkat(AT_FDCWD, d->path, AT_REMOVEDIR);
	return is_gone(r) ? 0 : r;
}

/* Those above that we made. One that someone else uses by now is not empty, and stays. */
static void remove_above(struct cg_dir *d)
{
	char *path = (char *)d->path, *cuts[64];
	unsigned n = 0;

	while (n + 1 < d->made && n < 64) {
		cuts[n] = strrchr(path, '/');
		*cuts[n++] = 0;
		if (!is_gone(sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR)))
			break;
	}
	while (n > 0)
		*cuts[--n] = '/';
}

/*
 * EBUSY without a process in sight: it has left cgroup.procs on its way out, and a moment later the
 * kernel counts it out too.
 */
static int remove_tree(struct cg *cg, struct cg_dir *d, int64_t deadline_ms, struct err *e)
{
	int r;

	for (int64_t pause_ms = 0; (r = remove_dir(d)) == -EBUSY;
	     pause_ms = MIN(pause_ms + 1, 10)) {
		int waited = cg->ops->wait_empty(cg, deadline_ms, e);

		if (waited < 0)
			return waited;
		if (cg_now_ms() >= deadline_ms)
			break;
		sys_poll(NULL, 0, pause_ms);
	}
	if (r < 0)
		return err_errno(e, -r, "cgroup %s: cannot remove it", d->path);
	remove_above(d);
	return 0;
}

/* Where nobody is in the tracker, nobody is anywhere, but who has been moved out of it by hand. */
int cg_remove_unused(struct cg *cg, struct err *e)
{
	struct cg_dir *d = cg_tracker(cg);
	int r = d ? sys_unlinkat(AT_FDCWD, d->path, AT_REMOVEDIR) : 0;

	if (r == -EBUSY)
		return r;
	return is_gone(r) ? cg_remove(cg, e)
			  : err_errno(e, -r, "cgroup %s: cannot remove it", d->path);
}

int cg_remove(struct cg *cg, struct err *e)
{
	int64_t deadline_ms = cg_now_ms() + CG_WAIT_MS;
	int r = 0;

	/* The v2 tree, by which we wait for processes, goes last. */
	for (size_t i = 0; i < cg->n; i++) {
		int one = cg->dirs[i].unified ? 0 : remove_tree(cg, &cg->dirs[i], deadline_ms, e);

		r = r < 0 ? r : one;
	}
	for (size_t i = 0; r == 0 && i < cg->n; i++)
		if (cg->dirs[i].unified)
			r = remove_tree(cg, &cg->dirs[i], deadline_ms, e);
	return r;
}
