/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fs/fs.h"

char *fs_put_u64(char *out, uint64_t value, unsigned base)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = (char)('0' + value % base);
		value /= base;
	} while (value);
	while (n)
		*out++ = digits[--n];
	*out = 0;
	return out;
}

char *fs_put_str(char *out, const char *end, const char *s)
{
	while (*s && out + 1 < end)
		*out++ = *s++;
	*out = 0;
	return out;
}

void fs_fd_path(char out[FS_FD_PATH], int fd)
{
	char *p = fs_put_str(out, out + FS_FD_PATH, "/proc/self/fd/");

	fs_put_u64(p, (uint64_t)fd, 10);
}
