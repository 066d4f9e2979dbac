/* SPDX-License-Identifier: Apache-2.0 */
/* --mount type=bind,src=/a,dst=/b,ro: docker's comma-separated form. */
#pragma once

#include "spec/docker.h"

enum { MOUNT_TEXT_MAX = 64 * 1024, MOUNT_FIELDS_MAX = 64 };

/** Parse one --mount. A relative bind source beginning with '.' becomes absolute. The texts are
 *  docker's ("invalid field 'x' must be a key=value pair"). Everything lives in @a. */
int mount_option_parse(const char *text, struct docker_mount *ret, struct arena *a, struct err *e);
/** Split one record of comma-separated values as Go's encoding/csv does: "a,""b""" quotes. */
int csv_split(const char *text, struct strv *ret, struct arena *a, struct err *e);
