/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_MAX 2048

/* There is nobody left who could be told that it failed. */
static void write_all(const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

void say_line(const char *program, const char *fmt, ...)
{
	static const char digits[] = "0123456789abcdef";
	char text[TEXT_MAX], line[4 * TEXT_MAX + 32], *out = line;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out += snprintf(line, 24, "%.20s: ", program);
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x20 && c != 0x7f) {
			*out++ = *p;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	*out++ = '\n';
	write_all(line, (size_t)(out - line));
}
