/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A rule of a box's firewall: "DIRECTION:[PROTOCOL:]PEER[:PORTS]".
 *
 *	out:any  in:tcp:any:80,443  out:tcp:[fd00::5]:8000-8099  out:box:db:5432  out:udp:10.0.0.0/8
 *
 * The ports are those of whoever is connected to: the peer's going out, the box's coming in.
 */
#pragma once

#include "base/ip.h"

enum netrule_peer {
	NETRULE_ANY,
	NETRULE_HOST,     /* every address of the host */
	NETRULE_INTERNET, /* what is neither private nor special, nor the host's */
	NETRULE_DNS,      /* the box's name servers, at port 53 */
	NETRULE_ADDRESS,
	NETRULE_NETWORK, /* one of holm's, by its name */
	NETRULE_BOX,     /* whoever has that name on the box's networks, at any time */
};

#define NETRULE_PORTS_MAX 15
#define NETRULE_NAME_MAX  63
#define NETRULE_TEXT_MAX  248
#define NETRULES_MAX      256

struct port_range {
	uint16_t first, last;
};

struct netrule {
	bool allow, in;
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (of both kinds); 0: any */
	enum netrule_peer peer;
	struct ip_net address;           /* NETRULE_ADDRESS */
	char name[NETRULE_NAME_MAX + 1]; /* NETRULE_NETWORK, NETRULE_BOX */
	uint8_t n_ports;                 /* 0: all; sorted, none touches another */
	struct port_range ports[NETRULE_PORTS_MAX];
};

/* 0, or -EINVAL, and then *why says what is wrong with it. */
int netrule_parse(const char *s, bool allow, struct netrule *out, const char **why);
/* As it is parsed, with "allow " or "deny " in front; netrule_read() is its other side. */
const char *netrule_print(const struct netrule *r, char out[NETRULE_TEXT_MAX]);
int netrule_read(const char *s, struct netrule *out);
