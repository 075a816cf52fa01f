/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets and maps of the table "inet holm", in transactions of nfnetlink: all of what is put between
 * begin and commit is done, or nothing. The table itself, its chains and rules, is made once, by
 * nft(8); networks and ports are elements of its sets and maps. What goes wrong stands in the
 * socket's `failed`.
 */
#pragma once

#include "net/net.h"

#define NFT_TABLE "holm"

int nft_open(struct net_socket *out);
int nft_table_exists(struct net_socket *s); /* 1, 0 or -errno */

struct nft_element {
	const char *set;
	const void *key, *key_end; /* key_end: the last of an interval of a concatenation */
	const void *data;          /* of a map; NULL: none */
	uint8_t key_len, data_len;
	bool ends; /* of a plain interval: where it does not reach any more */
};

enum nft_act {
	NFT_ADD,    /* it may be there already */
	NFT_NEW,    /* -EEXIST if it is */
	NFT_REMOVE, /* -ENOENT if it is not */
};

/* Is it there? 1, 0 or -errno. */
int nft_has(struct net_socket *s, const struct nft_element *e);

struct nft_batch;

/* NULL when memory is out. At most NFT_ELEMENTS_MAX elements. */
#define NFT_ELEMENTS_MAX 22
struct nft_batch *nft_begin(struct net_socket *s);
void nft_put(struct nft_batch *b, enum nft_act act, const struct nft_element *e);
unsigned nft_count(const struct nft_batch *b);
int nft_commit(struct nft_batch *b); /* frees it */
