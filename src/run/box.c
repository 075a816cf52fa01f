/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running box, seen from the parent: its end, its events, and what can be asked of its init. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/run.h"
#include "run/watch.h"
#include "run/wire.h"
#include "sys/process.h"
#include "sys/sock.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint64_t ns_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000U + (uint64_t)t->tv_usec * 1000;
}

/*
 * Of whom we have waited for the kernel tells the time, also that of its descendants, which it has
 * waited for in turn. It tells a peak of memory, too (ru_maxrss), but that of who began in the
 * caller's memory is the caller's.
 */
void box_ended(struct box *b, const struct rusage *used)
{
	struct box_usage *u = &b->usage;

	b->ended = true;
	b->waited_ns = used ? ns_of(&used->ru_utime) + ns_of(&used->ru_stime) : CG_UNKNOWN;
	*u = (struct box_usage){
		.memory_peak_bytes = CG_UNKNOWN,
		.oom_kills = CG_UNKNOWN,
		.cpu_user_ns = used ? ns_of(&used->ru_utime) : CG_UNKNOWN,
		.cpu_system_ns = used ? ns_of(&used->ru_stime) : CG_UNKNOWN,
		.pids_peak = CG_UNKNOWN,
		.pids_refused = CG_UNKNOWN,
		.io_read_bytes = CG_UNKNOWN,
		.io_write_bytes = CG_UNKNOWN,
	};
	if (b->watch)
		watch_ended(b);
	box_cgroup_end(b->run, u);
	box_net_end(b->run);
}

/*
 * The first process is gone or about to go. For a box without init its status is the command's.
 * The caller may have reaped it (exec has given it back the exit signal SIGCHLD): then that status
 * is gone, but what the init told of the command is not.
 */
static int collect(struct box *b, struct box_event *out)
{
	struct pollfd gone = { b->pidfd, POLLIN, 0 };
	struct rusage used;
	int status = SIGKILL;
	bool reaped = false;

	while (wait4(b->pid, &status, __WALL, &used) < 0) {
		if (errno == ECHILD && sys_poll(&gone, 1, -1) > 0) {
			reaped = true;
			break;
		}
		if (errno != EINTR)
			return -errno;
	}
	if (out->kind != BOX_ENDED) {
		bool by_us = b->watch && b->watch->ending; /* and the command with its init */

		b->lost = !by_us && (b->has_init || reaped);
		*out = (struct box_event){
			.kind = b->lost ? BOX_LOST : BOX_ENDED,
			.status = by_us ? SIGKILL : status,
		};
	}
	b->status = out->status;
	box_ended(b, reaped ? NULL : &used);
	return 1;
}

static bool is_gone(const struct box *b)
{
	struct pollfd gone = { b->pidfd, POLLIN, 0 };

	return sys_poll(&gone, 1, 0) > 0;
}

/*
 * A packet that is there. That there will be none any more is no end of file if a child that the
 * caller has forked holds the init's end of the channel, too.
 */
WAITING static ssize_t receive(const struct box *b, void *packet, size_t len)
{
	unsigned none = 0;
	bool gone = false;

	for (;;) {
		ssize_t n = sys_recv_fds(b->control_fd, packet, len, NULL, &none, MSG_DONTWAIT);

		if (n != -EAGAIN)
			return n;
		if (gone)
			return -ECONNRESET;
		gone = is_gone(b);
		if (!gone)
			return n;
	}
}

/* One packet that is there already. 1: an event, 0: something else, -errno. */
WAITING static int read_event(struct box *b, struct box_event *out)
{
	struct {
		struct wire_head head;
		union {
			struct box_event event;
			struct wire_usage usage;
		};
	} packet;
	ssize_t n = receive(b, &packet, sizeof(packet));

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return n == 0 || n == -ECONNRESET ? -ENOTCONN : (int)n;
	if ((size_t)n < sizeof(packet.head) + packet.head.len)
		return 0;
	if (packet.head.type == WIRE_USAGE && b->watch) {
		b->watch->used = packet.usage;
		b->watch->told = true;
	}
	if (packet.head.type != WIRE_EVENT)
		return 0;
	*out = packet.event;
	out->name[sizeof(out->name) - 1] = 0;
	return 1;
}

WAITING static int take_event(struct box *b, struct box_event *out)
{
	int r = read_event(b, out);

	if (r == -ENOTCONN) { /* init is gone without having said how it ended */
		out->kind = BOX_LOST;
		return collect(b, out);
	}
	if (r == 1 && out->kind == BOX_ENDED)
		return collect(b, out);
	return r;
}

/* What the init says for us alone is passed over: another packet may be behind it. */
WAITING static int take_events(struct box *b, struct box_event *out)
{
	bool told = b->watch && b->watch->told;
	int r = take_event(b, out);

	return r == 0 && b->watch && b->watch->told != told ? take_event(b, out) : r;
}

WAITING int box_poll_fd(const struct box *b)
{
	return b->watch ? b->watch->epoll_fd : b->has_init ? b->control_fd : b->pidfd;
}

/* What there is by now; of a box without init only its end can be waited for. */
WAITING static int look(struct box *b, struct box_event *out)
{
	if (b->watch)
		watch_serve(b);
	return b->has_init ? take_events(b, out) : collect(b, out);
}

WAITING int box_next(struct box *b, struct box_event *out, int timeout_ms)
{
	int64_t until = timeout_ms > 0 ? now_ms() + timeout_ms : 0;

	if (b->ended || b->prepared)
		return b->ended ? -ECHILD : -EAGAIN;
	if (b->n_queue) {
		*out = b->queue[0];
		memmove(b->queue, b->queue + 1, --b->n_queue * sizeof(b->queue[0]));
		return out->kind == BOX_ENDED ? collect(b, out) : 1;
	}
	*out = (struct box_event){ 0 };
	if (timeout_ms == 0 && b->has_init) /* reading does not block either */
		return look(b, out);
	for (;;) {
		struct pollfd fds[2] = { { box_poll_fd(b), POLLIN, 0 }, { b->pidfd, POLLIN, 0 } };
		int64_t left = timeout_ms > 0 ? MAX(until - now_ms(), 0) : timeout_ms;
		int r = sys_poll(fds, 2, left);

		if (r == 0 || (r < 0 && r != -EINTR))
			return r;
		r = r > 0 ? look(b, out) : 0;
		if (r != 0)
			return r;
	}
}

/* Kept for box_next(). Beyond the room for them the newest counts: the last one is the end. */
static void queue_event(struct box *b, const char *event)
{
	if (b->n_queue == ARRAY_SIZE(b->queue))
		b->n_queue--;
	memcpy(&b->queue[b->n_queue++], event, sizeof(b->queue[0]));
}

struct request {
	struct wire_head head;
	const void *body;
	size_t len;
	const int *fds;
	unsigned n_fds;
	enum wire_type reply_type;
	void *reply;
	size_t reply_len;
};

static int send_request(struct box *b, const struct request *q, char *packet)
{
	ssize_t n;

	if (sizeof(q->head) + q->len > WIRE_MAX)
		return -E2BIG;
	memcpy(packet, &q->head, sizeof(q->head));
	if (q->len)
		memcpy(packet + sizeof(q->head), q->body, q->len);
	n = sys_send_fds(b->control_fd, packet, sizeof(q->head) + q->len, q->fds, q->n_fds);
	return n < 0 ? (n == -EPIPE ? -ESRCH : (int)n) : 0;
}

/* Sends a request and waits for its reply; events that come first are kept for box_next(). */
static int ask(struct box *b, struct request *q)
{
	_cleanup_free_ char *packet = malloc(WIRE_MAX);
	int r;

	q->head.id = b->next_id++;
	r = packet ? send_request(b, q, packet) : -ENOMEM;
	for (unsigned tries = 0; r == 0 && tries < 1000; tries++) {
		struct wire_head got;
		struct pollfd fds[2] = { { b->control_fd, POLLIN, 0 }, { b->pidfd, POLLIN, 0 } };
		ssize_t n;

		sys_poll(fds, 2, -1);
		n = receive(b, packet, WIRE_MAX);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n < (ssize_t)sizeof(got))
			return n < 0 && n != -ECONNRESET ? (int)n : -ESRCH;
		memcpy(&got, packet, sizeof(got));
		if (got.type == WIRE_EVENT)
			queue_event(b, packet + sizeof(got));
		if (got.type != q->reply_type || got.id != q->head.id)
			continue;
		if (q->reply && (size_t)n >= sizeof(got) + q->reply_len)
			memcpy(q->reply, packet + sizeof(got), q->reply_len);
		return got.value;
	}
	return r < 0 ? r : -EPROTO;
}

int box_signal(struct box *b, int signo)
{
	struct wire_head head = { .type = WIRE_SIGNAL, .value = signo };
	ssize_t n;

	if (b->ended)
		return -ESRCH;
	if (!b->has_init)
		return sys_pidfd_send_signal(b->pidfd, signo);
	n = sys_send_fds(b->control_fd, &head, sizeof(head), NULL, 0);
	return n < 0 ? (n == -EPIPE ? -ESRCH : (int)n) : 0;
}

int box_state(struct box *b, struct box_state *out)
{
	struct request q = {
		.head = { .type = WIRE_STATE },
		.reply_type = WIRE_STATE_REPLY,
		.reply = out,
		.reply_len = sizeof(*out),
	};

	if (b->ended || !b->has_init)
		return b->ended ? -ESRCH : -EOPNOTSUPP;
	return ask(b, &q);
}

int box_run(struct box *b, char *const argv[], const int fds[3], uint32_t *id, int *pid)
{
	_cleanup_free_ char *data = malloc(WIRE_MAX);
	struct wire_out w = { data, 0, WIRE_MAX - sizeof(struct wire_head), false };
	struct request q = {
		.head = { .type = WIRE_RUN },
		.fds = fds,
		.n_fds = fds ? 3 : 0,
		.reply_type = WIRE_RUN_REPLY,
	};
	int r;

	if (b->ended || !b->has_init)
		return b->ended ? -ESRCH : -EOPNOTSUPP;
	if (!data)
		return -ENOMEM;
	wire_put_list(&w, argv);
	if (w.overflow)
		return -E2BIG;
	q.body = data;
	q.len = w.len;
	r = ask(b, &q);
	if (r < 0)
		return r;
	*id = q.head.id;
	*pid = r;
	return 0;
}

int box_resize(struct box *b, const struct winsize *size)
{
	if (b->master_fd < 0)
		return -ENOTTY;
	return ioctl(b->master_fd, TIOCSWINSZ, size) < 0 ? -errno : 0;
}

int box_main_pid(struct box *b)
{
	_cleanup_fd_ int fd = -1;
	char text[64];
	const char *digits = text;
	uint64_t pid;
	ssize_t n;

	if (!b->has_init)
		return b->pid;
	snprintf(text, sizeof(text), "/proc/%d/task/%d/children", b->pid, b->pid);
	fd = sys_openat(AT_FDCWD, text, O_RDONLY, 0);
	n = fd < 0 ? fd : sys_read(fd, text, sizeof(text) - 1);
	text[MAX(n, 0)] = 0;
	return str_take_u64(&digits, &pid) < 0 ? -ENOENT : (int)pid;
}
