/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets, and descriptors passed over them. */
#pragma once

#include <sys/socket.h>

#include "sys/fd.h"

static inline int sys_socket(int domain, int type, int protocol)
{
	return (int)RAW3(SYS_socket, domain, type | SOCK_CLOEXEC, protocol);
}

static inline int sys_socketpair(int domain, int type, int fds[2])
{
	return (int)RAW4(SYS_socketpair, domain, type | SOCK_CLOEXEC, 0, fds);
}

static inline int sys_accept(int fd)
{
	return (int)RAW4(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC);
}

static inline int sys_setsockopt(int fd, int level, int name, const void *value, size_t len)
{
	return (int)RAW5(SYS_setsockopt, fd, level, name, value, len);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)RAW5(SYS_getsockopt, fd, level, name, value, len);
}

/* Of the network namespace in which that socket was made: a number that no other one ever gets. */
static inline int sys_netns_cookie(int fd, uint64_t *out)
{
	socklen_t len = sizeof(*out);

	return sys_getsockopt(fd, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, out, &len);
}

static inline int sys_connect(int fd, const void *address, size_t len)
{
	return (int)RAW3(SYS_connect, fd, address, len);
}

static inline int sys_bind(int fd, const void *address, size_t len)
{
	return (int)RAW3(SYS_bind, fd, address, len);
}

static inline ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return RAW3(SYS_sendmsg, fd, msg, flags | MSG_NOSIGNAL);
}

static inline ssize_t sys_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return RAW3(SYS_recvmsg, fd, msg, flags | MSG_CMSG_CLOEXEC);
}

#define SYS_FDS_MAX 20

/* Sends `len` bytes and `n_fds` descriptors in one message. The count of bytes, or -errno. */
static inline ssize_t sys_send_fds(int fd, const void *data, size_t len, const int *fds,
				   unsigned n_fds)
{
	/* Zeroed: in musl's types a part of what are the kernel's lengths is padding. */
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * SYS_FDS_MAX)] = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds > SYS_FDS_MAX)
		return -EINVAL;
	if (n_fds) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		msg.msg_control = control;
		msg.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * n_fds);
		for (unsigned i = 0; i < n_fds; i++)
			((int *)CMSG_DATA(c))[i] = fds[i];
	}
	return sys_sendmsg(fd, &msg, 0);
}

/*
 * Receives one message and the descriptors that came with it; `*n_fds` says how many `fds` has room
 * for, and how many came. The count of bytes (0: the other side is gone), or -errno.
 */
static inline ssize_t sys_recv_fds(int fd, void *data, size_t len, int *fds, unsigned *n_fds,
				   int flags)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * SYS_FDS_MAX)];
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = (struct cmsghdr *)control;
	unsigned room = *n_fds, got = 0;
	ssize_t n = sys_recvmsg(fd, &msg, flags);

	*n_fds = 0;
	if (n < 0 || msg.msg_controllen < sizeof(*c) || c->cmsg_type != SCM_RIGHTS)
		return n;
	got = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	for (unsigned i = 0; i < got; i++) {
		int passed = ((int *)CMSG_DATA(c))[i];

		if (i < room)
			fds[(*n_fds)++] = passed;
		else
			sys_close(passed);
	}
	return n;
}
