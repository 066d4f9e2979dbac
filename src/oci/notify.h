/* SPDX-License-Identifier: Apache-2.0 */
/*
 * $NOTIFY_SOCKET: the container gets a socket of its own in the place of the service manager's, and
 * whoever starts it passes "READY=1" on, with the container's pid. See sd_notify(3).
 */
#pragma once

#include "oci/state.h"

/** Where the folder is mounted in the container. */
#define NOTIFY_INSIDE "/run/notify"

/** With $NOTIFY_SOCKET: the folder notify/, its mount and the environment of the process. */
int notify_prepare(const struct state *s, struct oci_spec *spec, struct arena *a, struct err *e);
/** With $NOTIFY_SOCKET: listen, before the container is started. A descriptor, -1: not asked for.
 */
int notify_listen(const struct state *s, int *ret, struct err *e);
/** One datagram: 1 once readiness is passed on, 0 for others. */
int notify_pass(int socket, pid_t pid, struct err *e);
/** Pass on what arrives until the container is ready or has ended. */
int notify_forward(int socket, int pidfd, pid_t pid, struct err *e);
