/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and descriptors. Each function is one system call and returns its result or -errno. */
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include "sys/raw.h"

/*
 * The kernel's struct statx. glibc takes it from the kernel's header; musl has none before 1.2.5,
 * and then one that ends before the id of the mount, which is in the way of the kernel's unless
 * that has another name.
 */
#ifndef STATX_MNT_ID
#define statx           kernel_statx
#define statx_timestamp kernel_statx_timestamp
#include <linux/stat.h>
#endif

/* Of linux/fs.h, which cannot be had beside sys/mount.h everywhere. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

static inline int sys_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
	return (int)RAW4(SYS_openat, dir_fd, path, flags | O_CLOEXEC, mode);
}

/*
 * openat2(2): `resolve` bounds what the path may cross. Where it is bounded by a directory, and a
 * ".." is on the way, the kernel gives up (EAGAIN) if anything was renamed or mounted meanwhile,
 * anywhere on the machine.
 */
static inline int sys_openat2(int dir_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	int tries = 128, r;

	do
		r = (int)RAW4(SYS_openat2, dir_fd, path, &how, sizeof(how));
	while (r == -EAGAIN && --tries);
	return r;
}

static inline int sys_close(int fd)
{
	return (int)RAW1(SYS_close, fd);
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)RAW3(SYS_close_range, first, last, flags);
}

static inline ssize_t sys_read(int fd, void *data, size_t len)
{
	return RAW3(SYS_read, fd, data, len);
}

static inline ssize_t sys_write(int fd, const void *data, size_t len)
{
	return RAW3(SYS_write, fd, data, len);
}

static inline int sys_mkdirat(int dir_fd, const char *path, mode_t mode)
{
	return (int)RAW3(SYS_mkdirat, dir_fd, path, mode);
}

static inline int sys_mknodat(int dir_fd, const char *path, mode_t mode, dev_t dev)
{
	return (int)RAW4(SYS_mknodat, dir_fd, path, mode, dev);
}

static inline int sys_setxattr(const char *path, const char *name, const void *value, size_t len)
{
	return (int)RAW5(SYS_setxattr, path, name, value, len, 0);
}

static inline ssize_t sys_getxattr(const char *path, const char *name, void *value, size_t len)
{
	return RAW4(SYS_getxattr, path, name, value, len);
}

static inline int sys_symlinkat(const char *target, int dir_fd, const char *path)
{
	return (int)RAW3(SYS_symlinkat, target, dir_fd, path);
}

static inline ssize_t sys_readlinkat(int dir_fd, const char *path, char *out, size_t room)
{
	return RAW4(SYS_readlinkat, dir_fd, path, out, room);
}

static inline int sys_unlinkat(int dir_fd, const char *path, int flags)
{
	return (int)RAW3(SYS_unlinkat, dir_fd, path, flags);
}

/* `flags`: RENAME_* of renameat2(2). */
static inline int sys_renameat(int dir_fd, const char *from, const char *to, unsigned flags)
{
	return (int)RAW5(SYS_renameat2, dir_fd, from, dir_fd, to, flags);
}

static inline int sys_flock(int fd, int op)
{
	return (int)RAW2(SYS_flock, fd, op);
}

static inline int sys_faccessat(int dir_fd, const char *path, int mode)
{
	return (int)RAW3(SYS_faccessat, dir_fd, path, mode);
}

static inline int sys_fchdir(int fd)
{
	return (int)RAW1(SYS_fchdir, fd);
}

/* Begins with "(unreachable)" if the directory is in no mount below our root. The length with its
 * end, or -errno. */
static inline int sys_getcwd(char *out, size_t room)
{
	return (int)RAW2(SYS_getcwd, out, room);
}

static inline int sys_chroot(const char *path)
{
	return (int)RAW1(SYS_chroot, path);
}

static inline int sys_fchownat(int dir_fd, const char *path, uid_t uid, gid_t gid, int flags)
{
	return (int)RAW5(SYS_fchownat, dir_fd, path, uid, gid, flags);
}

static inline int sys_chdir(const char *path)
{
	return (int)RAW1(SYS_chdir, path);
}

static inline int sys_fchmod(int fd, mode_t mode)
{
	return (int)RAW2(SYS_fchmod, fd, mode);
}

static inline int sys_fchmodat(int dir_fd, const char *path, mode_t mode)
{
	return (int)RAW3(SYS_fchmodat, dir_fd, path, mode);
}

static inline int sys_fcntl(int fd, int op, long arg)
{
	return (int)RAW3(SYS_fcntl, fd, op, arg);
}

static inline int sys_ioctl(int fd, unsigned long op, void *arg)
{
	return (int)RAW3(SYS_ioctl, fd, op, arg);
}

static inline int64_t sys_lseek(int fd, int64_t offset, int whence)
{
	return RAW3(SYS_lseek, fd, offset, whence);
}

static inline ssize_t sys_sendfile(int to_fd, int from_fd, size_t len)
{
	return RAW4(SYS_sendfile, to_fd, from_fd, NULL, len);
}

static inline int sys_dup3(int from, int to, int flags)
{
	return (int)RAW3(SYS_dup3, from, to, flags);
}

static inline int sys_pipe2(int fds[2], int flags)
{
	return (int)RAW2(SYS_pipe2, fds, flags | O_CLOEXEC);
}

static inline int sys_statx(int dir_fd, const char *path, int flags, unsigned mask,
			    struct statx *out)
{
	return (int)RAW5(SYS_statx, dir_fd, path, flags, mask, out);
}

static inline int sys_fstatfs(int fd, struct statfs *out)
{
	return (int)RAW2(SYS_fstatfs, fd, out);
}

static inline int sys_statfs(const char *path, struct statfs *out)
{
	return (int)RAW2(SYS_statfs, path, out);
}

/* What getdents64(2) fills its buffer with. */
struct sys_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t len; /* of this entry, to the next */
	uint8_t type; /* DT_DIR ... */
	char name[];
};

static inline ssize_t sys_getdents(int fd, void *out, size_t room)
{
	return RAW3(SYS_getdents64, fd, out, room);
}

static inline int sys_memfd_create(const char *name, unsigned flags)
{
	return (int)RAW2(SYS_memfd_create, name, flags);
}

static inline mode_t sys_umask(mode_t mask)
{
	return (mode_t)RAW1(SYS_umask, mask);
}

/* All of `data`, whatever the kernel takes at a time. 0 or -errno. */
static inline int sys_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = sys_write(fd, p, len);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EIO : (int)n;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
