/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "net/netlink.h"

struct nft_batch {
	struct nl_batch nl;
};

int nft_open(struct net_socket *out)
{
	return net_socket_open_for(out, NETLINK_NETFILTER);
}

static void begin(struct nl_request *q, uint16_t type, uint16_t flags)
{
	struct nfgenmsg part = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };

	nl_begin(q, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &part, sizeof(part));
}

static void put_text(struct nl_request *q, uint16_t type, const char *text)
{
	nl_put(q, type, text, strlen(text) + 1);
}

static int ignore(void *arg, const struct nlmsghdr *answer)
{
	(void)arg, (void)answer;
	return 0;
}

int nft_table_exists(struct net_socket *s)
{
	struct nl_request q;
	int r;

	begin(&q, NFT_MSG_GETTABLE, 0);
	put_text(&q, NFTA_TABLE_NAME, NFT_TABLE);
	r = nl_ask(s, &q, ignore, NULL);
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

/* ---- transactions ---- */

static void frame(struct nl_batch *b, uint16_t type)
{
	struct nfgenmsg part = { .nfgen_family = AF_UNSPEC,
				 .version = NFNETLINK_V0,
				 .res_id = htons(NFNL_SUBSYS_NFTABLES) };
	struct nl_request q;

	nl_begin(&q, type, 0, &part, sizeof(part));
	nl_batch_frame(b, &q);
}

struct nft_batch *nft_begin(struct net_socket *s)
{
	struct nft_batch *b = malloc(sizeof(*b));

	_Static_assert(NFT_ELEMENTS_MAX <= NL_BATCH_MAX, "they have room in one message");
	if (!b)
		return NULL;
	nl_batch_begin(&b->nl, s);
	frame(&b->nl, NFNL_MSG_BATCH_BEGIN);
	return b;
}

static void put_value(struct nl_request *q, uint16_t type, const void *data, size_t len)
{
	size_t nest = nl_nest(q, type);

	nl_put(q, NFTA_DATA_VALUE, data, len);
	nl_nest_end(q, nest);
}

static void put_element(struct nl_request *q, const struct nft_element *e, bool with_data)
{
	uint32_t ends = htonl(NFT_SET_ELEM_INTERVAL_END);
	size_t list, element;

	put_text(q, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	put_text(q, NFTA_SET_ELEM_LIST_SET, e->set);
	list = nl_nest(q, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = nl_nest(q, NFTA_LIST_ELEM);
	if (e->ends)
		nl_put(q, NFTA_SET_ELEM_FLAGS, &ends, sizeof(ends));
	put_value(q, NFTA_SET_ELEM_KEY, e->key, e->key_len);
	if (e->key_end)
		put_value(q, NFTA_SET_ELEM_KEY_END, e->key_end, e->key_len);
	if (e->data && with_data)
		put_value(q, NFTA_SET_ELEM_DATA, e->data, e->data_len);
	nl_nest_end(q, element);
	nl_nest_end(q, list);
}

void nft_put(struct nft_batch *b, enum nft_act act, const struct nft_element *e)
{
	bool remove = act == NFT_REMOVE;
	struct nl_request q;

	begin(&q, remove ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
	      (uint16_t)((remove ? 0 : NLM_F_CREATE) | (act == NFT_NEW ? NLM_F_EXCL : 0)));
	put_element(&q, e, !remove);
	nl_batch_add(&b->nl, &q, remove ? "remove it from the table" : "add it to the table");
}

int nft_has(struct net_socket *s, const struct nft_element *e)
{
	struct nl_request q;
	int r;

	begin(&q, NFT_MSG_GETSETELEM, 0);
	put_element(&q, e, false);
	r = nl_ask(s, &q, ignore, NULL);
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

unsigned nft_count(const struct nft_batch *b)
{
	return b->nl.n;
}

int nft_commit(struct nft_batch *b)
{
	int r;

	frame(&b->nl, NFNL_MSG_BATCH_END);
	r = b->nl.n ? nl_batch_send(&b->nl) : 0;
	free(b);
	return r;
}
