/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces of a box: what was asked for, and, with all names filled in, what was decided. */
#pragma once

#include "base/ip.h"
#include "base/list.h"
#include "base/portmap.h"

enum net_kind {
	NET_VETH,    /* a pair with the host */
	NET_BRIDGE,  /* a port of a network */
	NET_MACVLAN, /* a second face of an interface of the host's */
	NET_IPVLAN,
	NET_PHYS,  /* that interface itself */
	NET_PASTA, /* the program pasta, for ordinary users */
	NET_NAMES, /* lo alone, and the program holm-egress behind it */
	NET_KINDS,
};

extern const char *const net_kind_words[NET_KINDS]; /* as the option says them */

#define NET_ADDRESSES_MAX 8
#define NET_PORTS_MAX     256
#define NET_NAME_MAX      32 /* of a network */

/* What interfaces of each kind take, beside their names: bits, for check_net.c has a table. */
enum net_key {
	NET_KEY_IP = 1,
	NET_KEY_MAC = 2,
	NET_KEY_MTU = 4,
	NET_KEY_GATEWAY = 8,
	NET_KEY_DNS = 16,
	NET_KEY_HOSTNAME = 32,
	NET_KEY_RATE = 64,
	NET_KEY_PUBLISH = 128,
	NET_KEY_HOST = 256,
	NET_KEY_NAME = 512,
};

struct net_wish {
	enum net_kind kind;
	unsigned keys;      /* enum net_key: what was said */
	const char *object; /* the network, the parent, the device; NULL: none */
	const char *name;   /* inside; NULL: none was given */
	LIST(struct ip_net) addresses;
	struct ip gateway[2]; /* v4, v6 */
	uint8_t mac[MAC_LEN];
	uint32_t mtu;
	strings dns;
	const char *hostname;
	uint64_t rate_in, rate_out; /* bits per second, seen from the box; 0: no limit */
	bool host; /* pasta: the gateway is the host, with what listens on its 127.0.0.1 */
	LIST(struct portmap) ports;
};

typedef LIST(struct net_wish) net_wishes;
