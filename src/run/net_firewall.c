/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/net_firewall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/link.h"
#include "net/nft.h"
#include "run/networks.h"
#include "sys/fd.h"

/* ---- who is meant ---- */

struct looking_up {
	const struct networks *n; /* NULL: there are none */
	const memberships *on;
	bool has_host;
	struct spans host[2];
};

static int add_host_address(void *arg, const struct ip *address, int index)
{
	struct looking_up *u = arg;

	(void)index;
	if (!ip_is_loopback(address))
		spans_add(&u->host[address->family == AF_INET6], address->bytes, address->bytes);
	return 0;
}

static int look_up_host(struct looking_up *u)
{
	struct net_socket s;
	int r = u->has_host ? 0 : net_socket_open(&s);

	if (u->has_host || r < 0)
		return r;
	u->host[0].len = 4;
	u->host[1].len = 16;
	do {
		u->host[0].n = u->host[1].n = 0;
		r = link_addresses(&s, add_host_address, u);
	} while (r == -EINTR);
	net_socket_close(&s);
	spans_tidy(&u->host[0]);
	spans_tidy(&u->host[1]);
	u->has_host = true;
	return r;
}

static void add_net(struct firewall_peer *p, const struct ip_net *net)
{
	if (net->ip.family)
		spans_add_net(&p->in[net->ip.family == AF_INET6], net);
}

static void internet(struct looking_up *u, struct firewall_peer *p)
{
	struct spans special[2] = { { .len = 4 }, { .len = 16 } };
	struct ip_net net;

	ip_net_parse("0.0.0.0/0", &net);
	add_net(p, &net);
	ip_net_parse("::/0", &net);
	add_net(p, &net);
	for (size_t i = 0; ip_special[i]; i++)
		if (ip_net_parse(ip_special[i], &net) == 0)
			spans_add_net(&special[net.ip.family == AF_INET6], &net);
	for (int v6 = 0; v6 < 2; v6++) {
		spans_tidy(&special[v6]);
		spans_tidy(&p->in[v6]);
		spans_without(&p->in[v6], &special[v6]);
		spans_without(&p->in[v6], &u->host[v6]);
		p->in[v6].failed |= special[v6].failed;
		spans_done(&special[v6]);
	}
}

static int network_of(struct looking_up *u, const char *name, struct firewall_peer *p,
		      struct err *e)
{
	struct network net;
	int r = u->n ? network_find(u->n, name, &net, e)
		     : err_set(e, ENOENT, "net: there is no network \"%s\"", name);

	for (int v6 = 0; r == 0 && v6 < 2; v6++)
		add_net(p, &net.subnet[v6]);
	return r;
}

/* What is sent to all, or to a group, reaches whoever is to be denied, too. */
static void add_groups(struct looking_up *u, struct firewall_peer *p)
{
	static const char *const groups[] = { "255.255.255.255", "224.0.0.0/4", "ff00::/8" };
	struct network net;
	struct ip_net n;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (ip_net_parse(groups[i], &n) == 0)
			add_net(p, &n);
	for (size_t i = 0; u->n && i < u->on->n; i++) {
		if (network_load(u->n, u->on->items[i].network, &net) < 0)
			continue;
		n.ip = ip_net_at(&net.subnet[0], (UINT32_C(1) << (32 - net.subnet[0].prefix)) - 1);
		n.prefix = 32;
		add_net(p, &n);
	}
}

static int look_up(struct looking_up *u, struct firewall_rule *f, struct err *e)
{
	struct firewall_peer *p = &f->peer;
	bool host = f->rule.peer == NETRULE_HOST || f->rule.peer == NETRULE_INTERNET;
	int r = host ? look_up_host(u) : 0;

	p->in[0].len = 4;
	p->in[1].len = 16;
	if (r < 0)
		return err_errno(e, -r, "firewall: look which addresses the host has");
	p->all = f->rule.peer == NETRULE_ANY;
	if (f->rule.peer == NETRULE_ADDRESS)
		add_net(p, &f->rule.address);
	if (f->rule.peer == NETRULE_INTERNET)
		internet(u, p);
	if (f->rule.peer == NETRULE_NETWORK)
		r = network_of(u, f->rule.name, p, e);
	if (r == 0 && !f->rule.allow && !f->rule.in && !p->all && f->rule.peer != NETRULE_ADDRESS &&
	    f->rule.peer != NETRULE_INTERNET)
		add_groups(u, p);
	for (int v6 = 0; r == 0 && v6 < 2; v6++) {
		if (f->rule.peer == NETRULE_HOST)
			for (size_t i = 0; i < u->host[v6].n; i++)
				spans_add(&p->in[v6], u->host[v6].items[i].first,
					  u->host[v6].items[i].last);
		spans_tidy(&p->in[v6]);
		if (p->in[v6].failed || u->host[v6].failed)
			r = err_errno(e, ENOMEM, "firewall");
	}
	return r;
}

/* ---- rules on their way ---- */

struct firewall {
	struct firewall_rule rules[NETRULES_MAX];
	size_t n;
	struct firewall_rest rest[2];
	struct looking_up up;
};

static void firewall_done(struct firewall **firewall)
{
	struct firewall *f = *firewall;

	for (size_t i = 0; f && i < f->n; i++)
		for (int v6 = 0; v6 < 2; v6++)
			spans_done(&f->rules[i].peer.in[v6]);
	if (f) {
		spans_done(&f->up.host[0]);
		spans_done(&f->up.host[1]);
	}
	free(f);
}

#define _cleanup_firewall_ __attribute__((cleanup(firewall_done)))

static int push(struct firewall *f, const struct firewall_entry *seen, const struct netrule *rule,
		struct err *e)
{
	if (f->n == NETRULES_MAX)
		return err_set(e, E2BIG, "firewall: a box has at most %d rules", NETRULES_MAX);
	f->rules[f->n] = (struct firewall_rule){ .rule = *rule };
	if (seen) {
		f->rules[f->n].packets = seen->packets;
		f->rules[f->n].bytes = seen->bytes;
	}
	f->n++;
	return 0;
}

static bool speaks_of_boxes(const struct firewall *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->rules[i].rule.peer == NETRULE_BOX)
			return true;
	return false;
}

/* Once for each name would do; what is in a set already is no harm. */
static int follow_names(const struct firewall *f, const memberships *on, struct nft_text *t)
{
	int r = 0;

	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; r == 0 && k < on->n && f->rules[i].rule.peer == NETRULE_BOX; k++)
			r = net_peers_follow(f->up.n, &on->items[k], f->rules[i].rule.name, t);
	return r;
}

/* In the place of what is there, at one stroke. */
static int put(struct firewall *f, const memberships *on, struct net_socket *nft, struct err *e)
{
	_cleanup_nft_text_ struct nft_text t = NFT_TEXT_INIT;
	int r = 0;

	f->up.on = on;
	for (size_t i = 0; r == 0 && i < f->n; i++)
		r = look_up(&f->up, &f->rules[i], e);
	if (r < 0)
		return r;
	nft_text_begin(&t);
	firewall_remove(&t);
	if (f->n)
		firewall_write(&t, f->rules, f->n, f->rest);
	if (f->up.n)
		r = follow_names(f, on, &t);
	if (r < 0)
		return err_errno(e, -r, "firewall: who has the names that its rules speak of");
	nft_text_end(&t);
	r = nft_text_send(&t, nft->fd);
	return r < 0 ? err_errno(e, -r,
				 "firewall: load its rules into its network namespace (they need "
				 "nf_tables with conntrack and reject in the kernel)")
		     : 0;
}

static int open_of(struct net_socket *nft, int pid, uint64_t expected, struct err *e)
{
	int r = nft_open_of(nft, pid, expected);

	if (r == -EALREADY)
		return err_set(e, EINVAL,
			       "firewall: process %d has the host's network, and the rules of that "
			       "are not holm's",
			       pid);
	if (r == -ENOENT || r == -ESRCH)
		return err_set(e, ESRCH, "firewall: process %d has ended, or never was", pid);
	return r < 0 ? err_errno(e, -r, "firewall: speak of the network namespace of process %d",
				 pid)
		     : 0;
}

int net_firewall_load(int pid, const struct netrule *rules, size_t n, const memberships *on,
		      struct err *e)
{
	_cleanup_networks_ struct networks networks = NETWORKS_INIT;
	_cleanup_firewall_ struct firewall *f = calloc(1, sizeof(*f));
	struct net_socket nft;
	int r = f ? 0 : err_errno(e, ENOMEM, "firewall");

	for (size_t i = 0; r == 0 && i < n; i++)
		r = push(f, NULL, &rules[i], e);
	if (r == 0 && speaks_of_boxes(f))
		r = networks_lock(&networks, e);
	else if (r == 0)
		networks_open(&networks);
	if (r == 0)
		r = open_of(&nft, pid, 0, e);
	if (r < 0)
		return r;
	f->up.n = networks.fd < 0 ? NULL : &networks;
	r = put(f, on, &nft, e);
	net_socket_close(&nft);
	return r;
}

/* ---- a box that runs ---- */

#define LOCK_TRIES 500 /* 10 s */

struct running {
	struct arena *a;
	struct networks networks;
	int pid, lock_fd; /* lock_fd: its network namespace */
	uint64_t net_ns;
	memberships on;
	struct net_socket nft;
	struct firewall *f;
	struct err *e;
};

static void running_done(struct running *r)
{
	net_socket_close(&r->nft);
	networks_close(&r->networks);
	cleanup_fd(&r->lock_fd);
	firewall_done(&r->f);
	arena_free(r->a);
}

#define RUNNING_INIT                                                   \
	{                                                              \
		.lock_fd = -1, .networks = NETWORKS_INIT, .nft.fd = -1 \
	}
#define _cleanup_running_ __attribute__((cleanup(running_done)))

/* All leases: those of a network namespace, or of who has a name. */
static int look_through(struct running *r, uint64_t ns, const char *name)
{
	strings networks = { 0 };
	int code = networks_list(r->a, &r->networks, &networks);

	for (size_t i = 0; code == 0 && i < networks.n; i++) {
		leases all = { 0 };

		code = lease_list(r->a, &r->networks, networks.items[i], &all);
		for (size_t k = 0; code == 0 && k < all.n; k++) {
			struct lease *l = &all.items[k];
			struct membership *slot;

			if (lease_load(&r->networks, networks.items[i], l) < 0 ||
			    (ns ? l->net_ns != ns : !str_eq(l->hostname, name)) ||
			    lease_is_left(l, true))
				continue;
			slot = arena_push(r->a, &r->on.items, &r->on.n, sizeof(*slot));
			if (!slot)
				return -ENOMEM;
			slot->lease = *l;
			snprintf(slot->network, sizeof(slot->network), "%s", networks.items[i]);
		}
	}
	return code;
}

static uint64_t net_ns_of(int pid)
{
	struct statx sx;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return sys_statx(AT_FDCWD, path, 0, STATX_INO, &sx) < 0 ? 0 : sx.stx_ino;
}

static int find_by_name(struct running *r, const char *name)
{
	int code = r->networks.fd < 0 ? 0 : look_through(r, 0, name);

	if (code < 0)
		return err_errno(r->e, -code, "firewall: %s", name);
	if (r->on.n == 0)
		return err_set(r->e, ENOENT,
			       "firewall: no box on a network has the name \"%.64s\"; a box is "
			       "also the pid of one of its processes",
			       name);
	for (size_t i = 1; i < r->on.n; i++)
		if (r->on.items[i].lease.net_ns != r->on.items[0].lease.net_ns)
			return err_set(r->e, EINVAL,
				       "firewall: several boxes have the name \"%s\" (processes %d "
				       "and %d): say which by its pid",
				       name, r->on.items[0].lease.pid, r->on.items[i].lease.pid);
	r->pid = r->on.items[0].lease.pid;
	r->net_ns = r->on.items[0].lease.net_ns;
	r->on.n = 0;
	return 0;
}

/*
 * What is read and written again is to be nobody else's meanwhile: a lock on the namespace itself,
 * which who is inside may take as well, so that nobody waits for ever.
 */
static int lock_rules(struct running *r)
{
	struct timespec nap = { 0, 20000000 };
	char path[32];
	int code = -EWOULDBLOCK;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", r->pid);
	r->lock_fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (r->lock_fd == -ENOENT || r->lock_fd == -ESRCH)
		return err_set(r->e, ESRCH, "firewall: process %d has ended, or never was", r->pid);
	if (r->lock_fd < 0)
		return err_errno(r->e, -r->lock_fd, "firewall: open %s", path);
	for (int tries = 0; code == -EWOULDBLOCK && tries < LOCK_TRIES; tries++) {
		code = sys_flock(r->lock_fd, LOCK_EX | LOCK_NB);
		if (code == -EWOULDBLOCK)
			nanosleep(&nap, NULL);
	}
	return code < 0 ? err_errno(r->e, -code,
				    "firewall: somebody else holds the rules of process %d", r->pid)
			: 0;
}

/* With the lock where there are networks: what is looked up is not to change meanwhile. */
static int find(struct running *r, const char *box)
{
	uint32_t pid;
	int code;

	r->a = arena_new();
	r->f = calloc(1, sizeof(*r->f));
	if (!r->a || !r->f)
		return err_errno(r->e, ENOMEM, "firewall");
	code = networks_open(&r->networks);
	if (code == 0) {
		networks_close(&r->networks);
		code = networks_lock(&r->networks, r->e);
		if (code < 0)
			return code;
	}
	if (str_u32(box, &pid) == 0)
		r->pid = (int)pid;
	else
		code = find_by_name(r, box);
	if (r->pid <= 0)
		return code;
	code = lock_rules(r);
	if (code == 0)
		code = open_of(&r->nft, r->pid, r->net_ns, r->e);
	if (code == 0 && r->networks.fd >= 0)
		code = look_through(r, net_ns_of(r->pid), NULL);
	r->f->up.n = r->networks.fd < 0 ? NULL : &r->networks;
	return code;
}

static int take_entry(void *arg, const struct firewall_entry *entry)
{
	struct running *r = arg;
	struct netrule rule;

	if (entry->number == 0) {
		r->f->rest[strstr(entry->text, " in") != NULL] =
			(struct firewall_rest){ entry->packets, entry->bytes };
		return 0;
	}
	if (entry->number != r->f->n + 1 || netrule_read(entry->text, &rule) < 0)
		return err_set(r->e, EINVAL, "firewall: what is this rule: \"%s\"?", entry->text);
	return push(r->f, entry, &rule, r->e);
}

static int read_back(struct running *r)
{
	int code = firewall_list(&r->nft, take_entry, r);

	if (code == -ENOENT)
		return 0;
	return code < 0 && !r->e->code
		       ? err_errno(r->e, -code, "firewall: read its rules from the kernel")
		       : code;
}

int net_firewall_add(const char *box, const struct netrule *rules, size_t n, struct err *e)
{
	_cleanup_running_ struct running r = RUNNING_INIT;
	int code;

	r.e = e;
	code = find(&r, box);
	if (code == 0)
		code = read_back(&r);
	for (size_t i = 0; code == 0 && i < n; i++) {
		if (rules[i].peer == NETRULE_DNS)
			return err_set(e, EINVAL,
				       "firewall: of a box that runs, say which name server: "
				       "ADDRESS:53");
		if (rules[i].peer == NETRULE_BOX && !r.on.n)
			return err_set(e, EINVAL,
				       "firewall: box:%s: process %d is on no network of holm's",
				       rules[i].name, r.pid);
		code = push(r.f, NULL, &rules[i], e);
	}
	return code == 0 ? put(r.f, &r.on, &r.nft, e) : code;
}

int net_firewall_withdraw(const char *box, const unsigned *numbers, size_t n, struct err *e)
{
	_cleanup_running_ struct running r = RUNNING_INIT;
	bool gone[NETRULES_MAX] = { false };
	size_t kept = 0;
	int code;

	r.e = e;
	code = find(&r, box);
	if (code == 0)
		code = read_back(&r);
	for (size_t i = 0; code == 0 && i < n; i++) {
		if (numbers[i] == 0 || numbers[i] > r.f->n)
			return err_set(e, ENOENT, "firewall: there is no rule %u; there are %zu",
				       numbers[i], r.f->n);
		gone[numbers[i] - 1] = true;
	}
	if (code < 0)
		return code;
	for (size_t i = 0; i < r.f->n; i++)
		if (!gone[i])
			r.f->rules[kept++] = r.f->rules[i];
	r.f->n = kept;
	return put(r.f, &r.on, &r.nft, e);
}

int net_firewall_show(const char *box, firewall_fn *fn, void *arg, struct err *e)
{
	_cleanup_running_ struct running r = RUNNING_INIT;
	int code;

	r.e = e;
	code = find(&r, box);
	if (code < 0)
		return code;
	code = firewall_list(&r.nft, fn, arg);
	if (code == -ENOENT)
		return 0;
	return code < 0 ? err_errno(e, -code, "firewall: read its rules from the kernel") : code;
}

int net_firewall_again(int pid, uint64_t net_ns, struct err *e)
{
	_cleanup_running_ struct running r = RUNNING_INIT;
	char box[16];
	int code;

	r.e = e;
	r.net_ns = net_ns;
	snprintf(box, sizeof(box), "%d", pid);
	code = find(&r, box);
	if (code == 0)
		code = read_back(&r);
	return code == 0 && r.f->n ? put(r.f, &r.on, &r.nft, e) : code;
}
