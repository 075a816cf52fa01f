/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sec/rights.h"
#include "sys/security.h"

/* landlock(7) as of ABI 6, with our own names: the headers we build with may be older. */
#define FS_EXECUTE   (1ULL << 0)
#define FS_WRITE     (1ULL << 1)
#define FS_READ      (1ULL << 2)
#define FS_READ_DIR  (1ULL << 3)
#define FS_ALL_ABI_1 ((1ULL << 13) - 1)
#define FS_REFER     (1ULL << 13)
#define FS_TRUNCATE  (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_ALL      3ULL /* bind and connect by TCP */
#define SCOPE_ALL    3ULL /* abstract Unix sockets, signals */

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

static uint64_t fs_known(int abi)
{
	return FS_ALL_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	       (abi >= 5 ? FS_IOCTL_DEV : 0);
}

int rights_landlock_abi(void)
{
	int abi = sys_landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : abi;
}

int rights_landlock_new(bool no_net)
{
	int abi = rights_landlock_abi();
	struct ruleset_attr attr = { .fs = fs_known(abi) };
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	if (abi == 0)
		return -EOPNOTSUPP;
	if (no_net && abi >= 4)
		attr.net = NET_ALL;
	if (abi >= 6)
		attr.scoped = SCOPE_ALL;
	return sys_landlock_create_ruleset(&attr, size, 0);
}

static uint64_t access_bits(enum rights_access access, int abi)
{
	uint64_t bits = FS_READ | FS_READ_DIR;

	if (access == RIGHTS_RX)
		bits |= FS_EXECUTE;
	else if (access == RIGHTS_RW)
		bits |= fs_known(abi) & ~FS_EXECUTE;
	else if (access == RIGHTS_ALL)
		bits |= fs_known(abi);
	return bits;
}

int rights_landlock_allow(int fd, enum rights_access access, const char *path)
{
	struct landlock_path_beneath_attr attr = {
		.allowed_access = access_bits(access, rights_landlock_abi()),
	};
	struct statx sx;
	int path_fd = sys_openat(AT_FDCWD, path, O_PATH, 0), r;

	if (path_fd < 0)
		return path_fd;
	r = sys_statx(path_fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx);
	/* What only makes sense for a directory is refused for a file. */
	if (r == 0 && !S_ISDIR(sx.stx_mode))
		attr.allowed_access &= FS_EXECUTE | FS_WRITE | FS_READ | FS_TRUNCATE | FS_IOCTL_DEV;
	attr.parent_fd = path_fd;
	if (r == 0)
		r = sys_landlock_add_rule(fd, LANDLOCK_RULE_PATH_BENEATH, &attr);
	sys_close(path_fd);
	return r;
}

int rights_landlock_enforce(int fd)
{
	return sys_landlock_restrict_self(fd);
}
