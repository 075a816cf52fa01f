/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which namespace is meant by the target of --join, opened and proven to be of that type. */
#include <errno.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/held.h"
#include "run/run.h"
#include "sys/fd.h"

static int open_path(enum ns_type type, const char *target, char *path, size_t room)
{
	char held[HELD_PATH_MAX];
	uint32_t pid;
	int fd;

	if (str_starts(target, "fd:")) {
		snprintf(path, room, "descriptor %s", target + 3);
		return str_fd(target + 3, &fd) < 0 ? -EINVAL : sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	if (strchr(target, '/'))
		snprintf(path, room, "%s", target);
	else if (str_u32(target, &pid) == 0)
		snprintf(path, room, "/proc/%u/%s", pid, ns_table[type].proc_file);
	else if (!held_path(target, type, held)) /* where `ip netns` keeps the names of networks */
		snprintf(path, room, "/run/netns/%s", target);
	else
		snprintf(path, room, "%s", held);
	return sys_openat(AT_FDCWD, path, O_RDONLY, 0);
}

int join_open(enum ns_type type, const char *target, struct err *e)
{
	const struct ns_info *info = &ns_table[type];
	_cleanup_fd_ int fd = -1;
	char path[512];
	int is;

	fd = open_path(type, target, path, sizeof(path));
	if (fd < 0)
		return err_errno(e, -fd, "join %s=%s: open %s", info->name, target, path);
	is = sys_ioctl(fd, NS_GET_NSTYPE, NULL);
	if (is < 0)
		return err_set(e, EINVAL, "join %s=%s: %s is no namespace", info->name, target,
			       path);
	if (is != (int)info->clone_flag)
		return err_set(e, EINVAL, "join %s=%s: %s is a namespace of another type",
			       info->name, target, path);
	return TAKE_FD(fd);
}
