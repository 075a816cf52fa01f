/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A published port: "[IP:]HOST:BOX[/tcp|udp]". HOST and BOX are ports, or ranges of equal length
 * ("8000-8099"). Without HOST, or with 0, a free port is chosen; without IP it is 127.0.0.1.
 */
#pragma once

#include "base/ip.h"

struct portmap {
	struct ip host;   /* where it is reached: one address of the host's, or all of a family */
	uint16_t first;   /* 0: any free one */
	uint16_t box;     /* the first of the box's ports */
	uint16_t count;   /* of ports */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
};

#define PORTMAP_TEXT_MAX 96

int portmap_parse(const char *s, struct portmap *out); /* 0 or -EINVAL */
/* As it is parsed, with everything said. */
const char *portmap_print(const struct portmap *p, char out[PORTMAP_TEXT_MAX]);
/* Do both want one port of the host? */
bool portmap_clash(const struct portmap *a, const struct portmap *b);
