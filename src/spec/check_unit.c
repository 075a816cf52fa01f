/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The unit of systemd that is to be a container's cgroup: its name and place out of
 * linux.cgroupsPath, which then reads "SLICE:PREFIX:NAME", and its properties out of annotations.
 * What becomes of linux.resources is decided where the cgroups of the machine are known
 * (cg/properties.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/variant.h"
#include "spec/container.h"

#define UNIT_NAME_MAX     255
#define PROPERTY_NAME_MAX 64
#define ANNOTATION        "org.systemd.property."
#define SLICE             ".slice"

/* ---- names ---- */

static bool ends_in(const char *s, const char *tail)
{
	size_t len = strlen(s), n = strlen(tail);

	return len >= n && str_eq(s + len - n, tail);
}

/* systemd.unit(5); '@' would make an instance of a template, which no container is. */
static bool is_unit_name(const char *s)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789:_.\\-";

	return *s && *s != '.' && strlen(s) <= UNIT_NAME_MAX && strspn(s, good) == strlen(s);
}

/* "a-b.slice"; a dash leads one level down, so that none may be empty. "-.slice" is the root. */
static bool is_slice_name(const char *s)
{
	size_t stem = strlen(s) - MIN(strlen(s), strlen(SLICE));

	if (!is_unit_name(s) || !ends_in(s, SLICE) || stem == 0)
		return false;
	if (str_eq(s, "-" SLICE))
		return true;
	return s[0] != '-' && s[stem - 1] != '-' && !strstr(s, "--");
}

/* "a-b.slice" -> "/a.slice/a-b.slice" */
static void put_slice(struct buf *out, const char *slice)
{
	size_t stem = strlen(slice) - strlen(SLICE);

	if (str_eq(slice, "-" SLICE))
		return;
	for (size_t i = 1; i <= stem; i++)
		if (i == stem || slice[i] == '-')
			buf_printf(out, "/%.*s" SLICE, (int)i, slice);
}

/* "a-b.slice" lies in "a.slice", "a.slice" in the root. */
static bool lies_in(const char *name, const char *slice)
{
	const char *dash = strrchr(name, '-');
	size_t len = dash ? (size_t)(dash - name) : 0;

	if (!dash)
		return str_eq(slice, "-" SLICE);
	return strncmp(name, slice, len) == 0 && str_eq(slice + len, SLICE);
}

/* ---- linux.cgroupsPath ---- */

struct place {
	const char *slice, *prefix, *name;
};

static int split(struct spec *s, const char *path, struct place *out, struct err *e)
{
	const char *first = strchr(path, ':'), *second = first ? strchr(first + 1, ':') : NULL;

	if (!second || strchr(second + 1, ':') || !second[1])
		return err_set(e, EINVAL,
			       "linux.cgroupsPath: \"%.200s\" is not SLICE:PREFIX:NAME, which "
			       "systemd's cgroup manager wants; is the engine set to cgroupfs?",
			       path);
	out->slice = arena_strndup(s->arena, path, (size_t)(first - path));
	out->prefix = arena_strndup(s->arena, first + 1, (size_t)(second - first - 1));
	out->name = second + 1;
	return out->slice && out->prefix ? 0 : err_errno(e, ENOMEM, "linux.cgroupsPath");
}

static int take_place(struct spec *s, struct place *out, struct err *e)
{
	const struct container *c = s->container;
	const char *path = c->cgroups_path;
	int r = 0;

	*out = (struct place){ .slice = "", .prefix = "holm", .name = c->life.id };
	if (path && *path)
		r = split(s, path, out, e);
	if (r == 0 && !*out->slice)
		out->slice = c->life.systemd_user ? "user.slice" : "system.slice";
	if (r == 0 && !is_slice_name(out->slice))
		return err_set(e, EINVAL,
			       "linux.cgroupsPath: \"%.200s\" is no name of a slice, as a.slice or "
			       "a-b.slice is",
			       out->slice);
	return r;
}

static int name_unit(struct spec *s, struct unit *u, const struct place *at, struct err *e)
{
	struct buf path = { 0 };

	u->is_slice = ends_in(at->name, SLICE);
	u->name = u->is_slice ? at->name
			      : arena_printf(s->arena, "%s%s%s.scope", at->prefix,
					     *at->prefix ? "-" : "", at->name);
	if (!u->name)
		return err_errno(e, ENOMEM, "linux.cgroupsPath");
	if (u->is_slice ? !is_slice_name(u->name) : !is_unit_name(u->name))
		return err_set(e, EINVAL,
			       "linux.cgroupsPath: \"%.200s\" is no name of a unit: letters, "
			       "digits and :_.\\- make one, at most %d",
			       u->name, UNIT_NAME_MAX);
	if (u->is_slice && !lies_in(u->name, at->slice))
		return err_set(e, EINVAL,
			       "linux.cgroupsPath: the slice %.100s does not lie in %.100s, by "
			       "its name",
			       u->name, at->slice);
	put_slice(&path, u->is_slice ? u->name : at->slice);
	if (!u->is_slice)
		buf_printf(&path, "/%s", u->name);
	u->path = path.failed ? NULL : arena_strdup(s->arena, path.data);
	buf_done(&path);
	return u->path ? 0 : err_errno(e, ENOMEM, "linux.cgroupsPath");
}

/* ---- properties ---- */

static int put_property(struct spec *s, struct unit *u, const char *name, const char *value)
{
	const char **slot =
		arena_push(s->arena, &u->properties.items, &u->properties.n, sizeof(*slot));

	if (slot)
		*slot = arena_printf(s->arena, "%s=%s", name, value);
	return slot && *slot ? 0 : -ENOMEM;
}

static bool has_property(const struct unit *u, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < u->properties.n; i++)
		if (strncmp(u->properties.items[i], name, len) == 0 &&
		    u->properties.items[i][len] == '=')
			return true;
	return false;
}

/* Where the container is and what it may do there are not for an annotation to change. */
static int check_property_name(const char *name, struct err *e)
{
	static const char *const ours[] = { "Slice", "PIDs", "Delegate", "Controller" };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789";
	size_t len = strlen(name);

	if (len < 3 || len > PROPERTY_NAME_MAX || strspn(name, letters) < len || *name < 'A' ||
	    *name > 'Z')
		return err_set(e, EINVAL, "annotation " ANNOTATION "%.80s: no name of a property",
			       name);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (str_eq(name, ours[i]))
			return err_set(e, EINVAL,
				       "annotation " ANNOTATION "%s: is set by linux.cgroupsPath "
				       "and the runtime alone",
				       name);
	return 0;
}

/* A number of seconds, in the microseconds of D-Bus; -EINVAL if it is none. */
static int microseconds(const struct variant *v, uint64_t *out)
{
	const struct variant_item *item = v->items.items;
	double seconds = 0;

	if (v->items.n != 1 || !strchr("nqiuxtd", item->type))
		return -EINVAL;
	if (item->type == 'd')
		seconds = item->real;
	else if (strchr("qut", item->type))
		seconds = (double)item->magnitude;
	else
		seconds = (double)item->number;
	if (!(seconds >= 0 && seconds < 1e12))
		return -EINVAL;
	*out = (uint64_t)(seconds * 1e6);
	return 0;
}

/* "TimeoutStopSec" is how unit files say it; D-Bus knows TimeoutStopUSec alone. */
static int put_seconds(struct spec *s, struct unit *u, const char *name, const struct variant *v,
		       struct err *e)
{
	size_t stem = strlen(name) - strlen("Sec");
	char usec[PROPERTY_NAME_MAX + 8], value[32];
	uint64_t us;

	if (microseconds(v, &us) < 0)
		return err_set(e, EINVAL, "annotation " ANNOTATION "%s: no number of seconds",
			       name);
	snprintf(usec, sizeof(usec), "%.*sUSec", (int)stem, name);
	snprintf(value, sizeof(value), "uint64 %" PRIu64, us);
	return put_property(s, u, usec, value);
}

static int put_annotation(struct spec *s, struct unit *u, const char *name, const char *value,
			  struct err *e)
{
	struct variant v;
	int r = check_property_name(name, e);

	if (r < 0)
		return r;
	r = variant_parse(s->arena, value, &v, e);
	if (r < 0)
		return err_prefix(e, "annotation " ANNOTATION "%s", name);
	if (ends_in(name, "Sec") && !ends_in(name, "USec"))
		return put_seconds(s, u, name, &v, e);
	return put_property(s, u, name, value);
}

static int put_annotations(struct spec *s, struct unit *u, struct err *e)
{
	const keys *list = &s->container->annotations;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		if (str_starts(list->items[i].key, ANNOTATION))
			r = put_annotation(s, u, list->items[i].key + strlen(ANNOTATION),
					   list->items[i].value, e);
	return r;
}

/*
 * A scope of a container is not to be touched when the machine goes down before what needs it
 * (DefaultDependencies), has all below it to itself (Delegate), and is forgotten when it is empty.
 * A slice cannot be delegated: the controllers come by accounting.
 */
static int put_defaults(struct spec *s, struct unit *u, const char *slice)
{
	const struct {
		const char *name, *value;
		bool wanted;
	} defaults[] = {
		{ "Description", arena_printf(s->arena, "'container %s'", s->container->life.id),
		  true },
		{ "DefaultDependencies", "false", true },
		{ "CollectMode", "'inactive-or-failed'", true },
		{ "Slice", arena_printf(s->arena, "'%s'", slice), !u->is_slice },
		{ "Delegate", "true", !u->is_slice },
		{ "CPUAccounting", "true", u->is_slice },
		{ "MemoryAccounting", "true", u->is_slice },
		{ "IOAccounting", "true", u->is_slice },
		{ "TasksAccounting", "true", u->is_slice },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(defaults); i++) {
		if (!defaults[i].value)
			return -ENOMEM;
		if (defaults[i].wanted && !has_property(u, defaults[i].name))
			r = put_property(s, u, defaults[i].name, defaults[i].value);
	}
	return r;
}

int check_unit(struct spec *s, struct err *e)
{
	const struct container_life *life = &s->container->life;
	struct unit *u;
	struct place at;
	int r;

	if (!life->systemd_helper || life->no_cgroup)
		return 0;
	u = arena_alloc(s->arena, sizeof(*u));
	if (!u)
		return err_errno(e, ENOMEM, "systemd unit");
	u->helper = life->systemd_helper;
	u->user = life->systemd_user;
	u->name = life->systemd_unit;
	s->d.unit = u;
	if (u->name)
		return 0;
	r = take_place(s, &at, e);
	if (r == 0)
		r = name_unit(s, u, &at, e);
	if (r == 0)
		r = put_annotations(s, u, e);
	if (r == 0)
		r = put_defaults(s, u, at.slice);
	return r == -ENOMEM ? err_errno(e, ENOMEM, "systemd unit") : r;
}
