/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A config.json from an enemy, the process of an exec, the resources of an update; and the options
 * of every mount that was read. */
#include "config.h"
#include "spec/mount_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	struct container_process p;
	struct container c;
	struct resources r;
	struct err e = { 0 };

	if (config_parse(a, (const char *)data, len, "fuzz", &c, &e) == 0) {
		for (size_t i = 0; i < c.mounts.n; i++) {
			struct mount_words words;

			mount_options_parse(a, &c.mounts.items[i].options, &words, &e);
		}
	}
	config_process_parse(a, (const char *)data, len, "fuzz", &p, &e);
	config_resources_parse(a, (const char *)data, len, "fuzz", &r, &e);
	arena_free(a);
	return 0;
}
