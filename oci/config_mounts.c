/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `mounts` and `hooks` of config.json, and the ranges of ids that mounts and linux share. */
#include <errno.h>

#include "base/str.h"
#include "config_tables.h"
#include "spec/container.h"

/* ---- ranges of ids ---- */

#define RANGE(name, member) ROW(name, json_set_u32, struct id_range, member, .required = true)

static int check_range(const struct json_reader *r, const struct json_path *at, void *filled)
{
	const struct id_range *range = filled;

	if (range->count == 0)
		return json_fail(r, at, EINVAL, "is empty: its size is 0");
	/* The last id is what the kernel calls "none". */
	if (range->count > UINT32_MAX - range->inside || range->count > UINT32_MAX - range->outside)
		return json_fail(r, at, ERANGE, "leaves 32 bits");
	return 0;
}

static const struct json_row range_rows[] = {
	RANGE("containerID", inside),
	RANGE("hostID", outside),
	RANGE("size", count),
};

const struct json_table id_range_table = TABLE(struct id_range, range_rows, .check = check_range);

/* ---- mounts ---- */

#define MOUNT(name, set, member, ...) ROW(name, set, struct container_mount, member, ##__VA_ARGS__)

/* A relative path has been read as one from the root ever since, and is out there. */
static int set_destination(const struct json_reader *r, const struct json_path *at,
			   const struct json *v, const struct json_row *row, void *out)
{
	const char *path = NULL;
	int ret = json_set_string(r, at, v, row, &path);

	if (ret < 0)
		return ret;
	if (*path != '/')
		path = arena_printf(r->a, "/%s", path);
	if (!path)
		return json_no_memory(r);
	*(const char **)out = path;
	return 0;
}

static const struct json_row mount_rows[] = {
	MOUNT("destination", set_destination, destination, .required = true),
	MOUNT("type", json_set_string, type),
	MOUNT("source", json_set_string, source),
	MOUNT("options", json_set_strings, options),
	MOUNT("uidMappings", json_set_list, uid_mappings, .table = &id_range_table),
	MOUNT("gidMappings", json_set_list, gid_mappings, .table = &id_range_table),
};

const struct json_table mount_table = TABLE(struct container_mount, mount_rows);

/* ---- hooks ---- */

#define HOOK(name, set, member, ...) ROW(name, set, struct container_hook, member, ##__VA_ARGS__)

static const struct json_row hook_rows[] = {
	HOOK("path", json_set_path, path, .required = true),
	HOOK("args", json_set_strings, args),
	HOOK("env", json_set_strings, env),
	HOOK("timeout", json_set_u32, timeout_s, .min = 1, .max = INT32_MAX),
};

static const struct json_table hook_table = TABLE(struct container_hook, hook_rows);

#define HOOKS(name_, kind)                                                               \
	{                                                                                \
		.name = (name_), .set = json_set_list,                                   \
		.offset = sizeof(container_hooks) * (size_t)(kind), .table = &hook_table \
	}

static const struct json_row hooks_rows[] = {
	HOOKS("prestart", HOOK_PRESTART),
	HOOKS("createRuntime", HOOK_CREATE_RUNTIME),
	HOOKS("createContainer", HOOK_CREATE_CONTAINER),
	HOOKS("startContainer", HOOK_START_CONTAINER),
	HOOKS("poststart", HOOK_POSTSTART),
	HOOKS("poststop", HOOK_POSTSTOP),
};

const struct json_table hooks_table = TABLE(container_hooks, hooks_rows);
