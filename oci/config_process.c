/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `process` of config.json, which is also what `exec --process` reads. */
#include <ctype.h>
#include <errno.h>
#include <linux/ioprio.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/rlimits.h"
#include "base/str.h"
#include "config.h"
#include "config_tables.h"

#define PROCESS(name, set, member, ...) \
	ROW(name, set, struct container_process, member, ##__VA_ARGS__)

/* ---- consoleSize, user ---- */

#define CONSOLE_SIDE_MAX UINT16_MAX /* struct winsize */

static const struct json_row console_rows[] = {
	PROCESS("height", json_set_u32, console_height, .required = true, .max = CONSOLE_SIDE_MAX),
	PROCESS("width", json_set_u32, console_width, .required = true, .max = CONSOLE_SIDE_MAX),
};

static const struct json_row user_rows[] = {
	PROCESS("uid", json_set_u32, uid, .max = UINT32_MAX - 1), /* -1 is "leave it" */
	PROCESS("gid", json_set_u32, gid, .max = UINT32_MAX - 1),
	PROCESS("umask", json_set_u32, umask, GIVEN(struct container_process, umask_given),
		.max = 0777),
	PROCESS("additionalGids", json_set_u32s, additional_gids, .max = UINT32_MAX - 1),
};

static const struct json_table console_table = TABLE(struct container_process, console_rows);
static const struct json_table user_table = TABLE(struct container_process, user_rows);

/* ---- args, env ---- */

static int set_args(const struct json_reader *r, const struct json_path *at, const struct json *v,
		    const struct json_row *row, void *out)
{
	int ret = json_set_strings(r, at, v, row, out);

	if (ret == 0 && ((strings *)out)->n == 0)
		return json_fail(r, at, EINVAL, "must not be empty");
	return ret;
}

int config_env_put(struct arena *a, strings *env, const char *s)
{
	size_t name_len = strcspn(s, "=") + 1;
	const char **slot;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->items[i], s, name_len) != 0)
			continue;
		env->items[i] = s;
		return 0;
	}
	slot = arena_push(a, &env->items, &env->n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = s;
	return 0;
}

static int set_environment(const struct json_reader *r, const struct json_path *at,
			   const struct json *v, const struct json_row *row, void *out)
{
	strings given = { 0 }, env = { 0 };
	int ret = json_set_strings(r, at, v, row, &given);

	for (size_t i = 0; i < given.n && ret == 0; i++) {
		const char *s = given.items[i], *equals = strchr(s, '=');

		if (!equals || equals == s)
			return json_fail(r, JSON_ELEMENT(at, i), EINVAL,
					 "\"%.64s\" is not NAME=VALUE", s);
		if (config_env_put(r->a, &env, s) < 0)
			return json_no_memory(r);
	}
	if (ret == 0)
		*(strings *)out = env;
	return ret;
}

/* ---- capabilities ---- */

uint64_t config_capability(const char *name)
{
	/* "all" is a word of ours, not a capability. */
	return strcasecmp(name, "all") == 0 ? 0 : caps_by_name(name);
}

static int add_unknown(const struct json_reader *r, struct container_process *p, const char *name)
{
	const char **slot;

	for (size_t i = 0; i < p->unknown_caps.n; i++)
		if (str_eq(p->unknown_caps.items[i], name))
			return 0;
	slot = arena_push(r->a, &p->unknown_caps.items, &p->unknown_caps.n, sizeof(*slot));
	if (!slot)
		return json_no_memory(r);
	*slot = name;
	return 0;
}

/* `row->max` is the set; what is filled is the whole process. */
static int set_caps(const struct json_reader *r, const struct json_path *at, const struct json *v,
		    const struct json_row *row, void *out)
{
	struct container_process *p = out;
	int ret = json_must_be(r, at, v, JSON_LIST);

	if (ret < 0)
		return ret;
	p->caps[row->max] = 0;
	json_each(item, v) {
		const char *name;
		uint64_t cap;

		ret = json_text(r, JSON_ELEMENT(at, item->nth), item, &name);
		if (ret < 0)
			return ret;
		cap = config_capability(name);
		p->caps[row->max] |= cap;
		if (!cap && (ret = add_unknown(r, p, name)) < 0)
			return ret;
	}
	return 0;
}

static const struct json_row caps_rows[] = {
	{ .name = "bounding", .set = set_caps, .max = CAP_BOUNDING },
	{ .name = "effective", .set = set_caps, .max = CAP_EFFECTIVE },
	{ .name = "inheritable", .set = set_caps, .max = CAP_INHERITABLE },
	{ .name = "permitted", .set = set_caps, .max = CAP_PERMITTED },
	{ .name = "ambient", .set = set_caps, .max = CAP_AMBIENT },
};

static const struct json_table caps_table = TABLE(struct container_process, caps_rows);

/* ---- rlimits ---- */

#define RLIMIT(name, set, member) ROW(name, set, struct rlimit_wish, member, .required = true)

/* "RLIMIT_NOFILE" */
static int set_rlimit_type(const struct json_reader *r, const struct json_path *at,
			   const struct json *v, const struct json_row *row, void *out)
{
	char name[16] = "";
	const char *s;
	int resource = -EINVAL, ret = json_text(r, at, v, &s);

	(void)row;
	if (ret < 0)
		return ret;
	if (str_starts(s, "RLIMIT_") && strlen(s) - strlen("RLIMIT_") < sizeof(name)) {
		for (size_t i = strlen("RLIMIT_"), to = 0; s[i]; i++)
			name[to++] = (char)tolower((unsigned char)s[i]);
		resource = rlimit_by_name(name);
	}
	if (resource < 0)
		return json_fail(r, at, EINVAL, "\"%.64s\" is not a limit", s);
	*(int *)out = resource;
	return 0;
}

static int check_rlimit(const struct json_reader *r, const struct json_path *at, void *filled)
{
	const struct rlimit_wish *w = filled;

	if (w->limit.rlim_cur > w->limit.rlim_max)
		return json_fail(r, at, EINVAL, "the soft limit is above the hard one");
	return 0;
}

/* rlim_t is 64 bits wide wherever we run. */
static const struct json_row rlimit_rows[] = {
	RLIMIT("type", set_rlimit_type, resource),
	RLIMIT("soft", json_set_u64, limit.rlim_cur),
	RLIMIT("hard", json_set_u64, limit.rlim_max),
};

static const struct json_table rlimit_table =
	TABLE(struct rlimit_wish, rlimit_rows, .check = check_rlimit);

static int set_rlimits(const struct json_reader *r, const struct json_path *at,
		       const struct json *v, const struct json_row *row, void *out)
{
	rlimits list = { 0 };
	uint64_t seen = 0;
	int ret = json_set_list(r, at, v, row, &list);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < list.n; i++) {
		uint64_t bit = UINT64_C(1) << list.items[i].resource;

		if (seen & bit)
			return json_fail(r, JSON_KEY(JSON_ELEMENT(at, i), "type"), EINVAL,
					 "this limit was given before");
		seen |= bit;
	}
	*(rlimits *)out = list;
	return 0;
}

/* ---- scheduling ---- */

#define SCHED(name, set, member, ...) \
	ROW(name, set, struct container_scheduler, member, ##__VA_ARGS__)

static const struct json_row scheduler_rows[] = {
	SCHED("policy", json_set_word, policy, .required = true, .words = &sched_policies),
	SCHED("nice", json_set_int, nice, .min = -20, .max = 19),
	SCHED("priority", json_set_u32, priority, .max = 99),
	SCHED("flags", json_set_flags, flags, .words = &sched_flags),
	SCHED("runtime", json_set_u64, runtime_ns),
	SCHED("deadline", json_set_u64, deadline_ns),
	SCHED("period", json_set_u64, period_ns),
};

static const struct json_table scheduler_table = TABLE(struct container_scheduler, scheduler_rows);

struct io_priority {
	int class, level;
};

static const struct json_row io_priority_rows[] = {
	ROW("class", json_set_word, struct io_priority, class, .required = true,
	    .words = &io_classes),
	ROW("priority", json_set_int, struct io_priority, level, .required = true,
	    .max = IOPRIO_NR_LEVELS - 1),
};

static const struct json_table io_priority_table = TABLE(struct io_priority, io_priority_rows);

static int set_io_priority(const struct json_reader *r, const struct json_path *at,
			   const struct json *v, const struct json_row *row, void *out)
{
	struct io_priority p = { 0 };
	int ret = json_read(r, at, v, row->table, &p);

	if (ret == 0)
		*(int *)out = p.class << IOPRIO_CLASS_SHIFT | p.level;
	return ret;
}

/* "0-3,7": the kernel's format, and blanks around the commas. */
bool config_is_cpu_list(const char *s)
{
	while (*s) {
		uint64_t from, to;

		s += strspn(s, " ,");
		if (!*s)
			break;
		if (str_take_u64(&s, &from) < 0 || from > UINT16_MAX)
			return false;
		to = from;
		if (*s == '-' && (s++, str_take_u64(&s, &to) < 0 || to > UINT16_MAX || to < from))
			return false;
		s += strspn(s, " ");
		if (*s && *s != ',')
			return false;
	}
	return true;
}

static int set_cpus(const struct json_reader *r, const struct json_path *at, const struct json *v,
		    const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0)
		return ret;
	if (s && !config_is_cpu_list(s))
		return json_fail(r, at, EINVAL, "\"%.64s\" is not a list of CPUs", s);
	*(const char **)out = s;
	return 0;
}

static const struct json_row affinity_rows[] = {
	PROCESS("initial", set_cpus, cpu_affinity_initial),
	PROCESS("final", set_cpus, cpu_affinity_final),
};

static const struct json_table affinity_table = TABLE(struct container_process, affinity_rows);

/* ---- the whole ---- */

/* An object whose members are kept in the process itself. */
#define PART(name_, table_, ...)                                                           \
	{                                                                                  \
		.name = (name_), .set = json_set_object, .table = &(table_), ##__VA_ARGS__ \
	}

static const struct json_row process_rows[] = {
	PROCESS("terminal", json_set_bool, terminal),
	PART("consoleSize", console_table, GIVEN(struct container_process, console_size_given)),
	PART("user", user_table),
	PROCESS("args", set_args, args, .required = true),
	PROCESS("env", set_environment, env),
	PROCESS("cwd", json_set_path, cwd, .required = true),
	PART("capabilities", caps_table, GIVEN(struct container_process, caps_given)),
	PROCESS("rlimits", set_rlimits, rlimits, .table = &rlimit_table),
	PROCESS("noNewPrivileges", json_set_bool, no_new_privileges),
	PROCESS("oomScoreAdj", json_set_int, oom_score_adj,
		GIVEN(struct container_process, oom_score_adj_given), .min = -1000, .max = 1000),
	PROCESS("scheduler", json_set_object, scheduler, .table = &scheduler_table,
		GIVEN(struct container_process, scheduler.given)),
	PROCESS("ioPriority", set_io_priority, io_priority, .table = &io_priority_table,
		GIVEN(struct container_process, io_priority_given)),
	PART("execCPUAffinity", affinity_table),
	PROCESS("apparmorProfile", json_set_string, apparmor_profile),
	PROCESS("selinuxLabel", json_set_string, selinux_label),
};

const struct json_table process_table = TABLE(struct container_process, process_rows);
