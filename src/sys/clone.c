/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone3 for a child that runs a function on a stack of its own. With CLONE_VM parent and child are
 * two processes in one memory, so the child must not return through the parent's frames: it calls
 * fn(arg) and exits with what that returns. This cannot be said in C: the child wakes up with an
 * empty stack, and whatever the compiler spilled stays behind on the parent's.
 */
#include "sys/process.h"

/* long clone_raw(struct clone_args *, size_t size, int (*fn)(void *), void *arg) */
__asm__(".text\n"
	".type clone_raw, @function\n"
	"clone_raw:\n\t"
#if defined(__x86_64__)
	"mov %rdx, %r8\n\t" /* the kernel keeps r8 and r9 for us */
	"mov %rcx, %r9\n\t"
	"mov $435, %eax\n\t" /* clone3, the same number everywhere */
	"syscall\n\t"
	"test %rax, %rax\n\t"
	"jnz 1f\n\t"
	"xor %ebp, %ebp\n\t" /* the child: its chain of frames ends here */
	"mov %r9, %rdi\n\t"
	"call *%r8\n\t"
	"mov %eax, %edi\n\t"
	"mov $231, %eax\n\t" /* exit_group */
	"syscall\n\t"
	"hlt\n"
	"1: ret\n"
#elif defined(__aarch64__)
	"mov x9, x2\n\t"
	"mov x10, x3\n\t"
	"mov x8, #435\n\t"
	"svc 0\n\t"
	"cbnz x0, 1f\n\t"
	"mov x29, #0\n\t"
	"mov x0, x10\n\t"
	"blr x9\n\t"
	"mov x8, #94\n\t"
	"svc 0\n"
	"1: ret\n"
#elif defined(__riscv)
	"mv t1, a2\n\t"
	"mv t2, a3\n\t"
	"li a7, 435\n\t"
	"ecall\n\t"
	"bnez a0, 1f\n\t"
	"li s0, 0\n\t"
	"mv a0, t2\n\t"
	"jalr t1\n\t"
	"li a7, 94\n\t"
	"ecall\n"
	"1: ret\n"
#endif
	".size clone_raw, . - clone_raw\n");

long clone_raw(struct clone_args *args, size_t size, int (*fn)(void *), void *arg)
	__attribute__((visibility("hidden")));

int sys_clone_fn(struct clone_args *args, int (*fn)(void *), void *arg)
{
	return (int)clone_raw(args, sizeof(*args), fn, arg);
}
