/* SPDX-License-Identifier: Apache-2.0 */
/* Printing what a question came to (diagnose/story.h). */
#pragma once

#include <stdbool.h>

#include "diagnose/story.h"

/** For people: the verdict first; or with @json as one line of JSON. @about: what the question was
 *  about. */
void story_print(const struct story *s, const char *about, bool json);
