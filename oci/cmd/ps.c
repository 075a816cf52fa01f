/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci ps: the processes of a container, as seen from outside. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"

static bool has(const struct cg_pids *pids, long pid)
{
	for (size_t i = 0; i < pids->n; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

static int print_json(const struct cg_pids *pids)
{
	putchar('[');
	for (size_t i = 0; i < pids->n; i++)
		printf("%s%d", i ? "," : "", pids->items[i]);
	puts("]");
	return 0;
}

/* Which word of the heading is PID; -1: none. */
static int pid_column(const char *heading)
{
	int column = 0;

	for (const char *p = heading; *p; column++) {
		size_t len;

		p += strspn(p, " \t\n");
		len = strcspn(p, " \t\n");
		if (len == 3 && strncmp(p, "PID", 3) == 0)
			return column;
		p += len;
	}
	return -1;
}

static long number_at(const char *line, int column)
{
	for (; column > 0; column--) {
		line += strspn(line, " \t");
		line += strcspn(line, " \t");
	}
	return strtol(line, NULL, 10);
}

/* Lines of ps(1), which knows users, terminals and times; those of other processes are dropped. */
static int filter(FILE *from, const struct cg_pids *pids, struct err *e)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int column;

	if (getline(&line, &room, from) < 0)
		return err_set(e, ENOENT, "ps: the program ps has said nothing (is it installed?)");
	column = pid_column(line);
	if (column < 0)
		return err_set(e, EINVAL, "ps: the options leave no column PID");
	fputs(line, stdout);
	while (getline(&line, &room, from) >= 0)
		if (has(pids, number_at(line, column)))
			fputs(line, stdout);
	return 0;
}

static int print_table(char **options, const struct cg_pids *pids, struct err *e)
{
	static char *standard[] = { (char *)"ps", (char *)"-ef", NULL };
	int fds[2], status, r;
	FILE *from;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, errno, "ps");
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		execvp("ps", options ? options : standard);
		_exit(127);
	}
	close(fds[1]);
	from = fdopen(fds[0], "r");
	r = pid > 0 && from ? filter(from, pids, e) : err_errno(e, errno, "ps");
	if (from)
		fclose(from);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r;
}

int cmd_ps(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	_cleanup_(cg_pids_done) struct cg_pids pids = { 0 };
	int r = options_format("ps", o->opt.ps.format, e);

	if (r == 0)
		r = ref_look(o, argv[0], &ref, e);
	if (r == 0)
		r = ref_cgroup(&ref, e);
	if (r == 0 && ref.cg.n)
		r = cg_pids(&ref.cg, &pids, e);
	if (r < 0)
		return r;
	if (str_eq(o->opt.ps.format, "json"))
		return print_json(&pids);
	argv[0] = (char *)"ps";
	return print_table(argc > 1 ? argv : NULL, &pids, e);
}
