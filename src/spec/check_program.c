/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is executed, with which environment, descriptors, terminal and rights. */
#include <errno.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "spec/spec.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *env_get(char *const *env, const char *name, size_t len)
{
	for (; env && *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

/* Sets NAME=VALUE in a list; an older value of the name goes. */
static int env_put(struct spec *s, strings *env, const char *entry)
{
	size_t len = strcspn(entry, "=");
	const char **slot;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->items[i], entry, len + 1) == 0) {
			env->items[i] = entry;
			return 0;
		}
	}
	slot = arena_push(s->arena, &env->items, &env->n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = entry;
	return 0;
}

static int env_defaults(struct spec *s, const struct facts *f, strings *env)
{
	const char *lang = env_get(f->environ, "LANG", 4);
	const char *term = env_get(f->environ, "TERM", 4);
	int r = env_put(s, env, "PATH=" DEFAULT_PATH);

	/* /tmp is the one place that can always be written to. */
	if (r == 0)
		r = env_put(s, env, "HOME=/tmp");
	if (r == 0)
		r = env_put(s, env, arena_printf(s->arena, "LANG=%s", lang ? lang : "C.UTF-8"));
	if (r == 0 && term && (f->tty[0] || f->tty[1]))
		r = env_put(s, env, arena_printf(s->arena, "TERM=%s", term));
	return r;
}

static int env_wishes(struct spec *s, const struct facts *f, strings *env)
{
	for (size_t i = 0; i < s->env.n; i++) {
		const char *entry = s->env.items[i];
		size_t len = strcspn(entry, "=");
		const char *value;
		int r = 0;

		if (entry[len] == '=') {
			r = env_put(s, env, entry);
		} else {
			value = env_get(f->environ, entry, len);
			if (value)
				r = env_put(s, env, arena_printf(s->arena, "%s=%s", entry, value));
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_env(struct spec *s, const struct facts *f, struct err *e)
{
	strings env = { 0 };
	char **envp;
	int r = 0;

	if (!s->keep_env)
		r = env_defaults(s, f, &env);
	for (char *const *p = f->environ; s->keep_env && r == 0 && p && *p; p++)
		r = env_put(s, &env, *p);
	if (r == 0)
		r = env_wishes(s, f, &env);
	envp = r == 0 ? arena_alloc(s->arena, (env.n + 1) * sizeof(*envp)) : NULL;
	if (!envp)
		return err_errno(e, ENOMEM, "env");
	for (size_t i = 0; i < env.n; i++)
		envp[i] = (char *)env.items[i];
	s->d.main.envp = envp;
	return 0;
}

static int check_command(struct spec *s, struct err *e)
{
	struct program *p = &s->d.main;

	if (s->prepared && !s->command.n) { /* never executed */
		static char *nothing[] = { (char *)"/", NULL };

		p->path = "/";
		p->argv = nothing;
		return 0;
	}
	if (!s->command.n || !*s->command.items[0])
		return err_set(e, EINVAL, "no command to run");
	p->name = "main";
	p->path = s->command.items[0];
	p->argv = arena_alloc(s->arena, (s->command.n + 1) * sizeof(char *));
	if (!p->argv)
		return err_errno(e, ENOMEM, "command");
	for (size_t i = 0; i < s->command.n; i++)
		p->argv[i] = (char *)s->command.items[i];
	return 0;
}

static int check_services(struct spec *s, struct err *e)
{
	for (size_t i = 0; i < s->services.n; i++) {
		struct program *p =
			arena_push(s->arena, &s->d.services.items, &s->d.services.n, sizeof(*p));

		if (!p)
			return err_errno(e, ENOMEM, "service");
		*p = s->services.items[i];
		p->envp = s->d.main.envp;
	}
	return 0;
}

static int check_numbers(struct spec *s, struct err *e)
{
	struct seal *seal = &s->d.seal;
	const char *digits = s->nice;
	uint32_t n;

	seal->umask = 022;
	if (s->umask && str_octal(s->umask, 0777, &seal->umask) < 0)
		return err_set(e, EINVAL, "umask: \"%s\" is no octal mask of up to 777", s->umask);
	if (!s->nice)
		return 0;
	if (*digits == '-')
		digits++;
	if (str_u32(digits, &n) < 0 || n > (*s->nice == '-' ? 20 : 19))
		return err_set(e, EINVAL, "nice: \"%s\" is not in -20 to 19", s->nice);
	seal->change_nice = true;
	seal->nice = *s->nice == '-' ? -(int)n : (int)n;
	return 0;
}

static int check_fds(struct spec *s, struct err *e)
{
	struct seal *seal = &s->d.seal;

	if (s->keep_fds.n > SEAL_FDS_MAX)
		return err_set(e, E2BIG, "keep-fd: at most %d", SEAL_FDS_MAX);
	for (size_t i = 0; i < s->keep_fds.n; i++)
		seal->keep_fds[seal->n_keep_fds++] = s->keep_fds.items[i];
	return 0;
}

/* Is the command user 0 outside? */
static bool outside_root(const struct spec *s, const struct facts *f)
{
	const struct seal *seal = &s->d.seal;
	const id_ranges *map = &s->d.uid_ranges;

	for (size_t i = 0; i < map->n; i++)
		if (map->items[i].outside == 0 && map->items[i].inside == seal->uid)
			return true;
	return map->n == 0 && (seal->change_ids ? seal->uid : f->uid) == 0;
}

static int check_rlimits(struct spec *s, const struct facts *f, struct err *e)
{
	struct rlimit_wish core = { RLIMIT_CORE, { 0, 0 } }, *slot;
	rlimits *to = &s->d.seal.rlimits;
	bool has_core = false;

	for (size_t i = 0; i < s->rlimits.n; i++)
		if (s->rlimits.items[i].resource == RLIMIT_NPROC && outside_root(s, f))
			return err_set(e, EINVAL,
				       "rlimit nproc: the kernel exempts user 0, whom this "
				       "box runs as outside: map it to others, as with --map-users "
				       "0:100000:65536 --map-groups 0:100000:65536");
	for (size_t i = 0; i < s->rlimits.n; i++)
		has_core |= s->rlimits.items[i].resource == RLIMIT_CORE;
	if (has_core) {
		*to = s->rlimits;
		return 0;
	}
	/* A core dump is piped to a program of the host, outside every namespace. */
	for (size_t i = 0; i <= s->rlimits.n; i++) {
		slot = arena_push(s->arena, &to->items, &to->n, sizeof(*slot));
		if (!slot)
			return err_errno(e, ENOMEM, "rlimit");
		*slot = i < s->rlimits.n ? s->rlimits.items[i] : core;
	}
	return 0;
}

/*
 * Read-only views and masks are mounts of the box's own namespaces, so whoever has sys_admin there,
 * and a filter that leaves the mount calls, can undo them.
 */
static int note_sys_admin(struct spec *s)
{
	const char **note;

	if (!(s->caps & caps_by_name("sys_admin")) || str_eq(s->seccomp, "default"))
		return 0;
	note = arena_push(s->arena, &s->d.notes.items, &s->d.notes.n, sizeof(*note));
	if (!note)
		return -ENOMEM;
	*note = "cap sys_admin without the default filter: the box can undo its masks and make its "
		"read-only views of the host writable";
	return 0;
}

int check_program(struct spec *s, const struct facts *f, struct err *e)
{
	struct decided *d = &s->d;
	int r = check_command(s, e);

	if (r == 0)
		r = check_env(s, f, e);
	if (r == 0)
		r = check_services(s, e);
	if (r == 0)
		r = check_numbers(s, e);
	if (r == 0)
		r = check_fds(s, e);
	if (r == 0)
		r = check_rlimits(s, f, e);
	if (r < 0)
		return r;
	r = note_sys_admin(s);
	if (r < 0)
		return err_errno(e, ENOMEM, "notes");
	d->die_with_parent = !s->outlive_parent;
	/* Any of the three: a terminal opened for output can be read from as well. */
	for (int i = 0; i < 3; i++) {
		bool shown = f->tty[i] && !(d->collect && i > 0);

		d->seal.tty[i] = shown || s->pty == TRI_YES;
		d->pty |= s->pty == TRI_YES || (s->pty == TRI_AUTO && shown);
	}
	d->seal.die_with_starter = d->die_with_parent && (d->as_pid1 || !d->init_is_pid1);
	d->seal.block_fd = s->block_fd;
	d->seal.new_session = true;
	d->seal.no_new_privs = !s->allow_new_privs;
	d->seal.caps = s->caps;
	d->seal.filter = s->filter;
	d->seal.filter_len = s->filter_len;
	d->seal.filter_flags = s->filter_flags;
	d->seal.landlock = s->landlock;
	d->seal.landlock_on = s->landlock.n > 0;
	if (s->filter && s->allow_new_privs && s->ns[NS_USER].mode == NS_SHARED && !f->privileged)
		return err_set(e, EINVAL,
			       "allow-new-privs: the kernel takes a filter only with "
			       "no_new_privs or CAP_SYS_ADMIN: add --seccomp none");
	return 0;
}
