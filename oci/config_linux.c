/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `linux` of config.json. All tables here fill a struct container, if they do not say otherwise. */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "config.h"
#include "config_tables.h"
#include "spec/mount_options.h"
#include "spec/scmp_json.h"

#define LINUX(name, set, member, ...) ROW(name, set, struct container, member, ##__VA_ARGS__)

/* ---- namespaces ---- */

struct ns_entry {
	int type;
	const char *path;
};

static const struct json_row ns_rows[] = {
	ROW("type", json_set_word, struct ns_entry, type, .required = true, .words = &namespaces),
	ROW("path", json_set_path, struct ns_entry, path),
};

static const struct json_table ns_table_of_config = TABLE(struct ns_entry, ns_rows);

static int set_namespaces(const struct json_reader *r, const struct json_path *at,
			  const struct json *v, const struct json_row *row, void *out)
{
	struct container *c = out;
	LIST(struct ns_entry) list = { 0 };
	int ret = json_set_list(r, at, v, row, &list);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < list.n; i++) {
		const struct ns_entry *ns = &list.items[i];

		if (c->ns[ns->type].listed)
			return json_fail(r, JSON_KEY(JSON_ELEMENT(at, i), "type"), EINVAL,
					 "this namespace was listed before");
		c->ns[ns->type].listed = true;
		c->ns[ns->type].path = ns->path;
	}
	return 0;
}

/* ---- timeOffsets ---- */

#define NSEC_PER_SEC INT64_C(1000000000)
#define OFFSET_MAX   (INT64_MAX / NSEC_PER_SEC - 1)

struct time_offset {
	int64_t secs;
	uint32_t nanosecs;
};

static const struct json_row time_offset_rows[] = {
	ROW("secs", json_set_i64, struct time_offset, secs, .min = -OFFSET_MAX, .max = OFFSET_MAX),
	ROW("nanosecs", json_set_u32, struct time_offset, nanosecs, .max = NSEC_PER_SEC - 1),
};

static const struct json_table time_offset_table = TABLE(struct time_offset, time_offset_rows);

static int set_offset(const struct json_reader *r, const struct json_path *at, const struct json *v,
		      const struct json_row *row, void *out)
{
	struct time_offset o = { 0 };
	int ret = json_read(r, at, v, row->table, &o);

	if (ret == 0)
		*(int64_t *)out = o.secs * NSEC_PER_SEC + o.nanosecs;
	return ret;
}

#define CLOCK(name, nth)                                                          \
	LINUX(name, set_offset, time_offset_ns[nth], .table = &time_offset_table, \
	      GIVEN(struct container, time_offset_given[nth]))

static const struct json_row clock_rows[] = { CLOCK("monotonic", 0), CLOCK("boottime", 1) };
static const struct json_table clock_table = TABLE(struct container, clock_rows);

/* ---- devices ---- */

#define NUMBER_MISSING UINT32_MAX
#define MAJOR_MAX      4095 /* mknod(2) has 12 bits for it, and 20 for the minor number */
#define MINOR_MAX      1048575
#define DEVICE(name, set, member, ...) \
	ROW(name, set, struct container_device, member, ##__VA_ARGS__)

static int set_device_type(const struct json_reader *r, const struct json_path *at,
			   const struct json *v, const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0)
		return ret;
	if (s[1] || !strchr("cubp", s[0]))
		return json_fail(r, at, EINVAL, "\"%.16s\" is not one of c, u, b, p", s);
	*(char *)out = s[0];
	return 0;
}

/* Engines write the whole st_mode; its type is what `type` says. */
static int set_mode(const struct json_reader *r, const struct json_path *at, const struct json *v,
		    const struct json_row *row, void *out)
{
	uint32_t mode;
	int ret = json_set_u32(r, at, v, row, &mode);

	if (ret == 0)
		*(uint32_t *)out = mode & (S_ISUID | S_ISGID | S_ISVTX | 0777);
	return ret;
}

static int check_device(const struct json_reader *r, const struct json_path *at, void *filled)
{
	struct container_device *d = filled;
	bool pipe = d->type == 'p';

	if (!pipe && d->major == NUMBER_MISSING)
		return json_fail(r, JSON_KEY(at, "major"), EINVAL, "is missing");
	if (!pipe && d->minor == NUMBER_MISSING)
		return json_fail(r, JSON_KEY(at, "minor"), EINVAL, "is missing");
	if (pipe)
		d->major = d->minor = 0;
	return 0;
}

static const struct json_row device_rows[] = {
	DEVICE("type", set_device_type, type, .required = true),
	DEVICE("path", json_set_path, path, .required = true),
	DEVICE("major", json_set_u32, major, .max = MAJOR_MAX),
	DEVICE("minor", json_set_u32, minor, .max = MINOR_MAX),
	DEVICE("fileMode", set_mode, mode, GIVEN(struct container_device, mode_given)),
	DEVICE("uid", json_set_u32, uid, .max = UINT32_MAX - 1),
	DEVICE("gid", json_set_u32, gid, .max = UINT32_MAX - 1),
};

static const struct container_device no_device = { .major = NUMBER_MISSING,
						   .minor = NUMBER_MISSING };
static const struct json_table device_table =
	TABLE(struct container_device, device_rows, .init = &no_device, .check = check_device);

/* ---- netDevices ---- */

/* What the kernel takes as the name of an interface (dev_valid_name() in its net/core/dev.c). */
static bool is_interface(const char *s)
{
	if (!*s || strlen(s) >= IFNAMSIZ || str_eq(s, ".") || str_eq(s, ".."))
		return false;
	for (; *s; s++)
		if (*s == '/' || *s == ':' || isspace((unsigned char)*s))
			return false;
	return true;
}

static int check_netdev(const struct json_reader *r, const struct json_path *at, void *filled)
{
	struct container_netdev *d = filled;

	if (!d->inside || !*d->inside)
		d->inside = d->outside;
	if (!is_interface(d->outside))
		return json_fail(r, at, EINVAL, "this cannot be an interface's name");
	/* A percent sign is a number that the kernel chooses. */
	if (!is_interface(d->inside) || strchr(d->inside, '%'))
		return json_fail(r, JSON_KEY(at, "name"), EINVAL,
				 "\"%.64s\" cannot be an interface's name", d->inside);
	return 0;
}

static const struct json_row netdev_rows[] = {
	ROW("name", json_set_string, struct container_netdev, inside),
};

static const struct json_table netdev_table =
	TABLE(struct container_netdev, netdev_rows, .check = check_netdev);

/* ---- intelRdt ---- */

#define RDT(name, set, member, ...) ROW(name, set, struct container_rdt, member, ##__VA_ARGS__)

/* A directory of the resctrl file system, or "/" for its root. */
static int set_clos_id(const struct json_reader *r, const struct json_path *at,
		       const struct json *v, const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0)
		return ret;
	if (s && !str_eq(s, "/") && (strpbrk(s, "/\n") || str_eq(s, ".") || str_eq(s, "..")))
		return json_fail(r, at, EINVAL, "\"%.64s\" cannot be a directory's name", s);
	*(const char **)out = s;
	return 0;
}

/* There are three ways to ask for it, two of them old. */
static int set_if_true(const struct json_reader *r, const struct json_path *at,
		       const struct json *v, const struct json_row *row, void *out)
{
	bool yes = false;
	int ret = json_set_bool(r, at, v, row, &yes);

	if (yes)
		*(bool *)out = true;
	return ret;
}

static const struct json_row rdt_rows[] = {
	RDT("closID", set_clos_id, clos_id),
	RDT("schemata", json_set_strings, schemata),
	RDT("l3CacheSchema", json_set_string, l3_cache_schema),
	RDT("memBwSchema", json_set_string, mem_bw_schema),
	RDT("enableMonitoring", set_if_true, monitoring),
	RDT("enableCMT", set_if_true, monitoring),
	RDT("enableMBM", set_if_true, monitoring),
};

static int check_schemata(const struct json_reader *r, const struct json_path *at, void *filled)
{
	const struct container_rdt *rdt = filled;

	if (rdt->mem_bw_schema && !rdt_is_bandwidth(rdt->mem_bw_schema))
		return json_fail(r, JSON_KEY(at, "memBwSchema"), EINVAL,
				 "must be one line that begins with MB:");
	for (size_t i = 0; i < rdt->schemata.n; i++)
		if (strchr(rdt->schemata.items[i], '\n'))
			return json_fail(r, JSON_ELEMENT(JSON_KEY(at, "schemata"), i), EINVAL,
					 "must be one line");
	return 0;
}

static const struct json_table rdt_table =
	TABLE(struct container_rdt, rdt_rows, .check = check_schemata);

/* ---- memoryPolicy, personality ---- */

struct words_read {
	int word;
	uint64_t flags;
	const char *nodes;
};

static int set_nodes(const struct json_reader *r, const struct json_path *at, const struct json *v,
		     const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0)
		return ret;
	if (s && !config_is_cpu_list(s))
		return json_fail(r, at, EINVAL, "\"%.64s\" is not a list of memory nodes", s);
	*(const char **)out = s;
	return 0;
}

static const struct json_row mempolicy_rows[] = {
	ROW("mode", json_set_word, struct words_read, word, .required = true,
	    .words = &mempolicy_modes),
	ROW("flags", json_set_flags, struct words_read, flags, .words = &mempolicy_flags),
	ROW("nodes", set_nodes, struct words_read, nodes),
};

static const struct json_words no_flags = { .what = "a flag of personalities: there are none" };

static const struct json_row personality_rows[] = {
	ROW("domain", json_set_word, struct words_read, word, .required = true,
	    .words = &personalities),
	ROW("flags", json_set_flags, struct words_read, flags, .words = &no_flags),
};

static const struct json_table mempolicy_table = TABLE(struct words_read, mempolicy_rows);
static const struct json_table personality_table = TABLE(struct words_read, personality_rows);

static int set_mempolicy(const struct json_reader *r, const struct json_path *at,
			 const struct json *v, const struct json_row *row, void *out)
{
	struct words_read w = { 0 };
	int ret = json_read(r, at, v, row->table, &w);

	if (ret == 0)
		*(struct container_mempolicy *)out =
			(struct container_mempolicy){ true, w.word, (unsigned)w.flags, w.nodes };
	return ret;
}

static int set_personality(const struct json_reader *r, const struct json_path *at,
			   const struct json *v, const struct json_row *row, void *out)
{
	struct words_read w = { 0 };
	int ret = json_read(r, at, v, row->table, &w);

	if (ret == 0)
		*(unsigned long *)out = (unsigned long)w.word;
	return ret;
}

/* ---- seccomp, rootfsPropagation ---- */

static int set_seccomp(const struct json_reader *r, const struct json_path *at,
		       const struct json *v, const struct json_row *row, void *out)
{
	static const struct scmp_host host = { .native = SCMP_ABI_NATIVE, .kernel = { 5, 14 } };
	struct scmp_profile *p = arena_alloc(r->a, sizeof(*p));
	struct err inner = { 0 };
	int ret;

	(void)row;
	if (!p)
		return json_no_memory(r);
	ret = scmp_parse_object(r->a, v, "", &host, p, &inner);
	if (ret < 0)
		return json_fail(r, at, -ret, "%s", inner.text + strspn(inner.text, ": "));
	*(const struct scmp_profile **)out = p;
	return 0;
}

static int set_propagation_of_root(const struct json_reader *r, const struct json_path *at,
				   const struct json *v, const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0 || !s)
		return ret;
	*(uint64_t *)out = mount_propagation(s);
	if (*(uint64_t *)out == 0)
		return json_fail(r, at, EINVAL, "\"%.64s\" is not a propagation", s);
	return 0;
}

/* ---- the whole ---- */

static const struct json_row linux_rows[] = {
	{ .name = "namespaces", .set = set_namespaces, .table = &ns_table_of_config },
	LINUX("uidMappings", json_set_list, uid_mappings, .table = &id_range_table),
	LINUX("gidMappings", json_set_list, gid_mappings, .table = &id_range_table),
	{ .name = "timeOffsets", .set = json_set_object, .table = &clock_table },
	LINUX("devices", json_set_list, devices, .table = &device_table),
	LINUX("netDevices", json_set_map, net_devices, .table = &netdev_table),
	LINUX("cgroupsPath", json_set_string, cgroups_path),
	LINUX("resources", json_set_object, resources, .table = &resources_table,
	      GIVEN(struct container, resources_given)),
	LINUX("sysctl", json_set_keys, sysctl),
	LINUX("seccomp", set_seccomp, seccomp),
	LINUX("rootfsPropagation", set_propagation_of_root, rootfs_propagation),
	LINUX("maskedPaths", json_set_paths, masked_paths),
	LINUX("readonlyPaths", json_set_paths, readonly_paths),
	LINUX("mountLabel", json_set_string, mount_label),
	LINUX("personality", set_personality, personality, .table = &personality_table,
	      GIVEN(struct container, personality_given)),
	LINUX("intelRdt", json_set_object, rdt, .table = &rdt_table,
	      GIVEN(struct container, rdt.given)),
	LINUX("memoryPolicy", set_mempolicy, mempolicy, .table = &mempolicy_table),
};

const struct json_table linux_table = TABLE(struct container, linux_rows);
