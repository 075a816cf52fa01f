/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci list: what is below --root. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "oci.h"

/* A row of the list. */
struct row {
	struct state state;
	enum status status;
	const char *owner;
};

typedef LIST(struct row) rows;

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

static int add(struct oci *o, int root_fd, const char *id, struct state_look *look, rows *out,
	       struct err *e)
{
	struct row *last = out->n ? &out->items[out->n - 1] : NULL;
	bool brief = !str_eq(o->opt.list.format, "json");
	struct row row = { 0 };
	struct row *slot;
	int r = (brief ? state_load_brief : state_load)(o->arena, root_fd, id, &row.state, e);

	if (r == -ENOENT) /* removed since we saw it */
		return 0;
	if (r < 0) {
		/* One that is broken must not hide the others. */
		log_say(&o->log, LOG_LEVEL_WARNING, "%s", e->text);
		return 0;
	}
	row.status = state_status_next(look, &row.state, root_fd);
	row.owner = last && last->state.owner == row.state.owner
			    ? last->owner
			    : owner_name(o->arena, row.state.owner);
	slot = arena_push(o->arena, &out->items, &out->n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "list");
	*slot = row;
	return 0;
}

static int print_json(const rows *list, struct err *e)
{
	struct jsonout j = { .compact = true };

	jsonout_open(&j, NULL, '[');
	for (size_t i = 0; i < list->n; i++) {
		const struct row *row = &list->items[i];

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

static void print_table(const rows *list)
{
	int id = 12, bundle = 12;

	for (size_t i = 0; i < list->n; i++) {
		id = MAX(id, (int)strlen(list->items[i].state.id));
		bundle = MAX(bundle, (int)strlen(text_of(list->items[i].state.bundle)));
	}
	printf("%-*s   %-10s  %-9s   %-*s   %-30s   %s\n", id, "ID", "PID", "STATUS", bundle,
	       "BUNDLE", "CREATED", "OWNER");
	for (size_t i = 0; i < list->n; i++) {
		const struct row *row = &list->items[i];

		printf("%-*s   %-10d  %-9s   %-*s   %-30s   %s\n", id, row->state.id,
		       row->status == STATUS_STOPPED ? 0 : row->state.pid, status_name(row->status),
		       bundle, text_of(row->state.bundle), text_of(row->state.created), row->owner);
	}
}

static int print(const struct list_options *opt, const rows *list, struct err *e)
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

int cmd_list(struct oci *o, int argc, char **argv, struct err *e)
{
	const struct list_options *opt = &o->opt.list;
	_cleanup_fd_ int root_fd = state_open_root(o->root);
	struct state_look look = STATE_LOOK_INIT;
	strings ids = { 0 };
	rows list = { 0 };
	int r = 0;

	(void)argc, (void)argv;
	if (opt->format && !str_eq(opt->format, "json") && !str_eq(opt->format, "table"))
		return err_set(e, EINVAL, "list: --format: \"%.32s\" is not table or json",
			       opt->format);
	if (root_fd < 0 && root_fd != -ENOENT)
		return err_errno(e, -root_fd, "state directory %s", o->root);
	if (root_fd >= 0)
		r = state_list(o->arena, root_fd, &ids);
	if (r < 0)
		return err_errno(e, -r, "state directory %s", o->root);
	if (opt->quiet)
		return print_ids(&ids);
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = add(o, root_fd, ids.items[i], &look, &list, e);
	state_look_done(&look);
	return r < 0 ? r : print(opt, &list, e);
}
