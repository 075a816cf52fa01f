/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm ns: every namespace of the machine. A word an act, each a row here and a file in cli/look/,
 * if it looks, or in cli/act/.
 */
#include <stdio.h>

#include "act/act.h"
#include "base/macro.h"

const struct sub_word ns_words[] = {
	{ "ls", "[TYPE...] [--pid TARGET] [--owner] [--held] [--columns LIST] [--json]",
	  "list them", ns_ls },
	{ "tree", "[--type user|pid] [--all] [--json]",
	  "user and pid namespaces, as they are nested", ns_tree },
	{ "show", "TARGET [--json]", "everything about a process or a namespace", ns_show },
	{ "pid", "PID [--in TARGET] [--json]", "the pid of a process at each level", ns_pid },
	{ "diff", "TARGET TARGET [--json]", "what two processes share, and what not", ns_diff },
	{ "map", "[--html FILE] [--svg FILE] [--dot FILE] [--json FILE]", "the picture of all",
	  ns_map },
	{ "top", "[--type TYPE] [--delay SECONDS]", "a live screen", ns_top },
	{ "enter", "TARGET|--pidfd N [--all|--net --mnt ...] [--user ID] [--root DIR] [-- CMD...]",
	  "a command where another process is", ns_enter_word },
	{ "hold", "NAME --net --uts ...|--all [--of PID] [--map IN:OUT:COUNT]",
	  "make namespaces, or take a process's, and keep them by a name", ns_hold_word },
	{ "drop", "NAME...", "and no more", ns_drop_word },
	{ "unshare", "[--net --mnt ...] [OPTION...] [-- CMD...]",
	  "a command in new namespaces, and nothing else done for it", ns_unshare_word },
};

const unsigned n_ns_words = ARRAY_SIZE(ns_words);

static int help(void)
{
	puts("Usage: holm ns WORD [ARG...]\n\nSees every namespace of this machine.\n");
	for (unsigned i = 0; i < n_ns_words; i++)
		printf("  %-5s %s\n        %s\n", ns_words[i].name, ns_words[i].args,
		       ns_words[i].words);
	puts("\nTYPE: user mnt pid net ipc uts cgroup time. TARGET: a pid, a name, the inode of a\n"
	     "namespace, \"net:[INODE]\", or a file such as /run/netns/NAME. See holm-ns(1).");
	return 0;
}

int cmd_ns(int argc, char **argv)
{
	if (argc < 2)
		return help(), EXIT_HOLM;
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))
		return help();
	for (unsigned i = 0; i < n_ns_words; i++) {
		if (!str_eq(argv[1], ns_words[i].name))
			continue;
		for (int k = 2; k < argc && !str_eq(argv[k], "--"); k++)
			if (str_eq(argv[k], "--help") || str_eq(argv[k], "-h"))
				return help();
		return ns_words[i].run(argc - 1, argv + 1);
	}
	return out_error("ns: there is no word \"%s\" (see holm ns --help)", argv[1]);
}
