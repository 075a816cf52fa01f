/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a port free? A socket of our own tries to have it, for a moment. That tells of programs of the
 * host; ports that are published are not sockets, and stand in our own list.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/networks.h"
#include "sys/sock.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(const struct ip *ip, uint16_t port, union address *out)
{
	memset(out, 0, sizeof(*out));
	out->any.sa_family = ip->family;
	if (ip->family == AF_INET) {
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, ip->bytes, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, ip->bytes, 16);
	return sizeof(out->v6);
}

/* *port 0: any, and then it is the one that was free. */
static int try_one(const struct portmap *p, uint16_t *port)
{
	bool tcp = p->protocol == IPPROTO_TCP;
	_cleanup_fd_ int fd = sys_socket(p->host.family, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	union address a;
	socklen_t len = address_of(&p->host, *port, &a), room = sizeof(a);
	int on = 1, r;

	if (fd < 0)
		return fd;
	/* Connections of before, in TIME_WAIT, do not count; who listens does. */
	if (tcp)
		sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (p->host.family == AF_INET6)
		sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	r = sys_bind(fd, &a, len);
	if (r < 0)
		return r;
	if (getsockname(fd, &a.any, &room) < 0)
		return -errno;
	*port = ntohs(p->host.family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	return 0;
}

int port_probe(struct portmap *p, struct err *e)
{
	char text[PORTMAP_TEXT_MAX], ip[IP_TEXT_MAX];

	for (unsigned i = 0; i < p->count; i++) {
		uint16_t port = (uint16_t)(p->first ? p->first + i : 0);
		int r = try_one(p, &port);

		if (r == -EADDRINUSE)
			return err_set(e, EADDRINUSE,
				       "publish: %s: a program of the host has port %u",
				       portmap_print(p, text), port);
		if (r == -EADDRNOTAVAIL)
			return err_set(e, EADDRNOTAVAIL, "publish: %s: the host has no address %s",
				       portmap_print(p, text), ip_print(&p->host, ip));
		if (r < 0)
			return err_errno(e, -r, "publish: %s", portmap_print(p, text));
		p->first = p->first ? p->first : port;
	}
	return 0;
}
