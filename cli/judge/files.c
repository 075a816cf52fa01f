/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes into a box and comes out of it. Nothing here follows a path that the box could have
 * made: what comes out is opened below the workspace's own descriptor, crossing neither links nor
 * mounts, and only a regular file of a bounded size is read. And the box gets no descriptor of a
 * file of ours: through /proc/self/fd it could be opened again, for writing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "judge/judge.h"
#include "sys/fd.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define BLOCK (UINT64_C(1) << 30) /* of one sendfile(2) */
#define BELOW (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS)

static int open_regular(const char *path, const char *what, struct stat *st, struct err *e)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);

	if (fd < 0 || fstat(fd, st) < 0)
		return err_errno(e, fd < 0 ? -fd : errno, "%s: %s", what, path);
	if (!S_ISREG(st->st_mode) && !str_eq(path, "/dev/null"))
		return err_set(e, EINVAL, "%s: %s: is no regular file", what, path);
	return TAKE_FD(fd);
}

#define PATIENCE_MS 10000 /* with who reads a pipe that is full */

static bool has_room(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	return poll(&p, 1, PATIENCE_MS) > 0;
}

/* -errno; *written counts what arrived: one byte more than `max` allows, and then -EFBIG. */
static int copy_all(int from, int to, uint64_t max, uint64_t *written)
{
	for (*written = 0; *written <= max;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)MIN(max - *written, BLOCK - 1) + 1);

		if (n < 0 && (errno == EINTR || (errno == EAGAIN && has_room(to))))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*written += (uint64_t)n;
	}
	return -EFBIG;
}

static int put_source(const struct source *s, int to, const char *what, struct err *e)
{
	_cleanup_fd_ int from = -1;
	struct stat st;
	uint64_t bytes;
	int r;

	if (!s->path) {
		r = sys_write_all(to, s->text.data, s->text.len);
	} else {
		from = open_regular(s->path, what, &st, e);
		if (from < 0)
			return from;
		r = copy_all(from, to, UINT64_MAX, &bytes);
	}
	return r < 0 ? err_errno(e, -r, "%s", what) : 0;
}

int source_open(const struct source *s, const char *what, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	int r;

	if (!s->given || (s->path && str_eq(s->path, "/dev/null")) || (!s->path && !s->text.len)) {
		fd = sys_openat(AT_FDCWD, "/dev/null", O_RDONLY, 0);
		return fd < 0 ? err_errno(e, -fd, "%s: /dev/null", what) : TAKE_FD(fd);
	}
	fd = memfd_create("holm-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_errno(e, errno, "%s", what);
	r = put_source(s, fd, what, e);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return err_errno(e, errno, "%s", what);
	return TAKE_FD(fd);
}

/* A private copy; what is mapped could be cut short under us. */
static int read_whole(int fd, uint64_t max, struct arena *a, struct text *out)
{
	struct stat st;
	size_t len = 0;
	char *data;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	data = arena_alloc(a, (size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	while (len < (size_t)st.st_size) {
		ssize_t n = pread(fd, data + len, (size_t)st.st_size - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*out = (struct text){ data, len };
	return 0;
}

int source_read(const struct source *s, struct arena *a, const char *what, struct text *out,
		struct err *e)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	if (!s->path) {
		*out = s->text;
		return 0;
	}
	fd = open_regular(s->path, what, &st, e);
	if (fd < 0)
		return fd;
	r = read_whole(fd, SIZE_MAX / 2, a, out);
	return r < 0 ? err_errno(e, -r, "%s: %s", what, s->path) : 0;
}

/* ---- into the workspace; nothing of the box has run yet ---- */

static int make_parents(int dir_fd, const char *name)
{
	char path[4096];

	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		int r;

		snprintf(path, sizeof(path), "%.*s", (int)(p - name), name);
		r = sys_mkdirat(dir_fd, path, 0755);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

static int put_one(const struct file_in *f, int dir_fd, struct err *e)
{
	struct open_how how = { .flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				.mode = f->mode,
				.resolve = BELOW };
	_cleanup_fd_ int fd = -1;
	char what[160];
	int r = make_parents(dir_fd, f->name);

	snprintf(what, sizeof(what), "files: %.120s", f->name);
	if (r == 0)
		r = fd = (int)RAW4(SYS_openat2, dir_fd, f->name, &how, sizeof(how));
	if (r == -EOVERFLOW)
		return err_errno(e, EOVERFLOW,
				 "%s: we are nobody in the box's user namespace, and may not "
				 "change our id",
				 what);
	if (r < 0)
		return err_errno(e, -r, "%s", what);
	r = put_source(&f->from, fd, what, e);
	if (r == 0 && fchmod(fd, f->mode) < 0)
		r = err_errno(e, errno, "%s", what);
	return r;
}

/*
 * As the owner of the workspace, who is the command: in a user namespace that does not know us we
 * could make nothing, and what we made it could not change.
 */
int files_put_in(const struct job *job, int workspace_fd, struct err *e)
{
	struct stat st;
	int r = 0;

	if (!job->files_in.n)
		return 0;
	if (fstat(workspace_fd, &st) < 0)
		return err_errno(e, errno, "files: the workspace");
	setfsgid(st.st_gid);
	setfsuid(st.st_uid);
	for (size_t i = 0; r == 0 && i < job->files_in.n; i++)
		r = put_one(&job->files_in.items[i], workspace_fd, e);
	setfsuid(geteuid());
	setfsgid(getegid());
	return r;
}

/* ---- out of it; all of the box is dead, and none of it is trusted ---- */

static int open_result(int dir_fd, const struct file_out *f)
{
	_cleanup_fd_ int fd = sys_openat2(dir_fd, f->name, O_RDONLY | O_NONBLOCK | O_NOCTTY, BELOW);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return (uint64_t)st.st_size > f->max_bytes ? -EFBIG : TAKE_FD(fd);
}

/* What is no file may have nobody at its other end, and that is not waited for. */
static int open_to(const char *path)
{
	return sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK,
			  0666);
}

static const char *why_not_to(int code)
{
	return code == -ENXIO ? "nobody reads from this pipe" : strerror(-code);
}

static int take_one(const struct job *job, int dir_fd, struct collected *c)
{
	const struct file_out *f = c->file;
	_cleanup_fd_ int from = open_result(dir_fd, f), to = -1;
	int r;

	if (from < 0)
		return from;
	if (!f->to) {
		r = read_whole(from, f->max_bytes, job->arena, &c->text);
		c->bytes = c->text.len;
		return r;
	}
	to = open_to(f->to);
	if (to >= 0)
		return copy_all(from, to, f->max_bytes, &c->bytes);
	snprintf(c->error, sizeof(c->error), "%s: %s", f->to, why_not_to(to));
	return 0;
}

static const char *why_not(int code)
{
	switch (code) {
	case -ENOENT:
		return "the program has not made it";
	case -ELOOP:
		return "it is, or lies behind, a symbolic link";
	case -EXDEV:
		return "it lies outside the workspace";
	case -EINVAL:
		return "it is no regular file";
	case -EFBIG:
		return "it is too large";
	default:
		return err_words(-code);
	}
}

void files_take_out(const struct job *job, int workspace_fd, struct result *r)
{
	for (size_t i = 0; i < job->files_out.n; i++) {
		struct collected *c =
			arena_push(job->arena, &r->files.items, &r->files.n, sizeof(*c));
		int code;

		if (!c)
			return;
		*c = (struct collected){ .file = &job->files_out.items[i] };
		code = workspace_fd < 0 ? -ENOENT : take_one(job, workspace_fd, c);
		if (code < 0)
			snprintf(c->error, sizeof(c->error), "%s", why_not(code));
	}
}

/* ---- standard output and error: the box writes to a pipe, and we to these ---- */

int sink_open(struct sink *s, const char *what, struct err *e)
{
	if (s->keep)
		s->fd = memfd_create("holm-output", MFD_CLOEXEC);
	else if (s->path)
		s->fd = open_to(s->path);
	else
		return 0;
	if (s->fd >= 0)
		return 0;
	if (s->keep)
		return err_errno(e, errno, "%s: memory", what);
	return err_set(e, -s->fd, "%s: %s: %s", what, s->path, why_not_to(s->fd));
}

struct text sink_text(const struct sink *s, struct arena *a)
{
	struct text t = { "", 0 };

	if (s->keep && s->fd >= 0)
		read_whole(s->fd, SIZE_MAX / 2, a, &t);
	return t;
}

void sink_close(struct sink *s)
{
	cleanup_fd(&s->fd);
	s->fd = -1;
}
