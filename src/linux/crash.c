/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See crash.h. The kernel writes (arch/x86/kernel/traps.c, arch/x86/mm/fault.c)
 *   traps: NAME[PID] general protection fault ip:401289 sp:7fff226a3820 error:0 in FILE[..]
 *   NAME[PID]: segfault at 8 ip 0000000000401650 sp 00007fff18b3ff00 error 6 in FILE[..]
 */
#include "linux/crash.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "linux/kernel_log.h"

static const char GENERAL_PROTECTION[] = "general protection fault";

bool crash_is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGILL || signal == SIGBUS || signal == SIGFPE ||
	       signal == SIGTRAP;
}

bool crash_may_be_abort(const char *fault)
{
	return !strncmp(fault, GENERAL_PROTECTION, sizeof(GENERAL_PROTECTION) - 1);
}

void crash_log_record(const char *record, pid_t pid, char *ret, size_t size)
{
	const char *text = kernel_log_text(record);
	char whose[24];
	snprintf(whose, sizeof(whose), "[%d]", (int)pid);
	const char *at = text ? strstr(text, whose) : NULL;
	if (!at)
		return;
	at += strlen(whose);
	at += strspn(at, ": ");
	/* Up to where it stood. */
	static const char *const ends[] = {" ip:", " ip ", " in ", "\n"};
	size_t len = strlen(at);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const char *end = strstr(at, ends[i]);
		if (end && (size_t)(end - at) < len)
			len = (size_t)(end - at);
	}
	if (strncmp(at, "segfault at ", 12) && strncmp(at, "trap ", 5) && !crash_may_be_abort(at))
		return;
	snprintf(ret, size, "%.*s", (int)len, at);
}

struct search {
	pid_t pid;
	char *ret;
	size_t size;
};

static void take(const char *record, void *ctx)
{
	struct search *s = ctx;
	crash_log_record(record, s->pid, s->ret, s->size);
}

void crash_look(pid_t pid, int64_t since_ns, char *ret, size_t size)
{
	*ret = '\0';
	kernel_log_read(since_ns, take, &(struct search){pid, ret, size});
}
