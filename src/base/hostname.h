/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who may be reached, by name: "NAME[=ADDRESS][:PORT]". NAME is a host name of ASCII letters, or
 * "*." and one, which is every name that ends so, but not that name itself. With ADDRESS it is not
 * looked up.
 */
#pragma once

#include "base/ip.h"

#define HOSTNAME_LEN_MAX 253 /* RFC 1035 */

/* Addresses that stand for names in a box (egress/): nobody's (RFC 2544); the first one answers. */
#define EGRESS_ADDRESS "198.18.0.1"
#define EGRESS_NET     EGRESS_ADDRESS "/15"

struct host_wish {
	char name[HOSTNAME_LEN_MAX + 1]; /* in lower case; of a pattern what follows the "*" */
	bool any_below;                  /* it is a pattern */
	struct ip address;               /* family 0: it is looked up */
	uint16_t port;                   /* 0: all */
};

/* 0, or -EINVAL, and then *why says what is wrong with it. */
int host_wish_parse(const char *s, struct host_wish *out, const char **why);
/* `name`: in lower case, as hostname_lower() makes it. */
bool host_wish_has(const struct host_wish *w, const char *name);
/* Letters, digits and hyphens in labels of 1 to 63, 253 at most; a dot at the end goes. -EINVAL. */
int hostname_lower(const char *s, size_t len, char out[HOSTNAME_LEN_MAX + 1]);
