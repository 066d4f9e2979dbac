/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the locked-in programs (hull-unpack, hull-transport, hull-dns, hull-tls) have in common in the last
 * steps before they read a foreign byte. What each may still do is its own table.
 */
#pragma once

#include "linux/seccomp.h"

/** No capability any more, not even in the bounding set, and the user nobody (65534); where there
 * is only one user (a user namespace) he stays. 0 or negative errno. */
int cage_nobody(void);
/** Compile @policy and install it; @who is for the message. Needs no_new_privs. */
int cage_filter(const struct seccomp_policy *policy, const char *who, struct err *e);

/** Conditions of rules: mmap(2) and mprotect(2) make no executable memory; clone(2) makes threads
 * alone. One argument each. */
extern const struct seccomp_arg cage_not_executable[1], cage_thread_only[1];
