/* SPDX-License-Identifier: Apache-2.0 */
/* What POST /build needs of a client's other requests. Read session.c. */
#pragma once

#include "api/api.h"
#include "engine/waiting.h"

/** Under which name the "session", "upload" or "cancel" of @id waits. */
void rendezvous_name(const char *what, const char *id, char ret[ID_LEN + 1]);
/** Wait for the session that the request names, for a while. */
void session_await(struct call *c);
/** The body is the context of the build @id, another request. */
int session_upload(struct call *c, const char *id, struct err *e);
/** That context; a descriptor. */
int session_take_upload(struct call *c, const char *id, struct err *e);
/** From now on POST /build/cancel ends the build @id by a signal to this process. */
int session_await_cancel(struct call *c, const char *id, struct waiting *w, struct err *e);
