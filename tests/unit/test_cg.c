/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cgroups without touching one: what is read from /proc, what limits become, the device program. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cg/devices_bpf.h"
#include "cg/driver.h"

/* ---- the trees ---- */

static struct cg_system parse(const char *mounts, const char *own)
{
	struct cg_system s = { 0 };

	s.text[0] = strdup(mounts);
	s.text[1] = strdup(own);
	cg_parse_mounts(&s, s.text[0]);
	cg_parse_own(&s, s.text[1]);
	return s;
}

static const struct cg_tree *tree_of(const struct cg_system *s, enum cg_controller c)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->trees[i].controllers & CG_BIT(c))
			return &s->trees[i];
	return NULL;
}

static void hybrid_machine(void **state)
{
	struct cg_system s = parse(
		"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		"31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup "
		"rw,cpu,cpuacct\n"
		"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n",
		"5:memory:/user/one\n4:cpu,cpuacct:/two\n1:name=systemd:/init.scope\n0::/three\n");

	(void)state;
	assert_int_equal(s.layout, CG_HYBRID);
	assert_int_equal(s.n, 4);
	assert_ptr_equal(tree_of(&s, CG_CPU), tree_of(&s, CG_CPUACCT));
	assert_string_equal(tree_of(&s, CG_CPU)->mount, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(tree_of(&s, CG_CPU)->own, "/two");
	assert_string_equal(tree_of(&s, CG_MEMORY)->own, "/user/one");
	assert_string_equal(s.trees[2].name, "systemd");
	assert_string_equal(s.trees[2].own, "/init.scope");
	assert_true(s.trees[3].unified);
	assert_string_equal(s.trees[3].own, "/three");
	cg_system_done(&s);
}

static void machine_with_v2_or_nothing(void **state)
{
	struct cg_system s = parse("30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n",
				   "0::/user.slice/user-1000.slice/session-2.scope\n");

	(void)state;
	assert_int_equal(s.layout, CG_V2);
	assert_string_equal(s.trees[0].own, "/user.slice/user-1000.slice/session-2.scope");
	cg_system_done(&s);

	s = parse("22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n", "0::/\n");
	assert_int_equal(s.layout, CG_NONE);
	assert_int_equal(s.n, 0);
	cg_system_done(&s);

	/* A v1 tree by name only, beside v2: that is v2, as far as limits go. */
	s = parse("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
		  "31 23 0:27 / /run/other rw - cgroup cgroup rw,name=other\n",
		  "1:name=other:/x\n0::/\n");
	assert_int_equal(s.layout, CG_V2);
	assert_int_equal(s.n, 2);
	cg_system_done(&s);
}

static void only_a_part_is_mounted(void **state)
{
	struct cg_system s =
		parse("31 23 0:29 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		      "32 23 0:30 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
		      "33 23 0:31 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		      "34 23 0:32 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n",
		      "4:memory:/docker/abc/x\n3:pids:/docker/abc\n2:cpu:/docker/abcd\n"
		      "1:freezer:/../..\n");

	(void)state;
	assert_string_equal(tree_of(&s, CG_MEMORY)->own, "/x");
	assert_string_equal(tree_of(&s, CG_PIDS)->own, "/");
	assert_string_equal(tree_of(&s, CG_CPU)->own, "/");     /* outside of what we see */
	assert_string_equal(tree_of(&s, CG_FREEZER)->own, "/"); /* the same, by a namespace */
	cg_system_done(&s);
}

static void odd_mounts(void **state)
{
	/* Twice, the whole one later; a space; an unknown controller; lines cut short. */
	struct cg_system s = parse(
		"31 23 0:29 /part /srv/c1/memory rw - cgroup cgroup rw,memory\n"
		"32 23 0:29 / /sys/fs/my\\040groups/memory rw - cgroup cgroup rw,memory\n"
		"33 23 0:29 / /again rw - cgroup cgroup rw,memory\n"
		"34 23 0:35 / /sys/fs/cgroup/new rw - cgroup cgroup rw,newfangled\n"
		"35 23 0:36 / /x rw - cgroupfs cgroup rw,cpu\n"
		"36 - cgroup\n"
		" - cgroup2 \n"
		"37 23 0:38 / /sys/fs/cgroup/pids rw master:1 propagate_from:2 - cgroup c rw,pids",
		"broken\n7:memory\n3:pids:/p");

	(void)state;
	assert_int_equal(s.n, 2);
	assert_string_equal(tree_of(&s, CG_MEMORY)->mount, "/sys/fs/my groups/memory");
	assert_string_equal(tree_of(&s, CG_PIDS)->own, "/p");
	assert_int_equal(s.layout, CG_V1);
	cg_system_done(&s);
}

/* ---- limits ---- */

static struct {
	char text[4096];
	const char *refuse; /* the file whose first write fails, as the kernel's does */
} seen;

static int note(void *arg, const struct cg_write *w)
{
	(void)arg;
	if (w->again && !w->last_try && str_eq(w->file, seen.refuse))
		return 1;
	sprintf(seen.text + strlen(seen.text), "%s=%s", w->file, w->text);
	if (w->alt_file[0])
		sprintf(seen.text + strlen(seen.text), "|%s=%s", w->alt_file, w->alt_text);
	strcat(seen.text, w->optional ? "?\n" : "\n");
	return 0;
}

static const char *writes(const struct resources *r, unsigned v1, unsigned v2)
{
	static struct err e;
	struct cg_limits l = { .r = r, .v1 = v1, .v2 = v2, .emit = note, .e = &e };

	seen.text[0] = 0;
	e = (struct err){ 0 };
	return cg_limits_each(&l) < 0 ? e.text : seen.text;
}

#define ALL (CG_BIT(CG_CONTROLLERS) - 1)

static void numbers_go_to_files(void **state)
{
	struct resources r = RESOURCES_INIT;

	(void)state;
	assert_string_equal(writes(&r, ALL, 0), "");
	r.memory_limit = 1 << 20;
	r.memory_swap = 3 << 20;
	r.memory_reservation = 4096;
	r.memory_swappiness = 0;
	r.memory_kernel = 4096;
	r.pids_limit = 10;
	r.cpu_shares = 1024;
	r.cpu_quota_us = 50000;
	r.cpu_period_us = 100000;
	r.cpuset_cpus = "0-1";
	assert_string_equal(writes(&r, ALL, 0), "memory.limit_in_bytes=1048576\n"
						"memory.memsw.limit_in_bytes=3145728\n"
						"memory.soft_limit_in_bytes=4096\n"
						"memory.swappiness=0\n"
						"cpu.shares=1024\n"
						"cpu.cfs_period_us=100000\n"
						"cpu.cfs_quota_us=50000\n"
						"cpuset.cpus=0-1\n"
						"pids.max=10\n");
	assert_string_equal(writes(&r, 0, ALL), "memory.max=1048576\n"
						"memory.swap.max=2097152\n"
						"memory.low=4096\n"
						"cpu.weight=100\n"
						"cpu.max=50000 100000\n"
						"cpuset.cpus=0-1\n"
						"pids.max=10\n");
}

static void no_limit_is_max(void **state)
{
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.memory_limit = r.memory_swap = r.pids_limit = r.cpu_quota_us = -1;
	assert_string_equal(writes(&r, 0, ALL), "memory.max=max?\nmemory.swap.max=max?\n"
						"cpu.max=max\npids.max=max?\n");
	assert_string_equal(writes(&r, ALL, 0), "memory.limit_in_bytes=-1?\n"
						"memory.memsw.limit_in_bytes=-1?\n"
						"cpu.cfs_quota_us=-1?\npids.max=max?\n");
	assert_string_equal(writes(&r, 0, 0), ""); /* can be had without any controller */
	assert_false(cg_wants_limits(&r));
	r.pids_limit = 3;
	assert_true(cg_wants_limits(&r));
	assert_int_equal(cg_limits_controllers(&r, ALL, 0), CG_BIT(CG_PIDS));
}

static void zero_is_not_given(void **state)
{
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.memory_limit = r.memory_swap = r.cpu_shares = r.cpu_quota_us = r.cpu_period_us = 0;
	r.pids_limit = r.io_weight = 0;
	r.cpuset_cpus = "";
	assert_string_equal(writes(&r, ALL, 0), "");
	assert_string_equal(writes(&r, 0, ALL), "");
}

/* v1 wants limit <= memsw at every moment, so that raising both needs the other order. */
static void refused_writes_come_again(void **state)
{
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.memory_limit = 1 << 20;
	r.memory_swap = 2 << 20;
	seen.refuse = "memory.limit_in_bytes";
	assert_string_equal(writes(&r, ALL, 0), "memory.memsw.limit_in_bytes=2097152\n"
						"memory.limit_in_bytes=1048576\n");
	seen.refuse = NULL;
}

static void swap_on_v2(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg_limits l = { .r = &r, .v2 = ALL, .emit = note, .memory_now = "1048576" };

	(void)state;
	r.memory_swap = 2 << 20;
	assert_non_null(strstr(writes(&r, 0, ALL), "needs memory.limit"));
	seen.text[0] = 0;
	assert_int_equal(cg_limits_each(&l), 0); /* an update: the limit in force is known */
	assert_string_equal(seen.text, "memory.swap.max=1048576\n");
	r.memory_limit = 4 << 20;
	assert_non_null(strstr(writes(&r, 0, ALL), "is less than memory.limit"));
	r.memory_limit = 2 << 20;
	assert_string_equal(writes(&r, 0, ALL), "memory.max=2097152\nmemory.swap.max=0\n");
}

static void period_alone_keeps_the_quota(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg_limits l = { .r = &r, .v2 = ALL, .emit = note, .cpu_now = "20000 100000" };

	(void)state;
	r.cpu_period_us = 50000;
	assert_string_equal(writes(&r, 0, ALL), "cpu.max=max 50000\n");
	seen.text[0] = 0;
	assert_int_equal(cg_limits_each(&l), 0);
	assert_string_equal(seen.text, "cpu.max=20000 50000\n");
	r.cpu_period_us = NOT_GIVEN;
	r.cpu_quota_us = 1000;
	assert_string_equal(writes(&r, 0, ALL), "cpu.max=1000\n");
}

static void weights(void **state)
{
	/* As floating point with pow(3) has them. */
	static const uint64_t known[][2] = { { 3, 2 },         { 10, 4 },       { 100, 17 },
					     { 102, 17 },      { 500, 58 },     { 512, 59 },
					     { 1000, 99 },     { 1023, 100 },   { 1025, 101 },
					     { 2000, 170 },    { 2048, 174 },   { 4096, 303 },
					     { 10000, 627 },   { 65536, 3023 }, { 200000, 7899 },
					     { 262143, 10000 } };
	struct resources r = RESOURCES_INIT;

	(void)state;
	assert_int_equal(cg_weight_of_shares(0), 1);
	assert_int_equal(cg_weight_of_shares(2), 1);
	assert_int_equal(cg_weight_of_shares(1024), 100);
	assert_int_equal(cg_weight_of_shares(262144), 10000);
	assert_int_equal(cg_weight_of_shares(1U << 30), 10000);
	for (uint64_t i = 3; i < 262144; i += 97) /* never falls */
		assert_true(cg_weight_of_shares(i) <= cg_weight_of_shares(i + 97));
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(cg_weight_of_shares(known[i][0]), known[i][1]);
	r.io_weight = 500;
	assert_string_equal(writes(&r, 0, ALL), "io.bfq.weight=500|io.weight=4950\n");
	assert_string_equal(writes(&r, ALL, 0), "blkio.bfq.weight=500|blkio.weight=500\n");
	r.io_weight = 10;
	assert_string_equal(writes(&r, 0, ALL), "io.bfq.weight=10|io.weight=1\n");
	r.io_weight = 1000;
	assert_string_equal(writes(&r, 0, ALL), "io.bfq.weight=1000|io.weight=10000\n");
	r.io_weight = NOT_GIVEN;
	r.cpu_weight = 1; /* those of a box are v2's own */
	r.io_weight_v2 = 10000;
	assert_string_equal(writes(&r, 0, ALL), "cpu.weight=1\n"
						"io.weight=10000|io.bfq.weight=1000\n");
	assert_string_equal(writes(&r, ALL, 0), "cpu.shares=10\n"
						"blkio.bfq.weight=1000|blkio.weight=1000\n");
}

static int name_it(void *arg, const char *field)
{
	(void)arg;
	strcat(strcat(seen.text, field), "\n");
	return 0;
}

/* Called as a box calls them; in earnest the first that cannot be had is an error. */
static void limits_are_left_out(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct err e = { 0 };
	struct cg_limits l = {
		.r = &r,
		.v2 = CG_BIT(CG_PIDS),
		.emit = note,
		.leave_out = name_it,
		.e = &e,
	};

	(void)state;
	r.of_box = true;
	r.memory_reservation = 1 << 20;
	r.pids_limit = 10;
	seen.text[0] = 0;
	assert_int_equal(cg_limits_each(&l), -ENOENT);
	assert_non_null(strstr(e.text, "memory-low: needs the cgroup controller memory"));
	l.best_effort = true;
	assert_int_equal(cg_limits_each(&l), 0);
	assert_string_equal(seen.text, "memory-low\npids.max=10\n");
}

/* ---- in the words of systemd ---- */

/* A line for each. */
static const char *properties_of(struct arena *a, const struct resources *r, unsigned v1,
				 unsigned v2)
{
	struct cg_system s = {
		.n = 2, .trees = { { .controllers = v1 }, { .controllers = v2, .unified = true } }
	};
	struct err e = { 0 };
	strings list = { 0 };

	seen.text[0] = 0;
	if (cg_properties(a, &s, r, &list, &e) < 0)
		return arena_strdup(a, e.text);
	for (size_t i = 0; i < list.n; i++)
		sprintf(seen.text + strlen(seen.text), "%s\n", list.items[i]);
	return seen.text;
}

static void limits_as_properties(void **state)
{
	struct arena *a = arena_new();
	struct resources r = RESOURCES_INIT;

	(void)state;
	assert_string_equal(properties_of(a, &r, ALL, 0), "");
	r.memory_limit = 1 << 20;
	r.memory_swap = 3 << 20;
	r.memory_reservation = 4096;
	r.pids_limit = 10;
	r.cpu_shares = 1024;
	r.cpu_quota_us = 50000;
	r.cpu_period_us = 200000;
	r.cpuset_cpus = "0-2,9";
	r.cpuset_mems = "0";
	r.io_weight = 500;
	assert_string_equal(properties_of(a, &r, 0, ALL), "MemoryMax=uint64 1048576\n"
							  "MemorySwapMax=uint64 2097152\n"
							  "MemoryLow=uint64 4096\n"
							  "CPUWeight=uint64 100\n"
							  "CPUQuotaPerSecUSec=uint64 250000\n"
							  "CPUQuotaPeriodUSec=uint64 200000\n"
							  "AllowedCPUs=@ay [7, 2]\n"
							  "AllowedMemoryNodes=@ay [1]\n"
							  "TasksMax=uint64 10\n"
							  "IOWeight=uint64 4950\n");
	assert_string_equal(properties_of(a, &r, ALL, 0), "MemoryLimit=uint64 1048576\n"
							  "CPUShares=uint64 1024\n"
							  "CPUQuotaPerSecUSec=uint64 250000\n"
							  "CPUQuotaPeriodUSec=uint64 200000\n"
							  "TasksMax=uint64 10\n"
							  "BlockIOWeight=uint64 500\n");
	r = (struct resources)RESOURCES_INIT;
	r.memory_limit = r.pids_limit = r.cpu_quota_us = -1;
	assert_string_equal(properties_of(a, &r, 0, ALL),
			    "MemoryMax=uint64 18446744073709551615\n"
			    "CPUQuotaPerSecUSec=uint64 18446744073709551615\n"
			    "TasksMax=uint64 18446744073709551615\n");
	r = (struct resources)RESOURCES_INIT;
	r.cpu_quota_us = 12345; /* in steps of ten milliseconds a second, never less */
	assert_string_equal(properties_of(a, &r, 0, ALL), "CPUQuotaPerSecUSec=uint64 130000\n");
	r.cpu_quota_us = NOT_GIVEN;
	r.cpuset_cpus = "99999"; /* the kernel will say what is wrong with these */
	assert_string_equal(properties_of(a, &r, 0, ALL), "");
	r.cpuset_cpus = "1-,";
	assert_string_equal(properties_of(a, &r, 0, ALL), "");
	r.pids_limit = 5;
	assert_non_null(strstr(properties_of(a, &r, 0, 0), "needs the cgroup controller"));
	arena_free(a);
}

static void files_of_unified_as_properties(void **state)
{
	struct key files[] = { { "memory.high", "4096" },   { "memory.min", "max" },
			       { "memory.oom.group", "1" }, { "cpu.max", "10000 100000" },
			       { "pids.max", "many" },      { "io.weight", "8:0 50" } };
	struct arena *a = arena_new();
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.unified.items = files;
	r.unified.n = ARRAY_SIZE(files);
	assert_string_equal(properties_of(a, &r, 0, ALL), "MemoryHigh=uint64 4096\n"
							  "MemoryMin=uint64 18446744073709551615\n"
							  "CPUQuotaPerSecUSec=uint64 100000\n");
	arena_free(a);
}

/* Told on v1 alone, and never more than the rules allow. */
static void devices_as_properties(void **state)
{
	struct device_rule rules[] = {
		{ true, 'b', 9, 9, true, true, true },
		{ false, 'a', -1, -1, true, true, true },
		{ true, 'c', 1, 3, true, true, false },
		{ true, 'c', -1, -1, false, false, true },
		{ true, 'a', 5, 1, true, false, false },
		{ true, 'c', 1, -1, true, false, false },
		{ true, 'c', 4095, -1, true, true, true },
	};
	struct arena *a = arena_new();
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.devices.items = rules;
	r.devices.n = ARRAY_SIZE(rules);
	assert_string_equal(properties_of(a, &r, 0, ALL), "");
	assert_string_equal(
		properties_of(a, &r, ALL, 0),
		"DevicePolicy='strict'\n"
		"DeviceAllow=@a(ss) [('/dev/char/1:3', 'rw'), ('char-*', 'm'), "
		"('/dev/char/5:1', 'r'), ('/dev/block/5:1', 'r'), ('char-mem', 'r')]\n");
	r.devices.n = 2;
	assert_string_equal(properties_of(a, &r, ALL, 0),
			    "DevicePolicy='strict'\nDeviceAllow=@a(ss) []\n");
	rules[0] = (struct device_rule){ true, 'a', -1, -1, true, true, true };
	r.devices.n = 1;
	assert_string_equal(properties_of(a, &r, ALL, 0), "");
	arena_free(a);
}

static void lists(void **state)
{
	struct io_device disk = { .major = 8, .minor = 16, .value = 1048576 };
	struct hugepage_limit huge = { "2MB", 4096 };
	struct rdma_limit rdma = { "mlx5_1", 3, -1 };
	struct network_priority net = { "eth0", 5 };
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.io_read_bps.items = &disk;
	r.io_write_iops.items = &disk;
	r.io_read_bps.n = r.io_write_iops.n = 1;
	r.hugepages.items = &huge;
	r.hugepages.n = 1;
	r.rdma.items = &rdma;
	r.rdma.n = 1;
	assert_string_equal(writes(&r, 0, ALL), "io.max=8:16 rbps=1048576\n"
						"io.max=8:16 wiops=1048576\n"
						"hugetlb.2MB.max=4096\n"
						"hugetlb.2MB.rsvd.max=4096?\n"
						"rdma.max=mlx5_1 hca_handle=3\n");
	r.network_class_id = 1048577;
	r.network_priorities.items = &net;
	r.network_priorities.n = 1;
	assert_string_equal(writes(&r, ALL, 0), "blkio.throttle.read_bps_device=8:16 1048576\n"
						"blkio.throttle.write_iops_device=8:16 1048576\n"
						"hugetlb.2MB.limit_in_bytes=4096\n"
						"hugetlb.2MB.rsvd.limit_in_bytes=4096?\n"
						"net_cls.classid=1048577\n"
						"net_prio.ifpriomap=eth0 5\n"
						"rdma.max=mlx5_1 hca_handle=3\n");
	huge.size = "../../x";
	assert_non_null(strstr(writes(&r, ALL, 0), "no page size"));
}

static void hybrid_takes_each_where_it_is(void **state)
{
	struct hugepage_limit huge = { "2MB", 4096 };
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.pids_limit = 5;
	r.cpu_shares = 2048;
	r.hugepages.items = &huge;
	r.hugepages.n = 1;
	assert_string_equal(writes(&r, CG_BIT(CG_PIDS) | CG_BIT(CG_CPU), CG_BIT(CG_HUGETLB)),
			    "cpu.shares=2048\npids.max=5\nhugetlb.2MB.max=4096\n"
			    "hugetlb.2MB.rsvd.max=4096?\n");
}

static void what_cannot_be_had_is_said(void **state)
{
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.pids_limit = 5;
	assert_string_equal(writes(&r, CG_BIT(CG_CPU), 0),
			    "pids.limit: needs the cgroup controller pids, which is not mounted "
			    "here, not delegated to this user or not in this kernel");
	r = (struct resources)RESOURCES_INIT;
	r.cpu_rt_runtime_us = 1000;
	assert_non_null(strstr(writes(&r, 0, ALL), "exists only in cgroup v1"));
	r = (struct resources)RESOURCES_INIT;
	r.network_class_id = 1;
	assert_non_null(strstr(writes(&r, 0, CG_BIT(CG_CPU)), "exists only in cgroup v1"));
	r = (struct resources)RESOURCES_INIT;
	r.memory_oom_killer_off = true;
	assert_string_equal(writes(&r, ALL, 0), "memory.oom_control=1\n");
	assert_non_null(strstr(writes(&r, 0, ALL), "memory.disableOOMKiller: exists only"));
}

static void unified_files(void **state)
{
	struct key files[] = { { "memory.high", "1000000" }, { "cpu.max", "1000 10000" } };
	struct resources r = RESOURCES_INIT;

	(void)state;
	r.unified.items = files;
	r.unified.n = 2;
	assert_string_equal(writes(&r, 0, ALL), "memory.high=1000000\ncpu.max=1000 10000\n");
	assert_int_equal(cg_limits_controllers(&r, 0, ALL), CG_BIT(CG_MEMORY) | CG_BIT(CG_CPU));
	files[0].key = "../memory.max";
	assert_non_null(strstr(writes(&r, 0, ALL), "no file of a cgroup"));
	files[0].key = "..";
	assert_non_null(strstr(writes(&r, 0, ALL), "no file of a cgroup"));
}

/* ---- the device program ---- */

/* As much of BPF as the compiler uses. */
static int run_program(const struct devices_program *p, uint32_t type, uint32_t access,
		       uint32_t major, uint32_t minor)
{
	uint32_t reg[11] = { 0 };

	for (unsigned pc = 0, steps = 0; steps < 100000; pc++, steps++) {
		const struct bpf_insn *i = &p->code[pc];
		uint32_t k = (uint32_t)i->imm;

		assert_true(pc < p->n);
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, 1);
			reg[i->dst_reg] = i->off == 0   ? access << 16 | type
					  : i->off == 4 ? major
							: minor;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			reg[i->dst_reg] &= k;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			reg[i->dst_reg] >>= k;
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			reg[i->dst_reg] = reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			reg[i->dst_reg] = k;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			pc += reg[i->dst_reg] != k ? (unsigned)i->off : 0;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			pc += reg[i->dst_reg] == k ? (unsigned)i->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)reg[0];
		default:
			fail_msg("instruction %#x", i->code);
		}
	}
	fail_msg("the program does not end");
	return -1;
}

/* What the rules mean, said once more and differently: the last that matches decides, by right. */
static int judge(const struct device_rule *rules, size_t n, uint32_t type, uint32_t access,
		 uint32_t major, uint32_t minor)
{
	for (uint32_t bit = 1; bit <= 4; bit <<= 1) {
		bool allow = false;

		if (!(access & bit))
			continue;
		for (size_t i = 0; i < n; i++) {
			const struct device_rule *d = &rules[i];
			uint32_t bits =
				(d->mknod ? 1U : 0) | (d->read ? 2U : 0) | (d->write ? 4U : 0);

			if ((d->type == 'a' || (d->type == 'b') == (type == 1)) &&
			    (d->major < 0 || d->major == major) &&
			    (d->minor < 0 || d->minor == minor) && (bits & bit))
				allow = d->allow;
		}
		if (!allow)
			return 0;
	}
	return 1;
}

static void compare(const struct device_rule *rules, size_t n)
{
	struct resources r = RESOURCES_INIT;
	struct devices_program p;

	r.devices.items = (struct device_rule *)rules;
	r.devices.n = n;
	assert_int_equal(devices_compile(&r, &p), 0);
	for (uint32_t type = 1; type <= 2; type++)
		for (uint32_t access = 1; access <= 7; access++)
			for (uint32_t major = 0; major < 4; major++)
				for (uint32_t minor = 0; minor < 4; minor++)
					assert_int_equal(
						run_program(&p, type, access, major, minor),
						judge(rules, n, type, access, major, minor));
}

static void device_rules(void **state)
{
	const struct device_rule usual[] = {
		{ false, 'a', -1, -1, true, true, true }, { true, 'c', -1, -1, .mknod = true },
		{ true, 'c', 1, 3, true, true, true },    { true, 'b', 2, -1, .read = true },
		{ true, 'b', 2, 1, .write = true },       { false, 'c', 1, 3, .write = true },
	};
	const struct device_rule open[] = {
		{ true, 'a', -1, -1, true, true, true },
		{ false, 'b', -1, 3, .write = true },
	};

	(void)state;
	compare(usual, ARRAY_SIZE(usual));
	compare(open, ARRAY_SIZE(open));
	compare(usual + 1, 2);
	compare(NULL, 0);
}

static void random_device_rules(void **state)
{
	struct device_rule rules[8];

	(void)state;
	srand(7);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
			rules[i] = (struct device_rule){
				.allow = rand() % 2,
				.type = "abc"[rand() % 3],
				.major = rand() % 5 - 1,
				.minor = rand() % 5 - 1,
				.read = rand() % 2,
				.write = rand() % 2,
				.mknod = rand() % 2,
			};
		compare(rules, ARRAY_SIZE(rules));
	}
}

static void too_many_device_rules(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct devices_program p;
	struct device_rule *rules = calloc(1000, sizeof(*rules));

	(void)state;
	for (int i = 0; i < 1000; i++)
		rules[i] = (struct device_rule){ true, 'c', i, i, true, true, true };
	r.devices.items = rules;
	r.devices.n = 1000;
	assert_int_equal(devices_compile(&r, &p), -E2BIG);
	r.devices.n = 400;
	assert_int_equal(devices_compile(&r, &p), 0);
	free(rules);
}

/* ---- saved ---- */

static void saved_and_opened(void **state)
{
	const char text[] = "mark 0123456789abcdef\n"
			    "hybrid v1 3 0 /sys/fs/cgroup/cpu,cpuacct/a b\n"
			    "hybrid v2 256 2 /sys/fs/cgroup/unified/a b\n";
	struct cg cg = CG_INIT;
	char *saved;

	(void)state;
	assert_int_equal(cg_open(&cg, text, NULL), 0);
	assert_int_equal(cg.layout, CG_HYBRID);
	assert_string_equal(cg_path(&cg, CG_CPUACCT), "/sys/fs/cgroup/cpu,cpuacct/a b");
	assert_string_equal(cg_unified_path(&cg), "/sys/fs/cgroup/unified/a b");
	assert_null(cg_path(&cg, CG_MEMORY));
	saved = cg_save(&cg);
	assert_string_equal(saved, text);
	free(saved);
	cg_done(&cg);
	assert_int_equal(cg_open(&cg, "none\n", NULL), 0);
	assert_int_equal(cg.layout, CG_NONE);
	assert_int_equal(cg_kill(&cg, NULL), -EOPNOTSUPP);
	cg_done(&cg);
}

static void damaged_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"none",
		"v2",
		"v2 v2 1 1\n",
		"v2 v2 1 1 relative\n",
		"v2 v1 1 1 /a\n",
		"v1 v1 99999999 1 /a\n",
		"v1 v1 -1 1 /a\n",
		"hybrid v1 1 1 /a\n",
		"v1 v1 1 1 /a\nv2 v2 1 1 /b\n",
		"v1 1 1 /a\n",
		"mark 0123456789abcdef\n",
		"mark 0123\nv1 v1 1 1 /a\n",
		"mark 0123456789abcdefg\nv1 v1 1 1 /a\n",
		"v1 v1 1 1 /a\nmark 0123456789abcdef\n",
	};
	struct cg cg = CG_INIT;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(cg_open(&cg, bad[i], &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hybrid_machine),
		cmocka_unit_test(machine_with_v2_or_nothing),
		cmocka_unit_test(only_a_part_is_mounted),
		cmocka_unit_test(odd_mounts),
		cmocka_unit_test(numbers_go_to_files),
		cmocka_unit_test(no_limit_is_max),
		cmocka_unit_test(zero_is_not_given),
		cmocka_unit_test(refused_writes_come_again),
		cmocka_unit_test(swap_on_v2),
		cmocka_unit_test(period_alone_keeps_the_quota),
		cmocka_unit_test(weights),
		cmocka_unit_test(limits_are_left_out),
		cmocka_unit_test(lists),
		cmocka_unit_test(limits_as_properties),
		cmocka_unit_test(files_of_unified_as_properties),
		cmocka_unit_test(devices_as_properties),
		cmocka_unit_test(hybrid_takes_each_where_it_is),
		cmocka_unit_test(what_cannot_be_had_is_said),
		cmocka_unit_test(unified_files),
		cmocka_unit_test(device_rules),
		cmocka_unit_test(random_device_rules),
		cmocka_unit_test(too_many_device_rules),
		cmocka_unit_test(saved_and_opened),
		cmocka_unit_test(damaged_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
