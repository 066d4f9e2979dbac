// SPDX-License-Identifier: Apache-2.0
/*
 * The start of a program that is written against the system's headers, but not linked with its
 * libc: hull-monitor. Together with calls.c, text.c and memory.c this is all it uses of one.
 *
 * Why: two of them run for each container. The libc's own start (which machine is this, which
 * memcpy suits it, tunables, thread-local storage) was a third of their processor time, and its
 * variables most of their memory.
 *
 * What differs from a libc: one thread, so errno is a variable; the stack protector's value is a
 * variable, too (-mstack-protector-guard=global); what is not used is not there.
 * See getauxval(3), rt_sigaction in sigaction(2).
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "freestanding/call.h"

int main(int argc, char **argv, char **envp);
_Noreturn void program_start(long *stack);
_Noreturn void __stack_chk_fail(void);
extern uintptr_t __stack_chk_guard;
void signal_return(void); /* start.c */

uintptr_t __stack_chk_guard;
static int error_number;
static const unsigned long *auxv;

int *__errno_location(void)
{
	return &error_number;
}

_Noreturn void _exit(int code)
{
	sys_exit(code);
}

/* Programs end at once here: another one takes over (src/monitor/keeper.c). */
_Noreturn void __stack_chk_fail(void)
{
	__builtin_trap();
}

_Noreturn void __assert_fail(const char *text, const char *file, unsigned line,
			     const char *function)
{
	__builtin_trap();
}

unsigned long getauxval(unsigned long type)
{
	const unsigned long *at = auxv;

	while (at[0] != AT_NULL && at[0] != type)
		at += 2;
	return at[0] == type ? at[1] : 0;
}

/* Its first byte is zero: no text that runs over can show or restore the rest. */
static void set_guard(void)
{
	const uint8_t *random = (const uint8_t *)getauxval(AT_RANDOM);

	memcpy((uint8_t *)&__stack_chk_guard + 1, random + 1, sizeof(__stack_chk_guard) - 1);
}

_Noreturn void program_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1), **envp = argv + argc + 1, **end = envp;

	while (*end)
		end++;
	auxv = (const unsigned long *)(end + 1);
	set_guard();
	sys_exit(main(argc, argv, envp));
}

/* As the kernel has it: the set is one word. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};
#define SA_RESTORER 0x04000000

/* Nobody asks for the old one. */
int sigaction(int signal, const struct sigaction *restrict new, struct sigaction *restrict old)
{
	struct kernel_sigaction action = {
		.handler = new->sa_handler,
		.flags = (unsigned long)new->sa_flags | SA_RESTORER,
		.restorer = signal_return,
	};

	memcpy(&action.mask, &new->sa_mask, sizeof(action.mask));
	assert(!old);
	errno = (int)-sys_call(__NR_rt_sigaction, signal, (long)&action, 0, sizeof(action.mask), 0,
			       0);
	return errno ? -1 : 0;
}

sighandler_t signal(int signal, sighandler_t handler)
{
	const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

	return sigaction(signal, &action, NULL) < 0 ? SIG_ERR : SIG_DFL;
}

int sigemptyset(sigset_t *set)
{
	*set = (sigset_t){0};
	return 0;
}

int sigaddset(sigset_t *set, int signal)
{
	set->__val[0] |= 1ul << (signal - 1);
	return 0;
}
