/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the kernel enters the init program: hands the initial stack to init_main. */
	.text
	.globl _start
	.type _start, @function
_start:
#if defined(__x86_64__)
	xor %ebp, %ebp
	mov %rsp, %rdi
	and $-16, %rsp
	call init_main
	hlt
#elif defined(__aarch64__)
	mov x29, #0
	mov x0, sp
	bl init_main
	brk #0
#elif defined(__riscv)
	li s0, 0
	mv a0, sp
	andi sp, sp, -16
	call init_main
	ebreak
#endif
	.section .note.GNU-stack, "", @progbits
