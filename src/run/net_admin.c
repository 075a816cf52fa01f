/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done to networks while boxes are on them: ports, further boxes, mending. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/link.h"
#include "run/box_net.h"
#include "run/fault.h"
#include "run/net_firewall.h"
#include "run/networks.h"
#include "run/overlay.h"
#include "state/state.h"
#include "sys/fd.h"

/* ---- which box ---- */

static uint64_t net_ns_of(int pid)
{
	struct statx sx;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return sys_statx(AT_FDCWD, path, 0, STATX_INO, &sx) < 0 ? 0 : sx.stx_ino;
}

/* By a pid in its network namespace, or by its name on the network. */
static int find_box(const struct networks *n, const char *network, const char *box,
		    struct lease *out, struct err *e)
{
	_cleanup_arena_ struct arena *a = arena_new();
	leases all = { 0 };
	uint32_t pid = 0;
	uint64_t ns = str_u32(box, &pid) == 0 ? net_ns_of((int)pid) : 0;
	int r = a ? lease_list(a, n, network, &all) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		struct lease *l = &all.items[i];

		if (lease_is_left(l, true) || lease_load(n, network, l) < 0)
			continue;
		if ((ns && l->net_ns == ns) || (!pid && str_eq(l->hostname, box))) {
			*out = *l;
			return 0;
		}
	}
	if (r < 0)
		return err_errno(e, -r, "net: %s", network);
	return err_set(e, ENOENT, "net: %s: there is no box \"%.64s\" on it (a pid, or a name)",
		       network, box);
}

/* ---- ports ---- */

int network_publish_on(const char *network, const char *box, struct portmap *ports, size_t n_ports,
		       struct lease *l, struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	struct network net;
	int r = networks_lock(&n, e);

	if (r == 0)
		r = network_find(&n, network, &net, e);
	if (r == 0)
		r = find_box(&n, network, box, l, e);
	return r < 0 ? r : network_publish(&n, &net, l, ports, n_ports, e);
}

static bool same_map(const struct portmap *a, const struct portmap *b)
{
	return a->protocol == b->protocol && a->first == b->first && a->count == b->count &&
	       a->box == b->box && ip_eq(&a->host, &b->host);
}

static const struct port_claim *find_claim(const port_claims *all, const char *network,
					   const struct lease *l, const struct portmap *p)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->items[i].network, network) &&
		    str_eq(all->items[i].lease, l->name) && same_map(&all->items[i].map, p))
			return &all->items[i];
	return NULL;
}

/* All or none. */
static int unpublish(const struct networks *n, const char *network, const struct lease *l,
		     const struct portmap *ports, size_t n_ports, struct err *e)
{
	_cleanup_rules_ struct rules rules = { .nft.fd = -1 };
	_cleanup_arena_ struct arena *a = arena_new();
	port_claims all = { 0 };
	char text[PORTMAP_TEXT_MAX];
	int r = a ? ports_load(a, n, NULL, &all) : -ENOMEM;

	if (r < 0)
		return err_errno(e, -r, "publish: read which ports are taken");
	for (size_t i = 0; i < n_ports; i++)
		if (!find_claim(&all, network, l, &ports[i]))
			return err_set(e, ENOENT, "publish: %s is not published for this box",
				       portmap_print(&ports[i], text));
	r = rules_open(&rules, n, e);
	for (size_t i = 0; r == 0 && i < n_ports; i++) {
		const struct port_claim *c = find_claim(&all, network, l, &ports[i]);
		size_t at = c ? (size_t)(c - all.items) : 0;

		if (!c)
			continue;
		rules_remove_ports(&rules, c, 1);
		memmove(&all.items[at], &all.items[at + 1], (--all.n - at) * sizeof(*c));
	}
	if (r == 0)
		r = ports_save(n, &all);
	return r < 0 ? err_errno(e, -r, "publish: write down the ports") : 0;
}

int network_unpublish_on(const char *network, const char *box, const struct portmap *ports,
			 size_t n_ports, struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	struct network net;
	struct lease l;
	int r = networks_lock(&n, e);

	if (r == 0)
		r = network_find(&n, network, &net, e);
	if (r == 0)
		r = find_box(&n, network, box, &l, e);
	return r < 0 ? r : unpublish(&n, network, &l, ports, n_ports, e);
}

/* ---- further boxes ---- */

static int free_name(struct net_socket *s, char out[16])
{
	for (unsigned i = 0; i < 1000; i++) {
		int r;

		snprintf(out, 16, "eth%u", i);
		r = net_device_exists(s, out);
		if (r <= 0)
			return r;
	}
	return -ENOSPC;
}

static int wire(struct net_ends *ends, const struct network *net, const struct lease *l,
		struct err *e)
{
	struct ip_net addresses[2];
	uint8_t mac[MAC_LEN];
	char name[16];
	struct link_inside inside = {
		.name = name, .ns_fd = ends->ns_fd, .mac = mac, .mtu = net->overlay.mtu
	};
	struct link_setup setup = { .name = name, .addresses = addresses };
	int r = free_name(&ends->its, name), bridge = link_index(&ends->own, net->bridge);

	if (r < 0 || bridge < 0)
		return err_errno(e, r < 0 ? -r : -bridge, "net: %s: find a name for the interface",
				 net->name);
	for (int v6 = 0; v6 < 2; v6++)
		if (l->address[v6].family)
			addresses[setup.n_addresses++] =
				(struct ip_net){ l->address[v6], net->subnet[v6].prefix };
	lease_mac(l, mac);
	r = link_make_veth(&ends->own, l->interface, bridge, &inside);
	if (r < 0)
		return err_errno(e, -r, "net: %s: %s", net->name, ends->own.failed);
	r = link_set_up(&ends->its, &setup);
	if (r < 0)
		link_delete(&ends->own, l->interface);
	return r < 0 ? err_errno(e, -r, "net: %s: %s", net->name, ends->its.failed) : 0;
}

/* The rules first: they deny what is sent to all of it, and know whom the names there mean. */
static int connect_box(struct net_ends *ends, const struct network *net, const struct lease *l,
		       struct err *e)
{
	int r = net_firewall_again(l->pid, l->net_ns, e);

	if (r < 0)
		return r;
	r = fault_point("connect-wire");
	return r < 0 ? err_errno(e, -r, "net: %s", net->name) : wire(ends, net, l, e);
}

/* What its rules know of addresses there ends too: they will be others'. */
static int leave(const char *network, const struct lease *l, struct err *e)
{
	struct err why = { 0 };
	int r;

	network_leave(network, l);
	r = net_firewall_again(l->pid, l->net_ns, &why);
	if (r == 0 || r == -ESRCH)
		return 0;
	*e = why;
	return r;
}

int network_connect(const char *network, int pid, struct lease *l, struct err *e)
{
	struct net_ends ends = NET_ENDS_INIT;
	const char *failed = NULL;
	struct network net;
	bool ended;
	int r = net_ends_open(&ends, pid, &failed);

	if (r == -EALREADY)
		return err_set(e, EINVAL, "net: process %d has the host's network", pid);
	if (r < 0)
		return err_errno(e, -r, "net: process %d: %s", pid, failed);
	*l = (struct lease){ .pid = pid, .pid_ns = lease_own_pid_ns(), .net_ns = net_ns_of(pid) };
	r = state_process(pid, &l->start, &ended);
	if (r < 0)
		err_errno(e, -r, "net: process %d", pid);
	if (r == 0)
		r = network_join(network, &(struct join_wish){ 0 }, &net, l, e);
	if (r == 0) {
		r = connect_box(&ends, &net, l, e);
		if (r < 0)
			leave(network, l, &(struct err){ 0 });
	}
	net_ends_close(&ends);
	return r;
}

int network_disconnect(const char *network, const char *box, struct err *e)
{
	struct network net;
	struct net_socket s;
	struct lease l;
	int r;

	{
		_cleanup_networks_ struct networks n = NETWORKS_INIT;

		r = networks_lock(&n, e);
		if (r == 0)
			r = network_find(&n, network, &net, e);
		if (r == 0)
			r = find_box(&n, network, box, &l, e);
		if (r < 0)
			return r;
	}
	r = net_socket_open(&s);
	if (r == 0) {
		r = link_delete(&s, l.interface);
		net_socket_close(&s);
	}
	if (r < 0 && r != -ENODEV)
		return err_errno(e, -r, "net: %s: remove the interface", network);
	return leave(network, &l, e);
}

/* ---- mending ---- */

struct mending {
	const struct networks *n;
	struct rules rules;
	struct net_socket links;
	bool repair;
	network_finding_fn *fn;
	void *arg;
	int wrong; /* and still is */
};

static void find_wrong(struct mending *m, const char *what, const char *object, int repaired)
{
	bool good = m->repair && repaired == 0;

	m->wrong += !good;
	m->fn(m->arg, what, object, good);
}

static int attach_boxes(struct mending *m, const struct network *net)
{
	_cleanup_arena_ struct arena *a = arena_new();
	leases all = { 0 };
	int bridge = link_index(&m->links, net->bridge);

	if (!a || bridge < 0 || lease_list(a, m->n, net->name, &all) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < all.n; i++)
		if (lease_load(m->n, net->name, &all.items[i]) == 0)
			link_set_master(&m->links, all.items[i].interface, bridge);
	return 0;
}

/* Keys that are gone must not come back: holm-etcd, when it comes again, brings fresh ones. */
static int mend_overlay(struct mending *m, struct network *net)
{
	struct peers peers;
	int r = peers_load(m->n, net->name, &peers);

	if (r == 0 && esp_look(m->n, net, &peers) == -EKEYEXPIRED) {
		etcd_stop(m->n, net);
		r = etcd_start(m->n, net, NULL);
		return r;
	}
	return r < 0 ? r : network_put_up(m->n, &m->rules, net, NULL);
}

static void check_network(struct mending *m, const char *name)
{
	struct network net;
	const char *wrong;
	int r;

	if (network_load(m->n, name, &net) < 0)
		return;
	if (!etcd_is_up(&net))
		find_wrong(m, "holm-etcd does not run", name,
			   m->repair ? etcd_start(m->n, &net, NULL) : 0);
	else if (etcd_holds(m->n, &net, NULL) < 0)
		find_wrong(m, "etcd does not answer, or has given its slot to another host", name,
			   -ESTALE);
	if (link_index(&m->links, net.bridge) < 0) {
		r = m->repair ? network_put_up(m->n, &m->rules, &net, NULL) : 0;
		find_wrong(m, "the bridge is missing", name,
			   r < 0 || !m->repair ? r : attach_boxes(m, &net));
	}
	if (m->rules.nft.fd >= 0 && !rules_have_network(&m->rules, &net))
		find_wrong(m, "its rules are missing", name,
			   m->repair ? network_put_up(m->n, &m->rules, &net, NULL) : 0);
	if (m->rules.nft.fd >= 0 && !rules_have_overlay(&m->rules, m->n, &net))
		find_wrong(m, "the rules for its peers are missing", name,
			   m->repair ? network_put_up(m->n, &m->rules, &net, NULL) : 0);
	wrong = overlay_look(m->n, &m->links, &net);
	if (wrong)
		find_wrong(m, wrong, name, m->repair ? mend_overlay(m, &net) : 0);
	if (!dns_is_up(&net))
		find_wrong(m, "the name server does not run", name,
			   m->repair ? dns_start(m->n, &net, NULL) : 0);
}

static void check_ports(struct mending *m, struct arena *a)
{
	char text[PORTMAP_TEXT_MAX];
	port_claims all = { 0 };

	if (m->rules.nft.fd < 0 || ports_load(a, m->n, NULL, &all) < 0)
		return;
	for (size_t i = 0; i < all.n; i++) {
		const struct port_claim *c = &all.items[i];

		if (!rules_have_port(&m->rules, c))
			find_wrong(m, "a published port is missing", portmap_print(&c->map, text),
				   m->repair ? rules_put_ports(&m->rules, c, 1, NFT_ADD, NULL) : 0);
	}
}

static int check_all(struct mending *m, struct arena *a, struct err *e)
{
	strings names = { 0 };
	int r = a ? networks_list(a, m->n, &names) : -ENOMEM;

	if (r == 0)
		r = net_socket_open(&m->links);
	if (r < 0)
		return err_errno(e, -r, "networks");
	if (names.n && rules_exist() == 0)
		find_wrong(m, "the table of rules is missing", "inet holm",
			   m->repair ? rules_open(&m->rules, m->n, e) : 0);
	if (names.n && m->rules.nft.fd < 0 && rules_exist() == 1)
		rules_open(&m->rules, m->n, NULL);
	for (size_t i = 0; i < names.n; i++)
		check_network(m, names.items[i]);
	check_ports(m, a);
	net_socket_close(&m->links);
	return m->wrong;
}

int network_check(bool repair, network_finding_fn *fn, void *arg, struct err *e)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_arena_ struct arena *a = arena_new();
	struct mending m = {
		.n = &n, .rules.nft.fd = -1, .links.fd = -1, .repair = repair, .fn = fn, .arg = arg
	};
	int r = networks_open(&n);

	if (r == -ENOENT)
		return 0;
	networks_close(&n);
	r = networks_lock(&n, e);
	if (r < 0)
		return r;
	network_sweep(&n, &m.rules, true);
	r = check_all(&m, a, e);
	rules_close(&m.rules);
	networks_tidy(&n);
	return r;
}
