/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directory of a container: made, locked, saved to, removed. Nothing is flushed to a disk: by
 * default ROOT is a tmpfs, and wherever it is, what it tells of ends with the machine's power.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "state/layout.h"
#include "sys/fd.h"
#include "sys/process.h"

#define NEW_FILE     STATE_FILE ".new"
#define NEW_PREFIX   ".new-" /* which no id begins with */
#define NEW_MAX_S    60
#define LOCK_LOOK_MS 5
#define LOCK_WAIT_MS 10000
#define ROOT_MODE    0700 /* a container's state tells of mounts, paths and environment */

static const char *const own_files[] = { CREATING_FILE, STATE_FILE, NEW_FILE, NULL };

/* `path` with all directories above it, like mkdir -p. */
static int make_dirs(const char *path)
{
	char piece[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(piece))
		return len ? -ENAMETOOLONG : -ENOENT;
	memcpy(piece, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		int r;

		if (piece[i] != '/' && piece[i])
			continue;
		piece[i] = 0;
		r = sys_mkdirat(AT_FDCWD, piece, ROOT_MODE);
		if (r < 0 && r != -EEXIST && i == len)
			return r;
		piece[i] = path[i];
	}
	return 0;
}

int state_open_root(const char *root)
{
	return sys_openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0);
}

static int open_or_make_root(const char *root)
{
	int fd = state_open_root(root);

	if (fd == -ENOENT)
		fd = make_dirs(root);
	return fd == 0 ? state_open_root(root) : fd;
}

void state_close(struct state_dir *d)
{
	/* The lock goes with its descriptor. */
	cleanup_fd(&d->lock_fd);
	cleanup_fd(&d->fd);
	cleanup_fd(&d->root_fd);
	*d = (struct state_dir)STATE_DIR_INIT;
}

/* A command that hangs, in a hook for example, is not to make all others hang with it. */
static int lock_in_time(int fd)
{
	const struct timespec pause = { 0, LOCK_LOOK_MS * 1000000L };
	int r = sys_flock(fd, LOCK_EX | LOCK_NB);

	for (int ms = 0; r == -EWOULDBLOCK && ms < LOCK_WAIT_MS; ms += LOCK_LOOK_MS) {
		nanosleep(&pause, NULL);
		r = sys_flock(fd, LOCK_EX | LOCK_NB);
	}
	return r == -EWOULDBLOCK ? -EBUSY : r;
}

static int lock(struct state_dir *d, int more_flags)
{
	struct statx st = { 0 };
	int r;

	d->lock_fd = sys_openat(d->fd, LOCK_FILE, O_RDWR | O_NOFOLLOW | more_flags, 0600);
	if (d->lock_fd < 0)
		return d->lock_fd;
	r = lock_in_time(d->lock_fd);
	if (r == 0)
		r = sys_statx(d->lock_fd, "", AT_EMPTY_PATH, STATX_NLINK, &st);
	/* Whom we waited for has removed the container. */
	return r == 0 && st.stx_nlink == 0 ? -ENOENT : r;
}

static void move(struct state_dir *from, struct state_dir *to)
{
	*to = (struct state_dir){ TAKE_FD(from->root_fd), TAKE_FD(from->fd),
				  TAKE_FD(from->lock_fd) };
}

static int open_dir(int root_fd, const char *name)
{
	return sys_openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* A directory without a lock is one whose removal was interrupted: nothing else is left in it. */
static bool sweep(int root_fd, const char *id)
{
	return sys_unlinkat(root_fd, id, AT_REMOVEDIR) == 0;
}

/*
 * Made under another name, with the lock in it and held, and then given its own, if that is free:
 * so there is no moment at which it is there without its lock.
 */
static int make_dir(struct state_dir *d, const char *id)
{
	char name[64];
	int r;

	/* One name for each thread that is here. */
	snprintf(name, sizeof(name), NEW_PREFIX "%d-%p", sys_getpid(), (void *)d);
	r = sys_mkdirat(d->root_fd, name, 0711);
	if (r < 0)
		return r;
	r = d->fd = open_dir(d->root_fd, name);
	if (r >= 0)
		r = lock(d, O_CREAT);
	if (r == 0)
		r = sys_renameat(d->root_fd, name, id, RENAME_NOREPLACE);
	if (r == -EEXIST && sweep(d->root_fd, id))
		r = sys_renameat(d->root_fd, name, id, RENAME_NOREPLACE);
	if (r < 0) {
		sys_unlinkat(d->fd, LOCK_FILE, 0);
		sys_unlinkat(d->root_fd, name, AT_REMOVEDIR);
	}
	return r;
}

/* Whoever makes one is done with it, or gone, long before that. */
static bool is_old(int fd)
{
	struct statx sx;

	return sys_statx(fd, "", AT_EMPTY_PATH, STATX_MTIME, &sx) == 0 &&
	       sx.stx_mtime.tv_sec + NEW_MAX_S < time(NULL);
}

void state_sweep(int root_fd, const char *name)
{
	_cleanup_fd_ int dir_fd = str_starts(name, NEW_PREFIX) ? open_dir(root_fd, name) : -1;
	_cleanup_fd_ int fd = -1;

	if (dir_fd < 0 || !is_old(dir_fd))
		return;
	fd = sys_openat(dir_fd, LOCK_FILE, O_RDWR | O_NOFOLLOW, 0);
	if (fd >= 0 && sys_flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	sys_unlinkat(dir_fd, LOCK_FILE, 0);
	sys_unlinkat(root_fd, name, AT_REMOVEDIR);
}

static int no_such(const char *id, struct err *e)
{
	return err_set(e, ENOENT, "container \"%.64s\" does not exist", id);
}

/* The process that has the lock, by /proc/locks; 0: it is not known there. */
static int holder_of(int fd)
{
	_cleanup_file_ FILE *f = fopen("/proc/locks", "re");
	struct statx st = { 0 };
	char line[256];

	if (!f || sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) < 0)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		unsigned long long inode;
		unsigned major, minor;
		int pid;

		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %d %x:%x:%llu", &pid, &major, &minor,
			   &inode) == 4 &&
		    major == st.stx_dev_major && minor == st.stx_dev_minor && inode == st.stx_ino)
			return pid;
	}
	return 0;
}

static int is_busy(const char *id, int lock_fd, struct err *e)
{
	int pid = holder_of(lock_fd);

	if (pid > 0)
		return err_set(
			e, EBUSY,
			"container \"%.64s\": process %d has been working on it for %d s: is a "
			"hook hanging?",
			id, pid, LOCK_WAIT_MS / 1000);
	return err_set(e, EBUSY, "container \"%.64s\": another command has its lock", id);
}

int state_create(const char *root, const char *id, struct state_dir *out, struct err *e)
{
	_cleanup_state_ struct state_dir d = STATE_DIR_INIT;
	int r;

	if (!state_id_valid(id))
		return state_id_refused(id, e);
	d.root_fd = r = open_or_make_root(root);
	if (r < 0)
		return err_errno(e, -r, "state directory %s", root);
	r = make_dir(&d, id);
	if (r == -EEXIST)
		return err_set(e, EEXIST, "container with id exists: %.64s", id);
	if (r < 0)
		return err_errno(e, -r, "state directory %s/%s", root, id);
	move(&d, out);
	return 0;
}

int state_open(const char *root, const char *id, bool locked, struct state_dir *out, struct err *e)
{
	_cleanup_state_ struct state_dir d = STATE_DIR_INIT;
	int r;

	if (!state_id_valid(id))
		return state_id_refused(id, e);
	r = d.root_fd = state_open_root(root);
	if (r >= 0)
		r = d.fd = open_dir(d.root_fd, id);
	if (r >= 0 && locked)
		r = lock(&d, 0);
	if (r == -EBUSY)
		return is_busy(id, d.lock_fd, e);
	if (r == -ENOENT) {
		sweep(d.root_fd, id);
		return no_such(id, e);
	}
	if (r < 0)
		return err_errno(e, -r, "state directory %s/%s", root, id);
	move(&d, out);
	return 0;
}

int state_save(const struct state_dir *d, const struct state *s, struct err *e)
{
	const char *name = s->phase == PHASE_CREATING ? CREATING_FILE : STATE_FILE;
	struct jsonout j = { .compact = true };
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int fd = -1;
	int r;

	state_write(&j, s);
	text = buf_take(&j.buf);
	if (!text)
		return err_errno(e, ENOMEM, "save the state");
	if (strlen(text) > STATE_MAX)
		return err_set(e, E2BIG, "save the state: it has more than %d bytes", STATE_MAX);
	fd = sys_openat(d->fd, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	r = fd < 0 ? fd : sys_write_all(fd, text, strlen(text));
	if (r == 0)
		r = sys_renameat(d->fd, NEW_FILE, name, 0);
	if (r < 0)
		sys_unlinkat(d->fd, NEW_FILE, 0);
	return r < 0 ? err_errno(e, -r, "save the state") : 0;
}

static int unlink_all(int dir_fd, const char *const *names)
{
	for (; names && *names; names++) {
		int r = sys_unlinkat(dir_fd, *names, 0);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

/* The lock goes last, so that whoever waits for it finds nothing that is half removed. */
int state_remove(const struct state_dir *d, const char *id, const char *const *more, struct err *e)
{
	int r = unlink_all(d->fd, own_files);

	if (r == 0)
		r = unlink_all(d->fd, more);
	if (r == 0)
		r = sys_unlinkat(d->fd, LOCK_FILE, 0);
	if (r == 0 || r == -ENOENT)
		r = sys_unlinkat(d->root_fd, id, AT_REMOVEDIR);
	return r < 0 ? err_errno(e, -r, "remove the state of %s", id) : 0;
}
