/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/hostname.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* ASCII alone: what the locale calls a letter is none of a name. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool label_is_good(const char *s, size_t len)
{
	if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_plain(s[i]))
			return false;
	return true;
}

int hostname_lower(const char *s, size_t len, char out[HOSTNAME_LEN_MAX + 1])
{
	const char *label = out;

	if (len && s[len - 1] == '.')
		len--;
	if (len == 0 || len > HOSTNAME_LEN_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		out[i] = lower(s[i]);
	out[len] = 0;
	while (label) {
		const char *dot = strchr(label, '.');

		if (!label_is_good(label, dot ? (size_t)(dot - label) : strlen(label)))
			return -EINVAL;
		label = dot ? dot + 1 : NULL;
	}
	/* A NUL within was none of the characters above, so all of it has been looked at. */
	return strlen(out) == len ? 0 : -EINVAL;
}

bool host_wish_has(const struct host_wish *w, const char *name)
{
	size_t len = strlen(name), end = strlen(w->name);

	if (!w->any_below)
		return str_eq(w->name, name);
	return len > end && str_eq(name + len - end, w->name);
}

/* ":443" at the end; an address of IPv6 has brackets then. */
static int take_port(char *s, struct host_wish *w, const char **why)
{
	char *colon = strrchr(s, ':');
	uint64_t port;

	if (!colon || strchr(colon, ']') ||
	    (strchr(s, '=') && !strchr(s, '[') && strchr(s, ':') != colon))
		return 0;
	*why = "a port is 1 to 65535";
	if (str_u64(colon + 1, 65535, &port) < 0 || port == 0)
		return -EINVAL;
	w->port = (uint16_t)port;
	*colon = 0;
	return 0;
}

static int take_address(char *s, struct host_wish *w, const char **why)
{
	char *eq = strchr(s, '='), *at = eq ? eq + 1 : NULL, *end;

	if (!eq)
		return 0;
	*eq = 0;
	*why = "behind = stands an address: NAME=10.0.0.5, NAME=[fd00::5]";
	if (*at == '[') {
		end = strchr(at, ']');
		if (!end || end[1])
			return -EINVAL;
		*end = 0;
		at++;
	}
	return ip_parse(at, &w->address);
}

int host_wish_parse(const char *s, struct host_wish *out, const char **why)
{
	char copy[HOSTNAME_LEN_MAX + IP_TEXT_MAX + 16], *name = copy;
	struct host_wish w = { 0 };
	struct ip ip;

	*why = "it is too long";
	if (strlen(s) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, s);
	if (take_port(copy, &w, why) < 0 || take_address(copy, &w, why) < 0)
		return -EINVAL;
	if (str_starts(name, "*.")) {
		w.any_below = true;
		name += 2;
	}
	*why = "an address is no name: NAME=ADDRESS, or --net with --allow out:ADDRESS";
	if (ip_parse(name, &ip) == 0)
		return -EINVAL;
	*why = "a name has labels of a-z 0-9 and - with dots between, \"*.\" in front for all "
	       "below "
	       "it; others are written as DNS has them (xn--...)";
	if (hostname_lower(name, strlen(name), w.name + w.any_below) < 0 ||
	    strlen(name) + w.any_below > HOSTNAME_LEN_MAX)
		return -EINVAL;
	if (w.any_below)
		w.name[0] = '.';
	*out = w;
	return 0;
}
