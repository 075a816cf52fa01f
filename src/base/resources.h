/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits on what a group of processes uses, as plain data: a bundle asks for them in the words of
 * the OCI runtime specification (`linux.resources`), a box by options; cg/ puts them in force. The
 * units are the specification's: bytes, microseconds, counts. Where a value was not given, numbers
 * are NOT_GIVEN, pointers NULL and lists empty; -1 means "no limit".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define NOT_GIVEN INT64_MIN

struct device_rule {
	bool allow;
	char type;            /* 'a': every device, 'c', 'b' */
	int64_t major, minor; /* -1: all */
	bool read, write, mknod;
};

struct io_device {
	uint32_t major, minor;
	uint64_t value;      /* weight, or a rate per second */
	int64_t leaf_weight; /* beside a weight, v1 only */
};

typedef LIST(struct io_device) io_devices;

struct key {
	const char *key, *value;
};

typedef LIST(struct key) keys;

struct hugepage_limit {
	const char *size; /* "2MB" */
	uint64_t limit_bytes;
};

struct network_priority {
	const char *name;
	uint32_t priority;
};

struct rdma_limit {
	const char *device;
	int64_t handles, objects;
};

struct resources {
	LIST(struct device_rule) devices; /* in order, the last that matches decides */
	/* memory */
	int64_t memory_limit, memory_reservation;
	int64_t memory_swap; /* memory and swap together, as v1 counts */
	int64_t memory_kernel, memory_kernel_tcp;
	int64_t memory_swappiness; /* 0 - 100 */
	bool memory_oom_killer_off, memory_check_before_update;
	int64_t memory_use_hierarchy; /* 0, 1 */
	/* cpu */
	int64_t cpu_shares, cpu_quota_us, cpu_period_us, cpu_burst_us;
	int64_t cpu_rt_runtime_us, cpu_rt_period_us, cpu_idle;
	int64_t cpu_weight; /* 1 - 10000, as v2 counts; instead of shares */
	const char *cpuset_cpus, *cpuset_mems;
	int64_t pids_limit;
	/* block I/O: weights 10 - 1000 */
	int64_t io_weight, io_leaf_weight;
	int64_t io_weight_v2; /* 1 - 10000, instead of io_weight */
	io_devices io_weight_device, io_read_bps, io_write_bps, io_read_iops, io_write_iops;
	LIST(struct hugepage_limit) hugepages;
	int64_t network_class_id;
	LIST(struct network_priority) network_priorities;
	LIST(struct rdma_limit) rdma;
	keys unified; /* file of the cgroup2 directory, and what is written there */
	/* of a box */
	bool of_box;       /* errors call a limit as the option does */
	bool swap_implied; /* by a limit of memory; a kernel that does not count swap is no error */
};

#define RESOURCES_INIT                                                                            \
	{                                                                                         \
		.memory_limit = NOT_GIVEN, .memory_reservation = NOT_GIVEN,                       \
		.memory_swap = NOT_GIVEN, .memory_kernel = NOT_GIVEN,                             \
		.memory_kernel_tcp = NOT_GIVEN, .memory_swappiness = NOT_GIVEN,                   \
		.memory_use_hierarchy = NOT_GIVEN, .cpu_shares = NOT_GIVEN,                       \
		.cpu_quota_us = NOT_GIVEN, .cpu_period_us = NOT_GIVEN, .cpu_burst_us = NOT_GIVEN, \
		.cpu_rt_runtime_us = NOT_GIVEN, .cpu_rt_period_us = NOT_GIVEN,                    \
		.cpu_idle = NOT_GIVEN, .pids_limit = NOT_GIVEN, .io_weight = NOT_GIVEN,           \
		.io_leaf_weight = NOT_GIVEN, .network_class_id = NOT_GIVEN,                       \
		.cpu_weight = NOT_GIVEN, .io_weight_v2 = NOT_GIVEN,                               \
	}
