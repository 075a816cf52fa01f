/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/caps.h"
#include "base/err.h"
#include "base/nstype.h"
#include "base/rlimits.h"
#include "base/say.h"
#include "base/str.h"

static void numbers_are_strict(void **state)
{
	static const char *const bad[] = { "",   " 1",         "1 ",
					   "+1", "-1",         "0x10",
					   "1a", "4294967296", "99999999999999999999" };
	uint32_t v = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(str_u32(bad[i], &v) < 0);
		assert_int_equal(v, 7); /* untouched on failure */
	}
	assert_int_equal(str_u32("4294967295", &v), 0);
	assert_int_equal(v, UINT32_MAX);
	assert_int_equal(str_octal("755", 0777, &v), 0);
	assert_int_equal(v, 0755);
	assert_int_equal(str_octal("888", 0777, &v), -EINVAL);
	assert_int_equal(str_octal("1777", 0777, &v), -ERANGE);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} cases[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "64k", 0, 65536 },
		{ "10M", 0, 10485760 },
		{ "2g", 0, 2147483648 },
		{ "1t", 0, UINT64_C(1) << 40 },
		{ "1kb", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "1.5g", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "9999999999t", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t v = 0;

		assert_int_equal(str_size(cases[i].text, &v), cases[i].r);
		assert_int_equal(v, cases[i].v);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t ns;
	} cases[] = {
		{ "5", 0, 5000000000 },
		{ "+3d", 0, 259200000000000 },
		{ "-1h30m", 0, -5400000000000 },
		{ "250ms", 0, 250000000 },
		{ "10us", 0, 10000 },
		{ "7ns", 0, 7 },
		{ "", -EINVAL, 0 },
		{ "+", -EINVAL, 0 },
		{ "3y", -EINVAL, 0 },
		{ "1h-5m", -EINVAL, 0 },
		{ "999999999999d", -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = 0;

		assert_int_equal(str_duration(cases[i].text, &ns), cases[i].r);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void taking_digits(void **state)
{
	const char *s = "12.34x";
	uint64_t v;

	(void)state;
	assert_int_equal(str_take_u64(&s, &v), 0);
	assert_int_equal(v, 12);
	assert_string_equal(s, ".34x");
	assert_int_equal(str_take_u64(&s, &v), -EINVAL);
	assert_string_equal(s, ".34x");
}

static void signals(void **state)
{
	(void)state;
	assert_int_equal(str_signal("TERM"), SIGTERM);
	assert_int_equal(str_signal("sigkill"), SIGKILL);
	assert_int_equal(str_signal("9"), 9);
	assert_int_equal(str_signal("NOSUCH"), 0);
	assert_int_equal(str_signal("65"), 0);
}

/* This C library's own words are the oracle. */
static void names_of_signals_and_errors(void **state)
{
	(void)state;
	for (int i = -1; i < 70; i++) {
		const char *name = sigabbrev_np(i), *ours = str_signal_name(i);

		assert_int_equal(!name, !ours);
		if (name)
			assert_string_equal(ours, name);
	}
	for (int i = -1; i < 4096; i++) {
		const char *name = i ? strerrorname_np(i) : NULL, *words = strerrordesc_np(i);

		assert_int_equal(!name, !err_name(i));
		if (name)
			assert_string_equal(err_name(i), name);
		assert_string_equal(err_words(i), words ? words : "unknown error");
	}
}

static void json_strings_are_escaped(void **state)
{
	struct buf b = { 0 };
	char *text;

	(void)state;
	buf_json(&b, "a\"b\\c\n\t\x01\x7f"
		     "é");
	text = buf_take(&b);
	assert_string_equal(text, "\"a\\\"b\\\\c\\n\\t\\u0001\\u007fé\"");
	free(text);
}

static void buffers_grow(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%d,", i);
	assert_false(b.failed);
	assert_int_equal(b.len, strlen(b.data));
	assert_memory_equal(b.data + b.len - 5, "9999,", 5);
	buf_done(&b);
}

static void arena_lists_grow(void **state)
{
	struct arena *a = arena_new();
	int *items = NULL;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int *slot = arena_push(a, &items, &n, sizeof(*slot));

		assert_non_null(slot);
		assert_int_equal(*slot, 0);
		*slot = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_string_equal(arena_printf(a, "%s-%d", "x", 5), "x-5");
	arena_free(a);
	arena_free(NULL);
}

static void errors_grow_a_prefix(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(err_errno(&e, ENOENT, "open %s", "/x"), -ENOENT);
	assert_string_equal(e.text, "open /x: No such file or directory");
	assert_int_equal(err_prefix(&e, "profile"), -ENOENT);
	assert_string_equal(e.text, "profile: open /x: No such file or directory");
	assert_int_equal(err_set(NULL, EINVAL, "nobody listens"), -EINVAL);
}

static void long_errors_are_cut(void **state)
{
	struct err e = { 0 };
	char long_text[4096];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	err_set(&e, EINVAL, "%s", long_text);
	err_prefix(&e, "%s", long_text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

/* A socket of packets keeps apart what was written apart. */
static void lines_are_written_at_once(void **state)
{
	static char word[2000], got[16384];
	int pair[2], stderr_fd = dup(2);

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	memset(word + 5, '\n', 900);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	dup2(pair[1], 2);
	say_line("holm", "%s: %s", word, "a\x1b\x7f\t");
	dup2(stderr_fd, 2);
	close(stderr_fd);
	close(pair[1]);
	assert_int_equal(read(pair[0], got, sizeof(got)), strlen("holm: ") + strlen(word) +
								  3 * 900 +
								  strlen(": a\\x1b\\x7f\\x09\n"));
	assert_memory_equal(got, "holm: xxxxx\\x0a\\x0a", 19);
	assert_non_null(strstr(got, "x: a\\x1b\\x7f\\x09\n"));
	assert_int_equal(read(pair[0], got, sizeof(got)), 0);
	close(pair[0]);
}

static void names_of_things(void **state)
{
	(void)state;
	assert_int_equal(ns_by_name("net"), NS_NET);
	assert_int_equal(ns_by_name("mount"), -EINVAL);
	assert_true(caps_by_name("CAP_NET_ADMIN") == UINT64_C(1) << 12);
	assert_true(caps_by_name("net_admin") == UINT64_C(1) << 12);
	assert_true(caps_by_name("all") == CAPS_ALL);
	assert_true(caps_by_name("net_adm") == 0);
	assert_string_equal(caps_name(40), "checkpoint_restore");
	assert_null(caps_name(41));
	assert_int_equal(rlimit_by_name("nofile"), RLIMIT_NOFILE);
	assert_int_equal(rlimit_by_name("NOFILE"), -EINVAL);
	assert_string_equal(rlimit_name(RLIMIT_AS), "as");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(taking_digits),
		cmocka_unit_test(signals),
		cmocka_unit_test(names_of_signals_and_errors),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(buffers_grow),
		cmocka_unit_test(arena_lists_grow),
		cmocka_unit_test(errors_grow_a_prefix),
		cmocka_unit_test(long_errors_are_cut),
		cmocka_unit_test(lines_are_written_at_once),
		cmocka_unit_test(names_of_things),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
