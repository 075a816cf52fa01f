/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Networks. A new network namespace holds one interface, lo, and it is down; others are moved into
 * it. Where nothing else is said a result is 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

int net_loopback_up(void); /* of the caller's network namespace; child-safe */

/* ---- netlink.c: a socket that speaks of one network namespace ---- */

#define NET_FAILED_MAX 128

struct net_socket {
	int fd; /* -1: none */
	uint32_t seq;
	char failed[NET_FAILED_MAX]; /* of a batch: what was to be done, and the kernel's words */
};

int net_socket_open(struct net_socket *out);
/* Of another protocol of netlink(7). */
int net_socket_open_for(struct net_socket *out, int protocol);
/* Of another namespace: the calling thread goes there, and back to its own. */
int net_socket_open_in(struct net_socket *out, int ns_fd, int own_ns_fd);
void net_socket_close(struct net_socket *s);

/* ---- device.c: an interface that goes from one network namespace to another ---- */

struct net_device {
	int index; /* where it is now */
	bool up;   /* as it was when it was looked at */
	struct buf addresses;
};

/* Its index, its state and its permanent addresses, by name. -ENODEV: there is none. */
int net_device_look(struct net_socket *s, const char *name, struct net_device *out);
void net_device_done(struct net_device *d);

/* Is the name in use? 1, 0 or -errno. */
int net_device_exists(struct net_socket *s, const char *name);
/* `ns_fd` is the namespace of `to`. It arrives down, without addresses, under the new name. */
int net_device_move(struct net_socket *from, struct net_socket *to, int ns_fd, const char *name,
		    struct net_device *d);
/* Gives it those addresses that it had, or those of global scope; as many as can be had. */
int net_device_address(struct net_socket *s, const struct net_device *d, bool global_only);
int net_device_up(struct net_socket *s, const struct net_device *d);
