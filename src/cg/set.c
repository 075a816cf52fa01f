/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes limits where they belong, and says which one the kernel refused and why. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cg/driver.h"
#include "sys/fd.h"

struct set {
	struct cg *cg;
	const struct resources *r;
	struct err *e;
};

static const char *remedy(const struct cg_write *w, int r)
{
	switch (r) {
	case -ENOENT:
		return w->controller == CG_MEMORY && strstr(w->file, "sw")
			       ? "; this kernel does not count swap (boot with swapaccount=1)"
			       : "; this kernel lacks it";
	case -EACCES:
	case -EPERM:
		return "; it is not delegated to this user";
	case -EBUSY:
		return w->controller == CG_MEMORY ? "; more than that is in use" : "";
	case -EINVAL:
		return w->controller == CG_MEMORY
			       ? "; is memory.swap, which includes it, smaller?"
			       : "; out of the range that the kernel takes here, or more than the "
				 "cgroup above has";
	case -ENODEV:
		return "; there is no such device";
	case -EOPNOTSUPP:
		return "; this kernel does not support it";
	default:
		return "";
	}
}

static int say(struct set *s, const struct cg_dir *d, const struct cg_write *w, int r)
{
	err_errno(s->e, -r, "cgroup %s: cannot set %s (%s = %s)", d->path, w->field, w->file,
		  w->text);
	err_append(s->e, "%s", remedy(w, r));
	return r;
}

static int set_one(void *arg, const struct cg_write *w)
{
	struct set *s = arg;
	struct cg_dir *d =
		w->controller == CG_CONTROLLERS ? cg_unified(s->cg) : cg_find(s->cg, w->controller);
	int r;

	if (!d)
		return err_set(s->e, ENOENT,
			       "%s: %s is a file of cgroup v2, which this machine "
			       "does not have",
			       w->field, w->file);
	r = cg_write(d, w->file, w->text);
	if (r == -ENOENT && w->alt_file[0])
		r = cg_write(d, w->alt_file, w->alt_text);
	if (r == 0 || (r == -ENOENT && w->optional))
		return 0;
	if (w->again && !w->last_try && (r == -EINVAL || r == -EBUSY))
		return 1;
	return say(s, d, w, r);
}

/*
 * A limit below what is in use makes v2's kernel kill until it fits; who sets check_before_update
 * would rather have an error.
 */
static int check_usage(struct cg *cg, const struct resources *r, struct err *e)
{
	struct cg_dir *d = cg_find(cg, CG_MEMORY);
	uint64_t usage;

	if (!r->memory_check_before_update || r->memory_limit <= 0 || !d)
		return 0;
	if (cg_read_u64(d, d->unified ? "memory.current" : "memory.usage_in_bytes", &usage) < 0 ||
	    usage <= (uint64_t)r->memory_limit)
		return 0;
	return err_set(e, EBUSY,
		       "cgroup %s: memory.limit %lld is less than the %llu bytes in use, and "
		       "checkBeforeUpdate was asked for",
		       d->path, (long long)r->memory_limit, (unsigned long long)usage);
}

/* What rows of v2 need to know of a cgroup that is in use. */
void cg_limits_present(struct cg *cg, struct cg_limits *l, char memory[32], char cpu[64])
{
	const struct resources *r = l->r;
	struct cg_dir *m = cg_find(cg, CG_MEMORY), *c = cg_find(cg, CG_CPU);

	if (r->memory_swap != NOT_GIVEN && m && m->unified &&
	    cg_read(m, "memory.max", memory, 32) >= 0)
		l->memory_now = memory;
	if (r->cpu_period_us != NOT_GIVEN && c && c->unified && cg_read(c, "cpu.max", cpu, 64) >= 0)
		l->cpu_now = cpu;
}

/* One wish may be several rows: a rate for reading and one for writing, memory and its swap. */
static bool is_said(const struct set *s, const char *field)
{
	const char *last = s->cg->n_left_out ? s->cg->left_out[s->cg->n_left_out - 1].field : NULL;

	return str_eq(last, field) ||
	       (s->r->swap_implied && str_eq(last, "memory") && str_eq(field, "swap"));
}

/* "memory: needs ..." -> "needs ..." */
static const char *behind_name(const char *text, const char *field)
{
	size_t len = strlen(field);

	return str_starts(text, field) && str_starts(text + len, ": ") ? text + len + 2 : text;
}

/* The reason stands in `e`, which is then as if nothing had happened. */
static int leave_out(void *arg, const char *field)
{
	struct set *s = arg;
	struct cg *cg = s->cg;
	struct cg_left_out *more;

	if (!is_said(s, field)) {
		more = reallocarray(cg->left_out, cg->n_left_out + 1, sizeof(*more));
		if (!more)
			return err_errno(s->e, ENOMEM, "%s", field);
		cg->left_out = more;
		more += cg->n_left_out++;
		snprintf(more->field, sizeof(more->field), "%s", field);
		snprintf(more->why, sizeof(more->why), "%.255s", behind_name(s->e->text, field));
	}
	*s->e = (struct err){ 0 };
	return 0;
}

static int set_limits(struct set *s, const struct resources *r, bool first_time, bool best_effort)
{
	struct cg *cg = s->cg;
	struct cg_limits l = { .r = r, .emit = set_one, .arg = s, .e = s->e };
	char memory[32], cpu[64];

	for (size_t i = 0; i < cg->n; i++)
		*(cg->dirs[i].unified ? &l.v2 : &l.v1) |= cg->dirs[i].controllers;
	if (!first_time)
		cg_limits_present(cg, &l, memory, cpu);
	l.best_effort = best_effort;
	if (s->e && (best_effort || r->swap_implied))
		l.leave_out = leave_out;
	return cg_limits_each(&l);
}

struct resources cg_update_wish(const struct resources *r)
{
	struct resources wish = *r;

	if (r->memory_limit == -1 && r->memory_swap == NOT_GIVEN)
		wish.memory_swap = -1;
	return wish;
}

/*
 * A container's rules are left out without a word where its caller may not set them; a box's were
 * asked for by its user, who is told.
 */
static int set_devices(struct set *s, const struct resources *r, bool first_time, bool best_effort)
{
	int result = s->cg->ops->set_devices(s->cg, r, first_time, s->e);

	if (result == 0 && s->cg->devices_open && r->of_box)
		result = err_set(s->e, EPERM,
				 "devices: rules for devices need CAP_SYS_ADMIN outside of user "
				 "namespaces; start it as root");
	return result < 0 && best_effort ? leave_out(s, "devices") : result;
}

static int set_all(struct cg *cg, const struct resources *r, bool first_time, bool best_effort,
		   struct err *e)
{
	struct set s = { .cg = cg, .r = r, .e = e };
	int result = set_limits(&s, r, first_time, best_effort);

	if (result == 0 && r->devices.n)
		result = set_devices(&s, r, first_time, best_effort);
	return result;
}

int cg_set(struct cg *cg, const struct resources *r, bool first_time, struct err *e)
{
	struct resources wish = first_time ? *r : cg_update_wish(r);
	int result = first_time ? 0 : check_usage(cg, r, e);

	return result < 0 ? result : set_all(cg, &wish, first_time, false, e);
}

int cg_set_some(struct cg *cg, const struct resources *r, struct err *e)
{
	return set_all(cg, r, true, true, e);
}
