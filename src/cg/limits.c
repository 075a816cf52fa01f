/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One table of limits: a field of struct resources, and the file that it becomes in a v1 and in a
 * v2 tree. What a bundle asks for is in v1's terms (the specification is older than v2), so the v2
 * column converts. Order matters where one limit bounds another; where that depends on what is in
 * force, the row says `again`: a write that the kernel refuses is tried once more after the others.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cg/driver.h"

struct row;

struct put {
	const struct cg_limits *l;
	const struct row *row;
	bool unified;
};

enum kind { NUMBER, POSITIVE, TEXT, FLAG, LISTED };

struct row {
	const char *field;
	size_t offset; /* in struct resources */
	enum kind kind;
	enum cg_controller controller;
	const char *v1, *v2; /* the file; NULL: cannot be had there, COVERED: need not be */
	int (*put)(const struct put *p);
	bool again;
	const char *option; /* what a box calls it; NULL: a box has none */
};

/* What that version does not have and the limit that it has includes. */
static const char COVERED[] = "";

#define AT(field) offsetof(struct resources, field)

static const char *name_of(const struct cg_limits *l, const struct row *row)
{
	return l->r->of_box && row->option ? row->option : row->field;
}

static int emit(const struct put *p, struct cg_write *w)
{
	w->field = name_of(p->l, p->row);
	w->controller = p->row->controller;
	w->again = p->row->again;
	w->last_try = p->l->last_try;
	if (!w->file[0])
		snprintf(w->file, sizeof(w->file), "%s", p->unified ? p->row->v2 : p->row->v1);
	return p->l->emit(p->l->arg, w);
}

static int64_t number_of(const struct put *p)
{
	return *(const int64_t *)((const char *)p->l->r + p->row->offset);
}

static void put_number_or_max(char *out, size_t room, int64_t value)
{
	if (value < 0)
		snprintf(out, room, "max");
	else
		snprintf(out, room, "%lld", (long long)value);
}

/* -1 is "no limit", which v2 calls max; where there is no such file, there is none. */
static int put_number(const struct put *p)
{
	struct cg_write w = { 0 };
	int64_t value = number_of(p);

	w.optional = value < 0;
	if (p->unified)
		put_number_or_max(w.text, sizeof(w.text), value);
	else
		snprintf(w.text, sizeof(w.text), "%lld", (long long)value);
	return emit(p, &w);
}

static int put_max(const struct put *p)
{
	struct cg_write w = { .optional = number_of(p) < 0 };

	put_number_or_max(w.text, sizeof(w.text), number_of(p));
	return emit(p, &w);
}

static int put_text(const struct put *p)
{
	const char *text = *(const char *const *)((const char *)p->l->r + p->row->offset);
	struct cg_write w = { 0 };

	/* A list of processors may be longer than any number. */
	if (strlen(text) >= sizeof(w.text))
		return err_set(p->l->e, E2BIG, "%s: longer than %zu characters", p->row->field,
			       sizeof(w.text) - 1);
	strcpy(w.text, text);
	return emit(p, &w);
}

/* ---- memory ---- */

/* v1 counts memory and swap together, v2 swap alone. */
static int put_swap(const struct put *p)
{
	const struct resources *r = p->l->r;
	int64_t memory = r->memory_limit, swap = r->memory_swap;
	struct cg_write w = { 0 };
	uint64_t now;
	const char *at = p->l->memory_now;

	if (!p->unified)
		return put_number(p);
	if (swap > 0 && (memory == NOT_GIVEN || memory == 0) && at && str_take_u64(&at, &now) == 0)
		memory = (int64_t)MIN(now, (uint64_t)INT64_MAX);
	if (swap > 0 && memory <= 0)
		return err_set(p->l->e, EINVAL,
			       "memory.swap: is memory and swap together, so cgroup v2 needs "
			       "memory.limit with it");
	if (swap > 0 && swap < memory)
		return err_set(
			p->l->e, EINVAL,
			"memory.swap: %lld is less than memory.limit %lld, which it includes",
			(long long)swap, (long long)memory);
	w.optional = swap < 0;
	put_number_or_max(w.text, sizeof(w.text), swap < 0 ? -1 : swap - memory);
	return emit(p, &w);
}

static int put_oom_killer(const struct put *p)
{
	struct cg_write w = { .text = "1" };

	return emit(p, &w);
}

/* ---- cpu ---- */

/* log2(x) for x >= 1 to some 2^-46, by squaring; libm would be one more library to link. */
static double log2_of(double x)
{
	double log = 0, bit = 1;

	for (int i = 0; i < 64 && x >= 2; i++) {
		x /= 2;
		log++;
	}
	for (int i = 0; i < 46; i++) {
		x *= x;
		bit /= 2;
		if (x >= 2) {
			x /= 2;
			log += bit;
		}
	}
	return log;
}

/*
 * The formula of runc since 1.3.2 and crun since 1.23, so that a container weighs the same here:
 * weight = ceil(10 ^ ((l^2 + 125 l) / 612 - 7 / 34)) with l = log2(shares). It maps 2 to 1, 1024 to
 * 100 and 262144 to 10000; the older linear one made 39 of 1024. The smallest such weight is found
 * by halving, so that only logarithms are needed.
 */
uint64_t cg_weight_of_shares(uint64_t shares)
{
	uint64_t low = 1, high = 10000;
	double l, exponent;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2_of((double)shares);
	exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
	exponent *= log2_of(10);
	while (low < high) {
		uint64_t middle = (low + high) / 2;

		/* The slack is for 1024, which is to be 100 and not, by rounding, 101. */
		if (log2_of((double)middle) + 1e-12 >= exponent)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int put_shares(const struct put *p)
{
	struct cg_write w = { 0 };
	uint64_t value = (uint64_t)number_of(p);

	snprintf(w.text, sizeof(w.text), "%llu",
		 (unsigned long long)(p->unified ? cg_weight_of_shares(value) : value));
	return emit(p, &w);
}

/* v1 has 1024 shares for what v2 calls a weight of 100, and takes 2 to 262144 of them. */
static int put_cpu_weight(const struct put *p)
{
	struct cg_write w = { 0 };
	uint64_t weight = (uint64_t)number_of(p);

	snprintf(w.text, sizeof(w.text), "%llu",
		 (unsigned long long)(p->unified ? weight : MAX(weight * 1024 / 100, 2U)));
	return emit(p, &w);
}

/* v2 has quota and period in one file; one that is not given stays what it is. */
static int put_cpu_max(const struct put *p)
{
	const struct resources *r = p->l->r;
	bool has_quota = r->cpu_quota_us != NOT_GIVEN && r->cpu_quota_us != 0;
	bool has_period = r->cpu_period_us != NOT_GIVEN && r->cpu_period_us > 0;
	char quota[32] = "max";
	struct cg_write w = { 0 };

	if (!p->unified)
		return put_number(p);
	if (has_quota && p->row->offset == AT(cpu_period_us))
		return 0; /* the row of the quota writes both */
	if (has_quota)
		put_number_or_max(quota, sizeof(quota), r->cpu_quota_us);
	else if (p->l->cpu_now)
		snprintf(quota, sizeof(quota), "%.*s", (int)strcspn(p->l->cpu_now, " "),
			 p->l->cpu_now);
	snprintf(w.text, sizeof(w.text), "%s", quota);
	if (has_period)
		snprintf(w.text + strlen(w.text), 32, " %lld", (long long)r->cpu_period_us);
	return emit(p, &w);
}

/* ---- block devices ---- */

/* 10 - 1000 to 1 - 10000; BFQ, where it is built in, keeps the old range. */
static uint64_t io_weight_v2(uint64_t weight)
{
	return weight <= 10 ? 1 : 1 + (MIN(weight, 1000U) - 10) * 9999 / 990;
}

static int put_io_weight(const struct put *p)
{
	struct cg_write w = { 0 };
	uint64_t value = (uint64_t)number_of(p);

	snprintf(w.text, sizeof(w.text), "%llu", (unsigned long long)value);
	if (p->unified) {
		strcpy(w.alt_file, "io.weight");
		snprintf(w.alt_text, sizeof(w.alt_text), "%llu",
			 (unsigned long long)io_weight_v2(value));
	} else {
		strcpy(w.alt_file, "blkio.weight"); /* of kernels with CFQ */
		strcpy(w.alt_text, w.text);
	}
	return emit(p, &w);
}

/* BFQ's range is narrower: 1 to 1000, with 100 in the same place. */
static int put_io_weight_v2(const struct put *p)
{
	struct cg_write w = { 0 };
	uint64_t weight = (uint64_t)number_of(p);
	uint64_t narrow = weight <= 100 ? weight : 100 + (weight - 100) * 900 / 9900;

	snprintf(w.text, sizeof(w.text), "%llu",
		 (unsigned long long)(p->unified ? weight : narrow));
	snprintf(w.alt_text, sizeof(w.alt_text), "%llu",
		 (unsigned long long)(p->unified ? narrow : MAX(narrow, 10U)));
	strcpy(w.alt_file, p->unified ? "io.bfq.weight" : "blkio.weight");
	return emit(p, &w);
}

static int put_io_weight_devices(const struct put *p)
{
	const io_devices *list = &p->l->r->io_weight_device;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct io_device *d = &list->items[i];
		struct cg_write w = { 0 };

		if (d->value == 0)
			continue;
		snprintf(w.text, sizeof(w.text), "%u:%u %llu", d->major, d->minor,
			 (unsigned long long)d->value);
		if (p->unified) {
			strcpy(w.alt_file, "io.weight");
			snprintf(w.alt_text, sizeof(w.alt_text), "%u:%u %llu", d->major, d->minor,
				 (unsigned long long)io_weight_v2(d->value));
		} else {
			strcpy(w.alt_file, "blkio.weight_device");
			snprintf(w.alt_text, sizeof(w.alt_text), "%.31s", w.text);
		}
		r = emit(p, &w);
	}
	return r;
}

static int put_leaf_devices(const struct put *p)
{
	const io_devices *list = &p->l->r->io_weight_device;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct io_device *d = &list->items[i];
		struct cg_write w = { 0 };

		if (d->leaf_weight <= 0)
			continue;
		if (p->unified)
			return err_set(p->l->e, EOPNOTSUPP, "%s: exists only in cgroup v1",
				       p->row->field);
		snprintf(w.text, sizeof(w.text), "%u:%u %lld", d->major, d->minor,
			 (long long)d->leaf_weight);
		r = emit(p, &w);
	}
	return r;
}

/* v1 "8:0 1048576", v2 "8:0 rbps=1048576"; the table has the word behind the file's name. */
static int put_throttle(const struct put *p)
{
	const io_devices *list = (const void *)((const char *)p->l->r + p->row->offset);
	const char *word = strchr(p->row->v2, ' ') + 1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct io_device *d = &list->items[i];
		struct cg_write w = { 0 };

		if (p->unified && d->value == 0)
			snprintf(w.text, sizeof(w.text), "%u:%u %s=max", d->major, d->minor, word);
		else
			snprintf(w.text, sizeof(w.text), "%u:%u %s%s%llu", d->major, d->minor,
				 p->unified ? word : "", p->unified ? "=" : "",
				 (unsigned long long)d->value);
		if (p->unified)
			strcpy(w.file, "io.max");
		r = emit(p, &w);
	}
	return r;
}

/* ---- the rest ---- */

static bool is_plain_name(const char *s)
{
	return *s && !strchr(s, '/') && !str_eq(s, ".") && !str_eq(s, "..") && strlen(s) < 64;
}

/* Pages in use and, where the kernel counts them, pages that are only reserved. */
static int put_hugepages(const struct put *p)
{
	const struct resources *all = p->l->r;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->hugepages.n; i++) {
		const struct hugepage_limit *h = &all->hugepages.items[i];
		const char *tail = p->unified ? "max" : "limit_in_bytes";
		struct cg_write w = { 0 }, reserved = { .optional = true };

		if (!is_plain_name(h->size))
			return err_set(p->l->e, EINVAL, "hugepageLimits: \"%.32s\" is no page size",
				       h->size);
		snprintf(w.file, sizeof(w.file), "hugetlb.%s.%s", h->size, tail);
		snprintf(reserved.file, sizeof(w.file), "hugetlb.%s.rsvd.%s", h->size, tail);
		snprintf(w.text, sizeof(w.text), "%llu", (unsigned long long)h->limit_bytes);
		strcpy(reserved.text, w.text);
		r = emit(p, &w);
		if (r == 0)
			r = emit(p, &reserved);
	}
	return r;
}

static int put_priorities(const struct put *p)
{
	const struct resources *all = p->l->r;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->network_priorities.n; i++) {
		const struct network_priority *n = &all->network_priorities.items[i];
		struct cg_write w = { 0 };

		snprintf(w.text, sizeof(w.text), "%.64s %u", n->name, n->priority);
		r = emit(p, &w);
	}
	return r;
}

static int put_rdma(const struct put *p)
{
	const struct resources *all = p->l->r;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->rdma.n; i++) {
		const struct rdma_limit *d = &all->rdma.items[i];
		struct cg_write w = { 0 };
		size_t len = (size_t)snprintf(w.text, sizeof(w.text), "%.64s", d->device);

		if (d->handles >= 0)
			len += (size_t)snprintf(w.text + len, sizeof(w.text) - len,
						" hca_handle=%lld", (long long)d->handles);
		if (d->objects >= 0)
			snprintf(w.text + len, sizeof(w.text) - len, " hca_object=%lld",
				 (long long)d->objects);
		r = emit(p, &w);
	}
	return r;
}

static const struct row table[] = {
	{ "memory.limit", AT(memory_limit), POSITIVE, CG_MEMORY, "memory.limit_in_bytes",
	  "memory.max", put_number, true, "memory" },
	{ "memory.swap", AT(memory_swap), POSITIVE, CG_MEMORY, "memory.memsw.limit_in_bytes",
	  "memory.swap.max", put_swap, true, "swap" },
	{ "memory.reservation", AT(memory_reservation), POSITIVE, CG_MEMORY,
	  "memory.soft_limit_in_bytes", "memory.low", put_number, false, "memory-low" },
	/* Linux counts kernel memory within the limit, and ignores one of its own since 5.16. */
	{ "memory.kernel", AT(memory_kernel), POSITIVE, CG_MEMORY, COVERED, COVERED, NULL, false },
	{ "memory.kernelTCP", AT(memory_kernel_tcp), POSITIVE, CG_MEMORY,
	  "memory.kmem.tcp.limit_in_bytes", COVERED, put_number, false },
	/* v2 swaps by one setting for the machine; it is a preference, not a bound. */
	{ "memory.swappiness", AT(memory_swappiness), NUMBER, CG_MEMORY, "memory.swappiness",
	  COVERED, put_number, false },
	{ "memory.useHierarchy", AT(memory_use_hierarchy), NUMBER, CG_MEMORY,
	  "memory.use_hierarchy", COVERED, put_number, false },
	{ "memory.disableOOMKiller", AT(memory_oom_killer_off), FLAG, CG_MEMORY,
	  "memory.oom_control", NULL, put_oom_killer, false },
	{ "cpu.shares", AT(cpu_shares), POSITIVE, CG_CPU, "cpu.shares", "cpu.weight", put_shares,
	  true },
	{ "cpu.weight", AT(cpu_weight), POSITIVE, CG_CPU, "cpu.shares", "cpu.weight",
	  put_cpu_weight, false, "cpu-weight" },
	{ "cpu.idle", AT(cpu_idle), NUMBER, CG_CPU, "cpu.idle", "cpu.idle", put_number, false },
	{ "cpu.period", AT(cpu_period_us), POSITIVE, CG_CPU, "cpu.cfs_period_us", "cpu.max",
	  put_cpu_max, true, "cpus" },
	{ "cpu.quota", AT(cpu_quota_us), POSITIVE, CG_CPU, "cpu.cfs_quota_us", "cpu.max",
	  put_cpu_max, true, "cpus" },
	{ "cpu.burst", AT(cpu_burst_us), NUMBER, CG_CPU, "cpu.cfs_burst_us", "cpu.max.burst",
	  put_number, true },
	{ "cpu.realtimePeriod", AT(cpu_rt_period_us), POSITIVE, CG_CPU, "cpu.rt_period_us", NULL,
	  put_number, true },
	{ "cpu.realtimeRuntime", AT(cpu_rt_runtime_us), POSITIVE, CG_CPU, "cpu.rt_runtime_us", NULL,
	  put_number, true },
	{ "cpu.cpus", AT(cpuset_cpus), TEXT, CG_CPUSET, "cpuset.cpus", "cpuset.cpus", put_text,
	  false, "cpuset" },
	{ "cpu.mems", AT(cpuset_mems), TEXT, CG_CPUSET, "cpuset.mems", "cpuset.mems", put_text,
	  false },
	{ "pids.limit", AT(pids_limit), POSITIVE, CG_PIDS, "pids.max", "pids.max", put_max, false,
	  "pids" },
	{ "blockIO.weight", AT(io_weight), POSITIVE, CG_IO, "blkio.bfq.weight", "io.bfq.weight",
	  put_io_weight, false },
	{ "io.weight", AT(io_weight_v2), POSITIVE, CG_IO, "blkio.bfq.weight", "io.weight",
	  put_io_weight_v2, false, "io-weight" },
	{ "blockIO.leafWeight", AT(io_leaf_weight), POSITIVE, CG_IO, "blkio.leaf_weight", NULL,
	  put_number, false },
	{ "blockIO.weightDevice", AT(io_weight_device), LISTED, CG_IO, "blkio.bfq.weight_device",
	  "io.bfq.weight", put_io_weight_devices, false },
	{ "blockIO.weightDevice.leafWeight", AT(io_weight_device), LISTED, CG_IO,
	  "blkio.leaf_weight_device", "(none)", put_leaf_devices, false },
	{ "blockIO.throttleReadBpsDevice", AT(io_read_bps), LISTED, CG_IO,
	  "blkio.throttle.read_bps_device", "io.max rbps", put_throttle, false, "io-max" },
	{ "blockIO.throttleWriteBpsDevice", AT(io_write_bps), LISTED, CG_IO,
	  "blkio.throttle.write_bps_device", "io.max wbps", put_throttle, false, "io-max" },
	{ "blockIO.throttleReadIOPSDevice", AT(io_read_iops), LISTED, CG_IO,
	  "blkio.throttle.read_iops_device", "io.max riops", put_throttle, false, "io-max" },
	{ "blockIO.throttleWriteIOPSDevice", AT(io_write_iops), LISTED, CG_IO,
	  "blkio.throttle.write_iops_device", "io.max wiops", put_throttle, false, "io-max" },
	{ "hugepageLimits", AT(hugepages), LISTED, CG_HUGETLB, "hugetlb", "hugetlb", put_hugepages,
	  false, "hugetlb" },
	{ "network.classID", AT(network_class_id), NUMBER, CG_NET_CLS, "net_cls.classid", NULL,
	  put_number, false },
	{ "network.priorities", AT(network_priorities), LISTED, CG_NET_PRIO, "net_prio.ifpriomap",
	  NULL, put_priorities, false },
	{ "rdma", AT(rdma), LISTED, CG_RDMA, "rdma.max", "rdma.max", put_rdma, false },
};

_Static_assert(ARRAY_SIZE(table) <= 32, "one bit a row is kept for the second try");

/* Zero was "not given" for most of these long before the specification could say so. */
static bool is_asked(const struct row *row, const struct resources *r)
{
	const char *at = (const char *)r + row->offset;

	switch (row->kind) {
	case NUMBER:
		return *(const int64_t *)at != NOT_GIVEN;
	case POSITIVE:
		return *(const int64_t *)at != NOT_GIVEN && *(const int64_t *)at != 0;
	case TEXT:
		return *(const char *const *)at && **(const char *const *)at;
	case FLAG:
		return *(const bool *)at;
	case LISTED: /* all lists begin alike */
		return ((const keys *)at)->n > 0;
	}
	return false;
}

/* "No limit" can be had without the controller too. */
static bool is_limit(const struct row *row, const struct resources *r)
{
	if (!is_asked(row, r) || row->v1 == COVERED)
		return false;
	return row->kind > POSITIVE || *(const int64_t *)((const char *)r + row->offset) >= 0;
}

/* May the start go on without it? Where it was asked for in earnest, no. */
static bool may_leave_out(const struct cg_limits *l, const struct row *row, int r)
{
	if (!l->leave_out)
		return false;
	return l->best_effort ||
	       (r == -ENOENT && l->r->swap_implied && row->offset == AT(memory_swap));
}

static int put_row(struct cg_limits *l, const struct row *row)
{
	unsigned bit = CG_BIT(row->controller);
	struct put p = { .l = l, .row = row, .unified = !(l->v1 & bit) && (l->v2 & bit) };
	const char *file = p.unified ? row->v2 : row->v1;

	if (!((l->v1 | l->v2) & bit) && !is_limit(row, l->r))
		return 0;
	/* That v2 lacks it is said before that its controller is missing. */
	if (!row->v2 && !(l->v1 & bit) && (p.unified || l->v2))
		return err_set(l->e, EOPNOTSUPP,
			       "%s: exists only in cgroup v1, and this machine has the %s "
			       "controller in cgroup v2",
			       name_of(l, row), cg_controller_name(row->controller, false));
	if (row->v1 == COVERED || file == COVERED)
		return 0;
	if (!((l->v1 | l->v2) & bit)) {
		if (row->put == put_leaf_devices)
			return 0; /* the row before has said it */
		return err_set(l->e, ENOENT,
			       "%s: needs the cgroup controller %s, which is not mounted here, not "
			       "delegated to this user or not in this kernel",
			       name_of(l, row), cg_controller_name(row->controller, l->v2 != 0));
	}
	return row->put(&p);
}

/* Files of the v2 directory by their own names. */
static int put_unified(struct cg_limits *l)
{
	static const struct row row = { .field = "unified", .v1 = "", .v2 = "" };
	const struct put p = { .l = l, .row = &row, .unified = true };
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->r->unified.n; i++) {
		const struct key *k = &l->r->unified.items[i];
		struct cg_write w = { .controller = CG_CONTROLLERS };

		if (!is_plain_name(k->key) || !strchr(k->key, '.'))
			return err_set(l->e, EINVAL, "unified: \"%.64s\" is no file of a cgroup",
				       k->key);
		if (strlen(k->value) >= sizeof(w.text))
			return err_set(l->e, E2BIG, "unified: the value of %s is too long", k->key);
		strcpy(w.file, k->key);
		strcpy(w.text, k->value);
		w.field = row.field;
		r = p.l->emit(l->arg, &w);
	}
	return r;
}

int cg_limits_each(struct cg_limits *l)
{
	uint32_t later = 0;

	for (unsigned again = 0; again < 2; again++) {
		l->last_try = again;
		for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
			int r;

			if (again ? !(later & 1U << i) : !is_asked(&table[i], l->r))
				continue;
			r = put_row(l, &table[i]);
			if (r < 0 && may_leave_out(l, &table[i], r))
				r = l->leave_out(l->arg, name_of(l, &table[i]));
			if (r < 0)
				return r;
			if (r > 0 && !again)
				later |= 1U << i;
		}
	}
	return put_unified(l);
}

/* "memory.high" needs the controller memory. */
static unsigned unified_controller(const char *key)
{
	size_t len = strcspn(key, ".");

	for (unsigned c = 0; c < CG_CONTROLLERS; c++) {
		const char *name = cg_controller_name(c, true);

		if (c != CG_CPUACCT && strlen(name) == len && strncmp(name, key, len) == 0)
			return CG_BIT(c);
	}
	return 0;
}

/* Which of those that are to be had the limits need. */
unsigned cg_limits_controllers(const struct resources *r, unsigned v1, unsigned v2)
{
	unsigned bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (is_limit(&table[i], r))
			bits |= CG_BIT(table[i].controller);
	if (r->devices.n)
		bits |= CG_BIT(CG_DEVICES) & v1;
	bits &= v1 | v2;
	for (size_t i = 0; i < r->unified.n; i++)
		bits |= unified_controller(r->unified.items[i].key) & v2;
	return bits;
}

bool cg_wants_limits(const struct resources *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (is_limit(&table[i], r))
			return true;
	return r->unified.n > 0;
}
