/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hulld and hull-tls, one for each connection, say to each other: descriptors by number, and
 * one message over the socket (image/helper.h).
 */
#pragma once

enum {
	TLS_FD_SOCKET = 3, /* SOCK_SEQPACKET: the message. Its end ends a handshake */
	TLS_FD_CLIENT,     /* the connection; not there: the files are to be looked at only */
	TLS_FD_STREAM,     /* what the client says goes here in plain, and back */
	TLS_FD_CA,         /* PEM: who may sign certificates of clients */
	TLS_FD_CERT,       /* PEM: our certificate, and those between it and its root */
	TLS_FD_KEY,        /* PEM */
	TLS_FD_CRL,        /* PEM: whose certificates do not count any more; may be not there */
	TLS_MESSAGE_MAX = 512,
	TLS_HANDSHAKE_SECONDS = 10,
};
/* The message: TLS_READY alone, once the client has shown a certificate that is good, or TLS_FAILED
 * and the reason. */
#define TLS_READY '+'
#define TLS_FAILED '-'
