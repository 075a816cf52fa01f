/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What init reads is bounded, whatever stands in it. */
#include "unit.h"

#include <stdlib.h>

#include "run/wire.h"

static void round_trip(void **state)
{
	_Alignas(8) char data[512];
	struct wire_out w = { data, 0, sizeof(data), false };
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"", NULL }, *pool[8], **list;
	struct wire_in r = { .data = data };
	size_t used = 0;

	(void)state;
	wire_put_u64(&w, 42);
	wire_put_str(&w, "hello");
	wire_put_str(&w, NULL);
	wire_put_list(&w, argv);
	assert_false(w.overflow);
	r.len = w.len;
	assert_int_equal(wire_get_u64(&r), 42);
	assert_string_equal(wire_get_str(&r), "hello");
	assert_null(wire_get_str(&r));
	list = wire_get_list(&r, pool, &used, 8);
	assert_string_equal(list[0], "sh");
	assert_string_equal(list[2], "");
	assert_null(list[3]);
	assert_false(r.bad);
	assert_int_equal(r.at, r.len);
	assert_int_equal(wire_get_u64(&r), 0);
	assert_true(r.bad);
}

static void overflow_is_told(void **state)
{
	char data[16];
	struct wire_out w = { data, 0, sizeof(data), false };

	(void)state;
	wire_put_str(&w, "far too long for this");
	assert_true(w.overflow);
	assert_true(w.len <= sizeof(data));
}

static void garbage_is_refused(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 20000; round++) {
		_Alignas(8) char data[128];
		struct wire_in r = { .data = data, .len = (size_t)(rand() % 129) };
		char *pool[16];
		size_t used = 0;

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (char)(rand() % 4 ? 0 : rand());
		wire_get_str(&r);
		wire_get_list(&r, pool, &used, 16);
		wire_get(&r, (size_t)rand());
		assert_true(r.at <= r.len || r.bad);
		assert_true(used <= 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(overflow_is_told),
		cmocka_unit_test(garbage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
