/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/portmap.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define TEXT_MAX 128

/* "80" or "8000-8099"; 0 if it may be, and then it is one port. */
static int parse_range(const char *s, bool may_be_0, uint16_t *first, uint16_t *count)
{
	uint64_t from, to;

	if (str_take_u64(&s, &from) < 0)
		return -EINVAL;
	to = from;
	if (*s == '-') {
		s++;
		if (str_take_u64(&s, &to) < 0 || from == 0)
			return -EINVAL;
	}
	if (*s || to < from || to > 65535 || (from == 0 && !may_be_0))
		return -EINVAL;
	*first = (uint16_t)from;
	*count = (uint16_t)(to - from + 1);
	return 0;
}

static int parse_protocol(char *text, uint8_t *out)
{
	char *slash = strrchr(text, '/');

	*out = IPPROTO_TCP;
	if (!slash)
		return 0;
	*slash = 0;
	if (str_eq(slash + 1, "udp"))
		*out = IPPROTO_UDP;
	else if (!str_eq(slash + 1, "tcp"))
		return -EINVAL;
	return 0;
}

/* The address in front, "[::]:" or "127.0.0.1:"; *text moves behind it. */
static int parse_host(char **text, struct ip *out)
{
	char *at = *text, *end;

	*out = (struct ip){ AF_INET, { 127, 0, 0, 1 } };
	if (*at == '[') {
		end = strchr(++at, ']');
		if (!end || end[1] != ':')
			return -EINVAL;
		*end++ = 0;
	} else {
		end = strchr(at, ':');
		if (!end || !strchr(end + 1, ':')) /* no more than HOST:BOX */
			return 0;
	}
	*end = 0;
	*text = end + 1;
	return ip_parse(at, out);
}

int portmap_parse(const char *s, struct portmap *out)
{
	char copy[TEXT_MAX], *text = copy, *colon;
	struct portmap p = { .count = 1 };
	uint16_t count = 1;

	if (strlen(s) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, s);
	if (parse_protocol(text, &p.protocol) < 0 || parse_host(&text, &p.host) < 0)
		return -EINVAL;
	colon = strchr(text, ':');
	if (colon) {
		*colon = 0;
		if (*text && parse_range(text, true, &p.first, &count) < 0)
			return -EINVAL;
		text = colon + 1;
	}
	if (parse_range(text, false, &p.box, &p.count) < 0)
		return -EINVAL;
	/* "A range somewhere" is not to be had; and a range is as long on both sides. */
	if (p.first ? count != p.count : p.count != 1)
		return -EINVAL;
	*out = p;
	return 0;
}

static void print_range(char *out, size_t room, uint16_t first, uint16_t count)
{
	if (count == 1)
		snprintf(out, room, "%u", first);
	else
		snprintf(out, room, "%d-%d", first, first + count - 1);
}

const char *portmap_print(const struct portmap *p, char out[PORTMAP_TEXT_MAX])
{
	bool v6 = p->host.family == AF_INET6;
	char ip[IP_TEXT_MAX], host[16], box[16];

	print_range(host, sizeof(host), p->first, p->count);
	print_range(box, sizeof(box), p->box, p->count);
	snprintf(out, PORTMAP_TEXT_MAX, "%s%s%s:%s:%s/%s", v6 ? "[" : "", ip_print(&p->host, ip),
		 v6 ? "]" : "", host, box, p->protocol == IPPROTO_UDP ? "udp" : "tcp");
	return out;
}

bool portmap_clash(const struct portmap *a, const struct portmap *b)
{
	return a->protocol == b->protocol && a->host.family == b->host.family && a->first &&
	       b->first && a->first < b->first + b->count && b->first < a->first + a->count &&
	       (ip_eq(&a->host, &b->host) || ip_is_any(&a->host) || ip_is_any(&b->host));
}
