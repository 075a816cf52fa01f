/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm completion SHELL: made from the table of options, so that it cannot miss one. */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"
#include "cli.h"

/* What an argument is, as far as a shell can help: a file, a directory, or something else. */
static char kind_of(const char *arg)
{
	if (!arg)
		return 0;
	if (strstr(arg, "FILE"))
		return 'f';
	if (strstr(arg, "DIR") || strstr(arg, "SRC") || strstr(arg, "DST") || strstr(arg, "PATH"))
		return 'd';
	return 'x';
}

static void each_option(void (*fn)(const char *name, char letter, const char *arg,
				   const char *help))
{
	struct holm_field f;

	for (size_t i = 0; holm_field(i, &f) == 0; i++)
		fn(f.name, f.letter, f.arg, f.help);
	for (unsigned i = 0; i < n_judge_options; i++)
		fn(judge_options[i].name, 0, judge_options[i].arg, judge_options[i].help);
	for (unsigned i = 0; i < n_own_options; i++)
		fn(own_options[i].name, 0, own_options[i].arg, own_options[i].help);
}

static void put_name(const char *name, char letter, const char *arg, const char *help)
{
	(void)letter, (void)arg, (void)help;
	printf(" --%s", name);
}

static void put_case(const char *name, char letter, const char *arg, const char *help)
{
	char kind = kind_of(arg);

	(void)letter, (void)help;
	if (kind == 'f' || kind == 'd')
		printf("\t--%s) COMPREPLY=($(compgen -%c -- \"$cur\")); return ;;\n", name, kind);
	else if (kind)
		printf("\t--%s) COMPREPLY=(); return ;;\n", name);
}

/* Commands that have words of their own, and the options of each. */
static const struct {
	const char *name;
	const struct sub_word *words;
	const unsigned *n;
} groups[] = { { "ns", ns_words, &n_ns_words }, { "net", net_words, &n_net_words } };

static void each_option_of(const struct sub_word *word, void (*fn)(const char *option, int len))
{
	for (const char *at = word->args; (at = strstr(at, "--")); at += 2) {
		int len = (int)strspn(at, "-abcdefghijklmnopqrstuvwxyz");

		if (len > 2) /* else a command stands behind it */
			fn(at, len);
	}
}

static void put_sub_option(const char *option, int len)
{
	printf(" %.*s", len, option);
}

/* A word, an option of that word, or something that is there as a file. */
static void bash_group(size_t g)
{
	unsigned n = *groups[g].n;

	printf("\tif [ \"${COMP_WORDS[1]}\" = %s ]; then\n\t\tif [ \"$COMP_CWORD\" = 2 ]; then "
	       "COMPREPLY=($(compgen -W \"",
	       groups[g].name);
	for (unsigned i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", groups[g].words[i].name);
	puts("\" -- \"$cur\")); return; fi\n\t\tcase ${COMP_WORDS[2]}$cur in");
	for (unsigned i = 0; i < n; i++) {
		printf("\t\t%s-*) COMPREPLY=($(compgen -W \"", groups[g].words[i].name);
		each_option_of(&groups[g].words[i], put_sub_option);
		puts("\" -- \"$cur\")) ;;");
	}
	puts("\t\t*) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n\t\tesac\n\t\treturn\n\tfi");
}

static void bash(void)
{
	puts("# bash completion for holm\n_holm()\n{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}");
	printf("\tlocal acts=\"");
	for (unsigned i = 0; i < n_commands; i++)
		printf("%s%s", i ? " " : "", commands[i].name);
	puts("\"\n\tif [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"$acts\" -- "
	     "\"$cur\")); "
	     "return; fi");
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		bash_group(g);
	puts("\tcase $prev in");
	each_option(put_case);
	printf("\tesac\n\tcase $cur in\n\t-*) COMPREPLY=($(compgen -W \"");
	each_option(put_name);
	puts("\" -- \"$cur\")) ;;\n\t*) COMPREPLY=($(compgen -c -f -- \"$cur\")) ;;\n\tesac\n}\n"
	     "complete -o filenames -F _holm holm");
}

/* The characters that end a word of zsh's _arguments stand behind a backslash. */
static void put_zsh_text(const char *s)
{
	for (; *s; s++)
		printf(strchr("[]:'\\", *s) ? (*s == '\'' ? "'\\%c'" : "\\%c") : "%c", *s);
}

static void put_zsh(const char *name, char letter, const char *arg, const char *help)
{
	char kind = kind_of(arg);

	(void)letter;
	printf("\t\t'*--%s[", name);
	put_zsh_text(help);
	fputs("]", stdout);
	if (kind)
		printf(":value:%s", kind == 'x' ? "" : kind == 'd' ? "_files -/" : "_files");
	puts("' \\");
}

/* 'NAME:WORDS', of which a quote would be the end. */
static void put_zsh_word(const char *tabs, const char *name, const char *words)
{
	printf("%s'%s:", tabs, name);
	for (; *words; words++)
		fputs(*words == '\'' ? "'\\''" : (char[]){ *words, 0 }, stdout);
	puts("'");
}

static void zsh_group(size_t g)
{
	const struct sub_word *words = groups[g].words;

	printf("\tif [[ $words[2] = %s ]]; then\n\t\tif (( CURRENT == 3 )); then\n\t\t\tlocal -a "
	       "acts=(\n",
	       groups[g].name);
	for (unsigned i = 0; i < *groups[g].n; i++)
		put_zsh_word("\t\t\t\t", words[i].name, words[i].words);
	puts("\t\t\t)\n\t\t\t_describe word acts\n\t\t\treturn\n\t\tfi\n\t\tcase $words[3] in");
	for (unsigned i = 0; i < *groups[g].n; i++) {
		printf("\t\t%s) compadd --", words[i].name);
		each_option_of(&words[i], put_sub_option);
		puts(" ;;");
	}
	puts("\t\tesac\n\t\t_files\n\t\treturn\n\tfi");
}

static void zsh(void)
{
	puts("#compdef holm\n# zsh completion for holm\n_holm()\n{\n\tif (( CURRENT == 2 )); then\n"
	     "\t\tlocal -a acts=(");
	for (unsigned i = 0; i < n_commands; i++)
		put_zsh_word("\t\t\t", commands[i].name, commands[i].words);
	puts("\t\t)\n\t\t_describe act acts\n\t\treturn\n\tfi");
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		zsh_group(g);
	puts("\tshift words; (( CURRENT-- ))\n\t_arguments -S \\");
	each_option(put_zsh);
	puts("\t\t'*::command:_normal'\n}\n_holm \"$@\"");
}

static void put_fish_text(const char *s)
{
	putchar('\'');
	for (; *s; s++)
		printf(*s == '\'' || *s == '\\' ? "\\%c" : "%c", *s);
	putchar('\'');
}

static void put_fish(const char *name, char letter, const char *arg, const char *help)
{
	char kind = kind_of(arg);

	printf("complete -c holm -n '__fish_seen_subcommand_from box plan' -l %s", name);
	if (letter)
		printf(" -s %c", letter);
	fputs(kind ? (kind == 'x' ? " -x" : " -r -F") : "", stdout);
	fputs(" -d ", stdout);
	put_fish_text(help);
	puts("");
}

static const char *fish_word, *fish_group;

static void put_fish_sub(const char *option, int len)
{
	printf("complete -c holm -n '__fish_seen_subcommand_from %s; and "
	       "__fish_seen_subcommand_from %s' -l %.*s\n",
	       fish_word, fish_group, len - 2, option + 2);
}

static void fish_words(size_t g)
{
	fish_group = groups[g].name;
	for (unsigned i = 0; i < *groups[g].n; i++) {
		const struct sub_word *word = &groups[g].words[i];

		printf("complete -c holm -n '__fish_seen_subcommand_from %s' -a %s -d ", fish_group,
		       word->name);
		put_fish_text(word->words);
		puts("");
		fish_word = word->name;
		each_option_of(word, put_fish_sub);
	}
}

static void fish(void)
{
	puts("# fish completion for holm");
	for (unsigned i = 0; i < n_commands; i++) {
		printf("complete -c holm -f -n __fish_use_subcommand -a %s -d ", commands[i].name);
		put_fish_text(commands[i].words);
		puts("");
	}
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		fish_words(g);
	each_option(put_fish);
}

int cmd_completion(int argc, char **argv)
{
	if (argc == 2 && str_eq(argv[1], "bash"))
		return bash(), 0;
	if (argc == 2 && str_eq(argv[1], "zsh"))
		return zsh(), 0;
	if (argc == 2 && str_eq(argv[1], "fish"))
		return fish(), 0;
	fputs("Usage: holm completion bash|zsh|fish\n", stderr);
	return argc == 2 && str_eq(argv[1], "--help") ? 0 : EXIT_HOLM;
}
