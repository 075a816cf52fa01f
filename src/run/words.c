/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table for a person: what a step will do to which object, why it failed, and what can be done
 * about it. Only the parent speaks, and only here.
 */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/rlimits.h"
#include "base/str.h"
#include "run/run.h"
#include "spec/container.h"

static const char *const kind_words[] = {
	[MNT_BIND] = "bind",
	[MNT_TMPFS] = "tmpfs",
	[MNT_SCRATCH] = "scratch",
	[MNT_OVERLAY] = "overlay",
	[MNT_PROC] = "proc",
	[MNT_DEVPTS] = "devpts",
	[MNT_MQUEUE] = "mqueue",
	[MNT_NODE] = "device",
	[MNT_DIR] = "directory",
	[MNT_FILE] = "file",
	[MNT_SYMLINK] = "symlink",
	[MNT_MASK] = "mask",
	[MNT_REMOUNT_RO] = "remount-ro",
	[MNT_PROPAGATION] = "propagation",
	[MNT_DEV] = "dev",
	[MNT_FRESH] = "fresh",
	[MNT_CGROUP] = "cgroup",
	[MNT_MAKE_NODE] = "node",
	[MNT_REMOUNT] = "remount",
	[MNT_READ_ONLY] = "read-only",
};

static void put_attrs(struct buf *out, const struct mnt *m)
{
	static const struct {
		uint64_t bit;
		const char *word;
	} words[] = {
		{ MOUNT_ATTR_RDONLY, "ro" },
		{ MOUNT_ATTR_NOSUID, "nosuid" },
		{ MOUNT_ATTR_NODEV, "nodev" },
		{ MOUNT_ATTR_NOEXEC, "noexec" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (m->attrs & words[i].bit)
			buf_printf(out, " %s", words[i].word);
	if (m->recursive)
		buf_puts(out, " recursive");
	if (m->idmap)
		buf_puts(out, " idmap");
}

static void put_mount(struct buf *out, const struct mnt *m)
{
	buf_printf(out, "%s", kind_words[m->kind]);
	if (m->type && m->kind == MNT_FRESH && !(m->src && str_eq(m->src, m->type)))
		buf_printf(out, " %s", m->type);
	if (m->src)
		buf_printf(out, " %s ->", m->src);
	if (m->fd >= 0)
		buf_printf(out, " fd:%d ->", m->fd);
	for (size_t i = 0; i < m->layers.n; i++)
		buf_printf(out, "%s%s", i ? ":" : " ", m->layers.items[i]);
	buf_printf(out, " %s", m->dst);
	if (m->upper)
		buf_printf(out, " keep=%s", m->upper);
	put_attrs(out, m);
	if (m->kind == MNT_MAKE_NODE)
		buf_printf(out, " %u:%u mode=%o", m->major, m->minor, m->mode);
	for (size_t i = 0; i < m->options.n; i++)
		buf_printf(out, " %s", m->options.items[i]);
	if (m->size_bytes)
		buf_printf(out, " size=%llu", (unsigned long long)m->size_bytes);
}

static void put_root(struct buf *out, const struct decided *d)
{
	put_mount(out, &d->root);
	if (d->unattached)
		buf_puts(out, ", mounted nowhere");
}

static void put_namespaces(struct buf *out, const struct run *r, enum ns_mode mode)
{
	for (int i = 0; i < NS_COUNT; i++)
		if (r->spec->ns[i].mode == mode)
			buf_printf(out, " %s", ns_table[i].name);
}

static void put_map(struct buf *out, const char *what, const id_ranges *map)
{
	buf_printf(out, " %s", what);
	for (size_t i = 0; i < map->n; i++)
		buf_printf(out, " %u:%u:%u", map->items[i].inside, map->items[i].outside,
			   map->items[i].count);
}

static void put_target(struct buf *out, const struct run *r, size_t item)
{
	if (r->d->enters) {
		put_namespaces(out, r, NS_JOINED);
		return;
	}
	for (int type = NS_COUNT - 1; type >= 0; type--)
		if (r->spec->ns[type].mode == NS_JOINED && item-- == 0)
			buf_printf(out, "%s=%s", ns_table[type].name, r->spec->ns[type].target);
}

static void put_rlimit(struct buf *out, const struct run *r, size_t item)
{
	const struct rlimit_wish *w = &r->seal->rlimits.items[item];

	buf_printf(out, "%s=", rlimit_name(w->resource));
	if (w->limit.rlim_cur == RLIM_INFINITY)
		buf_puts(out, "unlimited");
	else
		buf_printf(out, "%llu", (unsigned long long)w->limit.rlim_cur);
	if (w->limit.rlim_max != w->limit.rlim_cur)
		buf_printf(out, ":%lld", (long long)w->limit.rlim_max);
}

static void put_command(struct buf *out, const struct run *r)
{
	for (char **p = r->program->argv; *p; p++)
		buf_printf(out, "%s%s", p == r->program->argv ? "" : " ", *p);
}

static void put_clone(struct buf *out, const struct run *r)
{
	buf_puts(out, "new:");
	put_namespaces(out, r, NS_NEW);
	if (r->d->share_memory)
		buf_puts(out, "; in our memory");
	if (r->d->enters_pid_ns)
		buf_puts(out, "; its init will enter the pid namespace");
}

static void put_ids(struct buf *out, const struct run *r)
{
	buf_printf(out, "%u:%u%s", r->seal->uid, r->seal->gid,
		   r->seal->drop_groups ? ", no other groups" : "");
}

static void put_maps(struct buf *out, const struct run *r)
{
	put_map(out, "users", &r->d->uid_ranges);
	put_map(out, "groups", &r->d->gid_ranges);
	if (r->d->deny_setgroups)
		buf_puts(out, ", setgroups denied");
}

static void put_landlock(struct buf *out, const struct run *r)
{
	for (size_t i = 0; i < r->seal->landlock.n; i++)
		buf_printf(out, "%s%s:%s", i ? " " : "",
			   landlock_words[r->seal->landlock.items[i].access],
			   r->seal->landlock.items[i].path);
}

static void put_caps(struct buf *out, const struct seal *seal)
{
	if (!seal->exact_caps) {
		buf_printf(out, "keep %#llx", (unsigned long long)seal->caps);
		return;
	}
	buf_puts(out, "sets");
	for (int i = 0; i < CAP_SETS; i++)
		buf_printf(out, " %#llx", (unsigned long long)seal->cap_sets[i]);
}

static void put_unit(struct buf *out, const struct unit *u)
{
	buf_printf(out, "%s%s", u->user ? "of the user's manager: " : "", u->path);
	for (size_t i = 0; i < u->properties.n; i++)
		buf_printf(out, " %s", u->properties.items[i]);
}

/* The lines of schemata in one. */
static void put_rdt(struct buf *out, const struct rdt_wish *w)
{
	buf_puts(out, w->group);
	if (w->monitor)
		buf_printf(out, ", counted in mon_groups/%s", w->monitor);
	for (size_t i = 0; i < ARRAY_SIZE(w->schemata) && w->schemata[i]; i++) {
		for (const char *line = w->schemata[i]; *line;) {
			size_t len = strcspn(line, "\n");

			buf_puts(out, ", ");
			buf_put(out, line, len);
			line += len + (line[len] == '\n');
		}
	}
}

static void put_net_device(struct buf *out, const struct container_netdev *n)
{
	buf_puts(out, n->outside);
	if (!str_eq(n->inside, n->outside))
		buf_printf(out, " -> %s", n->inside);
}

static void put_net(struct buf *out, const struct net_wish *w)
{
	char text[PORTMAP_TEXT_MAX];

	buf_printf(out, "%s", net_kind_words[w->kind]);
	if (w->object)
		buf_printf(out, ":%s", w->object);
	buf_printf(out, " -> %s", w->name);
	for (size_t i = 0; i < w->addresses.n; i++)
		buf_printf(out, " %s", ip_net_print(&w->addresses.items[i], text));
	for (int i = 0; i < 2; i++)
		if (w->gateway[i].family)
			buf_printf(out, " gateway=%s", ip_print(&w->gateway[i], text));
	for (size_t i = 0; i < w->ports.n; i++)
		buf_printf(out, " %s", portmap_print(&w->ports.items[i], text));
}

/* As they were asked for; of a field that takes one value the last counts. */
static void put_limits(struct buf *out, const struct spec *s)
{
	const char *blank = "";

	for (size_t i = 0; i < s->journal.n; i++) {
		const struct spec_entry *entry = &s->journal.items[i];
		const struct field *f = field_find(entry->field);
		bool stands = f && str_eq(f->group, "Limits");

		for (size_t k = i + 1; stands && !(f->flags & FIELD_LIST) && k < s->journal.n; k++)
			stands = !str_eq(s->journal.items[k].field, entry->field);
		if (!stands)
			continue;
		buf_printf(out, "%s%s=%s", blank, entry->field, entry->value);
		blank = " ";
	}
	if (s->d.resources && s->d.resources->swap_implied)
		buf_puts(out, " swap=0");
}

void words_limits(const struct run *r, struct err *e)
{
	_cleanup_buf_ struct buf limits = { 0 };

	put_limits(&limits, r->spec);
	err_prefix(e, "limits %.200s", limits.data ? limits.data : "");
}

static void put_cgroup(struct buf *out, const struct run *r)
{
	const struct container *c = r->d->container;

	if (!c)
		put_limits(out, r->spec);
	else
		buf_puts(out, c->life.cgroup ? c->life.cgroup : "");
}

static void put_of_container(struct buf *out, const struct run *r, const struct step *s, size_t i)
{
	const struct container *c = r->d->container;

	if (str_eq(s->name, "unit"))
		put_unit(out, r->d->unit);
	else if (str_starts(s->name, "unit-"))
		buf_puts(out, r->d->unit->name);
	else if (str_starts(s->name, "rdt"))
		put_rdt(out, r->d->rdt);
	else if (str_eq(s->name, "net-device"))
		put_net_device(out, &c->net_devices.items[i]);
	else if (str_eq(s->name, "sysctl"))
		buf_printf(out, "%s=%s", c->sysctl.items[i].key, c->sysctl.items[i].value);
	else if (str_eq(s->name, "start-hook"))
		buf_puts(out, r->start_hooks->items[i].program.path);
	else if (str_eq(s->name, "label"))
		buf_puts(out, r->seal->label);
}

static void put_rules(struct buf *out, const struct decided *d)
{
	char text[NETRULE_TEXT_MAX];

	for (size_t i = 0; i < d->rules.n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", netrule_print(&d->rules.items[i], text));
}

static void put_hosts(struct buf *out, const struct spec *s)
{
	for (size_t i = 0; i < s->allow_hosts.n; i++)
		buf_printf(out, "%s%s", i ? "," : "", s->allow_hosts.items[i]);
}

static void put_of_network(struct buf *out, const struct run *r, const struct step *s, size_t i)
{
	const struct decided *d = r->d;

	if (str_eq(s->name, "net") || str_eq(s->name, "pasta"))
		put_net(out, &d->nets.items[i]);
	else if (str_eq(s->name, "net-up"))
		buf_puts(out, d->nets.items[i].name);
	else if (str_eq(s->name, "rules"))
		put_rules(out, d);
	else if (str_eq(s->name, "egress"))
		put_hosts(out, r->spec);
}

/* What there is to say of the object of a step; nothing for most. */
void words_item(const struct run *r, const struct step *s, size_t i, struct buf *out)
{
	const struct decided *d = r->d;

	if (str_eq(s->name, "mount"))
		put_mount(out, &d->mounts.items[i]);
	else if (str_eq(s->name, "cover"))
		put_mount(out, &d->covers.items[i]);
	else if (str_eq(s->name, "root"))
		put_root(out, d);
	else if (str_eq(s->name, "clone"))
		put_clone(out, r);
	else if (str_eq(s->name, "targets") || str_eq(s->name, "join"))
		put_target(out, r, i);
	else if (str_eq(s->name, "map-self") || str_eq(s->name, "map-ids"))
		put_maps(out, r);
	else if (str_eq(s->name, "names"))
		buf_printf(out, "%s", d->hostname);
	else if (str_eq(s->name, "rlimit"))
		put_rlimit(out, r, i);
	else if (str_eq(s->name, "nice"))
		buf_printf(out, "%d", r->seal->nice);
	else if (str_eq(s->name, "cwd"))
		buf_printf(out, "%s umask=%03o", r->seal->cwd, r->seal->umask);
	else if (str_eq(s->name, "ids"))
		put_ids(out, r);
	else if (str_eq(s->name, "caps"))
		put_caps(out, r->seal);
	else if (str_eq(s->name, "landlock"))
		put_landlock(out, r);
	else if (str_eq(s->name, "seccomp"))
		buf_printf(out, "%s, %u instructions",
			   r->spec->seccomp ? r->spec->seccomp : "linux.seccomp",
			   r->seal->filter_len);
	else if (str_eq(s->name, "exec"))
		put_command(out, r);
	else if (str_eq(s->name, "cgroup"))
		put_cgroup(out, r);
	else if (d->container)
		put_of_container(out, r, s, i);
	else
		put_of_network(out, r, s, i);
}

/* What a person can do about it, where that is known. */
static const struct hint {
	const char *step;
	int code;
	const char *text;
} hints[] = {
	{ "clone", EPERM,
	  "user namespaces are refused here: run `holm doctor`; `--fallback landlock` does "
	  "without" },
	{ "clone", ENOSPC,
	  "a limit of namespaces is reached: sysctl user.max_user_namespaces and its "
	  "neighbours, or more than 32 levels are nested" },
	{ "clone", EUSERS, "namespaces are nested more than 32 deep" },
	{ "clone", EAGAIN, "the limit of processes is reached (ulimit -u)" },
	{ "clone", EINVAL, "this kernel lacks one of the namespaces: run `holm doctor`" },
	{ "beside", EAGAIN, "the limit of processes is reached (ulimit -u)" },
	{ "network", ENOSPC, "a limit of namespaces is reached: sysctl user.max_net_namespaces" },
	{ "map-self", EPERM,
	  "run `holm doctor`; in a box of root's, start the outer one with --user 1000 or --cap "
	  "setfcap" },
	{ "map-self", EACCES, "AppArmor may restrict user namespaces: run `holm doctor`" },
	{ "map-ids", EPERM, "the ranges must be granted in /etc/subuid and /etc/subgid" },
	{ "map-ids", ENOENT, "install newuidmap and newgidmap (Debian: apt-get install uidmap)" },
	{ "net-device", EPERM,
	  "it needs CAP_NET_ADMIN over the network namespace that the device leaves, and over the "
	  "container's" },
	{ "net-device", EINVAL, "there are devices that cannot leave their network namespace" },
	{ "net", EPERM,
	  "it needs CAP_NET_ADMIN over our own network namespace: start as root there" },
	{ "net", EOPNOTSUPP, "this kernel has no interfaces of that kind" },
	{ "net", EBUSY,
	  "an interface of a bridge, or one with macvlans, can be no parent of another kind" },
	{ "egress", ENOENT,
	  "it is installed with holm; its place is beside holm, in libexec/holm, or in $PATH" },
	{ "pasta", ENOENT, "install it (Debian: apt-get install passt)" },
	{ "join", ESRCH, "the process whose namespaces are entered has ended" },
	{ "join", EPERM,
	  "entering it needs CAP_SYS_ADMIN over it: start as root, or join the user "
	  "namespace that owns it as well (--join user=...)" },
	{ "root", EACCES, "AppArmor may restrict user namespaces: run `holm doctor`" },
	{ "mount", EOVERFLOW,
	  "our own id has no place in the map of the user namespace: add --user" },
	{ "mount", EROFS,
	  "the place does not exist and cannot be made: make it beforehand, or use "
	  "--overlay tmp" },
	{ "mount", EACCES,
	  "the place or the source may not be reached, or the place cannot be made: "
	  "make it beforehand, or use --overlay tmp" },
	{ "mount", ELOOP, "a symbolic link on the way points to itself or is dangling" },
	{ "mount", ENOSPC, "fs.mount-max or --scratch-size is reached" },
	{ "init-caps", EPERM, "a capability can be kept only if whoever starts the box has it" },
	{ "caps", EPERM, "a capability can be kept only if whoever starts the box has it" },
	{ "rlimit", EPERM, "a hard limit can only be lowered" },
	{ "nice", EACCES, "a priority can only be lowered" },
	{ "nice", EPERM, "a priority can only be lowered" },
	{ "cwd", ENOENT, "there is no such directory inside" },
	{ "landlock", EOPNOTSUPP, "this kernel has no Landlock" },
	{ "init", EACCES,
	  "sysctl vm.memfd_noexec=2 forbids memory files to be executed: set it to 1" },
	{ "exec", ENOEXEC, "no program and no script with a #! line" },
};

static const char *hint_for(const struct run *r, const char *step, int code)
{
	if (str_eq(step, "clone") && code == EPERM && r->spec->ns[NS_USER].mode != NS_NEW)
		return "without a user namespace of their own the others need CAP_SYS_ADMIN: start "
		       "as "
		       "root, or do not share user";
	if (str_eq(step, "root") && code == EPERM && r->d->unattached)
		return "without a mount namespace of its own it needs CAP_SYS_ADMIN: start as root";
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (hints[i].code == code && str_eq(hints[i].step, step))
			return hints[i].text;
	return NULL;
}

/* A long object loses its middle, so that the reason always has room. */
static void put_object(struct err *e, const struct buf *object)
{
	if (object->len > 300)
		err_append(e, " %.140s ... %s", object->data, object->data + object->len - 140);
	else if (object->len)
		err_append(e, " %s", object->data);
}

/* Is it the command itself that cannot be had: executed, or shown in the box? */
static bool is_command(const struct run *r, const struct step *s, size_t item)
{
	if (str_eq(s->name, "mount"))
		return r->d->mounts.items[item].is_command;
	return str_eq(s->name, "exec");
}

const char *seal_step_name(unsigned i)
{
	size_t first = 0;

	while (steps[first].stage != STAGE_SEAL)
		first++;
	return first + i < n_steps ? steps[first + i].name : "";
}

/* Engines find the words of runc in this, and choose their own exit code by them. */
static int container_command(const struct run *r, int code, const char *failed, struct err *e)
{
	const char *path = r->program->path;

	if (!failed)
		failed = code == EACCES      ? "permission denied"
			 : code != ENOENT    ? err_words(code)
			 : strchr(path, '/') ? "no such file or directory"
					     : "executable file not found in $PATH";
	return err_set(e, code, "exec: \"%.200s\": %s", path, failed);
}

/* "mount bind /a -> /b: open the source: No such file or directory (hint)" */
int words_failure(const struct run *r, const struct step *s, size_t item, int code,
		  const char *failed, struct err *e)
{
	const char *hint = hint_for(r, s->name, code);
	struct buf object = { 0 };

	if (e)
		e->step = s->name;
	if (e && e->code) /* whoever failed has said it all already */
		return -code;
	if (r->d->container && (str_eq(s->name, "exec") || str_eq(s->name, "start")))
		return container_command(r, code, failed, e);
	if (is_command(r, s, item)) {
		err_command(e, code, "command %.200s: %s", r->program->argv[0],
			    failed           ? failed
			    : code == ENOENT ? "not found in the box"
					     : err_words(code));
	} else {
		words_item(r, s, item, &object);
		err_set(e, code, "%s", s->name);
		put_object(e, &object);
		err_append(e, ": %s: %s", failed ? failed : s->words, err_words(code));
	}
	if (hint)
		err_append(e, " (%s)", hint);
	buf_done(&object);
	return -code;
}
