/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One system call, without a libc: syscall(2). Returns what the kernel returned: zero or more, or a
 * negative errno.
 *
 * Only calls that exist on every architecture are made (openat and not open, ppoll and not poll,
 * clone and not fork): the generic table of asm/unistd.h is what aarch64 has.
 *
 * Invariant: this and start.c are the only files that know a machine.
 */
#pragma once

#include <asm/unistd.h>

#if defined(__x86_64__)
static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
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
			 : "memory");
	return x0;
}
#else
#error "x86_64 and aarch64 are known; add sys_call here and the assembly of start.c"
#endif

_Noreturn static inline void sys_exit(int code)
{
	for (;;)
		sys_call(__NR_exit_group, code, 0, 0, 0, 0, 0);
}
