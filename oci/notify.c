/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sd_notify(3) across the border of a container. Whoever started us waits for READY=1 on a socket
 * that the container cannot see, and would not believe a process of another cgroup. So the
 * container gets a directory of its own for a socket; `start` binds it, waits for the word, and
 * passes that word on, and nothing else, with the container's process as the main one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"
#include "sys/process.h"
#include "sys/sock.h"

#define NOTIFY_INSIDE "/run/notify"
#define NOTIFY_SOCKET "notify.sock"

bool notify_wanted(void)
{
	const char *host = getenv("NOTIFY_SOCKET");

	return host && (*host == '/' || *host == '@');
}

static int push_option(struct oci *o, strings *list, const char *word)
{
	const char **slot = arena_push(o->arena, &list->items, &list->n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*slot = word;
	return 0;
}

/* The mount and the variable; the directory is made with the container's. */
int notify_add(struct oci *o, const char *id, struct container *c)
{
	static const char *const options[] = { "bind", "nosuid", "noexec", "nodev" };
	struct container_mount *m;
	int r = 0;

	if (!notify_wanted())
		return 0;
	m = arena_push(o->arena, &c->mounts.items, &c->mounts.n, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->destination = NOTIFY_INSIDE;
	m->type = "bind";
	m->source = arena_printf(o->arena, "%s/%s/" NOTIFY_DIR, o->root, id);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options); i++)
		r = push_option(o, &m->options, options[i]);
	if (r < 0 || !m->source)
		return -ENOMEM;
	return config_env_put(o->arena, &c->process.env,
			      "NOTIFY_SOCKET=" NOTIFY_INSIDE "/" NOTIFY_SOCKET);
}

int notify_make_dir(const struct state_dir *dir, struct err *e)
{
	int r = notify_wanted() ? sys_mkdirat(dir->fd, NOTIFY_DIR, 0755) : 0;

	return r < 0 ? err_errno(e, -r, "make a directory for NOTIFY_SOCKET") : 0;
}

/* A socket where the container will look for it; -1: nobody wants to know. */
int notify_listen(const struct container_ref *ref, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = -1;
	char dir[32];

	if (!notify_wanted() || sys_faccessat(ref->dir.fd, NOTIFY_DIR, 0) < 0)
		return -1;
	snprintf(dir, sizeof(dir), "/proc/self/fd/%d", ref->dir.fd);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/" NOTIFY_DIR "/" NOTIFY_SOCKET, dir);
	fd = sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return err_errno(e, fd < 0 ? -fd : errno, "bind the container's NOTIFY_SOCKET");
	/* Whoever the container's process is, it may write there; the mask would forbid it. */
	sys_fchmodat(AT_FDCWD, at.sun_path, 0777);
	return TAKE_FD(fd);
}

static bool says_ready(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (str_starts(line, "READY=1") && (line[7] == '\n' || !line[7]))
			return true;
	}
	return false;
}

static int tell_host(int pid)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *host = getenv("NOTIFY_SOCKET");
	size_t len = host ? strlen(host) : 0;
	_cleanup_fd_ int fd = sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[64];

	if (len == 0 || len >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, host, len);
	if (*host == '@') /* of the abstract kind */
		to.sun_path[0] = 0;
	snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1", pid);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return fd < 0 ? fd : -errno;
	return 0;
}

/* Until the container is ready, or has ended without ever saying so. */
int notify_wait(int fd, const struct container_ref *ref, struct err *e)
{
	_cleanup_fd_ int pidfd = state_pidfd(&ref->state);
	char text[4096];

	while (pidfd >= 0) {
		struct pollfd fds[] = { { fd, POLLIN, 0 }, { pidfd, POLLIN, 0 } };
		ssize_t n;
		int r;

		if (sys_poll(fds, 2, -1) < 0)
			continue;
		n = fds[0].revents ? sys_read(fd, text, sizeof(text) - 1) : 0;
		if (n > 0) {
			text[n] = 0;
			r = says_ready(text) ? tell_host(ref->state.pid) : 1;
			if (r <= 0)
				return r < 0 ? err_errno(e, -r, "NOTIFY_SOCKET") : 0;
		} else if (fds[1].revents) {
			return 0;
		}
	}
	return 0;
}
