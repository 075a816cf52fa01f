/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what engines hand over: a bundle's config.json, the process of `exec --process`, the
 * resources of `update --resources`. What is read lies in the arena; on failure `*out` is as it
 * was, and the error names file, line, column and the path to what is wrong.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "spec/container.h"

#define CONFIG_VERSION "1.3.0" /* of the specification that is read in full */

/*
 * `bundle` NULL: the current directory. `file` NULL: config.json in the bundle; "-": standard
 * input; else a path from the current directory.
 */
int config_load(struct arena *a, const char *bundle, const char *file, struct container *out,
		struct err *e);
/* The same, and the text that was read, which may not be there a second time; for buf_done(). */
int config_load_text(struct arena *a, const char *bundle, const char *file, struct container *out,
		     struct buf *text, struct err *e);
int config_process_load(struct arena *a, const char *file, struct container_process *out,
			struct err *e);
int config_resources_load(struct arena *a, const char *file, struct resources *out, struct err *e);

/* `mounts` alone: the list, or an object that has it; the rest of `*out` stays. */
int config_mounts_load(struct arena *a, const char *file, struct container *out, struct err *e);

/* The same from text, for tests; `name` is what errors call it. */
int config_parse(struct arena *a, const char *text, size_t len, const char *name,
		 struct container *out, struct err *e);
int config_process_parse(struct arena *a, const char *text, size_t len, const char *name,
			 struct container_process *out, struct err *e);
int config_resources_parse(struct arena *a, const char *text, size_t len, const char *name,
			   struct resources *out, struct err *e);

/* The bits of a capability's name, with or without CAP_; 0: there is none. */
uint64_t config_capability(const char *name);

/* A list of CPUs or memory nodes, "0-3,7". */
bool config_is_cpu_list(const char *s);

/* One more variable; of one name the last value stays. `s` is NAME=VALUE and lives long enough. */
int config_env_put(struct arena *a, strings *env, const char *s);
