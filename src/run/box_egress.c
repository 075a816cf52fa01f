/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names that a box may reach: the program holm-egress, which stands between its network
 * namespace and ours (egress/egress.h). It watches the box's first process, and ends with it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/box_net.h"
#include "sys/fd.h"
#include "sys/process.h"

#define PROGRAM "holm-egress"

int egress_find(char out[PLAYER_PATH_MAX])
{
	int r = player_find_own(PROGRAM, out);

	return r < 0 ? player_find(PROGRAM, out) : r;
}

static int open_log(const char *path)
{
	if (!path)
		return -1;
	if (str_eq(path, "-"))
		return sys_fcntl(2, F_DUPFD_CLOEXEC, 3);
	return sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

int egress_start(struct run *r, struct box_net *n)
{
	const strings *hosts = &r->spec->allow_hosts;
	_cleanup_free_ char **argv = calloc(hosts->n + 5, sizeof(*argv));
	_cleanup_fd_ int log_fd = -1;
	struct player player = { .argv = argv, .fds = { r->pidfd } };
	char words[3][16];
	int code;

	r->failed = "find the program " PROGRAM;
	code = argv ? egress_find(player.path) : -ENOMEM;
	if (code < 0)
		return code;
	log_fd = open_log(r->spec->egress_log);
	if (r->spec->egress_log && log_fd < 0)
		return err_errno(r->err, -log_fd, "egress-log: %s", r->spec->egress_log);
	player.fds[1] = log_fd;
	player.n_fds = log_fd < 0 ? 1 : 2;
	snprintf(words[0], sizeof(words[0]), "%d", r->pid);
	snprintf(words[1], sizeof(words[1]), "%d", r->pidfd);
	snprintf(words[2], sizeof(words[2]), "%d", log_fd < 0 ? 0 : log_fd);
	argv[0] = (char *)PROGRAM;
	for (size_t i = 0; i < 3; i++)
		argv[i + 1] = words[i];
	for (size_t i = 0; i < hosts->n; i++)
		argv[i + 4] = (char *)hosts->items[i];
	r->failed = "start " PROGRAM;
	return player_start(r, n, &player);
}
