/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs of bpf(2) that decide about devices of a cgroup. A result or -errno. */
#pragma once

#include <linux/bpf.h>
#include <string.h>

#include "sys/fd.h"

static inline int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)RAW3(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* Loads a program of the type CGROUP_DEVICE: its descriptor. `log` may be NULL. */
static inline int sys_bpf_load_device(const struct bpf_insn *code, unsigned n, char *log,
				      unsigned log_size)
{
	static const char licence[] = "LGPL";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = n;
	attr.license = (uintptr_t)licence;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = log ? log_size : 0;
	attr.log_level = log ? 1 : 0;
	memcpy(attr.prog_name, "holm_devices", sizeof("holm_devices"));
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

/* Attaches beside those that are there, or in place of `replace_fd` if that is not negative. */
static inline int sys_bpf_attach_device(int cgroup_fd, int prog_fd, int replace_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (unsigned)cgroup_fd;
	attr.attach_bpf_fd = (unsigned)prog_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (replace_fd >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (unsigned)replace_fd;
	}
	return sys_bpf(BPF_PROG_ATTACH, &attr);
}

static inline int sys_bpf_detach_device(int cgroup_fd, int prog_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (unsigned)cgroup_fd;
	attr.attach_bpf_fd = (unsigned)prog_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return sys_bpf(BPF_PROG_DETACH, &attr);
}

/* The ids of the programs that are attached here; *n holds the room, then how many there are. */
static inline int sys_bpf_query_devices(int cgroup_fd, uint32_t *ids, unsigned *n)
{
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (unsigned)cgroup_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = *n;
	r = sys_bpf(BPF_PROG_QUERY, &attr);
	if (r >= 0)
		*n = attr.query.prog_cnt;
	return r;
}

static inline int sys_bpf_open_program(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}
