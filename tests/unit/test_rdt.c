/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.intelRdt: schemata compared with the kernel's, and what is decided of a wish. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"
#include "cg/rdt.h"
#include "spec/container.h"

#define HAVE "    MB:0=  30;1= 100\n    L3:0=0000f;1=fffff\nL2CODE:7=00ff\n"

static void schemata_match(void **state)
{
	static const struct {
		const char *want, *over;
		uint64_t gran;
		bool matches;
	} cases[] = {
		{ "", NULL, 10, true },
		{ "L3:0=f\n", NULL, 10, true },
		{ "L3:0=F;1=0xfffff;\n", NULL, 10, true },
		{ " L3: 1 = fffff\n", NULL, 10, true },
		{ "L3:0=f\nMB:0=30;1=100", NULL, 10, true },
		{ "MB:0=25", NULL, 10, true },
		{ "MB:0=25", NULL, 0, false },
		{ "MB:0=31", NULL, 10, false },
		{ "L2CODE:7=ff", NULL, 10, true },
		{ "L3:0=1f", NULL, 10, false },
		{ "L3:2=f", NULL, 10, false },
		{ "L4:0=f", NULL, 10, false },
		{ "L3:0", NULL, 10, false },
		{ "L3", NULL, 10, false },
		{ "L3:0=", NULL, 10, false },
		{ "L3:0=f;x", NULL, 10, false },
		{ "L3:0=fffffffffffffffffffffff", NULL, 10, false },
		{ "L3:0=1f;1=fffff", "L3:0=f", 10, true },
		{ "L3:0=1f;1=ffff", "L3:0=f", 10, false },
		{ "L3:0=1f", "MB:0=30", 10, false },
	};
	char line[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (rdt_matches(HAVE, cases[i].want, cases[i].over, cases[i].gran, line,
				sizeof(line)) != cases[i].matches)
			fail_msg("%s", cases[i].want);
	assert_false(rdt_matches(HAVE, "L3:0=f\nMB:0=50\n", NULL, 10, line, sizeof(line)));
	assert_string_equal(line, "MB:0=50");
	assert_false(rdt_matches(HAVE, "nonsense", NULL, 10, line, 4));
	assert_string_equal(line, "non");
}

static void a_line_is_found(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(rdt_line(a, HAVE, "L3"), "L3:0=0000f;1=fffff");
	assert_string_equal(rdt_line(a, HAVE, "L2CODE"), "L2CODE:7=00ff");
	assert_null(rdt_line(a, HAVE, "L2"));
	assert_null(rdt_line(a, "", "L3"));
	arena_free(a);
}

static void names_become_paths(void **state)
{
	static const struct {
		const char *group, *monitor, *file, *path;
	} cases[] = {
		{ "/", NULL, NULL, "." },
		{ "/", NULL, "tasks", "tasks" },
		{ "/", "m", "tasks", "mon_groups/m/tasks" },
		{ "g", NULL, NULL, "g" },
		{ "g", NULL, "schemata", "g/schemata" },
		{ "g", "m", NULL, "g/mon_groups/m" },
		{ "g", "m", "mon_data", "g/mon_groups/m/mon_data" },
	};
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(rdt_path(path, sizeof(path), cases[i].group, cases[i].monitor,
					  cases[i].file),
				 0);
		assert_string_equal(path, cases[i].path);
	}
	assert_int_equal(rdt_path(path, 8, "group", NULL, "tasks"), -ENAMETOOLONG);
}

/* ---- decisions ---- */

static const struct fact_rdt whole = { true, true, true, true };

static int decide(struct spec *s, struct container *c, const struct fact_rdt *rdt, struct err *e)
{
	struct facts f = { .rdt = *rdt };

	c->rdt.given = true;
	c->life.id = "id";
	s->container = c;
	s->d.rdt = NULL;
	*e = (struct err){ 0 };
	return check_rdt(s, &f, e);
}

static const struct rdt_wish *decided(struct spec *s, struct container_rdt rdt)
{
	static struct container c;
	struct err e;

	c = (struct container){ .rdt = rdt };
	if (decide(s, &c, &whole, &e) < 0)
		fail_msg("%s", e.text);
	return s->d.rdt;
}

static void which_group(void **state)
{
	const char *lines[] = { "L3:0=1", "MB:0=50" };
	struct spec *s = spec_new();
	const struct rdt_wish *w = decided(s, (struct container_rdt){ .monitoring = true });

	(void)state;
	assert_int_equal(w->make, RDT_NEW);
	assert_string_equal(w->group, "id");
	assert_string_equal(w->monitor, "id");
	assert_null(w->schemata[0]);
	w = decided(s, (struct container_rdt){ .clos_id = "gold" });
	assert_int_equal(w->make, RDT_PRESENT);
	assert_string_equal(w->group, "gold");
	assert_null(w->monitor);
	w = decided(s, (struct container_rdt){ .clos_id = "gold", .schemata = { lines, 2 } });
	assert_int_equal(w->make, RDT_IF_MISSING);
	assert_string_equal(w->schemata[0], "L3:0=1\nMB:0=50\n");
	assert_null(w->schemata[1]);
	w = decided(s, (struct container_rdt){ .clos_id = "/", .schemata = { lines, 1 } });
	assert_int_equal(w->make, RDT_PRESENT);
	spec_free(s);
}

static void which_lines(void **state)
{
	const char *line = "L3:0=1";
	struct spec *s = spec_new();
	const struct rdt_wish *w = decided(
		s, (struct container_rdt){ .l3_cache_schema = "L3:0=f\nMB:0=90\n\n L3CODE:0=1",
					   .mem_bw_schema = "MB:0=20",
					   .schemata = { &line, 1 } });

	(void)state;
	assert_string_equal(w->schemata[0], "L3:0=f\n L3CODE:0=1\nMB:0=20\n");
	assert_string_equal(w->schemata[1], "L3:0=1\n");
	w = decided(s, (struct container_rdt){ .l3_cache_schema = "L3:0=f\nMB:0=90" });
	assert_string_equal(w->schemata[0], "L3:0=f\nMB:0=90\n");
	spec_free(s);
}

static void what_the_machine_lacks(void **state)
{
	static const struct {
		struct fact_rdt rdt;
		struct container_rdt wish;
		int code;
		const char *text;
	} cases[] = {
		{ { 0 }, { 0 }, EOPNOTSUPP, "there is no resctrl here" },
		{ { .known = true }, { 0 }, ENOENT, "mount -t resctrl resctrl /sys/fs/resctrl" },
		{ { true, true, false, true }, { 0 }, EOPNOTSUPP, "can only count" },
		{ { true, true, false, true },
		  { .clos_id = "/", .mem_bw_schema = "MB:0=1" },
		  EOPNOTSUPP,
		  "knows no schemata" },
		{ { true, true, true, false }, { .monitoring = true }, EOPNOTSUPP, "cannot count" },
	};
	struct spec *s = spec_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct container c = { .rdt = cases[i].wish };
		struct err e;

		assert_int_equal(decide(s, &c, &cases[i].rdt, &e), -cases[i].code);
		if (!strstr(e.text, cases[i].text))
			fail_msg("%s", e.text);
	}
	spec_free(s);
}

static void who_enters_joins_what_was_written_down(void **state)
{
	struct container c = { .life = { .member = 4711, .rdt_group = "g", .rdt_monitor = "m" } };
	struct spec *s = spec_new();
	struct err e;

	(void)state;
	assert_int_equal(decide(s, &c, &(struct fact_rdt){ 0 }, &e), 0);
	assert_int_equal(s->d.rdt->make, RDT_ONLY_JOIN);
	assert_string_equal(s->d.rdt->group, "g");
	assert_string_equal(s->d.rdt->monitor, "m");
	c.life.rdt_group = NULL;
	assert_int_equal(decide(s, &c, &whole, &e), 0);
	assert_null(s->d.rdt);
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemata_match),
		cmocka_unit_test(a_line_is_found),
		cmocka_unit_test(names_become_paths),
		cmocka_unit_test(which_group),
		cmocka_unit_test(which_lines),
		cmocka_unit_test(what_the_machine_lacks),
		cmocka_unit_test(who_enters_joins_what_was_written_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
