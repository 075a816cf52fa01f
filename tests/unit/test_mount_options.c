/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"
#include "spec/mount_options.h"

/* The words of `text`, with blanks between them. */
static struct mount_words parse(struct arena *a, const char *text)
{
	struct mount_words out = { .propagation = 77 };
	char *copy = arena_strdup(a, text), *rest = NULL;
	strings options = { 0 };
	struct err e = { 0 };

	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		const char **slot = arena_push(a, &options.items, &options.n, sizeof(*slot));

		*slot = w;
	}
	if (mount_options_parse(a, &options, &out, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return out;
}

static void the_table_is_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; mount_option_name(i); i++)
		assert_true(strcmp(mount_option_name(i - 1), mount_option_name(i)) < 0);
	assert_null(mount_option_name(1000));
}

#define ATIME MOUNT_ATTR__ATIME

static void attributes(void **state)
{
	static const struct {
		const char *text;
		uint64_t set, clear, rec_set, rec_clear;
	} cases[] = {
		{ "", 0, 0, 0, 0 },
		{ "ro", MOUNT_ATTR_RDONLY, 0, 0, 0 },
		{ "rw", 0, MOUNT_ATTR_RDONLY, 0, 0 },
		{ "ro rw", 0, MOUNT_ATTR_RDONLY, 0, 0 },
		{ "rw ro", MOUNT_ATTR_RDONLY, 0, 0, 0 },
		{ "nosuid nodev noexec", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		  0, 0, 0 },
		{ "suid dev exec", 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0,
		  0 },
		{ "nodiratime nosymfollow", MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW, 0, 0,
		  0 },
		{ "diratime symfollow", 0, MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW, 0, 0 },
		{ "noatime", MOUNT_ATTR_NOATIME, ATIME, 0, 0 },
		{ "strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0 },
		{ "relatime", 0, ATIME, 0, 0 },
		{ "atime", 0, ATIME, 0, 0 },
		{ "noatime relatime", 0, ATIME, 0, 0 },
		{ "noatime strictatime", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0 },
		{ "rro rnosuid", 0, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0 },
		{ "rrw rdev rexec rsuid", 0, 0, 0,
		  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID },
		{ "rnoatime rnosymfollow", 0, 0, MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSYMFOLLOW,
		  ATIME },
		{ "rstrictatime rnodiratime", 0, 0, MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NODIRATIME,
		  ATIME },
		{ "rw rro", 0, MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mount_words m = parse(*state, cases[i].text);

		if (m.attrs.set != cases[i].set || m.attrs.clear != cases[i].clear ||
		    m.recursive.set != cases[i].rec_set || m.recursive.clear != cases[i].rec_clear)
			fail_msg("%s", cases[i].text);
		assert_int_equal(m.propagation, 0);
		assert_int_equal(m.data.n + m.flags.n, 0);
	}
}

static void bools(void **state)
{
	struct mount_words m = parse(*state, "bind defaults silent loud");

	assert_true(m.bind && !m.rbind && !m.idmap && !m.tmpcopyup && !m.remount);
	m = parse(*state, "rbind tmpcopyup");
	assert_true(m.bind && m.rbind && m.tmpcopyup);
	m = parse(*state, "idmap remount");
	assert_true(m.idmap && !m.ridmap && m.remount);
	m = parse(*state, "ridmap");
	assert_true(m.idmap && m.ridmap);
}

static void propagation(void **state)
{
	static const struct {
		const char *word;
		uint64_t flags;
	} cases[] = {
		{ "shared", MS_SHARED },
		{ "rshared", MS_SHARED | MS_REC },
		{ "slave", MS_SLAVE },
		{ "rslave", MS_SLAVE | MS_REC },
		{ "private", MS_PRIVATE },
		{ "rprivate", MS_PRIVATE | MS_REC },
		{ "unbindable", MS_UNBINDABLE },
		{ "runbindable", MS_UNBINDABLE | MS_REC },
		{ "shared rprivate", MS_PRIVATE | MS_REC },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(parse(*state, cases[i].word).propagation, cases[i].flags);
	assert_int_equal(mount_propagation("rslave"), MS_SLAVE | MS_REC);
	assert_int_equal(mount_propagation("ro"), 0);
	assert_int_equal(mount_propagation("Shared"), 0);
}

static void what_is_left_is_the_file_systems(void **state)
{
	struct mount_words m =
		parse(*state, "size=64k nosuid mode=755 sync X-mount.mkdir x-gvfs nolazytime acl");

	assert_int_equal(m.data.n, 3);
	assert_string_equal(m.data.items[0], "size=64k");
	assert_string_equal(m.data.items[1], "mode=755");
	assert_string_equal(m.data.items[2], "acl");
	assert_int_equal(m.flags.n, 2);
	assert_string_equal(m.flags.items[0], "sync");
	assert_string_equal(m.flags.items[1], "nolazytime");
}

static void several_in_one_word(void **state)
{
	struct mount_words m =
		parse(*state, "size=1m,ro,mode=700 a=\\,b,nodev c=\"s0:c1,c2\",noexec ,");

	assert_int_equal(m.data.n, 4);
	assert_string_equal(m.data.items[0], "size=1m");
	assert_string_equal(m.data.items[1], "mode=700");
	assert_string_equal(m.data.items[2], "a=\\,b");
	assert_string_equal(m.data.items[3], "c=\"s0:c1,c2\"");
	assert_int_equal(m.attrs.set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void what_is_not_done_is_refused(void **state)
{
	static const char *const words[] = { "copy-symlink", "src-nofollow", "dest-nofollow" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *list[] = { words[i] };
		strings options = { list, 1 };
		struct mount_words m;
		struct err e = { 0 };

		assert_int_equal(mount_options_parse(*state, &options, &m, &e), -EOPNOTSUPP);
		assert_non_null(strstr(e.text, words[i]));
		for (size_t k = 0; mount_option_name(k); k++)
			assert_string_not_equal(mount_option_name(k), words[i]);
	}
}

static void id_maps(void **state)
{
	struct mount_words m = parse(*state, "idmap=uids=0-1000-1#5-2000-10;gids=@7-8-9");

	assert_true(m.idmap && !m.ridmap);
	assert_int_equal(m.uids.ranges.n, 2);
	assert_int_equal(m.uids.ranges.items[0].inside, 0);
	assert_int_equal(m.uids.ranges.items[0].outside, 1000);
	assert_int_equal(m.uids.ranges.items[0].count, 1);
	assert_int_equal(m.uids.ranges.items[1].inside, 5);
	assert_int_equal(m.uids.ranges.items[1].outside, 2000);
	assert_int_equal(m.uids.ranges.items[1].count, 10);
	assert_false(m.uids.relative);
	assert_int_equal(m.gids.ranges.n, 1);
	assert_int_equal(m.gids.ranges.items[0].count, 9);
	assert_true(m.gids.relative);
	m = parse(*state, "ridmap=gids=0-0-1");
	assert_true(m.idmap && m.ridmap && m.uids.ranges.n == 0 && m.gids.ranges.n == 1);
}

static void bad_id_maps(void **state)
{
	static const char *const bad[] = {
		"idmap=0-0-1",
		"idmap=uids=",
		"idmap=uids=0-0",
		"idmap=uids=0-0-1#",
		"idmap=uids=0-0-0",
		"idmap=uids=0-0-1x",
		"idmap=uids=-1-0-1",
		"idmap=uids=0-0-1,gids=0-0-1",
		"idmap=uids=0-4294967296-1",
		"ridmap=uids=0-0-1;uids=0-0-1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *words[] = { bad[i] };
		strings options = { words, 1 };
		struct mount_words m = { .propagation = 77 };
		struct err e = { 0 };

		if (mount_options_parse(*state, &options, &m, &e) == 0)
			fail_msg("%s", bad[i]);
		assert_int_equal(m.propagation, 77); /* untouched on failure */
		assert_non_null(strstr(e.text, bad[i]));
	}
}

static int set_up(void **state)
{
	*state = arena_new();
	return *state == NULL;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_table_is_sorted),
		TEST(attributes),
		TEST(bools),
		TEST(propagation),
		TEST(id_maps),
		TEST(what_is_left_is_the_file_systems),
		TEST(bad_id_maps),
		TEST(several_in_one_word),
		TEST(what_is_not_done_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
