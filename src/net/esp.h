/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPsec's ESP in transport mode (RFC 4303), by the kernel's xfrm, for one UDP port between two
 * hosts. A policy demands it, and what comes or would go without is dropped, keys or none. A state
 * is a key for one direction; with AES-GCM one must never be put twice (RFC 4106, 2).
 */
#pragma once

#include "base/ip.h"
#include "net/net.h"

#define ESP_KEY_LEN 36 /* AES-256, and the salt */
#define ESP_EXTRA   40 /* bytes that a packet grows by */

struct esp_way {
	struct ip from, to;
	uint16_t port;
	uint32_t id; /* whose it is: policies and states with the same one go together */
};

int esp_open(struct net_socket *out);
int esp_put_policy(struct net_socket *s, const struct esp_way *w, bool out);
int esp_remove_policy(struct net_socket *s, const struct esp_way *w, bool out);
int esp_has_policy(struct net_socket *s, const struct esp_way *w, bool out); /* 1, 0, -errno */
/* -EEXIST: it is there. */
int esp_put_state(struct net_socket *s, const struct esp_way *w, uint32_t spi,
		  const uint8_t key[ESP_KEY_LEN]);
int esp_remove_state(struct net_socket *s, const struct ip *to, uint32_t spi);

/* All states with that id; what is not 0 ends it. */
typedef int esp_state_fn(void *arg, const struct ip *to, uint32_t spi);
int esp_states(struct net_socket *s, uint32_t id, esp_state_fn *fn, void *arg);
