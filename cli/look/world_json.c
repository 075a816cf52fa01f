/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole world as JSON: what holm ns map draws, and what it prints. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "look/look.h"

static int put_map(void *arg, const struct holm_fact *f)
{
	struct jsonout *j = arg;

	if (str_eq(f->name, "uid_map"))
		jsonout_string(j, NULL, f->words);
	return 0;
}

static void put_namespaces(struct jsonout *j, struct holm_world *w)
{
	struct holm_ns n;

	jsonout_open(j, "namespaces", '[');
	for (size_t i = 0; holm_world_ns(w, i, &n) == 0; i++) {
		jsonout_open(j, NULL, '{');
		ns_json_ns(j, w, &n);
		if (n.type == HOLM_NS_USER) {
			jsonout_open(j, "maps", '[');
			holm_ns_facts(w, n.inode, put_map, j, NULL);
			jsonout_close(j, ']');
		}
		jsonout_close(j, '}');
		buf_puts(&j->buf, "\n");
	}
	jsonout_close(j, ']');
}

static void put_process(struct jsonout *j, const struct holm_world *w, const struct holm_process *p)
{
	struct holm_pid_level levels[40];
	char user[NS_USER_MAX];
	int n = holm_pid_levels(w, p->pid, levels, 40, NULL);

	jsonout_open(j, NULL, '{');
	jsonout_number(j, "pid", p->pid);
	if (p->tid)
		jsonout_number(j, "tid", p->tid);
	jsonout_number(j, "pid_inside", n > 0 ? levels[n - 1].pid : p->pid);
	jsonout_number(j, "parent", p->parent);
	jsonout_number(j, "threads", p->threads);
	jsonout_string(j, "user", ns_user(p->uid, user));
	ns_json_string(j, "name", p->name);
	ns_json_string(j, "command", p->command);
	/* Children of kthreadd(2), and itself. */
	jsonout_bool(j, "kernel", p->pid == 2 || p->parent == 2);
	jsonout_open(j, "ns", '{');
	for (unsigned t = 0; t < HOLM_NS_TYPES; t++)
		ns_json_inode(j, holm_ns_type_name(t), p->ns[t]);
	jsonout_close(j, '}');
	jsonout_close(j, '}');
	buf_puts(&j->buf, "\n");
}

static void put_links(struct jsonout *j, const struct holm_world *w)
{
	struct holm_link l;

	jsonout_open(j, "links", '[');
	for (size_t i = 0; holm_world_link(w, i, &l) == 0; i++) {
		jsonout_open(j, NULL, '{');
		ns_json_inode(j, "ns", l.ns);
		jsonout_number(j, "index", l.index);
		jsonout_number(j, "master", l.master);
		ns_json_inode(j, "peer_ns", l.peer_ns);
		jsonout_number(j, "peer_index", l.peer_index);
		ns_json_string(j, "name", l.name);
		ns_json_string(j, "kind", l.kind);
		jsonout_string(j, "mac", l.mac);
		jsonout_bool(j, "up", l.up);
		jsonout_number(j, "mtu", l.mtu);
		jsonout_open(j, "addresses", '[');
		for (size_t k = 0; l.addresses[k]; k++)
			jsonout_string(j, NULL, l.addresses[k]);
		jsonout_close(j, ']');
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

void ns_json_world(struct jsonout *j, struct holm_world *w)
{
	struct holm_world_sum sum;
	struct holm_process p;
	char host[256] = "", when[40] = "";
	time_t now = time(NULL);
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	holm_world_sum(w, &sum);
	jsonout_open(j, NULL, '{');
	ns_json_string(j, "host", host);
	jsonout_string(j, "taken", when);
	jsonout_number(j, "unseen", sum.unseen);
	put_namespaces(j, w);
	jsonout_open(j, "processes", '[');
	for (size_t i = 0; holm_world_process(w, i, &p) == 0; i++)
		put_process(j, w, &p);
	jsonout_close(j, ']');
	put_links(j, w);
	jsonout_close(j, '}');
}
