/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that plays the network for a box: it is told of the box's first process, says when it
 * is ready, and ends with the box.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "run/box_net.h"
#include "sys/fd.h"
#include "sys/process.h"

#define PLAYER_END_MS 1000

int player_find(const char *name, char out[PLAYER_PATH_MAX])
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		if (len && *path == '/' && len + strlen(name) + 2 < PLAYER_PATH_MAX) {
			snprintf(out, PLAYER_PATH_MAX, "%.*s/%s", (int)len, path, name);
			if (sys_faccessat(AT_FDCWD, out, X_OK) == 0)
				return 0;
		}
		path += len;
	}
	return -ENOENT;
}

static bool is_program(const char *path)
{
	return sys_faccessat(AT_FDCWD, path, X_OK) == 0;
}

int player_find_own(const char *name, char out[PLAYER_PATH_MAX])
{
	ssize_t n;
	char *slash;

	snprintf(out, PLAYER_PATH_MAX, HOLM_LIBEXECDIR "/%s", name);
	if (is_program(out))
		return 0;
	n = sys_readlinkat(AT_FDCWD, "/proc/self/exe", out, PLAYER_PATH_MAX - 1);
	out[n < 0 ? 0 : n] = 0;
	slash = strrchr(out, '/');
	if (!slash || strlen(name) >= PLAYER_PATH_MAX - (size_t)(slash + 1 - out))
		return -ENOENT;
	strcpy(slash + 1, name);
	return is_program(out) ? 0 : -ENOENT;
}

struct start {
	const struct player *player;
	int ready_fd, said_fd, parent;
	uint64_t mask; /* of signals, as the caller has it */
};

/* In our memory, and we wait: until it executes the program, or ends. */
static int become(void *arg)
{
	const struct start *s = arg;

	if (s->player->ends_with_us) {
		sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (sys_getppid() != s->parent) /* who was killed before that was no help */
			return 1;
	}
	/* What the caller hands on to its children is not for this one. */
	sys_close_range(3, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
	for (size_t i = 0; i < s->player->n_fds; i++)
		sys_fcntl(s->player->fds[i], F_SETFD, 0);
	sys_dup3(s->ready_fd, 1, 0);
	sys_dup3(s->said_fd, 2, 0);
	sys_default_signals();
	sys_sigprocmask(SIG_SETMASK, &s->mask, NULL);
	return -sys_execve(s->player->path, s->player->argv, environ);
}

/* The last line that it said, without what is no text. */
static void last_line(int fd, char out[96])
{
	char text[2048];
	ssize_t n = sys_lseek(fd, 0, SEEK_SET) < 0 ? -1 : sys_read(fd, text, sizeof(text) - 1);
	const char *line;

	out[0] = 0;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n <= 0)
		return;
	text[n] = 0;
	line = strrchr(text, '\n');
	snprintf(out, 96, "%.95s", line ? line + 1 : text);
}

/* Then that is why nothing came of it. Its namespaces go a moment before it. */
static bool first_process_ended(const struct run *r)
{
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };

	return r->report->code || poll(&p, 1, 100) == 1;
}

/* It writes something when all is set up. */
static int await_ready(struct run *r, struct box_net *n, const struct start *s, int fd)
{
	char said[96], byte;
	ssize_t got;

	do {
		got = sys_read(fd, &byte, 1);
	} while (got == -EINTR);
	if (got == 1)
		return 0;
	player_end(n);
	if (first_process_ended(r))
		return lost_child(r);
	last_line(s->said_fd, said);
	return err_set(r->err, ECANCELED, "%s: %s", s->player->argv[0],
		       *said ? said : "ended before it was ready");
}

static int spawn(struct box_net *n, struct start *s)
{
	_cleanup_stack_ struct small_stack stack;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.exit_signal = SIGCHLD,
		.pidfd = (uintptr_t)&n->player_pidfd,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};
	uint64_t all = ~UINT64_C(0);

	s->parent = sys_getpid();
	sys_sigprocmask(SIG_SETMASK, &all, &s->mask);
	n->player_pid = sys_clone_fn(&args, become, s);
	sys_sigprocmask(SIG_SETMASK, &s->mask, NULL);
	return n->player_pid < 0 ? n->player_pid : 0;
}

int player_start(struct run *r, struct box_net *n, const struct player *p)
{
	_cleanup_fd_ int ready = -1, said = -1;
	struct start s = { .player = p };
	int fds[2], code;

	code = sys_pipe2(fds, 0);
	if (code < 0)
		return code;
	ready = fds[0];
	n->player_ends_itself = !p->ends_with_us;
	s.ready_fd = fds[1];
	said = s.said_fd = sys_memfd_create("said", 1U /* MFD_CLOEXEC */);
	code = said < 0 ? said : spawn(n, &s);
	close(fds[1]); /* so that its end is an end of file */
	return code == 0 ? await_ready(r, n, &s, ready) : code;
}

void player_end(struct box_net *n)
{
	struct pollfd p = { .fd = n->player_pidfd, .events = POLLIN };

	if (n->player_pidfd < 0)
		return;
	if (n->player_ends_itself) {
		sys_pidfd_send_signal(n->player_pidfd, SIGTERM);
		poll(&p, 1, PLAYER_END_MS);
	}
	sys_pidfd_send_signal(n->player_pidfd, SIGKILL);
	while (sys_wait4(n->player_pid, NULL, 0, NULL) == -EINTR)
		;
	close(TAKE_FD(n->player_pidfd));
}
