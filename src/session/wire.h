/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hulld and hull-session, one for each session of a client, say to each other. hulld starts it
 * with descriptors by number and, once the client has its answer, one byte over the socket; whoever
 * builds then connects to the listener, once for each thing that he wants of the client.
 */
#pragma once

#include "base/err.h"

enum {
	SESSION_FD_SOCKET =
		3,           /* SOCK_SEQPACKET: a struct err comes (number 0: ready), a byte goes */
	SESSION_FD_CLIENT,   /* HTTP/2, in which the client serves gRPC */
	SESSION_FD_LISTENER, /* SOCK_SEQPACKET: one request and its answer for each connection */
	SESSION_VERSION = 1,
	SESSION_TEXT_MAX = 32 << 10, /* of all that a request says */
	SESSION_PATTERNS_MAX = 1000,
	SESSION_SECRET_MAX = 500 << 10,
	SESSION_CALLS_MAX = 64, /* at the same time */
};

enum session_op {
	SESSION_FILES,       /* of the folder that the client calls by the first text */
	SESSION_SECRET,      /* of that id */
	SESSION_CREDENTIALS, /* for that registry: "USER\0SECRET" */
	SESSION_AGENT,       /* of ssh, of that id, for as long as the connection stays */
	SESSION_OPS
};

/** With one descriptor, an empty file where the answer goes (of SESSION_FILES a tar), or of
 * SESSION_AGENT the listening socket. The answer is a struct err: number 0; ENOENT where the client
 * has no such thing. */
struct session_request {
	uint32_t version, op;
	uint32_t wanted;   /* SESSION_FILES: so many texts behind the first name what is wanted, or
			      all; */
	uint32_t unwanted; /* so many behind these are patterns of what is not */
	char texts[SESSION_TEXT_MAX]; /* each ends with a NUL; the message ends with the last */
};
