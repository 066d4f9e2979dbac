/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records hull-init writes on --report-fd, and the value a stop signal may carry to it.
 *
 * The reader (the monitor) gets whole records: each is one write(2) of sizeof(struct init_report)
 * bytes, far below PIPE_BUF, so a pipe, a FIFO and a SOCK_SEQPACKET pair all deliver it in one
 * piece (pipe(7)). The writer never blocks: it sets O_NONBLOCK on the descriptor it was given and
 * drops a record the reader has no room for. Records are news, not state: the exit status that
 * counts is the one wait(2) returns for hull-init itself.
 *
 * This header depends on nothing, so that any program may include it.
 */
#ifndef HULL_INIT_REPORT_H
#define HULL_INIT_REPORT_H

#include <stdint.h>

#define INIT_REPORT_VERSION 1

/* At most so many processes are named when the grace time has run out. */
#define INIT_REPORT_NAMES_MAX 16

/* What happened, and which fields say more. Fields that are not named are zero. */
enum init_report_kind {
	/* The main process was created. pid: its process id inside the PID namespace. */
	INIT_REPORT_STARTED = 1,
	/* The command could not be executed. pid: as above; value: errno; comm: its name, cut. */
	INIT_REPORT_EXEC_FAILED = 2,
	/* The main process ended. pid; value: the status as wait(2) gives it. */
	INIT_REPORT_MAIN_ENDED = 3,
	/*
	 * A signal arrived and was passed on. pid: the sender, 0 for the kernel or a process
	 * outside the PID namespace; value: the signal received; signal: the one sent (they
	 * differ by --rewrite); scope: to whom; count: processes signalled, -1 if not known;
	 * error: errno if none could be.
	 */
	INIT_REPORT_FORWARDED = 4,
	/*
	 * The grace time began. signal: the stop signal that began it, 0 if the main process
	 * ended by itself; value: its length in milliseconds, -1 for no limit.
	 */
	INIT_REPORT_STOPPING = 5,
	/*
	 * A process was still alive at the end of the grace time and is being sent SIGKILL.
	 * pid, comm. After INIT_REPORT_NAMES_MAX of them one more record has pid 0 and, in
	 * count, how many were not named.
	 */
	INIT_REPORT_KILLED = 6,
	/* hull-init exits. value: its exit code; count: orphans it adopted and reaped. */
	INIT_REPORT_EXITING = 7,
};

/* To whom a signal goes. */
enum init_scope {
	INIT_SCOPE_MAIN = 0,  /* the main process */
	INIT_SCOPE_GROUP = 1, /* the main process's process group */
	INIT_SCOPE_ALL = 2,   /* every process of the PID namespace, or every descendant */
};

struct init_report {
	uint8_t version; /* INIT_REPORT_VERSION */
	uint8_t kind;    /* enum init_report_kind */
	uint8_t signal;
	uint8_t scope; /* enum init_scope */
	int32_t pid;
	int32_t value;
	int32_t count;
	int32_t error;
	int32_t reserved;
	uint64_t time_ns; /* CLOCK_REALTIME, the one clock no time namespace shifts */
	char comm[16];    /* NUL-terminated, as in /proc/PID/comm: bytes of a stranger's choice */
};

_Static_assert(sizeof(struct init_report) == 48, "the record's size is part of the protocol");
_Static_assert(__builtin_offsetof(struct init_report, time_ns) == 24, "no padding anywhere");
_Static_assert(__builtin_offsetof(struct init_report, comm) == 32, "no padding anywhere");

/*
 * One stop may have its own grace time ("stop --time 30"): queue the stop signal with this value
 * in si_value.sival_ptr (sigqueue(3), or pidfd_send_signal(2) with si_code SI_QUEUE) and the grace
 * time is so many milliseconds from the moment the signal is taken; INIT_STOP_NO_LIMIT for no end.
 * A stop signal sent in any other way uses --grace.
 */
#define INIT_STOP_TAG UINT64_C(0x68756c6c) /* "hull": not a value someone else queues by chance */
#define INIT_STOP_NO_LIMIT UINT32_C(0xffffffff)
#define INIT_STOP_VALUE(ms) (INIT_STOP_TAG << 32 | (uint32_t)(ms))

#endif
