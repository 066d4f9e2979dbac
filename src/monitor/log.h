/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a container: drivers as a table, and files that are rotated and survive a full disk.
 *
 * Bytes become records in two steps: log_encode() turns whole lines into a batch in memory, then
 * log_write() hands the batch over in one go. Between the two, inflight.c notes what is about to
 * happen. Invariant: a file of the log holds whole records only, at every moment but during a
 * write(2); what such a write left half done is cut off before the next one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/logformat.h"
#include "base/wire.h"

enum {
	LOG_RECORD_EXTRA = 2048, /* of one record beside its (escaped) text */
	LOG_BEGUN_MAX = LOG_PIECE_MAX + LOG_RECORD_EXTRA,
	LOG_BATCH_MAX = 6 * (LOG_PIECE_MAX + 1) + LOG_RECORD_EXTRA + 64 * 1024,
	LOG_NAME_MAX = 96,
	/* A want of memory or of descriptors may be over at once: it is not to cost what would be
	 * lost. */
	LOG_TRIES = 3,
};

struct log;

struct log_piece {
	const uint8_t *text;
	size_t len;
	uint8_t stream; /* 1, 2 */
	int64_t time_ns;
};

struct log_ops {
	const char *suffix; /* of the file; NULL: no file */
	size_t growth;      /* a byte becomes at most so many */
	/* Write the piece's record to @out; returns its length, at most growth * len +
	 * LOG_RECORD_EXTRA. */
	size_t (*put)(struct log *l, const struct log_piece *p, uint8_t *out);
	/* Hand over a batch. 0 or negative errno: nothing of it is to be found then. */
	int (*write)(struct log *l, const uint8_t *batch, size_t len);
};

struct log {
	const struct log_ops *ops;
	int dir_fd, fd;
	int socket;            /* journald, syslog */
	bool connected, stuck; /* syslog: the receiver did not take one */
	size_t begun_len;      /* and of one that it took in part this much is left */
	uint8_t *begun;        /* LOG_BEGUN_MAX bytes, whoever opens a log of syslog gives them */
	int64_t again_ms;      /* not connected before, CLOCK_BOOTTIME */
	struct syslog_config syslog;
	bool torn;              /* the end of the file may hold half a record */
	bool compress, rotated; /* rotated files are packed; one was not told of yet */
	uint32_t max_file;
	uint64_t max_size, size;
	uint64_t dropped; /* bytes of the container that could not be written */
	int64_t second;   /* the one that `second_text` spells */
	char second_text[20];
	char name[LOG_NAME_MAX]; /* of the file */
	char id[65], container_name[129], tag[256], attrs[1024];
};

extern const struct log_ops log_json_ops, log_local_ops, log_journald_ops, log_syslog_ops,
	log_none_ops;

/** Set up from the configuration; a folder that cannot be opened counts as a full disk. */
void log_open(struct log *l, const struct monitor_config *c);
/** Length of the next record's text at the front of @text: a line with its newline, or a piece of
 *  one; 0 when the line has no end yet and @final is false. */
size_t log_cut(const uint8_t *text, size_t len, bool final);
/**
 * Encode records from the front of @text into @batch (LOG_BATCH_MAX bytes) as long as they fit
 * there and into the current file. Returns the bytes of @text used; *ret_len is the batch's length.
 */
size_t log_encode(struct log *l, uint8_t stream, const uint8_t *text, size_t len, bool final,
		  uint8_t *batch, size_t *ret_len);
/** Write a batch that stands for @raw bytes of the container; counts them when it cannot. */
void log_write(struct log *l, const uint8_t *batch, size_t len, size_t raw);
/** Make the current file if there is none, rotate it if it is full. To be called before log_encode.
 */
void log_prepare(struct log *l);
/** Undo a write that may have been interrupted: cut the file to @size, if it is inode @inode. */
void log_rewind(struct log *l, uint64_t inode, uint64_t size);
/** Inode of the current file, 0 for none. */
uint64_t log_inode(const struct log *l);

/* file.c, for the drivers */
void logfile_open(struct log *l, bool make);
int logfile_write(struct log *l, const uint8_t *batch, size_t len);
void logfile_rotate(struct log *l);
/** Is there a file of that name? Not by faccessat(2), which the monitor's filter does not know. */
bool logfile_exists(int dir_fd, const char *name);
/* log_journald.c */
/** Send the records of @batch, each behind its length (uint32_t), with @one; a record whose
 * connection was found broken a second time. What the last failure was, or 0. */
int log_send_row(struct log *l, const uint8_t *batch, size_t len,
		 int (*one)(struct log *l, const uint8_t *record, size_t len));
/* log_json.c */
/** RFC 3339 with nanoseconds as Go writes it; returns the end of the text (no NUL). */
uint8_t *log_put_time(struct log *l, int64_t time_ns, uint8_t *out);
/** JSON string contents as docker escapes them; returns the end. At most 6 * len bytes. */
uint8_t *log_put_json(const uint8_t *text, size_t len, uint8_t *out);
