/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Killed for memory: whose limit was it? A group's own limit, that of a group above or below it, or
 * the machine's end of memory kill alike; the counter `oom_kill` does not tell them apart. The
 * kernel's log does (dump_oom_victim() in mm/oom_kill.c); where it cannot be read, or says nothing
 * any more, the counters of the groups that reached their limits do, less surely.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum oom_scope {
	OOM_UNKNOWN,
	OOM_OWN,    /* the group's limit */
	OOM_INSIDE, /* that of a group below it */
	OOM_ABOVE,  /* that of a group above it */
	OOM_HOST,   /* the machine's memory, or that of the nodes it may use */
	OOM_SCOPES
};

struct oom {
	enum oom_scope scope;
	bool logged;     /* the kernel's log says so; else it is concluded from counters */
	char group[256]; /* whose limit, as the kernel writes it; "" for the machine */
	int64_t limit;   /* of that group, bytes; 0 none, or not known */
	/* The victim: 0 and "" where the log does not tell. Bytes that it held. */
	int64_t pid; /* of the host */
	char comm[16];
	int64_t anon, file, shmem;
	/* Bytes that the group whose limit it was had in tmpfs and shared memory; 0 not known. */
	int64_t shared;
	/* Whether the log names the process that was asked for; since when it names all. */
	bool first_killed;
	int64_t whole_since_ns;
	int64_t stat_shared; /* inner: of the statistics that come before a kill in the log */
};

/** "own", "inside", "above", "host", "" ; and back, OOM_UNKNOWN for anything else. */
const char *oom_scope_name(enum oom_scope scope);
enum oom_scope oom_scope_of(const char *name);
/** The last kill in the group @path, or below it, since @since_ns (CLOCK_REALTIME). The last part
 * of the path is the only one of its name. @first: a process of it that has had its number all the
 * time, or 0. */
void oom_look(const char *path, pid_t first, int64_t since_ns, struct oom *ret);
/** One record of the kernel's log, as /dev/kmsg gives it: what it adds to what is known of the last
 *  kill in the group @name, and of @first. */
void oom_log_record(const char *record, const char *name, pid_t first, struct oom *ret);
