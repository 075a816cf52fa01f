/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm doctor: what this machine allows, each line with the way out. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macro.h"
#include "base/str.h"
#include "cli.h"

static int print_text(void *arg, const struct holm_finding *f)
{
	static const char *const marks[][2] = {
		[HOLM_GOOD] = { "ok  ", "\033[32mok\033[0m  " },
		[HOLM_WARN] = { "warn", "\033[33mwarn\033[0m" },
		[HOLM_BAD] = { "BAD ", "\033[31mBAD\033[0m " },
	};
	const bool *color = arg;

	printf("%s  %-28s %s\n", marks[f->kind][*color], f->what, f->found);
	if (f->fix)
		printf("      %-28s -> %s\n", "", f->fix);
	return 0;
}

static int print_json(void *arg, const struct holm_finding *f)
{
	static const char *const kinds[] = { "good", "warn", "bad" };
	bool *first = arg;

	printf("%s{\"kind\":\"%s\",\"what\":", *first ? "" : ",\n", kinds[f->kind]);
	out_json_string(f->what);
	fputs(",\"found\":", stdout);
	out_json_string(f->found);
	if (f->fix) {
		fputs(",\"fix\":", stdout);
		out_json_string(f->fix);
	}
	fputs("}", stdout);
	*first = false;
	return 0;
}

static int clean(void)
{
	int n = holm_clean();

	if (n < 0)
		return out_error("cannot look for cgroups: %s", err_words(-n));
	printf("cgroups removed: %d\n", n);
	return 0;
}

int cmd_doctor(int argc, char **argv)
{
	bool flag = true;
	int worst;

	if (argc == 1) {
		flag = isatty(1);
		worst = holm_doctor(print_text, &flag);
	} else if (argc == 2 && str_eq(argv[1], "--json")) {
		fputs("[", stdout);
		worst = holm_doctor(print_json, &flag);
		puts("]");
	} else if (argc == 2 && str_eq(argv[1], "--clean")) {
		return clean();
	} else {
		bool help = str_eq(argv[1], "--help") || str_eq(argv[1], "-h");

		fputs("Usage: holm doctor [--json | --clean]\n\n--clean removes the cgroups that "
		      "killed programs have left.\nExit code 1: something that a box needs is "
		      "refused.\n",
		      help ? stdout : stderr);
		return help ? 0 : EXIT_HOLM;
	}
	return worst == HOLM_BAD;
}
