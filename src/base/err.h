/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An error is a code (a positive errno) and one line of text that names the object, the step and
 * the reason. It lives on the caller's stack, is never allocated, and grows a prefix on its way up.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "base/macro.h"

#define ERR_TEXT_MAX 768

struct err {
	int code;         /* positive errno; 0: no error */
	const char *step; /* of the table, if one failed */
	bool command;     /* the command is at fault, not its isolation: exit codes 126 and 127 */
	char text[ERR_TEXT_MAX];
};

/* All of these return -code, so that "return err_set(...)" reads well. `e` may be NULL. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_errno(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_command(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
void err_append(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "No such file or directory", whatever the C library says; and "ENOENT", or NULL. */
const char *err_words(int code);
const char *err_name(int code);
