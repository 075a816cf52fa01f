/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to make in the box's network namespace, and the sockets that we keep of it. A
 * child goes there, for who enters a user namespace does not come back; it shares our descriptors
 * and our memory, and we wait for it. Nothing of the box runs yet.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "egress.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/nft.h"
#include "net/nft_write.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sock.h"

/* ---- addresses: all of them are here ---- */

/* Whoever sends to an address that is nobody's is to hear that it is refused, and we of it. */
static int add_local_default(struct net_socket *s, uint8_t family, int lo)
{
	struct rtmsg r = { .rtm_family = family,
			   .rtm_table = RT_TABLE_LOCAL,
			   .rtm_protocol = RTPROT_STATIC,
			   .rtm_scope = RT_SCOPE_HOST,
			   .rtm_type = RTN_LOCAL };
	struct nl_request q;
	uint32_t index = (uint32_t)lo;

	nl_begin(&q, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof(r));
	nl_put(&q, RTA_OIF, &index, sizeof(index));
	return nl_ask(s, &q, NULL, NULL);
}

/* With an address that is not 127.0.0.1, for programs that look whether there is a network. */
static int make_addresses(void)
{
	struct ip_net own;
	struct link_setup l = { .name = "lo", .addresses = &own, .n_addresses = 1 };
	struct net_socket s;
	int lo, r = net_socket_open(&s);

	if (r < 0)
		return r;
	ip_net_parse(POOL_NET, &own);
	lo = link_index(&s, "lo");
	r = lo < 0 ? lo : link_set_up(&s, &l);
	if (r == 0)
		r = add_local_default(&s, AF_INET, lo);
	if (r == 0)
		r = add_local_default(&s, AF_INET6, lo);
	net_socket_close(&s);
	return r == -EAFNOSUPPORT ? 0 : r; /* a kernel without IPv6 */
}

/* ---- rules: what comes to us, and what is refused ---- */

static const uint8_t own_address[4] = { 198, 18, 0, 1 };
static const uint8_t stub_resolver[4] = { 127, 0, 0, 53 }; /* what systemd-resolved listens at */

static void is_byte(struct nft_text *t, uint32_t key, uint8_t value)
{
	nft_meta(t, key);
	nft_compare(t, NFT_CMP_EQ, &value, 1);
}

/* Of IPv4, with that protocol: 0 is any. */
static struct nft_rule begin_v4(struct nft_text *t, const char *chain, uint8_t protocol)
{
	struct nft_rule r = nft_rule_begin(t, chain);

	is_byte(t, NFT_META_NFPROTO, NFPROTO_IPV4);
	if (protocol)
		is_byte(t, NFT_META_L4PROTO, protocol);
	return r;
}

enum end { SENDER = 12, RECEIVER = 16 }; /* where it stands in the header of IPv4 */

static void between(struct nft_text *t, enum end end, const char *net)
{
	struct spans s = { .len = 4 };
	struct ip_net n;

	ip_net_parse(net, &n);
	spans_add_net(&s, &n);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, end, 4);
	if (!s.failed) {
		nft_compare(t, NFT_CMP_GTE, s.items->first, 4);
		nft_compare(t, NFT_CMP_LTE, s.items->last, 4);
	}
	t->b.failed |= s.failed;
	spans_done(&s);
}

static void port_is(struct nft_text *t, unsigned offset, uint16_t port)
{
	port = htons(port);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof(port));
	nft_compare(t, NFT_CMP_EQ, &port, sizeof(port));
}

static void finish(struct nft_text *t, struct nft_rule r)
{
	nft_verdict(t, NF_ACCEPT, NULL);
	nft_rule_end(t, r, NULL);
}

static void write_ways_to_us(struct nft_text *t)
{
	struct nft_rule r;

	nft_chain(t, "to_us", NF_INET_PRE_ROUTING, -150, NF_ACCEPT);
	/* Questions, whoever is asked: a root from elsewhere has its own /etc/resolv.conf. */
	r = begin_v4(t, "to_us", IPPROTO_UDP);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, RECEIVER, 4);
	nft_compare(t, NFT_CMP_EQ, stub_resolver, 4);
	port_is(t, 2, PORT_DNS);
	nft_tproxy(t, own_address, PORT_DNS);
	finish(t, r);
	r = begin_v4(t, "to_us", 0);
	between(t, RECEIVER, "127.0.0.0/8");
	finish(t, r);
	r = begin_v4(t, "to_us", IPPROTO_UDP);
	port_is(t, 2, PORT_DNS);
	nft_tproxy(t, own_address, PORT_DNS);
	finish(t, r);
	/* Answers of ours come this way, too: those go to whoever has asked. */
	r = begin_v4(t, "to_us", IPPROTO_TCP);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	nft_compare(t, NFT_CMP_EQ, &(uint8_t){ 2 }, 1); /* SYN alone */
	between(t, RECEIVER, POOL_NET);
	nft_tproxy(t, own_address, PORT_FORWARD);
	finish(t, r);
}

static void write_refusals(struct nft_text *t)
{
	struct nft_rule r;

	nft_chain(t, "tried", NF_INET_LOCAL_OUT, 0, NF_ACCEPT);
	r = begin_v4(t, "tried", 0);
	between(t, RECEIVER, "127.0.0.0/8");
	finish(t, r);
	r = begin_v4(t, "tried", IPPROTO_TCP);
	between(t, RECEIVER, POOL_NET);
	finish(t, r);
	r = begin_v4(t, "tried", IPPROTO_UDP);
	port_is(t, 2, PORT_DNS);
	finish(t, r);
	r = begin_v4(t, "tried", IPPROTO_UDP);
	port_is(t, 0, PORT_DNS);
	finish(t, r);
	/* What refuses is itself no attempt. */
	r = begin_v4(t, "tried", IPPROTO_ICMP);
	finish(t, r);
	r = nft_rule_begin(t, "tried");
	is_byte(t, NFT_META_L4PROTO, IPPROTO_ICMPV6);
	finish(t, r);
	r = nft_rule_begin(t, "tried");
	is_byte(t, NFT_META_NFPROTO, NFPROTO_IPV6);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, 24, 16);
	nft_compare(t, NFT_CMP_EQ, (uint8_t[16]){ [15] = 1 }, 16);
	finish(t, r);
	/* And the reset that answers us. */
	r = nft_rule_begin(t, "tried");
	is_byte(t, NFT_META_L4PROTO, IPPROTO_TCP);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	nft_compare(t, NFT_CMP_EQ, &(uint8_t){ 0x14 }, 1); /* RST and ACK */
	finish(t, r);
	r = nft_rule_begin(t, "tried");
	nft_log(t, 1);
	nft_rule_end(t, r, NULL);
	r = nft_rule_begin(t, "tried");
	is_byte(t, NFT_META_L4PROTO, IPPROTO_TCP);
	nft_refuse(t, true);
	nft_rule_end(t, r, NULL);
	r = nft_rule_begin(t, "tried");
	nft_refuse(t, false);
	nft_rule_end(t, r, NULL);
}

static int make_rules(void)
{
	_cleanup_nft_text_ struct nft_text t = NFT_TEXT_INIT;
	struct net_socket s;
	int r = nft_open(&s);

	if (r < 0)
		return r;
	nft_text_begin(&t);
	nft_table(&t, NFT_MSG_NEWTABLE);
	write_ways_to_us(&t);
	write_refusals(&t);
	nft_text_end(&t);
	r = nft_text_send(&t, s.fd);
	net_socket_close(&s);
	return r;
}

/* ---- sockets ---- */

static int bound(int type, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	_cleanup_fd_ int fd = sys_socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, r;

	if (fd < 0)
		return fd;
	memcpy(&a.sin_addr, own_address, 4);
	r = sys_setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	if (r == 0)
		r = sys_setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	if (r == 0)
		r = sys_bind(fd, &a, sizeof(a));
	if (r == 0 && type == SOCK_STREAM)
		r = listen(fd, 256) < 0 ? -errno : 0;
	return r < 0 ? r : TAKE_FD(fd);
}

static int make_all(struct inside *in)
{
	int r = make_addresses();

	in->failed = "give lo the addresses";
	if (r < 0)
		return r;
	in->failed = "load the rules (they need nf_tables with tproxy, reject and log)";
	r = make_rules();
	if (r < 0)
		return r;
	in->failed = "listen in it";
	in->listen_fd = bound(SOCK_STREAM, PORT_FORWARD);
	in->dns_fd = in->listen_fd < 0 ? in->listen_fd : bound(SOCK_DGRAM, PORT_DNS);
	if (in->dns_fd < 0)
		return in->dns_fd;
	in->failed = "hear what is refused (nfnetlink_log)";
	return refused_open(&in->refused_fd);
}

/* ---- going there ---- */

struct going {
	int user_fd, net_fd, code;
	struct inside *in;
};

static int go(void *arg)
{
	struct going *g = arg;

	g->in->failed = "enter it";
	g->code = sys_setns(g->net_fd, CLONE_NEWNET);
	if (g->code == -EPERM) {
		g->code = sys_setns(g->user_fd, CLONE_NEWUSER);
		if (g->code == 0)
			g->code = sys_setns(g->net_fd, CLONE_NEWNET);
	}
	if (g->code == 0)
		g->code = make_all(g->in);
	return 0;
}

static int open_ns(int pid, const char *type)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, type);
	return sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/* What was opened by the pid is that process's if it lives still, and not ours. */
static bool is_the_box(int pidfd, int net_fd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	struct stat own, its;

	return poll(&p, 1, 0) == 0 && stat("/proc/self/ns/net", &own) == 0 &&
	       fstat(net_fd, &its) == 0 && own.st_ino != its.st_ino;
}

int setup_inside(int pid, int pidfd, struct inside *out)
{
	static _Alignas(16) char stack[128 * 1024];
	_cleanup_fd_ int user_fd = open_ns(pid, "user"), net_fd = open_ns(pid, "net");
	struct going g = { user_fd, net_fd, 0, out };
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	int child;

	*out = (struct inside){ -1, -1, -1, "open its namespaces" };
	if (user_fd < 0 || net_fd < 0)
		return user_fd < 0 ? user_fd : net_fd;
	if (!is_the_box(pidfd, net_fd))
		return -ESRCH;
	out->failed = "clone a process for it";
	child = sys_clone_fn(&args, go, &g);
	if (child < 0)
		return child;
	while (sys_wait4(child, NULL, 0, NULL) == -EINTR)
		;
	return g.code;
}
