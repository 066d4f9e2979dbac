/* SPDX-License-Identifier: Apache-2.0 */
/* JSON for people, as docker inspect prints it: four blanks, "key": value, empty ones on one line.
 */
#pragma once

#include <json-c/json.h>

#include "base/strbuf.h"

/** Append @o; @depth: how far it stands inside. At most JSON_DEPTH_MAX deep. */
void json_print(struct strbuf *out, struct json_object *o, int depth);
