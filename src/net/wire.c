/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pairs that join two network namespaces, neither of which need be ours. They are told from others
 * by their group (ip-link(8)), which they have from their making on, and by where the other end is.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "net/link.h"
#include "net/netlink.h"

#define WIRE_GROUP UINT32_C(0x686f6c6d) /* "holm" */

static void put_end(struct nl_request *q, const char *name)
{
	nl_put(q, IFLA_IFNAME, name, strlen(name) + 1);
	nl_put(q, IFLA_GROUP, &(uint32_t){ WIRE_GROUP }, sizeof(uint32_t));
}

int link_make_wire(struct net_socket *s, const char *name, const struct link_inside *other)
{
	uint32_t ns_fd = (uint32_t)other->ns_fd;
	size_t info, data, peer;
	struct nl_request q;
	struct nl_batch b;

	nl_batch_begin(&b, s);
	nl_begin(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &(struct ifinfomsg){ 0 },
		 sizeof(struct ifinfomsg));
	put_end(&q, name);
	info = nl_nest(&q, IFLA_LINKINFO);
	nl_put(&q, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = nl_nest(&q, IFLA_INFO_DATA);
	peer = nl_nest(&q, VETH_INFO_PEER);
	memset((char *)&q + q.head.nlmsg_len, 0, sizeof(struct ifinfomsg));
	q.head.nlmsg_len += (uint32_t)sizeof(struct ifinfomsg);
	put_end(&q, other->name);
	nl_put(&q, IFLA_NET_NS_FD, &ns_fd, sizeof(ns_fd));
	nl_nest_end(&q, peer);
	nl_nest_end(&q, data);
	nl_nest_end(&q, info);
	nl_batch_add(&b, &q, "make a pair of interfaces");
	return nl_batch_send(&b);
}

/* ---- finding them again ---- */

static int take_nsid(void *arg, const struct nlmsghdr *answer)
{
	size_t len;
	const void *id = nl_find(answer, sizeof(struct rtgenmsg), NETNSA_NSID, &len);

	if (id && len == sizeof(int))
		memcpy(arg, id, sizeof(int));
	return 0;
}

/* What that namespace is called in links of the socket's own; -1: nothing of it is there. */
static int nsid_of(struct net_socket *s, int ns_fd, int *out)
{
	struct rtgenmsg part = { .rtgen_family = AF_UNSPEC };
	uint32_t fd = (uint32_t)ns_fd;
	struct nl_request q;

	*out = -1;
	nl_begin(&q, RTM_GETNSID, 0, &part, sizeof(part));
	nl_put(&q, NETNSA_FD, &fd, sizeof(fd));
	return nl_ask(s, &q, take_nsid, out);
}

struct search {
	int nsid;
	int found; /* an index; 0: none */
};

static uint32_t number_of(const struct nlmsghdr *answer, uint16_t type, uint32_t otherwise)
{
	size_t len;
	const void *value = nl_find(answer, sizeof(struct ifinfomsg), type, &len);

	if (value && len == sizeof(otherwise))
		memcpy(&otherwise, value, sizeof(otherwise));
	return otherwise;
}

static int take_wire(void *arg, const struct nlmsghdr *answer)
{
	const struct ifinfomsg *link = NLMSG_DATA(answer);
	struct search *w = arg;

	if (number_of(answer, IFLA_GROUP, 0) == WIRE_GROUP &&
	    number_of(answer, IFLA_LINK_NETNSID, UINT32_MAX) == (uint32_t)w->nsid)
		w->found = link->ifi_index;
	return 0;
}

int link_find_wire(struct net_socket *s, int ns_fd, int *index)
{
	struct search w = { 0 };
	struct nl_request q;
	int r = nsid_of(s, ns_fd, &w.nsid);

	*index = 0;
	if (r < 0 || w.nsid < 0)
		return r;
	nl_begin(&q, RTM_GETLINK, NLM_F_DUMP, &(struct ifinfomsg){ 0 }, sizeof(struct ifinfomsg));
	r = nl_ask(s, &q, take_wire, &w);
	*index = w.found;
	return r;
}

int link_delete_index(struct net_socket *s, int index)
{
	struct ifinfomsg link = { .ifi_index = index };
	struct nl_request q;

	nl_begin(&q, RTM_DELLINK, 0, &link, sizeof(link));
	return nl_ask(s, &q, NULL, NULL);
}
