/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of /proc, and a world with ourselves in it. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "holm.h"
#include "see/see.h"

static void links_are_read(void **state)
{
	static const char *const bad[] = { "",           "net",       "net:[]",
					   "net:[12",    "net:[12]x", "net:12",
					   "sock:[1]",   "pipe:[12]", "/dev/null",
					   "net:[-1]",   "net:[1 ]",  "anon_inode:[eventfd]",
					   "network:[1]" };
	uint64_t inode = 0;

	(void)state;
	assert_int_equal(see_parse_link("net:[4026531833]", &inode), NS_NET);
	assert_true(inode == 4026531833);
	assert_int_equal(see_parse_link("time:[1]", &inode), NS_TIME);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (see_parse_link(bad[i], &inode) != -1)
			fail_msg("%s", bad[i]);
}

static int keep_mount(void *arg, const struct see_mount *m)
{
	struct see_mount **at = arg;

	*(*at)++ = *m;
	return 0;
}

static void mountinfo_is_read(void **state)
{
	char text[] =
		"36 35 98:0 /root /mnt2 rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=x\n"
		"37 36 0:4 net:[4026532460] /run/netns/a\\040b rw - nsfs nsfs rw\n"
		"38 36 0:5 / /x rw unbindable master:7 propagate_from:3 - tmpfs none rw\n"
		"nonsense\n"
		"39\n"
		"40 1 0:6 / /y\\011z rw";
	struct see_mount all[8] = { 0 }, *at = all;

	(void)state;
	assert_int_equal(see_mounts_parse(text, keep_mount, &at), 0);
	assert_int_equal(at - all, 4);
	assert_int_equal(all[0].shared, 1);
	assert_int_equal(all[0].master, 2);
	assert_string_equal(all[0].root, "/root");
	assert_string_equal(all[0].type, "ext3");
	assert_string_equal(all[0].super, "rw,errors=x");
	assert_string_equal(all[1].point, "/run/netns/a b");
	assert_string_equal(all[1].type, "nsfs");
	assert_true(all[2].unbindable);
	assert_int_equal(all[2].master, 7);
	assert_int_equal(all[2].from, 3);
	assert_string_equal(all[3].point, "/y\tz");
	assert_string_equal(all[3].type, "");
}

static void maps_have_words(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "0 165536 65536", "0..65535 here are 165536..231071 outside" },
		{ "0 1000 1", "0 here is 1000 outside" },
		{ "0 0 4294967295", "every id is the same outside" },
		{ "5 7 0", "5 7 0" },
		{ "x", "x" },
	};
	char out[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		see_map_words(cases[i].line, out, sizeof(out));
		assert_string_equal(out, cases[i].words);
	}
}

static int count_fact(void *arg, const struct holm_fact *f)
{
	(void)f;
	++*(int *)arg;
	return 0;
}

static int stop_at_once(void *arg, const struct holm_fact *f)
{
	(void)arg, (void)f;
	return 7;
}

static void we_are_in_the_world(void **state)
{
	struct holm_process self;
	struct holm_error error;
	struct holm_world *w;
	struct holm_ns n;
	struct stat st;
	int facts = 0;

	(void)state;
	assert_int_equal(holm_world_new(HOLM_WORLD_HELD | HOLM_WORLD_COMMANDS, &w, &error), 0);
	assert_int_equal(holm_world_process_find(w, getpid(), &self), 0);
	assert_int_equal(self.parent, getppid());
	assert_int_equal(self.uid, geteuid());
	assert_non_null(strstr(self.command, "test_see"));
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_true(self.ns[HOLM_NS_NET] == st.st_ino);
	assert_int_equal(holm_world_find(w, st.st_ino, &n), 0);
	assert_int_equal(n.type, HOLM_NS_NET);
	assert_true(n.processes > 0 && n.pid > 0);
	assert_string_equal(n.held, "process");
	assert_int_equal(holm_process_facts(w, getpid(), count_fact, &facts, &error), 0);
	assert_true(facts > 20);
	assert_int_equal(holm_process_facts(w, getpid(), stop_at_once, NULL, &error), 7);
	holm_world_free(w);
}

static void ends_are_ends(void **state)
{
	struct holm_world_sum sum;
	struct holm_process p;
	struct holm_holder h;
	struct holm_error error;
	struct holm_world *w;
	struct holm_link l;
	struct holm_ns n;
	size_t count = 0;

	(void)state;
	assert_int_equal(holm_world_new(0, &w, NULL), 0);
	holm_world_sum(w, &sum);
	while (holm_world_ns(w, count, &n) == 0)
		count++;
	assert_int_equal(count, sum.namespaces);
	assert_int_equal(holm_world_ns(w, count, &n), -ENOENT);
	assert_int_equal(holm_world_process(w, SIZE_MAX, &p), -ENOENT);
	assert_int_equal(holm_world_holder(w, sum.holders, &h), -ENOENT);
	assert_int_equal(holm_world_link(w, 0, &l), -ENOENT);
	assert_int_equal(holm_world_find(w, 0, &n), -ENOENT);
	assert_int_equal(holm_world_process_find(w, 0x7fffffff, &p), -ESRCH);
	assert_int_equal(holm_ns_facts(w, 5, count_fact, &count, &error), -ENOENT);
	assert_string_equal(error.text, "namespace 5: there is none (any more)");
	assert_int_equal(holm_process_facts(w, 0x7fffffff, count_fact, &count, &error), -ESRCH);
	assert_int_equal(holm_pid_levels(w, 0x7fffffff, NULL, 0, &error), -ESRCH);
	assert_int_equal(holm_pid_from(w, 5, 1, &error), -ENOENT);
	assert_null(holm_ns_type_name(HOLM_NS_TYPES));
	assert_string_equal(holm_ns_type_name(HOLM_NS_CGROUP), "cgroup");
	holm_world_free(w);
	holm_world_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_are_read),  cmocka_unit_test(mountinfo_is_read),
		cmocka_unit_test(maps_have_words), cmocka_unit_test(we_are_in_the_world),
		cmocka_unit_test(ends_are_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
