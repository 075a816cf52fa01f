/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fs/fs.h"
#include "sys/mnt.h"

#define PATH_DEPTH_MAX 2048 /* components of a path of PATH_MAX bytes */
#define STACKED_MAX    2    /* the old root, and the layer of an overlay over it */

/*
 * Attaches the new root on top of the old one's "/". Paths of this process still start at the old
 * root below it, so the host can be read until fs_pivot(), and no directory of the host is needed.
 * Who enters the mount namespace meanwhile, as hooks do, would see only the new root: for them it
 * is attached where it lies.
 */
int fs_root_place(struct fs *fs, int tree_fd, int at_fd)
{
	int r = fs->unattached ? 0
		: at_fd < 0    ? sys_move_mount(tree_fd, AT_FDCWD, "/", 0)
			       : sys_move_mount(tree_fd, at_fd, "", MOVE_MOUNT_T_EMPTY_PATH);

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
 * pivot_root(2) wants a mount below the new root that is not shared, and what is attached there
 * must not show on the host. `src` is followed up to the root of the mount that it lies in.
 */
int fs_root_unshare(struct fs *fs, const char *src)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };
	int fd = sys_openat(AT_FDCWD, src, O_PATH | O_DIRECTORY, 0), up, r = fd < 0 ? fd : 0;
	struct statx it = { 0 };

	fs->failed = "find the mount below the new root";
	for (int depth = 0; r == 0 && depth < PATH_DEPTH_MAX; depth++) {
		r = sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &it);
		if (r < 0 || it.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			break;
		up = sys_openat(fd, "..", O_PATH | O_DIRECTORY, 0);
		sys_close(fd);
		fd = up;
		r = up < 0 ? up : 0;
	}
	if (r == 0)
		r = sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr);
	if (fd >= 0)
		sys_close(fd);
	return r;
}

/* What is asked for is set at once and all the way down: a read-only tree is not touched at all. */
int fs_root_bind(struct fs *fs, const char *src, uint64_t attrs, uint64_t propagation,
		 bool in_place)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = propagation };
	int dir_fd = sys_openat(AT_FDCWD, src, O_PATH | O_DIRECTORY, 0), fd, r;

	if (dir_fd < 0) {
		fs->failed = "open the directory";
		return dir_fd;
	}
	fd = sys_open_tree(dir_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE);

	if (fd < 0) {
		fs->failed = "open the directory";
		return fd;
	}
	r = sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
	if (r < 0) {
		fs->failed = "set its attributes";
		sys_close(fd);
		return r;
	}
	return fs_root_place(fs, fd, in_place ? dir_fd : -1);
}

/*
 * "/" is where this process starts, "/.." crosses into whatever is stacked upon it. Both must be
 * our root: had anything been mounted over it, the old root could be what is left in sight.
 */
static int prove_root(uint64_t mnt_id)
{
	static const char *const paths[] = { "/", "/.." };
	struct statx it;
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++) {
		r = sys_statx(AT_FDCWD, paths[i], 0, STATX_MNT_ID, &it);
		if (r == 0 && it.stx_mnt_id != mnt_id)
			r = -EXDEV;
	}
	return r;
}

/*
 * pivot_root(2) with "." twice stacks the old root on the new one, for every process of this mount
 * namespace; fs_let_go() then removes it.
 */
int fs_pivot(struct fs *fs)
{
	struct statx root;
	int r = sys_statx(fs->root_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &root);

	fs->failed = "enter the new root";
	if (r == 0)
		r = sys_fchdir(fs->root_fd);
	if (r == 0) {
		fs->failed = "make it the root";
		r = sys_pivot_root(".", ".");
	}
	if (r == 0)
		fs->root_mnt_id = root.stx_mnt_id;
	return r;
}

/*
 * What is detached is detached in every peer of the mount that it lies on. "/.." crosses into the
 * top of the stack, the old root.
 */
int fs_cut_off(struct fs *fs)
{
	struct mount_attr attr = { .propagation = MS_SLAVE };

	fs->failed = "cut the old root off from the host's mounts";
	return sys_mount_setattr(AT_FDCWD, "/..", AT_RECURSIVE, &attr);
}

/* What is mounted nowhere has nothing above it, so that no way leads out of it; that is proven. */
static int prove_top(struct fs *fs)
{
	int up_fd = fs_loose(fs, sys_openat(fs->root_fd, "..", O_PATH | O_DIRECTORY, 0));
	int r = up_fd < 0 ? up_fd : fs_is_root(fs, up_fd);

	fs->failed = "prove that nothing is above the new root";
	return r == 0 ? -EXDEV : r < 0 ? r : 0;
}

int fs_chroot(struct fs *fs)
{
	int r = fs->unattached ? prove_top(fs) : 0;

	if (r < 0)
		return r;
	fs->failed = "enter the new root";
	r = sys_fchdir(fs->root_fd);
	return r == 0 ? sys_chroot(".") : r;
}

/*
 * Detaching "." removes what is on top of the stack: the old root with all that was mounted in it,
 * and before that the throw-away layer of an overlay, which was attached over the old root. After
 * that no path leads to the host any more, and that is proven, not assumed.
 */
int fs_let_go(uint64_t root_mnt_id, const char **failed)
{
	int r = sys_chdir("/");

	*failed = "enter the new root";
	if (r < 0)
		return r;
	r = -EXDEV;
	for (int i = 0; r == -EXDEV && i < STACKED_MAX; i++) {
		*failed = "detach the old root";
		r = sys_umount2(".", MNT_DETACH);
		if (r < 0)
			return r;
		*failed = "prove that nothing is mounted over the new root";
		r = prove_root(root_mnt_id);
	}
	return r;
}
