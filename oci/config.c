/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "config_tables.h"

#define TEXT_MAX  (16 << 20) /* bytes of JSON; engines write some ten thousand */
#define TEXT_STEP 16384

/* ---- the outermost object ---- */

#define CONTAINER(name, set, member, ...) ROW(name, set, struct container, member, ##__VA_ARGS__)

/* A semantic version (semver.org) 1.x.y, with or without what may follow. */
static bool is_version(const char *s)
{
	uint64_t number;

	for (int part = 0; part < 3; part++) {
		if (part > 0 && *s++ != '.')
			return false;
		if (str_take_u64(&s, &number) < 0 || (part == 0 && number != 1))
			return false;
	}
	return !*s || ((*s == '-' || *s == '+') && s[1]);
}

static int set_version(const struct json_reader *r, const struct json_path *at,
		       const struct json *v, const struct json_row *row, void *out)
{
	const char *s = NULL;
	int ret = json_set_string(r, at, v, row, &s);

	if (ret < 0)
		return ret;
	if (!is_version(s))
		return json_fail(r, at, EINVAL,
				 "\"%.64s\" is not a version 1.x of the specification", s);
	*(const char **)out = s;
	return 0;
}

static const struct json_row root_rows[] = {
	CONTAINER("path", json_set_string, root_path, .required = true),
	CONTAINER("readonly", json_set_bool, root_readonly),
};

static const struct json_table root_table = TABLE(struct container, root_rows);

static const struct json_row container_rows[] = {
	CONTAINER("ociVersion", set_version, oci_version, .required = true),
	CONTAINER("process", json_set_object, process, .table = &process_table,
		  GIVEN(struct container, process.given)),
	{ .name = "root", .set = json_set_object, .required = true, .table = &root_table },
	CONTAINER("hostname", json_set_string, hostname),
	CONTAINER("domainname", json_set_string, domainname),
	CONTAINER("mounts", json_set_list, mounts, .table = &mount_table),
	CONTAINER("hooks", json_set_object, hooks, .table = &hooks_table),
	CONTAINER("annotations", json_set_keys, annotations),
	{ .name = "linux", .set = json_set_object, .table = &linux_table },
};

static const struct json_table container_table = TABLE(struct container, container_rows);

/* ---- from text ---- */

static int parse(struct arena *a, const char *text, size_t len, const char *name,
		 const struct json_table *table, void *out, struct err *e)
{
	struct json_reader r = { .a = a, .name = name, .text = text, .len = len, .e = e };

	return json_read_text(&r, table, out);
}

int config_parse(struct arena *a, const char *text, size_t len, const char *name,
		 struct container *out, struct err *e)
{
	struct container c = { .resources = RESOURCES_INIT };
	int r = parse(a, text, len, name, &container_table, &c, e);

	if (r == 0)
		*out = c;
	return r;
}

int config_process_parse(struct arena *a, const char *text, size_t len, const char *name,
			 struct container_process *out, struct err *e)
{
	struct container_process p = { .given = true };
	int r = parse(a, text, len, name, &process_table, &p, e);

	if (r == 0)
		*out = p;
	return r;
}

int config_resources_parse(struct arena *a, const char *text, size_t len, const char *name,
			   struct resources *out, struct err *e)
{
	struct resources res = RESOURCES_INIT;
	int r = parse(a, text, len, name, &resources_table, &res, e);

	if (r == 0)
		*out = res;
	return r;
}

/* ---- from files ---- */

/* The whole of `fd`, which may be a pipe. */
static int read_all(int fd, struct buf *out)
{
	char piece[TEXT_STEP];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return out->failed ? -ENOMEM : 0;
		buf_put(out, piece, (size_t)n);
		if (out->len > TEXT_MAX)
			return -EFBIG;
	}
}

static int read_text(const char *path, const char *name, struct buf *out, struct err *e)
{
	bool is_stdin = str_eq(path, "-");
	_cleanup_fd_ int fd = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0 && !is_stdin)
		return err_errno(e, errno, "%s", name);
	r = read_all(is_stdin ? STDIN_FILENO : fd, out);
	return r < 0 ? err_errno(e, -r, "%s", name) : 0;
}

static const char *name_of(const char *file)
{
	return str_eq(file, "-") ? "standard input" : file;
}

int config_load_text(struct arena *a, const char *bundle, const char *file, struct container *out,
		     struct buf *text, struct err *e)
{
	const char *name = file ? name_of(file) : "config.json";
	_cleanup_free_ char *dir = realpath(bundle ? bundle : ".", NULL);
	struct container c;
	int r;

	if (!dir)
		return err_errno(e, errno, "bundle %s", bundle ? bundle : ".");
	if (!file)
		file = arena_printf(a, "%s/config.json", dir);
	if (!file)
		return err_errno(e, ENOMEM, "bundle %s", dir);
	r = read_text(file, file, text, e);
	if (r == 0)
		r = config_parse(a, text->data ? text->data : "", text->len, name, &c, e);
	if (r < 0)
		return r;
	c.bundle = arena_strdup(a, dir);
	if (!c.bundle)
		return err_errno(e, ENOMEM, "bundle %s", dir);
	*out = c;
	return 0;
}

int config_load(struct arena *a, const char *bundle, const char *file, struct container *out,
		struct err *e)
{
	_cleanup_buf_ struct buf text = { 0 };

	return config_load_text(a, bundle, file, out, &text, e);
}

int config_process_load(struct arena *a, const char *file, struct container_process *out,
			struct err *e)
{
	_cleanup_buf_ struct buf text = { 0 };
	int r = read_text(file, name_of(file), &text, e);

	if (r < 0)
		return r;
	return config_process_parse(a, text.data ? text.data : "", text.len, name_of(file), out, e);
}

int config_resources_load(struct arena *a, const char *file, struct resources *out, struct err *e)
{
	_cleanup_buf_ struct buf text = { 0 };
	int r = read_text(file, name_of(file), &text, e);

	if (r < 0)
		return r;
	return config_resources_parse(a, text.data ? text.data : "", text.len, name_of(file), out,
				      e);
}

static const struct json_row mounts_rows[] = {
	CONTAINER("mounts", json_set_list, mounts, .required = true, .table = &mount_table),
};

static const struct json_table mounts_table = TABLE(struct container, mounts_rows);

int config_mounts_load(struct arena *a, const char *file, struct container *out, struct err *e)
{
	_cleanup_buf_ struct buf text = { 0 }, whole = { 0 };
	struct container c = { 0 };
	bool list;
	int r = read_text(file, name_of(file), &text, e);

	if (r < 0)
		return r;
	buf_put(&text, "", 1);
	if (text.failed)
		return err_errno(e, ENOMEM, "%s", name_of(file));
	list = text.data[strspn(text.data, " \t\r\n")] == '[';
	buf_printf(&whole, list ? "{\"mounts\": %s}" : "%s", text.data);
	if (whole.failed)
		return err_errno(e, ENOMEM, "%s", name_of(file));
	r = parse(a, whole.data, whole.len, name_of(file), &mounts_table, &c, e);
	if (r == 0)
		out->mounts = (__typeof__(out->mounts)){ c.mounts.items, c.mounts.n };
	return r;
}
