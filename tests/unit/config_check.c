/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads each config.json that is named, and says what is wrong with it; for tests/e2e. */
#include <stdio.h>

#include "config.h"

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct arena *a = arena_new();
		struct container c;
		struct err e = { 0 };

		if (config_load(a, NULL, argv[i], &c, &e) < 0) {
			puts(e.text);
			bad = 1;
		}
		arena_free(a);
	}
	return bad;
}
