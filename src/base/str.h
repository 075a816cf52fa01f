/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings: strict parsing of numbers and words, and a growing buffer for text and JSON output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

static inline bool str_eq(const char *a, const char *b)
{
	return a && b && __builtin_strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix);

/* The whole of `s` must be the number; no sign, no blanks, no overflow. 0, -EINVAL or -ERANGE. */
int str_u64(const char *s, uint64_t max, uint64_t *out);
int str_u32(const char *s, uint32_t *out);
int str_fd(const char *s, int *out);
/* The digits at *s, which moves behind them; *s and *out stay when there are none. */
int str_take_u64(const char **s, uint64_t *out);
int str_octal(const char *s, uint32_t max, uint32_t *out);
int str_bool(const char *s, bool *out); /* true/false, yes/no, 1/0 */

/* "512", "64k", "10m", "2g": powers of 1024. */
int str_size(const char *s, uint64_t *out_bytes);
/* "3d", "90s", "-1h30m", "+5", "250ms": nanoseconds; a bare number is seconds. */
int str_duration(const char *s, int64_t *out_ns);

/* A signal by name (TERM, SIGTERM) or number; 0 if unknown. */
int str_signal(const char *s);
const char *str_signal_name(int signo); /* "TERM"; NULL: it has none */

/* A text that grows. On a failed allocation `failed` is set and later calls do nothing. */
struct buf {
	char *data;
	size_t len, room;
	bool failed;
};

void buf_done(struct buf *b);
void buf_put(struct buf *b, const char *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_json(struct buf *b, const char *s); /* s as a JSON string, quotes and all */
char *buf_take(struct buf *b);               /* the text, to be freed; NULL if it failed */

#define _cleanup_buf_ __attribute__((cleanup(buf_done)))
