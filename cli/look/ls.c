/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns ls: every namespace, a line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "act/act.h"
#include "base/cleanup.h"
#include "base/macro.h"
#include "look/look.h"

/* ---- columns ---- */

typedef void column_fn(struct buf *b, const struct holm_world *w, const struct holm_ns *n);

static void put_type(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	(void)w;
	buf_puts(b, holm_ns_type_name(n->type));
}

static void put_inode(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	(void)w;
	buf_printf(b, "%llu", (unsigned long long)n->inode);
}

static void put_processes(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	(void)w;
	buf_printf(b, "%u", n->processes);
}

static void put_threads(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	(void)w;
	buf_printf(b, "%u", n->threads);
}

static void put_pid(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	(void)w;
	if (n->pid)
		buf_printf(b, "%d", n->pid);
	else
		buf_puts(b, "-");
}

static void put_user(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	char name[NS_USER_MAX];

	(void)w;
	buf_puts(b, ns_user(n->uid, name));
}

static void put_command(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	char text[256];

	(void)w;
	buf_puts(b, ns_clean(n->command, text, sizeof(text)));
}

static void put_owner(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	char label[NS_LABEL_MAX];

	(void)w;
	buf_puts(b, ns_label(HOLM_NS_USER, n->owner, label));
}

static void put_parent(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	char label[NS_LABEL_MAX];

	(void)w;
	buf_puts(b, ns_label(n->type, n->parent, label));
}

static void put_name(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	char text[256];

	(void)w;
	if (*n->name)
		buf_printf(b, "%s:%s", n->given_by, ns_clean(n->name, text, sizeof(text)));
	else
		buf_puts(b, "-");
}

static const struct column {
	const char *name, *heading;
	bool right;
	column_fn *put;
} columns[] = {
	{ "type", "TYPE", false, put_type },
	{ "inode", "INODE", true, put_inode },
	{ "processes", "PROCS", true, put_processes },
	{ "threads", "THREADS", true, put_threads },
	{ "pid", "PID", true, put_pid },
	{ "user", "USER", false, put_user },
	{ "owner", "OWNER", false, put_owner },
	{ "parent", "PARENT", false, put_parent },
	{ "held", "HELD BY", false, ns_held_words },
	{ "name", "NAME", false, put_name },
	{ "command", "COMMAND", false, put_command },
};

#define COLUMNS_MAX ARRAY_SIZE(columns)

struct listing {
	struct holm_world *world;
	const struct column *show[COLUMNS_MAX];
	size_t n;
	unsigned types;         /* bits; 0: all */
	struct holm_process of; /* pid 0: everybody's */
	bool by_owner;
	size_t width[COLUMNS_MAX];
	uint64_t owner; /* of the group that is being printed */
	size_t screen;  /* 0: as wide as it gets */
};

static const struct column *find_column(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (strlen(columns[i].name) == len && strncmp(columns[i].name, name, len) == 0)
			return &columns[i];
	return NULL;
}

static int choose_columns(struct listing *l, const char *names)
{
	if (!names)
		names = l->by_owner ? "type,inode,processes,pid,user,parent,held,name,command"
				    : "type,inode,processes,pid,user,held,name,command";
	for (const char *at = names; *at;) {
		size_t len = strcspn(at, ",");
		const struct column *c = find_column(at, len);

		if (!c || l->n == COLUMNS_MAX)
			return out_error(
				"ns ls: there is no column \"%.*s\"; they are type, inode, "
				"processes, threads, pid, user, owner, parent, held, name, "
				"command",
				(int)len, at);
		l->show[l->n++] = c;
		at += len + (at[len] == ',');
	}
	return l->n ? 0 : out_error("ns ls: --columns needs a name or several");
}

/* ---- rows ---- */

static bool wanted(const struct listing *l, const struct holm_ns *n)
{
	if (l->types && !(l->types >> n->type & 1))
		return false;
	if (l->of.pid && l->of.ns[n->type] != n->inode)
		return false;
	return !l->by_owner || n->owner == l->owner;
}

/* In characters: commands may be in any language. */
static size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void measure(struct listing *l)
{
	struct holm_ns n;

	for (size_t c = 0; c < l->n; c++)
		l->width[c] = strlen(l->show[c]->heading);
	for (size_t i = 0; holm_world_ns(l->world, i, &n) == 0; i++) {
		if (l->types && !(l->types >> n.type & 1))
			continue;
		for (size_t c = 0; c + 1 < l->n; c++) {
			_cleanup_buf_ struct buf b = { 0 };
			size_t width;

			l->show[c]->put(&b, l->world, &n);
			width = b.data ? text_width(b.data) : 0;
			l->width[c] = MAX(l->width[c], width);
		}
	}
}

/* Bytes of `s` that take up to `width` columns. */
static int cut(const char *s, size_t width)
{
	int len = 0;

	for (; s[len]; len++)
		if (((unsigned char)s[len] & 0xc0) != 0x80 && width-- == 0)
			break;
	return len;
}

static void print_cell(const struct listing *l, size_t c, const char *text, size_t *used)
{
	size_t width = l->width[c], have = text_width(text), fill = have < width ? width - have : 0;
	bool last = c + 1 == l->n;

	if (last && l->screen)
		printf("%.*s\n", cut(text, l->screen > *used ? l->screen - *used : 1), text);
	else if (last)
		puts(text);
	else if (l->show[c]->right)
		printf("%*s%s  ", (int)fill, "", text);
	else
		printf("%s%*s  ", text, (int)fill, "");
	*used += MAX(have, width) + 2;
}

static void print_row(const struct listing *l, const struct holm_ns *n)
{
	size_t used = 0;

	for (size_t c = 0; c < l->n; c++) {
		_cleanup_buf_ struct buf b = { 0 };

		if (n)
			l->show[c]->put(&b, l->world, n);
		else
			buf_puts(&b, l->show[c]->heading);
		print_cell(l, c, b.data ? b.data : "", &used);
	}
}

static void print_group(struct listing *l, uint64_t owner)
{
	char label[NS_LABEL_MAX];
	struct holm_ns n;
	bool any = false;

	l->owner = owner;
	for (size_t i = 0; holm_world_ns(l->world, i, &n) == 0; i++) {
		if (!wanted(l, &n))
			continue;
		if (!any && owner)
			printf("\nowned by %s:\n", ns_label(HOLM_NS_USER, owner, label));
		any = true;
		print_row(l, &n);
	}
}

static void print_table(struct listing *l)
{
	struct holm_ns n;

	measure(l);
	print_row(l, NULL);
	print_group(l, 0);
	for (size_t i = 0; l->by_owner && holm_world_ns(l->world, i, &n) == 0; i++)
		if (n.type == HOLM_NS_USER)
			print_group(l, n.inode);
	ns_say_unseen(l->world);
}

/* ---- JSON ---- */

static int print_json(struct listing *l)
{
	struct jsonout j = { .compact = true };
	struct holm_world_sum sum;
	struct holm_ns n;

	l->by_owner = false;
	holm_world_sum(l->world, &sum);
	jsonout_open(&j, NULL, '{');
	jsonout_open(&j, "namespaces", '[');
	for (size_t i = 0; holm_world_ns(l->world, i, &n) == 0; i++) {
		if (!wanted(l, &n))
			continue;
		jsonout_open(&j, NULL, '{');
		ns_json_ns(&j, l->world, &n);
		jsonout_close(&j, '}');
		buf_puts(&j.buf, "\n");
	}
	jsonout_close(&j, ']');
	jsonout_number(&j, "processes", sum.processes);
	jsonout_number(&j, "unseen", sum.unseen);
	jsonout_number(&j, "descriptors_unseen", sum.held_unseen);
	jsonout_number(&j, "ended", sum.ended);
	jsonout_close(&j, '}');
	return ns_json_end(&j);
}

/* ---- the word ---- */

static int choose_types(struct listing *l, const struct ns_args *a)
{
	for (unsigned i = 0; i < a->n_plain; i++) {
		unsigned t = 0;

		while (t < HOLM_NS_TYPES && !str_eq(a->plain[i], holm_ns_type_name(t)))
			t++;
		if (t == HOLM_NS_TYPES)
			return out_error("ns ls: there is no type \"%s\"; they are user, mnt, pid, "
					 "net, ipc, uts, cgroup, time",
					 a->plain[i]);
		l->types |= 1U << t;
	}
	return 0;
}

static size_t screen_width(void)
{
	struct winsize size;

	return isatty(1) && ioctl(1, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int ns_ls(int argc, char **argv)
{
	_cleanup_ns_world_ struct holm_world *world = NULL;
	struct listing l = { .screen = screen_width() };
	const char *pid = NULL, *names = NULL;
	bool json = false, held = false;
	const struct ns_option options[] = {
		{ "held", &held, NULL },        { "pid", NULL, &pid },
		{ "owner", &l.by_owner, NULL }, { "json", &json, NULL },
		{ "columns", NULL, &names },
	};
	struct ns_args a = { .options = options, .n_options = ARRAY_SIZE(options) };
	int r = ns_parse(&a, argc, argv);

	if (r == 0 && held)
		return ns_ls_held(json);
	if (r == 0)
		r = choose_types(&l, &a);
	if (r == 0)
		r = choose_columns(&l, names);
	if (r == 0)
		r = ns_world(HOLM_WORLD_HELD, &world);
	l.world = world;
	if (r == 0 && pid)
		r = ns_find_process(world, "ls", pid, &l.of);
	if (r == 0 && pid && l.of.unseen)
		r = out_error("ns ls: process %d: its namespaces are not for you to see", l.of.pid);
	if (r)
		return r;
	if (json)
		return print_json(&l);
	print_table(&l);
	return 0;
}
