/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm-egress: the way out of a box that may reach some names and nothing else.
 *
 * The box has a network namespace with lo alone. Who asks for a name there asks us, and gets an
 * address out of a pool that stands for that name. Who connects to such an address is connected to
 * us, and we connect to the name, out here. So no address is ever tried but those that an allowed
 * name has at that moment, and no packet of the box leaves it at all.
 *
 * It is a program of its own because it listens to what nobody trusts: it has no rights, one
 * thread that looks at that, and some that ask for names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/hostname.h"
#include "base/ip.h"

/* ---- names.c: which addresses stand for which names ---- */

#define POOL_NET      EGRESS_NET
#define POOL_NAMES    4096
#define PORT_FORWARD  1
#define PORT_DNS      53
#define ADDRESSES_MAX 8 /* of a name that are tried */

struct name {
	char text[HOSTNAME_LEN_MAX + 1];
	uint32_t wish; /* the first that has it */
	/* what was found last time, and how long it is good */
	struct ip addresses[ADDRESSES_MAX];
	size_t n_addresses;
	int64_t good_until_ms;
};

struct names {
	struct host_wish *wishes;
	size_t n_wishes;
	struct name *items[POOL_NAMES];
	size_t n;
};

/* The name that is allowed: from now on it has an address. NULL: it is not, or there are too many,
 * and then *full. */
struct name *names_get(struct names *n, const char *text, bool *full);
struct ip names_address(const struct names *n, const struct name *name);
struct name *names_at(const struct names *n, const struct ip *address);
/* May that port of it be connected to? And the address that it has by the wish, if it has one. */
const struct host_wish *names_port(const struct names *n, const struct name *name, uint16_t port);

/* ---- log.c: a line of JSON for what was done, and what was refused ---- */

void log_open(int fd); /* -1: none */
void log_name(const char *event, const char *name, const char *why);
void log_connection(const char *event, const char *name, uint16_t port, const struct ip *to,
		    const char *why);
void log_closed(const char *name, uint16_t port, uint64_t sent, uint64_t received);
void log_packet(const char *protocol, const struct ip *to, uint16_t port);

/* ---- dns.c ---- */

#define DNS_MAX 512

/* The answer to a question, into `out`: its length; 0: none is deserved. Pure but for the pool. */
size_t dns_answer(struct names *n, const uint8_t *question, size_t len, uint8_t out[DNS_MAX]);
void dns_serve(struct names *n, int fd);

/* ---- refused.c: what the box has tried besides ---- */

int refused_open(int *out); /* in the box's network namespace */
void refused_read(int fd);

/* ---- setup.c: in the network namespace of the box, from outside ---- */

struct inside {
	int listen_fd, dns_fd, refused_fd;
	const char *failed;
};

int setup_inside(int pid, int pidfd, struct inside *out);

/* ---- resolve.c ---- */

struct answer {
	void *who;
	struct ip addresses[ADDRESSES_MAX];
	size_t n;
	const char *why; /* n is 0 */
};

/* A descriptor that is readable when there are answers. */
int resolve_open(void);
/* false: no thread was to be had. */
bool resolve_ask(const char *name, void *who);
/* The next answer, to be freed; NULL: none is ready. */
struct answer *resolve_next(void);

/* ---- forward.c ---- */

int64_t now_ms(void);
int forward_open(struct names *n, int epoll_fd, int listen_fd);
void forward_accept(void);
/* Something is to be done for the connection that epoll has named. */
void forward_ready(void *what);
void forward_resolved(struct answer *a);
/* Ends what waits too long; how long until there is something to end, in ms, -1: nothing. */
int forward_tick(void);
/* The box has ended: what it has done until then is still said. */
void forward_end(void);
