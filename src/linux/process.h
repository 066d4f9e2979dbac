/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process as /proc shows it: what it is, and what it does with signals. See proc(5), signal(7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "linux/capability.h"

struct arena;

/** Sets of signals: bit n - 1 for signal n. */
struct process {
	pid_t pid;     /* in our pid namespace */
	pid_t inside;  /* in its own */
	pid_t parent;  /* in ours; 0: outside of it */
	char state;    /* of R, S, D, T, t, Z, X, I */
	int64_t uid;   /* the real one, in our user namespace */
	char comm[16]; /* without control characters it may not be: print it with care */
	uint64_t caught, ignored, blocked, pending;
	int64_t threads;
	int64_t anonymous; /* bytes of it in memory: what only swap can take */
	int64_t hugetlb;   /* bytes of it in huge pages that were set aside */
	int64_t sleeps;    /* so often it gave up the processor to wait for something */
};

/** 0, or -errno; -ENOENT or -ESRCH: it has ended. */
int process_read(pid_t pid, struct process *ret);
enum { PROCESS_NAME_SIZE = 16 };
/** Its comm for people: control characters are question marks, as is one that is gone. Returns
 * @buf. */
const char *process_name(pid_t pid, char buf[static PROCESS_NAME_SIZE]);
/** A pidfd of a thread that lives, of the process of @pidfd, for setns(2) (Linux 6.9; -EINVAL
 * before). The first thread may end alone (pthread_exit(3)); it has neither namespaces nor a root
 * then. */
int process_live_thread(int pidfd);
/** The root folder of a process (O_PATH), for the caller to close; -errno. */
int process_root(pid_t pid);
/** The state alone, of a thread as well: of R, S, D, T, t, Z, X, I; 0: it is gone. */
char process_state(pid_t tid);
/** Its arguments with blanks between them, as far as they fit; how long with the NUL, or as
 * process_read(). */
int process_command_line(pid_t pid, char *buf, size_t size);
/** What it may do. */
struct process_rights {
	int64_t uid; /* the effective one, in our user namespace */
	struct capability_sets caps;
	bool no_new_privs;
	int64_t seccomp; /* 0: off, 1: strict, 2: filters, ... */
	int64_t filters; /* ... this many; -1: the kernel does not tell (before 5.9) */
};
/** As process_read(). */
int process_read_rights(pid_t pid, struct process_rights *ret);
/** The user of ours that is @inside in the user namespace of @pid, or -1. */
int64_t process_user_outside(pid_t pid, int64_t inside);
/** And the other way round. */
int64_t process_user_inside(pid_t pid, int64_t outside);
/** All processes in the pid namespace of @pid, itself among them; those of namespaces that were
 * made in it are not found. */
int process_list_beside(pid_t pid, struct arena *a, pid_t **ret, size_t *ret_count, struct err *e);
/** What happens to @p when it is sent @signal by somebody outside of its pid namespace: the first
 * process of one gets nothing that it has no handler for, but SIGKILL and SIGSTOP. */
bool process_drops(const struct process *p, int signal);
/** It is in sigwait(3) or the like, for which its mask does not tell. */
bool process_waits(const struct process *p);
/** "term", "core", "stop", "cont" or "ignore": without a handler (signal(7)). */
const char *signal_default_action(int signal);
