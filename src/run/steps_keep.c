/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The acts of HOST, LINK and LIVE around the cgroup, and those of a container's keeper. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/run.h"
#include "spec/container.h"
#include "sys/process.h"
#include "sys/sock.h"

#define MEMFD_CLOEXEC 1U

/* ---- the cgroup ---- */

/* First what is to be removed is written down, then it is made. The plan has its owner's mark. */
static int plan_cgroup(const struct keeper *k, struct cg_system *system, const char *path,
		       struct cg *planned, struct err *e)
{
	int code = cg_probe(system, e);

	if (code == 0)
		code = cg_plan(planned, system, path, 0, e);
	if (code == 0 && cg_mark_draw(planned->mark) < 0)
		code = err_errno(e, EIO, "cgroup: no random number");
	return code < 0 ? code : k->cgroup_planned(k->arg, planned, e);
}

int cgroup_make(const struct keeper *k, struct cg_system *system, const char *path,
		const struct resources *limits, struct cg *out, struct err *e)
{
	struct cg planned = CG_INIT;
	char mark[CG_MARK_SIZE];
	int code = plan_cgroup(k, system, path, &planned, e);

	memcpy(mark, planned.mark, sizeof(mark));
	cg_done(&planned);
	if (code < 0)
		return code;
	code = cg_create(out, system, path, limits, CG_IF_ALLOWED, e);
	if (code < 0) {
		k->cgroup_made(k->arg, NULL, NULL);
		return code;
	}
	/* Where it cannot be marked it has no mark, and counts as ours for good. */
	cg_mark(out, mark);
	return k->cgroup_made(k->arg, out, e);
}

/* What the first process is born into; the v1 trees follow while it works (act_cgroup_rest). */
static int make_first(struct run *r)
{
	const struct keeper *k = r->keeper;
	const char *path = r->d->container->life.cgroup;
	int code = plan_cgroup(k, &r->cg_system, path, &r->cg_planned, r->err);

	if (code < 0)
		return code;
	code = cg_create_first(&r->cg, &r->cg_system, path, r->d->resources, CG_IF_ALLOWED, r->err);
	if (code < 0) {
		k->cgroup_made(k->arg, NULL, NULL);
		return code;
	}
	r->cg_beside = code > 0;
	if (r->cg.n)
		cg_mark(&r->cg, r->cg_planned.mark);
	return r->cg_beside ? 0 : k->cgroup_made(k->arg, &r->cg, r->err);
}

int act_cgroup(struct run *r, size_t i)
{
	int code = 0;

	(void)i;
	if (!r->keeper)
		code = box_cgroup_make(r);
	else if (r->keeper->cgroup)
		r->cg = *r->keeper->cgroup; /* of a container that runs; its keeper closes it */
	else
		code = make_first(r);
	if (code == 0 && !r->cg_beside)
		code = cg_join_open(&r->cg, r->cg_fds, r->err);
	if (code < 0)
		return code;
	r->n_cg_fds = code;
	return 0;
}

size_t want_cgroup_rest(const struct run *r)
{
	return r->cg_beside;
}

static void close_cg_fds(struct run *r)
{
	for (int i = 0; i < r->n_cg_fds; i++)
		close(r->cg_fds[i]);
	r->n_cg_fds = 0;
}

/* All limits are set before the first process hears of it, so nothing runs inside without them. */
int act_cgroup_rest(struct run *r, size_t i)
{
	const struct keeper *k = r->keeper;
	struct wire_head head = { .type = WIRE_CGROUP };
	ssize_t n;
	int code = cg_create_rest(&r->cg, &r->cg_system, r->d->container->life.cgroup,
				  r->d->resources, CG_IF_ALLOWED, r->err);

	(void)i;
	if (code < 0) {
		k->cgroup_made(k->arg, NULL, NULL);
		return code;
	}
	if (!*r->cg.mark)
		cg_mark(&r->cg, r->cg_planned.mark);
	code = k->cgroup_made(k->arg, &r->cg, r->err);
	if (code == 0)
		code = cg_join_open(&r->cg, r->cg_fds, r->err);
	if (code < 0)
		return code;
	r->n_cg_fds = code;
	n = sys_send_fds(r->control_fd[0], &head, sizeof(head), r->cg_fds, (unsigned)code);
	close_cg_fds(r);
	return n < 0 && n != -EPIPE ? (int)n : 0;
}

/* A box needs its own until it ends; a container's is found again by what was written down. */
static bool lets_go_of_cgroup(const struct run *r)
{
	return r->keeper ? !r->keeper->cgroup : !r->done;
}

/* Of a start that failed: the processes are gone by now. */
void undo_cgroup(struct run *r)
{
	close_cg_fds(r);
	cg_done(&r->cg_planned);
	if (!lets_go_of_cgroup(r))
		return;
	if (!r->done)
		cg_remove(&r->cg, NULL);
	cg_done(&r->cg);
	cg_system_done(&r->cg_system);
}

/* ---- the OOM score, which the first process inherits ---- */

#define OOM_SCORE "/proc/self/oom_score_adj"

static int write_oom_score(int value)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, OOM_SCORE, O_WRONLY, 0);
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", value);

	return fd < 0 ? fd : sys_write_all(fd, text, (size_t)len);
}

static int read_oom_score(int *out)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, OOM_SCORE, O_RDONLY, 0);
	char text[16] = "";
	ssize_t n = fd < 0 ? fd : sys_read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return (int)n;
	*out = atoi(text);
	return 0;
}

size_t want_oom_score(const struct run *r)
{
	return r->d->container && r->d->container->process.oom_score_adj_given;
}

/*
 * It cannot set its own: the file of a process that is not dumpable is root's, and where the
 * container has a user namespace it is nobody's root by then.
 */
int act_oom_score(struct run *r, size_t i)
{
	int wanted = r->d->container->process.oom_score_adj, code = read_oom_score(&r->oom_score);

	(void)i;
	r->failed = "process.oomScoreAdj";
	if (code < 0 || wanted == r->oom_score)
		return code;
	code = write_oom_score(wanted);
	r->oom_score_changed = code == 0;
	return code;
}

void undo_oom_score(struct run *r)
{
	if (r->oom_score_changed)
		write_oom_score(r->oom_score);
	r->oom_score_changed = false;
}

/* Not before the first process has left our memory: the kernel sets it for all that share one. */
int act_own_oom_score(struct run *r, size_t i)
{
	(void)i;
	undo_oom_score(r);
	return 0;
}

/* ---- what its keeper has to know ---- */

size_t want_keeper(const struct run *r)
{
	return r->keeper && r->keeper->process_made;
}

int act_keep(struct run *r, size_t i)
{
	(void)i;
	return r->keeper->process_made(r->keeper->arg, r->pid, r->err);
}

/* ---- hooks ---- */

/* The state in a memory file, which every hook reads from its beginning. */
static int text_file(const char *text)
{
	_cleanup_fd_ int fd = text ? sys_memfd_create("holm-state", MEMFD_CLOEXEC) : -ENOMEM;
	int code = fd < 0 ? fd : sys_write_all(fd, text, strlen(text));

	return code < 0 ? code : TAKE_FD(fd);
}

static int state_file(struct run *r, const char *status)
{
	_cleanup_free_ char *text = r->keeper->state(r->keeper->arg, r->pid, status);

	return text_file(text);
}

size_t want_host_hooks(const struct run *r)
{
	return want_setup_hooks(r);
}

static int run_all(struct run *r, const hooks *list, int state_fd)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < list->n; i++)
		code = hook_run(&list->items[i], state_fd, r->shared->failed);
	if (code < 0)
		r->failed = r->shared->failed;
	return code;
}

/* The first process says that all is mounted, and waits until we have run ours. */
int act_host_hooks(struct run *r, size_t i)
{
	struct wire_head head = { 0 };
	_cleanup_fd_ int fd =
		state_file(r, "created"); /* behind step 2 of the specification's life cycle */
	unsigned none = 0;
	ssize_t n;
	int code;

	(void)i;
	if (fd < 0)
		return fd;
	do {
		n = sys_recv_fds(r->control_fd[0], &head, sizeof(head), NULL, &none, 0);
	} while (n == -EINTR);
	if (n != sizeof(head) || head.type != WIRE_MOUNTED)
		return n < 0 ? (int)n : -ECANCELED;
	code = run_all(r, &r->d->hooks[HOOK_PRESTART], fd);
	if (code == 0)
		code = run_all(r, &r->d->hooks[HOOK_CREATE_RUNTIME], fd);
	if (code < 0)
		return code;
	head.type = WIRE_HOOKED;
	n = sys_send_fds(r->control_fd[0], &head, sizeof(head), &fd, 1);
	return n < 0 && n != -EPIPE ? (int)n : 0;
}

size_t want_state_file(const struct run *r)
{
	return r->d->hooks[HOOK_START_CONTAINER].n ||
	       (r->d->container && r->d->seal.filter_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

int act_state_file(struct run *r, size_t i)
{
	const struct keeper *k = r->keeper;
	_cleanup_free_ char *process = NULL;

	(void)i;
	if (r->d->hooks[HOOK_START_CONTAINER].n) {
		r->hooks_fd = state_file(r, "created");
		if (r->hooks_fd < 0)
			return r->hooks_fd;
	}
	if (!(r->d->seal.filter_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) || !k->process_state)
		return 0;
	process = k->process_state(k->arg, r->pid, r->d->container->seccomp->listener_metadata);
	r->process_fd = text_file(process);
	return r->process_fd < 0 ? r->process_fd : 0;
}

void undo_state_file(struct run *r)
{
	if (r->hooks_fd >= 0)
		close(r->hooks_fd);
	if (r->process_fd >= 0)
		close(r->process_fd);
	r->hooks_fd = r->process_fd = -1;
}

/* ---- the terminal ---- */

size_t want_send_console(const struct run *r)
{
	return r->d->pty && r->keeper && r->keeper->console_fd >= 0;
}

/* With its name, as engines expect it. */
int act_send_console(struct run *r, size_t i)
{
	static const char name[] = "/dev/ptmx";
	ssize_t n = sys_send_fds(r->keeper->console_fd, name, strlen(name), &r->master_fd, 1);

	(void)i;
	return n < 0 ? (int)n : 0;
}
