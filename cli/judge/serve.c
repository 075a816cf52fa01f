/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gives jobs, and who does them. One process, the master, reads lines from a file or from
 * clients on a socket, keeps a short queue, and hands each line to a worker that is free. What is
 * not read stays with who wrote it: that is all the back-pressure there is.
 *
 * On SIGTERM nothing more is read, what was read is finished, and then it ends; a second one ends
 * what runs, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "judge/line.h"
#include "judge/worker.h"

#define WORKERS_MAX 256
#define CLIENTS_MAX 256
#define WINDOW      32 /* lines of one client that are on their way, for each worker */
#define UNSENT_MAX  (4U << 20)

struct request {
	struct request *next;
	unsigned client;
	uint64_t visit; /* of the client: its place may be another's by now */
	uint64_t seq;
	size_t len;
	char line[];
};

/* A result that has to wait for an earlier one. */
struct held {
	struct held *next;
	uint64_t seq;
	size_t len;
	char line[];
};

struct client {
	int in_fd, out_fd; /* out -1: the place is free */
	bool eof;          /* nothing more comes */
	uint64_t visit;
	uint64_t n_read, n_done;
	struct line_reader lines;
	struct buf unsent;
	struct held *held;      /* by seq */
	unsigned in_at, out_at; /* what is polled for it; 0: nothing */
};

struct helper {
	struct worker worker;
	struct request *busy; /* NULL: it is free */
	unsigned at;          /* what is polled for it; 0: nothing */
};

struct master {
	const struct serve *how;
	struct helper helpers[WORKERS_MAX];
	struct client clients[CLIENTS_MAX];
	struct request *first, *last;
	size_t n_queued;
	int signal_fd, listen_fd;
	uint64_t visits;
	bool stopping, socket_made;
	bool at_once; /* what runs is ended, too */
	bool bad;     /* a result could not be written */
	bool crowded; /* no further client can be taken at the moment */
	unsigned n_fds;
	struct pollfd fds[2 + WORKERS_MAX + 2 * CLIENTS_MAX];
};

/* ---- clients ---- */

static bool is_open(const struct client *c)
{
	return c->out_fd >= 0;
}

static void client_close(struct client *c)
{
	if (c->in_fd > 2)
		close(c->in_fd);
	if (c->out_fd > 2 && c->out_fd != c->in_fd)
		close(c->out_fd);
	line_reader_done(&c->lines);
	buf_done(&c->unsent);
	while (c->held) {
		struct held *next = c->held->next;

		free(c->held);
		c->held = next;
	}
	*c = (struct client){ .in_fd = -1, .out_fd = -1 };
}

static struct client *client_new(struct master *m, int in_fd, int out_fd)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (is_open(c))
			continue;
		*c = (struct client){ .in_fd = in_fd, .out_fd = out_fd, .visit = ++m->visits };
		return c;
	}
	return NULL;
}

static bool may_read(const struct master *m, const struct client *c)
{
	return is_open(c) && !m->stopping && c->unsent.len < UNSENT_MAX &&
	       c->n_read - c->n_done < (uint64_t)WINDOW * m->how->workers;
}

/* Of a socket: without blocking. A file or a pipe may block us; its reader is all we work for. */
static void client_send(struct master *m, struct client *c)
{
	size_t at = 0;

	while (at < c->unsent.len) {
		bool is_socket = c->in_fd == c->out_fd;
		ssize_t n = is_socket ? send(c->out_fd, c->unsent.data + at, c->unsent.len - at,
					     MSG_DONTWAIT | MSG_NOSIGNAL)
				      : write(c->out_fd, c->unsent.data + at, c->unsent.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) { /* it has gone; what it asked for is nobody's */
			m->bad |= !is_socket;
			client_close(c);
			return;
		}
		at += (size_t)n;
	}
	memmove(c->unsent.data, c->unsent.data + at, c->unsent.len - at);
	c->unsent.len -= at;
}

/* All is read, done and sent. */
static void client_end(struct client *c)
{
	if (is_open(c) && c->eof && line_is_empty(&c->lines) && c->n_done == c->n_read &&
	    !c->unsent.len)
		client_close(c);
}

static void release_held(struct client *c)
{
	while (c->held && c->held->seq == c->n_done) {
		struct held *h = c->held;

		buf_put(&c->unsent, h->line, h->len);
		c->n_done++;
		c->held = h->next;
		free(h);
	}
}

static void hold(struct client *c, uint64_t seq, const char *line, size_t len)
{
	struct held **at = &c->held, *h = malloc(sizeof(*h) + len);

	if (!h) { /* out of order is better than lost */
		buf_put(&c->unsent, line, len);
		return;
	}
	h->seq = seq;
	h->len = len;
	memcpy(h->line, line, len);
	while (*at && (*at)->seq < seq)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
}

static void deliver(struct master *m, const struct request *q, const char *line, size_t len)
{
	struct client *c = &m->clients[q->client];

	if (!is_open(c) || c->visit != q->visit)
		return;
	if (m->how->in_order && q->seq != c->n_done) {
		hold(c, q->seq, line, len);
		return;
	}
	buf_put(&c->unsent, line, len);
	c->n_done++;
	release_held(c);
	client_send(m, c);
}

static void deliver_error(struct master *m, const struct request *q, const char *why)
{
	struct err e = { .code = EIO };
	struct buf line = { 0 };
	struct result r = { 0 };

	snprintf(e.text, sizeof(e.text), "%s", why);
	result_refuse(&r, &e);
	report_json(&line, NULL, q->seq + 1, &r);
	if (line.data)
		deliver(m, q, line.data, line.len);
	buf_done(&line);
}

/* ---- the queue ---- */

static void enqueue(struct master *m, struct client *c, const char *line, size_t len)
{
	struct request *q = malloc(sizeof(*q) + len);

	if (!q) {
		client_close(c);
		return;
	}
	*q = (struct request){ .client = (unsigned)(c - m->clients),
			       .visit = c->visit,
			       .seq = c->n_read++,
			       .len = len };
	memcpy(q->line, line, len);
	if (m->last)
		m->last->next = q;
	else
		m->first = q;
	m->last = q;
	m->n_queued++;
}

static struct request *dequeue(struct master *m)
{
	struct request *q = m->first;

	if (!q)
		return NULL;
	m->first = q->next;
	if (!m->first)
		m->last = NULL;
	m->n_queued--;
	return q;
}

static void take_lines(struct master *m, struct client *c)
{
	const char *line;
	size_t len;

	while (may_read(m, c) && line_next(&c->lines, &line, &len))
		if (line_has_words(line, len))
			enqueue(m, c, line, len);
}

static void client_read(struct master *m, struct client *c)
{
	int r = line_read(&c->lines, c->in_fd);

	if (r == -EAGAIN)
		return;
	if (r == -EFBIG) {
		out_error("judge: a line is longer than 64 MiB");
		m->bad = true;
	}
	if (r > 0)
		return;
	line_end(&c->lines);
	c->eof = true;
	if (r < 0 && r != -EFBIG && c->in_fd == c->out_fd)
		client_close(c);
}

/* ---- workers ---- */

static bool helper_start(struct master *m, struct helper *h)
{
	h->busy = NULL;
	return worker_start(&h->worker, m->how->base, m->how->warm) == 0;
}

static void give_work(struct master *m)
{
	for (unsigned i = 0; i < m->how->workers && m->first; i++) {
		struct helper *h = &m->helpers[i];

		if (h->busy || h->worker.fd < 0)
			continue;
		h->busy = dequeue(m);
		if (worker_send(h->worker.fd, h->busy->seq, h->busy->line, h->busy->len) < 0)
			shutdown(h->worker.fd, SHUT_RDWR); /* and so it is found to be dead */
	}
}

static void take_result(struct master *m, struct helper *h)
{
	struct buf line = { 0 };
	uint64_t seq;

	if (worker_receive(h->worker.fd, &seq, &line) > 0) {
		deliver(m, h->busy, line.data, line.len);
		free(TAKE_PTR(h->busy));
	} else {
		worker_stop(&h->worker);
		if (h->busy)
			deliver_error(m, h->busy, "the worker died at this job");
		free(TAKE_PTR(h->busy));
		if (!m->at_once)
			helper_start(m, h);
	}
	buf_done(&line);
}

/* As long as there is one the others wait; without any nobody would ever answer. */
static void answer_without_workers(struct master *m)
{
	for (unsigned i = 0; i < m->how->workers; i++)
		if (m->helpers[i].worker.fd >= 0 || helper_start(m, &m->helpers[i]))
			return;
	for (struct request *q = dequeue(m); q; q = dequeue(m)) {
		deliver_error(m, q, "no worker can be started");
		free(q);
	}
}

static bool is_from(const struct master *m, const struct request *q, const struct client *c)
{
	return &m->clients[q->client] == c && q->visit == c->visit;
}

/* Its results are nobody's: what was not begun is forgotten, and what runs is ended. */
static void client_gone(struct master *m, struct client *c)
{
	for (unsigned i = 0; i < m->how->workers; i++) {
		struct helper *h = &m->helpers[i];

		if (h->busy && is_from(m, h->busy, c))
			worker_cancel(h->worker.fd);
	}
	m->last = NULL;
	for (struct request **at = &m->first; *at;) {
		struct request *q = *at;

		if (!is_from(m, q, c)) {
			m->last = q;
			at = &q->next;
			continue;
		}
		*at = q->next;
		m->n_queued--;
		free(q);
	}
	client_close(c);
}

static bool is_idle(const struct master *m)
{
	for (unsigned i = 0; i < m->how->workers; i++)
		if (m->helpers[i].busy)
			return false;
	return m->first == NULL;
}

/* ---- the loop ---- */

static void take_signal(struct master *m)
{
	struct signalfd_siginfo info;

	if (read(m->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	m->at_once = m->stopping;
	m->stopping = true;
	if (!m->at_once)
		return;
	for (unsigned i = 0; i < m->how->workers; i++)
		shutdown(m->helpers[i].worker.fd, SHUT_WR);
	while (m->first)
		free(dequeue(m));
}

/* Without a descriptor for it, it has to wait. */
static void take_client(struct master *m)
{
	int fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	m->crowded = fd < 0 && errno != EINTR && errno != EAGAIN && errno != ECONNABORTED;
	if (fd >= 0 && !client_new(m, fd, fd))
		close(fd);
}

static unsigned poll_for(struct master *m, int fd, short events)
{
	m->fds[m->n_fds] = (struct pollfd){ fd, events, 0 };
	return m->n_fds++;
}

static bool has_come(const struct master *m, unsigned at, short events)
{
	return at && m->fds[at].revents & (events | POLLHUP | POLLERR);
}

/* Of a socket the end is told whatever is asked for. */
static void poll_for_client(struct master *m, struct client *c)
{
	short in = may_read(m, c) && !c->eof ? POLLIN : 0, out = c->unsent.len ? POLLOUT : 0;

	c->in_at = c->out_at = 0;
	if (!is_open(c))
		return;
	if (c->in_fd == c->out_fd) {
		c->in_at = c->out_at = poll_for(m, c->in_fd, (short)(in | out));
		return;
	}
	c->in_at = in ? poll_for(m, c->in_fd, in) : 0;
	c->out_at = out ? poll_for(m, c->out_fd, out) : 0;
}

#define CROWDED_MS 100 /* then it is tried again to take one */

/* Only what is open: poll(2) refuses more entries than we may have descriptors. */
static bool wait_for_something(struct master *m)
{
	m->n_fds = 0;
	poll_for(m, m->signal_fd, POLLIN);
	poll_for(m, m->stopping || m->crowded ? -1 : m->listen_fd, POLLIN);
	for (unsigned i = 0; i < m->how->workers; i++) {
		struct helper *h = &m->helpers[i];

		h->at = h->worker.fd < 0 ? 0 : poll_for(m, h->worker.fd, POLLIN);
	}
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		poll_for_client(m, &m->clients[i]);
	if (poll(m->fds, m->n_fds, m->crowded ? CROWDED_MS : -1) > 0)
		return true;
	m->crowded = false;
	return false;
}

static void serve_clients(struct master *m)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];

		if (is_open(c) && c->in_fd == c->out_fd && has_come(m, c->in_at, 0))
			client_gone(m, c);
		if (is_open(c) && has_come(m, c->in_at, POLLIN))
			client_read(m, c);
		if (is_open(c) && has_come(m, c->out_at, POLLOUT))
			client_send(m, c);
		take_lines(m, c);
		client_end(c);
	}
}

static bool is_over(const struct master *m)
{
	if (!is_idle(m))
		return false;
	if (m->at_once)
		return true;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (is_open(&m->clients[i]) && (!m->stopping || m->clients[i].unsent.len))
			return false;
	return m->stopping || m->listen_fd < 0;
}

static void loop(struct master *m)
{
	while (!is_over(m)) {
		if (!wait_for_something(m))
			continue;
		if (m->fds[0].revents)
			take_signal(m);
		if (m->fds[1].revents)
			take_client(m);
		for (unsigned i = 0; i < m->how->workers; i++)
			if (has_come(m, m->helpers[i].at, POLLIN))
				take_result(m, &m->helpers[i]);
		serve_clients(m);
		give_work(m);
		if (m->first)
			answer_without_workers(m);
	}
}

/* ---- its beginning and end ---- */

/* A socket that nobody listens at any more is in the way; one that somebody does is an error. */
static int bind_socket(int fd, const struct sockaddr_un *address)
{
	mode_t old = umask(0177);
	int r = bind(fd, (const void *)address, sizeof(*address));

	if (r < 0 && errno == EADDRINUSE) {
		int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool dead = connect(probe, (const void *)address, sizeof(*address)) < 0 &&
			    errno == ECONNREFUSED;

		close(probe);
		errno = EADDRINUSE;
		if (dead && unlink(address->sun_path) == 0)
			r = bind(fd, (const void *)address, sizeof(*address));
	}
	umask(old);
	return r;
}

static int open_socket(struct master *m, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return out_error("judge: --serve %s: the path is too long", path);
	strcpy(address.sun_path, path);
	m->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->listen_fd < 0 || bind_socket(m->listen_fd, &address) < 0)
		return out_error("judge: --serve %s: %s", path, err_words(errno));
	m->socket_made = true;
	return listen(m->listen_fd, 64) < 0
		       ? out_error("judge: --serve %s: %s", path, err_words(errno))
		       : 0;
}

static int open_jobs(struct master *m)
{
	const struct serve *how = m->how;
	int fd = 0;

	if (how->socket)
		return open_socket(m, how->socket);
	if (!str_eq(how->jobs, "-"))
		fd = open(how->jobs, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return out_error("judge: --jobs %s: %s", how->jobs, err_words(errno));
	client_new(m, fd, 1);
	return 0;
}

static void open_signals(struct master *m)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE); /* blocked alone: writes say EPIPE */
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGPIPE);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
}

static void master_free(struct master *m)
{
	for (unsigned i = 0; i < m->how->workers; i++) {
		worker_stop(&m->helpers[i].worker);
		free(m->helpers[i].busy);
	}
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		client_close(&m->clients[i]);
	if (m->socket_made)
		unlink(m->how->socket);
	if (m->listen_fd >= 0)
		close(m->listen_fd);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	free(m);
}

int serve_run(const struct serve *how)
{
	struct master *m = calloc(1, sizeof(*m));
	int code = 0;

	if (!m)
		return out_error("judge: out of memory");
	m->how = how;
	m->signal_fd = m->listen_fd = -1;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		m->clients[i].in_fd = m->clients[i].out_fd = -1;
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		m->helpers[i].worker.fd = -1;
	open_signals(m);
	code = open_jobs(m);
	for (unsigned i = 0; code == 0 && i < how->workers; i++)
		if (!helper_start(m, &m->helpers[i]))
			code = out_error("judge: cannot start a worker: %s", err_words(errno));
	if (code == 0) {
		loop(m);
		code = m->bad ? out_error("judge: not all results could be written") : 0;
	}
	master_free(m);
	return code;
}
