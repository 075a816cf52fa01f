/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one hook and waits for it: in P, in C and in the init alike, so child-safe. The hook reads
 * the container's state from its standard input, a memory file.
 */
#include <sys/wait.h>

#include "run/run.h"
#include "sys/process.h"

struct hook_start {
	const struct hook *hook;
	int state_fd;
	int code; /* why it could not be executed */
};

static int hook_main(void *arg)
{
	struct hook_start *s = arg;
	const struct program *p = &s->hook->program;
	uint64_t none = 0;

	sys_sigprocmask(SIG_SETMASK, &none, NULL);
	s->code = sys_dup3(s->state_fd, 0, 0);
	if (s->code >= 0)
		s->code = sys_execve(p->path, p->argv, p->envp);
	return 127;
}

/* Until it has ended; it is killed when its time is up. */
static int await(int pidfd, uint32_t timeout_s)
{
	struct pollfd fd = { pidfd, POLLIN, 0 };
	int n;

	do {
		n = sys_poll(&fd, 1, timeout_s ? (int64_t)timeout_s * 1000 : -1);
	} while (n == -EINTR);
	if (n != 0)
		return n < 0 ? n : 0;
	sys_pidfd_send_signal(pidfd, SIGKILL);
	return -ETIMEDOUT;
}

static int result(int status, const char **failed)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	*failed = WIFEXITED(status) ? "it ended with an error" : "it was killed by a signal";
	return -ECANCELED;
}

int hook_run(const struct hook *h, int state_fd, const char **failed)
{
	_Alignas(16) char stack[8192];
	int pidfd = -1, status = 0, pid, code;
	struct hook_start start = { .hook = h, .state_fd = state_fd };
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&pidfd,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};

	sys_lseek(state_fd, 0, SEEK_SET);
	*failed = "start it";
	pid = sys_clone_fn(&args, hook_main, &start);
	if (pid < 0)
		return pid;
	*failed = "wait for it";
	code = await(pidfd, h->timeout_s);
	sys_wait4(pid, &status, __WALL, NULL);
	sys_close(pidfd);
	if (start.code < 0) {
		*failed = "execute it";
		return start.code;
	}
	if (code == -ETIMEDOUT)
		*failed = "its time was up";
	return code < 0 ? code : result(status, failed);
}
