/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process did that ended by SIGSEGV, SIGILL or the like: the kernel writes it to its log
 * (kernel.print-fatal-signals has more; debug.exception-trace = 0 turns it off; not all
 * processors).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** "general protection fault", "segfault at 8": of the process @pid of the host, since @since_ns
 * (CLOCK_REALTIME); "" where nothing tells. */
void crash_look(pid_t pid, int64_t since_ns, char *ret, size_t size);
/** The same from one record of the log, if it is of @pid. */
void crash_log_record(const char *record, pid_t pid, char *ret, size_t size);
/** Whether a signal is one that the kernel sends for what a process did itself. */
bool crash_is_fault(int signal);
/** abort(3) ends in an instruction that only the kernel may execute, where SIGABRT does not end the
 * process: so it is with PID 1, which the kernel spares signals that it has no handler for. Whether
 * @fault is what that comes to. A pointer to nowhere that a processor can address does, too. */
bool crash_may_be_abort(const char *fault);
