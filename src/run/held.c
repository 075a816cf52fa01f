/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/held.h"

#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/list.h"
#include "base/str.h"
#include "net/net.h"
#include "ns/ns.h"
#include "run/run.h"
#include "state/state.h"
#include "sys/fd.h"
#include "sys/mnt.h"
#include "sys/process.h"

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len <= HELD_NAME_MAX && *name != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       len;
}

static const char *path_of(const char *name, const char *file, char out[HELD_PATH_MAX])
{
	snprintf(out, HELD_PATH_MAX, HELD_ROOT "/%s%s%s", name, *file ? "/" : "", file);
	return out;
}

/* Is it a mount of a namespace's file, or an empty one that a reboot has left? */
static bool is_nsfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

/* ---- the lock: who makes and drops names is alone ---- */

#define LOCK_FILE "/run/holm/ns.lock"

/* A descriptor that holds it as long as it is open; -EWOULDBLOCK if it is not waited for. */
static int lock_names(bool wait)
{
	_cleanup_fd_ int fd =
		sys_openat(AT_FDCWD, LOCK_FILE, O_RDONLY | O_CREAT | O_NOFOLLOW, 0600);
	int r = fd < 0 ? fd : sys_flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));

	return r < 0 ? r : TAKE_FD(fd);
}

/* ---- the directory ---- */

static int mount_on(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static bool is_mount(const char *path)
{
	struct statx sx;

	return sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx) == 0 &&
	       sx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static int make_dir(const char *path, struct err *e)
{
	int r = sys_mkdirat(AT_FDCWD, path, 0755);

	return r < 0 && r != -EEXIST ? err_errno(e, -r, "hold: make %s", path) : 0;
}

static int make_root(struct err *e)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };
	int r = make_dir(HELD_ROOT, e);

	if (r < 0)
		return r;
	r = is_mount(HELD_ROOT) ? 0 : mount_on(HELD_ROOT, HELD_ROOT);
	if (r == 0)
		r = sys_mount_setattr(AT_FDCWD, HELD_ROOT, 0, &private);
	if (r == -EPERM)
		return err_set(e, EPERM,
			       "hold: mounts that keep namespaces need CAP_SYS_ADMIN: do it as "
			       "root");
	return r < 0 ? err_errno(e, -r, "hold: make " HELD_ROOT " a private mount") : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_names(struct arena *a, strings *out)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, HELD_ROOT, O_RDONLY | O_DIRECTORY, 0);
	_Alignas(struct sys_dirent) char block[8192];
	ssize_t n = fd;

	while (fd >= 0 && (n = sys_getdents(fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct sys_dirent *d = (const struct sys_dirent *)(block + at);
			const char **slot;

			at += d->len;
			if (!name_ok(d->name))
				continue;
			slot = arena_push(a, &out->items, &out->n, sizeof(*slot));
			if (!slot || !(*slot = arena_strdup(a, d->name)))
				return -ENOMEM;
		}
	}
	if (out->n)
		qsort(out->items, out->n, sizeof(*out->items), by_name);
	return n == -ENOENT ? 0 : (int)n;
}

/* The last one takes the directory along. */
static void remove_root_if_empty(void)
{
	_cleanup_arena_ struct arena *a = arena_new();
	strings names = { 0 };

	if (!a || read_names(a, &names) < 0 || names.n)
		return;
	if (is_mount(HELD_ROOT))
		sys_umount2(HELD_ROOT, MNT_DETACH);
	/* Somebody's may be in there by now, and then this fails. */
	sys_unlinkat(AT_FDCWD, HELD_ROOT, AT_REMOVEDIR);
}

/* ---- who makes them ---- */

struct maker {
	unsigned flags;
	bool keeps_pid, has_net, has_time, has_mnt;
	int wait_fd, ready_fd, init_fd;
};

/* In our memory, as every first process (child.c): system calls alone, until it executes the init.
 */
static int make(void *arg)
{
	struct maker *m = arg;
	struct mount_attr private = { .propagation = MS_PRIVATE };
	char *argv[] = { (char *)"holm-init", (char *)"hold", NULL }, byte = 0;

	sys_default_signals();
	if (m->has_time && sys_unshare(CLONE_NEWTIME) < 0)
		return 1;
	if (m->has_mnt && sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private) < 0)
		return 1;
	/* Else whoever enters both would see the processes of another pid namespace. */
	if (m->has_mnt && m->keeps_pid && sys_mount("proc", "/proc", "proc", NULL) < 0)
		return 1;
	if (m->has_net)
		net_loopback_up();
	if (sys_write(m->ready_fd, &byte, 1) != 1 || sys_read(m->wait_fd, &byte, 1) != 1)
		return 1;
	return m->keeps_pid ? -sys_execveat(m->init_fd, "", argv, (char *[]){ NULL }, AT_EMPTY_PATH)
			    : 0;
}

static int init_memfd(void)
{
	struct run r = { .init_fd = -1 };
	int code = act_init_image(&r, 0);

	return code < 0 ? code : r.init_fd;
}

/* ---- mounting ---- */

static int mount_one(const char *name, enum ns_type type, int pid, struct err *e)
{
	const char *link = type == NS_TIME ? "ns/time_for_children" : ns_table[type].proc_file;
	char from[64], path[HELD_PATH_MAX];
	_cleanup_fd_ int fd = -1;
	int r;

	if (pid < 0) /* of who is there already */
		link = ns_table[type].proc_file;
	snprintf(from, sizeof(from), "/proc/%d/%s", pid < 0 ? -pid : pid, link);
	path_of(name, ns_table[type].name, path);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0444);
	if (fd < 0)
		return err_errno(e, -fd, "hold %s: %s", name, path);
	r = mount_on(from, path);
	if (r == -EINVAL && type == NS_MNT)
		return err_set(e, EINVAL,
			       "hold %s: a mount namespace can be held only by one that is older: "
			       "this one is our own, or older than ours",
			       name);
	return r < 0 ? err_errno(e, -r, "hold %s: mount its %s namespace", name,
				 ns_table[type].name)
		     : 0;
}

static int mount_all(const struct held_wish *w, int pid, struct err *e)
{
	int r = 0;

	for (int type = 0; r == 0 && type < NS_COUNT; type++)
		if (w->types & 1U << type)
			r = mount_one(w->name, (enum ns_type)type, pid, e);
	return r;
}

static int write_init(const char *name, int pid, struct err *e)
{
	char path[HELD_PATH_MAX], text[64];
	_cleanup_fd_ int fd = -1;
	uint64_t start;
	bool ended;
	int r = state_process(pid, &start, &ended);

	if (r == 0 && ended)
		r = -ESRCH;
	snprintf(text, sizeof(text), "%d %llu\n", pid, (unsigned long long)start);
	if (r == 0)
		fd = r = sys_openat(AT_FDCWD, path_of(name, "init", path),
				    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
	if (r >= 0)
		r = sys_write_all(fd, text, strlen(text));
	return r < 0 ? err_errno(e, -r, "hold %s: write down its first process", name) : 0;
}

/* ---- new ones ---- */

struct birth {
	struct maker maker; /* it reads this while it is in our memory: nothing of it changes */
	int ready_fd, pid, pidfd, go_fd, hear_fd;
};

static void birth_done(struct birth *b)
{
	cleanup_fd(&b->maker.wait_fd);
	cleanup_fd(&b->ready_fd);
	cleanup_fd(&b->maker.init_fd);
	cleanup_fd(&b->go_fd);
	cleanup_fd(&b->hear_fd);
	cleanup_fd(&b->pidfd);
}

static int make_pipes(struct birth *b)
{
	int go[2], hear[2], r = sys_pipe2(go, O_CLOEXEC);

	if (r < 0)
		return r;
	b->maker.wait_fd = go[0];
	b->go_fd = go[1];
	r = sys_pipe2(hear, O_CLOEXEC);
	if (r < 0)
		return r;
	b->hear_fd = hear[0];
	b->maker.ready_fd = b->ready_fd = hear[1];
	b->maker.init_fd = init_memfd();
	return b->maker.init_fd < 0 ? b->maker.init_fd : 0;
}

static int clone_maker(struct birth *b, const struct held_wish *w, void *stack, size_t size)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.exit_signal = SIGCHLD,
		.pidfd = (uintptr_t)&b->pidfd,
		.stack = (uintptr_t)stack,
		.stack_size = size,
	};
	uint64_t all = ~UINT64_C(0), old;

	for (int type = 0; type < NS_COUNT; type++)
		if (w->types & 1U << type && type != NS_TIME)
			args.flags |= ns_table[type].clone_flag;
	b->maker.has_time = w->types & 1U << NS_TIME;
	b->maker.has_mnt = w->types & 1U << NS_MNT;
	b->maker.has_net = w->types & 1U << NS_NET;
	b->maker.keeps_pid = w->types & 1U << NS_PID;
	sys_sigprocmask(SIG_SETMASK, &all, &old);
	b->pid = sys_clone_fn(&args, make, &b->maker);
	sys_sigprocmask(SIG_SETMASK, &old, NULL);
	return b->pid < 0 ? b->pid : 0;
}

static int write_maps(const struct held_wish *w, int pid, struct err *e)
{
	const char *failed = NULL;
	char proc[32];
	int r;

	if (!(w->types & 1U << NS_USER))
		return 0;
	snprintf(proc, sizeof(proc), "/proc/%d", pid);
	r = user_write_maps(proc, w->uid_map, w->gid_map, false, &failed);
	return r < 0 ? err_errno(e, -r, "hold %s: %s", w->name, failed) : 0;
}

/* It has made them, and waits: now they are given to their names, and then it may go. */
static int keep(struct birth *b, const struct held_wish *w, struct err *e)
{
	char byte = 0;
	int r;

	if (sys_read(b->hear_fd, &byte, 1) != 1)
		return err_set(e, EIO, "hold %s: the namespaces could not be made", w->name);
	r = write_maps(w, b->pid, e);
	if (r == 0)
		r = mount_all(w, b->pid, e);
	if (r == 0 && b->maker.keeps_pid)
		r = write_init(w->name, b->pid, e);
	if (r == 0 && sys_write(b->go_fd, &byte, 1) != 1)
		r = err_set(e, EIO, "hold %s: the first process has ended", w->name);
	return r;
}

/* Until it has left our memory: by its end, or by executing the init, which closes our pipe. */
static int await_departure(struct birth *b, int code)
{
	struct pollfd p = { .fd = b->pidfd, .events = POLLIN };
	char byte;

	if (code < 0)
		sys_pidfd_send_signal(b->pidfd, SIGKILL);
	while (sys_read(b->hear_fd, &byte, 1) > 0)
		;
	if (code == 0 && b->maker.keeps_pid && poll(&p, 1, 0) == 1)
		code = -ECHILD;
	if (code < 0 || !b->maker.keeps_pid)
		while (sys_wait4(b->pid, NULL, __WALL, NULL) == -EINTR)
			;
	return code;
}

static int hold_new(const struct held_wish *w, struct err *e)
{
	_cleanup_(birth_done) struct birth b = { .maker = { .wait_fd = -1, .init_fd = -1 },
						 .ready_fd = -1,
						 .pidfd = -1,
						 .go_fd = -1,
						 .hear_fd = -1 };
	_cleanup_stack_ struct small_stack stack;
	int r = make_pipes(&b);

	if (r == 0)
		r = clone_maker(&b, w, &stack, sizeof(stack));
	if (r == -EPERM)
		return err_set(e, EPERM,
			       "hold %s: new namespaces need CAP_SYS_ADMIN: do it as root, or "
			       "together with a user namespace",
			       w->name);
	if (r < 0)
		return err_errno(e, -r, "hold %s: make the namespaces", w->name);
	/* Its end alone is to be an end of file; it has a table of its own. */
	close(TAKE_FD(b.ready_fd));
	r = keep(&b, w, e);
	if (r == 0 && await_departure(&b, 0) < 0)
		return err_set(e, ECHILD, "hold %s: its process 1 could not be executed", w->name);
	if (r < 0)
		await_departure(&b, r);
	return r;
}

/* ---- all ---- */

/* Of a process there are only those that are not ours: the others need nobody to hold them. */
static int check_wish(const struct held_wish *w, struct err *e)
{
	if (!name_ok(w->name))
		return err_set(
			e, EINVAL,
			"hold: \"%.64s\" cannot be a name (1 to %d of letters, digits, _ and "
			"-)",
			w->name, HELD_NAME_MAX);
	return w->types ? 0 : err_set(e, EINVAL, "hold %s: which namespaces?", w->name);
}

static int drop(const char *name, struct err *e);

int held_make(const struct held_wish *w, struct err *e)
{
	_cleanup_fd_ int lock = -1;
	char path[HELD_PATH_MAX];
	int r = check_wish(w, e);

	if (r == 0)
		r = make_dir("/run/holm", e);
	if (r < 0)
		return r;
	lock = lock_names(true);
	if (lock < 0)
		return err_errno(e, -lock, "hold: lock " LOCK_FILE);
	r = make_root(e);
	if (r < 0)
		return r;
	r = sys_mkdirat(AT_FDCWD, path_of(w->name, "", path), 0755);
	if (r == -EEXIST)
		return err_set(e, EEXIST, "hold: there is a \"%s\" already: holm ns drop %s",
			       w->name, w->name);
	if (r < 0)
		return err_errno(e, -r, "hold: make %s", path);
	r = w->pid ? mount_all(w, -w->pid, e) : hold_new(w, e);
	if (r < 0)
		drop(w->name, NULL);
	return r;
}

/* Whose pid it was once is no matter: it is killed only if it is still that process. */
static int init_of(const char *name)
{
	unsigned long long start = 0;
	char path[HELD_PATH_MAX], text[64] = "";
	_cleanup_fd_ int fd =
		sys_openat(AT_FDCWD, path_of(name, "init", path), O_RDONLY | O_NOFOLLOW, 0);
	uint64_t is;
	bool ended;
	int pid;

	if (fd < 0 || sys_read(fd, text, sizeof(text) - 1) <= 0 ||
	    sscanf(text, "%d %llu", &pid, &start) != 2 || pid <= 0)
		return 0;
	return state_process(pid, &is, &ended) == 0 && !ended && is == start ? pid : 0;
}

static void end_init(const char *name)
{
	int pid = init_of(name);
	_cleanup_fd_ int fd = pid ? sys_pidfd_open(pid, 0) : -1;

	/* First the descriptor, then the look: what it holds cannot change any more. */
	if (fd >= 0 && init_of(name) == pid)
		sys_pidfd_send_signal(fd, SIGKILL);
	/* It is a child of ours only if we have made it; else whoever adopted it sees to it. */
	if (pid)
		sys_wait4(pid, NULL, __WALL, NULL);
}

static int drop(const char *name, struct err *e)
{
	char path[HELD_PATH_MAX];
	int r;

	if (!name_ok(name))
		return err_set(e, EINVAL, "hold: \"%.64s\" is no name", name);
	end_init(name);
	for (int type = 0; type < NS_COUNT; type++) {
		path_of(name, ns_table[type].name, path);
		r = is_nsfs(path) ? sys_umount2(path, MNT_DETACH) : 0;
		if (r < 0)
			return err_errno(e, -r, "hold: unmount %s", path);
		sys_unlinkat(AT_FDCWD, path, 0);
	}
	sys_unlinkat(AT_FDCWD, path_of(name, "init", path), 0);
	r = sys_unlinkat(AT_FDCWD, path_of(name, "", path), AT_REMOVEDIR);
	remove_root_if_empty();
	if (r == -ENOENT)
		return err_set(e, ENOENT,
			       "hold: nothing is held by the name \"%s\" (holm ns ls --held)",
			       name);
	return r < 0 ? err_errno(e, -r, "hold: remove %s", path) : 0;
}

int held_drop(const char *name, struct err *e)
{
	_cleanup_fd_ int lock = lock_names(true);

	if (lock < 0 && lock != -ENOENT)
		return err_errno(e, -lock, "hold: lock " LOCK_FILE);
	return drop(name, e);
}

/* ---- looking ---- */

/* `cleans`: nobody is making anything now. */
static int show(const char *name, bool cleans, held_fn *fn, void *arg)
{
	bool any = false;
	int r = 0;

	for (int type = 0; r == 0 && type < NS_COUNT; type++) {
		char path[HELD_PATH_MAX];
		struct stat st;
		struct held h = { .name = name,
				  .path = path_of(name, ns_table[type].name, path),
				  .type = (enum ns_type)type,
				  .init = type == NS_PID ? init_of(name) : 0 };

		if (stat(path, &st) < 0)
			continue;
		h.inode = is_nsfs(path) ? st.st_ino : 0;
		if (!h.inode && !cleans)
			continue;
		any |= h.inode != 0;
		r = fn(arg, &h);
	}
	if (!any && cleans && r == 0)
		drop(name, NULL);
	return r;
}

int held_list(held_fn *fn, void *arg, struct err *e)
{
	_cleanup_fd_ int lock = lock_names(false);
	_cleanup_arena_ struct arena *a = arena_new();
	strings names = { 0 };
	int r = a ? read_names(a, &names) : -ENOMEM;

	if (r < 0)
		return err_errno(e, -r, "hold: read " HELD_ROOT);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = show(names.items[i], lock >= 0, fn, arg);
	return r;
}

/* ---- joining ---- */

bool held_path(const char *name, enum ns_type type, char out[HELD_PATH_MAX])
{
	return name_ok(name) && is_nsfs(path_of(name, ns_table[type].name, out));
}
