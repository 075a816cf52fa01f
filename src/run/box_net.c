/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interfaces of a box. P makes them, for it has the rights in both namespaces, while C waits
 * for the word to go on. Each is made where it is to be, so that it ends with the box's network
 * namespace, whoever is killed; what does not is an interface of the host's that was lent
 * (NET_PHYS): P brings it back.
 */
#include "run/box_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/link.h"

size_t want_nets(const struct run *r)
{
	return want_pasta(r) ? 0 : r->d->nets.n;
}

struct box_net *box_net_of(struct run *r)
{
	struct box_net *n = r->net;

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (n)
		n->devices = calloc(r->d->nets.n, sizeof(*n->devices));
	if (!n || !n->devices) {
		free(n);
		return NULL;
	}
	n->ends = (struct net_ends)NET_ENDS_INIT;
	n->pasta_pidfd = -1;
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

static int make_veth(struct run *r, const struct net_wish *w)
{
	struct net_socket *own = &r->net->ends.own;
	struct link_inside inside = inside_of(r->net, w);
	char name[16];
	int code;

	link_name(name, "hv");
	code = box_net_failed(r, own, link_make_veth(own, name, 0, &inside));
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
	struct net_device *d = &n->devices[w - r->d->nets.items], found;
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

int act_net(struct run *r, size_t i)
{
	const struct net_wish *w = &r->d->nets.items[i];
	struct box_net *n = box_net_of(r);
	int code = n ? 0 : -ENOMEM;

	if (code == 0 && n->ends.ns_fd < 0)
		code = net_ends_open(&n->ends, r->pid, &r->failed);
	if (code < 0)
		return code;
	if (w->kind == NET_PHYS)
		code = move_in(r, w);
	else
		code = w->kind == NET_VETH ? make_veth(r, w) : make_on(r, w);
	return code < 0 ? code : set_up_inside(r, w);
}

int act_pasta(struct run *r, size_t i)
{
	struct box_net *n = box_net_of(r);

	(void)i;
	return n ? pasta_start(r, n) : -ENOMEM;
}

/* ---- the end ---- */

/* Its namespace is there as long as we hold it. Nobody could be told that this failed. */
static void bring_back(struct run *r, size_t i)
{
	struct box_net *n = r->net;
	struct net_device *d = &n->devices[i];

	if (d->index && net_device_move(&n->ends.its, &n->ends.own, n->ends.own_ns_fd,
					r->d->nets.items[i].object, d) == 0) {
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
	pasta_end(n);
	for (size_t i = r->d->nets.n; i-- > 0;)
		bring_back(r, i);
	net_ends_close(&n->ends);
	free(n->devices);
	free(n);
	r->net = NULL;
}

/* Of a box that has started only what is to come back is held on to. */
void undo_nets(struct run *r)
{
	bool lent = false;

	if (!r->net)
		return;
	for (size_t i = 0; i < r->d->nets.n; i++)
		lent |= r->net->devices[i].index != 0;
	if (!r->done)
		box_net_end(r);
	else if (!lent)
		net_ends_close(&r->net->ends);
}
