/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/run.h"
#include "sys/process.h"

static int program_main(void *arg)
{
	struct run r = *(struct run *)arg; /* a copy: the cloner goes on with its own */

	stage_run(&r, STAGE_SEAL);
	return 125; /* a SEAL that succeeds ends in exec */
}

/*
 * The cloner sleeps until the program is executed or has failed (CLONE_VFORK), so the stack is free
 * again when this returns.
 */
int program_start(struct run *r, void *stack)
{
	struct clone_args args = {
		.flags = CLONE_VFORK | CLONE_CLEAR_SIGHAND | CLONE_VM,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = STACK_SIZE,
	};
	int pid = sys_clone_fn(&args, program_main, r);

	if (pid < 0 || r->report->code)
		return pid < 0 ? pid : -r->report->code;
	return pid;
}
