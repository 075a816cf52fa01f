/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes JSON, indented by two blanks, into a growing text (base/str.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/resources.h"
#include "base/str.h"

struct jsonout {
	struct buf buf;
	unsigned depth;
	bool inside; /* something stands before in this object or list: a comma is due */
	bool compact;
};

/* `key` is NULL in lists, and outermost. */
void jsonout_open(struct jsonout *j, const char *key, char bracket); /* '{' or '[' */
void jsonout_close(struct jsonout *j, char bracket);
void jsonout_string(struct jsonout *j, const char *key, const char *value);
void jsonout_number(struct jsonout *j, const char *key, int64_t value);
void jsonout_u64(struct jsonout *j, const char *key, uint64_t value);
/* `hundredths` of one: 1234 is 12.34. */
void jsonout_real(struct jsonout *j, const char *key, uint64_t hundredths);
void jsonout_bool(struct jsonout *j, const char *key, bool value);
void jsonout_null(struct jsonout *j, const char *key);
void jsonout_keys(struct jsonout *j, const char *key, const keys *list);
