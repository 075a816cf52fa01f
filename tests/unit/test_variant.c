/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of D-Bus as text: what each comes to, and what is refused in which words. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/macro.h"
#include "base/str.h"
#include "base/variant.h"

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new();
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void put_item(struct buf *b, const struct variant_item *i)
{
	switch (i->type) {
	case VARIANT_ARRAY:
	case VARIANT_TUPLE:
		buf_printf(b, "%c:%s<", i->type, i->text);
		break;
	case VARIANT_END:
		buf_puts(b, ">");
		break;
	case 's':
	case 'o':
	case 'g':
		buf_printf(b, "%c:%s ", i->type, i->text);
		break;
	case 'b':
		buf_printf(b, "b:%d ", i->yes);
		break;
	case 'd':
		buf_printf(b, "d:%g ", i->real);
		break;
	case 'n':
	case 'i':
	case 'x':
		buf_printf(b, "%c:%lld ", i->type, (long long)i->number);
		break;
	default:
		buf_printf(b, "%c:%llu ", i->type, (unsigned long long)i->magnitude);
	}
}

/* "as a:s<s:x >", or the error. */
static const char *parsed(const char *text)
{
	struct buf b = { 0 };
	struct variant v = { .type = "untouched" };
	struct err e = { 0 };
	const char *out;

	if (variant_parse(arena, text, &v, &e) < 0) {
		assert_string_equal(v.type, "untouched");
		return arena_strdup(arena, e.text);
	}
	buf_printf(&b, "%s ", v.type);
	for (size_t i = 0; i < v.items.n; i++)
		put_item(&b, &v.items.items[i]);
	out = arena_strdup(arena, b.data);
	buf_done(&b);
	return out;
}

static void what_each_comes_to(void **state)
{
	static const char *const known[][2] = {
		{ "true", "b b:1 " },
		{ " false\t", "b b:0 " },
		{ "boolean true", "b b:1 " },
		{ "5", "i i:5 " },
		{ "-0x10", "i i:-16 " },
		{ "1.5", "d d:1.5 " },
		{ "1e3", "d d:1000 " },
		{ "double 2", "d d:2 " },
		{ "byte 0xff", "y y:255 " },
		{ "int16 -32768", "n n:-32768 " },
		{ "uint16 65535", "q q:65535 " },
		{ "uint32 7", "u u:7 " },
		{ "int64 -9223372036854775808", "x x:-9223372036854775808 " },
		{ "uint64 18446744073709551615", "t t:18446744073709551615 " },
		{ "@t 3", "t t:3 " },
		{ "\"it's\"", "s s:it's " },
		{ "'a\\n\\'\\u00e9\\U0001f600\\\nb'", "s s:a\n'\xc3\xa9\xf0\x9f\x98\x80"
						      "b " },
		{ "objectpath '/a'", "o o:/a " },
		{ "['a', \"b\"]", "as a:s<s:a s:b >" },
		{ "@as []", "as a:s<>" },
		{ "[uint64 1, 2]", "at a:t<t:1 t:2 >" },
		{ "@at [1, 2]", "at a:t<t:1 t:2 >" },
		{ "b'ab'", "ay a:y<y:97 y:98 y:0 >" },
		{ "@ay [1, 0x2]", "ay a:y<y:1 y:2 >" },
		{ "('a', 1)", "(si) r:si<s:a i:1 >" },
		{ "(1,)", "(i) r:i<i:1 >" },
		{ "[('/dev/null', 'rw'), ('x', 'm')]",
		  "a(ss) a:(ss)<r:ss<s:/dev/null s:rw >r:ss<s:x s:m >>" },
		{ "@a(st) [('/dev/a', 5)]", "a(st) a:(st)<r:st<s:/dev/a t:5 >>" },
		{ "@a(ss) []", "a(ss) a:(ss)<>" },
		{ "[[1], [2, 3]]", "aai a:ai<a:i<i:1 >a:i<i:2 i:3 >>" },
		{ "@(sas) ('x', [])", "(sas) r:sas<s:x a:s<>>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_string_equal(parsed(known[i][0]), known[i][1]);
}

static void what_is_refused(void **state)
{
	static const char *const refused[][2] = {
		{ "", "no value" },
		{ "uint64", "no value" },
		{ "uint64 -1", "none of its type" },
		{ "byte 256", "none of its type" },
		{ "int16 40000", "none of its type" },
		{ "2147483648", "none of its type" },
		{ "-2147483649", "none of its type" },
		{ "uint64 18446744073709551616", "none of its type" },
		{ "1x", "none of its type" },
		{ "08", "none of its type" },
		{ "--1", "none of its type" },
		{ "uint64 1.5", "none of its type" },
		{ "yes", "no value" },
		{ "true false", "behind the value" },
		{ "boolean 1", "another type" },
		{ "string 1", "another type" },
		{ "uint64 'a'", "another type" },
		{ "'it''", "behind the value" },
		{ "'it'x", "behind the value" },
		{ "'a", "without its end" },
		{ "'a\\", "unknown escape" },
		{ "'\\q'", "unknown escape" },
		{ "'\\u00'", "unknown escape" },
		{ "'\\u0000'", "unknown escape" },
		{ "'\\ud800'", "unknown escape" },
		{ "[]", "says its type" },
		{ "()", "an empty tuple" },
		{ "[1, 'a']", "another type" },
		{ "[1, uint64 2]", "differs from those before" },
		{ "[1", "neither a comma" },
		{ "[1,]", "no value" },
		{ "[,1]", "no value" },
		{ "[1)", "neither a comma" },
		{ "(1]", "neither a comma" },
		{ "1]", "behind the value" },
		{ "@a []", "no type of D-Bus" },
		{ "@ 1", "no type of D-Bus" },
		{ "@() ()", "no type of D-Bus" },
		{ "@a{sv} {}", "no type of D-Bus" },
		{ "@v <1>", "no type of D-Bus" },
		{ "@ss 'a'", "no type of D-Bus" },
		{ "@as [1]", "another type" },
		{ "@as ['a', (1,)]", "another type" },
		{ "@(ss) ('a',)", "other types" },
		{ "@(ss) ('a', 'b', 'c')", "other types" },
		{ "@s ['a']", "another type" },
		{ "{'a': 1}", "no value" },
		{ "<1>", "no value" },
		{ "[[[[[[[[[1]]]]]]]]]", "nested too deep" },
		{ "(((((((((1,),),),),),),),),)", "nested too deep" },
		{ "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
		  "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)",
		  "too long a type" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const char *is = parsed(refused[i][0]);

		if (!strstr(is, refused[i][1]))
			fail_msg("%s: %s", refused[i][0], is);
	}
}

/* The types that stated and found ones make must never outgrow their room. */
static void any_bytes(void **state)
{
	static const char *const bits[] = { "[",       "]",    "(",    ")",          ",",
					    "1",       "'a'",  "@as ", "@a(ss) ",    "b'x'",
					    "uint64 ", "true", " ",    "@aaaaaaay ", "\\" };
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[128] = "";

		for (int k = 0; k < 12; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			strcat(text, bits[(seed >> 33) % ARRAY_SIZE(bits)]);
		}
		parsed(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_each_comes_to),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
