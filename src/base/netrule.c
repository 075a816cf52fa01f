/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/netrule.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct word {
	const char *word;
	int value;
};

static const struct word protocols[] = { { "tcp", IPPROTO_TCP },
					 { "udp", IPPROTO_UDP },
					 { "icmp", IPPROTO_ICMP } };

static const struct word peers[] = { { "any", NETRULE_ANY },
				     { "host", NETRULE_HOST },
				     { "internet", NETRULE_INTERNET },
				     { "dns", NETRULE_DNS } };

static const char *word_of(const struct word *words, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].value == value)
			return words[i].word;
	return NULL;
}

/* ---- reading ---- */

struct reading {
	char copy[NETRULE_TEXT_MAX], *rest; /* NULL: nothing is left */
	struct netrule r;
	const char *why;
};

static int wrong(struct reading *g, const char *why)
{
	g->why = why;
	return -EINVAL;
}

/* Up to the next colon; an address of IPv6 stands in brackets, and none of its colons counts. */
static char *next(struct reading *g)
{
	char *word = g->rest, *end;

	if (!word)
		return NULL;
	if (*word == '[') {
		word++;
		end = strchr(word, ']');
		if (!end || (end[1] && end[1] != ':'))
			return NULL;
		*end++ = 0;
	} else {
		end = strchr(word, ':');
	}
	g->rest = end && *end ? end + 1 : NULL;
	if (end)
		*end = 0;
	return word;
}

/* Is the next word one of these? Then it is taken. */
static bool take(struct reading *g, const struct word *words, size_t n, int *out)
{
	size_t len = g->rest ? strcspn(g->rest, ":") : 0;

	for (size_t i = 0; g->rest && i < n; i++) {
		if (strlen(words[i].word) != len || strncmp(g->rest, words[i].word, len) != 0)
			continue;
		*out = words[i].value;
		next(g);
		return true;
	}
	return false;
}

static bool is_name(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	return len && len <= NETRULE_NAME_MAX && *s != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static int read_named(struct reading *g, enum netrule_peer peer)
{
	const char *name = next(g);

	if (!is_name(name))
		return wrong(g, "a name has 1 to 63 of a-z 0-9 _ and -");
	g->r.peer = peer;
	memcpy(g->r.name, name, strlen(name) + 1);
	return 0;
}

static int read_peer(struct reading *g)
{
	static const struct word named[] = { { "net", NETRULE_NETWORK }, { "box", NETRULE_BOX } };
	bool brackets;
	char *word;
	int value;

	if (take(g, peers, ARRAY_SIZE(peers), &value)) {
		g->r.peer = (enum netrule_peer)value;
		return 0;
	}
	if (take(g, named, ARRAY_SIZE(named), &value))
		return read_named(g, (enum netrule_peer)value);
	brackets = g->rest && *g->rest == '[';
	word = next(g);
	if (!word || ip_net_parse(word, &g->r.address) < 0 ||
	    brackets != (g->r.address.ip.family == AF_INET6))
		return wrong(g, "the peer is any, host, internet, dns, ADDRESS[/PREFIX], "
				"[IPV6[/PREFIX]], box:NAME or net:NETWORK");
	g->r.peer = NETRULE_ADDRESS;
	g->r.address = ip_net_base(&g->r.address);
	return 0;
}

static int read_range(const char *s, struct port_range *out)
{
	uint64_t first, last;

	if (str_take_u64(&s, &first) < 0)
		return -EINVAL;
	last = first;
	if (*s == '-' && (s++, str_take_u64(&s, &last) < 0))
		return -EINVAL;
	if (*s || first == 0 || last > 65535 || last < first)
		return -EINVAL;
	*out = (struct port_range){ (uint16_t)first, (uint16_t)last };
	return 0;
}

/* Into its place; those that touch become one. */
static void insert_range(struct netrule *r, struct port_range p)
{
	size_t i = 0, n;

	while (i < r->n_ports && r->ports[i].last + 1 < p.first)
		i++;
	for (n = i; n < r->n_ports && r->ports[n].first <= p.last + 1; n++) {
		p.first = MIN(p.first, r->ports[n].first);
		p.last = MAX(p.last, r->ports[n].last);
	}
	memmove(&r->ports[i + 1], &r->ports[n], (r->n_ports - n) * sizeof(p));
	r->n_ports = (uint8_t)(r->n_ports - (n - i) + 1);
	r->ports[i] = p;
}

static int read_ports(struct reading *g)
{
	char *one, *list = next(g);

	if (!list || g->rest)
		return wrong(g, "behind the peer stand ports alone: 80,443,8000-8099");
	if (g->r.protocol == IPPROTO_ICMP || g->r.peer == NETRULE_DNS)
		return wrong(g, "icmp has no ports, and dns has its own");
	while ((one = strsep(&list, ","))) {
		struct port_range p;

		if (read_range(one, &p) < 0)
			return wrong(g, "a port is 1 to 65535; a list of ports and ranges is "
					"80,443,8000-8099");
		if (g->r.n_ports == NETRULE_PORTS_MAX - 1)
			return wrong(g, "there are too many ports; write a second rule");
		insert_range(&g->r, p);
	}
	return 0;
}

static int read_all(struct reading *g)
{
	static const struct word directions[] = { { "in", 1 }, { "out", 0 } };
	int value, r;

	if (!take(g, directions, ARRAY_SIZE(directions), &value))
		return wrong(g, "it begins with in: or out:");
	g->r.in = value;
	if (take(g, protocols, ARRAY_SIZE(protocols), &value))
		g->r.protocol = (uint8_t)value;
	r = read_peer(g);
	if (r == 0 && g->r.peer == NETRULE_DNS && (g->r.in || g->r.protocol == IPPROTO_ICMP))
		return wrong(g, "dns is asked, out:dns, over udp and tcp");
	return r == 0 && g->rest ? read_ports(g) : r;
}

int netrule_parse(const char *s, bool allow, struct netrule *out, const char **why)
{
	struct reading g = { .r.allow = allow };
	int r;

	g.rest = g.copy;
	if (strlen(s) >= 200) {
		*why = "it is too long; write several";
		return -EINVAL;
	}
	strcpy(g.copy, s);
	r = read_all(&g);
	*why = g.why;
	*out = g.r;
	return r;
}

int netrule_read(const char *s, struct netrule *out)
{
	bool allow = str_starts(s, "allow ");
	const char *why;

	if (!allow && !str_starts(s, "deny "))
		return -EINVAL;
	return netrule_parse(strchr(s, ' ') + 1, allow, out, &why);
}

/* ---- writing ---- */

static int print_peer(const struct netrule *r, char *out, size_t room)
{
	char text[IP_TEXT_MAX];
	bool v6 = r->address.ip.family == AF_INET6;

	if (r->peer == NETRULE_NETWORK || r->peer == NETRULE_BOX)
		return snprintf(out, room, "%s:%s", r->peer == NETRULE_BOX ? "box" : "net",
				r->name);
	if (r->peer == NETRULE_ADDRESS)
		return snprintf(out, room, "%s%s%s", v6 ? "[" : "",
				r->address.prefix == 8 * ip_len(&r->address.ip)
					? ip_print(&r->address.ip, text)
					: ip_net_print(&r->address, text),
				v6 ? "]" : "");
	return snprintf(out, room, "%s", word_of(peers, ARRAY_SIZE(peers), (int)r->peer));
}

const char *netrule_print(const struct netrule *r, char out[NETRULE_TEXT_MAX])
{
	const char *protocol = word_of(protocols, ARRAY_SIZE(protocols), r->protocol);
	int n = snprintf(out, NETRULE_TEXT_MAX, "%s %s:%s%s", r->allow ? "allow" : "deny",
			 r->in ? "in" : "out", protocol ? protocol : "", protocol ? ":" : "");

	n += print_peer(r, out + n, NETRULE_TEXT_MAX - (size_t)n);
	for (size_t i = 0; i < r->n_ports; i++) {
		const struct port_range *p = &r->ports[i];
		size_t room = NETRULE_TEXT_MAX - (size_t)n;

		n += p->first == p->last
			     ? snprintf(out + n, room, "%c%u", i ? ',' : ':', p->first)
			     : snprintf(out + n, room, "%c%u-%u", i ? ',' : ':', p->first, p->last);
	}
	return out;
}
