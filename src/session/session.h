/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-session: the session of one client that has BuildKit's side of a build in it, as nobody and
 * locked in. Whoever builds asks it for files, secrets, credentials and agents of ssh, and it asks
 * the client, by gRPC. Read wire.h, grpc.h and files.h, then session.c.
 */
#pragma once

#include "base/err.h"

/** Give up everything but the descriptors that are there. */
int confine(struct err *e);
/** Until the client leaves, or the other end of SESSION_FD_SOCKET does. */
void session_run(void);
