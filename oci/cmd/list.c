/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci list: what is below --root. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "base/workers.h"
#include "oci.h"

#define CHUNK  16 /* containers that a thread takes at a time */
#define WORTHY 64 /* containers that pay for one more thread */

/* A row of the list. */
struct row {
	struct state state;
	enum status status;
	const char *owner;
	const char *warning; /* why it could not be read */
	bool there;
};

struct list {
	int root_fd;
	strings ids;
	struct row *rows; /* one for each id */
	size_t n;         /* how many of them are there, at last */
	atomic_size_t next;
};

struct worker {
	struct list *list;
	struct arena *arena;
};

/* The name of `uid` in /etc/passwd; what else would know it (getpwuid) needs shared libraries. */
static const char *owner_name(struct arena *a, uint32_t uid)
{
	_cleanup_file_ FILE *f = uid ? fopen("/etc/passwd", "re") : NULL;
	char line[1024];

	if (uid == 0)
		return "root";
	while (f && fgets(line, sizeof(line), f)) {
		unsigned found;
		char *colon = strchr(line, ':');

		if (!colon || sscanf(colon, ":%*[^:]:%u:", &found) != 1 || found != uid)
			continue;
		return arena_strndup(a, line, (size_t)(colon - line));
	}
	return arena_printf(a, "#%u", uid);
}

/* ---- looking, by several threads ---- */

static void look_at(struct worker *w, struct state_look *look, size_t i)
{
	struct list *l = w->list;
	struct row *row = &l->rows[i];
	struct err e = { 0 };
	int r = state_load(w->arena, l->root_fd, l->ids.items[i], &row->state, &e);

	/* One that is broken must not hide the others; one that is not there was removed since we
	 * saw it. */
	row->there = r == 0;
	if (r < 0 && r != -ENOENT)
		row->warning = arena_strdup(w->arena, e.text);
	if (r == 0)
		row->status = state_status_next(look, &row->state, l->root_fd);
}

static void *look(void *arg)
{
	struct state_look common = STATE_LOOK_INIT;
	struct worker *w = arg;
	size_t from;

	while ((from = atomic_fetch_add(&w->list->next, CHUNK)) < w->list->ids.n) {
		size_t end = MIN(from + CHUNK, w->list->ids.n);

		for (; from < end; from++)
			look_at(w, &common, from);
	}
	state_look_done(&common);
	return NULL;
}

static int start_list(struct oci *o, struct list *l, struct worker *workers, unsigned n)
{
	l->rows = arena_alloc(o->arena, l->ids.n * sizeof(*l->rows));
	if (!l->rows)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		workers[i] = (struct worker){ .list = l, .arena = arena_new() };
		if (!workers[i].arena)
			return -ENOMEM;
	}
	return 0;
}

/* Those that are there, side by side, with their owners' names. */
static void finish_list(struct oci *o, struct list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->ids.n; i++) {
		struct row *row = &l->rows[i], *last = n ? &l->rows[n - 1] : NULL;

		if (row->warning)
			log_say(&o->log, LOG_LEVEL_WARNING, "%s", row->warning);
		if (!row->there)
			continue;
		row->owner = last && last->state.owner == row->state.owner
				     ? last->owner
				     : owner_name(o->arena, row->state.owner);
		l->rows[n++] = *row;
	}
	l->n = n;
}

/* ---- printing ---- */

static int print_json(const struct list *list, struct err *e)
{
	struct jsonout j = { .compact = true };

	jsonout_open(&j, NULL, '[');
	for (size_t i = 0; i < list->n; i++) {
		const struct row *row = &list->rows[i];

		jsonout_open(&j, NULL, '{');
		state_print(&j, &row->state, row->status, true);
		jsonout_string(&j, "owner", row->owner);
		jsonout_close(&j, '}');
	}
	jsonout_close(&j, ']');
	return out_json(&j, e);
}

static const char *text_of(const char *s)
{
	return s ? s : "-";
}

static void print_table(const struct list *list)
{
	int id = 12, bundle = 12;

	for (size_t i = 0; i < list->n; i++) {
		id = MAX(id, (int)strlen(list->rows[i].state.id));
		bundle = MAX(bundle, (int)strlen(text_of(list->rows[i].state.bundle)));
	}
	printf("%-*s   %-10s  %-9s   %-*s   %-30s   %s\n", id, "ID", "PID", "STATUS", bundle,
	       "BUNDLE", "CREATED", "OWNER");
	for (size_t i = 0; i < list->n; i++) {
		const struct row *row = &list->rows[i];

		printf("%-*s   %-10d  %-9s   %-*s   %-30s   %s\n", id, row->state.id,
		       row->status == STATUS_STOPPED ? 0 : row->state.pid, status_name(row->status),
		       bundle, text_of(row->state.bundle), text_of(row->state.created), row->owner);
	}
}

static int print(const struct list_options *opt, const struct list *list, struct err *e)
{
	if (str_eq(opt->format, "json"))
		return print_json(list, e);
	print_table(list);
	return 0;
}

static int print_ids(const strings *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		puts(ids->items[i]);
	return 0;
}

static int list_all(struct oci *o, struct list *l, struct err *e)
{
	unsigned n = workers_for(l->ids.n, WORTHY);
	struct worker workers[WORKERS_MAX] = { 0 };
	int r = start_list(o, l, workers, n);

	if (r == 0) {
		workers_run(workers, sizeof(*workers), n, look);
		finish_list(o, l);
		r = print(&o->opt.list, l, e);
	} else {
		r = err_errno(e, -r, "list");
	}
	for (unsigned i = 0; i < n; i++)
		arena_free(workers[i].arena);
	return r;
}

int cmd_list(struct oci *o, int argc, char **argv, struct err *e)
{
	const struct list_options *opt = &o->opt.list;
	_cleanup_fd_ int root_fd = state_open_root(o->root);
	struct list l = { .root_fd = root_fd };
	int r = 0;

	(void)argc, (void)argv;
	if (options_format("list", opt->format, e) < 0)
		return -EINVAL;
	if (root_fd < 0 && root_fd != -ENOENT)
		return err_errno(e, -root_fd, "state directory %s", o->root);
	if (root_fd >= 0)
		r = state_list(o->arena, root_fd, &l.ids);
	if (r < 0)
		return err_errno(e, -r, "state directory %s", o->root);
	return opt->quiet ? print_ids(&l.ids) : list_all(o, &l, e);
}
