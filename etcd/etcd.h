/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm-etcd: one process for each network whose hosts are kept by etcd. A program of its own, for
 * its libraries' sake. What there is at etcd, below /holm/NETWORK/:
 *
 *	slots/N         "ADDRESS#NONCE CONFIG...": whose the slot is, what he has chosen at random
 *when he came, and what he takes the network for boxes/N/NUMBER  lines of hosts(5): the names of a
 *box in that slot
 *
 * All of it hangs on a lease of its host: who dies loses it, and his slot is free.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define URLS_MAX  8
#define VALUE_MAX 512

/* ---- client.c: requests to etcd, by its JSON gateway ---- */

struct client {
	const char *urls[URLS_MAX];
	unsigned n_urls, at; /* the one that answered last */
	const char *ca, *cert, *key;
	void *multi, *watch; /* a transfer that goes on; NULL: none */
	struct buf watch_body;
	bool event; /* it has told of something, or has ended */
};

int client_open(struct client *c);
/* Takes `body`. `*out`, which may be NULL, is the answer's, to be put. */
int client_ask(struct client *c, const char *path, struct json_object *body,
	       struct json_object **out, struct err *e);
/* From then on waiting ends when something below the prefix changes. */
void client_watch(struct client *c, const char *prefix, int64_t revision);
/* Until something has changed there, or at `fd`, or time is up. */
void client_wait(struct client *c, int fd, int timeout_ms);

/* Keys and values are in base64 there. */
void client_put_text(struct json_object *o, const char *member, const char *text);
bool client_get_text(struct json_object *o, const char *member, char *out, size_t room);
int64_t client_get_number(struct json_object *o, const char *member);
/* "key" and "range_end" of all that begin so. */
struct json_object *client_range(const char *prefix);

/* ---- host.c: what this host has there ---- */

struct host {
	struct client client;
	const char *network, *local, *config, *dir;
	uint32_t ttl_s, slots;
	uint32_t slot; /* UINT32_MAX: none yet */
	int64_t lease;
	char nonce[33];
	struct buf peers, published; /* as they were last applied */
};

/* A lease, and a slot: that which we had, if we have had one. */
int host_join(struct host *h, struct err *e);
/* -ENOENT: the lease is there no more. */
int host_keep_alive(struct host *h, struct err *e);
/* Peers and names, both ways. */
int host_sync(struct host *h, struct err *e);
/* Gives all of it back; the lease is read from the directory. */
int host_leave(struct host *h, struct err *e);
