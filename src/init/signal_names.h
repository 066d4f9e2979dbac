/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by name and by number.
 */
#ifndef HULL_INIT_SIGNAL_NAMES_H
#define HULL_INIT_SIGNAL_NAMES_H

#include <stdint.h>

/* Signals are 1 to 64 on every architecture hull knows; tables are indexed by number. */
#define SIGNALS_MAX 64
#define SIGNALS_TABLE (SIGNALS_MAX + 1)

/* Room for the longest name, "RTMIN+15", and a NUL. */
#define SIGNAL_NAME_SIZE 12

/* The bit of sig in a kernel signal set. */
static inline uint64_t signal_bit(int sig)
{
	return UINT64_C(1) << (sig - 1);
}

/*
 * The number of a signal given as "TERM", "SIGTERM", "15", "RTMIN", "RTMIN+3" or "RTMAX-2" in any
 * case, or -1. RTMIN is 34 and RTMAX 64, as glibc, systemd and docker count them; "0" is 0.
 */
int signal_parse(const char *text);

/* The name of sig without "SIG". Returns buffer or a pointer into it. */
const char *signal_name(int sig, char buffer[SIGNAL_NAME_SIZE]);

#endif
