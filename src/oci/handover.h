/* SPDX-License-Identifier: Apache-2.0 */
/* What goes from the caller to the container by descriptor, and from us to the caller: preserved
 * and socket-activated descriptors, the terminal's master, a pidfd, the pid file. */
#pragma once

#include <sys/types.h>

#include "spec/oci.h"

/** How many descriptors from 3 on are the container's: $LISTEN_FDS and @preserve. */
int64_t handover_count(int64_t preserve);
/** Check that these are open, and tell the process of the first of them ($LISTEN_FDS). */
int handover_descriptors(struct oci_process *p, int64_t preserve, struct arena *a, struct err *e);
/** Send @fd, called @name, to the Unix stream socket @path. */
int handover_socket(const char *path, const char *name, int fd, struct err *e);
/** Write @pid to the file @path, at once and whole. */
int handover_pid_file(const char *path, pid_t pid, struct err *e);
