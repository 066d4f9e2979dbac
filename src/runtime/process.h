/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every process in a container gets, the first one and those of exec alike: limits, ids,
 * capabilities, filter, descriptors, and at last its program. Checked and translated from the spec
 * in the parent (process_plan), applied in the child in the order that the kernel demands.
 * See credentials(7), capabilities(7), seccomp(2), execve(2).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "linux/capability.h"
#include "linux/pty.h"
#include "linux/seccomp.h"
#include "runtime/command.h"
#include "runtime/seccomp.h"
#include "runtime/tuning.h"
#include "spec/oci.h"

struct process_limit {
	int number;
	int64_t soft, hard;
};

struct process_plan {
	const struct oci_process *spec;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* the primary one first */
	size_t group_count;
	mode_t umask;
	struct capability_sets caps;
	struct process_limit *limits;
	size_t limit_count;
	struct tuning tuning;
	char **argv, **envp; /* NULL-terminated */
	struct command_self self;
	const struct seccomp_program *seccomp; /* or NULL */
	struct seccomp_listener listener;      /* of the filter, socket -1: none */
	unsigned preserve_fds;                 /* from 3 on, the command's */
	bool keep_keyring;
};

/** Check and translate; allocates in @a. @l is the container's, or NULL when it is not known.
 *  @privileged: all capabilities, whatever the spec says. */
int process_plan_make(const struct oci_process *spec, const struct oci_linux *l,
		      const struct seccomp_program *seccomp, bool privileged, struct arena *a,
		      struct process_plan *ret, struct err *e);

/** What of it cannot be had and is left out: for the caller to tell. */
void process_warnings(const struct oci_process *p, struct arena *a, struct strv *ret);

/*
 * The child's steps, in this order.
 */

/** Session, keyring, signals; oom_score_adj through @procfd, the host's /proc. */
int process_begin(const struct process_plan *p, int procfd, struct err *e);
/** Limits, and the bounding set: all that needs no more than the rights we came with. */
int process_limit(const struct process_plan *p, struct err *e);
/** Where it has a terminal: open one of the devpts below @root, as large as it is to be, the
 * user's.
 */
int process_terminal(const struct process_plan *p, int root, struct pty *ret, struct err *e);
/** Send its master to the parent with @word over @sync; the slave is the three of @stdio then, and
 * the controlling terminal of our session. */
int process_take_terminal(const struct pty *pty, int sync, char word, int stdio[3], struct err *e);
/** Put @stdio in place as 0, 1, 2 (-1: the descriptor @null) and make every other descriptor
 *  close-on-exec. A FIFO or terminal becomes the user's, so that he can open /dev/stdout. */
int process_stdio(const struct process_plan *p, const int stdio[3], int null, struct err *e);
/** Whether the command is there and executable for the user, who we are for this moment only. */
int process_check(const struct process_plan *p, struct err *e);
/** Become the user: ids, capabilities, no_new_privs, filter. After it only execve is left. */
int process_become(const struct process_plan *p, struct err *e);
/** Find the command and execute it. Returns only on failure. */
int process_execute(const struct process_plan *p, struct err *e);

/** Report @e to the parent and end. */
_Noreturn void process_fail(int error_fd, const struct err *e);
