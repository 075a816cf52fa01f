/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an engine gave a path of: sockets to connect to, the file for the pid; and the one to be
 * started by. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "container.h"
#include "sec/bpf.h"
#include "sys/process.h"
#include "sys/sock.h"

/* Bound by way of the directory's descriptor: a path of a socket has only 108 characters. */
int listen_start(const struct state_dir *dir, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/" START_SOCKET, dir->fd);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4) < 0)
		return err_errno(e, fd < 0 ? -fd : errno, "make the start socket");
	return TAKE_FD(fd);
}

static int connect_unix(const char *what, const char *path, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = sys_socket(AF_UNIX, SOCK_STREAM, 0), dir_fd = -1;
	const char *slash = strrchr(path, '/');

	if (strlen(path) < sizeof(to.sun_path)) {
		strcpy(to.sun_path, path);
	} else {
		_cleanup_free_ char *dir = strndup(path, slash ? (size_t)(slash - path) : 0);

		dir_fd = dir ? sys_openat(AT_FDCWD, dir, O_PATH | O_DIRECTORY, 0) : -ENOMEM;
		if (dir_fd < 0 || !slash || strlen(slash) > 64)
			return err_errno(e, ENAMETOOLONG, "%s %s", what, path);
		snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d%s", dir_fd, slash);
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_errno(e, fd < 0 ? -fd : errno, "%s %s", what, path);
	return TAKE_FD(fd);
}

int connect_console(const char *path, struct err *e)
{
	return connect_unix("console socket", path, e);
}

int connect_listener(const struct container *c, int *fd, struct err *e)
{
	int r;

	if (!c->seccomp || !scmp_notifies(c->seccomp) || !c->seccomp->listener_path)
		return 0;
	r = connect_unix("linux.seccomp.listenerPath", c->seccomp->listener_path, e);
	if (r < 0)
		return r;
	*fd = r;
	return 0;
}

/* runc's message: the descriptor, and in words which kind of process it is of. */
int send_pidfd(const char *path, const char *kind, int pidfd, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	if (!path || !*path)
		return 0;
	fd = connect_unix("pidfd socket", path, e);
	if (fd < 0)
		return fd;
	n = sys_send_fds(fd, kind, strlen(kind), &pidfd, 1);
	return n < 0 ? err_errno(e, (int)-n, "pidfd socket %s", path) : 0;
}

/* A file may be replaced, a device or a socket not. */
static int put_in_place(const char *name, const char *path)
{
	struct statx sx;
	int r = sys_renameat(AT_FDCWD, name, path, RENAME_NOREPLACE);

	if (r != -EEXIST)
		return r;
	r = sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx);
	if (r < 0)
		return r;
	return S_ISREG(sx.stx_mode) || S_ISLNK(sx.stx_mode) ? sys_renameat(AT_FDCWD, name, path, 0)
							    : -EEXIST;
}

/* Under another name first: who waits for the file must not read half a number. */
int write_pid_file(const char *path, int pid, struct err *e)
{
	char text[16], name[PATH_MAX];
	_cleanup_fd_ int fd = -1;
	int r;

	if (!path || !*path)
		return 0;
	snprintf(text, sizeof(text), "%d", pid);
	snprintf(name, sizeof(name), "%s.%d", path, sys_getpid());
	fd = sys_openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	r = fd < 0 ? fd : sys_write_all(fd, text, strlen(text));
	if (r == 0)
		r = put_in_place(name, path);
	if (r < 0 && fd >= 0)
		sys_unlinkat(AT_FDCWD, name, 0);
	return r < 0 ? err_errno(e, -r, "pid file %s", path) : 0;
}
