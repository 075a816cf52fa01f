/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mountinfo (proc_pid_mountinfo(5)), and in it the files of namespaces that somebody has mounted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "see/see.h"
#include "sys/fd.h"

#define MOUNTINFO_MAX (64U << 20)

char *see_mountinfo(const struct see_world *w, int pid)
{
	_cleanup_buf_ struct buf b = { 0 };
	_cleanup_fd_ int fd = -1;
	char path[32], block[16384];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/mountinfo", pid);
	fd = sys_openat(w->proc_fd, path, O_RDONLY, 0);
	if (fd < 0)
		return NULL;
	while ((n = sys_read(fd, block, sizeof(block))) > 0 && b.len < MOUNTINFO_MAX)
		buf_put(&b, block, (size_t)n);
	buf_put(&b, "", 0);
	return n < 0 ? NULL : buf_take(&b);
}

/* "\040" is a blank, and so on. */
static void unescape(char *s)
{
	char *to = s;

	if (!*s) /* a field that is missing is a constant */
		return;
	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

static unsigned number_after(const char *field, const char *key)
{
	const char *at = field + strlen(key);
	uint64_t n;

	return str_starts(field, key) && str_take_u64(&at, &n) == 0 ? (unsigned)n : 0;
}

static const char *next_field(char **at)
{
	char *field = strsep(at, " ");

	return field ? field : "";
}

/*
 * 36 35 98:0 /root /mnt2 rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue
 */
static bool parse_line(char *line, struct see_mount *m)
{
	const char *field;
	uint64_t n = 0;

	*m = (struct see_mount){ 0 };
	field = next_field(&line);
	if (str_take_u64(&field, &n) < 0)
		return false;
	m->id = (unsigned)n;
	field = next_field(&line);
	if (str_take_u64(&field, &n) < 0)
		return false;
	m->parent = (unsigned)n;
	m->device = next_field(&line);
	m->root = next_field(&line);
	m->point = next_field(&line);
	m->options = next_field(&line);
	while (line && !str_eq(field = next_field(&line), "-")) {
		m->shared |= number_after(field, "shared:");
		m->master |= number_after(field, "master:");
		m->from |= number_after(field, "propagate_from:");
		m->unbindable |= str_eq(field, "unbindable");
	}
	m->type = next_field(&line);
	m->source = next_field(&line);
	m->super = next_field(&line);
	unescape((char *)m->root);
	unescape((char *)m->point);
	unescape((char *)m->source);
	return true;
}

int see_mounts_parse(char *text, see_mount_fn *fn, void *arg)
{
	struct see_mount m;
	char *line;
	int r = 0;

	while (r == 0 && (line = strsep(&text, "\n")))
		if (parse_line(line, &m))
			r = fn(arg, &m);
	return r;
}

struct looking {
	struct see_world *world;
	const struct see_process *process;
};

static int look_at_mount(void *arg, const struct see_mount *m)
{
	const struct looking *l = arg;
	struct see_holder h = { .how = SEE_BY_MOUNT, .pid = l->process->pid };
	int type;

	if (!str_eq(m->type, "nsfs"))
		return 0;
	type = see_parse_link(m->root, &h.inode);
	h.path = type < 0 ? NULL : arena_strdup(l->world->arena, m->point);
	if (!h.path)
		return type < 0 ? 0 : -ENOMEM;
	h.type = (enum ns_type)type;
	h.mnt_ns = l->process->ns[NS_MNT];
	return see_hold(l->world, &h);
}

/* All processes of a mount namespace see its mounts, unless their root is elsewhere. */
static bool seen_before(const struct see_world *w, uint64_t *seen, size_t *n, uint64_t inode)
{
	for (size_t i = 0; i < *n; i++)
		if (seen[i] == inode)
			return true;
	if (*n < w->processes.n)
		seen[(*n)++] = inode;
	return false;
}

int see_scan_mounts(struct see_world *w)
{
	_cleanup_free_ uint64_t *seen = calloc(w->processes.n + 1, sizeof(*seen));
	size_t n = 0;
	int r = 0;

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < w->processes.n; i++) {
		struct looking l = { w, &w->processes.items[i] };
		uint64_t inode = l.process->ns[NS_MNT];
		_cleanup_free_ char *text = NULL;

		if (!inode || seen_before(w, seen, &n, inode))
			continue;
		text = see_mountinfo(w, l.process->tid ? l.process->tid : l.process->pid);
		if (!text)
			n -= seen[n - 1] == inode; /* it has ended; the next may tell */
		else if (strstr(text, " - nsfs "))
			r = see_mounts_parse(text, look_at_mount, &l);
	}
	return r;
}
