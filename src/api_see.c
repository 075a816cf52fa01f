/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public calls that look at namespaces. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "holm.h"
#include "see/see.h"
#include "state/network.h"
#include "state/state.h"

struct holm_world {
	struct see_world see;
	see_links links;
	unsigned links_unseen;
	long tick_hz, page_size;
};

_Static_assert((int)HOLM_NS_TYPES == (int)NS_COUNT && (int)HOLM_NS_TIME == (int)NS_TIME &&
		       (int)HOLM_NS_NET == (int)NS_NET,
	       "the same order");

static int told(struct holm_error *out, int r, const struct err *e)
{
	if (!out)
		return r;
	*out = (struct holm_error){ 0 };
	if (r >= 0)
		return r;
	out->code = -r;
	out->exit_code = 125;
	if (e->code)
		memcpy(out->text, e->text, sizeof(out->text));
	else
		snprintf(out->text, sizeof(out->text), "namespaces: %s", err_words(-r));
	return r;
}

const char *holm_ns_type_name(unsigned type)
{
	return type < NS_COUNT ? ns_table[type].name : NULL;
}

/* ---- names that are in our own files ---- */

static void name_leases(struct see_world *w, const struct networks *n, const char *network)
{
	leases all = { 0 };

	if (lease_list(w->arena, n, network, &all) < 0)
		return;
	for (size_t i = 0; i < all.n; i++) {
		struct lease *l = &all.items[i];
		char *name;

		if (lease_load(n, network, l) < 0 || !*l->hostname || lease_is_left(l, true) ||
		    l->pid_ns != lease_own_pid_ns())
			continue;
		name = arena_strdup(w->arena, l->hostname);
		if (name)
			see_name_process(w, l->pid, name, "holm");
	}
}

static void name_boxes(struct see_world *w)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	strings names = { 0 };

	if (networks_open(&n) < 0 || networks_list(w->arena, &n, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		name_leases(w, &n, names.items[i]);
}

/* Containers that were made under the usual root. */
static void name_containers(struct see_world *w)
{
	_cleanup_fd_ int root = state_open_root("/run/holm-oci");
	strings ids = { 0 };

	if (root < 0 || state_list(w->arena, root, &ids) < 0)
		return;
	for (size_t i = 0; i < ids.n; i++) {
		struct state s = { 0 };
		struct err e = { 0 };

		if (state_load(w->arena, root, ids.items[i], &s, &e) == 0 && s.pid > 0 &&
		    state_status(&s, root) != STATUS_STOPPED)
			see_name_process(w, s.pid, s.id, "holm-oci");
	}
}

/* ---- the whole ---- */

static void take_links(struct holm_world *w)
{
	for (size_t i = 0; i < w->see.all.n; i++) {
		const struct see_ns *n = &w->see.all.items[i];
		_cleanup_fd_ int fd = -1;

		if (n->type != NS_NET)
			continue;
		fd = see_open(&w->see, n);
		if (fd < 0 || see_net_links(&w->see, n, fd, &w->links) < 0)
			w->links_unseen++;
	}
	see_net_peers(&w->see, &w->links);
}

int holm_world_new(unsigned flags, struct holm_world **out, struct holm_error *error)
{
	struct holm_world *w = calloc(1, sizeof(*w));
	struct err e = { 0 };
	int r;

	if (!w)
		return told(error, -ENOMEM, &e);
	r = see_world_take(&w->see,
			   (flags & HOLM_WORLD_HELD ? SEE_HOLDERS : 0U) |
				   (flags & HOLM_WORLD_COMMANDS ? SEE_COMMANDS : 0U),
			   &e);
	if (r < 0) {
		free(w);
		return told(error, r, &e);
	}
	w->tick_hz = sysconf(_SC_CLK_TCK);
	w->page_size = sysconf(_SC_PAGESIZE);
	name_boxes(&w->see);
	see_names(&w->see);
	/* Last: an engine's name for its container says more than the id that it gave us. */
	name_containers(&w->see);
	if (flags & HOLM_WORLD_LINKS)
		take_links(w);
	*out = w;
	return told(error, 0, &e);
}

void holm_world_free(struct holm_world *world)
{
	if (!world)
		return;
	see_world_done(&world->see);
	free(world);
}

void holm_world_sum(const struct holm_world *world, struct holm_world_sum *out)
{
	const struct see_world *s = &world->see;

	*out = (struct holm_world_sum){
		.namespaces = (unsigned)s->all.n,
		.processes = s->n_processes,
		.holders = (unsigned)s->holders.n,
		.links = (unsigned)world->links.n,
		.unseen = s->n_unseen,
		.held_unseen = s->n_fds_unseen,
		.links_unseen = world->links_unseen,
		.ended = s->n_ended,
	};
}

/* ---- its rows ---- */

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int show_ns(const struct see_world *w, const struct see_ns *n, struct holm_ns *out)
{
	const struct see_process *p;

	if (!n)
		return -ENOENT;
	p = n->oldest == SEE_NONE ? NULL : &w->processes.items[n->oldest];
	*out = (struct holm_ns){
		.inode = n->inode,
		.type = (enum holm_ns_type)n->type,
		.processes = n->processes,
		.threads = n->threads,
		.pid = p ? p->pid : 0,
		.uid = p ? p->uid : HOLM_NOBODY,
		.command = or_empty(p ? p->command : NULL),
		.owner = n->owner,
		.parent = n->parent,
		.owner_uid = n->owner_uid,
		.fds = n->fds,
		.mounts = n->mounts,
		.children = n->children,
		.owned = n->owned,
		.held = see_held(n),
		.name = or_empty(n->name),
		.given_by = or_empty(n->given_by),
	};
	return 0;
}

int holm_world_ns(const struct holm_world *world, size_t i, struct holm_ns *out)
{
	const struct see_world *w = &world->see;

	return show_ns(w, i < w->all.n ? &w->all.items[i] : NULL, out);
}

int holm_world_find(const struct holm_world *world, uint64_t inode, struct holm_ns *out)
{
	return show_ns(&world->see, see_find(&world->see, inode), out);
}

static int show_process(const struct holm_world *w, const struct see_process *p,
			struct holm_process *out)
{
	uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)w->tick_hz;

	*out = (struct holm_process){
		.pid = p->pid,
		.parent = p->ppid,
		.tid = p->tid,
		.unseen = p->unseen,
		.state = p->state,
		.threads = p->threads,
		.uid = p->uid,
		.name = p->comm,
		.command = or_empty(p->command),
		.start_ns = p->start_ticks * tick_ns,
		.cpu_ns = p->cpu_ticks * tick_ns,
		.memory_bytes = p->rss_pages * (uint64_t)w->page_size,
		.time_for_children = p->time_for_children,
	};
	memcpy(out->ns, p->ns, sizeof(out->ns));
	return 0;
}

int holm_world_process(const struct holm_world *world, size_t i, struct holm_process *out)
{
	if (i >= world->see.processes.n)
		return -ENOENT;
	return show_process(world, &world->see.processes.items[i], out);
}

int holm_world_process_find(const struct holm_world *world, int pid, struct holm_process *out)
{
	const struct see_process *p = see_process(&world->see, pid);

	return p ? show_process(world, p, out) : -ESRCH;
}

int holm_world_holder(const struct holm_world *world, size_t i, struct holm_holder *out)
{
	const struct see_holder *h;

	if (i >= world->see.holders.n)
		return -ENOENT;
	h = &world->see.holders.items[i];
	*out = (struct holm_holder){
		.inode = h->inode,
		.type = (enum holm_ns_type)h->type,
		.pid = h->pid,
		.fd = h->how == SEE_BY_FD ? h->fd : -1,
		.path = or_empty(h->path),
		.mnt_ns = h->mnt_ns,
	};
	return 0;
}

int holm_world_link(const struct holm_world *world, size_t i, struct holm_link *out)
{
	static const char *const none[] = { NULL };
	const struct see_link *l;

	if (i >= world->links.n)
		return -ENOENT;
	l = &world->links.items[i];
	*out = (struct holm_link){
		.ns = l->ns,
		.index = l->index,
		.master = l->master,
		.peer_ns = l->peer_ns,
		.peer_index = l->peer_ns ? l->peer_index : 0,
		.name = l->name,
		.kind = l->kind,
		.mac = l->mac,
		.up = l->up,
		.mtu = l->mtu,
		.rx_bytes = l->rx_bytes,
		.tx_bytes = l->tx_bytes,
		.addresses = l->addresses.n ? l->addresses.items : none,
	};
	return 0;
}

/* ---- facts ---- */

struct fact_walk {
	holm_fact_fn *fn;
	void *arg;
};

static int hand_fact(void *arg, const struct see_fact *f)
{
	const struct fact_walk *walk = arg;
	struct holm_fact out = { f->section, f->name, f->value, f->words };

	return walk->fn(walk->arg, &out);
}

int holm_process_facts(struct holm_world *world, int pid, holm_fact_fn *fn, void *arg,
		       struct holm_error *error)
{
	struct see_world *w = &world->see;
	const struct see_process *p = see_process(w, pid);
	struct fact_walk walk = { fn, arg };
	struct err e = { 0 };
	int r;

	if (p)
		see_tell(w, &w->processes.items[p - w->processes.items]);
	r = p ? see_facts_of_process(w, p, hand_fact, &walk) : -ESRCH;
	if (r == -ESRCH)
		err_set(&e, ESRCH, "process %d: there is none (any more); holm ns ls lists them",
			pid);
	return told(error, r, &e);
}

int holm_ns_facts(struct holm_world *world, uint64_t inode, holm_fact_fn *fn, void *arg,
		  struct holm_error *error)
{
	const struct see_ns *n = see_find(&world->see, inode);
	struct fact_walk walk = { fn, arg };
	struct err e = { 0 };
	int r = n ? see_facts_of_ns(&world->see, n, hand_fact, &walk)
		  : err_set(&e, ENOENT, "namespace %llu: there is none (any more)",
			    (unsigned long long)inode);

	return told(error, r, &e);
}

/* ---- pids ---- */

int holm_pid_levels(const struct holm_world *world, int pid, struct holm_pid_level *out,
		    size_t room, struct holm_error *error)
{
	struct see_pid levels[SEE_PIDS_MAX];
	struct err e = { 0 };
	int n = see_pid_levels(&world->see, pid, levels);

	if (n == -ESRCH)
		err_set(&e, ESRCH, "process %d: there is none (any more)", pid);
	for (int i = 0; i < n && (size_t)i < room; i++)
		out[i] = (struct holm_pid_level){ levels[i].ns, levels[i].pid };
	return told(error, n, &e);
}

int holm_pid_from(const struct holm_world *world, uint64_t pid_ns, int pid,
		  struct holm_error *error)
{
	const struct see_ns *n = see_find(&world->see, pid_ns);
	struct err e = { 0 };
	int r;

	if (!n || n->type != NS_PID)
		return told(error,
			    err_set(&e, ENOENT, "namespace %llu: %s", (unsigned long long)pid_ns,
				    n ? "is not one of pids" : "there is none (any more)"),
			    &e);
	r = see_pid_from(&world->see, n, pid);
	if (r == -ESRCH)
		err_set(&e, ESRCH, "process %d: there is none in pid:[%llu]", pid,
			(unsigned long long)pid_ns);
	return told(error, r, &e);
}
