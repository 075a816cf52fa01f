/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest program to put into a box, so that a measurement is of the box and not of its
 * content: no libc, two pages. "true" ends at once; "true wait" writes one byte to standard output
 * ("the command has started") and then sleeps until it is killed.
 */
#if defined(__x86_64__)
static long call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}
__asm__(".globl _start\n_start:\n\tmov (%rsp), %rdi\n\tcall run\n");
#elif defined(__aarch64__)
static long call(long nr, long a, long b, long c)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
__asm__(".globl _start\n_start:\n\tldr x0, [sp]\n\tbl run\n");
#else
#error "bench/true.c: this architecture needs its system call instruction here"
#endif

#include <asm/unistd.h>

__attribute__((used, noreturn)) static void run(long argc);

static void run(long argc)
{
	if (argc > 1) {
		call(__NR_write, 1, (long)"!", 1);
		for (;;)
			call(__NR_ppoll, 0, 0, 0);
	}
	for (;;)
		call(__NR_exit_group, 0, 0, 0);
}
