/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the command writes, on its way to where it belongs. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/quiet.h"
#include "run/watch.h"
#include "sys/process.h"

#define ROUNDS 64 /* in one call, so that a flood on one stream does not hold up the others */

int stream_open(struct stream *s, int to, int *child_fd)
{
	_cleanup_fd_ int copy = sys_fcntl(to, F_DUPFD_CLOEXEC, 3);
	int pipe_fd[2], code;

	if (copy < 0)
		return copy;
	code = sys_pipe2(pipe_fd, 0);
	if (code < 0)
		return code;
	sys_fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
	s->from = pipe_fd[0];
	s->to = TAKE_FD(copy);
	*child_fd = pipe_fd[1];
	return 0;
}

void stream_close(struct stream *s)
{
	cleanup_fd(&s->from);
	cleanup_fd(&s->to);
	s->from = s->to = -1;
}

/*
 * A pipe that can be written to takes a page of it without blocking, whatever its flags say, and
 * they are not ours to change. A regular file always does.
 */
static bool has_room(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	return sys_poll(&p, 1, 0) > 0;
}

/* False: it has to wait, or nobody reads on. */
static bool pass_on(struct stream *s, bool last)
{
	while (s->at < s->n) {
		ssize_t n;

		if (!last && !has_room(s->to)) {
			s->waits = true;
			return false;
		}
		n = quiet_write(s->to, s->data + s->at,
				last ? s->n - s->at : MIN(s->n - s->at, 4096));
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN) {
			struct pollfd p = { s->to, POLLOUT, 0 };

			s->waits = !last;
			if (s->waits)
				return false;
			sys_poll(&p, 1, -1);
			continue;
		}
		if (n <= 0) { /* the command hears of it as it would without us: its pipe breaks */
			stream_close(s);
			return false;
		}
		s->at += (size_t)n;
	}
	s->waits = false;
	return true;
}

uint64_t stream_pump(struct stream *s, uint64_t room, bool last)
{
	uint64_t read = 0;

	for (int i = 0; s->from >= 0 && (last || i < ROUNDS); i++) {
		ssize_t n;

		if (!pass_on(s, last))
			break;
		n = sys_read(s->from, s->data, sizeof(s->data));
		if (n == -EINTR)
			continue;
		if (n == 0)
			stream_close(s);
		if (n <= 0)
			break;
		s->at = 0;
		s->n = room > read ? (size_t)MIN((uint64_t)n, room - read) : 0;
		read += (uint64_t)n;
	}
	return read;
}
