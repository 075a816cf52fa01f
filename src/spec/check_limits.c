/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits of the box as a whole: what goes together, and in which terms cg/ is told. */
#include <errno.h>

#include "base/str.h"
#include "spec/spec.h"

/* What everybody may do, whatever the rules say: make nodes, and use those that are always there.
 */
static const struct device_rule always[] = {
	{ true, 'c', -1, -1, false, false, true }, /* to make is not to use */
	{ true, 'b', -1, -1, false, false, true }, { true, 'c', 1, 3, true, true, true }, /* null */
	{ true, 'c', 1, 5, true, true, true },                                            /* zero */
	{ true, 'c', 1, 7, true, true, true },                                            /* full */
	{ true, 'c', 1, 8, true, true, true }, /* random */
	{ true, 'c', 1, 9, true, true, true }, /* urandom */
	{ true, 'c', 5, 0, true, true, true }, /* tty */
	{ true, 'c', 5, 2, true, true, true }, /* ptmx */
	{ true, 'c', 136, -1, true, true, true },
};

struct resources *limits_copy(struct spec *s, const struct resources *wish)
{
	struct resources *r = arena_alloc(s->arena, sizeof(*r));

	if (!r)
		return NULL;
	*r = *wish;
	r->devices.items = NULL;
	r->devices.n = 0;
	for (size_t i = 0; wish->devices.n && i < wish->devices.n + ARRAY_SIZE(always); i++) {
		struct device_rule *slot =
			arena_push(s->arena, &r->devices.items, &r->devices.n, sizeof(*slot));

		if (!slot)
			return NULL;
		*slot = i < wish->devices.n ? wish->devices.items[i] : always[i - wish->devices.n];
	}
	return r;
}

/* As v1 counts: memory and swap together. Who bounds memory means memory, wherever it is kept. */
static int decide_memory(const struct limits *l, struct resources *r, struct err *e)
{
	int64_t swap = l->swap_bytes == NOT_GIVEN ? 0 : l->swap_bytes;

	if (r->memory_limit == NOT_GIVEN)
		return l->swap_bytes == NOT_GIVEN
			       ? 0
			       : err_set(e, EINVAL,
					 "swap: is counted on top of memory; give --memory too");
	if (r->memory_reservation > r->memory_limit)
		return err_set(e, EINVAL, "memory-low: is more than memory");
	if (__builtin_add_overflow(r->memory_limit, swap, &r->memory_swap))
		return err_set(e, ERANGE, "swap: is too large");
	r->swap_implied = l->swap_bytes == NOT_GIVEN;
	return 0;
}

static int find_disk(struct spec *s, const struct facts *f, const char *device,
		     struct io_device *out, struct err *e)
{
	const char *p = device;
	uint64_t major, minor;
	int r;

	if (str_take_u64(&p, &major) == 0 && *p == ':') {
		p++;
		if (str_take_u64(&p, &minor) < 0 || *p || major > UINT32_MAX || minor > UINT32_MAX)
			return err_set(e, EINVAL, "io-max: \"%s\" is not MAJOR:MINOR", device);
		out->major = (uint32_t)major;
		out->minor = (uint32_t)minor;
		return 0;
	}
	p = path_normal(s->arena, f->cwd, device);
	r = p ? f->disk(f->look_arg, p, &out->major, &out->minor) : -ENOMEM;
	return r < 0 ? err_errno(e, -r, "io-max: %s: cannot tell which disk that is", device) : 0;
}

static int decide_io(struct spec *s, const struct facts *f, struct resources *r, struct err *e)
{
	io_devices *const lists[IO_RATES] = { &r->io_read_bps, &r->io_write_bps, &r->io_read_iops,
					      &r->io_write_iops };

	for (size_t i = 0; i < s->limits.io.n; i++) {
		const struct io_wish *w = &s->limits.io.items[i];
		struct io_device device = { 0 };
		int code = find_disk(s, f, w->device, &device, e);

		for (int k = 0; code == 0 && k < IO_RATES; k++) {
			struct io_device *slot = NULL;

			if (!w->rates[k])
				continue;
			slot = arena_push(s->arena, &lists[k]->items, &lists[k]->n, sizeof(*slot));
			if (!slot)
				return err_errno(e, ENOMEM, "io-max");
			*slot = device;
			slot->value = w->rates[k];
		}
		if (code < 0)
			return code;
	}
	return 0;
}

int check_limits(struct spec *s, const struct facts *f, struct err *e)
{
	const struct limits *l = &s->limits;
	struct resources *r;
	int code;

	if (!l->given && !l->cgroup && !l->account)
		return 0;
	r = limits_copy(s, &l->resources);
	if (!r)
		return err_errno(e, ENOMEM, "limits");
	r->of_box = true;
	code = decide_memory(l, r, e);
	if (code == 0)
		code = decide_io(s, f, r, e);
	s->d.cgroup = true;
	s->d.resources = r;
	/* A cgroup namespace shows as its root where its maker was: it must be in the cgroup by
	 * then. */
	s->d.own_cgroup_ns = s->ns[NS_CGROUP].mode == NS_NEW;
	s->d.clone_flags &= ~ns_table[NS_CGROUP].clone_flag;
	return code;
}
