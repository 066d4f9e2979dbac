/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-tls: one connection to hulld over TLS, as nobody and locked in. It asks the client for a
 * certificate; only then hulld hears of it, and gets plain bytes. Read wire.h, then main.c.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/err.h"
#include "tls/wire.h"

/** Give up everything but the descriptors that are there. */
int confine(struct err *e);
enum { TLS_FAULT_MAX = 400 };
/** From the files behind TLS_FD_*; never freed. Of a connection whose app data is a text of
 * TLS_FAULT_MAX bytes, that tells what was wrong with the client's certificate. */
int context_make(SSL_CTX **ret, struct err *e);
/** What OpenSSL had to say last. */
const char *last_reason(void);
/** Bytes in both directions until both have ended; each half ends by itself, a close_notify of TLS
 * being the shutdown(2) of the stream. The client's descriptor is non-blocking. False: the client
 * has gone in the middle of it. */
bool pump_run(SSL *ssl, int client, int stream);
