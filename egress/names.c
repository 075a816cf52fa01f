/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "egress.h"

#define FIRST 2 /* 0 is the network's, 1 is ours */

static struct ip_net pool(void)
{
	struct ip_net n;

	ip_net_parse(POOL_NET, &n);
	return ip_net_base(&n);
}

static const struct host_wish *wish_of(const struct names *n, const char *text, size_t from)
{
	for (size_t i = from; i < n->n_wishes; i++)
		if (host_wish_has(&n->wishes[i], text))
			return &n->wishes[i];
	return NULL;
}

struct name *names_get(struct names *n, const char *text, bool *full)
{
	const struct host_wish *wish;
	struct name *name;

	*full = false;
	for (size_t i = 0; i < n->n; i++)
		if (str_eq(n->items[i]->text, text))
			return n->items[i];
	wish = wish_of(n, text, 0);
	if (!wish)
		return NULL;
	name = n->n < POOL_NAMES ? calloc(1, sizeof(*name)) : NULL;
	*full = !name;
	if (!name)
		return NULL;
	strcpy(name->text, text);
	name->wish = (uint32_t)(wish - n->wishes);
	n->items[n->n++] = name;
	return name;
}

struct ip names_address(const struct names *n, const struct name *name)
{
	struct ip_net net = pool();
	uint32_t i = 0;

	while (i < n->n && n->items[i] != name)
		i++;
	return ip_net_at(&net, FIRST + i);
}

struct name *names_at(const struct names *n, const struct ip *address)
{
	struct ip_net net = pool();
	uint32_t i;

	if (!ip_net_has(&net, address))
		return NULL;
	i = ip_net_index(&net, address);
	return i >= FIRST && i - FIRST < n->n ? n->items[i - FIRST] : NULL;
}

const struct host_wish *names_port(const struct names *n, const struct name *name, uint16_t port)
{
	const struct host_wish *w = &n->wishes[name->wish];

	while (w && w->port && w->port != port)
		w = wish_of(n, name->text, (size_t)(w - n->wishes) + 1);
	return w;
}
