/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 1: a process has a pid in every pid namespace from its own up to the first one. The box's
 * command believes to be process 1 (or 2, below holm's init); from here it has another number.
 */
#include <unistd.h>

#include "example.h"

/* The line "NSpid:" of /proc/PID/status: one number for every level, ours first. */
static void print_levels(int pid)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	if (!f)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "NSpid:", 6) == 0)
			printf("outside: its pids, level by level: %s", line + 7);
	fclose(f);
}

static void show(const char *as_pid1, int gate)
{
	struct holm_spec *spec = new_spec();
	struct holm_box *box;

	set(spec, "as-pid1", as_pid1);
	box = start(spec, "echo \"inside: I am process $$, my parent is $PPID\"; read -r line");
	print_levels(holm_main_pid(box));
	dprintf(gate, "go on\n");
	finish(box);
	holm_spec_free(spec);
}

int main(void)
{
	int gate[2];

	/* Each command reads a line before it ends, so that we can look at it first. */
	if (pipe(gate) < 0 || dup2(gate[0], 0) < 0)
		err(1, "pipe");
	puts("as process 1:");
	show("true", gate[1]);
	puts("below holm's init:");
	show("false", gate[1]);
	return 0;
}
