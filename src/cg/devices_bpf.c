/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules for devices, v2: a program that the kernel asks at each open and mknod of a device
 * (BPF_PROG_TYPE_CGROUP_DEVICE). It goes through the rules from the last to the first; a right is
 * decided by the first rule that it meets. What no rule speaks of is denied.
 *
 *	r1  struct bpf_cgroup_dev_ctx
 *	r2  block or char	r4  major
 *	r3  rights asked for and not yet granted	r5  minor
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/devices_bpf.h"
#include "cg/driver.h"

#define INSN(c, dst, src, o, i) \
	((struct bpf_insn){     \
		.code = (c), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i) })
#define LOAD(dst, field) \
	INSN(BPF_LDX | BPF_MEM | BPF_W, dst, 1, offsetof(struct bpf_cgroup_dev_ctx, field), 0)
#define ALU(op, dst, i)       INSN(BPF_ALU | (op) | BPF_K, dst, 0, 0, i)
#define JUMP(op, dst, i, off) INSN(BPF_JMP32 | (op) | BPF_K, dst, 0, off, i)

static void put(struct devices_program *p, struct bpf_insn insn)
{
	if (p->n < DEVICES_PROGRAM_MAX)
		p->code[p->n] = insn;
	p->n++;
}

static void put_return(struct devices_program *p, int value)
{
	put(p, INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, value));
	put(p, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/* To the end of the rule, which is not yet known: fixed up by end_rule(). */
static void put_unless(struct devices_program *p, unsigned reg, int64_t value)
{
	put(p, JUMP(BPF_JNE, reg & 15, (int32_t)(uint32_t)value, 0));
}

static void end_rule(struct devices_program *p, unsigned start)
{
	for (unsigned i = start; i < p->n && i < DEVICES_PROGRAM_MAX; i++)
		if (p->code[i].code == (BPF_JMP32 | BPF_JNE | BPF_K) && p->code[i].off == 0)
			p->code[i].off = (int16_t)(p->n - i - 1);
}

static void put_rule(struct devices_program *p, const struct device_rule *d)
{
	int bits = (d->mknod ? BPF_DEVCG_ACC_MKNOD : 0) | (d->read ? BPF_DEVCG_ACC_READ : 0) |
		   (d->write ? BPF_DEVCG_ACC_WRITE : 0);
	unsigned start = p->n;

	if (d->type != 'a')
		put_unless(p, 2, d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (d->major >= 0)
		put_unless(p, 4, d->major);
	if (d->minor >= 0)
		put_unless(p, 5, d->minor);
	if (d->allow) {
		put(p, ALU(BPF_AND, 3, ~bits));
		put_unless(p, 3, 0); /* some right is still open: on to the next rule */
		put_return(p, 1);
	} else {
		/* Skips the return if none of the rights is asked for. */
		put(p, INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 3, 0, 0));
		put(p, ALU(BPF_AND, 0, bits));
		put(p, JUMP(BPF_JEQ, 0, 0, 2));
		put_return(p, 0);
	}
	end_rule(p, start);
}

int devices_compile(const struct resources *r, struct devices_program *p)
{
	p->n = 0;
	put(p, LOAD(2, access_type));
	put(p, INSN(BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0));
	put(p, ALU(BPF_AND, 2, 0xffff));
	put(p, ALU(BPF_RSH, 3, 16));
	put(p, LOAD(4, major));
	put(p, LOAD(5, minor));
	for (size_t i = r->devices.n; i > 0; i--) {
		const struct device_rule *d = &r->devices.items[i - 1];

		if (d->major > UINT32_MAX || d->minor > UINT32_MAX)
			continue; /* there is no such device */
		if (!d->read && !d->write && !d->mknod)
			continue;
		put_rule(p, d);
		/* The verifier refuses code that cannot be reached. */
		if (d->type == 'a' && d->major < 0 && d->minor < 0 && d->read && d->write &&
		    d->mknod)
			break;
	}
	put_return(p, 0);
	return p->n > DEVICES_PROGRAM_MAX ? -E2BIG : 0;
}

/* Ours stays the only one: what a former cg_set() attached is replaced, or detached. */
static int attach(int dir_fd, int prog_fd, bool first_time)
{
	uint32_t ids[64];
	unsigned n = ARRAY_SIZE(ids);
	int r = 0;

	if (first_time || sys_bpf_query_devices(dir_fd, ids, &n) < 0)
		n = 0;
	if (n == 1) {
		_cleanup_fd_ int old = sys_bpf_open_program(ids[0]);

		if (old >= 0 && sys_bpf_attach_device(dir_fd, prog_fd, old) == 0)
			return 0;
	}
	r = sys_bpf_attach_device(dir_fd, prog_fd, -1);
	for (unsigned i = 0; r >= 0 && i < n; i++) {
		_cleanup_fd_ int old = sys_bpf_open_program(ids[i]);

		/* The new one is in force; one that stays denies more, never less. */
		if (old >= 0)
			sys_bpf_detach_device(dir_fd, old);
	}
	return r < 0 ? r : 0;
}

int cg_devices_v2(struct cg *cg, const struct resources *r, bool first_time, struct err *e)
{
	struct cg_dir *d = cg_unified(cg);
	_cleanup_free_ struct devices_program *program = malloc(sizeof(*program));
	_cleanup_fd_ int fd = -1;
	int dir_fd, result;

	if (!program)
		return err_errno(e, ENOMEM, "devices");
	result = devices_compile(r, program);
	if (result < 0)
		return err_set(e, -result, "devices: too many rules");
	fd = sys_bpf_load_device(program->code, program->n, NULL, 0);
	/* BPF_PROG_ATTACH wants a directory that is open, not a mere O_PATH. */
	dir_fd = fd < 0 ? fd : sys_openat(AT_FDCWD, d->path, O_RDONLY | O_DIRECTORY, 0);
	result = dir_fd < 0 ? dir_fd : attach(dir_fd, fd, first_time);
	cleanup_fd(&dir_fd);
	if (result == 0)
		return 0;
	if (!cg_devices_allowed(result)) {
		cg->devices_open = true;
		return 0;
	}
	err_errno(e, -result, "cgroup %s: cannot set its rules for devices", d->path);
	if (result == -EINVAL || result == -ENOSYS)
		err_append(e, "; this kernel needs CONFIG_CGROUP_BPF");
	return result;
}
