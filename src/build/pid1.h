/* SPDX-License-Identifier: Apache-2.0 */
/* Of a Dockerfile: whether the first process of its containers would hear the signal of a stop. */
#pragma once

#include "build/internal.h"

/** The instruction that makes a program PID 1 which certainly has no handler, with why in @ret, in
 * the memory of @b; NULL: there is none, or it is not certain. Nothing is built for it. */
const struct instruction *pid1_hears_nothing(struct build *b, char **ret);
