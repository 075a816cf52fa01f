/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls without libc: they return a result or -errno and touch no errno. Between clone and
 * exec the child may share its parent's memory, thread-local storage included, so it must not write
 * errno; and the init of a box is a program of its own that has no libc at all. Both call these.
 */
#pragma once

#include <errno.h>
#include <sys/syscall.h>

#if defined(__x86_64__)

static inline long raw_call(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#elif defined(__aarch64__)

static inline long raw_call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64

static inline long raw_call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;
	register long a5 __asm__("a5") = f;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			 : "memory");
	return a0;
}

#else
#error "src/sys/raw.h: this architecture needs its system call instruction here"
#endif

#define RAW_ARG(x)           ((long)(x))
#define RAW0(nr)             raw_call(nr, 0, 0, 0, 0, 0, 0)
#define RAW1(nr, a)          raw_call(nr, RAW_ARG(a), 0, 0, 0, 0, 0)
#define RAW2(nr, a, b)       raw_call(nr, RAW_ARG(a), RAW_ARG(b), 0, 0, 0, 0)
#define RAW3(nr, a, b, c)    raw_call(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), 0, 0, 0)
#define RAW4(nr, a, b, c, d) raw_call(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), 0, 0)
#define RAW5(nr, a, b, c, d, e) \
	raw_call(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), RAW_ARG(e), 0)
#define RAW6(nr, a, b, c, d, e, f) \
	raw_call(nr, RAW_ARG(a), RAW_ARG(b), RAW_ARG(c), RAW_ARG(d), RAW_ARG(e), RAW_ARG(f))
