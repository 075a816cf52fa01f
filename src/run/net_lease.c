/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is on a network: addresses and ports are taken together, and given back together. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/link.h"
#include "run/net_firewall.h"
#include "run/net_sysctl.h"
#include "run/networks.h"
#include "run/overlay.h"
#include "sys/fd.h"

#define TRIES_MAX  64 /* at a port that is free of sockets, but published */
#define SWEEP_SOME 16 /* neighbours that are looked at closely by whoever joins them */

/* ---- giving back ---- */

/* All ports of a lease; those of others stay. */
static int drop_ports(const struct networks *n, struct rules *r, const char *network,
		      const char *lease)
{
	_cleanup_arena_ struct arena *a = arena_new();
	port_claims all = { 0 };
	size_t kept = 0;
	int code = 0;

	if (!ports_mention(n, lease))
		return 0;
	code = a ? ports_load(a, n, NULL, &all) : -ENOMEM;
	if (code == 0 && r->nft.fd < 0)
		code = rules_open(r, n, NULL);
	if (code < 0)
		return code;
	for (size_t i = 0; i < all.n; i++) {
		const struct port_claim *c = &all.items[i];

		if (str_eq(c->lease, lease) && str_eq(c->network, network))
			rules_remove_ports(r, c, 1);
		else
			all.items[kept++] = *c;
	}
	if (kept == all.n)
		return 0;
	all.n = kept;
	return ports_save(n, &all);
}

static int give_back(const struct networks *n, struct rules *r, const char *network,
		     const struct lease *l)
{
	struct lease whole = *l;
	struct network net;
	int code = drop_ports(n, r, network, l->name);

	/* While rules of others let this address through it is not to be anybody else's. */
	if (code == 0 && lease_load(n, network, &whole) == 0)
		code = net_peers_tell(n, network, &whole, NFT_REMOVE);
	if (code == 0)
		watchers_drop(n, network, l->name);
	if (code == 0)
		code = lease_drop(n, network, l);
	if (code > 0 && network_load(n, network, &net) == 0)
		dns_look_again(&net);
	return MIN(code, 0);
}

void network_leave(const char *name, const struct lease *l)
{
	/* Closing this waits for an RCU grace period if ports were removed, so the lock goes first.
	 */
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	_cleanup_networks_ struct networks n = NETWORKS_INIT;

	if (networks_lock(&n, NULL) == 0)
		give_back(&n, &rules, name, l);
}

static int sweep_one(const struct networks *n, struct rules *r, const char *network, leases *all,
		     bool thorough)
{
	size_t kept = 0;
	int count = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (lease_is_left(&all->items[i], thorough) &&
		    give_back(n, r, network, &all->items[i]) == 0)
			count++;
		else
			all->items[kept++] = all->items[i];
	}
	all->n = kept;
	return count;
}

int network_sweep(const struct networks *n, struct rules *r, bool thorough)
{
	_cleanup_arena_ struct arena *a = arena_new();
	strings names = { 0 };
	int count = 0;

	if (!a || networks_list(a, n, &names) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < names.n; i++) {
		struct network net;
		leases all = { 0 };

		/* Its maker, or who removed it, was killed half way. */
		if (thorough && network_load(n, names.items[i], &net) == -ENOENT)
			network_forget(n, names.items[i]);
		else if (lease_list(a, n, names.items[i], &all) == 0)
			count += sweep_one(n, r, names.items[i], &all, thorough);
	}
	return count;
}

int network_clean(struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	int r = networks_open(&n);

	if (r == -ENOENT)
		return 0;
	networks_close(&n);
	r = networks_lock(&n, e);
	if (r < 0)
		return r;
	r = network_sweep(&n, &rules, true);
	networks_end_if_last(&n, &rules);
	return r;
}

/* ---- ports ---- */

struct port_wish {
	struct portmap *items;
	size_t n;
};

/* The last ones that were added, since the lock was taken. */
static void forget_ports(const struct networks *n, size_t count)
{
	_cleanup_arena_ struct arena *a = arena_new();
	port_claims all = { 0 };

	if (!a || ports_load(a, n, NULL, &all) < 0 || all.n < count)
		return;
	all.n -= count;
	ports_save(n, &all);
}

static const struct port_claim *clash(const port_claims *all, const struct portmap *p)
{
	for (size_t i = 0; i < all->n; i++)
		if (portmap_clash(&all->items[i].map, p))
			return &all->items[i];
	return NULL;
}

static int choose_port(struct arena *a, const struct networks *n, struct portmap *p, struct err *e)
{
	struct portmap wish = *p;
	const struct port_claim *by = NULL;
	char text[PORTMAP_TEXT_MAX];

	for (int i = 0; i < TRIES_MAX; i++) {
		port_claims near = { 0 };
		int r;

		*p = wish;
		r = port_probe(p, e);
		if (r < 0)
			return r;
		r = ports_load(a, n, p, &near);
		if (r < 0)
			return err_errno(e, -r, "publish: read which ports are taken");
		by = clash(&near, p);
		if (!by)
			return 0;
		if (wish.first)
			break;
	}
	return err_set(e, EADDRINUSE, "publish: %s is taken by a box on the network %s",
		       portmap_print(p, text), by->network);
}

/* Those that were chosen must differ, too. */
static bool clashes_with_own(const struct port_claim *claims, size_t n, const struct portmap *p)
{
	for (size_t i = 0; i < n; i++)
		if (portmap_clash(&claims[i].map, p))
			return true;
	return false;
}

static int claim_all(struct arena *a, const struct networks *n, const struct network *net,
		     const struct lease *l, struct port_wish *w, struct port_claim *out,
		     struct err *e)
{
	char text[PORTMAP_TEXT_MAX];

	for (size_t i = 0; i < w->n; i++) {
		struct portmap *p = &w->items[i], wish = *p;
		int v6 = p->host.family == AF_INET6, r = 0;

		if (!l->address[v6].family)
			return err_set(e, EAFNOSUPPORT, "publish: %s: the network %s has no IPv6",
				       portmap_print(p, text), net->name);
		for (int tries = 0; r == 0 && tries < TRIES_MAX; tries++) {
			*p = wish;
			r = choose_port(a, n, p, e);
			if (!clashes_with_own(out, i, p))
				break;
		}
		if (r < 0)
			return r;
		if (clashes_with_own(out, i, p))
			return err_set(e, EADDRINUSE, "publish: %s is wanted twice",
				       portmap_print(p, text));
		out[i] = (struct port_claim){ .map = *p, .to = l->address[v6] };
		snprintf(out[i].network, sizeof(out[i].network), "%s", net->name);
		snprintf(out[i].lease, sizeof(out[i].lease), "%s", l->name);
	}
	return 0;
}

/*
 * ip-sysctl: addresses of lo may come from, and go to, this bridge. That is what a connection from
 * 127.0.0.1 needs; a rule drops what comes from the bridge for 127.0.0.0/8 and is no answer.
 */
static void allow_loopback(const struct network *net, const struct portmap *ports, size_t n_ports)
{
	for (size_t i = 0; i < n_ports; i++)
		if (ports[i].host.family == AF_INET &&
		    (ip_is_loopback(&ports[i].host) || ip_is_any(&ports[i].host)))
			network_sysctl("ipv4", net->bridge, "route_localnet", '1');
}

static int take_ports(const struct networks *n, struct rules *rules, const struct network *net,
		      const struct lease *l, struct port_wish *w, struct port_claim *claims,
		      struct err *e)
{
	_cleanup_arena_ struct arena *a = arena_new();
	int r = a ? claim_all(a, n, net, l, w, claims, e) : err_errno(e, ENOMEM, "publish");

	/* By somebody who is there no more? */
	if (r == -EADDRINUSE && network_sweep(n, rules, true) > 0)
		r = claim_all(a, n, net, l, w, claims, e);
	return r;
}

int network_publish(const struct networks *n, const struct network *net, const struct lease *l,
		    struct portmap *ports, size_t n_ports, struct err *e)
{
	_cleanup_free_ struct port_claim *claims = calloc(n_ports ? n_ports : 1, sizeof(*claims));
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	struct port_wish wish = { ports, n_ports };
	int r = claims ? rules_open(&rules, n, e) : err_errno(e, ENOMEM, "publish");

	if (r == 0)
		r = take_ports(n, &rules, net, l, &wish, claims, e);
	if (r < 0)
		return r;
	r = ports_add(n, claims, n_ports);
	if (r < 0)
		return err_errno(e, -r, "publish: write down the ports");
	allow_loopback(net, ports, n_ports);
	r = rules_put_ports(&rules, claims, n_ports, NFT_NEW, e);
	if (r < 0)
		forget_ports(n, n_ports);
	return r;
}

/* ---- joining ---- */

static int wanted_number(const struct network *net, const struct ip_net *addresses, size_t n,
			 uint32_t *out, struct err *e)
{
	char text[IP_TEXT_MAX];

	*out = 0;
	for (size_t i = 0; i < n; i++) {
		int v6 = addresses[i].ip.family == AF_INET6;
		uint32_t number = ip_net_index(&net->subnet[v6], &addresses[i].ip);

		if (*out && *out != number)
			return err_set(
				e, EINVAL,
				"net: %s: the addresses of a box have the same place in both "
				"subnets (it is %u)",
				ip_print(&addresses[i].ip, text), *out);
		*out = number;
	}
	return 0;
}

static int not_ours(const struct network *net, uint32_t wanted, struct err *e)
{
	char text[3][IP_TEXT_MAX];
	struct ip ips[3];
	uint32_t first, end;

	network_share(net, &first, &end);
	ips[0] = ip_net_at(&net->subnet[0], wanted);
	ips[1] = ip_net_at(&net->subnet[0], first);
	ips[2] = ip_net_at(&net->subnet[0], end - 1);
	return err_set(e, ERANGE, "net: %s: %s is not for a box of this host; %s to %s are",
		       net->name, ip_print(&ips[0], text[0]), ip_print(&ips[1], text[1]),
		       ip_print(&ips[2], text[2]));
}

static int choose(const struct networks *n, struct rules *r, const struct network *net,
		  uint32_t wanted, struct lease *l, struct err *e)
{
	_cleanup_arena_ struct arena *a = arena_new();
	char text[IP_TEXT_MAX];
	leases all = { 0 };
	struct ip ip;
	int code = a ? lease_list(a, n, net->name, &all) : -ENOMEM;

	if (code < 0)
		return err_errno(e, -code, "net: %s: who is on it", net->name);
	sweep_one(n, r, net->name, &all, all.n <= SWEEP_SOME);
	code = lease_choose(net, &all, wanted, &l->number);
	if (code == -EADDRINUSE || code == -ENOSPC) {
		sweep_one(n, r, net->name, &all, true);
		code = lease_choose(net, &all, wanted, &l->number);
	}
	if (code == -EADDRINUSE) {
		ip = ip_net_at(&net->subnet[0], wanted);
		return err_set(e, EADDRINUSE, "net: %s: %s is another box's", net->name,
			       ip_print(&ip, text));
	}
	if (code == -ERANGE)
		return not_ours(net, wanted, e);
	if (code == -ENOSPC)
		return err_set(e, ENOSPC, "net: %s: no address of %s is free", net->name,
			       ip_net_print(&net->subnet[0], text));
	return code < 0 ? err_errno(e, -code, "net: %s", net->name) : 0;
}

/* With the lock, the network that is to be there, and its bridge. */
static int get_ready(const struct networks *n, struct rules *r, const char *name,
		     struct network *net, struct err *e)
{
	struct net_socket s;
	int code = network_find(n, name, net, e);

	if (code == 0)
		code = etcd_holds(n, net, e);
	if (code == 0)
		code = rules_open(r, n, e);
	if (code < 0)
		return code;
	code = net_socket_open(&s);
	if (code == 0) {
		code = link_index(&s, net->bridge);
		if (code >= 0 && net->overlay.vni)
			code = link_index(&s, net->overlay.device);
		net_socket_close(&s);
	}
	return code < 0 ? network_put_up(n, r, net, e) : 0;
}

int network_join(const char *name, const struct join_wish *w, struct network *net, struct lease *l,
		 struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	uint32_t wanted;
	int r = networks_lock(&n, e);

	if (r == 0)
		r = get_ready(&n, &rules, name, net, e);
	if (r == 0)
		r = wanted_number(net, w->addresses, w->n_addresses, &wanted, e);
	if (r == 0)
		r = choose(&n, &rules, net, wanted, l, e);
	if (r < 0)
		return r;
	for (int v6 = 0; v6 < 2; v6++)
		if (net->subnet[v6].ip.family)
			l->address[v6] = ip_net_at(&net->subnet[v6], l->number);
	link_name(l->interface, "hv");
	r = lease_save(&n, net, l);
	if (r < 0)
		return err_errno(e, -r, "net: %s: write down the address", name);
	r = net_peers_tell(&n, name, l, NFT_ADD);
	if (r < 0)
		err_errno(e, -r, "net: %s: tell the rules of others that %s is here", name,
			  l->hostname);
	else if (w->n_ports)
		r = network_publish(&n, net, l, w->ports, w->n_ports, e);
	if (r < 0)
		give_back(&n, &rules, name, l);
	return r;
}
