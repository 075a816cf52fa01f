/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns top: executes holm-top, which draws; it has libraries that this program is to start
 * without. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macro.h"
#include "look/look.h"

#define HELPER "holm-top"

/* Where it is installed; else beside this program, as in a tree where it was built. */
int ns_top(int argc, char **argv)
{
	static const char installed[] = HOLM_LIBEXECDIR "/" HELPER;
	const char *type = NULL, *delay = NULL;
	const struct ns_option options[] = { { "type", NULL, &type }, { "delay", NULL, &delay } };
	struct ns_args a = { .options = options, .n_options = ARRAY_SIZE(options) };
	char own[PATH_MAX], beside[PATH_MAX + sizeof(HELPER)], *name;
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	int r = ns_parse(&a, argc, argv);

	if (r == 0 && a.n_plain)
		r = out_error("ns top: \"%s\" is too much (see holm ns --help)", a.plain[0]);
	if (r)
		return r;
	own[n < 0 ? 0 : n] = 0;
	name = strrchr(own, '/');
	snprintf(beside, sizeof(beside), "%.*s/" HELPER, name ? (int)(name - own) : 0, own);
	for (int i = 0; i < 2; i++) {
		const char *path = i ? beside : installed;
		const char *words[] = { HELPER,
					"--holm",
					own,
					"--type",
					type ? type : "pid",
					"--delay",
					delay ? delay : "1",
					NULL };

		execv(path, (char *const *)words);
		if (errno != ENOENT && errno != ENOTDIR)
			return out_error("ns top: %s: %s", path, err_words(errno));
	}
	return out_error("ns top: needs the program " HELPER ", which is neither in %s nor beside "
			 "this one; it is built where ncurses is found",
			 HOLM_LIBEXECDIR);
}
