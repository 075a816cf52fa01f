/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What only somebody in a namespace can ask: a child goes in, and nobody else. It shares
 * descriptors with us, so that a socket which it opens stays with us; a socket speaks of the
 * namespace in which it was opened. Our own threads never leave theirs: one that could not come
 * back would be lost.
 *
 * Its memory is a copy, and closed to others: who has all rights in a user namespace may look into
 * a process that enters it. What it has found it leaves on one page. The child makes no other calls
 * than those of src/sys/.
 */
#include <errno.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "see/see.h"
#include "sys/process.h"
#include "sys/sock.h"

struct visit {
	int ns_fd;
	uint32_t type;
	int protocol;
	struct utsname names;
	int result;
};

/*
 * Entering needs rights in the user namespace that owns it. Its maker has them after entering that
 * first, as a process of its own may.
 */
static int go_in(const struct visit *v)
{
	int r = sys_setns(v->ns_fd, (int)v->type), owner;

	if (r != -EPERM)
		return r;
	owner = sys_ioctl(v->ns_fd, NS_GET_USERNS, NULL);
	if (owner < 0)
		return r;
	if (sys_setns(owner, CLONE_NEWUSER) == 0)
		r = sys_setns(v->ns_fd, (int)v->type);
	sys_close(owner);
	return r;
}

static int ask(struct visit *v)
{
	if (v->type != CLONE_NEWNET)
		return sys_uname(&v->names);
	return v->protocol < 0 ? sys_socket(AF_UNIX, SOCK_DGRAM, 0)
			       : sys_socket(AF_NETLINK, SOCK_RAW, v->protocol);
}

static int visit(void *arg)
{
	struct visit *v = arg;

	sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	v->result = go_in(v);
	if (v->result == 0)
		v->result = ask(v);
	return 0;
}

/* Whose namespace it is anyway needs no rights, and no child. */
static bool is_own(int ns_fd, const char *own)
{
	struct statx a, b;

	return sys_statx(ns_fd, "", AT_EMPTY_PATH, STATX_INO, &a) == 0 &&
	       sys_statx(AT_FDCWD, own, 0, STATX_INO, &b) == 0 && a.stx_ino == b.stx_ino &&
	       a.stx_dev_minor == b.stx_dev_minor && a.stx_dev_major == b.stx_dev_major;
}

static int send_child(struct visit *out)
{
	_cleanup_stack_ struct small_stack stack;
	struct visit *v =
		mmap(NULL, sizeof(*v), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct clone_args args = {
		.flags = CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND,
		.stack = (uint64_t)(uintptr_t)stack.memory,
		.stack_size = sizeof(stack.memory),
		/* No SIGCHLD: a caller that counts its children does not know of this one. */
	};
	int pid;

	if (v == MAP_FAILED)
		return -ENOMEM;
	*v = *out;
	pid = sys_clone_fn(&args, visit, v);
	while (pid > 0 && sys_wait4(pid, NULL, (int)__WCLONE, NULL) == -EINTR)
		;
	*out = *v;
	munmap(v, sizeof(*v));
	return pid < 0 ? pid : out->result;
}

int see_socket_in(int net_fd, int protocol)
{
	struct visit v = {
		.ns_fd = net_fd, .type = CLONE_NEWNET, .protocol = protocol, .result = -EIO
	};

	return is_own(net_fd, "/proc/thread-self/ns/net") ? ask(&v) : send_child(&v);
}

int see_uts_in(int uts_fd, char host[65], char domain[65])
{
	struct visit v = { .ns_fd = uts_fd, .type = CLONE_NEWUTS, .result = -EIO };
	int r = is_own(uts_fd, "/proc/thread-self/ns/uts") ? ask(&v) : send_child(&v);

	if (r < 0)
		return r;
	memcpy(host, v.names.nodename, 65);
	memcpy(domain, v.names.domainname, 65);
	return 0;
}
