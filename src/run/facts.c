/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what check has to know of this machine and this caller; only as much as the spec needs. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cg/rdt.h"
#include "run/held.h"
#include "run/run.h"
#include "sec/rights.h"
#include "spec/container.h"
#include "state/network.h"
#include "sys/mnt.h"
#include "sys/security.h"

#define RESOLV_MAX 8192

static void look(void *arg, const char *path, struct fact_path *out)
{
	struct statx sx;
	ssize_t n;

	(void)arg;
	out->kind = FACT_ABSENT;
	if (sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx) < 0)
		return;
	if (!S_ISLNK(sx.stx_mode)) {
		out->kind = S_ISDIR(sx.stx_mode) ? FACT_DIR : FACT_FILE;
		return;
	}
	n = sys_readlinkat(AT_FDCWD, path, out->link, sizeof(out->link) - 1);
	if (n > 0) {
		out->link[n] = 0;
		out->kind = FACT_LINK;
	}
}

/* Limits are of whole disks: of a partition sysfs knows which that is (sysfs(5)). */
static void whole_disk(uint32_t *major, uint32_t *minor)
{
	char path[80], text[32];
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", *major, *minor);
	if (sys_faccessat(AT_FDCWD, path, F_OK) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", *major, *minor);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	n = fd < 0 ? fd : sys_read(fd, text, sizeof(text) - 1);
	text[MAX(n, 0)] = 0;
	sscanf(text, "%u:%u", major, minor);
}

static int disk(void *arg, const char *path, uint32_t *major, uint32_t *minor)
{
	struct statx sx;
	int r = sys_statx(AT_FDCWD, path, 0, STATX_TYPE, &sx);
	bool is_device = r == 0 && S_ISBLK(sx.stx_mode);

	(void)arg;
	if (r < 0)
		return r;
	*major = is_device ? sx.stx_rdev_major : sx.stx_dev_major;
	*minor = is_device ? sx.stx_rdev_minor : sx.stx_dev_minor;
	whole_disk(major, minor);
	return 0;
}

bool facts_kernel_at_least(unsigned major, unsigned minor)
{
	struct utsname u;
	const char *p = u.release;
	uint64_t a, b;

	if (uname(&u) < 0 || str_take_u64(&p, &a) < 0 || *p++ != '.' || str_take_u64(&p, &b) < 0)
		return false;
	return a > major || (a == major && b >= minor);
}

static bool has_extra_groups(uint32_t gid)
{
	gid_t groups[256];
	int n = getgroups(256, groups);

	for (int i = 0; i < n; i++)
		if (groups[i] != gid)
			return true;
	return n < 0; /* more than we have room for */
}

static uint64_t caps_lacking(void)
{
	uint64_t effective, permitted = 0;

	return sys_capget(&effective, &permitted) == 0 ? ~permitted : 0;
}

static bool is_privileged(void)
{
	const uint64_t need = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_SYS_ADMIN;
	uint64_t effective = 0, permitted;

	return sys_capget(&effective, &permitted) == 0 && (effective & need) == need;
}

static bool is_net_admin(void)
{
	const uint64_t need = 1U << CAP_NET_ADMIN | 1U << CAP_SYS_ADMIN;
	uint64_t effective = 0, permitted;

	return sys_capget(&effective, &permitted) == 0 && (effective & need) == need;
}

/* From /etc/passwd itself: a static program must not load modules for name services. */
static char *name_of_uid(struct arena *a, uint32_t uid)
{
	_cleanup_file_ FILE *f = fopen("/etc/passwd", "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f)) {
		char *save, *name = strtok_r(line, ":", &save), *id;
		uint32_t v;

		strtok_r(NULL, ":", &save);
		id = strtok_r(NULL, ":", &save);
		if (name && id && str_u32(id, &v) == 0 && v == uid)
			return arena_strdup(a, name);
	}
	return NULL;
}

/* subuid(5): NAME-or-UID:FIRST:COUNT */
static int read_subids(struct arena *a, const char *path, const char *name, uint32_t uid,
		       id_ranges *out)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f)) {
		char *save, *who = strtok_r(line, ":\n", &save);
		char *first = strtok_r(NULL, ":\n", &save), *count = strtok_r(NULL, ":\n", &save);
		struct id_range r = { 0 }, *slot;
		uint32_t id;

		if (!count || str_u32(first, &r.outside) < 0 || str_u32(count, &r.count) < 0)
			continue;
		if (!str_eq(who, name) && !(str_u32(who, &id) == 0 && id == uid))
			continue;
		slot = arena_push(a, &out->items, &out->n, sizeof(*slot));
		if (!slot)
			return -ENOMEM;
		*slot = r;
	}
	return 0;
}

static int read_id_facts(struct spec *s, struct facts *f)
{
	const struct container *c = s->container;
	int r;

	if (!s->map_auto && !s->map_users.n && !s->map_groups.n &&
	    !(c && !f->privileged && (c->uid_mappings.n || c->gid_mappings.n)))
		return 0;
	f->user_name = name_of_uid(s->arena, f->uid);
	r = read_subids(s->arena, "/etc/subuid", f->user_name, f->uid, &f->subuids);
	return r < 0 ? r : read_subids(s->arena, "/etc/subgid", f->user_name, f->uid, &f->subgids);
}

static int network(void *arg, const char *name, struct fact_network *out)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	struct network net;
	int r = networks_open(&n);

	(void)arg;
	if (r == 0)
		r = network_load(&n, name, &net);
	if (r < 0)
		return r;
	for (int v6 = 0; v6 < 2; v6++) {
		out->subnet[v6] = net.subnet[v6];
		out->gateway[v6] = network_gateway(&net, v6);
	}
	out->internal = net.internal;
	out->has_dns = net.has_dns && net.dns_pid;
	return 0;
}

#define OWN_SETGROUPS "/proc/self/setgroups"

/* user_namespaces(7): once denied it is so for good, and in every namespace below as well. */
static bool says_deny(const char *path)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	char word[8] = "";

	return fd >= 0 && sys_read(fd, word, sizeof(word) - 1) > 0 && str_starts(word, "deny");
}

/* What is looked at now must be what is joined then. */
static int open_joined(struct facts *f, enum ns_type type, const char *target)
{
	int fd = join_open(type, target, NULL);
	struct statx it;

	if (fd >= 0 && sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &it) == 0)
		f->joined_inode[type] = it.stx_ino;
	return fd;
}

static int groups_child(void *user_fd)
{
	/* Before: who has all rights there may look into whoever comes. */
	sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return sys_setns(*(int *)user_fd, CLONE_NEWUSER) == 0 && says_deny(OWN_SETGROUPS);
}

/*
 * Where no member is known we have to be one ourselves to ask, so a child of ours becomes one. It
 * has a memory of its own, which is closed to others. Where it cannot enter, the step that joins
 * will fail and say so.
 */
static bool joined_namespace_denies_groups(struct facts *f, const char *target)
{
	_cleanup_stack_ struct small_stack stack;
	_cleanup_fd_ int fd = open_joined(f, NS_USER, target);
	struct clone_args args = {
		.flags = CLONE_VFORK,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};
	int pid = fd < 0 ? fd : sys_clone_fn(&args, groups_child, &fd), status = 0;

	if (pid > 0)
		sys_wait4(pid, &status, __WALL, NULL);
	return WIFEXITED(status) && WEXITSTATUS(status);
}

static bool denies_groups(const struct spec *s, struct facts *f)
{
	const struct container *c = s->container;
	const char *joined = c ? c->ns[NS_USER].path : s->ns[NS_USER].target;
	char path[32];

	if (!joined)
		return says_deny(OWN_SETGROUPS);
	if (!c || !c->life.member)
		return joined_namespace_denies_groups(f, joined);
	snprintf(path, sizeof(path), "/proc/%d/setgroups", c->life.member);
	return says_deny(path);
}

/* What is held by the name is joined, unless that type was spoken of. */
static int join_held(struct spec *s, struct err *e)
{
	char path[HELD_PATH_MAX];
	int n = 0;

	for (int type = 0; s->join_name && type < NS_COUNT; type++) {
		if (!held_path(s->join_name, (enum ns_type)type, path))
			continue;
		n++;
		if (s->ns[type].mode != NS_NEW)
			continue;
		s->ns[type].mode = NS_JOINED;
		s->ns[type].target = arena_strdup(s->arena, path);
		if (!s->ns[type].target)
			return err_errno(e, ENOMEM, "join");
	}
	return !s->join_name || n ? 0
				  : err_set(e, ENOENT,
					    "join: nothing is held by the name \"%.64s\" (holm ns "
					    "hold makes it, holm ns ls --held lists what there is)",
					    s->join_name);
}

static bool is_own_namespace(struct facts *f, enum ns_type type, const char *target)
{
	_cleanup_fd_ int fd = open_joined(f, type, target);
	struct statx own;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", ns_table[type].proc_file);
	if (fd < 0) /* joining it will fail */
		return false;
	/* What we cannot prove to be another's counts as ours. */
	return sys_statx(AT_FDCWD, path, 0, STATX_INO, &own) < 0 ||
	       f->joined_inode[type] == own.stx_ino;
}

/* Asked only where something would be set in it. */
static unsigned joins_own(const struct container *c, struct facts *f)
{
	unsigned own = 0;

	if (!c || !(c->sysctl.n || c->net_devices.n || c->hostname || c->domainname))
		return 0;
	for (int type = 0; type < NS_COUNT; type++)
		if (c->ns[type].path && is_own_namespace(f, (enum ns_type)type, c->ns[type].path))
			own |= 1U << type;
	return own;
}

static void read_resolv_conf(struct spec *s, struct facts *f)
{
	_cleanup_fd_ int fd = -1;
	char *text;
	ssize_t n;

	if (s->ns[NS_NET].mode == NS_NEW && !s->nets.n)
		return;
	fd = sys_openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY, 0);
	text = fd < 0 ? NULL : arena_alloc(s->arena, RESOLV_MAX + 1);
	n = text ? sys_read(fd, text, RESOLV_MAX) : -1;
	if (n > 0)
		f->resolv_conf = text;
}

/*
 * A descriptor that is not open would be written to in vain, and somebody waits for it; what is to
 * be kept open would be one of ours, opened later, that got the number.
 */
int facts_check_fds(const struct spec *s, struct err *e)
{
	const struct {
		const char *name;
		int fd;
	} named[] = {
		{ "info-fd", s->info_fd },   { "status-fd", s->status_fd },
		{ "sync-fd", s->sync_fd },   { "block-fd", s->block_fd },
		{ "ready-fd", s->ready_fd },
	};

	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (named[i].fd >= 0 && sys_fcntl(named[i].fd, F_GETFD, 0) < 0)
			return err_set(e, EBADF, "%s: descriptor %d is not open", named[i].name,
				       named[i].fd);
	for (size_t i = 0; i < s->keep_fds.n; i++)
		if (sys_fcntl(s->keep_fds.items[i], F_GETFD, 0) < 0)
			return err_set(e, EBADF, "keep-fd: descriptor %d is not open",
				       s->keep_fds.items[i]);
	return 0;
}

/* A process of ours that the kernel collects by itself would end without anybody knowing how. */
static int can_wait(struct err *e)
{
	struct sys_sigaction child;

	if (sys_sigaction(SIGCHLD, NULL, &child) < 0 ||
	    (child.handler != SYS_SIG_IGN && !(child.flags & SA_NOCLDWAIT)))
		return 0;
	return err_set(e, ECHILD,
		       "the calling process ignores SIGCHLD (or has SA_NOCLDWAIT), so its children "
		       "cannot be waited for: give SIGCHLD its default action, or a handler");
}

/* What it can do the root shows by what it has (resctrl.rst). */
static void read_rdt(const struct container *c, struct fact_rdt *f)
{
	_cleanup_fd_ int fd = -1;

	if (!c || !c->rdt.given || c->life.member)
		return;
	fd = resctrl_open(NULL);
	f->mounted = fd >= 0;
	f->known = f->mounted || rdt_known();
	f->controls = f->mounted && rdt_has(fd, "schemata");
	f->monitors = f->mounted && rdt_has(fd, "mon_groups");
}

/*
 * Who was sent into another mount namespace may still be in a directory of the old one (nsenter
 * --wd). C libraries differ in what they say then. It is its path, if that leads there here too;
 * else there is none, as for a directory that was removed.
 */
static const char *find_cwd(char *out, size_t room)
{
	static const char far[] = "(unreachable)";
	struct statx here, there;
	const char *path = out;

	if (sys_getcwd(out, room) < 0)
		return NULL;
	if (*path == '/')
		return path;
	path += str_starts(path, far) ? sizeof(far) - 1 : 0;
	if (*path != '/' || sys_statx(AT_FDCWD, ".", 0, STATX_INO, &here) < 0 ||
	    sys_statx(AT_FDCWD, path, 0, STATX_INO, &there) < 0 || here.stx_ino != there.stx_ino ||
	    here.stx_dev_major != there.stx_dev_major || here.stx_dev_minor != there.stx_dev_minor)
		return NULL;
	return path;
}

int facts_read(struct spec *s, struct facts *f, struct err *e)
{
	char cwd[4096];
	const char *path;
	int r = can_wait(e);

	if (r < 0)
		return r;

	*f = (struct facts){
		.uid = geteuid(),
		.gid = getegid(),
		.privileged = is_privileged(),
		.caps_lacking = caps_lacking(),
		.environ = environ,
		.exec_enters_time_ns = facts_kernel_at_least(6, 3),
		.mounts_unattached = facts_kernel_at_least(6, 15),
		.look = look,
		.disk = disk,
		.network = network,
	};
	r = join_held(s, e);
	if (r < 0)
		return r;
	f->net_admin = is_net_admin();
	f->extra_groups = has_extra_groups(f->gid);
	f->setgroups_denied = denies_groups(s, f);
	f->joins_own = joins_own(s->container, f);
	f->signals_scoped = s->fallback && rights_landlock_abi() >= 6;
	for (int fd = 0; fd < 3; fd++)
		f->tty[fd] = spec_stdio(s, fd) < 0 && isatty(fd);
	path = find_cwd(cwd, sizeof(cwd));
	f->cwd = path ? arena_strdup(s->arena, path) : NULL;
	if ((path && !f->cwd) || read_id_facts(s, f) < 0)
		return err_errno(e, ENOMEM, "facts");
	read_resolv_conf(s, f);
	read_rdt(s->container, &f->rdt);
	return 0;
}

static int probe_child(void *what)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };

	/* Where AppArmor restricts user namespaces they can be made, but give no rights. */
	if (sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr) < 0)
		*(const char **)what = "a process in a new user namespace may not mount";
	return 0;
}

int facts_probe_userns(const char **what)
{
	_cleanup_stack_ struct small_stack stack;
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_VM | CLONE_VFORK,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};
	int pid, status;

	*what = NULL;
	pid = sys_clone_fn(&args, probe_child, what);
	if (pid < 0) {
		*what = "user namespaces cannot be made";
		return pid;
	}
	sys_wait4(pid, &status, __WALL, NULL);
	return *what ? -EPERM : 0;
}
