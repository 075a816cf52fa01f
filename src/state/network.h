/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept on disk of networks, by the network namespace ("host") that they are in:
 *
 *	/run/holm/net/HOST/            HOST: the namespace's cookie, which no other one ever has
 *		lock                   held (flock(2)) by whoever changes anything below
 *		ports                  a line for each published port
 *		NAME/network           what the network is; replaced as a whole
 *		NAME/peers             the other hosts of an overlay, an address a line
 *		NAME/hosts/NUMBER      the names of who has that address, for its name server
 *		NAME/watchers/HOSTNAME@LEASE  the rules of who has that lease speak of that name
 *		NAME/lease-NUMBER-PIDNS-PID-START
 *
 * A lease is an address of a network: its NUMBER counts from the subnet's first one. Its name says
 * whose it is, the first process of a box, so that what was left by those who were killed can be
 * told apart by reading one directory. The lock goes with its holder, and between two changes
 * everything is whole: what is recorded is done after, and what is undone is forgotten after.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/list.h"
#include "base/portmap.h"
#include "base/str.h"

#define NETWORKS_ROOT    "/run/holm/net"
#define NETWORK_NAME_MAX 32
#define LEASE_NAME_MAX   80
#define HOSTNAME_MAX     64

/*
 * A network over several hosts: the bridge of each has a VXLAN device as a port. All of them have
 * the same subnet; it is cut into equal slots, and a host gives out addresses of its own slot
 * alone, so that no two hosts ever give out the same. The first of a slot is the host's own.
 */
struct overlay {
	char device[16];
	uint32_t vni; /* 0: it is no overlay */
	uint16_t port;
	uint32_t mtu; /* of what is inside */
	uint32_t slot, slots;
	struct ip local;
	char key_file[160]; /* what is sent is encrypted with keys made from that; "": it is not */
};

struct network {
	char name[NETWORK_NAME_MAX + 1];
	char bridge[16];
	struct overlay overlay;
	struct ip_net subnet[2]; /* v4, v6; family 0: none */
	bool internal;           /* nothing leads out of it */
	bool has_dns;
	bool has_etcd; /* its hosts are kept by etcd; NAME/etcd says how, NAME/held until when */
	int etcd_pid;  /* holm-etcd */
	uint64_t etcd_start;
	int dns_pid; /* its name server, with the time of its start; 0: none was started */
	uint64_t dns_start;
};

struct ip network_gateway(const struct network *n, int v6);
/* The numbers that boxes of this host can have: from *first to below *end. */
void network_share(const struct network *n, uint32_t *first, uint32_t *end);
/* Into how many slots a subnet of that prefix is cut. */
uint32_t overlay_slots(uint8_t prefix);
bool network_name_valid(const char *name);

/* ---- the directory of this host ---- */

struct networks {
	int fd, lock_fd; /* -1: none */
	uint64_t host;
};

#define NETWORKS_INIT             \
	{                         \
		-1, -1, .host = 0 \
	}

/* Without the lock, to look. -ENOENT: nothing was ever made here. */
int networks_open(struct networks *out);
/* With it; the directory is made if need be. */
int networks_lock(struct networks *out, struct err *e);
void networks_close(struct networks *n);
/* That of another one, if it is there and nobody has it now. */
int networks_lock_other(struct networks *out, uint64_t host);
int networks_own(uint64_t *out);
/* All that have a directory. What is not 0 ends it, and is handed on. */
int networks_each(int (*fn)(void *arg, uint64_t host), void *arg);

#define _cleanup_networks_ __attribute__((cleanup(networks_close)))

int networks_list(struct arena *a, const struct networks *n, strings *out);
/* Removes the directory of the host if there is nothing in it. */
void networks_tidy(const struct networks *n);

int network_load(const struct networks *n, const char *name, struct network *out); /* -ENOENT */
int network_make_dir(const struct networks *n, const char *name);
int network_save(const struct networks *n, const struct network *net);
int network_forget(const struct networks *n, const char *name);

#define PEERS_MAX 64
#define NONCE_LEN 16

/* What a host has chosen at random when it came; zeros: it has told of none. */
struct nonce {
	uint8_t bytes[NONCE_LEN];
};

struct peers {
	struct ip items[PEERS_MAX];
	struct nonce nonces[PEERS_MAX], own;
	size_t n;
};

/* "ADDRESS", or "ADDRESS#NONCE" in hexadecimal. */
int peer_parse(const char *word, struct ip *out, struct nonce *nonce);

/* What is told to holm-etcd, a word a line; and until when (CLOCK_BOOTTIME) it has the lease. */
int etcd_save(const struct networks *n, const char *network, const struct buf *words);
int etcd_load(const struct networks *n, const char *network, struct buf *out);
int etcd_held_until(const struct networks *n, const char *network, int64_t *out_ms);

/* Which keys were ever in use, as lines of NAME/keys. */
int keys_load(const struct networks *n, const char *network, struct buf *out);
int keys_add(const struct networks *n, const char *network, const char *line);

int peers_load(const struct networks *n, const char *network, struct peers *out);
int peers_save(const struct networks *n, const char *network, const struct peers *peers);

/* ---- leases ---- */

struct lease {
	char name[LEASE_NAME_MAX]; /* of its file */
	uint32_t number;
	uint64_t pid_ns, start;
	int pid;
	/* what is in the file */
	char interface[16];          /* the host's end */
	char hostname[HOSTNAME_MAX]; /* "": none */
	struct ip address[2];
	uint64_t net_ns; /* inode of the box's network namespace */
};

typedef LIST(struct lease) leases;

/* All of a network; of each what its name says. */
int lease_list(struct arena *a, const struct networks *n, const char *network, leases *out);
/* What a name says, if it is one. */
bool lease_from_name(const char *name, struct lease *out);
/* What is in the file. */
int lease_load(const struct networks *n, const char *network, struct lease *l);
/*
 * The hardware address that goes with its address: a neighbour that remembers the one who had that
 * before still finds it.
 */
void lease_mac(const struct lease *l, uint8_t out[MAC_LEN]);
/* Is its owner gone? Of another pid namespace nobody here can tell. `thorough`: looks whether a
 * process of that pid is the one that is meant. */
bool lease_is_left(const struct lease *l, bool thorough);
uint64_t lease_own_pid_ns(void);
/* The lowest free number of the network, or `wanted` if not 0. -EADDRINUSE, -ENOSPC. */
int lease_choose(const struct network *net, const leases *taken, uint32_t wanted, uint32_t *out);
/* Fills l->name from its owner and number, and writes it. */
int lease_save(const struct networks *n, const struct network *net, struct lease *l);
/* 1: a name has gone, too. */
int lease_drop(const struct networks *n, const char *network, const struct lease *l);

/* ---- watchers: whose rules speak of which name ---- */

int watchers_add(const struct networks *n, const char *network, const char *name,
		 const char *lease);
/* All that this lease has watched. */
void watchers_drop(const struct networks *n, const char *network, const char *lease);
/* The names of the leases of who watches it; none is no failure. */
int watchers_list(struct arena *a, const struct networks *n, const char *network, const char *name,
		  strings *out);

/* ---- ports ---- */

struct port_claim {
	char network[NETWORK_NAME_MAX + 1];
	char lease[LEASE_NAME_MAX];
	struct portmap map;
	struct ip to; /* the address of the box, of the family of map.host */
};

typedef LIST(struct port_claim) port_claims;

/* All; or those that are about the same ports of the host, whatever the address. */
int ports_load(struct arena *a, const struct networks *n, const struct portmap *near,
	       port_claims *out);
bool ports_mention(const struct networks *n, const char *lease);
int ports_save(const struct networks *n, const port_claims *all);
int ports_add(const struct networks *n, const struct port_claim *claims, size_t count);
