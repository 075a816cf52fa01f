/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/nft_write.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "net/nft.h"
#include "sys/process.h"

#define REGISTER NFT_REG_1
#define NAMELESS "__set%d" /* the kernel puts a number there */

void nft_text_done(struct nft_text *t)
{
	buf_done(&t->b);
}

/* ---- bytes ---- */

static void *at(struct nft_text *t, size_t offset)
{
	return t->b.data + offset;
}

static void align(struct nft_text *t)
{
	static const char zeros[NLMSG_ALIGNTO];

	buf_put(&t->b, zeros, NLMSG_ALIGN(t->b.len) - t->b.len);
}

static void close_message(struct nft_text *t)
{
	if (t->b.failed || !t->n)
		return;
	align(t);
	if (!t->b.failed)
		((struct nlmsghdr *)at(t, t->message))->nlmsg_len =
			(uint32_t)(t->b.len - t->message);
}

static void message(struct nft_text *t, uint16_t type, uint16_t flags, uint8_t family,
		    uint16_t resource)
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg part;
	} m = { { .nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) },
		{ .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource) } };

	close_message(t);
	t->message = t->b.len;
	m.head.nlmsg_seq = ++t->n;
	buf_put(&t->b, (const char *)&m, sizeof(m));
}

void nft_message(struct nft_text *t, uint16_t type, uint16_t flags)
{
	message(t, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

void nft_text_begin(struct nft_text *t)
{
	message(t, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

/* The last one is answered, and so is every one that fails. */
void nft_text_end(struct nft_text *t)
{
	close_message(t);
	if (!t->b.failed)
		((struct nlmsghdr *)at(t, t->message))->nlmsg_flags |= NLM_F_ACK;
	message(t, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	close_message(t);
}

void nft_put_bytes(struct nft_text *t, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_type = type, .nla_len = (uint16_t)(sizeof(a) + len) };

	if (sizeof(a) + len > UINT16_MAX)
		t->b.failed = true;
	align(t);
	buf_put(&t->b, (const char *)&a, sizeof(a));
	buf_put(&t->b, data, len);
}

void nft_put_u32(struct nft_text *t, uint16_t type, uint32_t value)
{
	value = htonl(value);
	nft_put_bytes(t, type, &value, sizeof(value));
}

void nft_put_text(struct nft_text *t, uint16_t type, const char *text)
{
	nft_put_bytes(t, type, text, strlen(text) + 1);
}

size_t nft_nest(struct nft_text *t, uint16_t type)
{
	size_t nest;

	align(t);
	nest = t->b.len;
	nft_put_bytes(t, type | NLA_F_NESTED, "", 0);
	return nest;
}

void nft_nest_end(struct nft_text *t, size_t nest)
{
	align(t);
	/* The kernel counts these in 16 bits. */
	if (t->b.len - nest > UINT16_MAX)
		t->b.failed = true;
	if (!t->b.failed)
		((struct nlattr *)at(t, nest))->nla_len = (uint16_t)(t->b.len - nest);
}

/* ---- sending ---- */

/* 1: not yet. What fails is told of first, and the frame's failure is the only answer. */
static int read_answers(const char *block, ssize_t n, uint32_t last, int *result)
{
	for (const struct nlmsghdr *h = (const void *)block; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		const struct nlmsgerr *err = NLMSG_DATA(h);

		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*err)))
			continue;
		if (err->error && !*result)
			*result = err->error;
		if (h->nlmsg_seq >= last || h->nlmsg_seq == 1)
			return *result;
	}
	return 1;
}

int nft_text_send(const struct nft_text *t, int fd)
{
	_Alignas(struct nlmsghdr) char block[8192];
	int result = 0, r = 1;
	ssize_t n;

	if (t->b.failed)
		return -ENOMEM;
	n = sys_write(fd, t->b.data, t->b.len);
	if (n < 0)
		return (int)n;
	while (r == 1) {
		do {
			n = sys_read(fd, block, sizeof(block));
		} while (n == -EINTR);
		if (n < 0)
			return result ? result : (int)n;
		r = read_answers(block, n, t->n - 1, &result);
	}
	return r;
}

/* ---- tables and chains ---- */

void nft_table(struct nft_text *t, uint16_t type)
{
	nft_message(t, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	nft_put_text(t, NFTA_TABLE_NAME, NFT_TABLE);
}

void nft_chain(struct nft_text *t, const char *name, int hook, int priority, uint32_t verdict)
{
	size_t nest;

	nft_message(t, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nft_put_text(t, NFTA_CHAIN_TABLE, NFT_TABLE);
	nft_put_text(t, NFTA_CHAIN_NAME, name);
	if (hook < 0)
		return;
	nest = nft_nest(t, NFTA_CHAIN_HOOK);
	nft_put_u32(t, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
	nft_put_u32(t, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nft_nest_end(t, nest);
	nft_put_text(t, NFTA_CHAIN_TYPE, "filter");
	nft_put_u32(t, NFTA_CHAIN_POLICY, verdict);
}

/* ---- rules ---- */

struct nft_rule nft_rule_begin(struct nft_text *t, const char *chain)
{
	nft_message(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nft_put_text(t, NFTA_RULE_TABLE, NFT_TABLE);
	nft_put_text(t, NFTA_RULE_CHAIN, chain);
	return (struct nft_rule){ nft_nest(t, NFTA_RULE_EXPRESSIONS) };
}

/* A comment is type 0 of what nft(8) keeps with a rule: type, length, text. */
void nft_rule_end(struct nft_text *t, struct nft_rule r, const char *comment)
{
	uint8_t data[2 + 255] = { 0 };
	size_t len = comment ? strlen(comment) + 1 : 0;

	nft_nest_end(t, r.expressions);
	if (!len || len > NFT_USERDATA_MAXLEN - 2)
		return;
	data[1] = (uint8_t)len;
	memcpy(data + 2, comment, len);
	nft_put_bytes(t, NFTA_RULE_USERDATA, data, 2 + len);
}

struct expression {
	size_t element, data;
};

static struct expression begin(struct nft_text *t, const char *name)
{
	struct expression e = { .element = nft_nest(t, NFTA_LIST_ELEM) };

	nft_put_text(t, NFTA_EXPR_NAME, name);
	e.data = nft_nest(t, NFTA_EXPR_DATA);
	return e;
}

static void end(struct nft_text *t, struct expression e)
{
	nft_nest_end(t, e.data);
	nft_nest_end(t, e.element);
}

static void put_value(struct nft_text *t, uint16_t type, const void *data, size_t len)
{
	size_t nest = nft_nest(t, type);

	nft_put_bytes(t, NFTA_DATA_VALUE, data, len);
	nft_nest_end(t, nest);
}

void nft_meta(struct nft_text *t, uint32_t key)
{
	struct expression e = begin(t, "meta");

	nft_put_u32(t, NFTA_META_DREG, REGISTER);
	nft_put_u32(t, NFTA_META_KEY, key);
	end(t, e);
}

static void put_ct(struct nft_text *t, uint32_t key, bool original)
{
	struct expression e = begin(t, "ct");
	uint8_t direction = 0; /* IP_CT_DIR_ORIGINAL */

	nft_put_u32(t, NFTA_CT_DREG, REGISTER);
	nft_put_u32(t, NFTA_CT_KEY, key);
	if (original)
		nft_put_bytes(t, NFTA_CT_DIRECTION, &direction, sizeof(direction));
	end(t, e);
}

void nft_ct(struct nft_text *t, uint32_t key)
{
	put_ct(t, key, false);
}

void nft_ct_original(struct nft_text *t, uint32_t key)
{
	put_ct(t, key, true);
}

void nft_payload(struct nft_text *t, uint32_t base, uint32_t offset, uint32_t len)
{
	struct expression e = begin(t, "payload");

	nft_put_u32(t, NFTA_PAYLOAD_DREG, REGISTER);
	nft_put_u32(t, NFTA_PAYLOAD_BASE, base);
	nft_put_u32(t, NFTA_PAYLOAD_OFFSET, offset);
	nft_put_u32(t, NFTA_PAYLOAD_LEN, len);
	end(t, e);
}

void nft_mask(struct nft_text *t, const void *mask, size_t len)
{
	static const uint8_t zeros[16];
	struct expression e = begin(t, "bitwise");

	nft_put_u32(t, NFTA_BITWISE_SREG, REGISTER);
	nft_put_u32(t, NFTA_BITWISE_DREG, REGISTER);
	nft_put_u32(t, NFTA_BITWISE_LEN, (uint32_t)len);
	put_value(t, NFTA_BITWISE_MASK, mask, len);
	put_value(t, NFTA_BITWISE_XOR, zeros, len);
	end(t, e);
}

void nft_compare(struct nft_text *t, uint32_t op, const void *data, size_t len)
{
	struct expression e = begin(t, "cmp");

	nft_put_u32(t, NFTA_CMP_SREG, REGISTER);
	nft_put_u32(t, NFTA_CMP_OP, op);
	put_value(t, NFTA_CMP_DATA, data, len);
	end(t, e);
}

void nft_in_set(struct nft_text *t, const char *set, uint32_t number)
{
	struct expression e = begin(t, "lookup");

	nft_put_u32(t, NFTA_LOOKUP_SREG, REGISTER);
	nft_put_text(t, NFTA_LOOKUP_SET, set ? set : NAMELESS);
	if (!set)
		nft_put_u32(t, NFTA_LOOKUP_SET_ID, number);
	end(t, e);
}

void nft_counter(struct nft_text *t, uint64_t packets, uint64_t bytes)
{
	struct expression e = begin(t, "counter");

	packets = htobe64(packets);
	bytes = htobe64(bytes);
	nft_put_bytes(t, NFTA_COUNTER_BYTES, &bytes, sizeof(bytes));
	nft_put_bytes(t, NFTA_COUNTER_PACKETS, &packets, sizeof(packets));
	end(t, e);
}

void nft_verdict(struct nft_text *t, uint32_t code, const char *chain)
{
	struct expression e = begin(t, "immediate");
	size_t data, verdict;

	nft_put_u32(t, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nft_nest(t, NFTA_IMMEDIATE_DATA);
	verdict = nft_nest(t, NFTA_DATA_VERDICT);
	nft_put_u32(t, NFTA_VERDICT_CODE, code);
	if (chain)
		nft_put_text(t, NFTA_VERDICT_CHAIN, chain);
	nft_nest_end(t, verdict);
	nft_nest_end(t, data);
	end(t, e);
}

void nft_refuse(struct nft_text *t, bool tcp)
{
	struct expression e = begin(t, "reject");
	uint8_t code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;

	nft_put_u32(t, NFTA_REJECT_TYPE, tcp ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
	if (!tcp)
		nft_put_bytes(t, NFTA_REJECT_ICMP_CODE, &code, sizeof(code));
	end(t, e);
}

void nft_log(struct nft_text *t, uint16_t group)
{
	struct expression e = begin(t, "log");

	group = htons(group);
	nft_put_bytes(t, NFTA_LOG_GROUP, &group, sizeof(group));
	nft_put_u32(t, NFTA_LOG_SNAPLEN, 64);
	end(t, e);
}

static void load(struct nft_text *t, uint32_t to, const void *data, size_t len)
{
	struct expression e = begin(t, "immediate");

	nft_put_u32(t, NFTA_IMMEDIATE_DREG, to);
	put_value(t, NFTA_IMMEDIATE_DATA, data, len);
	end(t, e);
}

void nft_tproxy(struct nft_text *t, const uint8_t address[4], uint16_t port)
{
	struct expression e;

	port = htons(port);
	load(t, NFT_REG_1, address, 4);
	load(t, NFT_REG_2, &port, sizeof(port));
	e = begin(t, "tproxy");
	nft_put_u32(t, NFTA_TPROXY_FAMILY, NFPROTO_IPV4);
	nft_put_u32(t, NFTA_TPROXY_REG_ADDR, NFT_REG_1);
	nft_put_u32(t, NFTA_TPROXY_REG_PORT, NFT_REG_2);
	end(t, e);
}

/* ---- sets ---- */

static void put_set(struct nft_text *t, const char *name, uint32_t id, uint32_t flags,
		    uint32_t type, uint32_t len)
{
	nft_message(t, NFT_MSG_NEWSET, NLM_F_CREATE);
	nft_put_text(t, NFTA_SET_TABLE, NFT_TABLE);
	nft_put_text(t, NFTA_SET_NAME, name);
	nft_put_u32(t, NFTA_SET_FLAGS, flags);
	nft_put_u32(t, NFTA_SET_KEY_TYPE, type);
	nft_put_u32(t, NFTA_SET_KEY_LEN, len);
	nft_put_u32(t, NFTA_SET_ID, id);
}

void nft_set(struct nft_text *t, const char *name, uint32_t type, uint32_t len)
{
	put_set(t, name, ++t->sets, 0, type, len);
}

static void put_element(struct nft_text *t, const uint8_t *key, size_t len, bool ends)
{
	size_t nest = nft_nest(t, NFTA_LIST_ELEM);

	if (ends)
		nft_put_u32(t, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	put_value(t, NFTA_SET_ELEM_KEY, key, len);
	nft_nest_end(t, nest);
}

static size_t begin_elements(struct nft_text *t, const char *set, uint32_t id)
{
	nft_message(t, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	nft_put_text(t, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	nft_put_text(t, NFTA_SET_ELEM_LIST_SET, set);
	if (id)
		nft_put_u32(t, NFTA_SET_ELEM_LIST_SET_ID, id);
	return nft_nest(t, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void nft_set_add(struct nft_text *t, const char *name, const uint8_t *key, size_t len)
{
	size_t list = begin_elements(t, name, 0);

	put_element(t, key, len, false);
	nft_nest_end(t, list);
}

uint32_t nft_spans(struct nft_text *t, uint32_t type, const struct spans *spans)
{
	uint32_t id = ++t->sets;
	size_t list;

	put_set(t, NAMELESS, id, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL, type,
		spans->len);
	list = begin_elements(t, NAMELESS, id);
	for (size_t i = 0; i < spans->n; i++) {
		uint8_t end[16];

		memcpy(end, spans->items[i].last, spans->len);
		put_element(t, spans->items[i].first, spans->len, false);
		if (span_next(end, spans->len))
			put_element(t, end, spans->len, true);
	}
	nft_nest_end(t, list);
	return id;
}
