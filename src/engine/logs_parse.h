/* SPDX-License-Identifier: Apache-2.0 */
/* One record out of the bytes of a log file. Foreign bytes: a container's owner may edit its log.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "engine/logs.h"

/**
 * A line of a json-file (without its newline). Strings are unescaped in place, so @line is changed
 * and
 * @ret points into it. 0, or -EINVAL. Unknown members are skipped; "log" and "time" must be there.
 */
int logs_parse_json(char *line, size_t len, struct logs_record *ret);
/** A record of a local log at @data: its length, 0 when it is not all there yet, -EINVAL. */
ssize_t logs_parse_local(const char *data, size_t len, struct logs_record *ret);
