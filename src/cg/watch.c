/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read, or waited for, again and again while a cgroup lives. */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/fd.h"

static ssize_t read_again(int fd, char *text, size_t room)
{
	ssize_t n = RAW4(SYS_pread64, fd, text, room - 1, 0);

	text[MAX(n, 0)] = 0;
	return n;
}

/* On v2 cpu.stat is in every cgroup, with the controller or without. */
int cg_cpu_open(struct cg *cg)
{
	struct cg_dir *d = cg_find(cg, CG_CPUACCT);

	if (d)
		return cg_open_file(d, "cpuacct.usage", O_RDONLY);
	d = cg->layout == CG_V2 ? cg_unified(cg) : NULL;
	return d ? cg_open_file(d, "cpu.stat", O_RDONLY) : -ENOENT;
}

uint64_t cg_cpu_ns(int fd)
{
	char text[1024];
	const char *digits = text;
	uint64_t value;

	if (read_again(fd, text, sizeof(text)) <= 0)
		return CG_UNKNOWN;
	if (cg_find_key(text, "usage_usec", &value))
		return value * 1000;
	return str_take_u64(&digits, &value) == 0 ? value : CG_UNKNOWN;
}

/* cgroup v1, memory: an eventfd(2) is told of by writing both descriptors to a third file. */
static int oom_open_v1(struct cg_dir *d)
{
	_cleanup_fd_ int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	_cleanup_fd_ int control = fd < 0 ? -1 : cg_open_file(d, "memory.oom_control", O_RDONLY);
	char text[32];
	int r;

	if (fd < 0)
		return -errno;
	if (control < 0)
		return control;
	snprintf(text, sizeof(text), "%d %d", fd, control);
	r = cg_write(d, "cgroup.event_control", text);
	return r < 0 ? r : TAKE_FD(fd);
}

/* poll(2) of such a file is for what happened since it was last read. */
static int open_and_read(struct cg_dir *d, const char *file)
{
	char text[512];
	int fd = cg_open_file(d, file, O_RDONLY);

	if (fd >= 0)
		read_again(fd, text, sizeof(text));
	return fd;
}

int cg_oom_open(struct cg *cg)
{
	struct cg_dir *d = cg_find(cg, CG_MEMORY);

	if (!d)
		return -ENOENT;
	return d->unified ? open_and_read(d, "memory.events") : oom_open_v1(d);
}

int cg_pids_open(struct cg *cg)
{
	struct cg_dir *d = cg_find(cg, CG_PIDS);

	return d ? open_and_read(d, "pids.events") : -ENOENT;
}
