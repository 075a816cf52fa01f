/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm fields: the one table, for people and for what is generated from it. */
#include <stdio.h>

#include "base/str.h"
#include "cli.h"

static void print_json(const char *name, char letter, const char *arg, const char *help,
		       const char *group, unsigned flags)
{
	printf("{\"name\":\"%s\",\"group\":\"%s\"", name, group);
	if (letter)
		printf(",\"letter\":\"%c\"", letter);
	if (arg) {
		fputs(",\"arg\":", stdout);
		out_json_string(arg);
	}
	printf(",\"list\":%s,\"late\":%s,\"help\":", flags & HOLM_FIELD_LIST ? "true" : "false",
	       flags & HOLM_FIELD_LATE ? "true" : "false");
	out_json_string(help);
	fputs("}", stdout);
}

int cmd_fields(int argc, char **argv)
{
	struct holm_field f;
	bool json = argc == 2 && str_eq(argv[1], "--json");

	if (argc > 1 && !json) {
		bool help = str_eq(argv[1], "--help") || str_eq(argv[1], "-h");

		fputs("Usage: holm fields [--json]\n", help ? stdout : stderr);
		return help ? 0 : EXIT_HOLM;
	}
	if (json)
		fputs("[", stdout);
	for (size_t i = 0; holm_field(i, &f) == 0; i++) {
		if (!json) {
			printf("%-16s %-34s %s\n", f.name, f.arg ? f.arg : "true|false", f.help);
			continue;
		}
		fputs(i ? ",\n" : "", stdout);
		print_json(f.name, f.letter, f.arg, f.help, f.group, f.flags);
	}
	for (unsigned i = 0; json && i < n_own_options; i++) {
		fputs(",\n", stdout);
		print_json(own_options[i].name, 0, own_options[i].arg, own_options[i].help, "holm",
			   0);
	}
	if (json)
		puts("]");
	return 0;
}
