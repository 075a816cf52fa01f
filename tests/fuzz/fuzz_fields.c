/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options from an enemy: the first byte picks the field, a newline ends a value. */
#include "../unit/fake_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void set_one(struct spec *s, const uint8_t *data, size_t len)
{
	const struct field *f = &spec_fields[data[0] % spec_n_fields];
	char *value = arena_strndup(s->arena, (const char *)data + 1, len - 1);
	struct err e = { 0 };

	field_set(s, f, value, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct facts facts = fake_facts(len % 2 ? 0 : 1000);
	struct spec *s = spec_new(), *copy;
	struct err e = { 0 };

	while (len > 1) {
		const uint8_t *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		if (n > 1)
			set_one(s, data, n);
		n += end != NULL;
		data += n;
		len -= n;
	}
	spec_command(s, "./prog");
	copy = spec_copy(s);
	spec_check(copy, &facts, &e);
	spec_free(copy);
	spec_free(s);
	return 0;
}
