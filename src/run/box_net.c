/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interfaces of a box. P makes them, for it has the rights in both namespaces, while C waits
 * for the word to go on. Each is made where it is to be, so that it ends with the box's network
 * namespace, whoever is killed; what does not is an interface of the host's that was lent
 * (NET_PHYS): P brings it back. It comes up when the firewall's rules are there: the kernel answers
 * for the box before anything runs in it.
 */
#include "run/box_net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hostname.h"
#include "net/link.h"
#include "run/net_firewall.h"
#include "run/networks.h"
#include "state/state.h"

size_t want_nets(const struct run *r)
{
	return is_played(r) ? 0 : r->d->nets.n;
}

struct box_net *box_net_of(struct run *r)
{
	struct box_net *n = r->net;

	if (n)
		return n;
	n = calloc(1, sizeof(*n) + r->d->nets.n * sizeof(n->interfaces[0]));
	if (!n)
		return NULL;
	for (; n->n < r->d->nets.n; n->n++)
		snprintf(n->interfaces[n->n].object, sizeof(n->interfaces[0].object), "%s",
			 r->d->nets.items[n->n].object ? r->d->nets.items[n->n].object : "");
	n->ends = (struct net_ends)NET_ENDS_INIT;
	n->player_pidfd = -1;
	r->net = n;
	return n;
}

int box_net_failed(struct run *r, const struct net_socket *s, int code)
{
	_Static_assert(sizeof(r->shared->failed) >= NET_FAILED_MAX, "has room for it");
	if (code < 0 && *s->failed) {
		memcpy(r->shared->failed, s->failed, NET_FAILED_MAX);
		r->failed = r->shared->failed;
	}
	return code;
}

/* ---- one interface ---- */

static struct link_inside inside_of(const struct box_net *n, const struct net_wish *w)
{
	return (struct link_inside){
		.name = w->name,
		.ns_fd = n->ends.ns_fd,
		.mac = w->keys & NET_KEY_MAC ? w->mac : NULL,
		.mtu = w->mtu,
	};
}

static int set_up_inside(struct run *r, const struct net_wish *w)
{
	struct box_net *n = r->net;
	struct link_setup l = {
		.name = w->name,
		.addresses = w->addresses.items,
		.n_addresses = w->addresses.n,
		.gateway = { w->gateway[0], w->gateway[1] },
		.mtu = w->kind == NET_PHYS ? w->mtu : 0,
	};

	return box_net_failed(r, &n->ends.its, link_set_up(&n->ends.its, &l));
}

/* The gateway of a pair is the other end. */
static int address_host_end(struct run *r, const char *name, const struct net_wish *w)
{
	struct net_socket *own = &r->net->ends.own;
	struct ip_net addresses[2];
	struct link_setup l = { .name = name, .addresses = addresses };

	for (int v6 = 0; v6 < 2; v6++) {
		const struct ip *gateway = &w->gateway[v6];

		for (size_t i = 0; gateway->family && i < w->addresses.n; i++) {
			if (!ip_net_has(&w->addresses.items[i], gateway))
				continue;
			addresses[l.n_addresses++] =
				(struct ip_net){ *gateway, w->addresses.items[i].prefix };
			break;
		}
	}
	return l.n_addresses ? box_net_failed(r, own, link_set_up(own, &l)) : 0;
}

static int limit_rate(struct run *r, const char *outside, const struct net_wish *w)
{
	struct net_ends *ends = &r->net->ends;
	int code;

	if (!(w->keys & NET_KEY_RATE))
		return 0;
	code = box_net_failed(r, &ends->own, link_shape(&ends->own, outside, w->rate_in, w->mtu));
	return code < 0 ? code
			: box_net_failed(r, &ends->its,
					 link_shape(&ends->its, w->name, w->rate_out, w->mtu));
}

static int make_veth(struct run *r, const struct net_wish *w)
{
	struct net_socket *own = &r->net->ends.own;
	struct link_inside inside = inside_of(r->net, w);
	char name[16];
	int code;

	link_name(name, "hv");
	code = box_net_failed(r, own, link_make_veth(own, name, 0, &inside));
	if (code == 0)
		code = limit_rate(r, name, w);
	return code < 0 ? code : address_host_end(r, name, w);
}

static int make_on(struct run *r, const struct net_wish *w)
{
	struct net_socket *own = &r->net->ends.own;
	struct link_inside inside = inside_of(r->net, w);
	int parent = link_index(own, w->object);

	r->failed = "find the interface that it is to be on";
	if (parent < 0)
		return parent;
	return box_net_failed(r, own, link_make_on(own, net_kind_words[w->kind], parent, &inside));
}

/* One that is there already: with its own addresses, unless others are given. */
static int move_in(struct run *r, const struct net_wish *w)
{
	struct box_net *n = r->net;
	struct net_device *d = &n->interfaces[w - r->d->nets.items].device, found;
	int code;

	r->failed = "find it";
	code = net_device_look(&n->ends.own, w->object, &found);
	if (code < 0)
		return code;
	r->failed = "move it";
	code = net_device_move(&n->ends.own, &n->ends.its, n->ends.ns_fd, w->name, &found);
	if (code < 0) {
		net_device_done(&found);
		return code;
	}
	*d = found;
	r->failed = "give it its addresses again";
	return w->addresses.n ? 0 : net_device_address(&n->ends.its, d, true);
}

/* ---- on a network ---- */

/* Whose it is: the box's, by its first process. */
static int fill_owner(struct run *r, struct lease *l)
{
	struct stat st;
	bool ended;

	if (fstat(r->net->ends.ns_fd, &st) < 0)
		return -errno;
	l->net_ns = st.st_ino;
	l->pid = r->pid;
	l->pid_ns = lease_own_pid_ns();
	return state_process(r->pid, &l->start, &ended);
}

/* "127.0.0.1:8080:80/tcp": where nobody has said so much. */
void box_net_note_ports(struct run *r, const struct portmap *ports, size_t n)
{
	struct buf b = { 0 };
	char text[PORTMAP_TEXT_MAX];

	if (!n)
		return;
	if (r->limits_note)
		buf_printf(&b, "%s; ", r->limits_note);
	buf_puts(&b, "published:");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, " %s", portmap_print(&ports[i], text));
	free(r->limits_note);
	r->limits_note = buf_take(&b);
}

static int wire(struct run *r, const struct net_wish *w, const struct network *net,
		const struct lease *l)
{
	struct net_socket *own = &r->net->ends.own;
	struct link_inside inside = inside_of(r->net, w);
	uint8_t mac[MAC_LEN];
	int code = link_index(own, net->bridge);

	r->failed = "find the bridge of the network";
	if (code < 0)
		return code;
	lease_mac(l, mac);
	inside.mac = inside.mac ? inside.mac : mac;
	inside.mtu = inside.mtu ? inside.mtu : net->overlay.mtu;
	code = box_net_failed(r, own, link_make_veth(own, l->interface, code, &inside));
	return code < 0 ? code : limit_rate(r, l->interface, w);
}

/* Which the network has given it. */
static void keep_addresses(struct box_interface *i, const struct network *net)
{
	for (int v6 = 0; v6 < 2; v6++)
		if (i->lease.address[v6].family)
			i->addresses[i->n_addresses++] =
				(struct ip_net){ i->lease.address[v6], net->subnet[v6].prefix };
}

/* Name servers do not tell cases apart, and rules speak of the name. What is none is not known. */
static void name_lease(struct lease *l, const char *hostname)
{
	char name[HOSTNAME_LEN_MAX + 1];

	if (hostname && hostname_lower(hostname, strlen(hostname), name) == 0)
		snprintf(l->hostname, sizeof(l->hostname), "%.*s", HOSTNAME_MAX - 1, name);
}

static int join_network(struct run *r, const struct net_wish *w)
{
	struct box_interface *slot = &r->net->interfaces[w - r->d->nets.items];
	_cleanup_free_ struct portmap *ports = calloc(w->ports.n + 1, sizeof(*ports));
	struct join_wish wish = { w->addresses.items, w->addresses.n, ports, w->ports.n };
	struct lease l = { 0 };
	struct network net;
	int code = ports ? fill_owner(r, &l) : -ENOMEM;

	if (code < 0)
		return code;
	for (size_t i = 0; i < w->ports.n; i++)
		ports[i] = w->ports.items[i];
	name_lease(&l, w->hostname);
	code = network_join(w->object, &wish, &net, &l, r->err);
	if (code < 0)
		return code;
	slot->lease = l;
	keep_addresses(slot, &net);
	box_net_note_ports(r, ports, w->ports.n);
	return wire(r, w, &net, &l);
}

int act_net(struct run *r, size_t i)
{
	const struct net_wish *w = &r->d->nets.items[i];
	struct box_net *n = box_net_of(r);
	int code = n ? 0 : -ENOMEM;

	if (code == 0 && n->ends.ns_fd < 0) {
		code = net_ends_open(&n->ends, r->pid, &r->failed);
		/* Who is dead has no namespaces any more. */
		if (code == -ENOENT || code == -ESRCH)
			return lost_child(r);
		r->failed = code == 0 ? "open the ports below 1024 to the box" : r->failed;
		if (code == 0)
			code = net_ends_tame(&n->ends);
	}
	if (code < 0)
		return code;
	if (w->kind == NET_BRIDGE)
		return join_network(r, w);
	if (w->kind == NET_PHYS)
		return move_in(r, w);
	return w->kind == NET_VETH ? make_veth(r, w) : make_on(r, w);
}

int act_net_up(struct run *r, size_t i)
{
	struct box_interface *b = &r->net->interfaces[i];
	struct net_wish w = r->d->nets.items[i];

	if (w.kind == NET_BRIDGE) {
		w.addresses.items = b->addresses;
		w.addresses.n = b->n_addresses;
	}
	return set_up_inside(r, &w);
}

int act_pasta(struct run *r, size_t i)
{
	struct box_net *n = box_net_of(r);

	(void)i;
	return n ? pasta_start(r, n) : -ENOMEM;
}

/* ---- the firewall ---- */

size_t want_rules(const struct run *r)
{
	return r->d->rules.n != 0;
}

int act_rules(struct run *r, size_t i)
{
	const struct box_net *n = box_net_of(r);
	_cleanup_free_ struct membership *items = calloc(r->d->nets.n + 1, sizeof(*items));
	memberships on = { items, 0 };
	int code;

	(void)i;
	for (size_t k = 0; n && items && k < n->n; k++) {
		if (!n->interfaces[k].lease.pid)
			continue;
		memcpy(on.items[on.n].network, n->interfaces[k].object, NETWORK_NAME_MAX + 1);
		on.items[on.n++].lease = n->interfaces[k].lease;
	}
	code = n && items ? net_firewall_load(r->pid, r->d->rules.items, r->d->rules.n, &on, r->err)
			  : -ENOMEM;
	if (code != -ESRCH)
		return code;
	*r->err = (struct err){ 0 };
	return lost_child(r);
}

int act_egress(struct run *r, size_t i)
{
	struct box_net *n = box_net_of(r);

	(void)i;
	return n ? egress_start(r, n) : -ENOMEM;
}

/* ---- the end ---- */

/* Its namespace is there as long as we hold it. Nobody could be told that this failed. */
static void bring_back(struct box_net *n, struct box_interface *i)
{
	struct net_device *d = &i->device;

	if (d->index &&
	    net_device_move(&n->ends.its, &n->ends.own, n->ends.own_ns_fd, i->object, d) == 0) {
		net_device_address(&n->ends.own, d, false);
		if (d->up)
			net_device_up(&n->ends.own, d);
	}
	net_device_done(d);
}

void box_net_end(struct run *r)
{
	struct box_net *n = r->net;

	if (!n)
		return;
	player_end(n);
	for (size_t i = n->n; i-- > 0;) {
		bring_back(n, &n->interfaces[i]);
		if (n->interfaces[i].lease.pid)
			network_leave(n->interfaces[i].object, &n->interfaces[i].lease);
	}
	net_ends_close(&n->ends);
	free(n);
	r->net = NULL;
}

/* Of a box that has started only what is to come back is held on to. */
void undo_nets(struct run *r)
{
	bool lent = false;

	if (!r->net)
		return;
	for (size_t i = 0; i < r->net->n; i++)
		lent |= r->net->interfaces[i].device.index != 0;
	if (!r->done)
		box_net_end(r);
	else if (!lent)
		net_ends_close(&r->net->ends);
}
