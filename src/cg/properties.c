/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits in the words of systemd. They are derived from the writes that the table of limits comes
 * to, so that no number is converted twice. systemd is told all that it has a word for, because it
 * writes every file that it knows again when it likes (daemon-reload), and what it was not told it
 * would set back. Then cg_set() writes all of them as well: the exact number, and those that
 * systemd has no word for.
 *
 * Rules for devices: on v2 systemd adds programs to ours and never takes them away, and its rules
 * cannot say what ours can, so it is told nothing. On v1 it writes into the same two files, and
 * without rules would allow everything; there it is told what it can express, and never more than
 * was asked for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"

#define CPUS_MAX 8192

struct properties {
	struct arena *a;
	strings *out;
	const struct cg_limits *l;
};

static int put(struct properties *p, const char *name, const char *value)
{
	const char **slot = arena_push(p->a, &p->out->items, &p->out->n, sizeof(*slot));

	if (slot)
		*slot = arena_printf(p->a, "%s=%s", name, value);
	return slot && *slot ? 0 : err_errno(p->l->e, ENOMEM, "%s", name);
}

static int put_u64(struct properties *p, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "uint64 %" PRIu64, value);
	return put(p, name, text);
}

/* "max" and -1 are infinity, the largest number of all. */
static int put_number(struct properties *p, const char *name, const char *text)
{
	uint64_t value = UINT64_MAX;

	if (!str_eq(text, "max") && !str_eq(text, "-1") && str_u64(text, UINT64_MAX, &value) < 0)
		return 0; /* of `unified`, where anything may be written; the kernel will say */
	return put_u64(p, name, value);
}

/* "50000 100000": systemd counts in time per second, and in steps of ten milliseconds. */
static int put_quota(struct properties *p, const char *name, const char *text)
{
	const uint64_t step = 10000;
	uint64_t quota, period = 100000, per_second;
	int r;

	if (str_starts(text, "max"))
		return put_u64(p, name, UINT64_MAX);
	if (str_take_u64(&text, &quota) < 0 || quota > UINT64_MAX / 2000000)
		return 0;
	if (*text == ' ' && (text++, str_u64(text, UINT64_MAX, &period) < 0 || period == 0))
		return 0;
	per_second = (quota * 1000000 + period - 1) / period;
	r = put_u64(p, name, (per_second + step - 1) / step * step);
	return r == 0 && period != 100000 ? put_u64(p, "CPUQuotaPeriodUSec", period) : r;
}

/* Of v1 both halves stand in files of their own. */
static int put_quota_v1(struct properties *p, const char *name, const char *text)
{
	const struct resources *r = p->l->r;
	char both[64];

	if (str_eq(text, "-1"))
		return put_u64(p, name, UINT64_MAX);
	snprintf(both, sizeof(both), "%s %lld", text,
		 r->cpu_period_us > 0 ? (long long)r->cpu_period_us : 100000);
	return put_quota(p, name, both);
}

/* "0-3,8" becomes a mask of bits, the lowest number first. */
static int put_cpus(struct properties *p, const char *name, const char *text)
{
	uint8_t mask[CPUS_MAX / 8] = { 0 };
	struct buf value = { 0 };
	size_t used = 1;
	int r;

	while (*text) {
		uint64_t from, to;

		if (str_take_u64(&text, &from) < 0)
			return 0;
		to = from;
		if (*text == '-' && (text++, str_take_u64(&text, &to) < 0))
			return 0;
		if (to >= CPUS_MAX || (*text && *text != ','))
			return 0;
		for (uint64_t i = from; i <= to; i++)
			mask[i / 8] |= (uint8_t)(1U << i % 8);
		used = MAX(used, to / 8 + 1);
		text += *text == ',';
	}
	buf_puts(&value, "@ay [");
	for (size_t i = 0; i < used; i++)
		buf_printf(&value, "%s%u", i ? ", " : "", mask[i]);
	buf_puts(&value, "]");
	r = value.failed ? err_errno(p->l->e, ENOMEM, "%s", name) : put(p, name, value.data);
	buf_done(&value);
	return r;
}

/* systemd knows no cpuset on v1, where the files have the same names. */
static const struct word {
	const char *file;
	bool v1;
	const char *name;
	int (*put)(struct properties *p, const char *name, const char *text);
} words[] = {
	{ "memory.max", false, "MemoryMax", put_number },
	{ "memory.high", false, "MemoryHigh", put_number },
	{ "memory.low", false, "MemoryLow", put_number },
	{ "memory.min", false, "MemoryMin", put_number },
	{ "memory.swap.max", false, "MemorySwapMax", put_number },
	{ "memory.limit_in_bytes", true, "MemoryLimit", put_number },
	{ "cpu.weight", false, "CPUWeight", put_number },
	{ "cpu.max", false, "CPUQuotaPerSecUSec", put_quota },
	{ "cpu.shares", true, "CPUShares", put_number },
	{ "cpu.cfs_quota_us", true, "CPUQuotaPerSecUSec", put_quota_v1 },
	{ "cpuset.cpus", false, "AllowedCPUs", put_cpus },
	{ "cpuset.mems", false, "AllowedMemoryNodes", put_cpus },
	{ "pids.max", false, "TasksMax", put_number },
	{ "pids.max", true, "TasksMax", put_number },
	{ "io.weight", false, "IOWeight", put_number },
	{ "blkio.weight", true, "BlockIOWeight", put_number },
};

static int emit(void *arg, const struct cg_write *w)
{
	struct properties *p = arg;
	bool v1 = w->controller < CG_CONTROLLERS && (p->l->v1 & CG_BIT(w->controller));
	bool alt = str_eq(w->alt_file, "io.weight") || str_eq(w->alt_file, "blkio.weight");
	const char *file = alt ? w->alt_file : w->file, *text = alt ? w->alt_text : w->text;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].v1 == v1 && str_eq(words[i].file, file) && !strchr(text, ':'))
			return words[i].put(p, words[i].name, text);
	return 0;
}

/* ---- devices, v1 ---- */

/* The driver of a number, as /proc/devices lists it: systemd's "char-pts" is every pty. */
static bool driver_of(char type, int64_t major, char out[64])
{
	_cleanup_file_ FILE *f = fopen("/proc/devices", "re");
	const char *title = type == 'c' ? "Character" : "Block";
	char line[128], name[64];
	bool here = false;
	int number;

	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, "devices:"))
			here = str_starts(line, title);
		else if (here && sscanf(line, "%d %63s", &number, name) == 2 && number == major) {
			strcpy(out, name);
			return true;
		}
	}
	return false;
}

static bool name_device(const struct device_rule *d, char type, char out[96])
{
	const char *kind = type == 'c' ? "char" : "block";
	char driver[64];

	if (d->major < 0 && d->minor < 0)
		snprintf(out, 96, "%s-*", kind);
	else if (d->minor >= 0 && d->major >= 0)
		snprintf(out, 96, "/dev/%s/%lld:%lld", kind, (long long)d->major,
			 (long long)d->minor);
	else if (d->major >= 0 && driver_of(type, d->major, driver))
		snprintf(out, 96, "%s-%s", kind, driver);
	else
		return false;
	return true;
}

static void put_device(struct buf *out, const struct device_rule *d, char type)
{
	char name[96];

	if ((d->type != 'a' && d->type != type) || !name_device(d, type, name))
		return;
	if (d->read || d->write || d->mknod)
		buf_printf(out, "%s('%s', '%s%s%s')", out->len ? ", " : "", name,
			   d->read ? "r" : "", d->write ? "w" : "", d->mknod ? "m" : "");
}

static bool is_all(const struct device_rule *d)
{
	return d->type == 'a' && d->major < 0 && d->minor < 0;
}

/* It has no word for "but not": what stands before a denial is left out, what is behind stays. */
static int put_devices(struct properties *p)
{
	const struct resources *r = p->l->r;
	struct buf list = { 0 };
	size_t from = 0;
	char *text;
	int result;

	for (size_t i = 0; i < r->devices.n; i++)
		if (!r->devices.items[i].allow)
			from = i + 1;
	if (from == 0 && is_all(&r->devices.items[0]))
		return 0; /* everything, as without a word */
	for (size_t i = from; i < r->devices.n; i++) {
		put_device(&list, &r->devices.items[i], 'c');
		put_device(&list, &r->devices.items[i], 'b');
	}
	if (list.failed)
		return err_errno(p->l->e, ENOMEM, "devices");
	text = arena_printf(p->a, "@a(ss) [%s]", list.data ? list.data : "");
	buf_done(&list);
	if (!text)
		return err_errno(p->l->e, ENOMEM, "devices");
	result = put(p, "DevicePolicy", "'strict'");
	return result == 0 ? put(p, "DeviceAllow", text) : result;
}

/* ---- all of it ---- */

static int put_all(struct arena *a, struct cg_limits *l, strings *out)
{
	struct properties p = { .a = a, .out = out, .l = l };
	int r;

	l->emit = emit;
	l->arg = &p;
	r = cg_limits_each(l);
	l->arg = NULL;
	if (r == 0 && l->r->devices.n && (l->v1 & CG_BIT(CG_DEVICES)))
		r = put_devices(&p);
	return r;
}

int cg_properties(struct arena *a, const struct cg_system *s, const struct resources *r,
		  strings *out, struct err *e)
{
	struct cg_limits l = { .r = r, .e = e };

	for (size_t i = 0; i < s->n; i++)
		*(s->trees[i].unified ? &l.v2 : &l.v1) |= s->trees[i].controllers;
	return put_all(a, &l, out);
}

int cg_update_properties(struct arena *a, struct cg *cg, const struct resources *r, strings *out,
			 struct err *e)
{
	struct resources wish = cg_update_wish(r);
	struct cg_limits l = { .r = &wish, .e = e };
	char memory[32], cpu[64];

	for (size_t i = 0; i < cg->n; i++)
		*(cg->dirs[i].unified ? &l.v2 : &l.v1) |= cg->dirs[i].controllers;
	cg_limits_present(cg, &l, memory, cpu);
	return put_all(a, &l, out);
}
