/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all examples do the same way: say what went wrong and leave, start, wait. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <err.h>
#include <errno.h>
#include <holm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct holm_spec *new_spec(void)
{
	struct holm_spec *spec;

	if (holm_spec_new(&spec) < 0)
		errx(1, "out of memory");
	return spec;
}

/* holm_spec_set() and holm_spec_add() with the error handled. */
static inline void set(struct holm_spec *spec, const char *field, const char *value)
{
	if (holm_spec_set(spec, field, value) < 0)
		errx(1, "%s", holm_error(spec)->text);
}

/* Lets a shell run `script` in the box, and returns as soon as it runs. */
static inline struct holm_box *start(struct holm_spec *spec, const char *script)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)script, NULL };
	struct holm_box *box;

	fflush(stdout); /* ours first: the box writes to the same place */
	if (holm_spec_command(spec, argv) < 0)
		errx(1, "out of memory");
	if (holm_spawn(spec, &box) < 0)
		errx(holm_error(spec)->exit_code, "%s", holm_error(spec)->text);
	return box;
}

/* Waits for the end and frees the box; the command's exit code. */
static inline int finish(struct holm_box *box)
{
	struct holm_event end;
	int r = holm_wait(box, &end, -1);

	if (r < 0)
		errx(1, "wait: %s", strerror(-r));
	holm_free(box);
	return holm_exit_code(end.status);
}

#endif
