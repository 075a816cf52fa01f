/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processor time by the clocks of processes. What a process has used is known to the kernel to the
 * nanosecond; what its children had used is added to it when it waits for them. So the living below
 * the init, and what each of them and the init know of their dead, are the whole, but for children
 * whose parent ignores SIGCHLD.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/watch.h"
#include "sys/process.h"

#define PROCESSES_MAX 1024

/* clock_getcpuclockid(3), as the kernel numbers them. */
static uint64_t clock_ns(int pid)
{
	struct timespec ts;

	return sys_clock_gettime((int)(~(unsigned)pid << 3 | 2), &ts) < 0
		       ? 0
		       : (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

uint64_t watch_clock_of(int pid, int pidfd)
{
	struct pollfd gone = { pidfd, POLLIN, 0 };
	uint64_t ns;

	if (pidfd < 0)
		return 0;
	ns = clock_ns(pid);
	return sys_poll(&gone, 1, 0) > 0 ? 0 : ns; /* the pid may be another's by now */
}

static ssize_t read_proc(int pid, const char *file, char *text, size_t room)
{
	char path[64];
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	n = fd < 0 ? fd : sys_read(fd, text, room - 1);
	text[MAX(n, 0)] = 0;
	return n;
}

/* proc_pid_stat(5): cutime and cstime, fields 16 and 17, in ticks. */
static uint64_t waited_for_ns(int pid)
{
	char text[1024];
	const char *p;
	uint64_t user, system;

	if (read_proc(pid, "stat", text, sizeof(text)) <= 0 || !(p = strrchr(text, ')')))
		return 0;
	for (int field = 2; field < 16 && p; field++)
		p = strchr(p + 1, ' ');
	if (!p++ || str_take_u64(&p, &user) < 0 || *p++ != ' ' || str_take_u64(&p, &system) < 0)
		return 0;
	return (user + system) * (1000000000U / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* Appends the children of the first thread; those of others count with their parent when dead. */
static size_t add_children(int pid, int *pids, size_t n)
{
	char file[32], text[8192];
	const char *p = text;
	uint64_t child;

	snprintf(file, sizeof(file), "task/%d/children", pid);
	if (read_proc(pid, file, text, sizeof(text)) <= 0)
		return n;
	while (n < PROCESSES_MAX && str_take_u64(&p, &child) == 0) {
		pids[n++] = (int)child;
		p += *p == ' ';
	}
	return n;
}

uint64_t watch_clocks(int pid)
{
	int pids[PROCESSES_MAX] = { pid };
	uint64_t ns = 0;

	for (size_t at = 0, n = 1; at < n; at++) {
		ns += waited_for_ns(pids[at]) + (at ? clock_ns(pids[at]) : 0);
		n = add_children(pids[at], pids, n);
	}
	return ns;
}
