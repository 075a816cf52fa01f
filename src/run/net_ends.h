/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both ends of what is wired: our network namespace, and that of a process. */
#pragma once

#include "net/net.h"

struct net_ends {
	int own_ns_fd, ns_fd;
	struct net_socket own, its;
};

#define NET_ENDS_INIT                                                    \
	{                                                                \
		.own_ns_fd = -1, .ns_fd = -1, .own.fd = -1, .its.fd = -1 \
	}

/* -EALREADY: the process is in our own. `failed` says what could not be done. */
int net_ends_open(struct net_ends *n, int pid, const char **failed);
/* There, ports below 1024 are for everybody: they are nobody else's. */
/* And packets of others are not handed on. */
int net_ends_tame(struct net_ends *n);
void net_ends_close(struct net_ends *n);
