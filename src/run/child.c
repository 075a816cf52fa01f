/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * C, the first process of a box: joins, builds the root, becomes the init, which starts the
 * command. It may share its parent's memory, so it works on its own copy of the run and leaves no
 * trace in the rest but the report.
 */
#include "run/run.h"
#include "sys/process.h"

static void keep_over_exec(int fd)
{
	if (fd >= 0)
		sys_fcntl(fd, F_SETFD, 0);
}

/* What init and the command need is kept over the exec of the init, which then closes the rest. */
static void keep_descriptors(const struct run *r)
{
	const struct seal *seal = r->seal;

	keep_over_exec(r->control_fd[1]);
	keep_over_exec(r->report_fd[1]);
	keep_over_exec(r->parent_pidfd);
	keep_over_exec(r->slave_fd);
	keep_over_exec(r->spec->sync_fd);
	keep_over_exec(seal->block_fd);
	keep_over_exec(seal->start_fd);
	keep_over_exec(seal->listener_fd);
	keep_over_exec(r->label_fd);
	if (r->d->enters_pid_ns)
		keep_over_exec(r->d->enter_pidfd);
	for (size_t i = 0; i < seal->n_keep_fds; i++)
		keep_over_exec(seal->keep_fds[i]);
}

/* A descriptor, or a pid, as a word; "0" for none, which is never one of these. */
static char *fd_word(char *out, int fd)
{
	fs_put_u64(out, fd >= 0 ? (uint64_t)fd : 0, 10);
	return out;
}

/*
 * Replaces this process by the init program, and only that starts the command: as long as we share
 * the caller's memory nothing of the box may run, for /proc/1/mem would be that memory.
 */
static int become_init(struct run *r)
{
	char words[8][24];
	uint64_t flags = (r->d->init_is_pid1 ? INIT_IS_PID1 : 0) | (r->timed ? INIT_TIMED : 0) |
			 (r->d->container ? INIT_SEALS : 0);
	char *argv[] = { (char *)"holm-init",
			 fd_word(words[0], r->control_fd[1]),
			 fd_word(words[1], r->report_fd[1]),
			 fd_word(words[2], r->parent_pidfd),
			 fd_word(words[3], r->slave_fd),
			 fd_word(words[4], r->d->beside ? r->memory->beside.pid : -1),
			 words[5],
			 fd_word(words[6], r->label_fd),
			 fd_word(words[7], r->d->enters_pid_ns ? r->d->enter_pidfd : -1),
			 NULL };
	char *envp[] = { (char *)fault_text(r), NULL };

	fs_put_u64(words[5], flags, 10);
	keep_descriptors(r);
	r->shared->init_tried = 1;
	r->report->code = -sys_execveat(r->init_fd, "", argv, envp, AT_EMPTY_PATH);
	r->report->step = r->shared->at_step;
	r->report->failed = "execute the init";
	return 125;
}

/* In the new namespaces. */
static int first_process(void *arg)
{
	struct run r = *(struct run *)arg;

	sys_default_signals();
	if (stage_run(&r, STAGE_ROOT) < 0)
		return 125;
	if (!r.d->as_pid1)
		return become_init(&r);
	stage_run(&r, STAGE_SEAL);
	return 125;
}

/*
 * Joining comes before cloning, for two reasons: a namespace of the host can be entered only with
 * the caller's rights, not with those of a new user namespace; and a pid namespace is entered only
 * by the children of whoever calls setns(2). CLONE_PARENT makes the clone a child of P as well.
 */
static int join_and_clone(struct run *r)
{
	struct clone_args args = {
		.flags = r->d->clone_flags | CLONE_PARENT | CLONE_CLEAR_SIGHAND |
			 CLONE_PARENT_SETTID | (r->d->share_memory ? CLONE_VM : 0),
		.stack = (uintptr_t)r->memory->second_stack,
		.stack_size = STACK_SIZE,
		.parent_tid = (uintptr_t)&r->shared->init_pid,
	};
	int pid;

	/* A copy of the caller's memory goes where others are: none of them may look into it. */
	sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	close_keepers_fds(r);
	if (stage_run(r, STAGE_JOIN) < 0)
		return 125;
	/* It starts from the parent's copy, not from ours: our stack may be gone before it looks.
	 */
	pid = sys_clone_fn(&args, first_process, &r->memory->run);
	if (pid < 0) {
		r->report->code = -pid;
		r->report->failed = "clone after joining";
		return 125;
	}
	return 0;
}

int child_main(void *arg)
{
	struct run r = *(struct run *)arg;

	if (r.d->joins)
		return join_and_clone(&r);
	if (r.d->enters) {
		sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (stage_run(&r, STAGE_JOIN) < 0)
			return 125;
	}
	return first_process(arg);
}
