/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The setters of --net and --publish: MODE[:OBJECT][,KEY=VALUE...]. */
#include <errno.h>
#include <string.h>

#include "base/hostname.h"
#include "base/str.h"
#include "spec/spec.h"

const char *const net_kind_words[NET_KINDS] = { "veth", "bridge", "macvlan", "ipvlan",
						"phys", "pasta",  "names" };

struct reading {
	struct spec *s;
	const struct field *f;
	struct net_wish *w;
	struct err *e;
};

/* ---- keys ---- */

static int bad(const struct reading *r, const char *key, const char *value, const char *words)
{
	return err_set(r->e, EINVAL, "%s: %s=%s: %s", r->f->name, key, value, words);
}

static int set_name(struct reading *r, const char *key, const char *value)
{
	size_t len = strlen(value);

	/* dev_valid_name() of the kernel; and what is a pattern to it, or two names to a reader. */
	if (len == 0 || len > 15 || str_eq(value, ".") || str_eq(value, "..") ||
	    strpbrk(value, "/:% \t\n") || str_eq(value, "lo"))
		return bad(r, key, value, "cannot be an interface's name (1 to 15 characters)");
	r->w->name = value;
	return 0;
}

static int set_ip(struct reading *r, const char *key, const char *value)
{
	struct ip_net *slot, n;

	if (ip_net_parse(value, &n) < 0 || ip_is_any(&n.ip) || ip_is_loopback(&n.ip) ||
	    n.prefix == 0)
		return bad(r, key, value, "is no address; write 10.0.0.5/24 or fd00::5/64");
	if (r->w->addresses.n == NET_ADDRESSES_MAX)
		return bad(r, key, value, "there are too many addresses");
	slot = arena_push(r->s->arena, &r->w->addresses.items, &r->w->addresses.n, sizeof(*slot));
	if (!slot)
		return err_errno(r->e, ENOMEM, "%s", r->f->name);
	*slot = n;
	return 0;
}

static int set_mac(struct reading *r, const char *key, const char *value)
{
	if (mac_parse(value, r->w->mac) < 0)
		return bad(r, key, value, "is no hardware address; write 02:00:00:00:00:01");
	return 0;
}

static int set_mtu(struct reading *r, const char *key, const char *value)
{
	if (str_u32(value, &r->w->mtu) < 0 || r->w->mtu < 68 || r->w->mtu > 65535)
		return bad(r, key, value, "is no MTU (68 to 65535; IPv6 needs 1280)");
	return 0;
}

static int set_gateway(struct reading *r, const char *key, const char *value)
{
	struct ip a;

	if (ip_parse(value, &a) < 0 || ip_is_any(&a))
		return bad(r, key, value, "is no address");
	r->w->gateway[a.family == AF_INET6] = a;
	return 0;
}

static int set_dns(struct reading *r, const char *key, const char *value)
{
	const char **slot;
	struct ip a;

	if (ip_parse(value, &a) < 0)
		return bad(r, key, value, "is no address");
	slot = arena_push(r->s->arena, &r->w->dns.items, &r->w->dns.n, sizeof(*slot));
	if (!slot)
		return err_errno(r->e, ENOMEM, "%s", r->f->name);
	*slot = value;
	return 0;
}

static int set_net_hostname(struct reading *r, const char *key, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > 63 || value[0] == '-' || value[len - 1] == '-' ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return bad(r, key, value, "cannot be a name (1 to 63 of a-z 0-9 and -)");
	r->w->hostname = value;
	return 0;
}

/* "10mbit": powers of 1000, as links are measured. */
static int take_rate(const char *s, uint64_t *out)
{
	static const struct {
		const char *word;
		uint64_t factor;
	} units[] = { { "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 } };
	uint64_t n;

	if (str_take_u64(&s, &n) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (str_eq(s, units[i].word))
			return n < 8000 / units[i].factor ||
					       __builtin_mul_overflow(n, units[i].factor, out) ||
					       *out > UINT64_C(1000000000000)
				       ? -EINVAL
				       : 0;
	return -EINVAL;
}

static int set_rate(struct reading *r, const char *key, const char *value)
{
	const char *slash = strchr(value, '/');
	const char *first =
		slash ? arena_strndup(r->s->arena, value, (size_t)(slash - value)) : value;

	if (take_rate(first, &r->w->rate_in) < 0 ||
	    take_rate(slash ? slash + 1 : value, &r->w->rate_out) < 0)
		return bad(r, key, value,
			   "is no rate; write 10mbit, or 10mbit/2mbit for into and out of the box "
			   "(8kbit to 1000gbit)");
	return 0;
}

static int set_host(struct reading *r, const char *key, const char *value)
{
	if (str_bool(value, &r->w->host) < 0)
		return bad(r, key, value, "is neither yes nor no");
	return 0;
}

static int set_port(struct reading *r, const char *key, const char *value)
{
	struct portmap p, *slot;

	if (portmap_parse(value, &p) < 0)
		return bad(r, key, value,
			   "is not [IP:]HOST:BOX[/tcp|udp] with ports, or ranges of one length");
	if (r->w->ports.n == NET_PORTS_MAX)
		return bad(r, key, value, "there are too many; give ranges");
	slot = arena_push(r->s->arena, &r->w->ports.items, &r->w->ports.n, sizeof(*slot));
	if (!slot)
		return err_errno(r->e, ENOMEM, "%s", r->f->name);
	*slot = p;
	return 0;
}

static const struct net_key_row {
	const char *word;
	enum net_key bit;
	int (*set)(struct reading *r, const char *key, const char *value);
} key_rows[] = {
	{ "name", NET_KEY_NAME, set_name },
	{ "ip", NET_KEY_IP, set_ip },
	{ "mac", NET_KEY_MAC, set_mac },
	{ "mtu", NET_KEY_MTU, set_mtu },
	{ "gateway", NET_KEY_GATEWAY, set_gateway },
	{ "dns", NET_KEY_DNS, set_dns },
	{ "hostname", NET_KEY_HOSTNAME, set_net_hostname },
	{ "rate", NET_KEY_RATE, set_rate },
	{ "publish", NET_KEY_PUBLISH, set_port },
	{ "host", NET_KEY_HOST, set_host },
};

static int read_key(struct reading *r, char *text)
{
	char *eq = strchr(text, '=');

	if (!eq)
		return err_set(r->e, EINVAL, "%s: \"%s\" is not KEY=VALUE", r->f->name, text);
	*eq = 0;
	for (size_t i = 0; i < ARRAY_SIZE(key_rows); i++) {
		if (!str_eq(key_rows[i].word, text))
			continue;
		r->w->keys |= key_rows[i].bit;
		return key_rows[i].set(r, text, eq + 1);
	}
	return err_set(r->e, EINVAL,
		       "%s: there is no key \"%s\"; there are name, ip, mac, mtu, gateway, dns, "
		       "hostname, rate, publish and host",
		       r->f->name, text);
}

/* ---- modes ---- */

static int no_mode(struct reading *r, const char *mode)
{
	return err_set(
		r->e, EINVAL,
		"%s: there is no mode \"%s\"; there are none, host, join:NAME|PID|PATH, "
		"veth, bridge[:NETWORK], macvlan:PARENT, ipvlan:PARENT, phys:IFACE and pasta",
		r->f->name, mode);
}

/* What is no interface of the box's own. 1: it was none of these. */
static int whole_network(struct reading *r, const char *value)
{
	struct ns_choice *net = &r->s->ns[NS_NET];

	if (str_eq(value, "none")) {
		r->s->net_none = true;
	} else if (str_eq(value, "host")) {
		net->mode = NS_SHARED;
	} else if (str_starts(value, "join:") && value[5]) {
		net->mode = NS_JOINED;
		net->target = arena_strdup(r->s->arena, value + 5);
	} else {
		return 1;
	}
	return 0;
}

static int set_object(struct reading *r, const char *mode, const char *object)
{
	enum net_kind kind = r->w->kind;
	bool needed = kind == NET_MACVLAN || kind == NET_IPVLAN || kind == NET_PHYS;

	if (kind == NET_BRIDGE && !object)
		object = "default";
	if (needed && (!object || !*object))
		return err_set(r->e, EINVAL, "%s: %s needs an interface: %s:NAME", r->f->name, mode,
			       mode);
	if (object && (kind == NET_VETH || kind == NET_PASTA))
		return err_set(r->e, EINVAL, "%s: %s takes nothing behind a colon", r->f->name,
			       mode);
	r->w->object = object;
	return 0;
}

static int read_mode(struct reading *r, char *mode)
{
	char *colon = strchr(mode, ':');

	if (colon)
		*colon++ = 0;
	for (int i = 0; i < NET_NAMES; i++) {
		if (!str_eq(mode, net_kind_words[i]))
			continue;
		r->w->kind = (enum net_kind)i;
		return set_object(r, mode, colon);
	}
	return no_mode(r, mode);
}

/* The piece before the next comma, cut out in place. */
static char *next_piece(char **rest)
{
	char *piece = *rest, *comma = strchr(piece, ',');

	*rest = comma ? comma + 1 : NULL;
	if (comma)
		*comma = 0;
	return piece;
}

int set_net(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct reading r = { s, f, NULL, e };
	char *rest;
	int code = whole_network(&r, value);

	if (code <= 0)
		return code;
	rest = arena_strdup(s->arena, value);
	r.w = arena_push(s->arena, &s->nets.items, &s->nets.n, sizeof(*r.w));
	if (!rest || !r.w)
		return err_errno(e, ENOMEM, "%s", f->name);
	code = read_mode(&r, next_piece(&rest));
	while (code == 0 && rest)
		code = read_key(&r, next_piece(&rest));
	if (code < 0)
		s->nets.n--;
	return code;
}

int set_publish(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct net_wish all = { .ports = { s->publish.items, s->publish.n } };
	struct reading r = { s, f, &all, e };
	int code = set_port(&r, "port", value);

	s->publish.items = all.ports.items;
	s->publish.n = all.ports.n;
	return code;
}

int set_rule(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *why = NULL;
	struct netrule rule, *slot;

	if (netrule_parse(value, f->param != 0, &rule, &why) < 0)
		return err_set(e, EINVAL, "%s: %.64s: %s", f->name, value, why);
	slot = arena_push(s->arena, &s->rules.items, &s->rules.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = rule;
	return 0;
}

static int add_host(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct host_wish wish;
	const char *why = NULL, **slot;

	if (host_wish_parse(value, &wish, &why) < 0)
		return err_set(e, EINVAL, "%s: \"%.64s\": %s", f->name, value, why);
	if (s->allow_hosts.n == ALLOW_HOSTS_MAX)
		return err_set(e, E2BIG, "%s: at most %d", f->name, ALLOW_HOSTS_MAX);
	slot = arena_push(s->arena, &s->allow_hosts.items, &s->allow_hosts.n, sizeof(*slot));
	if (slot)
		*slot = arena_strdup(s->arena, value);
	return slot && *slot ? 0 : err_errno(e, ENOMEM, "%s", f->name);
}

/* A list of no names is one: nothing gets out. */
int set_allow_host(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	char *one, *rest = arena_strdup(s->arena, value);
	int r = 0;

	s->only_hosts = true;
	if (!rest)
		return err_errno(e, ENOMEM, "%s", f->name);
	while (r == 0 && *value && (one = strsep(&rest, ",")))
		r = add_host(s, f, one, e);
	return r;
}
