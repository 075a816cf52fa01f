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

/* An interface with a few attributes, or an address with all that it can have. */
struct nl_request {
	struct nlmsghdr head;
	char body[240];
};

/* `part` is what stands at the head of such a message: struct ifinfomsg, struct ifaddrmsg. */
void nl_begin(struct nl_request *q, uint16_t type, uint16_t flags, const void *part, size_t len);
/* There is room for it: who calls this knows what a request can hold. */
void nl_put(struct nl_request *q, uint16_t type, const void *data, size_t len);

/* Called for each answer; what is not 0 ends it. */
typedef int nl_answer(void *arg, const struct nlmsghdr *answer);

/* 0, or -errno: the kernel's, or that of `fn`. -EINTR: what was listed has changed meanwhile. */
int nl_ask(struct net_socket *s, struct nl_request *q, nl_answer *fn, void *arg);

/* The first attribute of that type behind a part of `part_len`; NULL if there is none. */
const void *nl_find(const struct nlmsghdr *answer, size_t part_len, uint16_t type, size_t *len);
