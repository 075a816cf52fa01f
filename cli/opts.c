/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of a box: every field is one, long by its name, short by its letter. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "cli.h"

#define PROFILE_MAX (1 << 20)

const struct own_option own_options[] = {
	{ "profile", "FILE", "read fields from a JSON file first (- is standard input)" },
	{ "print-profile", NULL, "print the options as a profile, and do nothing" },
	{ "timings", NULL, "say what each step of the start took" },
	{ "explain", NULL, "say step by step what was done, and what it changed" },
	{ "json", NULL, "machine-readable output (plan, timings)" },
	{ "help", NULL, "this text" },
};

const unsigned n_own_options = ARRAY_SIZE(own_options);

struct parse {
	struct holm_spec *spec;
	struct box_options *out;
	int argc, at;
	char **argv;
};

static int set(struct parse *p, const struct holm_field *f, const char *value)
{
	return holm_spec_set(p->spec, f->name, value) < 0 ? out_spec_error(p->spec) : 0;
}

static int load_profile(struct parse *p, const char *path)
{
	_cleanup_file_ FILE *f = str_eq(path, "-") ? fdopen(0, "re") : fopen(path, "re");
	_cleanup_free_ char *text = malloc(PROFILE_MAX + 1);
	size_t len;

	if (!f)
		return out_error("profile %s: %s", path, err_words(errno));
	if (!text)
		return out_error("profile %s: out of memory", path);
	len = fread(text, 1, PROFILE_MAX + 1, f);
	if (ferror(f) || len > PROFILE_MAX)
		return out_error("profile %s: %s", path,
				 ferror(f) ? err_words(errno) : "larger than 1 MiB");
	return holm_spec_load(p->spec, text, len, path) < 0 ? out_spec_error(p->spec) : 0;
}

/* The argument behind `=`, or the next word. */
static char *take_value(struct parse *p, char *inlined)
{
	if (inlined)
		return inlined;
	return p->at + 1 < p->argc ? p->argv[++p->at] : NULL;
}

/* -1: no such option. */
static int own_option(struct parse *p, const char *name, char *inlined)
{
	char *value;
	int at = p->at, r;

	if (p->out->more) {
		value = take_value(p, inlined);
		r = p->out->more(p->out->more_arg, name, value);
		if (r >= 0)
			return r;
		p->at = at; /* it was not its argument */
	}
	if (str_eq(name, "profile")) {
		value = take_value(p, inlined);
		return value ? load_profile(p, value) : out_error("--profile needs a FILE");
	}
	if (str_eq(name, "timings"))
		p->out->timings = true;
	else if (str_eq(name, "explain"))
		p->out->explain = true;
	else if (str_eq(name, "json"))
		p->out->json = true;
	else if (str_eq(name, "help"))
		p->out->help = true;
	else if (str_eq(name, "print-profile"))
		p->out->print_profile = true;
	else
		return -1;
	return 0;
}

static size_t distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b);

	if (n >= ARRAY_SIZE(row))
		return n;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t old = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

			best = MIN(best, row[j - 1] + 1);
			row[j] = MIN(best, old + 1);
			diagonal = old;
		}
	}
	return row[n];
}

static int unknown(const char *name)
{
	struct holm_field f;
	const char *nearest = NULL;
	size_t best = 4;

	for (size_t i = 0; holm_field(i, &f) == 0; i++) {
		size_t far = distance(name, f.name);

		if (far < best) {
			best = far;
			nearest = f.name;
		}
	}
	if (nearest)
		return out_error("box: there is no option --%s; did you mean --%s?", name, nearest);
	return out_error("box: there is no option --%s (see holm box --help)", name);
}

static int long_option(struct parse *p, char *name)
{
	char *inlined = strchr(name, '='), *value;
	struct holm_field f;
	int r;

	if (inlined)
		*inlined++ = 0;
	for (size_t i = 0; holm_field(i, &f) == 0; i++) {
		if (!str_eq(f.name, name))
			continue;
		if (f.flags & HOLM_FIELD_BOOL)
			return set(p, &f, inlined ? inlined : "true");
		value = take_value(p, inlined);
		if (!value)
			return out_error("box: --%s needs an argument: %s", f.name, f.arg);
		return set(p, &f, value);
	}
	r = own_option(p, name, inlined);
	return r < 0 ? unknown(name) : r;
}

/* -w, -e NAME=VALUE, -eNAME=VALUE */
static int short_option(struct parse *p, char *letters)
{
	struct holm_field f;
	char *value;

	if (*letters == 'h') {
		p->out->help = true;
		return 0;
	}
	for (size_t i = 0; holm_field(i, &f) == 0; i++) {
		if (f.letter != *letters)
			continue;
		if (f.flags & HOLM_FIELD_BOOL)
			return letters[1] ? out_error("box: -%c takes no argument", *letters)
					  : set(p, &f, "true");
		value = take_value(p, letters[1] ? letters + 1 : NULL);
		return value ? set(p, &f, value)
			     : out_error("box: -%c needs an argument: %s", *letters, f.arg);
	}
	return out_error("box: there is no option -%c (see holm box --help)", *letters);
}

static unsigned flags_of(const char *name)
{
	struct holm_field f;

	for (size_t i = 0; holm_field(i, &f) == 0; i++)
		if (str_eq(f.name, name))
			return f.flags;
	return HOLM_FIELD_LIST; /* the command */
}

/* All values of a field; of one that takes a single value the last counts. */
static void print_field(const struct holm_spec *spec, const char *name)
{
	unsigned flags = flags_of(name);
	const char *field, *value, *last = NULL, *comma = "";

	printf("  \"%s\": %s", name, flags & HOLM_FIELD_LIST ? "[" : "");
	for (size_t i = 0; holm_spec_entry(spec, i, &field, &value) == 0; i++) {
		if (!str_eq(field, name))
			continue;
		last = value;
		if (!(flags & HOLM_FIELD_LIST))
			continue;
		fputs(comma, stdout);
		out_json_string(value);
		comma = ", ";
	}
	if (flags & HOLM_FIELD_BOOL)
		fputs(str_eq(last, "true") || str_eq(last, "yes") || str_eq(last, "1") ? "true"
										       : "false",
		      stdout);
	else if (!(flags & HOLM_FIELD_LIST))
		out_json_string(last);
	fputs(flags & HOLM_FIELD_LIST ? "]" : "", stdout);
}

static bool seen_before(const struct holm_spec *spec, size_t n, const char *name)
{
	const char *field, *value;

	for (size_t i = 0; i < n && holm_spec_entry(spec, i, &field, &value) == 0; i++)
		if (str_eq(field, name))
			return true;
	return false;
}

/* In the order of first use, which is the order of mounts. */
static void print_profile(const struct holm_spec *spec)
{
	const char *field, *value, *comma = "";

	puts("{");
	for (size_t i = 0; holm_spec_entry(spec, i, &field, &value) == 0; i++) {
		if (seen_before(spec, i, field))
			continue;
		fputs(comma, stdout);
		print_field(spec, field);
		comma = ",\n";
	}
	puts("\n}");
}

static int parse_words(struct parse *p)
{
	int r = 0;

	for (p->at = 1; r == 0 && p->at < p->argc; p->at++) {
		char *word = p->argv[p->at];

		if (str_eq(word, "--")) {
			p->at++;
			break;
		}
		if (word[0] != '-' || !word[1])
			break;
		r = word[1] == '-' ? long_option(p, word + 2) : short_option(p, word + 1);
	}
	return r;
}

int opts_parse(struct holm_spec *spec, int argc, char **argv, struct box_options *out)
{
	struct parse p = { spec, out, argc, 1, argv };
	int r;

	*out = (struct box_options){ .more = out->more, .more_arg = out->more_arg };
	r = parse_words(&p);
	if (r == 0 && p.at < argc && holm_spec_command(spec, argv + p.at) < 0)
		r = out_error("out of memory");
	if (r == 0 && out->print_profile)
		print_profile(spec);
	return r;
}

void opts_help_line(char letter, const char *name, const char *arg, const char *help)
{
	char left[128];
	int n = letter ? snprintf(left, sizeof(left), "  -%c, --%s", letter, name)
		       : snprintf(left, sizeof(left), "      --%s", name);

	if (arg)
		snprintf(left + n, sizeof(left) - (size_t)n, " %s", arg);
	if (strlen(left) < 34)
		printf("%-34s %s\n", left, help);
	else
		printf("%s\n%-34s %s\n", left, "", help);
}

void opts_help_fields(void)
{
	const char *group = "";
	struct holm_field f;

	for (size_t i = 0; holm_field(i, &f) == 0; i++) {
		if (!str_eq(group, f.group))
			printf("\n%s:\n", f.group);
		group = f.group;
		opts_help_line(f.letter, f.name, f.arg, f.help);
	}
	puts("\nholm:");
	for (unsigned i = 0; i < n_own_options; i++)
		opts_help_line(0, own_options[i].name, own_options[i].arg, own_options[i].help);
}

void opts_help(void)
{
	puts("Usage: holm box [OPTIONS] [--] COMMAND [ARG...]\n\n"
	     "Runs COMMAND isolated: in eight new namespaces, on a root that holds only read-only\n"
	     "program directories, without network, capabilities or new privileges.");
	opts_help_fields();
	puts("\nExit code: the command's own; 125 holm failed, 126 the command cannot be "
	     "executed,\n"
	     "127 it was not found, 128+N it was killed by signal N. See holm-box(1).");
}
