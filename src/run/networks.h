/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Networks of holm's: a bridge, a subnet, and rules; who is on them. What is kept on disk is
 * state/network.h; what the kernel has is made from that, and made again where it is missing.
 */
#pragma once

#include "net/net.h"
#include "net/nft.h"
#include "state/network.h"

/* ---- net_rules.c: the table "inet holm" ---- */

struct rules {
	struct net_socket nft;
};

/* Without the table it is made, with all that is recorded: others may have flushed it. */
int rules_open(struct rules *r, const struct networks *n, struct err *e);
void rules_close(struct rules *r);

#define _cleanup_rules_ __attribute__((cleanup(rules_close)))

int rules_put_network(struct rules *r, const struct network *net, struct err *e);
/* What is not there is passed over. */
void rules_remove_network(struct rules *r, const struct network *net);
/* All or none. -EEXIST: one is there already. */
int rules_put_ports(struct rules *r, const struct port_claim *claims, size_t n, enum nft_act act,
		    struct err *e);
void rules_remove_ports(struct rules *r, const struct port_claim *claims, size_t n);
bool rules_have_network(struct rules *r, const struct network *net);
bool rules_have_port(struct rules *r, const struct port_claim *c);
void rules_put_uplink(struct rules *r, const char *interface, bool remove);
void rules_drop_all(void); /* the whole table */
int rules_exist(void);     /* 1, 0 or -errno */

/* ---- network.c ---- */

struct overlay_wish; /* overlay.h */

struct network_wish {
	const char *name;
	struct ip_net subnet[2]; /* family 0: a free one */
	bool no_v6, internal, no_dns;
	struct overlay_wish *overlay; /* NULL: it is of this host alone */
};

/* What was left open is decided in `w`. */
int network_create(struct network_wish *w, struct err *e);
int network_remove(const char *name, struct err *e);
/* Of a host without a network nothing stays, whoever was killed. */
void networks_end_if_last(const struct networks *n, struct rules *r);
/* The bridge, its parameters and its rules, as far as they are missing. */
int network_put_up(const struct networks *n, struct rules *r, const struct network *net,
		   struct err *e);
int network_find(const struct networks *n, const char *name, struct network *out, struct err *e);

/* ---- net_lease.c ---- */

/* Makes free what is left by those who are gone. How many addresses. The lock is held. */
int network_clean(struct err *e); /* takes the lock, and looks thoroughly; how many */
int network_sweep(const struct networks *n, struct rules *r, bool thorough);
struct join_wish {
	const struct ip_net *addresses; /* that it is to have */
	size_t n_addresses;
	struct portmap *ports;
	size_t n_ports;
};

/* Address and ports; what was not chosen in `ports` is then. Takes the lock. */
int network_join(const char *name, const struct join_wish *w, struct network *net, struct lease *l,
		 struct err *e);
void network_leave(const char *name, const struct lease *l);
/* Ports for one that is there. */
int network_publish(const struct networks *n, const struct network *net, const struct lease *l,
		    struct portmap *ports, size_t n_ports, struct err *e);

/* ---- net_dead.c ---- */

/*
 * Network namespaces with networks in which nobody but holm's own helpers is, or that are gone:
 * how many. `really`: they are ended, and forgotten.
 */
int networks_bury(bool really, struct err *e);

/* ---- net_admin.c: a box is a pid in its network namespace, or its name on the network ---- */

int network_publish_on(const char *network, const char *box, struct portmap *ports, size_t n_ports,
		       struct lease *l, struct err *e);
int network_unpublish_on(const char *network, const char *box, const struct portmap *ports,
			 size_t n_ports, struct err *e);
/* A further interface for a process's network namespace; as long as it lives. */
int network_connect(const char *network, int pid, struct lease *l, struct err *e);
int network_disconnect(const char *network, const char *box, struct err *e);

/* `repaired`: it was wrong, and is not any more. */
typedef void network_finding_fn(void *arg, const char *what, const char *object, bool repaired);
/* How much is wrong, after repair if that is wanted. */
int network_check(bool repair, network_finding_fn *fn, void *arg, struct err *e);

/* ---- net_dns.c ---- */

bool dns_is_up(const struct network *net); /* or is not wanted */
/* If it is not up. Its pid is saved with the network. */
int dns_start(const struct networks *n, struct network *net, struct err *e);
void dns_stop(const struct network *net);
void dns_look_again(const struct network *net); /* a name is gone */

/* ---- net_ports.c ---- */

/* Is the port free here, that is, of sockets? Chooses one if none was. */
int port_probe(struct portmap *p, struct err *e);
