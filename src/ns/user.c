/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ns/ns.h"
#include "sys/security.h"

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[64];
	size_t dir_len = strlen(dir), name_len = strlen(name);
	int fd, r;

	if (dir_len + name_len + 1 >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, dir, dir_len);
	memcpy(path + dir_len, name, name_len + 1);
	fd = sys_openat(AT_FDCWD, path, O_WRONLY, 0);
	if (fd < 0)
		return fd;
	/* In one write: the kernel takes a map whole or not at all. */
	r = (int)sys_write(fd, text, strlen(text));
	sys_close(fd);
	return r < 0 ? r : 0;
}

int user_write_maps(const char *proc, const char *uid_map, const char *gid_map, bool deny_setgroups,
		    const char **failed)
{
	int r;

	*failed = "write uid_map";
	r = write_file(proc, "/uid_map", uid_map);
	if (r == 0 && deny_setgroups) {
		*failed = "write setgroups";
		r = write_file(proc, "/setgroups", "deny");
	}
	if (r == 0) {
		*failed = "write gid_map";
		r = write_file(proc, "/gid_map", gid_map);
	}
	return r;
}

int user_become(unsigned uid, unsigned gid, bool drop_groups, const char **failed)
{
	int r = 0;

	*failed = "setgroups";
	if (drop_groups)
		r = sys_setgroups(0, NULL);
	if (r == 0) {
		*failed = "setresgid";
		r = sys_setresgid(gid, gid, gid);
	}
	if (r == 0) {
		*failed = "setresuid";
		r = sys_setresuid(uid, uid, uid);
	}
	return r;
}
