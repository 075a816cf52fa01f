/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Setters of the fields that have a grammar of their own, except those of mounts. */
#include <errno.h>
#include <string.h>

#include "base/caps.h"
#include "base/rlimits.h"
#include "base/str.h"
#include "spec/spec.h"

/* Splits at the first `sep`: the head in the arena, *rest behind it (NULL if there is none). */
static char *head_of(struct spec *s, const char *value, char sep, const char **rest)
{
	const char *at = strchr(value, sep);

	*rest = at ? at + 1 : NULL;
	return at ? arena_strndup(s->arena, value, (size_t)(at - value))
		  : arena_strdup(s->arena, value);
}

static int no_namespace(struct err *e, const struct field *f, const char *name)
{
	return err_set(e, EINVAL,
		       "%s: there is no namespace \"%s\"; there are user, mnt, pid, net, ipc, "
		       "uts, cgroup and time",
		       f->name, name);
}

int set_share(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *rest = value;

	while (rest) {
		const char *name = head_of(s, rest, ',', &rest);
		int type = ns_by_name(name);

		if (type < 0)
			return no_namespace(e, f, name);
		s->ns[type].mode = NS_SHARED;
	}
	return 0;
}

int set_join(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *target;
	const char *name = head_of(s, value, '=', &target);
	int type = ns_by_name(name);

	if (!target && type < 0) {
		s->join_name = name;
		return 0;
	}
	if (type < 0)
		return no_namespace(e, f, name);
	if (!target || !*target)
		return err_set(e, EINVAL, "%s: \"%s\" names no target: %s=PATH|PID|fd:N|NAME",
			       f->name, value, name);
	s->ns[type].mode = NS_JOINED;
	s->ns[type].target = arena_strdup(s->arena, target);
	return 0;
}

int set_time_offset(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *duration;
	const char *clock = head_of(s, value, '=', &duration);
	int i = str_eq(clock, "monotonic") ? 0 : str_eq(clock, "boottime") ? 1 : -1;

	if (i < 0)
		return err_set(e, EINVAL,
			       "%s: the clock \"%s\" cannot be shifted, only monotonic "
			       "and boottime can",
			       f->name, clock);
	if (!duration || str_duration(duration, &s->time_offset_ns[i]) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is no duration; write %s=+3d or %s=-1h30m",
			       f->name, duration ? duration : "", clock, clock);
	s->time_offset_set[i] = true;
	return 0;
}

int set_map(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	id_ranges *map = (id_ranges *)((char *)s + f->param);
	const char *out, *count = NULL;
	const char *in = head_of(s, value, ':', &out);
	struct id_range r = { 0 }, *slot;

	if (out)
		out = head_of(s, out, ':', &count);
	if (!count || str_u32(in, &r.inside) < 0 || str_u32(out, &r.outside) < 0 ||
	    str_u32(count, &r.count) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is not IN:OUT:COUNT", f->name, value);
	if (r.count == 0 || r.inside + (uint64_t)r.count > UINT32_MAX ||
	    r.outside + (uint64_t)r.count > UINT32_MAX)
		return err_set(e, EINVAL, "%s: \"%s\": the range is empty or leaves 32 bits",
			       f->name, value);
	slot = arena_push(s->arena, &map->items, &map->n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = r;
	return 0;
}

static int limit_value(const char *text, rlim_t *out)
{
	uint64_t v;
	int r;

	if (str_eq(text, "unlimited") || str_eq(text, "infinity")) {
		*out = RLIM_INFINITY;
		return 0;
	}
	r = str_size(text, &v);
	if (r == 0)
		*out = v;
	return r;
}

/* The last word on each is what counts: set one after the other, no hard limit could be raised. */
int rlimit_add(struct spec *s, const struct field *f, const struct rlimit_wish *wish, struct err *e)
{
	struct rlimit_wish *slot = NULL;

	for (size_t i = 0; i < s->rlimits.n && !slot; i++)
		if (s->rlimits.items[i].resource == wish->resource)
			slot = &s->rlimits.items[i];
	if (!slot)
		slot = arena_push(s->arena, &s->rlimits.items, &s->rlimits.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = *wish;
	return 0;
}

int set_rlimit(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *soft, *hard = NULL;
	const char *name = head_of(s, value, '=', &soft);
	struct rlimit_wish wish;

	wish.resource = rlimit_by_name(name);
	if (wish.resource < 0)
		return err_set(e, EINVAL, "%s: there is no limit \"%s\" (see getrlimit(2))",
			       f->name, name);
	if (soft)
		soft = head_of(s, soft, ':', &hard);
	if (!soft || limit_value(soft, &wish.limit.rlim_cur) < 0 ||
	    limit_value(hard ? hard : soft, &wish.limit.rlim_max) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is not %s=SOFT[:HARD]", f->name, value, name);
	if (wish.limit.rlim_cur > wish.limit.rlim_max)
		return err_set(e, EINVAL, "%s: %s: the soft limit is above the hard one", f->name,
			       value);
	return rlimit_add(s, f, &wish, e);
}

static bool service_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= 32 && !str_eq(name, "main") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       len;
}

int set_service(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *cmd, *policy;
	const char *name = head_of(s, value, '=', &cmd);
	struct program *p;
	enum restart restart = RESTART_NO;

	if (!cmd || !*cmd)
		return err_set(e, EINVAL, "%s: \"%s\" is not NAME[:RESTART]=CMD", f->name, value);
	name = head_of(s, name, ':', &policy);
	if (!service_name_ok(name))
		return err_set(e, EINVAL,
			       "%s: \"%s\" is no name for a service (1 to 32 of a-z A-Z "
			       "0-9 _ . -, not \"main\")",
			       f->name, name);
	if (str_eq(policy, "on-failure"))
		restart = RESTART_ON_FAILURE;
	else if (str_eq(policy, "always"))
		restart = RESTART_ALWAYS;
	else if (policy && !str_eq(policy, "no"))
		return err_set(e, EINVAL,
			       "%s: \"%s\" is no restart policy; there are no, "
			       "on-failure and always",
			       f->name, policy);
	if (s->services.n == SERVICES_MAX)
		return err_set(e, E2BIG, "%s: at most %d", f->name, SERVICES_MAX);
	for (size_t i = 0; i < s->services.n; i++)
		if (str_eq(s->services.items[i].name, name))
			return err_set(e, EEXIST, "%s: there are two named \"%s\"", f->name, name);
	p = arena_push(s->arena, &s->services.items, &s->services.n, sizeof(*p));
	if (p)
		p->argv = arena_alloc(s->arena, 4 * sizeof(char *));
	if (!p || !p->argv)
		return err_errno(e, ENOMEM, "%s", f->name);
	*p = (struct program){
		.name = name, .path = "/bin/sh", .argv = p->argv, .restart = restart
	};
	p->argv[0] = (char *)"sh";
	p->argv[1] = (char *)"-c";
	p->argv[2] = arena_strdup(s->arena, cmd);
	return 0;
}

int set_cap(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *rest = value;

	while (rest) {
		const char *name = head_of(s, rest, ',', &rest);
		uint64_t bits = caps_by_name(name);

		if (!bits)
			return err_set(e, EINVAL,
				       "%s: there is no capability \"%s\" (see "
				       "capabilities(7))",
				       f->name, name);
		s->caps |= bits;
	}
	return 0;
}

const char *const landlock_words[LANDLOCK_COUNT] = { "ro", "rx", "rw", "all" };

int set_landlock(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *path;
	const char *word = head_of(s, value, ':', &path);
	struct landlock_rule *rule;
	unsigned i = 0;

	while (i < LANDLOCK_COUNT && !str_eq(word, landlock_words[i]))
		i++;
	if (i == LANDLOCK_COUNT || !path || *path != '/')
		return err_set(e, EINVAL,
			       "%s: \"%s\" is not ACCESS:PATH with an ACCESS of ro, rx, "
			       "rw or all and an absolute PATH",
			       f->name, value);
	rule = arena_push(s->arena, &s->landlock.items, &s->landlock.n, sizeof(*rule));
	if (!rule)
		return err_errno(e, ENOMEM, "%s", f->name);
	rule->access = (enum landlock_access)i;
	rule->path = arena_strdup(s->arena, path);
	return 0;
}

int set_env(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char **slot;

	if (!*value || *value == '=')
		return err_set(e, EINVAL, "%s: \"%s\" has no name", f->name, value);
	slot = arena_push(s->arena, &s->env.items, &s->env.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = arena_strdup(s->arena, value);
	return 0;
}

int set_keep_fd(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	int fd, *slot;

	if (str_fd(value, &fd) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is no file descriptor", f->name, value);
	if (s->keep_fds.n == SEAL_FDS_MAX)
		return err_set(e, E2BIG, "%s: at most %d", f->name, SEAL_FDS_MAX);
	slot = arena_push(s->arena, &s->keep_fds.items, &s->keep_fds.n, sizeof(*slot));
	if (!slot)
		return err_errno(e, ENOMEM, "%s", f->name);
	*slot = fd;
	return 0;
}

int set_size(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	uint64_t *out = (uint64_t *)((char *)s + f->param);

	if (str_size(value, out) < 0 || *out == 0)
		return err_set(e, EINVAL, "%s: \"%s\" is no size; write 512k, 64m or 1g", f->name,
			       value);
	return 0;
}

int set_fallback(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	if (!str_eq(value, "landlock"))
		return err_set(e, EINVAL, "%s: \"%s\" is unknown; there is only landlock", f->name,
			       value);
	s->fallback = "landlock";
	return 0;
}
