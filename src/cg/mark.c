/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a cgroup is. A path may have a new owner by now: where all processes of a container have
 * ended, another one takes the same directory over, with the same inode. So its owner of the moment
 * stands in an attribute of it (xattr(7)), a number that nobody else has drawn. Root's is kept
 * where a container cannot write it; an ordinary user has the other kind alone.
 */
#include <stdio.h>
#include <string.h>

#include "cg/driver.h"
#include "sys/fd.h"
#include "sys/process.h"

static const char *const attributes[] = { "trusted.holm", "user.holm" };

int cg_mark_draw(char out[CG_MARK_SIZE])
{
	uint64_t number;
	ssize_t n = sys_getrandom(&number, sizeof(number), 0);

	if (n != sizeof(number))
		return n < 0 ? (int)n : -EIO;
	snprintf(out, CG_MARK_SIZE, "%016llx", (unsigned long long)number);
	return 0;
}

int cg_mark(struct cg *cg, const char mark[CG_MARK_SIZE])
{
	const struct cg_dir *d = cg_tracker(cg);
	int r = d ? -EPERM : 0;

	for (size_t i = 0; r < 0 && i < ARRAY_SIZE(attributes); i++)
		r = sys_setxattr(d->path, attributes[i], mark, strlen(mark));
	if (r == 0)
		memmove(cg->mark, mark, CG_MARK_SIZE);
	return r;
}

static int read_mark(const char *path, char out[CG_MARK_SIZE])
{
	ssize_t n = -ENODATA;

	for (size_t i = 0; n == -ENODATA && i < ARRAY_SIZE(attributes); i++)
		n = sys_getxattr(path, attributes[i], out, CG_MARK_SIZE - 1);
	out[n > 0 ? n : 0] = 0;
	return n < 0 ? (int)n : 0;
}

bool cg_is_anothers(struct cg *cg)
{
	const struct cg_dir *d = cg_tracker(cg);
	char mark[CG_MARK_SIZE];
	int r;

	if (!d || !*cg->mark)
		return false;
	r = read_mark(d->path, mark);
	/* None: ours, if we were killed before we put it there, and then it has no process. */
	if (r == -ENODATA)
		return cg->ops->is_populated(cg) > 0;
	return r == -ERANGE || (r == 0 && strcmp(mark, cg->mark) != 0);
}
