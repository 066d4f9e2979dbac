/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine and hull-transport say to each other: a setup, then requests and messages, over a
 * SOCK_SEQPACKET pair. Fixed-size structs of one machine.
 *
 * hull-transport is the only process that speaks HTTP and TLS. One of them talks to one registry,
 * with that registry's credentials and no others; it has no file of the store by name, only the
 * pipes and files without a name that come with requests. It proves nothing: length and digest of
 * all that it brings are checked by who reads it.
 *
 * Invariant: TRANSPORT_FAILED of a transfer is sent before its descriptor is closed, so that
 * whoever sees the early end of a stream finds the reason on the socket.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum {
	TRANSPORT_VERSION = 1,
	TRANSPORT_SOCKET_FD = 3,
	TRANSPORT_HOST_MAX = 512,
	TRANSPORT_PATH_MAX = 1024, /* of a URL, without its host */
	TRANSPORT_SCOPE_MAX = 1024,
	TRANSPORT_SECRET_MAX = 8192,
	TRANSPORT_TYPE_MAX = 128,
	TRANSPORT_DIGEST_MAX = 72, /* "sha256:<hex>" */
	TRANSPORT_FILE_MAX = 4096,
	TRANSPORT_AT_ONCE_MAX = 64,
};

enum transport_flag {
	TRANSPORT_ANY_CERTIFICATE = 1, /* the user said that this registry is insecure */
	TRANSPORT_PLAIN = 2,           /* http, where https fails */
};

struct transport_setup {
	uint32_t version;
	uint32_t flags;    /* enum transport_flag */
	uint32_t timeout;  /* seconds without a byte after which a connection is given up */
	uint32_t attempts; /* of one request, until it gets on */
	char host[TRANSPORT_HOST_MAX]; /* HOST[:PORT] */
	char user[TRANSPORT_PATH_MAX]; /* "": nobody */
	char secret[TRANSPORT_SECRET_MAX];
	char identity[TRANSPORT_SECRET_MAX]; /* a token that stands for user and secret, or "" */
	char scope[TRANSPORT_SCOPE_MAX];     /* asked for with a token, blank between them; "" */
	/* Read before it locks itself in: the system's certificates, and folders (or "") with
	 * *.crt, and *.cert beside *.key, as docker's certs.d has them. */
	char roots[TRANSPORT_FILE_MAX], certs[2][TRANSPORT_FILE_MAX];
};

enum transport_op {
	TRANSPORT_GET = 1, /* + 1 descriptor: the body goes there */
	TRANSPORT_HEAD,
	TRANSPORT_PUT,    /* + 1 descriptor: the body, @size bytes; a manifest */
	TRANSPORT_UPLOAD, /* + 1 descriptor, or none where it can only be mounted: a blob. @path is
			   * that of an upload's beginning */
};

struct transport_request {
	uint32_t version;
	uint32_t op;       /* enum transport_op */
	uint32_t id;       /* of the caller's choice; comes back with each message about it */
	uint32_t manifest; /* GET, HEAD: the types of manifests are accepted */
	uint64_t size;     /* of the body; GET: exactly so many, or UINT64_MAX: at most @most */
	uint64_t most;
	char path[TRANSPORT_PATH_MAX];     /* "/v2/library/busybox/manifests/latest" */
	char type[TRANSPORT_TYPE_MAX];     /* of what is sent */
	char digest[TRANSPORT_DIGEST_MAX]; /* UPLOAD */
	char from[TRANSPORT_PATH_MAX]; /* UPLOAD: a repository of this registry that may have it */
};

enum transport_message_op {
	TRANSPORT_PROGRESS = 1, /* done */
	TRANSPORT_DONE,
	TRANSPORT_FAILED, /* err */
};

struct transport_message {
	uint32_t version;
	uint32_t op; /* enum transport_message_op */
	uint32_t id;
	uint32_t status;                   /* of HTTP; 0: there was no answer */
	uint32_t plain;                    /* it came by http */
	uint32_t mounted;                  /* UPLOAD: no byte was sent */
	uint64_t done;                     /* bytes of the body so far */
	uint64_t length;                   /* HEAD: of the body that a GET would give */
	char type[TRANSPORT_TYPE_MAX];     /* Content-Type */
	char digest[TRANSPORT_DIGEST_MAX]; /* Docker-Content-Digest, if it is one */
	char next[TRANSPORT_PATH_MAX];     /* Link of a list that goes on, or "" */
	struct err err;
};
