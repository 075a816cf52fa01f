/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/magic.h>
#include <string.h>

#include "fs/fs.h"
#include "sys/mnt.h"

static int is_dir(int fd)
{
	struct statx sx;
	int r = sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx);

	return r < 0 ? r : S_ISDIR(sx.stx_mode);
}

/* Finds or makes the place, and puts a detached mount there; of the type that is said, if any. */
static int place_tree(struct fs *fs, int tree_fd, const char *type, const char *dst, bool dir)
{
	bool view = fs_view_wanted(type, dst);
	struct fs_place place;
	int r = view ? fs_view_place(fs, dst, &place) : fs_place(fs, dst, FS_PLACE(dir), &place);

	if (r == 0)
		r = fs_attach(fs, tree_fd, &place);
	if (r == 0 && view)
		return fs_view_add(fs, dst, tree_fd);
	if (r == 0)
		fs_view_hidden(fs, dst);
	return r;
}

/* A copy of what is mounted at src, detached, with its attributes set all the way down. */
static int clone_tree(struct fs *fs, const struct fs_bind *b)
{
	unsigned recursive = b->recursive ? AT_RECURSIVE : 0;
	struct mount_attr attr = { .attr_set = b->attrs, .propagation = b->propagation };
	int fd = -ENOSYS, r;

	if (!b->src)
		fd = b->src_fd;
	else if (!fs->no_tree_attr)
		fd = sys_open_tree_attr(AT_FDCWD, b->src, OPEN_TREE_CLONE | recursive, &attr);
	if (fd >= 0 && b->src)
		return fs_loose(fs, fd);
	if (b->src) { /* or which of the two is refused? */
		fs->no_tree_attr |= fd == -ENOSYS;
		fd = sys_open_tree(AT_FDCWD, b->src, OPEN_TREE_CLONE | recursive);
	}
	if (fs_loose(fs, fd) < 0) {
		fs->failed = "open the source";
		return fd;
	}
	r = sys_mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr);
	if (r < 0)
		fs->failed = "set its attributes";
	return r < 0 ? r : fd;
}

static int set_if_any(int fd, unsigned recursive, uint64_t set, uint64_t clear,
		      uint64_t propagation)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

	if (!(set | clear | propagation))
		return 0;
	return sys_mount_setattr(fd, "", AT_EMPTY_PATH | recursive, &attr);
}

/* The same where the top differs from what is below it; first all, then the top. */
static int clone_tree_by_parts(struct fs *fs, const struct fs_bind *b)
{
	unsigned recursive = b->recursive ? AT_RECURSIVE : 0;
	uint64_t below = b->propagate_below ? b->propagation : 0, top = below ? 0 : b->propagation;
	int fd = b->src ? fs_loose(fs, sys_open_tree(AT_FDCWD, b->src, OPEN_TREE_CLONE | recursive))
			: b->src_fd;
	int r;

	if (fd < 0) {
		fs->failed = "open the source";
		return fd;
	}
	r = set_if_any(fd, AT_RECURSIVE, b->attrs_below, b->clear_below, below);
	if (r == 0)
		r = set_if_any(fd, 0, b->attrs, b->clear, top);
	if (r < 0)
		fs->failed = "set its attributes";
	return r < 0 ? r : fd;
}

static int is_procfs(int fd)
{
	struct statfs it;
	int r = sys_fstatfs(fd, &it);

	return r < 0 ? r : it.f_type == PROC_SUPER_MAGIC;
}

int fs_bind(struct fs *fs, const struct fs_bind *b)
{
	int tree_fd = b->top_only ? clone_tree_by_parts(fs, b) : clone_tree(fs, b);
	int dir = b->is_dir;

	if (tree_fd == -ENOENT && b->optional)
		return 0;
	if (tree_fd < 0)
		return tree_fd;
	if (dir < 0)
		dir = is_dir(tree_fd);
	if (dir >= 0 && b->procfs) {
		int r = is_procfs(tree_fd);

		fs->failed = "only a procfs goes there";
		if (r <= 0)
			return r < 0 ? r : -EINVAL;
	}
	return dir < 0 ? dir : place_tree(fs, tree_fd, NULL, b->dst, dir);
}

/* A new file system of `type`, detached: a descriptor or -errno. */
static int fresh(struct fs *fs, const char *type, const struct fs_option *o, uint64_t attrs)
{
	int fs_fd = fs_loose(fs, sys_fsopen(type));
	int r = fs_fd < 0 ? fs_fd : 0;

	for (; r == 0 && o && o->key; o++)
		r = o->value ? sys_fsconfig_string(fs_fd, o->key, o->value)
			     : sys_fsconfig_flag(fs_fd, o->key);
	if (r == 0)
		r = sys_fsconfig_create(fs_fd);
	if (r == 0)
		r = fs_loose(fs, sys_fsmount(fs_fd, (unsigned)attrs));
	if (r < 0)
		fs->failed = "make the file system";
	return r;
}

int fs_fresh(struct fs *fs, const char *type, const struct fs_option *options, const char *dst,
	     uint64_t attrs)
{
	int tree_fd = fresh(fs, type, options, attrs);

	return tree_fd < 0 ? tree_fd : place_tree(fs, tree_fd, type, dst, true);
}

int fs_root_fresh(struct fs *fs, const struct fs_option *options, uint64_t attrs)
{
	int tree_fd = fresh(fs, "tmpfs", options, attrs);

	fs->root_attrs = attrs;
	return tree_fd < 0 ? tree_fd : fs_root_place(fs, tree_fd, -1);
}

/* One option, KEY=VALUE or KEY. */
static int configure(int fs_fd, const char *option)
{
	char key[64];
	const char *equals = strchr(option, '=');
	size_t len = equals ? (size_t)(equals - option) : 0;

	if (!equals)
		return sys_fsconfig_flag(fs_fd, option);
	if (len >= sizeof(key))
		return -EINVAL;
	memcpy(key, option, len);
	key[len] = 0;
	return sys_fsconfig_string(fs_fd, key, equals + 1);
}

/* Detached, and made of the words that an engine gives. */
static int fresh_any(struct fs *fs, const struct fs_any *a)
{
	int fs_fd = fs_loose(fs, sys_fsopen(a->type)), r = fs_fd < 0 ? fs_fd : 0;

	fs->failed = "open a file system of this type";
	if (r == 0 && a->source) {
		fs->failed = "set its source";
		r = sys_fsconfig_string(fs_fd, "source", a->source);
	}
	for (size_t i = 0; r == 0 && i < a->n_options; i++) {
		fs->failed = a->options[i];
		r = configure(fs_fd, a->options[i]);
	}
	if (r < 0)
		return r;
	fs->failed = "make the file system";
	r = sys_fsconfig_create(fs_fd);
	return r < 0 ? r : fs_loose(fs, sys_fsmount(fs_fd, (unsigned)a->attrs));
}

/* What is at its place now becomes its first content, with its owner and mode. */
static int copy_up(struct fs *fs, int tree_fd, const char *dst)
{
	int from_fd = fs_find(fs, dst, O_RDONLY | O_DIRECTORY);
	int to_fd, r;
	struct statx sx;

	if (from_fd == -ENOENT)
		return 0;
	fs->failed = "copy what it hides";
	if (from_fd < 0)
		return from_fd;
	to_fd = sys_openat(tree_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	r = to_fd < 0 ? to_fd : sys_statx(from_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx);
	if (r == 0)
		r = sys_fchmod(to_fd, sx.stx_mode & 07777);
	if (r == 0 && (sx.stx_uid || sx.stx_gid))
		r = sys_fchownat(to_fd, "", sx.stx_uid, sx.stx_gid, AT_EMPTY_PATH);
	if (r == 0)
		return fs_copy_up(from_fd, to_fd);
	sys_close(from_fd);
	if (to_fd >= 0)
		sys_close(to_fd);
	return r;
}

int fs_any(struct fs *fs, const struct fs_any *a)
{
	int tree_fd, r;

	if (fs_text_wanted(a) && fs->unattached) {
		fs->failed = "an option of more than 255 characters takes a mount namespace";
		return -E2BIG;
	}
	if (fs_text_wanted(a))
		return fs_text(fs, a);
	tree_fd = fresh_any(fs, a);
	r = tree_fd < 0 ? tree_fd : 0;
	if (r == 0 && a->copy_up)
		r = copy_up(fs, tree_fd, a->dst);
	if (r == 0)
		r = set_if_any(tree_fd, a->propagate_below ? AT_RECURSIVE : 0, 0, 0,
			       a->propagation);
	return r < 0 ? r : place_tree(fs, tree_fd, a->type, a->dst, true);
}

/* Of its top itself: what lies below it is below the cover then. */
static bool hides_view(const struct fs *fs, const char *dst)
{
	const struct fs_view *view = fs_view_of(fs, dst);

	return view && strcmp(view->dst, dst) == 0;
}

int fs_read_only(struct fs *fs, const char *dst, bool optional)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	struct fs_place place = { .dir_fd = fs_open(fs, dst, 0), .name = "", .anywhere = true };
	int tree_fd, r;

	if (place.dir_fd < 0) {
		fs->failed = "find it";
		return place.dir_fd == -ENOENT && optional ? 0 : place.dir_fd;
	}
	tree_fd = fs_loose(fs, sys_open_tree(place.dir_fd, "",
					     AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE));
	fs->failed = "make it read-only";
	r = tree_fd < 0 ? tree_fd : sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH, &attr);
	if (r == 0)
		r = fs_attach(fs, tree_fd, &place);
	return r == 0 && hides_view(fs, dst) ? fs_views_again(fs) : r;
}

/*
 * A directory of the fresh root, mounted on itself: the same file system, but a mount of its own,
 * which stays writable when the root's mount becomes read-only.
 */
int fs_scratch(struct fs *fs, const char *dst, uint32_t mode, uint64_t attrs)
{
	struct mount_attr attr = { .attr_set = attrs };
	struct fs_place place;
	int tree_fd, r = fs_place(fs, dst, S_IFDIR | mode, &place);

	if (r < 0)
		return r;
	fs->failed = "open it";
	tree_fd = fs_loose(
		fs, sys_open_tree(place.dir_fd, place.name, AT_EMPTY_PATH | OPEN_TREE_CLONE));
	/* A copy has the attributes of what it was copied from. */
	r = tree_fd < 0 ? tree_fd : 0;
	if (r == 0 && attrs != fs->root_attrs)
		r = sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? r : fs_attach(fs, tree_fd, &place);
}

/* The host's /dev/null, and really that: a masked path must not become something else. */
static int open_null(struct fs *fs)
{
	struct statx sx;
	int fd, r;

	if (fs->null_fd >= 0)
		return fs->null_fd;
	fd = fs_loose(fs, sys_openat(AT_FDCWD, "/dev/null", O_PATH, 0));
	r = fd < 0 ? fd : sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx);
	if (r == 0 && !(S_ISCHR(sx.stx_mode) && sx.stx_rdev_major == 1 && sx.stx_rdev_minor == 3))
		r = -ENODEV;
	if (r < 0)
		return r;
	fs->null_fd = fd;
	return fd;
}

/* What covers a masked file (/dev/null) or directory (an empty one). */
static int cover(struct fs *fs, bool dir)
{
	static const struct fs_option empty[] = {
		{ "size", "4k" }, { "nr_inodes", "1" }, { "mode", "555" }, { NULL, NULL }
	};
	int null_fd;

	if (dir && fs->empty_fd >= 0) /* one will do for all */
		return fs_loose(fs,
				sys_open_tree(fs->empty_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE));
	if (dir) {
		fs->empty_fd = fresh(fs, "tmpfs", empty,
				     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
		return fs->empty_fd;
	}
	null_fd = open_null(fs);
	fs->failed = "open /dev/null";
	return null_fd < 0
		       ? null_fd
		       : fs_loose(fs, sys_open_tree(null_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE));
}

int fs_mask(struct fs *fs, const char *dst, int dir, bool optional)
{
	struct fs_place place = { .name = "", .anywhere = true };
	int tree_fd, r;

	if (dir == 0) { /* known to be a file: the name will do */
		place.dir_fd = fs_parent(fs, dst, &place.name);
	} else {
		place.dir_fd = fs_open(fs, dst, 0);
		dir = place.dir_fd < 0 ? 0 : is_dir(place.dir_fd);
	}
	if (place.dir_fd < 0) {
		fs->failed = "find it";
		return place.dir_fd == -ENOENT && optional ? 0 : place.dir_fd;
	}
	tree_fd = cover(fs, dir);
	if (tree_fd < 0)
		return tree_fd;
	r = fs_attach(fs, tree_fd, &place);
	return r == -ENOENT && optional ? 0 : r;
}

int fs_set_attrs(struct fs *fs, const char *dst, uint64_t set, uint64_t clear, uint64_t propagation,
		 bool recursive)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };
	int fd = fs_open(fs, dst, 0);
	int r = fd < 0 ? fd
		       : sys_mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0),
					   &attr);

	if (r < 0)
		fs->failed = fd < 0 ? "find it" : "change the mount (is it one?)";
	return r;
}
