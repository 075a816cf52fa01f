/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `holm`: one word per act. Each act is a row here and a file in cmd/. */
#include <stdio.h>

#include "base/macro.h"
#include "base/signals.h"
#include "base/str.h"
#include "cli.h"
#include "sys/stdio.h"

const struct command commands[] = {
	{ "box", "run a program in full isolation", cmd_box },
	{ "judge", "run untrusted programs, and give a verdict on each", cmd_judge },
	{ "plan", "say what a box would do, step by step, and do nothing", cmd_plan },
	{ "net", "make networks for boxes, list and remove them", cmd_net },
	{ "ns", "see every namespace of the machine, and who is in it", cmd_ns },
	{ "doctor", "say what this machine allows, and what to change", cmd_doctor },
	{ "fields", "list the fields of a box: options, profile keys, library", cmd_fields },
	{ "completion", "print the completion script of bash, zsh or fish", cmd_completion },
	{ "help", "this text", cmd_help },
};

const unsigned n_commands = ARRAY_SIZE(commands);

int cmd_help(int argc, char **argv)
{
	(void)argc, (void)argv;
	puts("Usage: holm COMMAND [OPTIONS]\n\nIsolates Linux processes.\n");
	for (unsigned i = 0; i < n_commands; i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].words);
	puts("\nholm COMMAND --help tells more; holm --version says which this is.");
	return 0;
}

int main(int argc, char **argv)
{
	signals_begin();
	if (sys_fill_stdio() < 0)
		return out_error("a standard descriptor is closed, and there is no /dev/null");
	if (argc < 2)
		return cmd_help(argc, argv), EXIT_HOLM;
	if (str_eq(argv[1], "--version")) {
		printf("holm %s\n", holm_version());
		return 0;
	}
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))
		return cmd_help(argc, argv);
	for (unsigned i = 0; i < n_commands; i++)
		if (str_eq(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return out_error("there is no command \"%s\" (see holm help)", argv[1]);
}
