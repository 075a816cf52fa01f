/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compiler of rules for devices, for its test too. */
#pragma once

#include "base/resources.h"
#include "sys/bpf.h"

#define DEVICES_PROGRAM_MAX 4096 /* instructions; a rule takes nine at most */

struct devices_program {
	struct bpf_insn code[DEVICES_PROGRAM_MAX];
	unsigned n;
};

/* 0 or -E2BIG. */
int devices_compile(const struct resources *r, struct devices_program *p);
