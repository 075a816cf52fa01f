/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making and removing networks. Whoever does it holds the lock of the host. What is to be is
 * written down first: so a maker that is killed leaves a network that lacks something, and whoever
 * uses or checks it next makes that.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/link.h"
#include "run/fault.h"
#include "run/net_sysctl.h"
#include "run/networks.h"
#include "run/overlay.h"
#include "sys/fd.h"
#include "sys/process.h"

/* ---- parameters of the kernel ---- */

#define SYSCTL_MAX 80

static void sysctl_path(const char *family, const char *interface, const char *key,
			char out[SYSCTL_MAX])
{
	snprintf(out, SYSCTL_MAX, "/proc/sys/net/%s/conf/%s/%s", family, interface, key);
}

static int read_digit(const char *path)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	char c;

	return fd < 0 ? fd : sys_read(fd, &c, 1) == 1 ? c - '0' : -EIO;
}

static int write_digit(const char *path, char digit)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_WRONLY, 0);
	ssize_t n = fd < 0 ? fd : sys_write(fd, &digit, 1);

	return n < 0 ? (int)n : 0;
}

int network_sysctl(const char *family, const char *interface, const char *key, char digit)
{
	char path[SYSCTL_MAX];

	sysctl_path(family, interface, key, path);
	return write_digit(path, digit);
}

/*
 * Answers from outside arrive at the interface of the default route, so that one has to forward,
 * too. What was off before is written down, for the last network to turn it off again; and a rule
 * lets nothing through that is not for a network.
 */
static void forward_uplink(const struct networks *n, struct rules *r, struct net_socket *s, int v6)
{
	char path[SYSCTL_MAX], name[16], line[SYSCTL_MAX + 24];
	int index = link_uplink(s, v6 ? AF_INET6 : AF_INET);
	_cleanup_fd_ int fd = -1;

	if (index <= 0 || link_name_of(s, index, name) < 0)
		return;
	sysctl_path(v6 ? "ipv6" : "ipv4", name, v6 ? "force_forwarding" : "forwarding", path);
	if (read_digit(path) != 0)
		return;
	fd = sys_openat(n->fd, "forwarding", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644);
	snprintf(line, sizeof(line), "%s %s\n", name, path);
	if (fd < 0 || sys_write_all(fd, line, strlen(line)) < 0)
		return;
	rules_put_uplink(r, name, false);
	write_digit(path, '1');
}

static void unforward_uplinks(const struct networks *n, struct rules *r)
{
	_cleanup_fd_ int fd = sys_openat(n->fd, "forwarding", O_RDONLY | O_NOFOLLOW, 0);
	_cleanup_file_ FILE *f = fd < 0 ? NULL : fdopen(TAKE_FD(fd), "re");
	char line[SYSCTL_MAX + 24], name[16], path[SYSCTL_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%15s %79s", name, path) != 2)
			continue;
		write_digit(path, '0');
		rules_put_uplink(r, name, true);
	}
	sys_unlinkat(n->fd, "forwarding", 0);
}

/* Its boxes are not to tell the host of routers, and the host need not tell them of better ways. */
static void tame_bridge(const struct network *net)
{
	network_sysctl("ipv6", net->bridge, "accept_ra", '0');
	network_sysctl("ipv6", net->bridge, "accept_redirects", '0');
	network_sysctl("ipv4", net->bridge, "accept_redirects", '0');
	network_sysctl("ipv4", net->bridge, "send_redirects", '0');
	if (net->internal)
		return;
	network_sysctl("ipv4", net->bridge, "forwarding", '1');
	network_sysctl("ipv6", net->bridge, "force_forwarding", '1');
}

/* ---- subnets ---- */

#define POOL        "10.77.0.0/22" /* and those behind it, to the end of 10.127 */
#define POOL_LAST   "10.127.255.255"
#define SUBNET_SIZE 1024

struct taken {
	struct ip_net wish;
	bool clash;
	char by[NETWORK_NAME_MAX + 40];
	struct net_socket *s;
};

static int look_at_route(void *arg, const struct ip_net *to, int index)
{
	struct taken *t = arg;
	char interface[16] = "", text[IP_TEXT_MAX];

	if (t->clash || to->ip.family != t->wish.ip.family || !ip_net_overlap(to, &t->wish))
		return 0;
	t->clash = true;
	(void)index;
	snprintf(t->by, sizeof(t->by), "the route to %s%s", ip_net_print(to, text), interface);
	return 0;
}

static int look_at_networks(const struct networks *n, struct taken *t)
{
	struct arena *a = arena_new();
	strings names = { 0 };
	int r = a ? networks_list(a, n, &names) : -ENOMEM;

	for (size_t i = 0; r == 0 && !t->clash && i < names.n; i++) {
		int v6 = t->wish.ip.family == AF_INET6;
		struct network other;

		if (network_load(n, names.items[i], &other) < 0 || !other.subnet[v6].ip.family ||
		    !ip_net_overlap(&other.subnet[v6], &t->wish))
			continue;
		t->clash = true;
		snprintf(t->by, sizeof(t->by), "the network %s", other.name);
	}
	arena_free(a);
	return r;
}

static int is_taken(const struct networks *n, struct taken *t)
{
	int r = look_at_networks(n, t);

	return r < 0 || t->clash ? r : link_routes(t->s, look_at_route, t);
}

static int check_subnet(const struct networks *n, struct net_socket *s, const struct ip_net *wish,
			struct err *e)
{
	struct taken t = { .wish = *wish, .s = s };
	bool v6 = wish->ip.family == AF_INET6;
	char text[IP_TEXT_MAX];
	struct ip_net base = ip_net_base(wish);
	int r;

	if (v6 ? wish->prefix < 8 || wish->prefix > 112 : wish->prefix < 8 || wish->prefix > 29)
		return err_set(e, EINVAL, "net: subnet %s: %s", ip_net_print(wish, text),
			       v6 ? "a prefix of 8 to 112" : "a prefix of 8 to 29");
	if (!ip_eq(&base.ip, &wish->ip))
		return err_set(e, EINVAL, "net: subnet %s: the network's own address is %s",
			       ip_net_print(wish, text),
			       ip_print(&base.ip, (char[IP_TEXT_MAX]){ 0 }));
	r = is_taken(n, &t);
	if (r < 0)
		return err_errno(e, -r, "net: look which subnets are free");
	if (t.clash)
		return err_set(e, EADDRINUSE, "net: subnet %s overlaps %s",
			       ip_net_print(wish, text), t.by);
	return 0;
}

static int choose_v4(const struct networks *n, struct net_socket *s, struct ip_net *out,
		     struct err *e)
{
	struct ip_net pool;
	struct ip last;
	uint32_t end;

	ip_net_parse(POOL, &pool);
	ip_parse(POOL_LAST, &last);
	end = ip_net_index(&pool, &last);
	for (uint32_t at = 0; at < end; at += SUBNET_SIZE) {
		struct taken t = { .wish = { ip_net_at(&pool, at), pool.prefix }, .s = s };
		int r = is_taken(n, &t);

		if (r < 0)
			return err_errno(e, -r, "net: look which subnets are free");
		if (t.clash)
			continue;
		*out = t.wish;
		return 0;
	}
	return err_set(e, ENOSPC,
		       "net: no subnet of " POOL " to " POOL_LAST " is free: give one (--subnet)");
}

/* RFC 4193: 40 random bits, so that nobody else has chosen the same. */
static void choose_v6(struct ip_net *out)
{
	*out = (struct ip_net){ { AF_INET6, { 0xfd } }, 64 };
	sys_getrandom(out->ip.bytes + 1, 5, 0);
}

static int decide_subnets(const struct networks *n, struct net_socket *s,
			  const struct network_wish *w, struct network *net, struct err *e)
{
	int r = 0;

	for (int v6 = 0; r == 0 && v6 < 2; v6++) {
		net->subnet[v6] = w->subnet[v6];
		if (w->subnet[v6].ip.family)
			r = check_subnet(n, s, &w->subnet[v6], e);
	}
	if (r == 0 && !net->subnet[0].ip.family)
		r = choose_v4(n, s, &net->subnet[0], e);
	if (r == 0 && !net->subnet[1].ip.family && !w->no_v6)
		choose_v6(&net->subnet[1]);
	return r;
}

/* ---- up ---- */

static int make_bridge(struct net_socket *s, const struct network *net, struct err *e)
{
	struct ip_net addresses[2];
	size_t n = 0;
	int r = fault_point("bridge");

	for (int v6 = 0; v6 < 2; v6++)
		if (net->subnet[v6].ip.family)
			addresses[n++] =
				(struct ip_net){ network_gateway(net, v6), net->subnet[v6].prefix };
	if (r == 0)
		r = link_make_bridge(s, net->bridge, addresses, n, net->overlay.mtu);
	return r < 0 ? err_errno(e, -r, "net: %s: %s", net->name, s->failed) : 0;
}

int network_put_up(const struct networks *n, struct rules *r, const struct network *net,
		   struct err *e)
{
	struct net_socket s;
	int code = net_socket_open(&s);

	if (code < 0)
		return err_errno(e, -code, "net: %s", net->name);
	code = link_index(&s, net->bridge);
	if (code == -ENODEV)
		code = make_bridge(&s, net, e);
	else if (code < 0)
		err_errno(e, -code, "net: %s", net->name);
	if (code >= 0) {
		tame_bridge(net);
		code = rules_put_network(r, net, e);
	}
	if (code == 0)
		code = rules_put_overlay(r, n, net, e);
	if (code == 0)
		code = overlay_put_up(n, &s, net, e);
	for (int v6 = 0; code == 0 && v6 < 2; v6++)
		if (!net->internal && net->subnet[v6].ip.family)
			forward_uplink(n, r, &s, v6);
	net_socket_close(&s);
	return code;
}

int network_find(const struct networks *n, const char *name, struct network *out, struct err *e)
{
	int r = network_load(n, name, out);

	if (r == -ENOENT)
		return err_set(e, ENOENT, "net: there is no network \"%.64s\"", name);
	return r < 0 ? err_errno(e, -r, "net: %s", name) : 0;
}

/* ---- making ---- */

static int prepare(const struct networks *n, struct network_wish *w, struct network *net,
		   struct err *e)
{
	struct net_socket s;
	int r = 0;

	if (!network_name_valid(w->name))
		return err_set(e, EINVAL,
			       "net: \"%.64s\" cannot be a network's name (1 to %d of a-z 0-9 _ "
			       "and -)",
			       w->name, NETWORK_NAME_MAX);
	if (network_load(n, w->name, net) == 0)
		return err_set(e, EEXIST, "net: there is a network \"%s\" already", w->name);
	*net = (struct network){ .internal = w->internal, .has_dns = !w->no_dns };
	snprintf(net->name, sizeof(net->name), "%s", w->name);
	link_name(net->bridge, "hb");
	if (w->overlay) {
		net->has_etcd = w->overlay->etcd != NULL;
		r = overlay_decide(w->overlay, w, w->name, &net->overlay, e);
	}
	if (r == 0)
		r = esp_prepare(n, net, e);
	if (r < 0)
		return r;
	r = net_socket_open(&s);
	if (r < 0)
		return err_errno(e, -r, "net: %s", w->name);
	r = decide_subnets(n, &s, w, net, e);
	net_socket_close(&s);
	return r;
}

static void take_down(const struct networks *n, struct rules *r, const struct network *net)
{
	struct net_socket s;

	dns_stop(net);
	etcd_stop(n, net);
	rules_remove_network(r, net);
	rules_remove_overlay(r, n, net);
	if (net_socket_open(&s) == 0) {
		overlay_take_down(n, &s, net);
		link_delete(&s, net->bridge);
		net_socket_close(&s);
	}
	network_forget(n, net->name);
}

/* The last one takes the table along, and what was changed for all of them. */
void networks_end_if_last(const struct networks *n, struct rules *r)
{
	struct arena *a = arena_new();
	strings names = { 0 };

	if (a && networks_list(a, n, &names) == 0 && names.n == 0) {
		unforward_uplinks(n, r);
		rules_drop_all();
		networks_tidy(n);
	}
	arena_free(a);
}

/* The record of a network is what says that there is one, so it is the last. */
static int write_down(const struct networks *n, const struct network_wish *w,
		      const struct network *net, struct err *e)
{
	int r = fault_point("record");

	if (r == 0 && w->overlay)
		r = network_make_dir(n, net->name);
	if (r == 0 && w->overlay)
		r = peers_save(n, net->name, &w->overlay->peers);
	if (r == 0 && net->has_etcd && etcd_prepare(n, net, w->overlay, e) < 0)
		return -e->code;
	if (r == 0)
		r = network_save(n, net);
	return r < 0 ? err_errno(e, -r, "net: write down the network %s", net->name) : 0;
}

int network_create(struct network_wish *w, struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	struct network net;
	int r = networks_lock(&n, e);

	if (r < 0)
		return r;
	r = prepare(&n, w, &net, e);
	if (r == 0)
		r = rules_open(&rules, &n, e);
	if (r < 0) {
		networks_end_if_last(&n, &rules);
		return r;
	}
	r = write_down(&n, w, &net, e);
	if (r == 0 && net.has_etcd)
		r = etcd_start(&n, &net, e);
	if (r == 0)
		r = network_put_up(&n, &rules, &net, e);
	if (r == 0 && net.has_dns)
		r = dns_start(&n, &net, e);
	if (r < 0) {
		take_down(&n, &rules, &net);
		networks_end_if_last(&n, &rules);
	}
	return r;
}

int network_remove(const char *name, struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	struct network net;
	struct arena *a;
	leases on = { 0 };
	int r = networks_lock(&n, e);

	if (r == 0)
		r = network_find(&n, name, &net, e);
	if (r < 0) {
		if (n.fd >= 0)
			networks_tidy(&n);
		return r;
	}
	r = rules_open(&rules, &n, e);
	if (r < 0)
		return r;
	network_sweep(&n, &rules, true);
	a = arena_new();
	r = a ? lease_list(a, &n, name, &on) : -ENOMEM;
	if (r == 0 && on.n)
		r = err_set(e, EBUSY, "net: %s: %zu boxes are on it, the first with pid %d", name,
			    on.n, on.items[0].pid);
	else if (r < 0)
		err_errno(e, -r, "net: %s", name);
	arena_free(a);
	if (r < 0)
		return r;
	take_down(&n, &rules, &net);
	networks_end_if_last(&n, &rules);
	return 0;
}
