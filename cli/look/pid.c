/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns pid: one process's pid at each level. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "look/look.h"

static void print_levels(const struct holm_world *w, const struct holm_pid_level *levels, int n)
{
	for (int i = 0; i < n; i++) {
		char label[NS_LABEL_MAX], name[256];
		struct holm_ns ns = { .name = "" };

		holm_world_find(w, levels[i].ns, &ns);
		printf("%-20s %8d%s%s\n", ns_label(HOLM_NS_PID, levels[i].ns, label), levels[i].pid,
		       *ns.name ? "  " : "", ns_clean(ns.name, name, sizeof(name)));
	}
}

static int json_levels(const struct holm_pid_level *levels, int n)
{
	struct jsonout j = { .compact = true };

	jsonout_open(&j, NULL, '[');
	for (int i = 0; i < n; i++) {
		jsonout_open(&j, NULL, '{');
		ns_json_inode(&j, "inode", levels[i].ns);
		jsonout_number(&j, "pid", levels[i].pid);
		jsonout_close(&j, '}');
	}
	jsonout_close(&j, ']');
	return ns_json_end(&j);
}

/* `text` is a pid of `in`, or one of ours. */
static int find_pid(const struct holm_world *w, const char *text, const char *in, int *out)
{
	struct holm_error e;
	uint32_t number;
	struct holm_ns n;
	int r;

	if (str_u32(text, &number) < 0 || number == 0 || number > 0x7fffffff)
		return out_error("ns pid: \"%s\" is no pid", text);
	*out = (int)number;
	if (!in)
		return 0;
	r = ns_find_namespace(w, "pid", in, HOLM_NS_PID, &n);
	if (r)
		return r;
	*out = holm_pid_from(w, n.inode, (int)number, &e);
	return *out < 0 ? out_error("ns pid: %s", e.text) : 0;
}

int ns_pid(int argc, char **argv)
{
	_cleanup_ns_world_ struct holm_world *world = NULL;
	struct holm_pid_level levels[40];
	const char *in = NULL;
	bool json = false;
	const struct ns_option options[] = { { "in", NULL, &in }, { "json", &json, NULL } };
	struct ns_args a = { .options = options, .n_options = ARRAY_SIZE(options) };
	struct holm_error e;
	int r = ns_parse(&a, argc, argv), n, pid = 0;

	if (r == 0 && a.n_plain != 1)
		r = out_error("ns pid: needs one PID");
	if (r == 0)
		r = ns_world(HOLM_WORLD_HELD, &world);
	if (r == 0)
		r = find_pid(world, a.plain[0], in, &pid);
	if (r)
		return r;
	n = holm_pid_levels(world, pid, levels, ARRAY_SIZE(levels), &e);
	if (n < 0)
		return out_error("ns pid: %s", e.text);
	if (json)
		return json_levels(levels, n);
	print_levels(world, levels, n);
	return 0;
}
