/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile from an enemy: it is read, and decided upon for a made-up machine. */
#include "../unit/fake_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct facts facts = fake_facts(len % 2 ? 0 : 1000);
	struct spec *s = spec_new();
	struct spec *copy;
	struct err e = { 0 };

	if (spec_load(s, (const char *)data, len, "fuzz", &e) == 0) {
		spec_command(s, "true");
		copy = spec_copy(s);
		spec_check(copy, &facts, &e);
		spec_free(copy);
	}
	spec_free(s);
	return 0;
}
