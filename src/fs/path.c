/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/limits.h>
#include <string.h>

#include "fs/fs.h"
#include "sys/mnt.h"

#define IN_ROOT  (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define FLUSH_AT (FS_LOOSE_MAX - 32) /* no single mount needs more */

/* One too many is not forgotten: exec closes it. */
int fs_loose(struct fs *fs, int fd)
{
	if (fd >= 0 && fs->n_loose < FS_LOOSE_MAX)
		fs->loose[fs->n_loose++] = fd;
	return fd;
}

/*
 * Neighbours go in one call. Only what is ours may go: between two of our descriptors there can be
 * one that the caller had open, or wants to keep.
 */
void fs_flush(struct fs *fs)
{
	for (unsigned i = 0; i < fs->n_loose;) {
		unsigned first = i++;

		while (i < fs->n_loose && fs->loose[i] == fs->loose[i - 1] + 1)
			i++;
		sys_close_range((unsigned)fs->loose[first], (unsigned)fs->loose[i - 1], 0);
	}
	fs->dir_fd = fs->null_fd = fs->empty_fd = -1;
	fs->n_loose = 0;
}

/* What a view shows is found from there, wherever its place may be by now. */
int fs_find(const struct fs *fs, const char *path, uint64_t flags)
{
	const struct fs_view *view = fs_view_of(fs, path);
	const char *rest = path;

	if (!view)
		return sys_openat2(fs->root_fd, path, flags, IN_ROOT);
	rest += strlen(view->dst);
	while (*rest == '/')
		rest++;
	return sys_openat2(view->fd, *rest ? rest : ".", flags, IN_ROOT);
}

int fs_open(struct fs *fs, const char *path, uint64_t flags)
{
	return fs_loose(fs, fs_find(fs, path, flags ? flags : O_PATH));
}

/* The directory named by the first `len` characters of path. */
static int open_prefix(struct fs *fs, const char *path, size_t len)
{
	char prefix[PATH_MAX];

	if (len >= sizeof(prefix))
		return -ENAMETOOLONG;
	memcpy(prefix, path, len);
	prefix[len] = 0;
	return fs_find(fs, len ? prefix : "/", O_PATH | O_DIRECTORY);
}

static size_t component(const char *path, size_t from, size_t len)
{
	while (from < len && path[from] != '/')
		from++;
	return from;
}

/* A path inside the root that is being followed, rewritten where a link leads to nothing yet. */
struct way {
	char path[PATH_MAX];
	size_t len;
	unsigned links;
};

#define WAY_LINKS_MAX 16

static int way_start(struct way *w, const char *path, size_t len)
{
	if (len >= sizeof(w->path))
		return -ENAMETOOLONG;
	memcpy(w->path, path, len);
	w->path[len] = 0;
	w->len = len;
	w->links = 0;
	return 0;
}

/*
 * The component between `from` and `to`, which is a link in dir_fd, gives way to what it says:
 * "/a/link/b" becomes "/a/target/b", or "/target/b". -EINVAL: it is no link.
 */
static int way_follow(struct way *w, int dir_fd, size_t from, size_t to)
{
	char name[NAME_MAX + 1], target[PATH_MAX];
	size_t keep, rest = w->len - to, n;
	ssize_t got;

	memcpy(name, w->path + from, to - from);
	name[to - from] = 0;
	got = sys_readlinkat(dir_fd, name, target, sizeof(target) - 1);
	if (got <= 0)
		return got < 0 ? (int)got : -ENOENT;
	n = (size_t)got;
	while (n > 1 && target[n - 1] == '/')
		n--;
	keep = target[0] == '/' ? 0 : from;
	if (++w->links > WAY_LINKS_MAX)
		return -ELOOP;
	if (keep + n + rest >= sizeof(w->path))
		return -ENAMETOOLONG;
	memmove(w->path + keep + n, w->path + to, rest + 1);
	memcpy(w->path + keep, target, n);
	w->len = keep + n + rest;
	return 0;
}

static int make_component(struct fs *fs, struct way *w, int dir_fd, size_t from, size_t to,
			  bool *made)
{
	char name[NAME_MAX + 1];
	int r;

	if (to - from > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, w->path + from, to - from);
	name[to - from] = 0;
	r = sys_mkdirat(dir_fd, name, 0755);
	*made = r == 0;
	return r < 0 && r != -EEXIST ? r : open_prefix(fs, w->path, to);
}

/*
 * Makes the directories on the way that are missing. Each step opens its prefix from the root
 * again, so that a link on the way (/var/run -> /run) is followed, inside the root; where it leads
 * is made too. Below a directory that was just made there is nothing to be found.
 */
static int make_parents(struct fs *fs, struct way *w)
{
	int dir_fd = fs->root_fd;
	bool made = false;
	size_t at = 0;

	while (dir_fd >= 0 && at < w->len) {
		size_t start = at + 1, end = component(w->path, start, w->len);
		int next;

		if (start == end) { /* "a//b", in a link */
			at = end;
			continue;
		}
		next = made ? -ENOENT : open_prefix(fs, w->path, end);

		at = end;
		if (next == -ENOENT)
			next = make_component(fs, w, dir_fd, start, end, &made);
		if (next == -ENOENT) { /* it is there, and it is not: a link to nothing */
			next = way_follow(w, dir_fd, start, end);
			if (next == 0)
				next = fs->root_fd;
			at = 0;
		}
		if (dir_fd != fs->root_fd)
			sys_close(dir_fd);
		dir_fd = next;
	}
	return dir_fd == fs->root_fd ? dir_fd : fs_loose(fs, dir_fd);
}

static size_t parent_len(const char *path)
{
	size_t slash = 0;

	for (size_t i = 0; path[i]; i++)
		if (path[i] == '/')
			slash = i;
	return slash;
}

int fs_parent(struct fs *fs, const char *path, const char **name)
{
	size_t len = parent_len(path);
	struct way way;
	int fd;

	*name = path + len + 1;
	if (fs->n_loose > FLUSH_AT)
		fs_flush(fs);
	if (len == 0)
		return fs->root_fd;
	if (fs->dir_fd >= 0 && fs->dir_len == len && memcmp(fs->dir_path, path, len) == 0)
		return fs->dir_fd;
	fd = fs_loose(fs, open_prefix(fs, path, len));
	if (fd == -ENOENT) {
		fd = way_start(&way, path, len);
		fd = fd < 0 ? fd : make_parents(fs, &way);
	}
	if (fd < 0) {
		fs->failed = "find its directory";
		return fd;
	}
	fs->dir_fd = fd;
	fs->dir_path = path;
	fs->dir_len = len;
	return fd;
}

static int make_node_of(int dir_fd, const char *name, unsigned mode)
{
	return S_ISDIR(mode) ? sys_mkdirat(dir_fd, name, mode & 07777)
			     : sys_mknodat(dir_fd, name, mode, 0);
}

/*
 * Makes what a link to nothing leads to, as images have them: /etc/resolv.conf ->
 * ../run/resolve/stub.conf. 0 too if something else has made it meanwhile.
 */
static int make_target(struct fs *fs, const char *path, unsigned mode)
{
	struct way w;
	int r = way_start(&w, path, strlen(path));

	while (r == 0) {
		size_t slash = parent_len(w.path);
		char last[NAME_MAX + 1];
		struct way parent;
		int dir_fd;

		if (w.len - slash > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(last, w.path + slash + 1, w.len - slash);
		r = way_start(&parent, w.path, slash);
		dir_fd = r < 0 ? r : make_parents(fs, &parent);
		if (dir_fd < 0)
			return dir_fd;
		r = make_node_of(dir_fd, last, mode);
		if (r != -EEXIST)
			return r;
		r = way_follow(&w, dir_fd, slash + 1, w.len);
	}
	return r == -EINVAL ? 0 : r;
}

/*
 * What is made here is mounted on by its name: nothing can be in between, and move_mount(2) does
 * not follow a link in the last component. What is there already is looked up inside the root.
 */
int fs_place(struct fs *fs, const char *path, unsigned mode, struct fs_place *out)
{
	const char *name;
	int parent = fs_parent(fs, path, &name), r;

	if (parent < 0)
		return parent;
	r = make_node_of(parent, name, mode);
	*out = (struct fs_place){ parent, name, fs_view_of(fs, path) };
	if (r == 0)
		return 0;
	fs->failed = "make its place";
	if (r != -EEXIST && r != -EROFS && r != -EACCES && r != -EPERM)
		return r;
	out->dir_fd = fs_open(fs, path, 0);
	out->name = "";
	if (out->dir_fd == -ENOENT && r == -EEXIST) {
		r = make_target(fs, path, mode);
		if (r < 0)
			return r;
		out->dir_fd = fs_open(fs, path, 0);
	}
	if (out->dir_fd >= 0)
		return 0;
	return out->dir_fd == -ENOENT && r != -EEXIST && r < 0 ? r : out->dir_fd;
}

static int know_root(struct fs *fs)
{
	struct statx root;
	int r = fs->root.ino ? 0
			     : sys_statx(fs->root_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID,
					 &root);

	if (r < 0 || fs->root.ino)
		return r;
	fs->root.mnt_id = root.stx_mnt_id;
	fs->root.ino = root.stx_ino;
	return 0;
}

static int look(struct fs *fs, int fd, struct statx *out)
{
	int r = know_root(fs);

	return r == 0 ? sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, out) : r;
}

static bool is_root(const struct fs *fs, const struct statx *it)
{
	return it->stx_mnt_id == fs->root.mnt_id && it->stx_ino == fs->root.ino;
}

int fs_is_root(struct fs *fs, int fd)
{
	struct statx it;
	int r = look(fs, fd, &it);

	return r < 0 ? r : is_root(fs, &it);
}

/* Where a link may have led: to the root itself, as "/dev -> /..", or into a view. */
static int refuse_place(struct fs *fs, const struct fs_place *place)
{
	struct statx it;
	int r = look(fs, place->dir_fd, &it);

	if (r < 0)
		return r;
	if (is_root(fs, &it)) {
		fs->failed = "its place is a link to the root itself";
		return -ELOOP;
	}
	for (unsigned i = 0; !place->anywhere && i < fs->n_views; i++) {
		if (it.stx_mnt_id != fs->views[i].mnt_id)
			continue;
		fs->failed = "a link leads into /proc or /sys";
		return -EINVAL;
	}
	return 0;
}

/*
 * A copy of a shared mount is its peer, and what is then mounted in the one appears in the other.
 * In a mount namespace of its own that is cut off for all at once; here for each.
 */
static int cut_off(int tree_fd)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };

	return sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr);
}

int fs_attach(struct fs *fs, int tree_fd, const struct fs_place *place)
{
	int r;

	fs->failed = "put it in place";
	r = *place->name ? 0 : refuse_place(fs, place);
	if (r < 0)
		return r;
	r = fs->unattached ? cut_off(tree_fd) : 0;
	return r < 0 ? r
		     : sys_move_mount(tree_fd, place->dir_fd, place->name,
				      *place->name ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
}
