/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Digits up to the first other character; -EINVAL if there is none, -ERANGE beyond `max`. */
static int scan_digits(const char **s, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = *s;

	for (; *p >= '0' && *p < (char)('0' + base); p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (v > (max - digit) / base)
			return -ERANGE;
		v = v * base + digit;
	}
	if (p == *s)
		return -EINVAL;
	*s = p;
	*out = v;
	return 0;
}

int str_take_u64(const char **s, uint64_t *out)
{
	return scan_digits(s, 10, UINT64_MAX, out);
}

int str_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int r = scan_digits(&s, 10, max, &v);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*out = v;
	return 0;
}

int str_u32(const char *s, uint32_t *out)
{
	uint64_t v;
	int r = str_u64(s, UINT32_MAX, &v);

	if (r == 0)
		*out = (uint32_t)v;
	return r;
}

int str_fd(const char *s, int *out)
{
	uint64_t v;
	int r = str_u64(s, INT_MAX, &v);

	if (r == 0)
		*out = (int)v;
	return r;
}

int str_octal(const char *s, uint32_t max, uint32_t *out)
{
	uint64_t v;
	int r = scan_digits(&s, 8, max, &v);

	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int str_bool(const char *s, bool *out)
{
	if (str_eq(s, "true") || str_eq(s, "yes") || str_eq(s, "1"))
		*out = true;
	else if (str_eq(s, "false") || str_eq(s, "no") || str_eq(s, "0"))
		*out = false;
	else
		return -EINVAL;
	return 0;
}

int str_size(const char *s, uint64_t *out_bytes)
{
	static const char units[] = "kmgt";
	const char *unit;
	unsigned shift = 0;
	uint64_t v;
	int r = scan_digits(&s, 10, UINT64_MAX, &v);

	if (r < 0)
		return r;
	if (*s) {
		unit = strchr(units, tolower((unsigned char)*s));
		if (!unit || s[1])
			return -EINVAL;
		shift = 10U * (unsigned)(unit - units + 1);
	}
	if (v > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*out_bytes = v << shift;
	return 0;
}

static int scan_unit(const char **s, int64_t *out_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ms", 1000000LL },       { "us", 1000LL },       { "ns", 1LL },
		{ "s", 1000000000LL },     { "m", 60000000000LL }, { "h", 3600000000000LL },
		{ "d", 86400000000000LL },
	};

	if (!**s) {
		*out_ns = 1000000000LL;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (str_starts(*s, units[i].name)) {
			*s += strlen(units[i].name);
			*out_ns = units[i].ns;
			return 0;
		}
	}
	return -EINVAL;
}

int str_duration(const char *s, int64_t *out_ns)
{
	bool negative = *s == '-';
	int64_t total = 0, unit;
	uint64_t v;
	int r;

	if (*s == '-' || *s == '+')
		s++;
	do {
		r = scan_digits(&s, 10, INT64_MAX, &v);
		if (r == 0)
			r = scan_unit(&s, &unit);
		if (r < 0)
			return r;
		if ((int64_t)v > (INT64_MAX - total) / unit)
			return -ERANGE;
		total += (int64_t)v * unit;
	} while (*s);
	*out_ns = negative ? -total : total;
	return 0;
}

static const char signals[][8] = {
	[SIGHUP] = "HUP",   [SIGINT] = "INT",       [SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP", [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL", [SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE", [SIGALRM] = "ALRM",     [SIGTERM] = "TERM", [SIGSTKFLT] = "STKFLT",
	[SIGCHLD] = "CHLD", [SIGCONT] = "CONT",     [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ", [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGPOLL] = "POLL", [SIGPWR] = "PWR",       [SIGSYS] = "SYS",
};

const char *str_signal_name(int signo)
{
	if (signo <= 0 || (size_t)signo >= ARRAY_SIZE(signals) || !*signals[signo])
		return NULL;
	return signals[signo];
}

int str_signal(const char *s)
{
	uint64_t v;

	if (str_u64(s, 64, &v) == 0)
		return (int)v;
	if (strncasecmp(s, "SIG", 3) == 0)
		s += 3;
	for (size_t i = 1; i < ARRAY_SIZE(signals); i++)
		if (*signals[i] && strcasecmp(signals[i], s) == 0)
			return (int)i;
	return 0;
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

static bool buf_room(struct buf *b, size_t more)
{
	size_t room = b->room ? b->room : 256;
	char *bigger;

	if (b->failed)
		return false;
	if (b->len + more < b->room)
		return true;
	while (room <= b->len + more)
		room *= 2;
	bigger = realloc(b->data, room);
	if (!bigger) {
		b->failed = true;
		return false;
	}
	b->data = bigger;
	b->room = room;
	return true;
}

void buf_put(struct buf *b, const char *data, size_t len)
{
	if (!buf_room(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len < 0)
		b->failed = true;
	else if (buf_room(b, (size_t)len)) {
		vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
	va_end(ap);
}

void buf_json(struct buf *b, const char *s)
{
	buf_puts(b, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_puts(b, "\\n");
		else if (c == '\t')
			buf_puts(b, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else
			buf_put(b, s, 1);
	}
	buf_puts(b, "\"");
}

char *buf_take(struct buf *b)
{
	char *text = b->failed ? NULL : b->data;

	if (b->failed)
		free(b->data);
	*b = (struct buf){ 0 };
	return text;
}
