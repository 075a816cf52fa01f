/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose rules speak of which name: an empty file for each, so that a look is one directory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "state/network_files.h"
#include "sys/fd.h"

#define DIR_MAX_  (NETWORK_NAME_MAX + 16)
#define FILE_MAX_ (DIR_MAX_ + HOSTNAME_MAX + LEASE_NAME_MAX + 2)

static const char *dir_of(const char *network, char out[DIR_MAX_])
{
	snprintf(out, DIR_MAX_, "%s/watchers", network);
	return out;
}

int watchers_add(const struct networks *n, const char *network, const char *name, const char *lease)
{
	char dir[DIR_MAX_], path[FILE_MAX_];
	_cleanup_fd_ int fd = -1;
	int r = sys_mkdirat(n->fd, dir_of(network, dir), 0755);

	if (r < 0 && r != -EEXIST)
		return r;
	snprintf(path, sizeof(path), "%s/%s@%s", dir, name, lease);
	fd = sys_openat(n->fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
	return fd < 0 ? fd : 0;
}

struct forgetting {
	const struct networks *n;
	const char *dir, *lease;
};

static int forget(void *arg, const char *name)
{
	const struct forgetting *f = arg;
	const char *at = strchr(name, '@');
	char path[FILE_MAX_ + 256];

	if (!at || !str_eq(at + 1, f->lease))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	sys_unlinkat(f->n->fd, path, 0);
	return 0;
}

void watchers_drop(const struct networks *n, const char *network, const char *lease)
{
	char dir[DIR_MAX_];
	struct forgetting f = { n, dir_of(network, dir), lease };

	network_each_entry(n->fd, dir, forget, &f);
}

struct listing {
	struct arena *a;
	const char *name;
	strings *out;
};

static int add(void *arg, const char *name)
{
	struct listing *l = arg;
	size_t len = strlen(l->name);
	const char **slot;

	if (strncmp(name, l->name, len) != 0 || name[len] != '@')
		return 0;
	slot = arena_push(l->a, &l->out->items, &l->out->n, sizeof(*slot));
	if (slot)
		*slot = arena_strdup(l->a, name + len + 1);
	return slot && *slot ? 0 : -ENOMEM;
}

int watchers_list(struct arena *a, const struct networks *n, const char *network, const char *name,
		  strings *out)
{
	struct listing l = { a, name, out };
	char dir[DIR_MAX_];
	int r = network_each_entry(n->fd, dir_of(network, dir), add, &l);

	return r == -ENOENT ? 0 : r;
}
