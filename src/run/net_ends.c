/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/net_ends.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "sys/fd.h"
#include "sys/process.h"

static int open_namespaces(struct net_ends *n, int pid)
{
	struct stat own, its;
	char path[32];

	n->own_ns_fd = sys_openat(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY, 0);
	if (n->own_ns_fd < 0)
		return n->own_ns_fd;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	n->ns_fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (n->ns_fd < 0)
		return n->ns_fd;
	if (fstat(n->own_ns_fd, &own) < 0 || fstat(n->ns_fd, &its) < 0)
		return -errno;
	return own.st_ino == its.st_ino && own.st_dev == its.st_dev ? -EALREADY : 0;
}

int net_ends_open(struct net_ends *n, int pid, const char **failed)
{
	int code;

	*n = (struct net_ends)NET_ENDS_INIT;
	*failed = "open the network namespaces";
	code = open_namespaces(n, pid);
	if (code == 0) {
		*failed = "speak of both network namespaces";
		code = net_socket_open(&n->own);
	}
	if (code == 0)
		code = net_socket_open_in(&n->its, n->ns_fd, n->own_ns_fd);
	if (code < 0)
		net_ends_close(n);
	return code;
}

/*
 * What is opened below /proc/sys/net is that of who opens it, so we go there. A new network
 * namespace forwards if the machine's first one does; a box is no router.
 */
int net_ends_tame(struct net_ends *n)
{
	int fd = -1, forward = -1, back, code = sys_setns(n->ns_fd, CLONE_NEWNET);

	if (code < 0)
		return code;
	fd = sys_openat(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY, 0);
	forward = sys_openat(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", O_WRONLY, 0);
	back = sys_setns(n->own_ns_fd, CLONE_NEWNET);
	if (fd >= 0) {
		code = sys_write_all(fd, "0", 1);
		close(fd);
	}
	if (forward >= 0) {
		code = code < 0 ? code : sys_write_all(forward, "0", 1);
		close(forward);
	}
	return back < 0 ? back : fd < 0 ? fd : code;
}

void net_ends_close(struct net_ends *n)
{
	net_socket_close(&n->own);
	net_socket_close(&n->its);
	cleanup_fd(&n->own_ns_fd);
	cleanup_fd(&n->ns_fd);
	n->own_ns_fd = n->ns_fd = -1;
}
