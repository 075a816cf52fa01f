/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VXLAN (RFC 7348) without multicast: a frame for everybody goes to each of the peers, by entries
 * for the hardware address of zeros in the device's table (bridge-fdb(8)). Behind which of them an
 * address is it learns from what it gets, as a switch does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "net/link.h"
#include "net/netlink.h"

static void put_data(struct nl_request *q, const struct vxlan_wish *w)
{
	uint16_t port = htons(w->port);
	uint8_t no = 0, yes = 1;

	nl_put(q, IFLA_VXLAN_ID, &w->vni, sizeof(w->vni));
	nl_put(q, w->local.family == AF_INET6 ? IFLA_VXLAN_LOCAL6 : IFLA_VXLAN_LOCAL,
	       w->local.bytes, ip_len(&w->local));
	nl_put(q, IFLA_VXLAN_PORT, &port, sizeof(port));
	nl_put(q, IFLA_VXLAN_LEARNING, &yes, sizeof(yes));
	nl_put(q, IFLA_VXLAN_L2MISS, &no, sizeof(no));
}

int link_make_vxlan(struct net_socket *s, const struct vxlan_wish *w)
{
	struct ifinfomsg up = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	size_t info, data;
	struct nl_request q;
	struct nl_batch b;
	int r;

	nl_batch_begin(&b, s);
	nl_begin(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &(struct ifinfomsg){ 0 },
		 sizeof(struct ifinfomsg));
	nl_put(&q, IFLA_IFNAME, w->name, strlen(w->name) + 1);
	nl_put(&q, IFLA_MTU, &w->mtu, sizeof(w->mtu));
	nl_put(&q, IFLA_MASTER, &w->master, sizeof(w->master));
	info = nl_nest(&q, IFLA_LINKINFO);
	nl_put(&q, IFLA_INFO_KIND, "vxlan", sizeof("vxlan"));
	data = nl_nest(&q, IFLA_INFO_DATA);
	put_data(&q, w);
	nl_nest_end(&q, data);
	nl_nest_end(&q, info);
	nl_batch_add(&b, &q, "make a VXLAN interface");
	nl_begin(&q, RTM_NEWLINK, 0, &up, sizeof(up));
	nl_put(&q, IFLA_IFNAME, w->name, strlen(w->name) + 1);
	nl_batch_add(&b, &q, "bring the VXLAN interface up (does another program have its port?)");
	r = nl_batch_send(&b);
	if (r < 0 && r != -EEXIST)
		link_delete(s, w->name);
	return r;
}

/* ---- the table ---- */

struct entry {
	uint8_t mac[MAC_LEN];
	struct ip to;
};

struct table {
	int index;
	struct entry *items;
	size_t n, room;
};

static void free_table(struct table *t)
{
	free(t->items);
}

static int take_entry(void *arg, const struct nlmsghdr *answer)
{
	const struct ndmsg *part = NLMSG_DATA(answer);
	struct table *t = arg;
	size_t mac_len, to_len;
	const void *mac = nl_find(answer, sizeof(*part), NDA_LLADDR, &mac_len);
	const void *to = nl_find(answer, sizeof(*part), NDA_DST, &to_len);
	struct entry *e;

	if (part->ndm_ifindex != t->index || !mac || mac_len != MAC_LEN || !to ||
	    (to_len != 4 && to_len != 16))
		return 0;
	if (t->n == t->room) {
		e = realloc(t->items, (t->room + 256) * sizeof(*e));
		if (!e)
			return -ENOMEM;
		t->items = e;
		t->room += 256;
	}
	e = &t->items[t->n++];
	memset(e, 0, sizeof(*e));
	memcpy(e->mac, mac, MAC_LEN);
	e->to.family = to_len == 16 ? AF_INET6 : AF_INET;
	memcpy(e->to.bytes, to, to_len);
	return 0;
}

static int load_table(struct net_socket *s, struct table *t)
{
	struct ndmsg part = { .ndm_family = AF_BRIDGE, .ndm_ifindex = t->index };
	struct nl_request q;
	int r = -EINTR;

	for (int tries = 0; r == -EINTR && tries < 16; tries++) {
		t->n = 0;
		nl_begin(&q, RTM_GETNEIGH, NLM_F_DUMP, &part, sizeof(part));
		r = nl_ask(s, &q, take_entry, t);
	}
	return r;
}

static int change_entry(struct net_socket *s, int index, const struct entry *e, bool add)
{
	struct ndmsg part = { .ndm_family = AF_BRIDGE,
			      .ndm_ifindex = index,
			      .ndm_state = NUD_NOARP | NUD_PERMANENT,
			      .ndm_flags = NTF_SELF };
	struct nl_request q;

	nl_begin(&q, add ? RTM_NEWNEIGH : RTM_DELNEIGH, add ? NLM_F_CREATE | NLM_F_APPEND : 0,
		 &part, sizeof(part));
	nl_put(&q, NDA_LLADDR, e->mac, MAC_LEN);
	nl_put(&q, NDA_DST, e->to.bytes, ip_len(&e->to));
	return nl_ask(s, &q, NULL, NULL);
}

static bool is_among(const struct ip *a, const struct ip *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip_eq(a, &all[i]))
			return true;
	return false;
}

static bool has_peer(const struct table *t, const struct ip *peer)
{
	static const uint8_t zeros[MAC_LEN];

	for (size_t i = 0; i < t->n; i++)
		if (memcmp(t->items[i].mac, zeros, MAC_LEN) == 0 && ip_eq(&t->items[i].to, peer))
			return true;
	return false;
}

int link_vxlan_peers(struct net_socket *s, int index, const struct ip *peers, size_t n, bool repair)
{
	_cleanup_(free_table) struct table t = { .index = index };
	int r = load_table(s, &t), wrong = 0;

	for (size_t i = 0; r >= 0 && i < t.n; i++) {
		if (is_among(&t.items[i].to, peers, n))
			continue;
		wrong++;
		r = repair ? change_entry(s, index, &t.items[i], false) : 0;
		r = r == -ENOENT ? 0 : r; /* it was learned, and has aged meanwhile */
	}
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct entry e = { .to = peers[i] };

		if (has_peer(&t, &peers[i]))
			continue;
		wrong++;
		r = repair ? change_entry(s, index, &e, true) : 0;
	}
	if (r < 0)
		snprintf(s->failed, sizeof(s->failed), "tell the VXLAN interface its peers");
	return r < 0 ? r : wrong;
}
