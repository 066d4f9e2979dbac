/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Let another process make a system call, as an intruder in it would: ptrace(2).
 *
 *   inject_call PID NUMBER [ARGUMENT...]
 *
 * An argument is a number, or text that is written below the process's stack. The process must sleep
 * in a system call. Prints "result N" (a negative errno for a failure) or "killed by signal N". x86-64.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static unsigned long long put_text(pid_t pid, unsigned long long at, const char *text)
{
	size_t len = strlen(text) + 1;
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word = 0;
		memcpy(&word, text + i, len - i < sizeof(word) ? len - i : sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, (void *)(at + i), (void *)word) < 0)
			die("poke");
	}
	return at;
}

int main(int argc, char **argv)
{
	struct user_regs_struct before, regs;
	unsigned long long args[6] = {0};
	int status;
	if (argc < 3 || argc > 9)
		return 2;
	pid_t pid = atoi(argv[1]);
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0)
		die("attach");
	if (ptrace(PTRACE_GETREGS, pid, NULL, &before) < 0)
		die("registers");
	for (int i = 3; i < argc; i++) {
		char *end;
		args[i - 3] = (unsigned long long)strtoll(argv[i], &end, 0);
		if (*end)
			args[i - 3] = put_text(pid, before.rsp - 512 - (unsigned)i * 256, argv[i]);
	}
	regs = before;
	regs.rip -= 2; /* the instruction that it sleeps in */
	regs.orig_rax = (unsigned long long)-1;
	regs.rax = (unsigned long long)atoi(argv[2]);
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) < 0)
		die("step");
	if (WIFSIGNALED(status)) {
		printf("killed by signal %d\n", WTERMSIG(status));
		return 0;
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_SETREGS, pid, NULL, &before) < 0 ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		die("detach");
	printf("result %lld\n", (long long)regs.rax);
	return 0;
}
