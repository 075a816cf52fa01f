/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm box --explain: what the kernel was asked to do, and what can be seen of it from outside. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli.h"

static int print_step(void *arg, const struct holm_plan_step *step)
{
	(void)arg;
	fprintf(stderr, "%-6s %-15s %s%s%s", step->stage, step->name, step->words,
		*step->object ? ": " : "", step->object);
	if (step->took_ns)
		fprintf(stderr, "  (%.0f us)", (double)step->took_ns / 1000);
	fputc('\n', stderr);
	return 0;
}

void explain_steps(struct holm_box *box)
{
	fputs("== what was done\n", stderr);
	holm_timings(box, print_step, NULL);
}

static FILE *open_proc(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

static void namespaces(int pid)
{
	static const char *const names[] = { "user", "mnt", "pid",    "net",
					     "ipc",  "uts", "cgroup", "time" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64], ours[64] = "", theirs[64] = "";

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		if (readlink(path, ours, sizeof(ours) - 1) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, names[i]);
		if (readlink(path, theirs, sizeof(theirs) - 1) < 0)
			continue;
		fprintf(stderr, "  %-7s %s, ours is %s\n", names[i],
			str_eq(ours, theirs) ? "shared" : "its own", ours);
	}
}

/* The lines of /proc/PID/status that begin with one of `keys`. */
static void status_lines(int pid, const char *const *keys)
{
	_cleanup_file_ FILE *f = open_proc(pid, "status");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		for (const char *const *k = keys; *k; k++)
			if (str_starts(line, *k))
				fprintf(stderr, "  %s", line);
}

/* Where its processes are counted; nothing if it has no cgroup of its own. */
static void cgroups(int pid)
{
	_cleanup_file_ FILE *f = open_proc(pid, "cgroup");
	bool any = false;
	char line[1024];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "/holm-box-"))
			continue;
		fprintf(stderr, "%s  %s", any ? "" : "cgroups:\n", line);
		any = true;
	}
}

static void file_lines(int pid, const char *name, const char *label, int skip)
{
	_cleanup_file_ FILE *f = open_proc(pid, name);
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (skip-- <= 0)
			fprintf(stderr, "  %-8s %s", label, line);
}

/* The n-th word of a line, cut out in place; "" if there are fewer. */
static const char *word(char *line, int n)
{
	char *save, *w = strtok_r(line, " \n", &save);

	while (w && n-- > 0)
		w = strtok_r(NULL, " \n", &save);
	return w ? w : "";
}

/* "29 28 0:32 / / ro,nosuid - tmpfs tmpfs rw": where, how, and which file system. */
static void mounts(int pid)
{
	_cleanup_file_ FILE *f = open_proc(pid, "mountinfo");
	char line[2048];

	while (f && fgets(line, sizeof(line), f)) {
		char copy[2048], *dash = strstr(line, " - ");

		if (!dash)
			continue;
		strcpy(copy, line);
		fprintf(stderr, "  %-28s", word(copy, 4));
		strcpy(copy, dash + 3);
		fprintf(stderr, " %-8s", word(copy, 0));
		fprintf(stderr, " %s\n", word(line, 5));
	}
}

void explain_box(struct holm_box *box)
{
	static const char *const keys[] = { "Uid:",    "Gid:",        "NSpid:",   "CapEff:",
					    "CapBnd:", "NoNewPrivs:", "Seccomp:", NULL };
	int pid = holm_main_pid(box);

	fprintf(stderr, "== what it changed (command: pid %d here, its init: pid %d)\n", pid,
		holm_pid(box));
	if (pid < 0) {
		fputs("  the command has ended already\n", stderr);
		return;
	}
	fputs("namespaces:\n", stderr);
	namespaces(pid);
	fputs("ids (inside, outside, count) and rights:\n", stderr);
	file_lines(pid, "uid_map", "uid_map", 0);
	file_lines(pid, "gid_map", "gid_map", 0);
	status_lines(pid, keys);
	cgroups(pid);
	fputs("interfaces:\n", stderr);
	file_lines(pid, "net/dev", "", 2);
	fputs("mounts:\n", stderr);
	mounts(pid);
}
