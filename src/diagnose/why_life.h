/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of hull why share. Inner header. Read why.h first. */
#pragma once

#include <json-c/json.h>

#include "diagnose/story.h"
#include "engine/engine.h"
#include "engine/recorder.h"
#include "linux/oom.h"

/* What came so short before an end may have to do with it. */
enum { SHORTLY_NS = 2000000000 };

/* A container between its last start and its end, or now. */
struct life {
	struct story *s;
	struct engine *en;
	const struct container *c; /* NULL: it was removed */
	const char *ref;           /* as it was asked for */
	char id[ID_LEN + 1], *name, *image;
	int64_t created, started, ended, removed; /* 0: not */
	int64_t ends, last_end;                   /* all of them, of all its runs; the last */
	int64_t until;                            /* the end that is asked for; 0: now */
	int code, signal;
	bool oom_main, oom; /* PID 1, or any */
	bool oom_likely;    /* PID 1: only concluded, from the time of its end */
	int64_t oom_kills;  /* so many processes */
	int64_t oom_at;     /* when the last of them was killed; 0: not known */
	bool oom_told;      /* by the verdict */
	struct oom oom_of;  /* the last of them */
	char *error, *policy, *survivors;
	int64_t refused;       /* processes, by a limit on them; ... */
	int refused_by;        /* ... 1: its own, 0: another group's, -1: not known */
	int64_t used;          /* of processors, nanoseconds; 0: not known */
	int64_t unlogged;      /* bytes of its output that could not be written to its log */
	char *fault;           /* what the kernel says of a crash of PID 1, or NULL */
	char *pressure, *full; /* what was short at the end: struct end; or NULL */
	int64_t asked;         /* hull sent a signal, the last but SIGKILL */
	int asked_signal;
	int64_t killed; /* hull sent SIGKILL */
	char *sender;
	const char
		*handling; /* what PID 1 does with that signal: "none", "ignored", "caught" or "" */
	int64_t health_ends; /* so often it was ended because its health check failed */
	bool stopped;        /* by stop or restart, not by kill */
	bool stopping;       /* what was sent last was for that */
	bool overtaken;      /* and SIGKILL came from another command meanwhile */
};

/** Bring an event into a struct life: for engine_events(). */
int why_take(struct json_object *event, void *life, struct err *e);

/** "12 ms", "3.4 s", "2 hours". */
char *why_span(struct arena *a, int64_t ns);
/** "SIGTERM". */
char *why_signal(struct arena *a, int number);

/** Of a signal: what its first process does with it is nothing. */
bool why_is_lost(const char *handling);
/** The verdict, where the kernel killed for memory. */
void why_memory(struct life *l);
/** Adds to the verdict that it did, where that is not what ended it. */
void why_memory_too(struct life *l);
/** Adds to the verdict what the recorder knows of capabilities that lacked just before the end. */
void why_denied(struct life *l);
/** What the recorder knows of the time just before the end: recorder_list(). */
int why_recorded(const struct life *l, enum recorded_kind kind, struct recorded *ret, size_t max);
/** Adds to the verdict which signal the recorder knows of just before an end with a code. */
void why_signalled(struct life *l);
/** Evidence of the recorder: whom the end of PID 1 took along, and who had ended with a fault just
 * before. */
void why_others(struct life *l);
/** Evidence of what was short at the end; adds to the verdict that a file system was full. */
void why_short(struct life *l);
/** Adds to the verdict that processes were refused it by a limit on them. */
void why_refused(struct life *l);
/** The verdict, where a signal ended it that hull did not send. */
void why_killed(struct life *l, int signal);
