/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public calls of networks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "holm.h"
#include "run/net_firewall.h"
#include "run/netns.h"
#include "run/networks.h"
#include "run/overlay.h"

static int told(struct holm_error *out, int r, const struct err *e)
{
	if (!out)
		return r;
	*out = (struct holm_error){ 0 };
	if (r >= 0)
		return r;
	out->code = -r;
	out->exit_code = !e->command ? 125 : r == -ENOENT ? 127 : 126;
	if (e->code)
		memcpy(out->text, e->text, sizeof(out->text));
	else
		snprintf(out->text, sizeof(out->text), "networks: %s", err_words(-r));
	return r;
}

/* ---- making and removing ---- */

static int read_subnets(struct network_wish *w, const char *const *subnets, struct err *e)
{
	for (; subnets && *subnets; subnets++) {
		struct ip_net n;
		bool v6;

		if (ip_net_parse(*subnets, &n) < 0)
			return err_set(e, EINVAL,
				       "net: subnet \"%.64s\" is no network; write 10.1.0.0/24 or "
				       "fd00:1::/64",
				       *subnets);
		v6 = n.ip.family == AF_INET6;
		if (w->subnet[v6].ip.family || (v6 && w->no_v6))
			return err_set(e, EINVAL, "net: subnet %.64s: %s", *subnets,
				       v6 && w->no_v6 ? "no IPv6 was asked for"
						      : "a network has one of a kind");
		w->subnet[v6] = n;
	}
	return 0;
}

static int create(const char *name, unsigned flags, const char *const *subnets,
		  struct overlay_wish *overlay, struct err *e)
{
	struct network_wish w = {
		.name = name,
		.internal = flags & HOLM_NET_INTERNAL,
		.no_v6 = flags & HOLM_NET_NO_IPV6,
		.no_dns = flags & HOLM_NET_NO_DNS,
		.overlay = overlay,
	};
	int r = read_subnets(&w, subnets, e);

	return r < 0 ? r : network_create(&w, e);
}

int holm_net_create(const char *name, unsigned flags, const char *const *subnets,
		    struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, create(name, flags, subnets, NULL, &e), &e);
}

/* ---- over several hosts ---- */

static int read_peers(const char *const *words, struct peers *out, struct err *e)
{
	for (; words && *words; words++) {
		if (out->n == PEERS_MAX)
			return err_set(e, E2BIG, "net: at most %d peers", PEERS_MAX);
		if (peer_parse(*words, &out->items[out->n], &out->nonces[out->n]) < 0)
			return err_set(e, EINVAL, "net: peer \"%.64s\" is no address", *words);
		out->n++;
	}
	return 0;
}

static int read_overlay(const struct holm_net_overlay *o, struct overlay_wish *w, struct err *e)
{
	if (o->vni > 0xffffff || o->port > 65535)
		return err_set(e, EINVAL,
			       "net: overlay: a number is 1 to 16777215, and a port 1 to 65535");
	w->vni = o->vni;
	w->port = (uint16_t)o->port;
	if (o->etcd && o->ttl && (o->ttl < 2 || o->ttl > 3600))
		return err_set(e, EINVAL, "net: overlay: a host has 2 to 3600 seconds (--ttl)");
	w->etcd = o->etcd;
	w->etcd_ca = o->etcd_ca;
	w->etcd_cert = o->etcd_cert;
	w->etcd_key = o->etcd_key;
	w->key_file = o->key_file;
	w->ttl_s = o->ttl;
	w->slot = o->slot < 0 ? UINT32_MAX : (uint32_t)o->slot;
	if (o->local && ip_parse(o->local, &w->local) < 0)
		return err_set(e, EINVAL, "net: overlay: \"%.64s\" is no address", o->local);
	return read_peers(o->peers, &w->peers, e);
}

int holm_net_create_overlay(const char *name, unsigned flags, const char *const *subnets,
			    const struct holm_net_overlay *overlay, struct holm_error *error)
{
	struct overlay_wish w = { .peers.n = 0 };
	struct err e = { 0 };
	int r = read_overlay(overlay, &w, &e);

	if (r == 0)
		r = create(name, flags, subnets, &w, &e);
	return told(error, r, &e);
}

int holm_net_peers(const char *name, enum holm_peers_act act, const char *const *peers,
		   struct holm_error *error)
{
	static const enum peers_act acts[] = { [HOLM_PEERS_ADD] = PEERS_ADD,
					       [HOLM_PEERS_REMOVE] = PEERS_REMOVE,
					       [HOLM_PEERS_SET] = PEERS_SET };
	struct peers list = { .n = 0 };
	struct err e = { 0 };
	int r = read_peers(peers, &list, &e);

	if (r == 0)
		r = overlay_change_peers(name, acts[act], &list, &e);
	return told(error, r, &e);
}

int holm_net_remove(const char *name, struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, network_remove(name, &e), &e);
}

/* ---- looking ---- */

/* All of it is valid until fn has returned. */
static int show_overlay(const struct networks *n, const struct overlay *o, struct holm_net *out,
			holm_net_fn *fn, void *arg)
{
	char text[PEERS_MAX][IP_TEXT_MAX], local[IP_TEXT_MAX];
	const char *words[PEERS_MAX + 1] = { NULL };
	struct peers peers = { .n = 0 };

	out->local = out->device = "";
	out->peers = words;
	if (!o->vni)
		return fn(arg, out);
	peers_load(n, out->name, &peers);
	for (size_t i = 0; i < peers.n; i++)
		words[i] = ip_print(&peers.items[i], text[i]);
	out->vni = o->vni;
	out->port = o->port;
	out->mtu = o->mtu;
	out->slot = o->slot;
	out->slots = o->slots;
	out->local = ip_print(&o->local, local);
	out->device = o->device;
	return fn(arg, out);
}

static int show_network(struct arena *a, const struct networks *n, const char *name,
			holm_net_fn *fn, void *arg)
{
	char subnet[2][IP_TEXT_MAX], gateway[2][IP_TEXT_MAX];
	struct network net;
	leases on = { 0 };
	struct holm_net out;
	int r = network_load(n, name, &net);

	if (r < 0) /* one that is being made or removed */
		return 0;
	r = lease_list(a, n, name, &on);
	if (r < 0)
		return r;
	out = (struct holm_net){
		.name = net.name,
		.bridge = net.bridge,
		.flags = (net.internal ? HOLM_NET_INTERNAL : 0U) |
			 (net.subnet[1].ip.family ? 0U : HOLM_NET_NO_IPV6) |
			 (net.has_dns ? 0U : HOLM_NET_NO_DNS),
	};
	for (int v6 = 0; v6 < 2; v6++) {
		struct ip g = network_gateway(&net, v6);

		out.subnet[v6] = ip_net_print(&net.subnet[v6], subnet[v6]);
		out.gateway[v6] = ip_print(&g, gateway[v6]);
	}
	for (size_t i = 0; i < on.n; i++)
		out.boxes += !lease_is_left(&on.items[i], true);
	return show_overlay(n, &net.overlay, &out, fn, arg);
}

int holm_net_list(holm_net_fn *fn, void *arg, struct holm_error *error)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_arena_ struct arena *a = arena_new();
	struct err e = { 0 };
	strings names = { 0 };
	int r = a ? networks_open(&n) : -ENOMEM;

	if (r == 0)
		r = networks_list(a, &n, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = show_network(a, &n, names.items[i], fn, arg);
	return told(error, r == -ENOENT ? 0 : r, &e);
}

static int show_box(const struct networks *n, const char *network, struct lease *l,
		    holm_net_box_fn *fn, void *arg)
{
	char address[2][IP_TEXT_MAX];
	struct holm_net_box out = { .network = network, .pid = l->pid };

	if (lease_is_left(l, true) || lease_load(n, network, l) < 0)
		return 0;
	out.hostname = l->hostname;
	out.interface = l->interface;
	for (int v6 = 0; v6 < 2; v6++)
		out.address[v6] = ip_print(&l->address[v6], address[v6]);
	return fn(arg, &out);
}

int holm_net_boxes(const char *network, holm_net_box_fn *fn, void *arg, struct holm_error *error)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_arena_ struct arena *a = arena_new();
	struct err e = { 0 };
	struct network net;
	leases on = { 0 };
	int r = a ? networks_open(&n) : -ENOMEM;

	if (r == 0 || r == -ENOENT)
		r = network_find(&n, network, &net, &e);
	if (r == 0)
		r = lease_list(a, &n, network, &on);
	for (size_t i = 0; r == 0 && i < on.n; i++)
		r = show_box(&n, network, &on.items[i], fn, arg);
	return told(error, r, &e);
}

int holm_net_ports(holm_net_port_fn *fn, void *arg, struct holm_error *error)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_arena_ struct arena *a = arena_new();
	struct err e = { 0 };
	port_claims all = { 0 };
	int r = a ? networks_open(&n) : -ENOMEM;

	if (r == 0)
		r = ports_load(a, &n, NULL, &all);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const struct port_claim *c = &all.items[i];
		char port[PORTMAP_TEXT_MAX], to[IP_TEXT_MAX];
		struct lease l;

		if (!lease_from_name(c->lease, &l) || lease_is_left(&l, true))
			continue;
		r = fn(arg, &(struct holm_net_port){ .network = c->network,
						     .pid = l.pid,
						     .port = portmap_print(&c->map, port),
						     .to = ip_print(&c->to, to) });
	}
	return told(error, r == -ENOENT ? 0 : r, &e);
}

/* ---- mending ---- */

int holm_net_clean(struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, network_clean(&e), &e);
}

int holm_net_bury(struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, networks_bury(true, &e), &e);
}

struct check_call {
	holm_net_check_fn *fn;
	void *arg;
};

static void hand_on(void *arg, const char *what, const char *object, bool repaired)
{
	const struct check_call *call = arg;
	struct holm_finding f = {
		.kind = repaired ? HOLM_WARN : HOLM_BAD,
		.what = object,
		.found = what,
		.fix = repaired ? "repaired" : "holm net check --repair",
	};

	if (call->fn)
		call->fn(call->arg, &f);
}

int holm_net_check(int repair, holm_net_check_fn *fn, void *arg, struct holm_error *error)
{
	struct check_call call = { fn, arg };
	struct err e = { 0 };

	return told(error, network_check(repair, hand_on, &call, &e), &e);
}

/* ---- ports and boxes ---- */

#define PORTS_MAX 256

static int read_ports(const char *const *ports, struct portmap *out, size_t *n, struct err *e)
{
	*n = 0;
	for (; *ports; ports++) {
		if (*n == PORTS_MAX)
			return err_set(e, E2BIG, "publish: at most %d at once", PORTS_MAX);
		if (portmap_parse(*ports, &out[(*n)++]) < 0)
			return err_set(e, EINVAL,
				       "publish: \"%.64s\" is not [IP:]HOST:BOX[/tcp|udp] with "
				       "ports, or ranges of one length",
				       *ports);
	}
	return *n ? 0 : err_set(e, EINVAL, "publish: which port?");
}

int holm_net_publish(const char *network, const char *box, const char *const *ports,
		     holm_net_port_fn *fn, void *arg, struct holm_error *error)
{
	struct portmap maps[PORTS_MAX];
	struct err e = { 0 };
	struct lease l;
	size_t n;
	int r = read_ports(ports, maps, &n, &e);

	if (r == 0)
		r = network_publish_on(network, box, maps, n, &l, &e);
	for (size_t i = 0; r == 0 && fn && i < n; i++) {
		char port[PORTMAP_TEXT_MAX], to[IP_TEXT_MAX];
		struct holm_net_port p = {
			.network = network,
			.pid = l.pid,
			.port = portmap_print(&maps[i], port),
			.to = ip_print(&l.address[maps[i].host.family == AF_INET6], to),
		};

		fn(arg, &p);
	}
	return told(error, r, &e);
}

int holm_net_unpublish(const char *network, const char *box, const char *const *ports,
		       struct holm_error *error)
{
	struct portmap maps[PORTS_MAX];
	struct err e = { 0 };
	size_t n;
	int r = read_ports(ports, maps, &n, &e);

	if (r == 0)
		r = network_unpublish_on(network, box, maps, n, &e);
	return told(error, r, &e);
}

int holm_net_connect(const char *network, int pid, holm_net_box_fn *fn, void *arg,
		     struct holm_error *error)
{
	char address[2][IP_TEXT_MAX];
	struct err e = { 0 };
	struct lease l;
	int r = network_connect(network, pid, &l, &e);

	if (r == 0 && fn)
		fn(arg,
		   &(struct holm_net_box){ .network = network,
					   .pid = pid,
					   .hostname = l.hostname,
					   .interface = l.interface,
					   .address = { ip_print(&l.address[0], address[0]),
							ip_print(&l.address[1], address[1]) } });
	return told(error, r, &e);
}

int holm_net_disconnect(const char *network, const char *box, struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, network_disconnect(network, box, &e), &e);
}

/* ---- firewalls ---- */

static int read_rules(const char *const *rules, bool allow, struct netrule *out, size_t *n,
		      struct err *e)
{
	const char *why = NULL;

	*n = 0;
	for (; *rules; rules++) {
		if (*n == NETRULES_MAX)
			return err_set(e, E2BIG, "firewall: at most %d rules", NETRULES_MAX);
		if (netrule_parse(*rules, allow, &out[(*n)++], &why) < 0)
			return err_set(e, EINVAL, "firewall: %.64s: %s", *rules, why);
	}
	return *n ? 0 : err_set(e, EINVAL, "firewall: which rule?");
}

static int add_rules(const char *box, const char *const *rules, bool allow,
		     struct holm_error *error)
{
	_cleanup_free_ struct netrule *list = calloc(NETRULES_MAX, sizeof(*list));
	struct err e = { 0 };
	size_t n;
	int r = list ? read_rules(rules, allow, list, &n, &e) : -ENOMEM;

	if (r == 0)
		r = net_firewall_add(box, list, n, &e);
	return told(error, r, &e);
}

int holm_net_allow(const char *box, const char *const *rules, struct holm_error *error)
{
	return add_rules(box, rules, true, error);
}

int holm_net_deny(const char *box, const char *const *rules, struct holm_error *error)
{
	return add_rules(box, rules, false, error);
}

struct rules_call {
	holm_net_rule_fn *fn;
	void *arg;
};

static int hand_rule_on(void *arg, const struct firewall_entry *f)
{
	const struct rules_call *call = arg;

	return call->fn(call->arg, &(struct holm_net_rule){ .number = f->number,
							    .text = f->text,
							    .packets = f->packets,
							    .bytes = f->bytes });
}

int holm_net_rules(const char *box, holm_net_rule_fn *fn, void *arg, struct holm_error *error)
{
	struct rules_call call = { fn, arg };
	struct err e = { 0 };

	return told(error, net_firewall_show(box, hand_rule_on, &call, &e), &e);
}

int holm_net_withdraw(const char *box, const unsigned *numbers, size_t n, struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, net_firewall_withdraw(box, numbers, n, &e), &e);
}

/* ---- namespaces with names, and wires ---- */

int holm_net_ns_add(const char *name, struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, netns_add(name, &e), &e);
}

int holm_net_ns_remove(const char *name, int force, struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, netns_remove(name, force, &e), &e);
}

struct list_call {
	holm_net_ns_fn *fn;
	void *arg;
};

static int show_ns(void *arg, const struct netns_seen *n)
{
	const struct list_call *call = arg;

	return call->fn(call->arg,
			&(struct holm_net_ns){ n->name, n->inode, n->processes, n->pid });
}

int holm_net_ns_list(holm_net_ns_fn *fn, void *arg, struct holm_error *error)
{
	struct list_call call = { fn, arg };
	struct err e = { 0 };

	return told(error, netns_list(show_ns, &call, &e), &e);
}

int holm_net_ns_exec(const char *name, char *const argv[], struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, netns_exec(name, argv, &e), &e);
}

/* "A,B": both halves; false if there are not two. */
static bool halves(const char *text, char out[2][80])
{
	const char *comma = strchr(text, ',');

	if (!comma || strchr(comma + 1, ','))
		return false;
	snprintf(out[0], 80, "%.*s", (int)(comma - text), text);
	snprintf(out[1], 80, "%s", comma + 1);
	return *out[0] && *out[1];
}

static bool is_interface_name(const char *name)
{
	return strlen(name) < 16 && !strpbrk(name, "/:% \t\n") && !str_eq(name, ".") &&
	       !str_eq(name, "..") && !str_eq(name, "lo");
}

static int read_wire(struct wire_end ends[2], const char *const *addresses, const char *names,
		     struct err *e)
{
	char half[2][80];

	for (; addresses && *addresses; addresses++) {
		size_t n = ends[0].n;

		if (n == WIRE_ADDRESSES_MAX)
			return err_set(e, E2BIG, "net wire: at most %d addresses",
				       WIRE_ADDRESSES_MAX);
		for (int i = 0; i < 2; i++)
			if (!halves(*addresses, half) ||
			    ip_net_parse(half[i], &ends[i].addresses[n]) < 0)
				return err_set(e, EINVAL,
					       "net wire: \"%.80s\" is no pair of addresses; write "
					       "10.1.0.1/30,10.1.0.2/30",
					       *addresses);
		ends[0].n = ends[1].n = n + 1;
	}
	if (!names)
		return 0;
	if (!halves(names, half) || !is_interface_name(half[0]) || !is_interface_name(half[1]))
		return err_set(e, EINVAL,
			       "net wire: \"%.80s\" is no pair of interface names (1 to 15 "
			       "characters each); write a0,b0",
			       names);
	for (int i = 0; i < 2; i++)
		snprintf(ends[i].name, sizeof(ends[i].name), "%.15s", half[i]);
	return 0;
}

int holm_net_wire(const char *a, const char *b, const char *const *addresses, const char *names,
		  holm_net_wire_fn *fn, void *arg, struct holm_error *error)
{
	struct wire_end ends[2] = { { .where = a }, { .where = b } };
	struct holm_net_wired out[2] = { 0 };
	char text[2][WIRE_ADDRESSES_MAX][IP_TEXT_MAX];
	struct err e = { 0 };
	int r = read_wire(ends, addresses, names, &e);

	if (r == 0)
		r = net_wire(ends, &e);
	for (int i = 0; r == 0 && i < 2; i++) {
		out[i].where = ends[i].where;
		out[i].interface = ends[i].name;
		for (size_t k = 0; k < ends[i].n; k++)
			out[i].address[k] = ip_net_print(&ends[i].addresses[k], text[i][k]);
	}
	if (r == 0 && fn)
		r = fn(arg, out);
	return told(error, r, &e);
}

int holm_net_unwire(const char *a, const char *b, struct holm_error *error)
{
	struct err e = { 0 };

	return told(error, net_unwire(a, b, &e), &e);
}
