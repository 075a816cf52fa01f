/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure parts of holm judge: jobs that are read, checkers, reports. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"
#include "judge/judge.h"
#include "judge/line.h"

static struct text text_of(const char *s)
{
	return (struct text){ s, strlen(s) };
}

/* ---- checkers ---- */

static void checkers(void **state)
{
	static const struct {
		enum checker checker;
		double tolerance;
		const char *expected, *got;
		bool alike;
		const char *detail;
	} rows[] = {
		{ CHECK_EXACT, 0, "", "", true, "" },
		{ CHECK_EXACT, 0, "a\nb\n", "a\nb\n", true, "" },
		{ CHECK_EXACT, 0, "a\nb\n", "a\nc\n", false,
		  "byte 2, line 2, column 1: this is where they differ" },
		{ CHECK_EXACT, 0, "a\n", "a", false,
		  "byte 1, line 1, column 2: the end came too early" },
		{ CHECK_EXACT, 0, "a", "a\n", false,
		  "byte 1, line 1, column 2: there is more than was expected" },
		{ CHECK_TOKENS, 0, "1 2 3", " 1\n2\t3\n\n", true, "" },
		{ CHECK_TOKENS, 0, "", " \n", true, "" },
		{ CHECK_TOKENS, 0, "1 2", "1\n3", false, "line 2: expected \"2\", got \"3\"" },
		{ CHECK_TOKENS, 0, "1 2", "1", false, "the end came where \"2\" was expected" },
		{ CHECK_TOKENS, 0, "1", "1 2", false, "line 1: \"2\" is too much" },
		{ CHECK_TOKENS, 0, "1.0", "1", false, "line 1: expected \"1.0\", got \"1\"" },
		{ CHECK_FLOATS, 1e-6, "1.0", "1", true, "" },
		{ CHECK_FLOATS, 1e-3, "3.14159 x", "3.1415 x", true, "" },
		{ CHECK_FLOATS, 1e-6, "1e9", "1000000100", true, "" },
		{ CHECK_FLOATS, 1e-6, "1", "1.00001", false,
		  "line 1: expected \"1\", got \"1.00001\"" },
		{ CHECK_FLOATS, 1e9, "1", "nan", false, "line 1: expected \"1\", got \"nan\"" },
		{ CHECK_FLOATS, 1e9, "1", "inf", false, "line 1: expected \"1\", got \"inf\"" },
		{ CHECK_FLOATS, 1e9, "1", "0x1", false, "line 1: expected \"1\", got \"0x1\"" },
		{ CHECK_FLOATS, 1e9, "1", "1e999", false, "line 1: expected \"1\", got \"1e999\"" },
		{ CHECK_FLOATS, 0, "yes 1", "yes 1.0", true, "" },
		{ CHECK_FLOATS, 1, "yes", "no", false, "line 1: expected \"yes\", got \"no\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char detail[200] = "left alone";

		assert_int_equal(check_texts(rows[i].checker, rows[i].tolerance,
					     text_of(rows[i].expected), text_of(rows[i].got),
					     detail),
				 rows[i].alike);
		assert_string_equal(detail, rows[i].detail);
	}
}

/* A NUL is a byte like another, and the end of the text is its length. */
static void checkers_of_bytes(void **state)
{
	char detail[200];

	(void)state;
	assert_false(check_texts(CHECK_EXACT, 0, (struct text){ "a\0b", 3 },
				 (struct text){ "a\0c", 3 }, detail));
	assert_true(check_texts(CHECK_TOKENS, 0, (struct text){ "ab", 1 }, (struct text){ "ac", 1 },
				detail));
}

/* ---- jobs ---- */

static struct holm_spec *base;

static int make_base(void **state)
{
	(void)state;
	return holm_spec_new(&base);
}

static int free_base(void **state)
{
	(void)state;
	holm_spec_free(base);
	return 0;
}

static void jobs_refused(void **state)
{
	static const struct {
		const char *line, *error;
	} rows[] = {
		{ "", "job: is no JSON at byte 0" },
		{ "[]", "job: is no object of JSON" },
		{ "{", "job: is no JSON at byte 1" },
		{ "{} {}", "job: is no JSON at byte 3" },
		{ "{\"id\":1}", "id: is no string" },
		{ "{\"coxmand\":[]}", "there is no member \"coxmand\"" },
		{ "{\"command\":[]}", "command: is no list of strings" },
		{ "{\"command\":\"ls\"}", "command: is no list of strings" },
		{ "{\"command\":[1]}", "command: is no string" },
		{ "{\"command\":[\"a\\u0000b\"]}", "command: has a NUL in it" },
		{ "{\"box\":[]}", "box: is no object of fields" },
		{ "{\"box\":{\"tme\":\"1s\"}}", "tme" },
		{ "{\"box\":{\"time\":\"0\"}}", "time" },
		{ "{\"box\":{\"time\":\"1e30\"}}", "time" },
		{ "{\"box\":{\"memory\":\"12 parsecs\"}}", "memory" },
		{ "{\"stdin\":17}", "stdin: is no string" },
		{ "{\"stdin\":{\"path\":\"x\"}}", "stdin: there is no member \"path\"" },
		{ "{\"stdout\":\"x\"}", "stdout: is not {\"file\": PATH}" },
		{ "{\"files\":{\"../x\":\"\"}}", "leads out of the workspace" },
		{ "{\"files\":{\"a/../../x\":\"\"}}", "leads out of the workspace" },
		{ "{\"files\":{\"/x\":\"\"}}", "is no path below the workspace" },
		{ "{\"files\":{\"\":\"\"}}", "is no path below the workspace" },
		{ "{\"files\":{\"x\":{\"text\":\"\",\"mode\":\"999\"}}}", "files: x: mode" },
		{ "{\"files\":{\"x\":{\"text\":\"\",\"mod\":\"644\"}}}",
		  "there is no member \"mod\"" },
		{ "{\"collect\":17}", "collect: is neither a list nor an object" },
		{ "{\"collect\":{\"x\":{\"max\":-1}}}", "collect: x: is no size" },
		{ "{\"collect\":[\"..\"]}", "leads out of the workspace" },
		{ "{\"expect\":{\"text\":\"\",\"checker\":\"magic\"}}", "checker" },
		{ "{\"expect\":{\"text\":\"\",\"tolerance\":-1}}", "tolerance" },
		{ "{\"expect\":{\"text\":\"\",\"of\":\"x\"}}", "is not collected" },
		{ "{\"stdout\":{\"file\":\"/x\"},\"expect\":\"1\"}",
		  "standard output goes elsewhere" },
		{ "{\"interactor\":[]}", "interactor: is no object" },
		{ "{\"interactor\":{\"stdin\":\"\"}}", "interactor: there is no member \"stdin\"" },
		{ "{\"interactor\":{\"interactor\":{}}}", "there is no member \"interactor\"" },
		{ "{\"interactor\":{},\"stdin\":\"\"}", "stdin: comes from the interactor" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err e = { 0 };
		struct job job;

		assert_true(job_parse(&job, base, rows[i].line, strlen(rows[i].line), &e) < 0);
		if (!strstr(e.text, rows[i].error))
			fail_msg("%s: \"%s\" is not in \"%s\"", rows[i].line, rows[i].error,
				 e.text);
		job_done(&job);
	}
}

static void job_taken(void **state)
{
	static const char line[] =
		"{\"command\":[\"./a\",\"b "
		"c\"],\"box\":{\"time\":\"1s\",\"pids\":7},\"stdin\":\"x\\u0000y\","
		"\"files\":{\"d/a\":{\"file\":\"/f\",\"mode\":\"700\"},\"b\":\"text\"},"
		"\"collect\":{\"o\":{\"to\":\"/t\",\"max\":\"4k\"},\"p\":{}},"
		"\"expect\":{\"text\":\"1\",\"checker\":\"floats\",\"tolerance\":0.5,\"of\":\"p\"},"
		"\"id\":\"1\"}";
	struct err e = { 0 };
	struct job job;

	(void)state;
	assert_int_equal(job_parse(&job, base, line, strlen(line), &e), 0);
	assert_string_equal(job.id, "1");
	assert_int_equal(job.input.text.len, 3);
	assert_int_equal(job.files_in.n, 2);
	assert_string_equal(job.files_in.items[0].name, "d/a");
	assert_string_equal(job.files_in.items[0].from.path, "/f");
	assert_int_equal(job.files_in.items[0].mode, 0700);
	assert_int_equal(job.files_in.items[1].mode, 0644);
	assert_int_equal(job.files_out.items[0].max_bytes, 4096);
	assert_null(job.files_out.items[1].to);
	assert_int_equal(job.expect.checker, CHECK_FLOATS);
	assert_true(job.expect.tolerance == 0.5);
	job_done(&job);
}

/* ---- reports ---- */

/* What is said of one stream with these bytes. */
static void assert_text(const char *bytes, size_t len, const char *wanted)
{
	struct result r = { .out = { bytes, len }, .verdict = { .name = "ok", .cgroup = "none" } };
	_cleanup_buf_ struct buf b = { 0 };

	memset(&r.verdict.cpu_ns, 0xff,
	       offsetof(struct holm_verdict, syscalls_denied) -
		       offsetof(struct holm_verdict, cpu_ns));
	report_json(&b, NULL, 0, &r);
	if (!strstr(b.data, wanted))
		fail_msg("%s is not in %s", wanted, b.data);
	assert_null(strstr(b.data, "cpu-us")); /* what nobody knows is not there */
}

static void report_texts(void **state)
{
	static char long_text[SHOWN_MAX + 30];

	(void)state;
	assert_text("", 0, "\"stdout\":\"\"");
	assert_text("a\"\n", 3, "\"stdout\":\"a\\\"\\n\"");
	assert_text("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		    "\"stdout\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	assert_text("a\0", 2, "\"stdout-base64\":\"YQA=\"");
	assert_text("\xff", 1, "\"stdout-base64\":\"/w==\"");
	assert_text("abc\x80", 4, "\"stdout-base64\":\"YWJjgA==\"");
	assert_text("\xc0\xaf", 2, "base64");         /* too long a form */
	assert_text("\xed\xa0\x80", 3, "base64");     /* a surrogate */
	assert_text("\xf4\x90\x80\x80", 4, "base64"); /* behind the last */
	assert_text("\xe2\x82", 2, "base64");         /* cut short */
	/* The cut comes between characters. */
	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_text + SHOWN_MAX - 1, "\xe2\x82\xac", 3);
	assert_text(long_text, sizeof(long_text), "x\",\"stdout-bytes\":65566");
}

static void report_isolate_status(void **state)
{
	static const struct {
		enum holm_verdict_kind kind;
		int code, signal;
		const char *wanted;
	} rows[] = {
		{ HOLM_VERDICT_OK, 0, 0, "exitcode:0\n" },
		{ HOLM_VERDICT_EXIT, 3, 0, "status:RE\n" },
		{ HOLM_VERDICT_SIGNAL, 0, 11, "exitsig:11\nstatus:SG\n" },
		{ HOLM_VERDICT_CPU, 0, 9, "killed:1\nstatus:TO\n" },
		{ HOLM_VERDICT_WALL, 0, 9,
		  "status:TO\nmessage:Time limit exceeded (wall clock)\n" },
		{ HOLM_VERDICT_MEMORY, 0, 9, "killed:1\nstatus:SG\n" },
		{ HOLM_VERDICT_SETUP, 0, 9, "status:XX\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct result r = { .verdict = { .kind = rows[i].kind,
						 .exit_code = rows[i].code,
						 .signal = rows[i].signal,
						 .cpu_ns = 1234567890 } };
		_cleanup_buf_ struct buf b = { 0 };

		report_isolate(&b, &r);
		assert_non_null(strstr(b.data, "time:1.234\n"));
		if (!strstr(b.data, rows[i].wanted))
			fail_msg("%s is not in %s", rows[i].wanted, b.data);
	}
}

/* ---- lines ---- */

static void lines_in_pieces(void **state)
{
	struct line_reader r = { 0 };
	const char *line = NULL;
	size_t len = 0;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "one\ntw", 6), 6);
	assert_int_equal(line_read(&r, fds[0]), 6);
	assert_true(line_next(&r, &line, &len));
	assert_int_equal(len, 3);
	assert_false(line_next(&r, &line, &len));
	assert_int_equal(write(fds[1], "o\n\nlast", 7), 7);
	assert_int_equal(line_read(&r, fds[0]), 7);
	assert_true(line_next(&r, &line, &len));
	assert_memory_equal(line, "two", len);
	assert_true(line_next(&r, &line, &len));
	assert_false(line_has_words(line, len));
	assert_false(line_next(&r, &line, &len));
	close(fds[1]);
	assert_int_equal(line_read(&r, fds[0]), 0);
	line_end(&r);
	assert_true(line_next(&r, &line, &len));
	assert_memory_equal(line, "last", 4);
	assert_true(line_is_empty(&r));
	line_reader_done(&r);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checkers),
		cmocka_unit_test(checkers_of_bytes),
		cmocka_unit_test_setup_teardown(jobs_refused, make_base, free_base),
		cmocka_unit_test_setup_teardown(job_taken, make_base, free_base),
		cmocka_unit_test(report_texts),
		cmocka_unit_test(report_isolate_status),
		cmocka_unit_test(lines_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
