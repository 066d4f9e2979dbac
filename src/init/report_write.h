/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing side of report.h.
 */
#ifndef HULL_INIT_REPORT_WRITE_H
#define HULL_INIT_REPORT_WRITE_H

#include "report.h"

/*
 * Make fd ready: close-on-exec, and O_NONBLOCK so that no reader can stop us. -1 is allowed and
 * means that nobody listens. Returns 0 or -EBADF if fd is not open.
 */
int report_open(int fd);

/* Complete the record (version, time) and write it. Whatever goes wrong, the record is lost. */
void report_write(int fd, struct init_report *report);

/* Put a name of any length into the record's comm. */
void report_name(struct init_report *report, const char *name);

#endif
