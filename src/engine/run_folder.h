/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run folder of a container, <runroot>/containers/<id>: its FIFOs, its monitor's socket and
 * configuration. base/wire.h says what lies in it.
 */
#pragma once

#include <sys/socket.h>

#include "base/wire.h"
#include "engine/internal.h"

/** What is open of a folder that was just made; -1: not there. */
struct run_folder {
	int dir, config, control;
	int stdin_read, stdin_write, stdout_fd, stderr_fd; /* -1 with a terminal */
	int terminal_fd;                                   /* -1 without */
	int flight_fd;
	int log_fd; /* syslog by the network */
};
#define RUN_FOLDER_CLOSED                                                                          \
	{                                                                                          \
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1                                             \
	}

/** Make it anew for @c; what an earlier run left in its place is removed. */
int run_folder_make(struct engine *en, const struct container *c, struct run_folder *ret,
		    struct err *e);
/** Passes @r on; if it says that --runroot is full, the hint says so too. */
int run_folder_full(const struct engine *en, int r, struct err *e);
void run_folder_close(struct run_folder *f);

/** Bind and listen at <run folder>/control; a descriptor or negative errno. */
int monitor_socket_make(int run_dir, struct err *e);
/** Whether disks have rates, for which the end of the container may have to wait. */
bool config_has_rates(const struct container_config *c);
/** Write what the monitor of @c must know into its run folder, and open it. */
int monitor_config_write(struct engine *en, const struct container *c, struct run_folder *f,
			 struct err *e);
/** The enum log_driver of that name; -EINVAL. */
int log_driver_find(const char *type, struct err *e);
/** Check --log-driver and --log-opt, and fill the log's part of @m; -EINVAL with docker's words. */
int log_options_read(const struct container *c, struct monitor_config *m, struct err *e);

/* log_syslog.c */
int syslog_options_read(const struct kvs *options, struct syslog_config *s, struct err *e);
/** Connect to it, and fill in what was not said: where, and which type. The socket. */
int syslog_open(struct syslog_config *s, struct err *e);
/** Is it a socket that a monitor cannot make? */
static inline bool syslog_is_remote(const struct syslog_config *s)
{
	return ((const struct sockaddr *)s->address)->sa_family != AF_UNIX;
}
