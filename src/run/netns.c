/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/netns.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "net/net.h"
#include "run/fault.h"
#include "sys/mnt.h"
#include "sys/process.h"

#define PATH_ROOM  512
#define NSFS_MAGIC 0x6e736673
#define MOUNTS_MAX 16 /* on top of each other, on one name */

/* ---- names ---- */

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 256 && !strchr(name, '/') && !str_eq(name, ".") &&
	       !str_eq(name, "..");
}

/* What may be told from a pid, a path, a descriptor and an option, and stands on one line. */
static bool is_good_name(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr(":,\"'\\", *p))
			return false;
	return is_name(name) && *name != '-' && strspn(name, "0123456789") < strlen(name) &&
	       !str_eq(name, "host");
}

/* 1: a namespace; 0: something else, or -errno. `inode` may be NULL. */
static int look(int dir_fd, const char *name, uint64_t *inode)
{
	_cleanup_fd_ int fd = sys_openat(dir_fd, name, O_PATH | O_NOFOLLOW, 0);
	struct statfs fs;
	struct statx sx;
	int r = fd < 0 ? fd : sys_fstatfs(fd, &fs);

	if (r == 0)
		r = sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &sx);
	if (r < 0)
		return r;
	if (inode)
		*inode = fs.f_type == NSFS_MAGIC ? sx.stx_ino : 0;
	return fs.f_type == NSFS_MAGIC;
}

/* ---- the directory ---- */

/* mount_setattr(2) refuses what is no mount, so that is how it is asked. */
static int share_directory(void)
{
	const struct mount_attr shared = { .propagation = MS_SHARED };
	_cleanup_fd_ int tree = -1;
	int r = sys_mount_setattr(AT_FDCWD, NETNS_DIR, AT_RECURSIVE, &shared);

	if (r != -EINVAL)
		return r;
	tree = r = sys_open_tree(AT_FDCWD, NETNS_DIR, OPEN_TREE_CLONE | AT_RECURSIVE);
	if (r >= 0)
		r = sys_move_mount(tree, AT_FDCWD, NETNS_DIR, 0);
	return r < 0 ? r : sys_mount_setattr(AT_FDCWD, NETNS_DIR, AT_RECURSIVE, &shared);
}

static int open_directory(void)
{
	return sys_openat(AT_FDCWD, NETNS_DIR, O_RDONLY | O_DIRECTORY, 0);
}

/* With the lock of ip-netns(8), which is that of the directory below the mount as well. */
static int lock_directory(int *lock_fd, int *dir_fd, struct err *e)
{
	_cleanup_fd_ int lock = -1;
	int r = sys_mkdirat(AT_FDCWD, NETNS_DIR, 0755);

	if (r == 0 || r == -EEXIST)
		lock = r = open_directory();
	if (r >= 0)
		r = sys_flock(lock, LOCK_EX);
	if (r >= 0)
		r = share_directory();
	if (r >= 0)
		*dir_fd = r = open_directory();
	if (r < 0)
		return err_errno(e, -r, "net ns: make " NETNS_DIR " ready");
	*lock_fd = TAKE_FD(lock);
	return 0;
}

/* ---- adding ---- */

/* A namespace is made by going there; this thread comes back. */
static int make_tree(int *tree)
{
	_cleanup_fd_ int own = sys_openat(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY, 0);
	int r = own < 0 ? own : sys_unshare(CLONE_NEWNET), back;

	if (r < 0)
		return r;
	r = net_loopback_up();
	if (r == 0)
		*tree = r = sys_open_tree(AT_FDCWD, "/proc/thread-self/ns/net", OPEN_TREE_CLONE);
	back = sys_setns(own, CLONE_NEWNET);
	return r < 0 ? r : back;
}

/* The file that it will be mounted on. One that whoever was killed has left serves as well. */
static int make_file(int dir_fd, const char *name, struct err *e)
{
	_cleanup_fd_ int fd = sys_openat(dir_fd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0);
	struct statx sx;
	int r;

	if (fd >= 0)
		return 0;
	if (fd != -EEXIST)
		return err_errno(e, -fd, "net ns: " NETNS_DIR "/%s", name);
	r = look(dir_fd, name, NULL);
	if (r == 0)
		r = sys_statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_SIZE, &sx);
	else if (r == 1)
		return err_set(e, EEXIST, "net ns: there is a network namespace \"%s\" already",
			       name);
	if (r < 0)
		return err_errno(e, -r, "net ns: " NETNS_DIR "/%s", name);
	return S_ISREG(sx.stx_mode) && sx.stx_size == 0
		       ? 0
		       : err_set(e, EEXIST, "net ns: " NETNS_DIR "/%s is there, and no namespace",
				 name);
}

int netns_add(const char *name, struct err *e)
{
	_cleanup_fd_ int lock = -1, dir_fd = -1, tree = -1;
	int r;

	if (!is_good_name(name))
		return err_set(e, EINVAL,
			       "net ns: \"%.64s\" cannot be a name: no slash, blank, colon, comma "
			       "or quotes, no \"-\" in front, not \"host\", and not digits alone, "
			       "which are a pid",
			       name);
	r = lock_directory(&lock, &dir_fd, e);
	if (r == 0)
		r = make_file(dir_fd, name, e);
	if (r < 0)
		return r;
	r = fault_point("ns-make");
	if (r == 0)
		r = make_tree(&tree);
	if (r == 0)
		r = fault_point("ns-mount");
	if (r == 0)
		r = sys_move_mount(tree, dir_fd, name, 0);
	if (r < 0)
		sys_unlinkat(dir_fd, name, 0);
	return r < 0 ? err_errno(e, -r, "net ns: %s: make the network namespace", name) : 0;
}

/* ---- who is in it ---- */

struct members {
	uint64_t inode;
	struct netns_seen *out;
};

static int each_entry(int dir_fd, int (*fn)(void *arg, const char *name), void *arg)
{
	_Alignas(struct sys_dirent) char block[32768];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = sys_getdents(dir_fd, block, sizeof(block))) != 0) {
		if (n < 0)
			return (int)n;
		for (ssize_t at = 0; at < n && r == 0;) {
			const struct sys_dirent *d = (const struct sys_dirent *)(block + at);

			r = str_eq(d->name, ".") || str_eq(d->name, "..") ? 0 : fn(arg, d->name);
			at += d->len;
		}
	}
	return r;
}

static int count_member(void *arg, const char *name)
{
	const struct members *m = arg;
	char path[PATH_ROOM];
	struct statx sx;
	uint32_t pid;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", name);
	if (str_u32(name, &pid) < 0 || sys_statx(AT_FDCWD, path, 0, STATX_INO, &sx) < 0 ||
	    sx.stx_ino != m->inode)
		return 0;
	m->out->processes++;
	m->out->pid = (int)pid;
	return 0;
}

static int count_members(struct netns_seen *out)
{
	_cleanup_fd_ int proc = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0);
	struct members m = { out->inode, out };

	return proc < 0 ? proc : out->inode ? each_entry(proc, count_member, &m) : 0;
}

/* ---- listing ---- */

struct listing {
	int dir_fd;
	netns_fn *fn;
	void *arg;
};

static int show(void *arg, const char *name)
{
	const struct listing *l = arg;
	struct netns_seen seen = { .name = name };

	/* Who is gone meanwhile is not there. */
	if (look(l->dir_fd, name, &seen.inode) < 0 || count_members(&seen) < 0)
		return 0;
	return l->fn(l->arg, &seen);
}

int netns_list(netns_fn *fn, void *arg, struct err *e)
{
	_cleanup_fd_ int dir_fd = open_directory();
	struct listing l = { dir_fd, fn, arg };
	int r = dir_fd < 0 ? dir_fd : each_entry(dir_fd, show, &l);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? err_errno(e, -r, "net ns: list " NETNS_DIR) : r;
}

/* ---- removing ---- */

static int no_such(const char *name, int code, struct err *e)
{
	return code == -ENOENT || !is_name(name)
		       ? err_set(e, ENOENT, "net ns: there is no network namespace \"%.64s\"", name)
		       : err_errno(e, -code, "net ns: %s", name);
}

static int refuse_members(const struct netns_seen *seen, struct err *e)
{
	return err_set(e, EBUSY,
		       "net ns: %s: %u processes are in it, one of them with pid %d; --force "
		       "removes the name alone",
		       seen->name, seen->processes, seen->pid);
}

int netns_remove(const char *name, bool force, struct err *e)
{
	_cleanup_fd_ int lock = -1, dir_fd = -1;
	struct netns_seen seen = { .name = name };
	char path[PATH_ROOM];
	int r;

	if (!is_name(name) || sys_faccessat(AT_FDCWD, NETNS_DIR, F_OK) == -ENOENT)
		return no_such(name, -ENOENT, e);
	r = lock_directory(&lock, &dir_fd, e);
	if (r < 0)
		return r;
	r = look(dir_fd, name, &seen.inode);
	if (r < 0)
		return no_such(name, r, e);
	if (!force && count_members(&seen) == 0 && seen.processes)
		return refuse_members(&seen, e);
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	r = fault_point("ns-remove");
	for (int i = 0; r == 0 && i < MOUNTS_MAX; i++)
		r = sys_umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (r == 0 || r == -EINVAL) /* nothing is mounted there any more */
		r = sys_unlinkat(dir_fd, name, 0);
	return r < 0 ? err_errno(e, -r, "net ns: remove %s", path) : 0;
}

/* ---- running something in it ---- */

/* A sysfs shows the interfaces of who mounts it. What is mounted below it stays: the cgroups. */
static int mount_sys(void)
{
	unsigned attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	_cleanup_fd_ int cgroups =
		sys_open_tree(AT_FDCWD, "/sys/fs/cgroup", OPEN_TREE_CLONE | AT_RECURSIVE);
	_cleanup_fd_ int context = sys_fsopen("sysfs"), sys = -1;
	struct statfs old;
	int r = context < 0 ? context : sys_fsconfig_create(context);

	if (sys_statfs("/sys", &old) == 0 && (old.f_flags & MS_RDONLY))
		attrs |= MOUNT_ATTR_RDONLY;
	if (r == 0)
		sys = r = sys_fsmount(context, attrs);
	if (r < 0)
		return r;
	sys_umount2("/sys", MNT_DETACH);
	r = sys_move_mount(sys, AT_FDCWD, "/sys", 0);
	if (r == 0 && cgroups >= 0)
		sys_move_mount(cgroups, AT_FDCWD, "/sys/fs/cgroup", 0);
	return r;
}

struct covering {
	const char *name;
	struct err *e;
};

static int cover(void *arg, const char *file)
{
	const struct covering *c = arg;
	char from[2 * PATH_ROOM], to[PATH_ROOM];
	_cleanup_fd_ int tree = -1;
	int r;

	snprintf(from, sizeof(from), "/etc/netns/%s/%s", c->name, file);
	snprintf(to, sizeof(to), "/etc/%s", file);
	tree = r = sys_open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | AT_RECURSIVE);
	if (r >= 0)
		r = sys_move_mount(tree, AT_FDCWD, to, MOVE_MOUNT_T_SYMLINKS);
	return r < 0 ? err_errno(c->e, -r, "net ns: %s: put %s over %s", c->name, from, to) : 0;
}

static int cover_etc(const char *name, struct err *e)
{
	char path[PATH_ROOM];
	_cleanup_fd_ int fd = -1;
	struct covering c = { name, e };

	snprintf(path, sizeof(path), "/etc/netns/%s", name);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? err_errno(e, -fd, "net ns: %s", path) : each_entry(fd, cover, &c);
}

static int enter(const char *name, struct err *e)
{
	const struct mount_attr slave = { .propagation = MS_SLAVE };
	_cleanup_fd_ int fd = -1;
	char path[PATH_ROOM];
	const char *what = "enter it";
	int r;

	if (!is_name(name))
		return no_such(name, -ENOENT, e);
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	r = look(AT_FDCWD, path, NULL);
	if (r == 0)
		return err_set(e, EINVAL, "net ns: %s is no namespace", path);
	if (r > 0)
		fd = r = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (r < 0)
		return no_such(name, r, e);
	r = sys_setns(fd, CLONE_NEWNET);
	if (r == 0) {
		what = "make mounts of its own";
		r = sys_unshare(CLONE_NEWNS);
	}
	if (r == 0)
		r = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave);
	if (r == 0) {
		what = "mount its /sys";
		r = mount_sys();
	}
	return r < 0 ? err_errno(e, -r, "net ns: %s: %s", name, what) : cover_etc(name, e);
}

int netns_exec(const char *name, char *const argv[], struct err *e)
{
	int r = enter(name, e);

	if (r < 0)
		return r;
	execvp(argv[0], argv);
	r = errno;
	return err_command(e, r, "%s: %s", argv[0], err_words(r));
}
