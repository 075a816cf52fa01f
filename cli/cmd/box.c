/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm box: options to spec, spec to box, box to exit code. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macro.h"
#include "base/say.h"
#include "cli.h"

static void free_spec(struct holm_spec **spec)
{
	holm_spec_free(*spec);
}

static void free_box(struct holm_box **box)
{
	holm_free(*box);
}

static int print_timing(void *arg, const struct holm_plan_step *step)
{
	const struct box_options *options = arg;

	if (!step->took_ns)
		return 0;
	if (options->json)
		fprintf(stderr, "{\"stage\":\"%s\",\"step\":\"%s\",\"us\":%.1f}\n", step->stage,
			step->name, (double)step->took_ns / 1000);
	else
		fprintf(stderr, "%-6s %-16s %9.1f us\n", step->stage, step->name,
			(double)step->took_ns / 1000);
	return 0;
}

/* A command that was ended says nothing itself. */
static void say_why(const struct holm_box *box)
{
	static const char *const why[] = {
		[HOLM_VERDICT_CPU] = "it has used up its processor time (--time)",
		[HOLM_VERDICT_WALL] = "its time was over (--wall)",
		[HOLM_VERDICT_IDLE] = "it was idle for too long (--idle)",
		[HOLM_VERDICT_MEMORY] = "it needed more memory than it may have (--memory)",
		[HOLM_VERDICT_OUTPUT] = "it wrote more than it may (--output, --file-size)",
		[HOLM_VERDICT_PIDS] = "it wanted more processes than it may have (--pids)",
		[HOLM_VERDICT_SYSCALL] = "the filter forbids what it called",
	};
	struct holm_verdict v;

	if (holm_verdict(box, &v) < 0 || v.kind >= ARRAY_SIZE(why) || !why[v.kind] || !v.signal)
		return;
	out_error("box: killed: %s%s%s", why[v.kind], *v.syscall ? ": " : "", v.syscall);
}

/* Takes the spec: once the box runs, whoever waits for it should hold no more than is needed. */
static int run(struct holm_spec *taken, struct box_options *options)
{
	__attribute__((cleanup(free_spec))) struct holm_spec *spec = taken;
	__attribute__((cleanup(free_box))) struct holm_box *box = NULL;
	struct holm_event end;
	int r;

	if (holm_spawn_flags(spec, options->timings || options->explain ? HOLM_TIMED : 0, &box) < 0)
		return out_spec_error(spec);
	for (size_t i = 0; holm_note(spec, i); i++)
		say_line("holm", "note: %s", holm_note(spec, i));
	if (options->timings)
		holm_timings(box, print_timing, options);
	if (options->explain) {
		explain_steps(box);
		explain_box(box);
	}
	holm_spec_free(spec);
	spec = NULL;
	r = relay_run(box, &end);
	if (r < 0)
		return out_error("wait for the box: %s", err_words(-r));
	if (end.kind == HOLM_LOST)
		out_error("the box's init was killed from outside");
	say_why(box);
	return holm_exit_code(end.status);
}

int cmd_box(int argc, char **argv)
{
	__attribute__((cleanup(free_spec))) struct holm_spec *spec = NULL;
	struct box_options options = { 0 };
	int r;

	if (holm_spec_new(&spec) < 0)
		return out_error("out of memory");
	r = opts_parse(spec, argc, argv, &options);
	if (r != 0 || options.print_profile)
		return r;
	if (options.help)
		return opts_help(), 0;
	return run(TAKE_PTR(spec), &options);
}
