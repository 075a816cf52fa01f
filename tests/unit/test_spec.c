/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields and profiles: what is taken, and what is refused in which words. */
#include "unit.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

static int setup(void **state)
{
	*state = spec_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	spec_free(*state);
	return 0;
}

struct refusal {
	const char *field, *value, *words;
};

static const struct refusal refusals[] = {
	{ "nosuch", "x", "there is no field" },
	{ "share", "mount", "there is no namespace \"mount\"" },
	{ "join", "net", "names no target" },
	{ "join", "net=", "names no target" },
	{ "join", "foo=1", "there is no namespace" },
	{ "time-offset", "realtime=+1d", "cannot be shifted" },
	{ "time-offset", "monotonic=soon", "is no duration" },
	{ "map-users", "0:1000", "is not IN:OUT:COUNT" },
	{ "map-users", "0:1000:0", "empty" },
	{ "map-users", "4294967295:0:2", "leaves 32 bits" },
	{ "map-groups", "a:b:c", "is not IN:OUT:COUNT" },
	{ "rlimit", "files=1", "there is no limit" },
	{ "rlimit", "nofile=2:1", "above the hard" },
	{ "rlimit", "nofile", "is not" },
	{ "rlimit", "nofile=-1", "is not" },
	{ "service", "x", "is not NAME" },
	{ "service", "=x", "no name" },
	{ "service", "main=x", "no name" },
	{ "service", "a b=x", "no name" },
	{ "service", "a:sometimes=x", "no restart policy" },
	{ "cap", "net_admin,foo", "there is no capability \"foo\"" },
	{ "landlock", "rw", "is not ACCESS:PATH" },
	{ "landlock", "rw:relative", "is not ACCESS:PATH" },
	{ "env", "=x", "has no name" },
	{ "keep-fd", "x", "no file descriptor" },
	{ "keep-fd", "-1", "no file descriptor" },
	{ "scratch-size", "0", "is no size" },
	{ "scratch-size", "lots", "is no size" },
	{ "fallback", "chroot", "there is only landlock" },
	{ "pty", "maybe", "not one of" },
	{ "as-pid1", "perhaps", "neither true nor false" },
	{ "bind", "", "names no source" },
	{ "bind", "/a:b", "no absolute path" },
	{ "bind", "/a:/b/../c", "through \"..\"" },
	{ "bind", "/a:/b/..", "through \"..\"" },
	{ "bind", "/a:/b:fast", "no option of a bind" },
	{ "tmpfs", "/t:big", "neither size" },
	{ "tmpfs", "/t:size=x", "neither size" },
	{ "tmpfs", "/t:mode=9", "neither size" },
	{ "overlay", "/a:ro", "needs at least" },
	{ "proc", "/proc:rw", "is not" },
	{ "dir", "/d:99", "is not" },
	{ "file", "/f", "is not" },
	{ "file", "/f=fd:x", "no file descriptor" },
	{ "symlink", "/a", "is not" },
	{ "symlink", ":/a", "is not" },
	{ "propagation", "loud", "is not private" },
	{ "propagation", "private:x", "no absolute path" },
};

static void refused_with_words(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct err e = { 0 };
		int r = spec_set(*state, refusals[i].field, refusals[i].value, &e);

		if (r >= 0 || !strstr(e.text, refusals[i].words))
			print_message("%s=%s: %d \"%s\"\n", refusals[i].field, refusals[i].value, r,
				      e.text);
		assert_true(r < 0);
		assert_non_null(strstr(e.text, refusals[i].words));
		assert_non_null(strstr(e.text, refusals[i].field));
	}
}

static const struct mnt *last_mount(struct spec *s)
{
	return &s->mounts.items[s->mounts.n - 1];
}

static void binds(void **state)
{
	struct spec *s = *state;

	assert_int_equal(spec_set(s, "bind", "/src", NULL), 0);
	assert_null(last_mount(s)->dst);
	assert_true(last_mount(s)->attrs == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
	assert_int_equal(spec_set(s, "ro-bind", "/src:/dst:optional:noexec:shared", NULL), 0);
	assert_string_equal(last_mount(s)->dst, "/dst");
	assert_true(last_mount(s)->optional);
	assert_true(last_mount(s)->propagation == MS_SHARED);
	assert_true(last_mount(s)->attrs & MOUNT_ATTR_RDONLY);
	assert_true(last_mount(s)->attrs & MOUNT_ATTR_NOEXEC);
	assert_int_equal(spec_set(s, "dev-bind", "/dev/kvm", NULL), 0);
	assert_false(last_mount(s)->attrs & MOUNT_ATTR_NODEV);
	assert_int_equal(spec_set(s, "bind", "/with\\:colon:/and\\\\back", NULL), 0);
	assert_string_equal(last_mount(s)->src, "/with:colon");
	assert_string_equal(last_mount(s)->dst, "/and\\back");
}

static void overlays(void **state)
{
	struct spec *s = *state;

	assert_int_equal(spec_set(s, "overlay", "tmp", NULL), 0);
	assert_string_equal(s->root_overlay, "tmp");
	assert_int_equal(s->mounts.n, 0);
	assert_int_equal(spec_set(s, "overlay", "/a:/b:/dst:keep=/k", NULL), 0);
	assert_int_equal(last_mount(s)->layers.n, 2);
	assert_string_equal(last_mount(s)->dst, "/dst");
	assert_string_equal(last_mount(s)->upper, "/k");
}

static void files(void **state)
{
	struct spec *s = *state;

	assert_int_equal(spec_set(s, "file", "/f=a=b", NULL), 0);
	assert_string_equal(last_mount(s)->data, "a=b");
	assert_int_equal(spec_set(s, "file", "/f=@/etc/x", NULL), 0);
	assert_string_equal(last_mount(s)->src, "/etc/x");
	assert_int_equal(spec_set(s, "file", "/f=fd:5", NULL), 0);
	assert_int_equal(last_mount(s)->fd, 5);
	assert_int_equal(spec_set(s, "file", "/f=", NULL), 0);
	assert_int_equal(last_mount(s)->len, 0);
}

static void limits(void **state)
{
	struct spec *s = *state;

	assert_int_equal(spec_set(s, "rlimit", "nofile=64:128", NULL), 0);
	assert_int_equal(s->rlimits.items[0].limit.rlim_cur, 64);
	assert_int_equal(s->rlimits.items[0].limit.rlim_max, 128);
	assert_int_equal(spec_set(s, "rlimit", "as=2g", NULL), 0);
	assert_true(s->rlimits.items[1].limit.rlim_max == UINT64_C(2) << 30);
	assert_int_equal(spec_set(s, "rlimit", "core=unlimited", NULL), 0);
	assert_true(s->rlimits.items[2].limit.rlim_cur == RLIM_INFINITY);
}

static void profile(void **state)
{
	static const char json[] =
		"{ \"hostname\": \"x\", \"as-pid1\": true, \"nice\": 5,\n"
		"  \"env\": [\"A=1\", \"B\"], \"command\": [\"sh\", \"-c\", \"\"] }";
	struct spec *s = *state;
	struct err e = { 0 };

	assert_int_equal(spec_load(s, json, strlen(json), "p", &e), 0);
	assert_string_equal(s->hostname, "x");
	assert_true(s->as_pid1);
	assert_string_equal(s->nice, "5");
	assert_int_equal(s->env.n, 2);
	assert_int_equal(s->command.n, 3);
}

static void profile_errors_have_a_place(void **state)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "{\n  \"hostname\": \"a\",\n  \"nosuch\": 1\n}", "p:3:3: there is no field" },
		{ "{ \"x\": {\"hostname\": 1}, \"hostname\": [1] }", "p:1:3: there is no field" },
		{ "{ \"a\": \"nosuch\", \"nosuch\": 1 }", "p:1:3" },
		{ "{\"hostname\": [\"a\"]}", "p:1:2: hostname: takes one value" },
		{ "{\"hostname\": null}", "p:1:2: hostname: the value" },
		{ "{\"env\": [{}]}", "p:1:2: env: element 0" },
		{ "{\"command\": \"sh\"}", "p:1:2: command: not an array" },
		{ "{\"nice\": 5,}", "p:1:" },
		{ "{\"nice\"", "p:1:8: the JSON text ends too early" },
		{ "[]", "p:1:1: a profile is a JSON object" },
		{ "{} x", "p:1:4: " },
		{ "", "ends too early" },
		{ "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1}}}}}}}}", "p:1:" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = { 0 };

		assert_true(spec_load(*state, cases[i].json, strlen(cases[i].json), "p", &e) < 0);
		if (!strstr(e.text, cases[i].words))
			print_message("%s -> %s\n", cases[i].json, e.text);
		assert_non_null(strstr(e.text, cases[i].words));
	}
}

static void every_field_has_its_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < spec_n_fields; i++) {
		const struct field *f = &spec_fields[i];

		assert_ptr_equal(field_find(f->name), f); /* no name twice */
		assert_non_null(f->set);
		assert_true(*f->help && *f->group);
		assert_int_equal(f->arg == NULL, (f->flags & FIELD_BOOL) != 0);
		for (size_t k = 0; k < i; k++)
			assert_true(!f->letter || f->letter != spec_fields[k].letter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refused_with_words, setup, teardown),
		cmocka_unit_test_setup_teardown(binds, setup, teardown),
		cmocka_unit_test_setup_teardown(overlays, setup, teardown),
		cmocka_unit_test_setup_teardown(files, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(profile, setup, teardown),
		cmocka_unit_test_setup_teardown(profile_errors_have_a_place, setup, teardown),
		cmocka_unit_test(every_field_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
