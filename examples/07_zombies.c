/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 7: somebody has to wait for every process that ends. In a box that is holm's init: the
 * command leaves a thousand orphans, and the init reaps them all. Beside it run three services, of
 * which one crashes and is started again, and one just leaves; all end with the command.
 */
#include "example.h"

static const char command[] =
	"i=0; while [ $i -lt 1000 ]; do (true & exec true); i=$((i + 1)); done\n"
	"until [ -e /run/compute ]; do sleep 0.05; done; exit 7";
static const char compute[] =
	"compute:on-failure=[ -e /run/tried ] || { touch /run/tried; exit 3; }\n"
	"touch /run/compute; exec sleep 1000";

static void print_event(const struct holm_event *e)
{
	static const char *const kinds[] = {
		[HOLM_MAIN_EXIT] = "the command ended", [HOLM_SERVICE_START] = "started",
		[HOLM_SERVICE_EXIT] = "ended",          [HOLM_SERVICE_FAILED] = "has failed",
		[HOLM_RUN_EXIT] = "a helper ended",     [HOLM_ENDED] = "the box is gone",
		[HOLM_LOST] = "the box was lost",
	};

	printf("%s%s%s", e->name, *e->name ? ": " : "", kinds[e->kind]);
	if (e->kind != HOLM_SERVICE_START)
		printf(", code %d", holm_exit_code(e->status));
	if (e->kind == HOLM_ENDED)
		printf(", %s orphans reaped", e->reaped >= 1000 ? "all" : "not all");
	putchar('\n');
}

int main(void)
{
	struct holm_spec *spec = new_spec();
	struct holm_event event = { 0 };
	struct holm_box *box;

	set(spec, "service", "api=exec sleep 1000");
	set(spec, "service", "log=exit 0");
	set(spec, "service", compute);
	box = start(spec, command);
	while (holm_next(box, &event, -1) == 1)
		print_event(&event);
	holm_free(box);
	holm_spec_free(spec);
	return holm_exit_code(event.status) == 7 ? 0 : 1;
}
