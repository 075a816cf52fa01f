/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual interfaces: made where they are to be, given addresses and routes, brought up; a few
 * messages each. What goes wrong stands in the socket's `failed`.
 *
 * An interface that is made here and moved there costs an RCU grace period, and so does one that is
 * deleted. So its place is named when it is made, and it ends with its namespace.
 */
#pragma once

#include "base/ip.h"
#include "net/net.h"

/* An interface in another namespace, from its making on. */
struct link_inside {
	const char *name;
	int ns_fd;
	const uint8_t *mac; /* NULL: the kernel chooses */
	uint32_t mtu;       /* 0: as usual */
};

/* A pair; the end here is a port of the bridge `master` (an index; 0: of none), and is up. */
int link_make_veth(struct net_socket *s, const char *name, int master,
		   const struct link_inside *inside);
/* A second face of the interface `parent`: "macvlan" or "ipvlan". */
int link_make_on(struct net_socket *s, const char *kind, int parent,
		 const struct link_inside *inside);

#define LINK_ADDRESSES_MAX 8

/* What an interface has, once it is there. */
struct link_setup {
	const char *name;
	const struct ip_net *addresses;
	size_t n_addresses;
	struct ip gateway[2]; /* family 0: no default route */
	uint32_t mtu;         /* 0: as it is */
};

int link_set_up(struct net_socket *s, const struct link_setup *l);

/* Without the delays of spanning trees; with the host's addresses, and up. */
int link_make_bridge(struct net_socket *s, const char *name, const struct ip_net *addresses,
		     size_t n_addresses, uint32_t mtu);
/* Which networks are in use here: those of all routes but the default ones. */
typedef int link_route_fn(void *arg, const struct ip_net *to, int index);
int link_routes(struct net_socket *s, link_route_fn *fn, void *arg);
/* Over which interface a default route of that family leads; 0: there is none. */
int link_uplink(struct net_socket *s, int family);
/* Every address here, and the index of the interface that has it. */
typedef int link_address_fn(void *arg, const struct ip *address, int index);
int link_addresses(struct net_socket *s, link_address_fn *fn, void *arg);
/* Of the interface that has this address; 0: it is not known. */
uint32_t link_mtu_at(struct net_socket *s, const struct ip *address);
int link_name_of(struct net_socket *s, int index, char out[16]);

int link_set_master(struct net_socket *s, const char *name, int master);
int link_index(struct net_socket *s, const char *name); /* -ENODEV: there is none */
int link_delete(struct net_socket *s, const char *name);

/* Between two namespaces, both in their places; wire.c. `other`: of name and ns_fd alone. */
int link_make_wire(struct net_socket *s, const char *name, const struct link_inside *other);
/* One that leads to that namespace; 0: there is none. */
int link_find_wire(struct net_socket *s, int ns_fd, int *index);
int link_delete_index(struct net_socket *s, int index);

/* ---- vxlan.c: an interface that carries a bridge's frames to other hosts ---- */

struct vxlan_wish {
	const char *name;
	uint32_t vni, mtu;
	uint16_t port;
	struct ip local;
	int master; /* the bridge */
};

int link_make_vxlan(struct net_socket *s, const struct vxlan_wish *w);
/*
 * To whom it sends what is for everybody, or for nobody known: to these, and nobody else. What was
 * learned of others is forgotten. How many entries were wrong; they are mended if `repair`.
 */
int link_vxlan_peers(struct net_socket *s, int index, const struct ip *peers, size_t n,
		     bool repair);

/* Bounds what it sends; shape.c. `mtu` 0: as usual. */
int link_shape(struct net_socket *s, const char *name, uint64_t bits_per_second, uint32_t mtu);

/* A name that nobody else has: `prefix` and ten random digits. */
void link_name(char out[16], const char *prefix);
