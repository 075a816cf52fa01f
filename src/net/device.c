/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * To the kernel an interface that changes its namespace is gone in one and new in the other: it is
 * down there and has lost its addresses, so they are read before and made anew. Routes, rules and
 * the bridge that it was a port of are lost for good. Runs in the parent, and allocates.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

#include "base/macro.h"
#include "net/netlink.h"

#define LOOKS_MAX   16 /* at a list that changes while it is read */
#define ADDRESS_MAX 16 /* bytes of IPv6, and of a label */

/* ---- where it is ---- */

static int take_link(void *arg, const struct nlmsghdr *answer)
{
	if (answer->nlmsg_type != RTM_NEWLINK ||
	    answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
		return -EPROTO;
	memcpy(arg, NLMSG_DATA(answer), sizeof(struct ifinfomsg));
	return 0;
}

int net_link_find(struct net_socket *s, const char *name, struct ifinfomsg *out)
{
	struct nl_request q;

	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	nl_begin(&q, RTM_GETLINK, 0, &(struct ifinfomsg){ 0 }, sizeof(*out));
	nl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
	return nl_ask(s, &q, take_link, out);
}

int net_device_exists(struct net_socket *s, const char *name)
{
	struct ifinfomsg link;
	int r = net_link_find(s, name, &link);

	return r == 0 ? 1 : r == -ENODEV ? 0 : r;
}

/* ---- its addresses ---- */

struct listing {
	struct net_device *d;
	const char *name;
};

/* All of them: the eight bits of the message itself are too few since Linux 3.14. */
static uint32_t flags_of(const struct nlmsghdr *answer, const struct ifaddrmsg *a)
{
	uint32_t flags = a->ifa_flags;
	size_t len;
	const void *value = nl_find(answer, sizeof(*a), IFA_FLAGS, &len);

	if (value && len == sizeof(flags))
		memcpy(&flags, value, len);
	return flags;
}

/* What the kernel puts there by itself, if nothing else is said; under another name, another one.
 */
static bool is_own_label(uint16_t type, const void *value, size_t len, const char *name)
{
	return type == IFA_LABEL && len == strlen(name) + 1 && memcmp(value, name, len) == 0;
}

/*
 * An address as the request that makes it again. Without IFA_CACHEINFO it is for ever, as it was.
 * The flags are those that can be asked for; the others tell how far it has got.
 */
static int keep_address(void *arg, const struct nlmsghdr *answer)
{
	static const uint16_t kept[] = { IFA_LOCAL, IFA_ADDRESS,     IFA_BROADCAST,
					 IFA_LABEL, IFA_RT_PRIORITY, IFA_PROTO };
	const uint32_t wishes = IFA_F_NODAD | IFA_F_OPTIMISTIC | IFA_F_HOMEADDRESS |
				IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
	const struct listing *l = arg;
	const struct ifaddrmsg *a = NLMSG_DATA(answer);
	struct ifaddrmsg part;
	struct nl_request q;
	uint32_t flags;

	if (answer->nlmsg_type != RTM_NEWADDR || answer->nlmsg_len < NLMSG_LENGTH(sizeof(*a)))
		return -EPROTO;
	flags = flags_of(answer, a);
	if ((int)a->ifa_index != l->d->index || !(flags & IFA_F_PERMANENT))
		return 0;
	flags &= wishes;
	part = *a;
	part.ifa_flags = (uint8_t)flags;
	nl_begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &part, sizeof(part));
	nl_put(&q, IFA_FLAGS, &flags, sizeof(flags));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		size_t len;
		const void *value = nl_find(answer, sizeof(*a), kept[i], &len);

		if (value && len <= ADDRESS_MAX && !is_own_label(kept[i], value, len, l->name))
			nl_put(&q, kept[i], value, len);
	}
	buf_put(&l->d->addresses, (const char *)&q, sizeof(q));
	return l->d->addresses.failed ? -ENOMEM : 0;
}

static int list_addresses(struct net_socket *s, const char *name, struct net_device *d)
{
	struct listing l = { d, name };
	struct nl_request q;

	buf_done(&d->addresses);
	d->addresses = (struct buf){ 0 };
	nl_begin(&q, RTM_GETADDR, NLM_F_DUMP, &(struct ifaddrmsg){ 0 }, sizeof(struct ifaddrmsg));
	return nl_ask(s, &q, keep_address, &l);
}

int net_device_look(struct net_socket *s, const char *name, struct net_device *out)
{
	struct net_device d = { 0 };
	struct ifinfomsg link;
	int r = net_link_find(s, name, &link);

	if (r < 0)
		return r;
	d.index = link.ifi_index;
	d.up = link.ifi_flags & IFF_UP;
	r = -EINTR;
	for (int i = 0; r == -EINTR && i < LOOKS_MAX; i++)
		r = list_addresses(s, name, &d);
	if (r < 0)
		net_device_done(&d);
	else
		*out = d;
	return r;
}

void net_device_done(struct net_device *d)
{
	buf_done(&d->addresses);
	*d = (struct net_device){ 0 };
}

/* All of them are tried; the first failure is told. */
int net_device_address(struct net_socket *s, const struct net_device *d, bool global_only)
{
	int result = 0;

	for (size_t at = 0; at < d->addresses.len; at += sizeof(struct nl_request)) {
		struct ifaddrmsg *a;
		struct nl_request q;
		int r;

		memcpy(&q, d->addresses.data + at, sizeof(q));
		a = (struct ifaddrmsg *)q.body;
		if (global_only && a->ifa_scope != RT_SCOPE_UNIVERSE)
			continue;
		a->ifa_index = (unsigned)d->index;
		r = nl_ask(s, &q, NULL, NULL);
		result = result < 0 ? result : r;
	}
	return result;
}

/* ---- the way ---- */

/*
 * In one request, because under its old name it may have no place there. The kernel may give it
 * another index.
 */
int net_device_move(struct net_socket *from, struct net_socket *to, int ns_fd, const char *name,
		    struct net_device *d)
{
	struct ifinfomsg link = { .ifi_index = d->index };
	struct nl_request q;
	uint32_t fd = (uint32_t)ns_fd;
	int r;

	nl_begin(&q, RTM_SETLINK, 0, &link, sizeof(link));
	nl_put(&q, IFLA_NET_NS_FD, &fd, sizeof(fd));
	nl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
	r = nl_ask(from, &q, NULL, NULL);
	if (r == 0)
		r = net_link_find(to, name, &link);
	if (r == 0)
		d->index = link.ifi_index;
	return r;
}

int net_device_up(struct net_socket *s, const struct net_device *d)
{
	struct ifinfomsg link = {
		.ifi_index = d->index,
		.ifi_flags = IFF_UP,
		.ifi_change = IFF_UP,
	};
	struct nl_request q;

	nl_begin(&q, RTM_SETLINK, 0, &link, sizeof(link));
	return nl_ask(s, &q, NULL, NULL);
}
