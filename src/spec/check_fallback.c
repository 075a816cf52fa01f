/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the machine refuses user namespaces and the user asked for it by name: no namespace at all,
 * but Landlock shows the same program directories, a second filter leaves no network, and limits,
 * filter and no_new_privs stay. What that does not isolate is said in a note.
 */
#include <errno.h>
#include <linux/mount.h>

#include "base/str.h"
#include "spec/spec.h"

#define NOT_ISOLATED                                                                \
	"fallback landlock: no namespaces. Not isolated: process list, host name, " \
	"System V IPC, clocks, file names and sizes; there is no /tmp to write to"
#define NOR_SIGNALS                                                                      \
	". Before Linux 6.12 (Landlock ABI 6) it can also send signals to all processes" \
	" of the same user, and reach their abstract Unix sockets"

static const struct {
	enum landlock_access access;
	const char *path;
} views[] = {
	{ LANDLOCK_RX, "/usr" },
	{ LANDLOCK_RX, "/bin" },
	{ LANDLOCK_RX, "/sbin" },
	{ LANDLOCK_RX, "/lib" },
	{ LANDLOCK_RX, "/lib32" },
	{ LANDLOCK_RX, "/lib64" },
	{ LANDLOCK_RO, "/etc/passwd" },
	{ LANDLOCK_RO, "/etc/group" },
	{ LANDLOCK_RO, "/etc/alternatives" },
	{ LANDLOCK_RO, "/etc/ld.so.cache" },
	{ LANDLOCK_RO, "/etc/ssl/certs" },
	{ LANDLOCK_RO, "/etc/localtime" },
	{ LANDLOCK_RO, "/etc/nsswitch.conf" },
	{ LANDLOCK_RO, "/proc/self" },
	{ LANDLOCK_RW, "/dev/null" },
	{ LANDLOCK_RW, "/dev/zero" },
	{ LANDLOCK_RW, "/dev/full" },
	{ LANDLOCK_RO, "/dev/random" },
	{ LANDLOCK_RO, "/dev/urandom" },
	{ LANDLOCK_RW, "/dev/tty" },
	{ LANDLOCK_RW, "/dev/pts" },
};

static int allow(struct spec *s, enum landlock_access access, const char *path)
{
	struct landlock_rule *rule, *bigger;

	bigger = arena_alloc(s->arena, (s->landlock.n + 1) * sizeof(*bigger));
	if (!bigger || !path)
		return -ENOMEM;
	for (size_t i = 0; i < s->landlock.n; i++)
		bigger[i] = s->landlock.items[i];
	s->landlock.items = bigger;
	rule = &s->landlock.items[s->landlock.n++];
	*rule = (struct landlock_rule){ access, path, true };
	return 0;
}

static int allow_mounts(struct spec *s, const struct facts *f, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->mounts.n; i++) {
		const struct mnt *m = &s->mounts.items[i];
		bool same = !m->dst || str_eq(m->dst, m->src);

		if (m->kind != MNT_BIND || !same)
			return err_set(e, EINVAL,
				       "fallback landlock: only a bind at its own path can "
				       "be had without a mount namespace");
		r = allow(s, m->attrs & MOUNT_ATTR_RDONLY ? LANDLOCK_RX : LANDLOCK_ALL,
			  path_normal(s->arena, f->cwd, m->src));
	}
	s->mounts.n = 0;
	return r;
}

int check_fallback(struct spec *s, const struct facts *f, struct err *e)
{
	const char **note;
	int r = 0;

	if (!f->fallback_active)
		return 0;
	if (s->rootfs || s->host_root || s->root_overlay || s->as_pid1 || s->hostname ||
	    s->map_auto || s->map_users.n || s->user)
		return err_set(e, EINVAL,
			       "fallback landlock: a root, a hostname, ids or as-pid1 "
			       "cannot be had without namespaces");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(views); i++)
		r = allow(s, views[i].access, views[i].path);
	if (r == 0)
		r = allow_mounts(s, f, e);
	if (r == 0 && s->work) {
		s->cwd = path_normal(s->arena, f->cwd, s->work);
		s->work = NULL;
		r = allow(s, LANDLOCK_ALL, s->cwd);
	}
	if (r == 0 && s->command.n && *s->command.items[0] && s->command.items[0][0] != 0)
		for (const char *p = s->command.items[0]; *p; p++)
			if (*p == '/') {
				r = allow(s, LANDLOCK_RX,
					  path_normal(s->arena, f->cwd, s->command.items[0]));
				break;
			}
	for (int i = 0; i < NS_COUNT; i++)
		s->ns[i].mode = NS_SHARED;
	if (!s->cwd)
		s->cwd = "/usr";
	s->d.seal.no_inet = true;
	note = arena_push(s->arena, &s->d.notes.items, &s->d.notes.n, sizeof(*note));
	if (r < 0 || !note)
		return r == -EINVAL ? r : err_errno(e, ENOMEM, "fallback");
	*note = f->signals_scoped ? NOT_ISOLATED : NOT_ISOLATED NOR_SIGNALS;
	return 0;
}
