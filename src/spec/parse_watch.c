/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Setters of what ends a box, and of the limits that each of its processes has. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

#define TIME_MIN_NS 1000000                          /* below that nothing can be measured */
#define TIME_MAX_NS (INT64_C(1000000000) * 31622400) /* a year */

/* SOFT[:HARD], each read by `read`; without HARD both are the same. */
static int take_pair(struct spec *s, const char *value, int (*read)(const char *, uint64_t *),
		     struct watch_limit *out)
{
	const char *colon = strchr(value, ':');
	char *soft = colon ? arena_strndup(s->arena, value, (size_t)(colon - value))
			   : arena_strdup(s->arena, value);
	struct watch_limit pair;

	if (!soft || read(soft, &pair.soft) < 0 || read(colon ? colon + 1 : soft, &pair.hard) < 0)
		return -EINVAL;
	if (pair.soft > pair.hard)
		return -ERANGE;
	*out = pair;
	return 0;
}

static int say_pair(const struct field *f, const char *value, int code, const char *what,
		    struct err *e)
{
	if (code == -ERANGE)
		return err_set(e, EINVAL, "%s: %s: the soft limit is above the hard one", f->name,
			       value);
	return code < 0 ? err_set(e, EINVAL, "%s: \"%s\" is not %s", f->name, value, what) : 0;
}

/* "1.5s", too: graders think in seconds and their parts. */
static int read_time(const char *text, uint64_t *out)
{
	uint64_t whole, part = 0, unit = 1000000000;
	const char *p = text;
	int64_t ns;

	if (str_take_u64(&p, &whole) == 0 && *p == '.' && whole < TIME_MAX_NS / unit) {
		for (p++; *p >= '0' && *p <= '9' && unit > 1; p++) {
			unit /= 10;
			part += (uint64_t)(*p - '0') * unit;
		}
		if (p[-1] == '.' || (*p && !str_eq(p, "s")))
			return -EINVAL;
		ns = (int64_t)(whole * 1000000000 + part);
	} else if (str_duration(text, &ns) < 0) {
		return -EINVAL;
	}
	if (ns < TIME_MIN_NS || ns > TIME_MAX_NS)
		return -EINVAL;
	*out = (uint64_t)ns;
	return 0;
}

int set_watch_time(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct watch_limit *out = (struct watch_limit *)((char *)s + f->param);

	return say_pair(f, value, take_pair(s, value, read_time, out),
			"a time of 1 ms to a year, or two with a ':'; write 500ms, 1.5s or 2s:3s",
			e);
}

static int read_size(const char *text, uint64_t *out)
{
	uint64_t bytes;
	int code = str_size(text, &bytes);

	if (code == 0 && (bytes == 0 || bytes > INT64_MAX))
		code = -EINVAL;
	if (code == 0)
		*out = bytes;
	return code;
}

int set_watch_size(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct watch_limit *out = (struct watch_limit *)((char *)s + f->param);

	return say_pair(f, value, take_pair(s, value, read_size, out),
			"a size above 0, or two with a ':'; write 64k or 1m:2m", e);
}

/* 0 is a value here: no core dump. */
static int read_rlimit(const char *text, uint64_t *out)
{
	if (str_eq(text, "unlimited")) {
		*out = RLIM_INFINITY;
		return 0;
	}
	return str_size(text, out);
}

int set_one_rlimit(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct watch_limit pair = { 0 };
	struct rlimit_wish wish = { .resource = (int)f->param };
	int code = say_pair(f, value, take_pair(s, value, read_rlimit, &pair),
			    "a number or a size, or two with a ':', or \"unlimited\"", e);

	if (code < 0)
		return code;
	wish.limit = (struct rlimit){ pair.soft, pair.hard };
	return rlimit_add(s, f, &wish, e);
}

int set_denied(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	static const char *const words[] = {
		[DENIED_ERRNO] = "errno", [DENIED_KILL] = "kill", [DENIED_LOG] = "log"
	};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (!str_eq(value, words[i]))
			continue;
		s->watch.denied = (enum denied)i;
		return 0;
	}
	return err_set(e, EINVAL, "%s: \"%s\" is not one of errno, kill, log", f->name, value);
}
