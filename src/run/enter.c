/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going where a process is. It is the same way that a box goes: joined is what differs from ours,
 * shared is the rest, and no mount is made.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/held.h"
#include "spec/spec.h"
#include "sys/fd.h"
#include "sys/process.h"

/* 1: the process is in another one than we are. */
static int differs(int pid, enum ns_type type)
{
	struct stat own, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", ns_table[type].proc_file);
	if (stat(path, &own) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, ns_table[type].proc_file);
	if (stat(path, &its) < 0)
		return -errno;
	return own.st_ino != its.st_ino || own.st_dev != its.st_dev;
}

static int cannot_look(int pid, int code, struct err *e)
{
	if (code == -ENOENT || code == -ESRCH)
		return err_set(e, ESRCH, "enter: there is no process %d", pid);
	if (code == -EACCES || code == -EPERM)
		return err_set(e, EPERM,
			       "enter: the namespaces of process %d are not for you to see: it has "
			       "another user, or more rights; do it as root",
			       pid);
	return err_errno(e, -code, "enter: process %d", pid);
}

static int choose_one(struct spec *s, const struct enter_wish *w, enum ns_type type, bool *joins,
		      struct err *e)
{
	bool wanted = !w->types || w->types & 1U << type;
	int r = wanted ? differs(w->pid, type) : 0;
	char text[64];

	if (r < 0)
		return cannot_look(w->pid, r, e);
	*joins = r;
	if (r == 0)
		return spec_set(s, "share", ns_table[type].name, e);
	snprintf(text, sizeof(text), "%s=%d", ns_table[type].name, w->pid);
	return spec_set(s, "join", text, e);
}

/* The root as the process sees it: it may have been changed by chroot(2). */
static int open_root(struct spec *s, const struct enter_wish *w, struct err *e)
{
	_cleanup_fd_ int fd = -1, below = -1;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/root", w->pid);
	fd = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return cannot_look(w->pid, fd, e);
	if (w->root)
		below = sys_openat2(fd, w->root, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
	if (w->root && below < 0)
		return err_errno(e, -below, "enter: root %s of process %d", w->root, w->pid);
	s->enters = true;
	s->enter_root_fd = w->root ? TAKE_FD(below) : TAKE_FD(fd);
	return 0;
}

int enter_fill(struct spec *s, const struct enter_wish *w, struct err *e)
{
	bool joins[NS_COUNT];
	int r = 0;

	s->enter_pidfd =
		w->pidfd >= 0 ? sys_fcntl(w->pidfd, F_DUPFD_CLOEXEC, 3) : sys_pidfd_open(w->pid, 0);
	if (s->enter_pidfd < 0)
		return cannot_look(w->pid, s->enter_pidfd, e);
	s->enters = true;
	s->enter_root_fd = -1;
	for (int type = 0; r == 0 && type < NS_COUNT; type++)
		r = choose_one(s, w, (enum ns_type)type, &joins[type], e);
	if (r == 0 && (joins[NS_MNT] || w->root))
		r = open_root(s, w, e);
	/* All of that was found by a pid, which was still that process's. */
	if (r == 0 && sys_pidfd_send_signal(s->enter_pidfd, 0) == -ESRCH)
		return err_set(e, ESRCH, "enter: process %d has ended", w->pid);
	return r;
}
