// SPDX-License-Identifier: Apache-2.0
/*
 * The first instruction: from the kernel's stack to a C function; and the way back from a signal.
 *
 * execve(2) enters a program at _start with argc, argv, NULL, envp, NULL and the auxiliary vector
 * on the stack (System V ABI, AArch64 ELF ABI). Without a libc nobody else unpacks them:
 * program_start is libc.c's, or the program's own. There is no loader either; src/freestanding/
 * check-binary makes sure that no program needs one.
 *
 * Invariant: the stack is 16-byte aligned when C begins, and no C function returns to here.
 */
#if defined(__x86_64__)
__asm__(".text\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	endbr64\n"
	"	xor %ebp, %ebp\n" /* marks the outermost frame for debuggers */
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call program_start\n"
	"	hlt\n"
	".globl signal_return\n"
	".type signal_return, @function\n"
	"signal_return:\n"
	"	mov $15, %eax\n" /* rt_sigreturn */
	"	syscall\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl _start\n"
	".type _start, %function\n"
	"_start:\n"
	"	hint 34\n" /* bti c */
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	and x1, x0, #-16\n"
	"	mov sp, x1\n"
	"	b program_start\n"
	".globl signal_return\n"
	".type signal_return, %function\n"
	"signal_return:\n"
	"	hint 34\n"
	"	mov x8, #139\n" /* rt_sigreturn */
	"	svc #0\n");
#endif
