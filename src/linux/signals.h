/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name and number, and a clean slate for a new program. See signal(7). */
#pragma once

enum { SIGNAL_NAME_SIZE = 16 };

/** "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3", "SIGRTMAX-1" to the number 1..64, as kill(1) and
 *  docker's --stop-signal take them; -EINVAL otherwise. */
int signal_parse(const char *text);
/** "SIGTERM", "SIGRTMIN+3"; "" for a number that is none. */
const char *signal_name(int number, char buf[static SIGNAL_NAME_SIZE]);
/** Default dispositions and an empty mask: an inherited ignored signal would stay ignored through
 *  execve(2). Handlers need no care, execve drops them. */
void signal_reset_all(void);
