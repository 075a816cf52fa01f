/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns hold, drop and ls --held: namespaces that live by a name. */
#include <stdio.h>
#include <string.h>

#include "act/act.h"
#include "base/macro.h"
#include "base/say.h"

int ns_hold_word(int argc, char **argv)
{
	struct holm_hold hold = { 0 };
	const char *name = NULL, *of = NULL;
	struct holm_error e;
	uint32_t pid = 0;

	for (int i = 1; i < argc; i++) {
		int type = ns_type_option(argv[i]);

		if (type < 0 && str_eq(argv[i], "--user"))
			type = HOLM_NS_USER;
		if (type >= 0)
			hold.types |= 1U << type;
		else if (str_eq(argv[i], "--all"))
			hold.types = (1U << HOLM_NS_TYPES) - 1;
		else if (str_eq(argv[i], "--of") && i + 1 < argc)
			of = argv[++i];
		else if (str_eq(argv[i], "--map") && i + 1 < argc)
			hold.map = argv[++i];
		else if (*argv[i] != '-' && !name)
			name = argv[i];
		else
			return out_error("ns hold: \"%s\" is too much (see holm ns --help)",
					 argv[i]);
	}
	if (!name)
		return out_error("ns hold: needs a NAME");
	if (of && (str_u32(of, &pid) < 0 || pid == 0 || pid > 0x7fffffff))
		return out_error("ns hold: --of needs a pid, and \"%s\" is none", of);
	if (!hold.types)
		return out_error("ns hold: which namespaces? --net, --uts ..., or --all");
	hold.pid = (int)pid;
	return holm_ns_hold(name, &hold, &e) < 0 ? out_error("%s", e.text) : 0;
}

int ns_drop_word(int argc, char **argv)
{
	int code = argc > 1 ? 0 : out_error("ns drop: needs a NAME");
	struct holm_error e;

	for (int i = 1; i < argc; i++)
		if (holm_ns_drop(argv[i], &e) < 0)
			code = out_error("%s", e.text);
	return code;
}

struct listing {
	struct jsonout j;
	bool json, any;
};

static int print_held(void *arg, const struct holm_held *h)
{
	struct listing *l = arg;

	if (!h->inode) {
		say_line("holm",
			 "ns: %s: is left from before the machine was started, and is removed",
			 h->path);
		return 0;
	}
	if (l->json) {
		jsonout_open(&l->j, NULL, '{');
		jsonout_string(&l->j, "name", h->name);
		jsonout_string(&l->j, "type", holm_ns_type_name(h->type));
		ns_json_inode(&l->j, "inode", h->inode);
		jsonout_string(&l->j, "path", h->path);
		jsonout_number(&l->j, "init", h->init);
		jsonout_close(&l->j, '}');
		return 0;
	}
	if (!l->any)
		printf("%-20s %-7s %10s  %s\n", "NAME", "TYPE", "INODE", "FILE");
	l->any = true;
	printf("%-20s %-7s %10llu  %s\n", h->name, holm_ns_type_name(h->type),
	       (unsigned long long)h->inode, h->path);
	return 0;
}

int ns_ls_held(bool json)
{
	struct listing l = { .json = json };
	struct holm_error e;

	if (json)
		jsonout_open(&l.j, NULL, '[');
	if (holm_ns_held(print_held, &l, &e) < 0)
		return out_error("%s", e.text);
	if (!json)
		return 0;
	jsonout_close(&l.j, ']');
	return ns_json_end(&l.j);
}
