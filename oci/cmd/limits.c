/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci pause, resume and update: what is done to a container by way of its cgroup. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"

static int look_at_cgroup(struct oci *o, const char *id, struct container_ref *ref, struct err *e)
{
	int r = ref_look(o, id, ref, e);

	return r == 0 ? ref_cgroup(ref, e) : r;
}

int cmd_pause(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	int r = look_at_cgroup(o, argv[0], &ref, e);

	(void)argc;
	if (r < 0)
		return r;
	if (ref.status != STATUS_RUNNING && ref.status != STATUS_CREATED)
		return ref_wrong_status(&ref, "pause", e);
	return cg_freeze(&ref.cg, true, e);
}

int cmd_resume(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	int r = look_at_cgroup(o, argv[0], &ref, e);

	(void)argc;
	if (r < 0)
		return r;
	if (ref.status != STATUS_PAUSED)
		return ref_wrong_status(&ref, "resume", e);
	return cg_freeze(&ref.cg, false, e);
}

/* What options say goes over what the file says. */
static void merge(struct resources *to, const struct resources *from)
{
	const struct {
		int64_t *to;
		int64_t from;
	} numbers[] = {
		{ &to->memory_limit, from->memory_limit },
		{ &to->memory_reservation, from->memory_reservation },
		{ &to->memory_swap, from->memory_swap },
		{ &to->memory_kernel, from->memory_kernel },
		{ &to->memory_kernel_tcp, from->memory_kernel_tcp },
		{ &to->cpu_shares, from->cpu_shares },
		{ &to->cpu_quota_us, from->cpu_quota_us },
		{ &to->cpu_period_us, from->cpu_period_us },
		{ &to->cpu_burst_us, from->cpu_burst_us },
		{ &to->cpu_rt_runtime_us, from->cpu_rt_runtime_us },
		{ &to->cpu_rt_period_us, from->cpu_rt_period_us },
		{ &to->cpu_idle, from->cpu_idle },
		{ &to->pids_limit, from->pids_limit },
		{ &to->io_weight, from->io_weight },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].from != NOT_GIVEN)
			*numbers[i].to = numbers[i].from;
	if (from->cpuset_cpus)
		to->cpuset_cpus = from->cpuset_cpus;
	if (from->cpuset_mems)
		to->cpuset_mems = from->cpuset_mems;
}

/* Rules for devices are all that there are, so that they come with what every container may use. */
static int complete(struct oci *o, struct resources *limits, struct err *e)
{
	struct spec s = { .arena = o->arena };
	struct resources *whole = limits_copy(&s, limits);

	if (!whole)
		return err_errno(e, ENOMEM, "update");
	*limits = *whole;
	return 0;
}

int cmd_update(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	const struct update_options *opt = &o->opt.update;
	struct resources limits = RESOURCES_INIT;
	int r = 0;

	(void)argc;
	/* First, for it may be a pipe, and take its time. */
	if (opt->resources)
		r = config_resources_load(o->arena, opt->resources, &limits, e);
	if (r == 0)
		r = complete(o, &limits, e);
	if (r == 0)
		r = ref_open(o, argv[0], &ref, e);
	if (r == 0)
		r = ref_cgroup(&ref, e);
	if (r == 0 && ref.status == STATUS_STOPPED)
		r = ref_wrong_status(&ref, "update", e);
	if (r < 0)
		return r;
	merge(&limits, &opt->limits);
	if (!ref.cg.n)
		return err_set(e, EOPNOTSUPP,
			       "update: the container has no cgroup, so nothing limits it");
	r = rdt_update(o, &ref, e);
	if (r == 0)
		r = systemd_update(o, &ref, &limits, e);
	return r == 0 ? cg_set(&ref.cg, &limits, false, e) : r;
}
