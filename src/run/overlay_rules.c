/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose packets come in for an overlay: elements of the sets "vxlans", "vxpeers4" and "vxpeers6".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "run/overlay.h"

/* A concatenation: each part begins at a multiple of four bytes. */
struct key {
	uint8_t bytes[24], len;
};

static void add_part(struct key *k, const void *data, size_t len)
{
	memcpy(k->bytes + k->len, data, len);
	k->len = (uint8_t)(k->len + ((len + 3) & ~(size_t)3));
}

/* `from` NULL: of the network itself. */
static struct key key_of(const struct overlay *o, const struct ip *from)
{
	const uint8_t vni[3] = { (uint8_t)(o->vni >> 16), (uint8_t)(o->vni >> 8), (uint8_t)o->vni };
	uint16_t port = htons(o->port);
	struct key k = { 0 };

	if (from)
		add_part(&k, from->bytes, ip_len(from));
	add_part(&k, &port, sizeof(port));
	add_part(&k, vni, sizeof(vni));
	return k;
}

static int change_one(struct rules *r, const struct overlay *o, const struct ip *from,
		      enum nft_act act)
{
	struct nft_batch *b = nft_begin(&r->nft);
	struct key k = key_of(o, from);

	if (!b)
		return -ENOMEM;
	nft_put(b, act,
		&(struct nft_element){ .set = !from                      ? "vxlans"
					      : from->family == AF_INET6 ? "vxpeers6"
									 : "vxpeers4",
				       .key = k.bytes,
				       .key_len = k.len });
	return nft_commit(b);
}

int rules_put_overlay(struct rules *r, const struct networks *n, const struct network *net,
		      struct err *e)
{
	struct peers peers = { .n = 0 };
	int code = net->overlay.vni ? peers_load(n, net->name, &peers) : 0;

	/* First who is let in, then that nobody else is. */
	for (size_t i = 0; code == 0 && i < peers.n; i++)
		code = change_one(r, &net->overlay, &peers.items[i], NFT_ADD);
	if (code == 0 && net->overlay.vni)
		code = change_one(r, &net->overlay, NULL, NFT_ADD);
	return code < 0 ? err_errno(e, -code, "rules: %s: let its peers in: %s", net->name,
				    r->nft.failed)
			: 0;
}

static bool is_among(const struct ip *ip, const struct peers *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (ip_eq(ip, &all->items[i]))
			return true;
	return false;
}

void rules_forget_peers(struct rules *r, const struct network *net, const struct peers *old,
			const struct peers *kept)
{
	for (size_t i = 0; i < old->n; i++)
		if (!is_among(&old->items[i], kept))
			change_one(r, &net->overlay, &old->items[i], NFT_REMOVE);
}

void rules_remove_overlay(struct rules *r, const struct networks *n, const struct network *net)
{
	struct peers peers, none = { .n = 0 };

	if (!net->overlay.vni)
		return;
	if (peers_load(n, net->name, &peers) == 0)
		rules_forget_peers(r, net, &peers, &none);
	change_one(r, &net->overlay, NULL, NFT_REMOVE);
}

bool rules_have_overlay(struct rules *r, const struct networks *n, const struct network *net)
{
	struct peers peers = { .n = 0 };
	struct key k = key_of(&net->overlay, NULL);
	bool all = true;

	if (!net->overlay.vni)
		return true;
	all = nft_has(&r->nft, &(struct nft_element){
				       .set = "vxlans", .key = k.bytes, .key_len = k.len }) != 0;
	peers_load(n, net->name, &peers);
	for (size_t i = 0; all && i < peers.n; i++) {
		bool v6 = peers.items[i].family == AF_INET6;

		k = key_of(&net->overlay, &peers.items[i]);
		all = nft_has(&r->nft, &(struct nft_element){ .set = v6 ? "vxpeers6" : "vxpeers4",
							      .key = k.bytes,
							      .key_len = k.len }) != 0;
	}
	return all;
}
