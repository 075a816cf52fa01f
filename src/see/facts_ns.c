/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts about what is in a namespace: its mounts, its network, its names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "see/facts.h"

/* ---- mounts, and whom they reach (mount_namespaces(7), "Shared subtrees") ---- */

/* A mount of some namespace that is in a peer group, or receives from one. */
struct member {
	uint64_t ns;
	unsigned group;
	bool receives;
};

struct reach {
	struct see_world *world;
	uint64_t ns; /* the one that is being read */
	LIST(struct member) members;
	struct facts_out *out;
};

static int add_member(struct reach *r, unsigned group, bool receives)
{
	struct member *m;

	for (size_t i = r->members.n; i > 0 && r->members.items[i - 1].ns == r->ns; i--)
		if (r->members.items[i - 1].group == group &&
		    r->members.items[i - 1].receives == receives)
			return 0;
	m = arena_push(r->world->arena, &r->members.items, &r->members.n, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct member){ r->ns, group, receives };
	return 0;
}

static int note_groups(void *arg, const struct see_mount *m)
{
	struct reach *r = arg;
	int code = m->shared ? add_member(r, m->shared, false) : 0;

	return code == 0 && m->master ? add_member(r, m->master, true) : code;
}

/* Of all mount namespaces that somebody is in whom we may see. */
static void note_all(struct reach *r)
{
	const struct see_world *w = r->world;

	for (size_t i = 0; i < w->all.n; i++) {
		const struct see_ns *n = &w->all.items[i];
		const struct see_process *p;
		_cleanup_free_ char *text = NULL;

		if (n->type != NS_MNT || n->oldest == SEE_NONE)
			continue;
		p = &w->processes.items[n->oldest];
		text = see_mountinfo(w, p->tid ? p->tid : p->pid);
		r->ns = n->inode;
		if (text)
			see_mounts_parse(text, note_groups, r);
	}
}

/* " mnt:[1], mnt:[2]", in which the group is found so; how many. */
static unsigned put_reached(struct buf *b, const struct reach *r, unsigned group, bool receives)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->members.n; i++) {
		const struct member *m = &r->members.items[i];

		if (m->group != group || m->receives != receives || m->ns == r->ns)
			continue;
		if (n++ < 8)
			buf_printf(b, "%s mnt:[%llu]", n > 1 ? "," : "", (unsigned long long)m->ns);
	}
	if (n > 8)
		buf_printf(b, " and %u more", n - 8);
	return n;
}

static void put_propagation(struct buf *b, const struct reach *r, const struct see_mount *m)
{
	if (m->shared) {
		_cleanup_buf_ struct buf peers = { 0 }, slaves = { 0 };
		unsigned n = put_reached(&peers, r, m->shared, false);
		unsigned k = put_reached(&slaves, r, m->shared, true);

		buf_printf(b, "shared (group %u)%s%s%s%s", m->shared, n ? " with" : "",
			   n ? peers.data : "", k ? "; sends to" : "", k ? slaves.data : "");
		if (!n && !k)
			buf_puts(b, ", with nobody else");
	}
	if (m->master) {
		_cleanup_buf_ struct buf masters = { 0 };
		unsigned n = put_reached(&masters, r, m->master, false);

		buf_printf(b, "%sslave (group %u): receives from%s", m->shared ? "; " : "",
			   m->master, n ? masters.data : " one that nobody here has");
	}
	if (m->unbindable)
		buf_puts(b, "unbindable");
	else if (!m->shared && !m->master)
		buf_puts(b, "private");
}

static int say_mount(void *arg, const struct see_mount *m)
{
	_cleanup_buf_ struct buf value = { 0 }, words = { 0 };
	struct reach *r = arg;

	buf_printf(&value, "%s %s%s%s %s", m->type, m->source, str_eq(m->root, "/") ? "" : " of ",
		   str_eq(m->root, "/") ? "" : m->root, m->options);
	put_propagation(&words, r, m);
	if (value.failed || words.failed)
		return -ENOMEM;
	return facts_say(r->out, "mounts", m->point, value.data, words.data);
}

void facts_mounts(struct facts_out *o, const struct see_process *p)
{
	struct reach r = { .world = o->world, .out = o };
	_cleanup_free_ char *text =
		o->result ? NULL : see_mountinfo(o->world, p->tid ? p->tid : p->pid);

	if (!text)
		return;
	note_all(&r);
	r.ns = p->ns[NS_MNT];
	see_mounts_parse(text, say_mount, &r);
}

/* ---- network ---- */

/* "veth, up, mtu 1500, fe:...; 10.0.0.1/24"; words: where the other end is. */
static void say_link(struct facts_out *o, const see_links *all, const struct see_link *l)
{
	_cleanup_buf_ struct buf value = { 0 }, words = { 0 };

	buf_printf(&value, "%s%s%s, mtu %u", l->kind, *l->kind ? ", " : "", l->up ? "up" : "down",
		   l->mtu);
	if (*l->mac)
		buf_printf(&value, ", %s", l->mac);
	for (size_t i = 0; i < l->addresses.n; i++)
		buf_printf(&value, ", %s", l->addresses.items[i]);
	for (size_t i = 0; i < all->n; i++) {
		const struct see_link *other = &all->items[i];

		if (l->master && other->ns == l->ns && other->index == l->master)
			buf_printf(&words, "port of %s%s", other->name, l->peer_ns ? "; " : "");
	}
	for (size_t i = 0; l->peer_ns && i < all->n; i++) {
		const struct see_link *other = &all->items[i];

		if (other->ns == l->peer_ns && other->index == l->peer_index)
			buf_printf(&words, "%s %s in net:[%llu]",
				   str_eq(l->kind, "veth") ? "its other end is" : "on", other->name,
				   (unsigned long long)other->ns);
	}
	if (!value.failed && !words.failed)
		facts_say(o, "interfaces", l->name, value.data, words.data ? words.data : "");
}

static int say_route(void *arg, const struct see_route *r)
{
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", *r->via ? "via " : "", r->via,
		 *r->via ? " on " : "on ", r->link, *r->source ? " as " : "", r->source);
	return facts_say(arg, "routes", r->to, text, "");
}

static int say_port(void *arg, const struct see_port *p)
{
	char text[48];

	snprintf(text, sizeof(text), "socket of user %u", p->uid);
	return facts_say(arg, "ports", p->address, p->protocol, text);
}

/* Others are looked at too, for the ends of pairs may be there. */
static void find_all_links(struct facts_out *o, const struct see_ns *n, int fd, see_links *all)
{
	struct see_world *w = o->world;
	bool away = false;

	see_net_links(w, n, fd, all);
	for (size_t i = 0; i < all->n; i++)
		away |= all->items[i].peer_index && all->items[i].peer_nsid >= 0;
	for (size_t i = 0; away && i < w->all.n; i++) {
		const struct see_ns *other = &w->all.items[i];
		_cleanup_fd_ int other_fd = -1;

		if (other->type != NS_NET || other == n)
			continue;
		other_fd = see_open(w, other);
		if (other_fd >= 0)
			see_net_links(w, other, other_fd, all);
	}
	see_net_peers(w, all);
}

void facts_net(struct facts_out *o, const struct see_ns *n)
{
	_cleanup_fd_ int fd = n && !o->result ? see_open(o->world, n) : -1;
	see_links all = { 0 }, own = { 0 };
	int r = fd < 0 ? fd : see_net_links(o->world, n, fd, &own);

	if (!n || o->result)
		return;
	if (r < 0) {
		facts_say(o, "interfaces", "?", "cannot be seen", err_words(-r));
		return;
	}
	find_all_links(o, n, fd, &all);
	for (size_t i = 0; i < all.n && all.items[i].ns == n->inode; i++)
		say_link(o, &all, &all.items[i]);
	see_net_routes(fd, &own, say_route, o);
	see_net_ports(fd, say_port, o);
}

/* ---- names ---- */

void facts_uts(struct facts_out *o, const struct see_ns *n)
{
	_cleanup_fd_ int fd = n ? see_open(o->world, n) : -1;
	char host[65], domain[65];

	if (fd < 0 || see_uts_in(fd, host, domain) < 0)
		return;
	facts_say(o, "names", "hostname", host, "");
	facts_say(o, "names", "domainname", domain, "");
}
