/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a cgroup used, in the few numbers that are told of every box at its end: a file for each
 * number and no more, for this is on the way of whoever waits for it. stat.c has all there is.
 */
#include <string.h>

#include "cg/driver.h"

#define TEXT_SIZE 4096

static uint64_t number(struct cg_dir *d, const char *file)
{
	uint64_t value;

	return cg_read_u64(d, file, &value) < 0 ? CG_UNKNOWN : value;
}

static uint64_t key(struct cg_dir *d, const char *file, const char *name)
{
	char text[TEXT_SIZE];
	uint64_t value;

	if (cg_read(d, file, text, sizeof(text)) < 0 || !cg_find_key(text, name, &value))
		return CG_UNKNOWN;
	return value;
}

uint64_t cg_oom_kills(struct cg *cg)
{
	struct cg_dir *d = cg_find(cg, CG_MEMORY);

	return d ? key(d, d->unified ? "memory.events" : "memory.oom_control", "oom_kill")
		 : CG_UNKNOWN;
}

uint64_t cg_pids_refused(struct cg *cg)
{
	struct cg_dir *d = cg_find(cg, CG_PIDS);

	return d ? key(d, "pids.events", "max") : CG_UNKNOWN;
}

/*
 * v1 counts the whole to the nanosecond, but its parts by the clock tick: whoever is there when it
 * ticks gets all of it. As the kernel does for processes, the whole is split like the parts.
 */
static void split_time(uint64_t all, uint64_t user, uint64_t kernel, struct cg_used *u)
{
	double share;

	if (all == CG_UNKNOWN || user == CG_UNKNOWN || kernel == CG_UNKNOWN)
		return;
	share = user + kernel ? (double)kernel / (double)(user + kernel) : 0;
	u->cpu_kernel_ns = (uint64_t)((double)all * share);
	u->cpu_user_ns = all - u->cpu_kernel_ns;
}

static void use_cpu(struct cg *cg, struct cg_used *u)
{
	struct cg_dir *d = cg_find(cg, CG_CPUACCT);
	char text[TEXT_SIZE];
	uint64_t user, kernel;

	if (d) {
		split_time(number(d, "cpuacct.usage"), number(d, "cpuacct.usage_user"),
			   number(d, "cpuacct.usage_sys"), u);
		return;
	}
	d = cg->layout == CG_V2 ? cg_unified(cg) : NULL;
	if (!d || cg_read(d, "cpu.stat", text, sizeof(text)) < 0 ||
	    !cg_find_key(text, "user_usec", &user) || !cg_find_key(text, "system_usec", &kernel))
		return;
	u->cpu_user_ns = user * 1000;
	u->cpu_kernel_ns = kernel * 1000;
}

/* The sum of the numbers behind `word`, over all lines. */
static uint64_t sum_behind(const char *text, const char *word)
{
	uint64_t sum = 0, value;

	for (const char *p = strstr(text, word); p; p = strstr(p, word)) {
		p += strlen(word);
		if (str_take_u64(&p, &value) == 0)
			sum += value;
	}
	return sum;
}

/* Of block devices. On v1 BFQ counts what it schedules, and throttling sees the rest. */
static void use_io(struct cg *cg, struct cg_used *u)
{
	static const char *const v1[] = { "blkio.bfq.io_service_bytes_recursive",
					  "blkio.throttle.io_service_bytes_recursive" };
	struct cg_dir *d = cg_find(cg, CG_IO);
	char text[TEXT_SIZE] = "";
	ssize_t n = -1;

	if (!d)
		return;
	if (d->unified)
		n = cg_read(d, "io.stat", text, sizeof(text));
	for (size_t i = 0; !d->unified && i < ARRAY_SIZE(v1) && !strstr(text, " Read "); i++)
		n = MAX(n, cg_read(d, v1[i], text, sizeof(text)));
	if (n < 0)
		return;
	u->io_read_bytes = sum_behind(text, d->unified ? " rbytes=" : " Read ");
	u->io_write_bytes = sum_behind(text, d->unified ? " wbytes=" : " Write ");
}

void cg_use(struct cg *cg, struct cg_used *out)
{
	struct cg_dir *memory = cg_find(cg, CG_MEMORY), *pids = cg_find(cg, CG_PIDS);

	memset(out, 0xff, sizeof(*out)); /* CG_UNKNOWN, all of it */
	use_cpu(cg, out);
	use_io(cg, out);
	if (memory)
		out->memory_peak_bytes = number(
			memory, memory->unified ? "memory.peak" : "memory.max_usage_in_bytes");
	if (pids)
		out->pids_peak = number(pids, "pids.peak");
	out->oom_kills = cg_oom_kills(cg);
	out->pids_refused = cg_pids_refused(cg);
}
