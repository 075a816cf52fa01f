/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every host decides by itself, from what all of them are given, and comes to the same: the number
 * of the network and its subnets from the name, its slot from its place among the hosts. Packets
 * that come for the network from who is no peer are dropped by a rule: VXLAN has no other door.
 */
#include "run/overlay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/esp.h"
#include "net/link.h"
#include "run/fault.h"
#include "sys/process.h"
#include "sys/sock.h"

#define HEADERS_4 50U /* Ethernet, VXLAN, UDP, IP */
#define HEADERS_6 70U
#define MTU_MIN   576U
#define MTU_MIN_6 1280U /* RFC 8200 */

/* ---- what the host is called by the others ---- */

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static size_t put_address(union address *a, const struct ip *ip)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = ip->family;
	if (ip->family == AF_INET6)
		memcpy(&a->v6.sin6_addr, ip->bytes, 16);
	else
		memcpy(&a->v4.sin_addr, ip->bytes, 4);
	return ip->family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

/* Only an address of the host's own can be bound to. */
static bool is_own(const struct ip *ip)
{
	_cleanup_fd_ int fd = sys_socket(ip->family, SOCK_DGRAM, 0);
	union address a;
	size_t len = put_address(&a, ip);

	return fd >= 0 && sys_bind(fd, &a, len) == 0;
}

/* A socket that is connected sends nothing, but knows its way: our address, and the MTU. */
static int look_at_way(const struct ip *to, const struct ip *from, struct ip *own, uint32_t *mtu)
{
	_cleanup_fd_ int fd = sys_socket(to->family, SOCK_DGRAM, 0);
	bool v6 = to->family == AF_INET6;
	union address a;
	size_t len;
	socklen_t room = sizeof(a), size = sizeof(*mtu);
	int r = fd;

	if (r >= 0 && from->family) {
		len = put_address(&a, from);
		r = sys_bind(fd, &a, len);
	}
	if (r < 0)
		return r;
	len = put_address(&a, to);
	a.v4.sin_port = htons(OVERLAY_PORT); /* the same place in both */
	if (connect(fd, &a.sa, (socklen_t)len) < 0 || getsockname(fd, &a.sa, &room) < 0)
		return -errno;
	*own = (struct ip){ .family = to->family };
	memcpy(own->bytes, v6 ? (void *)&a.v6.sin6_addr : (void *)&a.v4.sin_addr, ip_len(own));
	return sys_getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, mtu,
			      &size);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(((const struct ip *)a)->bytes, ((const struct ip *)b)->bytes, 16);
}

static int find_local(struct overlay_wish *w, struct err *e)
{
	char text[IP_TEXT_MAX];
	uint32_t mtu;
	int r;

	for (size_t i = 0; !w->local.family && i < w->peers.n; i++)
		if (is_own(&w->peers.items[i]))
			w->local = w->peers.items[i];
	if (w->local.family)
		return is_own(&w->local) ? 0
					 : err_set(e, EADDRNOTAVAIL,
						   "net: overlay: %s is no address of this host",
						   ip_print(&w->local, text));
	if (!w->peers.n)
		return err_set(e, EINVAL,
			       w->etcd ? "net: overlay: --etcd needs --local"
				       : "net: overlay: needs --peers or --local");
	r = look_at_way(&w->peers.items[0], &w->local, &w->local, &mtu);
	return r < 0 ? err_errno(e, -r, "net: overlay: find the way to the peer %s",
				 ip_print(&w->peers.items[0], text))
		     : 0;
}

/* Sorted, each once, without ourselves. The place that we had. */
static int order_peers(struct overlay_wish *w, uint32_t *place, struct err *e)
{
	struct peers *p = &w->peers;
	char text[IP_TEXT_MAX];
	size_t kept = 0;

	*place = 0;
	qsort(p->items, p->n, sizeof(p->items[0]), by_bytes);
	for (size_t i = 0; i < p->n; i++) {
		const struct ip *ip = &p->items[i];

		if (ip->family != w->local.family || ip_is_any(ip) || ip_is_loopback(ip))
			return err_set(
				e, EINVAL, "net: overlay: the peer %s cannot be reached from %s",
				ip_print(ip, text), ip_print(&w->local, (char[IP_TEXT_MAX]){ 0 }));
		if (ip_eq(ip, &w->local) || (kept && ip_eq(ip, &p->items[kept - 1])))
			continue;
		*place += by_bytes(ip, &w->local) < 0;
		p->items[kept++] = *ip;
	}
	p->n = kept;
	return 0;
}

/* The least of all ways; without a peer, that of the interface with our address. */
static int decide_mtu(const struct overlay_wish *w, struct overlay *o, bool v6_inside,
		      struct err *e)
{
	uint32_t headers = o->local.family == AF_INET6 ? HEADERS_6 : HEADERS_4, least = 0;
	char text[IP_TEXT_MAX];
	struct net_socket s;

	headers += *o->key_file ? ESP_EXTRA : 0;
	for (size_t i = 0; i < w->peers.n; i++) {
		uint32_t mtu = 0;
		struct ip own;
		int r = look_at_way(&w->peers.items[i], &o->local, &own, &mtu);

		if (r < 0)
			return err_errno(e, -r, "net: overlay: find the way to the peer %s",
					 ip_print(&w->peers.items[i], text));
		least = i ? MIN(least, mtu) : mtu;
	}
	if (!w->peers.n && net_socket_open(&s) == 0) {
		least = link_mtu_at(&s, &o->local);
		net_socket_close(&s);
	}
	o->mtu = least > headers ? MIN(least - headers, 65535U) : 0;
	if (o->mtu >= (v6_inside ? MTU_MIN_6 : MTU_MIN))
		return 0;
	return err_set(e, EMSGSIZE,
		       "net: overlay: packets of %u bytes between the hosts leave %u for those "
		       "inside, and %s needs %u%s",
		       least, o->mtu, v6_inside ? "IPv6" : "IPv4", v6_inside ? MTU_MIN_6 : MTU_MIN,
		       v6_inside ? " (--no-ipv6 does without)" : "");
}

/* ---- what all hosts make from the name alone ---- */

/* FNV-1a: for being spread, not for being secret. */
static uint64_t hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static void decide_subnets(struct network_wish *w, const char *name, uint32_t vni)
{
	uint64_t h = hash(name) + vni;

	if (!w->subnet[0]
		     .ip.family) /* 10.128 and those behind it: networks of one host are below */
		w->subnet[0] =
			(struct ip_net){ { AF_INET, { 10, (uint8_t)(128 + vni % 128), 0, 0 } },
					 16 };
	if (w->subnet[1].ip.family || w->no_v6)
		return;
	w->subnet[1] = (struct ip_net){ { AF_INET6, { 0xfd } }, 64 };
	for (int i = 1; i < 6; i++, h >>= 8)
		w->subnet[1].ip.bytes[i] = (uint8_t)h;
}

int overlay_decide(struct overlay_wish *w, struct network_wish *subnets, const char *name,
		   struct overlay *out, struct err *e)
{
	struct overlay o = { .vni = w->vni, .port = w->port ? w->port : OVERLAY_PORT };
	uint32_t place = 0;
	int r = find_local(w, e);

	if (r == 0)
		r = order_peers(w, &place, e);
	if (r < 0)
		return r;
	o.local = w->local;
	if (w->key_file && !w->etcd)
		return err_set(e, EINVAL,
			       "net: overlay: --encrypt needs --etcd, by which the hosts tell each "
			       "other what makes their keys fresh");
	if (w->key_file && (*w->key_file != '/' || strlen(w->key_file) >= sizeof(o.key_file) ||
			    strpbrk(w->key_file, "\n")))
		return err_set(e, EINVAL,
			       "net: overlay: the key file is given by a path from /, of less than "
			       "%zu characters",
			       sizeof(o.key_file));
	if (w->key_file)
		snprintf(o.key_file, sizeof(o.key_file), "%s", w->key_file);
	if (!o.vni)
		o.vni = (uint32_t)(hash(name) % 0xfffffe) + 1;
	decide_subnets(subnets, name, o.vni);
	o.slots = overlay_slots(subnets->subnet[0].prefix);
	o.slot = w->slot == UINT32_MAX ? place : w->slot;
	if (w->etcd && (w->peers.n || w->slot != UINT32_MAX))
		return err_set(e, EINVAL,
			       "net: overlay: with --etcd the peers and slots are kept there");
	if (o.slot >= o.slots)
		return err_set(e, ENOSPC,
			       "net: overlay: the subnet has room for %u hosts, and this would be "
			       "number %u (from 0 on)",
			       o.slots, o.slot);
	r = decide_mtu(w, &o, subnets->subnet[1].ip.family != 0, e);
	if (r == 0) {
		link_name(o.device, "hx");
		*out = o;
	}
	return r;
}

/* ---- the device ---- */

static int make_device(struct net_socket *s, const struct network *net)
{
	const struct overlay *o = &net->overlay;
	struct vxlan_wish w = { .name = o->device,
				.vni = o->vni,
				.mtu = o->mtu,
				.port = o->port,
				.local = o->local,
				.master = link_index(s, net->bridge) };
	int r = w.master < 0 ? w.master : fault_point("overlay-device");

	return r < 0 ? r : link_make_vxlan(s, &w);
}

int overlay_put_up(const struct networks *n, struct net_socket *s, const struct network *net,
		   struct err *e)
{
	const struct overlay *o = &net->overlay;
	struct peers peers;
	int index = 0, r = peers_load(n, net->name, &peers);

	if (!o->vni)
		return 0;
	/* Before anything can be sent. */
	if (r == 0 && esp_put_up(n, net, &peers, e) < 0)
		return -EKEYREJECTED;
	if (r == 0 && link_index(s, o->device) == -ENODEV) {
		r = make_device(s, net);
		if (r == -EOPNOTSUPP)
			return err_set(e, EOPNOTSUPP,
				       "net: %s: this kernel has no VXLAN (CONFIG_VXLAN)",
				       net->name);
		if (r == -EEXIST)
			return err_set(e, EEXIST,
				       "net: %s: another interface has the VXLAN number %u at port "
				       "%u (--vni)",
				       net->name, o->vni, o->port);
	}
	if (r == 0)
		r = index = link_index(s, o->device);
	if (r > 0)
		r = fault_point("overlay-peers");
	if (r == 0)
		r = link_vxlan_peers(s, index, peers.items, peers.n, true);
	return r < 0 ? err_errno(e, -r, "net: %s: %s", net->name,
				 *s->failed ? s->failed : "make the VXLAN interface")
		     : 0;
}

void overlay_take_down(const struct networks *n, struct net_socket *s, const struct network *net)
{
	if (net->overlay.vni)
		link_delete(s, net->overlay.device);
	esp_take_down(n, net);
}

const char *overlay_look(const struct networks *n, struct net_socket *s, const struct network *net)
{
	struct peers peers;
	int index = net->overlay.vni ? link_index(s, net->overlay.device) : 0;

	if (!net->overlay.vni)
		return NULL;
	if (index < 0)
		return "the VXLAN interface is missing";
	if (peers_load(n, net->name, &peers) < 0)
		return "its peers cannot be read";
	if (esp_look(n, net, &peers))
		return "what encrypts it is missing";
	return link_vxlan_peers(s, index, peers.items, peers.n, false)
		       ? "the VXLAN interface does not know its peers"
		       : NULL;
}

/* ---- on one that lives ---- */

static size_t find_peer(const struct peers *all, const struct ip *ip)
{
	size_t i = 0;

	while (i < all->n && !ip_eq(&all->items[i], ip))
		i++;
	return i;
}

static int add_peer(const struct network *net, struct peers *all, const struct ip *ip,
		    const struct nonce *nonce, struct err *e)
{
	char text[IP_TEXT_MAX];

	if (ip->family != net->overlay.local.family)
		return err_set(e, EINVAL, "net: %s: the peer %s is of another kind of address",
			       net->name, ip_print(ip, text));
	if (ip_eq(ip, &net->overlay.local))
		all->own = *nonce;
	if (ip_eq(ip, &net->overlay.local) || find_peer(all, ip) < all->n)
		return 0;
	if (all->n == PEERS_MAX)
		return err_set(e, E2BIG, "net: %s: at most %d peers", net->name, PEERS_MAX);
	all->nonces[all->n] = *nonce;
	all->items[all->n++] = *ip;
	return 0;
}

static int remove_peer(const struct network *net, struct peers *all, const struct ip *ip,
		       struct err *e)
{
	size_t i = find_peer(all, ip);
	char text[IP_TEXT_MAX];

	if (i == all->n)
		return err_set(e, ENOENT, "net: %s: %s is no peer of it", net->name,
			       ip_print(ip, text));
	all->items[i] = all->items[--all->n];
	all->nonces[i] = all->nonces[all->n];
	return 0;
}

static int change(const struct network *net, enum peers_act act, struct peers *all,
		  const struct peers *peers, struct err *e)
{
	int r = 0;

	if (act == PEERS_SET)
		all->n = 0;
	for (size_t i = 0; r == 0 && i < peers->n; i++)
		r = act == PEERS_REMOVE
			    ? remove_peer(net, all, &peers->items[i], e)
			    : add_peer(net, all, &peers->items[i], &peers->nonces[i], e);
	return r;
}

int overlay_change_peers(const char *network, enum peers_act act, const struct peers *peers,
			 struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	struct peers all, old;
	struct network net;
	int r = networks_lock(&n, e);

	if (r == 0)
		r = network_find(&n, network, &net, e);
	if (r == 0 && !net.overlay.vni)
		r = err_set(e, EINVAL, "net: %s is no overlay, and has no peers", network);
	if (r == 0)
		r = rules_open(&rules, &n, e);
	if (r < 0)
		return r;
	r = peers_load(&n, network, &all);
	old = all;
	if (r < 0)
		return err_errno(e, -r, "net: %s: read its peers", network);
	r = change(&net, act, &all, peers, e);
	if (r < 0)
		return r;
	r = peers_save(&n, network, &all);
	if (r < 0)
		return err_errno(e, -r, "net: %s: write down its peers", network);
	rules_forget_peers(&rules, &net, &old, &all);
	r = network_put_up(&n, &rules, &net, e);
	/* No packet goes there any more; then it need not be encrypted. */
	esp_forget(&net, &old, &all);
	dns_look_again(&net); /* names of theirs may have come or gone */
	return r;
}
