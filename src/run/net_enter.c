/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A socket that speaks of another's network namespace. Root goes there for a moment. An ordinary
 * user has rights only in a user namespace of its own, and who enters that does not come back: so
 * a child goes, and shares with us no more than the table of descriptors and its answer. Its memory
 * is closed to those who have all rights there.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "net/netlink.h"
#include "run/net_firewall.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sock.h"

struct going {
	int user_fd, net_fd;
	int out_fd; /* its place is taken by the socket */
	int code;
};

static int go(void *arg)
{
	struct going *g = arg;
	int fd;

	sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	g->code = sys_setns(g->user_fd, CLONE_NEWUSER);
	if (g->code == 0)
		g->code = sys_setns(g->net_fd, CLONE_NEWNET);
	if (g->code < 0)
		return 0;
	fd = sys_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	g->code = fd < 0 ? fd : sys_dup3(fd, g->out_fd, O_CLOEXEC);
	if (fd >= 0)
		sys_close(fd);
	return 0;
}

static int send_child(struct going *g)
{
	_cleanup_stack_ struct small_stack stack;
	struct clone_args args = {
		.flags = CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};
	uint64_t all = ~UINT64_C(0), old;
	int pid;

	sys_sigprocmask(SIG_SETMASK, &all, &old);
	pid = sys_clone_fn(&args, go, g);
	sys_sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return pid;
	while (sys_wait4(pid, NULL, 0, NULL) == -EINTR)
		;
	return g->code;
}

static int open_by_child(struct net_socket *out, int pid, int net_fd)
{
	_cleanup_fd_ int user_fd = -1, place = -1;
	struct going *g =
		mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char path[40];
	int r;

	if (g == MAP_FAILED)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	user_fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	place = sys_openat(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	*g = (struct going){ user_fd, net_fd, place, 0 };
	r = user_fd < 0 ? user_fd : place < 0 ? place : send_child(g);
	munmap(g, sizeof(*g));
	return r < 0 ? r : net_socket_take(out, TAKE_FD(place));
}

static int open_here(struct net_socket *out, int net_fd, int own_fd)
{
	int r = sys_setns(net_fd, CLONE_NEWNET), back;

	if (r < 0)
		return r;
	r = nft_open(out);
	back = sys_setns(own_fd, CLONE_NEWNET);
	if (r == 0 && back < 0)
		net_socket_close(out);
	return back < 0 ? back : r;
}

int nft_open_of(struct net_socket *out, int pid, uint64_t expected)
{
	_cleanup_fd_ int own_fd = -1, net_fd = -1;
	struct stat own, its;
	char path[40];
	int r;

	*out = (struct net_socket){ .fd = -1 };
	own_fd = sys_openat(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY, 0);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	net_fd = own_fd < 0 ? own_fd : sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (net_fd < 0)
		return net_fd;
	if (fstat(own_fd, &own) < 0 || fstat(net_fd, &its) < 0)
		return -errno;
	if (own.st_ino == its.st_ino && own.st_dev == its.st_dev)
		return -EALREADY;
	if (expected && its.st_ino != expected)
		return -ESRCH;
	r = open_here(out, net_fd, own_fd);
	return r == -EPERM ? open_by_child(out, pid, net_fd) : r;
}
