/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A token bucket (tc-tbf(8)) at each end of a pair: what goes into the box waits at the host's end,
 * what comes out of it at the box's own. A queue of 50 ms at that rate may wait; the rest is
 * dropped, which is how the senders learn of it.
 */
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/macro.h"
#include "net/link.h"
#include "net/netlink.h"

#define BURST_MIN 16384U
#define HEADERS   64U

struct bucket {
	struct tc_tbf_qopt opt;
	uint64_t rate, burst;
};

static void fill(struct bucket *b, uint64_t bits_per_second, uint32_t mtu)
{
	uint64_t rate = bits_per_second / 8;
	/* At least one packet, else none would ever pass. What offloads made larger is cut. */
	uint64_t burst = MAX(rate / 100, (uint64_t)MAX(BURST_MIN, mtu + HEADERS));

	memset(b, 0, sizeof(*b));
	b->rate = rate;
	b->burst = burst;
	b->opt.rate.rate = (uint32_t)MIN(rate, UINT32_MAX);
	b->opt.rate.linklayer = TC_LINKLAYER_ETHERNET;
	b->opt.limit = (uint32_t)MIN(rate / 20 + burst, UINT32_MAX);
}

int link_shape(struct net_socket *s, const char *name, uint64_t bits_per_second, uint32_t mtu)
{
	struct tcmsg part = { .tcm_parent = TC_H_ROOT };
	struct nl_request q;
	struct nl_batch batch;
	struct bucket b;
	uint32_t burst;
	size_t options;
	int index = link_index(s, name);

	if (index < 0)
		return index;
	part.tcm_ifindex = index;
	fill(&b, bits_per_second, mtu);
	burst = (uint32_t)MIN(b.burst, UINT32_MAX);
	nl_batch_begin(&batch, s);
	nl_begin(&q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &part, sizeof(part));
	nl_put(&q, TCA_KIND, "tbf", sizeof("tbf"));
	options = nl_nest(&q, TCA_OPTIONS);
	nl_put(&q, TCA_TBF_PARMS, &b.opt, sizeof(b.opt));
	nl_put(&q, TCA_TBF_BURST, &burst, sizeof(burst));
	nl_put(&q, TCA_TBF_RATE64, &b.rate, sizeof(b.rate));
	nl_nest_end(&q, options);
	nl_batch_add(&batch, &q, "limit its rate");
	return nl_batch_send(&batch);
}
