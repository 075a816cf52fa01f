/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Setters of the limits for a box as a whole. Each value is checked by itself; see check_limits.c.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

#define PIDS_MAX      4194304 /* the kernel's own, PID_MAX_LIMIT */
#define PROCESSORS    8192    /* that Linux can have */
#define CPU_PERIOD_US 100000

static int limit_size(const struct field *f, const char *value, int64_t *out, struct err *e)
{
	uint64_t bytes;

	if (str_size(value, &bytes) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is no size; write 512k, 64m or 1g", f->name,
			       value);
	*out = (int64_t)bytes;
	return 0;
}

int set_memory(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	int64_t bytes = 0;
	int r = limit_size(f, value, &bytes, e);

	if (r < 0)
		return r;
	if (bytes == 0)
		return err_set(e, EINVAL, "%s: nothing can run with 0", f->name);
	*(int64_t *)((char *)s + f->param) = bytes;
	s->limits.given = true;
	return 0;
}

int set_swap(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	s->limits.given = true;
	return limit_size(f, value, &s->limits.swap_bytes, e);
}

/* "1.5" -> microseconds of each period; false if it is no such number. */
static bool take_cpus(const char *value, int64_t *quota_us)
{
	uint64_t whole, part = 0;
	int64_t unit = CPU_PERIOD_US;

	if (str_take_u64(&value, &whole) < 0 || whole > PROCESSORS)
		return false;
	if (*value == '.' && !isdigit((unsigned char)*++value))
		return false;
	for (; isdigit((unsigned char)*value) && unit > 1; value++) {
		unit /= 10;
		part += (uint64_t)(*value - '0') * (uint64_t)unit;
	}
	*quota_us = (int64_t)(whole * CPU_PERIOD_US + part);
	return !*value;
}

/* The kernel refuses a quota of less than a millisecond. */
int set_cpu_time(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	int64_t quota_us;

	if (!take_cpus(value, &quota_us) || quota_us < 1000 ||
	    quota_us > (int64_t)PROCESSORS * CPU_PERIOD_US)
		return err_set(e, EINVAL,
			       "%s: \"%s\" is no number of processors from 0.01 to %d; write 0.5 "
			       "or 2",
			       f->name, value, PROCESSORS);
	s->limits.resources.cpu_quota_us = quota_us;
	s->limits.resources.cpu_period_us = CPU_PERIOD_US;
	s->limits.given = true;
	return 0;
}

static int take_number(const struct field *f, const char *value, uint64_t min, uint64_t max,
		       int64_t *out, struct err *e)
{
	uint64_t n;

	if (str_u64(value, max, &n) < 0 || n < min)
		return err_set(e, EINVAL, "%s: \"%s\" is no number from %llu to %llu", f->name,
			       value, (unsigned long long)min, (unsigned long long)max);
	*out = (int64_t)n;
	return 0;
}

int set_weight(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	s->limits.given = true;
	return take_number(f, value, 1, 10000, (int64_t *)((char *)s + f->param), e);
}

/* Two is the least: the init, and the command. */
int set_pids(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	s->limits.given = true;
	return take_number(f, value, 2, PIDS_MAX, &s->limits.resources.pids_limit, e);
}

/* "0-3,7" */
static bool is_processor_list(const char *p)
{
	for (;; p++) {
		uint64_t first, last;

		if (str_take_u64(&p, &first) < 0)
			return false;
		last = first;
		if (*p == '-') {
			p++;
			if (str_take_u64(&p, &last) < 0)
				return false;
		}
		if (last < first || last >= PROCESSORS)
			return false;
		if (*p != ',')
			return !*p;
	}
}

int set_cpuset(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	if (!is_processor_list(value))
		return err_set(e, EINVAL, "%s: \"%s\" is no list of processors; write 0-3,7",
			       f->name, value);
	s->limits.resources.cpuset_cpus = arena_strdup(s->arena, value);
	s->limits.given = true;
	return 0;
}

/* ---- disks ---- */

static const char *const rate_names[IO_RATES] = { "rbps", "wbps", "riops", "wiops" };

/* One of "rbps=1m,wiops=100"; *at moves behind it. */
static int take_rate(const char **at, struct io_wish *w)
{
	size_t len = strcspn(*at, ",");
	char word[64];

	if (len >= sizeof(word))
		return -EINVAL;
	memcpy(word, *at, len);
	word[len] = 0;
	*at += len + ((*at)[len] == ',');
	for (int i = 0; i < IO_RATES; i++) {
		size_t name = strlen(rate_names[i]);

		if (!str_starts(word, rate_names[i]) || word[name] != '=')
			continue;
		if (str_size(word + name + 1, &w->rates[i]) < 0 || w->rates[i] == 0)
			return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

int set_io_max(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *colon = strrchr(value, ':'), *at = colon ? colon + 1 : "";
	struct io_wish wish = { 0 }, *slot;
	int r = *at && colon > value ? 0 : -EINVAL;

	while (r == 0 && *at)
		r = take_rate(&at, &wish);
	if (r < 0)
		return err_set(e, EINVAL,
			       "%s: \"%s\" is not DISK:RATE=N[,...] with a RATE of rbps, wbps, "
			       "riops or wiops and a number above 0",
			       f->name, value);
	wish.device = arena_strndup(s->arena, value, (size_t)(colon - value));
	slot = arena_push(s->arena, &s->limits.io.items, &s->limits.io.n, sizeof(*slot));
	if (!slot || !wish.device)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = wish;
	s->limits.given = true;
	return 0;
}

/* ---- huge pages ---- */

/* As the kernel calls it: 64KB, 2MB, 1GB. NULL: no size of a page. */
static const char *page_size_name(struct spec *s, const char *text, size_t len)
{
	static const char *const units[] = { "KB", "MB", "GB" };
	char *copy = arena_strndup(s->arena, text, len);
	uint64_t bytes;
	int unit = 0;

	if (copy && len > 1 && (copy[len - 1] == 'B' || copy[len - 1] == 'b'))
		copy[len - 1] = 0;
	if (!copy || str_size(copy, &bytes) < 0 || bytes < 4096 || (bytes & (bytes - 1)))
		return NULL;
	for (bytes >>= 10; bytes >= 1024 && unit < 2; unit++)
		bytes >>= 10;
	return arena_printf(s->arena, "%llu%s", (unsigned long long)bytes, units[unit]);
}

int set_hugetlb(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct resources *r = &s->limits.resources;
	const char *eq = strchr(value, '=');
	const char *size = eq ? page_size_name(s, value, (size_t)(eq - value)) : NULL;
	struct hugepage_limit *slot;
	uint64_t bytes;

	if (!size || str_size(eq + 1, &bytes) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is not SIZE=LIMIT; write 2m=64m", f->name,
			       value);
	slot = arena_push(s->arena, &r->hugepages.items, &r->hugepages.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = (struct hugepage_limit){ size, bytes };
	s->limits.given = true;
	return 0;
}

/* ---- devices ---- */

static bool take_device_number(const char **at, int64_t *out)
{
	uint64_t n;

	*out = -1;
	if (**at == '*') {
		++*at;
		return true;
	}
	if (str_take_u64(at, &n) < 0 || n > UINT32_MAX)
		return false;
	*out = (int64_t)n;
	return true;
}

/* "c 10:229 rw", as the files of cgroup v1 take it; without access it is rwm. */
static bool read_rule(const char *p, struct device_rule *d)
{
	*d = (struct device_rule){ .allow = true, .type = *p };
	if ((*p != 'c' && *p != 'b') || *++p != ' ')
		return false;
	p++;
	if (!take_device_number(&p, &d->major) || *p++ != ':' || !take_device_number(&p, &d->minor))
		return false;
	if (!*p)
		return d->read = d->write = d->mknod = true;
	if (*p++ != ' ' || !*p)
		return false;
	for (; *p; p++) {
		if (!strchr("rwm", *p))
			return false;
		d->read |= *p == 'r';
		d->write |= *p == 'w';
		d->mknod |= *p == 'm';
	}
	return true;
}

int set_devices(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct resources *r = &s->limits.resources;
	struct device_rule rule, *slot;

	if (!read_rule(value, &rule))
		return err_set(e, EINVAL,
			       "%s: \"%s\" is no rule; write \"c 10:229 rw\", with c or b, numbers "
			       "or *, and of r, w and m",
			       f->name, value);
	slot = arena_push(s->arena, &r->devices.items, &r->devices.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = rule;
	s->limits.given = true;
	return 0;
}

int set_limits(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	bool best_effort = str_eq(value, "best-effort");

	if (!best_effort && !str_eq(value, "strict"))
		return err_set(e, EINVAL, "%s: \"%s\" is neither strict nor best-effort", f->name,
			       value);
	s->limits.best_effort = best_effort;
	return 0;
}
