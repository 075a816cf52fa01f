/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Interfaces of a box: which can be had together, what they are called, where its default route
 * and its names come from. Which address a box gets on a network is known only when it starts.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/hostname.h"
#include "base/str.h"
#include "spec/spec.h"

#define NETS_MAX        16
#define NAMESERVERS_MAX 3 /* resolv.conf(5): more are not read */

static const struct {
	unsigned keys;
	bool is_made; /* here or at the host's end: that takes rights over both */
} kinds[NET_KINDS] = {
	[NET_VETH] = { NET_KEY_NAME | NET_KEY_IP | NET_KEY_MAC | NET_KEY_MTU | NET_KEY_GATEWAY |
			       NET_KEY_DNS | NET_KEY_RATE,
		       true },
	[NET_BRIDGE] = { NET_KEY_NAME | NET_KEY_IP | NET_KEY_MAC | NET_KEY_MTU | NET_KEY_DNS |
				 NET_KEY_HOSTNAME | NET_KEY_RATE | NET_KEY_PUBLISH,
			 true },
	[NET_MACVLAN] = { NET_KEY_NAME | NET_KEY_IP | NET_KEY_MAC | NET_KEY_MTU | NET_KEY_GATEWAY |
				  NET_KEY_DNS,
			  true },
	[NET_IPVLAN] = { NET_KEY_NAME | NET_KEY_IP | NET_KEY_MTU | NET_KEY_GATEWAY | NET_KEY_DNS,
			 true },
	[NET_PHYS] = { NET_KEY_NAME | NET_KEY_IP | NET_KEY_MTU | NET_KEY_GATEWAY | NET_KEY_DNS,
		       true },
	[NET_PASTA] = { NET_KEY_NAME | NET_KEY_MTU | NET_KEY_DNS | NET_KEY_PUBLISH | NET_KEY_HOST,
			false },
};

static const char *const key_words[] = { "ip",       "mac",  "mtu",     "gateway", "dns",
					 "hostname", "rate", "publish", "host" };

static int check_keys(const struct net_wish *w, struct err *e)
{
	unsigned wrong = w->keys & ~kinds[w->kind].keys;

	for (size_t i = 0; i < ARRAY_SIZE(key_words); i++)
		if (wrong & 1U << i)
			return err_set(e, EINVAL, "net: %s has no key %s", net_kind_words[w->kind],
				       key_words[i]);
	return 0;
}

/* ---- what goes together ---- */

static int check_wishes(const struct spec *s, const struct facts *f, struct err *e)
{
	bool own = s->ns[NS_NET].mode == NS_NEW;

	if (!own && (s->nets.n || s->net_none || s->publish.n))
		return err_set(e, EINVAL,
			       "net: interfaces and ports need a network namespace of the box's "
			       "own, but it is %s",
			       s->ns[NS_NET].mode == NS_SHARED ? "shared" : "joined");
	if (s->net_none && (s->nets.n || s->publish.n))
		return err_set(e, EINVAL, "net: none goes with no interface and no port");
	if (s->nets.n > NETS_MAX)
		return err_set(e, E2BIG, "net: at most %d", NETS_MAX);
	for (size_t i = 0; i < s->nets.n; i++) {
		const struct net_wish *w = &s->nets.items[i];

		if (kinds[w->kind].is_made && !f->net_admin)
			return err_set(e, EPERM,
				       "net: %s makes interfaces of the host, which needs "
				       "CAP_NET_ADMIN and CAP_SYS_ADMIN: start as root, or use "
				       "--net pasta",
				       net_kind_words[w->kind]);
		if (w->kind == NET_PASTA && s->nets.n > 1)
			return err_set(e, EINVAL,
				       "net: pasta makes the whole network: no other interface "
				       "goes with it");
		if (s->outlive_parent && (w->kind == NET_PASTA || w->kind == NET_PHYS))
			return err_set(e, EINVAL,
				       "net: %s ends with holm, so it goes without "
				       "outlive-parent",
				       net_kind_words[w->kind]);
	}
	return 0;
}

/* ---- names ---- */

static bool name_taken(const struct spec *s, const char *name)
{
	for (size_t i = 0; i < s->d.nets.n; i++)
		if (str_eq(s->d.nets.items[i].name, name))
			return true;
	return false;
}

static int decide_name(struct spec *s, struct net_wish *w, struct err *e)
{
	unsigned n = 0;

	if (!w->name && w->kind == NET_PHYS)
		w->name = w->object;
	if (w->name && name_taken(s, w->name))
		return err_set(e, EEXIST, "net: two interfaces would be \"%s\"", w->name);
	while (!w->name) {
		const char *name = arena_printf(s->arena, "eth%u", n++);

		if (!name)
			return err_errno(e, ENOMEM, "net");
		if (!name_taken(s, name))
			w->name = name;
	}
	return 0;
}

/* ---- addresses ---- */

static bool has_gateway(const struct spec *s, int family)
{
	for (size_t i = 0; i < s->d.nets.n; i++)
		if (s->d.nets.items[i].gateway[family].family)
			return true;
	return false;
}

static int fit_address(const struct net_wish *w, const struct fact_network *n, struct ip_net *a,
		       struct err *e)
{
	const struct ip_net *subnet = &n->subnet[a->ip.family == AF_INET6];
	char is[IP_TEXT_MAX], of[IP_TEXT_MAX];

	if (!subnet->ip.family)
		return err_set(e, EINVAL, "net: ip=%s: the network %s has no such addresses",
			       ip_print(&a->ip, is), w->object);
	if (!ip_net_has(subnet, &a->ip) || ip_net_index(subnet, &a->ip) == 0 ||
	    ip_eq(&a->ip, &n->gateway[a->ip.family == AF_INET6]))
		return err_set(e, EINVAL,
			       "net: ip=%s: cannot be an address of a box on the network %s (%s)",
			       ip_print(&a->ip, is), w->object, ip_net_print(subnet, of));
	a->prefix = subnet->prefix;
	return 0;
}

static int decide_bridge(struct spec *s, const struct facts *f, struct net_wish *w, struct err *e)
{
	struct fact_network n = { 0 };
	struct ip_net *copy = arena_alloc(s->arena, NET_ADDRESSES_MAX * sizeof(*copy));
	int seen[2] = { 0 };
	int r = f->network ? f->network(f->look_arg, w->object, &n) : -ENOENT;

	if (r == -ENOENT)
		return err_set(e, ENOENT,
			       "net: there is no network \"%s\": `holm net create %s` makes it",
			       w->object, w->object);
	if (r < 0)
		return err_errno(e, -r, "net: network %s", w->object);
	if (!copy)
		return err_errno(e, ENOMEM, "net");
	for (size_t i = 0; i < w->addresses.n; i++) {
		copy[i] = w->addresses.items[i];
		if (seen[copy[i].ip.family == AF_INET6]++)
			return err_set(e, EINVAL,
				       "net: a box has one address of a kind on a network");
		r = fit_address(w, &n, &copy[i], e);
		if (r < 0)
			return r;
	}
	w->addresses.items = copy;
	for (int v6 = 0; v6 < 2; v6++)
		if (!n.internal && !has_gateway(s, v6))
			w->gateway[v6] = n.gateway[v6];
	if (n.has_dns && !w->dns.n) {
		const char **slot = arena_push(s->arena, &w->dns.items, &w->dns.n, sizeof(*slot));
		char text[IP_TEXT_MAX];

		if (slot)
			*slot = arena_strdup(s->arena, ip_print(&n.gateway[0], text));
	}
	if (!w->hostname && s->hostname)
		w->hostname = s->hostname;
	return 0;
}

static int check_gateway(const struct spec *s, const struct net_wish *w, struct err *e)
{
	char text[IP_TEXT_MAX];

	for (int v6 = 0; v6 < 2; v6++) {
		bool on_link = false;

		if (!w->gateway[v6].family || w->kind == NET_BRIDGE)
			continue;
		for (size_t i = 0; i < w->addresses.n; i++)
			on_link |= ip_net_has(&w->addresses.items[i], &w->gateway[v6]);
		if (!on_link)
			return err_set(e, EINVAL,
				       "net: gateway=%s: is in the network of none of the "
				       "interface's addresses (ip=)",
				       ip_print(&w->gateway[v6], text));
		if (has_gateway(s, v6))
			return err_set(e, EINVAL, "net: gateway=%s: there is another default route",
				       ip_print(&w->gateway[v6], text));
	}
	return 0;
}

/* ---- ports ---- */

static int check_port(const struct spec *s, const struct net_wish *w, size_t n, struct err *e)
{
	const struct portmap *p = &w->ports.items[n];
	char text[PORTMAP_TEXT_MAX], other[PORTMAP_TEXT_MAX];

	/* No address of lo may leave it, and for IPv6 the kernel makes no exception. */
	if (w->kind == NET_BRIDGE && p->host.family == AF_INET6 && ip_is_loopback(&p->host))
		return err_set(
			e, EINVAL,
			"publish: %s: the kernel lets nothing from ::1 to another interface; "
			"publish at [::], or at an address of the host's",
			portmap_print(p, text));
	for (size_t i = 0; i <= s->d.nets.n; i++) {
		const struct net_wish *v = i < s->d.nets.n ? &s->d.nets.items[i] : w;
		size_t last = i < s->d.nets.n ? v->ports.n : n;

		for (size_t k = 0; k < last; k++)
			if (portmap_clash(&v->ports.items[k], p))
				return err_set(e, EEXIST, "publish: %s and %s want the same port",
					       portmap_print(&v->ports.items[k], other),
					       portmap_print(p, text));
	}
	return 0;
}

/* Those of --publish go to the first interface that can have ports. */
static int take_ports(struct spec *s, struct net_wish *w, bool *taken, struct err *e)
{
	struct portmap *all = NULL;
	size_t n = 0;

	if (!(kinds[w->kind].keys & NET_KEY_PUBLISH))
		return 0;
	for (size_t i = 0; i < w->ports.n + (*taken ? 0 : s->publish.n); i++) {
		struct portmap *slot = arena_push(s->arena, &all, &n, sizeof(*slot));

		if (!slot)
			return err_errno(e, ENOMEM, "publish");
		*slot = i < w->ports.n ? w->ports.items[i] : s->publish.items[i - w->ports.n];
	}
	*taken = true;
	w->ports.items = all;
	w->ports.n = n;
	for (size_t i = 0; i < n; i++) {
		int r = check_port(s, w, i, e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- names of others ---- */

static int decide_resolv_conf(struct spec *s, const struct facts *f, struct err *e)
{
	const char *text = "";
	unsigned n = 0;

	for (size_t i = 0; text && i < s->d.nets.n; i++) {
		const struct net_wish *w = &s->d.nets.items[i];

		for (size_t k = 0; text && k < w->dns.n && n < NAMESERVERS_MAX; k++, n++)
			text = arena_printf(s->arena, "%snameserver %s\n", text, w->dns.items[k]);
	}
	if (text && !n && s->d.nets.n && s->d.nets.items[0].kind == NET_PASTA && f->resolv_conf)
		text = f->resolv_conf;
	s->d.resolv_conf = text && *text ? text : NULL;
	return text ? 0 : err_errno(e, ENOMEM, "net");
}

/* ---- the firewall ---- */

static int add_rule(struct spec *s, const struct netrule *rule, struct err *e)
{
	struct netrule *slot =
		arena_push(s->arena, &s->d.rules.items, &s->d.rules.n, sizeof(*slot));

	if (!slot)
		return err_errno(e, ENOMEM, "rules");
	if (s->d.rules.n > NETRULES_MAX)
		return err_set(e, E2BIG, "rules: at most %d", NETRULES_MAX);
	*slot = *rule;
	return 0;
}

/* "dns" is each of the box's name servers, at their port. */
static int add_dns_rules(struct spec *s, const struct netrule *rule, struct err *e)
{
	const char *line = s->d.resolv_conf;
	int n = 0, r = 0;

	while (r == 0 && line && *line) {
		struct netrule one = *rule;
		char word[IP_TEXT_MAX];

		if (sscanf(line, "nameserver %55s", word) == 1 &&
		    ip_net_parse(word, &one.address) == 0) {
			one.peer = NETRULE_ADDRESS;
			one.n_ports = 1;
			one.ports[0] = (struct port_range){ 53, 53 };
			r = add_rule(s, &one, e);
			n++;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return r < 0 || n ? r
			  : err_set(e, EINVAL,
				    "rules: out:dns: this box has no name server (a network with "
				    "names, dns=ADDRESS, or --net pasta give it one)");
}

static bool on_a_network(const struct spec *s)
{
	for (size_t i = 0; i < s->d.nets.n; i++)
		if (s->d.nets.items[i].kind == NET_BRIDGE)
			return true;
	return false;
}

static int check_rule(struct spec *s, const struct facts *f, const struct netrule *rule,
		      struct err *e)
{
	struct fact_network n;

	if (rule->peer == NETRULE_DNS)
		return add_dns_rules(s, rule, e);
	if (rule->peer == NETRULE_BOX && !on_a_network(s))
		return err_set(e, EINVAL,
			       "rules: box:%s: names are those of boxes on a network: --net bridge",
			       rule->name);
	if (rule->peer == NETRULE_NETWORK &&
	    (!f->network || f->network(f->look_arg, rule->name, &n) < 0))
		return err_set(e, ENOENT, "rules: net:%s: there is no such network", rule->name);
	return add_rule(s, rule, e);
}

/* Rules that the box itself could change, or go around by packet(7), are none. */
static int check_rules(struct spec *s, const struct facts *f, struct err *e)
{
	uint64_t too_much = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_NET_RAW;
	int r = 0;

	if (s->rules.n && !s->d.nets.n)
		return err_set(
			e, EINVAL,
			"rules: allow and deny need an interface that they are about: --net");
	if (s->rules.n && s->caps & too_much)
		return err_set(e, EINVAL, "rules: with the capability %s the box could %s them",
			       s->caps & UINT64_C(1) << CAP_NET_ADMIN ? "net_admin" : "net_raw",
			       s->caps & UINT64_C(1) << CAP_NET_ADMIN ? "change" : "go around");
	for (size_t i = 0; r == 0 && i < s->rules.n; i++)
		r = check_rule(s, f, &s->rules.items[i], e);
	return r;
}

/* ---- all ---- */

static int decide_one(struct spec *s, const struct facts *f, const struct net_wish *wish,
		      bool *ports_taken, struct err *e)
{
	struct net_wish w = *wish, *slot;
	int r = check_keys(&w, e);

	w.dns.n = 0; /* a list of its own, for it may grow */
	w.dns.items = NULL;
	for (size_t i = 0; r == 0 && i < wish->dns.n; i++) {
		const char **dns = arena_push(s->arena, &w.dns.items, &w.dns.n, sizeof(*dns));

		r = dns ? 0 : err_errno(e, ENOMEM, "net");
		if (dns)
			*dns = wish->dns.items[i];
	}
	if (r == 0)
		r = decide_name(s, &w, e);
	if (r == 0 && w.kind == NET_BRIDGE)
		r = decide_bridge(s, f, &w, e);
	if (r == 0)
		r = check_gateway(s, &w, e);
	if (r == 0)
		r = take_ports(s, &w, ports_taken, e);
	if (r < 0)
		return r;
	slot = arena_push(s->arena, &s->d.nets.items, &s->d.nets.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "net");
	*slot = w;
	return 0;
}

/* lo alone, with all addresses of the world: who has a name is what holm-egress says. */
static int add_names(struct spec *s, struct err *e)
{
	struct net_wish *slot;
	const char **dns;

	if (!s->only_hosts && s->egress_log)
		return err_set(e, EINVAL, "egress-log: goes with allow-host");
	if (!s->only_hosts)
		return 0;
	if (s->ns[NS_NET].mode != NS_NEW || s->nets.n || s->publish.n || s->rules.n)
		return err_set(e, EINVAL,
			       "allow-host: makes the whole network: no other interface, port or "
			       "rule goes with it");
	slot = arena_push(s->arena, &s->d.nets.items, &s->d.nets.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "net");
	*slot = (struct net_wish){ .kind = NET_NAMES, .name = "lo" };
	dns = arena_push(s->arena, &slot->dns.items, &slot->dns.n, sizeof(*dns));
	if (!dns)
		return err_errno(e, ENOMEM, "net");
	*dns = EGRESS_ADDRESS;
	return 0;
}

int check_net(struct spec *s, const struct facts *f, struct err *e)
{
	bool ports_taken = false;
	int r = check_wishes(s, f, e);

	if (r == 0)
		r = add_names(s, e);

	for (size_t i = 0; r == 0 && i < s->nets.n; i++)
		r = decide_one(s, f, &s->nets.items[i], &ports_taken, e);
	if (r == 0 && s->publish.n && !ports_taken)
		return err_set(e, EINVAL,
			       "publish: needs an interface that ports can lead to: --net bridge, "
			       "or --net pasta");
	if (r == 0)
		r = decide_resolv_conf(s, f, e);
	return r == 0 ? check_rules(s, f, e) : r;
}
