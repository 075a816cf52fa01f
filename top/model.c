/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rows say: sums over the processes of a namespace, and what has changed since before. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "top.h"

const char *const order_names[ORDERS] = { "cpu", "memory", "processes", "network", "name" };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void past_done(struct past *p)
{
	free(p->processes);
	free(p->nets);
	*p = (struct past){ 0 };
}

/* ---- processes: what they have used since ---- */

static int compare_pid(const void *a, const void *b)
{
	const struct sample *p = a, *q = b;

	return (p->pid > q->pid) - (p->pid < q->pid);
}

/* Of one that was not there before all that it has used. */
static uint64_t used_since(const struct past *past, const struct holm_process *p)
{
	struct sample key = { .pid = p->pid };
	const struct sample *s = past->n_processes
					 ? bsearch(&key, past->processes, past->n_processes,
						   sizeof(key), compare_pid)
					 : NULL;

	if (past->at == 0)
		return 0;
	if (!s || s->start_ns != p->start_ns || s->cpu_ns > p->cpu_ns)
		return p->cpu_ns;
	return p->cpu_ns - s->cpu_ns;
}

static int keep_processes(struct past *out, const struct holm_world *w)
{
	struct holm_process p;
	size_t n = 0;

	while (holm_world_process(w, n, &p) == 0)
		n++;
	out->processes = calloc(n + 1, sizeof(*out->processes));
	if (!out->processes)
		return -ENOMEM;
	for (size_t i = 0; i < n && holm_world_process(w, i, &p) == 0; i++)
		if (!p.tid) /* by pid already */
			out->processes[out->n_processes++] =
				(struct sample){ p.pid, p.start_ns, p.cpu_ns };
	return 0;
}

/* ---- networks ---- */

static struct net_sample *find_net(const struct past *p, uint64_t ns)
{
	for (size_t i = 0; i < p->n_nets; i++)
		if (p->nets[i].ns == ns)
			return &p->nets[i];
	return NULL;
}

/* The loopback is nobody's traffic; what a port of a bridge carries the bridge does, too. */
static bool counts(const struct holm_link *l)
{
	return strcmp(l->name, "lo") != 0 && strcmp(l->kind, "bridge") != 0;
}

static int keep_nets(struct past *out, const struct holm_world *w)
{
	struct holm_link l;
	size_t n = 0;

	while (holm_world_link(w, n, &l) == 0)
		n++;
	out->nets = calloc(n + 1, sizeof(*out->nets));
	if (!out->nets)
		return -ENOMEM;
	for (size_t i = 0; i < n && holm_world_link(w, i, &l) == 0; i++) {
		struct net_sample *s = find_net(out, l.ns);

		if (!s) {
			s = &out->nets[out->n_nets++];
			s->ns = l.ns;
		}
		if (counts(&l)) {
			s->rx += l.rx_bytes;
			s->tx += l.tx_bytes;
		}
	}
	return 0;
}

static void set_net(struct row *r, const struct past *before, const struct past *after, uint64_t ns)
{
	const struct net_sample *old = find_net(before, ns), *new = find_net(after, ns);
	double seconds = after->at - before->at;

	r->has_net = new != NULL;
	if (!old || !new || before->at == 0 || seconds <= 0)
		return;
	r->rx_rate = new->rx > old->rx ? (double)(new->rx - old->rx) / seconds : 0;
	r->tx_rate = new->tx > old->tx ? (double)(new->tx - old->tx) / seconds : 0;
}

/* ---- rows ---- */

static void add_process(struct row *r, const struct holm_process *p, const struct past *before,
			double seconds)
{
	r->threads += p->threads;
	r->memory_bytes += p->memory_bytes;
	if (seconds > 0)
		r->cpu_percent += (double)used_since(before, p) / 1e7 / seconds;
}

static void name_row(struct row *r, const struct holm_ns *n)
{
	if (*n->name)
		snprintf(r->name, sizeof(r->name), "%s", n->name);
	else
		snprintf(r->name, sizeof(r->name), "%s:[%llu]", holm_ns_type_name(n->type),
			 (unsigned long long)n->inode);
	snprintf(r->command, sizeof(r->command), "%s", n->command);
}

static int compare_inode(const void *a, const void *b)
{
	const struct row *r = a, *s = b;

	return (r->inode > s->inode) - (r->inode < s->inode);
}

/* The namespaces of a type are by inode already, so that a process finds its own quickly. */
static void make_namespaces(struct model *m, const struct holm_world *w, const struct past *after)
{
	double seconds = m->past.at > 0 ? after->at - m->past.at : 0;
	struct holm_process p;
	struct holm_ns n;

	for (size_t i = 0; holm_world_ns(w, i, &n) == 0; i++) {
		struct row *r = &m->rows[m->n];

		if (n.type != m->type)
			continue;
		*r = (struct row){ .inode = n.inode, .pid = n.pid, .processes = n.processes };
		name_row(r, &n);
		p = (struct holm_process){ 0 };
		if (n.pid && holm_world_process_find(w, n.pid, &p) == 0)
			r->start_ns = p.start_ns;
		set_net(r, &m->past, after, m->type == HOLM_NS_NET ? n.inode : p.ns[HOLM_NS_NET]);
		m->n++;
	}
	for (size_t i = 0; holm_world_process(w, i, &p) == 0; i++) {
		struct row key = { .inode = p.ns[m->type] };
		struct row *r = bsearch(&key, m->rows, m->n, sizeof(key), compare_inode);

		if (r && !p.tid)
			add_process(r, &p, &m->past, seconds);
	}
}

static void make_processes(struct model *m, const struct holm_world *w, const struct past *after)
{
	double seconds = m->past.at > 0 ? after->at - m->past.at : 0;
	struct holm_process p;

	for (size_t i = 0; holm_world_process(w, i, &p) == 0; i++) {
		struct row *r = &m->rows[m->n];

		if (p.ns[m->type] != m->open || p.tid)
			continue;
		*r = (struct row){ .pid = p.pid, .start_ns = p.start_ns, .processes = 1 };
		snprintf(r->name, sizeof(r->name), "%s", p.name);
		snprintf(r->command, sizeof(r->command), "%s", *p.command ? p.command : p.name);
		add_process(r, &p, &m->past, seconds);
		m->n++;
	}
}

/* ---- order and filter ---- */

static enum order sorting; /* of the sort that is going on: qsort(3) hands nothing on */

static int compare_rows(const void *a, const void *b)
{
	const struct row *r = a, *s = b;
	double x = 0, y = 0;

	if (sorting == BY_CPU)
		x = r->cpu_percent, y = s->cpu_percent;
	else if (sorting == BY_MEMORY)
		x = (double)r->memory_bytes, y = (double)s->memory_bytes;
	else if (sorting == BY_PROCESSES)
		x = r->processes, y = s->processes;
	else if (sorting == BY_NET)
		x = r->rx_rate + r->tx_rate, y = s->rx_rate + s->tx_rate;
	if (x != y)
		return x > y ? -1 : 1;
	if (sorting == BY_NAME && strcmp(r->name, s->name) != 0)
		return strcmp(r->name, s->name);
	if (r->inode != s->inode)
		return r->inode < s->inode ? -1 : 1;
	return (r->pid > s->pid) - (r->pid < s->pid);
}

static bool passes(const struct model *m, const struct row *r)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", r->pid);
	return !*m->filter || strcasestr(r->name, m->filter) || strcasestr(r->command, m->filter) ||
	       strcmp(pid, m->filter) == 0;
}

void model_sort(struct model *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (passes(m, &m->rows[i]))
			m->rows[kept++] = m->rows[i];
	m->n = kept;
	sorting = m->order;
	if (kept)
		qsort(m->rows, kept, sizeof(*m->rows), compare_rows);
}

/* ---- the whole ---- */

static int fill(struct model *m, const struct holm_world *w, struct past *after)
{
	struct holm_world_sum sum;
	struct holm_ns n;
	size_t room;
	int r = keep_processes(after, w);

	if (r == 0)
		r = keep_nets(after, w);
	if (r < 0)
		return r;
	holm_world_sum(w, &sum);
	m->processes = sum.processes;
	m->unseen = sum.unseen;
	room = sum.namespaces + after->n_processes + 1;
	free(m->rows);
	m->n = 0;
	m->rows = calloc(room, sizeof(*m->rows));
	if (!m->rows)
		return -ENOMEM;
	if (m->open && holm_world_find(w, m->open, &n) < 0)
		m->open = 0; /* it is gone */
	if (m->open)
		make_processes(m, w, after);
	else
		make_namespaces(m, w, after);
	model_sort(m);
	return 0;
}

int model_update(struct model *m, struct holm_error *error)
{
	struct past after = { .at = now() };
	struct holm_world *w;
	int r = holm_world_new(HOLM_WORLD_LINKS | (m->open ? HOLM_WORLD_COMMANDS : 0U), &w, error);

	if (r < 0)
		return r;
	r = fill(m, w, &after);
	holm_world_free(w);
	if (r < 0) {
		past_done(&after);
		snprintf(error->text, sizeof(error->text), "out of memory");
		return r;
	}
	past_done(&m->past);
	m->past = after;
	m->took = now() - after.at;
	return 0;
}

void model_done(struct model *m)
{
	past_done(&m->past);
	free(m->rows);
	m->rows = NULL;
}
