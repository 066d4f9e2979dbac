/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One registry and the transfers with it. A transfer is one request of the engine; it may take
 * several of HTTP: after a challenge, a redirect, a broken connection.
 *
 * Invariant: credentials and tokens go to the registry's own origin (scheme, host and port) and to
 * the token service that it named, and nowhere else.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "transport/headers.h"
#include "transport/wire.h"

enum {
	CLIENT_URL_MAX = 8192,
	CLIENT_ERROR_BODY_MAX = 64 << 10,
	CLIENT_HEADERS_MAX = 64 << 10,
	CLIENT_ETAG_MAX = 128
};

struct client {
	struct transport_setup setup;
	CURLM *multi;
	bool plain;    /* http from now on */
	bool answered; /* the registry spoke to us: what comes later does not change `plain` */
	bool basic;    /* it wants user and secret with each request */
	char token[TRANSPORT_SECRET_MAX];
	unsigned serial; /* of the token, and of `basic` */
	struct curl_blob roots, cert, key;
	struct transfer *transfers;
	size_t count; /* of the engine's */
	size_t ahead; /* parts that are in memory, see ranges.c */
};

/** What came back in one answer of HTTP. */
struct answer {
	long status;
	size_t header_bytes;
	uint64_t length, first, total; /* Content-Length, Content-Range */
	uint64_t stored, chunk;        /* Range of an upload: the next byte; OCI-Chunk-Min-Length */
	bool has_length, has_range, has_stored;
	int64_t retry_after; /* seconds, -1: not said */
	struct challenge challenge;
	char type[TRANSPORT_TYPE_MAX], digest[TRANSPORT_DIGEST_MAX], next[TRANSPORT_PATH_MAX];
	char location[CLIENT_URL_MAX], etag[CLIENT_ETAG_MAX];
};

/* Of an upload: where to; a chunk of it; what of it is there; the rest, and its digest. */
enum step { STEP_PLAIN, STEP_BEGIN, STEP_CHUNK, STEP_STATUS, STEP_SEND };

struct transfer {
	struct client *client;
	struct transfer *next;
	struct transport_request q;
	int fd;     /* or -1 */
	CURL *easy; /* NULL: it waits until `due` */
	struct curl_slist *headers;
	enum step step;
	char url[CLIENT_URL_MAX];
	bool foreign; /* @url has another origin than the registry */
	unsigned redirects, attempts, serial;
	bool challenged;     /* since the last good answer */
	int64_t due;         /* ms since boot */
	uint64_t done, told; /* bytes of the body that are where they belong */
	/* Of an upload: */
	uint64_t stored;              /* bytes that the registry has */
	uint64_t farthest;            /* that it had: who gets on may fail anew */
	uint64_t chunk;               /* bytes at a time; UINT64_MAX: all at once */
	uint64_t end;                 /* of what this request sends */
	char session[CLIENT_URL_MAX]; /* where it goes on */

	uint64_t skip; /* bytes to pass over: they were written before */
	uint64_t from; /* asked for with Range, until its first byte is there */
	bool ranged;   /* a Range was asked for, and its answer is still to come */
	/* Of a large body in parts (ranges.c): */
	uint64_t until;   /* its own request ends there; 0: where the body does */
	uint64_t planned; /* up to there parts are asked for; 0: none are */
	bool idle;        /* it has no request: its parts come first, or it is one, and whole */
	bool dead;        /* to be freed when the loop comes round */
	struct transfer *parent;    /* it is a part of that one */
	uint64_t base;              /* a part: where it begins in the body */
	uint64_t taken;             /* a part: bytes that went on */
	char *hold;                 /* a part: its bytes */
	char etag[CLIENT_ETAG_MAX]; /* that its parts must have, too */
	bool paused, too_long;      /* the pipe is full; more than was promised */
	int fd_error;               /* of writing */
	struct answer answer;
	struct strbuf said; /* the body of a failure */
	char error[CURL_ERROR_SIZE];
};

/* ---- client.c: the loop ---- */

/** Read what the setup names, and make ready; before confine(). */
int client_open(struct client *c, struct err *e);
/** Serve requests until the engine closes the socket. */
int client_serve(struct client *c);
/** What every request has in common. NULL without memory. */
CURL *client_easy(struct client *c, const char *url);
/** "https://HOST" */
void client_base(const struct client *c, char ret[static CLIENT_URL_MAX]);
bool client_same_origin(const char *a, const char *b);

/* ---- transfer.c ---- */

/** Take over @q and @fd. */
void transfer_new(struct client *c, const struct transport_request *q, int fd);
/** Begin the next request of HTTP. */
void transfer_begin(struct transfer *t);
/** It has ended so. */
void transfer_ended(struct transfer *t, CURLcode code);
void transfer_free(struct transfer *t);

/** It is over; the engine hears of it before the descriptor is closed: see wire.h. @why: NULL:
 * well.
 */
void transfer_finish(struct transfer *t, const struct err *why);
/** Again, when @ms have passed. */
void transfer_later(struct transfer *t, int64_t ms);
/** Write as much as there is room for. The number of bytes, or -1 with t->fd_error. */
ssize_t transfer_put(struct transfer *t, const char *data, size_t len);
/** Writing has failed so. */
void transfer_write_failed(struct transfer *t);

/* ---- ranges.c: large bodies in parts, side by side ---- */

/** A new transfer: is it to be in parts? */
void ranges_begin(struct transfer *t);
/** The Range of its next request, or "". */
void ranges_header(struct transfer *t, char ret[static 64]);
/** The answer to it has begun. false: this answer is of no use. */
bool ranges_answered(struct transfer *t);
/** The first part of it is there, or more of its parts: pass on what can be, and ask for more. */
void ranges_pump(struct transfer *t);
/** A part has ended. */
void ranges_part_ended(struct transfer *part, const struct err *why);
/** Without parts from now on. */
void ranges_give_up(struct transfer *t);
/** Free what is dead. */
void ranges_sweep(struct client *c);

/* ---- auth.c ---- */

/** Get what @challenge asks for. 0, or -EACCES and the like with @e filled. */
int auth_answer(struct client *c, const struct challenge *challenge, struct err *e);
/** Give a request what the registry wants. */
void auth_apply(const struct client *c, CURL *easy);
/** The words of a registry's failure: {"errors": [{"code": ..., "message": ...}]}. */
void auth_error_text(const struct strbuf *body, char *ret, size_t size);
