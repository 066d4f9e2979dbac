/* SPDX-License-Identifier: Apache-2.0 */
/* A spec's seccomp object as a program, and the listener of SCMP_ACT_NOTIFY. See config-linux.md,
 * "Seccomp"; seccomp(2); linux/seccomp.h for what several rules for one call mean. */
#pragma once

#include "linux/seccomp.h"
#include "runtime/hooks.h"

/** Compile @s; allocates in @a. Actions, operators, flags and architectures that do not exist are
 *  refused by name; names of system calls that this machine does not have are skipped. */
int runtime_seccomp_compile(const struct oci_seccomp *s, struct arena *a,
			    struct seccomp_program *ret, struct err *e);

/** To whom the notify descriptor of a filter is sent, with the container's process state. */
struct seccomp_listener {
	int socket;        /* connected; -1: no listener */
	const char *state; /* JSON */
};

/** Connect to the spec's listenerPath when @program notifies, in the caller's namespaces. */
int seccomp_listener_connect(const struct oci_seccomp *s, const struct seccomp_program *program,
			     int *ret_socket, struct err *e);
/** What is sent of this process, which the procfs @procfd shows by the pid of the runtime's caller.
 */
const char *seccomp_listener_state(const struct hooks *of, int procfd, struct arena *a);
