/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both floors are made of: calls of the kernel, and an end at the first that fails. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* No words, no undo: the first thing that fails ends it, with the name of the file and the line. */
#define MUST(act)                                       \
	do {                                            \
		if ((long)(act) < 0)                    \
			fail(__FILE__, __LINE__, #act); \
	} while (0)

static inline _Noreturn void fail(const char *file, int line, const char *act)
{
	dprintf(2, "%s:%d: %s: %s\n", file, line, act, strerror(errno));
	_exit(125);
}

static inline void put(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | flags, 0644);

	MUST(fd);
	if (*text)
		MUST(write(fd, text, strlen(text)));
	close(fd);
}

static inline void tmpfs(const char *path, const char *options)
{
	MUST(mkdir(path, 0755));
	MUST(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options));
}

static inline void mount_mqueue(void)
{
	MUST(mkdir("dev/mqueue", 0755));
	MUST(mount("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
}

static inline void link_dev(void)
{
	MUST(symlink("pts/ptmx", "dev/ptmx"));
	MUST(symlink("/proc/self/fd", "dev/fd"));
	MUST(symlink("/proc/self/fd/0", "dev/stdin"));
	MUST(symlink("/proc/self/fd/1", "dev/stdout"));
	MUST(symlink("/proc/self/fd/2", "dev/stderr"));
}

static inline void lo_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(fd);
	MUST(ioctl(fd, SIOCSIFFLAGS, &req));
	close(fd);
}

/* The exit code as a shell says it. */
static inline int wait_for(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, __WALL));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * clone3 as one instruction in its caller's frame. With CLONE_VM | CLONE_VFORK the child runs on
 * the sleeping parent's stack, so it must not return through a frame that the parent still needs:
 * the libc wrapper syscall() would.
 */
static inline __attribute__((always_inline)) long clone3_inline(struct clone_args *args)
{
#if defined(__x86_64__)
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(SYS_clone3), "D"(args), "S"(sizeof(*args))
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof(*args);

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
	return x0;
#else
#error "bench/floor.h: this architecture needs its system call instruction here"
#endif
}

#endif
