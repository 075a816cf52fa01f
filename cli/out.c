/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "base/say.h"
#include "cli.h"

int out_error(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say_line("holm", "%s", text);
	return EXIT_HOLM;
}

int out_spec_error(const struct holm_spec *spec)
{
	const struct holm_error *e = holm_error(spec);

	out_error("%s", e->text);
	return e->exit_code ? e->exit_code : EXIT_HOLM;
}

void out_json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}
