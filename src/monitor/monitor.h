/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-monitor: parent of a container's first process. It moves the container's output to the log
 * and to attached clients, and their input to the container; it answers on the control socket, and
 * records how the container ended.
 *
 * One struct monitor holds all of its state, in one mapping that is made at the start: nothing is
 * allocated afterwards. The small fields come first; the big buffers behind them cost memory only
 * while they are in use (loop.c gives them back).
 *
 * Output is never only in this process's memory before it is in the log, so that SIGKILL loses and
 * doubles nothing: see inflight.c. A second process, the keeper, starts the next monitor: keeper.c.
 *
 * Read first: base/wire.h, loop.c, stdio.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/wire.h"
#include "monitor/log.h"

enum {
	CLIENTS_MAX = 16,
	CONNECTIONS_MAX = 32,
	CHUNK_MAX = 65536,  /* taken from a stream at once */
	FRAME_HEAD = 8,     /* docker's frame header */
	PIPE_MAX = 1 << 20, /* what an unprivileged container may enlarge its FIFO to */
	QUEUE_MAX = 2 * PIPE_MAX + CHUNK_MAX + 64 * FRAME_HEAD,
	PEEK_MAX = CHUNK_MAX + 4096,
	MONITOR_FDS_MAX = 96,
};

/** One stream out of the container: its FIFO, or with a terminal the pipe behind the pty. */
struct stream {
	int fd;
	uint8_t number;     /* 1 stdout, 2 stderr */
	bool ready;         /* may hold bytes that were not seen yet */
	bool signalling;    /* its writers' signal is switched on */
	bool more;          /* whole lines were seen that did not fit into the last batch */
	uint32_t delivered; /* bytes at the front of the pipe that clients got: a line begun */
	uint64_t consumed;  /* taken out of the pipe since this monitor began */
	uint64_t target;    /* the container has ended: done when so many were seen */
};

/** An attached client. Everything is edge-triggered, the flags remember what epoll said. */
struct client {
	int fd;        /* -1: free */
	uint8_t flags; /* enum wire_attach_flags */
	bool readable, writable, hung_up;
	uint32_t position; /* of its frame in the queue */
	uint32_t sent;     /* bytes of that frame */
};

struct connection {
	int fd; /* -1: free */
	bool waiting, syncing;
	bool reaps; /* will clean up once it is answered */
	uint64_t target[2];
};

enum status_source { STATUS_NONE, STATUS_WAITED, STATUS_KEEPER, STATUS_PIDFD, STATUS_LOST };

enum phase {
	PHASE_RUNNING,
	PHASE_ENDED,     /* the first process is gone; its status is not known yet */
	PHASE_DRAINING,  /* the last bytes go to the log */
	PHASE_CONCLUDED, /* all is logged; the exit record is being written */
	PHASE_RECORDED,  /* waiters are answered; clients get what is still theirs */
	PHASE_DONE,
};

struct monitor {
	int epoll, writers_fd; /* the second: stdio.c, the writers' signal */
	int run_fd, control_fd, pidfd, pty_fd, stdin_fd, oom_fd, memory_fd, init_fd, keeper_fd,
		gate_fd, log_fd;
	int exits_fd;             /* folder of the exit records */
	int first_client;         /* given at the start, or -1 */
	int tmpfs_fds[TMPFS_MAX]; /* or -1; its mounts are gone with its first process */
	uint8_t tmpfs_numbers[TMPFS_MAX];
	int held_streams[2]; /* the container's own descriptors, until stdio_open */
	pid_t keeper_pid;    /* > 0: a standby that this process started */
	enum phase phase;
	bool tty, stdin_once;
	bool unreleased; /* its start was cut off before its command was let go */
	bool pty_ready, pty_hung_up;
	bool stdin_ready;  /* writable, as far as known */
	bool buffers_used; /* since they were given back */
	int64_t status_deadline_ms;

	int peek_pipe[2], flight_fd;
	struct stream streams[2];
	size_t stream_count;

	struct log log;
	struct client clients[CLIENTS_MAX];
	size_t queue_len;
	size_t input_start, input_len;
	struct connection connections[CONNECTIONS_MAX];

	uint64_t oom_seen;
	int64_t oom_told_ms;  /* when the eventfd told of one last; 0: not yet, or there is none */
	int64_t oom_seen_ms;  /* when the counter was last seen rising; 0: it was not */
	int64_t oom_due_ms;   /* when the keeper is to be told of what was seen; 0: of nothing */
	int64_t oom_quiet_ms; /* not before that */
	uint64_t oom_noted;   /* what it was told of */
	int oom_tries;
	int main_status; /* of the command below hull-init, by wait(2); -1: not reported */
	int wait_status;
	struct exit_record record;
	int record_failures; /* of writing it, not for want of space */
	char id[65];

	/* Behind here: large, touched only in use. */
	_Alignas(4096) uint8_t peek[PEEK_MAX];
	_Alignas(4096) uint8_t batch[LOG_BATCH_MAX];
	_Alignas(4096) uint8_t begun[LOG_BEGUN_MAX];
	_Alignas(4096) uint8_t input[CHUNK_MAX];
	_Alignas(4096) uint8_t queue[QUEUE_MAX];
};

/* config.c */
/** Replace this process by `hull system VERB ID [ARG]`, as the configuration says; @arg may be
 * NULL. Returns only on failure. */
void monitor_become(const char *verb, const char *arg);
/** Read MONITOR_CONFIG_FD. 0, or -EINVAL when it is not one of this version. */
int monitor_config_read(struct monitor_config *ret);

/* loop.c: what epoll's data says; index of the table in its upper half */
enum watch {
	WATCH_CONTROL,
	WATCH_CONNECTION,
	WATCH_CLIENT,
	WATCH_STREAM,
	WATCH_WRITERS,
	WATCH_PTY,
	WATCH_STDIN,
	WATCH_PIDFD,
	WATCH_OOM,
	WATCH_INIT,
	WATCH_KEEPER,
	WATCHES
};
int loop_watch(struct monitor *m, int fd, enum watch what, size_t index, uint32_t events);
void loop_run(struct monitor *m);

/* stdio.c */
/** A FIFO of the run folder, made if it is not there yet; a descriptor or negative errno. */
int stdio_fifo(int run_fd, const char *name);
/** Open the FIFOs of the run folder, or the pipe behind the pty. 0 or negative errno. */
int stdio_open(struct monitor *m);
/** Move output onwards; true while there may be more to do at once. */
bool stdio_pump(struct monitor *m);
/** Bytes now waiting in front of the log, of stream @i. */
uint64_t stdio_backlog(const struct monitor *m, size_t i);
/** Bytes of stream @i that were seen (a line begun included). */
uint64_t stdio_seen(const struct monitor *m, size_t i);
/** Log lines that were begun, too. */
void stdio_flush(struct monitor *m);
/** The container has ended: what is in the pipes now is the rest. */
void stdio_end(struct monitor *m);
bool stdio_drained(const struct monitor *m);
void stdio_pty_event(struct monitor *m, size_t index, uint32_t events);
void stdio_stream_event(struct monitor *m, size_t index, uint32_t events);
void stdio_writers_event(struct monitor *m, size_t index, uint32_t events);

/* inflight.c */
int inflight_open(struct monitor *m);
void inflight_recover(struct monitor *m);
/** Copy what is at the front of pipe @fd to m->peek without taking it out; bytes, 0 for none. */
size_t inflight_peek(struct monitor *m, int fd, size_t max);
/** Log the first bytes of @s, which m->peek holds @len of, and take them out of its pipe; @final:
 *  also a line without its end. Returns the bytes. */
size_t inflight_log(struct monitor *m, struct stream *s, size_t len, bool final);

/* attach.c */
void attach_init(struct monitor *m);
/** Take @fd (owned from here on, also on failure). 0, -EBUSY, -EINVAL when not a stream socket. */
int attach_add(struct monitor *m, int fd, uint32_t flags);
void attach_event(struct monitor *m, size_t index, uint32_t events);
/** May @len bytes be offered now? No while a client is behind: that is the back pressure. */
bool attach_room(const struct monitor *m, size_t len);
void attach_offer(struct monitor *m, uint8_t stream, const void *data, size_t len);
/** Send what is queued and read input; true while there may be more to do at once. */
bool attach_pump(struct monitor *m);
/** Every client has got everything? */
bool attach_drained(const struct monitor *m);
void attach_close_all(struct monitor *m);

/* input.c */
void input_init(struct monitor *m);
bool input_pump(struct monitor *m);
void input_event(struct monitor *m, size_t index, uint32_t events);
void input_close(struct monitor *m);

/* control.c */
void control_init(struct monitor *m);
void control_event(struct monitor *m, size_t index, uint32_t events);
void control_connection_event(struct monitor *m, size_t index, uint32_t events);
/** Answer the syncs that are complete. */
void control_pump(struct monitor *m);

/** Accept and serve all that waits in the socket: before the last answers are given. */
void control_serve_pending(struct monitor *m);
/** Answer all waiters with m->record. Returns the connection of one that will clean up, or -1. */
int control_answer_waiters(struct monitor *m);

/* status.c: how the first process ended */
void status_event(struct monitor *m, size_t index, uint32_t events);
/** The keeper, its parent, says: waitid's si_code and si_status. */
void status_from_keeper(struct monitor *m, int code, int status);
void status_timeout(struct monitor *m);
void status_lost(struct monitor *m);

/* exit.c */
int exit_open(struct monitor *m);
void exit_pump(struct monitor *m);

/* oom.c */
void oom_init(struct monitor *m);
void oom_event(struct monitor *m, size_t index, uint32_t events);
/** How long the loop may sleep, ms; -1: for ever. */
int oom_patience(const struct monitor *m);
/** Tell of what was killed while the container runs on, when it is time. */
void oom_pump(struct monitor *m);
/** What the counter says at the moment of the end, for the record. */
void oom_at_end(struct monitor *m);
/** The record's flags, once it has the signal. */
void oom_conclude(struct exit_record *x);

/* report.c: what hull-init tells */
void report_event(struct monitor *m, size_t index, uint32_t events);

/* keeper.c */
/** Hand the descriptors to the keeper; starts a standby when there is none. */
void keeper_greet(struct monitor *m);
void keeper_event(struct monitor *m, size_t index, uint32_t events);
enum keeper_note {
	KEEPER_NOTE_RECORDED = 'R',
	KEEPER_NOTE_STDIN_CLOSED = 'E',
	KEEPER_NOTE_ABANDONED = 'A', /* the start failed: nothing to keep */
	KEEPER_NOTE_ROTATED = 'P',   /* a file of the log is to be packed */
	KEEPER_NOTE_RATED = 'L',     /* its disks have got rates */
};
/** Tell it; 0 or negative errno. */
int keeper_tell(struct monitor *m, enum keeper_note note);
/** The same: a process was killed for memory at @at_ms (CLOCK_BOOTTIME), and the container runs on.
 */
int keeper_tell_oom(struct monitor *m, int64_t at_ms);
/** The exit is recorded: let the keeper run the clean-up. @reaper: connection of a client that does
 * it, or -1; the keeper then only sees to it that it was done. */
void keeper_retire(struct monitor *m, int reaper);
/** The life of the keeper; returns the exit code. */
int keeper_main(void);

/* main.c */
/** The life of the monitor; returns the exit code. */
int monitor_main(void);

/* confine.c: read its head */
/** Give up all rights that a running monitor does not need. 0 or negative errno. */
int confine(struct monitor *m);
/** Has this process, or the one that forked it, done that? */
bool is_confined(void);
