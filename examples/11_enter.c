/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 11: going where another process is. A box runs; a second one joins all of its namespaces
 * and sees what is there. Who may, keeps a namespace by a name, and finds it again when nobody is
 * in it any more.
 */
#include <unistd.h>

#include "example.h"

/* What is not given up is the rights that we have there. */
static void look_inside(int pid)
{
	struct holm_enter enter = { .pid = pid, .pidfd = -1 };
	struct holm_spec *spec = new_spec();

	if (holm_spec_enter(spec, &enter) < 0)
		errx(1, "%s", holm_error(spec)->text);
	set(spec, "seccomp", "none");
	finish(start(
		spec,
		"echo \"inside is $(hostname), with $(ls -d /proc/[0-9]* | wc -l) processes\""));
	holm_spec_free(spec);
}

static int print_held(void *arg, const struct holm_held *held)
{
	if (strcmp(held->name, arg) == 0)
		printf("%s is kept by the name %s\n", holm_ns_type_name(held->type), held->name);
	return 0;
}

/* Root alone may mount, and a mount is what keeps it. */
static void keep_and_join(int pid)
{
	struct holm_hold hold = { .types = 1U << HOLM_NS_UTS, .pid = pid };
	struct holm_spec *spec = new_spec();
	struct holm_error error;
	char name[32];

	snprintf(name, sizeof(name), "example-%d", getpid());
	if (holm_ns_hold(name, &hold, &error) < 0)
		errx(1, "%s", error.text);
	holm_ns_held(print_held, name, NULL);
	set(spec, "join", name);
	finish(start(spec, "echo \"joined: $(hostname)\""));
	holm_spec_free(spec);
	if (holm_ns_drop(name, &error) < 0)
		errx(1, "%s", error.text);
}

int main(void)
{
	struct holm_spec *spec = new_spec();
	struct holm_box *box;
	int gate[2], pid;

	if (pipe(gate) < 0 || dup2(gate[0], 0) < 0)
		err(1, "pipe");
	set(spec, "hostname", "isle");
	box = start(spec, "read -r line");
	pid = holm_main_pid(box);
	look_inside(pid);
	if (geteuid() == 0)
		keep_and_join(pid);
	dprintf(gate[1], "go on\n");
	finish(box);
	holm_spec_free(spec);
	return 0;
}
