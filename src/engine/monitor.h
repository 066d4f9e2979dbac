/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a monitor's control socket (base/wire.h). A connection may carry any number
 * of requests, one after the other. An error of the monitor arrives as a negative errno;
 * -ECONNRESET or -EPIPE mean that it died or has finished: then look for the exit record, or
 * connect again (its keeper starts the next one within milliseconds, and the socket keeps what was
 * sent meanwhile).
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/wire.h"

/** Connect to the monitor of container @id below the descriptor of --runroot. The connection, or
 *  -ENOENT (no such container runs), -ECONNREFUSED (neither monitor nor keeper lives). Never waits.
 */
int monitor_connect(int runroot_fd, const char *id);
/** From now on an answer on @conn that takes longer than @seconds is -EAGAIN. */
void monitor_patience(int conn, int seconds);
/** Is somebody there? 0, or negative errno. Waits for the answer. */
int monitor_ping(int conn, struct err *e);
/**
 * Serve @stream_fd (stays the caller's; a SOCK_STREAM socket, whose other end the caller or its
 * client keeps) from now on: enum wire_attach_flags. -EBUSY when 16 clients are attached, -ESRCH
 * when the container has ended.
 */
int monitor_attach(int conn, int stream_fd, unsigned flags, struct err *e);
/** The same without waiting for the answer. */
int monitor_attach_begin(int conn, int stream_fd, unsigned flags, struct err *e);
/** Wait until the container has ended. */
int monitor_wait(int conn, struct exit_record *ret, struct err *e);
/** The two halves of that, for callers that poll several descriptors. @flags: WAIT_REAP if the
 * caller reaps the container before it closes the connection. */
int monitor_wait_begin(int conn, unsigned flags, struct err *e);
int monitor_wait_end(int conn, struct exit_record *ret, struct err *e);
/** Size of the terminal; -ENOTTY without one. */
int monitor_resize(int conn, unsigned rows, unsigned cols, struct err *e);
/** Its disks have got rates. Does not wait for the answer. */
int monitor_rated(int conn, struct err *e);
/** Returns once everything that the container has written until now is in its log. Waits for ever
 * while an attached client does not read: monitor_patience() where that matters. */
int monitor_log_sync(int conn, struct err *e);
/** Right version, and all texts ended: to be asked of a record from a file or a socket. Ends them.
 */
bool exit_record_check(struct exit_record *x);

enum { MONITOR_FD_COUNT = MONITOR_FD_END - MONITOR_RUN_FD };
/**
 * Become hull-monitor, or hull-keeper: execute @program (O_PATH descriptor) with descriptor @fds[i]
 * at number MONITOR_RUN_FD + i (-1: closed), @null at 0, 1 and 2, and nothing else open. @name and
 * @id are for ps. Returns only on failure, with descriptors in disorder: then end.
 */
void monitor_execute(int program, int null, const int fds[MONITOR_FD_COUNT], bool keeper,
		     const char *name, const char *id);
