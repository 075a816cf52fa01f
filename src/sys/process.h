/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes, signals, time, namespaces. One system call each; a result or -errno. */
#pragma once

#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include "sys/fd.h"

/* What the headers that we build with may be too old for. */
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

#ifndef __WALL
#define __WALL 0x40000000
#endif

#define SYS_SIGSET_SIZE 8 /* the kernel's sigset_t: 64 signals */

static inline _Noreturn void sys_exit(int code)
{
	RAW1(SYS_exit_group, code);
	for (;;) /* a filter forbids even that: die of a signal, which none can forbid */
		__builtin_trap();
}

static inline int sys_execveat(int dir_fd, const char *path, char *const argv[], char *const envp[],
			       int flags)
{
	return (int)RAW5(SYS_execveat, dir_fd, path, argv, envp, flags);
}

static inline int sys_execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)RAW3(SYS_execve, path, argv, envp);
}

static inline int sys_wait4(int pid, int *status, int options, struct rusage *usage)
{
	return (int)RAW4(SYS_wait4, pid, status, options, usage);
}

static inline int sys_kill(int pid, int signo)
{
	return (int)RAW2(SYS_kill, pid, signo);
}

static inline ssize_t sys_getrandom(void *out, size_t len, unsigned flags)
{
	return RAW3(SYS_getrandom, out, len, flags);
}

static inline int sys_getpid(void)
{
	return (int)RAW0(SYS_getpid);
}

static inline int sys_getppid(void)
{
	return (int)RAW0(SYS_getppid);
}

static inline int sys_setsid(void)
{
	return (int)RAW0(SYS_setsid);
}

static inline int sys_prctl(int op, unsigned long a, unsigned long b, unsigned long c,
			    unsigned long d)
{
	return (int)RAW5(SYS_prctl, op, a, b, c, d);
}

static inline int sys_pidfd_open(int pid, unsigned flags)
{
	return (int)RAW2(SYS_pidfd_open, pid, flags);
}

/* A descriptor of that process, as our own; who may trace it may have it. */
static inline int sys_pidfd_getfd(int pidfd, int fd)
{
	return (int)RAW3(SYS_pidfd_getfd, pidfd, fd, 0);
}

static inline int sys_pidfd_send_signal(int pidfd, int signo)
{
	return (int)RAW4(SYS_pidfd_send_signal, pidfd, signo, 0, 0);
}

static inline int sys_setns(int fd, int type)
{
	return (int)RAW2(SYS_setns, fd, type);
}

static inline int sys_unshare(unsigned long flags)
{
	return (int)RAW1(SYS_unshare, flags);
}

static inline int sys_uname(struct utsname *out)
{
	return (int)RAW1(SYS_uname, out);
}

static inline int sys_sethostname(const char *name, size_t len)
{
	return (int)RAW2(SYS_sethostname, name, len);
}

static inline int sys_setdomainname(const char *name, size_t len)
{
	return (int)RAW2(SYS_setdomainname, name, len);
}

static inline int sys_setpriority(int which, int who, int value)
{
	return (int)RAW3(SYS_setpriority, which, who, value);
}

static inline int sys_setrlimit(int resource, const struct rlimit *limit)
{
	return (int)RAW4(SYS_prlimit64, 0, resource, limit, 0);
}

static inline int sys_sigprocmask(int how, const uint64_t *set, uint64_t *old)
{
	return (int)RAW4(SYS_rt_sigprocmask, how, set, old, SYS_SIGSET_SIZE);
}

/* As the kernel has it; the libc's own would add a trampoline. */
struct sys_sigaction {
	uintptr_t handler; /* SYS_SIG_DFL, SYS_SIG_IGN or a function */
	unsigned long flags;
	uintptr_t restorer;
	uint64_t mask;
};

#define SYS_SIG_DFL  0
#define SYS_SIG_IGN  1
#define SYS_SIG_LAST 64

static inline int sys_sigaction(int signo, const struct sys_sigaction *act,
				struct sys_sigaction *old)
{
	return (int)RAW4(SYS_rt_sigaction, signo, act, old, SYS_SIGSET_SIZE);
}

/*
 * Whoever is executed next begins with every signal as usual. CLONE_CLEAR_SIGHAND takes away only
 * handlers: what our caller ignores would stay ignored (conmon and systemd ignore SIGPIPE).
 */
static inline void sys_default_signals(void)
{
	const struct sys_sigaction usual = { SYS_SIG_DFL, 0, 0, 0 };

	for (int signo = 1; signo <= SYS_SIG_LAST; signo++)
		sys_sigaction(signo, &usual, NULL);
}

static inline int sys_signalfd(int fd, const uint64_t *set, int flags)
{
	return (int)RAW4(SYS_signalfd4, fd, set, SYS_SIGSET_SIZE, flags);
}

/* ppoll(2) with a timeout in milliseconds; -1 waits for ever. */
static inline int sys_poll(struct pollfd *fds, unsigned n, int64_t timeout_ms)
{
	struct timespec ts = { timeout_ms / 1000, (timeout_ms % 1000) * 1000000 };

	return (int)RAW5(SYS_ppoll, fds, n, timeout_ms < 0 ? NULL : &ts, NULL, SYS_SIGSET_SIZE);
}

static inline int sys_clock_gettime(int clock, struct timespec *out)
{
	return (int)RAW2(SYS_clock_gettime, clock, out);
}

/* Processor time of the calling process so far. */
static inline uint64_t sys_cpu_ns(void)
{
	struct timespec ts = { 0, 0 };

	sys_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* Of children that were waited for, and theirs. */
static inline int sys_getrusage_children(struct rusage *out)
{
	return (int)RAW2(SYS_getrusage, RUSAGE_CHILDREN, out);
}

/* sched_setattr(2); C libraries differ in whether they have this struct. */
struct sys_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
	uint32_t util_min, util_max;
};

static inline int sys_sched_setattr(const struct sys_sched_attr *attr)
{
	return (int)RAW3(SYS_sched_setattr, 0, attr, 0);
}

static inline int sys_sched_setaffinity(size_t size, const void *bits)
{
	int r = (int)RAW3(SYS_sched_setaffinity, 0, size, bits);

	return r < 0 ? r : 0;
}

static inline int sys_ioprio_set(int priority)
{
	return (int)RAW3(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, priority);
}

static inline int sys_personality(unsigned long persona)
{
	int r = (int)RAW1(SYS_personality, persona);

	return r < 0 ? r : 0;
}

static inline int sys_set_mempolicy(int mode, const uint64_t *nodes, unsigned long max_node)
{
	return (int)RAW3(SYS_set_mempolicy, mode, nodes, max_node);
}

/* A new, anonymous session keyring (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING). */
static inline int sys_join_new_keyring(void)
{
	int r = (int)RAW2(SYS_keyctl, 1, NULL);

	return r < 0 ? r : 0;
}

/* futex(2) on a word that processes share by sharing their memory (CLONE_VM). */
static inline int sys_futex_wait(unsigned *word, unsigned value)
{
	return (int)RAW4(SYS_futex, word, 0 /* FUTEX_WAIT */, value, NULL);
}

static inline int sys_futex_wake(unsigned *word)
{
	return (int)RAW3(SYS_futex, word, 1 /* FUTEX_WAKE */, 1);
}

/*
 * clone3(2) with an own stack: runs fn(arg) in the child, which must not return. Needs a few
 * instructions of assembly, because the child wakes up on an empty stack.
 */
int sys_clone_fn(struct clone_args *args, int (*fn)(void *), void *arg);

/*
 * Executes a program in a session of its own, with the three descriptors as its 0, 1 and 2 and no
 * others. Its pid, or -errno, also of the exec.
 */
int sys_spawn(const char *path, char *const argv[], char *const envp[], const int fds[3]);

/*
 * The stack of a child on that of its parent, for one that shares its memory and soon executes
 * something or is killed. Such a child never returns from its frames, and the address sanitizer
 * takes them for living ones until it is told.
 */
struct small_stack {
	_Alignas(16) char memory[16384];
};

#if defined(__SANITIZE_ADDRESS__)
void __asan_unpoison_memory_region(const volatile void *address, size_t size);
#define FORGET_FRAMES(s, size) __asan_unpoison_memory_region(s, size)
#else
#define FORGET_FRAMES(s, size) ((void)(s), (void)(size))
#endif

static inline void small_stack_done(const struct small_stack *s)
{
	FORGET_FRAMES(s->memory, sizeof(s->memory));
}

#define _cleanup_stack_ __attribute__((cleanup(small_stack_done)))
