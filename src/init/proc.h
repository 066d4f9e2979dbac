/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other processes, as /proc shows them.
 */
#ifndef HULL_INIT_PROC_H
#define HULL_INIT_PROC_H

#include <stdbool.h>
#include <stdint.h>

struct proc {
	int pid;
	int parent;
	char state; /* R, S, D, T, Z ... as in proc_pid_stat(5) */
	char comm[16];
};

/*
 * Called for each process. pidfd is a descriptor of it, or negative if the kernel has no
 * pidfd_open(2) (Linux 5.3); it is closed afterwards.
 */
typedef void (*proc_visit)(void *context, const struct proc *proc, int pidfd);

/*
 * Visit every living process but ourselves that "self" is an ancestor of; as PID 1 that is every
 * one, also those that entered the PID namespace from outside. Zombies are left out. Returns 0,
 * or a negative errno if /proc cannot be read or shows another PID namespace (-ESRCH).
 */
int proc_each_below(int self, proc_visit visit, void *context);

/* Whether process pid ignores every signal of the set. False if that cannot be read. */
bool proc_ignores(int pid, uint64_t signals);

#endif
