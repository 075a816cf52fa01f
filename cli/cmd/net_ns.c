/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm net ns, holm net wire: network namespaces with names, and what joins them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"
#include "cmd/net.h"

#define PAIRS_MAX 4

static int add(int argc, char **argv)
{
	struct holm_error e;

	if (argc != 2)
		return out_error("net ns add: needs one NAME");
	return holm_net_ns_add(argv[1], &e) < 0 ? net_failed(&e) : 0;
}

static int rm(int argc, char **argv)
{
	bool force = argc > 1 && str_eq(argv[1], "--force");
	int code = argc > 1 + force ? 0 : out_error("net ns rm: needs a NAME");
	struct holm_error e;

	for (int i = 1 + force; i < argc; i++)
		if (holm_net_ns_remove(argv[i], force, &e) < 0)
			code = net_failed(&e);
	return code;
}

static int print_line(void *arg, const struct holm_net_ns *n)
{
	(void)arg;
	if (!n->inode)
		printf("%-20s %-12s %s\n", n->name, "-", "no namespace");
	else
		printf("%-20s %-12" PRIu64 " %u\n", n->name, n->inode, n->processes);
	return 0;
}

static int print_json(void *arg, const struct holm_net_ns *n)
{
	const char **comma = arg;

	printf("%s{", *comma);
	net_json_member("name", n->name);
	printf("\"inode\":%" PRIu64 ",\"processes\":%u}", n->inode, n->processes);
	*comma = ",\n";
	return 0;
}

static int ls(int argc, char **argv)
{
	bool json = argc == 2 && str_eq(argv[1], "--json");
	const char *comma = "";
	struct holm_error e;
	int r;

	if (argc != 1 && !json)
		return out_error("net ns ls: takes --json alone");
	if (json)
		putchar('[');
	else
		printf("%-20s %-12s %s\n", "NAME", "INODE", "PROCESSES");
	r = holm_net_ns_list(json ? print_json : print_line, &comma, &e);
	if (json)
		puts("]");
	return r < 0 ? net_failed(&e) : 0;
}

static int exec_in(int argc, char **argv)
{
	bool dashes = argc > 2 && str_eq(argv[2], "--");
	struct holm_error e;

	if (argc < 3 + dashes)
		return out_error("net ns exec: needs NAME COMMAND [ARG...]");
	holm_net_ns_exec(argv[1], argv + 2 + dashes, &e);
	out_error("%s", e.text);
	return e.exit_code;
}

int cmd_net_ns(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} acts[] = { { "add", add }, { "ls", ls }, { "rm", rm }, { "exec", exec_in } };

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(acts); i++)
		if (str_eq(argv[1], acts[i].name))
			return acts[i].run(argc - 1, argv + 1);
	return out_error("net ns: add NAME, ls [--json], rm [--force] NAME..., or exec NAME "
			 "COMMAND [ARG...]");
}

/* ---- wires ---- */

struct wire_options {
	const char *ends[2], *names, *pairs[PAIRS_MAX + 1];
	unsigned n_ends, n_pairs;
	bool json, rm;
};

static int read_option(struct wire_options *o, int argc, char **argv, int *i)
{
	const char *value;

	if (str_eq(argv[*i], "--json"))
		o->json = true;
	else if (str_eq(argv[*i], "--rm"))
		o->rm = true;
	else if ((value = net_value_of(argc, argv, i, "--name")))
		o->names = value;
	else if (o->n_pairs < PAIRS_MAX && (value = net_value_of(argc, argv, i, "--ip")))
		o->pairs[o->n_pairs++] = value;
	else if (*argv[*i] != '-' && o->n_ends < 2)
		o->ends[o->n_ends++] = argv[*i];
	else
		return out_error("net wire: \"%s\" is too much (see holm net --help)", argv[*i]);
	return 0;
}

static void print_end(const struct holm_net_wired *end)
{
	printf("%s: %s", end->where, end->interface);
	for (int i = 0; i < PAIRS_MAX && end->address[i]; i++)
		printf(" %s", end->address[i]);
	puts("");
}

static void print_end_json(const struct holm_net_wired *end)
{
	putchar('{');
	net_json_member("where", end->where);
	net_json_member("interface", end->interface);
	fputs("\"addresses\":[", stdout);
	for (int i = 0; i < PAIRS_MAX && end->address[i]; i++) {
		fputs(i ? "," : "", stdout);
		out_json_string(end->address[i]);
	}
	fputs("]}", stdout);
}

static int say_wired(void *arg, const struct holm_net_wired ends[2])
{
	const struct wire_options *o = arg;

	if (!o->json) {
		print_end(&ends[0]);
		print_end(&ends[1]);
		return 0;
	}
	putchar('[');
	print_end_json(&ends[0]);
	fputs(",\n", stdout);
	print_end_json(&ends[1]);
	puts("]");
	return 0;
}

int cmd_net_wire(int argc, char **argv)
{
	struct wire_options o = { 0 };
	struct holm_error e;
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i++)
		r = read_option(&o, argc, argv, &i);
	if (r)
		return r;
	if (o.n_ends < 2 || (o.rm && (o.n_pairs || o.names)))
		return out_error("net wire: needs A and B, and --ip, --name and --json if it is "
				 "not --rm");
	if (o.rm)
		r = holm_net_unwire(o.ends[0], o.ends[1], &e);
	else
		r = holm_net_wire(o.ends[0], o.ends[1], o.pairs, o.names, say_wired, &o, &e);
	return r < 0 ? net_failed(&e) : 0;
}
