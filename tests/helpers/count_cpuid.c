/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a command asks the processor what it is, until it ends: each instruction is looked at
 * by ptrace(2) before it runs.
 *
 *   count_cpuid COMMAND [ARGUMENT...]
 *
 * Prints "instructions N cpuid M". x86-64.
 */
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CPUID = 0xa20f };

int main(int argc, char **argv)
{
	struct user_regs_struct regs;
	long instructions = 0, asked = 0;
	int status = 0;
	pid_t pid = argc > 1 ? fork() : -1;
	if (pid < 0)
		return 2;
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		dup2(2, 1); /* standard output has the count alone */
		execv(argv[1], argv + 1);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
			return 2;
		long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)regs.rip, NULL);
		asked += (word & 0xffff) == CPUID;
		instructions++;
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
			return 2;
	}
	printf("instructions %ld cpuid %ld\n", instructions, asked);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
