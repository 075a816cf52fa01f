/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fd.h"

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, data, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		data += n;
		len -= (size_t)n;
	}
	return 1;
}

struct head {
	uint64_t seq, len;
};

int worker_send(int fd, uint64_t seq, const char *data, size_t len)
{
	const struct head head = { seq, len };
	int r = send_all(fd, (const char *)&head, sizeof(head));

	return r < 0 ? r : send_all(fd, data, len);
}

int worker_receive(int fd, uint64_t *seq, struct buf *out)
{
	char block[65536];
	struct head head;
	int r = receive_all(fd, (char *)&head, sizeof(head));
	uint64_t left = r > 0 ? head.len : 0;

	if (r > 0)
		*seq = head.seq;
	while (r > 0 && left > 0) {
		size_t n = MIN(left, sizeof(block));

		r = receive_all(fd, block, n);
		if (r > 0)
			buf_put(out, block, n);
		left -= n;
	}
	return r > 0 && out->failed ? -ENOMEM : r;
}

/* Without words, which no job is: whatever runs is to end; else it means nothing. */
int worker_cancel(int fd)
{
	return worker_send(fd, 0, NULL, 0);
}

/* ---- in the worker ---- */

static int do_job(int fd, uint64_t seq, const struct buf *line, const struct holm_spec *base,
		  struct pool *pool)
{
	_cleanup_buf_ struct buf answer = { 0 };
	struct result result = { 0 };
	struct err e = { 0 };
	struct job job;
	int r;

	if (job_parse(&job, base, line->data, line->len, &e) < 0)
		result_refuse(&result, &e);
	else
		job_run(&job, pool, fd, &result);
	report_json(&answer, job.id, seq + 1, &result);
	r = answer.failed ? -ENOMEM : worker_send(fd, seq, answer.data, answer.len);
	job_done(&job);
	return r;
}

#define GRACE_MS 1 /* for the master to hand on the next job, if there is one */

/* Boxes are prepared while there is nothing else to do. */
static void prepare_while_idle(int fd, struct pool *pool)
{
	struct pollfd work = { fd, POLLIN, 0 };

	while (!pool_is_full(pool) && poll(&work, 1, GRACE_MS) == 0)
		pool_fill(pool);
}

static _Noreturn void work(int fd, const struct holm_spec *base, unsigned warm)
{
	struct pool *pool = warm ? pool_new(base, warm) : NULL;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	watch_keenly();
	/* What the master holds is not for us to keep open: clients wait for its end. */
	dup2(null_fd, 0);
	dup2(null_fd, 1);
	for (;;) {
		_cleanup_buf_ struct buf line = { 0 };
		uint64_t seq;

		prepare_while_idle(fd, pool);
		if (worker_receive(fd, &seq, &line) <= 0)
			break;
		if (line.len && do_job(fd, seq, &line, base, pool) < 0)
			break;
	}
	pool_free(pool);
	_exit(0);
}

/* ---- in the master ---- */

int worker_start(struct worker *w, const struct holm_spec *base, unsigned warm)
{
	int fds[2];
	pid_t pid;

	*w = (struct worker){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		/* All that is open but our own end. */
		if (fds[1] > 3)
			sys_close_range(3, (unsigned)fds[1] - 1, 0);
		sys_close_range((unsigned)fds[1] + 1, ~0U, 0);
		work(fds[1], base, warm);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -errno;
	}
	*w = (struct worker){ pid, fds[0] };
	return 0;
}

void worker_stop(struct worker *w)
{
	int status;

	if (w->fd < 0)
		return;
	close(w->fd);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	*w = (struct worker){ .fd = -1 };
}
