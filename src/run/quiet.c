/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/quiet.h"

#include <errno.h>
#include <signal.h>

#include "sys/fd.h"

/* The SIGPIPE that a write raises is kept back, and taken from the queue if it was ours. */
struct kept_back {
	sigset_t pipe_set, old, pending;
};

static void keep_back(struct kept_back *k)
{
	sigemptyset(&k->pipe_set);
	sigaddset(&k->pipe_set, SIGPIPE);
	sigpending(&k->pending);
	pthread_sigmask(SIG_BLOCK, &k->pipe_set, &k->old);
}

static void let_pass(const struct kept_back *k, ssize_t code)
{
	const struct timespec now = { 0, 0 };

	if (code == -EPIPE && !sigismember(&k->pending, SIGPIPE))
		sigtimedwait(&k->pipe_set, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &k->old, NULL);
}

ssize_t quiet_write(int fd, const void *data, size_t len)
{
	struct kept_back k;
	ssize_t n;

	keep_back(&k);
	n = sys_write(fd, data, len);
	let_pass(&k, n);
	return n;
}

int quiet_write_all(int fd, const void *data, size_t len)
{
	struct kept_back k;
	int r;

	keep_back(&k);
	r = sys_write_all(fd, data, len);
	let_pass(&k, r);
	return r;
}
