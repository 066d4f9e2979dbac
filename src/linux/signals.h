/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name and number, and a clean slate for a new program. See signal(7). */
#pragma once

#include <stdbool.h>

enum { SIGNAL_NAME_SIZE = 16 };

/** "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3", "SIGRTMAX-1" to the number 1..64, as kill(1) and
 *  docker's --stop-signal take them; -EINVAL otherwise. */
int signal_parse(const char *text);
/** "SIGTERM", "SIGRTMIN+3"; "" for a number that is none. */
const char *signal_name(int number, char buf[static SIGNAL_NAME_SIZE]);
/** The same for a sentence: "signal 99" for a number that is none. */
const char *signal_text(int number, char buf[static SIGNAL_NAME_SIZE]);
/** Whether a signal with this si_code was sent by a process: not by the kernel, nor by a timer or
 * I/O that its receiver asked for, which come in the middle of whatever runs. See sigaction(2). */
bool signal_has_sender(int code);
/** Default dispositions and an empty mask: an inherited ignored signal would stay ignored through
 *  execve(2). Handlers need no care, execve drops them. */
void signal_reset_all(void);
