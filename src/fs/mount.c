/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fs/fs.h"
#include "sys/mnt.h"

/* Puts a detached mount in its place, and lets go of both descriptors. */
static int attach(struct fs *fs, int tree_fd, int target_fd)
{
	int r = target_fd < 0 ? target_fd
			      : sys_move_mount(tree_fd, target_fd, "", MOVE_MOUNT_T_EMPTY_PATH);

	if (target_fd >= 0) {
		sys_close(target_fd);
		if (r < 0)
			fs->failed = "put it in place";
	}
	sys_close(tree_fd);
	return r;
}

static int is_dir(int fd)
{
	struct statx sx;
	int r = sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx);

	return r < 0 ? r : S_ISDIR(sx.stx_mode);
}

/* A copy of what is mounted at src, detached, with its attributes set all the way down. */
static int clone_tree(struct fs *fs, const struct fs_bind *b)
{
	unsigned recursive = b->recursive ? AT_RECURSIVE : 0;
	struct mount_attr attr = { .attr_set = b->attrs, .propagation = b->propagation };
	int fd = b->src ? sys_open_tree(AT_FDCWD, b->src, OPEN_TREE_CLONE | recursive) : b->src_fd;
	int r;

	if (fd < 0) {
		fs->failed = "open the source";
		return fd;
	}
	/*
	 * recursive also without submounts: "read-only" must hold for what was mounted on top
	 * between our look and now, and for every mount below.
	 */
	r = sys_mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr);
	if (r < 0) {
		fs->failed = "set its attributes";
		sys_close(fd);
		return r;
	}
	return fd;
}

int fs_bind(struct fs *fs, const struct fs_bind *b)
{
	int tree_fd = clone_tree(fs, b);
	int dir = b->is_dir;

	if (tree_fd == -ENOENT && b->optional)
		return 0;
	if (tree_fd < 0)
		return tree_fd;
	if (dir < 0)
		dir = is_dir(tree_fd);
	return attach(fs, tree_fd, dir < 0 ? dir : fs_target(fs, b->dst, dir));
}

/* A new file system of `type`, detached: a descriptor or -errno. */
static int fresh(struct fs *fs, const char *type, const struct fs_option *o, uint64_t attrs)
{
	int fs_fd = sys_fsopen(type);
	int r = fs_fd < 0 ? fs_fd : 0;

	for (; r == 0 && o && o->key; o++)
		r = o->value ? sys_fsconfig_string(fs_fd, o->key, o->value)
			     : sys_fsconfig_flag(fs_fd, o->key);
	if (r == 0)
		r = sys_fsconfig_create(fs_fd);
	if (r == 0)
		r = sys_fsmount(fs_fd, (unsigned)attrs);
	if (fs_fd >= 0)
		sys_close(fs_fd);
	if (r < 0)
		fs->failed = "make the file system";
	return r;
}

int fs_fresh(struct fs *fs, const char *type, const struct fs_option *options, const char *dst,
	     uint64_t attrs)
{
	int tree_fd = fresh(fs, type, options, attrs);

	return tree_fd < 0 ? tree_fd : attach(fs, tree_fd, fs_target(fs, dst, true));
}

int fs_root_fresh(struct fs *fs, const struct fs_option *options, uint64_t attrs)
{
	int tree_fd = fresh(fs, "tmpfs", options, attrs);

	return tree_fd < 0 ? tree_fd : fs_root_place(fs, tree_fd);
}

/*
 * A directory of the fresh root, mounted on itself: the same file system, but a mount of its own,
 * which stays writable when the root's mount becomes read-only.
 */
int fs_scratch(struct fs *fs, const char *dst, uint32_t mode, uint64_t attrs)
{
	struct mount_attr attr = { .attr_set = attrs };
	int target_fd = fs_target(fs, dst, true), tree_fd, dir_fd, r;

	if (target_fd < 0)
		return target_fd;
	dir_fd = sys_openat(target_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	r = dir_fd < 0 ? dir_fd : sys_fchmod(dir_fd, mode);
	if (dir_fd >= 0)
		sys_close(dir_fd);
	tree_fd = r < 0 ? r : sys_open_tree(target_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
	r = tree_fd < 0 ? tree_fd : sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH, &attr);
	if (r < 0) {
		fs->failed = "open it";
		sys_close(target_fd);
		return r;
	}
	return attach(fs, tree_fd, target_fd);
}

/* The host's /dev/null, and really that: a masked path must not become something else. */
static int clone_null(void)
{
	struct statx sx;
	int fd = sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE);
	int r = fd < 0 ? fd : sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx);

	if (r == 0 && !(S_ISCHR(sx.stx_mode) && sx.stx_rdev_major == 1 && sx.stx_rdev_minor == 3))
		r = -ENODEV;
	if (r < 0 && fd >= 0)
		sys_close(fd);
	return r < 0 ? r : fd;
}

int fs_mask(struct fs *fs, const char *dst, bool optional)
{
	static const struct fs_option empty[] = {
		{ "size", "4k" }, { "nr_inodes", "1" }, { "mode", "555" }, { NULL, NULL }
	};
	int target_fd = fs_open(fs, dst, 0), dir, tree_fd;

	if (target_fd < 0) {
		fs->failed = "find it";
		return target_fd == -ENOENT && optional ? 0 : target_fd;
	}
	dir = is_dir(target_fd);
	if (dir == 1)
		tree_fd = fresh(fs, "tmpfs", empty,
				MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	else
		tree_fd = dir < 0 ? dir : clone_null();
	if (tree_fd < 0) {
		fs->failed = "open what hides it";
		sys_close(target_fd);
		return tree_fd;
	}
	return attach(fs, tree_fd, target_fd);
}

int fs_set_attrs(struct fs *fs, const char *dst, uint64_t attrs, uint64_t propagation,
		 bool recursive)
{
	struct mount_attr attr = { .attr_set = attrs, .propagation = propagation };
	int fd = fs_open(fs, dst, 0);
	int r = fd < 0 ? fd
		       : sys_mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
					   &attr);

	if (r < 0)
		fs->failed = fd < 0 ? "find it" : "change the mount (is it one?)";
	if (fd >= 0)
		sys_close(fd);
	return r;
}
