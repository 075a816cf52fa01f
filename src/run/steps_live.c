/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The acts of LIVE: what the parent hears of who has become the box, and whether it is to be
 * believed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "run/run.h"
#include "run/watch.h"
#include "run/wire.h"
#include "sys/process.h"
#include "sys/sock.h"

/* Gone without a word: what it was doing last is what it was killed at. */
int lost_child(struct run *r)
{
	if (r->report->code) /* not without a word */
		return -r->report->code;
	*r->report = (struct report){
		.code = ECANCELED,
		.step = r->shared->at_step,
		.item = r->shared->at_item,
		.failed = "killed meanwhile",
	};
	return -ECANCELED;
}

/*
 * Waits for word from C; false: it has ended, or hung up. The end of the process counts as well:
 * copies of its channels may be held by others in its pid namespace, and by a child that another
 * thread of the caller has forked meanwhile.
 */
bool run_hears(const struct run *r, int fd)
{
	struct pollfd fds[2] = { { fd, POLLIN, 0 }, { r->pidfd, POLLIN, 0 } };
	int n;

	if (r->d->container && !r->d->joins && !r->d->enters)
		return true; /* one sees it by reading */
	do {
		n = sys_poll(fds, 2, -1);
	} while (n == -EINTR);
	return fds[0].revents != 0;
}

/*
 * For the same reason the init's word counts without the end of the report's pipe. Where the box's
 * terminal comes first, word on the channel does not mean that: C goes on after it.
 */
bool run_set_up(const struct run *r)
{
	struct pollfd fds[3] = { { r->report_fd[0], POLLIN, 0 },
				 { r->pidfd, POLLIN, 0 },
				 { r->control_fd[0], POLLIN, 0 } };
	int n;

	if (r->d->as_pid1 || r->d->container || want_terminal(r))
		return run_hears(r, r->report_fd[0]);
	do {
		n = sys_poll(fds, 3, -1);
	} while (n == -EINTR);
	return fds[0].revents != 0;
}

int act_live_terminal(struct run *r, size_t i)
{
	struct wire_head head;
	unsigned n_fds = 1;
	ssize_t n = 0;

	(void)i;
	if (run_hears(r, r->control_fd[0]))
		n = sys_recv_fds(r->control_fd[0], &head, sizeof(head), &r->master_fd, &n_fds, 0);
	if (n <= 0)
		return lost_child(r);
	return n == sizeof(head) && head.type == WIRE_TERMINAL && n_fds == 1 ? 0 : -EPROTO;
}

/*
 * The channel is closed by exec and by death alike. Who lives has executed; who is dead has no
 * executable any more (proc(5)), but the name that it had last.
 */
static bool died_before_exec(const struct run *r)
{
	char path[32], name[16] = "";
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/exe", r->pid);
	if (sys_readlinkat(AT_FDCWD, path, name, sizeof(name)) != -ENOENT)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", r->pid);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0 || sys_read(fd, name, sizeof(name) - 1) < 0)
		return false;
	return !r->shared->init_tried || strstr(name, "holm-init");
}

static unsigned first_of_seal(const struct run *r)
{
	unsigned i = 0;

	while (r->steps[i].stage != STAGE_SEAL)
		i++;
	return i;
}

/* Nor is a row or an error taken for true: somebody inside may have got hold of the channel. */
static bool is_plausible(const struct run *r, unsigned seal, const struct wire_started *s)
{
	return s->code > 0 && s->code < 4096 && s->step < r->n_steps - seal &&
	       s->item < MAX(r->steps[seal + s->step].count(r), (size_t)1);
}

/* A failure of SEAL is told as such: the report names its row, not ours. */
int act_started(struct run *r, size_t i)
{
	struct {
		struct wire_head head;
		struct wire_started started;
	} packet = { 0 };
	struct shared *shared = r->shared;
	unsigned none = 0, seal = first_of_seal(r);
	ssize_t n = 0;

	(void)i;
	if (run_hears(r, r->control_fd[0]))
		n = sys_recv_fds(r->control_fd[0], &packet, sizeof(packet), NULL, &none, 0);
	/* What is executed at once says so by closing the channel. */
	if (n == 0 && r->d->container && !r->seal->await_start && !r->report->code)
		return died_before_exec(r) ? lost_child(r) : 0;
	if (n < (ssize_t)sizeof(packet) || packet.head.type != WIRE_STARTED)
		return lost_child(r);
	shared->main_pid = packet.started.pid;
	if (r->watch)
		r->watch->setup_cpu_ns = packet.started.setup_cpu_ns;
	memcpy(&shared->step_ns[seal], packet.started.step_ns, sizeof(packet.started.step_ns));
	if (packet.started.code == 0)
		return 0;
	if (!is_plausible(r, seal, &packet.started))
		return lost_child(r);
	memcpy(shared->failed, packet.started.failed, sizeof(shared->failed));
	shared->failed[sizeof(shared->failed) - 1] = 0;
	*r->report = (struct report){
		.code = packet.started.code,
		.step = seal + packet.started.step,
		.item = packet.started.item,
		.failed = *shared->failed ? shared->failed : NULL,
	};
	return -packet.started.code;
}

void undo_live_terminal(struct run *r)
{
	cleanup_fd(&r->master_fd);
	r->master_fd = -1;
}
