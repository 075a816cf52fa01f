/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of config.json, one for each kind of object, by the file that has it. */
#pragma once

#include "base/macro.h"
#include "spec/json_read.h"

#define ROW(name_, set_, type, member, ...)                                                     \
	{                                                                                       \
		.name = (name_), .set = (set_), .offset = offsetof(type, member), ##__VA_ARGS__ \
	}
/* ... and a bool that says that it is there. */
#define GIVEN(type, member) .given = offsetof(type, member)
#define TABLE(type, rows_, ...)                                                              \
	{                                                                                    \
		.rows = (rows_), .n = ARRAY_SIZE(rows_), .size = sizeof(type), ##__VA_ARGS__ \
	}
#define WORDS(words_, what_)                                                \
	{                                                                   \
		.what = (what_), .words = (words_), .n = ARRAY_SIZE(words_) \
	}

extern const struct json_table process_table;   /* config_process.c */
extern const struct json_table mount_table;     /* config_mounts.c */
extern const struct json_table id_range_table;  /* config_mounts.c */
extern const struct json_table hooks_table;     /* config_mounts.c */
extern const struct json_table linux_table;     /* config_linux.c */
extern const struct json_table resources_table; /* config_resources.c */

/* The words that the features document lists (config_words.c). */
extern const struct json_words sched_policies, sched_flags, io_classes;
extern const struct json_words mempolicy_modes, mempolicy_flags, personalities, namespaces;
