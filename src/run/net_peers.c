/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of boxes in the rules of others. Rules that speak of a name look into a set of addresses;
 * whoever takes or gives back an address, under the lock of the host, changes the sets of those who
 * watch that name. An address goes from all sets before it is free for somebody else.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/nft.h"
#include "run/net_firewall.h"

static int change(struct net_socket *nft, const struct lease *l, enum nft_act act)
{
	char set[2][FIREWALL_SET_MAX];
	struct nft_batch *b = nft_begin(nft);

	if (!b)
		return -ENOMEM;
	for (int v6 = 0; v6 < 2; v6++) {
		if (l->address[v6].family)
			nft_put(b, act,
				&(struct nft_element){
					.set = firewall_set(l->hostname, v6, set[v6]),
					.key = l->address[v6].bytes,
					.key_len = (uint8_t)ip_len(&l->address[v6]),
				});
	}
	return nft_commit(b);
}

static int tell_one(const struct lease *watcher, const struct lease *l, enum nft_act act)
{
	struct net_socket nft;
	int r;

	if (lease_is_left(watcher, true))
		return 0;
	r = nft_open_of(&nft, watcher->pid, watcher->net_ns);
	if (r == 0) {
		r = change(&nft, l, act);
		net_socket_close(&nft);
	}
	/* It has ended meanwhile, or its rules were taken away; or it is not in there. */
	return r == -ENOENT || r == -ESRCH || r == -EALREADY ? 0 : r;
}

int net_peers_tell(const struct networks *n, const char *network, const struct lease *l,
		   enum nft_act act)
{
	_cleanup_arena_ struct arena *a = *l->hostname ? arena_new() : NULL;
	strings watchers = { 0 };
	struct lease watcher;
	int r;

	if (!*l->hostname)
		return 0;
	r = a ? watchers_list(a, n, network, l->hostname, &watchers) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < watchers.n; i++)
		if (lease_from_name(watchers.items[i], &watcher) &&
		    lease_load(n, network, &watcher) == 0)
			r = tell_one(&watcher, l, act);
	return r;
}

static void put_into(struct nft_text *t, const struct lease *l)
{
	char set[FIREWALL_SET_MAX];

	for (int v6 = 0; v6 < 2; v6++)
		if (l->address[v6].family)
			nft_set_add(t, firewall_set(l->hostname, v6, set), l->address[v6].bytes,
				    ip_len(&l->address[v6]));
}

int net_peers_follow(const struct networks *n, const struct membership *m, const char *name,
		     struct nft_text *t)
{
	_cleanup_arena_ struct arena *a = arena_new();
	leases all = { 0 };
	int r = a ? watchers_add(n, m->network, name, m->lease.name) : -ENOMEM;

	if (r == 0)
		r = lease_list(a, n, m->network, &all);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		struct lease *l = &all.items[i];

		if (lease_load(n, m->network, l) == 0 && str_eq(l->hostname, name) &&
		    !lease_is_left(l, true))
			put_into(t, l);
	}
	return r;
}
