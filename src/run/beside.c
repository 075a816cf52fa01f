/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * H: a process that helps C, in the same memory and as a member of the same namespaces. It does
 * what takes the kernel long and needs nothing of the root, so that the two overlap:
 *
 *	C	mounts ...                 enters the network, pivots	executes the init ...
 *	H	makes a network namespace        (waits)		detaches the old root
 *
 * The same program, run by a child of P, makes the network namespace of a container before there is
 * C, if no new user namespace has to own it.
 *
 * A network namespace costs as much as all mounts together, and detaching a tree waits for an RCU
 * grace period. H lives in the box's own pid namespace, so it ends with the box whatever happens;
 * it is given the number 3, which leaves 2 for the command. The init waits for its end before it
 * starts anything: then nobody is left who shares the caller's memory or sees the old root.
 */
#include <sys/wait.h>

#include "fs/fs.h"
#include "net/net.h"
#include "run/run.h"
#include "sys/process.h"

#define BESIDE_PID 3

/* The state moves only forward. */
static void set_state(struct beside *b, unsigned state)
{
	__atomic_store_n(&b->state, state, __ATOMIC_RELEASE);
	sys_futex_wake(&b->state);
}

/* Sleeps as long as the state is `while_state`; returns what it became. */
static unsigned wait_state(struct beside *b, unsigned while_state)
{
	unsigned state;

	while ((state = __atomic_load_n(&b->state, __ATOMIC_ACQUIRE)) == while_state)
		sys_futex_wait(&b->state, while_state);
	return state;
}

static int make_network(struct beside *b)
{
	int code;

	b->failed = "enter the cgroup";
	code = cg_join(b->cg_fds, b->n_cg_fds);
	if (code == 0) {
		b->failed = "make it";
		code = sys_unshare(CLONE_NEWNET);
	}
	if (code == 0) {
		b->failed = "bring lo up";
		code = net_loopback_up();
	}
	return code;
}

static int beside_main(void *arg)
{
	struct beside *b = arg;

	if (b->parent) {
		sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (sys_getppid() != b->parent)
			return 1;
	}
	if (b->makes_network) {
		b->code = make_network(b);
		if (b->code < 0)
			return 1;
		set_state(b, BESIDE_READY);
	}
	wait_state(b, BESIDE_READY);
	if (!b->lets_go)
		return 0;
	b->code = fs_let_go(b->root_mnt_id, &b->failed);
	if (b->code < 0)
		*b->report = (struct report){ -b->code, b->step, 0, b->failed };
	return b->code < 0;
}

int beside_start(struct beside *b, void *stack)
{
	uint64_t tid = BESIDE_PID;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID |
			 (b->parent ? CLONE_CLEAR_SIGHAND : 0),
		.pidfd = (uintptr_t)&b->pidfd,
		.child_tid = (uintptr_t)&b->state,
		.stack = (uintptr_t)stack,
		.stack_size = STACK_SIZE,
		.set_tid = b->parent ? 0 : (uintptr_t)&tid,
		.set_tid_size = !b->parent,
	};

	b->state = b->makes_network ? BESIDE_WORKING : BESIDE_READY;
	b->pid = sys_clone_fn(&args, beside_main, b);
	return b->pid < 0 ? b->pid : 0;
}

/* Whatever it does, and for whom there is no more use. */
void beside_end(struct beside *b)
{
	if (b->pid <= 0)
		return;
	sys_pidfd_send_signal(b->pidfd, SIGKILL);
	while (sys_wait4(b->pid, NULL, __WALL, NULL) == -EINTR)
		;
	sys_close(b->pidfd);
	b->pid = 0;
}

/* By its pidfd: no path, and no /proc, stands between. */
int beside_enter_network(struct beside *b, const char **failed)
{
	unsigned state = wait_state(b, BESIDE_WORKING);

	if (state == BESIDE_DEAD) {
		*failed = b->code < 0 ? b->failed : "killed meanwhile";
		return b->code < 0 ? b->code : -ECANCELED;
	}
	*failed = "enter it";
	return sys_setns(b->pidfd, CLONE_NEWNET);
}

void beside_go(struct beside *b, uint64_t root_mnt_id)
{
	b->root_mnt_id = root_mnt_id;
	set_state(b, BESIDE_GO);
}
