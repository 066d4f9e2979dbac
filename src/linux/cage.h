/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the locked-in programs (hull-unpack, hull-transport, hull-dns, hull-tls) have in common in
 * the last steps before they read a foreign byte. What each may still do is its own table.
 */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>

#include "linux/seccomp.h"

/** What a program keeps that locks itself in; tables that end with a NULL, or NULL. */
struct cage_rights {
	const char *who;          /* in messages */
	const char *const *files; /* that may be read by name, files or folders; absent ones are
				   * left out */
	bool lists;               /* and what is in those folders */
	int folder;               /* one that is open, in which files may be read; or -1 */
	const struct cage_limit {
		__rlimit_resource_t what;
		rlim_t most;
	} * limit;                       /* or NULL; a core dump may none of them write */
	bool with_parent;                /* it ends when who started it does */
	const char *const *calls;        /* memory that is not executable can be had besides */
	bool threads;                    /* and threads, but no processes */
	const struct seccomp_rule *more; /* with conditions; */
	size_t more_count;               /* at most CAGE_RULES_MAX */
	bool kills;                      /* any other call ends it; else it fails with EPERM */
};
enum { CAGE_FILES_MAX = 16, CAGE_RULES_MAX = 4 };
/** Give up all else: new privileges, resources, files, every capability and the user, and the other
 * system calls. Nothing that is open is closed. */
int cage_enter(const struct cage_rights *c, struct err *e);
/** The system calls alone. Needs no_new_privs. */
int cage_filter(const struct cage_rights *c, struct err *e);

/** No capability any more, not even in the bounding set, and the user nobody (65534); where there
 * is only one user (a user namespace) he stays. 0 or negative errno. */
int cage_nobody(void);
