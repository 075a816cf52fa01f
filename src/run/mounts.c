/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts in a container that runs. What comes from the host is opened before its namespaces are
 * entered, and nothing falls back to a path afterwards; inside all is found from its root, as while
 * it was made. A child does it, which cannot come back from there.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nstype.h"
#include "base/str.h"
#include "ns/ns.h"
#include "run/run.h"
#include "spec/container.h"
#include "sys/mnt.h"
#include "sys/process.h"

/* What the child says, in memory that both see. */
struct answer {
	int code;
	size_t item;
	const char *failed; /* a constant, so at the same address in both */
};

struct change {
	const struct spec *spec;
	const struct container_door *door;
	int flags; /* namespaces to enter */
	struct answer *answer;
};

/* ---- before ---- */

static bool is_other_ns(int pid, const char *name)
{
	char path[64], theirs[64] = "", ours[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	if (sys_readlinkat(AT_FDCWD, path, theirs, sizeof(theirs) - 1) <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	sys_readlinkat(AT_FDCWD, path, ours, sizeof(ours) - 1);
	return !str_eq(theirs, ours);
}

/* One's own cannot be entered again, and need not be. Time has to do with no mount. */
static int namespaces_of(int pid)
{
	int flags = 0;

	for (int i = 0; i < NS_COUNT; i++)
		if (i != NS_TIME && is_other_ns(pid, ns_table[i].name))
			flags |= (int)ns_table[i].clone_flag;
	return flags;
}

static int open_sources(struct spec *s, struct err *e)
{
	for (size_t i = 0; i < s->d.mounts.n; i++) {
		struct mnt *m = &s->d.mounts.items[i];
		unsigned below = m->recursive ? AT_RECURSIVE : 0;

		if (m->kind != MNT_BIND)
			continue;
		m->fd = sys_open_tree(AT_FDCWD, m->src, OPEN_TREE_CLONE | below);
		if (m->fd < 0)
			return err_errno(e, -m->fd, "mount %s: open %s", m->dst, m->src);
	}
	return 0;
}

static void close_sources(const struct spec *s)
{
	for (size_t i = 0; i < s->d.mounts.n; i++)
		if (s->d.mounts.items[i].fd >= 0)
			close(s->d.mounts.items[i].fd);
}

/* ---- inside ---- */

static int enter(const struct change *c)
{
	const char *failed;
	int r;

	c->answer->failed = "enter the container's namespaces";
	/* A copy of the caller's memory goes where others are: none of them may look into it. */
	sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	r = sys_setns(c->door->pidfd, c->flags);
	if (r == 0 && c->door->root_fd >= 0) {
		r = sys_fchdir(c->door->root_fd);
		if (r == 0)
			r = sys_chroot(".");
	}
	/* Whoever we are has no place in its id map; its root has. */
	if (r == 0 && (c->flags & CLONE_NEWUSER))
		r = user_become(0, 0, false, &failed);
	return r;
}

/* What is mounted at `dst` last, and nothing that a link there leads to. */
static int unmount(struct fs *fs, const char *dst)
{
	const char *name;
	struct statx st;
	int fd = fs_open(fs, dst, O_PATH | O_NOFOLLOW), dir_fd, r;

	fs->failed = "find it";
	r = fd < 0 ? fd : sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st);
	if (r < 0)
		return r;
	fs->failed = "nothing is mounted there";
	if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return -EINVAL;
	dir_fd = fs_parent(fs, dst, &name);
	r = dir_fd < 0 ? dir_fd : sys_fchdir(dir_fd);
	fs->failed = "take it away";
	if (r == 0)
		r = sys_umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW);
	fs_view_hidden(fs, dst);
	return r;
}

static int change_all(const struct change *c, struct run *r)
{
	const mnts *list = &c->spec->d.mounts;
	int code = 0;

	for (size_t i = 0; code == 0 && i < list->n; i++) {
		c->answer->item = i;
		code = c->door->remove ? unmount(&r->fs, list->items[i].dst)
				       : mount_make(r, &list->items[i]);
		c->answer->failed = r->failed ? r->failed : r->fs.failed;
	}
	/* All of them or none. */
	for (size_t i = c->answer->item; code < 0 && !c->door->remove && i-- > 0;)
		unmount(&r->fs, list->items[i].dst);
	return code;
}

static int work(const struct change *c)
{
	struct run r = { .spec = c->spec, .d = &c->spec->d, .fs = FS_INIT };
	int code;

	c->answer->failed = "open its root";
	r.fs.root_fd = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	code = r.fs.root_fd < 0 ? r.fs.root_fd : change_all(c, &r);
	fs_flush(&r.fs);
	return code;
}

/* A pid namespace is entered by children only, and a fresh /proc shows its mounter's. */
static _Noreturn void child(const struct change *c)
{
	int code = enter(c), status;
	pid_t pid = -1;

	if (code == 0)
		pid = fork();
	if (pid == 0) {
		c->answer->code = work(c);
		_exit(0);
	}
	if (pid < 0)
		c->answer->code = code < 0 ? code : -EAGAIN;
	else if (waitpid(pid, &status, 0) < 0 || status != 0)
		c->answer->code = -ECHILD;
	_exit(0);
}

static int run_child(const struct change *c)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child(c);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? c->answer->code : -ECHILD;
}

static int change(struct change *c, struct err *e)
{
	const mnts *list = &c->spec->d.mounts;
	int r;

	c->answer = mmap(NULL, sizeof(*c->answer), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->answer == MAP_FAILED)
		return err_errno(e, ENOMEM, "mounts");
	r = run_child(c);
	if (r < 0)
		err_errno(e, -r, "mount %s: %s", list->items[c->answer->item].dst,
			  c->answer->failed ? c->answer->failed : "change it");
	munmap(c->answer, sizeof(*c->answer));
	return r;
}

int mounts_change(struct spec *s, const struct container_door *door, struct err *e)
{
	struct change c = { .spec = s, .door = door, .flags = namespaces_of(door->pid) };
	int r;

	if (!(c.flags & CLONE_NEWNS))
		return err_set(e, EINVAL, "the container has no mounts of its own");
	if (s->d.mounts.n == 0)
		return 0;
	r = door->remove ? 0 : open_sources(s, e);
	if (r == 0)
		r = change(&c, e);
	close_sources(s);
	return r;
}
