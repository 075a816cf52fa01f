/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci events and stats: what a container uses, as runc prints it. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "container.h"
#include "sys/process.h"

static void put_known(struct jsonout *j, const char *key, uint64_t value)
{
	if (value != CG_UNKNOWN)
		jsonout_u64(j, key, value);
}

static void put_pressure(struct jsonout *j, const struct cg_pressure *p)
{
	const struct {
		const char *key;
		const struct cg_pressure_line *line;
	} lines[] = { { "some", &p->some }, { "full", &p->full } };

	if (!p->known)
		return;
	jsonout_open(j, "psi", '{');
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		jsonout_open(j, lines[i].key, '{');
		jsonout_real(j, "avg10", lines[i].line->avg10);
		jsonout_real(j, "avg60", lines[i].line->avg60);
		jsonout_real(j, "avg300", lines[i].line->avg300);
		jsonout_u64(j, "total", lines[i].line->total_us);
		jsonout_close(j, '}');
	}
	jsonout_close(j, '}');
}

static void put_cpu(struct jsonout *j, const struct cg_stats *s)
{
	jsonout_open(j, "cpu", '{');
	jsonout_open(j, "usage", '{');
	put_known(j, "total", s->cpu.total_ns);
	if (s->cpu.percpu_ns.n) {
		jsonout_open(j, "percpu", '[');
		for (size_t i = 0; i < s->cpu.percpu_ns.n; i++)
			jsonout_u64(j, NULL, s->cpu.percpu_ns.items[i]);
		jsonout_close(j, ']');
	}
	put_known(j, "kernel", s->cpu.kernel_ns);
	put_known(j, "user", s->cpu.user_ns);
	jsonout_close(j, '}');
	jsonout_open(j, "throttling", '{');
	put_known(j, "periods", s->cpu.periods);
	put_known(j, "throttledPeriods", s->cpu.throttled_periods);
	put_known(j, "throttledTime", s->cpu.throttled_ns);
	jsonout_close(j, '}');
	put_pressure(j, &s->cpu.pressure);
	jsonout_close(j, '}');
}

static void put_counter(struct jsonout *j, const char *key, const struct cg_counter *c)
{
	jsonout_open(j, key, '{');
	jsonout_u64(j, "limit", c->limit);
	put_known(j, "usage", c->usage);
	put_known(j, "max", c->max_usage);
	jsonout_u64(j, "failcnt", c->failcnt == CG_UNKNOWN ? 0 : c->failcnt);
	jsonout_close(j, '}');
}

static void put_memory(struct jsonout *j, const struct cg_stats *s)
{
	jsonout_open(j, "memory", '{');
	put_known(j, "cache", s->memory.cache);
	put_counter(j, "usage", &s->memory.usage);
	put_counter(j, "swap", &s->memory.swap);
	put_counter(j, "kernel", &s->memory.kernel);
	put_counter(j, "kernelTCP", &s->memory.kernel_tcp);
	jsonout_open(j, "raw", '{');
	for (size_t i = 0; i < s->memory.raw.n; i++)
		jsonout_u64(j, s->memory.raw.items[i].key, s->memory.raw.items[i].value);
	jsonout_close(j, '}');
	put_pressure(j, &s->memory.pressure);
	jsonout_close(j, '}');
}

static void put_io_list(struct jsonout *j, const char *key, const cg_io_entries *list)
{
	if (!list->n)
		return;
	jsonout_open(j, key, '[');
	for (size_t i = 0; i < list->n; i++) {
		const struct cg_io_entry *entry = &list->items[i];

		jsonout_open(j, NULL, '{');
		jsonout_u64(j, "major", entry->major);
		jsonout_u64(j, "minor", entry->minor);
		jsonout_string(j, "op", entry->op ? entry->op : "");
		jsonout_u64(j, "value", entry->value);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void put_io(struct jsonout *j, const struct cg_stats *s)
{
	jsonout_open(j, "blkio", '{');
	put_io_list(j, "ioServiceBytesRecursive", &s->io.service_bytes);
	put_io_list(j, "ioServicedRecursive", &s->io.serviced);
	put_io_list(j, "ioQueueRecursive", &s->io.queued);
	put_io_list(j, "ioServiceTimeRecursive", &s->io.service_time);
	put_io_list(j, "ioWaitTimeRecursive", &s->io.wait_time);
	put_io_list(j, "ioMergedRecursive", &s->io.merged);
	put_io_list(j, "ioTimeRecursive", &s->io.time);
	put_io_list(j, "sectorsRecursive", &s->io.sectors);
	put_pressure(j, &s->io.pressure);
	jsonout_close(j, '}');
}

static void put_rest(struct jsonout *j, const struct cg_stats *s)
{
	jsonout_open(j, "pids", '{');
	put_known(j, "current", s->pids.current);
	put_known(j, "limit", s->pids.limit);
	jsonout_close(j, '}');
	jsonout_open(j, "hugetlb", '{');
	for (size_t i = 0; i < s->hugetlb.n; i++)
		put_counter(j, s->hugetlb.items[i].size, &s->hugetlb.items[i].count);
	jsonout_close(j, '}');
}

static int print_stats(struct oci *o, struct container_ref *ref, struct err *e)
{
	struct jsonout j = { .compact = true };
	struct cg_stats s;
	int r = cg_stats(&ref->cg, o->arena, &s, e);

	if (r < 0)
		return r;
	jsonout_open(&j, NULL, '{');
	jsonout_string(&j, "type", "stats");
	jsonout_string(&j, "id", ref->state.id);
	jsonout_open(&j, "data", '{');
	put_cpu(&j, &s);
	put_memory(&j, &s);
	put_rest(&j, &s);
	put_io(&j, &s);
	r = rdt_put_stats(o, ref, &j, e);
	jsonout_close(&j, '}');
	jsonout_close(&j, '}');
	if (r < 0) {
		buf_done(&j.buf);
		return r;
	}
	r = out_json(&j, e);
	fflush(stdout);
	return r;
}

static void print_oom(const struct container_ref *ref)
{
	printf("{\"type\":\"oom\",\"id\":\"%s\"}\n", ref->state.id);
	fflush(stdout);
}

/* True when the time is up, false when the container has ended. */
static bool pause_for(int pidfd, int64_t interval_ns)
{
	struct pollfd fd = { pidfd, POLLIN, 0 };

	return sys_poll(&fd, 1, interval_ns / 1000000) <= 0;
}

/* A line each time, until the container ends; and one whenever memory was so short that it killed.
 */
static int watch(struct oci *o, struct container_ref *ref, struct err *e)
{
	_cleanup_fd_ int pidfd = state_pidfd(&ref->state);
	uint64_t kills = cg_oom_kills(&ref->cg);
	int r = 0;

	while (r == 0 && pidfd >= 0) {
		bool more = pause_for(pidfd, o->opt.events.interval_ns);
		uint64_t now = cg_oom_kills(&ref->cg);

		if (now != CG_UNKNOWN && now > kills)
			print_oom(ref);
		kills = now;
		if (!more)
			break;
		r = print_stats(o, ref, e);
	}
	return r;
}

int cmd_events(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	int r = ref_look(o, argv[0], &ref, e);

	(void)argc;
	if (r == 0 && ref.status == STATUS_STOPPED)
		r = ref_wrong_status(&ref, "watch", e);
	if (r == 0)
		r = ref_cgroup(&ref, e);
	if (r < 0)
		return r;
	if (o->opt.events.interval_ns <= 0)
		return err_set(e, EINVAL, "--interval: it must be longer than nothing");
	return o->opt.events.stats ? print_stats(o, &ref, e) : watch(o, &ref, e);
}

int cmd_stats(struct oci *o, int argc, char **argv, struct err *e)
{
	o->opt.events = (struct events_options){ .stats = true, .interval_ns = 1 };
	return cmd_events(o, argc, argv, e);
}
