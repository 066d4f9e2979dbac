/* SPDX-License-Identifier: Apache-2.0 */
/* The local driver: compact binary records, see base/logformat.h. Read log.h first. */
#include <string.h>

#include "monitor/log.h"

static size_t local_put(struct log *l, const struct log_piece *p, uint8_t *out)
{
	struct log_local_head h = {
		.len = (uint32_t)p->len, .stream = p->stream, .time_ns = p->time_ns};
	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), p->text, p->len);
	memcpy(out + sizeof(h) + p->len, &h.len, sizeof(h.len));
	return sizeof(h) + p->len + sizeof(h.len);
}

const struct log_ops log_local_ops = {LOG_LOCAL_SUFFIX, 1, local_put, logfile_write};
