/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sys/process.h"
#include "sys/security.h"
#include "sys/sock.h"

#define LOOK_MIN_NS   500000  /* between two looks at the time that was used */
#define SAMPLE_NS     4000000 /* for idleness */
#define PIDS_LOOK_NS  10000000
#define OOM_LOOK_NS   2000000 /* from being out of memory to somebody's being killed for it */
#define EVENTS_AT_ONE 16

enum source { FROM_INIT, FROM_TIMER, FROM_OOM, FROM_PIDS, FROM_FILTER, FROM_OUTPUT, TO_OUTPUT };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int listen_to(struct watch *w, int op, int fd, uint32_t events, enum source from,
		     unsigned which)
{
	struct epoll_event e = { .events = events, .data.u64 = (uint64_t)from | which << 8 };

	return epoll_ctl(w->epoll_fd, op, fd, &e) < 0 ? -errno : 0;
}

/* ---- its life ---- */

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < 2; i++) {
		stream_close(&w->streams[i]);
		cleanup_fd(&w->child_fd[i]);
		cleanup_fd(&w->listener_fd[i]);
	}
	for (unsigned i = 0; i < w->n_listeners; i++)
		close(w->listeners[i]);
	cleanup_fd(&w->main_pidfd);
	cleanup_fd(&w->pids_fd);
	cleanup_fd(&w->oom_fd);
	cleanup_fd(&w->cpu_fd);
	cleanup_fd(&w->timer_fd);
	cleanup_fd(&w->epoll_fd);
	free(w);
}

static void free_watch(struct watch **w)
{
	watch_free(*w);
}

static int open_streams(struct watch *w, const struct spec *s)
{
	for (int i = 0; i < 2; i++) {
		int given = spec_stdio(s, i + 1), to = given >= 0 ? given : i + 1;
		int code = stream_open(&w->streams[i], to, &w->child_fd[i]);

		/* A caller without standard output has nothing to be passed on to. */
		if (code == -EBADF)
			continue;
		if (code == 0)
			code = listen_to(w, EPOLL_CTL_ADD, w->streams[i].from, EPOLLIN, FROM_OUTPUT,
					 (unsigned)i);
		if (code < 0)
			return code;
	}
	return 0;
}

int watch_new(struct run *r, struct watch **out)
{
	__attribute__((cleanup(free_watch))) struct watch *w = calloc(1, sizeof(*w));
	int code = 0;

	if (!w)
		return -ENOMEM;
	w->wish = &r->spec->watch;
	w->timer_fd = w->cpu_fd = w->oom_fd = w->pids_fd = w->main_pidfd = -1;
	for (unsigned i = 0; i < 2; i++) {
		w->streams[i].from = w->streams[i].to = -1;
		w->listener_fd[i] = w->child_fd[i] = -1;
	}
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->epoll_fd < 0 || w->timer_fd < 0)
		return -errno;
	code = listen_to(w, EPOLL_CTL_ADD, w->timer_fd, EPOLLIN, FROM_TIMER, 0);
	if (code == 0 && r->d->collect)
		code = open_streams(w, r->spec);
	w->streams_counted = r->d->collect;
	if (code == 0 && r->d->listens)
		code = sys_socketpair(AF_UNIX, SOCK_SEQPACKET, w->listener_fd);
	if (code == 0 && r->d->listens)
		code = listen_to(w, EPOLL_CTL_ADD, w->listener_fd[0], EPOLLIN, FROM_FILTER, 0);
	if (code == 0)
		*out = TAKE_PTR(w);
	return code;
}

void watch_started(struct watch *w)
{
	for (int i = 0; i < 2; i++) {
		cleanup_fd(&w->child_fd[i]);
		w->child_fd[i] = -1;
	}
	cleanup_fd(&w->listener_fd[1]);
	w->listener_fd[1] = -1;
}

/* ---- what is to be had of the cgroup ---- */

/*
 * A file of a cgroup can always be read, which is what EPOLLIN asks for; that there is something
 * new in it is EPOLLPRI. An eventfd(2), which has no positions to read at, says it by EPOLLIN.
 */
static int optional(struct watch *w, int fd, enum source from, int *out)
{
	char byte;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	*out = fd;
	return listen_to(w, EPOLL_CTL_ADD, fd,
			 RAW4(SYS_pread64, fd, &byte, 1, 0) == -ESPIPE ? EPOLLIN : EPOLLPRI, from,
			 0);
}

static int watch_cgroup(struct run *r, struct watch *w)
{
	const struct resources *limits = r->d->resources;
	int code = 0;

	if (w->wish->time_ns.hard || w->wish->idle_ns.hard) {
		int fd = r->cg.n ? cg_cpu_open(&r->cg) : -ENOENT;

		if (fd < 0 && fd != -ENOENT)
			return fd;
		w->cpu_fd = fd < 0 ? -1 : fd;
	}
	if (!w->wish->judge || !r->cg.n)
		return 0;
	if (limits && limits->memory_limit != NOT_GIVEN)
		code = optional(w, cg_oom_open(&r->cg), FROM_OOM, &w->oom_fd);
	if (code == 0 && limits && limits->pids_limit != NOT_GIVEN)
		code = optional(w, cg_pids_open(&r->cg), FROM_PIDS, &w->pids_fd);
	return code;
}

/* ---- ending it ---- */

static void end_box(struct box *b, enum ending why)
{
	struct watch *w = b->watch;

	if (w->ending)
		return;
	w->ending = why;
	w->end_ns = now_ns();
	sys_pidfd_send_signal(b->pidfd, SIGKILL);
	/* With a pid namespace of its own that was all. */
	if (!b->run->d->init_is_pid1 && b->run->cg.n)
		cg_kill(&b->run->cg, NULL);
}

/* ---- time ---- */

static uint64_t cpu_used(const struct box *b)
{
	const struct watch *w = b->watch;
	uint64_t clock = watch_clock_of(w->main_pid, w->main_pidfd);
	uint64_t counted = w->cpu_fd >= 0 ? cg_cpu_ns(w->cpu_fd) : CG_UNKNOWN;

	/* The cgroup's own is up to a tick behind while something runs. */
	if (counted != CG_UNKNOWN)
		return MAX(counted - MIN(counted, w->setup_cpu_ns), clock);
	return MAX(watch_clocks(b->pid), clock);
}

/* When the next look is due; 0: never. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static uint64_t look_at_cpu(struct box *b, uint64_t now)
{
	struct watch *w = b->watch;
	const struct watch_wish *wish = w->wish;
	uint64_t due = 0, used, before = w->cpu_ns;

	if (!wish->time_ns.hard && !wish->idle_ns.hard)
		return 0;
	used = w->cpu_ns = cpu_used(b);
	if (wish->time_ns.hard && used >= wish->time_ns.hard)
		end_box(b, END_CPU);
	else if (wish->time_ns.hard)
		due = now + MAX((wish->time_ns.hard - used) / w->processors, LOOK_MIN_NS);
	if (!wish->idle_ns.hard)
		return due;
	if (used != before)
		w->idle_since_ns = now;
	w->idle_most_ns = MAX(w->idle_most_ns, now - w->idle_since_ns);
	if (now - w->idle_since_ns >= wish->idle_ns.hard)
		end_box(b, END_IDLE);
	return earlier(due, MIN(now + SAMPLE_NS, w->idle_since_ns + wish->idle_ns.hard));
}

static void look_at_memory(struct box *b)
{
	struct watch *w = b->watch;
	uint64_t kills = cg_oom_kills(&b->run->cg);

	w->out_of_memory = kills == 0;
	if (kills && kills != CG_UNKNOWN)
		end_box(b, END_MEMORY);
}

/* On v1 the kernel counts who was refused, and wakes nobody. */
static uint64_t look_at_pids(struct box *b, uint64_t now)
{
	uint64_t refused;

	if (b->watch->pids_fd < 0)
		return 0;
	refused = cg_pids_refused(&b->run->cg);
	if (refused && refused != CG_UNKNOWN)
		end_box(b, END_PIDS);
	return b->run->cg.layout == CG_V2 ? 0 : now + PIDS_LOOK_NS;
}

static void set_timer(struct watch *w, uint64_t due)
{
	struct itimerspec t = { .it_value = { (time_t)(due / 1000000000U),
					      (long)(due % 1000000000U) } };

	timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void look(struct box *b)
{
	struct watch *w = b->watch;
	uint64_t now = now_ns(), due = 0, wall = w->wish->wall_ns.hard;

	if (wall && now - w->start_ns >= wall)
		end_box(b, END_WALL);
	due = earlier(due, wall ? w->start_ns + wall : 0);
	due = earlier(due, look_at_cpu(b, now));
	due = earlier(due, look_at_pids(b, now));
	if (w->out_of_memory)
		look_at_memory(b);
	due = earlier(due, w->out_of_memory ? now + OOM_LOOK_NS : 0);
	set_timer(w, w->ending ? 0 : due);
}

int watch_begin(struct run *r, struct watch *w)
{
	int code = watch_cgroup(r, w);

	w->start_ns = now_ns();
	w->idle_since_ns = w->start_ns;
	w->processors = w->wish->time_ns.hard ? (unsigned)get_nprocs() : 1;
	if (code == 0)
		code = listen_to(w, EPOLL_CTL_ADD, r->control_fd[0], EPOLLIN, FROM_INIT, 0);
	if (code == 0)
		code = listen_to(w, EPOLL_CTL_ADD, r->pidfd, EPOLLIN, FROM_INIT, 0);
	set_timer(w, 1); /* long ago: the first look is due at once */
	return code;
}

/* ---- output ---- */

static void pump(struct box *b, unsigned i, bool last)
{
	struct watch *w = b->watch;
	struct stream *s = &w->streams[i];
	uint64_t limit = w->wish->output_bytes.hard, room = limit - MIN(limit, w->output_bytes);
	bool waited = s->waits;

	if (s->from < 0)
		return;
	/* Closing it would not take it out of the set: the caller has it open, too. */
	if (waited)
		listen_to(w, EPOLL_CTL_DEL, s->to, 0, TO_OUTPUT, i);
	w->output_bytes += stream_pump(s, room, last);
	if (w->output_bytes > limit)
		end_box(b, END_OUTPUT);
	if (s->from < 0 || last)
		return; /* the pipe, which nobody else reads, has left it by being closed */
	if (s->waits != waited)
		listen_to(w, EPOLL_CTL_MOD, s->from, s->waits ? 0 : EPOLLIN, FROM_OUTPUT, i);
	if (s->waits)
		listen_to(w, EPOLL_CTL_ADD, s->to, EPOLLOUT, TO_OUTPUT, i);
}

/* ---- the filter ---- */

static void take_listener(struct watch *w)
{
	unsigned n = 1;
	int fd = -1;
	char byte;
	ssize_t got = sys_recv_fds(w->listener_fd[0], &byte, 1, &fd, &n, MSG_DONTWAIT);

	if (got == 0) { /* nobody is left who could send one */
		listen_to(w, EPOLL_CTL_DEL, w->listener_fd[0], 0, FROM_FILTER, 0);
		return;
	}
	if (got < 0 || n != 1)
		return;
	/* With a listener that is closed what is forbidden fails with ENOSYS. */
	if (w->n_listeners == LISTENERS_MAX ||
	    listen_to(w, EPOLL_CTL_ADD, fd, EPOLLIN, FROM_FILTER, w->n_listeners + 1) < 0) {
		close(fd);
		return;
	}
	w->listeners[w->n_listeners++] = fd;
}

/* seccomp_unotify(2). Who asked may have died meanwhile: then there is nothing to answer. */
static void take_denied(struct box *b, int fd, uint32_t events)
{
	struct watch *w = b->watch;
	struct seccomp_notif q = { 0 };
	struct seccomp_notif_resp a = { 0 };

	if (!(events & EPOLLIN)) { /* the last process of the filter is gone */
		listen_to(w, EPOLL_CTL_DEL, fd, 0, FROM_FILTER, 0);
		return;
	}
	if (sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &q) < 0)
		return;
	if (w->n_denied++ == 0) {
		w->denied_nr = q.data.nr;
		w->denied_arch = q.data.arch;
	}
	if (w->wish->denied == DENIED_KILL) {
		end_box(b, END_SYSCALL);
		return;
	}
	a.id = q.id;
	a.error = -EPERM;
	sys_ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &a);
}

/* ---- all of it ---- */

static void drop(int fd)
{
	char text[512];

	if (fd >= 0 && RAW4(SYS_pread64, fd, text, sizeof(text), 0) < 0)
		sys_read(fd, text, 8); /* an eventfd has no positions */
}

static void serve_one(struct box *b, const struct epoll_event *e)
{
	struct watch *w = b->watch;
	unsigned which = (unsigned)(e->data.u64 >> 8);

	switch ((enum source)(e->data.u64 & 0xff)) {
	case FROM_INIT: /* box_next() reads that */
		break;
	case FROM_TIMER:
		drop(w->timer_fd);
		look(b);
		break;
	case FROM_OOM:
		drop(w->oom_fd);
		look_at_memory(b);
		look(b);
		break;
	case FROM_PIDS:
		drop(w->pids_fd);
		look_at_pids(b, 0);
		break;
	case FROM_FILTER:
		if (which == 0)
			take_listener(w);
		else
			take_denied(b, w->listeners[which - 1], e->events);
		break;
	case FROM_OUTPUT:
	case TO_OUTPUT:
		pump(b, which, false);
		break;
	}
}

void watch_serve(struct box *b)
{
	struct epoll_event events[EVENTS_AT_ONE];
	int n = epoll_wait(b->watch->epoll_fd, events, EVENTS_AT_ONE, 0);

	for (int i = 0; i < n; i++)
		serve_one(b, &events[i]);
}

void watch_ended(struct box *b)
{
	struct watch *w = b->watch;

	w->end_ns = w->ending ? w->end_ns : now_ns();
	for (unsigned i = 0; i < 2; i++) {
		pump(b, i, !w->ending);
		/* Who was ended on time is not kept waiting by who does not read. */
		while (w->ending && !w->streams[i].waits && w->streams[i].from >= 0)
			pump(b, i, false);
	}
}
