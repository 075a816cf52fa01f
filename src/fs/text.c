/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fsconfig(2) takes 255 characters of a value, and the layers of an overlay are often more.
 * mount(2) takes a page of text, but knows no detached mounts: it mounts on the place itself, which
 * is given as /proc/self/fd/N and so cannot become another.
 */
#include <errno.h>
#include <string.h>

#include "fs/fs.h"
#include "sys/mnt.h"

#define VALUE_MAX 255
#define TEXT_MAX  4095

bool fs_text_wanted(const struct fs_any *a)
{
	bool wanted = false;

	for (size_t i = 0; i < a->n_options; i++) {
		const char *equals = strchr(a->options[i], '=');

		wanted |= equals && strlen(equals + 1) > VALUE_MAX;
	}
	return wanted && !a->copy_up && !fs_view_wanted(a->type, a->dst);
}

/* The options as one text, commas between them. */
static int join(char text[TEXT_MAX + 1], const struct fs_any *a)
{
	size_t at = 0;

	for (size_t i = 0; i < a->n_options; i++) {
		size_t len = strlen(a->options[i]);

		if (at + 1 + len > TEXT_MAX)
			return -E2BIG;
		if (i)
			text[at++] = ',';
		memcpy(text + at, a->options[i], len);
		at += len;
	}
	text[at] = 0;
	return 0;
}

/* The root of the mount that is at dst now; -ELOOP if it is still the one of place_fd. */
static int open_top(struct fs *fs, const char *dst, int place_fd)
{
	struct statx before, after;
	int fd = fs_open(fs, dst, 0), r = fd < 0 ? fd : 0;

	if (r == 0)
		r = sys_statx(place_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &before);
	if (r == 0)
		r = sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &after);
	if (r == 0 && before.stx_mnt_id == after.stx_mnt_id)
		r = -ELOOP; /* a link to the root itself */
	return r < 0 ? r : fd;
}

int fs_text(struct fs *fs, const struct fs_any *a)
{
	struct mount_attr attr = { .attr_set = a->attrs, .propagation = a->propagation };
	char text[TEXT_MAX + 1], path[FS_FD_PATH];
	struct fs_place place;
	int r = join(text, a), fd;

	fs->failed = "join its options";
	if (r == 0)
		r = fs_place(fs, a->dst, FS_PLACE(true), &place);
	if (r < 0)
		return r;
	fs->failed = "find its place";
	fd = fs_open(fs, a->dst, 0);
	if (fd < 0)
		return fd;
	fs_fd_path(path, fd);
	fs->failed = "make the file system";
	r = sys_mount(a->source ? a->source : a->type, path, a->type, text);
	if (r < 0)
		return r;
	fs->failed = "set its attributes";
	fs_view_hidden(fs, a->dst);
	fd = open_top(fs, a->dst, fd);
	return fd < 0 ? fd : sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr);
}
