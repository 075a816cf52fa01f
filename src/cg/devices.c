/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules for devices, v1: writes to devices.allow and devices.deny, in order. The kernel keeps a
 * default and a list of exceptions from it, and takes an exception out only if it is named exactly.
 * A rule that would cut a piece out of an earlier one is therefore refused: it would do nothing.
 *
 * Where the rules do not begin with one for every device, nothing is allowed but what they say.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/security.h"

static bool is_all(const struct device_rule *d)
{
	return d->type == 'a' && d->major < 0 && d->minor < 0 && d->read && d->write && d->mknod;
}

static bool overlap(int64_t a, int64_t b)
{
	return a < 0 || b < 0 || a == b;
}

/* Would the kernel pass over this rule, because an earlier one says the contrary more widely? */
static bool is_lost(const struct resources *r, size_t at, char type)
{
	const struct device_rule *d = &r->devices.items[at];
	bool default_allow = false;
	size_t from = 0;

	for (size_t i = 0; i < at; i++) {
		if (is_all(&r->devices.items[i])) {
			default_allow = r->devices.items[i].allow;
			from = i + 1;
		}
	}
	if (d->allow != default_allow)
		return false; /* one more exception */
	for (size_t i = from; i < at; i++) {
		const struct device_rule *x = &r->devices.items[i];
		bool same_type = x->type == 'a' || x->type == type;
		bool bits =
			(x->read && d->read) || (x->write && d->write) || (x->mknod && d->mknod);

		if (x->allow != d->allow && same_type && bits && overlap(x->major, d->major) &&
		    overlap(x->minor, d->minor) && !(x->major == d->major && x->minor == d->minor))
			return true;
	}
	return false;
}

static void put_id(char *out, size_t room, int64_t id)
{
	if (id < 0)
		snprintf(out, room, "*");
	else
		snprintf(out, room, "%lld", (long long)id);
}

static void put_rule(char *out, size_t room, const struct device_rule *d, char type)
{
	char major[24], minor[24];

	put_id(major, sizeof(major), d->major);
	put_id(minor, sizeof(minor), d->minor);
	snprintf(out, room, "%c %s:%s %s%s%s", type, major, minor, d->read ? "r" : "",
		 d->write ? "w" : "", d->mknod ? "m" : "");
}

struct v1_files {
	struct cg_dir *d;
	int fds[2]; /* devices.deny, devices.allow */
	struct err *e;
};

/* Opened once: a container has some twenty rules. */
static int write_rule(struct v1_files *f, bool allow, const char *text)
{
	int *fd = &f->fds[allow], r = 0;

	if (*fd < 0)
		*fd = r = cg_open_file(f->d, allow ? "devices.allow" : "devices.deny", O_WRONLY);
	if (r >= 0)
		r = (int)sys_write(*fd, text, strlen(text));
	return r < 0 ? err_errno(f->e, -r, "cgroup %s: cannot %s devices \"%s\"", f->d->path,
				 allow ? "allow" : "deny", text)
		     : 0;
}

static int write_one(struct v1_files *f, const struct resources *r, size_t at, char type)
{
	const struct device_rule *d = &r->devices.items[at];
	char text[64];

	put_rule(text, sizeof(text), d, type);
	if (is_lost(r, at, type))
		return err_set(f->e, EINVAL,
			       "cgroup %s: cgroup v1 cannot %s devices \"%s\" out of a wider rule "
			       "before it; list them one by one",
			       f->d->path, d->allow ? "allow" : "deny", text);
	return write_rule(f, d->allow, text);
}

static bool has_rights(const struct device_rule *d)
{
	return d->read || d->write || d->mknod;
}

/* What the kernel makes of all rules for the same device; false for all but the first of them. */
static bool whole_rule(const struct resources *r, size_t at, struct device_rule *out)
{
	*out = r->devices.items[at];
	for (size_t i = 1; i < r->devices.n; i++) {
		const struct device_rule *d = &r->devices.items[i];

		if (!has_rights(d) || d->type != out->type || d->major != out->major ||
		    d->minor != out->minor)
			continue;
		if (i < at)
			return false;
		out->read |= d->read;
		out->write |= d->write;
		out->mknod |= d->mknod;
	}
	return true;
}

/*
 * Is that what the kernel has? An engine says all rules again whenever it updates anything, and to
 * write them takes every device away for a moment.
 */
static bool in_force(struct cg_dir *dir, const struct resources *r)
{
	char list[8192] = "\n", line[64] = "\n";
	ssize_t n = cg_read(dir, "devices.list", list + 1, sizeof(list) - 2);
	size_t lines = 0, wanted = 0;

	if (n <= 0 || !is_all(&r->devices.items[0]) || r->devices.items[0].allow)
		return false;
	list[n + 1] = '\n';
	list[n + 2] = 0;
	for (size_t i = 1; i < r->devices.n; i++) {
		struct device_rule d = r->devices.items[i];

		if (!has_rights(&d))
			continue;
		if (!d.allow || d.type == 'a')
			return false;
		if (!whole_rule(r, i, &d))
			continue;
		put_rule(line + 1, sizeof(line) - 2, &d, d.type);
		strcat(line, "\n");
		if (!strstr(list, line))
			return false;
		wanted++;
	}
	for (const char *p = list + 1; *p; p++)
		lines += *p == '\n';
	return lines == wanted;
}

static int write_rules(struct v1_files *f, const struct resources *r, bool first_time)
{
	int result = 0;

	if (first_time && !is_all(&r->devices.items[0]))
		result = write_rule(f, false, "a");
	for (size_t i = 0; result == 0 && i < r->devices.n; i++) {
		const struct device_rule *d = &r->devices.items[i];

		if (!has_rights(d))
			continue;
		if (is_all(d)) {
			result = write_rule(f, d->allow, "a");
		} else if (d->type == 'a') {
			/* To the kernel "a" is every device, whatever stands behind it. */
			result = write_one(f, r, i, 'c');
			if (result == 0)
				result = write_one(f, r, i, 'b');
		} else {
			result = write_one(f, r, i, d->type);
		}
	}
	return result;
}

/* user_namespaces(7): only the first one maps every id to itself. */
static bool in_first_user_namespace(void)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, "/proc/self/uid_map", O_RDONLY, 0);
	char text[128];
	unsigned inside, outside, count;
	ssize_t n = fd < 0 ? fd : sys_read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = 0;
	return sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 &&
	       outside == 0 && count == UINT32_MAX;
}

bool cg_devices_allowed(int code)
{
	uint64_t effective = 0, permitted = 0;

	if (code != -EPERM && code != -EACCES)
		return true;
	return sys_capget(&effective, &permitted) == 0 &&
	       (effective & (uint64_t)1 << CAP_SYS_ADMIN) && in_first_user_namespace();
}

int cg_devices_v1(struct cg *cg, const struct resources *r, bool first_time, struct err *e)
{
	struct v1_files f = { .d = cg_find(cg, CG_DEVICES), .fds = { -1, -1 }, .e = e };
	int result;

	if (!f.d && cg_unified(cg))
		return cg_devices_v2(cg, r, first_time, e);
	if (!f.d) {
		if (cg_devices_allowed(-EPERM))
			return err_set(e, ENOENT,
				       "devices: needs the cgroup v1 controller devices, which is "
				       "not mounted here");
		cg->devices_open = true;
		return 0;
	}
	if (!first_time && in_force(f.d, r))
		return 0;
	result = write_rules(&f, r, first_time);
	cleanup_fd(&f.fds[0]);
	cleanup_fd(&f.fds[1]);
	if (result < 0 && !cg_devices_allowed(result)) {
		cg->devices_open = true;
		return 0;
	}
	return result;
}
