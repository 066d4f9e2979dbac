// SPDX-License-Identifier: Apache-2.0
/*
 * The first instruction: from the kernel's stack to a C function.
 *
 * execve(2) enters a program at _start with argc, argv, NULL, envp, NULL on the stack (System V
 * ABI, AArch64 ELF ABI). Without a libc nobody else unpacks them. The program is a static PIE
 * without a single relocation (no table holds a pointer), so there is no loader either: it runs
 * wherever the kernel put it, at a random address. src/init/meson.build checks that it stays so.
 *
 * Invariant: the stack is 16-byte aligned when C begins, and no C function returns to here.
 * Next: main.c.
 */
#include "init.h"
#include "sys.h"

#if defined(__x86_64__)
__asm__(".text\n"
	".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	endbr64\n"
	"	xor %ebp, %ebp\n" /* marks the outermost frame for debuggers */
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call init_start\n"
	"	hlt\n");
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
	"	b init_start\n");
#endif

_Noreturn __attribute__((used)) void init_start(long *stack);

void init_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;

	sys_exit(init_main(argv, envp));
}
