/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/netlink.h"

#include <assert.h>
#include <linux/netlink.h>
#include <string.h>

#include "sys/process.h"
#include "sys/sock.h"

#define ANSWER_MAX 32768 /* the kernel cuts a list into pieces that are no larger */

int net_socket_open(struct net_socket *out)
{
	int fd = sys_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0)
		return fd;
	*out = (struct net_socket){ .fd = fd };
	return 0;
}

int net_socket_open_in(struct net_socket *out, int ns_fd, int own_ns_fd)
{
	int r = sys_setns(ns_fd, CLONE_NEWNET), back;

	if (r < 0)
		return r;
	r = net_socket_open(out);
	back = sys_setns(own_ns_fd, CLONE_NEWNET);
	if (r == 0 && back < 0)
		net_socket_close(out);
	return back < 0 ? back : r;
}

void net_socket_close(struct net_socket *s)
{
	if (s->fd >= 0)
		sys_close(s->fd);
	s->fd = -1;
}

/* ---- requests ---- */

void nl_begin(struct nl_request *q, uint16_t type, uint16_t flags, const void *part, size_t len)
{
	memset(q, 0, sizeof(*q));
	q->head.nlmsg_type = type;
	q->head.nlmsg_flags = NLM_F_REQUEST | flags;
	q->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(q->body, part, len);
}

void nl_put(struct nl_request *q, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(q->head.nlmsg_len), end = at + RTA_LENGTH(len);
	struct rtattr *a = (struct rtattr *)((char *)q + at);

	assert(end <= sizeof(*q));
	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	q->head.nlmsg_len = (uint32_t)end;
}

/* ---- answers ---- */

static int error_of(const struct nlmsghdr *h)
{
	const struct nlmsgerr *err = NLMSG_DATA(h);

	return h->nlmsg_len < NLMSG_LENGTH(sizeof(*err)) ? -EPROTO : err->error;
}

struct answers {
	uint32_t seq;
	nl_answer *fn;
	void *arg;
	int result;   /* of fn, or that a list was not whole */
	bool changed; /* so it was */
};

/* 1: there will be more. 0, -errno: it was the last one. */
static int take_answer(struct answers *a, const struct nlmsghdr *h)
{
	if (h->nlmsg_seq != a->seq)
		return 1;
	a->changed |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (h->nlmsg_type == NLMSG_ERROR)
		return error_of(h);
	if (h->nlmsg_type == NLMSG_DONE)
		return 0;
	/* After a failure the rest is still read, so that the next request finds none of it. */
	if (a->fn && a->result == 0)
		a->result = a->fn(a->arg, h);
	return 1;
}

int nl_ask(struct net_socket *s, struct nl_request *q, nl_answer *fn, void *arg)
{
	bool list = (q->head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct answers a = { .seq = ++s->seq, .fn = fn, .arg = arg };
	_Alignas(struct nlmsghdr) char block[ANSWER_MAX];
	ssize_t n;
	int r = 1;

	q->head.nlmsg_seq = a.seq;
	q->head.nlmsg_flags |= list ? 0 : NLM_F_ACK; /* a list has an end of its own */
	n = sys_write(s->fd, q, q->head.nlmsg_len);
	while (n >= 0 && r > 0) {
		do {
			n = sys_read(s->fd, block, sizeof(block));
		} while (n == -EINTR);
		for (struct nlmsghdr *h = (struct nlmsghdr *)block; r > 0 && NLMSG_OK(h, n);
		     h = NLMSG_NEXT(h, n))
			r = take_answer(&a, h);
	}
	if (n < 0 && r > 0)
		return (int)n;
	if (r == 0)
		r = a.result;
	return r == 0 && a.changed ? -EINTR : r;
}

const void *nl_find(const struct nlmsghdr *answer, size_t part_len, uint16_t type, size_t *len)
{
	size_t left = answer->nlmsg_len - NLMSG_LENGTH(0), skip = NLMSG_ALIGN(part_len);
	const struct rtattr *a = (const void *)((const char *)NLMSG_DATA(answer) + skip);

	for (left -= skip < left ? skip : left; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if ((a->rta_type & NLA_TYPE_MASK) != type)
			continue;
		*len = RTA_PAYLOAD(a);
		return RTA_DATA(a);
	}
	return NULL;
}
