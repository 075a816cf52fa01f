/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnetlink(7), as little of it as this room needs: a request goes out, and its answers come back
 * one by one. Runs in the parent. A socket speaks of the network namespace in which it was opened,
 * wherever its owner goes.
 */
#pragma once

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#include "net/net.h"

/* The largest is a key of ESP with its window. */
struct nl_request {
	struct nlmsghdr head;
	char body[448];
};

/*
 * Takes over a netlink socket, or the error that there is none; closes it where that fails. Whoever
 * has CAP_NET_ADMIN over its network namespace, as any user has over his own, may write to it: so
 * it is connected, and the kernel lets nobody's words through but its own.
 */
int net_socket_take(struct net_socket *out, int fd);

/* `part` is what stands at the head of such a message: struct ifinfomsg, struct ifaddrmsg. */
void nl_begin(struct nl_request *q, uint16_t type, uint16_t flags, const void *part, size_t len);
/* There is room for it: who calls this knows what a request can hold. */
void nl_put(struct nl_request *q, uint16_t type, const void *data, size_t len);

/* device.c: the link of that name. -ENODEV */
int net_link_find(struct net_socket *s, const char *name, struct ifinfomsg *out);

/* What is put between the two is within an attribute of that type. */
size_t nl_nest(struct nl_request *q, uint16_t type);
void nl_nest_end(struct nl_request *q, size_t nest);

/* Called for each answer; what is not 0 ends it. */
typedef int nl_answer(void *arg, const struct nlmsghdr *answer);

/* 0, or -errno: the kernel's, or that of `fn`. -EINTR: what was listed has changed meanwhile. */
int nl_ask(struct net_socket *s, struct nl_request *q, nl_answer *fn, void *arg);

/* The first attribute of that type behind a part of `part_len`; NULL if there is none. */
const void *nl_find(const struct nlmsghdr *answer, size_t part_len, uint16_t type, size_t *len);

/* ---- several requests in one message: they are done in order, whatever becomes of each ---- */

#define NL_BATCH_MAX 24

struct nl_batch {
	struct net_socket *socket;
	size_t len;
	unsigned n;
	const char *words[NL_BATCH_MAX]; /* what each of them does, for who reads of its failure */
	char data[(NL_BATCH_MAX + 2) * sizeof(struct nl_request)];
};

void nl_batch_begin(struct nl_batch *b, struct net_socket *s);
void nl_batch_add(struct nl_batch *b, const struct nl_request *q, const char *words);
/* A message that is not answered unless all of it fails: what nfnetlink puts around them. */
void nl_batch_frame(struct nl_batch *b, const struct nl_request *q);
/* 0, or -errno of the first that failed; the socket's `failed` tells which, and why. */
int nl_batch_send(struct nl_batch *b);
