/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks over several hosts: what a bridge has beside its boxes. */
#pragma once

#include "run/networks.h"

#define OVERLAY_PORT 4789 /* RFC 7348 */
#define ETCD_TTL_S   15

struct overlay_wish {
	struct peers peers; /* the host itself may be among them */
	struct ip local;    /* family 0: found out */
	uint32_t vni;       /* 0: made from the name */
	uint32_t slot;      /* UINT32_MAX: its place in the sorted list of hosts */
	uint16_t port;      /* 0: OVERLAY_PORT */

	/* Hosts and slots are kept by etcd; NULL: by nobody. */
	const char *etcd, *etcd_ca, *etcd_cert, *etcd_key;
	const char *key_file; /* all that is sent is encrypted; NULL: it is not */
	uint32_t ttl_s;       /* so long after a host has died its slot is free; 0: ETCD_TTL_S */
};

/*
 * Decides all of it, so that the same is decided on each host; the host itself leaves the peers.
 * Subnets that were not given are made from the number of the network.
 */
int overlay_decide(struct overlay_wish *w, struct network_wish *subnets, const char *name,
		   struct overlay *out, struct err *e);
/* The device and its peers, as far as they are missing. */
int overlay_put_up(const struct networks *n, struct net_socket *s, const struct network *net,
		   struct err *e);
void overlay_take_down(const struct networks *n, struct net_socket *s, const struct network *net);
/* NULL, or what is wrong. */
const char *overlay_look(const struct networks *n, struct net_socket *s, const struct network *net);

enum peers_act { PEERS_ADD, PEERS_REMOVE, PEERS_SET };

/* On one that lives. */
int overlay_change_peers(const char *network, enum peers_act act, const struct peers *peers,
			 struct err *e);

/* ---- overlay_rules.c ---- */

int rules_put_overlay(struct rules *r, const struct networks *n, const struct network *net,
		      struct err *e);
void rules_remove_overlay(struct rules *r, const struct networks *n, const struct network *net);
/* Who is not among those that are kept. */
void rules_forget_peers(struct rules *r, const struct network *net, const struct peers *old,
			const struct peers *kept);
bool rules_have_overlay(struct rules *r, const struct networks *n, const struct network *net);

/* ---- net_etcd.c: the program holm-etcd, one for each network that etcd keeps ---- */

/* Where holm-etcd is; `out` has room for PATH_MAX. */
int etcd_find_helper(char *out, struct err *e);
/* What it is to be told; before the network is written down. */
int etcd_prepare(const struct networks *n, const struct network *net, const struct overlay_wish *w,
		 struct err *e);
bool etcd_is_up(const struct network *net); /* or is not wanted */
/* If it is not up. It says which slot is ours, and that is saved with the network. */
int etcd_start(const struct networks *n, struct network *net, struct err *e);
void etcd_stop(const struct networks *n, const struct network *net);
/* Is the slot ours for sure? */
int etcd_holds(const struct networks *n, const struct network *net, struct err *e);

/* ---- overlay_esp.c: what goes between the hosts is encrypted ---- */

/* Can it be? The kernel has it, the file is good, and the port is no other network's. */
int esp_prepare(const struct networks *n, const struct network *net, struct err *e);
/*
 * Policies that demand it for every peer, then the keys. A key that was in use and is gone is not
 * put again: -EKEYEXPIRED, and holm-etcd has to be started anew, which brings fresh ones.
 */
int esp_put_up(const struct networks *n, const struct network *net, const struct peers *peers,
	       struct err *e);
/* Of those peers that are not among `kept`. */
void esp_forget(const struct network *net, const struct peers *old, const struct peers *kept);
void esp_take_down(const struct networks *n, const struct network *net);
/* 0: all is there; 1: policies or keys are missing; -EKEYEXPIRED as above. */
int esp_look(const struct networks *n, const struct network *net, const struct peers *peers);
