/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of all networks are these, whatever their number and that of the ports: they look into
 * sets and maps. They stand in a table of our own, and no other one is touched; what another table
 * drops stays dropped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/networks.h"
#include "run/overlay.h"
#include "sys/fd.h"

/*
 * port: an address and a port; any: a port, at every address of the host; range: many ports that
 * keep their numbers. "same" holds each bridge twice, for "in and out by the same one".
 */
static const char base_rules[] =
	"table inet holm {\n"
	"	set bridges { type ifname; }\n"
	"	set internal { type ifname; }\n"
	"	set same { type ifname . ifname; }\n"
	"	set uplinks { type ifname; }\n"
	"	set masq4 { type ipv4_addr; flags interval; }\n"
	"	set masq6 { type ipv6_addr; flags interval; }\n"
	"	map port4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; "
	"}\n"
	"	map any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	"	map range4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr; flags "
	"interval; }\n"
	"	map port6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; "
	"}\n"
	"	map any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	"	map range6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr; flags "
	"interval; }\n"
	/* VXLAN: its port and number (of 24 bits), and who may send there. */
	"	set vxlans { typeof udp dport . @th,96,24; }\n"
	"	set vxpeers4 { typeof ip saddr . udp dport . @th,96,24; }\n"
	"	set vxpeers6 { typeof ip6 saddr . udp dport . @th,96,24; }\n"
	"	chain publish {\n"
	"		dnat ip to meta l4proto . ip daddr . th dport map @port4\n"
	"		dnat ip to meta l4proto . th dport map @any4\n"
	"		dnat ip to meta l4proto . ip daddr . th dport map @range4\n"
	"		ip6 daddr ::1 return\n"
	"		dnat ip6 to meta l4proto . ip6 daddr . th dport map @port6\n"
	"		dnat ip6 to meta l4proto . th dport map @any6\n"
	"		dnat ip6 to meta l4proto . ip6 daddr . th dport map @range6\n"
	"	}\n"
	"	chain prerouting {\n"
	"		type nat hook prerouting priority dstnat; policy accept;\n"
	"		meta l4proto { tcp, udp } fib daddr type local jump publish\n"
	"	}\n"
	"	chain output {\n"
	"		type nat hook output priority -100; policy accept;\n"
	"		meta l4proto { tcp, udp } fib daddr type local jump publish\n"
	"	}\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	/* What comes from 127.0.0.1 could not be answered from elsewhere. */
	"		oifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
	/* From a network to a published port of the same: the answer must come back this way. */
	"		ct status dnat iifname . oifname @same masquerade\n"
	"		ip saddr @masq4 oifname != @bridges masquerade\n"
	"		ip6 saddr @masq6 oifname != @bridges masquerade\n"
	"	}\n"
	/* The price of route_localnet, paid: only answers come to 127.0.0.0/8 from a network. */
	"	chain loopback {\n"
	"		type filter hook prerouting priority raw; policy accept;\n"
	"		iifname @bridges ip daddr 127.0.0.0/8 drop\n"
	"	}\n"
	"	chain input {\n"
	"		type filter hook input priority filter; policy accept;\n"
	/* The host's address on a network is for that network: behind it are its names. */
	"		iifname @bridges ip daddr @masq4 fib daddr . iif type != local drop\n"
	"		iifname @bridges ip6 daddr @masq6 fib daddr . iif type != local drop\n"
	"		iifname @internal jump from_internal\n"
	"		udp dport . @th,96,24 @vxlans jump from_host\n"
	"	}\n"
	"	chain from_host {\n"
	"		ip saddr . udp dport . @th,96,24 @vxpeers4 accept\n"
	"		ip6 saddr . udp dport . @th,96,24 @vxpeers6 accept\n"
	"		drop\n"
	"	}\n"
	"	chain from_internal {\n"
	"		ct state established,related accept\n"
	"		icmp type echo-request accept\n"
	"		meta l4proto 58 accept\n" /* ICMPv6: its name takes an /etc/protocols */
	"		meta l4proto { tcp, udp } th dport 53 accept\n"
	"		drop\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy accept;\n"
	"		iifname @bridges jump from_box\n"
	"		oifname @bridges jump to_box\n"
	/* Whose forwarding is on for our sake alone. */
	"		iifname @uplinks drop\n"
	"	}\n"
	"	chain from_box {\n"
	/* Nobody sends in the name of another network, or of the world. */
	"		fib saddr . iif oif missing drop\n"
	"		ct state established,related accept\n"
	"		iifname . oifname @same accept\n"
	"		iifname @internal drop\n"
	"		ct status dnat accept\n"
	"		oifname @bridges drop\n"
	"		accept\n"
	"	}\n"
	"	chain to_box {\n"
	"		ct state established,related accept\n"
	"		ct status dnat accept\n"
	"		drop\n"
	"	}\n"
	"}\n";

/* ---- the table ---- */

/* nft(8), with the text on its standard input. */
static int run_nft(const char *text, struct err *e)
{
	static char *const argv[] = { (char *)"nft", (char *)"-f", (char *)"-", NULL };
	_cleanup_fd_ int fd = sys_memfd_create("rules", 1U /* MFD_CLOEXEC */);
	posix_spawn_file_actions_t actions;
	int r = fd < 0 ? fd : sys_write_all(fd, text, strlen(text)), status = 0;
	pid_t pid;

	if (r == 0)
		r = (int)sys_lseek(fd, 0, SEEK_SET);
	if (r < 0)
		return err_errno(e, -r, "rules");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, "nft", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return err_errno(e, r, "rules: start nft (Debian: apt-get install nftables)");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0
			   : err_set(e, EIO,
				     "rules: nft could not make the table \"inet holm\": does this "
				     "kernel have nf_tables with NAT?");
}

int rules_exist(void)
{
	struct rules r;
	int code = nft_open(&r.nft);

	if (code < 0)
		return code;
	code = nft_table_exists(&r.nft);
	rules_close(&r);
	return code;
}

void rules_drop_all(void)
{
	if (rules_exist() == 1)
		run_nft("delete table inet holm\n", NULL);
}

static int put_all(struct rules *r, const struct networks *n, struct err *e)
{
	struct arena *a = arena_new();
	port_claims ports = { 0 };
	strings names = { 0 };
	int code = a ? networks_list(a, n, &names) : -ENOMEM;

	if (code == 0)
		code = ports_load(a, n, NULL, &ports);
	if (code < 0)
		err_errno(e, -code, "networks");
	for (size_t i = 0; code == 0 && i < names.n; i++) {
		struct network net;

		if (network_load(n, names.items[i], &net) < 0)
			continue;
		code = rules_put_network(r, &net, e);
		if (code == 0)
			code = rules_put_overlay(r, n, &net, e);
	}
	for (size_t i = 0; code == 0 && i < ports.n; i++)
		code = rules_put_ports(r, &ports.items[i], 1, NFT_ADD, e);
	arena_free(a);
	return code;
}

int rules_open(struct rules *r, const struct networks *n, struct err *e)
{
	int code = nft_open(&r->nft);

	if (code == 0)
		code = nft_table_exists(&r->nft);
	if (code < 0) {
		rules_close(r);
		return err_errno(e, -code, "rules: ask for the table \"inet holm\"");
	}
	if (code == 1)
		return 0;
	code = run_nft(base_rules, e);
	if (code == 0)
		code = put_all(r, n, e);
	if (code < 0)
		rules_close(r);
	return code;
}

void rules_close(struct rules *r)
{
	net_socket_close(&r->nft);
}

/* ---- elements ---- */

#define IFNAME_KEY 16

static int failed(struct rules *r, int code, const char *what, struct err *e)
{
	return err_errno(e, -code, "rules: %s: %s", what,
			 *r->nft.failed ? r->nft.failed : "change them");
}

static void put_name(struct nft_batch *b, enum nft_act act, const char *set, const char *name)
{
	char key[2 * IFNAME_KEY] = { 0 };
	bool twice = str_eq(set, "same");

	memcpy(key, name, strlen(name));
	if (twice)
		memcpy(key + IFNAME_KEY, name, strlen(name));
	nft_put(b, act,
		&(struct nft_element){
			.set = set, .key = key, .key_len = twice ? sizeof(key) : IFNAME_KEY });
}

/* The first address behind it; of the last network there is none. */
static struct ip behind(const struct ip_net *n)
{
	struct ip a = ip_net_base(n).ip;
	size_t i = n->prefix / 8;
	unsigned carry = n->prefix % 8 ? 0x100U >> n->prefix % 8 : 1;

	i = n->prefix % 8 ? i : i - 1;
	for (;; i--) {
		carry += a.bytes[i];
		a.bytes[i] = (uint8_t)carry;
		carry >>= 8;
		if (!carry || i == 0)
			return a;
	}
}

static void put_subnet(struct nft_batch *b, enum nft_act act, const struct ip_net *n)
{
	const char *set = n->ip.family == AF_INET6 ? "masq6" : "masq4";
	struct ip from = ip_net_base(n).ip, to = behind(n);
	uint8_t len = (uint8_t)ip_len(&from);

	nft_put(b, act, &(struct nft_element){ .set = set, .key = from.bytes, .key_len = len });
	nft_put(b, act,
		&(struct nft_element){ .set = set, .key = to.bytes, .key_len = len, .ends = true });
}

int rules_put_network(struct rules *r, const struct network *net, struct err *e)
{
	struct nft_batch *b = nft_begin(&r->nft);
	int code;

	if (!b)
		return err_errno(e, ENOMEM, "rules");
	put_name(b, NFT_ADD, "bridges", net->bridge);
	put_name(b, NFT_ADD, "same", net->bridge);
	if (net->internal)
		put_name(b, NFT_ADD, "internal", net->bridge);
	for (int v6 = 0; v6 < 2; v6++)
		if (net->subnet[v6].ip.family)
			put_subnet(b, NFT_ADD, &net->subnet[v6]);
	code = nft_commit(b);
	return code < 0 ? failed(r, code, net->name, e) : 0;
}

bool rules_have_network(struct rules *r, const struct network *net)
{
	char key[IFNAME_KEY] = { 0 };
	struct nft_element e = { .set = "bridges", .key = key, .key_len = sizeof(key) };
	struct ip from = ip_net_base(&net->subnet[0]).ip;
	struct nft_element subnet = { .set = "masq4", .key = from.bytes, .key_len = 4 };

	memcpy(key, net->bridge, strlen(net->bridge));
	return nft_has(&r->nft, &e) != 0 && nft_has(&r->nft, &subnet) != 0;
}

/* One by one: what is missing must not keep the others. */
static void remove_name(struct rules *r, const char *set, const char *name)
{
	struct nft_batch *b = nft_begin(&r->nft);

	if (b) {
		put_name(b, NFT_REMOVE, set, name);
		nft_commit(b);
	}
}

void rules_remove_network(struct rules *r, const struct network *net)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct nft_batch *b = nft_begin(&r->nft);

		if (b && net->subnet[v6].ip.family)
			put_subnet(b, NFT_REMOVE, &net->subnet[v6]);
		if (b)
			nft_commit(b);
	}
	remove_name(r, "internal", net->bridge);
	remove_name(r, "same", net->bridge);
	remove_name(r, "bridges", net->bridge);
}

void rules_put_uplink(struct rules *r, const char *interface, bool remove)
{
	struct nft_batch *b = nft_begin(&r->nft);

	if (b) {
		put_name(b, remove ? NFT_REMOVE : NFT_ADD, "uplinks", interface);
		nft_commit(b);
	}
}

/* ---- ports ---- */

/* Keys and data of a concatenation: each part fills four bytes. */
struct parts {
	uint8_t bytes[48];
	uint8_t len;
};

static void add_part(struct parts *p, const void *data, size_t len)
{
	memcpy(p->bytes + p->len, data, len);
	p->len = (uint8_t)(p->len + ((len + 3) & ~(size_t)3));
}

static struct parts key_of(uint8_t protocol, const struct ip *host, uint16_t port)
{
	struct parts p = { 0 };

	port = htons(port);
	add_part(&p, &protocol, 1);
	if (host)
		add_part(&p, host->bytes, ip_len(host));
	add_part(&p, &port, 2);
	return p;
}

/* What an element is made of, kept together as long as it is needed. */
struct port_element {
	struct nft_element e;
	struct parts key, key_end, data;
};

/* The i-th port. */
static void port_element(const struct port_claim *c, uint16_t i, struct port_element *out)
{
	bool v6 = c->map.host.family == AF_INET6, any = ip_is_any(&c->map.host);
	uint16_t to_port = htons((uint16_t)(c->map.box + i));

	out->data = (struct parts){ 0 };
	out->key = key_of(c->map.protocol, any ? NULL : &c->map.host, (uint16_t)(c->map.first + i));
	add_part(&out->data, c->to.bytes, ip_len(&c->to));
	add_part(&out->data, &to_port, 2);
	out->e = (struct nft_element){
		.set = any  ? v6 ? "any6" : "any4"
		       : v6 ? "port6"
			    : "port4",
		.key = out->key.bytes,
		.key_len = out->key.len,
		.data = out->data.bytes,
		.data_len = out->data.len,
	};
}

/* Ports that keep their numbers are one element, however many they are. */
static void range_element(const struct port_claim *c, struct port_element *out)
{
	bool v6 = c->map.host.family == AF_INET6;
	struct ip last = c->map.host;

	if (ip_is_any(&last))
		memset(last.bytes, 0xff, ip_len(&last));
	out->key = key_of(c->map.protocol, &c->map.host, c->map.first);
	out->key_end = key_of(c->map.protocol, &last, (uint16_t)(c->map.first + c->map.count - 1));
	out->e = (struct nft_element){
		.set = v6 ? "range6" : "range4",
		.key = out->key.bytes,
		.key_end = out->key_end.bytes,
		.key_len = out->key.len,
		.data = c->to.bytes,
		.data_len = (uint8_t)ip_len(&c->to),
	};
}

static bool is_range(const struct portmap *m)
{
	return m->count > 1 && m->first == m->box;
}

static size_t elements_of(const struct portmap *m)
{
	return is_range(m) ? 1 : m->count;
}

static void element_of(const struct port_claim *c, size_t i, struct port_element *out)
{
	if (is_range(&c->map))
		range_element(c, out);
	else
		port_element(c, (uint16_t)i, out);
}

/* The `from`-th to the last of one, as many as the batch has room for. How many were put. */
static size_t put_some(struct nft_batch *b, enum nft_act act, const struct port_claim *c,
		       size_t from)
{
	struct port_element p;
	size_t n = 0;

	for (; from + n < elements_of(&c->map) && nft_count(b) < NFT_ELEMENTS_MAX; n++) {
		element_of(c, from + n, &p);
		nft_put(b, act, &p.e);
	}
	return n;
}

bool rules_have_port(struct rules *r, const struct port_claim *c)
{
	struct port_element p;

	for (size_t i = 0; i < elements_of(&c->map); i++) {
		element_of(c, i, &p);
		if (nft_has(&r->nft, &p.e) == 0)
			return false;
	}
	return true;
}

/* One by one: one that is missing does not keep the others. */
static void remove_each(struct rules *r, const struct port_claim *c, size_t n)
{
	struct port_element p;

	for (size_t i = 0; i < n; i++) {
		struct nft_batch *b = nft_begin(&r->nft);

		if (!b)
			return;
		element_of(c, i, &p);
		nft_put(b, NFT_REMOVE, &p.e);
		nft_commit(b);
	}
}

/* In as many transactions as it takes; after a failure nothing of it is left. */
static int change_claim(struct rules *r, const struct port_claim *c, enum nft_act act)
{
	size_t done = 0;

	while (done < elements_of(&c->map)) {
		struct nft_batch *b = nft_begin(&r->nft);
		size_t more = b ? put_some(b, act, c, done) : 0;
		int code = b ? nft_commit(b) : -ENOMEM;

		if (code < 0) {
			remove_each(r, c, act == NFT_REMOVE ? elements_of(&c->map) : done);
			return code;
		}
		done += more;
	}
	return 0;
}

int rules_put_ports(struct rules *r, const struct port_claim *claims, size_t n, enum nft_act act,
		    struct err *e)
{
	char text[PORTMAP_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		int code = change_claim(r, &claims[i], act);

		if (code == 0)
			continue;
		rules_remove_ports(r, claims, i);
		if (code == -EEXIST)
			return err_set(e, EADDRINUSE, "publish: %s is taken",
				       portmap_print(&claims[i].map, text));
		return failed(r, code, portmap_print(&claims[i].map, text), e);
	}
	return 0;
}

void rules_remove_ports(struct rules *r, const struct port_claim *claims, size_t n)
{
	for (size_t i = 0; i < n; i++)
		change_claim(r, &claims[i], NFT_REMOVE);
}
