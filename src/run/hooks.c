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

	sys_default_signals();
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

/* "/path/of/hook: it ended with exit code 3" */
static void say(char failed[HOOK_FAILED], const struct hook *h, const char *what, int number)
{
	char *end = failed + HOOK_FAILED - 24, *at = fs_put_str(failed, end - 40, h->program.path);

	at = fs_put_str(at, end, ": ");
	at = fs_put_str(at, end, what);
	if (number >= 0)
		fs_put_u64(at, (uint64_t)number, 10);
}

static int result(const struct hook *h, int status, char failed[HOOK_FAILED])
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		say(failed, h, "it ended with exit code ", WEXITSTATUS(status));
	else
		say(failed, h, "it was killed by signal ", WTERMSIG(status));
	return -ECANCELED;
}

int hook_run(const struct hook *h, int state_fd, char failed[HOOK_FAILED])
{
	_cleanup_stack_ struct small_stack stack;
	int pidfd = -1, status = 0, pid, code, ended;
	struct hook_start start = { .hook = h, .state_fd = state_fd };
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&pidfd,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};

	sys_lseek(state_fd, 0, SEEK_SET);
	say(failed, h, "start it", -1);
	pid = sys_clone_fn(&args, hook_main, &start);
	if (pid < 0)
		return pid;
	say(failed, h, "wait for it", -1);
	code = await(pidfd, h->timeout_s);
	ended = sys_wait4(pid, &status, __WALL, NULL);
	sys_close(pidfd);
	if (ended < 0 && code == 0) /* how it ended nobody knows: that is no success */
		code = ended;
	if (start.code < 0) {
		say(failed, h, "execute it", -1);
		return start.code;
	}
	if (code == -ETIMEDOUT)
		say(failed, h, "its time was up", -1);
	return code < 0 ? code : result(h, status, failed);
}
