/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/netlink.h"

#include <assert.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "sys/process.h"
#include "sys/sock.h"

#define ANSWER_MAX 32768 /* the kernel cuts a list into pieces that are no larger */

int net_socket_take(struct net_socket *out, int fd)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int r = fd < 0 ? fd : sys_connect(fd, &kernel, sizeof(kernel));

	*out = (struct net_socket){ .fd = r < 0 ? -1 : fd };
	if (r < 0 && fd >= 0)
		sys_close(fd);
	sys_getrandom(&out->seq, sizeof(out->seq), GRND_NONBLOCK);
	return r;
}

int net_socket_open_for(struct net_socket *out, int protocol)
{
	int fd = sys_socket(AF_NETLINK, SOCK_RAW, protocol), on = 1, r;

	r = net_socket_take(out, fd);
	if (r < 0)
		return r;
	/* The kernel's words for a failure, and not our own message back. */
	sys_setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	sys_setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

int net_socket_open(struct net_socket *out)
{
	return net_socket_open_for(out, NETLINK_ROUTE);
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
	if (len)
		memcpy(RTA_DATA(a), data, len);
	q->head.nlmsg_len = (uint32_t)end;
}

size_t nl_nest(struct nl_request *q, uint16_t type)
{
	size_t at = NLMSG_ALIGN(q->head.nlmsg_len);

	nl_put(q, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void nl_nest_end(struct nl_request *q, size_t nest)
{
	struct rtattr *a = (struct rtattr *)((char *)q + nest);

	q->head.nlmsg_len = (uint32_t)NLMSG_ALIGN(q->head.nlmsg_len);
	a->rta_len = (uint16_t)(q->head.nlmsg_len - nest);
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

/* ---- batches ---- */

void nl_batch_begin(struct nl_batch *b, struct net_socket *s)
{
	b->socket = s;
	b->len = b->n = 0;
}

void nl_batch_add(struct nl_batch *b, const struct nl_request *q, const char *words)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(b->data + b->len);

	assert(b->n < NL_BATCH_MAX);
	memcpy(h, q, q->head.nlmsg_len);
	h->nlmsg_flags |= NLM_F_ACK;
	h->nlmsg_seq = b->socket->seq + 1 + b->n;
	b->words[b->n++] = words;
	b->len += NLMSG_ALIGN(q->head.nlmsg_len);
}

void nl_batch_frame(struct nl_batch *b, const struct nl_request *q)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(b->data + b->len);

	memcpy(h, q, q->head.nlmsg_len);
	h->nlmsg_seq = b->socket->seq; /* of none of them */
	b->len += NLMSG_ALIGN(q->head.nlmsg_len);
}

/* "give it its address: Nexthop has invalid gateway": ours, and what the kernel adds. */
static void note_failure(struct nl_batch *b, unsigned index, const struct nlmsghdr *h)
{
	const char *more = NULL;
	size_t len = 0;

	if (h->nlmsg_flags & NLM_F_ACK_TLVS)
		more = nl_find(h, sizeof(struct nlmsgerr), NLMSGERR_ATTR_MSG, &len);
	snprintf(b->socket->failed, sizeof(b->socket->failed), "%s%s%.*s", b->words[index],
		 more ? ": " : "", (int)len, more ? more : "");
}

struct acks {
	unsigned n; /* so many have come */
	int result;
};

/* The answer to one of them; 1 when it was the last. */
static bool take_ack(struct nl_batch *b, struct acks *acks, const struct nlmsghdr *h)
{
	unsigned index = h->nlmsg_seq - b->socket->seq - 1;

	if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_seq == b->socket->seq && acks->result == 0) {
		acks->result = error_of(h);
		snprintf(b->socket->failed, sizeof(b->socket->failed), "commit it");
		/* Where already the frame is refused nothing else is answered. */
		return acks->result == -EPERM || acks->result == -EOPNOTSUPP;
	}
	if (h->nlmsg_type != NLMSG_ERROR || index >= b->n)
		return false;
	if (error_of(h) < 0 && acks->result == 0) {
		acks->result = error_of(h);
		note_failure(b, index, h);
	}
	return ++acks->n == b->n;
}

int nl_batch_send(struct nl_batch *b)
{
	_Alignas(struct nlmsghdr) char block[ANSWER_MAX];
	struct acks acks = { 0 };
	bool all = b->n == 0;
	ssize_t n = all ? 0 : sys_write(b->socket->fd, b->data, b->len);

	while (n >= 0 && !all) {
		do {
			n = sys_read(b->socket->fd, block, sizeof(block));
		} while (n == -EINTR);
		for (struct nlmsghdr *h = (struct nlmsghdr *)block; !all && NLMSG_OK(h, n);
		     h = NLMSG_NEXT(h, n))
			all = take_ack(b, &acks, h);
	}
	b->socket->seq += b->n;
	if (n < 0 && !all) {
		snprintf(b->socket->failed, sizeof(b->socket->failed), "ask the kernel");
		return (int)n;
	}
	return acks.result;
}
