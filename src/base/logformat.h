/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log files of a container, as hull-monitor writes them and engine/logs.c reads them back.
 *
 * json-file   <id>-json.log: docker's format, one object a line:
 *             {"log":"text\n","stream":"stdout","time":"2026-11-22T02:46:52.123456789Z"}
 * local       <id>-local.log: LOG_LOCAL_MAGIC, then records: struct log_local_head, the bytes as
 * the container wrote them (newline included), and the length once more (uint32_t), so that a
 * reader finds the last records of a file without reading the first.
 *
 * Numbers are of this machine (the files never leave it). Rotated files carry .1 (the newest), .2
 * and so on, and .gz behind that once they were compressed. A line longer than LOG_PIECE_MAX is
 * written in pieces, of which only the last one ends in a newline; pieces are cut between UTF-8
 * characters.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

enum {
	LOG_PIECE_MAX = 16384,          /* bytes of the container in one record, as docker */
	LOG_JSON_LINE_MAX = 160 * 1024, /* every byte escaped, and docker's attributes */
	LOG_FILES_MAX = 1000,
};

#define LOG_JSON_SUFFIX "-json.log"
#define LOG_LOCAL_SUFFIX "-local.log"
#define LOG_LOCAL_MAGIC "HULLLOG1"
enum { LOG_LOCAL_MAGIC_LEN = 8 };

struct log_local_head {
	uint32_t len;   /* of the bytes that follow: 1..LOG_PIECE_MAX + 1 */
	uint8_t stream; /* 1 stdout, 2 stderr */
	uint8_t zero[3];
	int64_t time_ns; /* CLOCK_REALTIME */
};
static_assert(sizeof(struct log_local_head) == 16, "the local log is a file format");
