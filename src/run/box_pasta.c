/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pasta(1): a program that plays the network for a namespace, with the sockets of an ordinary user.
 * It opens nothing by itself: no port of the box's here, none of ours there, and the gateway is not
 * the host. It ends with us.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/box_net.h"
#include "run/networks.h"

#define ARGS_MAX (32 + 2 * NET_PORTS_MAX)

struct pasta {
	char *argv[ARGS_MAX];
	size_t n;
	struct portmap maps[NET_PORTS_MAX]; /* with those that were chosen */
	char ports[NET_PORTS_MAX][PORTMAP_TEXT_MAX];
	char mtu[16], pid[16];
};

static void add(struct pasta *p, const char *word)
{
	p->argv[p->n++] = (char *)word;
}

/* "127.0.0.1/8000-8009:80-89" */
static void add_port(struct pasta *p, const struct portmap *m, char out[PORTMAP_TEXT_MAX])
{
	char ip[IP_TEXT_MAX];
	int n = 0;

	if (!ip_is_any(&m->host))
		n = snprintf(out, PORTMAP_TEXT_MAX, "%s/", ip_print(&m->host, ip));
	if (m->count == 1)
		snprintf(out + n, PORTMAP_TEXT_MAX - (size_t)n, "%u:%u", m->first, m->box);
	else
		snprintf(out + n, PORTMAP_TEXT_MAX - (size_t)n, "%d-%d:%d-%d", m->first,
			 m->first + m->count - 1, m->box, m->box + m->count - 1);
	add(p, m->protocol == IPPROTO_UDP ? "-u" : "-t");
	add(p, out);
}

static bool publishes(const struct net_wish *w, uint8_t protocol)
{
	for (size_t i = 0; i < w->ports.n; i++)
		if (w->ports.items[i].protocol == protocol)
			return true;
	return false;
}

static void fill(struct pasta *p, const struct net_wish *w, int pid)
{
	static const char *const fixed[] = {
		"pasta",        "--foreground", "--quiet", "--stderr", "--pid", "/dev/stdout",
		"--config-net", "-T",           "none",    "-U",       "none",  "--ns-ifname"
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		add(p, fixed[i]);
	add(p, w->name);
	if (!w->host)
		add(p, "--no-map-gw");
	if (geteuid() == 0) { /* else it becomes nobody, who may not enter namespaces of root's */
		add(p, "--runas");
		add(p, "0:0");
	}
	if (w->mtu) {
		snprintf(p->mtu, sizeof(p->mtu), "%u", w->mtu);
		add(p, "--mtu");
		add(p, p->mtu);
	}
	if (!publishes(w, IPPROTO_TCP)) {
		add(p, "-t");
		add(p, "none");
	}
	if (!publishes(w, IPPROTO_UDP)) {
		add(p, "-u");
		add(p, "none");
	}
	for (size_t i = 0; i < w->ports.n; i++)
		add_port(p, &p->maps[i], p->ports[i]);
	snprintf(p->pid, sizeof(p->pid), "%d", pid);
	add(p, p->pid);
}

/* pasta binds them itself, but says little of those that are taken. */
static int choose_ports(const struct net_wish *w, struct pasta *p, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->ports.n; i++) {
		p->maps[i] = w->ports.items[i];
		r = port_probe(&p->maps[i], e);
	}
	return r;
}

int pasta_start(struct run *r, struct box_net *n)
{
	_cleanup_free_ struct pasta *p = calloc(1, sizeof(*p));
	struct player player = { .ends_with_us = true };
	const struct net_wish *w = &r->d->nets.items[0];
	int code;

	if (!p)
		return -ENOMEM;
	r->failed = "find the program pasta";
	code = player_find("pasta", player.path);
	if (code < 0)
		return code;
	r->failed = "start pasta";
	code = choose_ports(w, p, r->err);
	if (code < 0)
		return code;
	fill(p, w, r->pid);
	player.argv = p->argv;
	code = player_start(r, n, &player);
	if (code == 0)
		box_net_note_ports(r, p->maps, w->ports.n);
	return code;
}
