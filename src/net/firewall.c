/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/firewall.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "net/netlink.h"
#include "net/nft.h"

enum { V4, V6 };

static const uint8_t nfproto[] = { NFPROTO_IPV4, NFPROTO_IPV6 };

const char *firewall_set(const char *box, int v6, char out[FIREWALL_SET_MAX])
{
	snprintf(out, FIREWALL_SET_MAX, "box%c-%s", v6 ? '6' : '4', box);
	return out;
}

/* ---- conditions ---- */

static void is_byte(struct nft_text *t, uint8_t value)
{
	nft_compare(t, NFT_CMP_EQ, &value, 1);
}

static void of_family(struct nft_text *t, int v6)
{
	nft_meta(t, NFT_META_NFPROTO);
	is_byte(t, nfproto[v6]);
}

static void of_protocol(struct nft_text *t, uint8_t protocol)
{
	nft_meta(t, NFT_META_L4PROTO);
	is_byte(t, protocol);
}

static void in_direction(struct nft_text *t, uint8_t direction)
{
	nft_ct(t, NFT_CT_DIRECTION);
	is_byte(t, direction);
}

/* What is in the register is in one of these; where there are several, in the set `number`. */
static void in_spans(struct nft_text *t, const struct spans *spans, uint32_t number)
{
	if (spans->n != 1) {
		nft_in_set(t, NULL, number);
		return;
	}
	nft_compare(t, NFT_CMP_GTE, spans->items->first, spans->len);
	nft_compare(t, NFT_CMP_LTE, spans->items->last, spans->len);
}

/* ---- the frame: what goes for every box ---- */

static void accept_local(struct nft_text *t, const char *chain, bool in)
{
	static const uint16_t loopback = ARPHRD_LOOPBACK;
	struct nft_rule r = nft_rule_begin(t, chain);

	nft_meta(t, in ? NFT_META_IIFTYPE : NFT_META_OIFTYPE);
	nft_compare(t, NFT_CMP_EQ, &loopback, sizeof(loopback));
	nft_verdict(t, NF_ACCEPT, NULL);
	nft_rule_end(t, r, NULL);
}

static void in_state(struct nft_text *t, uint32_t state)
{
	static const uint32_t none;

	nft_ct(t, NFT_CT_STATE);
	nft_mask(t, &state, sizeof(state));
	nft_compare(t, NFT_CMP_NEQ, &none, sizeof(none));
}

/* Of a connection from before there were rules nobody knows who began it: so it ends. */
static void refuse_strangers(struct nft_text *t, const char *chain)
{
	static const uint8_t flags = 0x17, syn = 2; /* FIN, SYN, RST, ACK */
	struct nft_rule r = nft_rule_begin(t, chain);

	of_protocol(t, IPPROTO_TCP);
	in_state(t, NF_CT_STATE_BIT(IP_CT_NEW));
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	nft_mask(t, &flags, 1);
	nft_compare(t, NFT_CMP_NEQ, &syn, 1);
	nft_verdict(t, (uint32_t)NFT_GOTO, "refuse");
	nft_rule_end(t, r, NULL);
}

/* That something of an allowed connection did not arrive. */
static void accept_errors(struct nft_text *t, const char *chain, uint8_t protocol)
{
	struct nft_rule r = nft_rule_begin(t, chain);

	of_protocol(t, protocol);
	in_state(t, NF_CT_STATE_BIT(IP_CT_RELATED));
	nft_verdict(t, NF_ACCEPT, NULL);
	nft_rule_end(t, r, NULL);
}

/* Neighbours and groups, without which there is no IPv6: ICMPv6 of these types. */
static void accept_neighbours(struct nft_text *t, const char *chain, uint8_t first, uint8_t last)
{
	struct nft_rule r = nft_rule_begin(t, chain);

	of_family(t, V6);
	of_protocol(t, IPPROTO_ICMPV6);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
	nft_compare(t, NFT_CMP_GTE, &first, 1);
	nft_compare(t, NFT_CMP_LTE, &last, 1);
	nft_verdict(t, NF_ACCEPT, NULL);
	nft_rule_end(t, r, NULL);
}

static void judge(struct nft_text *t, const char *chain, uint8_t direction, const char *by)
{
	struct nft_rule r = nft_rule_begin(t, chain);

	in_direction(t, direction);
	nft_verdict(t, (uint32_t)NFT_JUMP, by);
	nft_rule_end(t, r, NULL);
}

/* An answer to what came in is judged by the rules for what comes in. */
static void write_hook(struct nft_text *t, const char *chain, bool in)
{
	accept_local(t, chain, in);
	accept_errors(t, chain, IPPROTO_ICMP);
	accept_errors(t, chain, IPPROTO_ICMPV6);
	accept_neighbours(t, chain, 130, 136); /* of listeners, routers and neighbours */
	accept_neighbours(t, chain, 143, 143); /* of listeners, version 2 */
	refuse_strangers(t, chain);
	judge(t, chain, IP_CT_DIR_ORIGINAL, in ? "in" : "out");
	judge(t, chain, IP_CT_DIR_REPLY, in ? "out" : "in");
}

/* Who begins is told at once; who comes hears nothing. */
static void write_refuse(struct nft_text *t)
{
	struct nft_rule r = nft_rule_begin(t, "refuse");

	in_direction(t, IP_CT_DIR_ORIGINAL);
	of_protocol(t, IPPROTO_TCP);
	nft_refuse(t, true);
	nft_rule_end(t, r, NULL);
	r = nft_rule_begin(t, "refuse");
	in_direction(t, IP_CT_DIR_ORIGINAL);
	nft_refuse(t, false);
	nft_rule_end(t, r, NULL);
	r = nft_rule_begin(t, "refuse");
	nft_verdict(t, NF_DROP, NULL);
	nft_rule_end(t, r, NULL);
}

static void write_frame(struct nft_text *t)
{
	nft_chain(t, "in", -1, 0, 0);
	nft_chain(t, "out", -1, 0, 0);
	nft_chain(t, "refuse", -1, 0, 0);
	nft_chain(t, "input", NF_INET_LOCAL_IN, 0, NF_DROP);
	nft_chain(t, "output", NF_INET_LOCAL_OUT, 0, NF_DROP);
	nft_chain(t, "forward", NF_INET_FORWARD, 0, NF_DROP); /* it is no router */
	write_hook(t, "input", true);
	write_hook(t, "output", false);
	write_refuse(t);
}

/* ---- one rule ---- */

static void decide(struct nft_text *t, bool allow, bool in)
{
	if (allow)
		nft_verdict(t, NF_ACCEPT, NULL);
	else if (in)
		nft_verdict(t, NF_DROP, NULL);
	else
		nft_verdict(t, (uint32_t)NFT_GOTO, "refuse");
}

/* One rule of ours can be several of the kernel's: of each family, of each protocol. */
struct writing {
	struct nft_text *t;
	const struct firewall_rule *f;
	char comment[NETRULE_TEXT_MAX + 8];
	struct spans ports;
	bool by_set;  /* the peer is who is in the set of that name */
	bool counted; /* what it has seen so far stands with the first of them */
};

static void of_peer(struct writing *w, int v6, uint32_t number)
{
	static const uint32_t keys[2][2] = { { NFT_CT_DST_IP, NFT_CT_DST_IP6 },
					     { NFT_CT_SRC_IP, NFT_CT_SRC_IP6 } };
	const struct firewall_rule *f = w->f;
	char set[FIREWALL_SET_MAX];

	of_family(w->t, v6);
	nft_ct_original(w->t, keys[f->rule.in][v6]);
	if (w->by_set)
		nft_in_set(w->t, firewall_set(f->rule.name, v6, set), 0);
	else
		in_spans(w->t, &f->peer.in[v6], number);
}

static bool has_peer(const struct firewall_rule *f)
{
	return !f->peer.all;
}

static void write_variant(struct writing *w, int v6, uint8_t protocol)
{
	static const uint32_t types[] = { NFT_TYPE_IPV4, NFT_TYPE_IPV6 };
	const struct firewall_rule *f = w->f;
	uint32_t peers = 0, ports = 0;
	struct nft_rule r;

	/* A nameless set belongs to one rule. */
	if (has_peer(f) && !w->by_set && f->peer.in[v6].n > 1)
		peers = nft_spans(w->t, types[v6], &f->peer.in[v6]);
	if (w->ports.n > 1)
		ports = nft_spans(w->t, NFT_TYPE_PORT, &w->ports);
	r = nft_rule_begin(w->t, f->rule.in ? "in" : "out");
	if (has_peer(f))
		of_peer(w, v6, peers);
	if (protocol)
		of_protocol(w->t, protocol);
	if (w->ports.n) {
		nft_ct_original(w->t, NFT_CT_PROTO_DST);
		in_spans(w->t, &w->ports, ports);
	}
	nft_counter(w->t, w->counted ? 0 : f->packets, w->counted ? 0 : f->bytes);
	w->counted = true;
	decide(w->t, f->rule.allow, f->rule.in);
	nft_rule_end(w->t, r, w->comment);
}

static void write_protocols(struct writing *w, int v6)
{
	uint8_t protocol = w->f->rule.protocol;

	if (protocol == IPPROTO_ICMP && v6)
		protocol = IPPROTO_ICMPV6;
	/* Ports are those of both. */
	if (!protocol && w->f->rule.n_ports) {
		write_variant(w, v6, IPPROTO_TCP);
		protocol = IPPROTO_UDP;
	}
	write_variant(w, v6, protocol);
}

/* Who is meant has no address now. The rule is there all the same: the kernel keeps our rules. */
static void write_nobody(struct writing *w)
{
	struct nft_rule r = nft_rule_begin(w->t, w->f->rule.in ? "in" : "out");

	nft_meta(w->t, NFT_META_NFPROTO);
	is_byte(w->t, UINT8_MAX);
	nft_counter(w->t, w->f->packets, w->f->bytes);
	decide(w->t, w->f->rule.allow, w->f->rule.in);
	nft_rule_end(w->t, r, w->comment);
}

static void write_rule(struct nft_text *t, const struct firewall_rule *f, size_t number)
{
	struct writing w = { .t = t, .f = f, .ports.len = 2 };
	char text[NETRULE_TEXT_MAX];

	snprintf(w.comment, sizeof(w.comment), "%zu: %s", number, netrule_print(&f->rule, text));
	for (size_t i = 0; i < f->rule.n_ports; i++) {
		uint16_t first = htons(f->rule.ports[i].first), last = htons(f->rule.ports[i].last);

		spans_add(&w.ports, (const uint8_t *)&first, (const uint8_t *)&last);
	}
	for (int v6 = 0; v6 < 2; v6++) {
		w.by_set = f->rule.peer == NETRULE_BOX;
		if (w.by_set)
			write_protocols(&w, v6);
		w.by_set = false;
		if (has_peer(f) ? f->peer.in[v6].n != 0 : !v6 || f->rule.protocol == IPPROTO_ICMP)
			write_protocols(&w, v6);
	}
	if (!w.counted)
		write_nobody(&w);
	t->b.failed |= w.ports.failed;
	spans_done(&w.ports);
}

/* ---- all ---- */

static bool otherwise(const struct firewall_rule *rules, size_t n, bool in)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].rule.in == in)
			return !rules[i].rule.allow;
	return true;
}

static void write_otherwise(struct nft_text *t, const struct firewall_rule *rules, size_t n,
			    bool in, const struct firewall_rest *rest)
{
	bool allow = otherwise(rules, n, in);
	struct nft_rule r = nft_rule_begin(t, in ? "in" : "out");
	char comment[32];

	snprintf(comment, sizeof(comment), "0: %s %s", allow ? "allow" : "deny", in ? "in" : "out");
	nft_counter(t, rest->packets, rest->bytes);
	decide(t, allow, in);
	nft_rule_end(t, r, comment);
}

static bool named_before(const struct firewall_rule *rules, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (rules[k].rule.peer == NETRULE_BOX &&
		    str_eq(rules[k].rule.name, rules[i].rule.name))
			return true;
	return false;
}

static void write_sets(struct nft_text *t, const struct firewall_rule *rules, size_t n)
{
	char name[FIREWALL_SET_MAX];

	for (size_t i = 0; i < n; i++) {
		if (rules[i].rule.peer != NETRULE_BOX || named_before(rules, i))
			continue;
		nft_set(t, firewall_set(rules[i].rule.name, V4, name), NFT_TYPE_IPV4, 4);
		nft_set(t, firewall_set(rules[i].rule.name, V6, name), NFT_TYPE_IPV6, 16);
	}
}

void firewall_remove(struct nft_text *t)
{
	/* There may be none: so first there is one. */
	nft_table(t, NFT_MSG_NEWTABLE);
	nft_table(t, NFT_MSG_DELTABLE);
}

void firewall_write(struct nft_text *t, const struct firewall_rule *rules, size_t n,
		    const struct firewall_rest rest[2])
{
	nft_table(t, NFT_MSG_NEWTABLE);
	write_sets(t, rules, n);
	write_frame(t);
	for (size_t i = n; i-- > 0;)
		write_rule(t, &rules[i], i + 1);
	write_otherwise(t, rules, n, true, &rest[1]);
	write_otherwise(t, rules, n, false, &rest[0]);
}

/* ---- looking ---- */

#define ATTRIBUTE_TYPE 0x3fff /* NLA_TYPE_MASK, which is an int */

static size_t whole(const struct nlattr *a, size_t left)
{
	return MIN(((size_t)a->nla_len + NLA_ALIGNTO - 1) & ~(size_t)(NLA_ALIGNTO - 1), left);
}

struct looking {
	LIST(struct firewall_entry) found;
	bool failed;
};

static const struct nlattr *find(const void *data, size_t len, uint16_t type)
{
	const struct nlattr *a = data;

	while (len >= sizeof(*a) && a->nla_len >= sizeof(*a) && a->nla_len <= len) {
		size_t step = whole(a, len);

		if ((a->nla_type & ATTRIBUTE_TYPE) == type)
			return a;
		a = (const void *)((const char *)a + step);
		len -= step;
	}
	return NULL;
}

static const void *in(const struct nlattr *a, size_t *len)
{
	*len = a ? a->nla_len - sizeof(*a) : 0;
	return a ? (const void *)(a + 1) : "";
}

static uint64_t number_in(const void *data, size_t len, uint16_t type)
{
	const struct nlattr *a = find(data, len, type);
	uint64_t value = 0;

	if (a && a->nla_len == sizeof(*a) + sizeof(value))
		memcpy(&value, a + 1, sizeof(value));
	return be64toh(value);
}

/* The counter among a rule's expressions. */
static void read_counter(const void *list, size_t left, struct firewall_entry *out)
{
	const struct nlattr *element = list;

	while (left >= sizeof(*element) && element->nla_len >= sizeof(*element) &&
	       element->nla_len <= left) {
		size_t len, data_len, step = whole(element, left);
		const void *body = in(element, &len);
		const struct nlattr *name = find(body, len, NFTA_EXPR_NAME);
		const void *data = in(find(body, len, NFTA_EXPR_DATA), &data_len);

		if (name && str_eq((const char *)(name + 1), "counter")) {
			out->packets += number_in(data, data_len, NFTA_COUNTER_PACKETS);
			out->bytes += number_in(data, data_len, NFTA_COUNTER_BYTES);
		}
		element = (const void *)((const char *)element + step);
		left -= step;
	}
}

static struct firewall_entry *entry_of(struct looking *l, unsigned number, const char *text)
{
	struct firewall_entry *more;

	for (size_t i = 0; i < l->found.n; i++)
		if (l->found.items[i].number == number && str_eq(l->found.items[i].text, text))
			return &l->found.items[i];
	more = reallocarray(l->found.items, l->found.n + 1, sizeof(*more));
	if (!more) {
		l->failed = true;
		return NULL;
	}
	l->found.items = more;
	more += l->found.n++;
	*more = (struct firewall_entry){ .number = number };
	snprintf(more->text, sizeof(more->text), "%s", text);
	return more;
}

static int look_at_rule(void *arg, const struct nlmsghdr *answer)
{
	struct looking *l = arg;
	struct firewall_entry *entry;
	size_t len, list_len;
	const char *data = nl_find(answer, sizeof(struct nfgenmsg), NFTA_RULE_USERDATA, &len);
	const void *list =
		nl_find(answer, sizeof(struct nfgenmsg), NFTA_RULE_EXPRESSIONS, &list_len);
	char text[256] = "";
	uint64_t number;
	const char *at = text;

	if (!data || len < 3 || data[0] != 0)
		return 0;
	memcpy(text, data + 2, MIN(len - 2, sizeof(text) - 1));
	if (str_take_u64(&at, &number) < 0 || !str_starts(at, ": "))
		return 0;
	entry = entry_of(l, (unsigned)number, at + 2);
	if (entry && list)
		read_counter(list, list_len, entry);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct firewall_entry *x = a, *y = b;

	/* 0 is what becomes of the rest. */
	return x->number - 1 < y->number - 1 ? -1 : x->number - 1 > y->number - 1;
}

int firewall_list(struct net_socket *nft, firewall_fn *fn, void *arg)
{
	struct nfgenmsg part = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };
	struct looking l = { 0 };
	struct nl_request q;
	int r;

	nl_begin(&q, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP, &part, sizeof(part));
	nl_put(&q, NFTA_RULE_TABLE, NFT_TABLE, sizeof(NFT_TABLE));
	r = nl_ask(nft, &q, look_at_rule, &l);
	if (r == 0 && (l.failed || l.found.n == 0))
		r = l.failed ? -ENOMEM : -ENOENT;
	if (l.found.n)
		qsort(l.found.items, l.found.n, sizeof(l.found.items[0]), by_number);
	for (size_t i = 0; r == 0 && i < l.found.n; i++)
		r = fn(arg, &l.found.items[i]);
	free(l.found.items);
	return r;
}
