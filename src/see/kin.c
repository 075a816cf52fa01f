/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which user namespace owns a namespace, and which is its parent (ioctl_ns(2)). It is asked of a
 * descriptor, and that is opened by way of whoever keeps the namespace. What is opened is compared
 * with what is meant: a pid, or a descriptor's number, may be another's by now.
 */
#include <errno.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "see/see.h"
#include "sys/fd.h"

#define DEPTH_MAX 40 /* the kernel has 33 */

static uint64_t inode_of(int fd)
{
	struct statx st;

	return sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) < 0 ? 0 : st.stx_ino;
}

/*
 * Opens for good only what is a namespace: opening something else for reading could wait for ever,
 * or do something to a device.
 */
static int open_checked(int dir_fd, const char *path, uint64_t inode)
{
	_cleanup_fd_ int fd = sys_openat(dir_fd, path, O_PATH, 0), own = -1;
	char again[48];
	struct statfs st;

	if (fd < 0)
		return fd;
	if (sys_fstatfs(fd, &st) < 0 || st.f_type != NSFS_MAGIC || inode_of(fd) != inode)
		return -ESTALE;
	snprintf(again, sizeof(again), "/proc/thread-self/fd/%d", fd);
	own = sys_openat(AT_FDCWD, again, O_RDONLY, 0);
	return TAKE_FD(own);
}

int see_type_of(int dir_fd, const char *path, uint64_t inode)
{
	_cleanup_fd_ int fd = open_checked(dir_fd, path, inode);
	int flag = fd < 0 ? fd : sys_ioctl(fd, NS_GET_NSTYPE, NULL);

	for (int i = 0; flag > 0 && i < NS_COUNT; i++)
		if ((uint32_t)flag == ns_table[i].clone_flag)
			return i;
	return flag < 0 ? flag : -ESTALE;
}

static int open_by_process(const struct see_world *w, const struct see_process *p,
			   const struct see_ns *n)
{
	const char *file = ns_table[n->type].proc_file;
	char path[64];

	if (p->time_for_children == n->inode && p->ns[NS_TIME] != n->inode)
		file = "ns/time_for_children";
	if (p->tid)
		snprintf(path, sizeof(path), "%d/task/%d/%s", p->pid, p->tid, file);
	else
		snprintf(path, sizeof(path), "%d/%s", p->pid, file);
	return open_checked(w->proc_fd, path, n->inode);
}

static int open_by_holder(const struct see_world *w, const struct see_holder *h)
{
	char path[4200];

	if (h->how == SEE_BY_FD)
		snprintf(path, sizeof(path), "%d/fd/%d", h->pid, h->fd);
	else
		snprintf(path, sizeof(path), "%d/root%s", h->pid, h->path);
	return open_checked(w->proc_fd, path, h->inode);
}

/* By a namespace below: they are asked for their parents, or for their owner. */
static int open_by_child(const struct see_world *w, const struct see_ns *n);

static bool is_member(const struct see_process *p, const struct see_ns *n)
{
	return p->ns[n->type] == n->inode ||
	       (n->type == NS_TIME && p->time_for_children == n->inode);
}

static int open_direct(const struct see_world *w, const struct see_ns *n)
{
	int fd = -ENOENT;

	if (n->oldest != SEE_NONE)
		fd = open_by_process(w, &w->processes.items[n->oldest], n);
	for (size_t i = 0; fd < 0 && i < w->holders.n; i++)
		if (w->holders.items[i].inode == n->inode)
			fd = open_by_holder(w, &w->holders.items[i]);
	/* The oldest may have ended meanwhile, or be one whose namespaces are not for us to open.
	 */
	for (size_t i = 0; fd < 0 && fd != -EMFILE && i < w->processes.n; i++)
		if (is_member(&w->processes.items[i], n))
			fd = open_by_process(w, &w->processes.items[i], n);
	return fd;
}

/* Goes up from `fd`, which it closes, to that inode. */
static int climb(int fd, unsigned long how, uint64_t inode)
{
	for (int depth = 0; fd >= 0 && depth < DEPTH_MAX; depth++) {
		_cleanup_fd_ int below = fd;

		if (inode_of(below) == inode)
			return TAKE_FD(below);
		fd = sys_ioctl(below, how, NULL);
	}
	if (fd >= 0)
		sys_close(fd);
	return -ENOENT;
}

static int open_by_child(const struct see_world *w, const struct see_ns *n)
{
	int fd = -ENOENT;

	for (size_t i = 0; fd < 0 && i < w->all.n; i++) {
		const struct see_ns *below = &w->all.items[i];

		if (below->parent == n->inode || below->owner == n->inode) {
			fd = open_direct(w, below);
			if (fd >= 0 && below->owner == n->inode)
				fd = climb(fd, NS_GET_USERNS, n->inode);
			else if (fd >= 0)
				fd = climb(fd, NS_GET_PARENT, n->inode);
		}
	}
	/* Held by such as are held by such themselves. */
	for (size_t i = 0; fd < 0 && i < w->all.n; i++) {
		const struct see_ns *below = &w->all.items[i];

		if (below->type != n->type || below->oldest == SEE_NONE)
			continue;
		fd = open_direct(w, below);
		if (fd >= 0)
			fd = climb(fd, NS_GET_PARENT, n->inode);
	}
	return fd;
}

int see_open(const struct see_world *w, const struct see_ns *n)
{
	int fd = open_direct(w, n);

	return fd < 0 ? open_by_child(w, n) : fd;
}

/* ---- asking ---- */

/* What `how` leads to: its inode, or 0; the descriptor is kept for going on, if it is new to us. */
static uint64_t ask(struct see_world *w, int fd, unsigned long how, enum ns_type type, int *fresh)
{
	_cleanup_fd_ int other = sys_ioctl(fd, how, NULL);
	uint64_t inode = other < 0 ? 0 : inode_of(other);

	if (!inode || see_find(w, inode))
		return inode;
	if (see_add(w, type, inode) && *fresh < 0)
		*fresh = TAKE_FD(other);
	return inode;
}

/*
 * Asks one, and those above it that are met for the first time: nobody is in them. `fd` is closed.
 */
static void ask_up(struct see_world *w, uint64_t inode, int fd)
{
	for (int depth = 0; fd >= 0 && depth < 2 * DEPTH_MAX; depth++) {
		_cleanup_fd_ int at = fd;
		struct see_ns *n = see_find(w, inode);
		enum ns_type type = n ? n->type : NS_COUNT;
		uint64_t owner, parent = 0;
		unsigned uid;
		int fresh = -1;

		fd = -1;
		if (!n || n->asked)
			break;
		owner = ask(w, at, NS_GET_USERNS, NS_USER, &fresh);
		if (type == NS_PID)
			parent = ask(w, at, NS_GET_PARENT, NS_PID, &fresh);
		n = see_find(w, inode); /* the list may have moved */
		n->asked = true;
		n->owner = owner;
		/* A user namespace is owned by its parent. */
		n->parent = type == NS_USER ? owner : parent;
		if (type == NS_USER && sys_ioctl(at, NS_GET_OWNER_UID, &uid) == 0)
			n->owner_uid = uid;
		fd = fresh;
		inode = fd < 0 ? 0 : inode_of(fd);
	}
	if (fd >= 0)
		sys_close(fd);
}

int see_kin(struct see_world *w)
{
	/* What is found on the way stands behind, and is asked at once, or else in its turn. */
	for (size_t i = 0; i < w->all.n; i++) {
		const struct see_ns *n = &w->all.items[i];

		if (!n->asked)
			ask_up(w, n->inode, see_open(w, n));
	}
	return 0;
}
