/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules in the box's network namespace have refused: nfnetlink_log tells of each packet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "egress.h"
#include "net/netlink.h"
#include "net/nft.h"
#include "sys/fd.h"

#define GROUP    1
#define RECENT   32
#define QUIET_MS 10000 /* so long the same is not said again */

static int configure(struct net_socket *s)
{
	struct nfgenmsg part = { .version = NFNETLINK_V0, .res_id = htons(GROUP) };
	struct nfulnl_msg_config_cmd bind = { NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(64),
					       .copy_mode = NFULNL_COPY_PACKET };
	uint32_t each = htonl(1); /* at once, not when there are many */
	struct nl_request q;
	int r;

	nl_begin(&q, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, 0, &part, sizeof(part));
	nl_put(&q, NFULA_CFG_CMD, &bind, sizeof(bind));
	r = nl_ask(s, &q, NULL, NULL);
	if (r < 0)
		return r;
	nl_begin(&q, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, 0, &part, sizeof(part));
	nl_put(&q, NFULA_CFG_MODE, &mode, sizeof(mode));
	nl_put(&q, NFULA_CFG_QTHRESH, &each, sizeof(each));
	return nl_ask(s, &q, NULL, NULL);
}

int refused_open(int *out)
{
	struct net_socket s;
	int r = nft_open(&s);

	if (r < 0)
		return r;
	r = configure(&s);
	if (r < 0)
		net_socket_close(&s);
	else
		*out = s.fd;
	return r;
}

struct tried {
	struct ip to;
	uint16_t port;
	uint8_t protocol;
	int64_t at_ms;
};

/* A program that tries again and again is told of once in a while. */
static bool is_news(const struct tried *t)
{
	static struct tried recent[RECENT];
	static unsigned at;

	for (unsigned i = 0; i < RECENT; i++) {
		struct tried *r = &recent[i];

		if (r->protocol == t->protocol && r->port == t->port && ip_eq(&r->to, &t->to) &&
		    t->at_ms - r->at_ms < QUIET_MS)
			return false;
	}
	recent[at++ % RECENT] = *t;
	return true;
}

static void tell(const uint8_t *p, size_t len)
{
	struct tried t = { .at_ms = now_ms() };
	size_t head = 0;
	const char *word;

	if (len >= 20 && p[0] >> 4 == 4) {
		t.to.family = AF_INET;
		t.protocol = p[9];
		memcpy(t.to.bytes, p + 16, 4);
		head = (size_t)(p[0] & 15) * 4;
	} else if (len >= 40 && p[0] >> 4 == 6) {
		t.to.family = AF_INET6;
		t.protocol = p[6];
		memcpy(t.to.bytes, p + 24, 16);
		head = 40;
	} else {
		return;
	}
	word = t.protocol == IPPROTO_TCP ? "tcp" : t.protocol == IPPROTO_UDP ? "udp" : "other";
	if (*word != 'o' && head + 4 <= len)
		t.port = (uint16_t)(p[head + 2] << 8 | p[head + 3]);
	if (is_news(&t))
		log_packet(word, &t.to, t.port);
}

void refused_read(int fd)
{
	_Alignas(struct nlmsghdr) char block[16384];
	ssize_t n = recv(fd, block, sizeof(block), MSG_DONTWAIT);

	for (struct nlmsghdr *h = (struct nlmsghdr *)block; n > 0 && NLMSG_OK(h, n);
	     h = NLMSG_NEXT(h, n)) {
		size_t len;
		const void *packet = nl_find(h, sizeof(struct nfgenmsg), NFULA_PAYLOAD, &len);

		if (h->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) && packet)
			tell(packet, len);
	}
}
