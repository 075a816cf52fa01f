/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * P: runs its rows of the table, waits for the child to be done with its own, and on any failure
 * walks the undo column backwards. A box that started is handed on as `struct box`.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/run.h"
#include "run/watch.h"
#include "sys/process.h"

void run_init(struct run *r, const struct spec *s)
{
	*r = (struct run){
		.spec = s,
		.d = &s->d,
		.seal = &s->d.seal,
		.program = &s->d.main,
		.steps = steps,
		.n_steps = n_steps,
		.fs = FS_INIT,
		.pidfd = -1,
		.stdio = STDIO_GUARD_INIT,
		.report_fd = { -1, -1 },
		.control_fd = { -1, -1 },
		.parent_pidfd = -1,
		.init_fd = -1,
		.master_fd = -1,
		.workspace_fd = -1,
		.slave_fd = -1,
		.controlling_fd = -1,
		.winsize = { .ws_row = 24, .ws_col = 80 },
		.start_hooks = &s->d.hooks[HOOK_START_CONTAINER],
		.hooks_fd = -1,
		.process_fd = -1,
		.label_fd = -1,
		.started_fd = -1,
		.rdt_fd = -1,
		.cg = CG_INIT,
		.cg_planned = CG_INIT,
		.unit = CG_UNIT_INIT,
	};
	for (int i = 0; i < NS_COUNT; i++)
		r->join_fd[i] = -1;
}

static void undo_from(struct run *r, unsigned n)
{
	while (n-- > 0)
		if (r->steps[n].undo)
			r->steps[n].undo(r);
}

/*
 * The pipe closes when C, its init and X have each executed something or are gone. True: no failure
 * is known. Without an init a death without a word is told as that of the step that was under way;
 * with one, what it says comes next (act_started).
 */
static bool set_up_done(struct run *r)
{
	char byte;
	ssize_t n = 0;

	if (run_set_up(r))
		do {
			n = sys_read(r->report_fd[0], &byte, 1);
		} while (n == -EINTR);
	if (n > 0)
		fault_asked();
	if (r->report->code == 0 && !r->shared->exec_tried && r->d->as_pid1)
		*r->report = (struct report){
			.code = ECANCELED,
			.step = r->shared->at_step,
			.item = r->shared->at_item,
			.failed = "killed meanwhile",
		};
	return r->report->code == 0;
}

static int start_failed(struct run *r, struct err *e)
{
	const struct report *what = r->report;
	int code = what->code;
	bool oom = box_cgroup_is_full(r);

	undo_from(r, r->n_started);
	code = words_failure(r, &r->steps[what->step], what->item, code, what->failed, e);
	if (oom)
		err_append(e, " (--memory is too little to start with)");
	return code;
}

/* HOST, CLONE, LINK; and meanwhile the child's stages up to the init. */
static int run_prepare(struct run *r)
{
	static const enum stage stages[] = { STAGE_HOST, STAGE_CLONE, STAGE_LINK };

	for (unsigned i = 0; i < ARRAY_SIZE(stages); i++)
		if (stage_run(r, stages[i]) < 0)
			return -1;
	return 0;
}

/* LAUNCH, the rest of the child's, LIVE. */
static int run_launch(struct run *r)
{
	if (stage_run(r, STAGE_LAUNCH) < 0 || !set_up_done(r))
		return -1;
	return stage_run(r, STAGE_LIVE);
}

static size_t step_index(const char *name)
{
	size_t i = 0;

	while (i + 1 < n_steps && !str_eq(steps[i].name, name))
		i++;
	return i;
}

static struct shared *shared_new(void)
{
	void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void box_take(struct box *b, struct run *r)
{
	b->pid = r->pid;
	b->pidfd = TAKE_FD(r->pidfd);
	b->control_fd = TAKE_FD(r->control_fd[0]);
	b->master_fd = TAKE_FD(r->master_fd);
	b->workspace_fd = TAKE_FD(r->workspace_fd);
	b->prepared = false;
	b->has_init = !r->d->as_pid1 && !r->d->container;
	b->next_id = 1;
	b->watch = r->watch;
	if (b->watch) {
		b->watch->main_pid = box_main_pid(b);
		b->watch->main_pidfd =
			b->watch->main_pid > 0 ? sys_pidfd_open(b->watch->main_pid, 0) : -1;
	}
	r->done = true;
	undo_from(r, r->n_started); /* what is left is of no more use: descriptors, stacks */
}

static int prepare(const struct spec *s, const struct keeper *k, bool timed, struct box **out,
		   struct err *e)
{
	_cleanup_free_ struct box *b = calloc(1, sizeof(*b));
	_cleanup_free_ struct run *r = malloc(sizeof(*r));
	_cleanup_(stdio_guard_end) struct stdio_guard stdio = STDIO_GUARD_INIT;
	int code = stdio_guard(&stdio);

	if (code < 0)
		return err_errno(e, -code, "/dev/null, for a standard descriptor that is closed");
	if (!b || !r)
		return err_errno(e, ENOMEM, "start a box");
	run_init(r, s);
	r->stdio = stdio;
	r->err = e;
	r->timed = timed;
	r->keeper = k;
	r->shared = shared_new();
	if (!r->shared)
		return err_errno(e, ENOMEM, "start a box");
	r->report = &r->shared->report;
	r->shared->at_step = (unsigned)step_index("clone");
	if (s->d.pty && ioctl(0, TIOCGWINSZ, &r->winsize) < 0)
		ioctl(1, TIOCGWINSZ, &r->winsize);
	if (s->d.rows && s->d.columns) {
		r->winsize.ws_row = s->d.rows;
		r->winsize.ws_col = s->d.columns;
	}
	fault_setup(r, environ);
	if (run_prepare(r) < 0) {
		code = start_failed(r, e);
		free(r->limits_note);
		munmap(r->shared, sizeof(*r->shared));
		return code;
	}
	b->pidfd = b->control_fd = b->master_fd = b->workspace_fd = -1;
	b->prepared = true;
	b->run = TAKE_PTR(r);
	*out = TAKE_PTR(b);
	return 0;
}

static int launch(struct box *b, struct err *e)
{
	_cleanup_(stdio_guard_end) struct stdio_guard stdio = STDIO_GUARD_INIT;
	struct run *r = b->run;
	int code = stdio_guard(&stdio);

	if (code < 0)
		return err_errno(e, -code, "/dev/null, for a standard descriptor that is closed");
	r->err = e;
	if (run_launch(r) < 0) {
		b->prepared = false;
		b->ended = true;
		return start_failed(r, e);
	}
	box_take(b, r);
	return 0;
}

static int start(const struct spec *s, const struct keeper *k, bool timed, struct box **out,
		 struct err *e)
{
	struct box *b = NULL;
	int code = prepare(s, k, timed, &b, e);

	if (code == 0)
		code = launch(b, e);
	if (code == 0)
		*out = b;
	else
		box_free(b);
	return code;
}

int box_prepare(const struct spec *s, bool timed, struct box **out, struct err *e)
{
	return prepare(s, NULL, timed, out, e);
}

int box_launch(struct box *b, const struct spec *s, struct err *e)
{
	struct run *r = b->run;

	if (!b->prepared)
		return err_set(e, EALREADY, "the box has been launched already");
	r->late = true;
	r->spec = s;
	r->d = &s->d;
	r->seal = &s->d.seal;
	r->program = &s->d.main;
	return launch(b, e);
}

int box_start(const struct spec *s, bool timed, struct box **out, struct err *e)
{
	return start(s, NULL, timed, out, e);
}

int container_start(const struct spec *s, const struct keeper *k, struct box **out, struct err *e)
{
	return start(s, k, false, out, e);
}

/* Ends what still runs, waits until it is gone, and frees. */
void box_free(struct box *b)
{
	int status;

	if (!b)
		return;
	if (b->prepared) {
		undo_from(b->run, b->run->n_started);
	} else if (!b->ended) {
		sys_pidfd_send_signal(b->pidfd, SIGKILL);
		while (waitpid(b->pid, &status, __WALL) < 0 && errno == EINTR)
			;
		box_ended(b, NULL);
	}
	box_forget(b);
}

void box_forget(struct box *b)
{
	if (!b)
		return;
	cleanup_fd(&b->pidfd);
	cleanup_fd(&b->control_fd);
	cleanup_fd(&b->master_fd);
	cleanup_fd(&b->workspace_fd);
	watch_free(b->watch);
	munmap(b->run->shared, sizeof(*b->run->shared));
	free(b->run->limits_note);
	free(b->run);
	free(b);
}
