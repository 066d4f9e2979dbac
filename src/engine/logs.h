/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container's log back, as hull-monitor wrote it (base/logformat.h): json-file and local,
 * through the rotated files, oldest record first. Memory is bounded by the longest record, whatever
 * the files hold. A record that is torn or no record at all is skipped. A file that was compressed
 * (.gz: log_pack.c) is unpacked by hull-unpack, one at a time, into a file without a name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wire.h"

struct logs_record {
	int stream; /* 1 stdout, 2 stderr */
	int64_t time_ns;
	const char *bytes; /* valid during the callback */
	size_t len;        /* with the newline, if this is a line's end */
	bool begins_line; /* the record of this stream before ended a line: where --timestamps go */
	const char *attrs; /* JSON object of the record ("" for none): --details */
	size_t attrs_len;
};

/** Negative: stop reading and return that. */
typedef int (*logs_fn)(const struct logs_record *r, void *ctx);

struct logs_query {
	enum log_driver driver;
	const char *id;
	const char *libexec;  /* where hull-unpack is */
	int64_t tail;         /* last lines only; -1: all */
	int64_t since, until; /* ns since 1970, inclusive; 0: no bound */
	bool no_stdout, no_stderr;
	bool follow;
	/* While following: so many files were written and rotated away before they were read.
	 * Called where their records are missing. May be NULL. */
	void (*missed)(uint64_t files, void *ctx);
	int end_fd; /* follow until this is readable or hung up (pidfd, or the connection on which
		     * monitor_wait_begin was called), then read what is there and return; -1: for
		     * ever */
	/* Asked then: the next end_fd, or -1 if that was the end. May be NULL. */
	int (*ended)(void *ctx);
};

struct logs_result {
	uint64_t records;
	uint64_t skipped;    /* lines or stretches that are no record */
	uint32_t unreadable; /* older files that are compressed and could not be unpacked whole */
};

/**
 * Call @fn for each record of the log in the folder @dir_fd. With follow and end_fd the caller
 * should have asked for monitor_log_sync before a plain read, so that the log is complete. A log
 * that does not exist (yet) is empty. @ret may be NULL. Errors: -ENOTSUP for drivers that cannot be
 * read back.
 */
int logs_read(int dir_fd, const struct logs_query *q, logs_fn fn, void *ctx,
	      struct logs_result *ret, struct err *e);
