/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes of a cgroup: how they get in, which they are, signals. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/process.h"

static int say_attach(const struct cg_dir *d, int pid, int r, struct err *e)
{
	err_errno(e, -r, "cgroup %s: cannot move process %d into it", d->path, pid);
	if (r == -ENOSPC && (d->controllers & CG_BIT(CG_CPUSET)))
		err_append(e, "; it has no processors or memory nodes (cpuset.cpus, cpuset.mems)");
	else if (r == -EBUSY)
		err_append(e, "; it has controllers switched on for cgroups below it, and on "
			      "cgroup v2 only leaves hold processes");
	else if (r == -EOPNOTSUPP)
		err_append(e, "; a threaded cgroup is above or below it");
	else if (r == -EACCES || r == -EPERM)
		err_append(e, "; an ordinary user may move processes only within a subtree that is "
			      "delegated to him");
	return r;
}

int cg_into_fd(struct cg *cg)
{
	struct cg_dir *d = cg_unified(cg);

	return d ? cg_dir_fd(d) : -ENOENT;
}

int cg_join_open(struct cg *cg, int fds[CG_TREES_MAX], struct err *e)
{
	int n = 0;

	for (size_t i = 0; i < cg->n; i++) {
		struct cg_dir *d = &cg->dirs[i];
		int r;

		if (d->unified)
			continue; /* threads cannot be moved there one by one */
		r = cg_open_file(d, "tasks", O_WRONLY);
		if (r < 0) {
			while (n > 0)
				sys_close(fds[--n]);
			return err_errno(e, -r, "cgroup %s: cannot open tasks", d->path);
		}
		fds[n++] = r;
	}
	return n;
}

int cg_attach(struct cg *cg, int pid, bool in_unified, struct err *e)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < cg->n; i++) {
		struct cg_dir *d = &cg->dirs[i];
		int r = d->unified && in_unified ? 0 : cg_write(d, "cgroup.procs", text);

		if (r < 0)
			return say_attach(d, pid, r, e);
	}
	return 0;
}

static int add_pid(void *arg, int pid)
{
	struct cg_pids *pids = arg;

	if (pid == 0)
		return 0;                     /* not in our pid namespace */
	if ((pids->n & (pids->n - 1)) == 0) { /* full: room doubles at powers of two */
		size_t room = pids->n ? pids->n * 2 : 1;
		int *bigger = realloc(pids->items, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		pids->items = bigger;
	}
	pids->items[pids->n++] = pid;
	return 0;
}

void cg_pids_done(struct cg_pids *pids)
{
	free(pids->items);
	*pids = (struct cg_pids){ 0 };
}

int cg_pids(struct cg *cg, struct cg_pids *out, struct err *e)
{
	struct cg_pids pids = { 0 };
	struct cg_dir *d = cg_tracker(cg);
	int r = d ? cg_each_pid(d, add_pid, &pids) : -ENOENT;

	if (r < 0) {
		cg_pids_done(&pids);
		return err_errno(e, -r, "cgroup %s: cannot list its processes",
				 d ? d->path : "(none)");
	}
	*out = pids;
	return 0;
}

int cg_freeze(struct cg *cg, bool freeze, struct err *e)
{
	return cg->ops->freeze(cg, freeze, e);
}

int cg_is_frozen(struct cg *cg)
{
	return cg->ops->is_frozen(cg);
}

int cg_is_populated(struct cg *cg)
{
	return cg->ops->is_populated(cg);
}

int cg_kill(struct cg *cg, struct err *e)
{
	return cg->ops->kill(cg, e);
}

int cg_wait_empty(struct cg *cg, int timeout_ms, struct err *e)
{
	return cg->ops->wait_empty(cg, cg_now_ms() + timeout_ms, e);
}

int cg_signal(struct cg *cg, int signo, struct err *e)
{
	_cleanup_(cg_pids_done) struct cg_pids pids = { 0 };
	int r;

	if (signo == SIGKILL)
		return cg_kill(cg, e);
	r = cg_pids(cg, &pids, e);
	for (size_t i = 0; r == 0 && i < pids.n; i++) {
		r = sys_kill(pids.items[i], signo);
		if (r < 0 && r != -ESRCH)
			return err_errno(e, -r, "process %d: cannot send signal %d", pids.items[i],
					 signo);
		r = 0;
	}
	return r;
}

/* ---- going to another's ---- */

static int read_cgroup_of(int pid, char *out, size_t room)
{
	_cleanup_fd_ int fd = -1;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	n = fd < 0 ? fd : sys_read(fd, out, room - 1);
	if (n >= 0)
		out[n] = 0;
	return n < 0 ? (int)n : 0;
}

static int go_in_tree(const struct cg_tree *t, struct err *e)
{
	size_t root_len = strcmp(t->root, "/") == 0 ? 0 : strlen(t->root);
	_cleanup_fd_ int fd = -1;
	char path[PATH_MAX];
	ssize_t n;

	if (!t->own || strncmp(t->own, t->root, root_len) != 0)
		return 0;
	snprintf(path, sizeof(path), "%s%s/cgroup.procs", t->mount, t->own + root_len);
	fd = sys_openat(AT_FDCWD, path, O_WRONLY, 0);
	n = fd < 0 ? fd : sys_write(fd, "0", 1);
	return n < 0 ? err_errno(e, (int)-n, "cgroup: %s", path) : 0;
}

int cg_go_to(int pid, struct err *e)
{
	struct cg_system s;
	char text[8192];
	int r = cg_probe(&s, e);

	if (r < 0)
		return r;
	r = read_cgroup_of(pid, text, sizeof(text));
	if (r < 0)
		err_errno(e, -r, "cgroup: of process %d", pid);
	else
		cg_parse_own(&s, text);
	for (size_t i = 0; r == 0 && i < s.n; i++)
		r = go_in_tree(&s.trees[i], e);
	cg_system_done(&s);
	return r;
}
