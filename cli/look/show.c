/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns show: everything about one process or one namespace. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "look/look.h"

struct show {
	struct holm_world *world;
	bool json;
	struct jsonout j;
	char section[24]; /* that is being printed */
};

/* ---- facts ---- */

static int print_fact(void *arg, const struct holm_fact *f)
{
	struct show *s = arg;
	char value[4200], name[600];

	if (!str_eq(s->section, f->section)) {
		snprintf(s->section, sizeof(s->section), "%s", f->section);
		printf("\n%s\n", f->section);
	}
	printf("  %-16s %s%s%s%s\n", ns_clean(f->name, name, sizeof(name)),
	       ns_clean(f->value, value, sizeof(value)), *f->words ? "  (" : "", f->words,
	       *f->words ? ")" : "");
	return 0;
}

static int json_fact(void *arg, const struct holm_fact *f)
{
	struct show *s = arg;

	jsonout_open(&s->j, NULL, '{');
	jsonout_string(&s->j, "section", f->section);
	ns_json_string(&s->j, "name", f->name);
	ns_json_string(&s->j, "value", f->value);
	ns_json_string(&s->j, "words", f->words);
	jsonout_close(&s->j, '}');
	return 0;
}

/* ---- a process ---- */

static void print_row(struct show *s, const struct holm_process *own, const struct holm_process *p,
		      unsigned type)
{
	char label[NS_LABEL_MAX], name[256] = "";
	bool same = own->ns[type] && own->ns[type] == p->ns[type];
	struct holm_ns n = { .name = "" };

	holm_world_find(s->world, p->ns[type], &n);
	if (s->json) {
		jsonout_open(&s->j, NULL, '{');
		jsonout_string(&s->j, "type", holm_ns_type_name(type));
		ns_json_inode(&s->j, "inode", p->ns[type]);
		ns_json_inode(&s->j, "here", own->ns[type]);
		jsonout_bool(&s->j, "same", same);
		ns_json_string(&s->j, "name", n.name);
		jsonout_close(&s->j, '}');
		return;
	}
	printf("  %-8s %-22s %-12s %s\n", holm_ns_type_name(type),
	       ns_label(type, p->ns[type], label), same ? "as here" : "another",
	       ns_clean(n.name, name, sizeof(name)));
}

static int show_process(struct show *s, int pid)
{
	struct holm_process own = { 0 }, p;
	struct holm_error e;

	holm_world_process_find(s->world, getpid(), &own);
	if (holm_world_process_find(s->world, pid, &p) < 0)
		return out_error("ns show: process %d has ended", pid);
	if (s->json)
		jsonout_open(&s->j, "namespaces", '[');
	else
		puts("namespaces");
	for (unsigned t = 0; t < HOLM_NS_TYPES && !p.unseen; t++)
		print_row(s, &own, &p, t);
	if (p.unseen && !s->json)
		puts("  they are not for you to see");
	if (s->json) {
		jsonout_close(&s->j, ']');
		jsonout_open(&s->j, "facts", '[');
	}
	if (holm_process_facts(s->world, pid, s->json ? json_fact : print_fact, s, &e) < 0)
		return out_error("ns show: %s", e.text);
	if (s->json)
		jsonout_close(&s->j, ']');
	return 0;
}

/* ---- a namespace ---- */

static void print_line(const char *name, const char *value)
{
	printf("  %-10s %s\n", name, value);
}

static void print_ns(const struct show *s, const struct holm_ns *n)
{
	_cleanup_buf_ struct buf held = { 0 };
	char label[NS_LABEL_MAX], user[NS_USER_MAX], text[300];

	puts(ns_label(n->type, n->inode, label));
	if (*n->name) {
		snprintf(text, sizeof(text), "%s (%s)", n->name, n->given_by);
		print_line("name", ns_clean(text, label, sizeof(label)));
	}
	ns_held_words(&held, s->world, n);
	print_line("held by", held.data ? held.data : "");
	snprintf(text, sizeof(text), "%u", n->processes);
	print_line("processes", text);
	if (n->pid) {
		snprintf(text, sizeof(text), "%d %.250s", n->pid, n->command);
		print_line("oldest", ns_clean(text, text, sizeof(text)));
	}
	print_line("owner", ns_label(HOLM_NS_USER, n->owner, label));
	if (n->type == HOLM_NS_USER || n->type == HOLM_NS_PID)
		print_line("parent", ns_label(n->type, n->parent, label));
	if (n->type == HOLM_NS_USER)
		print_line("made by", ns_user(n->owner_uid, user));
}

static void print_members(const struct show *s, const struct holm_ns *n)
{
	struct holm_process p;
	char text[200];
	bool any = false;

	for (size_t i = 0; holm_world_process(s->world, i, &p) == 0; i++) {
		if (p.ns[n->type] != n->inode)
			continue;
		if (!any)
			puts("\nprocesses");
		any = true;
		printf("  %-16d %s%s\n", p.pid,
		       ns_clean(*p.command ? p.command : p.name, text, sizeof(text)),
		       p.tid ? "  (a thread alone)" : "");
	}
}

static void print_holders(const struct show *s, const struct holm_ns *n)
{
	struct holm_holder h;
	struct holm_process p;
	char label[NS_LABEL_MAX], text[600];
	bool any = false;

	for (size_t i = 0; holm_world_holder(s->world, i, &h) == 0; i++) {
		if (h.inode != n->inode)
			continue;
		if (!any)
			puts("\nheld by");
		any = true;
		if (h.fd < 0)
			printf("  mount            %s in %s\n",
			       ns_clean(h.path, text, sizeof(text)),
			       ns_label(HOLM_NS_MNT, h.mnt_ns, label));
		else
			printf("  descriptor       %d of %d %s\n", h.fd, h.pid,
			       holm_world_process_find(s->world, h.pid, &p) == 0
				       ? ns_clean(p.name, text, sizeof(text))
				       : "");
	}
}

static int show_ns(struct show *s, uint64_t inode)
{
	struct holm_error e;
	struct holm_ns n;

	holm_world_find(s->world, inode, &n);
	if (s->json) {
		jsonout_open(&s->j, "namespace", '{');
		ns_json_ns(&s->j, s->world, &n);
		jsonout_close(&s->j, '}');
		jsonout_open(&s->j, "facts", '[');
	} else {
		print_ns(s, &n);
		print_holders(s, &n);
		print_members(s, &n);
	}
	if (holm_ns_facts(s->world, inode, s->json ? json_fact : print_fact, s, &e) < 0)
		return out_error("ns show: %s", e.text);
	if (s->json)
		jsonout_close(&s->j, ']');
	return 0;
}

int ns_show(int argc, char **argv)
{
	_cleanup_ns_world_ struct holm_world *world = NULL;
	struct show s = { .j = { .compact = true } };
	const struct ns_option options[] = { { "json", &s.json, NULL } };
	struct ns_args a = { .options = options, .n_options = ARRAY_SIZE(options) };
	struct ns_target t = { 0 };
	int r = ns_parse(&a, argc, argv);

	if (r == 0 && a.n_plain != 1)
		r = out_error("ns show: needs one TARGET: a pid, a name, an inode or a file");
	if (r == 0)
		r = ns_world(HOLM_WORLD_HELD | HOLM_WORLD_COMMANDS, &world);
	if (r == 0)
		r = ns_find_target(world, "show", a.plain[0], &t);
	if (r)
		return r;
	s.world = world;
	if (s.json)
		jsonout_open(&s.j, NULL, '{');
	r = t.pid ? show_process(&s, t.pid) : show_ns(&s, t.inode);
	if (!s.json || r) {
		buf_done(&s.j.buf);
		return r;
	}
	jsonout_close(&s.j, '}');
	return ns_json_end(&s.j);
}
