/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int ip_parse(const char *s, struct ip *out)
{
	struct ip a = { .family = strchr(s, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(a.family, s, a.bytes) != 1)
		return -EINVAL;
	*out = a;
	return 0;
}

int ip_net_parse(const char *s, struct ip_net *out)
{
	const char *slash = strchr(s, '/');
	char head[IP_TEXT_MAX];
	size_t len = slash ? (size_t)(slash - s) : strlen(s);
	struct ip_net n;
	uint64_t prefix;

	if (len >= sizeof(head))
		return -EINVAL;
	memcpy(head, s, len);
	head[len] = 0;
	if (ip_parse(head, &n.ip) < 0)
		return -EINVAL;
	prefix = ip_len(&n.ip) * 8;
	if (slash && str_u64(slash + 1, prefix, &prefix) < 0)
		return -EINVAL;
	n.prefix = (uint8_t)prefix;
	*out = n;
	return 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

int mac_parse(const char *s, uint8_t out[MAC_LEN])
{
	uint8_t mac[MAC_LEN];

	if (strlen(s) != MAC_TEXT_MAX - 1)
		return -EINVAL;
	for (size_t i = 0; i < MAC_LEN; i++) {
		int high = hex_digit(s[i * 3]), low = hex_digit(s[i * 3 + 1]);

		if (high < 0 || low < 0 || (i + 1 < MAC_LEN && s[i * 3 + 2] != ':'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if (mac[0] & 1) /* the bit that makes it a group's address */
		return -EINVAL;
	memcpy(out, mac, MAC_LEN);
	return 0;
}

const char *ip_print(const struct ip *a, char out[IP_TEXT_MAX])
{
	if (!a->family || !inet_ntop(a->family, a->bytes, out, IP_TEXT_MAX))
		out[0] = 0;
	return out;
}

const char *ip_net_print(const struct ip_net *n, char out[IP_TEXT_MAX])
{
	size_t len = strlen(ip_print(&n->ip, out));

	if (len)
		snprintf(out + len, IP_TEXT_MAX - len, "/%u", n->prefix);
	return out;
}

const char *mac_print(const uint8_t mac[MAC_LEN], char out[MAC_TEXT_MAX])
{
	snprintf(out, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return out;
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, ip_len(a)) == 0;
}

bool ip_is_any(const struct ip *a)
{
	static const uint8_t none[16];

	return memcmp(a->bytes, none, ip_len(a)) == 0;
}

bool ip_is_loopback(const struct ip *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == AF_INET ? a->bytes[0] == 127 : memcmp(a->bytes, one, 16) == 0;
}

struct ip_net ip_net_base(const struct ip_net *n)
{
	struct ip_net base = *n;

	for (size_t bit = n->prefix; bit < ip_len(&n->ip) * 8; bit++)
		base.ip.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return base;
}

bool ip_net_has(const struct ip_net *n, const struct ip *a)
{
	struct ip_net other = { *a, n->prefix };
	struct ip_net base = ip_net_base(n);

	if (n->ip.family != a->family)
		return false;
	other = ip_net_base(&other);
	return ip_eq(&base.ip, &other.ip);
}

bool ip_net_overlap(const struct ip_net *a, const struct ip_net *b)
{
	return a->prefix <= b->prefix ? ip_net_has(a, &b->ip) : ip_net_has(b, &a->ip);
}

static uint32_t last_bits(const struct ip *a)
{
	const uint8_t *p = a->bytes + ip_len(a) - 4;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct ip ip_net_at(const struct ip_net *n, uint32_t index)
{
	struct ip a = ip_net_base(n).ip;
	uint8_t *p = a.bytes + ip_len(&a) - 4;

	index += last_bits(&a);
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(index >> (24 - 8 * i));
	return a;
}

uint32_t ip_net_index(const struct ip_net *n, const struct ip *a)
{
	struct ip base = ip_net_base(n).ip;

	return last_bits(a) - last_bits(&base);
}

/* ---- RFC 6890, and what it speaks of ---- */

const char *const ip_special[] = { "0.0.0.0/8",      "10.0.0.0/8",
				   "100.64.0.0/10",  "127.0.0.0/8",
				   "169.254.0.0/16", "172.16.0.0/12",
				   "192.0.0.0/24",   "192.0.2.0/24",
				   "192.88.99.0/24", "192.168.0.0/16",
				   "198.18.0.0/15",  "198.51.100.0/24",
				   "203.0.113.0/24", "224.0.0.0/4",
				   "240.0.0.0/4",    "::/3",
				   "2001::/23",      "2001:db8::/32",
				   "2002::/16",      "4000::/2",
				   "8000::/1",       NULL };

bool ip_is_special(const struct ip *a)
{
	struct ip_net n;

	for (size_t i = 0; ip_special[i]; i++)
		if (ip_net_parse(ip_special[i], &n) == 0 && ip_net_has(&n, a))
			return true;
	return false;
}
