/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a group of resctrl may use, and what it does. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cg/rdt.h"
#include "sys/fd.h"

#define COUNTS_MAX 1024 /* caches of a machine */

/* "Unavailable", "Unassigned" and "Error" are answers as well. */
static uint64_t read_u64(int root_fd, const char *path)
{
	char text[64];
	const char *p = text;
	uint64_t value = RDT_UNKNOWN;

	if (rdt_read(root_fd, path, text, sizeof(text)) > 0)
		str_take_u64(&p, &value);
	return value;
}

static void read_info(int root_fd, struct arena *a, struct rdt_stats *s)
{
	char text[64];

	s->has_l3 = rdt_read(root_fd, "info/L3/cbm_mask", text, sizeof(text)) > 0;
	if (s->has_l3) {
		text[strcspn(text, "\n")] = 0;
		s->cbm_mask = arena_strdup(a, text);
	}
	s->min_cbm_bits = read_u64(root_fd, "info/L3/min_cbm_bits");
	s->l3_closids = read_u64(root_fd, "info/L3/num_closids");
	s->has_mb = rdt_has(root_fd, "info/MB");
	s->bandwidth_gran = read_u64(root_fd, "info/MB/bandwidth_gran");
	s->delay_linear = read_u64(root_fd, "info/MB/delay_linear");
	s->min_bandwidth = read_u64(root_fd, "info/MB/min_bandwidth");
	s->mb_closids = read_u64(root_fd, "info/MB/num_closids");
}

static int read_schemata(int root_fd, const char *group, struct arena *a, const char **l3,
			 const char **mb)
{
	_cleanup_free_ char *text = malloc(RDT_TEXT_MAX);
	char path[NAME_MAX + 32];
	int r = rdt_path(path, sizeof(path), group, NULL, "schemata");
	long n = text ? r : -ENOMEM;

	if (n == 0)
		n = rdt_read(root_fd, path, text, RDT_TEXT_MAX);
	if (n == -ENOENT) /* a machine that can only count */
		return 0;
	if (n < 0)
		return (int)n;
	*l3 = rdt_line(a, text, "L3");
	*mb = rdt_line(a, text, "MB");
	return 0;
}

static int read_count(int root_fd, const char *dir, struct arena *a, struct rdt_stats *s)
{
	struct rdt_count *c = arena_push(a, &s->counts.items, &s->counts.n, sizeof(*c));
	struct {
		const char *file;
		uint64_t value;
	} files[] = { { "llc_occupancy", 0 }, { "mbm_total_bytes", 0 }, { "mbm_local_bytes", 0 } };
	char path[PATH_MAX + 32];

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].file);
		files[i].value = read_u64(root_fd, path);
	}
	*c = (struct rdt_count){ files[0].value, files[1].value, files[2].value };
	return 0;
}

static int is_cache(const struct dirent *d)
{
	return str_starts(d->d_name, "mon_L3_");
}

/* In order, so that each number stays at its place. */
static int read_counts(int root_fd, const char *group, const char *monitor, struct arena *a,
		       struct rdt_stats *s)
{
	char path[2 * NAME_MAX + 32], dir[PATH_MAX];
	int r = rdt_path(path, sizeof(path), group, monitor, "mon_data"), n;
	struct dirent **names = NULL;
	_cleanup_fd_ int fd = -1;
	char proc[40];

	if (r < 0)
		return r;
	fd = rdt_open_file(root_fd, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = scandir(proc, &names, is_cache, alphasort);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		snprintf(dir, sizeof(dir), "%s/%s", path, names[i]->d_name);
		if (r == 0 && i < COUNTS_MAX)
			r = read_count(root_fd, dir, a, s);
		free(names[i]);
	}
	free(names);
	return r;
}

int rdt_stats(int root_fd, const char *group, const char *monitor, bool count, struct arena *a,
	      struct rdt_stats *out, struct err *e)
{
	struct rdt_stats s = { 0 };
	int r;

	read_info(root_fd, a, &s);
	r = read_schemata(root_fd, RDT_DEFAULT, a, &s.l3_root, &s.mb_root);
	if (r == 0)
		r = read_schemata(root_fd, group, a, &s.l3, &s.mb);
	if (r == 0 && count)
		r = read_counts(root_fd, group, monitor, a, &s);
	if (r < 0)
		return err_errno(e, -r, "linux.intelRdt: read the group \"%.64s\"", group);
	*out = s;
	return 0;
}
