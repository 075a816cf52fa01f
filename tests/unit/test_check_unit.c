/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux.cgroupsPath and annotations, as they name and describe a unit of systemd. */
#include "unit.h"

#include <string.h>

#include "base/arena.h"
#include "base/macro.h"
#include "base/str.h"
#include "spec/container.h"

static struct err e;

static const struct unit *unit_of(struct spec *s, struct container *c, const char *path)
{
	c->cgroups_path = path;
	c->life.systemd_helper = "/helper";
	c->life.id = "id";
	s->container = c;
	s->d.unit = NULL;
	e = (struct err){ 0 };
	return check_unit(s, &e) == 0 ? s->d.unit : NULL;
}

static bool has(const struct unit *u, const char *property)
{
	for (size_t i = 0; i < u->properties.n; i++)
		if (str_eq(u->properties.items[i], property))
			return true;
	return false;
}

static void names_and_places(void **state)
{
	static const struct {
		const char *path, *name, *place;
	} known[] = {
		{ "a.slice:p:n", "p-n.scope", "/a.slice/p-n.scope" },
		{ "a-b-c.slice:p:n", "p-n.scope", "/a.slice/a-b.slice/a-b-c.slice/p-n.scope" },
		{ "-.slice:p:n", "p-n.scope", "/p-n.scope" },
		{ "a.slice::n", "n.scope", "/a.slice/n.scope" },
		{ ":p:n", "p-n.scope", "/system.slice/p-n.scope" },
		{ "", "holm-id.scope", "/system.slice/holm-id.scope" },
		{ NULL, "holm-id.scope", "/system.slice/holm-id.scope" },
		{ "a.slice:p:a-b.slice", "a-b.slice", "/a.slice/a-b.slice" },
		{ "-.slice::a.slice", "a.slice", "/a.slice" },
		{ "a-b.slice::a-b-c.slice", "a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice" },
		{ "kubepods-burstable-podf1_2.slice:cri-containerd:8d", "cri-containerd-8d.scope",
		  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podf1_2.slice/"
		  "cri-containerd-8d.scope" },
	};
	struct spec *s = spec_new();
	struct container c = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct unit *u = unit_of(s, &c, known[i].path);

		assert_non_null(u);
		assert_string_equal(u->name, known[i].name);
		assert_string_equal(u->path, known[i].place);
		assert_int_equal(u->is_slice, !strstr(u->name, ".scope"));
		assert_int_equal(has(u, "Delegate=true"), !u->is_slice);
		assert_int_equal(has(u, "TasksAccounting=true"), u->is_slice);
	}
	c.life.systemd_user = true;
	assert_string_equal(unit_of(s, &c, NULL)->path, "/user.slice/holm-id.scope");
	c.life.no_cgroup = true;
	assert_null(unit_of(s, &c, "not looked at"));
	assert_int_equal(e.code, 0);
	spec_free(s);
}

static void places_that_are_none(void **state)
{
	static const char *const bad[] = {
		"/a/b",
		"a.slice",
		"a.slice:b",
		"a.slice:b:c:d",
		"a.slice:b:",
		"a:b:c",
		".slice:b:c",
		"-a.slice:b:c",
		"a-.slice:b:c",
		"a--b.slice:b:c",
		"a/b.slice:b:c",
		"a.slice:b:c/d",
		"a.slice:b:c@d",
		"a.slice:b c:d",
		"a.slice:b:c\n",
		"b.slice::a-b.slice",
		"a.slice::-.slice",
		"a.slice::a--b.slice",
		"--.slice:a:b",
		"a.slice:..:/",
		"\xc3\xa9.slice:a:b",
	};
	struct spec *s = spec_new();
	struct container c = { 0 };
	char path[400] = "a.slice:p:";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (unit_of(s, &c, bad[i]))
			fail_msg("%s was taken", bad[i]);
		assert_true(str_starts(e.text, "linux.cgroupsPath: "));
	}
	memset(path + strlen(path), 'x', 300);
	assert_null(unit_of(s, &c, path));
	spec_free(s);
}

static const struct unit *annotated(struct spec *s, struct container *c, const char *key,
				    const char *value)
{
	struct key *k = arena_alloc(s->arena, sizeof(*k));

	*k = (struct key){ key, value };
	c->annotations.items = k;
	c->annotations.n = 1;
	return unit_of(s, c, "a.slice:p:n");
}

#define P "org.systemd.property."

static void properties(void **state)
{
	struct spec *s = spec_new();
	struct container c = { 0 };
	const struct unit *u = unit_of(s, &c, "a.slice:p:n");

	(void)state;
	assert_int_equal(u->properties.n, 5);
	assert_true(has(u, "Description='container id'"));
	assert_true(has(u, "Slice='a.slice'"));
	assert_true(has(u, "DefaultDependencies=false"));
	assert_true(has(u, "CollectMode='inactive-or-failed'"));
	u = annotated(s, &c, P "TimeoutStopUSec", "uint64 5");
	assert_true(has(u, "TimeoutStopUSec=uint64 5"));
	u = annotated(s, &c, P "TimeoutStopSec", "5");
	assert_true(has(u, "TimeoutStopUSec=uint64 5000000"));
	u = annotated(s, &c, P "RuntimeMaxSec", "0.5");
	assert_true(has(u, "RuntimeMaxUSec=uint64 500000"));
	u = annotated(s, &c, P "CollectMode", "'inactive'");
	assert_true(has(u, "CollectMode='inactive'"));
	assert_int_equal(u->properties.n, 5);
	u = annotated(s, &c, P "Wants", "['a.service', 'b=c.service']");
	assert_true(has(u, "Wants=['a.service', 'b=c.service']"));
	u = annotated(s, &c, "org.systemd.other", "no value");
	assert_int_equal(u->properties.n, 5);
	spec_free(s);
}

static void properties_that_are_none(void **state)
{
	static const char *const bad[][2] = {
		{ P, "true" },
		{ P "Ab", "true" },
		{ P "lower", "true" },
		{ P "Has-Dash", "true" },
		{ P "Has=Equals", "true" },
		{ P "Slice", "'b.slice'" },
		{ P "PIDs", "[uint32 1]" },
		{ P "Delegate", "false" },
		{ P "TasksMax", "" },
		{ P "TasksMax", "uint64 x" },
		{ P "TimeoutStopSec", "'5s'" },
		{ P "TimeoutStopSec", "-5" },
		{ P "TimeoutStopSec", "[5]" },
		{ P "TimeoutStopSec", "1e300" },
	};
	struct spec *s = spec_new();
	struct container c = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (annotated(s, &c, bad[i][0], bad[i][1]))
			fail_msg("%s %s was taken", bad[i][0], bad[i][1]);
		assert_true(str_starts(e.text, "annotation " P));
	}
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_places),
		cmocka_unit_test(places_that_are_none),
		cmocka_unit_test(properties),
		cmocka_unit_test(properties_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
