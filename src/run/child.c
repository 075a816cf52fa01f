/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * C, the first process of a box: joins, builds the root, starts the program, becomes the init.
 * It may share its parent's memory, so it works on its own copy of the run and leaves no trace in
 * the rest but the report.
 */
#include "run/run.h"
#include "sys/process.h"

static void keep_over_exec(int fd)
{
	if (fd >= 0)
		sys_fcntl(fd, F_SETFD, 0);
}

/* Replaces this process by the init program; its descriptors and the command's pid are its words.
 */
static int become_init(struct run *r)
{
	char control[24], parent[24], main_pid[24], flags[24];
	char *argv[] = { (char *)"holm-init", control, parent, main_pid, flags, NULL };
	char *envp[] = { NULL };
	bool services = r->d->services.n > 0;

	fs_put_u64(control, (uint64_t)r->control_fd[1], 10);
	fs_put_u64(parent, (uint64_t)(r->parent_pidfd >= 0 ? r->parent_pidfd : 0), 10);
	fs_put_u64(main_pid, (uint64_t)r->shared->main_pid, 10);
	fs_put_u64(flags, r->d->init_is_pid1, 10);
	keep_over_exec(r->control_fd[1]);
	keep_over_exec(r->parent_pidfd);
	keep_over_exec(r->spec->sync_fd);
	/* A reader of the command's output must see its end when the command ends. */
	for (int fd = 0; fd < 3 && !services; fd++)
		sys_close(fd);
	for (int fd = 0; fd < 3 && services && r->slave_fd >= 0; fd++)
		if (r->d->tty[fd])
			sys_dup3(r->slave_fd, fd, 0);
	r->report->code = -sys_execveat(r->init_fd, "", argv, envp, AT_EMPTY_PATH);
	r->report->failed = "execute the init";
	return 125;
}

/* In the new namespaces. */
static int first_process(void *arg)
{
	struct run r = *(struct run *)arg;
	int pid;

	if (stage_run(&r, STAGE_ROOT) < 0)
		return 125;
	if (r.d->as_pid1) {
		stage_run(&r, STAGE_SEAL);
		return 125;
	}
	pid = program_start(&r, r.memory->program_stack, r.d->share_memory);
	if (pid < 0) {
		if (!r.report->code)
			r.report->code = -pid;
		return 125;
	}
	r.shared->main_pid = pid;
	return become_init(&r);
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

	return r.d->joins ? join_and_clone(&r) : first_process(arg);
}
