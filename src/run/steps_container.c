/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The acts of ROOT that containers have, and boxes but for the cgroup have not: file systems of any
 * type, properties of the process, hooks, console, kernel parameters. Child-safe.
 */
#include <fcntl.h>
#include <string.h>

#include "ns/ns.h"
#include "run/run.h"
#include "sec/rights.h"
#include "spec/container.h"
#include "sys/mnt.h"
#include "sys/security.h"
#include "sys/sock.h"

/* ---- the cgroup ---- */

/* Who makes a unit is asked by both sides: the first process waits for it. */
size_t want_unit(const struct run *r)
{
	return r->d->unit && r->keeper && !r->keeper->cgroup;
}

size_t want_unit_enter(const struct run *r)
{
	return r->d->unit && r->d->unit->user && r->keeper && r->keeper->cgroup;
}

/* The unit of systemd is entered without us. */
size_t want_cgroup(const struct run *r)
{
	return r->d->cgroup && (r->keeper || !r->d->container) && !want_unit(r);
}

size_t want_cgroup_join(const struct run *r)
{
	return want_cgroup(r) && !r->cg_beside;
}

int act_cgroup_join(struct run *r, size_t i)
{
	(void)i;
	return cg_join(r->cg_fds, r->n_cg_fds);
}

/* Waits for the parent to have made it. Its namespace is what it is entered in: so that follows. */
static int enter_made(struct run *r)
{
	struct wire_head head;
	int fds[CG_TREES_MAX], code;
	unsigned n_fds = CG_TREES_MAX;
	ssize_t n;

	do {
		n = sys_recv_fds(r->control_fd[1], &head, sizeof(head), fds, &n_fds, 0);
	} while (n == -EINTR);
	if (n != sizeof(head) || head.type != WIRE_CGROUP)
		return n < 0 ? (int)n : -ECANCELED;
	code = cg_join(fds, (int)n_fds);
	for (unsigned i = 0; i < n_fds; i++)
		sys_close(fds[i]);
	if (code == 0 && r->d->own_cgroup_ns)
		code = sys_unshare(CLONE_NEWCGROUP);
	return code;
}

/*
 * Where P makes the v1 trees meanwhile, C enters them as late as it can: before what depends on
 * them or fills memory, before whatever else comes over the channel, and before anything of the
 * container's runs.
 */
int cgroup_enter(struct run *r)
{
	int code = 0;

	if (!r->cg_beside || r->in_cgroup)
		return 0;
	r->in_cgroup = true;
	code = enter_made(r);
	if (code < 0)
		r->failed = "enter the cgroup";
	return code;
}

int act_cgroup_enter(struct run *r, size_t i)
{
	(void)i;
	return cgroup_enter(r);
}

size_t want_cgroup_ns(const struct run *r)
{
	return r->d->own_cgroup_ns && !r->cg_beside;
}

int act_cgroup_ns(struct run *r, size_t i)
{
	(void)r, (void)i;
	return sys_unshare(CLONE_NEWCGROUP);
}

/* ---- a root that was not made by pivot_root(2) ---- */

size_t want_old_root(const struct run *r)
{
	return (r->keeper && r->keeper->root_fd >= 0) ||
	       (r->spec->enters && r->spec->enter_root_fd >= 0);
}

/* Joining its mount namespace leads to the root of that, above the container's. */
int act_old_root(struct run *r, size_t i)
{
	int code = sys_fchdir(r->spec->enters ? r->spec->enter_root_fd : r->keeper->root_fd);

	(void)i;
	return code < 0 ? code : sys_chroot(".");
}

/* ---- mounts ---- */

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Our directory of a tree, bound; what is to be seen without a cgroup namespace. */
static int bind_cgroup(struct run *r, const char *src, const char *dst, uint64_t attrs)
{
	struct fs_bind b = { .src = src, .dst = dst, .attrs = attrs, .is_dir = 1 };

	return fs_bind(&r->fs, &b);
}

/* The options by which the kernel finds a tree of v1 again: its controllers, or its name. */
static size_t tree_options(const struct cg_tree *t, const char *options[CG_CONTROLLERS + 1],
			   char name[64])
{
	size_t n = 0;
	const char *end;

	for (int c = 0; c < CG_CONTROLLERS; c++)
		if (t->controllers & CG_BIT(c))
			options[n++] = cg_controller_name((enum cg_controller)c, false);
	if (!t->name)
		return n;
	end = fs_put_str(name, name + 64, "name=");
	fs_put_str((char *)end, name + 64, t->name);
	options[n++] = "none";
	options[n++] = name;
	return n;
}

static int mount_tree(struct run *r, const struct cg_tree *t, const char *dst, uint64_t attrs)
{
	const char *options[CG_CONTROLLERS + 2];
	char name[64];
	struct fs_any a = {
		.type = t->unified ? "cgroup2" : "cgroup",
		.dst = dst,
		.attrs = attrs,
		.options = options,
	};

	if (!t->unified)
		a.n_options = tree_options(t, options, name);
	return fs_any(&r->fs, &a);
}

static const char *dir_of_tree(const struct run *r, const struct cg_tree *t)
{
	const struct cg *cg = r->cg_planned.n ? &r->cg_planned : &r->cg;
	size_t len = strlen(t->mount);

	for (size_t i = 0; i < cg->n; i++)
		if (strncmp(cg->dirs[i].path, t->mount, len) == 0 &&
		    (cg->dirs[i].path[len] == '/' || !cg->dirs[i].path[len]))
			return cg->dirs[i].path;
	return NULL;
}

static int show_tree(struct run *r, const struct cg_tree *t, const char *dst, uint64_t attrs)
{
	const char *dir = dir_of_tree(r, t);
	int code = -EPERM;

	if (r->d->own_cgroup_ns)
		code = mount_tree(r, t, dst, attrs);
	if (code == -EPERM && dir) /* not even of the namespace's own, without the right over it */
		code = bind_cgroup(r, dir, dst, attrs);
	/* We may not make ours in each tree. */
	return (code == -EPERM && !dir) || code == -ENOENT ? 0 : code;
}

/* "cpu,cpuacct" is known as "cpu" and as "cpuacct" as well. */
static int link_controllers(struct run *r, const char *dst, const char *tree)
{
	char path[4096], *end = fs_put_str(path, path + sizeof(path), dst);

	if (!strchr(tree, ','))
		return 0;
	for (const char *name = tree; *name;) {
		size_t len = strcspn(name, ",");
		int code;

		if ((size_t)(path + sizeof(path) - end) < len + 2)
			return -ENAMETOOLONG;
		*end = '/';
		memcpy(end + 1, name, len);
		end[len + 1] = 0;
		code = fs_symlink(&r->fs, tree, path, true);
		if (code < 0)
			return code;
		name += len;
		name += *name == ',';
	}
	return 0;
}

static int mount_cgroups(struct run *r, const struct mnt *m)
{
	static const char *const options[] = { "mode=755" };
	const struct cg_system *s = &r->cg_system;
	struct fs_any top = {
		.type = "tmpfs",
		.dst = m->dst,
		.options = options,
		.n_options = 1,
		.attrs = m->attrs & ~(uint64_t)MOUNT_ATTR_RDONLY,
	};
	int code = cgroup_enter(r);

	if (code < 0)
		return code;
	if (s->layout == CG_V2)
		return s->n ? show_tree(r, &s->trees[0], m->dst, m->attrs) : 0;
	code = fs_any(&r->fs, &top);
	for (size_t i = 0; code == 0 && i < s->n; i++) {
		char path[4096], *end = fs_put_str(path, path + sizeof(path), m->dst);
		const char *name = last_component(s->trees[i].mount);

		end = fs_put_str(end, path + sizeof(path), "/");
		fs_put_str(end, path + sizeof(path), name);
		code = show_tree(r, &s->trees[i], path, m->attrs);
		if (code == 0)
			code = link_controllers(r, m->dst, name);
		fs_flush(&r->fs);
	}
	if (code < 0 || !(m->attrs & MOUNT_ATTR_RDONLY))
		return code;
	/* In a root that is mounted nowhere a mount does not change any more; it is covered. */
	return r->d->unattached ? fs_read_only(&r->fs, m->dst, false)
				: fs_set_attrs(&r->fs, m->dst, MOUNT_ATTR_RDONLY, 0, 0, false);
}

/*
 * In a user namespace some file systems can be mounted only by whoever owns the namespace that they
 * show. Where that is the host's, its own view of it is shown instead, as it is there.
 */
static int bind_instead(struct run *r, const struct mnt *m, int code)
{
	static const struct {
		const char *type, *host;
	} views[] = { { "sysfs", "/sys" }, { "proc", "/proc" }, { "mqueue", "/dev/mqueue" } };

	for (size_t i = 0; code == -EPERM && i < sizeof(views) / sizeof(views[0]); i++) {
		struct fs_bind b = {
			.src = views[i].host,
			.dst = m->dst,
			.attrs = m->attrs,
			.recursive = true,
			.is_dir = 1,
		};

		if (strcmp(m->type, views[i].type) == 0)
			return fs_bind(&r->fs, &b);
	}
	return code;
}

/* Shows the same to everybody, or whatever its reader is a member of. */
static bool knows_no_network(const char *type)
{
	static const char *const types[] = { "proc", "tmpfs", "devpts", "mqueue" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* sysfs shows the devices of the network namespace of whoever mounts it. */
static int mount_fresh(struct run *r, const struct mnt *m)
{
	int code = m->copy_up ? cgroup_enter(r) : 0;
	struct fs_any a = {
		.type = m->type,
		.source = m->src,
		.dst = m->dst,
		.options = m->options.items,
		.n_options = m->options.n,
		.attrs = m->attrs,
		.propagation = m->propagation,
		.propagate_below = m->propagate_below,
		.copy_up = m->copy_up,
	};

	if (code == 0 && !knows_no_network(m->type))
		code = network_enter(r);
	if (code == 0)
		r->failed = NULL;
	return code < 0 ? code : bind_instead(r, m, fs_any(&r->fs, &a));
}

/* First all below it, then the mount itself. */
static int remount(struct run *r, const struct mnt *m)
{
	uint64_t below = m->propagate_below ? m->propagation : 0;
	int code = 0;

	if (m->attrs_below | m->clear_below | below)
		code = fs_set_attrs(&r->fs, m->dst, m->attrs_below, m->clear_below, below, true);
	if (code < 0)
		return code;
	return fs_set_attrs(&r->fs, m->dst, m->attrs, m->clear, below ? 0 : m->propagation, false);
}

int container_mount(struct run *r, const struct mnt *m)
{
	struct fs_node node = { m->dst, m->node_type, m->mode, m->major, m->minor, m->uid, m->gid };

	switch (m->kind) {
	case MNT_FRESH:
		return mount_fresh(r, m);
	case MNT_CGROUP:
		return mount_cgroups(r, m);
	case MNT_MAKE_NODE:
		return fs_make_node(&r->fs, &node);
	case MNT_REMOUNT:
		return remount(r, m);
	case MNT_READ_ONLY:
		return fs_read_only(&r->fs, m->dst, m->optional);
	default:
		return -EINVAL;
	}
}

/* ---- process.cwd ---- */

size_t want_workdir(const struct run *r)
{
	return r->d->container && r->d->new_root && r->seal->cwd[1];
}

/* Engines rely on it. Where it cannot be made, entering it will fail and say so. */
int act_workdir(struct run *r, size_t i)
{
	struct fs_place place;

	(void)i;
	fs_place(&r->fs, r->seal->cwd, FS_PLACE(true), &place);
	return 0;
}

/* ---- properties of the process, which exec keeps ---- */

static int set_scheduler(const struct container_process *p)
{
	const struct container_scheduler *s = &p->scheduler;

	return sys_sched_setattr(&(struct sys_sched_attr){
		.size = sizeof(struct sys_sched_attr),
		.policy = (uint32_t)s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime_ns = s->runtime_ns,
		.deadline_ns = s->deadline_ns,
		.period_ns = s->period_ns,
	});
}

/* Has room for the 8,192 processors that Linux can have at most. */
struct cpu_bits {
	uint64_t words[8192 / 64];
};

/* "0-3,7"; checked when it was read. */
static void read_list(const char *s, struct cpu_bits *out)
{
	unsigned range[2] = { 0, 0 }, at = 0;

	memset(out, 0, sizeof(*out));
	for (;; s++) {
		if (*s >= '0' && *s <= '9') {
			range[at] = range[at] * 10 + (unsigned)(*s - '0');
			continue;
		}
		if (*s == '-') {
			at = 1;
			continue;
		}
		for (unsigned i = range[0]; i <= (at ? range[1] : range[0]) && i < 8192; i++)
			out->words[i / 64] |= UINT64_C(1) << (i % 64);
		at = range[0] = range[1] = 0;
		if (!*s)
			return;
	}
}

static int set_affinity(const struct container_process *p)
{
	struct cpu_bits bits;

	read_list(p->cpu_affinity_final ? p->cpu_affinity_final : p->cpu_affinity_initial, &bits);
	return sys_sched_setaffinity(sizeof(bits), &bits);
}

static int write_text(const char *path, const char *text)
{
	int fd = sys_openat(AT_FDCWD, path, O_WRONLY, 0), code;

	if (fd < 0)
		return fd;
	code = (int)sys_write(fd, text, strlen(text));
	sys_close(fd);
	return code < 0 ? code : 0;
}

static int set_mempolicy(const struct container_mempolicy *m)
{
	struct cpu_bits bits;

	if (!m->nodes)
		return sys_set_mempolicy(m->mode | (int)m->flags, NULL, 0);
	read_list(m->nodes, &bits);
	return sys_set_mempolicy(m->mode | (int)m->flags, bits.words, 1024);
}

enum attribute {
	ATTR_SCHEDULER,
	ATTR_IO_PRIORITY,
	ATTR_AFFINITY,
	ATTR_PERSONALITY,
	ATTR_MEMPOLICY,
	ATTRIBUTES
};

static bool has_attribute(const struct container *c, enum attribute a)
{
	const struct container_process *p = &c->process;

	return (a == ATTR_SCHEDULER && p->scheduler.given) ||
	       (a == ATTR_IO_PRIORITY && p->io_priority_given) ||
	       (a == ATTR_AFFINITY && (p->cpu_affinity_initial || p->cpu_affinity_final)) ||
	       (a == ATTR_PERSONALITY && c->personality_given) ||
	       (a == ATTR_MEMPOLICY && c->mempolicy.given);
}

size_t want_attributes(const struct run *r)
{
	size_t n = 0;

	for (int a = 0; r->d->container && a < ATTRIBUTES; a++)
		n += has_attribute(r->d->container, (enum attribute)a);
	return n;
}

int act_attribute(struct run *r, size_t i)
{
	static const char *const words[] = { "process.scheduler", "process.ioPriority",
					     "process.execCPUAffinity", "linux.personality",
					     "linux.memoryPolicy" };
	const struct container *c = r->d->container;
	int a = 0;

	while (!has_attribute(c, (enum attribute)a) || i-- > 0)
		a++;
	r->failed = words[a];
	switch ((enum attribute)a) {
	case ATTR_SCHEDULER:
		return set_scheduler(&c->process);
	case ATTR_IO_PRIORITY:
		return sys_ioprio_set(c->process.io_priority);
	case ATTR_AFFINITY:
		return set_affinity(&c->process);
	case ATTR_PERSONALITY:
		return sys_personality(c->personality);
	case ATTR_MEMPOLICY:
		return set_mempolicy(&c->mempolicy);
	case ATTRIBUTES:
		break;
	}
	return -EINVAL;
}

/* ---- hooks ---- */

static bool hooks_outside(const struct run *r)
{
	return r->d->hooks[HOOK_PRESTART].n || r->d->hooks[HOOK_CREATE_RUNTIME].n;
}

size_t want_setup_hooks(const struct run *r)
{
	return hooks_outside(r) || r->d->hooks[HOOK_CREATE_CONTAINER].n;
}

/* The parent's turn comes when all is mounted; it answers with the state, for our own hooks. */
int act_setup_hooks(struct run *r, size_t i)
{
	const hooks *own = &r->d->hooks[HOOK_CREATE_CONTAINER];
	struct wire_head head = { .type = WIRE_MOUNTED };
	int fd = -1, code = network_enter(r); /* they may look for it */
	unsigned n_fds = 1;
	ssize_t n;

	(void)i;
	if (code < 0)
		return code;
	n = sys_send_fds(r->control_fd[1], &head, sizeof(head), NULL, 0);
	if (n > 0)
		n = sys_recv_fds(r->control_fd[1], &head, sizeof(head), &fd, &n_fds, 0);
	code = n < 0                                                    ? (int)n
	       : n == sizeof(head) && head.type == WIRE_HOOKED && n_fds ? 0
									: -ECANCELED;
	for (size_t k = 0; code == 0 && k < own->n; k++)
		code = hook_run(&own->items[k], fd, r->shared->failed);
	if (code < 0 && *r->shared->failed)
		r->failed = r->shared->failed;
	return code < 0 ? code : fs_views_again(&r->fs); /* hooks may mount */
}

/* ---- console ---- */

size_t want_console(const struct run *r)
{
	return r->d->console;
}

int act_console(struct run *r, size_t i)
{
	struct fs_place place;
	int tree_fd, code;

	(void)i;
	code = fs_place(&r->fs, "/dev/console", FS_PLACE(false), &place);
	if (code < 0)
		return code;
	tree_fd = fs_loose(&r->fs, sys_open_tree(r->slave_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE));
	r->failed = "open the terminal";
	return tree_fd < 0 ? tree_fd : fs_attach(&r->fs, tree_fd, &place);
}

/* ---- parameters of the kernel ---- */

size_t want_sysctl(const struct run *r)
{
	return r->d->container ? r->d->container->sysctl.n : 0;
}

/* "net.ipv4.ip_forward" is a file; a slash in the name stands for a dot that is part of it. */
int act_sysctl(struct run *r, size_t i)
{
	const struct key *k = &r->d->container->sysctl.items[i];
	char path[256] = "/proc/sys/", *at = path + strlen(path);

	if (strlen(k->key) > sizeof(path) - 16)
		return -ENAMETOOLONG;
	for (const char *s = k->key; *s; s++)
		*at++ = *s == '.' ? '/' : *s == '/' ? '.' : *s;
	*at = 0;
	r->failed = "linux.sysctl: it names no parameter";
	for (const char *s = path; *s; s++)
		if (s[0] == '/' && s[1] == '.')
			return -EINVAL;
	r->failed = NULL;
	return write_text(path, k->value);
}

/* ---- labels of security modules ---- */

/* Opened while the host's /proc is still in sight; written by the init, for the next exec. */
int act_open_label(struct run *r, size_t i)
{
	bool apparmor = r->d->container->process.apparmor_profile;
	int fd = sys_openat(AT_FDCWD,
			    apparmor ? "/proc/self/attr/apparmor/exec" : "/proc/self/attr/exec",
			    O_WRONLY, 0);

	(void)i;
	if (fd < 0)
		return fd;
	r->label_fd = fd;
	return 0;
}
