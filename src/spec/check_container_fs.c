/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file system of a container: its mounts in the order given, the devices and links that the
 * specification demands, and what is masked or read-only in the end.
 */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "spec/container.h"
#include "spec/mount_options.h"

#define DEVICE_MODE 0666

static const struct {
	const char *path;
	uint32_t major, minor;
} default_devices[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static const struct {
	const char *target, *path;
} dev_links[] = {
	{ "/proc/self/fd", "/dev/fd" },       { "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" }, { "/proc/self/fd/2", "/dev/stderr" },
	{ "pts/ptmx", "/dev/ptmx" },
};

static struct mnt *add(struct spec *s, mnts *list, enum mnt_kind kind, const char *dst)
{
	struct mnt *m = arena_push(s->arena, &list->items, &list->n, sizeof(*m));

	if (m)
		*m = (struct mnt){ .kind = kind, .dst = dst, .fd = -1, .mode = 0755 };
	return m && dst ? m : NULL;
}

/* What the words say of the mount itself. */
static void take_words(struct mnt *m, const struct mount_words *w)
{
	m->attrs = w->attrs.set;
	m->clear = w->attrs.clear;
	m->attrs_below = w->recursive.set;
	m->clear_below = w->recursive.clear;
	m->propagation = w->propagation & ~(uint64_t)MS_REC;
	m->propagate_below = w->propagation & MS_REC;
	m->copy_up = w->tmpcopyup;
}

static int add_options(struct spec *s, struct mnt *m, const struct mount_words *w)
{
	const strings *from[] = { &w->flags, &w->data };

	for (size_t k = 0; k < ARRAY_SIZE(from); k++) {
		for (size_t i = 0; i < from[k]->n; i++) {
			const char **slot = arena_push(s->arena, &m->options.items, &m->options.n,
						       sizeof(*slot));

			if (!slot)
				return -ENOMEM;
			*slot = from[k]->items[i];
		}
	}
	return 0;
}

/* SELinux labels what can be labelled as a whole; the kernel's own views have labels of their own.
 */
static int add_label(struct spec *s, struct mnt *m)
{
	static const char *const without[] = { "proc", "sysfs", "mqueue", "cgroup", "cgroup2" };
	const char *label = s->container->mount_label, **slot;

	if (!label || !*label || m->kind != MNT_FRESH)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		if (str_eq(m->type, without[i]))
			return 0;
	slot = arena_push(s->arena, &m->options.items, &m->options.n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = arena_printf(s->arena, "context=%s", label);
	return *slot ? 0 : -ENOMEM;
}

static enum mnt_kind kind_of(const struct container_mount *cm, const struct mount_words *w)
{
	if (w->remount)
		return MNT_REMOUNT;
	if (w->bind || str_eq(cm->type, "bind"))
		return MNT_BIND;
	if (str_eq(cm->type, "cgroup") || str_eq(cm->type, "cgroup2"))
		return MNT_CGROUP;
	return MNT_FRESH;
}

/* Ranges as the kernel reads them; an id of the container's is turned into one outside. */
static const char *map_text(struct spec *s, const id_ranges *map)
{
	const char *text = "";

	for (size_t i = 0; text && i < map->n; i++)
		text = arena_printf(s->arena, "%s%u %u %u\n", text, map->items[i].inside,
				    map->items[i].outside, map->items[i].count);
	return text;
}

/* Its own maps, those in the option, or, without either, those of the container. */
static int add_idmap(struct spec *s, struct mnt *m, const struct container_mount *cm,
		     const struct mount_words *w, struct err *e)
{
	const id_ranges *uids = cm->uid_mappings.n ? &cm->uid_mappings : &w->uids.ranges;
	const id_ranges *gids = cm->gid_mappings.n ? &cm->gid_mappings : &w->gids.ranges;

	if (!cm->uid_mappings.n != !cm->gid_mappings.n)
		return err_set(e, EINVAL, "mount %s: it has %s without %s", cm->destination,
			       cm->uid_mappings.n ? "uidMappings" : "gidMappings",
			       cm->uid_mappings.n ? "gidMappings" : "uidMappings");
	m->idmap = w->idmap || cm->uid_mappings.n;
	m->idmap_below = w->ridmap;
	if (!m->idmap)
		return 0;
	if (w->uids.relative || w->gids.relative)
		return err_set(e, EINVAL,
			       "mount %s: idmap: maps relative to the container's are "
			       "not known here",
			       cm->destination);
	if (!uids->n && !gids->n) {
		if (s->ns[NS_USER].mode == NS_NEW)
			return 0;
		return err_set(e, EINVAL,
			       "mount %s: idmap: there is no map, neither the mount's nor a user "
			       "namespace's",
			       cm->destination);
	}
	m->uid_map = map_text(s, uids->n ? uids : gids);
	m->gid_map = map_text(s, gids->n ? gids : uids);
	return m->uid_map && m->gid_map ? 0 : err_errno(e, ENOMEM, "mounts");
}

/*
 * What an image brings as a volume must not stand for the kernel's own words: a file of /proc is
 * read by others, us too. The exceptions are what engines show otherwise.
 */
static int check_place(const struct mnt *m, struct err *e)
{
	static const char *const may_be[] = {
		"/proc/cpuinfo",
		"/proc/diskstats",
		"/proc/loadavg",
		"/proc/meminfo",
		"/proc/net/dev",
		"/proc/slabinfo",
		"/proc/stat",
		"/proc/swaps",
		"/proc/sys/crypto/fips_enabled",
		"/proc/sys/kernel/ns_last_pid",
		"/proc/uptime",
	};

	if (!path_below(m->dst, "/proc"))
		return 0;
	if (str_eq(m->dst, "/proc")) /* of a bind that is seen when it is made */
		return m->kind == MNT_BIND || str_eq(m->type, "proc")
			       ? 0
			       : err_set(e, EINVAL, "mount /proc: only a procfs goes there");
	for (size_t i = 0; i < ARRAY_SIZE(may_be); i++)
		if (str_eq(m->dst, may_be[i]))
			return 0;
	return err_set(e, EINVAL,
		       "mount %s: inside /proc nothing is mounted, but for files that engines "
		       "show otherwise (holm-oci(8) lists them)",
		       m->dst);
}

static int add_mount(struct spec *s, const struct container_mount *cm, struct err *e)
{
	struct mount_words w;
	struct mnt *m;
	int r = mount_options_parse(s->arena, &cm->options, &w, e);

	if (r < 0)
		return err_prefix(e, "mount %s", cm->destination);
	m = add(s, &s->d.mounts, kind_of(cm, &w), path_normal(s->arena, "/", cm->destination));
	if (!m)
		return err_errno(e, ENOMEM, "mounts");
	take_words(m, &w);
	m->type = cm->type;
	r = check_place(m, e);
	if (r < 0)
		return r;
	if (m->kind == MNT_REMOUNT)
		return w.data.n
			       ? err_set(e, EINVAL,
					 "mount %s: remount changes attributes of the mount; %s is "
					 "an option of its file system",
					 cm->destination, w.data.items[0])
			       : 0;
	if (m->kind == MNT_BIND) {
		if (!cm->source)
			return err_set(e, EINVAL, "mount %s: a bind needs a source",
				       cm->destination);
		m->src = path_normal(s->arena, s->container->bundle, cm->source);
		m->recursive = w.rbind || !w.bind;
		if (!m->src)
			return err_errno(e, ENOMEM, "mounts");
		return add_idmap(s, m, cm, &w, e);
	}
	if (!cm->type || !*cm->type)
		return err_set(e, EINVAL, "mount %s: it has neither a type nor the option bind",
			       cm->destination);
	m->src = cm->source;
	if (add_options(s, m, &w) < 0 || add_label(s, m) < 0)
		return err_errno(e, ENOMEM, "mounts");
	return 0;
}

/* A /dev of the host's is left as it is. */
static bool dev_is_bound(const struct spec *s)
{
	for (size_t i = 0; i < s->d.mounts.n; i++)
		if (s->d.mounts.items[i].kind == MNT_BIND &&
		    str_eq(s->d.mounts.items[i].dst, "/dev"))
			return true;
	return false;
}

static int add_device(struct spec *s, const struct container_device *device)
{
	/* In a user namespace no device can be made: the host's own node is bound. */
	bool make = s->ns[NS_USER].mode == NS_SHARED || device->type == 'p';
	struct mnt *m = add(s, &s->d.mounts, make ? MNT_MAKE_NODE : MNT_NODE,
			    path_normal(s->arena, "/", device->path));

	if (!m)
		return -ENOMEM;
	m->src = m->dst;
	m->node_type = device->type == 'b' ? S_IFBLK : device->type == 'p' ? S_IFIFO : S_IFCHR;
	m->major = device->major;
	m->minor = device->minor;
	m->mode = device->mode_given ? device->mode & 07777 : DEVICE_MODE;
	m->uid = device->uid;
	m->gid = device->gid;
	return 0;
}

static bool device_listed(const struct container *c, const char *path)
{
	for (size_t i = 0; i < c->devices.n; i++)
		if (str_eq(c->devices.items[i].path, path))
			return true;
	return false;
}

static int add_devices(struct spec *s)
{
	const struct container *c = s->container;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(default_devices); i++) {
		const struct container_device device = {
			.type = 'c',
			.path = default_devices[i].path,
			.major = default_devices[i].major,
			.minor = default_devices[i].minor,
		};

		if (!device_listed(c, device.path))
			r = add_device(s, &device);
	}
	for (size_t i = 0; r == 0 && i < c->devices.n; i++)
		r = add_device(s, &c->devices.items[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dev_links); i++) {
		struct mnt *m = add(s, &s->d.mounts, MNT_SYMLINK, dev_links[i].path);

		if (!m)
			return -ENOMEM;
		m->src = dev_links[i].target;
		m->optional = true;
	}
	return r;
}

static int add_covers(struct spec *s, const strings *paths, enum mnt_kind kind)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct mnt *m =
			add(s, &s->d.covers, kind, path_normal(s->arena, "/", paths->items[i]));

		if (!m)
			return -ENOMEM;
		m->optional = true;
	}
	return 0;
}

static int decide_root(struct spec *s, struct err *e)
{
	const struct container *c = s->container;
	struct decided *d = &s->d;

	if (!c->root_path)
		return err_set(e, EINVAL, "root: there is none in config.json");
	d->root_kind = ROOT_DIR;
	d->root = (struct mnt){ .kind = MNT_BIND, .dst = "/", .fd = -1, .recursive = true };
	d->root.src = path_normal(s->arena, c->bundle, c->root_path);
	d->root.read_only = c->root_readonly;
	d->root_propagation = c->rootfs_propagation & ~(uint64_t)MS_REC;
	d->host_propagation = d->root_propagation ? d->root_propagation : MS_SLAVE;
	if (d->host_propagation == MS_UNBINDABLE) /* what is bound comes from there */
		d->host_propagation = MS_PRIVATE;
	if (!d->root_propagation)
		d->root_propagation = MS_PRIVATE;
	d->attach_in_place = !d->unattached;
	return d->root.src ? 0 : err_errno(e, ENOMEM, "root");
}

static int add_place(struct spec *s, const struct container_mount *cm, struct err *e)
{
	const char *dst = path_normal(s->arena, "/", cm->destination);

	return add(s, &s->d.mounts, MNT_FRESH, dst) ? 0 : err_errno(e, ENOMEM, "mounts");
}

static int add_mounts(struct spec *s, bool places_only, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->container->mounts.n; i++)
		r = (places_only ? add_place : add_mount)(s, &s->container->mounts.items[i], e);
	return r;
}

int check_later_mounts(struct spec *s, bool places_only, struct err *e)
{
	int r = add_mounts(s, places_only, e);

	for (size_t i = 0; r == 0 && i < s->d.mounts.n; i++) {
		const struct mnt *m = &s->d.mounts.items[i];

		if (m->kind == MNT_CGROUP || m->idmap)
			r = err_set(e, EOPNOTSUPP,
				    "mount %s: %s can only be had when the container is made",
				    m->dst, m->idmap ? "an id map" : "cgroups");
	}
	return r;
}

/* What is mounted nowhere gets nothing from the host's mounts, and passes nothing on to them. */
static int refuse_propagation(const struct spec *s, struct err *e)
{
	const uint64_t refused = MS_SHARED | MS_SLAVE;

	if (s->container->rootfs_propagation & refused)
		return err_set(e, EINVAL,
			       "linux.rootfsPropagation: without a mount namespace nothing "
			       "propagates");
	for (size_t i = 0; i < s->d.mounts.n; i++)
		if (s->d.mounts.items[i].propagation & refused)
			return err_set(e, EINVAL,
				       "mount %s: shared, slave: without a mount namespace nothing "
				       "propagates",
				       s->d.mounts.items[i].dst);
	return 0;
}

int check_container_root(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container *c = s->container;
	struct fact_path is;
	int r = decide_root(s, e);

	if (r < 0)
		return r;
	f->look(f->look_arg, s->d.root.src, &is);
	if (is.kind == FACT_ABSENT || is.kind == FACT_FILE)
		return err_set(e, is.kind == FACT_FILE ? ENOTDIR : ENOENT,
			       "root.path: %s: there is no such directory", s->d.root.src);
	r = add_mounts(s, false, e);
	if (r == 0 && s->d.unattached)
		r = refuse_propagation(s, e);
	if (r < 0)
		return r;
	r = dev_is_bound(s) ? 0 : add_devices(s);
	if (r == 0)
		r = add_covers(s, &c->masked_paths, MNT_MASK);
	if (r == 0)
		r = add_covers(s, &c->readonly_paths, MNT_READ_ONLY);
	return r < 0 ? err_errno(e, -r, "mounts") : 0;
}
