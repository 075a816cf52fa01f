/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * overlayfs, its layers given as /proc/self/fd/N: the kernel takes text there, and a path of the
 * user's could hold the characters (':' and ',') that separate layers and options.
 */
#include "fs/fs.h"
#include "sys/mnt.h"

#define LAYERS_AT_ONCE 12 /* 255 characters, with descriptors of six digits */

static int set_dir(int fs_fd, const char *key, int fd)
{
	char path[FS_FD_PATH];

	fs_fd_path(path, fd);
	return sys_fsconfig_string(fs_fd, key, path);
}

static int open_dir(int dir_fd, const char *path)
{
	return sys_openat(dir_fd, path, O_PATH | O_DIRECTORY, 0);
}

/* One by one, which Linux 6.5 knows; the top is the first here too. */
static int add_lower(struct fs *fs, int fs_fd, const struct fs_overlay *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n_layers; i++) {
		int fd = open_dir(AT_FDCWD, o->layers[i]);

		fs->failed = "open a lower layer";
		if (fd < 0)
			return fd;
		fs->failed = "add a lower layer (so many need Linux 6.5)";
		r = set_dir(fs_fd, "lowerdir+", fd);
	}
	return r;
}

/*
 * All lower layers in one text, as long as fsconfig(2) takes that; the descriptors stay open until
 * exec closes them.
 */
static int set_lower(struct fs *fs, int fs_fd, const struct fs_overlay *o)
{
	char text[LAYERS_AT_ONCE * FS_FD_PATH], *p = text;

	if (o->n_layers > LAYERS_AT_ONCE)
		return add_lower(fs, fs_fd, o);
	for (size_t i = 0; i < o->n_layers; i++) {
		int fd = open_dir(AT_FDCWD, o->layers[i]);

		if (fd < 0) {
			fs->failed = "open a lower layer";
			return fd;
		}
		if (i)
			*p++ = ':';
		fs_fd_path(p, fd);
		while (*p)
			p++;
	}
	fs->failed = "set the lower layers";
	return sys_fsconfig_string(fs_fd, "lowerdir", text);
}

/* A throw-away upper layer: a tmpfs, attached where the overlay will cover it. */
static int throw_away(struct fs *fs, const struct fs_overlay *o)
{
	char size[24], inodes[24];
	int fs_fd = sys_fsopen("tmpfs"), r, tree_fd;

	fs_put_u64(size, o->size_bytes, 10);
	fs_put_u64(inodes, o->inodes, 10);
	fs->failed = "make the throw-away layer";
	if (fs_fd < 0)
		return fs_fd;
	r = sys_fsconfig_string(fs_fd, "size", size);
	if (r == 0)
		r = sys_fsconfig_string(fs_fd, "nr_inodes", inodes);
	if (r == 0)
		r = sys_fsconfig_create(fs_fd);
	tree_fd = r < 0 ? r : sys_fsmount(fs_fd, 0);
	sys_close(fs_fd);
	if (tree_fd < 0)
		return tree_fd;
	/* overlayfs takes no layer from a mount that is nowhere attached. */
	r = o->place ? fs_attach(fs, tree_fd, o->place) : sys_move_mount(tree_fd, AT_FDCWD, "/", 0);
	if (r < 0) {
		sys_close(tree_fd);
		return r;
	}
	return tree_fd;
}

static int set_upper(struct fs *fs, int fs_fd, const struct fs_overlay *o)
{
	int base_fd = o->keep ? open_dir(AT_FDCWD, o->keep) : throw_away(fs, o);
	int upper_fd, work_fd, r;

	if (base_fd < 0) {
		if (o->keep)
			fs->failed = "open the directory that keeps the changes";
		return base_fd;
	}
	fs->failed = "make upper and work in the writable layer";
	r = sys_mkdirat(base_fd, "upper", 0755);
	if (r == 0 || r == -EEXIST)
		r = sys_mkdirat(base_fd, "work", 0700);
	if (r < 0 && r != -EEXIST)
		return r;
	upper_fd = open_dir(base_fd, "upper");
	work_fd = open_dir(base_fd, "work");
	r = upper_fd < 0 ? upper_fd : set_dir(fs_fd, "upperdir", upper_fd);
	if (r == 0)
		r = work_fd < 0 ? work_fd : set_dir(fs_fd, "workdir", work_fd);
	return r;
}

int fs_overlay(struct fs *fs, const struct fs_overlay *o, uint64_t attrs)
{
	int fs_fd = sys_fsopen("overlay"), r;

	if (fs_fd < 0) {
		fs->failed = "open overlayfs";
		return fs_fd;
	}
	r = set_lower(fs, fs_fd, o);
	if (r == 0 && !o->read_only)
		r = set_upper(fs, fs_fd, o);
	/* In a user namespace overlayfs may not write trusted.* attributes. */
	if (r == 0)
		r = sys_fsconfig_flag(fs_fd, "userxattr");
	if (r == 0) {
		fs->failed = "make the overlay";
		r = sys_fsconfig_create(fs_fd);
	}
	if (r == 0)
		r = sys_fsmount(fs_fd, (unsigned)attrs);
	sys_close(fs_fd);
	return r;
}
