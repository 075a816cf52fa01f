/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of IPv4 and IPv6, networks of them, hardware addresses: read, counted, written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ip {
	uint8_t family; /* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16];
};

/* An address and how many of its bits are the network's. */
struct ip_net {
	struct ip ip;
	uint8_t prefix;
};

#define IP_TEXT_MAX  56
#define MAC_LEN      6
#define MAC_TEXT_MAX 18

static inline size_t ip_len(const struct ip *a)
{
	return a->family == AF_INET6 ? 16 : 4;
}

/* The whole text must be it. 0 or -EINVAL. */
int ip_parse(const char *s, struct ip *out);
/* "10.0.0.5/24"; without a prefix it is that one address alone. */
int ip_net_parse(const char *s, struct ip_net *out);
int mac_parse(const char *s, uint8_t out[MAC_LEN]); /* not a group's */

/* Into `out`, which is returned. */
const char *ip_print(const struct ip *a, char out[IP_TEXT_MAX]);
const char *ip_net_print(const struct ip_net *n, char out[IP_TEXT_MAX]);
const char *mac_print(const uint8_t mac[MAC_LEN], char out[MAC_TEXT_MAX]);

bool ip_eq(const struct ip *a, const struct ip *b);
bool ip_is_any(const struct ip *a);      /* 0.0.0.0, :: */
bool ip_is_loopback(const struct ip *a); /* 127.0.0.0/8, ::1 */

/*
 * Is it neither one party's own on the internet, nor anybody's there? Private, of the link, of a
 * group, of loopback, reserved, for documents; or an IPv6 address that stands for such a one.
 */
bool ip_is_special(const struct ip *a);
/* Those networks, as text, up to NULL. */
extern const char *const ip_special[];

/* The network's first address: what is not of the prefix is 0. */
struct ip_net ip_net_base(const struct ip_net *n);
bool ip_net_has(const struct ip_net *n, const struct ip *a);
bool ip_net_overlap(const struct ip_net *a, const struct ip_net *b);
/* The n-th address of it, the base being the 0th; and back. Within the last 32 bits. */
struct ip ip_net_at(const struct ip_net *n, uint32_t index);
uint32_t ip_net_index(const struct ip_net *n, const struct ip *a);
