/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of one network namespace, a box's: the table "inet holm" within it. The last rule that
 * speaks of a connection decides. What no rule speaks of is denied in a direction whose first rule
 * allows, and allowed where it denies.
 *
 * Who began a connection, to whom and to which port, is what is judged, for every packet of it, in
 * both directions: so a change of the rules ends what they do not allow any more.
 */
#pragma once

#include "base/netrule.h"
#include "net/net.h"
#include "net/nft_write.h"

/* Who is meant, as addresses; v4, v6. */
struct firewall_peer {
	bool all;
	struct spans in[2]; /* tidy; who made them ends them */
};

struct firewall_rule {
	struct netrule rule;
	struct firewall_peer peer; /* of a NETRULE_BOX beside who is in the sets of that name */
	uint64_t packets, bytes;   /* that it has seen so far */
};

/* What no rule speaks of. */
struct firewall_rest {
	uint64_t packets, bytes;
};

/* The whole table; `rest`: of what goes out, and of what comes in. */
void firewall_write(struct nft_text *t, const struct firewall_rule *rules, size_t n,
		    const struct firewall_rest rest[2]);
/* The whole table goes. */
void firewall_remove(struct nft_text *t);

/* The set of the addresses of who has this name. */
#define FIREWALL_SET_MAX (NETRULE_NAME_MAX + 8)
const char *firewall_set(const char *box, int v6, char out[FIREWALL_SET_MAX]);

/*
 * What is there: of each rule its number (from 1), its text, and what it has seen; at last, as
 * number 0, what becomes of the rest. 0 or -errno; -ENOENT: there are none.
 */
struct firewall_entry {
	unsigned number;
	char text[NETRULE_TEXT_MAX];
	uint64_t packets, bytes;
};

typedef int firewall_fn(void *arg, const struct firewall_entry *entry);
int firewall_list(struct net_socket *nft, firewall_fn *fn, void *arg);
