/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket (RFC 6455) in the place of a plain stream: a process of its own turns frames into
 * bytes and back, so whoever the stream is handed to knows nothing of it. Read ws_frame.h next.
 */
#pragma once

#include "api/http.h"

/** Does the request ask for one, as it must? -EINVAL. */
int websocket_check(const struct http_request *q, struct err *e);
/** Answer it: from now on @h's socket is one end of a pair, with bytes alone. What is written there
 * goes out in binary frames, or as @text; with @framed it has docker's frames, whose heads are left
 * out. Call websocket_check() first. */
int websocket_open(struct http *h, bool framed, bool text, struct err *e);
