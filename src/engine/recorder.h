/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder's rings, <runroot>/recorder: the last signals to processes of containers and who
 * sent them, the last capabilities that they lacked and calls that they were refused, who was
 * killed for memory, and who ended with another code than 0; each kind has a ring of its own, so
 * that none pushes out the others. One process writes (`hull system record`), anybody reads at any
 * time; the file has a fixed size, and what is old is overwritten. A reader checks the number of an
 * entry before and after he copies it.
 */
#pragma once

#include "engine/engine.h"

enum recorded_kind {
	RECORDED_SIGNAL,
	RECORDED_DENIAL,
	RECORDED_OOM,
	RECORDED_EXIT,
	RECORDED_KINDS
};
enum { RECORDED_MAX = 2048, RECORDED_UNIT_MAX = 64, RECORDED_CALL_MAX = 32 };

struct recorded {
	int64_t time_ns; /* since 1970 */
	char container[ID_LEN + 1];
	int32_t pid; /* of the host */
	char comm[16];
	/* Of a signal. */
	int32_t signal, code; /* sigaction(2): above 0, the kernel itself */
	int32_t sender_pid, sender_parent;
	int32_t sender_uid; /* -1: it had ended before one could look */
	char sender[16], parent[16];
	char unit[RECORDED_UNIT_MAX]; /* last part of the sender's control group, "" not known */
	bool inside;                  /* the sender is a process of the same container */
	bool unplaced;                /* whether he is was not seen: he had ended too soon */
	bool taken_along;             /* SIGKILL, because PID 1 has ended */
	/* Of a capability that lacked; -1: the call was refused, for whatever it was, with this
	 * error (EPERM, EACCES). */
	int32_t capability, error;
	char call[RECORDED_CALL_MAX]; /* "" not known */
	/* Of one that ended by itself, and not with 0. */
	int32_t exit_code;
	/* Of one that was killed for memory: bytes; -1 not known. */
	int64_t anon, file, shmem;
};

/** The load average of a container: of its tasks that run, could run, or sleep uninterruptibly. */
enum { RECORDED_LOADS = 512 };
struct recorded_load {
	char container[ID_LEN + 1]; /* "": free */
	int64_t since_ns, at_ns;    /* the first and the last look, since 1970 */
	double average[3];          /* over 1, 5 and 15 minutes, as the kernel computes them */
};

struct recorder_ring;
/** For the one who writes: -EBUSY when another one does. NULL fails with @e filled. The mapping
 * lives as long as the process. */
struct recorder_ring *recorder_open(struct engine *en, struct err *e);
void recorder_put(struct recorder_ring *ring, enum recorded_kind kind, const struct recorded *r);
/** Who sent @signal to a process of the container between @since_ns and @until_ns (0: now): the
 * last that another process sent, else that one sent to itself, else that nobody did; not what
 * hull-init passed on. 1, or 0 for none; -ENOENT: nobody records. */
int recorder_find(const struct engine *en, const char *container, int signal, int64_t since_ns,
		  int64_t until_ns, struct recorded *ret);
/** What else happened to it in that time: the last @max of a kind, the newest first. How many, or
 * -ENOENT: nobody records. @ret NULL: only how many. */
int recorder_list(const struct engine *en, enum recorded_kind kind, const char *container,
		  int64_t since_ns, int64_t until_ns, struct recorded *ret, size_t max);
/** For the one who writes: RECORDED_LOADS of them. */
struct recorded_load *recorder_loads(struct recorder_ring *ring);
/** 1, or 0: not known; -ENOENT: nobody records. */
int recorder_load(const struct engine *en, const char *container, struct recorded_load *ret);
/** Where the configuration asks for a recorder, and there is none: start one. */
void recorder_ensure(const struct engine *en);
/** Go on in the background. 1: the one who called it, who is to end; 0: the other. */
int recorder_detach(struct engine *en, struct err *e);
