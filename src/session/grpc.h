/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC over HTTP/2, as its client, upon a connection that is there: BuildKit has the roles so, the
 * docker client serves what the daemon asks for. A call is a stream of HTTP/2; messages go both
 * ways with a byte and their length in front. HTTP/2 itself is libnghttp2's.
 *
 * What the other end may make us keep is bounded: a message by GRPC_MESSAGE_MAX, and what came and
 * was not taken by the window of its stream.
 */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

enum {
	GRPC_MESSAGE_MAX = 1 << 20,
	GRPC_UP_MAX = 32 << 20, /* that waits to be sent, of one call */
	GRPC_WINDOW = 1 << 20,
	GRPC_NOT_FOUND = 5,
	GRPC_UNIMPLEMENTED = 12,
};

/** The connection. */
struct grpc {
	nghttp2_session *h2;
	int fd;            /* does not block */
	struct strbuf out; /* of it, from @sent on, the client has taken nothing yet */
	size_t sent;
};

/** One call. Its owner zeroes it but for the functions. */
struct grpc_call {
	/* A message has come; negative errno ends the call. */
	int (*message)(struct grpc_call *c, const void *message, size_t len, struct err *e);
	/* It has ended, by the client or by a failure; after it nothing comes any more. */
	void (*ended)(struct grpc_call *c);
	bool keeps; /* the owner says when bytes are taken: grpc_taken() */

	int32_t id; /* 0: it is not open */
	struct strbuf up, down;
	size_t up_at, kept;
	bool up_ended, answered; /* the client has sent a status, in @err */
	struct err err;          /* how it ended; number 0: well */
	char status[16], text[400];
};

/** @fd is the connection, and stays the caller's. */
int grpc_open(struct grpc *g, int fd, struct err *e);
void grpc_close(struct grpc *g);
/** Read what has come and hand it on, write what may be written. 0: the client has gone. */
int grpc_work(struct grpc *g, short events, struct err *e);
/** For poll(2). */
short grpc_events(const struct grpc *g);

/** Begin a call of @path; @metadata: @count pairs of name and value. */
int grpc_call(struct grpc *g, struct grpc_call *c, const char *path,
	      const char *const (*metadata)[2], size_t count, struct err *e);
void grpc_send(struct grpc *g, struct grpc_call *c, const void *message, size_t len);
/** Nothing more will be sent. */
void grpc_send_end(struct grpc *g, struct grpc_call *c);
/** All that came before was taken. */
void grpc_taken(struct grpc *g, struct grpc_call *c);
/** It is not wanted any more; ended() is not called. */
void grpc_cancel(struct grpc *g, struct grpc_call *c);
