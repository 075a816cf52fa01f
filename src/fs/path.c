/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/limits.h>
#include <string.h>

#include "fs/fs.h"
#include "sys/fd.h"

#define IN_ROOT (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

int fs_open(struct fs *fs, const char *path, uint64_t flags)
{
	return sys_openat2(fs->root_fd, path, flags ? flags : O_PATH, IN_ROOT);
}

/* The directory named by the first `len` characters of path. */
static int open_prefix(struct fs *fs, const char *path, size_t len)
{
	char prefix[PATH_MAX];

	if (len >= sizeof(prefix))
		return -ENAMETOOLONG;
	memcpy(prefix, path, len);
	prefix[len] = 0;
	return fs_open(fs, len ? prefix : "/", O_PATH | O_DIRECTORY);
}

/*
 * Makes the directories on the way that are missing. Each step opens its prefix from the root
 * again, so that a link on the way (/var/run -> /run) is followed, inside the root.
 */
static int make_parents(struct fs *fs, const char *path, size_t len)
{
	int dir_fd = open_prefix(fs, path, 0);
	size_t at = 0;

	while (dir_fd >= 0 && at < len) {
		char name[NAME_MAX + 1];
		size_t start = at + 1, end = start;
		int next;

		while (end < len && path[end] != '/')
			end++;
		if (end - start > NAME_MAX) {
			sys_close(dir_fd);
			return -ENAMETOOLONG;
		}
		memcpy(name, path + start, end - start);
		name[end - start] = 0;
		next = open_prefix(fs, path, end);
		if (next == -ENOENT) {
			next = sys_mkdirat(dir_fd, name, 0755);
			if (next >= 0 || next == -EEXIST)
				next = open_prefix(fs, path, end);
		}
		sys_close(dir_fd);
		dir_fd = next;
		at = end;
	}
	return dir_fd;
}

int fs_parent(struct fs *fs, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t len = (size_t)(slash - path);
	int fd;

	*name = slash + 1;
	fd = open_prefix(fs, path, len);
	if (fd == -ENOENT)
		fd = make_parents(fs, path, len);
	if (fd < 0)
		fs->failed = "find its directory";
	return fd;
}

int fs_target(struct fs *fs, const char *path, bool dir)
{
	const char *name;
	int parent, r;
	int fd = fs_open(fs, path, 0);

	if (fd != -ENOENT) {
		if (fd < 0)
			fs->failed = "find its place";
		return fd;
	}
	parent = fs_parent(fs, path, &name);
	if (parent < 0)
		return parent;
	r = dir ? sys_mkdirat(parent, name, 0755) : sys_mknodat(parent, name, S_IFREG | 0644, 0);
	sys_close(parent);
	if (r >= 0 || r == -EEXIST)
		r = fs_open(fs, path, 0);
	if (r < 0)
		fs->failed = "make its place";
	return r;
}
