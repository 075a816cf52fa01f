/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root file system as one ordered list of mounts. Three kinds of root share most of it:
 *
 *	default   a fresh tmpfs with read-only views of the host's program directories
 *	rootfs    a directory of the user's
 *	host      the whole host, read-only
 *
 * Everything writable that is fresh (/tmp, /run, /dev/shm) lies in the default root's own tmpfs and
 * is mounted on itself, so that one file system with one size holds it all while the rest of the
 * root is read-only.
 */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

#define SCRATCH_INODES 200000
#define RO_VIEW        (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define FRESH          (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* The program directories: bound where they are directories, recreated where they are links. */
static const char *const program_dirs[] = { "/usr",   "/bin",    "/sbin", "/lib", "/lib32",
					    "/lib64", "/libx32", "/nix",  "/gnu" };

/* What programs read in /etc that says nothing about this host. */
static const char *const etc_paths[] = {
	"/etc/alternatives",    "/etc/ld.so.cache",     "/etc/pki",
	"/etc/localtime",       "/etc/java-11-openjdk", "/etc/java-17-openjdk",
	"/etc/java-21-openjdk", "/etc/ssl/certs",       "/etc/ssl/openssl.cnf",
};
static const char *const etc_net_paths[] = { "/etc/services", "/etc/protocols" };

static const char *const dev_nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };

static const struct {
	const char *target, *name;
} dev_links[] = {
	{ "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" },
	{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
	{ "pts/ptmx", "ptmx" },
};

/*
 * The entries of /proc that tell of the host. What only root may read (`owner`) matters only where
 * the box's ids reach root's outside. What can only be written to is safe: /proc is read-only.
 */
static const struct {
	const char *name;
	bool owner;
} proc_masks[] = {
	{ "keys", false },       { "key-users", false },  { "latency_stats", false },
	{ "kcore", true },       { "kpagecgroup", true }, { "kpagecount", true },
	{ "kpageflags", true },  { "slabinfo", true },    { "timer_list", true },
	{ "vmallocinfo", true },
};

/* Directories of drivers, which not every kernel has; their files can be read, some written to. */
static const char *const proc_masked_dirs[] = { "acpi", "scsi" };

static struct mnt *add(struct spec *s, enum mnt_kind kind, const char *dst)
{
	mnts *list = &s->d.mounts;
	struct mnt *m = arena_push(s->arena, &list->items, &list->n, sizeof(*m));

	if (m)
		*m = (struct mnt){ .kind = kind, .dst = dst, .fd = -1, .mode = 0755 };
	return m;
}

static void look(const struct facts *f, const char *path, struct fact_path *out)
{
	f->look(f->look_arg, path, out);
}

/* Did the user ask for something at this very place? Then the default leaves it to them. */
static bool user_has(const struct spec *s, const char *dst)
{
	for (size_t i = 0; i < s->mounts.n; i++)
		if (str_eq(s->mounts.items[i].dst, dst) &&
		    s->mounts.items[i].kind != MNT_PROPAGATION &&
		    s->mounts.items[i].kind != MNT_REMOUNT_RO &&
		    s->mounts.items[i].kind != MNT_MASK)
			return true;
	return false;
}

/* A host path, as it is: a link recreated, a directory or file bound read-only. */
static int add_view(struct spec *s, const struct facts *f, const char *path)
{
	struct fact_path is;
	struct mnt *m;

	if (user_has(s, path))
		return 0;
	look(f, path, &is);
	if (is.kind == FACT_ABSENT)
		return 0;
	m = add(s, is.kind == FACT_LINK ? MNT_SYMLINK : MNT_BIND, path);
	if (!m)
		return -ENOMEM;
	m->src = path;
	m->attrs = RO_VIEW;
	m->recursive = is.kind == FACT_DIR;
	m->is = is.kind == FACT_DIR ? MNT_IS_DIR : MNT_IS_FILE;
	if (is.kind == FACT_LINK)
		m->src = arena_strdup(s->arena, is.link);
	return m->src ? 0 : -ENOMEM;
}

static int add_text(struct spec *s, const char *dst, const char *text)
{
	struct mnt *m;

	if (user_has(s, dst))
		return 0;
	m = text ? add(s, MNT_FILE, dst) : NULL;
	if (!m)
		return -ENOMEM;
	m->data = text;
	m->len = strlen(text);
	m->mode = 0444;
	return 0;
}

static int add_special(struct spec *s, enum mnt_kind kind, const char *dst, uint64_t attrs)
{
	struct mnt *m = add(s, kind, dst);

	if (!m)
		return -ENOMEM;
	m->attrs = attrs;
	return 0;
}

/* Made-up files: they name the box's own users and host, and nothing of the real ones. */
static int add_etc(struct spec *s, const struct facts *f)
{
	struct arena *a = s->arena;
	const struct seal *seal = &s->d.seal;
	const char *host = s->d.hostname ? s->d.hostname : "localhost";
	bool net = s->ns[NS_NET].mode != NS_NEW;
	const char *resolv_conf = net ? f->resolv_conf : s->d.resolv_conf;
	const char *user = "", *group = "";
	int r = 0;

	if (seal->uid != 0 && seal->uid != 65534)
		user = arena_printf(a, "user:x:%u:%u::/tmp:/bin/sh\n", seal->uid, seal->gid);
	if (seal->gid != 0 && seal->gid != 65534)
		group = arena_printf(a, "user:x:%u:\n", seal->gid);
	if (!user || !group)
		return -ENOMEM;
	r = add_special(s, MNT_DIR, "/etc", 0);
	if (r < 0)
		return r;
	r = add_text(s, "/etc/passwd",
		     arena_printf(a,
				  "root:x:0:0::/tmp:/bin/sh\n%s"
				  "nobody:x:65534:65534::/:/bin/false\n",
				  user));
	if (r == 0)
		r = add_text(s, "/etc/group",
			     arena_printf(a, "root:x:0:\n%snogroup:x:65534:\n", group));
	if (r == 0)
		r = add_text(
			s, "/etc/hosts",
			arena_printf(a, "127.0.0.1 localhost %s\n::1 localhost %s\n", host, host));
	if (r == 0)
		r = add_text(s, "/etc/nsswitch.conf",
			     "passwd: files\ngroup: files\n"
			     "hosts: files dns\n");
	if (r == 0 && resolv_conf)
		r = add_text(s, "/etc/resolv.conf", resolv_conf);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(etc_paths); i++)
		r = add_view(s, f, etc_paths[i]);
	for (size_t i = 0; r == 0 && (net || s->d.nets.n) && i < ARRAY_SIZE(etc_net_paths); i++)
		r = add_view(s, f, etc_net_paths[i]);
	return r;
}

static int add_fresh(struct spec *s, const char *dst, uint32_t mode)
{
	bool in_root = s->d.root_kind == ROOT_DEFAULT;
	struct mnt *m;

	if (user_has(s, dst))
		return 0;
	m = add(s, in_root ? MNT_SCRATCH : MNT_TMPFS, dst);
	if (!m)
		return -ENOMEM;
	m->mode = mode;
	m->attrs = FRESH;
	m->size_bytes = s->scratch_bytes;
	m->inodes = SCRATCH_INODES;
	return 0;
}

/* Can a process of the box be user 0 outside? */
static bool reaches_root(const struct spec *s, const struct facts *f)
{
	const id_ranges *map = &s->d.uid_ranges;

	for (size_t i = 0; i < map->n; i++)
		if (map->items[i].outside == 0)
			return true;
	return map->n == 0 && f->uid == 0;
}

static int mask_proc(struct spec *s, const char *dst, const char *name, enum mnt_is is)
{
	struct mnt *m = add(s, MNT_MASK, arena_printf(s->arena, "%s/%s", dst, name));

	if (!m || !m->dst)
		return -ENOMEM;
	m->optional = true;
	m->is = is;
	return 0;
}

static int add_proc(struct spec *s, const struct facts *f, const char *dst, uint64_t attrs)
{
	bool own = s->ns[NS_PID].mode == NS_NEW;
	struct mnt *m = add(s, own ? MNT_PROC : MNT_BIND, dst);
	int r = 0;

	if (!m)
		return -ENOMEM;
	m->attrs = attrs;
	if (!own) { /* the kernel mounts a fresh one only for the owner of the pid namespace */
		m->src = "/proc";
		m->recursive = true;
		m->is = MNT_IS_DIR;
	}
	if (!(attrs & MOUNT_ATTR_RDONLY))
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(proc_masks); i++)
		if (!proc_masks[i].owner || reaches_root(s, f))
			r = mask_proc(s, dst, proc_masks[i].name, MNT_IS_FILE);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(proc_masked_dirs); i++)
		r = mask_proc(s, dst, proc_masked_dirs[i], MNT_IS_DIR);
	return r;
}

static int add_node(struct spec *s, const char *dev, const char *name)
{
	struct mnt *m = add(s, MNT_NODE, arena_printf(s->arena, "%s/%s", dev, name));

	if (!m || !m->dst)
		return -ENOMEM;
	m->src = arena_printf(s->arena, "/dev/%s", name);
	return m->src ? 0 : -ENOMEM;
}

static int add_dev(struct spec *s, const char *dev)
{
	struct arena *a = s->arena;
	int r = 0;
	/* On a root of the user's own, /dev must not show what the rootfs holds there. */
	if (s->d.root_kind == ROOT_DEFAULT) {
		r = add_special(s, MNT_DIR, dev, 0);
	} else {
		struct mnt *m = add(s, MNT_TMPFS, dev);

		if (!m)
			return -ENOMEM;
		m->attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
		m->size_bytes = 65536;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dev_nodes); i++)
		r = add_node(s, dev, dev_nodes[i]);
	if (r == 0)
		r = add_special(s, MNT_DEVPTS, arena_printf(a, "%s/pts", dev),
				MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dev_links); i++) {
		struct mnt *m =
			add(s, MNT_SYMLINK, arena_printf(a, "%s/%s", dev, dev_links[i].name));

		if (!m || !m->dst)
			return -ENOMEM;
		m->src = dev_links[i].target;
	}
	if (r == 0)
		r = add_fresh(s, arena_printf(a, "%s/shm", dev), 01777);
	if (r == 0 && s->ns[NS_IPC].mode == NS_NEW)
		r = add_special(s, MNT_MQUEUE, arena_printf(a, "%s/mqueue", dev),
				FRESH | MOUNT_ATTR_NOEXEC);
	if (r == 0 && s->d.root_kind != ROOT_DEFAULT)
		r = add_special(s, MNT_REMOUNT_RO, dev, 0);
	return r;
}

/* The fresh parts that every kind of root gets. */
static int add_standard(struct spec *s, const struct facts *f)
{
	int r = user_has(s, "/dev") ? 0 : add_dev(s, "/dev");

	if (r == 0)
		r = add_fresh(s, "/tmp", 01777);
	if (r == 0)
		r = add_fresh(s, "/run", 0755);
	if (r == 0 && !user_has(s, "/proc"))
		r = add_proc(s, f, "/proc", FRESH | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	return r;
}

static int add_default_views(struct spec *s, const struct facts *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(program_dirs); i++)
		r = add_view(s, f, program_dirs[i]);
	return r == 0 ? add_etc(s, f) : r;
}

/* The layers' paths made absolute, in a list of our own. */
static int own_layers(struct spec *s, const struct facts *f, struct mnt *m)
{
	const char **own = arena_alloc(s->arena, m->layers.n * sizeof(*own));

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < m->layers.n; i++)
		own[i] = path_normal(s->arena, f->cwd, m->layers.items[i]);
	m->layers.items = own;
	return 0;
}

static int add_user_mount(struct spec *s, const struct facts *f, const struct mnt *wish,
			  struct err *e)
{
	const char *dst = NULL;
	struct mnt *m;

	if (wish->dst)
		dst = path_normal(s->arena, "/", wish->dst);
	if (str_eq(dst, "/") && wish->kind != MNT_PROPAGATION && wish->kind != MNT_REMOUNT_RO)
		return err_set(e, EINVAL, "a mount at / would hide the root: use --rootfs");
	if (wish->kind == MNT_PROC)
		return add_proc(s, f, dst, wish->attrs);
	if (wish->kind == MNT_DEV)
		return add_dev(s, dst);
	m = add(s, wish->kind, NULL);
	if (!m)
		return -ENOMEM;
	*m = *wish;
	/* overlayfs wants two layers at least; one alone, read-only, is a bind. */
	if (own_layers(s, f, m) < 0)
		return -ENOMEM;
	if (m->kind == MNT_OVERLAY && m->read_only && m->layers.n == 1) {
		m->kind = MNT_BIND;
		m->src = m->layers.items[0];
		m->layers.n = 0;
		m->attrs = RO_VIEW;
		m->recursive = true;
	}
	if (m->src && (m->kind == MNT_BIND || m->kind == MNT_FILE))
		m->src = path_normal(s->arena, f->cwd, m->src);
	m->dst = dst ? dst : m->src;
	if (m->upper)
		m->upper = path_normal(s->arena, f->cwd, m->upper);
	if (m->idmap && (!f->privileged || s->ns[NS_USER].mode != NS_NEW))
		return err_set(e, EPERM,
			       "bind %s: idmap needs CAP_SYS_ADMIN where holm is started, "
			       "and a new user namespace",
			       m->src);
	return 0;
}

/* Is `path` already part of what the box shows from the host? */
static bool visible(const struct spec *s, const char *path)
{
	for (size_t i = 0; i < s->d.mounts.n; i++) {
		const struct mnt *m = &s->d.mounts.items[i];

		if (m->kind == MNT_BIND && path_below(path, m->dst))
			return true;
		if (m->kind == MNT_SYMLINK && path_below(path, m->dst))
			return true;
	}
	return false;
}

/* A command given by a path that the box would not see is shown to it, alone and read-only. */
/* "./prog" is what was put there; and so is what is given with its whole path. */
static bool in_workspace(const struct spec *s, const char *path)
{
	const char *dir = s->d.workspace;

	return dir && (*path != '/' ? !s->cwd : path_below(path, dir));
}

static int add_workspace(struct spec *s, const struct facts *f, struct err *e)
{
	struct decided *d = &s->d;

	if (!s->workspace)
		return 0;
	if (*s->workspace != '/' || str_eq(s->workspace, "/"))
		return err_set(e, EINVAL, "workspace: \"%s\" is no absolute path below /",
			       s->workspace);
	if (s->work)
		return err_set(e, EINVAL, "workspace and work exclude each other");
	d->workspace = path_normal(s->arena, f->cwd, s->workspace);
	if (!d->workspace)
		return -ENOMEM;
	d->seal.cwd = d->workspace;
	return add_fresh(s, d->workspace, 0755);
}

static int add_command(struct spec *s, const struct facts *f, struct err *e)
{
	const char *path = s->d.main.path;
	struct fact_path is;
	struct mnt *m;

	if (!strchr(path, '/') || !s->command.n || in_workspace(s, path))
		return 0;
	path = path_normal(s->arena, f->cwd, path);
	if (!path)
		return -ENOMEM;
	s->d.main.path = path;
	if (visible(s, path))
		return 0;
	look(f, path, &is);
	if (is.kind == FACT_ABSENT)
		return err_command(e, ENOENT, "command %s: no such file", s->command.items[0]);
	if (is.kind == FACT_DIR)
		return err_command(e, EACCES, "command %s: it is a directory", s->command.items[0]);
	m = add(s, MNT_BIND, path);
	if (!m)
		return -ENOMEM;
	m->src = path;
	m->attrs = RO_VIEW;
	m->is_command = true;
	return 0;
}

/* In a box that is there already no mount can show it. */
int check_late_command(struct spec *s, const struct facts *f, struct err *e)
{
	const char *path = s->d.main.path;

	if (s->cwd)
		s->d.seal.cwd = s->cwd;
	if (!strchr(path, '/') || in_workspace(s, path))
		return 0;
	s->d.main.path = path_normal(s->arena, f->cwd, path);
	if (!s->d.main.path)
		return err_errno(e, ENOMEM, "command");
	if (s->d.root_kind == ROOT_DEFAULT && s->d.new_root && !visible(s, s->d.main.path))
		return err_set(e, EXDEV, "command %s: is not in the box that was prepared",
			       s->command.items[0]);
	return 0;
}

static int add_work(struct spec *s, const struct facts *f, struct err *e)
{
	struct fact_path is;
	struct mnt *m;
	const char *path;

	if (!s->work)
		return 0;
	path = path_normal(s->arena, f->cwd, s->work);
	if (!path)
		return -ENOMEM;
	look(f, path, &is);
	if (is.kind == FACT_ABSENT || is.kind == FACT_FILE)
		return err_set(e, is.kind == FACT_FILE ? ENOTDIR : ENOENT,
			       "work: %s: there is no such directory", path);
	if (str_eq(path, "/"))
		return err_set(e, EINVAL, "work: / is no directory to work in: use --host-root");
	m = add(s, MNT_BIND, path);
	if (!m)
		return -ENOMEM;
	m->src = path;
	m->attrs = FRESH;
	m->recursive = true;
	m->is = MNT_IS_DIR;
	s->d.seal.cwd = path;
	return 0;
}

static int decide_root(struct spec *s, const struct facts *f, struct err *e)
{
	struct decided *d = &s->d;
	struct mnt *root = &d->root;

	if (s->rootfs && s->host_root)
		return err_set(e, EINVAL, "rootfs and host-root exclude each other");
	d->root_kind = s->rootfs ? ROOT_DIR : s->host_root ? ROOT_HOST : ROOT_DEFAULT;
	if (d->root_kind == ROOT_DEFAULT && (s->writable || s->root_overlay))
		return err_set(e, EINVAL,
			       "%s: goes with rootfs or host-root; the default root is "
			       "made afresh each time",
			       s->writable ? "writable" : "overlay");
	if (s->writable && s->root_overlay)
		return err_set(e, EINVAL,
			       "writable and overlay exclude each other: with an overlay "
			       "the root is writable and its directory untouched");
	*root = (struct mnt){ .kind = MNT_TMPFS, .dst = "/", .fd = -1, .mode = 0755 };
	root->attrs = FRESH;
	if (d->root_kind == ROOT_DEFAULT) {
		root->size_bytes = s->scratch_bytes;
		root->inodes = SCRATCH_INODES;
		return 0;
	}
	root->kind = MNT_BIND;
	root->recursive = true;
	root->src = s->rootfs ? path_normal(s->arena, f->cwd, s->rootfs) : "/";
	root->read_only = !s->writable;
	if (s->rootfs) {
		struct fact_path is;

		look(f, root->src, &is);
		if (is.kind == FACT_ABSENT || is.kind == FACT_FILE)
			return err_set(e, is.kind == FACT_FILE ? ENOTDIR : ENOENT,
				       "rootfs: %s: there is no such directory", root->src);
	}
	return 0;
}

static int decide_overlay(struct spec *s, const struct facts *f)
{
	struct mnt *root = &s->d.root;
	const char **slot;

	if (!s->root_overlay)
		return 0;
	root->kind = MNT_OVERLAY;
	root->read_only = false;
	slot = arena_push(s->arena, &root->layers.items, &root->layers.n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = root->src;
	if (!str_eq(s->root_overlay, "tmp"))
		root->upper = path_normal(s->arena, f->cwd, s->root_overlay);
	root->size_bytes = s->scratch_bytes;
	root->inodes = SCRATCH_INODES;
	return 0;
}

static void decide_cwd(struct spec *s)
{
	struct seal *seal = &s->d.seal;

	if (s->cwd)
		seal->cwd = s->cwd;
	else if (!seal->cwd)
		seal->cwd = "/";
}

int check_root(struct spec *s, const struct facts *f, struct err *e)
{
	int r;

	if (!s->d.new_root) {
		if (s->workspace)
			return err_set(e, EINVAL,
				       "workspace: can only be made in a root of the box's own");
		decide_cwd(s);
		if (!s->cwd)
			s->d.seal.cwd = s->ns[NS_MNT].mode == NS_SHARED && f->cwd ? f->cwd : "/";
		return 0;
	}
	r = decide_root(s, f, e);
	if (r < 0)
		return r;
	r = decide_overlay(s, f);
	if (r == 0 && s->d.root_kind == ROOT_DEFAULT)
		r = add_default_views(s, f);
	if (r == 0)
		r = add_standard(s, f);
	for (size_t i = 0; r == 0 && i < s->mounts.n; i++)
		r = add_user_mount(s, f, &s->mounts.items[i], e);
	if (r == 0)
		r = add_work(s, f, e);
	if (r == 0)
		r = add_workspace(s, f, e);
	if (r == 0 && s->d.root_kind == ROOT_DEFAULT)
		r = add_command(s, f, e);
	if (r == -ENOMEM)
		return err_errno(e, ENOMEM, "mounts");
	if (r == 0) {
		s->d.root_propagation = s->root_propagation ? s->root_propagation : MS_PRIVATE;
		decide_cwd(s);
	}
	return r;
}
