/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As little of RFC 1035 as it takes: one question, one answer; everything else is refused. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "egress.h"
#include "sys/sock.h"

#define HEAD       12
#define TYPE_A     1
#define TYPE_AAAA  28
#define TYPE_HTTPS 65
#define CLASS_IN   1
#define TTL_S      300
#define MANY       64 /* at once; then others have their turn */

enum { OK = 0, MALFORMED = 1, FAILED = 2, NO_SUCH_NAME = 3, NOT_DONE = 4 };

static uint16_t read16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void write16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* "\3www\7example\3org\0" with dots; where it ends, or 0. No pointers: a question has none. */
static size_t read_name(const uint8_t *q, size_t len, char out[HOSTNAME_LEN_MAX + 2])
{
	size_t at = HEAD, n = 0;

	while (at < len && q[at]) {
		size_t label = q[at];

		if (label > 63 || at + 1 + label >= len || n + label + 1 > HOSTNAME_LEN_MAX + 1)
			return 0;
		/* A dot within a label would be two labels to us. */
		if (memchr(q + at + 1, '.', label) || memchr(q + at + 1, 0, label))
			return 0;
		memcpy(out + n, q + at + 1, label);
		out[n + label] = '.';
		n += label + 1;
		at += 1 + label;
	}
	out[n] = 0;
	return at < len ? at + 1 : 0;
}

static size_t put_address(uint8_t *out, size_t at, const struct ip *ip)
{
	write16(out + at, 0xc000 | HEAD); /* the name of the question */
	write16(out + at + 2, TYPE_A);
	write16(out + at + 4, CLASS_IN);
	write16(out + at + 6, 0);
	write16(out + at + 8, TTL_S);
	write16(out + at + 10, 4);
	memcpy(out + at + 12, ip->bytes, 4);
	return at + 16;
}

/* Who asks for an address asks for one of IPv6, too; that is said once. */
static void refuse(const char *name, uint16_t type, const char *why)
{
	if (type != TYPE_AAAA && type != TYPE_HTTPS)
		log_name("refused", name, why);
}

static int look(struct names *n, const char *asked, uint16_t type, struct ip *out)
{
	char text[HOSTNAME_LEN_MAX + 1];
	struct name *name;
	bool full = false;

	if (hostname_lower(asked, strlen(asked), text) < 0) {
		refuse(asked, type, "it is no name of a host");
		return NO_SUCH_NAME;
	}
	name = names_get(n, text, &full);
	if (!name) {
		refuse(text, type,
		       full ? "too many different names were asked for" : "it is not allowed");
		return full ? FAILED : NO_SUCH_NAME;
	}
	if (type == TYPE_A)
		*out = names_address(n, name);
	return OK;
}

size_t dns_answer(struct names *n, const uint8_t *question, size_t len, uint8_t out[DNS_MAX])
{
	char name[HOSTNAME_LEN_MAX + 2];
	struct ip ip = { 0 };
	int code = MALFORMED;
	size_t end;

	/* What is an answer itself is not answered. */
	if (len < HEAD || len > DNS_MAX || question[2] & 0x80)
		return 0;
	end = read_name(question, len, name);
	if (end == 0 || end + 4 > len || end + 20 > DNS_MAX || read16(question + 4) != 1) {
		end = HEAD;
	} else {
		end += 4;
		code = question[2] & 0x78 || read16(question + end - 2) != CLASS_IN
			       ? NOT_DONE
			       : look(n, name, read16(question + end - 4), &ip);
	}
	memset(out, 0, HEAD);
	memcpy(out, question, end);
	out[2] = (uint8_t)(0x80 | (question[2] & 0x79)); /* an answer to it */
	out[3] = (uint8_t)(0x80 | code);
	write16(out + 4, end > HEAD);
	write16(out + 6, ip.family != 0);
	write16(out + 8, 0);
	write16(out + 10, 0);
	return ip.family ? put_address(out, end, &ip) : end;
}

/* The answer comes from the address that was asked, whichever that was. */
static void serve_one(struct names *n, int fd, struct msghdr *m, struct iovec *io, size_t len)
{
	uint8_t out[DNS_MAX];
	size_t answer = dns_answer(n, io->iov_base, len, out);
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (!answer || !c || c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
		return;
	((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_spec_dst =
		((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_addr;
	((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_ifindex = 0;
	*io = (struct iovec){ out, answer };
	sys_sendmsg(fd, m, MSG_DONTWAIT);
}

void dns_serve(struct names *n, int fd)
{
	for (int i = 0; i < MANY; i++) {
		_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
		uint8_t question[DNS_MAX + 1];
		struct sockaddr_in from;
		struct iovec io = { question, sizeof(question) };
		struct msghdr m = { .msg_name = &from,
				    .msg_namelen = sizeof(from),
				    .msg_iov = &io,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t len = sys_recvmsg(fd, &m, MSG_DONTWAIT);

		if (len == -EAGAIN)
			return;
		if (len > 0)
			serve_one(n, fd, &m, &io, (size_t)len);
	}
}
