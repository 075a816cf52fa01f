/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tmpcopyup: a new tmpfs begins with what it is going to hide. The source lies in a root that
 * others may change, so every step is by descriptor and follows no link; the target is detached
 * and nobody else's.
 */
#include <string.h>

#include "fs/fs.h"
#include "sys/mnt.h"

#define DEPTH_MAX 32
#define COPY_MAX  (UINT64_C(256) << 20)

struct level {
	int from_fd, to_fd;
};

struct copy {
	struct level levels[DEPTH_MAX]; /* where we are, from the top */
	unsigned depth;
	uint64_t left; /* bytes that may still be copied */
};

static int copy_data(struct copy *c, int from_fd, int to_fd)
{
	for (;;) {
		ssize_t n = sys_sendfile(to_fd, from_fd, 1 << 20);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		if ((uint64_t)n > c->left)
			return -EFBIG;
		c->left -= (uint64_t)n;
	}
}

static int copy_file(struct copy *c, const struct level *at, const char *name,
		     const struct statx *sx)
{
	int from_fd = sys_openat(at->from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	int to_fd, r;

	if (from_fd < 0)
		return from_fd;
	to_fd = sys_openat(at->to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
			   sx->stx_mode & 07777);
	r = to_fd < 0 ? to_fd : copy_data(c, from_fd, to_fd);
	sys_close(from_fd);
	if (to_fd >= 0)
		sys_close(to_fd);
	return r;
}

static int copy_link(const struct level *at, const char *name)
{
	char target[4096];
	ssize_t n = sys_readlinkat(at->from_fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return (int)n;
	target[n] = 0;
	return sys_symlinkat(target, at->to_fd, name);
}

static int enter(struct copy *c, const char *name, const struct statx *sx)
{
	const struct level *at = &c->levels[c->depth - 1];
	struct level *next = &c->levels[c->depth];
	int r = sys_mkdirat(at->to_fd, name, sx->stx_mode & 07777);

	if (r < 0)
		return r;
	if (c->depth == DEPTH_MAX)
		return -ELOOP;
	next->from_fd = sys_openat(at->from_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (next->from_fd < 0)
		return next->from_fd;
	next->to_fd = sys_openat(at->to_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (next->to_fd < 0) {
		sys_close(next->from_fd);
		return next->to_fd;
	}
	c->depth++;
	return 0;
}

/* One entry; a directory is entered, and its own entries come next. */
static int copy_entry(struct copy *c, const char *name)
{
	const struct level at = c->levels[c->depth - 1];
	struct statx sx;
	int r = sys_statx(at.from_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx);

	if (r < 0)
		return r;
	if (S_ISDIR(sx.stx_mode))
		r = enter(c, name, &sx);
	else if (S_ISREG(sx.stx_mode))
		r = copy_file(c, &at, name, &sx);
	else if (S_ISLNK(sx.stx_mode))
		r = copy_link(&at, name);
	else /* a socket or a device means nothing in a new place */
		return 0;
	if (r == 0 && (sx.stx_uid || sx.stx_gid))
		r = sys_fchownat(at.to_fd, name, sx.stx_uid, sx.stx_gid, AT_SYMLINK_NOFOLLOW);
	return r;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/*
 * The next entry of the innermost directory; its place in it is kept by its descriptor. 0: there
 * are no more.
 */
static int next_entry(int fd, char name[256])
{
	_Alignas(8) char block[sizeof(struct sys_dirent) + 512];
	const struct sys_dirent *d = (const void *)block;
	ssize_t n;

	do {
		n = sys_getdents(fd, block, sizeof(block));
		if (n <= 0)
			return (int)n;
		/* Several may have come; the rest is asked for again. */
		sys_lseek(fd, d->off, SEEK_SET);
	} while (is_dots(d->name));
	memcpy(name, d->name, strlen(d->name) + 1);
	return 1;
}

int fs_copy_up(int from_fd, int to_fd)
{
	struct copy c = { .levels = { { from_fd, to_fd } }, .depth = 1, .left = COPY_MAX };
	char name[256];
	int r = 0;

	while (r >= 0 && c.depth > 0) {
		const struct level *at = &c.levels[c.depth - 1];

		r = next_entry(at->from_fd, name);
		if (r > 0) {
			r = copy_entry(&c, name);
		} else if (r == 0) {
			sys_close(at->from_fd);
			sys_close(at->to_fd);
			c.depth--;
		}
	}
	while (c.depth > 0) {
		c.depth--;
		sys_close(c.levels[c.depth].from_fd);
		sys_close(c.levels[c.depth].to_fd);
	}
	return r < 0 ? r : 0;
}
