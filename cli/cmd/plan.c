/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm plan box ...: the steps that holm box would take, in order, and nothing done. */
#include <stdio.h>

#include "base/str.h"
#include "cli.h"

static void free_spec(struct holm_spec **spec)
{
	holm_spec_free(*spec);
}

static int print_text(void *arg, const struct holm_plan_step *step)
{
	(void)arg;
	printf("%-6s %-15s %s%s%s\n", step->stage, step->name, step->words,
	       *step->object ? ": " : "", step->object);
	return 0;
}

static int print_json(void *arg, const struct holm_plan_step *step)
{
	bool *first = arg;

	printf("%s{\"stage\":\"%s\",\"step\":\"%s\",\"words\":", *first ? "" : ",\n", step->stage,
	       step->name);
	out_json_string(step->words);
	fputs(",\"object\":", stdout);
	out_json_string(step->object);
	fputs("}", stdout);
	*first = false;
	return 0;
}

static int print_plan(struct holm_spec *spec, bool json)
{
	bool first = true;
	int r;

	if (!json)
		return holm_plan(spec, print_text, NULL) < 0 ? out_spec_error(spec) : 0;
	if (holm_check(spec) < 0)
		return out_spec_error(spec);
	fputs("[", stdout);
	r = holm_plan(spec, print_json, &first);
	puts("]");
	return r < 0 ? out_spec_error(spec) : 0;
}

int cmd_plan(int argc, char **argv)
{
	__attribute__((cleanup(free_spec))) struct holm_spec *spec = NULL;
	struct box_options options = { 0 };
	bool json = false;
	int r;

	while (argc > 1 && str_eq(argv[1], "--json")) {
		json = true;
		argc--, argv++;
	}
	if (argc < 2 || !str_eq(argv[1], "box")) {
		bool help = argc > 1 && (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"));

		fputs("Usage: holm plan [--json] box [OPTIONS] [--] COMMAND [ARG...]\n",
		      help ? stdout : stderr);
		return help ? 0 : EXIT_HOLM;
	}
	if (holm_spec_new(&spec) < 0)
		return out_error("out of memory");
	r = opts_parse(spec, argc - 1, argv + 1, &options);
	if (r != 0 || options.print_profile)
		return r;
	if (options.help)
		return opts_help(), 0;
	return print_plan(spec, json || options.json);
}
