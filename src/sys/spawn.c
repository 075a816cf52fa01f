/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts a program that lives on without us. posix_spawn(3) would do, but only one C library has a
 * word in it for "and close everything else", and a descriptor of the caller's must not live on in
 * it.
 */
#include "sys/process.h"

struct spawn {
	const char *path;
	char *const *argv, *const *envp;
	const int *fds;
	uint64_t mask; /* of signals, as the caller has it */
	int code;
};

/* In our memory, and we wait: until it executes the program, or ends. */
static int become(void *arg)
{
	struct spawn *s = arg;
	int high[3];

	for (int i = 0; i < 3; i++) { /* away from the numbers that they are to have */
		high[i] = sys_fcntl(s->fds[i], F_DUPFD_CLOEXEC, 3);
		if (high[i] < 0)
			return -(s->code = high[i]);
	}
	for (int i = 0; i < 3; i++)
		sys_dup3(high[i], i, 0);
	sys_close_range(3, ~0U, 0);
	sys_setsid();
	sys_default_signals();
	sys_sigprocmask(SIG_SETMASK, &s->mask, NULL);
	s->code = sys_execve(s->path, s->argv, s->envp);
	return -s->code;
}

int sys_spawn(const char *path, char *const argv[], char *const envp[], const int fds[3])
{
	_cleanup_stack_ struct small_stack stack;
	struct spawn s = { path, argv, envp, fds, 0, 0 };
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};
	uint64_t all = ~UINT64_C(0);
	int pid;

	sys_sigprocmask(SIG_SETMASK, &all, &s.mask);
	pid = sys_clone_fn(&args, become, &s);
	sys_sigprocmask(SIG_SETMASK, &s.mask, NULL);
	if (pid < 0 || s.code == 0)
		return pid;
	while (sys_wait4(pid, NULL, 0, NULL) == -EINTR)
		;
	return s.code;
}
