/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of JSON: what it takes, what it refuses and where; and that json-c agrees. */
#include "unit.h"

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/macro.h"
#include "base/str.h"

#define ROUNDS 200000

static const struct json *read_it(struct arena *a, const char *text)
{
	struct json_fault fault = { 0 };
	const struct json *v = json_parse(a, text, strlen(text), JSON_DEPTH_MAX, &fault);

	if (!v)
		fail_msg("%s: %s at %zu", text, fault.words, fault.at);
	return v;
}

static void values(void **state)
{
	const struct json *v =
		read_it(*state, " {\"a\": [1, -2, 2.5, true, false, null, \"x\", {}, []] }\n");
	static const enum json_kind types[] = { JSON_INT,    JSON_INT,    JSON_FRACTION,
						JSON_BOOL,   JSON_BOOL,   JSON_NULL,
						JSON_STRING, JSON_OBJECT, JSON_LIST };
	const struct json *list = json_member(v, "a");

	assert_true(json_is(v, JSON_OBJECT) && v->len == 1);
	assert_true(json_is(list, JSON_LIST) && list->len == ARRAY_SIZE(types));
	json_each(item, list)
		assert_int_equal(item->kind, types[item->nth]);
	v = list->first;
	assert_true(v->number == 1 && !v->negative);
	assert_true((int64_t)v->next->number == -2 && v->next->negative);
	assert_true(v->next->next->fraction == 2.5);
	assert_int_equal(v->next->raw_len, 2);
	assert_memory_equal(v->next->raw, "-2", 2);
	assert_int_equal(list->raw_len, strlen("[1, -2, 2.5, true, false, null, \"x\", {}, []]"));
	assert_null(json_member(v, "a"));
	assert_null(json_member(NULL, "a"));
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t number;
		bool negative;
	} cases[] = {
		{ "0", 0, false },
		{ "-0", 0, false },
		{ "18446744073709551615", UINT64_MAX, false },
		{ "18446744073709551616", UINT64_MAX, false },
		{ "99999999999999999999999999", UINT64_MAX, false },
		{ "9223372036854775808", UINT64_C(1) << 63, false },
		{ "-9223372036854775808", UINT64_C(1) << 63, true },
		{ "-9223372036854775809", UINT64_C(1) << 63, true },
		{ "-1", UINT64_MAX, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct json *v = read_it(*state, cases[i].text);

		assert_int_equal(v->kind, JSON_INT);
		assert_true(v->number == cases[i].number && v->negative == cases[i].negative);
	}
	assert_true(read_it(*state, "1e3")->fraction == 1000);
	assert_true(read_it(*state, "-1.25E-2")->fraction == -0.0125);
	assert_true(isinf(read_it(*state, "1e999")->fraction));
}

static void strings(void **state)
{
	static const struct {
		const char *text, *meant;
		size_t len;
	} cases[] = {
		{ "\"\"", "", 0 },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
		{ "\"a\\u0000b\"", "a\0b", 3 },
		{ "\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac", 5 },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4 },
		{ "\"\\ud83dx\"", "\xef\xbf\xbdx", 4 },
		{ "\"\\ude00\"", "\xef\xbf\xbd", 3 },
		{ "\"\\ud83d\\u0041\"",
		  "\xef\xbf\xbd"
		  "A",
		  4 },
		{ "\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4 },
		{ "\"\x7f\xff\"", "\x7f\xff", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct json *v = read_it(*state, cases[i].text);

		assert_int_equal(v->kind, JSON_STRING);
		assert_int_equal(v->len, cases[i].len);
		assert_memory_equal(v->string, cases[i].meant, v->len + 1);
		assert_int_equal(json_is_text(v), strlen(cases[i].meant) == cases[i].len);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *text;
		size_t at;
		const char *words;
	} cases[] = {
		{ "", 0, "the JSON text ends too early" },
		{ "  ", 2, "the JSON text ends too early" },
		{ "{", 1, "the JSON text ends too early" },
		{ "{\"a\"", 4, "the JSON text ends too early" },
		{ "{\"a\":", 5, "the JSON text ends too early" },
		{ "{\"a\":1", 6, "the JSON text ends too early" },
		{ "[1", 2, "the JSON text ends too early" },
		{ "\"a", 2, "the JSON text ends too early" },
		{ "\"a\\", 3, "the JSON text ends too early" },
		{ "[1,]", 3, "a value should be here" },
		{ "[,1]", 1, "a value should be here" },
		{ "[1 2]", 3, "a comma or a bracket should be here" },
		{ "[1}", 2, "a comma or a bracket should be here" },
		{ "{\"a\":1]", 6, "a comma or a bracket should be here" },
		{ "{\"a\":1,}", 7, "a string should be here" },
		{ "{a:1}", 1, "a string should be here" },
		{ "{\"a\" 1}", 5, "there is no colon behind the name" },
		{ "{\"a\\u0000\":1}", 10, "a name has a zero byte in it" },
		{ "1 x", 2, "there is text behind the end" },
		{ "truex", 4, "there is text behind the end" },
		{ "nul", 0, "a value should be here" },
		{ "'a'", 0, "a value should be here" },
		{ "NaN", 0, "a value should be here" },
		{ "+1", 0, "a value should be here" },
		{ ".5", 0, "a value should be here" },
		{ "-", 1, "a number lacks a digit" },
		{ "1.", 2, "a number lacks a digit" },
		{ "1e+", 3, "a number lacks a digit" },
		{ "01", 0, "a number has zeros before it" },
		{ "\"\n\"", 1, "a string has a control character in it" },
		{ "\"\\x\"", 2, "there is no such escape" },
		{ "\"\\u12g4\"", 5, "there are not four hexadecimal digits behind \\u" },
		{ "/* */ 1", 0, "a value should be here" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_fault fault = { 0 };

		if (json_parse(*state, cases[i].text, strlen(cases[i].text), 64, &fault))
			fail_msg("%s was taken", cases[i].text);
		if (fault.at != cases[i].at || !str_eq(fault.words, cases[i].words))
			fail_msg("%s: %s at %zu", cases[i].text, fault.words, fault.at);
	}
}

static void depth(void **state)
{
	char text[2 * JSON_DEPTH_MAX + 4];
	struct json_fault fault;

	for (size_t n = 1; n <= JSON_DEPTH_MAX + 1; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		assert_int_equal(!json_parse(*state, text, 2 * n, 1000, &fault),
				 n > JSON_DEPTH_MAX);
		assert_int_equal(!json_parse(*state, text, 2 * n, 3, &fault), n > 3);
	}
	assert_string_equal(fault.words, "values are nested too deeply");
	assert_int_equal(fault.at, 3);
}

static void the_last_of_one_name_counts(void **state)
{
	const struct json *v = read_it(*state, "{\"a\":1,\"b\":2,\"a\":{\"a\":3,\"a\":4}}");
	struct buf text = { 0 };

	assert_int_equal(v->len, 2);
	assert_true(json_get(json_get(v, "a"), "a")->number == 4);
	assert_string_equal(v->first->key, "b");
	assert_int_equal(v->first->next->nth, 1);
	buf_puts(&text, "{\"x\":null");
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, ",\"k%u\":%u", i % 1000, i);
	buf_puts(&text, "}");
	v = read_it(*state, text.data);
	assert_int_equal(v->len, 1001);
	assert_true(json_get(v, "k0")->number == 4000 && json_get(v, "k999")->number == 4999);
	assert_null(json_get(v, "x"));
	assert_non_null(json_member(v, "x"));
	buf_done(&text);
}

static void utf8(void **state)
{
	static const struct {
		const char *text;
		size_t wrong; /* from 1 */
	} cases[] = {
		{ "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 0 },
		{ "\xf4\x8f\xbf\xbf", 0 },
		{ "\x80", 1 },
		{ "a\xff", 2 },
		{ "\xc0\x80", 1 },
		{ "\xc3", 1 },
		{ "\xe2\x82", 1 },
		{ "\xe0\x9f\xbf", 1 },
		{ "\xed\xa0\x80", 1 },
		{ "\xf0\x8f\xbf\xbf", 1 },
		{ "\xf4\x90\x80\x80", 1 },
		{ "\xf5\x80\x80\x80", 1 },
		{ "\xe2\x28\xa1", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(json_not_utf8(cases[i].text, strlen(cases[i].text)),
				 cases[i].wrong);
}

/* ---- json-c agrees ---- */

static bool agrees(const struct json *v, json_object *o);

static bool members_agree(const struct json *v, json_object *o)
{
	if (v->len != (size_t)json_object_object_length(o))
		return false;
	json_each(m, v) {
		json_object *other = NULL;

		if (!json_object_object_get_ex(o, m->key, &other) || !agrees(m, other))
			return false;
	}
	return true;
}

static bool elements_agree(const struct json *v, json_object *o)
{
	if (v->len != json_object_array_length(o))
		return false;
	json_each(m, v)
		if (!agrees(m, json_object_array_get_idx(o, m->nth)))
			return false;
	return true;
}

static bool agrees(const struct json *v, json_object *o)
{
	switch ((enum json_kind)v->kind) {
	case JSON_NULL:
		return json_object_is_type(o, json_type_null);
	case JSON_BOOL:
		return json_object_is_type(o, json_type_boolean) &&
		       v->yes == json_object_get_boolean(o);
	case JSON_INT:
		return json_object_is_type(o, json_type_int) &&
		       (v->negative ? (int64_t)v->number == json_object_get_int64(o)
				    : v->number == json_object_get_uint64(o));
	case JSON_FRACTION:
		return json_object_is_type(o, json_type_double) &&
		       v->fraction == json_object_get_double(o);
	case JSON_STRING:
		return json_object_is_type(o, json_type_string) &&
		       v->len == (size_t)json_object_get_string_len(o) &&
		       memcmp(v->string, json_object_get_string(o), v->len) == 0;
	case JSON_LIST:
		return json_object_is_type(o, json_type_array) && elements_agree(v, o);
	case JSON_OBJECT:
		return json_object_is_type(o, json_type_object) && members_agree(v, o);
	}
	return false;
}

/* What we refuse on purpose and json-c (0.16) takes. */
static bool is_ours(const char *words)
{
	return str_eq(words, "a number has zeros before it") ||
	       str_eq(words, "a string has a control character in it") ||
	       str_eq(words, "a name has a zero byte in it") ||
	       str_eq(words, "values are nested too deeply");
}

/* Do both take the text, and read the same in it? They must not differ. */
static bool compare(const char *text, size_t len)
{
	struct arena *a = arena_new();
	json_tokener *t = json_tokener_new_ex(JSON_DEPTH_MAX + 8);
	struct json_fault fault = { 0 };
	const struct json *v = json_parse(a, text, len, JSON_DEPTH_MAX, &fault);
	json_object *o;
	bool taken;

	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(t, text,
				  (int)len + 1); /* a number ends with the text's zero byte */
	taken = json_tokener_get_error(t) == json_tokener_success &&
		json_tokener_get_parse_end(t) == len;
	if (!v && taken && !is_ours(fault.words))
		fail_msg("refused alone: %.*s: %s at %zu", (int)len, text, fault.words, fault.at);
	if (v && !taken)
		fail_msg("taken alone: %.*s: %s", (int)len, text,
			 json_tokener_error_desc(json_tokener_get_error(t)));
	if (v && !agrees(v, o))
		fail_msg("read otherwise: %.*s", (int)len, text);
	json_object_put(o);
	json_tokener_free(t);
	arena_free(a);
	return taken;
}

/* Random texts of JSON's own words, with few mistakes in them. */
static void json_c_agrees(void **state)
{
	static const char *const words[] = {
		"{",
		"}",
		"[",
		"]",
		",",
		":",
		"\"a\"",
		"\"b\"",
		"1",
		"-7",
		"2.5",
		"1e2",
		"true",
		"false",
		"null",
		" ",
		"\n",
		"\"\"",
		"0",
		"00",
		"-",
		"\"\\n\"",
		"\"\\u00e9\"",
		"{}",
		"[]",
		"\"a\":",
		", ",
		"\"b\":",
		"\\",
		"\"",
		"x",
		"[1,2]",
		"18446744073709551615",
		"-9223372036854775808",
		"{\"a\":1}",
		"\"\\ud83d\\ude00\"",
	};
	unsigned seed = 1, both = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		char text[256] = "";
		size_t len = 0;

		seed = seed * 1103515245 + 12345;
		for (unsigned n = 1 + (seed >> 16) % 12; n > 0; n--) {
			const char *word;

			seed = seed * 1103515245 + 12345;
			word = words[(seed >> 16) % ARRAY_SIZE(words)];
			memcpy(text + len, word, strlen(word));
			len += strlen(word);
		}
		both += compare(text, len);
	}
	assert_true(both > ROUNDS / 100);
}

/* A sound text in which single bytes are wrong, or that ends anywhere. */
static void json_c_agrees_on_broken_texts(void **state)
{
	static const char sound[] =
		"{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"sh\", \"-c\", "
		"\"a\\tb\\u00e9\"], \"n\": -12.5e+1, \"caps\": [], \"x\": {\"y\": null, "
		"\"z\": true}}, \"list\": [1, 2, [3, {\"k\": false}]]}";
	static const char bytes[] = "{}[],:\"\\0919-+.eEtfn ux";
	char text[sizeof(sound)];

	(void)state;
	for (size_t i = 0; i < sizeof(sound) - 1; i++) {
		memcpy(text, sound, sizeof(sound));
		text[i] = '\0';
		compare(text, i);
		for (size_t k = 0; k < sizeof(bytes) - 1; k++) {
			memcpy(text, sound, sizeof(sound));
			text[i] = bytes[k];
			compare(text, sizeof(sound) - 1);
		}
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values),  TEST(numbers),       TEST(strings),
		TEST(refused), TEST(depth),         TEST(the_last_of_one_name_counts),
		TEST(utf8),    TEST(json_c_agrees), TEST(json_c_agrees_on_broken_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
