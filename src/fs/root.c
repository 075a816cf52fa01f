/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fs/fs.h"
#include "sys/mnt.h"

/*
 * Attaches the new root on top of the old one's "/". Paths of this process still start at the old
 * root below it, so the host can be read until fs_pivot(), and no directory of the host is needed.
 */
int fs_root_place(struct fs *fs, int tree_fd)
{
	int r = sys_move_mount(tree_fd, AT_FDCWD, "/", 0);

	if (r < 0) {
		fs->failed = "attach the new root";
		sys_close(tree_fd);
		return r;
	}
	fs->root_fd = tree_fd;
	fs->n_loose = 0; /* what was opened so far stays until exec, the root with it */
	return 0;
}

/*
 * The top mount of the tree is left writable for now: places for further mounts may have to be
 * made on it. What lies below it gets its attributes at once.
 */
int fs_root_bind(struct fs *fs, const char *src, uint64_t attrs)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = MS_PRIVATE };
	struct mount_attr top = { .attr_clr = attrs & MOUNT_ATTR_RDONLY };
	int fd = sys_open_tree(AT_FDCWD, src, OPEN_TREE_CLONE | AT_RECURSIVE);
	int r;

	if (fd < 0) {
		fs->failed = "open the directory";
		return fd;
	}
	r = sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
	if (r == 0 && top.attr_clr)
		r = sys_mount_setattr(fd, "", AT_EMPTY_PATH, &top);
	if (r < 0) {
		/* A mount that was read-only already is locked so in a new user namespace: fine. */
		if (r == -EPERM && top.attr_clr)
			return fs_root_place(fs, fd);
		fs->failed = "set its attributes";
		sys_close(fd);
		return r;
	}
	return fs_root_place(fs, fd);
}

/*
 * pivot_root(2) with "." twice stacks the old root on the new one; detaching "." then removes it
 * with all that was mounted in it. After that no path leads to the host any more.
 */
int fs_pivot(struct fs *fs)
{
	int r = sys_fchdir(fs->root_fd);

	fs->failed = "enter the new root";
	if (r == 0) {
		fs->failed = "make it the root";
		r = sys_pivot_root(".", ".");
	}
	if (r == 0) {
		fs->failed = "detach the old root";
		r = sys_umount2(".", MNT_DETACH);
	}
	return r;
}
