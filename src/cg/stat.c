/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a cgroup used. Which files tell it differs by version, so each controller has two readers.
 * A file that is not there (an older kernel, another option of it) leaves its number CG_UNKNOWN.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/fd.h"

struct reader {
	struct cg *cg;
	struct arena *a;
	struct cg_stats *s;
	char text[CG_FILE_MAX];
	bool out_of_memory;
};

static bool read_text(struct reader *r, struct cg_dir *d, const char *file)
{
	return cg_read(d, file, r->text, sizeof(r->text)) >= 0;
}

static uint64_t read_number(struct cg_dir *d, const char *file)
{
	uint64_t value;

	return cg_read_u64(d, file, &value) < 0 ? CG_UNKNOWN : value;
}

static uint64_t key_or(const char *text, const char *key, uint64_t scale, uint64_t otherwise)
{
	uint64_t value;

	return cg_find_key(text, key, &value) ? value * scale : otherwise;
}

static void *push(struct reader *r, void *items, size_t *n, size_t size)
{
	void *p = arena_push(r->a, items, n, size);

	r->out_of_memory |= !p;
	return p;
}

#define PUSH(r, list) push(r, &(list).items, &(list).n, sizeof(*(list).items))

/* Each line of r->text, in turn: cuts it off and moves *at behind it. NULL at the end. */
static char *next_line(char **at)
{
	char *line = *at, *end = line + strcspn(line, "\n");

	if (!*line)
		return NULL;
	*at = end + (*end != 0);
	*end = 0;
	return line;
}

static char *next_field(char **at)
{
	char *word = *at + strspn(*at, " "), *end = word + strcspn(word, " ");

	*at = end + (*end != 0);
	*end = 0;
	return word;
}

/* Lines of "key number". */
static void read_values(struct reader *r, struct cg_dir *d, const char *file, cg_values *out)
{
	char *at = r->text, *line;

	if (!read_text(r, d, file))
		return;
	while ((line = next_line(&at))) {
		const char *key = next_field(&line), *number = line;
		struct cg_value *v;
		uint64_t value;

		if (str_take_u64(&number, &value) < 0 || !(v = PUSH(r, *out)))
			continue;
		v->key = arena_strdup(r->a, key);
		v->value = value;
	}
}

static uint64_t value_of(const cg_values *values, const char *key)
{
	for (size_t i = 0; i < values->n; i++)
		if (str_eq(values->items[i].key, key))
			return values->items[i].value;
	return CG_UNKNOWN;
}

/* "0.17" -> 17 */
static uint32_t hundredths(const char *s)
{
	uint64_t whole = 0, part = 0;

	if (str_take_u64(&s, &whole) == 0 && *s == '.') {
		s++;
		str_take_u64(&s, &part);
	}
	return (uint32_t)(MIN(whole, 100U) * 100 + MIN(part, 99U));
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same with "full". */
static void read_pressure(struct reader *r, struct cg_dir *d, const char *file,
			  struct cg_pressure *out)
{
	char *at = r->text, *line;

	if (!read_text(r, d, file))
		return;
	while ((line = next_line(&at))) {
		struct cg_pressure_line *l = str_starts(line, "full") ? &out->full : &out->some;
		const char *p;

		out->known = true;
		if ((p = strstr(line, "avg10=")))
			l->avg10 = hundredths(p + strlen("avg10="));
		if ((p = strstr(line, "avg60=")))
			l->avg60 = hundredths(p + strlen("avg60="));
		if ((p = strstr(line, "avg300=")))
			l->avg300 = hundredths(p + strlen("avg300="));
		if ((p = strstr(line, "total="))) {
			p += strlen("total=");
			str_take_u64(&p, &l->total_us);
		}
	}
}

/* ---- processor ---- */

static void cpu_v2(struct reader *r, struct cg_dir *d)
{
	__auto_type cpu = &r->s->cpu;

	/* cpu.stat is in every cgroup, with the controller or without. */
	if (read_text(r, d, "cpu.stat")) {
		cpu->total_ns = key_or(r->text, "usage_usec", 1000, cpu->total_ns);
		cpu->user_ns = key_or(r->text, "user_usec", 1000, cpu->user_ns);
		cpu->kernel_ns = key_or(r->text, "system_usec", 1000, cpu->kernel_ns);
		cpu->periods = key_or(r->text, "nr_periods", 1, cpu->periods);
		cpu->throttled_periods = key_or(r->text, "nr_throttled", 1, cpu->throttled_periods);
		cpu->throttled_ns = key_or(r->text, "throttled_usec", 1000, cpu->throttled_ns);
		cpu->bursts = key_or(r->text, "nr_bursts", 1, cpu->bursts);
		cpu->burst_ns = key_or(r->text, "burst_usec", 1000, cpu->burst_ns);
	}
}

static void cpu_v1(struct reader *r, struct cg_dir *d)
{
	__auto_type cpu = &r->s->cpu;

	if (read_text(r, d, "cpu.stat")) {
		cpu->periods = key_or(r->text, "nr_periods", 1, CG_UNKNOWN);
		cpu->throttled_periods = key_or(r->text, "nr_throttled", 1, CG_UNKNOWN);
		cpu->throttled_ns = key_or(r->text, "throttled_time", 1, CG_UNKNOWN);
		cpu->bursts = key_or(r->text, "nr_bursts", 1, CG_UNKNOWN);
		cpu->burst_ns = key_or(r->text, "burst_time", 1, CG_UNKNOWN);
	}
}

/* "cpu user system" in the first line, then a line for each processor, in nanoseconds. */
static void cpuacct_v1(struct reader *r, struct cg_dir *d)
{
	__auto_type cpu = &r->s->cpu;
	char *at = r->text, *line;
	uint64_t user = 0, kernel = 0;

	cpu->total_ns = read_number(d, "cpuacct.usage");
	cpu->user_ns = read_number(d, "cpuacct.usage_user");
	cpu->kernel_ns = read_number(d, "cpuacct.usage_sys");
	if (!read_text(r, d, "cpuacct.usage_all"))
		return;
	next_line(&at);
	while ((line = next_line(&at))) {
		uint64_t *one[3];
		const char *p;

		next_field(&line);
		p = next_field(&line);
		str_take_u64(&p, &user);
		p = next_field(&line);
		str_take_u64(&p, &kernel);
		one[0] = PUSH(r, cpu->percpu_ns);
		one[1] = PUSH(r, cpu->percpu_user_ns);
		one[2] = PUSH(r, cpu->percpu_kernel_ns);
		if (!one[0] || !one[1] || !one[2])
			return;
		*one[0] = user + kernel;
		*one[1] = user;
		*one[2] = kernel;
	}
}

static void cpuset_any(struct reader *r, struct cg_dir *d)
{
	static const char *const flags[] = {
		"cpu_exclusive",      "mem_exclusive",      "mem_hardwall",
		"memory_migrate",     "memory_pressure",    "memory_spread_page",
		"memory_spread_slab", "sched_load_balance", "sched_relax_domain_level",
	};
	char file[64];

	if (read_text(r, d, d->unified ? "cpuset.cpus.effective" : "cpuset.cpus"))
		r->s->cpuset.cpus = arena_strdup(r->a, r->text);
	if (read_text(r, d, d->unified ? "cpuset.mems.effective" : "cpuset.mems"))
		r->s->cpuset.mems = arena_strdup(r->a, r->text);
	for (size_t i = 0; !d->unified && i < ARRAY_SIZE(flags); i++) {
		struct cg_value *v;
		uint64_t value;

		snprintf(file, sizeof(file), "cpuset.%s", flags[i]);
		/* -1, "as the machine has it", is CG_UNKNOWN, which is the same bits. */
		if (cg_read_u64(d, file, &value) < 0 || !(v = PUSH(r, r->s->cpuset.flags)))
			continue;
		*v = (struct cg_value){ flags[i], value };
	}
}

/* ---- memory ---- */

static void counter_v1(struct cg_dir *d, const char *what, struct cg_counter *c)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.usage_in_bytes", what);
	c->usage = read_number(d, file);
	if (c->usage == CG_UNKNOWN)
		return; /* the kernel has none of these */
	snprintf(file, sizeof(file), "%s.max_usage_in_bytes", what);
	c->max_usage = read_number(d, file);
	snprintf(file, sizeof(file), "%s.failcnt", what);
	c->failcnt = read_number(d, file);
	snprintf(file, sizeof(file), "%s.limit_in_bytes", what);
	c->limit = read_number(d, file);
}

static void memory_v1(struct reader *r, struct cg_dir *d)
{
	__auto_type m = &r->s->memory;

	counter_v1(d, "memory", &m->usage);
	counter_v1(d, "memory.memsw", &m->swap);
	counter_v1(d, "memory.kmem", &m->kernel);
	counter_v1(d, "memory.kmem.tcp", &m->kernel_tcp);
	m->use_hierarchy = read_number(d, "memory.use_hierarchy") == 1;
	read_values(r, d, "memory.stat", &m->raw);
	m->cache = value_of(&m->raw, "cache");
	if (read_text(r, d, "memory.oom_control"))
		m->oom_kill = key_or(r->text, "oom_kill", 1, CG_UNKNOWN);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a == CG_UNKNOWN || b == CG_UNKNOWN ? CG_UNKNOWN : a + b;
}

static void memory_v2(struct reader *r, struct cg_dir *d)
{
	__auto_type m = &r->s->memory;

	m->usage.usage = read_number(d, "memory.current");
	m->usage.max_usage = read_number(d, "memory.peak");
	m->usage.limit = read_number(d, "memory.max");
	m->swap_only.usage = read_number(d, "memory.swap.current");
	m->swap_only.max_usage = read_number(d, "memory.swap.peak");
	m->swap_only.limit = read_number(d, "memory.swap.max");
	m->swap.usage = sum(m->usage.usage, m->swap_only.usage);
	m->swap.limit = sum(m->usage.limit, m->swap_only.limit);
	m->use_hierarchy = true;
	read_values(r, d, "memory.stat", &m->raw);
	m->cache = value_of(&m->raw, "file");
	m->kernel.usage = value_of(&m->raw, "kernel");
	m->kernel_tcp.usage = value_of(&m->raw, "sock");
	read_values(r, d, "memory.events", &m->events);
	m->usage.failcnt = value_of(&m->events, "max");
	m->oom = value_of(&m->events, "oom");
	m->oom_kill = value_of(&m->events, "oom_kill");
	if (read_text(r, d, "memory.swap.events"))
		m->swap_only.failcnt = key_or(r->text, "max", 1, CG_UNKNOWN);
}

/* ---- processes, block devices, huge pages ---- */

static void pids_any(struct reader *r, struct cg_dir *d)
{
	r->s->pids.current = read_number(d, "pids.current");
	r->s->pids.peak = read_number(d, "pids.peak");
	r->s->pids.limit = read_number(d, "pids.max");
	if (read_text(r, d, "pids.events"))
		r->s->pids.failcnt = key_or(r->text, "max", 1, CG_UNKNOWN);
}

static bool take_device(const char **p, uint64_t *major, uint64_t *minor)
{
	if (str_take_u64(p, major) < 0 || **p != ':')
		return false;
	++*p;
	return str_take_u64(p, minor) == 0;
}

/* "8:0 Read 4096", "8:0 4096"; the last line is a sum without a device. */
static bool io_file_v1(struct reader *r, struct cg_dir *d, const char *file, cg_io_entries *out)
{
	char *at = r->text, *line;

	if (!read_text(r, d, file))
		return false;
	while ((line = next_line(&at))) {
		const char *p = next_field(&line);
		struct cg_io_entry entry = { 0 }, *e;
		char *word = next_field(&line);

		if (!take_device(&p, &entry.major, &entry.minor))
			continue;
		if (*word < '0' || *word > '9') {
			entry.op = arena_strdup(r->a, word);
			word = next_field(&line);
		}
		p = word;
		if (str_take_u64(&p, &entry.value) == 0 && (e = PUSH(r, *out)))
			*e = entry;
	}
	return true;
}

static void io_v1(struct reader *r, struct cg_dir *d)
{
	__auto_type io = &r->s->io;
	const struct {
		const char *name;
		cg_io_entries *out;
	} files[] = {
		{ "io_service_bytes_recursive", &io->service_bytes },
		{ "io_serviced_recursive", &io->serviced },
		{ "io_queued_recursive", &io->queued },
		{ "io_service_time_recursive", &io->service_time },
		{ "io_wait_time_recursive", &io->wait_time },
		{ "io_merged_recursive", &io->merged },
		{ "time_recursive", &io->time },
		{ "sectors_recursive", &io->sectors },
	};

	/* BFQ counts what it schedules; without it there is what the throttling sees. */
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char file[64];

		snprintf(file, sizeof(file), "blkio.bfq.%s", files[i].name);
		if (io_file_v1(r, d, file, files[i].out) && files[i].out->n) {
			io->known = true;
			continue;
		}
		snprintf(file, sizeof(file), "blkio.throttle.%s", files[i].name);
		io->known |= io_file_v1(r, d, file, files[i].out);
	}
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0", in the words of v1. */
static void io_v2(struct reader *r, struct cg_dir *d)
{
	static const struct {
		const char *key, *op;
		bool bytes;
	} words[] = {
		{ "rbytes=", "Read", true },    { "wbytes=", "Write", true },
		{ "dbytes=", "Discard", true }, { "rios=", "Read", false },
		{ "wios=", "Write", false },    { "dios=", "Discard", false },
	};
	__auto_type io = &r->s->io;
	char *at = r->text, *line;

	io->known = read_text(r, d, "io.stat");
	if (!io->known)
		return;
	while ((line = next_line(&at))) {
		const char *p = line;
		uint64_t major, minor, value;

		if (!take_device(&p, &major, &minor))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			cg_io_entries *out = words[i].bytes ? &io->service_bytes : &io->serviced;
			const char *found = strstr(line, words[i].key);
			struct cg_io_entry *e;

			if (!found)
				continue;
			found += strlen(words[i].key);
			if (str_take_u64(&found, &value) == 0 && (e = PUSH(r, *out)))
				*e = (struct cg_io_entry){ major, minor, words[i].op, value };
		}
	}
}

static void hugetlb_one(struct reader *r, struct cg_dir *d, const char *size)
{
	struct cg_hugetlb *h = PUSH(r, r->s->hugetlb);
	char name[96];

	if (!h)
		return;
	h->size = arena_strdup(r->a, size);
	h->count = (struct cg_counter){ CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN };
	snprintf(name, sizeof(name), "hugetlb.%.32s", size);
	if (!d->unified) {
		counter_v1(d, name, &h->count);
		return;
	}
	snprintf(name, sizeof(name), "hugetlb.%.32s.current", size);
	h->count.usage = read_number(d, name);
	snprintf(name, sizeof(name), "hugetlb.%.32s.max", size);
	h->count.limit = read_number(d, name);
	snprintf(name, sizeof(name), "hugetlb.%.32s.events", size);
	if (read_text(r, d, name))
		h->count.failcnt = key_or(r->text, "max", 1, CG_UNKNOWN);
}

/* The sizes are read off the files: "hugetlb.2MB.current". */
static void hugetlb_any(struct reader *r, struct cg_dir *d)
{
	const char *tail = d->unified ? ".current" : ".usage_in_bytes";
	_Alignas(struct sys_dirent) char entries[4096];
	int dir_fd = cg_dir_fd(d);
	_cleanup_fd_ int fd =
		dir_fd < 0 ? dir_fd : sys_openat(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	ssize_t n;

	while (fd >= 0 && (n = sys_getdents(fd, entries, sizeof(entries))) > 0) {
		for (ssize_t at = 0; at < n;) {
			struct sys_dirent *entry = (void *)(entries + at);
			char *size = entry->name + strlen("hugetlb."), *end;

			at += entry->len;
			if (!str_starts(entry->name, "hugetlb.") || !(end = strchr(size, '.')) ||
			    !str_eq(end, tail))
				continue;
			*end = 0;
			hugetlb_one(r, d, size);
		}
	}
}

/* ---- all of it ---- */

static const struct {
	enum cg_controller controller;
	void (*v1)(struct reader *r, struct cg_dir *d);
	void (*v2)(struct reader *r, struct cg_dir *d);
} readers[] = {
	{ CG_CPU, cpu_v1, NULL }, /* v2: without the controller too */
	{ CG_CPUACCT, cpuacct_v1, NULL },
	{ CG_CPUSET, cpuset_any, cpuset_any },
	{ CG_MEMORY, memory_v1, memory_v2 },
	{ CG_PIDS, pids_any, pids_any },
	{ CG_IO, io_v1, io_v2 },
	{ CG_HUGETLB, hugetlb_any, hugetlb_any },
};

static void nothing_known(struct cg_stats *s)
{
	const struct cg_counter unknown = { CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN };

	*s = (struct cg_stats){ 0 };
	s->cpu.total_ns = s->cpu.user_ns = s->cpu.kernel_ns = CG_UNKNOWN;
	s->cpu.periods = s->cpu.throttled_periods = s->cpu.throttled_ns = CG_UNKNOWN;
	s->cpu.bursts = s->cpu.burst_ns = CG_UNKNOWN;
	s->memory.cache = s->memory.oom = s->memory.oom_kill = CG_UNKNOWN;
	s->memory.usage = s->memory.swap = s->memory.swap_only = unknown;
	s->memory.kernel = s->memory.kernel_tcp = unknown;
	s->pids.current = s->pids.peak = s->pids.limit = s->pids.failcnt = CG_UNKNOWN;
}

int cg_stats(struct cg *cg, struct arena *a, struct cg_stats *out, struct err *e)
{
	_cleanup_free_ struct reader *r = calloc(1, sizeof(*r));
	struct cg_dir *unified = cg_unified(cg);
	struct cg_stats s;

	if (!r)
		return err_errno(e, ENOMEM, "statistics of a cgroup");
	nothing_known(&s);
	*r = (struct reader){ .cg = cg, .a = a, .s = &s };
	if (unified) {
		cpu_v2(r, unified);
		read_pressure(r, unified, "cpu.pressure", &s.cpu.pressure);
		read_pressure(r, unified, "memory.pressure", &s.memory.pressure);
		read_pressure(r, unified, "io.pressure", &s.io.pressure);
	}
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		struct cg_dir *d = cg_find(cg, readers[i].controller);

		if (d && d->unified && readers[i].v2)
			readers[i].v2(r, d);
		else if (d && !d->unified)
			readers[i].v1(r, d);
	}
	if (r->out_of_memory)
		return err_errno(e, ENOMEM, "statistics of a cgroup");
	*out = s;
	return 0;
}
