/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 11: what the kernel has no list of. A box is started; then all namespaces of the machine
 * are looked at, and those are named that are the box's own.
 */
#include <unistd.h>

#include "example.h"

static struct holm_world *look(void)
{
	struct holm_world *world;
	struct holm_error error;

	if (holm_world_new(HOLM_WORLD_HELD, &world, &error) < 0)
		errx(1, "%s", error.text);
	return world;
}

/* The box's own: nobody is in them who is older than its processes, and we are not. */
static void print_own(const struct holm_world *world, const struct holm_process *inside)
{
	struct holm_process self;
	struct holm_ns ns;

	if (holm_world_process_find(world, getpid(), &self) < 0)
		errx(1, "we are not there");
	for (unsigned t = 0; t < HOLM_NS_TYPES; t++) {
		if (inside->ns[t] == self.ns[t] || holm_world_find(world, inside->ns[t], &ns) < 0)
			continue;
		printf("%-6s %u in it, kept by a %s\n", holm_ns_type_name(t), ns.processes,
		       ns.held);
	}
}

static int print_identity(void *arg, const struct holm_fact *fact)
{
	(void)arg;
	if (strcmp(fact->name, "hostname") == 0 || strcmp(fact->name, "uid_map") == 0 ||
	    (strcmp(fact->section, "capabilities") == 0 && strcmp(fact->name, "effective") == 0))
		printf("%s: %s %s\n", fact->name, fact->value, fact->words);
	return 0;
}

int main(void)
{
	struct holm_spec *spec = new_spec();
	struct holm_pid_level levels[8];
	struct holm_process inside;
	struct holm_world *world;
	struct holm_error error;
	struct holm_box *box;
	int gate[2], n, pid;

	/* The command reads a line before it ends, so that we can look at it first. */
	if (pipe(gate) < 0 || dup2(gate[0], 0) < 0)
		err(1, "pipe");
	set(spec, "hostname", "isle");
	box = start(spec, "read -r line");
	pid = holm_main_pid(box);
	world = look();
	if (holm_world_process_find(world, pid, &inside) < 0)
		errx(1, "the command is not there");
	print_own(world, &inside);
	if (holm_process_facts(world, pid, print_identity, NULL, &error) < 0)
		errx(1, "%s", error.text);
	n = holm_pid_levels(world, pid, levels, 8, &error);
	if (n < 2)
		errx(1, "%s", n < 0 ? error.text : "it has one pid only");
	printf("inside it is process %d; that one is %s\n", levels[n - 1].pid,
	       holm_pid_from(world, levels[n - 1].ns, levels[n - 1].pid, &error) == pid
		       ? "it"
		       : "another");
	holm_world_free(world);
	dprintf(gate[1], "go on\n");
	finish(box);
	holm_spec_free(spec);
	return 0;
}
