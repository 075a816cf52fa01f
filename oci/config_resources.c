/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `linux.resources` of config.json, which is also what `update --resources` reads. Engines write 0
 * for most limits that nobody asked for, and every runtime takes it so; json_set_some says where.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/resources.h"
#include "base/str.h"
#include "config_tables.h"

#define RES(name, set, member, ...) ROW(name, set, struct resources, member, ##__VA_ARGS__)
/* An object whose members are kept in the resources themselves. */
#define PART(name_, table_)                                                 \
	{                                                                   \
		.name = (name_), .set = json_set_object, .table = &(table_) \
	}

/* ---- devices ---- */

#define RULE(name, set, member, ...) ROW(name, set, struct device_rule, member, ##__VA_ARGS__)

static int set_rule_type(const struct json_reader *r, const struct json_path *at,
			 const struct json *v, const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0 || !s)
		return ret;
	if (s[1] || !strchr("abc", s[0]))
		return json_fail(r, at, EINVAL, "\"%.16s\" is not one of a, b, c", s);
	*(char *)out = s[0];
	return 0;
}

/* The offset of "access" is that of the rule. */
static int set_access(const struct json_reader *r, const struct json_path *at, const struct json *v,
		      const struct json_row *row, void *out)
{
	struct device_rule *rule = out;
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0 || !s)
		return ret;
	if (s[strspn(s, "rwm")])
		return json_fail(r, at, EINVAL, "\"%.16s\" is not made of r, w, m", s);
	rule->read = strchr(s, 'r') != NULL;
	rule->write = strchr(s, 'w') != NULL;
	rule->mknod = strchr(s, 'm') != NULL;
	return 0;
}

static const struct json_row rule_rows[] = {
	RULE("allow", json_set_bool, allow, .required = true),
	RULE("type", set_rule_type, type),
	RULE("major", json_set_i64, major, .min = -1, .max = UINT32_MAX),
	RULE("minor", json_set_i64, minor, .min = -1, .max = UINT32_MAX),
	{ .name = "access", .set = set_access },
};

static const struct device_rule any_device = {
	.type = 'a',
	.major = -1,
	.minor = -1,
	.read = true,
	.write = true,
	.mknod = true,
};

static const struct json_table rule_table =
	TABLE(struct device_rule, rule_rows, .init = &any_device);

/* ---- memory, cpu, pids ---- */

static int set_tri(const struct json_reader *r, const struct json_path *at, const struct json *v,
		   const struct json_row *row, void *out)
{
	bool yes = false;
	int ret = json_set_bool(r, at, v, row, &yes);

	if (ret == 0)
		*(int64_t *)out = yes;
	return ret;
}

/* runc takes every negative number of these as "no limit". */
static int set_any_limit(const struct json_reader *r, const struct json_path *at,
			 const struct json *v, const struct json_row *row, void *out)
{
	int ret = json_set_some(r, at, v, row, out);

	if (ret == 0 && *(int64_t *)out < 0 && *(int64_t *)out != NOT_GIVEN)
		*(int64_t *)out = -1;
	return ret;
}

/* Docker writes -1 without a sign for what nobody asked for. */
static int set_swappiness(const struct json_reader *r, const struct json_path *at,
			  const struct json *v, const struct json_row *row, void *out)
{
	if (json_is(v, JSON_INT) && v->number == UINT64_MAX) /* in two's complement */
		return 0;
	return json_set_i64(r, at, v, row, out);
}

#define LIMIT(name, member) RES(name, json_set_some, member, .min = -1, .max = INT64_MAX)
#define ANY_LIMIT(name, member) \
	RES(name, set_any_limit, member, .min = INT64_MIN + 1, .max = INT64_MAX)

static const struct json_row memory_rows[] = {
	LIMIT("limit", memory_limit),
	LIMIT("reservation", memory_reservation),
	LIMIT("swap", memory_swap),
	LIMIT("kernel", memory_kernel),
	LIMIT("kernelTCP", memory_kernel_tcp),
	RES("swappiness", set_swappiness, memory_swappiness, .max = 100),
	RES("disableOOMKiller", json_set_bool, memory_oom_killer_off),
	RES("useHierarchy", set_tri, memory_use_hierarchy),
	RES("checkBeforeUpdate", json_set_bool, memory_check_before_update),
};

static const struct json_row cpu_rows[] = {
	RES("shares", json_set_some, cpu_shares, .max = INT64_MAX),
	ANY_LIMIT("quota", cpu_quota_us),
	RES("burst", json_set_i64, cpu_burst_us, .max = INT64_MAX),
	RES("period", json_set_some, cpu_period_us, .max = INT64_MAX),
	LIMIT("realtimeRuntime", cpu_rt_runtime_us),
	RES("realtimePeriod", json_set_some, cpu_rt_period_us, .max = INT64_MAX),
	RES("cpus", json_set_string, cpuset_cpus),
	RES("mems", json_set_string, cpuset_mems),
	RES("idle", json_set_i64, cpu_idle, .max = 1),
};

static const struct json_row pids_rows[] = {
	ANY_LIMIT("limit", pids_limit),
};

static const struct json_table memory_table = TABLE(struct resources, memory_rows);
static const struct json_table cpu_table = TABLE(struct resources, cpu_rows);
static const struct json_table pids_table = TABLE(struct resources, pids_rows);

/* ---- blockIO ---- */

#define DEVICE(name, set, member, ...) ROW(name, set, struct io_device, member, ##__VA_ARGS__)
#define WEIGHT_MIN                     10
#define WEIGHT_MAX                     1000

static int check_weight(const struct json_reader *r, const struct json_path *at, void *filled)
{
	const struct io_device *d = filled;

	if (d->value == 0 && d->leaf_weight == NOT_GIVEN)
		return json_fail(r, at, EINVAL, "has neither a weight nor a leafWeight");
	return 0;
}

static const struct json_row weight_rows[] = {
	DEVICE("major", json_set_u32, major, .required = true),
	DEVICE("minor", json_set_u32, minor, .required = true),
	DEVICE("weight", json_set_u64, value, .max = WEIGHT_MAX),
	DEVICE("leafWeight", json_set_some, leaf_weight, .max = WEIGHT_MAX),
};

static const struct json_row throttle_rows[] = {
	DEVICE("major", json_set_u32, major, .required = true),
	DEVICE("minor", json_set_u32, minor, .required = true),
	DEVICE("rate", json_set_u64, value, .required = true),
};

static const struct io_device no_device = { .leaf_weight = NOT_GIVEN };
static const struct json_table weight_table =
	TABLE(struct io_device, weight_rows, .init = &no_device, .check = check_weight);
static const struct json_table throttle_table =
	TABLE(struct io_device, throttle_rows, .init = &no_device);

static int set_weight(const struct json_reader *r, const struct json_path *at, const struct json *v,
		      const struct json_row *row, void *out)
{
	int64_t weight = NOT_GIVEN;
	int ret = json_set_some(r, at, v, row, &weight);

	if (ret == 0 && weight != NOT_GIVEN && weight < WEIGHT_MIN)
		return json_fail(r, at, ERANGE, "must be at least %d", WEIGHT_MIN);
	if (ret == 0)
		*(int64_t *)out = weight;
	return ret;
}

static const struct json_row block_io_rows[] = {
	RES("weight", set_weight, io_weight, .max = WEIGHT_MAX),
	RES("leafWeight", set_weight, io_leaf_weight, .max = WEIGHT_MAX),
	RES("weightDevice", json_set_list, io_weight_device, .table = &weight_table),
	RES("throttleReadBpsDevice", json_set_list, io_read_bps, .table = &throttle_table),
	RES("throttleWriteBpsDevice", json_set_list, io_write_bps, .table = &throttle_table),
	RES("throttleReadIOPSDevice", json_set_list, io_read_iops, .table = &throttle_table),
	RES("throttleWriteIOPSDevice", json_set_list, io_write_iops, .table = &throttle_table),
};

static const struct json_table block_io_table = TABLE(struct resources, block_io_rows);

/* ---- hugepages, network, rdma, unified ---- */

/* "2MB": the name of a file of the cgroup has it in the middle. */
static int set_page_size(const struct json_reader *r, const struct json_path *at,
			 const struct json *v, const struct json_row *row, void *out)
{
	const char *s = NULL, *unit;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0)
		return ret;
	unit = s + strspn(s, "0123456789");
	if (s[0] == '0' || unit == s || !*unit || !strchr("KMG", *unit) || !str_eq(unit + 1, "B"))
		return json_fail(r, at, EINVAL, "\"%.32s\" is not a size like 2MB", s);
	*(const char **)out = s;
	return 0;
}

static const struct json_row hugepage_rows[] = {
	ROW("pageSize", set_page_size, struct hugepage_limit, size, .required = true),
	ROW("limit", json_set_u64, struct hugepage_limit, limit_bytes, .required = true),
};

static const struct json_row priority_rows[] = {
	ROW("name", json_set_string, struct network_priority, name, .required = true),
	ROW("priority", json_set_u32, struct network_priority, priority, .required = true),
};

static const struct json_table hugepage_table = TABLE(struct hugepage_limit, hugepage_rows);
static const struct json_table priority_table = TABLE(struct network_priority, priority_rows);

static const struct json_row network_rows[] = {
	RES("classID", json_set_some, network_class_id, .max = UINT32_MAX),
	RES("priorities", json_set_list, network_priorities, .table = &priority_table),
};

static const struct json_row rdma_rows[] = {
	ROW("hcaHandles", json_set_i64, struct rdma_limit, handles, .max = UINT32_MAX),
	ROW("hcaObjects", json_set_i64, struct rdma_limit, objects, .max = UINT32_MAX),
};

static const struct rdma_limit no_rdma = { .handles = NOT_GIVEN, .objects = NOT_GIVEN };
static const struct json_table network_table = TABLE(struct resources, network_rows);
static const struct json_table rdma_table = TABLE(struct rdma_limit, rdma_rows, .init = &no_rdma);

/* A key is the name of a file in the cgroup's own directory. */
static int set_unified(const struct json_reader *r, const struct json_path *at,
		       const struct json *v, const struct json_row *row, void *out)
{
	keys list = { 0 };
	int ret = json_set_keys(r, at, v, row, &list);

	for (size_t i = 0; i < list.n && ret == 0; i++)
		if (strchr(list.items[i].key, '/') || !strchr(list.items[i].key, '.'))
			ret = json_fail(r, JSON_KEY(at, list.items[i].key), EINVAL,
					"the name is not one of a file like memory.high");
	if (ret == 0)
		*(keys *)out = list;
	return ret;
}

/* ---- the whole ---- */

static const struct json_row resources_rows[] = {
	RES("devices", json_set_list, devices, .table = &rule_table),
	PART("memory", memory_table),
	PART("cpu", cpu_table),
	PART("pids", pids_table),
	PART("blockIO", block_io_table),
	RES("hugepageLimits", json_set_list, hugepages, .table = &hugepage_table),
	PART("network", network_table),
	RES("rdma", json_set_map, rdma, .table = &rdma_table),
	RES("unified", set_unified, unified),
};

const struct json_table resources_table = TABLE(struct resources, resources_rows);
