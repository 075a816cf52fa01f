/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All processes, in as few system calls as can be: each link that is read costs the kernel some
 * 2 us, so 5,000 processes cost 100 ms. Two or more threads share that.
 *
 * A process is read through one descriptor of its directory, so that a pid that is used again
 * cannot be mixed with the one before.
 */
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/workers.h"
#include "see/see.h"
#include "sys/fd.h"

#define CHUNK    32 /* pids that a worker takes at a time */
#define LINK_MAX 64 /* nothing that is longer is a link to a namespace */

struct scan {
	struct see_world *world;
	int *pids;
	size_t n_pids;
	bool holders;
	struct statx nsfs; /* of one namespace: all are on one file system */
	atomic_size_t next;
};

struct worker {
	struct scan *scan;
	struct arena *arena;
	LIST(struct see_process) found;
	LIST(struct see_holder) held;
	uint32_t processes, unseen, ended, fds_unseen;
	int result;
};

int see_read(int dir_fd, const char *path, char *out, size_t room)
{
	int fd = sys_openat(dir_fd, path, O_RDONLY | O_NONBLOCK, 0);
	ssize_t n = fd < 0 ? fd : sys_read(fd, out, room - 1);

	if (fd >= 0)
		sys_close(fd);
	if (n >= 0)
		out[n] = 0;
	return (int)n;
}

int see_parse_link(const char *text, uint64_t *inode)
{
	for (int i = 0; i < NS_COUNT; i++) {
		size_t len = strlen(ns_table[i].name);
		const char *at = text + len;

		if (strncmp(text, ns_table[i].name, len) != 0 || at[0] != ':' || at[1] != '[')
			continue;
		at += 2;
		return str_take_u64(&at, inode) == 0 && str_eq(at, "]") ? i : -1;
	}
	return -1;
}

/* What it links to, if that is a namespace: a type. -errno, or -ENOTTY for something else. */
static int read_link(int dir_fd, const char *path, uint64_t *inode)
{
	char text[LINK_MAX];
	ssize_t n = sys_readlinkat(dir_fd, path, text, sizeof(text) - 1);
	int type;

	if (n < 0)
		return (int)n;
	text[n] = 0;
	type = see_parse_link(text, inode);
	return type < 0 ? -ENOTTY : type;
}

/* ---- /proc/PID/stat ---- */

/* The 14th field is user time, and so on; see proc_pid_stat(5). */
static bool parse_numbers(struct see_process *p, const char *at)
{
	uint64_t n = 0;

	for (int field = 4; field <= 24; field++) {
		while (*at == ' ' || *at == '-')
			at++;
		if (str_take_u64(&at, &n) < 0)
			return false;
		if (field == 4)
			p->ppid = (int)n;
		else if (field == 14 || field == 15)
			p->cpu_ticks += n;
		else if (field == 20)
			p->threads = (uint32_t)n;
		else if (field == 22)
			p->start_ticks = n;
		else if (field == 24)
			p->rss_pages = n;
	}
	return true;
}

static bool read_stat(int dir_fd, struct see_process *p)
{
	char text[1024], *open, *close;

	if (see_read(dir_fd, "stat", text, sizeof(text)) < 0)
		return false;
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open || close[1] != ' ')
		return false;
	*close = 0;
	snprintf(p->comm, sizeof(p->comm), "%s", open + 1);
	p->state = close[2];
	return parse_numbers(p, close + 3);
}

/* ---- namespaces ---- */

static const char *const link_names[NS_COUNT] = {
	[NS_USER] = "user", [NS_MNT] = "mnt", [NS_PID] = "pid",       [NS_NET] = "net",
	[NS_IPC] = "ipc",   [NS_UTS] = "uts", [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

#define TYPE_BIT(t) (1U << (t))
/* A thread cannot leave its process in the others (unshare(2), setns(2)). */
#define THREAD_TYPES                                                                 \
	(TYPE_BIT(NS_MNT) | TYPE_BIT(NS_NET) | TYPE_BIT(NS_IPC) | TYPE_BIT(NS_UTS) | \
	 TYPE_BIT(NS_CGROUP))

/*
 * 0, or the last error: -EACCES where we may not look, -ESRCH or -ENOENT of who has ended. One who
 * has no time namespaces (a kernel without them) has all others.
 */
static int read_namespaces(int dir_fd, const char *path, unsigned types, struct see_process *p)
{
	int fd = sys_openat(dir_fd, path, O_PATH | O_DIRECTORY, 0), r = fd < 0 ? fd : 0;

	for (int i = 0; r == 0 && i < NS_COUNT; i++) {
		int type = types & TYPE_BIT(i) ? read_link(fd, link_names[i], &p->ns[i]) : 0;

		if (type < 0 && (type != -ENOENT || i != NS_TIME))
			r = type;
	}
	/* A new one is entered by children only, so it can be there without any process in it. */
	if (r == 0)
		read_link(fd, "time_for_children", &p->time_for_children);
	if (fd >= 0)
		sys_close(fd);
	return r;
}

static bool differs(const struct see_process *a, const struct see_process *b)
{
	for (int i = 0; i < NS_COUNT; i++)
		if (TYPE_BIT(i) & THREAD_TYPES && a->ns[i] != b->ns[i])
			return true;
	return a->time_for_children != b->time_for_children;
}

/* Called with each name that is a number. */
typedef int number_fn(struct worker *w, int dir_fd, const struct see_process *p, int number);

static int each_number(struct worker *w, int dir_fd, const char *path, const struct see_process *p,
		       number_fn *fn)
{
	_Alignas(struct sys_dirent) char block[16384];
	_cleanup_fd_ int fd = sys_openat(dir_fd, path, O_RDONLY | O_DIRECTORY, 0);
	ssize_t n = fd;
	int r = 0;

	while (r == 0 && n >= 0 && (n = sys_getdents(fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; r == 0 && at < n;) {
			struct sys_dirent *d = (void *)(block + at);
			uint32_t number;

			at += d->len;
			if (str_u32(d->name, &number) == 0)
				r = fn(w, fd, p, (int)number);
		}
	}
	return r < 0 ? r : (int)n;
}

static int add_process(struct worker *w, const struct see_process *p)
{
	struct see_process *slot =
		arena_push(w->arena, &w->found.items, &w->found.n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*slot = *p;
	return 0;
}

static int look_at_thread(struct worker *w, int dir_fd, const struct see_process *p, int tid)
{
	struct see_process t = *p;
	char path[32];

	if (tid == p->pid)
		return 0;
	t.tid = tid;
	snprintf(path, sizeof(path), "%d/ns", tid);
	if (read_namespaces(dir_fd, path, THREAD_TYPES, &t) < 0 || !differs(&t, p))
		return 0;
	snprintf(path, sizeof(path), "%d/comm", tid);
	if (see_read(dir_fd, path, t.comm, sizeof(t.comm)) > 0)
		t.comm[strcspn(t.comm, "\n")] = 0;
	return add_process(w, &t);
}

/* ---- descriptors ---- */

/*
 * 1: it is open. Its link would not do: of a file that was opened where it is mounted that says the
 * path. Nobody is asked for what is not known already: that could be a server that does not answer.
 */
static int look_at_fd(struct worker *w, int dir_fd, const char *path, const struct see_process *p,
		      int fd)
{
	const struct statx *own = &w->scan->nsfs;
	struct see_holder *h;
	struct statx st;
	int r = sys_statx(dir_fd, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &st);

	if (r < 0)
		return r;
	if (st.stx_dev_minor != own->stx_dev_minor || st.stx_dev_major != own->stx_dev_major)
		return 1;
	r = see_type_of(dir_fd, path, st.stx_ino);
	if (r < 0) /* something else by now, or a namespace of a type that we do not know */
		return r == -ENOMEM ? r : 1;
	h = arena_push(w->arena, &w->held.items, &w->held.n, sizeof(*h));
	if (!h)
		return -ENOMEM;
	*h = (struct see_holder){ .inode = st.stx_ino,
				  .type = (enum ns_type)r,
				  .how = SEE_BY_FD,
				  .pid = p->pid,
				  .fd = fd };
	return 1;
}

static int look_at_numbered_fd(struct worker *w, int dir_fd, const struct see_process *p, int fd)
{
	char path[16];

	snprintf(path, sizeof(path), "%d", fd);
	return look_at_fd(w, dir_fd, path, p, fd) == -ENOMEM ? -ENOMEM : 0;
}

#define FEW 16

/*
 * Most have 0, 1, 2 and a few more, without a gap. How many there are the size of the directory
 * tells since Linux 6.2 (before it is 0): then nothing has to be listed.
 */
static int look_at_fds(struct worker *w, int dir_fd, const struct see_process *p)
{
	size_t before = w->held.n;
	char path[] = "fd/NN";
	struct statx st;
	int r = sys_statx(dir_fd, "fd", 0, STATX_SIZE, &st), one = 1;
	int open = r == 0 && st.stx_size <= FEW ? (int)st.stx_size : 0;

	for (int i = 0; i < open && one > 0; i++) {
		path[3] = (char)(i < 10 ? '0' + i : '1');
		path[4] = (char)(i < 10 ? 0 : '0' + i - 10);
		one = look_at_fd(w, dir_fd, path, p, i);
	}
	if (one < 0 && one != -ENOENT)
		r = one;
	if (r == 0 && (!open || one < 0)) {
		w->held.n = before; // cppcheck-suppress redundantAssignment
		r = each_number(w, dir_fd, "fd", p, look_at_numbered_fd);
	}
	if (r == -EACCES || r == -EPERM)
		w->fds_unseen++;
	return r == -ENOMEM ? r : 0;
}

/* ---- a process ---- */

static int look_at(struct worker *w, int pid)
{
	struct see_process p = { .pid = pid, .uid = SEE_NOBODY };
	_cleanup_fd_ int dir_fd = -1;
	char path[16];
	int r;

	snprintf(path, sizeof(path), "%d", pid);
	dir_fd = sys_openat(w->scan->world->proc_fd, path, O_PATH | O_DIRECTORY, 0);
	if (dir_fd < 0 || !read_stat(dir_fd, &p)) {
		w->ended++;
		return dir_fd == -EMFILE || dir_fd == -ENFILE || dir_fd == -ENOMEM ? dir_fd : 0;
	}
	r = read_namespaces(dir_fd, "ns", ~0U, &p);
	p.unseen = r == -EACCES || r == -EPERM;
	if (r < 0 && !p.unseen && p.state != 'Z') {
		w->ended++;
		return r == -EMFILE || r == -ENFILE ? r : 0;
	}
	w->processes++;
	w->unseen += p.unseen;
	r = add_process(w, &p);
	if (r == 0 && p.threads > 1 && !p.unseen)
		r = each_number(w, dir_fd, "task", &p, look_at_thread);
	if (r != -ENOMEM)
		r = w->scan->holders ? look_at_fds(w, dir_fd, &p) : 0;
	return r;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	size_t from;

	while (w->result == 0 &&
	       (from = atomic_fetch_add(&w->scan->next, CHUNK)) < w->scan->n_pids) {
		size_t end = MIN(from + CHUNK, w->scan->n_pids);

		for (; w->result == 0 && from < end; from++)
			w->result = look_at(w, w->scan->pids[from]);
	}
	return NULL;
}

/* ---- all of them ---- */

static int take_pids(struct scan *s)
{
	_Alignas(struct sys_dirent) char block[32768];
	_cleanup_fd_ int fd = sys_openat(s->world->proc_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	ssize_t n = fd;

	while (n >= 0 && (n = sys_getdents(fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n;) {
			struct sys_dirent *d = (void *)(block + at);
			uint32_t pid;
			int *slot;

			at += d->len;
			if (str_u32(d->name, &pid) < 0)
				continue;
			slot = arena_push(s->world->arena, &s->pids, &s->n_pids, sizeof(*slot));
			if (!slot)
				return -ENOMEM;
			*slot = (int)pid;
		}
	}
	return (int)n;
}

static int by_pid(const void *a, const void *b)
{
	const struct see_process *p = a, *q = b;

	return p->pid != q->pid ? (p->pid < q->pid ? -1 : 1)
				: (p->tid > q->tid) - (p->tid < q->tid);
}

int see_hold(struct see_world *w, const struct see_holder *h)
{
	struct see_holder *slot =
		arena_push(w->arena, &w->holders.items, &w->holders.n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*slot = *h;
	return 0;
}

/* All that the workers have found, as one. */
static int gather(struct see_world *w, struct worker *workers, unsigned n)
{
	size_t processes = 0;

	for (unsigned i = 0; i < n; i++)
		processes += workers[i].found.n;
	w->processes.items = arena_alloc(w->arena, (processes + 1) * sizeof(struct see_process));
	if (!w->processes.items)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		struct worker *k = &workers[i];

		if (k->found.n)
			memcpy(w->processes.items + w->processes.n, k->found.items,
			       k->found.n * sizeof(struct see_process));
		w->processes.n += k->found.n;
		for (size_t j = 0; j < k->held.n; j++)
			if (see_hold(w, &k->held.items[j]) < 0)
				return -ENOMEM;
		w->n_processes += k->processes;
		w->n_unseen += k->unseen;
		w->n_ended += k->ended;
		w->n_fds_unseen += k->fds_unseen;
	}
	qsort(w->processes.items, w->processes.n, sizeof(struct see_process), by_pid);
	return 0;
}

static int run_workers(struct worker *workers, unsigned n)
{
	int r = 0;

	workers_run(workers, sizeof(*workers), n, work);
	for (unsigned i = 0; r == 0 && i < n; i++)
		r = workers[i].result;
	return r;
}

int see_scan(struct see_world *w, unsigned flags)
{
	struct worker workers[WORKERS_MAX] = { 0 };
	struct scan s = { .world = w, .holders = flags & SEE_HOLDERS };
	int r = sys_statx(AT_FDCWD, "/proc/thread-self/ns/user", 0, STATX_INO, &s.nsfs);
	unsigned n;

	if (r == 0)
		r = take_pids(&s);
	if (r < 0)
		return r;
	n = workers_for(s.n_pids, 128); /* a thread costs as much as some ten processes */
	for (unsigned i = 0; i < n; i++) {
		workers[i] = (struct worker){ .scan = &s, .arena = arena_new() };
		if (!workers[i].arena)
			r = -ENOMEM;
	}
	if (r == 0)
		r = run_workers(workers, n);
	if (r == 0)
		r = gather(w, workers, n);
	for (unsigned i = 0; i < n; i++)
		arena_free(workers[i].arena);
	return r;
}
