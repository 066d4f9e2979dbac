/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of a client, as the process sees it that serves it: requests come in, one after
 * the other, and for each an answer goes out: whole, as a stream in chunks, or by giving up HTTP
 * and taking the socket over (docker's "hijack").
 *
 * Who serves a connection does nothing else, so every read and write just waits.
 */
#pragma once

#include <json-c/json.h>

#include "api/http_parse.h"
#include "api/turn.h"

enum {
	HTTP_BODY_MAX = 16 << 20, /* of what is read into memory */
	HTTP_BODY_SECONDS = 60,   /* until some of it comes; */
	HTTP_BODY_RATE = 1000,    /* and bytes that must come in a second, over all */
	HTTP_PAUSE_SECONDS = 600, /* where it may come out of a pipe of the user's */
	HTTP_GONE = 2             /* exit code of a child whose client takes no more */
};

struct http {
	int fd;
	int life; /* its other end is closed when the listener has gone; or -1 */
	char buf[HTTP_HEAD_MAX];
	size_t at, len;                 /* what of it was read and not taken yet */
	int64_t patience, patience_max; /* ms that the client may still let us wait */
	struct http_request q;
	uint64_t left;   /* of the body, or of its chunk */
	bool body_ended; /* all of it was taken */
	bool lost;       /* another process reads the body: nothing more can follow */
	bool answered;   /* a status line went out */
	bool streaming;  /* in chunks, or to the connection's end */
	bool taken;      /* no HTTP any more */
	bool hurried;    /* the patience is also for what the client must take */
	bool read_only;  /* of the socket that it came by */
	bool page;       /* it came by the port of --page: only for routes with ROUTE_PAGE */
	int shared;      /* a file of all who serve the page, see page.c */
	const struct turns *turns; /* or NULL; and whose place is its own */
	size_t place;
	bool queues;         /* for this request a turn is taken */
	const char *headers; /* more of them, for each answer; or NULL */
};

/** Wait for a request and parse its head, into @a. 1; 0: the client or the listener has gone;
 * negative errno: what came is no request (@e is filled, the connection must end). */
int http_next(struct http *h, struct arena *a, struct err *e);
/** It is one that waits for its turn, which it does once all of it is there. */
void http_queue(struct http *h);
/** Take some of the body: bytes, 0 at its end, or negative errno. */
ssize_t http_read(struct http *h, void *buf, size_t size);
/** All of it, at most HTTP_BODY_MAX. */
int http_read_all(struct http *h, struct arena *a, char **ret, size_t *ret_len, struct err *e);
/** A descriptor that gives the body: of a pipe that a child of ours fills. The client may let us
 * wait @seconds; where it does not come any more, this process ends. */
int http_body_fd(struct http *h, int seconds, struct err *e);

/** A whole answer. @type NULL: none, and no body. */
void http_answer(struct http *h, int status, const char *type, const void *body, size_t len);
/** One more header for the answer to come; "" for none. @name and @value live until then. */
void http_begin(struct http *h, int status, const char *type, const char *headers);
/** A part of a stream that http_begin() began, at once. The process ends when the client is gone.
 */
void http_write(struct http *h, const void *data, size_t len);
/** Nothing more follows. Without it, what was streamed counts as cut off. */
void http_end(struct http *h);
/** A stream whose bytes are written into `fd`, by programs that know nothing of HTTP. What was
 * answered ends with it: as a failure if @r is one, which is the result; nothing was answered where
 * it comes before the first byte. A client that lets us wait @seconds, as for a body, is cut off.
 */
struct http_pipe {
	int fd; /* -1: closed */
	pid_t pid;
};
int http_pipe_open(struct http *h, const char *type, const char *headers, int seconds,
		   struct http_pipe *ret, struct err *e);
int http_pipe_end(struct http *h, const char *type, const char *headers, struct http_pipe *p,
		  int r);
/** From now on the socket is a plain stream; @type of it. The client has read the head, unless it
 *  took more than a second. */
void http_hijack(struct http *h, const char *type);
/** From now on the socket is the caller's; @headers of the answer, a line each. */
void http_take_over(struct http *h, int status, const char *headers);
/** What follows only answers: when the client leaves, this process ends. */
void http_end_with_client(const struct http *h);
