/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cg/rdt.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fd.h"
#include "sys/process.h"

#define WORDS        "linux.intelRdt: "
#define GROUP_MODE   0755
#define LOCK_LOOK_MS 5
#define LOCK_WAIT_MS 10000

/* ---- the root ---- */

static int open_if(const char *path, long magic)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	struct statfs fs;
	int r = fd < 0 ? fd : sys_fstatfs(fd, &fs);

	if (r < 0)
		return r;
	return (long)fs.f_type == magic ? TAKE_FD(fd) : -ENOENT;
}

/* "31 23 0:28 / /sys/fs/resctrl rw - resctrl resctrl rw" (proc_pid_mountinfo(5)); there is one. */
static int open_mounted(void)
{
	_cleanup_file_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[PATH_MAX + 512], path[PATH_MAX];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, " - resctrl ") && sscanf(line, "%*s %*s %*s / %4095s", path) == 1)
			return open_if(path, RDTGROUP_SUPER_MAGIC);
	return -ENOENT;
}

int rdt_open(const char *stand_in, struct err *e)
{
	int fd = stand_in ? open_if(stand_in, FUSE_SUPER_MAGIC)
			  : open_if(RDT_PLACE, RDTGROUP_SUPER_MAGIC);

	if (fd == -ENOENT && !stand_in)
		fd = open_mounted();
	if (fd == -ENOENT)
		return err_set(e, ENOENT,
			       WORDS "the resctrl file system is not mounted (mount -t resctrl "
				     "resctrl " RDT_PLACE ")");
	return fd < 0 ? err_errno(e, -fd, WORDS "open " RDT_PLACE) : fd;
}

/* The kernel registers it where the processor can do it. */
bool rdt_known(void)
{
	_cleanup_file_ FILE *f = fopen("/proc/filesystems", "re");
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (str_eq(line, "nodev\tresctrl\n"))
			return true;
	return false;
}

int rdt_lock(int root_fd, struct err *e)
{
	const struct timespec pause = { 0, LOCK_LOOK_MS * 1000000L };
	int r = sys_flock(root_fd, LOCK_EX | LOCK_NB);

	for (int ms = 0; r == -EWOULDBLOCK && ms < LOCK_WAIT_MS; ms += LOCK_LOOK_MS) {
		nanosleep(&pause, NULL);
		r = sys_flock(root_fd, LOCK_EX | LOCK_NB);
	}
	if (r == -EWOULDBLOCK)
		return err_set(e, EBUSY, WORDS "somebody has held the lock of resctrl for %d s",
			       LOCK_WAIT_MS / 1000);
	return r < 0 ? err_errno(e, -r, WORDS "lock resctrl") : 0;
}

void rdt_unlock(int root_fd)
{
	sys_flock(root_fd, LOCK_UN);
}

/* ---- files ---- */

int rdt_path(char *out, size_t room, const char *group, const char *monitor, const char *file)
{
	bool below = !str_eq(group, RDT_DEFAULT);
	int n = snprintf(out, room, "%s%s%s%s%s%s", below ? group : "",
			 below && (monitor || file) ? "/" : "", monitor ? "mon_groups/" : "",
			 monitor ? monitor : "", monitor && file ? "/" : "", file ? file : "");

	if (n < 0 || (size_t)n >= room)
		return -ENAMETOOLONG;
	if (n == 0)
		snprintf(out, room, ".");
	return 0;
}

/* Names come from configurations: none leads out of it, or through a link. */
int rdt_open_file(int root_fd, const char *path, int flags)
{
	return sys_openat2(root_fd, path, (uint64_t)flags,
			   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
				   RESOLVE_NO_XDEV);
}

long rdt_read(int root_fd, const char *path, char *out, size_t room)
{
	_cleanup_fd_ int fd = rdt_open_file(root_fd, path, O_RDONLY);
	size_t len = 0;
	ssize_t n = fd < 0 ? fd : 1;

	while (n > 0 && len + 1 < room) {
		n = sys_read(fd, out + len, room - 1 - len);
		if (n == -EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	out[n < 0 ? 0 : len] = 0;
	return n < 0 ? (long)n : (long)len;
}

bool rdt_has(int root_fd, const char *path)
{
	_cleanup_fd_ int fd = rdt_open_file(root_fd, path, O_PATH);

	return fd >= 0;
}

/* In one write: each is a command to the kernel. */
static int write_file(int root_fd, const char *path, const char *text)
{
	_cleanup_fd_ int fd = rdt_open_file(root_fd, path, O_WRONLY);
	ssize_t n = fd;

	if (fd >= 0)
		do {
			n = sys_write(fd, text, strlen(text));
		} while (n == -EINTR);
	return n < 0 ? (int)n : 0;
}

/* ---- errors ---- */

/* What the kernel says of the last command, in one line. */
static void append_status(int root_fd, struct err *e)
{
	char text[256];

	if (!e || rdt_read(root_fd, "info/last_cmd_status", text, sizeof(text)) <= 0)
		return;
	text[strcspn(text, "\n")] = 0;
	if (*text && !str_eq(text, "ok"))
		err_append(e, ": %s", text);
}

static int refused(int root_fd, int code, const char *path, const char *what, struct err *e)
{
	err_errno(e, -code, WORDS "%s %.200s", what, path);
	append_status(root_fd, e);
	if (code == -ENOSPC)
		err_append(e, " (the processor has no more groups: remove one, or let containers "
			      "share one by its closID)");
	else if (code == -EBUSY)
		err_append(e, " (a counter that was used before is not free yet: try again)");
	return code;
}

/* ---- groups ---- */

/* Other directories have no tasks: "info" is one. */
int rdt_exists(int root_fd, const char *group, const char *monitor, struct err *e)
{
	char path[2 * NAME_MAX + 32], tasks[2 * NAME_MAX + 32];
	int r = rdt_path(path, sizeof(path), group, monitor, NULL);

	if (r == 0)
		r = rdt_path(tasks, sizeof(tasks), group, monitor, "tasks");
	if (r < 0)
		return err_errno(e, -r, WORDS "closID");
	if (!rdt_has(root_fd, path))
		return 0;
	return rdt_has(root_fd, tasks)
		       ? 1
		       : err_set(e, ENOTDIR, WORDS "\"%.64s\" is no group of resctrl", path);
}

int rdt_make(int root_fd, const char *group, const char *monitor, struct err *e)
{
	char path[2 * NAME_MAX + 32];
	int r = rdt_path(path, sizeof(path), group, monitor, NULL);

	if (r == 0)
		r = sys_mkdirat(root_fd, path, GROUP_MODE);
	return r < 0 ? refused(root_fd, r, path, "make the group", e) : 0;
}

int rdt_remove(int root_fd, const char *group, const char *monitor, struct err *e)
{
	char path[2 * NAME_MAX + 32];
	int r = rdt_path(path, sizeof(path), group, monitor, NULL);

	if (r == 0)
		r = sys_unlinkat(root_fd, path, AT_REMOVEDIR);
	return r < 0 && r != -ENOENT ? refused(root_fd, r, path, "remove the group", e) : 0;
}

int rdt_set(int root_fd, const char *group, const char *schemata, struct err *e)
{
	char path[NAME_MAX + 32];
	int r = rdt_path(path, sizeof(path), group, NULL, "schemata");

	if (r == 0)
		r = write_file(root_fd, path, schemata);
	return r < 0 ? refused(root_fd, r, path, "write", e) : 0;
}

static uint64_t granularity(int root_fd)
{
	char text[32];
	const char *p = text;
	uint64_t gran = 0;

	if (rdt_read(root_fd, "info/MB/bandwidth_gran", text, sizeof(text)) > 0)
		str_take_u64(&p, &gran);
	return gran;
}

int rdt_compare(int root_fd, const char *group, const char *schemata, const char *over,
		struct err *e)
{
	_cleanup_free_ char *have = malloc(RDT_TEXT_MAX);
	char path[NAME_MAX + 32], line[128];
	int r = rdt_path(path, sizeof(path), group, NULL, "schemata");
	long n = have ? r : -ENOMEM;

	if (n == 0)
		n = rdt_read(root_fd, path, have, RDT_TEXT_MAX);
	if (n < 0)
		return err_errno(e, (int)-n, WORDS "read %.200s", path);
	if (rdt_matches(have, schemata, over, granularity(root_fd), line, sizeof(line)))
		return 0;
	return err_set(e, EEXIST,
		       WORDS "the group \"%.64s\" is there already, and its schemata do not say "
			     "\"%s\"",
		       group, line);
}

int rdt_join(int root_fd, const char *group, const char *monitor, int pid, struct err *e)
{
	char path[2 * NAME_MAX + 32], text[16];
	int r = rdt_path(path, sizeof(path), group, monitor, "tasks");

	snprintf(text, sizeof(text), "%d", pid);
	if (r == 0)
		r = write_file(root_fd, path, text);
	return r < 0 ? refused(root_fd, r, path, "put the process into", e) : 0;
}

int rdt_is_used(int root_fd, const char *group, bool (*ended)(int pid), struct err *e)
{
	char path[NAME_MAX + 32], line[32];
	_cleanup_file_ FILE *f = NULL;
	int fd, r = rdt_path(path, sizeof(path), group, NULL, "tasks");

	fd = r < 0 ? r : rdt_open_file(root_fd, path, O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT ? 0 : err_errno(e, -fd, WORDS "read %.200s", path);
	f = fdopen(fd, "re");
	if (!f) {
		sys_close(fd);
		return err_errno(e, ENOMEM, WORDS "read %.200s", path);
	}
	while (fgets(line, sizeof(line), f)) {
		uint32_t pid;

		line[strcspn(line, "\n")] = 0;
		if (str_u32(line, &pid) < 0 || !ended((int)pid))
			return 1;
	}
	return ferror(f) ? err_errno(e, EIO, WORDS "read %.200s", path) : 0;
}
