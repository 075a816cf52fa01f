/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Empty cgroups whose maker was killed before it could remove them. */
#include <dirent.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/fd.h"

/* Is it one, and did it go away, or would it? */
static bool sweep_one(const struct cg_sweep *w, int dir_fd, const char *name)
{
	if (!w->is_left(w->arg, name))
		return false;
	return !w->remove || sys_unlinkat(dir_fd, name, AT_REMOVEDIR) == 0;
}

static unsigned sweep_dir(const struct cg_sweep *w, int dir_fd)
{
	_Alignas(struct sys_dirent) char entries[4096];
	unsigned seen = 0, found = 0;
	ssize_t n;

	while ((n = sys_getdents(dir_fd, entries, sizeof(entries))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct sys_dirent *d = (const void *)(entries + at);

			at += d->len;
			if (d->type != DT_DIR || !str_starts(d->name, w->prefix))
				continue;
			found += sweep_one(w, dir_fd, d->name);
			if (++seen == w->max)
				return found;
		}
	}
	return found;
}

unsigned cg_sweep(const struct cg *cg, const struct cg_sweep *w)
{
	unsigned most = 0;

	for (size_t i = 0; i < cg->n; i++) {
		char *slash = strrchr(cg->dirs[i].path, '/');
		_cleanup_fd_ int fd = -1;
		unsigned found;

		*slash = 0;
		fd = sys_openat(AT_FDCWD, cg->dirs[i].path, O_RDONLY | O_DIRECTORY, 0);
		*slash = '/';
		found = fd < 0 ? 0 : sweep_dir(w, fd);
		most = MAX(most, found);
	}
	return most;
}
