/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces, addresses, routes and ports of a network namespace (rtnetlink(7), sock_diag(7)). */
#include "see/see.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/netlink.h"
#include "sys/sock.h"

/* An attribute that stands alone within another. */
static const void *find_in(const void *nest, size_t nest_len, uint16_t type, size_t *len)
{
	const struct rtattr *a = nest;

	for (; RTA_OK(a, nest_len); a = RTA_NEXT(a, nest_len)) {
		if ((a->rta_type & NLA_TYPE_MASK) != type)
			continue;
		*len = RTA_PAYLOAD(a);
		return RTA_DATA(a);
	}
	return NULL;
}

static uint32_t u32_of(const struct nlmsghdr *h, size_t part, uint16_t type, uint32_t missing)
{
	size_t len;
	const void *data = nl_find(h, part, type, &len);
	uint32_t value;

	if (!data || len < sizeof(value))
		return missing;
	memcpy(&value, data, sizeof(value));
	return value;
}

/* ---- links ---- */

struct link_list {
	struct see_world *world;
	see_links *out;
	size_t first; /* of this namespace */
	uint64_t ns;
};

static const char *kind_of(struct arena *a, const struct nlmsghdr *h)
{
	size_t len, kind_len;
	const void *info = nl_find(h, sizeof(struct ifinfomsg), IFLA_LINKINFO, &len);
	const char *kind = info ? find_in(info, len, IFLA_INFO_KIND, &kind_len) : NULL;
	char *copy = kind ? arena_strndup(a, kind, strnlen(kind, kind_len)) : NULL;

	return copy ? copy : "";
}

static void read_bytes(const struct nlmsghdr *h, struct see_link *l)
{
	struct rtnl_link_stats64 stats = { 0 };
	size_t len;
	const void *data = nl_find(h, sizeof(struct ifinfomsg), IFLA_STATS64, &len);

	if (data)
		memcpy(&stats, data, MIN(len, sizeof(stats)));
	l->rx_bytes = stats.rx_bytes;
	l->tx_bytes = stats.tx_bytes;
}

static int take_link(void *arg, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	struct link_list *list = arg;
	struct see_link *l;
	const void *data;
	size_t len;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	l = arena_push(list->world->arena, &list->out->items, &list->out->n, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct see_link){
		.ns = list->ns,
		.index = info->ifi_index,
		.up = info->ifi_flags & IFF_UP,
		.master = (int)u32_of(h, sizeof(*info), IFLA_MASTER, 0),
		.peer_index = (int)u32_of(h, sizeof(*info), IFLA_LINK, 0),
		.peer_nsid = (int)u32_of(h, sizeof(*info), IFLA_LINK_NETNSID, (uint32_t)-1),
		.mtu = u32_of(h, sizeof(*info), IFLA_MTU, 0),
		.kind = kind_of(list->world->arena, h),
	};
	data = nl_find(h, sizeof(*info), IFLA_IFNAME, &len);
	if (data)
		snprintf(l->name, sizeof(l->name), "%.*s", (int)len, (const char *)data);
	data = nl_find(h, sizeof(*info), IFLA_ADDRESS, &len);
	if (data && len == MAC_LEN && !(info->ifi_flags & IFF_LOOPBACK))
		mac_print(data, l->mac);
	read_bytes(h, l);
	return 0;
}

static bool read_ip(const struct nlmsghdr *h, size_t part, uint16_t type, uint8_t family,
		    struct ip *out)
{
	size_t len;
	const void *data = nl_find(h, part, type, &len);

	*out = (struct ip){ .family = family };
	if (!data || len != ip_len(out))
		return false;
	memcpy(out->bytes, data, len);
	return true;
}

static int take_address(void *arg, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	struct link_list *list = arg;
	struct ip_net n = { .prefix = m->ifa_prefixlen };
	char text[IP_TEXT_MAX];
	const char **slot;

	if (h->nlmsg_type != RTM_NEWADDR ||
	    (!read_ip(h, sizeof(*m), IFA_LOCAL, m->ifa_family, &n.ip) &&
	     !read_ip(h, sizeof(*m), IFA_ADDRESS, m->ifa_family, &n.ip)))
		return 0;
	for (size_t i = list->first; i < list->out->n; i++) {
		struct see_link *l = &list->out->items[i];

		if (l->index != (int)m->ifa_index)
			continue;
		slot = arena_push(list->world->arena, &l->addresses.items, &l->addresses.n,
				  sizeof(*slot));
		if (!slot)
			return -ENOMEM;
		*slot = arena_strdup(list->world->arena, ip_net_print(&n, text));
		/* A NULL behind the last, which is not counted. */
		if (!*slot || !arena_push(list->world->arena, &l->addresses.items, &l->addresses.n,
					  sizeof(*slot)))
			return -ENOMEM;
		l->addresses.n--;
		return 0;
	}
	return 0;
}

static int list_all(struct net_socket *s, uint16_t type, const void *part, size_t len,
		    nl_answer *fn, void *arg)
{
	struct nl_request q;
	int r;

	nl_begin(&q, type, NLM_F_DUMP, part, len);
	r = nl_ask(s, &q, fn, arg);
	return r == -EINTR ? 0 : r; /* some of it has changed meanwhile */
}

static void close_socket(struct net_socket *s)
{
	net_socket_close(s);
}

#define _cleanup_socket_ __attribute__((cleanup(close_socket)))

int see_net_links(struct see_world *w, const struct see_ns *n, int fd, see_links *out)
{
	_cleanup_socket_ struct net_socket s = { .fd = -1 };
	struct link_list list = { w, out, out->n, n->inode };
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	struct ifaddrmsg address = { .ifa_family = AF_UNSPEC };
	int r = net_socket_take(&s, see_socket_in(fd, NETLINK_ROUTE));

	if (r < 0)
		return r;
	r = list_all(&s, RTM_GETLINK, &link, sizeof(link), take_link, &list);
	if (r == 0)
		r = list_all(&s, RTM_GETADDR, &address, sizeof(address), take_address, &list);
	return r;
}

/* ---- pairs ---- */

static int take_nsid(void *arg, const struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_NEWNSID)
		*(int *)arg = (int)u32_of(h, sizeof(struct rtgenmsg), NETNSA_NSID, (uint32_t)-1);
	return 0;
}

/* How the namespace of that socket numbers the one of `fd`; -1: not at all. */
static int nsid_of(struct net_socket *s, int fd)
{
	struct rtgenmsg part = { .rtgen_family = AF_UNSPEC };
	struct nl_request q;
	uint32_t value = (uint32_t)fd;
	int nsid = -1;

	nl_begin(&q, RTM_GETNSID, 0, &part, sizeof(part));
	nl_put(&q, NETNSA_FD, &value, sizeof(value));
	return nl_ask(s, &q, take_nsid, &nsid) < 0 ? -1 : nsid;
}

/* The namespace of a link, held open for a while: a row of links of one follow each other. */
struct place {
	uint64_t ns;
	int fd;
	struct net_socket socket;
};

static void place_done(struct place *p)
{
	cleanup_fd(&p->fd);
	net_socket_close(&p->socket);
	p->fd = -1;
	p->ns = 0;
}

static bool place_open(struct see_world *w, struct place *p, uint64_t ns)
{
	const struct see_ns *n = see_find(w, ns);

	if (p->ns == ns)
		return p->fd >= 0;
	place_done(p);
	p->ns = ns;
	p->fd = n ? see_open(w, n) : -1;
	p->socket = (struct net_socket){ .fd = -1 };
	if (p->fd >= 0)
		net_socket_take(&p->socket, see_socket_in(p->fd, NETLINK_ROUTE));
	return p->socket.fd >= 0;
}

/*
 * Both ends name each other by index, but in many namespaces there is an interface 2 whose peer is
 * 5. So the namespace in which the one end is says which number it has for that of the other.
 */
static void find_peer(struct see_world *w, see_links *all, struct see_link *l, struct place *here)
{
	_cleanup_(place_done) struct place there = { .fd = -1, .socket = { .fd = -1 } };

	for (size_t i = 0; i < all->n; i++) {
		struct see_link *other = &all->items[i];

		if (other == l || other->index != l->peer_index || other->ns == l->ns)
			continue;
		if (str_eq(l->kind, "veth") &&
		    (other->peer_index != l->index || !str_eq(other->kind, "veth")))
			continue;
		if (!place_open(w, here, l->ns) || !place_open(w, &there, other->ns) ||
		    nsid_of(&here->socket, there.fd) != l->peer_nsid)
			continue;
		l->peer_ns = other->ns;
		if (str_eq(l->kind, "veth"))
			other->peer_ns = l->ns;
		return;
	}
}

void see_net_peers(struct see_world *w, see_links *all)
{
	_cleanup_(place_done) struct place here = { .fd = -1, .socket = { .fd = -1 } };

	for (size_t i = 0; i < all->n; i++) {
		struct see_link *l = &all->items[i];

		if (l->peer_index && l->peer_nsid < 0)
			l->peer_ns = l->ns;
		else if (l->peer_index && !l->peer_ns)
			find_peer(w, all, l, &here);
	}
}

/* ---- routes ---- */

struct route_walk {
	const see_links *links;
	see_route_fn *fn;
	void *arg;
};

static const char *link_name(const see_links *links, int index)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->items[i].index == index)
			return links->items[i].name;
	return "";
}

static int take_route(void *arg, const struct nlmsghdr *h)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	const struct route_walk *walk = arg;
	char to[IP_TEXT_MAX] = "default", via[IP_TEXT_MAX] = "", source[IP_TEXT_MAX] = "";
	struct ip_net n = { .prefix = m->rtm_dst_len };
	struct ip ip;
	struct see_route r = { .to = to, .via = via, .source = source };

	if (h->nlmsg_type != RTM_NEWROUTE || m->rtm_table != RT_TABLE_MAIN ||
	    m->rtm_flags & RTM_F_CLONED)
		return 0;
	if (read_ip(h, sizeof(*m), RTA_DST, m->rtm_family, &n.ip))
		ip_net_print(&n, to);
	if (read_ip(h, sizeof(*m), RTA_GATEWAY, m->rtm_family, &ip))
		ip_print(&ip, via);
	if (read_ip(h, sizeof(*m), RTA_PREFSRC, m->rtm_family, &ip))
		ip_print(&ip, source);
	r.link = link_name(walk->links, (int)u32_of(h, sizeof(*m), RTA_OIF, 0));
	return walk->fn(walk->arg, &r);
}

int see_net_routes(int fd, const see_links *links, see_route_fn *fn, void *arg)
{
	_cleanup_socket_ struct net_socket s = { .fd = -1 };
	struct route_walk walk = { links, fn, arg };
	struct rtmsg part = { .rtm_family = AF_INET };
	int r = net_socket_take(&s, see_socket_in(fd, NETLINK_ROUTE));

	if (r < 0)
		return r;
	r = list_all(&s, RTM_GETROUTE, &part, sizeof(part), take_route, &walk);
	part.rtm_family = AF_INET6;
	return r == 0 ? list_all(&s, RTM_GETROUTE, &part, sizeof(part), take_route, &walk) : r;
}

/* ---- ports ---- */

struct port_walk {
	const char *protocol;
	see_port_fn *fn;
	void *arg;
};

static int take_port(void *arg, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	const struct port_walk *walk = arg;
	char ip_text[IP_TEXT_MAX], text[IP_TEXT_MAX + 10];
	struct ip ip = { .family = m->idiag_family };
	struct see_port p = { walk->protocol, text, m->idiag_uid };

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return 0;
	memcpy(ip.bytes, m->id.idiag_src, ip_len(&ip));
	snprintf(text, sizeof(text), ip.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 ip_print(&ip, ip_text), ntohs(m->id.idiag_sport));
	return walk->fn(walk->arg, &p);
}

int see_net_ports(int fd, see_port_fn *fn, void *arg)
{
	static const struct {
		const char *name;
		uint8_t number;
		uint32_t states;
	} protocols[] = {
		{ "tcp", IPPROTO_TCP, 1U << 10 }, /* TCP_LISTEN */
		{ "udp", IPPROTO_UDP, 1U << 7 },  /* TCP_CLOSE: bound, not connected */
	};
	_cleanup_socket_ struct net_socket s = { .fd = -1 };
	int r = net_socket_take(&s, see_socket_in(fd, NETLINK_SOCK_DIAG));

	for (size_t i = 0; r == 0 && i < 2 * ARRAY_SIZE(protocols); i++) {
		struct port_walk walk = { protocols[i / 2].name, fn, arg };
		struct inet_diag_req_v2 part = {
			.sdiag_family = i % 2 ? AF_INET6 : AF_INET,
			.sdiag_protocol = protocols[i / 2].number,
			.idiag_states = protocols[i / 2].states,
		};

		r = list_all(&s, SOCK_DIAG_BY_FAMILY, &part, sizeof(part), take_port, &walk);
		if (r == -ENOENT) /* that family or protocol is not there */
			r = 0;
	}
	return r;
}
