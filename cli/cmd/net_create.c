/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm net create, holm net peers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"
#include "cmd/net.h"

#define SUBNETS_MAX 2
#define PEERS_MAX   64

const char *net_value_of(int argc, char **argv, int *i, const char *option)
{
	size_t len = strlen(option);

	if (!str_starts(argv[*i], option))
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	return argv[*i][len] == 0 && *i + 1 < argc ? argv[++*i] : NULL;
}

struct create_options {
	const char *name, *subnets[SUBNETS_MAX + 1], *peers[PEERS_MAX + 1];
	unsigned flags, n_subnets, n_peers;
	bool overlay, needs_overlay, encrypt;
	struct holm_net_overlay o;
};

/* "A,B,C", cut in place. */
static int add_peers(struct create_options *o, const char *value)
{
	char *rest = (char *)value, *word; /* of argv, which is ours */

	while ((word = strsep(&rest, ","))) {
		if (o->n_peers == PEERS_MAX)
			return out_error("net create: at most %d peers", PEERS_MAX);
		o->peers[o->n_peers++] = word;
	}
	return 0;
}

static int read_number(const char *option, const char *value, uint32_t least, uint32_t *out)
{
	if (str_u32(value, out) < 0 || *out < least || *out > 0xffffff)
		return out_error("net create: %s=%s is no number of %u to 16777215", option, value,
				 least);
	return 0;
}

/* -1: it is none of these. */
static int overlay_option(struct create_options *o, int argc, char **argv, int *i)
{
	const struct {
		const char *option;
		const char **to;
	} texts[] = { { "--local", &o->o.local },       { "--etcd", &o->o.etcd },
		      { "--etcd-ca", &o->o.etcd_ca },   { "--etcd-cert", &o->o.etcd_cert },
		      { "--etcd-key", &o->o.etcd_key }, { "--key-file", &o->o.key_file } };
	const char *value;
	uint32_t n = 0;
	int r = 0;

	o->needs_overlay = true;
	for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
		if ((value = net_value_of(argc, argv, i, texts[k].option)))
			return *texts[k].to = value, 0;
	if (str_eq(argv[*i], "--encrypt"))
		o->encrypt = true;
	else if ((value = net_value_of(argc, argv, i, "--peers")))
		r = add_peers(o, value);
	else if ((value = net_value_of(argc, argv, i, "--vni")))
		r = read_number("--vni", value, 1, &o->o.vni);
	else if ((value = net_value_of(argc, argv, i, "--port")))
		r = read_number("--port", value, 1, &o->o.port);
	else if ((value = net_value_of(argc, argv, i, "--ttl")))
		r = read_number("--ttl", value, 2, &o->o.ttl);
	else if ((value = net_value_of(argc, argv, i, "--slot")))
		r = read_number("--slot", value, 0, &n), o->o.slot = (int)n;
	else
		return -1;
	return r;
}

static int create_option(struct create_options *o, int argc, char **argv, int *i)
{
	static const struct {
		const char *word;
		unsigned flag;
	} words[] = {
		{ "--internal", HOLM_NET_INTERNAL },
		{ "--no-ipv6", HOLM_NET_NO_IPV6 },
		{ "--no-dns", HOLM_NET_NO_DNS },
	};
	const char *value;
	bool needs;
	int r;

	for (size_t k = 0; k < ARRAY_SIZE(words); k++)
		if (str_eq(argv[*i], words[k].word))
			return o->flags |= words[k].flag, 0;
	needs = o->needs_overlay;
	r = overlay_option(o, argc, argv, i);
	if (r >= 0)
		return r;
	o->needs_overlay = needs;
	if (str_eq(argv[*i], "--overlay"))
		o->overlay = true;
	else if (o->n_subnets < SUBNETS_MAX && (value = net_value_of(argc, argv, i, "--subnet")))
		o->subnets[o->n_subnets++] = value;
	else if (*argv[*i] != '-' && !o->name)
		o->name = argv[*i];
	else
		return out_error("net create: \"%s\" is too much (see holm net --help)", argv[*i]);
	return 0;
}

int cmd_net_create(int argc, char **argv)
{
	struct create_options o = { .o.slot = -1 };
	struct holm_error e;
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i++)
		r = create_option(&o, argc, argv, &i);
	if (r)
		return r;
	if (!o.name)
		return out_error("net create: needs a NAME");
	if (o.needs_overlay && !o.overlay)
		return out_error(
			"net create: --peers, --local, --vni, --port, --slot, --ttl, --etcd "
			"and --encrypt are of --overlay");
	if (o.encrypt != (o.o.key_file != NULL))
		return out_error("net create: --encrypt and --key-file go together");
	o.o.peers = o.peers;
	r = o.overlay ? holm_net_create_overlay(o.name, o.flags, o.subnets, &o.o, &e)
		      : holm_net_create(o.name, o.flags, o.subnets, &e);
	return r < 0 ? net_failed(&e) : 0;
}

/* ---- peers ---- */

static int print_peers(void *arg, const struct holm_net *n)
{
	const char **name = arg;

	if (!str_eq(n->name, *name))
		return 0;
	*name = "";
	for (size_t i = 0; n->peers[i]; i++)
		puts(n->peers[i]);
	return 0;
}

int cmd_net_peers(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	bool add = argc > 3 && str_eq(argv[2], "add"), rm = argc > 3 && str_eq(argv[2], "rm");
	struct holm_error e;
	int r;

	if (argc == 2) {
		r = holm_net_list(print_peers, &name, &e);
		if (r == 0 && *name)
			return out_error("net: there is no network \"%s\"", name);
	} else if (add || rm) {
		r = holm_net_peers(name, add ? HOLM_PEERS_ADD : HOLM_PEERS_REMOVE,
				   (const char *const *)argv + 3, &e);
	} else {
		return out_error("net peers: needs NETWORK, and add or rm with a HOST");
	}
	return r < 0 ? net_failed(&e) : 0;
}
