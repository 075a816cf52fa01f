/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc and /sys show the whole kernel, and what protects it from the box is mounted over single
 * files of theirs afterwards. Whoever can rename a directory on the way in between, as another
 * container that has it as a volume, would have the protection land elsewhere, or find nothing to
 * protect. So such a view goes only where its path says, with no link on the way, and what lies
 * below it is found from the mount itself.
 */
#include <errno.h>
#include <string.h>

#include "fs/fs.h"
#include "sys/mnt.h"

#define PLAIN (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)

bool fs_view_wanted(const char *type, const char *dst)
{
	if (strcmp(dst, "/proc") == 0 || strcmp(dst, "/sys") == 0)
		return true;
	return type && (strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0);
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/');
}

const struct fs_view *fs_view_of(const struct fs *fs, const char *path)
{
	for (unsigned i = fs->n_views; i-- > 0;)
		if (is_below(path, fs->views[i].dst))
			return &fs->views[i];
	return NULL;
}

static int open_plain(struct fs *fs, const char *dst)
{
	int fd = sys_openat2(fs->root_fd, dst, O_PATH | O_DIRECTORY, PLAIN);

	fs->failed = fd == -ELOOP ? "a link stands in its way: it goes on ordinary directories only"
				  : "open its place";
	return fd == -ELOOP ? -ENOTDIR : fs_loose(fs, fd);
}

int fs_view_place(struct fs *fs, const char *dst, struct fs_place *out)
{
	int fd = open_plain(fs, dst);

	if (fd == -ENOENT) {
		int r = fs_place(fs, dst, FS_PLACE(true), out);

		if (r < 0)
			return r;
		fd = open_plain(fs, dst);
	}
	*out = (struct fs_place){ .dir_fd = fd, .name = "", .anywhere = true };
	return fd < 0 ? fd : 0;
}

/* Another mount is at dst now: what was there, or below it, is not to be seen any more. */
static void forget_below(struct fs *fs, const char *dst)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < fs->n_views; i++) {
		if (is_below(fs->views[i].dst, dst))
			sys_close(fs->views[i].fd);
		else
			fs->views[kept++] = fs->views[i];
	}
	fs->n_views = kept;
}

static int mount_id(int fd, uint64_t *out)
{
	struct statx sx;
	int r = sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx);

	if (r == 0)
		*out = sx.stx_mnt_id;
	return r;
}

/* It is closed by exec, and not by fs_flush(). */
static void keep_open(struct fs *fs, int fd)
{
	unsigned i = fs->n_loose;

	while (i > 0 && fs->loose[i - 1] != fd)
		i--;
	if (i == 0)
		return;
	memmove(&fs->loose[i - 1], &fs->loose[i], (fs->n_loose - i) * sizeof(fs->loose[0]));
	fs->n_loose--;
}

int fs_view_add(struct fs *fs, const char *dst, int fd)
{
	struct fs_view view = { .dst = dst, .fd = fd };
	int r = mount_id(fd, &view.mnt_id);

	fs->failed = "remember its mount";
	if (r < 0)
		return r;
	forget_below(fs, dst);
	fs->dir_fd = -1; /* it may be a directory that is hidden now */
	if (fs->n_views == FS_VIEWS_MAX)
		return -E2BIG;
	keep_open(fs, fd);
	fs->views[fs->n_views++] = view;
	return 0;
}

void fs_view_hidden(struct fs *fs, const char *dst)
{
	if (fs->n_views)
		forget_below(fs, dst);
}

static int same_kind(int a, int b)
{
	struct statfs one, other;
	int r = sys_fstatfs(a, &one);

	if (r == 0)
		r = sys_fstatfs(b, &other);
	return r < 0 ? r : one.f_type == other.f_type;
}

int fs_views_again(struct fs *fs)
{
	for (unsigned i = 0; i < fs->n_views; i++) {
		struct fs_view *v = &fs->views[i];
		int fd = open_plain(fs, v->dst), r = fd < 0 ? fd : same_kind(fd, v->fd);

		if (r <= 0)
			fs->failed = "a hook has moved /proc or /sys, or hidden it";
		if (r == 0)
			r = -ESTALE;
		if (r > 0)
			r = mount_id(fd, &v->mnt_id);
		if (r < 0)
			return r;
		keep_open(fs, fd);
		sys_close(v->fd);
		v->fd = fd;
	}
	fs->dir_fd = -1;
	return 0;
}
