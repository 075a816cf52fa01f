/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns tree: user and pid namespaces below each other, and who is in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "look/look.h"

#define DEPTH_MAX 64
#define FEW       4 /* processes shown of each, unless all are asked for */

struct walk {
	struct holm_world *world;
	enum holm_ns_type type;
	bool all, json;
	struct jsonout j;
	/* From the outermost: where among its siblings we are; the kernel's depth is bounded. */
	size_t at[DEPTH_MAX];
	bool more[DEPTH_MAX]; /* siblings follow: a line goes on there */
	unsigned depth;
};

/* The next one below `parent`, from index *i on. 0: none, or one whose parent is not for us. */
static bool next_child(const struct walk *k, uint64_t parent, size_t *i, struct holm_ns *out)
{
	struct holm_ns above;

	for (; holm_world_ns(k->world, *i, out) == 0; ++*i) {
		bool root = !out->parent || holm_world_find(k->world, out->parent, &above) < 0;

		if (out->type == k->type && (parent ? out->parent == parent : root))
			return true;
	}
	return false;
}

/* ---- text ---- */

static void print_branch(const struct walk *k, bool own)
{
	for (unsigned d = 1; d < k->depth; d++)
		fputs(k->more[d] ? "│  " : "   ", stdout);
	if (k->depth > 0)
		fputs(!own                ? (k->more[k->depth] ? "│  " : "   ")
		      : k->more[k->depth] ? "├─ "
					  : "└─ ",
		      stdout);
}

static int print_map(void *arg, const struct holm_fact *f)
{
	const struct walk *k = arg;

	if (!str_eq(f->section, "ids") || str_eq(f->name, "setgroups"))
		return 0;
	print_branch(k, false);
	printf("   %s: %s\n", str_eq(f->name, "uid_map") ? "uids" : "gids", f->words);
	return 0;
}

/* The pid inside stands first, then ours. */
static void print_process(const struct walk *k, const struct holm_process *p)
{
	struct holm_pid_level levels[40];
	char text[120];
	int n = holm_pid_levels(k->world, p->pid, levels, ARRAY_SIZE(levels), NULL);

	print_branch(k, false);
	if (k->type == HOLM_NS_PID && n > 1)
		printf("   %d = %d here  ", levels[n - 1].pid, p->pid);
	else
		printf("   %d  ", p->pid);
	puts(ns_clean(*p->command ? p->command : p->name, text, sizeof(text)));
}

static void print_processes(const struct walk *k, const struct holm_ns *n)
{
	bool all = k->all || n->processes <= FEW + 1;
	unsigned shown = 0;
	struct holm_process p;

	for (size_t i = 0; holm_world_process(k->world, i, &p) == 0; i++) {
		/* Where not all are shown the kernel's own threads are not. */
		if (p.ns[n->type] != n->inode || p.tid || (!all && (p.pid == 2 || p.parent == 2)))
			continue;
		if (!all && shown == FEW)
			break;
		print_process(k, &p);
		shown++;
	}
	if (shown == n->processes)
		return;
	print_branch(k, false);
	printf("   and %u more (--all)\n", n->processes - shown);
}

static void print_ns(struct walk *k, const struct holm_ns *n)
{
	_cleanup_buf_ struct buf held = { 0 };
	char label[NS_LABEL_MAX], user[NS_USER_MAX], name[256];

	print_branch(k, true);
	fputs(ns_label(n->type, n->inode, label), stdout);
	if (*n->name)
		printf(" %s:%s", n->given_by, ns_clean(n->name, name, sizeof(name)));
	if (n->type == HOLM_NS_USER && n->parent)
		printf(", made by %s", ns_user(n->owner_uid, user));
	if (n->processes) {
		printf(", %u process%s\n", n->processes, n->processes == 1 ? "" : "es");
	} else {
		ns_held_words(&held, k->world, n);
		printf(", nobody is in it; kept by %s\n", held.data ? held.data : "");
	}
	if (n->type == HOLM_NS_USER)
		holm_ns_facts(k->world, n->inode, print_map, k, NULL);
	print_processes(k, n);
}

/* ---- JSON ---- */

static int json_map(void *arg, const struct holm_fact *f)
{
	struct walk *k = arg;

	if (!str_eq(f->section, "ids"))
		return 0;
	jsonout_open(&k->j, NULL, '{');
	jsonout_string(&k->j, "file", f->name);
	jsonout_string(&k->j, "line", f->value);
	jsonout_string(&k->j, "words", f->words);
	jsonout_close(&k->j, '}');
	return 0;
}

static void json_processes(struct walk *k, const struct holm_ns *n)
{
	struct holm_pid_level levels[40];
	struct holm_process p;

	jsonout_open(&k->j, "members", '[');
	for (size_t i = 0; holm_world_process(k->world, i, &p) == 0; i++) {
		int depth;

		if (p.ns[n->type] != n->inode || p.tid)
			continue;
		depth = holm_pid_levels(k->world, p.pid, levels, ARRAY_SIZE(levels), NULL);
		jsonout_open(&k->j, NULL, '{');
		jsonout_number(&k->j, "pid", p.pid);
		if (depth > 0)
			jsonout_number(&k->j, "pid_inside", levels[depth - 1].pid);
		ns_json_string(&k->j, "command", *p.command ? p.command : p.name);
		jsonout_close(&k->j, '}');
	}
	jsonout_close(&k->j, ']');
}

static void json_ns(struct walk *k, const struct holm_ns *n)
{
	jsonout_open(&k->j, NULL, '{');
	ns_json_ns(&k->j, k->world, n);
	if (n->type == HOLM_NS_USER) {
		jsonout_open(&k->j, "maps", '[');
		holm_ns_facts(k->world, n->inode, json_map, k, NULL);
		jsonout_close(&k->j, ']');
	}
	json_processes(k, n);
	jsonout_open(&k->j, "below", '[');
}

static void json_end_ns(struct walk *k)
{
	jsonout_close(&k->j, ']');
	jsonout_close(&k->j, '}');
}

/* ---- the walk: down, along, and up again, without recursion ---- */

static void walk_type(struct walk *k)
{
	uint64_t above[DEPTH_MAX] = { 0 };
	struct holm_ns n, next;

	k->depth = 0;
	k->at[0] = 0;
	for (;;) {
		size_t following;

		if (!next_child(k, above[k->depth], &k->at[k->depth], &n)) {
			if (k->depth-- == 0)
				return;
			if (k->json)
				json_end_ns(k);
			continue;
		}
		following = ++k->at[k->depth];
		k->more[k->depth] = next_child(k, above[k->depth], &following, &next);
		if (k->json)
			json_ns(k, &n);
		else
			print_ns(k, &n);
		if (k->depth + 1 < DEPTH_MAX) {
			above[++k->depth] = n.inode;
			k->at[k->depth] = 0;
		} else if (k->json) {
			json_end_ns(k);
		}
	}
}

static int walk_types(struct walk *k, const char *type)
{
	static const enum holm_ns_type types[] = { HOLM_NS_USER, HOLM_NS_PID };
	bool first = true;

	if (k->json)
		jsonout_open(&k->j, NULL, '{');
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const char *name = holm_ns_type_name(types[i]);

		if (type && !str_eq(type, name))
			continue;
		k->type = types[i];
		if (k->json)
			jsonout_open(&k->j, name, '[');
		else if (!first)
			puts("");
		first = false;
		walk_type(k);
		if (k->json)
			jsonout_close(&k->j, ']');
	}
	if (!k->json)
		return ns_say_unseen(k->world), 0;
	jsonout_close(&k->j, '}');
	return ns_json_end(&k->j);
}

int ns_tree(int argc, char **argv)
{
	_cleanup_ns_world_ struct holm_world *world = NULL;
	struct walk k = { .j = { .compact = true } };
	const char *type = NULL;
	const struct ns_option options[] = {
		{ "type", NULL, &type },
		{ "all", &k.all, NULL },
		{ "json", &k.json, NULL },
	};
	struct ns_args a = { .options = options, .n_options = ARRAY_SIZE(options) };
	int r = ns_parse(&a, argc, argv);

	if (r == 0 && a.n_plain)
		r = out_error("ns tree: \"%s\" is too much (see holm ns --help)", a.plain[0]);
	if (r == 0 && type && !str_eq(type, "user") && !str_eq(type, "pid"))
		r = out_error("ns tree: --type is user or pid: no other namespaces have parents");
	if (r == 0)
		r = ns_world(HOLM_WORLD_HELD | HOLM_WORLD_COMMANDS, &world);
	k.world = world;
	return r ? r : walk_types(&k, type);
}
