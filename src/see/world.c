/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "see/see.h"
#include "sys/fd.h"

/* ---- the table, by inode: all namespaces are files of one file system ---- */

static size_t slot_of(const struct see_world *w, uint64_t inode)
{
	size_t at = (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (w->table_size - 1);

	while (w->table[at] != SEE_NONE && w->all.items[w->table[at]].inode != inode)
		at = (at + 1) & (w->table_size - 1);
	return at;
}

struct see_ns *see_find(const struct see_world *w, uint64_t inode)
{
	uint32_t i = w->table_size && inode ? w->table[slot_of(w, inode)] : SEE_NONE;

	return i == SEE_NONE ? NULL : &w->all.items[i];
}

static int grow(struct see_world *w)
{
	size_t size = w->table_size ? w->table_size * 2 : 1024;
	uint32_t *table = arena_alloc(w->arena, size * sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++)
		table[i] = SEE_NONE;
	w->table = table;
	w->table_size = size;
	for (size_t i = 0; i < w->all.n; i++)
		table[slot_of(w, w->all.items[i].inode)] = (uint32_t)i;
	return 0;
}

struct see_ns *see_add(struct see_world *w, enum ns_type type, uint64_t inode)
{
	struct see_ns *n = see_find(w, inode);
	size_t index = w->all.n;

	if (n || inode == 0)
		return n;
	if (w->all.n * 2 >= w->table_size && grow(w) < 0)
		return NULL;
	n = arena_push(w->arena, &w->all.items, &w->all.n, sizeof(*n));
	if (!n)
		return NULL;
	*n = (struct see_ns){
		.inode = inode, .type = type, .oldest = SEE_NONE, .owner_uid = SEE_NOBODY
	};
	w->table[slot_of(w, inode)] = (uint32_t)index;
	return n;
}

/* ---- what a process and a holder say ---- */

/* Of two that were started in the same tick the one with the lower pid. */
static bool older(const struct see_world *w, uint32_t a, uint32_t b)
{
	const struct see_process *p = &w->processes.items[a], *q;

	if (b == SEE_NONE)
		return true;
	q = &w->processes.items[b];
	/* One who has only sent a thread here comes after all that are here themselves. */
	if (!p->tid != !q->tid)
		return !p->tid;
	return p->start_ticks != q->start_ticks ? p->start_ticks < q->start_ticks : p->pid < q->pid;
}

static int count_process(struct see_world *w, uint32_t index)
{
	const struct see_process *p = &w->processes.items[index];
	/* A thread differs in some; in the others it is counted with its process. */
	const struct see_process *of = p->tid ? see_process(w, p->pid) : NULL;

	for (int i = 0; i < NS_COUNT; i++) {
		struct see_ns *n;

		if (!p->ns[i] || (of && of->ns[i] == p->ns[i]))
			continue;
		n = see_add(w, (enum ns_type)i, p->ns[i]);
		if (!n)
			return -ENOMEM;
		n->processes += !p->tid;
		n->threads += p->tid != 0;
		if (older(w, index, n->oldest))
			n->oldest = index;
	}
	if (p->time_for_children && !see_add(w, NS_TIME, p->time_for_children))
		return -ENOMEM;
	return 0;
}

static int count_all(struct see_world *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->processes.n; i++)
		r = count_process(w, (uint32_t)i);
	for (size_t i = 0; r == 0 && i < w->holders.n; i++) {
		const struct see_holder *h = &w->holders.items[i];
		struct see_ns *n = see_add(w, h->type, h->inode);

		if (!n)
			return -ENOMEM;
		n->fds += h->how == SEE_BY_FD;
		n->mounts += h->how == SEE_BY_MOUNT;
	}
	return r;
}

const struct see_process *see_process(const struct see_world *w, int pid)
{
	size_t from = 0, end = w->processes.n;

	while (from < end) {
		size_t middle = from + (end - from) / 2;

		if (w->processes.items[middle].pid < pid)
			from = middle + 1;
		else
			end = middle;
	}
	return from < w->processes.n && w->processes.items[from].pid == pid
		       ? &w->processes.items[from]
		       : NULL;
}

/* ---- what is only asked for of those that are shown ---- */

static uint32_t effective_uid(const char *status)
{
	const char *at = strstr(status, "\nUid:");
	uint64_t real, effective;

	if (!at)
		return SEE_NOBODY;
	at += strlen("\nUid:");
	at += strspn(at, "\t ");
	if (str_take_u64(&at, &real) < 0)
		return SEE_NOBODY;
	at += strspn(at, "\t ");
	return str_take_u64(&at, &effective) < 0 ? SEE_NOBODY : (uint32_t)effective;
}

/* Arguments are ended by a 0 each; what is longer is cut. */
static char *join_arguments(char *text, ssize_t len)
{
	while (len > 0 && text[len - 1] == 0)
		len--;
	for (ssize_t i = 0; i < len; i++)
		if (text[i] == 0 || text[i] == '\n' || text[i] == '\t')
			text[i] = ' ';
	return text;
}

void see_tell(struct see_world *w, struct see_process *p)
{
	char path[32], text[4096];
	ssize_t n;

	if (p->command)
		return;
	snprintf(path, sizeof(path), "%d/status", p->pid);
	if (see_read(w->proc_fd, path, text, sizeof(text)) > 0)
		p->uid = effective_uid(text);
	snprintf(path, sizeof(path), "%d/cmdline", p->pid);
	n = p->tid ? 0 : see_read(w->proc_fd, path, text, SEE_COMMAND_MAX);
	p->command = n > 0 && text[0] ? arena_strdup(w->arena, join_arguments(text, n))
				      : arena_printf(w->arena, p->tid ? "{%s}" : "[%s]", p->comm);
	if (!p->command)
		p->command = "";
}

static void tell_all(struct see_world *w, bool everybody)
{
	for (size_t i = 0; everybody && i < w->processes.n; i++)
		see_tell(w, &w->processes.items[i]);
	for (size_t i = 0; !everybody && i < w->all.n; i++)
		if (w->all.items[i].oldest != SEE_NONE)
			see_tell(w, &w->processes.items[w->all.items[i].oldest]);
}

const char *see_held(const struct see_ns *n)
{
	return n->processes              ? "process"
	       : n->threads              ? "thread"
	       : n->fds                  ? "descriptor"
	       : n->mounts               ? "mount"
	       : n->children || n->owned ? "child"
					 : "process"; /* it is for children of one */
}

/* ---- the whole ---- */

static int by_type(const void *a, const void *b)
{
	const struct see_ns *n = a, *m = b;

	if (n->type != m->type)
		return n->type < m->type ? -1 : 1;
	return (n->inode > m->inode) - (n->inode < m->inode);
}

static void count_kin(struct see_world *w)
{
	for (size_t i = 0; i < w->all.n; i++) {
		struct see_ns *parent = see_find(w, w->all.items[i].parent);
		struct see_ns *owner = see_find(w, w->all.items[i].owner);

		if (parent)
			parent->children++;
		if (owner && owner != parent)
			owner->owned++;
	}
}

static int take(struct see_world *w, unsigned flags)
{
	struct statx st;
	int r = see_scan(w, flags);

	if (r == 0 && sys_statx(AT_FDCWD, "/proc/self/ns/mnt", 0, STATX_INO, &st) == 0)
		w->own_mnt = st.stx_ino;
	if (r == 0 && (flags & SEE_HOLDERS))
		r = see_scan_mounts(w);
	if (r == 0)
		r = count_all(w);
	if (r == 0)
		r = see_kin(w);
	if (r < 0)
		return r;
	qsort(w->all.items, w->all.n, sizeof(struct see_ns), by_type);
	for (size_t i = 0; i < w->table_size; i++)
		w->table[i] = SEE_NONE;
	for (size_t i = 0; i < w->all.n; i++)
		w->table[slot_of(w, w->all.items[i].inode)] = (uint32_t)i;
	count_kin(w);
	tell_all(w, flags & SEE_COMMANDS);
	return 0;
}

int see_world_take(struct see_world *w, unsigned flags, struct err *e)
{
	int r;

	*w = (struct see_world){ .arena = arena_new(), .proc_fd = -1 };
	if (!w->arena)
		return err_errno(e, ENOMEM, "namespaces: take a look at all");
	w->proc_fd = sys_openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0);
	r = w->proc_fd < 0 ? w->proc_fd : take(w, flags);
	if (r < 0)
		see_world_done(w);
	if (r == -EMFILE || r == -ENFILE)
		return err_set(e, -r,
			       "namespaces: read /proc: too many open files; raise ulimit -n");
	return r < 0 ? err_errno(e, -r, "namespaces: read /proc") : 0;
}

void see_world_done(struct see_world *w)
{
	cleanup_fd(&w->proc_fd);
	w->proc_fd = -1;
	arena_free(w->arena);
	w->arena = NULL;
}
