/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a container, complete as of now, and as long as it is followed. See logs.h. */
#pragma once

#include "base/strbuf.h"
#include "engine/engine.h"
#include "engine/logs.h"

/** logs_read() of container @c, as container_find() filled it. Of @q the caller gives what is
 * wanted: tail, since, until, the streams, follow, missed. -ENOTSUP: its driver keeps nothing that
 * can be read. */
int container_logs(struct engine *en, const struct container *c, const struct logs_query *q,
		   logs_fn fn, void *ctx, struct logs_result *ret, struct err *e);
/** -ENOTSUP where container_logs() would. */
int container_logs_readable(const struct container *c, struct err *e);
/** What stands before a line: "2026-11-22T02:46:52.100000000Z ", and "key=value,key2=value2 ". */
void logs_record_prefix(const struct logs_record *r, bool timestamps, bool details,
			struct strbuf *out);
