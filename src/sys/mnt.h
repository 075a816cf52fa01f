/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mount interface by descriptor: open_tree(2), fsopen(2), mount_setattr(2), move_mount(2). */
#pragma once

#include <linux/mount.h>

#include "sys/fd.h"

#ifndef MNT_DETACH
#define MNT_DETACH      2
#define UMOUNT_NOFOLLOW 8
#endif

static inline int sys_open_tree(int dir_fd, const char *path, unsigned flags)
{
	return (int)RAW3(SYS_open_tree, dir_fd, path, flags | OPEN_TREE_CLOEXEC);
}

/*
 * open_tree(2) with OPEN_TREE_CLONE and mount_setattr(2) in one call, where the kernel has that
 * (Linux 6.15; the same number everywhere).
 */
static inline int sys_open_tree_attr(int dir_fd, const char *path, unsigned flags,
				     const struct mount_attr *attr)
{
	return (int)RAW5(467, dir_fd, path, flags | OPEN_TREE_CLOEXEC, attr, sizeof(*attr));
}

/* statmount(2), Linux 6.8, newer than the headers that we build with; the same number everywhere.
 */
#define SYS_STATX_MNT_ID_UNIQUE 0x4000U
#define SYS_STATMOUNT_MNT_ROOT  0x08U
#define SYS_STATMOUNT_FS_TYPE   0x20U
#define SYS_STATMOUNT_MNT_OPTS  0x80U /* Linux 6.11 */

struct sys_statmount {
	uint32_t size, mnt_opts;
	uint64_t mask;
	uint32_t sb_dev_major, sb_dev_minor;
	uint64_t sb_magic;
	uint32_t sb_flags, fs_type;
	uint64_t mnt_id, mnt_parent_id;
	uint32_t mnt_id_old, mnt_parent_id_old;
	uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
	uint32_t mnt_root, mnt_point;
	uint64_t more[50];
	char text[]; /* mnt_opts, fs_type and so on are places in it */
};

_Static_assert(offsetof(struct sys_statmount, text) == 512, "as the kernel has it");

/* What `want` asks of the mount with that unique id. */
static inline int sys_statmount(uint64_t id, uint64_t want, struct sys_statmount *out, size_t room)
{
	const struct {
		uint32_t size, spare;
		uint64_t mnt_id, param;
	} request = { sizeof(request), 0, id, want };

	return (int)RAW4(457, &request, out, room, 0);
}

static inline int sys_move_mount(int from_fd, int to_dir_fd, const char *to_path, unsigned flags)
{
	return (int)RAW5(SYS_move_mount, from_fd, "", to_dir_fd, to_path,
			 flags | MOVE_MOUNT_F_EMPTY_PATH);
}

static inline int sys_mount_setattr(int fd, const char *path, unsigned flags,
				    const struct mount_attr *attr)
{
	return (int)RAW5(SYS_mount_setattr, fd, path, flags, attr, sizeof(*attr));
}

static inline int sys_fsopen(const char *type)
{
	return (int)RAW2(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig_string(int fs_fd, const char *key, const char *value)
{
	return (int)RAW5(SYS_fsconfig, fs_fd, FSCONFIG_SET_STRING, key, value, 0);
}

static inline int sys_fsconfig_flag(int fs_fd, const char *key)
{
	return (int)RAW5(SYS_fsconfig, fs_fd, FSCONFIG_SET_FLAG, key, 0, 0);
}

static inline int sys_fsconfig_create(int fs_fd)
{
	return (int)RAW5(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, 0, 0, 0);
}

static inline int sys_fsmount(int fs_fd, unsigned attrs)
{
	return (int)RAW3(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attrs);
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)RAW2(SYS_pivot_root, new_root, put_old);
}

/* Only for what the calls above cannot do; `path` is /proc/self/fd/N. */
static inline int sys_mount(const char *source, const char *path, const char *type,
			    const char *data)
{
	return (int)RAW5(SYS_mount, source, path, type, 0, data);
}

static inline int sys_umount2(const char *path, int flags)
{
	return (int)RAW2(SYS_umount2, path, flags);
}
