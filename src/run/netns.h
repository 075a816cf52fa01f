/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network namespaces with names, kept as ip-netns(8) keeps them, so that each finds what the other
 * has made: /run/netns/NAME is a file with the namespace mounted on it, which holds it without any
 * process; /run/netns is a shared mount, so that mount namespaces made before learn of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

#define NETNS_DIR "/run/netns"

/* lo is up in it: 127.0.0.1 is what a program expects to have. */
int netns_add(const char *name, struct err *e);
/* One with processes in it is refused, for they would go on in one without a name; unless `force`.
 */
int netns_remove(const char *name, bool force, struct err *e);

struct netns_seen {
	const char *name;
	uint64_t inode; /* 0: a file that is no namespace */
	unsigned processes;
	int pid; /* of one of them; 0: there is none */
};

typedef int netns_fn(void *arg, const struct netns_seen *n);
int netns_list(netns_fn *fn, void *arg, struct err *e);

/*
 * Becomes the command, in that namespace: with its /sys, and with what is in /etc/netns/NAME in
 * place of the files of /etc. Returns only if it cannot.
 */
int netns_exec(const char *name, char *const argv[], struct err *e);

/* ---- net_wire.c: two namespaces, joined by a pair of interfaces ---- */

#define WIRE_ADDRESSES_MAX 4

struct wire_end {
	const char *where; /* "host", a pid, a path, a name of a namespace or of a box */
	char name[16];     /* of the interface; "": one that is free */
	struct ip_net addresses[WIRE_ADDRESSES_MAX];
	size_t n;
};

/* Without addresses free ones are chosen. All of it is there then, or nothing. */
int net_wire(struct wire_end ends[2], struct err *e);
/* Every wire between the two that was made so. How many there were. */
int net_unwire(const char *a, const char *b, struct err *e);
