/* SPDX-License-Identifier: Apache-2.0 */
/* Small texts that several lists share: shortened ids and cells, local times, joined labels. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/** At most @max characters, the last one "…" when something was cut off. */
char *text_ellipsis(struct arena *a, const char *text, size_t max);
/** How many bytes the control character has that @text begins with; 0 if it begins with none. Those
 * from U+0080 on command terminals as well: U+009B is "ESC [". */
size_t text_control(const char *text);
/** Without control characters: blanks for white space, else question marks. */
const char *text_plain(struct arena *a, const char *text);
/** Go's strconv.Quote: in double quotes, with escapes. */
char *text_quote(struct arena *a, const char *text);
/** "2026-11-22 03:19:14 +0000 UTC", in the local zone. */
char *text_time(struct arena *a, int64_t real_ns);
/** "3 minutes ago" */
char *text_ago(struct arena *a, int64_t real_ns);
/** "1.2MB" */
char *text_size(struct arena *a, int64_t bytes);
/** The first twelve digits, or all of them behind "sha256:". */
char *text_image_id(struct arena *a, const char *id, bool whole);
/** "a=1,b=2", ordered by key. */
char *text_labels(struct arena *a, const struct kvs *labels);
