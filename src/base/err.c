/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

static void set(struct err *e, int code, const char *fmt, va_list ap)
{
	e->code = code;
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (e)
		set(e, code, fmt, ap);
	va_end(ap);
	return -code;
}

/* As err_set, with the kernel's words for `code` behind the text. */
int err_errno(struct err *e, int code, const char *fmt, ...)
{
	const char *words = strerrordesc_np(code);
	va_list ap;

	va_start(ap, fmt);
	if (e)
		set(e, code, fmt, ap);
	va_end(ap);
	err_append(e, ": %s", words ? words : "unknown error");
	return -code;
}

/* As err_set; and it is the command that cannot be executed. */
int err_command(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (e) {
		set(e, code, fmt, ap);
		e->command = true;
	}
	va_end(ap);
	return -code;
}

/* Puts words in front: what the caller was doing when the callee failed. */
int err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;

	if (!e)
		return 0;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	err_append(e, ": %s", old);
	return -e->code;
}

void err_append(struct err *e, const char *fmt, ...)
{
	size_t used;
	va_list ap;

	if (!e)
		return;
	used = strnlen(e->text, sizeof(e->text) - 1);
	va_start(ap, fmt);
	vsnprintf(e->text + used, sizeof(e->text) - used, fmt, ap);
	va_end(ap);
}
