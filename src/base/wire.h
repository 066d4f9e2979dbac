/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull's processes say to each other about one container: the files of its run folder and the
 * messages of its monitor's control socket. Fixed-size structs of one machine, never sent further.
 *
 * The run folder <runroot>/containers/<id>/ (0700) holds
 *   stdout, stderr   FIFOs; the container itself holds them open read-write, so the death of
 *                    their reader gives it no EPIPE and loses no byte
 *   monitor          struct monitor_config; read-only, and used by descriptor
 *   running          struct run_record, written before the container's first instruction; the
 *                    monitor holds a lock on it (flock(2)), as on the folder from its own start
 *   control          the monitor's SOCK_SEQPACKET socket
 *   health           struct health_record, with a health check
 * and <runroot>/exits/<id> is the struct exit_record, renamed into place by the monitor once the
 * container has ended. A container whose exit record exists has ended, whatever the state store
 * says: the next command that sees it finishes the job (engine/reap.c).
 */
#pragma once

#include <assert.h>
#include <stdint.h>

enum { WIRE_VERSION = 1 };

enum run_state {
	RUN_ON,
	RUN_PAUSED,
	RUN_UNRELEASED, /* its command has not been let go yet */
};

/** The first process of a container, as the engine finds it again. */
struct run_record {
	uint16_t version;
	uint16_t state;      /* enum run_state; written in place */
	int32_t pid;         /* in the host's pid namespace */
	uint64_t pid_start;  /* field 22 of /proc/PID/stat: tells a reused pid apart */
	int64_t started_ns;  /* CLOCK_REALTIME */
	uint64_t stdin_pipe; /* inode of the pipe that is its stdin: -i without a terminal; or 0 */
};

enum exit_flags {
	EXIT_UNKNOWN = 1,   /* nobody was there to see the status: exit_code is 255 */
	EXIT_OOM_MAIN = 2,  /* the main process was killed for memory */
	EXIT_OOM_CHILD = 4, /* another process of the container was */
	EXIT_UNSTARTED = 8, /* its start was cut off after the run record, before its command ran */
	EXIT_FULL = 16,     /* so many times this: the number, from 1, of a tmpfs that was full */
};

/** Who was still there when the grace time of hull-init ended (first ones only). */
struct exit_survivor {
	int32_t pid; /* in the container */
	char comm[16];
};

#define OOM_TIME_UNKNOWN UINT32_MAX
enum { TMPFS_MAX = 8 }; /* of one container, that its monitor holds */
struct exit_record {
	uint32_t version;
	uint32_t flags;    /* enum exit_flags */
	int32_t exit_code; /* as docker: 0..255, 128+n for signal n */
	int32_t signal;    /* that ended the process, or 0 */
	int64_t finished_ns;
	uint64_t oom_kills;         /* processes killed for memory in the container's cgroup */
	uint64_t log_dropped_bytes; /* could not be written: the disk was full */
	uint32_t survivor_count;    /* may exceed the array */
	/* How long before finished_ns the last of oom_kills was seen; OOM_TIME_UNKNOWN. */
	uint32_t oom_before_ms;
	struct exit_survivor survivors[8];
	char error[256]; /* what the monitor could not do, or "" */
};
static_assert(sizeof(struct exit_record) == 464, "the exit record is a file format");

/** One health check and what it said. */
struct health_result {
	int64_t start_ns, end_ns; /* CLOCK_REALTIME */
	int32_t exit_code;
	uint32_t len;
	char output[4096 + 4];
};

/** The file `health` of the run folder: the last results, and when the keeper has the next check
 *  done. Nothing of it outlives the container's run. */
struct health_head {
	uint32_t version;
	uint32_t streak; /* failures in a row */
	int64_t due_ms;  /* CLOCK_BOOTTIME */
	uint32_t count;
	uint32_t checking; /* one was begun: if nobody has the lock, it was killed */
};
struct health_record {
	struct health_head head;
	struct health_result log[5]; /* the oldest first */
};

enum log_driver { LOG_JSON_FILE, LOG_LOCAL, LOG_JOURNALD, LOG_NONE, LOG_SYSLOG };
#define LOG_DRIVER_NAMES(BETWEEN)                                                                  \
	"json-file" BETWEEN "local" BETWEEN "journald" BETWEEN "none" BETWEEN "syslog"

enum syslog_format { SYSLOG_UNIX, SYSLOG_RFC3164, SYSLOG_RFC5424, SYSLOG_RFC5424_MICRO };
struct syslog_config {
	uint32_t facility;    /* in its place of a priority */
	uint32_t format;      /* enum syslog_format */
	int32_t utc_offset;   /* seconds */
	int32_t type;         /* SOCK_DGRAM, SOCK_STREAM */
	uint32_t address_len; /* of a struct sockaddr_un, _in or _in6 */
	_Alignas(8) uint8_t address[128];
	char host[65];
};

/**
 * What a monitor must know. Written by the engine to the run folder, and given to hull-monitor as
 * an open file: what the keeper executes at the end must not be for a monitor to say.
 */
struct monitor_config {
	uint32_t version;
	uint32_t log_driver;   /* enum log_driver */
	uint64_t log_max_size; /* bytes of one file; 0: unlimited */
	uint32_t log_max_file; /* files kept, the current one included; at least 1 */
	uint32_t health_ms;    /* before the first health check; 0: there is none */
	uint32_t rated;        /* disks have rates, at which its end may wait */
	uint32_t tty;          /* one pty instead of three FIFOs */
	uint32_t stdin_open;   /* -i */
	uint32_t stdin_once;   /* close stdin when the first attached client leaves */
	uint32_t log_compress; /* rotated files are packed: engine/log_pack.c */
	char id[65];
	char name[129];
	char root[1024]; /* --root, --runroot: for the clean-up command */
	char runroot[1024];
	char log_dir[1024];   /* folder of the log files, below root */
	char hull[1024];      /* path of the hull program, for the clean-up command */
	char log_attrs[1024]; /* what goes into every record: ,"attrs":{...}, or journal fields */
	char log_tag[256];    /* journald, syslog */
	struct syslog_config syslog;
};

/**
 * Descriptors that a starting hull-monitor finds open; those it does not get are closed (it probes
 * with fcntl). Without MONITOR_PIDFD_FD it adopts: the container runs already, its monitor died.
 */
enum monitor_fd {
	MONITOR_RUN_FD = 3, /* the run folder */
	MONITOR_CONFIG_FD,  /* struct monitor_config */
	MONITOR_CONTROL_FD, /* listening control socket */
	MONITOR_PIDFD_FD,   /* pidfd of the container's first process */
	MONITOR_PTY_FD,     /* pty master, with tty */
	MONITOR_STDIN_FD,   /* write end of the container's stdin pipe, with -i and no tty */
	MONITOR_ATTACH_FD,  /* stream socket of the client that is attached from the start */
	MONITOR_OOM_FD,     /* v1: eventfd registered with memory.oom_control */
	MONITOR_MEMORY_FD,  /* memory.oom_control (v1) or memory.events (v2) of its group */
	MONITOR_INIT_FD,    /* read end of hull-init's report pipe, with --init */
	MONITOR_KEEPER_FD,  /* socket to the keeper, the monitor's parent */
	MONITOR_STDOUT_FD, /* the FIFOs (for the keeper "terminal", too): held until the monitor has
			    * opened them itself,
			    */
	MONITOR_STDERR_FD, /* lest what a short-lived container wrote dies with its descriptors */
	MONITOR_GATE_FD,   /* socket to whoever starts the container. Two messages of one byte: "t",
			    * with the pty master if there is a terminal, and "g" once the command
			    * runs, with up to TMPFS_MAX folders, each a tmpfs of the container,
			    * and a byte for each: its number from 1 (engine/end_state.c);
			    * the monitor acts on nothing before. If it is closed instead: see
			    * await_gate of monitor/main.c */
	MONITOR_STORE_FD,  /* the keeper's: of db_hold_index(), to be kept open and no more */
	MONITOR_USERNS_FD, /* the keeper's, and of what it becomes: the same of rootless_hold() */
	MONITOR_FLIGHT_FD, /* the keeper's: the FIFO "inflight", which it must hold before the
			      monitor uses it */
	MONITOR_LOG_FD,    /* syslog by UDP or TCP: the connected socket; to the keeper, too */
	MONITOR_FD_END
};

enum wire_op {
	WIRE_PING = 1, /* answer: struct wire_reply */
	WIRE_ATTACH, /* + 1 descriptor: a stream socket, served until the container ends or it hangs
		      * up. Output on it is raw with a tty, else in docker's frames (8-byte header:
		      * stream 1 or 2, 3 zero bytes, length big-endian). Input is raw; a half-close
		      * ends the container's stdin when stdin_once. Answer: struct wire_reply */
	WIRE_WAIT,   /* the answer comes when the container has ended: struct wire_reply with exit.
		      * With WAIT_REAP the client says that it will clean up then; the keeper gives
		      * it time until it hangs up */
	WIRE_RESIZE, /* rows, cols. Answer: struct wire_reply */
	WIRE_LOG_SYNC, /* answered once everything now in the FIFOs is in the log file */
	WIRE_RATED, /* its disks have got rates: see monitor_config.rated. Answer: struct wire_reply
		     */
};

enum wire_attach_flags {
	ATTACH_STDIN = 1,
	ATTACH_STDOUT = 2,
	ATTACH_STDERR = 4,
};

enum wire_wait_flags { WAIT_REAP = 1 };

struct wire_request {
	uint32_t version;
	uint32_t op;    /* enum wire_op */
	uint32_t flags; /* of WIRE_ATTACH: enum wire_attach_flags; of WIRE_WAIT: enum
			   wire_wait_flags */
	uint32_t rows, cols;
};

struct wire_reply {
	uint32_t version;
	int32_t error; /* 0, or a positive errno */
	struct exit_record exit;
};
