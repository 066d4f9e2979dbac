/* SPDX-License-Identifier: Apache-2.0 */
/* Running hull-transport and listening to it. One job is one process, and one registry. */
#pragma once

#include "base/arena.h"
#include "image/helper.h"
#include "transport/wire.h"

struct transport_job {
	struct helper helper;
	uint32_t last; /* id of a request */
};

#define TRANSPORT_JOB_NONE                                                                         \
	{                                                                                          \
		.helper = HELPER_NONE                                                              \
	}

/** Start it and wait until it is locked in. @proxies: the environment's are used. */
int transport_start(struct transport_job *j, const char *libexec, const struct transport_setup *s,
		    bool proxies, struct err *e);
/** Send @q, whose version and id are filled in; @fd stays the caller's, -1: none. */
int transport_ask(struct transport_job *j, struct transport_request *q, int fd, struct err *e);
/** Take one message (blocks for it). 0, or negative errno: the process is gone. */
int transport_hear(struct transport_job *j, struct transport_message *ret, struct err *e);
/** Ask and wait for the end of it; no other may be under way. -errno also when the registry
 * refuses: then @ret->status says how. */
int transport_call(struct transport_job *j, struct transport_request *q, int fd,
		   struct transport_message *ret, struct err *e);
void transport_stop(struct transport_job *j);
