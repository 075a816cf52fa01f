/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fs/fs.h"
#include "sys/mnt.h"

#define CREATE_NEW (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
#define COPY_MAX   (64 << 20) /* a file made from another: no endless source fills the box */

int fs_dir(struct fs *fs, const char *dst, uint32_t mode)
{
	const char *name;
	int parent = fs_parent(fs, dst, &name), r;

	if (parent < 0)
		return parent;
	r = sys_mkdirat(parent, name, mode);
	fs->failed = "make it";
	return r == -EEXIST ? 0 : r;
}

/* A new file; one that is there already, or a link in its place, is not written through. */
static int create(struct fs *fs, const char *dst, uint32_t mode)
{
	const char *name;
	int parent = fs_parent(fs, dst, &name), fd;

	if (parent < 0)
		return parent;
	fd = fs_loose(fs, sys_openat(parent, name, CREATE_NEW, mode));
	if (fd == -EEXIST) {
		sys_unlinkat(parent, name, 0);
		fd = fs_loose(fs, sys_openat(parent, name, CREATE_NEW, mode));
	}
	fs->failed = "create it";
	return fd;
}

int fs_file(struct fs *fs, const char *dst, const char *data, size_t len, uint32_t mode)
{
	int fd = create(fs, dst, mode), r;

	if (fd < 0)
		return fd;
	r = sys_write_all(fd, data, len);
	fs->failed = "write it";
	return r;
}

static int copy(int from_fd, int to_fd)
{
	char block[4096];
	size_t total = 0;

	while (total < COPY_MAX) {
		ssize_t n = sys_read(from_fd, block, sizeof(block));
		int r;

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		r = sys_write_all(to_fd, block, (size_t)n);
		if (r < 0)
			return r;
		total += (size_t)n;
	}
	return -EFBIG;
}

int fs_file_from(struct fs *fs, const char *dst, const char *src, int src_fd, uint32_t mode)
{
	int from_fd =
		src ? fs_loose(fs, sys_openat(AT_FDCWD, src, O_RDONLY | O_NOCTTY, 0)) : src_fd;
	int to_fd, r;

	if (from_fd < 0) {
		fs->failed = "open its source";
		return from_fd;
	}
	to_fd = create(fs, dst, mode);
	r = to_fd < 0 ? to_fd : copy(from_fd, to_fd);
	if (to_fd >= 0)
		fs->failed = "copy into it";
	return r;
}

int fs_symlink(struct fs *fs, const char *target, const char *dst, bool optional)
{
	const char *name;
	int parent = fs_parent(fs, dst, &name), r;

	if (parent < 0)
		return parent;
	r = sys_symlinkat(target, parent, name);
	fs->failed = "make the link";
	return r == -EEXIST && optional ? 0 : r;
}

static int bind_tree(struct fs *fs, int tree_fd, const char *dst)
{
	struct fs_place place;
	int r;

	if (tree_fd < 0) {
		fs->failed = "open the host's node";
		return tree_fd;
	}
	r = fs_place(fs, dst, FS_PLACE(false), &place);
	return r < 0 ? r : fs_attach(fs, tree_fd, &place);
}

static int bind_fd(struct fs *fs, int fd, const char *dst)
{
	return bind_tree(fs, fs_loose(fs, sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE)),
			 dst);
}

/* A device cannot be made in a user namespace, so the host's own node is bound. */
int fs_device(struct fs *fs, const char *src, const char *dst)
{
	return bind_tree(fs, fs_loose(fs, sys_open_tree(AT_FDCWD, src, OPEN_TREE_CLONE)), dst);
}

/* As makedev(3) lays the numbers out, for mknod(2) as the kernel has it. */
static dev_t device_number(unsigned major, unsigned minor)
{
	return (minor & 0xffU) | (dev_t)(major & 0xfffU) << 8 | (dev_t)(minor & ~0xffU) << 12;
}

/*
 * What is there already stays if it is the same device: images come with some. The number is
 * looked at, for anything else under that name would be used as the device.
 */
static int same_node(struct fs *fs, int parent, const char *name, const struct fs_node *n)
{
	struct statx sx;
	int r = sys_statx(parent, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx);

	fs->failed = "something else is in its place";
	if (r < 0)
		return r;
	if ((sx.stx_mode & S_IFMT) != n->type)
		return -EEXIST;
	if (n->type != S_IFIFO && (sx.stx_rdev_major != n->major || sx.stx_rdev_minor != n->minor))
		return -EEXIST;
	return 0;
}

/* Where none can be made, as in any user namespace: the host's, if it is that device. */
static int bind_node(struct fs *fs, const struct fs_node *n)
{
	int fd = fs_loose(fs, sys_openat(AT_FDCWD, n->dst, O_PATH, 0));
	struct statx sx;
	int r = fd < 0 ? fd : sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx);

	fs->failed = "make it, or find it on the host";
	if (r < 0)
		return r;
	if ((sx.stx_mode & S_IFMT) != n->type || sx.stx_rdev_major != n->major ||
	    sx.stx_rdev_minor != n->minor)
		return -ENODEV;
	return bind_fd(fs, fd, n->dst);
}

int fs_make_node(struct fs *fs, const struct fs_node *n)
{
	const char *name;
	int parent = fs_parent(fs, n->dst, &name), r;

	if (parent < 0)
		return parent;
	fs->failed = "make it";
	r = sys_mknodat(parent, name, n->type | n->mode, device_number(n->major, n->minor));
	if (r == -EEXIST)
		return same_node(fs, parent, name, n);
	if (r == -EPERM)
		return bind_node(fs, n);
	if (r == 0 && (n->uid || n->gid)) {
		fs->failed = "set its owner";
		r = sys_fchownat(parent, name, n->uid, n->gid, AT_SYMLINK_NOFOLLOW);
	}
	return r;
}
