/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/link.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "net/netlink.h"
#include "sys/process.h"

static void put_text(struct nl_request *q, uint16_t type, const char *text)
{
	nl_put(q, type, text, strlen(text) + 1);
}

static void put_u32(struct nl_request *q, uint16_t type, uint32_t value)
{
	nl_put(q, type, &value, sizeof(value));
}

static void begin_link(struct nl_request *q, uint16_t type, uint16_t flags)
{
	nl_begin(q, type, flags, &(struct ifinfomsg){ 0 }, sizeof(struct ifinfomsg));
}

/* ---- making ---- */

static void put_inside(struct nl_request *q, const struct link_inside *l)
{
	put_text(q, IFLA_IFNAME, l->name);
	put_u32(q, IFLA_NET_NS_FD, (uint32_t)l->ns_fd);
	if (l->mac)
		nl_put(q, IFLA_ADDRESS, l->mac, MAC_LEN);
	if (l->mtu)
		put_u32(q, IFLA_MTU, l->mtu);
}

/* IFF_UP in the request that makes it fails, for its peer is not there yet. */
static void add_up(struct nl_batch *b, const char *name)
{
	struct ifinfomsg up = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nl_request q;

	nl_begin(&q, RTM_NEWLINK, 0, &up, sizeof(up));
	put_text(&q, IFLA_IFNAME, name);
	nl_batch_add(b, &q, "bring it up");
}

static size_t begin_kind(struct nl_request *q, const char *kind, size_t *data)
{
	size_t info = nl_nest(q, IFLA_LINKINFO);

	put_text(q, IFLA_INFO_KIND, kind);
	*data = nl_nest(q, IFLA_INFO_DATA);
	return info;
}

static void end_kind(struct nl_request *q, size_t info, size_t data)
{
	nl_nest_end(q, data);
	nl_nest_end(q, info);
}

int link_make_veth(struct net_socket *s, const char *name, int master,
		   const struct link_inside *inside)
{
	size_t info, data, peer;
	struct nl_request q;
	struct nl_batch b;

	nl_batch_begin(&b, s);
	begin_link(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_text(&q, IFLA_IFNAME, name);
	if (master)
		put_u32(&q, IFLA_MASTER, (uint32_t)master);
	if (inside->mtu)
		put_u32(&q, IFLA_MTU, inside->mtu);
	info = begin_kind(&q, "veth", &data);
	peer = nl_nest(&q, VETH_INFO_PEER);
	/* The peer's own part of the message stands in the attribute, before its attributes. */
	memset((char *)&q + q.head.nlmsg_len, 0, sizeof(struct ifinfomsg));
	q.head.nlmsg_len += (uint32_t)sizeof(struct ifinfomsg);
	put_inside(&q, inside);
	nl_nest_end(&q, peer);
	end_kind(&q, info, data);
	nl_batch_add(&b, &q, "make a pair of interfaces");
	add_up(&b, name);
	return nl_batch_send(&b);
}

int link_make_on(struct net_socket *s, const char *kind, int parent,
		 const struct link_inside *inside)
{
	bool is_macvlan = strcmp(kind, "macvlan") == 0;
	size_t info, data;
	struct nl_request q;
	struct nl_batch b;

	nl_batch_begin(&b, s);
	begin_link(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_inside(&q, inside);
	put_u32(&q, IFLA_LINK, (uint32_t)parent);
	info = begin_kind(&q, kind, &data);
	/* As ports of a switch, so that those of one parent see each other. ipvlan is in its L2. */
	if (is_macvlan)
		put_u32(&q, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	end_kind(&q, info, data);
	nl_batch_add(&b, &q, is_macvlan ? "make a macvlan interface" : "make an ipvlan interface");
	return nl_batch_send(&b);
}

int link_make_bridge(struct net_socket *s, const char *name, const struct ip_net *addresses,
		     size_t n_addresses, uint32_t mtu)
{
	const struct link_setup l = {
		.name = name, .addresses = addresses, .n_addresses = n_addresses, .mtu = mtu
	};
	size_t info, data;
	struct nl_request q;
	struct nl_batch b;
	int r;

	nl_batch_begin(&b, s);
	begin_link(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	put_text(&q, IFLA_IFNAME, name);
	info = begin_kind(&q, "bridge", &data);
	put_u32(&q, IFLA_BR_FORWARD_DELAY, 0);
	put_u32(&q, IFLA_BR_STP_STATE, 0);
	end_kind(&q, info, data);
	nl_batch_add(&b, &q, "make a bridge");
	r = nl_batch_send(&b);
	if (r < 0)
		return r;
	r = link_set_up(s, &l);
	if (r < 0)
		link_delete(s, name);
	return r;
}

/* ---- addresses and routes ---- */

static void add_address(struct nl_batch *b, int index, const struct ip_net *n)
{
	/* Nobody else can have it, so nobody is asked first (RFC 4862), which takes a second. */
	struct ifaddrmsg a = { .ifa_family = n->ip.family,
			       .ifa_prefixlen = n->prefix,
			       .ifa_flags = n->ip.family == AF_INET6 ? IFA_F_NODAD : 0,
			       .ifa_index = (unsigned)index };
	struct nl_request q;

	nl_begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a, sizeof(a));
	nl_put(&q, IFA_LOCAL, n->ip.bytes, ip_len(&n->ip));
	nl_put(&q, IFA_ADDRESS, n->ip.bytes, ip_len(&n->ip));
	if (n->ip.family == AF_INET && n->prefix < 31) {
		struct ip last = ip_net_at(n, (UINT32_C(1) << (32 - n->prefix)) - 1);

		nl_put(&q, IFA_BROADCAST, last.bytes, 4);
	}
	nl_batch_add(b, &q, "give it an address");
}

static void add_default_route(struct nl_batch *b, int index, const struct ip *gateway)
{
	/* On the link, whatever the prefix says: of a link that has just come up it is not known
	 * yet. */
	struct rtmsg r = { .rtm_family = gateway->family,
			   .rtm_table = RT_TABLE_MAIN,
			   .rtm_protocol = RTPROT_STATIC,
			   .rtm_scope = RT_SCOPE_UNIVERSE,
			   .rtm_type = RTN_UNICAST,
			   .rtm_flags = RTNH_F_ONLINK };
	struct nl_request q;

	nl_begin(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof(r));
	nl_put(&q, RTA_GATEWAY, gateway->bytes, ip_len(gateway));
	put_u32(&q, RTA_OIF, (uint32_t)index);
	nl_batch_add(b, &q, "set the default route");
}

static void add_mtu(struct nl_batch *b, int index, uint32_t mtu)
{
	struct ifinfomsg link = { .ifi_index = index };
	struct nl_request q;

	nl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));
	put_u32(&q, IFLA_MTU, mtu);
	nl_batch_add(b, &q, "set its MTU");
}

int link_set_up(struct net_socket *s, const struct link_setup *l)
{
	int index = link_index(s, l->name);
	struct nl_batch b;

	if (index < 0) {
		snprintf(s->failed, sizeof(s->failed), "find it");
		return index;
	}
	assert(l->n_addresses <= LINK_ADDRESSES_MAX);
	nl_batch_begin(&b, s);
	if (l->mtu)
		add_mtu(&b, index, l->mtu);
	for (size_t i = 0; i < l->n_addresses; i++)
		add_address(&b, index, &l->addresses[i]);
	add_up(&b, l->name);
	for (int i = 0; i < 2; i++)
		if (l->gateway[i].family)
			add_default_route(&b, index, &l->gateway[i]);
	return nl_batch_send(&b);
}

struct route_walk {
	link_route_fn *fn;
	void *arg;
	int uplink;
};

static int take_route(void *arg, const struct nlmsghdr *answer)
{
	struct route_walk *w = arg;
	const struct rtmsg *r = NLMSG_DATA(answer);
	struct ip_net to = { { .family = r->rtm_family }, r->rtm_dst_len };
	const void *dst, *oif;
	int index = 0;
	size_t len;

	if (answer->nlmsg_type != RTM_NEWROUTE || answer->nlmsg_len < NLMSG_LENGTH(sizeof(*r)))
		return -EPROTO;
	if ((r->rtm_type != RTN_UNICAST && r->rtm_type != RTN_LOCAL) ||
	    (r->rtm_flags & RTM_F_CLONED))
		return 0;
	oif = nl_find(answer, sizeof(*r), RTA_OIF, &len);
	if (oif && len == sizeof(index))
		memcpy(&index, oif, sizeof(index));
	dst = nl_find(answer, sizeof(*r), RTA_DST, &len);
	if (!dst && r->rtm_type == RTN_LOCAL) /* of a transparent proxy: it leads nowhere */
		return 0;
	if (!dst) {
		w->uplink = w->uplink ? w->uplink : index;
		return 0;
	}
	memcpy(to.ip.bytes, dst, len <= sizeof(to.ip.bytes) ? len : 0);
	return w->fn ? w->fn(w->arg, &to, index) : 0;
}

static int walk_routes(struct net_socket *s, uint8_t family, struct route_walk *w)
{
	struct rtmsg part = { .rtm_family = family };
	struct nl_request q;

	nl_begin(&q, RTM_GETROUTE, NLM_F_DUMP, &part, sizeof(part));
	return nl_ask(s, &q, take_route, w);
}

int link_routes(struct net_socket *s, link_route_fn *fn, void *arg)
{
	struct route_walk w = { fn, arg, 0 };
	int r = walk_routes(s, AF_INET, &w);

	return r < 0 ? r : walk_routes(s, AF_INET6, &w);
}

int link_uplink(struct net_socket *s, int family)
{
	struct route_walk w = { 0 };
	int r = walk_routes(s, (uint8_t)family, &w);

	return r < 0 ? r : w.uplink;
}

struct address_walk {
	link_address_fn *fn;
	void *arg;
};

/* IFA_LOCAL is ours where the other end of the wire is IFA_ADDRESS. */
static int take_address(void *arg, const struct nlmsghdr *answer)
{
	const struct ifaddrmsg *part = NLMSG_DATA(answer);
	struct address_walk *w = arg;
	struct ip ip = { part->ifa_family, { 0 } };
	size_t len;
	const void *bytes = nl_find(answer, sizeof(*part), IFA_LOCAL, &len);

	if (!bytes)
		bytes = nl_find(answer, sizeof(*part), IFA_ADDRESS, &len);
	if (!bytes || (ip.family != AF_INET && ip.family != AF_INET6) || len != ip_len(&ip))
		return 0;
	memcpy(ip.bytes, bytes, len);
	return w->fn(w->arg, &ip, (int)part->ifa_index);
}

int link_addresses(struct net_socket *s, link_address_fn *fn, void *arg)
{
	struct address_walk w = { fn, arg };
	struct ifaddrmsg part = { .ifa_family = AF_UNSPEC };
	struct nl_request q;

	nl_begin(&q, RTM_GETADDR, NLM_F_DUMP, &part, sizeof(part));
	return nl_ask(s, &q, take_address, &w);
}

/* ---- by name ---- */

static int take_name(void *arg, const struct nlmsghdr *answer)
{
	size_t len;
	const char *name = nl_find(answer, sizeof(struct ifinfomsg), IFLA_IFNAME, &len);

	snprintf(arg, 16, "%.*s", name ? (int)len : 0, name ? name : "");
	return 0;
}

int link_name_of(struct net_socket *s, int index, char out[16])
{
	struct ifinfomsg link = { .ifi_index = index };
	struct nl_request q;

	nl_begin(&q, RTM_GETLINK, 0, &link, sizeof(link));
	return nl_ask(s, &q, take_name, out);
}

/* ---- by address ---- */

struct address_search {
	const struct ip *address;
	int index;
	uint32_t mtu;
};

static int look_at_address(void *arg, const struct ip *address, int index)
{
	struct address_search *w = arg;

	if (ip_eq(address, w->address))
		w->index = index;
	return 0;
}

static int take_mtu(void *arg, const struct nlmsghdr *answer)
{
	size_t len;
	const void *value = nl_find(answer, sizeof(struct ifinfomsg), IFLA_MTU, &len);

	if (value && len == sizeof(uint32_t))
		memcpy(arg, value, len);
	return 0;
}

uint32_t link_mtu_at(struct net_socket *s, const struct ip *address)
{
	struct address_search w = { address, 0, 0 };
	struct ifinfomsg link = { 0 };
	struct nl_request q;

	if (link_addresses(s, look_at_address, &w) < 0 || !w.index)
		return 0;
	link.ifi_index = w.index;
	nl_begin(&q, RTM_GETLINK, 0, &link, sizeof(link));
	return nl_ask(s, &q, take_mtu, &w.mtu) < 0 ? 0 : w.mtu;
}

int link_index(struct net_socket *s, const char *name)
{
	struct ifinfomsg link;
	int r = net_link_find(s, name, &link);

	return r < 0 ? r : link.ifi_index;
}

int link_set_master(struct net_socket *s, const char *name, int master)
{
	struct nl_request q;

	begin_link(&q, RTM_NEWLINK, 0);
	put_text(&q, IFLA_IFNAME, name);
	put_u32(&q, IFLA_MASTER, (uint32_t)master);
	return nl_ask(s, &q, NULL, NULL);
}

int link_delete(struct net_socket *s, const char *name)
{
	struct nl_request q;

	begin_link(&q, RTM_DELLINK, 0);
	put_text(&q, IFLA_IFNAME, name);
	return nl_ask(s, &q, NULL, NULL);
}

void link_name(char out[16], const char *prefix)
{
	uint64_t random = 0;

	sys_getrandom(&random, sizeof(random), 0);
	snprintf(out, 16, "%s%010llx", prefix,
		 (unsigned long long)(random & UINT64_C(0xffffffffff)));
}
