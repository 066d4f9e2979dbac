/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP/1.1 or 1.0 request (RFC 9112) taken apart. Strict: what could be read in two
 * ways is refused, since a proxy before us may read it in the other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	HTTP_HEAD_MAX = 64 * 1024, /* request line and headers: a registry's credentials are one */
	HTTP_HEADERS_MAX = 100,
	HTTP_PARAMS_MAX = 1000
};

struct http_request {
	const char *method;
	char *path;         /* decoded, begins with '/' */
	struct kvs params;  /* of the query, decoded; a key may repeat */
	struct kvs headers; /* names in lower case */
	uint64_t length;    /* of the body */
	bool chunked;       /* of unknown length instead */
	bool keep;          /* the connection is to be used again */
	bool old;           /* HTTP/1.0: no chunks, a connection for each */
	bool upgrade;       /* "Connection: Upgrade" */
	bool expects;       /* "Expect: 100-continue" */
};

/** @head: @len bytes up to the empty line and with it. Everything lives in @a. -EINVAL;
 * -EPROTONOSUPPORT: another version of HTTP. */
int http_parse(const char *head, size_t len, struct arena *a, struct http_request *ret,
	       struct err *e);
/** Where the body begins, behind the empty line; 0: the head is not complete. */
size_t http_head_end(const char *data, size_t len);
/** The first value, or NULL. */
const char *http_header(const struct http_request *q, const char *name);
const char *http_param(const struct http_request *q, const char *name);
/** The line that begins a chunk: its size. 0 or -EINVAL. */
int http_parse_chunk(const char *line, uint64_t *ret);
