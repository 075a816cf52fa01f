/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/process.h"

#define BELOW_MAX 65536 /* cgroups; the kernel's own bound is memory */

int cg_dir_fd(struct cg_dir *d)
{
	if (d->fd < 0)
		d->fd = sys_openat(AT_FDCWD, d->path, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	return d->fd;
}

/*
 * By path as long as the directory is not open for other reasons: most directories are used for
 * one file or two, and two more system calls cost more than a walk over five cached names.
 */
int cg_open_file(struct cg_dir *d, const char *file, int flags)
{
	char path[PATH_MAX + 128];
	size_t len = strlen(d->path), file_len = strlen(file);

	if (d->fd >= 0)
		return sys_openat(d->fd, file, flags, 0);
	if (len + 1 + file_len >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, d->path, len);
	path[len] = '/';
	memcpy(path + len + 1, file, file_len + 1);
	return sys_openat(AT_FDCWD, path, flags, 0);
}

/*
 * The files of cgroups that hold values are made as a whole, so that one read that is not filled
 * has all of it. `out` has room for `room` bytes and ends in NUL.
 */
ssize_t cg_read(struct cg_dir *d, const char *file, char *out, size_t room)
{
	_cleanup_fd_ int fd = cg_open_file(d, file, O_RDONLY);
	ssize_t n = fd;

	if (fd >= 0) {
		do {
			n = sys_read(fd, out, room - 1);
		} while (n == -EINTR);
	}
	if (n < 0)
		return n;
	out[n] = 0;
	if (n > 0 && out[n - 1] == '\n')
		out[--n] = 0;
	return n;
}

int cg_read_u64(struct cg_dir *d, const char *file, uint64_t *out)
{
	char text[64];
	const char *p = text;
	ssize_t n = cg_read(d, file, text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (str_starts(text, "max") || str_starts(text, "-")) {
		*out = CG_UNKNOWN;
		return 0;
	}
	return str_take_u64(&p, out);
}

int cg_write(struct cg_dir *d, const char *file, const char *text)
{
	_cleanup_fd_ int fd = cg_open_file(d, file, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	/* In one write: each one is a wish of its own to the kernel. */
	do {
		n = sys_write(fd, text, strlen(text));
	} while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

bool cg_find_key(const char *text, const char *key, uint64_t *out)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ') {
			const char *p = line + len + 1;

			return str_take_u64(&p, out) == 0;
		}
	}
	return false;
}

struct cg_dir *cg_find(struct cg *cg, enum cg_controller c)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->dirs[i].controllers & CG_BIT(c))
			return &cg->dirs[i];
	return NULL;
}

struct cg_dir *cg_unified(struct cg *cg)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->dirs[i].unified)
			return &cg->dirs[i];
	return NULL;
}

struct cg_dir *cg_tracker(struct cg *cg)
{
	struct cg_dir *d = cg_unified(cg);

	if (!d)
		d = cg_find(cg, CG_FREEZER);
	if (!d)
		d = cg_find(cg, CG_PIDS);
	return d || cg->n == 0 ? d : &cg->dirs[0];
}

/* kernfs counts a directory's children in its links, so that most need not be listed. */
static bool has_children(int dir_fd, const char *path)
{
	struct statx sx;
	int r = sys_statx(dir_fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_NLINK, &sx);

	return r < 0 || sx.stx_nlink > 2;
}

/* Appends the directories in dir_fd/path ("": dir_fd) to `out`, each as path/name and NUL. */
static int list_children(int dir_fd, const char *path, struct buf *out)
{
	_Alignas(struct sys_dirent) char entries[4096];
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	if (!has_children(dir_fd, path))
		return 0;
	fd = sys_openat(dir_fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	while ((n = sys_getdents(fd, entries, sizeof(entries))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct sys_dirent *d = (const void *)(entries + at);

			at += d->len;
			if (d->type != DT_DIR || d->name[0] == '.')
				continue;
			buf_printf(out, "%s%s%s", path, *path ? "/" : "", d->name);
			buf_put(out, "", 1);
		}
	}
	return out->failed ? -ENOMEM : (int)n;
}

int cg_below(struct cg_dir *d, struct buf *out)
{
	_cleanup_free_ char *path = NULL;
	int dir_fd = cg_dir_fd(d);
	int r = dir_fd < 0 ? dir_fd : list_children(dir_fd, "", out);
	unsigned seen = 0;

	/* Breadth first: what is found is looked into later, as the list itself grows. */
	for (size_t at = 0; r == 0 && at < out->len; at += strlen(path) + 1) {
		free(path);
		path = strdup(out->data + at); /* the list moves when it grows */
		if (!path)
			return -ENOMEM;
		r = ++seen > BELOW_MAX ? -E2BIG : list_children(dir_fd, path, out);
	}
	return r;
}

/* The processes of one cgroup, from its open cgroup.procs: lines of numbers, read in pieces. */
static int each_in_file(int fd, int (*fn)(void *arg, int pid), void *arg)
{
	char text[4096];
	uint32_t pid = 0;
	bool digits = false;
	int r = 0;
	ssize_t n;

	while (r == 0 && (n = sys_read(fd, text, sizeof(text))) != 0) {
		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		for (ssize_t i = 0; r == 0 && i < n; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (uint32_t)(text[i] - '0');
				digits = true;
			} else if (digits) {
				r = fn(arg, (int)pid);
				pid = 0;
				digits = false;
			}
		}
	}
	return r;
}

static int each_in(int dir_fd, const char *path, int (*fn)(void *arg, int pid), void *arg)
{
	char file[PATH_MAX];
	_cleanup_fd_ int fd = -1;
	size_t len = strlen(path);
	int r;

	if (len + sizeof("/cgroup.procs") > sizeof(file))
		return -ENAMETOOLONG;
	memcpy(file, path, len);
	strcpy(file + len, len ? "/cgroup.procs" : "cgroup.procs");
	fd = sys_openat(dir_fd, file, O_RDONLY, 0);
	r = fd < 0 ? fd : each_in_file(fd, fn, arg);
	/* Gone meanwhile; or threaded, and then its processes stand in the cgroup above. */
	return r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
}

int cg_each_pid(struct cg_dir *d, int (*fn)(void *arg, int pid), void *arg)
{
	_cleanup_buf_ struct buf below = { 0 };
	int dir_fd = cg_dir_fd(d);
	int r = dir_fd < 0 ? dir_fd : each_in(dir_fd, "", fn, arg);

	if (r == 0)
		r = cg_below(d, &below);
	for (size_t at = 0; r == 0 && at < below.len; at += strlen(below.data + at) + 1)
		r = each_in(dir_fd, below.data + at, fn, arg);
	return r == -ENOENT ? 0 : r;
}

static int take_first(void *arg, int pid)
{
	*(int *)arg = pid;
	return 1;
}

int cg_first_pid(struct cg_dir *d, int *pid)
{
	return cg_each_pid(d, take_first, pid);
}

int64_t cg_now_ms(void)
{
	struct timespec ts = { 0 };

	sys_clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
