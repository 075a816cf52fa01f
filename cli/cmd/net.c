/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm net: networks that boxes are wired to. A word an act, each a row here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"
#include "cmd/net.h"

int net_failed(const struct holm_error *e)
{
	return out_error("%s", e->text);
}

static int rm(int argc, char **argv)
{
	int code = argc > 1 ? 0 : out_error("net rm: needs a NAME");
	struct holm_error e;

	for (int i = 1; i < argc; i++)
		if (holm_net_remove(argv[i], &e) < 0)
			code = net_failed(&e);
	return code;
}

/* ---- looking ---- */

static const char *or_dash(const char *s)
{
	return *s ? s : "-";
}

static int print_line(void *arg, const struct holm_net *n)
{
	(void)arg;
	printf("%-20s %-18s %-24s %-12s %-8s %u\n", n->name, n->subnet[0], or_dash(n->subnet[1]),
	       n->bridge, n->flags & HOLM_NET_INTERNAL ? "internal" : "nat", n->boxes);
	return 0;
}

/* "KEY": "VALUE", */
void net_json_member(const char *key, const char *value)
{
	printf("\"%s\":", key);
	out_json_string(value);
	putchar(',');
}

static void overlay_member(const struct holm_net *n)
{
	printf("\"overlay\":{\"vni\":%u,\"port\":%u,\"mtu\":%u,\"slot\":%u,\"slots\":%u,", n->vni,
	       n->port, n->mtu, n->slot, n->slots);
	net_json_member("local", n->local);
	net_json_member("device", n->device);
	fputs("\"peers\":[", stdout);
	for (size_t i = 0; n->peers[i]; i++) {
		fputs(i ? "," : "", stdout);
		out_json_string(n->peers[i]);
	}
	fputs("]},", stdout);
}

static void network_members(const struct holm_net *n)
{
	net_json_member("name", n->name);
	net_json_member("bridge", n->bridge);
	net_json_member("subnet4", n->subnet[0]);
	net_json_member("gateway4", n->gateway[0]);
	net_json_member("subnet6", n->subnet[1]);
	net_json_member("gateway6", n->gateway[1]);
	if (n->vni)
		overlay_member(n);
	printf("\"internal\":%s,\"dns\":%s,\"boxes\":",
	       n->flags & HOLM_NET_INTERNAL ? "true" : "false",
	       n->flags & HOLM_NET_NO_DNS ? "false" : "true");
}

static int print_json(void *arg, const struct holm_net *n)
{
	const char **comma = arg;

	printf("%s{", *comma);
	network_members(n);
	printf("%u}", n->boxes);
	*comma = ",\n";
	return 0;
}

static int ls(int argc, char **argv)
{
	const char *comma = "";
	struct holm_error e;
	int r;

	if (argc == 2 && str_eq(argv[1], "--json")) {
		putchar('[');
		r = holm_net_list(print_json, &comma, &e);
		puts("]");
	} else if (argc == 1) {
		printf("%-20s %-18s %-24s %-12s %-8s %s\n", "NAME", "SUBNET", "SUBNET6", "BRIDGE",
		       "OUT", "BOXES");
		r = holm_net_list(print_line, NULL, &e);
	} else {
		return out_error("net ls: takes --json alone");
	}
	return r < 0 ? net_failed(&e) : 0;
}

struct inspection {
	const char *name, *comma;
	bool found;
};

static int print_box(void *arg, const struct holm_net_box *b)
{
	struct inspection *in = arg;

	printf("%s{", in->comma);
	net_json_member("hostname", b->hostname);
	net_json_member("address4", b->address[0]);
	net_json_member("address6", b->address[1]);
	net_json_member("interface", b->interface);
	printf("\"pid\":%d}", b->pid);
	in->comma = ",";
	return 0;
}

static int print_port(void *arg, const struct holm_net_port *p)
{
	struct inspection *in = arg;

	if (!str_eq(p->network, in->name))
		return 0;
	printf("%s{", in->comma);
	net_json_member("port", p->port);
	net_json_member("to", p->to);
	printf("\"pid\":%d}", p->pid);
	in->comma = ",";
	return 0;
}

static int print_whole(void *arg, const struct holm_net *n)
{
	struct inspection *in = arg;

	if (!str_eq(n->name, in->name))
		return 0;
	in->found = true;
	putchar('{');
	network_members(n);
	putchar('[');
	in->comma = "";
	holm_net_boxes(n->name, print_box, in, NULL);
	fputs("],\"ports\":[", stdout);
	in->comma = "";
	holm_net_ports(print_port, in, NULL);
	puts("]}");
	return 0;
}

static int inspect(int argc, char **argv)
{
	struct inspection in = { .name = argc == 2 ? argv[1] : NULL };
	struct holm_error e;

	if (!in.name)
		return out_error("net inspect: needs one NAME");
	if (holm_net_list(print_whole, &in, &e) < 0)
		return net_failed(&e);
	return in.found ? 0 : out_error("net: there is no network \"%s\"", in.name);
}

/* ---- boxes that run ---- */

static int say_port(void *arg, const struct holm_net_port *p)
{
	(void)arg;
	puts(p->port);
	return 0;
}

static int say_box(void *arg, const struct holm_net_box *b)
{
	(void)arg;
	printf("%s%s%s\n", b->address[0], *b->address[1] ? " " : "", b->address[1]);
	return 0;
}

static int publish(int argc, char **argv)
{
	struct holm_error e;

	if (argc < 4)
		return out_error("net publish: needs NETWORK BOX PORT...");
	return holm_net_publish(argv[1], argv[2], (const char *const *)argv + 3, say_port, NULL,
				&e) < 0
		       ? net_failed(&e)
		       : 0;
}

static int unpublish(int argc, char **argv)
{
	struct holm_error e;

	if (argc < 4)
		return out_error("net unpublish: needs NETWORK BOX PORT...");
	return holm_net_unpublish(argv[1], argv[2], (const char *const *)argv + 3, &e) < 0
		       ? net_failed(&e)
		       : 0;
}

static int connect_box(int argc, char **argv)
{
	struct holm_error e;
	char *end = NULL;
	long pid = argc == 3 ? strtol(argv[2], &end, 10) : 0;

	if (argc != 3 || *end || pid <= 0 || pid > 0x7fffffff)
		return out_error("net connect: needs NETWORK PID");
	return holm_net_connect(argv[1], (int)pid, say_box, NULL, &e) < 0 ? net_failed(&e) : 0;
}

static int disconnect_box(int argc, char **argv)
{
	struct holm_error e;

	if (argc != 3)
		return out_error("net disconnect: needs NETWORK BOX");
	return holm_net_disconnect(argv[1], argv[2], &e) < 0 ? net_failed(&e) : 0;
}

/* ---- rules ---- */

static int rules_of(void *arg, const struct holm_net *n)
{
	const char *subnet6 = n->subnet[1];

	(void)arg;
	printf("%s: boxes of %s%s%s reach each other and the host%s\n", n->name, n->subnet[0],
	       *subnet6 ? " and " : "", subnet6,
	       n->flags & HOLM_NET_INTERNAL ? "'s name server and ping, and nothing else"
					    : "; what leaves the host has the host's address");
	printf("%s: nobody else reaches them, but by the ports below\n", n->name);
	return 0;
}

static int rule_of_port(void *arg, const struct holm_net_port *p)
{
	(void)arg;
	printf("%s: %s leads to %s (process %d)\n", p->network, p->port, p->to, p->pid);
	return 0;
}

static int rules_of_networks(void)
{
	struct holm_error e;

	if (holm_net_list(rules_of, NULL, &e) < 0 || holm_net_ports(rule_of_port, NULL, &e) < 0)
		return net_failed(&e);
	return 0;
}

static int print_rule(void *arg, const struct holm_net_rule *r)
{
	bool *any = arg;

	if (!*any)
		printf("%-4s %10s %12s  %s\n", "NO", "PACKETS", "BYTES", "RULE");
	*any = true;
	if (r->number)
		printf("%-4u ", r->number);
	else
		printf("%-4s ", "-");
	printf("%10llu %12llu  %s%s\n", (unsigned long long)r->packets,
	       (unsigned long long)r->bytes, r->number ? "" : "otherwise ", r->text);
	return 0;
}

static int print_rule_json(void *arg, const struct holm_net_rule *r)
{
	const char **comma = arg;

	printf("%s{\"number\":%u,", *comma, r->number);
	net_json_member("rule", r->text);
	printf("\"packets\":%llu,\"bytes\":%llu}", (unsigned long long)r->packets,
	       (unsigned long long)r->bytes);
	*comma = ",\n";
	return 0;
}

static int rules_of_box(const char *box, bool json)
{
	const char *comma = "";
	struct holm_error e;
	bool any = false;
	int r;

	if (json) {
		putchar('[');
		r = holm_net_rules(box, print_rule_json, &comma, &e);
		puts("]");
	} else {
		r = holm_net_rules(box, print_rule, &any, &e);
		if (r == 0 && !any)
			puts("no rules: everything is let through");
	}
	return r < 0 ? net_failed(&e) : 0;
}

static int rules(int argc, char **argv)
{
	bool json = argc == 3 && str_eq(argv[2], "--json");

	if (argc == 1)
		return rules_of_networks();
	if (argc > 3 || (argc == 3 && !json))
		return out_error("net rules: takes a BOX, and --json");
	return rules_of_box(argv[1], json);
}

static int allow(int argc, char **argv)
{
	struct holm_error e;

	if (argc < 3)
		return out_error("net allow: needs BOX RULE...");
	return holm_net_allow(argv[1], (const char *const *)argv + 2, &e) < 0 ? net_failed(&e) : 0;
}

static int deny(int argc, char **argv)
{
	struct holm_error e;

	if (argc < 3)
		return out_error("net deny: needs BOX RULE...");
	return holm_net_deny(argv[1], (const char *const *)argv + 2, &e) < 0 ? net_failed(&e) : 0;
}

static int withdraw(int argc, char **argv)
{
	unsigned numbers[64];
	struct holm_error e;
	size_t n = 0;

	if (argc < 3 || argc - 2 > (int)ARRAY_SIZE(numbers))
		return out_error("net withdraw: needs BOX NUMBER... (at most %zu)",
				 ARRAY_SIZE(numbers));
	for (int i = 2; i < argc; i++)
		if (str_u32(argv[i], &numbers[n++]) < 0)
			return out_error("net withdraw: \"%s\" is no number of a rule", argv[i]);
	return holm_net_withdraw(argv[1], numbers, n, &e) < 0 ? net_failed(&e) : 0;
}

/* ---- mending ---- */

static int say_finding(void *arg, const struct holm_finding *f)
{
	(void)arg;
	printf("%s: %s (%s)\n", f->what, f->found, f->fix);
	return 0;
}

static int check(int argc, char **argv)
{
	bool repair = argc == 2 && str_eq(argv[1], "--repair");
	struct holm_error e;
	int n;

	if (argc > 2 || (argc == 2 && !repair))
		return out_error("net check: takes --repair alone");
	n = holm_net_check(repair, say_finding, NULL, &e);
	return n < 0 ? net_failed(&e) : n > 0;
}

static int gc(int argc, char **argv)
{
	struct holm_error e;
	int n;

	(void)argv;
	if (argc != 1)
		return out_error("net gc: takes nothing");
	n = holm_net_clean(&e);
	if (n < 0)
		return net_failed(&e);
	printf("addresses made free: %d\n", n);
	n = holm_net_bury(&e);
	if (n < 0)
		return net_failed(&e);
	if (n > 0)
		printf("network namespaces that were nobody's any more: %d\n", n);
	return 0;
}

/* ---- which ---- */

const struct sub_word net_words[] = {
	{ "create",
	  "NAME [--subnet NET]... [--internal] [--no-ipv6] [--no-dns]\n             [--overlay "
	  "[--peers HOST,...] [--local ADDR] [--vni N] [--port N] [--slot N]\n             "
	  " [--etcd URL,... [--ttl SECONDS] [--etcd-ca FILE] [--etcd-cert FILE --etcd-key FILE]\n  "
	  "            "
	  " [--encrypt --key-file FILE]]]",
	  "make a network, on this host or over several", cmd_net_create },
	{ "peers", "NETWORK [add|rm HOST...]", "the other hosts of an overlay", cmd_net_peers },
	{ "ls", "[--json]", "list them", ls },
	{ "inspect", "NAME", "one of them, its boxes and ports, as JSON", inspect },
	{ "rm", "NAME...", "remove them", rm },
	{ "publish", "NETWORK BOX PORT...", "lead ports of the host to a box that runs", publish },
	{ "unpublish", "NETWORK BOX PORT...", "and no more", unpublish },
	{ "connect", "NETWORK PID", "give a box that runs an interface on a network", connect_box },
	{ "disconnect", "NETWORK BOX", "take it away", disconnect_box },
	{ "allow", "BOX RULE...", "let a box that runs through, and no more than its rules say",
	  allow },
	{ "deny", "BOX RULE...", "and no more: of its rules the last one decides", deny },
	{ "withdraw", "BOX NUMBER...", "take rules away", withdraw },
	{ "rules", "[BOX [--json]]",
	  "say who reaches whom; or the rules of a box, with what they saw", rules },
	{ "check", "[--repair]", "see whether others have changed what networks need", check },
	{ "ns", "add NAME | ls [--json] | rm [--force] NAME... | exec NAME COMMAND [ARG...]",
	  "network namespaces with names, as ip netns has them", cmd_net_ns },
	{ "wire", "A B [--ip A-ADDR,B-ADDR]... [--name A-NAME,B-NAME] [--json] | --rm A B",
	  "join two network namespaces", cmd_net_wire },
	{ "gc", "", "make free what killed programs have left", gc },
};

const unsigned n_net_words = ARRAY_SIZE(net_words);

static int help(void)
{
	puts("Usage: holm net ACT [ARG...]\n\nNetworks for boxes: holm box --net bridge:NAME\n");
	for (size_t i = 0; i < n_net_words; i++)
		printf("  %-10s %s\n             %s\n", net_words[i].name, net_words[i].args,
		       net_words[i].words);
	return 0;
}

int cmd_net(int argc, char **argv)
{
	if (argc < 2)
		return help(), EXIT_HOLM;
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))
		return help();
	for (size_t i = 0; i < n_net_words; i++)
		if (str_eq(argv[1], net_words[i].name))
			return net_words[i].run(argc - 1, argv + 1);
	return out_error("net: there is no act \"%s\" (see holm net --help)", argv[1]);
}
