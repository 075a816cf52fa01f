/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One job: a box is prepared or taken from the pool, filled, launched, waited for, emptied. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "judge/judge.h"
#include "sys/process.h"

/* A job and its box. An interactive job has two: the program, and its interactor. */
struct actor {
	struct job *job;
	struct result *result;
	struct holm_box *box;
	int workspace_fd; /* belongs to the box */
	bool ended;
};

void result_refuse(struct result *r, const struct err *e)
{
	r->error = (struct holm_error){ .code = e->code ? e->code : EIO, .exit_code = 125 };
	snprintf(r->error.text, sizeof(r->error.text), "%s", e->text);
	if (e->step)
		snprintf(r->error.step, sizeof(r->error.step), "%s", e->step);
}

static int refuse(struct actor *a, const struct err *e)
{
	result_refuse(a->result, e);
	return -1;
}

static int refuse_spec(struct actor *a)
{
	a->result->error = *holm_error(a->job->spec);
	return -1;
}

/* ---- the start ---- */

static bool has_field(const struct holm_spec *spec, const char *name)
{
	const char *field, *value;

	for (size_t i = 0; holm_spec_entry(spec, i, &field, &value) == 0; i++)
		if (str_eq(field, name))
			return true;
	return false;
}

/*
 * All output goes by way of us, for which there has to be a limit: a descriptor of our own could be
 * opened again, if it is a file, or typed to, if it is a terminal. What is kept in memory, or goes
 * to a file that we have opened, needs a bound.
 */
static int bound_output(struct actor *a)
{
	const struct job *job = a->job;
	bool ours = !job->out.keep && !job->out.path && !job->err.keep && !job->err.path;

	if (has_field(job->spec, "output"))
		return 0;
	return holm_spec_set(job->spec, "output", ours ? OUTPUT_ENDLESS : OUTPUT_LIMIT) < 0
		       ? refuse_spec(a)
		       : 0;
}

static int open_stdio(struct actor *a, const int pipe_fds[2])
{
	struct job *job = a->job;
	_cleanup_fd_ int input = -1;
	struct err e = { 0 };
	int fds[3] = { pipe_fds[0], pipe_fds[1], -1 };

	if (bound_output(a) < 0)
		return -1;
	if (fds[0] < 0 && (job->input.given || job->out.keep)) {
		input = source_open(&job->input, "stdin", &e);
		if (input < 0)
			return refuse(a, &e);
		fds[0] = input;
	}
	if ((fds[1] < 0 && sink_open(&job->out, "stdout", &e) < 0) ||
	    sink_open(&job->err, "stderr", &e) < 0)
		return refuse(a, &e);
	fds[1] = fds[1] < 0 ? job->out.fd : fds[1];
	fds[2] = job->err.fd;
	/* The box keeps what it needs of them from the launch on; the input until then. */
	job->input_fd = TAKE_FD(input);
	return holm_spec_stdio(job->spec, fds);
}

static int fill(struct actor *a)
{
	struct err e = { 0 };
	int fd = holm_workspace(a->box);

	if (fd < 0 && (a->job->files_in.n || a->job->files_out.n))
		err_set(&e, ENOENT, "files: the box has no workspace (--work is in its place?)");
	else if (fd >= 0)
		files_put_in(a->job, fd, &e);
	a->workspace_fd = fd;
	return e.code ? refuse(a, &e) : 0;
}

/* 0, -EXDEV: the box does not fit, or -1: the result says what is wrong. */
static int launch(struct actor *a)
{
	int r = fill(a);

	if (r == 0)
		r = holm_launch(a->box, a->job->spec);
	if (r == 0)
		return 0;
	holm_free(TAKE_PTR(a->box));
	if (r == -EXDEV)
		return r;
	return a->result->error.code ? -1 : refuse_spec(a);
}

static int start(struct actor *a, struct pool *pool, const int pipe_fds[2])
{
	int r = open_stdio(a, pipe_fds);

	if (r < 0)
		return r;
	a->box = pool_take(pool, a->job->spec);
	if (a->box) {
		r = launch(a);
		if (r != -EXDEV)
			return r;
	}
	if (holm_prepare(a->job->spec, &a->box) < 0)
		return refuse_spec(a);
	return launch(a);
}

/* ---- the end ---- */

static void take_notes(struct actor *a)
{
	for (size_t i = 0; holm_note(a->job->spec, i); i++) {
		const char **slot = arena_push(a->job->arena, &a->result->notes.items,
					       &a->result->notes.n, sizeof(*slot));

		if (slot)
			*slot = arena_strdup(a->job->arena, holm_note(a->job->spec, i));
	}
}

static void finish(struct actor *a)
{
	const struct err lost = { .code = EIO, .text = "the box cannot be waited for" };
	struct job *job = a->job;
	struct result *r = a->result;

	a->ended = true;
	if (holm_verdict(a->box, &r->verdict) < 0) {
		refuse(a, &lost);
		return;
	}
	take_notes(a);
	if (job->out.keep && job->out.fd >= 0)
		r->out = sink_text(&job->out, job->arena);
	if (job->err.keep)
		r->err = sink_text(&job->err, job->arena);
	files_take_out(job, a->workspace_fd, r);
	check_answer(job, r);
}

#define SHORT_MS 4

/*
 * A job that is not over at once leaves time to prepare a box for a later one; a rush of short ones
 * takes what there is first. False: the caller has been told to stop.
 */
static bool wait_for(struct actor *actors, unsigned n, struct pool *pool, int stop_fd)
{
	struct pollfd fds[3] = { { stop_fd, POLLIN, 0 } };
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		struct holm_event event;

		if (!actors[i].ended && holm_wait(actors[i].box, &event, 0) != 0)
			finish(&actors[i]);
		left += !actors[i].ended;
		fds[i + 1].fd = actors[i].ended ? -1 : holm_poll_fd(actors[i].box);
		fds[i + 1].events = POLLIN;
	}
	if (!left)
		return true;
	if (poll(fds, n + 1, pool_is_full(pool) ? -1 : SHORT_MS) == 0)
		pool_fill(pool);
	return !(fds[0].revents & (POLLIN | POLLHUP));
}

static void wait_all(struct actor *actors, unsigned n, struct pool *pool, int stop_fd)
{
	const struct err stopped = { .code = ECANCELED, .text = "interrupted" };
	bool go_on = true;

	for (unsigned left = n; left && go_on;) {
		go_on = wait_for(actors, n, pool, stop_fd);
		left = 0;
		for (unsigned i = 0; i < n; i++)
			left += !actors[i].ended;
	}
	for (unsigned i = 0; i < n; i++)
		if (!actors[i].ended)
			refuse(&actors[i], &stopped);
}

/* ---- all of it ---- */

#define SLICE_NS      100000 /* the shortest that Linux takes */
#define RESET_ON_FORK 1      /* SCHED_FLAG_RESET_ON_FORK */

/*
 * Who watches sleeps most of the time, and then has to be quicker than who is watched. Since Linux
 * 6.12 a process may say that it only ever runs for a moment, and is woken the sooner for it
 * (sched_setattr(2)); before, this changes nothing. What it starts has the usual slice again.
 */
void watch_keenly(void)
{
	const struct sys_sched_attr attr = {
		.size = sizeof(attr),
		.flags = RESET_ON_FORK,
		.runtime_ns = SLICE_NS,
	};

	sys_sched_setattr(&attr);
}

/* What one writes the other reads: for each actor what it reads from, and what it writes to. */
static int join_actors(struct actor *actors, unsigned n, int ends[2][2])
{
	int there[2], back[2];

	if (n < 2)
		return 0;
	if (sys_pipe2(there, 0) < 0)
		return -EMFILE;
	if (sys_pipe2(back, 0) < 0) {
		close(there[0]);
		close(there[1]);
		return -EMFILE;
	}
	ends[0][0] = back[0];
	ends[0][1] = there[1];
	ends[1][0] = there[0];
	ends[1][1] = back[1];
	actors[0].job->out.keep = actors[1].job->out.keep = false;
	return 0;
}

void job_run(struct job *job, struct pool *pool, int stop_fd, struct result *out)
{
	struct result other = { 0 };
	struct actor actors[2] = { { .job = job, .result = out, .workspace_fd = -1 },
				   { .job = job->interactor, .workspace_fd = -1 } };
	unsigned n = job->interactor ? 2 : 1;
	int ends[2][2] = { { -1, -1 }, { -1, -1 } };
	const struct err no_pipe = { .code = EMFILE, .text = "interactor: cannot make a pipe" };
	bool good = true;

	if (n == 2) {
		out->interactor = arena_alloc(job->arena, sizeof(*out->interactor));
		actors[1].result = out->interactor ? out->interactor : &other;
	}
	if (join_actors(actors, n, ends) < 0) {
		refuse(&actors[0], &no_pipe);
		return;
	}
	for (unsigned i = n; good && i-- > 0;)
		good = start(&actors[i], pool, ends[i]) == 0;
	for (unsigned i = 0; i < 4; i++)
		cleanup_fd(&ends[i / 2][i % 2]);
	if (good)
		wait_all(actors, n, pool, stop_fd);
	for (unsigned i = 0; i < n; i++)
		holm_free(actors[i].box);
	if (!good && n == 2 && !out->error.code)
		*out = *actors[1].result; /* the interactor's trouble is the job's */
}
