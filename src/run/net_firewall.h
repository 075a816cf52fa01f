/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The firewall of a box, from its rules to its network namespace. Who is meant by "host" or the
 * name of a network is looked up when the rules are loaded; who is meant by the name of a box is
 * kept up as boxes come and go (net_peers.c).
 */
#pragma once

#include "net/firewall.h"
#include "net/nft.h"
#include "state/network.h"

/* Where a box is: its leases, each with the network it is of. */
struct membership {
	char network[NETWORK_NAME_MAX + 1];
	struct lease lease;
};

typedef LIST(struct membership) memberships;

/*
 * Loads the rules of a box that starts into the network namespace of process `pid`. `on` is where
 * it is. Takes the lock of the host if the rules speak of names.
 */
int net_firewall_load(int pid, const struct netrule *rules, size_t n, const memberships *on,
		      struct err *e);

/* ---- of a box that runs: a pid, or the name it has on a network ---- */

/* More rules, behind those that are there. */
int net_firewall_add(const char *box, const struct netrule *rules, size_t n, struct err *e);
/* Takes those away that have these numbers. */
int net_firewall_withdraw(const char *box, const unsigned *numbers, size_t n, struct err *e);
int net_firewall_show(const char *box, firewall_fn *fn, void *arg, struct err *e);
/*
 * Looks everybody up again: it is on a further network, or on one less. No rules: nothing. `net_ns`
 * is its network namespace; -ESRCH: the pid is another's by now.
 */
int net_firewall_again(int pid, uint64_t net_ns, struct err *e);

/* ---- net_peers.c; the lock is held ---- */

/* Who has this name on the network comes, or goes: the rules of others follow. */
int net_peers_tell(const struct networks *n, const char *network, const struct lease *l,
		   enum nft_act act);
/* Has the rules of `m` follow who has this name there, and puts into their set who has it now. */
int net_peers_follow(const struct networks *n, const struct membership *m, const char *name,
		     struct nft_text *t);

/* ---- net_enter.c ---- */

/*
 * A socket of nf_tables in the network namespace of a process. `expected`: its inode, 0: any; else
 * the pid is another's by now, -ESRCH. -EALREADY: it is our own.
 */
int nft_open_of(struct net_socket *out, int pid, uint64_t expected);
