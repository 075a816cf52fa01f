/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A transaction of nf_tables, written as bytes: whoever may speak to a network namespace sends
 * them. What goes wrong while writing (no memory) stands in the buffer, and sending tells.
 *
 * The words are those of linux/netfilter/nf_tables.h: a rule is a list of expressions, each of
 * which loads something into the one register that is used here, or judges what is in it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/spans.h"
#include "base/str.h"

struct nft_text {
	struct buf b;
	size_t message; /* where the last one begins */
	uint32_t n;     /* messages, the frame's included */
	uint32_t sets;  /* anonymous ones, by number */
};

#define NFT_TEXT_INIT                          \
	{                                      \
		{ NULL, 0, 0, false }, 0, 0, 0 \
	}

void nft_text_done(struct nft_text *t);

#define _cleanup_nft_text_ __attribute__((cleanup(nft_text_done)))

void nft_text_begin(struct nft_text *t);
void nft_text_end(struct nft_text *t);
/* All of it, or nothing. `fd`: netlink(7), NETLINK_NETFILTER. 0 or -errno. */
int nft_text_send(const struct nft_text *t, int fd);

/* ---- messages: NFT_MSG_*, of the family inet ---- */
void nft_message(struct nft_text *t, uint16_t type, uint16_t flags);
void nft_put_bytes(struct nft_text *t, uint16_t type, const void *data, size_t len);
void nft_put_u32(struct nft_text *t, uint16_t type, uint32_t value);
void nft_put_text(struct nft_text *t, uint16_t type, const char *text);
size_t nft_nest(struct nft_text *t, uint16_t type);
void nft_nest_end(struct nft_text *t, size_t nest);

void nft_table(struct nft_text *t, uint16_t type); /* NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE */
/* hook -1: one to be jumped to. `verdict`: what becomes of what no rule judges. */
void nft_chain(struct nft_text *t, const char *name, int hook, int priority, uint32_t verdict);

/* ---- rules ---- */

struct nft_rule {
	size_t expressions;
};

struct nft_rule nft_rule_begin(struct nft_text *t, const char *chain);
/* `comment`: as nft(8) shows it; NULL: none. */
void nft_rule_end(struct nft_text *t, struct nft_rule r, const char *comment);

void nft_meta(struct nft_text *t, uint32_t key);
void nft_ct(struct nft_text *t, uint32_t key);
void nft_ct_original(struct nft_text *t, uint32_t key); /* of the one who began */
void nft_payload(struct nft_text *t, uint32_t base, uint32_t offset, uint32_t len);
void nft_mask(struct nft_text *t, const void *mask, size_t len);
void nft_compare(struct nft_text *t, uint32_t op, const void *data, size_t len);
/* By its name, or, without one (NULL), by its number. */
void nft_in_set(struct nft_text *t, const char *set, uint32_t number);
void nft_counter(struct nft_text *t, uint64_t packets, uint64_t bytes);
void nft_verdict(struct nft_text *t, uint32_t code, const char *chain);
/* With a reset, or with ICMP's "administratively prohibited". */
void nft_refuse(struct nft_text *t, bool tcp);
void nft_log(struct nft_text *t, uint16_t group);
/* To the socket of the host order `port` at that IPv4 address. */
void nft_tproxy(struct nft_text *t, const uint8_t address[4], uint16_t port);

/* ---- sets ---- */

/* A set without a name, of addresses or ports. Its number. */
uint32_t nft_spans(struct nft_text *t, uint32_t type, const struct spans *spans);
/* One that changes, of single addresses. */
void nft_set(struct nft_text *t, const char *name, uint32_t type, uint32_t len);

void nft_set_add(struct nft_text *t, const char *name, const uint8_t *key, size_t len);

/* As nft(8) calls what is in a set. */
enum { NFT_TYPE_IPV4 = 7, NFT_TYPE_IPV6 = 8, NFT_TYPE_PORT = 13 };
