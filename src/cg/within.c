/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of a container's cgroups a later process of it enters: its own, or one below. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"

/* Directory `i` becomes the one `below` it. */
static int descend(struct cg *cg, size_t i, const char *below, struct err *e)
{
	_cleanup_buf_ struct buf text = { 0 };
	size_t at[CG_TREES_MAX];

	for (size_t k = 0; k < cg->n; k++) {
		at[k] = text.len;
		buf_printf(&text, "%s%s", cg->dirs[k].path, k == i ? below : "");
		buf_put(&text, "", 1);
	}
	if (text.failed)
		return err_errno(e, ENOMEM, "cgroup");
	free(cg->text);
	cg->text = buf_take(&text);
	for (size_t k = 0; k < cg->n; k++)
		cg->dirs[k].path = cg->text + at[k];
	cleanup_fd(&cg->dirs[i].fd);
	cg->dirs[i].fd = -1;
	return cg_dir_fd(&cg->dirs[i]) < 0 ? err_errno(e, ENOENT, "cgroup %s", cg->dirs[i].path)
					   : 0;
}

static bool leads_up(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
		if (strncmp(p, "..", 2) == 0 && (!p[2] || p[2] == '/'))
			return true;
	return false;
}

/* Is it one of "cpu,cpuacct"? */
static bool is_named(const struct cg_dir *d, const char *names, size_t len)
{
	while (len > 0) {
		size_t word = MIN(strcspn(names, ",:"), len);

		for (int c = 0; c < CG_CONTROLLERS; c++) {
			const char *name = cg_controller_name((enum cg_controller)c, false);

			if ((d->controllers & CG_BIT(c)) && strlen(name) == word &&
			    strncmp(name, names, word) == 0)
				return true;
		}
		names += word + 1;
		len -= MIN(word + 1, len);
	}
	return false;
}

int cg_descend(struct cg *cg, const char *words, struct err *e)
{
	const char *colon = strchr(words, ':'), *path = colon ? colon + 1 : words;
	_cleanup_buf_ struct buf below = { 0 };
	bool any = false;
	int r = 0;

	if (leads_up(path))
		return err_set(e, EINVAL, "cgroup %s: must not hold \"..\"", path);
	buf_printf(&below, "%s%s", *path == '/' ? "" : "/", path);
	if (below.failed)
		return err_errno(e, ENOMEM, "cgroup");
	for (size_t i = 0; r == 0 && i < cg->n; i++) {
		const struct cg_dir *d = &cg->dirs[i];

		if (colon && (d->unified || !is_named(d, words, (size_t)(colon - words))))
			continue;
		any = true;
		if (!str_eq(below.data, "/"))
			r = descend(cg, i, below.data, e);
	}
	return r == 0 && !any ? err_set(e, ENOENT, "cgroup %s: no such controller here", words) : r;
}

/* The path of `pid` in the v2 tree, as we see it. */
static bool read_path(int pid, char *out, size_t room)
{
	char name[32];
	_cleanup_file_ FILE *f = NULL;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	f = fopen(name, "re");
	while (f && fgets(out, (int)room, f)) {
		if (!str_starts(out, "0::"))
			continue;
		out[strcspn(out, "\n")] = 0;
		memmove(out, out + 3, strlen(out + 3) + 1);
		return true;
	}
	return false;
}

/* Where `path` goes on behind what it shares with the end of `dir`: "/a/b" and ".../a" is "/b". */
static const char *rest_of(const char *dir, const char *path)
{
	size_t have = strlen(dir), len = strlen(path);

	for (; len > 0; len--) {
		if (path[len] && path[len] != '/')
			continue;
		if (len <= have && memcmp(dir + have - len, path, len) == 0)
			return path + len;
	}
	return NULL;
}

int cg_follow(struct cg *cg, int pid, struct err *e)
{
	char text[4096];
	const char *below;
	struct cg_dir *d = cg_unified(cg);

	if (cg->layout != CG_V2 || cg_read(d, "cgroup.subtree_control", text, sizeof(text)) <= 0)
		return 0;
	below = read_path(pid, text, sizeof(text)) ? rest_of(d->path, text) : NULL;
	return below && *below ? descend(cg, (size_t)(d - cg->dirs), below, e) : 0;
}
